//! A pcap file whose write errors are reported at the end: smoltcp's own writer panics over them.

use core::fmt;
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use smoltcp::phy::PcapSink;

/// The file that a [`PcapWriter`](smoltcp::phy::PcapWriter) writes to. Clones write to the same
/// file.
///
/// Each frame is flushed, so that the file is readable whenever the program ends.
#[derive(Clone)]
pub struct Capture(Rc<RefCell<Inner>>);

struct Inner {
    writer: Box<dyn Write>,
    failed: Option<io::Error>,
}

impl Capture {
    /// Captures into `writer`, which should be buffered.
    pub fn new(writer: impl Write + 'static) -> Self {
        Self(Rc::new(RefCell::new(Inner { writer: Box::new(writer), failed: None })))
    }

    /// Captures nothing.
    pub fn none() -> Self {
        Self::new(io::sink())
    }

    /// Reports whether every frame was written.
    ///
    /// # Errors
    ///
    /// The first error of the writer; nothing was written after it.
    pub fn finish(&self) -> io::Result<()> {
        self.0.borrow_mut().failed.take().map_or(Ok(()), Err)
    }

    fn attempt(&self, act: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let inner = &mut *self.0.borrow_mut();
        if inner.failed.is_none() {
            inner.failed = act(&mut inner.writer).err();
        }
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").finish_non_exhaustive()
    }
}

impl PcapSink for Capture {
    fn write(&mut self, data: &[u8]) {
        self.attempt(|writer| writer.write_all(data));
    }

    fn flush(&mut self) {
        self.attempt(|writer| writer.flush());
    }
}
