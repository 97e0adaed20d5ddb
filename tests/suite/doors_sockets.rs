//! Keys that sign, and sockets that a key opened: what one signature opens, and when it is over.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what only they use")]

use crate::doors::{PATIENCE, Port, QUIET};
use crate::harness::until;
use ring::hmac;
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use tradewind::app::clock::wall;
use tradewind::server::doors::secret::hex;

#[test]
fn a_signed_call_opens_once_and_a_key_that_signs_opens_nothing_by_being_shown() {
    let port = Port::open(QUIET);
    let made = port
        .home
        .json(&["api-key", "add", "signer", "--role", "trade", "--signed"]);
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let words = token.strip_prefix(&format!("tws_{id}")).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, words.as_bytes());
    let name = format!("tw_{id}");
    let mac = |method: &str, path: &str, at: i64, nonce: &str| {
        let body = hex(&Sha256::digest(b""));
        let words = format!("{method}\n{path}\n{body}\n{at}\n{nonce}");
        hex(hmac::sign(&key, words.as_bytes()).as_ref())
    };
    let call = |method: &str, path: &str, at: i64, nonce: &str, sent: &str| {
        let headers = [
            ("X-API-Key", name.as_str()),
            ("X-Timestamp", &at.to_string()),
            ("X-Nonce", nonce),
            ("X-Signature", &mac(method, path, at, nonce)),
        ];
        port.ask(method, sent, &headers, "")
    };
    let now = wall().seconds() * 1_000;
    let path = "/api/v1/orders?limit=5";
    assert_eq!(call("GET", path, now, "nonce-number-1", path).status, 200);
    let again = call("GET", path, now, "nonce-number-1", path);
    assert_eq!(again.status, 401);
    assert!(again.text.contains("came before"), "{again:?}");
    let other = call("GET", path, now, "nonce-number-2", "/api/v1/orders?limit=6");
    assert_eq!(other.status, 401, "another address than was signed");
    assert_eq!(
        call("GET", path, now - 40_000, "nonce-number-3", path).status,
        401
    );
    assert_eq!(
        call("GET", path, now + 40_000, "nonce-number-4", path).status,
        401
    );
    assert_eq!(port.get(path, token).status, 401, "shown, not signed");
    assert_eq!(port.get(path, &name).status, 401);

    // A socket that one signature opened reads and stops things, and changes nothing else.
    let upgrade = |path: &str, nonce: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nX-API-Key: {name}\r\nX-Timestamp: {now}\r\nX-Nonce: {nonce}\r\nX-Signature: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: tradewind.v1.json\r\n\r\n",
            port.at,
            mac("GET", path, now, nonce)
        )
    };
    let mut socket = Raw::open(port.at, &upgrade("/ws", "nonce-number-5"));
    socket.hears("hello");
    socket.says(r#"{"op":"call","id":1,"method":"POST","path":"/api/v1/orders","body":{"sentence":"buy 1 AAPL mkt"}}"#);
    socket.hears(r#""code":"SIGNATURE""#);
    socket.says(r#"{"op":"call","id":2,"method":"GET","path":"/api/v1/orders"}"#);
    socket.hears(r#""items":[]"#);
    socket.says(r#"{"op":"call","id":3,"method":"POST","path":"/api/v1/orders/cancel","body":{}}"#);
    socket.hears(r#""cancelled":[]"#);
    let mut terminal = Raw::open(port.at, &upgrade("/terminal", "nonce-number-6"));
    terminal.hears("without --signed");
}

/// A connection in bytes.
struct Raw {
    socket: TcpStream,
    heard: String,
}

impl Raw {
    fn open(at: SocketAddr, upgrade: &str) -> Self {
        let mut socket = TcpStream::connect(at).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(upgrade.as_bytes()).unwrap();
        Self {
            socket,
            heard: String::new(),
        }
    }
    /// Sends a text of fewer than 65,536 bytes.
    fn says(&mut self, text: &str) {
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        let head = [0x81, 0x80 | 126, length[0], length[1], 0, 0, 0, 0];
        self.socket.write_all(&[&head, text.as_bytes()].concat()).unwrap();
    }
    /// Reads on until this was heard.
    fn hears(&mut self, text: &str) {
        let mut part = [0; 4_096];
        until(text, || {
            let count = self.socket.read(&mut part).unwrap();
            self.heard.push_str(&String::from_utf8_lossy(&part[..count]));
            let at = self.heard.find(text)?;
            self.heard.drain(..at + text.len());
            Some(())
        });
    }
}

#[test]
fn a_socket_whose_key_was_taken_away_is_let_go_and_one_that_is_open_counts_as_a_connection() {
    let port = Port::open(&format!("{QUIET}[server.doors]\nconnections_per_address = 8\n"));
    let made = port.home.json(&["api-key", "add", "watcher"]);
    let token = made["token"].as_str().unwrap();
    let upgrade = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: tradewind.v1.json\r\n\r\n",
        port.at
    );
    // Connections that ended a moment ago may hold their places still.
    let open = || {
        until("a place is free", || {
            let mut raw = Raw::open(port.at, &upgrade);
            let mut first = [0; 64];
            let Ok(count @ 1..) = raw.socket.read(&mut first) else {
                return None;
            };
            raw.heard.push_str(&String::from_utf8_lossy(&first[..count]));
            raw.hears("hello");
            Some(raw)
        })
    };
    let mut all: Vec<Raw> = (0..8).map(|_| open()).collect();
    let mut more = Raw::open(port.at, &upgrade);
    let heard = more.socket.read(&mut [0; 64]);
    assert!(!matches!(heard, Ok(1..)), "one connection more was let in");
    drop(all.pop());
    all.push(open());
    let raw = &mut all[0];
    port.home.done(&["api-key", "remove", "watcher"]);
    raw.hears("this key or session is over");
    // To its end: nobody else closes it.
    let _ = raw.socket.read_to_end(&mut Vec::new());
}
