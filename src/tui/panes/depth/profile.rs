//! What was traded at each price of the ladder: today's volume, from the bars of one minute, and of the newest prints who
//! hit the bid and who lifted the ask. A bar tells its range and its volume only, so that its volume is spread evenly over
//! the prices between: an estimate, which the ladder says.

use super::rungs::Rungs;
use crate::domain::{Quantity, Side};
use crate::market::Timeframe;
use crate::tui::pane::View;

/// Today's volume by row, in units of 1e-8.
pub(super) fn volume(view: &View<'_>, rungs: &Rungs) -> Vec<i128> {
    let mut rows = vec![0i128; usize::from(rungs.rows)];
    let day = view
        .state
        .instruments
        .get(&rungs.id)
        .and_then(|instrument| instrument.calendar.trading_day(view.venue_now));
    let bars = view.market.bars(rungs.id, Timeframe::M1);
    let from = day.map_or(0, |day| bars.partition_point(|bar| bar.start < day.start));
    let last = i64::from(rungs.rows) - 1;
    for bar in bars.get(from..).unwrap_or_default() {
        let (top, bottom) = (rungs.line(bar.high, Side::Buy), rungs.line(bar.low, Side::Buy));
        if bottom < 0 || top > last || bottom < top {
            continue;
        }
        let share = bar.volume / (i128::from(bottom) - i128::from(top) + 1);
        for row in top.max(0)..=bottom.min(last) {
            if let Some(sum) = usize::try_from(row).ok().and_then(|row| rows.get_mut(row)) {
                *sum = sum.saturating_add(share);
            }
        }
    }
    rows
}

/// Of the prints that are kept: what was sold into the bid and what was bought from the ask, by row.
pub(super) fn trades(view: &View<'_>, rungs: &Rungs) -> Vec<(Quantity, Quantity)> {
    let mut rows = vec![(Quantity::ZERO, Quantity::ZERO); usize::from(rungs.rows)];
    for print in view.market.tape(rungs.id) {
        let Some(side) = print.aggressor else { continue };
        let row = rungs.row(print.price, side);
        if let Some((sold, bought)) = row.and_then(|row| rows.get_mut(usize::from(row))) {
            let sum = if side == Side::Buy { bought } else { sold };
            *sum = sum.saturating_add(print.size);
        }
    }
    rows
}
