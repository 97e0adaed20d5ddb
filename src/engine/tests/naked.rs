//! What nothing protects is told once, with no terminal attached, and again only after it was covered.

use super::*;
use crate::engine::event::Fact;
use crate::engine::state::NoticeLevel;

fn told(desk: &Desk) -> Vec<(Quantity, bool)> {
    let found = desk.events.iter().filter_map(|event| match &event.fact {
        Fact::NakedFound { quantity, lost, .. } => Some((*quantity, *lost)),
        _ => None,
    });
    found.collect()
}

fn stop(quantity: i64) -> OrderSpec {
    spec(Side::Sell, quantity, OrderKind::Stop { trigger: p("95") })
}

#[test]
fn a_position_without_a_stop_is_told_once_and_again_when_its_stop_goes() {
    let mut desk = Desk::holding(100);
    desk.wait(4);
    assert_eq!(told(&desk), []);
    desk.wait(200);
    assert_eq!(told(&desk), [(q(100), false)], "once, however long");
    let notices = &desk.engine.state().notices;
    let notice = notices
        .iter()
        .find(|notice| notice.text.as_str().starts_with("NAKED"))
        .unwrap();
    assert_eq!(notice.level, NoticeLevel::Told);
    assert!(
        notice.text.as_str().contains("protect AAPL at PRICE"),
        "{}",
        notice.text
    );

    desk.working("S", stop(60));
    desk.wait(20);
    assert_eq!(
        told(&desk).len(),
        1,
        "a part of it is bare still, and that was told"
    );
    assert_eq!(desk.engine.state().naked[&(account(), aapl())].quantity, q(40));
    desk.working("T", stop(40));
    assert!(desk.engine.state().naked.is_empty());
    desk.cancelled("S");
    desk.wait(6);
    assert_eq!(told(&desk), [(q(100), false), (q(60), true)]);
    let notices = &desk.engine.state().notices;
    let notice = notices
        .iter()
        .rev()
        .find(|notice| notice.text.as_str().starts_with("NAKED"))
        .unwrap();
    assert_eq!(notice.level, NoticeLevel::Warning, "it was covered");

    // A new process says it no more than once.
    desk.engine = Engine::new(desk.engine.state().clone());
    desk.start();
    desk.wait(60);
    assert_eq!(told(&desk).len(), 2);
}

#[test]
fn a_bracket_has_a_moment_to_arrive_and_what_is_being_flattened_is_left_alone() {
    let mut desk = Desk::ready();
    desk.bracket("A", spec(Side::Buy, 100, limit("100")), "95", "110");
    desk.accept("A");
    for _ in 0..4 {
        desk.fill("A", 25, "100");
        desk.wait(1);
    }
    assert!(!desk.engine.state().naked.is_empty(), "its stop is on its way");
    desk.accept("A.1");
    desk.accept("A.2");
    desk.modified("A.1", 100);
    desk.wait(10);
    assert_eq!((told(&desk), desk.engine.state().naked.len()), (Vec::new(), 0));

    let mut desk = Desk::holding(100);
    desk.command(Command::Flatten {
        id: id("X"),
        account: account(),
        instrument: aapl(),
    });
    desk.wait(8);
    assert_eq!(told(&desk), []);
}

#[test]
fn nothing_is_told_of_what_went_before_it_was_time() {
    let mut desk = Desk::holding(100);
    desk.wait(3);
    desk.submit("X", spec(Side::Sell, 100, OrderKind::Market));
    desk.fill("X", 100, "100");
    desk.wait(30);
    assert_eq!(told(&desk), []);
}
