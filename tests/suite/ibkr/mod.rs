//! The desk on Interactive Brokers, for all it can tell: the real program with `--broker ibkr`, the real gateway, TCP
//! between them. Judge of what traded are the exchange's own books, in the gateway's own file. `rows` and `planned` go
//! through the faults of the session and of orders, one by one; `frames` reads the orders off the wire.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

mod frames;
mod noise;
mod pair;
mod planned;
mod rows;
mod what_if;

use crate::harness::{Desk, ENTER, Ran, alone, until, until_right};
use pair::{Pair, text};
use serde_json::Value;

/// An order of each kind that the exchange has, each to its end.
#[test]
fn every_kind_of_order_goes_through_and_both_sides_agree() {
    let pair = Pair::new();
    let market = pair.order("buy 300 AAPL mkt");
    assert_eq!(
        (text(&market, "phase"), text(&market, "filled")),
        ("filled", "300")
    );
    let fee = until("the fee", || {
        let executions = pair.desk.list("executions");
        executions
            .iter()
            .all(|row| !row["fee"].is_null())
            .then_some(executions)
    });
    assert!(fee.iter().all(|row| text(row, "currency") == "USD"));

    let limit = pair.order("sell 100 AAPL @9999 gtc");
    assert_eq!(text(&limit, "phase"), "working");
    let stop = pair.order("sell 50 AAPL stp 20 gtc");
    assert_eq!(text(&stop, "phase"), "held");
    let stop_limit = pair.order("sell 50 AAPL stp 20 lmt 19.5 gtc");
    assert_eq!(text(&stop_limit, "phase"), "held");
    let iceberg = pair.order("sell 50 AAPL @9998 show 10");
    assert_eq!(text(&iceberg, "phase"), "working");
    let dated = pair.order("buy 10 AAPL @100 gtd 2030-12-24T15:00Z");
    assert_eq!(text(&dated, "phase"), "working");
    for sentence in ["buy 10 AAPL @101 ioc", "buy 10 AAPL @102 fok"] {
        assert_eq!(pair.ended(sentence), "cancelled", "{sentence}");
    }
    pair.agrees();

    pair.modify(&limit, None, Some("9990"));
    pair.modify(&stop, Some("40"), None);
    let row = |order: &Value| pair.row(text(order, "client_order_id"));
    assert_eq!(text(&row(&limit), "price"), "9990");
    assert_eq!(text(&row(&stop), "quantity"), "40");
    pair.agrees();

    pair.sentence("x AAPL all");
    until_right(|| {
        let left = pair.live();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("no live order: {left:?}"))
        }
    });
    pair.agrees();
}

/// F40. A second profile on an account of the broker is another engine: it ends, and says who has the account.
#[test]
fn f40_two_profiles_never_trade_one_account() {
    let pair = Pair::new();
    let mut second = pair.desk.command(&["serve"]);
    second
        .env("TRADEWIND_PROFILE", "night")
        .env("TRADEWIND_IBKR_CLIENT_ID", "18");
    let ended = Ran::from(second.output().unwrap());
    ended.refused(1, &["DU100001", "profile t, process"]);
    // Nor does one with a data folder of its own.
    let data = tempfile::tempdir().unwrap();
    second.env("TRADEWIND_DATA_DIR", data.path());
    let ended = Ran::from(second.output().unwrap());
    ended.refused(1, &["DU100001", "profile t, process"]);
    pair.order("buy 100 AAPL mkt");
    pair.agrees();
}

/// What the exchange does not have is refused by it, in its words, and nothing is left behind.
#[test]
fn what_the_exchange_lacks_comes_back_as_a_refusal_in_words() {
    let pair = Pair::new();
    pair.order("buy 100 AAPL mkt");
    for sentence in [
        "sell 10 AAPL trail 2%",
        "sell 10 AAPL moc",
        "sell 10 AAPL loc 250",
        "buy 5 AAPL mid",
    ] {
        let ran = pair.run(&["order", sentence, "--yes", "--arm", "0001"]);
        ran.refused(1, &["not supported"]);
    }
    assert!(pair.live().is_empty());
    pair.agrees();
}

/// A bracket lives at the broker as a whole: its children wait there, and the other goes when one closes.
#[test]
fn a_bracket_is_held_by_the_broker_and_its_children_exclude_each_other() {
    let pair = Pair::new();
    let waiting = pair.order("buy 100 AAPL @50 stop 40 target 60");
    let id = text(&waiting, "client_order_id").to_owned();
    let child = |n: u8| format!("{id}.{n}");
    until("both children at the broker", || {
        let held = |n| text(&pair.row(&child(n)), "phase") == "held";
        (held(1) && held(2)).then_some(())
    });
    pair.command(tradewind::engine::Command::Cancel {
        id: id.parse().unwrap(),
    });
    until("no child without its entry", || {
        pair.live().is_empty().then_some(())
    });

    let entry = pair.order("buy 100 AAPL mkt stop 20 target 900");
    let id = text(&entry, "client_order_id").to_owned();
    until("a target that works and a stop that waits", || {
        let phase = |n: u8| text(&pair.row(&format!("{id}.{n}")), "phase").to_owned();
        (phase(1) == "held" && phase(2) == "working").then_some(())
    });
    let target = pair.row(&format!("{id}.2"));
    // The target comes to the market.
    let paid: f64 = text(&pair.row(&id), "average_price").parse().unwrap();
    pair.modify(&target, None, Some(&format!("{:.2}", paid * 0.985)));
    until("the target filled and the stop gone", || {
        let phase = |n: u8| text(&pair.row(&format!("{id}.{n}")), "phase").to_owned();
        (phase(2) == "filled" && phase(1) == "cancelled").then_some(())
    });
    assert_eq!(pair.held("AAPL"), 0);
    pair.agrees();
}

/// A part of what a bracket covers: both of its exits give way at the broker first, and then cover what is left.
#[test]
fn a_part_is_closed_beside_the_exits_of_its_bracket() {
    let pair = Pair::new();
    let entry = pair.order("buy 100 AAPL mkt stop 20 target 900");
    let id = text(&entry, "client_order_id").to_owned();
    let covers = |quantity: &str| {
        (1..=2).all(|n| {
            let row = pair.row(&format!("{id}.{n}"));
            matches!(text(&row, "phase"), "held" | "working") && text(&row, "quantity") == quantity
        })
    };
    until("both exits at the broker", || covers("100").then_some(()));
    let half = pair.order("sell half AAPL mkt");
    assert_eq!(text(&half, "quantity"), "50", "{half}");
    until("half of it closed and the rest covered", || {
        (pair.held("AAPL") == 50 && covers("50")).then_some(())
    });
    pair.agrees();
    pair.order("sell 50 AAPL mkt");
    until("the rest closed and its exits gone", || {
        (pair.held("AAPL") == 0 && pair.live().is_empty()).then_some(())
    });
    pair.agrees();
}

/// Either side dies and comes back, in the middle of everything; nothing is lost and nothing is there twice.
#[test]
fn either_side_may_die_and_nothing_is_lost_or_doubled() {
    let mut pair = Pair::new();
    pair.order("buy 200 AAPL mkt");
    let resting = pair.order("sell 100 AAPL @9999 gtc");
    let bracket = pair.order("buy 10 MSFT @1 gtc stop 0.5 target 2");
    pair.kill_engine();
    // What happens meanwhile, happens at the exchange alone.
    pair.start_engine();
    for order in [&resting, &bracket] {
        let row = pair.row(text(order, "client_order_id"));
        assert_eq!(
            (text(&row, "phase"), row["broker_order_id"].clone()),
            ("working", order["broker_order_id"].clone())
        );
    }
    pair.agrees();

    pair.kill_gateway();
    until("a link that is down", || {
        (pair.link() == "down" || pair.link() == "connecting").then_some(())
    });
    pair.run(&["order", "buy 10 AAPL mkt", "--yes", "--arm", "0001"])
        .refused(1, &["VENUE_NOT_READY"]);
    pair.start_gateway(&[]);
    pair.ready();
    let after = pair.order("buy 10 AAPL mkt");
    assert_eq!(text(&after, "phase"), "filled");
    assert_eq!(pair.held("AAPL"), 210);
    pair.agrees();

    // Both at once, with an order on its way.
    pair.submit("buy 7 AAPL mkt");
    pair.kill_engine();
    pair.kill_gateway();
    pair.start_gateway(&[]);
    pair.start_engine();
    pair.agrees();
}

/// The same desk in a terminal: armed by hand, an order by keys, and the pane tells what the broker says.
#[test]
fn a_person_trades_through_the_gateway_in_a_terminal() {
    let _alone = alone();
    let pair = Pair::new();
    let mut desk = Desk::open(&pair.desk, &["attach"], (120, 35));
    desk.shows("PAPER");
    desk.shows("AAPL");
    desk.shows("READ-ONLY");
    desk.says("arm 0001", || pair.desk.json(&["status"])["clients"] == 1);
    desk.shows("ARMED");
    desk.types(":buy 50 AAPL mkt");
    desk.shows("buy 50 AAPL mkt");
    desk.confirms(|| pair.held("AAPL") == 50);
    desk.shows("50");
    desk.types(ENTER);
    // What was measured on the way stands beside the connection.
    desk.types("gl");
    for way in ["key → engine", "engine → TWS", "data → screen"] {
        desk.shows(way);
    }
    pair.agrees();
}

/// An instrument that nobody knows yet is asked for at the broker, and can be traded then.
#[test]
fn an_instrument_is_found_at_the_broker_by_what_a_person_types() {
    let pair = Pair::new();
    let find = |words: &str| pair.find(words);
    assert!(find("NVDA").iter().any(|(id, _)| id.as_deref() == Some("NVDA")));
    let future = find("ES FUT CME");
    let id = future
        .iter()
        .find_map(|(id, _)| id.clone())
        .expect("a dated contract");
    assert!(id.starts_with("ES") && id.len() > 2, "{id}");
    assert!(
        find("EUR.USD")
            .iter()
            .any(|(id, _)| id.as_deref() == Some("EUR.USD"))
    );
    for symbol in [id.as_str(), "EUR.USD", "NVDA"] {
        pair.until_quoted(symbol);
    }
    pair.order(&format!("buy 1 {id} mkt"));
    pair.order("buy 20000 EUR.USD mkt");
    pair.order("buy 10 NVDA mkt");
    pair.agrees();
    let bars = pair.bars("NVDA", 60, 100);
    assert!(bars > 50, "{bars} bars of the past");
}

/// Every wrong setting is one plain sentence with its remedy, and the desk stays up.
#[test]
fn what_is_set_wrongly_is_said_in_one_sentence() {
    let pair = Pair::new();
    let said = |config: &str, words: &[&str]| pair.complains(config, words);
    said(
        "port = \"1\"",
        &["nothing listens on 127.0.0.1:1", "broker.ibkr.port"],
    );
    let port = pair.port();
    said(
        &format!("port = \"{port}\"\naccount = \"DU999999\"\nclient_id = 31"),
        &["DU999999", "DU100001", "broker.ibkr.account"],
    );
    said(
        &format!("port = \"{port}\"\nclient_id = 17"),
        &["client id 17 is in use"],
    );
    let old = pair::too_old();
    said(&format!("port = \"{old}\""), &["too old", "213"]);
    let silent = pair::silent();
    said(
        &format!("port = \"{silent}\""),
        &["takes the connection and says nothing"],
    );
}
