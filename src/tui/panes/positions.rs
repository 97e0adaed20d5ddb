//! What is held: size, average, mark, profit, and what protects it. A position without a stop says NAKED. The cursor is
//! the instrument on the desk, because closing and flattening act on that one.

use super::read::{self, Sums};
use crate::domain::{AccountKey, Instrument, InstrumentId, Price, Quantity, Side};
use crate::engine::pnl;
use crate::engine::state::{Ledger, Mismatch};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::profit;
use crate::tui::widgets::columns::{self, Cell, Column, Look, grid};
use crate::tui::widgets::list::{Cursor, Rolled};
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink, wrap};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::Duration;

/// In what order the columns stand.
const COLUMNS: [Column; 13] = [
    Column::text("symbol", 8, 0),
    Column::number("qty", 6, 0),
    Column::number("avg", 9, 3),
    Column::number("mark", 9, 2),
    Column::number("open P&L", 11, 0),
    Column::number("day P&L", 11, 5),
    Column::number("realised", 11, 6),
    Column::number("%", 7, 7),
    Column::number("stop", 9, 1),
    Column::number("exits", 6, 8),
    Column::number("age", 7, 9),
    Column::number("value", 12, 10),
    Column::text("mark is", 7, 11),
];

/// A mark that is older shows its age.
const FRESH: Duration = Duration::from_secs(30);
/// With fewer rows there is no foot.
const WITH_FOOT: u16 = 9;

/// The list of positions.
#[derive(Debug, Default)]
pub struct Positions {
    cursor: Cursor<InstrumentId>,
    rolled: Rolled,
}

impl Positions {
    /// The positions of the account on the desk.
    pub fn new() -> Self {
        Self::default()
    }
}

/// True where something was traded since its trading day began; also where nobody knows when that was.
fn was_today(view: &View<'_>, id: InstrumentId, ledger: &Ledger) -> bool {
    let instrument = view.state.instruments.get(&id);
    let began = instrument.and_then(|instrument| pnl::day_began(instrument, view.venue_now));
    began.is_none_or(|began| ledger.executions.iter().any(|execution| execution.at >= began))
}

/// What is held, then what was closed today and left a profit, each by symbol.
fn rows(view: &View<'_>) -> Vec<InstrumentId> {
    let Some(account) = view.account else {
        return Vec::new();
    };
    let ledgers = || view.state.ledgers.iter().filter(move |(key, _)| key.0 == account);
    let held = ledgers().filter(|(_, ledger)| !ledger.position.quantity.is_zero());
    let closed = ledgers().filter(|(_, ledger)| {
        let position = &ledger.position;
        position.quantity.is_zero() && (position.realized.raw() != 0 || position.fees.raw() != 0)
    });
    let closed = closed.filter(|(key, ledger)| was_today(view, key.1, ledger));
    let mut rows: Vec<InstrumentId> = held.chain(closed).map(|(key, _)| key.1).collect();
    // What the broker holds and we don't is looked for first of all.
    let others: Vec<InstrumentId> = differences(view, account)
        .map(|(id, _)| id)
        .filter(|id| !rows.contains(id))
        .collect();
    rows.splice(0..0, others);
    rows
}

/// Positions of which the broker says something else.
fn differences<'a>(
    view: &View<'a>,
    account: AccountKey,
) -> impl Iterator<Item = (InstrumentId, Mismatch)> + use<'a> {
    let found = view.state.accounts.get(&account);
    found
        .into_iter()
        .flat_map(|account| account.mismatches.iter().map(|(id, other)| (*id, *other)))
}

/// The first difference in words, with the word that accepts it once it is certain.
fn difference(view: &View<'_>, account: AccountKey) -> Option<String> {
    let (id, other) = differences(view, account).next()?;
    let (ours, theirs) = (
        number::quantity_signed(other.ours),
        number::quantity_signed(other.theirs),
    );
    let help = if other.is_confirmed(view.now) {
        format!(":accept {id} takes theirs")
    } else {
        "reading again".to_owned()
    };
    let more = match differences(view, account).count() {
        0 | 1 => String::new(),
        count => format!("  (+{} more)", count - 1),
    };
    Some(format!(
        "! {id} ours {ours}, {}'s {theirs}: {help}{more}",
        account.broker
    ))
}

fn cells(view: &View<'_>, id: InstrumentId) -> [Cell; 13] {
    let theme = view.theme;
    let Some(account) = view.account else {
        return Default::default();
    };
    let Some(ledger) = view.state.ledgers.get(&(account, id)) else {
        return unknown_here(view, account, id);
    };
    let instrument = view.state.instruments.get(&id);
    let quantity = ledger.position.quantity;
    let open = read::open_profit(view, id, ledger);
    let realized = ledger.position.realized.saturating_sub(ledger.position.fees);
    let currency = instrument.map(|instrument| instrument.currency);
    let mark = view.market.mark(id).map(|mark| mark.price);
    let average = ledger.position.average_price(ledger.multiplier);
    let mismatch = view
        .state
        .accounts
        .get(&account)
        .and_then(|account| account.mismatches.get(&id));
    let symbol = if view.instrument == Some(id) {
        bold(theme.bright)
    } else {
        ink(theme.text)
    };
    let size = match mismatch {
        // The broker says something else: both are shown until one is explained.
        Some(other) => Cell::new(
            format!(
                "{} ≠ {}",
                number::quantity_signed(quantity),
                number::quantity_signed(other.theirs)
            ),
            bold(theme.warn),
        ),
        None => Cell::new(
            number::quantity_signed(quantity),
            ink(match quantity.raw().signum() {
                1 => theme.up,
                -1 => theme.down,
                _ => theme.dim,
            }),
        ),
    };
    let profit = |profit| {
        let color = if open.is_some() {
            read::profit_color(view, profit)
        } else {
            theme.faint
        };
        ink(color)
    };
    if quantity.is_zero() {
        return [
            Cell::new(id.as_str(), symbol),
            if mismatch.is_some() {
                size
            } else {
                Cell::new("flat", ink(theme.dim))
            },
            Cell::default(),
            Cell::new(read::price_or_unknown(view, id, mark), ink(theme.dim)),
            // Nothing is open: the column adds up to its sum, and the result stands under day and realised.
            Cell::default(),
            day_cell(view, instrument, ledger),
            Cell::new(read::profit(Some(realized), currency), profit(realized)),
            Cell::default(),
            Cell::default(),
            Cell::default(),
            Cell::default(),
            Cell::default(),
            Cell::default(),
        ];
    }
    [
        Cell::new(id.as_str(), symbol),
        size,
        Cell::new(read::average(view, id, average), ink(theme.dim)),
        Cell::new(
            read::price_or_unknown(view, id, mark),
            ink(if mark.is_some() { theme.text } else { theme.faint }),
        ),
        Cell::new(read::profit(open, currency), profit(open.unwrap_or_default())),
        day_cell(view, instrument, ledger),
        Cell::new(read::profit(Some(realized), currency), profit(realized)),
        Cell::new(
            read::percent(open, ledger.position.cost).unwrap_or_else(|| number::UNKNOWN.to_owned()),
            profit(open.unwrap_or_default()),
        ),
        stop(view, account, id, quantity),
        exits(view, account, id),
        Cell::new(
            ledger.opened_at.map_or_else(
                || number::UNKNOWN.to_owned(),
                |at| number::age(view.now.since(at)),
            ),
            ink(theme.dim),
        ),
        Cell::new(value(mark, ledger, instrument), ink(theme.dim)),
        Cell::new(mark_words(view, id), ink(theme.faint)),
    ]
}

/// The day's profit in the instrument's own currency.
fn day_cell(view: &View<'_>, instrument: Option<&Instrument>, ledger: &Ledger) -> Cell {
    let day = instrument.and_then(|instrument| pnl::day(view.market, view.venue_now, instrument, ledger));
    let currency = instrument.map(|instrument| instrument.currency);
    let colour = day.map_or(view.theme.faint, |day| read::profit_color(view, day));
    Cell::new(read::profit(day, currency), ink(colour))
}

/// How much working orders would close of it.
fn exits(view: &View<'_>, account: AccountKey, id: InstrumentId) -> Cell {
    let closing = view.state.working_exits(account, id);
    if closing.is_zero() {
        return Cell::new("none", ink(view.theme.faint));
    }
    Cell::new(number::quantity(closing), ink(view.theme.dim))
}

/// How new the mark is: `live`, why it is not, or its age.
fn mark_words(view: &View<'_>, id: InstrumentId) -> String {
    if let Some(why) = read::freshness(view, id) {
        return why.to_owned();
    }
    match view.market.mark(id) {
        None => number::UNKNOWN.to_owned(),
        Some(mark) if view.venue_now.since(mark.at) > FRESH => number::age(view.venue_now.since(mark.at)),
        Some(_) => "live".to_owned(),
    }
}

/// What only the broker holds.
fn unknown_here(view: &View<'_>, account: AccountKey, id: InstrumentId) -> [Cell; 13] {
    let theirs = differences(view, account).find(|(other, _)| *other == id);
    let size = theirs.map_or_else(String::new, |(_, other)| {
        format!("0 ≠ {}", number::quantity_signed(other.theirs))
    });
    let mut cells: [Cell; 13] = Default::default();
    cells[0] = Cell::new(id.as_str(), ink(view.theme.text));
    cells[1] = Cell::new(size, bold(view.theme.warn));
    cells
}

/// What the position is worth at its mark, in the instrument's currency.
fn value(mark: Option<Price>, ledger: &Ledger, instrument: Option<&Instrument>) -> String {
    let decimals = instrument.map_or(2, |instrument| instrument.currency.minor_decimals());
    mark.and_then(|mark| mark.notional(ledger.position.quantity, ledger.multiplier))
        .map_or_else(
            || number::UNKNOWN.to_owned(),
            |value| number::money(value, decimals),
        )
}

/// The nearest protective stop, or how much has none.
fn stop(view: &View<'_>, account: AccountKey, id: InstrumentId, quantity: Quantity) -> Cell {
    let protected = view.state.protected(account, id);
    let bare = quantity.abs().saturating_sub(protected);
    if protected.is_zero() {
        return Cell::new("NAKED", bold(view.theme.warn));
    }
    if bare.is_positive() {
        return Cell::new(format!("NAKED {}", number::quantity(bare)), bold(view.theme.warn));
    }
    let closing = if quantity.is_positive() {
        Side::Sell
    } else {
        Side::Buy
    };
    let triggers = view
        .state
        .live_orders(account, id)
        .filter(|order| order.spec.side == closing)
        .filter_map(|order| order.spec.kind.trigger());
    let nearest = match closing {
        Side::Sell => triggers.max(),
        Side::Buy => triggers.min(),
    };
    Cell::new(read::price_or_unknown(view, id, nearest), ink(view.theme.dim))
}

/// What to press where the desk's instrument, or a part of it, has no stop.
fn naked(view: &View<'_>, account: AccountKey) -> Option<String> {
    let id = view.instrument?;
    let held = view.state.position(account, id).quantity.abs();
    let bare = held.saturating_sub(view.state.protected(account, id));
    bare.is_positive()
        .then(|| format!("{id} is NAKED: p begins a stop, such as protect {id} at -20t"))
}

/// Under the list: all currencies in the account's own, with the rates that took, and since when the day is counted.
fn foot(view: &View<'_>) -> Vec<String> {
    let Some(account) = view.account else {
        return Vec::new();
    };
    let totals = profit::totals(view, account);
    let mut lines: Vec<String> = naked(view, account).into_iter().collect();
    if let Some(base) = view.state.accounts.get(&account).map(|state| state.account.base)
        && !totals.is_empty()
    {
        let sum = |part: fn(&profit::Total) -> Option<crate::domain::Money>| {
            let parts: Vec<_> = totals
                .iter()
                .map(|(currency, total)| (*currency, part(total)))
                .collect();
            read::profit(profit::in_base(view, account, &parts), Some(base))
        };
        let mut text = format!(
            "in {}: open {}  day {}",
            base.as_str(),
            sum(|total| total.open),
            sum(|total| total.day)
        );
        let moves = |total: &profit::Total| {
            total
                .open
                .zip(total.day)
                .is_none_or(|(open, day)| open.raw() != 0 || day.raw() != 0)
        };
        let others = totals
            .iter()
            .filter(|(currency, total)| *currency != base && moves(total));
        for (currency, _) in others {
            text.push_str(&read::rate_words(view, account, *currency));
        }
        text.push_str("; realised since the journal began");
        lines.push(text);
    }
    if let Some(instrument) = view.instrument.and_then(|id| view.state.instruments.get(&id)) {
        let close = view
            .market
            .ticker(instrument.id)
            .and_then(|ticker| ticker.previous_close);
        lines.push(format!(
            "{}: the day is counted {}, what was held then from {}",
            instrument.id,
            read::day_words(view, instrument),
            read::price_or_unknown(view, instrument.id, close)
        ));
    }
    lines
}

impl Pane for Positions {
    fn name(&self) -> &'static str {
        "positions"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let Some(account) = view.account else {
            return ("POSITIONS".to_owned(), String::new());
        };
        let (mut sums, mut held) = (Sums::default(), 0);
        for ((owner, id), ledger) in &view.state.ledgers {
            if *owner != account || ledger.position.quantity.is_zero() {
                continue;
            }
            held += 1;
            if let Some(instrument) = view.state.instruments.get(id) {
                sums.add(instrument.currency, read::open_profit(view, *id, ledger));
            }
        }
        let base = view.state.accounts.get(&account).map(|state| state.account.base);
        let mut currencies: Vec<_> = sums.currencies().collect();
        // The account's own currency last: where there is no room the first ones go.
        currencies.sort_by_key(|currency| Some(*currency) == base);
        let mut right: Vec<String> = currencies
            .into_iter()
            .map(|currency| {
                format!(
                    "{} {}",
                    read::profit(sums.of(currency), Some(currency)),
                    currency.as_str()
                )
            })
            .collect();
        if let Some(first) = right.first_mut() {
            first.insert_str(0, "Σ ");
        }
        if !view.state.positions_known(account) {
            right.push("not confirmed".to_owned());
        }
        right.extend(read::stale(view));
        (format!("POSITIONS {held}"), right.join("  "))
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let rows = rows(view);
        if rows.is_empty() {
            let words = match view.account {
                None => read::nothing(view, "no account yet"),
                Some(account) if !view.state.positions_known(account) => {
                    read::nothing(view, "positions are not known yet")
                }
                Some(_) => read::nothing(view, "flat"),
            };
            pen.say(&words, view.theme.dim);
            return Hits::default();
        }
        let on_desk = view
            .instrument
            .and_then(|id| rows.iter().position(|row| *row == id))
            .filter(|_| focused);
        let look = Look {
            head: view.theme.faint,
            selection: view.theme.selection,
        };
        let difference = view.account.and_then(|account| difference(view, account));
        let (wide, high) = (pen.width(), pen.height());
        let last = high.saturating_sub(1);
        let told = difference.filter(|_| high >= 3);
        if let Some(words) = &told {
            pen.put_within(1, wide.saturating_sub(1), last, words, view.theme.warn);
        }
        let foot = if high >= WITH_FOOT { foot(view) } else { Vec::new() };
        let room = usize::from(wide.saturating_sub(2));
        let whole: Vec<&str> = foot.iter().flat_map(|text| wrap(text, room)).collect();
        // Words are cut before a position is.
        let foot = if rows.len() + 2 + whole.len() <= usize::from(high) {
            whole
        } else {
            foot.iter().map(String::as_str).collect()
        };
        let end = if told.is_some() { last } else { high };
        let under = u16::try_from(foot.len()).unwrap_or(0).min(end);
        for (y, text) in (end - under..end).zip(foot) {
            pen.put_within(1, wide.saturating_sub(1), y, text, view.theme.dim);
        }
        let mut pen = pen.part(0, 0, wide, end - under);
        let seen = |height| self.rolled.window(rows.len(), height, on_desk, view.instrument);
        let landed = grid(&mut pen, COLUMNS.to_vec(), look, seen, on_desk, |at, _| {
            rows.get(at).map_or_else(Vec::new, |id| cells(view, *id).into())
        });
        Hits { rows: landed.rows }
    }

    fn roll(&mut self, up: bool, view: &View<'_>) -> bool {
        self.rolled.roll(up, view.instrument);
        true
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        self.rolled.rest();
        let rows = rows(view);
        // What is on the desk is what closing and flattening act on: nothing else is ever selected.
        match view.instrument.filter(|id| rows.contains(id)) {
            Some(id) => self.cursor.hold(id),
            None => self.cursor.release(),
        }
        if action == Action::Enter {
            return self.cursor.held(&rows).map(|id| vec![Wish::Select(id)]);
        }
        let moved = self.cursor.act(action, &rows, view.instrument);
        moved.then(|| self.cursor.held(&rows).map(Wish::Select).into_iter().collect())
    }

    fn copied(&self, view: &View<'_>) -> Option<String> {
        let id = view.instrument.filter(|id| rows(view).contains(id))?;
        Some(columns::words(cells(view, id)))
    }

    fn click(&mut self, index: usize, view: &View<'_>) -> Vec<Wish> {
        let chosen = rows(view).get(index).copied();
        chosen.map(Wish::Select).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Position;
    use crate::tui::panes::fixture::{Desk, account, id};

    #[test]
    fn what_was_closed_has_no_open_profit_and_its_result_stands_as_realised() {
        let mut desk = Desk::rich();
        let ledger = desk.state.ledgers.get_mut(&(account(), id("NVDA"))).unwrap();
        ledger.position = Position {
            realized: crate::domain::Money::whole(-234),
            ..Position::default()
        };
        let cells = cells(&desk.view(), id("NVDA"));
        assert_eq!(
            (
                cells[1].text.as_str(),
                cells[4].text.as_str(),
                cells[6].text.as_str()
            ),
            ("flat", "", "▼ 234.00")
        );
    }
}
