//! How often: equal orders close together, and orders in a short time.

use super::Check;
use crate::domain::OrderSpec;
use crate::engine::command::{Denial, DenialCode};
use crate::engine::fold::named_price;
use crate::engine::planted::{Bug, planted};
use crate::engine::state::AccountState;
use std::time::Duration;

impl Check<'_> {
    /// `closes` are the orders of the same command that close what `spec` may be on the other side of: the two halves of a
    /// reversal are equal by nature.
    pub(super) fn duplicate(
        &self,
        spec: &OrderSpec,
        account: &AccountState,
        closes: &[OrderSpec],
    ) -> Result<(), Denial> {
        let window = Duration::from_millis(self.limits(spec).duplicate_window_ms);
        let price = named_price(spec);
        let same = account
            .recent
            .iter()
            .rev()
            .take_while(|s| self.now.since(s.at) < window)
            .filter(|s| {
                s.instrument == spec.instrument
                    && s.side == spec.side
                    && s.quantity == spec.quantity
                    && s.price == price
            })
            .count();
        let halves = closes
            .iter()
            .filter(|close| {
                close.account == spec.account
                    && close.instrument == spec.instrument
                    && close.side == spec.side
                    && close.quantity == spec.quantity
                    && named_price(close) == price
            })
            .count();
        if same <= halves || planted(Bug::DoubleEnter) {
            return Ok(());
        }
        let text = format!(
            "an equal order was sent less than {} ms ago; wait a moment or change it",
            window.as_millis()
        );
        Err(Denial::new(DenialCode::Duplicate, text))
    }

    pub(super) fn rate(&self, account: &AccountState) -> Result<(), Denial> {
        let limits = self.state.limits_of(account.account.key);
        let (burst, per_second) = (limits.rate_burst as usize, limits.rate_per_second.max(1));
        let window = Duration::from_secs(burst.max(1) as u64)
            .checked_div(per_second)
            .unwrap_or_default();
        let recent = account
            .recent
            .iter()
            .rev()
            .take_while(|s| self.now.since(s.at) < window)
            .count();
        if recent < burst || planted(Bug::RateNotHeld) {
            return Ok(());
        }
        let text = format!(
            "{recent} orders within {} ms; {burst} at once and {per_second} a second pass",
            window.as_millis()
        );
        Err(Denial::new(DenialCode::Rate, text))
    }
}
