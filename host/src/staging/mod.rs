//! The file that becomes the target only when it is whole (R14), and the targets that never become
//! one.
//!
//! Data goes to `.NAME.part-XXXXXX` beside the target, so that the last step is a rename within one
//! folder: whatever happens, the target is the old file or the whole new one. An unfinished staging
//! file is removed when its [`Staging`] is dropped. A device, a pipe, a socket or a descriptor is
//! nothing that a rename may touch: `open_stream` opens it instead.

mod access_rights;
mod close;
mod entry;
mod error;
mod free_space;
mod rename;
mod staging_file;
mod target;
mod target_kind;

pub(crate) use close::flush;
pub use error::StagingError;
pub use staging_file::Staging;
pub use target::IfExists;
pub use target_kind::{TargetKind, open_stream};
