//! The simulated exchange: instruments with their order books, accounts with their cash and positions, and the
//! settlement between them. Members speak in prices and quantities; at this edge they become ticks and lots,
//! and inside everything is a whole number.
//!
//! [`book`] matches one instrument and knows nobody. `listing` holds an instrument's terms, `member` an
//! account's holdings, `funds` decides what an account may carry, `settle` turns matches into money. Pure:
//! the clock is an argument, the same calls give the same results. Connections, durable storage and telling one
//! client order id from another are the venue's work, and so is asking twice.

pub mod book;
mod funds;
mod listing;
mod member;
mod order;
mod report;
mod restore;
mod settle;
mod table;
#[cfg(test)]
mod tests;
mod view;

pub use funds::Funds;
pub use listing::{FeeSchedule, Listing, ListingError, MAX_ORDER_VALUE, Margin, Settlement};
pub use order::{OrderRequest, OrderState};
pub use report::{Fill, Happening, Outbox, Party, PutBackError, Rejection, Report, TradeRecord};
pub use view::{Bbo, DepthLevel, DepthView, PositionState};

use crate::domain::{AccountId, Currency, InstrumentId, Money, OrderChange, Side, Timestamp};
use book::{BookEvent, Modify, NO_OWNER, Op, OrderType};
use listing::Market;
use member::{Holding, Member, Working, reserve_price};
use settle::FEE_MEMBER;
use std::collections::BTreeMap;
use table::IdTable;

/// Number of an order: given in sequence across all instruments, never twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderNo(pub u64);

/// Number of a trade: given in sequence, never twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TradeNo(pub u64);

/// Number of a listing at this exchange, in the order they were listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListingNo(u32);

/// Number of an account at this exchange, in the order they joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberNo(u32);

impl ListingNo {
    /// Position among the listings, from 0: for keeping things beside them in a vector.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl MemberNo {
    /// Position among the members, from 0 (the exchange's own account).
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What kind of account joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A customer: pays fees, needs funds, never trades with itself.
    Customer,
    /// The house: stands for many participants, without limit or fee.
    House,
}

/// The exchange.
#[derive(Clone, Debug)]
pub struct Exchange {
    markets: Vec<Market>,
    by_instrument: BTreeMap<InstrumentId, ListingNo>,
    members: Vec<Member>,
    by_account: BTreeMap<AccountId, MemberNo>,
    /// In the order of first use; balances are kept by this index.
    currencies: Vec<Currency>,
    working: IdTable<Working>,
    next_order: u64,
    next_trade: u64,
    /// Events of the operation in hand, kept for their memory.
    events: Vec<BookEvent>,
}

impl Exchange {
    /// An exchange without instruments, and with one account: its own, to which fees go.
    #[must_use]
    pub fn new(fee_account: AccountId) -> Self {
        let mut exchange = Self {
            markets: Vec::new(),
            by_instrument: BTreeMap::new(),
            members: Vec::new(),
            by_account: BTreeMap::new(),
            currencies: Vec::new(),
            working: IdTable::new(),
            next_order: 1,
            next_trade: 1,
            events: Vec::with_capacity(64),
        };
        exchange.join(fee_account, MemberKind::House);
        exchange
    }

    /// The exchange's own account.
    #[must_use]
    pub const fn fee_member(&self) -> MemberNo {
        FEE_MEMBER
    }

    /// Lists an instrument.
    pub fn list(&mut self, listing: Listing) -> Result<ListingNo, ListingError> {
        let id = listing.instrument.id;
        if self.by_instrument.contains_key(&id) {
            return Err(ListingError::Duplicate(id.to_string()));
        }
        let currency = self.currency_no(listing.instrument.currency);
        let market = Market::new(listing, currency)?;
        let number = ListingNo(u32::try_from(self.markets.len()).unwrap_or(u32::MAX));
        self.markets.push(market);
        self.by_instrument.insert(id, number);
        Ok(number)
    }

    /// Lets an account in; one that is in already keeps its number and kind.
    pub fn join(&mut self, account: AccountId, kind: MemberKind) -> MemberNo {
        if let Some(known) = self.by_account.get(&account) {
            return *known;
        }
        let number = MemberNo(u32::try_from(self.members.len()).unwrap_or(u32::MAX));
        let unlimited = kind == MemberKind::House;
        self.members.push(Member {
            account,
            unlimited,
            cash: Vec::new(),
            holdings: Vec::new(),
        });
        self.by_account.insert(account, number);
        number
    }

    /// Adds to a balance; a negative amount takes from it.
    pub fn deposit(&mut self, member: MemberNo, currency: Currency, amount: Money) -> Result<(), Rejection> {
        let currency = self.currency_no(currency);
        let member = self
            .members
            .get_mut(member.index())
            .ok_or(Rejection::UnknownMember)?;
        member.credit(currency, amount);
        Ok(())
    }

    /// Enters an order. It is checked whole (terms, book, funds) before it gets a number; then what it brings
    /// about, its acceptance first, is appended to `out`. Before that come the ends of orders in the same book
    /// whose date has come by `now`, and these also where the new order is refused for want of funds.
    pub fn place(
        &mut self,
        now: Timestamp,
        member: MemberNo,
        listing: ListingNo,
        request: &OrderRequest,
        out: &mut Outbox,
    ) -> Result<OrderNo, Rejection> {
        let account = self.members.get(member.index()).ok_or(Rejection::UnknownMember)?;
        let market = self
            .markets
            .get(listing.index())
            .ok_or(Rejection::UnknownListing)?;
        let (id, owner) = (self.next_order, account.owner(member));
        let order = order::to_book(market, request, id, owner)?;
        market.book.check(now.0, &order).map_err(Rejection::Book)?;
        // Dates that have come free what their orders had reserved.
        self.turn_clock(now, listing, out);
        let (account, market) = (&self.members[member.index()], &self.markets[listing.index()]);
        let mut working = Working {
            id,
            member,
            listing,
            side: order.side,
            leaves: order.qty,
            filled: 0,
            price: reserve_price(market, order.side, order.order_type, order.qty, owner),
            filled_value: Money::ZERO,
            charged: Money::ZERO,
            fee_left: Money::ZERO,
        };
        if !account.unlimited {
            working.expect_fees(market);
        }
        let before = account.holding(listing);
        let after = enlarged(&before, &working, market)?;
        self.affordable(account, market, &before, &after)?;
        *self.members[member.index()].holding_mut(listing) = after;
        self.working.insert(working);
        self.next_order += 1;
        self.apply(now, listing, &Op::New(order), out);
        Ok(OrderNo(id))
    }

    /// Cancels a live order of `member`.
    pub fn cancel(
        &mut self,
        now: Timestamp,
        member: MemberNo,
        order: OrderNo,
        out: &mut Outbox,
    ) -> Result<(), Rejection> {
        let listing = self.own(member, order)?.listing;
        self.turn_clock(now, listing, out);
        self.own(member, order)?;
        self.apply(now, listing, &Op::Cancel { id: order.0 }, out);
        Ok(())
    }

    /// Changes a live order of `member`; what is absent stays, a price that the order's kind lacks is ignored.
    /// A smaller quantity at the same price keeps the place in the queue. A quantity that is filled already
    /// cancels the rest.
    pub fn modify(
        &mut self,
        now: Timestamp,
        member: MemberNo,
        order: OrderNo,
        change: &OrderChange,
        out: &mut Outbox,
    ) -> Result<(), Rejection> {
        let listing = self.own(member, order)?.listing;
        self.turn_clock(now, listing, out);
        let old = *self.own(member, order)?;
        let market = &self.markets[listing.index()];
        let view = self.book_order(listing, order.0).ok_or(Rejection::UnknownOrder)?;
        let asked = change.applied_to(order::kind_of(market, view.order_type));
        let ticks = |price: Option<_>| price.map(|price| market.ticks(price, old.side)).transpose();
        let (price, stop) = (ticks(asked.limit())?, ticks(asked.trigger())?);
        let qty = change
            .quantity
            .map(|quantity| market.lots(quantity))
            .transpose()?;
        let leaves = qty.map_or(old.leaves, |qty| qty - old.filled);
        if leaves > 0 {
            let order_type = with_prices(view.order_type, price, stop);
            let account = &self.members[member.index()];
            let mut new = old;
            new.leaves = leaves;
            new.price = reserve_price(market, old.side, order_type, leaves, account.owner(member));
            new.fee_left = Money::ZERO;
            if !account.unlimited {
                new.expect_fees(market);
            }
            let before = account.holding(listing);
            let mut without = before;
            without.release(&old, old.leaves, old.fee_left, market);
            let after = enlarged(&without, &new, market)?;
            self.affordable(account, market, &before, &after)?;
            *self.members[member.index()].holding_mut(listing) = after;
            if let Some(at) = self.working.find(order.0) {
                *self.working.get_mut(at) = new;
            }
        }
        self.apply(
            now,
            listing,
            &Op::Modify(Modify {
                id: order.0,
                qty,
                price,
                stop,
            }),
            out,
        );
        Ok(())
    }

    /// Moves the clock of every book: orders whose date has come end.
    pub fn advance(&mut self, now: Timestamp, out: &mut Outbox) {
        for listing in (0..).map(ListingNo).take(self.markets.len()) {
            self.turn_clock(now, listing, out);
        }
    }

    /// When [`Exchange::advance`] will next have something to do.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.markets
            .iter()
            .filter_map(|market| market.book.next_expiry())
            .min()
            .map(Timestamp)
    }

    /// Ends the trading day of one instrument: its DAY orders end.
    pub fn end_session(
        &mut self,
        now: Timestamp,
        listing: ListingNo,
        out: &mut Outbox,
    ) -> Result<(), Rejection> {
        self.market(listing).ok_or(Rejection::UnknownListing)?;
        self.apply(now, listing, &Op::SessionEnd, out);
        Ok(())
    }

    fn turn_clock(&mut self, now: Timestamp, listing: ListingNo, out: &mut Outbox) {
        let book = &self.markets[listing.index()].book;
        if book.next_expiry().is_some_and(|at| at <= now.0) {
            self.apply(now, listing, &Op::Time, out);
        }
    }

    /// Does one operation on a book and settles what happened.
    fn apply(&mut self, now: Timestamp, listing: ListingNo, op: &Op, out: &mut Outbox) {
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        self.markets[listing.index()].book.apply(now.0, op, &mut events);
        self.settle(now, listing, &events, out);
        self.events = events;
    }

    fn own(&self, member: MemberNo, order: OrderNo) -> Result<&Working, Rejection> {
        let at = self.working.find(order.0).ok_or(Rejection::UnknownOrder)?;
        let order = self.working.get(at);
        if order.member == member {
            Ok(order)
        } else {
            Err(Rejection::UnknownOrder)
        }
    }

    fn currency_no(&mut self, currency: Currency) -> usize {
        if let Some(known) = self.currencies.iter().position(|known| *known == currency) {
            return known;
        }
        self.currencies.push(currency);
        self.currencies.len() - 1
    }
}

impl Member {
    /// The party that a book sees behind the orders of this member.
    fn owner(&self, number: MemberNo) -> u32 {
        if self.unlimited { NO_OWNER } else { number.0 }
    }
}

/// A holding with one more working order; refused where its sums would leave their types.
fn enlarged(before: &Holding, order: &Working, market: &Market) -> Result<Holding, Rejection> {
    let mut after = *before;
    let value = market.value(order.price, order.leaves);
    let lots = [after.lots.abs(), after.buys.lots, after.sells.lots, order.leaves];
    let sum = lots.into_iter().try_fold(0i64, i64::checked_add);
    if value > MAX_ORDER_VALUE || sum.is_none_or(|sum| sum > market.max_lots()) {
        return Err(Rejection::TooLarge);
    }
    after.reserve(order, market);
    Ok(after)
}

/// An order type with changed prices.
const fn with_prices(order_type: OrderType, new_price: Option<i64>, new_stop: Option<i64>) -> OrderType {
    match (order_type, new_price, new_stop) {
        (OrderType::Limit { .. }, Some(price), _) => OrderType::Limit { price },
        (OrderType::Stop { .. }, _, Some(stop)) => OrderType::Stop { stop },
        (OrderType::StopLimit { .. }, Some(price), Some(stop)) => OrderType::StopLimit { stop, price },
        _ => order_type,
    }
}
