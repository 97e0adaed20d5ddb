//! Coming back after a restart: accounts and live orders are put back as they stood, nothing is matched and
//! nobody is told. Keeping them on disk in the meantime is the venue's work.

use super::book::{RestoreError, RestoredOrder};
use super::listing::Market;
use super::member::{Holding, Working, reserve_price};
use super::order::{OrderState, to_book};
use super::report::{PutBackError, Rejection};
use super::{Currency, Exchange, ListingNo, MemberNo, PositionState};
use crate::domain::{Money, Price, Quantity};

impl Exchange {
    /// Sets an account's balances and positions, whatever they were. Call it before the account's orders are
    /// put back. On error nothing has changed.
    pub fn restore_account(
        &mut self,
        member: MemberNo,
        cash: &[(Currency, Money)],
        positions: &[PositionState],
    ) -> Result<(), Rejection> {
        let account = self.members.get(member.index()).ok_or(Rejection::UnknownMember)?;
        let mut holdings = account.holdings.clone();
        for holding in &mut holdings {
            (holding.lots, holding.cost, holding.realized) = (0, Money::ZERO, Money::ZERO);
        }
        for position in positions {
            let at = position.listing.index();
            let market = self.markets.get(at).ok_or(Rejection::UnknownListing)?;
            if holdings.len() <= at {
                holdings.resize(at + 1, Holding::default());
            }
            let held = &mut holdings[at];
            held.lots = signed_lots(market, position.quantity)?;
            (held.cost, held.realized) = (position.cost, position.realized);
        }
        let cash: Vec<_> = cash
            .iter()
            .map(|(money, amount)| (self.currency_no(*money), *amount))
            .collect();
        let account = &mut self.members[member.index()];
        account.holdings = holdings;
        account.cash.clear();
        for (currency, amount) in cash {
            account.credit(currency, amount);
        }
        Ok(())
    }

    /// Puts a live order back as [`Exchange::order`] told it, behind those already in its queue, without
    /// matching and without asking for funds. Numbers of later orders go on above it.
    pub fn restore_order(&mut self, state: &OrderState) -> Result<(), PutBackError> {
        let member = self
            .members
            .get(state.member.index())
            .ok_or(Rejection::UnknownMember)?;
        let owner = member.owner(state.member);
        let market = self
            .markets
            .get_mut(state.listing.index())
            .ok_or(Rejection::UnknownListing)?;
        let id = state.order.0;
        let order = to_book(market, &state.request, id, owner)?;
        let leaves = market.lots(state.leaves())?;
        let restored = RestoredOrder {
            order,
            leaves,
            visible: order.display.and(Some(market.lots(state.visible)?)),
            entry: id,
        };
        market.book.restore(&restored).map_err(|why| match why {
            RestoreError::Invalid(why) => PutBackError::Refused(Rejection::Book(why)),
            other => PutBackError::CannotRest(other),
        })?;
        let mut working = Working {
            id,
            member: state.member,
            listing: state.listing,
            side: order.side,
            leaves,
            filled: order.qty - leaves,
            price: reserve_price(market, order.side, order.order_type, leaves, owner),
            filled_value: state.filled_value,
            charged: state.fees,
            fee_left: Money::ZERO,
        };
        working.expect_fees(market);
        self.members[state.member.index()]
            .holding_mut(state.listing)
            .reserve(&working, market);
        self.working.insert(working);
        self.next_order = self.next_order.max(id.saturating_add(1));
        Ok(())
    }

    /// Sets the price that stops are compared with and positions valued at until the first trade: the last
    /// trade before the restart, or a reference price on a first day (`as_last` false: stops ignore it).
    pub fn restore_price(
        &mut self,
        listing: ListingNo,
        price: Price,
        as_last: bool,
    ) -> Result<(), Rejection> {
        let market = self
            .markets
            .get_mut(listing.index())
            .ok_or(Rejection::UnknownListing)?;
        let ticks = market.ticks(price, crate::domain::Side::Buy)?;
        market.reference = Some(ticks);
        if as_last {
            market.book.restore_last(Some(ticks));
        }
        Ok(())
    }

    /// Raises the numbers given to the next order and trade, so that none is given twice across restarts.
    pub fn resume_numbers(&mut self, next_order: u64, next_trade: u64) {
        self.next_order = self.next_order.max(next_order);
        self.next_trade = self.next_trade.max(next_trade);
    }

    /// The numbers that the next order and trade will have.
    #[must_use]
    pub fn next_numbers(&self) -> (u64, u64) {
        (self.next_order, self.next_trade)
    }
}

/// A position in lots.
fn signed_lots(market: &Market, quantity: Quantity) -> Result<i64, Rejection> {
    if quantity.is_zero() {
        return Ok(0);
    }
    let lots = market.lots(quantity.abs())?;
    Ok(if quantity.is_negative() { -lots } else { lots })
}
