//! The book against the book one would write first, near the touch and all over the range of prices.

use super::*;

/// The book one would write first: ordered maps of plain queues.
#[derive(Default)]
struct MapBook {
    sides: [BTreeMap<i64, Vec<(u64, i64)>>; 2],
}

impl MapBook {
    fn enter(&mut self, order: &NewOrder) -> Vec<(u64, u64, i64, i64)> {
        let bound = match order.order_type {
            OrderType::Limit { price } => limit_key(order.side, price),
            _ => MAX_PRICE,
        };
        let (mut left, mut fills) = (order.qty, Vec::new());
        let opposite = &mut self.sides[side_index(order.side) ^ 1];
        while let Some(mut best) = opposite.first_entry().filter(|e| left > 0 && *e.key() <= bound) {
            let price = best.key().abs();
            let (id, open) = best.get_mut()[0];
            let qty = left.min(open);
            left -= qty;
            fills.push((id, order.id, price, qty));
            best.get_mut()[0].1 -= qty;
            best.get_mut().retain(|o| o.1 > 0);
            if best.get().is_empty() {
                best.remove();
            }
        }
        if left > 0 && order.order_type != OrderType::Market {
            self.sides[side_index(order.side)]
                .entry(-bound)
                .or_default()
                .push((order.id, left));
        }
        fills
    }

    fn cancel(&mut self, id: u64) -> bool {
        let mut found = false;
        for side in &mut self.sides {
            for queue in side.values_mut() {
                let before = queue.len();
                queue.retain(|o| o.0 != id);
                found |= queue.len() < before;
            }
            side.retain(|_, queue| !queue.is_empty());
        }
        found
    }
}

/// Runs limit, market and cancel on both books, with prices as `price` draws them.
fn compare_with_maps(seed: u64, steps: u64, mut price: impl FnMut(&mut Random, u64) -> i64) {
    let (mut book, mut plain, mut random) = (Book::default(), MapBook::default(), Random(seed));
    for id in 1..=steps {
        if random.below(10) < 3 {
            let target = id.saturating_sub(random.below(80).cast_unsigned());
            let cancelled = apply(&mut book, Op::Cancel { id: target });
            let done = matches!(
                cancelled[0],
                BookEvent::Done {
                    why: DoneReason::Cancelled,
                    ..
                }
            );
            assert_eq!(done, plain.cancel(target), "seed {seed}, cancel {target}");
            continue;
        }
        let (side, qty) = (random.side(), 1 + random.below(60));
        let order = match random.below(8) {
            0 => market(id, side, qty),
            _ => limit(id, side, price(&mut random, id), qty),
        };
        assert_eq!(
            trades(&enter(&mut book, order)),
            plain.enter(&order),
            "seed {seed}, order {order:?}"
        );
    }
    check_levels(&book);
    for (side, levels) in [Side::Buy, Side::Sell].into_iter().zip(&plain.sides) {
        let ours: Vec<_> = book.queues(side).map(|q| (q.price, q.orders)).collect();
        let queue = |orders: &[(u64, i64)]| orders.iter().map(|(id, qty)| (*id, *qty, 0)).collect();
        let theirs: Vec<_> = levels
            .iter()
            .map(|(key, orders)| (key.abs(), queue(orders)))
            .collect();
        assert_eq!(ours, theirs, "seed {seed}");
    }
}

#[test]
fn equals_a_book_of_plain_maps_near_the_touch() {
    for seed in 0..20 {
        compare_with_maps(seed, 3000, |random, _| 990 + random.below(20));
    }
}

#[test]
fn equals_a_book_of_plain_maps_whatever_the_price() {
    // Anywhere in the range, at its very ends, and a touch that wanders through many windows.
    for seed in 0..10 {
        compare_with_maps(seed, 4000, |random, _| match random.below(4) {
            0 => 1 + random.below(5),
            1 => MAX_PRICE - random.below(5),
            2 => 1 + random.below(MAX_PRICE),
            _ => 1_000_000 + random.below(9000),
        });
        compare_with_maps(seed, 30_000, |random, id| {
            let drift = i64::try_from(id).unwrap() * 7;
            1_000_000 + drift + random.below(300) - if random.one_in(30) { 6000 } else { 0 }
        });
    }
}
