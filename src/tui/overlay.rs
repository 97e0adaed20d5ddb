//! What is drawn over the panes: the help, the symbol search, the question before leaving, and what may follow a prefix
//! key. All of it comes from the key table and the state; nothing here knows a key by itself.

use super::desk::{Desk, Modal};
use super::forecast::bold;
use super::keymap::{Context, Danger, TABLE, shown};
use super::line::DESK_WORDS;
use super::search::Search;
use super::view::Drawn;
use super::widgets::number;
use super::widgets::text::Pen;
use crate::domain::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Color;

/// Draws what is open over `body`.
pub fn draw(desk: &Desk, now: Timestamp, body: Rect, buf: &mut Buffer, drawn: &mut Drawn) {
    match &desk.modal {
        Some(Modal::Help(scroll)) => help(desk, *scroll, body, buf),
        Some(Modal::Search(search)) => draw_search(desk, search, now, body, buf, drawn),
        Some(Modal::Sheet(sheet, scroll)) => super::sheets::draw(desk, *sheet, *scroll, now, body, buf),
        Some(Modal::Leaving) => leaving(desk, body, buf),
        _ => {}
    }
    if !desk.pressed.is_empty() {
        continuations(desk, body, buf);
    }
}

/// An empty panel of at most this size at the bottom left (or in the middle) of `body`, with a title.
pub(super) fn panel<'a>(
    desk: &Desk,
    title: &str,
    size: (u16, u16),
    body: Rect,
    buf: &'a mut Buffer,
) -> Pen<'a> {
    let theme = &desk.world.theme;
    let (width, height) = (size.0.min(body.width), size.1.min(body.height));
    let area = Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 3,
        width,
        height,
    };
    let mut pen = Pen::new(buf, area);
    pen.clear(theme.panel);
    pen.put(0, 0, "▌", theme.focus_bar);
    pen.put(1, 0, title, bold("", theme.bright).style);
    pen
}

/// One line of the help.
enum Row {
    Head(&'static str),
    Key {
        keys: String,
        help: &'static str,
        danger: Danger,
    },
    Word {
        word: &'static str,
        args: &'static str,
        what: &'static str,
    },
    Blank,
}

/// The help, from the tables.
fn rows() -> Vec<Row> {
    use Context::{Anywhere, Desk, Help, Leaving, Line, Search, Ticket};
    let mut rows = Vec::new();
    for context in [Anywhere, Desk, Ticket, Line, Search, Help, Leaving] {
        rows.push(Row::Head(context.word()));
        for binding in TABLE.iter().filter(|binding| binding.context == context) {
            let keys = binding
                .keys
                .iter()
                .map(|keys| shown(keys))
                .collect::<Vec<_>>()
                .join("  ");
            rows.push(Row::Key {
                keys,
                help: binding.help,
                danger: binding.danger,
            });
        }
        rows.push(Row::Blank);
        if context == Line {
            for (word, args, what) in DESK_WORDS {
                rows.push(Row::Word { word, args, what });
            }
            rows.push(Row::Blank);
        }
    }
    rows
}

fn help(desk: &Desk, scroll: u16, body: Rect, buf: &mut Buffer) {
    let theme = &desk.world.theme;
    let rows = rows();
    let mut pen = panel(desk, "KEYS", (100, body.height), body, buf);
    let (width, room) = (pen.width(), usize::from(pen.height().saturating_sub(2)));
    let last = rows.len().saturating_sub(room);
    let from = usize::from(scroll).min(last);
    let place = format!("{}–{} of {}", from + 1, (from + room).min(rows.len()), rows.len());
    pen.right(width.saturating_sub(1), 0, &place, theme.dim);
    for (y, row) in (2..pen.height()).zip(rows.iter().skip(from)) {
        match row {
            Row::Head(text) => {
                pen.put(2, y, text, bold("", theme.bright).style);
            }
            Row::Key { keys, help, danger } => {
                pen.put_within(2, 24, y, keys, theme.style(theme.text));
                pen.put_within(25, width.saturating_sub(10), y, help, theme.style(theme.dim));
                pen.right(
                    width.saturating_sub(2),
                    y,
                    danger.word(),
                    danger_colour(desk, *danger),
                );
            }
            Row::Word { word, args, what } => {
                let x = pen.put(2, y, word, theme.text);
                pen.put_within(x + 1, 24, y, args, theme.style(theme.faint));
                pen.put_within(25, width.saturating_sub(2), y, what, theme.style(theme.dim));
            }
            Row::Blank => {}
        }
    }
}

fn danger_colour(desk: &Desk, danger: Danger) -> Color {
    let theme = &desk.world.theme;
    match danger {
        Danger::None => theme.faint,
        Danger::Preview => theme.dim,
        Danger::Sends => theme.warn,
        Danger::Panic => theme.down,
    }
}

/// What may follow the keys pressed so far.
fn continuations(desk: &Desk, body: Rect, buf: &mut Buffer) {
    let theme = &desk.world.theme;
    let next = desk.keymap.continuations(desk.context(), &desk.pressed);
    let height = u16::try_from(next.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2)
        .min(body.height);
    let area = Rect {
        y: body.y + body.height - height,
        height,
        width: body.width.min(72),
        ..body
    };
    let mut pen = Pen::new(buf, area);
    pen.clear(theme.panel);
    let pressed: Vec<String> = desk.pressed.iter().map(ToString::to_string).collect();
    pen.put(0, 0, "▌", theme.focus_bar);
    pen.put(1, 0, &pressed.join(" "), bold("", theme.bright).style);
    pen.right(area.width.saturating_sub(1), 0, "Esc drops", theme.faint);
    for (y, (chord, binding)) in (1..height).zip(next) {
        pen.right(8, y, &chord.to_string(), bold("", theme.bright).style);
        pen.put_within(
            10,
            area.width,
            y,
            binding.help,
            theme.style(match binding.danger {
                Danger::None => theme.text,
                danger => danger_colour(desk, danger),
            }),
        );
    }
}

fn draw_search(
    desk: &Desk,
    search: &Search,
    now: Timestamp,
    body: Rect,
    buf: &mut Buffer,
    drawn: &mut Drawn,
) {
    let (theme, view) = (&desk.world.theme, desk.world.view(now));
    let matches = search.matches(view.state);
    let mut pen = panel(desk, "SYMBOL", (64, 16), body, buf);
    let (width, height) = (pen.width(), pen.height());
    pen.right(
        width.saturating_sub(1),
        0,
        &format!("{} of {}", matches.len(), view.state.instruments.len()),
        theme.faint,
    );
    pen.put(2, 1, "/", theme.dim);
    pen.put_within(3, width, 1, search.input.value(), bold("", theme.bright).style);
    let column = u16::try_from(search.input.visual_cursor())
        .unwrap_or(u16::MAX)
        .min(width.saturating_sub(4));
    let corner = pen.row(1);
    drawn.cursor = Some(Position::new(corner.x + 3 + column, corner.y));
    let room = usize::from(height.saturating_sub(3));
    let selected = search.selected.min(matches.len().saturating_sub(1));
    let from = (selected + 1).saturating_sub(room);
    for ((y, i), instrument) in (3..height).zip(from..).zip(matches.iter().skip(from)) {
        if i == selected {
            pen.ground(0, y, width, 1, theme.selection);
            pen.put(1, y, "▸", theme.bright);
        }
        let style = if i == selected {
            bold("", theme.bright).style
        } else {
            theme.style(theme.text)
        };
        pen.put_within(3, 14, y, instrument.id.as_str(), style);
        pen.put_within(
            15,
            width.saturating_sub(16),
            y,
            instrument.name.as_str(),
            theme.style(theme.dim),
        );
        let price = view
            .market
            .ticker(instrument.id)
            .and_then(crate::market::Ticker::price);
        let text = price.map_or(number::UNKNOWN.to_owned(), |p| {
            number::price(p, instrument.decimals_at(p))
        });
        pen.right(width.saturating_sub(2), y, &text, theme.style(theme.text));
    }
    if matches.is_empty() {
        pen.put(3, 3, "nothing matches", theme.dim);
    }
}

fn leaving(desk: &Desk, body: Rect, buf: &mut Buffer) {
    let theme = &desk.world.theme;
    let live = desk
        .world
        .state
        .orders
        .values()
        .filter(|order| order.phase.is_live())
        .count();
    let mut pen = panel(desk, "LEAVE", (76, 7), body, buf);
    let orders = match live {
        0 => "No orders are working.".to_owned(),
        1 => "One order is working.".to_owned(),
        n => format!("{n} orders are working."),
    };
    let lines = [
        ("", orders),
        (
            "d",
            "leave; the engine and the simulated exchange go on".to_owned(),
        ),
        (
            "s",
            "stop the engine and its exchange too; orders stay on its books".to_owned(),
        ),
        ("Esc", "stay".to_owned()),
    ];
    for (y, (key, text)) in (2..).zip(lines) {
        pen.right(6, y, key, bold("", theme.bright).style);
        pen.put_within(8, 76, y, &text, theme.style(theme.text));
    }
}
