//! What option values of both programs are: sizes, windows, durations.
#![allow(dead_code, reason = "each program uses a part")]

use std::time::Duration;

/// `65536`, `64K`, `64KiB`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match text.get(digits.len()..) {
        Some("") => 0,
        Some("K" | "k" | "KiB") => 10,
        Some("M" | "MiB") => 20,
        Some("G" | "GiB") => 30,
        _ => return Err("write a number of bytes, for example 65536, 64K, 1M or 1G".into()),
    };
    let count = digits.parse::<u64>().map_err(|_| "write a number of bytes, for example 64K")?;
    count.checked_mul(1 << shift).ok_or_else(|| "that is too much".into())
}

/// The length of a file.
pub(crate) fn file_size(text: &str) -> Result<u32, String> {
    let size = u32::try_from(bytes(text)?);
    size.map_err(|_| "a file has at most 4294967295 bytes (R9)".into())
}

/// smoltcp scales windows up to 1 GiB; more than some MiB is of no use to anyone.
pub(crate) fn window(text: &str) -> Result<usize, String> {
    match bytes(text)? {
        size @ 64..=0x400_0000 => Ok(size as usize),
        _ => Err("a device has 64 bytes to 64 MiB to receive into".into()),
    }
}

/// `500ms`, `10s`: more than nothing and at most a day.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let value = humantime::parse_duration(text)
        .map_err(|fault| format!("{fault}; write for example 500ms, 10s or 2m"))?;
    if value.is_zero() || value > Duration::from_secs(86_400) {
        return Err("a duration is more than 0 and at most 24h".into());
    }
    Ok(value)
}
