//! What an invented instrument is worth at any moment, past or coming: a seeded function of time, made of noise on
//! twenty-two scales from one second to a month, so that it moves like a market, keeps returning to its reference, and is
//! the same after a restart. From it come the prices that participants quote around and the history that a chart shows
//! before the first print. None of it is the history of anything real.

use super::universe::Listing;
use crate::domain::{CalendarId, InstrumentKind, Price, Quantity, Side, Timestamp};
use crate::market::{Bar, Timeframe};

/// Scales of the noise: spans of 2^0 to 2^21 seconds.
const SCALES: u32 = 22;
/// A trading day in seconds: what `daily_move` is stated for.
const DAY: f64 = 23_400.0;
/// Moments at which a bar's range is looked for, its ends not counted.
const SAMPLES: i64 = 12;

/// Mixes a number thoroughly (the finaliser of SplitMix64).
pub(super) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A key from a seed and a name.
pub(super) fn key(seed: u64, name: &str) -> u64 {
    name.bytes()
        .fold(mix(seed), |key, byte| mix(key ^ u64::from(byte)))
}

/// About a standard normal number from 64 random bits: four uniform ones, summed.
pub(super) fn normal(bits: u64) -> f64 {
    let sum: u32 = (0..4)
        .map(|part| u32::from(u16::from_le_bytes(pair(bits, part))))
        .sum();
    (f64::from(sum) / 65_536.0 - 2.0) * 3f64.sqrt()
}

fn pair(bits: u64, part: usize) -> [u8; 2] {
    let bytes = bits.to_le_bytes();
    [bytes[part * 2], bytes[part * 2 + 1]]
}

/// The nearest whole number, held at the ends of the range.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast of a float holds at the ends of the range"
)]
pub(super) fn whole(number: f64) -> i64 {
    number.round() as i64
}

/// Noise of one key at a moment, in units of a standard deviation of one day.
fn noise(key: u64, at: Timestamp) -> f64 {
    let mut sum = 0.0;
    for scale in 0..SCALES {
        let span = 1i64 << scale;
        let own = mix(key ^ u64::from(scale));
        // Each scale has its own origin, so that they never turn together.
        let shift = i64::from(u32::from_le_bytes([
            own.to_le_bytes()[0],
            own.to_le_bytes()[1],
            own.to_le_bytes()[2],
            0,
        ]));
        let nanos = i128::from(at.0) + i128::from(shift) * 1_000_000_000;
        let unit = i128::from(span) * 1_000_000_000;
        let (cell, within) = (nanos.div_euclid(unit), nanos.rem_euclid(unit));
        let cell = u64::try_from(cell.rem_euclid(1 << 62)).unwrap_or(0);
        let (from, to) = (normal(mix(own ^ cell)), normal(mix(own ^ (cell + 1))));
        let part = within as f64 / unit as f64;
        let smooth = part * part * (3.0 - 2.0 * part);
        // A third of the variance in each scale makes the sum over all of them that of a random walk.
        sum += (from + (to - from) * smooth) * (span as f64 / DAY / 3.0).sqrt();
    }
    sum
}

/// The worth of one instrument over time.
#[derive(Clone, Debug)]
pub struct Fair {
    common: u64,
    own: u64,
    /// How much of the movement is the whole market's.
    share: f64,
    reference: f64,
    daily: f64,
    tick: Price,
    size: Quantity,
    pace: u32,
    calendar: CalendarId,
    ticks: crate::domain::TickTable,
}

impl Fair {
    /// The worth of `listing` under `seed`.
    pub fn new(listing: &Listing, seed: u64) -> Self {
        let instrument = &listing.instrument;
        let name = instrument
            .root
            .as_ref()
            .map_or(instrument.id.as_str(), |root| root.as_str());
        let joined = matches!(instrument.kind, InstrumentKind::Equity) || matches!(name, "ES" | "NQ");
        Self {
            common: key(seed, "the market"),
            own: key(seed, name),
            share: if joined { 0.6 } else { 0.0 },
            reference: listing.reference.to_f64(),
            daily: f64::from(listing.daily_move) / 10_000.0,
            tick: instrument.ticks.tick_at(listing.reference),
            size: listing.size,
            pace: listing.pace,
            calendar: instrument.calendar,
            ticks: instrument.ticks.clone(),
        }
    }

    /// The worth at a moment, not rounded to a tick, never below ten ticks.
    pub fn at(&self, at: Timestamp) -> Price {
        let own = noise(self.own, at);
        let moved = if self.share > 0.0 {
            self.share * noise(self.common, at) + (1.0 - self.share * self.share).sqrt() * own
        } else {
            own
        };
        let value = self.reference * (moved * self.daily).exp();
        Price::from_raw(whole(value * 1e9).clamp(self.tick.raw().saturating_mul(10), i64::MAX / 4))
    }

    fn on_tick(&self, price: Price) -> Price {
        self.ticks.toward_less_risk(price, Side::Buy)
    }

    /// An invented bar from `from` to `to`, which is after it. Bars that follow each other join without a gap.
    pub fn bar(&self, from: Timestamp, to: Timestamp) -> Bar {
        let (open, close) = (self.on_tick(self.at(from)), self.on_tick(self.at(to)));
        let (mut high, mut low) = (open.max(close), open.min(close));
        let length = to.0.saturating_sub(from.0).max(1);
        for sample in 1..=SAMPLES {
            let at = Timestamp(from.0.saturating_add(length / (SAMPLES + 1) * sample));
            let price = self.on_tick(self.at(at));
            (high, low) = (high.max(price), low.min(price));
        }
        let lots = mix(self.own ^ mix(from.0.unsigned_abs()));
        let seconds = length as f64 / 1e9;
        // Busy times come and go by the quarter of an hour, and with the movement.
        let quarter = mix(self.own ^ from.0.div_euclid(900_000_000_000).unsigned_abs());
        let range =
            (high.to_f64() - low.to_f64()) / open.to_f64() / (self.daily * (seconds / DAY).sqrt()).max(1e-9);
        let busy = (normal(quarter) * 0.4).exp() * (normal(lots) * 0.3).exp() * (0.5 + range.min(4.0) * 0.4);
        let trades = (f64::from(self.pace) / 60.0 * seconds * 0.3 * busy).max(1.0);
        let lot = i128::from(self.size.raw());
        let volume = lot * i128::from(whole(trades * 250.0).max(1)) / 1000;
        let middle = (open.raw() / 4) + (close.raw() / 4) + (high.raw() / 4) + (low.raw() / 4);
        Bar {
            start: from,
            open,
            high,
            low,
            close,
            volume,
            value: volume * i128::from(middle),
            count: u64::try_from(whole(trades)).unwrap_or(1),
            revision: 0,
        }
    }

    /// The `count` bars of a timeframe before `now`, oldest first; the last one runs until `now` and is the only one that
    /// is not whole. Hours in which the instrument does not trade have no bars. Fewer where the calendar ends.
    pub fn history(&self, timeframe: Timeframe, count: usize, now: Timestamp) -> Vec<Bar> {
        let mut bars = Vec::with_capacity(count.min(100_000));
        let mut until = now;
        while bars.len() < count.min(100_000) {
            let before = Timestamp(until.0.saturating_sub(1));
            let Some(span) = timeframe.interval(self.calendar, before) else {
                break;
            };
            let session = self.calendar.session_at(span.start);
            if session.state.trades() {
                bars.push(self.bar(span.start, until.min(span.end)));
                until = span.start;
            } else {
                // Back to the end of the trading day before.
                let Some(day) = self.calendar.trading_day(span.start) else {
                    break;
                };
                until = day.end.min(span.start);
            }
        }
        bars.reverse();
        bars
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::universe;

    #[test]
    fn history_joins_itself_and_the_present_on_every_timeframe() {
        let now = Timestamp::parse("2026-11-21T12:00:03.5Z").unwrap();
        for listing in universe::listings(now, false) {
            let fair = Fair::new(&listing, 7);
            for timeframe in [
                Timeframe::Seconds(5),
                Timeframe::Seconds(60),
                Timeframe::Seconds(3600),
                Timeframe::Day,
            ] {
                let bars = fair.history(timeframe, 200, now);
                assert_eq!(bars.len(), 200, "{} {timeframe:?}", listing.instrument.id);
                for pair in bars.windows(2) {
                    assert!(pair[0].start < pair[1].start);
                    assert_eq!(pair[0].close, pair[1].open);
                }
                for bar in &bars {
                    assert!(bar.low <= bar.open.min(bar.close) && bar.high >= bar.open.max(bar.close));
                    assert!(bar.volume > 0 && bar.low > Price::ZERO);
                    let average = bar.value / bar.volume;
                    assert!(
                        average >= i128::from(bar.low.raw()) - 4 && average <= i128::from(bar.high.raw())
                    );
                }
                assert_eq!(bars[199].close, fair.on_tick(fair.at(now)));
                assert_eq!(
                    bars,
                    fair.history(timeframe, 200, now),
                    "the same seed tells the same"
                );
            }
        }
    }

    #[test]
    fn worth_moves_about_as_much_as_stated_and_comes_back() {
        let start = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
        let listing = universe::listings(start, false).remove(0);
        let fair = Fair::new(&listing, 11);
        let mut squares = 0.0;
        for day in 0..400 {
            let from = start.after(std::time::Duration::from_secs(day * 23_400));
            let to = from.after(std::time::Duration::from_secs(23_400));
            let (open, close) = (fair.at(from).to_f64(), fair.at(to).to_f64());
            squares += (close / open).ln().powi(2);
            assert!(open > 80.0 && open < 420.0, "{open}");
        }
        let deviation = (squares / 400.0f64).sqrt();
        assert!(
            (0.0075..0.03).contains(&deviation),
            "{deviation} is far from 1.5 %"
        );
    }
}
