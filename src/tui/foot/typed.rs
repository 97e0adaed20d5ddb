//! The order line at the foot: the text with the word that is wrong, the rows of its preview above it, and on the message
//! line what speaks against it or may come next.

use super::super::desk::{Desk, Tone};
use super::super::forecast::{Forecast, Group, bold, span};
use super::super::line::{self, Line, Meaning, Reading};
use super::super::pane::View;
use super::super::pin::Pin;
use super::super::status::put;
use super::super::ticket::NotYet;
use super::super::view::Drawn;
use super::super::widgets::text::Pen;
use super::{BESIDE, LEFT, unarmed};
use crate::engine::Denial;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;

/// What stands on the order line, understood, and the rows of its preview.
pub(super) struct Typed {
    reading: Reading,
    /// As pinned, where it is; nothing else is sent.
    denial: Option<Denial>,
    outdated: Option<NotYet>,
    /// Rows over the line.
    pub(super) above: Vec<Group>,
    /// Beside the line.
    beside: Group,
}

impl Typed {
    pub(super) fn new(desk: &Desk, line: &Line, view: &View<'_>, screen: Rect) -> Self {
        let width = usize::from(screen.width.saturating_sub(2));
        let most = usize::from(screen.height.saturating_sub(LEFT).max(1));
        let (reading, outdated) = match &line.pin {
            Some(pin) => (
                Reading::Commands(Meaning {
                    commands: pin.commands().to_vec(),
                    ahead: pin.ahead.clone(),
                    notes: pin.notes.clone(),
                }),
                pin.outdated(view),
            ),
            None => (line::read(line.text(), view, &mut || desk.preview_id), None),
        };
        let mut typed = Self {
            reading,
            denial: None,
            outdated,
            above: Vec::new(),
            beside: Vec::new(),
        };
        match &typed.reading {
            Reading::Commands(meaning) => {
                typed.denial = meaning.ahead.iter().find_map(|forecast| forecast.denial.clone());
                typed.above = lines(meaning, desk.what_if_line(line, view), view, width, most);
            }
            other => typed.beside = explained(other, view),
        }
        if screen.width < BESIDE && typed.above.is_empty() {
            typed.above.push(std::mem::take(&mut typed.beside));
        }
        typed
    }
}

/// A preview's rows: what each command would do, and what was rounded or converted. What does not fit is counted.
fn lines(
    meaning: &Meaning,
    told: Option<Span<'static>>,
    view: &View<'_>,
    width: usize,
    most: usize,
) -> Vec<Group> {
    let theme = view.theme;
    let notes: Vec<Group> = meaning
        .notes
        .iter()
        .map(|note| vec![span(view.ours(note.clone()), theme.text)])
        .collect();
    let told = told.map(|span| vec![Span::styled(span.content.trim().to_owned(), span.style)]);
    let mut lines = match &meaning.ahead[..] {
        [Forecast { rows, denial }] if rows.len() == 1 => {
            let mut row = rows[0].clone();
            row.extend(told);
            row.splice(1..1, notes);
            let one = Forecast {
                rows: vec![row],
                denial: denial.clone(),
            };
            one.lines(width)
        }
        all => {
            let mut lines: Vec<Group> = all.iter().flat_map(|one| one.lines(width)).collect();
            let said = Forecast {
                rows: vec![notes],
                denial: None,
            };
            lines.extend(said.lines(width));
            lines
        }
    };
    if lines.len() > most {
        let more = lines.len() - most + 1;
        lines.truncate(most.saturating_sub(1));
        lines.push(vec![span(format!("and {more} more rows"), theme.warn)]);
    }
    lines
}

/// The order line; answers what there is to say of it.
pub(super) fn draw_line(
    desk: &Desk,
    line: &Line,
    typed: Typed,
    view: &View<'_>,
    row: Rect,
    buf: &mut Buffer,
    drawn: &mut Drawn,
) -> Option<(Tone, String)> {
    let theme = view.theme;
    let mut pen = Pen::new(buf, row);
    let width = pen.width();
    // A line longer than the row shows its end: that is where one types.
    let room = usize::from(width.saturating_sub(4));
    let skip = (line.cursor() + 1).saturating_sub(room);
    let shown: String = line.text().chars().skip(skip).collect();
    pen.put(1, 0, ":", bold("", theme.bright).style);
    let mut end = pen.put_within(2, width, 0, &shown, theme.style(theme.bright));
    if let Reading::Wrong(at, _) = &typed.reading {
        mark(&mut pen, line.text(), at.clone(), skip, theme.error);
    }
    if let Some(rest) = desk.completion(line, view) {
        end = pen.put_within(end, width, 0, &rest, theme.style(theme.faint));
    }
    let cursor = u16::try_from(line.cursor() - skip.min(line.cursor())).unwrap_or(0);
    drawn.cursor = Some(Position::new(row.x + 2 + cursor, row.y));
    let start = end.saturating_add(4).max(46).min(width);
    let place = Rect {
        x: row.x + start,
        width: width - start,
        ..row
    };
    put(&mut Pen::new(buf, place), 0, &typed.beside);
    said_of(desk, line, &typed, view)
}

/// What speaks against a line, or what may come next on it.
fn said_of(desk: &Desk, line: &Line, typed: &Typed, view: &View<'_>) -> Option<(Tone, String)> {
    let warn = |text: String| Some((Tone::Warn, text));
    match &typed.reading {
        Reading::Wrong(at, why) if at.start < line.text().trim_end().len() || at.start == 0 => {
            // A word that is still being typed is not wrong yet while something begins with it.
            let typing = at.end == line.text().len() && desk.completion(line, view).is_some();
            if typing {
                next_words(desk, line, view)
            } else {
                warn(why.clone())
            }
        }
        Reading::Wrong(_, why) => next_words(desk, line, view).or_else(|| Some((Tone::Plain, why.clone()))),
        Reading::Commands(_) => {
            if let Some(denial) = &typed.denial {
                return warn(format!("would be denied: {denial}"));
            }
            let adds = line.pin.as_ref().is_some_and(Pin::adds);
            let outdated = typed.outdated.map(|why| (Tone::Warn, why.hint().to_owned()));
            outdated
                .or_else(|| unarmed(desk).filter(|_| adds))
                .or_else(|| next_words(desk, line, view))
        }
        Reading::Desk(..) => next_words(desk, line, view),
        _ => None,
    }
}

/// The words that may come next, where a new one begins.
fn next_words(desk: &Desk, line: &Line, view: &View<'_>) -> Option<(Tone, String)> {
    let text = line.text();
    let words = desk.candidates(line, view);
    let begins = text.ends_with(' ') || desk.completion(line, view).is_some();
    (begins && !text.is_empty() && words.len() > 1)
        .then(|| (Tone::Plain, format!("next: {}", words.join(" "))))
}

/// Underlines the word that is wrong.
fn mark(
    pen: &mut Pen<'_>,
    text: &str,
    at: std::ops::Range<usize>,
    skip: usize,
    colour: ratatui::style::Color,
) {
    let before = text.get(..at.start).map_or(0, |part| part.chars().count());
    let wrong: String = text.get(at).unwrap_or_default().chars().collect();
    if before >= skip {
        let x = u16::try_from(before - skip).unwrap_or(u16::MAX).saturating_add(2);
        let style = ratatui::style::Style::new().fg(colour).underlined();
        pen.put_within(
            x,
            pen.width(),
            0,
            if wrong.is_empty() { " " } else { &wrong },
            style,
        );
    }
}

/// What a line that is no order would do.
fn explained(reading: &Reading, view: &View<'_>) -> Group {
    let theme = view.theme;
    match reading {
        Reading::Symbol(id) => {
            let name = view
                .state
                .instruments
                .get(id)
                .map_or(String::new(), |i| format!("  {}", i.name));
            vec![
                bold(id.to_string(), theme.bright),
                span(name, theme.dim),
                span("  Enter puts it on the desk", theme.dim),
            ]
        }
        Reading::FlattenAccount => vec![
            bold("FLATTEN ALL ", theme.bright),
            span(
                "every order and position of the account; Enter asks once more",
                theme.text,
            ),
        ],
        Reading::Desk(word, _) => {
            let found = line::DESK_WORDS.iter().find(|(known, ..)| known == word);
            let (args, what) = found.map_or(("", ""), |(_, args, what)| (*args, *what));
            let gap = if args.is_empty() { "" } else { " " };
            vec![
                span(format!("{word}{gap}{args}"), theme.bright),
                span(format!("  {what}"), theme.dim),
            ]
        }
        Reading::Empty => vec![span(
            "buy|sell QTY SYM [@PRICE|mkt] [stop P] [target P] [day|gtc|ioc|fok]   x   close   flat",
            theme.faint,
        )],
        Reading::Wrong(..) | Reading::Commands(_) => Vec::new(),
    }
}
