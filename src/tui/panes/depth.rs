//! The book as a ladder: prices in the middle, who would buy on the left, who would sell on the right, our own orders and
//! average price beside them, what was traded at each price behind, and the last prints below where there is room. The
//! cursor holds a price, not a row, and while it does the ladder does not move. From the price in hand an order is opened,
//! moved or cancelled; what of that could cost money is looked at first, and a whole bracket moves as one.

mod beyond;
mod draw;
pub mod own;
mod profile;
mod rungs;
#[cfg(test)]
mod tests;

use super::read;
use crate::domain::{ClientOrderId, InstrumentId, Order, Price, Side, Timestamp};
use crate::engine::Command;
use crate::tui::action::Action;
use crate::tui::forecast::{self, Forecast, span};
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::ticket::STANDS;
use crate::tui::widgets::number;
use crate::tui::widgets::text::Pen;
use draw::{Hand, ROOMY, draw_heads, draw_prints, draw_rungs};
use own::Lifted;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rungs::{Book, Rungs};
use std::cell::Cell;

/// Rows that a page goes.
const PAGE: i64 = 10;
/// A ladder of fewer rows has no prints below.
const TALL: u16 = 24;
/// A ladder is no wider than this: beyond it, sizes would stand too far from their prices.
const WIDEST: u16 = 110;
/// Ticks in a row that a person can ask for.
const GROUPS: [i64; 9] = [1, 2, 5, 10, 20, 50, 100, 200, 500];
/// How far a bracket is moved at once at most, in ticks.
const FAR: i64 = 10_000;

/// The book of the instrument on the desk.
#[derive(Debug, Default)]
pub struct DepthPane {
    cursor: Option<(InstrumentId, Price)>,
    /// The order that was last moved from here: keys pressed in a row mean the same one.
    grip: Option<ClientOrderId>,
    /// When that was: a count before the key moves it by so many ticks at once.
    gripped_at: Option<Timestamp>,
    /// Ticks in a row, where a person said so; else as many as the book needs.
    group: Option<i64>,
    /// The bracket that is being moved.
    lifted: Option<Lifted>,
    /// Where the last drawing put the prices, so that the next one moves them only when it must, and a click finds them.
    /// Nothing but the look depends on it.
    drawn: Cell<Option<Rungs>>,
    /// There are no colours.
    bare: bool,
}

impl DepthPane {
    /// A ladder that follows the market.
    pub fn new() -> Self {
        Self::default()
    }
    fn rungs_of(&self, id: InstrumentId) -> Option<Rungs> {
        self.drawn.get().filter(|drawn| drawn.id == id)
    }
    /// Moves the cursor by so many rows; it starts at the touch.
    fn step(&mut self, rows: i64, view: &View<'_>) -> bool {
        let Some(book) = Book::of(view) else {
            return false;
        };
        self.grip = None;
        let step = self.rungs_of(book.id).map(|drawn| drawn.step);
        let touch = if rows > 0 {
            book.asks.first()
        } else {
            book.bids.first()
        };
        let to = match (self.price(view), step) {
            (Some(price), Some(step)) => Some(Price::from_raw(
                price.raw().saturating_add(rows.saturating_mul(step)),
            )),
            (None, Some(step)) => touch.map(|level| {
                let raw = level.price.raw();
                // On the rung that shows it.
                let up = if rows > 0 { step - 1 } else { 0 };
                Price::from_raw(raw.saturating_add(up).div_euclid(step).saturating_mul(step))
            }),
            _ => touch.map(|level| level.price),
        };
        self.cursor = to.map(|price| (book.id, price)).or(self.cursor);
        to.is_some()
    }
    /// Fewer or more ticks in a row than now.
    fn regroup(&mut self, more: bool, view: &View<'_>) -> bool {
        let Some((drawn, middle)) =
            Book::of(view).and_then(|book| Some((self.rungs_of(book.id)?, book.middle()?)))
        else {
            return false;
        };
        let tick = read::tick(view, drawn.id, middle).raw().max(1);
        let now = drawn.step / tick;
        self.group = if more {
            GROUPS.into_iter().find(|ticks| *ticks > now).or(Some(now))
        } else {
            GROUPS.into_iter().rev().find(|ticks| *ticks < now).or(Some(1))
        };
        true
    }
    /// Our orders where the cursor is.
    fn at_cursor<'a>(&self, view: &View<'a>) -> Vec<&'a Order> {
        let rungs = self.cursor.and_then(|(id, _)| self.rungs_of(id));
        let (Some(price), Some(rungs)) = (self.price(view), rungs) else {
            return Vec::new();
        };
        own::at_row(view, &rungs, rungs.line(price, Side::Buy))
    }
    fn nothing_here(&self, view: &View<'_>) -> Vec<Wish> {
        let text = match (view.instrument, self.price(view)) {
            (Some(id), Some(price)) => {
                format!("no order of yours stands at {}", read::price(view, id, price))
            }
            _ => "put the cursor on an order first: j and k move it".to_owned(),
        };
        vec![Wish::Say(text)]
    }
    fn cancel(&self, view: &View<'_>) -> Vec<Wish> {
        let Some(order) = self.at_cursor(view).first().copied() else {
            return self.nothing_here(view);
        };
        if order.foreign {
            return own::untouchable(order).into_iter().map(Wish::Say).collect();
        }
        vec![Wish::Send(Box::new(Command::Cancel { id: order.id }))]
    }
    fn edit(&self, view: &View<'_>) -> Vec<Wish> {
        match self.at_cursor(view).first() {
            Some(order) => match own::untouchable(order) {
                Some(why) => vec![Wish::Say(why)],
                None => vec![Wish::Edit(order.id)],
            },
            None => self.nothing_here(view),
        }
    }
    /// Moves the order at the cursor by a tick; the cursor goes with it.
    fn nudge(&mut self, ticks: i64, view: &View<'_>) -> Vec<Wish> {
        let gripped = self
            .grip
            .and_then(|id| view.state.orders.get(&id))
            .filter(|order| order.phase.is_live() && Some(order.spec.instrument) == view.instrument);
        let Some(order) = gripped.or_else(|| self.at_cursor(view).first().copied()) else {
            return self.nothing_here(view);
        };
        if let Some(why) = own::untouchable(order) {
            return vec![Wish::Say(why)];
        }
        let id = order.spec.instrument;
        let (Some(from), Some(instrument)) = (own::stands_at(order), view.state.instruments.get(&id)) else {
            return self.nothing_here(view);
        };
        let again = self.grip == Some(order.id) && self.gripped_at == Some(view.now);
        let from = self.price(view).filter(|_| again).unwrap_or(from);
        let to = instrument.ticks.step(from, ticks);
        if own::change_to(order, to).is_none() {
            return vec![Wish::Say(format!("{}: the market moves it", order.spec))];
        }
        (self.grip, self.gripped_at) = (Some(order.id), Some(view.now));
        self.cursor = Some((id, to));
        vec![Wish::Move(order.id, to)]
    }
    fn lift(&mut self, view: &View<'_>) -> Vec<Wish> {
        match (own::bracket(view, &self.at_cursor(view)), view.instrument) {
            (Ok(group), Some(instrument)) => {
                self.lifted = Some(Lifted {
                    instrument,
                    group,
                    ticks: 0,
                    at: view.now,
                });
                Vec::new()
            }
            (Err(why), _) => vec![Wish::Say(why)],
            _ => Vec::new(),
        }
    }
    /// The bracket in hand, while it lives and is of the instrument on the desk.
    fn lifted(&self, view: &View<'_>) -> Option<Lifted> {
        self.lifted.filter(|lifted| {
            view.instrument == Some(lifted.instrument) && !own::legs(view, lifted.group).is_empty()
        })
    }
    /// What keys mean while a bracket is in hand.
    fn act_on_bracket(&mut self, action: Action, lifted: Lifted, view: &View<'_>) -> Option<Vec<Wish>> {
        let by = match action {
            Action::Up | Action::OrderUp => 1,
            Action::Down | Action::OrderDown => -1,
            Action::PageUp => PAGE,
            Action::PageDown => -PAGE,
            Action::Escape => {
                self.lifted = None;
                return Some(vec![Wish::Say("the bracket stays where it is".to_owned())]);
            }
            Action::Enter => return Some(self.put_down(lifted, view)),
            _ => return None,
        };
        self.lifted = Some(Lifted {
            ticks: lifted.ticks.saturating_add(by).clamp(-FAR, FAR),
            at: view.now,
            ..lifted
        });
        Some(Vec::new())
    }
    /// Sends the bracket to where it is shown, all of it or nothing.
    fn put_down(&mut self, lifted: Lifted, view: &View<'_>) -> Vec<Wish> {
        if lifted.ticks == 0 {
            self.lifted = None;
            return vec![Wish::Say("the bracket stays where it is".to_owned())];
        }
        if view.now.since(lifted.at) < STANDS {
            return vec![Wish::Say(
                "not sent: that is where it goes; look, then press Enter again".to_owned(),
            )];
        }
        match own::moved(view, lifted) {
            Ok(commands) => {
                self.lifted = None;
                commands
                    .into_iter()
                    .map(|command| Wish::Send(Box::new(command)))
                    .collect()
            }
            Err(why) => vec![Wish::Say(format!("not sent: {why}"))],
        }
    }
    fn prints(high: u16) -> u16 {
        if high >= TALL { (high / 3).min(14) } else { 0 }
    }
}

/// What a click on a row means: below the price a buy, on it the price alone, above it a sell.
const ZONES: usize = 3;

impl Pane for DepthPane {
    fn name(&self) -> &'static str {
        "depth"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let Some(id) = view.instrument else {
            return ("LADDER".to_owned(), String::new());
        };
        let left = format!("LADDER {id}");
        if let Some(words) = self.in_hand(view) {
            return (left, words);
        }
        let Some(book) = Book::of(view) else {
            return (left, String::new());
        };
        let sum = book.bids.iter().chain(&book.asks).fold(0i128, |sum, level| {
            sum.saturating_add(i128::from(level.size.raw()))
        });
        let spread = read::price_or_unknown(view, id, book.spread());
        let tick = book
            .middle()
            .map_or(1, |price| read::tick(view, id, price).raw().max(1));
        let grouped = match self.rungs_of(id) {
            Some(drawn) if drawn.step > tick => format!("×{}  ", drawn.step / tick),
            _ => String::new(),
        };
        let old = read::how_old(view, id).map_or_else(String::new, |word| format!("{word}  "));
        (
            left,
            format!("Σ {}  {grouped}spread {spread}  {old}", number::short(sum))
                .trim_end()
                .to_owned(),
        )
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let Some(book) = Book::of(view) else {
            let waiting = if view.instrument.is_some() {
                "no book yet"
            } else {
                "no instrument on the desk"
            };
            pen.say(&read::nothing(view, waiting), view.theme.dim);
            return Hits::default();
        };
        let (wide, high) = (pen.width(), pen.height());
        let head = u16::from(wide >= ROOMY && high >= 8);
        let prints = Self::prints(high);
        let rows = high.saturating_sub(prints + head);
        if rows == 0 || wide == 0 {
            return Hits::default();
        }
        let held = self.price(view);
        let Some(rungs) = Rungs::of(view, &book, rows, self.drawn.get(), held, self.group) else {
            return Hits::default();
        };
        self.drawn.set(Some(rungs));
        let (ladder, left) = (wide.min(WIDEST), wide.saturating_sub(WIDEST) / 2);
        if head > 0 {
            draw_heads(&mut pen.part(left, 0, ladder, 1), view);
        }
        let hand = Hand {
            cursor: held.filter(|_| focused),
            lifted: self.lifted(view),
            bare: self.bare,
        };
        draw_rungs(&mut pen.part(left, head, ladder, rows), view, &book, &rungs, hand);
        if prints > 0 {
            draw_prints(&mut pen.part(left, head + rows, ladder, prints), view, book.id);
        }
        let zones = |row: u16| {
            let area = pen.row(head + row);
            let third = area.width / 3;
            let part = |from: u16, to: u16| Rect {
                x: area.x + from,
                width: to - from,
                ..area
            };
            let parts = [
                part(0, third),
                part(third, area.width - third),
                part(area.width - third, area.width),
            ];
            (0usize..)
                .zip(parts)
                .map(move |(zone, part)| (part, usize::from(row) * ZONES + zone))
        };
        Hits {
            rows: (0..rows).flat_map(zones).collect(),
        }
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        if let Some(lifted) = self.lifted(view)
            && let Some(wishes) = self.act_on_bracket(action, lifted, view)
        {
            return Some(wishes);
        }
        self.lifted = None;
        let known = match action {
            Action::Up => self.step(1, view),
            Action::Down => self.step(-1, view),
            Action::PageUp => self.step(PAGE, view),
            Action::PageDown => self.step(-PAGE, view),
            Action::ZoomIn => self.regroup(false, view),
            Action::ZoomOut => self.regroup(true, view),
            Action::OrderUp => return Some(self.nudge(1, view)),
            Action::OrderDown => return Some(self.nudge(-1, view)),
            Action::MoveBracket => return Some(self.lift(view)),
            // Never somebody else's: what the hand is on decides.
            Action::Cancel => return Some(self.cancel(view)),
            Action::Modify => return Some(self.edit(view)),
            Action::ScrollLive => {
                (self.cursor, self.grip, self.group) = (None, None, None);
                self.drawn.set(None);
                true
            }
            // Only where there is something to drop; otherwise it is somebody else's.
            Action::Escape => {
                self.grip = None;
                self.cursor.take().is_some()
            }
            _ => false,
        };
        known.then(Vec::new)
    }

    fn without_colour(&mut self) {
        self.bare = true;
    }

    fn in_hand(&self, view: &View<'_>) -> Option<String> {
        let lifted = self.lifted(view)?;
        Some(format!(
            "MOVE BRACKET {:+} ticks  Enter sends, Esc drops",
            lifted.ticks
        ))
    }

    fn in_hand_ahead(&self, view: &View<'_>) -> Option<Forecast> {
        let lifted = self.lifted(view)?;
        Some(match own::moved(view, lifted) {
            _ if lifted.ticks == 0 => Forecast::of(vec![span(
                "up and down move every leg by a tick, a page by 10",
                view.theme.dim,
            )]),
            Ok(commands) => forecast::together(&commands, view),
            Err(why) => Forecast::of(vec![span(format!("can't go there: {why}"), view.theme.warn)]),
        })
    }

    fn price(&self, view: &View<'_>) -> Option<Price> {
        self.cursor
            .filter(|cursor| view.instrument == Some(cursor.0))
            .map(|cursor| cursor.1)
    }

    fn click(&mut self, index: usize, view: &View<'_>) -> Vec<Wish> {
        let (Some(drawn), Ok(row)) = (self.drawn.get(), u16::try_from(index / ZONES)) else {
            return Vec::new();
        };
        if view.instrument != Some(drawn.id) || row >= drawn.rows {
            return Vec::new();
        }
        let price = drawn.price(row);
        (self.cursor, self.grip) = (Some((drawn.id, price)), None);
        match index % ZONES {
            0 => vec![Wish::Ticket(Side::Buy, price)],
            1 => Vec::new(),
            _ => vec![Wish::Ticket(Side::Sell, price)],
        }
    }
}
