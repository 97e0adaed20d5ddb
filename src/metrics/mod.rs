//! The engine's own figures: what was counted, how long things took, how the process is. Counting is an addition to an
//! atomic number, so that it costs nobody on the path of an order anything that could be seen; reading makes the list that
//! `text` writes for Prometheus and `json` for programs. Knows no other folder: who counts says what it counts.

mod figures;
mod histogram;
pub mod json;
pub mod layer;
mod process;
pub mod text;

pub use histogram::{Histogram, Shape};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);
impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }
    /// One more.
    pub fn inc(&self) {
        self.add(1);
    }
    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
    /// How many.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);
impl Gauge {
    const fn new() -> Self {
        Self(AtomicI64::new(0))
    }
    /// What it is now.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }
    /// What it is now, of something counted.
    pub fn set_count(&self, count: usize) {
        self.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    /// So much more, or less.
    pub fn add(&self, change: i64) {
        self.0.fetch_add(change, Ordering::Relaxed);
    }
    /// What it is.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The same figure for each of a few names that are known beforehand.
#[derive(Debug)]
pub struct Each<T, const N: usize> {
    names: [&'static str; N],
    values: [T; N],
}
impl<T, const N: usize> Each<T, N> {
    /// The one of this name; the last one's for a name that is none of them.
    pub fn of(&self, name: &str) -> &T {
        let at = self.names.iter().position(|known| *known == name);
        &self.values[at.unwrap_or(N - 1)]
    }
    fn iter(&self) -> impl Iterator<Item = (&'static str, &T)> {
        self.names.iter().copied().zip(&self.values)
    }
}

/// What is known of the link to one broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkFigures {
    /// True while it is ready.
    pub up: bool,
    /// How it is, in a word.
    pub state: &'static str,
    /// How often it came back.
    pub reconnects: u64,
}

/// A counter's place among names that are not known beforehand. They are few: brokers, currencies, parts of the program.
type Named<T> = Mutex<BTreeMap<String, T>>;

/// Names that a list of unknown names may have: more of them count together.
const NAMES_MAX: usize = 64;

/// All figures.
#[derive(Debug)]
pub struct Metrics {
    /// How long an order takes: `decide` from being taken up to being folded, `commit` until it is durable, `release` until the
    /// broker's adapter has it, `to_broker` all three, `answer` from there to the broker's first word of it.
    pub order_step: Each<Histogram, 5>,
    /// Orders that came to a status.
    pub orders: Each<Counter, 12>,
    /// Live orders by phase.
    pub orders_now: Each<Gauge, 6>,
    /// Executions.
    pub executions: Counter,
    /// Quotes from brokers.
    pub quotes: Counter,
    /// Prints from brokers.
    pub prints: Counter,
    /// Books from brokers.
    pub books: Counter,
    /// Events that were stored.
    pub events: Counter,
    /// The newest of them.
    pub sequence: Gauge,
    /// Who is attached, by kind.
    pub clients: Each<Gauge, 5>,
    /// Sessions that ended, by how.
    pub disconnections: Each<Counter, 5>,
    /// What waits where.
    pub queues: Each<Gauge, 4>,
    /// What was left out for readers that are slow.
    pub dropped: Each<Counter, 2>,
    /// How long one commit of the journal takes.
    pub commit: Histogram,
    /// Size of the journal, in bytes, and the largest that it may have.
    pub journal: (Gauge, Gauge),
    /// Requests over HTTP by class of status.
    pub http: Each<Counter, 5>,
    /// How long each took.
    pub http_time: Histogram,
    /// Calls over HTTP that were turned away, by why: nobody's, not allowed, too many.
    pub refused: Each<Counter, 3>,
    /// Reads over REST, by whether the port's own copy answered them or the engine was asked.
    pub reads: Each<Counter, 2>,
    /// Lines of the log that nobody will read: they came too fast, or the disk did not take them.
    pub log_lost: Counter,
    /// Bytes that are left where the profile and the log lie, and all there are; 0 while unknown.
    pub disk_free: Each<Gauge, 2>,
    /// All bytes there are.
    pub disk_size: Each<Gauge, 2>,
    /// When the port's certificate ends, in seconds since 1970; 0 where there is none.
    pub certificate: Gauge,
    /// Operations that took longer than they may unnamed.
    pub slow: Counter,
    /// True where orders that add risk could leave, and while a planned pause of a broker is on.
    pub ready: (Gauge, Gauge),
    /// Today's availability in millionths; negative while unknown.
    pub available: Gauge,
    /// From when on an operation is slow, in nanoseconds; 0 for never.
    slow_ns: AtomicU64,
    links: Named<LinkFigures>,
    errors: Mutex<BTreeMap<(String, &'static str), u64>>,
    quantity: Named<f64>,
    value: Named<f64>,
    about: Mutex<(String, String)>,
}

/// One [`Each`] with all its names.
macro_rules! each {
    ($make:expr, $($name:literal),+ $(,)?) => {
        Each { names: [$($name),+], values: [$({ let _ = $name; $make }),+] }
    };
}

static METRICS: Metrics = Metrics {
    order_step: each!(
        Histogram::new(),
        "decide",
        "commit",
        "release",
        "to_broker",
        "answer"
    ),
    orders: each!(
        Counter::new(),
        "submitted",
        "denied",
        "accepted",
        "filled",
        "cancelled",
        "expired",
        "rejected",
        "not_sent",
        "uncertain",
        "absent",
        "lost",
        "adopted",
    ),
    orders_now: each!(
        Gauge::new(),
        "created",
        "parked",
        "in_flight",
        "uncertain",
        "held",
        "working"
    ),
    executions: Counter::new(),
    quotes: Counter::new(),
    prints: Counter::new(),
    books: Counter::new(),
    events: Counter::new(),
    sequence: Gauge::new(),
    clients: each!(
        Gauge::new(),
        "terminal",
        "shell",
        "monitor",
        "websocket",
        "program"
    ),
    disconnections: each!(Counter::new(), "too_slow", "ended", "silent", "over", "stopping"),
    queues: each!(Gauge::new(), "journal", "broker", "wanted", "told"),
    dropped: each!(Counter::new(), "prints", "rows"),
    commit: Histogram::new(),
    journal: (Gauge::new(), Gauge::new()),
    http: each!(Counter::new(), "2xx", "3xx", "4xx", "5xx", "other"),
    http_time: Histogram::new(),
    refused: each!(Counter::new(), "401", "403", "429"),
    reads: each!(Counter::new(), "memory", "engine"),
    log_lost: Counter::new(),
    disk_free: each!(Gauge::new(), "profile", "log"),
    disk_size: each!(Gauge::new(), "profile", "log"),
    certificate: Gauge::new(),
    slow: Counter::new(),
    ready: (Gauge::new(), Gauge::new()),
    available: Gauge(AtomicI64::new(-1)),
    slow_ns: AtomicU64::new(0),
    links: Mutex::new(BTreeMap::new()),
    errors: Mutex::new(BTreeMap::new()),
    quantity: Mutex::new(BTreeMap::new()),
    value: Mutex::new(BTreeMap::new()),
    about: Mutex::new((String::new(), String::new())),
};

/// The figures of this process.
pub fn metrics() -> &'static Metrics {
    &METRICS
}

fn change<T: Default>(named: &Named<T>, name: &str, change: impl FnOnce(&mut T)) {
    let mut named = named.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(value) = named.get_mut(name) {
        return change(value);
    }
    let name = if named.len() < NAMES_MAX { name } else { "other" };
    change(named.entry(name.to_owned()).or_default());
}

fn all<T: Clone>(named: &Named<T>) -> Vec<(String, T)> {
    let named = named.lock().unwrap_or_else(PoisonError::into_inner);
    named
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

impl Metrics {
    /// What runs: its version and its profile.
    pub fn set_about(&self, version: &str, profile: &str) {
        *self.about.lock().unwrap_or_else(PoisonError::into_inner) = (version.to_owned(), profile.to_owned());
    }
    /// From when on an operation is named in the log; zero for never.
    pub fn set_slow_after(&self, after: Duration) {
        self.slow_ns.store(
            u64::try_from(after.as_nanos()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }
    /// How a link is now. Coming to be ready after having been ready before is a reconnect.
    pub fn link(&self, broker: &str, state: &'static str, up: bool, came_back: bool) {
        change(&self.links, broker, |link| {
            (link.state, link.up) = (state, up);
            link.reconnects += u64::from(came_back);
        });
    }
    /// Something of ours went into the log as a warning or an error.
    pub fn error(&self, part: &str, level: &'static str) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        *errors.entry((part.to_owned(), level)).or_default() += 1;
    }
    /// A trade of ours.
    pub fn traded(&self, kind: &str, quantity: f64, currency: &str, value: f64) {
        self.executions.inc();
        change(&self.quantity, kind, |sum| *sum += quantity);
        change(&self.value, currency, |sum| *sum += value);
    }
    /// Names an operation in the log that took longer than it may unnamed.
    pub fn took(&self, operation: &str, time: Duration) {
        let limit = self.slow_ns.load(Ordering::Relaxed);
        if limit > 0 && time.as_nanos() >= u128::from(limit) {
            self.slow.inc();
            let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            tracing::info!(target: "tradewind::slow", operation, ms, "a slow operation");
        }
    }
}

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many there were of which size.
    Histogram,
}

/// The value of one sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A distribution, in seconds.
    Times(Shape),
}

/// A figure with its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its name, as Prometheus wants them.
    pub name: &'static str,
    /// What it is, in words.
    pub help: &'static str,
    /// What kind.
    pub kind: Kind,
    /// Labels, and the value.
    pub samples: Vec<(Vec<(&'static str, String)>, Value)>,
}

/// Samples that come without a label.
fn one(value: Value) -> Vec<(Vec<(&'static str, String)>, Value)> {
    vec![(Vec::new(), value)]
}
