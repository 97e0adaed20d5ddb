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
/// Raised with every change of the tables. The formats of events have versions of their own.
pub const SCHEMA_VERSION: u32 = 1;
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

/// What describes a journal from its first moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Two characters that begin client order ids made for it.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
}
impl Meta {
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

/// Makes the tables, in one transaction.
pub fn create(connection: &mut Connection, file: &Path, now: Timestamp) -> Result<(), StoreError> {
    let failed = |error| StoreError::sqlite(file, "making the journal", &error);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let seed: [u8; 2] = transaction
        .query_row("SELECT randomblob(2)", [], |row| row.get(0))
        .map_err(failed)?;
    let meta = Meta {
        prefix: seed.iter().map(|byte| letter(*byte)).collect(),
        created_at: now,
    };
    transaction.execute_batch(TABLES).map_err(failed)?;
    let texts = [
        ("prefix", meta.prefix.clone()),
        ("created_at_ns", now.0.to_string()),
    ];
    for (key, value) in texts {
        transaction
            .execute("INSERT INTO meta(key, value) VALUES(?1, ?2)", (key, value))
            .map_err(failed)?;
    }
    transaction
        .execute(
            "INSERT INTO head(id, sequence, hash) VALUES(1, 0, ?1)",
            [meta.genesis()],
        )
        .map_err(failed)?;
    transaction
        .execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}"
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
    let created = read("created_at_ns")?.and_then(|text| text.parse().ok());
    match (read("prefix")?, created) {
        (Some(prefix), Some(created)) => Ok(Meta {
            prefix,
            created_at: Timestamp(created),
        }),
        _ => Err(StoreError::Corrupt {
            file: file.to_owned(),
            what: "its description is not complete".into(),
        }),
    }
}
