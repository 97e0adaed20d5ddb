//! Folds market data: newest quote, prints, depth, the day's figures and the bars of every timeframe, for
//! each listed instrument. Pure: times are the venue's, but for when a price was heard, which is told
//! ([`Market::received_at`]); nothing is asked or sent. One [`Market`] in the engine's process builds the bars
//! from all prints; [`Market::replica`]s in terminals take them ready-made.
//! Who may see what, and how it travels, is for others; [`conflate`] only keeps the newest for a slow reader,
//! [`watch`] only counts who looks.

pub mod bars;
pub mod conflate;
pub mod data;
pub mod days;
mod derived;
mod guard;
mod line;
pub mod quote_bars;
pub mod series;
pub mod short_sale;
pub mod statistics;
pub mod studies;
pub mod terms;
pub mod ticker;
pub mod timeframe;
pub mod watch;
pub mod what_if;

pub use data::{Bar, Depth, Level, Print, Quality, Quote, Timeframe};
pub use line::TAPE_LIMIT;
pub use terms::Terms;
pub use ticker::{Basis, Mark, Ticker};
pub use watch::Watches;
pub use what_if::{AskedFor, WhatIf, WhatIfs};

use crate::domain::{Instrument, InstrumentId, Price, Timestamp};
use line::Line;
use serde::{Deserialize, Serialize};
use series::Changed;
use std::collections::BTreeMap;

/// A bar that is new or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarUpdate {
    /// Of what.
    pub instrument: InstrumentId,
    /// Of which length.
    pub timeframe: Timeframe,
    /// As it is now; the newest revision wins.
    pub bar: Bar,
}

/// What a quote did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuoteOutcome {
    /// It is the newest, and another one than before.
    Changed,
    /// It is the newest, and only its time differs.
    Unchanged,
    /// A newer one was here already.
    Older,
    /// Its bid is above its ask.
    Crossed,
    /// A price or size that can't be: not above zero, or negative.
    Impossible,
    /// More than a tenth away from the last good one; waits for confirmation. The last good one stays.
    Quarantined,
    /// The instrument is not listed.
    Unlisted,
}

/// What a print did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintOutcome {
    /// Folded into last price, tape and bars.
    Taken,
    /// Its number was here before.
    Repeated,
    /// A price or size that can't be.
    Impossible,
    /// More than a tenth away from the last good one; folded later if the next two agree, else dropped.
    Quarantined,
    /// The instrument is not listed.
    Unlisted,
}

/// What went wrong with an instrument's data, in numbers since it was listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneHealth {
    /// Prints that never came, by their numbers.
    pub missing: u64,
    /// Prints that came twice.
    pub repeated: u64,
    /// Bars that a print came too late for.
    pub too_late: u64,
    /// Quotes held back, and prints dropped, for a price too far off.
    pub quarantined: u64,
    /// Quotes and books with a bid above the ask.
    pub crossed: u64,
    /// Quotes and prints that can't be.
    pub impossible: u64,
    /// How often the feed began to count its prints anew unannounced.
    pub restarts: u64,
}

/// The market as known here.
#[derive(Clone, Debug)]
pub struct Market {
    places: BTreeMap<InstrumentId, usize>,
    lines: Vec<Line>,
    /// How many of them have a quote.
    quoted: usize,
    builds: bool,
    /// When what is folded now came.
    received: Option<Timestamp>,
    /// What brokers say of instruments beside their prices.
    terms: BTreeMap<InstrumentId, Terms>,
    /// What brokers said orders would bind: in the engine's process alone.
    what_ifs: WhatIfs,
}

impl Default for Market {
    fn default() -> Self {
        Self::new()
    }
}

impl Market {
    /// An empty market that judges prices and builds bars from prints: the engine's.
    pub fn new() -> Self {
        Self {
            places: BTreeMap::new(),
            lines: Vec::new(),
            quoted: 0,
            builds: true,
            received: None,
            terms: BTreeMap::new(),
            what_ifs: WhatIfs::default(),
        }
    }
    /// What is folded from here on came at `now`, by the clock that orders are judged by: told with each lot of data by whoever feeds it,
    /// because there is none in here.
    pub fn received_at(&mut self, now: Timestamp) {
        self.received = Some(now);
    }
    /// When a quote or a print of an instrument last came that was taken, by the clock of [`Market::received_at`]; nothing where none
    /// did, or nobody tells when.
    pub fn heard_at(&self, id: InstrumentId) -> Option<Timestamp> {
        self.line(id)?.heard
    }
    /// What brokers said orders would bind.
    pub fn what_ifs(&self) -> &WhatIfs {
        &self.what_ifs
    }
    /// Takes what a broker said an order would bind.
    pub fn on_what_if(&mut self, answer: WhatIf) {
        self.what_ifs.take(answer);
    }
    /// What a broker says of an instrument beside its prices, where it said anything.
    pub fn terms(&self, instrument: InstrumentId) -> Option<&Terms> {
        self.terms.get(&instrument)
    }
    /// Takes what a broker says; true where something changed.
    pub fn on_terms(&mut self, news: Terms) -> bool {
        let known = self.terms.entry(news.instrument);
        known.or_insert_with_key(|id| Terms::of(*id)).take(news)
    }
    /// An empty market that believes what it is told and takes bars ready-made: a terminal's.
    pub fn replica() -> Self {
        Self {
            builds: false,
            ..Self::new()
        }
    }
    /// Lists an instrument. Listed again, its description is replaced and its data stay, unless it changed
    /// its calendar.
    pub fn list(&mut self, instrument: Instrument) {
        let builds = self.builds;
        match self.line_mut(instrument.id) {
            Some(line) if line.instrument.calendar == instrument.calendar => line.instrument = instrument,
            Some(line) => {
                let quoted = usize::from(is_there(line.ticker.quote));
                *line = Line::new(instrument, builds);
                self.quoted -= quoted;
            }
            None => {
                self.places.insert(instrument.id, self.lines.len());
                self.lines.push(Line::new(instrument, builds));
            }
        }
    }
    /// The listed instruments, by id.
    pub fn instruments(&self) -> impl Iterator<Item = &Instrument> {
        self.places
            .values()
            .filter_map(|place| self.lines.get(*place))
            .map(|line| &line.instrument)
    }
    /// A listed instrument.
    pub fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.line(id).map(|line| &line.instrument)
    }

    /// Folds a quote; of two the one with the later time stays, of equal times the one that came later. A
    /// time that lies in the future would shut out all quotes until then: whoever has a clock refuses it
    /// before.
    pub fn on_quote(&mut self, quote: Quote) -> QuoteOutcome {
        let received = self.received;
        let Some(line) = self.line_mut(quote.instrument) else {
            return QuoteOutcome::Unlisted;
        };
        let before = is_there(line.ticker.quote);
        let outcome = line.on_quote(quote);
        if matches!(outcome, QuoteOutcome::Changed | QuoteOutcome::Unchanged) {
            line.heard = received;
        }
        let after = is_there(line.ticker.quote);
        self.quoted = self.quoted + usize::from(after) - usize::from(before);
        outcome
    }
    /// How many of the listed instruments have a quote whose source is there.
    pub fn quoted(&self) -> usize {
        self.quoted
    }
    /// Folds a print and adds the bars that it changed to `out`, which is not cleared.
    pub fn on_print(&mut self, print: Print, out: &mut Vec<BarUpdate>) -> PrintOutcome {
        let received = self.received;
        let Some(line) = self.line_mut(print.instrument) else {
            return PrintOutcome::Unlisted;
        };
        let outcome = line.on_print(print, out);
        if outcome == PrintOutcome::Taken {
            line.heard = received;
        }
        outcome
    }
    /// Folds a book; false where a newer one is here, it is crossed, or the instrument is not listed.
    pub fn on_depth(&mut self, depth: Depth) -> bool {
        self.line_mut(depth.instrument)
            .is_some_and(|line| line.on_depth(depth))
    }
    /// The feed will count its prints anew: say so when a broker's connection was made again.
    pub fn restart_feed(&mut self, id: InstrumentId) {
        if let Some(line) = self.line_mut(id) {
            line.restart();
        }
    }
    /// Takes a bar ready-made; the newest revision wins.
    pub fn apply_bar(&mut self, update: &BarUpdate) -> Changed {
        self.line_mut(update.instrument).map_or(Changed::Nothing, |line| {
            line.apply_bar(update.timeframe, update.bar)
        })
    }
    /// Joins bars from a store, a broker or a snapshot with those that are here. See [`series::Series::join`]
    /// for which of two bars with the same start stays. Bars in the making go on from there.
    /// Bars start where [`Timeframe::interval`] says; a broker's daily bar, told by date, starts where
    /// [`crate::domain::calendar::Calendar::day`] says.
    pub fn set_bars(&mut self, id: InstrumentId, timeframe: Timeframe, bars: Vec<Bar>) {
        if let Some(line) = self.line_mut(id) {
            line.set_bars(timeframe, bars);
        }
    }
    /// Keeps bars of a length that is rolled up from a base one, from now on and out of what is here; they then come and
    /// change with their base bars. For a replica: an engine rolls up when it is asked. A base length, and one that no
    /// base length divides, is passed over.
    pub fn want_bars(&mut self, id: InstrumentId, timeframe: Timeframe) {
        if let Some(line) = self.line_mut(id) {
            line.want_bars(timeframe);
        }
    }
    /// Forgets all bars: after a while without their source there may be a hole behind the newest.
    pub fn forget_bars(&mut self) {
        for line in &mut self.lines {
            line.forget_bars();
        }
    }
    /// Tells the close or settlement that counts as the previous one on the trading day of `at`, in place of
    /// the last day's bar.
    pub fn set_previous_close(&mut self, id: InstrumentId, price: Price, at: Timestamp) {
        if let Some(line) = self.line_mut(id) {
            line.set_previous_close(price, at);
        }
    }
    /// The venue's time as the data of an instrument tell it: a tape's is years away from ours. Nothing where there are none.
    pub fn venue_time(&self, id: InstrumentId) -> Option<Timestamp> {
        let quote = self.quote(id).map(|quote| quote.at);
        quote.max(self.last(id).map(|print| print.at))
    }

    /// Newest quote.
    pub fn quote(&self, id: InstrumentId) -> Option<&Quote> {
        self.line(id)?.ticker.quote.as_ref()
    }
    /// Newest print.
    pub fn last(&self, id: InstrumentId) -> Option<&Print> {
        self.line(id)?.ticker.last.as_ref()
    }
    /// Quote, last print and the day's figures.
    pub fn ticker(&self, id: InstrumentId) -> Option<&Ticker> {
        self.line(id).map(|line| &line.ticker)
    }
    /// The newest book.
    pub fn depth(&self, id: InstrumentId) -> Option<&Depth> {
        self.line(id)?.depth.as_ref()
    }
    /// The newest [`TAPE_LIMIT`] prints, the newest last.
    pub fn tape(&self, id: InstrumentId) -> impl DoubleEndedIterator<Item = &Print> {
        self.line(id).into_iter().flat_map(|line| line.tape.iter())
    }
    /// Bars, the newest last and perhaps unfinished. Timeframes other than [`Timeframe::BASE`] are here only
    /// where they were given by [`Market::set_bars`] or [`Market::apply_bar`], or where [`Market::want_bars`] asked for
    /// them; else roll up from [`Timeframe::base`].
    pub fn bars(&self, id: InstrumentId, timeframe: Timeframe) -> &[Bar] {
        self.line(id).map_or(&[], |line| line.bars(timeframe))
    }
    /// True where history of a length (of its base length) has come or bars were built, be they none.
    pub fn knows_bars(&self, id: InstrumentId, timeframe: Timeframe) -> bool {
        let base = timeframe.base().unwrap_or(timeframe);
        self.line(id).is_some_and(|line| line.series(base).is_some())
    }
    /// What a position is valued at.
    pub fn mark(&self, id: InstrumentId) -> Option<Mark> {
        self.line(id)?.ticker.mark()
    }
    /// What went wrong with the data.
    pub fn health(&self, id: InstrumentId) -> Option<&LaneHealth> {
        self.line(id).map(|line| &line.health)
    }

    fn line(&self, id: InstrumentId) -> Option<&Line> {
        self.lines.get(*self.places.get(&id)?)
    }
    fn line_mut(&mut self, id: InstrumentId) -> Option<&mut Line> {
        self.lines.get_mut(*self.places.get(&id)?)
    }
}

/// True for a quote whose source is there.
fn is_there(quote: Option<Quote>) -> bool {
    quote.is_some_and(|quote| quote.quality.is_there())
}

#[cfg(test)]
mod tests;
