//! What programs may do where money is real: only what a person allowed, and only for as long.

use super::*;
use crate::engine::programs::Program;

fn program() -> Origin {
    Origin {
        session: SessionId(9),
        kind: SessionKind::Program,
    }
}

fn code(outcome: Outcome) -> Option<DenialCode> {
    match outcome {
        Outcome::Denied(denial) | Outcome::Refused(denial) => Some(denial.code),
        Outcome::Done { .. } | Outcome::Known { .. } => None,
    }
}

fn arm(word: &str, minutes: u32) -> Command {
    Command::ArmPrograms {
        account: account(),
        confirmation: word.into(),
        minutes,
        key: None,
    }
}

fn desk(class: AccountClass) -> Desk {
    let mut desk = Desk::cold(class);
    desk.read(&[], &[]);
    desk.quote("100.00", "100.02");
    desk
}

fn buys(desk: &mut Desk, name: &str) -> Option<DenialCode> {
    let person = std::mem::replace(&mut desk.origin, program());
    let outcome = desk.submit(name, spec(Side::Buy, 1, limit("100")));
    desk.origin = person;
    code(outcome)
}

#[test]
fn a_program_adds_risk_on_a_live_account_only_while_a_person_armed_it() {
    let mut desk = desk(AccountClass::Live);
    assert_eq!(buys(&mut desk, "A"), Some(DenialCode::NotArmed));
    // A person's own arming is not a program's.
    let own = Command::Arm {
        account: account(),
        confirmation: "0001".into(),
    };
    assert_eq!(code(desk.command(own.clone())), None);
    assert_eq!(buys(&mut desk, "B"), Some(DenialCode::NotArmed));
    // Nor can it arm itself, by either word, or do what only a person may.
    let person = std::mem::replace(&mut desk.origin, program());
    let account = account();
    for command in [
        own,
        arm("0001", 5),
        Command::TakeToken,
        Command::AcceptGap { account },
        Command::AcceptDifference {
            account,
            instrument: aapl(),
        },
    ] {
        assert_eq!(code(desk.command(command)), Some(DenialCode::ReadOnly));
    }
    desk.origin = person;
    assert_eq!(code(desk.command(arm("9999", 5))), Some(DenialCode::Confirmation));
    assert_eq!(code(desk.command(arm("0001", 481))), Some(DenialCode::BadOrder));
    assert_eq!(code(desk.command(arm("0001", 1))), None);
    assert_eq!(buys(&mut desk, "C"), None);
    desk.accept("C");
    desk.wait(61);
    assert!(desk.engine.state().programs_armed.is_empty());
    assert_eq!(buys(&mut desk, "D"), Some(DenialCode::NotArmed));
    // What takes risk off needs no arming.
    let person = std::mem::replace(&mut desk.origin, program());
    assert_eq!(code(desk.command(Command::Cancel { id: id("C") })), None);
    let halt = Command::SetTrading {
        account,
        state: TradingState::Halted,
        reason: "a test".into(),
    };
    assert_eq!(code(desk.command(halt)), None);
    desk.origin = person;
}

#[test]
fn arming_ends_by_hand_and_with_the_broker_gone_and_a_simulated_account_needs_none() {
    let mut desk = desk(AccountClass::Live);
    desk.command(arm("0001", 60));
    desk.command(Command::DisarmPrograms {
        account: account(),
        key: None,
    });
    assert_eq!(buys(&mut desk, "A"), Some(DenialCode::NotArmed));
    desk.command(arm("0001", 60));
    desk.broker(BrokerEvent::Down {
        reason: "1100".into(),
    });
    desk.wait(61);
    assert!(desk.engine.state().programs_armed.is_empty());
    let mut desk = self::desk(AccountClass::Sim);
    let person = std::mem::replace(&mut desk.origin, program());
    let who = Program {
        name: "bot".into(),
        key: None,
        address: "127.0.0.1".into(),
    };
    desk.command(Command::OpenProgram { who });
    desk.origin = person;
    assert_eq!(
        desk.engine.state().sessions.get(&SessionId(9)),
        Some(&SessionKind::Program)
    );
    assert_eq!(buys(&mut desk, "A"), None);
}

#[test]
fn one_key_is_armed_alone_and_no_other_for_it() {
    let mut desk = desk(AccountClass::Live);
    let person = std::mem::replace(&mut desk.origin, program());
    let who = |name: &str, key: &str| Program {
        name: name.into(),
        key: Some(key.into()),
        address: "127.0.0.1".into(),
    };
    desk.command(Command::OpenProgram {
        who: who("bot", "k1"),
    });
    desk.origin = person;
    let arm_key = |key: &str| Command::ArmPrograms {
        account: account(),
        confirmation: "0001".into(),
        minutes: 1,
        key: Some(key.into()),
    };
    desk.command(arm_key("other"));
    let person = std::mem::replace(&mut desk.origin, program());
    let refused = desk.submit("A", spec(Side::Buy, 1, limit("100")));
    desk.origin = person;
    let (Outcome::Denied(denial) | Outcome::Refused(denial)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(denial.code, DenialCode::NotArmed);
    assert!(denial.text.as_str().contains("arm-api 15m --key bot"), "{denial}");
    // By its name or the characters that name it, until its time is over.
    for (order, key) in [("B", "bot"), ("C", "k1")] {
        desk.quote("100.00", "100.02");
        desk.command(arm_key(key));
        assert_eq!(buys(&mut desk, order), None);
        desk.accept(order);
        desk.wait(61);
        assert!(desk.engine.state().keys_armed.is_empty());
        assert_eq!(buys(&mut desk, &format!("{order}2")), Some(DenialCode::NotArmed));
    }
    // Disarming all takes what keys were allowed too.
    desk.command(arm_key("bot"));
    desk.command(Command::DisarmPrograms {
        account: account(),
        key: None,
    });
    assert_eq!(buys(&mut desk, "D"), Some(DenialCode::NotArmed));
    // A command that was written before keys were armed alone arms all.
    let old = r#"{"command":"arm_programs","account":{"broker":"ibkr","account":"A"},"confirmation":"","minutes":5}"#;
    let old: Result<Command, _> = serde_json::from_str(old);
    assert!(
        matches!(old, Ok(Command::ArmPrograms { key: None, .. })),
        "{old:?}"
    );
}
