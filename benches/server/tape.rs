//! A tape with so many quotes a second over 20 symbols, played at its own speed.

use std::fmt::Write as _;
use std::time::Duration;

/// Milliseconds of the first record: a Monday, 14:00 in New York.
const BEGIN: u64 = 1_381_168_800_000;
/// How many symbols there are.
const SYMBOLS: u64 = 20;

pub struct Tape {
    folder: tempfile::TempDir,
}

impl Tape {
    pub fn settings(&self) -> String {
        let file = self.folder.path().join("quotes.csv");
        format!("[tape]\nfiles = [{:?}]\nspeed = 1.0\n", file.to_string_lossy())
    }
}

/// Writes one of so long.
pub fn write(rate: u64, span: Duration) -> Tape {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut quotes = String::from("time,symbol,bid,ask,bid_size,ask_size\n");
    let each = (rate / 1_000).max(1);
    let moments = u64::try_from(span.as_millis()).unwrap();
    for n in 0..moments * each {
        let (at, price) = (BEGIN + n / each, 10_000 + n % 100);
        let (bid, ask) = (price - 1, price + 1);
        writeln!(
            quotes,
            "{at},TW{:02},{}.{:02},{}.{:02},{},{}",
            n % SYMBOLS,
            bid / 100,
            bid % 100,
            ask / 100,
            ask % 100,
            100 + n % 900,
            100 + n * 7 % 900
        )
        .unwrap();
    }
    std::fs::write(folder.path().join("quotes.csv"), quotes).unwrap();
    Tape { folder }
}
