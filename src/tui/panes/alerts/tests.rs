//! How the list of alerts looks, in a morning with some of every kind.

use super::*;
use crate::engine::alerts::grammar::{Names, Said, read};
use crate::engine::alerts::{Channel, Delivery, Seen};
use crate::engine::{Actor, Event, Fact};
use crate::tui::panes::fixture::{self, Desk};
use crate::tui::widgets::screen_of;
use std::time::Duration;

/// Alerts of every kind, by the facts that make them.
pub(in crate::tui) fn fill(desk: &mut Desk) {
    let sentences = [
        "AAPL > 200 repeat 5m do stage 'sell 100 AAPL @ask'",
        "AAPL bid crosses below 189.5 or ESZ6 day% < -3",
        "pnl day < -500 and link ready",
        "AAPL rsi 14 5m > 70",
        "position ESZ6 = 0",
        "EUR.USD < 1.06",
    ];
    let mut facts = Vec::new();
    for (id, sentence) in (1..).map(AlertId).zip(sentences) {
        let names = Names {
            state: &desk.state,
            market: &desk.market,
            account: desk.account,
            now: fixture::now(),
            venue_now: fixture::now(),
        };
        let Ok(Said::Make(spec)) = read(sentence, &names) else {
            panic!("{sentence}")
        };
        facts.push(Fact::AlertSet { id, spec });
    }
    let fired = |id, text: &str| Fact::AlertFired {
        id: AlertId(id),
        text: text.into(),
        seen: vec![Seen {
            what: "AAPL last".into(),
            value: "200.05".into(),
        }],
        quote: None,
    };
    facts.push(fired(1, "alert 1: AAPL > 200 (AAPL last 200.05)"));
    facts.push(fired(6, "alert 6: EUR.USD < 1.06 (EUR.USD last 1.05990)"));
    facts.push(Fact::AlertPaused {
        id: AlertId(4),
        paused: true,
    });
    let first = desk.state.sequence + 1;
    for fact in facts {
        let sequence = desk.state.sequence + 1;
        desk.state.apply(&Event {
            sequence,
            at: fixture::now().before(Duration::from_secs(90)),
            batch: first,
            actor: Actor::Engine,
            cause: None,
            fact,
        });
    }
    let delivery = |channel, failure: Option<&str>, is_final| Delivery {
        channel,
        attempts: 2,
        at: fixture::now(),
        failure: failure.map(Into::into),
        is_final,
    };
    let firings = &mut desk.state.alerts.firings;
    firings[0].deliveries.push(delivery(Channel::Command, None, true));
    firings[0]
        .deliveries
        .push(delivery(Channel::Webhook, Some("it answered 500"), false));
    firings[1]
        .deliveries
        .push(delivery(Channel::Mail, Some("refused"), true));
}

fn screen(desk: &Desk, width: u16, height: u16) -> Vec<String> {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    let area = buf.area;
    AlertsPane::new().render(&desk.view(), area, true, &mut buf);
    screen_of(&buf)
}

#[test]
fn the_list_says_what_is_waited_for_and_how_far_it_is() {
    let mut desk = Desk::rich();
    fill(&mut desk);
    assert_eq!(
        screen(&desk, 80, 8),
        [
            "   # waits for                                     now   to go state   fired NY",
            "   5 position ESZ6 = 0                               2      -- armed   --",
            "   4 AAPL 5m rsi 14 > 70                         45.46  +24.54 paused  --",
            "   3 pnl day USD < -500 and link ready       -9,930.33      -- armed   --",
            "   2 AAPL bid crosses below 189.5 or ESZ6 d…    190.45   -0.95 armed   --",
            "   1 AAPL > 200 · stages sell 100 AAPL @ask     190.45   +9.55 waits   09:56:44",
            "   6 EUR.USD < 1.06                                 --      -- fired ! 09:56:44",
            "",
        ]
    );
}

#[test]
fn the_wide_list_says_how_telling_went_too() {
    let mut desk = Desk::rich();
    fill(&mut desk);
    assert_eq!(
        screen(&desk, 160, 8),
        [
            "   #    waits for                                               now      to go    state      fired NY    told",
            "   5    position ESZ6 = 0                                         2         --    armed      --",
            "   4    AAPL 5m rsi 14 > 70                                   45.46     +24.54    paused     --",
            "   3    pnl day USD < -500 and link ready                 -9,930.33         --    armed      --",
            "   2    AAPL bid crosses below 189.5 or ESZ6 day% < -3       190.45      -0.95    armed      --",
            "   1    AAPL > 200 · stages sell 100 AAPL @ask               190.45      +9.55    waits      09:56:44    command ok, webhook retry 2",
            "   6    EUR.USD < 1.06                                           --         --    fired !    09:56:44    mail FAILED",
            "",
        ]
    );
}

#[test]
fn an_empty_list_says_how_to_make_one() {
    let text = screen(&Desk::rich(), 80, 5).join("\n");
    assert!(
        text.contains("type :alert AAPL > 200, or press a on a price"),
        "{text}"
    );
}

#[test]
fn x_removes_the_held_alert_and_never_reaches_an_order() {
    let mut desk = Desk::rich();
    let mut pane = AlertsPane::new();
    assert!(matches!(
        &pane.act(Action::Cancel, &desk.view()).unwrap()[..],
        [Wish::Say(_)]
    ));
    fill(&mut desk);
    pane.act(Action::Down, &desk.view());
    let wishes = pane.act(Action::Cancel, &desk.view()).unwrap();
    let [Wish::Send(command)] = &wishes[..] else {
        panic!("{wishes:?}")
    };
    assert!(matches!(**command, Command::RemoveAlert { id: Some(_) }));
    let wishes = pane.act(Action::Enter, &desk.view()).unwrap();
    assert!(matches!(&wishes[..], [] | [Wish::Select(_)]), "{wishes:?}");
}

#[test]
fn the_head_over_what_fired_names_the_zone_of_the_cells() {
    let mut desk = Desk::rich();
    fill(&mut desk);
    let utc = jiff::tz::TimeZone::UTC;
    let view = View {
        zone: Some(&utc),
        ..desk.view()
    };
    let mut buf = Buffer::empty(Rect::new(0, 0, 120, 8));
    let area = buf.area;
    AlertsPane::new().render(&view, area, true, &mut buf);
    let lines = screen_of(&buf);
    assert!(lines[0].contains("fired UTC"), "{}", lines[0]);
    assert!(lines.join(" ").contains("14:56:44"), "{lines:?}");
}
