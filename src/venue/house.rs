//! What the venue does for whoever runs it, beside its customers' requests: a trial of an order for previews of margin and
//! fee, and a sweep by the house that brings the market to a customer's order.

use super::customers::in_book;
use super::floor::Pit;
use super::ladder::Act;
use super::{Venue, VenueError, VenueEvent};
use crate::domain::{
    AccountId, ClientOrderId, Currency, Money, OrderSpec, Price, Quantity, SafeText, Timestamp,
};
use crate::exchange::{OrderRequest, Outbox};

/// What an order would do to an account, in the instrument's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The currency.
    pub currency: Currency,
    /// Required before and after.
    pub required: (Money, Money),
    /// Cash and positions at the mark, before and after.
    pub equity: (Money, Money),
    /// The fee if all of it trades.
    pub fee: Money,
}

impl Venue {
    /// Tries an order on a copy of the exchange: nothing here changes.
    ///
    /// # Errors
    /// The exchange would refuse it: in words.
    pub fn trial(&self, spec: &OrderSpec, now: Timestamp) -> Result<Trial, SafeText> {
        let unknown = || SafeText::from("the exchange does not list this instrument or have this account");
        let member = self
            .members
            .get(&spec.account.account)
            .copied()
            .ok_or_else(unknown)?;
        let pit = self.pit_named(spec).ok_or_else(unknown)?;
        let currency = pit.listing.instrument.currency;
        let mut copy = self.exchange.clone();
        let before = copy.funds(member, currency).unwrap_or_default();
        let request = OrderRequest {
            side: spec.side,
            kind: spec.kind,
            tif: in_book(spec.tif, None),
            quantity: spec.quantity,
            display: spec.display,
        };
        copy.place(now, member, pit.number, &request, &mut Outbox::default())
            .map_err(|why| SafeText::from(why.to_string()))?;
        let after = copy.funds(member, currency).unwrap_or_default();
        let price = spec.kind.limit().or(spec.kind.trigger());
        let price = price
            .or_else(|| self.exchange.last(pit.number))
            .unwrap_or(Price::ZERO);
        Ok(Trial {
            currency,
            required: (before.required, after.required),
            equity: (before.equity, after.equity),
            fee: self
                .exchange
                .fee(pit.number, spec.quantity, price)
                .unwrap_or(Money::ZERO),
        })
    }

    fn pit_named(&self, spec: &OrderSpec) -> Option<&Pit> {
        self.pits.get(*self.by_instrument.get(&spec.instrument)?)
    }

    /// The house trades through the book until a customer's resting order has been met, with everything that stands
    /// before it; true where there was something to meet. What comes of it is told like any trade.
    ///
    /// # Errors
    /// The books can't be written: as for [`Venue::handle`].
    pub fn sweep(
        &mut self,
        account: AccountId,
        id: ClientOrderId,
        now: Timestamp,
        out: &mut Vec<VenueEvent>,
    ) -> Result<bool, VenueError> {
        self.flush(out)?;
        let now = self.turn(now);
        let order = self
            .ids
            .get(&(account, id))
            .and_then(|number| self.orders.get(number));
        let found = order.filter(|order| order.is_live()).and_then(|order| {
            let pit = *self.by_instrument.get(&order.spec.instrument)?;
            Some((
                pit,
                order.spec.side,
                order.spec.kind.limit()?,
                order.spec.quantity,
            ))
        });
        let Some((pit, side, price, quantity)) = found else {
            return Ok(false);
        };
        let Some(number) = self.pits.get(pit).map(|pit| pit.number) else {
            return Ok(false);
        };
        let better = |level: &Price| match side {
            crate::domain::Side::Buy => *level > price,
            crate::domain::Side::Sell => *level < price,
        };
        let before = self.exchange.levels(number, side);
        let before = before
            .filter(|level| better(&level.price) || level.price == price)
            .fold(Quantity::ZERO, |sum, level| sum.saturating_add(level.quantity));
        let take = Act::Take {
            side: side.opposite(),
            price: Some(price),
            // What an iceberg hides is met as well.
            size: before.saturating_add(quantity),
        };
        self.perform(pit, &[take], now);
        self.tell_books(now);
        self.flush(out)?;
        Ok(true)
    }
}
