//! The market at a glance: what gained most, lost most and traded most today, and a heat map of the watchlist. Readable
//! without colours: one arrow, or two for a large move. Of many instruments a frame looks at a thousand at most.

use super::read;
use super::watchlist::{Shown, direction};
use crate::domain::{InstrumentId, Timestamp};
use crate::market::Ticker;
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use std::cell::RefCell;
use std::ops::Bound;
use std::time::Duration;

/// How many instruments are looked at for one frame.
const SLICE: usize = 1_000;
/// How long the lists stay as they are at least.
const STAYS: Duration = Duration::from_secs(5);
/// How many a list has at most.
const LONGEST: usize = 16;
/// Columns of one list.
const LIST: u16 = 25;
/// Columns of one cell of the heat map.
const CELL: u16 = 17;
/// Rows of one cell at most.
const TALLEST: u16 = 14;
/// From so many percent on a move is large.
const LARGE: f64 = 2.0;
/// From so many percent on a cell has a ground.
const WARM: f64 = 0.5;

/// The lists, in their order.
#[derive(Clone, Debug, Default)]
struct Lists {
    gainers: Vec<InstrumentId>,
    losers: Vec<InstrumentId>,
    active: Vec<InstrumentId>,
}

/// One look at all instruments, spread over several frames.
#[derive(Debug, Default)]
struct Sweep {
    lists: Lists,
    found: Vec<(InstrumentId, Option<f64>, i128)>,
    /// The last one that was looked at; nothing before the first.
    last: Option<InstrumentId>,
    ended: Option<Timestamp>,
    /// How many were looked at so far.
    looked: u64,
}

impl Sweep {
    fn refresh(&mut self, view: &View<'_>) {
        let first = self.ended.is_none();
        if self.last.is_none() && self.ended.is_some_and(|ended| view.now.since(ended) < STAYS) {
            return;
        }
        while self.slice(view) && first {}
    }
    /// Looks at some more; false where that was the last of them.
    fn slice(&mut self, view: &View<'_>) -> bool {
        let from = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let mut count = 0;
        for id in view
            .state
            .instruments
            .range((from, Bound::Unbounded))
            .take(SLICE)
            .map(|(id, _)| *id)
        {
            count += 1;
            self.last = Some(id);
            let Some(ticker) = view.market.ticker(id) else {
                continue;
            };
            let volume = ticker.day.map_or(0, |day| day.volume);
            let change = ticker.change_percent();
            if change.is_some() || volume > 0 {
                self.found.push((id, change, volume));
            }
        }
        self.looked += count as u64;
        if count == SLICE {
            return true;
        }
        if !view.holding {
            self.rank();
        }
        self.found.clear();
        (self.last, self.ended) = (None, Some(view.now));
        false
    }
    fn rank(&mut self) {
        let ids = |found: &[(InstrumentId, Option<f64>, i128)]| -> Vec<InstrumentId> {
            found.iter().take(LONGEST).map(|entry| entry.0).collect()
        };
        let found = &mut self.found;
        found.sort_by_key(|entry| std::cmp::Reverse(entry.2));
        let traded: Vec<_> = found
            .iter()
            .filter(|entry| entry.2 > 0)
            .copied()
            .take(LONGEST)
            .collect();
        self.lists.active = ids(&traded);
        let mut moved: Vec<_> = found.iter().filter(|entry| entry.1.is_some()).copied().collect();
        moved.sort_by(|a, b| b.1.unwrap_or(0.0).total_cmp(&a.1.unwrap_or(0.0)));
        let up = moved.partition_point(|entry| entry.1.unwrap_or(0.0) > 0.0);
        self.lists.gainers = ids(&moved[..up]);
        moved.reverse();
        let down = moved.partition_point(|entry| entry.1.unwrap_or(0.0) < 0.0);
        self.lists.losers = ids(&moved[..down]);
    }
}

/// The market at a glance.
#[derive(Debug, Default)]
pub struct Overview {
    shown: Shown,
    sweep: RefCell<Sweep>,
    /// What stands where, for keys and clicks: as it was drawn. Nothing but the look depends on it.
    drawn: RefCell<Vec<InstrumentId>>,
    columns: std::cell::Cell<usize>,
    cells: std::cell::Cell<usize>,
}

impl Overview {
    /// Over the rows of a watchlist.
    pub fn new(shown: Shown) -> Self {
        Self {
            shown,
            ..Self::default()
        }
    }
    /// What the heat map shows: the watchlist, or, while nobody has seen that, what is listed first.
    fn members(&self, view: &View<'_>) -> Vec<InstrumentId> {
        let shown: Vec<InstrumentId> = self
            .shown
            .rows()
            .into_iter()
            .filter(|id| view.state.instruments.contains_key(id))
            .collect();
        if shown.is_empty() {
            return view.state.instruments.keys().take(200).copied().collect();
        }
        shown
    }
    /// The instrument so many cells on from the one on the desk.
    fn step(&self, by: isize, view: &View<'_>) -> Option<InstrumentId> {
        let cells = self.drawn.borrow();
        let cells = cells.get(..self.cells.get())?;
        let here = view
            .instrument
            .and_then(|id| cells.iter().position(|cell| *cell == id));
        let last = cells.len().checked_sub(1)?;
        let to = here.map_or(0, |here| here.saturating_add_signed(by).min(last));
        cells.get(to).copied()
    }
}

/// What has which part of the pane.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Cells of the heat map beside each other, columns and rows of each, and the rows of all.
    across: u16,
    wide: u16,
    cell: u16,
    map: u16,
    /// The first row of the lists.
    lists: u16,
    /// Lists beside each other, the columns of each, and its rows.
    beside: u16,
    width: u16,
    rows: u16,
}

impl Plan {
    /// The heat map first, in cells as large as there is room for; the lists below as they fit.
    fn of(wide: u16, high: u16, count: u16) -> Self {
        let beside = (wide / LIST).clamp(1, 3);
        let stacked = 3u16.div_ceil(beside);
        let most = u16::try_from(LONGEST).unwrap_or(8) + 1;
        let room = (high * 2 / 3).max(1).min(high);
        // More than two rows a cell only of what the lists do not use.
        let listed = stacked.saturating_mul(most.min(count.saturating_add(1)));
        let spare = high.saturating_sub(listed + 1);
        let (across, cell) = shape(wide, (room, spare), count);
        let room = room.max(spare);
        let map = count.div_ceil(across).saturating_mul(cell).min(room);
        let gap = u16::from(high > map);
        let left = high - map - gap;
        // Fewer lists rather than lists of one row.
        let rows = (1..=stacked).rev().map(|n| left / n).find(|rows| *rows >= 3);
        match rows {
            Some(rows) if wide >= LIST => Self {
                across,
                wide: wide / across,
                cell,
                map,
                lists: map + gap,
                beside,
                width: wide / beside,
                rows: rows.min(most),
            },
            _ => {
                let across = (wide / CELL).max(1);
                Self {
                    across,
                    wide: CELL.min(wide),
                    map: count.div_ceil(across).min(high),
                    cell: 1,
                    lists: high,
                    beside,
                    width: wide / beside,
                    rows: 0,
                }
            }
        }
    }
}

/// How many cells of `count` stand beside each other, and how many rows each has, so that they fill the room and are
/// neither towers nor stripes; one row each where they do not fit otherwise. Beyond two rows a cell grows in `spare` only.
fn shape(wide: u16, (room, spare): (u16, u16), count: u16) -> (u16, u16) {
    let most = (wide / CELL).max(1);
    let fits = (1..=most.min(count.max(1))).filter_map(|across| {
        let needed = count.div_ceil(across).max(1);
        let high = (room / needed).min(2).max((spare / needed).min(TALLEST));
        // About five columns a row look like a square and a half.
        let off = (wide / across).abs_diff(high.saturating_mul(5));
        (high >= 2).then_some((off, across, high))
    });
    fits.min().map_or((most, 1), |(_, across, high)| (across, high))
}

/// Part of the way, in percent, from the ground of panes to the colour of the direction: four shades by size, so that a day
/// of 16 % is not that of half a percent.
fn shade(change: f64) -> Option<u16> {
    let steps = [(WARM, 12), (1.0, 22), (LARGE, 34), (5.0, 48)];
    let reached = steps.iter().rev().find(|(from, _)| change.abs() >= *from);
    reached.map(|(_, part)| *part)
}

/// A colour so many percent of the way from one to another; the first where they are no full colours.
fn between(from: Color, to: Color, part: u16) -> Color {
    let (Color::Rgb(r, g, b), Color::Rgb(x, y, z)) = (from, to) else {
        return from;
    };
    let mix = |a: u8, b: u8| {
        let sum = u16::from(a) * (100 - part.min(100)) + u16::from(b) * part.min(100);
        u8::try_from(sum / 100).unwrap_or(u8::MAX)
    };
    Color::Rgb(mix(r, x), mix(g, y), mix(b, z))
}

/// A change in percent with one arrow, or two for a large move: `▲ 0.84`, `▼▼ 3.10`.
fn arrows(change: Option<f64>) -> String {
    let Some(change) = change.filter(|change| change.is_finite()) else {
        return number::UNKNOWN.to_owned();
    };
    let text = number::percent_change(change);
    match text.chars().next() {
        Some(arrow @ ('▲' | '▼')) if change.abs() >= LARGE => format!("{arrow}{text}"),
        _ => text,
    }
}

fn draw_list(pen: &mut Pen<'_>, view: &View<'_>, head: &str, ids: &[InstrumentId]) {
    pen.put_within(1, pen.width(), 0, head, view.theme.faint);
    for (y, id) in (1..pen.height()).zip(ids) {
        let end = pen.width().saturating_sub(1);
        let change = view.market.ticker(*id).and_then(Ticker::change_percent);
        let figure = if head == "most active" {
            view.market
                .ticker(*id)
                .and_then(|ticker| ticker.day)
                .map_or_else(|| number::UNKNOWN.to_owned(), |day| number::short(day.volume))
        } else {
            arrows(change)
        };
        let symbol_end = end.saturating_sub(9);
        let symbol = if view.instrument == Some(*id) {
            bold(view.theme.bright)
        } else {
            ink(view.theme.text)
        };
        pen.put_within(1, symbol_end, y, id.as_str(), symbol);
        pen.right_within(symbol_end, end, y, &figure, direction(view, *id));
    }
}

/// One cell of the heat map: symbol and change on a ground by direction and size.
fn draw_cell(pen: &mut Pen<'_>, view: &View<'_>, id: InstrumentId) {
    let theme = view.theme;
    let change = view.market.ticker(id).and_then(Ticker::change_percent);
    let wide = pen.width().saturating_sub(1);
    // Tall cells stand apart by a row, as all do by a column.
    let high = pen.height().saturating_sub(u16::from(pen.height() > 2));
    let warm = change.and_then(|change| Some((change, shade(change)?)));
    if let Some((change, part)) = warm {
        let to = if change > 0.0 { theme.up } else { theme.down };
        let plain = if change > 0.0 {
            theme.up_back
        } else {
            theme.down_back
        };
        let ground = match between(theme.background, to, part) {
            ground @ Color::Rgb(..) => ground,
            _ => plain,
        };
        pen.ground(0, 0, wide, high, ground);
    }
    let on_desk = view.instrument == Some(id);
    let large = change.is_some_and(|change| change.abs() >= LARGE);
    let style = |color| -> Style { if on_desk || large { bold(color) } else { ink(color) } };
    let top = high.saturating_sub(2) / 2;
    if on_desk {
        pen.glyph(0, top, '▸', theme.bright);
    }
    // On a strong ground its own colour would not be read.
    let strong = warm.is_some_and(|(_, part)| part > 30);
    let colour = if strong { theme.bright } else { direction(view, id) };
    let name = if on_desk || strong {
        theme.bright
    } else {
        theme.text
    };
    let from = wide.saturating_sub(8);
    pen.put_within(1, from, top, id.as_str(), style(name));
    pen.right_within(from, wide, top, &arrows(change), style(colour));
    if high > 1 {
        let last = read::price_or_unknown(view, id, read::last(view, id));
        let colour = if warm.is_some() { theme.text } else { theme.dim };
        pen.right_within(1, wide, top + 1, &last, colour);
    }
}

impl Pane for Overview {
    fn name(&self) -> &'static str {
        "overview"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let (mut up, mut down) = (0, 0);
        for id in self.members(view) {
            match view.market.ticker(id).and_then(Ticker::change_percent) {
                Some(change) if change > 0.0 => up += 1,
                Some(change) if change < 0.0 => down += 1,
                _ => {}
            }
        }
        let link = read::away(view).unwrap_or_default();
        (
            "MARKET".to_owned(),
            format!("▲ {up}  ▼ {down}  {link}").trim_end().to_owned(),
        )
    }

    fn render(&self, view: &View<'_>, area: Rect, _focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let members = self.members(view);
        if members.is_empty() {
            pen.say(&read::nothing(view, "no instruments"), view.theme.dim);
            self.cells.set(0);
            return Hits::default();
        }
        let mut sweep = self.sweep.borrow_mut();
        sweep.refresh(view);
        let (wide, high) = (pen.width(), pen.height());
        let plan = Plan::of(wide, high, u16::try_from(members.len()).unwrap_or(u16::MAX));
        let columns = plan.across;
        let mut drawn: Vec<InstrumentId> = Vec::new();
        let mut hits = Hits::default();
        let room = usize::from(columns) * usize::from(plan.map / plan.cell.max(1));
        let more = members.len().saturating_sub(room);
        for (at, id) in members.iter().enumerate().take(room) {
            let (x, y) = (at % usize::from(columns), at / usize::from(columns));
            let (x, y) = (
                u16::try_from(x).unwrap_or(0) * plan.wide,
                u16::try_from(y).unwrap_or(0) * plan.cell,
            );
            if more > 0 && at + 1 == room && room > 1 {
                let text = format!("+{} more", more + 1);
                pen.put_within(x + 1, wide, y, &text, view.theme.faint);
                break;
            }
            let mut cell = pen.part(x, y, plan.wide.min(wide - x), plan.cell);
            hits.rows
                .extend((0..plan.cell).map(|row| (cell.row(row), drawn.len())));
            drawn.push(*id);
            draw_cell(&mut cell, view, *id);
        }
        self.cells.set(drawn.len());
        self.columns.set(usize::from(columns));
        let lists = [
            ("gainers ▲", &sweep.lists.gainers),
            ("losers ▼", &sweep.lists.losers),
            ("most active", &sweep.lists.active),
        ];
        for (n, (head, ids)) in (0..3u16).zip(lists) {
            let (x, y) = (
                n % plan.beside * plan.width,
                plan.lists + n / plan.beside * plan.rows,
            );
            if plan.rows == 0 || y.saturating_add(plan.rows) > high {
                break;
            }
            let mut part = pen.part(x, y, plan.width, plan.rows);
            draw_list(&mut part, view, head, ids);
            for (y, id) in (1..plan.rows).zip(ids) {
                hits.rows.push((part.row(y), drawn.len()));
                drawn.push(*id);
            }
        }
        self.drawn.replace(drawn);
        hits.rows.retain(|(row, _)| !row.is_empty());
        hits
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        let columns = isize::try_from(self.columns.get().max(1)).unwrap_or(1);
        let by = match action {
            Action::Left => -1,
            Action::Right => 1,
            Action::Up => -columns,
            Action::Down => columns,
            Action::PageUp => -columns * 5,
            Action::PageDown => columns * 5,
            Action::Top => isize::MIN,
            Action::Bottom => isize::MAX,
            _ => return None,
        };
        Some(self.step(by, view).map(Wish::Select).into_iter().collect())
    }

    fn click(&mut self, index: usize, _view: &View<'_>) -> Vec<Wish> {
        let drawn = self.drawn.borrow();
        drawn.get(index).copied().map(Wish::Select).into_iter().collect()
    }

    fn seen(&self) -> Vec<InstrumentId> {
        self.drawn.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::panes::fixture::{Desk, id};
    use crate::tui::widgets::screen_of;

    fn screen(pane: &Overview, desk: &Desk, width: u16, height: u16) -> Vec<String> {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        pane.render(&desk.view(), buf.area, true, &mut buf);
        screen_of(&buf)
    }

    #[test]
    fn the_market_is_readable_without_colours() {
        let desk = Desk::rich();
        let pane = Overview::default();
        assert_eq!(
            screen(&pane, &desk, 80, 13),
            [
                "▸AAPL        ▲ 0.77  BTC.USD     ▼ 0.89  ESZ6       ▼▼ 2.04  EUR.USD     ▼ 0.87",
                "             190.45              95,244            4,909.75             1.07472",
                " MSFT        ▲ 0.18  NVDA        ▲ 0.27  SAP         ▼ 0.68  SPY         ▲ 0.61",
                "             403.33              130.45              199.94              515.23",
                "",
                " gainers ▲                 losers ▼                  most active",
                " AAPL              ▲ 0.77  ESZ6             ▼▼ 2.04  EUR.USD             155k",
                " SPY               ▲ 0.61  BTC.USD           ▼ 0.89  BTC.USD             154k",
                " NVDA              ▲ 0.27  EUR.USD           ▼ 0.87  ESZ6                152k",
                " MSFT              ▲ 0.18  SAP               ▼ 0.68  SAP                 116k",
                "                                                     NVDA                7.5k",
                "                                                     MSFT                7.4k",
                "                                                     SPY                 7.2k",
            ]
        );
        assert_eq!(pane.title(&desk.view()).1, "▲ 4  ▼ 4");
    }

    #[test]
    fn keys_and_clicks_put_what_was_drawn_on_the_desk() {
        let mut desk = Desk::rich();
        let mut pane = Overview::default();
        screen(&pane, &desk, 80, 11);
        assert_eq!(
            pane.act(Action::Right, &desk.view()),
            Some(vec![Wish::Select(id("BTC.USD"))])
        );
        assert_eq!(
            pane.act(Action::Down, &desk.view()),
            Some(vec![Wish::Select(id("MSFT"))])
        );
        assert_eq!(
            pane.act(Action::Bottom, &desk.view()),
            Some(vec![Wish::Select(id("SPY"))])
        );
        let first_gainer = pane.drawn.borrow()[pane.cells.get()];
        assert_eq!(
            pane.click(pane.cells.get(), &desk.view()),
            [Wish::Select(first_gainer)]
        );
        desk.state.instruments.clear();
        assert!(
            screen(&pane, &desk, 80, 11)
                .join(" ")
                .contains("loading instruments")
        );
        assert_eq!(pane.act(Action::Right, &desk.view()), Some(Vec::new()));
    }

    #[test]
    fn a_frame_looks_at_a_thousand_instruments_at_most() {
        let mut desk = Desk::rich();
        let model = desk.state.instruments[&id("AAPL")].clone();
        for n in 0..20_000 {
            let mut instrument = model.clone();
            instrument.id = id(&format!("S{n:06}"));
            desk.state.instruments.insert(instrument.id, instrument);
        }
        let pane = Overview::default();
        screen(&pane, &desk, 80, 24);
        for _ in 0..5 {
            desk.now = desk.now.after(STAYS);
            let before = pane.sweep.borrow().looked;
            screen(&pane, &desk, 80, 24);
            let looked = pane.sweep.borrow().looked - before;
            assert!(looked > 0 && looked <= SLICE as u64, "{looked}");
        }
    }
}
