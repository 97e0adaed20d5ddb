//! Recorded markets: the tape's prints make the bars that independent programs computed from the same files, a bad line
//! never costs a good one, and a customer on a tape is filled at its prices, to the cent.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tradewind::domain::{
    AccountId, AccountKey, BrokerId, ClientOrderId, Currency, Execution, InstrumentId, Money, Multiplier,
    OrderKind, OrderSpec, Position, Price, Quantity, Role, Side, TimeInForce, Timestamp,
};
use tradewind::market::Quality;
use tradewind::venue::tape::{Happening, Moment, Tape, TapeError};
use tradewind::venue::{
    MemoryBooks, Population, Report, Speed, Venue, VenueEvent, VenueRequest, VenueSettings, VenueSnapshot,
};

/// The oracles' root; nothing where none is given. A missing one fails where oracles are required.
fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("TRADEWIND_SHARED").map(PathBuf::from);
    assert!(
        root.is_some() || !required(),
        "TRADEWIND_REQUIRE_ORACLES=1, but TRADEWIND_SHARED is not set"
    );
    if root.is_none() {
        println!("no oracles found, skipped");
    }
    root
}

fn required() -> bool {
    std::env::var("TRADEWIND_REQUIRE_ORACLES").is_ok_and(|value| value == "1")
}

fn finished(cases: usize, what: &str) {
    println!("{cases} {what}");
    assert!(cases > 0 || !required(), "no {what} found, but they are required");
}

/// Files anywhere under `folder` whose name ends in `end`, sorted.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// `spy` and `20131007` of `…/spy/20131007_trade.zip`.
fn symbol_and_date(path: &Path) -> (String, String) {
    let date = path.file_name().unwrap().to_string_lossy()[..8].to_owned();
    let symbol = path
        .parent()
        .unwrap()
        .file_name()
        .unwrap()
        .to_string_lossy()
        .into_owned();
    (symbol, date)
}

fn text(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    if path.extension().is_some_and(|end| end == "gz") {
        flate2::read::MultiGzDecoder::new(file)
            .read_to_string(&mut text)
            .unwrap();
    } else {
        std::io::BufReader::new(file).read_to_string(&mut text).unwrap();
    }
    text
}

/// The rows of a table as maps from column to field.
fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = text(path);
    let mut lines = text.lines();
    let names: Vec<String> = lines.next().unwrap().split(',').map(str::to_owned).collect();
    lines
        .map(|line| {
            names
                .iter()
                .cloned()
                .zip(line.split(',').map(str::to_owned))
                .collect()
        })
        .collect()
}

fn play(path: &Path) -> Vec<Moment> {
    let mut tape = Tape::open(&[path.to_path_buf()], None).unwrap();
    std::iter::from_fn(|| tape.take(Timestamp::MAX)).collect()
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Ohlc {
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    volume: i128,
    value: i128,
    count: u64,
}

/// Bars of `seconds` from prices in order, by start in epoch seconds.
fn bars(prices: impl Iterator<Item = (Timestamp, Price, Quantity)>, seconds: i64) -> BTreeMap<i64, Ohlc> {
    let mut bars = BTreeMap::new();
    for (at, price, size) in prices {
        let bar = bars
            .entry(at.seconds().div_euclid(seconds) * seconds)
            .or_insert(Ohlc {
                open: price,
                high: price,
                low: price,
                close: price,
                volume: 0,
                value: 0,
                count: 0,
            });
        bar.high = bar.high.max(price);
        bar.low = bar.low.min(price);
        bar.close = price;
        bar.volume += i128::from(size.raw());
        bar.value += i128::from(size.raw()) * i128::from(price.raw());
        bar.count += 1;
    }
    bars
}

fn prints(moments: &[Moment]) -> impl Iterator<Item = (Timestamp, Price, Quantity)> + '_ {
    moments.iter().filter_map(|moment| match moment.what {
        Happening::Print { price, size, .. } => Some((moment.at, price, size)),
        Happening::Quote { .. } => None,
    })
}

fn price(row: &BTreeMap<String, String>, column: &str) -> Price {
    row[column].parse().unwrap()
}

/// Compares the bars with the oracle's; `ticks` adds what only prints one by one can tell: average price and count.
fn compare(case: &str, bars: &BTreeMap<i64, Ohlc>, oracle: &[BTreeMap<String, String>], ticks: bool) {
    for row in oracle {
        let start: i64 = row["time"].parse().unwrap();
        let bar = bars
            .get(&start)
            .unwrap_or_else(|| panic!("{case}: no bar at {start}"));
        let wanted = ["open", "high", "low", "close"].map(|column| price(row, column));
        assert_eq!(
            [bar.open, bar.high, bar.low, bar.close],
            wanted,
            "{case} at {start}"
        );
        let volume: f64 = row["volume"].parse().unwrap();
        assert!(
            (bar.volume as f64 / 1e8 / volume - 1.0).abs() < 1e-9,
            "{case}: volume at {start}"
        );
        if ticks {
            assert_eq!(bar.count.to_string(), row["count"], "{case}: count at {start}");
            let average = bar.value as f64 / bar.volume as f64 / 1e9;
            let wanted: f64 = row["wap"].parse().unwrap();
            assert!(
                (average / wanted - 1.0).abs() < 1e-9,
                "{case}: average price at {start}"
            );
        }
    }
}

#[test]
fn oracle_tape_ticks_make_the_oracles_bars() {
    let Some(shared) = shared() else { return };
    let mut cases = 0;
    for path in files(&shared.join("data/lean/equity/usa/tick"), "_trade.zip") {
        let (symbol, date) = symbol_and_date(&path);
        for (end, seconds) in [
            ("rth_1m.csv", 60),
            ("rth_5m.csv", 300),
            ("rth_5s_sparse.csv.gz", 5),
        ] {
            let oracle = shared.join(format!("oracle/bars/{symbol}_{date}_{end}"));
            if oracle.exists() {
                let rows = table(&oracle);
                let made = bars(prints(&play(&path)), seconds);
                compare(&format!("{symbol} {date} {end}"), &made, &rows, true);
                // Regular hours, nothing left out and nothing invented between the first bar and the last.
                let starts: Vec<i64> = rows.iter().map(|row| row["time"].parse().unwrap()).collect();
                let within = made.range(starts[0]..=starts[starts.len() - 1]).count();
                assert_eq!(within, starts.len(), "{symbol} {date} {end}");
                cases += 1;
            }
        }
    }
    finished(cases, "tables of bars from ticks");
}

#[test]
fn oracle_tape_second_bars_make_the_oracles_minutes() {
    let Some(shared) = shared() else { return };
    let mut cases = 0;
    for path in files(&shared.join("data/lean"), "_trade.zip") {
        let (symbol, date) = symbol_and_date(&path);
        let oracle = shared.join(format!("oracle/bars/{symbol}_{date}_1m_from_1s.csv.gz"));
        if path.to_string_lossy().contains("/second/") && oracle.exists() {
            let made = bars(prints(&play(&path)), 60);
            let rows = table(&oracle);
            compare(&format!("{symbol} {date}"), &made, &rows, false);
            assert_eq!(made.len(), rows.len(), "{symbol} {date}");
            cases += 1;
        }
    }
    finished(cases, "tables of minutes from seconds");
}

#[test]
fn oracle_tape_quote_ticks_make_the_oracles_quote_bars() {
    let Some(shared) = shared() else { return };
    let mut cases = 0;
    for path in files(&shared.join("data/lean/forex/fxcm/tick"), "_quote.zip") {
        let (symbol, date) = symbol_and_date(&path);
        let oracle = shared.join(format!("oracle/bars/{symbol}_{date}_quote_1m.csv.gz"));
        if !oracle.exists() {
            continue;
        }
        let moments = play(&path);
        for (side, prefix) in [(0, 'b'), (1, 'a')] {
            let quoted = moments.iter().filter_map(|moment| match moment.what {
                Happening::Quote { bid, ask, .. } => {
                    Some((moment.at, [bid, ask][side].unwrap().0, Quantity::ONE))
                }
                Happening::Print { .. } => None,
            });
            let made = bars(quoted, 60);
            let rows = table(&oracle);
            // A quote that repeats its predecessor is not told again, so a minute of repeats alone has no bar.
            for row in rows
                .iter()
                .filter(|row| made.contains_key(&row["time"].parse().unwrap()))
            {
                let bar = &made[&row["time"].parse().unwrap()];
                let wanted = |column: char| price(row, &format!("{prefix}{column}"));
                assert_eq!(
                    (bar.high, bar.low, bar.close),
                    (wanted('h'), wanted('l'), wanted('c'))
                );
            }
            assert!(made.len() * 100 >= rows.len() * 95);
        }
        cases += 1;
    }
    finished(cases, "tables of quote bars");
}

/// Writes a file of a tape under a temporary folder.
fn written(folder: &tempfile::TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn bad_lines_are_told_by_number_and_the_good_ones_play() {
    let folder = tempfile::tempdir().unwrap();
    let mut content = b"time,symbol,price,size,bid,ask\r\n\
        2013-10-07T13:30:00Z,SPY,167.41,100,167.40,167.42\r\n\
        2013-10-07T13:30:01Z,SPY,NaN,100,,\r\n\
        2013-10-07T13:30:01Z,SPY,0,100,,\r\n\
        2013-10-07T13:30:01Z,SPY,-5,100,,\r\n\
        2013-10-07T13:30:01Z,SPY,99999999999999999999999,100,,\r\n\
        2013-10-07T13:30:02Z,SPY,167.43,200,,\r\n\
        2013-10-07T13:29:00Z,SPY,167.43,200,,\r\n\
        2099-01-01T00:00:00Z,SPY,167.43,200,,\r\n\
        2013-10-07T13:30:03Z,SPY,167.44,-1,,\r\n\
        garbage \x1b[31m\r\n\
        \xff\xfe\r\n"
        .to_vec();
    content.extend(std::iter::repeat_n(b'x', 100_000));
    content.extend(b"\n2013-10-07T13:30:04Z,SPY,167.45,300,,\r\n");
    for (name, packed) in [("t.csv", false), ("t.csv.gz", true)] {
        let bytes = if packed {
            let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gz.write_all(&content).unwrap();
            gz.finish().unwrap()
        } else {
            content.clone()
        };
        let path = written(&folder, name, &bytes);
        let mut tape = Tape::open(&[path], None).unwrap();
        let report = &tape.reports()[0];
        let lines: Vec<u64> = report.told.iter().map(|bad| bad.line).collect();
        assert_eq!((report.good, report.bad), (3, 10), "{report}");
        assert_eq!(lines, [3, 4, 5, 6, 8, 10, 11, 12, 13, 9], "{report}");
        assert!(report.to_string().contains("t.csv") && report.to_string().contains(":3: price 'NaN'"));
        assert!(!report.to_string().contains('\x1b'));
        let moments: Vec<Moment> = std::iter::from_fn(|| tape.take(Timestamp::MAX)).collect();
        let prices: Vec<String> = prints(&moments).map(|print| print.1.to_string()).collect();
        assert_eq!(prices, ["167.41", "167.43", "167.45"]);
    }
}

#[test]
fn bars_that_stand_closer_than_they_are_long_play_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let lines =
        "34200000,1670000,1680000,1660000,1675000,400\n34200100,1675000,1676000,1674000,1675500,400\n";
    let file = written(
        &folder,
        "equity/usa/minute/spy/20131007_trade.csv",
        lines.as_bytes(),
    );
    let mut tape = Tape::open(&[file], None).unwrap();
    let moments: Vec<Moment> = std::iter::from_fn(|| tape.take(Timestamp::MAX)).collect();
    assert!(moments.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert_eq!(prints(&moments).count(), 8, "and nothing of them is lost");
}

#[test]
fn what_is_no_tape_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(
        "20131007_spy_Trade_Tick.csv",
        zip::write::SimpleFileOptions::default(),
    )
    .unwrap();
    zip.write_all("34200000,1674100,100,P,0,0\n".repeat(1000).as_bytes())
        .unwrap();
    let whole = zip.finish().unwrap().into_inner();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gz.write_all(b"time,symbol,price,size\n1381152600,SPY,1,1\n1381152601,SPY,2,1\n")
        .unwrap();
    let gz = gz.finish().unwrap();
    let open = |name: &str, content: &[u8]| Tape::open(&[written(&folder, name, content)], None);
    let words = |result: Result<Tape, TapeError>| result.unwrap_err().to_string();

    assert!(open("equity/usa/tick/spy/20131007_trade.zip", &whole).is_ok());
    assert!(
        words(open(
            "equity/usa/tick/spy/20131008_trade.zip",
            &whole[..whole.len() / 2]
        ))
        .contains("damaged")
    );
    assert!(words(open("empty.csv", b"")).contains("empty"));
    assert!(words(open("header.csv", b"time,price,size\n")).contains("no usable line"));
    assert!(words(open("bare.csv", b"1,2,3\n")).contains("unknown layout"));
    assert!(words(open("noise.zip", &[7; 5000])).contains("damaged"));
    assert!(words(open("noise.csv", &[7; 50])).contains("unknown layout"));
    assert!(words(open("equity/usa/daily/spy.zip", &whole)).contains("tick, second or minute"));
    assert!(words(open("option/usa/minute/spy/20230803_trade_american.zip", &whole)).contains("not read"));
    assert!(words(open("spy.csv", b"time,price,size\nx,y,z\n")).contains("spy.csv:2:"));
    assert!(words(Tape::open(&[], None)).contains("--tape"));
    assert!(words(Tape::open(&[folder.path().to_path_buf()], None)).contains("no file"));
    assert!(words(Tape::open(&[folder.path().join("none.csv")], None)).contains("can't be read"));
    let twice = written(
        &folder,
        "spy_1.csv",
        b"time,price,size\n1381152600,1,1\n1381152610,1,1\n",
    );
    let again = written(
        &folder,
        "spy_2.csv",
        b"time,price,size\n1381152605,1,1\n1381152615,1,1\n",
    );
    assert!(words(Tape::open(&[twice.clone(), again], None)).contains("one of the two"));
    assert!(words(Tape::open(&[twice], Timestamp::parse("2020-01-01T00:00:00Z"))).contains("--tape-start"));
    // What came before the cut is used, and the report says that the file breaks off.
    let cut = open("cut.csv.gz", &gz[..gz.len() - 12]).unwrap();
    assert!(cut.reports()[0].broken.is_some() && cut.reports()[0].good >= 1);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]
    /// Whatever is in a file, it is played or refused in words.
    #[test]
    fn no_file_can_bring_the_tape_down(
        lines in proptest::collection::vec("[-0-9.,eE:TZNa \"]{0,60}", 0..30),
        noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        good in 0usize..30,
        layout in 0usize..7,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let name = [
            "t.csv",
            "equity/usa/tick/spy/20131007_trade.csv",
            "equity/usa/tick/spy/20131007_quote.csv",
            "equity/usa/minute/spy/20131007_trade.csv",
            "equity/usa/minute/spy/20131007_quote.csv",
            "forex/fxcm/tick/eurusd/20140501_quote.csv",
            "t.csv.gz",
        ][layout];
        let mut content = b"time,symbol,price,size,bid,ask\n".to_vec();
        for (n, line) in lines.iter().enumerate() {
            if n == good {
                content.extend_from_slice(&noise);
            }
            content.extend_from_slice(format!("{line}\n34200{n:03},1674100,100,1674200,100,1674300\n").as_bytes());
        }
        if let Ok(mut tape) = Tape::open(&[written(&folder, name, &content)], None) {
            let good: u64 = tape.reports().iter().map(|report| report.good).sum();
            let mut last = Timestamp::MIN;
            while let Some(moment) = tape.take(Timestamp::MAX) {
                proptest::prop_assert!(moment.at >= last && good > 0);
                last = moment.at;
            }
        }
    }
}

/// A customer at a venue that plays a tape.
struct Desk {
    venue: Venue,
    account: AccountKey,
    said: Vec<VenueEvent>,
    outside: Duration,
}

impl Desk {
    fn open(files: &[PathBuf], speed: Speed) -> Self {
        let tape = Tape::open(files, None).unwrap();
        let mut settings = VenueSettings::new("sim", 1).unwrap();
        settings.population = Population::Tape(Box::new(tape), speed);
        let account = AccountKey {
            broker: BrokerId::new("sim").unwrap(),
            account: AccountId::new("SIM100001").unwrap(),
        };
        Self {
            venue: Venue::open(settings, Box::new(MemoryBooks::default()), Timestamp::MIN).unwrap(),
            account,
            said: Vec::new(),
            outside: Duration::from_secs(1000),
        }
    }

    /// Lets `span` pass outside.
    fn run(&mut self, span: Duration) {
        self.outside += span;
        let now = self.venue.clock(self.outside).unwrap();
        self.venue.advance(now, &mut self.said).unwrap();
    }

    /// Plays what is left, as fast as it goes.
    fn finish(&mut self) {
        while self.venue.next_wake() < Timestamp::MAX {
            let now = self.venue.clock(self.outside).unwrap();
            self.venue.advance(now, &mut self.said).unwrap();
        }
    }

    fn place(&mut self, id: &str, symbol: &str, side: Side, shares: i64, kind: OrderKind) {
        let spec = OrderSpec {
            account: self.account,
            instrument: InstrumentId::new(symbol).unwrap(),
            side,
            quantity: Quantity::whole(shares).unwrap(),
            kind,
            tif: TimeInForce::Gtc,
            display: None,
            allow_short: true,
            role: Role::Entry,
            parent: None,
            outside_hours: false,
        };
        let id = ClientOrderId::new(id).unwrap();
        let now = self.venue.now();
        self.venue
            .handle(VenueRequest::Place { id, spec }, now, &mut self.said)
            .unwrap();
    }

    fn executions(&self, id: &str) -> Vec<Execution> {
        let of = |event: &VenueEvent| match event {
            VenueEvent::Report(_, Report::Executed(execution)) => execution
                .order
                .filter(|order| order.as_str() == id)
                .map(|_| execution.clone()),
            _ => None,
        };
        self.said.iter().filter_map(of).collect()
    }

    fn filled(&self, id: &str) -> i64 {
        self.executions(id)
            .iter()
            .map(|execution| execution.quantity.raw())
            .sum::<i64>()
            / Quantity::ONE.raw()
    }

    fn snapshot(&mut self) -> VenueSnapshot {
        let (request, now) = (
            VenueRequest::Snapshot {
                pass: 7,
                account: self.account,
            },
            self.venue.now(),
        );
        let mut said = Vec::new();
        self.venue.handle(request, now, &mut said).unwrap();
        said.into_iter()
            .find_map(|event| match event {
                VenueEvent::Snapshot(snapshot) => Some(snapshot),
                _ => None,
            })
            .unwrap()
    }

    /// Folds the executions and compares position, average price and cash with the venue's own, to the cent.
    fn check_books(&mut self) -> Position {
        let snapshot = self.snapshot();
        let mut position = Position::default();
        let mut cash = Money::whole(1_000_000);
        for execution in &snapshot.executions {
            position.execute(
                execution.side,
                execution.quantity,
                execution.price,
                Multiplier::ONE,
            );
            let signed = execution.side.signed(execution.quantity);
            let paid = execution.price.notional(signed, Multiplier::ONE).unwrap();
            cash = cash
                .saturating_sub(paid)
                .saturating_sub(execution.fee.unwrap().amount);
        }
        assert_eq!(snapshot.cash[&Currency::USD], cash);
        match snapshot.positions.first() {
            Some((_, quantity, average)) => {
                assert_eq!(*quantity, position.quantity);
                assert_eq!(*average, position.average_price(Multiplier::ONE));
            }
            None => assert!(position.quantity.is_zero()),
        }
        position
    }
}

fn told_prints(said: &[VenueEvent]) -> Vec<(Timestamp, Price, Quantity)> {
    let print = |event: &VenueEvent| match event {
        VenueEvent::Print(print) => Some((print.at, print.price, print.size)),
        _ => None,
    };
    said.iter().filter_map(print).collect()
}

#[test]
fn a_customer_on_a_tape_fills_by_the_named_rules() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = String::from("time,price,size\n");
    // Two minutes at 10.00 and 10.01 in turn, then down to 9.90 by a cent a second, then up to 10.10.
    for second in 0..120 {
        lines.push_str(&format!("{},10.0{},300\n", 1_381_152_600 + second, second % 2));
    }
    for second in 0..12 {
        lines.push_str(&format!(
            "{},{:.2},300\n",
            1_381_152_720 + second,
            10.01 - f64::from(second) / 100.0
        ));
    }
    for second in 0..20 {
        lines.push_str(&format!(
            "{},{:.2},300\n",
            1_381_152_732 + second,
            9.91 + f64::from(second) / 100.0
        ));
    }
    let path = written(&folder, "spy.csv", lines.as_bytes());
    let mut desk = Desk::open(std::slice::from_ref(&path), "60".parse().unwrap());
    desk.run(Duration::ZERO);
    // One second outside is a minute of tape.
    desk.run(Duration::from_secs(1));
    assert_eq!(desk.venue.now().to_string(), "2013-10-07T13:31:00Z");
    let quote = desk.said.iter().rev().find_map(|event| match event {
        VenueEvent::Quote(quote) => Some(*quote),
        _ => None,
    });
    let quote = quote.unwrap();
    assert_eq!(quote.quality, Quality::Derived);
    assert_eq!(
        (quote.bid.unwrap().0.to_string(), quote.ask.unwrap().0.to_string()),
        ("10".into(), "10.01".into())
    );
    desk.place("market", "SPY", Side::Buy, 100, OrderKind::Market);
    let bought = desk.executions("market");
    assert_eq!(
        (bought.len(), bought[0].price.to_string()),
        (1, "10.01".to_owned())
    );
    let price = |text: &str| text.parse::<Price>().unwrap();
    desk.place(
        "low",
        "SPY",
        Side::Buy,
        50,
        OrderKind::Limit { price: price("9.95") },
    );
    desk.place(
        "never",
        "SPY",
        Side::Buy,
        50,
        OrderKind::Limit { price: price("9.80") },
    );
    let trigger = OrderKind::Stop {
        trigger: price("9.92"),
    };
    desk.place("stop", "SPY", Side::Sell, 50, trigger);
    desk.place(
        "high",
        "SPY",
        Side::Sell,
        100,
        OrderKind::Limit {
            price: price("10.05"),
        },
    );
    desk.run(Duration::from_millis(1000));
    assert_eq!(
        (desk.filled("low"), desk.filled("stop"), desk.filled("high")),
        (0, 0, 0)
    );
    desk.run(Duration::from_secs(10));
    assert_eq!(
        (desk.filled("low"), desk.filled("never"), desk.filled("high")),
        (50, 0, 100)
    );
    assert_eq!(
        desk.executions("low")[0].price,
        price("9.95"),
        "at its own price, not better"
    );
    assert_eq!(desk.executions("high")[0].price, price("10.05"));
    let stopped = desk.executions("stop");
    assert_eq!(desk.filled("stop"), 50);
    assert!(
        stopped[0].price <= price("9.92") && stopped[0].price >= price("9.90"),
        "{}",
        stopped[0].price
    );
    let position = desk.check_books();
    assert!(position.quantity.is_zero());
    // The tape's prints go out as recorded: what the customer traded is not among them.
    let recorded: Vec<_> = prints(&play(&path)).collect();
    assert_eq!(told_prints(&desk.said), recorded);
}

#[test]
fn oracle_tape_on_the_venue_prints_what_was_recorded_and_fills_to_the_cent() {
    let Some(shared) = shared() else { return };
    let mut cases = 0;
    for path in files(&shared.join("data/lean/equity/usa/tick"), "_trade.zip") {
        let (symbol, date) = symbol_and_date(&path);
        let oracle = shared.join(format!("oracle/bars/{symbol}_{date}_rth_1m.csv"));
        if !oracle.exists() {
            continue;
        }
        let rows = table(&oracle);
        let mut desk = Desk::open(std::slice::from_ref(&path), Speed::Max);
        let open: i64 = rows[0]["time"].parse().unwrap();
        while desk.venue.now() < Timestamp::from_seconds(open + 60) {
            desk.run(Duration::ZERO);
        }
        let symbol = symbol.to_ascii_uppercase();
        // A tenth of a percent below and above the first close: the day reaches one of them, both, or neither.
        let close = price(&rows[0], "close").raw();
        let cents = |raw: i64| Price::from_raw(raw / 10_000_000 * 10_000_000);
        desk.place("market", &symbol, Side::Buy, 100, OrderKind::Market);
        let (low, high) = (cents(close - close / 1000), cents(close + close / 1000));
        desk.place("low", &symbol, Side::Buy, 100, OrderKind::Limit { price: low });
        desk.place("high", &symbol, Side::Sell, 100, OrderKind::Limit { price: high });
        desk.finish();
        assert_eq!(desk.filled("market"), 100);
        let within = |price: Price| price.raw().abs_diff(close) <= close.unsigned_abs() / 200;
        assert!(
            desk.executions("market")
                .iter()
                .all(|execution| within(execution.price))
        );
        let (mut lowest, mut highest) = (Price::from_raw(i64::MAX), Price::ZERO);
        for row in &rows[1..] {
            lowest = lowest.min(price(row, "low"));
            highest = highest.max(price(row, "high"));
        }
        // What the tape traded through has filled, what it never reached has not.
        assert!(lowest >= low || desk.filled("low") == 100, "{symbol}");
        assert!(highest <= high || desk.filled("high") == 100, "{symbol}");
        assert!(
            desk.executions("low")
                .iter()
                .all(|execution| execution.price == low)
        );
        assert!(
            desk.executions("high")
                .iter()
                .all(|execution| execution.price == high)
        );
        desk.check_books();
        let told = told_prints(&desk.said);
        assert_eq!(told, prints(&play(&path)).collect::<Vec<_>>());
        compare(
            &format!("{symbol} {date}"),
            &bars(told.into_iter(), 60),
            &rows,
            true,
        );
        cases += 1;
    }
    finished(cases, "tapes played by the venue");
}
