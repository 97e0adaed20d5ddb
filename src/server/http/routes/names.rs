//! Names in addresses and bodies: accounts that the caller may see, instruments, times.

use super::super::act::no_account;
use super::super::replica::Known;
use super::super::{ApiError, Context};
use crate::domain::{AccountKey, InstrumentId, SafeText, Timestamp};
use crate::server::doors::Caller;

/// The accounts that a caller may see.
pub(super) fn accounts<'a>(
    known: &'a Known,
    caller: &'a Caller,
) -> impl Iterator<Item = AccountKey> + use<'a> {
    known
        .state
        .accounts
        .keys()
        .copied()
        .filter(|key| caller.sees(*key))
}

/// The account of this name, as `SIM100001` or with its broker as `sim/SIM100001`, if the caller may see it.
pub(super) fn account(known: &Known, caller: &Caller, name: &str) -> Result<AccountKey, ApiError> {
    accounts(known, caller)
        .find(|key| key.account.as_str() == name || key.to_string() == name)
        .ok_or_else(|| no_account(name))
}

/// The account that a list is narrowed to, where one is named.
pub(super) fn narrowed(
    known: &Known,
    caller: &Caller,
    name: Option<&String>,
) -> Result<Option<AccountKey>, ApiError> {
    name.map(|name| account(known, caller, name)).transpose()
}

/// Refuses a word of a query that is none of these.
pub(super) fn one_of(what: &str, given: Option<&String>, words: &[&str]) -> Result<(), ApiError> {
    match given {
        Some(given) if !words.contains(&given.as_str()) => Err(ApiError::bad(format!(
            "{what} '{}' is none of {}",
            SafeText::new(given),
            words.join(", ")
        ))),
        _ => Ok(()),
    }
}

/// The account that is meant: the one named, the only one that the caller may see, or the engine's usual one.
pub(super) fn meant(
    known: &Known,
    context: &Context,
    caller: &Caller,
    name: Option<&String>,
) -> Result<AccountKey, ApiError> {
    if let Some(name) = name {
        return account(known, caller, name);
    }
    let all: Vec<AccountKey> = accounts(known, caller).collect();
    let usual = context.given.account.as_deref();
    let found = match usual {
        Some(usual) => all.iter().find(|key| key.account.as_str() == usual),
        None => known
            .state
            .accounts
            .keys()
            .next()
            .filter(|key| caller.sees(**key)),
    };
    match (found, all.as_slice()) {
        (Some(found), _) => Ok(*found),
        (None, [only]) => Ok(*only),
        (None, []) => Err(ApiError::unavailable(
            "no account that this key may see was reported yet; try again in a moment",
        )),
        (None, _) => Err(ApiError::bad("name the account: this key may see several")),
    }
}

/// The instrument of this name; a root such as `ES` is the contract that trades now.
pub(super) fn instrument(known: &Known, name: &str, now: Timestamp) -> Result<InstrumentId, ApiError> {
    let found = known.state.resolve(name, known.venue_now(now));
    found.map(|instrument| instrument.id).ok_or_else(|| {
        ApiError::not_found(format!(
            "instrument '{}' here; GET /api/v1/instruments lists them",
            SafeText::new(name)
        ))
    })
}

/// A moment in RFC 3339.
pub(super) fn moment(text: Option<&String>, what: &str) -> Result<Option<Timestamp>, ApiError> {
    let read = |text: &String| {
        Timestamp::parse(text).ok_or_else(|| {
            ApiError::bad(format!(
                "{what} '{}' is no time such as 2026-11-27T14:30:00Z",
                SafeText::new(text)
            ))
        })
    };
    text.map(read).transpose()
}
