//! A tape of 1,000 quotes and 200 prints a second over 20 symbols, and a session that notes when each print was heard.

use crate::engine::{Engine, SYMBOL, runtime};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tradewind::domain::InstrumentId;
use tradewind::engine::SessionKind;
use tradewind::wire::{ClientMessage, ServerMessage};

/// How many symbols there are; the first is [`SYMBOL`].
const SYMBOLS: u64 = 20;
/// Milliseconds of the first record: a Monday, 14:00 in New York.
const BEGIN: u64 = 1_381_168_800_000;

/// Files of a tape in a folder of their own.
pub struct Tape {
    folder: tempfile::TempDir,
}

impl Tape {
    /// The settings that play it at its own speed.
    pub fn settings(&self) -> String {
        let file = |name: &str| format!("{:?}", self.folder.path().join(name).to_string_lossy());
        format!(
            "[tape]\nfiles = [{}, {}]\nspeed = 1.0\n",
            file("quotes.csv"),
            file("trades.csv")
        )
    }
}

fn symbol(n: u64) -> String {
    if n == 0 {
        SYMBOL.to_owned()
    } else {
        format!("TW{n:02}")
    }
}

/// Cents as a price.
fn cents(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Writes a tape of so long. Each symbol's price goes up by a cent with each of its prints, so that a price on a screen
/// tells which print it is.
pub fn write(span: Duration) -> Tape {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (mut quotes, mut trades) = (
        String::from("time,symbol,bid,ask,bid_size,ask_size\n"),
        String::from("time,symbol,price,size\n"),
    );
    let moments = u64::try_from(span.as_millis()).unwrap();
    for n in 0..moments {
        let (at, name) = (BEGIN + n, symbol(n % SYMBOLS));
        let price = 10_000 + n / 100;
        let (bid, ask) = (cents(price - 1 - n % 3), cents(price + 1 + n % 2));
        writeln!(
            quotes,
            "{at},{name},{bid},{ask},{},{}",
            100 + n % 900,
            100 + n * 7 % 900
        )
        .unwrap();
        if n % 5 == 0 {
            let name = symbol(n / 5 % SYMBOLS);
            writeln!(trades, "{at},{name},{},{}", cents(price), 1 + n % 400).unwrap();
        }
    }
    std::fs::write(folder.path().join("quotes.csv"), quotes).unwrap();
    std::fs::write(folder.path().join("trades.csv"), trades).unwrap();
    Tape { folder }
}

/// What a session beside the terminal hears.
#[derive(Default)]
struct Noted {
    updates: Vec<Instant>,
    prints: BTreeMap<String, Instant>,
}

pub struct Heard {
    noted: Arc<Mutex<Noted>>,
}

impl Heard {
    /// Listens on a thread of its own, until the engine ends.
    pub fn listen(engine: &Engine) -> Self {
        let noted = Arc::new(Mutex::new(Noted::default()));
        let theirs = Arc::clone(&noted);
        let runtime = runtime();
        let mut attached = runtime.block_on(engine.connect(SessionKind::Monitor));
        std::thread::spawn(move || {
            runtime.block_on(async {
                let instruments = (0..SYMBOLS)
                    .filter_map(|n| InstrumentId::new(&symbol(n)).ok())
                    .collect();
                let watch = ClientMessage::Watch {
                    instruments,
                    depth: Vec::new(),
                };
                attached.writer.write(&ClientMessage::Subscribe).await.unwrap();
                attached.writer.write(&watch).await.unwrap();
                while let Ok(Some(message)) = attached.reader.read().await {
                    let ServerMessage::Market(batch) = message else {
                        continue;
                    };
                    let now = Instant::now();
                    let mut noted = theirs.lock().unwrap();
                    let count = batch.quotes.len() + batch.prints.len();
                    noted.updates.extend(std::iter::repeat_n(now, count));
                    for print in batch
                        .prints
                        .iter()
                        .filter(|print| print.instrument.as_str() == SYMBOL)
                    {
                        noted.prints.entry(print.price.to_string()).or_insert(now);
                    }
                }
            });
        });
        Self { noted }
    }
    /// How many updates came since.
    pub fn since(&self, begun: Instant) -> f64 {
        let noted = self.noted.lock().unwrap();
        noted.updates.iter().filter(|at| **at >= begun).count() as f64
    }
    /// Seconds from when a price was heard to when it was first on the screen.
    pub fn until_shown(&self, shown: &[(Instant, String)]) -> Vec<f64> {
        let noted = self.noted.lock().unwrap();
        let mut first = BTreeMap::new();
        for (at, price) in shown {
            first.entry(price).or_insert(*at);
        }
        first
            .iter()
            .filter_map(|(price, at)| {
                Some(
                    at.saturating_duration_since(*noted.prints.get(*price)?)
                        .as_secs_f64(),
                )
            })
            .collect()
    }
}

/// The price that stands beside a symbol in the list.
pub fn last_of(screen: &vt100::Screen, symbol: &str) -> Option<String> {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get()).find_map(|row| {
        let mut words = row.split_whitespace().skip_while(|word| *word != symbol).skip(1);
        let price = words
            .next()
            .filter(|word| word.contains('.') && word.parse::<f64>().is_ok())?;
        Some(price.to_owned())
    })
}
