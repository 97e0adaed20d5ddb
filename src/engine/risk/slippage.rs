//! The collar over a session: what executions cost against the market as it was when their orders were sent. One order's price is
//! held by the collar of `price`; this is for many that each pass.

use super::Check;
use super::day::{RiskDay, Standing, part};
use super::worth::money;
use crate::domain::{AccountKey, Currency, Limits, Money, Order, OrderSpec};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::history::Hoped;
use crate::engine::state::State;
use crate::engine::worth;
use crate::market::Market;

/// What a session's executions cost so, in the base currency; what was better than hoped for makes up for nothing.
///
/// # Errors
/// A currency has no rate.
pub fn slipped(
    state: &State,
    market: &Market,
    key: AccountKey,
    day: &RiskDay,
    base: Currency,
) -> Result<Money, String> {
    let mut sum = Money::ZERO;
    for ((_, id), ledger) in state.ledgers.iter().filter(|((owner, _), _)| *owner == key) {
        let Some(instrument) = state.instruments.get(id) else {
            continue;
        };
        let since = ledger
            .executions
            .iter()
            .filter(|execution| execution.at >= day.from);
        let cost = since.fold(Money::ZERO, |cost, execution| {
            let order = execution.order.and_then(|id| state.orders.get(&id));
            let worse = order
                .and_then(hoped)
                .and_then(|hoped| hoped.slippage(execution.side, execution.price));
            let worse = worse.filter(|worse| worse.raw() > 0);
            let value = worse.and_then(|worse| worse.notional(execution.quantity, instrument.multiplier));
            cost.saturating_add(value.unwrap_or_default())
        });
        if cost > Money::ZERO {
            let cost = worth::convert(state, market, cost, instrument.currency, base)?;
            sum = sum.saturating_add(cost.amount);
        }
    }
    Ok(sum)
}

/// A stop waits for its trigger: that is what it is held against.
fn hoped(order: &Order) -> Option<Hoped> {
    match order.spec.kind.trigger() {
        Some(trigger) => Some(Hoped::Limit(trigger)),
        None => Hoped::of(order),
    }
}

impl Check<'_> {
    /// What the session's executions have cost in this moment.
    pub(super) fn slippage(
        &self,
        spec: &OrderSpec,
        standing: &Standing,
        limits: &Limits,
    ) -> Result<(), Denial> {
        if limits.max_slippage_bps == 0 {
            return Ok(());
        }
        let most = part(standing.day.opening, limits.max_slippage_bps);
        let slipped = slipped(
            self.state,
            self.market,
            spec.account,
            &standing.day,
            standing.base,
        );
        let slipped = slipped.map_err(|what| Denial::new(DenialCode::WorthUnknown, what))?;
        if slipped <= most {
            return Ok(());
        }
        let text = format!(
            "executions of this session cost {} against the market they were sent at, the limit is {}; only cancels and reducing orders pass until {}",
            money(slipped, standing.base),
            money(most, standing.base),
            standing.day.until
        );
        Err(Denial::new(DenialCode::Slippage, text))
    }
}
