//! What is drawn over the panes: the help, the symbol search, the question before leaving, and what may follow a prefix
//! key. All of it comes from the key table and the state; nothing here knows a key by itself.

use super::action::Action;
use super::desk::{Desk, Modal};
use super::forecast::bold;
use super::key_table::{self, CONTEXTS};
use super::keymap::{Context, Danger, Entry, Keymap, short};
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
    if let Some(Modal::Line(line)) = &desk.modal {
        palette(desk, line.text(), body, buf, drawn.foot);
    }
    if desk.tour && desk.modal.is_none() && desk.pressed.is_empty() {
        tour(desk, over(body, buf, drawn.foot), buf);
    }
    if desk.shows_continuations(now) {
        continuations(desk, over(body, buf, drawn.foot), buf);
    }
}

/// The part of `body` that a foot of so many rows leaves: a long message takes one of its rows, and is read whole.
fn over(body: Rect, buf: &Buffer, foot: u16) -> Rect {
    let bottom = buf.area.bottom().saturating_sub(foot).min(body.bottom());
    Rect {
        height: bottom.saturating_sub(body.y),
        ..body
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
    edged(desk, &mut pen);
    pen.put(1, 0, title, bold("", theme.bright).style);
    pen
}

/// Empties what is drawn over panes and gives it edges: where there are no colours its ground is that of the panes, and its
/// words would run into theirs.
fn edged(desk: &Desk, pen: &mut Pen<'_>) {
    let theme = &desk.world.theme;
    pen.clear(theme.panel);
    let last = pen.width().saturating_sub(1);
    for y in 0..pen.height() {
        pen.glyph(last, y, '│', theme.rule);
        pen.glyph(0, y, '▌', theme.focus_bar);
    }
}

/// One line of the help.
enum Row {
    Head(&'static str),
    Key {
        keys: String,
        help: String,
        danger: &'static str,
    },
    Word {
        word: &'static str,
        args: &'static str,
        what: &'static str,
    },
    Blank,
}

/// The help, from the tables.
fn rows(keymap: &Keymap, filter: &str) -> Vec<Row> {
    let fits = |texts: &[&str]| {
        let mut words = filter.split_whitespace();
        words.all(|word| texts.iter().any(|text| text.to_lowercase().contains(word)))
    };
    let mut rows = Vec::new();
    for context in CONTEXTS {
        let head = rows.len();
        for row in key_table::rows(keymap, context) {
            let keys = row.keys.join("  ");
            if fits(&[&keys, &row.help, &row.action, context.word(), row.danger]) {
                rows.push(Row::Key {
                    keys,
                    help: row.help,
                    danger: row.danger,
                });
            }
        }
        if context == Context::Line {
            let words = DESK_WORDS
                .iter()
                .filter(|(word, args, what)| fits(&[word, args, what, context.word()]));
            rows.extend(words.map(|(word, args, what)| Row::Word { word, args, what }));
        }
        if rows.len() > head {
            rows.insert(head, Row::Head(context.word()));
            rows.push(Row::Blank);
        }
    }
    rows
}

fn help(desk: &Desk, scroll: u16, body: Rect, buf: &mut Buffer) {
    let theme = &desk.world.theme;
    let rows = rows(&desk.keymap, &desk.help_filter.to_lowercase());
    let mut pen = panel(desk, "KEYS", (100, body.height), body, buf);
    let shown = match desk.help_filter.as_str() {
        "" if !desk.help_typing => "/ and letters filter".to_owned(),
        filter => format!("/ {filter}▏"),
    };
    pen.put_within(7, 60, 0, &shown, theme.style(theme.dim));
    let (width, room) = (pen.width(), usize::from(pen.height().saturating_sub(2)));
    let last = rows.len().saturating_sub(room);
    let from = usize::from(scroll).min(last);
    if rows.is_empty() {
        pen.put(2, 2, "nothing matches", theme.dim);
    }
    let first = (from + 1).min(rows.len());
    let place = format!("{first}–{} of {}", (from + room).min(rows.len()), rows.len());
    pen.right(width.saturating_sub(1), 0, &place, theme.dim);
    let seen = rows.iter().skip(from).take(room);
    let longest = seen.clone().map(|row| match row {
        Row::Key { keys, .. } => keys.chars().count(),
        Row::Word { word, args, .. } => word.len() + 1 + args.chars().count(),
        Row::Head(_) | Row::Blank => 0,
    });
    // As wide as the keys in sight need, so that what they do has the rest.
    let keys_end = u16::try_from(longest.max().unwrap_or(0).clamp(6, 22)).unwrap_or(22) + 2;
    for (y, row) in (2..pen.height()).zip(seen) {
        match row {
            Row::Head(text) => {
                pen.put(2, y, text, bold("", theme.bright).style);
            }
            Row::Key { keys, help, danger } => {
                pen.put_within(2, keys_end, y, keys, theme.style(theme.text));
                let danger_wide = u16::try_from(danger.chars().count()).unwrap_or(0);
                let end = width.saturating_sub(2 + danger_wide + u16::from(danger_wide > 0));
                pen.put_within(keys_end + 1, end, y, help, theme.style(theme.dim));
                pen.right(width.saturating_sub(2), y, danger, theme.warn);
            }
            Row::Word { word, args, what } => {
                let x = pen.put(2, y, word, theme.text);
                pen.put_within(x + 1, keys_end, y, args, theme.style(theme.faint));
                pen.put_within(
                    keys_end + 1,
                    width.saturating_sub(2),
                    y,
                    what,
                    theme.style(theme.dim),
                );
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

/// What a prefix opens, in a word.
const PREFIXES: [(&str, &str); 4] = [
    ("g", "go"),
    ("Space", "menu"),
    ("Space w", "panes: split, move, resize"),
    ("Space l", "link groups"),
];

/// One key that may follow, or several of one meaning.
#[derive(Debug)]
struct Follower {
    keys: String,
    text: String,
    /// The same in few words.
    short: Option<&'static str>,
    danger: Danger,
}
impl Follower {
    /// What it does in so many cells: where the help does not fit its short words, else its beginning up to where a clause
    /// ends.
    fn within(&self, room: usize) -> &str {
        if self.text.chars().count() <= room {
            return &self.text;
        }
        let clause = || self.text.split([':', ';', ',']).next();
        self.short.or_else(clause).unwrap_or(&self.text)
    }
}

/// What may follow the keys pressed so far: each next key once, those that lead further with what they open.
fn followers(entries: &[&Entry], depth: usize) -> Vec<Follower> {
    let mut found: Vec<Follower> = Vec::new();
    for entry in entries {
        let Some(next) = entry.keys.get(depth).map(ToString::to_string) else {
            continue;
        };
        let (text, short, danger) = if entry.keys.len() > depth + 1 {
            let so_far: Vec<String> = entry.keys[..=depth].iter().map(ToString::to_string).collect();
            let so_far = so_far.join(" ");
            let opens = PREFIXES
                .iter()
                .find(|(keys, _)| *keys == so_far)
                .map_or("more", |(_, word)| *word);
            (format!("{opens} …"), None, Danger::None)
        } else {
            (entry.help.to_string(), short(entry.action), entry.danger)
        };
        // One line a meaning: the second key of an action says nothing new.
        match found.iter_mut().find(|known| known.text == text) {
            Some(known) if !known.keys.split(' ').any(|key| key == next) => {
                known.keys.push(' ');
                known.keys.push_str(&next);
            }
            Some(_) => {}
            None => found.push(Follower {
                keys: next,
                text,
                short,
                danger,
            }),
        }
    }
    found
}

/// What may follow the keys pressed so far, in two columns where there are many: what lies below stays in sight.
fn continuations(desk: &Desk, body: Rect, buf: &mut Buffer) {
    let theme = &desk.world.theme;
    let entries = desk.keymap.continuations(desk.context(), &desk.pressed);
    let next = followers(&entries, desk.pressed.len());
    // What ends orders and positions is read whole.
    let is_panic = entries.iter().any(|entry| entry.context == Context::Anywhere);
    let columns = if next.len() > 6 && body.width >= 80 && !is_panic {
        2
    } else {
        1
    };
    let rows = next.len().div_ceil(columns);
    let height = u16::try_from(rows + 1).unwrap_or(u16::MAX).min(body.height);
    let width = body.width.min(if columns == 1 { 84 } else { 130 });
    let area = Rect {
        y: body.y + body.height - height,
        height,
        width,
        ..body
    };
    let mut pen = Pen::new(buf, area);
    edged(desk, &mut pen);
    let pressed: Vec<String> = desk.pressed.iter().map(ToString::to_string).collect();
    let x = pen.put(1, 0, &pressed.join(" "), bold("", theme.bright).style);
    // Panic keys say what they are about before the next key is pressed.
    if is_panic {
        let about = desk
            .instrument()
            .map_or(String::new(), |id| format!("PANIC   instrument {id}"));
        pen.put_within(x + 2, area.width, 0, &about, bold("", theme.down).style);
    }
    pen.right(area.width.saturating_sub(1), 0, "Esc drops", theme.dim);
    let each = width / u16::try_from(columns).unwrap_or(1);
    let longest = next.iter().map(|one| one.keys.chars().count()).max();
    let keys_wide = u16::try_from(longest.unwrap_or(0).clamp(1, 9)).unwrap_or(9);
    for (i, one) in next.iter().enumerate() {
        let left = each * u16::try_from(i / rows).unwrap_or(0);
        let y = u16::try_from(i % rows + 1).unwrap_or(u16::MAX);
        let style = theme.style(match one.danger {
            Danger::None => theme.text,
            danger => danger_colour(desk, danger),
        });
        let (from, end) = (left + 3 + keys_wide, (left + each).min(width).saturating_sub(1));
        pen.put_within(
            left + 2,
            left + 2 + keys_wide,
            y,
            &one.keys,
            bold("", theme.bright).style,
        );
        let help = one.within(usize::from(end.saturating_sub(from)));
        pen.put_within(from, end, y, help, style);
    }
}

/// The palette over the order line.
fn palette(desk: &Desk, text: &str, body: Rect, buf: &mut Buffer, foot: u16) {
    let theme = &desk.world.theme;
    let found = desk.palette(text);
    if found.is_empty() {
        return;
    }
    // What the foot says beside the line may take rows of the body.
    let bottom = over(body, buf, foot).bottom();
    let height = u16::try_from(found.len())
        .unwrap_or(8)
        .min(8)
        .min(body.height.saturating_sub(3));
    let area = Rect {
        y: bottom.saturating_sub(height),
        height,
        width: body.width.min(90),
        ..body
    };
    let mut pen = Pen::new(buf, area);
    edged(desk, &mut pen);
    for (y, line) in (0..height).zip(&found) {
        let style = if y == 0 {
            bold("", theme.bright).style
        } else {
            theme.style(theme.text)
        };
        let x = pen.put_within(2, 24, y, &line.word, style);
        pen.put_within(x + 1, 24.max(x + 1), y, line.args, theme.style(theme.dim));
        let keys = u16::try_from(line.keys.chars().count()).unwrap_or(u16::MAX);
        let end = area.width.saturating_sub(keys.saturating_add(2));
        pen.put_within(25, end, y, &line.what, theme.style(theme.dim));
        pen.right(
            area.width.saturating_sub(1),
            y,
            &line.keys,
            bold("", theme.bright).style,
        );
    }
    if height > 0 {
        pen.right(
            area.width.saturating_sub(1),
            0,
            &format!("Tab  {}", found[0].keys),
            theme.dim,
        );
    }
}

/// The tour: five lines at the first start, until the first key.
fn tour(desk: &Desk, body: Rect, buf: &mut Buffer) {
    let theme = &desk.world.theme;
    let key = |action: Action| {
        let keys = desk.keymap.keys_of(Context::Desk, action);
        keys.into_iter().next().unwrap_or_else(|| "--".to_owned())
    };
    let lines = [
        (
            format!("{} {}", key(Action::Buy), key(Action::Sell)),
            "open an order with its preview; Enter sends it, Esc drops it",
        ),
        (
            key(Action::CommandLine),
            "types an order or a command: buy 100 AAPL @bid",
        ),
        (
            format!("{} {}", key(Action::Search), key(Action::NextPane)),
            "find an instrument; next pane; g goes to another workspace",
        ),
        (
            "^x".to_owned(),
            "is the brake: ^x a cancels all, ^x f flattens, ^x h halts",
        ),
        (
            format!("{} {}", key(Action::Help), key(Action::Quit)),
            "all keys; leave, while the engine keeps the orders",
        ),
    ];
    let height = 6.min(body.height);
    let area = Rect {
        y: body.y + body.height - height,
        height,
        width: body.width.min(90),
        ..body
    };
    let mut pen = Pen::new(buf, area);
    edged(desk, &mut pen);
    pen.put(1, 0, "WELCOME", bold("", theme.bright).style);
    pen.right(
        area.width.saturating_sub(1),
        0,
        "any key goes on; this is shown once",
        theme.dim,
    );
    for (y, (keys, text)) in (1..).zip(&lines) {
        pen.right(11, y, keys, bold("", theme.bright).style);
        pen.put_within(13, area.width.saturating_sub(1), y, text, theme.style(theme.text));
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
    pen.put_within(
        3,
        width.saturating_sub(1),
        1,
        search.input.value(),
        bold("", theme.bright).style,
    );
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
        let end = pen.width().saturating_sub(1);
        pen.put_within(8, end, y, &text, theme.style(theme.text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::chord::Chord;

    #[test]
    fn in_half_of_eighty_columns_the_keys_that_may_follow_tell_apart() {
        let keymap = Keymap::default();
        for (prefix, room) in [("Space", 35), ("Space w", 29), ("Space l", 35), ("g", 33)] {
            let pressed = Chord::parse_sequence(prefix).unwrap();
            let entries = keymap.continuations(Context::Desk, &pressed);
            let next = followers(&entries, pressed.len());
            let mut seen = std::collections::BTreeSet::new();
            for one in &next {
                let text = one.within(room);
                assert!(text.chars().count() <= room, "{prefix} {}: {text}", one.keys);
                assert!(seen.insert(text), "{prefix} {}: {text} twice", one.keys);
            }
        }
    }
}
