//! Which names of a served folder lead to a file.

/// What the server does about symbolic links below the served folder (R8).
///
/// Later releases may add variants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Symlinks {
    /// A name with a link in any component is not found.
    #[default]
    Deny,
    /// Links are followed as long as they are relative and never leave the folder. A link may lead
    /// to a hidden file.
    Inside,
}

/// Which names of a served folder lead to a file (R8).
///
/// Later releases may add fields: start from the defaults, and assign what should differ.
///
/// ```
/// let mut options = fetchlet::server::RootOptions::default();
/// options.hidden = true;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RootOptions {
    /// Whether symbolic links are followed. The folder itself may be reached through one.
    pub symlinks: Symlinks,
    /// Whether components that begin with `.` are served. `.` and `..` never are.
    pub hidden: bool,
}
