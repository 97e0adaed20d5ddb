//! Where the streams of this port are: made when the first reader asks for one, filled here by one task from what the
//! engine tells, ended when nobody has read them for a while. A thousand readers of the same cost one encoding.

use super::stream::{Key, Stream};
use super::topic::Kind;
use crate::server::handle::Told;
use crate::server::http::Clock;
use crate::server::http::replica::Replica;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::watch;
use tokio::time::{Instant, interval, sleep_until};

/// Streams at once: with their windows they are what clients can make this process hold.
const STREAMS_MAX: usize = 1_024;
/// How often streams are looked through for those that are over.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// A batch shorter than this wants market data the moment they come.
const PROMPT: Duration = Duration::from_millis(33);
/// What was told that becomes one frame of a stream at most, where the streams are behind.
const AT_ONCE: usize = 64;

/// The streams. Cheap to clone; clones are one.
#[derive(Clone)]
pub struct Hub {
    streams: Arc<Mutex<BTreeMap<Key, Arc<Stream>>>>,
    made: Arc<AtomicU64>,
    replica: Replica,
    clock: Clock,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("streams", &self.streams)
            .finish_non_exhaustive()
    }
}

/// Where this process's numbers of streams begin: by chance, so that who comes back after a restart with a place in a stream of
/// the process before is not taken for a reader of another of ours. At most 52 bits: any language holds them exactly.
fn beginning() -> u64 {
    let mut bytes = [0; 4];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => u64::from(u32::from_be_bytes(bytes)) << 20,
        Err(_) => 0,
    }
}

impl Hub {
    /// Over a replica.
    pub(crate) fn new(replica: Replica, clock: Clock) -> Self {
        Self {
            streams: Arc::default(),
            made: Arc::new(AtomicU64::new(beginning())),
            replica,
            clock,
        }
    }
    /// The stream of a key, made where there is none; nothing where there are too many.
    pub(super) fn stream(&self, key: Key) -> Option<Arc<Stream>> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = streams.get(&key) {
            return Some(Arc::clone(stream));
        }
        if streams.len() >= STREAMS_MAX {
            return None;
        }
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let stream = Arc::new(Stream::new(number, key.clone(), Arc::clone(&self.clock)));
        streams.insert(key, Arc::clone(&stream));
        self.replica.be_prompt(
            streams
                .keys()
                .any(|key| key.kind.is_market() && key.batch < PROMPT),
        );
        Some(stream)
    }
    fn all(&self) -> Vec<Arc<Stream>> {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.values().cloned().collect()
    }
    fn sweep(&self, now: Instant) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|_, stream| !stream.is_over(now));
        for key in streams.keys().filter(|key| key.kind == Kind::Depth) {
            key.params
                .symbols
                .iter()
                .for_each(|id| self.replica.keep_wish(*id, true));
        }
        self.replica.be_prompt(
            streams
                .keys()
                .any(|key| key.kind.is_market() && key.batch < PROMPT),
        );
    }

    /// Notes what was told, and what else was meanwhile: a stream that is behind tells it in fewer and larger frames. Nothing
    /// where there will be no more.
    fn note(&self, first: Result<Told, RecvError>, more: &mut Receiver<Told>) -> Option<()> {
        let streams = self.all();
        let now = Instant::now();
        let mut next = Some(first);
        let mut noted = 0;
        while let Some(message) = next.take() {
            match message {
                Ok(message) => streams
                    .iter()
                    .for_each(|stream| stream.note(&message, &self.replica, now)),
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "the streams of the HTTP port fell behind and begin again");
                    streams.iter().for_each(|stream| stream.restart(&self.replica));
                }
                Err(RecvError::Closed) => return None,
            }
            noted += 1;
            if noted < AT_ONCE {
                next = match more.try_recv() {
                    Ok(message) => Some(Ok(message)),
                    Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
                    // The next call of `recv` says which.
                    Err(TryRecvError::Empty | TryRecvError::Closed) => None,
                };
            }
        }
        streams.iter().for_each(|stream| stream.tell(&self.replica));
        Some(())
    }

    /// Fills the streams until `stop` changes.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut told = self.replica.listen();
        let mut sweep = interval(SWEEP_EVERY);
        let mut due: Option<Instant> = None;
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                message = told.recv() => if self.note(message, &mut told).is_none() {
                    return;
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                _ = sweep.tick() => self.sweep(Instant::now()),
            }
            let now = Instant::now();
            due = self
                .all()
                .iter()
                .filter_map(|stream| stream.make_due(&self.replica, now))
                .min();
        }
    }
}
