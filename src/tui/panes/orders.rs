//! Orders: what is live first, then what ended within a day, each newest first. The cursor holds an order; cancel and
//! modify act on that one and on nothing where it holds none.

use super::read;
use crate::domain::{ClientOrderId, Order, Pending, Phase, Quantity, Side, TimeInForce};
use crate::engine::Command;
use crate::tui::action::Action;
use crate::tui::pane::{Hits, Pane, View, Wish};
use crate::tui::widgets::columns::{Cell, Column, Look, table};
use crate::tui::widgets::list::Cursor;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{Pen, bold, ink};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// In what order the columns stand.
const COLUMNS: [Column; 10] = [
    Column::text("time NY", 8, 6),
    Column::text("symbol", 7, 0),
    Column::text("order", 18, 0),
    Column::text("state", 10, 0),
    Column::number("filled", 7, 1),
    Column::number("avg", 9, 4),
    Column::number("latency", 7, 5),
    Column::number("age", 7, 2),
    Column::text("reason", 12, 3),
    Column::text("at the broker", 14, 7),
];

/// The list of orders.
#[derive(Debug, Default)]
pub struct Orders {
    cursor: Cursor<ClientOrderId>,
}

impl Orders {
    /// The orders of the account on the desk.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Live orders, then ended ones, newest first.
fn rows<'a>(view: &View<'a>) -> Vec<&'a Order> {
    let mut rows: Vec<&Order> = view
        .state
        .orders
        .values()
        .filter(|order| Some(order.spec.account) == view.account)
        .collect();
    rows.sort_by(|a, b| {
        let newest = |order: &Order| (order.created_at, order.id);
        b.phase
            .is_live()
            .cmp(&a.phase.is_live())
            .then_with(|| newest(b).cmp(&newest(a)))
    });
    rows
}

fn ids(rows: &[&Order]) -> Vec<ClientOrderId> {
    rows.iter().map(|order| order.id).collect()
}

/// `BUY 50 lmt 188.42`, with what is not usual about it.
fn order_text(view: &View<'_>, order: &Order) -> String {
    let (spec, id) = (&order.spec, order.spec.instrument);
    let price = |value| read::price(view, id, value);
    let kind = spec.kind.text(price);
    let mut text = format!("{} {} {kind}", spec.side.word(), number::quantity(spec.quantity));
    if spec.tif != TimeInForce::Day {
        text.push(' ');
        text.push_str(spec.tif.word());
    }
    if spec.outside_hours {
        text.push_str(" outside");
    }
    if let Some(display) = spec.display {
        text.push_str(&format!(" show {}", number::quantity(display)));
    }
    text
}

/// The phase with what is under way.
fn state_text(view: &View<'_>, order: &Order) -> String {
    let mut text = order.phase.word().to_owned();
    match order.pending {
        Some(Pending::Cancel) => text.push_str(" · pending cancel"),
        Some(Pending::Modify { .. }) => text.push_str(" · pending modify"),
        None => {}
    }
    if order.oco.is_some() {
        text.push_str(" · oco");
    }
    if view.state.doubles.contains_key(&order.id) {
        text.push_str(" · SECOND of one");
    }
    if order.foreign {
        // Not by colour alone: cancel and change are no use here.
        text.push_str(" · other session's");
    } else if order.external {
        text.push_str(" · external");
    }
    text
}

fn state_style(view: &View<'_>, order: &Order) -> Style {
    let theme = view.theme;
    match order.phase {
        Phase::Uncertain | Phase::Lost => bold(theme.warn),
        Phase::Denied | Phase::Rejected | Phase::NotSent | Phase::Absent => ink(theme.warn),
        Phase::Working => ink(theme.text),
        Phase::Filled => ink(side_color(view, order.spec.side)),
        Phase::Created | Phase::InFlight | Phase::Held | Phase::Cancelled | Phase::Expired => ink(theme.dim),
    }
}

fn side_color(view: &View<'_>, side: Side) -> ratatui::style::Color {
    match side {
        Side::Buy => view.theme.buy,
        Side::Sell => view.theme.sell,
    }
}

/// The number it was placed under and the broker's own name for it: `#12 1834567890`.
fn names(order: &Order) -> String {
    let number = order.number.map(|number| format!("#{number}"));
    let theirs = order.broker_id.map(|id| id.to_string());
    let both: Vec<String> = number.into_iter().chain(theirs).collect();
    both.join(" ")
}

fn cells(view: &View<'_>, order: &Order) -> [Cell; 10] {
    let theme = view.theme;
    let live = order.phase.is_live();
    let quiet = ink(theme.dim);
    let side = if live {
        side_color(view, order.spec.side)
    } else {
        theme.dim
    };
    let filled = format!(
        "{}/{}",
        number::quantity(order.filled),
        number::quantity(order.spec.quantity)
    );
    let partly = order.filled > Quantity::ZERO;
    let average = order.average_price();
    let latency = order.acked_at.map_or_else(
        || number::UNKNOWN.to_owned(),
        |at| number::latency(at.since(order.created_at)),
    );
    [
        Cell::new(read::when(view, order.created_at), ink(theme.faint)),
        Cell::new(
            order.spec.instrument.as_str(),
            if live { ink(theme.text) } else { quiet },
        ),
        Cell::new(order_text(view, order), ink(side)),
        Cell::new(state_text(view, order), state_style(view, order)),
        Cell::new(filled, if partly { ink(theme.text) } else { quiet }),
        Cell::new(
            read::price_or_unknown(view, order.spec.instrument, average),
            if average.is_some() {
                ink(theme.text)
            } else {
                ink(theme.faint)
            },
        ),
        Cell::new(latency, quiet),
        Cell::new(number::age(view.now.since(order.created_at)), quiet),
        Cell::new(
            order.reason.as_ref().map_or("", |reason| reason.as_str()),
            ink(theme.dim),
        ),
        Cell::new(names(order), ink(theme.faint)),
    ]
}

impl Pane for Orders {
    fn name(&self) -> &'static str {
        "orders"
    }

    fn title(&self, view: &View<'_>) -> (String, String) {
        let rows = rows(view);
        let open = rows.iter().filter(|order| order.phase.is_live()).count();
        (
            "ORDERS".to_owned(),
            format!("open {open} · ended {}", rows.len() - open),
        )
    }

    fn render(&self, view: &View<'_>, area: Rect, focused: bool, buf: &mut Buffer) -> Hits {
        let mut pen = Pen::new(buf, area);
        let rows = rows(view);
        if rows.is_empty() {
            pen.say(&read::nothing(view, "no orders"), view.theme.dim);
            return Hits::default();
        }
        let cursor = self.cursor.position(&ids(&rows)).filter(|_| focused);
        let look = Look {
            head: view.theme.faint,
            selection: view.theme.selection,
        };
        let rows = table(&mut pen, COLUMNS, look, rows.len(), cursor, |at| {
            rows.get(at)
                .map_or_else(Default::default, |order| cells(view, order))
        });
        Hits { rows }
    }

    fn act(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        let rows = rows(view);
        let ids = ids(&rows);
        let held = self.cursor.position(&ids).and_then(|at| rows.get(at).copied());
        let say = |words: &str| Some(vec![Wish::Say(words.to_owned())]);
        match (action, held) {
            (Action::Cancel | Action::Modify, None) => {
                say("no order is selected: choose one with up and down")
            }
            (Action::Cancel | Action::Modify, Some(order)) if !order.phase.is_live() => {
                say(&format!("this order has ended: {}", order.phase.word()))
            }
            (Action::Cancel | Action::Modify, Some(order)) if order.foreign => say(&format!(
                "another session of {} made this order: cancel or change it where it was made",
                order.spec.account.broker
            )),
            (Action::Cancel, Some(order)) => {
                Some(vec![Wish::Send(Box::new(Command::Cancel { id: order.id }))])
            }
            (Action::Modify, Some(order)) => Some(vec![Wish::Edit(order.id)]),
            (Action::Enter, Some(order)) => Some(vec![Wish::Select(order.spec.instrument)]),
            // Nothing to drop is somebody else's business.
            (Action::Escape, Some(_)) => {
                self.cursor.release();
                Some(Vec::new())
            }
            _ => self.cursor.act(action, &ids, None).then(Vec::new),
        }
    }

    fn click(&mut self, index: usize, view: &View<'_>) -> Vec<Wish> {
        if let Some(order) = rows(view).get(index) {
            self.cursor.hold(order.id);
        }
        Vec::new()
    }
}
