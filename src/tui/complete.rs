//! What may stand where the order line ends: words of the sentence, those of the desk, and behind a word of the desk the
//! names that there are: themes, layouts, columns, panes. What they do is not its business.

use super::desk::Desk;
use super::layout::WORKSPACES;
use super::line::{DESK_WORDS, Line};
use super::pane::View;
use super::panes::watchlist::column_names;
use crate::engine::sentence::complete::complete;

impl Desk {
    /// What may stand where the line ends, in the order it is likely.
    pub(super) fn candidates(&self, line: &Line, view: &View<'_>) -> Vec<String> {
        let text = line.text();
        if let Some(names) = self.names_behind(text) {
            return names;
        }
        let mut all = complete(text, view.state, view.templates);
        if !text.contains(' ') && !text.is_empty() {
            let lower = text.to_ascii_lowercase();
            let desk = DESK_WORDS.iter().map(|(word, ..)| *word);
            all.extend(desk.filter(|word| word.starts_with(&lower)).map(str::to_owned));
            // A symbol alone is a line of its own.
            all.extend(complete(&format!("close {text}"), view.state, view.templates));
        }
        all
    }
    /// The rest of the word under the line's end, where something that may stand there begins with it.
    pub(super) fn completion(&self, line: &Line, view: &View<'_>) -> Option<String> {
        let text = line.text();
        let word = text.rsplit(' ').next()?;
        // A name is offered before its first letter too: nobody knows by heart what there is.
        if word.is_empty() && self.names_behind(text).is_none() {
            return None;
        }
        let all = self.candidates(line, view);
        // What is typed in full needs no completion, however many begin with it.
        if all.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            return None;
        }
        let found = all.into_iter().next()?;
        found.get(word.len()..).map(str::to_owned)
    }
    /// The names that may follow a word of the desk and begin with what is typed of them; nothing where it takes none.
    fn names_behind(&self, text: &str) -> Option<Vec<String>> {
        let (word, rest) = text.trim_start().split_once(' ')?;
        let (before, typed) = rest.rsplit_once(' ').unwrap_or(("", rest));
        let said: Vec<&str> = before.split_whitespace().collect();
        let saved = || self.plan.saved.keys().cloned();
        let own = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let names: Vec<String> = match (word.to_ascii_lowercase().as_str(), &said[..]) {
            ("theme", []) => self.themes.iter().map(|(name, _)| name.clone()).collect(),
            ("layout", []) => saved().chain(own(&["save", "drop", "reset"])).collect(),
            ("layout", ["drop"]) => saved().collect(),
            ("workspace", []) => WORKSPACES
                .iter()
                .map(|(name, _)| name.to_ascii_lowercase())
                .collect(),
            ("pane" | "split" | "vsplit", []) => own(&self.pane_names()),
            ("columns", _) => column_names()
                .filter(|name| !said.contains(name))
                .map(str::to_owned)
                .collect(),
            ("sort", []) => column_names().map(str::to_owned).collect(),
            ("sort", [_]) => own(&["up", "down"]),
            _ => return None,
        };
        let typed = typed.to_lowercase();
        let begins = |name: &String| name.to_lowercase().starts_with(&typed);
        Some(names.into_iter().filter(begins).collect())
    }
    /// The panes that there are, by name.
    pub(super) fn pane_names(&self) -> Vec<&'static str> {
        self.panes.iter().map(|place| place.id.name()).collect()
    }
}
