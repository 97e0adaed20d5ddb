//! Closes the journal's file into the archive and begins the next, so that no file grows for ever and none is ever shortened.
//! The old file is kept as it is, under a name that tells its events and days; the new one begins with the state there, and its
//! chain goes on from the old one's last hash. At every moment there is one journal in place: the old name is replaced in one
//! step, and what an attempt that died leaves behind is settled before the journal is opened again. Only for whoever has the
//! profile to himself: that no engine runs is the caller's to see to.

use super::error::StoreError;
use super::journal::{Journal, JournalSettings};
use super::older::ARCHIVE;
use super::reader::JournalReader;
use super::recover::{from_the_file, recover};
use super::schema::{self, Follows, Meta};
use super::snapshot::{self, SnapshotFile};
use crate::domain::Timestamp;
use crate::engine::State;
use rusqlite::Connection;
use std::fs::{DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// The archived file.
    pub file: PathBuf,
    /// Its first event …
    pub first: u64,
    /// … and its last: the journal goes on with the next.
    pub last: u64,
    /// When the first was …
    pub from: Timestamp,
    /// … and the last.
    pub until: Timestamp,
    /// Its size.
    pub bytes: u64,
}

/// The steps, in order. A process may die between any two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The old file is checked, its write-ahead log is in it, and the snapshot beside it is of its last event.
    Closed,
    /// The next file lies beside it, whole.
    Begun,
    /// The old file has its name in the archive, besides its own.
    Named,
    /// The next file has taken the old one's place.
    Replaced,
    /// The archived file can't be written by accident.
    Sealed,
}

/// Closes the journal at `path` into the archive and begins the next file. The whole of it is checked first: the chain, and that
/// its events fold to the state that a start would have.
///
/// # Errors
/// It is not whole, something else has it open, there is nothing to archive, or the file system refuses a step. The journal is
/// then in place as it was.
pub fn archive(path: &Path, settings: JournalSettings, now: Timestamp) -> Result<Archived, StoreError> {
    archive_up_to(path, settings, now, Step::Sealed)
}

/// As [`archive`], but no further than a step: what a process that died there leaves behind.
///
/// # Errors
/// As [`archive`].
pub fn archive_up_to(
    path: &Path,
    settings: JournalSettings,
    now: Timestamp,
    step: Step,
) -> Result<Archived, StoreError> {
    if !path.exists() {
        return Err(refused(path, "there is no journal here yet"));
    }
    let (journal, _) = Journal::open(path, settings, now)?;
    let state = checked(&journal)?;
    let (meta, archived) = plan(&journal)?;
    SnapshotFile::beside(path).write(journal.reader(), &state)?;
    close(journal, path)?;
    if step >= Step::Begun {
        begin(path, &meta, &state)?;
    }
    if step >= Step::Named {
        name(path, &archived.file)?;
    }
    if step >= Step::Replaced {
        std::fs::rename(next_of(path), path)
            .and_then(|()| sync_folder_of(path))
            .map_err(|error| StoreError::io(path, "putting the next file in its place", &error))?;
    }
    if step >= Step::Sealed {
        seal(&archived.file);
    }
    Ok(archived)
}

/// The state at the journal's end, once its chain holds and its events lead there.
fn checked(journal: &Journal) -> Result<State, StoreError> {
    let reader = journal.reader();
    reader.verify_own()?.whole()?;
    let said: String = reader
        .connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| StoreError::sqlite(&reader.file, "checking the journal", &error))?;
    if said != "ok" {
        return Err(StoreError::Corrupt {
            file: reader.file.clone(),
            what: said,
        });
    }
    let state = recover(journal)?.state;
    if from_the_file(reader)?.0 != state {
        return Err(StoreError::Contradiction {
            file: reader.file.clone(),
            sequence: state.sequence,
        });
    }
    Ok(state)
}

/// What the next file says of itself, and what is archived.
fn plan(journal: &Journal) -> Result<(Meta, Archived), StoreError> {
    let reader = journal.reader();
    let first = reader.begins().0 + 1;
    let last = journal.last();
    let (Some(from), Some(until)) = (reader.moment_of(first)?, reader.moment_of(last)?) else {
        return Err(refused(
            &reader.file,
            "it has no events of its own yet: there is nothing to archive",
        ));
    };
    let file = format!("journal-{first:012}-{last:012}-{}-{}.db", day(from), day(until));
    let archived = Archived {
        file: folder_of(&reader.file).join(ARCHIVE).join(&file),
        first,
        last,
        from,
        until,
        bytes: std::fs::metadata(&reader.file).map_or(0, |about| about.len()),
    };
    let meta = Meta {
        follows: Some(Follows {
            sequence: last,
            hash: journal.head(),
            file,
        }),
        ..reader.meta.clone()
    };
    Ok((meta, archived))
}

/// Moves the write-ahead log into the file and has it need none, so that the one file is everything.
fn close(journal: Journal, path: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::sqlite(path, "closing the journal's file", &error);
    let connection = journal.into_connection();
    let mode: String = connection
        .query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))
        .map_err(failed)?;
    connection.close().map_err(|(_, error)| failed(error))?;
    let left = ["-wal", "-journal"]
        .map(|end| beside(path, end))
        .into_iter()
        .find(|file| std::fs::metadata(file).is_ok_and(|found| found.len() > 0));
    // A log that stayed would be taken for the next file's.
    if mode != "delete" || left.is_some() {
        return Err(StoreError::Held {
            file: path.to_owned(),
        });
    }
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| StoreError::io(path, "closing the journal's file", &error))
}

/// Makes the next file beside the old one, and reads it back.
fn begin(path: &Path, meta: &Meta, state: &State) -> Result<(), StoreError> {
    let next = next_of(path);
    let failed = |error| StoreError::sqlite(&next, "beginning the next file", &error);
    let (_, hash) = meta.begins();
    let base = snapshot::encode(state, &hash).map_err(|what| StoreError::Failed {
        file: next.clone(),
        doing: "encoding a snapshot",
        what,
    })?;
    remove(&next)?;
    super::journal::make_private(&next)?;
    let mut connection = Connection::open(&next).map_err(failed)?;
    connection
        .execute_batch("PRAGMA synchronous = FULL")
        .map_err(failed)?;
    schema::create_after(&mut connection, &next, meta, &base)?;
    connection.close().map_err(|(_, error)| failed(error))?;
    File::open(&next)
        .and_then(|file| file.sync_all())
        .and_then(|()| sync_folder_of(&next))
        .map_err(|error| StoreError::io(&next, "beginning the next file", &error))?;
    let reader = JournalReader::open(&next)?;
    let read = reader.base()?.map(|bytes| snapshot::decode(&bytes));
    let same = matches!(read, Some(Ok(read)) if read.state == *state && read.hash == hash);
    if reader.meta != *meta || !same {
        return Err(StoreError::Corrupt {
            file: next.clone(),
            what: "it does not read back as it was written".into(),
        });
    }
    Ok(())
}

/// Gives the old file its name in the archive: a second name of the same file, so that it has one at every moment.
fn name(path: &Path, archived: &Path) -> Result<(), StoreError> {
    let failed = |error| {
        StoreError::io(
            archived,
            "archiving (the folder has to be on the journal's own file system, one that knows hard links)",
            &error,
        )
    };
    let folder = folder_of(archived);
    if archived.exists() {
        return Err(refused(
            archived,
            "a file of this name is there already, and no journal goes on from it; move it away and try again",
        ));
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .and_then(|()| std::fs::hard_link(path, archived))
        .and_then(|()| sync_folder_of(archived))
        .and_then(|()| sync_folder_of(folder))
        .map_err(failed)
}

/// Takes the write permission from an archived file. Where that fails it is archived all the same.
fn seal(file: &Path) {
    let _ = std::fs::set_permissions(file, Permissions::from_mode(0o400));
}

/// Clears up after an attempt that died: where the journal in place is still the old file, its name in the archive and the next
/// file go; where it is the next one already, only the old one's permissions may be left to take. Nothing is done to a file that
/// has no other name.
pub(super) fn settle(path: &Path) -> Result<(), StoreError> {
    let Ok(here) = std::fs::metadata(path) else {
        return Ok(());
    };
    let entries = std::fs::read_dir(folder_of(path).join(ARCHIVE));
    for file in entries.into_iter().flatten().flatten().map(|entry| entry.path()) {
        let Ok(about) = std::fs::symlink_metadata(&file) else {
            continue;
        };
        let is_ours = about.is_file() && file.extension().is_some_and(|end| end == "db");
        if is_ours && (about.dev(), about.ino()) == (here.dev(), here.ino()) {
            remove(&file)?;
        } else if is_ours && about.mode() & 0o222 != 0 {
            seal(&file);
        }
    }
    for end in ["-next", "-next-journal"] {
        remove(&beside(path, end))?;
    }
    Ok(())
}

fn remove(file: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::io(
            file,
            "clearing up after an archive that died",
            &error,
        )),
        _ => Ok(()),
    }
}

fn refused(file: &Path, what: &str) -> StoreError {
    StoreError::Failed {
        file: file.to_owned(),
        doing: "archiving",
        what: what.to_owned(),
    }
}

fn next_of(path: &Path) -> PathBuf {
    beside(path, "-next")
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(end);
    name.into()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// The day in UTC, as names have it.
fn day(at: Timestamp) -> String {
    at.to_jiff()
        .map_or_else(|| "unknown".into(), |at| at.strftime("%Y-%m-%d").to_string())
}
