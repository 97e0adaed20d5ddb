//! What people should see, as programs see it, and whose affair it is: a caller that may see some accounts only is told
//! of these, and of what concerns the broker as a whole.

use crate::domain::{AccountKey, OrderSpec};
use crate::engine::difference::Ignored;
use crate::engine::state::{Notice, NoticeLevel};
use crate::engine::{Fact, State};
use serde::Serialize;
use utoipa::ToSchema;

/// Whom something concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One account.
    Account(AccountKey),
    /// Everybody.
    General,
    /// It can't be told: only who may see everything.
    Unknown,
}

/// Whom a fact concerns, which is already folded into `state`.
pub fn scope(state: &State, fact: &Fact) -> Scope {
    if let Some(order) = fact.order() {
        let known = state.orders.get(&order);
        return known.map_or(Scope::Unknown, |order| Scope::Account(order.spec.account));
    }
    match fact {
        Fact::TradingChanged { account, .. }
        | Fact::HaltConfirmed { account, .. }
        | Fact::CancelsUnconfirmed { account, .. }
        | Fact::DifferenceIgnored {
            ignored: Ignored { account, .. },
        }
        | Fact::NakedFound { account, .. }
        | Fact::GapFound { account, .. }
        | Fact::GapAccepted { account }
        | Fact::Armed { account, .. }
        | Fact::Disarmed { account, .. }
        | Fact::ProgramsArmed { account, .. }
        | Fact::ProgramsDisarmed { account, .. }
        | Fact::KeyArmed { account, .. }
        | Fact::KeyDisarmed { account, .. }
        | Fact::ReconcileEnded { account, .. }
        | Fact::PositionAdjusted { account, .. }
        | Fact::PositionChanged { account, .. }
        | Fact::ScaleOutStarted {
            spec: OrderSpec { account, .. },
            ..
        }
        | Fact::ScaleOutEnded { account, .. }
        | Fact::FlattenStarted { account, .. }
        | Fact::FlattenStepped { account, .. }
        | Fact::FlattenEnded { account, .. }
        | Fact::FlatConfirmed { account, .. }
        | Fact::AccountFlattenStarted { account, .. }
        | Fact::AccountFlattenEnded { account, .. }
        | Fact::FeeReported { account, .. }
        | Fact::RiskDayBegan { account, .. }
        | Fact::LossStaged { account, .. }
        | Fact::RiskHeld { account, .. }
        | Fact::RiskReleased { account, .. }
        | Fact::LimitBreached { account, .. }
        | Fact::BreachEnded { account, .. }
        | Fact::PeakRaised { account, .. }
        | Fact::FundsReported { account, .. }
        | Fact::LimitChanged {
            account: Some(account),
            ..
        }
        | Fact::LimitReverted {
            account: Some(account),
            ..
        }
        | Fact::BalanceReported { account, .. } => Scope::Account(*account),
        Fact::Executed { execution } | Fact::Corrected { execution } => Scope::Account(execution.account),
        Fact::EngineStarted { .. }
        | Fact::LinkChanged { .. }
        | Fact::LinkImpaired { .. }
        | Fact::PauseChanged { .. }
        | Fact::HaltFileChanged { .. }
        | Fact::ScopesSet { .. }
        | Fact::RulesSet { .. }
        | Fact::LimitChanged { account: None, .. }
        | Fact::LimitReverted { account: None, .. }
        | Fact::BreakerMoved { .. }
        | Fact::BreakerAcknowledged { .. }
        | Fact::ExDateSet { .. }
        | Fact::BrokerAway { .. } => Scope::General,
        _ => Scope::Unknown,
    }
}

/// Something that people should see.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoticeRow {
    /// The event that it tells of.
    pub sequence: u64,
    /// When.
    pub at: String,
    /// `info`, `told`, `fill` or `warning`.
    pub level: &'static str,
    /// In words.
    pub text: String,
}

impl From<&Notice> for NoticeRow {
    fn from(notice: &Notice) -> Self {
        Self {
            sequence: notice.sequence,
            at: notice.at.to_string(),
            level: match notice.level {
                NoticeLevel::Info => "info",
                NoticeLevel::Told => "told",
                NoticeLevel::Fill => "fill",
                NoticeLevel::Warning => "warning",
            },
            text: notice.text.to_string(),
        }
    }
}
