//! What processes and the machine use, by the kernel's own account in `/proc`.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::process::Pid;

/// A process and its children, but not theirs: no server here has any.
///
/// # Errors
///
/// If there is no `/proc`.
pub fn family(root: Pid) -> io::Result<Vec<Pid>> {
    let entries = fs::read_dir("/proc")?.flatten();
    let pids =
        entries.filter_map(|it| it.file_name().to_str()?.parse().ok().and_then(Pid::from_raw));
    let parent = Some(root.as_raw_nonzero().get().into());
    // Those of others come and go meanwhile.
    let children = pids.filter(|pid| stat(*pid).is_ok_and(|it| it.number(1) == parent));
    Ok(std::iter::once(root).chain(children).collect())
}

/// Time of the processor, in user and kernel mode, with threads that have ended.
///
/// # Errors
///
/// If one of them has ended, or is somebody else's; so do the others here.
pub fn cpu(pids: &[Pid]) -> io::Result<Duration> {
    let ticks = sum(pids, |pid| Ok(stat(pid)?.sum(11..=12)))?;
    Ok(Duration::from_secs(ticks)
        / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100))
}

/// The most bytes of memory that each has ever used, added up.
///
/// # Errors
///
/// As [`cpu`].
pub fn peak(pids: &[Pid]) -> io::Result<u64> {
    sum(pids, |pid| memory(pid, "VmHWM:"))
}

/// What processes hold now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of memory that are there.
    pub resident: u64,
    /// Open descriptors.
    pub descriptors: usize,
}

impl Usage {
    /// Of all of these together.
    ///
    /// # Errors
    ///
    /// As [`cpu`].
    pub fn of(pids: &[Pid]) -> io::Result<Self> {
        let resident = sum(pids, |pid| memory(pid, "VmRSS:"))?;
        let descriptors =
            sum(pids, |pid| Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64))?;
        Ok(Self { resident, descriptors: usize::try_from(descriptors).map_err(io::Error::other)? })
    }
}

/// Pages of all TCP sockets of the machine's network namespace.
///
/// # Errors
///
/// If the kernel does not tell.
pub fn tcp_pages() -> io::Result<f64> {
    let stat = fs::read_to_string("/proc/net/sockstat")?;
    let tcp = stat.lines().find_map(|line| line.strip_prefix("TCP:"));
    let mut words = tcp.unwrap_or_default().split_ascii_whitespace().skip_while(|it| *it != "mem");
    let pages = words.nth(1).and_then(|it| it.parse().ok());
    pages.ok_or_else(|| io::Error::other("no memory of TCP in sockstat"))
}

/// What the machine has worked, and this program with all that it has waited for.
#[derive(Debug)]
pub struct Work {
    busy: u64,
    all: u64,
    own: u64,
}

impl Work {
    /// Up to now.
    ///
    /// # Errors
    ///
    /// If the kernel does not tell.
    pub fn now() -> io::Result<Self> {
        let text = fs::read_to_string("/proc/stat")?;
        let cpu = text.lines().next().unwrap_or_default();
        let ticks: Vec<u64> =
            cpu.split_ascii_whitespace().skip(1).take(8).filter_map(|it| it.parse().ok()).collect();
        let all = ticks.iter().sum::<u64>();
        let waiting = ticks.get(3..5).map_or(0, |it| it.iter().sum());
        let own = stat(rustix::process::getpid())?.sum(11..=14);
        Ok(Self { busy: all - waiting, all, own })
    }

    /// The share of the machine that others have used since then, from 0 to 1.
    ///
    /// # Errors
    ///
    /// As [`now`](Self::now).
    pub fn others_since(&self) -> io::Result<f64> {
        let now = Self::now()?;
        let others = (now.busy - self.busy).saturating_sub(now.own - self.own);
        Ok(others as f64 / (now.all - self.all).max(1) as f64)
    }
}

fn sum(pids: &[Pid], each: impl Fn(Pid) -> io::Result<u64>) -> io::Result<u64> {
    pids.iter().map(|pid| each(*pid)).sum()
}

fn memory(pid: Pid, key: &str) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kib = line.and_then(|it| it.split_ascii_whitespace().next()?.parse::<u64>().ok());
    // One that has ended, and is not waited for yet, has none.
    kib.map(|it| it * 1024).ok_or_else(|| io::Error::other(format!("no {key} of process {pid}")))
}

/// The fields of `/proc/PID/stat` after the name, which may hold anything: state is 0, parent is 1.
#[derive(Debug)]
struct Stat(Vec<String>);

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(')')?;
        Some(Self(fields.split_ascii_whitespace().map(String::from).collect()))
    }

    fn number(&self, at: usize) -> Option<i64> {
        self.0.get(at)?.parse().ok()
    }

    fn sum(&self, fields: std::ops::RangeInclusive<usize>) -> u64 {
        fields.filter_map(|at| self.number(at)).map(i64::cast_unsigned).sum()
    }
}

fn stat(pid: Pid) -> io::Result<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    Stat::parse(&text).ok_or_else(|| io::Error::other(format!("no name in the stat of {pid}")))
}

#[cfg(test)]
mod tests {
    use rustix::process::getpid;

    use super::*;

    #[test]
    fn a_name_with_a_bracket_shifts_no_field() {
        let stat = Stat::parse("7 (a) b) S 1 7 7 0 -1 4 0 0 0 0 12 34 5 6 20 0").unwrap();
        assert_eq!(stat.number(1), Some(1));
        assert_eq!(stat.sum(11..=12), 46);
    }

    #[test]
    fn this_process_has_memory_and_the_machine_has_sockets() {
        let own = [getpid()];
        let now = Usage::of(&own).unwrap().resident;
        assert!(now > 100_000 && peak(&own).unwrap() >= now);
        tcp_pages().unwrap();
    }

    #[test]
    fn what_a_process_takes_grows_with_what_it_holds() {
        let own = [getpid()];
        let before = Usage::of(&own).unwrap();
        let memory = std::hint::black_box(vec![1_u8; 32 << 20]);
        let files: Vec<_> = (0..100).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        let after = Usage::of(&own).unwrap();
        assert!(after.resident >= before.resident + (16 << 20), "{before:?} {after:?}");
        assert!(after.descriptors >= before.descriptors + 90, "{before:?} {after:?}");
        drop((memory, files));
    }
}
