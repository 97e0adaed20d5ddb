//! From a book's events to reports, trade records, positions, cash and fees. Every trade is settled as it
//! happens, both sides at once: what one account pays the other receives, and fees go to the exchange's own
//! account, so that the sum over all accounts never changes.

use super::book::{BookEvent, Trade};
use super::member::Working;
use super::report::{Fill, Happening, Outbox, Party, Report, TradeRecord};
use super::{Exchange, ListingNo, MemberNo, OrderNo, TradeNo};
use crate::domain::{Money, Side, Timestamp};

/// The exchange's own account: where fees go.
pub(super) const FEE_MEMBER: MemberNo = MemberNo(0);

impl Exchange {
    /// Works through the events of one operation on the book of `listing`.
    pub(super) fn settle(
        &mut self,
        now: Timestamp,
        listing: ListingNo,
        events: &[BookEvent],
        out: &mut Outbox,
    ) {
        if events.is_empty() {
            return;
        }
        self.markets[listing.index()].revision += 1;
        for event in events {
            match *event {
                BookEvent::Accepted { id } => self.report(id, Happening::Accepted, out),
                BookEvent::Trade(trade) => self.settle_trade(now, listing, &trade, out),
                BookEvent::Done { id, why, leaves, .. } => {
                    let leaves = self.markets[listing.index()].quantity(leaves);
                    self.report(id, Happening::Done { why, leaves }, out);
                    self.retire(id);
                }
                BookEvent::Modified { id, leaves, kept } => {
                    let leaves = self.markets[listing.index()].quantity(leaves);
                    self.report(id, Happening::Modified { leaves, kept }, out);
                }
                BookEvent::Triggered { id } => self.report(id, Happening::Triggered, out),
                // Only the exchange enters operations, and it has checked them: there is no one to tell.
                BookEvent::Rejected { .. } => {}
            }
        }
    }

    fn report(&self, id: u64, what: Happening, out: &mut Outbox) {
        if let Some(at) = self.working.find(id) {
            let order = self.working.get(at);
            out.reports.push(Report {
                member: order.member,
                order: OrderNo(id),
                listing: order.listing,
                what,
            });
        }
    }

    /// Ends the accounting of an order and frees what it had reserved.
    fn retire(&mut self, id: u64) {
        let Some(at) = self.working.find(id) else { return };
        let order = *self.working.get(at);
        self.working.remove(at);
        let market = &self.markets[order.listing.index()];
        let holding = self.members[order.member.index()].holding_mut(order.listing);
        holding.release(&order, order.leaves, order.fee_left, market);
    }

    fn settle_trade(&mut self, now: Timestamp, listing: ListingNo, trade: &Trade, out: &mut Outbox) {
        let id = TradeNo(self.next_trade);
        self.next_trade += 1;
        let market = &self.markets[listing.index()];
        let value = market.settled_value(trade.price, trade.qty);
        let (price, quantity) = (market.price(trade.price), market.quantity(trade.qty));
        let side = trade.side;
        let maker = self.settle_side(id, trade, value, (trade.maker, side.opposite()), out);
        let taker = self.settle_side(id, trade, value, (trade.taker, side), out);
        if let (Some(maker), Some(taker)) = (maker, taker) {
            out.trades.push(TradeRecord {
                id,
                listing,
                price,
                quantity,
                aggressor: side,
                maker,
                taker,
                at: now,
            });
        }
    }

    /// Books one side of a trade: order, reserve, position, cash, fee, report.
    #[inline]
    fn settle_side(
        &mut self,
        id: TradeNo,
        trade: &Trade,
        value: Money,
        (order, side): (u64, Side),
        out: &mut Outbox,
    ) -> Option<Party> {
        let order = self.working.find(order).map(|at| self.working.get_mut(at))?;
        let market = &self.markets[order.listing.index()];
        let member = &mut self.members[order.member.index()];
        let before = *order;
        order.leaves -= trade.qty;
        order.filled += trade.qty;
        order.filled_value = order.filled_value.saturating_add(value);
        let fee = if member.unlimited {
            Money::ZERO
        } else {
            charge(order, market)
        };
        let holding = member.holding_mut(order.listing);
        holding.release(
            &before,
            trade.qty,
            before.fee_left.saturating_sub(order.fee_left),
            market,
        );
        let (lots, value) = match side {
            Side::Buy => (trade.qty, value),
            Side::Sell => (-trade.qty, value.negated()),
        };
        let cash = holding.trade(lots, value, market);
        member.credit(market.currency, cash.saturating_sub(fee));
        out.reports.push(Report {
            member: order.member,
            order: OrderNo(order.id),
            listing: order.listing,
            what: Happening::Filled(Fill {
                trade: id,
                side,
                price: market.price(trade.price),
                quantity: market.quantity(trade.qty),
                fee,
                maker: order.id == trade.maker,
                filled: market.quantity(order.filled),
                leaves: market.quantity(order.leaves),
            }),
        });
        let party = Party {
            member: order.member,
            order: OrderNo(order.id),
            fee,
        };
        if fee != Money::ZERO {
            let currency = market.currency;
            self.members[FEE_MEMBER.index()].credit(currency, fee);
        }
        Some(party)
    }
}

/// Charges an order for its latest fill: what the whole order costs by now less what was charged before, so
/// that minimum and rounding apply once an order and not once a fill.
fn charge(order: &mut Working, market: &super::listing::Market) -> Money {
    let fees = &market.listing.fees;
    if fees.is_free() {
        return Money::ZERO;
    }
    let total = fees.total(market.quantity(order.filled), order.filled_value, market.decimals);
    let fee = total.saturating_sub(order.charged);
    order.charged = total;
    order.fee_left = order.fee_left.saturating_sub(fee).max(Money::ZERO);
    fee
}
