//! The journal: every event, in order, each chained to the one before, each commit durable before it is answered. One
//! writer. It has a size it may reach and a reserve beyond it, so that when there is no more room for risk there is still
//! room to record cancels and halts. Who may use the reserve is decided by the caller.

use super::archive;
use super::error::StoreError;
use super::head_file::{HeadFile, Mark};
use super::reader::{JournalReader, VerifyReport};
use super::row::{Hash, Row};
use super::schema;
use super::snapshot::SnapshotFile;
use crate::domain::Timestamp;
use crate::engine::Event;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior, params};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

const INSERT: &str = "INSERT INTO journal(sequence, at_ns, mono_ns, wall_ns, batch, actor, cause, kind, version, body, hash) \
                      VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const MOVE_HEAD: &str = "UPDATE head SET sequence = ?1, hash = ?2 WHERE id = 1";
/// Commits after which an idle writer moves the write-ahead log into the file.
const COMMITS_BEFORE_CHECKPOINT: u32 = 200;

/// How large a journal may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// Largest size in bytes, the write-ahead log of a few MiB beside it not counted.
    pub max_bytes: u64,
    /// Bytes beyond that for what must be recorded nevertheless; a file of this size beside the journal keeps them.
    pub reserve_bytes: u64,
}

/// When a batch was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// By the monotonic clock, in nanoseconds from any beginning.
    pub mono_ns: i64,
    /// By the wall clock, in nanoseconds since 1970.
    pub wall_ns: i64,
}

/// What was found on opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// How many events there are.
    pub events: u64,
    /// The last one's sequence; zero for none.
    pub last: u64,
    /// The sequence of the snapshot beside it, as far as its header says.
    pub snapshot: Option<u64>,
    /// The two characters that begin client order ids made for this journal.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// True where it was made just now.
    pub is_new: bool,
    /// False where the disk has no room for the reserve.
    pub has_reserve: bool,
}

/// A journal opened for writing.
#[derive(Debug)]
pub struct Journal {
    reader: JournalReader,
    settings: JournalSettings,
    last: u64,
    hash: Hash,
    commits: u32,
    on_reserve: bool,
    mark: HeadFile,
}

impl Journal {
    /// Opens or makes the journal at `path`. `now` is kept as the birth of a new one. Other programs' files, newer
    /// journals, and journals whose end is not the one last committed are refused in words and left as they are.
    pub fn open(
        path: &Path,
        settings: JournalSettings,
        now: Timestamp,
    ) -> Result<(Self, Opened), StoreError> {
        let failed = |error| StoreError::sqlite(path, "opening the journal", &error);
        archive::settle(path)?;
        let mark = HeadFile::beside(path);
        let written = mark.read();
        if let Some(written) = written.filter(|_| is_empty(path)) {
            return Err(mark.lacking(path, &written));
        }
        make_private(path)?;
        let mut connection = Connection::open(path).map_err(failed)?;
        // What is refused is left as it is: closing would move a write-ahead log into the file and delete it.
        keep_log(&connection, true).map_err(failed)?;
        let is_new = schema::is_new(&connection, path)?;
        if let Some(written) = written.filter(|_| is_new) {
            return Err(mark.lacking(path, &written));
        }
        schema::make_durable(&connection, path)?;
        if is_new {
            schema::create(&mut connection, path, now)?;
        }
        let reader = JournalReader::over(connection, path)?;
        let (last, hash) = reader.head()?;
        let mut journal = Self {
            reader,
            settings,
            last,
            hash,
            commits: 0,
            on_reserve: false,
            mark,
        };
        journal.check_end()?;
        journal.reader.check_first()?;
        journal.check_mark(written)?;
        journal.note();
        journal.limit(settings.max_bytes)?;
        let opened = Opened {
            events: last,
            last,
            snapshot: SnapshotFile::beside(path).sequence(),
            prefix: journal.reader.meta.prefix.clone(),
            created_at: journal.reader.meta.created_at,
            is_new,
            has_reserve: keep_reserve(&journal.reserve_file(), settings.reserve_bytes),
        };
        Ok((journal, opened))
    }

    /// Stores one batch in one transaction. Events must follow the last one without a gap. On an error nothing of it is
    /// kept, and the same batch may be given again.
    pub fn append(&mut self, events: &[Event], stamp: Stamp) -> Result<(), StoreError> {
        self.append_all(std::iter::once((events, stamp)))
    }

    /// Stores several batches in one transaction: all of them, or on an error none.
    pub fn append_all<'a>(
        &mut self,
        batches: impl Iterator<Item = (&'a [Event], Stamp)>,
    ) -> Result<(), StoreError> {
        let file = &self.reader.file;
        let (mut last, mut hash) = (self.last, self.hash);
        let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
            // Somebody else has written an event of this number.
            Some(rusqlite::ErrorCode::ConstraintViolation) => StoreError::Sequence {
                file: file.clone(),
                last: self.last,
                found: self.last + 1,
            },
            _ => StoreError::sqlite(file, "storing events", &error),
        };
        let transaction = self
            .reader
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        {
            let mut insert = transaction.prepare(INSERT).map_err(failed)?;
            for (events, stamp) in batches {
                for event in events {
                    let row = Row::new(file, last, event, stamp)?;
                    hash = row.hash(&hash);
                    insert
                        .execute(params![
                            row.sequence,
                            row.at_ns,
                            row.mono_ns,
                            row.wall_ns,
                            row.batch,
                            row.actor,
                            row.cause,
                            row.kind,
                            row.version,
                            row.body,
                            hash
                        ])
                        .map_err(failed)?;
                    last = event.sequence;
                }
            }
            if last == self.last {
                return Ok(());
            }
            let mut head = transaction.prepare(MOVE_HEAD).map_err(failed)?;
            let sequence = i64::try_from(last).unwrap_or(i64::MAX);
            head.execute(params![sequence, hash]).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        (self.last, self.hash) = (last, hash);
        if self.commits == 0 {
            // It is ours: closing may tidy up. Where it may not, the log only stays.
            let _ = keep_log(&self.reader.connection, false);
        }
        self.commits = self.commits.saturating_add(1);
        self.note();
        Ok(())
    }

    /// Opens the reserve: raises the limit and gives the disk back what was kept. Stays open until the next start.
    pub fn use_reserve(&mut self) -> Result<(), StoreError> {
        let JournalSettings {
            max_bytes,
            reserve_bytes,
        } = self.settings;
        self.limit(max_bytes.saturating_add(reserve_bytes))?;
        self.on_reserve = true;
        let file = self.reserve_file();
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::io(&file, "giving up the reserve", &error))
            }
            _ => Ok(()),
        }
    }

    /// True once the reserve is open.
    pub fn is_on_reserve(&self) -> bool {
        self.on_reserve
    }

    /// The last stored event; zero for none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Its hash: the head of the chain.
    pub fn head(&self) -> Hash {
        self.hash
    }

    /// The connection, for closing the file.
    pub(super) fn into_connection(self) -> Connection {
        self.reader.connection
    }

    /// For reading over the writer's own connection.
    pub fn reader(&self) -> &JournalReader {
        &self.reader
    }

    /// As [`JournalReader::read`].
    pub fn read(
        &self,
        from: u64,
        visitor: impl FnMut(Event) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.reader.read(from, visitor)
    }

    /// As [`JournalReader::read_range`].
    pub fn read_range(&self, from: u64, count: u32) -> Result<Vec<Event>, StoreError> {
        self.reader.read_range(from, count)
    }

    /// As [`JournalReader::verify`].
    pub fn verify(&self) -> Result<VerifyReport, StoreError> {
        self.reader.verify()
    }

    /// True where moving the write-ahead log into the file is worth an idle moment.
    pub fn wants_checkpoint(&self) -> bool {
        self.commits >= COMMITS_BEFORE_CHECKPOINT
    }

    /// Moves the write-ahead log into the file, as far as readers allow. Only costs time: an error here loses nothing.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.commits = 0;
        self.reader
            .connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
            .map_err(|error| StoreError::sqlite(&self.reader.file, "tidying the journal", &error))
    }

    /// The last record must be the one that was last committed.
    fn check_end(&self) -> Result<(), StoreError> {
        let last: Option<i64> = self
            .reader
            .connection
            .query_row("SELECT max(sequence) FROM journal", [], |row| row.get(0))
            .map_err(|error| StoreError::sqlite(&self.reader.file, "reading the journal's end", &error))?;
        let last = match last {
            Some(last) => u64::try_from(last).unwrap_or(0),
            None => self.reader.begins().0,
        };
        let broken = |sequence, fault| StoreError::Chain {
            file: self.reader.file.clone(),
            sequence,
            fault,
        };
        if last < self.last {
            return Err(broken(last + 1, super::Fault::Cut));
        }
        if last > self.last || self.reader.hash_at(last)? != Some(self.hash) {
            return Err(broken(last, super::Fault::Changed));
        }
        Ok(())
    }

    /// What was written last, by the file beside it, has to be there.
    fn check_mark(&self, written: Option<Mark>) -> Result<(), StoreError> {
        let begins = self.reader.begins().0;
        // An older note is of a part that is archived: this file could only be begun where that was whole.
        match written.filter(|written| written.sequence >= begins) {
            Some(written) if self.reader.hash_at(written.sequence)? != Some(written.hash) => {
                Err(self.mark.lacking(&self.reader.file, &written))
            }
            _ => Ok(()),
        }
    }

    fn note(&mut self) {
        if self.last > 0 {
            self.mark.note(&Mark {
                sequence: self.last,
                hash: self.hash,
            });
        }
    }

    fn limit(&mut self, bytes: u64) -> Result<(), StoreError> {
        let failed = |error| StoreError::sqlite(&self.reader.file, "limiting the journal", &error);
        let connection = &self.reader.connection;
        let page: u32 = connection
            .query_row("PRAGMA page_size", [], |row| row.get(0))
            .map_err(failed)?;
        let pages = (bytes / u64::from(page.max(512))).clamp(16, u64::from(u32::MAX - 1));
        connection
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
            .map_err(failed)
    }

    fn reserve_file(&self) -> PathBuf {
        let mut name = self.reader.file.clone().into_os_string();
        name.push(".reserve");
        name.into()
    }
}

/// Whether closing leaves the write-ahead log where it is.
fn keep_log(connection: &Connection, keep: bool) -> rusqlite::Result<bool> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)
}

/// True where there is no file, or nothing in it.
fn is_empty(path: &Path) -> bool {
    std::fs::metadata(path).map_or(true, |found| found.len() == 0)
}

/// Makes an empty file that only its owner can read, before the database opens it.
pub(super) fn make_private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|error| StoreError::io(path, "opening the journal", &error))
}

/// Fills the reserve's file; false where there is no room for it.
fn keep_reserve(file: &Path, bytes: u64) -> bool {
    let kept = std::fs::metadata(file).is_ok_and(|found| found.len() == bytes);
    let fill = || -> std::io::Result<()> {
        let mut out = File::create(file)?;
        let block = [0u8; 64 * 1024];
        let mut left = bytes;
        while left > 0 {
            let part = usize::try_from(left).map_or(block.len(), |left| left.min(block.len()));
            out.write_all(&block[..part])?;
            left -= part as u64;
        }
        out.sync_all()
    };
    let has = kept || fill().is_ok();
    if !has {
        // Half a reserve would only take the space that events need; a leftover is no harm.
        let _ = std::fs::remove_file(file);
    }
    has
}
