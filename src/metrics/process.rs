//! What this process takes of the machine. What a platform does not tell is left out, not zero.

use super::{Figure, Kind, Value, one};

/// Memory, processor and descriptors, under the names that every program uses for them.
pub(super) fn figures() -> Vec<Figure> {
    let all = [
        (
            "process_resident_memory_bytes",
            Kind::Gauge,
            "Memory in use.",
            resident(),
        ),
        (
            "process_cpu_seconds_total",
            Kind::Counter,
            "Time on processors.",
            Some(processor()),
        ),
        (
            "process_open_fds",
            Kind::Gauge,
            "Open file descriptors.",
            open_files(),
        ),
        (
            "process_max_fds",
            Kind::Gauge,
            "The most that there may be.",
            most_files(),
        ),
        ("process_threads", Kind::Gauge, "Threads.", threads()),
        (
            "process_start_time_seconds",
            Kind::Gauge,
            "When it began, in seconds since 1970.",
            began(),
        ),
    ];
    let told = all
        .into_iter()
        .filter_map(|(name, kind, help, value)| Some((name, kind, help, value?)));
    told.map(|(name, kind, help, value)| Figure {
        name,
        help,
        kind,
        samples: one(Value::Number(value)),
    })
    .collect()
}

fn resident() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u32 = text.split_whitespace().nth(1)?.parse().ok()?;
    let page = u32::try_from(rustix::param::page_size()).ok()?;
    Some(f64::from(pages) * f64::from(page))
}

#[allow(clippy::cast_precision_loss, reason = "shown, never counted with")]
fn processor() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn open_files() -> Option<f64> {
    let folder = if cfg!(target_os = "macos") {
        "/dev/fd"
    } else {
        "/proc/self/fd"
    };
    // The listing is one of them.
    let count = std::fs::read_dir(folder).ok()?.count().saturating_sub(1);
    Some(f64::from(u32::try_from(count).ok()?))
}

fn most_files() -> Option<f64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current?;
    Some(f64::from(u32::try_from(limit).ok()?))
}

/// A field of `/proc/self/stat`, counted from 1; the second is the name in parentheses, which may contain anything.
fn stat(field: usize) -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after) = text.rsplit_once(')')?;
    after.split_whitespace().nth(field.checked_sub(3)?)?.parse().ok()
}

fn threads() -> Option<f64> {
    stat(20)
}

fn began() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = text
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()?;
    let ticks = f64::from(u32::try_from(rustix::param::clock_ticks_per_second()).ok()?);
    Some(boot + stat(22)? / ticks)
}
