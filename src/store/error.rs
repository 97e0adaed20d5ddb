//! What can go wrong with what is stored, in words that name the file and what the reader can do. Errors are kept as text
//! so that one failed commit can be told to everybody who waited for it.

use std::path::{Path, PathBuf};

/// SQLite's word for a statement that makes no sense to it.
const SQLITE_ERROR: i32 = 1;

/// What a check of the hash chain met first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The record is not what was written.
    Changed,
    /// The record is not there, though later ones are.
    Missing,
    /// The journal ends before this record, though it was written.
    Cut,
}
impl Fault {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed => "was changed",
            Self::Missing => "is missing",
            Self::Cut => "and all after it were cut off",
        }
    }
}

/// Why something could not be stored or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No space: the journal's limit or the disk's. Nothing of the append was kept.
    #[error("{}: no space left for events; free disk space, raise engine.journal_max_mb, or stop the engine and run 'tradewind archive'; then start it again", file.display())]
    Full {
        /// Which file.
        file: PathBuf,
    },
    /// Written by a newer program.
    #[error(
        "{}: written by a newer program ({what} {found}, this one knows up to {known}); start the newer version again, nothing was changed",
        file.display()
    )]
    Newer {
        /// Which file.
        file: PathBuf,
        /// What is newer: the schema, or an event's kind or version.
        what: &'static str,
        /// What the file has.
        found: u32,
        /// What this program knows.
        known: u32,
    },
    /// Some other program's file.
    #[error("{}: not a {what} of tradewind; it was left as it is, name another data directory or move the file", file.display())]
    Foreign {
        /// Which file.
        file: PathBuf,
        /// What it should have been.
        what: &'static str,
    },
    /// Torn or damaged below the level of records.
    #[error(
        "{}: damaged ({what}); keep a copy, put the newest backup in its place (with its -wal file) and reconcile with the broker",
        file.display()
    )]
    Corrupt {
        /// Which file.
        file: PathBuf,
        /// What the reader met.
        what: String,
    },
    /// The hash chain does not hold.
    #[error(
        "{}: event {sequence} {}; keep a copy, and put the newest backup in its place or explain the difference before trading",
        file.display(), fault.word()
    )]
    Chain {
        /// Which file.
        file: PathBuf,
        /// The first event concerned.
        sequence: u64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The snapshot and the journal tell different stories: one of them is not the other's.
    #[error(
        "{}: its event {sequence} is not the one that the snapshot beside it was made from; if the journal was put back from a backup on purpose, remove the snapshot and start again",
        file.display()
    )]
    Contradiction {
        /// The journal.
        file: PathBuf,
        /// Where they differ.
        sequence: u64,
    },
    /// Archived days are asked for, and their file is not where it was put.
    #[error(
        "{}: not there, and events up to {last} are in it; put the archived file back in its place (a link to where it is will do), what came later is here and needs it only to look back",
        file.display()
    )]
    Elsewhere {
        /// The archived file.
        file: PathBuf,
        /// The last event in it.
        last: u64,
    },
    /// An event that does not follow the last one. A mistake of the caller, or a second writer.
    #[error("{}: event {found} cannot follow event {last}; is another engine writing the same journal?", file.display())]
    Sequence {
        /// Which file.
        file: PathBuf,
        /// The last stored event.
        last: u64,
        /// The one that came.
        found: u64,
    },
    /// The journal is whole, and shorter than it was: its write-ahead log is gone or damaged, or an older copy took its place.
    #[error(
        "{}: event {sequence} was written to it ({} says so) and is not there: the -wal file beside it was deleted or damaged, or another copy was put in its place; put back what was there or the newest backup, or remove {} to go on from this one on purpose: the broker is then read and compared",
        file.display(), mark.display(), mark.display()
    )]
    Shorter {
        /// The journal.
        file: PathBuf,
        /// The event that was written last.
        sequence: u64,
        /// The file that says so.
        mark: PathBuf,
    },
    /// Another process holds the database's lock for longer than is waited.
    #[error(
        "{}: another process keeps it locked; end it (a database browser, a copy under way), nothing was lost",
        file.display()
    )]
    Held {
        /// Which file.
        file: PathBuf,
    },
    /// A stored content that its kind and version do not allow.
    #[error("an event of kind {kind} version {version} cannot be read: {what}")]
    Format {
        /// The kind's number.
        kind: u16,
        /// The format's version.
        version: u16,
        /// What the decoder met.
        what: String,
    },
    /// Anything else that the database or the file system said.
    #[error("{}: {doing} failed: {what}", file.display())]
    Failed {
        /// Which file.
        file: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What was said.
        what: String,
    },
    /// The writing thread has ended, after an earlier failure or an ordered stop.
    #[error("the journal's writer has stopped; nothing more is stored until the engine is started again")]
    Stopped,
}

impl StoreError {
    /// An error of SQLite while `doing` something with `file`.
    pub(super) fn sqlite(file: &Path, doing: &'static str, error: &rusqlite::Error) -> Self {
        use rusqlite::{Error, ErrorCode};
        let (file, what) = (file.to_owned(), error.to_string());
        // Our statements are right: where one makes no sense to the database, or gives a value of another type or size than
        // was written, the file is not as it was.
        let plain = error
            .sqlite_error()
            .is_some_and(|error| error.extended_code == SQLITE_ERROR);
        let unfit = matches!(
            error,
            Error::FromSqlConversionFailure(..)
                | Error::InvalidColumnType(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::Utf8Error(..)
                | Error::QueryReturnedNoRows
        );
        match error.sqlite_error_code() {
            _ if plain || unfit => Self::Corrupt { file, what },
            Some(ErrorCode::DiskFull) => Self::Full { file },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TooBig) => {
                Self::Corrupt { file, what }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Held { file },
            _ => Self::Failed { file, doing, what },
        }
    }

    /// An error of the file system while `doing` something with `file`.
    pub(super) fn io(file: &Path, doing: &'static str, error: &std::io::Error) -> Self {
        let file = file.to_owned();
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full { file },
            _ => Self::Failed {
                file,
                doing,
                what: error.to_string(),
            },
        }
    }

    /// True where waiting for another process to let go would help.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
    }

    /// True where freeing space would help.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }
}
