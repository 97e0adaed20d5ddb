//! Wilder's average directional index: how much direction there is in the moves, and which.

use super::{LONGEST, Lines, Sample, Study, WilderMean, by_copy};

/// Below this nothing has moved: TA-Lib's bound for zero.
const NOTHING: f64 = 1e-14;

/// A sum as Wilder and TA-Lib have it: the first `period` - 1 values added, then a part taken off before each further one.
#[derive(Clone, Copy, Debug, Default)]
struct WilderSum(f64);

impl WilderSum {
    fn add(&mut self, value: f64, seen: f64, period: f64) {
        if seen >= period {
            self.0 -= self.0 / period;
        }
        self.0 += value;
    }
}

/// The index, the rising and the falling part, 0 to 100. The parts are there from bar `period` on, the index once it has
/// as many differences of theirs to begin its average with.
#[derive(Clone, Debug)]
pub struct Adx {
    bars: usize,
    period: f64,
    before: Option<Sample>,
    /// Moves from bar to bar.
    seen: f64,
    up: WilderSum,
    down: WilderSum,
    range: WilderSum,
    index: WilderMean,
}

impl Adx {
    /// Over `period` bars, 2 to [`LONGEST`]: one bar has no direction to average.
    #[allow(clippy::cast_precision_loss, reason = "a period is at most a thousand")]
    pub fn new(period: usize) -> Self {
        let period = period.clamp(2, LONGEST);
        Self {
            bars: period,
            period: period as f64,
            before: None,
            seen: 0.0,
            up: WilderSum::default(),
            down: WilderSum::default(),
            range: WilderSum::default(),
            index: WilderMean::new(period),
        }
    }
    fn parts(&self) -> Option<(f64, f64)> {
        if self.seen < self.period {
            return None;
        }
        if self.range.0.abs() < NOTHING {
            return Some((0.0, 0.0));
        }
        let percent = |sum: WilderSum| 100.0 * sum.0 / self.range.0;
        Some((percent(self.up), percent(self.down)))
    }
}

impl Study for Adx {
    fn update(&mut self, bar: &Sample) -> Option<f64> {
        let before = self.before.replace(*bar)?;
        self.seen += 1.0;
        let (up, down) = (bar.high - before.high, before.low - bar.low);
        let rising = if up > down { up.max(0.0) } else { 0.0 };
        let falling = if down > up { down.max(0.0) } else { 0.0 };
        let range = bar.high.max(before.close) - bar.low.min(before.close);
        for (sum, value) in [
            (&mut self.up, rising),
            (&mut self.down, falling),
            (&mut self.range, range),
        ] {
            sum.add(value, self.seen, self.period);
        }
        if let Some((plus, minus)) = self.parts() {
            let both = plus + minus;
            // Without a move the average stays as it is.
            if both >= NOTHING {
                self.index.add(100.0 * (plus - minus).abs() / both);
            } else if self.index.value().is_none() {
                self.index.add(0.0);
            }
        }
        self.value()
    }
    fn lines(&self) -> Lines {
        let (plus, minus) = self.parts().unzip();
        [self.index.value(), plus, minus]
    }
    fn reset(&mut self) {
        *self = Self::new(self.bars);
    }
    by_copy!();
}
