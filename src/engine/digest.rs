//! What was previewed is what is sent: a digest of the order as it was shown, the quote it was shown with, and when both
//! are outdated. The terminal asks before it sends, the engine once more before it records; both by these functions. Who must
//! have seen an order at all says [`require`].

use super::command::{Command, Denial, DenialCode, Legs, Seen, SessionKind};
use super::risk::{self, Effect};
use super::state::State;
use crate::domain::{ClientOrderId, OrderSpec, Price, SafeText, TickTable, TimeInForce};
use crate::market::Market;
use sha2::Digest;
use std::time::Duration;

/// An older preview is shown anew instead of sent.
pub const FRESH: Duration = Duration::from_secs(5);
/// How many ticks the market may move before a preview is shown anew.
const DRIFT_TICKS: i64 = 5;
/// And at least this part of the price, for instruments whose tick is small beside it: 5 in 10,000.
const DRIFT_PART: i64 = 2_000;

/// The digest of an order and its children: the first 16 hexadecimal digits of SHA-256 over them in words, such as
/// `sim/SIM100001 BUY 100 AAPL lmt 189.5 day shown - short - hours regular stop 188 target -`.
pub fn digest(spec: &OrderSpec, legs: Legs) -> SafeText {
    let or_none = |price: Option<Price>| price.map_or("-".to_owned(), |price| price.to_string());
    let until = match spec.tif {
        TimeInForce::Gtd { until } => format!(" {}", until.0),
        _ => String::new(),
    };
    let text = format!(
        "{} {} {} {} {} {}{until} shown {} short {} hours {} stop {} target {}",
        spec.account,
        spec.side.word(),
        spec.quantity,
        spec.instrument,
        spec.kind.text(|price| price.to_string()),
        spec.tif.word(),
        spec.display.map_or("-".to_owned(), |part| part.to_string()),
        if spec.allow_short { "yes" } else { "-" },
        if spec.outside_hours { "all" } else { "regular" },
        or_none(legs.stop),
        or_none(legs.target),
    );
    let moves = legs.moves.map_or(String::new(), |moves| format!(" {moves}"));
    let text = text + &moves;
    let hash = sha2::Sha256::digest(text.as_bytes());
    let digits: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    SafeText::new(&digits)
}

/// What a person sees of an order now.
pub fn seen_now(market: &Market, spec: &OrderSpec, legs: Legs) -> Seen {
    let quote = market.quote(spec.instrument);
    Seen {
        digest: digest(spec, legs),
        bid: quote.and_then(|quote| quote.bid).map(|level| level.0),
        ask: quote.and_then(|quote| quote.ask).map(|level| level.0),
        age_ms: 0,
        reduces: false,
    }
}

/// True where a price moved further than a few ticks, or came or went.
pub fn moved(before: Option<Price>, now: Option<Price>, ticks: &TickTable) -> bool {
    match (before, now) {
        (Some(before), Some(now)) => {
            let allowed = ticks
                .tick_at(now)
                .raw()
                .saturating_mul(DRIFT_TICKS)
                .max(now.raw().saturating_abs() / DRIFT_PART);
            now.raw().saturating_sub(before.raw()).saturating_abs() > allowed
        }
        (before, now) => before.is_some() != now.is_some(),
    }
}

/// True where bid or ask moved too far since an order was seen.
pub fn has_moved(seen: &Seen, state: &State, market: &Market, spec: &OrderSpec) -> bool {
    let Some(instrument) = state.instruments.get(&spec.instrument) else {
        return false;
    };
    let quote = market.quote(spec.instrument);
    let bid = quote.and_then(|quote| quote.bid).map(|level| level.0);
    let ask = quote.and_then(|quote| quote.ask).map(|level| level.0);
    moved(seen.bid, bid, &instrument.ticks) || moved(seen.ask, ask, &instrument.ticks)
}

/// Whether an order is still the one that was seen, at a market like the one it was seen at. What only takes off what is
/// held always is.
///
/// # Errors
/// `STALE_PREVIEW`, with what changed.
pub fn check(
    seen: &Seen,
    state: &State,
    market: &Market,
    spec: &OrderSpec,
    legs: Legs,
) -> Result<(), Denial> {
    if risk::effect(state, spec) == Effect::Reduces {
        return Ok(());
    }
    let stale = |text: String| Err(Denial::new(DenialCode::StalePreview, text));
    if seen.reduces {
        let held = state.position(spec.account, spec.instrument).quantity;
        return stale(format!(
            "{spec} was to close only, and {held} is held by now; look at it again"
        ));
    }
    if seen.digest != digest(spec, legs) {
        return stale(format!(
            "another order was previewed than {spec}; look at it again"
        ));
    }
    if u128::from(seen.age_ms) > FRESH.as_millis() {
        return stale(format!(
            "{spec} was previewed {} s ago; look at it again",
            seen.age_ms / 1_000
        ));
    }
    if has_moved(seen, state, market, spec) {
        return stale(format!(
            "{} moved since {spec} was previewed; look at it again",
            spec.instrument
        ));
    }
    Ok(())
}

/// What an order must bring of what its sender saw. In a terminal a key away from Enter is an order, so one that adds risk is taken
/// only with what was shown of it; a key that sends by itself brings what the desk made of its sentence in that moment.
/// Shell and programs state their order in full: where they looked, it must still hold, and they need not have looked.
///
/// # Errors
/// `STALE_PREVIEW`, with what changed, or that nothing was seen.
pub fn require(
    kind: SessionKind,
    seen: Option<&Seen>,
    state: &State,
    market: &Market,
    spec: &OrderSpec,
    legs: Legs,
) -> Result<(), Denial> {
    match seen {
        Some(seen) => check(seen, state, market, spec, legs),
        None if kind == SessionKind::Terminal && risk::effect(state, spec) == Effect::Adds => {
            let text = format!(
                "{spec} comes from a terminal without what was shown of it; preview it, then send it"
            );
            Err(Denial::new(DenialCode::StalePreview, text))
        }
        None => Ok(()),
    }
}

/// Puts to each order that a command places, in the order of [`Command::places`], what was seen of it. A promise to close only,
/// once made, stays.
pub fn attach(command: &mut Command, looks: Vec<Seen>) {
    let mut looks = looks.into_iter();
    command.for_each_placed(|_, place| {
        let reduces = place.as_ref().is_some_and(|promise| promise.reduces);
        if let Some(seen) = looks.next() {
            *place = Some(Seen { reduces, ..seen });
        }
    });
}

/// A command as somebody sends it who has its orders before their eyes now.
#[must_use]
pub fn looked_at(market: &Market, mut command: Command) -> Command {
    let looks = command.places();
    let looks = looks
        .map(|order| seen_now(market, order.spec, order.legs))
        .collect();
    attach(&mut command, looks);
    command
}

/// Gives every order of a command an id of its own.
pub fn name(command: &mut Command, new_id: &mut dyn FnMut() -> ClientOrderId) {
    if let Command::Close { id, .. } | Command::Flatten { id, .. } = command {
        *id = new_id();
    }
    command.for_each_placed(|id, _| *id = new_id());
}

/// True where a command may add risk. Of several orders each is looked at alone, so that only those that promise to close
/// can count as closing.
pub fn adds_risk(command: &Command, state: &State) -> bool {
    let is_basket = matches!(command, Command::SubmitAll { .. });
    command.places().any(|order| {
        let promises = order.seen.is_some_and(|seen| seen.reduces);
        is_basket && !promises || risk::effect(state, order.spec) == Effect::Adds
    })
}
