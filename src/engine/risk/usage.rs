//! How much of each limit is used: for screens, shells and programs, computed from the same functions that decide, so that
//! nobody is shown another distance than an order meets. What is not known is nothing, never zero.

use super::change::LimitChange;
use super::day::{LossStage, Standing, part, standing};
use super::table::Control;
use super::worth::Exposure;
use crate::domain::{
    AccountKey, Breach, InstrumentId, InstrumentKind, LimitName, LimitValue, Money, Quantity, Side, Timestamp,
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
    let row = |name: &LimitName| {
        let (used, most) = measured(state, market, key, standing.as_ref().ok(), *name);
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

/// What a limit is made of now, and what it may become.
fn measured(
    state: &State,
    market: &Market,
    key: AccountKey,
    standing: Option<&Standing>,
    name: LimitName,
) -> (Option<Amount>, Option<Amount>) {
    let limits = state.limits_of(key);
    let money = |used: Option<Money>, most: Option<Money>| (used.map(Amount::Money), most.map(Amount::Money));
    let count = |used: usize, most: u32| {
        let used = u64::try_from(used).unwrap_or(u64::MAX);
        let most = (most > 0).then_some(Amount::Count(most.into()));
        (Some(Amount::Count(used)), most)
    };
    let loss = |stage| {
        let threshold = standing.and_then(|standing| standing.day.threshold(&limits, stage));
        money(standing.map(Standing::loss), threshold)
    };
    let share = |bps: u32| {
        standing
            .filter(|_| bps > 0)
            .map(|standing| part(standing.worth(), bps))
    };
    let exposure = || standing.map(|standing| Exposure::new(state, market, key, standing.base));
    match name {
        LimitName::DailyLossWarnBps => loss(LossStage::Warned),
        LimitName::DailyLossReduceBps => loss(LossStage::Reducing),
        LimitName::DailyLossLockBps => loss(LossStage::Reached),
        LimitName::MaxDailyLoss => {
            let most = (limits.max_daily_loss > Money::ZERO).then_some(limits.max_daily_loss);
            money(standing.map(Standing::loss), most)
        }
        LimitName::MaxGrossBps => {
            let used = exposure().and_then(|exposure| exposure.gross(None).ok());
            money(used, share(limits.max_gross_bps))
        }
        LimitName::MaxNameBps => {
            let used = exposure().and_then(|exposure| exposure.largest(false));
            money(used, share(limits.max_name_bps))
        }
        LimitName::MaxIssuerBps => {
            let used = exposure().and_then(|exposure| exposure.largest(true));
            money(used, share(limits.max_issuer_bps))
        }
        LimitName::WarnSectorBps | LimitName::MaxSectorBps => {
            let bps = if name == LimitName::MaxSectorBps {
                limits.max_sector_bps
            } else {
                limits.warn_sector_bps
            };
            let largest = exposure().map(|all| all.largest_sector().map_or(Money::ZERO, |(_, sum)| sum));
            money(largest, share(bps))
        }
        LimitName::MaxSlippageBps => {
            let slipped = standing.and_then(|standing| {
                super::slippage::slipped(state, market, key, &standing.day, standing.base).ok()
            });
            let most = standing.filter(|_| limits.max_slippage_bps > 0);
            money(
                slipped,
                most.map(|standing| part(standing.day.opening, limits.max_slippage_bps)),
            )
        }
        LimitName::MaxDrawdown => {
            let fell = standing.map(|standing| super::drawdown::fallen(state, key, standing.worth()));
            money(
                fell,
                (limits.max_drawdown > Money::ZERO).then_some(limits.max_drawdown),
            )
        }
        LimitName::MaxContracts => {
            let tenths =
                exposure().map(|exposure| super::drawdown::tenths(state, key, |id| exposure.worst(id)));
            let contracts = tenths.map(|tenths| usize::try_from((tenths + 9) / 10).unwrap_or(usize::MAX));
            contracts.map_or((None, None), |contracts| count(contracts, limits.max_contracts))
        }
        LimitName::MaxContractsEach => {
            let futures = |exposure: Exposure<'_>| {
                let all = exposure.concerned().filter(|id| is_future(state, *id));
                all.map(|id| exposure.worst(id).raw().max(0)).max().unwrap_or(0)
            };
            let one = Quantity::ONE.raw();
            let contracts = exposure().map(|exposure| (futures(exposure).saturating_add(one - 1)) / one);
            contracts.map_or((None, None), |contracts| {
                count(
                    usize::try_from(contracts).unwrap_or(usize::MAX),
                    limits.max_contracts_each,
                )
            })
        }
        // Each is asked of one order alone: what that may come to by it.
        LimitName::MaxOrderCost => money(
            None,
            Some(limits.max_order_cost).filter(|most| *most > Money::ZERO),
        ),
        LimitName::MaxOrderBps => money(None, share(limits.max_order_bps)),
        LimitName::MaxTotalOrders => count(state.working_count(key), limits.max_total_orders),
        LimitName::MaxLiveOrders => {
            let mut counts = std::collections::BTreeMap::<(InstrumentId, Side), usize>::new();
            for order in state.working_of(key) {
                *counts
                    .entry((order.spec.instrument, order.spec.side))
                    .or_default() += 1;
            }
            count(counts.into_values().max().unwrap_or(0), limits.max_live_orders)
        }
        LimitName::LossStreak => count(super::losing_exits(state, key), limits.loss_streak),
        _ => (None, None),
    }
}

fn is_future(state: &State, id: InstrumentId) -> bool {
    let known = state.instruments.get(&id);
    known.is_some_and(|instrument| instrument.kind == InstrumentKind::Future)
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
