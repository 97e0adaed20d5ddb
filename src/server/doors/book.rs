//! The file of those who may come in: keys, users, their sessions. Opens it and brings an older one up to date, whole or
//! not at all, after a copy of it. What stands in it is for `keys`, `users` and `sessions`.

use rusqlite::{Connection, TransactionBehavior};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The layout of the file.
pub(super) const SCHEMA: i64 = 2;
/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(2);

/// Each layout, as the step from the one before it.
const STEPS: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS keys (
       id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash BLOB NOT NULL, role TEXT NOT NULL,
       accounts TEXT, expires INTEGER, addresses TEXT NOT NULL, made INTEGER NOT NULL) STRICT;",
    "ALTER TABLE keys ADD COLUMN scopes TEXT;
     ALTER TABLE keys ADD COLUMN signing BLOB;
     CREATE TABLE users (
       name TEXT PRIMARY KEY, role TEXT NOT NULL, accounts TEXT, password TEXT NOT NULL, made INTEGER NOT NULL,
       second BLOB, second_wanted BLOB, second_step INTEGER NOT NULL DEFAULT 0) STRICT;
     CREATE TABLE recovery (
       user TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE, code BLOB NOT NULL, PRIMARY KEY (user, code)) STRICT;
     CREATE TABLE sessions (
       id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE, kind TEXT NOT NULL,
       made INTEGER NOT NULL, seen INTEGER NOT NULL, ends INTEGER NOT NULL, address TEXT NOT NULL,
       generation INTEGER NOT NULL, stepped_up INTEGER) STRICT;
     CREATE INDEX sessions_by_user ON sessions(user);",
];

/// Opens the file, an empty one where there is none. What an older program wrote is copied beside it before it is changed.
///
/// # Errors
/// It can't be opened or copied, or is of a later program. What an older program wrote is then as it was.
pub(super) fn open(path: &Path) -> Result<Connection, rusqlite::Error> {
    let mut file = Connection::open(path)?;
    file.busy_timeout(BUSY)?;
    file.pragma_update(None, "journal_mode", "WAL")?;
    file.pragma_update(None, "foreign_keys", true)?;
    let found: i64 = file.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if (1..SCHEMA).contains(&found) {
        put_aside(&file, &copy_of(path, found))?;
    }
    let tx = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if !(0..=SCHEMA).contains(&version) {
        return Err(rusqlite::Error::InvalidParameterName(format!(
            "{} is of a later version of this program",
            path.display()
        )));
    }
    for step in STEPS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        tx.execute_batch(step)?;
    }
    tx.pragma_update(None, "user_version", SCHEMA)?;
    tx.commit()?;
    Ok(file)
}

/// Where the file of an older layout is copied to: `doors.db.layout-1`.
fn copy_of(path: &Path, layout: i64) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".layout-{layout}"));
    path.with_file_name(name)
}

/// Copies the file as it is, readable for this user alone. A copy that is there already is the older one, and stays.
fn put_aside(file: &Connection, to: &Path) -> Result<(), rusqlite::Error> {
    if std::fs::metadata(to).is_ok_and(|copy| copy.len() > 0) {
        return Ok(());
    }
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(to);
    let wrong = |why: std::io::Error| {
        let words = format!(
            "{} can't be written, and what it is a copy of is not changed without: {why}",
            to.display()
        );
        rusqlite::Error::InvalidParameterName(words)
    };
    made.map_err(wrong)?;
    // Into an empty file it may.
    file.execute("VACUUM INTO ?1", [to.to_string_lossy().as_ref()])?;
    Ok(())
}

/// SQLite's number of this file's changes by others.
pub(super) fn changes(file: &Connection) -> Result<i64, rusqlite::Error> {
    file.prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))
}

/// Words with commas between them.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split(',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_of_the_first_layout_keeps_its_keys_and_a_later_one_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("doors.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(STEPS[0]).unwrap();
        old.execute_batch(
            "INSERT INTO keys VALUES ('abcdefgh', 'bot', x'00', 'trade', 'SIM100001', NULL, '', 7);
             PRAGMA user_version = 1;",
        )
        .unwrap();
        drop(old);
        for _ in 0..2 {
            let file = open(&path).unwrap();
            let (name, scopes): (String, Option<String>) = file
                .query_row("SELECT name, scopes FROM keys", [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .unwrap();
            assert_eq!((name.as_str(), scopes), ("bot", None));
        }
        // As it was, for whoever has to go back to the program before.
        let aside = folder.path().join("doors.db.layout-1");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&aside).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        let aside = Connection::open(aside).unwrap();
        let version: i64 = aside
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(version, 1);
        let kept: i64 = aside
            .query_row("SELECT count(*) FROM keys", [], |row| row.get(0))
            .unwrap();
        assert_eq!(kept, 1);
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", SCHEMA + 1)
            .unwrap();
        assert!(open(&path).unwrap_err().to_string().contains("later version"));
    }
}
