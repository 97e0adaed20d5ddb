//! The activity feed: what a person should have seen (fills, denials, links, surprises), the newest first, with its time,
//! narrowed by level and text. Scrolled back it stays where it is while news come in above.

use super::pages::Filter;
use super::read;
use crate::engine::state::{Notice, NoticeLevel};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::text::{Pen, bold, ink, wrap};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Rows that a page goes.
const PAGE: usize = 10;
/// Rows of a long notice at most, and how high the pane has to be for that.
const LONG: usize = 3;
const WITH_LONG: u16 = 6;

/// The feed.
#[derive(Debug, Default)]
pub struct Activity {
    /// Nothing less loud is shown.
    least: Option<NoticeLevel>,
    filter: Filter,
    /// The newest notice shown while scrolled back.
    held: Option<u64>,
}

impl Activity {
    /// All of it, following.
    pub fn new() -> Self {
        Self::default()
    }

    fn takes(&self, notice: &Notice) -> bool {
        let text = notice.text.as_str();
        let named = self.filter.instrument.is_none_or(|id| {
            text.split_whitespace()
                .any(|word| word.trim_end_matches(':') == id.as_str())
        });
        named
            && self.least.is_none_or(|least| notice.level >= least)
            && self
                .filter
                .words
                .iter()
                .all(|word| text.to_lowercase().contains(word))
    }

    /// What is shown, the newest first.
    fn rows<'a>(&self, view: &View<'a>) -> Vec<&'a Notice> {
        let all = view.state.notices.iter().rev();
        all.filter(|notice| self.takes(notice)).collect()
    }

    /// How many newer rows are above the first that is shown.
    fn above(&self, rows: &[&Notice]) -> usize {
        self.held.map_or(0, |held| {
            rows.iter()
                .take_while(|notice| notice.sequence > held)
                .count()
                .min(rows.len().saturating_sub(1))
        })
    }

    fn scroll(&mut self, view: &View<'_>, older: bool, by: usize) {
        let rows = self.rows(view);
        let above = self.above(&rows);
        let to = if older {
            above.saturating_add(by).min(rows.len().saturating_sub(1))
        } else {
            above.saturating_sub(by)
        };
        self.held = rows.get(to).filter(|_| to > 0).map(|notice| notice.sequence);
    }
}

fn style(view: &View<'_>, notice: &Notice) -> Style {
    match notice.level {
        _ if read::is_loud(notice) => ink(view.theme.warn),
        NoticeLevel::Info => ink(view.theme.dim),
        NoticeLevel::Told => ink(view.theme.text),
        NoticeLevel::Fill => ink(view.theme.bright),
        NoticeLevel::Warning => ink(view.theme.warn),
    }
}

/// Not by colour alone: a warning has its sign, a fill another.
pub(super) fn sign(notice: &Notice) -> &'static str {
    match notice.level {
        _ if read::is_loud(notice) => "!",
        NoticeLevel::Info | NoticeLevel::Told => " ",
        NoticeLevel::Fill => "•",
        NoticeLevel::Warning => "!",
    }
}

impl Pane for Activity {
    fn name(&self) -> &'static str {
        "activity"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let least = match self.least {
            Some(NoticeLevel::Warning) => " warnings",
            Some(NoticeLevel::Fill) => " fills and warnings",
            _ => "",
        };
        let rows = self.rows(view);
        let above = self.above(&rows);
        let mut right = if above > 0 {
            format!("{above} newer above")
        } else {
            format!("{} told", rows.len())
        };
        if let Some(old) = read::stale(view) {
            right.push_str(&format!("  {old}"));
        }
        (format!("ACTIVITY{least}{}", self.filter.shown()), right)
    }

    fn render(&self, view: &View<'_>, area: Rect, _focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let rows = self.rows(view);
        if rows.is_empty() {
            let words = if view.state.notices.is_empty() {
                read::nothing(view, "nothing has happened yet")
            } else {
                read::nothing(view, "nothing of that kind: ':activity all' shows everything")
            };
            pen.say(&words, view.theme.dim);
            return Hits::default();
        }
        let end = pen.width().saturating_sub(1);
        let high = pen.height();
        let mut y = 0;
        for notice in rows.iter().skip(self.above(&rows)) {
            if y >= high {
                break;
            }
            let x = pen.put_within(1, end, y, &read::when(view, notice.at), view.theme.faint);
            let mark = bold(if read::is_loud(notice) {
                view.theme.warn
            } else {
                view.theme.up
            });
            let x = pen.put_within(x + 1, end, y, sign(notice), mark) + 1;
            let told = read::notice(view, notice);
            let room = usize::from(end.saturating_sub(x));
            // A sentence that is cut says half of it: it goes on below, where there are rows for that.
            let most = if room >= 20 && high >= WITH_LONG { LONG } else { 1 };
            let lines = if most == 1 {
                vec![told.as_str()]
            } else {
                wrap(&told, room)
            };
            for (i, line) in lines.iter().take(most).enumerate().filter(|_| room > 0) {
                let is_cut = i + 1 == most && lines.len() > most;
                let text = if is_cut {
                    format!("{line} …")
                } else {
                    (*line).to_owned()
                };
                pen.put_within(x, end, y, &text, style(view, notice));
                y += 1;
            }
            y += u16::from(room == 0);
        }
        Hits::default()
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        match action {
            Action::Down => self.scroll(view, true, 1),
            Action::Up => self.scroll(view, false, 1),
            Action::PageDown => self.scroll(view, true, PAGE),
            Action::PageUp => self.scroll(view, false, PAGE),
            Action::Bottom => self.scroll(view, true, usize::MAX),
            Action::Top | Action::ScrollLive => self.held = None,
            Action::Sort => {
                self.least = match self.least {
                    None => Some(NoticeLevel::Fill),
                    Some(NoticeLevel::Fill) => Some(NoticeLevel::Warning),
                    Some(_) => None,
                };
                self.held = None;
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn word(&mut self, word: &str, text: &str, view: &View<'_>) -> Option<Result<Vec<Wish>, String>> {
        if word != "activity" {
            return None;
        }
        let mut least = None;
        self.filter = Filter::read(text, view, |word| {
            least = match word {
                "all" => None,
                "fills" | "fill" => Some(NoticeLevel::Fill),
                "warnings" | "warning" => Some(NoticeLevel::Warning),
                _ => return false,
            };
            true
        });
        (self.least, self.held) = (least, None);
        Some(Ok(Vec::new()))
    }
}
