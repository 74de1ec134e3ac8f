//! Checks of a name that need no file system.

/// Checks a name as far as that needs no file system (R8). Names are never normalised: a name that
/// is not plain leads to no file.
///
/// # Errors
///
/// The reason why the name leads to no file.
pub(super) fn validate_name(name: &str, hidden: bool) -> Result<(), &'static str> {
    if name.contains(char::is_control) {
        return Err("a control character in the name");
    }
    if name.contains('\\') {
        return Err("a backslash in the name");
    }
    if name.starts_with('/') {
        return Err("an absolute name");
    }
    for component in name.split('/') {
        match component {
            "" => return Err("an empty component in the name"),
            "." | ".." => return Err("a `.` or `..` component in the name"),
            _ if component.starts_with('.') && !hidden => return Err("hidden"),
            _ => {}
        }
    }
    Ok(())
}
