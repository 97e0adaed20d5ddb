//! The keys that bite, row by row: what went wrong with them on other desks, and the test that keeps it from going wrong on
//! this one. Those that had no other home are below; the last one holds the list to what there is.
//!
//! | row | held by |
//! |---|---|
//! | panic keys are never text, and text is never a panic key | `the_panic_prefix_is_the_same_everywhere_at_any_size_and_asks_no_terminal` |
//! | | `letters_in_a_field_are_text_whatever_they_do_elsewhere` |
//! | double taps and held keys do nothing that one key does not | `no_held_key_trades` |
//! | caps lock turns no small panic into a large one unasked | `caps_lock_after_the_panic_prefix_sends_nothing` |
//! | | `the_account_is_flattened_after_one_enter_and_not_before` |
//! | `!` stops new risk, cancels nothing, and is undone by typing alone | `a_halt_is_undone_by_typing_alone` |
//! | one Enter, after a quiet gap, once the terminal has shown the preview | `nobody_confirms_what_they_have_not_seen` |
//! | | `enter_counts_once_the_terminal_has_shown_the_preview` |
//! | | `a_terminal_that_never_answers_is_waited_for_a_bounded_time_and_told_of` |
//! | torn escape sequences are never other keys | `every_known_sequence_cut_at_every_byte_is_what_it_is_whole` |
//! | | `a_sequence_whose_escape_was_given_up_is_no_keys` |
//! | | `a_key_torn_on_its_way_is_no_order` |
//! | nothing needs a key that a multiplexer or the terminal takes | `no_action_needs_a_key_that_somebody_else_takes` |
//! | the whole bracket by a prefix and arrows | `a_whole_bracket_moves_by_keys_and_by_one_enter` |
//! | | `a_bracket_moves_as_one_and_what_leads_goes_first` |
//! | an order by a tick on the ladder | `an_order_moves_by_a_tick_and_the_hand_stays_on_it` |
//! | | `an_order_moves_by_ticks_on_the_ladder_and_asks_where_that_adds_risk` |
//! | pasted text is text, bracketed or not | `pasted_text_never_sends_an_order` |
//! | | `more_keys_than_a_hand_types_are_a_paste_and_enter_is_swallowed` |
//! | what a preview shows is pinned; on expiry Enter prices anew | `an_old_preview_or_one_the_market_left_is_made_anew_and_never_sent` |
//! | | `what_is_sent_carries_the_digest_of_what_was_shown` |
//! | | `a_ticket_stays_with_its_instrument_whatever_the_desk_turns_to` |
//! | frozen sends nothing but panic | `frozen_shows_its_age_holds_prices_and_sends_nothing_but_panic` |
//! | the ladder's cursor holds a price, and nothing moves behind a preview | `the_ladders_cursor_holds_a_price_while_the_market_moves` |
//! | | `nothing_moves_behind_a_preview_and_the_held_price_stays_in_sight` |
//! | digits are counts and quantities, never places | `digits_count_and_change_no_place` |
//! | a letter that trades means nothing else; sort is on `=` | `letters_that_trade_mean_nothing_else` |
//! | `Space` alone does nothing | `a_popup_waits_for_a_slow_hand_and_the_tour_for_the_first_key` |
//! | `+` and `-` on a ticket say what they do to it | `a_price_that_comes_to_the_other_side_says_so` |
//! | cancelling the last stop says NAKED and asks | `taking_the_last_stop_off_a_position_asks_first` |
//! | closing words close no more than is held and free | `closing_words_never_close_more_than_is_held_and_free` |
//! | | `a_closing_order_whose_position_went_meanwhile_opens_nothing` |
//! | `reverse` shows both of its orders | `reverse_shows_both_of_its_orders` |
//! | a basket has a row an order, and all go or none | `a_basket_has_a_row_an_order_and_their_sum_and_a_preview_fits_every_screen` |
//! | | `one_order_of_a_basket_that_is_denied_denies_all` |
//! | `@mid` is a price of now, rounded to the passive side; following is said | `money_and_risk_become_whole_lots_rounded_down` |
//! | | `following_orders_are_taken_where_the_broker_has_them` |
//! | a root shows its contract | `a_root_is_the_contract_that_may_be_opened_or_the_one_that_is_held` |
//! | `flat all` is as hard as its panic key, `flat ES` as easy | `the_account_is_flattened_after_one_enter_and_not_before` |
//! | a short loss of the link does not disarm, a minute does | `arming_for_real_money_ends_after_a_minute_without_the_broker_whatever_is_tried` |
//! | arming belongs to the terminal with the token, which moves disarmed | `risk_needs_the_token_and_arming_and_the_way_out_needs_neither` |
//! | leaving, in whatever way, trades nothing | `leaving_by_any_door_trades_nothing` |
//! | | `the_terminal_is_given_back_after_signals_a_stop_by_the_shell_and_a_panic` |
//! | privacy covers title, clipboard and notifications | `what_is_hidden_is_hidden_in_the_title_and_in_what_is_copied_too` |
//! | | `it_rings_at_a_pace_and_tells_no_numbers_where_they_are_masked` |

use super::*;
use crate::domain::TradingState;
use crate::tui::action::Action;
use crate::tui::clipboard::row_under_cursor;
use crate::tui::input::Decoder;
use crate::tui::keymap::{Context, TABLE};
use std::path::{Path, PathBuf};

#[test]
fn letters_in_a_field_are_text_whatever_they_do_elsewhere() {
    let letters = "FFffxX!bsBSceqK1J";
    let mut hands = Hands::new();
    hands.press("/").type_text(letters);
    assert!(matches!(&hands.desk.modal, Some(Modal::Search(search)) if search.input.value() == letters));
    hands.press("Esc :").type_text(letters);
    assert!(matches!(&hands.desk.modal, Some(Modal::Line(line)) if line.text() == letters));
    hands.press("Esc ? /").type_text(letters);
    assert_eq!(hands.desk.help_filter.to_lowercase(), letters.to_lowercase());
    assert!(hands.sent.is_empty(), "{:?}", hands.sent);
}

#[test]
fn caps_lock_after_the_panic_prefix_sends_nothing() {
    for keys in ["Ctrl-x S", "Ctrl-x A", "Ctrl-x H", "Ctrl-x F", "Ctrl-x F F F"] {
        let mut hands = Hands::new();
        hands.press(keys);
        assert!(hands.sent.is_empty(), "{keys}: {:?}", hands.sent);
    }
}

#[test]
fn a_halt_is_undone_by_typing_alone() {
    assert!(TABLE.iter().all(|binding| binding.action != Action::Resume));
    let mut hands = Hands::new();
    hands.press("!");
    let state = |command: &Command| match command {
        Command::SetTrading { state, .. } => Some(*state),
        _ => None,
    };
    let states = |hands: &Hands| hands.sent.iter().map(state).collect::<Vec<_>>();
    assert_eq!(
        states(&hands),
        [Some(TradingState::Halted)],
        "and nothing is cancelled"
    );
    hands.press(":").type_text("resume").wait(QUIET).press("Enter");
    assert_eq!(states(&hands)[1..], [Some(TradingState::Active)]);
}

/// What zellij and tmux take, what stops and lets go a line's flow, and every Alt: an action that has one of these as a
/// later key of a sequence, or beside another, can be reached all the same.
#[test]
fn no_action_needs_a_key_that_somebody_else_takes() {
    let taken = |key: &str| {
        let first = key.split(' ').next().unwrap_or_default();
        let control = first.strip_prefix("Ctrl-");
        first.starts_with("Alt-") || control.is_some_and(|letter| "gpnhtsoqb".contains(letter))
    };
    for binding in TABLE {
        assert!(
            binding.keys.iter().any(|key| !taken(key)),
            "{}: {:?}",
            binding.help,
            binding.keys
        );
        assert!(
            !binding.keys.iter().any(|key| key.contains("Alt-")),
            "{}: an escape and a letter may arrive as that",
            binding.help
        );
    }
}

#[test]
fn a_ticket_stays_with_its_instrument_whatever_the_desk_turns_to() {
    let mut hands = Hands::new();
    hands.press("b");
    let now = hands.now;
    let other = sample::instrument("MSFT").id;
    hands.desk.grant(vec![crate::tui::pane::Wish::Select(other)], now);
    hands.desk.on_engine(
        FromEngine::Linked {
            group: 'A',
            instrument: other,
        },
        now,
    );
    assert_eq!(hands.desk.world.instrument, Some(other));
    let screen = hands.screen(80, 24);
    assert!(screen.contains("BUY  100  AAPL"), "{screen}");
    hands.wait(QUIET).press("Enter");
    assert!(
        matches!(&hands.sent[..], [Command::Submit { spec, .. }] if spec.instrument.as_str() == "AAPL"),
        "{:?}",
        hands.sent
    );
}

#[test]
fn digits_count_and_change_no_place() {
    let mut hands = Hands::new();
    let place = |hands: &Hands| (hands.desk.workspace, hands.desk.focus);
    let before = place(&hands);
    hands.press("1 2 3 4 5 6 7 8 9 0 Esc");
    assert_eq!(place(&hands), before);
    let symbol = |hands: &Hands| hands.desk.world.instrument.map(|id| id.to_string());
    hands.press("3 j");
    assert_eq!(symbol(&hands).as_deref(), Some("EUR.USD"));
    hands.press("2 k");
    assert_eq!(symbol(&hands).as_deref(), Some("BTC.USD"));
    hands.press("k 7 0 b");
    let quantity = |hands: &Hands| match &hands.desk.modal {
        Some(Modal::Ticket(ticket)) => ticket.quantity.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(quantity(&hands), "70");
    // What was counted for one key counts for no other.
    hands.press("Esc 9 9 z z b");
    assert_ne!(quantity(&hands), "99");
    for binding in TABLE.iter().filter(|binding| binding.context == Context::Desk) {
        for key in binding.keys {
            assert!(
                *key != "Space" && !key.starts_with(|c: char| c.is_ascii_digit()),
                "{key}"
            );
        }
        if binding.action == Action::Sort {
            assert_eq!(binding.keys, ["="]);
        }
    }
}

#[test]
fn a_price_that_comes_to_the_other_side_says_so() {
    for (keys, words) in [
        ("b +", "takes the other side"),
        ("b + +", "crosses by 1 tick"),
        ("s - - -", "crosses by 2 ticks"),
    ] {
        let mut hands = Hands::new();
        hands.press(keys);
        let screen = hands.screen(120, 35);
        assert!(screen.contains(words), "{keys}: {words}\n{screen}");
    }
}

#[test]
fn reverse_shows_both_of_its_orders() {
    let mut hands = Hands::new();
    hands.press(":").type_text("reverse NVDA");
    let screen = hands.screen(120, 35);
    assert_eq!(screen.matches("BUY 50 NVDA").count(), 2, "{screen}");
    assert!(screen.contains("pos -50 → 0"), "{screen}");
    assert!(screen.contains("pos 0 → +50"), "{screen}");
    assert!(!screen.contains("denied"), "{screen}");
    // What could be lost is not what a narrow screen leaves out.
    let small = hands.screen(80, 24);
    let row = small.lines().rfind(|line| line.contains("BUY 50 NVDA mkt"));
    assert!(row.is_some_and(|row| row.contains("no stop")), "{small}");
    hands.wait(QUIET).press("Enter");
    assert!(
        matches!(&hands.sent[..], [Command::SubmitAll { orders }] if orders.len() == 2),
        "{:?} {}",
        hands.sent,
        hands.said()
    );
}

/// A key that comes in two pieces, wherever it is cut, with a hand's pause between: nothing of it opens or sends an order.
#[test]
fn a_key_torn_on_its_way_is_no_order() {
    let sequences: [&[u8]; 8] = [
        b"\x1b[B",
        b"\x1b[S",
        b"\x1bOS",
        b"\x1b[1;2B",
        b"\x1b[3~",
        b"\x1b[15;5~",
        b"\x1b[<0;12;3M",
        b"\x1b[Z",
    ];
    for sequence in sequences {
        for cut in 1..sequence.len() {
            for pause in [5, 60, 400] {
                let mut hands = Hands::new();
                let mut decoder = Decoder::default();
                for part in [&sequence[..cut], &sequence[cut..], &[]] {
                    for input in decoder.feed(part, hands.now) {
                        hands.do_at_once(&input);
                    }
                    hands.wait(Duration::from_millis(pause));
                    for input in decoder.feed(&[], hands.now) {
                        hands.do_at_once(&input);
                    }
                }
                let shown = String::from_utf8_lossy(sequence);
                assert!(hands.sent.is_empty(), "{shown:?} cut at {cut}: {:?}", hands.sent);
                assert!(
                    hands.desk.modal.is_none(),
                    "{shown:?} cut at {cut}: {:?}",
                    hands.desk.modal
                );
            }
        }
    }
}

#[test]
fn each_workspace_keeps_its_own_tabs_and_focus() {
    let mut hands = Hands::new();
    hands.desk.focus_on(PaneId::Orders);
    let front = |hands: &Hands, tab: PaneId| {
        let tabs = hands.desk.plan.tree(hands.desk.workspace).place_of(tab).unwrap();
        hands.desk.front(tabs).unwrap()
    };
    hands.press("g l");
    hands.desk.focus_on(PaneId::Activity);
    hands.press("g p");
    hands.desk.focus_on(PaneId::Curve);
    hands.press("g t");
    assert_eq!(hands.desk.focus, PaneId::Orders);
    assert_eq!(front(&hands, PaneId::Activity), PaneId::Orders);
    assert_eq!(
        front(&hands, PaneId::Curve),
        PaneId::Positions,
        "NAKED stays in sight"
    );
    hands.press("g p");
    assert_eq!(hands.desk.focus, PaneId::Curve);
    // As it was made: the tabs too.
    hands.press("g t");
    hands.desk.focus_on(PaneId::Activity);
    hands.press("Space w r");
    assert_eq!(front(&hands, PaneId::Activity), PaneId::Orders);
    assert_eq!(hands.desk.focus, PaneId::Orders);
    hands.press("Space w r");
    assert!(hands.said().contains("changes nothing"), "{}", hands.said());
}

#[test]
fn what_is_hidden_is_hidden_in_the_title_and_in_what_is_copied_too() {
    let mut hands = Hands::new();
    assert!(hands.desk.title().contains("SIM100001"));
    hands.press("g p");
    hands.desk.focus_on(PaneId::Positions);
    let copied = |hands: &mut Hands| {
        let mut buf = Buffer::empty(Rect::new(0, 0, 160, 45));
        hands.desk.body = view::body_of(buf.area);
        let drawn = view::draw(&hands.desk, hands.now, &mut buf);
        let (_, area, _) = drawn
            .panes
            .iter()
            .find(|(pane, ..)| *pane == PaneId::Positions)
            .unwrap();
        row_under_cursor(&buf, *area, hands.desk.world.theme.selection).unwrap()
    };
    assert!(copied(&mut hands).contains("190.31"));
    hands.press("Space p");
    let row = copied(&mut hands);
    assert!(row.contains("AAPL") && row.contains('·'), "{row}");
    assert!(!row.chars().any(|c| c.is_ascii_digit()), "{row}");
    assert!(!hands.desk.title().contains("SIM100001"));
}

fn sources(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push(path);
        }
    }
}

#[test]
fn every_row_is_held_by_a_test_that_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src/tui", "src/engine", "tests/suite"] {
        sources(&root.join(folder), &mut files);
    }
    let text: String = files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    let rows = include_str!("trader.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! |"));
    let named: Vec<&str> = rows
        .filter_map(|row| {
            row.rsplit('|')
                .nth(1)?
                .trim()
                .strip_prefix('`')?
                .strip_suffix('`')
        })
        .collect();
    assert!(named.len() > 40, "{named:?}");
    for name in named {
        assert!(
            text.contains(&format!("#[test]\nfn {name}()"))
                || text.contains(&format!("#[test]\n    fn {name}()")),
            "{name}"
        );
    }
}
