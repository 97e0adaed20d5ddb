//! The file of the audit log: records that are only ever added, each with the hash of what came before it, and the signed
//! ends of the chain beside it. Several processes may add; each takes the end it finds under the file's lock.

use super::super::secret::{Secret, hex};
use super::AuditFiles;
use ring::hmac;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The layout of the file.
const SCHEMA: i64 = 1;
/// How long another process may hold it.
const BUSY: Duration = Duration::from_secs(5);
/// What the first record follows.
pub(super) const NOTHING: [u8; 32] = [0; 32];
/// The guards against changes, by name.
pub(super) const GUARDS: [&str; 3] = ["audit_no_change", "audit_no_removal", "audit_in_order"];

/// What went wrong with the log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The records can't be read or written.
    #[error("the audit log can't be used: {0}")]
    Book(#[from] rusqlite::Error),
    /// The signed ends can't be read or written.
    #[error("{path}: {why}")]
    Heads {
        /// The file.
        path: String,
        /// Why not.
        why: std::io::Error,
    },
    /// Its thread can't be started.
    #[error("the audit log's thread can't be started: {0}")]
    Thread(std::io::Error),
    /// A later program wrote it.
    #[error("{0} is of a later version of this program")]
    Later(String),
}

/// A record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its number, from 1.
    pub sequence: u64,
    /// Its text, as it is hashed.
    pub record: String,
    /// The chain up to here, hexadecimal.
    pub hash: String,
}

/// A signed end of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The last record's number.
    pub(super) sequence: u64,
    /// Its hash, hexadecimal.
    pub(super) hash: String,
    /// The signature, hexadecimal.
    pub(super) mac: String,
}

/// The key by which ends are signed.
pub(super) fn head_key(secret: &Secret) -> hmac::Key {
    secret.key("audit heads")
}

/// What is signed.
pub(super) fn head_words(sequence: u64, hash: &str) -> String {
    format!("{sequence} {hash}")
}

/// A record's hash.
pub(super) fn chained(previous: &[u8], record: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(previous);
    digest.update(record.as_bytes());
    digest.finalize().into()
}

/// The log, open for adding.
pub struct AuditBook {
    file: Connection,
    heads: PathBuf,
    key: hmac::Key,
}

impl std::fmt::Debug for AuditBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditBook").finish_non_exhaustive()
    }
}

impl AuditBook {
    /// Opens it, an empty one where there is none.
    ///
    /// # Errors
    /// It can't be opened, or is of a later program.
    pub fn open(files: &AuditFiles, secret: &Secret) -> Result<Self, AuditError> {
        let file = Connection::open(&files.book)?;
        file.busy_timeout(BUSY)?;
        file.pragma_update(None, "journal_mode", "WAL")?;
        file.pragma_update(None, "synchronous", "FULL")?;
        let version: i64 = file.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > SCHEMA {
            return Err(AuditError::Later(files.book.display().to_string()));
        }
        let [change, removal, order] = GUARDS;
        file.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             CREATE TABLE IF NOT EXISTS audit (sequence INTEGER PRIMARY KEY, record TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
             CREATE TRIGGER IF NOT EXISTS {change} BEFORE UPDATE ON audit
               BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
             CREATE TRIGGER IF NOT EXISTS {removal} BEFORE DELETE ON audit
               BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
             CREATE TRIGGER IF NOT EXISTS {order} BEFORE INSERT ON audit
               WHEN NEW.sequence <> (SELECT COALESCE(MAX(sequence), 0) + 1 FROM audit)
               BEGIN SELECT RAISE(ABORT, 'the audit log is added to in order'); END;
             PRAGMA user_version = {SCHEMA};
             COMMIT;"
        ))?;
        Ok(Self {
            file,
            heads: files.heads.clone(),
            key: head_key(secret),
        })
    }
    /// Adds records, all or none.
    ///
    /// # Errors
    /// They can't be written.
    pub fn append(&mut self, records: &[String]) -> Result<(), AuditError> {
        let tx = self
            .file
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (mut sequence, mut hash) = end(&tx)?.unwrap_or((0, NOTHING));
        for record in records {
            sequence += 1;
            hash = chained(&hash, record);
            tx.prepare_cached("INSERT INTO audit (sequence, record, hash) VALUES (?,?,?)")?
                .execute(params![sequence, record, hash.as_slice()])?;
        }
        Ok(tx.commit()?)
    }
    /// Writes the signed end of the chain beside the file.
    ///
    /// # Errors
    /// It can't be written.
    pub fn sign(&mut self) -> Result<(), AuditError> {
        let Some((sequence, hash)) = end(&self.file)? else {
            return Ok(());
        };
        let (sequence, hash) = (u64::try_from(sequence).unwrap_or(0), hex(&hash));
        let mac = hex(hmac::sign(&self.key, head_words(sequence, &hash).as_bytes()).as_ref());
        let line = serde_json::to_string(&Head { sequence, hash, mac }).unwrap_or_default();
        let written = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.heads)
            .and_then(|mut file| {
                file.write_all(format!("{line}\n").as_bytes())?;
                file.sync_data()
            });
        written.map_err(|why| AuditError::Heads {
            path: self.heads.display().to_string(),
            why,
        })
    }
}

/// The last record's number and hash.
fn end(file: &Connection) -> Result<Option<(i64, [u8; 32])>, rusqlite::Error> {
    file.query_row(
        "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
    .optional()
}

/// The file, for reading alone.
pub(super) fn reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let file = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    file.busy_timeout(BUSY)?;
    file.pragma_update(None, "query_only", true)?;
    Ok(file)
}

/// A page of records, the newest first.
pub(super) fn page(path: &Path, before: Option<u64>, limit: usize) -> Result<Vec<Row>, AuditError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let file = reader(path)?;
    let mut query = file.prepare(
        "SELECT sequence, record, hash FROM audit WHERE sequence < ?1 ORDER BY sequence DESC LIMIT ?2",
    )?;
    let before = before
        .and_then(|before| i64::try_from(before).ok())
        .unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = query.query_map(params![before, limit], |row| {
        Ok(Row {
            sequence: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
            record: row.get(1)?,
            hash: hex(&row.get::<_, Vec<u8>>(2)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl AuditFiles {
    /// A page of records, the newest first, those before the one of this number.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn page(&self, before: Option<u64>, limit: usize) -> Result<Vec<Row>, AuditError> {
        page(&self.book, before, limit)
    }
}
