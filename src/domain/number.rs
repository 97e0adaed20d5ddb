//! Numbers as types: prices, quantities, money and multipliers in fixed point, so that what is shown, stored, sent and
//! settled is one exact value. Conversion from text is exact or refused; arithmetic is checked; binary floating point
//! leaves through [`Price::to_f64`] for indicators and never comes back in. Rounding to a currency's minor unit is
//! offered here ([`Money::round_to`]) and applied where a venue settles.

use super::text::SafeText;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// Decimal places of a [`Price`].
pub const PRICE_SCALE: u32 = 9;
/// Decimal places of a [`Quantity`].
pub const QUANTITY_SCALE: u32 = 8;
/// Decimal places of [`Money`]: those of a price times a quantity, so that a product needs no rounding.
pub const MONEY_SCALE: u32 = PRICE_SCALE + QUANTITY_SCALE;

/// A price in units of 1e-9 of the quote currency. May be negative (spreads, some futures).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(i64);

/// A quantity in units of 1e-8 of a share, contract or coin. Signed: positions may be short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(i64);

/// An amount of one currency in units of 1e-17. The currency stands beside it, see [`super::Currency`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i128);

/// Units of the underlying per contract, in units of 1e-6 (50 for ES, 0.1 for a micro crypto future). Always positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Multiplier(i64);

/// Why a text is no number of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not a plain decimal such as `189.50`.
    #[error("'{0}' is not a plain decimal number such as 189.50")]
    NotANumber(String),
    /// More decimals than the type holds, so that it could not be kept exactly.
    #[error("'{0}' has more than {1} decimal places")]
    TooFine(String, u32),
    /// Larger than the type holds.
    #[error("'{0}' is too large")]
    TooLarge(String),
}

/// The beginning of a refused text, harmless to show.
fn beginning(text: &str) -> String {
    SafeText::new(&text.chars().take(40).collect::<String>()).to_string()
}

/// Parses a plain decimal (`-12.5`) into an integer at `scale`, exactly. Exponents, NaN, infinity, grouping signs and
/// white space are refused. At most 40 digits are read.
fn parse_decimal(text: &str, scale: u32) -> Result<i128, NumberError> {
    let shown = || beginning(text);
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let mut value: i128 = 0;
    let mut decimals: Option<u32> = None;
    let mut any = false;
    for &byte in digits {
        match byte {
            b'.' if decimals.is_none() => decimals = Some(0),
            b'0'..=b'9' => {
                any = true;
                if let Some(count) = decimals.as_mut() {
                    if *count == scale {
                        if byte == b'0' {
                            continue;
                        }
                        return Err(NumberError::TooFine(shown(), scale));
                    }
                    *count += 1;
                }
                value = value
                    .checked_mul(10)
                    .and_then(|v| v.checked_add(i128::from(byte - b'0')))
                    .ok_or_else(|| NumberError::TooLarge(shown()))?;
            }
            _ => return Err(NumberError::NotANumber(shown())),
        }
    }
    if !any {
        return Err(NumberError::NotANumber(shown()));
    }
    let missing = scale - decimals.unwrap_or(0);
    let value = value
        .checked_mul(10i128.pow(missing))
        .ok_or_else(|| NumberError::TooLarge(shown()))?;
    Ok(if negative { -value } else { value })
}

/// Writes an integer at `scale` with at least `least` and at most `scale` decimals, trailing zeros cut.
fn write_decimal(f: &mut fmt::Formatter<'_>, value: i128, scale: u32, least: u32) -> fmt::Result {
    let unit = 10u128.pow(scale);
    let magnitude = value.unsigned_abs();
    let (whole, mut fraction) = (magnitude / unit, magnitude % unit);
    let mut width = scale;
    while width > least && fraction.is_multiple_of(10) {
        fraction /= 10;
        width -= 1;
    }
    let sign = if value < 0 { "-" } else { "" };
    if width == 0 {
        write!(f, "{sign}{whole}")
    } else {
        write!(f, "{sign}{whole}.{fraction:0width$}", width = width as usize)
    }
}

/// Divides and rounds half to even: the rule of settlement, free of drift.
fn divide_half_even(value: i128, by: i128) -> i128 {
    let (quotient, rest) = (value.div_euclid(by), value.rem_euclid(by));
    match (rest * 2).cmp(&by) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
    }
}

/// The parts that all four number types share: raw access, text in and out, and serialisation as a decimal string for
/// people and as an integer (or, for money, a string) in binary formats.
macro_rules! fixed_point {
    ($name:ident, $raw:ty, $scale:expr, $least:expr) => {
        impl $name {
            /// From the raw fixed-point integer.
            pub const fn from_raw(raw: $raw) -> Self {
                Self(raw)
            }
            /// The raw fixed-point integer.
            pub const fn raw(self) -> $raw {
                self.0
            }
        }
        impl FromStr for $name {
            type Err = NumberError;
            fn from_str(text: &str) -> Result<Self, NumberError> {
                let value = parse_decimal(text, $scale)?;
                <$raw>::try_from(value)
                    .map(Self)
                    .map_err(|_| NumberError::TooLarge(beginning(text)))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let least = f
                    .precision()
                    .map_or($least, |p| u32::try_from(p).unwrap_or(0));
                write_decimal(f, i128::from(self.0), $scale, least.min($scale))
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match i64::try_from(self.0) {
                    Ok(raw) if !serializer.is_human_readable() => serializer.serialize_i64(raw),
                    _ => serializer.collect_str(self),
                }
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a decimal string or a raw fixed-point integer")
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                    fn visit_i64<E: de::Error>(self, raw: i64) -> Result<$name, E> {
                        Ok($name(<$raw>::from(raw)))
                    }
                    fn visit_u64<E: de::Error>(self, raw: u64) -> Result<$name, E> {
                        i64::try_from(raw)
                            .map(|raw| $name(<$raw>::from(raw)))
                            .map_err(E::custom)
                    }
                }
                if deserializer.is_human_readable() {
                    deserializer.deserialize_str(Visitor)
                } else {
                    deserializer.deserialize_any(Visitor)
                }
            }
        }
    };
}
fixed_point!(Price, i64, PRICE_SCALE, 0);
fixed_point!(Quantity, i64, QUANTITY_SCALE, 0);
fixed_point!(Money, i128, MONEY_SCALE, 0);
fixed_point!(Multiplier, i64, 6, 0);

impl Price {
    /// Zero, which is a price only for spreads and differences.
    pub const ZERO: Self = Self(0);
    /// For indicators and drawing only; the way back does not exist.
    #[allow(
        clippy::cast_precision_loss,
        reason = "statistics accept the rounding of a double"
    )]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// The sum, or nothing where it does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
    /// The difference, or nothing where it does not fit.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
    /// This price times `quantity` times `multiplier`: the signed notional. Exact for whole multipliers; half-even at
    /// 1e-17 otherwise. Nothing where it does not fit.
    pub fn notional(self, quantity: Quantity, multiplier: Multiplier) -> Option<Money> {
        // Two i64 always fit in an i128, so only the multiplier can overflow.
        multiplier.apply(Money(i128::from(self.0) * i128::from(quantity.0)))
    }
    /// How many decimals it takes to write this value exactly (a tick of 0.25 needs 2).
    pub fn decimals(self) -> u32 {
        let (mut raw, mut decimals) = (self.0, PRICE_SCALE);
        while decimals > 0 && raw % 10 == 0 {
            raw /= 10;
            decimals -= 1;
        }
        decimals
    }
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One whole share, contract or coin.
    pub const ONE: Self = Self(100_000_000);
    /// A whole number of shares, contracts or coins; nothing where it does not fit.
    pub fn whole(count: i64) -> Option<Self> {
        count.checked_mul(Self::ONE.0).map(Self)
    }
    /// For indicators and drawing only.
    #[allow(
        clippy::cast_precision_loss,
        reason = "statistics accept the rounding of a double"
    )]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e8
    }
    /// The sum, or nothing where it does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
    /// The difference, or nothing where it does not fit.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
    /// The sum, held at the ends of the range: for folds, which cannot fail. A range of 92 thousand million units lies
    /// beyond every limit an order passes, so the hold is never reached by a checked order.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
    /// The difference, held at the ends of the range.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
    /// The size without its sign.
    #[must_use]
    pub fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }
    /// The same size with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }
    /// Above zero.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }
    /// Below zero.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }
    /// Exactly zero.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Multiplier {
    /// One unit per contract: shares, currencies, coins.
    pub const ONE: Self = Self(1_000_000);
    /// A whole multiplier such as 50; nothing where it is not positive or does not fit.
    pub fn whole(units: i64) -> Option<Self> {
        units.checked_mul(1_000_000).filter(|raw| *raw > 0).map(Self)
    }
    fn apply(self, money: Money) -> Option<Money> {
        if self.0 % 1_000_000 == 0 {
            return money.0.checked_mul(i128::from(self.0 / 1_000_000)).map(Money);
        }
        money
            .0
            .checked_mul(i128::from(self.0))
            .map(|product| Money(divide_half_even(product, 1_000_000)))
    }
}

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);
    /// A whole amount of the currency.
    pub fn whole(amount: i64) -> Self {
        Self(i128::from(amount) * 10i128.pow(MONEY_SCALE))
    }
    /// For drawing and statistics only.
    #[allow(
        clippy::cast_precision_loss,
        reason = "statistics accept the rounding of a double"
    )]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e17
    }
    /// The sum, or nothing where it does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
    /// The difference, or nothing where it does not fit.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
    /// The sum, held at the ends of the range (1.7e21 units of a currency): for folds, which cannot fail.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
    /// The difference, held at the ends of the range.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
    /// The amount without its sign.
    #[must_use]
    pub fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }
    /// The same amount with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }
    /// Rounded half to even at `decimals` places (the minor unit: 2 for USD, 0 for JPY). Settlement's rule.
    #[must_use]
    pub fn round_to(self, decimals: u32) -> Self {
        let unit = 10i128.pow(MONEY_SCALE - decimals.min(MONEY_SCALE));
        Self(divide_half_even(self.0, unit).saturating_mul(unit))
    }
    /// This amount times a part over a whole (`closed / held`), half-even at 1e-17. A whole of zero gives zero.
    /// The product is taken in two steps where it would not fit, at the cost of the last digits only.
    #[must_use]
    pub fn share(self, part: Quantity, whole: Quantity) -> Self {
        if whole.0 == 0 {
            return Self::ZERO;
        }
        let (part, whole) = if whole.0 < 0 {
            (-i128::from(part.0), -i128::from(whole.0))
        } else {
            (i128::from(part.0), i128::from(whole.0))
        };
        match self.0.checked_mul(part) {
            Some(product) => Self(divide_half_even(product, whole)),
            None => Self(
                (self.0 / whole)
                    .saturating_mul(part)
                    .saturating_add((self.0 % whole).saturating_mul(part) / whole),
            ),
        }
    }
    /// The price at which `quantity` contracts of `multiplier` cost this amount, half-even at 1e-9: an average price.
    /// Nothing for a quantity of zero or a price out of range.
    pub fn per_unit(self, quantity: Quantity, multiplier: Multiplier) -> Option<Price> {
        let units = i128::from(quantity.0).checked_mul(i128::from(multiplier.0))?;
        if units == 0 {
            return None;
        }
        // money (1e-17) / (quantity 1e-8 * multiplier 1e-6) = 1e-3; a price wants 1e-9: six more digits.
        let (amount, units) = if units < 0 {
            (self.0.saturating_neg(), -units)
        } else {
            (self.0, units)
        };
        let price = match amount.checked_mul(1_000_000) {
            Some(scaled) => divide_half_even(scaled, units),
            None => divide_half_even(amount, (units / 1_000_000).max(1)),
        };
        i64::try_from(price).ok().map(Price)
    }
}

/// An ISO 4217 code or the common code of a coin: three to five capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 5]);

impl Currency {
    /// United States dollar.
    pub const USD: Self = Self(*b"USD\0\0");
    /// Euro.
    pub const EUR: Self = Self(*b"EUR\0\0");
    /// The code as text.
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..end]).unwrap_or("???")
    }
    /// Decimal places of the minor unit, as ISO 4217 gives them; coins settle at eight.
    pub fn minor_decimals(&self) -> u32 {
        match self.as_str() {
            "JPY" | "KRW" | "CLP" | "VND" | "ISK" => 0,
            "BHD" | "KWD" | "OMR" | "JOD" | "TND" => 3,
            "BTC" | "ETH" | "SOL" | "USDC" | "USDT" => 8,
            _ => 2,
        }
    }
}
impl FromStr for Currency {
    type Err = NumberError;
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let bytes = text.as_bytes();
        if !(3..=5).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_uppercase) {
            return Err(NumberError::NotANumber(beginning(text)));
        }
        let mut code = [0; 5];
        code[..bytes.len()].copy_from_slice(bytes);
        Ok(Self(code))
    }
}
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse()
            .map_err(|_| de::Error::custom("a currency code is three to five capital letters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_converts_exactly_or_is_refused() {
        assert_eq!("189.50".parse::<Price>().unwrap().raw(), 189_500_000_000);
        assert_eq!("-0.000000001".parse::<Price>().unwrap().raw(), -1);
        assert_eq!("1.0000000000".parse::<Price>().unwrap().raw(), 1_000_000_000);
        for bad in [
            "",
            "-",
            ".",
            "1e5",
            "NaN",
            "inf",
            "1,000",
            " 1",
            "0.0000000001",
            "9223372037",
            "--1",
            "1.2.3",
            "١",
        ] {
            assert!(bad.parse::<Price>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn settlement_rounds_half_to_even() {
        let cents = |text: &str| text.parse::<Money>().unwrap().round_to(2).to_string();
        assert_eq!(cents("0.125"), "0.12");
        assert_eq!(cents("0.135"), "0.14");
        assert_eq!(cents("-0.125"), "-0.12");
        assert_eq!(cents("0.12500000000000001"), "0.13");
    }

    #[test]
    fn an_average_price_is_cost_over_units() {
        let es = Multiplier::whole(50).unwrap();
        let quantity = Quantity::whole(2).unwrap();
        let cost = "5010.75"
            .parse::<Price>()
            .unwrap()
            .notional(quantity, es)
            .unwrap();
        assert_eq!(cost.to_string(), "501075");
        assert_eq!(cost.per_unit(quantity, es).unwrap().to_string(), "5010.75");
        assert_eq!(cost.per_unit(Quantity::ZERO, es), None);
    }

    proptest! {
        #[test]
        fn any_value_survives_text_and_binary(raw: i64, wide: i128) {
            let price = Price::from_raw(raw);
            prop_assert_eq!(price.to_string().parse::<Price>().unwrap(), price);
            let money = Money::from_raw(wide);
            let binary = rmp_serde::to_vec(&money).unwrap();
            prop_assert_eq!(rmp_serde::from_slice::<Money>(&binary).unwrap(), money);
            let json = serde_json::to_string(&price).unwrap();
            prop_assert_eq!(serde_json::from_str::<Price>(&json).unwrap(), price);
        }

        #[test]
        fn arithmetic_never_panics(a: i64, b: i64, m in 1i64.., part: i64, whole: i64, wide: i128) {
            let _ = Price::from_raw(a).notional(Quantity::from_raw(b), Multiplier::from_raw(m));
            let _ = Money::from_raw(wide / 4).share(Quantity::from_raw(part), Quantity::from_raw(whole));
            let _ = Money::from_raw(wide).per_unit(Quantity::from_raw(a), Multiplier::from_raw(m));
            let _ = Money::from_raw(wide / 4).round_to(2);
        }
    }
}
