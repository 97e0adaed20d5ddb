//! Log files from the first moment: the engine runs out of sight. One file a day, a stated number kept, nothing ever to
//! the terminal that a desk draws on.

use anyhow::{Context, Result};
use std::path::Path;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

/// Starts logging into `directory` as `<name>.<date>.log`. Keep the guard: dropping it writes what is left.
///
/// # Errors
/// A filter that can't be read, or a folder that can't be written.
pub fn start(directory: &Path, name: &str, filter: &str, keep_days: u32) -> Result<WorkerGuard> {
    let filter = EnvFilter::try_new(filter).with_context(|| {
        format!("log filter '{filter}': use info, debug or target=level, comma-separated")
    })?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(name)
        .filename_suffix("log")
        .max_log_files(keep_days.max(1) as usize)
        .build(directory)
        .with_context(|| format!("can't write logs into {}", directory.display()))?;
    let (writer, guard) = tracing_appender::non_blocking(appender);
    // A second start in one process (tests) keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false)
        .with_target(true)
        .try_init();
    Ok(guard)
}
