//! How a small book of the profile is opened that is a picture and no record (`availability`, `pnl_days`): opened for each write,
//! so that nothing is held while nothing is written, and closed again.

use anyhow::{Context, Result};
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;

/// What a book says of itself, and what is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Whose it is.
    pub(super) application_id: i32,
    /// The number of the layout; a later one is refused.
    pub(super) version: i64,
    /// What makes the tables where they are missing.
    pub(super) tables: &'static str,
}

/// Opens a book; makes it where there is none.
///
/// # Errors
/// It can't be opened or written, or is of a later program.
pub(super) fn open(file: &Path, layout: Layout) -> Result<Connection> {
    let connection = Connection::open(file).with_context(|| format!("can't open {}", file.display()))?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    anyhow::ensure!(
        version <= layout.version,
        "{} was written by a newer program; use that one",
        file.display()
    );
    connection.execute_batch(&format!(
        "{} PRAGMA application_id = {}; PRAGMA user_version = {};",
        layout.tables, layout.application_id, layout.version
    ))?;
    Ok(connection)
}
