//! Money and positions to the cent, in worked examples. What must hold under any operations, and the way back
//! after a restart, are beside this file.

mod invariants;

use super::*;
use crate::domain::{CalendarId, Instrument, InstrumentKind, Multiplier, OrderKind, TickTable, TimeInForce};
use crate::domain::{Price, Quantity};

const NOW: Timestamp = Timestamp(1_000);

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn units(n: i64) -> Quantity {
    Quantity::whole(n).unwrap()
}

fn instrument(id: &str, kind: InstrumentKind, tick: &str, multiplier: i64, lot: &str) -> Instrument {
    Instrument {
        id: id.parse().unwrap(),
        name: id.into(),
        kind,
        currency: Currency::USD,
        multiplier: Multiplier::whole(multiplier).unwrap(),
        ticks: TickTable::uniform(price(tick)).unwrap(),
        lot: lot.parse().unwrap(),
        calendar: CalendarId::Always,
        root: None,
        expires: None,
        broker_ids: BTreeMap::new(),
        option: None,
        sector: None,
        listed_on: None,
    }
}

fn share() -> Listing {
    Listing {
        instrument: instrument("AAPL", InstrumentKind::Equity, "0.01", 1, "1"),
        algorithm: book::Algorithm::Fifo,
        margin: Margin::Rate { ppm: 500_000 },
        settlement: Settlement::Delivery,
        fees: FeeSchedule::per_share(money("0.005"), Money::whole(1)),
    }
}

fn future() -> Listing {
    Listing {
        instrument: instrument("ESZ6", InstrumentKind::Future, "0.25", 50, "1"),
        algorithm: book::Algorithm::ProRata { min_allocation: 1 },
        margin: Margin::PerContract {
            initial: Money::whole(20_000),
        },
        settlement: Settlement::Difference,
        fees: FeeSchedule::per_contract(money("0.85")),
    }
}

fn pair() -> Listing {
    Listing {
        instrument: instrument("EUR.USD", InstrumentKind::Forex, "0.00005", 1, "1"),
        algorithm: book::Algorithm::Fifo,
        margin: Margin::Rate { ppm: 33_333 },
        settlement: Settlement::Difference,
        fees: FeeSchedule {
            per_unit: Money::ZERO,
            ppm: 20,
            minimum: Money::whole(2),
        },
    }
}

fn coin() -> Listing {
    Listing {
        instrument: instrument("BTC.USD", InstrumentKind::Crypto, "0.5", 1, "0.00001"),
        algorithm: book::Algorithm::Fifo,
        margin: Margin::Cash,
        settlement: Settlement::Delivery,
        fees: FeeSchedule::basis_points(10),
    }
}

/// An exchange with the four listings above, the house and two customers with 10,000 and 1,000,000.
struct Desk {
    exchange: Exchange,
    out: Outbox,
    house: MemberNo,
    ann: MemberNo,
    bob: MemberNo,
}

const AAPL: ListingNo = ListingNo(0);
const ES: ListingNo = ListingNo(1);
const EUR: ListingNo = ListingNo(2);
const BTC: ListingNo = ListingNo(3);

impl Desk {
    fn new() -> Self {
        let mut exchange = Exchange::new("FEES".parse().unwrap());
        for listing in [share(), future(), pair(), coin()] {
            exchange.list(listing).unwrap();
        }
        let house = exchange.join("HOUSE".parse().unwrap(), MemberKind::House);
        let ann = exchange.join("SIM1".parse().unwrap(), MemberKind::Customer);
        let bob = exchange.join("SIM2".parse().unwrap(), MemberKind::Customer);
        exchange
            .deposit(ann, Currency::USD, Money::whole(10_000))
            .unwrap();
        exchange
            .deposit(bob, Currency::USD, Money::whole(1_000_000))
            .unwrap();
        Self {
            exchange,
            out: Outbox::default(),
            house,
            ann,
            bob,
        }
    }

    fn place(
        &mut self,
        member: MemberNo,
        listing: ListingNo,
        request: OrderRequest,
    ) -> Result<OrderNo, Rejection> {
        self.out.clear();
        self.exchange.place(NOW, member, listing, &request, &mut self.out)
    }

    fn limit(
        &mut self,
        member: MemberNo,
        listing: ListingNo,
        side: Side,
        qty: &str,
        at: &str,
    ) -> Result<OrderNo, Rejection> {
        self.place(member, listing, limit(side, qty, at))
    }

    /// `member` trades `qty` at `at` with the house.
    fn trade(&mut self, member: MemberNo, listing: ListingNo, side: Side, qty: &str, at: &str) {
        self.limit(self.house, listing, side.opposite(), qty, at).unwrap();
        self.limit(member, listing, side, qty, at).unwrap();
        assert_eq!(self.out.trades.len(), 1);
    }

    fn cash(&self, member: MemberNo) -> String {
        self.exchange
            .funds(member, Currency::USD)
            .unwrap()
            .cash
            .to_string()
    }

    fn held(&self, member: MemberNo, listing: ListingNo) -> (String, String, String) {
        let p = self.exchange.position(member, listing).unwrap();
        (p.quantity.to_string(), p.cost.to_string(), p.realized.to_string())
    }
}

fn limit(side: Side, qty: &str, at: &str) -> OrderRequest {
    OrderRequest {
        side,
        kind: OrderKind::Limit { price: price(at) },
        tif: TimeInForce::Gtc,
        quantity: qty.parse().unwrap(),
        display: None,
    }
}

fn words(a: &str, b: &str, c: &str) -> (String, String, String) {
    (a.into(), b.into(), c.into())
}

#[test]
fn shares_change_hands_against_their_full_price_and_a_fee() {
    let mut desk = Desk::new();
    desk.trade(desk.bob, AAPL, Side::Buy, "100", "189.50");
    // 100 shares at half a cent are 50 cents: the minimum of a dollar applies.
    assert_eq!(desk.cash(desk.bob), "981049");
    assert_eq!(desk.cash(desk.house), "18950");
    assert_eq!(desk.held(desk.bob, AAPL), words("100", "18950", "0"));
    // Sell 150: 100 realise (190.01 - 189.50) each, 50 are short at 190.01.
    desk.trade(desk.bob, AAPL, Side::Sell, "150", "190.01");
    assert_eq!(desk.held(desk.bob, AAPL), words("-50", "-9500.5", "51"));
    assert_eq!(desk.cash(desk.bob), "1009549.5");
    assert_eq!(
        desk.exchange.cash(desk.exchange.fee_member())[0].1,
        Money::whole(2)
    );
    let Happening::Filled(fill) = desk.out.reports[1].what else {
        panic!("{:?}", desk.out.reports)
    };
    assert!(fill.maker, "the house rested");
    assert_eq!(fill.fee, Money::ZERO, "the house pays no fee");
}

#[test]
fn a_future_pays_only_its_profit_and_keeps_its_average_cost() {
    let mut desk = Desk::new();
    desk.trade(desk.bob, ES, Side::Buy, "2", "5000.25");
    assert_eq!(desk.cash(desk.bob), "999998.3");
    assert_eq!(desk.held(desk.bob, ES), words("2", "500025", "0"));
    desk.trade(desk.bob, ES, Side::Buy, "1", "5001");
    desk.trade(desk.bob, ES, Side::Sell, "1", "5010.50");
    // One third of 750,075.00 closes at 250,525.00.
    assert_eq!(desk.held(desk.bob, ES), words("2", "500050", "500"));
    assert_eq!(desk.cash(desk.bob), "1000496.6");
    let funds = desk.exchange.funds(desk.bob, Currency::USD).unwrap();
    assert_eq!(
        funds.equity.to_string(),
        "1001496.6",
        "two contracts 10 points up, at 5,010.50, cost 500,050"
    );
    assert_eq!(funds.required, Money::whole(40_000));
    // Across zero: two close at a loss, one opens short.
    desk.trade(desk.bob, ES, Side::Sell, "3", "4990");
    assert_eq!(desk.held(desk.bob, ES), words("-1", "-249500", "-550"));
}

#[test]
fn fees_are_rounded_half_even_once_an_order_and_not_once_a_fill() {
    let mut desk = Desk::new();
    desk.limit(desk.bob, AAPL, Side::Buy, "301", "100").unwrap();
    let mut fees = Vec::new();
    for qty in ["1", "199", "101"] {
        desk.limit(desk.house, AAPL, Side::Sell, qty, "100").unwrap();
        fees.push(desk.out.trades[0].maker.fee.to_string());
    }
    // 301 × 0.005 = 1.505, to even 1.50; the first fill pays the minimum that covers the next 199 shares.
    assert_eq!(fees, ["1", "0", "0.5"]);
    // Ten basis points of 0.12345 coins at 60,000.50: 7.40706..., and the value itself rounds 7,407.0617 down.
    desk.trade(desk.bob, BTC, Side::Buy, "0.12345", "60000.5");
    assert_eq!(desk.out.trades[0].taker.fee.to_string(), "7.41");
    assert_eq!(desk.held(desk.bob, BTC), words("0.12345", "7407.06", "0"));
}

#[test]
fn working_orders_reserve_at_full_size_until_they_end() {
    let mut desk = Desk::new();
    // 10,000 at half margin and a dollar of fee carry 199 shares at 100, not 200.
    let refused = desk.limit(desk.ann, AAPL, Side::Buy, "200", "100").unwrap_err();
    assert_eq!(refused.code(), "insufficient_funds");
    let text = "insufficient funds: the order needs 10001 USD and 10000 USD is free";
    assert_eq!(refused.to_string(), text);
    let first = desk.limit(desk.ann, AAPL, Side::Buy, "150", "100").unwrap();
    let free = desk.exchange.funds(desk.ann, Currency::USD).unwrap().available();
    assert_eq!(free, Money::whole(2_499));
    assert!(desk.limit(desk.ann, AAPL, Side::Buy, "50", "100").is_err());
    assert!(
        desk.limit(desk.ann, ES, Side::Buy, "1", "1000").is_err(),
        "other instruments see the reserve too"
    );
    assert!(
        desk.limit(desk.ann, AAPL, Side::Sell, "100", "101").is_ok(),
        "the other side needs no more"
    );
    let bigger = OrderChange {
        quantity: Some(units(250)),
        ..OrderChange::default()
    };
    let refused = desk
        .exchange
        .modify(NOW, desk.ann, first, &bigger, &mut desk.out)
        .unwrap_err();
    assert_eq!(refused.code(), "insufficient_funds");
    assert_eq!(
        desk.exchange.order(first).unwrap().request.quantity,
        units(150),
        "untouched"
    );
    desk.exchange.cancel(NOW, desk.ann, first, &mut desk.out).unwrap();
    assert!(desk.limit(desk.ann, AAPL, Side::Buy, "198", "100").is_ok());
}

#[test]
fn closing_is_never_refused_for_want_of_funds() {
    let mut desk = Desk::new();
    desk.trade(desk.ann, AAPL, Side::Buy, "190", "100");
    // The price halves: the account is far under its margin.
    desk.limit(desk.house, AAPL, Side::Buy, "500", "55").unwrap();
    desk.limit(desk.house, AAPL, Side::Sell, "10", "55").unwrap();
    assert!(desk.exchange.funds(desk.ann, Currency::USD).unwrap().available() < Money::ZERO);
    assert!(desk.limit(desk.ann, AAPL, Side::Buy, "1", "55").is_err());
    desk.limit(desk.ann, AAPL, Side::Sell, "90", "400").unwrap();
    let all = OrderRequest {
        kind: OrderKind::Market,
        ..limit(Side::Sell, "100", "1")
    };
    desk.place(desk.ann, AAPL, all).unwrap();
    assert_eq!(desk.held(desk.ann, AAPL).0, "90");
}

#[test]
fn what_must_be_held_cannot_be_sold_short() {
    let mut desk = Desk::new();
    desk.trade(desk.bob, BTC, Side::Buy, "0.5", "60000");
    desk.limit(desk.bob, BTC, Side::Sell, "0.3", "61000").unwrap();
    let refused = desk
        .limit(desk.bob, BTC, Side::Sell, "0.20001", "61000")
        .unwrap_err();
    let text = "selling 0.50001 in all, 0.5 held: this instrument cannot be sold short";
    assert_eq!(refused.to_string(), text);
    desk.limit(desk.bob, BTC, Side::Sell, "0.2", "61000").unwrap();
    // Cash buys in full: 970,000 less fees are left, 16.1 coins at 60,000 are not.
    assert!(desk.limit(desk.bob, BTC, Side::Buy, "16.2", "60000").is_err());
    assert!(desk.limit(desk.bob, BTC, Side::Buy, "16.1", "60000").is_ok());
}

#[test]
fn refusals_name_a_value_that_would_do() {
    let mut desk = Desk::new();
    let refused = desk
        .limit(desk.ann, AAPL, Side::Buy, "10", "189.503")
        .unwrap_err();
    let text = "price 189.503 is not a multiple of 0.01; the nearest that risks no more is 189.5";
    assert_eq!(refused.to_string(), text);
    let refused = desk
        .limit(desk.ann, AAPL, Side::Sell, "10", "189.503")
        .unwrap_err();
    assert!(refused.to_string().ends_with("189.51"));
    let refused = desk.limit(desk.ann, AAPL, Side::Buy, "2.5", "100").unwrap_err();
    assert_eq!(
        refused,
        Rejection::OffLot {
            quantity: "2.5".parse().unwrap(),
            nearest: units(2),
            lot: units(1)
        }
    );
    for (qty, at, code) in [
        ("0", "100", "off_lot"),
        ("-5", "100", "off_lot"),
        ("5", "0", "bad_price"),
        ("5", "-1", "bad_price"),
        ("92000000000", "9000000000", "too_large"),
    ] {
        assert_eq!(
            desk.limit(desk.house, AAPL, Side::Buy, qty, at)
                .unwrap_err()
                .code(),
            code,
            "{qty} at {at}"
        );
    }
    let nobody = MemberNo(99);
    assert_eq!(
        desk.limit(nobody, AAPL, Side::Buy, "1", "1").unwrap_err(),
        Rejection::UnknownMember
    );
    let nothing = ListingNo(99);
    assert_eq!(
        desk.limit(desk.ann, nothing, Side::Buy, "1", "1").unwrap_err(),
        Rejection::UnknownListing
    );
    let own = desk.limit(desk.ann, AAPL, Side::Buy, "1", "1").unwrap();
    let theft = desk
        .exchange
        .cancel(NOW, desk.bob, own, &mut desk.out)
        .unwrap_err();
    assert_eq!(theft, Rejection::UnknownOrder);
    let mut index = share();
    index.instrument.kind = InstrumentKind::Index;
    index.instrument.id = "SPX".parse().unwrap();
    assert!(desk.exchange.list(index).is_err());
    assert!(desk.exchange.list(share()).is_err());
}

#[test]
fn depth_shows_the_best_levels_in_prices_and_quantities() {
    let mut desk = Desk::new();
    for (n, qty) in (0..12).zip(1..) {
        let cents = |whole: i64| Price::from_raw(whole * 10_000_000);
        desk.limit(
            desk.house,
            AAPL,
            Side::Buy,
            &qty.to_string(),
            &cents(10_000 - n).to_string(),
        )
        .unwrap();
        desk.limit(
            desk.house,
            AAPL,
            Side::Sell,
            &qty.to_string(),
            &cents(10_001 + n).to_string(),
        )
        .unwrap();
    }
    let before = desk.exchange.revision(AAPL);
    assert!(desk.limit(desk.house, AAPL, Side::Buy, "0", "100").is_err());
    assert_eq!(
        desk.exchange.revision(AAPL),
        before,
        "a refusal changes nothing to see"
    );
    let (five, ten) = (desk.exchange.depth(AAPL, 5), desk.exchange.depth(AAPL, 10));
    assert_eq!((five.bids.len(), five.asks.len(), ten.bids.len()), (5, 5, 10));
    assert_eq!(
        ten.asks[4],
        DepthLevel {
            price: price("100.05"),
            quantity: units(5),
            orders: 1
        }
    );
    let bbo = desk.exchange.bbo(AAPL);
    assert_eq!((bbo.bid, bbo.ask), (Some(ten.bids[0]), Some(ten.asks[0])));
    assert_eq!(desk.exchange.bbo(EUR), Bbo::default());
}
