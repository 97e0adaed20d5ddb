//! Excess liquidity: what has to be left of it, where the broker tells how much there is. Where it tells nothing, nothing is
//! held against it, and `/risk` says so; the broker's own margin then has the last word. Of a large order the broker is asked what it
//! would bind, and its answer is held against it in place of an estimate (`what_if`).

use super::day::part;
use super::worth::money;
use super::{Check, Stands};
use crate::domain::{Instrument, InstrumentKind, Limits, Money, OrderSpec, Price, Quantity};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::{terms, worth};

impl Check<'_> {
    /// An entry leaves as much of the excess liquidity as has to stay. What its margin is not known of counts in full where
    /// it is paid for; of contracts whose margin nobody tells, only what is there now is looked at.
    pub(super) fn buying_power(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        price: Price,
        limits: &Limits,
        stands: &Stands<'_>,
    ) -> Result<(), Denial> {
        // Until it has answered, as for a preview or for an order that another one let go, the estimate holds.
        if self.is_asked_about(spec, instrument, Some(price), limits) && self.has_told(spec) {
            return self.by_the_brokers_word(spec, instrument, limits, stands);
        }
        let Some(funds) = self
            .state
            .funds
            .get(&spec.account)
            .filter(|_| limits.min_excess_bps > 0)
        else {
            return Ok(());
        };
        let Ok(standing) = stands.get() else {
            // Said already where a share of it is asked for.
            return Ok(());
        };
        let keep = part(standing.worth(), limits.min_excess_bps);
        let binds = self.binds(spec, instrument, price);
        let binds = binds.map(|amount| {
            let converted = worth::convert(
                self.state,
                self.market,
                amount,
                instrument.currency,
                funds.currency,
            );
            converted.map_or(amount, |converted| converted.amount)
        });
        let left = funds.excess.saturating_sub(binds.unwrap_or(Money::ZERO));
        if funds.currency != standing.base || left >= keep {
            return Ok(());
        }
        let room = funds.excess.saturating_sub(keep).max(Money::ZERO);
        let passes = match binds {
            Some(binds) => passing(spec.quantity, room, binds, instrument),
            None => Quantity::ZERO,
        };
        let text = format!(
            "{} of excess liquidity would be left, {} have to stay; {passes} would pass",
            money(left, funds.currency),
            money(keep, funds.currency)
        );
        Err(Denial::new(DenialCode::BuyingPower, text).near(passes))
    }

    /// What an order binds: by the broker's public terms, else all that it is worth where it is paid for.
    pub(super) fn binds(&self, spec: &OrderSpec, instrument: &Instrument, price: Price) -> Option<Money> {
        let known = terms::margin(spec.account.broker, instrument, spec.quantity, price);
        known.or_else(|| match instrument.kind {
            InstrumentKind::Equity | InstrumentKind::Option | InstrumentKind::Crypto => price
                .notional(spec.quantity, instrument.multiplier)
                .map(Money::abs),
            InstrumentKind::Future | InstrumentKind::Forex | InstrumentKind::Index => None,
        })
    }
}

/// How much of an order that binds `binds` in all fits into `room`.
pub(super) fn passing(of: Quantity, room: Money, binds: Money, instrument: &Instrument) -> Quantity {
    if binds <= Money::ZERO || room <= Money::ZERO {
        return Quantity::ZERO;
    }
    let raw = i128::from(of.raw()).saturating_mul(room.raw() / 1_000_000_000)
        / (binds.raw() / 1_000_000_000).max(1);
    instrument.quantity_down(Quantity::from_raw(i64::try_from(raw).unwrap_or(0)))
}
