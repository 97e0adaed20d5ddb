//! A halt: from the input on that says so nothing leaves that adds risk, and the cancels of what would add it are the first
//! requests to leave. Protective stops stay where they are unless somebody asks for them too, and so do targets and whatever
//! else only takes off what is held: taking those away would leave more risk, not less. A cancel that is only asked for
//! is no cancel: each is asked again, with growing pauses, until the broker has said that its order ended; what it has not
//! said in time is named, and asked for on. How far that is stands in the state, so a new process goes on with it.
//!
//! A halt comes by a key, by a program, by a limit, or by a file in the run folder, which keeps the engine halted for as long
//! as it is there. Leaves to others: the right to resume (`decide`), the last gate (`release`), finding the file (the engine's
//! process).

use super::decide::{cancel, is_protective};
use super::event::Fact;
use super::flatten;
use super::planted::{Bug, planted};
use super::risk;
use super::state::State;
use super::timing::{CANCEL_AGAIN, CANCEL_AGAIN_AT_MOST, CONFIRM_WITHIN};
use crate::domain::{
    AccountKey, ClientOrderId, InstrumentId, LinkState, Order, Phase, SafeText, Timestamp, TradingState,
    counted,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The file that keeps an engine halted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaltFile {
    /// Where it lies, for the words that tell what to remove.
    pub place: SafeText,
    /// What stands in it: the reason.
    pub reason: SafeText,
}

/// The cancels of an account's halt, and how far they have come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// The event that began it.
    pub began: u64,
    /// Since when, or since when this process runs.
    pub since: Timestamp,
    /// Protective stops were to go too.
    pub stops_too: bool,
    /// Orders whose end the broker has not confirmed.
    pub waiting: BTreeMap<ClientOrderId, Asked>,
    /// How many ended without having been filled.
    pub cancelled: u32,
    /// How many were filled first.
    pub filled: u32,
    /// What is not confirmed was named.
    pub told: bool,
    /// Nothing was there to be cancelled, or all of it has ended and that was said.
    pub done: bool,
}

/// How often a cancel was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// So often.
    pub times: u32,
    /// When last.
    pub last: Timestamp,
}

/// The pause after a cancel that was asked for so often: it doubles, up to a bound.
fn pause(times: u32) -> Duration {
    let doubled = CANCEL_AGAIN.saturating_mul(1 << times.saturating_sub(1).min(16));
    doubled.min(CANCEL_AGAIN_AT_MOST)
}

/// The facts of a halt. What it cancels is written down first, so that what follows from it knows whether stops go too.
pub(super) fn halted(state: &State, account: AccountKey, reason: &SafeText, stops_too: bool) -> Vec<Fact> {
    vec![
        began(state, account, stops_too),
        Fact::TradingChanged {
            account,
            state: TradingState::Halted,
            reason: reason.clone(),
        },
    ]
}

fn began(state: &State, account: AccountKey, stops_too: bool) -> Fact {
    Fact::HaltBegan {
        account,
        orders: going(state, account, stops_too),
        stops_too,
    }
}

/// Whoever halted: trading changed without its cancels being written down (a limit, a journal that can't be written).
pub(super) fn follows(state: &State, account: AccountKey, sequence: u64) -> Option<Fact> {
    let known = state.halts.get(&account);
    let has_begun = known.is_some_and(|halt| halt.began.saturating_add(1) == sequence);
    (!has_begun).then(|| began(state, account, false))
}

/// True for what a halt leaves where it is unless stops are to go too: what protects, and what only takes off what is held,
/// everything that closes counted. What waits for its entry goes with it, and what never left takes nothing off.
pub(super) fn stays(state: &State, order: &Order) -> bool {
    let closes = order.phase != Phase::Parked && !state.waits(order) && risk::reduces_now(state, order);
    is_protective(state, order) || closes || flatten::is_exit(state, order.id)
}

/// What a halt cancels, what adds risk first: that is the order in which the cancels leave. The exit of a flatten under way
/// closes what is held, and goes on.
fn going(state: &State, account: AccountKey, stops_too: bool) -> Vec<ClientOrderId> {
    let ours = state
        .live_of(account)
        .filter(|order| !order.foreign)
        .filter(|order| !flatten::is_exit(state, order.id) && !planted(Bug::HaltCancelsNothing));
    let mut going: Vec<((bool, bool), ClientOrderId)> = ours
        .filter(|order| stops_too || !stays(state, order))
        .map(|order| {
            let rank = (is_protective(state, order), risk::reduces_now(state, order));
            (rank, order.id)
        })
        .collect();
    going.sort_by_key(|(rank, _)| *rank);
    going.into_iter().map(|(_, id)| id).collect()
}

/// The cancels of what adds risk in an account, in some instruments of it or in all: what a breached limit takes off the market.
/// What protects stays, and so does what only takes off what is held.
pub(super) fn entries(
    state: &State,
    account: AccountKey,
    of: &dyn Fn(InstrumentId) -> bool,
    why: &str,
) -> Vec<Fact> {
    let going = going(state, account, false).into_iter();
    let adding = going
        .filter_map(|id| state.orders.get(&id))
        .filter(|order| of(order.spec.instrument) && !risk::reduces_now(state, order));
    adding.map(|order| cancel(order, why)).collect()
}

/// The cancels of a halt that has just begun.
pub(super) fn cancels(state: &State, orders: &[ClientOrderId]) -> Vec<Fact> {
    let live = orders.iter().filter_map(|id| state.orders.get(id));
    live.filter(|order| order.phase.is_live())
        .map(|order| cancel(order, "trading was halted"))
        .collect()
}

/// Said once, when the last order has ended.
pub(super) fn confirmed(state: &State, account: AccountKey) -> Option<Fact> {
    let halt = state.halts.get(&account)?;
    (!halt.done && halt.waiting.is_empty()).then_some(Fact::HaltConfirmed {
        account,
        cancelled: halt.cancelled,
        filled: halt.filled,
    })
}

/// The file appeared, says something else, or is gone. While it is there no account trades, also one that is not known yet:
/// see [`on_account`].
pub(super) fn file(state: &State, found: Option<&HaltFile>) -> Vec<Fact> {
    let news = state.halt_file.as_ref() != found;
    let mut facts = Vec::new();
    if news {
        facts.push(Fact::HaltFileChanged { file: found.cloned() });
    }
    let Some(file) = found else { return facts };
    for (account, entry) in &state.accounts {
        if news || entry.trading != TradingState::Halted {
            facts.extend(halted(state, *account, &reason_of(file), false));
        }
    }
    facts
}

/// An account that is reported while the file is there.
pub(super) fn on_account(state: &State, account: AccountKey) -> Vec<Fact> {
    let trading = state.accounts.get(&account).map(|entry| entry.trading);
    match &state.halt_file {
        Some(file) if trading != Some(TradingState::Halted) => {
            halted(state, account, &reason_of(file), false)
        }
        _ => Vec::new(),
    }
}

fn reason_of(file: &HaltFile) -> SafeText {
    SafeText::new(&format!("halt file: {}", file.reason))
}

/// What is due of a halt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// A cancel is asked for again.
    Again(ClientOrderId),
    /// What is not confirmed is named.
    Unconfirmed(AccountKey),
}

/// Tells every deadline of every halt.
pub(super) fn deadlines(state: &State, mut tell: impl FnMut(Timestamp, Due)) {
    for (account, halt) in state.halts.iter().filter(|(_, halt)| !halt.waiting.is_empty()) {
        if !halt.told {
            tell(halt.since.after(CONFIRM_WITHIN), Due::Unconfirmed(*account));
        }
        // Without a link nothing is asked: the cancels go first when it is back.
        let link = state.link(account.broker);
        if matches!(link, LinkState::Syncing | LinkState::Ready | LinkState::Degraded) {
            for (id, asked) in &halt.waiting {
                tell(asked.last.after(pause(asked.times)), Due::Again(*id));
            }
        }
    }
}

/// What a deadline leads to.
pub(super) fn fire(state: &State, due: Due) -> Option<Fact> {
    match due {
        Due::Again(id) => {
            let at_broker = state.orders.get(&id)?.phase.is_at_broker();
            at_broker.then_some(Fact::CancelRequested { id })
        }
        Due::Unconfirmed(account) => {
            let halt = state.halts.get(&account)?;
            let orders = halt.waiting.keys().copied().collect();
            Some(Fact::CancelsUnconfirmed { account, orders })
        }
    }
}

impl State {
    /// Facts about halts.
    pub(super) fn fold_halt(&mut self, fact: &Fact, sequence: u64, at: Timestamp) {
        match fact {
            Fact::HaltBegan {
                account,
                orders,
                stops_too,
            } => {
                let at_broker = |id: &&ClientOrderId| {
                    let order = self.orders.get(id);
                    order.is_some_and(|order| order.phase.is_at_broker())
                };
                let asked = Asked { times: 0, last: at };
                let waiting: BTreeMap<_, _> =
                    orders.iter().filter(at_broker).map(|id| (*id, asked)).collect();
                let halt = Halt {
                    began: sequence,
                    since: at,
                    stops_too: *stops_too,
                    done: waiting.is_empty(),
                    waiting,
                    ..Halt::default()
                };
                self.halts.insert(*account, halt);
            }
            Fact::HaltConfirmed { account, .. } => {
                if let Some(halt) = self.halts.get_mut(account) {
                    halt.done = true;
                }
            }
            Fact::CancelsUnconfirmed { account, .. } => {
                if let Some(halt) = self.halts.get_mut(account) {
                    halt.told = true;
                }
            }
            Fact::HaltFileChanged { file } => self.halt_file.clone_from(file),
            _ => {}
        }
    }

    /// Something happened to an order: one that a halt waits for was asked for again, or has ended.
    pub(super) fn count_cancel(&mut self, id: ClientOrderId, fact: &Fact, at: Timestamp) {
        let Some(order) = self.orders.get(&id) else { return };
        let Some(halt) = self.halts.get_mut(&order.spec.account) else {
            return;
        };
        if order.phase.is_live() {
            if let (Fact::CancelRequested { .. }, Some(asked)) = (fact, halt.waiting.get_mut(&id)) {
                asked.times = asked.times.saturating_add(1);
                asked.last = at;
            }
        } else if halt.waiting.remove(&id).is_some() {
            let count = match order.phase {
                Phase::Filled => &mut halt.filled,
                _ => &mut halt.cancelled,
            };
            *count = count.saturating_add(1);
        }
    }

    /// A new process has as long for its cancels as the one before had.
    pub(super) fn resume_halts(&mut self, at: Timestamp) {
        for halt in self.halts.values_mut().filter(|halt| !halt.told) {
            halt.since = at;
        }
    }
}

/// What a halt's cancels came to, in words.
pub(super) fn confirmed_words(account: AccountKey, cancelled: u32, filled: u32) -> String {
    let first = if filled > 0 {
        format!(", {} first", counted_filled(filled))
    } else {
        String::new()
    };
    format!(
        "halt of {}: every cancel is confirmed, {} ended{first}",
        account.account,
        counted(cancelled.saturating_add(filled), "order")
    )
}

fn counted_filled(filled: u32) -> String {
    if filled == 1 {
        "1 was filled".to_owned()
    } else {
        format!("{filled} were filled")
    }
}

/// The orders that may still work, and what to do.
pub(super) fn unconfirmed_words(state: &State, account: AccountKey, orders: &[ClientOrderId]) -> String {
    let known = |id: &ClientOrderId| state.orders.get(id).map(|order: &Order| order.spec.to_string());
    let named: Vec<String> = orders
        .iter()
        .take(3)
        .map(|id| known(id).unwrap_or_else(|| id.to_string()))
        .collect();
    let more = match orders.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "HALT {}: {} NOT CONFIRMED after {} s: {}{more}; each is asked for again, :differences lists them; look at the broker's own screen",
        account.account,
        counted(orders.len(), "cancel"),
        CONFIRM_WITHIN.as_secs(),
        named.join(", ")
    )
}
