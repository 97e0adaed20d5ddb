//! Bars and calendars against files that others made: bars from ticks and from seconds, sessions with half
//! days and daylight changes, currency days that start in the evening, and a table of market hours.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use super::oracle_files as files;
use files::{Row, Table, close};
use std::path::{Path, PathBuf};
use tradewind::domain::calendar::SessionState;
use tradewind::domain::{CalendarId, Price, Quantity, Timestamp};
use tradewind::market::bars::{BarBuilder, BarOutcome, Hours, regular_hours, roll_up};
use tradewind::market::quote_bars::{QuoteBar, QuoteBarBuilder, roll_up_quotes};
use tradewind::market::series::Series;
use tradewind::market::{Bar, Print, Quality, Quote, Timeframe};

/// Files of the bars' folder whose name ends so, with what stands before that in the name.
fn cases(root: &Path, end: &str) -> Vec<(String, PathBuf)> {
    files::files_in(&root.join("oracle/bars"))
        .into_iter()
        .filter_map(|path| Some((files::stem(&path).strip_suffix(end)?.to_owned(), path)))
        .collect()
}

/// `spy_20131007` as symbol and day; nothing for names of another shape.
fn symbol_and_day(name: &str) -> Option<(&str, &str)> {
    let (symbol, day) = name.split_once('_')?;
    (day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit())).then_some((symbol, day))
}

/// Market data below `data/lean`: `tick/spy/20131007_trade.zip`.
fn lean(root: &Path, resolution: &str, name: &str, kind: &str) -> Option<PathBuf> {
    let (symbol, day) = symbol_and_day(name)?;
    files::find(
        &root.join("data/lean"),
        &format!("/{resolution}/{symbol}/{day}_{kind}.zip"),
    )
}

fn build(prints: &[Print], timeframe: Timeframe, calendar: CalendarId, hours: Hours) -> Vec<Bar> {
    let mut builder = BarBuilder::new(timeframe, calendar, hours);
    let mut series = Series::new(100_000);
    for print in prints {
        match builder.on_print(print) {
            BarOutcome::Changed { bar, .. } => assert!(series.update(bar).is_change()),
            BarOutcome::OutOfHours => {}
            outcome => panic!("{outcome:?} for {print:?}"),
        }
    }
    series.bars().to_vec()
}

/// Prints of a tick file, in the file's order.
fn ticks(path: &Path) -> Vec<Print> {
    let (zone, decimals) = files::lean_conventions(path);
    let name = files::stem(path);
    let midnight = files::midnight(&name[..8], zone);
    let symbol = path
        .parent()
        .unwrap()
        .file_name()
        .unwrap()
        .to_string_lossy()
        .into_owned();
    let instrument = files::instrument(&symbol);
    let print = |(number, line): (u64, &str)| {
        let cells: Vec<&str> = line.split(',').collect();
        let millis: i64 = cells[0].parse().unwrap();
        Print {
            instrument,
            number,
            at: Timestamp(midnight.0 + millis * 1_000_000),
            price: files::scaled_price(cells[1], decimals),
            size: files::size(cells[2]),
            aggressor: None,
        }
    };
    (1..).zip(files::text(path).lines()).map(print).collect()
}

/// Bars of a second or minute file.
fn published(path: &Path) -> Vec<Bar> {
    let (zone, decimals) = files::lean_conventions(path);
    let midnight = files::midnight(&files::stem(path)[..8], zone);
    let bar = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let millis: f64 = cells[0].parse().unwrap();
        let price = |at: usize| files::scaled_price(cells[at], decimals);
        #[allow(clippy::cast_possible_truncation, reason = "milliseconds of a day")]
        let start = Timestamp(midnight.0 + millis as i64 * 1_000_000);
        let volume = i128::from(files::size(cells[5]).raw());
        bar_of(start, [price(1), price(2), price(3), price(4)], volume)
    };
    files::text(path).lines().map(bar).collect()
}

fn bar_of(start: Timestamp, [open, high, low, close]: [Price; 4], volume: i128) -> Bar {
    Bar {
        start,
        open,
        high,
        low,
        close,
        volume,
        value: 0,
        count: 1,
        revision: 0,
    }
}

/// Bars of an oracle's file.
fn expected_bars(path: &Path) -> Vec<Bar> {
    let table = Table::read(path);
    let bar = |row: Row<'_>| {
        let prices = ["open", "high", "low", "close"].map(|column| row.price(column));
        bar_of(
            row.time(),
            prices,
            i128::from(files::size(row.cell("volume")).raw()),
        )
    };
    table.rows().map(bar).collect()
}

#[allow(clippy::cast_precision_loss, reason = "compared with a tolerance")]
fn volume(bar: &Bar) -> f64 {
    bar.volume as f64 / 1e8
}

fn same_prices(a: &Bar, b: &Bar) -> bool {
    (a.start, a.open, a.high, a.low, a.close) == (b.start, b.open, b.high, b.low, b.close)
}

/// Every row of the file is a bar and every bar is a row, with volume, weighted price and count where told.
fn assert_rows(what: &str, bars: &[Bar], path: &Path) {
    let table = Table::read(path);
    assert_eq!(bars.len(), table.rows().len(), "{what}: number of bars");
    for ((bar, row), expected) in bars.iter().zip(table.rows()).zip(expected_bars(path)) {
        assert!(same_prices(bar, &expected), "{what}: {bar:?} is not {expected:?}");
        assert!(
            close(volume(bar), row.f64("volume"), 1e-9),
            "{what}: volume of {bar:?}"
        );
        if row.find("wap").is_some() {
            #[allow(clippy::cast_precision_loss, reason = "compared with a tolerance")]
            let wap = bar.value as f64 / bar.volume as f64 / 1e9;
            assert!(
                close(wap, row.f64("wap"), 1e-9),
                "{what}: weighted price of {bar:?}"
            );
        }
        if let Some(count) = row.find("count") {
            assert_eq!(bar.count.to_string(), count, "{what}: count of {bar:?}");
        }
    }
}

/// Without the revision, which counts changes and so differs by the way a bar was made.
fn facts_of(bars: &[Bar]) -> Vec<Bar> {
    bars.iter().map(|bar| Bar { revision: 0, ..*bar }).collect()
}

#[test]
fn oracle_bars_from_ticks() {
    let Some(root) = files::shared() else { return };
    let mut ran = 0;
    for (end, timeframe) in [
        ("_rth_5s_sparse", Timeframe::S5),
        ("_rth_1m", Timeframe::M1),
        ("_rth_5m", Timeframe::M5),
    ] {
        for (name, path) in cases(&root, end) {
            let input = lean(&root, "tick", &name, "trade").unwrap_or_else(|| panic!("no ticks for {name}"));
            let prints = ticks(&input);
            let bars = build(&prints, timeframe, CalendarId::UsEquity, Hours::Regular);
            assert_rows(&format!("{name}{end}"), &bars, &path);
            if timeframe == Timeframe::S5 {
                for longer in [Timeframe::M1, Timeframe::M5, Timeframe::H1, Timeframe::Day] {
                    let direct = build(&prints, longer, CalendarId::UsEquity, Hours::Regular);
                    let rolled = roll_up(&bars, longer, CalendarId::UsEquity);
                    assert_eq!(facts_of(&rolled), facts_of(&direct), "{name}: {longer} rolled up");
                }
            }
            ran += 1;
        }
    }
    files::report("bars from ticks", ran);
}

#[test]
fn oracle_bars_from_seconds() {
    let Some(root) = files::shared() else { return };
    let mut ran = 0;
    for (end, timeframe) in [("_5s", Timeframe::S5), ("_1m_from_1s", Timeframe::M1)] {
        for (name, path) in cases(&root, end) {
            let Some(input) = lean(&root, "second", &name, "trade") else {
                assert!(symbol_and_day(&name).is_none(), "no seconds for {name}");
                continue;
            };
            let bars = roll_up(&published(&input), timeframe, CalendarId::Always);
            assert_rows(&format!("{name}{end}"), &bars, &path);
            ran += 1;
        }
    }
    files::report("bars from seconds", ran);
}

/// Bars rolled up from seconds against those the vendor published: prices agree but for the opening minute;
/// how many agree in each field is told by `vendor_match.json` for the cases it knows.
#[test]
fn oracle_bars_as_published() {
    let Some(root) = files::shared() else { return };
    let matches = root.join("oracle/bars/vendor_match.json");
    let matches: serde_json::Value = match matches.exists() {
        true => serde_json::from_str(&files::text(&matches)).unwrap(),
        false => serde_json::Value::Null,
    };
    let mut ran = 0;
    for (name, path) in cases(&root, "_1m_vendor") {
        let Some(input) = lean(&root, "second", &name, "trade") else {
            continue;
        };
        if let Some(minutes) = lean(&root, "minute", &name, "trade") {
            assert_rows(&name, &published(&minutes), &path);
        }
        let bars = roll_up(&published(&input), Timeframe::M1, CalendarId::Always);
        let vendor = expected_bars(&path);
        let mut equal = [("open", 0), ("high", 0), ("low", 0), ("close", 0), ("volume", 0)];
        for bar in &bars {
            let Some(other) = vendor.iter().find(|other| other.start == bar.start) else {
                continue;
            };
            let fields = [
                bar.open == other.open,
                bar.high == other.high,
                bar.low == other.low,
                bar.close == other.close,
                close(volume(bar), volume(other), 1e-9),
            ];
            for (count, same) in equal.iter_mut().zip(fields) {
                count.1 += usize::from(same);
            }
        }
        for (field, count) in equal {
            match matches[&name][format!("{field}_equal")].as_u64() {
                Some(told) => assert_eq!(count as u64, told, "{name}: {field}"),
                None if field == "volume" => {}
                None => assert!(
                    count + usize::from(field == "open") >= vendor.len(),
                    "{name}: {field}"
                ),
            }
        }
        ran += 1;
    }
    files::report("bars as published", ran);
}

/// Trades of a future, told in nanoseconds, to bars of five seconds and to the vendor's minutes.
#[test]
fn oracle_bars_from_trades() {
    let Some(root) = files::shared() else { return };
    let mut ran = 0;
    for (name, path) in cases(&root, "_trades") {
        let print = |(number, row): (u64, Row<'_>)| Print {
            instrument: files::instrument(&name),
            number,
            at: Timestamp(row.cell("ts_event_ns").parse().unwrap()),
            price: row.price("px"),
            size: files::size(row.cell("sz")),
            aggressor: None,
        };
        let prints: Vec<Print> = (1..).zip(Table::read(&path).rows()).map(print).collect();
        for (end, timeframe) in [("_5s", Timeframe::S5), ("_1m_vendor", Timeframe::M1)] {
            let Some((_, expected)) = cases(&root, end).into_iter().find(|case| case.0 == name) else {
                continue;
            };
            let bars = build(&prints, timeframe, CalendarId::CmeGlobex, Hours::All);
            if timeframe == Timeframe::S5 {
                assert_rows(&name, &bars, &expected);
                let minutes = build(&prints, Timeframe::M1, CalendarId::CmeGlobex, Hours::All);
                let rolled = roll_up(&bars, Timeframe::M1, CalendarId::CmeGlobex);
                assert_eq!(facts_of(&rolled), facts_of(&minutes), "{name}");
            } else {
                let vendor = expected_bars(&expected);
                for bar in &bars {
                    let same = |other: &&Bar| same_prices(bar, other) && bar.volume == other.volume;
                    assert!(vendor.iter().any(|other| same(&other)), "{name}: {bar:?}");
                }
            }
            ran += 1;
        }
    }
    files::report("bars from trades", ran);
}

/// Days with half days, daylight changes, splits: minutes to fives, and the day's regular hours.
#[test]
fn oracle_bars_of_sessions() {
    let Some(root) = files::shared() else { return };
    let mut ran = 0;
    for (name, path) in cases(&root, "_days") {
        let Some((_, minutes)) = cases(&root, "_1m").into_iter().find(|case| case.0 == name) else {
            continue;
        };
        let symbol = name.split('_').nth(1).unwrap();
        let minutes = expected_bars(&minutes);
        if let Some((_, fives)) = cases(&root, "_5m").into_iter().find(|case| case.0 == name) {
            assert_rows(
                &name,
                &roll_up(&minutes, Timeframe::M5, CalendarId::UsEquity),
                &fives,
            );
        }
        let days = roll_up(&minutes, Timeframe::Day, CalendarId::UsEquity);
        let table = Table::read(&path);
        assert_eq!(days.len(), table.rows().len(), "{name}: number of days");
        for (row, whole) in table.rows().zip(&days) {
            let day = row.cell("date");
            if let Some(path) = lean(&root, "minute", &format!("{symbol}_{day}"), "trade") {
                let of_day = published(&path);
                let first = minutes.partition_point(|bar| bar.start < of_day[0].start);
                let here = &minutes[first..first + of_day.len()];
                assert!(
                    here.iter().zip(&of_day).all(|(a, b)| same_prices(a, b)),
                    "{name}: {day}"
                );
            }
            assert_session(&format!("{name} {day}"), row, whole, &minutes);
            ran += 1;
        }
    }
    files::report("sessions", ran);
}

/// The oracle's regular hours are 09:30 to 16:00 by the clock also on half days, ours end with the half day.
fn assert_session(what: &str, row: Row<'_>, whole: &Bar, minutes: &[Bar]) {
    let day = CalendarId::UsEquity.trading_day(whole.start).unwrap();
    assert_eq!(
        day.date.strftime("%Y%m%d").to_string(),
        row.cell("date"),
        "{what}"
    );
    assert!(
        close(volume(whole), row.f64("total_volume"), 1e-9),
        "{what}: total volume"
    );
    let midnight = files::midnight(row.cell("date"), "America/New_York");
    #[allow(clippy::cast_possible_truncation, reason = "an hour of the day")]
    let offset = (row.f64("utc_offset_h") * 3600.0) as i64;
    let local = |clock: i64| Timestamp::from_seconds(midnight.seconds() + clock);
    // 09:30 by the row's own offset: daylight changes are at night, so the morning's offset holds all day.
    assert_eq!(
        day.open.seconds() + offset,
        (midnight.seconds() - midnight.seconds() % 86_400) + 34_200,
        "{what}"
    );
    let by_clock: Vec<Bar> = minutes
        .iter()
        .filter(|bar| bar.start >= day.open && bar.start < local(57_600))
        .copied()
        .collect();
    assert_eq!(
        by_clock.len().to_string(),
        row.cell("rth_bars"),
        "{what}: bars in regular hours"
    );
    let regular = roll_up(&by_clock, Timeframe::Day, CalendarId::UsEquity);
    for (column, price) in [
        ("rth_open", regular[0].open),
        ("rth_high", regular[0].high),
        ("rth_low", regular[0].low),
        ("rth_close", regular[0].close),
    ] {
        assert!(close(price.to_f64(), row.f64(column), 1e-9), "{what}: {column}");
    }
    assert!(
        close(volume(&regular[0]), row.f64("rth_volume"), 1e-9),
        "{what}: volume in regular hours"
    );
    let ours: Vec<Bar> = regular_hours(minutes, CalendarId::UsEquity)
        .into_iter()
        .filter(|bar| day.contains(bar.start))
        .collect();
    let before_close = by_clock.iter().filter(|bar| bar.start < day.close).count();
    assert_eq!(ours.len(), before_close, "{what}: our regular hours");
}

/// Two-sided quotes to bars of bid and ask.
#[test]
fn oracle_bars_from_quotes() {
    let Some(root) = files::shared() else { return };
    let mut ran = 0;
    for (end, timeframe) in [("_quote_5s", Timeframe::S5), ("_quote_1m", Timeframe::M1)] {
        for (name, path) in cases(&root, end) {
            let input = lean(&root, "tick", &name, "quote").unwrap_or_else(|| panic!("no ticks for {name}"));
            let quotes = quote_ticks(&input);
            let bars = quote_bars(&quotes, timeframe);
            assert_quote_rows(&name, &bars, &path);
            let fives = quote_bars(&quotes, Timeframe::S5);
            assert_eq!(
                roll_up_quotes(&fives, timeframe, CalendarId::Forex),
                bars,
                "{name}: rolled up"
            );
            ran += 1;
        }
    }
    files::report("bars from quotes", ran);
}

fn quote_ticks(path: &Path) -> Vec<Quote> {
    let (zone, decimals) = files::lean_conventions(path);
    let midnight = files::midnight(&files::stem(path)[..8], zone);
    let quote = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let millis: i64 = cells[0].parse().unwrap();
        let side = |cell: &str| Some((files::scaled_price(cell, decimals), Quantity::ONE));
        Quote {
            instrument: files::instrument("EUR.USD"),
            bid: side(cells[1]),
            ask: side(cells[2]),
            at: Timestamp(midnight.0 + millis * 1_000_000),
            quality: Quality::Live,
        }
    };
    files::text(path).lines().map(quote).collect()
}

fn quote_bars(quotes: &[Quote], timeframe: Timeframe) -> Vec<QuoteBar> {
    let mut builder = QuoteBarBuilder::new(timeframe, CalendarId::Forex);
    let mut bars: Vec<QuoteBar> = Vec::new();
    for bar in quotes.iter().filter_map(|quote| builder.on_quote(quote)) {
        match bars.last_mut() {
            Some(last) if last.start == bar.start => *last = bar,
            _ => bars.push(bar),
        }
    }
    bars
}

fn assert_quote_rows(what: &str, bars: &[QuoteBar], path: &Path) {
    let table = Table::read(path);
    assert_eq!(bars.len(), table.rows().len(), "{what}: number of bars");
    for (bar, row) in bars.iter().zip(table.rows()) {
        let (bid, ask) = (bar.bid, bar.ask);
        let ours = [
            bid.open, bid.high, bid.low, bid.close, ask.open, ask.high, ask.low, ask.close,
        ];
        let theirs = ["bo", "bh", "bl", "bc", "ao", "ah", "al", "ac"].map(|column| row.price(column));
        assert_eq!((bar.start, ours), (row.time(), theirs), "{what}");
        if let Some(count) = row.find("count") {
            assert_eq!(bar.count.to_string(), count, "{what}");
        }
    }
}

/// Currency days that start at 17:00 New York, and the moments at which weeks opened. A row named after a
/// weekend is a straggler of Friday.
#[test]
fn oracle_bars_currency_days() {
    let Some(root) = files::shared() else { return };
    let at = |text: &str| Timestamp::parse(&text.replace(' ', "T")).unwrap();
    let mut ran = 0;
    for (_, path) in cases(&root, "_1h_to_nyclose_daily") {
        for row in Table::read(&path).rows() {
            let (first, last) = (at(row.cell("first_bar_utc")), at(row.cell("last_bar_utc")));
            let day = CalendarId::Forex.trading_day(first).unwrap();
            let date: jiff::civil::Date = row.cell("trading_day").parse().unwrap();
            ran += 1;
            if CalendarId::Forex.session_at(first).state == SessionState::Closed {
                assert!(
                    day.date < date && date.weekday().to_monday_zero_offset() > 4,
                    "{date}"
                );
                continue;
            }
            assert_eq!(day.date, date);
            assert!(day.contains(last) && CalendarId::Forex.session_at(last).state == SessionState::Open);
            if row.cell("hours") == "24" {
                assert_eq!(
                    (day.start, day.end.seconds()),
                    (first, last.seconds() + 3600),
                    "{date}"
                );
            }
        }
    }
    for (_, path) in cases(&root, "_1h_week_opens") {
        for row in Table::read(&path).rows() {
            let open = at(row.cell("week_open_utc"));
            assert_eq!(
                CalendarId::Forex.session_at(open).state,
                SessionState::Open,
                "{open}"
            );
            let before = CalendarId::Forex.session_at(Timestamp(open.0 - 1));
            assert_eq!((before.state, before.until), (SessionState::Closed, open));
            ran += 1;
        }
    }
    files::report("currency days", ran);
}

/// Holidays and early closes of New York equities, and those of the CME's index future, as a public table has
/// them.
#[test]
fn oracle_bars_market_hours() {
    let Some(root) = files::shared() else { return };
    let path = root.join("data/lean/market-hours/market-hours-database.json.gz");
    if !path.exists() {
        return files::report("market hours", 0);
    }
    let table: serde_json::Value = serde_json::from_str(&files::text(&path)).unwrap();
    let mut ran = 0;
    let equity = &table["entries"]["Equity-usa-[*]"];
    let holidays: Vec<jiff::civil::Date> = equity["holidays"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| date_of(text.as_str().unwrap()))
        .collect();
    let early = clock_rows(&equity["earlyCloses"]);
    let calendar = CalendarId::UsEquity.calendar();
    let mut date = jiff::civil::date(2005, 1, 1);
    // The table is complete up to there.
    while date.year() <= 2027 {
        let weekday = date.weekday().to_monday_zero_offset() < 5;
        let day = calendar.day(date);
        assert_eq!(day.is_some(), weekday && !holidays.contains(&date), "{date}");
        if let Some(day) = day {
            let hours = if early.iter().any(|row| row.0 == date) {
                13
            } else {
                16
            };
            let close = date.at(hours, 0, 0, 0).in_tz("America/New_York").unwrap();
            assert_eq!(day.close, Timestamp::from_jiff(close.timestamp()), "{date}");
        }
        ran += 1;
        date = date.tomorrow().unwrap();
    }
    for (date, clock) in clock_rows(&table["entries"]["Future-cme-ES"]["earlyCloses"]) {
        let Some(day) = CalendarId::CmeGlobex.calendar().day(date) else {
            continue;
        };
        let close = date.to_datetime(clock).in_tz("America/New_York").unwrap();
        assert_eq!(day.close, Timestamp::from_jiff(close.timestamp()), "{date}");
        ran += 1;
    }
    files::report("market hours", ran);
}

fn date_of(text: &str) -> jiff::civil::Date {
    let parts: Vec<i16> = text.split('/').map(|part| part.parse().unwrap()).collect();
    let small = |at: usize| i8::try_from(parts[at]).unwrap();
    jiff::civil::date(parts[2], small(0), small(1))
}

fn clock_rows(value: &serde_json::Value) -> Vec<(jiff::civil::Date, jiff::civil::Time)> {
    let row = |(date, clock): (&String, &serde_json::Value)| {
        (date_of(date), clock.as_str().unwrap().parse().unwrap())
    };
    value.as_object().unwrap().iter().map(row).collect()
}
