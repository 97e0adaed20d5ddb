//! Words that close: never more than is held, less what working orders close already; refused where nothing is held.

use super::resolve::{Scene, find_held};
use super::words::{SentenceError, Word, wrong};
use super::{OrderWords, PriceWords};
use crate::domain::{
    ClientOrderId, Instrument, OrderChange, OrderKind, OrderSpec, Phase, Price, Quantity, Side,
};
use crate::engine::command::{Command, Entry, Legs, Seen};
use crate::engine::decide::exit;
use crate::engine::digest;
use crate::engine::in_the_way;
use crate::engine::scale_out;

/// Which part of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    All,
    /// Half of it, rounded up: toward less exposure.
    Half,
}

/// How much `sell all` and `sell half` are.
pub(super) fn closing_part(
    words: &OrderWords,
    instrument: &Instrument,
    scene: &Scene<'_>,
    part: Part,
    notes: &mut Vec<String>,
) -> Result<Quantity, SentenceError> {
    let held = held(&words.symbol, instrument, scene, "close")?;
    let (closes, id) = (held.side.opposite(), instrument.id);
    if words.side != closes {
        let (verb, long) = match held.side {
            Side::Buy => ("sell", "long"),
            Side::Sell => ("buy", "short"),
        };
        let text = format!("{} {id} is held {long}: {verb} closes it", held.size);
        return wrong(words.amount_at.clone(), text);
    }
    let wanted = match part {
        Part::All => held.size,
        Part::Half => half(held.size, instrument, notes),
    };
    if gives_way(words, &held, wanted, instrument, scene) {
        return Ok(wanted);
    }
    let free = free(&held, instrument, scene).or_else(|text| wrong(words.symbol.at.clone(), text))?;
    if wanted > free {
        // Less than was said would go, and what stays would be covered twice: a person decides that.
        if let Some(text) = in_the_way::words(scene.state, scene.account, id) {
            return wrong(words.amount_at.clone(), text);
        }
        let working = held.size.saturating_sub(free);
        notes.push(format!(
            "working orders close {working} already: {free} of {wanted}"
        ));
    }
    Ok(wanted.min(free))
}

/// Half of what is held, in whole lots, rounded up, and said where it was rounded.
fn half(held: Quantity, instrument: &Instrument, notes: &mut Vec<String>) -> Quantity {
    let lot = instrument.lot.raw().max(1);
    let half = held.raw() / 2 + held.raw() % 2;
    let up = half.saturating_add(lot - 1) / lot * lot;
    let rounded = Quantity::from_raw(up).min(held);
    if rounded.raw().saturating_mul(2) != held.raw() {
        notes.push(format!(
            "half of {held} is {}: {rounded}, toward less exposure",
            Quantity::from_raw(held.raw() / 2)
        ));
    }
    rounded
}

/// What is held: which way, and how much.
pub(super) struct Held {
    pub(super) side: Side,
    pub(super) size: Quantity,
}

/// Refuses what is known to be flat, at the word that names it.
pub(super) fn is_held(
    symbol: &Word,
    instrument: &Instrument,
    scene: &Scene<'_>,
) -> Result<(), SentenceError> {
    let (account, id) = (scene.account, instrument.id);
    let flat = scene.state.position(account, id).side().is_none();
    if flat && scene.state.positions_known(account) {
        let text = format!("{} holds no {id}: there is nothing to close", account.account);
        return wrong(symbol.at.clone(), text);
    }
    Ok(())
}

/// True for an order at the market with nothing beside it: what protects the position can give way to it.
fn is_plain(words: &OrderWords) -> bool {
    let bare = words.stop.is_none() && words.target.is_none() && words.template.is_none();
    bare && matches!(words.price, PriceWords::Market) && words.park.is_none()
}

/// True where what protects the position gives way to this part of it, or goes with all of it: the engine sees to that.
fn gives_way(
    words: &OrderWords,
    held: &Held,
    wanted: Quantity,
    instrument: &Instrument,
    scene: &Scene<'_>,
) -> bool {
    let id = instrument.id;
    let order = exit(scene.account, id, held.side.opposite(), wanted);
    is_plain(words)
        && (in_the_way::takes_all(scene.state, &order) || scale_out::ways(scene.state, &order).is_some())
}

/// What is held; refused where that is nothing or not known: there is nothing to `close` or `protect` then.
pub(super) fn held(
    symbol: &Word,
    instrument: &Instrument,
    scene: &Scene<'_>,
    verb: &str,
) -> Result<Held, SentenceError> {
    let (account, id) = (scene.account, instrument.id);
    if !scene.state.positions_known(account) {
        let text = format!("what {account} holds has not been read yet");
        return wrong(symbol.at.clone(), text);
    }
    let position = scene.state.position(account, id);
    let Some(side) = position.side() else {
        let text = format!("{} holds no {id}: there is nothing to {verb}", account.account);
        return wrong(symbol.at.clone(), text);
    };
    let size = position.quantity.abs();
    Ok(Held { side, size })
}

/// What of it no working order closes yet; in words where they close all.
pub(super) fn free(held: &Held, instrument: &Instrument, scene: &Scene<'_>) -> Result<Quantity, String> {
    let (account, id, size) = (scene.account, instrument.id, held.size);
    let free = size.saturating_sub(scene.state.working_exits(account, id));
    if free.is_positive() {
        return Ok(free);
    }
    Err(in_the_way::words(scene.state, account, id).unwrap_or_else(|| {
        format!("working orders already close all {size} {id}; cancel them first: x {id} all")
    }))
}

/// The two orders of `reverse`: one closes what is held, one opens as much on the other side.
pub(super) fn reverse(
    symbol: &Word,
    scene: &Scene<'_>,
    notes: &mut Vec<String>,
    new_id: &mut dyn FnMut() -> ClientOrderId,
) -> Result<Command, SentenceError> {
    let instrument = find_held(scene, symbol, notes)?;
    let held = held(symbol, instrument, scene, "close")?;
    let free = free(&held, instrument, scene).or_else(|text| wrong(symbol.at.clone(), text))?;
    if free != held.size {
        let text = format!(
            "working orders close {} of {} {} already; cancel them first: x {} all",
            held.size.saturating_sub(free),
            held.size,
            instrument.id,
            instrument.id
        );
        return wrong(symbol.at.clone(), text);
    }
    let close = exit(scene.account, instrument.id, held.side.opposite(), held.size);
    let promise = Seen {
        reduces: true,
        ..digest::seen_now(scene.market, &close, Legs::default())
    };
    let open = OrderSpec {
        allow_short: true,
        ..exit(scene.account, instrument.id, held.side.opposite(), held.size)
    };
    let entry = |spec: OrderSpec, id: ClientOrderId, seen: Option<Seen>| Entry {
        id,
        spec,
        legs: Legs::default(),
        seen,
    };
    Ok(Command::SubmitAll {
        orders: vec![entry(close, new_id(), Some(promise)), entry(open, new_id(), None)],
    })
}

/// The changes of `breakeven`: every protective stop of the position goes to its average price.
pub(super) fn breakeven(
    symbol: &Word,
    scene: &Scene<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<Command>, SentenceError> {
    let instrument = find_held(scene, symbol, notes)?;
    let id = instrument.id;
    let position = scene.state.position(scene.account, id);
    let average = position.average_price(instrument.multiplier);
    let (Some(side), Some(average)) = (position.side(), average) else {
        let text = format!("{} holds no {id}", scene.account.account);
        return wrong(symbol.at.clone(), text);
    };
    let trigger = instrument.ticks.toward_less_risk(average, side.opposite());
    past_market(symbol, instrument, scene, side, trigger)?;
    let stops: Vec<_> = scene
        .state
        .live_orders(scene.account, id)
        .filter(|order| order.spec.side != side && !order.foreign && order.spec.kind.distance().is_none())
        .filter(|order| matches!(order.phase, Phase::Held | Phase::Working))
        .filter_map(|order| {
            Some((
                order,
                order.spec.kind.is_stop().then(|| order.spec.kind.trigger())??,
            ))
        })
        .collect();
    if stops.is_empty() {
        let text =
            format!("no stop protects {id}: there is none to move; sell all {id} stp {trigger} sets one");
        return wrong(symbol.at.clone(), text);
    }
    let better = |now: Price| match side {
        Side::Buy => now >= trigger,
        Side::Sell => now <= trigger,
    };
    let changes: Vec<Command> = stops
        .iter()
        .filter(|(_, now)| !better(*now))
        .map(|(order, now)| Command::Modify {
            id: order.id,
            change: OrderChange {
                trigger: Some(trigger),
                price: moved_limit(order.spec.kind, *now, trigger),
                ..OrderChange::default()
            },
        })
        .collect();
    if changes.is_empty() {
        let text = format!(
            "the stop of {id} is at breakeven of {} or better already",
            instrument.show(trigger)
        );
        return wrong(symbol.at.clone(), text);
    }
    Ok(changes)
}

/// A stop that the market has passed would close at once.
fn past_market(
    symbol: &Word,
    instrument: &Instrument,
    scene: &Scene<'_>,
    side: Side,
    trigger: Price,
) -> Result<(), SentenceError> {
    let quote = scene.market.quote(instrument.id);
    let mark = quote
        .and_then(|quote| quote.opposite(side.opposite()))
        .map(|level| level.0);
    let passed = mark.is_some_and(|mark| match side {
        Side::Buy => mark <= trigger,
        Side::Sell => mark >= trigger,
    });
    if !passed {
        return Ok(());
    }
    let mark = mark.map_or_else(String::new, |mark| instrument.show(mark));
    let text = format!(
        "the market at {mark} is not past breakeven of {}: the stop would close {} at once",
        instrument.show(trigger),
        instrument.id
    );
    wrong(symbol.at.clone(), text)
}

/// The limit of a stop-limit keeps its distance from the trigger.
pub(super) fn moved_limit(kind: OrderKind, from: Price, to: Price) -> Option<Price> {
    match kind {
        OrderKind::StopLimit { price, .. } => price.checked_add(to.checked_sub(from)?),
        _ => None,
    }
}
