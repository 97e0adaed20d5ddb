//! The layered quotes of one market maker in one instrument: ten levels a side around a best bid and ask. Moving it costs
//! only the orders that no longer fit. Who decides where it stands is the crowd or the tape.

use crate::domain::{Price, Quantity, Side, TickTable};
use crate::exchange::OrderNo;

/// Levels a side.
pub(super) const LEVELS: i64 = 10;

/// What a participant wants of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Takes a quote out.
    Cancel { order: OrderNo },
    /// A resting quote of the maker; once it has a number the ladder is told ([`Ladder::add`]).
    Quote {
        side: Side,
        price: Price,
        size: Quantity,
    },
    /// An order of a taker that never rests; without a price it takes what there is.
    Take {
        side: Side,
        price: Option<Price>,
        size: Quantity,
    },
}

/// One quote that rests, as far as the maker knows.
#[derive(Clone, Copy, Debug)]
struct Quote {
    order: OrderNo,
    price: Price,
}

/// The quotes of one maker.
#[derive(Clone, Debug, Default)]
pub(super) struct Ladder {
    sides: [Vec<Quote>; 2],
}

/// Where one side of a ladder shall stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    pub side: Side,
    /// Price of the best level.
    pub edge: Price,
    /// Ticks between levels.
    pub gap: i64,
}

fn index(side: Side) -> usize {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

impl Ladder {
    /// The quote has a number now.
    pub(super) fn add(&mut self, order: OrderNo, side: Side, price: Price) {
        self.sides[index(side)].push(Quote { order, price });
    }

    /// The order is gone, filled or ended.
    pub(super) fn forget(&mut self, order: OrderNo) {
        for side in &mut self.sides {
            side.retain(|quote| quote.order != order);
        }
    }

    /// Takes out what does not fit `stand` any more. Done for both sides before anything is placed, so that a maker never
    /// meets itself.
    pub(super) fn clear(&mut self, stand: &Stand, ticks: &TickTable, acts: &mut Vec<Act>) {
        let last = level(stand, LEVELS - 1, ticks);
        let (low, high) = (stand.edge.min(last), stand.edge.max(last));
        self.sides[index(stand.side)].retain(|quote| {
            let fits = (low..=high).contains(&quote.price);
            if !fits {
                acts.push(Act::Cancel { order: quote.order });
            }
            fits
        });
    }

    /// Takes a whole side out.
    pub(super) fn withdraw(&mut self, side: Side, acts: &mut Vec<Act>) {
        acts.extend(
            self.sides[index(side)]
                .drain(..)
                .map(|quote| Act::Cancel { order: quote.order }),
        );
    }

    /// Takes the quotes at one price out.
    pub(super) fn lift(&mut self, side: Side, price: Price, acts: &mut Vec<Act>) {
        self.sides[index(side)].retain(|quote| {
            if quote.price == price {
                acts.push(Act::Cancel { order: quote.order });
            }
            quote.price != price
        });
    }

    /// Takes the `n`th quote of a side out.
    pub(super) fn pull(&mut self, side: Side, n: usize, acts: &mut Vec<Act>) {
        let quotes = &mut self.sides[index(side)];
        if n < quotes.len() {
            acts.push(Act::Cancel {
                order: quotes.swap_remove(n).order,
            });
        }
    }

    /// Asks for what is missing; `size` gives the size of the n-th level.
    pub(super) fn fill(
        &self,
        stand: &Stand,
        ticks: &TickTable,
        mut size: impl FnMut(i64) -> Quantity,
        acts: &mut Vec<Act>,
    ) {
        let near = ticks.tick_at(stand.edge).raw().saturating_mul(stand.gap) / 2;
        for n in 0..LEVELS {
            let price = level(stand, n, ticks);
            let taken = self.sides[index(stand.side)].iter().any(|quote| {
                quote.price == price || n > 0 && quote.price.raw().abs_diff(price.raw()) < near.unsigned_abs()
            });
            let size = size(n);
            if taken || price <= Price::ZERO || !size.is_positive() {
                continue;
            }
            acts.push(Act::Quote {
                side: stand.side,
                price,
                size,
            });
        }
    }
}

/// Price of the n-th level, on a tick.
fn level(stand: &Stand, n: i64, ticks: &TickTable) -> Price {
    let away = ticks
        .tick_at(stand.edge)
        .raw()
        .saturating_mul(stand.gap)
        .saturating_mul(n);
    let price = match stand.side {
        Side::Buy => stand.edge.raw().saturating_sub(away),
        Side::Sell => stand.edge.raw().saturating_add(away),
    };
    ticks.toward_less_risk(Price::from_raw(price), stand.side)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_by_one_tick_costs_one_cancel_and_one_quote_a_side() {
        let ticks = TickTable::uniform("0.01".parse().unwrap()).unwrap();
        let (mut ladder, mut number, mut acts) = (Ladder::default(), 0, Vec::new());
        let mut stand = |bid: &str, ask: &str, acts: &mut Vec<Act>| {
            let stands = [(Side::Buy, bid), (Side::Sell, ask)].map(|(side, edge)| Stand {
                side,
                edge: edge.parse().unwrap(),
                gap: 1,
            });
            for stand in &stands {
                ladder.clear(stand, &ticks, acts);
            }
            for stand in &stands {
                ladder.fill(stand, &ticks, |_| Quantity::ONE, acts);
            }
            for act in acts {
                if let Act::Quote { side, price, .. } = act {
                    number += 1;
                    ladder.add(OrderNo(number), *side, *price);
                }
            }
            let prices = |side: &Vec<Quote>| side.iter().map(|quote| quote.price).collect::<Vec<_>>();
            (
                prices(&ladder.sides[0]).into_iter().max(),
                prices(&ladder.sides[1]).into_iter().min(),
            )
        };
        stand("10.00", "10.01", &mut acts);
        assert_eq!(acts.len(), 20);
        acts.clear();
        let edges = stand("10.01", "10.02", &mut acts);
        assert_eq!(edges, ("10.01".parse().ok(), "10.02".parse().ok()));
        assert_eq!(acts.len(), 4, "{acts:?}");
        assert!(
            acts[..2].iter().all(|act| matches!(act, Act::Cancel { .. })),
            "cancels come first"
        );
    }
}
