//! What a topic is: which rows it has, which of them something told by the engine changes, and who may see them. A row is
//! named, so that a change that is not yet sent is replaced by the next of the same name. Facts are not lost by that: an
//! order's row holds all that its facts made of it, and each execution has a row of its own.

use super::super::replica::Known;
use super::super::routes::unready;
use super::summary;
use crate::domain::{AccountId, AccountKey, ClientOrderId, InstrumentId, Timestamp};
use crate::engine::Event;
use crate::market::Timeframe;
use crate::server::handle::Told;
use crate::server::views;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The topics there are.
pub(super) const ALL: &[&str] = &[
    "quotes",
    "prints",
    "bars",
    "indicators",
    "depth",
    "orders",
    "executions",
    "positions",
    "pnl",
    "risk",
    "alerts",
    "notifications",
    "dashboard",
    "system",
];

/// Bars of one instrument in a snapshot; REST has the rest.
pub(super) const BARS: usize = 500;

/// Which topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Quotes,
    Prints,
    Bars,
    Indicators,
    Depth,
    Orders,
    Executions,
    Positions,
    Pnl,
    Risk,
    Alerts,
    Notifications,
    Dashboard,
    System,
}

/// The name of a row within its topic.
pub(super) type Name = String;

/// Rows with their names, in the order in which they are told.
pub(super) type Rows = Vec<(Name, Value)>;

/// Whose accounts are seen; nothing means all.
pub(super) type Sight = Option<BTreeSet<AccountId>>;

/// What a client may say of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Params {
    /// Of which instruments; empty means all.
    pub symbols: Symbols,
    /// Of bars of which length.
    pub timeframe: Option<Timeframe>,
    /// Which indicators, in words that can be read.
    pub studies: Vec<String>,
}

impl Kind {
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "quotes" => Self::Quotes,
            "prints" => Self::Prints,
            "bars" => Self::Bars,
            "indicators" => Self::Indicators,
            "depth" => Self::Depth,
            "pnl" => Self::Pnl,
            "risk" => Self::Risk,
            "alerts" => Self::Alerts,
            "notifications" => Self::Notifications,
            "dashboard" => Self::Dashboard,
            "orders" => Self::Orders,
            "executions" => Self::Executions,
            "positions" => Self::Positions,
            "system" => Self::System,
            _ => return None,
        })
    }
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Quotes => "quotes",
            Self::Prints => "prints",
            Self::Bars => "bars",
            Self::Indicators => "indicators",
            Self::Depth => "depth",
            Self::Pnl => "pnl",
            Self::Risk => "risk",
            Self::Alerts => "alerts",
            Self::Notifications => "notifications",
            Self::Dashboard => "dashboard",
            Self::Orders => "orders",
            Self::Executions => "executions",
            Self::Positions => "positions",
            Self::System => "system",
        }
    }
    /// True where an update must never be left out.
    pub(super) fn is_fact(self) -> bool {
        matches!(
            self,
            Self::Orders | Self::Executions | Self::Positions | Self::Notifications | Self::System
        )
    }
    /// True where it is the market that moves it, and each move counts.
    pub(super) fn is_market(self) -> bool {
        matches!(self, Self::Quotes | Self::Prints | Self::Depth | Self::Bars)
    }
    /// True where its rows sum things up: they are made when their time has come, and told where they differ.
    pub(super) fn is_summary(self) -> bool {
        matches!(
            self,
            Self::Pnl | Self::Risk | Self::Alerts | Self::Dashboard | Self::Indicators
        )
    }
    /// True where it has to be said of which instruments.
    pub(super) fn wants_symbols(self) -> bool {
        matches!(self, Self::Bars | Self::Indicators | Self::Depth)
    }
    /// True where its rows belong to accounts.
    pub(super) fn shows_accounts(self) -> bool {
        !matches!(
            self,
            Self::Quotes | Self::Prints | Self::Bars | Self::Indicators | Self::Depth | Self::System
        )
    }
}

fn sees(sight: &Sight, account: AccountKey) -> bool {
    sight
        .as_ref()
        .is_none_or(|accounts| accounts.contains(&account.account))
}

/// Which instruments; empty means all.
pub(in super::super) type Symbols = BTreeSet<InstrumentId>;

fn wanted(symbols: &Symbols, id: InstrumentId) -> bool {
    symbols.is_empty() || symbols.contains(&id)
}

/// All rows of a topic as they are.
pub(super) fn all(kind: Kind, params: &Params, known: &Known, sight: &Sight, now: Timestamp) -> Rows {
    let (state, symbols) = (&known.state, &params.symbols);
    let instruments = state
        .instruments
        .keys()
        .copied()
        .filter(|id| wanted(symbols, *id));
    match kind {
        Kind::Quotes => instruments
            .filter_map(|id| Some((id.to_string(), views::quote(known.market.quote(id)?))))
            .collect(),
        // A print is news or nothing.
        Kind::Prints => Rows::new(),
        Kind::Orders => {
            let ids: Vec<ClientOrderId> = state.orders.keys().copied().collect();
            orders(&ids, symbols, known, sight)
        }
        Kind::Executions => {
            let mut rows = Rows::new();
            for execution in views::executions(state) {
                if sees(sight, execution.account) && wanted(symbols, execution.instrument) {
                    rows.push((execution_name(execution), views::execution(execution)));
                }
            }
            rows
        }
        Kind::Positions => positions(symbols, known, sight),
        Kind::Bars => symbols
            .iter()
            .flat_map(|id| bars(*id, params, known, usize::MAX))
            .collect(),
        Kind::Depth => symbols.iter().filter_map(|id| book(*id, known)).collect(),
        Kind::Notifications => summary::notices(known, sight, 0),
        Kind::Pnl | Kind::Risk | Kind::Alerts | Kind::Dashboard | Kind::Indicators => {
            summary::rows(kind, params, known, sight, now)
        }
        Kind::System => vec![("system".to_owned(), system(known, now))],
    }
}

/// The rows that something told changes, as they are now.
pub(super) fn changed(
    kind: Kind,
    params: &Params,
    told: &Told,
    known: &Known,
    sight: &Sight,
    now: Timestamp,
) -> Rows {
    let symbols = &params.symbols;
    match (kind, told) {
        (Kind::Quotes, Told::Market(batch)) => batch
            .quotes
            .iter()
            .filter(|quote| wanted(symbols, quote.instrument))
            .map(|quote| (quote.instrument.to_string(), views::quote(quote)))
            .collect(),
        (Kind::Prints, Told::Market(batch)) => batch
            .prints
            .iter()
            .filter(|print| wanted(symbols, print.instrument))
            // Digits in front keep the names in the order of the numbers.
            .map(|print| (format!("{}{:020}", print.instrument, print.number), views::print(print)))
            .collect(),
        // The newest two: the one before may just have ended.
        (Kind::Bars, Told::Market(batch)) => symbols
            .iter()
            .filter(|id| batch.bars.iter().any(|(of, ..)| of == *id))
            .flat_map(|id| bars(*id, params, known, 2))
            .collect(),
        (Kind::Depth, Told::Market(batch)) => symbols
            .iter()
            .filter(|id| batch.depths.iter().any(|book| book.instrument == **id))
            .filter_map(|id| book(*id, known))
            .collect(),
        (Kind::Notifications, Told::Events(events)) => events
            .first()
            .map_or_else(Rows::new, |first| summary::notices(known, sight, first.sequence)),
        (Kind::Orders, Told::Events(events)) => {
            let ids: Vec<ClientOrderId> = events.iter().filter_map(|event| event.fact.order()).collect();
            orders(&ids, symbols, known, sight)
        }
        (Kind::Executions, Told::Events(events)) => executions(events, symbols, sight),
        (Kind::Positions, Told::Events(events)) if events.iter().any(moves_a_position) => {
            positions(symbols, known, sight)
        }
        (Kind::System, Told::Events(_)) => vec![("system".to_owned(), system(known, now))],
        (_, Told::Snapshot(_)) => all(kind, params, known, sight, now),
        _ => Rows::new(),
    }
}

fn orders(ids: &[ClientOrderId], symbols: &Symbols, known: &Known, sight: &Sight) -> Rows {
    ids.iter()
        .filter_map(|id| known.state.orders.get(id))
        .filter(|order| sees(sight, order.spec.account) && wanted(symbols, order.spec.instrument))
        .map(|order| (order.id.to_string(), views::order(order)))
        .collect()
}

/// The newest bars of an instrument, oldest first.
fn bars(id: InstrumentId, params: &Params, known: &Known, count: usize) -> Rows {
    let timeframe = params.timeframe.unwrap_or(Timeframe::M1);
    let all = known.market.bars(id, timeframe);
    let row = |bar: &crate::market::Bar| {
        let start = bar.start.to_string();
        let told = json!({
            "symbol": id.as_str(), "timeframe": timeframe.to_string(), "start": start,
            "open": bar.open.to_string(), "high": bar.high.to_string(), "low": bar.low.to_string(),
            "close": bar.close.to_string(), "volume": views::volume(bar.volume), "count": bar.count,
        });
        (format!("{id}/{start}"), told)
    };
    all.iter()
        .skip(all.len().saturating_sub(count.min(BARS)))
        .map(row)
        .collect()
}

/// The newest book of an instrument, the best first.
fn book(id: InstrumentId, known: &Known) -> Option<(Name, Value)> {
    let book = known.market.depth(id)?;
    let side = |levels: &[crate::market::Level]| {
        let level = |level: &crate::market::Level| json!({"price": level.price.to_string(), "size": level.size.to_string(), "orders": level.orders});
        levels.iter().map(level).collect::<Vec<_>>()
    };
    let told = json!({
        "symbol": id.as_str(), "at": book.at.to_string(), "bids": side(&book.bids), "asks": side(&book.asks),
    });
    Some((id.to_string(), told))
}

fn execution_name(execution: &crate::domain::Execution) -> Name {
    format!(
        "{}/{}/{}",
        execution.account,
        execution.id.base.as_str(),
        execution.id.revision
    )
}

fn executions(events: &[Event], symbols: &Symbols, sight: &Sight) -> Rows {
    events
        .iter()
        .filter_map(|event| event.fact.execution())
        .filter(|execution| sees(sight, execution.account) && wanted(symbols, execution.instrument))
        .map(|execution| (execution_name(execution), views::execution(execution)))
        .collect()
}

fn moves_a_position(event: &Event) -> bool {
    event.fact.execution().is_some() || event.fact.moves_positions()
}

fn positions(symbols: &Symbols, known: &Known, sight: &Sight) -> Rows {
    let named = |row: &Value, key: &str| row[key].as_str().unwrap_or("").to_owned();
    views::seen_positions(&known.state, &known.market, |key| sees(sight, key))
        .into_iter()
        .filter(|row| symbols.is_empty() || symbols.iter().any(|id| row["symbol"] == id.as_str()))
        .map(|row| {
            (
                format!("{}/{}", named(&row, "account"), named(&row, "symbol")),
                row,
            )
        })
        .collect()
}

fn system(known: &Known, now: Timestamp) -> Value {
    let links: BTreeMap<&str, &str> = known
        .state
        .links
        .iter()
        .map(|(broker, link)| (broker.as_str(), link.state.word()))
        .collect();
    let reasons = unready(known, now);
    json!({
        "synced": known.synced, "links": links, "sessions": known.state.sessions.len(),
        "ready": reasons.is_empty(), "reasons": reasons,
    })
}
