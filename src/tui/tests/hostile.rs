//! Text of strangers on the whole desk: names, reasons, notices, what brokers say of themselves, lines of the log and of
//! settings, what is typed and pasted. Nothing of it reaches the terminal as anything but harmless characters: the bytes
//! of every frame are read as a terminal reads them, and every sequence in them has to be one of our own.

use super::pictures::full;
use super::*;
use crate::domain::{LinkState, Timestamp};
use crate::engine::alerts::{Channel, Delivery};
use crate::engine::pause::Pause;
use crate::engine::port::{Farm, FarmKind, FarmState};
use crate::engine::state::{Notice, NoticeLevel};
use crate::engine::{Denial, DenialCode};
use crate::tui::clipboard;
use crate::tui::colour::ColourDepth;
use crate::tui::panes::watchlist::OwnList;
use crate::tui::plain::Plain;
use crate::tui::screen::Screen;
use crate::tui::terminal::Terminal;
use std::collections::BTreeSet;

/// What strangers send.
fn texts() -> Vec<String> {
    let long = |text: &str| text.repeat(10_000 / text.len());
    vec![
        // A title, a clipboard, a question, a reset, a mode, a device string; in seven bits and in eight.
        "\x1b]0;evil\x07\x1b]52;c;ZXZpbA==\x07 \x1b[5n\x1b[c\x1bc\x1b[?1049l\x1bP+q544e\x1b\\\x1b[31mred"
            .to_owned(),
        "\u{9b}31m\u{9d}0;evil\u{9c}\u{90}q\u{85}\u{84} next".to_owned(),
        "back\x08\x08\x08up\rreturn\nline\ttab\x0b\x0c\x0e\x0f\0nul\x7fdel".to_owned(),
        "\u{202e}sevitisop\u{202c} \u{2066}isolated\u{2069} \u{200f}mark\u{061c}".to_owned(),
        "ze\u{200b}ro\u{200d}wi\u{feff}dth\u{2060}s \u{e0041}tag soft\u{ad}hyphen \u{3164}blank".to_owned(),
        format!("e{}nd", "\u{301}".repeat(5_000)),
        "👨\u{200d}👩\u{200d}👧 ❤\u{fe0f} 🇩🇪 日本語 한국어".to_owned(),
        long("A"),
        long("日本"),
        long("\x1b[2J"),
        long("word \u{202e}"),
    ]
}

/// Characters that show nothing or turn others round.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{3164}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Reads bytes as a terminal would: every sequence is one that the desk sends, everything else is a visible character.
fn only_ours(bytes: &[u8], wherever: &str) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{wherever}: {error}"));
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\x1b' {
            assert!(!c.is_control() && !is_unseen(c), "{wherever}: {c:?} gets through");
            continue;
        }
        let rest = chars.as_str();
        assert!(
            rest.starts_with('['),
            "{wherever}: a sequence of strangers: {:?}",
            &rest[..rest.len().min(8)]
        );
        let end = rest
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(rest.len() - 1);
        let (sequence, last) = (&rest[1..end], rest.as_bytes()[end]);
        let known = match last {
            b'h' | b'l' => matches!(sequence, "?2026" | "?25"),
            b'H' | b'J' | b'A' | b'B' | b'C' | b'D' | b'G' | b'd' | b'm' => {
                sequence.chars().all(|c| c.is_ascii_digit() || c == ';')
            }
            _ => false,
        };
        assert!(known, "{wherever}: ESC[{sequence}{}", char::from(last));
        chars = rest[end + 1..].chars();
    }
}

/// A desk whose every text is this.
fn desk_of(text: &str) -> Desk {
    let mut settings = sample::settings();
    settings.profile = text.to_owned();
    settings.theme = text.to_owned();
    settings.watch.lists = vec![OwnList {
        name: text.to_owned(),
        symbols: vec![text.to_owned(), "AAPL".to_owned()],
    }];
    settings.watch.columns = vec![text.to_owned()];
    settings.opening.faults = vec![text.to_owned()];
    settings.log = std::sync::Arc::new(std::sync::Mutex::new(
        [text.to_owned(), format!("WARN {text}")].into(),
    ));
    settings.alarm.osc9 = true;
    settings.alarm.osc777 = true;
    let mut desk = sample::attached(&settings).0;
    let model = full();
    let (token, armed) = (desk.world.state.token, desk.world.state.armed.clone());
    desk.world.state = model.world.state;
    desk.world.health = model.world.health;
    (desk.world.state.token, desk.world.state.armed) = (token, armed);
    say_everywhere(&mut desk, text);
    desk
}

fn say_everywhere(desk: &mut Desk, text: &str) {
    let (evil, now) = (SafeText::new(text), sample::now());
    let state = &mut desk.world.state;
    for instrument in state.instruments.values_mut() {
        instrument.name = evil.clone();
    }
    for order in state.orders.values_mut() {
        order.reason = Some(evil.clone());
    }
    for link in state.links.values_mut() {
        (link.state, link.reason, link.impaired) =
            (LinkState::Degraded, Some(evil.clone()), Some(evil.clone()));
    }
    for account in state.accounts.values_mut() {
        account.trading_reason = Some(evil.clone());
    }
    let levels = [
        NoticeLevel::Info,
        NoticeLevel::Told,
        NoticeLevel::Fill,
        NoticeLevel::Warning,
    ];
    for (sequence, level) in (state.sequence + 1..).zip(levels) {
        state.notices.push_back(Notice {
            sequence,
            at: now,
            level,
            text: evil.clone(),
        });
    }
    for alert in state.alerts.all.values_mut() {
        alert.spec.stage = Some(evil.clone());
        for seen in &mut alert.seen {
            (seen.what, seen.value) = (evil.clone(), evil.clone());
        }
    }
    for firing in &mut state.alerts.firings {
        (firing.text, firing.stage) = (evil.clone(), Some(evil.clone()));
        firing.deliveries.push(Delivery {
            channel: Channel::Mail,
            attempts: 3,
            at: now,
            failure: Some(evil.clone()),
            is_final: true,
        });
    }
    for (health, _) in desk.world.health.values_mut() {
        health.peer = evil.clone();
        health.farms = vec![Farm {
            name: evil.clone(),
            kind: FarmKind::Prices,
            state: FarmState::Down,
            since: now,
        }];
        health.planned = vec![Pause {
            what: evil.clone(),
            at: now.after(Duration::from_secs(60)),
            until: Timestamp(i64::MAX),
        }];
        for budget in &mut health.budgets {
            budget.name = evil.clone();
        }
        for (name, currency, _) in health.figures.values_mut().flatten() {
            (*name, *currency) = (evil.clone(), evil.clone());
        }
    }
    desk.toasts.take(desk.world.state.notices.make_contiguous(), now);
    desk.say(Tone::Warn, text, now);
}

/// The bytes of one frame of the desk, and what a copy of each row would put on the clipboard.
fn frame(desk: &mut Desk, (width, height): (u16, u16), wherever: &str) {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    desk.body = view::body_of(buf.area);
    desk.too_small = view::is_too_small(width, height);
    let drawn = view::draw(desk, sample::now(), &mut buf);
    let mut screen = Screen::new(ColourDepth::True);
    let mut bytes = Vec::new();
    screen.frame(&buf, drawn.cursor, &mut bytes);
    only_ours(&bytes, &format!("{wherever} at {width}x{height}"));
    for (_, area, _) in &drawn.panes {
        if let Some(row) = clipboard::row_under_cursor(&buf, *area, desk.world.theme.selection) {
            assert!(
                !row.chars().any(|c| c.is_control() || is_unseen(c)),
                "{wherever}: {row:?}"
            );
        }
    }
    let title = Terminal::title(&desk.title());
    only_ours(&title[4..title.len() - 2], &format!("the title {wherever}"));
}

#[test]
fn a_planted_sequence_is_found() {
    only_ours(
        "\x1b[?2026h\x1b[3;4Hé\x1b[1;38;2;1;2;3m日\x1b[?2026l".as_bytes(),
        "ours",
    );
    for planted in [
        "\x1b]0;x\x07",
        "\x1bc",
        "\x1b[?1049l",
        "\u{9b}2J",
        "\r",
        "a\u{202e}b",
        "\x1b[5n",
    ] {
        let found = std::panic::catch_unwind(|| only_ours(planted.as_bytes(), "planted"));
        assert!(found.is_err(), "{planted:?}");
    }
}

#[test]
fn text_of_strangers_reaches_no_terminal_through_any_pane() {
    for (number, text) in texts().iter().enumerate() {
        let mut desk = desk_of(text);
        desk.world.masked = number % 3 == 2;
        for &pane in PaneId::ALL {
            desk.focus_on(pane);
            desk.zoomed = true;
            for size in [(80, 24), (121, 40)] {
                frame(&mut desk, size, &format!("{} of text {number}", pane.name()));
            }
            let (left, right) = desk
                .pane(pane)
                .unwrap()
                .pane
                .title(&desk.view_of(pane, sample::now()));
            assert!(
                !(left + &right).chars().any(|c| c.is_control() || is_unseen(c)),
                "{pane:?} {number}"
            );
        }
        desk.zoomed = false;
        for workspace in 0..5 {
            desk.go(workspace);
            frame(
                &mut desk,
                (160, 45),
                &format!("workspace {workspace} of text {number}"),
            );
        }
        desk.world.link = crate::tui::world::Link::Lost(sample::now(), text.clone());
        frame(&mut desk, (80, 24), "a lost link");
        frame(&mut desk, (60, 20), "a small terminal");
        desk.world.is_known = false;
        frame(&mut desk, (80, 24), "before any state");
    }
}

#[test]
fn every_pane_of_strangers_draws_at_every_size() {
    let mut desk = desk_of(&texts().concat());
    desk.world.masked = false;
    for &pane in PaneId::ALL {
        let view = desk.view_of(pane, sample::now());
        let place = &desk.pane(pane).unwrap().pane;
        for width in (0..=60).step_by(3).chain([1, 2, 4, 5, 7, 59]) {
            for height in (0..=40).step_by(4).chain([1, 2, 3, 5]) {
                let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
                place.render(&view, buf.area, true, &mut buf);
                let seen = |cell: &ratatui::buffer::Cell| {
                    !cell.symbol().chars().any(|c| c.is_control() || is_unseen(c))
                };
                assert!(buf.content.iter().all(seen), "{} {width}x{height}", pane.name());
            }
        }
    }
}

/// What is open over the panes: the order line, search, help, palette, ticket, questions, sheets.
#[test]
fn what_strangers_paste_and_answer_is_harmless_in_every_field() {
    const LINES: [&str; 10] = [
        "preopen",
        "close",
        "watch add",
        "layout save",
        "theme",
        "find",
        "filter",
        "do",
        "orders all",
        "alert",
    ];
    for text in texts() {
        // One desk a text, put back by hand: to make one takes longer than to press all these keys.
        let mut hands = Hands {
            desk: desk_of(&text),
            ..Hands::new()
        };
        for keys in [":", "/", "? /", "b", "c", "Space", "Ctrl-x", "q"] {
            (hands.desk.modal, hands.desk.count) = (None, None);
            hands.desk.pressed.clear();
            hands.sent.clear();
            hands.press(keys);
            hands.do_at_once(&Input::Paste(text.clone()));
            for c in text.chars().filter(|c| !c.is_control()).take(20) {
                hands.do_at_once(&Input::Key(Chord::char(c)));
            }
            frame(&mut hands.desk, (100, 30), &format!("after {keys}"));
            assert!(hands.sent.is_empty(), "{keys}: {:?}", hands.sent);
            hands.press("Enter");
            frame(&mut hands.desk, (100, 30), &format!("after {keys} and Enter"));
        }
        for line in LINES {
            hands.desk.modal = None;
            hands.press(":").type_text(line);
            hands.do_at_once(&Input::Key(Chord::char(' ')));
            hands.do_at_once(&Input::Paste(text.clone()));
            frame(&mut hands.desk, (100, 30), line);
            hands.wait(QUIET).press("Enter");
            frame(&mut hands.desk, (100, 30), line);
        }
    }
}

#[test]
fn what_the_engine_tells_of_strangers_rings_and_is_read_aloud_harmlessly() {
    for text in texts() {
        let mut hands = Hands {
            desk: desk_of(&text),
            ..Hands::new()
        };
        hands.press("b").wait(QUIET).press("Enter");
        let evil = SafeText::new(&text);
        let now = hands.now;
        for message in [
            FromEngine::Outcome {
                token: 1,
                outcome: Outcome::Denied(Denial::new(DenialCode::MaxValue, text.as_str())),
            },
            FromEngine::Failed(evil.clone()),
            FromEngine::Found(vec![(None, evil.clone()), (None, evil.clone())]),
            FromEngine::Lost { reason: text.clone() },
        ] {
            hands.desk.on_engine(message, now);
            frame(&mut hands.desk, (100, 30), "an answer");
        }
        let mut hands = Hands {
            desk: desk_of(&text),
            ..Hands::new()
        };
        let id = *hands.desk.world.state.alerts.all.keys().next().unwrap();
        let fired = Fact::AlertFired {
            id,
            text: evil.clone(),
            seen: Vec::new(),
            quote: None,
        };
        happens(&mut hands, fired);
        let Some(Effect::Ring(bytes)) = hands.desk.ring(hands.now) else {
            panic!("it rings")
        };
        let ends: BTreeSet<u8> = bytes
            .iter()
            .copied()
            .filter(|b| *b < 0x20 || *b == 0x7f)
            .collect();
        assert_eq!(ends, [7, 0x1b].into());
        assert_eq!(
            bytes.iter().filter(|b| **b == 0x1b).count(),
            2,
            "two notifications"
        );
        assert!(!String::from_utf8(bytes).unwrap().chars().any(is_unseen));

        let mut plain = Plain::new(desk_of(&text));
        let told = plain.on_engine(FromEngine::Failed(evil), now);
        for line in told.0.into_iter().chain(plain.on_line(&text, now).0) {
            assert!(!line.chars().any(|c| c.is_control() || is_unseen(c)), "{line:?}");
        }
    }
}
