//! An order in place of others: they end and it begins in one step, before anything else can trade. What is closed by
//! either is never closed by both.

use super::Venue;
use crate::domain::{ClientOrderId, OrderSpec, Quantity, SafeText, Timestamp};
use crate::exchange::{MemberNo, OrderNo};

impl Venue {
    /// Ends the orders that a new one takes the place of. Nothing is touched where the new one could not be entered, or
    /// where one of them is gone or smaller than its owner thinks: then the new order is too large.
    ///
    /// # Errors
    /// Why nothing was touched, in words.
    pub(super) fn make_way(
        &mut self,
        member: MemberNo,
        spec: &OrderSpec,
        instead: &[(ClientOrderId, Quantity)],
        now: Timestamp,
    ) -> Result<(), SafeText> {
        if instead.is_empty() {
            return Ok(());
        }
        let pit = self
            .by_instrument
            .get(&spec.instrument)
            .and_then(|pit| self.pits.get(*pit));
        let listed = pit.is_some_and(|pit| {
            let expires = pit.listing.instrument.expires;
            !pit.expired && expires.is_none_or(|at| at > now)
        });
        if !listed {
            return Err(format!("{} is not traded here any more", spec.instrument).into());
        }
        let mut numbers = Vec::new();
        for (id, left) in instead {
            let number = self.ids.get(&(spec.account.account, *id)).copied();
            let order = number
                .and_then(|number| self.orders.get(&number))
                .filter(|order| order.is_live() && order.spec.instrument == spec.instrument);
            let (Some(number), Some(order)) = (number, order) else {
                return Err(format!("{id}, which it takes the place of, has ended").into());
            };
            if order.spec.quantity.saturating_sub(order.filled) < *left {
                return Err(format!("{id}, which it takes the place of, has less left than {left}").into());
            }
            numbers.push(number);
        }
        for number in numbers {
            self.exchange
                .cancel(now, member, OrderNo(number), &mut self.outbox)
                .map_err(|why| SafeText::from(why.to_string()))?;
        }
        // They are told of, and out of the books, before the new one is.
        self.absorb(now, None);
        Ok(())
    }
}
