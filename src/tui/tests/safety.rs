//! Tired fingers: what sends, what never sends, and what always gets through.

use super::*;
use crate::tui::keymap::{Context, Danger, TABLE};
use crate::tui::probe::{LOST_AFTER, MUTE_STANDS};
use crate::tui::widgets::number;

impl Hands {
    /// A desk whose terminal is asked.
    fn asked() -> Self {
        let mut hands = Self::new();
        hands.desk.probe.start();
        hands.frame();
        hands
    }
    /// Draws a frame, and asks behind it as the loop does.
    fn frame(&mut self) {
        self.screen(160, 45);
        if self.desk.wants_probe() {
            self.desk.probe_sent(self.now);
        }
    }
    fn answers(&mut self) -> &mut Self {
        self.do_at_once(&Input::Answer(self.desk.probe.question()));
        self
    }
    fn becomes(&mut self, class: AccountClass) {
        let account = self.desk.world.account.unwrap();
        let state = self.desk.world.state.accounts.get_mut(&account);
        state.unwrap().account.class = class;
    }
}

#[test]
fn enter_counts_once_the_terminal_has_shown_the_preview() {
    let mut hands = Hands::asked();
    hands.answers();
    hands.press("B");
    hands.frame();
    hands.wait(Duration::from_secs(2)).press("Enter");
    assert!(
        hands.sent.is_empty() && hands.said().contains("has not shown"),
        "a slow link: {}",
        hands.said()
    );
    // An answer to an older question proves nothing about a newer preview.
    hands.press(">");
    hands.answers().wait(QUIET).press("Enter");
    assert!(hands.sent.is_empty(), "{}", hands.said());
    hands.frame();
    hands.answers().wait(QUIET).press("Enter");
    assert_eq!(hands.sent.len(), 1, "{}", hands.said());
}

#[test]
fn the_order_line_waits_for_the_terminal_too_and_a_held_enter_sends_once() {
    let mut hands = Hands::asked();
    hands.answers();
    hands.press(":").type_text("buy 10 AAPL @189");
    hands.frame();
    hands.wait(Duration::from_secs(1)).press("Enter");
    assert!(
        hands.sent.is_empty() && hands.said().contains("has not shown"),
        "{}",
        hands.said()
    );
    hands.answers().wait(QUIET).press("Enter");
    assert_eq!(hands.sent.len(), 1, "{}", hands.said());
    for _ in 0..30 {
        hands
            .wait(Duration::from_millis(30))
            .do_at_once(&Input::Key(Chord::plain(Key::Enter)));
    }
    assert_eq!(hands.sent.len(), 1);
}

#[test]
fn a_terminal_that_never_answers_is_waited_for_a_bounded_time_and_told_of() {
    let mut hands = Hands::asked();
    hands.press("B");
    hands.frame();
    hands.press("Enter");
    assert!(
        hands.sent.is_empty() && hands.said().contains("has not shown"),
        "{}",
        hands.said()
    );
    hands.wait(MUTE_STANDS).press("Enter");
    assert_eq!(hands.sent.len(), 1, "{}", hands.said());
    hands.desk.message = None;
    hands.wait(Duration::from_secs(3));
    hands.desk.watch_terminal(hands.now);
    assert!(hands.said().contains("does not answer"), "{}", hands.said());
    // One that has answered before is slow, not mute.
    let mut hands = Hands::asked();
    hands.answers();
    hands.press("c");
    hands.frame();
    hands.wait(MUTE_STANDS * 2).press("Enter");
    assert!(hands.sent.is_empty(), "{}", hands.said());
    // It stopped answering, in these words and in others: from then on it is mute.
    for _ in 0..2 {
        hands.wait(LOST_AFTER);
        hands.desk.watch_terminal(hands.now);
        hands.frame();
    }
    hands.press("Enter");
    assert_eq!(hands.sent.len(), 1, "{}", hands.said());
}

#[test]
fn an_answer_that_was_lost_holds_nobody_up_and_a_late_one_counts_for_nothing() {
    let mut hands = Hands::asked();
    hands.answers();
    hands.press("B");
    hands.frame();
    let first = hands.desk.probe.question();
    // Its answer is lost; the next preview's answer stands for the one before.
    hands.press(">");
    hands.frame();
    hands.answers().wait(QUIET).press("Enter");
    assert!(hands.sent.is_empty(), "{}", hands.said());
    hands.wait(LOST_AFTER);
    hands.desk.watch_terminal(hands.now);
    hands.press(">");
    hands.frame();
    assert_ne!(hands.desk.probe.question(), first);
    hands.do_at_once(&Input::Answer(first));
    hands.wait(QUIET).press("Enter");
    assert!(hands.sent.is_empty(), "a late answer: {}", hands.said());
    hands.answers().wait(QUIET).press("Enter");
    assert_eq!(hands.sent.len(), 1, "{}", hands.said());
}

/// Cut the keys of one panic action.
fn panics(hands: &mut Hands, wherever: &str) {
    for (keys, expected) in [
        ("Ctrl-x s", "CancelAll"),
        ("Ctrl-x a", "CancelAll"),
        ("Ctrl-x f", "Flatten"),
        ("Ctrl-x h", "SetTrading"),
    ] {
        hands.sent.clear();
        hands.press(keys);
        let [command] = &hands.sent[..] else {
            panic!("{keys} {wherever}: {:?} {}", hands.sent, hands.said())
        };
        assert!(
            format!("{command:?}").starts_with(expected),
            "{keys} {wherever}: {command:?}"
        );
    }
    hands.sent.clear();
    hands.press("Ctrl-x F");
    assert!(hands.sent.is_empty(), "{wherever}");
    hands.wait(QUIET).press("Enter");
    assert!(
        matches!(hands.sent[..], [Command::FlattenAccount { .. }]),
        "{wherever}: {:?} {}",
        hands.sent,
        hands.said()
    );
}

#[test]
fn the_panic_prefix_is_the_same_everywhere_at_any_size_and_asks_no_terminal() {
    let modes = [
        "Esc", ":", ": b u y", "/ m s", "?", "b", "c", "q", "Space f", "z", "g", "Space", "9 9",
    ];
    for (width, height) in [(160, 45), (60, 20), (1, 1)] {
        for mode in modes {
            let mut hands = Hands {
                desk: sample::desk().0,
                now: sample::now(),
                sent: Vec::new(),
                left: None,
            };
            hands.desk.probe.start();
            hands.press(mode);
            hands.screen(width, height);
            panics(&mut hands, &format!("after '{mode}' at {width}x{height}"));
        }
    }
}

#[test]
fn the_prefix_shows_what_may_follow_at_any_size() {
    for (width, height) in [(160, 45), (80, 24), (60, 20)] {
        let mut hands = Hands::new();
        hands.press(": b Ctrl-x");
        let screen = hands.screen(width, height);
        for word in ["^x", "cancel all", "flatten this instrument", "halt"] {
            let flat = screen.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(word), "{word} at {width}x{height}:\n{screen}");
        }
        hands.press("Esc");
        assert!(matches!(&hands.desk.modal, Some(Modal::Line(line)) if line.text() == "b"));
    }
}

#[test]
fn frozen_shows_its_age_holds_prices_and_sends_nothing_but_panic() {
    let mut hands = Hands::new();
    hands.press("Space f").wait(Duration::from_secs(12));
    let before = hands.screen(160, 45);
    assert!(
        before.starts_with(&format!(" FROZEN {}", number::age(Duration::from_secs(12)))),
        "{before}"
    );
    let old = *hands
        .desk
        .world
        .market
        .quote(sample::instrument("AAPL").id)
        .unwrap();
    let quote = sample::quote("AAPL", "186.00", "186.02").tap_at(old.at);
    hands.desk.on_engine(FromEngine::Quotes(vec![quote]), hands.now);
    assert!(!hands.screen(160, 45).contains("186.02"), "prices stand still");
    hands.press("b").wait(QUIET).press("Enter");
    assert!(
        hands.sent.is_empty() && hands.said().contains("FROZEN"),
        "{}",
        hands.said()
    );
    hands
        .press("Esc :")
        .type_text("buy 1 AAPL mkt")
        .wait(QUIET)
        .press("Enter");
    assert!(
        hands.sent.is_empty() && hands.said().contains("FROZEN"),
        "{}",
        hands.said()
    );
    hands.press("Esc");
    panics(&mut hands, "while frozen");
    hands.press("Space f");
    let after = hands.screen(160, 45);
    assert!(!after.contains("FROZEN") && after.contains("186.02"), "{after}");
}

/// Holding a key is thirty presses a second after half a second: no key does by repetition what it does not do at once.
#[test]
fn no_held_key_trades() {
    let mut hands = Hands::new();
    for c in (' '..='~').chain("é€".chars()) {
        for chord in [
            Chord::char(c),
            Chord {
                ctrl: true,
                ..Chord::char(c)
            },
            Chord {
                alt: true,
                ..Chord::char(c)
            },
        ] {
            let at_once = |binding: &&crate::tui::keymap::Binding| {
                let sends = matches!(binding.danger, Danger::Sends | Danger::Panic);
                sends && binding.keys.contains(&chord.to_string().as_str())
            };
            // One desk for all of them, put back by hand: to make one takes longer than to press all its keys.
            (hands.desk.modal, hands.desk.message, hands.left) = (None, None, None);
            hands.desk.pressed.clear();
            hands.sent.clear();
            for n in 0..40 {
                hands.wait(Duration::from_millis(if n == 1 { 400 } else { 30 }));
                hands.do_at_once(&Input::Key(chord));
            }
            if TABLE.iter().any(|binding| at_once(&binding)) {
                let calm = |command: &Command| {
                    matches!(
                        command,
                        Command::Cancel { .. } | Command::CancelAll { .. } | Command::SetTrading { .. }
                    )
                };
                assert!(hands.sent.iter().all(calm), "{chord}: {:?}", hands.sent);
            } else {
                assert!(hands.sent.is_empty(), "{chord}: {:?}", hands.sent);
            }
            assert!(hands.left.is_none() || c == 'q' || c == 's', "{chord}");
        }
    }
    // Nor do double taps of old habits.
    for keys in [
        "f f",
        "F F",
        "Enter Enter",
        "b b b",
        "q Esc q Esc",
        "Ctrl-c Ctrl-c",
    ] {
        let mut hands = Hands::new();
        hands.press("Tab Tab Tab").press(keys);
        assert!(hands.sent.is_empty(), "{keys}: {:?}", hands.sent);
    }
}

#[test]
fn leaving_by_any_door_trades_nothing() {
    for keys in [
        "Ctrl-c",
        "q d",
        "q s",
        "b q",
        "b Ctrl-c",
        ": b Ctrl-c",
        "/ a Ctrl-c",
        ": Ctrl-x",
    ] {
        let mut hands = Hands::new();
        hands.press(keys);
        assert!(hands.sent.is_empty(), "{keys}: {:?}", hands.sent);
    }
}

#[test]
fn letters_that_trade_mean_nothing_else() {
    let on_desk = TABLE.iter().filter(|binding| binding.context == Context::Desk);
    for binding in on_desk {
        for key in binding.keys {
            let trading = ["b", "s", "B", "S", "x", "c", "e"].contains(key);
            assert!(
                !trading || binding.danger != Danger::None,
                "{key}: {}",
                binding.help
            );
            assert!(
                !key.chars().all(|c| c.is_ascii_digit()),
                "{key}: digits are counts and quantities"
            );
        }
    }
    // `!` stops new risk and cancels no protection; resuming is typed.
    let mut hands = Hands::new();
    hands.press("!");
    assert!(matches!(
        hands.sent[..],
        [Command::SetTrading {
            state: TradingState::Halted,
            ..
        }]
    ));
}

#[test]
fn real_money_is_armed_by_the_last_four_characters_typed_by_hand() {
    let mut hands = Hands::new();
    hands.becomes(AccountClass::Live);
    let second = Duration::from_secs(1);
    hands.press(":").type_text("arm").wait(second).press("Enter");
    assert!(hands.sent.is_empty(), "{:?}", hands.sent);
    assert!(
        hands.said().contains("the last four characters of"),
        "{}",
        hands.said()
    );
    hands.type_text("0001").wait(second).press("Enter");
    assert!(
        matches!(&hands.sent[..], [Command::Arm { confirmation, .. }] if confirmation.as_str() == "0001"),
        "{:?}",
        hands.sent
    );
}

#[test]
fn arming_is_shown_in_words_and_ends_by_idling_and_by_another_account() {
    for (class, word) in [
        (AccountClass::Sim, "ARMED SIM"),
        (AccountClass::Paper, "ARMED PAPER"),
        (AccountClass::Live, "ARMED LIVE"),
    ] {
        let mut hands = Hands::new();
        hands.becomes(class);
        let screen = hands.screen(80, 24);
        assert!(screen.contains(word), "{screen}");
        hands.wait(Duration::from_secs(29 * 60));
        hands.press("j").wait(Duration::from_secs(29 * 60));
        let (desk, now) = (&mut hands.desk, hands.now);
        assert!(desk.disarm_idle(now).is_empty(), "a key was pressed");
        hands.wait(Duration::from_secs(61));
        let (desk, now) = (&mut hands.desk, hands.now);
        let effects = desk.disarm_idle(now);
        assert_eq!(
            effects.len(),
            usize::from(class != AccountClass::Sim),
            "{word}: {effects:?}"
        );
        let disarms = |effect: &Effect| {
            matches!(
                effect,
                Effect::Tell(ToEngine::Command {
                    command: Command::Disarm { .. },
                    ..
                })
            )
        };
        assert!(effects.iter().all(disarms));
    }
    let mut hands = Hands::new();
    hands.becomes(AccountClass::Live);
    let here = sample::account();
    let mut there = hands.desk.world.state.accounts[&here].clone();
    let other = crate::domain::AccountKey {
        account: crate::domain::AccountId::new("U7").unwrap(),
        ..here
    };
    there.account.key = other;
    hands.desk.world.state.accounts.insert(other, there);
    hands.press(":").type_text("account U7").press("Enter");
    assert_eq!(hands.sent, [Command::Disarm { account: here }]);
    assert!(
        hands.screen(80, 24).contains("READ-ONLY"),
        "{}",
        hands.screen(80, 24)
    );
}

#[test]
fn a_flatten_under_way_is_in_the_status_bar() {
    let mut hands = Hands::new();
    let (account, instrument) = (sample::account(), sample::instrument("AAPL").id);
    happens(
        &mut hands,
        Fact::FlattenStarted {
            account,
            instrument,
            exit: crate::domain::ClientOrderId::new("X").unwrap(),
        },
    );
    hands.wait(Duration::from_secs(2));
    let screen = hands.screen(160, 45);
    assert!(
        screen.contains("FLATTENING AAPL 0:02  cancelling entries and targets, the stop stays"),
        "{screen}"
    );
    assert!(
        hands.screen(80, 24).contains("FLATTENING AAPL"),
        "{}",
        hands.screen(80, 24)
    );
}

#[test]
fn a_stop_that_is_going_or_waiting_covers_nothing_for_the_next_one() {
    let mut hands = Hands::new();
    let state = &mut hands.desk.world.state;
    let stop = state.orders.values().find(|order| order.spec.kind.is_stop());
    let stop = stop.unwrap().clone();
    let twin = crate::domain::ClientOrderId::new("TWIN").unwrap();
    let key = (stop.spec.account, stop.spec.instrument, twin);
    let mut other = crate::domain::Order {
        id: twin,
        ..stop.clone()
    };
    other.spec.parent = None;
    state.orders.insert(twin, other);
    state.live.insert(key);
    let cancel = |hands: &mut Hands, id| {
        let wish = crate::tui::pane::Wish::Send(Box::new(Command::Cancel { id }));
        let now = hands.now;
        let effects = hands.desk.grant(vec![wish], now);
        effects.iter().any(|effect| {
            let Effect::Tell(ToEngine::Command { command, .. }) = effect else {
                return false;
            };
            matches!(command, Command::Cancel { .. })
        })
    };
    assert!(cancel(&mut hands, stop.id), "the other still covers all of it");
    // The cancel is under way, not done: the second key asks.
    let order = hands.desk.world.state.orders.get_mut(&stop.id).unwrap();
    order.pending = Some(crate::domain::Pending::Cancel);
    assert!(!cancel(&mut hands, twin), "{}", hands.said());
    assert!(hands.screen(80, 24).contains("leaves 100 AAPL NAKED"));
    // And one that only waits to be sent never covered anything.
    hands.press("Esc");
    let order = hands.desk.world.state.orders.get_mut(&stop.id).unwrap();
    (order.pending, order.phase) = (None, crate::domain::Phase::Created);
    assert!(!cancel(&mut hands, twin), "{}", hands.said());
}

#[test]
fn flat_all_of_a_real_account_wants_its_last_four_and_the_panic_key_does_not() {
    let mut hands = Hands::new();
    hands.becomes(AccountClass::Live);
    for (typed, words) in [("flat all", "last four"), ("flat all 9999", "not how")] {
        hands.press(":").type_text(typed).wait(QUIET).press("Enter");
        assert!(hands.said().contains(words), "{typed}: {}", hands.said());
        hands.wait(QUIET).press("Enter");
        assert!(hands.sent.is_empty(), "{typed}: {:?}", hands.sent);
        hands.press("Esc");
    }
    hands
        .press(":")
        .type_text("flat all 0001")
        .wait(QUIET)
        .press("Enter");
    hands.wait(QUIET).press("Enter");
    assert!(
        matches!(hands.sent[..], [Command::FlattenAccount { .. }]),
        "{:?}",
        hands.sent
    );
    hands.sent.clear();
    hands.press("Ctrl-x F").wait(QUIET).press("Enter");
    assert!(
        matches!(hands.sent[..], [Command::FlattenAccount { .. }]),
        "{:?}",
        hands.sent
    );
}
