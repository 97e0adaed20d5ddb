//! The rows of the profile table, each proved by the function of its name.

use super::*;

fn desk() -> Book {
    Book::new(BookConfig {
        profile: Profile::Desk,
        ..BookConfig::default()
    })
}

fn owned(owner: u32, order: NewOrder) -> NewOrder {
    NewOrder { owner, ..order }
}

fn stop_order(id: u64, side: Side, stop: i64, qty: i64) -> NewOrder {
    NewOrder {
        order_type: OrderType::Stop { stop },
        ..limit(id, side, 1, qty)
    }
}

fn pulled(id: u64, leaves: i64) -> BookEvent {
    BookEvent::Done {
        id,
        why: DoneReason::SelfTrade,
        leaves,
        owner: 1,
    }
}

/// Two stops at different prices; the first is moved onto the second's and still runs first.
fn pending_stop_modify() {
    for (mut book, allowed) in [(desk(), true), (Book::default(), false)] {
        enter(&mut book, limit(1, Side::Buy, 90, 50));
        enter(&mut book, stop_order(2, Side::Sell, 80, 5));
        enter(&mut book, stop_order(3, Side::Sell, 90, 5));
        let change = Modify {
            id: 2,
            qty: Some(7),
            stop: Some(90),
            price: None,
        };
        let answer = apply(&mut book, Op::Modify(change));
        if !allowed {
            assert_eq!(
                answer,
                [BookEvent::Rejected {
                    id: 2,
                    why: RejectReason::NotModifiable
                }]
            );
            continue;
        }
        assert_eq!(
            answer,
            [BookEvent::Modified {
                id: 2,
                leaves: 7,
                kept: true
            }]
        );
        let fills = trades(&enter(&mut book, market(4, Side::Sell, 1)));
        assert_eq!(fills, [(1, 4, 90, 1), (1, 2, 90, 7), (1, 3, 90, 5)]);
    }
}

fn modified_stop_elects() {
    let mut book = desk();
    enter(&mut book, limit(1, Side::Buy, 90, 50));
    enter(&mut book, market(2, Side::Sell, 1));
    enter(&mut book, stop_order(3, Side::Sell, 80, 5));
    let answer = apply(
        &mut book,
        Op::Modify(Modify {
            id: 3,
            stop: Some(95),
            ..Modify::default()
        }),
    );
    assert_eq!(
        answer[0],
        BookEvent::Modified {
            id: 3,
            leaves: 5,
            kept: true
        }
    );
    assert_eq!(answer[1], BookEvent::Triggered { id: 3 });
    assert_eq!(trades(&answer), [(1, 3, 90, 5)]);
    assert!(book.pending_stops().is_empty());
}

fn self_trade_pulls_resting() {
    let mut book = desk();
    enter(&mut book, owned(1, limit(1, Side::Sell, 100, 5)));
    enter(&mut book, owned(2, limit(2, Side::Sell, 100, 5)));
    enter(&mut book, owned(1, limit(3, Side::Sell, 101, 5)));
    let answer = enter(&mut book, owned(1, limit(4, Side::Buy, 101, 5)));
    assert_eq!(answer[1], pulled(1, 5));
    assert_eq!(trades(&answer), [(2, 4, 100, 5)]);
    // Own orders that are not reached stay, and those of nobody in particular trade with each other.
    assert!(book.order(3).is_some());
    let mut book = desk();
    enter(&mut book, limit(1, Side::Sell, 100, 5));
    assert_eq!(trades(&enter(&mut book, market(2, Side::Buy, 5))).len(), 1);
}

fn self_trade_pro_rata() {
    let algorithm = Algorithm::ProRata { min_allocation: 1 };
    let mut book = Book::new(BookConfig {
        algorithm,
        profile: Profile::Desk,
        ..BookConfig::default()
    });
    enter(&mut book, owned(2, limit(1, Side::Sell, 100, 10)));
    enter(&mut book, owned(1, limit(2, Side::Sell, 100, 80)));
    enter(&mut book, owned(3, limit(3, Side::Sell, 100, 10)));
    let answer = enter(&mut book, owned(1, market(4, Side::Buy, 10)));
    assert_eq!(answer[1], pulled(2, 80));
    assert_eq!(trades(&answer), [(1, 4, 100, 5), (3, 4, 100, 5)]);
}

fn fok_counts_others() {
    let mut book = desk();
    enter(&mut book, owned(1, limit(1, Side::Sell, 100, 5)));
    enter(&mut book, owned(2, limit(2, Side::Sell, 100, 5)));
    let fok = |id, qty| NewOrder {
        tif: TimeInForce::Fok,
        ..owned(1, limit(id, Side::Buy, 100, qty))
    };
    let answer = enter(&mut book, fok(3, 6));
    assert_eq!(
        answer[1],
        BookEvent::Done {
            id: 3,
            why: DoneReason::Fok,
            leaves: 6,
            owner: 1
        }
    );
    assert!(
        book.order(1).is_some(),
        "nothing is pulled for an order that does not trade"
    );
    assert_eq!(trades(&enter(&mut book, fok(4, 5))), [(2, 4, 100, 5)]);
}

#[test]
fn every_row_of_the_profile_table_holds() {
    let proofs: [(&str, fn()); 5] = [
        ("pending_stop_modify", pending_stop_modify),
        ("modified_stop_elects", modified_stop_elects),
        ("self_trade_pulls_resting", self_trade_pulls_resting),
        ("self_trade_pro_rata", self_trade_pro_rata),
        ("fok_counts_others", fok_counts_others),
    ];
    assert_eq!(proofs.map(|(name, _)| name), DESK_DIFFERENCES.map(|row| row.name));
    for (_, proof) in proofs {
        proof();
    }
}
