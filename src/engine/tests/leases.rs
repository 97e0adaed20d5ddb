//! The dead-man lease of programs, in virtual time.

use super::*;
use crate::engine::programs::Program;

fn program(session: u64) -> Origin {
    Origin {
        session: SessionId(session),
        kind: SessionKind::Program,
    }
}

impl Desk {
    /// A program's command.
    fn by(&mut self, session: u64, command: Command) -> Outcome {
        let person = std::mem::replace(&mut self.origin, program(session));
        let outcome = self.command(command);
        self.origin = person;
        outcome
    }
    fn comes(&mut self, session: u64, key: &str) {
        let who = Program {
            name: "bot".into(),
            key: Some(key.into()),
            address: "127.0.0.1".into(),
        };
        self.by(session, Command::OpenProgram { who });
    }
    fn lease(&mut self, session: u64, seconds: u32) -> Outcome {
        let seconds = Some(seconds);
        self.by(session, Command::Lease { seconds })
    }
    fn sends(&mut self, session: u64, name: &str, spec: OrderSpec) -> Outcome {
        self.now = self.now.after(SECOND);
        let outcome = self.by(
            session,
            Command::Submit {
                id: id(name),
                spec,
                legs: Legs::default(),
                seen: None,
            },
        );
        if matches!(outcome, Outcome::Done { .. }) {
            self.accept(name);
        }
        self.sent();
        outcome
    }
    /// Cancels that left, in order.
    fn cancels(&mut self) -> Vec<String> {
        self.sent()
            .into_iter()
            .filter(|request| request.starts_with("cancel"))
            .collect()
    }
}

/// Holding 100, with two programs of which one has a lease of 60 s.
fn desk() -> Desk {
    let mut desk = Desk::holding(100);
    desk.comes(9, "one");
    desk.comes(8, "two");
    desk.sends(9, "before", spec(Side::Buy, 1, limit("95.00")));
    desk.lease(9, 60);
    desk.sends(9, "entry", spec(Side::Buy, 1, limit("96.00")));
    desk.sends(
        9,
        "stop",
        spec(Side::Sell, 100, OrderKind::Stop { trigger: p("90.00") }),
    );
    desk.sends(8, "other", spec(Side::Buy, 1, limit("97.00")));
    desk
}

#[test]
fn one_that_is_not_renewed_takes_its_holders_entries_off_and_leaves_stops_and_others() {
    let mut desk = desk();
    desk.wait(50);
    assert!(desk.cancels().is_empty());
    desk.wait(12);
    assert_eq!(
        desk.cancels(),
        ["cancel entry"],
        "not what was sent before it, no stop, nobody else's"
    );
    assert_eq!(desk.held(), q(100), "nothing is flattened");
    let (code, words) = refusal(desk.sends(9, "E2", spec(Side::Buy, 1, limit("96.50"))));
    assert_eq!(code, DenialCode::Lease);
    assert!(words.contains("PUT /api/v1/lease"), "{words}");
    desk.by(9, Command::Cancel { id: id("stop") });
    desk.cancelled("stop");
    desk.sent();
    let out = desk.sends(9, "exit", spec(Side::Sell, 10, limit("101.00")));
    assert!(matches!(out, Outcome::Done { .. }), "it may reduce: {out:?}");
    // Another session of the same key is the same holder; a renewal ends it.
    desk.comes(7, "one");
    assert_eq!(
        refusal(desk.sends(7, "E3", spec(Side::Buy, 1, limit("96.51")))).0,
        DenialCode::Lease
    );
    desk.lease(7, 60);
    assert!(matches!(
        desk.sends(9, "E4", spec(Side::Buy, 1, limit("96.52"))),
        Outcome::Done { .. }
    ));
}

#[test]
fn renewals_keep_it_and_are_not_recorded_more_often_than_they_say_something() {
    let mut desk = desk();
    for _ in 0..20 {
        desk.wait(20);
        desk.lease(9, 60);
    }
    assert!(desk.cancels().is_empty());
    let renewed = |desk: &Desk| {
        let facts = desk.events.iter();
        facts
            .filter(|event| matches!(event.fact, Fact::LeaseRenewed { .. }))
            .count()
    };
    let before = renewed(&desk);
    desk.now = desk.now.after(SECOND);
    desk.lease(9, 60);
    assert_eq!(renewed(&desk), before);
    for seconds in [14, 301] {
        assert_eq!(refusal(desk.lease(9, seconds)).0, DenialCode::BadOrder);
    }
}

#[test]
fn who_gives_it_back_keeps_what_it_sent_and_who_never_asked_has_none() {
    let mut desk = desk();
    desk.by(9, Command::Lease { seconds: None });
    desk.wait(120);
    assert!(desk.cancels().is_empty());
    assert_eq!(
        refusal(desk.command(Command::Lease { seconds: Some(60) })).0,
        DenialCode::BadOrder,
        "a person"
    );
}

#[test]
fn a_new_process_starts_it_anew_and_a_cancel_without_a_link_leaves_when_it_is_back() {
    let mut desk = desk();
    desk.wait(50);
    desk.start();
    desk.command(Command::OpenSession);
    desk.wait(50);
    assert_eq!(
        desk.phase("entry"),
        Phase::Working,
        "nobody could renew it meanwhile"
    );
    desk.wait(15);
    assert!(
        desk.engine
            .state()
            .leases
            .held
            .values()
            .all(|lease| lease.ran_out)
    );
    assert!(desk.cancels().is_empty(), "the link is down");
    desk.up(AccountClass::Sim);
    assert_eq!(desk.cancels(), ["cancel entry"]);
}
