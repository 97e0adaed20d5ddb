//! Programs that come in by the network: who they are, and for how long they may add risk. On a simulated account a program
//! whose key may trade may trade; anywhere else a person arms programs, all or one key alone, for an account and for a time,
//! which ends by itself. A program can't arm anybody. Who is who, and what a key may do, is told at the doors of the server.

use super::command::{Command, Denial, DenialCode, Origin, SessionKind};
use super::decide::{Decision, may_act, may_arm};
use super::event::Fact;
use super::risk::Sender;
use super::state::State;
use crate::domain::{AccountClass, AccountKey, BrokerId, SafeText, SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// How many minutes are meant where none are said.
pub const USUAL_MINUTES: u32 = 15;
/// The longest time for which programs can be armed, in minutes: a trading day and a little.
pub const LONGEST_MINUTES: u32 = 480;

/// Who a program's session belongs to, for the journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Program {
    /// The name of the key or of the user.
    pub name: SafeText,
    /// The characters that name the key, where it came by one.
    pub key: Option<SafeText>,
    /// From where.
    pub address: SafeText,
}

/// Reads `15m` or `2h` as minutes.
///
/// # Errors
/// In words, with an example.
pub fn minutes(text: &str) -> Result<u32, String> {
    let wrong = || format!("'{}' is no time such as 15m or 2h", SafeText::new(text));
    let (digits, each) = match (text.strip_suffix('m'), text.strip_suffix('h')) {
        (Some(digits), _) => (digits, 1),
        (_, Some(digits)) => (digits, 60),
        _ => return Err(wrong()),
    };
    let count: u32 = digits.parse().map_err(|_| wrong())?;
    let minutes = count.checked_mul(each).ok_or_else(wrong)?;
    in_range(minutes).map_err(|denial| denial.text.to_string())
}

fn in_range(minutes: u32) -> Result<u32, Denial> {
    if (1..=LONGEST_MINUTES).contains(&minutes) {
        return Ok(minutes);
    }
    let text = format!("programs are armed for 1 to {LONGEST_MINUTES} minutes, not {minutes}");
    Err(Denial::new(DenialCode::BadOrder, text))
}

/// Until when who comes by this key is armed in an account, as one of all or alone; nothing where they are not. Without a key,
/// as one of all. `key` is the characters that name it, and its name.
pub fn armed_until(
    state: &State,
    account: AccountKey,
    key: Option<(&str, &str)>,
    now: Timestamp,
) -> Option<Timestamp> {
    let all = state.programs_armed.get(&account).copied();
    let own = state.keys_armed.iter().filter(|((of, armed), _)| {
        *of == account && key.is_some_and(|(id, name)| [id, name].contains(&armed.as_str()))
    });
    let until = own.map(|(_, until)| *until).chain(all).max();
    until.filter(|until| now < *until)
}

/// Whether a program may add risk in this account now.
pub(super) fn may_add_risk(
    state: &State,
    session: SessionId,
    account: AccountKey,
    now: Timestamp,
) -> Result<(), Denial> {
    let known = state.accounts.get(&account);
    let simulated = known.is_some_and(|known| known.account.class == AccountClass::Sim);
    let key = match state.senders.sessions.get(&session) {
        Some(Sender::Key { name, key }) => Some((key.as_str(), name.as_str())),
        _ => None,
    };
    if simulated || armed_until(state, account, key, now).is_some() {
        return Ok(());
    }
    let text = match key {
        Some((_, name)) => format!(
            "the key {name} may not add risk in {account}: a person arms it at the desk with ':arm api 15m key {name}', or with 'tradewind arm-api 15m --key {name}'; without the key's name, all programs"
        ),
        None => format!(
            "programs may not add risk in {account}: a person arms them at the desk with ':arm api 15m', or with 'tradewind arm-api'"
        ),
    };
    Err(Denial::new(DenialCode::NotArmed, text))
}

/// Arming and disarming, and a program's coming in.
pub(super) fn decide(
    state: &State,
    origin: Origin,
    command: &Command,
    now: Timestamp,
) -> Result<Decision, Denial> {
    Ok(match command {
        Command::OpenProgram { who } => Decision::done(vec![Fact::ProgramOpened {
            session: origin.session,
            name: who.name.clone(),
            key: who.key.clone(),
            address: who.address.clone(),
        }]),
        Command::NameSession { who } => Decision::done(vec![Fact::SenderNamed {
            session: origin.session,
            name: who.name.clone(),
            key: who.key.clone(),
            address: who.address.clone(),
        }]),
        Command::ArmPrograms {
            account,
            confirmation,
            minutes,
            key,
        } => {
            by_a_person(origin)?;
            let minutes = in_range(*minutes)?;
            if key.as_ref().is_some_and(|key| key.as_str().is_empty()) {
                let text = "name the key that is to be armed, or none to arm all";
                return Err(Denial::new(DenialCode::BadOrder, text));
            }
            may_arm(state, origin, *account, confirmation, now)?;
            let until = now
                .after(Duration::from_secs(60 * u64::from(minutes)))
                .to_the_second();
            armed(state, *account, key.as_ref(), (minutes, until))
        }
        Command::DisarmPrograms { account, key } => {
            may_act(origin)?;
            let reason = SafeText::new("by hand");
            Decision::done(match key {
                None => disarmed(state, *account, &reason),
                Some(key) => key_disarmed(state, *account, key, &reason).into_iter().collect(),
            })
        }
        _ => Decision::default(),
    })
}

fn armed(
    state: &State,
    account: AccountKey,
    key: Option<&SafeText>,
    (minutes, until): (u32, Timestamp),
) -> Decision {
    let Some(key) = key.cloned() else {
        let note = format!("programs may add risk in {account} for {minutes} minutes");
        return Decision::noted(vec![Fact::ProgramsArmed { account, until }], &note);
    };
    // Whoever arms one key means that one: that others may as well is told.
    let all = state.programs_armed.get(&account);
    let others = all.map_or(String::new(), |until| {
        format!("; all programs may until {until}, 'disarm api' ends that")
    });
    let note = format!("the key {key} may add risk in {account} for {minutes} minutes{others}");
    Decision::noted(vec![Fact::KeyArmed { account, key, until }], &note)
}

/// A program can't arm itself or another.
pub(super) fn by_a_person(origin: Origin) -> Result<(), Denial> {
    if origin.kind != SessionKind::Program {
        return Ok(());
    }
    Err(Denial::new(
        DenialCode::ReadOnly,
        "that is a person's to do: at the desk, or in a shell on the engine's machine",
    ))
}

/// The facts that programs are no longer armed, where all were or some keys.
pub(super) fn disarmed(state: &State, account: AccountKey, reason: &SafeText) -> Vec<Fact> {
    let all = state
        .programs_armed
        .contains_key(&account)
        .then(|| Fact::ProgramsDisarmed {
            account,
            reason: reason.clone(),
        });
    let keys = state.keys_armed.keys().filter(|(of, _)| *of == account);
    all.into_iter()
        .chain(keys.filter_map(|(_, key)| key_disarmed(state, account, key, reason)))
        .collect()
}

fn key_disarmed(state: &State, account: AccountKey, key: &SafeText, reason: &SafeText) -> Option<Fact> {
    let armed = state.keys_armed.contains_key(&(account, key.clone()));
    armed.then(|| Fact::KeyDisarmed {
        account,
        key: key.clone(),
        reason: reason.clone(),
    })
}

/// The accounts of a broker that programs are armed for, all or one key.
pub(super) fn armed_at(state: &State, broker: BrokerId) -> BTreeSet<AccountKey> {
    let keys = state.keys_armed.keys().map(|(account, _)| account);
    let armed = state.programs_armed.keys().chain(keys).copied();
    armed.filter(|account| account.broker == broker).collect()
}

#[cfg(test)]
mod tests {
    use super::minutes;

    #[test]
    fn times_are_read_and_bounded() {
        assert_eq!((minutes("15m"), minutes("2h")), (Ok(15), Ok(120)));
        for bad in ["", "m", "0m", "15", "9h", "-1m", "99999999999m", "4294967295h"] {
            assert!(minutes(bad).is_err(), "{bad}");
        }
    }
}
