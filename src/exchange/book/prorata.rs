//! Pro-rata matching of one level: rounds in which everybody on display shares by size, the remainder going
//! first come, first served.

use super::matching::{print, pull};
use super::slab::Taker;
use super::{Book, BookEvent, NO_OWNER};

impl Book {
    /// Trades with one level in one round. What icebergs show afterwards is the next round's.
    pub(super) fn allocate(
        &mut self,
        taker: &mut Taker,
        opposite: usize,
        key: i64,
        min_allocation: i64,
        out: &mut Vec<BookEvent>,
    ) {
        let level = self.ladders[opposite].level_mut(key);
        if self.profile.prevents_self_trade() && taker.owner != NO_OWNER {
            let own = level
                .queue(&self.slab)
                .filter(|(_, order)| order.owner == taker.owner);
            let own: Vec<u32> = own.map(|(at, _)| at).collect();
            for at in own {
                pull(level, &mut self.slab, at, out);
            }
        }
        // The scratch space is the book's, so that no operation allocates once it has grown.
        self.shares.clear();
        self.shares
            .extend(level.queue(&self.slab).map(|(at, order)| (at, order.visible)));
        if i128::from(taker.leaves) < level.visible {
            share_out(&mut self.shares, taker.leaves, level.visible, min_allocation);
        }
        for &(at, qty) in self.shares.iter().filter(|(_, qty)| *qty > 0) {
            print(taker, level, &mut self.slab, at, qty, out);
        }
        if level.count == 0 {
            self.ladders[opposite].vacate(key);
        }
        if !self.shares.is_empty() {
            self.printed(key.abs());
        }
    }
}

/// Turns what each order shows (`total` together) into its share of `qty`, which is less than `total`.
fn share_out(shares: &mut [(u32, i64)], qty: i64, total: i128, min_allocation: i64) {
    let mut rest = qty;
    let share = |visible: i64| {
        // Below `visible`, as qty < total.
        let part = i64::try_from(i128::from(qty) * i128::from(visible) / total).unwrap_or(0);
        if part < min_allocation { 0 } else { part }
    };
    rest -= shares.iter().map(|(_, visible)| share(*visible)).sum::<i64>();
    for (_, slot) in shares {
        let part = share(*slot);
        let more = rest.min(*slot - part);
        rest -= more;
        *slot = part + more;
    }
}
