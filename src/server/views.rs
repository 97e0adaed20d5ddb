//! What programs see: orders, executions, positions and status as JSON, projected from the state. Numbers are decimal
//! strings, times are RFC 3339 in UTC, unknown is null. The names are an interface: they are added to, never changed.

use crate::domain::{AccountKey, Execution, Instrument, InstrumentId, Money, Order, Price, Timestamp};
use crate::engine::State;
use crate::market::{Market, Print, Quote};
use crate::wire::StatusReply;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Marks for positions: halfway between bid and ask held to the last trade.
#[derive(Debug, Default)]
pub struct Marks(BTreeMap<InstrumentId, Price>);

impl Marks {
    /// From quotes and last prints: the last trade where it lies within the quote, else the nearer side.
    pub fn new(quotes: &[Quote], prints: &[Print]) -> Self {
        let mut marks: BTreeMap<InstrumentId, Price> = prints
            .iter()
            .map(|print| (print.instrument, print.price))
            .collect();
        for quote in quotes {
            let last = marks.get(&quote.instrument).copied();
            let (bid, ask) = (quote.bid.map(|level| level.0), quote.ask.map(|level| level.0));
            let mark = match (last, bid, ask) {
                (Some(last), bid, ask) => Some(last.max(bid.unwrap_or(last)).min(ask.unwrap_or(last))),
                (None, Some(_), Some(_)) => quote.mid(),
                (None, bid, ask) => bid.or(ask),
            };
            if let Some(mark) = mark {
                marks.insert(quote.instrument, mark);
            }
        }
        Self(marks)
    }
    fn of(&self, id: InstrumentId) -> Option<Price> {
        self.0.get(&id).copied()
    }
}

fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| json!(at.to_string()))
}

fn text(value: Option<impl ToString>) -> Value {
    value.map_or(Value::Null, |value| json!(value.to_string()))
}

fn side(side: crate::domain::Side) -> &'static str {
    match side {
        crate::domain::Side::Buy => "buy",
        crate::domain::Side::Sell => "sell",
    }
}

/// One order.
pub fn order(order: &Order) -> Value {
    let spec = &order.spec;
    json!({
        "broker": spec.account.broker.as_str(),
        "account": spec.account.account.as_str(),
        "client_order_id": order.id.as_str(),
        "broker_order_id": text(order.broker_id),
        "symbol": spec.instrument.as_str(),
        "side": side(spec.side),
        "quantity": spec.quantity.to_string(),
        "filled": order.filled.to_string(),
        "price": text(spec.kind.limit()),
        "trigger": text(spec.kind.trigger()),
        "distance": text(spec.kind.distance().map(|distance| distance.text(|amount| amount.to_string()))),
        "offset": text(match spec.kind {
            crate::domain::OrderKind::TrailLimit { offset, .. } => Some(offset),
            _ => None,
        }),
        "average_price": text(order.average_price()),
        "type": spec.kind.word(),
        "tif": spec.tif.word(),
        "until": match spec.tif {
            crate::domain::TimeInForce::Gtd { until } => time(Some(until)),
            _ => Value::Null,
        },
        "outside_hours": spec.outside_hours,
        "phase": serde_json::to_value(order.phase).unwrap_or(Value::Null),
        "pending": order.pending.map(|pending| match pending {
            crate::domain::Pending::Cancel => "cancel",
            crate::domain::Pending::Modify { .. } => "modify",
        }),
        "reason": text(order.reason.as_ref()),
        "parent": text(spec.parent),
        "external": order.external,
        "created_at": time(Some(order.created_at)),
        "sent_at": time(order.sent_at),
        "acknowledged_at": time(order.acked_at),
        "ended_at": time(order.ended_at),
    })
}

/// One execution.
pub fn execution(execution: &Execution) -> Value {
    json!({
        "broker": execution.account.broker.as_str(),
        "account": execution.account.account.as_str(),
        "client_order_id": text(execution.order),
        "broker_order_id": text(execution.broker_order),
        "execution_id": execution.id.base.as_str(),
        "revision": execution.id.revision,
        "symbol": execution.instrument.as_str(),
        "side": side(execution.side),
        "quantity": execution.quantity.to_string(),
        "price": execution.price.to_string(),
        "fee": text(execution.fee.map(|fee| fee.amount)),
        "currency": text(execution.fee.map(|fee| fee.currency)),
        "at": time(Some(execution.at)),
    })
}

/// Every position that is held or was closed with a result.
pub fn positions(state: &State, marks: &Marks) -> Vec<Value> {
    let mut rows = Vec::new();
    for ((account, id), ledger) in &state.ledgers {
        let (position, instrument) = (&ledger.position, state.instruments.get(id));
        if position.quantity.is_zero() && ledger.executions.is_empty() {
            continue;
        }
        let mark = marks.of(*id);
        let unrealized = if position.quantity.is_zero() {
            Some(Money::ZERO)
        } else {
            mark.and_then(|mark| position.unrealized(mark, ledger.multiplier))
        };
        let decimals = instrument.map_or(2, |i| i.currency.minor_decimals());
        let money = |money: Money| format!("{:.*}", decimals as usize, money.round_to(decimals));
        rows.push(json!({
            "broker": account.broker.as_str(),
            "account": account.account.as_str(),
            "symbol": id.as_str(),
            "quantity": position.quantity.to_string(),
            "average_price": text(position.average_price(ledger.multiplier)),
            "market_price": text(mark),
            "realized_pnl": money(position.realized),
            "unrealized_pnl": unrealized.map(money),
            "fees": money(position.fees),
            "currency": text(instrument.map(|i: &Instrument| i.currency)),
            "protected": state.protected(*account, *id).to_string(),
            "since": time(ledger.opened_at),
        }));
    }
    rows
}

/// Positions of the accounts that `sees` lets through, marked at what the market says.
pub fn seen_positions(state: &State, market: &Market, sees: impl Fn(AccountKey) -> bool) -> Vec<Value> {
    let ids = state.ledgers.keys().map(|(_, id)| *id);
    let quotes: Vec<Quote> = ids.clone().filter_map(|id| market.quote(id).copied()).collect();
    let prints: Vec<Print> = ids.filter_map(|id| market.last(id).copied()).collect();
    let seen: Vec<(&str, &str)> = state
        .accounts
        .keys()
        .filter(|key| sees(**key))
        .map(|key| (key.broker.as_str(), key.account.as_str()))
        .collect();
    let mut rows = positions(state, &Marks::new(&quotes, &prints));
    rows.retain(|row| {
        let named = |key: &str| row[key].as_str().unwrap_or("");
        seen.contains(&(named("broker"), named("account")))
    });
    rows
}

/// One quote.
pub fn quote(quote: &Quote) -> Value {
    json!({
        "symbol": quote.instrument.as_str(),
        "bid": text(quote.bid.map(|side| side.0)),
        "bid_size": text(quote.bid.map(|side| side.1)),
        "ask": text(quote.ask.map(|side| side.0)),
        "ask_size": text(quote.ask.map(|side| side.1)),
        "at": time(Some(quote.at)),
        "quality": serde_json::to_value(quote.quality).unwrap_or(Value::Null),
    })
}

/// One print.
pub fn print(print: &Print) -> Value {
    json!({
        "symbol": print.instrument.as_str(),
        "number": print.number,
        "price": print.price.to_string(),
        "size": print.size.to_string(),
        "aggressor": print.aggressor.map(side),
        "at": time(Some(print.at)),
    })
}

/// All orders, the newest first.
pub fn orders(state: &State) -> Vec<&Order> {
    let mut orders: Vec<&Order> = state.orders.values().collect();
    orders.sort_by_key(|order| std::cmp::Reverse((order.phase.is_live(), order.created_at, order.id)));
    orders
}

/// All executions that the state remembers, the newest first.
pub fn executions(state: &State) -> Vec<&Execution> {
    let mut all: Vec<&Execution> = state
        .ledgers
        .values()
        .flat_map(|ledger| &ledger.executions)
        .collect();
    all.sort_by_key(|execution| std::cmp::Reverse((execution.at, execution.id)));
    all
}

/// What the engine says of itself.
pub fn status(status: &StatusReply, state: &State) -> Value {
    let links: Vec<Value> = state
        .links
        .iter()
        .map(|(broker, link)| {
            let accounts: Vec<&str> =
                state.accounts.keys().filter(|key| key.broker == *broker).map(|key| key.account.as_str()).collect();
            json!({"broker": broker.as_str(), "accounts": accounts, "state": link.state.word(), "reason": text(link.reason.as_ref()), "since": time(Some(link.since))})
        })
        .collect();
    let trading: Vec<Value> = state
        .accounts
        .iter()
        .map(|(key, account)| {
            json!({"broker": key.broker.as_str(), "account": key.account.as_str(), "state": account.trading.word().to_lowercase(),
                   "class": account.account.class.word().to_lowercase(), "reason": text(account.trading_reason.as_ref())})
        })
        .collect();
    let settings: Vec<Value> =
        status.settings.iter().map(|(key, value, source)| json!({"key": key.as_str(), "value": value.as_str(), "source": source.as_str()})).collect();
    let digest: String = state.digest().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "pid": status.pid,
        "profile": status.profile.as_str(),
        "build": status.build.as_str(),
        "sequence": status.sequence,
        "uptime_s": status.uptime_s,
        "clients": status.clients,
        "links": links,
        "trading": trading,
        "settings": settings,
        "state_digest": digest,
    })
}
