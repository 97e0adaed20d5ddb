//! What must hold, as thirteen checkers by the names they have in the project's list of invariants. Each looks at what went
//! over the wire, or at the exchange's own books, or counts by itself from the facts; none asks the code that it checks.

mod books;
mod breaches;
mod parked;
mod shadow;
mod terms;
mod watch;
mod way_out;
mod wire;

pub use books::{booked, quiet, settled};
pub use shadow::Shadow;
pub use terms::Terms;
pub use watch::batch;
pub use way_out::withheld;
use wire::closes;
pub use wire::{Wire, leaves};

/// The checkers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Checker {
    /// No order at the broker without an intent that was durable before.
    I1,
    /// At most one live order at the broker under one client order id, and no number given twice.
    I2,
    /// Each intent is written to the wire at most once.
    I3,
    /// A position is its unique executions with their corrections, and what was told is booked, fees too.
    I4,
    /// After the faults stop, everything equals the broker's books within 60 s of virtual time; what works there is not
    /// given up here.
    I5,
    /// Nothing that adds risk leaves while the link is not ready, or before everything was read.
    I6,
    /// What leaves passed every control, orders in doubt counted in full; exits and stops are no larger than what is held.
    I7,
    /// An order that has ended stays so but for late fills, and what is taken for its terms never goes back.
    I8,
    /// No new risk after a halt or the breach of a limit that says so, none of the entries before it stays, and neither
    /// keeps back a flatten's exit.
    I9,
    /// The hash chain of the journal holds.
    I10,
    /// Buffers are bounded.
    I11,
    /// The same seed gives the same trace.
    I12,
    /// Replay of the journal, memory, and snapshot plus the events after it are the same state.
    I13,
    /// Nothing panics.
    Panic,
}

impl std::fmt::Display for Checker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// What a checker found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub checker: Checker,
    pub words: String,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.checker, self.words)
    }
}

/// A failed check as a result.
pub(super) fn wrong<T>(checker: Checker, words: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong {
        checker,
        words: words.into(),
    })
}
