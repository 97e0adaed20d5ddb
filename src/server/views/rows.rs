//! The rows that programs see, as types: what the document of the port says of them is made from these. Numbers are
//! decimal text, times RFC 3339 in UTC, unknown is null. Names are added to, never changed.

use crate::domain::{Execution, Order, OrderKind, Pending, TimeInForce, Timestamp};
use crate::market::{Print, Quote};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

pub(crate) fn text(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

pub(crate) fn side(side: crate::domain::Side) -> &'static str {
    match side {
        crate::domain::Side::Buy => "buy",
        crate::domain::Side::Sell => "sell",
    }
}

/// A word that a type is stored as, such as a phase.
pub(crate) fn word(value: impl Serialize) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => Some(text),
        _ => None,
    }
}

/// An order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderRow {
    /// Its broker.
    pub broker: String,
    /// Its account there.
    pub account: String,
    /// Made by the asker; the same id again is the same order.
    #[schema(example = "TW01KB2QW5ZC3V6M8N0P4R7T9XYA")]
    pub client_order_id: String,
    /// The broker's durable name of it.
    pub broker_order_id: Option<String>,
    /// The instrument.
    #[schema(example = "AAPL")]
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: String,
    /// How much in all.
    #[schema(example = "100")]
    pub quantity: String,
    /// How much of it is executed.
    pub filled: String,
    /// Its limit.
    #[schema(example = "189.5")]
    pub price: Option<String>,
    /// The price that wakes it.
    pub trigger: Option<String>,
    /// How far a trailing stop trails: `0.5` or `2.5%`.
    pub distance: Option<String>,
    /// How far the limit of a trailing stop lies beyond its trigger.
    pub offset: Option<String>,
    /// The average price of what is executed.
    pub average_price: Option<String>,
    /// `mkt`, `lmt`, `stp`, `stp lmt`, `trail`, `trail lmt`, `moc`, `loc`, `mid`.
    pub r#type: String,
    /// `day`, `gtc`, `ioc`, `fok`, `gtd`, `opg`.
    pub tif: String,
    /// When it expires, for `gtd`.
    pub until: Option<String>,
    /// It may also trade outside the regular session.
    pub outside_hours: bool,
    /// How far it has come: `created`, `denied`, `in_flight`, `uncertain`, `held`, `working`, `filled`, `cancelled`,
    /// `expired`, `rejected`, `not_sent`, `absent`, `lost`, `parked` (the broker is away, and it never left).
    pub phase: Option<String>,
    /// `cancel` or `modify`, while the broker has not answered that.
    pub pending: Option<String>,
    /// Why it is as it is, in words.
    pub reason: Option<String>,
    /// The entry that it closes.
    pub parent: Option<String>,
    /// The order that had to fill before it could leave.
    pub after: Option<String>,
    /// It was made elsewhere.
    pub external: bool,
    /// When it was recorded.
    pub created_at: Option<String>,
    /// When it left.
    pub sent_at: Option<String>,
    /// When the broker first answered.
    pub acknowledged_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
}

impl From<&Order> for OrderRow {
    fn from(order: &Order) -> Self {
        let spec = &order.spec;
        let distance = spec.kind.distance();
        Self {
            broker: spec.account.broker.to_string(),
            account: spec.account.account.to_string(),
            client_order_id: order.id.to_string(),
            broker_order_id: text(order.broker_id),
            symbol: spec.instrument.to_string(),
            side: side(spec.side).to_owned(),
            quantity: spec.quantity.to_string(),
            filled: order.filled.to_string(),
            price: text(spec.kind.limit()),
            trigger: text(spec.kind.trigger()),
            distance: distance.map(|distance| distance.text(|amount| amount.to_string())),
            offset: match spec.kind {
                OrderKind::TrailLimit { offset, .. } => Some(offset.to_string()),
                _ => None,
            },
            average_price: text(order.average_price()),
            r#type: spec.kind.word().to_owned(),
            tif: spec.tif.word().to_owned(),
            until: match spec.tif {
                TimeInForce::Gtd { until } => time(Some(until)),
                _ => None,
            },
            outside_hours: spec.outside_hours,
            phase: word(order.phase),
            pending: order.pending.map(|pending| match pending {
                Pending::Cancel => "cancel".to_owned(),
                Pending::Modify { .. } => "modify".to_owned(),
            }),
            reason: text(order.reason.as_ref()),
            parent: text(spec.parent),
            after: text(order.after),
            external: order.external,
            created_at: time(Some(order.created_at)),
            sent_at: time(order.sent_at),
            acknowledged_at: time(order.acked_at),
            ended_at: time(order.ended_at),
        }
    }
}

/// An execution.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExecutionRow {
    /// Its broker.
    pub broker: String,
    /// Its account there.
    pub account: String,
    /// Our order, where the report names it.
    pub client_order_id: Option<String>,
    /// The broker's durable name of the order.
    pub broker_order_id: Option<String>,
    /// The part of its id that corrections share.
    pub execution_id: String,
    /// 1 for the first report, higher for corrections.
    pub revision: u32,
    /// The instrument.
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: String,
    /// How much; zero where it was taken back.
    pub quantity: String,
    /// At what price.
    pub price: String,
    /// What it cost; null until that is known.
    pub fee: Option<String>,
    /// The fee's currency.
    pub currency: Option<String>,
    /// When, by the venue's clock.
    pub at: Option<String>,
}

impl From<&Execution> for ExecutionRow {
    fn from(execution: &Execution) -> Self {
        Self {
            broker: execution.account.broker.to_string(),
            account: execution.account.account.to_string(),
            client_order_id: text(execution.order),
            broker_order_id: text(execution.broker_order),
            execution_id: execution.id.base.to_string(),
            revision: execution.id.revision,
            symbol: execution.instrument.to_string(),
            side: side(execution.side).to_owned(),
            quantity: execution.quantity.to_string(),
            price: execution.price.to_string(),
            fee: text(execution.fee.map(|fee| fee.amount)),
            currency: text(execution.fee.map(|fee| fee.currency)),
            at: time(Some(execution.at)),
        }
    }
}

/// A position.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PositionRow {
    /// Its broker.
    pub broker: String,
    /// Its account there.
    pub account: String,
    /// The instrument.
    pub symbol: String,
    /// How much is held; negative for a short.
    pub quantity: String,
    /// What it cost on average.
    pub average_price: Option<String>,
    /// What it is valued at.
    pub market_price: Option<String>,
    /// Realised profit, fees not taken off.
    pub realized_pnl: String,
    /// Profit of what is held, at its mark.
    pub unrealized_pnl: Option<String>,
    /// Fees so far as they are known.
    pub fees: String,
    /// What all of these are in.
    pub currency: Option<String>,
    /// How much of it working protective stops cover.
    pub protected: String,
    /// Since when it is held.
    pub since: Option<String>,
}

/// The best prices.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct QuoteRow {
    /// The instrument.
    pub symbol: String,
    /// The best bid.
    pub bid: Option<String>,
    /// What is bid there.
    pub bid_size: Option<String>,
    /// The best offer.
    pub ask: Option<String>,
    /// What is offered there.
    pub ask_size: Option<String>,
    /// When, by its source's clock.
    pub at: Option<String>,
    /// How good the data are.
    pub quality: Option<String>,
}

impl From<&Quote> for QuoteRow {
    fn from(quote: &Quote) -> Self {
        Self {
            symbol: quote.instrument.to_string(),
            bid: text(quote.bid.map(|side| side.0)),
            bid_size: text(quote.bid.map(|side| side.1)),
            ask: text(quote.ask.map(|side| side.0)),
            ask_size: text(quote.ask.map(|side| side.1)),
            at: time(Some(quote.at)),
            quality: word(quote.quality),
        }
    }
}

/// A trade of the market.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PrintRow {
    /// The instrument.
    pub symbol: String,
    /// Ascending within the instrument.
    pub number: u64,
    /// At what price.
    pub price: String,
    /// How much.
    pub size: String,
    /// Who came to whom, where that is known: `buy` or `sell`.
    pub aggressor: Option<String>,
    /// When, by its source's clock.
    pub at: Option<String>,
}

impl From<&Print> for PrintRow {
    fn from(print: &Print) -> Self {
        Self {
            symbol: print.instrument.to_string(),
            number: print.number,
            price: print.price.to_string(),
            size: print.size.to_string(),
            aggressor: print.aggressor.map(|aggressor| side(aggressor).to_owned()),
            at: time(Some(print.at)),
        }
    }
}
