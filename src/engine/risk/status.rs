//! What the market allows of an instrument at this moment: nothing is opened at the market while trading in it is halted, and
//! a short sale under the rule that restricts them has to be above the bid. Exits are never held up by either.

use super::Check;
use crate::domain::{Instrument, OrderKind, OrderSpec, Price, Quantity, Side, TimeInForce};
use crate::engine::command::{Denial, DenialCode};
use crate::market::{Quality, short_sale};

impl Check<'_> {
    /// How much can be sold before it is short: what is held less what works to sell it, but for `own` of the order itself.
    fn free_to_sell(&self, spec: &OrderSpec, own: Quantity) -> Quantity {
        let held = self.state.position(spec.account, spec.instrument).quantity;
        let selling = self.state.working_sells(spec.account, spec.instrument);
        let selling = selling.saturating_sub(own);
        Quantity::from_raw(held.saturating_sub(selling).raw().max(0))
    }

    /// An entry without a price does not go into a halt: it would take whatever price the reopening has. A limit waits.
    pub(super) fn not_halted(&self, spec: &OrderSpec, instrument: &Instrument) -> Result<(), Denial> {
        let quote = self.market.quote(instrument.id);
        let halted = quote.is_some_and(|quote| quote.quality == Quality::Halted);
        let auction = matches!(
            spec.kind,
            OrderKind::MarketOnClose | OrderKind::LimitOnClose { .. }
        );
        let priced = spec.kind.limit().is_some() || auction || spec.tif == TimeInForce::Opg;
        if !halted || priced || spec.kind.is_stop() {
            return Ok(());
        }
        let text = format!(
            "trading in {} is halted: at the market it would take any price of the reopening; a limit waits for it",
            instrument.id
        );
        Err(Denial::new(DenialCode::InstrumentHalted, text))
    }

    /// A short sale is above the best bid while the rule restricts them. A stop with a limit is the exchange's to price.
    /// `own` is what a change's order has left: it is no second one.
    pub(super) fn above_the_bid(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        own: Quantity,
    ) -> Result<(), Denial> {
        let free = self.free_to_sell(spec, own);
        if spec.side == Side::Buy || spec.parent.is_some() || free >= spec.quantity {
            return Ok(());
        }
        let at = self.market.venue_time(instrument.id).unwrap_or(self.now);
        let Some(rule) = short_sale::restricted(self.market, instrument, at) else {
            return Ok(());
        };
        let bid = self.market.quote(instrument.id).and_then(|quote| quote.bid);
        let passes = bid.map(|(bid, _)| instrument.ticks.step(bid, 1));
        let ok = match (spec.kind, passes) {
            (OrderKind::StopLimit { .. } | OrderKind::TrailLimit { .. }, _) => true,
            (OrderKind::Limit { price }, Some(passes)) => price >= passes,
            (OrderKind::Limit { .. }, None) => true,
            _ => false,
        };
        if ok {
            return Ok(());
        }
        let near = passes.map_or_else(String::new, |passes: Price| {
            format!(" of {}", instrument.show(passes))
        });
        let text = format!(
            "short sales of {} are restricted until {} (it fell from {} to {}): they have to be above the bid; a limit{near} would pass",
            instrument.id,
            rule.until,
            instrument.show(rule.close),
            instrument.show(rule.low)
        );
        let denial = Denial::new(DenialCode::ShortRestricted, text);
        Err(match passes {
            Some(passes) => denial.near(passes),
            None => denial,
        })
    }
}
