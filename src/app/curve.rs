//! The curve of an account's worth and of its day: the engine's process notes both for every account and currency, each
//! minute and after every execution, so that a terminal that attaches at noon sees the morning. Kept in memory alone and
//! bounded: it is a picture, not a record, and the journal has all that it is made of but the prices.

use crate::domain::{AccountKey, Currency, LinkState, Timestamp};
use crate::engine::State;
use crate::engine::pnl::{CurvePoint, totals};
use crate::market::{Basis, Market};
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
        for account in state
            .accounts
            .keys()
            .filter(|account| is_priced(state, market, **account))
        {
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

/// True where all that is held has a price of this day, and the broker has been compared with: before that a point would
/// be made of yesterday's closes, and look like a jump.
pub(super) fn is_priced(state: &State, market: &Market, account: AccountKey) -> bool {
    let held = state
        .ledgers
        .iter()
        .filter(|((owner, _), ledger)| *owner == account && !ledger.position.quantity.is_zero());
    let priced = |id| market.mark(id).is_some_and(|mark| mark.basis != Basis::Close);
    state.link(account.broker) == LinkState::Ready && held.into_iter().all(|((_, id), _)| priced(*id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Account, AccountClass, AccountId, BrokerId, Money, SafeText};
    use crate::engine::{Actor, Event, Fact};

    #[test]
    fn nothing_is_noted_before_the_link_is_ready_and_a_burst_is_one_point() {
        let key = AccountKey {
            broker: BrokerId::new("sim").unwrap(),
            account: AccountId::new("SIM100001").unwrap(),
        };
        let cash = BTreeMap::from([(Currency::USD, Money::whole(1_000))]);
        let account = Account {
            key,
            class: AccountClass::Sim,
            base: Currency::USD,
            cash: Some(cash),
        };
        let (mut state, market) = (State::default(), Market::replica());
        let tell = |state: &mut State, fact| {
            let sequence = state.sequence + 1;
            state.apply(&Event {
                sequence,
                at: Timestamp(1),
                batch: sequence,
                actor: Actor::Engine,
                cause: None,
                fact,
            });
        };
        tell(&mut state, Fact::AccountReported { account });
        let (positions, executions) = (Vec::new(), Vec::new());
        tell(
            &mut state,
            Fact::OpeningRead {
                account: key,
                positions,
                executions,
            },
        );
        let mut curves = Curves::default();
        let at = |seconds: u64| Timestamp(0).after(Duration::from_secs(seconds));
        let count = |curves: &Curves| {
            curves
                .after(key, Timestamp::MIN)
                .first()
                .map_or(0, |(_, p)| p.len())
        };
        curves.sample(&state, &market, at(1), at(1));
        assert_eq!(count(&curves), 0);
        let link = Fact::LinkChanged {
            broker: key.broker,
            state: LinkState::Ready,
            reason: Some(SafeText::new("compared")),
        };
        tell(&mut state, link);
        assert!(curves.is_due(at(1)));
        curves.sample(&state, &market, at(1), at(1));
        assert_eq!(count(&curves), 1);
        assert!(!curves.is_due(at(50)) && curves.is_due(at(61)));
        curves.hurry();
        assert!(curves.is_due(at(2)));
        // Only what is newer is told again.
        curves.sample(&state, &market, at(2), at(2));
        let newer = curves.after(key, at(1));
        assert_eq!(newer[0].1.len(), 1);
        for n in 0..4_000 {
            curves.sample(&state, &market, at(3 + n), at(3 + n));
        }
        assert_eq!(count(&curves), KEPT);
    }
}
