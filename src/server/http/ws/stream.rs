//! One stream of a topic as all its readers share it: frames encoded once, kept in a window, numbered without a gap. Who
//! reads holds a place in it and takes what is new as it stands; who comes back goes on from its number while the window
//! reaches so far. What a frame contains is the topic's to say, and when it is made is the hub's.

use super::frame::{Encoding, Framed, Said};
use super::lane::Lane;
use super::topic::{self, Kind, Name, Params};
use crate::domain::AccountId;
use crate::server::doors::Caller;
use crate::server::handle::Told;
use crate::server::http::Clock;
use crate::server::http::replica::{Known, Replica};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Frames that a window holds at most.
const FRAMES_MAX: usize = 4_096;
/// Bytes that a window holds at most; the newest frame is kept whatever its size.
const BYTES_MAX: usize = 2 * 1_024 * 1_024;
/// How long a stream without a reader goes on, so that one who was cut off can come back to it.
const LINGERS: Duration = Duration::from_secs(60);
/// Summaries are made no more often than this.
const SUMMARY_EVERY: Duration = Duration::from_millis(250);
/// Prints that may wait for a batch: older ones are left out, and the gap shows in their numbers.
const PRINTS_MAX: usize = 2_000;
/// Readers that are sent a frame where it is made: to the rest their own writers send it, on every core.
const AT_ONCE_MAX: usize = 256;
/// The place of a reader that was not told yet what came before: no frame follows that one.
const NOT_BEGUN: u64 = u64::MAX;

/// What makes two readers want the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Which topic.
    pub kind: Kind,
    /// Its parameters.
    pub params: Params,
    /// For how long updates are gathered.
    pub batch: Duration,
    /// How messages become bytes.
    pub encoding: Encoding,
    /// The accounts that are seen, in topics that show accounts; nothing means all.
    pub sight: Option<BTreeSet<AccountId>>,
}

impl Key {
    /// Of a caller's topic.
    pub(super) fn new(
        kind: Kind,
        params: Params,
        batch: Duration,
        encoding: Encoding,
        caller: &Caller,
    ) -> Self {
        Self {
            kind,
            params,
            // A fact waits for nothing.
            batch: if kind.is_fact() { Duration::ZERO } else { batch },
            encoding,
            sight: kind.shows_accounts().then(|| caller.accounts.clone()).flatten(),
        }
    }
}

/// A reader of a stream: the last frame that it was sent, and its client's way out.
#[derive(Debug)]
struct Seat {
    at: AtomicU64,
    lane: Arc<Lane>,
}

#[derive(Debug)]
struct Log {
    frames: VecDeque<Framed>,
    bytes: usize,
    /// The number of the newest frame.
    newest: u64,
    /// Rows of the next frame that wait for nothing, in order.
    ready: Vec<Value>,
    /// Rows that wait for the end of a batch.
    waiting: BTreeMap<Name, Value>,
    /// What a summary told last.
    told: BTreeMap<Name, Value>,
    due: Option<Instant>,
    /// Shared with whoever sends to them, which is done when nobody holds the log any more.
    seats: Arc<Vec<Arc<Seat>>>,
    idle_since: Option<Instant>,
}

/// One stream.
pub(super) struct Stream {
    /// Its number on this port since it was opened: no two streams have the same.
    pub number: u64,
    /// What it is of.
    pub key: Key,
    clock: Clock,
    log: Mutex<Log>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("number", &self.number)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// What is new for a reader.
#[derive(Debug)]
pub(super) enum News {
    /// These frames; the number of the last of them.
    Frames(Vec<Framed>, u64),
    /// The window no longer reaches so far.
    Gone,
}

/// A reader's place. The stream knows that it is read while this lives.
#[derive(Debug)]
pub(super) struct Place {
    /// The stream.
    pub stream: Arc<Stream>,
    /// The frame that what the client is told first ends with.
    from: u64,
    seat: Arc<Seat>,
}

impl Place {
    /// What the client is told first is on its way: from here on frames follow. Called by the client's writer in its turn, like
    /// all that moves a place.
    pub(super) fn begin(&self) {
        self.go_to(self.from);
    }
    /// The last frame that was sent.
    pub(super) fn at(&self) -> u64 {
        self.seat.at.load(Ordering::Relaxed)
    }
    /// The frames up to this one are on their way. The lane's turn orders it before and after what others send.
    pub(super) fn go_to(&self, number: u64) {
        self.seat.at.store(number, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut log = self.stream.log();
        Arc::make_mut(&mut log.seats).retain(|seat| !Arc::ptr_eq(seat, &self.seat));
        if log.seats.is_empty() {
            log.idle_since = Some(Instant::now());
        }
    }
}

impl Stream {
    pub(super) fn new(number: u64, key: Key, clock: Clock) -> Self {
        let log = Log {
            frames: VecDeque::new(),
            bytes: 0,
            newest: 0,
            ready: Vec::new(),
            waiting: BTreeMap::new(),
            told: BTreeMap::new(),
            due: None,
            seats: Arc::default(),
            idle_since: Some(Instant::now()),
        };
        Self {
            number,
            key,
            clock,
            log: Mutex::new(log),
        }
    }
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader joins: with what the client is told first, which is all of the topic, or that it goes on where it was.
    /// The rows are read while no frame can be made, so that what follows is never older than what was told.
    pub(super) fn join(
        self: &Arc<Self>,
        id: u32,
        after: Option<u64>,
        lane: Arc<Lane>,
        replica: &Replica,
    ) -> (Place, Framed) {
        let seat = Arc::new(Seat {
            at: AtomicU64::new(NOT_BEGUN),
            lane,
        });
        let mut log = self.log();
        Arc::make_mut(&mut log.seats).push(Arc::clone(&seat));
        log.idle_since = None;
        let goes_on = after.filter(|after| log.reaches(*after));
        let (from, first) = match goes_on {
            Some(after) => {
                let resumed = Said::Resumed {
                    id,
                    stream: self.number,
                    topic: self.key.kind.word(),
                    number: after,
                };
                (after, self.key.encoding.message(&resumed))
            }
            None => (log.newest, self.snapshot(id, log.newest, replica)),
        };
        drop(log);
        let stream = Arc::clone(self);
        (Place { stream, from, seat }, first)
    }
    /// All of the topic, for a reader that has lost its place.
    pub(super) fn again(&self, id: u32, replica: &Replica) -> (u64, Framed) {
        let log = self.log();
        (log.newest, self.snapshot(id, log.newest, replica))
    }
    fn snapshot(&self, id: u32, number: u64, replica: &Replica) -> Framed {
        let (rows, sequence) = replica.read(|known| (self.rows(known), known.state.sequence));
        self.key.encoding.message(&Said::Snapshot {
            id,
            stream: self.number,
            topic: self.key.kind.word(),
            number,
            sequence,
            data: rows.into_iter().map(|(_, row)| row).collect(),
        })
    }

    /// What came after a number.
    pub(super) fn since(&self, at: u64) -> News {
        let log = self.log();
        if !log.reaches(at) {
            return News::Gone;
        }
        let new = usize::try_from(log.newest - at).unwrap_or(usize::MAX);
        let skip = log.frames.len().saturating_sub(new);
        let frames = log.frames.iter().skip(skip).cloned();
        News::Frames(frames.collect(), log.newest)
    }

    /// Notes what something told changes. Rows of one name replace each other while they wait; without a batch nothing
    /// waits, nothing is replaced, and [`Self::tell`] says it.
    pub(super) fn note(&self, told: &Told, replica: &Replica, now: Instant) {
        let mut log = self.log();
        if self.key.kind.is_summary() {
            log.due.get_or_insert(now + self.key.batch.max(SUMMARY_EVERY));
            return;
        }
        let rows = replica.read(|known| {
            let key = &self.key;
            topic::changed(key.kind, &key.params, told, known, &key.sight, (self.clock)())
        });
        if rows.is_empty() {
            return;
        }
        if self.key.batch.is_zero() {
            log.ready.extend(rows.into_iter().map(|(_, row)| row));
            return;
        }
        log.waiting.extend(rows);
        while self.key.kind == Kind::Prints && log.waiting.len() > PRINTS_MAX {
            log.waiting.pop_first();
        }
        log.due.get_or_insert(now + self.key.batch);
    }
    /// Tells what waits for nothing: where several came at once, in one frame.
    pub(super) fn tell(&self, replica: &Replica) {
        let mut log = self.log();
        if log.ready.is_empty() {
            return;
        }
        let rows = std::mem::take(&mut log.ready);
        let sequence = replica.read(|known| known.state.sequence);
        self.push(log, rows, sequence, false);
    }
    /// Everything is told anew, because something was missed.
    pub(super) fn restart(&self, replica: &Replica) {
        let mut log = self.log();
        log.ready.clear();
        log.waiting.clear();
        log.due = None;
        let (rows, sequence) = replica.read(|known: &Known| (self.rows(known), known.state.sequence));
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        self.push(log, rows, sequence, true);
    }
    /// Makes the frame whose time has come. Answers when the next is due.
    pub(super) fn make_due(&self, replica: &Replica, now: Instant) -> Option<Instant> {
        let mut log = self.log();
        let due = log.due?;
        if due > now {
            return Some(due);
        }
        log.due = None;
        if self.key.kind.is_summary() {
            self.sum_up(log, replica);
            return None;
        }
        let sequence = replica.read(|known| known.state.sequence);
        let rows = std::mem::take(&mut log.waiting).into_values().collect();
        self.push(log, rows, sequence, false);
        None
    }
    /// Tells the rows that differ from those told before; all of them, and that they are all, where some are gone.
    fn sum_up(&self, mut log: MutexGuard<'_, Log>, replica: &Replica) {
        let (rows, sequence) = replica.read(|known| (self.rows(known), known.state.sequence));
        let left = |name: &Name| rows.iter().any(|(row, _)| row == name);
        let gone = !log.told.keys().all(left);
        let new: Vec<Value> = rows
            .iter()
            .filter(|(name, row)| gone || log.told.get(name) != Some(row))
            .map(|(_, row)| row.clone())
            .collect();
        log.told = rows.into_iter().collect();
        if gone || !new.is_empty() {
            self.push(log, new, sequence, gone);
        }
    }
    fn rows(&self, known: &Known) -> topic::Rows {
        topic::all(
            self.key.kind,
            &self.key.params,
            known,
            &self.key.sight,
            (self.clock)(),
        )
    }
    /// Adds a frame, and sends it once the log is free again: readers that are woken come for it at once, from every core.
    fn push(&self, mut log: MutexGuard<'_, Log>, data: Vec<Value>, sequence: u64, whole: bool) {
        log.newest += 1;
        let number = log.newest;
        let frame = self.key.encoding.message(&Said::Update {
            stream: self.number,
            topic: self.key.kind.word(),
            number,
            sequence,
            time: (self.clock)().to_string(),
            whole,
            data,
        });
        log.bytes += frame.bytes().len();
        log.frames.push_back(frame.clone());
        while log.frames.len() > FRAMES_MAX || (log.bytes > BYTES_MAX && log.frames.len() > 1) {
            if let Some(oldest) = log.frames.pop_front() {
                log.bytes -= oldest.bytes().len();
            }
        }
        let seats = Arc::clone(&log.seats);
        drop(log);
        let (first, rest) = seats.split_at(seats.len().min(AT_ONCE_MAX));
        for seat in first {
            seat.lane.offer(&frame, number, &seat.at);
        }
        for seat in rest {
            seat.lane.wake();
        }
    }

    /// True where nobody has read for so long that nobody will come back.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.log()
            .idle_since
            .is_some_and(|since| now.duration_since(since) > LINGERS)
    }
}

impl Log {
    /// Whether everything after a number is still here.
    fn reaches(&self, after: u64) -> bool {
        let kept = u64::try_from(self.frames.len()).unwrap_or(u64::MAX);
        after <= self.newest && self.newest - after <= kept
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::said;
    use super::*;

    fn stream(kind: Kind) -> Arc<Stream> {
        let key = Key {
            kind,
            params: Params::default(),
            batch: Duration::ZERO,
            encoding: Encoding::Json,
            sight: None,
        };
        Arc::new(Stream::new(1, key, Arc::new(|| crate::domain::Timestamp(0))))
    }

    fn push(stream: &Stream) {
        stream.push(stream.log(), vec![Value::Null], 7, false);
    }

    #[test]
    fn a_reader_gets_each_frame_once_and_in_order_or_is_told_that_it_cannot() {
        let (stream, replica) = (stream(Kind::Orders), Replica::default());
        let join = |after| {
            let (place, first) = stream.join(1, after, Arc::new(Lane::new(None)), &replica);
            assert_eq!(place.at(), NOT_BEGUN, "nothing is sent before what comes first");
            place.begin();
            (place, first)
        };
        push(&stream);
        let (place, _) = join(None);
        assert_eq!(place.at(), 1, "the snapshot has what came before");
        assert!(matches!(stream.since(place.at()), News::Frames(frames, 1) if frames.is_empty()));
        for _ in 0..3 {
            push(&stream);
        }
        let News::Frames(frames, at) = stream.since(place.at()) else {
            panic!("the window is wide")
        };
        let numbers: Vec<u64> = frames
            .iter()
            .map(|frame| said(frame)["number"].as_u64().unwrap())
            .collect();
        assert_eq!((numbers, at), (vec![2, 3, 4], 4));
        place.go_to(at);
        // Whoever comes back within the window goes on; beyond it, and from a future that never was, it begins anew.
        let (back, _) = join(Some(2));
        assert_eq!(back.at(), 2);
        let (anew, _) = join(Some(5));
        assert_eq!(anew.at(), 4);
        for _ in 0..=FRAMES_MAX {
            push(&stream);
        }
        assert!(matches!(stream.since(place.at()), News::Gone));
        drop((place, back));
        assert!(!stream.is_over(Instant::now() + LINGERS * 2), "one reads still");
        drop(anew);
        assert!(!stream.is_over(Instant::now()), "it may come back");
        assert!(stream.is_over(Instant::now() + LINGERS * 2));
    }

    #[test]
    fn a_window_is_bounded_in_bytes_and_keeps_its_newest() {
        let stream = stream(Kind::Orders);
        let large = vec![Value::String("x".repeat(BYTES_MAX / 2))];
        for _ in 0..4 {
            stream.push(stream.log(), large.clone(), 1, false);
        }
        let log = stream.log();
        assert!(log.frames.len() == 1 && log.newest == 4 && log.reaches(3) && !log.reaches(2));
    }
}
