//! From an amount to a quantity: what money buys, what loses a stated sum at the stop, what closes a part of a position.
//! Always rounded down to whole lots where it opens, and up where it closes half: toward less exposure.

use super::closing::{Part, closing_part};
use super::order::entry;
use super::resolve::Scene;
use super::words::{SentenceError, wrong};
use super::{Amount, OrderWords};
use crate::domain::{Currency, Instrument, Money, OrderSpec, Price, Quantity};
use crate::engine::command::Legs;
use crate::engine::worth;

/// The quantity of an order, whose other parts are resolved.
pub(super) fn quantity(
    words: &OrderWords,
    instrument: &Instrument,
    spec: &OrderSpec,
    legs: Legs,
    scene: &Scene<'_>,
    notes: &mut Vec<String>,
) -> Result<Quantity, SentenceError> {
    let sizing = Sizing {
        words,
        instrument,
        scene,
    };
    match words.amount {
        Amount::Quantity(quantity) => Ok(quantity),
        Amount::Value(amount, currency) => {
            let price = entry(words, spec, scene)?;
            let amount = sizing.converted(amount, currency, notes)?;
            sizing.lots(amount, price, "costs")
        }
        Amount::Risk(amount, currency) => {
            let amount = sizing.converted(amount, currency, notes)?;
            sizing.by_risk(amount, spec, legs)
        }
        Amount::RiskShare(hundredths) => {
            let (amount, currency) = sizing.share_of_worth(hundredths, notes)?;
            let amount = sizing.converted(amount, currency, notes)?;
            sizing.by_risk(amount, spec, legs)
        }
        Amount::All => closing_part(words, instrument, scene, Part::All, notes),
        Amount::Half => closing_part(words, instrument, scene, Part::Half, notes),
    }
}

struct Sizing<'a> {
    words: &'a OrderWords,
    instrument: &'a Instrument,
    scene: &'a Scene<'a>,
}

impl Sizing<'_> {
    fn refuse<T>(&self, text: impl Into<String>) -> Result<T, SentenceError> {
        wrong(self.words.amount_at.clone(), text)
    }

    /// The amount in the instrument's currency. The rate is said.
    fn converted(
        &self,
        amount: Money,
        from: Currency,
        notes: &mut Vec<String>,
    ) -> Result<Money, SentenceError> {
        let (state, market) = (self.scene.state, self.scene.market);
        match worth::convert(state, market, amount, from, self.instrument.currency) {
            Ok(converted) => {
                notes.extend(converted.rate);
                Ok(converted.amount)
            }
            Err(why) => self.refuse(format!("{why}; give the amount in {}", self.instrument.currency)),
        }
    }

    /// A part of the account's net liquidation value.
    fn share_of_worth(
        &self,
        hundredths: u32,
        notes: &mut Vec<String>,
    ) -> Result<(Money, Currency), SentenceError> {
        let ours = || worth::net_liquidation(self.scene.state, self.scene.market, self.scene.account);
        let (worth, currency) = match self.scene.net_liquidation.map_or_else(ours, Ok) {
            Ok(known) => known,
            Err(why) => {
                return self.refuse(format!("{why}: the risk can't be a part of it; give it in money"));
            }
        };
        let decimals = currency.minor_decimals();
        let shown = format!("{:.*}", decimals as usize, worth.round_to(decimals));
        if worth <= Money::ZERO {
            return self.refuse(format!(
                "the account is worth {shown} {currency}: no part of it can be risked"
            ));
        }
        notes.push(format!(
            "{}.{:02}% of {shown} {currency}",
            hundredths / 100,
            hundredths % 100
        ));
        let part = worth
            .raw()
            .checked_mul(i128::from(hundredths))
            .map(|raw| Money::from_raw(raw / 10_000));
        match part {
            Some(part) => Ok((part, currency)),
            None => self.refuse("the account is worth more than can be counted"),
        }
    }

    /// As many lots as lose no more than `amount` from the entry to the stop.
    fn by_risk(&self, amount: Money, spec: &OrderSpec, legs: Legs) -> Result<Quantity, SentenceError> {
        let price = entry(self.words, spec, self.scene)?;
        let Some(stop) = legs.stop else {
            return self.refuse("a size by risk needs a stop, and the template has none");
        };
        let distance = price.raw().abs_diff(stop.raw());
        let distance = Price::from_raw(i64::try_from(distance).unwrap_or(i64::MAX));
        self.lots(amount, distance, "risks")
    }

    /// Whole lots of `each` a unit within `amount`.
    fn lots(&self, amount: Money, each: Price, verb: &str) -> Result<Quantity, SentenceError> {
        let (lot, currency) = (self.instrument.lot, self.instrument.currency);
        let one = each
            .notional(lot, self.instrument.multiplier)
            .map(Money::abs)
            .filter(|one| *one > Money::ZERO);
        let Some(one) = one else {
            return self.refuse("the value of one lot is not known");
        };
        let lots = amount.raw() / one.raw();
        let raw = i64::try_from(lots)
            .ok()
            .and_then(|lots| lots.checked_mul(lot.raw()));
        match raw {
            Some(0) => {
                let decimals = currency.minor_decimals();
                let money = |money: Money| format!("{:.*}", decimals as usize, money.round_to(decimals));
                self.refuse(format!(
                    "{lot} {} {verb} {} {currency}: {} is not enough for one lot",
                    self.instrument.id,
                    money(one),
                    money(amount)
                ))
            }
            Some(raw) => Ok(Quantity::from_raw(raw)),
            None => self.refuse("that is more than can be counted"),
        }
    }
}
