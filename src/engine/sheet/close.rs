//! Before the close: the auction's cut-off, orders that expire, what is left over night, whether we and the broker agree,
//! and what the day made.

use super::{Ground, Line, Mark, clock, link, place, positions, reconciled, span};
use crate::domain::calendar::{SessionState, TradingDay};
use crate::domain::{CalendarId, Order, TimeInForce, Timestamp};
use crate::engine::abilities::Abilities;
use crate::engine::statement::Statement;
use std::time::Duration;

/// When the listing exchanges of American shares stop taking orders for the closing auction, before the close: the New
/// York Stock Exchange both kinds; Nasdaq those at the market. Both publish it, and keep the distance on half days.
const CUT_OFFS: [(&str, Duration); 2] = [
    ("NYSE MOC and LOC", Duration::from_secs(600)),
    ("Nasdaq MOC", Duration::from_secs(300)),
];
/// Orders that are listed one by one at most.
const LISTED: usize = 20;
/// A cut-off nearer than this is named aloud.
const SOON: Duration = Duration::from_secs(900);

/// The sheet.
pub fn close(ground: &Ground<'_>) -> Vec<Line> {
    let mut lines = vec![link(ground)];
    lines.extend(closes(ground));
    lines.extend(auction(ground));
    lines.extend(expiring(ground));
    lines.extend(positions(ground, "over night", true));
    lines.extend(reconciled(ground));
    lines.extend(result(ground));
    lines
}

/// When each market closes.
fn closes(ground: &Ground<'_>) -> Vec<Line> {
    let at = ground.venue_now;
    let line = |id: CalendarId| {
        let name = place(id).0;
        let session = id.session_at(at);
        let Some(day) = id.trading_day(at) else {
            return Line::new(
                Mark::Unknown,
                "close",
                format!("{name}: the calendar does not reach here"),
            );
        };
        let text = match session.state {
            SessionState::Pre => format!(
                "{name} opens at {}, closes at {}",
                clock(id, day.open),
                clock(id, day.close)
            ),
            SessionState::Open => format!(
                "{name} closes in {}, at {}",
                span(day.close.since(at)),
                clock(id, day.close)
            ),
            SessionState::Post => format!(
                "{name} closed; trading after hours ends in {}",
                span(day.end.since(at))
            ),
            SessionState::Closed | SessionState::Unknown => {
                format!("{name} closed, opens in {}", span(session.until.since(at)))
            }
        };
        Line::new(Mark::Note, "close", text)
    };
    ground.calendars().into_iter().map(line).collect()
}

/// How long orders for the closing auction are taken, and those that are working.
fn auction(ground: &Ground<'_>) -> Vec<Line> {
    let topic = "auction";
    if !Abilities::of(ground.account.broker).takes_kind(crate::domain::OrderKind::MarketOnClose) {
        let text = format!(
            "{} has no closing auction: MOC and LOC are not taken",
            ground.account.broker
        );
        return vec![Line::new(Mark::Note, topic, text)];
    }
    let at = ground.venue_now;
    let mut lines = Vec::new();
    if ground.calendars().contains(&CalendarId::UsEquity) {
        match CalendarId::UsEquity.trading_day(at) {
            Some(day) if at < day.close => {
                lines.extend(CUT_OFFS.map(|(name, before)| cut_off(name, day.close.before(before), at)));
            }
            _ => lines.push(Line::new(Mark::Note, topic, "over for today")),
        }
    }
    for order in ground.orders().filter(|order| order.spec.kind.is_on_close()) {
        let text = format!("{} {}", order.spec, order.phase.word());
        lines.push(Line::new(Mark::Note, topic, text));
    }
    lines
}

fn cut_off(name: &str, until: Timestamp, at: Timestamp) -> Line {
    let shown = clock(CalendarId::UsEquity, until);
    if at >= until {
        return Line::new(Mark::Look, "auction", format!("{name}: cut off since {shown}"));
    }
    let left = until.since(at);
    let mark = if left < SOON { Mark::Look } else { Mark::Note };
    Line::new(
        mark,
        "auction",
        format!("{name} until {shown}, {} left", span(left)),
    )
}

/// Orders that end with the day.
fn expiring(ground: &Ground<'_>) -> Vec<Line> {
    let at = ground.venue_now;
    let ends = |order: &Order, day: TradingDay| {
        if order.spec.outside_hours {
            day.end
        } else {
            day.close
        }
    };
    let mut all = ground.orders().filter(|order| order.spec.tif == TimeInForce::Day);
    let mut lines: Vec<Line> = all
        .by_ref()
        .take(LISTED)
        .map(|order| {
            let calendar = ground.instrument(order.spec.instrument).map(|i| i.calendar);
            let end = calendar.and_then(|id| Some((id, ends(order, id.trading_day(at)?))));
            let (mark, when) = match end {
                Some((id, end)) if end > at => (
                    Mark::Note,
                    format!("expires in {}, at {}", span(end.since(at)), clock(id, end)),
                ),
                Some((id, _)) => (
                    Mark::Note,
                    format!("lives until the next close of {}", place(id).0),
                ),
                None => (Mark::Unknown, "its session is not known".to_owned()),
            };
            // What protects and ends with the day leaves the position bare over night.
            let protects = order.spec.kind.is_stop()
                && ground
                    .state
                    .position(order.spec.account, order.spec.instrument)
                    .side()
                    == Some(order.spec.side.opposite());
            let (mark, tail) = if protects {
                (Mark::Look, ": a stop that ends with the day")
            } else {
                (mark, "")
            };
            Line::new(mark, "day order", format!("{} {when}{tail}", order.spec))
        })
        .collect();
    match all.count() {
        0 if lines.is_empty() => lines.push(Line::new(Mark::Good, "day order", "none is working")),
        0 => {}
        more => lines.push(Line::new(Mark::Note, "day order", format!("and {more} more"))),
    }
    lines
}

/// What the day made, and where all of it stands.
fn result(ground: &Ground<'_>) -> Vec<Line> {
    let statement = Statement::of(ground.state, ground.market, ground.venue_now, ground.account);
    let mut lines: Vec<Line> = statement
        .totals()
        .into_iter()
        .map(|(currency, fees, realized, day)| {
            let places = currency.minor_decimals();
            let show =
                |amount: crate::domain::Money| format!("{:.*}", places as usize, amount.round_to(places));
            let text = format!(
                "{}: day {}, realised {}, fees {}",
                currency.as_str(),
                day.map_or("--".to_owned(), show),
                show(realized),
                show(fees)
            );
            Line::new(
                if day.is_some() { Mark::Note } else { Mark::Unknown },
                "day P&L",
                text,
            )
        })
        .collect();
    let unknown: usize = statement.rows.iter().map(|row| row.fees_unknown).sum();
    if unknown > 0 {
        lines.push(Line::new(
            Mark::Unknown,
            "fees",
            format!("of {unknown} executions are not told yet"),
        ));
    }
    let fills = statement.fills.len();
    let text = format!("{fills} fills today; 'tradewind statement' lists them, --csv for a file");
    lines.push(Line::new(Mark::Note, "statement", text));
    lines
}
