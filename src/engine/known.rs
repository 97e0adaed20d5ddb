//! How far the word that nothing is held or working may be trusted: while the broker is not heard it is what was known last, and
//! is never said as a fact.

use super::state::State;
use crate::domain::{AccountKey, LinkState, Timestamp};

/// What to do about an account that can't be seen from here.
pub const ELSEWHERE: &str = "look in the broker's own program, or call its desk";

/// That a broker is not heard: how it is, and when it last told everything of the account, written by `clock`; nothing while what is
/// known may be taken for what is.
pub fn unheard(state: &State, account: AccountKey, clock: impl Fn(Timestamp) -> String) -> Option<String> {
    let broker = account.broker;
    let how = match state.link(broker) {
        LinkState::Ready => return None,
        LinkState::Down | LinkState::Connecting => "away",
        other => other.word(),
    };
    let entry = state.accounts.get(&account);
    let known = match entry.and_then(|entry| entry.read_at) {
        Some(at) => format!("as far as known at {}", clock(at)),
        None => "it was never read, and as far as known".to_owned(),
    };
    Some(format!("{broker} is {how}: {known}"))
}

/// That an account, or one instrument of it, is quiet: `flat` says so in words. While the broker is not heard they get [`unheard`]
/// before them and what to do behind them.
pub fn quiet_words(state: &State, account: AccountKey, flat: &str) -> String {
    match unheard(state, account, Timestamp::short) {
        None => flat.to_owned(),
        Some(unheard) => format!("{unheard} {flat}; {ELSEWHERE}"),
    }
}
