//! Row F8, the engine's part: a planned pause holds back what adds risk and nothing else, is no alarm while it lasts, and
//! ends with a complete read.

use super::*;
use crate::engine::pause::Pause;
use crate::engine::port::Report;
use crate::engine::state::NoticeLevel;

fn pause(desk: &Desk) -> Pause {
    Pause {
        what: "restart of TWS at 23:45 New York".into(),
        at: desk.now.after(2 * 60 * SECOND),
        until: desk.now.after(7 * 60 * SECOND),
    }
}
fn paused(desk: &mut Desk, pause: Option<Pause>) {
    desk.broker(BrokerEvent::Paused { pause });
}
fn denied(desk: &mut Desk, name: &str) -> String {
    match desk.submit(name, spec(Side::Buy, 100, limit("100"))) {
        Outcome::Denied(denial) => denial.to_string(),
        other => panic!("{other:?}"),
    }
}
fn warnings(desk: &Desk) -> Vec<String> {
    let notices = desk.engine.state().notices.iter();
    notices
        .filter(|notice| notice.level == NoticeLevel::Warning)
        .map(|notice| notice.text.to_string())
        .collect()
}

#[test]
fn f8_before_a_planned_restart_no_risk_is_added_and_nothing_that_works_is_touched() {
    let mut desk = Desk::holding(100);
    let mut stop = spec(Side::Sell, 100, OrderKind::Stop { trigger: p("90") });
    stop.tif = TimeInForce::Gtc;
    desk.working("STOP", stop);
    let resting = OrderSpec {
        tif: TimeInForce::Gtc,
        ..spec(Side::Buy, 10, limit("99"))
    };
    desk.working("GTC", resting);
    desk.sent();
    let planned = pause(&desk);
    paused(&mut desk, Some(planned.clone()));
    assert!(desk.sent().is_empty(), "no order is cancelled");

    desk.now = planned.at.before(101 * SECOND);
    let words = denied(&mut desk, "B");
    assert!(
        words.contains("VENUE_NOT_READY: planned restart of TWS at 23:45 New York, in 1:40"),
        "{words}"
    );
    desk.command(Command::Cancel { id: id("STOP") });
    desk.report(Report::Cancelled {
        id: id("STOP"),
        reason: "asked".into(),
    });
    let exit = desk.submit("EXIT", spec(Side::Sell, 100, limit("100")));
    assert!(
        matches!(exit, Outcome::Done { .. }),
        "what reduces passes: {exit:?}"
    );
    assert_eq!(
        desk.sent(),
        ["cancel STOP", "place EXIT SELL 100 AAPL lmt 100.00 day"]
    );

    // TWS goes away and comes back: no alarm, and still nothing that adds risk.
    let before = warnings(&desk).len();
    desk.broker(BrokerEvent::Down {
        reason: "closed".into(),
    });
    desk.now = planned.at.after(60 * SECOND);
    assert!(denied(&mut desk, "C").contains("over in 3:59"));
    desk.up(AccountClass::Sim);
    desk.broker(BrokerEvent::Impaired {
        reason: Some("1100".into()),
    });
    desk.broker(BrokerEvent::Impaired { reason: None });
    let alarms = warnings(&desk)[before..].to_vec();
    let loud = |text: &&String| !text.starts_with("denied") && !text.starts_with("uncertain");
    assert_eq!(alarms.iter().find(loud), None);
    assert_eq!(desk.phase("GTC"), Phase::Working);
}

#[test]
fn f8_after_a_planned_restart_everything_is_read_before_risk_is_added() {
    let mut desk = Desk::ready();
    let planned = pause(&desk);
    paused(&mut desk, Some(planned.clone()));
    desk.now = planned.until;
    paused(&mut desk, None);
    assert_eq!(desk.engine.state().link(broker()), LinkState::Syncing);
    assert_eq!(desk.sent(), ["read"]);
    assert!(denied(&mut desk, "A").contains("syncing"));
    desk.read(&[], &[]);
    assert!(matches!(
        desk.submit("B", spec(Side::Buy, 1, limit("100"))),
        Outcome::Done { .. }
    ));

    // Where the link has not come back by then, that is an alarm after all.
    let again = pause(&desk);
    paused(&mut desk, Some(again));
    desk.broker(BrokerEvent::Down {
        reason: "nothing listens".into(),
    });
    paused(&mut desk, None);
    let last = warnings(&desk).pop().unwrap();
    assert!(
        last.contains("has not come back") && last.contains("nothing listens"),
        "{last}"
    );
}

#[test]
fn f8_an_order_that_was_stored_when_the_pause_began_does_not_leave() {
    let mut desk = Desk::ready();
    let submit = Command::Submit {
        id: id("A"),
        spec: spec(Side::Buy, 1, limit("100")),
        legs: Legs::default(),
        seen: None,
    };
    let submit = desk.looked_at(submit);
    let origin = desk.origin;
    let input = Input::Command {
        origin,
        command: submit,
    };
    let stored = desk.engine.step(&desk.market, &input, desk.now);
    let planned = pause(&desk);
    paused(&mut desk, Some(planned));
    desk.settle(stored.events);
    assert_eq!((desk.phase("A"), desk.sent().len()), (Phase::NotSent, 0));
}
