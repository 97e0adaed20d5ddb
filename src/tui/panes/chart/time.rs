//! The time axis: round times and dates under the bars, and where a trading day or its regular hours begin.

use super::columns::{Column, seconds};
use crate::domain::calendar::{SessionState, TradingDay};
use crate::domain::{CalendarId, Timestamp};
use crate::market::Timeframe;
use crate::tui::widgets::axis::time_step;
use crate::tui::widgets::text::width;
use jiff::tz::TimeZone;

/// Cells a time wants for itself and some air.
const LABEL: u16 = 12;

/// What begins with a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// A trading day.
    Day,
    /// Another part of the trading day, such as the regular hours.
    Session,
}

/// A text under a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The cell where it begins.
    pub x: u16,
    /// What it says.
    pub text: String,
    /// True for dates.
    pub date: bool,
}

/// What begins with each column, by column.
pub fn breaks(columns: &[Column], calendar: CalendarId, timeframe: Timeframe) -> Vec<(usize, Break)> {
    if !matches!(timeframe, Timeframe::Seconds(_)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let (mut day, mut state, mut until): (Option<TradingDay>, Option<SessionState>, _) =
        (None, None, Timestamp::MIN);
    for (at, column) in columns.iter().enumerate() {
        let start = column.bar.start;
        if start >= until {
            let session = calendar.session_at(start);
            let changed = state.is_some_and(|state| state != session.state);
            let same_day = day.is_some_and(|day| day.contains(start));
            if day.is_some() && !same_day {
                found.push((at, Break::Day));
            } else if changed {
                found.push((at, Break::Session));
            }
            if !same_day {
                day = calendar.trading_day(start);
            }
            (state, until) = (Some(session.state), session.until);
        }
    }
    found
}

/// The labels under `cells` cells: dates where days begin, then times at round moments where there is room.
pub fn labels(
    columns: &[Column],
    cell_of: impl Fn(usize) -> u16,
    cells: u16,
    bars_a_cell: (u16, u16),
    calendar: CalendarId,
    timeframe: Timeframe,
    zone: &TimeZone,
) -> Vec<Label> {
    let mut row = Row {
        taken: vec![false; usize::from(cells)],
        labels: Vec::new(),
    };
    let days = !matches!(timeframe, Timeframe::Seconds(_));
    if days {
        dates(columns, &cell_of, calendar, &mut row);
        return row.labels;
    }
    for (at, what) in breaks(columns, calendar, timeframe) {
        if what == Break::Day {
            row.add(cell_of(at), date_of(&columns[at], calendar, "%b %d"), true);
        }
    }
    let (bars, cells_each) = bars_a_cell;
    let a_cell = seconds(timeframe).saturating_mul(i64::from(bars)) / i64::from(cells_each.max(1));
    let step = time_step(a_cell.max(1), LABEL);
    let pattern = if step < 60 { "%H:%M:%S" } else { "%H:%M" };
    let mut before = None;
    for (at, column) in columns.iter().enumerate() {
        let Some(moment) = column.bar.start.to_jiff() else {
            continue;
        };
        let offset = i64::from(zone.to_offset(moment).seconds());
        let here = (column.bar.start.seconds() + offset).div_euclid(step);
        if before.is_some_and(|before| before != here) {
            let text = moment.to_zoned(zone.clone()).strftime(pattern).to_string();
            row.add(cell_of(at), text, false);
        }
        before = Some(here);
    }
    if row.labels.is_empty()
        && let Some(moment) = columns.first().and_then(|column| column.bar.start.to_jiff())
    {
        let text = moment.to_zoned(zone.clone()).strftime(pattern).to_string();
        row.add_first(cell_of(0), text, false);
    }
    row.labels
}

/// Months where they begin, years where they do; the first day where nothing else is said.
fn dates(columns: &[Column], cell_of: &impl Fn(usize) -> u16, calendar: CalendarId, row: &mut Row) {
    let mut before = None;
    for (at, column) in columns.iter().enumerate() {
        let Some(date) = calendar.trading_day(column.bar.start).map(|day| day.date) else {
            continue;
        };
        let month = (date.year(), date.month());
        if let Some((year, _)) = before
            && before != Some(month)
        {
            let pattern = if year == date.year() { "%b" } else { "%Y" };
            row.add(
                cell_of(at),
                date.strftime(pattern).to_string(),
                year != date.year(),
            );
        }
        before = Some(month);
    }
    // Months alone do not say of which year.
    let has_year = row.labels.iter().any(|label| label.date);
    if let Some(first) = columns.first().filter(|_| !has_year) {
        let pattern = if row.labels.is_empty() { "%b %d %Y" } else { "%Y" };
        row.add_first(cell_of(0), date_of(first, calendar, pattern), true);
    }
}

fn date_of(column: &Column, calendar: CalendarId, pattern: &str) -> String {
    calendar
        .trading_day(column.bar.start)
        .map(|day| day.date.strftime(pattern).to_string())
        .unwrap_or_default()
}

/// A row of labels that don't touch.
struct Row {
    taken: Vec<bool>,
    labels: Vec<Label>,
}
impl Row {
    /// A label that has to be seen: moved to the left where it would not fit.
    fn add_first(&mut self, x: u16, text: String, date: bool) {
        let room = self.taken.len().saturating_sub(width(&text));
        self.add(x.min(u16::try_from(room).unwrap_or(u16::MAX)), text, date);
    }
    fn add(&mut self, x: u16, text: String, date: bool) {
        let from = usize::from(x);
        // One more cell, so that two labels never read as one.
        let Some(place) = self.taken.get_mut(from..from + width(&text)) else {
            return;
        };
        if place.iter().any(|taken| *taken) {
            return;
        }
        place.fill(true);
        if let Some(after) = self.taken.get_mut(from + width(&text)) {
            *after = true;
        }
        if let Some(before) = from.checked_sub(1).and_then(|at| self.taken.get_mut(at)) {
            *before = true;
        }
        self.labels.push(Label { x, text, date });
    }
}
