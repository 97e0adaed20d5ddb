//! The columns that the watchlist can show: their names, what an instrument is worth in each (to sort and filter by), and
//! the cell. Which of them are shown, and in what order, is the pane's.

use super::session;
use crate::domain::{InstrumentId, InstrumentKind, Price, Quantity};
use crate::market::short_sale;
use crate::market::terms::Borrow;
use crate::market::{Ticker, Timeframe};
use crate::tui::pane::View;
use crate::tui::panes::read;
use crate::tui::widgets::columns::{Cell, Column};
use crate::tui::widgets::text::{bold, ink};
use crate::tui::widgets::{number, sparkline};
use std::cmp::Ordering;

/// Characters of a session's shape.
const SHAPE: usize = 10;
/// Bars a session's shape is made of, at most: a day of five-minute bars.
const SHAPE_BARS: usize = 288;
/// Characters of the bar of the day's range.
const RANGE: usize = 9;

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Col {
    /// The instrument.
    Symbol,
    /// Its last price.
    Last,
    /// Distance from the previous close.
    Change,
    /// The same in percent.
    Percent,
    /// The shape of the session.
    Spark,
    /// How far the data can be trusted; nothing where they come as they happen.
    Data,
    /// What the market does, and how long still.
    Session,
    /// Best bid.
    Bid,
    /// Best ask.
    Ask,
    /// Size at the best bid.
    BidSize,
    /// Size at the best ask.
    AskSize,
    /// Ask less bid.
    Spread,
    /// Today's volume.
    Volume,
    /// Today's low.
    Low,
    /// Today's high.
    High,
    /// Where the price stands between them.
    Range,
    /// What is held.
    Position,
    /// What that has earned, unrealised.
    Profit,
    /// Whether it can be sold short.
    Short,
    /// Shares, futures, currencies, coins, indices or options.
    Kind,
}

/// Names, head, width, numbers to the right, when it goes.
const COLUMNS: [(Col, &str, Column); 20] = [
    (Col::Symbol, "symbol", Column::text("symbol", 7, 0)),
    (Col::Last, "last", Column::number("last", 9, 0)),
    (Col::Change, "change", Column::number("change", 7, 7)),
    (Col::Percent, "%", Column::number("%", 7, 1)),
    (Col::Spark, "spark", Column::text("day", 10, 4)),
    (Col::Data, "data", Column::text("data", 4, 3).if_said()),
    (Col::Session, "session", Column::text("session", 10, 10)),
    (Col::Bid, "bid", Column::number("bid", 9, 6)),
    (Col::Ask, "ask", Column::number("ask", 9, 6)),
    (Col::BidSize, "bidsize", Column::number("b.size", 6, 8)),
    (Col::AskSize, "asksize", Column::number("a.size", 6, 8)),
    (Col::Spread, "spread", Column::number("spread", 6, 8)),
    (Col::Volume, "volume", Column::number("volume", 6, 5)),
    (Col::Low, "low", Column::number("low", 9, 9)),
    (Col::High, "high", Column::number("high", 9, 9)),
    (Col::Range, "range", Column::text("low─high", 9, 7)),
    (Col::Position, "pos", Column::number("pos", 5, 2)),
    (Col::Profit, "pnl", Column::number("P&L", 9, 8)),
    (Col::Short, "short", Column::text("short", 5, 9)),
    (Col::Kind, "kind", Column::text("kind", 6, 9)),
];

impl Col {
    /// Every column there is.
    pub const ALL: [Self; 20] = [
        Self::Symbol,
        Self::Last,
        Self::Change,
        Self::Percent,
        Self::Spark,
        Self::Data,
        Self::Session,
        Self::Bid,
        Self::Ask,
        Self::BidSize,
        Self::AskSize,
        Self::Spread,
        Self::Volume,
        Self::Low,
        Self::High,
        Self::Range,
        Self::Position,
        Self::Profit,
        Self::Short,
        Self::Kind,
    ];
    /// What is shown where nobody chose.
    pub const USUAL: [Self; 13] = [
        Self::Symbol,
        Self::Last,
        Self::Percent,
        Self::Spark,
        Self::Data,
        Self::Bid,
        Self::Ask,
        Self::Volume,
        Self::Range,
        Self::Position,
        Self::Profit,
        Self::Session,
        Self::Short,
    ];
    fn entry(self) -> &'static (Self, &'static str, Column) {
        COLUMNS
            .iter()
            .find(|entry| entry.0 == self)
            .unwrap_or(&COLUMNS[0])
    }
    /// Its name, as settings and filters write it.
    pub fn name(self) -> &'static str {
        self.entry().1
    }
    /// The column of a name; a few have a second one.
    pub fn named(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let plain = match lower.as_str() {
            "percent" | "pct" | "change%" => "%",
            "position" => "pos",
            "p&l" | "profit" => "pnl",
            "shape" | "day" | "sparkline" => "spark",
            "sizes" => "bidsize",
            "state" => "session",
            "quality" => "data",
            "shortable" => "short",
            other => other,
        };
        COLUMNS.iter().find(|entry| entry.1 == plain).map(|entry| entry.0)
    }
    /// How it is drawn.
    pub fn column(self) -> Column {
        self.entry().2
    }
    /// True where it is compared as a word and not as a number.
    pub fn is_word(self) -> bool {
        matches!(
            self,
            Self::Symbol | Self::Data | Self::Session | Self::Short | Self::Kind
        )
    }
    /// The number of an instrument in this column, for sorting and filtering only; nothing where it is not known. In a
    /// column of pictures it is what the picture is about.
    pub fn number(self, view: &View<'_>, id: InstrumentId) -> Option<f64> {
        let ticker = view.market.ticker(id);
        let quote = ticker.and_then(|ticker| ticker.quote);
        let day = ticker.and_then(|ticker| ticker.day);
        match self {
            Self::Last => Some(ticker?.price()?.to_f64()),
            Self::Change => Some(ticker?.change()?.to_f64()),
            Self::Percent | Self::Spark => ticker?.change_percent(),
            Self::Bid => Some(quote?.bid?.0.to_f64()),
            Self::Ask => Some(quote?.ask?.0.to_f64()),
            Self::BidSize => Some(quote?.bid?.1.to_f64()),
            Self::AskSize => Some(quote?.ask?.1.to_f64()),
            Self::Spread => Some(spread(view, id)?.to_f64()),
            Self::Volume => Some(volume(day?.volume)),
            Self::Low => Some(day?.low.to_f64()),
            Self::High => Some(day?.high.to_f64()),
            Self::Range => {
                let (low, high) = (day?.low.to_f64(), day?.high.to_f64());
                Some((ticker?.price()?.to_f64() - low) / (high - low)).filter(|part| part.is_finite())
            }
            Self::Position => Some(position(view, id)?.to_f64()),
            Self::Profit => Some(profit(view, id)?.to_f64()),
            Self::Session => {
                let instrument = view.state.instruments.get(&id)?;
                let until = session::doing(view, instrument).until?;
                Some(until.since(view.venue_now).as_secs_f64())
            }
            Self::Symbol | Self::Data | Self::Short | Self::Kind => None,
        }
    }
    /// The word of an instrument in this column, for sorting and filtering.
    pub fn word(self, view: &View<'_>, id: InstrumentId) -> String {
        match self {
            Self::Symbol => id.as_str().to_owned(),
            Self::Data => match session::badge(view, id) {
                empty if empty.is_empty() => "live".to_owned(),
                badge => badge.split(' ').next().unwrap_or_default().to_owned(),
            },
            Self::Session => view
                .state
                .instruments
                .get(&id)
                .map_or_else(String::new, |instrument| {
                    session::doing(view, instrument).word.to_owned()
                }),
            Self::Short => shortable(view, id).to_owned(),
            Self::Kind => view
                .state
                .instruments
                .get(&id)
                .map_or("", |instrument| kind_word(instrument.kind))
                .to_owned(),
            _ => String::new(),
        }
    }
    /// What stands in this column.
    pub fn cell(self, view: &View<'_>, id: InstrumentId) -> Cell {
        let theme = view.theme;
        let ticker = view.market.ticker(id);
        let quote = ticker.and_then(|ticker| ticker.quote);
        let day = ticker.and_then(|ticker| ticker.day);
        let price = |price: Option<Price>, known| {
            let color = if price.is_some() { known } else { theme.faint };
            Cell::new(read::price_or_unknown(view, id, price), ink(color))
        };
        let size = |size: Option<Quantity>| match size {
            Some(size) => Cell::new(number::short(i128::from(size.raw())), ink(theme.dim)),
            None => unknown(view),
        };
        match self {
            Self::Symbol => symbol(view, id),
            Self::Last => last(view, id),
            Self::Change => match ticker.and_then(Ticker::change) {
                Some(change) => Cell::new(signed(view, id, change), ink(direction(view, id))),
                None => unknown(view),
            },
            Self::Percent => match ticker.and_then(Ticker::change_percent) {
                Some(change) => Cell::new(number::percent_change(change), ink(direction(view, id))),
                None => unknown(view),
            },
            Self::Spark => Cell::new(shape(view, id), ink(direction(view, id))),
            Self::Data => Cell::new(session::badge(view, id), bold(theme.warn)),
            Self::Session => doing(view, id),
            Self::Bid => price(quote.and_then(|quote| quote.bid).map(|level| level.0), theme.dim),
            Self::Ask => price(quote.and_then(|quote| quote.ask).map(|level| level.0), theme.dim),
            Self::BidSize => size(quote.and_then(|quote| quote.bid).map(|level| level.1)),
            Self::AskSize => size(quote.and_then(|quote| quote.ask).map(|level| level.1)),
            Self::Spread => price(spread(view, id), theme.dim),
            Self::Volume => match day {
                Some(day) => Cell::new(number::short(day.volume), ink(theme.dim)),
                None => unknown(view),
            },
            Self::Low => price(day.map(|day| day.low), theme.dim),
            Self::High => price(day.map(|day| day.high), theme.dim),
            Self::Range => match (day, ticker.and_then(Ticker::price)) {
                (Some(day), Some(at)) => Cell::new(
                    sparkline::between(day.low.raw(), day.high.raw(), at.raw(), RANGE),
                    ink(theme.dim),
                ),
                _ => unknown(view),
            },
            Self::Position => held(view, id),
            Self::Profit => earned(view, id),
            Self::Short => Cell::new(shortable(view, id), ink(theme.dim)),
            Self::Kind => Cell::new(self.word(view, id), ink(theme.dim)),
        }
    }
}

/// A kind of instrument as the name of its group.
pub fn kind_word(kind: InstrumentKind) -> &'static str {
    match kind {
        InstrumentKind::Equity => "equity",
        InstrumentKind::Future => "future",
        InstrumentKind::Forex => "forex",
        InstrumentKind::Crypto => "crypto",
        InstrumentKind::Index => "index",
        InstrumentKind::Option => "option",
    }
}

fn unknown(view: &View<'_>) -> Cell {
    Cell::new(number::UNKNOWN, ink(view.theme.faint))
}

/// The colour of today's change.
pub fn direction(view: &View<'_>, id: InstrumentId) -> ratatui::style::Color {
    match view.market.ticker(id).and_then(Ticker::change_percent) {
        Some(change) if change > 0.0 => view.theme.up,
        Some(change) if change < 0.0 => view.theme.down,
        _ => view.theme.dim,
    }
}

fn symbol(view: &View<'_>, id: InstrumentId) -> Cell {
    let on_desk = view.instrument == Some(id);
    let style = if on_desk {
        bold(view.theme.bright)
    } else {
        ink(view.theme.text)
    };
    Cell::new(id.as_str(), style)
}

fn last(view: &View<'_>, id: InstrumentId) -> Cell {
    let theme = view.theme;
    let last = read::last(view, id);
    let style = match read::flash(view, id) {
        _ if last.is_none() => ink(theme.faint),
        _ if read::away(view).is_some() => ink(theme.dim),
        // In their own colours: of sixteen both grounds become one.
        Some(Ordering::Greater) => bold(theme.up).bg(theme.up_back),
        Some(Ordering::Less) => bold(theme.down).bg(theme.down_back),
        _ => ink(theme.text),
    };
    Cell::new(read::price_or_unknown(view, id, last), style)
}

/// A distance of prices with its sign.
fn signed(view: &View<'_>, id: InstrumentId, change: Price) -> String {
    let near = read::last(view, id).unwrap_or(change);
    let text = number::price(change, read::decimals(view, id, near));
    if change > Price::ZERO {
        format!("+{text}")
    } else {
        text
    }
}

fn spread(view: &View<'_>, id: InstrumentId) -> Option<Price> {
    let quote = view.market.quote(id)?;
    quote.ask?.0.checked_sub(quote.bid?.0)
}

#[allow(clippy::cast_precision_loss, reason = "only compared")]
fn volume(raw: i128) -> f64 {
    raw as f64 / 1e8
}

/// What is held; nothing where nobody knows.
fn position(view: &View<'_>, id: InstrumentId) -> Option<Quantity> {
    let account = view.account?;
    view.state
        .positions_known(account)
        .then(|| view.state.position(account, id).quantity)
}

/// What is held; nothing at all where it is nothing, `--` where it is not known.
fn held(view: &View<'_>, id: InstrumentId) -> Cell {
    let Some(account) = view.account else {
        return Cell::default();
    };
    let quantity = view.state.position(account, id).quantity;
    if quantity.is_zero() {
        let known = view.state.positions_known(account);
        return if known { Cell::default() } else { unknown(view) };
    }
    let color = if quantity.is_positive() {
        view.theme.up
    } else {
        view.theme.down
    };
    Cell::new(view.ours(number::quantity_signed(quantity)), ink(color))
}

fn profit(view: &View<'_>, id: InstrumentId) -> Option<crate::domain::Money> {
    let ledger = view.state.ledgers.get(&(view.account?, id))?;
    if ledger.position.quantity.is_zero() {
        return None;
    }
    read::open_profit(view, id, ledger)
}

fn earned(view: &View<'_>, id: InstrumentId) -> Cell {
    let held = view
        .account
        .is_some_and(|account| !view.state.position(account, id).quantity.is_zero());
    if !held {
        return Cell::default();
    }
    let profit = profit(view, id);
    let currency = view
        .state
        .instruments
        .get(&id)
        .map(|instrument| instrument.currency);
    let color = profit.map_or(view.theme.faint, |profit| read::profit_color(view, profit));
    Cell::new(view.ours(read::profit(profit, currency)), ink(color))
}

/// Whether an instrument can be sold short, as far as that is known here: never where the limits forbid it; contracts
/// and pairs always; shares at the built-in exchange, which lends them, always; elsewhere as the broker says.
pub fn shortable(view: &View<'_>, id: InstrumentId) -> &'static str {
    let Some(instrument) = view.state.instruments.get(&id) else {
        return number::UNKNOWN;
    };
    let lent_here = view
        .account
        .is_some_and(|account| account.broker.as_str() == "sim");
    match instrument.kind {
        InstrumentKind::Index => "",
        _ if !view.state.limits.allow_short => "no",
        InstrumentKind::Future | InstrumentKind::Forex => "yes",
        _ if !view.state.limits.allow_short_sale => "no",
        InstrumentKind::Option => "yes",
        // Only above the bid, as long as the rule holds.
        _ if short_sale::restricted(view.market, instrument, view.venue_now).is_some() => "SSR",
        InstrumentKind::Equity | InstrumentKind::Crypto if lent_here => "yes",
        InstrumentKind::Equity | InstrumentKind::Crypto => view
            .market
            .terms(id)
            .and_then(|terms| terms.borrow)
            .map_or(number::UNKNOWN, Borrow::word),
    }
}

fn doing(view: &View<'_>, id: InstrumentId) -> Cell {
    let Some(instrument) = view.state.instruments.get(&id) else {
        return unknown(view);
    };
    let doing = session::doing(view, instrument);
    let style = match doing.word {
        "HALTED" => bold(view.theme.error),
        "auction" | "pre-open" => ink(view.theme.warn),
        "open" => ink(view.theme.dim),
        _ => ink(view.theme.faint),
    };
    let text = match doing.until {
        Some(until) => format!("{} {}", doing.word, session::short(until.since(view.venue_now))),
        None => doing.word.to_owned(),
    };
    Cell::new(text, style)
}

/// The shape of the session, from five-minute bars, or from those of one minute while the session is young.
fn shape(view: &View<'_>, id: InstrumentId) -> String {
    let start = view
        .state
        .instruments
        .get(&id)
        .and_then(|instrument| instrument.calendar.trading_day(view.venue_now))
        .map(|day| day.start);
    let closes = |timeframe| -> Vec<i64> {
        let bars = view.market.bars(id, timeframe);
        let from = start.map_or(0, |start| bars.partition_point(|bar| bar.start < start));
        let from = from.max(bars.len().saturating_sub(SHAPE_BARS));
        bars[from.min(bars.len())..]
            .iter()
            .map(|bar| bar.close.raw())
            .collect()
    };
    let coarse = closes(Timeframe::M5);
    if coarse.len() >= SHAPE {
        return sparkline::shape(&coarse, SHAPE);
    }
    sparkline::shape(&closes(Timeframe::M1), SHAPE)
}
