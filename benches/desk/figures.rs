//! Medians and tails of what was measured, and what the kernel says of a process.

use std::fs;
use std::time::Duration;

/// The order statistics of one series, in seconds.
pub struct Figures {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

impl Figures {
    pub fn of(mut seconds: Vec<f64>) -> Self {
        assert!(!seconds.is_empty(), "nothing was measured");
        seconds.sort_by(f64::total_cmp);
        let at = |percent: usize| seconds[(seconds.len() * percent / 100).min(seconds.len() - 1)];
        Self {
            p50: at(50),
            p95: at(95),
            p99: at(99),
        }
    }
    pub fn of_durations(all: &[Duration]) -> Self {
        Self::of(all.iter().map(Duration::as_secs_f64).collect())
    }
}

pub fn head(unit: &str) {
    println!(
        "{:<34}{:>10}{:>10}{:>10}{:>12}{:>12}   ({unit})",
        "", "p50", "p95", "p99", "p50 ratio", "p99 ratio"
    );
}

/// One line: the figures times `scale`, and how many times the yardstick they are.
pub fn row(name: &str, figures: &Figures, yardstick: &Figures, scale: f64) {
    println!(
        "{name:<34}{:>10.3}{:>10.3}{:>10.3}{:>11.2}x{:>11.2}x",
        figures.p50 * scale,
        figures.p95 * scale,
        figures.p99 * scale,
        figures.p50 / yardstick.p50,
        figures.p99 / yardstick.p99,
    );
}

/// A process as the kernel counts it.
pub struct Process {
    pub pid: u32,
    /// User and system time so far, in seconds.
    pub cpu_s: f64,
    /// Resident memory, in MiB.
    pub resident_mib: f64,
    /// Of it what no other process has: the program's own pages are shared by all that run it.
    pub own_mib: f64,
}

impl Process {
    pub fn of(pid: u32) -> Self {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
        // The name in brackets may hold blanks; what is counted stands after it.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks: f64 = [11, 12]
            .iter()
            .map(|at| fields[*at].parse::<f64>().unwrap())
            .sum();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
            kib.unwrap_or(0.0) / 1024.0
        };
        Self {
            pid,
            // The kernel counts in hundredths of a second for programs, whatever it does itself.
            cpu_s: ticks / 100.0,
            resident_mib: mib("VmRSS:"),
            own_mib: mib("RssAnon:"),
        }
    }
}

/// How busy the machine is: a figure taken while others compile says little.
pub fn load() -> String {
    fs::read_to_string("/proc/loadavg").map_or_else(|_| "unknown".into(), |text| text.trim().to_owned())
}
