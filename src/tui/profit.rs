//! The account's money on the status bar and in the account pane: worth, open profit and the day's profit, by currency. What
//! depends on an unknown price is unknown, not zero; nothing is converted between currencies, and no two are ever added.

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

/// One instrument's part. What is settled by difference is worth its open profit, for its price was never paid: cash sees
/// only what is realised. What is delivered is worth its value at the mark, for cash paid for it.
fn of_one(view: &View<'_>, instrument: &Instrument, ledger: &Ledger) -> Total {
    let held = ledger.position.quantity;
    let mark = view.market.mark(instrument.id).map(|mark| mark.price);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Side;
    use crate::tui::panes::fixture::{self, account, id};

    fn net(desk: &fixture::Desk, currency: Currency) -> Money {
        let totals = totals(&desk.view(), account());
        let (_, total) = totals.into_iter().find(|(of, _)| *of == currency).unwrap();
        total.net.unwrap()
    }

    /// Who buys at the mark is as rich as before, whatever is bought: equities and coins are paid for, of a future and of
    /// a currency pair only what is realised ever reaches the cash.
    #[test]
    fn what_is_bought_at_its_mark_leaves_the_worth_as_it_was() {
        let cases = [
            ("AAPL", true),
            ("SAP", true),
            ("BTC.USD", true),
            ("ESZ6", false),
            ("EUR.USD", false),
        ];
        for (symbol, is_paid) in cases {
            let mut desk = fixture::Desk::rich();
            let instrument = desk.state.instruments[&id(symbol)].clone();
            let mark = desk.market.mark(instrument.id).unwrap().price;
            let before: Vec<Money> = [Currency::USD, Currency::EUR].map(|c| net(&desk, c)).into();
            desk.execute(symbol, Side::Buy, 7, &mark.to_string(), 5, None);
            if is_paid {
                let cost = mark
                    .notional(Quantity::whole(7).unwrap(), instrument.multiplier)
                    .unwrap();
                let cash = &mut desk.state.accounts.get_mut(&account()).unwrap().account.cash;
                let cash = cash.as_mut().unwrap().get_mut(&instrument.currency).unwrap();
                *cash = cash.checked_sub(cost).unwrap();
            }
            let after: Vec<Money> = [Currency::USD, Currency::EUR].map(|c| net(&desk, c)).into();
            assert_eq!(before, after, "{symbol}");
        }
    }

    #[test]
    fn currencies_stand_apart_and_the_accounts_own_is_first() {
        let desk = fixture::Desk::rich();
        let totals = totals(&desk.view(), account());
        let names: Vec<&str> = totals.iter().map(|(currency, _)| currency.as_str()).collect();
        assert_eq!(names, ["USD", "EUR"]);
        let held = &desk.state.ledgers[&(account(), id("SAP"))];
        let mark = desk.market.mark(id("SAP")).unwrap().price;
        let worth = mark.notional(held.position.quantity, held.multiplier).unwrap();
        assert_eq!(totals[1].1.net, Money::whole(12_000).checked_add(worth));
    }
}
