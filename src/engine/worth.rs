//! What an account is worth and what an amount is in another currency, for sizes by value and by risk. Rates come from
//! quoted currency pairs and are always said; what is not known is refused in words, never taken for zero or for one.

use super::state::State;
use crate::domain::{AccountKey, Currency, Instrument, InstrumentId, InstrumentKind, Money, Price, Quantity};
use crate::market::Market;

/// An amount in another currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The amount.
    pub amount: Money,
    /// The rate it was converted with, as people read it: `1 EUR = 1.08410 USD`. Nothing where both are the same.
    pub rate: Option<String>,
}

/// `amount` of `from` in `to`, at the middle of the pair's quote, rounded down in size.
///
/// # Errors
/// No pair of both is quoted now.
pub fn convert(
    state: &State,
    market: &Market,
    amount: Money,
    from: Currency,
    to: Currency,
) -> Result<Converted, String> {
    if from == to {
        return Ok(Converted { amount, rate: None });
    }
    let unknown = || {
        format!("no rate from {from} to {to} is known: neither {from}.{to} nor {to}.{from} is quoted here")
    };
    let quoted = |base: Currency, quote: Currency| {
        let id = InstrumentId::new(&format!("{base}.{quote}")).ok()?;
        let pair = state
            .instruments
            .get(&id)
            .filter(|pair| pair.kind == InstrumentKind::Forex)?;
        let quote = market.quote(id).filter(|quote| quote.quality.is_there())?;
        Some((pair, quote.mid().filter(|mid| *mid > Price::ZERO)?))
    };
    let one = i128::from(10i64.pow(crate::domain::number::PRICE_SCALE));
    let (raw, words) = if let Some((pair, mid)) = quoted(from, to) {
        let raw = times(amount.raw(), i128::from(mid.raw()), one);
        (raw, rate_words(pair, from, mid, to))
    } else if let Some((pair, mid)) = quoted(to, from) {
        let raw = times(amount.raw(), one, i128::from(mid.raw()));
        (raw, rate_words(pair, to, mid, from))
    } else {
        return Err(unknown());
    };
    let amount = raw
        .map(Money::from_raw)
        .ok_or_else(|| format!("the amount is too large to be converted to {to}"))?;
    Ok(Converted {
        amount,
        rate: Some(words),
    })
}

fn rate_words(pair: &Instrument, base: Currency, mid: Price, quote: Currency) -> String {
    format!("1 {base} = {} {quote}", pair.show(mid))
}

/// `value * by / over`; nothing where that does not fit.
fn times(value: i128, by: i128, over: i128) -> Option<i128> {
    let (whole, rest) = (value / over, value % over);
    let part = rest.checked_mul(by)? / over;
    whole.checked_mul(by)?.checked_add(part)
}

/// Cash and what is held at its mark, in the account's own currency. What is settled by difference counts with its open
/// profit, because its price was never paid.
///
/// # Errors
/// What of it is not known.
pub fn net_liquidation(state: &State, market: &Market, key: AccountKey) -> Result<(Money, Currency), String> {
    let account = state
        .accounts
        .get(&key)
        .filter(|account| account.opened)
        .ok_or_else(|| format!("what {key} holds has not been read yet"))?;
    let base = account.account.base;
    let cash = account
        .account
        .cash
        .as_ref()
        .ok_or_else(|| format!("the cash of {key} is not known"))?;
    let mut sum = Money::ZERO;
    let mut add = |amount: Money, currency: Currency| -> Result<(), String> {
        if amount == Money::ZERO {
            return Ok(());
        }
        let converted = convert(state, market, amount, currency, base)?;
        sum = sum
            .checked_add(converted.amount)
            .ok_or_else(|| "the account is worth more than can be counted".to_owned())?;
        Ok(())
    };
    for (currency, amount) in cash {
        add(*amount, *currency)?;
    }
    for ((owner, id), ledger) in &state.ledgers {
        let held = ledger.position.quantity;
        let Some(instrument) = state
            .instruments
            .get(id)
            .filter(|_| *owner == key && !held.is_zero())
        else {
            continue;
        };
        let worth = market
            .mark(*id)
            .and_then(|mark| worth_of(instrument, held, mark.price, ledger))
            .ok_or_else(|| format!("{id} is held and has no price now"))?;
        add(worth, instrument.currency)?;
    }
    Ok((sum, base))
}

fn worth_of(
    instrument: &Instrument,
    held: Quantity,
    mark: Price,
    ledger: &super::state::Ledger,
) -> Option<Money> {
    match instrument.kind {
        InstrumentKind::Future | InstrumentKind::Forex => {
            ledger.position.unrealized(mark, instrument.multiplier)
        }
        _ => mark.notional(held, instrument.multiplier),
    }
}
