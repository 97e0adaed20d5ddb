//! Market data on its way to one session: newest quotes and books, all prints up to a bound, changed bars. Filled as the
//! market moves, drained by a clock of its own when the session has room, so that a slow reader costs freshness only.

use crate::broker::MarketData;
use crate::domain::InstrumentId;
use crate::engine::port::Health;
use crate::market::conflate::{Conflater, PrintRing, TapeItem, Update};
use crate::market::{BarUpdate, Terms};
use crate::metrics::metrics;
use crate::wire::MarketBatch;
use std::collections::{BTreeMap, BTreeSet};

/// Prints of one instrument that wait for a slow reader; older ones are dropped with a gap mark.
const PRINTS: usize = 256;

/// What one session watches and what waits for it.
#[derive(Debug, Default)]
pub(super) struct MarketOut {
    instruments: BTreeSet<InstrumentId>,
    depth: BTreeSet<InstrumentId>,
    prompt: bool,
    newest: Conflater,
    health: Option<Health>,
    prints: BTreeMap<InstrumentId, PrintRing>,
    terms: BTreeMap<InstrumentId, Terms>,
}

impl MarketOut {
    /// Watches these from now on, in place of those before; `prompt` to be told each piece as it comes.
    pub(super) fn watch(&mut self, instruments: Vec<InstrumentId>, depth: Vec<InstrumentId>, prompt: bool) {
        self.prompt = prompt;
        self.instruments = instruments.into_iter().collect();
        self.depth = depth.into_iter().collect();
        self.prints.retain(|id, _| self.instruments.contains(id));
    }
    /// What is watched.
    pub(super) fn instruments(&self) -> impl Iterator<Item = InstrumentId> {
        self.instruments.iter().copied()
    }
    /// What is watched with its book.
    pub(super) fn depth(&self) -> impl Iterator<Item = InstrumentId> {
        self.depth.iter().copied()
    }
    /// Takes how a connection is.
    pub(super) fn put_health(&mut self, health: Health) {
        self.health = Some(health);
    }
    /// Takes one piece of data.
    pub(super) fn put(&mut self, data: &MarketData) {
        match data {
            MarketData::Quote(quote) if self.instruments.contains(&quote.instrument) => {
                self.newest.put_quote(*quote);
            }
            MarketData::Depth(depth) if self.depth.contains(&depth.instrument) => {
                self.newest.put_depth(depth.clone());
            }
            MarketData::Print(print) if self.instruments.contains(&print.instrument) => {
                self.prints
                    .entry(print.instrument)
                    .or_insert_with(|| PrintRing::new(PRINTS))
                    .push(*print);
            }
            MarketData::Terms(terms) if self.instruments.contains(&terms.instrument) => {
                let waiting = self.terms.entry(terms.instrument);
                waiting
                    .or_insert_with_key(|id| Terms::of(*id))
                    .take(terms.clone());
            }
            _ => {}
        }
    }
    /// Takes a changed bar.
    pub(super) fn put_bar(&mut self, update: &BarUpdate) {
        if self.instruments.contains(&update.instrument) {
            self.newest.put_bar(*update);
        }
    }
    /// What of these is watched, at once and all of it, where that is wanted and nothing older waits. The caller has made sure
    /// of room.
    pub(super) fn pass(&self, data: &[MarketData], bars: &[BarUpdate]) -> Option<MarketBatch> {
        if !self.prompt || !self.is_empty() {
            return None;
        }
        let mut batch = MarketBatch::default();
        for piece in data {
            match piece {
                MarketData::Quote(quote) if self.instruments.contains(&quote.instrument) => {
                    batch.quotes.push(*quote);
                }
                MarketData::Depth(depth) if self.depth.contains(&depth.instrument) => {
                    batch.depths.push(depth.clone());
                }
                MarketData::Print(print) if self.instruments.contains(&print.instrument) => {
                    batch.prints.push(*print);
                }
                MarketData::Terms(terms) if self.instruments.contains(&terms.instrument) => {
                    batch.terms.push(terms.clone());
                }
                _ => {}
            }
        }
        for update in bars
            .iter()
            .filter(|update| self.instruments.contains(&update.instrument))
        {
            batch.bars.push((update.instrument, update.timeframe, update.bar));
        }
        Some(batch)
    }
    fn is_empty(&self) -> bool {
        self.health.is_none()
            && self.terms.is_empty()
            && self.newest.is_empty()
            && self.prints.values().all(PrintRing::is_empty)
    }
    /// Everything that waits, or nothing.
    pub(super) fn drain(&mut self) -> Option<MarketBatch> {
        if self.is_empty() {
            return None;
        }
        let mut batch = MarketBatch {
            health: self.health.take().map(Box::new),
            terms: std::mem::take(&mut self.terms).into_values().collect(),
            ..MarketBatch::default()
        };
        let mut updates = Vec::new();
        self.newest.drain(&mut updates);
        for update in updates {
            match update {
                Update::Quote(quote) => batch.quotes.push(quote),
                Update::Depth(depth) => batch.depths.push(depth),
                Update::Bar(bar) => batch.bars.push((bar.instrument, bar.timeframe, bar.bar)),
            }
        }
        let mut items = Vec::new();
        for (id, ring) in &mut self.prints {
            ring.drain(&mut items);
            for item in items.drain(..) {
                match item {
                    TapeItem::Gap(lost) => {
                        metrics().dropped.of("prints").add(lost);
                        batch.gaps.push(*id);
                    }
                    TapeItem::Print(print) => batch.prints.push(print),
                }
            }
        }
        Some(batch)
    }
}
