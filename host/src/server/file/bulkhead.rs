//! Bulkheads: a call that may never return gets a thread that nobody else needs.
//!
//! A file system that waits for another machine or for a program may hang, and each thread that
//! calls it then hangs as well: no call into a file system has a timeout. So calls are bounded per
//! folder below the root and in all, requests stop waiting for theirs after a timeout, and a folder
//! whose threads all hang gets no more of them.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{self, Instant};

/// How many threads the calls into one folder may hold: as many as a folder on a slow disk or a far
/// machine makes use of, and few enough that four folders may hang at a time.
const THREADS_PER_FOLDER: usize = 8;

/// Threads for the calls into the folders of one root.
#[derive(Debug)]
pub(in crate::server) struct Bulkhead {
    threads: Arc<Semaphore>,
    max_threads: usize,
    /// So many requests may wait for their calls into one folder.
    max_waiting: usize,
    /// How long a request waits for a call.
    timeout: Duration,
    state: Mutex<BulkheadState>,
}

#[derive(Debug, Default)]
struct BulkheadState {
    /// By name: the folders that are in use, by requests that wait or by calls under way.
    folders: HashMap<Box<str>, Folder>,
    /// By number: the calls under way, each in a thread.
    calls: BTreeMap<u64, Call>,
    next_call: u64,
}

#[derive(Debug)]
struct Folder {
    threads: Arc<Semaphore>,
    /// How many requests and calls use the folder now.
    uses: usize,
}

#[derive(Debug)]
struct Call {
    /// The name that was asked for.
    name: Arc<str>,
    since: Instant,
    /// When the request stops waiting for the call. A call that is under way then hangs.
    deadline: Instant,
    /// Whether the log tells of this call already.
    is_told: bool,
}

impl Call {
    fn hangs(&self) -> bool {
        Instant::now() >= self.deadline
    }
}

/// The folder below the root that a name leads through. Empty: the root itself.
fn folder_of(name: &str) -> &str {
    name.split_once('/').map_or("", |(folder, _)| folder)
}

impl Bulkhead {
    /// Makes a bulkhead of at most `max_threads` threads.
    pub(super) fn new(max_threads: usize, max_waiting: usize, timeout: Duration) -> Arc<Self> {
        let threads = Arc::new(Semaphore::new(max_threads));
        Arc::new(Self { threads, max_threads, max_waiting, timeout, state: Mutex::default() })
    }

    /// Runs `call`, which concerns the file of that name, on a thread. Waits for the thread and the
    /// call as long as the timeout, at most until `deadline`; the call may go on after that.
    ///
    /// # Errors
    ///
    /// If that took too long; and at once, if the folder hangs or too many requests wait for it.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        name: &Arc<str>,
        deadline: Option<Instant>,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        let folder_use = self.enter(name);
        self.admit(&folder_use)?;
        let latest = self.after_timeout();
        let deadline = deadline.map_or(latest, |it| it.min(latest));
        match time::timeout_at(deadline, folder_use.call(deadline, call)).await {
            Ok(returned) => returned,
            Err(_) => Err(io::Error::other("the file system has not answered in time")),
        }
    }

    /// Runs `call` as [`run`](Self::run) does, but waits for as long as it takes.
    pub(super) async fn run_to_end<T: Send + 'static>(
        self: &Arc<Self>,
        name: &Arc<str>,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        self.enter(name).call(self.after_timeout(), call).await
    }

    fn after_timeout(&self) -> Instant {
        let now = Instant::now();
        // A timeout beyond the clock's range never comes: a day is as good.
        now.checked_add(self.timeout).unwrap_or(now + Duration::from_secs(24 * 60 * 60))
    }

    /// Logs each call that has not returned, once.
    pub(in crate::server) fn log_calls_under_way(&self) {
        let mut state = self.lock();
        let untold = state.calls.values_mut().filter_map(|call| {
            let is_told = mem::replace(&mut call.is_told, true);
            (!is_told).then(|| (Arc::clone(&call.name), call.since))
        });
        let untold: Vec<_> = untold.collect();
        drop(state);
        for (name, since) in untold {
            let seconds = since.elapsed().as_secs();
            tracing::warn!(name = &*name, seconds, "the file system does not let go of a thread");
        }
    }

    fn enter(self: &Arc<Self>, name: &Arc<str>) -> FolderUse {
        let mut state = self.lock();
        let folder = state.folders.entry(folder_of(name).into()).or_insert_with(|| {
            let threads = Arc::new(Semaphore::new(THREADS_PER_FOLDER));
            Folder { threads, uses: 0 }
        });
        folder.uses = folder.uses.saturating_add(1);
        let threads = Arc::clone(&folder.threads);
        FolderUse { bulkhead: Arc::clone(self), name: Arc::clone(name), threads }
    }

    fn admit(&self, folder_use: &FolderUse) -> io::Result<()> {
        let state = self.lock();
        let hung: Vec<_> = state.calls.values().filter(|it| it.hangs()).collect();
        let folder = folder_of(&folder_use.name);
        let here = hung.iter().filter(|call| folder_of(&call.name) == folder).count();
        if here >= THREADS_PER_FOLDER {
            return Err(io::Error::other(
                "the folder hangs: all its threads wait for a file system",
            ));
        }
        if hung.len() >= self.max_threads {
            return Err(io::Error::other("too many folders hang: all threads wait"));
        }
        // One of the uses is `folder_use` itself.
        if state.folders.get(folder).is_some_and(|it| it.uses > self.max_waiting) {
            return Err(io::Error::other("too many requests wait for the folder"));
        }
        Ok(())
    }

    /// Locks the state. No code panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, BulkheadState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A use of a folder, by a request that waits or by a call under way.
#[derive(Debug)]
struct FolderUse {
    bulkhead: Arc<Bulkhead>,
    /// The name that was asked for.
    name: Arc<str>,
    /// The threads of the folder.
    threads: Arc<Semaphore>,
}

impl FolderUse {
    /// Waits for a thread and for `call` in it. The thread stays taken until the call returns, also
    /// if nobody waits for it any more.
    async fn call<T: Send + 'static>(
        &self,
        deadline: Instant,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        // The folder's first, so that the requests to one that hangs take no thread of others.
        let of_folder = Arc::clone(&self.threads).acquire_owned().await;
        let of_all = Arc::clone(&self.bulkhead.threads).acquire_owned().await;
        let folder_use = self.bulkhead.enter(&self.name);
        let returned = spawn_blocking(move || {
            let under_way = folder_use.begin(deadline);
            let returned = call();
            drop((under_way, of_folder, of_all));
            returned
        });
        Ok(returned.await?)
    }

    fn begin(self, deadline: Instant) -> UnderWay {
        let mut state = self.bulkhead.lock();
        let number = state.next_call;
        state.next_call = number.wrapping_add(1);
        let name = Arc::clone(&self.name);
        let call = Call { name, since: Instant::now(), deadline, is_told: false };
        state.calls.insert(number, call);
        drop(state);
        UnderWay { number, folder_use: self }
    }
}

impl Drop for FolderUse {
    fn drop(&mut self) {
        let mut state = self.bulkhead.lock();
        let name = folder_of(&self.name);
        let Some(folder) = state.folders.get_mut(name) else { return };
        folder.uses = folder.uses.saturating_sub(1);
        if folder.uses == 0 {
            state.folders.remove(name);
        }
    }
}

/// A call under way, until it is dropped.
struct UnderWay {
    number: u64,
    folder_use: FolderUse,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.folder_use.bulkhead.lock().calls.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1);

    /// Calls that hang until the sender is dropped.
    fn hang(
        bulkhead: &Arc<Bulkhead>,
        name: &str,
        count: usize,
    ) -> (Vec<mpsc::Sender<()>>, Vec<tokio::task::JoinHandle<io::Result<()>>>) {
        let one = |_| {
            let (bulkhead, name) = (Arc::clone(bulkhead), Arc::from(name));
            let (hold, held) = mpsc::channel::<()>();
            let call = move || held.recv().unwrap_or_default();
            (hold, tokio::spawn(async move { bulkhead.run(&name, None, call).await }))
        };
        (0..count).map(one).unzip()
    }

    #[tokio::test]
    async fn a_folder_that_hangs_holds_its_threads_alone_and_says_so_at_once() {
        let bulkhead = Bulkhead::new(16, 100, TIMEOUT);
        let (held, calls) = hang(&bulkhead, "a/x", 20);
        for call in calls {
            let error = call.await.unwrap().unwrap_err();
            assert!(error.to_string().contains("in time"), "{error}");
        }
        assert_eq!(bulkhead.lock().calls.len(), THREADS_PER_FOLDER);
        let again = bulkhead.run(&"a/y".into(), None, || ()).await.unwrap_err();
        assert!(again.to_string().contains("the folder hangs"), "{again}");
        for other in ["b/x", "x", "ab/x"] {
            assert_eq!(bulkhead.run(&other.into(), None, || 7).await.unwrap(), 7, "{other}");
        }
        let (also_held, calls) = hang(&bulkhead, "b/x", 9);
        for call in calls {
            call.await.unwrap().unwrap_err();
        }
        let third = bulkhead.run(&"c/x".into(), None, || ()).await.unwrap_err();
        assert!(third.to_string().contains("too many folders"), "{third}");
        drop((held, also_held));
        while !bulkhead.lock().calls.is_empty() {
            tokio::task::yield_now().await;
        }
        bulkhead.run(&"a/x".into(), None, || ()).await.expect("a folder that hangs no more");
        while !bulkhead.lock().folders.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn only_so_many_wait_for_a_folder() {
        let bulkhead = Bulkhead::new(16, 10, Duration::from_secs(60));
        let (held, calls) = hang(&bulkhead, "a/x", 4);
        while bulkhead.lock().calls.len() < 4 {
            tokio::task::yield_now().await;
        }
        // Each of the four counts twice: its request waits, and its call is under way.
        let (also_held, more) = hang(&bulkhead, "a/x", 3);
        let mut refused = 0;
        for call in more {
            if call.is_finished() || time::timeout(TIMEOUT, call).await.is_ok() {
                refused += 1;
            }
        }
        assert!(refused >= 1, "{refused}");
        bulkhead.run(&"b/x".into(), None, || ()).await.expect("another folder");
        drop((held, also_held, calls));
    }
}
