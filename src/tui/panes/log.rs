//! The program's own log: its newest lines, newest last, by level and text. It follows until a person scrolls back, and
//! then stands still. What happened to orders and money is not here but in the activity feed.

use super::read;
use crate::domain::SafeText;
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::text::{Pen, bold, ink, wrap};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows that a page goes.
const PAGE: usize = 10;
/// From this many cells on it is said where a line comes from.
const WITH_TARGET: u16 = 110;
/// The levels as a log line names them, the loudest first, and the words that ask for them.
const LEVELS: [(&str, &str); 5] = [
    ("ERROR", "error"),
    ("WARN", "warn"),
    ("INFO", "info"),
    ("DEBUG", "debug"),
    ("TRACE", "trace"),
];

/// Log lines.
#[derive(Debug)]
pub struct LogPane {
    lines: Arc<Mutex<VecDeque<String>>>,
    /// How loud a line must be: an index of the levels. All by default.
    most: usize,
    words: Vec<String>,
    /// How many rows above the newest are at the bottom, counted when scrolling began, and how many lines there were then.
    back: Option<usize>,
    /// The last line at the bottom while scrolled back.
    held: Option<String>,
}

impl LogPane {
    /// `lines` are the newest log lines, newest last; somebody else adds to them and keeps them few.
    pub fn new(lines: Arc<Mutex<VecDeque<String>>>) -> Self {
        Self {
            lines,
            most: LEVELS.len(),
            words: Vec::new(),
            back: None,
            held: None,
        }
    }

    fn takes(&self, line: &str) -> bool {
        // A line without a level belongs to the one before it: it is shown with everything only.
        let loud = level(line).unwrap_or(LEVELS.len());
        loud <= self.most
            && (self.words.is_empty() || {
                let lower = line.to_lowercase();
                self.words.iter().all(|word| lower.contains(word))
            })
    }

    /// Gives the lines that are shown to `work`, oldest first, and how many of them stand below the bottom row.
    fn with<T>(&self, work: impl FnOnce(&[&String], usize) -> T) -> T {
        // A writer that panicked has left whole lines: they are still worth reading.
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let shown: Vec<&String> = lines.iter().filter(|line| self.takes(line)).collect();
        // What was held is looked for from the newest on; gone, it is as far back as it was.
        let found = self.held.as_ref().and_then(|held| {
            let back = shown.iter().rev().position(|line| *line == held);
            back.or(self.back)
        });
        let below = found.unwrap_or(0).min(shown.len().saturating_sub(1));
        work(&shown, below)
    }

    fn scroll(&mut self, older: bool, by: usize) {
        let (back, held) = self.with(|shown, below| {
            let to = if older {
                below.saturating_add(by).min(shown.len().saturating_sub(1))
            } else {
                below.saturating_sub(by)
            };
            let held = shown.len().checked_sub(to + 1).and_then(|at| shown.get(at));
            (to, held.map(|line| (*line).clone()))
        });
        (self.back, self.held) = if back == 0 {
            (None, None)
        } else {
            (Some(back), held)
        };
    }
}

/// The level that a line names among its first words.
fn level(line: &str) -> Option<usize> {
    let mut words = line.split_whitespace().take(3);
    words.find_map(|word| LEVELS.iter().position(|(name, _)| *name == word))
}

fn style(view: &View<'_>, line: &str) -> Style {
    match level(line) {
        Some(0) => bold(view.theme.error),
        Some(1) => ink(view.theme.warn),
        Some(2) => ink(view.theme.dim),
        _ => ink(view.theme.faint),
    }
}

/// A line as it is shown: its moment in the zone that is chosen, its level as a letter, and what it says, with where that
/// comes from only where there is room. Lines of another shape (JSON) are shown as they are.
fn shown_as(view: &View<'_>, line: &str, wide: u16) -> String {
    let read = || {
        let (stamp, rest) = line.split_once(' ')?;
        let at: jiff::Timestamp = stamp.parse().ok()?;
        let (word, rest) = rest.trim_start().split_once(' ')?;
        let (name, _) = LEVELS.iter().find(|(name, _)| *name == word)?;
        let is_old = view
            .now
            .to_jiff()
            .is_some_and(|now| now.duration_since(at).as_hours() >= 18);
        let pattern = if is_old {
            "%b %d %H:%M:%S%.3f"
        } else {
            "%H:%M:%S%.3f"
        };
        let at = at.to_zoned(read::zone(view, None));
        let rest = match rest.split_once(": ") {
            Some((target, text)) if wide < WITH_TARGET && !target.contains(' ') => text,
            _ => rest,
        };
        Some(format!("{} {} {rest}", at.strftime(pattern), name.get(..1)?))
    };
    let text = read().unwrap_or_else(|| line.to_owned());
    SafeText::new(&text).to_string()
}

impl Pane for LogPane {
    fn name(&self) -> &'static str {
        "log"
    }

    fn title(&self, _view: &View<'_>) -> (String, String) {
        let mut left = "LOG".to_owned();
        if let Some((_, word)) = LEVELS.get(self.most) {
            left.push_str(&format!(" {word} and louder"));
        }
        for word in &self.words {
            left.push_str(&format!(" \"{}\"", SafeText::new(word)));
        }
        let right = self.with(|shown, below| {
            if below > 0 {
                format!("{below} newer below")
            } else {
                let lines = if shown.len() == 1 { "line" } else { "lines" };
                format!("{} {lines}, following", shown.len())
            }
        });
        (left, right)
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        self.with(|shown, below| {
            if shown.is_empty() {
                let words = read::nothing(view, "no line of the log fits");
                pen.say(&words, view.theme.dim);
                return;
            }
            let (wide, high) = (pen.width(), pen.height());
            let end = wide.saturating_sub(1);
            let last = shown.len() - below;
            let Some(newest) = last.checked_sub(1).and_then(|at| shown.get(at)) else {
                return;
            };
            // The line at the bottom is whole, over as many rows as it needs.
            let text = shown_as(view, newest, wide);
            let lines = if focused {
                wrap(&text, usize::from(wide.saturating_sub(2)))
            } else {
                vec![text.as_str()]
            };
            let used = u16::try_from(lines.len())
                .unwrap_or(u16::MAX)
                .min(high.div_ceil(2));
            let first = (last - 1).saturating_sub(usize::from(high - used));
            let above = shown.get(first..last - 1).unwrap_or_default();
            let mut y = 0;
            for line in above {
                pen.put_within(1, end, y, &shown_as(view, line, wide), style(view, line));
                y += 1;
            }
            for line in lines.into_iter().take(usize::from(used)) {
                pen.put_within(1, end, y, line, style(view, newest));
                y += 1;
            }
        });
        Hits::default()
    }

    fn act(&mut self, action: Action, _view: &View<'_>) -> Option<Vec<Wish>> {
        match action {
            Action::Up => self.scroll(true, 1),
            Action::Down => self.scroll(false, 1),
            Action::PageUp => self.scroll(true, PAGE),
            Action::PageDown => self.scroll(false, PAGE),
            Action::Top => self.scroll(true, usize::MAX),
            Action::Bottom | Action::ScrollLive => (self.back, self.held) = (None, None),
            Action::Sort => {
                self.most = if self.most >= LEVELS.len() {
                    0
                } else {
                    self.most + 1
                };
                if self.most + 1 >= LEVELS.len() {
                    self.most = LEVELS.len();
                }
                (self.back, self.held) = (None, None);
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn word(&mut self, word: &str, text: &str, _view: &View<'_>) -> Option<Result<Vec<Wish>, String>> {
        if word != "log" {
            return None;
        }
        (self.most, self.back, self.held) = (LEVELS.len(), None, None);
        self.words.clear();
        for word in text.split_whitespace() {
            let lower = word.to_lowercase();
            match LEVELS.iter().position(|(_, name)| *name == lower) {
                Some(level) => self.most = level,
                None if lower == "all" || lower == "follow" => {}
                None => self.words.push(lower),
            }
        }
        Some(Ok(Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::tui::panes::fixture::Desk;
    use crate::tui::widgets::screen_of;

    #[test]
    fn a_narrow_pane_shows_what_a_line_says_and_the_last_one_whole() {
        let line = "2026-09-22T13:59:58.123456Z  INFO tradewind::order: BUY 100 AAPL was acknowledged by the exchange";
        let lines = VecDeque::from([line.to_owned(), line.to_owned()]);
        let pane = LogPane::new(Arc::new(Mutex::new(lines)));
        let mut desk = Desk::empty();
        let utc = jiff::tz::TimeZone::UTC;
        desk.now = line[..27]
            .parse::<jiff::Timestamp>()
            .map(Timestamp::from_jiff)
            .unwrap();
        let mut view = desk.view();
        view.zone = Some(&utc);
        let mut buf = Buffer::empty(Rect::new(0, 0, 40, 4));
        pane.render(&view, buf.area, true, &mut buf);
        assert_eq!(
            screen_of(&buf)[..3],
            [
                " 13:59:58.123 I BUY 100 AAPL was ackno…",
                " 13:59:58.123 I BUY 100 AAPL was",
                " acknowledged by the exchange",
            ]
        );
    }

    #[test]
    fn it_follows_by_level_and_stands_still_once_scrolled() {
        let all: VecDeque<String> = (0..40)
            .map(|n| {
                format!(
                    "09:00:{n:02} {} thing {n}",
                    if n % 10 == 0 { "WARN" } else { "INFO" }
                )
            })
            .collect();
        let lines = Arc::new(Mutex::new(all));
        let desk = Desk::empty();
        let mut pane = LogPane::new(Arc::clone(&lines));
        let screen = |pane: &LogPane| {
            let area = Rect::new(0, 0, 30, 3);
            let mut buf = Buffer::empty(area);
            pane.render(&desk.view(), area, true, &mut buf);
            screen_of(&buf)
        };
        assert!(screen(&pane)[2].contains("thing 39"));
        pane.act(Action::Up, &desk.view());
        lines.lock().unwrap().push_back("09:00:41 INFO thing 40".into());
        assert!(
            screen(&pane)[2].contains("thing 38"),
            "it stands still: {:?}",
            screen(&pane)
        );
        pane.word("log", "warn thing", &desk.view());
        assert!(screen(&pane)[2].contains("thing 30"), "{:?}", screen(&pane));
        assert_eq!(pane.title(&desk.view()).1, "4 lines, following");
    }
}
