//! Two books to measure against: the least work that matching can be, and the book one would write first.

use super::workload::{Kind, Step, Sums};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Yardstick: ordered maps of queues, the book one would write first.
#[derive(Default)]
pub struct MapBook {
    pub bids: BTreeMap<u32, VecDeque<(u32, u32)>>,
    pub asks: BTreeMap<u32, VecDeque<(u32, u32)>>,
    pub places: HashMap<u32, (bool, u32)>,
    pub ended: Vec<u32>,
    pub sums: Sums,
}

impl MapBook {
    pub fn step(&mut self, step: &Step) {
        match step.kind {
            Kind::Limit => {
                let left = self.take(step.buy, step.price, step.qty);
                if left > 0 {
                    let side = if step.buy { &mut self.bids } else { &mut self.asks };
                    side.entry(step.price).or_default().push_back((step.id, left));
                    self.places.insert(step.id, (step.buy, step.price));
                }
            }
            Kind::Cancel => self.cancel(step.id),
            Kind::Market => {
                self.take(step.buy, if step.buy { u32::MAX } else { 0 }, step.qty);
            }
        }
    }

    pub fn cancel(&mut self, id: u32) {
        let Some((buy, price)) = self.places.remove(&id) else {
            return;
        };
        let side = if buy { &mut self.bids } else { &mut self.asks };
        let queue = side.get_mut(&price).expect("a placed order has a level");
        queue.retain(|order| order.0 != id);
        if queue.is_empty() {
            side.remove(&price);
        }
        self.sums.cancels += 1;
        self.ended.push(id);
    }

    pub fn take(&mut self, buy: bool, limit: u32, mut left: u32) -> u32 {
        while left > 0 {
            let best = if buy {
                self.asks.first_entry()
            } else {
                self.bids.last_entry()
            };
            let Some(mut best) = best else { break };
            let price = *best.key();
            if (buy && price > limit) || (!buy && price < limit) {
                break;
            }
            let queue = best.get_mut();
            while let Some((id, open)) = queue.front_mut().filter(|_| left > 0) {
                let qty = left.min(*open);
                (*open, left) = (*open - qty, left - qty);
                self.sums.trade(price, qty);
                if *open == 0 {
                    self.places.remove(id);
                    self.ended.push(*id);
                    queue.pop_front();
                }
            }
            if queue.is_empty() {
                best.remove();
            }
        }
        left
    }

    pub fn sums(&self) -> Sums {
        let bid = self.bids.keys().next_back().copied().unwrap_or(0);
        let ask = self.asks.keys().next().copied().unwrap_or(0);
        Sums {
            bid: u64::from(bid),
            ask: u64::from(ask),
            ..self.sums
        }
    }
}

pub const NIL: u32 = u32::MAX;
pub const FLOOR: u32 = 90_000;
pub const LEVELS: u32 = 20_000;

#[derive(Clone, Copy)]
pub struct Node {
    pub qty: u32,
    pub prev: u32,
    pub next: u32,
    pub price: u32,
    pub buy: bool,
}

/// Yardstick: an array of levels, linked queues, records indexed by id. Takes prices of one fixed range only,
/// knows limit, cancel and market, and reports nothing but trades.
pub struct ArrayLadder {
    pub levels: Vec<(u32, u32)>,
    pub nodes: Vec<Node>,
    pub bid: u32,
    pub ask: u32,
    pub trades: Vec<(u32, u32, u32, u32)>,
    pub sums: Sums,
}

impl ArrayLadder {
    pub fn new(steps: usize) -> Self {
        let node = Node {
            qty: 0,
            prev: NIL,
            next: NIL,
            price: 0,
            buy: false,
        };
        Self {
            levels: vec![(NIL, NIL); LEVELS as usize],
            nodes: vec![node; steps],
            bid: FLOOR,
            ask: FLOOR + LEVELS - 1,
            trades: Vec::with_capacity(64),
            sums: Sums::default(),
        }
    }

    #[inline]
    pub fn step(&mut self, step: &Step) {
        self.trades.clear();
        match step.kind {
            Kind::Limit => {
                let left = self.take(step, step.price);
                if left > 0 {
                    self.rest(step, left);
                }
            }
            Kind::Cancel => {
                if self.nodes[step.id as usize].qty > 0 {
                    self.unlink(step.id);
                    self.nodes[step.id as usize].qty = 0;
                    self.sums.cancels += 1;
                }
            }
            Kind::Market => {
                self.take(step, if step.buy { u32::MAX } else { 0 });
            }
        }
    }

    #[inline]
    pub fn rest(&mut self, step: &Step, qty: u32) {
        let level = &mut self.levels[(step.price - FLOOR) as usize];
        let last = level.1;
        level.1 = step.id;
        if last == NIL {
            level.0 = step.id;
        } else {
            self.nodes[last as usize].next = step.id;
        }
        self.nodes[step.id as usize] = Node {
            qty,
            prev: last,
            next: NIL,
            price: step.price,
            buy: step.buy,
        };
        if step.buy {
            self.bid = self.bid.max(step.price);
        } else {
            self.ask = self.ask.min(step.price);
        }
    }

    #[inline]
    pub fn take(&mut self, step: &Step, limit: u32) -> u32 {
        let mut left = step.qty;
        while left > 0 {
            let price = if step.buy { self.ask } else { self.bid };
            if (step.buy && price > limit) || (!step.buy && price < limit) {
                break;
            }
            let head = self.levels[(price - FLOOR) as usize].0;
            if head == NIL {
                break;
            }
            let maker = &mut self.nodes[head as usize];
            let qty = left.min(maker.qty);
            maker.qty -= qty;
            left -= qty;
            let empty = maker.qty == 0;
            self.trades.push((step.id, head, price, qty));
            self.sums.trade(price, qty);
            if empty {
                self.unlink(head);
            }
        }
        left
    }

    #[inline]
    pub fn unlink(&mut self, id: u32) {
        let node = self.nodes[id as usize];
        let level = &mut self.levels[(node.price - FLOOR) as usize];
        if node.prev == NIL {
            level.0 = node.next;
        } else {
            self.nodes[node.prev as usize].next = node.next;
        }
        if node.next == NIL {
            level.1 = node.prev;
        } else {
            self.nodes[node.next as usize].prev = node.prev;
        }
        if level.0 != NIL {
            return;
        }
        let empty = |price: u32| self.levels[(price - FLOOR) as usize].0 == NIL;
        if node.buy && node.price == self.bid {
            while self.bid > FLOOR && empty(self.bid) {
                self.bid -= 1;
            }
        } else if !node.buy && node.price == self.ask {
            while self.ask < FLOOR + LEVELS - 1 && empty(self.ask) {
                self.ask += 1;
            }
        }
    }

    pub fn sums(&self) -> Sums {
        Sums {
            bid: u64::from(self.bid),
            ask: u64::from(self.ask),
            ..self.sums
        }
    }
}
