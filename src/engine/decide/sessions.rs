//! Who may add risk: sessions, the trading token and arming. Reducing, cancelling and halting need only a session that is
//! not a mere onlooker; adding risk needs the token (terminals) and an armed account.

use super::Decision;
use crate::domain::{AccountClass, AccountKey, SafeText, Timestamp};
use crate::engine::command::{Command, Denial, DenialCode, Origin, SessionKind};
use crate::engine::difference::{self, Subject};
use crate::engine::event::Fact;
use crate::engine::lease;
use crate::engine::programs;
use crate::engine::state::State;

/// Whether this session may add risk in this account.
pub(in crate::engine) fn may_add_risk(
    state: &State,
    origin: Origin,
    account: AccountKey,
    now: Timestamp,
) -> Result<(), Denial> {
    may_act(origin)?;
    let simulated = state
        .accounts
        .get(&account)
        .is_some_and(|a| a.account.class == AccountClass::Sim);
    let armed = state.armed.contains(&(origin.session, account));
    match origin.kind {
        SessionKind::Terminal if state.token != Some(origin.session) => Err(Denial::new(
            DenialCode::NoToken,
            "another terminal holds the trading token; take it with :token",
        )),
        SessionKind::Program => match lease::denies(state, origin.session) {
            Some(denial) => Err(denial),
            None => programs::may_add_risk(state, origin.session, account, now),
        },
        SessionKind::Shell if simulated => Ok(()),
        _ if armed => Ok(()),
        _ => Err(Denial::new(
            DenialCode::NotArmed,
            format!("this session is not armed for {account}; arm it with :arm, in the shell with --arm"),
        )),
    }
}

/// Whether this session may act at all.
pub(in crate::engine) fn may_act(origin: Origin) -> Result<(), Denial> {
    match origin.kind {
        SessionKind::Monitor => Err(Denial::new(DenialCode::ReadOnly, "this session only looks")),
        SessionKind::Terminal | SessionKind::Shell | SessionKind::Program => Ok(()),
    }
}

/// Commands about sessions themselves.
pub(super) fn decide(
    state: &State,
    origin: Origin,
    command: &Command,
    now: Timestamp,
) -> Result<Decision, Denial> {
    let session = origin.session;
    Ok(match command {
        Command::OpenSession => Decision::done(vec![Fact::SessionOpened {
            session,
            kind: origin.kind,
        }]),
        Command::CloseSession => Decision::done(vec![Fact::SessionClosed { session }]),
        Command::TakeToken => {
            if origin.kind != SessionKind::Terminal {
                return Err(Denial::new(
                    DenialCode::ReadOnly,
                    "only a terminal can hold the trading token",
                ));
            }
            Decision::done(vec![Fact::TokenMoved { to: Some(session) }])
        }
        Command::Arm {
            account,
            confirmation,
        } => {
            may_arm(state, origin, *account, confirmation, now)?;
            let account = *account;
            let note = format!("{account} may take risk from here");
            Decision::noted(vec![Fact::Armed { session, account }], &note)
        }
        Command::Disarm { account } => Decision::done(vec![Fact::Disarmed {
            session,
            account: *account,
            reason: SafeText::new("by hand"),
        }]),
        _ => Decision::default(),
    })
}

/// Arming a live account takes its last four characters, typed; practice accounts take nothing.
pub(in crate::engine) fn may_arm(
    state: &State,
    origin: Origin,
    account: AccountKey,
    confirmation: &SafeText,
    now: Timestamp,
) -> Result<(), Denial> {
    may_act(origin)?;
    programs::by_a_person(origin)?;
    let Some(entry) = state.accounts.get(&account) else {
        return Err(Denial::new(
            DenialCode::UnknownAccount,
            format!("no account {account}"),
        ));
    };
    if origin.kind == SessionKind::Terminal && state.token != Some(origin.session) {
        return Err(Denial::new(
            DenialCode::NoToken,
            "another terminal holds the trading token; take it with :token",
        ));
    }
    if let Some(line) = difference::blocking(state, account, now) {
        let text = match (line.subject, entry.gap) {
            (Subject::Gap, Some((from, until))) => format!(
                "executions between {from} and {until} are not known: compare with a statement, then :accept gap"
            ),
            _ => format!("{}: explain it in :differences, then arm", line.words()),
        };
        return Err(Denial::new(DenialCode::Unexplained, text));
    }
    if entry.account.class == AccountClass::Live {
        let id = account.account.as_str();
        let last = &id[id.len().saturating_sub(4)..];
        if confirmation.as_str() != last {
            return Err(Denial::new(
                DenialCode::Confirmation,
                format!("type the last four characters of {account} to arm it"),
            ));
        }
    }
    Ok(())
}
