//! New orders: one with its children, and a pair. Many at once are `basket`'s.

use super::commands::{Desk, denied, known_as, stands_alone};
use super::{Decision, sessions};
use crate::domain::{ClientOrderId, OrderKind, OrderSpec, Phase, Role, Side, TimeInForce};
use crate::engine::command::{Denial, DenialCode, Legs, Seen};
use crate::engine::event::Fact;
use crate::engine::risk;

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
        self.was_seen(seen, spec, legs)?;
        match self.allowed(spec).and_then(|()| self.submitted(id, spec, legs)) {
            Ok(facts) => Ok(Decision::done(facts)),
            Err(denial) => Ok(denied(id, spec, denial)),
        }
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
        let reference = self.check().entry_price(spec);
        let instrument = self.state.instruments.get(&spec.instrument);
        let kinds = [
            (legs.stop, Role::StopLoss, "stop", -1),
            (legs.target, Role::Target, "target", 1),
        ];
        for (number, (price, role, word, toward)) in (1u8..).zip(kinds) {
            let Some(price) = price else { continue };
            let kind = match role {
                Role::StopLoss => OrderKind::Stop { trigger: price },
                _ => OrderKind::Limit { price },
            };
            let sign = if spec.side == Side::Buy { toward } else { -toward };
            if let Some(reference) = reference
                && price.raw().cmp(&reference.raw()) as i32 != sign
            {
                let side = if sign > 0 { "above" } else { "below" };
                let text = format!(
                    "the {word} of a {} goes {side} the entry at {reference}",
                    spec.side.word().to_lowercase()
                );
                return Err(Denial::new(DenialCode::BadPrice, text));
            }
            let child = OrderSpec {
                side: spec.side.opposite(),
                kind,
                tif: TimeInForce::Gtc,
                display: None,
                allow_short: true,
                role,
                parent: Some(id),
                ..spec.clone()
            };
            if let Some(instrument) = instrument {
                self.check().well_formed(&child, instrument)?;
            }
            let name = id.child(number).ok_or_else(|| {
                Denial::new(
                    DenialCode::BadOrder,
                    format!("{id} can't have children: its id is too long or itself a child's"),
                )
            })?;
            children.push((name, child));
        }
        Ok(children)
    }

    pub(super) fn submit_pair(
        &self,
        first: (ClientOrderId, &OrderSpec, Option<&Seen>),
        second: (ClientOrderId, &OrderSpec, Option<&Seen>),
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        stands_alone(first.1)?;
        stands_alone(second.1)?;
        if let Some(known) = risk::repeated(self.state, first.0, first.1) {
            let both = match risk::repeated(self.state, second.0, second.1) {
                Some(second) => second.and(known),
                None => Err(Denial::new(
                    DenialCode::IdReused,
                    format!(
                        "{} is already an order that is no part of this pair; make a new id",
                        first.0
                    ),
                )),
            };
            return both.map(known_as);
        }
        if first.0 == second.0 || self.state.orders.contains_key(&second.0) {
            return Err(Denial::new(
                DenialCode::IdReused,
                format!("{} is already an order; make a new id", second.0),
            ));
        }
        if first.1.account != second.1.account
            || first.1.instrument != second.1.instrument
            || first.1.quantity != second.1.quantity
        {
            return Err(Denial::new(
                DenialCode::BadOrder,
                "both orders of a pair have one account, instrument and quantity",
            ));
        }
        for (_, spec, seen) in [first, second] {
            self.was_seen(seen, spec, Legs::default())?;
        }
        let allowed = self.allowed(first.1).and_then(|()| self.allowed(second.1));
        if let Err(denial) = allowed.and_then(|()| self.room_for_both(first.1, second.1)) {
            let mut decision = denied(first.0, first.1, denial.clone());
            decision
                .facts
                .append(&mut denied(second.0, second.1, denial).facts);
            return Ok(decision);
        }
        let quote = self.market.quote(first.1.instrument).copied();
        let submitted = |(id, spec, _): (ClientOrderId, &OrderSpec, Option<&Seen>)| Fact::Submitted {
            id,
            spec: spec.clone(),
            oco: Some(first.0),
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
