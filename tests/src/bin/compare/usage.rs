//! What processes have used, by the kernel's own account in `/proc`.

use std::fs;
use std::time::Duration;

use rustix::process::Pid;

use crate::Result;

/// A process and its children, but not theirs: no server here has any.
pub(crate) fn family(root: Pid) -> Vec<i32> {
    let root = root.as_raw_nonzero().get();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|it| it.file_name().to_str()?.parse().ok());
    let children = pids.filter(|pid| stat(*pid).and_then(|it| it.number(1)) == Some(root.into()));
    std::iter::once(root).chain(children).collect()
}

/// Time of the processor, in user and kernel mode, with threads that have ended.
pub(crate) fn cpu(pids: &[i32]) -> Duration {
    let ticks = |pid: &i32| stat(*pid).map_or(0, |it| it.sum(11..=12));
    time(pids.iter().map(ticks).sum())
}

/// Bytes of memory in use now.
pub(crate) fn resident(pids: &[i32]) -> f64 {
    pids.iter().map(|pid| memory(*pid, "VmRSS:")).sum()
}

/// The most bytes of memory that each has ever used, added up.
pub(crate) fn peak(pids: &[i32]) -> f64 {
    pids.iter().map(|pid| memory(*pid, "VmHWM:")).sum()
}

/// Pages of all TCP sockets of the machine's network namespace.
pub(crate) fn tcp_pages() -> Result<f64> {
    let stat = fs::read_to_string("/proc/net/sockstat")?;
    let tcp = stat.lines().find(|line| line.starts_with("TCP:")).ok_or("no TCP in sockstat")?;
    let mut words = tcp.split_ascii_whitespace().skip_while(|word| *word != "mem");
    Ok(words.nth(1).ok_or("no memory in sockstat")?.parse()?)
}

/// What the machine has worked, and this program with all that it has waited for.
#[derive(Debug)]
pub(crate) struct Work {
    busy: u64,
    all: u64,
    own: u64,
}

impl Work {
    pub(crate) fn now() -> Result<Self> {
        let text = fs::read_to_string("/proc/stat")?;
        let cpu = text.lines().next().ok_or("empty /proc/stat")?;
        let ticks: Vec<u64> =
            cpu.split_ascii_whitespace().skip(1).take(8).filter_map(|it| it.parse().ok()).collect();
        let all = ticks.iter().sum::<u64>();
        let waiting = ticks.get(3..5).map_or(0, |it| it.iter().sum());
        let own = fs::read_to_string("/proc/self/stat")?;
        let own = Stat::parse(&own).map_or(0, |it| it.sum(11..=14));
        Ok(Self { busy: all - waiting, all, own })
    }

    /// The share of the machine that others have used since then, from 0 to 1.
    pub(crate) fn others_since(&self) -> Result<f64> {
        let now = Self::now()?;
        let others = (now.busy - self.busy).saturating_sub(now.own - self.own);
        Ok(others as f64 / (now.all - self.all).max(1) as f64)
    }
}

fn time(ticks: u64) -> Duration {
    Duration::from_secs(ticks)
        / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100)
}

fn memory(pid: i32, key: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kib = line.and_then(|it| it.split_ascii_whitespace().next()?.parse().ok());
    kib.unwrap_or(0.0) * 1024.0
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

fn stat(pid: i32) -> Option<Stat> {
    Stat::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_bracket_shifts_no_field() {
        let stat = Stat::parse("7 (a) b) S 1 7 7 0 -1 4 0 0 0 0 12 34 5 6 20 0").unwrap();
        assert_eq!(stat.number(1), Some(1));
        assert_eq!(stat.sum(11..=12), 46);
    }

    #[test]
    fn this_process_has_memory_and_the_machine_has_sockets() {
        let own = [rustix::process::getpid().as_raw_nonzero().get()];
        assert!(resident(&own) > 1e5 && peak(&own) >= resident(&own));
        tcp_pages().unwrap();
    }
}
