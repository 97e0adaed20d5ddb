//! At what price: what an order is expected to fill at, what it is measured by, and how far through the market it may reach.

use super::{Check, Effect};
use crate::domain::{Instrument, InstrumentKind, OrderKind, OrderSpec, Price, Side};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::figures::sectors;

/// An option's price may reach so many ticks, whatever share of it they are: at a few cents each is a large one.
const TICKS_OF_OPTION: i64 = 5;

impl Check<'_> {
    /// The price an entry is expected to fill at: its own, else the other side of the market, else the last trade.
    pub fn entry_price(&self, spec: &OrderSpec) -> Option<Price> {
        let behind = || {
            let trigger = self.trigger(spec)?;
            spec.kind.trailing_limit(spec.side, trigger).or(Some(trigger))
        };
        let own = spec.kind.limit().or_else(behind);
        own.or_else(|| self.mark(spec))
    }

    /// True where the source of an instrument's prices is away: what is shown is from before.
    pub(super) fn prices_are_away(&self, spec: &OrderSpec) -> bool {
        let quote = self.market.quote(spec.instrument);
        quote.is_some_and(|quote| !quote.quality.is_there())
    }

    /// The other side of the market, else the last trade; nothing while their source is away.
    pub(super) fn mark(&self, spec: &OrderSpec) -> Option<Price> {
        if self.prices_are_away(spec) {
            return None;
        }
        let across = self
            .market
            .quote(spec.instrument)
            .and_then(|quote| quote.opposite(spec.side))
            .map(|level| level.0);
        across.or(self.market.last(spec.instrument).map(|print| print.price))
    }

    /// Where an order's trigger is: as told, or where a trailing stop's will be when it starts from the market as it is.
    pub(super) fn trigger(&self, spec: &OrderSpec) -> Option<Price> {
        let trailing = || {
            let ticks = &self.state.instruments.get(&spec.instrument)?.ticks;
            let distance = spec.kind.distance()?;
            distance.trigger(self.mark(spec)?, spec.side, ticks)
        };
        spec.kind.trigger().or_else(trailing)
    }

    /// The price an order's value is counted at: its own limit or trigger, else the other side of the market, else the
    /// last trade. A reducing order needs none.
    pub(super) fn reference(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        effect: Effect,
    ) -> Result<Price, Denial> {
        match self.entry_price(spec) {
            Some(price) => Ok(price),
            None if effect == Effect::Reduces => Ok(Price::ZERO),
            None => Err(Denial::new(
                DenialCode::NoPrice,
                format!("{} has no quote and no trade yet; give a limit", instrument.id),
            )),
        }
    }

    /// A limit may not reach further through the market than the collar; a market order needs a market to reach into.
    pub(super) fn collar(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        effect: Effect,
    ) -> Result<(), Denial> {
        // A stop-limit goes to the market once its trigger is reached: that is where its limit is measured from.
        let reference = self.trigger(spec).or_else(|| self.mark(spec));
        let trailing = || spec.kind.trailing_limit(spec.side, reference?);
        let (limit, reference) = match (spec.kind.limit().or_else(trailing), reference) {
            (None, Some(_)) => return Ok(()),
            (None, None) if effect == Effect::Reduces || spec.kind.is_stop() => return Ok(()),
            (None, None) => {
                let text = format!("{} has no market to trade against; give a limit", instrument.id);
                return Err(Denial::new(DenialCode::NoPrice, text));
            }
            (Some(_), None) if effect == Effect::Adds && self.prices_are_away(spec) => {
                let text = format!(
                    "the source of {}'s prices is away: there is nothing to hold the limit against",
                    instrument.id
                );
                return Err(Denial::new(DenialCode::NoPrice, text));
            }
            (Some(_), None) => return Ok(()),
            (Some(limit), Some(reference)) => (limit, reference),
        };
        let collar = self
            .limits(spec)
            .collar(instrument.kind, sectors::is_fund(self.state, instrument));
        let reach = reach(reference, instrument, collar);
        let beyond = match spec.side {
            Side::Buy => i128::from(limit.raw()) - i128::from(reference.raw()),
            Side::Sell => i128::from(reference.raw()) - i128::from(limit.raw()),
        };
        if beyond <= reach {
            return Ok(());
        }
        let edge = match spec.side {
            Side::Buy => i128::from(reference.raw()) + reach,
            Side::Sell => i128::from(reference.raw()) - reach,
        };
        let edge = Price::from_raw(i64::try_from(edge).unwrap_or(reference.raw()));
        let nearest = instrument.ticks.toward_less_risk(edge, spec.side);
        if let OrderKind::TrailLimit { offset, .. } = spec.kind {
            let passes = nearest.raw().saturating_sub(reference.raw()).saturating_abs();
            let text = format!(
                "an offset of {offset} is {} of the trigger at {}; the collar is {}, {} would pass",
                percent(beyond, reference),
                instrument.show(reference),
                in_words(instrument, collar),
                instrument.show(Price::from_raw(passes))
            );
            return Err(Denial::new(DenialCode::Collar, text).near(Price::from_raw(passes)));
        }
        let text = format!(
            "{} is {} through the market at {}; the collar is {}, {} would pass",
            instrument.show(limit),
            percent(beyond, reference),
            instrument.show(reference),
            in_words(instrument, collar),
            instrument.show(nearest)
        );
        Err(Denial::new(DenialCode::Collar, text).near(nearest))
    }
}

/// How far a price may reach from `reference`.
fn reach(reference: Price, instrument: &Instrument, bps: u32) -> i128 {
    let share = i128::from(reference.raw().unsigned_abs()) * i128::from(bps) / 10_000;
    if instrument.kind != InstrumentKind::Option {
        return share;
    }
    let tick = i128::from(instrument.ticks.tick_at(reference).raw());
    share.max(tick * i128::from(TICKS_OF_OPTION))
}

/// The collar of an instrument, as people read it.
fn in_words(instrument: &Instrument, bps: u32) -> String {
    match instrument.kind {
        InstrumentKind::Option => format!("{bps} bps, or {TICKS_OF_OPTION} ticks"),
        _ => format!("{bps} bps"),
    }
}

/// A difference as a share of a price, in words.
pub(super) fn percent(part: i128, whole: Price) -> String {
    let whole = i128::from(whole.raw().unsigned_abs()).max(1);
    let hundredths = part.saturating_mul(10_000) / whole;
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}
