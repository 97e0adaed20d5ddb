//! The one gate that every message to the broker passes: no more in any second than we allow ourselves. Cancels and
//! heartbeats go first and may use a reserve that nothing else gets, still within what the broker allows.

use super::budget::Window;
use super::session::lock;
use crate::domain::Timestamp;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What is kept for cancels and heartbeats, in messages a second: the broker ends connections that send more than fifty.
const RESERVE: usize = 8;
/// A second, and the time that a message may take from here to the wire: what is counted is when it may leave.
const SECOND: Duration = Duration::from_millis(1_100);
/// How long others stand back while something urgent waits.
const STAND_BACK: Duration = Duration::from_millis(5);

/// The gate.
#[derive(Debug)]
pub struct Pace {
    sent: Mutex<Window>,
    most: usize,
    urgent: AtomicUsize,
    waiting: AtomicUsize,
}

impl Pace {
    /// At most `most` messages a second, and some cancels more.
    pub fn new(most: usize) -> Self {
        Self {
            sent: Mutex::new(Window::new(SECOND, most)),
            most,
            urgent: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Waits until one more message may leave.
    pub async fn pass(&self, clock: impl Fn() -> Timestamp) {
        self.wait(clock, false).await;
    }

    /// As [`Pace::pass`], ahead of everything that is not urgent.
    pub async fn pass_first(&self, clock: impl Fn() -> Timestamp) {
        self.urgent.fetch_add(1, Ordering::Relaxed);
        self.wait(clock, true).await;
        self.urgent.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a message that leaves by itself: the end of a subscription.
    pub fn note(&self, now: Timestamp) {
        lock(&self.sent).force(now);
    }

    async fn wait(&self, clock: impl Fn() -> Timestamp, urgent: bool) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        loop {
            let pause = if !urgent && self.urgent.load(Ordering::Relaxed) > 0 {
                STAND_BACK
            } else {
                let mut sent = lock(&self.sent);
                sent.set_most(self.most + if urgent { RESERVE } else { 0 });
                match sent.take(clock()) {
                    Ok(()) => break,
                    Err(pause) => pause,
                }
            };
            tokio::time::sleep(pause).await;
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Sent in the last second, allowed, and waiting.
    pub fn used(&self, now: Timestamp) -> (usize, usize, usize) {
        let used = lock(&self.sent).used(now);
        (used, self.most, self.waiting.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn cancels_overtake_and_nobody_leaves_above_the_budget() {
        let begun = tokio::time::Instant::now();
        let clock = move || Timestamp(i64::try_from(begun.elapsed().as_nanos()).unwrap());
        let pace = Arc::new(Pace::new(40));
        let sent = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for n in 0..110 {
            let (pace, sent) = (Arc::clone(&pace), Arc::clone(&sent));
            let urgent = n >= 80;
            tasks.push(tokio::spawn(async move {
                if urgent {
                    pace.pass_first(clock).await;
                } else {
                    pace.pass(clock).await;
                }
                lock(&sent).push((clock(), urgent));
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let sent = lock(&sent).clone();
        for (i, (at, _)) in sent.iter().enumerate() {
            let within = sent[i..]
                .iter()
                .take_while(|(later, _)| later.since(*at) < SECOND)
                .count();
            assert!(within <= 48, "{within} within a second");
        }
        let last_urgent = sent.iter().rposition(|(_, urgent)| *urgent).unwrap();
        assert!(last_urgent < 80, "cancels waited behind orders: {last_urgent}");
    }
}
