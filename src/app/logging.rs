//! The engine's log from the first moment: it runs out of sight. Lines go into files, one a day, a stated number kept, or to standard
//! output where somebody else keeps them (a service manager, a container's runtime); never to the terminal that a desk draws on.

use super::mistake::Mistake;
use super::paths::Paths;
use crate::config::{LogFormat, LogSettings, LogTo};
use crate::metrics::layer::CountErrors;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
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
    let files =
        (settings.to != LogTo::Stdout).then(|| files(&folder(settings, paths), name, settings.keep_days));
    // Whoever reads too slowly loses lines, and never holds up the engine.
    let files = files.transpose()?.map(tracing_appender::non_blocking);
    let output = (settings.to != LogTo::Files).then(|| tracing_appender::non_blocking(std::io::stdout()));
    let (files, in_files) = files.unzip();
    let (output, in_output) = output.unzip();
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

fn files(folder: &Path, name: &str, days: u32) -> Result<RollingFileAppender> {
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(name)
        .filename_suffix("log")
        .max_log_files(days.max(1) as usize)
        .build(folder)
        .with_context(|| format!("can't write logs into {}", folder.display()))
}
