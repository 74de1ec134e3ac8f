//! The values of command-line options: sizes, windows and durations.
//!
//! Each function returns the text to show the user as its error, as clap's value parsers do.

use std::time::Duration;

/// A number of bytes: `65536`, `64K`, `64KiB`. The units are those of 1024, as curl has them.
///
/// # Errors
///
/// If the text is no such number, or the number does not fit.
pub fn bytes(text: &str) -> Result<u64, String> {
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

/// The length of a file in bytes, at most 4294967295 (R3).
///
/// # Errors
///
/// If the text is no number of bytes, or a file can't be as long.
pub fn file_size(text: &str) -> Result<u32, String> {
    let size = u32::try_from(bytes(text)?);
    size.map_err(|_| "a file has at most 4294967295 bytes (R9)".into())
}

/// The size in bytes of a TCP receive buffer: 64 bytes to 64 MiB. smoltcp scales windows up to 1
/// GiB, but no link that these programs use is faster with more than a few MiB.
///
/// # Errors
///
/// If the text is no number of bytes in this range.
pub fn window(text: &str) -> Result<usize, String> {
    match bytes(text)? {
        size @ 64..=0x400_0000 => Ok(size as usize),
        _ => Err("a device has 64 bytes to 64 MiB to receive into".into()),
    }
}

/// A duration: `500ms`, `10s`; longer than 0 and at most a day.
///
/// # Errors
///
/// If the text is no such duration.
pub fn duration(text: &str) -> Result<Duration, String> {
    let value = humantime::parse_duration(text)
        .map_err(|fault| format!("{fault}; write for example 500ms, 10s or 2m"))?;
    if value.is_zero() || value > Duration::from_secs(86_400) {
        return Err("a duration is more than 0 and at most 24h".into());
    }
    Ok(value)
}
