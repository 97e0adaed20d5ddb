//! What a pane is: something with a title that draws itself from a [`View`] and answers actions with what it wants done.
//! Drawing takes `&self`: events change, drawing does not; where a row landed, for the mouse, is returned.

use super::action::Action;
use super::desk::Pledge;
use super::forecast::Forecast;
use super::link::{Answer, Ask};
use super::theme::Theme;
use super::times::Times;
use crate::domain::{AccountKey, InstrumentId, Price, Side, Timestamp};
use crate::engine::port::Health;
use crate::engine::sentence::Templates;
use crate::engine::{Command, State};
use crate::market::{Market, Timeframe};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::Duration;

/// Everything a pane may look at while it draws or acts.
#[derive(Debug)]
pub struct View<'a> {
    /// The replica of the engine's state.
    pub state: &'a State,
    /// Market data as it has arrived here.
    pub market: &'a Market,
    /// The engine's time.
    pub now: Timestamp,
    /// The venue's time: that of sessions, bars and prints.
    pub venue_now: Timestamp,
    /// The account on the desk.
    pub account: Option<AccountKey>,
    /// The instrument on the desk: chart, depth and ticket follow it.
    pub instrument: Option<InstrumentId>,
    /// Colours by role.
    pub theme: &'a Theme,
    /// False while the link to the engine is lost: everything shown is old.
    pub attached: bool,
    /// What is ours (amounts, sizes, names) is not to be shown.
    pub masked: bool,
    /// Something is open that a person is about to confirm: nothing may move under their eyes.
    pub holding: bool,
    /// How the connection to the account's broker is, where it tells, and when it last did.
    pub health: Option<(&'a Health, Timestamp)>,
    /// The time zone that a person chose; nothing for the exchange's own.
    pub zone: Option<&'a jiff::tz::TimeZone>,
    /// How long a question to the engine and its answer took.
    pub round_trip: Option<Duration>,
    /// How long the terminal's own parts of the way take.
    pub times: &'a Times,
    /// Named exits, for sentences and tickets.
    pub templates: &'a Templates,
}

impl View<'_> {
    /// A text about what is ours, with its digits hidden where nobody may read them.
    pub fn ours(&self, text: String) -> String {
        if self.masked { hidden(&text) } else { text }
    }
}

/// What stands for a number that is hidden, however long it is: its length would tell its magnitude.
const HIDDEN: [char; 4] = ['·'; 4];

/// A text with its numbers hidden, with their signs and arrows. A single digit that ends a word stays: it belongs to a name,
/// such as `ESZ6`.
pub fn hidden(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut shown, mut done) = (String::with_capacity(text.len()), 0);
    for number in numbers(&chars) {
        shown.extend(&chars[done..number.start]);
        shown.extend(HIDDEN);
        done = number.end;
    }
    shown.extend(&chars[done..]);
    shown
}

/// As [`hidden`], for a row of cells: each number's place with what stands in it, as wide as the number and, where blanks are
/// before it, at least four cells. Bars are numbers too.
pub fn hidden_cells(row: &[char]) -> Vec<(usize, char)> {
    let mut cells = Vec::new();
    for number in numbers(row) {
        let mut start = number.start;
        let is_blank = |at: usize| row.get(at) == Some(&' ');
        while number.end - start < HIDDEN.len() && start >= 2 && is_blank(start - 1) && is_blank(start - 2) {
            start -= 1;
        }
        let from = number.end.saturating_sub(HIDDEN.len());
        cells.extend((start..number.end).map(|at| (at, if at >= from { '·' } else { ' ' })));
    }
    let is_bar = |c: char| matches!(c, '█' | '▉' | '▊' | '▋' | '▌' | '▍' | '▎' | '▏' | '░' | '▒' | '▓');
    let bars = row.iter().enumerate().filter(|(_, c)| is_bar(**c));
    cells.extend(bars.map(|(at, _)| (at, ' ')));
    cells
}

/// Where numbers are: with the sign and the arrows before them, and the letter that shortens them.
fn numbers(chars: &[char]) -> Vec<std::ops::Range<usize>> {
    let at = |at: usize| chars.get(at).copied().unwrap_or(' ');
    let before = |i: usize| i.checked_sub(1).map_or(' ', at);
    let is_arrow = |c: char| matches!(c, '▲' | '▼');
    let (mut found, mut i) = (Vec::new(), 0);
    while i < chars.len() {
        let is_name = before(i).is_ascii_alphabetic() && !at(i + 1).is_ascii_digit();
        if !at(i).is_ascii_digit() || is_name {
            i += 1;
            continue;
        }
        let (mut start, mut end) = (i, i + 1);
        while at(end).is_ascii_digit() || (matches!(at(end), '.' | ',' | ':') && at(end + 1).is_ascii_digit())
        {
            end += 1;
        }
        end += usize::from(matches!(at(end), 'k' | 'M' | 'B' | 'T') && !at(end + 1).is_alphanumeric());
        while matches!(before(start), '+' | '-' | '~') {
            start -= 1;
        }
        if before(start) == ' ' && start >= 2 && is_arrow(before(start - 1)) {
            start -= 1;
        }
        while is_arrow(before(start)) || before(start) == '~' {
            start -= 1;
        }
        found.push(start..end);
        i = end;
    }
    found
}

/// What a pane wants done beyond its own looks.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Put this instrument on the desk.
    Select(InstrumentId),
    /// Send a command that cannot add risk (a cancel) at once.
    Send(Box<Command>),
    /// Open the ticket on a live order, to change it.
    Edit(crate::domain::ClientOrderId),
    /// Move the price of a live order there. What adds no risk goes at once, everything else opens the ticket with it.
    Move(crate::domain::ClientOrderId, Price),
    /// Open the ticket of a new order on the desk's instrument, or put the price into the one that is open.
    Ticket(Side, Price),
    /// Ask for bars.
    Bars(InstrumentId, Timeframe),
    /// Ask the engine; the answer comes to the pane.
    Ask(Ask),
    /// Say something on the message line.
    Say(String),
    /// Ask, and do it at Enter: what the question says, and what Enter sends.
    Confirm(String, Pledge),
}

/// Where rows landed, for the mouse: the area of each with what a click on it selects.
#[derive(Clone, Debug, Default)]
pub struct Hits {
    /// Row areas with the index of the row in the pane's own list.
    pub rows: Vec<(Rect, usize)>,
}

/// One region of the desk.
pub trait Pane: std::fmt::Debug {
    /// Stable name, used by layouts and help: `watchlist`, `chart`, `depth`, …
    fn name(&self) -> &'static str;
    /// Left and right text of the title line.
    fn title(&self, view: &View<'_>) -> (String, String);
    /// Draws the inside (the title line is drawn by the frame). Must work at any size, down to nothing.
    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits;
    /// Answers an action that was meant for this pane; nothing where it is not its business.
    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>>;
    /// Rolls by a notch of the wheel where its cursor is the desk's instrument, which stays; false where the wheel moves the
    /// cursor as the arrows do.
    fn roll(&mut self, _up: bool, _view: &View<'_>) -> bool {
        false
    }
    /// The price that a person holds in it, for an order that is opened from it.
    fn price(&self, _view: &View<'_>) -> Option<Price> {
        None
    }
    /// What it wants remembered between runs, and taken back by undo: nothing of what is on the market or ours.
    fn remember(&self) -> toml::Table {
        toml::Table::new()
    }
    /// Takes what it wanted remembered. What it can't use any more it passes over.
    fn recall(&mut self, _table: &toml::Table) {}
    /// What it wants to know now; asked once a second while attached.
    fn asks(&mut self, _view: &View<'_>) -> Option<Ask> {
        None
    }
    /// An answer came to a question of some pane.
    fn answered(&mut self, _ask: &Ask, _answer: &Answer) {}
    /// Does a word that was typed after `:`; nothing where it is not this pane's. In words what is wrong with the rest.
    fn word(&mut self, _word: &str, _rest: &str, _view: &View<'_>) -> Option<Result<Vec<Wish>, String>> {
        None
    }
    /// The instruments in sight at the last frame: their quotes are wanted before those of others.
    fn seen(&self) -> Vec<InstrumentId> {
        Vec::new()
    }
    /// What it wants to be asked for before it can show all it has room for.
    fn wants(&self, _view: &View<'_>) -> Option<Wish> {
        None
    }
    /// What a person has in hand in it and has not sent: it stands in place of the whole title line, so that it is read
    /// however narrow the pane is.
    fn in_hand(&self, _view: &View<'_>) -> Option<String> {
        None
    }
    /// The row that its cursor holds, whole, where the screen cuts it; nothing where what is shown is all there is.
    fn copied(&self, _view: &View<'_>) -> Option<String> {
        None
    }
    /// What sending that would do, as a preview shows it.
    fn in_hand_ahead(&self, _view: &View<'_>) -> Option<Forecast> {
        None
    }
    /// True while something is open in it that Esc closes before anything else.
    fn has_open(&self, _view: &View<'_>) -> bool {
        false
    }
    /// The terminal has no colours: what only a colour would say has to be said otherwise.
    fn without_colour(&mut self) {}
    /// A click on row `index` of the last [`Hits`].
    fn click(&mut self, _index: usize, _view: &View<'_>) -> Vec<Wish> {
        Vec::new()
    }
}
