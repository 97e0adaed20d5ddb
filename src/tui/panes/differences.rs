//! Where ours, the broker's and what was meant do not agree, one line each, with what can be done about the selected one. What
//! is a difference, and which of them keep from arming, the engine says (`engine/difference.rs`).

use super::read;
use crate::engine::difference::{Difference, Subject, differences};
use crate::tui::action::Action;
use crate::tui::desk::Pledge;
use crate::tui::differences::{About, Deed};
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::columns::{Cell, Column, Look, table};
use crate::tui::widgets::list::Cursor;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// In what order the columns stand.
const COLUMNS: [Column; 7] = [
    Column::text("what", 16, 0),
    Column::text("of", 7, 0),
    Column::text("ours", 14, 0),
    Column::text("broker's", 14, 0),
    Column::text("meant", 18, 2),
    Column::number("since", 6, 3),
    Column::text("arming", 8, 1),
];
/// With fewer rows there is no foot.
const WITH_FOOT: u16 = 4;

/// The difference view.
#[derive(Debug, Default)]
pub struct Differences {
    cursor: Cursor<Subject>,
}

impl Differences {
    /// Of the account on the desk.
    pub fn new() -> Self {
        Self::default()
    }
    fn held(&self, lines: &[Difference]) -> Option<Subject> {
        self.cursor.held(&subjects(lines))
    }
}

fn lines(view: &View<'_>) -> Vec<Difference> {
    view.account
        .map(|account| differences(view.state, account, view.now))
        .unwrap_or_default()
}

fn subjects(lines: &[Difference]) -> Vec<Subject> {
    lines.iter().map(|line| line.subject).collect()
}

/// Whether arming waits for it, and who left it where somebody did.
fn arming(view: &View<'_>, line: &Difference) -> Cell {
    let theme = view.theme;
    match &line.ignored {
        Some(ignored) => {
            let until = ignored
                .until
                .map_or_else(String::new, |until| read::when(view, until));
            Cell::new(format!("left to {until}"), ink(theme.dim))
        }
        None if line.blocks() => Cell::new("WAITS", bold(theme.warn)),
        None if !line.is_certain => Cell::new("reading", ink(theme.dim)),
        None => Cell::default(),
    }
}

fn cells(view: &View<'_>, line: &Difference) -> [Cell; 7] {
    let theme = view.theme;
    let loud = if line.blocks() {
        bold(theme.warn)
    } else {
        ink(theme.text)
    };
    let side = |text: &str| Cell::new(view.ours(text.to_owned()), ink(theme.text));
    [
        Cell::new(line.kind.word(), loud),
        Cell::new(
            line.instrument.map_or_else(String::new, |id| id.to_string()),
            ink(theme.bright),
        ),
        side(&line.ours),
        side(&line.theirs),
        Cell::new(view.ours(line.intent.clone()), ink(theme.dim)),
        Cell::new(
            line.since.map_or_else(
                || number::UNKNOWN.to_owned(),
                |since| number::age(view.now.since(since)),
            ),
            ink(theme.dim),
        ),
        arming(view, line),
    ]
}

/// What the keys do with the selected line, or how to select one.
fn foot(line: Option<&Difference>) -> String {
    let Some(line) = line else {
        return "j selects a line; :reconcile reads the broker now".to_owned();
    };
    let keys = [
        ("split", "O records the split"),
        ("adopt", "o takes the broker's word"),
        ("ignore", "I leaves it for a day (4I: 4 hours)"),
        ("cancel", "x cancels"),
        ("flatten", "F flattens"),
    ];
    let can: Vec<&str> = keys
        .iter()
        .filter(|(word, _)| line.remedies.contains(word))
        .map(|(_, what)| *what)
        .collect();
    match can.as_slice() {
        [] => "nothing can be done yet: the broker is being read again".to_owned(),
        some => some.join(" · "),
    }
}

impl Pane for Differences {
    fn name(&self) -> &'static str {
        "differences"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let lines = lines(view);
        let blocking = lines.iter().filter(|line| line.blocks()).count();
        let mut right = Vec::new();
        if blocking > 0 {
            right.push(format!("arming waits for {blocking}"));
        }
        let entry = view.account.and_then(|account| view.state.accounts.get(&account));
        if let Some(at) = entry.and_then(|entry| entry.read_at) {
            right.push(format!("compared {} ago", number::age(view.now.since(at))));
        }
        right.extend(read::stale(view));
        (format!("DIFFERENCES {}", lines.len()), right.join("  "))
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let lines = lines(view);
        if lines.is_empty() {
            let words = match view.account {
                None => read::nothing(view, "no account yet"),
                Some(account) if !view.state.positions_known(account) => {
                    read::nothing(view, "not compared with the broker yet")
                }
                Some(_) => read::nothing(view, "nothing differs"),
            };
            pen.say(&words, view.theme.dim);
            return Hits::default();
        }
        let at = self.cursor.position(&subjects(&lines));
        let look = Look {
            head: view.theme.faint,
            selection: view.theme.selection,
        };
        let (wide, high) = (pen.width(), pen.height());
        let under = u16::from(high >= WITH_FOOT);
        if under > 0 {
            let words = foot(at.and_then(|at| lines.get(at)));
            pen.put_within(1, wide.saturating_sub(1), high - 1, &words, view.theme.dim);
        }
        let mut pen = pen.part(0, 0, wide, high - under);
        let cursor = at.filter(|_| focused);
        let rows = table(&mut pen, COLUMNS, look, lines.len(), cursor, |at| {
            lines
                .get(at)
                .map_or_else(Default::default, |line| cells(view, line))
        });
        Hits { rows }
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        let lines = lines(view);
        let held = self.held(&lines);
        let line = held.and_then(|subject| lines.iter().find(|line| line.subject == subject));
        let deed = match action {
            Action::Adopt => Deed::Adopt,
            Action::AdoptSplit => Deed::Split,
            Action::Ignore => Deed::Ignore,
            Action::FlattenRow => Deed::Flatten,
            // Never handed on: the key that cancels an order elsewhere must not find one from here.
            Action::Cancel => Deed::Cancel,
            Action::Modify => return Some(vec![Wish::Say("an order is changed in the orders".to_owned())]),
            Action::Enter => {
                let instrument = line.and_then(|line| line.instrument);
                return Some(instrument.map(Wish::Select).into_iter().collect());
            }
            _ => return self.cursor.act(action, &subjects(&lines), None).then(Vec::new),
        };
        Some(vec![match line {
            None => Wish::Say("select a line first, with j and k".to_owned()),
            Some(line) if !line.remedies.contains(&deed.word()) => Wish::Say(foot(Some(line))),
            Some(line) => Wish::Confirm(
                deed.question(line),
                Pledge::Resolve(About {
                    account: line.account,
                    subject: line.subject,
                    seen: line.seen,
                    deed,
                    minutes: 24 * 60,
                }),
            ),
        }])
    }

    fn click(&mut self, index: usize, view: &View<'_>) -> Vec<Wish> {
        if let Some(line) = lines(view).get(index) {
            self.cursor.hold(line.subject);
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
