//! `protect`: a stop under what is held, or the one that is there moved to where it is said. A distance is measured from the
//! market as it is, because that is what the stop has to stand; where it would close at once it is refused.

use super::Exit;
use super::closing::{Held, free, held};
use super::resolve::{Scene, find_held};
use super::words::{SentenceError, Word, wrong};
use crate::domain::{
    ClientOrderId, ExitPrice, Instrument, Order, OrderChange, OrderKind, OrderSpec, Phase, Price, Role, Side,
    TimeInForce,
};
use crate::engine::command::{Command, Legs, Seen};
use crate::engine::decide::exit;
use crate::engine::digest;

/// The command: a new stop for what nothing covers yet, or the change of the one stop that covers it all.
pub(super) fn protect(
    symbol: &Word,
    place: &Exit,
    scene: &Scene<'_>,
    notes: &mut Vec<String>,
    new_id: &mut dyn FnMut() -> ClientOrderId,
) -> Result<Command, SentenceError> {
    let instrument = find_held(scene, symbol, notes)?;
    let held = held(symbol, instrument, scene, "protect")?;
    let trigger = trigger(place, instrument, &held, scene, notes)?;
    let stops = stops(instrument, &held, scene);
    let covered = scene.state.protected(scene.account, instrument.id);
    if covered >= held.size {
        return moved(symbol, place, instrument, &stops, trigger);
    }
    let bare = held.size.saturating_sub(covered);
    let free = free(&held, instrument, scene).or_else(|text| wrong(symbol.at.clone(), text))?;
    let quantity = bare.min(free);
    if quantity < bare {
        let working = bare.saturating_sub(quantity);
        notes.push(format!(
            "working orders close {working} of it already: the stop is for {quantity}"
        ));
    }
    let spec = OrderSpec {
        kind: OrderKind::Stop { trigger },
        tif: TimeInForce::Gtc,
        ..exit(scene.account, instrument.id, held.side.opposite(), quantity)
    };
    let legs = Legs::default();
    let seen = Seen {
        reduces: true,
        ..digest::seen_now(scene.market, &spec, legs)
    };
    Ok(Command::Submit {
        id: new_id(),
        spec,
        legs,
        seen: Some(seen),
    })
}

/// Where the stop goes: never where the market is already.
fn trigger(
    place: &Exit,
    instrument: &Instrument,
    held: &Held,
    scene: &Scene<'_>,
    notes: &mut Vec<String>,
) -> Result<Price, SentenceError> {
    // What a long position is sold at is the bid.
    let quote = scene.market.quote(instrument.id);
    let quote = quote.filter(|quote| quote.quality.is_there());
    let out = quote.and_then(|quote| quote.opposite(held.side.opposite()));
    let out = out.map(|level| level.0);
    let trigger = match (place.place, out) {
        (ExitPrice::At(price), _) => price,
        (_, None) => {
            let text = format!(
                "{} has no price now to measure from; give the stop's price",
                instrument.id
            );
            return wrong(place.at.clone(), text);
        }
        (far, Some(out)) => {
            let price = far.price(Role::StopLoss, held.side, out, None, &instrument.ticks);
            let price = price.or_else(|error| wrong(place.at.clone(), error.to_string()))?;
            notes.push(format!(
                "{far} from the market at {}: {}",
                instrument.show(out),
                instrument.show(price)
            ));
            price
        }
    };
    let passed = out.is_some_and(|out| match held.side {
        Side::Buy => out <= trigger,
        Side::Sell => out >= trigger,
    });
    if passed {
        let side = if held.side == Side::Buy { "below" } else { "above" };
        let text = format!(
            "the market is at {}: a stop at {} would close {} at once; it goes {side}",
            out.map_or_else(String::new, |out| instrument.show(out)),
            instrument.show(trigger),
            instrument.id
        );
        return wrong(place.at.clone(), text);
    }
    Ok(trigger)
}

/// Stops of ours that cover the position.
fn stops<'a>(instrument: &Instrument, held: &Held, scene: &Scene<'a>) -> Vec<&'a Order> {
    let live = scene.state.live_orders(scene.account, instrument.id);
    live.filter(|order| order.spec.kind.is_stop() && order.spec.side != held.side && !order.foreign)
        .filter(|order| matches!(order.phase, Phase::Held | Phase::Working) && !scene.state.waits(order))
        .collect()
}

/// The one stop that covers all of it, put elsewhere.
fn moved(
    symbol: &Word,
    place: &Exit,
    instrument: &Instrument,
    stops: &[&Order],
    trigger: Price,
) -> Result<Command, SentenceError> {
    let [only] = stops else {
        let text = format!(
            "{} stops cover {} already: change the one you mean in the orders (e)",
            stops.len(),
            instrument.id
        );
        return wrong(symbol.at.clone(), text);
    };
    let Some(now) = only
        .spec
        .kind
        .trigger()
        .filter(|_| only.spec.kind.distance().is_none())
    else {
        let text = format!(
            "a trailing stop covers {}: change it in the orders (e)",
            instrument.id
        );
        return wrong(symbol.at.clone(), text);
    };
    if now == trigger {
        let text = format!("a stop is there already, at {}", instrument.show(now));
        return wrong(place.at.clone(), text);
    }
    Ok(Command::Modify {
        id: only.id,
        change: OrderChange {
            trigger: Some(trigger),
            price: super::closing::moved_limit(only.spec.kind, now, trigger),
            ..OrderChange::default()
        },
    })
}
