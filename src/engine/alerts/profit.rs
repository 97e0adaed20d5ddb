//! Profit of an account in one currency, of the day or of what is held: held against the mark, with the trading day of each
//! instrument's newest data. What depends on an unknown price is unknown.

use super::condition::Profit;
use crate::domain::{AccountKey, Currency, Instrument, InstrumentId, Money, Price, Quantity};
use crate::engine::state::{Ledger, State};
use crate::market::Market;

/// Profit of an account in one currency, or of one instrument of it. `mark` tells what an instrument is worth now, where
/// that is known and not from before.
pub(super) fn profit(
    state: &State,
    market: &Market,
    account: AccountKey,
    (only, currency): (Option<InstrumentId>, Currency),
    of: Profit,
    mark: &dyn Fn(InstrumentId) -> Option<Price>,
) -> Option<Money> {
    if !state.positions_known(account) {
        return None;
    }
    let mut sum = Money::ZERO;
    for ((owner, id), ledger) in &state.ledgers {
        if *owner != account || only.is_some_and(|only| only != *id) {
            continue;
        }
        let instrument = state.instruments.get(id)?;
        if instrument.currency != currency {
            continue;
        }
        let one = match of {
            Profit::Open => open(instrument, ledger, mark),
            Profit::Day => day(market, instrument, ledger, mark),
        };
        sum = sum.checked_add(one?)?;
    }
    Some(sum)
}

fn open(
    instrument: &Instrument,
    ledger: &Ledger,
    mark: &dyn Fn(InstrumentId) -> Option<Price>,
) -> Option<Money> {
    if ledger.position.quantity.is_zero() {
        return Some(Money::ZERO);
    }
    ledger
        .position
        .unrealized(mark(instrument.id)?, instrument.multiplier)
}

/// What was held when the day began against the previous close, what was traded since against its price, fees taken off.
fn day(
    market: &Market,
    instrument: &Instrument,
    ledger: &Ledger,
    mark: &dyn Fn(InstrumentId) -> Option<Price>,
) -> Option<Money> {
    let untouched = ledger.position.quantity.is_zero() && ledger.executions.is_empty();
    if untouched {
        return Some(Money::ZERO);
    }
    let ticker = market.ticker(instrument.id)?;
    let began = ticker.trading_day?.start;
    let (mut traded, mut sum) = (Quantity::ZERO, Money::ZERO);
    let mark = mark(instrument.id)?;
    for execution in ledger.executions.iter().filter(|execution| execution.at >= began) {
        let signed = execution.side.signed(execution.quantity);
        traded = traded.checked_add(signed)?;
        let moved = mark
            .checked_sub(execution.price)?
            .notional(signed, instrument.multiplier)?;
        sum = sum.checked_add(moved)?;
        if let Some(fee) = execution.fee.filter(|fee| fee.currency == instrument.currency) {
            sum = sum.checked_sub(fee.amount)?;
        }
    }
    let overnight = ledger.position.quantity.checked_sub(traded)?;
    if overnight.is_zero() {
        return Some(sum);
    }
    let moved = mark.checked_sub(ticker.previous_close?)?;
    sum.checked_add(moved.notional(overnight, instrument.multiplier)?)
}
