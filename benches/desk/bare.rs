//! The yardstick of everything that is written through: a bare SQLite commit of one row of the journal's size, in the
//! engine's folder.

use crate::caller::spec;
use crate::engine::Engine;
use std::time::Instant;
use tradewind::domain::{AccountKey, ClientOrderId, OrderKind, Side};
use tradewind::engine::Fact;
use tradewind::store::format;

/// The yardstick: one row, one transaction, written through.
pub struct Bare {
    connection: rusqlite::Connection,
    body: Vec<u8>,
    rows: i64,
}

impl Bare {
    pub fn open(engine: &Engine, account: AccountKey) -> Self {
        let connection = rusqlite::Connection::open(engine.folder.path().join("bare.db")).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000;
                 CREATE TABLE journal(sequence INTEGER PRIMARY KEY, at_ns INTEGER, mono_ns INTEGER, wall_ns INTEGER,
                 batch INTEGER, actor TEXT, cause INTEGER, kind INTEGER, version INTEGER, body BLOB, hash BLOB)",
            )
            .unwrap();
        let submitted = Fact::Submitted {
            id: ClientOrderId::new("TW01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
            spec: spec(account, OrderKind::Market, Side::Buy),
            oco: None,
            quote: None,
        };
        let body = format::encode(&submitted).unwrap().body;
        Self {
            connection,
            body,
            rows: 0,
        }
    }
    /// The same, from nothing.
    pub fn open_again(engine: &Engine, account: AccountKey) -> Self {
        let _ = std::fs::remove_file(engine.folder.path().join("bare.db"));
        let _ = std::fs::remove_file(engine.folder.path().join("bare.db-wal"));
        let _ = std::fs::remove_file(engine.folder.path().join("bare.db-shm"));
        Self::open(engine, account)
    }
    /// How long one commit takes, in seconds.
    pub fn commit(&mut self) -> f64 {
        self.rows += 1;
        let sql = "INSERT INTO journal VALUES(?1, 1, 0, 0, ?1, 'session:1', NULL, 20, 1, ?2, zeroblob(32))";
        let mut statement = self.connection.prepare(sql).unwrap();
        let begun = Instant::now();
        statement.execute((self.rows, &self.body)).unwrap();
        begun.elapsed().as_secs_f64()
    }
}
