//! Of the disk: whether the folders can be written, what is left of it, and how long a flush takes. Orders wait for it.

use super::super::paths::Paths;
use super::{Finding, Level};
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Flushes that are measured.
const FLUSHES: usize = 50;
/// A flush that takes longer holds orders up.
const SLOW: Duration = Duration::from_millis(20);
/// Less than this is left: worth a warning, and bad.
const LOW: u64 = 1 << 30;
const OUT: u64 = 100 << 20;

/// The folders of the profile and the log.
pub(super) fn all(paths: &Paths, logs: &Path, journal_max: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut folders = vec![paths.profile.clone()];
    if !logs.starts_with(&paths.profile) {
        folders.push(logs.to_owned());
    }
    for (turn, folder) in folders.iter().enumerate() {
        // What is not there yet is made by the first engine; what can be said is said of the folder above it.
        let (here, there) = existing(folder);
        let shown = if there {
            here.display().to_string()
        } else {
            format!("{} (to be made in {})", folder.display(), here.display())
        };
        if !here.is_dir() {
            let found = format!(
                "{} is in the way of {}: it is no folder",
                here.display(),
                folder.display()
            );
            findings.push(Finding::new(
                "disk",
                Level::Bad,
                found,
                "move it away, or choose another data_dir",
            ));
            continue;
        }
        match flushes(&here) {
            Err(error) => {
                let found = format!("{shown} can't be written: {error}");
                let remedy =
                    "give it to the user that runs the engine, make room, or choose another data_dir";
                findings.push(Finding::new("disk", Level::Bad, found, remedy));
                continue;
            }
            Ok(times) if turn == 0 => findings.push(speed(&shown, times)),
            Ok(_) => findings.push(Finding::ok("disk", format!("{shown} can be written"))),
        }
        findings.extend(room(&here, &shown, if turn == 0 { journal_max } else { 0 }));
    }
    findings
}

/// The folder, or the nearest one above it that is there.
fn existing(folder: &Path) -> (PathBuf, bool) {
    let mut here = folder;
    while !here.exists() {
        match here.parent() {
            Some(above) => here = above,
            None => break,
        }
    }
    (here.to_owned(), here == folder)
}

fn speed(shown: &str, mut times: Vec<Duration>) -> Finding {
    times.sort();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    let found = format!(
        "{shown}: a flush takes {} (the slowest of {} took {})",
        millis(middle),
        times.len(),
        millis(worst)
    );
    if middle > SLOW {
        let remedy = "every order waits for one: see docs/TUNING.md, the journal's disk";
        return Finding::new("disk", Level::Warn, found, remedy);
    }
    Finding::ok("disk", found)
}

fn millis(time: Duration) -> String {
    format!("{}.{:03} ms", time.as_millis(), time.as_micros() % 1_000)
}

/// How long each of some small writes takes to be on the disk.
fn flushes(folder: &Path) -> std::io::Result<Vec<Duration>> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    let measured = measure(&path);
    let _ = std::fs::remove_file(&path);
    measured
}

fn measure(path: &Path) -> std::io::Result<Vec<Duration>> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let block = [0x5a_u8; 4_096];
    file.write_all(&block)?;
    file.sync_all()?;
    let mut times = Vec::with_capacity(FLUSHES);
    for _ in 0..FLUSHES {
        let began = Instant::now();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    Ok(times)
}

fn room(here: &Path, shown: &str, journal_max: u64) -> Option<Finding> {
    let about = rustix::fs::statvfs(here).ok()?;
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let found = format!("{shown}: {} MiB free", free >> 20);
    let remedy = "make room: nothing that adds risk is accepted once the journal can't grow";
    Some(if free < OUT {
        Finding::new("disk", Level::Bad, found, remedy)
    } else if free < LOW {
        Finding::new("disk", Level::Warn, found, remedy)
    } else if free < journal_max {
        Finding::new(
            "disk",
            Level::Note,
            format!(
                "{found}, less than the journal may take ({} MiB)",
                journal_max >> 20
            ),
            "lower engine.journal_max_mb, or make room",
        )
    } else {
        Finding::ok("disk", found)
    })
}
