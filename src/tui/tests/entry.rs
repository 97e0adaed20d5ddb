//! Order entry: what a preview says before anything is sent, and words that go with what they were about.

use super::*;
use crate::domain::SessionId;
use crate::tui::panes::fixture::{account, id};
use crate::tui::ticket::Ticket;

fn change(hands: &mut Hands, order: &str) {
    let state = &hands.desk.world.state;
    let order = state
        .live_orders(account(), id("AAPL"))
        .find(|live| live.id.as_str() == order)
        .unwrap();
    let listed = &state.instruments[&id("AAPL")];
    let quote = hands.desk.world.market.quote(id("AAPL"));
    let ticket = Ticket::modify(order, listed, quote, hands.now);
    hands.desk.modal = Some(Modal::Ticket(Box::new(ticket)));
}

#[test]
fn what_takes_risk_off_is_not_said_to_need_the_token() {
    const ELSEWHERE: &str = "another terminal has the trading token";
    let mut hands = Hands::new();
    hands.desk.world.state.token = Some(SessionId(99));
    hands.press("b");
    assert!(hands.screen(120, 35).contains(ELSEWHERE));
    hands.press("Esc");
    hands.desk.world.instrument = Some(id("NVDA"));
    hands.press("5 0 B");
    let screen = hands.screen(120, 35);
    assert!(
        screen.contains("takes risk off") && !screen.contains(ELSEWHERE),
        "{screen}"
    );
}

#[test]
fn a_change_and_a_flatten_say_what_they_come_to() {
    let mut hands = Hands::new();
    change(&mut hands, "A2");
    hands.press("+ +");
    let screen = hands.screen(100, 30);
    for words in [
        "stp 190.20 → 100 stp 190.22",
        "2t tighter by 2.00",
        "at the stop ▼ 9.00 USD, was ▼ 11.00",
        "SIM100001",
    ] {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
    hands.press("- - - -");
    assert!(hands.screen(100, 30).contains("2t looser"));
    hands.press("Esc :").type_text("flat NVDA");
    let screen = hands.screen(100, 30);
    for words in [
        "FLATTEN NVDA:",
        "BUY 50 mkt, now ",
        "pos -50 → 0",
        "result ~",
        "SIM100001",
    ] {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
    // A question is read to its end in a narrow terminal, too.
    hands.press("Esc / n v d a Enter c");
    let screen = hands.screen(80, 24);
    assert!(
        screen.contains("fee ~") && screen.contains("SIM100001"),
        "{screen}"
    );
}

#[test]
fn a_change_that_would_be_denied_says_so_before_it_is_sent() {
    let mut hands = Hands::new();
    let order = hands.desk.world.state.orders.values().find(|order| {
        order.spec.instrument == id("AAPL")
            && order.phase == crate::domain::Phase::Working
            && order.spec.kind.limit().is_some()
    });
    let name = order.unwrap().id;
    change(&mut hands, name.as_str());
    hands.desk.world.state.limits.max_order_value = crate::domain::Money::whole(1_000);
    hands.press("+ +");
    let screen = hands.screen(120, 35);
    assert!(screen.contains("would be denied: "), "{screen}");
    let sent = hands.sent.len();
    hands.wait(QUIET).press("Enter");
    assert_eq!(hands.sent.len(), sent, "{}", hands.said());
}

#[test]
fn an_order_that_waits_for_another_is_shown_beside_it_and_both_are_sent_at_once() {
    let mut hands = Hands::new();
    hands
        .press(":")
        .type_text("buy 10 AAPL @ 185 then sell 10 AAPL @ 195");
    let screen = hands.screen(160, 45);
    for words in [
        "BUY 10 AAPL @ 185.00",
        "once that has filled:",
        "SELL 10 AAPL @ 195.00",
        "held by the engine",
    ] {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
    hands.wait(QUIET).press("Enter").wait(QUIET).press("Enter");
    let sent = hands.sent.last();
    assert!(
        matches!(sent, Some(Command::SubmitThen { seen, .. }) if seen.len() == 2),
        "{sent:?}"
    );
}

#[test]
fn a_key_hands_the_draft_to_the_order_line_and_sends_nothing() {
    let mut hands = Hands::new();
    let line = |hands: &Hands| match &hands.desk.modal {
        Some(Modal::Line(line)) => line.text().to_owned(),
        _ => panic!("no line: {}", hands.said()),
    };
    hands.press("1 0 b t");
    assert!(hands.screen(160, 45).contains("n then"), "the row of keys");
    hands.press("n");
    let text = line(&hands);
    assert!(
        text.starts_with("buy 10 AAPL @ 190.") && text.ends_with(" gtc then "),
        "{text}"
    );
    let screen = hands.screen(160, 45);
    assert!(screen.contains("next: buy sell"), "{screen}");
    hands.type_text("sell 10 AAPL @ 195");
    let screen = hands.screen(160, 45);
    assert!(screen.contains("once that has filled:"), "{screen}");
    assert!(hands.sent.is_empty());
    hands.wait(QUIET).press("Enter").wait(QUIET).press("Enter");
    assert!(
        matches!(hands.sent[..], [Command::SubmitThen { .. }]),
        "{:?} {}",
        hands.sent,
        hands.said()
    );
    hands.press("s c");
    assert!(line(&hands).ends_with(" oco "), "{}", line(&hands));
    // Back in the ticket, which is as it was.
    hands.press("Esc");
    assert!(
        matches!(&hands.desk.modal, Some(Modal::Ticket(ticket)) if ticket.side == Side::Sell && ticket.seen_at() == hands.now)
    );
    // With its legs it goes on alone only.
    hands.press("Esc b Tab + n");
    assert!(matches!(hands.desk.modal, Some(Modal::Ticket(_))));
    assert!(
        hands
            .said()
            .starts_with("an order before then has no stop and target"),
        "{}",
        hands.said()
    );
    hands.press(":");
    assert!(line(&hands).contains(" stop 18"), "{}", line(&hands));
    hands.press("Esc Esc");
    change(&mut hands, "A2");
    hands.press("n");
    assert!(
        hands.said().starts_with("a change of an order"),
        "{}",
        hands.said()
    );
    hands.desk.world.account = None;
    hands.press(":");
    assert!(hands.said().starts_with("this draft is for"), "{}", hands.said());
    assert_eq!(hands.sent.len(), 1);
}

#[test]
fn an_order_says_until_when_it_lives() {
    let mut hands = Hands::new();
    hands.press(":").type_text("buy 100 AAPL @185");
    let screen = hands.screen(160, 45);
    assert!(screen.contains("@ 185.00 day until 20:00 EST"), "{screen}");
    hands
        .press("Esc :")
        .type_text("buy 100 AAPL @185 gtd 2026-12-24T15:00Z");
    let screen = hands.screen(160, 45);
    assert!(screen.contains("gtd Thu 24 Dec 10:00 EST"), "{screen}");
}

#[test]
fn words_go_with_what_they_were_about_and_the_engines_stay() {
    let mut hands = Hands::new();
    hands.press("b Esc");
    assert_eq!(hands.said(), "dropped; nothing was sent");
    hands.press(":");
    assert_eq!(hands.said(), "", "nothing of it is open any more");
    hands.press("Esc");
    let told = FromEngine::Failed("the disk is slow".into());
    hands.desk.on_engine(told, hands.now);
    hands.press("b");
    assert_eq!(hands.said(), "the disk is slow");
}

#[test]
fn the_last_order_comes_again_as_a_preview_and_is_sent_by_enter_alone() {
    let mut hands = Hands::new();
    hands.press("R");
    assert!(hands.said().contains("no order was sent"), "{}", hands.said());
    hands.press("7 0 b - -").wait(QUIET).press("Enter");
    let spec = |command: &Command| match command {
        Command::Submit { spec, id, .. } => (spec.to_string(), *id),
        other => panic!("{other:?}"),
    };
    let first = spec(&hands.sent[0]);
    hands.press("R");
    assert_eq!(hands.sent.len(), 1, "nothing is sent by it");
    hands.wait(QUIET).press("Enter");
    let second = spec(&hands.sent[1]);
    assert_eq!(first.0, second.0);
    assert_ne!(first.1, second.1, "an order of its own");
    hands
        .press(":")
        .type_text("sell 5 SAP mkt")
        .wait(QUIET)
        .press("Enter");
    assert_eq!(hands.sent.len(), 3, "{}", hands.said());
    hands.press("R");
    assert!(matches!(&hands.desk.modal, Some(Modal::Line(line)) if line.text() == "sell 5 SAP mkt"));
}
