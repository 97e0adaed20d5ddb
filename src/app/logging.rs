//! The engine's log from the first moment: it runs out of sight. Lines go into files (`log_files`), or to standard
//! output where somebody else keeps them (a service manager, a container's runtime); never to the terminal that a desk draws on.

use super::log_files::{Bounds, LogFiles};
use super::mistake::Mistake;
use super::paths::Paths;
use crate::config::{LogFormat, LogSettings, LogTo};
use crate::metrics::layer::CountErrors;
use crate::metrics::metrics;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, WorkerGuard};
use tracing_subscriber::fmt::writer::{BoxMakeWriter, MakeWriterExt};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Writes what is left when it is dropped: to be kept as long as the process logs.
#[derive(Debug)]
pub struct Kept {
    _files: Option<WorkerGuard>,
    _output: Option<WorkerGuard>,
}

/// What counts lines that were left out, by each way, and how many of them are told already.
static LOST: Mutex<(Vec<ErrorCounter>, usize)> = Mutex::new((Vec::new(), 0));

/// Where log files are, if there are any: an engine in the background writes some whatever the settings say.
pub fn folder(settings: &LogSettings, paths: &Paths) -> PathBuf {
    match settings.directory.as_str() {
        "" => paths.run(),
        folder => PathBuf::from(folder),
    }
}

/// Starts logging, into files as `<name>.<date>.log`.
///
/// # Errors
/// A filter that can't be read, or a folder that can't be written.
pub fn start(paths: &Paths, name: &str, settings: &LogSettings) -> Result<Kept> {
    let filter = settings.filter.as_str();
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("log filter '{filter}': use info, debug or target=level, comma-separated"));
    let filter = filter.map_err(Mistake::new)?;
    let files = (settings.to != LogTo::Stdout).then(|| files(&folder(settings, paths), name, settings));
    // Whoever reads too slowly loses lines, and never holds up the engine.
    let files = files.transpose()?.map(tracing_appender::non_blocking);
    let output = (settings.to != LogTo::Files).then(|| tracing_appender::non_blocking(std::io::stdout()));
    let (files, in_files) = files.unzip();
    let (output, in_output) = output.unzip();
    let ways = files.iter().chain(&output);
    let counters = ways.map(NonBlocking::error_counter);
    LOST.lock().unwrap_or_else(PoisonError::into_inner).0 = counters.collect();
    let writer = match (files, output) {
        (Some(files), Some(output)) => BoxMakeWriter::new(files.and(output)),
        (Some(one), None) | (None, Some(one)) => BoxMakeWriter::new(one),
        (None, None) => BoxMakeWriter::new(std::io::sink),
    };
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
    Ok(Kept {
        _files: in_files,
        _output: in_output,
    })
}

/// Says how many lines whoever takes them was too slow for since this was asked last.
pub(super) fn tell_lost() {
    let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
    let all: usize = lost.0.iter().map(ErrorCounter::dropped_lines).sum();
    let new = all.saturating_sub(std::mem::replace(&mut lost.1, all));
    drop(lost);
    if new > 0 {
        metrics().log_lost.add(u64::try_from(new).unwrap_or(u64::MAX));
        tracing::warn!("{new} line(s) of the log came faster than they could be written, and are lost");
    }
}

fn files(folder: &Path, name: &str, settings: &LogSettings) -> Result<LogFiles> {
    let bounds = Bounds {
        days: settings.keep_days.max(1) as usize,
        file: u64::from(settings.file_mb) << 20,
        all: u64::from(settings.max_mb) << 20,
    };
    LogFiles::open(folder, name, bounds, |words| tracing::warn!("{words}"))
        .with_context(|| format!("can't write logs into {}", folder.display()))
}
