//! The account's money on the status bar: worth, open profit and the day's profit, by currency. What depends on an unknown
//! price is unknown, not zero; nothing is converted between currencies.

use super::pane::View;
use crate::domain::{AccountKey, Currency, Instrument, InstrumentKind, Money, Price, Quantity};
use crate::engine::state::Ledger;
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

/// The account's totals by currency, its own currency first. Empty until the broker told of cash and positions.
pub fn totals(view: &View<'_>, key: AccountKey) -> Vec<(Currency, Total)> {
    let Some(account) = view.state.accounts.get(&key).filter(|account| account.opened) else {
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
    for ((owner, id), ledger) in &view.state.ledgers {
        let Some(instrument) = view.state.instruments.get(id).filter(|_| *owner == key) else {
            continue;
        };
        let sum = sums
            .entry(instrument.currency)
            .or_insert_with(|| zero(account.account.cash.as_ref().map(|_| Money::ZERO)));
        let one = of_one(view, instrument, ledger);
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

/// One instrument's part. A future's worth is its open profit, for its price was never paid.
fn of_one(view: &View<'_>, instrument: &Instrument, ledger: &Ledger) -> Total {
    let held = ledger.position.quantity;
    let mark = view.market.mark(instrument.id).map(|mark| mark.price);
    let open = match mark {
        _ if held.is_zero() => Some(Money::ZERO),
        Some(mark) => ledger.position.unrealized(mark, instrument.multiplier),
        None => None,
    };
    let net = match instrument.kind {
        InstrumentKind::Future => open,
        _ if held.is_zero() => Some(Money::ZERO),
        _ => mark.and_then(|mark| mark.notional(held, instrument.multiplier)),
    };
    Total {
        net,
        open,
        day: day(view, instrument, ledger, mark),
    }
}

fn day(view: &View<'_>, instrument: &Instrument, ledger: &Ledger, mark: Option<Price>) -> Option<Money> {
    let began = instrument.calendar.trading_day(view.venue_now)?.start;
    let (mut traded, mut profit) = (Quantity::ZERO, Money::ZERO);
    let today: Vec<_> = ledger
        .executions
        .iter()
        .filter(|execution| execution.at >= began)
        .collect();
    if today.is_empty() && ledger.position.quantity.is_zero() {
        return Some(Money::ZERO);
    }
    let mark = mark?;
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
    let close = view.market.ticker(instrument.id)?.previous_close?;
    profit.checked_add(
        mark.checked_sub(close)?
            .notional(overnight, instrument.multiplier)?,
    )
}
