//! The sheets of the day over the panes: what to look at before the open and before the close, and the day's statement.
//! They are drawn from what is here at this moment, so that a countdown counts; a shell command prints the same.

use super::desk::{Desk, Modal};
use super::overlay::panel;
use super::panes::read;
use super::widgets::text::{Pen, bold, ink, wrap};
use crate::domain::Timestamp;
use crate::engine::sheet::{self, Ground, Line, Mark};
use crate::engine::statement::Statement;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Which sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheet {
    /// Before the open.
    Preopen,
    /// Before the close.
    Close,
    /// The day's statement.
    Statement,
}

/// Cells of a sheet at most.
const WIDE: u16 = 110;
/// Where the words of a line begin.
const WORDS: u16 = 16;

impl Desk {
    /// Opens the sheet that a word names.
    pub(super) fn open_sheet(&mut self, word: &str) {
        let sheet = match word {
            "preopen" => Sheet::Preopen,
            "close" => Sheet::Close,
            _ => Sheet::Statement,
        };
        self.modal = Some(Modal::Sheet(sheet, 0));
    }

    /// What a sheet is made from; nothing before an account is known.
    fn ground(&self, now: Timestamp) -> Option<Ground<'_>> {
        Some(Ground {
            state: &self.world.state,
            market: &self.world.market,
            account: self.world.account?,
            now,
            venue_now: self.world.venue_time(now),
            health: self.world.health().map(|(health, _)| health),
        })
    }
}

/// One row as it is drawn: sign, topic, words.
type Row = (Option<Mark>, String, String);

fn rows_of(lines: Vec<Line>, room: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in lines {
        for (i, part) in wrap(&line.text, room).into_iter().enumerate() {
            let first = i == 0;
            let topic = if first {
                line.topic.to_owned()
            } else {
                String::new()
            };
            rows.push((first.then_some(line.mark), topic, part.to_owned()));
        }
    }
    rows
}

/// Draws a sheet.
pub fn draw(desk: &Desk, sheet: Sheet, scroll: u16, now: Timestamp, body: Rect, buf: &mut Buffer) {
    let (view, theme) = (desk.world.view(now), &desk.world.theme);
    let title = match sheet {
        Sheet::Preopen => "BEFORE THE OPEN",
        Sheet::Close => "BEFORE THE CLOSE",
        Sheet::Statement => "STATEMENT",
    };
    let mut pen = panel(desk, title, (WIDE, body.height), body, buf);
    let room = usize::from(pen.width().saturating_sub(WORDS + 2));
    let Some(ground) = desk.ground(now) else {
        return pen.say(&read::nothing(&view, "no account yet"), theme.dim);
    };
    let (rows, looks) = match sheet {
        Sheet::Statement => {
            let statement = Statement::of(view.state, view.market, view.venue_now, ground.account);
            let lines = statement.text();
            let rows = lines
                .lines()
                .map(|line| (None, String::new(), line.to_owned()))
                .collect();
            (rows, String::new())
        }
        Sheet::Preopen | Sheet::Close => {
            let lines = if sheet == Sheet::Preopen {
                sheet::preopen(&ground)
            } else {
                sheet::close(&ground)
            };
            let count = |mark| lines.iter().filter(|line| line.mark == mark).count();
            let looks = format!(
                "{} to look at, {} unknown  ",
                count(Mark::Look),
                count(Mark::Unknown)
            );
            (rows_of(lines, room), looks)
        }
    };
    draw_rows(
        &mut pen,
        &rows,
        scroll,
        |mark| style(desk, mark),
        &looks,
        |text| view.ours(text),
    );
}

fn style(desk: &Desk, mark: Option<Mark>) -> Style {
    let theme = &desk.world.theme;
    match mark {
        Some(Mark::Good) => ink(theme.sim),
        Some(Mark::Look) => bold(theme.warn),
        Some(Mark::Unknown) => bold(theme.dim),
        Some(Mark::Note) | None => ink(theme.dim),
    }
}

fn draw_rows(
    pen: &mut Pen<'_>,
    rows: &[Row],
    scroll: u16,
    style: impl Fn(Option<Mark>) -> Style,
    looks: &str,
    ours: impl Fn(String) -> String,
) {
    let (width, room) = (pen.width(), usize::from(pen.height().saturating_sub(2)));
    let from = usize::from(scroll).min(rows.len().saturating_sub(room));
    let until = (from + room).min(rows.len());
    let place = format!("{looks}{}–{until} of {}", (from + 1).min(until), rows.len());
    pen.right(width.saturating_sub(1), 0, &place, style(None));
    for (y, (mark, topic, text)) in (2..pen.height()).zip(rows.iter().skip(from)) {
        let text = ours(text.clone());
        if mark.is_none() && topic.is_empty() && rows.iter().all(|row| row.0.is_none()) {
            // A text of its own columns.
            pen.put_within(2, width.saturating_sub(1), y, &text, style(None));
            continue;
        }
        if let Some(mark) = mark {
            pen.put(2, y, mark.sign(), style(Some(*mark)));
        }
        pen.put_within(4, WORDS - 1, y, topic, style(None));
        let words = match mark {
            Some(Mark::Look) => style(Some(Mark::Look)),
            _ => style(None),
        };
        pen.put_within(WORDS, width.saturating_sub(1), y, &text, words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::sample;
    use crate::tui::widgets::screen_of;

    fn drawn(sheet: Sheet, width: u16, height: u16, scroll: u16, masked: bool) -> String {
        let mut desk = sample::desk().0;
        desk.world.masked = masked;
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        draw(&desk, sheet, scroll, sample::now(), area, &mut buf);
        for cell in &buf.content {
            assert!(!cell.symbol().chars().any(char::is_control));
        }
        screen_of(&buf).join("\n")
    }

    #[test]
    fn a_future_that_is_delivered_wants_a_look_and_one_in_cash_has_no_notice() {
        let roll = |delivers| {
            let mut desk = sample::desk().0;
            let ids: Vec<_> = desk.world.state.instruments.keys().copied().collect();
            for id in ids {
                let terms = crate::market::Terms {
                    delivers: Some(delivers),
                    ..crate::market::Terms::of(id)
                };
                desk.world.market.on_terms(terms);
            }
            let area = Rect::new(0, 0, 160, 60);
            let mut buf = Buffer::empty(area);
            draw(&desk, Sheet::Preopen, 0, sample::now(), area, &mut buf);
            screen_of(&buf).join("\n")
        };
        let (delivered, cash) = (roll(true), roll(false));
        assert!(
            delivered.contains("! roll        ESZ6 is delivered: first notice"),
            "{delivered}"
        );
        assert!(!cash.contains("notice"), "{cash}");
    }

    #[test]
    fn the_sheets_name_what_is_bare_and_what_nobody_told_at_any_size() {
        for sheet in [Sheet::Preopen, Sheet::Close, Sheet::Statement] {
            for (width, height) in [(0, 0), (1, 1), (20, 4), (37, 9), (80, 20), (240, 60)] {
                for scroll in [0, 3, u16::MAX] {
                    drawn(sheet, width, height, scroll, false);
                }
            }
        }
        let preopen = drawn(Sheet::Preopen, 160, 60, 0, false);
        for wanted in [
            "! position    NVDA -50 NAKED: no stop",
            "✓ position    AAPL +100, a stop covers all of it",
            "? events      earnings of",
            "? roll        first notice days are not told",
        ] {
            assert!(preopen.contains(wanted), "{wanted}\n{preopen}");
        }
        // The stop of AAPL is a day order: it leaves the position bare over night.
        let close = drawn(Sheet::Close, 160, 60, 0, false);
        assert!(close.contains("a stop that ends with the day"), "{close}");
        assert!(
            close.contains("AAPL +100 NAKED: no stop that outlives the day"),
            "{close}"
        );
        assert!(close.contains("closes in 6:01:46, at 16:00 NY"), "{close}");
        let hidden = drawn(Sheet::Statement, 160, 60, 0, true);
        assert!(!hidden.contains("190.31"), "{hidden}");
    }
}
