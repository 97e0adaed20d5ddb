//! The order line under a person's hands: what its preview shows is what Enter sends, or nothing is.

use super::chord::{Chord, Key};
use super::desk::{Desk, Effect, Modal};
use super::input::Input;
use super::link::{FromEngine, ToEngine};
use super::sample;
use super::ticket::QUIET;
use super::view::{self, Drawn};
use super::widgets::screen_of;
use crate::domain::Timestamp;
use crate::engine::{Command, digest};
use crate::market::Quote;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::Duration;

struct Hands {
    desk: Desk,
    now: Timestamp,
    sent: Vec<Command>,
}

impl Hands {
    fn new() -> Self {
        let mut desk = sample::desk().0;
        desk.body = view::body_of(Rect::new(0, 0, 160, 45));
        Self {
            desk,
            now: sample::now(),
            sent: Vec::new(),
        }
    }
    fn key(&mut self, chord: Chord, after: u64) -> &mut Self {
        self.now = self.now.after(Duration::from_millis(after));
        let effects = self
            .desk
            .on_input(&Input::Key(chord), &Drawn::default(), self.now);
        for effect in effects {
            if let Effect::Tell(ToEngine::Command { command, .. }) = effect {
                self.sent.push(command);
            }
        }
        self
    }
    fn line(&mut self, text: &str) -> &mut Self {
        self.key(Chord::char(':'), 300);
        for c in text.chars() {
            self.key(Chord::char(c), 40);
        }
        self
    }
    fn enter(&mut self) -> &mut Self {
        self.key(Chord::plain(Key::Enter), 300)
    }
    fn wait(&mut self, span: Duration) -> &mut Self {
        self.now = self.now.after(span);
        self
    }
    fn market(&mut self, bid: &str, ask: &str) -> &mut Self {
        let quote = Quote {
            at: self.now.after(Duration::from_secs(60)),
            ..sample::quote("AAPL", bid, ask)
        };
        self.desk.on_engine(FromEngine::Quotes(vec![quote]), self.now);
        self
    }
    fn said(&self) -> &str {
        self.desk.message.as_ref().map_or("", |message| &message.text)
    }
    fn screen(&mut self, width: u16, height: u16) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        self.desk.body = view::body_of(buf.area);
        view::draw(&self.desk, self.now, &mut buf);
        screen_of(&buf).join("\n")
    }
}

#[test]
fn what_is_sent_carries_the_digest_of_what_was_shown() {
    let mut hands = Hands::new();
    hands.line("buy 10 AAPL @189 stop -8t target 2R");
    let screen = hands.screen(160, 45);
    for words in [
        "BUY 10 AAPL @ 189.00 day",
        "stop 188.92",
        "target 189.16 2.0R",
        "= 1R",
        "fee ~1.00",
    ] {
        assert!(screen.contains(words), "no '{words}' in\n{screen}");
    }
    hands.enter();
    let [Command::Submit { spec, legs, seen, .. }] = &hands.sent[..] else {
        panic!("{:?} {}", hands.sent, hands.said())
    };
    let seen = seen.as_ref().unwrap();
    assert_eq!(seen.digest, digest::digest(spec, *legs));
    assert_eq!(seen.age_ms, 300);
}

#[test]
fn an_old_preview_or_one_the_market_left_is_made_anew_and_never_sent() {
    let mut hands = Hands::new();
    hands.line("buy 10 AAPL @bid").wait(Duration::from_secs(6));
    assert!(hands.screen(160, 45).contains("this preview is old"));
    hands.enter();
    assert!(
        hands.sent.is_empty() && hands.said().contains("was old"),
        "{}",
        hands.said()
    );
    // A held Enter does not confirm what has only just appeared.
    hands.enter();
    assert!(hands.sent.is_empty(), "{}", hands.said());
    hands.wait(QUIET).enter();
    assert_eq!(hands.sent.len(), 1, "{}", hands.said());

    let mut hands = Hands::new();
    hands.market("189.50", "189.52").line("buy 10 AAPL @bid");
    assert!(hands.screen(160, 45).contains("BUY 10 AAPL @ 189.50"));
    hands.market("190.50", "190.52");
    assert!(
        hands.screen(160, 45).contains("BUY 10 AAPL @ 189.50"),
        "a snapshot does not follow the market by itself"
    );
    assert!(
        hands
            .screen(160, 45)
            .contains("the market moved since this preview")
    );
    hands.enter();
    assert!(
        hands.sent.is_empty() && hands.said().contains("the market moved"),
        "{}",
        hands.said()
    );
    assert!(hands.screen(160, 45).contains("BUY 10 AAPL @ 190.50"));
    hands.wait(QUIET).enter();
    assert_eq!(hands.sent.len(), 1, "{}", hands.said());
}

#[test]
fn what_takes_risk_off_goes_at_once_however_old_its_preview_is() {
    let mut hands = Hands::new();
    hands
        .line("buy all NVDA mkt")
        .wait(Duration::from_secs(60))
        .enter();
    assert!(
        matches!(&hands.sent[..], [Command::Submit { spec, seen, .. }]
            if spec.to_string().starts_with("BUY") && seen.as_ref().is_some_and(|seen| seen.reduces)),
        "{:?} {}",
        hands.sent,
        hands.said()
    );
    let mut hands = Hands::new();
    hands.line("close NVDA").enter();
    assert!(
        matches!(&hands.sent[..], [Command::Close { .. }]),
        "{}",
        hands.said()
    );
}

#[test]
fn cancelling_the_stops_too_asks_where_it_leaves_something_naked() {
    let mut hands = Hands::new();
    hands.line("x AAPL all").enter();
    assert!(hands.sent.is_empty());
    assert!(
        hands.screen(80, 24).contains("leaves 100 AAPL NAKED"),
        "{}",
        hands.screen(80, 24)
    );
    hands.wait(QUIET).enter();
    assert!(
        matches!(
            &hands.sent[..],
            [Command::CancelAll {
                stops_too: true,
                instrument: Some(_),
                ..
            }]
        ),
        "{:?}",
        hands.sent
    );
    let mut hands = Hands::new();
    hands.line("x AAPL").enter();
    assert!(matches!(
        &hands.sent[..],
        [Command::CancelAll { stops_too: false, .. }]
    ));
}

#[test]
fn a_basket_has_a_row_an_order_and_their_sum_and_a_preview_fits_every_screen() {
    let mut hands = Hands::new();
    hands.line("buy {AAPL,MSFT,SPY} 5000usd mkt");
    let screen = hands.screen(80, 24);
    for words in [
        "BUY 26 AAPL",
        "BUY 12 MSFT",
        "BUY 9 SPY",
        "3 orders or none",
        "USD",
    ] {
        assert!(screen.contains(words), "no '{words}' in\n{screen}");
    }
    for (width, height) in [(0, 0), (20, 4), (40, 9), (80, 12), (240, 70)] {
        hands.screen(width, height);
    }
    hands.enter();
    assert!(
        matches!(&hands.sent[..], [Command::SubmitAll { orders }]
            if orders.len() == 3 && orders.iter().all(|entry| entry.seen.is_some() && entry.id != hands.desk.preview_id)),
        "{:?} {}",
        hands.sent,
        hands.said()
    );
}

#[test]
fn words_that_fit_are_offered_and_taken_by_tab() {
    let mut hands = Hands::new();
    hands.line("buy 5 AAPL ");
    assert!(
        hands.screen(160, 45).contains("next: @bid @ask @mid"),
        "{}",
        hands.screen(160, 45)
    );
    for c in "@bid sto".chars() {
        hands.key(Chord::char(c), 40);
    }
    hands.key(Chord::plain(Key::Tab), 40);
    assert!(
        matches!(&hands.desk.modal, Some(Modal::Line(line)) if line.text() == "buy 5 AAPL @bid stop"),
        "{:?}",
        hands.desk.modal
    );
}

#[test]
fn names_behind_a_word_of_the_desk_are_offered_and_a_wrong_one_says_what_there_is() {
    let mut hands = Hands::new();
    hands.line("pane tap").key(Chord::plain(Key::Tab), 40);
    let line = |hands: &Hands| match &hands.desk.modal {
        Some(Modal::Line(line)) => line.text().to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(line(&hands), "pane tape");
    hands.key(Chord::plain(Key::Esc), 40).line("columns last bids");
    hands.key(Chord::plain(Key::Tab), 40);
    assert_eq!(line(&hands), "columns last bidsize");
    hands.key(Chord::plain(Key::Esc), 40).line("workspace ");
    let screen = hands.screen(160, 45);
    assert!(screen.contains("next: trade chart portfolio"), "{screen}");
    hands.key(Chord::plain(Key::Esc), 40).line("layout foo").enter();
    assert!(hands.said().contains("layout save NAME"), "{}", hands.said());
    hands.line("layout save mine").enter().line("layout min").enter();
    assert!(hands.said().contains("did you mean 'mine'?"), "{}", hands.said());
    hands.line("layout ").key(Chord::plain(Key::Tab), 40);
    assert_eq!(line(&hands), "layout mine");
}
