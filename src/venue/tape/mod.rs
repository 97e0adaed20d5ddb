//! The tape: recorded trades and quotes as the market. Files are LEAN's (tick, second and minute trades and quotes, told
//! by their path) or plain CSV with a header, in zip, gzip or plain. Each file is read twice: once whole when the tape is
//! opened, to know its symbols and to report its bad lines, and once, streamed, as it plays. Who trades on it is left to
//! the venue. Rules with names: `bar-path` ([`record`]), and those of [`quotes`].

pub mod clock;
mod csv;
mod file;
mod lean;
mod listing;
pub mod quotes;
mod record;
mod report;
mod source;

pub use clock::{Speed, TapeClock};
pub use listing::{TapeSymbol, of_tape};
pub use quotes::TickAroundLast;
pub use report::{BadLine, FileReport, TapeError};

use super::universe::Listing;
use crate::domain::{Price, Quantity, Side, Timestamp};
use crate::market::Quality;
use quotes::Nbbo;
use record::Quotes;
use source::{Format, Item, Source, SymbolFacts, Symbols};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

/// Most files and archive members of one tape.
const MAX_PARTS: usize = 128;

/// One thing that the tape says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// Of which of the tape's listings.
    pub listing: usize,
    /// What.
    pub what: Happening,
}

/// A trade or a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A trade, price and size exactly as recorded.
    Print {
        /// At what price.
        price: Price,
        /// How much.
        size: Quantity,
        /// Who came to whom, by the quotes in force.
        aggressor: Option<Side>,
    },
    /// The best bid and ask from now on. A size of zero is one the tape does not tell.
    Quote {
        /// Best bid.
        bid: Option<(Price, Quantity)>,
        /// Best ask.
        ask: Option<(Price, Quantity)>,
        /// Recorded, or derived from prints.
        quality: Quality,
    },
}
/// How one symbol's best bid and ask come about.
#[derive(Clone, Debug, Default)]
struct SymbolState {
    nbbo: Nbbo,
    rule: TickAroundLast,
    quotes: Quotes,
    midpoint: Option<Price>,
    has_trades: bool,
    has_quotes: bool,
}

/// A tape, open and ready to play.
#[derive(Debug)]
pub struct Tape {
    sources: Vec<Source>,
    reports: Vec<FileReport>,
    symbols: Symbols,
    states: Vec<SymbolState>,
    listings: Vec<Listing>,
    ready: VecDeque<Moment>,
    start: Timestamp,
    end: Timestamp,
}

impl Tape {
    /// Checks the files whole and stands at the first event, or at `start`. Quotes before `start` are kept, so that
    /// there is a market at once.
    pub fn open(files: &[PathBuf], start: Option<Timestamp>) -> Result<Self, TapeError> {
        let mut parts = Vec::new();
        for path in files {
            parts.extend(file::parts(path)?);
        }
        if parts.is_empty() {
            return Err(TapeError::NoFile);
        }
        if parts.len() > MAX_PARTS {
            return Err(TapeError::TooMany {
                most: MAX_PARTS,
                what: "files",
            });
        }
        let mut symbols = Symbols::default();
        let mut checked = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            checked.push((
                source::check(number, part, &mut symbols)?,
                part,
                source::format(part)?,
            ));
        }
        source::doubles(&symbols, &checked)?;
        // At the same moment a quote comes before a trade: parts with quotes alone go first.
        checked.sort_by_key(|(_, _, format)| !matches!(format, Format::Lean(layout) if layout.is_quotes()));
        let mut tape = Self {
            sources: Vec::new(),
            reports: Vec::new(),
            states: symbols.facts.iter().map(SymbolState::of).collect(),
            listings: symbols
                .facts
                .iter()
                .filter_map(|facts| of_tape(&facts.about))
                .collect(),
            symbols,
            ready: VecDeque::new(),
            start: Timestamp::MAX,
            end: Timestamp::MIN,
        };
        if tape.listings.len() != tape.symbols.facts.len() {
            return Err(TapeError::Unknown {
                path: checked
                    .first()
                    .map(|(report, ..)| report.path.clone())
                    .unwrap_or_default(),
                why: "one of its symbols can't be listed".to_owned(),
            });
        }
        for (report, part, format) in checked {
            tape.start = tape.start.min(report.span.0);
            tape.end = tape.end.max(report.span.1);
            tape.sources.push(Source::open(part, format)?);
            tape.reports.push(report);
        }
        if let Some(start) = start {
            tape.skip_to(start)?;
        }
        Ok(tape)
    }

    /// What came of each file.
    pub fn reports(&self) -> &[FileReport] {
        &self.reports
    }
    /// What the tape trades.
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }
    /// Where the tape's clock starts.
    pub fn start(&self) -> Timestamp {
        self.start
    }
    /// The last line's moment.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// The moment of the next event; nothing at the tape's end.
    pub fn next_at(&mut self) -> Option<Timestamp> {
        self.prepare();
        self.ready.front().map(|moment| moment.at)
    }

    /// The next event up to and including `until`.
    pub fn take(&mut self, until: Timestamp) -> Option<Moment> {
        self.prepare();
        self.ready.pop_front_if(|moment| moment.at <= until)
    }

    fn skip_to(&mut self, start: Timestamp) -> Result<(), TapeError> {
        if start > self.end {
            return Err(TapeError::StartAfterEnd { start, end: self.end });
        }
        let mut quotes = BTreeMap::new();
        while self.next_at().is_some_and(|at| at < start) {
            if let Some(Moment {
                listing,
                what: what @ Happening::Quote { .. },
                ..
            }) = self.take(start)
            {
                quotes.insert(listing, what);
            }
        }
        for (listing, what) in quotes.into_iter().rev() {
            self.ready.push_front(Moment {
                at: start,
                listing,
                what,
            });
        }
        self.start = start;
        Ok(())
    }

    /// Makes at least one event ready, where there is one left.
    fn prepare(&mut self) {
        // What the second reading finds was reported by the first.
        let mut unheard = FileReport {
            good: 1,
            ..FileReport::new(String::new())
        };
        while self.ready.is_empty() {
            let mut first: Option<(Timestamp, usize)> = None;
            for (number, source) in self.sources.iter_mut().enumerate() {
                if source.queue.is_empty() && !source.fill(&mut self.symbols, &mut unheard) {
                    continue;
                }
                if let Some((at, ..)) = source.queue.front()
                    && first.is_none_or(|first| *at < first.0)
                {
                    first = Some((*at, number));
                }
            }
            let Some((at, number)) = first else {
                return;
            };
            if let Some((_, symbol, item)) = self.sources[number].queue.pop_front() {
                self.tell(at, symbol, item);
            }
        }
    }

    /// Turns an item into events by the named rules.
    fn tell(&mut self, at: Timestamp, symbol: usize, item: Item) {
        let (Some(state), Some(listing)) = (self.states.get_mut(symbol), self.listings.get(symbol)) else {
            return;
        };
        let mut push = |what| {
            self.ready.push_back(Moment {
                at,
                listing: symbol,
                what,
            });
        };
        let quotes = match item {
            Item::Trade(price, size, aggressor) => {
                let (_, bid, ask) = state.rule.print(price, &listing.instrument.ticks);
                let aggressor = if state.has_quotes {
                    aggressor.or(state.aggressor(price))
                } else {
                    let derived = Quotes {
                        bid: Some((bid, Quantity::ZERO)),
                        ask: Some((ask, Quantity::ZERO)),
                    };
                    if state.quotes != derived {
                        state.quotes = derived;
                        push(quote(derived, Quality::Derived));
                    }
                    aggressor.or(state.aggressor(price))
                };
                return push(Happening::Print {
                    price,
                    size,
                    aggressor,
                });
            }
            Item::Quote(quotes) => quotes,
            Item::ExchangeQuote(exchange, row) => state.nbbo.update(exchange, row),
        };
        if quotes == state.quotes {
            return;
        }
        state.quotes = quotes;
        push(quote(quotes, Quality::Live));
        if let (false, Some((bid, _)), Some((ask, _))) = (state.has_trades, quotes.bid, quotes.ask) {
            let middle = Price::from_raw(bid.raw().midpoint(ask.raw()));
            let price = listing.instrument.ticks.toward_less_risk(middle, Side::Buy);
            if state.midpoint != Some(price) && price > Price::ZERO {
                state.midpoint = Some(price);
                push(Happening::Print {
                    price,
                    size: listing.instrument.lot,
                    aggressor: None,
                });
            }
        }
    }
}

impl SymbolState {
    fn of(facts: &SymbolFacts) -> Self {
        Self {
            has_trades: !facts.trades.is_empty(),
            has_quotes: !facts.quotes.is_empty(),
            ..Self::default()
        }
    }
    /// Who came to whom: a trade at the ask or above is a buyer's, at the bid or below a seller's.
    fn aggressor(&self, price: Price) -> Option<Side> {
        match (self.quotes.bid, self.quotes.ask) {
            (_, Some((ask, _))) if price >= ask => Some(Side::Buy),
            (Some((bid, _)), _) if price <= bid => Some(Side::Sell),
            _ => None,
        }
    }
}
fn quote(quotes: Quotes, quality: Quality) -> Happening {
    Happening::Quote {
        bid: quotes.bid,
        ask: quotes.ask,
        quality,
    }
}
