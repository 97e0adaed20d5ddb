//! What stands around the bars of a chart: words at the left, prices at the right, volume and times below.

use super::columns::Density;
use super::marks::Line;
use super::plot::{GRID, Plot};
use super::time;
use crate::domain::Price;
use crate::tui::panes::read;
use crate::tui::widgets::sparkline::EIGHTHS;
use crate::tui::widgets::text::{Pen, bold, ink, width};
use ratatui::style::Color;
use std::cmp::Ordering;

impl Plot<'_, '_> {
    /// The words of our lines at the left; those beyond the scale say so in the row above and the one below the bars,
    /// where there is one. Answers from which cell on each row is free, those of words included.
    pub fn draw_labels(&self, pen: &mut Pen<'_>) -> Vec<u16> {
        let all = self.head + self.rows + self.foot;
        let mut used = vec![0u16; usize::from(all)];
        for line in &self.lines {
            let (row, arrow) = match self.scale.beyond(line.price) {
                None => (self.head + self.scale.row(line.price), None),
                Some(Ordering::Greater) => (self.head.saturating_sub(1), Some('↑')),
                Some(_) => (all.saturating_sub(1), Some('↓')),
            };
            let text = match arrow {
                None => format!(" {} ", line.label),
                Some(arrow) => format!(" {arrow} {} {} ", line.label, self.line_price(line)),
            };
            let Some(x) = used.get_mut(usize::from(row)) else {
                continue;
            };
            let wide = u16::try_from(width(&text)).unwrap_or(u16::MAX);
            if x.saturating_add(wide) > self.cells {
                continue;
            }
            let style = ink(line.color).bg(self.view.theme.panel);
            *x = pen.put(*x, row, &text, style);
        }
        used
    }
    fn line_price(&self, line: &Line) -> String {
        let price = read::price(self.view, self.id, line.price);
        if line.is_ours {
            self.view.ours(price)
        } else {
            price
        }
    }
    /// What the lines of studies are, each in its colour, with the value at a column; from cell `x` of a row on.
    pub fn draw_legend(&self, pen: &mut Pen<'_>, x: u16, row: u16, column: usize) {
        let Some(column) = self.columns.get(column) else {
            return;
        };
        let mut x = x.saturating_add(1);
        for (n, spec) in self
            .studies
            .iter()
            .enumerate()
            .filter(|(_, spec)| spec.is_price())
        {
            let point = self.point(*spec, column);
            let values: Vec<String> = (0..spec.lines().len().max(1))
                .map(|line| self.study_price(point.map(|point| point[line])))
                .collect();
            let text = format!(" {spec} {} ", values.join(" · "));
            let wide = u16::try_from(width(&text)).unwrap_or(u16::MAX);
            if x.saturating_add(wide) > self.cells {
                return;
            }
            let style = ink(self.study_color(n)).bg(self.view.theme.background);
            x = pen.put(x, row, &text, style);
        }
    }
    /// A study's value in the decimals of prices.
    pub fn study_price(&self, value: Option<f64>) -> String {
        let near = self.columns.last().map_or(Price::ZERO, |column| column.bar.close);
        let decimals = read::decimals(self.view, self.id, near) as usize;
        value.filter(|value| value.is_finite()).map_or_else(
            || "--".to_owned(),
            |value| {
                let text = format!("{value:.decimals$}");
                // What rounds to nothing has no sign.
                let is_zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
                text.trim_start_matches(if is_zero { "-" } else { "" }).to_owned()
            },
        )
    }

    /// Volume as bars of eighths.
    pub fn draw_volume(&self, pen: &mut Pen<'_>) {
        let rows = pen.height();
        let mut cells: Vec<(i128, Color)> = vec![(0, Color::Reset); usize::from(self.cells)];
        for (at, column) in self.columns.iter().enumerate() {
            if let Some((volume, color)) = cells.get_mut(usize::from(self.cell(at))) {
                *volume = volume.saturating_add(column.bar.volume.max(0));
                *color = self.color(&column.bar);
            }
        }
        let most = cells.iter().map(|cell| cell.0).max().unwrap_or(0);
        if most == 0 {
            return;
        }
        let eighths = i128::from(rows) * 8;
        for (x, (volume, color)) in (0..self.cells).zip(cells) {
            // At least a trace of what was traded; sums beyond the range of the product are all tallest anyway.
            let level = volume.saturating_mul(eighths) / most;
            let level = if volume > 0 { level.max(1) } else { 0 };
            for row in 0..rows {
                let above_floor = i128::from(rows - 1 - row) * 8;
                let part = (level - above_floor).clamp(0, 8);
                if let Some(glyph) = usize::try_from(part - 1).ok().and_then(|at| EIGHTHS.get(at)) {
                    pen.glyph(x, row, *glyph, color);
                }
            }
        }
    }

    /// Prices at the right: the last one in reverse, ours in their colours, round ones between.
    pub fn draw_axis(&self, pen: &mut Pen<'_>) {
        let (theme, end) = (self.view.theme, pen.width().saturating_sub(1));
        let mut taken = vec![false; usize::from(self.rows)];
        let mut take = |price: Price| {
            let row = self.scale.row(price);
            let place = taken.get_mut(usize::from(row))?;
            (!std::mem::replace(place, true)).then_some(row)
        };
        if let Some(bar) = self.bars.last() {
            let price = read::last(self.view, self.id).unwrap_or(bar.close);
            let text = format!(" {} ", read::price(self.view, self.id, price));
            let style = if read::away(self.view).is_none() {
                self.tag(self.color(bar))
            } else {
                bold(theme.text).bg(theme.selection)
            };
            if self.scale.shows(price)
                && let Some(row) = take(price)
            {
                pen.right(end.saturating_add(1), row, &text, style);
            }
        }
        for line in self.lines.iter().filter(|line| self.scale.shows(line.price)) {
            if let Some(row) = take(line.price) {
                pen.right(end, row, &self.line_price(line), line.color);
            }
        }
        // Where a small chart has no row left for the prices of its grid, a finer one has: two say what a row is worth.
        let mut told = 0;
        for apart in [GRID, GRID / 2, 1] {
            let prices = self.scale.grid(self.tick(), apart);
            let low_first = prices.last().filter(|_| apart < GRID);
            for price in low_first.into_iter().chain(&prices) {
                if (apart == GRID || told < 2)
                    && let Some(row) = take(*price)
                {
                    pen.right(end, row, &read::price(self.view, self.id, *price), theme.dim);
                    told += 1;
                }
            }
        }
    }

    /// Times and dates.
    pub fn draw_times(&self, pen: &mut Pen<'_>) {
        let Some(instrument) = self.view.state.instruments.get(&self.id) else {
            return;
        };
        let zone = read::zone(self.view, Some(self.id));
        let bars_a_cell = match self.density {
            Density::Cells(each) => (1, each),
            Density::Dots(each) => (each.saturating_mul(2), 1),
        };
        let labels = time::labels(
            &self.columns,
            |at| self.cell(at),
            self.cells,
            bars_a_cell,
            instrument.calendar,
            self.timeframe,
            &zone,
        );
        for label in labels {
            let color = if label.date {
                self.view.theme.text
            } else {
                self.view.theme.dim
            };
            pen.put_within(label.x, self.cells, 0, &label.text, color);
        }
    }
}
