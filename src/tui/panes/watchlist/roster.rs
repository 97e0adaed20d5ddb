//! Which rows the watchlist has, in which order. Of a hundred thousand instruments a frame looks at a thousand at most,
//! and the rows change places every few seconds, never while a hand is on them. Only a change of what is asked for (the
//! group, the order, the filter, what is listed) makes all rows anew at once.

use super::column::Col;
use super::filter::Filter;
use super::lists::{Group, Lists, held};
use crate::domain::{InstrumentId, Timestamp};
use crate::tui::pane::View;
use std::cell::Cell;
use std::cmp::Ordering;
use std::time::Duration;

/// How many instruments are looked at for one frame.
pub const SLICE: usize = 1_000;
/// How long rows stay where they are at least.
const STAYS: Duration = Duration::from_secs(2);

/// What rows are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Which group.
    pub group: &'a Group,
    /// The lists.
    pub lists: &'a Lists,
    /// By which column.
    pub by: Col,
    /// Highest first.
    pub down: bool,
    /// Which of them.
    pub filter: Option<&'a Filter>,
    /// Goes up with each change of any of these.
    pub edition: u64,
}

impl Wanted<'_> {
    /// True where the rows depend on what changes by itself.
    fn is_alive(&self) -> bool {
        self.filter.is_some() || !matches!(self.by, Col::Symbol | Col::Kind)
    }
}

/// What the rows were made for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Basis {
    edition: u64,
    listed: usize,
    held: Vec<InstrumentId>,
}

/// One instrument of the group, as it was when it was last looked at.
#[derive(Clone, Debug)]
struct Entry {
    id: InstrumentId,
    number: Option<f64>,
    word: String,
    passes: bool,
}

/// The rows.
#[derive(Debug, Default)]
pub struct Roster {
    basis: Option<Basis>,
    entries: Vec<Entry>,
    /// Where looking goes on; the number of entries once it is through.
    next: usize,
    began: Timestamp,
    rows: Vec<InstrumentId>,
    /// Where the last one that was asked for stood: it mostly still does.
    hint: Cell<usize>,
    /// How many instruments were looked at so far.
    pub looked: u64,
}

impl Roster {
    /// The rows as they are now.
    pub fn rows(&self) -> &[InstrumentId] {
        &self.rows
    }
    /// The row of an instrument.
    pub fn position(&self, id: InstrumentId) -> Option<usize> {
        if self.rows.get(self.hint.get()) == Some(&id) {
            return Some(self.hint.get());
        }
        let found = self.rows.iter().position(|row| *row == id)?;
        self.hint.set(found);
        Some(found)
    }
    /// How many instruments the group has, filtered or not.
    pub fn all(&self) -> usize {
        self.entries.len()
    }
    /// Brings the rows up to date. While `holding` none changes its place.
    pub fn refresh(&mut self, wanted: &Wanted<'_>, view: &View<'_>, holding: bool) {
        let basis = Basis {
            edition: wanted.edition,
            listed: view.state.instruments.len(),
            held: if *wanted.group == Group::Positions {
                held(view)
            } else {
                Vec::new()
            },
        };
        if self.basis.as_ref() != Some(&basis) {
            self.basis = Some(basis);
            let members = wanted.lists.members(wanted.group, view);
            self.entries.clear();
            self.entries
                .extend(members.into_iter().map(|id| look(id, wanted, view)));
            self.looked += self.entries.len() as u64;
            self.next = self.entries.len();
            self.began = view.now;
            return self.order(wanted);
        }
        if !wanted.is_alive() {
            return;
        }
        if self.next >= self.entries.len() {
            if view.now.since(self.began) < STAYS {
                return;
            }
            (self.next, self.began) = (0, view.now);
        }
        let end = self.next.saturating_add(SLICE).min(self.entries.len());
        for entry in &mut self.entries[self.next..end] {
            *entry = look(entry.id, wanted, view);
            self.looked += 1;
        }
        self.next = end;
        if end == self.entries.len() && !holding {
            self.order(wanted);
        }
    }
    fn order(&mut self, wanted: &Wanted<'_>) {
        // Entries stay in the order of the group, so that a list of one's own keeps its own.
        let mut kept: Vec<&Entry> = self.entries.iter().filter(|entry| entry.passes).collect();
        let own = matches!(wanted.group, Group::Own(_)) && wanted.by == Col::Symbol && !wanted.down;
        if !own {
            kept.sort_by(|a, b| compare(a, b, wanted));
        }
        self.rows.clear();
        self.rows.extend(kept.into_iter().map(|entry| entry.id));
    }
}

fn look(id: InstrumentId, wanted: &Wanted<'_>, view: &View<'_>) -> Entry {
    let by_word = wanted.by.is_word() && wanted.by != Col::Session && wanted.by != Col::Symbol;
    Entry {
        id,
        number: wanted.by.number(view, id),
        word: if by_word {
            wanted.by.word(view, id)
        } else {
            String::new()
        },
        passes: wanted
            .filter
            .is_none_or(|filter| filter.passes(&|col| col.number(view, id), &|col| col.word(view, id))),
    }
}

/// By worth, unknown last whichever way it goes; equals by symbol.
fn compare(a: &Entry, b: &Entry, wanted: &Wanted<'_>) -> Ordering {
    let turned = |order: Ordering| if wanted.down { order.reverse() } else { order };
    let by_worth = match (a.number, b.number) {
        (Some(x), Some(y)) => turned(x.total_cmp(&y)),
        (x, y) => y.is_some().cmp(&x.is_some()),
    };
    let by_symbol = a.id.as_str().cmp(b.id.as_str());
    match wanted.by {
        Col::Symbol => turned(by_symbol),
        _ => by_worth.then_with(|| turned(a.word.cmp(&b.word))).then(by_symbol),
    }
}
