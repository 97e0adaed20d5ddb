//! What a line of any format says ([`Record`]), how numbers in it are read, and how a bar becomes prints by the rule
//! `bar-path`. Refused are NaN, zero, negative and huge numbers, each with what was wanted instead.

use crate::domain::{Money, Price, Quantity, Side};
use std::fmt;
use std::time::Duration;

/// Largest price taken: one thousand million.
const MAX_PRICE: Price = Price::from_raw(1_000_000_000_000_000_000);
/// Largest size taken: ten thousand million.
const MAX_SIZE: Quantity = Quantity::from_raw(1_000_000_000_000_000_000);

/// Why a line can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub String);

impl Broken {
    pub(super) fn field(name: &str, text: &str, wanted: &str) -> Self {
        let shown: String = text.chars().take(32).collect();
        Self(if shown.is_empty() {
            format!("{name} is missing; wanted is {wanted}")
        } else {
            format!("{name} '{shown}' is not {wanted}")
        })
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bid and ask as a line states them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Quotes {
    pub bid: Option<(Price, Quantity)>,
    pub ask: Option<(Price, Quantity)>,
}

/// Open, high, low, close that agree with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    open: Price,
    high: Price,
    low: Price,
    close: Price,
}

impl Bar {
    pub(super) fn checked(open: Price, high: Price, low: Price, close: Price) -> Result<Self, Broken> {
        if low > high || open > high || open < low || close > high || close < low {
            return Err(Broken(format!(
                "open {open}, high {high}, low {low}, close {close} contradict each other"
            )));
        }
        Ok(Self {
            open,
            high,
            low,
            close,
        })
    }

    /// The rule `bar-path`: open, then the extreme nearer to the open (the low where both are as near), then the other
    /// extreme, then the close. A price that repeats its predecessor is left out, so a flat bar is one print.
    fn path(&self) -> Vec<Price> {
        let (up, down) = (
            self.high.raw().saturating_sub(self.open.raw()),
            self.open.raw().saturating_sub(self.low.raw()),
        );
        let (first, second) = if up < down {
            (self.high, self.low)
        } else {
            (self.low, self.high)
        };
        let mut path = vec![self.open];
        for price in [first, second, self.close] {
            if path.last() != Some(&price) {
                path.push(price);
            }
        }
        path
    }

    /// The path with its moments: equal steps from the bar's start, the last one millisecond before its end.
    fn timed(&self, span: Duration) -> Vec<(Duration, Price)> {
        let path = self.path();
        let last = path.len() - 1;
        let step = span / 4;
        path.into_iter()
            .zip(0u32..)
            .enumerate()
            .map(|(at, (price, n))| {
                let end = at == last && at > 0;
                (
                    if end {
                        span.saturating_sub(Duration::from_millis(1))
                    } else {
                        step * n
                    },
                    price,
                )
            })
            .collect()
    }

    /// The prints of a bar: whole units are shared out evenly, the close takes the rest; a volume with fewer units than
    /// prints is shared out in fractions, so that no price of the bar is lost.
    pub(super) fn prints(&self, volume: Quantity, span: Duration) -> Vec<(Duration, Price, Quantity)> {
        let timed = self.timed(span);
        let count = i64::try_from(timed.len()).unwrap_or(4);
        let even = volume.raw() / count;
        let whole = even / Quantity::ONE.raw() * Quantity::ONE.raw();
        let each = if whole > 0 { whole } else { even };
        let last = timed.len() - 1;
        timed
            .into_iter()
            .enumerate()
            .map(|(at, (after, price))| {
                let size = if at == last {
                    volume.raw() - each * (count - 1)
                } else {
                    each
                };
                (after, price, Quantity::from_raw(size))
            })
            .filter(|(_, _, size)| size.is_positive())
            .collect()
    }
}

/// One line, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    Trade {
        price: Price,
        size: Quantity,
        aggressor: Option<Side>,
    },
    Bar(Bar, Quantity, Duration),
    /// The best of the market; a missing side is not quoted.
    Quote(Quotes),
    /// What one exchange quotes; a missing side is left as it was.
    ExchangeQuote(u8, Quotes),
    QuoteBar {
        bid: Option<(Bar, Quantity)>,
        ask: Option<(Bar, Quantity)>,
        span: Duration,
    },
    /// A quote and a trade in one line.
    Both(Quotes, Price, Quantity),
}

impl Record {
    #[cfg(test)]
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Trade { price, size, .. } => format!("trade {price} x {size}"),
            other => format!("{other:?}"),
        }
    }

    /// Prices of the record, for what can be told of a tick.
    pub(super) fn a_price(&self) -> Option<Price> {
        match self {
            Self::Trade { price, .. } | Self::Both(_, price, _) => Some(*price),
            Self::Bar(bar, ..) => Some(bar.close),
            Self::Quote(quotes) | Self::ExchangeQuote(_, quotes) => {
                quotes.bid.or(quotes.ask).map(|side| side.0)
            }
            Self::QuoteBar { bid, ask, .. } => bid.or(*ask).map(|side| side.0.close),
        }
    }

    /// The quotes of a quote bar: both sides at the open and, one millisecond before the end, at the close.
    pub(super) fn bar_quotes(
        bid: Option<(Bar, Quantity)>,
        ask: Option<(Bar, Quantity)>,
        span: Duration,
    ) -> [(Duration, Quotes); 2] {
        let opening = |side: Option<(Bar, Quantity)>| side.map(|(bar, size)| (bar.open, size));
        let closing = |side: Option<(Bar, Quantity)>| side.map(|(bar, size)| (bar.close, size));
        [
            (
                Duration::ZERO,
                Quotes {
                    bid: opening(bid),
                    ask: opening(ask),
                },
            ),
            (
                span.saturating_sub(Duration::from_millis(1)),
                Quotes {
                    bid: closing(bid),
                    ask: closing(ask),
                },
            ),
        ]
    }
}

/// A decimal number as money, whose many places hold any price times ten thousand; exponents of small numbers as some
/// programs write them (`1E-05`) are read as well.
fn decimal(text: &str) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let value = mantissa.parse::<Money>().ok()?.raw();
    let factor = 10i128.checked_pow(exponent.unsigned_abs())?;
    if exponent < 0 {
        (value % factor == 0).then(|| value / factor)
    } else {
        value.checked_mul(factor)
    }
}

/// A positive price; the text is the price times `scale`.
pub(super) fn price(text: &str, scale: i128) -> Result<Price, Broken> {
    let broken = |wanted| Broken::field("price", text, wanted);
    let value = decimal(text).ok_or_else(|| broken("a plain positive number"))?;
    let unit = scale * 100_000_000;
    if value % unit != 0 {
        return Err(broken("exact in nine decimals"));
    }
    i64::try_from(value / unit)
        .ok()
        .map(Price::from_raw)
        .filter(|price| *price > Price::ZERO && *price <= MAX_PRICE)
        .ok_or_else(|| broken("above zero and at most 1000000000"))
}

/// A positive size.
pub(super) fn quantity(text: &str) -> Result<Quantity, Broken> {
    let size = quantity_or_zero(text)?;
    if text.is_empty() || size.is_zero() {
        return Err(Broken::field("size", text, "above zero"));
    }
    Ok(size)
}

/// A size that may be zero or absent, as quotes without sizes have it.
pub(super) fn quantity_or_zero(text: &str) -> Result<Quantity, Broken> {
    if text.is_empty() {
        return Ok(Quantity::ZERO);
    }
    let broken = |wanted| Broken::field("size", text, wanted);
    let value = decimal(text).ok_or_else(|| broken("a plain number"))?;
    i64::try_from(value / 1_000_000_000)
        .ok()
        .filter(|_| value % 1_000_000_000 == 0)
        .map(Quantity::from_raw)
        .filter(|size| !size.is_negative() && *size <= MAX_SIZE)
        .ok_or_else(|| broken("from zero to 10000000000 and exact in eight decimals"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(open: &str, high: &str, low: &str, close: &str) -> Bar {
        let p = |text: &str| text.parse().unwrap();
        Bar::checked(p(open), p(high), p(low), p(close)).unwrap()
    }

    #[test]
    fn numbers_convert_exactly_or_say_why_not() {
        assert_eq!(price("1674100", 10_000).unwrap().to_string(), "167.41");
        assert_eq!(price("0.00001234", 1).unwrap().to_string(), "0.00001234");
        assert_eq!(quantity("1E-05").unwrap().to_string(), "0.00001");
        for bad in [
            "NaN",
            "inf",
            "-1",
            "0",
            "",
            "1e99",
            "99999999999999999999999999",
            "0x10",
            "1,5",
            "1e-30",
        ] {
            assert!(price(bad, 1).is_err(), "{bad}");
            assert!(quantity(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_prints_of_a_bar_make_that_bar_again() {
        for (volume, each) in [("1000", 4), ("3", 4), ("0.00000003", 1)] {
            let bar = bar("10", "10.5", "9.9", "10.2");
            let prints = bar.prints(volume.parse().unwrap(), Duration::from_secs(60));
            let total: i64 = prints.iter().map(|print| print.2.raw()).sum();
            assert_eq!(total, volume.parse::<Quantity>().unwrap().raw());
            assert_eq!(prints.len(), each);
        }
        let up = bar("10", "10.1", "9.5", "9.8").prints(Quantity::ONE, Duration::from_secs(60));
        let prices: Vec<String> = up.iter().map(|print| print.1.to_string()).collect();
        assert_eq!(prices, ["10", "10.1", "9.5", "9.8"], "the nearer extreme first");
        assert!(up.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(
            bar("7", "7", "7", "7")
                .prints(Quantity::ONE, Duration::from_secs(1))
                .len(),
            1
        );
    }
}
