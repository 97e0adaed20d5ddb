//! Tells plausible prices from corrupt ones before anybody acts on them. A price far from the last good one
//! waits until a second source or three in a row agree. Also knows which print numbers have been seen. What
//! is done with a suspect is the line's decision.

use crate::domain::Price;

/// A price this part of the last good one away from it is suspect: a tenth.
const BAND: i128 = 10;
/// So many suspects in a row that agree with one another are good.
const ENOUGH: u8 = 3;

/// What a price is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Near the last good one, or confirmed by a second source.
    Good,
    /// Far off, and agrees with no suspect before: the first of its kind.
    Suspect,
    /// Far off, and agrees with the suspect before it.
    AgreesWithSuspect,
    /// Far off, and the third in a row: good after all, and those before it too.
    Confirmed,
}

/// The memory of one stream of prices.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guard {
    good: Option<Price>,
    suspect: Option<Price>,
    agreeing: u8,
}

impl Guard {
    /// Judges a price. `second` is what another source says; `slack` is always near, so that prices around
    /// zero have room.
    pub(super) fn judge(&mut self, price: Price, second: Option<Price>, slack: Price) -> Verdict {
        let agrees = |other: Option<Price>| other.is_some_and(|other| is_near(price, other, slack));
        if self.good.is_none() && second.is_none() || agrees(self.good) || agrees(second) {
            *self = Self {
                good: Some(price),
                ..Self::default()
            };
            return Verdict::Good;
        }
        if !agrees(self.suspect) {
            self.suspect = Some(price);
            self.agreeing = 1;
            return Verdict::Suspect;
        }
        self.suspect = Some(price);
        self.agreeing += 1;
        if self.agreeing < ENOUGH {
            return Verdict::AgreesWithSuspect;
        }
        *self = Self {
            good: Some(price),
            ..Self::default()
        };
        Verdict::Confirmed
    }
}

fn is_near(a: Price, b: Price, slack: Price) -> bool {
    let (a, b) = (i128::from(a.raw()), i128::from(b.raw()));
    let distance = (a - b).abs();
    distance * BAND <= b.abs() || distance <= i128::from(slack.raw())
}

/// How far back single print numbers are remembered.
const WINDOW: u64 = 1_024;

/// What is known of a print's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// Not seen before.
    New,
    /// Seen already.
    Seen,
    /// So far behind that it can't be told.
    TooOld,
}

/// Which of the newest print numbers of an instrument have been seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    highest: Option<u64>,
    seen: [u64; 16],
    missing: u64,
}

impl Numbers {
    /// Notes a number.
    pub(super) fn note(&mut self, number: u64) -> Note {
        let Some(highest) = self.highest else {
            self.highest = Some(number);
            self.set(number, true);
            return Note::New;
        };
        if number > highest {
            let ahead = number - highest;
            for skipped in 1..ahead.min(WINDOW) {
                self.set(highest.wrapping_add(skipped), false);
            }
            if ahead >= WINDOW {
                self.seen = [0; 16];
            }
            self.missing = self.missing.saturating_add(ahead - 1);
            self.highest = Some(number);
            self.set(number, true);
            return Note::New;
        }
        if highest - number >= WINDOW {
            return Note::TooOld;
        }
        if self.is_set(number) {
            return Note::Seen;
        }
        self.set(number, true);
        self.missing = self.missing.saturating_sub(1);
        Note::New
    }
    /// Forgets the numbers, but not how many were missing: the feed counts anew.
    pub(super) fn restart(&mut self) {
        *self = Self {
            missing: self.missing,
            ..Self::default()
        };
    }
    /// How many prints never came.
    pub(super) fn missing(&self) -> u64 {
        self.missing
    }

    /// Where a number's bit lies: the word, and the bit in it.
    fn place(number: u64) -> (usize, u64) {
        let at = number % WINDOW;
        (usize::try_from(at / 64).unwrap_or(0), 1 << (at % 64))
    }
    fn is_set(&self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        self.seen[word] & bit != 0
    }
    fn set(&mut self, number: u64, on: bool) {
        let (word, bit) = Self::place(number);
        if on {
            self.seen[word] |= bit;
        } else {
            self.seen[word] &= !bit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    #[test]
    fn a_jump_waits_for_three_and_a_spike_passes_unseen() {
        let mut guard = Guard::default();
        let mut judge = |text: &str| guard.judge(price(text), None, price("0.01"));
        assert_eq!(judge("645.57"), Verdict::Good);
        assert_eq!(judge("6455.7"), Verdict::Suspect); // a digit too many
        assert_eq!(judge("645.60"), Verdict::Good);
        // A split: the market is there from now on.
        assert_eq!(judge("92.69"), Verdict::Suspect);
        assert_eq!(judge("92.70"), Verdict::AgreesWithSuspect);
        assert_eq!(judge("92.68"), Verdict::Confirmed);
        assert_eq!(judge("92.69"), Verdict::Good);
        // A second source confirms at once.
        assert_eq!(
            guard.judge(price("120"), Some(price("121")), price("0.01")),
            Verdict::Good
        );
    }

    proptest! {
        #[test]
        fn a_number_is_new_exactly_once(numbers in prop::collection::vec(0u64..900, 1..300)) {
            let mut window = Numbers::default();
            let mut seen = std::collections::BTreeSet::new();
            for number in &numbers {
                let expected = if seen.insert(*number) { Note::New } else { Note::Seen };
                let below_first = *number < numbers[0];
                let note = window.note(*number);
                prop_assert!(note == expected || below_first && note != Note::TooOld);
            }
        }
    }
}
