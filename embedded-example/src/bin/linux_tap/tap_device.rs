//! A TAP as smoltcp's device. smoltcp's own ends the program when the link goes down; with this one
//! a link that is down loses frames, as a cable does that is pulled out.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::AsRawFd as _;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium, TunTapInterface};
use smoltcp::time::{Duration, Instant};

/// A TAP that this process has opened.
#[derive(Debug)]
pub(crate) struct TapDevice {
    tap: File,
    /// The length in bytes of the longest frame.
    max_frame_len: usize,
    /// Why no further frame can arrive.
    failure: Option<io::Error>,
}

impl TapDevice {
    /// Opens the TAP `name`, or makes it.
    pub(crate) fn open(name: &str) -> io::Result<Self> {
        let tap = TunTapInterface::new(name, Medium::Ethernet)?;
        let max_frame_len = tap.capabilities().max_transmission_unit;
        // `TunTapInterface` shows its descriptor's number only; `pidfd_getfd` makes an owned copy.
        let process = pidfd_open(getpid(), PidfdFlags::empty())?;
        let copy = pidfd_getfd(process, tap.as_raw_fd(), PidfdGetfdFlags::empty())?;
        Ok(Self { tap: File::from(copy), max_frame_len, failure: None })
    }

    /// The error after which no further frame can arrive: the interface was deleted.
    pub(crate) const fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Sleeps until there is a frame, the interface is deleted, a signal arrives, or `timeout` has
    /// passed.
    pub(crate) fn wait(&self, timeout: Duration) -> io::Result<()> {
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(timeout.micros() as u32) * 1000,
        };
        match poll(&mut [PollFd::new(&self.tap, PollFlags::IN)], Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Device for TapDevice {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken<'a>;

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.max_frame_len;
        capabilities
    }

    fn receive(&mut self, _: Instant) -> Option<(RxToken, TxToken<'_>)> {
        let mut frame = vec![0; self.max_frame_len];
        match self.tap.read(&mut frame) {
            Ok(len) => {
                frame.truncate(len);
                Some((RxToken(frame), TxToken(&self.tap)))
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                None
            }
            Err(error) => {
                self.failure = Some(error);
                None
            }
        }
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_>> {
        Some(TxToken(&self.tap))
    }
}

/// A frame from the TAP.
pub(crate) struct RxToken(Vec<u8>);

impl phy::RxToken for RxToken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

/// The right to send a frame through the TAP.
pub(crate) struct TxToken<'a>(&'a File);

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let mut frame = vec![0; len];
        let result = fill(&mut frame);
        // While the link is down the system answers EIO. TCP sends again what is lost.
        if let Err(error) = rustix::io::write(self.0, &frame) {
            log::debug!("a frame is lost: {error}");
        }
        result
    }
}
