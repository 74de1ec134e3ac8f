//! What option values are: durations, ports.

use std::time::Duration;

/// The longest duration an option takes: longer ones would overflow clocks, and mean "never".
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// `10s`, `500ms`, `1m 30s`: more than nothing and at most a day.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match duration_or_zero(text)? {
        Duration::ZERO => Err("it has to be more than 0".into()),
        value => Ok(value),
    }
}

/// The same, or `0s`: not at all.
pub(crate) fn duration_or_zero(text: &str) -> Result<Duration, String> {
    let value = humantime::parse_duration(text)
        .map_err(|fault| format!("{fault}; write for example 500ms, 10s or 2m"))?;
    if value > LONGEST {
        return Err("it has to be at most 24h".into());
    }
    Ok(value)
}

/// A number of bytes.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "give a whole number of bytes, without a unit".into())
}

/// A port to connect to (R16).
pub(crate) fn port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(port @ 1024..=64000) => Ok(port),
        _ => Err("a port is a number from 1024 to 64000 (R16)".into()),
    }
}

/// A port to listen on (R16), or 0 for any that is free.
pub(crate) fn listen_port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(0) => Ok(0),
        _ => port(text).map_err(|reason| format!("{reason}, or 0 for any that is free")),
    }
}
