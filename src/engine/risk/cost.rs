//! What one order of shares, options or coins may cost: an amount, and a share of what the account is worth, both in its base
//! currency. Contracts of futures and currencies are settled by difference and have counts of their own.

use super::day::{self, Standing, part};
use super::worth::{fits, is_bought, money, share, times};
use super::{Check, Stands};
use crate::domain::{
    AccountKey, Currency, Instrument, LimitName, Limits, Money, OrderSpec, Price, Quantity, Timestamp,
};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::planted::{Bug, planted};
use crate::engine::state::State;
use crate::engine::worth;
use crate::market::Market;

/// What one order may cost at most.
#[derive(Clone, Debug)]
pub struct Most {
    /// So much.
    pub amount: Money,
    /// The account's base currency.
    pub base: Currency,
    /// By which limit, in words.
    pub why: String,
}

/// What one order of what is paid for may cost in an account, by the stricter of both limits; nothing where both are off. What
/// the account is worth is asked for only where one of them is a share of it.
///
/// # Errors
/// That is not known.
pub fn most(
    state: &State,
    key: AccountKey,
    limits: &Limits,
    worth: impl FnOnce() -> Result<Money, String>,
) -> Result<Option<Most>, String> {
    let (amount, bps) = (limits.max_order_cost, limits.max_order_bps);
    let base = || day::base_of(state, key);
    let by_amount = |base| Most {
        amount,
        base,
        why: LimitName::MaxOrderCost.to_string(),
    };
    if bps == 0 {
        let is_on = amount > Money::ZERO;
        return is_on.then(|| base().map(by_amount)).transpose();
    }
    let (by_share, base) = (part(worth()?, bps), base()?);
    if amount > Money::ZERO && amount <= by_share {
        return Ok(Some(by_amount(base)));
    }
    Ok(Some(Most {
        amount: by_share,
        base,
        why: format!("{}, {} of the account", LimitName::MaxOrderBps, share(bps)),
    }))
}

/// What one unit of an instrument costs at `price`; zero where it is not paid for.
fn unit(
    state: &State,
    market: &Market,
    instrument: &Instrument,
    price: Price,
    base: Currency,
) -> Result<Money, String> {
    if !is_bought(instrument) {
        return Ok(Money::ZERO);
    }
    let one = price
        .notional(Quantity::ONE, instrument.multiplier)
        .map(Money::abs);
    let one = one.ok_or_else(|| format!("{} is worth more than can be counted", instrument.id))?;
    worth::convert(state, market, one, instrument.currency, base).map(|converted| converted.amount)
}

/// What an order costs, in an account's base currency; zero where its instrument is not paid for.
///
/// # Errors
/// No rate is known, or it is more than can be counted.
pub fn of(
    state: &State,
    market: &Market,
    (instrument, price, quantity): (&Instrument, Price, Quantity),
    base: Currency,
) -> Result<Money, String> {
    let unit = unit(state, market, instrument, price, base)?;
    times(unit, quantity).ok_or_else(|| format!("{} is worth more than can be counted", instrument.id))
}

/// What an account is worth at `at`, for [`most`].
///
/// # Errors
/// What of it is not known.
pub fn worth_at(state: &State, market: &Market, key: AccountKey, at: Timestamp) -> Result<Money, String> {
    day::standing(state, market, key, at).map(|standing| standing.worth())
}

/// The refusal of several that come to more together.
pub fn too_much(what: &str, sum: Money, most: &Most, remedy: &str) -> Denial {
    let text = format!(
        "{what} come to {:.2} {base}, one order may to {:.2} {base} ({}){remedy}",
        sum.round_to(2),
        most.amount.round_to(2),
        most.why,
        base = most.base
    );
    Denial::new(DenialCode::MaxValue, text)
}

/// Why that is not known, as a refusal.
pub fn unknown(what: &str) -> Denial {
    let text =
        format!("{what}: what one order may cost can't be held against it; cancels and reducing orders pass");
    Denial::new(DenialCode::WorthUnknown, text)
}

impl Check<'_> {
    /// An order that adds risk costs no more than one order may.
    pub(super) fn cost(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        price: Price,
        limits: &Limits,
        stands: &Stands<'_>,
    ) -> Result<(), Denial> {
        if !is_bought(instrument) {
            return Ok(());
        }
        let unknown = |what: String| unknown(&what);
        let worth = || stands.get().map(Standing::worth);
        let most = most(self.state, spec.account, limits, worth).map_err(unknown)?;
        let Some(most) = most else { return Ok(()) };
        let unit = unit(self.state, self.market, instrument, price, most.base).map_err(unknown)?;
        let costs = times(unit, spec.quantity);
        if costs.is_some_and(|costs| costs <= most.amount) || planted(Bug::CostNotHeld) {
            return Ok(());
        }
        let passes = fits(most.amount, unit, instrument).min(spec.quantity);
        let shown = costs.map_or_else(
            || "more than can be counted".into(),
            |costs| money(costs, most.base),
        );
        let text = format!(
            "it comes to {shown}, one order may to {} ({}); {passes} would pass",
            money(most.amount, most.base),
            most.why
        );
        Err(Denial::new(DenialCode::MaxValue, text).near(passes))
    }
}
