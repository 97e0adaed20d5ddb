//! One order of a sentence: its instrument, price, exits and size, looked up in the state and the market as they are.

use super::resolve::{Scene, find_held, find_traded};
use super::sizing;
use super::words::{SentenceError, shown, wrong};
use super::{OrderWords, Peg, PriceWords, TifWords};
use crate::domain::{ExitPrice, ExitTemplate, Instrument, OrderKind, OrderSpec, Price, Role, TimeInForce};
use crate::engine::abilities::Abilities;
use crate::engine::command::Legs;
use crate::engine::risk::Check;
use std::ops::Range;

/// The order and its exits. What was rounded, converted or chosen is added to `notes`.
pub(super) fn order(
    words: &OrderWords,
    scene: &Scene<'_>,
    notes: &mut Vec<String>,
) -> Result<(OrderSpec, Legs), SentenceError> {
    let instrument = if words.amount.closes() {
        find_held(scene, &words.symbol, notes)?
    } else {
        find_traded(scene, &words.symbol, notes)?
    };
    let mut spec = OrderSpec {
        account: scene.account,
        instrument: instrument.id,
        side: words.side,
        quantity: instrument.lot,
        kind: kind(words, instrument, scene)?,
        tif: tif(words, instrument)?,
        display: words.display,
        allow_short: words.short,
        role: Role::Entry,
        parent: None,
        outside_hours: words.outside,
    };
    let legs = legs(words, instrument, &spec, scene)?;
    spec.quantity = sizing::quantity(words, instrument, &spec, legs, scene, notes)?;
    Ok((spec, legs))
}

/// The price an order is measured at: its own, else the market's.
pub(super) fn entry(words: &OrderWords, spec: &OrderSpec, scene: &Scene<'_>) -> Result<Price, SentenceError> {
    let price = check(scene)
        .entry_price(spec)
        .filter(|price| *price > Price::ZERO);
    price.map_or_else(
        || {
            let text = format!("{} has no price now; give a limit", spec.instrument);
            wrong(words.symbol.at.clone(), text)
        },
        Ok,
    )
}

fn check<'a>(scene: &Scene<'a>) -> Check<'a> {
    Check {
        state: scene.state,
        market: scene.market,
        now: scene.now,
        sender: None,
    }
}

/// The exits as prices: what is said, else what the template says. One on the wrong side is refused at its word, before a size
/// is counted by it.
fn legs(
    words: &OrderWords,
    instrument: &Instrument,
    spec: &OrderSpec,
    scene: &Scene<'_>,
) -> Result<Legs, SentenceError> {
    let template = template(words, scene)?;
    let named = words.template.as_ref().map_or(0..0, |word| word.at.clone());
    let said = |exit: &Option<super::Exit>, named_place: Option<ExitPrice>| match exit {
        Some(exit) => Some((exit.place, exit.at.clone())),
        None => named_place.map(|place| (place, named.clone())),
    };
    let price = |place: ExitPrice, at: Range<usize>, role: Role, stop: Option<Price>| {
        let entry = match place {
            ExitPrice::At(price) => return Ok(price),
            _ => entry(words, spec, scene)?,
        };
        place
            .price(role, spec.side, entry, stop, &instrument.ticks)
            .or_else(|error| wrong(at, error.to_string()))
    };
    let said_stop = said(&words.stop, template.stop);
    let said_target = said(&words.target, template.target);
    let at = |said: &Option<(ExitPrice, Range<usize>)>| said.as_ref().map_or(0..0, |said| said.1.clone());
    let (stop_at, target_at) = (at(&said_stop), at(&said_target));
    let stop = said_stop
        .map(|(place, at)| price(place, at, Role::StopLoss, None))
        .transpose()?;
    let target = said_target
        .map(|(place, at)| price(place, at, Role::Target, stop))
        .transpose()?;
    let prices = Legs {
        stop,
        target,
        moves: None,
    };
    if let Err(misplaced) = check(scene).sides(spec, prices) {
        let at = if misplaced.role == Role::Target {
            target_at
        } else {
            stop_at
        };
        return wrong(at, misplaced.text);
    }
    let moves = if template.breakeven.is_some() || template.trail.is_some() {
        let entry = entry(words, spec, scene)?;
        let moves = template.moves(entry, stop, &instrument.ticks);
        moves.or_else(|error| wrong(named, error.to_string()))?
    } else {
        None
    };
    Ok(Legs { moves, ..prices })
}

fn template(words: &OrderWords, scene: &Scene<'_>) -> Result<ExitTemplate, SentenceError> {
    let Some(word) = &words.template else {
        return Ok(ExitTemplate::default());
    };
    if let Some(template) = scene.templates.get(&word.text) {
        return Ok(*template);
    }
    let names: Vec<&str> = scene.templates.keys().take(8).map(String::as_str).collect();
    let known = if names.is_empty() {
        "config.toml has none; [templates.NAME] makes one".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    };
    wrong(
        word.at.clone(),
        format!("no template '{}'; {known}", shown(&word.text)),
    )
}

fn tif(words: &OrderWords, instrument: &Instrument) -> Result<TimeInForce, SentenceError> {
    match &words.tif {
        TifWords::Said(tif) => Ok(*tif),
        TifWords::EndOf(date, at) => match instrument.calendar.calendar().day(*date) {
            Some(day) => Ok(TimeInForce::Gtd { until: day.end }),
            None => wrong(
                at.clone(),
                format!(
                    "{date} is no trading day of {} that we know; give a moment such as {date}T15:00Z",
                    instrument.id
                ),
            ),
        },
    }
}

fn kind(words: &OrderWords, instrument: &Instrument, scene: &Scene<'_>) -> Result<OrderKind, SentenceError> {
    Ok(match &words.price {
        PriceWords::Market => OrderKind::Market,
        PriceWords::Limit(price) => OrderKind::Limit { price: *price },
        PriceWords::Stop(trigger, None) => OrderKind::Stop { trigger: *trigger },
        PriceWords::Stop(trigger, Some(price)) => OrderKind::StopLimit {
            trigger: *trigger,
            price: *price,
        },
        PriceWords::Trail(distance, None) => OrderKind::Trail {
            trigger: None,
            distance: *distance,
        },
        PriceWords::Trail(distance, Some(offset)) => OrderKind::TrailLimit {
            trigger: None,
            distance: *distance,
            offset: *offset,
        },
        PriceWords::OnClose(None) => OrderKind::MarketOnClose,
        PriceWords::OnClose(Some(price)) => OrderKind::LimitOnClose { price: *price },
        PriceWords::Midprice(cap) => OrderKind::Midprice { cap: *cap },
        PriceWords::Snapshot(peg, at) => match &words.peg {
            Some(following) => pegged(*peg, following.clone(), scene)?,
            None => snapshot(words, *peg, at.clone(), instrument, scene)?,
        },
    })
}

/// An order that follows the market, where the account's broker has such orders.
fn pegged(peg: Peg, at: Range<usize>, scene: &Scene<'_>) -> Result<OrderKind, SentenceError> {
    let broker = scene.account.broker;
    let word = match peg {
        Peg::Mid if Abilities::of(broker).midprice => return Ok(OrderKind::Midprice { cap: None }),
        Peg::Bid => "bid",
        Peg::Ask => "ask",
        Peg::Mid => "mid",
        Peg::Last => "last",
    };
    wrong(
        at,
        format!(
            "{broker} has no orders that follow the {word}; without peg @{word} is its price as it is now"
        ),
    )
}

fn snapshot(
    words: &OrderWords,
    peg: Peg,
    at: Range<usize>,
    instrument: &Instrument,
    scene: &Scene<'_>,
) -> Result<OrderKind, SentenceError> {
    let quote = scene.market.quote(instrument.id);
    // What a source that is away left behind is no price of now.
    let quote = quote.filter(|quote| quote.quality.is_there());
    let price = match peg {
        Peg::Bid => quote.and_then(|quote| quote.bid).map(|level| level.0),
        Peg::Ask => quote.and_then(|quote| quote.ask).map(|level| level.0),
        Peg::Mid => quote.and_then(|quote| quote.mid()),
        Peg::Last => scene.market.last(instrument.id).map(|print| print.price),
    };
    let Some(price) = price else {
        return wrong(
            at,
            format!("{} has no such price now; give a number", instrument.id),
        );
    };
    Ok(OrderKind::Limit {
        price: instrument.ticks.toward_less_risk(price, words.side),
    })
}
