//! The account's money on the status bar and in the panes, as `engine::pnl` counts it, and what the desk may convert: by a
//! rate that names its source and age, or not at all.

use super::pane::View;
use crate::domain::{AccountKey, Currency, Money};
pub use crate::engine::pnl::Total;
use crate::engine::pnl::{self, Rate};

/// The account's totals by currency, its own currency first. Empty until the broker told of cash and positions.
pub fn totals(view: &View<'_>, key: AccountKey) -> Vec<(Currency, Total)> {
    pnl::totals(view.state, view.market, view.venue_now, key)
}

/// What one unit of a currency is in the account's own; nothing where nobody told.
pub fn rate_to_base(view: &View<'_>, key: AccountKey, from: Currency) -> Option<(Rate, Currency)> {
    let base = view.state.accounts.get(&key)?.account.base;
    let told = view.health.map(|(health, at)| (health, key, at));
    Some((pnl::rate(view.market, told, (from, base))?, base))
}

/// Sums of several currencies in the account's own. Unknown where one part or one rate is.
pub fn in_base(view: &View<'_>, key: AccountKey, parts: &[(Currency, Option<Money>)]) -> Option<Money> {
    parts.iter().try_fold(Money::ZERO, |sum, (currency, part)| {
        let (rate, _) = rate_to_base(view, key, *currency)?;
        sum.checked_add(rate.convert((*part)?)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Quantity, Side};
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
