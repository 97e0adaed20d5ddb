//! An order that waits for another one: it leaves once, whole, and only after all of the first; what it could not do any more
//! it does not do.

use super::*;
use crate::engine::preview::previews;

fn then(first: OrderSpec, second: OrderSpec) -> Command {
    Command::SubmitThen {
        first: id("A"),
        first_spec: first,
        second: id("B"),
        second_spec: second,
        seen: Vec::new(),
    }
}

impl Desk {
    /// A buy of 100 that works, and `second` behind it.
    fn chained(second: OrderSpec) -> Self {
        let mut desk = Self::ready();
        let outcome = desk.command(then(spec(Side::Buy, 100, limit("100")), second));
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
        desk.accept("A");
        assert_eq!(desk.sent(), ["place A BUY 100 AAPL lmt 100.00 day"]);
        assert_eq!(desk.phase("B"), Phase::Created);
        desk
    }
    fn why(&self, name: &str) -> String {
        self.order(name)
            .reason
            .as_ref()
            .map_or_else(String::new, ToString::to_string)
    }
}

#[test]
fn the_second_leaves_once_when_all_of_the_first_is_filled() {
    let mut desk = Desk::chained(spec(Side::Sell, 100, limit("105")));
    let state = desk.engine.state();
    assert_eq!(
        (
            state.working(account(), aapl(), Side::Sell),
            state.working_exits(account(), aapl())
        ),
        (q(100), q(0)),
        "it counts in full, and closes nothing that is held"
    );
    desk.fill("A", 40, "100");
    assert!(desk.sent().is_empty(), "a part is not enough");
    let last = desk.fill("A", 60, "100");
    assert_eq!(desk.sent(), ["place B SELL 100 AAPL lmt 105.00 day"]);
    desk.report(Report::Executed(last));
    desk.wait(10);
    assert!(!desk.sent().iter().any(|words| words.starts_with("place")));
    desk.accept("B");
    desk.fill("B", 100, "105");
    assert_eq!((desk.held(), desk.engine.state().chains.len()), (q(0), 0));
}

#[test]
fn it_ends_with_its_first_whatever_of_that_was_filled() {
    let mut desk = Desk::chained(spec(Side::Sell, 100, limit("105")));
    desk.fill("A", 40, "100");
    desk.cancelled("A");
    assert_eq!((desk.phase("B"), desk.sent().len()), (Phase::NotSent, 0));
    assert!(
        desk.why("B").contains("cancelled with 40 of 100 filled"),
        "{}",
        desk.why("B")
    );
    assert!(
        desk.last_word().contains("not sent SELL 100"),
        "{}",
        desk.last_word()
    );
    let mut desk = Desk::chained(spec(Side::Sell, 100, limit("105")));
    desk.command(Command::CancelAll {
        account: account(),
        instrument: None,
        stops_too: false,
    });
    assert_eq!(
        (desk.phase("B"), desk.sent()),
        (Phase::Cancelled, vec!["cancel A".to_owned()])
    );
    desk.fill("A", 100, "100");
    assert!(desk.sent().is_empty(), "what was cancelled stays so");
}

#[test]
fn every_control_is_asked_again_when_it_leaves() {
    // More of it, while only reducing orders pass.
    let mut desk = Desk::chained(spec(Side::Buy, 50, limit("99")));
    desk.command(Command::SetTrading {
        account: account(),
        state: TradingState::Reducing,
        reason: "enough".into(),
    });
    desk.sent();
    if desk.order("A").phase.is_live() {
        desk.fill("A", 100, "100");
    }
    assert_eq!(desk.phase("B"), Phase::NotSent, "{}", desk.why("B"));
    assert!(!desk.sent().iter().any(|words| words.starts_with("place")));
    // What it was to close is closed by hand.
    let mut desk = Desk::chained(spec(Side::Sell, 100, limit("105")));
    let short = desk.execution("A", 100, "100");
    let elsewhere = Execution {
        order: None,
        side: Side::Sell,
        quantity: q(60),
        ..desk.execution("A", 60, "100")
    };
    desk.report(Report::Executed(elsewhere));
    desk.report(Report::Executed(short));
    assert_eq!((desk.phase("B"), desk.sent().len()), (Phase::NotSent, 0));
    assert!(desk.why("B").contains("SHORT"), "{}", desk.why("B"));
    // A halt takes it off.
    let mut desk = Desk::chained(spec(Side::Sell, 100, limit("105")));
    desk.command(Command::Halt {
        account: None,
        reason: "so".into(),
        stops_too: false,
    });
    assert!(!desk.order("B").phase.is_live());
}

#[test]
fn where_the_first_filled_unseen_only_what_closes_leaves() {
    for (second, leaves) in [
        (spec(Side::Sell, 100, limit("105")), true),
        (spec(Side::Buy, 50, limit("99")), false),
    ] {
        let mut desk = Desk::chained(second);
        desk.down();
        desk.now = desk.now.after(SECOND * 3_600);
        desk.quote("100.00", "100.02");
        let fill = desk.execution("A", 100, "100");
        desk.up(AccountClass::Sim);
        desk.sent();
        let pass = desk.pass();
        desk.broker(BrokerEvent::Snapshot(Box::new(Snapshot {
            positions: vec![(aapl(), q(100), None)],
            executions: vec![fill],
            ..snapshot(pass)
        })));
        let placed = desk
            .sent()
            .iter()
            .filter(|words| words.starts_with("place B"))
            .count();
        assert_eq!((placed == 1, desk.order("B").phase.is_live()), (leaves, leaves));
        if !leaves {
            assert!(
                desk.why("B").contains("while the broker was away"),
                "{}",
                desk.why("B")
            );
        }
    }
}

#[test]
fn both_are_recorded_or_neither_and_the_same_again_is_known() {
    let mut desk = Desk::ready();
    let first = spec(Side::Buy, 100, limit("100"));
    let too_much = then(first.clone(), spec(Side::Sell, 150, limit("105")));
    let seen = previews(desk.engine.state(), &desk.market, &too_much, desk.now).unwrap();
    let (code, text) = refusal(desk.command(too_much));
    assert_eq!(code, DenialCode::Short);
    assert!(text.contains("once the first has filled"), "{text}");
    assert_eq!(
        seen.denial.map(|denial| denial.code),
        Some(code),
        "the preview says the same"
    );
    assert_eq!((desk.phase("A"), desk.phase("B")), (Phase::Denied, Phase::Denied));
    assert!(desk.sent().is_empty());
    let mut desk = Desk::ready();
    let both = then(first.clone(), spec(Side::Sell, 100, limit("105")));
    let seen = previews(desk.engine.state(), &desk.market, &both, desk.now).unwrap();
    assert_eq!(
        (seen.rows[1].position, seen.rows[1].reduces, seen.denial),
        ((q(100), q(0)), true, None)
    );
    assert!(matches!(desk.command(both.clone()), Outcome::Done { .. }));
    assert_eq!(desk.command(both), Outcome::Known { id: id("A") });
    let other = then(first, spec(Side::Sell, 99, limit("105")));
    assert_eq!(refusal(desk.command(other)).0, DenialCode::IdReused);
}
