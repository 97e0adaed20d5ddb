//! The gateway's own durable book: every order that a client placed, whole and as it stands, with the ids that clients know
//! it by. It is written before the exchange is asked, so that after a crash every order is there again under the same
//! permanent id, reference, client and order id. What an order has traded is in the exchange's books, not here.

use super::tws::proto::PlaceOrderRequest;
use crate::domain::Timestamp;
use crate::venue::file::{self, FileError, Kind};
use prost::Message as _;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The layout of the file that this build writes.
const SCHEMA_VERSION: i64 = 1;
/// Marks the file as a gateway's ledger ("TWgl").
const APPLICATION_ID: i64 = 0x5457_676c;
/// The first permanent id.
const FIRST_PERM: i64 = 1_000_001;

const SCHEMA: &str = "
    CREATE TABLE orders (
        perm_id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL, order_id INTEGER NOT NULL, account TEXT NOT NULL,
        instrument TEXT NOT NULL, order_ref TEXT NOT NULL, parent INTEGER, oca_group TEXT NOT NULL,
        oca_type INTEGER NOT NULL, transmit INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
        created_at INTEGER NOT NULL, ended_at INTEGER, body BLOB NOT NULL, UNIQUE (client_id, order_id)
    ) STRICT;
    CREATE INDEX orders_ended ON orders (ended_at);
    CREATE TABLE clients (client_id INTEGER PRIMARY KEY, highest INTEGER NOT NULL) STRICT;
";

/// Why the ledger can't be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// SQLite refused: no space, no permission, damaged.
    #[error(
        "the gateway's ledger {path} can't be {doing}: {why}; check free space and permissions, then start again"
    )]
    Sqlite {
        /// The file.
        path: String,
        /// Opened, read or written.
        doing: &'static str,
        /// What SQLite says.
        why: String,
    },
    /// A file that is something else, or of a newer build.
    #[error(
        "{path} is no ledger that this build reads; use the newer build, move it away, or give another data directory"
    )]
    Foreign {
        /// The file.
        path: String,
    },
    /// A row that can't be read.
    #[error(
        "the gateway's ledger {path} holds order {perm} that can't be read: {why}; restore the file from a backup"
    )]
    Damaged {
        /// The file.
        path: String,
        /// Which.
        perm: i64,
        /// Why.
        why: String,
    },
}

/// One order.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its permanent id.
    pub perm: i64,
    /// Whose.
    pub client: i32,
    /// What the client calls it.
    pub order_id: i32,
    /// For which account.
    pub account: String,
    /// Of what.
    pub instrument: String,
    /// The permanent id of its parent.
    pub parent: Option<i64>,
    /// How far it had come.
    pub state: String,
    /// Why it ended, where there is something to say.
    pub reason: String,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// As placed and changed since.
    pub body: PlaceOrderRequest,
}

/// The ledger in its file.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    path: PathBuf,
}

impl Ledger {
    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    /// It can't be opened, or is something else.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let kind = Kind {
            mark: APPLICATION_ID,
            layout: SCHEMA_VERSION,
            schema: SCHEMA,
        };
        let connection = file::open(path, kind).map_err(|error| match error {
            FileError::Sqlite(error) => sqlite(path, "opened", &error),
            FileError::Foreign | FileError::Newer { .. } => LedgerError::Foreign {
                path: path.display().to_string(),
            },
        })?;
        Ok(Self {
            connection,
            path: path.to_path_buf(),
        })
    }

    /// Orders that live, and those that ended since.
    pub(super) fn load(&self, ended_since: Timestamp) -> Result<Vec<Row>, LedgerError> {
        let failed = |error: rusqlite::Error| sqlite(&self.path, "read", &error);
        let sql = "SELECT perm_id, client_id, order_id, account, instrument, parent, state, reason, created_at, ended_at, \
                   body FROM orders WHERE ended_at IS NULL OR ended_at >= ?1 ORDER BY perm_id";
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let mut rows = statement.query(params![ended_since.0]).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let perm: i64 = row.get(0).map_err(failed)?;
            let body: Vec<u8> = row.get(10).map_err(failed)?;
            let body = PlaceOrderRequest::decode(body.as_slice()).map_err(|why| LedgerError::Damaged {
                path: self.path.display().to_string(),
                perm,
                why: why.to_string(),
            })?;
            found.push(Row {
                perm,
                client: row.get(1).map_err(failed)?,
                order_id: row.get(2).map_err(failed)?,
                account: row.get(3).map_err(failed)?,
                instrument: row.get(4).map_err(failed)?,
                parent: row.get(5).map_err(failed)?,
                state: row.get(6).map_err(failed)?,
                reason: row.get(7).map_err(failed)?,
                created_at: Timestamp(row.get(8).map_err(failed)?),
                ended_at: row.get::<_, Option<i64>>(9).map_err(failed)?.map(Timestamp),
                body,
            });
        }
        Ok(found)
    }

    /// The next permanent id, and the highest order id that each client has used.
    pub(super) fn ids(&self) -> Result<(i64, BTreeMap<i32, i32>), LedgerError> {
        let failed = |error: rusqlite::Error| sqlite(&self.path, "read", &error);
        let sql = "SELECT coalesce(max(perm_id) + 1, ?1) FROM orders";
        let next: i64 = self
            .connection
            .query_row(sql, [FIRST_PERM], |row| row.get(0))
            .map_err(failed)?;
        let mut statement = self
            .connection
            .prepare("SELECT client_id, highest FROM clients")
            .map_err(failed)?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(failed)?;
        Ok((next, rows.collect::<Result<_, _>>().map_err(failed)?))
    }

    /// Has this client used this order id, however long ago?
    pub(super) fn knows(&self, client: i32, order_id: i32) -> Result<bool, LedgerError> {
        let sql = "SELECT 1 FROM orders WHERE client_id = ?1 AND order_id = ?2";
        self.connection
            .query_row(sql, [client, order_id], |_| Ok(()))
            .optional()
            .map(|found| found.is_some())
            .map_err(|error| sqlite(&self.path, "read", &error))
    }

    /// Writes orders as they are now: all for good, or none.
    pub(super) fn write<'a>(&mut self, rows: impl Iterator<Item = &'a Row>) -> Result<(), LedgerError> {
        let written = (|| {
            let transaction = self
                .connection
                .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            for row in rows {
                let order = row.body.order.clone().unwrap_or_default();
                transaction.execute(
                    "INSERT OR REPLACE INTO orders (perm_id, client_id, order_id, account, instrument, order_ref, parent, \
                     oca_group, oca_type, transmit, state, reason, created_at, ended_at, body)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
                    params![
                        row.perm,
                        row.client,
                        row.order_id,
                        row.account,
                        row.instrument,
                        order.order_ref.unwrap_or_default(),
                        row.parent,
                        order.oca_group.unwrap_or_default(),
                        order.oca_type.unwrap_or_default(),
                        order.transmit.unwrap_or_default(),
                        row.state,
                        row.reason,
                        row.created_at.0,
                        row.ended_at.map(|at| at.0),
                        row.body.encode_to_vec(),
                    ],
                )?;
                transaction.execute(
                    "INSERT INTO clients (client_id, highest) VALUES (?1, ?2)
                     ON CONFLICT (client_id) DO UPDATE SET highest = max(highest, ?2)",
                    [row.client, row.order_id],
                )?;
            }
            transaction.commit()
        })();
        written.map_err(|error| sqlite(&self.path, "written", &error))
    }
}

fn sqlite(path: &Path, doing: &'static str, error: &rusqlite::Error) -> LedgerError {
    LedgerError::Sqlite {
        path: path.display().to_string(),
        doing,
        why: error.to_string(),
    }
}
