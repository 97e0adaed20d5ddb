//! The crosshair: a bar and a price that a person holds. It stays on its bar while new ones come, and its price is what an
//! order or an alert that is opened from the chart begins with.

use super::columns::{Column, column_of};
use super::plot::{Plot, UNDER};
use crate::domain::{InstrumentId, Price, Timestamp};
use crate::market::Timeframe;
use crate::tui::panes::read;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink, width};

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cross {
    /// On whose chart.
    pub id: InstrumentId,
    /// The start of its bar.
    pub at: Timestamp,
    /// Its price.
    pub price: Price,
}

impl Plot<'_, '_> {
    /// The column that holds a crosshair; the first where its bar is older than all that is shown.
    pub fn column_at(&self, cross: &Cross) -> usize {
        column_of(&self.columns, cross.at).unwrap_or(0)
    }
    /// The lines, over what is empty only, so that they never hide a bar.
    pub fn draw_cross(&self, pen: &mut Pen<'_>, cross: &Cross) {
        let (theme, x) = (self.view.theme, self.cell(self.column_at(cross)));
        let row = self.scale.row(cross.price);
        for column in 0..self.cells {
            if pen.is_free(column, row, &UNDER) {
                pen.glyph(column, row, '─', theme.dim);
            }
        }
        self.draw_upright(pen, x, self.rows);
        if pen.is_free(x, row, &['─', '│']) {
            pen.glyph(x, row, '┼', bold(theme.bright));
        }
    }
    /// The upright line alone, over so many rows.
    pub fn draw_upright(&self, pen: &mut Pen<'_>, x: u16, rows: u16) {
        let free = [UNDER.as_slice(), &['─']].concat();
        for row in 0..rows {
            if pen.is_free(x, row, &free) {
                pen.glyph(x, row, '│', self.view.theme.dim);
            }
        }
    }
    /// What its bar is, in the first row.
    pub fn draw_reading(&self, pen: &mut Pen<'_>, cross: &Cross) {
        let theme = self.view.theme;
        let at = self.column_at(cross);
        let Some(column) = self.columns.get(at) else {
            return;
        };
        let mut x = pen.put_within(
            0,
            self.cells,
            0,
            &self.when(column),
            bold(theme.bright).bg(theme.background),
        );
        let price = |price: Price| read::price(self.view, self.id, price);
        let bar = &column.bar;
        let color = self.color(bar);
        let parts = [
            (format!(" {}", change(column)), color),
            (format!(" O {}", price(bar.open)), theme.text),
            (format!(" H {}", price(bar.high)), theme.text),
            (format!(" L {}", price(bar.low)), theme.text),
            (format!(" C {}", price(bar.close)), color),
            (format!(" V {}", number::short(bar.volume)), theme.dim),
            (" ".to_owned(), theme.dim),
        ];
        let fits = |x: u16, text: &str| usize::from(x) + width(text) <= usize::from(self.cells);
        // The close before all else where there is little room.
        let order: &[usize] = if self.cells >= 60 {
            &[1, 2, 3, 4, 5, 0, 6]
        } else {
            &[4, 0, 2, 3, 1, 5]
        };
        for (text, color) in order.iter().filter_map(|part| parts.get(*part)) {
            if fits(x, text) {
                x = pen.put(x, 0, text, ink(*color).bg(theme.background));
            }
        }
    }
    /// The price at the axis.
    pub fn draw_cross_price(&self, pen: &mut Pen<'_>, cross: &Cross) {
        let text = format!(" {} ", read::price(self.view, self.id, cross.price));
        let style = self.tag(self.view.theme.bright);
        pen.right(pen.width(), self.scale.row(cross.price), &text, style);
    }
    /// The moment at the axis of times.
    pub fn draw_cross_time(&self, pen: &mut Pen<'_>, cross: &Cross) {
        let at = self.column_at(cross);
        let Some(column) = self.columns.get(at) else {
            return;
        };
        let text = format!(" {} ", self.when(column));
        let wide = u16::try_from(width(&text)).unwrap_or(u16::MAX);
        let x = self
            .cell(at)
            .saturating_sub(wide / 2)
            .min(self.cells.saturating_sub(wide));
        pen.put_within(x, self.cells, 0, &text, self.tag(self.view.theme.bright));
    }
    /// When a column begins: the day of what is a day long and more, the time of the rest.
    fn when(&self, column: &Column) -> String {
        let start = column.bar.start;
        let day = |pattern: &str| {
            let calendar = self.view.state.instruments.get(&self.id)?.calendar;
            Some(calendar.trading_day(start)?.date.strftime(pattern).to_string())
        };
        let by_day = match self.timeframe {
            Timeframe::Seconds(_) => None,
            Timeframe::Month => day("%b %Y"),
            Timeframe::Day | Timeframe::Week => day("%a %b %d %Y"),
        };
        let pattern = match self.timeframe {
            Timeframe::Seconds(length) if length % 60 != 0 => "%b %d %H:%M:%S",
            _ => "%b %d %H:%M",
        };
        by_day.unwrap_or_else(|| read::local(self.view, Some(self.id), start, pattern))
    }
}

/// How far the close is from the open, in percent with its arrow.
fn change(column: &Column) -> String {
    let (open, close) = (column.bar.open.to_f64(), column.bar.close.to_f64());
    let percent = if open == 0.0 {
        f64::NAN
    } else {
        (close - open) / open.abs() * 100.0
    };
    format!("{}%", number::percent_change(percent))
}
