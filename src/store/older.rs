//! The archived files before a journal's current one, as far as readers need them: found one by one from the newest back, each
//! named by the file that goes on from it, with the event and the hash that it has to end with. Closing a file into the archive
//! is `archive.rs`.

use super::error::{Fault, StoreError};
use super::reader::{JournalReader, VerifyReport};
use super::snapshot;
use crate::domain::Timestamp;
use std::path::PathBuf;

/// The folder of archived files, beside the journal.
pub const ARCHIVE: &str = "archive";

/// An archived file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Older {
    /// Where it is.
    pub file: PathBuf,
    /// Its first event …
    pub first: u64,
    /// … and its last.
    pub last: u64,
    /// Its size.
    pub bytes: u64,
}

impl JournalReader {
    /// The archived file before this one, opened when it is first asked for; nothing before a journal's first file.
    pub(super) fn older(&self) -> Result<Option<&Self>, StoreError> {
        let Some(follows) = &self.meta.follows else {
            return Ok(None);
        };
        if self.before.get().is_none() {
            let file = self.archive.join(&follows.file);
            if !file.exists() {
                let last = follows.sequence;
                return Err(StoreError::Elsewhere { file, last });
            }
            let mut older = Self::open(&file)?;
            older.archive.clone_from(&self.archive);
            if older.meta.genesis() != self.meta.genesis() {
                return Err(StoreError::Failed {
                    file,
                    doing: "reading archived days",
                    what: "it is another journal's; put this one's own file in its place".into(),
                });
            }
            let (last, hash) = older.head()?;
            if (last, hash) != (follows.sequence, follows.hash) {
                let (sequence, fault) = match last < follows.sequence {
                    true => (last + 1, Fault::Cut),
                    false => (last, Fault::Changed),
                };
                return Err(StoreError::Chain {
                    file,
                    sequence,
                    fault,
                });
            }
            let _ = self.before.set(Box::new(older));
        }
        Ok(self.before.get().map(Box::as_ref))
    }

    /// The archived files, the oldest first. Each is there and ends where the next goes on; what lies between is for
    /// [`JournalReader::verify`].
    ///
    /// # Errors
    /// One is missing, cut, or another journal's: the error names it.
    pub fn archived(&self) -> Result<Vec<Older>, StoreError> {
        let mut files = Vec::new();
        let mut here = self;
        while let Some(older) = here.older()? {
            let about = std::fs::metadata(&older.file);
            files.push(Older {
                file: older.file.clone(),
                first: older.begins().0 + 1,
                last: here.begins().0,
                bytes: about.map_or(0, |about| about.len()),
            });
            here = older;
        }
        files.reverse();
        Ok(files)
    }

    /// Checks every record from the journal's first on, through the archived files, to the last that was ever committed. An error
    /// means that a file could not be read that far; what the chain itself says is in the report, with the file that it met it in.
    pub fn verify(&self) -> Result<VerifyReport, StoreError> {
        if let Some(older) = self.older()? {
            let report = older.verify()?;
            if report.fault.is_some() {
                return Ok(report);
            }
        }
        self.check_base()?;
        self.verify_own()
    }

    /// The snapshot that this file begins with, as bytes; nothing in a journal's first file.
    pub(super) fn base(&self) -> Result<Option<Vec<u8>>, StoreError> {
        super::schema::base(&self.connection, &self.file)
    }

    /// The state that the file begins with has to be of the event that it goes on from.
    fn check_base(&self) -> Result<(), StoreError> {
        let fits = match self.base()? {
            Some(bytes) => snapshot::made_at(&bytes) == Some(self.begins()),
            None => self.meta.follows.is_none(),
        };
        match fits {
            true => Ok(()),
            false => Err(StoreError::Corrupt {
                file: self.file.clone(),
                what: "the state that it begins with is not as it was written".into(),
            }),
        }
    }

    /// When an event of this file was; nothing where it has no such event.
    pub(super) fn moment_of(&self, sequence: u64) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.read_range(sequence, 1)?.first().map(|event| event.at))
    }
}
