//! The doors under a crowd: many who guess passwords, many who are slow, more calls than may be made. What stops things gets
//! through all the same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what only they use"
)]

use super::doors::{PASSWORD, Port, ask};
use super::harness::until;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

const QUIET: &str = "[sim]\nparticipants = false\n";

/// Kilobytes that a process held at most.
fn held(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// How many try; all of `.ci/full`'s where that asks.
fn tries() -> usize {
    let wanted = std::env::var("TRADEWIND_SIGN_INS").ok();
    wanted.and_then(|count| count.parse().ok()).unwrap_or(300)
}

#[test]
fn a_crowd_that_guesses_passwords_takes_neither_memory_nor_cores() {
    let port = Port::open(QUIET);
    port.user("anna", "trade");
    let pid = port.engine.pid();
    // One is looked at, so that what every hash takes is in the first figure.
    assert_eq!(
        port.sign_in(&json!({"user": "anna", "password": PASSWORD}))
            .status,
        200
    );
    let before = held(pid);
    let (looked, waited, next, total) = (
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        tries(),
    );
    let at = port.at;
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= total {
                        return;
                    }
                    let name = if n % 2 == 0 {
                        "anna".to_owned()
                    } else {
                        format!("nobody{n}")
                    };
                    let body = json!({"user": name, "password": format!("guess number {n}")}).to_string();
                    let answer = ask(at, "POST", "/api/v1/auth/sign-in", &[], &body);
                    match answer.status {
                        401 => looked.fetch_add(1, Ordering::Relaxed),
                        429 => {
                            assert!(answer.header("retry-after").is_some(), "{answer:?}");
                            waited.fetch_add(1, Ordering::Relaxed)
                        }
                        _ => panic!("{answer:?}"),
                    };
                }
            });
        }
    });
    let (looked, waited) = (looked.into_inner(), waited.into_inner());
    let after = held(pid);
    println!(
        "{total} tries: {looked} looked at, {waited} told to wait; {before} kB before, {after} kB after"
    );
    assert_eq!(looked + waited, total);
    // Ten are free from one address, and then the waits double: the work does not grow with the crowd.
    assert!(looked <= 30, "{looked} passwords were hashed for one address");
    assert!(after < before + 100_000, "{before} kB became {after} kB");
    // The port answers as before, once this address has a turn again.
    until("health", || {
        (port.ask("GET", "/health", &[], "").status == 200).then_some(())
    });
    let known = port.home.json(&["audit", "verify"]);
    assert_eq!(known["faults"], json!([]));
}

#[test]
fn five_hundred_who_are_slow_hold_up_neither_health_nor_what_stops_things() {
    let port = Port::open(&format!("{QUIET}[server.doors]\nhead_s = 60\ncall_s = 120\n"));
    let key = port.home.json(&["api-key", "add", "brake", "--role", "trade"]);
    let bearer = format!("Bearer {}", key["token"].as_str().unwrap());
    let mut slow: Vec<TcpStream> = (0..500).map(|_| TcpStream::connect(port.at).unwrap()).collect();
    for (n, stream) in slow.iter_mut().enumerate() {
        // Half of a head, or half of a body.
        let words: &[u8] = if n % 2 == 0 {
            b"POST /api/v1/orders/cancel-all HTT"
        } else {
            b"POST /api/v1/auth/sign-in HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"user\""
        };
        stream.write_all(words).unwrap();
    }
    assert_eq!(port.ask("GET", "/health", &[], "").status, 200);
    for (method, path) in [
        ("DELETE", "/api/v1/orders"),
        ("POST", "/api/v1/orders/cancel"),
        ("POST", "/api/v1/risk/halt"),
    ] {
        let answer = port.ask(method, path, &[("Authorization", &bearer)], "");
        // Whatever it is answered with, it is answered while the others still talk.
        assert!(
            answer.status >= 200 && answer.status != 429 && answer.status < 500,
            "{path}: {answer:?}"
        );
    }
    for stream in &mut slow {
        stream.set_nonblocking(true).unwrap();
        let still = stream.read(&mut [0]).unwrap_err();
        assert_eq!(
            still.kind(),
            std::io::ErrorKind::WouldBlock,
            "a slow one was let go first"
        );
    }
}

#[test]
fn one_call_too_many_waits_a_halt_does_not_and_strangers_by_address_stay_out() {
    let port = Port::open(&format!(
        "{QUIET}[server.doors]\ncalls_per_address = 2\nbrakes_per_address = 50\ncors = [\"https://desk.example\"]\n"
    ));
    let key = port.home.json(&["api-key", "add", "brake", "--role", "trade"]);
    let bearer = format!("Bearer {}", key["token"].as_str().unwrap());
    let headers = [("Authorization", bearer.as_str())];
    let refused = (0..200).map(|_| port.ask("GET", "/api/v1/orders", &headers, ""));
    let refused: Vec<_> = refused.filter(|answer| answer.status == 429).collect();
    assert!(refused.len() > 20, "{} of 200", refused.len());
    let wait: u64 = refused[0].header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait));
    for _ in 0..20 {
        let halt = port.ask("POST", "/api/v1/risk/halt", &headers, "");
        assert_ne!(halt.status, 429, "{halt:?}");
    }
    // A page of an origin that is listed may ask, and one that is not may not; a preflight is a call like any other.
    let asked = |origin: &str| {
        until("a call that is taken", || {
            let preflight = [("Origin", origin), ("Access-Control-Request-Method", "GET")];
            let answer = port.ask("OPTIONS", "/api/v1/orders", &preflight, "");
            (answer.status != 429).then_some(answer)
        })
    };
    let listed = asked("https://desk.example");
    assert_eq!(
        (listed.status, listed.header("access-control-allow-origin")),
        (204, Some("https://desk.example"))
    );
    let may_send = listed.header("access-control-allow-headers").unwrap();
    assert!(may_send.contains("idempotency-key"), "{may_send}");
    assert_eq!(asked("https://elsewhere.example").status, 403);
    drop(port);
    let port = Port::open(&format!("{QUIET}[server.doors]\nallow = [\"10.0.0.0/8\"]\n"));
    for path in ["/health", "/api/v1/orders", "/nothing"] {
        let answer = port.ask("GET", path, &[("X-Forwarded-For", "10.0.0.1")], "");
        assert_eq!((answer.status, answer.code()), (403, "FORBIDDEN"), "{path}");
    }
    drop(port);
    // Bodies that are too large or too deep are refused before anybody looks at them.
    let port = Port::open(QUIET);
    let large = format!("{{\"user\":\"{}\"}}", "a".repeat(100_000));
    assert_eq!(port.ask("POST", "/api/v1/auth/sign-in", &[], &large).status, 413);
    let deep = "[".repeat(5_000);
    let answer = port.ask("POST", "/api/v1/auth/sign-in", &[], &deep);
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("deeper"), "{answer:?}");
}
