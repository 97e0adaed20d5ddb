//! How the link to the account's broker is: state, reason, peer, round trips, what is used of what the broker allows,
//! how long orders took to be answered, and what the broker last said. Shows and decides nothing.

mod parts;

use super::read;
use crate::domain::spans::percentile;
use crate::domain::{AccountKey, LinkState, Timestamp};
use crate::engine::port::{Budget, Health};
use crate::engine::state::{Link, Notice, NoticeLevel};
use crate::engine::{State, breaker};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink, width, wrap};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use std::time::Duration;

/// Rows that a reason takes at most.
const REASON_ROWS: usize = 4;
/// Notices that are shown at most.
const NOTICES: usize = 8;
/// The column that values begin in.
const VALUE: u16 = 15;
/// Cells of a budget's bar.
const BAR: u16 = 10;
/// A health that is older says when it came.
const FRESH: Duration = Duration::from_secs(15);

/// The connection.
#[derive(Debug, Default)]
pub struct Connections;

impl Connections {
    /// That of the account on the desk.
    pub fn new() -> Self {
        Self
    }
}

/// Writes one row after the other, and nothing once the area is full.
struct Rows<'a, 'b> {
    pen: Pen<'a>,
    y: u16,
    view: &'b View<'b>,
}

impl Rows<'_, '_> {
    /// A label and its value.
    fn pair(&mut self, label: &str, value: &str, style: impl Into<Style>) {
        let end = self.pen.width().saturating_sub(1);
        let after = self
            .pen
            .put_within(1, VALUE.min(end), self.y, label, self.view.theme.dim);
        let from = VALUE.min(after.saturating_add(1).max(VALUE));
        self.pen.put_within(from, end, self.y, value, style);
        self.y = self.y.saturating_add(1);
    }
    /// A text over as many rows as it needs, at most some.
    fn text(&mut self, text: &str, most: usize, style: Style) {
        let end = self.pen.width().saturating_sub(1);
        let room = usize::from(end.saturating_sub(1));
        if room == 0 {
            return;
        }
        let lines = wrap(text, room);
        let last = lines.len().min(most);
        for (at, line) in lines.iter().take(most).enumerate() {
            let cut = at + 1 == last && lines.len() > most;
            let line = if cut {
                format!("{line}…")
            } else {
                (*line).to_owned()
            };
            self.pen.put_within(1, end, self.y, &line, style);
            self.y = self.y.saturating_add(1);
        }
    }
    fn gap(&mut self) {
        // A small pane has no row to give away.
        self.y = self.y.saturating_add(u16::from(self.pen.height() >= 16));
    }
    fn is_full(&self) -> bool {
        self.y >= self.pen.height()
    }
}

/// The lamp's colour for a link.
fn lamp(view: &View<'_>, state: LinkState) -> Color {
    match state {
        LinkState::Ready => view.theme.sim,
        LinkState::Down => view.theme.error,
        LinkState::Connecting | LinkState::Syncing | LinkState::Degraded => view.theme.warn,
    }
}

/// State, broker and since when; below it why, in words.
fn head(rows: &mut Rows<'_, '_>, account: AccountKey, link: Option<&Link>) {
    let (view, y) = (rows.view, rows.y);
    if !view.attached {
        // What the engine last told of its broker is no news any more, least of all good news.
        let words = format!(
            "● {} unknown: no link to the engine, what follows is old",
            account.broker
        );
        return rows.text(&words, REASON_ROWS, bold(view.theme.warn));
    }
    let state = link.map_or(LinkState::Down, |link| link.state);
    let end = rows.pen.width().saturating_sub(1);
    let mut x = rows.pen.put_within(1, end, y, "● ", lamp(view, state));
    let loud = if state == LinkState::Ready {
        ink(view.theme.text)
    } else {
        bold(view.theme.warn)
    };
    let name = format!("{} {}", account.broker, state.word());
    x = rows.pen.put_within(x, end, y, &name, loud);
    if let Some(link) = link {
        let since = format!("  for {}", number::age(view.now.since(link.since)));
        rows.pen.put_within(x, end, y, &since, view.theme.dim);
    }
    rows.y = y.saturating_add(1);
    let why = link.and_then(|link| link.impaired.as_ref().or(link.reason.as_ref()));
    if let Some(why) = why.filter(|_| state != LinkState::Ready) {
        rows.text(why.as_str(), REASON_ROWS, ink(view.theme.warn));
    }
    if let Some(words) = breaker::words(view.state, account.broker) {
        rows.text(&words, REASON_ROWS, bold(view.theme.warn));
    }
}

/// Where the broker is and how far away.
fn peer(rows: &mut Rows<'_, '_>, health: &Health, told_at: Timestamp) {
    let (view, theme) = (rows.view, rows.view.theme);
    rows.pair("peer", health.peer.as_str(), theme.text);
    let far = health.round_trip_us.map_or_else(
        || number::UNKNOWN.to_owned(),
        |us| number::latency(Duration::from_micros(us)),
    );
    let near = view
        .round_trip
        .map_or_else(|| number::UNKNOWN.to_owned(), number::latency);
    rows.pair("round trip", &format!("{far} broker, {near} engine"), theme.text);
    let age = view.now.since(told_at);
    let old = if age > FRESH {
        format!("   told {} ago", number::age(age))
    } else {
        String::new()
    };
    rows.pair("reconnects", &format!("{}{old}", health.reconnects), theme.text);
    parts::farms(rows, health, told_at);
}

/// `lines          ████████░░ 98/100 (+4 waiting)`.
fn budget(rows: &mut Rows<'_, '_>, budget: &Budget) {
    let theme = rows.view.theme;
    let waiting = budget.wanted.saturating_sub(budget.used);
    let mut words = format!("{}/{}", budget.used, budget.of);
    if waiting > 0 {
        words.push_str(&format!(" (+{waiting} waiting)"));
    }
    let tight = budget.of > 0 && u64::from(budget.used) * 10 >= u64::from(budget.of) * 9;
    let style = if waiting > 0 || tight {
        ink(theme.warn)
    } else {
        ink(theme.text)
    };
    let cells = u64::from(BAR) * u64::from(budget.used) / u64::from(budget.of.max(1));
    // What is used at all is seen.
    let full = cells.max(u64::from(budget.used > 0)).min(u64::from(BAR));
    let y = rows.y;
    let bar = if usize::from(rows.pen.width()) > usize::from(VALUE + BAR + 2) + width(&words) {
        BAR + 1
    } else {
        0
    };
    rows.pen
        .ground(VALUE, y, bar.saturating_sub(1), 1, theme.selection);
    for cell in 0..bar.saturating_sub(1) {
        if u64::from(cell) < full {
            rows.pen.glyph(VALUE + cell, y, '█', style);
        }
    }
    let end = rows.pen.width().saturating_sub(1);
    rows.pen
        .put_within(1, VALUE.min(end), y, budget.name.as_str(), theme.dim);
    rows.pen.put_within(VALUE + bar, end, y, &words, style);
    rows.y = y.saturating_add(1);
}

/// How long the broker took to answer orders of ours, from shortest to longest.
fn latencies(state: &State, account: AccountKey) -> Vec<Duration> {
    let mut all: Vec<Duration> = state
        .orders
        .values()
        .filter(|order| order.spec.account.broker == account.broker && !order.external)
        .filter_map(|order| Some(order.acked_at?.since(order.sent_at?)))
        .collect();
    all.sort_unstable();
    all
}

fn order_times(rows: &mut Rows<'_, '_>, account: AccountKey) {
    let times = latencies(rows.view.state, account);
    let theme = rows.view.theme;
    if times.is_empty() {
        return rows.pair("sent → acked", "no orders yet", theme.faint);
    }
    let part = |hundredth| {
        let time = percentile(&times, hundredth).map_or(number::UNKNOWN.to_owned(), number::latency);
        format!("p{hundredth} {time}")
    };
    let words = format!("{}  {}  {}  of {}", part(50), part(95), part(99), times.len());
    rows.pair("sent → acked", &words, theme.text);
}

/// True for what concerns a broker: what begins with its name, as all does that it said itself, and its breaker.
fn concerns(notice: &Notice, broker: &str) -> bool {
    let text = notice.text.as_str();
    let text = text.strip_prefix("breaker of ").unwrap_or(text);
    let rest = text.strip_prefix(broker);
    rest.is_some_and(|rest| rest.starts_with([':', ' ']))
}

/// What the broker last said, newest first.
fn said(rows: &mut Rows<'_, '_>, account: AccountKey) {
    let view = rows.view;
    let broker = account.broker.to_string();
    let notices = view.state.notices.iter().rev();
    for notice in notices.filter(|notice| concerns(notice, &broker)).take(NOTICES) {
        if rows.is_full() {
            return;
        }
        let y = rows.y;
        let end = rows.pen.width().saturating_sub(1);
        let mut x = rows
            .pen
            .put_within(1, end, y, &read::when(view, notice.at), view.theme.faint);
        let loud = notice.level == NoticeLevel::Warning;
        // Not by colour alone.
        x = rows
            .pen
            .put_within(x + 1, end, y, if loud { "!" } else { " " }, bold(view.theme.warn));
        let colour = if loud { view.theme.warn } else { view.theme.dim };
        rows.pen.put_within(x + 1, end, y, notice.text.as_str(), colour);
        rows.y = y.saturating_add(1);
    }
}

impl Pane for Connections {
    fn name(&self) -> &'static str {
        "connections"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let right = view.account.map_or(String::new(), |account| {
            let state = view.state.link(account.broker);
            let hand = match (account.broker.as_str(), state) {
                // It is part of the engine: nothing could be cut.
                ("sim", _) => "",
                (_, LinkState::Down | LinkState::Connecting) => "  :connect",
                _ => "  :disconnect",
            };
            match view.attached {
                true => format!("{} {}{hand}", account.broker, state.word()),
                false => "no link".to_owned(),
            }
        });
        ("CONNECTIONS".to_owned(), right)
    }

    fn render(&self, view: &View<'_>, area: Rect, _focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        // Before the first contact there is no account: then the broker that is being tried is shown.
        let known = view.state.links.iter().next();
        let Some(account) = view.account else {
            let words = match known {
                Some((broker, link)) => {
                    let why = link
                        .reason
                        .as_ref()
                        .map_or(String::new(), |why| format!(": {why}"));
                    format!("{broker} {}{why}", link.state.word())
                }
                None => read::nothing(view, "no broker has answered yet"),
            };
            pen.say(&words, view.theme.warn);
            return Hits::default();
        };
        let mut rows = Rows { pen, y: 0, view };
        head(&mut rows, account, view.state.links.get(&account.broker));
        parts::plan(&mut rows, account, view.health.map(|(health, _)| health));
        rows.gap();
        match view.health {
            Some((health, told_at)) => {
                peer(&mut rows, health, told_at);
                rows.gap();
                health.budgets.iter().for_each(|each| budget(&mut rows, each));
            }
            None if account.broker.as_str() == "sim" => {
                let words = "the exchange in the box: no network between, no limits to keep";
                rows.text(words, 2, ink(view.theme.dim));
            }
            None => rows.text(
                "the broker has told nothing of itself yet",
                2,
                ink(view.theme.dim),
            ),
        }
        rows.gap();
        order_times(&mut rows, account);
        parts::times(&mut rows, view.health.map(|(health, _)| health));
        rows.gap();
        said(&mut rows, account);
        Hits::default()
    }

    fn act(&mut self, _action: Action, _view: &View<'_>) -> Option<Vec<Wish>> {
        None
    }
}
