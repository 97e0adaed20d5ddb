//! Reads the journal: events in order, and the check of the whole hash chain. Works on a connection of its own beside a
//! running writer, and then sees what is committed. What lies in archived files is found by `older.rs`, and read as if it were
//! one journal.

use super::error::{Fault, StoreError};
use super::older::ARCHIVE;
use super::row::{Hash, Row};
use super::schema::{self, Meta};
use crate::engine::Event;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::cell::OnceCell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

const COLUMNS: &str = "sequence, at_ns, mono_ns, wall_ns, batch, actor, cause, kind, version, body, hash";

/// What takes rows, each with the file that it stands in.
type RowVisitor<'a> = dyn FnMut(&Path, Row, Hash) -> Result<(), StoreError> + 'a;

/// What a check of the whole journal found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// How many records were checked and good.
    pub events: u64,
    /// The hash of the last good record: who keeps it can later prove that nothing before it changed.
    pub head: Hash,
    /// The first record that is not as it was written, and what is wrong with it.
    pub fault: Option<(u64, Fault)>,
    /// The file that the check ended in: where there is a fault, the one that has it.
    pub file: PathBuf,
}
impl VerifyReport {
    /// The fault as an error that names the file.
    ///
    /// # Errors
    /// There is a fault.
    pub fn whole(self) -> Result<Self, StoreError> {
        match self.fault {
            Some((sequence, fault)) => Err(StoreError::Chain {
                file: self.file,
                sequence,
                fault,
            }),
            None => Ok(self),
        }
    }
}

/// A journal opened for reading.
#[derive(Debug)]
pub struct JournalReader {
    pub(super) connection: Connection,
    pub(super) file: PathBuf,
    pub(super) meta: Meta,
    /// Where archived files are.
    pub(super) archive: PathBuf,
    /// The archived file before this one, once it was asked for.
    pub(super) before: OnceCell<Box<JournalReader>>,
}

impl JournalReader {
    /// Opens an existing journal without changing it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |error| StoreError::sqlite(path, "opening the journal", &error);
        let connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
        if schema::is_new(&connection, path)? {
            return Err(StoreError::Foreign {
                file: path.to_owned(),
                what: "journal",
            });
        }
        Self::over(connection, path)
    }

    /// Reads over a connection that is already open.
    pub(super) fn over(connection: Connection, path: &Path) -> Result<Self, StoreError> {
        let meta = schema::meta(&connection, path)?;
        Ok(Self {
            connection,
            file: path.to_owned(),
            meta,
            archive: path.with_file_name(ARCHIVE),
            before: OnceCell::new(),
        })
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The last event that was ever committed, zero for none, and its hash.
    pub fn head(&self) -> Result<(u64, Hash), StoreError> {
        let head = self
            .connection
            .query_row("SELECT sequence, hash FROM head", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .map_err(|error| self.failed(&error))?;
        let sequence: i64 = head.0;
        Ok((u64::try_from(sequence).unwrap_or(0), head.1))
    }

    /// The stored hash of one event; before the first, the hash that the chain begins with.
    pub fn hash_at(&self, sequence: u64) -> Result<Option<Hash>, StoreError> {
        let (begins, hash) = self.meta.begins();
        if sequence == begins {
            return Ok(Some(hash));
        }
        if sequence < begins {
            return match self.older()? {
                Some(older) => older.hash_at(sequence),
                None => Ok(None),
            };
        }
        self.connection
            .query_row(
                "SELECT hash FROM journal WHERE sequence = ?1",
                [signed(sequence)],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| self.failed(&error))
    }

    /// Gives `visitor` every event from sequence `from` on, in order, and stops at its first error. Neither checks the
    /// chain nor minds a gap: that is [`JournalReader::verify`] and recovery.
    pub fn read(
        &self,
        from: u64,
        mut visitor: impl FnMut(Event) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.rows(from, u64::MAX, &mut |file, row, _| visitor(row.event(file)?))
    }

    /// At most `count` events from sequence `from` on.
    pub fn read_range(&self, from: u64, count: u32) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::new();
        self.rows(from, count.into(), &mut |file, row, _| {
            events.push(row.event(file)?);
            Ok(())
        })?;
        Ok(events)
    }

    /// Checks every record of this file, archived ones apart, to the last that was ever committed. An error means that the file
    /// could not be read that far; what the chain itself says is in the report.
    pub fn verify_own(&self) -> Result<VerifyReport, StoreError> {
        let (head, head_hash) = self.head()?;
        let (last, hash) = self.meta.begins();
        let mut chain = Chain::new(last, hash);
        self.follow(&mut chain, u64::MAX)?;
        Ok(VerifyReport {
            events: chain.last,
            head: chain.hash,
            fault: chain.fault.or_else(|| chain.end(head, &head_hash)),
            file: self.file.clone(),
        })
    }

    /// Follows the chain over at most `count` records: each is as its hash says, and can be read.
    fn follow(&self, chain: &mut Chain, count: u64) -> Result<(), StoreError> {
        self.own_rows(chain.last + 1, count, &mut |file, row, hash| {
            if chain.fault.is_none() {
                chain.check(&row, &hash);
            }
            if chain.fault.is_none() {
                row.event(file)?;
            }
            Ok(())
        })
    }

    /// The event before this file's own first one, zero for none, and its hash.
    pub fn begins(&self) -> (u64, Hash) {
        self.meta.begins()
    }

    /// Checks at most `count` records of this file after event `last`, whose hash is `hash`; the report's end is where the next
    /// check begins. What the head says is not looked at.
    pub fn verify_after(&self, last: u64, hash: Hash, count: u32) -> Result<VerifyReport, StoreError> {
        let mut chain = Chain::new(last, hash);
        self.follow(&mut chain, count.into())?;
        Ok(VerifyReport {
            events: chain.last,
            head: chain.hash,
            fault: chain.fault,
            file: self.file.clone(),
        })
    }

    /// As [`JournalReader::read`], but each record is checked against the hash of event `last` before it is given.
    pub(super) fn read_checked(
        &self,
        last: u64,
        hash: Hash,
        mut visitor: impl FnMut(Event) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (head, head_hash) = self.head()?;
        let mut chain = Chain::new(last, hash);
        let broken = |file: &Path, (sequence, fault)| StoreError::Chain {
            file: file.to_owned(),
            sequence,
            fault,
        };
        self.rows(last + 1, u64::MAX, &mut |file, row, stored| {
            chain.check(&row, &stored);
            match chain.fault {
                Some(fault) => Err(broken(file, fault)),
                None => visitor(row.event(file)?),
            }
        })?;
        chain
            .end(head, &head_hash)
            .map_or(Ok(()), |fault| Err(broken(&self.file, fault)))
    }

    /// The first record has to follow from what describes the journal: a start from a snapshot reads neither.
    pub(super) fn check_first(&self) -> Result<(), StoreError> {
        let (last, hash) = self.meta.begins();
        let mut chain = Chain::new(last, hash);
        self.own_rows(last + 1, 1, &mut |_, row, stored| {
            chain.check(&row, &stored);
            Ok(())
        })?;
        chain.fault.map_or(Ok(()), |(sequence, fault)| {
            Err(StoreError::Chain {
                file: self.file.clone(),
                sequence,
                fault,
            })
        })
    }

    /// At most `count` rows from sequence `from` on, archived ones too, each with the file that it stands in.
    fn rows(&self, from: u64, count: u64, visitor: &mut RowVisitor<'_>) -> Result<(), StoreError> {
        let mut left = count;
        let begins = self.meta.begins().0;
        if from <= begins
            && let Some(older) = self.older()?
        {
            older.rows(from, count, &mut |file, row, hash| {
                left = left.saturating_sub(1);
                visitor(file, row, hash)
            })?;
        }
        match left {
            0 => Ok(()),
            _ => self.own_rows(from.max(begins + 1), left, visitor),
        }
    }

    fn own_rows(&self, from: u64, count: u64, visitor: &mut RowVisitor<'_>) -> Result<(), StoreError> {
        let failed = |error| self.failed(&error);
        let sql = format!("SELECT {COLUMNS} FROM journal WHERE sequence >= ?1 ORDER BY sequence LIMIT ?2");
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query([signed(from), signed(count)]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let (row, hash) = read_row(row).map_err(failed)?;
            visitor(&self.file, row, hash)?;
        }
        Ok(())
    }

    /// Gives `visitor` the events of these kinds in a range, in order, until it has seen enough; true once it has.
    pub(super) fn visit(
        &self,
        kinds: std::ops::RangeInclusive<u16>,
        range: std::ops::Range<u64>,
        visitor: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        if range.start <= self.meta.begins().0
            && let Some(older) = self.older()?
            && older.visit(kinds.clone(), range.clone(), visitor)?
        {
            return Ok(true);
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM journal WHERE sequence >= {} AND sequence < {} AND kind BETWEEN {} AND {} ORDER BY sequence",
            signed(range.start),
            signed(range.end),
            kinds.start(),
            kinds.end()
        );
        self.select(&sql, visitor)
    }

    /// Gives `visitor` the events of these kinds before sequence `before`, the newest first, until it has seen enough or
    /// there are no more.
    pub(super) fn visit_back(
        &self,
        kinds: &[u16],
        before: u64,
        visitor: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let listed: Vec<String> = kinds.iter().map(ToString::to_string).collect();
        let sql = format!(
            "SELECT {COLUMNS} FROM journal WHERE sequence < {} AND kind IN ({}) ORDER BY sequence DESC",
            signed(before),
            listed.join(",")
        );
        if !self.select(&sql, visitor)?
            && let Some(older) = self.older()?
        {
            return older.visit_back(kinds, before, visitor);
        }
        Ok(())
    }

    /// Rows of a query, one by one: what is not looked at is not read. The text has numbers of ours in it and nothing else.
    fn select(
        &self,
        sql: &str,
        visitor: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<bool, StoreError> {
        let failed = |error| self.failed(&error);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let (row, _) = read_row(row).map_err(failed)?;
            if visitor(row.event(&self.file)?).is_break() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn failed(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::sqlite(&self.file, "reading the journal", error)
    }
}

fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Row, Hash)> {
    let read = Row {
        sequence: row.get(0)?,
        at_ns: row.get(1)?,
        mono_ns: row.get(2)?,
        wall_ns: row.get(3)?,
        batch: row.get(4)?,
        actor: row.get(5)?,
        cause: row.get(6)?,
        kind: row.get(7)?,
        version: row.get(8)?,
        body: row.get(9)?,
    };
    Ok((read, row.get(10)?))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The chain up to a record, and the first thing wrong with it.
struct Chain {
    last: u64,
    hash: Hash,
    fault: Option<(u64, Fault)>,
}
impl Chain {
    fn new(last: u64, hash: Hash) -> Self {
        let fault = None;
        Self { last, hash, fault }
    }
    fn check(&mut self, row: &Row, stored: &Hash) {
        let next = self.last + 1;
        if row.sequence != signed(next) {
            self.fault = Some((next, Fault::Missing));
            return;
        }
        let hash = row.hash(&self.hash);
        if hash != *stored {
            self.fault = Some((next, Fault::Changed));
            return;
        }
        (self.last, self.hash) = (next, hash);
    }
    /// What is wrong with the end, where the last record ought to be the head's.
    fn end(&self, head: u64, head_hash: &Hash) -> Option<(u64, Fault)> {
        match head.cmp(&self.last) {
            std::cmp::Ordering::Greater => Some((self.last + 1, Fault::Cut)),
            std::cmp::Ordering::Less => Some((head + 1, Fault::Changed)),
            std::cmp::Ordering::Equal => (*head_hash != self.hash).then_some((head.max(1), Fault::Changed)),
        }
    }
}
