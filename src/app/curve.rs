//! The curve of an account's worth and of its day: the engine's process notes both for every account and currency, each
//! minute and after every execution, so that a terminal that attaches at noon sees the morning. Kept in memory alone and
//! bounded: it is a picture, not a record, and the journal has all that it is made of but the prices.

use crate::domain::{AccountKey, Currency, Timestamp};
use crate::engine::State;
use crate::engine::pnl::{CurvePoint, totals};
use crate::market::Market;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How often a point is noted where nothing is traded.
const EVERY: Duration = Duration::from_secs(60);
/// How soon after a trade: prices and fees that belong to it have come by then, and a burst is one point.
const AFTER_TRADE: Duration = Duration::from_secs(1);
/// Points kept of each account and currency: more than a day of minutes, with as many trades again.
const KEPT: usize = 3_000;

/// All curves.
#[derive(Debug, Default)]
pub(super) struct Curves {
    points: BTreeMap<(AccountKey, Currency), VecDeque<CurvePoint>>,
    sampled: Option<Timestamp>,
    traded: bool,
}

impl Curves {
    /// Something was traded.
    pub(super) fn hurry(&mut self) {
        self.traded = true;
    }

    /// True where the next point is due, by the engine's clock.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let wait = if self.traded { AFTER_TRADE } else { EVERY };
        self.sampled.is_none_or(|at| now.since(at) >= wait)
    }

    /// Notes a point of every account. What is not known leaves a hole rather than a zero.
    pub(super) fn sample(&mut self, state: &State, market: &Market, now: Timestamp, venue: Timestamp) {
        let mut any = false;
        for account in state.accounts.keys() {
            for (currency, total) in totals(state, market, venue, *account) {
                any = true;
                if total.net.is_none() && total.day.is_none() {
                    continue;
                }
                let points = self.points.entry((*account, currency)).or_default();
                points.push_back(CurvePoint {
                    at: venue,
                    net: total.net,
                    day: total.day,
                });
                while points.len() > KEPT {
                    points.pop_front();
                }
            }
        }
        // Until the first account is read there is nothing to note, and the first point is due as soon as there is.
        if any {
            self.sampled = Some(now);
            self.traded = false;
        }
    }

    /// The points of an account after a moment, oldest first.
    pub(super) fn after(&self, account: AccountKey, after: Timestamp) -> Vec<(Currency, Vec<CurvePoint>)> {
        let of = self.points.iter().filter(|((owner, _), _)| *owner == account);
        of.map(|((_, currency), points)| {
            let from = points.partition_point(|point| point.at <= after);
            (*currency, points.range(from..).copied().collect())
        })
        .collect()
    }
}
