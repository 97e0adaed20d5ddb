//! One client's connection as the core sees it: who it is and what it wants to be told.

use super::history::Growing;
use super::quotes::{BarLine, DepthLine, Line, TickLine};
use crate::domain::AccountId;
use std::collections::{BTreeMap, BTreeSet};

/// One connection: numbered by the server, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Most subscriptions of one kind that a client may have.
pub(super) const MOST_LINES: usize = 200;

/// A connection that has passed its handshake.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// The negotiated version.
    pub version: i32,
    /// Who it is, once it has started the API.
    pub client: Option<i32>,
    /// Wants positions.
    pub positions: bool,
    /// Wants positions of one account or all, by request.
    pub positions_multi: BTreeMap<i32, Option<AccountId>>,
    /// Wants the values of this account.
    pub account: Option<AccountId>,
    /// The same by request.
    pub account_multi: BTreeMap<i32, Option<AccountId>>,
    /// Wants these tags of all accounts, by request.
    pub summaries: BTreeMap<i32, BTreeSet<String>>,
    /// Wants an account's profit, by request.
    pub pnl: BTreeMap<i32, AccountId>,
    /// Wants a position's profit (account and contract), by request.
    pub pnl_single: BTreeMap<i32, (AccountId, i32)>,
    /// 1 live, 2 frozen, 3 delayed, 4 delayed and frozen.
    pub data_type: i32,
    /// Market data, by request.
    pub lines: BTreeMap<i32, Line>,
    /// Books, by request.
    pub depth: BTreeMap<i32, DepthLine>,
    /// Tick by tick, by request.
    pub ticks: BTreeMap<i32, TickLine>,
    /// Bars of five seconds, by request.
    pub bars: BTreeMap<i32, BarLine>,
    /// Histories that are kept up to date, by request.
    pub growing: BTreeMap<i32, Growing>,
}

impl Session {
    pub fn new(version: i32) -> Self {
        Self {
            version,
            data_type: 1,
            ..Self::default()
        }
    }

    /// Lets go of everything that is market data.
    pub fn drop_market_data(&mut self) {
        self.lines.clear();
        self.depth.clear();
        self.ticks.clear();
        self.bars.clear();
        self.growing.clear();
    }
}
