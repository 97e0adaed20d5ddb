//! How large: one order's quantity and value, the position that could result, and live orders in one instrument.

use super::worth::share;
use super::{Check, Effect, effect};
use crate::domain::{Instrument, InstrumentKind, Limits, Money, OrderSpec, Price, Quantity, Side};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::planted::{Bug, planted};
use crate::market::Timeframe;
use crate::market::days::{AVERAGE_OF, average_volume};

impl Check<'_> {
    pub(super) fn size(&self, spec: &OrderSpec, instrument: &Instrument) -> Result<(), Denial> {
        let most = self.limits(spec).max_quantity(instrument.kind);
        if spec.quantity > most && effect(self.state, spec) == Effect::Adds {
            let text = format!(
                "{} {} is above the limit of {most} in one order; {most} would pass",
                spec.quantity, spec.instrument
            );
            return Err(Denial::new(DenialCode::MaxQuantity, text).near(most));
        }
        Ok(())
    }

    /// An order of shares is no larger than a part of what an average day trades, where enough of its days are known.
    pub(super) fn of_a_day(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        limits: &Limits,
    ) -> Result<(), Denial> {
        if limits.max_volume_bps == 0 || instrument.kind != InstrumentKind::Equity {
            return Ok(());
        }
        let at = self.market.venue_time(instrument.id).unwrap_or(self.now);
        let bars = self.market.bars(instrument.id, Timeframe::Day);
        let Some(day) = average_volume(instrument, bars, at) else {
            return Ok(());
        };
        let most = day.saturating_mul(limits.max_volume_bps.into()) / 10_000;
        if i128::from(spec.quantity.raw()) <= most {
            return Ok(());
        }
        let shares = |raw: i128| Quantity::from_raw(i64::try_from(raw).unwrap_or(i64::MAX));
        let passes = instrument.quantity_down(shares(most)).min(spec.quantity);
        let text = format!(
            "{} is more than {} of what a day trades of {}, {} on average of {AVERAGE_OF} days; {passes} would pass",
            spec.quantity,
            share(limits.max_volume_bps),
            spec.instrument,
            instrument.quantity_down(shares(day))
        );
        Err(Denial::new(DenialCode::MaxQuantity, text).near(passes))
    }

    pub(super) fn value(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        price: Price,
    ) -> Result<(), Denial> {
        let most = self.limits(spec).max_order_value;
        let value = price
            .notional(spec.quantity, instrument.multiplier)
            .map(Money::abs);
        match value {
            Some(value) if value <= most => Ok(()),
            value => {
                let passes = largest_within(most, price, instrument);
                let shown = value.map_or("more than can be counted".into(), |value| {
                    format!("{:.2}", value.round_to(2))
                });
                let text = format!(
                    "worth {shown} {}, the limit is {:.0}; {passes} would pass",
                    instrument.currency,
                    most.round_to(0)
                );
                Err(Denial::new(DenialCode::MaxValue, text).near(passes))
            }
        }
    }

    pub(super) fn resulting_position(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        price: Price,
    ) -> Result<(), Denial> {
        let held = self.state.position(spec.account, spec.instrument).quantity;
        let working = self
            .state
            .working(spec.account, spec.instrument, spec.side)
            .saturating_add(spec.quantity);
        let working = if planted(Bug::WorkingNotCounted) {
            spec.quantity
        } else {
            working
        };
        let worst = held.saturating_add(spec.side.signed(working)).abs();
        let most = self.limits(spec).max_position_value;
        match price.notional(worst, instrument.multiplier).map(Money::abs) {
            Some(value) if value <= most => Ok(()),
            _ => {
                let cap = largest_within(most, price, instrument);
                let passes = Quantity::from_raw(
                    cap.saturating_sub(worst.saturating_sub(spec.quantity))
                        .raw()
                        .max(0),
                );
                let text = format!(
                    "with working orders it could become {worst} {}, above the limit of {:.0} {}; {passes} would pass",
                    spec.instrument,
                    most.round_to(0),
                    instrument.currency
                );
                Err(Denial::new(DenialCode::MaxPosition, text).near(passes))
            }
        }
    }

    /// Contracts of one future that could result on the order's side, working orders counted in full.
    pub(super) fn contracts_each(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        limits: &Limits,
    ) -> Result<(), Denial> {
        let most = limits.max_contracts_each;
        if most == 0 || instrument.kind != InstrumentKind::Future || !spec.quantity.is_positive() {
            return Ok(());
        }
        let held = self.state.position(spec.account, spec.instrument).quantity;
        let working = self.state.working(spec.account, spec.instrument, spec.side);
        let before = match spec.side {
            Side::Buy => held.saturating_add(working),
            Side::Sell => held.negated().saturating_add(working),
        };
        let whole = Quantity::whole(most.into()).unwrap_or(Quantity::ZERO);
        let after = before.saturating_add(spec.quantity);
        if after <= whole {
            return Ok(());
        }
        let passes = whole.saturating_sub(before).min(spec.quantity);
        let passes = instrument.quantity_down(passes.max(Quantity::ZERO));
        let text = format!(
            "with working orders it could come to {after} {}, {most} contracts of one future may be; {passes} would pass",
            spec.instrument
        );
        Err(Denial::new(DenialCode::MaxContracts, text).near(passes))
    }

    /// Room for live orders that are recorded together: so many on the side of `spec`, and so many on the other one. Each of a
    /// bracket or a pair counts.
    pub fn room(&self, spec: &OrderSpec, same: usize, other: usize) -> Result<(), Denial> {
        if effect(self.state, spec) == Effect::Reduces {
            return Ok(());
        }
        let limits = self.limits(spec);
        let most = limits.max_live_orders as usize;
        let live = |side| self.state.working_orders(spec.account, spec.instrument, side);
        let (here, there) = (live(spec.side), live(spec.side.opposite()));
        for (side, live, more) in [(spec.side, here, same), (spec.side.opposite(), there, other)] {
            if more > 0 && live.saturating_add(more) > most {
                let what = format!("{live} live {} orders in {}", side.word(), spec.instrument);
                return Err(full(&what, more, &format!("the limit is {most}")));
            }
        }
        let (most, more) = (limits.max_total_orders as usize, same.saturating_add(other));
        let live = self.state.working_count(spec.account);
        if most > 0 && live.saturating_add(more) > most {
            let what = format!("{live} live orders in {}", spec.account);
            return Err(full(&what, more, &format!("the limit is {most} of the account")));
        }
        Ok(())
    }
}

/// No room for so many more.
fn full(live: &str, more: usize, limit: &str) -> Denial {
    let with = match more {
        1 => String::new(),
        more => format!(" and {more} more with this"),
    };
    Denial::new(
        DenialCode::MaxOrders,
        format!("{live}{with}; {limit}; cancel one first"),
    )
}

/// The largest whole-lot quantity whose value stays within `most` at `price`.
pub(super) fn largest_within(most: Money, price: Price, instrument: &Instrument) -> Quantity {
    let one = match price.notional(Quantity::ONE, instrument.multiplier) {
        Some(one) if one.abs() > Money::ZERO => one.abs(),
        _ => return Quantity::ZERO,
    };
    let raw = most.raw().saturating_mul(i128::from(Quantity::ONE.raw())) / one.raw();
    instrument.quantity_down(Quantity::from_raw(i64::try_from(raw).unwrap_or(i64::MAX)))
}
