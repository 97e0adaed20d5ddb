//! The sheets of the day over the panes: what to look at before the open and before the close, and the day's statement.
//! They are drawn from what is here at this moment, so that a countdown counts; a shell command prints the same. Of another
//! day's statement the engine is asked for the books.

use super::desk::{Desk, Effect, Modal, Tone};
use super::link::{Answer, Ask, ToEngine};
use super::overlay::panel;
use super::panes::read;
use super::widgets::text::{Pen, bold, ink, wrap};
use crate::domain::{CalendarId, Timestamp};
use crate::engine::sheet::{self, Ground, Line, Mark};
use crate::engine::statement::{self, Statement};
use crate::market::Timeframe;
use jiff::civil::Date;
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
    /// That of another day.
    Day(Date),
}

/// Cells of a sheet at most.
const WIDE: u16 = 110;
/// Where the words of a line begin.
const WORDS: u16 = 16;

impl Desk {
    /// Opens the sheet that a word names; behind `statement` may stand a day.
    pub(super) fn open_sheet(&mut self, word: &str, rest: &str, now: Timestamp) -> Vec<Effect> {
        let sheet = match (word, rest) {
            ("preopen", _) => Sheet::Preopen,
            ("close", _) => Sheet::Close,
            (_, "") => Sheet::Statement,
            (_, day) => {
                let asked = self.ask_for_day(day, now);
                return asked.unwrap_or_else(|why| {
                    self.say(Tone::Warn, why, now);
                    Vec::new()
                });
            }
        };
        self.modal = Some(Modal::Sheet(sheet, 0));
        Vec::new()
    }

    /// Opens the statement of a day and asks for its books.
    fn ask_for_day(&mut self, text: &str, now: Timestamp) -> Result<Vec<Effect>, String> {
        let venue_now = self.world.venue_time(now);
        let day = match text.to_ascii_lowercase().as_str() {
            "yesterday" => self
                .day_before(venue_now)
                .ok_or("there is no calendar of yesterday")?,
            _ => statement::date(text).map_err(|why| format!("{why}, or yesterday"))?,
        };
        if !self.is_attached() {
            return Err("there is no link to the engine to ask for that day".to_owned());
        }
        statement::has_begun(&self.world.state, day, venue_now)?;
        self.books = None;
        self.modal = Some(Modal::Sheet(Sheet::Day(day), 0));
        Ok(vec![Effect::Tell(ToEngine::Ask(Ask::Books(day)))])
    }

    /// The trading day before this one, by the calendar of the instrument on the desk: on a Monday, Friday.
    fn day_before(&self, at: Timestamp) -> Option<Date> {
        let on_desk = self
            .world
            .instrument
            .and_then(|id| self.world.state.instruments.get(&id));
        let calendar = on_desk
            .map_or(CalendarId::UsEquity, |listed| listed.calendar)
            .calendar();
        // Between two days it is the one that is over.
        let here = calendar.trading_day(at).or_else(|| calendar.next_day(at))?;
        Some(calendar.previous_day(here.start)?.date)
    }

    /// Takes the books of a day, where they are still waited for, and asks for the closes they are valued at.
    pub(super) fn take_books(&mut self, day: Date, answer: Answer) -> Vec<Effect> {
        if !matches!(self.modal, Some(Modal::Sheet(Sheet::Day(open), _)) if open == day) {
            return Vec::new();
        }
        let books = match answer {
            Answer::Books(books) => Ok(books),
            Answer::Failed(why) => Err(why),
            _ => Err("the engine gave another answer than was asked for".into()),
        };
        let of = self.world.account.zip(books.as_ref().ok());
        let instruments = of.map(|(account, books)| statement::instruments(books, account));
        let ask = |instrument| {
            Effect::Tell(ToEngine::Bars {
                instrument,
                timeframe: Timeframe::Day,
                count: statement::DAYS_BACK,
            })
        };
        self.books = Some(books);
        instruments.into_iter().flatten().map(ask).collect()
    }

    /// The link went before the books came: they will not come any more.
    pub(super) fn miss_books(&mut self) {
        if matches!(self.modal, Some(Modal::Sheet(Sheet::Day(_), _))) && self.books.is_none() {
            self.books = Some(Err("the link was lost before it came; ask once more".into()));
        }
    }

    /// The statement of another day in words, or why there is none yet.
    fn statement_of(&self, day: Date, ground: &Ground<'_>) -> Result<String, String> {
        let books = match &self.books {
            None => return Err("loading".to_owned()),
            Some(Err(why)) => return Err(why.to_string()),
            Some(Ok(books)) => books,
        };
        if statement::instruments(books, ground.account).is_empty() {
            return Err(format!(
                "nothing is booked in {} until the end of {day}",
                ground.account
            ));
        }
        let closes = |id| {
            let listed = books.instruments.get(&id);
            listed.map_or((None, None), |listed| {
                statement::closes_of(ground.market.bars(id, Timeframe::Day), listed, day)
            })
        };
        Ok(Statement::of_day(books, day, ground.account, closes).text())
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

/// A text that has columns of its own.
fn plain_rows(text: &str) -> Vec<Row> {
    let rows = text.lines();
    rows.map(|line| (None, String::new(), line.to_owned())).collect()
}

/// Draws a sheet.
pub fn draw(desk: &Desk, sheet: Sheet, scroll: u16, now: Timestamp, body: Rect, buf: &mut Buffer) {
    let (view, theme) = (desk.world.view(now), &desk.world.theme);
    let title = match sheet {
        Sheet::Preopen => "BEFORE THE OPEN".to_owned(),
        Sheet::Close => "BEFORE THE CLOSE".to_owned(),
        Sheet::Statement => "STATEMENT".to_owned(),
        Sheet::Day(day) => format!("STATEMENT {}", day.strftime("%a %Y-%m-%d")),
    };
    let mut pen = panel(desk, &title, (WIDE, body.height), body, buf);
    let room = usize::from(pen.width().saturating_sub(WORDS + 2));
    let Some(ground) = desk.ground(now) else {
        return pen.say(&read::nothing(&view, "no account yet"), theme.dim);
    };
    let (rows, looks) = match sheet {
        Sheet::Statement => {
            let statement = Statement::of(view.state, view.market, view.venue_now, ground.account);
            (plain_rows(&statement.text()), String::new())
        }
        Sheet::Day(day) => match desk.statement_of(day, &ground) {
            Ok(text) => (plain_rows(&text), String::new()),
            Err(why) => return pen.say(&view.ours(why), theme.dim),
        },
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

    #[test]
    fn the_statement_of_another_day_is_asked_for_and_shown_when_it_comes() {
        let now = sample::now();
        let mut desk = sample::desk().0;
        let shown = |desk: &Desk| {
            let Some(Modal::Sheet(sheet, _)) = desk.modal else {
                return "no sheet".to_owned();
            };
            let area = Rect::new(0, 0, 120, 30);
            let mut buf = Buffer::empty(area);
            draw(desk, sheet, 0, now, area, &mut buf);
            screen_of(&buf).join("\n")
        };
        let said = |desk: &Desk| {
            desk.message
                .as_ref()
                .map(|message| message.text.clone())
                .unwrap_or_default()
        };
        // No day, and one that is to come: in words, and nothing is asked.
        for (text, why) in [
            (
                "tomorrow",
                "'tomorrow' is no day: write it as 2026-11-25, or yesterday",
            ),
            (
                "2026-11-25",
                "2026-11-25 is no trading day of anything here, or is yet to come",
            ),
        ] {
            assert!(desk.open_sheet("statement", text, now).is_empty());
            assert_eq!(said(&desk), why);
        }
        // It is Friday.
        let thursday: Date = "2026-11-19".parse().unwrap();
        let asked = [Effect::Tell(ToEngine::Ask(Ask::Books(thursday)))];
        assert_eq!(desk.open_sheet("statement", "yesterday", now), asked);
        assert!(shown(&desk).contains("STATEMENT Thu 2026-11-19") && shown(&desk).contains("loading"));
        let books = Box::new(desk.world.state.clone());
        let asked = desk.take_books(thursday, Answer::Books(books));
        let aapl = sample::instrument("AAPL").id;
        let of = |effect: &Effect| matches!(effect, Effect::Tell(ToEngine::Bars { instrument, .. }) if *instrument == aapl);
        assert!(asked.iter().any(of), "{asked:?}");
        let screen = shown(&desk);
        for words in ["until 2026-11-2", "AAPL", "NVDA"] {
            assert!(screen.contains(words), "{words}\n{screen}");
        }
        // Of an account that had nothing then, and of a link that went.
        desk.open_sheet("statement", "2026-11-19", now);
        desk.take_books(thursday, Answer::Books(Box::default()));
        assert!(shown(&desk).contains("nothing is booked in"), "{}", shown(&desk));
        desk.open_sheet("statement", "2026-11-19", now);
        desk.take_books(thursday, Answer::Failed("the journal can't be read".into()));
        assert!(shown(&desk).contains("the journal can't be read"));
        desk.open_sheet("statement", "2026-11-19", now);
        let reason = "gone".to_owned();
        desk.on_engine(super::super::link::FromEngine::Lost { reason }, now);
        assert!(matches!(&desk.books, Some(Err(why)) if why.as_str().contains("ask once more")));
        // What comes when nobody waits for it any more is let go.
        (desk.modal, desk.books) = (None, None);
        assert!(
            desk.take_books(thursday, Answer::Books(Box::default()))
                .is_empty()
        );
        assert!(desk.books.is_none());
        assert!(desk.open_sheet("statement", "2026-11-19", now).is_empty());
        assert!(said(&desk).contains("no link to the engine"));
    }
}
