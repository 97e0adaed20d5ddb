//! Questions that need the store: bars (what is here, what is stored, joined) and the log. Also keeps changed bars and
//! snapshots, on threads of their own, because a disk's time is not the engine's.

use super::clock::Clock;
use crate::domain::{ClientOrderId, InstrumentId, SafeText, Timestamp};
use crate::engine::State;
use crate::engine::planted::point;
use crate::engine::statement;
use crate::market::{Bar, BarUpdate, Market, Timeframe, bars::roll_up};
use crate::store::{BarStore, JournalReader, SnapshotFile, Wanted};
use crate::wire::{Reply, SnapshotMessage};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// Bars on their way to the store. When it is full a bar is left out: the next change of it brings it again.
const BARS: usize = 8_192;
/// Changed bars are written this often.
const KEEP_EVERY: Duration = Duration::from_secs(5);
/// Events in one answer to a question for the log.
const LOG_MAX: u32 = 10_000;
/// Bars in one answer.
const BARS_MAX: usize = 5_000;

/// What a page holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Page {
    /// Orders.
    Orders,
    /// Executions.
    Executions,
}

/// Answers questions that need the store.
#[derive(Debug)]
pub(super) struct Questions {
    journal: PathBuf,
    /// Held while the books of a day are made: one at a time, for they take the whole journal.
    making_books: Arc<Semaphore>,
    bars: Option<SyncSender<BarUpdate>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Questions {
    /// With a thread that keeps bars, where there is a store for them.
    pub(super) fn start(journal: &Path, store: Option<BarStore>, clock: Clock) -> std::io::Result<Self> {
        let journal = journal.to_owned();
        let Some(store) = store else {
            return Ok(Self {
                journal,
                making_books: Arc::new(Semaphore::new(1)),
                bars: None,
                thread: None,
            });
        };
        let (bars, changed) = sync_channel(BARS);
        let thread = std::thread::Builder::new()
            .name("bars".into())
            .spawn(move || keep(store, &changed, &clock))?;
        Ok(Self {
            journal,
            making_books: Arc::new(Semaphore::new(1)),
            bars: Some(bars),
            thread: Some(thread),
        })
    }

    /// Keeps a changed bar, sooner or later.
    pub(super) fn keep_bar(&self, update: &BarUpdate) {
        if let Some(bars) = &self.bars {
            let _ = bars.try_send(*update);
        }
    }

    /// The newest bars of a timeframe; lengths that are not built are rolled up from those that are.
    pub(super) fn bars(
        &self,
        market: &Market,
        id: InstrumentId,
        timeframe: Timeframe,
        count: usize,
    ) -> Vec<Bar> {
        let here = market.bars(id, timeframe);
        let bars = match (here.is_empty(), timeframe.base(), market.instrument(id)) {
            (true, Some(base), Some(instrument)) if base != timeframe => {
                roll_up(market.bars(id, base), timeframe, instrument.calendar)
            }
            _ => here.to_vec(),
        };
        let skip = bars.len().saturating_sub(count.min(BARS_MAX));
        bars.into_iter().skip(skip).collect()
    }

    /// Events from the journal, read over a connection of its own.
    pub(super) fn log(&self, from: u64, count: u32, answer: oneshot::Sender<Reply>) {
        let journal = self.journal.clone();
        tokio::task::spawn_blocking(move || {
            let read =
                JournalReader::open(&journal).and_then(|reader| reader.read_range(from, count.min(LOG_MAX)));
            let reply = match read {
                Ok(events) => Reply::Log(events),
                Err(error) => Reply::Failed {
                    reason: SafeText::new(&error.to_string()),
                },
            };
            let _ = answer.send(reply);
        });
    }

    /// A page of orders or executions from the journal, read over a connection of its own.
    pub(super) fn page(&self, what: Page, wanted: Wanted, answer: oneshot::Sender<Reply>) {
        let journal = self.journal.clone();
        tokio::task::spawn_blocking(move || {
            point("page");
            let read = JournalReader::open(&journal).and_then(|reader| {
                Ok(match what {
                    Page::Orders => Reply::Orders(reader.orders_page(wanted)?),
                    Page::Executions => Reply::Executions(reader.executions_page(wanted)?),
                })
            });
            let reply = read.unwrap_or_else(|error| Reply::Failed {
                reason: SafeText::new(&error.to_string()),
            });
            let _ = answer.send(reply);
        });
    }

    /// Everything that became of one order, read over a connection of its own.
    pub(super) fn history(&self, order: ClientOrderId, answer: oneshot::Sender<Reply>) {
        let journal = self.journal.clone();
        tokio::task::spawn_blocking(move || {
            let read = JournalReader::open(&journal).and_then(|reader| reader.order_events(order));
            let reply = read.map_or_else(
                |error| Reply::Failed {
                    reason: SafeText::new(&error.to_string()),
                },
                Reply::Log,
            );
            let _ = answer.send(reply);
        });
    }

    /// The books at the end of a day, made anew from the whole journal over a connection of its own. `offset` is what the
    /// venue's clock is ahead of ours, in nanoseconds. While one is made, others are turned away.
    pub(super) fn books(&self, day: &SafeText, offset: i64, now: Timestamp, answer: oneshot::Sender<Reply>) {
        let (journal, day) = (self.journal.clone(), statement::date(day.as_str()));
        let Ok(turn) = Arc::clone(&self.making_books).try_acquire_owned() else {
            let reason =
                SafeText::new("the books of a day are being made for somebody else; ask again in a moment");
            let _ = answer.send(Reply::Failed { reason });
            return;
        };
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let read = day.and_then(|day| {
                let reader = JournalReader::open(&journal);
                let books = reader.and_then(|reader| reader.books_at_end_of(day, offset));
                books.map_err(|error| error.to_string())
            });
            let reply = match read {
                Ok(state) => Reply::State(Box::new(SnapshotMessage { state, now })),
                Err(why) => Reply::Failed {
                    reason: SafeText::new(&why),
                },
            };
            let _ = answer.send(reply);
        });
    }

    /// Writes a snapshot of the state, which is durable up to its last event.
    pub(super) fn keep_snapshot(&self, state: State) {
        let journal = self.journal.clone();
        tokio::task::spawn_blocking(move || {
            let written = JournalReader::open(&journal)
                .and_then(|reader| SnapshotFile::beside(&journal).write(&reader, &state));
            if let Err(error) = written {
                tracing::warn!(%error, "a snapshot could not be kept; the next start replays more of the journal");
            }
        });
    }
}

impl Drop for Questions {
    fn drop(&mut self) {
        self.bars = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Collects changes and writes them every few seconds; the newest of each bar is enough.
fn keep(mut store: BarStore, changed: &Receiver<BarUpdate>, clock: &Clock) {
    let mut waiting: BTreeMap<(InstrumentId, Timeframe, Timestamp), Bar> = BTreeMap::new();
    let mut due = clock.now().after(KEEP_EVERY);
    loop {
        let ended = match changed.recv_timeout(due.since(clock.now())) {
            Ok(update) => {
                waiting.insert(
                    (update.instrument, update.timeframe, update.bar.start),
                    update.bar,
                );
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        if !ended && clock.now() < due {
            continue;
        }
        due = clock.now().after(KEEP_EVERY);
        let rows: Vec<_> = std::mem::take(&mut waiting)
            .into_iter()
            .map(|((id, tf, _), bar)| (id, tf, bar))
            .collect();
        if !rows.is_empty()
            && let Err(error) = store.upsert(&rows)
        {
            tracing::warn!(%error, "bars could not be kept; charts will miss them after a restart");
        }
        if ended {
            return;
        }
    }
}
