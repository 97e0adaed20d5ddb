//! The panes of the Risk workspace, one file each, and what they share: the figures of the account on the desk, counted
//! anew at most once a second while they are looked at, and the daily bars that those rest on, asked for one instrument at
//! a time. What the figures mean, the engine says (`engine/figures`).

pub mod at_risk;
pub mod correlation;
pub mod exposure;
pub mod limits;
#[cfg(test)]
mod tests;

use crate::domain::{AccountKey, Money, Timestamp};
use crate::engine::figures::{self, Figures};
use crate::market::Timeframe;
use crate::tui::pane::{View, Wish};
use crate::tui::widgets::number;
use std::cell::{Cell, RefCell};
use std::time::Duration;

pub use at_risk::AtRisk;
pub use correlation::CorrelationPane;
pub use exposure::ExposurePane;
pub use limits::LimitsPane;

/// How long figures stay as they are.
const STAY: Duration = Duration::from_secs(1);
/// How long after it was drawn a pane still wants bars.
const SEEN_FOR: Duration = Duration::from_secs(5);
/// With fewer daily bars of an instrument more are asked for.
const ENOUGH: usize = 60;

/// Figures as they were counted.
#[derive(Debug)]
struct Counted {
    of: AccountKey,
    at: Timestamp,
    /// The event up to which they are true.
    sequence: u64,
    figures: Result<Figures, String>,
}

/// Figures that are counted anew when they are old.
#[derive(Debug, Default)]
struct Kept {
    figures: RefCell<Option<Counted>>,
    /// When they were last looked at.
    seen: Cell<Option<Timestamp>>,
    /// Which instrument's bars are asked for next.
    turn: Cell<usize>,
}

impl Kept {
    /// Looks at the figures of the account on the desk; nothing without an account.
    fn look<T>(&self, view: &View<'_>, show: impl FnOnce(Result<&Figures, &str>) -> T) -> Option<T> {
        let account = view.account?;
        self.seen.set(Some(view.now));
        let mut kept = self.figures.borrow_mut();
        let is_old = kept.as_ref().is_none_or(|kept| {
            let moved = kept.sequence != view.state.sequence || view.now.since(kept.at) >= STAY;
            kept.of != account || (moved && !view.holding)
        });
        if is_old {
            let bars = |id| view.market.bars(id, Timeframe::Day);
            let histories = figures::histories(view.state, account, view.venue_now, bars);
            let health = view.health.map(|(health, _)| health);
            *kept = Some(Counted {
                of: account,
                at: view.now,
                sequence: view.state.sequence,
                figures: figures::look(view.state, view.market, health, &histories, account),
            });
        }
        let figures = &kept.as_ref()?.figures;
        Some(show(figures.as_ref().map_err(String::as_str)))
    }

    /// The next daily bars that are wanted, while somebody looks.
    fn wants(&self, view: &View<'_>) -> Option<Wish> {
        let account = view.account?;
        let seen = self.seen.get().filter(|at| view.now.since(*at) < SEEN_FOR);
        seen?;
        let few = |id: &crate::domain::InstrumentId| view.market.bars(*id, Timeframe::Day).len() < ENOUGH;
        let wanted = figures::wanted(view.state, account)
            .into_iter()
            .map(|instrument| instrument.id);
        let missing: Vec<_> = wanted.filter(few).collect();
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        let id = missing.get(turn.checked_rem(missing.len())?)?;
        Some(Wish::Bars(*id, Timeframe::Day))
    }
}

/// Basis points as per cent with one decimal; `--` where not known.
fn percent(bps: Option<i64>) -> String {
    bps.map_or_else(
        || number::UNKNOWN.to_owned(),
        |bps| {
            let tenths = bps.saturating_add(5 * bps.signum()) / 10;
            let sign = if tenths < 0 { "-" } else { "" };
            format!(
                "{sign}{}.{}",
                tenths.unsigned_abs() / 10,
                tenths.unsigned_abs() % 10
            )
        },
    )
}

/// An amount in whole units; `--` where not known.
fn whole(amount: Option<Money>) -> String {
    amount.map_or_else(
        || number::UNKNOWN.to_owned(),
        |amount| number::money(amount.round_to(0), 0),
    )
}

/// An amount of a statistic in whole units, grouped.
fn counted(amount: f64) -> String {
    if !amount.is_finite() {
        return number::UNKNOWN.to_owned();
    }
    // A loss of nothing is no negative one.
    let text = format!("{amount:.0}");
    number::grouped(if text == "-0" { "0" } else { &text })
}
