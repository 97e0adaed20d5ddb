//! What lists of all days have in common: which rows are wanted (a word for the span of time, a symbol, a text), and the
//! pages that came from the journal so far. Asking never waits; a page that does not come is asked for again.

use crate::domain::{AccountKey, InstrumentId, Timestamp};
use crate::tui::link::Page;
use crate::tui::pane::View;
use std::time::Duration;

/// After so long without an answer a page is asked for again: the link may have been lost in between.
const AGAIN_AFTER: Duration = Duration::from_secs(10);
/// Rows of other days that are kept at most: a symbol narrows what is beyond.
const KEPT: usize = 50_000;

/// Which rows a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// In this instrument.
    pub instrument: Option<InstrumentId>,
    /// With these words in them, in lower case.
    pub words: Vec<String>,
}

impl Filter {
    /// What is left of a typed text without the words of `take`: a symbol that is listed, and texts.
    pub fn read(text: &str, view: &View<'_>, mut take: impl FnMut(&str) -> bool) -> Self {
        let mut filter = Self::default();
        for word in text.split_whitespace() {
            let lower = word.to_lowercase();
            if take(&lower) {
                continue;
            }
            let upper = word.to_ascii_uppercase();
            let listed = InstrumentId::new(&upper)
                .ok()
                .filter(|id| view.state.instruments.contains_key(id));
            match listed.filter(|_| filter.instrument.is_none()) {
                Some(id) => filter.instrument = Some(id),
                None => filter.words.push(lower),
            }
        }
        filter
    }
    /// True for a row in `instrument` whose text has every word. The text is made only where words are asked for.
    pub fn takes(&self, instrument: InstrumentId, text: impl FnOnce() -> String) -> bool {
        if self.instrument.is_some_and(|wanted| wanted != instrument) {
            return false;
        }
        if self.words.is_empty() {
            return true;
        }
        let text = text().to_lowercase();
        self.words.iter().all(|word| text.contains(word))
    }
    /// For a title: ` AAPL "stop"`; nothing where all is shown.
    pub fn shown(&self) -> String {
        let mut text = self.instrument.map_or(String::new(), |id| format!(" {id}"));
        for word in &self.words {
            text.push_str(&format!(" \"{word}\""));
        }
        text
    }
}

/// Pages of one list, newest first.
#[derive(Debug)]
pub struct Pages<T> {
    of: Option<(AccountKey, Option<InstrumentId>)>,
    rows: Vec<T>,
    next: Option<u64>,
    begun: bool,
    asked: Option<Timestamp>,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self {
            of: None,
            rows: Vec::new(),
            next: None,
            begun: false,
            asked: None,
        }
    }
}

impl<T> Pages<T> {
    /// What came so far.
    pub fn rows(&self) -> &[T] {
        &self.rows
    }
    /// True while a page is on its way.
    pub fn is_asking(&self) -> bool {
        self.asked.is_some()
    }
    /// True once the journal's beginning is here.
    pub fn is_whole(&self) -> bool {
        self.begun && self.next.is_none()
    }
    /// The first page of these, where it was not asked for yet.
    pub fn first(&mut self, account: AccountKey, filter: &Filter, now: Timestamp) -> Option<Page> {
        if self.of == Some((account, filter.instrument)) && (self.begun || self.is_waiting(now)) {
            return None;
        }
        *self = Self {
            of: Some((account, filter.instrument)),
            ..Self::default()
        };
        self.ask(now)
    }
    /// The page after those that are here; nothing where there is none, or it is on its way.
    pub fn more(&mut self, now: Timestamp) -> Option<Page> {
        if self.is_whole() || self.is_waiting(now) || self.rows.len() >= KEPT {
            return None;
        }
        self.ask(now)
    }
    fn is_waiting(&self, now: Timestamp) -> bool {
        self.asked.is_some_and(|at| now.since(at) < AGAIN_AFTER)
    }
    fn ask(&mut self, now: Timestamp) -> Option<Page> {
        let (account, instrument) = self.of?;
        self.asked = Some(now);
        Some(Page {
            account,
            instrument,
            before: self.next,
        })
    }
    /// Takes a page; one that nobody waits for any more is dropped. True where it was taken.
    pub fn take(&mut self, page: &Page, rows: Vec<T>, next: Option<u64>) -> bool {
        let wanted = self.of == Some((page.account, page.instrument)) && page.before == self.next;
        if !wanted || self.is_whole() {
            return false;
        }
        self.rows.extend(rows);
        self.next = next;
        self.begun = true;
        self.asked = None;
        true
    }
    /// How far the list goes back, for a title.
    pub fn shown(&self) -> &'static str {
        if self.is_asking() {
            "reading…"
        } else if self.is_whole() {
            "all of them"
        } else if self.rows.len() >= KEPT {
            "older ones: narrow it by a symbol"
        } else {
            "older below"
        }
    }
}
