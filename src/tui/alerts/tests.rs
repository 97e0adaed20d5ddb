//! Alerts under a person's hands: what a key begins, what an alert may never do by itself, and how often it rings.

use super::*;
use crate::engine::Actor;
use crate::engine::alerts::Seen;
use crate::tui::chord::Chord;
use crate::tui::input::Input;
use crate::tui::link::{FromEngine, ToEngine};
use crate::tui::sample;
use crate::tui::view::Drawn;

fn press(desk: &mut Desk, keys: &str, now: &mut Timestamp) -> Vec<Command> {
    let mut sent = Vec::new();
    for name in keys.split(' ') {
        *now = now.after(Duration::from_millis(300));
        let chord = Chord::parse(name).unwrap_or_else(|| panic!("no key {name}"));
        for effect in desk.on_input(&Input::Key(chord), &Drawn::default(), *now) {
            if let Effect::Tell(ToEngine::Command { command, .. }) = effect {
                sent.push(command);
            }
        }
    }
    sent
}

fn line(desk: &Desk) -> Option<&str> {
    match &desk.modal {
        Some(Modal::Line(line)) => Some(line.text()),
        _ => None,
    }
}

/// An alert is made and fires, as the engine tells it.
fn fire(desk: &mut Desk, id: u32, stage: Option<&str>, now: Timestamp) {
    let spec = AlertSpec {
        condition: Condition::Is(crate::engine::alerts::Test::System(
            crate::engine::alerts::SystemWord::Halted,
        )),
        repeat_s: None,
        expires: None,
        channels: std::collections::BTreeSet::new(),
        stage: stage.map(SafeText::new),
    };
    let id = AlertId(id);
    let facts = [
        Fact::AlertSet {
            id,
            spec: Box::new(spec),
        },
        Fact::AlertFired {
            id,
            text: format!("alert {id}: AAPL > 200; \u{1b}]0;x (AAPL last 200.05)").into(),
            seen: vec![Seen {
                what: "AAPL last".into(),
                value: "200.05".into(),
            }],
            quote: None,
        },
    ];
    for fact in facts {
        let sequence = desk.world.state.sequence + 1;
        let event = Event {
            sequence,
            at: now,
            batch: sequence,
            actor: Actor::Engine,
            cause: None,
            fact,
        };
        desk.on_engine(FromEngine::Events(vec![event]), now);
    }
}

#[test]
fn a_key_begins_an_alert_and_enter_sends_it() {
    let (mut desk, _) = sample::desk();
    let mut now = sample::now();
    assert!(press(&mut desk, "a", &mut now).is_empty());
    assert_eq!(line(&desk), Some("alert AAPL > 190.45"));
    let sent = press(&mut desk, "Enter", &mut now);
    let [Command::SetAlert { spec }] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(spec.condition.to_string(), "AAPL > 190.45");
    assert_eq!(line(&desk), None);
    // A line that is wrong stays and says where.
    press(&mut desk, "a", &mut now);
    desk.on_input(&Input::Paste(" or APPL > 3".into()), &Drawn::default(), now);
    let text = line(&desk).unwrap().to_owned();
    match read_line(&text, &desk.world.view(now)) {
        Reading::Wrong(at, _) => assert_eq!(&text[at], "APPL"),
        other => panic!("{other:?}"),
    }
    assert!(press(&mut desk, "Enter", &mut now).is_empty());
    assert!(line(&desk).is_some());
}

#[test]
fn a_staged_order_waits_for_a_key_and_is_sent_by_enter_alone() {
    let (mut desk, _) = sample::desk();
    let mut now = sample::now();
    fire(&mut desk, 3, Some("buy 100 AAPL @190 gtc"), now);
    assert!(desk.modal.is_none(), "nothing opens under a person's hands");
    assert!(
        press(&mut desk, "Enter Enter", &mut now).is_empty(),
        "and Enter finds nothing to send"
    );
    desk.modal = None;
    assert!(press(&mut desk, "A", &mut now).is_empty());
    assert_eq!(line(&desk), Some("buy 100 AAPL @190 gtc"));
    let at_once = desk.on_input(
        &Input::Key(Chord::parse("Enter").unwrap()),
        &Drawn::default(),
        now,
    );
    assert!(at_once.is_empty(), "not before it was seen");
    let sent = press(&mut desk, "Enter", &mut now);
    assert!(matches!(&sent[..], [Command::Submit { .. }]), "{sent:?}");
    press(&mut desk, "A", &mut now);
    assert_eq!(line(&desk), None, "once");
}

#[test]
fn it_rings_at_a_pace_and_tells_no_numbers_where_they_are_masked() {
    let (mut desk, _) = sample::desk();
    let now = sample::now();
    let heard = |desk: &mut Desk, now| match desk.ring(now) {
        Some(Effect::Ring(bytes)) => String::from_utf8(bytes).unwrap(),
        None => String::new(),
        other => panic!("{other:?}"),
    };
    fire(&mut desk, 1, None, now);
    assert_eq!(heard(&mut desk, now), "", "off until it is set up");
    let (bell, osc9, osc777) = (true, true, true);
    let in_tmux = false;
    desk.alarm = Alarm::new(AlarmSettings {
        bell,
        osc9,
        osc777,
        in_tmux,
    });
    fire(&mut desk, 2, None, now);
    assert_eq!(
        heard(&mut desk, now),
        "\u{1b}]9;tradewind: alert 2: AAPL > 200, ]0,x (AAPL last 200.05)\u{7}\
         \u{1b}]777;notify;tradewind;alert 2: AAPL > 200, ]0,x (AAPL last 200.05)\u{7}\u{7}"
    );
    for id in 3..9 {
        fire(&mut desk, id, None, now);
        assert_eq!(heard(&mut desk, now.after(Duration::from_secs(1))), "");
    }
    desk.world.masked = true;
    let told = heard(&mut desk, now.after(APART));
    assert!(told.contains("(···· more)") && !told.contains("200"), "{told:?}");
    assert_eq!(heard(&mut desk, now.after(APART * 2)), "");
}

#[test]
fn within_tmux_a_notification_is_handed_through_and_the_bell_is_not() {
    let settings = AlarmSettings {
        bell: true,
        osc9: true,
        osc777: false,
        in_tmux: true,
    };
    let told = String::from_utf8(bytes(settings, "alert 1")).unwrap();
    assert_eq!(
        told,
        "\u{1b}Ptmux;\u{1b}\u{1b}]9;tradewind: alert 1\u{7}\u{1b}\\\u{7}"
    );
}

#[test]
fn the_status_bar_counts_what_is_waited_for_and_what_fired_unseen_until_it_is_looked_at() {
    let (mut desk, _) = sample::desk();
    let mut now = sample::now();
    let before = desk.alerts_count();
    fire(&mut desk, 90, None, now);
    let (live, unseen) = desk.alerts_count();
    assert_eq!(
        (live, unseen),
        (before.0, before.1 + 1),
        "one that fired once waits no more"
    );
    desk.body = ratatui::layout::Rect::new(0, 1, 160, 43);
    press(&mut desk, "Esc", &mut now);
    assert_eq!(desk.alerts_count().1, unseen, "another pane has the focus");
    desk.show_alerts();
    press(&mut desk, "Esc", &mut now);
    assert_eq!(desk.alerts_count().1, 0);
    let kept = desk.memory();
    fire(&mut desk, 91, None, now);
    assert_eq!(
        kept.alerts_seen,
        desk.world.state.sequence - 2,
        "it is remembered"
    );
}
