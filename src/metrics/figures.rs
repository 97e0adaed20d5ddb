//! All figures as a list, by subject, with their names and words: what `text` and `json` write.

use super::{
    Counter, Each, Figure, Gauge, Kind, LinkFigures, Metrics, Named, Value, all, layer, one, process,
};
use std::sync::PoisonError;

/// Labels and a value, of each sample.
type Samples = Vec<(Vec<(&'static str, String)>, Value)>;

#[allow(clippy::cast_precision_loss, reason = "counts are shown, never counted with")]
fn float(count: u64) -> Value {
    Value::Number(count as f64)
}
#[allow(clippy::cast_precision_loss, reason = "counts are shown, never counted with")]
fn signed(count: i64) -> Value {
    Value::Number(count as f64)
}

fn count(counter: &Counter) -> Value {
    float(counter.get())
}
fn level(gauge: &Gauge) -> Value {
    signed(gauge.get())
}
fn figure(name: &'static str, kind: Kind, help: &'static str, samples: Samples) -> Figure {
    Figure {
        name,
        help,
        kind,
        samples,
    }
}
fn by<T, const N: usize>(label: &'static str, each: &Each<T, N>, value: impl Fn(&T) -> Value) -> Samples {
    each.iter()
        .map(|(name, one)| (vec![(label, name.to_owned())], value(one)))
        .collect()
}

impl Metrics {
    /// Everything, as it is at this moment.
    pub fn figures(&self) -> Vec<Figure> {
        [
            self.told_of_orders(),
            self.told_of_market(),
            self.told_of_sessions(),
            self.told_of_links(),
            self.told_of_journal(),
            self.told_of_http(),
            self.told_of_log(),
            self.told_of_today(),
            self.told_of_surroundings(),
            process::figures(),
        ]
        .concat()
    }

    /// What runs, and what became of orders.
    fn told_of_orders(&self) -> Vec<Figure> {
        let (version, profile) = self.about.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let named = |label, sums: &Named<f64>| {
            let each = all(sums).into_iter();
            each.map(|(name, sum)| (vec![(label, name)], Value::Number(sum)))
                .collect()
        };
        vec![
            figure(
                "tradewind_info",
                Kind::Gauge,
                "What runs.",
                vec![(vec![("version", version), ("profile", profile)], float(1))],
            ),
            figure(
                "tradewind_order_step_seconds",
                Kind::Histogram,
                "How long an order takes, by step.",
                by("step", &self.order_step, |times| Value::Times(times.shape())),
            ),
            figure(
                "tradewind_orders_total",
                Kind::Counter,
                "Orders that came to a status.",
                by("status", &self.orders, count),
            ),
            figure(
                "tradewind_orders_now",
                Kind::Gauge,
                "Live orders by phase.",
                by("phase", &self.orders_now, level),
            ),
            figure(
                "tradewind_executions_total",
                Kind::Counter,
                "Executions.",
                one(count(&self.executions)),
            ),
            figure(
                "tradewind_traded_quantity_total",
                Kind::Counter,
                "Quantity traded, by kind of instrument.",
                named("kind", &self.quantity),
            ),
            figure(
                "tradewind_traded_value_total",
                Kind::Counter,
                "Value traded, by currency.",
                named("currency", &self.value),
            ),
        ]
    }
    /// Market data and events.
    fn told_of_market(&self) -> Vec<Figure> {
        vec![
            figure(
                "tradewind_quotes_total",
                Kind::Counter,
                "Quotes from brokers.",
                one(count(&self.quotes)),
            ),
            figure(
                "tradewind_prints_total",
                Kind::Counter,
                "Prints from brokers.",
                one(count(&self.prints)),
            ),
            figure(
                "tradewind_books_total",
                Kind::Counter,
                "Books from brokers.",
                one(count(&self.books)),
            ),
            figure(
                "tradewind_events_total",
                Kind::Counter,
                "Events stored since the start.",
                one(count(&self.events)),
            ),
            figure(
                "tradewind_event_sequence",
                Kind::Gauge,
                "The newest event's number.",
                one(level(&self.sequence)),
            ),
        ]
    }
    /// Who is attached, and what waits.
    fn told_of_sessions(&self) -> Vec<Figure> {
        vec![
            figure(
                "tradewind_clients",
                Kind::Gauge,
                "Who is attached, by kind.",
                by("kind", &self.clients, level),
            ),
            figure(
                "tradewind_disconnections_total",
                Kind::Counter,
                "Sessions that ended, by how.",
                by("reason", &self.disconnections, count),
            ),
            figure(
                "tradewind_queue_depth",
                Kind::Gauge,
                "What waits: for the disk, from the broker, from sessions, and in the fullest session's queue.",
                by("queue", &self.queues, level),
            ),
            figure(
                "tradewind_dropped_total",
                Kind::Counter,
                "Market data left out for slow readers. Facts never are.",
                by("what", &self.dropped, count),
            ),
        ]
    }
    /// The brokers, and what they let through.
    fn told_of_links(&self) -> Vec<Figure> {
        let links = all(&self.links);
        let link = |value: fn(&LinkFigures) -> u64| {
            let each = links.iter();
            each.map(|(broker, link)| (vec![("broker", broker.clone())], float(value(link))))
                .collect()
        };
        let states = links.iter().map(|(broker, link)| {
            let labels = vec![("broker", broker.clone()), ("state", link.state.to_owned())];
            (labels, float(1))
        });
        let states = states.collect();
        vec![
            figure(
                "tradewind_link_up",
                Kind::Gauge,
                "1 while the link to a broker is ready.",
                link(|link| u64::from(link.up)),
            ),
            figure(
                "tradewind_link_state",
                Kind::Gauge,
                "How the link to a broker is.",
                states,
            ),
            figure(
                "tradewind_reconnects_total",
                Kind::Counter,
                "How often the link to a broker came back.",
                link(|link| link.reconnects),
            ),
            figure(
                "tradewind_planned_pause",
                Kind::Gauge,
                "1 while a broker is away by its own plan.",
                one(level(&self.ready.1)),
            ),
            figure(
                "tradewind_ready",
                Kind::Gauge,
                "1 while orders that add risk could leave.",
                one(level(&self.ready.0)),
            ),
        ]
    }
    /// The journal.
    fn told_of_journal(&self) -> Vec<Figure> {
        vec![
            figure(
                "tradewind_journal_commit_seconds",
                Kind::Histogram,
                "How long one commit of the journal takes.",
                one(Value::Times(self.commit.shape())),
            ),
            figure(
                "tradewind_journal_bytes",
                Kind::Gauge,
                "Size of the journal.",
                one(level(&self.journal.0)),
            ),
            figure(
                "tradewind_journal_max_bytes",
                Kind::Gauge,
                "The largest that it may have.",
                one(level(&self.journal.1)),
            ),
        ]
    }
    /// The port.
    fn told_of_http(&self) -> Vec<Figure> {
        vec![
            figure(
                "tradewind_http_requests_total",
                Kind::Counter,
                "Requests over HTTP, by class of status.",
                by("status", &self.http, count),
            ),
            figure(
                "tradewind_http_request_seconds",
                Kind::Histogram,
                "How long a request over HTTP takes.",
                one(Value::Times(self.http_time.shape())),
            ),
            figure(
                "tradewind_http_refused_total",
                Kind::Counter,
                "Calls over HTTP that were turned away, by status: 401 is nobody's key, 403 not allowed, 429 too many.",
                by("status", &self.refused, count),
            ),
            figure(
                "tradewind_reads_total",
                Kind::Counter,
                "Reads over REST: answered from the port's own copy in memory, or by asking the engine and its files.",
                by("from", &self.reads, count),
            ),
        ]
    }
    /// The log.
    fn told_of_log(&self) -> Vec<Figure> {
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
        vec![
            figure(
                "tradewind_log_lines_lost_total",
                Kind::Counter,
                "Lines of the log that came too fast, or that the disk did not take.",
                one(count(&self.log_lost)),
            ),
            figure(
                "tradewind_errors_total",
                Kind::Counter,
                "Warnings and errors in the log, by part of the program.",
                errors,
            ),
            figure(
                "tradewind_slow_operations_total",
                Kind::Counter,
                "Operations that were named in the log as slow.",
                one(count(&self.slow)),
            ),
        ]
    }
    /// Of today, once something was counted.
    fn told_of_today(&self) -> Vec<Figure> {
        let available = self.available.get();
        if available < 0 {
            return Vec::new();
        }
        let percent = Value::Number(f64::from(i32::try_from(available).unwrap_or(i32::MAX)) / 10_000.0);
        vec![figure(
            "tradewind_available_percent",
            Kind::Gauge,
            "Today's share of time with the broker up and the engine ready, planned pauses left out.",
            one(percent),
        )]
    }
    /// What the engine lives on; what is not known yet is left out.
    fn told_of_surroundings(&self) -> Vec<Figure> {
        let gauge = |name, help, samples| figure(name, Kind::Gauge, help, samples);
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
