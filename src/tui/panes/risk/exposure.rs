//! What the account is exposed to: by symbol, by sector and by currency, longs and shorts, with its share of the account's
//! worth as a number and as a bar. `=` goes through all three, or shows one alone. What is not known says whose price or
//! rate is missing.

use super::{Kept, percent, whole};
use crate::domain::{Currency, InstrumentId, Money, SafeText};
use crate::engine::figures::{Exposure, Figures, Held, Sum};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::panes::read;
use crate::tui::widgets::columns::{Cell, Column, Look, table};
use crate::tui::widgets::list::Cursor;
use crate::tui::widgets::text::{Pen, bold, ink};
use crate::tui::widgets::{number, sparkline};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// In what order the columns stand.
const COLUMNS: [Column; 8] = [
    Column::text("", 12, 0),
    Column::number("net", 11, 0),
    Column::number("%", 6, 0),
    Column::text("of worth", BAR, 2),
    Column::number("long", 11, 3),
    Column::number("short", 11, 4),
    Column::number("beta", 5, 5).if_said(),
    Column::text("sector", 12, 6).if_said(),
];
/// Cells of a bar.
const BAR: u16 = 10;
/// With fewer rows there is no foot.
const WITH_FOOT: u16 = 4;

/// Which lists are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shown {
    #[default]
    All,
    Symbols,
    Sectors,
    Currencies,
}

impl Shown {
    fn next(self) -> Self {
        match self {
            Self::All => Self::Symbols,
            Self::Symbols => Self::Sectors,
            Self::Sectors => Self::Currencies,
            Self::Currencies => Self::All,
        }
    }
    fn word(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Symbols => " by symbol",
            Self::Sectors => " by sector",
            Self::Currencies => " by currency",
        }
    }
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Head(&'static str),
    Symbol(InstrumentId),
    Sector(u16),
    Currency(Currency),
}

/// The exposure.
#[derive(Debug, Default)]
pub struct ExposurePane {
    kept: Kept,
    cursor: Cursor<Key>,
    shown: Shown,
}

impl ExposurePane {
    /// Of the account on the desk.
    pub fn new() -> Self {
        Self::default()
    }

    fn keys(&self, exposure: &Exposure) -> Vec<Key> {
        let all = self.shown == Shown::All;
        let mut keys = Vec::new();
        let mut list = |wanted: Shown, head: &'static str, rows: Vec<Key>| {
            if all && !rows.is_empty() {
                keys.push(Key::Head(head));
            }
            if all || self.shown == wanted {
                keys.extend(rows);
            }
        };
        let symbols = exposure.held.iter().map(|held| Key::Symbol(held.instrument));
        list(Shown::Symbols, "by symbol", symbols.collect());
        let sectors = (0..u16::try_from(exposure.sectors.len()).unwrap_or(u16::MAX)).map(Key::Sector);
        list(Shown::Sectors, "by sector", sectors.collect());
        let currencies = exposure
            .currencies
            .iter()
            .map(|(currency, _)| Key::Currency(*currency));
        list(Shown::Currencies, "by currency", currencies.collect());
        keys
    }
}

/// What makes the rows.
struct Rows<'a> {
    view: &'a View<'a>,
    all: &'a Figures,
    /// What a full bar is: the worth, or the largest where that is more.
    most: i128,
}

impl Rows<'_> {
    fn cells(&self, key: Key) -> [Cell; 8] {
        let exposure = &self.all.exposure;
        match key {
            Key::Head(word) => {
                let mut cells: [Cell; 8] = Default::default();
                cells[0] = Cell::new(word, ink(self.view.theme.faint));
                cells
            }
            Key::Symbol(id) => {
                let at = exposure.held.iter().position(|held| held.instrument == id);
                at.and_then(|at| Some(self.symbol(exposure.held.get(at)?, at)))
                    .unwrap_or_default()
            }
            Key::Sector(at) => {
                let row = exposure.sectors.get(usize::from(at));
                row.map_or_else(Default::default, |(sector, sum)| {
                    let counts = sector.counts();
                    self.sum(sector.word().to_owned(), sum, counts)
                })
            }
            Key::Currency(currency) => {
                let row = exposure.currencies.iter().find(|(of, _)| *of == currency);
                row.map_or_else(Default::default, |(of, sum)| self.sum(of.to_string(), sum, false))
            }
        }
    }

    fn bar(&self, size: Option<Money>) -> String {
        size.map_or_else(String::new, |size| sparkline::bar(size.raw(), self.most, BAR))
    }

    fn amount(&self, amount: Option<Money>) -> Cell {
        let style = amount.map_or(self.view.theme.faint, |_| self.view.theme.text);
        Cell::new(self.view.ours(whole(amount)), ink(style))
    }

    fn symbol(&self, held: &Held, at: usize) -> [Cell; 8] {
        let (view, theme) = (self.view, self.view.theme);
        let value = held.in_base.as_ref().ok().copied();
        let size = value.map(Money::abs);
        let side = |wanted: bool| {
            let amount = value.filter(|value| (*value < Money::ZERO) == wanted);
            match (value, amount) {
                (None, _) => self.amount(None),
                (_, None) => Cell::default(),
                (_, some) => self.amount(some.map(Money::abs)),
            }
        };
        let beta = self
            .all
            .stress
            .betas
            .get(at)
            .and_then(|(_, beta)| beta.as_ref().ok());
        let symbol = if view.instrument == Some(held.instrument) {
            bold(theme.bright)
        } else {
            ink(theme.text)
        };
        let colour = if held.quantity.is_negative() {
            theme.down
        } else {
            theme.up
        };
        [
            Cell::new(held.instrument.to_string(), symbol),
            self.amount(value),
            Cell::new(percent(self.all.exposure.share_bps(size)), ink(theme.text)),
            Cell::new(self.bar(size), ink(colour)),
            side(false),
            side(true),
            Cell::new(
                beta.map_or_else(|| number::UNKNOWN.to_owned(), |beta| format!("{beta:.2}")),
                ink(theme.dim),
            ),
            Cell::new(held.sector.word().to_owned(), ink(theme.dim)),
        ]
    }

    fn sum(&self, name: String, sum: &Sum, limited: bool) -> [Cell; 8] {
        let theme = self.view.theme;
        let share = self.all.exposure.share_bps(sum.gross());
        let limits = self.view.state.limits_of(self.all.exposure.account);
        let near = |bps: i64, limit: u32| limit > 0 && bps >= i64::from(limit);
        let (sign, style) = match share {
            Some(bps) if limited && near(bps, limits.max_sector_bps) => ("!", bold(theme.error)),
            Some(bps) if limited && near(bps, limits.warn_sector_bps) => ("!", bold(theme.warn)),
            _ => ("", ink(theme.text)),
        };
        let known = |amount: Money| sum.unknown.is_none().then_some(amount);
        [
            Cell::new(format!("{sign}{name}"), style),
            self.amount(sum.net()),
            Cell::new(percent(share), style),
            Cell::new(self.bar(sum.gross()), ink(theme.position)),
            self.amount(known(sum.long)),
            self.amount(known(sum.short)),
            Cell::default(),
            Cell::default(),
        ]
    }
}

/// The first thing that is not known, in words.
fn unknown(exposure: &Exposure) -> Option<&str> {
    let sums = exposure.currencies.iter().map(|(_, sum)| sum);
    let mut sums = std::iter::once(&exposure.all).chain(sums);
    sums.find_map(|sum| sum.unknown.as_deref())
        .or(exposure.worth.as_ref().err().map(String::as_str))
}

impl Pane for ExposurePane {
    fn name(&self) -> &'static str {
        "exposure"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let right = self.kept.look(view, |all| {
            let exposure = &all.ok()?.exposure;
            let share = |amount| percent(exposure.share_bps(amount));
            let worth = whole(exposure.worth.as_ref().ok().copied());
            Some(format!(
                "gross {} %  net {} %  worth {} {}",
                share(exposure.all.gross()),
                share(exposure.all.net()),
                view.ours(worth),
                exposure.base
            ))
        });
        let mut right = right.flatten().unwrap_or_default();
        if let Some(old) = read::stale(view) {
            right.push_str(&format!("  {old}"));
        }
        (format!("EXPOSURE{}", self.shown.word()), right)
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let drawn = self.kept.look(view, |all| {
            let all = match all {
                Ok(all) => all,
                Err(why) => {
                    pen.say(&read::nothing(view, why), view.theme.dim);
                    return Hits::default();
                }
            };
            let keys = self.keys(&all.exposure);
            if keys.is_empty() {
                pen.say(&read::nothing(view, "nothing is held"), view.theme.dim);
                return Hits::default();
            }
            let (wide, high) = (pen.width(), pen.height());
            let why = unknown(&all.exposure).filter(|_| high >= WITH_FOOT);
            if let Some(why) = why {
                pen.put_within(
                    1,
                    wide.saturating_sub(1),
                    high - 1,
                    &format!("! {why}"),
                    view.theme.warn,
                );
            }
            let mut pen = pen.part(0, 0, wide, high - u16::from(why.is_some()));
            let largest = all.exposure.all.gross().unwrap_or_default();
            let worth = all.exposure.worth.as_ref().ok().copied().unwrap_or_default();
            let rows = Rows {
                view,
                all,
                most: largest.raw().max(worth.raw()),
            };
            let look = Look {
                head: view.theme.faint,
                selection: view.theme.selection,
            };
            let cursor = self.cursor.position(&keys).filter(|_| focused);
            let rows = table(&mut pen, COLUMNS, look, keys.len(), cursor, |at| {
                keys.get(at).map_or_else(Default::default, |key| rows.cells(*key))
            });
            Hits { rows }
        });
        drawn.unwrap_or_else(|| {
            Pen::new(buf, area).say(&read::nothing(view, "no account yet"), view.theme.dim);
            Hits::default()
        })
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        if action == Action::Sort {
            self.shown = self.shown.next();
            return Some(Vec::new());
        }
        let keys = self
            .kept
            .look(view, |all| all.ok().map(|all| self.keys(&all.exposure)))??;
        match (action, self.cursor.held(&keys)) {
            (Action::Enter, Some(Key::Symbol(id))) => Some(vec![Wish::Select(id)]),
            (Action::Enter, _) => Some(Vec::new()),
            _ => self.cursor.act(action, &keys, None).then(Vec::new),
        }
    }

    fn wants(&self, view: &View<'_>) -> Option<Wish> {
        self.kept.wants(view)
    }

    fn click(&mut self, index: usize, view: &View<'_>) -> Vec<Wish> {
        let keys = self
            .kept
            .look(view, |all| all.ok().map(|all| self.keys(&all.exposure)));
        let key = keys.flatten().and_then(|keys| keys.get(index).copied());
        if let Some(key) = key {
            self.cursor.hold(key);
        }
        match key {
            Some(Key::Symbol(id)) => vec![Wish::Select(id)],
            _ => Vec::new(),
        }
    }

    fn remember(&self) -> toml::Table {
        let word = self.shown.word().trim();
        let kept = (!word.is_empty()).then(|| ("shown".to_owned(), toml::Value::String(word.to_owned())));
        kept.into_iter().collect()
    }

    fn recall(&mut self, table: &toml::Table) {
        let word = table
            .get("shown")
            .and_then(toml::Value::as_str)
            .map(SafeText::new);
        let all = [Shown::Symbols, Shown::Sectors, Shown::Currencies];
        let found = all.into_iter().find(|shown| {
            word.as_ref()
                .is_some_and(|word| word.as_str() == shown.word().trim())
        });
        self.shown = found.unwrap_or_default();
    }
}
