//! Candles of the instrument on the desk, with volume, averages, the position, working orders and executions. What it
//! shows lies in [`columns`], what is ours in [`marks`], what stands under it in [`time`], the drawing in [`plot`]; here are
//! the pane's settings, its keys, and the order in which things are drawn.

mod columns;
mod marks;
mod plot;
mod time;

use super::read;
use crate::domain::{InstrumentId, Price, Timestamp};
use crate::market::{Bar, Timeframe};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::axis::Scale;
use crate::tui::widgets::candles::Dots;
use crate::tui::widgets::text::{Pen, width};
use columns::{Column, Density};
use marks::Line;
use plot::{Plot, UNDER};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The timeframes that keys choose from, shortest first.
pub const TIMEFRAMES: [Timeframe; 5] = [
    Timeframe::S5,
    Timeframe::M1,
    Timeframe::M5,
    Timeframe::H1,
    Timeframe::Day,
];
/// Periods of the averages.
const PERIODS: [usize; 2] = [9, 21];
/// Bars that one key scrolls.
const STEP: usize = 10;
/// Fewer bars than this are asked for anew when a timeframe is chosen.
const ENOUGH: usize = 120;

/// How bars look while one has a cell of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Look {
    #[default]
    Candles,
    Blocks,
    Dots,
}

/// The chart.
#[derive(Debug)]
pub struct Chart {
    timeframe: usize,
    /// Above zero: more cells a bar. Below: more bars a cell.
    zoom: i8,
    look: Look,
    volume: bool,
    studies: [bool; 2],
    /// The newest bar shown while scrolled back.
    held: Option<(InstrumentId, Timestamp)>,
}

impl Default for Chart {
    fn default() -> Self {
        Self::new()
    }
}

impl Chart {
    /// One-minute candles with volume and both averages, live.
    pub fn new() -> Self {
        Self {
            timeframe: 1,
            zoom: 0,
            look: Look::default(),
            volume: true,
            studies: [true; 2],
            held: None,
        }
    }
    /// What a bar is long.
    pub fn timeframe(&self) -> Timeframe {
        TIMEFRAMES.get(self.timeframe).copied().unwrap_or(Timeframe::M1)
    }
    /// The bars to ask for, where what is here would leave most of a chart empty.
    pub fn wants(&self, view: &View<'_>) -> Option<Wish> {
        let id = view.instrument?;
        let here = view.market.bars(id, self.timeframe()).len();
        (here < ENOUGH).then(|| Wish::Bars(id, self.timeframe()))
    }

    fn density(&self) -> Density {
        let zoom = if self.look == Look::Dots {
            self.zoom.min(-1)
        } else {
            self.zoom
        };
        match zoom {
            2.. => Density::Cells(3),
            1 => Density::Cells(2),
            0 => Density::Cells(1),
            -1 => Density::Dots(1),
            -2 => Density::Dots(2),
            -3 => Density::Dots(4),
            _ => Density::Dots(8),
        }
    }
    /// Place of the newest bar shown.
    fn newest(&self, view: &View<'_>, bars: &[Bar]) -> Option<usize> {
        let last = bars.len().checked_sub(1)?;
        match self.held {
            Some((id, at)) if view.instrument == Some(id) => Some(
                bars.partition_point(|bar| bar.start <= at)
                    .saturating_sub(1)
                    .min(last),
            ),
            _ => Some(last),
        }
    }
    fn scroll(&mut self, view: &View<'_>, older: bool, bars_each: usize) {
        let Some(id) = view.instrument else { return };
        let bars = view.market.bars(id, self.timeframe());
        let Some(newest) = self.newest(view, bars) else {
            return;
        };
        let step = bars_each.saturating_mul(usize::from(self.density().bars()));
        let to = if older {
            // Some bars always stay in sight.
            newest.saturating_sub(step).max(newest.min(STEP))
        } else {
            newest.saturating_add(step)
        };
        self.held = bars
            .get(to)
            .filter(|_| to + 1 < bars.len())
            .map(|bar| (id, bar.start));
    }
    fn choose(&mut self, timeframe: usize, view: &View<'_>) -> Vec<Wish> {
        self.timeframe = timeframe.min(TIMEFRAMES.len() - 1);
        self.held = None;
        self.wants(view).into_iter().collect()
    }
}

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

/// A scale for the columns, stretched to our own lines where they are near.
fn scale_of(columns: &[Column], lines: &[Line], tick: Price, rows: u16) -> Option<Scale> {
    let mut low = columns.iter().map(|column| column.bar.low).min()?;
    let mut high = columns.iter().map(|column| column.bar.high).max()?;
    let near = high.raw().saturating_sub(low.raw()) / 3;
    let (least, most) = (low.raw().saturating_sub(near), high.raw().saturating_add(near));
    for line in lines {
        if (least..=most).contains(&line.price.raw()) {
            low = low.min(line.price);
            high = high.max(line.price);
        }
    }
    Scale::around(low, high, tick, rows)
}

impl Pane for Chart {
    fn name(&self) -> &'static str {
        "chart"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let Some(id) = view.instrument else {
            return ("CHART".to_owned(), String::new());
        };
        let mut right = read::freshness(view, id).map_or_else(String::new, |word| format!("{word}   "));
        if self.studies.contains(&true) {
            right.push_str("EMA");
            for (period, _) in PERIODS.iter().zip(self.studies).filter(|(_, on)| *on) {
                right.push_str(&format!(" {period}"));
            }
            right.push_str("   ");
        }
        if self.volume {
            right.push_str("vol   ");
        }
        let bars = view.market.bars(id, self.timeframe());
        match (self.held, self.newest(view, bars)) {
            (Some((held, _)), Some(newest)) if held == id => {
                right.push_str(&format!("{} bars back", bars.len() - 1 - newest));
            }
            _ => right.push_str("← live"),
        }
        (format!("{id} {}", self.timeframe()), right)
    }

    fn render(&self, view: &View<'_>, area: Rect, _focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let Some(id) = view.instrument else {
            pen.say(&read::nothing(view, "no instrument on the desk"), view.theme.dim);
            return Hits::default();
        };
        let timeframe = self.timeframe();
        let bars = view.market.bars(id, timeframe);
        let Some(newest) = self.newest(view, bars) else {
            pen.say(&read::nothing(view, "no bars yet"), view.theme.dim);
            return Hits::default();
        };
        let (wide, high) = (pen.width(), pen.height());
        let label = width(&read::price(view, id, bars[newest].close));
        let axis = u16::try_from(label).unwrap_or(u16::MAX).saturating_add(2);
        let axis = if wide >= axis.saturating_mul(2) { axis } else { 0 };
        let times = u16::from(high >= 5);
        let volume_rows = if self.volume { volume_rows(high) } else { 0 };
        let rows = high.saturating_sub(times).saturating_sub(volume_rows);
        let cells = wide.saturating_sub(axis).saturating_sub(1);
        let density = self.density();
        let shown = columns::columns(bars, newest, density.columns(cells), density.bars(), timeframe);
        let lines = marks::lines(view);
        let tick = read::tick(view, id, bars[newest].close);
        let Some(scale) = scale_of(&shown, &lines, tick, rows) else {
            return Hits::default();
        };
        let plot = Plot {
            view,
            id,
            bars,
            timeframe,
            columns: shown,
            scale,
            density,
            cells,
            rows,
            volume_rows,
            lines,
        };
        {
            let mut inside = pen.part(1, 0, cells, rows);
            plot.draw_ground(&mut inside);
            plot.draw_bars(&mut inside, self.look);
            let mut dots = Dots::new(cells, rows);
            let studies = PERIODS.iter().zip(self.studies).zip(view.theme.study);
            for ((period, on), color) in studies {
                if on {
                    plot.draw_average(&mut dots, *period, color);
                }
            }
            dots.write(&mut inside, &UNDER);
            plot.draw_labels(&mut inside);
            plot.draw_executions(&mut inside);
        }
        plot.draw_volume(&mut pen.part(1, rows, cells, volume_rows));
        if axis > 0 {
            plot.draw_axis(&mut pen.part(wide - axis, 0, axis, rows));
        }
        if times > 0 {
            let bottom = high - 1;
            plot.draw_times(&mut pen.part(1, bottom, cells, 1));
            let zone = read::local(view, Some(id), bars[newest].start, "%Z");
            pen.right_within(
                wide - axis,
                wide.saturating_sub(1),
                bottom,
                &zone,
                view.theme.faint,
            );
        }
        Hits::default()
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        match action {
            Action::TimeframeNext => return Some(self.choose(self.timeframe + 1, view)),
            Action::TimeframePrevious => return Some(self.choose(self.timeframe.saturating_sub(1), view)),
            Action::Timeframe(n) => return Some(self.choose(usize::from(n), view)),
            Action::ZoomIn => self.zoom = (self.zoom + 1).min(2),
            Action::ZoomOut => self.zoom = (self.zoom - 1).max(-4),
            Action::ChartStyle => {
                self.look = match self.look {
                    Look::Candles => Look::Blocks,
                    Look::Blocks => Look::Dots,
                    Look::Dots => Look::Candles,
                }
            }
            Action::ToggleVolume => self.volume = !self.volume,
            Action::ToggleStudy => {
                self.studies = match self.studies {
                    [true, true] => [false, false],
                    [false, false] => [true, false],
                    [true, false] => [false, true],
                    [false, true] => [true, true],
                }
            }
            Action::ScrollLive | Action::Bottom => self.held = None,
            Action::Left => self.scroll(view, true, STEP),
            Action::Right => self.scroll(view, false, STEP),
            Action::PageUp => self.scroll(view, true, STEP * 6),
            Action::PageDown => self.scroll(view, false, STEP * 6),
            Action::Top => self.scroll(view, true, usize::MAX),
            _ => return None,
        }
        Some(Vec::new())
    }
}
