//! Verbs, all of them pure. A command, a broker's word or the clock is *decided* into facts, which are *folded* into the
//! one state; what follows from a fact is decided on the folded state, to a bounded fixed point; and after the facts are
//! stored, *release* decides once more whether a request may leave. No clock, socket, file, chance or async in here.

pub mod abilities;
pub mod alerts;
pub mod brackets;
pub mod breaker;
pub mod chain;
pub mod changes;
pub mod command;
mod core;
pub mod decide;
pub mod difference;
pub mod digest;
mod doubles;
pub mod event;
pub mod explain;
pub mod figures;
mod flatten;
mod fold;
mod follow;
pub mod halt;
pub mod history;
pub mod in_the_way;
pub mod known;
pub mod lease;
pub mod life;
pub mod naked;
pub mod order_flow;
pub mod parking;
pub mod pause;
#[doc(hidden)]
pub mod planted;
pub mod pnl;
pub mod port;
pub mod preview;
pub mod programs;
mod reconcile;
mod release;
pub mod risk;
pub mod scale_out;
pub mod sentence;
pub mod sheet;
pub mod state;
pub mod statement;
pub mod stops;
pub mod terms;
#[cfg(test)]
pub(crate) mod tests;
pub mod timers;
pub mod timing;
pub mod trips;
pub mod working;
pub mod worth;

pub use self::core::{Batch, Engine, Input, clock_begins};
pub use abilities::Abilities;
pub use command::{Command, Denial, DenialCode, Entry, Legs, Origin, Outcome, Placed, Seen, SessionKind};
pub use event::{Actor, Event, Fact};
pub use fold::changed;
pub use port::{BrokerEvent, BrokerOrder, Family, Report, Request, Snapshot};
pub use release::Release;
pub use state::{FOLD_VERSION, State};
