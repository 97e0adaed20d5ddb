//! When the circuit breaker of a broker opens, from config.toml. Zero switches a trip off. Who counts is `engine::breaker`.

use serde::{Deserialize, Serialize};

/// What opens the breaker of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerRules {
    /// So many orders refused by the broker,
    pub rejects: u32,
    /// within so many seconds.
    pub rejects_s: u32,
    /// So many orders without an answer in time from a broker that is connected,
    pub in_doubt: u32,
    /// within so many minutes.
    pub in_doubt_minutes: u32,
    /// So many positions within an hour that two reads in a row show differently from ours.
    pub mismatches: u32,
    /// The 99th percentile of the last hundred acknowledgements is above this, in milliseconds.
    pub ack_p99_ms: u32,
    /// The broker's clock and ours are further apart than this, in seconds.
    pub clock_apart_s: u32,
    /// Commits of the journal take longer than this, in milliseconds,
    pub commit_ms: u32,
    /// so many in a row, over five seconds at least.
    pub commits: u32,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self {
            rejects: 3,
            rejects_s: 10,
            in_doubt: 5,
            in_doubt_minutes: 5,
            mismatches: 2,
            ack_p99_ms: 5_000,
            clock_apart_s: 30,
            commit_ms: 250,
            commits: 5,
        }
    }
}

impl BreakerRules {
    /// Nothing but a broken invariant opens it.
    pub const OFF: Self = Self {
        rejects: 0,
        rejects_s: 0,
        in_doubt: 0,
        in_doubt_minutes: 0,
        mismatches: 0,
        ack_p99_ms: 0,
        clock_apart_s: 0,
        commit_ms: 0,
        commits: 0,
    };
}
