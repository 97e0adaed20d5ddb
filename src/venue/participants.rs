//! The traders who make the built-in market lively: in each instrument a maker with ten levels a side around what the
//! instrument is worth, and takers who come in bursts, follow the movement, and now and then trade large. Seeded: the same
//! seed at the same moments does the same. They act when woken and say when they want to be woken next; they need not
//! survive a restart, since worth is a function of time.

use super::fair::{Fair, key, normal, whole};
use super::ladder::{Act, Ladder, Stand};
use super::universe::Listing;
use crate::domain::{Price, Quantity, Side, TickTable, Timestamp};
use rand_core::Rng;
use rand_pcg::Pcg64;

/// How long a burst takes to fade, in seconds.
const BURST: f64 = 12.0;
/// Largest excitement: keeps a burst from feeding itself.
const MOST_HEAT: f64 = 6.0;

/// All that trade in one instrument.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    fair: Fair,
    ticks: TickTable,
    lot: Quantity,
    size: Quantity,
    spread: i64,
    gap: i64,
    pace: f64,
    random: Pcg64,
    heat: f64,
    worth: Price,
    last: Option<Timestamp>,
    next: Timestamp,
}

impl Crowd {
    /// Those who trade `listing` from `now` on.
    pub(super) fn new(listing: &Listing, seed: u64, now: Timestamp) -> Self {
        let fair = Fair::new(listing, seed);
        // What the dice show depends on the moment of the start as well: two sessions do not repeat each other.
        let own = key(seed ^ now.0.unsigned_abs(), listing.instrument.id.as_str());
        Self {
            worth: fair.at(now),
            fair,
            ticks: listing.instrument.ticks.clone(),
            lot: listing.instrument.lot,
            size: listing.size,
            spread: listing.spread,
            gap: listing.gap,
            pace: f64::from(listing.pace.max(1)) / 60.0,
            random: Pcg64::new(u128::from(own), u128::from(own.rotate_left(32))),
            heat: 0.0,
            last: None,
            next: now,
        }
    }

    /// What the instrument is worth to them.
    pub(super) fn fair(&self) -> &Fair {
        &self.fair
    }

    /// When they want to act next.
    pub(super) fn next_wake(&self) -> Timestamp {
        self.next
    }

    /// Leaves out what was slept through.
    pub(super) fn skip_to(&mut self, now: Timestamp) {
        self.next = self.next.max(now);
    }

    /// A number from 0 up to 1.
    fn chance(&mut self) -> f64 {
        f64::from(self.random.next_u32()) / 4_294_967_296.0
    }

    /// A usual size times `factor`, in whole lots, at least one.
    fn sized(&self, factor: f64) -> Quantity {
        let lots = whole(self.size.to_f64() / self.lot.to_f64() * factor).max(1);
        Quantity::from_raw(self.lot.raw().saturating_mul(lots))
    }

    /// Acts at `now`: moves the quotes, perhaps changes one, perhaps takes.
    pub(super) fn act(&mut self, now: Timestamp, ladder: &mut Ladder, acts: &mut Vec<Act>) {
        let passed = self.last.map_or(0.0, |last| now.since(last).as_secs_f64());
        self.last = Some(now);
        self.heat *= (-passed / BURST).exp();
        let before = self.worth;
        self.worth = self.fair.at(now);
        let moved = self.worth.raw().saturating_sub(before.raw());
        if self.chance() < 0.35 {
            let (side, n) = (self.either(), self.chance() * 8.0);
            ladder.pull(side, usize::try_from(whole(n)).unwrap_or(0), acts);
        }
        self.quote(ladder, acts);
        self.take(moved, acts);
        let rate = self.pace * (1.0 + self.heat * 0.5);
        // Waits are exponential, held between a hundredth of a second and four seconds.
        let wait = (-(1.0 - self.chance()).ln() / rate).clamp(0.01, 4.0);
        self.next = now.after(std::time::Duration::from_secs_f64(wait));
    }

    fn either(&mut self) -> Side {
        if self.random.next_u32() & 1 == 0 {
            Side::Buy
        } else {
            Side::Sell
        }
    }

    fn quote(&mut self, ladder: &mut Ladder, acts: &mut Vec<Act>) {
        let tick = self.ticks.tick_at(self.worth).raw();
        let wider = i64::from(self.heat > 3.0) + i64::from(self.chance() < 0.05);
        let spread = self.spread + wider * self.gap;
        let bid = Price::from_raw(self.worth.raw() - tick * spread / 2);
        let bid = self.ticks.toward_less_risk(bid, Side::Buy);
        let ask = Price::from_raw(bid.raw().saturating_add(tick.saturating_mul(spread)));
        let ask = self.ticks.toward_less_risk(ask, Side::Sell);
        let stands = [(Side::Buy, bid), (Side::Sell, ask)].map(|(side, edge)| Stand {
            side,
            edge,
            gap: self.gap,
        });
        for stand in &stands {
            ladder.clear(stand, &self.ticks, acts);
        }
        for stand in &stands {
            let mut sizes = [Quantity::ZERO; 10];
            for (n, size) in (0u8..).zip(sizes.iter_mut()) {
                let factor = (0.4 + self.chance() * 1.2) * (1.0 + f64::from(n) * 0.18);
                *size = self.sized(factor);
            }
            let size = |n: i64| {
                usize::try_from(n)
                    .ok()
                    .and_then(|n| sizes.get(n))
                    .copied()
                    .unwrap_or(self.lot)
            };
            ladder.fill(stand, &self.ticks, size, acts);
        }
    }

    fn take(&mut self, moved: i64, acts: &mut Vec<Act>) {
        if self.chance() > 0.28 + self.heat * 0.06 {
            return;
        }
        // Takers follow what just happened more often than not.
        let follows = self.chance() < 0.62;
        let side = match moved.signum() {
            0 => self.either(),
            direction => {
                if (direction > 0) == follows {
                    Side::Buy
                } else {
                    Side::Sell
                }
            }
        };
        let usual = (normal(self.random.next_u64()) * 0.8).exp() * 0.18;
        let large = self.chance() < 0.008;
        let factor = if large {
            2.0 + self.chance() * 4.0
        } else {
            usual.min(1.5)
        };
        let excited = match self.chance() {
            _ if large => 1.5,
            burst if burst < 0.003 => 3.0,
            _ => 0.004,
        };
        self.heat = (self.heat + excited).min(MOST_HEAT);
        acts.push(Act::Take {
            side,
            price: None,
            size: self.sized(factor),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::universe;

    #[test]
    fn the_crowd_quotes_at_once_and_the_same_seed_does_the_same() {
        let now = Timestamp::parse("2026-11-21T12:00:00Z").unwrap();
        for listing in universe::listings(now, false) {
            let run = |seed| {
                let (mut crowd, mut ladder, mut acts) =
                    (Crowd::new(&listing, seed, now), Ladder::default(), Vec::new());
                let mut wakes = 0;
                while crowd.next_wake() < now.after(std::time::Duration::from_secs(60)) {
                    crowd.act(crowd.next_wake(), &mut ladder, &mut acts);
                    if wakes == 0 {
                        let quotes = acts.iter().filter(|act| matches!(act, Act::Quote { .. })).count();
                        assert_eq!(quotes, 20, "{}", listing.instrument.id);
                    }
                    wakes += 1;
                }
                assert!(
                    (30..1500).contains(&wakes),
                    "{} acted {wakes} times",
                    listing.instrument.id
                );
                for act in &acts {
                    if let Act::Quote { price, size, .. } = act {
                        assert!(
                            listing.instrument.ticks.allows(*price),
                            "{}",
                            listing.instrument.id
                        );
                        assert!(listing.instrument.allows_quantity(*size));
                    }
                }
                acts
            };
            assert_eq!(run(1), run(1));
            assert_ne!(run(1), run(2));
        }
    }
}
