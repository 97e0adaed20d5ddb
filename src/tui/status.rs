//! The status bar: whose money this is and whether it is real, what may be done, how it stands, and how well the desk
//! hears the engine, the broker and the market. Every state is a word as well as a colour and always in the same place;
//! what does not fit is left out from the least important on.

mod money;
mod right;

use super::desk::Desk;
use super::forecast::{bold, span};
use super::pane::View;
use super::panes::read;
use super::widgets::number;
use super::widgets::text::Pen;
use super::world::{Link, Standing};
use crate::domain::{AccountClass, AccountKey, CalendarId, Timestamp, TradingState};
use crate::engine::risk;
use jiff::tz::TimeZone;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;
use right::right;
use std::sync::OnceLock;

/// Characters of a reason that the bar has room for.
const REASON: usize = 36;

/// A group of spans that is shown whole or not at all.
struct Part {
    /// Lower goes first when there is no room.
    worth: u8,
    spans: Vec<Span<'static>>,
    /// The same in fewer cells: taken before anything is left out.
    short: Option<Vec<Span<'static>>>,
}

impl Part {
    /// One that is not told in fewer cells.
    fn of(worth: u8, spans: Vec<Span<'static>>) -> Self {
        let short = None;
        Self { worth, spans, short }
    }
}

/// Draws the bar.
pub fn draw(desk: &Desk, now: Timestamp, mut pen: Pen<'_>) {
    let theme = &desk.world.theme;
    let width = pen.width();
    pen.clear(theme.panel);
    if let Link::Lost(since, reason) = &desk.world.link {
        let style = Style::new()
            .fg(theme.background)
            .bg(theme.warn)
            .add_modifier(Modifier::BOLD);
        pen.ground(0, 0, width, 1, theme.warn);
        let age = number::age(now.since(*since));
        pen.put_within(
            1,
            width,
            0,
            &format!("LINK LOST {age} — retrying; what is shown is old: {reason}"),
            style,
        );
        return;
    }
    let (mut left, mut right) = (left(desk, now), right(desk, now));
    fit(&mut left, &mut right, usize::from(width));
    let mut x = 0;
    for part in &left {
        x = put(&mut pen, x, &part.spans) + 2;
    }
    let mut x = width
        .saturating_sub(u16::try_from(used(&right, 3)).unwrap_or(width))
        .saturating_sub(1);
    for (i, part) in right.iter().enumerate() {
        x = put(&mut pen, x + if i > 0 { 3 } else { 0 }, &part.spans);
    }
}

/// Writes spans one after the other and answers where they end.
pub fn put(pen: &mut Pen<'_>, mut x: u16, spans: &[Span<'_>]) -> u16 {
    let end = pen.width();
    for span in spans {
        x = pen.put_within(x, end, 0, &span.content, span.style);
    }
    x
}

/// Makes room: first the shorter forms, then without what matters least.
fn fit(left: &mut Vec<Part>, right: &mut Vec<Part>, width: usize) {
    let is_wide = |left: &[Part], right: &[Part]| used(left, 2) + used(right, 3) + 3 > width;
    while is_wide(left, right) {
        let parts = left.iter_mut().chain(right.iter_mut());
        let Some(part) = parts
            .filter(|part| part.short.is_some())
            .min_by_key(|part| part.worth)
        else {
            break;
        };
        part.spans = part.short.take().unwrap_or_default();
    }
    while is_wide(left, right) {
        let parts = left.iter().chain(right.iter());
        let least = parts.map(|part| part.worth).min().unwrap_or(0);
        if let Some(at) = right.iter().position(|part| part.worth == least) {
            right.remove(at);
        } else if let Some(at) = left.iter().rposition(|part| part.worth == least) {
            left.remove(at);
        } else {
            break;
        }
    }
}

/// Columns that parts take with gaps between them.
fn used(parts: &[Part], gap: usize) -> usize {
    let spans: usize = parts.iter().flat_map(|part| &part.spans).map(Span::width).sum();
    spans + gap * parts.len().saturating_sub(1)
}

fn left(desk: &Desk, now: Timestamp) -> Vec<Part> {
    let (world, theme) = (&desk.world, &desk.world.theme);
    let Some(account) = world.account else {
        let words = if world.is_known { "no account" } else { "tradewind" };
        return vec![Part::of(9, vec![bold(format!(" {words}"), theme.bright)])];
    };
    let (colour, ground, word) = match desk.class() {
        Some(AccountClass::Live) => (theme.live, theme.live_back, "LIVE"),
        Some(AccountClass::Paper) => (theme.paper, theme.paper_back, "PAPER"),
        _ => (theme.sim, theme.sim_back, "SIM"),
    };
    let badge = Style::new().fg(colour).bg(ground).add_modifier(Modifier::BOLD);
    let name = if desk.world.masked {
        "········".to_owned()
    } else {
        account.account.to_string()
    };
    let mut parts = vec![
        Part::of(9, vec![Span::styled(format!(" {word} "), badge)]),
        Part::of(6, vec![span(name, theme.text)]),
        Part {
            worth: 9,
            short: Some(standing(desk, colour, word).into_iter().take(1).collect()),
            spans: standing(desk, colour, word),
        },
    ];
    let trading = world
        .state
        .accounts
        .get(&account)
        .map_or(TradingState::Active, |account| account.trading);
    if trading != TradingState::Active {
        parts.push(Part::of(9, vec![bold(trading.word(), theme.warn)]));
    }
    parts.extend(held_back(desk, account, now));
    if let Some((since, _)) = &world.frozen {
        let loud = Style::new()
            .fg(theme.background)
            .bg(theme.warn)
            .add_modifier(Modifier::BOLD);
        let age = number::age(now.since(*since));
        parts.insert(
            0,
            Part::of(10, vec![Span::styled(format!(" FROZEN {age} "), loud)]),
        );
    }
    let under_way = world
        .state
        .flattening
        .iter()
        .filter(|((owner, _), _)| *owner == account);
    if let Some(((_, instrument), flattening)) = under_way.min_by_key(|(_, flattening)| flattening.since) {
        let age = number::age(now.since(flattening.since));
        let words = format!("FLATTENING {instrument} {age}");
        parts.push(Part::of(9, vec![bold(words, theme.warn)]));
        parts.push(Part::of(8, vec![span(flattening.step.word(), theme.warn)]));
    }
    parts.extend(money::parts(desk, account, now));
    parts
}

/// That nothing is opened in the account for a while, and until when, by the clock of this bar. Why, and what lifts it, are in the
/// limits pane and on the sheet before the open.
fn held_back(desk: &Desk, account: AccountKey, now: Timestamp) -> Option<Part> {
    let pause = risk::paused(&desk.world.state, account, None)?;
    let style = desk.world.theme.warn;
    let word = || bold("HELD BACK", style);
    let view = View {
        instrument: desk.instrument(),
        ..desk.world.view(now)
    };
    let until = pause
        .until
        .map(|at| bold(format!(" until {}", read::moment(&view, at)), style));
    Some(Part {
        worth: 9,
        short: until.is_some().then(|| vec![word()]),
        spans: [word()].into_iter().chain(until).collect(),
    })
}

/// What this terminal may do. Its first word says it; the rest says what helps.
fn standing(desk: &Desk, armed: Color, class: &str) -> Vec<Span<'static>> {
    let theme = &desk.world.theme;
    match desk.world.standing() {
        Standing::Armed => vec![bold(format!("ARMED {class}"), armed)],
        Standing::Disarmed => vec![bold("READ-ONLY", theme.warn), span(" :arm", theme.dim)],
        Standing::NoToken => vec![bold("READ-ONLY", theme.warn), span(" Space t", theme.dim)],
        Standing::TokenElsewhere => vec![bold("READ-ONLY", theme.warn), span(" token elsewhere", theme.dim)],
        Standing::Looks => vec![bold("READ-ONLY", theme.warn), span(" only looks", theme.dim)],
    }
}

/// The beginning of a reason.
fn shortened(text: &str) -> String {
    if text.chars().count() <= REASON {
        return text.to_owned();
    }
    let start: String = text.chars().take(REASON - 1).collect();
    format!("{}…", start.trim_end())
}

/// The venue's time in the zone of the instrument on the desk, and the zone's name.
fn clock(desk: &Desk, now: Timestamp) -> String {
    let calendar = desk
        .instrument()
        .and_then(|id| desk.world.state.instruments.get(&id))
        .map_or(CalendarId::UsEquity, |instrument| instrument.calendar);
    let (zone, name) = match calendar {
        CalendarId::CmeGlobex => (1, "CHI"),
        CalendarId::Xetra => (2, "FRA"),
        _ => (0, "NY"),
    };
    let speed = desk.world.venue_clock.2;
    let tape = if speed == 1_000 {
        String::new()
    } else {
        format!(" ×{}", f64::from(speed) / 1_000.0)
    };
    let at = desk.world.venue_time(now).to_jiff();
    if let (Some(chosen), Some(at)) = (desk.world.zone(), at) {
        let name = desk.world.zone.word();
        return format!(
            "{} {name}{tape}",
            at.to_zoned(chosen.clone()).strftime("%H:%M:%S")
        );
    }
    match at {
        Some(at) => format!(
            "{} {name}{tape}",
            at.to_zoned(zones()[zone].clone()).strftime("%H:%M:%S")
        ),
        None => number::UNKNOWN.to_owned(),
    }
}

/// New York, Chicago, Frankfurt.
fn zones() -> &'static [TimeZone; 3] {
    static ZONES: OnceLock<[TimeZone; 3]> = OnceLock::new();
    ZONES.get_or_init(|| {
        ["America/New_York", "America/Chicago", "Europe/Berlin"]
            .map(|name| TimeZone::get(name).unwrap_or(TimeZone::UTC))
    })
}
