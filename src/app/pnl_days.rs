//! What accounts won day by day, beyond the life of one engine: at the last known moment of each session what each account was
//! worth in each currency, and what it had won by then, in a small file of the profile. A session is the risk's: 24 hours from
//! 17:00 in New York on, by the venue's clock. Written once a minute beside the engine's task, and at its end. A day's profit is
//! told against the day before it, so that days add up to the whole and none is counted twice. A picture, not a record: what it
//! is made of is in the journal, but for the prices.

use super::curve::is_priced;
use super::day_book::{Layout, open};
use crate::domain::{AccountKey, Currency, Money, SafeText, Timestamp};
use crate::engine::State;
use crate::engine::pnl::totals;
use crate::market::Market;
use crate::wire::{PnlDay, Reply};
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::oneshot;

const LAYOUT: Layout = Layout {
    application_id: 0x7477_706c,
    version: 1,
    tables:
        "CREATE TABLE IF NOT EXISTS days (broker TEXT NOT NULL, account TEXT NOT NULL, currency TEXT NOT NULL,
           begins INTEGER NOT NULL, ends INTEGER NOT NULL, at INTEGER NOT NULL, net TEXT, won TEXT NOT NULL,
           PRIMARY KEY (broker, account, begins, currency)) WITHOUT ROWID;",
};
/// How often it is written.
const EVERY: Duration = Duration::from_secs(60);
/// Rows in one answer.
const DAYS_MAX: u32 = 1_000;

/// A row as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    account: AccountKey,
    currency: Currency,
    from: Timestamp,
    until: Timestamp,
    at: Timestamp,
    /// Worth.
    net: Option<Money>,
    /// Realised since the journal began, and open.
    won: Money,
}

/// The file; none where the market is a tape, which brings days of its own.
#[derive(Debug)]
pub(super) struct PnlDays {
    file: Option<PathBuf>,
    kept: Option<Timestamp>,
}

impl PnlDays {
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        Self { file, kept: None }
    }
    /// Keeps how all accounts stand, once a minute. Waits for nothing.
    pub(super) fn keep(&mut self, state: &State, market: &Market, venue: Timestamp) {
        if self.kept.is_some_and(|at| venue.since(at) < EVERY) {
            return;
        }
        let rows = rows(state, market, venue);
        if let Some(file) = self.file.clone().filter(|_| !rows.is_empty()) {
            self.kept = Some(venue);
            tokio::task::spawn_blocking(move || told(write(&file, &rows)));
        }
    }
    /// The same at the engine's end, before it returns.
    pub(super) fn end(&self, state: &State, market: &Market, venue: Timestamp) {
        if let Some(file) = &self.file {
            told(write(file, &rows(state, market, venue)));
        }
    }
    /// The days of an account that began before a moment, the newest first.
    pub(super) fn answer(
        &self,
        (account, before, count): (AccountKey, Timestamp, u32),
        answer: oneshot::Sender<Reply>,
    ) {
        let file = self.file.clone();
        tokio::task::spawn_blocking(move || {
            let read = file.map_or(Ok(Vec::new()), |file| read(&file, account, before));
            let reply = match read {
                Ok(days) => Reply::PnlDays(days.into_iter().take(count.min(DAYS_MAX) as usize).collect()),
                Err(error) => Reply::Failed {
                    reason: SafeText::new(&format!("{error:#}")),
                },
            };
            let _ = answer.send(reply);
        });
    }
}

fn told(written: Result<()>) {
    if let Err(error) = written {
        tracing::warn!("the day's profit was not kept: {error:#}");
    }
}

/// What is known of each account; what is not leaves the moment before it.
fn rows(state: &State, market: &Market, venue: Timestamp) -> Vec<Row> {
    let mut rows = Vec::new();
    for (account, day) in &state.days {
        let now = (day.from..day.until).contains(&venue);
        if !now || !is_priced(state, market, *account) {
            continue;
        }
        let realized = state.realized(*account);
        for (currency, total) in totals(state, market, venue, *account) {
            let realized = realized.get(&currency).copied().unwrap_or(Money::ZERO);
            let Some(won) = total.open.and_then(|open| realized.checked_add(open)) else {
                continue;
            };
            rows.push(Row {
                account: *account,
                currency,
                from: day.from,
                until: day.until,
                at: venue,
                net: total.net,
                won,
            });
        }
    }
    rows
}

/// A later point of a session takes the place of an earlier one, never the other way round.
fn write(file: &Path, rows: &[Row]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut connection = open(file, LAYOUT)?;
    let tx = connection.transaction()?;
    for row in rows {
        tx.execute(
            "INSERT INTO days VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET
             ends = excluded.ends, at = excluded.at, net = excluded.net, won = excluded.won WHERE excluded.at >= at",
            (
                row.account.broker.as_str(),
                row.account.account.as_str(),
                row.currency.to_string(),
                row.from.0,
                row.until.0,
                row.at.0,
                row.net.map(|sum| sum.to_string()),
                row.won.to_string(),
            ),
        )?;
    }
    Ok(tx.commit()?)
}

/// All days of an account that began before a moment, the newest first, each against the one before it in its currency.
fn read(file: &Path, account: AccountKey, before: Timestamp) -> Result<Vec<PnlDay>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let connection = open(file, LAYOUT)?;
    let mut wanted = connection.prepare(
        "SELECT currency, begins, ends, at, net, won FROM days WHERE broker = ?1 AND account = ?2 AND begins < ?3
         ORDER BY begins, currency",
    )?;
    let (broker, name) = (account.broker, account.account);
    let rows = wanted.query_map((broker.as_str(), name.as_str(), before.0), |row| {
        let moment = |at: usize| row.get(at).map(Timestamp);
        let texts: (String, Option<String>, String) = (row.get(0)?, row.get(4)?, row.get(5)?);
        Ok((texts, moment(1)?, moment(2)?, moment(3)?))
    })?;
    let mut last: BTreeMap<Currency, Money> = BTreeMap::new();
    let mut days = Vec::new();
    for row in rows {
        let ((currency, net, won), from, until, at) = row?;
        let (Ok(currency), Ok(won)) = (currency.parse::<Currency>(), won.parse::<Money>()) else {
            anyhow::bail!("{} has a row that is none", file.display());
        };
        let one_before = last.insert(currency, won);
        days.push(PnlDay {
            currency,
            from,
            until,
            at,
            net: net.and_then(|text| text.parse().ok()),
            profit: one_before.and_then(|before| won.checked_sub(before)),
        });
    }
    days.reverse();
    Ok(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, BrokerId};

    #[test]
    fn a_day_keeps_its_last_point_and_other_days_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pnl.db");
        let account = AccountKey {
            broker: BrokerId::new("sim").unwrap(),
            account: AccountId::new("SIM100001").unwrap(),
        };
        let row = |begins: i64, at: i64, won: i64| Row {
            account,
            currency: Currency::USD,
            from: Timestamp(begins),
            until: Timestamp(begins + 100),
            at: Timestamp(at),
            net: None,
            won: Money::whole(won),
        };
        assert_eq!(read(&file, account, Timestamp::MAX).unwrap(), []);
        for kept in [row(0, 10, 1), row(0, 20, -2), row(0, 15, 9), row(100, 110, 5)] {
            write(&file, &[kept]).unwrap();
        }
        let days = read(&file, account, Timestamp::MAX).unwrap();
        let told: Vec<_> = days
            .iter()
            .map(|day| (day.from.0, day.at.0, day.profit))
            .collect();
        // Of the first nobody knows what came before it: unknown, not zero.
        assert_eq!(told, [(100, 110, Some(Money::whole(7))), (0, 20, None)]);
        assert_eq!(read(&file, account, Timestamp(100)).unwrap().len(), 1);
        let other = AccountKey {
            account: AccountId::new("SIM100002").unwrap(),
            ..account
        };
        assert_eq!(read(&file, other, Timestamp::MAX).unwrap(), []);
    }
}
