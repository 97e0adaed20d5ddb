//! Of the profile's databases: that each opens, its version, and SQLite's own check of it; of the journal, that this
//! program can read it, and, where asked, that its chain of hashes holds.

use super::super::paths::Paths;
use super::{Finding, Level};
use crate::domain::Timestamp;
use crate::store::{JournalReader, StoreError};
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};

/// All databases of the profile, and the version of each.
pub(super) fn all(paths: &Paths, deep: bool) -> Vec<Finding> {
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
        if deep && let Some((sequence, fault)) = reader.verify()?.fault {
            return Err(StoreError::Chain {
                file: file.to_owned(),
                sequence,
                fault,
            });
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

/// When the journal's newest entry was made.
pub(super) fn newest(paths: &Paths) -> Option<Timestamp> {
    let reader = JournalReader::open(&paths.journal()).ok()?;
    let (last, _) = reader.head().ok()?;
    reader.read_range(last, 1).ok()?.first().map(|event| event.at)
}
