//! What is ours on a chart: the average price of the position, working orders, and executions where they happened.

use super::columns::{Column, column_of};
use crate::domain::{Price, Side};
use crate::tui::pane::View;
use crate::tui::widgets::number;
use ratatui::style::Color;

/// A price with a line of its own.
#[derive(Clone, Debug)]
pub struct Line {
    /// Where.
    pub price: Price,
    /// What it says.
    pub label: String,
    /// In which colour.
    pub color: Color,
}

/// The lines of the position and the working orders on the desk, the position last, so that orders win a shared row.
pub fn lines(view: &View<'_>) -> Vec<Line> {
    let (Some(account), Some(id)) = (view.account, view.instrument) else {
        return Vec::new();
    };
    let mut lines: Vec<Line> = view
        .state
        .live_orders(account, id)
        .filter_map(|order| {
            let price = order.spec.kind.trigger().or(order.spec.kind.limit())?;
            let (letter, color) = match order.spec.side {
                Side::Buy => ('B', view.theme.buy),
                Side::Sell => ('S', view.theme.sell),
            };
            let label = format!(
                "◂ {letter} {} {}",
                number::quantity(order.leaves()),
                order.spec.kind.word()
            );
            let label = view.ours(label);
            Some(Line { price, label, color })
        })
        .collect();
    if let Some(ledger) = view.state.ledgers.get(&(account, id))
        && let Some(price) = ledger.position.average_price(ledger.multiplier)
    {
        lines.push(Line {
            price,
            label: view.ours(format!(
                "avg {}",
                number::quantity_signed(ledger.position.quantity)
            )),
            color: view.theme.position,
        });
    }
    lines
}

/// Executions in the columns where they happened.
pub fn executions(view: &View<'_>, columns: &[Column]) -> Vec<(usize, Side)> {
    let (Some(account), Some(id)) = (view.account, view.instrument) else {
        return Vec::new();
    };
    let Some(ledger) = view.state.ledgers.get(&(account, id)) else {
        return Vec::new();
    };
    let mut marks: Vec<(usize, Side)> = ledger
        .executions
        .iter()
        .filter(|execution| execution.quantity.is_positive())
        .filter_map(|execution| Some((column_of(columns, execution.at)?, execution.side)))
        .collect();
    marks.sort_unstable();
    marks.dedup();
    marks
}
