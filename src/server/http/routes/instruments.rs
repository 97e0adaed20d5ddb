//! Instruments: search, details, and finding those that are not here yet; and the lists of symbols that the settings name.

use super::super::body::{Asked, At, Body};
use super::super::{ApiError, Context};
use super::names;
use super::page::{Answer, Page};
use crate::domain::{Instrument, Price, SafeText};
use crate::server::doors::{Caller, Role};
use crate::server::views::rows::{text, time, word};
use crate::wire::{Query, Reply};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(find))
        .routes(routes!(watchlists))
}

/// The longest text that is searched for.
const TEXT_MAX: usize = 64;

/// Which instruments.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// A part of the symbol, the root or the name.
    q: Option<String>,
    /// `equity`, `future`, `forex`, `crypto`, `option`, `index`.
    kind: Option<String>,
}

impl Filter {
    fn passes(&self, instrument: &Instrument) -> bool {
        let kind = |wanted: &String| word(instrument.kind).is_some_and(|kind| kind == *wanted);
        let text = |wanted: &String| {
            let wanted = wanted.trim().to_lowercase();
            let holds = |text: &str| text.to_lowercase().contains(&wanted);
            holds(instrument.id.as_str())
                || holds(instrument.name.as_str())
                || instrument.root.is_some_and(|root| holds(root.as_str()))
        };
        self.kind.as_ref().is_none_or(kind) && self.q.as_ref().is_none_or(text)
    }
}

/// An instrument.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct InstrumentRow {
    symbol: String,
    name: String,
    /// `equity`, `future`, `forex`, `crypto`, `option`, `index`.
    kind: Option<String>,
    currency: String,
    /// What one point of price is worth.
    multiplier: String,
    /// Orders are multiples of it.
    lot: String,
    /// The finest tick.
    tick: String,
    /// What its dated contracts are called together.
    root: Option<String>,
    /// When it stops trading.
    expires: Option<String>,
    /// It can't be traded any more.
    expired: bool,
}

fn show(instrument: &Instrument, now: crate::domain::Timestamp) -> InstrumentRow {
    InstrumentRow {
        symbol: instrument.id.to_string(),
        name: instrument.name.to_string(),
        kind: word(instrument.kind),
        currency: instrument.currency.to_string(),
        multiplier: instrument.multiplier.to_string(),
        lot: instrument.lot.to_string(),
        tick: instrument.ticks.finest().to_string(),
        root: instrument.root.map(|root| root.as_str().to_owned()),
        expires: time(instrument.expires),
        expired: instrument.is_expired(now),
    }
}

/// Instruments that are known here.
#[utoipa::path(get, path = "/instruments", tag = "instruments", params(Page, Filter),
               responses((status = 200, body = Answer<InstrumentRow>)))]
async fn list(
    State(context): State<Context>,
    _caller: Caller,
    Asked(page): Asked<Page>,
    Asked(filter): Asked<Filter>,
) -> Result<Json<Answer<InstrumentRow>>, ApiError> {
    if filter.q.as_ref().is_some_and(|text| text.len() > TEXT_MAX) {
        return Err(ApiError::bad(format!("q is longer than {TEXT_MAX} characters")));
    }
    let now = (context.about.clock)();
    context.replica.read(|known| {
        let all = known.state.instruments.values();
        let found: Vec<&Instrument> = all.filter(|instrument| filter.passes(instrument)).collect();
        let venue = known.venue_now(now);
        page.of(
            &found,
            known.state.sequence,
            |instrument| instrument.id.to_string(),
            |instrument| show(instrument, venue),
        )
    })
}

/// An instrument in full.
#[derive(Debug, Serialize, ToSchema)]
struct InstrumentDetail {
    #[serde(flatten)]
    instrument: InstrumentRow,
    /// The tick at the last price.
    tick_now: Option<String>,
    /// What each broker calls it.
    broker_ids: BTreeMap<String, String>,
    /// Its trading day now: when it began and ends.
    trading_day: Option<TradingDayRow>,
    /// From when on a future is not opened any more.
    entries_end: Option<String>,
    /// What an option is on.
    option: Option<OptionRow>,
}

/// A trading day.
#[derive(Debug, Serialize, ToSchema)]
struct TradingDayRow {
    start: Option<String>,
    end: Option<String>,
}

/// What makes an option.
#[derive(Debug, Serialize, ToSchema)]
struct OptionRow {
    underlying: String,
    strike: String,
    /// `call` or `put`.
    right: Option<String>,
}

/// One instrument; a root such as `ES` is the contract that trades now.
#[utoipa::path(get, path = "/instruments/{symbol}", tag = "instruments", params(("symbol" = String, Path, description = "Its symbol, or a root", example = "ES")),
               responses((status = 200, body = InstrumentDetail)))]
async fn one(
    State(context): State<Context>,
    _caller: Caller,
    At(symbol): At<String>,
) -> Result<Json<InstrumentDetail>, ApiError> {
    let now = (context.about.clock)();
    context.replica.read(|known| {
        let id = names::instrument(known, &symbol, now)?;
        let venue = known.venue_now(now);
        let found = known.state.instruments.get(&id);
        let instrument = found.ok_or_else(|| ApiError::not_found(format!("instrument {id} here")))?;
        let last: Option<Price> = known.market.last(id).map(|print| print.price);
        let day = instrument.calendar.trading_day(venue);
        Ok(Json(InstrumentDetail {
            instrument: show(instrument, venue),
            tick_now: text(last.map(|price| instrument.ticks.tick_at(price))),
            broker_ids: instrument
                .broker_ids
                .iter()
                .map(|(broker, id)| (broker.to_string(), id.as_str().to_owned()))
                .collect(),
            trading_day: day.map(|day| TradingDayRow {
                start: time(Some(day.start)),
                end: time(Some(day.end)),
            }),
            entries_end: time(instrument.entries_end()),
            option: instrument.option.as_ref().map(|terms| OptionRow {
                underlying: terms.underlying.to_string(),
                strike: terms.strike.to_string(),
                right: word(terms.right),
            }),
        }))
    })
}

/// What to look for.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Find {
    /// As at the desk's `:find`: `ES FUT CME`, `SAP STK IBIS EUR`.
    text: String,
}

/// What the broker found.
#[derive(Debug, Serialize, ToSchema)]
struct FoundRow {
    /// Its symbol here, where it is listed by now.
    symbol: Option<String>,
    /// In words.
    line: String,
}

/// Asks the broker for instruments; those that fit exactly are listed here from then on.
#[utoipa::path(post, path = "/instruments/find", tag = "instruments", request_body = Find,
               responses((status = 200, body = Answer<FoundRow>)))]
async fn find(
    State(context): State<Context>,
    caller: Caller,
    Body(wanted): Body<Find>,
) -> Result<Json<Answer<FoundRow>>, ApiError> {
    caller.require(Role::Trade)?;
    let words = wanted.text.trim();
    if words.is_empty() || words.len() > TEXT_MAX {
        return Err(ApiError::bad(format!("text has 1 to {TEXT_MAX} characters")));
    }
    let query = Query::Find {
        text: SafeText::new(words),
    };
    // What the broker says to a search is about the search.
    let found = context.ask(query).await.map_err(|error| ApiError {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        code: "NOT_FOUND_THERE".to_owned(),
        retry_after: None,
        ..error
    });
    let Reply::Found(found) = found? else {
        return Err(ApiError::unavailable(
            "the engine gave another answer than was asked for",
        ));
    };
    Ok(Json(Answer {
        items: found
            .into_iter()
            .map(|(id, line)| FoundRow {
                symbol: text(id),
                line: line.to_string(),
            })
            .collect(),
        next: None,
        sequence: context.replica.read(|known| known.state.sequence),
    }))
}

/// A list of symbols.
#[derive(Debug, Serialize, ToSchema)]
struct Watchlist {
    name: String,
    symbols: Vec<String>,
}

/// The lists of symbols that the settings name.
#[utoipa::path(get, path = "/watchlists", tag = "instruments", responses((status = 200, body = Answer<Watchlist>)))]
async fn watchlists(State(context): State<Context>, _caller: Caller) -> Json<Answer<Watchlist>> {
    let lists = context.given.watchlists.iter();
    Json(Answer {
        items: lists
            .map(|(name, symbols)| Watchlist {
                name: name.clone(),
                symbols: symbols.clone(),
            })
            .collect(),
        next: None,
        sequence: context.replica.read(|known| known.state.sequence),
    })
}
