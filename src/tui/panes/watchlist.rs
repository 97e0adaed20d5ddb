//! The watchlist: instruments of a group with price, change, shape of the session and whatever columns a person chose,
//! sorted and filtered. The cursor holds an instrument, not a row; moving it puts the instrument on the desk, and while a
//! hand is on the list no row changes its place. Which rows there are is the roster's, what stands in them the columns'.

mod column;
pub mod filter;
mod lists;
mod roster;
pub mod session;
mod shapes;
#[cfg(test)]
mod tests;

pub use column::{Col, direction};
pub use lists::OwnList;

use super::read;
use crate::domain::{InstrumentId, Timestamp};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::theme::nearest;
use crate::tui::widgets::columns::{self, Cell, Column, Landed, Look, grid};
use crate::tui::widgets::list::{Cursor, Rolled};
use crate::tui::widgets::text::{Pen, bold};
pub use column::shortable;
use filter::Filter;
use lists::{Group, Lists};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use roster::{Roster, Wanted};
use serde::{Deserialize, Serialize};
use shapes::Shapes;
use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long after the cursor moved no row changes its place.
const HAND_STAYS: Duration = Duration::from_secs(4);
/// What a click tells apart: below are rows, from here on the heads of columns.
const HEADS: usize = usize::MAX / 2;
/// How many rows other panes are told of.
const TOLD: usize = 400;
/// The orders that one key goes through.
const CYCLE: [Col; 6] = [
    Col::Symbol,
    Col::Percent,
    Col::Volume,
    Col::Profit,
    Col::Last,
    Col::Spread,
];

/// What of a watchlist is in its settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchSettings {
    /// Lists by their names.
    pub lists: Vec<OwnList>,
    /// Names of the columns to show; empty for the usual ones.
    pub columns: Vec<String>,
}

impl WatchSettings {
    /// What is wrong with them, in words.
    pub fn fault(&self) -> Option<String> {
        let wrong = self.columns.iter().find_map(|name| column_named(name).err());
        wrong.map(|why| format!("watchlist.columns: {why}"))
    }
}

/// What of a watchlist outlives the program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WatchMemory {
    /// The lists of one's own.
    pub lists: Vec<OwnList>,
    /// The group that is shown.
    pub group: String,
    /// The columns, by their names; the symbol always comes first.
    pub columns: Vec<String>,
    /// The column that rows are ordered by.
    pub sort: String,
    /// Highest first.
    pub down: bool,
    /// The filter as it was typed; empty for none.
    pub filter: String,
}

/// The rows of the watchlist for other panes: what is in it now, in its order.
#[derive(Clone, Debug, Default)]
pub struct Shown(Arc<Mutex<Vec<InstrumentId>>>);

impl Shown {
    /// The rows, at most a few hundred of them.
    pub fn rows(&self) -> Vec<InstrumentId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn tell(&self, rows: &[InstrumentId]) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = rows.get(..TOLD).unwrap_or(rows);
        if shown.as_slice() != rows {
            shown.clear();
            shown.extend_from_slice(rows);
        }
    }
}

/// The list of instruments.
#[derive(Debug)]
pub struct Watchlist {
    cursor: Cursor<InstrumentId>,
    rolled: Rolled,
    lists: Lists,
    /// The lists of the settings.
    configured: Vec<OwnList>,
    group: Group,
    columns: Vec<Col>,
    by: Col,
    down: bool,
    filter: Option<(String, Filter)>,
    /// Goes up with each change of what is shown.
    edition: u64,
    /// When a hand was last on the rows.
    moved_at: Option<Timestamp>,
    /// What was made for the last frames; nothing but the look depends on it.
    roster: RefCell<Roster>,
    /// The instruments in sight at the last frame.
    seen: RefCell<Vec<InstrumentId>>,
    shapes: Shapes,
    shown: Shown,
    /// There are no colours: grounds are in reverse there, and that is what is selected.
    bare: bool,
}

impl Default for Watchlist {
    fn default() -> Self {
        Self {
            cursor: Cursor::new(),
            rolled: Rolled::default(),
            lists: Lists::default(),
            configured: Vec::new(),
            group: Group::All,
            columns: Col::USUAL.to_vec(),
            by: Col::Symbol,
            down: false,
            filter: None,
            edition: 0,
            moved_at: None,
            roster: RefCell::default(),
            seen: RefCell::default(),
            shapes: Shapes::default(),
            shown: Shown::default(),
            bare: false,
        }
    }
}

impl Watchlist {
    /// All instruments, by symbol.
    pub fn new() -> Self {
        Self::default()
    }
    /// With the lists and columns of the settings.
    pub fn with(settings: &WatchSettings) -> Self {
        let mut list = Self {
            lists: Lists(settings.lists.clone()),
            configured: settings.lists.clone(),
            ..Self::default()
        };
        if !settings.columns.is_empty() {
            list.choose_known(&settings.columns);
        }
        list
    }
    /// Its rows, for other panes.
    pub fn shown(&self) -> Shown {
        self.shown.clone()
    }
    /// What is to outlive the program.
    pub fn memory(&self) -> WatchMemory {
        WatchMemory {
            lists: self.lists.0.clone(),
            group: self.group.name().to_owned(),
            columns: self.columns.iter().map(|col| col.name().to_owned()).collect(),
            sort: self.by.name().to_owned(),
            down: self.down,
            filter: self
                .filter
                .as_ref()
                .map_or_else(String::new, |filter| filter.0.clone()),
        }
    }
    /// Takes up what was kept. What it does not know (a column of a newer program) it passes over. Lists that were made
    /// by hand stand beside those of the settings; of two of one name the kept one counts.
    pub fn take_up(&mut self, memory: &WatchMemory) {
        self.lists.0.clone_from(&memory.lists);
        for list in &self.configured {
            if !self.lists.0.iter().any(|own| own.name == list.name) {
                self.lists.0.push(list.clone());
            }
        }
        self.group = self.lists.named(&memory.group).unwrap_or_default();
        self.choose_known(&memory.columns);
        if let Some(by) = Col::named(&memory.sort) {
            (self.by, self.down) = (by, memory.down);
        }
        self.filter = Filter::parse(&memory.filter)
            .ok()
            .map(|filter| (memory.filter.clone(), filter));
        self.edition += 1;
    }
    fn choose_known(&mut self, names: &[String]) {
        let columns: Vec<Col> = names.iter().filter_map(|name| Col::named(name)).collect();
        if !columns.is_empty() {
            self.set_columns(columns);
        }
    }
    fn set_columns(&mut self, columns: Vec<Col>) {
        self.columns = vec![Col::Symbol];
        for col in columns {
            if !self.columns.contains(&col) {
                self.columns.push(col);
            }
        }
    }
    /// Brings the rows up to date and reads them.
    fn with_rows<T>(&self, view: &View<'_>, work: impl FnOnce(&Roster) -> T) -> T {
        let hand = self.moved_at.is_some_and(|at| view.now.since(at) < HAND_STAYS);
        let wanted = Wanted {
            group: &self.group,
            lists: &self.lists,
            by: self.by,
            down: self.down,
            filter: self.filter.as_ref().map(|filter| &filter.1),
            edition: self.edition,
        };
        let mut roster = self.roster.borrow_mut();
        roster.refresh(&wanted, view, hand || view.holding);
        self.shown.tell(roster.rows());
        work(&roster)
    }
    fn order_by(&mut self, col: Col, down: bool, view: &View<'_>) {
        (self.by, self.down) = (col, down);
        self.edition += 1;
        // The cursor stays with what it showed before, wherever that goes.
        if let Some(id) = view.instrument {
            self.cursor.hold(id);
        }
    }
    fn show(&mut self, group: Group) {
        self.group = group;
        self.edition += 1;
    }

    /// `:watch`, alone or with what to do.
    fn watch(&mut self, rest: &str, view: &View<'_>) -> Result<String, String> {
        let mut words = rest.split_whitespace();
        let first = words.next().unwrap_or_default().to_ascii_lowercase();
        let symbols: Vec<&str> = words.collect();
        let on_desk = view.instrument.map(|id| id.as_str().to_owned());
        let meant = |symbols: &[&str]| -> Vec<String> {
            match symbols {
                [] => on_desk.clone().into_iter().collect(),
                some => some
                    .iter()
                    .map(|symbol| symbol.trim_matches(',').to_ascii_uppercase())
                    .collect(),
            }
        };
        match (first.as_str(), symbols.as_slice()) {
            ("", _) => {
                let groups = self.lists.groups(view);
                let names: Vec<&str> = groups.iter().map(Group::name).collect();
                Ok(format!("groups: {}", names.join(", ")))
            }
            ("add", symbols) => {
                let mut added = Vec::new();
                for symbol in meant(symbols) {
                    added.push(self.lists.add(&self.group, &symbol, view)?.as_str().to_owned());
                }
                self.edition += 1;
                Ok(format!("{} added to {}", added.join(", "), self.group.name()))
            }
            ("remove", symbols) => {
                let gone = meant(symbols);
                for symbol in &gone {
                    self.lists.remove(&self.group, symbol, view)?;
                }
                self.edition += 1;
                Ok(format!("{} taken off {}", gone.join(", "), self.group.name()))
            }
            ("group", [name]) => {
                let group = self.lists.open(name)?;
                self.show(group);
                Ok(format!("watching {}", self.group.name()))
            }
            ("drop", [name]) => {
                let before = self.lists.0.len();
                self.lists.0.retain(|list| !list.name.eq_ignore_ascii_case(name));
                if self.lists.0.len() == before {
                    return Err(format!("there is no list '{name}' of your own"));
                }
                if matches!(&self.group, Group::Own(own) if own.eq_ignore_ascii_case(name)) {
                    self.show(Group::All);
                }
                Ok(format!("the list {name} is gone"))
            }
            _ => {
                Err("watch add SYMBOL, watch remove SYMBOL, watch group NAME, or watch drop NAME".to_owned())
            }
        }
    }
    fn set_filter(&mut self, text: &str) -> Result<String, String> {
        self.filter = if text.is_empty() {
            None
        } else {
            let filter = Filter::parse(text).map_err(|error| error.text)?;
            Some((text.to_owned(), filter))
        };
        self.edition += 1;
        Ok(match &self.filter {
            Some((text, _)) => format!("only where {text}; :filter alone shows all"),
            None => "no filter: all are shown".to_owned(),
        })
    }
    fn choose_columns(&mut self, rest: &str) -> Result<String, String> {
        let names = rest.split([' ', ',']).filter(|name| !name.is_empty());
        let mut columns = Vec::new();
        for name in names {
            columns.push(column_named(name)?);
        }
        if columns.is_empty() {
            columns = Col::USUAL.to_vec();
        }
        self.set_columns(columns);
        let shown: Vec<&str> = self.columns.iter().map(|col| col.name()).collect();
        Ok(format!("columns: {}", shown.join(" ")))
    }
    fn sort(&mut self, rest: &str, view: &View<'_>) -> Result<String, String> {
        let mut words = rest.split_whitespace();
        let col = column_named(words.next().unwrap_or("symbol"))?;
        let down = match words.next() {
            None => !col.is_word(),
            Some("down" | "desc") => true,
            Some("up" | "asc") => false,
            Some(other) => return Err(format!("'{other}' is no way to sort: up or down")),
        };
        self.order_by(col, down, view);
        Ok(self.order_words())
    }
    fn order_words(&self) -> String {
        match (self.by, self.down, &self.group) {
            (Col::Symbol, false, Group::Own(_)) => "as listed".to_owned(),
            (Col::Symbol, false, _) => "by symbol".to_owned(),
            (by, down, _) => format!("by {} {}", by.name(), if down { '▼' } else { '▲' }),
        }
    }
    /// How many symbols of a list of one's own are not listed here.
    fn missing(&self) -> usize {
        let all = self.lists.length(&self.group).unwrap_or(0);
        all.saturating_sub(self.roster.borrow().all())
    }
    /// Where there is no room for what is held, its sign stands before the symbol.
    fn mark_held(&self, pen: &mut Pen<'_>, view: &View<'_>, landed: &Landed) {
        let wanted = self.columns.iter().position(|col| *col == Col::Position);
        let is_shown = landed.heads.iter().any(|(_, at)| Some(*at) == wanted);
        if wanted.is_none() || is_shown || landed.heads.is_empty() || view.masked {
            return;
        }
        let (top, seen) = (pen.row(0).y, self.seen.borrow());
        for ((area, _), id) in landed.rows.iter().zip(seen.iter()) {
            let held = view
                .account
                .and_then(|account| view.state.ledgers.get(&(account, *id)));
            let (glyph, colour) = match held.map(|ledger| ledger.position.quantity.raw().signum()) {
                Some(1) => ('+', view.theme.buy),
                Some(-1) => ('-', view.theme.sell),
                _ => continue,
            };
            pen.glyph(0, area.y.saturating_sub(top), glyph, bold(colour));
        }
    }
    /// Why there is nothing to show.
    fn empty(&self) -> String {
        match (&self.filter, &self.group) {
            (Some((text, _)), _) if self.roster.borrow().all() > 0 => {
                format!("nothing passes '{text}': :filter shows all again")
            }
            (_, Group::Positions) => "nothing is held".to_owned(),
            (_, Group::Own(name)) => match self.missing() {
                0 => format!("{name} is empty: :watch add SYMBOL"),
                _ => format!("nothing of {name} is listed here: :find SYMBOL asks the broker"),
            },
            (_, Group::Kind(_)) => format!("no {} is listed", self.group.name()),
            (_, Group::All) => "no instruments".to_owned(),
        }
    }
}

/// The names of all columns.
pub fn column_names() -> impl Iterator<Item = &'static str> {
    Col::ALL.iter().map(|col| col.name())
}

/// The column of a name, or the nearest in words.
fn column_named(name: &str) -> Result<Col, String> {
    Col::named(name).ok_or_else(|| {
        nearest(&name.to_ascii_lowercase(), column_names()).map_or_else(
            || {
                format!(
                    "'{name}' is no column; there are {}",
                    column_names().collect::<Vec<_>>().join(", ")
                )
            },
            |near| format!("'{name}' is no column; did you mean '{near}'?"),
        )
    })
}

impl Pane for Watchlist {
    fn name(&self) -> &'static str {
        "watchlist"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let shown = self.with_rows(view, |roster| roster.rows().len());
        let all = self.roster.borrow().all();
        let count = if shown == all {
            shown.to_string()
        } else {
            format!("{shown} of {all}")
        };
        let missing = match self.missing() {
            0 => String::new(),
            missing => format!(" +{missing} not listed"),
        };
        let left = match &self.group {
            Group::All => format!("WATCH {count}"),
            group => format!("WATCH {} {count}{missing}", group.name()),
        };
        let mut right = self.order_words();
        if let Some((text, _)) = &self.filter {
            right = format!("{right}  {text}");
        }
        if let Some(away) = read::away(view) {
            right = format!("{right}  {away}");
        }
        (left, right)
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let landed = self.with_rows(view, |roster| {
            let rows = roster.rows();
            if rows.is_empty() {
                return None;
            }
            // The desk may have been given another instrument elsewhere: what is on it is what is shown as selected.
            let on_desk = view.instrument.and_then(|id| roster.position(id));
            let cursor = on_desk.or_else(|| self.cursor.position(rows).filter(|_| focused));
            let look = Look {
                head: view.theme.faint,
                selection: view.theme.selection,
            };
            let columns: Vec<Column> = self.columns.iter().map(|col| col.column()).collect();
            let seen = |height| self.rolled.window(rows.len(), height, cursor, view.instrument);
            let landed = grid(&mut pen, columns, look, seen, cursor, |at, may_show| {
                rows.get(at).map_or_else(Vec::new, |id| {
                    let cell = |(col, shown): (&Col, &bool)| match shown {
                        true => col.cell(view, *id),
                        false => Cell::default(),
                    };
                    let mut cells: Vec<Cell> = self.columns.iter().zip(may_show).map(cell).collect();
                    if self.bare {
                        // A price that has just changed is bold.
                        cells.iter_mut().for_each(|cell| cell.style.bg = None);
                    }
                    cells
                })
            });
            let seen = landed.rows.iter().filter_map(|(_, at)| rows.get(*at).copied());
            self.seen.replace(seen.collect());
            Some(landed)
        });
        let Some(landed) = landed else {
            pen.say(&read::nothing(view, &self.empty()), view.theme.dim);
            self.seen.replace(Vec::new());
            return Hits::default();
        };
        self.mark_held(&mut pen, view, &landed);
        let heads = landed.heads.into_iter().map(|(area, at)| (area, HEADS + at));
        Hits {
            rows: landed.rows.into_iter().chain(heads).collect(),
        }
    }

    fn roll(&mut self, up: bool, view: &View<'_>) -> bool {
        self.rolled.roll(up, view.instrument);
        true
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        self.rolled.rest();
        match action {
            Action::Sort => {
                let here = CYCLE.iter().position(|col| *col == self.by);
                let next = CYCLE[here.map_or(0, |here| (here + 1) % CYCLE.len())];
                self.order_by(next, !next.is_word(), view);
                return Some(Vec::new());
            }
            Action::Left | Action::Right => {
                let group = self.lists.step(&self.group, action == Action::Right, view);
                self.show(group);
                return Some(Vec::new());
            }
            _ => {}
        }
        let mut cursor = self.cursor;
        if let (Some(id), true) = (view.instrument, action != Action::Enter) {
            // A search or another pane may have put an instrument on the desk: the cursor goes on from there.
            cursor.hold(id);
        }
        let (moved, held) = self.with_rows(view, |roster| {
            let rows = roster.rows();
            let moved = cursor.act(action, rows, view.instrument);
            (moved, cursor.held(rows))
        });
        if action == Action::Enter {
            let held = held.or(view.instrument)?;
            return Some(vec![Wish::Select(held)]);
        }
        if !moved {
            return None;
        }
        self.cursor = cursor;
        self.moved_at = Some(view.now);
        Some(held.map(Wish::Select).into_iter().collect())
    }

    /// All chosen columns, those too that the width leaves out.
    fn copied(&self, view: &View<'_>) -> Option<String> {
        let id = self.with_rows(view, |roster| {
            let on_desk = view.instrument.filter(|id| roster.position(*id).is_some());
            on_desk.or_else(|| self.cursor.held(roster.rows()))
        })?;
        Some(columns::words(self.columns.iter().map(|col| col.cell(view, id))))
    }

    fn click(&mut self, index: usize, view: &View<'_>) -> Vec<Wish> {
        if let Some(col) = index.checked_sub(HEADS) {
            if let Some(col) = self.columns.get(col).copied() {
                let down = if self.by == col {
                    !self.down
                } else {
                    !col.is_word()
                };
                self.order_by(col, down, view);
            }
            return Vec::new();
        }
        // The rows as they were drawn: what has come since does not slide under the click.
        let Some(id) = self.roster.borrow().rows().get(index).copied() else {
            return Vec::new();
        };
        self.cursor.hold(id);
        self.moved_at = Some(view.now);
        vec![Wish::Select(id)]
    }

    fn word(&mut self, word: &str, rest: &str, view: &View<'_>) -> Option<Result<Vec<Wish>, String>> {
        let said = match word {
            "watch" => self.watch(rest, view),
            "filter" => self.set_filter(rest),
            "columns" => self.choose_columns(rest),
            "sort" => self.sort(rest, view),
            _ => return None,
        };
        Some(said.map(|text| vec![Wish::Say(text)]))
    }

    fn remember(&self) -> toml::Table {
        toml::Table::try_from(self.memory()).unwrap_or_default()
    }

    fn recall(&mut self, table: &toml::Table) {
        if let Ok(memory) = table.clone().try_into() {
            self.take_up(&memory);
        }
    }

    fn without_colour(&mut self) {
        self.bare = true;
    }

    fn wants(&self, view: &View<'_>) -> Option<Wish> {
        self.shapes.next(&self.seen.borrow(), &self.columns, view)
    }

    fn seen(&self) -> Vec<InstrumentId> {
        self.seen.borrow().clone()
    }
}
