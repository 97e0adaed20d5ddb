//! Fills, said where the eye is for a few seconds: small lines at the upper right of the panes. They take no key, move
//! nothing, and go by themselves; the activity pane keeps them.

use super::desk::Desk;
use super::panes::read;
use super::widgets::text::{Pen, bold, width};
use crate::domain::Timestamp;
use crate::engine::state::{Notice, NoticeLevel};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::VecDeque;
use std::time::Duration;

/// How long one stays.
const STAYS: Duration = Duration::from_secs(4);
/// How many are shown at once; of more the newest.
const SHOWN: usize = 3;
/// Cells of one at most, in parts of four of the body: what proves that something is flat is the end of its line.
const WIDE: u16 = 3;

/// The fills of the last seconds, oldest first.
#[derive(Debug, Default)]
pub struct Toasts(VecDeque<(Timestamp, String)>);

impl Toasts {
    /// Takes the fills among new notices.
    pub fn take(&mut self, new: &[Notice], now: Timestamp) {
        let fills = new.iter().filter(|notice| notice.level == NoticeLevel::Fill);
        self.0
            .extend(fills.map(|notice| (now, read::told(notice.text.as_str()))));
        while self.0.len() > SHOWN {
            self.0.pop_front();
        }
    }
    /// Lets old ones go.
    pub fn forget(&mut self, now: Timestamp) {
        self.0.retain(|(at, _)| now.since(*at) <= STAYS);
    }
}

/// Draws them over the panes. On a small screen the message line says it, and room is dear.
pub fn draw(desk: &Desk, now: Timestamp, body: Rect, buf: &mut Buffer) {
    if body.width < 120 || body.height < 20 || desk.modal.is_some() {
        return;
    }
    let theme = &desk.world.theme;
    let view = desk.world.view(now);
    let most = body.width / 4 * WIDE;
    let fresh = desk.toasts.0.iter().filter(|(at, _)| now.since(*at) <= STAYS);
    for (y, (_, text)) in (1u16..).zip(fresh) {
        let text = view.ours(text.clone());
        let wide = u16::try_from(width(&text))
            .unwrap_or(most)
            .saturating_add(4)
            .min(most);
        let area = Rect {
            x: body.x + body.width.saturating_sub(wide + 1),
            y: body.y.saturating_add(y),
            width: wide,
            height: 1,
        };
        let mut pen = Pen::new(buf, area);
        pen.clear(theme.selection);
        pen.put(0, 0, "▌", theme.focus_bar);
        pen.put_within(2, wide.saturating_sub(1), 0, &text, bold(theme.bright));
    }
}
