//! How long an intent takes to become durable, beside the yardstick measured in the same run: a bare SQLite commit of the
//! same row with the same settings (WAL, synchronous FULL), its statement prepared once. The three take turns, so that a
//! slow moment of the disk meets all of them. `cargo bench --bench journal [ROUNDS]`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench talks, and may stop"
)]

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::Instant;
use tradewind::domain::{
    AccountId, AccountKey, BrokerId, ClientOrderId, InstrumentId, OrderKind, OrderSpec, Quantity, Role, Side,
    TimeInForce, Timestamp,
};
use tradewind::engine::{Actor, Event, Fact};
use tradewind::market::{Quality, Quote};
use tradewind::store::{Journal, JournalSettings, Stamp, Writer, format};

const SETTINGS: JournalSettings = JournalSettings {
    max_bytes: 1 << 30,
    reserve_bytes: 1 << 20,
};

fn main() {
    let rounds = std::env::args()
        .skip(1)
        .find_map(|word| word.parse().ok())
        .unwrap_or(3000);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut bare = Bare::open(&folder.path().join("bare.db"));
    let (mut journal, _) = Journal::open(&folder.path().join("direct.db"), SETTINGS, Timestamp(0)).unwrap();
    let (behind, _) = Journal::open(&folder.path().join("writer.db"), SETTINGS, Timestamp(0)).unwrap();
    let writer = Writer::start(behind).unwrap();
    let (sender, answers) = sync_channel(1);
    let mut times: [Vec<f64>; 3] = Default::default();
    let warm_up = rounds / 10;
    for sequence in 1..=rounds + warm_up {
        let event = submitted(sequence);
        let mut round = [0.0; 3];
        for turn in 0..3u64 {
            let which = usize::try_from((sequence + turn) % 3).unwrap();
            let batch = vec![event.clone()];
            let begin = Instant::now();
            match which {
                0 => bare.commit(&event),
                1 => journal.append(&batch, Stamp::default()).unwrap(),
                _ => {
                    let sender = sender.clone();
                    writer
                        .submit(batch, Stamp::default(), move |result, _| {
                            sender.send(result).unwrap();
                        })
                        .unwrap();
                    answers.recv().unwrap().unwrap();
                }
            }
            round[which] = begin.elapsed().as_secs_f64() * 1e6;
        }
        if sequence > warm_up {
            times.iter_mut().zip(round).for_each(|(all, one)| all.push(one));
        }
    }
    let [bare, direct, threaded] = times.map(Figures::of);
    println!("durable append of one submitted order, {rounds} rounds, microseconds");
    println!("{:<34}{:>9}{:>9}{:>9}", "", "p50", "p99", "p99.9");
    for (name, figures) in [
        ("bare SQLite FULL commit", &bare),
        ("Journal::append", &direct),
        ("Writer, submit to answer", &threaded),
    ] {
        println!(
            "{name:<34}{:>9.0}{:>9.0}{:>9.0}",
            figures.p50, figures.p99, figures.p999
        );
    }
    let (median, tail) = (threaded.p50 - bare.p50, bare.p99 * 1.5 + 1000.0);
    println!(
        "median above bare: {median:.0} (at most 200)   p99: {:.0} (at most {tail:.0})",
        threaded.p99
    );
    println!(
        "p50 ratio {:.2}   p99 ratio {:.2}",
        threaded.p50 / bare.p50,
        threaded.p99 / bare.p99
    );
    println!(
        "encoding and decoding the fact: {:.2} + {:.2}",
        encoding().0,
        encoding().1
    );
}

struct Figures {
    p50: f64,
    p99: f64,
    p999: f64,
}
impl Figures {
    fn of(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        let at = |thousandth: usize| all[(all.len() * thousandth / 1000).min(all.len() - 1)];
        Self {
            p50: at(500),
            p99: at(990),
            p999: at(999),
        }
    }
}

/// The yardstick.
struct Bare {
    connection: rusqlite::Connection,
}
impl Bare {
    fn open(path: &Path) -> Self {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000;
                 CREATE TABLE journal(sequence INTEGER PRIMARY KEY, at_ns INTEGER, mono_ns INTEGER, wall_ns INTEGER,
                 batch INTEGER, actor TEXT, cause INTEGER, kind INTEGER, version INTEGER, body BLOB, hash BLOB)",
            )
            .unwrap();
        Self { connection }
    }
    fn commit(&mut self, event: &Event) {
        let sequence = i64::try_from(event.sequence).unwrap();
        let encoded = format::encode(&event.fact).unwrap();
        let sql = "INSERT INTO journal VALUES(?1, ?2, 0, 0, ?1, 'session:1', NULL, ?3, 1, ?4, zeroblob(32))";
        self.connection
            .execute(sql, (sequence, event.at.0, encoded.kind, encoded.body))
            .unwrap();
    }
}

fn encoding() -> (f64, f64) {
    const TIMES: u32 = 20_000;
    let fact = submitted(1).fact;
    let begin = Instant::now();
    for _ in 0..TIMES {
        std::hint::black_box(format::encode(std::hint::black_box(&fact)).unwrap());
    }
    let encode = begin.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES);
    let stored = format::encode(&fact).unwrap();
    let begin = Instant::now();
    for _ in 0..TIMES {
        std::hint::black_box(format::decode(stored.kind, stored.version, &stored.body).unwrap());
    }
    (encode, begin.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES))
}

fn submitted(sequence: u64) -> Event {
    let account = AccountKey {
        broker: BrokerId::new("sim").unwrap(),
        account: AccountId::new("SIM100001").unwrap(),
    };
    let instrument = InstrumentId::new("AAPL").unwrap();
    let price = "189.50".parse().unwrap();
    let spec = OrderSpec {
        account,
        instrument,
        side: Side::Buy,
        quantity: Quantity::ONE,
        kind: OrderKind::Limit { price },
        tif: TimeInForce::Day,
        display: None,
        allow_short: false,
        role: Role::Entry,
        parent: None,
        outside_hours: false,
    };
    let quote = Quote {
        instrument,
        bid: Some((price, Quantity::ONE)),
        ask: Some((price, Quantity::ONE)),
        at: Timestamp(1),
        quality: Quality::Live,
    };
    Event {
        sequence,
        at: Timestamp(1_700_000_000_000_000_000),
        batch: sequence,
        actor: Actor::Timer,
        cause: None,
        fact: Fact::Submitted {
            id: ClientOrderId::new("TW01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
            spec,
            oco: None,
            quote: Some(quote),
        },
    }
}
