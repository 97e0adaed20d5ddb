//! What a broker allows, and what of it is used: messages by the second, and things by number. Pure: the time is an
//! argument. Nothing above a budget is sent; what was wanted beyond it is told.

use crate::domain::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// How many of something in the last stretch of time.
#[derive(Clone, Debug)]
pub struct Window {
    span: Duration,
    most: usize,
    at: VecDeque<Timestamp>,
}

impl Window {
    /// At most `most` in any `span`.
    pub fn new(span: Duration, most: usize) -> Self {
        Self {
            span,
            most,
            at: VecDeque::new(),
        }
    }
    /// How many there were lately.
    pub fn used(&mut self, now: Timestamp) -> usize {
        let oldest = now.before(self.span);
        while self.at.front().is_some_and(|at| *at <= oldest) {
            self.at.pop_front();
        }
        self.at.len()
    }
    /// Takes one where it fits; else how long until one does.
    ///
    /// # Errors
    /// The window is full: when there is room again.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        if self.used(now) < self.most {
            self.at.push_back(now);
            return Ok(());
        }
        let oldest = self.at.front().copied().unwrap_or(now);
        Err(oldest.after(self.span).since(now).max(Duration::from_millis(1)))
    }
    /// Counts one whether it fits or not: what can't be held back.
    pub fn force(&mut self, now: Timestamp) {
        self.used(now);
        self.at.push_back(now);
    }
    /// How many are allowed.
    pub fn most(&self) -> usize {
        self.most
    }
    /// Allows another number from now on.
    pub fn set_most(&mut self, most: usize) {
        self.most = most.max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_in_any_stretch() {
        let second = Duration::from_secs(1);
        let mut window = Window::new(second, 40);
        let (mut sent, mut now) = (Vec::new(), Timestamp(0));
        while sent.len() < 400 {
            match window.take(now) {
                Ok(()) => sent.push(now),
                Err(wait) => now = now.after(wait),
            }
        }
        for (i, at) in sent.iter().enumerate() {
            let within = sent[i..]
                .iter()
                .take_while(|later| later.since(*at) < second)
                .count();
            assert!(within <= 40, "{within} within a second of {at}");
        }
    }
}
