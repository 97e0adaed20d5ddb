//! The position in the desk's instrument: what it costs and makes, what protects it and what is at risk to the stop, how
//! far it has been against us and for us, and the executions that it was built from. Everything is counted from what the
//! state and the bars know; what lies before them is unknown.

use super::read;
use super::watchlist::{session, shortable};
use crate::domain::{
    Execution, Instrument, InstrumentId, Money, Multiplier, Price, Quantity, Role, Side, Timestamp, counted,
};
use crate::engine::changes::{PositionChange, Step, scaled};
use crate::engine::pnl;
use crate::engine::state::Ledger;
use crate::market::{Timeframe, short_sale};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::columns::{Cell, Column, Look, table};
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// In what order the columns of the legs stand.
const COLUMNS: [Column; 6] = [
    Column::text("time NY", 8, 1),
    Column::text("side", 4, 0),
    Column::number("qty", 6, 0),
    Column::number("price", 9, 0),
    Column::number("held", 7, 2),
    Column::number("fee", 9, 3),
];
/// Bars that are looked through for how far it has been, the finest first: the first that reach back far enough.
const LOOKED_THROUGH: [Timeframe; 4] = [Timeframe::M1, Timeframe::M5, Timeframe::H1, Timeframe::Day];
/// The column that a pair's value begins in, and how wide a pair is.
const VALUE: u16 = 11;
const PAIR: u16 = 36;

/// The position of the desk's instrument.
#[derive(Debug, Default)]
pub struct PositionDetail {
    /// How many legs are scrolled past.
    skipped: usize,
}

impl PositionDetail {
    /// That of the instrument on the desk.
    pub fn new() -> Self {
        Self::default()
    }
}

/// The position with all that it is made of.
struct Held<'a> {
    id: InstrumentId,
    instrument: &'a Instrument,
    ledger: &'a Ledger,
}

fn held<'a>(view: &View<'a>) -> Option<Held<'a>> {
    let (account, id) = (view.account?, view.instrument?);
    Some(Held {
        id,
        instrument: view.state.instruments.get(&id)?,
        ledger: view.state.ledgers.get(&(account, id))?,
    })
}

impl Held<'_> {
    /// The executions since it was last flat, oldest first, each with what was held after it; and whether all of it is
    /// there: not where it began before what the state remembers.
    fn legs(&self) -> (Vec<(&Execution, Quantity)>, bool) {
        let mut running = self.ledger.opening.quantity;
        let mut whole = running.is_zero();
        let mut legs: Vec<(&Execution, Quantity)> = Vec::new();
        for step in self.ledger.steps() {
            let execution = match step {
                Step::Execution(execution) => execution,
                Step::Change(PositionChange::Scale { new, old }) => {
                    running = scaled(running, new, old).unwrap_or(running);
                    continue;
                }
                Step::Change(PositionChange::Book { quantity, .. }) => {
                    running = running.saturating_add(quantity);
                    continue;
                }
            };
            let before = running;
            running = running.saturating_add(execution.side.signed(execution.quantity));
            // Flat, or crossed zero: from here on it is another position.
            let crossed = before.raw().signum() * running.raw().signum() < 0;
            if before.is_zero() || crossed {
                legs.clear();
                whole = true;
            }
            legs.push((execution, running));
        }
        (legs, whole)
    }

    fn places(&self) -> u32 {
        self.instrument.currency.minor_decimals()
    }
}

/// The nearest stop that protects what is held.
fn stop(view: &View<'_>, held: &Held<'_>) -> Option<Price> {
    let account = view.account?;
    let side = held.ledger.position.side()?;
    let triggers = view
        .state
        .live_orders(account, held.id)
        .filter(|order| order.spec.side != side && order.spec.kind.is_stop() && !view.state.waits(order))
        .filter_map(|order| order.spec.kind.trigger());
    match side {
        Side::Buy => triggers.max(),
        Side::Sell => triggers.min(),
    }
}

/// Where the stop of the entry's bracket first stood: what one R is. The oldest protective child that is known.
fn first_stop(view: &View<'_>, held: &Held<'_>, since: Option<Timestamp>) -> Option<Price> {
    let (account, side) = (view.account?, held.ledger.position.side()?);
    view.state
        .orders
        .values()
        .filter(|order| order.spec.account == account && order.spec.instrument == held.id)
        .filter(|order| order.spec.role == Role::StopLoss && order.spec.side != side)
        .filter(|order| since.is_none_or(|since| order.sent_at.is_some_and(|at| at >= since)))
        .min_by_key(|order| order.created_at)
        .and_then(|order| order.asked.kind.trigger())
}

/// The lowest and the highest price since a moment, from the finest bars that reach back to it.
fn extremes(view: &View<'_>, id: InstrumentId, since: Timestamp) -> Option<(Price, Price)> {
    LOOKED_THROUGH.iter().find_map(|timeframe| {
        let bars = view.market.bars(id, *timeframe);
        let reaches = bars.first().is_some_and(|bar| bar.start <= since);
        // The bar in which it began counts: it is the coarser, the more it may say too much.
        let from = bars.partition_point(|bar| bar.start <= since).saturating_sub(1);
        let seen = bars.get(from..).filter(|_| reaches)?;
        let low = seen.iter().map(|bar| bar.low).min()?;
        Some((low, seen.iter().map(|bar| bar.high).max()?))
    })
}

/// What a move from one price to another makes of a position.
fn moved(from: Price, to: Price, quantity: Quantity, multiplier: Multiplier) -> Option<Money> {
    to.checked_sub(from)?.notional(quantity, multiplier)
}

/// One label with its value.
type Fact = (&'static str, String, Style);

/// What there is to say, most important first.
fn facts(view: &View<'_>, held: &Held<'_>, began: Option<Timestamp>) -> Vec<Fact> {
    let theme = view.theme;
    let (position, multiplier) = (&held.ledger.position, held.ledger.multiplier);
    let (id, quantity) = (held.id, position.quantity);
    let average = position.average_price(multiplier);
    let quiet = ink(theme.dim);
    let money = |amount: Option<Money>| match amount {
        Some(amount) => (
            number::profit(amount, held.places()),
            ink(read::profit_color(view, amount)),
        ),
        None => (number::UNKNOWN.to_owned(), ink(theme.faint)),
    };
    let pair = |label, (text, style): (String, Style)| (label, text, style);
    let open = read::open_profit(view, id, held.ledger);
    let percent = read::percent(open, position.cost).map_or(String::new(), |text| format!("  {text} %"));
    let (open_text, open_style) = money(open);
    let mut facts = vec![
        ("open P&L", format!("{open_text}{percent}"), open_style),
        pair("day P&L", {
            let (text, style) = money(pnl::day(
                view.market,
                view.venue_now,
                held.instrument,
                held.ledger,
            ));
            (
                format!("{text}  {}", read::day_words(view, held.instrument)),
                style,
            )
        }),
    ];
    let stop = stop(view, held);
    let account = view.account;
    let protected = account.map_or(Quantity::ZERO, |account| view.state.protected(account, id));
    let bare = quantity.abs().saturating_sub(protected);
    let at = read::price_or_unknown(view, id, stop);
    facts.push(match (protected.is_zero(), bare.is_zero()) {
        _ if quantity.is_zero() => ("stop", "flat".to_owned(), quiet),
        (true, _) => ("stop", "NAKED".to_owned(), bold(theme.warn)),
        (_, false) => (
            "stop",
            format!("{at} NAKED {}", number::quantity(bare)),
            bold(theme.warn),
        ),
        (_, true) => ("stop", at, ink(theme.text)),
    });
    let mark = view.market.mark(id).map(|mark| mark.price);
    let risk = |from: Option<Price>| {
        stop.zip(from)
            .and_then(|(stop, from)| moved(from, stop, quantity, multiplier))
    };
    facts.push(pair("at stop", money(risk(average))));
    facts.push(pair("from here", money(risk(mark))));
    facts.push(r_multiple(view, held, average, open, began));
    let seen = began.and_then(|since| extremes(view, id, since));
    let (worst, best) = match (seen, average, position.side()) {
        (Some((low, high)), Some(average), Some(side)) => {
            let (against, with) = if side == Side::Buy {
                (low, high)
            } else {
                (high, low)
            };
            (
                moved(average, against, quantity, multiplier),
                moved(average, with, quantity, multiplier),
            )
        }
        _ => (None, None),
    };
    facts.push(pair("MAE", money(worst.map(|worst| worst.min(Money::ZERO)))));
    facts.push(pair("MFE", money(best.map(|best| best.max(Money::ZERO)))));
    let realized = position.realized.saturating_sub(position.fees);
    facts.push(pair("realised", money(Some(realized))));
    facts.push(("fees", number::money(position.fees, held.places()), quiet));
    let exits = account.map_or(Quantity::ZERO, |account| view.state.working_exits(account, id));
    let orders = account.map_or(0, |account| view.state.live_orders(account, id).count());
    facts.push((
        "working",
        format!(
            "{}, closing {}",
            counted(orders, "order"),
            number::quantity(exits)
        ),
        quiet,
    ));
    let doing = session::doing(view, held.instrument);
    let left = doing.until.map_or(String::new(), |until| {
        format!(" {}", session::short(until.since(view.venue_now)))
    });
    let halted = doing.word == "HALTED";
    facts.push((
        "market",
        format!("{}{left} ({})", doing.word, doing.by),
        if halted { bold(theme.error) } else { quiet },
    ));
    facts.push(("shortable", shortable_words(view, id), quiet));
    facts
}

/// Whether it can be sold short, with how many shares there are to borrow where the broker says.
fn shortable_words(view: &View<'_>, id: InstrumentId) -> String {
    let word = shortable(view, id);
    let instrument = view.state.instruments.get(&id);
    let rule = instrument.and_then(|one| short_sale::restricted(view.market, one, view.venue_now));
    if let Some(rule) = rule.filter(|_| word == "SSR") {
        return format!("above the bid until {}", read::when(view, rule.until));
    }
    match view.market.terms(id).and_then(|terms| terms.shares) {
        Some(shares) if matches!(word, "yes" | "locate") => {
            format!("{word}, {} to borrow", number::short(i128::from(shares.raw())))
        }
        _ => word.to_owned(),
    }
}

/// How many R it has made: its open profit over what was at risk from the average to where the bracket's stop first stood.
fn r_multiple(
    view: &View<'_>,
    held: &Held<'_>,
    average: Option<Price>,
    open: Option<Money>,
    began: Option<Timestamp>,
) -> Fact {
    let theme = view.theme;
    let began = began.and(held.ledger.opened_at);
    let first = first_stop(view, held, None).filter(|_| began.is_some());
    let one = first.zip(average).and_then(|(stop, average)| {
        let quantity = held.ledger.position.quantity;
        moved(average, stop, quantity, held.ledger.multiplier)
    });
    match (one, open) {
        (Some(one), Some(open)) if one.raw() < 0 => {
            let r = open.to_f64() / one.abs().to_f64();
            let text = format!("{r:+.2} R  of {}", number::money(one.abs(), held.places()));
            ("R", text, ink(read::profit_color(view, open)))
        }
        _ => ("R", "-- (no bracket's stop)".to_owned(), ink(theme.faint)),
    }
}

/// `+100 @ 190.31  mark 190.45  0:25:00`.
fn draw_head(pen: &mut Pen<'_>, view: &View<'_>, held: &Held<'_>, began: Option<Timestamp>) {
    let (theme, position) = (view.theme, &held.ledger.position);
    let end = pen.width().saturating_sub(1);
    let mut x = pen.put_within(1, end, 0, held.id.as_str(), bold(theme.bright));
    let size = number::quantity_signed(position.quantity);
    let colour = match position.quantity.raw().signum() {
        1 => theme.up,
        -1 => theme.down,
        _ => theme.dim,
    };
    x = pen.put_within(x + 1, end, 0, &size, bold(colour));
    let average = read::average(view, held.id, position.average_price(held.ledger.multiplier));
    let mark = view.market.mark(held.id).map(|mark| mark.price);
    let mark = read::price_or_unknown(view, held.id, mark);
    let age = began.map_or(String::new(), |at| {
        format!("  for {}", number::age(view.venue_now.since(at)))
    });
    let fresh = read::freshness(view, held.id).map_or(String::new(), |why| format!("  {why}"));
    let text = format!("@ {average}  mark {mark}{fresh}{age}");
    pen.put_within(x + 1, end, 0, &text, theme.dim);
}

impl Pane for PositionDetail {
    fn name(&self) -> &'static str {
        "detail"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let symbol = view.instrument.map_or(String::new(), |id| format!(" {id}"));
        let right = held(view).map_or(String::new(), |held| {
            let open = read::open_profit(view, held.id, held.ledger);
            read::profit(open, Some(held.instrument.currency))
        });
        (format!("DETAIL{symbol}"), right)
    }

    fn render(&self, view: &View<'_>, area: Rect, _focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let Some(held) = held(view) else {
            let words = view.instrument.map_or_else(
                || read::nothing(view, "no instrument is on the desk"),
                |id| read::nothing(view, &format!("nothing was ever traded in {id}")),
            );
            pen.say(&words, view.theme.dim);
            return Hits::default();
        };
        let (legs, whole) = held.legs();
        let began = legs.first().filter(|_| whole).map(|(execution, _)| execution.at);
        draw_head(&mut pen, view, &held, began);
        let facts = facts(view, &held, began);
        // Two pairs beside each other where there is room.
        let pairs = (pen.width() / PAIR).clamp(1, 3);
        let rows = u16::try_from(facts.len()).unwrap_or(0).div_ceil(pairs);
        for (i, (label, text, style)) in (0u16..).zip(&facts) {
            let (x, y) = (1 + (i / rows.max(1)) * PAIR, 1 + i % rows.max(1));
            // Two cells from the next pair: one would make a sentence of both.
            let end = if pairs == 1 { pen.width() } else { x + PAIR - 1 };
            let end = end.min(pen.width()).saturating_sub(1);
            pen.put_within(x, end, y, label, view.theme.faint);
            pen.put_within(x + VALUE, end, y, text, *style);
        }
        let top = 2 + rows;
        let (wide, high) = (pen.width(), pen.height());
        let mut below = pen.part(0, top, wide, high.saturating_sub(top));
        let look = Look {
            head: view.theme.faint,
            selection: view.theme.selection,
        };
        let skipped = self.skipped.min(legs.len().saturating_sub(1));
        let total = legs.len() - skipped;
        let mut columns = COLUMNS;
        columns[0].head = read::time_head(view);
        table(&mut below, columns, look, total, None, |at| {
            // The newest first.
            let from_end = legs.len().checked_sub(at + skipped + 1);
            from_end
                .and_then(|at| legs.get(at))
                .map_or_else(Default::default, |(execution, running)| {
                    leg(view, execution, *running)
                })
        });
        if !whole && high > top + 1 {
            let text = "it began before the executions that are remembered here";
            pen.put_within(1, wide.saturating_sub(1), high - 1, text, view.theme.faint);
        }
        Hits::default()
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        let last = held(view).map_or(0, |held| held.legs().0.len().saturating_sub(1));
        self.skipped = match action {
            Action::Down => self.skipped.saturating_add(1),
            Action::Up => self.skipped.saturating_sub(1),
            Action::PageDown => self.skipped.saturating_add(10),
            Action::PageUp => self.skipped.saturating_sub(10),
            Action::Top => 0,
            Action::Bottom => last,
            _ => return None,
        }
        .min(last);
        Some(Vec::new())
    }
}

fn leg(view: &View<'_>, execution: &Execution, running: Quantity) -> [Cell; 6] {
    let theme = view.theme;
    let colour = match execution.side {
        Side::Buy => theme.buy,
        Side::Sell => theme.sell,
    };
    let fee = execution.fee.map_or(number::UNKNOWN.to_owned(), |fee| {
        number::money(fee.amount, fee.currency.minor_decimals())
    });
    [
        Cell::new(read::when(view, execution.at), ink(theme.faint)),
        Cell::new(execution.side.word(), bold(colour)),
        Cell::new(number::quantity(execution.quantity), ink(theme.text)),
        Cell::new(
            read::price(view, execution.instrument, execution.price),
            ink(theme.text),
        ),
        Cell::new(number::quantity_signed(running), ink(theme.dim)),
        Cell::new(fee, ink(theme.dim)),
    ]
}
