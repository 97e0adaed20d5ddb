//! How long things take: counts in buckets of which four make a doubling, from a microsecond to about half a minute. A
//! quantile is read from the counts, at most an eighth off.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The first bucket ends at 2 to this power, in nanoseconds: about a microsecond.
const FIRST: u32 = 10;
/// Doublings that are told apart.
const DOUBLINGS: u32 = 25;
/// Buckets of a doubling.
const PER: usize = 4;
/// All buckets: one below, one above.
const BUCKETS: usize = DOUBLINGS as usize * PER + 2;

/// A distribution of times.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
}

/// What a histogram held at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    counts: Vec<u64>,
    /// The sum of all times, in nanoseconds.
    pub sum_ns: u64,
}

/// The bucket of a time: by its highest bit and the two below it.
fn bucket(ns: u64) -> usize {
    if ns < 1 << FIRST {
        return 0;
    }
    let doubling = 63 - ns.leading_zeros();
    let within = usize::try_from((ns >> (doubling - 2)) & 3).unwrap_or(0);
    let at = (doubling - FIRST) as usize * PER + within + 1;
    at.min(BUCKETS - 1)
}

/// Where a bucket ends, in nanoseconds; nothing for the last.
fn end(bucket: usize) -> Option<u64> {
    if bucket + 1 >= BUCKETS {
        return None;
    }
    let doubling = u32::try_from(bucket / PER).ok()? + FIRST;
    let quarters = u64::try_from(PER + bucket % PER).ok()?;
    Some((quarters << doubling) / 4)
}

#[allow(clippy::cast_precision_loss, reason = "shown, never counted with")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

impl Histogram {
    pub(super) const fn new() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; BUCKETS],
            sum_ns: AtomicU64::new(0),
        }
    }
    /// One more that took so long.
    pub fn observe(&self, time: Duration) {
        self.observe_ns(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }
    /// The same, in nanoseconds.
    pub fn observe_ns(&self, ns: u64) {
        self.counts[bucket(ns)].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }
    /// What it holds.
    pub fn shape(&self) -> Shape {
        Shape {
            counts: self
                .counts
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
                .collect(),
            sum_ns: self.sum_ns.load(Ordering::Relaxed),
        }
    }
}

impl Shape {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
    /// The sum, in seconds.
    pub fn sum(&self) -> f64 {
        seconds(self.sum_ns)
    }
    /// How many were shorter than each bound, in seconds: two bounds to a doubling.
    pub fn cumulative(&self) -> Vec<(f64, u64)> {
        let mut sum = 0;
        let mut rows = Vec::new();
        for (at, count) in self.counts.iter().enumerate() {
            sum += count;
            if let Some(end) = end(at).filter(|_| at % 2 == 0) {
                rows.push((seconds(end), sum));
            }
        }
        rows
    }
    /// The time that this share of them did not exceed, in seconds: a bucket's end. Nothing where there are none, or
    /// where it is longer than is told apart.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let all = self.count();
        if all == 0 {
            return None;
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank among counts"
        )]
        let rank = ((all as f64 * share.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut sum = 0;
        let at = self.counts.iter().position(|count| {
            sum += count;
            sum >= rank
        })?;
        end(at).map(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_below_its_buckets_end_and_not_below_the_one_before() {
        for ns in (0..2_000).chain((0..60).flat_map(|bit| {
            let power = 1u64 << bit;
            [power.saturating_sub(1), power, power + 1, power + power / 3]
        })) {
            let at = bucket(ns);
            assert!(end(at).is_none_or(|end| ns < end), "{ns}");
            assert!(at == 0 || end(at - 1).is_some_and(|end| ns >= end), "{ns}");
        }
    }

    #[test]
    fn quantiles_are_those_of_what_was_seen() {
        let times = Histogram::new();
        assert_eq!(times.shape().quantile(0.5), None);
        for ms in 1..=100 {
            times.observe(Duration::from_millis(ms));
        }
        let shape = times.shape();
        assert_eq!(shape.count(), 100);
        for (share, right) in [(0.5, 0.050), (0.95, 0.095), (0.99, 0.099)] {
            let told = shape.quantile(share).unwrap();
            assert!(told >= right && told < right * 1.25, "{share}: {told}");
        }
        let rows = shape.cumulative();
        assert!(
            rows.windows(2)
                .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1)
        );
        assert_eq!(rows.last().unwrap().1, 100);
    }
}
