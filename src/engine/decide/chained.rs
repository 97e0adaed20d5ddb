//! Two orders of which the second waits until the first has filled (OTO). Both are recorded, or neither: the first is asked of
//! every control as it is, the second as if the first had filled at the price it is counted at. What has to hold when the
//! second leaves is asked again then (`engine/chain.rs`).

use super::Decision;
use super::basket::Ahead;
use super::commands::Desk;
use super::submit::both_denied;
use crate::domain::{ClientOrderId, OrderSpec, Phase, SafeText};
use crate::engine::command::{Denial, DenialCode, Entry, Legs, Placed};
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
    pub(super) fn submit_then(&self, first: Placed<'_>, second: Placed<'_>) -> Result<Decision, Denial> {
        let again = |id| self.same_second(id, second);
        let fit = || {
            if first.spec.account == second.spec.account {
                return Ok(());
            }
            let text = "an order and the one that follows it are of one account";
            Err(Denial::new(DenialCode::BadOrder, text))
        };
        if let Some(known) = self.two_begin((first, second), again, fit)? {
            return Ok(known);
        }
        match self.both(first, second) {
            Ok(mut facts) => {
                facts.push(Fact::OrderChained {
                    id: second.id,
                    spec: second.spec.clone(),
                    after: first.id,
                });
                Ok(Decision::done(facts))
            }
            Err(denial) => Ok(both_denied(first, second, denial)),
        }
    }

    /// What is recorded of the first; or why one of the two is refused.
    fn both(&self, first: Placed<'_>, second: Placed<'_>) -> Result<Vec<Fact>, Denial> {
        let also = |state: &State, spec: &OrderSpec| {
            let desk = Desk { state, ..*self };
            if risk::effect(state, spec) == Effect::Adds {
                desk.may_add(spec.account)?;
            }
            desk.not_flattening(spec)
        };
        // Live beside the first it needs room, whatever it is once that has filled.
        let mut beside = Ahead::new(self.state, self.market, self.now).sent_by(self.origin);
        beside.add(&alone(first.id, first.spec), also)?;
        beside.has_room(second.spec)?;
        let ahead = Ahead::new(self.state, self.market, self.now).sent_by(self.origin);
        let (mut ahead, facts) = filled_ahead(ahead, &self.check(), (first.id, first.spec), also)?;
        ahead
            .add(&alone(second.id, second.spec), also)
            .map_err(of_second)?;
        ahead.total()?;
        Ok(facts)
    }

    /// A repeated pair of them is the same one only with the same second.
    fn same_second(&self, first: ClientOrderId, second: Placed<'_>) -> Result<ClientOrderId, Denial> {
        let known = self.state.orders.get(&second.id);
        let same = known.is_some_and(|order| {
            let follows = order.after == Some(first) || order.phase == Phase::Denied;
            follows && order.asked == *second.spec
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
