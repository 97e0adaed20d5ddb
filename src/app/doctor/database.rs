//! Of the profile's databases: that each opens, its version, and SQLite's own check of it; of the journal, that this
//! program can read it, and, where asked, that its chain of hashes holds.

use super::super::paths::Paths;
use super::{Finding, Level};
use crate::domain::Timestamp;
use crate::store::JournalReader;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};

/// Of what the journal may take, this much is worth an archive.
const WORTH_AN_ARCHIVE: u64 = 2;

/// All databases of the profile, and the version of each.
pub(super) fn all(paths: &Paths, deep: bool, journal_max: u64) -> Vec<Finding> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(&paths.profile)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "db"))
        .collect();
    files.sort();
    if files.is_empty() {
        return vec![Finding::note(
            "database",
            "there is none yet: the first engine makes them",
        )];
    }
    let mut findings: Vec<Finding> = files.iter().map(|file| one(file, deep)).collect();
    if paths.journal().exists() {
        findings.push(journal(&paths.journal(), deep));
        findings.extend(sizes(&paths.journal(), deep, journal_max));
    }
    findings
}

fn one(file: &Path, deep: bool) -> Finding {
    let name = file
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    match check(file, deep) {
        Ok((version, said)) if said == "ok" => Finding::ok(
            "database",
            format!(
                "{name}: layout {version}, {}",
                if deep { "whole" } else { "in order" }
            ),
        ),
        Ok((_, said)) => Finding::new(
            "database",
            Level::Bad,
            format!("{name} is damaged: {said}"),
            "stop the engine, keep a copy of the file, and restore the last backup; the engine reads the broker again",
        ),
        Err(error) => Finding::new(
            "database",
            Level::Bad,
            format!("{name} can't be read: {error}"),
            "see who owns it; where it is damaged restore the last backup",
        ),
    }
}

/// The layout's version, and `ok` or what is wrong.
pub(in crate::app) fn check(file: &Path, deep: bool) -> rusqlite::Result<(i64, String)> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let how = if deep {
        "PRAGMA integrity_check(1)"
    } else {
        "PRAGMA quick_check(1)"
    };
    let said = connection.query_row(how, [], |row| row.get(0))?;
    Ok((version, said))
}

fn journal(file: &Path, deep: bool) -> Finding {
    let read = JournalReader::open(file).and_then(|reader| {
        let (last, _) = reader.head()?;
        if deep {
            reader.verify()?.whole()?;
        }
        Ok(last)
    });
    match read {
        Ok(last) if deep => Finding::ok(
            "database",
            format!("the journal's chain holds over {last} events"),
        ),
        Ok(last) => Finding::ok(
            "database",
            format!("the journal has {last} events ('doctor --deep' checks its chain)"),
        ),
        Err(error) => Finding::new(
            "database",
            Level::Bad,
            format!("the journal: {error}"),
            "a newer journal wants the newer program; a damaged one the last backup",
        ),
    }
}

/// What the journal and its archived files take, and whether it is time for the next.
fn sizes(file: &Path, deep: bool, journal_max: u64) -> Vec<Finding> {
    let Ok(reader) = JournalReader::open(file) else {
        return Vec::new(); // said already
    };
    let mut findings = Vec::new();
    let size = std::fs::metadata(file).map_or(0, |about| about.len());
    let here = format!("the journal takes {} of {} MiB", mib(size), mib(journal_max));
    if size > journal_max / WORTH_AN_ARCHIVE {
        findings.push(Finding::new(
            "database",
            Level::Note,
            here,
            "stop the engine when the markets are closed and run 'tradewind archive': the next file begins, and this one is kept",
        ));
    } else {
        findings.push(Finding::ok("database", here));
    }
    match reader.archived() {
        Ok(files) if files.is_empty() => {}
        Ok(files) => {
            let total = files.iter().map(|older| older.bytes).sum();
            findings.push(Finding::ok(
                "database",
                format!(
                    "{} archived files hold events 1 to {} in {} MiB",
                    files.len(),
                    reader.begins().0,
                    mib(total)
                ),
            ));
            if deep {
                findings.extend(files.iter().map(|older| one(&older.file, true)));
            }
        }
        Err(error) => findings.push(Finding::new(
            "database",
            Level::Bad,
            format!("archived days: {error}"),
            "put the file back from the copy that has it; the engine runs without it, and older days are not shown",
        )),
    }
    findings
}

fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

/// When the journal's newest entry was made.
pub(super) fn newest(paths: &Paths) -> Option<Timestamp> {
    let reader = JournalReader::open(&paths.journal()).ok()?;
    let (last, _) = reader.head().ok()?;
    reader.read_range(last, 1).ok()?.first().map(|event| event.at)
}
