//! Market data: quotes, the book, trades by time, bars, and indicators on them. What nobody watched is watched from the
//! first call on, for a minute after the last.

use super::super::body::{Asked, At};
use super::super::replica::Known;
use super::super::ws::Params;
use super::super::{ApiError, Context};
use super::names;
use super::page::Answer;
use crate::domain::{CalendarId, InstrumentId, SafeText, Timestamp};
use crate::market::studies::{Sample, StudySpec};
use crate::market::{Bar, Level, Print, Timeframe};
use crate::server::doors::Caller;
use crate::server::views::rows::{PrintRow, QuoteRow, text, time};
use crate::server::views::volume;
use crate::wire::{Query, Reply};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(quotes))
        .routes(routes!(quote))
        .routes(routes!(depth))
        .routes(routes!(ticks))
        .routes(routes!(bars))
        .routes(routes!(indicators))
}

/// Bars of one answer at most.
const BARS: u32 = 5_000;
/// Bars where nothing is said.
const USUAL_BARS: u32 = 300;
/// Trades of one answer at most: what is kept of an instrument.
const TICKS: usize = crate::market::TAPE_LIMIT;
/// Indicators of one answer.
const STUDIES: usize = 8;
/// Bars before the first that is wanted, for an indicator to warm up.
const WARM_UP: u32 = 1_000;

/// An instrument's newest price, and its day.
#[derive(Debug, Serialize, ToSchema)]
struct QuoteDetail {
    #[serde(flatten)]
    quote: QuoteRow,
    /// The last trade.
    last: Option<String>,
    last_size: Option<String>,
    last_at: Option<String>,
    /// The close of the trading day before.
    previous_close: Option<String>,
    /// The distance from it.
    change: Option<String>,
    /// Of the trading day's regular hours.
    open: Option<String>,
    high: Option<String>,
    low: Option<String>,
    volume: Option<String>,
}

/// Which quotes.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Symbols {
    /// Parted by commas; all that are quoted here without.
    symbols: Option<String>,
}

/// Quotes of instruments that are watched.
#[utoipa::path(get, path = "/market/quotes", tag = "market", params(Symbols),
               responses((status = 200, body = Answer<QuoteDetail>)))]
async fn quotes(
    State(context): State<Context>,
    _caller: Caller,
    Asked(symbols): Asked<Symbols>,
) -> Result<Json<Answer<QuoteDetail>>, ApiError> {
    let now = (context.about.clock)();
    context.replica.read(|known| {
        let ids: Vec<InstrumentId> = match &symbols.symbols {
            None => known.state.instruments.keys().copied().collect(),
            Some(list) => list
                .split(',')
                .map(|name| names::instrument(known, name.trim(), now))
                .collect::<Result<_, _>>()?,
        };
        Ok(Json(Answer {
            items: ids.into_iter().filter_map(|id| detail(known, id)).collect(),
            next: None,
            sequence: known.state.sequence,
        }))
    })
}

fn detail(known: &super::super::replica::Known, id: InstrumentId) -> Option<QuoteDetail> {
    let ticker = known.market.ticker(id)?;
    let quote = ticker.quote.as_ref();
    if quote.is_none() && ticker.last.is_none() {
        return None;
    }
    let nothing = || QuoteRow {
        symbol: id.to_string(),
        bid: None,
        bid_size: None,
        ask: None,
        ask_size: None,
        at: None,
        quality: None,
    };
    Some(QuoteDetail {
        quote: quote.map_or_else(nothing, QuoteRow::from),
        last: text(ticker.last.map(|print| print.price)),
        last_size: text(ticker.last.map(|print| print.size)),
        last_at: time(ticker.last.map(|print| print.at)),
        previous_close: text(ticker.previous_close),
        change: text(ticker.change()),
        open: text(ticker.day.map(|day| day.open)),
        high: text(ticker.day.map(|day| day.high)),
        low: text(ticker.day.map(|day| day.low)),
        volume: ticker.day.map(|day| volume(day.volume)),
    })
}

async fn named(context: &Context, symbol: &str) -> Result<(InstrumentId, CalendarId), ApiError> {
    let now = (context.about.clock)();
    context.replica.read(|known| {
        let id = names::instrument(known, symbol, now)?;
        let calendar = known
            .state
            .instruments
            .get(&id)
            .map(|instrument| instrument.calendar);
        Ok((id, calendar.unwrap_or(CalendarId::Always)))
    })
}

fn no_data(id: InstrumentId) -> ApiError {
    ApiError::unavailable(format!("nothing was told of {id} yet; try again in a moment"))
}

/// The quote, the last trade and the day of an instrument.
#[utoipa::path(get, path = "/market/{symbol}/quote", tag = "market", params(("symbol" = String, Path, description = "The instrument", example = "AAPL")),
               responses((status = 200, body = QuoteDetail)))]
async fn quote(
    State(context): State<Context>,
    _caller: Caller,
    At(symbol): At<String>,
) -> Result<Json<QuoteDetail>, ApiError> {
    let (id, _) = named(&context, &symbol).await?;
    context.replica.wish(id, false).await?;
    let found = context.replica.read(|known| detail(known, id));
    found.map(Json).ok_or_else(|| no_data(id))
}

/// A book.
#[derive(Debug, Serialize, ToSchema)]
struct Book {
    symbol: String,
    at: Option<String>,
    /// The best first.
    bids: Vec<DepthLevel>,
    /// The best first.
    asks: Vec<DepthLevel>,
}

/// A price of a book.
#[derive(Debug, Serialize, ToSchema)]
struct DepthLevel {
    price: String,
    size: String,
    /// How many orders, where the source tells; zero where it does not.
    orders: u32,
}

impl From<&Level> for DepthLevel {
    fn from(level: &Level) -> Self {
        Self {
            price: level.price.to_string(),
            size: level.size.to_string(),
            orders: level.orders,
        }
    }
}

/// How deep.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Deep {
    /// Levels of each side; all that the source tells without.
    levels: Option<usize>,
}

/// The book of an instrument. The first call has it watched, and it stays watched for a minute after the last.
#[utoipa::path(get, path = "/market/{symbol}/depth", tag = "market",
               params(("symbol" = String, Path, description = "The instrument", example = "AAPL"), Deep),
               responses((status = 200, body = Book)))]
async fn depth(
    State(context): State<Context>,
    _caller: Caller,
    At(symbol): At<String>,
    Asked(deep): Asked<Deep>,
) -> Result<Json<Book>, ApiError> {
    let (id, _) = named(&context, &symbol).await?;
    context.replica.wish(id, true).await?;
    let levels = deep.levels.unwrap_or(usize::MAX);
    let found = context.replica.read(|known| {
        known.market.depth(id).map(|book| Book {
            symbol: id.to_string(),
            at: time(Some(book.at)),
            bids: book.bids.iter().take(levels).map(DepthLevel::from).collect(),
            asks: book.asks.iter().take(levels).map(DepthLevel::from).collect(),
        })
    });
    found.map(Json).ok_or_else(|| no_data(id))
}

/// Which trades.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Stretch {
    /// At or after this time, RFC 3339.
    from: Option<String>,
    /// Before this time.
    to: Option<String>,
    /// After the trade of this number.
    after: Option<u64>,
    /// What the page before this one told as `next`: the same as `after`.
    cursor: Option<u64>,
    /// At most so many, 1 to 5000, 500 where nothing is said: the first of them where `from`, `after` or `cursor` says where
    /// to begin, else the newest.
    limit: Option<usize>,
}

/// The trades of a page, oldest first, and the number of its last where more follow. `begins` is true where it was said where
/// to begin; otherwise it is the newest that are meant.
fn page_of<'a>(
    tape: impl DoubleEndedIterator<Item = &'a Print>,
    begins: bool,
    limit: usize,
) -> (Vec<&'a Print>, Option<u64>) {
    if !begins {
        let mut newest: Vec<&Print> = tape.rev().take(limit).collect();
        newest.reverse();
        return (newest, None);
    }
    let mut rest = tape.peekable();
    let page: Vec<&Print> = rest.by_ref().take(limit).collect();
    let more = rest.peek().is_some();
    let last = page.last().map(|print| print.number);
    (page, last.filter(|_| more))
}

/// Trades of the market, oldest first, as far back as they are kept here; a gap in their numbers is a gap in what came.
#[utoipa::path(get, path = "/market/{symbol}/ticks", tag = "market",
               params(("symbol" = String, Path, description = "The instrument", example = "AAPL"), Stretch),
               responses((status = 200, body = Answer<PrintRow>)))]
async fn ticks(
    State(context): State<Context>,
    _caller: Caller,
    At(symbol): At<String>,
    Asked(stretch): Asked<Stretch>,
) -> Result<Json<Answer<PrintRow>>, ApiError> {
    let from = names::moment(stretch.from.as_ref(), "from")?.unwrap_or(Timestamp::MIN);
    let to = names::moment(stretch.to.as_ref(), "to")?.unwrap_or(Timestamp::MAX);
    let limit = stretch.limit.unwrap_or(500.min(TICKS));
    if !(1..=5_000).contains(&limit) {
        return Err(ApiError::bad(format!("limit {limit} is out of range; 1 to 5000")));
    }
    let (id, _) = named(&context, &symbol).await?;
    context.replica.wish(id, false).await?;
    let after = stretch.after.max(stretch.cursor);
    let begins = after.is_some() || stretch.from.is_some();
    Ok(Json(context.replica.read(|known| {
        let fits = |print: &&Print| {
            print.at >= from && print.at < to && after.is_none_or(|after| print.number > after)
        };
        let (page, next) = page_of(known.market.tape(id).filter(fits), begins, limit);
        Answer {
            items: page.into_iter().map(PrintRow::from).collect(),
            next: next.map(|number| number.to_string()),
            sequence: known.state.sequence,
        }
    })))
}

/// Which bars.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// `5s`, `1m`, `5m`, `1h`, `1d`, `1w`, `1mo`; one minute where nothing is said.
    timeframe: Option<String>,
    /// At most so many, the newest: 1 to 5000, 300 where nothing is said.
    count: Option<u32>,
    /// That begin at or after this time, RFC 3339.
    from: Option<String>,
    /// That begin before this time.
    to: Option<String>,
}

impl Which {
    fn read(&self) -> Result<(Timeframe, u32, Timestamp, Timestamp), ApiError> {
        let timeframe = self.timeframe.as_deref().unwrap_or("1m").parse::<Timeframe>();
        let timeframe = timeframe.map_err(|error| ApiError::bad(error.to_string()))?;
        let count = self.count.unwrap_or(USUAL_BARS);
        if !(1..=BARS).contains(&count) {
            return Err(ApiError::bad(format!(
                "count {count} is out of range; 1 to {BARS}"
            )));
        }
        let from = names::moment(self.from.as_ref(), "from")?.unwrap_or(Timestamp::MIN);
        let to = names::moment(self.to.as_ref(), "to")?.unwrap_or(Timestamp::MAX);
        Ok((timeframe, count, from, to))
    }
}

/// A bar.
#[derive(Debug, Serialize, ToSchema)]
struct BarRow {
    /// When it begins.
    start: Option<String>,
    open: String,
    high: String,
    low: String,
    close: String,
    volume: String,
    /// How many trades.
    count: u64,
}

impl From<&Bar> for BarRow {
    fn from(bar: &Bar) -> Self {
        Self {
            start: time(Some(bar.start)),
            open: bar.open.to_string(),
            high: bar.high.to_string(),
            low: bar.low.to_string(),
            close: bar.close.to_string(),
            volume: volume(bar.volume),
            count: bar.count,
        }
    }
}

async fn read_bars(
    context: &Context,
    instrument: InstrumentId,
    timeframe: Timeframe,
    count: u32,
) -> Result<Vec<Bar>, ApiError> {
    let query = Query::Bars {
        instrument,
        timeframe,
        count,
    };
    match context.ask(query).await? {
        Reply::Bars(bars) => Ok(bars),
        _ => Err(ApiError::unavailable(
            "the engine gave another answer than was asked for",
        )),
    }
}

/// Bars of an instrument, oldest first; the last may still change.
#[utoipa::path(get, path = "/market/{symbol}/bars", tag = "market",
               params(("symbol" = String, Path, description = "The instrument", example = "AAPL"), Which),
               responses((status = 200, body = Answer<BarRow>)))]
async fn bars(
    State(context): State<Context>,
    _caller: Caller,
    At(symbol): At<String>,
    Asked(which): Asked<Which>,
) -> Result<Json<Answer<BarRow>>, ApiError> {
    let (timeframe, count, from, to) = which.read()?;
    let (id, _) = named(&context, &symbol).await?;
    // A stretch of time is cut from all there is.
    let asked = if which.from.is_some() || which.to.is_some() {
        BARS
    } else {
        count
    };
    let all = read_bars(&context, id, timeframe, asked).await?;
    let mut items: Vec<BarRow> = all
        .iter()
        .rev()
        .filter(|bar| bar.start >= from && bar.start < to)
        .take(count as usize)
        .map(BarRow::from)
        .collect();
    items.reverse();
    Ok(Json(Answer {
        items,
        next: None,
        sequence: context.replica.read(|known| known.state.sequence),
    }))
}

/// Which indicators.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Studies {
    /// With their parameters, parted by commas: `ema 21,rsi 14,bb 20 2,macd 12 26 9,vwap`. At most 8.
    studies: String,
}

/// Indicators at the bars of an instrument.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct Indicators {
    symbol: String,
    timeframe: String,
    /// When each bar begins, oldest first.
    start: Vec<Option<String>>,
    studies: Vec<StudyRow>,
}

/// An indicator.
#[derive(Debug, Serialize, ToSchema)]
struct StudyRow {
    /// As it was asked for, with what was not said: `ema 21`.
    study: String,
    lines: Vec<LineRow>,
}

/// One line of an indicator.
#[derive(Debug, Serialize, ToSchema)]
struct LineRow {
    /// Empty where there is but one.
    name: &'static str,
    /// At each bar; null while it warms up.
    values: Vec<Option<String>>,
}

/// Indicators at the newest bars. The last value is that of a bar which may still change.
#[utoipa::path(get, path = "/market/{symbol}/indicators", tag = "market",
               params(("symbol" = String, Path, description = "The instrument", example = "AAPL"), Which, Studies),
               responses((status = 200, body = Indicators)))]
async fn indicators(
    State(context): State<Context>,
    _caller: Caller,
    At(symbol): At<String>,
    Asked(which): Asked<Which>,
    Asked(wanted): Asked<Studies>,
) -> Result<Json<Indicators>, ApiError> {
    let (timeframe, count, from, to) = which.read()?;
    let specs: Vec<StudySpec> = wanted
        .studies
        .split(',')
        .map(|word| {
            let word = word.trim();
            word.parse::<StudySpec>()
                .map_err(|error| ApiError::bad(format!("'{}': {error}", SafeText::new(word))))
        })
        .collect::<Result<_, _>>()?;
    if specs.len() > STUDIES {
        return Err(ApiError::bad(format!(
            "{} studies are too many; at most {STUDIES}",
            specs.len()
        )));
    }
    let (id, calendar) = named(&context, &symbol).await?;
    let stretch = which.from.is_some() || which.to.is_some();
    let asked = if stretch {
        BARS
    } else {
        count.saturating_add(WARM_UP).min(BARS)
    };
    let all = read_bars(&context, id, timeframe, asked).await?;
    let chosen: Vec<usize> = (0..all.len())
        .filter(|at| all[*at].start >= from && all[*at].start < to)
        .collect();
    let chosen = &chosen[chosen.len().saturating_sub(count as usize)..];
    let samples = samples(&all, timeframe, calendar);
    let rows = specs.iter().map(|spec| study(*spec, &samples, chosen));
    Ok(Json(Indicators {
        symbol: id.to_string(),
        timeframe: timeframe.to_string(),
        start: chosen.iter().map(|at| time(Some(all[*at].start))).collect(),
        studies: rows.collect(),
    }))
}

/// Indicators at the newest bar that is here, for a stream of them.
pub(in super::super) fn newest_studies(known: &Known, id: InstrumentId, params: &Params) -> Indicators {
    let timeframe = params.timeframe.unwrap_or(Timeframe::M1);
    let bars = known.market.bars(id, timeframe);
    let calendar = known
        .state
        .instruments
        .get(&id)
        .map(|instrument| instrument.calendar);
    let samples = calendar.map_or_else(Vec::new, |calendar| samples(bars, timeframe, calendar));
    let chosen: Vec<usize> = samples.len().checked_sub(1).into_iter().collect();
    let specs = params
        .studies
        .iter()
        .filter_map(|word| word.parse::<StudySpec>().ok());
    Indicators {
        symbol: id.to_string(),
        timeframe: timeframe.to_string(),
        start: chosen.iter().map(|at| time(Some(bars[*at].start))).collect(),
        studies: specs.map(|spec| study(spec, &samples, &chosen)).collect(),
    }
}

/// Bars as indicators see them: sums that belong to a session begin anew with its trading day.
fn samples(bars: &[Bar], timeframe: Timeframe, calendar: CalendarId) -> Vec<Sample> {
    let mut day = None;
    let session = |bar: &Bar| {
        if !matches!(timeframe, Timeframe::Seconds(_)) {
            return bar.start.0;
        }
        if !day.is_some_and(|day: crate::domain::calendar::TradingDay| day.contains(bar.start)) {
            day = calendar.trading_day(bar.start);
        }
        day.map_or(0, |day| day.start.0)
    };
    let sessions: Vec<i64> = bars.iter().map(session).collect();
    bars.iter()
        .zip(sessions)
        .map(|(bar, session)| Sample::of(bar, session))
        .collect()
}

fn study(spec: StudySpec, samples: &[Sample], chosen: &[usize]) -> StudyRow {
    let mut study = spec.build();
    let values: Vec<_> = samples
        .iter()
        .map(|sample| {
            study.update(sample);
            study.lines()
        })
        .collect();
    let line = |(n, name): (usize, &&'static str)| LineRow {
        name,
        values: chosen
            .iter()
            .map(|at| {
                values[*at][n]
                    .filter(|value| value.is_finite())
                    .map(|value| format!("{value}"))
            })
            .collect(),
    };
    StudyRow {
        study: spec.to_string(),
        lines: spec.lines().iter().enumerate().map(line).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Price, Quantity};

    #[test]
    fn pages_of_trades_join_without_a_gap_and_without_a_beginning_the_newest_are_meant() {
        let all: Vec<Print> = (1..=7)
            .map(|number| Print {
                instrument: InstrumentId::new("AAPL").unwrap(),
                number,
                at: Timestamp(1),
                price: Price::from_raw(100_000_000_000),
                size: Quantity::whole(1).unwrap(),
                aggressor: None,
            })
            .collect();
        let (mut seen, mut after) = (Vec::new(), 0);
        loop {
            let rest = all.iter().filter(|print| print.number > after);
            let (page, next) = page_of(rest, true, 3);
            seen.extend(page.iter().map(|print| print.number));
            match next {
                Some(number) => after = number,
                None => break,
            }
        }
        assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
        let (newest, next) = page_of(all.iter(), false, 2);
        assert_eq!(
            newest.iter().map(|print| print.number).collect::<Vec<_>>(),
            [6, 7]
        );
        assert_eq!(next, None);
    }
}
