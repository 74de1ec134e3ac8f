//! A terminal with a person in front of it, who can stop it: a pseudoterminal.

use std::fs::File;
use std::io::{self, Read, Write};
use std::process::Stdio;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

use crate::child_process::{PATIENCE, readable};
use crate::deadline::until;

/// Ctrl-S, by which a terminal takes no more output, and Ctrl-Q, by which it does again.
const STOP: u8 = 0x13;
const GO_ON: u8 = 0x11;

/// A terminal that programs write to, and that nobody reads but this test.
#[derive(Debug)]
pub struct Terminal {
    person: File,
    program: File,
}

impl Terminal {
    /// Makes a terminal with the settings that the system gives a new one.
    ///
    /// # Errors
    ///
    /// If the system has no pseudoterminals, or no more of them.
    pub fn open() -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let person = openpt(flags)?;
        grantpt(&person)?;
        unlockpt(&person)?;
        let program = ioctl_tiocgptpeer(&person, flags)?;
        Ok(Self { person: person.into(), program: program.into() })
    }

    /// Returns the terminal as a stream of a program.
    ///
    /// # Errors
    ///
    /// If there are no descriptors left.
    pub fn stream(&self) -> io::Result<Stdio> {
        Ok(self.program.try_clone()?.into())
    }

    /// Presses Ctrl-S, and waits until the terminal takes no more output.
    ///
    /// # Errors
    ///
    /// If it still takes output after [`PATIENCE`].
    pub fn stop(&self) -> io::Result<()> {
        (&self.person).write_all(&[STOP])?;
        until(PATIENCE, || (!self.takes_output()).then_some(()))
            .ok_or_else(|| io::ErrorKind::TimedOut.into())
    }

    /// Presses Ctrl-Q: the terminal takes output again, at once or a moment later.
    ///
    /// # Errors
    ///
    /// Errors of the system.
    pub fn go_on(&self) -> io::Result<()> {
        (&self.person).write_all(&[GO_ON])
    }

    fn takes_output(&self) -> bool {
        let mut streams = [PollFd::new(&self.program, PollFlags::OUT)];
        poll(&mut streams, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    /// Reads until the terminal has shown `text`, which no escape sequence may cut.
    ///
    /// # Panics
    ///
    /// If the terminal shows nothing for [`PATIENCE`] before: with what it has shown until then.
    pub fn shows(&self, text: &str) {
        let mut shown = String::new();
        let mut chunk = [0; 4096];
        while !shown.contains(text) {
            assert!(
                readable(&self.person, PATIENCE).expect("a terminal"),
                "{text:?} is not in {shown:?}"
            );
            let len = (&self.person).read(&mut chunk).expect("a terminal");
            shown += &String::from_utf8_lossy(&chunk[..len]);
        }
    }
}
