//! Candles in cells, three ways. Box glyphs: one column a candle, two steps of height in each cell, one colour, crisp in
//! every font. Blocks: the same with half-cell blocks, the wick in a darker shade. Dots: braille, two candles in each
//! cell, for many bars in little room and for the lines of studies.

use super::axis::Scale;
use super::text::Pen;
use crate::market::Bar;
use ratatui::style::{Color, Style};

/// Two steps of each cell.
const HALVES: u16 = 2;
/// Four dots above each other in each cell.
const DOTS: u16 = 4;

/// The steps of a candle among so many, 0 at the top: wick, body, body, wick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Steps {
    top: u16,
    body_top: u16,
    body_bottom: u16,
    bottom: u16,
}

impl Steps {
    fn of(bar: &Bar, scale: &Scale, per_cell: u16) -> Self {
        let at = |price| scale.part(price, scale.rows().saturating_mul(per_cell));
        Self {
            top: at(bar.high),
            body_top: at(bar.open.max(bar.close)),
            body_bottom: at(bar.open.min(bar.close)),
            bottom: at(bar.low),
        }
    }
    /// Is there body, is there wick or body, at `step`?
    fn at(&self, step: u16) -> (bool, bool) {
        let body = (self.body_top..=self.body_bottom).contains(&step);
        (body, body || (self.top..=self.bottom).contains(&step))
    }
}

/// The glyph for the upper and the lower half of a cell: heavy for body, light for wick.
fn glyph(upper: (bool, bool), lower: (bool, bool)) -> char {
    match (upper, lower) {
        ((true, _), (true, _)) => '┃',
        ((true, _), (false, true)) => '╿',
        ((false, true), (true, _)) => '╽',
        ((true, _), (false, false)) => '╹',
        ((false, false), (true, _)) => '╻',
        ((false, true), (false, true)) => '│',
        ((false, true), (false, false)) => '╵',
        ((false, false), (false, true)) => '╷',
        ((false, false), (false, false)) => ' ',
    }
}

/// One candle of box glyphs in column `x`.
pub fn boxed(pen: &mut Pen<'_>, x: u16, scale: &Scale, bar: &Bar, color: Color) {
    let steps = Steps::of(bar, scale, HALVES);
    for row in steps.top / HALVES..=steps.bottom / HALVES {
        let shown = glyph(steps.at(row * HALVES), steps.at(row * HALVES + 1));
        if shown != ' ' {
            pen.glyph(x, row, shown, color);
        }
    }
}

/// One candle of half blocks in column `x`: the body in `color`, the wick in `shade`.
pub fn block(pen: &mut Pen<'_>, x: u16, scale: &Scale, bar: &Bar, color: Color, shade: Color) {
    let steps = Steps::of(bar, scale, HALVES);
    let paint = |step: u16| match steps.at(step) {
        (true, _) => Some(color),
        (false, true) => Some(shade),
        (false, false) => None,
    };
    for row in steps.top / HALVES..=steps.bottom / HALVES {
        match (paint(row * HALVES), paint(row * HALVES + 1)) {
            (Some(upper), Some(lower)) if upper == lower => pen.glyph(x, row, '█', upper),
            (Some(upper), Some(lower)) => pen.glyph(x, row, '▀', Style::new().fg(upper).bg(lower)),
            (Some(upper), None) => pen.glyph(x, row, '▀', upper),
            (None, Some(lower)) => pen.glyph(x, row, '▄', lower),
            (None, None) => {}
        }
    }
}

/// One candle in column `x` that says its direction without a colour: a rising body is a heavy line, a falling one is
/// filled.
pub fn shaped(pen: &mut Pen<'_>, x: u16, scale: &Scale, bar: &Bar, style: impl Into<Style>) {
    let (steps, style) = (Steps::of(bar, scale, HALVES), style.into());
    for row in steps.top / HALVES..=steps.bottom / HALVES {
        let (upper, lower) = (steps.at(row * HALVES), steps.at(row * HALVES + 1));
        let shown = match (bar.close < bar.open, upper.0, lower.0) {
            (true, true, true) => '█',
            (true, true, false) => '▀',
            (true, false, true) => '▄',
            _ => glyph(upper, lower),
        };
        if shown != ' ' {
            pen.glyph(x, row, shown, style);
        }
    }
}

/// One candle in column `x` in characters that every terminal has: `|` for the wick, `o` for a rising body and `#` for a
/// falling one.
pub fn plain(pen: &mut Pen<'_>, x: u16, scale: &Scale, bar: &Bar, style: impl Into<Style>) {
    let (steps, style) = (Steps::of(bar, scale, 1), style.into());
    let body = if bar.close < bar.open { '#' } else { 'o' };
    for row in steps.top..=steps.bottom {
        let shown = if steps.at(row).0 { body } else { '|' };
        pen.glyph(x, row, shown, style);
    }
}

/// A bar in column `x`: a stem from high to low, the open a tick to its left, the close one to its right.
pub fn ohlc(pen: &mut Pen<'_>, x: u16, scale: &Scale, bar: &Bar, style: impl Into<Style>) {
    let (steps, style) = (Steps::of(bar, scale, HALVES), style.into());
    let (open, close) = (scale.row(bar.open), scale.row(bar.close));
    for row in steps.top / HALVES..=steps.bottom / HALVES {
        let stem = |step: u16| (false, steps.at(step).1);
        let shown = match (row == open, row == close) {
            (true, true) => '┼',
            (true, false) => '┤',
            (false, true) => '├',
            (false, false) => glyph(stem(row * HALVES), stem(row * HALVES + 1)),
        };
        if shown != ' ' {
            pen.glyph(x, row, shown, style);
        }
    }
}

/// Braille dots by their place in a cell: column, then row from the top.
const BRAILLE: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// A sheet of braille dots over an area of cells, one colour a cell.
#[derive(Debug)]
pub struct Dots {
    columns: u16,
    rows: u16,
    cells: Vec<(u8, Color)>,
}

impl Dots {
    /// An empty sheet over so many cells.
    pub fn new(columns: u16, rows: u16) -> Self {
        let count = usize::from(columns) * usize::from(rows);
        Self {
            columns,
            rows,
            cells: vec![(0, Color::Reset); count],
        }
    }
    /// How many dots a cell has, one above the other.
    pub const PER_ROW: u16 = DOTS;

    /// Sets a dot, counted in dots: two columns and four rows in each cell.
    pub fn set(&mut self, x: u16, y: u16, color: Color) {
        let (column, row) = (x / 2, y / DOTS);
        if column >= self.columns || row >= self.rows {
            return;
        }
        let at = usize::from(row) * usize::from(self.columns) + usize::from(column);
        if let Some((dots, paint)) = self.cells.get_mut(at) {
            *dots |= BRAILLE[usize::from(x % 2)][usize::from(y % DOTS)];
            *paint = color;
        }
    }
    /// Sets the dots of a column from `from` to `to`, both included.
    pub fn column(&mut self, x: u16, from: u16, to: u16, color: Color) {
        for y in from.min(to)..=from.max(to) {
            self.set(x, y, color);
        }
    }
    /// A candle in one column of dots: its whole range.
    pub fn candle(&mut self, x: u16, scale: &Scale, bar: &Bar, color: Color) {
        let steps = Steps::of(bar, scale, DOTS);
        self.column(x, steps.top, steps.bottom, color);
    }
    /// Writes what was set where nothing is yet, or only what `over` may cover.
    pub fn write(&self, pen: &mut Pen<'_>, over: &[char]) {
        for ((dots, color), at) in self.cells.iter().zip(0usize..) {
            if *dots == 0 {
                continue;
            }
            let (Ok(x), Ok(y)) = (
                u16::try_from(at % usize::from(self.columns)),
                u16::try_from(at / usize::from(self.columns)),
            ) else {
                continue;
            };
            if pen.is_free(x, y, over) {
                let shown = char::from_u32(0x2800 + u32::from(*dots)).unwrap_or(' ');
                pen.glyph(x, y, shown, *color);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Price, Timestamp};
    use crate::tui::widgets::screen_of;
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    fn bar(open: i64, high: i64, low: i64, close: i64) -> Bar {
        let price = |units: i64| Price::from_raw(units * 1_000_000_000);
        Bar {
            start: Timestamp(0),
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: 0,
            value: 0,
            count: 1,
            revision: 1,
        }
    }

    fn drawn(work: impl FnOnce(&mut Pen<'_>, &Scale)) -> Vec<String> {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 5));
        let one = Price::from_raw(1_000_000_000);
        // From 9 down to 0 in ten half cells.
        let scale = Scale::around(one, Price::from_raw(8_000_000_000), one, 5).unwrap();
        let mut pen = Pen::new(&mut buf, Rect::new(0, 0, 4, 5));
        work(&mut pen, &scale);
        screen_of(&buf)
    }

    #[test]
    fn bodies_are_heavy_and_wicks_are_light() {
        let screen = drawn(|pen, scale| {
            boxed(pen, 0, scale, &bar(3, 8, 1, 6), Color::Blue);
            boxed(pen, 1, scale, &bar(4, 4, 4, 4), Color::Red);
            boxed(pen, 2, scale, &bar(2, 7, 2, 7), Color::Red);
        });
        assert_eq!(screen, ["╷", "╽ ┃", "┃╻┃", "╿ ┃", "╵"]);
    }

    #[test]
    fn direction_is_seen_without_a_colour() {
        let screen = drawn(|pen, scale| {
            shaped(pen, 0, scale, &bar(3, 8, 1, 6), Color::Reset);
            shaped(pen, 1, scale, &bar(6, 8, 1, 3), Color::Reset);
            plain(pen, 2, scale, &bar(3, 8, 1, 6), Color::Reset);
            plain(pen, 3, scale, &bar(6, 8, 1, 3), Color::Reset);
        });
        assert_eq!(screen, ["╷╷||", "╽▄o#", "┃█o#", "╿▀o#", "╵╵||"]);
        let screen = drawn(|pen, scale| {
            ohlc(pen, 0, scale, &bar(3, 8, 1, 6), Color::Reset);
            ohlc(pen, 1, scale, &bar(6, 8, 1, 3), Color::Reset);
            ohlc(pen, 2, scale, &bar(4, 5, 4, 4), Color::Reset);
        });
        assert_eq!(screen, ["╷╷", "├┤", "││┼", "┤├", "╵╵"]);
    }

    #[test]
    fn two_candles_share_a_cell_of_dots() {
        let screen = drawn(|pen, scale| {
            let mut dots = Dots::new(4, 5);
            dots.candle(0, scale, &bar(0, 9, 0, 9), Color::Blue);
            dots.candle(1, scale, &bar(4, 4, 4, 4), Color::Red);
            dots.set(40, 4_000, Color::Red);
            dots.write(pen, &[]);
        });
        assert!(screen.iter().all(|line| line.chars().count() == 1));
        assert_eq!(screen[0], "⡇");
    }
}
