//! Studies that have a part of the chart for themselves: a title row with their values, then their lines over a scale of
//! their own, with the values of its ends at the right.

use super::columns::Column;
use super::plot::Plot;
use crate::market::studies::{Place, StudySpec};
use crate::tui::widgets::candles::Dots;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, ink};
use ratatui::style::Color;

/// What dots of lines may cover.
const OVER: [char; 8] = [' ', '┈', '╎', '┊', '█', '▀', '▄', '░'];

/// From the lowest to the highest value that is shown.
#[derive(Clone, Copy, Debug)]
struct Range {
    low: f64,
    high: f64,
}

impl Range {
    /// Which of `steps` parts holds a value, 0 at the top; nothing beyond the ends.
    fn part(self, value: f64, steps: u16) -> Option<u16> {
        let share = (self.high - value) / (self.high - self.low);
        if !(0.0..=1.0).contains(&share) {
            return None;
        }
        let at = (share * f64::from(steps.saturating_sub(1))).round();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between nothing and the number of steps"
        )]
        Some(at as u16)
    }
}

/// Rows for so many studies below the bars, of `high` rows in all: rows of each, and how many of them fit.
pub fn room(high: u16, studies: usize) -> (u16, u16) {
    let each = match high {
        0..=7 => 0,
        8..=19 => 3,
        20..=29 => 4,
        30..=44 => 5,
        _ => 6,
    };
    let Some(most) = (high / 2).checked_div(each) else {
        return (0, 0);
    };
    (each, most.min(u16::try_from(studies).unwrap_or(u16::MAX)))
}

impl Plot<'_, '_> {
    /// One study below the bars: `n` is its place among all, `column` the one whose values are told. `axis` cells at the
    /// right are for the ends of its scale.
    pub fn draw_below(&self, pen: &mut Pen<'_>, n: usize, spec: StudySpec, column: usize, axis: u16) {
        let (theme, wide, high) = (self.view.theme, pen.width(), pen.height());
        let (left, rows) = (1, high.saturating_sub(1));
        pen.line(0, wide, 0, '┈', theme.rule);
        let mut x = pen.put_within(1, wide, 0, &format!(" {spec} "), ink(self.study_color(n)));
        let told = self
            .columns
            .get(column)
            .and_then(|column| self.point(spec, column));
        for (line, name) in spec.lines().iter().enumerate() {
            let value = told.map_or(f64::NAN, |point| point[line]);
            // The first line of many is called as the study itself.
            let name = if *name == spec.name() { "" } else { name };
            let gap = if name.is_empty() { "" } else { " " };
            let text = format!("{name}{gap}{} ", self.amount(spec, value));
            x = pen.put_within(x, wide, 0, &text, ink(self.line_color(n, line)));
        }
        let Some(range) = self.range(spec) else { return };
        let mut inside = pen.part(left, 1, self.cells, rows);
        self.draw_breaks(&mut inside, rows);
        if let Place::Percent(low, high) = spec.place() {
            for guide in [low, high] {
                if let Some(row) = range.part(guide, rows).filter(|_| rows > 2) {
                    inside.line(0, self.cells, row, '┈', theme.rule);
                }
            }
        }
        let is_histogram = matches!(spec, StudySpec::Macd(..) | StudySpec::MacdFirst(..));
        if is_histogram {
            self.draw_histogram(&mut inside, spec, range);
        }
        let mut dots = Dots::new(self.cells, rows);
        let lines = if is_histogram { 2 } else { spec.lines().len() };
        for line in (0..lines).rev() {
            self.draw_line(&mut dots, (spec, line), range, rows, self.line_color(n, line));
        }
        dots.write(&mut inside, &OVER);
        if axis > 0 && rows > 1 {
            let mut side = pen.part(wide.saturating_sub(axis), 1, axis, rows);
            // What a percentage is held against, else the ends of the scale.
            let ends = match spec.place() {
                Place::Percent(low, high) => [high, low],
                _ => [range.high, range.low],
            };
            for value in ends {
                if let Some(row) = range.part(value, rows) {
                    side.right(
                        axis.saturating_sub(1),
                        row,
                        &self.amount(spec, value),
                        theme.faint,
                    );
                }
            }
        }
    }
    /// Lines of one study differ: the first has the study's colour, the others those of up and down.
    fn line_color(&self, n: usize, line: usize) -> Color {
        match line {
            0 => self.study_color(n),
            1 => self.view.theme.up,
            _ => self.view.theme.down,
        }
    }
    fn amount(&self, spec: StudySpec, value: f64) -> String {
        if !value.is_finite() {
            return number::UNKNOWN.to_owned();
        }
        match spec {
            StudySpec::Obv => {
                let value = value.clamp(-1e18, 1e18) * 1e8;
                #[allow(clippy::cast_possible_truncation, reason = "held in range just now")]
                let raw = value as i128;
                number::short(raw)
            }
            _ if spec.place() == Place::Own => self.study_price(Some(value)),
            _ => format!("{value:.1}"),
        }
    }
    /// What its visible values reach over; zero is among them where they have a histogram.
    fn range(&self, spec: StudySpec) -> Option<Range> {
        let points = self.columns.iter().filter_map(|column| self.point(spec, column));
        let values = points.flatten().filter(|value| value.is_finite());
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = match spec {
            StudySpec::Macd(..) | StudySpec::MacdFirst(..) => (low.min(0.0), high.max(0.0)),
            // It seldom comes near its upper end.
            StudySpec::Adx(_) if high.is_finite() => (0.0, high.max(50.0)),
            // From what it is held against on: over all of a hundred it is a flat line in the few rows that there are.
            _ if high.is_finite() && matches!(spec.place(), Place::Percent(..)) => match spec.place() {
                Place::Percent(least, most) => (low.min(least), high.max(most)),
                _ => (low, high),
            },
            _ => (low, high),
        };
        if low.is_finite() && high.is_finite() && (high - low).is_finite() && low < high {
            return Some(Range { low, high });
        }
        // All the same: a line in the middle.
        let flat = Range {
            low: low - 1.0,
            high: low + 1.0,
        };
        (low.is_finite() && flat.low < flat.high).then_some(flat)
    }
    fn draw_line(
        &self,
        dots: &mut Dots,
        (spec, line): (StudySpec, usize),
        range: Range,
        rows: u16,
        color: Color,
    ) {
        let steps = rows.saturating_mul(Dots::PER_ROW);
        let at = |column: &Column| {
            let value = self.point(spec, column)?[line];
            range.part(value, steps)
        };
        let mut last: Option<u16> = None;
        for (n, column) in self.columns.iter().enumerate() {
            let here = at(column);
            let (x, wide) = self.dots_of(n);
            if let Some(y) = here {
                dots.column(x, last.unwrap_or(y), y, color);
                for dot in 1..wide {
                    dots.set(x.saturating_add(dot), y, color);
                }
            }
            last = here;
        }
    }
    /// What is between a difference and its signal, as bars from zero.
    fn draw_histogram(&self, pen: &mut Pen<'_>, spec: StudySpec, range: Range) {
        let rows = pen.height();
        let halves = rows.saturating_mul(2);
        let Some(zero) = range.part(0.0, halves) else {
            return;
        };
        for (n, column) in self.columns.iter().enumerate() {
            let value = self.point(spec, column).map_or(f64::NAN, |point| point[2]);
            let Some(end) = range.part(value, halves) else {
                continue;
            };
            let rises = value >= 0.0;
            let color = if rises {
                self.view.theme.up_back
            } else {
                self.view.theme.down_back
            };
            let color = if self.bare { Color::Reset } else { color };
            let (top, bottom) = (end.min(zero), end.max(zero));
            for row in top / 2..=bottom / 2 {
                let (upper, lower) = (top <= row * 2, row * 2 < bottom);
                let glyph = match (upper, lower) {
                    // Without colours what is below zero is lighter.
                    _ if self.bare && !rises => '░',
                    (true, true) => '█',
                    (true, false) => '▀',
                    _ => '▄',
                };
                pen.glyph(self.cell(n), row, glyph, color);
            }
        }
    }
}
