//! What an order would cost and bind, as far as a broker's public terms tell: an estimate for previews, until the broker
//! reports. What is not known is nothing, never zero. The exchange in the box charges by the same table
//! (`venue::floor::terms`); a test trades there and compares.

use crate::domain::{BrokerId, Currency, Instrument, InstrumentKind, Money, Price, Quantity};

/// Parts per million.
const MILLION: i128 = 1_000_000;

/// Initial margin of shares at the exchange in the box, in parts per million of their value.
const SIM_SHARES: i128 = 500_000;

/// What a trade costs: all parts add up to no less than `least`, and to no more than `most_ppm` of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fees {
    /// For each share, contract or coin, in hundredths of a cent.
    per_unit: i64,
    /// Of the value, in parts per million.
    ppm: i64,
    /// For each order that trades, in cents.
    least: i64,
    /// Of the value, in parts per million; nothing where there is no such bound.
    most_ppm: Option<i64>,
}

const fn fees(per_unit: i64, ppm: i64, least: i64, most_ppm: Option<i64>) -> Fees {
    Fees {
        per_unit,
        ppm,
        least,
        most_ppm,
    }
}

/// The broker's fees for this kind of instrument.
///
/// Of Interactive Brokers the fixed prices for shares in dollars (0.005 a share, at least 1.00, at most 1 % of the value)
/// and for currencies (0.2 basis points, at least 2.00 dollars). Its prices for futures depend on the exchange, and are
/// left to the broker's own word.
fn schedule(broker: BrokerId, instrument: &Instrument) -> Option<Fees> {
    let dollars = instrument.currency == Currency::USD;
    match (broker.as_str(), instrument.kind) {
        ("sim", InstrumentKind::Equity) => Some(fees(50, 0, 100, None)),
        ("sim", InstrumentKind::Crypto) => Some(fees(0, 1_000, 0, None)),
        ("sim", InstrumentKind::Forex) => {
            let least = if instrument.currency.minor_decimals() == 0 {
                20_000
            } else {
                200
            };
            Some(fees(0, 20, least, None))
        }
        ("sim", InstrumentKind::Future) => Some(fees(22_500, 0, 0, None)),
        ("ibkr", InstrumentKind::Equity) if dollars => Some(fees(50, 0, 100, Some(10_000))),
        ("ibkr", InstrumentKind::Forex) if dollars => Some(fees(0, 20, 200, None)),
        _ => None,
    }
}

/// What an order of `quantity`, worth `value`, would cost if it trades in full, in the instrument's currency.
pub fn fee(broker: BrokerId, instrument: &Instrument, quantity: Quantity, value: Money) -> Option<Money> {
    let fees = schedule(broker, instrument)?;
    let unit = Money::whole(1).raw();
    let each = unit / 10_000 * i128::from(fees.per_unit);
    let units = each.checked_mul(i128::from(quantity.raw()))? / i128::from(Quantity::ONE.raw());
    let part = |ppm: i64| Some(value.raw().checked_mul(i128::from(ppm))? / MILLION);
    let least = unit / 100 * i128::from(fees.least);
    let mut fee = units.checked_add(part(fees.ppm)?)?.max(least);
    if let Some(most) = fees.most_ppm {
        fee = fee.min(part(most)?);
    }
    Some(Money::from_raw(fee).round_to(instrument.currency.minor_decimals()))
}

/// A fee that is not known yet, at its worst: by the broker's schedule where there is one; else 1 % of the value for what is
/// bought outright, 10 units of currency a contract, and 0.1 % of the value for currencies. Above what brokers here charge.
pub fn worst_fee(broker: BrokerId, instrument: &Instrument, quantity: Quantity, value: Money) -> Money {
    let part = |ppm: i128| Money::from_raw(value.raw().saturating_abs() / MILLION * ppm);
    let each = |units: i64| {
        let all = Money::whole(units)
            .raw()
            .saturating_mul(i128::from(quantity.raw()));
        Money::from_raw(all / i128::from(Quantity::ONE.raw()))
    };
    let unknown = || match instrument.kind {
        InstrumentKind::Forex => part(1_000),
        InstrumentKind::Future | InstrumentKind::Option => each(10),
        InstrumentKind::Equity | InstrumentKind::Crypto | InstrumentKind::Index => part(10_000),
    };
    fee(broker, instrument, quantity, value).unwrap_or_else(unknown)
}

/// What an order of `quantity` at `price` would bind as initial margin, in the instrument's currency.
pub fn margin(broker: BrokerId, instrument: &Instrument, quantity: Quantity, price: Price) -> Option<Money> {
    let value = || price.notional(quantity, instrument.multiplier).map(Money::abs);
    let part = |ppm: i128| Some(Money::from_raw(value()?.raw().checked_mul(ppm)? / MILLION));
    match (broker.as_str(), instrument.kind) {
        ("sim", InstrumentKind::Equity) => part(SIM_SHARES),
        ("sim", InstrumentKind::Crypto) => value(),
        ("sim", InstrumentKind::Forex) => part(33_333),
        ("sim", InstrumentKind::Future) => {
            let each = match instrument.root.as_ref().map_or("", |root| root.as_str()) {
                "ES" => 13_000,
                "NQ" => 19_000,
                "CL" => 6_500,
                "GC" => 11_000,
                _ => 5_000,
            };
            let all = Money::whole(each).raw().checked_mul(i128::from(quantity.raw()))?;
            Some(Money::from_raw(all / i128::from(Quantity::ONE.raw())))
        }
        _ => None,
    }
}

/// The shares that so much of available funds could buy, by the broker's public terms: its initial margin of shares. Nothing
/// where that is not known; never below zero.
pub fn buying_power(broker: BrokerId, available: Money) -> Option<Money> {
    let ppm = match broker.as_str() {
        "sim" => SIM_SHARES,
        _ => return None,
    };
    let raw = available.raw().max(0).checked_mul(MILLION)?;
    Some(Money::from_raw(raw / ppm))
}

#[cfg(test)]
mod tests {
    use super::super::tests::instrument;
    use super::*;

    #[test]
    fn a_fee_has_its_least_and_its_most() {
        let shares = instrument("AAPL", InstrumentKind::Equity, 1);
        let fee_of = |broker: &str, count: i64, worth: i64| {
            let (broker, quantity) = (BrokerId::new(broker).unwrap(), Quantity::whole(count).unwrap());
            fee(broker, &shares, quantity, Money::whole(worth)).map(|fee| fee.to_string())
        };
        assert_eq!(fee_of("sim", 100, 18_900).as_deref(), Some("1"));
        assert_eq!(fee_of("sim", 1_000, 189_000).as_deref(), Some("5"));
        assert_eq!(
            fee_of("ibkr", 10, 20).as_deref(),
            Some("0.2"),
            "one per cent of the value"
        );
        assert_eq!(fee_of("topstepx", 10, 20), None, "not known is not zero");
        let future = instrument("ESZ6", InstrumentKind::Future, 50);
        let sim = BrokerId::new("sim").unwrap();
        let two = Quantity::whole(2).unwrap();
        assert_eq!(
            fee(sim, &future, two, Money::ZERO)
                .map(|fee| fee.to_string())
                .as_deref(),
            Some("4.5")
        );
    }
}
