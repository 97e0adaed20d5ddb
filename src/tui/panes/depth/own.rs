//! Our own orders on the ladder: which of them a price means, what moving one does to the risk, and how a whole bracket is
//! moved. Pure: what is found here is a wish, or a reason in words; nothing is sent.

use super::rungs::Rungs;
use crate::domain::{
    ClientOrderId, InstrumentId, Order, OrderChange, OrderKind, OrderSpec, Phase, Price, Role, Side,
};
use crate::engine::risk::{self, Effect};
use crate::engine::{Command, changed};
use crate::tui::pane::View;
use crate::tui::panes::read;

/// The price that an order stands at: the trigger of a stop, else its limit.
pub fn stands_at(order: &Order) -> Option<Price> {
    price_of(&order.spec)
}

/// The same of an order that is not sent yet.
pub fn price_of(spec: &OrderSpec) -> Option<Price> {
    spec.kind.trigger().or(spec.kind.limit())
}

/// The change that lets an order stand at another price; nothing where the market moves it or it has none. The limit of a
/// stop keeps its distance.
pub fn change_to(order: &Order, to: Price) -> Option<OrderChange> {
    let none = OrderChange::default();
    match order.spec.kind {
        OrderKind::Limit { .. } | OrderKind::LimitOnClose { .. } => Some(OrderChange {
            price: Some(to),
            ..none
        }),
        OrderKind::Stop { .. } => Some(OrderChange {
            trigger: Some(to),
            ..none
        }),
        OrderKind::StopLimit { trigger, price } => Some(OrderChange {
            trigger: Some(to),
            price: Some(price.checked_add(to.checked_sub(trigger)?)?),
            ..none
        }),
        _ => None,
    }
}

/// Why an order can't be touched here and now; nothing where it can.
pub fn untouchable(order: &Order) -> Option<String> {
    if order.foreign {
        return Some(format!(
            "another session of {} made this order: cancel or change it where it was made",
            order.spec.account.broker
        ));
    }
    if order.pending.is_some() || matches!(order.phase, Phase::InFlight | Phase::Uncertain) {
        return Some(format!("{}: the broker has not answered yet", order.spec));
    }
    None
}

/// Our live orders on the desk's instrument that stand in `row`, the newest first, protective stops last: what is
/// taken from there one by one takes protection last.
pub(super) fn at_row<'a>(view: &View<'a>, rungs: &Rungs, row: i64) -> Vec<&'a Order> {
    let mut found: Vec<&Order> = view
        .account
        .into_iter()
        .flat_map(|account| view.state.live_orders(account, rungs.id))
        .filter(|order| order.phase != Phase::Parked)
        .filter(|order| stands_at(order).is_some_and(|price| rungs.line(price, order.spec.side) == row))
        .collect();
    found.sort_by_key(|order| (order.spec.kind.is_stop(), std::cmp::Reverse(order.created_at)));
    found
}

/// Why moving an order to another price could cost more than leaving it; nothing where it could not.
///
/// An entry may become less aggressive, an exit may stand wherever it likes, and a stop may come closer to the market, but
/// not so close that it triggers at once. Everything else is for a person to look at first.
pub fn adds(view: &View<'_>, order: &Order, to: Price) -> Option<&'static str> {
    let (Some(from), Some(change)) = (stands_at(order), change_to(order, to)) else {
        return Some("its price is not moved by hand");
    };
    let spec = changed(&order.spec, change);
    let up = to > from;
    let child = order.spec.role != Role::Entry;
    let closes = child || risk::change_effect(view.state, order, &spec) == Effect::Reduces;
    if order.spec.kind.is_stop() {
        // What protects a position does so whatever else would close it.
        let position = view.state.position(spec.account, spec.instrument);
        let protects =
            position.side() == Some(spec.side.opposite()) && order.leaves() <= position.quantity.abs();
        let closes = closes || protects;
        let closer = up == (order.spec.side == Side::Sell);
        return match (closes, closer) {
            (false, _) => Some("a stop that opens"),
            (true, false) => Some("it loosens the stop"),
            (true, true) if triggers(view, order, to) => Some("it would trigger at once"),
            (true, true) => None,
        };
    }
    let less_aggressive = up == (order.spec.side == Side::Sell);
    let passes_its_stop = children(view, order.id).any(|stop| {
        let at = stands_at(stop);
        stop.spec.kind.is_stop()
            && at.is_some_and(|at| {
                if order.spec.side == Side::Buy {
                    to <= at
                } else {
                    to >= at
                }
            })
    });
    match (closes, less_aggressive) {
        _ if passes_its_stop => Some("it would pass its own stop"),
        (true, _) | (false, true) => None,
        (false, false) => Some("more aggressive"),
    }
}

/// Would a stop trigger at once at this price? Where no price is known it might.
fn triggers(view: &View<'_>, order: &Order, at: Price) -> bool {
    if view.state.waits(order) {
        return false;
    }
    let quote = view.market.quote(order.spec.instrument);
    let last = read::last(view, order.spec.instrument);
    match order.spec.side {
        Side::Sell => quote
            .and_then(|quote| quote.bid)
            .map(|bid| bid.0)
            .into_iter()
            .chain(last)
            .min()
            .is_none_or(|market| at >= market),
        Side::Buy => quote
            .and_then(|quote| quote.ask)
            .map(|ask| ask.0)
            .into_iter()
            .chain(last)
            .max()
            .is_none_or(|market| at <= market),
    }
}

/// The live children of an entry.
fn children<'a>(view: &View<'a>, entry: ClientOrderId) -> impl Iterator<Item = &'a Order> {
    let state = view.state;
    let group = state.groups.get(&entry);
    let members = group.map_or(&[][..], |group| &group.members);
    members
        .iter()
        .filter(move |id| **id != entry)
        .filter_map(|id| state.orders.get(id))
        .filter(|order| order.phase.is_live())
}

/// A bracket that is being moved: nothing of it has been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifted {
    /// Of what.
    pub instrument: InstrumentId,
    /// The group that it is.
    pub group: ClientOrderId,
    /// By how many ticks, up.
    pub ticks: i64,
    /// When that last changed.
    pub at: crate::domain::Timestamp,
}

/// The live legs of a group: entry, target, stop, whatever of it is left.
pub fn legs<'a>(view: &View<'a>, group: ClientOrderId) -> Vec<&'a Order> {
    let found = view.state.groups.get(&group);
    let parent = found.and_then(|group| group.parent);
    let members = found.map_or(&[][..], |group| &group.members);
    parent
        .iter()
        .chain(members.iter().filter(|id| Some(**id) != parent))
        .filter_map(|id| view.state.orders.get(id))
        .filter(|order| order.phase.is_live() && stands_at(order).is_some())
        .collect()
}

/// The bracket that is meant: that of an order at hand, or the only one there is.
///
/// # Errors
/// There is none, or which one is not clear.
pub fn bracket(view: &View<'_>, at_hand: &[&Order]) -> Result<ClientOrderId, String> {
    let id = view.instrument.ok_or("no instrument is on the desk")?;
    let group_of = |order: &Order| {
        let parent = view.state.groups.contains_key(&order.id).then_some(order.id);
        parent.or(order.oco).or(order.spec.parent)
    };
    let bracket = |group: &ClientOrderId| {
        let known = view.state.groups.get(group);
        known.is_some_and(|known| known.parent.is_some()) && !legs(view, *group).is_empty()
    };
    if let Some(group) = at_hand.iter().find_map(|order| group_of(order).filter(bracket)) {
        return Ok(group);
    }
    let mut all: Vec<ClientOrderId> = view
        .account
        .into_iter()
        .flat_map(|account| view.state.live_orders(account, id))
        .filter_map(|order| group_of(order).filter(bracket))
        .collect();
    all.sort_unstable();
    all.dedup();
    match all[..] {
        [one] => Ok(one),
        [] => Err(format!("{id} has no bracket")),
        _ => Err(format!(
            "{id} has {} brackets: put the cursor on an order of the one that is meant",
            all.len()
        )),
    }
}

/// What moves a whole bracket by so many ticks, in an order in which no leg ever passes another: what leads goes first.
/// Nothing is cancelled on the way, so no moment is without the stop.
///
/// # Errors
/// A leg can't be touched, or would trade or trigger at once; then none is to be moved.
pub fn moved(view: &View<'_>, lifted: Lifted) -> Result<Vec<Command>, String> {
    let instrument = view
        .state
        .instruments
        .get(&lifted.instrument)
        .ok_or("the instrument is not listed any more")?;
    let mut legs = legs(view, lifted.group);
    if legs.is_empty() {
        return Err("the bracket has ended".to_owned());
    }
    let mut commands = Vec::new();
    let mut distance = None;
    legs.sort_by_key(|order| stands_at(order));
    if lifted.ticks > 0 {
        legs.reverse();
    }
    for order in legs {
        if let Some(why) = untouchable(order) {
            return Err(why);
        }
        let from = stands_at(order).unwrap_or_default();
        let to = instrument.ticks.step(from, lifted.ticks);
        let by = to.checked_sub(from);
        if *distance.get_or_insert(by) != by {
            return Err("the tick differs between its prices: move the legs one by one".to_owned());
        }
        let Some(change) = change_to(order, to) else {
            return Err(format!("{}: the market moves it", order.spec));
        };
        if at_once(view, order, to) {
            let price = read::price(view, lifted.instrument, to);
            let what = if order.spec.kind.is_stop() {
                "trigger"
            } else {
                "trade"
            };
            return Err(format!("{} at {price} would {what} at once", word(order)));
        }
        commands.push(Command::Modify { id: order.id, change });
    }
    Ok(commands)
}

/// Would an order trade or trigger at once at this price? One that waits for its entry would not.
fn at_once(view: &View<'_>, order: &Order, to: Price) -> bool {
    if view.state.waits(order) && order.spec.role != Role::Entry {
        return false;
    }
    if order.spec.kind.is_stop() {
        return triggers(view, order, to);
    }
    let other = view
        .market
        .quote(order.spec.instrument)
        .and_then(|quote| quote.opposite(order.spec.side));
    // Without a price nobody can say that it does not cross.
    other.is_none_or(|(price, _)| match order.spec.side {
        Side::Buy => to >= price,
        Side::Sell => to <= price,
    })
}

/// What a leg is, in a word.
fn word(order: &Order) -> &'static str {
    match order.spec.role {
        Role::Entry => "the entry",
        Role::Target => "the target",
        Role::StopLoss => "the stop",
    }
}
