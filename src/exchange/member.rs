//! What the exchange keeps of each account: cash by currency, and by instrument the position with its cost and
//! what working orders have reserved. Moves by trades alone; deciding what is allowed is left to
//! [`super::funds`].

use super::book::OrderType;
use super::listing::{Market, Settlement};
use super::table::Keyed;
use super::{ListingNo, MemberNo, Side};
use crate::domain::{AccountId, Money};

/// One account at the exchange.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub account: AccountId,
    /// Part of the house: no funds check, no fees, and not one party but many, so free to trade with itself.
    pub unlimited: bool,
    /// By number of the currency.
    pub cash: Vec<Money>,
    /// By number of the listing.
    pub holdings: Vec<Holding>,
}

impl Member {
    /// Adds to a balance.
    #[inline]
    pub fn credit(&mut self, currency: usize, amount: Money) {
        if self.cash.len() <= currency {
            self.cash.resize(currency + 1, Money::ZERO);
        }
        self.cash[currency] = self.cash[currency].saturating_add(amount);
    }

    pub fn balance(&self, currency: usize) -> Money {
        self.cash.get(currency).copied().unwrap_or(Money::ZERO)
    }

    #[inline]
    pub fn holding(&self, listing: ListingNo) -> Holding {
        self.holdings.get(listing.index()).copied().unwrap_or_default()
    }

    #[inline]
    pub fn holding_mut(&mut self, listing: ListingNo) -> &mut Holding {
        let at = listing.index();
        if self.holdings.len() <= at {
            self.holdings.resize(at + 1, Holding::default());
        }
        &mut self.holdings[at]
    }
}

/// A position and what works toward changing it. Money in the instrument's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    /// Negative is short.
    pub lots: i64,
    /// What the position cost; negative for a short.
    pub cost: Money,
    /// Profit of what was closed, before fees.
    pub realized: Money,
    /// Working buy orders.
    pub buys: Reserved,
    /// Working sell orders.
    pub sells: Reserved,
    /// Fees that the working orders will cost if they fill whole.
    pub fees: Money,
}

/// Working orders of one side at full size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reserved {
    pub lots: i64,
    pub value: Money,
}

impl Holding {
    #[inline]
    pub fn reserved_mut(&mut self, side: Side) -> &mut Reserved {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    /// Binds what an order may come to.
    #[inline]
    pub fn reserve(&mut self, order: &Working, market: &Market) {
        let reserved = self.reserved_mut(order.side);
        reserved.lots += order.leaves;
        reserved.value = reserved
            .value
            .saturating_add(market.value(order.price, order.leaves));
        self.fees = self.fees.saturating_add(order.fee_left);
    }

    /// Sets free what `lots` of an order had bound, and `fee` of its fees.
    #[inline]
    pub fn release(&mut self, order: &Working, lots: i64, fee: Money, market: &Market) {
        let reserved = self.reserved_mut(order.side);
        reserved.lots -= lots;
        reserved.value = reserved.value.saturating_sub(market.value(order.price, lots));
        self.fees = self.fees.saturating_sub(fee);
    }

    /// Books one side of a trade of signed `lots` worth `value` (same sign) at average cost, and gives the cash
    /// that comes in, negative for what goes out. Whatever the rounding, with [`Settlement::Difference`] cash
    /// less cost changes by exactly `-value`, and with [`Settlement::Delivery`] cash does: so the two sides of a
    /// trade cancel out.
    #[inline]
    pub fn trade(&mut self, lots: i64, value: Money, market: &Market) -> Money {
        let mut opening = value;
        let mut profit = Money::ZERO;
        if self.lots != 0 && (self.lots < 0) != (lots < 0) {
            let closed = lots.abs().min(self.lots.abs());
            let basis = part(self.cost, closed, self.lots.abs(), market.decimals);
            let closing = part(value, closed, lots.abs(), market.decimals);
            profit = closing.saturating_add(basis).negated();
            self.cost = self.cost.saturating_sub(basis);
            opening = value.saturating_sub(closing);
        }
        self.cost = self.cost.saturating_add(opening);
        self.lots += lots;
        self.realized = self.realized.saturating_add(profit);
        match market.listing.settlement {
            Settlement::Delivery => value.negated(),
            Settlement::Difference => profit,
        }
    }
}

/// `amount` × `of` ÷ `whole`, half-even to the minor unit; exact where it is the whole.
#[inline]
pub(super) fn part(amount: Money, of: i64, whole: i64, decimals: u32) -> Money {
    if of == whole {
        return amount;
    }
    let (of, whole) = (i128::from(of), i128::from(whole));
    // Two steps, neither of which can leave the range: of < whole, and the rest is below whole.
    let (each, rest) = (amount.raw() / whole, amount.raw() % whole);
    Money::from_raw(each * of + rest * of / whole).round_to(decimals)
}

/// A live order as the exchange accounts for it; where it stands in the queue is the book's knowledge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Working {
    pub id: u64,
    pub member: MemberNo,
    pub listing: ListingNo,
    pub side: Side,
    /// Lots still open.
    pub leaves: i64,
    /// Lots filled.
    pub filled: i64,
    /// Price at which open lots are reserved, in ticks.
    pub price: i64,
    /// Value of what was filled.
    pub filled_value: Money,
    /// Fees charged so far.
    pub charged: Money,
    /// Fees reserved for the rest.
    pub fee_left: Money,
}

impl Keyed for Working {
    #[inline]
    fn id(&self) -> u64 {
        self.id
    }
}

impl Working {
    /// Sets the reserved fee to what the order will still cost if the rest fills at its reserved price.
    pub fn expect_fees(&mut self, market: &Market) {
        let fees = &market.listing.fees;
        if fees.is_free() {
            return;
        }
        let value = self
            .filled_value
            .saturating_add(market.value(self.price, self.leaves));
        let total = fees.total(market.quantity(self.filled + self.leaves), value, market.decimals);
        self.fee_left = total.saturating_sub(self.charged).max(Money::ZERO);
    }
}

/// The price at which an order of `lots` is reserved, in ticks: a buy at the most it may pay, a sale at no less
/// than it will bring. A market order is taken at the worst price it would meet in the book now, a stop at its
/// trigger (what it pays beyond that is the risk of such orders).
pub(super) fn reserve_price(market: &Market, side: Side, kind: OrderType, lots: i64, owner: u32) -> i64 {
    let book = &market.book;
    let own = match kind {
        OrderType::Limit { price } | OrderType::StopLimit { price, .. } => price,
        OrderType::Stop { stop } => stop,
        OrderType::Market => book.worst_price(side, lots, owner).or(market.mark()).unwrap_or(0),
    };
    match side {
        Side::Buy => own,
        Side::Sell => own.max(book.best_bid().unwrap_or(own)),
    }
}
