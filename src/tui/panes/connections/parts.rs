//! What is planned at the broker, and how its parts that serve data are.

use super::{FRESH, Rows};
use crate::domain::{AccountKey, Spans, Timestamp};
use crate::engine::pause::Pause;
use crate::engine::port::{Farm, FarmKind, Health};
use crate::tui::planned;
use crate::tui::widgets::number;
use crate::tui::widgets::text::{bold, ink};
use std::time::Duration;

/// Farms that are away and shown one by one.
const AWAY: usize = 4;

/// The pause that is on or comes next, and a login that is near, each with the time that is left.
pub(super) fn plan(rows: &mut Rows<'_, '_>, account: AccountKey, health: Option<&Health>) {
    let (view, theme) = (rows.view, rows.view.theme);
    let on = view.state.pauses.get(&account.broker);
    // What the adapter told a while ago may be over by now.
    let told = health.map_or(&[][..], |health| health.planned.as_slice());
    let coming = told
        .iter()
        .filter(|pause| pause.until > view.now && Some(*pause) != on);
    for pause in on.into_iter().chain(coming) {
        let style = if Some(pause) == on {
            bold(theme.warn)
        } else if near(pause, view.now) {
            ink(theme.warn)
        } else {
            ink(theme.text)
        };
        // What is left stands first: a narrow pane cuts the end.
        let words = format!("{}, {}", pause.left(view.now), pause.what);
        rows.pair("planned", &words, style);
    }
}

fn near(pause: &Pause, now: Timestamp) -> bool {
    pause.at.since(now) <= planned::SHOWN_AHEAD
}

/// Each farm that is away with how long it has been, and the names of the others.
pub(super) fn farms(rows: &mut Rows<'_, '_>, health: &Health, told_at: Timestamp) {
    let (view, theme) = (rows.view, rows.view.theme);
    if view.now.since(told_at) > FRESH {
        // Nobody has told how they are since.
        return;
    }
    let (away, there): (Vec<&Farm>, Vec<&Farm>) = health.farms.iter().partition(|farm| farm.state.is_away());
    for farm in away.iter().take(AWAY) {
        let age = number::age(view.now.since(farm.since));
        let words = format!("{} {} {age}", named(farm), farm.state.word());
        rows.pair("farm", &words, ink(theme.warn));
    }
    if away.len() > AWAY {
        rows.pair(
            "farm",
            &format!("{} more away", away.len() - AWAY),
            ink(theme.warn),
        );
    }
    if !there.is_empty() {
        let names: Vec<String> = there.into_iter().map(named).collect();
        rows.pair("farms up", &names.join(", "), ink(theme.dim));
    }
}

/// A farm's name, and what it serves where that is not prices.
fn named(farm: &Farm) -> String {
    match farm.kind {
        FarmKind::Prices => farm.name.to_string(),
        FarmKind::History => format!("{} (history)", farm.name),
        FarmKind::Contracts => format!("{} (contracts)", farm.name),
    }
}

/// How long the terminal's own parts of an order's way take, and the engine's: from a key to the broker's socket, and from
/// the engine's socket to the frame.
pub(super) fn times(rows: &mut Rows<'_, '_>, health: Option<&Health>) {
    let times = rows.view.times;
    let ours = |spans: &Spans| Some((spans.percentile(50)?, spans.percentile(99)?, spans.len()));
    let micros = Duration::from_micros;
    let sent = health.and_then(|health| health.sent);
    let sent = sent.map(|sent| {
        let of = usize::try_from(sent.of).unwrap_or(usize::MAX);
        (micros(sent.p50_us), micros(sent.p99_us), of)
    });
    // What was never measured has no row: a small pane has none to give away.
    let all = [
        ("key → engine", ours(&times.key)),
        ("engine → TWS", sent),
        ("data → screen", ours(&times.screen)),
    ];
    for (label, measured) in all {
        if let Some((p50, p99, of)) = measured {
            let words = format!(
                "p50 {}  p99 {}  of {of}",
                number::latency(p50),
                number::latency(p99)
            );
            rows.pair(label, &words, ink(rows.view.theme.text));
        }
    }
}
