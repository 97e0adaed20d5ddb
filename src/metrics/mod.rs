//! The engine's own figures: what was counted, how long things took, how the process is. Counting is an addition to an
//! atomic number, so that it costs nobody on the path of an order anything that could be seen; reading makes the list that
//! `text` writes for Prometheus and `json` for programs. Knows no other folder: who counts says what it counts.

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

#[allow(clippy::cast_precision_loss, reason = "counts are shown, never counted with")]
fn float(count: u64) -> Value {
    Value::Number(count as f64)
}
#[allow(clippy::cast_precision_loss, reason = "counts are shown, never counted with")]
fn signed(count: i64) -> Value {
    Value::Number(count as f64)
}

/// Samples that come without a label.
fn one(value: Value) -> Vec<(Vec<(&'static str, String)>, Value)> {
    vec![(Vec::new(), value)]
}

impl Metrics {
    /// Everything, as it is at this moment.
    pub fn figures(&self) -> Vec<Figure> {
        use Kind::{Counter as C, Gauge as G, Histogram as H};
        let figure = |name, kind, help, samples| Figure {
            name,
            help,
            kind,
            samples,
        };
        fn by<T, const N: usize>(
            label: &'static str,
            each: &Each<T, N>,
            value: impl Fn(&T) -> Value,
        ) -> Vec<(Vec<(&'static str, String)>, Value)> {
            each.iter()
                .map(|(name, one)| (vec![(label, name.to_owned())], value(one)))
                .collect()
        }
        let (version, profile) = self.about.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let links = all(&self.links);
        let link = |value: fn(&LinkFigures) -> u64| {
            links
                .iter()
                .map(|(broker, link)| (vec![("broker", broker.clone())], float(value(link))))
                .collect()
        };
        let named = |label, sums: &Named<f64>| {
            all(sums)
                .into_iter()
                .map(|(name, sum)| (vec![(label, name)], Value::Number(sum)))
                .collect()
        };
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (part, level) in layer::PARTS
            .iter()
            .flat_map(|part| layer::LEVELS.map(|level| (part, level)))
        {
            errors.entry(((*part).to_owned(), level)).or_default();
        }
        let errors = errors
            .into_iter()
            .map(|((part, level), count)| (vec![("part", part), ("level", level.to_owned())], float(count)))
            .collect();
        let states = links
            .iter()
            .map(|(broker, link)| {
                (
                    vec![("broker", broker.clone()), ("state", link.state.to_owned())],
                    float(1),
                )
            })
            .collect();
        let count = |counter: &Counter| float(counter.get());
        let level = |gauge: &Gauge| signed(gauge.get());
        let mut figures = vec![
            figure(
                "tradewind_info",
                G,
                "What runs.",
                vec![(vec![("version", version), ("profile", profile)], float(1))],
            ),
            figure(
                "tradewind_order_step_seconds",
                H,
                "How long an order takes, by step.",
                by("step", &self.order_step, |times| Value::Times(times.shape())),
            ),
            figure(
                "tradewind_orders_total",
                C,
                "Orders that came to a status.",
                by("status", &self.orders, count),
            ),
            figure(
                "tradewind_orders_now",
                G,
                "Live orders by phase.",
                by("phase", &self.orders_now, level),
            ),
            figure(
                "tradewind_executions_total",
                C,
                "Executions.",
                one(count(&self.executions)),
            ),
            figure(
                "tradewind_traded_quantity_total",
                C,
                "Quantity traded, by kind of instrument.",
                named("kind", &self.quantity),
            ),
            figure(
                "tradewind_traded_value_total",
                C,
                "Value traded, by currency.",
                named("currency", &self.value),
            ),
            figure(
                "tradewind_quotes_total",
                C,
                "Quotes from brokers.",
                one(count(&self.quotes)),
            ),
            figure(
                "tradewind_prints_total",
                C,
                "Prints from brokers.",
                one(count(&self.prints)),
            ),
            figure(
                "tradewind_books_total",
                C,
                "Books from brokers.",
                one(count(&self.books)),
            ),
            figure(
                "tradewind_events_total",
                C,
                "Events stored since the start.",
                one(count(&self.events)),
            ),
            figure(
                "tradewind_event_sequence",
                G,
                "The newest event's number.",
                one(level(&self.sequence)),
            ),
            figure(
                "tradewind_clients",
                G,
                "Who is attached, by kind.",
                by("kind", &self.clients, level),
            ),
            figure(
                "tradewind_disconnections_total",
                C,
                "Sessions that ended, by how.",
                by("reason", &self.disconnections, count),
            ),
            figure(
                "tradewind_queue_depth",
                G,
                "What waits: for the disk, from the broker, from sessions, and in the fullest session's queue.",
                by("queue", &self.queues, level),
            ),
            figure(
                "tradewind_dropped_total",
                C,
                "Market data left out for slow readers. Facts never are.",
                by("what", &self.dropped, count),
            ),
            figure(
                "tradewind_link_up",
                G,
                "1 while the link to a broker is ready.",
                link(|link| u64::from(link.up)),
            ),
            figure("tradewind_link_state", G, "How the link to a broker is.", states),
            figure(
                "tradewind_reconnects_total",
                C,
                "How often the link to a broker came back.",
                link(|link| link.reconnects),
            ),
            figure(
                "tradewind_planned_pause",
                G,
                "1 while a broker is away by its own plan.",
                one(level(&self.ready.1)),
            ),
            figure(
                "tradewind_ready",
                G,
                "1 while orders that add risk could leave.",
                one(level(&self.ready.0)),
            ),
            figure(
                "tradewind_journal_commit_seconds",
                H,
                "How long one commit of the journal takes.",
                one(Value::Times(self.commit.shape())),
            ),
            figure(
                "tradewind_journal_bytes",
                G,
                "Size of the journal.",
                one(level(&self.journal.0)),
            ),
            figure(
                "tradewind_journal_max_bytes",
                G,
                "The largest that it may have.",
                one(level(&self.journal.1)),
            ),
            figure(
                "tradewind_http_requests_total",
                C,
                "Requests over HTTP, by class of status.",
                by("status", &self.http, count),
            ),
            figure(
                "tradewind_http_request_seconds",
                H,
                "How long a request over HTTP takes.",
                one(Value::Times(self.http_time.shape())),
            ),
            figure(
                "tradewind_http_refused_total",
                C,
                "Calls over HTTP that were turned away, by status: 401 is nobody's key, 403 not allowed, 429 too many.",
                by("status", &self.refused, count),
            ),
            figure(
                "tradewind_reads_total",
                C,
                "Reads over REST: answered from the port's own copy in memory, or by asking the engine and its files.",
                by("from", &self.reads, count),
            ),
            figure(
                "tradewind_log_lines_lost_total",
                C,
                "Lines of the log that came too fast, or that the disk did not take.",
                one(count(&self.log_lost)),
            ),
            figure(
                "tradewind_errors_total",
                C,
                "Warnings and errors in the log, by part of the program.",
                errors,
            ),
            figure(
                "tradewind_slow_operations_total",
                C,
                "Operations that were named in the log as slow.",
                one(count(&self.slow)),
            ),
        ];
        let available = self.available.get();
        if available >= 0 {
            let percent = Value::Number(f64::from(i32::try_from(available).unwrap_or(i32::MAX)) / 10_000.0);
            figures.push(figure(
                "tradewind_available_percent",
                G,
                "Today's share of time with the broker up and the engine ready, planned pauses left out.",
                one(percent),
            ));
        }
        figures.extend(self.surroundings());
        figures.extend(process::figures());
        figures
    }

    /// What the engine lives on; what is not known yet is left out.
    fn surroundings(&self) -> Vec<Figure> {
        let gauge = |name, help, samples| Figure {
            name,
            help,
            kind: Kind::Gauge,
            samples,
        };
        // Known by its size: a full disk has 0 left.
        let known = |name: &str| self.disk_size.of(name).get() > 0;
        let disk = |each: &Each<Gauge, 2>| {
            each.iter()
                .filter(|(name, _)| known(name))
                .map(|(name, bytes)| (vec![("folder", name.to_owned())], signed(bytes.get())))
                .collect()
        };
        let ends = Some(self.certificate.get()).filter(|ends| *ends > 0);
        vec![
            gauge(
                "tradewind_disk_free_bytes",
                "Room that is left where the profile and the log lie.",
                disk(&self.disk_free),
            ),
            gauge(
                "tradewind_disk_size_bytes",
                "How large that disk is.",
                disk(&self.disk_size),
            ),
            gauge(
                "tradewind_certificate_ends_seconds",
                "When the port's certificate ends, in seconds since 1970.",
                ends.map_or_else(Vec::new, |ends| one(signed(ends))),
            ),
        ]
    }
}
