//! A position that differs as a split would make it differ: the broker holds a simple ratio of ours, and its average price
//! moved by the inverse of it. It is offered, never recorded by itself: two purchases at one price look like no split, and
//! anything else is a person's to explain.

use crate::domain::{Multiplier, Position, Price};
use crate::engine::changes::scaled;
use crate::engine::state::Mismatch;

/// The largest side of a ratio to one.
const MOST: i64 = 100;
/// The largest side of any other: 3:2, 5:4.
const MOST_ODD: i64 = 10;
/// Average prices agree where they differ by less than one part in so many: fees are in some of them.
const CLOSE: i128 = 100;

/// So many new for so many old, where it looks like that.
pub(in crate::engine) fn split(
    held: &Position,
    multiplier: Multiplier,
    mismatch: &Mismatch,
) -> Option<(u32, u32)> {
    let (ours, theirs) = (mismatch.ours, mismatch.theirs);
    if ours.is_zero() || theirs.is_zero() || ours == theirs || ours.is_positive() != theirs.is_positive() {
        return None;
    }
    let (ours_raw, theirs_raw) = (ours.raw().checked_abs()?, theirs.raw().checked_abs()?);
    let common = common_divisor(ours_raw, theirs_raw);
    let (new, old) = (theirs_raw / common, ours_raw / common);
    let is_simple = new.max(old) <= MOST_ODD || (new.min(old) == 1 && new.max(old) <= MOST);
    let (new, old) = (u32::try_from(new).ok()?, u32::try_from(old).ok()?);
    // What was booked since it was seen is no part of what was compared.
    let fits = is_simple && held.quantity == ours && scaled(ours, new, old) == Some(theirs);
    let before = held.average_price(multiplier)?;
    (fits && moved(before, mismatch.average?, (new, old))).then_some((new, old))
}

/// The average price moved by the inverse of the ratio.
fn moved(before: Price, after: Price, (new, old): (u32, u32)) -> bool {
    let expected = i128::from(before.raw()) * i128::from(old);
    let found = i128::from(after.raw()) * i128::from(new);
    expected != 0 && (expected - found).abs() * CLOSE <= expected.abs()
}

fn common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 {
        a.max(1)
    } else {
        common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Quantity, Side, Timestamp};

    fn found(ours: &str, at: &str, theirs: &str, average: Option<&str>) -> Option<(u32, u32)> {
        let quantity = |text: &str| text.parse::<Quantity>().unwrap();
        let mut held = Position::default();
        let side = if quantity(ours).is_negative() {
            Side::Sell
        } else {
            Side::Buy
        };
        held.execute(side, quantity(ours).abs(), at.parse().unwrap(), Multiplier::ONE);
        let mismatch = Mismatch {
            ours: quantity(ours),
            theirs: quantity(theirs),
            passes: 2,
            since: Timestamp(0),
            average: average.map(|price| price.parse().unwrap()),
        };
        split(&held, Multiplier::ONE, &mismatch)
    }

    #[test]
    fn a_split_is_a_simple_ratio_whose_average_price_moved_by_its_inverse() {
        assert_eq!(found("100", "190", "400", Some("47.5")), Some((4, 1)));
        assert_eq!(found("-100", "190", "-400", Some("47.51")), Some((4, 1)));
        assert_eq!(found("100", "3", "10", Some("30")), Some((1, 10)));
        assert_eq!(found("100", "30", "150", Some("20")), Some((3, 2)));
        // Bought as much again, another price, no price, the other side, a ratio that nobody declares.
        assert_eq!(found("100", "190", "200", Some("190")), None);
        assert_eq!(found("100", "190", "400", Some("49")), None);
        assert_eq!(found("100", "190", "400", None), None);
        assert_eq!(found("100", "190", "-400", Some("47.5")), None);
        assert_eq!(found("100", "190", "137", Some("138.69")), None);
        assert_eq!(found("100", "190", "0", Some("0")), None);
    }
}
