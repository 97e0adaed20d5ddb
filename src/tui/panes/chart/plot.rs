//! What the drawing of a chart works on, and the drawing of what lies among the bars: ground, bars, studies, executions.
//! What stands around them is drawn in [`super::around`] and [`super::below`]; which bars, how large and in what order is
//! the pane's business.

use super::columns::{Column, Density};
use super::marks::{self, Line};
use super::settings::{Glyphs, Style as Look};
use super::time::{self, Break};
use super::values::{Point, Values};
use crate::domain::{InstrumentId, Price, Side};
use crate::market::studies::StudySpec;
use crate::market::{Bar, Timeframe};
use crate::tui::pane::View;
use crate::tui::panes::read;
use crate::tui::widgets::axis::Scale;
use crate::tui::widgets::candles::{Dots, block, boxed, ohlc, plain, shaped};
use crate::tui::widgets::text::{Pen, bold};
use ratatui::style::{Color, Modifier, Style};

/// Grid lines lie this many rows apart at least.
pub const GRID: u16 = 4;
/// What the lines of studies may cover.
pub const UNDER: [char; 5] = ['┈', '╌', '┊', '╎', ' '];

/// Everything that the parts of a drawing need.
pub struct Plot<'a, 'v> {
    /// What is to be seen.
    pub view: &'a View<'v>,
    /// Of what.
    pub id: InstrumentId,
    /// All bars there are.
    pub bars: &'a [Bar],
    /// How long a bar is.
    pub timeframe: Timeframe,
    /// The visible ones.
    pub columns: Vec<Column>,
    /// Where prices go.
    pub scale: Scale,
    /// How much of the past a column shows.
    pub density: Density,
    /// Cells for bars, after one cell of margin.
    pub cells: u16,
    /// Rows of words over the bars.
    pub head: u16,
    /// Rows for prices.
    pub rows: u16,
    /// Rows of words under the bars.
    pub foot: u16,
    /// How bars are drawn.
    pub look: Look,
    /// With which characters.
    pub glyphs: Glyphs,
    /// There are no colours: shapes, signs and reverse say everything.
    pub bare: bool,
    /// What is ours, and what alerts wait for.
    pub lines: Vec<Line>,
    /// The studies.
    pub studies: &'a [StudySpec],
    /// Their values at all bars.
    pub values: &'a Values,
}

impl Plot<'_, '_> {
    /// The first cell of a column; the newest column stands at the right.
    pub fn cell(&self, column: usize) -> u16 {
        let place = self.dot(column);
        match self.density {
            Density::Cells(each) => place.saturating_mul(each),
            Density::Dots(_) => place / 2,
        }
    }
    /// The column of dots of a column, where it is drawn in dots; else its place among columns.
    fn dot(&self, column: usize) -> u16 {
        let room = self.density.columns(self.cells);
        let count = u16::try_from(self.columns.len()).unwrap_or(u16::MAX);
        room.saturating_sub(count)
            .saturating_add(u16::try_from(column).unwrap_or(u16::MAX))
    }
    /// Where a column begins on a sheet of dots, and how many of its columns it has.
    pub fn dots_of(&self, column: usize) -> (u16, u16) {
        match self.density {
            Density::Cells(each) => (self.cell(column).saturating_mul(2), each.saturating_mul(2)),
            Density::Dots(_) => (self.dot(column), 1),
        }
    }
    /// Up or down, as a colour.
    pub fn color(&self, bar: &Bar) -> Color {
        if bar.close >= bar.open {
            self.view.theme.up
        } else {
            self.view.theme.down
        }
    }
    /// The smallest step of prices here.
    pub fn tick(&self) -> Price {
        let near = self.columns.last().map_or(Price::ZERO, |column| column.bar.close);
        read::tick(self.view, self.id, near)
    }
    /// What stands out before all else: light on dark turned round, in reverse where there are no colours.
    pub fn tag(&self, ground: Color) -> Style {
        if self.bare {
            Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
        } else {
            bold(self.view.theme.background).bg(ground)
        }
    }
    /// The colour of the n-th study: those that themes have for studies, then quiet ones.
    pub fn study_color(&self, study: usize) -> Color {
        let theme = self.view.theme;
        let [first, second, third] = theme.study;
        let colors = [first, second, third, theme.dim, theme.paper, theme.sim];
        colors[study % colors.len()]
    }
    /// A study's values at a column.
    pub fn point(&self, spec: StudySpec, column: &Column) -> Option<Point> {
        self.values.of(spec).get(column.end).copied()
    }

    /// Grid lines, where days and sessions begin, and our lines.
    pub fn draw_ground(&self, pen: &mut Pen<'_>) {
        let theme = self.view.theme;
        for price in self.scale.grid(self.tick(), GRID) {
            pen.line(0, self.cells, self.scale.row(price), '┈', theme.rule);
        }
        self.draw_breaks(pen, self.rows);
        let seen = |line: &&Line| self.scale.shows(line.price);
        for line in self.lines.iter().rev().filter(seen) {
            pen.line(0, self.cells, self.scale.row(line.price), '╌', line.color);
        }
    }
    /// Where days and sessions begin, over so many rows.
    pub fn draw_breaks(&self, pen: &mut Pen<'_>, rows: u16) {
        let theme = self.view.theme;
        let Some(instrument) = self.view.state.instruments.get(&self.id) else {
            return;
        };
        for (column, what) in time::breaks(&self.columns, instrument.calendar, self.timeframe) {
            let (glyph, color) = match what {
                Break::Day => ('╎', theme.faint),
                Break::Session => ('┊', theme.rule),
            };
            for row in 0..rows {
                pen.glyph(self.cell(column), row, glyph, color);
            }
        }
    }
    /// The bars.
    pub fn draw_bars(&self, pen: &mut Pen<'_>) {
        if matches!(self.look, Look::Line | Look::Area) {
            return self.draw_closes(pen);
        }
        if let Density::Cells(_) = self.density {
            for (at, column) in self.columns.iter().enumerate() {
                self.draw_bar(pen, self.cell(at), &column.bar);
            }
            return;
        }
        let mut dots = Dots::new(self.cells, self.rows);
        for (at, column) in self.columns.iter().enumerate() {
            dots.candle(self.dot(at), &self.scale, &column.bar, self.color(&column.bar));
        }
        dots.write(pen, &UNDER);
    }
    fn draw_bar(&self, pen: &mut Pen<'_>, x: u16, bar: &Bar) {
        let (scale, color, theme) = (&self.scale, self.color(bar), self.view.theme);
        match (self.look, self.glyphs) {
            (Look::Bars, _) => ohlc(pen, x, scale, bar, color),
            (_, Glyphs::Ascii) => plain(pen, x, scale, bar, color),
            (..) if self.bare => shaped(pen, x, scale, bar, color),
            (_, Glyphs::Blocks) => {
                let rises = bar.close >= bar.open;
                let shade = if rises { theme.up_back } else { theme.down_back };
                block(pen, x, scale, bar, color, shade);
            }
            _ => boxed(pen, x, scale, bar, color),
        }
    }
    /// The closes as a line, with the ground under it filled for an area.
    fn draw_closes(&self, pen: &mut Pen<'_>) {
        let theme = self.view.theme;
        let mut dots = Dots::new(self.cells, self.rows);
        let close = |column: &Column| Some(column.bar.close.to_f64());
        self.draw_values(&mut dots, close, theme.up);
        if self.look == Look::Area {
            for (at, column) in self.columns.iter().enumerate() {
                let below = self.scale.row(column.bar.close).saturating_add(1);
                let (first, wide) = match self.density {
                    Density::Cells(each) => (self.cell(at), each),
                    Density::Dots(_) => (self.cell(at), 1),
                };
                pen.ground(first, below, wide, self.rows.saturating_sub(below), theme.up_back);
            }
        }
        dots.write(pen, &UNDER);
    }
    /// A line through the values of the columns, in dots: whole where it is steep, cut where there is no value.
    fn draw_values(&self, dots: &mut Dots, value: impl Fn(&Column) -> Option<f64>, color: Color) {
        let steps = self.rows.saturating_mul(Dots::PER_ROW);
        let mut before: Option<f64> = None;
        let mut last: Option<u16> = None;
        for (at, column) in self.columns.iter().enumerate() {
            let here = value(column).filter(|value| value.is_finite());
            let (x, wide) = self.dots_of(at);
            for dot in 0..wide {
                let part = f64::from(dot + 1) / f64::from(wide);
                let now = here.map(|here| before.map_or(here, |before| before + (here - before) * part));
                let y = now.and_then(|now| self.scale.part_of_value(now, steps));
                if let Some(y) = y {
                    // From the height before, but for the dot that stands there.
                    let from = match last {
                        Some(last) if last < y => last + 1,
                        Some(last) if last > y => last - 1,
                        _ => y,
                    };
                    dots.column(x.saturating_add(dot), from, y, color);
                }
                last = y;
            }
            before = here;
        }
    }
    /// The studies whose values are prices.
    pub fn draw_studies(&self, pen: &mut Pen<'_>) {
        let mut dots = Dots::new(self.cells, self.rows);
        for (n, spec) in self
            .studies
            .iter()
            .enumerate()
            .filter(|(_, spec)| spec.is_price())
        {
            for line in 0..spec.lines().len() {
                let value = |column: &Column| self.point(*spec, column).map(|point| point[line]);
                self.draw_values(&mut dots, value, self.study_color(n));
            }
        }
        dots.write(pen, &UNDER);
    }

    /// Executions at the bars where they happened; beside the words that stand in a row up to its cell of `words`, not in
    /// them.
    pub fn draw_executions(&self, pen: &mut Pen<'_>, words: &[u16]) {
        for (at, side) in marks::executions(self.view, &self.columns) {
            let Some(column) = self.columns.get(at) else {
                continue;
            };
            let (row, glyph, color) = match side {
                Side::Buy => (
                    self.scale.row(column.bar.low).saturating_add(1),
                    '▲',
                    self.view.theme.buy,
                ),
                Side::Sell => (
                    self.scale.row(column.bar.high).saturating_sub(1),
                    '▼',
                    self.view.theme.sell,
                ),
            };
            let (row, x) = (row.min(self.rows.saturating_sub(1)), self.cell(at));
            let is_free = |row: u16| words.get(usize::from(row)).is_some_and(|end| x >= *end);
            let away = |by: u16| match side {
                Side::Buy => row.saturating_add(by),
                Side::Sell => row.saturating_sub(by),
            };
            if let Some(row) = (0..3).map(away).find(|row| is_free(*row)) {
                pen.glyph(x, row, glyph, bold(color));
            }
        }
    }
}
