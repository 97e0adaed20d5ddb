//! Bars of an instrument with volume, studies, the position, working orders, executions and a crosshair. How it is set lies
//! in [`settings`], what it shows in [`columns`], values of studies in [`values`], what is ours in [`marks`]; the drawing in
//! [`draw`], [`plot`], [`around`], [`below`] and [`cross`]; movement in [`moves`]. Here are the pane and its keys.

mod around;
mod below;
mod chooser;
mod columns;
mod cross;
mod draw;
mod heikin;
mod marks;
mod moves;
mod near;
mod plot;
mod remembered;
pub mod settings;
#[cfg(test)]
mod tests;
mod time;
mod values;
pub(super) mod words;

use super::read;
use crate::domain::{ClientOrderId, InstrumentId, Price, Timestamp};
use crate::market::studies::StudySpec;
use crate::market::{Bar, Timeframe};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::ascii;
use crate::tui::widgets::text::Pen;
use chooser::Chooser;
use columns::Density;
use cross::Cross;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use settings::{Glyphs, Look, Style};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use values::Values;

/// Fewer bars than this are asked for anew.
const ENOUGH: usize = 120;
/// Studies on one chart at most.
const STUDIES: usize = 12;

/// What is on a chart that nobody has changed.
const FIRST_STUDIES: [StudySpec; 2] = [StudySpec::Ema(9), StudySpec::Ema(21)];

/// Where the last drawing put things, so that keys move by what is seen. Nothing but movement depends on it.
#[derive(Clone, Copy, Debug, Default)]
struct Drawn {
    /// Columns there was room for.
    columns: u16,
    /// What a row of prices stands for, in units of prices.
    row: i64,
}

/// The chart.
#[derive(Debug)]
pub struct Chart {
    name: &'static str,
    /// The length of bars that it begins with.
    usual: Timeframe,
    timeframe: Timeframe,
    /// Above zero: more cells a bar. Below: more bars a cell.
    zoom: i8,
    style: Style,
    glyphs: Glyphs,
    /// The terminal has no colours.
    bare: bool,
    volume: bool,
    studies: Vec<StudySpec>,
    /// The newest bar shown while scrolled back.
    held: Option<(InstrumentId, Timestamp)>,
    cross: Option<Cross>,
    /// The order that was last moved from here, and when.
    grip: Option<(ClientOrderId, Timestamp)>,
    chooser: Option<Chooser>,
    values: RefCell<Values>,
    drawn: Cell<Drawn>,
}

impl Default for Chart {
    fn default() -> Self {
        Self::new()
    }
}

impl Chart {
    /// One-minute candles with volume and two averages, live.
    pub fn new() -> Self {
        Self::of("chart", Timeframe::M1)
    }
    /// The same under another name with bars of another length: one of several beside each other.
    pub fn of(name: &'static str, timeframe: Timeframe) -> Self {
        Self {
            name,
            usual: timeframe,
            timeframe,
            zoom: 0,
            style: Style::default(),
            glyphs: Glyphs::default(),
            bare: false,
            volume: true,
            studies: FIRST_STUDIES.to_vec(),
            held: None,
            cross: None,
            grip: None,
            chooser: None,
            values: RefCell::default(),
            drawn: Cell::default(),
        }
    }
    /// What a bar is long.
    pub fn timeframe(&self) -> Timeframe {
        self.timeframe
    }
    /// Another length of bars.
    fn choose(&mut self, timeframe: Timeframe, view: &View<'_>) -> Vec<Wish> {
        self.timeframe = timeframe;
        (self.held, self.cross) = (None, None);
        self.wants(view).into_iter().collect()
    }
    /// True where shapes must say what colours can't.
    fn is_bare(&self, view: &View<'_>) -> bool {
        let grey = |color| matches!(color, ratatui::style::Color::Rgb(r, g, b) if r == g && g == b);
        self.bare || (grey(view.theme.up) && grey(view.theme.down))
    }
    fn density(&self) -> Density {
        let zoom = if self.glyphs == Glyphs::Dots {
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
    /// The crosshair, where it is on this instrument's chart.
    fn cross(&self, view: &View<'_>) -> Option<Cross> {
        self.cross.filter(|cross| view.instrument == Some(cross.id))
    }
    /// A word of the order line: `study add rsi 14`, `bars 15m`, `style area`.
    fn told(&mut self, word: &str, rest: &str, view: &View<'_>) -> Result<(String, Vec<Wish>), String> {
        match word {
            "bars" => {
                let timeframe = settings::timeframe(rest)?;
                Ok((format!("bars of {timeframe}"), self.choose(timeframe, view)))
            }
            "style" => {
                match settings::look(rest)? {
                    Look::Style(style) => self.style = style,
                    Look::Glyphs(glyphs) => self.glyphs = glyphs,
                }
                let said = format!("drawn as {} with {}", self.style.word(), self.glyphs.word());
                Ok((said, Vec::new()))
            }
            _ => Ok((self.study(rest)?, Vec::new())),
        }
    }
    fn study(&mut self, rest: &str) -> Result<String, String> {
        let (verb, what) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        let what = what.trim().to_ascii_lowercase();
        match verb.to_ascii_lowercase().as_str() {
            "add" => {
                let spec: StudySpec = what.parse().map_err(|error| format!("{error}"))?;
                if self.studies.contains(&spec) {
                    return Err(format!("{spec} is on the chart already"));
                }
                if self.studies.len() >= STUDIES {
                    return Err(format!(
                        "a chart has {STUDIES} studies at most; study remove takes one off"
                    ));
                }
                self.studies.push(spec);
                Ok(format!("{spec} is on the chart"))
            }
            "remove" | "rm" => {
                let named = |spec: &StudySpec| spec.name() == what || spec.to_string() == what;
                let before = self.studies.len();
                self.studies.retain(|spec| !named(spec));
                if self.studies.len() == before {
                    let names: Vec<String> = self.studies.iter().map(ToString::to_string).collect();
                    return Err(format!(
                        "there is no '{what}' on the chart; there are {}",
                        names.join(", ")
                    ));
                }
                Ok(format!("{what} is off the chart"))
            }
            "clear" => {
                self.studies.clear();
                Ok("the chart has no studies".to_owned())
            }
            _ => Err("study add NAME, study remove NAME or study clear".to_owned()),
        }
    }
    /// The bars to draw: those of the market, or candles of averages made of them.
    fn shown<'a>(&self, bars: &'a [Bar]) -> Cow<'a, [Bar]> {
        if self.style == Style::HeikinAshi {
            Cow::Owned(heikin::candles(bars))
        } else {
            Cow::Borrowed(bars)
        }
    }
}

impl Pane for Chart {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let Some(id) = view.instrument else {
            return ("CHART".to_owned(), String::new());
        };
        // What is dropped first where there is little room stands first.
        let mut said: Vec<String> = self.studies.iter().map(ToString::to_string).collect();
        if self.volume {
            said.push("vol".to_owned());
        }
        if self.style != Style::Candles {
            said.push(self.style.word().to_owned());
        }
        said.push(words::adjustment(view, id).to_owned());
        said.extend(words::freshness(view, id));
        if let Some(order) = self.pointed(view) {
            said.push(format!("{}: e x K J", order.spec));
        }
        let bars = view.market.bars(id, self.timeframe);
        said.extend(match (self.held, self.newest(view, bars)) {
            _ if self.cross(view).is_some() => Some("✛ Esc leaves".to_owned()),
            (Some((held, _)), Some(newest)) if held == id => {
                Some(format!("{} bars back", bars.len() - 1 - newest))
            }
            _ if read::away(view).is_some() => None,
            _ => Some("← live".to_owned()),
        });
        (format!("{id} {}", self.timeframe), said.join("   "))
    }

    fn render(&self, view: &View<'_>, area: Rect, _focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        self.draw_chart(view, &mut pen);
        if let Some(chooser) = &self.chooser {
            chooser.draw(&mut pen, view);
        }
        if self.glyphs == Glyphs::Ascii {
            ascii::rewrite(buf, area);
        }
        Hits::default()
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        if let Some(chooser) = &mut self.chooser {
            if matches!(action, Action::Escape | Action::ToggleStudy) {
                self.chooser = None;
                return Some(Vec::new());
            }
            if chooser.act(action) {
                self.studies = chooser.chosen();
                self.studies.truncate(STUDIES);
                return Some(Vec::new());
            }
        }
        match action {
            Action::TimeframeNext => return Some(self.choose(settings::step(self.timeframe, true), view)),
            Action::TimeframePrevious => {
                return Some(self.choose(settings::step(self.timeframe, false), view));
            }
            Action::Timeframe(n) => {
                let timeframe = settings::SHORTCUTS.get(usize::from(n)).copied();
                return Some(self.choose(timeframe.unwrap_or(self.timeframe), view));
            }
            Action::ZoomIn => self.zoom = (self.zoom + 1).min(2),
            Action::ZoomOut => self.zoom = (self.zoom - 1).max(-4),
            Action::ChartStyle => self.style = self.style.next(),
            Action::ChartGlyphs => self.glyphs = self.glyphs.next(),
            Action::ToggleVolume => self.volume = !self.volume,
            Action::ToggleStudy => self.chooser = Some(Chooser::new(&self.studies)),
            _ => return self.act_on_order(action, view).or_else(|| self.go(action, view)),
        }
        Some(Vec::new())
    }

    fn price(&self, view: &View<'_>) -> Option<Price> {
        self.cross(view).map(|cross| cross.price)
    }

    fn wants(&self, view: &View<'_>) -> Option<Wish> {
        let id = view.instrument?;
        let here = view.market.bars(id, self.timeframe).len();
        (here < ENOUGH).then_some(Wish::Bars(id, self.timeframe))
    }

    fn word(&mut self, word: &str, rest: &str, view: &View<'_>) -> Option<Result<Vec<Wish>, String>> {
        let mine = matches!(word, "study" | "bars" | "style");
        mine.then(|| {
            let (said, mut wishes) = self.told(word, rest, view)?;
            wishes.push(Wish::Say(said));
            Ok(wishes)
        })
    }

    fn remember(&self) -> toml::Table {
        self.to_remember()
    }

    fn recall(&mut self, table: &toml::Table) {
        self.take_remembered(table);
    }

    fn has_open(&self, view: &View<'_>) -> bool {
        self.chooser.is_some() || self.cross(view).is_some()
    }

    fn without_colour(&mut self) {
        self.bare = true;
    }
}
