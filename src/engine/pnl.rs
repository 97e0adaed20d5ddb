//! What an account is worth and what it won: by currency, for the trading day of each instrument, and by instrument. Pure
//! functions of state, market and the venue's time. What depends on an unknown price is unknown, not zero; nothing is
//! converted but by a [`Rate`] that names its source and age, and no two currencies are ever added without one.

use super::changes::Step;
use super::port::Health;
use super::state::{Ledger, State};
use crate::domain::number::PRICE_SCALE;
use crate::domain::{
    AccountKey, Currency, Instrument, InstrumentKind, Money, Position, Price, Quantity, SafeText, Timestamp,
};
use crate::market::Market;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One currency of an account. Nothing where a price that it takes is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Cash and what is held at its mark.
    pub net: Option<Money>,
    /// Profit of what is held, at its mark.
    pub open: Option<Money>,
    /// Profit since the instrument's trading day began: what was held then against the previous close, what was traded
    /// since against its price, fees taken off.
    pub day: Option<Money>,
}

/// One moment of a curve of worth and profit, in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// When, by the venue's clock.
    pub at: Timestamp,
    /// Worth.
    pub net: Option<Money>,
    /// Profit since the trading day began.
    pub day: Option<Money>,
}

/// The account's totals by currency, its own currency first. Empty until the broker told of cash and positions.
pub fn totals(state: &State, market: &Market, at: Timestamp, key: AccountKey) -> Vec<(Currency, Total)> {
    let Some(account) = state.accounts.get(&key).filter(|account| account.opened) else {
        return Vec::new();
    };
    let zero = |net| Total {
        net,
        open: Some(Money::ZERO),
        day: Some(Money::ZERO),
    };
    let mut sums: BTreeMap<Currency, Total> = BTreeMap::new();
    for (currency, cash) in account.account.cash.iter().flatten() {
        sums.insert(*currency, zero(Some(*cash)));
    }
    for ((owner, id), ledger) in &state.ledgers {
        let Some(instrument) = state.instruments.get(id).filter(|_| *owner == key) else {
            continue;
        };
        let sum = sums
            .entry(instrument.currency)
            .or_insert_with(|| zero(account.account.cash.as_ref().map(|_| Money::ZERO)));
        let one = of_one(market, at, instrument, ledger);
        sum.net = add(sum.net, one.net);
        sum.open = add(sum.open, one.open);
        sum.day = add(sum.day, one.day);
    }
    let base = account.account.base;
    let mut ordered: Vec<(Currency, Total)> = sums.into_iter().collect();
    ordered.sort_by_key(|(currency, _)| *currency != base);
    ordered
}

fn add(a: Option<Money>, b: Option<Money>) -> Option<Money> {
    a?.checked_add(b?)
}

/// One instrument's part. What is settled by difference is worth its open profit, for its price was never paid: cash sees
/// only what is realised. What is delivered is worth its value at the mark, for cash paid for it.
fn of_one(market: &Market, at: Timestamp, instrument: &Instrument, ledger: &Ledger) -> Total {
    let held = ledger.position.quantity;
    let mark = market.mark(instrument.id).map(|mark| mark.price);
    let open = match mark {
        _ if held.is_zero() => Some(Money::ZERO),
        Some(mark) => ledger.position.unrealized(mark, instrument.multiplier),
        None => None,
    };
    let net = match instrument.kind {
        InstrumentKind::Future | InstrumentKind::Forex => open,
        _ if held.is_zero() => Some(Money::ZERO),
        _ => mark.and_then(|mark| mark.notional(held, instrument.multiplier)),
    };
    Total {
        net,
        open,
        day: day(market, at, instrument, ledger),
    }
}

/// When the trading day of an instrument began: 04:00 in New York for its equities, 17:00 in Chicago the evening before
/// for futures. Nothing outside of the calendar's years.
pub fn day_began(instrument: &Instrument, at: Timestamp) -> Option<Timestamp> {
    Some(instrument.calendar.trading_day(at)?.start)
}

/// One instrument's profit since its trading day began, fees taken off, in its own currency.
pub fn day(market: &Market, at: Timestamp, instrument: &Instrument, ledger: &Ledger) -> Option<Money> {
    let began = day_began(instrument, at)?;
    let mark = market.mark(instrument.id).map(|mark| mark.price);
    let close = || market.ticker(instrument.id)?.previous_close;
    day_at((mark, close()), began, instrument, ledger)
}

/// The same against a price and the previous close, where these are known, for the day that began at a moment.
pub fn day_at(
    (mark, previous_close): (Option<Price>, Option<Price>),
    began: Timestamp,
    instrument: &Instrument,
    ledger: &Ledger,
) -> Option<Money> {
    let mut today = ledger.executions.iter().filter(|e| e.at >= began).peekable();
    if today.peek().is_none() && ledger.position.quantity.is_zero() {
        return Some(Money::ZERO);
    }
    let mark = mark?;
    let (mut traded, mut profit) = (Quantity::ZERO, Money::ZERO);
    for execution in today {
        let signed = execution.side.signed(execution.quantity);
        traded = traded.checked_add(signed)?;
        let moved = mark
            .checked_sub(execution.price)?
            .notional(signed, instrument.multiplier)?;
        profit = profit.checked_add(moved)?;
        if let Some(fee) = execution.fee.filter(|fee| fee.currency == instrument.currency) {
            profit = profit.checked_sub(fee.amount)?;
        }
    }
    let overnight = ledger.position.quantity.checked_sub(traded)?;
    if overnight.is_zero() {
        return Some(profit);
    }
    let close = previous_close?;
    profit.checked_add(
        mark.checked_sub(close)?
            .notional(overnight, instrument.multiplier)?,
    )
}

/// What was realised since a moment by average cost, fees not taken off.
pub fn realized_since(ledger: &Ledger, from: Timestamp) -> Money {
    let mut before: Position = ledger.opening;
    for step in ledger.steps() {
        match step {
            Step::Execution(execution) if execution.at >= from => break,
            Step::Execution(execution) => before.execute(
                execution.side,
                execution.quantity,
                execution.price,
                ledger.multiplier,
            ),
            Step::Change(change) => change.apply(&mut before, ledger.multiplier),
        }
    }
    ledger.position.realized.saturating_sub(before.realized)
}

/// What one unit of a currency is worth in another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Units of the other currency for one.
    pub price: Price,
    /// Who says so: a broker, or the pair it was read from.
    pub source: SafeText,
    /// Since when it is known, by the clock of its source; nothing where that was not told.
    pub at: Option<Timestamp>,
}

impl Rate {
    /// An amount in the other currency. Nothing where it does not fit.
    pub fn convert(&self, amount: Money) -> Option<Money> {
        let (rate, one) = (i128::from(self.price.raw()), 10i128.pow(PRICE_SCALE));
        let exact = amount.raw().checked_mul(rate).map(|product| product / one);
        // Where the product is too long for its digits, the last nine are given up: they are far below a cent.
        let raw = exact.or_else(|| (amount.raw() / one).checked_mul(rate))?;
        Some(Money::from_raw(raw))
    }
}

/// The rate from one currency to another: the market's, from a listed pair that is quoted; else the broker's own word,
/// which is against the account's base. Nothing where neither knows it.
pub fn rate(
    market: &Market,
    told: Option<(&Health, AccountKey, Timestamp)>,
    (from, to): (Currency, Currency),
) -> Option<Rate> {
    if from == to {
        return Some(Rate {
            price: Price::from_raw(10i64.pow(PRICE_SCALE)),
            source: SafeText::new("the same"),
            at: None,
        });
    }
    from_market(market, from, to).or_else(|| from_broker(told?, from))
}

fn from_market(market: &Market, from: Currency, to: Currency) -> Option<Rate> {
    let pair = |a: Currency, b: Currency| {
        let name = format!("{}.{}", a.as_str(), b.as_str());
        let id = crate::domain::InstrumentId::new(&name).ok()?;
        let quote = market.quote(id).filter(|quote| quote.quality.is_there())?;
        let mid = quote.mid().filter(|mid| mid.raw() > 0)?;
        Some((mid, SafeText::new(&name), quote.at))
    };
    if let Some((price, source, at)) = pair(from, to) {
        return Some(Rate {
            price,
            source,
            at: Some(at),
        });
    }
    let (price, source, at) = pair(to, from)?;
    let inverse = 10i128.pow(2 * PRICE_SCALE) / i128::from(price.raw());
    Some(Rate {
        price: Price::from_raw(i64::try_from(inverse).ok()?),
        source,
        at: Some(at),
    })
}

fn from_broker((health, key, at): (&Health, AccountKey, Timestamp), from: Currency) -> Option<Rate> {
    let figures = health.figures.get(&key)?;
    let (.., told) = figures
        .iter()
        .find(|(name, currency, _)| name.as_str() == "ExchangeRate" && currency.as_str() == from.as_str())?;
    // From 17 decimals of money to the 9 of a price.
    let raw = i64::try_from(told.raw() / 100_000_000).ok()?;
    (raw > 0).then(|| Rate {
        price: Price::from_raw(raw),
        source: SafeText::new(key.broker.as_str()),
        at: Some(at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_converted_to_the_last_digit_and_never_wraps() {
        let rate = |text: &str| Rate {
            price: text.parse().unwrap(),
            source: SafeText::new("EUR.USD"),
            at: None,
        };
        let money = |text: &str| text.parse::<Money>().unwrap();
        assert_eq!(rate("1.0841").convert(money("-12000")), Some(money("-13009.2")));
        assert_eq!(rate("0.01").convert(money("1")), Some(money("0.01")));
        // Larger than the product may be: the last digits go, the amount stays right.
        let much = money("900000000000000");
        assert_eq!(rate("2").convert(much), much.checked_add(much));
        assert_eq!(rate("9000000000").convert(Money::from_raw(i128::MAX)), None);
    }
}
