//! Draws the desk into a buffer and answers where everything landed. Changes nothing, at any size: too small a terminal
//! says what it needs, a desk without a state says what it waits for.

use super::desk::{Desk, Modal, Pledge};
use super::layout::{PaneId, Slot};
use super::pane::{Hits, hidden_cells};
use super::panes::read;
use super::widgets::number;
use super::widgets::text::{Pen, bold, wrap};
use super::world::Link;
use super::{foot, overlay, status};
use crate::domain::Timestamp;
use crate::engine::state::NoticeLevel;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

/// The smallest terminal that the desk is drawn on.
pub const SMALLEST: (u16, u16) = (80, 24);
/// Rows of status bar and foot.
const FRAME_ROWS: u16 = 4;

/// The least rows of a pane, with its title, below that size, where more words than one row stand under it.
const PANE_ROWS: u16 = 4;
/// The least rows under the status bar for a pane and one row of words.
const LEAST_ROWS: u16 = 3;

/// Where everything landed, for the mouse and the cursor.
#[derive(Debug, Default)]
pub struct Drawn {
    /// Panes in view, where, and their rows.
    pub panes: Vec<(PaneId, Rect, Hits)>,
    /// Titles and tabs.
    pub tabs: Vec<(Rect, PaneId)>,
    /// The names of the workspaces.
    pub workspaces: Vec<(Rect, u8)>,
    /// The keys of the hint row, as they are shown.
    pub hints: Vec<(Rect, String)>,
    /// Rows that the foot took, with what it says over the panes.
    pub foot: u16,
    /// Where text is typed.
    pub cursor: Option<Position>,
}

/// True where the terminal is too small for the desk.
pub fn is_too_small(width: u16, height: u16) -> bool {
    width < SMALLEST.0 || height < SMALLEST.1
}

/// The part of the screen that belongs to panes.
pub fn body_of(screen: Rect) -> Rect {
    Rect {
        y: screen.y.saturating_add(1).min(screen.y + screen.height),
        height: screen.height.saturating_sub(FRAME_ROWS),
        ..screen
    }
}

/// Draws everything, over whatever stood in the buffer before.
pub fn draw(desk: &Desk, now: Timestamp, buf: &mut Buffer) -> Drawn {
    let screen = buf.area;
    let theme = &desk.world.theme;
    let mut blank = Cell::EMPTY;
    blank.set_fg(theme.text).set_bg(theme.background);
    buf.content.fill(blank);
    let mut drawn = Drawn::default();
    if is_too_small(screen.width, screen.height) {
        too_small(desk, now, buf);
        return drawn;
    }
    let body = body_of(screen);
    if desk.world.is_known {
        panes(desk, now, body, buf, &mut drawn);
    } else {
        waiting(desk, now, body, buf);
    }
    status::draw(desk, now, Pen::new(buf, Rect { height: 1, ..screen }));
    foot::draw(desk, now, screen, buf, &mut drawn);
    overlay::draw(desk, now, body, buf, &mut drawn);
    super::toast::draw(desk, now, body, buf);
    drawn
}

/// What may follow the keys pressed so far, on one line.
fn small_popup(desk: &Desk) -> String {
    let pressed: Vec<String> = desk.pressed.iter().map(ToString::to_string).collect();
    let next = desk.keymap.continuations(desk.context(), &desk.pressed);
    let next = next.iter().filter_map(|entry| {
        let chord = entry.keys.get(desk.pressed.len())?;
        let help = entry.help.split([':', ';', ',']).next().unwrap_or("");
        Some(format!("{chord} {help}"))
    });
    format!("{}: {}", pressed.join(" "), next.collect::<Vec<_>>().join(" · "))
}

/// What there is room for: the status bar, the focused pane alone, and below it what is asked, pressed or said. Nothing that
/// needs a preview is opened here.
fn too_small(desk: &Desk, now: Timestamp, buf: &mut Buffer) {
    let (screen, theme) = (buf.area, &desk.world.theme);
    let text = format!(
        "tradewind needs {}x{} and has {}x{}. ^x s/a cancel, ^x f flatten and ^x h halt still work; q leaves.",
        SMALLEST.0, SMALLEST.1, screen.width, screen.height
    );
    if screen.height > 1 {
        status::draw(desk, now, Pen::new(buf, Rect { height: 1, ..screen }));
    }
    let below = Rect {
        y: screen.y + screen.height.min(1),
        height: screen.height.saturating_sub(1),
        ..screen
    };
    let asked = match &desk.modal {
        Some(Modal::Question(question)) if matches!(question.pledge, Pledge::Flatten(_)) => {
            Some(format!("FLATTEN ACCOUNT: {}", question.text))
        }
        _ if !desk.pressed.is_empty() => Some(small_popup(desk)),
        _ => None,
    };
    let room = usize::from(screen.width.saturating_sub(2)).max(1);
    let has_pane = desk.modal.is_none() && desk.world.is_known && below.height >= LEAST_ROWS;
    let text = match (asked, &desk.message) {
        (Some(asked), _) => asked,
        (None, Some(message)) if has_pane => {
            // A message says its beginning, and leaves the pane in sight.
            let most = usize::from(below.height / 4).max(1);
            let words = message.words();
            let told = wrap(&words, room);
            return small(desk, now, below, &told[..told.len().min(most)], buf);
        }
        (None, Some(message)) => message.words(),
        (None, None) => text,
    };
    let said = wrap(&text, room);
    let rows = u16::try_from(said.len()).unwrap_or(u16::MAX);
    if has_pane && below.height >= rows.saturating_add(PANE_ROWS) {
        return small(desk, now, below, &said, buf);
    }
    if has_pane && desk.pressed.is_empty() {
        return small(desk, now, below, &["^x works; q leaves"], buf);
    }
    Pen::new(buf, below).say(&text, theme.style(theme.warn));
}

/// The focused pane with rows of words below it.
fn small(desk: &Desk, now: Timestamp, below: Rect, said: &[&str], buf: &mut Buffer) {
    let theme = &desk.world.theme;
    let rows = u16::try_from(said.len()).unwrap_or(u16::MAX).min(below.height);
    let slot = Slot {
        area: Rect {
            height: below.height - rows,
            ..below
        },
        tabs: vec![desk.focus],
    };
    // Nothing of it is handed on to the mouse: a click may open an order.
    draw_slot(desk, now, &slot, buf, &mut Drawn::default());
    let mut pen = Pen::new(
        buf,
        Rect {
            y: below.y + slot.area.height,
            height: rows,
            ..below
        },
    );
    for (y, line) in (0..rows).zip(said) {
        let end = pen.width();
        pen.put_within(1, end, y, line, theme.style(theme.warn));
    }
}

/// Before the first snapshot.
fn waiting(desk: &Desk, now: Timestamp, body: Rect, buf: &mut Buffer) {
    let theme = &desk.world.theme;
    let (text, since) = match &desk.world.link {
        Link::Starting(since) => ("starting the engine…", *since),
        Link::Attached => ("reading the state…", desk.world.heard_at),
        Link::Lost(since, _) => ("the engine does not answer; trying again…", *since),
    };
    let waited = now.since(since);
    let text = if waited.as_secs() >= 3 {
        format!("{text}  {}", number::age(waited))
    } else {
        text.to_owned()
    };
    Pen::new(buf, body).say(&text, theme.style(theme.dim));
    if let (Link::Lost(_, reason), true) = (&desk.world.link, body.height > 4) {
        let below = Rect {
            y: body.y + body.height / 2,
            height: body.height / 2,
            ..body
        };
        Pen::new(buf, below).say(reason, theme.style(theme.faint));
    }
}

fn panes(desk: &Desk, now: Timestamp, body: Rect, buf: &mut Buffer, drawn: &mut Drawn) {
    let theme = &desk.world.theme;
    let layout = desk.layout(body);
    for rule in &layout.rules {
        let glyph = if rule.width == 1 { '│' } else { '─' };
        let mut pen = Pen::new(buf, *rule);
        for y in 0..rule.height {
            pen.line(0, rule.width, y, glyph, theme.rule);
        }
    }
    for slot in &layout.slots {
        draw_slot(desk, now, slot, buf, drawn);
    }
    if let Some(area) = layout.feed {
        feed(desk, now, area, buf);
    }
}

/// A place: its title line with the tabs, and the pane in front.
fn draw_slot(desk: &Desk, now: Timestamp, slot: &Slot, buf: &mut Buffer, drawn: &mut Drawn) {
    let Some(place) = desk.front(&slot.tabs).and_then(|front| desk.pane(front)) else {
        return;
    };
    let (view, theme) = (desk.view_of(place.id, now), &desk.world.theme);
    let focused = place.id == desk.focus;
    let (title, mut right) = place.pane.title(&view);
    if place.id.is_ours() {
        right = view.ours(right);
    }
    let mut pen = Pen::new(
        buf,
        Rect {
            height: 1,
            ..slot.area
        },
    );
    let width = pen.width();
    pen.clear(theme.panel);
    if focused {
        pen.put(0, 0, "▌", theme.focus_bar);
    }
    let style = if focused {
        Style::new().fg(theme.bright).add_modifier(Modifier::BOLD)
    } else {
        theme.style(theme.dim)
    };
    let tabs = match place.pane.in_hand(&view) {
        Some(words) => {
            let x = pen.put_within(1, width, 0, &words, bold(theme.warn));
            vec![(1, x, place.id)]
        }
        None => name_and_tabs(desk, slot, place.id, (&title, &right), style, &mut pen),
    };
    drawn.tabs.extend(
        tabs.into_iter()
            .filter(|(from, to, _)| to > from)
            .map(|(from, to, pane)| {
                (
                    Rect {
                        x: slot.area.x + from,
                        width: to - from,
                        height: 1,
                        ..slot.area
                    },
                    pane,
                )
            }),
    );
    let inside = Rect {
        y: slot.area.y + slot.area.height.min(1),
        height: slot.area.height.saturating_sub(1),
        ..slot.area
    };
    let hits = place.pane.render(&view, inside, focused, buf);
    if desk.world.masked && place.id.is_ours() {
        mask(buf, inside, theme.dim);
    }
    if !place.id.is_ours() && read::away(&view).is_some() {
        quieten(buf, inside, theme.dim);
    }
    drawn.panes.push((place.id, slot.area, hits));
}

/// The name of the pane in front, its other tabs, and at the right what fits beside them. Where each tab landed.
fn name_and_tabs(
    desk: &Desk,
    slot: &Slot,
    front: PaneId,
    (title, right): (&str, &str),
    style: Style,
    pen: &mut Pen<'_>,
) -> Vec<(u16, u16, PaneId)> {
    let (theme, width) = (&desk.world.theme, pen.width());
    // The name speaks up; what stands after it (a count, a timeframe) stays quiet.
    let (name, rest) = title.split_once(' ').unwrap_or((title, ""));
    let mut x = pen.put_within(1, width, 0, name, style);
    let mut tabs = vec![(1, x, front)];
    if !rest.is_empty() {
        x = pen.put_within(x + 1, width, 0, rest, theme.style(theme.dim));
    }
    if let Some(group) = desk.plan.links.get(&front) {
        x = pen.put_within(x + 1, width, 0, &format!("[{group}]"), bold(theme.bright));
    }
    for other in slot.tabs.iter().filter(|tab| **tab != front) {
        let from = x + 3;
        x = pen.put_within(from, width, 0, other.name(), theme.style(theme.faint));
        tabs.push((from, x, *other));
    }
    let room = usize::from(width.saturating_sub(x + 3));
    pen.right(
        width.saturating_sub(1),
        0,
        fitting(right, room),
        theme.style(theme.dim),
    );
    tabs
}

/// As much of a title's right side as fits, whole groups from the end.
fn fitting(text: &str, room: usize) -> &str {
    let mut rest = text;
    while rest.chars().count() > room {
        match rest.split_once("  ") {
            Some((_, after)) => rest = after.trim_start(),
            None => return "",
        }
    }
    rest
}

/// Hides the numbers of an area, as [`hidden`](super::pane::hidden) does those of a text, and what their colour tells.
fn mask(buf: &mut Buffer, area: Rect, colour: ratatui::style::Color) {
    let area = area.intersection(buf.area);
    for row in area.rows() {
        let chars: Vec<char> = row
            .positions()
            .map(|at| buf[at].symbol().chars().next().unwrap_or(' '))
            .collect();
        for (x, c) in hidden_cells(&chars) {
            let x = row.x.saturating_add(u16::try_from(x).unwrap_or(u16::MAX));
            if let Some(cell) = buf.cell_mut((x, row.y)) {
                cell.set_char(c).set_fg(colour);
                cell.modifier = Modifier::empty();
            }
        }
    }
}

/// Takes the colours off an area of prices that are from before: none of them may look like one of now.
fn quieten(buf: &mut Buffer, area: Rect, colour: ratatui::style::Color) {
    for at in area.intersection(buf.area).positions() {
        if let Some(cell) = buf.cell_mut(at) {
            cell.set_fg(colour);
            cell.modifier.remove(Modifier::BOLD);
            cell.modifier.insert(Modifier::DIM);
        }
    }
}

/// The newest notices, the newest first, under a rule where there is room for one.
fn feed(desk: &Desk, now: Timestamp, area: Rect, buf: &mut Buffer) {
    let (theme, view) = (&desk.world.theme, desk.world.view(now));
    let mut pen = Pen::new(buf, area);
    let width = pen.width();
    let ruled = u16::from(pen.height() > 2);
    if ruled > 0 {
        pen.line(0, width, 0, '─', theme.style(theme.rule));
        pen.put(1, 0, " activity ", theme.style(theme.faint));
    }
    for (y, notice) in (ruled..pen.height()).zip(desk.world.state.notices.iter().rev()) {
        let colour = match notice.level {
            NoticeLevel::Info => theme.dim,
            NoticeLevel::Told | NoticeLevel::Fill => theme.text,
            NoticeLevel::Warning => theme.warn,
        };
        let is_loud = read::is_loud(notice);
        let colour = if is_loud { theme.warn } else { colour };
        let at = read::when(&view, notice.at);
        let end = pen.put_within(1, width, y, &at, theme.style(theme.faint));
        // Not by colour alone.
        let mark = if is_loud { "!" } else { " " };
        let end = pen.put_within(end + 1, width, y, mark, bold(theme.warn));
        let told = read::notice(&view, notice);
        pen.put_within(end + 1, width, y, &told, theme.style(colour));
    }
    if desk.world.masked {
        mask(buf, area, theme.dim);
    }
}

impl Desk {
    /// The whole row that the focused pane's cursor holds, with its numbers hidden where they are on the screen.
    pub(super) fn whole_row(&self, now: Timestamp) -> Option<String> {
        let view = self.view_of(self.focus, now);
        let text = self.pane(self.focus)?.pane.copied(&view)?;
        Some(if self.focus.is_ours() {
            view.ours(text)
        } else {
            text
        })
    }
    /// True while something covers the panes that a person has to answer.
    pub fn is_asking(&self) -> bool {
        matches!(
            self.modal,
            Some(Modal::Ticket(_) | Modal::Question(_) | Modal::Leaving)
        )
    }
}
