//! The network of a run: a namespace that nobody else uses, where TCP's congestion control is set for every
//! server and client at once. nginx has no option for it, and figures under the system's own choice
//! depend on the machine.

use std::fs;

use fetchlet_test_kit::namespace;

use crate::Result;

/// What a socket of this network namespace is given when it is made; an accepted one, when it is accepted.
const CONGESTION: &str = "/proc/sys/net/ipv4/tcp_congestion_control";

/// Reported beside the verdicts: it is the default of many systems, and what it does over loopback differs
/// from run to run.
const BESIDE: &str = "bbr";

#[derive(Debug)]
pub(crate) struct Network {
    /// By which congestion control the verdicts are.
    pub(crate) congestion: String,
    /// Why the run shares the network of the machine, whose congestion control is not ours to set.
    pub(crate) shared: Option<String>,
}

impl Network {
    /// Moves this program and all that it starts into a network namespace. Call this while there is one
    /// thread.
    ///
    /// Where the system refuses that, the run stays outside and says so; if `CI` is `true` that is an
    /// error.
    pub(crate) fn enter(congestion: &str) -> Result<Self> {
        match namespace::isolate() {
            Ok(()) => {
                set(congestion)?;
                Ok(Self { congestion: congestion.to_owned(), shared: None })
            }
            Err(error) => {
                let reason = format!("no network namespace can be made here: {error}");
                if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
                    return Err(reason.into());
                }
                eprintln!(
                    "WARNING, {reason}.\nThe run shares the machine's network and its congestion \
                     control: there will be no verdicts."
                );
                Ok(Self { congestion: current()?, shared: Some(reason) })
            }
        }
    }

    /// How the report tells it.
    pub(crate) fn describe(&self) -> String {
        match &self.shared {
            None => format!("{}, in a network namespace of the run's own", self.congestion),
            Some(reason) => format!("{}, the system's: {reason}", self.congestion),
        }
    }

    /// Nothing, or why there are no figures under BBR.
    pub(crate) fn check_bbr(&self) -> std::result::Result<(), String> {
        if self.shared.is_some() {
            return Err("the network is shared".to_owned());
        }
        if self.congestion == BESIDE {
            return Err("everybody has it".to_owned());
        }
        with_bbr(|| Ok(())).map_err(|error| error.to_string())
    }
}

/// Runs `body` while connections are given BBR instead of the run's congestion control.
pub(crate) fn with_bbr<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = current()?;
    set(BESIDE)?;
    let done = body();
    set(&before)?;
    done
}

fn current() -> Result<String> {
    Ok(fs::read_to_string(CONGESTION)?.trim_end().to_owned())
}

fn set(congestion: &str) -> Result<()> {
    fs::write(CONGESTION, congestion).map_err(|error| {
        let allowed = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";
        let allowed = fs::read_to_string(allowed).unwrap_or_default();
        format!("{congestion} can't be set ({error}); allowed: {}", allowed.trim_end()).into()
    })
}
