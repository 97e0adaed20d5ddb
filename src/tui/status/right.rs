//! The right half of the status bar: how well the desk hears the broker, the engine and the market; alerts, profile and clock.

use super::{Part, clock, shortened};
use crate::domain::{BrokerId, LinkState, Timestamp, counted};
use crate::engine::breaker::BreakerState;
use crate::tui::desk::Desk;
use crate::tui::forecast::{bold, span};
use crate::tui::panes::read;
use crate::tui::planned;
use crate::tui::widgets::number;
use std::time::Duration;

pub(super) fn right(desk: &Desk, now: Timestamp) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(account) = desk.world.account {
        parts.extend(link(desk, account.broker, now));
        parts.extend(breaker(desk, account.broker));
        parts.extend(pause(desk, now));
        parts.extend(far(desk, account.broker));
    }
    parts.extend(alerts(desk));
    parts.extend(engine(desk, now));
    parts.extend(feed(desk, now));
    parts.extend(profile(desk));
    parts.push(Part::of(7, vec![span(clock(desk, now), desk.world.theme.dim)]));
    parts
}

/// The link to the broker, since when it is not what it should be, and why: the whole of that is on the message line and in the
/// connections pane.
fn link(desk: &Desk, broker: BrokerId, now: Timestamp) -> Vec<Part> {
    let (world, theme) = (&desk.world, &desk.world.theme);
    let state = world.state.link(broker);
    if state == LinkState::Ready {
        let spans = vec![span("● ", theme.sim), span(state.word(), theme.dim)];
        return vec![Part::of(8, spans)];
    }
    let mut spans = vec![
        span("● ", theme.warn),
        span(format!("{broker} {}", state.word()), theme.warn),
    ];
    let troubled = world.state.links.get(&broker);
    spans.extend(troubled.map(|link| span(format!(" {}", number::age(now.since(link.since))), theme.warn)));
    let why = troubled.and_then(|link| link.impaired.as_ref().or(link.reason.as_ref()));
    let why = why.map(|why| Part::of(4, vec![span(shortened(why.as_str()), theme.warn)]));
    [Part::of(8, spans)].into_iter().chain(why).collect()
}

/// The broker's circuit breaker, where it is not closed.
fn breaker(desk: &Desk, broker: BrokerId) -> Option<Part> {
    let breaker = desk.world.state.breakers.get(&broker)?;
    let words = format!("breaker {}", breaker.state.word());
    let open = breaker.state != BreakerState::Closed;
    open.then(|| Part::of(8, vec![bold(words, desk.world.theme.warn)]))
}

/// A planned pause, on or to come.
fn pause(desk: &Desk, now: Timestamp) -> Option<Part> {
    let (words, on) = planned::words(&desk.world, now)?;
    Some(match on {
        true => Part::of(8, vec![bold(words, desk.world.theme.warn)]),
        false => Part::of(4, vec![span(words, desk.world.theme.dim)]),
    })
}

/// How far the broker is.
fn far(desk: &Desk, broker: BrokerId) -> Option<Part> {
    let us = desk.world.health()?.0.round_trip_us?;
    let there = desk.world.state.link(broker) != LinkState::Down;
    let words = format!("{broker} {}", number::latency(Duration::from_micros(us)));
    there.then(|| Part::of(3, vec![span(words, desk.world.theme.dim)]))
}

/// How far the engine is, or that it is silent.
fn engine(desk: &Desk, now: Timestamp) -> Option<Part> {
    let (world, theme) = (&desk.world, &desk.world.theme);
    let silent = now.since(world.heard_at);
    if silent > Duration::from_secs(5) && world.is_known {
        let words = format!("engine silent {}", number::age(silent));
        return Some(Part::of(8, vec![span("● ", theme.warn), span(words, theme.warn)]));
    }
    let round_trip = world.round_trip?;
    Some(Part::of(5, vec![span(number::latency(round_trip), theme.dim)]))
}

/// How many instruments have a quote whose source is there: none where that is a broker without a link.
fn feed(desk: &Desk, now: Timestamp) -> Option<Part> {
    let theme = &desk.world.theme;
    let all = desk.world.state.instruments.len();
    let quoted = match read::away(&desk.world.view(now)) {
        Some(_) => 0,
        None => desk.world.market.quoted().min(all),
    };
    let colour = if quoted == all { theme.sim } else { theme.warn };
    let spans = vec![
        span("feed ", theme.dim),
        span("● ", colour),
        span(format!("{quoted}/{all}"), theme.dim),
    ];
    (all > 0).then(|| Part::of(4, spans))
}

/// Which profile, where it is not the usual one. A colon is no part of its name: it is a host and a port then, and where orders
/// go has to be seen.
fn profile(desk: &Desk) -> Option<Part> {
    let worth = if desk.profile.contains(':') { 5 } else { 1 };
    let told = desk.profile != "default" && !desk.profile.is_empty();
    told.then(|| Part::of(worth, vec![span(desk.profile.clone(), desk.world.theme.dim)]))
}

/// How many alerts are waited for, and how many fired that nobody has looked at; nothing without either.
fn alerts(desk: &Desk) -> Option<Part> {
    let theme = &desk.world.theme;
    let (live, unseen) = desk.alerts_count();
    let mut spans = Vec::new();
    if unseen > 0 {
        spans.push(bold(format!("{unseen} FIRED"), theme.warn));
    }
    if live > 0 {
        let gap = if spans.is_empty() { "" } else { " " };
        spans.push(span(format!("{gap}{}", counted(live, "alert")), theme.dim));
    }
    let worth = if unseen > 0 { 8 } else { 3 };
    let short = (spans.len() > 1).then(|| spans.iter().take(1).cloned().collect());
    (!spans.is_empty()).then_some(Part { worth, short, spans })
}
