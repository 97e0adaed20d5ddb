//! The controls, in one table: the code of their refusal, the settings that they hold an order against, what a breach does,
//! and what they are. Their defaults are `Limits::default()`, the same as in config.toml. They are asked in the order of
//! `Check::order`; where a limit is exceeded by the market and not by an order, only what this table says happens.

use crate::domain::{Breach, LimitName, Limits};
use crate::engine::command::DenialCode;

/// One control.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// What a refusal is called.
    pub code: DenialCode,
    /// What it is held against; empty where there is nothing to set.
    pub limits: &'static [LimitName],
    /// What a breach by an order does. The loss of a session does what `daily_loss_does` says, what the market can breach what
    /// `on_breach` says.
    pub does: Breach,
    /// What it looks at.
    pub what: &'static str,
}

use LimitName as L;

const fn control(
    code: DenialCode,
    limits: &'static [LimitName],
    does: Breach,
    what: &'static str,
) -> Control {
    Control {
        code,
        limits,
        does,
        what,
    }
}

/// All of them.
pub const CONTROLS: &[Control] = &[
    control(
        DenialCode::NotReady,
        &[],
        Breach::ReduceOnly,
        "the link to the broker is ready, and no planned pause is on",
    ),
    control(
        DenialCode::Breaker,
        &[],
        Breach::ReduceOnly,
        "the circuit breaker of the broker is closed ([breakers])",
    ),
    control(
        DenialCode::Trading,
        &[],
        Breach::ReduceOnly,
        "trading in the account is neither halted nor reducing",
    ),
    control(
        DenialCode::DailyLoss,
        &[
            L::DailyLossWarnBps,
            L::DailyLossReduceBps,
            L::DailyLossLockBps,
            L::MaxDailyLoss,
        ],
        Breach::Lock,
        "the loss of the session: realised, open and fees",
    ),
    control(
        DenialCode::Drawdown,
        &[L::MaxDrawdown],
        Breach::Refuse,
        "how far the account fell from its highest worth",
    ),
    control(
        DenialCode::Slippage,
        &[L::MaxSlippageBps],
        Breach::Refuse,
        "what a session's executions cost against the market they were sent at",
    ),
    control(
        DenialCode::MaxContracts,
        &[L::MaxContracts, L::MaxContractsEach],
        Breach::Refuse,
        "contracts of futures that could result, in all and of each",
    ),
    control(
        DenialCode::HeldBack,
        &[
            L::MaxEntries5m,
            L::MaxRoundTrips1m,
            L::LossStreak,
            L::LossStreakPauseMinutes,
        ],
        Breach::ReduceOnly,
        "entries that fill again and again, round trips in a row of time, and losing exits",
    ),
    control(
        DenialCode::Restricted,
        &[L::AllowOtc],
        Breach::Refuse,
        "nothing is opened in what limits.restricted names, nor, where it is so set, in what no exchange lists",
    ),
    control(
        DenialCode::OutsideHours,
        &[L::KeepHours, L::PauseBeforeHaltMinutes],
        Breach::Refuse,
        "entries at the market keep the instrument's hours, and nothing is opened shortly before a future ends trading",
    ),
    control(
        DenialCode::Short,
        &[L::AllowShort, L::AllowShortSale],
        Breach::Refuse,
        "no more is sold than is held, unless a short is asked for and allowed",
    ),
    control(
        DenialCode::InstrumentHalted,
        &[],
        Breach::Refuse,
        "nothing is opened at the market while trading in the instrument is halted",
    ),
    control(
        DenialCode::ShortRestricted,
        &[],
        Breach::Refuse,
        "a share that fell by a tenth is sold short above the bid alone, that day and the next",
    ),
    control(
        DenialCode::MaxQuantity,
        &[
            L::MaxQuantityEquity,
            L::MaxQuantityFuture,
            L::MaxQuantityForex,
            L::MaxQuantityCrypto,
            L::MaxQuantityOption,
            L::MaxVolumeBps,
        ],
        Breach::Refuse,
        "the quantity of one order",
    ),
    control(
        DenialCode::Collar,
        &[
            L::CollarBps,
            L::CollarFutureBps,
            L::CollarForexBps,
            L::CollarFundBps,
            L::CollarOptionBps,
        ],
        Breach::Refuse,
        "how far through the market a price reaches",
    ),
    control(
        DenialCode::NoPrice,
        &[L::MaxPriceAgeSeconds],
        Breach::Refuse,
        "an entry at the market relies on a price that is not old",
    ),
    control(
        DenialCode::Spread,
        &[L::MaxSpreadBps],
        Breach::Refuse,
        "how wide a market an entry at the market crosses",
    ),
    control(
        DenialCode::CloseBand,
        &[L::CloseBandBps],
        Breach::Refuse,
        "how far beyond the previous close an entry's price lies",
    ),
    control(
        DenialCode::MaxValue,
        &[L::MaxOrderValue, L::MaxOrderCost, L::MaxOrderBps],
        Breach::Refuse,
        "the value of one order",
    ),
    control(
        DenialCode::MaxPosition,
        &[L::MaxPositionValue],
        Breach::Refuse,
        "the value of one position that could result",
    ),
    control(
        DenialCode::MaxGross,
        &[L::MaxGrossBps],
        Breach::Refuse,
        "gross exposure that could result, as a share of the account",
    ),
    control(
        DenialCode::MaxName,
        &[L::MaxNameBps],
        Breach::Refuse,
        "one position that is paid for, as a share of the account",
    ),
    control(
        DenialCode::Concentration,
        &[L::MaxIssuerBps],
        Breach::Refuse,
        "one issuer's shares and the options on them, as a share of the account",
    ),
    control(
        DenialCode::Sector,
        &[L::WarnSectorBps, L::MaxSectorBps],
        Breach::Refuse,
        "one sector, as a share of the account; funds and what has no sector don't count",
    ),
    control(
        DenialCode::BuyingPower,
        &[L::MinExcessBps],
        Breach::Refuse,
        "excess liquidity that stays, where the broker tells it",
    ),
    control(
        DenialCode::SelfCross,
        &[L::DenySelfCross],
        Breach::Refuse,
        "an entry does not trade with an order of its own account",
    ),
    control(
        DenialCode::MaxOrders,
        &[L::MaxLiveOrders, L::MaxTotalOrders],
        Breach::Refuse,
        "live orders of one side in an instrument, and of the account",
    ),
    control(
        DenialCode::Duplicate,
        &[L::DuplicateWindowMs],
        Breach::Refuse,
        "equal orders close together",
    ),
    control(
        DenialCode::Rate,
        &[L::RateBurst, L::RatePerSecond],
        Breach::Refuse,
        "orders in a short time",
    ),
];

impl Control {
    /// The control that holds orders against a limit.
    pub fn of(name: LimitName) -> Option<&'static Self> {
        CONTROLS.iter().find(|control| control.limits.contains(&name))
    }

    /// What a breach does, with these limits.
    pub fn does(&self, name: LimitName, limits: &Limits) -> Breach {
        match self.code {
            DenialCode::DailyLoss if name == L::DailyLossWarnBps => Breach::Refuse,
            DenialCode::DailyLoss if name == L::DailyLossReduceBps => Breach::ReduceOnly,
            DenialCode::DailyLoss => limits.daily_loss_does,
            _ => limits.on_breach.get(name).unwrap_or(self.does),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_belongs_to_one_control() {
        for name in LimitName::ALL {
            let controls = CONTROLS.iter().filter(|control| control.limits.contains(name));
            assert_eq!(controls.count(), 1, "{name}");
        }
    }

    /// The table of docs/LIMITS.md: a row for each limit of each control, in the order of the controls.
    fn rows() -> Vec<String> {
        let (in_the_box, mut elsewhere) = (Limits::default(), Limits::default());
        elsewhere.be_strict(|_| false);
        let row = |control: &Control, name: Option<&LimitName>| {
            let value = |limits: &Limits| name.map_or("–".to_owned(), |name| limits.get(*name).to_string());
            let setting = name.map_or("–".to_owned(), |name| format!("`{name}`"));
            let what = name.map_or(control.what, |name| name.what());
            let by_market = name.and_then(|name| in_the_box.on_breach.get(*name));
            let does = match by_market {
                _ if matches!(name, Some(L::DailyLossWarnBps | L::WarnSectorBps)) => "warn".to_owned(),
                Some(does) => format!("refuse; with no order of yours {}", does.word()),
                None => name
                    .map_or(control.does, |name| control.does(*name, &in_the_box))
                    .word()
                    .to_owned(),
            };
            let (ours, strict) = (value(&in_the_box), value(&elsewhere));
            let strict = if ours == strict {
                strict
            } else {
                format!("**{strict}**")
            };
            let code = control.code.as_str();
            format!("| {what} | {setting} | {ours} | {strict} | {does} | `{code}` |")
        };
        let of = |control: &Control| match control.limits {
            [] => vec![row(control, None)],
            names => names.iter().map(|name| row(control, Some(name))).collect(),
        };
        CONTROLS.iter().flat_map(of).collect()
    }

    #[test]
    fn the_document_has_every_control_with_its_defaults() {
        let document = include_str!("../../../docs/LIMITS.md");
        let told: Vec<&str> = document.lines().filter(|line| line.ends_with("` |")).collect();
        let rows = rows();
        assert!(told == rows, "docs/LIMITS.md should have:\n{}", rows.join("\n"));
    }
}
