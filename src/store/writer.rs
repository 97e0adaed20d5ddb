//! The one thread that writes the journal. A batch that comes while a commit runs waits and shares the next commit with
//! all others that came meanwhile; one that comes while nothing runs is committed at once. Each is answered on this thread
//! by the closure given with it, in order. When there is no more room the reserve is opened and the same batches are
//! stored again, so that the journal never has a gap; the answer says so, and what then may still leave is decided by who
//! asked. Where another process keeps the database locked the same batches are tried again and again, for minutes: they
//! wait, nobody is answered, and who asks sees that it is so.

use super::error::StoreError;
use super::journal::{Journal, Stamp};
use crate::engine::Event;
use crate::engine::planted::point;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Batches that may wait for the disk. When it is full, [`Writer::submit`] waits: facts are never dropped.
const WAITING_MAX: usize = 4096;
/// Most batches in one commit, so that the first of them is not kept waiting by the last.
const GROUP_MAX: usize = 512;
/// How long nothing must come before the write-ahead log is moved into the file.
const IDLE: Duration = Duration::from_millis(250);

/// How long another process may keep the database locked before the writer gives up. Each try waits for five seconds.
const HELD_MAX: Duration = Duration::from_secs(300);

/// What the writer and who gives it batches tell each other beside them.
#[derive(Debug, Default)]
struct Shared {
    /// Another process keeps the database locked.
    held: AtomicBool,
    /// The engine is stopping: a lock is not waited for any more.
    ending: AtomicBool,
}

/// The answer to a durable commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The last event of the batch.
    pub last: u64,
    /// True once the reserve is in use: nothing that adds risk may leave any more.
    pub on_reserve: bool,
    /// How long the commit took, told with the first of its batches.
    pub took: Option<Duration>,
}

/// What is called with the answer, and with the events back.
type Answer = Box<dyn FnOnce(Result<Committed, StoreError>, Vec<Event>) + Send>;

struct Waiting {
    events: Vec<Event>,
    stamp: Stamp,
    answer: Answer,
}

/// The writing thread. Dropping it stores what waits and ends it.
#[derive(Debug)]
pub struct Writer {
    sender: Option<SyncSender<Waiting>>,
    thread: Option<JoinHandle<Journal>>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting")
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread.
    pub fn start(journal: Journal) -> Result<Self, StoreError> {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let file = journal.reader().file().to_owned();
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || run(journal, &receiver, &theirs))
            .map_err(|error| StoreError::io(&file, "starting the journal's writer", &error))?;
        Ok(Self {
            sender: Some(sender),
            thread: Some(thread),
            shared,
        })
    }

    /// True while another process keeps the database locked, so that nothing becomes durable.
    pub fn is_held(&self) -> bool {
        self.shared.held.load(Ordering::Relaxed)
    }

    /// True once the thread has ended by itself: nothing is stored any more.
    pub fn has_died(&self) -> bool {
        self.thread.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// From now on a lock of another process is not waited for.
    pub fn hurry(&self) {
        self.shared.ending.store(true, Ordering::Relaxed);
    }

    /// Hands over one batch. `answer` is called on the writing thread once it is durable, or has failed, and gets the
    /// events back; it must be quick and must not wait. After a failure every later batch fails too. Waits only while
    /// thousands of batches wait already.
    pub fn submit(
        &self,
        events: Vec<Event>,
        stamp: Stamp,
        answer: impl FnOnce(Result<Committed, StoreError>, Vec<Event>) + Send + 'static,
    ) -> Result<(), StoreError> {
        let answer = Box::new(answer);
        let waiting = Waiting {
            events,
            stamp,
            answer,
        };
        self.sender
            .as_ref()
            .ok_or(StoreError::Stopped)?
            .send(waiting)
            .map_err(|_| StoreError::Stopped)
    }

    /// Stores what waits, ends the thread and gives the journal back.
    pub fn stop(mut self) -> Result<Journal, StoreError> {
        self.hurry();
        self.sender = None;
        self.thread
            .take()
            .and_then(|thread| thread.join().ok())
            .ok_or(StoreError::Stopped)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.hurry();
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic there was already reported by the hook
        }
    }
}

fn run(mut journal: Journal, receiver: &Receiver<Waiting>, shared: &Shared) -> Journal {
    let mut failure: Option<StoreError> = None;
    let mut group = Vec::new();
    while let Some(first) = next(&mut journal, receiver) {
        group.push(first);
        group.extend(receiver.try_iter().take(GROUP_MAX - 1));
        let began = Instant::now();
        if failure.is_none() {
            failure = patiently(&mut journal, &group, shared).err();
        }
        let mut took = Some(began.elapsed());
        for waiting in group.drain(..) {
            let result = match &failure {
                Some(error) => Err(error.clone()),
                None => Ok(Committed {
                    last: waiting
                        .events
                        .last()
                        .map_or(journal.last(), |event| event.sequence),
                    on_reserve: journal.is_on_reserve(),
                    took: took.take(),
                }),
            };
            (waiting.answer)(result, waiting.events);
        }
    }
    journal
}

/// The next batch; an idle moment is used to tidy up. Nothing once all senders are gone.
fn next(journal: &mut Journal, receiver: &Receiver<Waiting>) -> Option<Waiting> {
    if journal.wants_checkpoint() {
        match receiver.recv_timeout(IDLE) {
            Ok(waiting) => return Some(waiting),
            Err(RecvTimeoutError::Disconnected) => return None,
            // A failed checkpoint loses nothing: the next commit will say what is wrong, if anything is.
            Err(RecvTimeoutError::Timeout) => drop(journal.checkpoint()),
        }
    }
    receiver.recv().ok()
}

/// Commits, and tries again for as long as another process keeps the database locked.
fn patiently(journal: &mut Journal, group: &[Waiting], shared: &Shared) -> Result<(), StoreError> {
    point("journal");
    let began = Instant::now();
    loop {
        let result = commit(journal, group);
        let is_held = result.as_ref().is_err_and(StoreError::is_held);
        shared.held.store(is_held, Ordering::Relaxed);
        if !is_held || began.elapsed() > HELD_MAX || shared.ending.load(Ordering::Relaxed) {
            return result;
        }
    }
}

fn commit(journal: &mut Journal, group: &[Waiting]) -> Result<(), StoreError> {
    let batches = || {
        group
            .iter()
            .map(|waiting| (waiting.events.as_slice(), waiting.stamp))
    };
    match journal.append_all(batches()) {
        Err(error) if error.is_full() && !journal.is_on_reserve() => {
            journal.use_reserve()?;
            journal.append_all(batches())
        }
        result => result,
    }
}
