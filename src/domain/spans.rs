//! The last spans of something that is measured again and again, and what so many in a hundred of them don't exceed. Knows
//! no clock.

use std::collections::VecDeque;
use std::time::Duration;

/// Spans that are kept.
const KEPT: usize = 1_000;

/// The newest spans, at most [`KEPT`] of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    spans: VecDeque<Duration>,
}

impl Spans {
    /// One more; the oldest goes where there are too many.
    pub fn add(&mut self, span: Duration) {
        if self.spans.len() >= KEPT {
            self.spans.pop_front();
        }
        self.spans.push_back(span);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// True before the first.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The span that so many in a hundred don't exceed, one that occurred; nothing before the first.
    pub fn percentile(&self, hundredth: usize) -> Option<Duration> {
        let mut sorted: Vec<Duration> = self.spans.iter().copied().collect();
        sorted.sort_unstable();
        percentile(&sorted, hundredth)
    }
}

/// The value that so many in a hundred don't exceed, of sorted ones: one that occurred.
pub fn percentile(sorted: &[Duration], hundredth: usize) -> Option<Duration> {
    let rank = (sorted.len() * hundredth).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_a_percentile_is_one_of_them() {
        let mut spans = Spans::default();
        assert_eq!(spans.percentile(99), None);
        for millis in 1..=1_200 {
            spans.add(Duration::from_millis(millis));
        }
        assert_eq!(spans.len(), 1_000);
        assert_eq!(spans.percentile(50), Some(Duration::from_millis(700)));
        assert_eq!(spans.percentile(99), Some(Duration::from_millis(1_190)));
        assert_eq!(spans.percentile(100), Some(Duration::from_millis(1_200)));
        let one = [Duration::from_millis(1)];
        assert_eq!((percentile(&one, 50), percentile(&[], 99)), (Some(one[0]), None));
    }
}
