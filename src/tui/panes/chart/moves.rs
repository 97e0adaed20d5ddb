//! The keys that move on a chart: scrolling through the past, and the crosshair by bar and by tick.

use super::cross::Cross;
use super::{Chart, read};
use crate::domain::{InstrumentKind, Price, Timestamp};
use crate::market::Bar;
use crate::tui::action::Action;
use crate::tui::pane::{View, Wish};

/// Bars that one key scrolls.
const STEP: usize = 10;
/// Rows of prices that a page moves the crosshair.
const PAGE: i64 = 5;

impl Chart {
    /// Takes an action that moves; nothing where it is not this pane's business.
    pub(super) fn go(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        self.grip = None;
        match action {
            Action::ScrollLive => (self.held, self.cross) = (None, None),
            Action::Escape if self.cross(view).is_some() => self.cross = None,
            Action::Enter if self.cross(view).is_none() => self.take_cross(view),
            _ if self.cross(view).is_some() => return self.go_cross(action, view),
            Action::Bottom => self.held = None,
            Action::Left => self.scroll(view, true, STEP),
            Action::Right => self.scroll(view, false, STEP),
            Action::PageUp => self.scroll(view, true, STEP * 6),
            Action::PageDown => self.scroll(view, false, STEP * 6),
            Action::Top => self.scroll(view, true, usize::MAX),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn scroll(&mut self, view: &View<'_>, older: bool, columns: usize) {
        let Some(id) = view.instrument else { return };
        let bars = view.market.bars(id, self.timeframe);
        let Some(newest) = self.newest(view, bars) else {
            return;
        };
        let step = columns.saturating_mul(usize::from(self.density().bars()));
        let to = if older {
            // Some bars always stay in sight.
            newest.saturating_sub(step).max(newest.min(STEP))
        } else {
            newest.saturating_add(step)
        };
        self.hold(id, bars, to);
    }
    /// Makes the bar at `to` the newest shown; the chart is live where there is none after it.
    fn hold(&mut self, id: crate::domain::InstrumentId, bars: &[Bar], to: usize) {
        self.held = bars
            .get(to)
            .filter(|_| to + 1 < bars.len())
            .map(|bar| (id, bar.start));
    }

    /// The crosshair begins at the newest bar shown, at its close; at the last price while the chart is live.
    fn take_cross(&mut self, view: &View<'_>) {
        let Some(id) = view.instrument else { return };
        let bars = view.market.bars(id, self.timeframe);
        let Some(bar) = self.newest(view, bars).and_then(|newest| bars.get(newest)) else {
            return;
        };
        let last = read::last(view, id).filter(|_| self.held.is_none());
        self.cross = Some(Cross {
            id,
            at: bar.start,
            price: on_tick(last.unwrap_or(bar.close), read::tick(view, id, bar.close)),
        });
    }
    fn go_cross(&mut self, action: Action, view: &View<'_>) -> Option<Vec<Wish>> {
        let cross = self.cross(view)?;
        let tick = read::tick(view, cross.id, cross.price).raw().max(1);
        let row = self.drawn.get().row.max(tick) / tick * tick;
        let page = row.saturating_mul(PAGE);
        match action {
            Action::Up => self.lift(tick, view),
            Action::Down => self.lift(-tick, view),
            Action::PageUp => self.lift(page, view),
            Action::PageDown => self.lift(-page, view),
            Action::Left => self.walk(-1, view),
            Action::Right => self.walk(1, view),
            Action::Top => self.walk(-i64::from(self.drawn.get().columns).max(1), view),
            Action::Bottom => self.walk(i64::from(self.drawn.get().columns).max(1), view),
            Action::Enter => {}
            _ => return None,
        }
        Some(Vec::new())
    }
    /// Moves the price.
    fn lift(&mut self, by: i64, view: &View<'_>) {
        if let Some(cross) = &mut self.cross {
            let to = Price::from_raw(cross.price.raw().saturating_add(by));
            let instrument = view.state.instruments.get(&cross.id);
            let below_zero = instrument.is_some_and(|instrument| instrument.kind == InstrumentKind::Future);
            // Only dated contracts trade at zero and below.
            let to = if below_zero || to > Price::ZERO {
                to
            } else {
                read::tick(view, cross.id, Price::ZERO)
            };
            cross.price = on_tick(to, read::tick(view, cross.id, to));
        }
    }
    /// Moves by so many columns; where the bar is out of sight, the chart scrolls.
    fn walk(&mut self, columns: i64, view: &View<'_>) {
        let Some(cross) = self.cross(view) else { return };
        let bars = view.market.bars(cross.id, self.timeframe);
        let (Some(newest), Some(here)) = (self.newest(view, bars), place(bars, cross.at)) else {
            return;
        };
        let each = usize::from(self.density().bars());
        let by = usize::try_from(columns.unsigned_abs())
            .unwrap_or(usize::MAX)
            .saturating_mul(each);
        let to = if columns < 0 {
            here.saturating_sub(by)
        } else {
            here.saturating_add(by).min(bars.len() - 1)
        };
        if let (Some(held), Some(bar)) = (&mut self.cross, bars.get(to)) {
            held.at = bar.start;
        }
        let seen = usize::from(self.drawn.get().columns.max(1)).saturating_mul(each);
        if to > newest {
            self.hold(cross.id, bars, to);
        } else if to.saturating_add(seen) <= newest {
            self.hold(cross.id, bars, to.saturating_add(seen - 1));
        }
    }
}

/// The place of the bar that a moment belongs to; of the first for what is older.
fn place(bars: &[Bar], at: Timestamp) -> Option<usize> {
    let after = bars.partition_point(|bar| bar.start <= at);
    (!bars.is_empty()).then(|| after.saturating_sub(1))
}

/// The nearest price on a tick.
fn on_tick(price: Price, tick: Price) -> Price {
    let tick = tick.raw().max(1);
    let down = price.raw().div_euclid(tick).saturating_mul(tick);
    let rest = price.raw().rem_euclid(tick);
    let up = if rest.saturating_mul(2) >= tick { tick } else { 0 };
    Price::from_raw(down.saturating_add(if rest == 0 { 0 } else { up }))
}
