//! The journal's tables, how a file is told to be one, and the settings of SQLite that make a commit durable. Each setting
//! is read back: one that did not take is an error at the start, not a loss at the next power cut.

use super::error::StoreError;
use super::row::Hash;
use crate::domain::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::Duration;

/// Marks a file as ours: `TWJ1`.
const APPLICATION_ID: u32 = 0x5457_4A31;
/// Raised with every change of the tables. The formats of events have versions of their own. Version 2 is a file that goes on
/// where an archived one ended; one that begins with the first event is written as version 1, which older programs read.
pub const SCHEMA_VERSION: u32 = 2;
/// The version of a file that begins with the first event.
const FROM_THE_FIRST: u32 = 1;
/// Pages in the write-ahead log before a commit moves them into the file. An idle writer does it earlier.
const CHECKPOINT_PAGES: u32 = 2000;

const TABLES: &str = "
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE journal(
  sequence INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, mono_ns INTEGER NOT NULL, wall_ns INTEGER NOT NULL,
  batch INTEGER NOT NULL, actor TEXT NOT NULL, cause INTEGER, kind INTEGER NOT NULL, version INTEGER NOT NULL,
  body BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE head(id INTEGER PRIMARY KEY CHECK(id = 1), sequence INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_is_never_shortened BEFORE DELETE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER head_only_moves_on BEFORE UPDATE ON head WHEN new.sequence <= old.sequence
  BEGIN SELECT RAISE(ABORT, 'the head of the journal only moves on'); END;
CREATE TRIGGER head_stays BEFORE DELETE ON head
  BEGIN SELECT RAISE(ABORT, 'the head of the journal stays'); END;
CREATE TRIGGER meta_is_never_changed BEFORE UPDATE ON meta
  BEGIN SELECT RAISE(ABORT, 'what describes the journal never changes'); END;
";

/// What a file that goes on from an archived one has besides: the state that it begins with, as a snapshot.
const BASE: &str = "
CREATE TABLE base(id INTEGER PRIMARY KEY CHECK(id = 1), snapshot BLOB NOT NULL) STRICT;
CREATE TRIGGER base_is_never_changed BEFORE UPDATE ON base
  BEGIN SELECT RAISE(ABORT, 'what a journal begins with never changes'); END;
CREATE TRIGGER base_stays BEFORE DELETE ON base
  BEGIN SELECT RAISE(ABORT, 'what a journal begins with never changes'); END;
CREATE TRIGGER meta_stays BEFORE DELETE ON meta
  BEGIN SELECT RAISE(ABORT, 'what describes the journal never changes'); END;
";

/// Where a file goes on that is not a journal's first: the end of the archived one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follows {
    /// The last event of that one.
    pub sequence: u64,
    /// Its hash, on which the chain goes on.
    pub hash: Hash,
    /// The file's name in the archive.
    pub file: String,
}

/// What describes a journal from its first moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Two characters that begin client order ids made for it.
    pub prefix: String,
    /// When it was made; of a file that goes on, the journal's first one.
    pub created_at: Timestamp,
    /// The archived file that this one goes on from; nothing where it begins with the first event.
    pub follows: Option<Follows>,
}
impl Meta {
    /// The event before the file's own first one, zero for none, and its hash.
    pub fn begins(&self) -> (u64, Hash) {
        match &self.follows {
            Some(before) => (before.sequence, before.hash),
            None => (0, self.genesis()),
        }
    }

    /// The hash before the first event.
    pub fn genesis(&self) -> Hash {
        Sha256::digest(format!("tradewind journal {} {}", self.prefix, self.created_at.0)).into()
    }
}

/// True where the file has nothing in it yet. Refuses other programs' files and newer ones; changes nothing.
pub fn is_new(connection: &Connection, file: &Path) -> Result<bool, StoreError> {
    let failed =
        |error: rusqlite::Error| match StoreError::sqlite(file, "reading the journal's header", &error) {
            StoreError::Corrupt { file, .. }
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) =>
            {
                StoreError::Foreign {
                    file,
                    what: "journal",
                }
            }
            other => other,
        };
    let number = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, u32>(0))
            .map_err(failed)
    };
    if number("SELECT count(*) FROM sqlite_master")? == 0 {
        return Ok(true);
    }
    if number("PRAGMA application_id")? != APPLICATION_ID {
        return Err(StoreError::Foreign {
            file: file.to_owned(),
            what: "journal",
        });
    }
    match number("PRAGMA user_version")? {
        found if found > SCHEMA_VERSION => Err(StoreError::Newer {
            file: file.to_owned(),
            what: "schema",
            found,
            known: SCHEMA_VERSION,
        }),
        _ => Ok(false),
    }
}

/// Makes commits durable, and proves it by reading each setting back.
pub fn make_durable(connection: &Connection, file: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::sqlite(file, "preparing the journal", &error);
    connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    let settings = [
        ("journal_mode", "WAL".to_owned(), "wal".to_owned()),
        ("synchronous", "FULL".into(), "2".into()),
        ("foreign_keys", "ON".into(), "1".into()),
        ("trusted_schema", "OFF".into(), "0".into()),
        ("fullfsync", "ON".into(), "1".into()),
        ("checkpoint_fullfsync", "ON".into(), "1".into()),
        (
            "wal_autocheckpoint",
            CHECKPOINT_PAGES.to_string(),
            CHECKPOINT_PAGES.to_string(),
        ),
    ];
    for (name, value, wanted) in settings {
        connection
            .execute_batch(&format!("PRAGMA {name} = {value}"))
            .map_err(failed)?;
        let found = connection
            .query_row(&format!("PRAGMA {name}"), [], |row| {
                row.get::<_, rusqlite::types::Value>(0)
            })
            .map_err(failed)?;
        let found = match found {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        };
        if found != wanted {
            return Err(StoreError::Failed {
                file: file.to_owned(),
                doing: "preparing the journal",
                what: format!(
                    "{name} is {found} instead of {wanted}; is the data directory on a local disk?"
                ),
            });
        }
    }
    Ok(())
}

/// Makes the tables of a new journal, in one transaction.
pub fn create(connection: &mut Connection, file: &Path, now: Timestamp) -> Result<(), StoreError> {
    let seed: [u8; 2] = connection
        .query_row("SELECT randomblob(2)", [], |row| row.get(0))
        .map_err(|error| StoreError::sqlite(file, "making the journal", &error))?;
    let meta = Meta {
        prefix: seed.iter().map(|byte| letter(*byte)).collect(),
        created_at: now,
        follows: None,
    };
    write(connection, file, &meta, None)
}

/// Makes the tables of a file that goes on from an archived one, with the state that it begins with, in one transaction.
pub fn create_after(
    connection: &mut Connection,
    file: &Path,
    meta: &Meta,
    base: &[u8],
) -> Result<(), StoreError> {
    write(connection, file, meta, Some(base))
}

fn write(
    connection: &mut Connection,
    file: &Path,
    meta: &Meta,
    base: Option<&[u8]>,
) -> Result<(), StoreError> {
    let failed = |error| StoreError::sqlite(file, "making the journal", &error);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    transaction.execute_batch(TABLES).map_err(failed)?;
    let mut texts = vec![
        ("prefix", meta.prefix.clone()),
        ("created_at_ns", meta.created_at.0.to_string()),
    ];
    if let Some(before) = &meta.follows {
        texts.extend([
            ("follows_sequence", before.sequence.to_string()),
            ("follows_hash", hex(&before.hash)),
            ("follows_file", before.file.clone()),
        ]);
    }
    for (key, value) in texts {
        transaction
            .execute("INSERT INTO meta(key, value) VALUES(?1, ?2)", (key, value))
            .map_err(failed)?;
    }
    let (sequence, hash) = meta.begins();
    transaction
        .execute(
            "INSERT INTO head(id, sequence, hash) VALUES(1, ?1, ?2)",
            (i64::try_from(sequence).unwrap_or(i64::MAX), hash),
        )
        .map_err(failed)?;
    let version = match base {
        Some(base) => {
            transaction.execute_batch(BASE).map_err(failed)?;
            transaction
                .execute("INSERT INTO base(id, snapshot) VALUES(1, ?1)", [base])
                .map_err(failed)?;
            SCHEMA_VERSION
        }
        None => FROM_THE_FIRST,
    };
    transaction
        .execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version}"
        ))
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// One of 32 characters that can't be confused with each other.
fn letter(byte: u8) -> char {
    char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[usize::from(byte % 32)])
}

/// What describes the journal.
pub fn meta(connection: &Connection, file: &Path) -> Result<Meta, StoreError> {
    let read = |key: &str| {
        connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
                row.get::<_, String>(0)
            })
            .optional()
            .map_err(|error| StoreError::sqlite(file, "reading the journal's description", &error))
    };
    let incomplete = || StoreError::Corrupt {
        file: file.to_owned(),
        what: "its description is not complete".into(),
    };
    let created = read("created_at_ns")?.and_then(|text| text.parse().ok());
    let (Some(prefix), Some(created)) = (read("prefix")?, created) else {
        return Err(incomplete());
    };
    let follows = match read("follows_sequence")? {
        None => None,
        Some(sequence) => Some(Follows {
            sequence: sequence.parse().map_err(|_| incomplete())?,
            hash: read("follows_hash")?
                .and_then(|text| from_hex(&text))
                .ok_or_else(incomplete)?,
            // A name and no path: whatever stands there, no other folder is looked into.
            file: read("follows_file")?
                .filter(|name| is_plain(name))
                .ok_or_else(incomplete)?,
        }),
    };
    Ok(Meta {
        prefix,
        created_at: Timestamp(created),
        follows,
    })
}

/// The snapshot that a file which goes on begins with; nothing in a journal's first file.
pub fn base(connection: &Connection, file: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let failed = |error| StoreError::sqlite(file, "reading what the journal begins with", &error);
    let has: bool = connection
        .query_row(
            "SELECT count(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = 'base'",
            [],
            |row| row.get(0),
        )
        .map_err(failed)?;
    if !has {
        return Ok(None);
    }
    connection
        .query_row("SELECT snapshot FROM base", [], |row| row.get(0))
        .optional()
        .map_err(failed)
}

fn is_plain(name: &str) -> bool {
    Path::new(name).file_name().is_some_and(|plain| plain == name)
}

fn hex(hash: &Hash) -> String {
    use std::fmt::Write as _;
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<Hash> {
    let digits = text.as_bytes();
    let mut hash = Hash::default();
    if digits.len() != 2 * hash.len() || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}
