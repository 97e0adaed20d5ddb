//! Whether an order may be parked, and what then has to hold when it leaves.

use super::{LONGEST_SECONDS, MOST, ParkTerms, USUAL_SECONDS, reference};
use crate::domain::calendar::SessionState;
use crate::domain::{AccountKey, Instrument, LinkState, Money, OrderKind, OrderSpec, TimeInForce, Timestamp};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::risk::worth::is_bought;
use crate::engine::risk::{self, Check, Effect, Sender, cost};
use crate::engine::state::State;
use crate::market::Market;
use std::time::Duration;

/// The state as it would be with the broker there: the controls of an order that waits for it.
fn as_if_ready(state: &State, account: AccountKey) -> State {
    let mut then = state.clone();
    then.pauses.remove(&account.broker);
    then.links.entry(account.broker).or_default().state = LinkState::Ready;
    then
}

/// Whether an order may be parked, and what then has to hold.
///
/// # Errors
/// With what would pass.
pub fn terms(
    state: &State,
    market: &Market,
    spec: &OrderSpec,
    seconds: Option<u32>,
    sender: Option<Sender>,
    now: Timestamp,
) -> Result<ParkTerms, Denial> {
    parkable(spec)?;
    let then = as_if_ready(state, spec.account);
    let check = Check {
        state: &then,
        market,
        now,
        sender,
    };
    match check.foreseen(spec, &[]).and_then(|()| check.room(spec, 1, 0)) {
        Ok(()) => {}
        // Where prices come from the broker they are away with it; what is asked of them is asked when it is back.
        Err(denial) if denial.code == DenialCode::NoPrice && spec.kind.limit().is_some() => {}
        Err(denial) => return Err(denial),
    }
    let closes = risk::effect(state, spec) == Effect::Reduces;
    let instrument = state.instruments.get(&spec.instrument);
    let (Some(instrument), Some(reference)) = (instrument, reference(market, spec.instrument)) else {
        let text = format!(
            "{} has no price that its move could be held against: it can't be parked",
            spec.instrument
        );
        return Err(Denial::new(DenialCode::NoPrice, text));
    };
    room(state, instrument, spec, closes)?;
    if !closes {
        affordable(state, market, instrument, spec, now)?;
    }
    let time = span(seconds, closes)?;
    let (until, session_ends) = within_session(market, instrument, spec, time, now)?;
    Ok(ParkTerms {
        until,
        session_ends,
        reference,
        held: state.position(spec.account, spec.instrument).quantity,
        closes,
    })
}

fn parkable(spec: &OrderSpec) -> Result<(), Denial> {
    let bad = |text: String| Err(Denial::new(DenialCode::BadOrder, text));
    if !matches!(spec.kind, OrderKind::Limit { .. } | OrderKind::StopLimit { .. }) {
        return bad(format!(
            "{spec}: only a limit order, or a stop with a limit, can be parked"
        ));
    }
    if matches!(spec.tif, TimeInForce::Ioc | TimeInForce::Fok | TimeInForce::Opg) {
        return bad(format!(
            "{spec}: day, gtc or gtd would pass; the others are of one moment"
        ));
    }
    Ok(())
}

/// At most three, and what they add worth no more than one order may be.
fn room(state: &State, instrument: &Instrument, spec: &OrderSpec, closes: bool) -> Result<(), Denial> {
    if state.parking.orders.len() >= MOST {
        let text = format!("{MOST} orders are parked, no more may be; cancel one first");
        return Err(Denial::new(DenialCode::MaxOrders, text));
    }
    if closes {
        return Ok(());
    }
    let most = state.limits_of(spec.account).max_order_value;
    let sum = others(state, instrument, spec.account);
    let sum = value(instrument, spec).and_then(|value| sum?.checked_add(value));
    if sum.is_some_and(|sum| sum <= most) {
        return Ok(());
    }
    let text = format!(
        "all that is parked would be worth more than the limit of one order, {:.0} {}; cancel one first, or park less",
        most.round_to(0),
        instrument.currency
    );
    Err(Denial::new(DenialCode::MaxValue, text))
}

/// What is parked of shares, options and coins costs no more than one order may.
fn affordable(
    state: &State,
    market: &Market,
    instrument: &Instrument,
    spec: &OrderSpec,
    now: Timestamp,
) -> Result<(), Denial> {
    let unknown = |what: String| cost::unknown(&what);
    let limits = state.limits_of(spec.account);
    let at = market.venue_time(instrument.id).unwrap_or(now);
    if !is_bought(instrument) {
        return Ok(());
    }
    let worth = || cost::worth_at(state, market, spec.account, at);
    let most = cost::most(state, spec.account, &limits, worth).map_err(unknown)?;
    let Some(most) = most else { return Ok(()) };
    let costs = |spec: &OrderSpec| {
        let of = state.instruments.get(&spec.instrument).zip(spec.kind.limit());
        of.map_or(Ok(Money::ZERO), |(of, price)| {
            cost::of(state, market, (of, price, spec.quantity), most.base)
        })
    };
    let parked = state.parking.orders.iter();
    let adding = parked.filter(|(_, parked)| parked.account == spec.account && !parked.terms.closes);
    let mut sum = costs(spec).map_err(unknown)?;
    for order in adding.filter_map(|(id, _)| state.orders.get(id)) {
        sum = sum.saturating_add(costs(&order.spec).map_err(unknown)?);
    }
    if sum <= most.amount {
        return Ok(());
    }
    let remedy = "; cancel one first, or park less";
    Err(cost::too_much("all that is parked would", sum, &most, remedy))
}

/// What is parked in an account already and adds risk, in the instrument's currency.
fn others(state: &State, instrument: &Instrument, account: AccountKey) -> Option<Money> {
    let adding = state.parking.orders.iter();
    let mut adding = adding.filter(|(_, parked)| parked.account == account && !parked.terms.closes);
    adding.try_fold(Money::ZERO, |sum, (id, _)| {
        let spec = &state.orders.get(id)?.spec;
        let of = state.instruments.get(&spec.instrument)?;
        if of.currency != instrument.currency {
            return Some(sum);
        }
        sum.checked_add(value(of, spec)?)
    })
}

fn value(instrument: &Instrument, spec: &OrderSpec) -> Option<Money> {
    let value = spec
        .kind
        .limit()?
        .notional(spec.quantity, instrument.multiplier)?;
    Some(value.abs())
}

fn span(seconds: Option<u32>, closes: bool) -> Result<Duration, Denial> {
    let usual = if closes { LONGEST_SECONDS } else { USUAL_SECONDS };
    let seconds = seconds.unwrap_or(usual);
    if (1..=LONGEST_SECONDS).contains(&seconds) {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let text = format!("an order is parked for 1 to {LONGEST_SECONDS} s, not for {seconds}");
    Err(Denial::new(DenialCode::BadOrder, text).near(LONGEST_SECONDS))
}

/// The end of the order's time, never past the session's; and that end by the venue's clock.
fn within_session(
    market: &Market,
    instrument: &Instrument,
    spec: &OrderSpec,
    time: Duration,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), Denial> {
    let quoted = market.quote(instrument.id).map(|quote| quote.at);
    let traded = market.last(instrument.id).map(|print| print.at);
    let venue = quoted.max(traded).unwrap_or(now);
    let session = instrument.calendar.session_at(venue);
    let open = match session.state {
        SessionState::Open => true,
        SessionState::Pre | SessionState::Post => spec.outside_hours,
        SessionState::Closed | SessionState::Unknown => false,
    };
    if !open {
        let outside = if session.state.trades() {
            "; 'outside' would pass"
        } else {
            ""
        };
        let text = format!(
            "{} is not in its hours: an order is parked for the session it was meant for{outside}",
            instrument.id
        );
        return Err(Denial::new(DenialCode::OutsideHours, text));
    }
    let left = session.until.since(venue);
    // To the second, and never later: it is read aloud.
    Ok((now.after(time.min(left)).to_the_second(), session.until))
}
