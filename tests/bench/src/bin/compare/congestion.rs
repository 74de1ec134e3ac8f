//! Gives the run a network namespace that no other program uses, and sets TCP's congestion control
//! there for every server and client at once. nginx has no option for congestion control, and
//! figures under the system's own choice depend on the machine.

use std::fs;

use fetchlet_test_kit::namespace;

use crate::result::Result;

/// The sysctl with the congestion control that the kernel gives to a new socket of this namespace.
/// An accepted socket gets the value of the moment at which it is accepted.
const CONGESTION: &str = "/proc/sys/net/ipv4/tcp_congestion_control";

/// The congestion control whose figures are reported without a verdict: many systems have it as
/// their default, and its rate over loopback differs from run to run.
const BESIDE: &str = "bbr";

#[derive(Debug)]
pub(crate) struct CongestionControl {
    /// The congestion control under which the verdicts are made.
    pub(crate) name: String,
    /// Why the run shares the machine's network, whose congestion control it must not change.
    pub(crate) shared: Option<String>,
}

impl CongestionControl {
    /// Moves this program and every program that it starts into a network namespace. Call this
    /// while the program has one thread.
    ///
    /// Where the system refuses that, the run stays outside and says so; if `CI` is `true` that is
    /// an error.
    pub(crate) fn enter(congestion: &str) -> Result<Self> {
        match namespace::isolate() {
            Ok(()) => {
                set(congestion)?;
                Ok(Self { name: congestion.to_owned(), shared: None })
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
                Ok(Self { name: current()?, shared: Some(reason) })
            }
        }
    }

    /// Describes the congestion control for the report.
    pub(crate) fn describe(&self) -> String {
        match &self.shared {
            None => format!("{}, in a network namespace of the run's own", self.name),
            Some(reason) => format!("{}, the system's: {reason}", self.name),
        }
    }

    /// Fails, with the reason, if figures under BBR can't be taken.
    pub(crate) fn check_bbr(&self) -> std::result::Result<(), String> {
        if self.shared.is_some() {
            return Err("the network is shared".to_owned());
        }
        if self.name == BESIDE {
            return Err("everybody has it".to_owned());
        }
        with_bbr(|| Ok(())).map_err(|error| error.to_string())
    }
}

/// Runs `body` while new connections get BBR instead of the run's congestion control.
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
