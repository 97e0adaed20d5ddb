//! The watch on the loss of each account's session and on limits that the market can breach (`breach`): on market data of what is
//! held or worked, and on what moves positions. A loss that
//! only a price made has to last for a second before it reduces or locks, so that one bad price costs nobody a day; orders
//! are refused at once all the same (`worth`). What it remembers is no part of the state.

use super::breach::Breaches;
use super::day::{self, LossStage, Standing};
use crate::domain::{AccountKey, Breach, InstrumentId, LinkState, Timestamp};
use crate::engine::event::{Event, Fact};
use crate::engine::state::State;
use crate::market::Market;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often an account is looked at because of market data.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a loss has to last.
const LASTS: Duration = Duration::from_secs(1);
/// How long after a trade cash is not taken for what the account is worth: it follows the trade that it pays.
const CASH_FOLLOWS: Duration = Duration::from_secs(5);

/// What it remembers.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    looked: BTreeMap<AccountKey, Timestamp>,
    beyond: BTreeMap<(AccountKey, LossStage), Timestamp>,
    breaches: Breaches,
}

impl Watch {
    /// Market data of an instrument came: sessions begin, and accounts that hold it are looked at.
    pub(in crate::engine) fn on_market(
        &mut self,
        state: &State,
        market: &Market,
        instrument: InstrumentId,
        now: Timestamp,
    ) -> Vec<Fact> {
        let mut facts = Vec::new();
        let Some(at) = market.venue_time(instrument) else {
            return facts;
        };
        for key in state.accounts.keys() {
            let day = state.days.get(key);
            let worked = || state.live_orders(*key, instrument).next().is_some();
            let holds = day.is_some() && (!state.position(*key, instrument).quantity.is_zero() || worked());
            let over = day.is_none_or(|day| at >= day.until);
            let rests = self
                .looked
                .get(key)
                .is_some_and(|last| now.since(*last) < LOOK_EVERY);
            if rests || !(over || holds) {
                continue;
            }
            self.looked.insert(*key, now);
            if over {
                facts.extend(begun(state, market, *key, at, now));
            } else {
                self.judge(state, market, *key, now, &mut facts);
            }
        }
        facts
    }

    /// Something moved positions or fees, or the time of a loss is over.
    pub(in crate::engine) fn on_facts(
        &mut self,
        state: &State,
        market: &Market,
        events: &[Event],
        now: Timestamp,
    ) -> Vec<Fact> {
        let moved = events.iter().filter_map(|event| match &event.fact {
            Fact::Executed { execution } | Fact::Corrected { execution } => Some(execution.account),
            Fact::FeeReported { account, .. }
            | Fact::PositionAdjusted { account, .. }
            | Fact::PositionChanged { account, .. }
            | Fact::FundsReported { account, .. }
            | Fact::ReconcileEnded {
                account,
                failure: None,
                ..
            } => Some(*account),
            Fact::Adopted { order } => Some(order.spec.account),
            _ => None,
        });
        let due = self
            .beyond
            .iter()
            .filter(|(_, since)| now.since(**since) >= LASTS);
        let due = due.map(|((key, _), _)| *key).chain(self.breaches.due(now));
        let keys: BTreeSet<AccountKey> = moved.chain(due).collect();
        let mut facts: Vec<Fact> = asked_for(state, market, events)
            .into_iter()
            .filter_map(|(key, at)| begun(state, market, key, at, now))
            .collect();
        for key in keys {
            self.judge(state, market, key, now, &mut facts);
        }
        facts
    }

    /// When the next loss has lasted long enough.
    pub(in crate::engine) fn next_deadline(&self) -> Option<Timestamp> {
        let losses = self.beyond.values().map(|since| since.after(LASTS));
        losses.chain(self.breaches.next_deadline()).min()
    }

    fn judge(
        &mut self,
        state: &State,
        market: &Market,
        key: AccountKey,
        now: Timestamp,
        facts: &mut Vec<Fact>,
    ) {
        let Some(day) = state.days.get(&key) else {
            self.forget(key, LossStage::None, LossStage::None);
            self.breaches.forget(key, None);
            return;
        };
        let known = state.accounts.get(&key).map(|account| account.account.base);
        let (Some(base), Ok(result)) = (known, day::result(state, market, key, day)) else {
            self.forget(key, LossStage::None, LossStage::None);
            self.breaches.forget(key, None);
            return;
        };
        let standing = Standing {
            base,
            day: day.clone(),
            result,
        };
        facts.extend(super::drawdown::raised(state, key, &standing));
        facts.extend(self.breaches.judge(state, market, key, &standing, now));
        let limits = state.limits_of(key);
        let reached = day.stage_of(&limits, result);
        self.forget(key, day.stage, reached);
        for stage in LossStage::ALL
            .into_iter()
            .filter(|stage| day.stage < *stage && *stage <= reached)
        {
            let since = *self.beyond.entry((key, stage)).or_insert(now);
            if stage > LossStage::Warned && now.since(since) < LASTS {
                continue;
            }
            self.beyond.remove(&(key, stage));
            let does = match stage {
                LossStage::Reached => limits.daily_loss_does,
                LossStage::Reducing => Breach::ReduceOnly,
                LossStage::None | LossStage::Warned => Breach::Refuse,
            };
            facts.push(Fact::LossStaged {
                account: key,
                stage,
                loss: crate::domain::Money::ZERO.saturating_sub(result),
                threshold: day.threshold(&limits, stage).unwrap_or_default(),
                currency: base,
                does,
                until: day.until,
            });
        }
    }

    /// What is no longer reached has to last anew; what was passed on the way to a worse one is told by that, and would
    /// otherwise be due for ever.
    fn forget(&mut self, key: AccountKey, passed: LossStage, reached: LossStage) {
        self.beyond
            .retain(|(of, stage), _| *of != key || (passed < *stage && *stage <= reached));
    }
}

/// Accounts whose session should begin because the broker is there or because of an order, with the venue's time: nobody
/// may be watching anything when the first order comes, and what was spent on it is no part of what the account began with.
fn asked_for(state: &State, market: &Market, events: &[Event]) -> Vec<(AccountKey, Timestamp)> {
    let mut keys = BTreeSet::new();
    for event in events {
        match &event.fact {
            Fact::Submitted { spec, .. } | Fact::OrderChained { spec, .. } => drop(keys.insert(spec.account)),
            Fact::ReconcileEnded {
                account,
                failure: None,
                ..
            } => drop(keys.insert(*account)),
            _ => {}
        }
    }
    keys.retain(|key| state.accounts.contains_key(key));
    if keys.is_empty() {
        return Vec::new();
    }
    let all = market.instruments().map(|instrument| instrument.id);
    let Some(at) = all.filter_map(|id| market.venue_time(id)).max() else {
        return Vec::new();
    };
    let over = |key: &AccountKey| state.days.get(key).is_none_or(|day| at >= day.until);
    keys.into_iter().filter(over).map(|key| (key, at)).collect()
}

/// The session of an account that begins now, once all of it is known. Where cash may still be on its way, a session that
/// follows another one begins with what that one came to.
fn begun(state: &State, market: &Market, key: AccountKey, at: Timestamp, now: Timestamp) -> Option<Fact> {
    let settled = || {
        let booked = state.executions.iter().filter(|((owner, _), _)| *owner == key);
        booked
            .map(|(_, booked)| booked.at)
            .max()
            .is_none_or(|last| now.since(last) >= CASH_FOLLOWS)
    };
    if state.link(key.broker) != LinkState::Ready {
        return None;
    }
    let mut day = day::begin(state, market, key, at).ok()?;
    if !settled() {
        let before = state.days.get(&key).filter(|before| before.until == day.from)?;
        let came_to = day::result(state, market, key, before).ok()?;
        let since = day::result(state, market, key, &day).ok()?;
        day.opening = before.opening.saturating_add(came_to).saturating_sub(since);
    }
    Some(Fact::RiskDayBegan {
        account: key,
        from: day.from,
        until: day.until,
        opening: day.opening,
        marks: day.marks,
    })
}
