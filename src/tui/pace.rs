//! When the next frame may be drawn: at most so many a second, fewer where the line to the terminal is slow. A line shows
//! that it is slow by taking its time over a frame; then at most half of that time is used, so that keys and their echo
//! get through. A line that is known to be slow has a budget of bytes. Knows no clock: moments are arguments.

use std::time::Duration;
use tokio::time::Instant;

/// What a slow line is given, in bytes a second: a third of what 0.5 Mbit/s carries, so that others have the rest.
pub const SLOW_LINE: u32 = 20_000;
/// A frame that takes the line longer than this says something of the line; below it is the scheduler's noise.
const NOTICEABLE: Duration = Duration::from_millis(5);
/// However slow the line, a frame is due after this: a price that is older is worse than a queue.
const LONGEST: Duration = Duration::from_secs(2);
/// Frames a second of a slow line at most: more of them say less.
const SLOW_FPS: u16 = 8;

/// What is known of the line to the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineSpeed {
    /// Nothing: it is watched.
    #[default]
    Auto,
    /// Fast: only the frame rate counts.
    Fast,
    /// Slow: at most [`SLOW_LINE`] bytes a second.
    Slow,
}

/// Decides when the next frame is due.
#[derive(Clone, Debug)]
pub struct Pace {
    line: LineSpeed,
    period: Duration,
    /// How long the line took over its last noticeable frames, smoothed.
    taken: Duration,
    due: Option<Instant>,
}

impl Pace {
    /// At most `fps` frames a second, 1 to 120.
    pub fn new(fps: u16, line: LineSpeed) -> Self {
        let fps = if line == LineSpeed::Slow {
            fps.min(SLOW_FPS)
        } else {
            fps
        };
        Self {
            line,
            period: Duration::from_micros(1_000_000 / u64::from(fps.clamp(1, 120))),
            taken: Duration::ZERO,
            due: None,
        }
    }
    /// When the next frame is due; at once before the first.
    pub fn due(&self, now: Instant) -> Instant {
        self.due.unwrap_or(now)
    }
    /// A frame of so many bytes was handed to the line.
    pub fn drawn(&mut self, bytes: usize, now: Instant) {
        let wait = match self.line {
            LineSpeed::Fast => self.period,
            LineSpeed::Slow => self.period.max(time_for(bytes)),
            LineSpeed::Auto => self.period.max(self.taken.saturating_mul(2)),
        };
        // From when it was due, not from now, so that the pace holds where a loop is a little late.
        let late = |due: &Instant| *due <= now && now - *due < self.period;
        let from = self.due.filter(late).unwrap_or(now);
        self.due = Some((from + wait.min(LONGEST)).max(now));
    }
    /// The line has taken the last frame, after so long.
    pub fn written(&mut self, took: Duration) {
        let noticed = if took < NOTICEABLE { Duration::ZERO } else { took };
        // A line that is slow is believed at once, one that is fast again by and by.
        self.taken = if noticed >= self.taken {
            noticed
        } else {
            (self.taken * 3 + noticed) / 4
        };
    }
    /// True where a key may be drawn ahead of the pace: not where bytes are counted and spent.
    pub fn may_hurry(&self, now: Instant) -> bool {
        self.line != LineSpeed::Slow
            || self
                .due
                .is_none_or(|due| due.saturating_duration_since(now) < KEY_WAIT)
    }
}

/// How long the echo of a key may wait for a slow line's budget before it is drawn all the same.
const KEY_WAIT: Duration = Duration::from_millis(250);

/// How long a slow line takes for so many bytes.
fn time_for(bytes: usize) -> Duration {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    Duration::from_micros(bytes.saturating_mul(1_000_000) / u64::from(SLOW_LINE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that leave within `span`, with frames of `size` whenever one is due.
    fn sent(pace: &mut Pace, size: usize, span: Duration) -> usize {
        let begun = Instant::now();
        let (mut now, mut bytes) = (begun, 0);
        while now < begun + span {
            if pace.due(now) <= now {
                pace.drawn(size, now);
                bytes += size;
            }
            now += Duration::from_millis(1);
        }
        bytes
    }

    #[test]
    fn a_slow_line_gets_its_budget_and_no_more() {
        let ten = Duration::from_secs(10);
        for size in [500, 3_000, 30_000] {
            let bytes = sent(&mut Pace::new(30, LineSpeed::Slow), size, ten);
            assert!(
                bytes <= 200_000 + size,
                "{bytes} bytes in ten seconds, {size} a frame"
            );
        }
        assert_eq!(
            sent(&mut Pace::new(30, LineSpeed::Fast), 1, ten) / 100,
            3,
            "about 300 frames"
        );
    }

    #[test]
    fn a_line_that_takes_its_time_is_used_for_half_of_it() {
        let mut pace = Pace::new(30, LineSpeed::Auto);
        let now = Instant::now();
        pace.drawn(1_000, now);
        assert!(pace.due(now) - now < Duration::from_millis(40));
        pace.written(Duration::from_millis(300));
        pace.drawn(1_000, now + Duration::from_millis(300));
        assert!(pace.due(now) - now >= Duration::from_millis(900));
        // And recovers.
        for _ in 0..20 {
            pace.written(Duration::from_micros(90));
        }
        let later = now + Duration::from_secs(9);
        pace.drawn(1_000, later);
        assert!(pace.due(later) - later < Duration::from_millis(40));
        // However slow, a frame comes.
        pace.written(Duration::from_secs(60));
        pace.drawn(1_000, later);
        assert!(pace.due(later) - later <= LONGEST);
    }
}
