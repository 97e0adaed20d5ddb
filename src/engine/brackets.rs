//! Brackets and pairs, held by the engine where the broker has none. The size of a group is what its entry has filled (or,
//! for a plain pair, what both were made for); what one member fills is taken from the others. Every rule compares what an
//! order is with what it should be and asks for the difference, so partial fills, late fills and repeated facts all lead to
//! the same place: a protective stop is never larger than what it protects.

use super::abilities::Abilities;
use super::event::Fact;
use super::planted::{Bug, planted};
use super::port::Family;
use super::state::{Group, State};
use crate::domain::{
    AccountKey, ClientOrderId, InstrumentId, LinkState, Order, OrderChange, Phase, Quantity, Role, SafeText,
};

/// Every group that an order is part of, as member or as entry.
pub(super) fn settle_order(state: &State, id: ClientOrderId) -> Vec<Fact> {
    let as_member = state.orders.get(&id).and_then(|order| order.oco);
    [Some(id), as_member]
        .into_iter()
        .flatten()
        .flat_map(|group| settle(state, group))
        .collect()
}

/// After a fill: every group with a live member on the instrument, because what is held has changed for all of them.
pub(super) fn settle_instrument(
    state: &State,
    account: AccountKey,
    instrument: InstrumentId,
    id: Option<ClientOrderId>,
) -> Vec<Fact> {
    let mut groups: Vec<ClientOrderId> = id.into_iter().collect();
    for group in state
        .live_orders(account, instrument)
        .filter_map(|order| order.oco)
    {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
        .into_iter()
        .flat_map(|group| settle(state, group))
        .collect()
}

/// What has to change so that every member of a group is as large as it should be.
pub(super) fn settle(state: &State, group: ClientOrderId) -> Vec<Fact> {
    let Some(group) = state.groups.get(&group) else {
        return Vec::new();
    };
    let members = group.members.iter().filter_map(|id| state.orders.get(id));
    let filled = closed_by(state, group);
    let mut facts: Vec<Fact> = members
        .filter(|order| order.phase.is_live())
        .filter_map(|order| {
            let others = filled.saturating_sub(order.filled);
            adjust(state, group, order, wanted(state, group, order, others))
        })
        .collect();
    facts.extend(end_entry(state, group, filled));
    facts
}

/// Once a child has closed something the trade is ending: what is left of the entry goes, because it would open what no
/// child protects any more.
fn end_entry(state: &State, group: &Group, closed: Quantity) -> Option<Fact> {
    let entry = state.orders.get(&group.parent?)?;
    let over = closed.is_positive() && entry.phase.is_at_broker() && entry.pending.is_none();
    over.then_some(Fact::CancelRequested { id: entry.id })
}

/// The total quantity a member should have, what it has filled included.
fn wanted(state: &State, group: &Group, order: &Order, others_filled: Quantity) -> Quantity {
    let entry = group.parent.and_then(|id| state.orders.get(&id));
    let capacity = match (group.parent, entry) {
        (Some(_), Some(entry)) if held_there(entry) => entry.spec.quantity,
        (Some(_), entry) => entry
            .map_or(Quantity::ZERO, |entry| entry.filled)
            .saturating_sub(group.set_aside),
        (None, _) => group.size,
    };
    let wanted = capacity.saturating_sub(others_filled);
    if group.parent.is_none() || entry.is_some_and(held_there) {
        return wanted;
    }
    wanted.min(order.filled.saturating_add(closable(state, order)))
}

/// True while an entry can still fill at a broker that holds brackets itself: its children wait there, as large as it is.
fn held_there(entry: &Order) -> bool {
    Abilities::of(entry.spec.account.broker).holds_brackets && entry.phase.is_live()
}

/// How an order stands to others at a broker that holds brackets and pairs itself; nothing at others.
pub(super) fn family(state: &State, order: &Order) -> Option<Family> {
    if !Abilities::of(order.spec.account.broker).holds_brackets {
        return None;
    }
    let parent = order.spec.parent.and_then(|id| state.orders.get(&id));
    let group = order.oco.or(Some(order.id)).and_then(|id| state.groups.get(&id));
    let children = group.filter(|group| group.parent.is_some());
    if order.oco.is_none() && children.is_none() {
        return None;
    }
    // A family is complete with its last child; a pair needs nobody to wait for, and a later change neither.
    let first_time = order.broker_id.is_none();
    let last = children.is_none_or(|group| group.members.last() == Some(&order.id));
    Some(Family {
        parent: parent.and_then(|parent| parent.number),
        group: order.oco,
        complete: last || !first_time || parent.is_some_and(|parent| parent.broker_id.is_some()),
    })
}

/// True for a child whose entry ended before anything of it filled: at a broker that holds brackets it has nothing to wait
/// for.
pub(super) fn orphaned(state: &State, order: &Order) -> bool {
    let parent = order.spec.parent.and_then(|id| state.orders.get(&id));
    parent.is_some_and(|parent| !parent.phase.is_live() && parent.filled.is_zero())
}

/// A child that did not leave keeps its family incomplete at a broker that holds brackets: the entry would wait there for
/// ever, or work without it. It goes, as long as nothing of it filled.
pub(super) fn incomplete_family(state: &State, child: &Order) -> Option<Fact> {
    let entry = child.spec.parent.and_then(|id| state.orders.get(&id))?;
    let alone = held_there(entry)
        && child.phase != Phase::Lost
        && entry.filled.is_zero()
        && entry.phase.is_at_broker()
        && entry.pending.is_none();
    alone.then_some(Fact::CancelRequested { id: entry.id })
}

/// What a child may still close: a child only ever closes, so what another order closed is no longer its to close, and
/// what an older bracket's children close is not its either.
fn closable(state: &State, order: &Order) -> Quantity {
    let (account, instrument) = (order.spec.account, order.spec.instrument);
    let position = state.position(account, instrument);
    if position.side() != Some(order.spec.side.opposite()) {
        return Quantity::ZERO;
    }
    let mut left = position.quantity.abs();
    let mut seen: Vec<ClientOrderId> = Vec::new();
    let siblings = state
        .live_orders(account, instrument)
        .filter(|o| o.spec.side == order.spec.side);
    for name in siblings.filter_map(|sibling| sibling.oco) {
        if Some(name) >= order.oco {
            break;
        }
        if !seen.contains(&name) {
            seen.push(name);
            left = left.saturating_sub(claim(state, name)).max(Quantity::ZERO);
        }
    }
    left
}

/// What the children of one entry have still to close.
fn claim(state: &State, name: ClientOrderId) -> Quantity {
    let Some((group, parent)) = state
        .groups
        .get(&name)
        .and_then(|group| Some((group, group.parent?)))
    else {
        return Quantity::ZERO;
    };
    let opened = state
        .orders
        .get(&parent)
        .map_or(Quantity::ZERO, |entry| entry.filled);
    opened
        .saturating_sub(closed_by(state, group))
        .saturating_sub(group.set_aside)
        .max(Quantity::ZERO)
}

/// What the members of a group have executed.
pub(super) fn closed_by(state: &State, group: &Group) -> Quantity {
    let members = group.members.iter().filter_map(|id| state.orders.get(id));
    members.fold(Quantity::ZERO, |sum, order| sum.saturating_add(order.filled))
}

/// An entry that fills after its children have ended opens what nothing protects: a person is told.
pub(super) fn unprotected_entry(state: &State, entry: &Order) -> Option<Fact> {
    let group = state
        .groups
        .get(&entry.id)
        .filter(|group| group.parent == Some(entry.id))?;
    let waiting = group
        .members
        .iter()
        .filter_map(|id| state.orders.get(id))
        .any(|o| o.phase.is_live());
    let flattening = state
        .flattening
        .contains_key(&(entry.spec.account, entry.spec.instrument));
    let held = state.position(entry.spec.account, entry.spec.instrument).side() == Some(entry.spec.side);
    (!waiting && !flattening && held && closed_by(state, group) < entry.filled).then(|| {
        let text = format!(
            "{} filled, and its stop and target have ended: nothing protects it",
            entry.spec
        );
        Fact::Surprised {
            text: SafeText::new(&text),
        }
    })
}

/// A protective stop that is not at the broker while its position is held: a person is told.
pub(super) fn lost_protection(state: &State, order: &Order) -> Option<Fact> {
    let held = state.position(order.spec.account, order.spec.instrument);
    let protects = order.spec.role == Role::StopLoss && order.spec.parent.is_some();
    (protects && !order.phase.is_live() && held.side() == Some(order.spec.side.opposite())).then(|| {
        let text = format!(
            "NOT PROTECTED: {} is {} while {} are held; place a stop or close",
            order.spec,
            order.phase.word(),
            held.quantity
        );
        Fact::Surprised {
            text: SafeText::new(&text),
        }
    })
}

/// Where it is so set, what lost its protection is closed rather than only shown.
pub(super) fn close_unprotected(state: &State, order: &Order) -> Option<Fact> {
    lost_protection(state, order)?;
    let (account, instrument) = (order.spec.account, order.spec.instrument);
    let exit = order.spec.parent?.child(9)?;
    let begun = state.flattening.contains_key(&(account, instrument)) || state.orders.contains_key(&exit);
    (state.limits.close_unprotected && !begun).then_some(Fact::FlattenStarted {
        account,
        instrument,
        exit,
    })
}

/// True while a change can travel to the order's broker. Without a link nothing is asked: once it is back, every group
/// is looked at again.
fn is_reachable(state: &State, order: &Order) -> bool {
    matches!(
        state.link(order.spec.account.broker),
        LinkState::Syncing | LinkState::Ready | LinkState::Degraded
    )
}

fn adjust(state: &State, group: &Group, order: &Order, wanted: Quantity) -> Option<Fact> {
    let id = order.id;
    match order.phase {
        Phase::Created => {
            if let Some(entry) = group.parent.and_then(|id| state.orders.get(&id))
                && held_there(entry)
                && entry.phase != Phase::InFlight
            {
                // The broker holds the family or never gets it: a child does not follow its entry alone.
                return None;
            }
            let entry_over = group
                .parent
                .and_then(|id| state.orders.get(&id))
                .is_none_or(|parent| !parent.phase.is_live());
            if wanted.is_positive() {
                is_reachable(state, order).then_some(Fact::ChildReleased { id, quantity: wanted })
            } else if entry_over {
                let reason = SafeText::new("its entry ended with nothing left to close");
                Some(Fact::Cancelled { id, reason })
            } else {
                None
            }
        }
        Phase::Working | Phase::Held if order.pending.is_none() => {
            if wanted <= order.filled {
                Some(Fact::CancelRequested { id })
            } else if !is_reachable(state, order) {
                None
            } else if (wanted < order.spec.quantity && !planted(Bug::SiblingNotReduced))
                || (group.parent.is_some() && wanted > order.spec.quantity)
            {
                let change = OrderChange {
                    quantity: Some(wanted),
                    ..OrderChange::default()
                };
                Some(Fact::ModifyRequested { id, change })
            } else {
                None
            }
        }
        // In flight, uncertain or with a request under way: its answer brings us back here.
        _ => None,
    }
}

/// The broker refused to make a member smaller that was only smaller because somebody had said so: it stays as it is, and
/// the others with it. Taking it off would leave everything unprotected.
fn not_set_aside(state: &State, group: &Group, order: &Order, others: Quantity) -> Option<Vec<Fact>> {
    let whole = Group {
        set_aside: Quantity::ZERO,
        ..group.clone()
    };
    let size = order.spec.quantity;
    let refused = group.set_aside.is_positive()
        && wanted(state, group, order, others) < size
        && wanted(state, &whole, order, others) >= size;
    let entry = group.parent.and_then(|id| state.orders.get(&id))?;
    let text = format!(
        "{} could not be made smaller: its bracket stays as it was",
        order.spec
    );
    let left = entry.filled.saturating_sub(others).saturating_sub(size);
    refused.then(|| {
        vec![
            Fact::Surprised {
                text: SafeText::new(&text),
            },
            Fact::BracketResized {
                group: order.oco.unwrap_or(entry.id),
                set_aside: left.max(Quantity::ZERO),
            },
        ]
    })
}

/// The broker refused to change a member's size. Too large is dangerous: it goes, and a person is told. Too small leaves
/// a part unprotected: a person is told.
pub(super) fn after_refusal(state: &State, order: &Order) -> Vec<Fact> {
    let Some(group) = order.oco.and_then(|id| state.groups.get(&id)) else {
        return Vec::new();
    };
    if !order.phase.is_live() || !is_reachable(state, order) {
        return Vec::new();
    }
    let others = group
        .members
        .iter()
        .filter(|id| **id != order.id)
        .filter_map(|id| state.orders.get(id))
        .fold(Quantity::ZERO, |sum, other| sum.saturating_add(other.filled));
    if let Some(facts) = not_set_aside(state, group, order, others) {
        return facts;
    }
    let wanted = wanted(state, group, order, others);
    if wanted < order.spec.quantity {
        let text = format!(
            "{} could not be made smaller and is being cancelled: check that the rest is protected",
            order.spec
        );
        return vec![
            Fact::Surprised {
                text: SafeText::new(&text),
            },
            Fact::CancelRequested { id: order.id },
        ];
    }
    if wanted > order.spec.quantity {
        let text = format!(
            "{} could not be made larger: only that much of {wanted} is covered",
            order.spec
        );
        return vec![Fact::Surprised {
            text: SafeText::new(&text),
        }];
    }
    Vec::new()
}
