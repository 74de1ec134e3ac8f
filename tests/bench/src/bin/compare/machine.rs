//! Describes the machine, without which the figures say nothing.

use std::env;
use std::fs;

/// Pairs of a property's name and its value.
pub(crate) fn describe() -> Vec<(&'static str, String)> {
    let cpuinfo = read("/proc/cpuinfo");
    let memory = value(&read("/proc/meminfo"), "MemTotal");
    let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    vec![
        ("processor", format!("{cores} x {}", value(&cpuinfo, "model name"))),
        ("memory", memory),
        ("kernel", read("/proc/sys/kernel/osrelease")),
        ("tcp_wmem", read("/proc/sys/net/ipv4/tcp_wmem").replace('\t', " ")),
    ]
}

/// The command line, in which a path is told by its last part.
pub(crate) fn command() -> String {
    let last = |it: String| it.rsplit('/').next().unwrap_or_default().to_owned();
    let arguments: Vec<String> = env::args().skip(1).map(last).collect();
    let profile = if cfg!(debug_assertions) { "" } else { " --release" };
    format!("cargo run{profile} -p fetchlet-bench --bin compare -- {}", arguments.join(" "))
        .trim_end_matches(" -- ")
        .to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim_end().to_owned()
}

fn value(text: &str, key: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.split_once(':'));
    line.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}
