//! What a command would do, as a line of text: side, quantity, price, worth, the position after it, what is lost at the
//! stop, who holds the bracket, and why it would be refused. The numbers are the engine's own preview of the same
//! command on the same state, so that the line can't promise what the engine refuses.

use super::pane::View;
use super::widgets::number;
use crate::domain::{OrderKind, Price, Quantity, Side};
use crate::engine::preview::{Preview, preview};
use crate::engine::{Command, Denial, Legs};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

/// What a command would do.
#[derive(Clone, Debug, Default)]
pub struct Forecast {
    /// In words and numbers, most important first; what does not fit at the end may be cut.
    pub spans: Vec<Span<'static>>,
    /// Why it would be refused.
    pub denial: Option<Denial>,
}

/// A span of one colour.
pub fn span(text: impl Into<String>, colour: Color) -> Span<'static> {
    Span::styled(text.into(), Style::new().fg(colour))
}

/// A span of one colour, bold.
pub fn bold(text: impl Into<String>, colour: Color) -> Span<'static> {
    Span::styled(text.into(), Style::new().fg(colour).add_modifier(Modifier::BOLD))
}

/// Looks ahead.
pub fn forecast(command: &Command, view: &View<'_>) -> Forecast {
    match preview(view.state, view.market, command, view.now) {
        Err(denial) => Forecast {
            spans: Vec::new(),
            denial: Some(denial),
        },
        Ok(None) => Forecast {
            spans: plain(command, view),
            denial: None,
        },
        Ok(Some(preview)) => {
            let legs = match command {
                Command::Submit { legs, .. } => *legs,
                _ => Legs::default(),
            };
            Forecast {
                spans: order(&preview, legs, view),
                denial: preview.denial,
            }
        }
    }
}

/// The order a command places, and what follows from it.
fn order(preview: &Preview, legs: Legs, view: &View<'_>) -> Vec<Span<'static>> {
    let (theme, spec) = (view.theme, &preview.spec);
    let side = if spec.side == Side::Buy {
        theme.buy
    } else {
        theme.sell
    };
    let show = |price: Price| {
        let instrument = view.state.instruments.get(&spec.instrument);
        instrument.map_or(price.to_string(), |i| number::price(price, i.decimals_at(price)))
    };
    let outside = if spec.outside_hours { " outside" } else { "" };
    let mut spans = vec![
        bold(spec.side.word(), side),
        span(
            format!(" {} {} ", number::quantity(spec.quantity), spec.instrument),
            theme.bright,
        ),
        span(kind(spec.kind, preview.price, &show), theme.text),
        span(format!(" {}{outside}", spec.tif.word()), theme.dim),
    ];
    if let (Some(value), Some(currency)) = (preview.value, preview.currency) {
        spans.push(span(
            view.ours(format!(
                "  {} {currency}",
                number::money(value, currency.minor_decimals())
            )),
            theme.text,
        ));
    }
    let (before, after) = preview.position;
    spans.push(span(
        view.ours(format!("  pos {} → ", number::quantity_signed(before))),
        theme.dim,
    ));
    spans.push(span(
        view.ours(number::quantity_signed(after)),
        signed(after, view),
    ));
    if let Some(risk) = preview.risk {
        let decimals = preview.currency.map_or(2, |currency| currency.minor_decimals());
        spans.push(span(
            view.ours(format!("  risk {}", number::money(risk, decimals))),
            theme.warn,
        ));
    }
    if let Some(stop) = legs.stop {
        spans.push(span(format!("  stop {}", show(stop)), theme.down));
    }
    if let Some(target) = legs.target {
        spans.push(span(format!("  target {}", show(target)), theme.up));
    }
    if let Some(other) = &preview.pair {
        spans.push(span(format!("  oco {other}"), theme.text));
    }
    if preview.pair.is_some() || !legs.is_empty() {
        let holder = if preview.held_by_engine {
            "held by the engine"
        } else {
            "held by the broker"
        };
        spans.push(span(format!("  {holder}"), theme.dim));
    }
    if let (Some(part), OrderKind::Limit { .. }) = (spec.display, spec.kind) {
        spans.push(span(format!("  shows {}", number::quantity(part)), theme.dim));
    }
    spans
}

fn signed(quantity: Quantity, view: &View<'_>) -> Color {
    match quantity.raw().signum() {
        1 => view.theme.up,
        -1 => view.theme.down,
        _ => view.theme.text,
    }
}

fn kind(kind: OrderKind, counted_at: Option<Price>, show: &dyn Fn(Price) -> String) -> String {
    match (kind, counted_at) {
        (OrderKind::Market, Some(price)) => format!("mkt, now {}", show(price)),
        (OrderKind::Market, None) => "mkt, no price now".to_owned(),
        (OrderKind::Limit { price }, _) => format!("@ {}", show(price)),
        (OrderKind::MarketOnClose, Some(price)) => format!("moc, now {}", show(price)),
        (kind, _) => kind.text(show),
    }
}

/// Commands that place nothing, in words.
fn plain(command: &Command, view: &View<'_>) -> Vec<Span<'static>> {
    let theme = view.theme;
    match command {
        Command::CancelAll {
            instrument,
            stops_too,
            ..
        } => {
            let what = instrument.map_or("every order of the account".to_owned(), |id| {
                format!("every order on {id}")
            });
            let stops = if *stops_too {
                "protective stops too"
            } else {
                "protective stops stay"
            };
            vec![
                bold("CANCEL ", theme.bright),
                span(what, theme.text),
                span(format!("  {stops}"), theme.dim),
            ]
        }
        Command::SubmitPair {
            first_spec,
            second_spec,
            ..
        } => vec![
            bold("PAIR ", theme.bright),
            span(format!("{first_spec}  or  {second_spec}"), theme.text),
            span("  one shrinks as the other fills", theme.dim),
        ],
        Command::Flatten { instrument, .. } => vec![
            bold("FLATTEN ", theme.bright),
            span(
                format!("{instrument}: cancel its orders, then close the position at the market"),
                theme.text,
            ),
        ],
        Command::Modify { id, change } => modify(*id, *change, view),
        _ => Vec::new(),
    }
}

fn modify(
    id: crate::domain::ClientOrderId,
    change: crate::domain::OrderChange,
    view: &View<'_>,
) -> Vec<Span<'static>> {
    let theme = view.theme;
    let Some(order) = view.state.orders.get(&id) else {
        return vec![span("the order is gone", theme.warn)];
    };
    let show = |price: Price| {
        let instrument = view.state.instruments.get(&order.spec.instrument);
        instrument.map_or(price.to_string(), |i| number::price(price, i.decimals_at(price)))
    };
    let side = if order.spec.side == Side::Buy {
        theme.buy
    } else {
        theme.sell
    };
    let mut spans = vec![
        bold("CHANGE ", theme.bright),
        span(format!("{} ", order.spec.side.word()), side),
        span(
            format!(
                "{} {} ",
                number::quantity(order.spec.quantity),
                order.spec.instrument
            ),
            theme.text,
        ),
        span(kind(order.spec.kind, None, &show), theme.dim),
        span(" → ", theme.dim),
    ];
    let quantity = change.quantity.unwrap_or(order.spec.quantity);
    spans.push(span(format!("{} ", number::quantity(quantity)), theme.bright));
    spans.push(span(
        kind(change.applied_to(order.spec.kind), None, &show),
        theme.bright,
    ));
    if !order.filled.is_zero() {
        spans.push(span(
            format!("  {} filled already", number::quantity(order.filled)),
            theme.warn,
        ));
    }
    spans
}
