//! May this account carry this order? Answered before the book sees it, in the instrument's currency alone:
//! balances in other currencies do not count, so no rate is ever assumed.
//!
//! An account's *equity* in a currency is its cash and its positions at the mark (for those settled by
//! difference: their open profit). What it *requires* is, for each instrument, the margin of the larger of two
//! exposures: the position if every working buy fills, or if every working sale does. Orders reserve at full
//! size. An order that leaves the requirement as it is always passes, so closing is never refused for want of
//! funds.

use super::listing::{Margin, Market, Settlement};
use super::member::{Holding, Member, Reserved, part};
use super::report::Rejection;
use super::{Currency, Exchange, MemberNo};
use crate::domain::Money;

/// An account's standing in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    /// The balance; negative where shares are held on margin.
    pub cash: Money,
    /// Cash and positions at the mark.
    pub equity: Money,
    /// Bound by positions and working orders, their fees included.
    pub required: Money,
}

impl Funds {
    /// Free for further orders; negative where prices have moved against the account.
    #[must_use]
    pub fn available(&self) -> Money {
        self.equity.saturating_sub(self.required)
    }
}

impl Exchange {
    /// An account's standing in one currency; `None` for an unknown account.
    #[must_use]
    pub fn funds(&self, member: MemberNo, currency: Currency) -> Option<Funds> {
        let member = self.members.get(member.index())?;
        let at = self.currencies.iter().position(|known| *known == currency);
        Some(at.map_or(Funds::default(), |at| self.funds_at(member, at)))
    }

    fn funds_at(&self, member: &Member, currency: usize) -> Funds {
        let cash = member.balance(currency);
        let mut funds = Funds {
            cash,
            equity: cash,
            required: Money::ZERO,
        };
        for (market, holding) in self.markets.iter().zip(&member.holdings) {
            if market.currency == currency && *holding != Holding::default() {
                funds.equity = funds.equity.saturating_add(worth(market, holding));
                let bound = required(market, holding).saturating_add(holding.fees);
                funds.required = funds.required.saturating_add(bound);
            }
        }
        funds
    }

    /// Whether `member` may go from one state of a holding to another by an order.
    pub(super) fn affordable(
        &self,
        member: &Member,
        market: &Market,
        before: &Holding,
        after: &Holding,
    ) -> Result<(), Rejection> {
        if member.unlimited {
            return Ok(());
        }
        if market.listing.margin == Margin::Cash && after.sells.lots > after.lots.max(before.sells.lots) {
            return Err(Rejection::NotHeld {
                selling: market.quantity(after.sells.lots),
                held: market.quantity(after.lots),
            });
        }
        let more = required(market, after).saturating_sub(required(market, before));
        if more <= Money::ZERO {
            return Ok(());
        }
        let needed = more.saturating_add(after.fees).saturating_sub(before.fees);
        let available = self.funds_at(member, market.currency).available();
        if needed > available {
            let currency = market.money();
            return Err(Rejection::InsufficientFunds {
                needed,
                available,
                currency,
            });
        }
        Ok(())
    }
}

/// Value of the position alone at the mark; at cost where there is no mark yet.
fn position_value(market: &Market, holding: &Holding) -> Money {
    match market.mark() {
        Some(mark) => market.value(mark, holding.lots),
        None => holding.cost,
    }
}

/// What a position adds to equity.
fn worth(market: &Market, holding: &Holding) -> Money {
    let value = position_value(market, holding);
    match market.listing.settlement {
        Settlement::Delivery => value,
        Settlement::Difference => value.saturating_sub(holding.cost),
    }
}

/// Margin of the larger exposure: long with all buys filled, or short with all sales filled.
fn required(market: &Market, holding: &Holding) -> Money {
    let (lots, value) = (holding.lots, position_value(market, holding));
    let exposure = |held: i64, value: Money, orders: &Reserved| {
        if held >= 0 {
            market.required(
                held.saturating_add(orders.lots),
                value.saturating_add(orders.value),
            )
        } else {
            // Orders first close what is held the other way; only what goes beyond is exposed.
            let beyond = orders.lots.saturating_add(held).max(0);
            market.required(
                beyond,
                part(orders.value, beyond, orders.lots.max(1), market.decimals),
            )
        }
    };
    let long = exposure(lots, value, &holding.buys);
    let short = exposure(lots.saturating_neg(), value.negated(), &holding.sells);
    long.max(short)
}
