//! Looking at the exchange: prices, depth, accounts, positions, live orders. Reads only.

use super::book::OrderView;
use super::listing::Market;
use super::order::{OrderRequest, OrderState, kind_of, tif_of};
use super::{Exchange, ListingNo, MemberNo, OrderNo};
use crate::domain::{AccountId, Currency, Instrument, InstrumentId, Money, Price, Quantity, Side};

/// One price level as everybody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthLevel {
    /// Price.
    pub price: Price,
    /// On display, held at the end of the range.
    pub quantity: Quantity,
    /// Number of orders.
    pub orders: u32,
}

/// Best bid and offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bbo {
    /// Highest buy level.
    pub bid: Option<DepthLevel>,
    /// Lowest sell level.
    pub ask: Option<DepthLevel>,
}

/// The best levels of both sides, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DepthView {
    /// Buy side.
    pub bids: Vec<DepthLevel>,
    /// Sell side.
    pub asks: Vec<DepthLevel>,
}

/// A position in the exchange's own books, by average cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionState {
    /// In what.
    pub listing: ListingNo,
    /// What is held; negative is short.
    pub quantity: Quantity,
    /// What it cost; negative for a short.
    pub cost: Money,
    /// Profit of what was closed, before fees.
    pub realized: Money,
}

impl Exchange {
    /// The number under which an instrument is listed.
    #[must_use]
    pub fn find_listing(&self, instrument: InstrumentId) -> Option<ListingNo> {
        self.by_instrument.get(&instrument).copied()
    }

    /// The number of an account.
    #[must_use]
    pub fn find_member(&self, account: AccountId) -> Option<MemberNo> {
        self.by_account.get(&account).copied()
    }

    /// The account behind a number.
    #[must_use]
    pub fn account(&self, member: MemberNo) -> Option<AccountId> {
        self.members.get(member.index()).map(|member| member.account)
    }

    /// The instrument behind a number.
    #[must_use]
    pub fn instrument(&self, listing: ListingNo) -> Option<&Instrument> {
        self.market(listing).map(|market| &market.listing.instrument)
    }

    /// All listings in the order they were listed.
    pub fn listings(&self) -> impl Iterator<Item = ListingNo> {
        (0..).map(ListingNo).take(self.markets.len())
    }

    pub(super) fn market(&self, listing: ListingNo) -> Option<&Market> {
        self.markets.get(listing.index())
    }

    /// Goes up with every operation that changed something in a book: while it stays, so do prices and depth.
    #[must_use]
    pub fn revision(&self, listing: ListingNo) -> u64 {
        self.market(listing).map_or(0, |market| market.revision)
    }

    /// Price of the last trade.
    #[must_use]
    pub fn last(&self, listing: ListingNo) -> Option<Price> {
        let market = self.market(listing)?;
        market.book.last().map(|ticks| market.price(ticks))
    }

    /// What an order of `quantity` costs in fees once all of it has traded at `price`.
    #[must_use]
    pub fn fee(&self, listing: ListingNo, quantity: Quantity, price: Price) -> Option<Money> {
        let market = self.market(listing)?;
        let value = price.notional(quantity, market.listing.instrument.multiplier)?;
        Some(market.listing.fees.total(quantity, value, market.decimals))
    }

    /// Best bid and offer.
    #[must_use]
    pub fn bbo(&self, listing: ListingNo) -> Bbo {
        let best = |side| self.levels(listing, side).next();
        Bbo {
            bid: best(Side::Buy),
            ask: best(Side::Sell),
        }
    }

    /// The best `levels` prices of both sides (five and ten are customary).
    #[must_use]
    pub fn depth(&self, listing: ListingNo, levels: usize) -> DepthView {
        let side = |side| self.levels(listing, side).take(levels).collect();
        DepthView {
            bids: side(Side::Buy),
            asks: side(Side::Sell),
        }
    }

    /// Price levels of one side, best first.
    pub fn levels(&self, listing: ListingNo, side: Side) -> impl Iterator<Item = DepthLevel> {
        self.market(listing).into_iter().flat_map(move |market| {
            market.book.levels(side).map(|level| DepthLevel {
                price: market.price(level.price),
                quantity: market.level_quantity(level.qty),
                orders: level.orders,
            })
        })
    }

    /// Balances of an account, currencies in the order they were first listed.
    #[must_use]
    pub fn cash(&self, member: MemberNo) -> Vec<(Currency, Money)> {
        let Some(member) = self.members.get(member.index()) else {
            return Vec::new();
        };
        self.currencies
            .iter()
            .copied()
            .zip(member.cash.iter().copied())
            .collect()
    }

    /// Positions of an account that are not flat or have realised something.
    #[must_use]
    pub fn positions(&self, member: MemberNo) -> Vec<PositionState> {
        self.listings()
            .filter_map(|listing| self.position(member, listing))
            .filter(|p| !p.quantity.is_zero() || p.realized != Money::ZERO)
            .collect()
    }

    /// The position of an account in one instrument; `None` for an unknown account or listing.
    #[must_use]
    pub fn position(&self, member: MemberNo, listing: ListingNo) -> Option<PositionState> {
        let market = self.market(listing)?;
        let holding = self.members.get(member.index())?.holding(listing);
        Some(PositionState {
            listing,
            quantity: market.quantity(holding.lots),
            cost: holding.cost,
            realized: holding.realized,
        })
    }

    /// A live order, whoever it belongs to.
    #[must_use]
    pub fn order(&self, order: OrderNo) -> Option<OrderState> {
        let working = self.working.get(self.working.find(order.0)?);
        let market = self.market(working.listing)?;
        let view = market.book.order(order.0)?;
        Some(OrderState {
            order,
            member: working.member,
            listing: working.listing,
            request: OrderRequest {
                side: view.side,
                kind: kind_of(market, view.order_type),
                tif: tif_of(view.tif),
                quantity: market.quantity(view.total),
                display: view.display.map(|lots| market.quantity(lots)),
            },
            filled: market.quantity(working.filled),
            filled_value: working.filled_value,
            fees: working.charged,
            visible: market.quantity(view.visible),
        })
    }

    /// Live orders of an account by number.
    #[must_use]
    pub fn orders(&self, member: MemberNo) -> Vec<OrderState> {
        let own = self.working.iter().filter(|order| order.member == member);
        let mut own: Vec<OrderState> = own.filter_map(|order| self.order(OrderNo(order.id))).collect();
        own.sort_unstable_by_key(|state| state.order);
        own
    }

    /// Live orders of a book in the order in which [`Exchange::restore_order`] must be given them: queues from
    /// the front, then pending stops by acceptance.
    #[must_use]
    pub fn orders_in(&self, listing: ListingNo) -> Vec<OrderState> {
        let Some(market) = self.market(listing) else {
            return Vec::new();
        };
        let resting = [Side::Buy, Side::Sell]
            .into_iter()
            .flat_map(|side| market.book.queues(side));
        let mut ids: Vec<u64> = resting
            .flat_map(|queue| queue.orders)
            .map(|order| order.0)
            .collect();
        ids.extend(market.book.pending_stops());
        ids.into_iter().filter_map(|id| self.order(OrderNo(id))).collect()
    }

    /// The book's view of a live order, in ticks and lots.
    pub(super) fn book_order(&self, listing: ListingNo, id: u64) -> Option<OrderView> {
        self.market(listing)?.book.order(id)
    }

    /// All cash of a currency in all accounts, less what positions settled by difference cost: the sum that
    /// no trade and no fee changes, only deposits and restored accounts.
    #[must_use]
    pub fn total(&self, currency: Currency) -> Money {
        let Some(at) = self.currencies.iter().position(|known| *known == currency) else {
            return Money::ZERO;
        };
        self.members.iter().fold(Money::ZERO, |sum, member| {
            let differences = self.markets.iter().zip(&member.holdings).filter(|(market, _)| {
                market.currency == at && market.listing.settlement == super::Settlement::Difference
            });
            let cost = differences.fold(Money::ZERO, |cost, (_, h)| cost.saturating_add(h.cost));
            sum.saturating_add(member.balance(at)).saturating_sub(cost)
        })
    }
}
