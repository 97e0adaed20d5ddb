//! How far an account fell from its highest worth, contracts in all, and when nothing may be held: what a firm's rule pack asks
//! beside the loss of a session, and limits of their own without one. The highest worth is a fact's: where a session began
//! (`RiskDayBegan`), and with a pack that counts within the day each new one (`PeakRaised`).

use super::Check;
use super::day::Standing;
use super::worth::money;
use crate::domain::{
    AccountKey, Drawdown, Instrument, InstrumentKind, Limits, Money, OrderSpec, Quantity, RulePack,
};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::event::Fact;
use crate::engine::state::State;
use serde::{Deserialize, Serialize};

/// The highest that an account was worth, and what its days came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    /// The highest worth that counts.
    pub high: Money,
    /// What was won on the best day that is over.
    pub best_day: Money,
}

impl State {
    /// The rule pack of an account.
    pub fn pack(&self, key: AccountKey) -> Option<&RulePack> {
        self.packs.get(&key.account)
    }

    /// Facts about an account's peak. `before` is what its last session began with.
    pub(in crate::engine) fn fold_peak(&mut self, fact: &Fact) {
        match fact {
            Fact::RulesSet { packs } => {
                // Another pack counts anew.
                let same = |key: &AccountKey| self.packs.get(&key.account) == packs.get(&key.account);
                let kept: Vec<AccountKey> = self.peaks.keys().copied().filter(same).collect();
                self.peaks.retain(|key, _| kept.contains(key));
                self.packs = packs.clone();
            }
            Fact::RiskDayBegan { account, opening, .. } => {
                let before = self.days.get(account).map(|day| day.opening);
                let start = self.pack(*account).map(|pack| pack.start);
                let known = self.peaks.get(account).copied();
                let mut peak = known.unwrap_or(Peak {
                    high: start.unwrap_or(*opening),
                    best_day: Money::ZERO,
                });
                if let (Some(before), Some(_)) = (before, known) {
                    peak.best_day = peak.best_day.max(opening.saturating_sub(before));
                }
                peak.high = peak.high.max(*opening);
                self.peaks.insert(*account, peak);
            }
            Fact::PeakRaised { account, high } => {
                let peak = self.peaks.entry(*account).or_default();
                peak.high = peak.high.max(*high);
            }
            _ => {}
        }
    }
}

/// The highest worth that is recorded; where a pack is new, what it begins with and what the session began with.
pub fn high(state: &State, key: AccountKey) -> Option<Money> {
    let known = state.peaks.get(&key).map(|peak| peak.high);
    let start = state.pack(key).map(|pack| pack.start);
    let opening = state.days.get(&key).map(|day| day.opening);
    known.or(start.max(opening))
}

/// The worth from which an account's fall is counted.
fn counted_from(state: &State, key: AccountKey, worth: Money) -> Money {
    let high = high(state, key).unwrap_or(worth);
    match state.pack(key) {
        // What was not recorded yet counts all the same.
        Some(pack) if pack.drawdown == Drawdown::Intraday => pack.counted_from(high.max(worth)),
        Some(pack) => pack.counted_from(high),
        None => high,
    }
}

/// How far an account is below it.
pub fn fallen(state: &State, key: AccountKey, worth: Money) -> Money {
    counted_from(state, key, worth)
        .saturating_sub(worth)
        .max(Money::ZERO)
}

/// A new highest worth, where an account's pack counts within the day.
pub(super) fn raised(state: &State, key: AccountKey, standing: &Standing) -> Option<Fact> {
    let pack = state
        .pack(key)
        .filter(|pack| pack.drawdown == Drawdown::Intraday)?;
    let (high, worth) = (high(state, key)?, standing.worth());
    // Above where the floor stops nothing is counted any more.
    let news = worth > high && pack.counted_from(worth) > pack.counted_from(high);
    news.then_some(Fact::PeakRaised {
        account: key,
        high: worth,
    })
}

/// Contracts in all that could be held, in tenths: of a pack's micros ten are one.
pub(super) fn tenths(
    state: &State,
    key: AccountKey,
    worst: impl Fn(crate::domain::InstrumentId) -> Quantity,
) -> i128 {
    let futures = state.concerned(key).into_iter().filter_map(|id| {
        let instrument = state.instruments.get(&id)?;
        (instrument.kind == InstrumentKind::Future).then(|| weighed(state, key, instrument, worst(id)))
    });
    futures.fold(0, i128::saturating_add)
}

fn weighed(state: &State, key: AccountKey, instrument: &Instrument, quantity: Quantity) -> i128 {
    let each = state.pack(key).map_or(10, |pack| pack.tenths(instrument));
    let whole = i128::from(quantity.abs().raw()) * i128::from(each);
    // What is no whole contract counts as one.
    let one = i128::from(Quantity::ONE.raw());
    whole / one + i128::from(whole % one != 0)
}

impl Check<'_> {
    /// The fall of the account as it is in this moment.
    pub(super) fn drawdown(
        &self,
        spec: &OrderSpec,
        standing: &Standing,
        limits: &Limits,
    ) -> Result<(), Denial> {
        let most = limits.max_drawdown;
        let fell = fallen(self.state, spec.account, standing.worth());
        if most <= Money::ZERO || fell < most {
            return Ok(());
        }
        let text = format!(
            "{} is {} below its highest worth, the limit is {}; only cancels and reducing orders pass",
            spec.account,
            money(fell, standing.base),
            money(most, standing.base)
        );
        Err(Denial::new(DenialCode::Drawdown, text))
    }

    /// Contracts in all, with what works and this order.
    pub(super) fn contracts(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        limits: &Limits,
    ) -> Result<(), Denial> {
        if limits.max_contracts == 0 || instrument.kind != InstrumentKind::Future {
            return Ok(());
        }
        let key = spec.account;
        let could = |id, more: Quantity| {
            let held = self.state.position(key, id).quantity;
            let buys = self.state.working(key, id, crate::domain::Side::Buy);
            let sells = self.state.working(key, id, crate::domain::Side::Sell);
            let (buys, sells) = match spec.side {
                crate::domain::Side::Buy => (buys.saturating_add(more), sells),
                crate::domain::Side::Sell => (buys, sells.saturating_add(more)),
            };
            let (long, short) = (held.saturating_add(buys), held.negated().saturating_add(sells));
            long.abs().max(short.abs()).max(held.abs())
        };
        let others = tenths(self.state, key, |id| {
            if id == instrument.id {
                Quantity::ZERO
            } else {
                could(id, Quantity::ZERO)
            }
        });
        let all = |more| {
            let own = weighed(self.state, key, instrument, could(instrument.id, more));
            others.saturating_add(own)
        };
        let most = i128::from(limits.max_contracts).saturating_mul(10);
        let (before, after) = (all(Quantity::ZERO), all(spec.quantity));
        if after <= most || after <= before {
            return Ok(());
        }
        // One by one from what was asked for down: the numbers are small where this limit is on.
        let step = instrument.lot.max(Quantity::from_raw(1));
        let mut passes =
            instrument.quantity_down(spec.quantity.min(Quantity::whole(1_000).unwrap_or(spec.quantity)));
        while passes.is_positive() && all(passes) > most {
            passes = passes.saturating_sub(step);
        }
        let passes = passes.max(Quantity::ZERO);
        let text = format!(
            "with working orders it could come to {} contracts in all, {} may be; {passes} would pass",
            shown(after),
            limits.max_contracts
        );
        Err(Denial::new(DenialCode::MaxContracts, text).near(passes))
    }

    /// A pack's time in which nothing may be held, and the minutes before it.
    pub(super) fn flat_hours(&self, spec: &OrderSpec) -> Result<(), Denial> {
        let Some(pack) = self.state.pack(spec.account) else {
            return Ok(());
        };
        let at = self.market.venue_time(spec.instrument).unwrap_or(self.now);
        let Some(window) = pack.flat_at(at) else {
            return Ok(());
        };
        let text = format!(
            "{} has {} flat from {} until {}; only cancels and reducing orders pass",
            pack.title, spec.account, window.at, window.until
        );
        Err(Denial::new(DenialCode::OutsideHours, text))
    }
}

/// Tenths as contracts.
fn shown(tenths: i128) -> String {
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        rest => format!("{}.{rest}", tenths / 10),
    }
}
