//! Numbers as people read them: grouped thousands, fixed decimals, a sign where it matters, `--` for what is unknown.
//! Works on the exact fixed-point integers; only percentages and shortened volumes pass through binary floating point.

use crate::domain::number::{MONEY_SCALE, PRICE_SCALE, QUANTITY_SCALE};
use crate::domain::{Money, Price, Quantity};

/// What stands for a number that is not known.
pub const UNKNOWN: &str = "--";

/// Writes `value` at `scale` with `decimals` places, rounded half away from zero, thousands grouped by commas.
fn fixed(value: i128, scale: u32, decimals: u32) -> String {
    let decimals = decimals.min(scale);
    let cut = 10u128.pow(scale - decimals);
    let rounded = value.unsigned_abs().saturating_add(cut / 2) / cut;
    let unit = 10u128.pow(decimals);
    let mut text = String::with_capacity(24);
    if value < 0 && rounded > 0 {
        text.push('-');
    }
    push_grouped(&mut text, rounded / unit);
    if decimals > 0 {
        let fraction = format!("{:0width$}", rounded % unit, width = decimals as usize);
        text.push('.');
        text.push_str(&fraction);
    }
    text
}

fn push_grouped(text: &mut String, value: u128) {
    let digits = value.to_string();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
}

/// A number that came as text, its thousands grouped; other text as it is.
pub fn grouped(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let fraction = rest.strip_prefix('.').unwrap_or(rest);
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    match whole.parse::<u128>() {
        Ok(value) if plain(whole) && plain(fraction) => {
            let mut grouped = sign.to_owned();
            push_grouped(&mut grouped, value);
            grouped + rest
        }
        _ => text.to_owned(),
    }
}

/// Puts a plus before what is positive.
fn signed(positive: bool, text: String) -> String {
    if positive { format!("+{text}") } else { text }
}

/// A price with `decimals` places: `5,012.25`.
pub fn price(value: Price, decimals: u32) -> String {
    fixed(i128::from(value.raw()), PRICE_SCALE, decimals)
}

/// A price with at least `decimals` places, and with all it has: what was paid is not rounded away.
pub fn exact_price(value: Price, decimals: u32) -> String {
    let (mut raw, mut needed) = (value.raw(), PRICE_SCALE);
    while needed > decimals && raw % 10 == 0 {
        raw /= 10;
        needed -= 1;
    }
    price(value, needed.max(decimals))
}

/// A quantity, as many decimals as it has: `1,200`, `0.125`.
pub fn quantity(value: Quantity) -> String {
    let (mut raw, mut decimals) = (value.raw(), QUANTITY_SCALE);
    while decimals > 0 && raw % 10 == 0 {
        raw /= 10;
        decimals -= 1;
    }
    fixed(i128::from(value.raw()), QUANTITY_SCALE, decimals)
}

/// A quantity with its sign: `+100`, `-50`, `0`.
pub fn quantity_signed(value: Quantity) -> String {
    signed(value.is_positive(), quantity(value))
}

/// An amount of money with `decimals` places: `-1,204.50`.
pub fn money(value: Money, decimals: u32) -> String {
    fixed(value.raw(), MONEY_SCALE, decimals)
}

/// An amount that is good or bad: `▲ 81.00`, `▼ 48.50`, `0.00`. Never by colour alone.
pub fn profit(value: Money, decimals: u32) -> String {
    let text = money(value.abs(), decimals);
    if text.bytes().all(|b| matches!(b, b'0' | b'.')) {
        return text;
    }
    format!("{} {text}", if value.raw() > 0 { '▲' } else { '▼' })
}

/// A change in percent with its arrow: `▲ 0.84`, `▼ 1.72`, `0.00`.
pub fn percent_change(value: f64) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    let text = format!("{:.2}", value.abs());
    if text == "0.00" {
        return text;
    }
    format!("{} {text}", if value > 0.0 { '▲' } else { '▼' })
}

/// An amount shortened to three or four figures: `950`, `12.4k`, `1.1M`. From units of 1e-8, as volumes are kept.
pub fn short(raw: i128) -> String {
    let sign = if raw < 0 { "-" } else { "" };
    let whole = raw.unsigned_abs() / 100_000_000;
    for (unit, letter) in [
        (1_000_000_000_000, 'T'),
        (1_000_000_000, 'B'),
        (1_000_000, 'M'),
        (1_000, 'k'),
    ] {
        if whole >= unit {
            let tenths = whole / (unit / 10);
            return if tenths >= 1_000 {
                format!("{sign}{}{letter}", whole / unit)
            } else {
                format!("{sign}{}.{}{letter}", tenths / 10, tenths % 10)
            };
        }
    }
    if whole >= 100 || raw.unsigned_abs().is_multiple_of(100_000_000) {
        return format!("{sign}{whole}");
    }
    let hundredths = raw.unsigned_abs() / 1_000_000;
    format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100)
}

/// A span of time in one short word: `0.9 ms`, `12 ms`, `3.2 s`.
pub fn latency(span: std::time::Duration) -> String {
    let micros = span.as_micros();
    if micros < 10_000 {
        return format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100);
    }
    if micros < 1_000_000 {
        return format!("{} ms", micros / 1_000);
    }
    format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000)
}

/// An age: `0:07`, `12:40`, `1:02:07`, `3d 4h`.
pub fn age(span: std::time::Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    if days > 0 {
        return format!("{days}d {hours}h");
    }
    if hours > 0 {
        return format!("{hours}:{minutes:02}:{:02}", seconds % 60);
    }
    format!("{minutes}:{:02}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn numbers_are_grouped_rounded_and_signed() {
        let p = |text: &str| text.parse::<Price>().unwrap();
        assert_eq!(grouped("-9930.33"), "-9,930.33");
        assert_eq!(
            (grouped("1234567"), grouped("-3.10 %")),
            ("1,234,567".into(), "-3.10 %".into())
        );
        assert_eq!(price(p("5012.25"), 2), "5,012.25");
        assert_eq!(price(p("-0.004"), 2), "0.00");
        assert_eq!(price(p("188.715"), 2), "188.72");
        assert_eq!(price(p("1.08435"), 5), "1.08435");
        assert_eq!(price(p("96214"), 0), "96,214");
        assert_eq!(price(Price::from_raw(i64::MIN), 9), "-9,223,372,036.854775808");
        assert_eq!(quantity_signed("0.125".parse().unwrap()), "+0.125");
        assert_eq!(quantity_signed("-1200".parse().unwrap()), "-1,200");
        assert_eq!(quantity(Quantity::from_raw(i64::MAX)), "92,233,720,368.54775807");
        assert_eq!(profit("-48.5".parse().unwrap(), 2), "▼ 48.50");
        assert_eq!(profit("0.001".parse().unwrap(), 2), "0.00");
        assert_eq!(profit(Money::from_raw(i128::MIN), 2).chars().next(), Some('▼'));
        assert_eq!(percent_change(f64::NAN), "--");
        assert_eq!(percent_change(-1.724), "▼ 1.72");
    }

    #[test]
    fn short_forms_keep_their_width() {
        let volume = |units: i128| short(units * 100_000_000);
        assert_eq!(volume(950), "950");
        assert_eq!(volume(12_449), "12.4k");
        assert_eq!(volume(201_000_000), "201M");
        assert_eq!(volume(1_100_000), "1.1M");
        assert_eq!(short(12_500_000), "0.12");
        assert_eq!(latency(Duration::from_micros(940)), "0.9 ms");
        assert_eq!(latency(Duration::from_millis(3_240)), "3.2 s");
        assert_eq!(age(Duration::from_secs(760)), "12:40");
        assert_eq!(age(Duration::from_secs(100_000)), "1d 3h");
    }
}
