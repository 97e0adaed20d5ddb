//! Keeps the bars of one instrument and timeframe: ascending, bounded, newest revision wins. Joins history
//! with what happens now without a gap or a double.

use super::data::Bar;
use crate::domain::Timestamp;

/// How many bars are kept of each instrument and timeframe.
pub const SERIES_LIMIT: usize = 2_000;
/// Bars are cut and room is made in steps of this many, so that neither happens at each bar.
const STEP: usize = 256;

/// What an update did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The bar is the newest and new.
    Appended,
    /// A bar was replaced, or filled in between others.
    Amended,
    /// The same or a newer revision was there already.
    Nothing,
    /// The bar is older than all that are kept.
    TooOld,
}

impl Changed {
    /// True where the series is another one than before.
    pub fn is_change(self) -> bool {
        matches!(self, Self::Appended | Self::Amended)
    }
}

/// Bars, ascending by their start.
#[derive(Clone, Debug)]
pub struct Series {
    bars: Vec<Bar>,
    limit: usize,
    /// Bars before this moment have been cut and don't come back one by one.
    horizon: Timestamp,
}

impl Default for Series {
    fn default() -> Self {
        Self::new(SERIES_LIMIT)
    }
}

impl Series {
    /// An empty series that keeps at least `limit` bars once it has them.
    pub fn new(limit: usize) -> Self {
        Self {
            bars: Vec::new(),
            limit: limit.max(1),
            horizon: Timestamp::MIN,
        }
    }
    /// All kept bars, the newest last.
    pub fn bars(&self) -> &[Bar] {
        &self.bars
    }
    /// The newest bar.
    pub fn newest(&self) -> Option<&Bar> {
        self.bars.last()
    }
    /// The bar that starts at `start`.
    pub fn starting_at(&self, start: Timestamp) -> Option<&Bar> {
        let found = self.bars.binary_search_by_key(&start, |bar| bar.start).ok()?;
        self.bars.get(found)
    }
    /// The newest bar that starts before `start`.
    pub fn before(&self, start: Timestamp) -> Option<&Bar> {
        let after = self.bars.partition_point(|bar| bar.start < start);
        self.bars.get(after.checked_sub(1)?)
    }
    /// Takes a bar over; of two with the same start the higher revision stays.
    pub fn update(&mut self, bar: Bar) -> Changed {
        match self.bars.last_mut() {
            Some(newest) if newest.start == bar.start => {
                if bar.revision <= newest.revision {
                    return Changed::Nothing;
                }
                *newest = bar;
                Changed::Amended
            }
            Some(newest) if newest.start > bar.start => self.fill_in(bar),
            _ => {
                self.make_room();
                self.bars.push(bar);
                Changed::Appended
            }
        }
    }
    /// Joins bars from elsewhere (a store, a broker's history, a snapshot) with those that are here. Of two
    /// with the same start the higher revision stays; where one of them has none (0: it was never told live)
    /// the one with more volume stays, since the other one saw a part of the interval only. The winner's
    /// revision then outranks both. Where all that is here ended before the newcomers begin, there may be a hole between
    /// them: the newcomers alone stay, and the past is asked for anew by whoever wants it.
    pub fn join(&mut self, mut more: Vec<Bar>) {
        more.sort_by_key(|bar| bar.start);
        if let (Some(newest), Some(first)) = (self.bars.last(), more.first())
            && newest.start < first.start
        {
            self.bars.clear();
        }
        let mut joined: Vec<Bar> = Vec::with_capacity(self.bars.len() + more.len());
        let (mut here, mut there) = (self.bars.iter().peekable(), more.iter().peekable());
        loop {
            let next = match (here.peek(), there.peek()) {
                (Some(a), Some(b)) if a.start <= b.start => here.next(),
                (Some(_), None) => here.next(),
                (_, Some(_)) => there.next(),
                (None, None) => break,
            };
            let Some(bar) = next else { break };
            match joined.last_mut() {
                Some(last) if last.start == bar.start => *last = winner(*last, *bar),
                _ => joined.push(*bar),
            }
        }
        let cut = joined.len().saturating_sub(self.limit);
        if cut > 0 {
            joined.drain(..cut);
            self.horizon = joined.first().map_or(self.horizon, |bar| bar.start);
        }
        joined.shrink_to_fit();
        self.bars = joined;
    }

    fn fill_in(&mut self, bar: Bar) -> Changed {
        match self.bars.binary_search_by_key(&bar.start, |kept| kept.start) {
            Ok(at) if bar.revision <= self.bars[at].revision => Changed::Nothing,
            Ok(at) => {
                self.bars[at] = bar;
                Changed::Amended
            }
            Err(0) if bar.start < self.horizon || self.bars.len() >= self.limit => Changed::TooOld,
            Err(at) => {
                self.make_room();
                // Making room may have cut bars at the front; the place is looked up again.
                let at = at.min(self.bars.partition_point(|kept| kept.start < bar.start));
                self.bars.insert(at, bar);
                Changed::Amended
            }
        }
    }
    fn make_room(&mut self) {
        if self.bars.len() >= self.limit.saturating_add(STEP) {
            let cut = self.bars.len() - self.limit;
            self.bars.drain(..cut);
            self.horizon = self.bars.first().map_or(self.horizon, |bar| bar.start);
        }
        if self.bars.len() == self.bars.capacity() {
            self.bars.reserve_exact(STEP.min(self.bars.len().max(8)));
        }
    }
}

fn winner(a: Bar, b: Bar) -> Bar {
    if a.revision > 0 && b.revision > 0 {
        return if b.revision > a.revision { b } else { a };
    }
    let better = if b.volume > a.volume || (b.volume == a.volume && b.revision > a.revision) {
        b
    } else {
        a
    };
    let highest = a.revision.max(b.revision);
    let revision = if better.revision == highest {
        highest
    } else {
        highest.saturating_add(1)
    };
    Bar { revision, ..better }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Price;

    fn bar(start: i64, revision: u32, volume: i128) -> Bar {
        let price = Price::from_raw(1);
        Bar {
            start: Timestamp::from_seconds(start),
            open: price,
            high: price,
            low: price,
            close: price,
            volume,
            value: 0,
            count: 1,
            revision,
        }
    }

    #[test]
    fn newest_revision_wins_and_the_bound_holds() {
        let mut series = Series::new(10);
        for start in 0..10_000 {
            assert_eq!(series.update(bar(start, 2, 1)), Changed::Appended);
        }
        assert!(series.bars().len() <= 10 + STEP && series.bars().len() >= 10);
        assert_eq!(series.update(bar(9_998, 1, 9)), Changed::Nothing);
        assert_eq!(series.update(bar(9_999, 1, 9)), Changed::Nothing);
        assert_eq!(series.update(bar(9_998, 3, 9)), Changed::Amended);
        assert_eq!(series.update(bar(1, 9, 9)), Changed::TooOld);
        assert!(series.bars().windows(2).all(|pair| pair[0].start < pair[1].start));
    }

    #[test]
    fn history_joins_the_live_bars_without_gap_or_double() {
        let mut series = Series::new(100);
        // The live bars began in the middle of interval 5.
        series.update(bar(5, 4, 3));
        series.update(bar(6, 2, 8));
        series.join((1..=6).map(|start| bar(start, 0, 7)).collect());
        let seen = |series: &Series| -> Vec<_> {
            let bars = series.bars().iter();
            bars.map(|bar| (bar.start.seconds(), bar.volume)).collect()
        };
        assert_eq!(seen(&series), [(1, 7), (2, 7), (3, 7), (4, 7), (5, 7), (6, 8)]);
        assert_eq!(
            series.starting_at(Timestamp::from_seconds(5)).unwrap().revision,
            5
        );
        assert_eq!(
            series.starting_at(Timestamp::from_seconds(6)).unwrap().revision,
            2
        );
        // What comes after a while does not reach back to what is here: a hole is not shown as if it were none.
        series.join((90..=91).map(|start| bar(start, 0, 7)).collect());
        assert_eq!(seen(&series), [(90, 7), (91, 7)]);
    }
}
