//! Several orders at once: all of them or none. Each is checked on the state as it would be with those before it, so that
//! limits, rates and positions count them together; what all of them are worth is held against the limit of one order,
//! because one person said one thing.

use super::Decision;
use super::commands::{Desk, denied, known_as, stands_alone};
use super::sessions;
use crate::domain::{
    AccountKey, ClientOrderId, Currency, Execution, ExecutionBase, ExecutionId, Money, OrderSpec, Price,
    SessionId, Timestamp,
};
use crate::engine::command::{Denial, DenialCode, Entry, Origin, SessionKind};
use crate::engine::digest;
use crate::engine::event::{Actor, Event, Fact};
use crate::engine::risk::{self, Check, Effect, cost};
use crate::engine::state::State;
use crate::market::Market;
use std::collections::BTreeMap;

impl Desk<'_> {
    pub(super) fn submit_all(&self, orders: &[Entry]) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        let Some(first) = orders.first() else {
            return Err(Denial::new(DenialCode::BadOrder, "there is no order in it"));
        };
        if self.state.orders.contains_key(&first.id) {
            return self.repeated_basket(orders).map(|()| known_as(first.id));
        }
        for (n, entry) in orders.iter().enumerate() {
            stands_alone(&entry.spec)?;
            let twice = orders.iter().take(n).any(|before| before.id == entry.id);
            if twice || self.state.orders.contains_key(&entry.id) {
                let text = format!("{} is already an order; make a new id", entry.id);
                return Err(Denial::new(DenialCode::IdReused, text));
            }
        }
        let mut ahead = Ahead::new(self.state, self.market, self.now).sent_by(self.origin);
        let mut facts = Vec::new();
        for entry in orders {
            let added = ahead.add(entry, |state, spec| {
                let (kind, seen) = (self.origin.kind, entry.seen.as_ref());
                digest::require(kind, seen, state, self.market, spec, entry.legs)?;
                let desk = Desk { state, ..*self };
                if risk::effect(state, spec) == Effect::Adds {
                    desk.may_add(spec.account)?;
                }
                desk.not_flattening(spec)
            });
            match added {
                Ok(submitted) => facts.extend(submitted),
                // Nothing is recorded of what was only looked at too long ago.
                Err(stale) if stale.code == DenialCode::StalePreview => return Err(stale),
                Err(denial) => return Ok(all_denied(orders, &entry.spec, &denial)),
            }
        }
        if let Err(denial) = ahead.total() {
            return Ok(all_denied(orders, &first.spec, &denial));
        }
        Ok(Decision::done(facts))
    }

    /// The same orders again, each under its own id.
    fn repeated_basket(&self, orders: &[Entry]) -> Result<(), Denial> {
        for entry in orders {
            match risk::repeated(self.state, entry.id, &entry.spec) {
                Some(known) => drop(known.and_then(|id| self.same_legs(id, entry.legs))?),
                None => {
                    let text = format!("{} is no part of the orders sent before; make new ids", entry.id);
                    return Err(Denial::new(DenialCode::IdReused, text));
                }
            }
        }
        Ok(())
    }
}

fn all_denied(orders: &[Entry], cause: &OrderSpec, denial: &Denial) -> Decision {
    let text = match orders.len() {
        1 => denial.text.to_string(),
        _ => format!("none is sent, for {cause}: {}", denial.text),
    };
    let nearest = denial.nearest.clone().filter(|_| orders.len() == 1);
    let denial = Denial {
        nearest,
        ..Denial::new(denial.code, text)
    };
    let mut decision = denied(orders[0].id, &orders[0].spec, denial.clone());
    for entry in &orders[1..] {
        decision
            .facts
            .append(&mut denied(entry.id, &entry.spec, denial.clone()).facts);
    }
    decision
}

/// Folds facts that are not recorded yet into a copy of the state, to look at what it would be.
pub(in crate::engine) fn fold_ahead(state: &mut State, facts: &[Fact], actor: Actor, at: Timestamp) {
    for fact in facts {
        let next = state.sequence.saturating_add(1);
        state.apply(&Event {
            sequence: next,
            at,
            batch: next,
            actor,
            cause: None,
            fact: fact.clone(),
        });
    }
}

/// The state as it would be with some orders recorded.
pub(in crate::engine) struct Ahead<'a> {
    state: State,
    market: &'a Market,
    now: Timestamp,
    worth: BTreeMap<Currency, Money>,
    /// Those added that only close.
    closes: Vec<OrderSpec>,
    /// The largest value of one order in any of the accounts.
    most: Money,
    /// What those of shares, options and coins cost in each account, and what one order may there.
    costs: BTreeMap<AccountKey, (Money, cost::Most)>,
    /// Who sends them, where that is known.
    origin: Option<Origin>,
}

impl<'a> Ahead<'a> {
    pub(in crate::engine) fn new(state: &State, market: &'a Market, now: Timestamp) -> Self {
        Self {
            state: state.clone(),
            market,
            now,
            worth: BTreeMap::new(),
            closes: Vec::new(),
            most: state.limits.max_order_value,
            costs: BTreeMap::new(),
            origin: None,
        }
    }
    /// The same, sent by a session.
    pub(in crate::engine) fn sent_by(self, origin: Origin) -> Self {
        Self {
            origin: Some(origin),
            ..self
        }
    }
    /// The state with what was added so far.
    pub(in crate::engine) fn state(&self) -> &State {
        &self.state
    }
    /// Those added so far that only close.
    pub(in crate::engine) fn closes(&self) -> &[OrderSpec] {
        &self.closes
    }

    /// Checks one more order and its children, `also` first, and records it here.
    pub(in crate::engine) fn add(
        &mut self,
        entry: &Entry,
        also: impl FnOnce(&State, &OrderSpec) -> Result<(), Denial>,
    ) -> Result<Vec<Fact>, Denial> {
        also(&self.state, &entry.spec)?;
        let nobody = Origin {
            session: SessionId(0),
            kind: SessionKind::Monitor,
        };
        let desk = Desk {
            state: &self.state,
            market: self.market,
            origin: self.origin.unwrap_or(nobody),
            now: self.now,
        };
        let sender = self
            .origin
            .map(|origin| self.state.sender(origin.session, origin.kind));
        let check = Check {
            state: &self.state,
            market: self.market,
            now: self.now,
            sender,
        };
        // Nobody sends what is only previewed.
        match self.origin {
            Some(_) => check.order_after(&entry.spec, &self.closes)?,
            None => check.foreseen(&entry.spec, &self.closes)?,
        }
        let facts = desk.submitted(entry.id, &entry.spec, entry.legs)?;
        let price = check.entry_price(&entry.spec);
        if risk::effect(&self.state, &entry.spec) == Effect::Adds {
            self.count(&entry.spec, price);
        } else {
            self.closes.push(entry.spec.clone());
        }
        let actor = self
            .origin
            .map_or(Actor::Engine, |origin| Actor::Session(origin.session));
        fold_ahead(&mut self.state, &facts, actor, self.now);
        Ok(facts)
    }

    /// Whether one more order has room beside those that were added.
    pub(in crate::engine) fn has_room(&self, spec: &OrderSpec) -> Result<(), Denial> {
        let check = Check {
            state: &self.state,
            market: self.market,
            now: self.now,
            sender: None,
        };
        check.room(spec, 1, 0)
    }

    /// An order that was added has filled, all of it, where it was counted.
    pub(in crate::engine) fn fill(&mut self, id: ClientOrderId, price: Option<Price>) {
        let Some((spec, price)) = self.state.orders.get(&id).map(|order| &order.spec).zip(price) else {
            return;
        };
        let Ok(base) = ExecutionBase::new("ahead") else {
            return;
        };
        let execution = Execution {
            id: ExecutionId { base, revision: 1 },
            account: spec.account,
            order: Some(id),
            broker_order: None,
            instrument: spec.instrument,
            side: spec.side,
            quantity: spec.quantity,
            price,
            at: self.now,
            fee: None,
            maker: None,
        };
        fold_ahead(
            &mut self.state,
            &[Fact::Executed { execution }],
            Actor::Engine,
            self.now,
        );
    }

    fn count(&mut self, spec: &OrderSpec, price: Option<Price>) {
        let Some(instrument) = self.state.instruments.get(&spec.instrument) else {
            return;
        };
        let sender = self
            .origin
            .map(|origin| self.state.sender(origin.session, origin.kind));
        let limits = self
            .state
            .limits_for(spec.account, Some(instrument), sender.as_ref());
        let most = limits.max_order_value;
        let at = self.market.venue_time(instrument.id).unwrap_or(self.now);
        // What is not known of it has been refused already.
        let worth = || cost::worth_at(&self.state, self.market, spec.account, at);
        let costs = cost::most(&self.state, spec.account, &limits, worth);
        let costs = costs.ok().flatten().and_then(|most| {
            let priced = (instrument, price?, spec.quantity);
            let sum = cost::of(&self.state, self.market, priced, most.base).ok()?;
            Some((sum, most))
        });
        if let Some((sum, most)) = costs {
            let known = self
                .costs
                .entry(spec.account)
                .or_insert_with(|| (Money::ZERO, most.clone()));
            known.0 = known.0.saturating_add(sum);
            if most.amount < known.1.amount {
                known.1 = most;
            }
        }
        self.most = self.most.min(most);
        let value = price
            .and_then(|price| price.notional(spec.quantity, instrument.multiplier))
            .map_or(Money::ZERO, Money::abs);
        let sum = self.worth.entry(instrument.currency).or_default();
        *sum = sum.saturating_add(value);
    }

    /// What all orders that add risk are worth together, by currency.
    pub(in crate::engine) fn worth(&self) -> &BTreeMap<Currency, Money> {
        &self.worth
    }

    /// What those of shares, options and coins cost, each account's against what one order may there.
    pub(in crate::engine) fn costs(&self) -> impl Iterator<Item = (Money, &cost::Most)> {
        self.costs.values().map(|(sum, most)| (*sum, most))
    }

    /// Whether all of them together stay within the value of one order.
    pub(in crate::engine) fn total(&self) -> Result<(), Denial> {
        if let Some((sum, most)) = self.costs().find(|(sum, most)| *sum > most.amount) {
            return Err(cost::too_much("all together", sum, most, ""));
        }
        let most = self.most;
        match self.worth.iter().find(|(_, sum)| **sum > most) {
            None => Ok(()),
            Some((currency, sum)) => {
                let text = format!(
                    "all together are worth {:.2} {currency}, the limit of one order is {:.0}",
                    sum.round_to(2),
                    most.round_to(0)
                );
                Err(Denial::new(DenialCode::MaxValue, text))
            }
        }
    }
}
