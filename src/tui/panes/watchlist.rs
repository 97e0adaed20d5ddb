//! All instruments with price, change, shape of the session and what is held of them. The cursor holds an instrument, not
//! a row; moving it puts the instrument on the desk.

use super::read;
use crate::domain::{InstrumentId, Quantity};
use crate::market::{Ticker, Timeframe};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::columns::{Cell, Column, Look, table};
use crate::tui::widgets::list::Cursor;
use crate::tui::widgets::text::{Pen, bold, ink};
use crate::tui::widgets::{number, sparkline};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::cmp::Ordering;

/// Characters of a session's shape.
const SHAPE: usize = 10;
/// Bars a session's shape is made of, at most: a day of five-minute bars.
const SHAPE_BARS: usize = 288;
/// In what order the columns stand.
const COLUMNS: [Column; 9] = [
    Column::text("symbol", 7, 0),
    Column::number("last", 9, 0),
    Column::number("%", 7, 1),
    Column::text("session", 10, 3),
    Column::number("bid", 9, 5),
    Column::number("ask", 9, 5),
    Column::number("volume", 6, 4),
    Column::number("day range", 17, 6),
    Column::number("pos", 5, 2),
];

/// What the rows are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Symbol,
    Change,
    Volume,
}

/// The list of instruments.
#[derive(Debug, Default)]
pub struct Watchlist {
    cursor: Cursor<InstrumentId>,
    order: Order,
}

impl Watchlist {
    /// All instruments, by symbol.
    pub fn new() -> Self {
        Self::default()
    }
    /// The instruments in the order of the rows. By change and volume they are ranked by the last finished minute, so
    /// that rows change places once a minute at most.
    fn rows(&self, view: &View<'_>) -> Vec<InstrumentId> {
        let ids = view.state.instruments.keys().copied();
        match self.order {
            Order::Symbol => ids.collect(),
            Order::Change => ranked(ids, |id| change_a_minute_ago(view, id)),
            Order::Volume => ranked(ids, |id| Some(f64_of(view.market.ticker(id)?.day?.volume))),
        }
    }
    fn cells(&self, view: &View<'_>, id: InstrumentId) -> [Cell; 9] {
        let theme = view.theme;
        let on_desk = view.instrument == Some(id);
        let last = read::last(view, id);
        let change = view.market.ticker(id).and_then(Ticker::change_percent);
        let direction = match change {
            Some(change) if change > 0.0 => theme.up,
            Some(change) if change < 0.0 => theme.down,
            _ => theme.dim,
        };
        let flash = match read::flash(view, id) {
            Some(Ordering::Greater) => bold(theme.bright).bg(theme.up_back),
            Some(Ordering::Less) => bold(theme.bright).bg(theme.down_back),
            _ => ink(theme.text),
        };
        let old = if view.attached { flash } else { ink(theme.dim) };
        let quote = view.market.quote(id);
        let side = |level: Option<(crate::domain::Price, Quantity)>, color| {
            let price = level.map(|level| level.0);
            let color = if price.is_some() { color } else { theme.faint };
            Cell::new(read::price_or_unknown(view, id, price), ink(color))
        };
        let symbol = if on_desk {
            bold(theme.bright)
        } else {
            ink(theme.text)
        };
        [
            Cell::new(id.as_str(), symbol),
            Cell::new(
                read::price_or_unknown(view, id, last),
                if last.is_some() { old } else { ink(theme.faint) },
            ),
            Cell::new(
                change.map_or_else(|| number::UNKNOWN.to_owned(), number::percent_change),
                ink(if change.is_some() { direction } else { theme.faint }),
            ),
            Cell::new(shape(view, id), ink(direction)),
            side(quote.and_then(|quote| quote.bid), theme.dim),
            side(quote.and_then(|quote| quote.ask), theme.dim),
            volume(view, id),
            range(view, id),
            held(view, id),
        ]
    }
}

/// Today's volume.
fn volume(view: &View<'_>, id: InstrumentId) -> Cell {
    let day = view.market.ticker(id).and_then(|ticker| ticker.day);
    Cell::new(
        day.map_or_else(|| number::UNKNOWN.to_owned(), |day| number::short(day.volume)),
        ink(view.theme.dim),
    )
}

/// Today's lowest and highest price.
fn range(view: &View<'_>, id: InstrumentId) -> Cell {
    let day = view.market.ticker(id).and_then(|ticker| ticker.day);
    let text = day.map_or_else(
        || number::UNKNOWN.to_owned(),
        |day| {
            format!(
                "{}–{}",
                read::price(view, id, day.low),
                read::price(view, id, day.high)
            )
        },
    );
    Cell::new(text, ink(view.theme.dim))
}

/// What is held; nothing at all where it is nothing, `--` where it is not known.
fn held(view: &View<'_>, id: InstrumentId) -> Cell {
    let Some(account) = view.account else {
        return Cell::default();
    };
    let quantity = view.state.position(account, id).quantity;
    if quantity.is_zero() {
        let unknown = !view.state.positions_known(account);
        return Cell::new(if unknown { number::UNKNOWN } else { "" }, ink(view.theme.faint));
    }
    let color = if quantity.is_positive() {
        view.theme.up
    } else {
        view.theme.down
    };
    Cell::new(view.ours(number::quantity_signed(quantity)), ink(color))
}

/// The shape of the session, from five-minute bars, or from those of one minute while the session is young.
fn shape(view: &View<'_>, id: InstrumentId) -> String {
    let start = view
        .state
        .instruments
        .get(&id)
        .and_then(|instrument| instrument.calendar.trading_day(view.venue_now))
        .map(|day| day.start);
    let closes = |timeframe| -> Vec<i64> {
        let bars = view.market.bars(id, timeframe);
        let from = start.map_or(0, |start| bars.partition_point(|bar| bar.start < start));
        let from = from.max(bars.len().saturating_sub(SHAPE_BARS));
        bars[from.min(bars.len())..]
            .iter()
            .map(|bar| bar.close.raw())
            .collect()
    };
    let coarse = closes(Timeframe::M5);
    if coarse.len() >= SHAPE {
        return sparkline::shape(&coarse, SHAPE);
    }
    sparkline::shape(&closes(Timeframe::M1), SHAPE)
}

/// The day's change in percent as it was when the last minute ended.
fn change_a_minute_ago(view: &View<'_>, id: InstrumentId) -> Option<f64> {
    let minute = view.venue_now.seconds().div_euclid(60).saturating_mul(60);
    let bars = view.market.bars(id, Timeframe::M1);
    let ended = bars.partition_point(|bar| bar.start.seconds() < minute);
    let ticker = view.market.ticker(id)?;
    match (
        ended.checked_sub(1).and_then(|at| bars.get(at)),
        ticker.previous_close,
    ) {
        (Some(bar), Some(before)) if before.raw() != 0 => {
            Some((bar.close.to_f64() - before.to_f64()) / before.to_f64().abs())
        }
        _ => ticker.change_percent().map(|percent| percent / 100.0),
    }
}

/// Highest first, unknown last, equals by symbol.
fn ranked(
    ids: impl Iterator<Item = InstrumentId>,
    worth: impl Fn(InstrumentId) -> Option<f64>,
) -> Vec<InstrumentId> {
    let mut rows: Vec<(Option<f64>, InstrumentId)> = ids.map(|id| (worth(id), id)).collect();
    rows.sort_by(|a, b| match (a.0, b.0) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
    rows.into_iter().map(|(_, id)| id).collect()
}

#[allow(clippy::cast_precision_loss, reason = "only compared")]
fn f64_of(volume: i128) -> f64 {
    volume as f64
}

impl Pane for Watchlist {
    fn name(&self) -> &'static str {
        "watchlist"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let order = match self.order {
            Order::Symbol => "by symbol",
            Order::Change => "by % ▼",
            Order::Volume => "by volume ▼",
        };
        (
            format!("WATCH {}", view.state.instruments.len()),
            order.to_owned(),
        )
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let rows = self.rows(view);
        if rows.is_empty() {
            pen.say(
                &read::nothing(view, "no instruments"),
                Style::new().fg(view.theme.dim),
            );
            return Hits::default();
        }
        let on_desk = view
            .instrument
            .and_then(|id| rows.iter().position(|row| *row == id));
        // The desk may have been given another instrument elsewhere: what is on it is what is shown as selected.
        let cursor = on_desk.or_else(|| self.cursor.position(&rows).filter(|_| focused));
        let look = Look {
            head: view.theme.faint,
            selection: view.theme.selection,
        };
        let rows = table(&mut pen, COLUMNS, look, rows.len(), cursor, |at| {
            rows.get(at)
                .map_or_else(Default::default, |id| self.cells(view, *id))
        });
        Hits { rows }
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        let rows = self.rows(view);
        if action == Action::Sort {
            self.order = match self.order {
                Order::Symbol => Order::Change,
                Order::Change => Order::Volume,
                Order::Volume => Order::Symbol,
            };
            // The cursor stays with what it showed before, wherever that goes.
            if let (None, Some(id)) = (self.cursor.held(&rows), view.instrument) {
                self.cursor.hold(id);
            }
            return Some(Vec::new());
        }
        if action == Action::Enter {
            let held = self.cursor.held(&rows).or(view.instrument)?;
            return Some(vec![Wish::Select(held)]);
        }
        if let Some(id) = view.instrument {
            // A search or another pane may have put an instrument on the desk: the cursor goes on from there.
            self.cursor.hold(id);
        }
        let moves = self.cursor.act(action, &rows, view.instrument);
        moves.then(|| self.cursor.held(&rows).map(Wish::Select).into_iter().collect())
    }

    fn click(&mut self, index: usize, view: &View<'_>) -> Vec<Wish> {
        let Some(id) = self.rows(view).get(index).copied() else {
            return Vec::new();
        };
        self.cursor.hold(id);
        vec![Wish::Select(id)]
    }
}
