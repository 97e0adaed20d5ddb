//! What several panes read of state and market, in one place: prices with their instrument's decimals, the day's change,
//! and the words for what is not there.

use crate::domain::calendar::SessionState;
use crate::domain::{Currency, InstrumentId, LinkState, Money, Price, Timestamp};
use crate::engine::state::Ledger;
use crate::market::Quality;
use crate::tui::pane::View;
use crate::tui::widgets::number;
use std::collections::BTreeMap;

/// How long a changed price stands out.
const FLASH: std::time::Duration = std::time::Duration::from_millis(400);
/// How many prints are looked at to find when the price changed.
const FLASH_PRINTS: usize = 32;

/// Decimals in which prices of an instrument near `price` are shown.
pub fn decimals(view: &View<'_>, id: InstrumentId, price: Price) -> u32 {
    view.state
        .instruments
        .get(&id)
        .map_or(2, |instrument| instrument.decimals_at(price))
}

/// A price of an instrument as text.
pub fn price(view: &View<'_>, id: InstrumentId, price: Price) -> String {
    number::price(price, decimals(view, id, price))
}

/// A price that may be unknown, as text.
pub fn price_or_unknown(view: &View<'_>, id: InstrumentId, value: Option<Price>) -> String {
    value.map_or_else(|| number::UNKNOWN.to_owned(), |value| price(view, id, value))
}

/// An average price: with two decimals more where it lies between two ticks, as what was paid seldom does on one.
pub fn average(view: &View<'_>, id: InstrumentId, value: Option<Price>) -> String {
    value.map_or_else(
        || number::UNKNOWN.to_owned(),
        |value| {
            let shown = decimals(view, id, value);
            let between = if value.decimals() > shown { 2 } else { 0 };
            number::price(value, shown + between)
        },
    )
}

/// The smallest step of prices near `price`.
pub fn tick(view: &View<'_>, id: InstrumentId, price: Price) -> Price {
    view.state
        .instruments
        .get(&id)
        .map_or(Price::from_raw(10_000_000), |instrument| {
            instrument.ticks.tick_at(price)
        })
}

/// The last price of an instrument, or the middle of its quote.
pub fn last(view: &View<'_>, id: InstrumentId) -> Option<Price> {
    view.market.ticker(id)?.price()
}

/// What there is to say of how new an instrument's prices are; nothing where they come as they happen.
pub fn freshness(view: &View<'_>, id: InstrumentId) -> Option<&'static str> {
    if !view.attached {
        return Some("no link");
    }
    // Whatever the session: a closed market's prices may have moved since the source went away.
    if away(view).is_some() {
        return Some("away");
    }
    let instrument = view.state.instruments.get(&id)?;
    let session = instrument.calendar.session_at(view.venue_now);
    match view.market.quote(id).map(|quote| quote.quality) {
        quality if session.state == SessionState::Closed && quality.is_none_or(Quality::is_there) => {
            Some("closed")
        }
        Some(Quality::Frozen) => Some("frozen"),
        Some(Quality::Delayed) => Some("delayed"),
        Some(Quality::Derived) => Some("derived"),
        Some(Quality::Missing) => Some("no data"),
        Some(Quality::Competing) => Some("data used elsewhere"),
        Some(Quality::Halted) => Some("HALTED"),
        Some(Quality::Live) | None => None,
    }
}

/// As [`freshness`], with since when their source is away, and for data that have not changed for long while the market trades,
/// their age.
pub fn how_old(view: &View<'_>, id: InstrumentId) -> Option<String> {
    use super::watchlist::session;
    away(view)
        .or_else(|| freshness(view, id).map(str::to_owned))
        .or_else(|| session::stale(view, id).map(|age| format!("stale {}", session::short(age))))
}

/// Which way the last price of an instrument moved, if it did so a moment ago.
pub fn flash(view: &View<'_>, id: InstrumentId) -> Option<std::cmp::Ordering> {
    let mut prints = view.market.tape(id).rev().take(FLASH_PRINTS);
    let newest = prints.next()?;
    let mut since = newest.at;
    for print in prints {
        if view.venue_now.since(since) > FLASH {
            return None;
        }
        if print.price != newest.price {
            return Some(newest.price.cmp(&print.price));
        }
        since = print.at;
    }
    None
}

/// A moment in the time zone of an instrument (of New York without one), by a pattern of `strftime`.
pub fn local(view: &View<'_>, id: Option<InstrumentId>, at: Timestamp, pattern: &str) -> String {
    let zone = zone(view, id);
    at.to_jiff().map_or_else(
        || number::UNKNOWN.to_owned(),
        |at| at.to_zoned(zone).strftime(pattern).to_string(),
    )
}

/// The time zone that a person chose, else that of the exchange where an instrument trades.
pub fn zone(view: &View<'_>, id: Option<InstrumentId>) -> jiff::tz::TimeZone {
    use crate::domain::CalendarId;
    if let Some(chosen) = view.zone {
        return chosen.clone();
    }
    let calendar = id
        .and_then(|id| view.state.instruments.get(&id))
        .map(|instrument| instrument.calendar);
    let name = match calendar {
        Some(CalendarId::CmeGlobex) => "America/Chicago",
        Some(CalendarId::Xetra) => "Europe/Berlin",
        _ => "America/New_York",
    };
    // The zones are compiled in; should one be missing, UTC is better than nothing and says so beside the clock.
    jiff::tz::TimeZone::get(name).unwrap_or(jiff::tz::TimeZone::UTC)
}

/// The word for the zone that a person chose; nothing for the exchange's own.
fn zone_word(view: &View<'_>) -> Option<&'static str> {
    view.zone.map(|zone| {
        if *zone == jiff::tz::TimeZone::UTC {
            "UTC"
        } else {
            "local"
        }
    })
}

/// The head over times that [`when`] writes: it names the zone that they are in.
pub fn time_head(view: &View<'_>) -> &'static str {
    match zone_word(view) {
        None => "time NY",
        Some("UTC") => "time UTC",
        Some(_) => "local",
    }
}

/// The same over times at which something fired.
pub fn fired_head(view: &View<'_>) -> &'static str {
    match zone_word(view) {
        None => "fired NY",
        Some("UTC") => "fired UTC",
        Some(_) => "fired local",
    }
}

/// Why a pane that needs the market has nothing to show.
pub fn nothing(view: &View<'_>, waiting_for: &str) -> String {
    if !view.attached {
        return "no link to the engine".to_owned();
    }
    if view.state.instruments.is_empty() {
        return "loading instruments".to_owned();
    }
    waiting_for.to_owned()
}

/// A moment in a list of what happened: the time for the last hours, the date with it for what is older. In New York's
/// time, as the status bar's clock, so that one list has one clock.
pub fn when(view: &View<'_>, at: Timestamp) -> String {
    const RECENT: std::time::Duration = std::time::Duration::from_secs(18 * 3_600);
    if view.venue_now.since(at) > RECENT {
        return local(view, None, at, "%b %d %H:%M");
    }
    local(view, None, at, "%H:%M:%S")
}

/// A moment to the second, with its day in the place of the seconds where that is another than today: by the clock of the status bar.
pub fn moment(view: &View<'_>, at: Timestamp) -> String {
    let day = |at| local(view, view.instrument, at, "%Y-%m-%d");
    let pattern = if day(at) == day(view.now) {
        "%H:%M:%S"
    } else {
        "%b %d %H:%M"
    };
    local(view, view.instrument, at, pattern)
}

/// A notice as it is read: the thousands of its amounts grouped. Whole numbers stay, as they may be names.
pub fn told(text: &str) -> String {
    let word = |word: &str| {
        let from = word.find(|c: char| c.is_ascii_digit() || c == '-').unwrap_or(0);
        let (before, rest) = word.split_at(from);
        let until = rest
            .rfind(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |at| at + 1);
        let (figure, after) = rest.split_at(until);
        if figure.contains('.') {
            format!("{before}{}{after}", number::grouped(figure))
        } else {
            word.to_owned()
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// What a notice tells, with its times of day in the zone that times are shown in: the engine writes them in UTC.
pub fn notice(view: &View<'_>, notice: &crate::engine::state::Notice) -> String {
    told(&in_zone(view, notice.text.as_str(), notice.at))
}

/// A text of the engine with the time that it was told at, which it writes in UTC, in the zone that times are shown in.
pub fn in_zone(view: &View<'_>, text: &str, at: Timestamp) -> String {
    let utc = at.to_jiff().map(|at| at.strftime("%H:%M:%S UTC").to_string());
    utc.map_or_else(
        || text.to_owned(),
        |utc| text.replace(&utc, &local(view, None, at, "%H:%M:%S %Z")),
    )
}

/// True for what must be seen, whatever its level: a position that nothing protects.
pub fn is_loud(notice: &crate::engine::state::Notice) -> bool {
    use crate::engine::state::NoticeLevel;
    notice.level == NoticeLevel::Warning || notice.text.as_str().starts_with("NAKED")
}

/// Why what is shown may be old: no link to the engine, or the broker is not there.
pub fn stale(view: &View<'_>) -> Option<String> {
    unlinked(view, |state| state != LinkState::Ready)
}

/// Why prices are from before, since when: no link to the engine, or none to the broker that they come by. A broker that is
/// only degraded still sends them; what of it is away says so at each quote.
pub fn away(view: &View<'_>) -> Option<String> {
    unlinked(view, |state| {
        matches!(
            state,
            LinkState::Down | LinkState::Connecting | LinkState::Syncing
        )
    })
}

fn unlinked(view: &View<'_>, is_off: impl Fn(LinkState) -> bool) -> Option<String> {
    if !view.attached {
        return Some("no link".to_owned());
    }
    let broker = view.account?.broker;
    let link = view.state.links.get(&broker)?;
    is_off(link.state).then(|| {
        let age = number::age(view.now.since(link.since));
        format!("{broker} {} {age}", link.state.word())
    })
}

/// How much worse a price was, with one decimal more than prices have: the middle of a quote lies between them.
pub fn worse(view: &View<'_>, id: InstrumentId, near: Price, by: Price) -> String {
    number::price(by, decimals(view, id, near).saturating_add(1))
}

/// What an execution's price is held against, in a word.
pub fn hoped_word(hoped: crate::engine::history::Hoped) -> &'static str {
    match hoped {
        crate::engine::history::Hoped::Mid(_) => "mid",
        crate::engine::history::Hoped::Limit(_) => "own",
    }
}

/// A profit in percent of what was paid, with its arrow; nothing where one of them is not known.
pub fn percent(profit: Option<Money>, cost: Money) -> Option<String> {
    let paid = cost.abs().to_f64();
    let profit = profit?.to_f64();
    (paid > 0.0).then(|| number::percent_change(100.0 * profit / paid))
}

/// The rate of a currency in the account's own, with its source and age: `  EUR 1.0841 by EUR.USD 0:02 ago`.
pub fn rate_words(view: &View<'_>, account: crate::domain::AccountKey, currency: Currency) -> String {
    match crate::tui::profit::rate_to_base(view, account, currency) {
        None => format!("  {} {} (no rate)", currency.as_str(), number::UNKNOWN),
        Some((rate, _)) => {
            let age = rate.at.map_or(String::new(), |at| {
                // A market's moment is by the venue's clock, a broker's by ours.
                let of_market = rate.source.as_str().contains('.');
                let now = if of_market { view.venue_now } else { view.now };
                format!(" {} ago", number::age(now.since(at)))
            });
            let price = number::price(rate.price, 4);
            format!("  {} {price} by {}{age}", currency.as_str(), rate.source)
        }
    }
}

/// Since when the day's profit of an instrument is counted: `since 04:00 NY`.
pub fn day_words(view: &View<'_>, instrument: &crate::domain::Instrument) -> String {
    let Some(began) = crate::engine::pnl::day_began(instrument, view.venue_now) else {
        return "the day is not known".to_owned();
    };
    let zone = zone_word(view).unwrap_or(match instrument.calendar {
        crate::domain::CalendarId::CmeGlobex => "Chicago",
        crate::domain::CalendarId::Xetra => "Frankfurt",
        _ => "NY",
    });
    format!(
        "since {} {zone}",
        local(view, Some(instrument.id), began, "%H:%M")
    )
}

/// How a profit looks.
pub fn profit_color(view: &View<'_>, profit: Money) -> ratatui::style::Color {
    match profit.raw().signum() {
        1 => view.theme.up,
        -1 => view.theme.down,
        _ => view.theme.dim,
    }
}

/// The profit of what is held of an instrument, at its mark; nothing where there is no mark.
pub fn open_profit(view: &View<'_>, id: InstrumentId, ledger: &Ledger) -> Option<Money> {
    if ledger.position.quantity.is_zero() {
        return Some(Money::ZERO);
    }
    let mark = view.market.mark(id)?.price;
    ledger.position.unrealized(mark, ledger.multiplier)
}

/// Sums by currency of which some may be unknown: one unknown part makes its whole sum unknown.
#[derive(Debug, Default)]
pub struct Sums(BTreeMap<Currency, Option<Money>>);

impl Sums {
    /// Adds a part.
    pub fn add(&mut self, currency: Currency, part: Option<Money>) {
        let sum = self.0.entry(currency).or_insert(Some(Money::ZERO));
        *sum = match (*sum, part) {
            (Some(sum), Some(part)) => sum.checked_add(part),
            _ => None,
        };
    }
    /// The sum in a currency: zero where nothing was added, nothing where it is not known.
    pub fn of(&self, currency: Currency) -> Option<Money> {
        self.0.get(&currency).copied().unwrap_or(Some(Money::ZERO))
    }
    /// The currencies that something was added in.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.0.keys().copied()
    }
}

/// A profit that may be unknown, as text.
pub fn profit(profit: Option<Money>, currency: Option<Currency>) -> String {
    let decimals = currency.map_or(2, |currency| currency.minor_decimals());
    profit.map_or_else(
        || number::UNKNOWN.to_owned(),
        |profit| number::profit(profit, decimals),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_in_notices_are_grouped_and_names_are_not() {
        assert_eq!(
            told("MAX_VALUE: (1262425.77 USD) over 250000.00, order 1834567890 of 2026-11-27, 10.0.0.1"),
            "MAX_VALUE: (1,262,425.77 USD) over 250,000.00, order 1834567890 of 2026-11-27, 10.0.0.1"
        );
    }
}
