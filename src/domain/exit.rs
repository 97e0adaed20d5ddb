//! Where a protective stop or a profit target lies: at a price, so far from the entry, or at a multiple of what is risked.
//! Read from a sentence or from a named template, and turned into a price here, rounded only ever toward less risk. Who
//! asks for such orders is the engine.

use super::instrument::TickTable;
use super::number::{NumberError, Price};
use super::order::{Role, Side};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// More ticks than this are a slip of the hand, not a distance.
const MOST_TICKS: u32 = 100_000;
/// More than this many times the risk is one too.
const MOST_MULTIPLE: i64 = 1_000;
/// A hundredth, as a number with nine decimals counts it.
const HUNDREDTH: i64 = 10_000_000;

/// Which way a distance was said to go. A stop lies where the loss is and a target where the gain is, so the sign may be
/// left out of a distance in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Not said.
    Open,
    /// `+`.
    Plus,
    /// `-`.
    Minus,
}

/// Where a stop or a target lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ExitPrice {
    /// At this price: `188`.
    At(Price),
    /// So many ticks from the entry: `-8t`.
    Ticks(u32, Sign),
    /// This far from the entry: `-0.40`.
    Away(Price, Sign),
    /// So many hundredths of the distance between entry and stop: `2R` is 200. For targets only.
    Multiple(u32),
}

/// Why a text says no such place, or a place can't be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExitError {
    /// No number.
    #[error("{0}; a price is 188, a distance -8t or -0.40, a multiple of the risk 2R")]
    Number(#[from] NumberError),
    /// Ticks are counted.
    #[error("ticks are a whole number from 1 to 100000, such as -8t")]
    Ticks,
    /// A distance of nothing.
    #[error("a distance is above zero")]
    Zero,
    /// Zero, too large, or too fine.
    #[error("a multiple of the risk is 0.01R to 1000R, with two decimals at most")]
    Multiple,
    /// A stop can't be measured by itself.
    #[error("a stop is a price or a distance; R counts from the stop and is for targets")]
    StopInR,
    /// A multiple of nothing.
    #[error("R counts from the stop: give one, such as stop -8t target 2R")]
    NoStop,
    /// The sign says the other side.
    #[error("the {word} of a {side} lies {place} the entry: {nearest}")]
    OtherSide {
        /// `stop` or `target`.
        word: &'static str,
        /// `buy` or `sell`.
        side: &'static str,
        /// `above` or `below`.
        place: &'static str,
        /// The same distance on the right side.
        nearest: String,
    },
    /// A stop that is to move, and none.
    #[error("a breakeven or a trail moves the stop: give one, such as stop -8t")]
    NoStopToMove,
    /// A price where a distance belongs.
    #[error("how a stop moves is said in distances: 8t, +0.40 or 1R")]
    NoDistance,
    /// How to move, and not when.
    #[error(
        "breakeven_offset goes with a breakeven or trail_after with a trail; this template has no breakeven or trail"
    )]
    NothingMoves,
    /// It would go past the market that sends it.
    #[error("the offset of a breakeven lies nearer the entry than the gain that sends the stop there")]
    OffsetTooFar,
    /// It leads to zero or below, or out of range.
    #[error("from an entry at {entry} that is no price")]
    NoPrice {
        /// The entry.
        entry: Price,
    },
}

impl ExitPrice {
    /// The price of a leg of an entry of `side` at `entry`. `stop` is where the order's stop lies, for targets that
    /// count from it.
    ///
    /// # Errors
    /// The sign names the side where the leg can't be, a multiple has no stop, or the result is no price.
    pub fn price(
        self,
        role: Role,
        side: Side,
        entry: Price,
        stop: Option<Price>,
        ticks: &TickTable,
    ) -> Result<Price, ExitError> {
        let up = (role == Role::Target) == (side == Side::Buy);
        let signed = |distance: i64| if up { distance } else { -distance };
        self.is_possible(role, side)?;
        let exact = match self {
            Self::At(price) => return Ok(price),
            Self::Ticks(count, _) => {
                let on_tick = ticks.toward_less_risk(entry, side);
                Some(ticks.step(on_tick, signed(i64::from(count))))
            }
            Self::Away(distance, _) => entry.checked_add(Price::from_raw(signed(distance.raw()))),
            Self::Multiple(hundredths) => {
                let risk = i128::from(entry.raw()) - i128::from(stop.ok_or(ExitError::NoStop)?.raw());
                let distance = risk.abs() * i128::from(hundredths) / 100;
                let distance = i64::try_from(distance).ok().map(signed);
                distance.and_then(|distance| entry.checked_add(Price::from_raw(distance)))
            }
        };
        exact
            .map(|exact| ticks.toward_less_risk(exact, side.opposite()))
            .filter(|price| *price > Price::ZERO)
            .ok_or(ExitError::NoPrice { entry })
    }

    /// A buy's sign says what it says. A sell's may mean the price's way or the profit's, and both lead to the one place
    /// where the leg can be.
    fn is_possible(self, role: Role, side: Side) -> Result<(), ExitError> {
        let (Self::Ticks(_, sign) | Self::Away(_, sign)) = self else {
            return match (self, role) {
                (Self::Multiple(_), Role::StopLoss) => Err(ExitError::StopInR),
                _ => Ok(()),
            };
        };
        let right = if role == Role::Target {
            Sign::Plus
        } else {
            Sign::Minus
        };
        if side == Side::Sell || sign == Sign::Open || sign == right {
            return Ok(());
        }
        let other = match self {
            Self::Ticks(count, _) => Self::Ticks(count, right),
            Self::Away(distance, _) => Self::Away(distance, right),
            same => same,
        };
        let (word, place) = match role {
            Role::Target => ("target", "above"),
            _ => ("stop", "below"),
        };
        Err(ExitError::OtherSide {
            word,
            side: "buy",
            place,
            nearest: other.to_string(),
        })
    }
}

impl FromStr for ExitPrice {
    type Err = ExitError;
    fn from_str(text: &str) -> Result<Self, ExitError> {
        let (sign, bare) = match text.as_bytes().first() {
            Some(b'-') => (Sign::Minus, &text[1..]),
            Some(b'+') => (Sign::Plus, &text[1..]),
            _ => (Sign::Open, text),
        };
        if let Some(count) = bare.strip_suffix(['t', 'T']) {
            let plain = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
            let count = count.parse().ok().filter(|_| plain);
            let count = count.filter(|count| (1..=MOST_TICKS).contains(count));
            return count
                .map(|count| Self::Ticks(count, sign))
                .ok_or(ExitError::Ticks);
        }
        if let Some(times) = bare.strip_suffix(['r', 'R']) {
            let raw = times.parse::<Price>()?.raw();
            let whole = raw % HUNDREDTH == 0 && raw > 0 && raw / HUNDREDTH <= MOST_MULTIPLE * 100;
            let hundredths = u32::try_from(raw / HUNDREDTH).ok().filter(|_| whole);
            // A target is always on the side of the gain.
            return match (sign, hundredths) {
                (Sign::Minus, _) | (_, None) => Err(ExitError::Multiple),
                (_, Some(hundredths)) => Ok(Self::Multiple(hundredths)),
            };
        }
        let number: Price = bare.parse()?;
        match sign {
            _ if number <= Price::ZERO => Err(ExitError::Zero),
            Sign::Open => Ok(Self::At(number)),
            sign => Ok(Self::Away(number, sign)),
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "",
            Self::Plus => "+",
            Self::Minus => "-",
        })
    }
}
impl fmt::Display for ExitPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(price) => write!(f, "{price}"),
            Self::Ticks(count, sign) => write!(f, "{sign}{count}t"),
            Self::Away(distance, sign) => write!(f, "{sign}{distance}"),
            Self::Multiple(hundredths) if hundredths % 100 == 0 => write!(f, "{}R", hundredths / 100),
            Self::Multiple(hundredths) => write!(f, "{}.{:02}R", hundredths / 100, hundredths % 100),
        }
    }
}
impl TryFrom<String> for ExitPrice {
    type Error = ExitError;
    fn try_from(text: String) -> Result<Self, ExitError> {
        text.parse()
    }
}
impl From<ExitPrice> for String {
    fn from(exit: ExitPrice) -> Self {
        exit.to_string()
    }
}

/// Named exits that any entry can be given, and how the stop moves by itself (see [`StopMoves`](super::StopMoves)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExitTemplate {
    /// Where the protective stop lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<ExitPrice>,
    /// Where the profit target lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<ExitPrice>,
    /// After which gain the stop goes to the entry's price: a distance, or a multiple of the risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakeven: Option<ExitPrice>,
    /// How far beyond the entry it goes then; `-` is short of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakeven_offset: Option<ExitPrice>,
    /// How far behind the market the stop follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trail: Option<ExitPrice>,
    /// After which gain it begins to; at once where that is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trail_after: Option<ExitPrice>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str, role: Role, side: Side, stop: Option<&str>) -> Result<String, String> {
        let ticks = TickTable::uniform("0.25".parse().unwrap()).unwrap();
        let exit: ExitPrice = text.parse().map_err(|error: ExitError| error.to_string())?;
        let stop = stop.map(|stop| stop.parse().unwrap());
        let price = exit.price(role, side, "5000.25".parse().unwrap(), stop, &ticks);
        price
            .map(|price| price.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_leg_lies_where_it_is_said_on_a_tick_and_never_further_away() {
        use Role::{StopLoss, Target};
        use Side::{Buy, Sell};
        for (text, role, side, stop, wanted) in [
            ("-8t", StopLoss, Buy, None, "4998.25"),
            ("8t", StopLoss, Buy, None, "4998.25"),
            ("+8t", StopLoss, Sell, None, "5002.25"),
            ("-8t", StopLoss, Sell, None, "5002.25"),
            ("+16t", Target, Buy, None, "5004.25"),
            ("-16t", Target, Sell, None, "4996.25"),
            ("-1.1", StopLoss, Buy, None, "4999.25"),
            ("+1.1", StopLoss, Sell, None, "5001.25"),
            ("2R", Target, Buy, Some("4998.25"), "5004.25"),
            ("1.5R", Target, Sell, Some("5002.25"), "4997.25"),
            ("4990", StopLoss, Buy, None, "4990"),
        ] {
            assert_eq!(
                at(text, role, side, stop).as_deref(),
                Ok(wanted),
                "{text} {role:?} {side:?}"
            );
        }
    }

    #[test]
    fn a_leg_that_can_not_be_is_refused_in_words() {
        use Role::{StopLoss, Target};
        for (text, role, wanted) in [
            ("+8t", StopLoss, "the stop of a buy lies below the entry: -8t"),
            ("-0.5", Target, "the target of a buy lies above the entry: +0.5"),
            ("2R", Target, "give one"),
            ("2R", StopLoss, "is for targets"),
            ("-6000", StopLoss, "is no price"),
            ("0t", StopLoss, "whole number"),
            ("1.5t", StopLoss, "whole number"),
            ("+-8t", StopLoss, "whole number"),
            ("100001t", StopLoss, "whole number"),
            ("0R", Target, "0.01R"),
            ("-2R", Target, "0.01R"),
            ("0.001R", Target, "0.01R"),
            ("99999R", Target, "0.01R"),
            ("-0", StopLoss, "above zero"),
            ("--1", StopLoss, "above zero"),
            ("t", StopLoss, "whole number"),
            ("nan", StopLoss, "a price is 188"),
            ("", StopLoss, "a price is 188"),
        ] {
            let said = at(text, role, Side::Buy, None).unwrap_err();
            assert!(said.contains(wanted), "{text}: {said}");
        }
    }

    proptest! {
        #[test]
        fn any_exit_is_read_back_and_never_panics(text in ".{0,12}", entry: i64, stop: i64) {
            if let Ok(exit) = text.parse::<ExitPrice>() {
                prop_assert_eq!(exit.to_string().parse::<ExitPrice>().unwrap(), exit);
                let ticks = TickTable::uniform(Price::from_raw(1_000_000)).unwrap();
                for role in [Role::StopLoss, Role::Target] {
                    let _ = exit.price(role, Side::Buy, Price::from_raw(entry), Some(Price::from_raw(stop)), &ticks);
                    let _ = exit.price(role, Side::Sell, Price::from_raw(entry), Some(Price::from_raw(stop)), &ticks);
                }
            }
        }
    }
}
