//! New orders: one with its children, and a pair; and how two of one command begin. Many at once are `basket`'s, one that waits for
//! another is `chained`'s.

use super::commands::{Desk, denied, known_as, stands_alone};
use super::{Decision, sessions};
use crate::domain::{ClientOrderId, OrderSpec, Phase};
use crate::engine::command::{Denial, DenialCode, Legs, Placed, Seen};
use crate::engine::event::Fact;
use crate::engine::in_the_way;
use crate::engine::risk;
use crate::engine::scale_out::{self, Way};

impl Desk<'_> {
    pub(super) fn submit(
        &self,
        id: ClientOrderId,
        spec: &OrderSpec,
        legs: Legs,
        seen: Option<&Seen>,
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        stands_alone(spec)?;
        if let Some(known) = risk::repeated(self.state, id, spec) {
            return known.and_then(|id| self.same_legs(id, legs)).map(known_as);
        }
        if in_the_way::takes_all(self.state, spec) && legs.is_empty() {
            return self.flatten(id, spec.account, spec.instrument);
        }
        if let Some(under_way) = self.state.scaling_out.get(&(spec.account, spec.instrument)) {
            if under_way.exit == id {
                return Ok(known_as(id));
            }
        } else if let Some(ways) = self.way_out(spec, legs, seen) {
            return self.scale_out(id, spec, seen, &ways);
        }
        self.was_seen(seen, spec, legs)?;
        match self.allowed(spec).and_then(|()| self.submitted(id, spec, legs)) {
            Ok(facts) => Ok(Decision::done(facts)),
            Err(denial) => Ok(denied(id, spec, denial)),
        }
    }

    /// What gives way to an order that closes a part: where it was said to close only, and where it would be refused as it is.
    fn way_out(&self, spec: &OrderSpec, legs: Legs, seen: Option<&Seen>) -> Option<Vec<Way>> {
        let ways = scale_out::ways(self.state, spec).filter(|_| legs.is_empty())?;
        let promised = seen.is_some_and(|seen| seen.reduces);
        (promised || self.allowed(spec).is_err()).then_some(ways)
    }

    /// Begins to close a part: every control is asked of the order as it will leave, beside what has become smaller by then.
    fn scale_out(
        &self,
        id: ClientOrderId,
        spec: &OrderSpec,
        seen: Option<&Seen>,
        ways: &[Way],
    ) -> Result<Decision, Denial> {
        let ahead = scale_out::ahead(self.state, ways, self.now);
        let then = Desk {
            state: &ahead,
            ..*self
        };
        then.was_seen(seen, spec, Legs::default())?;
        let asked = then.allowed(spec).and_then(|()| then.check().room(spec, 1, 0));
        match asked.and_then(|()| self.may_give_way(ways)) {
            Ok(()) => {
                let facts = scale_out::begin(self.state, id, spec, ways);
                Ok(Decision::noted(facts, &scale_out::words(self.state, ways)))
            }
            Err(denial) => Ok(denied(id, spec, denial)),
        }
    }

    /// The controls of the changes by which stops give way.
    fn may_give_way(&self, ways: &[Way]) -> Result<(), Denial> {
        scale_out::changes(self.state, ways).try_for_each(|(order, to)| self.check().change(order, &to))
    }

    /// The facts of one new order and its children.
    pub(super) fn submitted(
        &self,
        id: ClientOrderId,
        spec: &OrderSpec,
        legs: Legs,
    ) -> Result<Vec<Fact>, Denial> {
        let children = self.children(id, spec, legs)?;
        self.check().room(spec, 1, children.len())?;
        let quote = self.market.quote(spec.instrument).copied();
        let mut facts = vec![Fact::Submitted {
            id,
            spec: spec.clone(),
            oco: None,
            quote,
        }];
        facts.extend(children.into_iter().map(|(child, spec)| Fact::Submitted {
            id: child,
            spec,
            oco: Some(id),
            quote: None,
        }));
        facts.extend(planned(id, legs)?);
        Ok(facts)
    }

    /// A repeated submission is the same one only with the same children. What was denied has none.
    pub(super) fn same_legs(&self, id: ClientOrderId, legs: Legs) -> Result<ClientOrderId, Denial> {
        let order = |id: ClientOrderId| self.state.orders.get(&id);
        let price = |number| {
            let child = id.child(number).and_then(order)?;
            child.asked.kind.limit().or(child.asked.kind.trigger())
        };
        let denied = order(id).is_some_and(|order| order.phase == Phase::Denied);
        let moves = || {
            let plan = self.state.stop_plans.get(&id.child(1)?)?;
            Some(plan.moves)
        };
        // A plan that a hand ended says nothing of what was asked.
        let as_planned = moves().is_none_or(|moves| legs.moves == Some(moves));
        if denied || (as_planned && (legs.stop, legs.target) == (price(1), price(2))) {
            return Ok(id);
        }
        let text = format!("{id} is already an order with another stop or target; make a new id");
        Err(Denial::new(DenialCode::IdReused, text))
    }

    /// The waiting children of a bracket: they close what the entry opens, live until cancelled, and take from each other.
    fn children(
        &self,
        id: ClientOrderId,
        spec: &OrderSpec,
        legs: Legs,
    ) -> Result<Vec<(ClientOrderId, OrderSpec)>, Denial> {
        let mut children = Vec::new();
        for (number, exit) in self.check().exits(spec, legs)? {
            let name = id.child(number).ok_or_else(|| {
                Denial::new(
                    DenialCode::BadOrder,
                    format!("{id} can't have children: its id is too long or itself a child's"),
                )
            })?;
            let child = OrderSpec {
                parent: Some(id),
                ..exit
            };
            children.push((name, child));
        }
        Ok(children)
    }

    /// What is asked of two orders of one command before any control: of a pair, and of one that waits for the other. `again` says of
    /// a repeated first whether this second came with it, `fit` whether the two go together. A decision where both are known already.
    pub(super) fn two_begin(
        &self,
        (first, second): (Placed<'_>, Placed<'_>),
        again: impl FnOnce(ClientOrderId) -> Result<ClientOrderId, Denial>,
        fit: impl FnOnce() -> Result<(), Denial>,
    ) -> Result<Option<Decision>, Denial> {
        sessions::may_act(self.origin)?;
        stands_alone(first.spec)?;
        stands_alone(second.spec)?;
        if let Some(known) = risk::repeated(self.state, first.id, first.spec) {
            return known.and_then(again).map(known_as).map(Some);
        }
        if first.id == second.id || self.state.orders.contains_key(&second.id) {
            let text = format!("{} is already an order; make a new id", second.id);
            return Err(Denial::new(DenialCode::IdReused, text));
        }
        fit()?;
        for order in [first, second] {
            self.was_seen(order.seen, order.spec, order.legs)?;
        }
        Ok(None)
    }

    pub(super) fn submit_pair(&self, first: Placed<'_>, second: Placed<'_>) -> Result<Decision, Denial> {
        let again = |id: ClientOrderId| {
            risk::repeated(self.state, second.id, second.spec).unwrap_or_else(|| {
                let text = format!("{id} is already an order that is no part of this pair; make a new id");
                Err(Denial::new(DenialCode::IdReused, text))
            })?;
            Ok(id)
        };
        let fit = || {
            let same = |spec: &OrderSpec| (spec.account, spec.instrument, spec.quantity);
            if same(first.spec) == same(second.spec) {
                return Ok(());
            }
            let text = "both orders of a pair have one account, instrument and quantity";
            Err(Denial::new(DenialCode::BadOrder, text))
        };
        if let Some(known) = self.two_begin((first, second), again, fit)? {
            return Ok(known);
        }
        let allowed = self
            .allowed(first.spec)
            .and_then(|()| self.allowed(second.spec))
            .and_then(|()| self.room_for_both(first.spec, second.spec));
        if let Err(denial) = allowed {
            return Ok(both_denied(first, second, denial));
        }
        let quote = self.market.quote(first.spec.instrument).copied();
        let submitted = |order: Placed<'_>| Fact::Submitted {
            id: order.id,
            spec: order.spec.clone(),
            oco: Some(first.id),
            quote,
        };
        Ok(Decision::done(vec![submitted(first), submitted(second)]))
    }

    /// Both orders of a pair count, whichever of them adds risk.
    fn room_for_both(&self, first: &OrderSpec, second: &OrderSpec) -> Result<(), Denial> {
        let (same, other) = if first.side == second.side { (2, 0) } else { (1, 1) };
        self.check().room(first, same, other)?;
        self.check().room(second, same, other)
    }
}

/// Two orders of one command, of which one is refused.
pub(super) fn both_denied(first: Placed<'_>, second: Placed<'_>, denial: Denial) -> Decision {
    let mut decision = denied(first.id, first.spec, denial.clone());
    let mut other = denied(second.id, second.spec, denial);
    decision.facts.append(&mut other.facts);
    decision
}

/// How the stop of a new order moves by itself, where it does.
fn planned(id: ClientOrderId, legs: Legs) -> Result<Option<Fact>, Denial> {
    let Some(moves) = legs.moves else {
        return Ok(None);
    };
    let stop = id.child(1).filter(|_| legs.stop.is_some() && moves.is_sound());
    let fact = stop.map(|id| Fact::StopPlanned { id, moves });
    fact.map(Some).ok_or_else(|| {
        let text =
            "a stop that moves by itself needs a stop, a gain above zero, and an offset nearer than that";
        Denial::new(DenialCode::BadOrder, text)
    })
}
