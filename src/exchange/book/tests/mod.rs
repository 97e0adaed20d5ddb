//! The book against what must hold whatever comes; beside this file against a book of plain maps, and the rows
//! of the profile table one by one. (Streams of an independent engine are in `tests/suite/oracle_matching.rs`.)

mod desk;
mod maps;

use super::*;
use crate::domain::Side;
use std::collections::BTreeMap;

/// SplitMix64: the seeded chance of these tests.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 1).cast_signed() % bound
    }

    fn one_in(&mut self, n: i64) -> bool {
        self.below(n) == 0
    }

    fn side(&mut self) -> Side {
        if self.one_in(2) { Side::Buy } else { Side::Sell }
    }
}

fn limit(id: u64, side: Side, price: i64, qty: i64) -> NewOrder {
    NewOrder {
        id,
        owner: NO_OWNER,
        side,
        order_type: OrderType::Limit { price },
        tif: TimeInForce::Gtc,
        qty,
        display: None,
    }
}

fn market(id: u64, side: Side, qty: i64) -> NewOrder {
    NewOrder {
        order_type: OrderType::Market,
        ..limit(id, side, 1, qty)
    }
}

fn apply(book: &mut Book, op: Op) -> Vec<BookEvent> {
    let mut out = Vec::new();
    book.apply(0, &op, &mut out);
    out
}

fn enter(book: &mut Book, order: NewOrder) -> Vec<BookEvent> {
    apply(book, Op::New(order))
}

fn trades(events: &[BookEvent]) -> Vec<(u64, u64, i64, i64)> {
    let fills = events.iter().filter_map(|e| match e {
        BookEvent::Trade(t) => Some((t.maker, t.taker, t.price, t.qty)),
        _ => None,
    });
    fills.collect()
}

/// An order of any kind, valid or not.
fn any_order(random: &mut Random, id: u64, owners: i64) -> NewOrder {
    let price = 95 + random.below(12) - if random.one_in(60) { 200 } else { 0 };
    let stop = 92 + random.below(18);
    let qty = random.below(40) + if random.one_in(50) { 0 } else { 1 };
    NewOrder {
        id,
        owner: u32::try_from(random.below(owners)).unwrap(),
        side: random.side(),
        order_type: match random.below(10) {
            0 => OrderType::Market,
            1 => OrderType::Stop { stop },
            2 => OrderType::StopLimit { stop, price },
            _ => OrderType::Limit { price },
        },
        tif: match random.below(12) {
            0 => TimeInForce::Ioc,
            1 => TimeInForce::Fok,
            2 => TimeInForce::Day,
            3 | 4 => TimeInForce::Gtd(random.below(4000)),
            _ => TimeInForce::Gtc,
        },
        qty,
        display: random.one_in(4).then(|| random.below(8)),
    }
}

fn any_op(random: &mut Random, next: &mut u64, owners: i64) -> Op {
    let known = i64::try_from(*next).unwrap();
    let id = known.saturating_sub(random.below(60)).max(0).cast_unsigned();
    match random.below(20) {
        0..=3 => Op::Cancel { id },
        4..=6 => Op::Modify(Modify {
            id,
            qty: random.one_in(2).then(|| random.below(50)),
            price: random.one_in(2).then(|| 95 + random.below(12)),
            stop: random.one_in(2).then(|| 92 + random.below(18)),
        }),
        7 if random.one_in(20) => Op::SessionEnd,
        8 => Op::Time,
        _ => {
            *next += u64::from(!random.one_in(40));
            Op::New(any_order(random, *next, owners))
        }
    }
}

/// What the events say of each order: stated size, filled, whether it ended.
#[derive(Default)]
struct Tally {
    orders: BTreeMap<u64, (i64, i64, bool)>,
}

impl Tally {
    fn note(&mut self, op: &Op, events: &[BookEvent]) {
        for event in events {
            match *event {
                BookEvent::Accepted { id } => {
                    let Op::New(order) = op else {
                        panic!("accepted what was not entered")
                    };
                    assert!(
                        self.orders.insert(id, (order.qty, 0, false)).is_none(),
                        "{id} accepted twice"
                    );
                }
                BookEvent::Trade(t) => {
                    assert!(t.qty > 0);
                    for (id, leaves) in [(t.maker, t.maker_leaves), (t.taker, t.taker_leaves)] {
                        let order = self.orders.get_mut(&id).expect("a party is a known order");
                        order.1 += t.qty;
                        assert_eq!((order.0 - order.1, order.2), (leaves, false), "leaves of {id}");
                    }
                }
                BookEvent::Modified { id, leaves, .. } => {
                    let order = self.orders.get_mut(&id).unwrap();
                    order.0 = order.1 + leaves;
                }
                BookEvent::Done { id, why, leaves, .. } => {
                    let order = self.orders.get_mut(&id).unwrap();
                    assert!(!order.2, "{id} ended twice");
                    assert_eq!(order.0 - order.1, leaves, "{id} {why:?}");
                    assert_eq!(why == DoneReason::Filled, leaves == 0);
                    order.2 = true;
                }
                BookEvent::Triggered { .. } | BookEvent::Rejected { .. } => {}
            }
        }
    }

    /// The book holds exactly the orders that the events left alive, with what they left open.
    fn compare(&self, book: &Book) {
        let alive = self.orders.iter().filter(|(_, order)| !order.2);
        for (id, (size, filled, _)) in alive.clone() {
            let view = book.order(*id).expect("alive");
            assert_eq!((view.total, view.filled()), (*size, *filled), "order {id}");
            assert!(view.visible > 0 && view.hidden >= 0);
        }
        assert_eq!(book.live_orders(), alive.count());
    }
}

/// Levels equal their queues, are sorted, and do not cross.
fn check_levels(book: &Book) {
    let mut resting = 0;
    for side in [Side::Buy, Side::Sell] {
        let (levels, queues): (Vec<_>, Vec<_>) = (book.levels(side).collect(), book.queues(side).collect());
        assert_eq!(levels.len(), queues.len());
        for (level, queue) in levels.iter().zip(&queues) {
            let shown: i128 = queue.orders.iter().map(|o| i128::from(o.1)).sum();
            let count = u32::try_from(queue.orders.len()).unwrap();
            assert_eq!(
                (level.price, level.qty, level.orders),
                (queue.price, shown, count)
            );
            resting += queue.orders.len();
        }
        let better = |a: i64, b: i64| if side == Side::Buy { a > b } else { a < b };
        assert!(levels.windows(2).all(|w| better(w[0].price, w[1].price)));
        let best = if side == Side::Buy {
            book.best_bid()
        } else {
            book.best_ask()
        };
        assert_eq!(best, levels.first().map(|l| l.price));
    }
    if let (Some(bid), Some(ask)) = (book.best_bid(), book.best_ask()) {
        assert!(bid < ask, "crossed: {bid} {ask}");
    }
    assert_eq!(resting + book.pending_stops().len(), book.live_orders());
}

fn configs() -> [BookConfig; 4] {
    let pro_rata = Algorithm::ProRata { min_allocation: 2 };
    [
        (Algorithm::Fifo, Profile::Reference),
        (pro_rata, Profile::Reference),
    ]
    .into_iter()
    .chain([(Algorithm::Fifo, Profile::Desk), (pro_rata, Profile::Desk)])
    .map(|(algorithm, profile)| BookConfig {
        algorithm,
        profile,
        ids: IdPolicy::Any,
    })
    .collect::<Vec<_>>()
    .try_into()
    .unwrap()
}

#[test]
fn quantity_is_conserved_and_levels_equal_their_queues() {
    for (n, config) in (0..).zip(configs()) {
        for seed in 0..12 {
            let (mut random, mut next) = (Random(seed * 4 + n), 0);
            let (mut book, mut tally, mut out) = (Book::new(config), Tally::default(), Vec::new());
            for now in 0..4000 {
                let op = any_op(&mut random, &mut next, 4);
                out.clear();
                book.apply(now, &op, &mut out);
                tally.note(&op, &out);
                if now % 50 == 0 {
                    check_levels(&book);
                    tally.compare(&book);
                }
            }
            tally.compare(&book);
        }
    }
}

#[test]
fn an_owner_never_trades_with_himself_on_the_desk() {
    for config in configs() {
        let (mut random, mut next, mut book) = (Random(7), 0, Book::new(config));
        let (mut own, mut others) = (0, 0);
        for now in 0..8000 {
            let mut out = Vec::new();
            book.apply(now, &any_op(&mut random, &mut next, 3), &mut out);
            for event in out {
                if let BookEvent::Trade(t) = event {
                    let same = t.maker_owner == t.taker_owner && t.maker_owner != NO_OWNER;
                    *if same { &mut own } else { &mut others } += 1;
                }
            }
        }
        assert!(others > 100);
        assert_eq!(own == 0, config.profile == Profile::Desk);
    }
}

#[test]
fn orders_put_back_behave_as_if_nothing_had_happened() {
    for (n, config) in (0..).zip(configs()) {
        let (mut random, mut next, mut book) = (Random(100 + n), 0, Book::new(config));
        let mut out = Vec::new();
        for now in 0..3000 {
            book.apply(now, &any_op(&mut random, &mut next, 4), &mut out);
        }
        let mut again = Book::new(config);
        again.restore_last(book.last());
        let resting = [Side::Buy, Side::Sell]
            .into_iter()
            .flat_map(|side| book.queues(side));
        let mut ids: Vec<u64> = resting.flat_map(|q| q.orders).map(|o| o.0).collect();
        ids.extend(book.pending_stops());
        for id in ids {
            again.restore(&restored(&book.order(id).unwrap())).unwrap();
        }
        next += 1;
        for now in 3000..6000 {
            let op = match any_op(&mut random, &mut next, 4) {
                // Ids that ended before the restart are not put back: only fresh ones are asked for here.
                Op::New(order) => {
                    next += 1;
                    Op::New(NewOrder { id: next, ..order })
                }
                other => other,
            };
            let (mut a, mut b) = (Vec::new(), Vec::new());
            book.apply(now, &op, &mut a);
            again.apply(now, &op, &mut b);
            assert_eq!(a, b, "after {op:?}");
        }
    }
}

fn restored(view: &OrderView) -> RestoredOrder {
    let OrderView {
        id,
        owner,
        side,
        order_type,
        tif,
        total: qty,
        display,
        ..
    } = *view;
    RestoredOrder {
        order: NewOrder {
            id,
            owner,
            side,
            order_type,
            tif,
            qty,
            display,
        },
        leaves: view.leaves(),
        visible: Some(view.visible),
        entry: view.entry,
    }
}

#[test]
fn what_cannot_rest_cannot_be_put_back() {
    let mut book = Book::default();
    enter(&mut book, limit(1, Side::Buy, 100, 5));
    let back = |order, leaves| RestoredOrder {
        order,
        leaves,
        visible: None,
        entry: 9,
    };
    let mut refuse = |r: RestoredOrder| book.restore(&r).unwrap_err();
    assert_eq!(
        refuse(back(limit(2, Side::Sell, 100, 5), 5)),
        RestoreError::WouldCross
    );
    assert_eq!(
        refuse(back(market(2, Side::Sell, 5), 5)),
        RestoreError::CannotRest
    );
    let duplicate = RestoreError::Invalid(RejectReason::DuplicateId);
    assert_eq!(refuse(back(limit(1, Side::Buy, 99, 5), 5)), duplicate);
    let size = RestoreError::Invalid(RejectReason::BadQty);
    assert_eq!(refuse(back(limit(2, Side::Buy, 99, 5), 6)), size);
    assert_eq!(refuse(back(limit(2, Side::Buy, 99, 5), 0)), size);
    book.restore(&back(limit(2, Side::Buy, 100, 5), 3)).unwrap();
    let fills = trades(&enter(&mut book, market(10, Side::Sell, 8)));
    assert_eq!(fills, [(1, 10, 100, 5), (2, 10, 100, 3)]);
}

#[test]
fn extreme_numbers_are_refused_or_exact() {
    let mut book = Book::default();
    for id in 1..=3 {
        enter(&mut book, limit(id, Side::Sell, MAX_PRICE, i64::MAX));
    }
    assert_eq!(
        book.levels(Side::Sell).next().unwrap().qty,
        3 * i128::from(i64::MAX)
    );
    let refused = enter(&mut book, limit(4, Side::Buy, i64::MAX, 1));
    assert_eq!(
        refused,
        [BookEvent::Rejected {
            id: 4,
            why: RejectReason::BadPrice
        }]
    );
    let fok = NewOrder {
        tif: TimeInForce::Fok,
        ..market(5, Side::Buy, i64::MAX)
    };
    assert_eq!(trades(&enter(&mut book, fok)), [(1, 5, MAX_PRICE, i64::MAX)]);
    let stop = NewOrder {
        order_type: OrderType::Stop { stop: i64::MAX },
        ..limit(6, Side::Buy, 1, 1)
    };
    enter(&mut book, stop);
    assert_eq!(book.pending_stops(), [6]);
    let modify = Modify {
        id: 2,
        qty: Some(i64::MIN),
        ..Modify::default()
    };
    let refused = apply(&mut book, Op::Modify(modify));
    assert_eq!(
        refused,
        [BookEvent::Rejected {
            id: 2,
            why: RejectReason::BadQty
        }]
    );
}
