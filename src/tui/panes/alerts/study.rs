//! Values of studies that alerts wait for, as the list shows them: made from the bars that are here, at the newest finished
//! one as in the engine, and kept until a bar is added. Nothing fires by them.

use crate::domain::{InstrumentId, SafeText, Timestamp};
use crate::engine::alerts::{Condition, Test, Value};
use crate::market::studies::{Sample, StudySpec};
use crate::market::{Market, Timeframe};
use std::collections::BTreeMap;

/// More studies than this are made anew instead of kept.
const KEPT: usize = 256;

/// A study on an instrument's bars.
type Key = (InstrumentId, Timeframe, SafeText);

/// What was made before.
#[derive(Debug, Default)]
pub(super) struct Values {
    kept: BTreeMap<Key, ((Timestamp, usize), Option<f64>)>,
}

impl Values {
    /// How far a test's left side is from its right one, and the left side, where both are known.
    pub(super) fn distance(&mut self, market: &Market, test: &Test) -> Option<(f64, f64)> {
        let Test::Market {
            instrument,
            left,
            right,
            ..
        } = test
        else {
            return None;
        };
        let now = self.of(market, *instrument, left)?;
        Some((now, self.of(market, *instrument, right)? - now))
    }

    fn of(&mut self, market: &Market, instrument: InstrumentId, value: &Value) -> Option<f64> {
        match value {
            Value::Number(number) => Some(number.to_f64()),
            Value::Price(field) => crate::engine::alerts::measure::price(market, instrument, *field)
                .map(crate::domain::Price::to_f64),
            Value::DayPercent => market.ticker(instrument)?.change_percent(),
            Value::Study { study, timeframe } => self.study(market, (instrument, *timeframe, study.clone())),
        }
    }

    fn study(&mut self, market: &Market, key: Key) -> Option<f64> {
        let (instrument, timeframe, _) = key;
        let bars = market.bars(instrument, timeframe);
        let stands = (bars.last()?.start, bars.len());
        if let Some((_, value)) = self.kept.get(&key).filter(|(at, _)| *at == stands) {
            return *value;
        }
        let calendar = market.instrument(instrument)?.calendar;
        let mut study = key.2.as_str().parse::<StudySpec>().ok()?.build();
        for bar in &bars[..bars.len().saturating_sub(1)] {
            let session = calendar.trading_day(bar.start).map_or(0, |day| day.start.0);
            study.update(&Sample::of(bar, session));
        }
        let value = study.value();
        if self.kept.len() >= KEPT {
            self.kept.clear();
        }
        self.kept.insert(key, (stands, value));
        value
    }
}

/// The bars that a condition's studies are made of.
pub(super) fn bars_of(condition: &Condition) -> Vec<(InstrumentId, Timeframe)> {
    let mut all = Vec::new();
    condition.each(&mut |test| {
        if let Test::Market {
            instrument,
            left,
            right,
            ..
        } = test
        {
            for value in [left, right] {
                if let Value::Study { timeframe, .. } = value {
                    all.push((*instrument, *timeframe));
                }
            }
        }
    });
    all
}
