//! Closing a part of a position that its own stops cover in full. Stop and exit together would close more than is held, so
//! first the protection gives way: every stop and every bracket gives its share, at least a lot of each stays, and only
//! when the broker has said that they are smaller does the exit leave. What it does not close in the end is given back.
//!
//! A part of the position is covered by nothing while the exit is under way: the part that is being sold. The other way round both
//! could fill, and the position would come out on the other side.
//!
//! Nothing here has a step of its own: what is done follows from the exit (not recorded, live, ended) and from what is under way at
//! the broker, so a new process goes on where the one before ended. Only an exit that had not left by then does not leave any more:
//! nobody can say how long ago it was asked for.
//!
//! Leaves to others: whether such an order may be placed (`decide/submit.rs`, the controls), the last gate (`release`), closing all
//! (`flatten`), and an order with a price: it would rest for long beside a position that is covered in part, and is refused.

use super::brackets;
use super::command::{Denial, DenialCode};
use super::decide::fold_ahead;
use super::event::{Actor, Fact};
use super::in_the_way::{covers_bracket, protects};
use super::planted::{Bug, planted};
use super::state::State;
use super::timing::GIVES_WAY_WITHIN;
use crate::domain::{
    AccountKey, ClientOrderId, InstrumentId, LinkState, Order, OrderChange, OrderKind, OrderSpec, Phase,
    Quantity, SafeText, Timestamp,
};
use serde::{Deserialize, Serialize};

/// What gives way, and how much of what it closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A stop by itself.
    Stop {
        /// Which.
        id: ClientOrderId,
        /// What it gives.
        gives: Quantity,
        /// What it is to have left to execute.
        leaves: Quantity,
    },
    /// Both exits of a bracket.
    Bracket {
        /// Whose group.
        group: ClientOrderId,
        /// What they give.
        gives: Quantity,
        /// What of the entry they are to leave to others.
        set_aside: Quantity,
    },
}

/// A part of a position that is being closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleOut {
    /// The id of the closing order.
    pub exit: ClientOrderId,
    /// The closing order.
    pub spec: OrderSpec,
    /// What gives way to it.
    pub ways: Vec<Way>,
    /// Since when.
    pub since: Timestamp,
    /// The process that it was asked of has ended.
    pub late: bool,
}

/// Something that protects a position and can be made smaller.
struct Cover {
    way: Way,
    size: Quantity,
}

/// What would give way to an order, where it closes a part of a position and only the position's own protection keeps it from that;
/// nothing where it needs no way, or has none.
pub fn ways(state: &State, spec: &OrderSpec) -> Option<Vec<Way>> {
    let (account, instrument) = (spec.account, spec.instrument);
    let position = state.position(account, instrument);
    let held = position.quantity.abs();
    let part = spec.quantity.is_positive() && spec.quantity < held;
    let fits = spec.kind == OrderKind::Market
        && spec.parent.is_none()
        && !spec.allow_short
        && position.side() == Some(spec.side.opposite())
        && part;
    if !fits || is_busy(state, account, instrument) {
        return None;
    }
    let free = held
        .saturating_sub(state.working_exits(account, instrument))
        .max(Quantity::ZERO);
    let need = spec.quantity.saturating_sub(free);
    if !need.is_positive() {
        return None;
    }
    let lot = state.instruments.get(&instrument)?.lot;
    shares(covers(state, account, instrument)?, need, lot)
}

fn is_busy(state: &State, account: AccountKey, instrument: InstrumentId) -> bool {
    let key = (account, instrument);
    state.scaling_out.contains_key(&key) || state.flattening.contains_key(&key)
}

/// Everything that protects a position and can be made smaller now; nothing where one of it is under way at the broker.
fn covers(state: &State, account: AccountKey, instrument: InstrumentId) -> Option<Vec<Cover>> {
    let closes = state.position(account, instrument).side()?.opposite();
    let mut covers: Vec<Cover> = Vec::new();
    for order in state.live_orders(account, instrument) {
        if order.spec.side != closes || state.waits(order) || !protects(state, order) {
            continue;
        }
        let settled = matches!(order.phase, Phase::Held | Phase::Working) && order.pending.is_none();
        if !settled || order.missing.is_some() {
            return None;
        }
        let left = order.leaves();
        match order.oco {
            None => covers.push(Cover {
                way: Way::Stop {
                    id: order.id,
                    gives: Quantity::ZERO,
                    leaves: left,
                },
                size: left,
            }),
            Some(group) if covers_bracket(state, order) => add_bracket(state, &mut covers, group, left)?,
            // One of a pair: its size is the other's, too.
            Some(_) => {}
        }
    }
    Some(covers)
}

/// A bracket is as large as its largest exit; while its entry works its size follows that.
fn add_bracket(state: &State, covers: &mut Vec<Cover>, name: ClientOrderId, left: Quantity) -> Option<()> {
    let group = state.groups.get(&name)?;
    let entry = state.orders.get(&group.parent?)?;
    if entry.phase.is_live() {
        return Some(());
    }
    let known = covers
        .iter_mut()
        .find(|cover| matches!(cover.way, Way::Bracket { group, .. } if group == name));
    let size = known.as_ref().map_or(left, |cover| cover.size.max(left));
    let opened = entry.filled.saturating_sub(brackets::closed_by(state, group));
    let way = Way::Bracket {
        group: name,
        gives: Quantity::ZERO,
        set_aside: opened.saturating_sub(size).max(Quantity::ZERO),
    };
    match known {
        Some(cover) => *cover = Cover { way, size },
        None => covers.push(Cover { way, size }),
    }
    Some(())
}

/// Each gives in proportion to its size, in whole lots; what is left over comes from the first that have it. A lot of each stays:
/// what would go altogether could not be given back.
fn shares(covers: Vec<Cover>, need: Quantity, lot: Quantity) -> Option<Vec<Way>> {
    let lot = lot.raw().max(1);
    let lots = |size: Quantity| size.raw() / lot;
    let wanted = need.raw().checked_add(lot - 1)? / lot;
    let total: i64 = covers.iter().map(|cover| lots(cover.size)).sum();
    let most = |size: Quantity| (lots(size) - 1).max(0);
    let mut given: Vec<i64> = covers
        .iter()
        .map(|cover| {
            let part = i128::from(wanted) * i128::from(lots(cover.size)) / i128::from(total.max(1));
            i64::try_from(part).unwrap_or(i64::MAX).min(most(cover.size))
        })
        .collect();
    let mut left = wanted - given.iter().sum::<i64>();
    for (cover, gives) in covers.iter().zip(&mut given) {
        let more = left.min(most(cover.size) - *gives);
        *gives += more;
        left -= more;
    }
    if left > 0 {
        return None;
    }
    let ways = covers.iter().zip(given).filter(|(_, gives)| *gives > 0);
    Some(
        ways.map(|(cover, gives)| giving(cover.way, Quantity::from_raw(gives * lot)))
            .collect(),
    )
}

fn giving(way: Way, gives: Quantity) -> Way {
    match way {
        Way::Stop { id, leaves, .. } => Way::Stop {
            id,
            gives,
            leaves: leaves.saturating_sub(gives),
        },
        Way::Bracket { group, set_aside, .. } => Way::Bracket {
            group,
            gives,
            set_aside: set_aside.saturating_add(gives),
        },
    }
}

/// The facts that begin it.
pub(super) fn begin(state: &State, exit: ClientOrderId, spec: &OrderSpec, ways: &[Way]) -> Vec<Fact> {
    let started = Fact::ScaleOutStarted {
        exit,
        spec: spec.clone(),
        ways: ways.to_vec(),
    };
    let changes = ways.iter().filter_map(|way| smaller(state, *way));
    std::iter::once(started).chain(changes).collect()
}

fn smaller(state: &State, way: Way) -> Option<Fact> {
    Some(match way {
        Way::Stop { id, leaves, .. } => resized(state.orders.get(&id)?, leaves),
        Way::Bracket { group, set_aside, .. } => Fact::BracketResized { group, set_aside },
    })
}

/// The orders that become smaller, each with what it becomes.
pub(super) fn changes<'a>(state: &'a State, ways: &'a [Way]) -> impl Iterator<Item = (&'a Order, OrderSpec)> {
    ways.iter().flat_map(|way| smaller_orders(state, *way))
}

fn smaller_orders(state: &State, way: Way) -> Vec<(&Order, OrderSpec)> {
    let to = |order: &Order, leaves: Quantity| OrderSpec {
        quantity: order.filled.saturating_add(leaves),
        ..order.spec.clone()
    };
    match way {
        Way::Stop { id, leaves, .. } => {
            let order = state.orders.get(&id).into_iter();
            order.map(|order| (order, to(order, leaves))).collect()
        }
        Way::Bracket { group, gives, .. } => {
            let members = state
                .groups
                .get(&group)
                .into_iter()
                .flat_map(|group| &group.members);
            let live = members.filter_map(|id| state.orders.get(id));
            live.filter(|order| order.phase.is_live())
                .map(|order| (order, to(order, order.leaves().saturating_sub(gives))))
                .collect()
        }
    }
}

/// The change that leaves an order so much to execute.
fn resized(order: &Order, leaves: Quantity) -> Fact {
    Fact::ModifyRequested {
        id: order.id,
        change: OrderChange {
            quantity: Some(order.filled.saturating_add(leaves)),
            ..OrderChange::default()
        },
    }
}

/// The state as it will be once everything has given way: what the exit is held against.
pub(super) fn ahead(state: &State, ways: &[Way], now: Timestamp) -> State {
    let aside = ways.iter().filter_map(|way| match way {
        Way::Bracket { group, set_aside, .. } => Some(Fact::BracketResized {
            group: *group,
            set_aside: *set_aside,
        }),
        Way::Stop { .. } => None,
    });
    let modified = changes(state, ways).map(|(order, to)| Fact::Modified {
        id: order.id,
        quantity: to.quantity,
        kind: to.kind,
    });
    let facts: Vec<Fact> = aside.chain(modified).collect();
    let mut ahead = state.clone();
    fold_ahead(&mut ahead, &facts, Actor::Engine, now);
    ahead
}

/// What gives way, for people: `first stp 183.81 and its target to 50; what this does not close goes back`.
pub fn words(state: &State, ways: &[Way]) -> String {
    let each = |way: &Way| -> Option<String> {
        let (order, leaves) = match way {
            Way::Stop { id, leaves, .. } => (state.orders.get(id)?, *leaves),
            Way::Bracket { group, gives, .. } => {
                let members = state.groups.get(group)?.members.iter();
                let live = members.filter_map(|id| state.orders.get(id));
                let live: Vec<&Order> = live.filter(|order| order.phase.is_live()).collect();
                let stop = live.iter().find(|order| order.spec.kind.is_stop());
                let order = stop.or(live.first())?;
                (*order, order.leaves().saturating_sub(*gives))
            }
        };
        let target = match way {
            Way::Bracket { .. } => " and its target",
            Way::Stop { .. } => "",
        };
        Some(format!(
            "{}{target} to {leaves}",
            order.spec.kind.text(|price| price.to_string())
        ))
    };
    let all: Vec<String> = ways.iter().filter_map(each).collect();
    format!("first {}; what this does not close goes back", all.join(", "))
}

/// True for the exit of one that is under way.
pub(super) fn is_exit(state: &State, id: ClientOrderId) -> bool {
    state.scaling_out.values().any(|scaling| scaling.exit == id)
}

/// True while orders can be changed and closed there.
fn is_there(state: &State, account: AccountKey) -> bool {
    let link = state.link(account.broker);
    matches!(link, LinkState::Ready | LinkState::Degraded) && state.positions_known(account)
}

/// What is due of each that is under way.
pub(super) fn judge(state: &State, now: Timestamp) -> Vec<Fact> {
    let all = state.scaling_out.values();
    all.flat_map(|scaling| next(state, scaling, now)).collect()
}

fn next(state: &State, scaling: &ScaleOut, now: Timestamp) -> Vec<Fact> {
    match state.orders.get(&scaling.exit) {
        None => leave(state, scaling, now),
        Some(exit) if exit.phase.is_live() => Vec::new(),
        Some(exit) => end(state, scaling, exit),
    }
}

/// The exit leaves once there is room for it, or is given up.
fn leave(state: &State, scaling: &ScaleOut, now: Timestamp) -> Vec<Fact> {
    let spec = &scaling.spec;
    let (account, instrument) = (spec.account, spec.instrument);
    let give_up = |why: &str| {
        let denial = Denial::new(
            DenialCode::Busy,
            format!("nothing was sent: {why}; 'flat {instrument}' closes all of it"),
        );
        vec![Fact::Denied {
            id: scaling.exit,
            spec: spec.clone(),
            denial,
        }]
    };
    if scaling.late {
        return give_up("the engine was started anew before the stop had become smaller");
    }
    let position = state.position(account, instrument);
    if position.side() != Some(spec.side.opposite()) {
        return give_up("the position has changed");
    }
    let under_way = changing(state, scaling) && !planted(Bug::PartBesideStop);
    if !under_way && is_there(state, account) {
        let free = position
            .quantity
            .abs()
            .saturating_sub(state.working_exits(account, instrument));
        if free < spec.quantity && !planted(Bug::PartBesideStop) {
            return give_up("the stop could not be made smaller");
        }
        return vec![Fact::Submitted {
            id: scaling.exit,
            spec: spec.clone(),
            oco: None,
            quote: None,
        }];
    }
    if now < scaling.since.after(GIVES_WAY_WITHIN) {
        return Vec::new();
    }
    give_up("the stop did not become smaller in time")
}

/// True while the broker owes an answer about one that gives way.
fn changing(state: &State, scaling: &ScaleOut) -> bool {
    let owed = |order: &Order| {
        order.phase.is_live()
            && (order.pending.is_some() || !matches!(order.phase, Phase::Held | Phase::Working))
    };
    scaling.ways.iter().any(|way| match way {
        Way::Stop { id, .. } => state.orders.get(id).is_some_and(owed),
        Way::Bracket { group, .. } => {
            let members = state
                .groups
                .get(group)
                .into_iter()
                .flat_map(|group| &group.members);
            members.filter_map(|id| state.orders.get(id)).any(owed)
        }
    })
}

/// The exit has ended: what it did not close is given back, once the broker can hear it and owes no answer about it.
fn end(state: &State, scaling: &ScaleOut, exit: &Order) -> Vec<Fact> {
    let spec = &scaling.spec;
    let (account, instrument) = (spec.account, spec.instrument);
    let ended = |failure: Option<String>| Fact::ScaleOutEnded {
        account,
        instrument,
        failure: failure.map(|why| SafeText::new(&why)),
    };
    let left = spec.quantity.saturating_sub(exit.filled);
    if !left.is_positive() {
        return vec![ended(None)];
    }
    if matches!(exit.phase, Phase::Absent | Phase::Lost) {
        // It may have been executed: a stop that grows again could close more than is held.
        return vec![ended(Some(format!(
            "{spec} is {}: nobody knows whether it closed anything, and what gave way to it stays smaller; look at the broker",
            exit.phase.word()
        )))];
    }
    if !is_there(state, account) || changing(state, scaling) {
        return Vec::new();
    }
    let free = state
        .position(account, instrument)
        .quantity
        .abs()
        .saturating_sub(state.working_exits(account, instrument));
    let bare = left.min(free).max(Quantity::ZERO);
    let mut left = bare;
    let mut facts = Vec::new();
    for way in &scaling.ways {
        let (fact, back) = given_back(state, *way, left);
        facts.extend(fact);
        left = left.saturating_sub(back);
    }
    let again = if bare.is_zero() {
        // Nothing had given way, or nothing is held any more.
        "nothing of it is left uncovered"
    } else if facts.is_empty() {
        "no stop was there any more to take it back"
    } else {
        "what protects it is made as large again"
    };
    facts.push(ended(Some(format!(
        "{} of {} {instrument} closed; {again}",
        exit.filled, spec.quantity
    ))));
    facts
}

/// Gives back to one of them as much as it gave, at most `left`; and how much that is.
fn given_back(state: &State, way: Way, left: Quantity) -> (Option<Fact>, Quantity) {
    let fact = |gives: Quantity| {
        let back = gives.min(left);
        if !back.is_positive() {
            return None;
        }
        let fact = match way {
            Way::Stop { id, .. } => {
                let order = state.orders.get(&id).filter(|order| order.phase.is_live())?;
                resized(order, order.leaves().saturating_add(back))
            }
            Way::Bracket { group, .. } => {
                let known = state.groups.get(&group)?;
                let mut members = known.members.iter().filter_map(|id| state.orders.get(id));
                let lives = members.any(|order| order.phase.is_live());
                let set_aside = known.set_aside.saturating_sub(back).max(Quantity::ZERO);
                lives.then_some(Fact::BracketResized { group, set_aside })?
            }
        };
        Some((fact, back))
    };
    let gives = match way {
        Way::Stop { gives, .. } | Way::Bracket { gives, .. } => gives,
    };
    match fact(gives) {
        Some((fact, back)) => (Some(fact), back),
        None => (None, Quantity::ZERO),
    }
}

/// When one of them is due whatever else happens; at once where one can go on.
pub(super) fn next_deadline(state: &State) -> Option<Timestamp> {
    let due = |scaling: &ScaleOut| {
        let deadline = scaling.since.after(GIVES_WAY_WITHIN);
        if !next(state, scaling, state.at).is_empty() {
            return Some(state.at);
        }
        (!state.orders.contains_key(&scaling.exit)).then_some(deadline)
    };
    state.scaling_out.values().filter_map(due).min()
}

impl State {
    /// Facts of parts that are being closed.
    pub(super) fn fold_scale_out(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::ScaleOutStarted { exit, spec, ways } => {
                let scaling = ScaleOut {
                    exit: *exit,
                    spec: spec.clone(),
                    ways: ways.clone(),
                    since: at,
                    late: false,
                };
                self.scaling_out.insert((spec.account, spec.instrument), scaling);
            }
            // All of it is closed then, and what protects it goes with it.
            Fact::ScaleOutEnded {
                account, instrument, ..
            }
            | Fact::FlattenStarted {
                account, instrument, ..
            } => drop(self.scaling_out.remove(&(*account, *instrument))),
            _ => {}
        }
    }

    /// In a new process no exit leaves that had not left.
    pub(super) fn resume_scale_outs(&mut self) {
        for scaling in self.scaling_out.values_mut() {
            scaling.late = true;
        }
    }
}
