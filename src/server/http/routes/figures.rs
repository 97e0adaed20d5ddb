//! Risk in figures: what an account is exposed to, what margin binds, value at risk, stress and correlation. Each answer is
//! made when it is asked for, from the state here and the daily closes that the engine's process has or gets.

use super::super::body::Asked;
use super::super::{ApiError, Context};
use super::names;
use crate::domain::{AccountKey, InstrumentId};
use crate::engine::figures::{self, Days, Histories};
use crate::market::Timeframe;
use crate::server::doors::Caller;
use crate::server::views::figures::{
    CorrelationRow, ExposureRow, FiguresRow, MarginRow, StressRow, ValueAtRiskRow, row,
};
use crate::wire::{Query, Reply};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(exposure))
        .routes(routes!(value_at_risk))
        .routes(routes!(stress))
        .routes(routes!(correlation))
}

/// Daily bars that are asked for: a year of trading, with room for days that others lack.
const BARS: u32 = 400;
/// Instruments whose daily bars one answer asks for at most: what is beyond has no history here.
const MOST: usize = 64;

/// Whose.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// Which account; the usual one without.
    account: Option<String>,
}

/// One part of the figures, with whose it is.
#[derive(Debug, Serialize, ToSchema)]
struct Part<T: ToSchema> {
    broker: String,
    account: String,
    /// The base currency, in which amounts are.
    currency: String,
    #[serde(flatten)]
    part: T,
    /// The event up to which this is true.
    sequence: u64,
}

impl<T: ToSchema> Part<T> {
    fn of((row, sequence): (FiguresRow, u64), part: impl FnOnce(FiguresRow) -> T) -> Json<Self> {
        Json(Self {
            broker: row.broker.clone(),
            account: row.account.clone(),
            currency: row.currency.clone(),
            part: part(row),
            sequence,
        })
    }
}

/// Exposure and margin.
#[derive(Debug, Serialize, ToSchema)]
struct Exposed {
    /// What the account is exposed to.
    exposure: ExposureRow,
    /// What margin binds.
    margin: MarginRow,
}

/// Looks at an account, with the daily closes of what it holds.
async fn look(context: &Context, caller: &Caller, whose: &Whose) -> Result<(FiguresRow, u64), ApiError> {
    let now = (context.about.clock)();
    let (account, wanted) = context.replica.read(|known| {
        let account = names::meant(known, context, caller, whose.account.as_ref())?;
        let wanted = figures::wanted(&known.state, account);
        let ids: Vec<InstrumentId> = wanted.iter().map(|instrument| instrument.id).take(MOST).collect();
        Ok::<(AccountKey, Vec<InstrumentId>), ApiError>((account, ids))
    })?;
    let asked = wanted.into_iter().map(|instrument| async move {
        let query = Query::Bars {
            instrument,
            timeframe: Timeframe::Day,
            count: BARS,
        };
        // One that can't be told leaves what it is wanted for unknown, in words, and no more than that.
        match context.ask(query).await {
            Ok(Reply::Bars(bars)) => (instrument, bars),
            _ => (instrument, Vec::new()),
        }
    });
    let bars = futures_util::future::join_all(asked).await;
    context.replica.read(|known| {
        let at = known.venue_now(now);
        let days = |(id, bars): &(InstrumentId, Vec<_>)| {
            let instrument = known.state.instruments.get(id)?;
            Some((*id, Days::of(instrument, bars, at)))
        };
        let histories: Histories = bars.iter().filter_map(days).collect();
        let health = known.health.iter().find(|health| health.broker == account.broker);
        let all = figures::look(&known.state, &known.market, health, &histories, account);
        let all = all.map_err(ApiError::unavailable)?;
        Ok((row(&all), known.state.sequence))
    })
}

/// What an account is exposed to by symbol, sector and currency, and what margin binds.
#[utoipa::path(get, path = "/risk/exposure", tag = "risk", params(Whose), responses((status = 200, body = Part<Exposed>)))]
async fn exposure(
    State(context): State<Context>,
    caller: Caller,
    Asked(whose): Asked<Whose>,
) -> Result<Json<Part<Exposed>>, ApiError> {
    let found = look(&context, &caller, &whose).await?;
    Ok(Part::of(found, |row| Exposed {
        exposure: row.exposure,
        margin: row.margin,
    }))
}

/// What a day puts at risk: by the history of what is held (at most 250 days), and by a normal distribution.
#[utoipa::path(get, path = "/risk/var", tag = "risk", params(Whose), responses((status = 200, body = Part<ValueAtRiskRow>)))]
async fn value_at_risk(
    State(context): State<Context>,
    caller: Caller,
    Asked(whose): Asked<Whose>,
) -> Result<Json<Part<ValueAtRiskRow>>, ApiError> {
    let found = look(&context, &caller, &whose).await?;
    Ok(Part::of(found, |row| row.value_at_risk))
}

/// What a move of 1, 3 and 5 per cent would do: of everything alike, and of the market by beta.
#[utoipa::path(get, path = "/risk/stress", tag = "risk", params(Whose), responses((status = 200, body = Part<StressRow>)))]
async fn stress(
    State(context): State<Context>,
    caller: Caller,
    Asked(whose): Asked<Whose>,
) -> Result<Json<Part<StressRow>>, ApiError> {
    let found = look(&context, &caller, &whose).await?;
    Ok(Part::of(found, |row| row.stress))
}

/// What of what is held moves together.
#[utoipa::path(get, path = "/risk/correlation", tag = "risk", params(Whose), responses((status = 200, body = Part<CorrelationRow>)))]
async fn correlation(
    State(context): State<Context>,
    caller: Caller,
    Asked(whose): Asked<Whose>,
) -> Result<Json<Part<CorrelationRow>>, ApiError> {
    let found = look(&context, &caller, &whose).await?;
    Ok(Part::of(found, |row| row.correlation))
}
