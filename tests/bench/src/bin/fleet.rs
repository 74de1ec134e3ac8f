//! Computes how many server machines a fleet of devices needs, from the number of devices, the
//! length of their file and the time in which they ask. The cost of one request was measured;
//! docs/SCALE.md says how, and explains the formulas.
//!
//! `cargo run -p fetchlet-bench --bin fleet -- --devices 50000 --size 262144 --window 10m`

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use fetchlet_test_kit::Table;

/// Compute what a fleet of devices needs
#[derive(Clone, Debug, Parser)]
struct FleetPlan {
    /// Devices that each fetch the file once
    #[arg(long, default_value_t = 1_000_000.0)]
    devices: f64,
    /// The file's length, in bytes
    #[arg(long, default_value_t = 1_048_576.0)]
    size: f64,
    /// Within which time they ask, evenly spread
    #[arg(long, default_value = "1h", value_parser = humantime::parse_duration)]
    window: Duration,
    /// What a device's link carries, in bytes a second
    #[arg(long, default_value_t = 20_000.0)]
    rate: f64,
    #[command(flatten)]
    machine: Machine,
    #[command(flatten)]
    cost: Cost,
}

/// One machine of the server's side.
#[derive(Clone, Debug, clap::Args)]
struct Machine {
    /// A machine's cores
    #[arg(long, default_value_t = 2.0)]
    cores: f64,
    /// A machine's memory for connections, in bytes
    #[arg(long, default_value_t = 2e9)]
    memory: f64,
    /// A machine's network, in bits a second
    #[arg(long, default_value_t = 1e9)]
    network: f64,
    /// Connections a machine serves at once: --max-connections, below its limit of open files
    #[arg(long, default_value_t = 9_900.0)]
    connections: f64,
    /// How much of each may be used, so that the loss of a machine or a burst is borne
    #[arg(long, default_value_t = 0.6)]
    load: f64,
}

/// What the server was measured to take.
#[derive(Clone, Debug, clap::Args)]
struct Cost {
    /// CPU for a request, in microseconds
    #[arg(long, default_value_t = CPU_REQUEST)]
    cpu_request: f64,
    /// CPU for a mebibyte sent to devices on slow links, in microseconds
    #[arg(long, default_value_t = CPU_MEBIBYTE)]
    cpu_mebibyte: f64,
    /// Memory of a connection that sends, the system's included, in bytes
    #[arg(long, default_value_t = MEMORY_CONNECTION)]
    memory_connection: f64,
}

/// CPU time of a request in microseconds; source: docs/SCALE.md, "What one of each takes".
const CPU_REQUEST: f64 = 64.0;
/// CPU time of a mebibyte to slow devices in microseconds; source: docs/SCALE.md, as above.
const CPU_MEBIBYTE: f64 = 920.0;
/// Memory of a sending connection in bytes; source: docs/SCALE.md, as above.
const MEMORY_CONNECTION: f64 = 162_000.0;

/// What all devices together demand.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Demand {
    /// Requests a second.
    requests: f64,
    /// Bits a second.
    bits: f64,
    /// Connections open at once, by Little's law.
    connections: f64,
    /// Seconds of CPU a second.
    cores: f64,
    /// Memory, in bytes.
    memory: f64,
}

impl FleetPlan {
    fn demand(&self) -> Demand {
        let requests = self.devices / self.window.as_secs_f64();
        let transfer = self.size / self.rate;
        // A window shorter than a transfer does not make more of them than there are devices.
        let connections = (requests * transfer).min(self.devices);
        // Transfers that last beyond the window spread their bytes over the longer time.
        let sending = (self.window.as_secs_f64()).max(transfer);
        let bytes = (self.devices * self.size / sending).min(connections * self.rate);
        let cpu = requests * self.cost.cpu_request + bytes / 1_048_576.0 * self.cost.cpu_mebibyte;
        Demand {
            requests,
            bits: 8.0 * bytes,
            connections,
            cores: cpu / 1e6,
            memory: connections * self.cost.memory_connection,
        }
    }

    /// Makes the table of what is needed, what one machine provides, and how many machines that
    /// takes.
    fn rows(&self) -> [(&'static str, &'static str, f64, f64); 4] {
        let demand = self.demand();
        let Machine { cores, memory, network, connections, .. } = self.machine;
        [
            ("connections at once", "", demand.connections, connections),
            ("network", "Mbit/s", demand.bits / 1e6, network / 1e6),
            ("CPU", "cores", demand.cores, cores),
            ("memory for connections", "MB", demand.memory / 1e6, memory / 1e6),
        ]
    }

    fn machines(&self, need: f64, gives: f64) -> f64 {
        (need / (gives * self.machine.load)).ceil()
    }

    fn is_sensible(&self) -> bool {
        let Machine { cores, memory, network, connections, load } = self.machine;
        let Cost { cpu_request, cpu_mebibyte, memory_connection } = self.cost;
        let positive = [self.devices, self.size, self.rate, cores, memory, network, connections];
        let costs = [cpu_request, cpu_mebibyte, memory_connection];
        positive.iter().all(|it| it.is_finite() && *it > 0.0)
            && costs.iter().all(|it| it.is_finite() && *it >= 0.0)
            && load > 0.0
            && load <= 1.0
            && !self.window.is_zero()
    }
}

fn main() -> ExitCode {
    let fleet = FleetPlan::parse();
    if !fleet.is_sensible() {
        eprintln!("fleet: numbers have to be more than 0, costs at least 0, --load at most 1");
        return ExitCode::from(2);
    }
    let mut table = Table::new(["what", "needed", "a machine gives", "machines"]);
    let mut max_machines = 0.0_f64;
    for (what, unit, need, gives) in fleet.rows() {
        let machines = fleet.machines(need, gives);
        max_machines = max_machines.max(machines);
        let told = |value: f64| format!("{value:.1} {unit}").trim_end().to_owned();
        table.push([what.into(), told(need), told(gives), format!("{machines}")]);
    }
    print!("{table}");
    println!(
        "{:.0} requests a second; {max_machines} machines, and one more for the case",
        fleet.demand().requests
    );
    println!("that one is down or updated.");
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(arguments: &str) -> FleetPlan {
        FleetPlan::parse_from(["fleet"].into_iter().chain(arguments.split_whitespace()))
    }

    #[test]
    fn a_thousand_devices_a_second_for_ten_seconds_each_are_ten_thousand_at_once() {
        let fleet = fleet("--devices 3600000 --size 200000 --rate 20000 --window 1h");
        let demand = fleet.demand();
        assert!((demand.requests - 1000.0).abs() < 1e-9);
        assert!((demand.connections - 10_000.0).abs() < 1e-6);
        assert!((demand.bits - 1.6e9).abs() < 1.0);
    }

    #[test]
    fn all_at_once_are_no_more_than_there_are() {
        let fleet = fleet("--devices 1000 --size 1000000 --rate 10000 --window 1s");
        assert!((fleet.demand().connections - 1000.0).abs() < 1e-9);
        assert!((fleet.demand().bits - 8.0 * 1000.0 * 10_000.0).abs() < 1e-3);
    }

    #[test]
    fn the_load_allowed_decides_how_many_machines() {
        let fleet = fleet("--load 0.5");
        assert_eq!(fleet.machines(10.0, 10.0), 2.0);
        assert_eq!(fleet.machines(10.1, 10.0), 3.0);
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        for arguments in ["--devices 0", "--rate NaN", "--load 1.1", "--cores -1", "--window 0s"] {
            let parsed =
                FleetPlan::try_parse_from(["fleet"].into_iter().chain(arguments.split(' ')));
            assert!(parsed.is_err_and(|_| true) || !fleet(arguments).is_sensible(), "{arguments}");
        }
        assert!(fleet("").is_sensible());
    }
}
