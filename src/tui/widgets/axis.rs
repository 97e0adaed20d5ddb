//! Scales and what stands beside them: where a price lies among rows, which round prices are worth a grid line, and which
//! moments are worth a label.

use crate::domain::Price;
use std::cmp::Ordering;

/// Prices from top to bottom of so many rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    high: i64,
    low: i64,
    rows: u16,
}

impl Scale {
    /// A scale that shows `low` to `high` with a little air; nothing where there is no row to show them in.
    pub fn around(low: Price, high: Price, tick: Price, rows: u16) -> Option<Self> {
        if rows == 0 {
            return None;
        }
        let (low, high) = (low.min(high).raw(), low.max(high).raw());
        let tick = tick.raw().max(1);
        let range = high.saturating_sub(low);
        // The ends lie on round numbers, so that the picture does not breathe with each print.
        let grain = nice_step(range / 16, tick);
        let air = (range / 50).max(tick);
        let down = low.saturating_sub(air).div_euclid(grain).saturating_mul(grain);
        let up = high
            .saturating_add(air)
            .saturating_add(grain - 1)
            .div_euclid(grain)
            .saturating_mul(grain);
        Some(Self {
            high: up,
            low: down,
            rows,
        })
    }
    /// How many rows it has.
    pub fn rows(&self) -> u16 {
        self.rows
    }
    /// What a row stands for, in units of prices.
    pub fn per_row(&self) -> i64 {
        self.high.saturating_sub(self.low) / i64::from(self.rows.max(1))
    }
    /// True where `price` lies on it.
    pub fn shows(&self, price: Price) -> bool {
        self.beyond(price).is_none()
    }
    /// Greater where `price` lies above it, less where below.
    pub fn beyond(&self, price: Price) -> Option<Ordering> {
        match price.raw() {
            raw if raw > self.high => Some(Ordering::Greater),
            raw if raw < self.low => Some(Ordering::Less),
            _ => None,
        }
    }
    /// Which of `steps` equal parts of the scale holds `price`, 0 at the top; held at the ends.
    pub fn part(&self, price: Price, steps: u16) -> u16 {
        let last = i128::from(steps.saturating_sub(1));
        let range = (i128::from(self.high) - i128::from(self.low)).max(1);
        let below = i128::from(self.high) - i128::from(price.raw());
        let part = (below * last * 2 + range) / (range * 2);
        u16::try_from(part.clamp(0, last)).unwrap_or(0)
    }
    /// The row of `price`; held at the ends.
    pub fn row(&self, price: Price) -> u16 {
        self.part(price, self.rows.saturating_mul(2)) / 2
    }
    /// The same for a value that a study made, in parts; nothing outside of the scale.
    pub fn part_of_value(&self, value: f64, steps: u16) -> Option<u16> {
        let raw = value * 1e9;
        // Far beyond the range of a price the conversion would saturate; such a value is not on the scale anyway.
        if !raw.is_finite() || raw.abs() > 9.0e18 {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, reason = "checked just above to fit")]
        let price = Price::from_raw(raw as i64);
        self.shows(price).then(|| self.part(price, steps))
    }
    /// Round prices worth a grid line, at least `apart` rows between them, highest first.
    pub fn grid(&self, tick: Price, apart: u16) -> Vec<Price> {
        let range = self.high.saturating_sub(self.low);
        let lines = i64::from((self.rows / apart.max(1)).max(1));
        let step = nice_step(range / lines, tick.raw().max(1));
        let mut prices = Vec::new();
        let mut at = self.high.div_euclid(step).saturating_mul(step);
        while at >= self.low && prices.len() < usize::from(self.rows) {
            prices.push(Price::from_raw(at));
            let Some(next) = at.checked_sub(step) else { break };
            at = next;
        }
        prices
    }
}

/// The smallest 1, 2, 2.5 or 5 times a power of ten that is not below `least` and a multiple of `tick`; where no such
/// number is in range, a multiple of the tick.
pub fn nice_step(least: i64, tick: i64) -> i64 {
    let least = least.max(tick);
    let mut power: i64 = 1;
    while let Some(next) = power.checked_mul(10) {
        // 2.5 times a power of ten is a whole number from ten on.
        for step in [power, power * 2, power * 5 / 2, power.saturating_mul(5)] {
            if step >= least && step % tick == 0 && (power > 1 || step != 2) {
                return step;
            }
        }
        power = next;
    }
    least.div_euclid(tick).saturating_add(1).saturating_mul(tick)
}

/// Spans worth a label on a time axis, in seconds.
const SPANS: [i64; 17] = [
    5, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 604_800,
    2_592_000,
];

/// How far apart labels on a time axis are, in seconds, if a cell stands for `seconds` and labels want `cells` each.
pub fn time_step(seconds: i64, cells: u16) -> i64 {
    let wanted = seconds.saturating_mul(i64::from(cells));
    SPANS
        .into_iter()
        .find(|span| *span >= wanted)
        .unwrap_or(31_536_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str) -> Price {
        text.parse().unwrap()
    }

    #[test]
    fn grid_lines_are_round_and_on_the_tick() {
        let scale = Scale::around(p("188.91"), p("189.97"), p("0.01"), 20).unwrap();
        let grid: Vec<String> = scale
            .grid(p("0.01"), 4)
            .iter()
            .map(|price| format!("{price:.2}"))
            .collect();
        assert_eq!(grid, ["190.00", "189.75", "189.50", "189.25", "189.00"]);
        let future = Scale::around(p("5010.25"), p("5013.75"), p("0.25"), 20).unwrap();
        assert!(
            future
                .grid(p("0.25"), 4)
                .iter()
                .all(|price| price.raw() % p("0.25").raw() == 0)
        );
        assert_eq!(Scale::around(p("1"), p("2"), p("0.01"), 0), None);
    }

    #[test]
    fn every_price_has_a_row_even_at_the_ends_of_the_range() {
        for (low, high) in [
            (i64::MIN, i64::MAX),
            (0, 0),
            (5, 5),
            (i64::MAX, i64::MAX),
            (i64::MIN, i64::MIN),
        ] {
            let (low, high) = (Price::from_raw(low), Price::from_raw(high));
            let scale = Scale::around(low, high, Price::from_raw(1), 7).unwrap();
            assert!(scale.row(low) < 7 && scale.row(high) <= scale.row(low));
            let _ = scale.grid(Price::from_raw(1), 3);
        }
        let scale = Scale::around(p("10"), p("20"), p("1"), 11).unwrap();
        assert_eq!((scale.row(p("-500")), scale.row(p("500"))), (10, 0));
        assert_eq!(scale.part_of_value(f64::NAN, 4), None);
        assert_eq!(scale.part_of_value(1e300, 4), None);
    }
}
