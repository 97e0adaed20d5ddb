//! A broker whose words arrive damaged: the desk's engine goes on, sends nothing twice, and is ready again once the words are
//! whole. What was booked from a damaged word that could be read is not judged here: no protocol can tell.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use super::pair::Pair;
use crate::gateway::Gateway;
use crate::harness::{Home, until};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Damaged bytes of an ordinary run.
const DAMAGED: usize = 15;

/// A way to the gateway that damages what it says while `noisy`, one byte of a few thousand, and counts them.
#[derive(Clone, Default)]
struct Line {
    noisy: Arc<AtomicBool>,
    damaged: Arc<AtomicUsize>,
}

impl Line {
    fn open(&self, to: SocketAddr) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = self.clone();
        std::thread::spawn(move || {
            for (client, seed) in listener.incoming().map_while(Result::ok).zip(1u64..) {
                let Ok(server) = TcpStream::connect(to) else {
                    continue;
                };
                let (up, down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || pass(client, server, |_| {}));
                let (line, mut chance) = (line.clone(), seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                std::thread::spawn(move || pass(down, up, move |bytes| line.damage(bytes, &mut chance)));
            }
        });
        port
    }
    fn damage(&self, bytes: &mut [u8], chance: &mut u64) {
        let mut next = || {
            *chance ^= *chance << 13;
            *chance ^= *chance >> 7;
            *chance ^= *chance << 17;
            *chance
        };
        for byte in bytes.iter_mut().filter(|_| self.noisy.load(Ordering::Relaxed)) {
            if next() % 3_000 == 0 {
                *byte = next().to_be_bytes()[0];
                self.damaged.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut change: impl FnMut(&mut [u8])) {
    let mut bytes = [0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        change(&mut bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = (
        to.shutdown(std::net::Shutdown::Both),
        from.shutdown(std::net::Shutdown::Both),
    );
}

#[test]
fn damaged_words_of_the_broker_bring_nobody_down_and_double_no_order() {
    let exchange = Home::new();
    let gateway = Gateway::with(&exchange, &["--accounts", "DU100001,DU100002"]);
    let line = Line::default();
    let port = line.open(gateway.address);
    let pair = Pair::behind(exchange, gateway, port, "");
    let wanted = std::env::var("TRADEWIND_FUZZ_DAMAGE")
        .ok()
        .and_then(|n| n.parse().ok());
    let wanted: usize = wanted.unwrap_or(DAMAGED);
    line.noisy.store(true, Ordering::Relaxed);
    let mut placed = 0;
    until("enough damage", || {
        // Refused or sent, by how the link is just now.
        let ran = pair.run(&[
            "order",
            &format!("buy 1 AAPL @{}", 50 + placed),
            "--yes",
            "--arm",
            "0001",
        ]);
        placed += 1;
        assert!(ran.code.is_some_and(|code| code <= 3), "{ran:#?}");
        (line.damaged.load(Ordering::Relaxed) >= wanted).then_some(())
    });
    line.noisy.store(false, Ordering::Relaxed);
    until("a link that is ready", || {
        assert!(pair.run(&["status"]).code.is_some(), "the engine is there");
        (pair.link() == "ready" || pair.link() == "degraded").then_some(())
    });
    let log = pair.log();
    assert!(!log.contains("panicked"), "{log}");
    // Whatever was heard: at the exchange there is no order more than was asked for.
    let books = pair.exchange.books();
    println!(
        "{} bytes damaged, {placed} orders asked for, {} at the exchange",
        line.damaged.load(Ordering::Relaxed),
        books.orders.len()
    );
    assert!(
        books.orders.len() <= placed,
        "{} orders of {placed}",
        books.orders.len()
    );
}
