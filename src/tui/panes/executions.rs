//! Executions of the last week, newest first: what was traded, at what price, what it cost, and whether our order rested.

use super::read;
use crate::domain::{Execution, ExecutionBase, InstrumentId, Side};
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::columns::{Cell, Column, Look, table};
use crate::tui::widgets::list::Cursor;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The most that are listed; all of them are in the journal.
const LISTED: usize = 500;
/// In what order the columns stand.
const COLUMNS: [Column; 8] = [
    Column::text("time NY", 8, 2),
    Column::text("symbol", 7, 0),
    Column::text("side", 4, 0),
    Column::number("qty", 6, 0),
    Column::number("price", 9, 0),
    Column::number("fee", 9, 3),
    Column::text("", 5, 4),
    Column::text("order", 10, 5),
];

/// The list of executions.
#[derive(Debug, Default)]
pub struct Executions {
    cursor: Cursor<(InstrumentId, ExecutionBase)>,
}

impl Executions {
    /// The executions of the account on the desk.
    pub fn new() -> Self {
        Self::default()
    }
}

/// The newest executions, newest first.
fn rows<'a>(view: &View<'a>) -> Vec<&'a Execution> {
    let mut rows: Vec<&Execution> = view
        .state
        .ledgers
        .iter()
        .filter(|(key, _)| Some(key.0) == view.account)
        .flat_map(|(_, ledger)| ledger.executions.iter().rev().take(LISTED))
        .collect();
    rows.sort_by_key(|execution| std::cmp::Reverse((execution.at, execution.id)));
    rows.truncate(LISTED);
    rows
}

fn keys(rows: &[&Execution]) -> Vec<(InstrumentId, ExecutionBase)> {
    rows.iter()
        .map(|execution| (execution.instrument, execution.id.base))
        .collect()
}

fn cells(view: &View<'_>, execution: &Execution) -> [Cell; 8] {
    let theme = view.theme;
    let color = match execution.side {
        Side::Buy => theme.buy,
        Side::Sell => theme.sell,
    };
    let quiet = ink(theme.dim);
    let fee = execution.fee.map_or_else(
        || Cell::new(number::UNKNOWN, ink(theme.faint)),
        |fee| {
            let amount = number::money(fee.amount, fee.currency.minor_decimals());
            Cell::new(format!("{amount} {}", fee.currency.as_str()), quiet)
        },
    );
    let quantity = if execution.quantity.is_zero() {
        // A correction took it back.
        Cell::new("void", ink(theme.warn))
    } else {
        Cell::new(number::quantity(execution.quantity), ink(theme.text))
    };
    let resting = match execution.maker {
        Some(true) => "maker",
        Some(false) => "taker",
        None => number::UNKNOWN,
    };
    let order = execution
        .order
        .map(|id| id.as_str().to_owned())
        .or_else(|| execution.broker_order.map(|id| id.as_str().to_owned()))
        .unwrap_or_else(|| number::UNKNOWN.to_owned());
    [
        Cell::new(read::when(view, execution.at), ink(theme.faint)),
        Cell::new(execution.instrument.as_str(), ink(theme.text)),
        Cell::new(execution.side.word(), bold(color)),
        quantity,
        Cell::new(
            read::price(view, execution.instrument, execution.price),
            ink(theme.text),
        ),
        fee,
        Cell::new(resting, quiet),
        Cell::new(order, ink(theme.faint)),
    ]
}

impl Pane for Executions {
    fn name(&self) -> &'static str {
        "executions"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let count: usize = view
            .state
            .ledgers
            .iter()
            .filter(|(key, _)| Some(key.0) == view.account)
            .map(|(_, ledger)| ledger.executions.len())
            .sum();
        ("EXECUTIONS".to_owned(), format!("{count} in a week"))
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let rows = rows(view);
        if rows.is_empty() {
            pen.say(&read::nothing(view, "no executions"), view.theme.dim);
            return Hits::default();
        }
        let cursor = self.cursor.position(&keys(&rows)).filter(|_| focused);
        let look = Look {
            head: view.theme.faint,
            selection: view.theme.selection,
        };
        let rows = table(&mut pen, COLUMNS, look, rows.len(), cursor, |at| {
            rows.get(at)
                .map_or_else(Default::default, |execution| cells(view, execution))
        });
        Hits { rows }
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        let keys = keys(&rows(view));
        if action == Action::Enter {
            return self.cursor.held(&keys).map(|held| vec![Wish::Select(held.0)]);
        }
        self.cursor.act(action, &keys, None).then(Vec::new)
    }

    fn click(&mut self, index: usize, view: &View<'_>) -> Vec<Wish> {
        if let Some(key) = keys(&rows(view)).get(index) {
            self.cursor.hold(*key);
        }
        Vec::new()
    }
}
