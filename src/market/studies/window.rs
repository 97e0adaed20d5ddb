//! The last values of something, for indicators that look at a window of them.

use super::LONGEST;

/// The newest values, as many as the window is long; nothing is shown of it before it is full.
#[derive(Clone, Debug)]
pub(super) struct Window {
    ring: Box<[f64]>,
    next: usize,
    full: bool,
}

impl Window {
    /// Of `length` values, 1 to [`LONGEST`].
    pub(super) fn new(length: usize) -> Self {
        Self {
            ring: vec![0.0; length.clamp(1, LONGEST)].into_boxed_slice(),
            next: 0,
            full: false,
        }
    }
    /// Adds the newest value, in place of the oldest where it is full.
    pub(super) fn push(&mut self, value: f64) {
        self.ring[self.next] = value;
        self.next += 1;
        if self.next == self.ring.len() {
            (self.next, self.full) = (0, true);
        }
    }
    /// The values, oldest first; nothing before there are as many as it is long.
    pub(super) fn values(&self) -> Option<impl Iterator<Item = f64> + Clone + '_> {
        let (newer, older) = self.ring.split_at(self.next);
        self.full.then(|| older.iter().chain(newer).copied())
    }
    /// Their mean.
    pub(super) fn mean(&self) -> Option<f64> {
        Some(self.values()?.sum::<f64>() / self.length())
    }
    /// The lowest and the highest.
    pub(super) fn ends(&self) -> Option<(f64, f64)> {
        let ends = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
        Some(self.values()?.fold((f64::INFINITY, f64::NEG_INFINITY), ends))
    }
    /// How many values it holds once it is full.
    #[allow(clippy::cast_precision_loss, reason = "at most a thousand")]
    pub(super) fn length(&self) -> f64 {
        self.ring.len() as f64
    }
    /// Forgets them.
    pub(super) fn clear(&mut self) {
        (self.next, self.full) = (0, false);
    }
}
