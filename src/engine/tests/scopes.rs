//! Limits by account, instrument, user and key: the strictest that applies holds and a refusal says whose it was; a sender's rate and
//! loss are its own; who goes over the rate again and again is stopped until somebody resumes.

use super::limits::limits;
use super::losses::{invested, see};
use super::*;
use crate::engine::programs::Program;
use crate::engine::risk::Sender;

type Given = BTreeMap<LimitName, LimitValue>;

fn given(limits: &[(LimitName, &str)]) -> Given {
    limits
        .iter()
        .map(|(name, value)| (*name, name.read(value).unwrap()))
        .collect()
}

fn scoped(desk: &mut Desk, scopes: &[(&str, Given)]) {
    let scopes = scopes.iter();
    let scopes = scopes.map(|(scope, limits)| (Scope::parse(scope).unwrap(), limits.clone()));
    desk.step(&Input::Rules {
        scopes: scopes.collect(),
        packs: BTreeMap::new(),
    });
}

/// Another session, of a program that came by a key, or of a terminal from elsewhere.
fn as_key(desk: &mut Desk, session: u64, key: &str, kind: SessionKind) {
    let who = Program {
        name: key.into(),
        key: Some(SafeText::new(&format!("tw_{key}"))),
        address: "10.0.0.7".into(),
    };
    desk.origin = Origin {
        session: SessionId(session),
        kind,
    };
    match kind {
        SessionKind::Terminal => {
            desk.command(Command::OpenSession);
            desk.command(Command::NameSession { who });
            desk.command(Command::TakeToken);
        }
        _ => drop(desk.command(Command::OpenProgram { who })),
    }
}

fn at_home(desk: &mut Desk) {
    desk.origin = Origin {
        session: SessionId(1),
        kind: SessionKind::Terminal,
    };
    desk.command(Command::TakeToken);
}

fn buy(count: i64) -> OrderSpec {
    spec(Side::Buy, count, limit("100"))
}

fn passes(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done { .. })
}

#[test]
fn the_strictest_of_all_scopes_holds_and_is_named() {
    let mut desk = Desk::ready();
    let value = |most| given(&[(LimitName::MaxOrderValue, most)]);
    scoped(
        &mut desk,
        &[
            ("account:SIM100001", value("5000")),
            ("instrument:AAPL", value("4000")),
            ("key:bot", value("1000")),
            ("user:ann", value("1")),
        ],
    );
    // A person at the desk: the instrument's is the strictest.
    let (code, words) = refusal(desk.submit("A", buy(41)));
    assert_eq!(code, DenialCode::MaxValue);
    assert!(
        words.contains("40 would pass (limits of instrument:AAPL)"),
        "{words}"
    );
    assert!(passes(&desk.submit("B", buy(40))));
    desk.accept("B");
    desk.cancelled("B");
    // The same key as a program, and as a terminal from elsewhere.
    for (session, kind) in [(7, SessionKind::Program), (8, SessionKind::Terminal)] {
        as_key(&mut desk, session, "bot", kind);
        let (code, words) = refusal(desk.submit(&format!("C{session}"), buy(11)));
        assert_eq!(code, DenialCode::MaxValue);
        assert!(words.contains("10 would pass (limits of key:bot)"), "{words}");
        let name = format!("D{session}");
        assert!(passes(&desk.submit(&name, buy(10))));
        desk.accept(&name);
        desk.cancelled(&name);
        let who = desk.engine.state().sent_by[&id(&name)].to_string();
        assert_eq!(who, "key bot (tw_bot)");
    }
    // By the characters that name it too, and several at once.
    scoped(&mut desk, &[("key:tw_bot", value("500"))]);
    let entry = |name: &str| Entry {
        id: id(name),
        spec: buy(6),
        legs: Legs::default(),
        seen: None,
    };
    let (code, words) = refusal(desk.command(Command::SubmitAll {
        orders: vec![entry("E")],
    }));
    assert_eq!(code, DenialCode::MaxValue);
    assert!(words.contains("limits of key:tw_bot"), "{words}");
    // A new process keeps them until it is told others.
    at_home(&mut desk);
    assert!(passes(&desk.submit("F", buy(41))));
}

#[test]
fn a_scope_is_changed_while_the_engine_runs_and_reverts_by_itself() {
    let mut desk = Desk::ready();
    scoped(
        &mut desk,
        &[("instrument:AAPL", given(&[(LimitName::MaxOrderValue, "4000")]))],
    );
    let set = |value: Option<&str>, minutes, typed: &str| Command::SetLimit {
        account: None,
        scope: Some(Scope::parse("instrument:AAPL").unwrap()),
        name: LimitName::MaxOrderValue,
        value: value.map(|value| LimitName::MaxOrderValue.read(value).unwrap()),
        minutes,
        confirmation: typed.into(),
        by: "".into(),
    };
    assert!(passes(&desk.command(set(Some("1000"), Some(30), ""))));
    let (_, words) = refusal(desk.submit("A", buy(11)));
    assert!(words.contains("10 would pass"), "{words}");
    desk.wait(31 * 60);
    assert!(passes(&desk.submit("B", buy(40))));
    // Above config.toml's somebody types the account.
    let (code, _) = refusal(desk.command(set(Some("9000"), None, "")));
    assert_eq!(code, DenialCode::Confirmation);
    assert!(passes(&desk.command(set(Some("9000"), None, "0001"))));
    desk.accept("B");
    desk.cancelled("B");
    assert!(passes(&desk.submit("C", buy(90))));
    // Another file takes it back.
    scoped(
        &mut desk,
        &[("instrument:AAPL", given(&[(LimitName::MaxOrderValue, "2000")]))],
    );
    let (_, words) = refusal(desk.submit("D", buy(21)));
    assert!(words.contains("20 would pass"), "{words}");
}

#[test]
fn a_keys_rate_and_loss_are_its_own() {
    let mut desk = invested(|limits| {
        (
            limits.daily_loss_warn_bps,
            limits.daily_loss_reduce_bps,
            limits.daily_loss_lock_bps,
        ) = (0, 0, 0);
    });
    let own = given(&[
        (LimitName::RateBurst, "2"),
        (LimitName::RatePerSecond, "1"),
        (LimitName::MaxDailyLoss, "500"),
    ]);
    scoped(&mut desk, &[("key:bot", own)]);
    as_key(&mut desk, 7, "bot", SessionKind::Program);
    let at_once = |desk: &mut Desk, name: &str, price: &str| {
        desk.command(Command::Submit {
            id: id(name),
            spec: spec(Side::Buy, 1, limit(price)),
            legs: Legs::default(),
            seen: None,
        })
    };
    assert!(passes(&at_once(&mut desk, "A1", "99")));
    assert!(passes(&at_once(&mut desk, "A2", "98")));
    let (code, words) = refusal(at_once(&mut desk, "A3", "97"));
    assert_eq!(code, DenialCode::Rate);
    assert!(words.contains("limits of key:bot"), "{words}");
    // A person is not held against it.
    at_home(&mut desk);
    assert!(passes(&at_once(&mut desk, "A4", "96")));
    // What the account holds lost much more, and not by the key; then the key buys, and loses by itself.
    see(&mut desk, "98");
    as_key(&mut desk, 7, "bot", SessionKind::Program);
    desk.now = desk.now.after(SECOND * 5);
    assert!(passes(&desk.submit("B", spec(Side::Buy, 100, limit("98")))));
    desk.accept("B");
    desk.fill("B", 100, "98");
    see(&mut desk, "92.50");
    desk.now = desk.now.after(SECOND * 5);
    let (code, words) = refusal(desk.submit("C", spec(Side::Buy, 1, limit("92"))));
    assert_eq!(code, DenialCode::DailyLoss, "{words}");
    assert!(words.contains("key bot (tw_bot) lost 55"), "{words}");
    assert!(passes(&desk.submit("out", spec(Side::Sell, 100, limit("92")))));
    at_home(&mut desk);
    assert!(passes(&desk.submit("D", spec(Side::Buy, 1, limit("91")))));
}

#[test]
fn who_goes_over_the_rate_three_times_in_a_minute_is_stopped_until_somebody_resumes() {
    let mut desk = Desk::ready();
    limits(&mut desk, |limits| {
        (limits.rate_burst, limits.rate_per_second) = (2, 1);
    });
    as_key(&mut desk, 7, "bot", SessionKind::Program);
    let mut n = 0;
    let mut storm = |desk: &mut Desk| {
        for _ in 0..2 {
            n += 1;
            desk.now = desk.now.after(Duration::from_millis(10));
            let price = format!("{}.50", 90 + n % 9);
            desk.command(Command::Submit {
                id: id(&format!("N{n}")),
                spec: spec(Side::Buy, 1, limit(&price)),
                legs: Legs::default(),
                seen: None,
            });
        }
        desk.now = desk.now.after(Duration::from_millis(10));
        n += 1;
        refusal(desk.submit(&format!("N{n}"), spec(Side::Buy, 1, limit("89"))))
    };
    // Three of them, but not within a minute.
    for _ in 0..3 {
        desk.now = desk.now.after(SECOND * 40);
        let _ = storm(&mut desk);
    }
    let is_stopped = |desk: &Desk| !desk.engine.state().senders.stopped.is_empty();
    assert!(!is_stopped(&desk));
    for _ in 0..3 {
        desk.now = desk.now.after(SECOND * 5);
        let _ = storm(&mut desk);
    }
    assert!(is_stopped(&desk));
    desk.now = desk.now.after(SECOND * 3_600);
    let (code, words) = refusal(desk.submit("X", buy(1)));
    assert_eq!(code, DenialCode::HeldBack, "{words}");
    // Nobody else is, a cancel passes, and a new process keeps it.
    let live = desk
        .engine
        .state()
        .live_of(account())
        .next()
        .map(|order| order.id)
        .unwrap();
    assert!(passes(&desk.command(Command::Cancel { id: live })));
    at_home(&mut desk);
    assert!(passes(&desk.submit("Y", buy(1))));
    limits(&mut desk, |_| {});
    as_key(&mut desk, 9, "bot", SessionKind::Program);
    assert_eq!(refusal(desk.submit("Z", buy(2))).0, DenialCode::HeldBack);
    at_home(&mut desk);
    desk.command(Command::OpenSession);
    desk.command(Command::TakeToken);
    desk.command(Command::SetTrading {
        account: account(),
        state: TradingState::Active,
        reason: "looked at it".into(),
    });
    assert!(!is_stopped(&desk));
    let stopped = |sender: &Sender| sender.to_string();
    assert!(desk.events.iter().any(
        |event| matches!(&event.fact, Fact::SenderStopped { sender } if stopped(sender) == "key bot (tw_bot)")
    ));
}
