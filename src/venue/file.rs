//! A durable file of the venue's or of who serves it: SQLite with a mark of its own and a layout's number, opened so that
//! what is committed is on the disk. A file with another mark is somebody else's and is not touched.

use rusqlite::{Connection, ErrorCode};
use std::path::Path;
use std::time::Duration;

/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(2);

/// What a file is.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its mark: SQLite's application id.
    pub mark: i64,
    /// The layout that this build writes; older ones it reads.
    pub layout: i64,
    /// The statements that make an empty file one of this layout.
    pub schema: &'static str,
}

/// Why a file can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// SQLite refused.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// It is something else.
    #[error("another kind of file")]
    Foreign,
    /// A newer build wrote it.
    #[error("layout {found}")]
    Newer {
        /// Its layout.
        found: i64,
    },
}

/// Opens the file at `path`, or makes it.
///
/// # Errors
/// It can't be opened, is something else, or of a newer build.
pub fn open(path: &Path, kind: Kind) -> Result<Connection, FileError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    let number = |name: &str| {
        let read = connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
        read.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => FileError::Foreign,
            _ => FileError::Sqlite(error),
        })
    };
    let (mark, layout) = (number("application_id")?, number("user_version")?);
    let count = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(count, [], |row| row.get(0))?;
    let fresh = mark == 0 && layout == 0 && tables == 0;
    if !fresh && mark != kind.mark {
        return Err(FileError::Foreign);
    }
    if layout > kind.layout {
        return Err(FileError::Newer { found: layout });
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    if fresh {
        let transaction = connection.transaction()?;
        transaction.execute_batch(kind.schema)?;
        transaction.pragma_update(None, "application_id", kind.mark)?;
        transaction.pragma_update(None, "user_version", kind.layout)?;
        transaction.commit()?;
    }
    Ok(connection)
}
