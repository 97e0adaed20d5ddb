//! Log files from the first moment: the engine runs out of sight. One file a day, a stated number kept, nothing ever to
//! the terminal that a desk draws on.

use crate::config::{LogFormat, LogSettings};
use crate::metrics::layer::CountErrors;
use anyhow::{Context, Result};
use std::path::Path;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Starts logging into `directory` as `<name>.<date>.log`. Keep the guard: dropping it writes what is left.
///
/// # Errors
/// A filter that can't be read, or a folder that can't be written.
pub fn start(directory: &Path, name: &str, settings: &LogSettings) -> Result<WorkerGuard> {
    let filter = settings.filter.as_str();
    let filter = EnvFilter::try_new(filter).with_context(|| {
        format!("log filter '{filter}': use info, debug or target=level, comma-separated")
    })?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(name)
        .filename_suffix("log")
        .max_log_files(settings.keep_days.max(1) as usize)
        .build(directory)
        .with_context(|| format!("can't write logs into {}", directory.display()))?;
    let (writer, guard) = tracing_appender::non_blocking(appender);
    // A second start in one process (tests) keeps the first.
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false)
        .with_target(true);
    let lines = match settings.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
    };
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(CountErrors)
        .with(lines)
        .try_init();
    Ok(guard)
}
