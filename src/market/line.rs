//! Everything of one instrument: folds its quotes, prints, depth and bars. Refuses what can't be true, holds
//! back what is unlikely, and counts both. The market beside it only finds the line and hands on.

use super::bars::{BarBuilder, BarOutcome, Hours};
use super::data::{Bar, Depth, Print, Quote, Timeframe};
use super::derived::Derived;
use super::guard::{Guard, Note, Numbers, Verdict};
use super::series::{Changed, Series};
use super::ticker::Ticker;
use super::{BarUpdate, LaneHealth, PrintOutcome, QuoteOutcome};
use crate::domain::{Instrument, InstrumentKind, Price, Quantity, Timestamp};
use std::collections::VecDeque;

/// How many prints are kept of each instrument.
pub const TAPE_LIMIT: usize = 200;
/// Prices so many ticks apart are near, however small they are.
const SLACK_TICKS: i64 = 20;

/// One instrument's market.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub instrument: Instrument,
    pub ticker: Ticker,
    pub depth: Option<Depth>,
    pub tape: VecDeque<Print>,
    pub health: LaneHealth,
    /// When a quote or a print last came that was taken, by the clock of whoever feeds it.
    pub heard: Option<Timestamp>,
    /// Bars by timeframe: a few, so that a search from the front is the quickest.
    series: Vec<(Timeframe, Series)>,
    /// Longer bars that somebody wants, from the series above.
    derived: Derived,
    /// Empty where bars come ready-made.
    builders: Vec<BarBuilder>,
    /// False where somebody else has judged prices already.
    judges: bool,
    bid: Guard,
    ask: Guard,
    prints: Guard,
    /// Suspect prints that agree with one another, waiting for one more.
    held: Vec<Print>,
    numbers: Numbers,
    /// The newest time of any print, held ones included.
    newest: Timestamp,
    /// A previous close told from outside, and the start of the trading day it is previous to.
    settlement: Option<(Timestamp, Price)>,
}

impl Line {
    pub(super) fn new(instrument: Instrument, builds: bool) -> Self {
        let builder = |timeframe| {
            // A day's bar is that of its regular hours, as exchanges publish it.
            let hours = if timeframe == Timeframe::Day {
                Hours::Regular
            } else {
                Hours::All
            };
            BarBuilder::new(timeframe, instrument.calendar, hours)
        };
        let builders = if builds {
            Timeframe::BASE.map(builder).into()
        } else {
            Vec::new()
        };
        Self {
            ticker: Ticker::default(),
            depth: None,
            tape: VecDeque::new(),
            health: LaneHealth::default(),
            heard: None,
            series: Vec::new(),
            derived: Derived::default(),
            builders,
            judges: builds,
            bid: Guard::default(),
            ask: Guard::default(),
            prints: Guard::default(),
            held: Vec::with_capacity(2),
            numbers: Numbers::default(),
            newest: Timestamp::MIN,
            settlement: None,
            instrument,
        }
    }

    pub(super) fn on_quote(&mut self, quote: Quote) -> QuoteOutcome {
        let sides = [quote.bid, quote.ask];
        if sides
            .into_iter()
            .flatten()
            .any(|(price, size)| !self.is_possible(price, size))
        {
            self.health.impossible += 1;
            return QuoteOutcome::Impossible;
        }
        if let (Some((bid, _)), Some((ask, _))) = (quote.bid, quote.ask)
            && bid > ask
        {
            self.health.crossed += 1;
            return QuoteOutcome::Crossed;
        }
        let before = self.ticker.quote;
        if before.is_some_and(|before| quote.at < before.at) {
            return QuoteOutcome::Older;
        }
        if self.judges && !self.is_plausible(&quote) {
            self.health.quarantined += 1;
            return QuoteOutcome::Quarantined;
        }
        self.ticker.quote = Some(quote);
        self.roll_day(quote.at);
        match before {
            Some(before)
                if Quote {
                    at: quote.at,
                    ..before
                } == quote =>
            {
                QuoteOutcome::Unchanged
            }
            _ => QuoteOutcome::Changed,
        }
    }

    pub(super) fn on_print(&mut self, print: Print, out: &mut Vec<BarUpdate>) -> PrintOutcome {
        if !self.is_possible(print.price, print.size) {
            self.health.impossible += 1;
            return PrintOutcome::Impossible;
        }
        if !self.is_new(&print) {
            self.health.repeated += 1;
            return PrintOutcome::Repeated;
        }
        self.newest = self.newest.max(print.at);
        self.health.missing = self.numbers.missing();
        if !self.judges {
            self.take(print, out);
            return PrintOutcome::Taken;
        }
        let second = self.ticker.quote.and_then(|quote| quote.mid());
        match self.prints.judge(print.price, second, self.slack(print.price)) {
            Verdict::Good => {
                self.drop_held();
                self.take(print, out);
                PrintOutcome::Taken
            }
            Verdict::Confirmed => {
                while !self.held.is_empty() {
                    let held = self.held.remove(0);
                    self.take(held, out);
                }
                self.take(print, out);
                PrintOutcome::Taken
            }
            verdict => {
                if verdict == Verdict::Suspect {
                    self.drop_held();
                }
                self.held.push(print);
                PrintOutcome::Quarantined
            }
        }
    }

    pub(super) fn on_depth(&mut self, depth: Depth) -> bool {
        let crossed = match (depth.bids.first(), depth.asks.first()) {
            (Some(bid), Some(ask)) => bid.price > ask.price,
            _ => false,
        };
        if crossed {
            self.health.crossed += 1;
            return false;
        }
        if self.depth.as_ref().is_some_and(|before| depth.at < before.at) {
            return false;
        }
        self.depth = Some(depth);
        true
    }

    /// The feed counts its prints anew.
    pub(super) fn restart(&mut self) {
        self.numbers.restart();
    }

    pub(super) fn bars(&self, timeframe: Timeframe) -> &[Bar] {
        let built = || self.series(timeframe).map_or(&[][..], Series::bars);
        self.derived.bars(timeframe).unwrap_or_else(built)
    }

    pub(super) fn want_bars(&mut self, timeframe: Timeframe) {
        if let Some(base) = timeframe.base().filter(|base| *base != timeframe) {
            let bars = self.series.iter().find(|entry| entry.0 == base);
            let bars = bars.map_or(&[][..], |entry| entry.1.bars());
            self.derived.want(timeframe, self.instrument.calendar, bars);
        }
    }

    pub(super) fn forget_bars(&mut self) {
        for (timeframe, _) in self.series.drain(..) {
            self.derived.rebuild(timeframe, self.instrument.calendar, &[]);
        }
    }

    pub(super) fn series(&self, timeframe: Timeframe) -> Option<&Series> {
        self.series
            .iter()
            .find(|entry| entry.0 == timeframe)
            .map(|entry| &entry.1)
    }

    pub(super) fn apply_bar(&mut self, timeframe: Timeframe, bar: Bar) -> Changed {
        let changed = self.series_mut(timeframe).update(bar);
        if changed.is_change()
            && let Some((_, series)) = self.series.iter().find(|entry| entry.0 == timeframe)
        {
            let calendar = self.instrument.calendar;
            self.derived.change(timeframe, calendar, series.bars(), bar.start);
        }
        if timeframe == Timeframe::Day && changed.is_change() {
            self.roll_day(bar.start);
            self.refresh_day();
        }
        changed
    }

    /// Joins bars from elsewhere with those that are here; builders go on from what came out.
    pub(super) fn set_bars(&mut self, timeframe: Timeframe, bars: Vec<Bar>) {
        self.series_mut(timeframe).join(bars);
        let kept = self.series.iter().find(|entry| entry.0 == timeframe);
        let bars = kept.map_or(&[][..], |entry| entry.1.bars());
        if let Some(builder) = self
            .builders
            .iter_mut()
            .find(|builder| builder.timeframe() == timeframe)
        {
            builder.go_on_from(bars);
        }
        self.derived.rebuild(timeframe, self.instrument.calendar, bars);
        let newest = bars.last().copied();
        if timeframe == Timeframe::Day {
            if let Some(bar) = newest {
                self.roll_day(bar.start);
            }
            self.refresh_day();
        }
    }

    pub(super) fn set_previous_close(&mut self, price: Price, at: Timestamp) {
        if let Some(day) = self.instrument.calendar.trading_day(at) {
            self.settlement = Some((day.start, price));
            self.roll_day(at);
            self.refresh_day();
        }
    }

    /// Zero and negative prices exist for dated contracts only; negative sizes for none.
    fn is_possible(&self, price: Price, size: Quantity) -> bool {
        !size.is_negative() && (price > Price::ZERO || self.instrument.kind == InstrumentKind::Future)
    }
    fn slack(&self, price: Price) -> Price {
        let tick = self.instrument.ticks.tick_at(price).raw();
        Price::from_raw(tick.saturating_mul(SLACK_TICKS))
    }
    fn is_plausible(&mut self, quote: &Quote) -> bool {
        let last = self.ticker.last.map(|print| print.price);
        let mut plausible = true;
        for (price, is_bid) in [(quote.bid, true), (quote.ask, false)] {
            let Some((price, _)) = price else { continue };
            let slack = self.slack(price);
            let guard = if is_bid { &mut self.bid } else { &mut self.ask };
            plausible &= matches!(
                guard.judge(price, last, slack),
                Verdict::Good | Verdict::Confirmed
            );
        }
        plausible
    }
    /// False for a print that was here before. A number that was seen with a time that was not means a new count.
    fn is_new(&mut self, print: &Print) -> bool {
        if self.numbers.note(print.number) == Note::New {
            return true;
        }
        if print.at <= self.newest {
            return false;
        }
        self.health.restarts += 1;
        self.restart();
        self.numbers.note(print.number) == Note::New
    }
    fn drop_held(&mut self) {
        self.health.quarantined += self.held.len() as u64;
        self.held.clear();
    }
    /// Folds a print that is believed.
    fn take(&mut self, print: Print, out: &mut Vec<BarUpdate>) {
        self.put_on_tape(print);
        self.roll_day(print.at);
        let order = |print: &Print| (print.at, print.number);
        // After a restart of the count only time tells which is newer, and equal times go to the newcomer.
        if self
            .ticker
            .last
            .is_none_or(|last| order(&print) > order(&last) || print.at == last.at)
        {
            self.ticker.last = Some(print);
        }
        for at in 0..self.builders.len() {
            match self.builders[at].on_print(&print) {
                BarOutcome::Changed { bar, .. } => {
                    let timeframe = self.builders[at].timeframe();
                    self.keep_built(timeframe, bar);
                    out.push(BarUpdate {
                        instrument: print.instrument,
                        timeframe,
                        bar,
                    });
                }
                BarOutcome::TooLate => self.health.too_late += 1,
                BarOutcome::OutOfHours | BarOutcome::NoInterval => {}
            }
        }
    }
    fn keep_built(&mut self, timeframe: Timeframe, bar: Bar) {
        self.series_mut(timeframe).update(bar);
        if timeframe != Timeframe::Day {
            return;
        }
        if self.ticker.trading_day.is_some_and(|day| day.start == bar.start) {
            self.ticker.day = Some(bar);
        } else {
            self.refresh_day();
        }
    }
    /// The tape is in the venue's order; late prints go where they belong.
    fn put_on_tape(&mut self, print: Print) {
        let place = self
            .tape
            .iter()
            .rposition(|kept| kept.at <= print.at)
            .map_or(0, |at| at + 1);
        if place == 0 && self.tape.len() >= TAPE_LIMIT {
            return;
        }
        if self.tape.len() >= TAPE_LIMIT {
            self.tape.pop_front();
            self.tape.insert(place - 1, print);
        } else {
            self.tape.insert(place, print);
        }
    }
    /// Moves on to the trading day of `at` where that is a later one.
    fn roll_day(&mut self, at: Timestamp) {
        if self.ticker.trading_day.is_some_and(|day| at < day.next) {
            return;
        }
        let day = self.instrument.calendar.trading_day(at);
        if day.is_some() && day != self.ticker.trading_day {
            self.ticker.trading_day = day;
            self.refresh_day();
        }
    }
    /// The day's bar and the previous close anew, from the day's bars.
    fn refresh_day(&mut self) {
        let Some(day) = self.ticker.trading_day else {
            return;
        };
        let days = self.series(Timeframe::Day);
        let bar = days.and_then(|days| days.starting_at(day.start)).copied();
        let before = days.and_then(|days| days.before(day.start)).map(|bar| bar.close);
        let told = self
            .settlement
            .filter(|told| told.0 == day.start)
            .map(|told| told.1);
        self.ticker.day = bar;
        self.ticker.previous_close = told.or(before);
    }
    fn series_mut(&mut self, timeframe: Timeframe) -> &mut Series {
        let at = match self.series.iter().position(|entry| entry.0 == timeframe) {
            Some(at) => at,
            None => {
                self.series.push((timeframe, Series::default()));
                self.series.len() - 1
            }
        };
        &mut self.series[at].1
    }
}
