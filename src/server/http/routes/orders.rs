//! Orders, to read: the list, one of them, and what became of it.

use super::super::act::no_order;
use super::super::body::{Asked, At};
use super::super::{ApiError, Context};
use super::names;
use super::page::{Answer, Page};
use crate::domain::{AccountKey, ClientOrderId, Order, Phase};
use crate::engine::{Actor, Event, Fact};
use crate::server::doors::Caller;
use crate::server::views;
use crate::server::views::rows::{OrderRow, time};
use crate::wire::{Query, Reply};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list, super::place::place))
        .routes(routes!(one, super::place::change, super::place::cancel))
        .routes(routes!(history))
}

/// Which orders.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// `open` or `ended`; all that the state remembers (a day of ended ones) where nothing is said.
    state: Option<String>,
    /// Of this instrument.
    symbol: Option<String>,
    /// Of this account.
    account: Option<String>,
    /// `buy` or `sell`.
    side: Option<String>,
    /// In this phase, such as `working`.
    phase: Option<String>,
}

impl Filter {
    fn check(&self) -> Result<(), ApiError> {
        names::one_of("state", self.state.as_ref(), &["open", "ended"])?;
        names::one_of("side", self.side.as_ref(), &["buy", "sell"])?;
        let phase = self.phase.as_ref().map(|word| Value::String(word.clone()));
        if phase.is_some_and(|word| serde_json::from_value::<Phase>(word).is_err()) {
            return Err(ApiError::bad(
                "there is no such phase; such as working, filled or cancelled",
            ));
        }
        Ok(())
    }
    fn passes(&self, order: &Order, account: Option<AccountKey>) -> bool {
        let spec = &order.spec;
        let symbol = |wanted: &String| spec.instrument.as_str().eq_ignore_ascii_case(wanted);
        let state = |wanted: &String| (wanted == "open") == order.phase.is_live();
        let side = |wanted: &String| views::rows::side(spec.side) == wanted;
        let phase = |wanted: &String| views::rows::word(order.phase).as_ref() == Some(wanted);
        self.symbol.as_ref().is_none_or(symbol)
            && account.is_none_or(|wanted| spec.account == wanted)
            && self.state.as_ref().is_none_or(state)
            && self.side.as_ref().is_none_or(side)
            && self.phase.as_ref().is_none_or(phase)
    }
}

/// Orders: live ones first, the newest first of each.
#[utoipa::path(get, path = "/orders", tag = "orders", params(Page, Filter),
               responses((status = 200, body = Answer<OrderRow>)))]
async fn list(
    State(context): State<Context>,
    caller: Caller,
    Asked(page): Asked<Page>,
    Asked(filter): Asked<Filter>,
) -> Result<Json<Answer<OrderRow>>, ApiError> {
    filter.check()?;
    context.replica.read(|known| {
        let account = names::narrowed(known, &caller, filter.account.as_ref())?;
        let mut orders = views::orders(&known.state);
        orders.retain(|order| caller.sees(order.spec.account) && filter.passes(order, account));
        page.of(
            &orders,
            known.state.sequence,
            |order| order.id.to_string(),
            |order| OrderRow::from(*order),
        )
    })
}

/// An order and what became of it.
#[derive(Debug, Serialize, ToSchema)]
struct OrderDetail {
    #[serde(flatten)]
    order: OrderRow,
    /// What happened to it, oldest first, as far as the journal near its beginning tells.
    history: Vec<Step>,
}

/// Something that happened to an order.
#[derive(Debug, Serialize, ToSchema)]
struct Step {
    /// The event.
    sequence: u64,
    /// When.
    at: Option<String>,
    /// What, as in the journal: `submitted`, `accepted`, `executed`, ...
    what: &'static str,
    /// Who made it happen: `session 4`, `broker sim`, `timer`, `engine`.
    who: String,
    /// More of it, in words.
    words: Option<String>,
}

/// An order that lives or ended within a day, with what became of it.
#[utoipa::path(get, path = "/orders/{id}", tag = "orders", params(("id" = String, Path, description = "Its client order id")),
               responses((status = 200, body = OrderDetail)))]
async fn one(
    State(context): State<Context>,
    caller: Caller,
    At(id): At<String>,
) -> Result<Json<OrderDetail>, ApiError> {
    let wanted = ClientOrderId::new(&id).map_err(|_| no_order(&id))?;
    let order = context.replica.read(|known| {
        let order = known.state.orders.get(&wanted);
        order
            .filter(|order| caller.sees(order.spec.account))
            .map(OrderRow::from)
    });
    let order = order.ok_or_else(|| no_order(&id))?;
    let Reply::Log(events) = context.ask(Query::History { order: wanted }).await? else {
        return Err(ApiError::unavailable(
            "the journal gave another answer than was asked for",
        ));
    };
    let history = events.iter().map(step).collect();
    Ok(Json(OrderDetail { order, history }))
}

fn step(event: &Event) -> Step {
    Step {
        sequence: event.sequence,
        at: time(Some(event.at)),
        what: event.fact.word(),
        who: match event.actor {
            Actor::Session(session) => format!("session {}", session.0),
            Actor::Broker(broker) => format!("broker {broker}"),
            Actor::Timer => "timer".to_owned(),
            Actor::Engine => "engine".to_owned(),
        },
        words: words(&event.fact),
    }
}

fn words(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::Submitted { spec, .. } | Fact::OrderChained { spec, .. } => spec.to_string(),
        Fact::Denied { denial, .. } => denial.to_string(),
        Fact::Executed { execution } | Fact::Corrected { execution } => {
            format!("{} @ {}", execution.quantity, execution.price)
        }
        Fact::Modified { quantity, kind, .. } => {
            format!("{quantity} {}", kind.text(|price| price.to_string()))
        }
        Fact::ModifyRequested { change, .. } => {
            let part = |name: &str, value: Option<String>| value.map(|value| format!("{name} {value}"));
            let parts = [
                part("quantity", change.quantity.map(|value| value.to_string())),
                part("price", change.price.map(|value| value.to_string())),
                part("trigger", change.trigger.map(|value| value.to_string())),
            ];
            parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        Fact::NotSent { reason, .. }
        | Fact::Doubted { reason, .. }
        | Fact::Cancelled { reason, .. }
        | Fact::Rejected { reason, .. }
        | Fact::ModifyRefused { reason, .. }
        | Fact::CancelRefused { reason, .. } => reason.to_string(),
        Fact::Accepted { broker_id, .. } => format!("the broker's id is {broker_id}"),
        _ => return None,
    })
}

/// Which orders of other days.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Past {
    /// Of this account; a key that may see some accounts only names one of them, if there are several.
    pub(super) account: Option<String>,
    /// In this instrument.
    pub(super) symbol: Option<String>,
    /// What the page before this one told as `next`; the newest without.
    pub(super) cursor: Option<String>,
    /// Items of the page: 1 to 100.
    pub(super) limit: Option<u32>,
}

/// A question for the journal: account, instrument, place and count.
pub(super) type Wanted = (
    Option<crate::domain::AccountKey>,
    Option<crate::domain::InstrumentId>,
    Option<u64>,
    u32,
);

impl Past {
    /// As the journal is asked.
    pub(super) fn wanted(&self, context: &Context, caller: &Caller) -> Result<Wanted, ApiError> {
        let most = crate::engine::history::PAGE;
        let count = self.limit.unwrap_or(most);
        if !(1..=most).contains(&count) {
            return Err(ApiError::bad(format!(
                "limit {count} is out of range; 1 to {most}"
            )));
        }
        let cursor = self.cursor.as_ref().map(|text| text.parse::<u64>());
        let before = cursor
            .transpose()
            .map_err(|_| ApiError::bad("a cursor is what the page before told as next"))?;
        // The journal's numbers end where a file's do.
        if before.is_some_and(|before| i64::try_from(before).is_err()) {
            return Err(ApiError::bad("a cursor is what the page before told as next"));
        }
        let now = (context.about.clock)();
        context.replica.read(|known| {
            let account = match (&self.account, &caller.accounts) {
                (Some(name), _) => Some(names::account(known, caller, name)?),
                (None, None) => None,
                (None, Some(_)) => Some(names::meant(known, context, caller, None)?),
            };
            let symbol = self.symbol.as_ref();
            let instrument = symbol.map(|symbol| names::instrument(known, symbol, now));
            Ok((account, instrument.transpose()?, before, count))
        })
    }
}

/// Orders of all days, newest first, each as it ended.
#[utoipa::path(get, path = "/history/orders", tag = "orders", params(Past),
               responses((status = 200, body = Answer<OrderRow>)))]
async fn history(
    State(context): State<Context>,
    caller: Caller,
    Asked(past): Asked<Past>,
) -> Result<Json<Answer<OrderRow>>, ApiError> {
    let (account, instrument, before, count) = past.wanted(&context, &caller)?;
    let query = Query::Orders {
        account,
        instrument,
        before,
        count,
    };
    let Reply::Orders(page) = context.ask(query).await? else {
        return Err(ApiError::unavailable(
            "the journal gave another answer than was asked for",
        ));
    };
    let sequence = context.replica.read(|known| known.state.sequence);
    let seen = page.orders.iter().filter(|order| caller.sees(order.spec.account));
    Ok(Json(Answer {
        items: seen.map(OrderRow::from).collect(),
        next: page.next.map(|next| next.to_string()),
        sequence,
    }))
}
