//! What tests of the frame share: the panes' made-up morning, on a desk that is attached to it.

use super::desk::{Desk, Effect};
use super::link::FromEngine;
use super::panes::fixture;
use super::run::TuiSettings;
use super::theme::Theme;
use crate::domain::{AccountKey, ClientOrderId, Instrument, Quantity, SessionId, Timestamp};
use crate::engine::State;
use crate::market::{Quality, Quote};
use std::sync::{Arc, Mutex};

/// The account.
pub fn account() -> AccountKey {
    fixture::account()
}
/// The state of a morning.
pub fn state() -> State {
    fixture::Desk::rich().state
}
/// One of its instruments.
pub fn instrument(name: &str) -> Instrument {
    state().instruments[&fixture::id(name)].clone()
}
/// A quote.
pub fn quote(name: &str, bid: &str, ask: &str) -> Quote {
    Quote {
        instrument: fixture::id(name),
        bid: Some((fixture::price(bid), Quantity::whole(300).unwrap())),
        ask: Some((fixture::price(ask), Quantity::whole(200).unwrap())),
        at: fixture::now(),
        quality: Quality::Live,
    }
}
/// When it is.
pub fn now() -> Timestamp {
    fixture::now()
}
/// Settings with all themes.
pub fn settings() -> TuiSettings {
    TuiSettings {
        themes: vec![("default".into(), include_str!("../../themes/default.toml").into())],
        theme: "default".into(),
        profile: "default".into(),
        mouse: true,
        fps: 30,
        line: super::pace::LineSpeed::Auto,
        colour: None,
        first_quantities: crate::tui::ticket::FirstQuantities {
            equity: Quantity::from_raw(10_000_000_000),
            future: Quantity::ONE,
            forex: Quantity::from_raw(1_000_000_000_000),
            crypto: Quantity::from_raw(10_000_000),
            option: Quantity::ONE,
        },
        arm_idle: std::time::Duration::from_secs(30 * 60),
        watch: Default::default(),
        large_print: None,
        default_account: None,
        alarm: super::alerts::AlarmSettings::default(),
        templates: crate::engine::sentence::Templates::new(),
        log: Arc::new(Mutex::new(["a line of the log".to_owned()].into())),
        opening: crate::tui::Opening {
            memory: crate::tui::DeskMemory {
                tour_seen: true,
                ..Default::default()
            },
            ..Default::default()
        },
    }
}
/// A desk that nobody has told anything.
pub fn empty_desk() -> Desk {
    told_nothing(&settings())
}
fn told_nothing(settings: &TuiSettings) -> Desk {
    let mut count = 0;
    let new_id = move || {
        count += 1;
        ClientOrderId::new(&format!("TW{count:026}")).unwrap()
    };
    Desk::new(settings, Box::new(new_id), now())
}
/// A desk in the middle of a morning, armed, and what it asked of the engine.
pub fn desk() -> (Desk, Vec<Effect>) {
    let (desk, effects) = attached(&settings());
    assert_eq!(desk.world.theme, Theme::builtin());
    (desk, effects)
}
/// The same with settings of one's own.
pub fn attached(settings: &TuiSettings) -> (Desk, Vec<Effect>) {
    let mut desk = told_nothing(settings);
    let session = SessionId(7);
    let mut effects = desk.on_engine(
        FromEngine::Attached {
            session,
            build: "0.1.0".into(),
            engine_older: None,
            id_prefix: "TW".into(),
            venue_offset_ns: 0,
            venue_speed_milli: 1_000,
        },
        now(),
    );
    let rich = fixture::Desk::rich();
    let mut state = rich.state;
    state.token = Some(session);
    state.armed.insert((session, account()));
    desk.world.market = rich.market;
    effects.extend(desk.on_engine(FromEngine::Snapshot(Box::new(state), now()), now()));
    desk.world.round_trip = Some(std::time::Duration::from_micros(212));
    (desk, effects)
}
