//! Values of studies at all bars, kept from frame to frame: finished bars are reckoned once, the newest one at each frame.
//! What a late print or a history changed before them is noticed by the bars' revisions, and all is reckoned anew.

use crate::domain::calendar::TradingDay;
use crate::domain::{CalendarId, InstrumentId};
use crate::market::studies::{Sample, Study, StudySpec};
use crate::market::{Bar, Timeframe};

/// The lines of a study at one bar; not a number where there is none.
pub type Point = [f64; 3];

/// One study and its values.
#[derive(Debug)]
struct Kept {
    spec: StudySpec,
    /// As of the last finished bar.
    study: Box<dyn Study>,
    /// How many finished bars are in it.
    known: usize,
    points: Vec<Point>,
}

/// The studies of a chart with their values.
#[derive(Debug, Default)]
pub struct Values {
    of: Option<(InstrumentId, Timeframe)>,
    /// How many finished bars are in, and a number that other bars would not give.
    finished: usize,
    print: u64,
    kept: Vec<Kept>,
}

fn mix(print: u64, bar: &Bar) -> u64 {
    let one = bar.start.0.cast_unsigned() ^ u64::from(bar.revision).rotate_left(40);
    (print ^ one).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
}

impl Values {
    /// Brings the values of `specs` up to date with `bars`.
    pub fn refresh(
        &mut self,
        (id, timeframe): (InstrumentId, Timeframe),
        calendar: CalendarId,
        bars: &[Bar],
        specs: &[StudySpec],
    ) {
        let finished = bars.len().saturating_sub(1);
        let (mut print, mut before) = (0, 0);
        for (at, bar) in bars[..finished].iter().enumerate() {
            if at == self.finished {
                before = print;
            }
            print = mix(print, bar);
        }
        if self.finished == finished {
            before = print;
        }
        let goes_on = self.of == Some((id, timeframe)) && self.finished <= finished && before == self.print;
        if !goes_on {
            self.kept.clear();
        }
        self.kept.retain(|kept| specs.contains(&kept.spec));
        for spec in specs {
            if !self.kept.iter().any(|kept| kept.spec == *spec) {
                self.kept.push(Kept {
                    spec: *spec,
                    study: spec.build(),
                    known: 0,
                    points: Vec::with_capacity(bars.len()),
                });
            }
        }
        (self.of, self.finished, self.print) = (Some((id, timeframe)), finished, print);
        let mut sessions = Sessions {
            calendar,
            timeframe,
            day: None,
        };
        for kept in &mut self.kept {
            // What stands after the known ones was that of a bar that was not finished.
            let known = kept.known.min(finished);
            kept.points.truncate(known);
            for bar in &bars[known..finished] {
                kept.study.update(&Sample::of(bar, sessions.of(bar)));
                kept.points
                    .push(kept.study.lines().map(|line| line.unwrap_or(f64::NAN)));
            }
            kept.known = finished;
            if let Some(bar) = bars.last() {
                let ahead = kept.study.peek_lines(&Sample::of(bar, sessions.of(bar)));
                kept.points.push(ahead.map(|line| line.unwrap_or(f64::NAN)));
            }
        }
    }
    /// The values of a study at all bars, by their place in the series.
    pub fn of(&self, spec: StudySpec) -> &[Point] {
        let found = self.kept.iter().find(|kept| kept.spec == spec);
        found.map_or(&[], |kept| &kept.points)
    }
}

/// Names the session of each bar: its trading day. A day and more is a session of its own.
struct Sessions {
    calendar: CalendarId,
    timeframe: Timeframe,
    day: Option<TradingDay>,
}

impl Sessions {
    fn of(&mut self, bar: &Bar) -> i64 {
        if !matches!(self.timeframe, Timeframe::Seconds(_)) {
            return bar.start.0;
        }
        if !self.day.is_some_and(|day| day.contains(bar.start)) {
            self.day = self.calendar.trading_day(bar.start);
        }
        self.day.map_or(0, |day| day.start.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Price, Timestamp};

    #[test]
    fn values_kept_from_frame_to_frame_are_those_of_a_fresh_start() {
        let specs: Vec<StudySpec> = StudySpec::OFFERED.to_vec();
        let key = (InstrumentId::new("X").unwrap(), Timeframe::M1);
        let mut bars: Vec<Bar> = Vec::new();
        let mut kept = Values::default();
        for step in 0..400i64 {
            let price = Price::from_raw(100_000_000_000 + (step * 7919 % 997) * 10_000_000);
            match step % 5 {
                // A finished bar is amended, and now and then a history comes in before all.
                4 if step % 25 == 4 => bars.insert(
                    0,
                    Bar {
                        start: Timestamp::from_seconds(-step),
                        ..bars[0]
                    },
                ),
                4 => {
                    let at = bars.len() / 2;
                    (bars[at].close, bars[at].revision) = (price, bars[at].revision + 1);
                }
                // The newest changes.
                3 => {
                    let newest = bars.last_mut().unwrap();
                    (newest.close, newest.revision) = (price, newest.revision + 1);
                }
                _ => bars.push(Bar {
                    start: Timestamp::from_seconds(1_381_152_600 + step * 60),
                    open: price,
                    high: Price::from_raw(price.raw() + 5_000_000),
                    low: Price::from_raw(price.raw() - 9_000_000),
                    close: price,
                    volume: 100 * i128::from(step % 13 + 1),
                    value: 0,
                    count: 1,
                    revision: 1,
                }),
            }
            kept.refresh(key, CalendarId::UsEquity, &bars, &specs);
            let mut fresh = Values::default();
            fresh.refresh(key, CalendarId::UsEquity, &bars, &specs);
            for spec in &specs {
                let bits = |values: &Values| -> Vec<[u64; 3]> {
                    values
                        .of(*spec)
                        .iter()
                        .map(|point| point.map(f64::to_bits))
                        .collect()
                };
                assert_eq!(bits(&kept), bits(&fresh), "{spec} at {step}");
                assert_eq!(kept.of(*spec).len(), bars.len());
            }
        }
    }
}
