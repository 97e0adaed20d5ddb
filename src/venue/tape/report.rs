//! What can be wrong with a tape's files: errors that stop it, and the report of what was used and what was not.

use crate::domain::{InstrumentId, SafeText, Timestamp};
use std::fmt;

/// Bad lines that are told one by one, for each file.
const TOLD: usize = 10;

/// Why a tape can't be played. Each text says what can be done.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// The file can't be opened or read.
    #[error("the tape file {path} can't be read: {error}; check the name and the permissions")]
    Unreadable {
        /// Which.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A directory, a device.
    #[error("{0} is no file; name the tape's files one by one")]
    NotAFile(String),
    /// Nothing inside.
    #[error("the tape file {0} is empty")]
    Empty(String),
    /// An archive that is cut off or broken.
    #[error("the tape file {path} is damaged: {why}; fetch or pack it again")]
    Damaged {
        /// Which.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// A LEAN path of a kind that is not played.
    #[error("the tape file {path} can't be played: {why}")]
    Layout {
        /// Which.
        path: String,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// Neither LEAN nor CSV.
    #[error(
        "the tape file {path} has an unknown layout: {why}. Tapes are LEAN files, told by a path such as \
         equity/usa/tick/spy/20131007_trade.zip, or CSV with a header such as time,symbol,price,size,bid,ask"
    )]
    Unknown {
        /// Which.
        path: String,
        /// What is missing.
        why: String,
    },
    /// Not one good line.
    #[error("the tape file {path} has no usable line; {first}")]
    Useless {
        /// Which.
        path: String,
        /// The first bad line, or that there is none.
        first: String,
    },
    /// Two files would print the same trades twice.
    #[error(
        "the {what} of {symbol} are in {one} and in {other} for the same time; give one of the two files"
    )]
    Twice {
        /// Trades or quotes.
        what: &'static str,
        /// Of what.
        symbol: InstrumentId,
        /// The first file.
        one: String,
        /// The second file.
        other: String,
    },
    /// Too many symbols or files.
    #[error("the tape has more than {most} {what}; play fewer at a time")]
    TooMany {
        /// The limit.
        most: usize,
        /// Of what.
        what: &'static str,
    },
    /// No file at all.
    #[error("no tape file is named; give one or more with --tape FILE")]
    NoFile,
    /// The start lies behind the last event.
    #[error("the tape ends at {end}, before the wanted start {start}; give an earlier --tape-start")]
    StartAfterEnd {
        /// What was wanted.
        start: Timestamp,
        /// The tape's last moment.
        end: Timestamp,
    },
}

/// A line that was not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// Why it was not used, and what was wanted instead.
    pub why: String,
}

/// What came of one file, or one member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// Path, and the archive's member behind `#`.
    pub path: String,
    /// Lines used.
    pub good: u64,
    /// Lines not used.
    pub bad: u64,
    /// The first of them.
    pub told: Vec<BadLine>,
    /// Why the file could not be read to its end, where it could not.
    pub broken: Option<String>,
    /// The first and the last good moment.
    pub span: (Timestamp, Timestamp),
}

impl FileReport {
    /// Counts a bad line; the first ones are kept.
    pub(super) fn bad_line(&mut self, line: u64, why: &str) {
        self.bad += 1;
        if self.told.len() < TOLD {
            // Lines are quoted in the reasons, and a line may hold anything.
            let why = SafeText::new(why).to_string();
            self.told.push(BadLine { line, why });
        }
    }
    /// True where every line was used.
    pub fn is_clean(&self) -> bool {
        self.bad == 0 && self.broken.is_none()
    }
}

impl fmt::Display for FileReport {
    /// One line a fault, as `file:line: why`, then the count of the others.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} lines used, {} not", self.path, self.good, self.bad)?;
        for bad in &self.told {
            write!(f, "\n{}:{}: {}", self.path, bad.line, bad.why)?;
        }
        let more = self.bad.saturating_sub(self.told.len() as u64);
        if more > 0 {
            write!(f, "\n{}: and {more} more", self.path)?;
        }
        if let Some(broken) = &self.broken {
            write!(f, "\n{}: {broken}", self.path)?;
        }
        Ok(())
    }
}
impl FileReport {
    /// Nothing read yet.
    pub(super) fn new(path: String) -> Self {
        Self {
            path,
            good: 0,
            bad: 0,
            told: Vec::new(),
            broken: None,
            span: (Timestamp::MAX, Timestamp::MIN),
        }
    }
}
