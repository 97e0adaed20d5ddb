//! Which bars stand in which columns: one bar in one or more cells, or many in one cell of dots. Bars are spaced by their
//! order, not by time, so nights and gaps take no room.

use crate::domain::Timestamp;
use crate::market::{Bar, Timeframe};

/// How much of the past a column shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Density {
    /// So many cells for each bar.
    Cells(u16),
    /// So many bars for each column of dots, of which a cell has two.
    Dots(u16),
}

impl Density {
    /// Columns in `cells`.
    pub fn columns(self, cells: u16) -> u16 {
        match self {
            Self::Cells(each) => cells / each.max(1),
            Self::Dots(_) => cells.saturating_mul(2),
        }
    }
    /// Bars in a column.
    pub fn bars(self) -> u16 {
        match self {
            Self::Cells(_) => 1,
            Self::Dots(each) => each.max(1),
        }
    }
}

/// One column: a bar, or several as one.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What is drawn.
    pub bar: Bar,
    /// Place of its last bar in the series.
    pub end: usize,
}

/// The columns up to and with the bar at `newest`, oldest first, at most `most`. Several bars in one column are those of
/// one round stretch of time, so that the picture does not change its grouping when a bar is added.
pub fn columns(bars: &[Bar], newest: usize, most: u16, together: u16, timeframe: Timeframe) -> Vec<Column> {
    let most = usize::from(most);
    let upto = newest.saturating_add(1).min(bars.len());
    let mut made: Vec<Column> = Vec::with_capacity(most);
    let stretch = seconds(timeframe).saturating_mul(i64::from(together.max(1)));
    let mut key = None;
    for (end, bar) in bars[..upto].iter().enumerate().rev() {
        let here = bar.start.seconds().div_euclid(stretch.max(1));
        let full = made.len() == most;
        match made.last_mut() {
            Some(column) if together > 1 && key == Some(here) => column.bar = joined(bar, &column.bar),
            _ if full => break,
            _ => made.push(Column { bar: *bar, end }),
        }
        key = Some(here);
    }
    made.reverse();
    made
}

fn joined(earlier: &Bar, later: &Bar) -> Bar {
    Bar {
        start: earlier.start,
        open: earlier.open,
        high: earlier.high.max(later.high),
        low: earlier.low.min(later.low),
        close: later.close,
        volume: earlier.volume.saturating_add(later.volume),
        value: earlier.value.saturating_add(later.value),
        count: earlier.count.saturating_add(later.count),
        revision: later.revision,
    }
}

/// About how long a bar is, in seconds.
pub fn seconds(timeframe: Timeframe) -> i64 {
    match timeframe {
        Timeframe::Seconds(length) => i64::from(length.max(1)),
        Timeframe::Day => 86_400,
        Timeframe::Week => 604_800,
        Timeframe::Month => 2_592_000,
    }
}

/// The column in which `at` lies; nothing for what is before the first.
pub fn column_of(columns: &[Column], at: Timestamp) -> Option<usize> {
    columns
        .partition_point(|column| column.bar.start <= at)
        .checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Price;

    fn bars(count: i64) -> Vec<Bar> {
        (0..count)
            .map(|n| Bar {
                start: Timestamp::from_seconds(n * 60),
                open: Price::from_raw(n),
                high: Price::from_raw(n + 5),
                low: Price::from_raw(n - 5),
                close: Price::from_raw(n + 1),
                volume: 10,
                value: 0,
                count: 1,
                revision: 1,
            })
            .collect()
    }

    #[test]
    fn joining_keeps_open_extremes_close_and_volume_and_its_grouping() {
        let bars = bars(11);
        let made = columns(&bars, 10, 3, 4, Timeframe::M1);
        let seen: Vec<_> = made
            .iter()
            .map(|c| {
                (
                    c.bar.open.raw(),
                    c.bar.close.raw(),
                    c.bar.low.raw(),
                    c.bar.volume,
                    c.end,
                )
            })
            .collect();
        assert_eq!(seen, [(0, 4, -5, 40, 3), (4, 8, -1, 40, 7), (8, 11, 3, 30, 10)]);
        let earlier = columns(&bars, 9, 3, 4, Timeframe::M1);
        assert_eq!(earlier[0].bar, made[0].bar);
        assert_eq!(earlier[1].bar, made[1].bar);
    }

    #[test]
    fn no_bars_or_no_room_give_no_columns() {
        assert!(columns(&[], 0, 10, 1, Timeframe::M1).is_empty());
        assert!(columns(&bars(3), 2, 0, 1, Timeframe::M1).is_empty());
        assert_eq!(columns(&bars(3), 900, 9, 1, Timeframe::Day).len(), 3);
        assert_eq!(
            column_of(&columns(&bars(3), 2, 9, 1, Timeframe::M1), Timestamp(-1)),
            None
        );
    }
}
