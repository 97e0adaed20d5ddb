//! The day so far of rows that nobody has opened: their bars are asked for one row after the other, those in sight only, and
//! slowly where the broker counts requests for history. Which row comes next is remembered; what is here already is not
//! asked for.

use super::column::Col;
use crate::domain::{InstrumentId, Timestamp};
use crate::market::Timeframe;
use crate::tui::pane::{View, Wish};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

/// Between two rows.
const APART: Duration = Duration::from_secs(1);
/// Between two rows once half of what the broker allows is used: charts and alerts come first.
const APART_WHEN_SCARCE: Duration = Duration::from_secs(30);
/// Fewer bars of five minutes than this show no shape.
const SHAPE: usize = 3;

/// When each row was last asked for.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    asked: RefCell<BTreeMap<(InstrumentId, Timeframe), Timestamp>>,
    last: Cell<Option<Timestamp>>,
}

impl Shapes {
    /// What to ask for now, of these rows with these columns.
    pub(super) fn next(&self, rows: &[InstrumentId], columns: &[Col], view: &View<'_>) -> Option<Wish> {
        let apart = if is_scarce(view) { APART_WHEN_SCARCE } else { APART };
        if !view.attached || self.last.get().is_some_and(|at| view.now.since(at) < apart) {
            return None;
        }
        let mut asked = self.asked.borrow_mut();
        let lacking = rows
            .iter()
            .filter_map(|id| Some((*id, lacks(*id, columns, view)?)));
        let next = lacking.min_by_key(|key| asked.get(key).copied())?;
        asked.retain(|(id, _), _| rows.contains(id));
        asked.insert(next, view.now);
        self.last.set(Some(view.now));
        Some(Wish::Bars(next.0, next.1))
    }
}

/// Which bars a row would need to show its day.
fn lacks(id: InstrumentId, columns: &[Col], view: &View<'_>) -> Option<Timeframe> {
    let has = |wanted: &[Col]| columns.iter().any(|column| wanted.contains(column));
    let calendar = view.state.instruments.get(&id)?.calendar;
    let start = calendar.trading_day(view.venue_now).map(|day| day.start);
    let bars = view.market.bars(id, Timeframe::M5);
    // A day that is young, or has not begun, has few bars and none are missing: those before it are here then.
    let reaches_back = bars
        .first()
        .zip(start)
        .is_some_and(|(bar, start)| bar.start < start);
    if has(&[Col::Spark]) && bars.len() < SHAPE && !reaches_back {
        return Some(Timeframe::M5);
    }
    let day = view.market.ticker(id).and_then(|ticker| ticker.day);
    let has_days = !view.market.bars(id, Timeframe::Day).is_empty();
    (has(&[Col::Range, Col::Low, Col::High]) && day.is_none() && !has_days).then_some(Timeframe::Day)
}

/// True where more than half of the broker's requests for history are used.
fn is_scarce(view: &View<'_>) -> bool {
    let budgets = view
        .health
        .map(|(health, _)| health.budgets.as_slice())
        .unwrap_or_default();
    budgets
        .iter()
        .any(|budget| budget.name.as_str().starts_with("history") && budget.used > budget.of / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::panes::fixture::Desk;

    #[test]
    fn rows_in_sight_are_asked_for_one_after_the_other_and_slowly_where_requests_are_scarce() {
        let mut desk = Desk::rich();
        desk.market.forget_bars();
        let rows: Vec<InstrumentId> = desk.state.instruments.keys().copied().take(3).collect();
        let (shapes, columns) = (Shapes::default(), [Col::Symbol, Col::Spark]);
        let at = |desk: &Desk, seconds: u64| {
            let mut view = desk.view();
            view.now = view.now.after(Duration::from_secs(seconds));
            match shapes.next(&rows, &columns, &view) {
                Some(Wish::Bars(id, timeframe)) => {
                    assert_eq!(timeframe, Timeframe::M5);
                    Some(id)
                }
                _ => None,
            }
        };
        desk.connect();
        let mut scarce = desk.health.take();
        assert_eq!(at(&desk, 0), Some(rows[0]));
        assert_eq!(at(&desk, 0), None, "not all at once");
        assert_eq!([at(&desk, 1), at(&desk, 2)], [Some(rows[1]), Some(rows[2])]);
        if let Some(health) = &mut scarce {
            for budget in &mut health.budgets {
                budget.used = budget.of;
            }
        }
        assert!(scarce.as_ref().is_some_and(|health| {
            health
                .budgets
                .iter()
                .any(|budget| budget.name.as_str().starts_with("history"))
        }));
        desk.health = scarce;
        assert_eq!(at(&desk, 5), None, "charts come first");
        assert_eq!(at(&desk, 40), Some(rows[0]));
        assert!(shapes.next(&rows, &[Col::Symbol], &desk.view()).is_none());
    }
}
