//! CPU time, memory and descriptors of processes and of the machine, as the kernel reports them in
//! `/proc`.

use std::fs;
use std::io;
use std::time::Duration;

use procfs::process::{Process, Status, all_processes};
use procfs::{CurrentSI as _, KernelStats, ProcError, ticks_per_second};
use rustix::process::Pid;

/// Returns a process and its children, but not their children: no server that is measured has any.
///
/// # Errors
///
/// If there is no `/proc`.
pub fn family(root: Pid) -> io::Result<Vec<Pid>> {
    let parent = root.as_raw_nonzero().get();
    // A process may end between being listed and being read.
    let stats = all_processes().map_err(error)?.flatten().filter_map(|it| it.stat().ok());
    let children = stats.filter(|it| it.ppid == parent).filter_map(|it| Pid::from_raw(it.pid));
    Ok(std::iter::once(root).chain(children).collect())
}

/// Returns the CPU time that all of these processes have used, in user and kernel mode, in all
/// their threads, those that have ended included.
///
/// # Errors
///
/// If one of them has ended and was waited for, or belongs to another user.
pub fn cpu(pids: &[Pid]) -> io::Result<Duration> {
    let ticks = sum(pids, |process| {
        let stat = process.stat()?;
        Ok(stat.utime + stat.stime)
    })?;
    Ok(Duration::from_secs_f64(ticks as f64 / ticks_per_second() as f64))
}

/// Returns the sum of the peak resident memory of each of these processes, in bytes.
///
/// # Errors
///
/// As [`cpu`]; also for a process that has ended, before it is waited for.
pub fn peak(pids: &[Pid]) -> io::Result<u64> {
    sum(pids, |process| bytes(process, |status| status.vmhwm))
}

/// Memory and descriptors that processes hold at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers compare both figures")]
pub struct Usage {
    /// Resident memory, in bytes.
    pub resident: u64,
    /// Open descriptors.
    pub descriptors: usize,
}

impl Usage {
    /// Adds up what these processes hold now.
    ///
    /// # Errors
    ///
    /// As [`peak`].
    pub fn of(pids: &[Pid]) -> io::Result<Self> {
        let resident = sum(pids, |process| bytes(process, |status| status.vmrss))?;
        let descriptors = sum(pids, |process| Ok(process.fd_count()? as u64))?;
        Ok(Self { resident, descriptors: usize::try_from(descriptors).map_err(io::Error::other)? })
    }
}

/// Returns the memory pages of all TCP sockets in this network namespace.
///
/// # Errors
///
/// If the kernel does not report them.
pub fn tcp_pages() -> io::Result<f64> {
    // The crate procfs does not read this file.
    let stat = fs::read_to_string("/proc/net/sockstat")?;
    let tcp = stat.lines().find_map(|line| line.strip_prefix("TCP:"));
    let mut words = tcp.unwrap_or_default().split_ascii_whitespace().skip_while(|it| *it != "mem");
    let pages = words.nth(1).and_then(|it| it.parse().ok());
    pages.ok_or_else(|| io::Error::other("no memory of TCP in sockstat"))
}

/// CPU time of the whole machine, and of this program with the children it has waited for, in
/// ticks.
#[derive(Debug)]
pub struct Work {
    busy: u64,
    all: u64,
    own: u64,
}

impl Work {
    /// Returns the CPU time since the machine was started.
    ///
    /// # Errors
    ///
    /// If the kernel does not report it.
    pub fn now() -> io::Result<Self> {
        let cpu = KernelStats::current().map_err(error)?.total;
        let interrupts = [cpu.irq, cpu.softirq, cpu.steal].into_iter().flatten().sum::<u64>();
        let busy = cpu.user + cpu.nice + cpu.system + interrupts;
        let all = busy + cpu.idle + cpu.iowait.unwrap_or_default();
        let own = Process::myself().and_then(|it| it.stat()).map_err(error)?;
        let children = (own.cutime + own.cstime).cast_unsigned();
        Ok(Self { busy, all, own: own.utime + own.stime + children })
    }

    /// Returns the share of the machine's CPU time that other programs have used since then, from 0
    /// to 1.
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

fn sum(pids: &[Pid], each: impl Fn(&Process) -> Result<u64, ProcError>) -> io::Result<u64> {
    let one = |pid: &Pid| each(&Process::new(pid.as_raw_nonzero().get())?);
    pids.iter().map(one).sum::<Result<u64, _>>().map_err(error)
}

/// Returns a field of `/proc/PID/status` that is in KiB, in bytes.
fn bytes(process: &Process, field: fn(&Status) -> Option<u64>) -> Result<u64, ProcError> {
    // A process that has ended, and is not waited for yet, has no memory.
    let kib = field(&process.status()?).ok_or_else(|| {
        ProcError::Other(format!("process {} has no memory: it has ended", process.pid))
    })?;
    Ok(kib * 1024)
}

fn error(error: ProcError) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use rustix::process::getpid;

    use super::*;

    #[test]
    fn this_process_has_memory_and_the_machine_has_sockets() {
        let own = [getpid()];
        let now = Usage::of(&own).unwrap().resident;
        assert!(now > 100_000 && peak(&own).unwrap() >= now);
        tcp_pages().unwrap();
    }

    #[test]
    fn cpu_time_grows_with_work() {
        let (own, machine) = ([getpid()], Work::now().unwrap());
        let before = cpu(&own).unwrap();
        while cpu(&own).unwrap() < before + Duration::from_millis(50) {}
        let share = machine.others_since().unwrap();
        assert!((0.0..=1.0).contains(&share), "{share}");
    }

    #[test]
    fn a_child_belongs_to_the_family_of_its_parent() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let family = family(getpid()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(family[0], getpid());
        assert!(family.contains(&Pid::from_child(&child)), "{family:?}");
    }

    #[test]
    fn usage_grows_with_what_a_process_holds() {
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
