//! Writes lines to a stream from a thread of its own, so that whoever has a line never waits for
//! the stream: not for a pipe that nobody reads, a stopped terminal or a disk that hangs.

use std::io::{self, Write};
use std::mem;
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// How many bytes of lines wait for the stream; further lines are dropped. The line of an exchange
/// takes some 170 bytes: this holds 6,000.
const MAX_QUEUE_LEN: usize = 1024 * 1024;

/// The pause between two writes, so that a busy server pays at most 1,000 of them a second, and not
/// one per line. A person does not notice the delay.
const PAUSE: Duration = Duration::from_millis(1);

/// How much memory is kept from one write to the next: as much as a pipe takes, pipe(7).
const KEPT_LEN: usize = 64 * 1024;

/// Takes lines for a stream, and drops and counts those that find no room. Clones write to the same
/// stream.
#[derive(Clone, Debug)]
pub(crate) struct BackgroundWriter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
    written: Condvar,
}

/// The lines that wait for the thread.
#[derive(Debug, Default)]
struct Queue {
    lines: Vec<u8>,
    /// How many lines found no room since `lines` were taken last.
    dropped: u64,
    /// Whether the thread waits for lines.
    is_idle: bool,
    /// Whether the thread has yet to write a line.
    is_unwritten: bool,
    /// Whether somebody waits until all lines are written.
    is_awaited: bool,
    /// The thread, whose own lines are never dropped: they tell how many others were.
    thread: Option<ThreadId>,
}

impl BackgroundWriter {
    /// Starts the thread, which runs until the process ends. After lines were lost it calls
    /// `report` with their number, once there is room again.
    ///
    /// # Errors
    ///
    /// If the system allows no more threads.
    pub(crate) fn start(
        stream: impl AsFd + Send + 'static,
        report: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, filled, written) = (Mutex::default(), Condvar::new(), Condvar::new());
        let writer = Self(Arc::new(Shared { queue, filled, written }));
        let shared = Arc::clone(&writer.0);
        thread::Builder::new()
            .name("log".into())
            .spawn(move || shared.write_for_ever(&stream, &report))?;
        Ok(writer)
    }

    /// Waits until all lines are written, at most for `timeout`.
    pub(crate) fn flush_for(&self, timeout: Duration) {
        let Self(shared) = self;
        let mut queue = shared.lock();
        queue.is_awaited = true;
        // Whether they are written or not, there is no more time.
        drop(shared.written.wait_timeout_while(queue, timeout, |queue| queue.is_unwritten));
    }
}

impl Write for BackgroundWriter {
    /// Takes `line`, which has to be a whole one, or drops it. Never waits, never fails.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn push(&self, line: &[u8]) {
        let mut queue = self.lock();
        // After a dropped line all are, until the thread takes the queue: none overtakes another.
        let is_full =
            queue.dropped > 0 || line.len() > MAX_QUEUE_LEN.saturating_sub(queue.lines.len());
        if is_full && queue.thread != Some(thread::current().id()) {
            queue.dropped = queue.dropped.saturating_add(1);
            return;
        }
        queue.lines.extend_from_slice(line);
        queue.is_unwritten = true;
        if mem::take(&mut queue.is_idle) {
            drop(queue);
            self.filled.notify_one();
        }
    }

    fn write_for_ever(&self, stream: &impl AsFd, report: &impl Fn(u64)) {
        self.lock().thread = Some(thread::current().id());
        let mut lines = Vec::new();
        let mut lost: u64 = 0;
        loop {
            lost = lost.saturating_add(self.take(&mut lines));
            match write_all(stream, &lines) {
                Ok(()) if lost > 0 => report(mem::take(&mut lost)),
                Ok(()) => {}
                // Its reader is gone, or its disk is full: there may be room again.
                Err(unwritten) => lost = lost.saturating_add(count_lines(unwritten)),
            }
            self.tell_written();
            lines.clear();
            lines.shrink_to(KEPT_LEN);
            thread::sleep(PAUSE);
        }
    }

    /// Waits for lines, puts them into `lines`, which is empty, and returns how many were dropped
    /// after them.
    fn take(&self, lines: &mut Vec<u8>) -> u64 {
        let mut queue = self.lock();
        while queue.lines.is_empty() {
            queue.is_idle = true;
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        mem::swap(&mut queue.lines, lines);
        mem::take(&mut queue.dropped)
    }

    /// Wakes who waits until all is written, if it is.
    fn tell_written(&self) {
        let mut queue = self.lock();
        queue.is_unwritten = !queue.lines.is_empty();
        if !queue.is_unwritten && mem::take(&mut queue.is_awaited) {
            self.written.notify_all();
        }
    }

    /// Locks the queue. No code panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes `bytes` to a stream, without the locks that std has for stdout and stderr.
///
/// # Errors
///
/// The bytes that the stream did not take.
pub(crate) fn write_all(stream: impl AsFd, bytes: &[u8]) -> Result<(), &[u8]> {
    let mut unwritten = bytes;
    while !unwritten.is_empty() {
        match rustix::io::write(&stream, unwritten) {
            Ok(len) if len > 0 => unwritten = unwritten.get(len..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            // Another process that has the same stream made it non-blocking.
            Err(Errno::AGAIN) => {
                poll(&mut [PollFd::new(&stream, PollFlags::OUT)], None).ok();
            }
            Ok(_) | Err(_) => return Err(unwritten),
        }
    }
    Ok(())
}

/// Writes `text` to a stream in a thread of its own, and waits for that at most for `timeout`. What
/// the stream does not take is nobody's loss: its reader is gone.
///
/// # Errors
///
/// If the system allows no more threads.
pub(crate) fn write_within(
    timeout: Duration,
    stream: impl AsFd + Send + 'static,
    text: String,
) -> io::Result<()> {
    let (done, is_done) = mpsc::channel();
    thread::Builder::new().spawn(move || {
        write_all(stream, text.as_bytes()).ok();
        // Fails if that took too long.
        done.send(()).ok();
    })?;
    is_done.recv_timeout(timeout).ok();
    Ok(())
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, PipeWriter, pipe};

    /// Nothing here takes that long unless it is broken.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A line of 100 bytes.
    fn line(number: u32) -> String {
        format!("{number:099}\n")
    }

    /// A writer, and the counts that it reports: as a log line, and here.
    fn start(stream: PipeWriter) -> (BackgroundWriter, mpsc::Receiver<u64>) {
        let (sender, reports) = mpsc::channel();
        let this = Arc::new(Mutex::new(None::<BackgroundWriter>));
        let own = Arc::clone(&this);
        let writer = BackgroundWriter::start(stream, move |lost| {
            let writer = own.lock().unwrap().clone();
            writeln!(writer.unwrap(), "lost {lost}").unwrap();
            sender.send(lost).unwrap();
        });
        let writer = writer.unwrap();
        *this.lock().unwrap() = Some(writer.clone());
        (writer, reports)
    }

    #[test]
    fn lines_that_find_no_room_are_counted_and_the_others_are_in_order() {
        let (reader, stream) = pipe().unwrap();
        let (mut writer, reports) = start(stream);
        let count = 30_000;
        for number in 0..count {
            writer.write_all(line(number).as_bytes()).unwrap();
        }
        let (done, result) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
            let whole = lines.by_ref().take_while(|line| !line.starts_with("lost"));
            done.send(whole.collect::<Vec<_>>()).unwrap();
        });
        let lost = reports.recv_timeout(PATIENCE).unwrap();
        let lines = result.recv_timeout(PATIENCE).unwrap();
        assert!(
            lost > 0 && lines.len() as u64 + lost == u64::from(count),
            "{} {lost}",
            lines.len()
        );
        let expected = (0..).map(|number| line(number).trim_end().to_owned());
        assert!(lines.iter().eq(expected.take(lines.len()).collect::<Vec<_>>().iter()));
    }

    #[test]
    fn a_flush_ends_when_all_is_written_or_the_time_is_over() {
        let (reader, stream) = pipe().unwrap();
        let (mut writer, _reports) = start(stream);
        writer.write_all(b"one\n").unwrap();
        writer.flush_for(PATIENCE);
        let mut reader = BufReader::new(reader);
        let mut line = String::new();
        // It is there already, so that this does not wait.
        reader.read_line(&mut line).unwrap();
        assert_eq!(line, "one\n");
        for number in 0..2_000 {
            writer.write_all(self::line(number).as_bytes()).unwrap();
        }
        writer.flush_for(Duration::from_millis(20));
        drop(reader);
    }

    #[test]
    fn lines_that_a_stream_refuses_are_counted_as_well() {
        let (reader, stream) = pipe().unwrap();
        drop(reader);
        assert_eq!(write_all(&stream, b"one\ntwo\n"), Err(&b"one\ntwo\n"[..]));
        assert_eq!(count_lines(b"one\ntwo\n"), 2);
    }

    #[test]
    fn a_stream_that_another_made_non_blocking_is_waited_for() {
        let (mut reader, stream) = pipe().unwrap();
        rustix::io::ioctl_fionbio(&stream, true).unwrap();
        let bytes = vec![7; 1_000_000];
        let expected = bytes.clone();
        let writing = thread::spawn(move || write_all(&stream, &bytes).map_err(<[u8]>::len));
        let mut received = Vec::new();
        io::Read::read_to_end(&mut reader, &mut received).unwrap();
        assert_eq!(writing.join().unwrap(), Ok(()));
        assert!(received == expected);
    }
}
