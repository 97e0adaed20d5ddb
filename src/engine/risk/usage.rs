//! How much of each limit is used: for screens, shells and programs, computed from the same functions that decide, so that
//! nobody is shown another distance than an order meets. What is not known is nothing, never zero.

use super::change::LimitChange;
use super::day::{LossStage, Standing, standing};
use super::measure::Ground;
use super::table::Control;
use crate::domain::{
    AccountKey, Breach, InstrumentId, InstrumentKind, LimitName, LimitValue, Money, Quantity, Timestamp,
};
use crate::engine::command::DenialCode;
use crate::engine::state::State;
use crate::market::Market;
use serde::{Deserialize, Serialize};

/// One limit of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    /// Which.
    pub name: LimitName,
    /// What it is set to.
    pub value: LimitValue,
    /// What config.toml says.
    pub ceiling: LimitValue,
    /// What made it another, where something did.
    pub change: Option<LimitChange>,
    /// The code of its refusal.
    pub code: DenialCode,
    /// What a breach does.
    pub does: Breach,
    /// Of what it is made, in the account's base currency or a count; nothing where it is not known, or is asked of each
    /// order alone.
    pub used: Option<Amount>,
    /// What it may become.
    pub most: Option<Amount>,
    /// Where it is breached now: of what, and since when.
    pub breached: Vec<(Option<InstrumentId>, Timestamp)>,
}

/// Money or a number of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// In the account's base currency.
    Money(Money),
    /// Orders, entries, exits.
    Count(u64),
}

impl Amount {
    /// As a number without its unit.
    pub(super) fn raw(self) -> i128 {
        match self {
            Self::Money(money) => money.raw(),
            Self::Count(count) => i128::from(count),
        }
    }
}

impl Usage {
    /// Money that is left until the limit; nothing where it is no money, or not known.
    pub fn left(&self) -> Option<Money> {
        match (self.used?, self.most?) {
            (Amount::Money(used), Amount::Money(most)) => Some(most.saturating_sub(used)),
            _ => None,
        }
    }

    /// How much of it is used, in per cent, rounded up.
    pub fn percent(&self) -> Option<u32> {
        let (used, most) = match (self.used?, self.most?) {
            (Amount::Money(used), Amount::Money(most)) => (used.raw(), most.raw()),
            (Amount::Count(used), Amount::Count(most)) => (i128::from(used), i128::from(most)),
            _ => return None,
        };
        if most <= 0 {
            return Some(if used > 0 { u32::MAX } else { 0 });
        }
        let scaled = used.max(0).saturating_mul(100);
        u32::try_from(scaled / most + i128::from(scaled % most > 0)).ok()
    }

    /// True where it is switched off.
    pub fn is_off(&self) -> bool {
        self.name.zero_is_off() && self.value.to_string() == "0"
    }
}

/// How far a loss is from its limit in one future: contracts that are held, and how many ticks against
/// them would take what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticks {
    /// To the breach of which limit.
    pub limit: LimitName,
    /// In what.
    pub instrument: InstrumentId,
    /// How many contracts; negative is short.
    pub contracts: Quantity,
    /// So many ticks of all of them.
    pub ticks: i64,
}

/// Where an account stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Its session and result; in words what of it is not known.
    pub standing: Result<Standing, String>,
    /// Its limits, as config.toml has them.
    pub limits: Vec<Usage>,
    /// The distance to the largest loss and the furthest fall, in ticks of each future that is held.
    pub ticks: Vec<Ticks>,
    /// Why nothing that adds risk leaves now, where something holds it back.
    pub held_back: Option<String>,
}

/// Looks at an account, at `at` of the venue's clock.
pub fn look(state: &State, market: &Market, key: AccountKey, at: Timestamp) -> Look {
    let standing = standing(state, market, key, at);
    let limits = state.limits_of(key);
    let ground = Ground::new((state, market), key, &limits, standing.as_ref().ok());
    let row = |name: &LimitName| {
        let (used, most) = match name {
            // Asked of each order alone, or of each position in its own currency.
            LimitName::MaxPositionValue | LimitName::MinExcessBps | LimitName::KeepHours => (None, None),
            name => (ground.largest(*name), ground.most(*name)),
        };
        let control = Control::of(*name);
        Usage {
            name: *name,
            value: limits.get(*name),
            ceiling: state.limits.get(*name),
            change: state.limit_change(key, *name).cloned(),
            code: control.map_or(DenialCode::BadOrder, |control| control.code),
            does: control.map_or(Breach::Refuse, |control| control.does(*name, &limits)),
            used,
            most,
            breached: breached(state, key, *name),
        }
    };
    let rows: Vec<Usage> = LimitName::ALL.iter().map(row).collect();
    let loss = standing.as_ref().ok().and_then(|standing| {
        let threshold = standing.day.threshold(&limits, LossStage::Reached)?;
        let limit = if limits.max_daily_loss > Money::ZERO {
            LimitName::MaxDailyLoss
        } else {
            LimitName::DailyLossLockBps
        };
        Some((limit, threshold.saturating_add(standing.result)))
    });
    let fall = rows.iter().find(|row| row.name == LimitName::MaxDrawdown);
    let fall = fall.and_then(|row| Some((row.name, row.left()?)));
    let left = [loss, fall].into_iter().flatten();
    Look {
        ticks: left
            .flat_map(|(limit, left)| ticks(state, market, key, limit, left))
            .collect(),
        limits: rows,
        held_back: super::held_back(state, key, None).map(|denial| denial.text.to_string()),
        standing,
    }
}

/// The breaches of a limit that stand.
fn breached(state: &State, key: AccountKey, name: LimitName) -> Vec<(Option<InstrumentId>, Timestamp)> {
    let all = state.breaches.iter();
    let of = all.filter(|(of, _)| (of.account, of.name) == (key, name));
    of.map(|(of, breach)| (of.of, breach.since)).collect()
}

/// How many ticks against what is held of each future take what is left of the loss.
fn ticks(state: &State, market: &Market, key: AccountKey, limit: LimitName, left: Money) -> Vec<Ticks> {
    let held = state.ledgers.iter().filter(|((owner, _), _)| *owner == key);
    let each = |((_, id), ledger): (&(AccountKey, InstrumentId), &crate::engine::state::Ledger)| {
        let instrument = state.instruments.get(id)?;
        let quantity = ledger.position.quantity;
        if instrument.kind != InstrumentKind::Future || quantity.is_zero() {
            return None;
        }
        let mark = market.mark(*id)?.price;
        let tick = instrument
            .ticks
            .tick_at(mark)
            .notional(quantity.abs(), instrument.multiplier)?;
        let base = state.accounts.get(&key)?.account.base;
        let tick = crate::engine::worth::convert(state, market, tick, instrument.currency, base).ok()?;
        Some(Ticks {
            limit,
            instrument: *id,
            contracts: quantity,
            ticks: i64::try_from(left.raw().max(0) / tick.amount.raw().max(1)).ok()?,
        })
    };
    held.filter_map(each).collect()
}
