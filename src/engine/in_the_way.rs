//! What keeps a closing order from a position: its own protection. A stop that covers all that is held leaves nothing to sell
//! beside it, because both could fill and the position would come out on the other side. Here is who is in the way, and in
//! words what to do about it.
//!
//! Leaves to others: the control itself (`risk`), taking the stops off on the way out (`flatten`), making them smaller by hand
//! (`decide/resize.rs`), and by themselves for a part at the market (`scale_out`).

use super::decide::{exit, fold_ahead};
use super::event::{Actor, Fact};
use super::state::State;
use super::working::{Row, could_execute};
use crate::domain::{AccountKey, InstrumentId, Order, OrderSpec, Quantity, SafeText, Side, Timestamp};

/// True for a stop of ours under what is held, and for both exits of a bracket.
pub(super) fn protects(state: &State, order: &Order) -> bool {
    !order.foreign && (order.spec.kind.is_stop() || covers_bracket(state, order))
}

/// True for an exit of a bracket.
pub(super) fn covers_bracket(state: &State, order: &Order) -> bool {
    let group = order.oco.and_then(|group| state.groups.get(&group));
    group.is_some_and(|group| group.parent.is_some())
}

fn closers(state: &State, account: AccountKey, instrument: InstrumentId) -> impl Iterator<Item = &Order> {
    let held = state.position(account, instrument).side();
    state
        .live_orders(account, instrument)
        .filter(move |order| held == Some(order.spec.side.opposite()) && !state.waits(order))
}

/// How much of a position its own protection would close.
pub fn covered(state: &State, account: AccountKey, instrument: InstrumentId) -> Quantity {
    let closers = closers(state, account, instrument);
    could_execute(closers.filter(|order| protects(state, order)).map(Row::of))
}

/// True where its protection covers all of a position and nothing else is there, neither ours nor anybody's: then closing it
/// takes the protection off as the exit begins.
pub fn only_protection(state: &State, account: AccountKey, instrument: InstrumentId) -> bool {
    let position = state.position(account, instrument);
    let alone = state.live_orders(account, instrument).all(|order| {
        position.side() == Some(order.spec.side.opposite()) && !state.waits(order) && protects(state, order)
    });
    let covered = covered(state, account, instrument);
    alone && covered.is_positive() && covered >= position.quantity.abs()
}

/// True for a plain order at the market that closes all of what nothing but its own protection covers: it goes as a flatten does.
pub(in crate::engine) fn takes_all(state: &State, spec: &OrderSpec) -> bool {
    let (account, instrument) = (spec.account, spec.instrument);
    let position = state.position(account, instrument);
    let closes = |side: Side| exit(account, instrument, side.opposite(), position.quantity.abs());
    position.side().map(closes).as_ref() == Some(spec) && only_protection(state, account, instrument)
}

/// The state as it will be once that protection is gone: what such an order is held against.
pub(super) fn uncovered(
    state: &State,
    account: AccountKey,
    instrument: InstrumentId,
    now: Timestamp,
) -> State {
    let gone = closers(state, account, instrument).map(|order| Fact::Cancelled {
        id: order.id,
        reason: SafeText::new(""),
    });
    let gone: Vec<Fact> = gone.collect();
    let mut ahead = state.clone();
    fold_ahead(&mut ahead, &gone, Actor::Engine, now);
    ahead
}

/// Which stop is in the way, and the two ways that are right: all of it, or a part.
pub fn words(state: &State, account: AccountKey, instrument: InstrumentId) -> Option<String> {
    let stops = || closers(state, account, instrument).filter(|order| protects(state, order));
    let named = stops()
        .find(|order| order.spec.kind.is_stop())
        .or_else(|| stops().next())?;
    let more = match stops().count() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let verb = named.spec.side.word().to_lowercase();
    let part = if named.spec.kind.is_stop() {
        "stop"
    } else {
        "order"
    };
    Some(format!(
        "{}{more} would close {} of it, and both could fill: 'flat {instrument}' closes all and takes it off; \
         to a part at the market it gives way by itself where it can; for one with a price make the {part} smaller first \
         (e on it in the desk's orders), then {verb}",
        named.spec,
        covered(state, account, instrument),
    ))
}
