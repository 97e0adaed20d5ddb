//! Rows that sum things up: profit, risk, alerts, notifications, the dashboard, indicators. They are the rows of REST under the same
//! names, so that a program needs one reader for both.

use super::super::replica::Known;
use super::super::routes::{alerts, market, overview, pnl, risk};
use super::topic::{Kind, Params, Rows, Sight};
use crate::domain::Timestamp;
use crate::server::doors::Caller;
use crate::server::views::limits::account_limits;
use crate::server::views::notice::NoticeRow;
use serde::Serialize;
use serde_json::Value;

fn value(row: &impl Serialize) -> Value {
    serde_json::to_value(row).unwrap_or(Value::Null)
}

/// The rows of a summary as they are.
pub(super) fn rows(kind: Kind, params: &Params, known: &Known, sight: &Sight, now: Timestamp) -> Rows {
    let watcher = Caller::watcher(sight.clone());
    let accounts = || {
        let keys = known.state.accounts.keys().copied();
        keys.filter(|key| watcher.sees(*key))
    };
    match kind {
        Kind::Pnl => accounts()
            .map(|key| (key.to_string(), value(&pnl::account_totals(known, key, now))))
            .collect(),
        Kind::Risk => accounts()
            .map(|key| {
                let mut row = value(&risk::account_risk(known, key, now));
                // Over REST its limits stand beside the accounts.
                let at = known.venue_now(now);
                let usage = account_limits(&known.state, &known.market, key, at);
                if let Some(row) = row.as_object_mut() {
                    row.insert("usage".to_owned(), value(&usage));
                }
                (key.to_string(), row)
            })
            .collect(),
        Kind::Alerts => alerts::seen(known, &watcher)
            .map(|row| (format!("{:010}", row.id), value(&row)))
            .collect(),
        Kind::Dashboard => vec![(
            "dashboard".to_owned(),
            value(&overview::summary(known, &watcher, now)),
        )],
        Kind::Indicators => params
            .symbols
            .iter()
            .map(|id| (id.to_string(), value(&market::newest_studies(known, *id, params))))
            .collect(),
        _ => Rows::new(),
    }
}

/// Notifications from an event on, the oldest first.
pub(super) fn notices(known: &Known, sight: &Sight, from: u64) -> Rows {
    let watcher = Caller::watcher(sight.clone());
    let mut rows: Rows = overview::seen(known, &watcher)
        .into_iter()
        .take_while(|notice| notice.sequence >= from)
        .map(|notice| {
            (
                format!("{:020}", notice.sequence),
                value(&NoticeRow::from(notice)),
            )
        })
        .collect();
    rows.reverse();
    rows
}
