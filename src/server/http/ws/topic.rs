//! What a topic is: which rows it has, which of them something told by the engine changes, and who may see them. A row is
//! named, so that a change that is not yet sent is replaced by the next of the same name. Facts are not lost by that: an
//! order's row holds all that its facts made of it, and each execution has a row of its own.

use super::super::replica::Known;
use crate::domain::{AccountId, AccountKey, ClientOrderId, InstrumentId};
use crate::engine::Event;
use crate::server::handle::Told;
use crate::server::views;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The topics there are.
pub(super) const ALL: &[&str] = &["quotes", "prints", "orders", "executions", "positions", "system"];

/// Which topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Quotes,
    Prints,
    Orders,
    Executions,
    Positions,
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
pub(super) struct Params {
    /// Of which instruments; empty means all.
    pub symbols: Symbols,
}

impl Kind {
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "quotes" => Self::Quotes,
            "prints" => Self::Prints,
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
            Self::Orders | Self::Executions | Self::Positions | Self::System
        )
    }
    /// True where it is the market that moves it.
    pub(super) fn is_market(self) -> bool {
        matches!(self, Self::Quotes | Self::Prints)
    }
    /// True where its rows belong to accounts.
    pub(super) fn shows_accounts(self) -> bool {
        matches!(self, Self::Orders | Self::Executions | Self::Positions)
    }
}

fn sees(sight: &Sight, account: AccountKey) -> bool {
    sight
        .as_ref()
        .is_none_or(|accounts| accounts.contains(&account.account))
}

/// Which instruments; empty means all.
pub(super) type Symbols = BTreeSet<InstrumentId>;

fn wanted(symbols: &Symbols, id: InstrumentId) -> bool {
    symbols.is_empty() || symbols.contains(&id)
}

/// All rows of a topic as they are.
pub(super) fn all(kind: Kind, params: &Params, known: &Known, sight: &Sight) -> Rows {
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
        Kind::System => vec![("system".to_owned(), system(known))],
    }
}

/// The rows that something told changes, as they are now.
pub(super) fn changed(kind: Kind, params: &Params, told: &Told, known: &Known, sight: &Sight) -> Rows {
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
        (Kind::Orders, Told::Events(events)) => {
            let ids: Vec<ClientOrderId> = events.iter().filter_map(|event| event.fact.order()).collect();
            orders(&ids, symbols, known, sight)
        }
        (Kind::Executions, Told::Events(events)) => executions(events, symbols, sight),
        (Kind::Positions, Told::Events(events)) if events.iter().any(moves_a_position) => {
            positions(symbols, known, sight)
        }
        (Kind::System, Told::Events(_)) => vec![("system".to_owned(), system(known))],
        (_, Told::Snapshot(_)) => all(kind, params, known, sight),
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

fn system(known: &Known) -> Value {
    let links: BTreeMap<&str, &str> = known
        .state
        .links
        .iter()
        .map(|(broker, link)| (broker.as_str(), link.state.word()))
        .collect();
    json!({"synced": known.synced, "links": links, "sessions": known.state.sessions.len()})
}
