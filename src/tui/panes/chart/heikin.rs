//! Heikin-Ashi: each candle's close is the mean of its bar's four prices, its open the middle of the candle before; the
//! first candle opens in the middle of its bar.

use crate::domain::Price;
use crate::market::Bar;

/// The candles of `bars`, oldest first. Prices are for the eye: they lie on no tick.
pub fn candles(bars: &[Bar]) -> Vec<Bar> {
    let mut before: Option<(Price, Price)> = None;
    bars.iter()
        .map(|bar| {
            let four = [bar.open, bar.high, bar.low, bar.close];
            let sum: i128 = four.iter().map(|price| i128::from(price.raw())).sum();
            // The mean of four lies within their range.
            let close = Price::from_raw(i64::try_from(sum.div_euclid(4)).unwrap_or(bar.close.raw()));
            let (from, to) = before.unwrap_or((bar.open, bar.close));
            let open = Price::from_raw(from.raw().midpoint(to.raw()));
            before = Some((open, close));
            Bar {
                open,
                close,
                high: bar.high.max(open).max(close),
                low: bar.low.min(open).min(close),
                ..*bar
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn candles_are_those_of_the_formula() {
        let bar = |open: i64, high: i64, low: i64, close: i64| Bar {
            start: Timestamp(0),
            open: Price::from_raw(open),
            high: Price::from_raw(high),
            low: Price::from_raw(low),
            close: Price::from_raw(close),
            volume: 1,
            value: 0,
            count: 1,
            revision: 1,
        };
        let made = candles(&[bar(100, 120, 80, 110), bar(110, 130, 105, 125), bar(0, 8, 0, 4)]);
        let seen: Vec<_> = made
            .iter()
            .map(|bar| [bar.open, bar.high, bar.low, bar.close].map(Price::raw))
            .collect();
        // (100 + 110) / 2, mean 102.5; then (105 + 102) / 2, mean 117.5; then (103 + 117) / 2, mean 3.
        assert_eq!(
            seen,
            [[105, 120, 80, 102], [103, 130, 103, 117], [110, 110, 0, 3]]
        );
        let wild = candles(&[
            bar(i64::MAX, i64::MAX, i64::MIN, i64::MAX),
            bar(i64::MIN, 0, i64::MIN, 0),
        ]);
        assert!(
            wild.iter()
                .all(|bar| bar.low <= bar.close && bar.close <= bar.high)
        );
    }
}
