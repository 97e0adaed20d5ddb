//! Before the open: links, clocks, accounts, limits, orders and positions from before, what expires, and what nobody told.

use super::{Ground, Line, Mark, clock, is_half, link, place, positions, reconciled, span, trading};
use crate::domain::calendar::SessionState;
use crate::domain::{InstrumentKind, Money, TimeInForce};
use crate::engine::changes;
use crate::market::Quality;
use std::time::Duration;

/// Days before the last trade in which a future is named.
const ROLL: Duration = Duration::from_secs(5 * 86_400);
/// Orders that are listed one by one at most.
const LISTED: usize = 20;

/// The sheet.
pub fn preopen(ground: &Ground<'_>) -> Vec<Line> {
    let mut lines = vec![link(ground), clocks(ground)];
    lines.extend(reconciled(ground));
    lines.push(trading(ground));
    lines.push(limits(ground));
    lines.extend(sessions(ground));
    lines.extend(standing_orders(ground));
    lines.extend(positions(ground, "position", false));
    lines.extend(rolls(ground));
    lines.extend(untold(ground));
    lines.extend(data(ground));
    lines.push(login(ground));
    lines
}

fn clocks(ground: &Ground<'_>) -> Line {
    let (now, venue) = (ground.now, ground.venue_now);
    let apart = now.since(venue).max(venue.since(now));
    if ground.health.is_some() {
        let text =
            "the broker's clock is compared with ours, and a difference is told; no time server is asked";
        return Line::new(Mark::Unknown, "clock", text);
    }
    if apart < Duration::from_secs(1) {
        Line::new(Mark::Good, "clock", "the exchange's clock is ours")
    } else {
        Line::new(
            Mark::Note,
            "clock",
            format!("the venue's time is a tape's: {venue}"),
        )
    }
}

fn limits(ground: &Ground<'_>) -> Line {
    let limits = &ground.state.limits;
    let cost = match (limits.max_order_cost, limits.max_order_bps) {
        (Money::ZERO, 0) => String::new(),
        (cost, 0) => format!(" (of shares, options and coins {})", grouped(cost)),
        (Money::ZERO, bps) => format!(
            " (of shares, options and coins {}.{:02} % of the account)",
            bps / 100,
            bps % 100
        ),
        (cost, bps) => format!(
            " (of shares, options and coins {}, and {}.{:02} % of the account)",
            grouped(cost),
            bps / 100,
            bps % 100
        ),
    };
    let text = format!(
        "an order up to {}{cost}, a position up to {}, {} live orders, prices within {}.{:02} %, shorts {}",
        grouped(limits.max_order_value),
        grouped(limits.max_position_value),
        limits.max_live_orders,
        limits.collar_bps / 100,
        limits.collar_bps % 100,
        match (limits.allow_short, limits.allow_short_sale) {
            (true, true) => "allowed",
            (true, false) => "of futures and currencies alone",
            (false, _) => "not allowed",
        }
    );
    Line::new(Mark::Good, "limits", text)
}

/// Whole units, thousands apart: `2,500,000`.
fn grouped(amount: Money) -> String {
    let digits = format!("{:.0}", amount.round_to(0));
    let mut text = String::new();
    for (at, c) in digits.chars().enumerate() {
        let left = digits.len() - at;
        if at > 0 && left.is_multiple_of(3) && text != "-" {
            text.push(',');
        }
        text.push(c);
    }
    text
}

/// Today's session of each market, and whether it is a short one.
fn sessions(ground: &Ground<'_>) -> Vec<Line> {
    let at = ground.venue_now;
    ground
        .calendars()
        .into_iter()
        .map(|id| {
            let name = place(id).0;
            let session = id.session_at(at);
            let (Some(day), false) = (id.trading_day(at), session.state == SessionState::Unknown) else {
                return Line::new(
                    Mark::Unknown,
                    "session",
                    format!("{name}: the calendar does not reach here"),
                );
            };
            if session.state == SessionState::Closed {
                let next = id.calendar().next_day(at);
                let half = next.is_some_and(|day| is_half(id, &day));
                let until = span(session.until.since(at));
                let text = format!(
                    "{name} closed, opens in {until}{}",
                    if half { "; HALF DAY" } else { "" }
                );
                return Line::new(if half { Mark::Look } else { Mark::Good }, "session", text);
            }
            let hours = format!("{name} {} to {}", clock(id, day.open), clock(id, day.close));
            if is_half(id, &day) {
                Line::new(Mark::Look, "session", format!("{hours}: HALF DAY"))
            } else {
                Line::new(Mark::Good, "session", hours)
            }
        })
        .collect()
}

/// Orders that outlive a day.
fn standing_orders(ground: &Ground<'_>) -> Vec<Line> {
    let stays = |tif| matches!(tif, TimeInForce::Gtc | TimeInForce::Gtd { .. });
    let mut all = ground.orders().filter(|order| stays(order.spec.tif));
    let mut lines: Vec<Line> = all
        .by_ref()
        .take(LISTED)
        .map(|order| {
            let age = span(ground.now.since(order.created_at));
            let text = format!("{} {}, {age} old", order.spec, order.phase.word());
            match changes::over(ground.state, order, ground.venue_now) {
                Some(ex) => {
                    let text = format!(
                        "{text}: OVER ex {} {}, its prices are from before",
                        ex.date, ex.what
                    );
                    Line::new(Mark::Look, "order", text)
                }
                None => Line::new(Mark::Note, "order", text),
            }
        })
        .collect();
    match all.count() {
        0 if lines.is_empty() => lines.push(Line::new(Mark::Good, "order", "no order outlives the day")),
        0 => {}
        more => lines.push(Line::new(Mark::Note, "order", format!("and {more} more"))),
    }
    lines
}

/// Futures and options that end soon.
fn rolls(ground: &Ground<'_>) -> Vec<Line> {
    let (mut lines, mut dated, mut untold) = (Vec::new(), 0, false);
    for id in ground.concerned() {
        let Some(instrument) = ground.instrument(id) else {
            continue;
        };
        if !matches!(instrument.kind, InstrumentKind::Future | InstrumentKind::Option) {
            continue;
        }
        dated += 1;
        // No broker of ours tells the first notice day; one that says how a contract ends says whether there is any.
        match ground.market.terms(id).and_then(|terms| terms.delivers) {
            _ if instrument.kind != InstrumentKind::Future => {}
            Some(true) => {
                let text = format!("{id} is delivered: first notice comes before its last day, look up when");
                lines.push(Line::new(Mark::Look, "roll", text));
            }
            Some(false) => {}
            None => untold = true,
        }
        match instrument.expires {
            None => lines.push(Line::new(
                Mark::Unknown,
                "roll",
                format!("{id}: its last trade is not told"),
            )),
            Some(at) if at.since(ground.venue_now) <= ROLL => {
                let text = format!("{id} trades for {} more", span(at.since(ground.venue_now)));
                lines.push(Line::new(Mark::Look, "roll", text));
            }
            Some(at) => {
                let text = format!("{id} trades for {} more", span(at.since(ground.venue_now)));
                lines.push(Line::new(Mark::Good, "roll", text));
            }
        }
    }
    if dated == 0 {
        lines.push(Line::new(
            Mark::Good,
            "roll",
            "nothing that expires is held or working",
        ));
    } else if untold {
        lines.push(Line::new(Mark::Unknown, "roll", "first notice days are not told"));
    }
    lines
}

/// What matters of shares and no source has told.
fn untold(ground: &Ground<'_>) -> Vec<Line> {
    let shares: Vec<&str> = ground
        .held()
        .filter_map(|(id, _)| ground.instrument(id))
        .filter(|instrument| instrument.kind == InstrumentKind::Equity)
        .map(|instrument| instrument.id.as_str())
        .collect();
    if shares.is_empty() {
        return vec![Line::new(
            Mark::Good,
            "events",
            "no shares are held: no earnings, no ex-dates",
        )];
    }
    let names = shares.join(", ");
    let line = |what: &str| {
        let text = format!("{what} of {names}: no source tells them; look elsewhere");
        Line::new(Mark::Unknown, "events", text)
    };
    vec![line("earnings"), line("ex-dates and splits")]
}

/// Whether what is held and works is quoted, and whether the lines suffice.
fn data(ground: &Ground<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let (mut good, mut all) = (0, 0);
    for id in ground.concerned() {
        all += 1;
        let quality = ground.market.quote(id).map(|quote| quote.quality);
        let why = match quality {
            Some(Quality::Live | Quality::Derived) => {
                good += 1;
                continue;
            }
            None => "no quote",
            Some(Quality::Frozen) => "frozen: the last before the close",
            Some(Quality::Delayed) => "delayed: no subscription for live data",
            Some(Quality::Missing) => "no data: not known to the source, or not subscribed",
            Some(Quality::Competing) => "another session of yours has the data",
            Some(Quality::Halted) => "HALTED",
        };
        lines.push(Line::new(Mark::Look, "data", format!("{id}: {why}")));
    }
    let budget = ground
        .health
        .and_then(|health| health.budgets.iter().find(|each| each.name.as_str() == "lines"));
    if let Some(budget) = budget {
        let waiting = budget.wanted.saturating_sub(budget.used);
        let text = format!("{} of {} lines are used", budget.used, budget.of);
        lines.push(match waiting {
            0 => Line::new(Mark::Good, "data", text),
            some => Line::new(
                Mark::Look,
                "data",
                format!("{text}, {some} instruments wait for one"),
            ),
        });
    }
    let text = match all {
        0 => "nothing held or working needs a quote".to_owned(),
        all => format!("{good} of {all} held or working are quoted"),
    };
    lines.push(Line::new(
        if good == all { Mark::Good } else { Mark::Look },
        "data",
        text,
    ));
    lines
}

fn login(ground: &Ground<'_>) -> Line {
    match ground.account.broker.as_str() {
        "sim" => Line::new(Mark::Good, "sign-in", "the exchange in the box asks for none"),
        broker => Line::new(
            Mark::Unknown,
            "sign-in",
            format!("when {broker} forces the next one is not told; its own settings say"),
        ),
    }
}
