//! How a chart is set: what a bar is long, how bars are drawn, and with which characters. Words and keys for each.

use crate::market::Timeframe;

/// The timeframes behind `g 1` to `g 9`.
pub const SHORTCUTS: [Timeframe; 9] = [
    Timeframe::S5,
    Timeframe::M1,
    Timeframe::M5,
    Timeframe::H1,
    Timeframe::Day,
    Timeframe::M15,
    Timeframe::Seconds(14_400),
    Timeframe::Week,
    Timeframe::Month,
];

/// How bars are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Bodies and wicks.
    #[default]
    Candles,
    /// A stem with the open at its left and the close at its right.
    Bars,
    /// Candles of averages, which show direction and hide gaps; the axis keeps the real last price.
    HeikinAshi,
    /// The closes as a line.
    Line,
    /// The same with the ground under it filled.
    Area,
}

impl Style {
    /// All, in the order of the key.
    pub const ALL: [Self; 5] = [
        Self::Candles,
        Self::Bars,
        Self::HeikinAshi,
        Self::Line,
        Self::Area,
    ];
    /// The next one.
    pub fn next(self) -> Self {
        next(&Self::ALL, self)
    }
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Candles => "candles",
            Self::Bars => "bars",
            Self::HeikinAshi => "heikin-ashi",
            Self::Line => "line",
            Self::Area => "area",
        }
    }
}

/// Which characters bars are drawn with, where each has a column of its own. More bars than columns are braille in all but
/// the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// Lines, light and heavy: two steps a row, crisp in every font.
    #[default]
    Box,
    /// Half blocks.
    Blocks,
    /// Braille, two bars a column and four steps a row.
    Dots,
    /// Letters and signs that every terminal has.
    Ascii,
}

impl Glyphs {
    /// All, in the order of the key.
    pub const ALL: [Self; 4] = [Self::Box, Self::Blocks, Self::Dots, Self::Ascii];
    /// The next ones.
    pub fn next(self) -> Self {
        next(&Self::ALL, self)
    }
    /// Their word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Box => "lines",
            Self::Blocks => "blocks",
            Self::Dots => "braille",
            Self::Ascii => "ascii",
        }
    }
}

/// The one after `here`, and the first after the last.
fn next<T: Copy + PartialEq>(all: &[T], here: T) -> T {
    let at = all.iter().position(|one| *one == here).map_or(0, |at| at + 1);
    all.get(at).or(all.first()).copied().unwrap_or(here)
}

/// What a word after `:style` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Another way to draw bars.
    Style(Style),
    /// Other characters.
    Glyphs(Glyphs),
}

/// Reads a word after `:style`; the error names all of them.
pub fn look(word: &str) -> Result<Look, String> {
    let word = word.trim().to_ascii_lowercase();
    let style = Style::ALL
        .into_iter()
        .find(|style| style.word() == word || (word == "ha" && *style == Style::HeikinAshi));
    let glyphs = Glyphs::ALL.into_iter().find(|glyphs| glyphs.word() == word);
    style
        .map(Look::Style)
        .or(glyphs.map(Look::Glyphs))
        .ok_or_else(|| {
            let styles = Style::ALL.map(Style::word).join(", ");
            let glyphs = Glyphs::ALL.map(Glyphs::word).join(", ");
            format!("style what: {styles}; or drawn with {glyphs}")
        })
}

/// The timeframe one step longer or shorter among those a chart offers.
pub fn step(timeframe: Timeframe, longer: bool) -> Timeframe {
    let all = Timeframe::CHARTED;
    let at = all.iter().position(|one| *one == timeframe).unwrap_or(3);
    let to = if longer { at + 1 } else { at.saturating_sub(1) };
    all.get(to).copied().unwrap_or(timeframe)
}

/// Reads a timeframe after `:bars`; only those a chart offers.
pub fn timeframe(word: &str) -> Result<Timeframe, String> {
    let word = word.trim();
    let read = word.parse().ok().filter(|read| Timeframe::CHARTED.contains(read));
    read.ok_or_else(|| {
        let names: Vec<String> = Timeframe::CHARTED.iter().map(ToString::to_string).collect();
        format!("bars of what length: {}", names.join(" "))
    })
}
