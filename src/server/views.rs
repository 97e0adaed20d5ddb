//! What programs see: orders, executions, positions and status as JSON, projected from the state. Numbers are decimal
//! strings, times are RFC 3339 in UTC, unknown is null. The names are an interface: they are added to, never changed.

pub mod figures;
pub mod limits;
pub mod notice;
pub mod rows;

use crate::domain::{AccountKey, Execution, Instrument, InstrumentId, Money, Order, Price, Timestamp};
use crate::engine::State;
use crate::market::{Market, Print, Quote};
use crate::wire::StatusReply;
use rows::{ExecutionRow, OrderRow, PositionRow, PrintRow, QuoteRow};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A volume, which is kept in hundred-millionths.
pub fn volume(raw: i128) -> String {
    let (whole, part) = (raw / 100_000_000, raw % 100_000_000);
    if part == 0 {
        return whole.to_string();
    }
    format!("{whole}.{part:08}").trim_end_matches('0').to_owned()
}

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

/// One order.
pub fn order(order: &Order) -> Value {
    json!(OrderRow::from(order))
}

/// One execution.
pub fn execution(execution: &Execution) -> Value {
    json!(ExecutionRow::from(execution))
}

/// Every position that is held or was closed with a result.
pub fn positions(state: &State, marks: &Marks) -> Vec<Value> {
    position_rows(state, marks)
        .into_iter()
        .map(|row| json!(row))
        .collect()
}

/// The same, as rows.
pub fn position_rows(state: &State, marks: &Marks) -> Vec<PositionRow> {
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
        rows.push(PositionRow {
            broker: account.broker.to_string(),
            account: account.account.to_string(),
            symbol: id.to_string(),
            quantity: position.quantity.to_string(),
            average_price: rows::text(position.average_price(ledger.multiplier)),
            market_price: rows::text(mark),
            realized_pnl: money(position.realized),
            unrealized_pnl: unrealized.map(money),
            fees: money(position.fees),
            currency: rows::text(instrument.map(|i: &Instrument| i.currency)),
            protected: state.protected(*account, *id).to_string(),
            since: rows::time(ledger.opened_at),
        });
    }
    rows
}

/// Positions of the accounts that `sees` lets through, marked at what the market says.
pub fn seen_positions(state: &State, market: &Market, sees: impl Fn(AccountKey) -> bool) -> Vec<Value> {
    let rows = seen_position_rows(state, market, sees);
    rows.into_iter().map(|row| json!(row)).collect()
}

/// The same, as rows.
pub fn seen_position_rows(
    state: &State,
    market: &Market,
    sees: impl Fn(AccountKey) -> bool,
) -> Vec<PositionRow> {
    let ids = state.ledgers.keys().map(|(_, id)| *id);
    let quotes: Vec<Quote> = ids.clone().filter_map(|id| market.quote(id).copied()).collect();
    let prints: Vec<Print> = ids.filter_map(|id| market.last(id).copied()).collect();
    let seen: Vec<(&str, &str)> = state
        .accounts
        .keys()
        .filter(|key| sees(**key))
        .map(|key| (key.broker.as_str(), key.account.as_str()))
        .collect();
    let mut rows = position_rows(state, &Marks::new(&quotes, &prints));
    rows.retain(|row| seen.contains(&(row.broker.as_str(), row.account.as_str())));
    rows
}

/// One quote.
pub fn quote(quote: &Quote) -> Value {
    json!(QuoteRow::from(quote))
}

/// One print.
pub fn print(print: &Print) -> Value {
    json!(PrintRow::from(print))
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
