//! The order in which a chart is drawn, and how its room is shared out: prices, volume, studies of their own, times, and
//! the axis beside them.

use super::columns::{self, Column};
use super::cross::Cross;
use super::marks::{self, Line};
use super::plot::Plot;
use super::{Chart, Drawn, below, read, words};
use crate::domain::Price;
use crate::market::Timeframe;
use crate::tui::pane::View;
use crate::tui::widgets::axis::Scale;
use crate::tui::widgets::text::{Pen, width};
use std::cmp::Ordering;

/// How many rows volume gets of `rows`.
fn volume_rows(rows: u16) -> u16 {
    match rows {
        0..=9 => 0,
        10..=13 => 2,
        14..=23 => 3,
        24..=39 => 4,
        _ => 5,
    }
}

/// A scale for the columns, stretched to our own lines where they are near, and to a price that is held.
fn scale_of(
    columns: &[Column],
    lines: &[Line],
    held: Option<Price>,
    tick: Price,
    rows: u16,
) -> Option<Scale> {
    let mut low = columns.iter().map(|column| column.bar.low).min()?;
    let mut high = columns.iter().map(|column| column.bar.high).max()?;
    let near = high.raw().saturating_sub(low.raw()) / 3;
    let (least, most) = (low.raw().saturating_sub(near), high.raw().saturating_add(near));
    let near = lines.iter().map(|line| line.price);
    for price in near
        .filter(|price| (least..=most).contains(&price.raw()))
        .chain(held)
    {
        low = low.min(price);
        high = high.max(price);
    }
    Scale::around(low, high, tick, rows)
}

/// Fewer rows than these are not left to the bars for the sake of words.
const LEFT: u16 = 4;

/// Where the parts of a chart are: cells and rows.
struct Parts {
    axis: u16,
    cells: u16,
    /// Rows of words over the bars, of the bars, and of words under them.
    head: u16,
    rows: u16,
    foot: u16,
    volume: u16,
    below: (u16, u16),
    times: u16,
}

impl Parts {
    /// Gives words rows of their own, so that none lies on a bar: `head` above and `foot` below, as far as there are rows.
    fn give(&mut self, head: u16, foot: u16) {
        let spare = self.rows.saturating_sub(LEFT);
        self.head = head.min(spare);
        self.foot = foot.min(spare - self.head);
        self.rows -= self.head + self.foot;
    }
    /// The rows of the bars and of the words around them.
    fn all(&self) -> u16 {
        self.head + self.rows + self.foot
    }
    /// There is room to say what the lines of studies are.
    fn has_legend(&self) -> bool {
        self.cells >= 50 && self.all() >= 10
    }
}

impl Chart {
    fn parts(&self, label: usize, wide: u16, high: u16) -> Parts {
        let axis = u16::try_from(label).unwrap_or(u16::MAX).saturating_add(2);
        let axis = if wide >= axis.saturating_mul(2) { axis } else { 0 };
        let times = u16::from(high >= 5);
        let own = self.studies.iter().filter(|spec| !spec.is_price()).count();
        let below = below::room(high.saturating_sub(times), own);
        let rest = high.saturating_sub(times).saturating_sub(below.0 * below.1);
        let volume = match volume_rows(rest) {
            _ if !self.volume => 0,
            // A study below takes rows of the bars, not the volume: six of theirs are still a chart.
            0 if below.1 > 0 && rest >= 8 => 2,
            rows => rows,
        };
        Parts {
            axis,
            cells: wide.saturating_sub(axis).saturating_sub(1),
            head: 0,
            rows: rest.saturating_sub(volume),
            foot: 0,
            volume,
            below,
            times,
        }
    }
    fn draw(&self, plot: &Plot<'_, '_>, parts: &Parts, pen: &mut Pen<'_>, cross: Option<Cross>) {
        let wide = pen.width();
        let (cells, rows) = (parts.cells, parts.rows);
        let told = cross.map_or(plot.columns.len().saturating_sub(1), |cross| {
            plot.column_at(&cross)
        });
        {
            let mut inside = pen.part(1, parts.head, cells, rows);
            plot.draw_ground(&mut inside);
            plot.draw_bars(&mut inside);
            plot.draw_studies(&mut inside);
            if let Some(cross) = &cross {
                plot.draw_cross(&mut inside, cross);
            }
            let mut words = pen.part(1, 0, cells, parts.all());
            let free = plot.draw_labels(&mut words);
            let beside = free.get(usize::from(parts.head)..).unwrap_or_default();
            plot.draw_executions(&mut pen.part(1, parts.head, cells, rows), beside);
            let mut words = pen.part(1, 0, cells, parts.all());
            let row = parts.head.saturating_sub(1);
            let free = free.get(usize::from(row)).copied().unwrap_or(0);
            if let Some(cross) = cross {
                plot.draw_reading(&mut words, &cross);
            }
            if cross.map_or(parts.has_legend(), |_| row > 0) {
                plot.draw_legend(&mut words, free, row, told);
            }
        }
        let mut y = parts.all();
        {
            let mut inside = pen.part(1, y, cells, parts.volume);
            plot.draw_volume(&mut inside);
            if cross.is_some() {
                plot.draw_upright(&mut inside, plot.cell(told), parts.volume);
            }
        }
        y += parts.volume;
        let own = self
            .studies
            .iter()
            .enumerate()
            .filter(|(_, spec)| !spec.is_price());
        for (n, spec) in own.take(usize::from(parts.below.1)) {
            let mut part = pen.part(0, y, wide, parts.below.0);
            plot.draw_below(&mut part, n, *spec, told, parts.axis);
            if cross.is_some() {
                let rows = parts.below.0.saturating_sub(1);
                plot.draw_upright(&mut part.part(1, 1, cells, rows), plot.cell(told), rows);
            }
            y += parts.below.0;
        }
        if parts.axis > 0 {
            let mut side = pen.part(wide - parts.axis, parts.head, parts.axis, rows);
            plot.draw_axis(&mut side);
            if let Some(cross) = cross {
                plot.draw_cross_price(&mut side, &cross);
            }
        }
        if parts.times > 0 {
            let mut line = pen.part(1, y, cells, 1);
            plot.draw_times(&mut line);
            if let Some(cross) = cross {
                plot.draw_cross_time(&mut line, &cross);
            }
            // A day and what is longer is no moment in a zone.
            let has_zone = matches!(plot.timeframe, Timeframe::Seconds(_));
            if let Some(column) = plot.columns.last().filter(|_| has_zone) {
                let zone = read::local(plot.view, Some(plot.id), column.bar.start, "%Z");
                let end = wide.saturating_sub(1);
                pen.right_within(wide - parts.axis, end, y, &zone, plot.view.theme.faint);
            }
        }
    }
    /// Everything but the chooser; false where there are no bars.
    pub(super) fn draw_chart(&self, view: &View<'_>, pen: &mut Pen<'_>) -> bool {
        let Some(id) = view.instrument else {
            pen.say(&read::nothing(view, "no instrument on the desk"), view.theme.dim);
            return false;
        };
        let timeframe = self.timeframe;
        let bars = view.market.bars(id, timeframe);
        let Some(newest) = self.newest(view, bars) else {
            pen.say(&words::nothing(view, id, timeframe), view.theme.dim);
            return false;
        };
        let label = width(&read::price(view, id, bars[newest].close));
        let mut parts = self.parts(label, pen.width(), pen.height());
        let density = self.density();
        let seen = self.shown(bars);
        let room = density.columns(parts.cells);
        let columns = columns::columns(&seen, newest, room, density.bars(), timeframe);
        let lines = marks::lines(view);
        let tick = read::tick(view, id, bars[newest].close);
        let cross = self.cross(view);
        let held = cross.map(|cross| cross.price);
        // What a scale shows does not hang on its rows.
        let Some(scale) = scale_of(&columns, &lines, held, tick, parts.rows) else {
            return false;
        };
        let beyond = |side| lines.iter().any(|line| scale.beyond(line.price) == Some(side));
        let has_studies = self.studies.iter().any(|spec| spec.is_price());
        let said = beyond(Ordering::Greater) || (has_studies && (cross.is_some() || parts.has_legend()));
        let head = u16::from(cross.is_some()) + u16::from(said);
        parts.give(head, u16::from(beyond(Ordering::Less)));
        let Some(scale) = scale_of(&columns, &lines, held, tick, parts.rows) else {
            return false;
        };
        // A page goes by what the bars need: by a scale that the crosshair itself stretches, it would go ever farther.
        let unheld = scale_of(&columns, &lines, None, tick, parts.rows);
        self.drawn.set(Drawn {
            columns: room,
            row: unheld.map_or(0, |scale| scale.per_row()),
        });
        let mut values = self.values.borrow_mut();
        if let Some(instrument) = view.state.instruments.get(&id) {
            values.refresh((id, timeframe), instrument.calendar, bars, &self.studies);
        }
        let plot = Plot {
            view,
            id,
            bars,
            timeframe,
            columns,
            scale,
            density,
            cells: parts.cells,
            head: parts.head,
            rows: parts.rows,
            foot: parts.foot,
            look: self.style,
            glyphs: self.glyphs,
            bare: self.is_bare(view),
            lines,
            studies: &self.studies,
            values: &values,
        };
        self.draw(&plot, &parts, pen, cross);
        true
    }
}
