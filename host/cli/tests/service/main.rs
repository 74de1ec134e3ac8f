//! What surrounds `fetchlet serve` as a service: addresses and inherited sockets. Every wait has a
//! deadline.

mod addresses;
mod fixture;
mod inherited;
mod namespace;
