//! How a protective stop moves by itself: to the entry's price once the trade has gained enough, or behind the market. What
//! is said of it in a template becomes distances here, once, when the order is made; where the stop goes next is counted
//! from them and from the stop as it is, so that nothing has to be remembered and it only ever moves toward less risk.
//! Who looks at the market and asks for the change is the engine.

use super::exit::{ExitError, ExitPrice, ExitTemplate, Sign};
use super::instrument::TickTable;
use super::number::Price;
use super::order::Side;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A trail follows once this part of its distance is gained: a change an order for each tick would drown a broker.
const TRAIL_STEPS: i64 = 10;

/// The stop goes to the entry's average price, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakeven {
    /// Once the trade has gained this much a unit.
    pub after: Price,
    /// This far beyond the entry: above zero on the side of the gain, below on that of the loss.
    pub offset: Price,
}

/// The stop follows the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trailing {
    /// This far behind the price at which the position could be closed.
    pub distance: Price,
    /// From when the trade has gained this much a unit; zero for at once.
    pub after: Price,
}

/// How a stop moves by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopMoves {
    /// To the entry's price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breakeven: Option<Breakeven>,
    /// Behind the market.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trailing: Option<Trailing>,
}

/// Which of the two moved a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mover {
    /// It went to the entry's price.
    Breakeven,
    /// It followed the market.
    Trail,
}

impl Mover {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Breakeven => "breakeven",
            Self::Trail => "trail",
        }
    }
}

impl StopMoves {
    /// Whether the distances make sense: none below zero, and a stop that goes to breakeven lies behind the market then.
    pub fn is_sound(&self) -> bool {
        let breakeven = self
            .breakeven
            .is_none_or(|rule| rule.after > Price::ZERO && rule.offset < rule.after);
        let trailing = self
            .trailing
            .is_none_or(|rule| rule.distance > Price::ZERO && rule.after >= Price::ZERO);
        breakeven && trailing && (self.breakeven.is_some() || self.trailing.is_some())
    }

    /// Where the stop of a position of `side` goes now, and why; nothing where it stays. `entry` is the average price paid,
    /// `stop` where the stop is, `out` the price at which the position could be closed. The answer is on a tick, nearer the
    /// gain than `stop`, and at least a tick away from `out`.
    pub fn next(
        &self,
        side: Side,
        entry: Price,
        stop: Price,
        out: Price,
        ticks: &TickTable,
    ) -> Option<(Price, Mover)> {
        let sign = if side == Side::Buy { 1 } else { -1 };
        let ahead = |price: Price, of: Price| Some(price.raw().checked_sub(of.raw())? * sign);
        let beyond = |price: Price, by: i64| {
            let exact = Price::from_raw(price.raw().checked_add(by.checked_mul(sign)?)?);
            let placed = ticks.toward_less_risk(exact, side.opposite());
            (placed > Price::ZERO).then_some(placed)
        };
        let gain = ahead(out, entry)?;
        let tick = ticks.tick_at(out).raw().max(1);
        let breakeven = self.breakeven.filter(|rule| gain >= rule.after.raw());
        let breakeven = breakeven.and_then(|rule| {
            let to = beyond(entry, rule.offset.raw())?;
            (ahead(to, stop)? > 0).then_some((to, Mover::Breakeven))
        });
        let trailing = self.trailing.filter(|rule| gain >= rule.after.raw());
        let trailing = trailing.and_then(|rule| {
            let to = beyond(out, -rule.distance.raw())?;
            let step = tick.max(rule.distance.raw() / TRAIL_STEPS);
            (ahead(to, stop)? >= step).then_some((to, Mover::Trail))
        });
        let behind = |to: &(Price, Mover)| ahead(out, to.0).is_some_and(|room| room >= tick);
        let all = [breakeven, trailing].into_iter().flatten().filter(behind);
        all.max_by_key(|(to, _)| ahead(*to, stop))
    }
}

impl fmt::Display for StopMoves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rule) = self.breakeven {
            let sign = if rule.offset < Price::ZERO { "" } else { "+" };
            write!(f, "breakeven {sign}{} after +{}", rule.offset, rule.after)?;
        }
        if let Some(rule) = self.trailing {
            let gap = if self.breakeven.is_some() { ", " } else { "" };
            write!(f, "{gap}trails by {}", rule.distance)?;
            if rule.after > Price::ZERO {
                write!(f, " after +{}", rule.after)?;
            }
        }
        Ok(())
    }
}

impl ExitTemplate {
    /// How the stop of an entry of `side` at `entry` moves by itself, where the template says so.
    ///
    /// # Errors
    /// There is no stop to move, a price stands where a distance belongs, or the offset lies beyond what triggers it.
    pub fn moves(
        &self,
        entry: Price,
        stop: Option<Price>,
        ticks: &TickTable,
    ) -> Result<Option<StopMoves>, ExitError> {
        if self.breakeven.is_none() && self.trail.is_none() {
            let dangling = self.breakeven_offset.is_some() || self.trail_after.is_some();
            return if dangling {
                Err(ExitError::NothingMoves)
            } else {
                Ok(None)
            };
        }
        let stop = stop.ok_or(ExitError::NoStopToMove)?;
        let measured = |place: ExitPrice| distance(place, entry, stop, ticks);
        let or_zero = |place: Option<ExitPrice>| place.map_or(Ok(Price::ZERO), measured);
        let breakeven = match self.breakeven {
            None => None,
            Some(after) => {
                let offset = or_zero(self.breakeven_offset)?;
                Some(Breakeven {
                    after: measured(after)?,
                    offset: match self.breakeven_offset {
                        Some(ExitPrice::Ticks(_, Sign::Minus) | ExitPrice::Away(_, Sign::Minus)) => {
                            Price::from_raw(-offset.raw())
                        }
                        _ => offset,
                    },
                })
            }
        };
        let trailing = match self.trail {
            None => None,
            Some(place) => Some(Trailing {
                distance: measured(place)?,
                after: or_zero(self.trail_after)?,
            }),
        };
        let moves = StopMoves { breakeven, trailing };
        if moves.is_sound() {
            Ok(Some(moves))
        } else {
            Err(ExitError::OffsetTooFar)
        }
    }
}

/// A place as a distance from the entry, whichever way it was said to go.
fn distance(place: ExitPrice, entry: Price, stop: Price, ticks: &TickTable) -> Result<Price, ExitError> {
    match place {
        ExitPrice::At(_) => Err(ExitError::NoDistance),
        ExitPrice::Ticks(count, _) => {
            let on_tick = ticks.toward_less_risk(entry, Side::Buy);
            let there = ticks.step(on_tick, i64::from(count));
            Ok(Price::from_raw(there.raw().saturating_sub(on_tick.raw())))
        }
        ExitPrice::Away(distance, _) => Ok(distance),
        ExitPrice::Multiple(hundredths) => {
            let risk = (i128::from(entry.raw()) - i128::from(stop.raw())).abs();
            i64::try_from(risk * i128::from(hundredths) / 100)
                .map(Price::from_raw)
                .map_err(|_| ExitError::NoPrice { entry })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn p(text: &str) -> Price {
        text.parse().unwrap()
    }
    fn cents() -> TickTable {
        TickTable::uniform(p("0.01")).unwrap()
    }
    fn template(breakeven: &str, offset: &str, trail: &str, after: &str) -> ExitTemplate {
        ExitTemplate {
            breakeven: breakeven.parse().ok(),
            breakeven_offset: offset.parse().ok(),
            trail: trail.parse().ok(),
            trail_after: after.parse().ok(),
            ..ExitTemplate::default()
        }
    }

    #[test]
    fn a_template_says_distances_and_a_stop_goes_where_they_lead() {
        let moves = template("1R", "+2t", "-0.50", "2R").moves(p("100"), Some(p("99")), &cents());
        let moves = moves.unwrap().unwrap();
        assert_eq!(
            moves.to_string(),
            "breakeven +0.02 after +1, trails by 0.5 after +2"
        );
        let next = |stop, out| {
            let next = moves.next(Side::Buy, p("100"), p(stop), p(out), &cents());
            next.map(|(to, by)| format!("{to} {}", by.word()))
        };
        assert_eq!(next("99", "100.99"), None);
        assert_eq!(next("99", "101").as_deref(), Some("100.02 breakeven"));
        assert_eq!(next("100.02", "101.5"), None, "it is there");
        assert_eq!(next("100.5", "101.5"), None, "a stop that lies better stays");
        assert_eq!(next("100.02", "102").as_deref(), Some("101.5 trail"));
        assert_eq!(
            next("99", "102").as_deref(),
            Some("101.5 trail"),
            "the better of both"
        );
        assert_eq!(next("101.5", "102.04"), None, "too little for a change");
        assert_eq!(next("101.5", "102.05").as_deref(), Some("101.55 trail"));
        assert_eq!(next("101.5", "101.6"), None, "never back");
        // A short is the mirror of it.
        let short = |stop, out| moves.next(Side::Sell, p("100"), p(stop), p(out), &cents());
        assert_eq!(short("101", "99"), Some((p("99.98"), Mover::Breakeven)));
        assert_eq!(short("99.98", "98"), Some((p("98.5"), Mover::Trail)));
        assert_eq!(short("98.5", "98.4"), None);
    }

    #[test]
    fn what_can_not_be_is_refused_in_words() {
        for (template, stop, words) in [
            (template("8t", "", "", ""), None, "stop"),
            (template("100", "", "", ""), Some("99"), "distance"),
            (template("8t", "+9t", "", ""), Some("99"), "nearer"),
            (template("", "+1t", "", ""), Some("99"), "breakeven or trail"),
        ] {
            let error = template.moves(p("100"), stop.map(p), &cents()).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_stop_never_moves_to_more_risk_nor_into_the_market(
            after in 1i64..500, offset in -400i64..400, distance in 1i64..500, from in 0i64..500,
            stop in 1i64..20_000, out in 1i64..20_000, long: bool,
        ) {
            let cent = |count: i64| Price::from_raw(count * 10_000_000);
            let moves = StopMoves {
                breakeven: Some(Breakeven { after: cent(after), offset: cent(offset) }),
                trailing: Some(Trailing { distance: cent(distance), after: cent(from) }),
            };
            let side = if long { Side::Buy } else { Side::Sell };
            if let Some((to, _)) = moves.next(side, cent(10_000), cent(stop), cent(out), &cents()) {
                prop_assert!(cents().allows(to));
                let (better, room) = if long { (to > cent(stop), to < cent(out)) } else { (to < cent(stop), to > cent(out)) };
                prop_assert!(better && room, "{to}");
            }
        }
    }
}
