//! How fast the exchange matches, beside two yardsticks in the same run: a bare array ladder, about the least
//! work that matching can be, and a plain book of ordered maps. One million operations near the touch: 60 %
//! limit orders, 30 % cancels of a random live order, 10 % market orders, about 600 orders alive.
//!
//! `cargo bench --bench matching [-- OPERATIONS [ROUNDS]]`. Each round runs every candidate once, so that a
//! noisy neighbour hits all alike; the table shows medians. Every candidate must reach the same sums.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program that prints a table, and stops if it cannot"
)]

#[path = "matching/floor.rs"]
mod floor;
#[path = "matching/workload.rs"]
mod workload;
#[path = "matching/yardstick.rs"]
mod yardstick;

use floor::Floor;
use std::hint::black_box;
use std::time::Instant;
use tradewind::domain::{Currency, Side};
use tradewind::exchange::book::{
    Book, BookConfig, BookEvent, DoneReason, IdPolicy, NewOrder, Op, OrderType, TimeInForce,
};
use workload::{Kind, STANDARD, STANDARD_STEPS, Step, Sums, small, workload};
use yardstick::{ArrayLadder, MapBook};

/// A step as the book's operation.
#[inline]
fn book_op(step: &Step) -> Op {
    let id = u64::from(step.id);
    let order_type = match step.kind {
        Kind::Cancel => return Op::Cancel { id },
        Kind::Limit => OrderType::Limit {
            price: i64::from(step.price),
        },
        Kind::Market => OrderType::Market,
    };
    Op::New(NewOrder {
        id,
        owner: 1 + step.id % 50,
        side: if step.buy { Side::Buy } else { Side::Sell },
        order_type,
        tif: TimeInForce::Gtc,
        qty: i64::from(step.qty),
        display: None,
    })
}

fn count(sums: &mut Sums, event: &BookEvent) {
    match event {
        BookEvent::Trade(t) => sums.trade(small(t.price), small(t.qty)),
        BookEvent::Done {
            why: DoneReason::Cancelled,
            ..
        } => sums.cancels += 1,
        _ => {}
    }
}

fn book_sums(book: &Book, sums: Sums) -> Sums {
    let price = |p: Option<i64>| u64::from(small(p.unwrap_or(0)));
    Sums {
        bid: price(book.best_bid()),
        ask: price(book.best_ask()),
        ..sums
    }
}

fn run_book(steps: &[Step], ids: IdPolicy) -> Run {
    let mut book = Book::new(BookConfig {
        ids,
        ..BookConfig::default()
    });
    let mut events = Vec::with_capacity(64);
    let begun = Instant::now();
    for step in steps {
        events.clear();
        book.apply(0, &book_op(black_box(step)), &mut events);
        black_box(&events);
    }
    let seconds = begun.elapsed().as_secs_f64();
    Run { seconds, sums: None }
}

/// The same once more, untimed, adding up what the events say.
fn check_book(steps: &[Step], ids: IdPolicy) -> Sums {
    let (mut book, mut events, mut sums) = (
        Book::new(BookConfig {
            ids,
            ..BookConfig::default()
        }),
        Vec::new(),
        Sums::default(),
    );
    for step in steps {
        events.clear();
        book.apply(0, &book_op(step), &mut events);
        events.iter().for_each(|event| count(&mut sums, event));
    }
    book_sums(&book, sums)
}

fn run_exchange(steps: &[Step]) -> Run {
    let mut floor = Floor::new(steps.len());
    let begun = Instant::now();
    for step in steps {
        floor.step(black_box(step));
        black_box(&floor.out);
    }
    Run {
        seconds: begun.elapsed().as_secs_f64(),
        sums: None,
    }
}

/// The same once more, untimed: the sums of its records, and that no money was made or lost.
fn check_exchange(steps: &[Step]) -> Sums {
    let (mut floor, mut sums) = (Floor::new(steps.len()), Sums::default());
    let deposits = floor.exchange.total(Currency::USD);
    for step in steps {
        floor.step(step);
        floor.count(&mut sums);
    }
    assert_eq!(
        floor.exchange.total(Currency::USD),
        deposits,
        "money is conserved"
    );
    floor.sums(sums)
}

struct Run {
    seconds: f64,
    sums: Option<Sums>,
}

fn run_array(steps: &[Step]) -> Run {
    let mut book = ArrayLadder::new(steps.len());
    let begun = Instant::now();
    for step in steps {
        book.step(black_box(step));
        black_box(&book.trades);
    }
    Run {
        seconds: begun.elapsed().as_secs_f64(),
        sums: Some(book.sums()),
    }
}

fn run_maps(steps: &[Step]) -> Run {
    let mut book = MapBook::default();
    let begun = Instant::now();
    for step in steps {
        book.ended.clear();
        book.step(black_box(step));
    }
    Run {
        seconds: begun.elapsed().as_secs_f64(),
        sums: Some(book.sums()),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A name and how to run it once.
type Candidate = (&'static str, fn(&[Step]) -> Run);

const CANDIDATES: [Candidate; 5] = [
    ("array ladder (yardstick)", run_array),
    ("ordered maps (yardstick)", run_maps),
    ("book, ids ascending", |steps| {
        run_book(steps, IdPolicy::Ascending)
    }),
    ("book, ids in any order", |steps| run_book(steps, IdPolicy::Any)),
    ("exchange: settlement and records", run_exchange),
];

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|a| a.parse::<u32>().ok());
    let count = numbers.next().unwrap_or(STANDARD_STEPS);
    let rounds = numbers.next().unwrap_or(7).max(1);
    let steps = workload(count);
    let expected = if count == STANDARD_STEPS {
        STANDARD
    } else {
        run_maps(&steps).sums.expect("sums")
    };
    for ids in [IdPolicy::Ascending, IdPolicy::Any] {
        assert_eq!(check_book(&steps, ids), expected, "the book's sums");
    }
    assert_eq!(check_exchange(&steps), expected, "the exchange's sums");
    let mut seconds: Vec<Vec<f64>> = CANDIDATES.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for ((name, run), times) in CANDIDATES.iter().zip(&mut seconds) {
            let result = run(&steps);
            assert!(
                result.sums.is_none_or(|sums| sums == expected),
                "{name}: {:?}",
                result.sums
            );
            times.push(result.seconds);
        }
    }
    println!("{count} operations, median of {rounds} rounds; sums {expected:?}");
    println!(
        "{:<34} {:>12} {:>10} {:>20}",
        "", "ops/s", "ns/op", "time to yardstick"
    );
    for ((name, _), times) in CANDIDATES.iter().zip(&seconds) {
        let time = median(times.clone());
        let ratio = median(times.iter().zip(&seconds[0]).map(|(a, b)| a / b).collect());
        let (rate, nanos) = (f64::from(count) / time, time * 1e9 / f64::from(count));
        println!("{name:<34} {rate:>12.0} {nanos:>10.1} {ratio:>19.2}x");
    }
}
