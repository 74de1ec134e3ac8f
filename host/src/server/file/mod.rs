//! From a filename to the bytes of an open file. Nothing else in the server touches paths.

mod bulkhead;
mod bulkheads;
mod current_root;
mod error;
mod file_system;
mod name;
mod open;
mod open_file;
mod options;
mod page_cache;
mod read;
mod remote;
mod root;
mod walk;

pub use error::RootError;
pub use options::{RootOptions, Symlinks};
pub use root::Root;

pub(super) use bulkheads::{Bulkheads, MAX_DISK_THREADS, MAX_HUNG_THREADS};
pub(super) use current_root::CurrentRoot;
pub(super) use error::LookupError;
pub(super) use open::{Opened, open};
pub(super) use open_file::OpenFile;
pub(super) use page_cache::ReadAhead;
pub(super) use read::{read_chunk, read_whole};
pub(super) use remote::RemoteFile;
