//! Stored bars, so that a chart has a past after a restart. A convenience beside the journal: a file of its own, not
//! synchronised at every write, and losing it loses no money. Bars are built by the market; here they are kept and read.

use super::error::StoreError;
use crate::domain::{InstrumentId, Price, Timestamp};
use crate::market::{Bar, Timeframe};
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::time::Duration;

const APPLICATION_ID: u32 = 0x5457_4231; // TWB1
const SCHEMA_VERSION: u32 = 1;
const TABLE: &str = "
CREATE TABLE IF NOT EXISTS bars(
  instrument TEXT NOT NULL, timeframe TEXT NOT NULL, start_ns INTEGER NOT NULL, open INTEGER NOT NULL, high INTEGER NOT NULL,
  low INTEGER NOT NULL, close INTEGER NOT NULL, volume TEXT NOT NULL, value TEXT NOT NULL, count INTEGER NOT NULL,
  revision INTEGER NOT NULL, PRIMARY KEY(instrument, timeframe, start_ns)) STRICT, WITHOUT ROWID;
";
const UPSERT: &str = "INSERT INTO bars VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
  ON CONFLICT(instrument, timeframe, start_ns) DO UPDATE SET open = excluded.open, high = excluded.high, low = excluded.low,
  close = excluded.close, volume = excluded.volume, value = excluded.value, count = excluded.count, revision = excluded.revision
  WHERE excluded.revision >= bars.revision";
const COLUMNS: &str = "start_ns, open, high, low, close, volume, value, count, revision";

/// The file of bars.
#[derive(Debug)]
pub struct BarStore {
    connection: Connection,
    file: PathBuf,
}

impl BarStore {
    /// Opens or makes it. Other programs' files and newer ones are refused and left as they are.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |error| StoreError::sqlite(path, "opening the stored bars", &error);
        let connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
        let number = |sql: &str| {
            connection
                .query_row(sql, [], |row| row.get::<_, u32>(0))
                .map_err(failed)
        };
        if number("SELECT count(*) FROM sqlite_master")? > 0 {
            let (file, found) = (path.to_owned(), number("PRAGMA user_version")?);
            if number("PRAGMA application_id")? != APPLICATION_ID {
                let what = "file of bars";
                return Err(StoreError::Foreign { file, what });
            }
            if found > SCHEMA_VERSION {
                return Err(StoreError::Newer {
                    file,
                    what: "schema",
                    found,
                    known: SCHEMA_VERSION,
                });
            }
        }
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;
                 PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; {TABLE}"
            ))
            .map_err(failed)?;
        let file = path.to_owned();
        Ok(Self { connection, file })
    }

    /// Keeps bars in one transaction. A bar that is there already is replaced unless its revision is higher.
    pub fn upsert(&mut self, bars: &[(InstrumentId, Timeframe, Bar)]) -> Result<(), StoreError> {
        let failed = |error| StoreError::sqlite(&self.file, "storing bars", &error);
        let transaction = self.connection.transaction().map_err(failed)?;
        {
            let mut statement = transaction.prepare(UPSERT).map_err(failed)?;
            for (instrument, timeframe, bar) in bars {
                statement
                    .execute(params![
                        instrument.as_str(),
                        name_of(*timeframe),
                        bar.start.0,
                        bar.open.raw(),
                        bar.high.raw(),
                        bar.low.raw(),
                        bar.close.raw(),
                        bar.volume.to_string(),
                        bar.value.to_string(),
                        i64::try_from(bar.count).unwrap_or(i64::MAX),
                        bar.revision
                    ])
                    .map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    /// The bars that start in `from..until`, oldest first.
    pub fn range(
        &self,
        instrument: InstrumentId,
        timeframe: Timeframe,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Bar>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM bars WHERE instrument = ?1 AND timeframe = ?2 AND start_ns >= ?3 AND start_ns < ?4 ORDER BY start_ns"
        );
        self.select(
            &sql,
            params![instrument.as_str(), name_of(timeframe), from.0, until.0],
        )
    }

    /// The newest `count` bars, oldest first.
    pub fn newest(
        &self,
        instrument: InstrumentId,
        timeframe: Timeframe,
        count: u32,
    ) -> Result<Vec<Bar>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM bars WHERE instrument = ?1 AND timeframe = ?2 ORDER BY start_ns DESC LIMIT ?3"
        );
        let mut bars = self.select(&sql, params![instrument.as_str(), name_of(timeframe), count])?;
        bars.reverse();
        Ok(bars)
    }

    /// Drops the bars of one timeframe that start before a moment.
    pub fn trim(&mut self, timeframe: Timeframe, before: Timestamp) -> Result<(), StoreError> {
        let sql = "DELETE FROM bars WHERE timeframe = ?1 AND start_ns < ?2";
        self.connection
            .execute(sql, params![name_of(timeframe), before.0])
            .map(drop)
            .map_err(|error| StoreError::sqlite(&self.file, "dropping old bars", &error))
    }

    fn select(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<Bar>, StoreError> {
        let failed = |error| StoreError::sqlite(&self.file, "reading bars", &error);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let rows = statement.query_map(values, read_bar).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }
}

fn read_bar(row: &rusqlite::Row<'_>) -> rusqlite::Result<Bar> {
    let price = |column| row.get(column).map(Price::from_raw);
    let wide = |column: usize| {
        row.get::<_, String>(column)?.parse::<i128>().map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
        })
    };
    Ok(Bar {
        start: Timestamp(row.get(0)?),
        open: price(1)?,
        high: price(2)?,
        low: price(3)?,
        close: price(4)?,
        volume: wide(5)?,
        value: wide(6)?,
        count: u64::try_from(row.get::<_, i64>(7)?).unwrap_or(0),
        revision: row.get(8)?,
    })
}

/// How a timeframe is written in the file; never changed.
fn name_of(timeframe: Timeframe) -> String {
    match timeframe {
        Timeframe::Seconds(seconds) => format!("{seconds}s"),
        Timeframe::Day => "day".into(),
        Timeframe::Week => "week".into(),
        Timeframe::Month => "month".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_revision_stays_and_ranges_are_half_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bars.db");
        let aapl = InstrumentId::new("AAPL").unwrap();
        let minute = Timeframe::Seconds(60);
        let bar = |start: i64, close: i64, revision| Bar {
            start: Timestamp::from_seconds(start),
            open: Price::from_raw(1),
            high: Price::from_raw(9),
            low: Price::from_raw(1),
            close: Price::from_raw(close),
            volume: 1 << 70,
            value: -(1 << 80),
            count: 3,
            revision,
        };
        let mut store = BarStore::open(&path).unwrap();
        let (a, b, c) = (bar(0, 2, 5), bar(60, 3, 0), bar(120, 4, 0));
        store
            .upsert(&[(aapl, minute, a), (aapl, minute, b), (aapl, minute, c)])
            .unwrap();
        store
            .upsert(&[(aapl, minute, bar(0, 7, 4)), (aapl, minute, bar(60, 8, 1))])
            .unwrap();
        drop(store);
        let mut store = BarStore::open(&path).unwrap();
        let until = Timestamp::from_seconds(120);
        let read = store.range(aapl, minute, Timestamp::MIN, until).unwrap();
        assert_eq!(read, [a, bar(60, 8, 1)]);
        assert_eq!(store.newest(aapl, minute, 1).unwrap(), [c]);
        assert!(store.newest(aapl, Timeframe::Day, 9).unwrap().is_empty());
        store.trim(minute, until).unwrap();
        assert_eq!(store.newest(aapl, minute, 9).unwrap(), [c]);
        std::fs::write(
            folder.path().join("other"),
            "not a database, but long enough to be read as one",
        )
        .unwrap();
        assert!(BarStore::open(&folder.path().join("other")).is_err());
    }
}
