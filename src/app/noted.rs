//! What people do by the socket of this machine, or at a terminal elsewhere, as records of the audit log: who armed, halted,
//! resumed, changed a limit, resolved or recorded something. Orders of such sessions are not among them: each is in the journal
//! with its session. What programs do is noted at the HTTP port.

use super::clock::Clock;
use crate::domain::SessionId;
use crate::engine::programs::Program;
use crate::engine::{Command, Outcome, SessionKind};
use crate::server::doors::audit::{Audit, Entry, in_words};
use std::collections::BTreeMap;
use tokio::sync::oneshot;

/// The log of a running engine, and who is in.
#[derive(Debug)]
pub(super) struct Notes {
    audit: Option<Audit>,
    clock: Clock,
    /// The only one whom the socket lets in.
    here: String,
    /// Who came from elsewhere.
    others: BTreeMap<SessionId, Program>,
}

impl Notes {
    /// Into a log; into none where there is no log to be had.
    pub(super) fn new(audit: Option<Audit>, clock: Clock) -> Self {
        Self {
            audit,
            clock,
            here: here(),
            others: BTreeMap::new(),
        }
    }
    /// Somebody came from elsewhere.
    pub(super) fn came(&mut self, session: SessionId, who: &Program) {
        self.others.insert(session, who.clone());
    }
    /// And left.
    pub(super) fn left(&mut self, session: SessionId) {
        self.others.remove(&session);
    }
    /// The way back for an answer, noted on its way where the command is one that is.
    pub(super) fn through(
        &self,
        (session, kind): (SessionId, SessionKind),
        command: &Command,
        answer: oneshot::Sender<Outcome>,
    ) -> oneshot::Sender<Outcome> {
        let Some(audit) = self.audit.clone().filter(|_| is_noted(kind, command)) else {
            return answer;
        };
        let mut entry = self.entry(session, kind);
        (entry.what, entry.detail) = in_words(command);
        let (noted, answered) = oneshot::channel();
        tokio::spawn(async move {
            let outcome = answered.await;
            entry.outcome = match &outcome {
                Ok(Outcome::Done { .. }) => "done".to_owned(),
                Ok(Outcome::Known { .. }) => "done before".to_owned(),
                Ok(Outcome::Denied(denial) | Outcome::Refused(denial)) => denial.code.as_str().to_owned(),
                Err(_) => "unanswered".to_owned(),
            };
            audit.record(entry);
            if let Ok(outcome) = outcome {
                let _ = answer.send(outcome);
            }
        });
        noted
    }
    fn entry(&self, session: SessionId, kind: SessionKind) -> Entry {
        let at = self.clock.now().to_string();
        let route = match kind {
            SessionKind::Shell => "shell",
            _ => "terminal",
        };
        let entry = Entry {
            at,
            session: session.0.to_string(),
            route: route.to_owned(),
            ..Entry::default()
        };
        match self.others.get(&session) {
            Some(who) => Entry {
                who: who.name.to_string(),
                from: who.address.to_string(),
                key: who.key.as_ref().map(ToString::to_string).unwrap_or_default(),
                ..entry
            },
            None => Entry {
                who: self.here.clone(),
                from: "local".to_owned(),
                ..entry
            },
        }
    }
}

/// Everything but orders, and what sessions say by themselves.
fn is_noted(kind: SessionKind, command: &Command) -> bool {
    !matches!(kind, SessionKind::Program)
        && !matches!(
            command,
            Command::OpenSession
                | Command::CloseSession
                | Command::NameSession { .. }
                | Command::OpenProgram { .. }
                | Command::Submit { .. }
                | Command::Park { .. }
                | Command::ConfirmParked { .. }
                | Command::SubmitAll { .. }
                | Command::SubmitPair { .. }
                | Command::SubmitThen { .. }
                | Command::Modify { .. }
                | Command::Cancel { .. }
                | Command::Close { .. }
                | Command::Flatten { .. }
                | Command::Lease { .. }
        )
}

/// Who runs this process, as `anna (uid 1000)`; behind `sudo` also who that says it was.
pub(super) fn here() -> String {
    let uid = rustix::process::getuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let own = named(&users, uid);
    let by = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok());
    match by {
        Some(by) => format!("{own}, by sudo from {}", named(&users, by)),
        None => own,
    }
}

/// A user by their number, with the name that a list in the form of `/etc/passwd` has for it.
fn named(users: &str, uid: u32) -> String {
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then_some(name)
    });
    match name {
        Some(name) => format!("{name} (uid {uid})"),
        None => format!("uid {uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_their_number_and_what_is_no_order_is_noted() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\nanna:x:1000:1000::/home/anna:/bin/sh\n";
        assert_eq!(named(users, 1000), "anna (uid 1000)");
        assert_eq!(named(users, 7), "uid 7");
        let halt = Command::Halt {
            account: None,
            reason: "lunch".into(),
            stops_too: false,
        };
        assert!(is_noted(SessionKind::Shell, &halt) && is_noted(SessionKind::Terminal, &halt));
        assert!(!is_noted(SessionKind::Program, &halt));
        let cancel = Command::Cancel {
            id: crate::domain::ClientOrderId::LOWEST,
        };
        assert!(!is_noted(SessionKind::Shell, &cancel));
    }
}
