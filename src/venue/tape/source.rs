//! One file, or one member of an archive, as lines in the order of time: what its path or header says they mean, which
//! symbols they name, and which of them are left out. What follows from them is left to the tape.

use super::TapeError;
use super::file::{Lines, Part, Step};
use super::listing::TapeSymbol;
use super::record::{self, Quotes, Record};
use super::report::FileReport;
use super::{csv, lean};
use crate::domain::{InstrumentId, InstrumentKind, Price, Quantity, Side, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// Most symbols of one tape.
const MAX_SYMBOLS: usize = 64;
/// Blank lines after which a file is given up.
const MAX_BLANK: u64 = 1_000_000;
/// Bad lines without a good one after which a file is given up.
const HOPELESS: u64 = 100_000;

/// What lines of a part mean.
#[derive(Clone, Debug)]
pub(super) enum Format {
    Lean(Box<lean::Layout>),
    Csv {
        columns: Option<csv::Columns>,
        symbol: Option<InstrumentId>,
    },
}

/// A line in hand.
#[derive(Clone, Debug)]
pub(super) struct Row {
    line: u64,
    at: Timestamp,
    symbol: usize,
    record: Record,
}

/// The symbols of a tape, numbered as they are met.
#[derive(Clone, Debug, Default)]
pub(super) struct Symbols {
    numbers: BTreeMap<InstrumentId, usize>,
    pub(super) facts: Vec<SymbolFacts>,
}

#[derive(Clone, Debug)]
pub(super) struct SymbolFacts {
    pub(super) about: TapeSymbol,
    pub(super) trades: Vec<(usize, Timestamp, Timestamp)>,
    pub(super) quotes: Vec<(usize, Timestamp, Timestamp)>,
}

impl Symbols {
    fn number(
        &mut self,
        id: InstrumentId,
        kind: Option<InstrumentKind>,
        root: Option<&str>,
    ) -> Option<usize> {
        if let Some(number) = self.numbers.get(&id) {
            return Some(*number);
        }
        if self.facts.len() >= MAX_SYMBOLS {
            return None;
        }
        self.numbers.insert(id, self.facts.len());
        self.facts.push(SymbolFacts {
            about: TapeSymbol {
                id,
                kind,
                root: root.map(str::to_owned),
                price: Price::ZERO,
                decimals: 0,
            },
            trades: Vec::new(),
            quotes: Vec::new(),
        });
        Some(self.facts.len() - 1)
    }

    /// Remembers what the check of a part found.
    fn note(&mut self, part: usize, row: &Row) {
        let Some(facts) = self.facts.get_mut(row.symbol) else {
            return;
        };
        if let Some(price) = row.record.a_price() {
            facts.about.price = price;
            facts.about.decimals = facts.about.decimals.max(price.decimals());
        }
        let extend = |spans: &mut Vec<(usize, Timestamp, Timestamp)>| match spans.last_mut() {
            Some(last) if last.0 == part => last.2 = row.at,
            _ => spans.push((part, row.at, row.at)),
        };
        match row.record {
            Record::Trade { .. } | Record::Bar(..) => extend(&mut facts.trades),
            Record::Quote(_) | Record::ExchangeQuote(..) | Record::QuoteBar { .. } => {
                extend(&mut facts.quotes);
            }
            Record::Both(..) => {
                extend(&mut facts.trades);
                extend(&mut facts.quotes);
            }
        }
    }
}

/// Two parts whose spans of one symbol overlap by more than a shared moment.
fn overlap(spans: &[(usize, Timestamp, Timestamp)]) -> Option<(usize, usize)> {
    let mut sorted = spans.to_vec();
    sorted.sort_by_key(|span| (span.1, span.2));
    sorted
        .windows(2)
        .find(|pair| pair[1].1 < pair[0].2)
        .map(|pair| (pair[0].0, pair[1].0))
}

/// One part as it plays.
#[derive(Debug)]
pub(super) struct Source {
    lines: Lines,
    format: Format,
    pending: Option<Row>,
    last: Timestamp,
    /// The time of what was queued last.
    told: Timestamp,
    ended: bool,
    blank: u64,
    pub(super) queue: VecDeque<(Timestamp, usize, Item)>,
}

/// What a record comes apart into.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    Trade(Price, Quantity, Option<Side>),
    Quote(Quotes),
    ExchangeQuote(u8, Quotes),
}

impl Source {
    pub(super) fn open(part: &Part, format: Format) -> Result<Self, TapeError> {
        Ok(Self {
            lines: part.open()?,
            format,
            pending: None,
            last: Timestamp::MIN,
            told: Timestamp::MIN,
            ended: false,
            blank: 0,
            queue: VecDeque::new(),
        })
    }

    /// The next line that can be read, whatever its time. An error is a header that is none.
    fn read(&mut self, symbols: &mut Symbols, report: &mut FileReport) -> Result<Option<Row>, String> {
        while !self.ended {
            let number = self.lines.number() + 1;
            let line = match self.lines.step() {
                Step::Line(line) => line,
                Step::Bad(why) => {
                    report.bad_line(number, why);
                    continue;
                }
                Step::End => {
                    self.ended = true;
                    break;
                }
                Step::Broken(why) => {
                    report.broken = Some(why);
                    self.ended = true;
                    break;
                }
            };
            if line.trim().is_empty() {
                self.blank += 1;
                if self.blank > MAX_BLANK {
                    report.broken = Some(format!("it has more than {MAX_BLANK} blank lines"));
                    self.ended = true;
                }
                continue;
            }
            if report.good == 0 && report.bad >= HOPELESS {
                self.ended = true;
                break;
            }
            let read = match &mut self.format {
                Format::Lean(layout) => layout.line(line).map(|(at, record)| {
                    (
                        at,
                        layout.symbol,
                        Some(layout.kind),
                        layout.root.as_deref(),
                        record,
                    )
                }),
                Format::Csv { columns, symbol } => match columns {
                    None => {
                        let found = csv::Columns::read(line)?;
                        if symbol.is_none() && !found.has_symbol() {
                            return Err(
                                "it has no column 'symbol', and its name is no symbol either".to_owned()
                            );
                        }
                        *columns = Some(found);
                        continue;
                    }
                    Some(columns) => columns.line(line).and_then(|(at, own, record)| {
                        own.or(*symbol)
                            .map(|id| (at, id, None, None, record))
                            .ok_or_else(|| record::Broken::field("symbol", "", "a symbol"))
                    }),
                },
            };
            match read {
                Ok((at, id, kind, root, record)) => match symbols.number(id, kind, root) {
                    Some(symbol) => {
                        return Ok(Some(Row {
                            line: number,
                            at,
                            symbol,
                            record,
                        }));
                    }
                    None => report.bad_line(
                        number,
                        &format!("{id} is one symbol more than the {MAX_SYMBOLS} that fit"),
                    ),
                },
                Err(why) => report.bad_line(number, &why.0),
            }
        }
        Ok(None)
    }

    /// The next line in the order of time. Where one line is out of order, that one is left out: a line before its
    /// predecessor, or one that runs ahead of both its neighbours.
    fn next(&mut self, symbols: &mut Symbols, report: &mut FileReport) -> Result<Option<Row>, String> {
        let mut pending = match self.pending.take() {
            Some(row) => row,
            None => match self.read(symbols, report)? {
                Some(row) => row,
                None => return Ok(None),
            },
        };
        loop {
            match self.read(symbols, report)? {
                Some(next) if next.at >= pending.at => {
                    self.pending = Some(next);
                    break;
                }
                Some(next) if next.at < self.last => {
                    report.bad_line(next.line, &out_of_order("before that of the line above"));
                }
                Some(next) => {
                    report.bad_line(pending.line, &out_of_order("after that of the line below"));
                    pending = next;
                }
                None => break,
            }
        }
        self.last = pending.at;
        report.good += 1;
        Ok(Some(pending))
    }

    /// Fills the queue; false at the end.
    pub(super) fn fill(&mut self, symbols: &mut Symbols, report: &mut FileReport) -> bool {
        while self.queue.is_empty() {
            // A header was read well when the tape was opened; a file changed since then ends here.
            let Ok(Some(row)) = self.next(symbols, report) else {
                return false;
            };
            let (queue, told) = (&mut self.queue, &mut self.told);
            let mut push = |after, item| {
                // Bars that stand closer together than they are long come apart into each other: time goes on all the same.
                *told = row.at.after(after).max(*told);
                queue.push_back((*told, row.symbol, item));
            };
            let now = std::time::Duration::ZERO;
            match row.record {
                Record::Trade {
                    price,
                    size,
                    aggressor,
                } => push(now, Item::Trade(price, size, aggressor)),
                Record::Bar(bar, volume, span) => {
                    for (after, price, size) in bar.prints(volume, span) {
                        push(after, Item::Trade(price, size, None));
                    }
                }
                Record::Quote(quotes) => push(now, Item::Quote(quotes)),
                Record::ExchangeQuote(exchange, quotes) => push(now, Item::ExchangeQuote(exchange, quotes)),
                Record::QuoteBar { bid, ask, span } => {
                    for (after, quotes) in Record::bar_quotes(bid, ask, span) {
                        push(after, Item::Quote(quotes));
                    }
                }
                Record::Both(quotes, price, size) => {
                    push(now, Item::Quote(quotes));
                    push(now, Item::Trade(price, size, None));
                }
            }
        }
        true
    }
}

fn out_of_order(how: &str) -> String {
    format!("its time is {how}; lines must ascend in time, so sort the file by its first column")
}
/// What the lines of a part mean, by its path.
pub(super) fn format(part: &Part) -> Result<Format, TapeError> {
    match lean::layout(&part.path, part.member.as_deref()) {
        Some(Ok(layout)) => Ok(Format::Lean(Box::new(layout))),
        Some(Err(why)) => Err(TapeError::Layout {
            path: part.shown(),
            why,
        }),
        None => {
            let name = part.path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            let mut stem = name;
            for suffix in [".gz", ".zip", ".csv", ".txt"] {
                stem = stem.strip_suffix(suffix).unwrap_or(stem);
            }
            let symbol = stem.split('_').next().and_then(|stem| csv::symbol(stem).ok());
            Ok(Format::Csv {
                columns: None,
                symbol,
            })
        }
    }
}

/// Reads a part whole, once.
pub(super) fn check(number: usize, part: &Part, symbols: &mut Symbols) -> Result<FileReport, TapeError> {
    let mut source = Source::open(part, format(part)?)?;
    let mut report = FileReport::new(part.shown());
    loop {
        let next = source
            .next(symbols, &mut report)
            .map_err(|why| TapeError::Unknown {
                path: part.shown(),
                why,
            })?;
        let Some(row) = next else {
            break;
        };
        report.span = (report.span.0.min(row.at), report.span.1.max(row.at));
        symbols.note(number, &row);
    }
    if report.good == 0 {
        let first = match (report.told.first(), &report.broken) {
            (Some(bad), _) => format!("{}:{}: {}", report.path, bad.line, bad.why),
            (None, Some(broken)) => broken.clone(),
            (None, None) => "there are no lines of data in it".to_owned(),
        };
        return Err(TapeError::Useless {
            path: report.path,
            first,
        });
    }
    Ok(report)
}

/// Refuses a tape that would tell the same thing twice.
pub(super) fn doubles(symbols: &Symbols, checked: &[(FileReport, &Part, Format)]) -> Result<(), TapeError> {
    let name = |part: usize| {
        checked
            .get(part)
            .map(|(report, ..)| report.path.clone())
            .unwrap_or_default()
    };
    for facts in &symbols.facts {
        for (what, spans) in [("trades", &facts.trades), ("quotes", &facts.quotes)] {
            if let Some((one, other)) = overlap(spans) {
                return Err(TapeError::Twice {
                    what,
                    symbol: facts.about.id,
                    one: name(one),
                    other: name(other),
                });
            }
        }
    }
    Ok(())
}
