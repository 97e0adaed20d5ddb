//! What holds where nothing is set at a broker outside the box: what one order may cost, contracts of one future, short sales,
//! and how far a price reaches in each kind of instrument. Each names the nearest that passes, and lets an exit pass.

use super::limits::{desk, nearest_passes};
use super::*;

/// An instrument beside AAPL, with a market.
fn also(desk: &mut Desk, instrument: Instrument, bid: &str, ask: &str) -> InstrumentId {
    let id = instrument.id;
    desk.market.list(instrument.clone());
    desk.broker(BrokerEvent::Instrument(Box::new(instrument)));
    desk.market.on_quote(Quote {
        instrument: id,
        bid: Some((p(bid), q(100))),
        ask: Some((p(ask), q(100))),
        at: desk.now,
        quality: Quality::Live,
    });
    id
}

fn buy(count: i64) -> OrderSpec {
    spec(Side::Buy, count, limit("100"))
}

fn of(instrument: InstrumentId, spec: OrderSpec) -> OrderSpec {
    OrderSpec { instrument, ..spec }
}

/// Its code and the nearest that it names; nothing where it passed.
fn code(outcome: &Outcome) -> Option<(DenialCode, Option<String>)> {
    match outcome {
        Outcome::Denied(denial) | Outcome::Refused(denial) => {
            Some((denial.code, denial.nearest.as_ref().map(ToString::to_string)))
        }
        Outcome::Done { .. } => None,
        other => panic!("{other:?}"),
    }
}

fn denied(code: DenialCode, nearest: &str) -> Option<(DenialCode, Option<String>)> {
    Some((code, Some(nearest.to_owned())))
}

fn strict(limits: &mut Limits) {
    limits.be_strict(|_| false);
    // Neither is what is looked at here.
    (limits.max_name_bps, limits.max_issuer_bps) = (0, 0);
}

#[test]
fn one_order_of_what_is_paid_for_costs_a_share_of_the_account_and_no_more_than_its_amount() {
    // 10 % of 100,000; then 25,000 of a million.
    let mut small = desk(100_000, strict);
    assert_eq!(nearest_passes(&mut small, DenialCode::MaxValue, &buy, 300), 100);
    let mut desk = desk(1_000_000, strict);
    assert_eq!(nearest_passes(&mut desk, DenialCode::MaxValue, &buy, 900), 250);
    desk.accept("fits");
    // A change is the order that it makes.
    let to = |count| Command::Modify {
        id: id("fits"),
        change: OrderChange {
            quantity: Some(q(count)),
            ..OrderChange::default()
        },
    };
    assert_eq!(code(&desk.command(to(251))), denied(DenialCode::MaxValue, "250"));
    assert_eq!(code(&desk.command(to(249))), None);
    desk.modified("fits", 249);
    desk.fill("fits", 249, "100");
    desk.quote("140.00", "140.02");
    // Dearer than any entry may be, and it only closes.
    assert_eq!(
        code(&desk.submit("out", spec(Side::Sell, 249, limit("140")))),
        None
    );
    // A contract is not paid for: its limits are counts.
    let future = also(
        &mut desk,
        instrument("ESZ6", InstrumentKind::Future, 50),
        "5900.00",
        "5900.25",
    );
    assert_eq!(
        code(&desk.submit("F", of(future, spec(Side::Buy, 2, limit("5900"))))),
        None
    );
}

#[test]
fn without_a_rate_nothing_is_opened_that_has_to_be_paid_for() {
    let mut desk = desk(1_000_000, |limits| {
        strict(limits);
        // The amount alone: nothing else needs to know what the account is worth.
        (limits.max_order_bps, limits.max_gross_bps, limits.max_sector_bps) = (0, 0, 0);
        (limits.daily_loss_reduce_bps, limits.daily_loss_lock_bps) = (0, 0);
        limits.max_slippage_bps = 0;
    });
    let sap = Instrument {
        currency: Currency::EUR,
        ..instrument("SAP", InstrumentKind::Equity, 1)
    };
    let sap = also(&mut desk, sap, "100.00", "100.02");
    let refused = desk.submit("A", of(sap, buy(1)));
    assert_eq!(code(&refused), Some((DenialCode::WorthUnknown, None)));
    let pair = Instrument {
        currency: Currency::USD,
        ..instrument("EUR.USD", InstrumentKind::Forex, 1)
    };
    also(&mut desk, pair, "1.25", "1.25");
    // 25,000 dollars are 20,000 euros.
    assert_eq!(
        code(&desk.submit("B", of(sap, buy(201)))),
        denied(DenialCode::MaxValue, "200")
    );
    assert_eq!(code(&desk.submit("C", of(sap, buy(200)))), None);
}

#[test]
fn several_at_once_and_all_that_is_parked_cost_no_more_than_one_order() {
    let mut desk = desk(1_000_000, strict);
    let basket = |names: [&str; 2], count| Command::SubmitAll {
        orders: names
            .map(|name| Entry {
                id: id(name),
                spec: spec(Side::Buy, count, limit(if name < "M" { "100" } else { "99" })),
                legs: Legs::default(),
                seen: None,
            })
            .into(),
    };
    let (code_of, words) = refusal(desk.command(basket(["A", "N"], 130)));
    assert_eq!(code_of, DenialCode::MaxValue, "{words}");
    assert!(words.contains("all together come to 25870.00 USD"), "{words}");
    assert_eq!(code(&desk.command(basket(["B", "O"], 125))), None);
    let mut desk = self::desk(1_000_000, strict);
    desk.down();
    assert_eq!(code(&desk.park("P", buy(150), None)), None);
    let (code_of, words) = refusal(desk.park("Q", spec(Side::Buy, 101, limit("99.90")), None));
    assert_eq!(code_of, DenialCode::MaxValue, "{words}");
    assert!(words.contains("all that is parked"), "{words}");
    assert_eq!(
        code(&desk.park("R", spec(Side::Buy, 100, limit("99.90")), None)),
        None
    );
}

#[test]
fn contracts_of_one_future_count_with_what_works_and_exits_pass() {
    let mut desk = desk(10_000_000, |limits| limits.max_contracts_each = 5);
    let future = also(
        &mut desk,
        instrument("MESZ6", InstrumentKind::Future, 5),
        "5900.00",
        "5900.25",
    );
    let order = |side, count, price: &str| {
        of(
            future,
            OrderSpec {
                allow_short: true,
                ..spec(side, count, limit(price))
            },
        )
    };
    assert_eq!(code(&desk.submit("A", order(Side::Buy, 3, "5900"))), None);
    desk.accept("A");
    let more = desk.submit("B", order(Side::Buy, 3, "5899"));
    assert_eq!(code(&more), denied(DenialCode::MaxContracts, "2"));
    let execution = Execution {
        instrument: future,
        ..desk.execution("A", 3, "5900")
    };
    desk.report(Report::Executed(execution));
    let more = desk.submit("C", order(Side::Buy, 3, "5898"));
    assert_eq!(code(&more), denied(DenialCode::MaxContracts, "2"));
    // Through flat to the other side: five short at most.
    let turn = desk.submit("D", order(Side::Sell, 9, "5901"));
    assert_eq!(code(&turn), denied(DenialCode::MaxContracts, "8"));
    assert_eq!(code(&desk.submit("out", order(Side::Sell, 3, "5901"))), None);
}

#[test]
fn what_is_borrowed_is_not_sold_short_and_contracts_are() {
    let mut desk = desk(10_000_000, |limits| limits.allow_short_sale = false);
    let short = |count, price: &str| OrderSpec {
        allow_short: true,
        ..spec(Side::Sell, count, limit(price))
    };
    let refused = desk.submit("A", short(10, "100.02"));
    assert_eq!(code(&refused), denied(DenialCode::Short, "0"));
    let future = also(
        &mut desk,
        instrument("ESZ6", InstrumentKind::Future, 50),
        "5900.00",
        "5900.25",
    );
    assert_eq!(code(&desk.submit("B", of(future, short(1, "5900")))), None);
    desk.working("C", buy(10));
    desk.fill("C", 10, "100");
    assert_eq!(
        code(&desk.submit("D", short(11, "100.02"))),
        denied(DenialCode::Short, "10")
    );
    assert_eq!(code(&desk.submit("out", short(10, "100.02"))), None);
}

#[test]
fn a_price_reaches_as_far_as_its_kind_of_instrument_allows() {
    let mut desk = desk(100_000_000, |_| {});
    let mut each = |name: &str, kind, bid: &str, ask: &str, beyond: &str, within: &str| {
        let id = also(&mut desk, instrument(name, kind, 1), bid, ask);
        let buy = |price: &str| of(id, spec(Side::Buy, 1, limit(price)));
        let refused = desk.submit(&format!("X{name}"), buy(beyond));
        assert_eq!(code(&refused), denied(DenialCode::Collar, within), "{name}");
        assert_eq!(
            code(&desk.submit(&format!("Y{name}"), buy(within))),
            None,
            "{name}"
        );
    };
    use InstrumentKind::*;
    each("MSFT", Equity, "99.99", "100", "103.01", "103");
    each("NQZ6", Future, "99.99", "100", "101.01", "101");
    each("GBPX", Forex, "99.99", "100", "100.51", "100.5");
    each("OPT1", Option, "3.95", "4", "5.01", "5");
    // A quarter of twelve cents are three ticks: five are allowed.
    each("OPT2", Option, "0.11", "0.12", "0.18", "0.17");
    // The smaller of both holds.
    let mut desk = self::desk(100_000_000, |limits| limits.collar_bps = 20);
    let id = also(&mut desk, instrument("NQZ6", Future, 1), "99.99", "100");
    let refused = desk.submit("A", of(id, spec(Side::Buy, 1, limit("100.21"))));
    assert_eq!(code(&refused), denied(DenialCode::Collar, "100.2"));
}
