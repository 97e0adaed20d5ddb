//! Builds bars: from prints as they come ([`BarBuilder`]), late ones included, and from smaller bars
//! ([`roll_up`]). An interval without a print has no bar. The finished bars do not depend on the order in
//! which prints arrived; open and close follow the prints' own order (time, then number). Keeping bars is
//! `series`'s work, telling a true print from a false one is `guard`'s.

use super::data::{Bar, Print, Timeframe};
use crate::domain::calendar::{Span, TradingDay};
use crate::domain::{CalendarId, Timestamp};
use std::collections::VecDeque;

/// How many of the newest bars a late print can still amend.
pub const LOOK_BACK: usize = 32;

/// Which prints count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hours {
    /// All of them.
    #[default]
    All,
    /// Those in regular hours; beyond the calendar's years none.
    Regular,
}

/// What a print did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarOutcome {
    /// This bar is new or changed.
    Changed {
        /// As it is now.
        bar: Bar,
        /// True where a newer bar exists already, so that a finished bar was amended.
        amended: bool,
    },
    /// Outside of the hours that count.
    OutOfHours,
    /// Older than all bars that can still be amended.
    TooLate,
    /// Beyond the calendar's years.
    NoInterval,
}

/// A bar that can still change.
#[derive(Clone, Copy, Debug)]
struct Slot {
    span: Span,
    bar: Bar,
    /// Order of the print that gave the open.
    first: (Timestamp, u64),
    /// Order of the print that gave the close.
    last: (Timestamp, u64),
}

impl Slot {
    fn open(span: Span, print: &Print) -> Self {
        let order = (print.at, print.number);
        let bar = Bar {
            start: span.start,
            open: print.price,
            high: print.price,
            low: print.price,
            close: print.price,
            volume: i128::from(print.size.raw()),
            value: value_of(print),
            count: 1,
            revision: 1,
        };
        Self {
            span,
            bar,
            first: order,
            last: order,
        }
    }
    fn add(&mut self, print: &Print) {
        let order = (print.at, print.number);
        if order < self.first {
            self.first = order;
            self.bar.open = print.price;
        }
        if order >= self.last {
            self.last = order;
            self.bar.close = print.price;
        }
        self.bar.high = self.bar.high.max(print.price);
        self.bar.low = self.bar.low.min(print.price);
        self.bar.volume = self.bar.volume.saturating_add(i128::from(print.size.raw()));
        self.bar.value = self.bar.value.saturating_add(value_of(print));
        self.bar.count = self.bar.count.saturating_add(1);
        self.bar.revision = self.bar.revision.saturating_add(1);
    }
}

/// Price times size in units of 1e-17; two 64-bit numbers always fit.
fn value_of(print: &Print) -> i128 {
    i128::from(print.price.raw()) * i128::from(print.size.raw())
}

/// Bars of one instrument and timeframe in the making.
#[derive(Clone, Debug)]
pub struct BarBuilder {
    timeframe: Timeframe,
    calendar: CalendarId,
    hours: Hours,
    look_back: usize,
    /// Ascending; the newest last.
    slots: VecDeque<Slot>,
    /// No bar before this moment can be amended any more.
    horizon: Timestamp,
    /// The trading day that was asked for last, so that the calendar is searched once a day.
    day: Option<TradingDay>,
}

impl BarBuilder {
    /// An empty builder that can amend the last [`LOOK_BACK`] bars.
    pub fn new(timeframe: Timeframe, calendar: CalendarId, hours: Hours) -> Self {
        Self {
            timeframe,
            calendar,
            hours,
            look_back: LOOK_BACK,
            slots: VecDeque::new(),
            horizon: Timestamp::MIN,
            day: None,
        }
    }
    /// The same with another look-back, at least one bar.
    #[must_use]
    pub fn with_look_back(mut self, bars: usize) -> Self {
        self.look_back = bars.max(1);
        self
    }
    /// The length of the bars.
    pub fn timeframe(&self) -> Timeframe {
        self.timeframe
    }
    /// Adds a print to the bar it belongs to.
    pub fn on_print(&mut self, print: &Print) -> BarOutcome {
        if self.hours == Hours::Regular && !self.is_regular(print.at) {
            return BarOutcome::OutOfHours;
        }
        if let Some(newest) = self.slots.back_mut().filter(|slot| slot.span.contains(print.at)) {
            newest.add(print);
            return BarOutcome::Changed {
                bar: newest.bar,
                amended: false,
            };
        }
        let Some(span) = self.timeframe.interval(self.calendar, print.at) else {
            return BarOutcome::NoInterval;
        };
        if span.start < self.horizon {
            return BarOutcome::TooLate;
        }
        self.add_at(span, print)
    }
    /// Goes on from ascending bars that came ready-made, in place of those kept for the same intervals.
    /// Prints that follow are added to them; their opens stay.
    pub fn go_on_from(&mut self, bars: &[Bar]) {
        for bar in &bars[bars.len().saturating_sub(self.look_back)..] {
            let Some(span) = self.timeframe.interval(self.calendar, bar.start) else {
                continue;
            };
            if span.start < self.horizon {
                continue;
            }
            let slot = Slot {
                span,
                bar: *bar,
                first: (Timestamp::MIN, 0),
                last: (span.start, 0),
            };
            match self
                .slots
                .binary_search_by_key(&span.start, |slot| slot.span.start)
            {
                Ok(at) if self.slots[at].bar == *bar => {}
                Ok(at) => self.slots[at] = slot,
                Err(at) => self.insert(at, slot),
            }
        }
    }
    /// The newest bar.
    pub fn newest(&self) -> Option<Bar> {
        self.slots.back().map(|slot| slot.bar)
    }

    fn add_at(&mut self, span: Span, print: &Print) -> BarOutcome {
        let at = match self
            .slots
            .binary_search_by_key(&span.start, |slot| slot.span.start)
        {
            Ok(at) => {
                self.slots[at].add(print);
                at
            }
            Err(at) => {
                if at == 0 && self.slots.len() >= self.look_back {
                    return BarOutcome::TooLate;
                }
                let amended = at < self.slots.len();
                let slot = Slot::open(span, print);
                self.insert(at, slot);
                return BarOutcome::Changed {
                    bar: slot.bar,
                    amended,
                };
            }
        };
        BarOutcome::Changed {
            bar: self.slots[at].bar,
            amended: at + 1 < self.slots.len(),
        }
    }
    fn insert(&mut self, at: usize, slot: Slot) {
        self.slots.insert(at, slot);
        if self.slots.len() > self.look_back
            && let Some(gone) = self.slots.pop_front()
        {
            self.horizon = self.horizon.max(gone.span.end);
        }
    }
    fn is_regular(&mut self, at: Timestamp) -> bool {
        if !self.day.is_some_and(|day| day.contains(at)) {
            self.day = self.calendar.trading_day(at);
        }
        self.day.is_some_and(|day| day.is_regular(at))
    }
}

/// Adds the later bar `more` to `bar`. The revision is the sum, so that it grows with every change of either.
fn join(bar: &mut Bar, more: &Bar) {
    bar.high = bar.high.max(more.high);
    bar.low = bar.low.min(more.low);
    bar.close = more.close;
    bar.volume = bar.volume.saturating_add(more.volume);
    bar.value = bar.value.saturating_add(more.value);
    bar.count = bar.count.saturating_add(more.count);
    bar.revision = bar.revision.saturating_add(more.revision);
}

/// Longer bars from shorter ones. `bars` ascend and none reaches over an end of the longer interval; those
/// beyond the calendar's years are left out.
pub fn roll_up(bars: &[Bar], timeframe: Timeframe, calendar: CalendarId) -> Vec<Bar> {
    let mut rolled: Vec<Bar> = Vec::new();
    let mut span: Option<Span> = None;
    for bar in bars {
        if let (true, Some(current)) = (
            span.is_some_and(|span| span.contains(bar.start)),
            rolled.last_mut(),
        ) {
            join(current, bar);
            continue;
        }
        span = timeframe.interval(calendar, bar.start);
        rolled.extend(span.map(|span| Bar {
            start: span.start,
            ..*bar
        }));
    }
    rolled
}

/// The one longer bar around `at`, from ascending shorter ones: what to ask when one of them has changed.
pub fn roll_up_at(bars: &[Bar], timeframe: Timeframe, calendar: CalendarId, at: Timestamp) -> Option<Bar> {
    let span = timeframe.interval(calendar, at)?;
    let first = bars.partition_point(|bar| bar.start < span.start);
    let after = bars.partition_point(|bar| bar.start < span.end);
    let (head, tail) = bars.get(first..after)?.split_first()?;
    let mut rolled = Bar {
        start: span.start,
        ..*head
    };
    for bar in tail {
        join(&mut rolled, bar);
    }
    Some(rolled)
}

/// Leaves the bars that start in regular hours.
pub fn regular_hours(bars: &[Bar], calendar: CalendarId) -> Vec<Bar> {
    let calendar = calendar.calendar();
    let regular = |bar: &&Bar| {
        calendar
            .trading_day(bar.start)
            .is_some_and(|day| day.is_regular(bar.start))
    };
    bars.iter().filter(regular).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{InstrumentId, Price, Quantity};
    use proptest::prelude::*;

    fn print(second: i64, number: u64, price: i64) -> Print {
        Print {
            instrument: InstrumentId::new("X").unwrap(),
            number,
            at: Timestamp::from_seconds(1_381_152_600 + second),
            price: Price::from_raw(price * 1_000_000_000),
            size: Quantity::ONE,
            aggressor: None,
        }
    }
    fn bars_of(prints: &[Print]) -> Vec<Bar> {
        let mut builder =
            BarBuilder::new(Timeframe::S5, CalendarId::UsEquity, Hours::All).with_look_back(100);
        for print in prints {
            assert!(matches!(builder.on_print(print), BarOutcome::Changed { .. }));
        }
        builder.slots.iter().map(|slot| slot.bar).collect()
    }

    #[test]
    fn a_late_print_amends_its_bar_and_a_very_late_one_is_told() {
        let mut builder = BarBuilder::new(Timeframe::S5, CalendarId::UsEquity, Hours::All).with_look_back(2);
        builder.on_print(&print(1, 2, 10));
        builder.on_print(&print(6, 3, 11));
        let BarOutcome::Changed { bar, amended: true } = builder.on_print(&print(0, 1, 7)) else {
            panic!("not amended");
        };
        assert_eq!(
            (bar.open.raw() / 1_000_000_000, bar.close.raw() / 1_000_000_000),
            (7, 10)
        );
        assert_eq!((bar.count, bar.revision), (2, 2));
        builder.on_print(&print(11, 4, 12));
        assert_eq!(builder.on_print(&print(2, 5, 12)), BarOutcome::TooLate);
    }

    #[test]
    fn regular_hours_end_at_the_close() {
        let mut builder = BarBuilder::new(Timeframe::Day, CalendarId::UsEquity, Hours::Regular);
        assert_eq!(builder.on_print(&print(-1, 1, 10)), BarOutcome::OutOfHours);
        assert!(matches!(
            builder.on_print(&print(0, 2, 11)),
            BarOutcome::Changed { .. }
        ));
        assert_eq!(
            builder.on_print(&print(6 * 3600 + 1800, 3, 12)),
            BarOutcome::OutOfHours
        );
        assert_eq!(builder.newest().unwrap().count, 1);
    }

    proptest! {
        #[test]
        fn any_order_of_arrival_gives_the_same_bars(
            prints in prop::collection::vec((0i64..200, 1i64..50), 1..60), seed: u64,
        ) {
            let prints: Vec<Print> =
                (1..).zip(&prints).map(|(number, (second, price))| print(*second, number, *price)).collect();
            let mut mixed = prints.clone();
            mixed.sort_by_key(|print| (print.number ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let fives = bars_of(&prints);
            prop_assert_eq!(&fives, &bars_of(&mixed));
            // A minute rolled up from fives in one go equals the one rolled up interval by interval.
            let minutes = roll_up(&fives, Timeframe::M1, CalendarId::UsEquity);
            for minute in &minutes {
                prop_assert_eq!(
                    roll_up_at(&fives, Timeframe::M1, CalendarId::UsEquity, minute.start), Some(*minute)
                );
            }
            prop_assert_eq!(minutes.iter().map(|bar| bar.count).sum::<u64>(), prints.len() as u64);
        }
    }
}
