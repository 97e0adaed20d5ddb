//! The desk as a person meets it: the real program in a real pseudo-terminal, keys typed, the screen read. What was
//! traded is asked of the engine and of the exchange, never of the screen alone; and the terminal is given back after
//! anything.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what only they use")]

use super::harness::{Desk, ENTER, Home, PANIC, TAB, alone, is_alive, pause, signal, until, until_right};
use rustix::process::Signal;
use serde_json::Value;
use std::time::Duration;
use tradewind::domain::{CalendarId, Timestamp};

/// The column after a symbol's name in the list: its price.
fn price(screen: &str, symbol: &str) -> Option<String> {
    let row = screen
        .lines()
        .find(|line| line.trim_start_matches(['▌', '▸', ' ']).starts_with(symbol))?;
    let rest = row.split_once(symbol)?.1;
    Some(rest.split_whitespace().next()?.to_owned())
}

fn position(home: &Home, symbol: &str) -> String {
    let positions = home.list("positions");
    let row = positions.iter().find(|row| row["symbol"] == symbol);
    row.map_or("0".into(), |row| row["quantity"].as_str().unwrap().to_owned())
}

#[track_caller]
fn holds(home: &Home, symbol: &str, quantity: &str) {
    until_right(|| match position(home, symbol) {
        held if held == quantity => Ok(()),
        held => Err(format!("{quantity} {symbol}, but {held} is held")),
    });
}

fn live(home: &Home) -> Vec<Value> {
    home.list("orders")
        .into_iter()
        .filter(|row| row["phase"] == "working")
        .collect()
}

/// Brings the focus to the pane whose title begins so.
#[track_caller]
fn focus(desk: &mut Desk, title: &str) {
    // Twice round all the tabs there are.
    for _ in 0..30 {
        let before = desk.text();
        if before.contains(&format!("▌{title}")) {
            return;
        }
        desk.types(TAB);
        let heads = |screen: &str| -> Vec<String> {
            screen
                .lines()
                .filter(|line| line.contains('▌'))
                .map(|line| line.split('▌').nth(1).unwrap().chars().take(6).collect())
                .collect()
        };
        desk.comes_to("another pane", |screen| heads(screen) != heads(&before));
    }
    panic!("no pane {title}:\n{}", desk.text());
}

#[test]
fn a_person_buys_sells_changes_and_cancels_by_keyboard() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (160, 45));
    let first = price(&desk.text(), "AAPL").unwrap();
    desk.comes_to("another price", |screen| {
        price(screen, "AAPL").is_some_and(|now| now != first)
    });

    // In how many pieces the market fills it is the market's affair.
    desk.types("10B");
    desk.shows("BUY 10 AAPL mkt");
    desk.confirms(|| position(&home, "AAPL") == "10");
    desk.shows("10/10");
    desk.says("buy 5 AAPL mkt", || position(&home, "AAPL") == "15");
    desk.shows("5/5");
    desk.says("sell 6 AAPL mkt", || position(&home, "AAPL") == "9");
    desk.shows("6/6");

    desk.says("buy 7 AAPL @100 gtc", || live(&home).len() == 1);
    focus(&mut desk, "ORDERS");
    desk.types("j");
    desk.types("e");
    desk.shows("CHANGE BUY");
    desk.types("101.5");
    desk.shows("101.50");
    desk.confirms(|| live(&home).iter().any(|row| row["price"] == "101.5"));
    assert_eq!(
        (live(&home).len(), &live(&home)[0]["quantity"]),
        (1, &Value::from("7"))
    );
    desk.types("x");
    until("no working order", || live(&home).is_empty().then_some(()));
    desk.shows("cancelled");

    desk.says("buy 7 AAPL @100", || live(&home).len() == 1);
    desk.says("buy 8 MSFT @100", || live(&home).len() == 2);
    desk.types(PANIC);
    desk.shows("PANIC");
    desk.types("a");
    until("no working order", || live(&home).is_empty().then_some(()));
    assert_eq!(position(&home, "AAPL"), "9", "a panic cancel closes nothing");

    desk.types(PANIC);
    desk.types("f");
    holds(&home, "AAPL", "0");
    home.agrees_with_the_exchange();
    desk.types("q");
    assert_eq!(leave(&mut desk), 0);
    desk.is_given_back();
    home.done(&["stop"]);
}

#[test]
fn a_chart_is_looked_at_read_and_traded_from_by_keyboard() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (160, 45));
    // Four lengths of bars of one instrument, the history of each joined to what happens now.
    desk.types("gc");
    for title in ["AAPL 1m", "AAPL 5m", "AAPL 1h", "AAPL 1d"] {
        desk.shows(title);
    }
    desk.word("study add rsi 14");
    desk.shows("rsi 14 is on the chart");
    desk.types("g8");
    desk.shows("AAPL 1w");
    desk.shows_no_more("loading bars");
    desk.types("i");
    desk.shows("STUDIES");
    desk.escapes();
    desk.shows_no_more("STUDIES");
    // A crosshair ten ticks below the market; its price is the ticket's.
    desk.types("g2");
    desk.types(ENTER);
    desk.shows("✛ Esc leaves");
    desk.types("10j");
    desk.types("b");
    desk.shows("BUY");
    desk.confirms(|| live(&home).len() == 1);
    let held = live(&home)[0]["price"].as_str().unwrap().to_owned();
    desk.shows("◂ B 100 lmt");
    desk.shows(&held);
    desk.types(PANIC);
    desk.types("a");
    until("no working order", || live(&home).is_empty().then_some(()));
    desk.types("q");
    leave(&mut desk);
    home.done(&["stop"]);
}

/// Leaves behind `q`, which asks where orders or positions are open.
fn leave(desk: &mut Desk) -> u32 {
    // A second key goes to the question where there is one, and nowhere where the desk has left.
    desk.types("d");
    desk.ends()
}

#[test]
fn a_small_desk_helps_searches_resizes_and_is_given_back() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (80, 24));
    let plain = desk.colours();
    assert!(plain > 4, "{plain} pairs of colours");
    desk.types("?");
    desk.shows("KEYS");
    desk.shows("buy at the market");
    desk.escapes();
    desk.shows_no_more("KEYS");
    desk.types("/");
    desk.types("msf");
    desk.shows("Microsoft");
    desk.types(ENTER);
    desk.shows("MSFT 1m");
    desk.types(" c");
    desk.comes_to("another theme", |screen| {
        screen.contains("theme") || screen.contains("light")
    });

    for (columns, rows) in [(20, 5), (1, 1), (300, 80)] {
        desk.resize(columns, rows);
        // Keys that come while it is small harm nobody.
        desk.types("b");
        desk.escapes();
    }
    desk.resize(80, 24);
    desk.comes_to("the desk as it was", |screen| {
        screen.lines().count() >= 24 && screen.contains("● ready") && screen.contains("MSFT 1m")
    });
    desk.escapes();
    assert!(home.list("orders").is_empty());

    desk.types(":nosuch");
    desk.shows("nosuch");
    desk.types(ENTER);
    desk.escapes();
    desk.shows_no_more(":nosuch");
    signal(desk.pid(), Signal::TERM);
    desk.ends();
    desk.is_given_back();
    assert!(home.is_ready(), "and the engine goes on");

    let mut desk = Desk::ready(&home, (80, 24));
    desk.types("q");
    assert_eq!(leave(&mut desk), 0);
    desk.is_given_back();
    home.done(&["stop"]);
}

#[test]
fn pasted_text_never_sends_an_order() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (80, 24));
    let nothing = |home: &Home| assert_eq!(home.list("orders"), Vec::<Value>::new());
    desk.sends("\x1b[200~B\r\n:buy 10 AAPL mkt\r\n\x1b[201~");
    desk.shows("PASTE BLOCKED");
    nothing(&home);
    desk.types(":");
    desk.sends("\x1b[200~buy 10 AAPL mkt\r\nbuy 20 AAPL mkt\n\x1b[201~");
    desk.shows("buy 10 AAPL mkt");
    nothing(&home);
    desk.escapes();
    desk.shows_no_more(":buy 10 AAPL mkt");
    // A terminal without bracketed paste types it, as fast as it can.
    for typed in [
        ":buy 30 AAPL mkt\r\n",
        ":buy 40 AAPL mkt\r\n:buy 50 AAPL mkt\r\n:buy 60 AAPL mkt\r\n",
        "B\r\r\r",
        "s\r\n\r\n",
    ] {
        desk.sends(typed);
        // The help opens only when everything before it has been heard.
        desk.escapes();
        desk.escapes();
        desk.types("?");
        desk.shows("KEYS");
        nothing(&home);
        desk.escapes();
        desk.shows_no_more("KEYS");
    }
    // What was typed before the end reaches the engine before it is asked.
    signal(desk.pid(), Signal::TERM);
    desk.ends();
    desk.is_given_back();
    nothing(&home);
    assert!(home.books().orders.is_empty());
    home.done(&["stop"]);
}

#[test]
fn a_terminal_without_colours_or_with_an_unknown_theme_gets_a_desk_too() {
    let _alone = alone();
    let home = Home::new().variable("NO_COLOR", "1");
    let mut desk = Desk::ready(&home, (80, 24));
    assert_eq!(desk.colours(), 1, "no colour but the terminal's own");
    desk.types("q");
    leave(&mut desk);
    desk.is_given_back();
    home.done(&["stop"]);

    let home = Home::new();
    let mut desk = Desk::open(&home, &["--theme", "nosuch"], (80, 24));
    desk.shows("nosuch");
    desk.shows("● ready");
    desk.types("q");
    leave(&mut desk);
    home.done(&["stop"]);
}

#[test]
fn a_lost_engine_is_said_loudly_and_the_desk_comes_back_by_itself() {
    let _alone = alone();
    let home = Home::new();
    let mut engine = home.serve(&[]);
    let mut first = Desk::open(&home, &["attach"], (160, 45));
    first.shows("ARMED");
    let mut second = Desk::open(&home, &["attach"], (160, 45));
    second.shows("READ-ONLY");
    second.types(" t");
    second.comes_to("the token here", |screen| !screen.contains("READ-ONLY"));
    first.shows("READ-ONLY");
    home.order("buy 3 AAPL mkt");
    first.shows("filled BUY 3 AAPL");
    second.shows("filled BUY 3 AAPL");

    engine.kill();
    for desk in [&mut first, &mut second] {
        desk.shows("LINK LOST");
        desk.types(":");
        desk.types("buy 50 AAPL mkt");
        desk.shows("buy 50 AAPL mkt");
        desk.enters_until("not sent");
        desk.escapes();
    }
    let engine = home.serve(&[]);
    for desk in [&first, &second] {
        desk.shows("● ready");
        desk.shows_no_more("LINK LOST");
    }
    holds(&home, "AAPL", "3");
    assert_eq!(
        home.books().orders.len(),
        1,
        "what was typed meanwhile never leaves later"
    );
    home.agrees_with_the_exchange();
    assert!(is_alive(engine.pid()));
}

#[test]
fn the_day_is_seen_before_it_opens_before_it_closes_and_on_other_days() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (160, 45));
    desk.says("buy 30 AAPL mkt", || position(&home, "AAPL") == "30");
    desk.says("buy 7 AAPL @100 gtc", || live(&home).len() == 1);
    desk.word("preopen");
    desk.shows("BEFORE THE OPEN");
    desk.shows("AAPL +30 NAKED");
    desk.shows("BUY 7 AAPL");
    desk.shows("earnings of AAPL: no source tells them");
    desk.escapes();
    desk.shows_no_more("BEFORE THE OPEN");
    // Alone it is the sheet; with a symbol it is the order that closes, and the sheet stays shut.
    desk.word("close");
    desk.shows("BEFORE THE CLOSE");
    desk.escapes();
    desk.shows_no_more("BEFORE THE CLOSE");
    desk.word("orders all");
    desk.shows("ORDERS all");
    desk.shows("all of them");
    desk.word("disconnect");
    desk.shows("there is no connection to cut");
    let sheet = home.json(&["preopen"]);
    let line = |topic: &str| {
        let rows = sheet.as_array().unwrap();
        rows.iter().find(|row| row["topic"] == topic).unwrap().clone()
    };
    assert_eq!(line("link")["state"], "good");
    assert_eq!(line("events")["state"], "unknown", "what nobody told is not good");
    let csv = home.done(&["statement", "--csv"]);
    let fills = csv.lines().filter(|line| line.starts_with("fill,")).count();
    assert!(fills >= 1, "{csv}");
    let bought: i64 = home.json(&["statement"])["symbols"][0]["bought"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(bought, 30);
    // The same day by its date, from the whole journal.
    let filled: Timestamp = home.json(&["statement"])["fills"][0]["at"]
        .as_str()
        .and_then(Timestamp::parse)
        .unwrap();
    let day = CalendarId::Always.trading_day(filled).unwrap().date.to_string();
    let that_day = home.json(&["statement", "--day", &day]);
    assert_eq!(that_day["symbols"][0]["bought"], "30", "{that_day}");
    let page = home.done(&["statement", "--day", &day, "--html"]);
    assert!(page.contains("AAPL") && !page.contains("http"), "{page}");
    // On the desk the engine is asked for it.
    desk.word(&format!("statement {day}"));
    desk.shows("STATEMENT ");
    desk.shows("statement of sim/");
    desk.escapes();
    desk.shows_no_more("statement of sim/");
    desk.word("statement 2099-01-05");
    desk.shows("is yet to come");
    desk.types("q");
    assert_eq!(leave(&mut desk), 0);
}

#[test]
fn a_flatten_proves_itself_and_a_terminal_that_never_answers_trades_too() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::open_in(&home, &[], (160, 45), false);
    desk.shows("● ready");
    desk.shows("AAPL");
    desk.says("buy 20 AAPL mkt stop 170 target 210", || {
        position(&home, "AAPL") == "20"
    });
    let stops = || {
        home.list("orders")
            .into_iter()
            .filter(|row| row["phase"] == "held")
            .count()
    };
    until("a stop and a target", || {
        (stops() == 1 && live(&home).len() == 1).then_some(())
    });

    // Cancelling all leaves the stop and says so.
    desk.types(PANIC);
    desk.types("a");
    desk.shows("kept: 1 stop");
    until("no target", || live(&home).is_empty().then_some(()));
    assert_eq!(stops(), 1);

    desk.types(PANIC);
    desk.types("f");
    desk.shows("FLAT confirmed");
    // A toast says the beginning, the message line all of it.
    desk.comes_to("FLAT confirmed in full", |screen| {
        let told = |line: &str| {
            ["FLAT confirmed", "AAPL", "0 working"]
                .iter()
                .all(|word| line.contains(word))
        };
        screen.lines().any(told)
    });
    holds(&home, "AAPL", "0");
    assert_eq!((stops(), live(&home).len()), (0, 0));
    home.agrees_with_the_exchange();

    // The whole account, with one result.
    desk.says("buy 3 AAPL mkt", || position(&home, "AAPL") == "3");
    desk.says("buy 4 MSFT mkt", || position(&home, "MSFT") == "4");
    desk.types(PANIC);
    desk.types("F");
    desk.shows("FLATTEN ACCOUNT");
    desk.confirms(|| position(&home, "AAPL") == "0" && position(&home, "MSFT") == "0");
    desk.shows("ACCOUNT FLAT confirmed");
    home.agrees_with_the_exchange();
    desk.types("q");
    leave(&mut desk);
    desk.is_given_back();
    home.done(&["stop"]);
}

#[test]
fn lists_are_a_persons_own_and_a_filter_that_means_nothing_is_not_taken() {
    let _alone = alone();
    let home = Home::with("[watchlists]\nmetals = [\"GLD\", \"NOPE\"]\n");
    let mut desk = Desk::ready(&home, (160, 45));
    // A list of the settings, then one made by hand.
    desk.word("watch group metals");
    desk.shows("WATCH metals 1 +1 not listed");
    desk.word("watch group tech");
    desk.shows("tech is empty: :watch add SYMBOL");
    desk.word("watch add MSFT NVDA");
    desk.shows("WATCH tech 2");
    // A filter that means nothing stays on the line with a word about it, and is not taken.
    desk.types(":filter lst > 5");
    desk.shows("'lst' is no column; did you mean 'last'?");
    desk.escapes();
    desk.word("filter % > 1000");
    desk.shows("nothing passes '% > 1000'");
    // The empty list names the word itself, so what the line says of it is waited for.
    desk.types(":filter");
    desk.shows("show only such rows of the watchlist");
    desk.types(ENTER);
    desk.shows_no_more("nothing passes");
    desk.word("watch group all");
}

#[test]
fn a_whole_bracket_moves_by_keys_and_by_one_enter() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (160, 45));
    // Entry, stop and target go up by two ticks as one, sent by the one Enter after the look.
    let prices = || -> Vec<String> {
        let mut prices: Vec<String> = home
            .list("orders")
            .iter()
            .filter(|row| ["working", "created"].iter().any(|phase| row["phase"] == *phase))
            .filter_map(|row| {
                row["trigger"]
                    .as_str()
                    .or(row["price"].as_str())
                    .map(str::to_owned)
            })
            .collect();
        prices.sort_by_key(String::len);
        prices.sort();
        prices
    };
    desk.says("buy 10 AAPL @ 150 stop 140 target 400", || prices().len() == 3);
    focus(&mut desk, "LADDER");
    desk.types(" m");
    desk.shows("MOVE BRACKET +0 ticks");
    desk.types("kk");
    desk.shows("MOVE BRACKET +2 ticks");
    assert_eq!(prices(), ["140", "150", "400"], "nothing is sent before Enter");
    desk.confirms(|| prices() == ["140.02", "150.02", "400.02"]);
    desk.shows_no_more("MOVE BRACKET");
}

#[test]
fn an_order_moves_by_ticks_on_the_ladder_and_asks_where_that_adds_risk() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (160, 45));
    focus(&mut desk, "LADDER");
    // An order where the cursor holds a price, three dollars below the market: there has to be one.
    let priced = |screen: &str| price(screen, "AAPL").is_some_and(|text| text.parse::<f64>().is_ok());
    desk.comes_to("a price", priced);
    desk.types("300j");
    desk.types("10b");
    desk.shows("BUY  10  AAPL");
    desk.confirms(|| live(&home).len() == 1);
    let now = || -> f64 { live(&home)[0]["price"].as_str().unwrap().parse().unwrap() };
    let stands = |desk: &Desk, ticks: i32, from: f64| {
        let wanted = format!("{:.2}", from + f64::from(ticks) / 100.0);
        until_right(|| match format!("{:.2}", now()) {
            is if is == wanted => Ok(()),
            is => Err(format!("{wanted}, but it stands at {is}\n{}", desk.text())),
        });
        // The next key means what the desk shows.
        desk.shows(&format!("lmt {wanted}"));
    };
    let first = now();
    // Away from the market costs nothing and goes at once.
    desk.types("J");
    stands(&desk, -1, first);
    desk.types("2J");
    stands(&desk, -3, first);
    // Towards it is looked at first.
    desk.types("K");
    desk.shows("more aggressive");
    desk.shows("CHANGE BUY");
    pause(Duration::from_millis(300));
    stands(&desk, -3, first);
    desk.confirms(|| format!("{:.2}", now()) == format!("{:.2}", first - 0.02));
    // And it is cancelled from there.
    desk.types("x");
    until("no working order", || live(&home).is_empty().then_some(()));
    assert_eq!(position(&home, "AAPL"), "0");
    // A click on the ladder's bid side fills a ticket with the price that was clicked, and sends nothing.
    desk.clicks(&format!("{:.2}", first - 0.02), 4);
    desk.shows("BUY  10  AAPL");
    assert!(live(&home).is_empty());
    desk.escapes();
    home.agrees_with_the_exchange();
}
