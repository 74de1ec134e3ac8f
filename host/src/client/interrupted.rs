//! A call that a signal has interrupted is made again.

use std::io::{self, ErrorKind};

/// Makes `call` until it ends otherwise than with [`ErrorKind::Interrupted`], and returns how.
pub(super) fn until_done<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
