//! Studies that alerts wait for, grown bar by bar: each finished bar is taken once. The bar in the making is not looked at,
//! so that an alert does not fire on a value that the bar's end takes back.

use crate::domain::{CalendarId, InstrumentId, SafeText, Timestamp};
use crate::market::bars::roll_up;
use crate::market::studies::{Sample, Study, StudySpec};
use crate::market::{Bar, Market, Timeframe};
use std::collections::BTreeMap;

/// A study on an instrument's bars.
type Key = (InstrumentId, Timeframe, SafeText);

/// One study with the bars it has taken.
#[derive(Debug)]
struct Line {
    study: Box<dyn Study>,
    /// The first bar that was there when it began.
    first: Timestamp,
    /// The last bar it took.
    taken: Option<Timestamp>,
}

/// All studies that are in use.
#[derive(Debug, Default)]
pub(super) struct Studies {
    lines: BTreeMap<Key, Line>,
    /// Says nothing: for a glance, which must cost little.
    is_blind: bool,
}

impl Clone for Studies {
    /// Empty: what they hold is made from the market again.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Studies {
    /// Studies that say nothing.
    pub(super) fn blind() -> Self {
        Self {
            is_blind: true,
            ..Self::default()
        }
    }
    /// The bars of an instrument are others now.
    pub(super) fn forget(&mut self, instrument: InstrumentId) {
        self.lines.retain(|(of, ..), _| *of != instrument);
    }
    /// Keeps only what is in use.
    pub(super) fn keep(&mut self, used: &std::collections::BTreeSet<Key>) {
        self.lines.retain(|key, _| used.contains(key));
    }
    /// The value at the newest finished bar; nothing while it warms up.
    pub(super) fn value(
        &mut self,
        market: &Market,
        (instrument, timeframe, study): (InstrumentId, Timeframe, &SafeText),
    ) -> Option<f64> {
        if self.is_blind {
            return None;
        }
        let calendar = market.instrument(instrument)?.calendar;
        let base = market.bars(instrument, timeframe.base()?);
        let first = base.first()?.start;
        let key = (instrument, timeframe, study.clone());
        if self.lines.get(&key).is_some_and(|line| first < line.first) {
            // History came in before what was taken.
            self.lines.remove(&key);
        }
        let line = match self.lines.entry(key) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let spec: StudySpec = study.as_str().parse().ok()?;
                entry.insert(Line {
                    study: spec.build(),
                    first,
                    taken: None,
                })
            }
        };
        line.take(base, timeframe, calendar);
        line.study.value()
    }
}

impl Line {
    fn take(&mut self, base: &[Bar], timeframe: Timeframe, calendar: CalendarId) {
        // From the bar after the last one taken, which begins where that one's interval ends.
        let from = self.taken.map_or(0, |taken| {
            let end = timeframe
                .interval(calendar, taken)
                .map_or(taken.after(std::time::Duration::from_nanos(1)), |span| span.end);
            base.partition_point(|bar| bar.start < end)
        });
        let newer = base.get(from..).unwrap_or_default();
        if timeframe.base() == Some(timeframe) {
            self.feed(newer, calendar);
        } else if !newer.is_empty() {
            self.feed(&roll_up(newer, timeframe, calendar), calendar);
        }
    }
    /// Takes all but the newest, which may still change.
    fn feed(&mut self, bars: &[Bar], calendar: CalendarId) {
        let finished = bars.len().saturating_sub(1);
        for bar in bars.iter().take(finished) {
            let session = calendar.trading_day(bar.start).map_or(0, |day| day.start.0);
            self.study.update(&Sample::of(bar, session));
            self.taken = Some(bar.start);
        }
    }
}
