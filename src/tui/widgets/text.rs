//! A pen that writes text straight into a buffer, clipped to an area, in the area's own coordinates. What a terminal
//! would act on, or has no width, is left out here once more, so that no pane has to think of it. Which text and in
//! which colour is the pane's business.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthChar;

/// Writes inside one area of a buffer. Columns and rows count from the area's corner; what lies outside is not drawn.
#[derive(Debug)]
pub struct Pen<'a> {
    buf: &'a mut Buffer,
    area: Rect,
}

impl<'a> Pen<'a> {
    /// A pen for the part of `area` that lies in `buf`.
    pub fn new(buf: &'a mut Buffer, area: Rect) -> Self {
        let area = area.intersection(buf.area);
        Self { buf, area }
    }
    /// A pen for a part of this one's area, given in its own coordinates.
    pub fn part(&mut self, x: u16, y: u16, width: u16, height: u16) -> Pen<'_> {
        let area = Rect {
            x: self.area.x.saturating_add(x),
            y: self.area.y.saturating_add(y),
            width,
            height,
        }
        .intersection(self.area);
        Pen {
            buf: &mut *self.buf,
            area,
        }
    }
    /// Columns.
    pub fn width(&self) -> u16 {
        self.area.width
    }
    /// Rows.
    pub fn height(&self) -> u16 {
        self.area.height
    }
    /// A row of the area as the buffer counts it, for the mouse; empty outside of the area.
    pub fn row(&self, y: u16) -> Rect {
        Rect {
            y: self.area.y.saturating_add(y),
            height: 1,
            ..self.area
        }
        .intersection(self.area)
    }
    /// Writes `text` from column `x` on and answers the column after it.
    pub fn put(&mut self, x: u16, y: u16, text: &str, style: impl Into<Style>) -> u16 {
        self.write(x, y, text, self.area.width, style.into())
    }
    /// Writes `text` from column `x` on, at most up to (not including) column `end`. What is cut ends in `…`.
    pub fn put_within(&mut self, x: u16, end: u16, y: u16, text: &str, style: impl Into<Style>) -> u16 {
        let end = end.min(self.area.width);
        let style = style.into();
        if x >= end {
            return x;
        }
        let room = usize::from(end - x);
        if width(text) <= room {
            return self.write(x, y, text, end, style);
        }
        let after = self.write(x, y, text, end - 1, style);
        self.write(after, y, "…", end, style)
    }
    /// Writes `text` so that it ends just before column `end`. What does not fit is not shown in part, because a
    /// number without its first digits is another number: a `…` stands for it.
    pub fn right(&mut self, end: u16, y: u16, text: &str, style: impl Into<Style>) {
        self.right_within(0, end, y, text, style);
    }
    /// As [`Pen::right`], with nothing written before column `start`.
    pub fn right_within(&mut self, start: u16, end: u16, y: u16, text: &str, style: impl Into<Style>) {
        let end = end.min(self.area.width);
        let style = style.into();
        let Some(room) = end.checked_sub(start).filter(|room| *room > 0) else {
            return;
        };
        match u16::try_from(width(text)) {
            Ok(wide) if wide <= room => {
                self.write(end - wide, y, text, end, style);
            }
            _ => {
                self.write(end - 1, y, "…", end, style);
            }
        }
    }
    /// One character. Wide and invisible ones are left out.
    pub fn glyph(&mut self, x: u16, y: u16, glyph: char, style: impl Into<Style>) {
        if glyph.width() != Some(1) {
            return;
        }
        if let Some(cell) = self.cell(x, y) {
            cell.set_char(glyph).set_style(style.into());
        }
    }
    /// True where nothing but a space, or one of `also`, is at a place.
    pub fn is_free(&mut self, x: u16, y: u16, also: &[char]) -> bool {
        self.cell(x, y).is_some_and(|cell| {
            let mut shown = cell.symbol().chars();
            shown
                .next()
                .is_none_or(|first| first == ' ' || also.contains(&first))
        })
    }
    /// Gives a rectangle another ground; text on it stays.
    pub fn ground(&mut self, x: u16, y: u16, width: u16, height: u16, ground: Color) {
        let columns = usize::from(x)..usize::from(x.saturating_add(width).min(self.area.width));
        for row in y..y.saturating_add(height).min(self.area.height) {
            for cell in self
                .cells(row)
                .and_then(|row| row.get_mut(columns.clone()))
                .unwrap_or_default()
            {
                cell.set_bg(ground);
            }
        }
    }
    /// Empties the whole area and gives it a ground.
    pub fn clear(&mut self, ground: Color) {
        let mut blank = Cell::EMPTY;
        blank.set_bg(ground);
        for row in 0..self.area.height {
            self.cells(row).unwrap_or_default().fill(blank.clone());
        }
    }
    /// The same character along a row, from column `x` up to (not including) `end`.
    pub fn line(&mut self, x: u16, end: u16, y: u16, glyph: char, style: impl Into<Style>) {
        let style = style.into();
        for column in x..end.min(self.area.width) {
            self.glyph(column, y, glyph, style);
        }
    }
    /// A sentence in the middle of the area: what a pane says when it has nothing to show. A second line where it
    /// does not fit one.
    pub fn say(&mut self, text: &str, style: impl Into<Style>) {
        let style = style.into();
        let room = usize::from(self.area.width.saturating_sub(2));
        if room == 0 || self.area.height == 0 {
            return;
        }
        let lines = wrap(text, room);
        let used = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        let top = self.area.height.saturating_sub(used) / 3;
        for (y, line) in (top..self.area.height).zip(lines) {
            let free = room.saturating_sub(width(line)) / 2;
            let x = u16::try_from(free).unwrap_or(0).saturating_add(1);
            self.put_within(x, self.area.width, y, line, style);
        }
    }

    fn cell(&mut self, x: u16, y: u16) -> Option<&mut Cell> {
        self.cells(y)?.get_mut(usize::from(x))
    }
    /// The cells of a row; nothing below the area.
    fn cells(&mut self, y: u16) -> Option<&mut [Cell]> {
        let whole = self.buf.area;
        let down = usize::from(
            (self.area.y - whole.y)
                .checked_add(y)
                .filter(|_| y < self.area.height)?,
        );
        let first = down * usize::from(whole.width) + usize::from(self.area.x - whole.x);
        self.buf
            .content
            .get_mut(first..first + usize::from(self.area.width))
    }

    fn write(&mut self, x: u16, y: u16, text: &str, end: u16, style: Style) -> u16 {
        let end = end.min(self.area.width);
        let mut at = x;
        let Some(row) = self.cells(y) else { return at };
        for c in text.chars() {
            let wide = match c {
                ' '..='~' => 1,
                _ => match c.width() {
                    Some(1) => 1,
                    Some(2) => 2,
                    _ => continue,
                },
            };
            if at.saturating_add(wide) > end {
                break;
            }
            if let Some(cell) = row.get_mut(usize::from(at)) {
                cell.set_char(c).set_style(style);
            }
            if wide == 2
                && let Some(cell) = row.get_mut(usize::from(at) + 1)
            {
                // The second half belongs to the character before it: a terminal has nothing to draw there.
                cell.set_char(' ').set_style(style);
            }
            at += wide;
        }
        at
    }
}

/// Columns that `text` takes when a [`Pen`] writes it.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// A style of one colour.
pub fn ink(color: Color) -> Style {
    Style::new().fg(color)
}

/// A bold style of one colour.
pub fn bold(color: Color) -> Style {
    Style::new().fg(color).add_modifier(Modifier::BOLD)
}

/// Breaks a text at spaces into lines of at most `room` columns. A word longer than that is left to be cut.
pub fn wrap(text: &str, room: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let (mut start, mut last_space, mut used) = (0, None, 0);
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > room
            && c != ' '
            && let Some(space) = last_space.take()
        {
            lines.push(&text[start..space]);
            start = space + 1;
            used = width(&text[start..at]) + c.width().unwrap_or(0);
        }
        if c == ' ' {
            last_space = Some(at);
        }
    }
    lines.push(&text[start..]);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::widgets::screen_of;

    fn draw(width: u16, work: impl FnOnce(&mut Pen<'_>)) -> String {
        let area = Rect::new(0, 0, width + 2, 3);
        let mut buf = Buffer::empty(area);
        work(&mut Pen::new(&mut buf, Rect::new(1, 1, width, 1)));
        let lines = screen_of(&buf);
        assert!(lines[0].trim().is_empty() && lines[2].trim().is_empty());
        lines[1].clone()
    }

    #[test]
    fn a_number_that_does_not_fit_is_never_shown_in_part() {
        assert_eq!(draw(6, |pen| pen.right(6, 0, "189.52", Style::new())), " 189.52");
        assert_eq!(draw(6, |pen| pen.right(6, 0, "1189.52", Style::new())), "      …");
        assert_eq!(
            draw(6, |pen| pen.right_within(3, 6, 0, "1.52", Style::new())),
            "      …"
        );
    }

    #[test]
    fn what_a_terminal_would_act_on_is_left_out_and_wide_text_is_cut_whole() {
        let written = draw(8, |pen| {
            pen.put(0, 0, "a\u{1b}[2J\u{202E}b\u{7}\u{9b}日本", Style::new());
        });
        assert_eq!(written, " a[2Jb日");
        let cut = draw(5, |pen| {
            pen.put_within(0, 5, 0, "日本語", Style::new());
        });
        assert_eq!(cut, " 日本…");
    }

    #[test]
    fn sentences_break_at_spaces() {
        assert_eq!(wrap("no orders yet", 9), ["no orders", "yet"]);
        assert_eq!(wrap("one two three four", 8), ["one two", "three", "four"]);
        assert_eq!(wrap("", 3), [""]);
    }
}
