//! Limits that change while the engine runs: by account or for all, for a time or until changed back, each change a fact with
//! who made it. Stricter is anybody's to make; looser takes who may add risk; above what config.toml allows takes the last
//! four characters of an account, typed (over the network the second factor stands for them).

use crate::domain::{
    AccountId, AccountKey, LimitName, LimitValue, Limits, RulePack, SafeText, Scope, Timestamp,
};
use crate::engine::command::{Command, Denial, DenialCode, Origin, SessionKind};
use crate::engine::decide::{Decision, may_act, may_add_risk};
use crate::engine::event::Fact;
use crate::engine::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest time of a change that ends by itself, in minutes: a day.
pub const LONGEST_MINUTES: u32 = 1_440;

/// A limit that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitChange {
    /// What it is set to.
    pub value: LimitValue,
    /// Since when.
    pub since: Timestamp,
    /// Until when; nothing until it is changed back.
    pub until: Option<Timestamp>,
    /// Who changed it.
    pub by: SafeText,
}

impl State {
    /// The limits in force for an account: config.toml's with what was changed for all, then for it. Of two changes the
    /// stricter holds.
    pub fn limits_of(&self, account: AccountKey) -> Cow<'_, Limits> {
        let mut limits = self.changed_limits(account);
        self.lay(&mut limits, &Scope::Account(account.account));
        limits
    }

    fn changed_limits(&self, account: AccountKey) -> Cow<'_, Limits> {
        if self.limit_changes.is_empty() {
            return Cow::Borrowed(&self.limits);
        }
        let mut limits = Cow::Borrowed(&self.limits);
        for name in LimitName::ALL.iter().copied() {
            let of = |scope| self.limit_changes.get(&(scope, name)).map(|change| change.value);
            let value = match (of(None), of(Some(account))) {
                (Some(all), Some(own)) => name.stricter_of(all, own),
                (all, own) => match own.or(all) {
                    Some(value) => value,
                    None => continue,
                },
            };
            limits.to_mut().set(name, value);
        }
        limits
    }

    /// What makes a limit of an account what it is, where it is not config.toml's.
    pub fn limit_change(&self, account: AccountKey, name: LimitName) -> Option<&LimitChange> {
        let of = |scope| self.limit_changes.get(&(scope, name));
        match (of(None), of(Some(account))) {
            (Some(all), Some(own)) if name.is_looser(own.value, all.value) => Some(all),
            (all, own) => own.or(all),
        }
    }
}

/// What is asked of one limit.
pub(in crate::engine) struct Wish<'a> {
    /// Of one account, or of all.
    pub account: Option<AccountKey>,
    /// Of a scope, in place of an account.
    pub scope: Option<&'a Scope>,
    /// Which.
    pub name: LimitName,
    /// To what; nothing to take config.toml's again.
    pub value: Option<LimitValue>,
    /// For how many minutes.
    pub minutes: Option<u32>,
    /// What the person typed.
    pub confirmation: &'a SafeText,
    /// Who asks, where they have a name.
    pub by: &'a SafeText,
}

/// Decides a change.
pub(in crate::engine) fn decide(
    state: &State,
    origin: Origin,
    wish: &Wish<'_>,
    now: Timestamp,
) -> Result<Decision, Denial> {
    may_act(origin)?;
    if let Some(scope) = wish.scope {
        return decide_scoped(state, origin, scope, wish, now);
    }
    let accounts: Vec<AccountKey> = match wish.account {
        Some(account) if state.accounts.contains_key(&account) => vec![account],
        Some(account) => {
            return Err(Denial::new(
                DenialCode::UnknownAccount,
                format!("no account {account}"),
            ));
        }
        None => state.accounts.keys().copied().collect(),
    };
    let (name, ceiling) = (wish.name, state.limits.get(wish.name));
    let value = wish.value.unwrap_or(ceiling);
    well_formed(name, value, ceiling, wish.minutes)?;
    let before = match wish.account {
        Some(account) => state.limits_of(account).get(name),
        None => {
            let change = state.limit_changes.get(&(None, name));
            change.map_or(ceiling, |change| change.value)
        }
    };
    if name.is_looser(value, before) {
        for account in &accounts {
            may_add_risk(state, origin, *account, now)?;
        }
    }
    if name.is_looser(value, ceiling) {
        confirmed(wish, &accounts, value, ceiling)?;
    }
    let known = state.limit_changes.get(&(wish.account, name));
    if value == ceiling {
        let back = Fact::LimitReverted {
            account: wish.account,
            name,
            value: ceiling,
            reason: SafeText::new(&format!("changed back by {}", who(origin, wish.by))),
        };
        let note = format!("{name} is {ceiling}, as in config.toml");
        return Ok(Decision::noted(known.map(|_| back).into_iter().collect(), &note));
    }
    let until = until(wish.minutes, now);
    let time = until.map_or(String::new(), |until| format!(" until {until}"));
    let note = format!("{name} is {value}{time}; it was {before}, config.toml says {ceiling}");
    let fact = Fact::LimitChanged {
        account: wish.account,
        name,
        value,
        before,
        until,
        by: SafeText::new(&who(origin, wish.by)),
    };
    Ok(Decision::noted(vec![fact], &note))
}

/// A limit of a scope: of whichever account, so that looser takes who may add risk in each.
fn decide_scoped(
    state: &State,
    origin: Origin,
    scope: &Scope,
    wish: &Wish<'_>,
    now: Timestamp,
) -> Result<Decision, Denial> {
    let name = wish.name;
    let ceiling = state.scoped.get(scope).and_then(|of| of.get(&name)).copied();
    let before = state.tighter(scope).get(&name).copied();
    let value = wish.value.or(ceiling);
    let accounts: Vec<AccountKey> = state.accounts.keys().copied().collect();
    if let Some(value) = value {
        well_formed(name, value, state.limits.get(name), wish.minutes)?;
    }
    let looser = |than: Option<LimitValue>| match (value, than) {
        (Some(value), Some(than)) => name.is_looser(value, than),
        (None, than) => than.is_some(),
        (Some(_), None) => false,
    };
    if looser(before) {
        for account in &accounts {
            may_add_risk(state, origin, *account, now)?;
        }
    }
    if let (Some(value), Some(ceiling)) = (value, ceiling.filter(|_| looser(ceiling))) {
        confirmed(wish, &accounts, value, ceiling)?;
    }
    let Some(value) = value.filter(|value| Some(*value) != ceiling) else {
        let known = state.scoped_changes.contains_key(&(scope.clone(), name));
        let back = known.then(|| Fact::ScopedLimitReverted {
            scope: scope.clone(),
            name,
            value: ceiling,
            reason: SafeText::new(&format!("changed back by {}", who(origin, wish.by))),
        });
        let as_is = ceiling.map_or_else(|| "not set".to_owned(), |value| value.to_string());
        let note = format!("{name} of {scope} is {as_is}, as in config.toml");
        return Ok(Decision::noted(back.into_iter().collect(), &note));
    };
    let until = until(wish.minutes, now);
    let time = until.map_or(String::new(), |until| format!(" until {until}"));
    let was = before.map_or_else(|| "not set".to_owned(), |value| value.to_string());
    let note = format!("{name} of {scope} is {value}{time}; it was {was}");
    let fact = Fact::ScopedLimitChanged {
        scope: scope.clone(),
        name,
        value,
        before,
        until,
        by: SafeText::new(&who(origin, wish.by)),
    };
    Ok(Decision::noted(vec![fact], &note))
}

fn until(minutes: Option<u32>, now: Timestamp) -> Option<Timestamp> {
    minutes.map(|minutes| {
        now.after(Duration::from_secs(60 * u64::from(minutes)))
            .to_the_second()
    })
}

fn well_formed(
    name: LimitName,
    value: LimitValue,
    ceiling: LimitValue,
    minutes: Option<u32>,
) -> Result<(), Denial> {
    let bad = |text: String| Denial::new(DenialCode::BadLimit, text);
    if std::mem::discriminant(&value) != std::mem::discriminant(&ceiling) {
        return Err(bad(format!(
            "{name} is set to {ceiling}; {value} is another kind of value"
        )));
    }
    name.check(value).map_err(|what| bad(format!("{name}: {what}")))?;
    match minutes {
        Some(minutes) if !(1..=LONGEST_MINUTES).contains(&minutes) => Err(bad(format!(
            "a limit is changed for 1 to {LONGEST_MINUTES} minutes, not {minutes}"
        ))
        .near(minutes.clamp(1, LONGEST_MINUTES))),
        _ => Ok(()),
    }
}

/// Above the ceiling somebody proves that they mean it.
fn confirmed(
    wish: &Wish<'_>,
    accounts: &[AccountKey],
    value: LimitValue,
    ceiling: LimitValue,
) -> Result<(), Denial> {
    let typed = wish.confirmation.as_str();
    let fits = |account: &AccountKey| !typed.is_empty() && typed == last_four(account);
    if accounts.iter().any(fits) {
        return Ok(());
    }
    let of = wish.account.map_or_else(
        || "of one of the accounts".to_owned(),
        |account| format!("of {account}"),
    );
    let text = format!(
        "{} {value} is above config.toml's {ceiling}, which would pass; for more, type the last four characters {of} after it",
        wish.name
    );
    Err(Denial::new(DenialCode::Confirmation, text).near(ceiling))
}

/// What has to be typed for an account.
pub fn last_four(account: &AccountKey) -> &str {
    let id = account.account.as_str();
    &id[id.len().saturating_sub(4)..]
}

fn who(origin: Origin, by: &SafeText) -> String {
    let kind = match origin.kind {
        SessionKind::Terminal => "a terminal",
        SessionKind::Shell => "the shell",
        SessionKind::Monitor => "an onlooker",
        SessionKind::Program => "a program",
    };
    match by.as_str() {
        "" => format!("{kind}, session {}", origin.session.0),
        by => format!("{by}, {kind}, session {}", origin.session.0),
    }
}

/// Changes that another config.toml takes back: what is looser than it allows now.
pub(in crate::engine) fn over_new_ceiling(state: &State, limits: &Limits) -> Vec<Fact> {
    let over = state.limit_changes.iter().filter(|((_, name), change)| {
        name.is_looser(change.value, limits.get(*name)) && limits.get(*name) != state.limits.get(*name)
    });
    over.map(|((account, name), _)| Fact::LimitReverted {
        account: *account,
        name: *name,
        value: limits.get(*name),
        reason: SafeText::new("config.toml has another value"),
    })
    .collect()
}

/// Scopes with what the rule packs of accounts ask for: of two limits the stricter.
pub(in crate::engine) fn with_packs(
    scopes: &BTreeMap<Scope, BTreeMap<LimitName, LimitValue>>,
    packs: &BTreeMap<AccountId, RulePack>,
) -> BTreeMap<Scope, BTreeMap<LimitName, LimitValue>> {
    let mut all = scopes.clone();
    for (account, pack) in packs {
        let limits = all.entry(Scope::Account(*account)).or_default();
        for (name, value) in pack.tighter() {
            let own = limits.get(&name).copied().unwrap_or(value);
            limits.insert(name, name.stricter_of(own, value));
        }
    }
    all
}

/// The tighter limits of scopes, where config.toml has others; with what was changed and is looser than they allow.
pub(in crate::engine) fn scopes(
    state: &State,
    scopes: &BTreeMap<Scope, BTreeMap<LimitName, LimitValue>>,
) -> Vec<Fact> {
    if state.scoped == *scopes {
        return Vec::new();
    }
    let ceiling = |scope: &Scope, name| scopes.get(scope).and_then(|of| of.get(&name)).copied();
    let over = state.scoped_changes.iter().filter_map(|((scope, name), change)| {
        let allowed = ceiling(scope, *name).filter(|allowed| name.is_looser(change.value, *allowed))?;
        Some(Fact::ScopedLimitReverted {
            scope: scope.clone(),
            name: *name,
            value: Some(allowed),
            reason: SafeText::new("config.toml has another value"),
        })
    });
    let mut facts: Vec<Fact> = over.collect();
    facts.push(Fact::ScopesSet {
        scopes: scopes.clone(),
    });
    facts
}

/// The fact that ends a scope's change whose time is over.
pub(in crate::engine) fn scoped_over(state: &State, scope: &Scope, name: LimitName) -> Fact {
    Fact::ScopedLimitReverted {
        scope: scope.clone(),
        name,
        value: state.scoped.get(scope).and_then(|of| of.get(&name)).copied(),
        reason: SafeText::new("its time is over"),
    }
}

/// The fact that ends a change whose time is over.
pub(in crate::engine) fn over(state: &State, account: Option<AccountKey>, name: LimitName) -> Fact {
    Fact::LimitReverted {
        account,
        name,
        value: state.limits.get(name),
        reason: SafeText::new("its time is over"),
    }
}

/// Reads `NAME VALUE [for TIME] [all] [SCOPE] [LAST FOUR]`; the value `config` takes config.toml's again.
///
/// # Errors
/// In words, with what would be right.
pub fn read(text: &str, account: AccountKey) -> Result<Command, String> {
    let mut words = text.split_ascii_whitespace();
    let name = name(words.next().unwrap_or_default())?;
    let value = match words.next() {
        None => {
            return Err(format!(
                "{name} to what: a value, or 'config' for config.toml's again"
            ));
        }
        Some("config") => None,
        Some(value) => Some(name.read(value)?),
    };
    let (mut of, mut minutes, mut typed) = (Some(account), None, SafeText::new(""));
    let mut scope = None;
    while let Some(word) = words.next() {
        match word {
            "for" => minutes = Some(time(words.next().unwrap_or_default())?),
            "all" => of = None,
            word if word.contains(':') => scope = Some(Scope::parse(word)?),
            word if typed.as_str().is_empty() => typed = SafeText::new(word),
            word => {
                let word = SafeText::new(word);
                return Err(format!(
                    "'{word}' is too much: limit NAME VALUE [for 30m] [all] [key:NAME] [LAST FOUR]"
                ));
            }
        }
    }
    Ok(Command::SetLimit {
        account: of,
        scope,
        name,
        value,
        minutes,
        confirmation: typed,
        by: SafeText::new(""),
    })
}

/// The limit of a name; the nearest is named where there is none.
///
/// # Errors
/// In words.
pub fn name(text: &str) -> Result<LimitName, String> {
    if let Some(name) = LimitName::parse(text) {
        return Ok(name);
    }
    let known = LimitName::ALL.iter().map(|name| name.as_str());
    let text = SafeText::new(text);
    let near = known.filter(|name| !text.as_str().is_empty() && name.contains(text.as_str()));
    let near: Vec<&str> = near.collect();
    Err(match near.as_slice() {
        [] => format!("'{text}' is no limit; 'tradewind limits' lists them, config.toml explains them"),
        near => format!("'{text}' is no limit; there are {}", near.join(", ")),
    })
}

/// Reads `30m` or `2h` as minutes.
///
/// # Errors
/// In words, with an example.
pub fn time(text: &str) -> Result<u32, String> {
    let wrong = || {
        let text = SafeText::new(text);
        format!("'{text}' is no time from 1m to 24h, such as 30m or 2h")
    };
    let (digits, each) = match (text.strip_suffix('m'), text.strip_suffix('h')) {
        (Some(digits), _) => (digits, 1),
        (_, Some(digits)) => (digits, 60),
        _ => return Err(wrong()),
    };
    let count: u32 = digits.parse().map_err(|_| wrong())?;
    let minutes = count.checked_mul(each).ok_or_else(wrong)?;
    if (1..=LONGEST_MINUTES).contains(&minutes) {
        Ok(minutes)
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, BrokerId};

    #[test]
    fn a_word_of_the_desk_is_read_and_what_is_wrong_is_said() {
        let account = AccountKey {
            broker: BrokerId::new("sim").unwrap(),
            account: AccountId::new("SIM100001").unwrap(),
        };
        let Ok(Command::SetLimit {
            account: of,
            name,
            value,
            minutes,
            confirmation,
            ..
        }) = read("limits.max_order_value 5000 for 30m 0001", account)
        else {
            panic!("not read");
        };
        assert_eq!(
            (of, name, minutes),
            (Some(account), LimitName::MaxOrderValue, Some(30))
        );
        assert_eq!(value.map(|value| value.to_string()).as_deref(), Some("5000"));
        assert_eq!(confirmation.as_str(), "0001");
        let all = read("keep_hours no all", account);
        assert!(matches!(all, Ok(Command::SetLimit { account: None, .. })));
        for (text, says) in [
            ("", "is no limit"),
            ("order_value 5", "max_order_value"),
            ("max_order_value", "to what"),
            ("max_order_value -5", "above zero"),
            ("max_order_value 5 for 25h", "24h"),
            ("max_order_value 5 a b", "too much"),
        ] {
            let error = read(text, account).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
