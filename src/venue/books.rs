//! The venue's own books: customers' accounts, cash, positions, orders and executions, in a SQLite file of its own as a
//! real exchange would keep them, or in memory for simulations. One transaction takes everything that one request or one
//! moment changed; it is written through (WAL, synchronous FULL) before anybody is told. Participants are not in here.
//! Deciding what changes is left to the venue.

use super::file::{self, FileError, Kind};
use crate::domain::{
    AccountId, ClientOrderId, Currency, Execution, InstrumentId, Money, OrderSpec, Phase, Quantity, SafeText,
    Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The layout of the file that this build writes.
pub const SCHEMA_VERSION: i64 = 1;
/// Marks the file as books of this venue ("TWvb").
const APPLICATION_ID: i64 = 0x5457_7662;

/// Why books can't be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// SQLite refused: no space, no permission, damaged.
    #[error(
        "the exchange's books {path} can't be {doing}: {why}; check free space and permissions, then start again"
    )]
    Sqlite {
        /// The file.
        path: String,
        /// Opened, read or written.
        doing: &'static str,
        /// What SQLite says.
        why: String,
    },
    /// A file that is something else.
    #[error("{path} holds no books of the exchange; move it away or give another data directory")]
    Foreign {
        /// The file.
        path: String,
    },
    /// Written by a newer build.
    #[error(
        "the exchange's books {path} have layout {found}, this build knows layouts up to {known}; \
         use the newer build, or move the file away to start with fresh books"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its layout.
        found: i64,
        /// The newest known here.
        known: i64,
    },
    /// A row that can't be read.
    #[error(
        "the exchange's books {path} hold {what} that can't be read: {why}; restore the file from a backup"
    )]
    Damaged {
        /// The file.
        path: String,
        /// Which row.
        what: String,
        /// Why.
        why: String,
    },
    /// For books that are made to fail in a test.
    #[error("the exchange's books can't be written: {0}")]
    Failed(String),
}

/// A customer's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// Which.
    pub account: AccountId,
    /// The currency totals are in.
    pub base: Currency,
    /// Settled cash.
    pub cash: BTreeMap<Currency, Money>,
}

/// A customer's position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionRecord {
    /// Whose.
    pub account: AccountId,
    /// In what.
    pub instrument: InstrumentId,
    /// How much; negative is short.
    pub quantity: Quantity,
    /// What it cost, multiplier included; negative for a short.
    pub cost: Money,
    /// Profit of what was closed, before fees.
    pub realized: Money,
}

/// A customer's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// The venue's number of it: ascending, never reused.
    pub number: u64,
    /// What the customer calls it.
    pub id: ClientOrderId,
    /// As first asked for: what a repeated request is compared with.
    pub asked: OrderSpec,
    /// As changed since.
    pub spec: OrderSpec,
    /// How far it has come.
    pub phase: Phase,
    /// Executed so far.
    pub filled: Quantity,
    /// Price times quantity times multiplier of what was executed.
    pub filled_value: Money,
    /// Fees charged so far.
    pub fees: Money,
    /// For an iceberg on the book: what it shows at the moment.
    pub visible: Option<Quantity>,
    /// A stop that has been elected and works as what it became.
    pub triggered: bool,
    /// When a DAY order ends: the end of the trading day it was accepted in or for.
    pub day_end: Option<Timestamp>,
    /// Its place in the queue of its price, ascending: renewed when a change costs the place.
    pub rank: u64,
    /// Why it ended, where there is something to say.
    pub reason: Option<SafeText>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Everything that is needed to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// All accounts.
    pub accounts: Vec<AccountRecord>,
    /// All positions.
    pub positions: Vec<PositionRecord>,
    /// Live orders, and those that ended lately, by number.
    pub orders: Vec<OrderRecord>,
    /// Late executions, by number.
    pub executions: Vec<(u64, Execution)>,
    /// The highest order number used.
    pub last_order: u64,
    /// The highest execution number used.
    pub last_execution: u64,
    /// The highest place in a queue used.
    pub last_rank: u64,
}

/// What one request or one moment changed: rows as they are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Accounts whose cash moved.
    pub accounts: BTreeMap<AccountId, AccountRecord>,
    /// Positions that moved.
    pub positions: BTreeMap<(AccountId, InstrumentId), PositionRecord>,
    /// Orders that are new or moved, by number.
    pub orders: BTreeMap<u64, OrderRecord>,
    /// New executions, by number.
    pub executions: BTreeMap<u64, Execution>,
}

impl OrderRecord {
    /// True while it may still execute.
    pub fn is_live(&self) -> bool {
        self.phase.is_live()
    }
}

impl Changes {
    /// True where nothing changed.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
            && self.positions.is_empty()
            && self.orders.is_empty()
            && self.executions.is_empty()
    }
}

/// Where a venue keeps its books. A commit is whole or not at all.
pub trait Books: Send + std::fmt::Debug {
    /// Reads what is needed to go on: orders that ended before `ended_since` and executions before `executed_since` stay
    /// in the file.
    fn load(&mut self, ended_since: Timestamp, executed_since: Timestamp) -> Result<Saved, BooksError>;
    /// Writes all of `changes` for good, or nothing.
    fn commit(&mut self, changes: &Changes) -> Result<(), BooksError>;
    /// An order by the customer's name for it, however long ago it ended.
    fn order(&mut self, account: AccountId, id: ClientOrderId) -> Result<Option<OrderRecord>, BooksError>;
}

/// Books in a file.
#[derive(Debug)]
pub struct SqliteBooks {
    connection: Connection,
    path: PathBuf,
}

const SCHEMA: &str = "
    CREATE TABLE accounts (account TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE positions (
        account TEXT NOT NULL, instrument TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (account, instrument)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE orders (
        number INTEGER PRIMARY KEY, account TEXT NOT NULL, id TEXT NOT NULL, rank INTEGER NOT NULL,
        ended_at INTEGER, record TEXT NOT NULL, UNIQUE (account, id)
    ) STRICT;
    CREATE INDEX orders_ended ON orders (ended_at);
    CREATE TABLE executions (
        number INTEGER PRIMARY KEY, account TEXT NOT NULL, at INTEGER NOT NULL, record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX executions_at ON executions (at);
";

impl SqliteBooks {
    /// Opens the file at `path`, or makes it. A file of a newer layout or of another kind is refused.
    pub fn open(path: &Path) -> Result<Self, BooksError> {
        let kind = Kind {
            mark: APPLICATION_ID,
            layout: SCHEMA_VERSION,
            schema: SCHEMA,
        };
        let connection = file::open(path, kind).map_err(|error| match error {
            FileError::Sqlite(error) => sqlite(path, "opened", &error),
            FileError::Foreign => BooksError::Foreign {
                path: path.display().to_string(),
            },
            FileError::Newer { found } => BooksError::Newer {
                path: path.display().to_string(),
                found,
                known: SCHEMA_VERSION,
            },
        })?;
        Ok(Self {
            connection,
            path: path.to_path_buf(),
        })
    }

    /// Rows of one table as numbers and records.
    fn rows<T: DeserializeOwned>(
        &self,
        what: &str,
        sql: &str,
        since: Timestamp,
    ) -> Result<Vec<(u64, T)>, BooksError> {
        let failed = |error: rusqlite::Error| sqlite(&self.path, "read", &error);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let mut rows = statement.query(params![since.0]).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let number: i64 = row.get(0).map_err(failed)?;
            let text: String = row.get(1).map_err(failed)?;
            let record = self.record(&format!("{what} {number}"), &text)?;
            found.push((u64::try_from(number).unwrap_or(0), record));
        }
        Ok(found)
    }

    fn record<T: DeserializeOwned>(&self, what: &str, text: &str) -> Result<T, BooksError> {
        serde_json::from_str(text).map_err(|error| BooksError::Damaged {
            path: self.path.display().to_string(),
            what: what.to_owned(),
            why: error.to_string(),
        })
    }

    fn highest(&self, sql: &str) -> Result<u64, BooksError> {
        let highest: i64 = self
            .connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| sqlite(&self.path, "read", &error))?;
        Ok(u64::try_from(highest).unwrap_or(0))
    }
}

fn sqlite(path: &Path, doing: &'static str, error: &rusqlite::Error) -> BooksError {
    BooksError::Sqlite {
        path: path.display().to_string(),
        doing,
        why: error.to_string(),
    }
}

impl Books for SqliteBooks {
    fn load(&mut self, ended_since: Timestamp, executed_since: Timestamp) -> Result<Saved, BooksError> {
        let all = Timestamp::MIN;
        // `?1` is named in each query, so that all of them take the same argument.
        let accounts = self.rows(
            "account",
            "SELECT 0, record FROM accounts WHERE ?1 <= 0 ORDER BY account",
            all,
        )?;
        let positions = "SELECT 0, record FROM positions WHERE ?1 <= 0 ORDER BY account, instrument";
        let positions = self.rows("position", positions, all)?;
        let orders =
            "SELECT number, record FROM orders WHERE ended_at IS NULL OR ended_at >= ?1 ORDER BY number";
        let orders = self.rows("order", orders, ended_since)?;
        let executions = "SELECT number, record FROM executions WHERE at >= ?1 ORDER BY number";
        Ok(Saved {
            accounts: accounts.into_iter().map(|row| row.1).collect(),
            positions: positions.into_iter().map(|row| row.1).collect(),
            orders: orders.into_iter().map(|row| row.1).collect(),
            executions: self.rows("execution", executions, executed_since)?,
            last_order: self.highest("SELECT coalesce(max(number), 0) FROM orders")?,
            last_execution: self.highest("SELECT coalesce(max(number), 0) FROM executions")?,
            last_rank: self.highest("SELECT coalesce(max(rank), 0) FROM orders")?,
        })
    }

    fn commit(&mut self, changes: &Changes) -> Result<(), BooksError> {
        let written = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .and_then(|transaction| {
                write(&transaction, changes)?;
                transaction.commit()
            });
        written.map_err(|error| sqlite(&self.path, "written", &error))
    }

    fn order(&mut self, account: AccountId, id: ClientOrderId) -> Result<Option<OrderRecord>, BooksError> {
        let sql = "SELECT record FROM orders WHERE account = ?1 AND id = ?2";
        let found: Option<String> = self
            .connection
            .query_row(sql, params![account.as_str(), id.as_str()], |row| row.get(0))
            .optional()
            .map_err(|error| sqlite(&self.path, "read", &error))?;
        found
            .map(|text| self.record(&format!("order {id}"), &text))
            .transpose()
    }
}

/// Writes the rows; the transaction is the caller's.
fn write(transaction: &Transaction<'_>, changes: &Changes) -> rusqlite::Result<()> {
    for record in changes.accounts.values() {
        transaction.execute(
            "INSERT OR REPLACE INTO accounts (account, record) VALUES (?1, ?2)",
            params![record.account.as_str(), text(record)?],
        )?;
    }
    for record in changes.positions.values() {
        transaction.execute(
            "INSERT OR REPLACE INTO positions (account, instrument, record) VALUES (?1, ?2, ?3)",
            params![record.account.as_str(), record.instrument.as_str(), text(record)?],
        )?;
    }
    for record in changes.orders.values() {
        transaction.execute(
            "INSERT INTO orders (number, account, id, rank, ended_at, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (number) DO UPDATE SET rank = ?4, ended_at = ?5, record = ?6",
            params![
                whole(record.number)?,
                record.spec.account.account.as_str(),
                record.id.as_str(),
                whole(record.rank)?,
                record.ended_at.map(|at| at.0),
                text(record)?
            ],
        )?;
    }
    for (number, execution) in &changes.executions {
        transaction.execute(
            "INSERT INTO executions (number, account, at, record) VALUES (?1, ?2, ?3, ?4)",
            params![
                whole(*number)?,
                execution.account.account.as_str(),
                execution.at.0,
                text(execution)?
            ],
        )?;
    }
    Ok(())
}

fn whole(number: u64) -> rusqlite::Result<i64> {
    i64::try_from(number).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn text<T: Serialize>(record: &T) -> rusqlite::Result<String> {
    serde_json::to_string(record).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// What [`MemoryBooks`] hold.
#[derive(Debug, Default)]
struct Memory {
    accounts: BTreeMap<AccountId, AccountRecord>,
    positions: BTreeMap<(AccountId, InstrumentId), PositionRecord>,
    orders: BTreeMap<u64, OrderRecord>,
    ids: BTreeMap<(AccountId, ClientOrderId), u64>,
    executions: BTreeMap<u64, Execution>,
    failing: bool,
}

/// Books in memory, for simulations and tests. A clone is the same books: what is left when a venue crashes.
#[derive(Clone, Debug, Default)]
pub struct MemoryBooks(Arc<Mutex<Memory>>);

impl MemoryBooks {
    /// Makes every commit fail from now on, or succeed again.
    pub fn set_failing(&self, failing: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failing = failing;
    }
}

impl Books for MemoryBooks {
    fn load(&mut self, ended_since: Timestamp, executed_since: Timestamp) -> Result<Saved, BooksError> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = |order: &&OrderRecord| order.ended_at.is_none_or(|at| at >= ended_since);
        let executions = memory
            .executions
            .iter()
            .filter(|(_, execution)| execution.at >= executed_since);
        Ok(Saved {
            accounts: memory.accounts.values().cloned().collect(),
            positions: memory.positions.values().cloned().collect(),
            orders: memory.orders.values().filter(lately).cloned().collect(),
            executions: executions
                .map(|(number, execution)| (*number, execution.clone()))
                .collect(),
            last_order: memory.orders.keys().next_back().copied().unwrap_or(0),
            last_execution: memory.executions.keys().next_back().copied().unwrap_or(0),
            last_rank: memory.orders.values().map(|order| order.rank).max().unwrap_or(0),
        })
    }

    fn commit(&mut self, changes: &Changes) -> Result<(), BooksError> {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.failing {
            return Err(BooksError::Failed("told to fail".to_owned()));
        }
        memory.accounts.extend(changes.accounts.clone());
        memory.positions.extend(changes.positions.clone());
        for (number, order) in &changes.orders {
            memory.ids.insert((order.spec.account.account, order.id), *number);
            memory.orders.insert(*number, order.clone());
        }
        memory.executions.extend(changes.executions.clone());
        Ok(())
    }

    fn order(&mut self, account: AccountId, id: ClientOrderId) -> Result<Option<OrderRecord>, BooksError> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = memory.ids.get(&(account, id));
        Ok(number.and_then(|number| memory.orders.get(number)).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_file_and_a_foreign_file_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("books.db");
        drop(SqliteBooks::open(&path).unwrap());
        drop(SqliteBooks::open(&path).unwrap());
        let file = Connection::open(&path).unwrap();
        file.pragma_update(None, "user_version", SCHEMA_VERSION + 1)
            .unwrap();
        drop(file);
        let words = SqliteBooks::open(&path).unwrap_err().to_string();
        assert!(
            words.contains("layout 2") && words.contains("newer build"),
            "{words}"
        );
        let other = folder.path().join("other.db");
        Connection::open(&other)
            .unwrap()
            .execute_batch("CREATE TABLE t (x)")
            .unwrap();
        assert!(
            SqliteBooks::open(&other)
                .unwrap_err()
                .to_string()
                .contains("no books")
        );
        let noise = folder.path().join("noise.db");
        std::fs::write(&noise, [7; 4096]).unwrap();
        assert!(
            SqliteBooks::open(&noise)
                .unwrap_err()
                .to_string()
                .contains("no books")
        );
        assert!(SqliteBooks::open(&folder.path().join("none/books.db")).is_err());
    }
}
