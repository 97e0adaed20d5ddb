//! For a reader that is slower than the market. [`Conflater`] keeps the newest quote and book of each
//! instrument and the newest state of each bar; [`PrintRing`] keeps the newest prints and says how many it
//! had to let go. One of each for every reader; the sender drains them when the reader has room.

use super::BarUpdate;
use super::data::{Depth, Print, Quote, Timeframe};
use crate::domain::{InstrumentId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Something newest-wins that is due to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Update {
    /// A quote.
    Quote(Quote),
    /// A book.
    Depth(Depth),
    /// A bar.
    Bar(BarUpdate),
}

/// What waits of one instrument.
#[derive(Debug, Default)]
struct Slot {
    quote: Option<Quote>,
    depth: Option<Depth>,
    queued: bool,
}

/// The newest of everything that has changed since the last drain.
#[derive(Debug, Default)]
pub struct Conflater {
    places: BTreeMap<InstrumentId, usize>,
    slots: Vec<Slot>,
    /// Places with something waiting, the longest waiting first.
    queue: Vec<usize>,
    bars: BTreeMap<(InstrumentId, Timeframe, Timestamp), BarUpdate>,
}

impl Conflater {
    /// Nothing waits.
    pub fn new() -> Self {
        Self::default()
    }
    /// Puts a quote in place of the one that waits.
    pub fn put_quote(&mut self, quote: Quote) {
        self.slot(quote.instrument).quote = Some(quote);
    }
    /// Puts a book in place of the one that waits.
    pub fn put_depth(&mut self, depth: Depth) {
        let slot = self.slot(depth.instrument);
        slot.depth = Some(depth);
    }
    /// Puts a bar in place of the same bar that waits, unless that one's revision is higher.
    pub fn put_bar(&mut self, update: BarUpdate) {
        let key = (update.instrument, update.timeframe, update.bar.start);
        let waiting = self.bars.entry(key).or_insert(update);
        if waiting.bar.revision < update.bar.revision {
            *waiting = update;
        }
    }
    /// True where nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.bars.is_empty()
    }
    /// Moves all that waits to `out`: quotes and books, the longest waiting first, then bars.
    pub fn drain(&mut self, out: &mut Vec<Update>) {
        for place in self.queue.drain(..) {
            let Some(slot) = self.slots.get_mut(place) else {
                continue;
            };
            slot.queued = false;
            out.extend(slot.quote.take().map(Update::Quote));
            out.extend(slot.depth.take().map(Update::Depth));
        }
        while let Some((_, update)) = self.bars.pop_first() {
            out.push(Update::Bar(update));
        }
    }

    fn slot(&mut self, instrument: InstrumentId) -> &mut Slot {
        let place = *self.places.entry(instrument).or_insert(self.slots.len());
        if place == self.slots.len() {
            self.slots.push(Slot::default());
        }
        let slot = &mut self.slots[place];
        if !slot.queued {
            slot.queued = true;
            self.queue.push(place);
        }
        slot
    }
}

/// A print, or the place where prints were let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TapeItem {
    /// So many prints, of whatever instruments, are missing here.
    Gap(u64),
    /// A print.
    Print(Print),
}

/// The newest prints that have not been sent yet.
#[derive(Debug)]
pub struct PrintRing {
    ring: VecDeque<Print>,
    limit: usize,
    lost: u64,
}

impl PrintRing {
    /// Holds at most `limit` prints, at least one.
    pub fn new(limit: usize) -> Self {
        Self {
            ring: VecDeque::new(),
            limit: limit.max(1),
            lost: 0,
        }
    }
    /// Adds a print; where the ring is full the oldest goes and is counted.
    pub fn push(&mut self, print: Print) {
        if self.ring.len() >= self.limit {
            self.ring.pop_front();
            self.lost = self.lost.saturating_add(1);
        }
        self.ring.push_back(print);
    }
    /// True where nothing waits.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
    /// Moves all to `out`, oldest first; a gap, if there is one, comes before them.
    pub fn drain(&mut self, out: &mut Vec<TapeItem>) {
        if self.lost > 0 {
            out.push(TapeItem::Gap(std::mem::take(&mut self.lost)));
        }
        out.extend(self.ring.drain(..).map(TapeItem::Print));
    }
}
