//! What the broker says of orders, row by row of the fault matrix where no socket is at fault.

use super::*;
use crate::domain::{AccountId, InstrumentId, Price, Role, Side, TimeInForce};
use ibapi::orders::{Order, OrderState};

fn p(text: &str) -> Price {
    text.parse().unwrap()
}
fn q(count: i64) -> Quantity {
    Quantity::whole(count).unwrap()
}
fn key() -> AccountKey {
    AccountKey {
        broker: BrokerId::new("ibkr").unwrap(),
        account: AccountId::new("DU1").unwrap(),
    }
}
fn id() -> ClientOrderId {
    ClientOrderId::new("AT01M7Y0Q37YES7VFBZYTDVPNA92").unwrap()
}
fn spec(price: &str) -> OrderSpec {
    OrderSpec {
        account: key(),
        instrument: InstrumentId::new("AAPL").unwrap(),
        side: Side::Buy,
        quantity: q(10),
        kind: OrderKind::Limit { price: p(price) },
        tif: TimeInForce::Day,
        display: None,
        allow_short: false,
        role: Role::Entry,
        parent: None,
        outside_hours: false,
    }
}
/// One order on its way as number 7.
fn sent() -> Orders {
    let mut orders = Orders::new(key().broker, 17);
    orders.sending(id(), 7, &spec("100"));
    orders
}
fn status(status: OrderStatusKind, filled: f64) -> OrderStatus {
    OrderStatus {
        order_id: 7,
        status,
        filled,
        remaining: 10.0 - filled,
        perm_id: 99,
        client_id: 17,
        ..OrderStatus::default()
    }
}
fn open(price: f64, state: OrderStatusKind) -> OrderData {
    OrderData {
        order_id: 7,
        order: Order {
            client_id: 17,
            perm_id: 99,
            account: "DU1".into(),
            order_ref: id().to_string(),
            total_quantity: 10.0,
            order_type: "LMT".into(),
            limit_price: Some(price),
            ..Order::default()
        },
        order_state: OrderState {
            status: state,
            ..OrderState::default()
        },
        ..OrderData::default()
    }
}
fn execution(revision: u32, quantity: i64) -> Execution {
    Execution {
        id: crate::domain::ExecutionId {
            base: crate::domain::ExecutionBase::new("E").unwrap(),
            revision,
        },
        account: key(),
        order: Some(id()),
        broker_order: translate::broker_order_id(99),
        instrument: InstrumentId::new("AAPL").unwrap(),
        side: Side::Buy,
        quantity: q(quantity),
        price: p("100"),
        at: crate::domain::Timestamp(0),
        fee: None,
        maker: None,
    }
}
/// The words of reports, for comparing.
fn words(said: &[Said]) -> Vec<&'static str> {
    said.iter()
        .map(|said| match said {
            Said::Told(_) => "told",
            Said::LookUp(_) => "look up",
            Said::Report(_, report) => match report {
                Report::Accepted {
                    phase: Phase::Held, ..
                } => "held",
                Report::Accepted { .. } => "working",
                Report::Rejected { .. } => "rejected",
                Report::Cancelled { .. } => "cancelled",
                Report::Modified { .. } => "modified",
                Report::ModifyRejected { .. } => "modify rejected",
                Report::CancelRejected { .. } => "cancel rejected",
                Report::Executed(_) => "executed",
                _ => "other",
            },
        })
        .collect()
}

/// Row F13: any number that names an order, known or not, ends nothing by itself.
#[test]
fn f13_no_number_ends_an_order() {
    for code in 0..20_000 {
        let mut orders = sent();
        let said = orders.on_error(7, code, "некоторый \u{202e}text\x1b[2J");
        let ended = words(&said)
            .iter()
            .any(|word| matches!(*word, "rejected" | "cancelled"));
        assert!(!ended, "{code}: {said:?}");
    }
}

/// Row F17: refused; the number may come before the status, after it, or without it.
#[test]
fn f17_a_refusal_is_told_once_whichever_comes_first() {
    let mut orders = sent();
    assert_eq!(words(&orders.on_error(7, 201, "no")), ["look up"]);
    assert!(orders.is_unclear(id()));
    assert_eq!(
        words(&orders.on_status(&status(OrderStatusKind::Inactive, 0.0))),
        ["rejected"]
    );
    assert!(!orders.is_unclear(id()) && orders.refused().is_empty());

    let mut orders = sent();
    assert_eq!(
        words(&orders.on_status(&status(OrderStatusKind::Inactive, 0.0))),
        ["look up"]
    );
    assert_eq!(words(&orders.on_error(7, 201, "no")), ["rejected"]);

    let mut orders = sent();
    orders.on_error(7, 103, "Duplicate order id");
    assert_eq!(
        orders.refused().len(),
        1,
        "without a status a complete read decides"
    );
    // The status says that it works: the number was about something else.
    orders.on_status(&status(OrderStatusKind::Submitted, 0.0));
    assert!(orders.refused().is_empty());
}

/// Rows F18 and F19: cancels, asked for or not, and refused.
#[test]
fn f18_f19_only_a_status_cancels() {
    let mut orders = sent();
    orders.on_status(&status(OrderStatusKind::Submitted, 0.0));
    assert_eq!(
        words(&orders.on_error(7, 202, "Order Canceled - reason: by the exchange")),
        ["look up"]
    );
    let said = orders.on_status(&status(OrderStatusKind::Cancelled, 0.0));
    let Said::Report(_, Report::Cancelled { reason, .. }) = &said[0] else {
        panic!("{said:?}")
    };
    assert!(
        reason.as_str().contains("by the exchange"),
        "who cancelled is said"
    );
    for code in [161, 10147, 10148] {
        let mut orders = sent();
        orders.on_status(&status(OrderStatusKind::Submitted, 0.0));
        assert_eq!(
            words(&orders.on_error(7, code, "no")),
            ["cancel rejected", "look up"],
            "{code}"
        );
    }
    let mut orders = sent();
    orders.on_status(&status(OrderStatusKind::Submitted, 0.0));
    orders.changing(id(), 7, &spec("101"));
    assert_eq!(
        words(&orders.on_error(7, 104, "Can't modify a filled order")),
        ["modify rejected"]
    );
}

/// Row F20: what warns leaves the order alive; shares that are being located hold it.
#[test]
fn f20_warnings_leave_an_order_alive() {
    for code in [399, 404, 2109, 10349] {
        let mut orders = sent();
        orders.on_status(&status(OrderStatusKind::PreSubmitted, 0.0));
        assert_eq!(words(&orders.on_error(7, code, "Warning")), ["told"], "{code}");
        assert!(!orders.is_unclear(id()), "{code}");
    }
    let mut orders = sent();
    let locate = OrderStatus {
        why_held: "locate".into(),
        ..status(OrderStatusKind::PreSubmitted, 0.0)
    };
    assert_eq!(words(&orders.on_status(&locate)), ["held", "told"]);
}

/// A change is told when the order is as it was asked to be, not before, and news of others is told too.
#[test]
fn a_change_is_answered_by_the_order_as_it_is() {
    let mut orders = sent();
    assert_eq!(
        words(&orders.on_open_order(&open(100.0, OrderStatusKind::Submitted))),
        ["working"]
    );
    orders.changing(id(), 7, &spec("101"));
    // A repetition of what it was before.
    assert_eq!(
        words(&orders.on_open_order(&open(100.0, OrderStatusKind::Submitted))),
        ["working"]
    );
    let said = orders.on_open_order(&open(101.0, OrderStatusKind::Submitted));
    assert_eq!(words(&said), ["working", "modified"]);
    assert_eq!(
        words(&orders.on_open_order(&open(101.0, OrderStatusKind::Submitted))),
        ["working"]
    );
    // Changed at the broker's own screen.
    let said = orders.on_open_order(&open(102.0, OrderStatusKind::Submitted));
    assert_eq!(words(&said), ["working", "modified"]);
}

/// Rows F14, F29 and F32: a status that knows of more fills than there are executions has to be looked up.
#[test]
fn f14_f32_a_fill_without_its_execution_is_missed() {
    let mut orders = sent();
    assert_eq!(
        words(&orders.on_status(&status(OrderStatusKind::Submitted, 4.0))),
        ["working", "look up"]
    );
    assert!(orders.is_unclear(id()));
    orders.on_execution("E.01", execution(1, 4));
    assert!(!orders.is_unclear(id()));
    // The same again, and its correction, are no further fill.
    orders.on_execution("E.01", execution(1, 4));
    orders.on_execution("E.02", execution(2, 4));
    assert!(!orders.is_unclear(id()));
    orders.on_status(&status(OrderStatusKind::Filled, 10.0));
    assert!(orders.is_unclear(id()));
    orders.looked_up();
    assert!(!orders.is_unclear(id()));
}

/// Row F27: a fee before its execution, after it, and none at all.
#[test]
fn f27_a_fee_joins_its_execution_and_what_is_not_set_is_unknown() {
    let fee = |amount: f64| CommissionReport {
        execution_id: "E.01".into(),
        commission: amount,
        currency: "USD".into(),
        ..CommissionReport::default()
    };
    for unset in [f64::MAX, f64::NAN, -1.0] {
        let mut orders = sent();
        orders.on_execution("E.01", execution(1, 4));
        assert_eq!(orders.on_commission(&fee(unset)), None, "{unset}");
    }
    let amount = |said: &Said| match said {
        Said::Report(_, Report::Executed(execution)) => execution.fee.map(|fee| fee.amount.to_string()),
        other => panic!("{other:?}"),
    };
    let mut orders = sent();
    assert_eq!(
        orders.on_commission(&fee(1.25)),
        None,
        "its execution is not here yet"
    );
    assert_eq!(
        amount(&orders.on_execution("E.01", execution(1, 4))).as_deref(),
        Some("1.25")
    );
    let mut orders = sent();
    assert_eq!(amount(&orders.on_execution("E.01", execution(1, 4))), None);
    let said = orders.on_commission(&fee(-0.35)).unwrap();
    assert_eq!(amount(&said).as_deref(), Some("-0.35"), "a rebate is negative");
}

/// What the broker says of orders of other sessions or of nobody is left to the reads.
#[test]
fn words_about_unknown_orders_change_nothing() {
    let mut orders = sent();
    let other = OrderStatus {
        client_id: 5,
        perm_id: 12,
        ..status(OrderStatusKind::Cancelled, 0.0)
    };
    assert_eq!(orders.on_status(&other), []);
    let foreign = OrderData {
        order: Order {
            client_id: 5,
            perm_id: 12,
            order_ref: "mine".into(),
            ..open(1.0, OrderStatusKind::Submitted).order
        },
        ..open(1.0, OrderStatusKind::Submitted)
    };
    assert_eq!(orders.on_open_order(&foreign), []);
    assert_eq!(words(&orders.on_error(4_711, 201, "no")), ["told"]);
}

/// Row F30: a second order under one reference goes by its own name from then on; what becomes of it is not said of the first.
#[test]
fn f30_a_second_order_under_one_reference_has_a_life_of_its_own() {
    let mut orders = sent();
    orders.on_open_order(&open(100.0, OrderStatusKind::Submitted));
    let mut twin = open(101.0, OrderStatusKind::Submitted);
    (twin.order_id, twin.order.perm_id) = (8, 100);
    let second = ClientOrderId::new("100").unwrap();
    let Some(Said::Report(
        _,
        Report::Accepted {
            id: named, broker_id, ..
        },
    )) = orders.on_open_order(&twin).into_iter().next()
    else {
        panic!("a second acknowledgement")
    };
    assert_eq!(
        (named, broker_id.as_str()),
        (id(), "100"),
        "found under the reference"
    );
    orders.touching(second, 8, key());
    let ended = OrderStatus {
        order_id: 8,
        perm_id: 100,
        ..status(OrderStatusKind::Cancelled, 0.0)
    };
    let said = orders.on_status(&ended);
    let of_second =
        |said: &Said| matches!(said, Said::Report(_, Report::Cancelled { id, .. }) if *id == second);
    assert!(said.iter().all(of_second) && !said.is_empty(), "{said:?}");
}
