//! Accounts, and the two states that decide whether an order may leave: that of the link to the broker, and that of
//! trading in the account.

use super::id::AccountKey;
use super::number::{Currency, Money};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Real money, a broker's paper money, or the built-in exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountClass {
    /// Real money.
    Live,
    /// A broker's practice account.
    Paper,
    /// The exchange in the box.
    Sim,
}
impl AccountClass {
    /// `LIVE`, `PAPER` or `SIM`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::Paper => "PAPER",
            Self::Sim => "SIM",
        }
    }
}

/// What is known of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Which one.
    pub key: AccountKey,
    /// Real, paper or simulated.
    pub class: AccountClass,
    /// The currency totals are in.
    pub base: Currency,
    /// Settled cash by currency, once the broker told. Unknown is not zero.
    pub cash: Option<BTreeMap<Currency, Money>>,
}

/// Whether trading in an account may add risk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TradingState {
    /// Everything goes.
    #[default]
    Active,
    /// Only what reduces a position, and cancels.
    Reducing,
    /// Only cancels and closing orders.
    Halted,
}
impl TradingState {
    /// `ACTIVE`, `REDUCING` or `HALTED`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Reducing => "REDUCING",
            Self::Halted => "HALTED",
        }
    }
}

/// The link to one broker. Orders that add risk leave only when it is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// No connection.
    #[default]
    Down,
    /// A connection is being made.
    Connecting,
    /// Connected; what the broker knows is being read and compared.
    Syncing,
    /// Compared and equal.
    Ready,
    /// Connected, but something is unexplained or part of the broker is away.
    Degraded,
}
impl LinkState {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Connecting => "connecting",
            Self::Syncing => "syncing",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
        }
    }
}
