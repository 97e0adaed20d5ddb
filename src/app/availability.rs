//! The log of availability: for each minute how many seconds the broker was up and the engine ready, how many a planned
//! pause took, and how many neither. A small file of the profile, written once a minute beside the engine's task. Begin and
//! ordered end of an engine are noted too: a stretch without an engine is a person's decision after an ordered end, and an
//! outage after anything else. `tradewind availability` reads it (`report`).

mod report;

pub(super) use report::json;
pub use report::tell;

use super::day_book::{Layout, open};
use crate::domain::Timestamp;
use crate::engine::State;
use crate::metrics::metrics;
use anyhow::Result;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

const LAYOUT: Layout = Layout {
    application_id: 0x7477_6176,
    version: 1,
    tables: "CREATE TABLE IF NOT EXISTS minutes (minute INTEGER PRIMARY KEY, up INTEGER NOT NULL, paused INTEGER NOT NULL, down INTEGER NOT NULL, reason TEXT NOT NULL);
         CREATE TABLE IF NOT EXISTS marks (at INTEGER NOT NULL, what TEXT NOT NULL);",
};
const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// The minute that is being counted, and what is needed to keep it.
#[derive(Debug)]
pub(super) struct Minutes {
    file: PathBuf,
    minute: Option<i64>,
    row: Row,
    today: (i64, u64, u64),
}

/// Seconds of one minute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row {
    up: i64,
    paused: i64,
    down: i64,
    /// Why it was not up, as it was last said: the pause's name, or the link's reason.
    reason: String,
}

impl Minutes {
    /// Notes that an engine begins.
    ///
    /// # Errors
    /// The file can't be opened or written.
    pub(super) fn begin(file: PathBuf, now: Timestamp) -> Result<Self> {
        let connection = open(&file, LAYOUT)?;
        mark(&connection, now, "start")?;
        let day = seconds(now).div_euclid(DAY) * DAY;
        let today = connection.query_row(
            "SELECT coalesce(sum(up), 0), coalesce(sum(down), 0) FROM minutes WHERE minute >= ?1",
            [day],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )?;
        let count = |seconds: i64| u64::try_from(seconds).unwrap_or(0);
        Ok(Self {
            file,
            minute: None,
            row: Row::default(),
            today: (day, count(today.0), count(today.1)),
        })
    }

    /// So many seconds passed, and this is how it is. Called at least once a minute.
    pub(super) fn note(&mut self, now: Timestamp, passed: i64, up: bool, state: &State) {
        let minute = seconds(now).div_euclid(MINUTE) * MINUTE;
        if let Some(done) = self.minute.filter(|counted| *counted != minute) {
            let (file, row) = (self.file.clone(), std::mem::take(&mut self.row));
            tokio::task::spawn_blocking(move || {
                if let Err(error) = keep(&file, done, &row) {
                    tracing::warn!("a minute of the log of availability was not kept: {error:#}");
                }
            });
        }
        self.minute = Some(minute);
        let paused = state.pauses.values().next();
        if up {
            self.row.up += passed;
        } else if let Some(pause) = paused {
            self.row.paused += passed;
            self.row.reason = pause.what.to_string();
        } else {
            self.row.down += passed;
            self.row.reason = why(state);
        }
        self.count_today(now, passed, up, paused.is_some());
    }

    fn count_today(&mut self, now: Timestamp, passed: i64, up: bool, paused: bool) {
        let day = seconds(now).div_euclid(DAY) * DAY;
        if self.today.0 != day {
            self.today = (day, 0, 0);
        }
        let passed = u64::try_from(passed).unwrap_or(0);
        if up {
            self.today.1 += passed;
        } else if !paused {
            self.today.2 += passed;
        }
        let all = self.today.1 + self.today.2;
        let millionths = (self.today.1 * 1_000_000).checked_div(all);
        metrics()
            .available
            .set(millionths.map_or(-1, |share| i64::try_from(share).unwrap_or(-1)));
    }

    /// Keeps what was counted of the last minute, and that the engine ended in order.
    pub(super) fn end(&mut self, now: Timestamp) {
        let last = std::mem::take(&mut self.row);
        let kept = self
            .minute
            .take()
            .map_or(Ok(()), |minute| keep(&self.file, minute, &last));
        let kept = kept.and_then(|()| mark(&open(&self.file, LAYOUT)?, now, "stop"));
        if let Err(error) = kept {
            tracing::warn!("the end was not noted in the log of availability: {error:#}");
        }
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000_000_000)
}

/// Why nothing could leave: the first link that is not ready.
fn why(state: &State) -> String {
    let first = state
        .links
        .iter()
        .find(|(_, link)| link.state != crate::domain::LinkState::Ready);
    match first {
        None if state.links.is_empty() => "no broker is connected".to_owned(),
        None => "the journal is full".to_owned(),
        Some((broker, link)) => {
            let reason = link
                .reason
                .as_ref()
                .map_or(String::new(), |reason| format!(": {reason}"));
            format!("the link to {broker} is {}{reason}", link.state.word())
        }
    }
}

fn mark(connection: &Connection, at: Timestamp, what: &str) -> Result<()> {
    connection.execute("INSERT INTO marks VALUES (?1, ?2)", (seconds(at), what))?;
    Ok(())
}

/// Two engines may have shared a minute: what each counted is added.
fn keep(file: &Path, minute: i64, row: &Row) -> Result<()> {
    open(file, LAYOUT)?.execute(
        "INSERT INTO minutes VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (minute) DO UPDATE SET
         up = up + excluded.up, paused = paused + excluded.paused, down = down + excluded.down,
         reason = CASE excluded.reason WHEN '' THEN reason ELSE excluded.reason END",
        (minute, row.up, row.paused, row.down, &row.reason),
    )?;
    Ok(())
}
