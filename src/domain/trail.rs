//! How far a trailing stop trails, and where its trigger lies for it. Who moves the trigger is the broker; here is the
//! arithmetic, rounded only ever toward less risk.

use super::instrument::TickTable;
use super::number::Price;
use super::order::Side;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How far a trigger stays behind the best price seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Distance {
    /// By this much.
    Amount {
        /// In the price's currency, above zero.
        amount: Price,
    },
    /// By a part of that price.
    Percent {
        /// In hundredths of one per cent: 250 is 2.5 %. Above zero, below 10,000.
        hundredths: u32,
    },
}

/// Why a text is no distance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DistanceError {
    /// Neither a number nor one with a per cent sign.
    #[error("{0}")]
    Number(#[from] super::number::NumberError),
    /// Finer than a hundredth of one per cent.
    #[error("a percentage has at most two decimals, such as 2.25%")]
    TooFine,
    /// Zero, below it, or the whole price and more.
    #[error("a distance is above zero, and below 100%")]
    OutOfRange,
}

impl Distance {
    /// True where it is above zero and, as a percentage, below a hundred.
    pub fn is_sound(self) -> bool {
        match self {
            Self::Amount { amount } => amount > Price::ZERO,
            Self::Percent { hundredths } => (1..10_000).contains(&hundredths),
        }
    }
    /// The distance from `mark` in prices, rounded down: nearer to the market. Nothing where `mark` is not positive.
    pub fn from_mark(self, mark: Price) -> Option<Price> {
        match self {
            Self::Amount { amount } => Some(amount),
            Self::Percent { .. } if mark <= Price::ZERO => None,
            Self::Percent { hundredths } => {
                let part = i128::from(mark.raw()) * i128::from(hundredths) / 10_000;
                i64::try_from(part).ok().map(Price::from_raw)
            }
        }
    }
    /// Where the trigger of an order of `side` lies when `mark` is the best price seen: below it for a sell, above it for
    /// a buy, on a tick that is no further away. Nothing where that is no price.
    pub fn trigger(self, mark: Price, side: Side, ticks: &TickTable) -> Option<Price> {
        let distance = self.from_mark(mark)?;
        let exact = match side {
            Side::Sell => mark.checked_sub(distance)?,
            Side::Buy => mark.checked_add(distance)?,
        };
        let rounded = ticks.toward_less_risk(exact, side);
        (self.is_sound() && rounded > Price::ZERO).then_some(rounded)
    }
    /// As people read it, with an amount as `show` writes it: `0.50`, `2.5%`.
    pub fn text(self, show: impl Fn(Price) -> String) -> String {
        match self {
            Self::Amount { amount } => show(amount),
            Self::Percent { hundredths } => match (hundredths / 100, hundredths % 100) {
                (whole, 0) => format!("{whole}%"),
                (whole, part) if part % 10 == 0 => format!("{whole}.{}%", part / 10),
                (whole, part) => format!("{whole}.{part:02}%"),
            },
        }
    }
}
impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(|amount| format!("{amount:.2}")))
    }
}
impl FromStr for Distance {
    type Err = DistanceError;
    fn from_str(text: &str) -> Result<Self, DistanceError> {
        /// A hundredth of one per cent, as a number with nine decimals counts it.
        const HUNDREDTH: i64 = 10_000_000;
        let distance = match text.strip_suffix('%') {
            None => Self::Amount {
                amount: text.parse()?,
            },
            Some(number) => {
                let raw = number.parse::<Price>()?.raw();
                if raw % HUNDREDTH != 0 {
                    return Err(DistanceError::TooFine);
                }
                let hundredths = u32::try_from(raw / HUNDREDTH).map_err(|_| DistanceError::OutOfRange)?;
                Self::Percent { hundredths }
            }
        };
        if distance.is_sound() {
            Ok(distance)
        } else {
            Err(DistanceError::OutOfRange)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_distance_is_read_exactly_or_refused() {
        let read = |text: &str| text.parse::<Distance>();
        assert_eq!(
            read("0.50"),
            Ok(Distance::Amount {
                amount: "0.5".parse().unwrap()
            })
        );
        assert_eq!(read("2%"), Ok(Distance::Percent { hundredths: 200 }));
        assert_eq!(read("2.05%").unwrap().to_string(), "2.05%");
        assert_eq!(read("2.5%").unwrap().to_string(), "2.5%");
        assert_eq!(read("0.125%"), Err(DistanceError::TooFine));
        for bad in ["0", "0%", "-1", "-1%", "100%", "5000000%"] {
            assert_eq!(read(bad), Err(DistanceError::OutOfRange), "{bad}");
        }
        for bad in ["", "%", "2 %", "1e2%", "nan"] {
            assert!(matches!(read(bad), Err(DistanceError::Number(_))), "{bad}");
        }
    }

    proptest! {
        /// Rounding may bring a trigger nearer to the market, so that less can be lost, and by less than a tick; never
        /// further away, and never off the ticks.
        #[test]
        fn a_trigger_is_never_further_away_than_asked(
            mark in 1i64..5_000_000_000_000,
            amount in 1i64..2_000_000_000_000,
            hundredths in 1u32..10_000,
            sell: bool,
            by_part: bool,
        ) {
            let bands = vec![
                (Price::ZERO, Price::from_raw(100_000)),
                (Price::from_raw(1_000_000_000), Price::from_raw(10_000_000)),
            ];
            let ticks = TickTable::banded(bands).unwrap();
            let (mark, side) = (Price::from_raw(mark), if sell { Side::Sell } else { Side::Buy });
            let distance = if by_part {
                Distance::Percent { hundredths }
            } else {
                Distance::Amount { amount: Price::from_raw(amount) }
            };
            // What was asked for, in ten-thousandths of the price's unit, so that a percentage has no rest.
            let asked = match distance {
                Distance::Amount { amount } => i128::from(amount.raw()) * 10_000,
                Distance::Percent { hundredths } => i128::from(mark.raw()) * i128::from(hundredths),
            };
            if let Some(trigger) = distance.trigger(mark, side, &ticks) {
                prop_assert!(ticks.allows(trigger), "{trigger} is between ticks");
                let away = match side {
                    Side::Sell => i128::from(mark.raw()) - i128::from(trigger.raw()),
                    Side::Buy => i128::from(trigger.raw()) - i128::from(mark.raw()),
                } * 10_000;
                prop_assert!(away <= asked, "{trigger} is further from {mark} than {distance}");
                prop_assert!(asked - away < 2 * i128::from(ticks.tick_at(mark.max(trigger)).raw()) * 10_000);
            } else {
                prop_assert!(side == Side::Sell && asked >= i128::from(mark.raw()) * 10_000);
            }
        }
    }
}
