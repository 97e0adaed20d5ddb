//! Order sentences in the real program: sizes by money and by risk, baskets, closings and several rows, from the shell and
//! on the desk. What was traded is asked of the engine and of the exchange, never of the answer alone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what only they use")]

use super::harness::{Desk, Home, Ran, UNHURRIED, alone, until_right};
use serde_json::Value;
use std::io::Write;
use std::process::Stdio;

fn position(home: &Home, symbol: &str) -> String {
    let positions = home.list("positions");
    let row = positions.iter().find(|row| row["symbol"] == symbol);
    row.map_or("0".into(), |row| row["quantity"].as_str().unwrap().to_owned())
}

#[track_caller]
fn holds(home: &Home, symbol: &str, wanted: impl Fn(&str) -> bool) {
    until_right(|| match position(home, symbol) {
        held if wanted(&held) => Ok(()),
        held => Err(format!("{held} {symbol} is held")),
    });
}

fn from_standard_input(home: &Home, lines: &str) -> Ran {
    let mut command = home.command(&["order", "-", "--yes", "--json"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn sentences_of_the_shell_size_split_close_and_refuse() {
    // What one name and one sector may come to are other limits than what all orders of a sentence may.
    let home = Home::with(&format!(
        "{UNHURRIED}max_name_bps = 0\nmax_issuer_bps = 0\nmax_sector_bps = 0\n"
    ));
    let _engine = home.serve(&[]);
    // Previewed in full, and not sent without a word.
    home.run(&["order", "b risk 500usd AAPL @ask stop -1.00 target 2R"])
        .refused(
            2,
            &[
                "BUY 500 AAPL lmt",
                "lost at the stop 500.00 USD",
                "2.00R",
                "fee ~2.50 USD",
                "margin ~",
                "--yes",
            ],
        );
    home.run(&["order", "b $10000 MSFT mkt", "--yes"])
        .refused(2, &["write 10000usd", "^^^^^^"]);
    home.run(&["order", "b {AAPL,MSFT} 900000usd mkt", "--yes"])
        .refused(1, &["MAX_VALUE", "all together"]);
    assert!(home.books().orders.is_empty(), "none of a basket leaves");

    let answered = home.json(&["order", "b {AAPL,MSFT} 5000usd mkt", "--yes"]);
    assert_eq!(answered.as_array().unwrap().len(), 2);
    for symbol in ["AAPL", "MSFT"] {
        let (held, row) = until_right(|| {
            let rows = home.list("executions");
            let row = rows
                .iter()
                .find(|row| row["symbol"] == symbol && !row["fee"].is_null());
            let row = row.ok_or_else(|| format!("no execution of {symbol} with its fee"))?;
            Ok::<_, String>((position(&home, symbol), row.clone()))
        });
        let (held, price): (f64, f64) = (
            held.parse().unwrap(),
            row["price"].as_str().unwrap().parse().unwrap(),
        );
        // One share more would have cost more than was said, but for what the book gave worse than its best price.
        assert!(
            held * price < 5_050.0 && (held + 1.0) * price > 4_950.0,
            "{held} {symbol} at {price}"
        );
        assert_eq!(row["fee"], "1", "as the preview's schedule says");
    }

    home.run(&["order", "buy half AAPL mkt", "--yes"])
        .refused(2, &["is held long: sell closes it"]);
    home.order("sell half AAPL mkt");
    let sold = from_standard_input(&home, "# the rest\nsell all AAPL mkt\n\nsell all MSFT mkt\n");
    assert_eq!(sold.code, Some(0), "{sold:?}");
    for symbol in ["AAPL", "MSFT"] {
        holds(&home, symbol, |held| held == "0");
    }
    let unread = from_standard_input(&home, "buy 5 AAPL mkt\nbuy 05 MSFT mkt\n");
    assert!(
        unread.code == Some(2) && unread.err.contains("begins with a zero"),
        "{unread:?}"
    );
    let told: Value = serde_json::from_str(&unread.out).unwrap();
    assert_eq!(told[0]["error"]["code"], "USAGE", "nothing was sent: {told}");
    holds(&home, "AAPL", |held| held == "0");
    home.agrees_with_the_exchange();
}

#[test]
fn the_desk_previews_every_order_and_sends_what_it_showed() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (160, 45));
    desk.types(":");
    desk.types("b risk 500usd AAPL @ask stop -1.00 target 2R");
    for words in [
        "BUY 500 AAPL @",
        "risk 500.00 = 1R",
        "2.0R",
        "fee ~2.50",
        "held by the engine",
    ] {
        desk.shows(words);
    }
    desk.escapes();
    desk.shows_no_more("risk 500.00 = 1R");
    desk.types(":");
    desk.types("b {AAPL,MSFT} 5000usd mkt");
    desk.shows("2 orders or none");
    desk.escapes();
    desk.shows_no_more("2 orders or none");
    desk.says("b {AAPL,MSFT} 5000usd mkt", || {
        position(&home, "AAPL") != "0" && position(&home, "MSFT") != "0"
    });
    // A stop that is the last is not cancelled without a question.
    desk.says("sell all AAPL stp 10", || working(&home) == 1);
    desk.types(":");
    desk.types("x AAPL all");
    desk.shows("protective stops too");
    desk.enters_until("NAKED");
    assert_eq!(working(&home), 1);
    desk.confirms(|| working(&home) == 0);
    desk.says("sell {AAPL,MSFT} all mkt", || {
        position(&home, "AAPL") == "0" && position(&home, "MSFT") == "0"
    });
    home.agrees_with_the_exchange();
    desk.types("q");
    desk.types("s");
    desk.ends();
    desk.is_given_back();
}

#[test]
fn half_of_what_a_stop_covers_goes_with_one_enter_and_the_stop_covers_the_rest() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (80, 24));
    desk.says("buy 100 AAPL mkt stop -5.00 target 2R", || {
        position(&home, "AAPL") == "100" && working(&home) == 2
    });
    desk.types(":");
    desk.types("s half AAPL");
    for words in ["SELL 50 AAPL mkt", "and its target to 50", "takes risk off"] {
        desk.shows(words);
    }
    desk.escapes();
    desk.shows_no_more("and its target to 50");
    let exits_of = |quantity: &str| {
        let rows = home.list("orders");
        let live = rows
            .iter()
            .filter(|row| matches!(row["phase"].as_str(), Some("working" | "held")));
        live.filter(|row| row["quantity"] == quantity).count() == 2
    };
    desk.says("s half AAPL", || {
        position(&home, "AAPL") == "50" && exits_of("50")
    });
    // All of the rest: its protection goes with it.
    desk.types(":");
    desk.types("s all AAPL");
    desk.shows("what protects it goes");
    desk.escapes();
    desk.says("s all AAPL", || {
        position(&home, "AAPL") == "0" && working(&home) == 0
    });
    home.agrees_with_the_exchange();
}

#[test]
fn a_ticket_goes_on_with_the_order_that_leaves_once_it_has_filled() {
    let _alone = alone();
    let home = Home::new();
    let mut desk = Desk::ready(&home, (160, 45));
    desk.types("30B");
    desk.shows("BUY  30  AAPL");
    desk.shows("n then");
    // The key sends nothing: it is a line from here on, told to its end and looked at like any other.
    desk.types("n");
    desk.shows(":buy 30 AAPL mkt then");
    desk.shows("next: buy sell");
    desk.types("sell 30 AAPL stp 10 gtc");
    desk.shows("once that has filled:");
    desk.shows("SELL 30 AAPL stp 10");
    assert!(home.books().orders.is_empty(), "before Enter");
    desk.confirms(|| position(&home, "AAPL") == "30" && working(&home) == 1);
    // The first filled and the second left by itself: both are rows of the orders pane.
    let row = |screen: &str, order: &str, state: &[&str]| {
        let mut rows = screen.lines().filter(|line| line.contains(order));
        rows.any(|line| state.iter().any(|state| line.contains(state)))
    };
    desk.word("workspace Portfolio");
    desk.shows("ORDERS");
    desk.comes_to("both orders", |screen| {
        row(screen, "BUY 30 mkt", &["filled"]) && row(screen, "SELL 30 stp 10", &["held", "working"])
    });
    let books = home.books();
    assert_eq!(books.orders.len(), 2, "each left once");
    home.agrees_with_the_exchange();
    desk.types("q");
    desk.types("s");
    desk.ends();
    desk.is_given_back();
}

fn working(home: &Home) -> usize {
    let orders = home.list("orders");
    let live = |row: &&Value| row["phase"] == "working" || row["phase"] == "held";
    orders.iter().filter(live).count()
}
