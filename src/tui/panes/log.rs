//! What a person should have seen: the state's notices, newest last, and below them the program's own log lines.

use super::read;
use crate::domain::SafeText;
use crate::engine::state::{Notice, NoticeLevel};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::text::{Pen, bold, ink};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows that a page goes.
const PAGE: usize = 10;
/// With fewer rows only the notices are shown.
const SPLIT: u16 = 8;

/// Notices and log lines.
#[derive(Debug)]
pub struct LogPane {
    lines: Arc<Mutex<VecDeque<String>>>,
    /// The newest notice shown while scrolled back.
    held: Option<u64>,
}

impl LogPane {
    /// `lines` are the newest log lines, newest last; somebody else adds to them and keeps them few.
    pub fn new(lines: Arc<Mutex<VecDeque<String>>>) -> Self {
        Self { lines, held: None }
    }
    /// The newest `count` log lines, made harmless, oldest first.
    fn newest_lines(&self, count: usize) -> Vec<SafeText> {
        // A writer that panicked has left whole lines: they are still worth reading.
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = lines.len().saturating_sub(count);
        lines.iter().skip(skip).map(|line| SafeText::new(line)).collect()
    }
    /// How many notices are shown: those up to the held one.
    fn shown(&self, notices: &VecDeque<Notice>) -> usize {
        match self.held {
            Some(held) => notices.partition_point(|notice| notice.sequence <= held).max(1),
            None => notices.len(),
        }
        .min(notices.len())
    }
    fn scroll(&mut self, view: &View<'_>, older: bool, by: usize) {
        let notices = &view.state.notices;
        let shown = self.shown(notices);
        let to = if older {
            shown.saturating_sub(by).max(1)
        } else {
            shown.saturating_add(by)
        };
        self.held = notices
            .get(to.saturating_sub(1))
            .filter(|_| to < notices.len())
            .map(|notice| notice.sequence);
    }
}

fn style(view: &View<'_>, level: NoticeLevel) -> Style {
    match level {
        NoticeLevel::Info => ink(view.theme.dim),
        NoticeLevel::Told | NoticeLevel::Fill => ink(view.theme.text),
        NoticeLevel::Warning => ink(view.theme.warn),
    }
}

fn draw_notices(pen: &mut Pen<'_>, view: &View<'_>, shown: usize) {
    let rows = usize::from(pen.height());
    let first = shown.saturating_sub(rows);
    for (y, notice) in (0u16..).zip(view.state.notices.range(first..shown)) {
        let mut x = pen.put(1, y, &read::when(view, notice.at), view.theme.faint);
        if notice.level == NoticeLevel::Warning {
            // Not by colour alone.
            x = pen.put(x.saturating_add(1), y, "!", bold(view.theme.warn));
        } else {
            x = x.saturating_add(2);
        }
        let end = pen.width().saturating_sub(1);
        let text = notice.text.as_str();
        pen.put_within(x.saturating_add(1), end, y, text, style(view, notice.level));
    }
}

impl Pane for LogPane {
    fn name(&self) -> &'static str {
        "log"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let notices = &view.state.notices;
        let back = notices.len() - self.shown(notices);
        let right = if back > 0 {
            format!("{back} newer below")
        } else {
            String::new()
        };
        ("LOG".to_owned(), right)
    }

    fn render(&self, view: &View<'_>, area: Rect, _focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let (wide, high) = (pen.width(), pen.height());
        let notices = &view.state.notices;
        let below = if high >= SPLIT || notices.is_empty() {
            let room = if notices.is_empty() { high } else { high * 2 / 5 };
            self.newest_lines(usize::from(room.saturating_sub(1)))
        } else {
            Vec::new()
        };
        if notices.is_empty() && below.is_empty() {
            pen.say(&read::nothing(view, "nothing has happened yet"), view.theme.dim);
            return Hits::default();
        }
        let lines = u16::try_from(below.len()).unwrap_or(high);
        let above = high.saturating_sub(lines).saturating_sub(u16::from(lines > 0));
        let shown = self.shown(notices);
        draw_notices(&mut pen.part(0, 0, wide, above), view, shown);
        if lines > 0 {
            pen.line(0, wide, above, '─', view.theme.rule);
            for (y, line) in (above.saturating_add(1)..high).zip(&below) {
                pen.put_within(1, wide.saturating_sub(1), y, line.as_str(), view.theme.faint);
            }
        }
        Hits::default()
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        match action {
            Action::Up => self.scroll(view, true, 1),
            Action::Down => self.scroll(view, false, 1),
            Action::PageUp => self.scroll(view, true, PAGE),
            Action::PageDown => self.scroll(view, false, PAGE),
            Action::Top => self.scroll(view, true, usize::MAX),
            Action::Bottom | Action::ScrollLive => self.held = None,
            _ => return None,
        }
        Some(Vec::new())
    }
}
