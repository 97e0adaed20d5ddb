//! Random operations by three accounts in four instruments: nothing is made or lost, reserves equal the live
//! orders, and an exchange put back from what it tells of itself goes on as the old one does.

use super::*;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    fn member(&mut self, desk: &Desk) -> MemberNo {
        [desk.house, desk.ann, desk.bob][usize::try_from(self.below(3)).unwrap()]
    }

    /// A price near 100 in the tick of any of the listings.
    fn price(&mut self, listing: ListingNo) -> Price {
        let steps = i64::try_from(self.below(16)).unwrap() - 8;
        let tick = [price("0.01"), price("0.25"), price("0.00005"), price("0.5")][listing.index()];
        Price::from_raw(price("100").raw() + steps * tick.raw())
    }

    fn quantity(&mut self, listing: ListingNo) -> Quantity {
        let lot = if listing == BTC { 1000 } else { units(1).raw() };
        Quantity::from_raw(lot * i64::try_from(1 + self.below(40)).unwrap())
    }

    fn request(&mut self, listing: ListingNo, now: i64) -> OrderRequest {
        let (at, trigger, quantity) = (self.price(listing), self.price(listing), self.quantity(listing));
        OrderRequest {
            side: if self.below(2) == 0 { Side::Buy } else { Side::Sell },
            kind: match self.below(8) {
                0 => OrderKind::Market,
                1 => OrderKind::Stop { trigger },
                2 => OrderKind::StopLimit { trigger, price: at },
                _ => OrderKind::Limit { price: at },
            },
            tif: match self.below(8) {
                0 => TimeInForce::Ioc,
                1 => TimeInForce::Fok,
                2 => TimeInForce::Day,
                3 => TimeInForce::Gtd {
                    until: Timestamp(now + 50),
                },
                _ => TimeInForce::Gtc,
            },
            quantity,
            display: (self.below(5) == 0)
                .then_some(quantity)
                .filter(|_| self.below(2) == 0),
        }
    }

    /// One random operation on a random listing.
    fn step(&mut self, desk: &mut Desk, now: i64) {
        let listing = ListingNo(u32::try_from(self.below(4)).unwrap());
        let (member, at) = (self.member(desk), Timestamp(now));
        let order = OrderNo(desk.exchange.next_numbers().0.saturating_sub(1 + self.below(80)));
        let (exchange, out) = (&mut desk.exchange, &mut desk.out);
        out.clear();
        let _ = match self.below(10) {
            0 | 1 => exchange.cancel(at, member, order, out),
            2 => {
                let listing = exchange.order(order).map_or(listing, |state| state.listing);
                let change = OrderChange {
                    quantity: (self.below(2) == 0).then(|| self.quantity(listing)),
                    price: (self.below(2) == 0).then(|| self.price(listing)),
                    trigger: (self.below(2) == 0).then(|| self.price(listing)),
                    distance: None,
                };
                exchange.modify(at, member, order, &change, out)
            }
            3 if self.below(30) == 0 => exchange.end_session(at, listing, out),
            _ => exchange
                .place(at, member, listing, &self.request(listing, now), out)
                .map(|_| ()),
        };
    }
}

/// What holds at any moment: nothing is made or lost, and reserves equal the live orders.
fn check_books(desk: &Desk, deposits: Money) {
    let exchange = &desk.exchange;
    assert_eq!(exchange.total(Currency::USD), deposits, "money is conserved");
    let members: Vec<MemberNo> = (0..4).map(MemberNo).collect();
    for listing in exchange.listings() {
        let lots: i64 = members
            .iter()
            .map(|m| exchange.members[m.index()].holding(listing).lots)
            .sum();
        assert_eq!(lots, 0, "every unit held long is held short by someone");
        for member in &members {
            let mut expected = Holding::default();
            let market = exchange.market(listing).unwrap();
            for order in exchange
                .working
                .iter()
                .filter(|o| o.member == *member && o.listing == listing)
            {
                let view = market.book.order(order.id).expect("alive in the book");
                assert_eq!((view.leaves(), view.filled()), (order.leaves, order.filled));
                expected.reserve(order, market);
            }
            let held = exchange.members[member.index()].holding(listing);
            assert_eq!(
                (held.buys, held.sells, held.fees),
                (expected.buys, expected.sells, expected.fees)
            );
        }
    }
    let live: usize = exchange.markets.iter().map(|m| m.book.live_orders()).sum();
    assert_eq!(exchange.working.live(), live);
}

#[test]
fn nothing_is_made_or_lost_whatever_is_done() {
    let deposits = Money::whole(1_010_000);
    for seed in 0..8 {
        let (mut desk, mut random, mut trades) = (Desk::new(), Random(seed), 0);
        let mut fees = Money::ZERO;
        for now in 0..4_000 {
            let before = desk.exchange.clone();
            random.step(&mut desk, now);
            trades += desk.out.trades.len();
            for trade in &desk.out.trades {
                fees = fees
                    .saturating_add(trade.maker.fee)
                    .saturating_add(trade.taker.fee);
                let fills = desk
                    .out
                    .reports
                    .iter()
                    .filter(|r| matches!(r.what, Happening::Filled(fill) if fill.trade == trade.id));
                assert_eq!(fills.count(), 2, "both sides hear of a trade");
            }
            if desk.out == Outbox::default() {
                assert_eq!(
                    desk.exchange.next_numbers(),
                    before.next_numbers(),
                    "a refusal takes no number"
                );
            }
            if now % 40 == 0 {
                check_books(&desk, deposits);
            }
        }
        check_books(&desk, deposits);
        assert!(trades > 300, "the test trades: {trades}");
        assert_eq!(
            desk.exchange.funds(MemberNo(0), Currency::USD).unwrap().cash,
            fees
        );
        assert!(fees > Money::ZERO);
    }
}

/// A new exchange with everything that the old one tells of itself.
fn reopened(old: &Exchange) -> Desk {
    let mut desk = Desk::new();
    for member in (0..4).map(MemberNo) {
        desk.exchange
            .restore_account(member, &old.cash(member), &old.positions(member))
            .unwrap();
    }
    for listing in old.listings() {
        if let Some(last) = old.last(listing) {
            desk.exchange.restore_price(listing, last, true).unwrap();
        }
        for state in old.orders_in(listing) {
            desk.exchange.restore_order(&state).unwrap();
        }
    }
    let (order, trade) = old.next_numbers();
    desk.exchange.resume_numbers(order, trade);
    desk
}

#[test]
fn an_exchange_reopened_goes_on_as_if_it_had_never_closed() {
    for seed in 20..24 {
        let (mut desk, mut random) = (Desk::new(), Random(seed));
        for now in 0..2_000 {
            random.step(&mut desk, now);
        }
        let mut again = reopened(&desk.exchange);
        let (mut a, mut b) = (Random(seed + 100), Random(seed + 100));
        for now in 2_000..4_000 {
            a.step(&mut desk, now);
            b.step(&mut again, now);
            assert_eq!(desk.out, again.out, "seed {seed}, step {now}");
        }
        for member in (0..4).map(MemberNo) {
            assert_eq!(desk.exchange.orders(member), again.exchange.orders(member));
            assert_eq!(desk.exchange.positions(member), again.exchange.positions(member));
            assert_eq!(desk.exchange.cash(member), again.exchange.cash(member));
        }
    }
}
