//! What surrounds `fetchlet serve` as a service: addresses, inherited sockets, the folder's
//! replacement, the shipped unit. Every wait has a deadline.

mod addresses;
mod fixture;
mod inherited;
mod manager;
mod namespace;
mod reload;
mod terminal;
mod unit;
