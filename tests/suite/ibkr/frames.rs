//! What the adapter writes on the wire for each kind of order, read off the socket between it and the gateway: also of the
//! kinds that the exchange lacks and the gateway refuses with words.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what only they use"
)]

use super::pair::Pair;
use super::rows::between;
use crate::harness::{Home, until};
use std::sync::{Arc, Mutex};
use tradewind::gateway::tws::message::Incoming;
use tradewind::gateway::tws::proto;

/// A sentence, and what the order of it has to be: type, prices (limit, aux, trailing percent, stop to begin with, offset),
/// time in force.
type Row<'a> = (&'a str, &'a str, [Option<f64>; 5], &'a str);

const ROWS: &[Row<'static>] = &[
    ("buy 10 AAPL mkt", "MKT", [None; 5], "DAY"),
    (
        "buy 10 AAPL @150 gtc",
        "LMT",
        [Some(150.0), None, None, None, None],
        "GTC",
    ),
    (
        "buy 10 AAPL @150 ioc",
        "LMT",
        [Some(150.0), None, None, None, None],
        "IOC",
    ),
    (
        "buy 10 AAPL @150 fok",
        "LMT",
        [Some(150.0), None, None, None, None],
        "FOK",
    ),
    (
        "buy 10 AAPL @150 gtd 2099-12-24T15:00Z",
        "LMT",
        [Some(150.0), None, None, None, None],
        "GTD",
    ),
    (
        "buy 10 AAPL @150 opg",
        "LMT",
        [Some(150.0), None, None, None, None],
        "OPG",
    ),
    (
        "buy 10 AAPL stp 250",
        "STP",
        [None, Some(250.0), None, None, None],
        "DAY",
    ),
    (
        "buy 10 AAPL stp 250 lmt 251",
        "STP LMT",
        [Some(251.0), Some(250.0), None, None, None],
        "DAY",
    ),
    (
        "buy 10 AAPL trail 0.50",
        "TRAIL",
        [None, Some(0.5), None, None, None],
        "DAY",
    ),
    (
        "buy 10 AAPL trail 2%",
        "TRAIL",
        [None, None, Some(2.0), None, None],
        "DAY",
    ),
    ("buy 10 AAPL moc", "MOC", [None; 5], "DAY"),
    (
        "buy 10 AAPL loc 150",
        "LOC",
        [Some(150.0), None, None, None, None],
        "DAY",
    ),
    (
        "buy 10 AAPL mid 150",
        "MIDPRICE",
        [Some(150.0), None, None, None, None],
        "DAY",
    ),
];

#[test]
fn every_kind_of_order_is_on_the_wire_what_the_sentence_says() {
    let exchange = Home::new();
    let gateway = crate::gateway::Gateway::with(&exchange, &["--accounts", "DU100001,DU100002"]);
    let seen: Arc<Mutex<Vec<proto::Order>>> = Arc::default();
    let orders = Arc::clone(&seen);
    let port = between(gateway.address, move |frame| {
        if let Ok(Incoming::PlaceOrder(request)) = Incoming::decode(225, frame) {
            orders.lock().unwrap().extend(request.order);
        }
    });
    let pair = Pair::behind(exchange, gateway, port, "");
    let mut taken = 0;
    let mut next = |sentence: &str| {
        let order = until(sentence, || seen.lock().unwrap().get(taken).cloned());
        taken += 1;
        order
    };
    for (sentence, kind, prices, tif) in ROWS {
        pair.submit(sentence);
        let order = next(sentence);
        let found = [
            order.lmt_price,
            order.aux_price,
            order.trailing_percent,
            order.trail_stop_price,
            order.lmt_price_offset,
        ];
        assert_eq!(order.order_type.as_deref(), Some(*kind), "{sentence}");
        assert_eq!(found, *prices, "{sentence}");
        assert_eq!(order.tif.as_deref(), Some(*tif), "{sentence}");
        assert_eq!(order.action.as_deref(), Some("BUY"), "{sentence}");
        assert_eq!(order.total_quantity.as_deref(), Some("10"), "{sentence}");
        assert_eq!(order.account.as_deref(), Some("DU100001"), "{sentence}");
        assert!(order.order_ref.is_some_and(|name| name.len() == 28), "{sentence}");
        let until = (*tif == "GTD").then_some("20991224-15:00:00");
        assert_eq!(order.good_till_date.as_deref(), until, "{sentence}");
    }
    pair.submit("buy 10 AAPL trail 0.50 lmt 0.10");
    let order = next("a trailing limit");
    assert_eq!(order.order_type.as_deref(), Some("TRAIL LIMIT"));
    assert_eq!((order.aux_price, order.lmt_price_offset), (Some(0.5), Some(0.1)));
    pair.submit("buy 300 AAPL @150 show 100 outside");
    let order = next("an iceberg");
    assert_eq!((order.display_size, order.outside_rth), (Some(100), Some(true)));
    // A bracket is sent as a whole: nothing of it works before its last order is there.
    pair.submit("buy 10 AAPL @150 stop 140 target 170");
    let family = [next("entry"), next("one child"), next("the other child")];
    let [entry, first, last] = &family;
    assert_eq!(
        (
            entry.transmit.unwrap_or_default(),
            entry.parent_id.unwrap_or_default()
        ),
        (false, 0)
    );
    assert!(!first.transmit.unwrap_or_default() && last.transmit == Some(true));
    assert!(first.parent_id.unwrap() > 0 && first.parent_id == last.parent_id);
    assert_eq!(last.action.as_deref(), Some("SELL"));
}
