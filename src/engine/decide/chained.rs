//! Two orders of which the second waits until the first has filled (OTO). Both are recorded, or neither: the first is asked of
//! every control as it is, the second as if the first had filled at the price it is counted at. What has to hold when the
//! second leaves is asked again then (`engine/chain.rs`).

use super::basket::Ahead;
use super::commands::{Desk, denied, known_as, stands_alone};
use super::{Decision, sessions};
use crate::domain::{ClientOrderId, OrderSpec, Phase, SafeText};
use crate::engine::command::{Denial, DenialCode, Entry, Legs, Seen};
use crate::engine::event::Fact;
use crate::engine::risk::{self, Check, Effect};
use crate::engine::state::State;

/// An order by itself.
fn alone(id: ClientOrderId, spec: &OrderSpec) -> Entry {
    Entry {
        id,
        spec: spec.clone(),
        legs: Legs::default(),
        seen: None,
    }
}

/// The state as it would be with the first recorded and filled at the price it is counted at: what the second is asked of.
/// `also` and every control is asked of the first before.
///
/// # Errors
/// Why the first would be refused.
pub(in crate::engine) fn filled_ahead<'a>(
    mut ahead: Ahead<'a>,
    check: &Check<'_>,
    (id, spec): (ClientOrderId, &OrderSpec),
    also: impl FnOnce(&State, &OrderSpec) -> Result<(), Denial>,
) -> Result<(Ahead<'a>, Vec<Fact>), Denial> {
    let price = check.entry_price(spec);
    let facts = ahead.add(&alone(id, spec), also)?;
    ahead.fill(id, price);
    Ok((ahead, facts))
}

impl Desk<'_> {
    pub(super) fn submit_then(
        &self,
        first: (ClientOrderId, &OrderSpec, Option<&Seen>),
        second: (ClientOrderId, &OrderSpec, Option<&Seen>),
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        stands_alone(first.1)?;
        stands_alone(second.1)?;
        if let Some(known) = risk::repeated(self.state, first.0, first.1) {
            return known.and_then(|id| self.same_second(id, second)).map(known_as);
        }
        if first.0 == second.0 || self.state.orders.contains_key(&second.0) {
            let text = format!("{} is already an order; make a new id", second.0);
            return Err(Denial::new(DenialCode::IdReused, text));
        }
        if first.1.account != second.1.account {
            let text = "an order and the one that follows it are of one account";
            return Err(Denial::new(DenialCode::BadOrder, text));
        }
        for (_, spec, seen) in [first, second] {
            self.was_seen(seen, spec, Legs::default())?;
        }
        match self.both(first, second) {
            Ok(mut facts) => {
                facts.push(Fact::OrderChained {
                    id: second.0,
                    spec: second.1.clone(),
                    after: first.0,
                });
                Ok(Decision::done(facts))
            }
            Err(denial) => {
                let mut decision = denied(first.0, first.1, denial.clone());
                let mut other = denied(second.0, second.1, denial);
                decision.facts.append(&mut other.facts);
                Ok(decision)
            }
        }
    }

    /// What is recorded of the first; or why one of the two is refused.
    fn both(
        &self,
        first: (ClientOrderId, &OrderSpec, Option<&Seen>),
        second: (ClientOrderId, &OrderSpec, Option<&Seen>),
    ) -> Result<Vec<Fact>, Denial> {
        let also = |state: &State, spec: &OrderSpec| {
            let desk = Desk { state, ..*self };
            if risk::effect(state, spec) == Effect::Adds {
                desk.may_add(spec.account)?;
            }
            desk.not_flattening(spec)
        };
        // Live beside the first it needs room, whatever it is once that has filled.
        let mut beside = Ahead::new(self.state, self.market, self.now).sent_by(self.origin);
        beside.add(&alone(first.0, first.1), also)?;
        beside.has_room(second.1)?;
        let ahead = Ahead::new(self.state, self.market, self.now).sent_by(self.origin);
        let (mut ahead, facts) = filled_ahead(ahead, &self.check(), (first.0, first.1), also)?;
        ahead.add(&alone(second.0, second.1), also).map_err(of_second)?;
        ahead.total()?;
        Ok(facts)
    }

    /// A repeated pair of them is the same one only with the same second.
    fn same_second(
        &self,
        first: ClientOrderId,
        second: (ClientOrderId, &OrderSpec, Option<&Seen>),
    ) -> Result<ClientOrderId, Denial> {
        let known = self.state.orders.get(&second.0);
        let same = known.is_some_and(|order| {
            let follows = order.after == Some(first) || order.phase == Phase::Denied;
            follows && order.asked == *second.1
        });
        if same {
            return Ok(first);
        }
        let text = format!("{first} is already an order that another one follows, or none; make a new id");
        Err(Denial::new(DenialCode::IdReused, text))
    }
}

/// A refusal of the second says that it is.
pub(in crate::engine) fn of_second(denial: Denial) -> Denial {
    Denial {
        text: SafeText::new(&format!("once the first has filled: {}", denial.text)),
        ..denial
    }
}
