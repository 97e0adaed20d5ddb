//! What no venue would take: sizes and prices off the grid, parts that contradict each other, instruments that are quoted
//! only, have ended, or are about to.

use super::Check;
use crate::domain::{Distance, Instrument, InstrumentKind, OrderKind, OrderSpec, Price, Side, TimeInForce};
use crate::engine::abilities::Abilities;
use crate::engine::command::{Denial, DenialCode};

impl Check<'_> {
    /// Sizes, ticks and combinations: what no venue would take.
    pub fn well_formed(&self, spec: &OrderSpec, instrument: &Instrument) -> Result<(), Denial> {
        if instrument.kind == InstrumentKind::Index {
            return Err(Denial::new(
                DenialCode::NotTradable,
                format!("{} is an index: it is quoted, not traded", instrument.id),
            ));
        }
        if self
            .market
            .venue_time(instrument.id)
            .is_some_and(|now| instrument.is_expired(now))
        {
            return Err(Denial::new(
                DenialCode::NotTradable,
                format!("{} has expired", instrument.id),
            ));
        }
        if !instrument.allows_quantity(spec.quantity) {
            let nearest = instrument.quantity_down(spec.quantity).max(instrument.lot);
            let text = format!(
                "{} takes multiples of {}; nearest: {nearest}",
                instrument.id, instrument.lot
            );
            return Err(Denial::new(DenialCode::BadQuantity, text).near(nearest));
        }
        Abilities::of(spec.account.broker).takes(spec)?;
        for price in [spec.kind.limit(), spec.kind.trigger()].into_iter().flatten() {
            on_tick(price, spec.side, instrument)?;
        }
        self.trail(spec, instrument)?;
        shape(spec)?;
        self.hours(spec, instrument)
    }

    /// What a trailing stop adds: a distance that leaves a price, and steps that its trigger and limit can take.
    fn trail(&self, spec: &OrderSpec, instrument: &Instrument) -> Result<(), Denial> {
        let Some(distance) = spec.kind.distance() else {
            return Ok(());
        };
        if !distance.is_sound() {
            return Err(Denial::new(
                DenialCode::BadPrice,
                "a trailing distance is above zero, and below 100%",
            ));
        }
        let at = self.trigger(spec);
        if let (None, Some(mark)) = (at, self.mark(spec)) {
            let text = format!("a distance of {distance} is more than the market at {mark}; trail less");
            return Err(Denial::new(DenialCode::BadPrice, text));
        }
        let tick = at.map_or(instrument.ticks.finest(), |at| instrument.ticks.tick_at(at));
        if let Distance::Amount { amount } = distance {
            in_ticks("distance", amount, tick, tick)?;
        }
        match spec.kind {
            OrderKind::TrailLimit { offset, .. } => in_ticks("offset", offset, tick, Price::ZERO),
            _ => Ok(()),
        }
    }

    /// Auctions and dates: what the instrument's market does not have, or has no more.
    fn hours(&self, spec: &OrderSpec, instrument: &Instrument) -> Result<(), Denial> {
        let bad = |text: String| Err(Denial::new(DenialCode::BadOrder, text));
        let auction = spec.kind.is_on_close() || spec.tif == TimeInForce::Opg;
        if auction && matches!(instrument.kind, InstrumentKind::Forex | InstrumentKind::Crypto) {
            return bad(format!(
                "{} has no auctions; a plain mkt or limit would pass",
                instrument.id
            ));
        }
        match (spec.tif, self.market.venue_time(instrument.id)) {
            (TimeInForce::Gtd { until }, Some(now)) if until <= now => bad(format!(
                "{until} has already come: there it is {now}; give a later moment"
            )),
            _ => Ok(()),
        }
    }

    /// A future that is about to end is closed or rolled, not opened: what is held then is delivered or settled.
    pub(super) fn expiring(&self, spec: &OrderSpec, instrument: &Instrument) -> Result<(), Denial> {
        let ends = instrument
            .entries_end()
            .zip(self.market.venue_time(instrument.id));
        if ends.is_none_or(|(end, now)| now < end) {
            return Ok(());
        }
        let last = instrument
            .last_trading_day()
            .map_or_else(|| "soon".to_owned(), |day| format!("on {}", day.date));
        let next = self.state.instruments.values().filter(|other| {
            other.root == instrument.root && other.root.is_some() && other.expires > instrument.expires
        });
        let next = next.min_by_key(|other| other.expires);
        let remedy = next.map_or_else(String::new, |next| format!("; {} would pass", next.id));
        let text = format!(
            "{} trades for the last time {last}: it can be closed, not opened{remedy}",
            spec.instrument
        );
        Err(Denial::new(DenialCode::Expiring, text))
    }
}

/// True prices are positive multiples of the tick; the nearest valid one is named, never sent instead.
fn on_tick(price: Price, side: Side, instrument: &Instrument) -> Result<(), Denial> {
    if price <= Price::ZERO {
        return Err(Denial::new(
            DenialCode::BadPrice,
            format!("a price of {price} is not positive"),
        ));
    }
    if !instrument.ticks.allows(price) {
        let nearest = instrument.ticks.toward_less_risk(price, side);
        let text = format!(
            "{price} is between ticks of {}; nearest: {}",
            instrument.ticks.tick_at(price),
            instrument.show(nearest)
        );
        return Err(Denial::new(DenialCode::BadPrice, text).near(nearest));
    }
    Ok(())
}

/// A difference of prices is a multiple of the tick, and no less than `least`; the nearest that keeps the order closer to
/// the market is named.
fn in_ticks(what: &str, step: Price, tick: Price, least: Price) -> Result<(), Denial> {
    let down = Price::from_raw(
        step.raw()
            .saturating_sub(step.raw().rem_euclid(tick.raw().max(1))),
    );
    if down == step && step >= least {
        return Ok(());
    }
    let text = format!(
        "the {what} {step} is no multiple of the tick of {tick}; nearest: {}",
        down.max(least)
    );
    Err(Denial::new(DenialCode::BadPrice, text).near(down.max(least)))
}

/// Combinations that contradict themselves.
pub fn shape(spec: &OrderSpec) -> Result<(), Denial> {
    let bad = |text: &str| Err(Denial::new(DenialCode::BadOrder, text));
    let immediate = matches!(spec.tif, TimeInForce::Ioc | TimeInForce::Fok);
    let at_opening = spec.tif == TimeInForce::Opg;
    let waits = spec.kind.is_on_close() || matches!(spec.kind, OrderKind::Midprice { .. });
    if waits && spec.tif != TimeInForce::Day {
        return bad("moc, loc and mid orders are for the day; leave the time in force out");
    }
    if at_opening && !matches!(spec.kind, OrderKind::Market | OrderKind::Limit { .. }) {
        return bad("only mkt and limit orders go to the opening auction");
    }
    if spec.outside_hours && (waits || at_opening) {
        return bad("auctions and mid orders have no hours outside the regular session; leave 'outside' out");
    }
    if let Some(display) = spec.display {
        if !matches!(spec.kind, OrderKind::Limit { .. }) || immediate || at_opening {
            return bad("only a resting limit order can show a part of itself");
        }
        if !display.is_positive() || display > spec.quantity {
            return bad("the shown part is between one lot and the whole order");
        }
    }
    if spec.kind.is_stop() && immediate {
        return bad("a stop waits; ioc and fok don't");
    }
    Ok(())
}
