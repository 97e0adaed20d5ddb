//! Large orders and what they would bind, by the gateway's word: one waits for it, one that gets none is never sent, and what only
//! takes off what is held waits for nobody.

use super::pair::{Pair, text};
use crate::harness::{block_on, until};
use std::collections::BTreeSet;
use tradewind::domain::*;
use tradewind::engine::{Command, DenialCode, Legs, Outcome, SessionKind};
use tradewind::wire::{Query, Reply};

fn key() -> AccountKey {
    AccountKey {
        broker: BrokerId::new("ibkr").unwrap(),
        account: AccountId::new("DU100001").unwrap(),
    }
}

fn spec(quantity: i64, kind: OrderKind) -> OrderSpec {
    OrderSpec {
        account: key(),
        instrument: InstrumentId::new("AAPL").unwrap(),
        side: Side::Buy,
        quantity: Quantity::whole(quantity).unwrap(),
        kind,
        tif: TimeInForce::Day,
        display: None,
        allow_short: false,
        role: Role::Entry,
        parent: None,
        outside_hours: false,
    }
}

fn submit(pair: &Pair, id: &str, spec: OrderSpec) -> Outcome {
    pair.command(Command::Submit {
        id: ClientOrderId::new(id).unwrap(),
        spec,
        legs: Legs::default(),
        seen: None,
    })
}

fn at_the_exchange(pair: &Pair) -> BTreeSet<String> {
    let books = pair.exchange.books();
    books.orders.iter().map(|(id, ..)| id.clone()).collect()
}

#[test]
fn a_large_order_waits_for_the_brokers_word_and_an_exit_for_nobody() {
    let pair = Pair::new();
    let stricter = pair.command(Command::SetLimit {
        account: None,
        scope: None,
        name: LimitName::WhatIfAbove,
        value: Some(LimitValue::Money(Money::whole(5_000))),
        minutes: None,
        confirmation: SafeText::default(),
        by: "a test".into(),
    });
    assert!(matches!(stricter, Outcome::Done { .. }), "{stricter:?}");
    let large = pair.order("buy 300 AAPL mkt");
    assert_eq!((text(&large, "phase"), text(&large, "filled")), ("filled", "300"));
    // What the exchange does not have: it says so before there is an order.
    let before = at_the_exchange(&pair);
    let cheap = |cents: i64| OrderKind::Limit {
        price: Price::from_raw(100_000_000_000 + cents * 10_000_000),
    };
    match submit(&pair, "TWONCLOSE", spec(100, OrderKind::MarketOnClose)) {
        Outcome::Denied(denial) => {
            assert_eq!(denial.code, DenialCode::BuyingPower, "{denial}");
            assert!(denial.text.as_str().contains("would not take it"), "{denial}");
        }
        other => panic!("{other:?}"),
    }
    // What a preview asked about is known, and need not be asked again.
    let previewed = spec(100, cheap(1));
    block_on(async {
        let mut session = pair.desk.attach(SessionKind::Shell).await;
        let spec = Box::new(previewed.clone());
        match session.query(Query::Margin { spec }).await.unwrap() {
            Reply::Margin(margin) => {
                assert!(margin.initial_change.is_some() && margin.maintenance_after.is_some());
            }
            other => panic!("{other:?}"),
        }
    });
    // From here on the gateway tells nothing of orders, what they would bind included.
    pair.fault("lose statuses 1");
    match submit(&pair, "TWUNASKED", spec(100, cheap(2))) {
        Outcome::Denied(denial) => assert_eq!(denial.code, DenialCode::WhatIf, "{denial}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(at_the_exchange(&pair), before, "nothing reached the broker");
    let known = submit(&pair, "TWPREVIEWED", previewed);
    assert!(matches!(known, Outcome::Done { .. }), "{known:?}");
    pair.fault("clear");
    pair.comes_to("TWPREVIEWED", "working");
    let id = ClientOrderId::new("TWPREVIEWED").unwrap();
    pair.command(Command::Cancel { id });
    pair.comes_to("TWPREVIEWED", "cancelled");
    // Nothing is told again, and the way out does not ask.
    pair.fault("lose statuses 1");
    let flatten = pair.command(Command::Flatten {
        id: ClientOrderId::new("TWFLAT").unwrap(),
        account: key(),
        instrument: InstrumentId::new("AAPL").unwrap(),
    });
    assert!(matches!(flatten, Outcome::Done { .. }), "{flatten:?}");
    pair.fault("clear");
    until("nothing held", || (pair.held("AAPL") == 0).then_some(()));
    // What the exit was called at the broker may have been lost with its statuses.
    pair.agrees_on_what_is_held();
}
