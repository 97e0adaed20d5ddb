//! An order that waits for another one (OTO): it is recorded with the first, waits until all of that is filled, and is then
//! asked of every control again, as if it were placed in that moment; what refuses it ends it, with the reason. If the first
//! ends in any other way, the second ends too, whatever of the first was filled.
//!
//! While it waits it counts in full wherever live orders could add risk, as the children of a bracket do, and closes nothing
//! of what is held. It needs nobody at a terminal when it leaves: what it was allowed, it was allowed when it was recorded,
//! as an order that works at a broker. Only where its first filled while the broker was away it leaves if it closes, and
//! ends if it adds risk: nobody can say how long ago that was.
//!
//! Leaves to others: the command (`decide/chained.rs`), the last gate (`release`).

use super::decide::{fold_ahead, not_flattening};
use super::event::{Actor, Fact};
use super::fold::blank;
use super::order_flow::Step;
use super::risk::{self, Check, Effect};
use super::state::State;
use crate::domain::{AccountKey, ClientOrderId, LinkState, Order, OrderSpec, Phase, SafeText, Timestamp};
use crate::market::{Market, Quote};
use serde::{Deserialize, Serialize};

/// What an order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// The order that has to fill first.
    pub after: ClientOrderId,
    /// That one filled while the broker was away.
    pub late: bool,
}

/// True while orders can be sent there, or at least what closes.
fn is_there(state: &State, account: AccountKey) -> bool {
    matches!(state.link(account.broker), LinkState::Ready | LinkState::Degraded)
}

fn not_sent(id: ClientOrderId, why: &str) -> Fact {
    Fact::NotSent {
        id,
        reason: SafeText::new(why),
    }
}

/// What waited for an order that has ended without being filled.
pub(super) fn ended(state: &State, first: &Order) -> Vec<Fact> {
    if first.phase.is_live() || first.phase == Phase::Filled {
        return Vec::new();
    }
    let why = format!(
        "its first, {}, is {} with {} of {} filled",
        first.spec,
        first.phase.word(),
        first.filled,
        first.spec.quantity
    );
    state.after(first.id).map(|id| not_sent(id, &why)).collect()
}

/// What leaves or ends now, because its first has filled.
pub(super) fn judge(state: &State, market: &Market, now: Timestamp) -> Vec<Fact> {
    let each = |id: &ClientOrderId, chain: &Chain| {
        let order = state.orders.get(id)?;
        let filled = state
            .orders
            .get(&chain.after)
            .is_some_and(|first| first.phase == Phase::Filled);
        if !filled || !is_there(state, order.spec.account) {
            return None;
        }
        Some(match may_leave(state, market, order, *chain, now) {
            Ok(()) => Fact::ChainReleased {
                id: *id,
                quote: market.quote(order.spec.instrument).copied(),
            },
            Err(why) => not_sent(*id, &format!("its first filled, and it was refused: {why}")),
        })
    };
    let facts = state.chains.iter().filter_map(|(id, chain)| each(id, chain));
    facts.collect()
}

/// Every control as of a new order but one: it does not count beside itself.
///
/// It leaves in the moment its first has filled, and does not wait for the broker's word of what it would bind: whatever it is to do
/// to what was just filled can't hang on an answer that may not come. That word was asked for when both were recorded. Where it
/// still holds it is what counts; else the estimate does, as for a preview.
fn may_leave(
    state: &State,
    market: &Market,
    order: &Order,
    chain: Chain,
    now: Timestamp,
) -> Result<(), String> {
    let mut alone = state.clone();
    fold_ahead(&mut alone, &[not_sent(order.id, "")], Actor::Engine, now);
    let spec = &order.spec;
    let sender = state.sent_by.get(&order.id).cloned();
    if risk::effect(&alone, spec) == Effect::Adds {
        if chain.late {
            return Err("that was while the broker was away; place it again if it is still wanted".into());
        }
        let stopped = sender.as_ref().and_then(|by| risk::scope::stopped(&alone, by));
        if let Some(denial) = stopped {
            return Err(denial.to_string());
        }
    }
    let check = Check {
        state: &alone,
        market,
        now,
        sender,
    };
    let asked = not_flattening(&alone, spec).and_then(|()| check.foreseen(spec, &[]));
    asked.map_err(|denial| denial.to_string())
}

impl State {
    /// The orders that wait for one.
    pub fn after(&self, first: ClientOrderId) -> impl Iterator<Item = ClientOrderId> {
        let waiting = self.chains.iter();
        waiting
            .filter(move |(_, chain)| chain.after == first)
            .map(|(id, _)| *id)
    }

    /// Facts about orders that wait for another.
    pub(super) fn fold_chain(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::OrderChained { id, spec, after } => self.chain(*id, spec, *after, at),
            Fact::ChainReleased { id, quote } => {
                let Some(order) = self.step(*id, Step::Release, at) else {
                    return;
                };
                order.sent_at = Some(at);
                order.arrival = quote.as_ref().and_then(Quote::mid);
                let spec = order.spec.clone();
                self.sent_now(*id, &spec, at);
            }
            _ => {}
        }
    }

    fn chain(&mut self, id: ClientOrderId, spec: &OrderSpec, after: ClientOrderId, at: Timestamp) {
        if self.orders.contains_key(&id) {
            return;
        }
        let first = self.orders.get(&after);
        let first = first.map_or_else(|| after.to_string(), |first| first.spec.to_string());
        self.insert_order(Order {
            after: Some(after),
            reason: Some(SafeText::new(&format!("waits until {first} has filled"))),
            ..blank(id, spec, Phase::Created, at)
        });
        self.chains.insert(id, Chain { after, late: false });
    }

    /// Keeps what waits in step with one order: what left or ended waits no more, and that a first filled while its broker
    /// was away is kept.
    pub(super) fn tend_chains(&mut self, id: ClientOrderId) {
        if self.chains.is_empty() {
            return;
        }
        let Some(order) = self.orders.get(&id) else { return };
        let (account, filled) = (order.spec.account, order.phase == Phase::Filled);
        if order.phase != Phase::Created {
            self.chains.remove(&id);
        }
        if filled && !is_there(self, account) {
            let waiting = self.chains.values_mut();
            for chain in waiting.filter(|chain| chain.after == id) {
                chain.late = true;
            }
        }
    }
}
