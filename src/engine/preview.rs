//! What a command would do, before it is sent: resolved with the same functions that decide it, so that a preview and the
//! engine can't disagree about an order on the same state.

use super::command::{Command, Denial};
use super::decide::closing;
use super::risk::{self, Check, Effect};
use super::state::State;
use crate::domain::{Currency, Money, OrderSpec, Price, Quantity, Timestamp};
use crate::market::Market;

/// One order of a preview.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The order as it would be sent.
    pub spec: OrderSpec,
    /// The price it is counted at: its own, or the other side of the market.
    pub price: Option<Price>,
    /// Its value at that price.
    pub value: Option<Money>,
    /// What prices and values are in.
    pub currency: Option<Currency>,
    /// Position before, and after if all of it executes.
    pub position: (Quantity, Quantity),
    /// What is lost at the protective stop, where there is one.
    pub risk: Option<Money>,
    /// True where it only takes off what is held.
    pub reduces: bool,
    /// Why it would be refused.
    pub denial: Option<Denial>,
    /// The other order of a pair: one shrinks as the other fills.
    pub pair: Option<OrderSpec>,
    /// True where the engine, not the broker, holds the bracket's children or the pair.
    pub held_by_engine: bool,
}

/// Previews a command that would place an order; nothing for others.
///
/// # Errors
/// A closing word with nothing to close.
pub fn preview(
    state: &State,
    market: &Market,
    command: &Command,
    now: Timestamp,
) -> Result<Option<Preview>, Denial> {
    let (spec, stop, pair, held_by_engine) = match command {
        Command::Submit { spec, legs, .. } => (spec.clone(), legs.stop, None, !legs.is_empty()),
        Command::SubmitPair {
            first_spec,
            second_spec,
            ..
        } => (first_spec.clone(), None, Some(second_spec.clone()), true),
        Command::Close {
            account, instrument, ..
        } => (closing(state, *account, *instrument)?, None, None, false),
        _ => return Ok(None),
    };
    let check = Check { state, market, now };
    let instrument = state.instruments.get(&spec.instrument);
    let price = check.entry_price(&spec);
    let value = |price: Price| {
        instrument
            .and_then(|i| price.notional(spec.quantity, i.multiplier))
            .map(Money::abs)
    };
    let held = state.position(spec.account, spec.instrument).quantity;
    let lost = match (price, stop) {
        (Some(price), Some(stop)) => price.checked_sub(stop).and_then(value),
        _ => None,
    };
    Ok(Some(Preview {
        price,
        value: price.and_then(value),
        currency: instrument.map(|instrument| instrument.currency),
        position: (held, held.saturating_add(spec.side.signed(spec.quantity))),
        risk: lost,
        reduces: risk::effect(state, &spec) == Effect::Reduces,
        denial: check
            .order(&spec)
            .err()
            .or_else(|| check.order(pair.as_ref()?).err()),
        pair,
        held_by_engine,
        spec,
    }))
}
