//! The desk as a person meets it: keys in, a screen out.

mod entry;
mod hostile;
mod pictures;
mod safety;
mod trader;

use super::chord::{Chord, Key};
use super::desk::{Desk, Effect, Modal, Tone};
use super::input::Input;
use super::layout::PaneId;
use super::link::{FromEngine, ToEngine};
use super::panes::read;
use super::run::Exit;
use super::sample;
use super::ticket::{QUIET, STANDS};
use super::view::{self, Drawn};
use super::widgets::screen_of;
use crate::domain::{AccountClass, LinkState, SafeText, Side, Timestamp, TradingState};
use crate::engine::alerts::AlertId;
use crate::engine::risk::{Hold, HoldCause};
use crate::engine::{Actor, Command, Event, Fact, Outcome};
use crate::market::Timeframe;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::Duration;

/// Draws a desk at a size.
fn drawn(desk: &mut Desk, width: u16, height: u16, now: Timestamp) -> (Vec<String>, Drawn) {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    desk.body = view::body_of(buf.area);
    desk.too_small = view::is_too_small(width, height);
    let drawn = view::draw(desk, now, &mut buf);
    for cell in &buf.content {
        assert!(
            !cell.symbol().chars().any(char::is_control),
            "a control character in {:?}",
            cell.symbol()
        );
    }
    (screen_of(&buf), drawn)
}

/// A desk under a person's hands, whose clock goes on a third of a second a key.
struct Hands {
    desk: Desk,
    now: Timestamp,
    sent: Vec<Command>,
    left: Option<Exit>,
}

impl Hands {
    fn new() -> Self {
        let mut desk = sample::desk().0;
        drawn(&mut desk, 160, 45, sample::now());
        Self {
            desk,
            now: sample::now(),
            sent: Vec::new(),
            left: None,
        }
    }
    fn do_at_once(&mut self, input: &Input) {
        for effect in self.desk.on_input(input, &Drawn::default(), self.now) {
            match effect {
                Effect::Tell(ToEngine::Command { command, .. }) => self.sent.push(command),
                Effect::Leave(exit) => self.left = Some(exit),
                _ => {}
            }
        }
    }
    /// Presses keys by their names, with spaces between.
    fn press(&mut self, keys: &str) -> &mut Self {
        for name in keys.split(' ') {
            self.now = self.now.after(Duration::from_millis(300));
            let chord = Chord::parse(name).unwrap_or_else(|| panic!("no key {name}"));
            self.do_at_once(&Input::Key(chord));
        }
        self
    }
    /// Types text, one key after the other.
    fn type_text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.now = self.now.after(Duration::from_millis(60));
            self.do_at_once(&Input::Key(Chord::char(c)));
        }
        self
    }
    fn wait(&mut self, span: Duration) -> &mut Self {
        self.now = self.now.after(span);
        self
    }
    fn said(&self) -> &str {
        self.desk.message.as_ref().map_or("", |message| &message.text)
    }
    fn screen(&mut self, width: u16, height: u16) -> String {
        drawn(&mut self.desk, width, height, self.now).0.join("\n")
    }
}

#[test]
fn a_buy_is_a_key_a_look_and_enter_and_goes_once() {
    let mut hands = Hands::new();
    hands.press("2 0 0 b");
    assert!(
        hands.screen(80, 24).contains("BUY  200  AAPL"),
        "{}",
        hands.screen(80, 24)
    );
    hands.press("+").wait(QUIET).press("Enter");
    let [Command::Submit { spec, id, .. }] = &hands.sent[..] else {
        panic!("{:?} {}", hands.sent, hands.said())
    };
    assert_eq!(
        (
            spec.side,
            spec.instrument.as_str(),
            spec.quantity.to_string().as_str()
        ),
        (Side::Buy, "AAPL", "200")
    );
    assert_ne!(*id, hands.desk.preview_id);
    hands.press("Enter Enter Enter");
    assert_eq!(hands.sent.len(), 1, "a held Enter sends nothing more");
}

#[test]
fn nobody_confirms_what_they_have_not_seen() {
    let mut hands = Hands::new();
    hands.press("B");
    hands
        .wait(STANDS - Duration::from_millis(1))
        .do_at_once(&Input::Key(Chord::plain(Key::Enter)));
    assert!(
        hands.sent.is_empty() && hands.said().contains("only just appeared"),
        "{}",
        hands.said()
    );
    hands.press("Enter");
    assert!(
        hands.sent.is_empty() && hands.said().contains("a moment ago"),
        "a held key: {}",
        hands.said()
    );
    hands.wait(QUIET).press("Enter");
    assert_eq!(hands.sent.len(), 1);
}

#[test]
fn a_preview_from_before_a_jump_is_shown_anew_and_not_sent() {
    let mut hands = Hands::new();
    hands.press("b");
    hands.wait(Duration::from_secs(1));
    let mut quote = *hands
        .desk
        .world
        .market
        .quote(sample::instrument("AAPL").id)
        .unwrap();
    quote = sample::quote("AAPL", "186.00", "186.02").tap_at(quote.at);
    hands.desk.on_engine(FromEngine::Quotes(vec![quote]), hands.now);
    hands.press("Enter");
    assert!(
        hands.sent.is_empty() && hands.said().contains("the market moved"),
        "{}",
        hands.said()
    );
    hands.wait(QUIET).press("Enter");
    assert_eq!(hands.sent.len(), 1);
}

trait TapAt {
    fn tap_at(self, at: Timestamp) -> Self;
}
impl TapAt for crate::market::Quote {
    fn tap_at(mut self, at: Timestamp) -> Self {
        self.at = at.after(Duration::from_secs(1));
        self
    }
}

#[test]
fn a_paste_is_text_in_a_field_and_nothing_elsewhere() {
    let mut hands = Hands::new();
    hands.do_at_once(&Input::Paste("B Enter b100".into()));
    assert!(hands.sent.is_empty() && hands.desk.modal.is_none() && hands.said().contains("PASTE BLOCKED"));
    hands
        .press(":")
        .do_at_once(&Input::Paste("buy 10 AAPL mkt".into()));
    assert!(hands.sent.is_empty());
    assert!(matches!(&hands.desk.modal, Some(Modal::Line(line)) if line.text() == "buy 10 AAPL mkt"));
    hands.press("Esc b").do_at_once(&Input::Paste("1".into()));
    assert!(hands.said().contains("PASTE BLOCKED"), "a ticket takes no paste");
}

#[test]
fn the_order_line_previews_points_and_sends() {
    let mut hands = Hands::new();
    hands.press(":").type_text("buy 10 AAPL @189 stop 188");
    let screen = hands.screen(160, 45);
    assert!(
        screen.contains("BUY 10 AAPL @ 189.00 day") && screen.contains("held by the engine"),
        "{screen}"
    );
    hands.press("Enter");
    assert!(
        matches!(&hands.sent[..], [Command::Submit { legs, .. }] if legs.stop == "188".parse().ok()),
        "{}",
        hands.said()
    );
    hands.press(":").type_text("buy 0100 MSFT").press("Enter");
    assert!(hands.said().contains("begins with a zero"), "{}", hands.said());
    assert_eq!(hands.sent.len(), 1);
    hands.press("Esc :").type_text("hlat").press("Enter");
    assert!(hands.said().contains("did you mean 'halt'?"), "{}", hands.said());
    hands.press("Esc : Up Enter");
    assert_eq!(
        hands.sent.len(),
        2,
        "history brings the first line back: {}",
        hands.said()
    );
}

#[test]
fn panic_keys_work_in_every_field_and_too_small_a_terminal_takes_nothing_else() {
    let mut hands = Hands::new();
    hands.press("/").type_text("ms").press("Ctrl-x a");
    assert!(matches!(
        hands.sent[..],
        [Command::CancelAll {
            instrument: None,
            stops_too: false,
            ..
        }]
    ));
    assert!(
        matches!(hands.desk.modal, Some(Modal::Search(_))),
        "and leave it open"
    );
    let mut hands = Hands::new();
    let small = hands.screen(60, 20);
    assert!(small.contains("needs 80x24 and has 60x20"), "{small}");
    // The focused pane is there to be looked at, and keys that look hold.
    assert!(small.contains("WATCH") && small.contains("190.45"), "{small}");
    let before = hands.desk.instrument();
    hands.press("j");
    assert_ne!(hands.desk.instrument(), before);
    hands.press("Tab k");
    assert!(!hands.screen(60, 20).contains("WATCH"), "the next pane");
    hands.press("B").wait(QUIET).press("Enter Ctrl-x f");
    assert!(
        matches!(hands.sent[..], [Command::Flatten { .. }]),
        "{:?}",
        hands.sent
    );
}

#[test]
fn taking_the_last_stop_off_a_position_asks_first() {
    let mut hands = Hands::new();
    let stop = hands
        .desk
        .world
        .state
        .orders
        .values()
        .find(|o| o.spec.kind.is_stop())
        .unwrap()
        .id;
    let now = hands.now;
    hands.desk.grant(
        vec![super::pane::Wish::Send(Box::new(Command::Cancel { id: stop }))],
        now,
    );
    assert!(
        hands.screen(80, 24).contains("leaves 100 AAPL NAKED"),
        "{}",
        hands.screen(80, 24)
    );
    hands.wait(QUIET).press("Enter");
    assert_eq!(hands.sent, [Command::Cancel { id: stop }]);
}

#[test]
fn leaving_asks_on_the_simulated_exchange_only() {
    let mut hands = Hands::new();
    hands.press("q");
    assert!(
        hands.left.is_none()
            && hands
                .screen(80, 24)
                .contains("the engine and the simulated exchange go on")
    );
    hands.press("s");
    assert_eq!(hands.left, Some(Exit::StopEngine));
    let mut hands = Hands::new();
    let account = sample::account();
    hands
        .desk
        .world
        .state
        .accounts
        .get_mut(&account)
        .unwrap()
        .account
        .class = AccountClass::Live;
    assert!(hands.screen(80, 24).starts_with(" LIVE "));
    hands.press("q");
    assert_eq!(hands.left, Some(Exit::Detached));
}

#[test]
fn a_lost_link_is_loud_and_nothing_is_sent_over_it() {
    let mut hands = Hands::new();
    let now = hands.now;
    hands.desk.on_engine(
        FromEngine::Lost {
            reason: "the engine closed the connection".into(),
        },
        now,
    );
    hands.wait(Duration::from_secs(3));
    assert!(
        hands.screen(80, 24).starts_with(" LINK LOST 0:03 — retrying"),
        "{}",
        hands.screen(80, 24)
    );
    hands.press("B").wait(QUIET).press("Enter");
    assert!(
        hands.sent.is_empty() && hands.said().contains("there is no link"),
        "{}",
        hands.said()
    );
    assert!(
        matches!(hands.desk.modal, Some(Modal::Ticket(_))),
        "the draft stays"
    );
}

#[test]
fn with_the_brokers_link_down_no_price_looks_like_one_of_now() {
    let mut hands = Hands::new();
    let screen = hands.screen(160, 45);
    assert!(
        !screen.contains("sim down") && !screen.contains("feed ● 0/"),
        "{screen}"
    );
    let link = hands
        .desk
        .world
        .state
        .links
        .get_mut(&sample::account().broker)
        .unwrap();
    (link.state, link.since) = (LinkState::Down, hands.now);
    hands.wait(Duration::from_secs(30));
    let screen = hands.screen(160, 45);
    assert!(
        !screen.contains("← live") && screen.contains("feed ● 0/"),
        "{screen}"
    );
    let watch = screen.lines().find(|line| line.contains("WATCH")).unwrap();
    assert!(watch.contains("sim down 0:30"), "{watch}");
    let mut buf = Buffer::empty(Rect::new(0, 0, 160, 45));
    let drawn = view::draw(&hands.desk, hands.now, &mut buf);
    let dim = hands.desk.world.theme.dim;
    let market: Vec<_> = drawn.panes.iter().filter(|pane| !pane.0.is_ours()).collect();
    assert!(!market.is_empty());
    for (pane, area, _) in market {
        for at in area.positions().filter(|at| at.y > area.y) {
            assert!(buf[at].symbol() == " " || buf[at].fg == dim, "{pane:?} at {at}");
        }
    }
}

#[test]
fn denials_are_told_in_words() {
    let mut hands = Hands::new();
    hands.press("b").wait(QUIET).press("Enter");
    let denial = crate::engine::Denial::new(
        crate::engine::DenialCode::MaxValue,
        "2.56 M over 250 k; 488 would pass",
    );
    let outcome = Outcome::Denied(denial);
    let now = hands.now;
    hands
        .desk
        .on_engine(FromEngine::Outcome { token: 1, outcome }, now);
    assert!(
        hands
            .said()
            .contains("MAX_VALUE: 2.56 M over 250 k; 488 would pass"),
        "{}",
        hands.said()
    );
}

#[test]
fn what_is_watched_is_asked_for_once() {
    let (mut desk, effects) = sample::desk();
    let watches = effects
        .iter()
        .filter(|e| matches!(e, Effect::Tell(ToEngine::Watch { .. })))
        .count();
    let bars = effects
        .iter()
        .filter(|e| matches!(e, Effect::Tell(ToEngine::Bars { .. })))
        .count();
    assert_eq!((watches, bars), (1, 5));
    assert_eq!(
        desk.on_engine(FromEngine::RoundTrip(Duration::from_micros(1)), sample::now()),
        []
    );
    let select = vec![super::pane::Wish::Select(sample::instrument("MSFT").id)];
    let effects = desk.grant(select, sample::now());
    assert!(
        matches!(&effects[0], Effect::Tell(ToEngine::Watch { depth, .. }) if depth[0].as_str() == "MSFT")
    );
}

#[test]
fn it_draws_at_every_size_and_with_everything_open() {
    let opened: [&[&str]; 9] = [
        &[],
        &["b"],
        &[":"],
        &["/"],
        &["?"],
        &["q"],
        &["Ctrl-x"],
        &["g p"],
        &["c"],
    ];
    for keys in opened {
        let mut hands = Hands::new();
        for key in keys {
            hands.press(key);
        }
        for width in (0..=60)
            .step_by(7)
            .chain([79, 80, 81, 99, 100, 119, 120, 139, 140, 160, 240])
        {
            for height in (0..=40).step_by(5).chain([23, 24, 25, 45, 70]) {
                hands.screen(width, height);
            }
        }
    }
    let mut empty = sample::empty_desk();
    for (width, height) in [(0, 0), (1, 1), (80, 24), (160, 45)] {
        drawn(&mut empty, width, height, sample::now());
    }
    let (screen, _) = drawn(&mut empty, 80, 24, sample::now());
    assert!(screen.join("\n").contains("starting the engine…"));
}

#[test]
fn tab_goes_round_and_tabs_come_to_the_front() {
    let mut hands = Hands::new();
    hands.screen(80, 24);
    let mut seen = Vec::new();
    for _ in 0..12 {
        hands.press("Tab");
        seen.push(hands.desk.focus);
        let screen = drawn(&mut hands.desk, 80, 24, hands.now).1;
        assert!(
            screen.panes.iter().any(|(pane, ..)| *pane == hands.desk.focus),
            "{:?} is in view",
            hands.desk.focus
        );
    }
    use PaneId::{
        Activity, Alerts, Chart, Curve, Depth, DepthChart, Executions, Orders, PositionDetail, Positions,
        Tape, Watchlist,
    };
    let wanted = [
        Chart,
        Depth,
        Tape,
        DepthChart,
        Positions,
        PositionDetail,
        Curve,
        Orders,
        Executions,
        Alerts,
        Activity,
        Watchlist,
    ];
    assert_eq!(seen, wanted);
}

#[test]
fn the_account_is_flattened_after_one_enter_and_not_before() {
    for keys in ["Ctrl-x F", ": f l a t Space a l l Enter"] {
        let mut hands = Hands::new();
        hands.press(keys);
        let screen = hands.screen(80, 24);
        assert!(
            screen.contains("FLATTEN ACCOUNT SIM100001: +100 AAPL and 2 orders"),
            "{screen}"
        );
        assert!(hands.sent.is_empty());
        hands.wait(QUIET).press("Enter");
        let [Command::FlattenAccount { exits, .. }] = &hands.sent[..] else {
            panic!("{:?}", hands.sent)
        };
        let flattened: Vec<&str> = exits.iter().map(|(instrument, _)| instrument.as_str()).collect();
        assert_eq!(flattened, ["AAPL", "ESZ6", "MSFT", "NVDA", "SAP"]);
        hands.press("Enter Enter");
        assert_eq!(hands.sent.len(), 1);
    }
}

#[test]
fn a_price_held_on_the_ladder_is_the_tickets() {
    let mut hands = Hands::new();
    hands.screen(160, 45);
    hands.press("Tab Tab");
    assert_eq!(hands.desk.focus, PaneId::Depth);
    hands.press("j j j b");
    let Some(Modal::Ticket(ticket)) = &hands.desk.modal else {
        panic!("no ticket")
    };
    assert_eq!(ticket.price, "190.43".parse().ok());
    hands.press("Esc S");
    assert!(matches!(&hands.desk.modal, Some(Modal::Ticket(ticket)) if ticket.price.is_none()));
    // Elsewhere the touch is meant, whatever the ladder holds.
    hands.press("Esc Tab b");
    assert!(
        matches!(&hands.desk.modal, Some(Modal::Ticket(ticket)) if ticket.price == "190.45".parse().ok())
    );
}

#[test]
fn what_would_be_refused_is_not_sent_and_the_draft_stays() {
    let mut hands = Hands::new();
    hands.press("5 0 0 S").wait(QUIET).press("Enter");
    assert!(
        hands.sent.is_empty() && hands.said().contains("o allows a short"),
        "{}",
        hands.said()
    );
    assert!(matches!(&hands.desk.modal, Some(Modal::Ticket(ticket)) if !ticket.short));
    assert!(hands.screen(80, 24).contains("SHORT"));
}

#[test]
fn a_message_too_long_for_the_row_takes_one_more() {
    let mut hands = Hands::new();
    let now = hands.now;
    let words =
        "denied SELL 100 AAPL mkt day: SHORT: 0 AAPL held, 0 more can be sold; say 'short' to sell short";
    hands.desk.say(Tone::Warn, words, now);
    let screen = hands.screen(80, 24);
    assert!(
        screen.contains("more can be sold;") && screen.contains("to sell short"),
        "{screen}"
    );
    assert!(screen.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn the_privacy_key_hides_what_is_ours_and_not_what_is_the_markets() {
    let mut hands = Hands::new();
    hands.press("Space p :").type_text("buy 10 AAPL @189 stop 188");
    for (width, height) in [(80, 24), (160, 45)] {
        let screen = hands.screen(width, height);
        for ours in ["SIM100001", "+100", "-50", "1,890.00", "190.31", "pos 100"] {
            assert!(!screen.contains(ours), "{ours} at {width}x{height}:\n{screen}");
        }
        assert!(screen.contains("190.45") && screen.contains("ESZ6"), "{screen}");
    }
    assert_eq!(
        super::pane::hidden("filled BUY 14 ESZ6 @ 5,721.25"),
        "filled BUY ···· ESZ6 @ ····"
    );
}

#[test]
fn after_a_restart_of_the_engine_the_new_session_trades() {
    let mut hands = Hands::new();
    let now = hands.now;
    let state = hands.desk.world.state.clone();
    hands.desk.on_engine(
        FromEngine::Lost {
            reason: "the engine closed the connection".into(),
        },
        now,
    );
    let session = crate::domain::SessionId(9);
    hands.desk.on_engine(
        FromEngine::Attached {
            session,
            build: "0.1.0".into(),
            engine_older: None,
            id_prefix: "TW".into(),
            venue_offset_ns: 0,
            venue_speed_milli: 1_000,
        },
        now,
    );
    let mut renewed = state;
    renewed.token = Some(session);
    renewed.armed = [(session, sample::account())].into();
    hands
        .desk
        .on_engine(FromEngine::Snapshot(Box::new(renewed), now), now);
    assert!(hands.screen(80, 24).contains("ARMED"));
    hands.press("B").wait(QUIET).press("Enter");
    assert_eq!(hands.sent.len(), 1, "{}", hands.said());
}

/// What the engine tells next.
fn happens(hands: &mut Hands, fact: Fact) {
    happens_by(hands, Actor::Engine, fact);
}

fn happens_by(hands: &mut Hands, actor: Actor, fact: Fact) {
    let sequence = hands.desk.world.state.sequence + 1;
    let event = Event {
        sequence,
        at: hands.now,
        batch: sequence,
        actor,
        cause: None,
        fact,
    };
    hands.desk.on_engine(FromEngine::Events(vec![event]), hands.now);
}

#[test]
fn what_a_broker_says_of_itself_is_told_and_waits_for_a_warning_to_have_its_time() {
    let mut hands = Hands::new();
    // The fixture's notices are of earlier events.
    hands.desk.world.state.sequence = 100;
    let broker = sample::account().broker;
    let told = |text: &str| Fact::BrokerTold {
        broker,
        text: SafeText::new(text),
    };
    happens(&mut hands, told("restored 4/4 market data lines"));
    assert_eq!(hands.said(), "sim: restored 4/4 market data lines");
    let down = Fact::LinkChanged {
        broker,
        state: LinkState::Down,
        reason: Some(SafeText::new("nothing listens on 127.0.0.1:7497")),
    };
    happens(&mut hands, down);
    happens(&mut hands, told("restored 41/41 market data lines"));
    assert!(hands.said().contains("nothing listens"), "{}", hands.said());
    let (screen, _) = drawn(&mut hands.desk, 160, 45, hands.now);
    assert!(
        screen[0].contains("● sim down") && screen[0].contains("nothing listens on"),
        "{}",
        screen[0]
    );
    hands.wait(Duration::from_secs(21));
    hands.desk.tick(hands.now);
    assert_eq!(hands.said(), "sim: restored 41/41 market data lines");
}

/// What the engine answers to the command that was sent last.
fn answered(hands: &mut Hands, note: Option<&str>) {
    let outcome = Outcome::Done {
        sequence: 0,
        note: note.map(SafeText::new),
    };
    let token = hands.desk.next_token - 1;
    hands
        .desk
        .on_engine(FromEngine::Outcome { token, outcome }, hands.now);
}

#[test]
fn the_answer_to_a_panic_key_is_seen_whatever_is_open() {
    for open in [":", "b"] {
        let mut hands = Hands::new();
        hands.press(open);
        if open == ":" {
            hands.type_text("x");
        }
        hands.press("Ctrl-x s");
        answered(&mut hands, Some("1 cancel, kept: 1 stop"));
        hands.wait(Duration::from_secs(4));
        let screen = hands.screen(80, 24);
        assert!(screen.contains("1 cancel, kept: 1 stop"), "{screen}");
        hands.wait(Duration::from_secs(2));
        let screen = hands.screen(80, 24);
        assert!(
            open == "b" || !screen.contains("kept: 1 stop"),
            "the line has its word again: {screen}"
        );
    }
}

#[test]
fn an_alert_waits_behind_the_answer_to_the_hands_own_key() {
    let halted = |hands: &Hands| Fact::TradingChanged {
        account: hands.desk.world.account.unwrap(),
        state: TradingState::Halted,
        reason: SafeText::new("from a terminal"),
    };
    let fired = || Fact::AlertFired {
        id: AlertId(8),
        text: SafeText::new("8: system halted"),
        seen: Vec::new(),
        quote: None,
    };
    for answer_first in [true, false] {
        let mut hands = Hands::new();
        // The fixture's notices are of earlier events.
        hands.desk.world.state.sequence = 100;
        let own = Actor::Session(hands.desk.world.session.unwrap());
        hands.press("Ctrl-x h");
        if answer_first {
            answered(&mut hands, Some("2 cancels, kept: 1 stop"));
        }
        let fact = halted(&hands);
        happens_by(&mut hands, own, fact);
        happens(&mut hands, fired());
        if !answer_first {
            answered(&mut hands, Some("2 cancels, kept: 1 stop"));
        }
        let screen = hands.screen(80, 24);
        assert!(
            screen.contains("2 cancels, kept: 1 stop  (+1 more)") && !screen.contains("ALERT 8"),
            "{answer_first}: {screen}"
        );
        hands.wait(Duration::from_secs(9));
        hands.desk.tick(hands.now);
        assert_eq!(hands.said(), "ALERT 8: system halted");
    }
}

#[test]
fn an_account_that_is_held_back_says_so_on_the_bar_in_the_limits_and_on_the_sheet() {
    let mut hands = Hands::new();
    let account = sample::account();
    let until = hands.now.after(Duration::from_secs(3_600));
    let hold = Hold {
        since: hands.now,
        until: Some(Timestamp(until.0 + 762_888_733)),
        text: SafeText::new("4 losing exits within an hour: nothing is opened for a while (:resume)"),
    };
    let holds = &mut hands.desk.world.state.holds;
    holds.insert((account, HoldCause::LossStreak), hold);
    let narrow = hands.screen(80, 24);
    let bar = narrow.lines().next().unwrap();
    assert!(bar.contains("HELD BACK"), "{bar}");
    let wide = hands.screen(200, 50);
    let bar = wide.lines().next().unwrap();
    let at = read::moment(&hands.desk.world.view(hands.now), until);
    assert!(bar.contains(&format!("HELD BACK until {at}")), "{bar}");
    hands.press("g r");
    let limits = hands.screen(160, 45);
    assert!(
        limits.contains(&format!("! HELD BACK until {at}; :resume lifts it")),
        "{limits}"
    );
    hands.press(":").type_text("preopen").press("Enter");
    let sheet = hands.screen(160, 45);
    assert!(
        sheet.contains("HELD BACK: 4 losing exits") && !sheet.contains("ACTIVE"),
        "{sheet}"
    );
}

#[test]
fn nothing_is_said_to_be_flat_as_a_fact_while_the_broker_is_away() {
    let mut hands = Hands::new();
    let account = sample::account();
    let held = hands.now;
    let state = &mut hands.desk.world.state;
    state.links.get_mut(&account.broker).unwrap().state = LinkState::Down;
    state.accounts.get_mut(&account).unwrap().read_at = Some(held);
    let at = read::moment(&hands.desk.world.view(hands.now), held);
    hands.press("Ctrl-x F");
    let screen = hands.screen(160, 45);
    let known = format!("sim is away: as far as known at {at}");
    assert!(
        screen.contains("FLATTEN ACCOUNT") && screen.contains(&known),
        "{screen}"
    );
    hands.press("Esc");
    let state = &mut hands.desk.world.state;
    state.ledgers.clear();
    state.orders.clear();
    hands.press("Ctrl-x F");
    let said = hands.said();
    assert!(
        said.starts_with(&format!("{known} nothing is held and nothing is working")),
        "{said}"
    );
    assert!(said.ends_with("or call its desk"), "{said}");
}

#[test]
fn what_was_found_comes_on_the_desk_also_where_the_answer_is_earlier_than_the_listing() {
    let mut hands = Hands::new();
    let mut instrument = sample::instrument("NVDA");
    instrument.id = super::panes::fixture::id("IBM");
    let found = vec![(Some(instrument.id), SafeText::new("IBM"))];
    hands.desk.on_engine(FromEngine::Found(found), hands.now);
    assert_ne!(hands.desk.world.instrument, Some(instrument.id));
    happens(
        &mut hands,
        Fact::InstrumentListed {
            instrument: instrument.clone(),
        },
    );
    assert_eq!(hands.desk.world.instrument, Some(instrument.id));
}

#[test]
fn panes_split_move_and_come_back_by_keys() {
    let mut hands = Hands::new();
    let tree = |hands: &Hands| hands.desk.plan.tree(hands.desk.workspace).to_string();
    let first = tree(&hands);
    hands.press("Space w l");
    assert_eq!(hands.desk.focus, PaneId::Chart);
    hands.press("Space w x");
    assert!(!tree(&hands).contains(" chart,"), "{}", tree(&hands));
    hands.press("u");
    assert_eq!(tree(&hands), first);
    hands.press("3 Space w >");
    assert_ne!(tree(&hands), first, "a border moved");
    hands.press(":").type_text("layout save wide").press("Enter");
    let wide = tree(&hands);
    hands.press("Space w r");
    assert_eq!(tree(&hands), first);
    hands.press(":").type_text("layout wide").press("Enter");
    assert_eq!(tree(&hands), wide);
    hands.press(":").type_text("vsplit log").press("Enter");
    assert_eq!(hands.desk.focus, PaneId::Log);
    hands.screen(160, 45);
    hands.press("u u u u");
    assert_eq!(tree(&hands), first);
    assert!(hands.sent.is_empty(), "none of this is an order");
    let memory = hands.desk.memory();
    assert_eq!(memory.layouts.keys().collect::<Vec<_>>(), ["wide"]);
    let read = super::DeskMemory::read(&memory.text()).unwrap();
    assert_eq!(read, memory, "what is written is read back");
}

#[test]
fn a_group_is_one_instrument_for_its_panes_and_keys_mean_what_has_the_focus() {
    let mut hands = Hands::new();
    hands.screen(160, 45);
    hands.press("Space w l Space l b");
    let msft = sample::instrument("MSFT").id;
    let now = hands.now;
    let effects = hands.desk.grant(vec![super::pane::Wish::Select(msft)], now);
    assert!(effects.contains(&Effect::Tell(ToEngine::Link {
        group: 'B',
        instrument: msft
    })));
    let screen = hands.screen(160, 45);
    assert!(screen.contains("MSFT 1m [B]"), "{screen}");
    assert_eq!(
        hands.desk.world.instrument.map(|id| id.to_string()).as_deref(),
        Some("AAPL")
    );
    hands.press("b");
    assert!(matches!(&hands.desk.modal, Some(Modal::Ticket(ticket)) if ticket.instrument.id == msft));
    hands.press("Esc Ctrl-x");
    assert!(
        hands.screen(80, 24).contains("PANIC   instrument MSFT"),
        "{}",
        hands.screen(80, 24)
    );
    hands.press("Esc Space w h b");
    assert!(
        matches!(&hands.desk.modal, Some(Modal::Ticket(ticket)) if ticket.instrument.id.as_str() == "AAPL")
    );
    hands.press("Esc");
    let other = FromEngine::Linked {
        group: 'B',
        instrument: sample::instrument("NVDA").id,
    };
    hands.desk.on_engine(other, now);
    assert!(hands.screen(160, 45).contains("NVDA 1m [B]"));
}

#[test]
fn the_palette_finds_actions_and_the_help_narrows() {
    let mut hands = Hands::new();
    hands.press(":").type_text("splitr");
    let screen = hands.screen(80, 24);
    assert!(
        screen.contains("split-right") && screen.contains("Space w v"),
        "{screen}"
    );
    hands.press("Tab Enter");
    assert!(hands.desk.modal.is_none(), "{}", hands.said());
    assert_eq!(hands.desk.tab_order().len(), 13);
    hands.press(":").type_text("do mask").press("Enter");
    assert!(hands.desk.world.masked);
    hands.press("?").type_text("/flatten whole");
    let screen = hands.screen(80, 24);
    assert!(
        screen.contains("flatten the whole account") && !screen.contains("half a page down"),
        "{screen}"
    );
    hands.press("Esc ?");
    assert!(hands.screen(80, 24).contains("/ and letters filter"));
}

#[test]
fn a_popup_waits_for_a_slow_hand_and_the_tour_for_the_first_key() {
    let mut hands = Hands::new();
    hands.press("Space");
    assert!(!hands.screen(80, 24).contains("panes: split"));
    assert!(hands.desk.wakes_at().is_some());
    hands.wait(Duration::from_millis(250));
    assert!(
        hands.screen(80, 24).contains("panes: split"),
        "{}",
        hands.screen(80, 24)
    );
    let mut desk = {
        let mut settings = sample::settings();
        settings.opening = super::Opening::default();
        let id = sample::empty_desk().preview_id;
        Desk::new(&settings, Box::new(move || id), sample::now())
    };
    let tour = drawn(&mut desk, 80, 24, sample::now()).0.join("\n");
    assert_eq!(
        tour.lines()
            .skip_while(|line| !line.contains("WELCOME"))
            .skip(1)
            .take(5)
            .filter(|line| line.len() > 40)
            .count(),
        5,
        "{tour}"
    );
    desk.on_input(
        &Input::Key(Chord::plain(Key::Right)),
        &Drawn::default(),
        sample::now(),
    );
    assert!(
        !drawn(&mut desk, 80, 24, sample::now())
            .0
            .join("\n")
            .contains("WELCOME")
    );
    assert!(desk.memory().tour_seen);
}

#[test]
fn a_line_behind_a_key_waits_for_enter_and_sends_once_where_it_may() {
    use super::keymap::{Hotkey, Keymap};
    use super::rebind::Meant;
    let line = |send| {
        Meant::Hotkey(Hotkey {
            line: "buy 7 AAPL @189".to_owned(),
            send,
        })
    };
    let (keymap, faults) = Keymap::rebound(&[("F5".to_owned(), line(false)), ("F6".to_owned(), line(true))]);
    assert!(faults.is_empty(), "{faults:?}");
    let mut hands = Hands::new();
    hands.desk.keymap = keymap;
    hands.press("F5");
    assert!(
        hands.sent.is_empty()
            && matches!(&hands.desk.modal, Some(Modal::Line(line)) if line.text() == "buy 7 AAPL @189")
    );
    hands.press("Esc F6");
    assert_eq!(hands.sent.len(), 1, "{}", hands.said());
    hands.press("F6 F6 F6");
    assert_eq!(hands.sent.len(), 1, "a held key is one order");
    let mut hands = Hands {
        desk: hands.desk,
        ..Hands::new()
    };
    hands.desk.world.state.armed.clear();
    hands.desk.hotkey_heard = None;
    hands.press("F6");
    assert!(
        hands.sent.is_empty() && hands.said().contains("not armed"),
        "{}",
        hands.said()
    );
}

#[test]
fn times_follow_the_zone_and_the_mouse_presses_hints_but_sends_nothing() {
    let mut hands = Hands::new();
    let clock = |hands: &mut Hands| {
        hands
            .screen(160, 45)
            .lines()
            .next()
            .unwrap()
            .trim_end()
            .to_owned()
    };
    assert!(clock(&mut hands).ends_with(" NY"), "{}", clock(&mut hands));
    hands.press("Space z Space z");
    assert!(clock(&mut hands).ends_with(" UTC"), "{}", clock(&mut hands));
    let (_, drawn) = drawn(&mut hands.desk, 160, 45, hands.now);
    let at = |key: &str| {
        let (area, _) = drawn.hints.iter().find(|(_, shown)| shown == key).unwrap();
        Input::Click(area.x, area.y)
    };
    for (key, opens) in [("x", false), ("^x", false), ("b", true)] {
        let effects = hands.desk.on_input(&at(key), &drawn, hands.now);
        assert_eq!(effects, [], "{key}");
        assert_eq!(hands.desk.modal.is_some(), opens, "{key}");
        hands.desk.pressed.clear();
    }
}

#[test]
fn the_desk_is_the_same_in_every_size_as_somebody_looked_at_it() {
    for (width, height, panes) in [(80, 24, 3), (120, 35, 4), (160, 45, 5), (240, 70, 5)] {
        for workspace in 0..4 {
            let mut hands = Hands::new();
            hands.desk.go(workspace);
            let (screen, drawn) = drawn(&mut hands.desk, width, height, hands.now);
            assert_eq!(screen.len(), usize::from(height));
            if workspace == 0 {
                assert_eq!(
                    drawn.panes.len(),
                    panes,
                    "{width}x{height}\n{}",
                    screen.join("\n")
                );
            }
            for (_, area, _) in &drawn.panes {
                assert!(area.right() <= width && area.bottom() < height, "{area:?}");
            }
        }
    }
}

#[test]
fn a_chart_is_told_by_the_order_line_and_its_price_begins_a_ticket() {
    let mut hands = Hands::new();
    // Longer bars are rolled up here, out of enough of their base bars.
    hands.press(": b a r s Space 1 5").type_text("m");
    let effects = hands.desk.on_input(
        &Input::Key(Chord::plain(Key::Enter)),
        &Drawn::default(),
        hands.now,
    );
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Tell(ToEngine::Bars { timeframe, count, .. }) => Some((*timeframe, *count)),
        _ => None,
    });
    assert_eq!(asked, Some((Timeframe::M5, 2_000)));
    assert_eq!(hands.said(), "bars of 15m");
    hands.type_text(":study add stoch").press("Enter");
    assert_eq!(hands.said(), "stoch 14 3 3 is on the chart");
    hands.type_text(":study add nothing").press("Enter");
    assert!(hands.said().contains("a study is sma"), "{}", hands.said());
    // The list takes the keys while it is open, wherever the focus was.
    hands.press("g 2 i j j j Enter Esc Esc");
    assert_eq!(hands.desk.focus, PaneId::Chart);
    hands.press("Enter 5 j b");
    let held = hands
        .desk
        .pane(PaneId::Chart)
        .unwrap()
        .pane
        .price(&hands.desk.world.view(hands.now));
    let Some(Modal::Ticket(ticket)) = &hands.desk.modal else {
        panic!("no ticket")
    };
    assert!(held.is_some() && ticket.price == held, "{held:?}");
    // Workspaces for wide screens have several charts, each with keys of its own.
    hands.press("Esc Esc g c Tab t");
    let screen = hands.screen(160, 45);
    assert_eq!(hands.desk.focus, PaneId::Chart2);
    for title in ["AAPL 1m", "AAPL 15m", "AAPL 1h", "AAPL 1d"] {
        assert!(screen.contains(title), "{screen}");
    }
}

#[test]
fn on_the_smallest_screens_a_message_takes_one_row_until_a_key() {
    let mut hands = Hands::new();
    hands.screen(20, 4);
    let long = "this terminal does not answer: previews stand a second longer, wherever it is";
    hands.desk.say(Tone::Warn, long, hands.now);
    let screen = hands.screen(20, 4);
    let rows: Vec<&str> = screen.lines().collect();
    assert!(rows[3].contains("this terminal"), "{screen}");
    assert!(
        !rows[1].contains("this") && !rows[2].contains("answer"),
        "{screen}"
    );
    hands.press("Tab");
    assert!(
        !hands.screen(20, 4).contains("this terminal"),
        "{}",
        hands.screen(20, 4)
    );
}

#[test]
fn a_key_of_the_chart_says_where_the_chart_is_when_it_is_not_in_view() {
    let mut hands = Hands::new();
    hands.press("g l i");
    assert!(hands.said().contains("g c shows it"), "{}", hands.said());
    hands.press("Esc g c i");
    assert!(!hands.said().contains("g c shows it"), "{}", hands.said());
}

#[test]
fn the_tour_is_whole_on_eighty_columns() {
    let mut hands = Hands::new();
    hands.desk.tour = true;
    let screen = hands.screen(80, 24);
    for end in ["buy 100 AAPL @bid", "another workspace", "^x h halts"] {
        assert!(screen.contains(end), "no '{end}' in\n{screen}");
    }
}
