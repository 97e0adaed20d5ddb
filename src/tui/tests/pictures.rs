//! Pictures of the desk, kept as files in `src/tui/pictures/` and looked at by a person whenever they change: every pane
//! at 80x24 and 160x45, every pane in the states in which it has nothing to show, and three workspaces as a terminal of
//! sixteen colours and one of none shows them, with colours and attributes in words.
//! `TRADEWIND_BLESS=1 cargo test --lib tui::tests::pictures` writes them anew.

use super::*;
use crate::domain::{Currency, Money};
use crate::engine::pnl::CurvePoint;
use crate::tui::colour::ColourDepth;
use crate::tui::link::{Answer, Ask};
use crate::tui::pane::View;
use crate::tui::panes::alerts::tests::fill;
use crate::tui::panes::fixture;
use crate::tui::screen::Screen;
use crate::tui::world::Link;
use std::fmt::Write as _;
use std::num::NonZeroU16;
use std::path::Path;

/// A morning with something in every pane: alerts, a connection with figures, half an hour of profit.
pub(super) fn full() -> Desk {
    let mut desk = sample::desk().0;
    let mut rich = fixture::Desk::rich();
    fill(&mut rich);
    rich.connect();
    let (token, armed) = (desk.world.state.token, desk.world.state.armed.clone());
    desk.world.state = rich.state;
    (desk.world.state.token, desk.world.state.armed) = (token, armed);
    desk.world.times = rich.times;
    let now = sample::now();
    if let Some(health) = rich.health {
        let at = now.before(Duration::from_secs(2));
        desk.world.health.insert(health.broker, (health, at));
    }
    let account = sample::account();
    let point = |minute: u64| {
        let wave = i64::try_from(minute * 37 % 23 + minute * 3).unwrap_or(0);
        CurvePoint {
            at: now.before(Duration::from_secs(60 * (30 - minute))),
            net: Some(Money::whole(998_000 + wave * 10)),
            day: Some(Money::whole(wave * 10 - 300)),
        }
    };
    let points = vec![(Currency::USD, (0..30).map(point).collect())];
    for place in &mut desk.panes {
        let view = desk.world.view(now);
        if let Some(ask @ Ask::Curve(..)) = place.pane.asks(&view) {
            place.pane.answered(&ask, &Answer::Curve(points.clone()));
        }
    }
    assert_eq!(desk.world.account, Some(account));
    desk
}

/// A pane with its title above it, as text.
fn picture(desk: &Desk, pane: PaneId, view: &View<'_>, (width, height): (u16, u16)) -> String {
    let place = desk.pane(pane).expect("every pane has its place");
    let (left, right) = place.pane.title(view);
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    place.pane.render(view, buf.area, true, &mut buf);
    let mut text = format!("▌{left}  »  {right}").trim_end().to_owned();
    for line in screen_of(&buf) {
        let _ = write!(text, "\n{line}");
    }
    text.trim_end().to_owned() + "\n"
}

/// Compares with what is kept, or keeps it. All that differ are told at once.
fn kept(pictures: &[(String, String)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui/pictures");
    let bless = std::env::var_os("TRADEWIND_BLESS").is_some_and(|value| value == "1");
    let mut wrong = String::new();
    for (name, text) in pictures {
        let file = folder.join(format!("{name}.txt"));
        if bless {
            std::fs::write(&file, text).expect("the folder of pictures");
        }
        let before = std::fs::read_to_string(&file).unwrap_or_default();
        if before == *text {
            continue;
        }
        let _ = writeln!(wrong, "{name}:");
        let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), text.lines().collect());
        for row in 0..old.len().max(new.len()) {
            let (was, is) = (old.get(row).copied(), new.get(row).copied());
            if was != is {
                let _ = writeln!(wrong, "  - {}\n  + {}", was.unwrap_or(""), is.unwrap_or(""));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "not as it was looked at; where it is meant, TRADEWIND_BLESS=1 keeps the new ones:\n{wrong}"
    );
}

#[test]
fn every_pane_looks_as_it_was_looked_at() {
    let (desk, mut past) = (full(), full());
    fixture::days(&mut past.world.market);
    let mut pictures = Vec::new();
    for &pane in PaneId::ALL {
        let rests_on_days = matches!(pane, PaneId::Exposure | PaneId::AtRisk | PaneId::Correlation);
        let desk = if rests_on_days { &past } else { &desk };
        for (width, height) in [(80, 24), (160, 45)] {
            let view = desk.view_of(pane, sample::now());
            let text = picture(desk, pane, &view, (width, height));
            pictures.push((format!("{}-{width}x{height}", pane.name()), text));
        }
    }
    kept(&pictures);
}

#[test]
fn every_pane_says_in_words_why_it_is_empty() {
    let mut fresh = sample::empty_desk();
    fresh.world.link = Link::Attached;
    fresh.world.is_known = true;
    // An account that holds nothing, at a broker that has told of it.
    let mut idle = sample::desk().0;
    let state = &mut idle.world.state;
    state.orders.clear();
    state.live.clear();
    state.reindex();
    state.ledgers.clear();
    state.notices.clear();
    let mut lost = full();
    lost.world.link = Link::Lost(sample::now(), "the engine closed the connection".to_owned());
    let mut text = String::new();
    for &pane in PaneId::ALL {
        for (state, desk) in [
            ("nothing known", &fresh),
            ("nothing held", &idle),
            ("link lost", &lost),
        ] {
            let view = desk.view_of(pane, sample::now());
            let shown = picture(desk, pane, &view, (60, 9));
            let _ = writeln!(text, "{} · {state}\n{shown}", pane.name());
        }
    }
    kept(&[("states".to_owned(), text)]);
}

/// What a terminal shows after the bytes of one frame: its text, and below it the colours and attributes of each row.
fn shown(desk: &mut Desk, (width, height): (u16, u16), depth: ColourDepth) -> String {
    if depth == ColourDepth::None {
        desk.without_colour();
    }
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    desk.body = view::body_of(buf.area);
    let drawn = view::draw(desk, sample::now(), &mut buf);
    let mut screen = Screen::new(depth);
    screen.set_plain_grounds(vec![desk.world.theme.background, desk.world.theme.panel]);
    let mut bytes = Vec::new();
    screen.frame(&buf, drawn.cursor, &mut bytes);
    let size = |count| NonZeroU16::new(count).expect("a size");
    let mut terminal = vt100::Parser::new(size(height), size(width), 0);
    terminal.process(&bytes);
    let mut text = screen_of(&buf).join("\n") + "\n";
    let seen = terminal.screen().contents();
    let same = |(a, b): (&str, &str)| a.trim_end() == b.trim_end();
    assert!(
        text.lines().zip(seen.lines()).all(same),
        "the bytes show it:\n{seen}"
    );
    for y in 0..height {
        let _ = writeln!(text, "{y:>2}: {}", looks(terminal.screen(), y, width));
    }
    text
}

/// Runs of cells that look alike: `0-12 blue bold`. Blanks on the terminal's own ground look like anything.
fn looks(screen: &vt100::Screen, y: u16, width: u16) -> String {
    let mut runs: Vec<(u16, u16, String)> = Vec::new();
    for x in 0..width {
        let Some(cell) = screen.cell(y, x) else { continue };
        let look = look(cell);
        let blank = cell.contents().trim().is_empty();
        if blank && !look.contains("on ") && !look.contains("reverse") && !look.contains("underlined") {
            continue;
        }
        match runs.last_mut() {
            Some((_, to, last)) if *last == look => *to = x,
            _ => runs.push((x, x, look)),
        }
    }
    let runs = runs.into_iter().filter(|(.., look)| look != "plain");
    let words: Vec<String> = runs
        .map(|(from, to, look)| format!("{from}-{to} {look}"))
        .collect();
    words.join(", ")
}

fn look(cell: &vt100::Cell) -> String {
    const NAMES: [&str; 16] = [
        "black",
        "dark red",
        "dark green",
        "brown",
        "dark blue",
        "dark magenta",
        "dark cyan",
        "grey",
        "dark grey",
        "red",
        "green",
        "yellow",
        "blue",
        "magenta",
        "cyan",
        "white",
    ];
    let name = |colour| match colour {
        vt100::Color::Default => None,
        vt100::Color::Idx(index) => Some(NAMES.get(usize::from(index)).map_or("256", |name| name)),
        vt100::Color::Rgb(..) => Some("rgb"),
    };
    let mut words: Vec<String> = name(cell.fgcolor()).map(str::to_owned).into_iter().collect();
    words.extend(name(cell.bgcolor()).map(|ground| format!("on {ground}")));
    for (on, word) in [
        (cell.bold(), "bold"),
        (cell.dim(), "dim"),
        (cell.italic(), "italic"),
        (cell.underline(), "underlined"),
        (cell.inverse(), "reverse"),
    ] {
        if on {
            words.push(word.to_owned());
        }
    }
    if words.is_empty() {
        words.push("plain".to_owned());
    }
    words.join(" ")
}

#[test]
fn three_workspaces_are_read_with_sixteen_colours_and_with_none() {
    let mut pictures = Vec::new();
    for (workspace, name) in [(0, "trade"), (1, "chart"), (2, "portfolio"), (5, "risk")] {
        for (depth, word) in [(ColourDepth::Sixteen, "16"), (ColourDepth::None, "none")] {
            let mut desk = full();
            desk.go(workspace);
            let text = shown(&mut desk, (120, 35), depth);
            let coloured = text.contains("blue") || text.contains("yellow");
            assert_eq!(coloured, depth == ColourDepth::Sixteen, "{name} {word}");
            pictures.push((format!("workspace-{name}-{word}"), text));
        }
    }
    kept(&pictures);
}
