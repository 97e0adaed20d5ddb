//! What has a line or a mark on a chart: the average price of the position, working orders, prices that alerts wait for,
//! and executions where they happened.

use super::columns::{Column, column_of};
use crate::domain::{Phase, Price, Side};
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
    /// It tells of an order or a position, which nobody else may read.
    pub is_ours: bool,
}

/// The prices that alerts on the chart's instrument wait for, each with the alert's number.
fn alerts(view: &View<'_>) -> Vec<(Price, String)> {
    let wait = view
        .instrument
        .map_or_else(Vec::new, |id| crate::engine::alerts::levels(view.state, id));
    wait.into_iter()
        .map(|(id, price)| (price, format!("alert {id}")))
        .collect()
}

/// Lines at prices that alerts wait for.
pub fn levels(view: &View<'_>, prices: impl IntoIterator<Item = (Price, String)>) -> Vec<Line> {
    let line = |(price, word): (Price, String)| Line {
        price,
        label: format!("◆ {word}").trim_end().to_owned(),
        color: view.theme.warn,
        is_ours: false,
    };
    prices.into_iter().map(line).collect()
}

/// The lines of the working orders on the desk, of the position and of alerts, in this order: the first wins a shared row.
pub fn lines(view: &View<'_>) -> Vec<Line> {
    let waited_for = levels(view, alerts(view));
    let (Some(account), Some(id)) = (view.account, view.instrument) else {
        return waited_for;
    };
    let mut lines: Vec<Line> = view
        .state
        .live_orders(account, id)
        // What is parked is on no market.
        .filter(|order| order.phase != Phase::Parked)
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
            Some(Line {
                price,
                label,
                color,
                is_ours: true,
            })
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
            is_ours: true,
        });
    }
    lines.extend(waited_for);
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
