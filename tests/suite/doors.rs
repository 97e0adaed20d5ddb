//! The doors of the real program, over real sockets: who signs in and how, what a session opens and when it does no more,
//! what a page has to send along, tokens that nobody gave out, and what of it is in the audit log. Crowds are in
//! `doors_crowds`, keys that sign and sockets in `doors_sockets`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what only they use"
)]

use crate::harness::{Engine, Home, pause, until};
use ring::hmac;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::Duration;
use tradewind::app::clock::wall;
use tradewind::server::doors::secret::Secret;
use tradewind::server::doors::totp;

/// Nothing that is asked takes this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// A market that stands still: it is the doors that are looked at.
pub(crate) const QUIET: &str = "[sim]\nparticipants = false\n";
/// Anna's.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or("")
    }
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (given, value) = line.split_once(": ")?;
            given.eq_ignore_ascii_case(name).then_some(value)
        })
    }
    fn text_of(&self, name: &str) -> String {
        let value = self.body[name].as_str();
        value
            .unwrap_or_else(|| panic!("no {name} in {self:?}"))
            .to_owned()
    }
}

/// A port that is open, and the engine behind it.
pub(crate) struct Port {
    pub(crate) home: Home,
    pub(crate) engine: Engine,
    pub(crate) at: SocketAddr,
}

impl Port {
    pub(crate) fn open(config: &str) -> Self {
        let home = Home::with(config);
        let engine = home.serve(&["--listen", "127.0.0.1:0"]);
        let at = home.port();
        Self { home, engine, at }
    }
    /// Asks once, with these header lines.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        ask(self.at, method, path, headers, body)
    }
    pub(crate) fn get(&self, path: &str, token: &str) -> Answer {
        self.ask("GET", path, &[("Authorization", &format!("Bearer {token}"))], "")
    }
    fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        self.ask("POST", path, &[("Authorization", &bearer)], &body.to_string())
    }
    pub(crate) fn sign_in(&self, body: &Value) -> Answer {
        self.ask("POST", "/api/v1/auth/sign-in", &[], &body.to_string())
    }
    /// Makes a user, whose password goes in by standard input.
    pub(crate) fn user(&self, name: &str, role: &str) {
        said(&self.home, &["user", "add", name, "--role", role], PASSWORD);
    }
    /// Signs in with the password alone: access and refresh token.
    fn signed_in(&self, name: &str) -> (String, String) {
        let answer = self.sign_in(&json!({"user": name, "password": PASSWORD}));
        assert_eq!(answer.status, 200, "{answer:?}");
        (answer.text_of("access_token"), answer.text_of("refresh_token"))
    }
    /// A second factor that counts, and its recovery codes.
    fn factor(&self, name: &str) -> (Factor, Vec<String>) {
        let made: Value =
            serde_json::from_str(&self.home.done(&["user", "totp", "enrol", name, "--json"])).unwrap();
        let mut factor = Factor::new(made["secret"].as_str().unwrap());
        let told = said(
            &self.home,
            &["user", "totp", "confirm", name, "--json"],
            &factor.code(),
        );
        let told: Value = serde_json::from_str(&told).unwrap();
        let codes = told["recovery_codes"].as_array().unwrap().iter();
        (
            factor,
            codes.map(|code| code.as_str().unwrap().to_owned()).collect(),
        )
    }
}

pub(crate) fn ask(at: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/json\r\n"
    };
    let length = body.len();
    say(
        at,
        &format!(
            "{method} {path} HTTP/1.1\r\nHost: {at}\r\n{lines}{kind}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ),
    )
}

fn say(at: SocketAddr, words: &str) -> Answer {
    let mut stream = TcpStream::connect(at).expect("the port is open");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(words.as_bytes());
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text.as_str(), ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer {
        status: status.unwrap_or(0),
        head: head.to_owned(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
        text,
    }
}

/// Runs a command that reads this from standard input, and has to go well.
fn said(home: &Home, arguments: &[&str], input: &str) -> String {
    let mut child = home.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    let written = writeln!(child.stdin.take().unwrap(), "{input}");
    let ran = child.wait_with_output().unwrap();
    assert!(
        ran.status.success() && written.is_ok(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).unwrap()
}

/// An authenticator.
struct Factor {
    secret: Vec<u8>,
    used: u64,
}

impl Factor {
    fn new(base32: &str) -> Self {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let (mut secret, mut held, mut bits) = (Vec::new(), 0_u32, 0);
        for letter in base32.bytes() {
            let five = letters.iter().position(|known| *known == letter).unwrap();
            held = ((held << 5) | u32::try_from(five).unwrap()) & 0xffff;
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                secret.push(u8::try_from((held >> bits) & 0xff).unwrap());
            }
        }
        Self { secret, used: 0 }
    }
    /// The earliest code that opens now and was not used; waits for one where there is none.
    fn code(&mut self) -> String {
        let step = until("a code that was not used", || {
            let now = u64::try_from(wall().seconds() / 30).unwrap();
            let step = (self.used + 1).max(now);
            (step <= now + 1).then_some(step)
        });
        self.used = step;
        totp::code(&self.secret, step)
    }
    fn last(&self) -> String {
        totp::code(&self.secret, self.used)
    }
}

#[test]
fn nobody_signs_in_where_nobody_was_made_and_a_wrong_password_waits_longer_each_time() {
    let port = Port::open(QUIET);
    for name in ["admin", ""] {
        let answer = port.sign_in(&json!({"user": name, "password": "admin"}));
        assert_eq!((answer.status, answer.code()), (401, "WRONG"), "{answer:?}");
    }
    assert_eq!(port.ask("GET", "/api/v1/auth/me", &[], "").status, 401);
    port.home
        .run(&["user", "add", "anna", "--password-file", "/nowhere"])
        .refused(1, &["/nowhere"]);
    port.user("anna", "trade");
    let wrong = json!({"user": "anna", "password": "correct horse batterx"});
    for _ in 0..3 {
        assert_eq!(port.sign_in(&wrong).status, 401);
    }
    // From now on it waits, and the right password does too.
    let right = json!({"user": "anna", "password": PASSWORD});
    let wait = |answer: &Answer| -> u64 {
        assert_eq!((answer.status, answer.code()), (429, "TOO_MANY"), "{answer:?}");
        answer.header("retry-after").unwrap().parse().unwrap()
    };
    assert_eq!(wait(&port.sign_in(&right)), 1);
    let mut longest = 0;
    for _ in 0..3 {
        // The next try that is looked at, and the wait that follows.
        until("a try that is looked at", || {
            (port.sign_in(&wrong).status == 401).then_some(())
        });
        let next = wait(&port.sign_in(&right));
        assert!(next > longest, "{next} s after {longest} s");
        longest = next;
    }
    until("the end of the wait", || {
        (port.sign_in(&right).status == 200).then_some(())
    });
    // Being right forgets the slips.
    assert_eq!(port.sign_in(&wrong).status, 401);
    assert_eq!(port.sign_in(&right).status, 200);
}

#[test]
fn a_second_factor_from_enrolling_to_step_up_and_what_admins_do_with_it() {
    let port = Port::open(QUIET);
    port.user("anna", "admin");
    let (access, _) = port.signed_in("anna");
    let no_factor = port.post("/api/v1/auth/step-up", &access, &json!({"code": "123456"}));
    assert_eq!((no_factor.status, no_factor.code()), (403, "NO_SECOND_FACTOR"));
    let again = json!({"password": "not this password"});
    assert_eq!(port.post("/api/v1/auth/totp/enrol", &access, &again).status, 401);
    let begun = port.post("/api/v1/auth/totp/enrol", &access, &json!({"password": PASSWORD}));
    assert!(begun.text_of("uri").starts_with("otpauth://totp/"));
    let mut factor = Factor::new(&begun.text_of("secret"));
    let bad = port.post("/api/v1/auth/totp/confirm", &access, &json!({"code": "000000"}));
    assert_eq!(bad.status, 401);
    // One that is not confirmed is not asked for.
    port.signed_in("anna");
    let confirmed = port.post(
        "/api/v1/auth/totp/confirm",
        &access,
        &json!({"code": factor.code()}),
    );
    let recovery = confirmed.body["recovery_codes"][0].as_str().unwrap().to_owned();
    let alone = port.sign_in(&json!({"user": "anna", "password": PASSWORD}));
    assert_eq!((alone.status, alone.code()), (401, "SECOND_FACTOR"));
    let with = |code: &str| port.sign_in(&json!({"user": "anna", "password": PASSWORD, "code": code}));
    assert_eq!(with(&factor.last()).code(), "WRONG", "a code opened twice");
    let code = factor.code();
    let access = with(&code).text_of("access_token");
    assert_eq!(with(&code).code(), "WRONG", "a code opened twice");
    assert_eq!(with(&recovery).status, 200);
    assert_eq!(with(&recovery).code(), "WRONG", "a recovery code opened twice");
    let me = port.get("/api/v1/auth/me", &access);
    assert_eq!(
        (
            &me.body["role"],
            &me.body["second_factor"],
            &me.body["recovery_codes_left"]
        ),
        (&json!("admin"), &json!(true), &json!(9)),
        "{me:?}"
    );
    // What wants a step-up is refused without, and done with.
    let bert = json!({"name": "bert", "role": "view", "password": "another long password"});
    assert_eq!(port.post("/api/v1/users", &access, &bert).code(), "STEP_UP");
    assert_eq!(port.get("/api/v1/keys", &access).code(), "STEP_UP");
    port.home.order("buy 1 AAPL @100");
    let flatten = json!({"symbol": "AAPL"});
    assert_eq!(
        port.post("/api/v1/risk/flatten", &access, &flatten).code(),
        "STEP_UP"
    );
    let stepped = port.post("/api/v1/auth/step-up", &access, &json!({"code": factor.code()}));
    assert_eq!(stepped.status, 200, "{stepped:?}");
    let flattened = port.post("/api/v1/risk/flatten", &access, &flatten);
    assert_eq!(flattened.status, 202, "{flattened:?}");
    until("what works is cancelled", || {
        let orders = port.home.list("orders");
        orders.iter().all(|row| row["phase"] == "cancelled").then_some(())
    });
    assert_eq!(port.post("/api/v1/users", &access, &bert).status, 201);
    assert_eq!(port.post("/api/v1/users", &access, &bert).code(), "TAKEN");
    let weak = json!({"name": "carl", "role": "view", "password": "short"});
    assert_eq!(port.post("/api/v1/users", &access, &weak).status, 400);
    let key = json!({"name": "bot", "role": "view", "scopes": ["orders"], "days": 1});
    let key = port.post("/api/v1/keys", &access, &key);
    let (token, id) = (key.text_of("token"), key.text_of("id"));
    assert_eq!(port.get("/api/v1/orders", &token).status, 200);
    assert_eq!(
        port.get("/api/v1/positions", &token).status,
        403,
        "out of its scope"
    );
    assert!(!port.get("/api/v1/keys", &access).text.contains(&token));
    let bearer = format!("Bearer {access}");
    let remove = |path: &str| port.ask("DELETE", path, &[("Authorization", &bearer)], "");
    assert_eq!(remove(&format!("/api/v1/keys/{id}")).status, 200);
    assert_eq!(port.get("/api/v1/orders", &token).status, 401);
    // A step-up is its session's alone; and a role is what it is now.
    let (bert, _) = {
        let answer = port.sign_in(&json!({"user": "bert", "password": "another long password"}));
        (answer.text_of("access_token"), ())
    };
    assert_eq!(port.get("/api/v1/users", &bert).code(), "FORBIDDEN");
    assert_eq!(port.get("/api/v1/audit", &bert).code(), "FORBIDDEN");
    assert_eq!(remove("/api/v1/users/anna").code(), "OWN_USER");
    assert_eq!(remove("/api/v1/users/bert").status, 200);
    assert_eq!(port.get("/api/v1/auth/me", &bert).status, 401);
    let log = port.get("/api/v1/audit?limit=200", &access);
    for what in [
        "user.add",
        "key.add",
        "key.remove",
        "user.remove",
        "step-up",
        "sign-in",
    ] {
        let found = log.body["items"].as_array().unwrap().iter().find(|row| {
            let record = &row["record"];
            record["what"] == what && record["who"] == "anna" && record["from"] == "127.0.0.1"
        });
        let found = found.unwrap_or_else(|| panic!("no {what} in {log:?}"));
        assert!(found["record"]["request"].as_str().is_some_and(|id| id.len() > 7));
    }
}

#[test]
fn the_audit_log_tells_what_the_shell_did_and_whose_sign_in_failed() {
    let port = Port::open(QUIET);
    port.user("anna", "admin");
    for (name, password) in [("anna", "not her password"), ("hunter2-my-password", "x")] {
        let answer = port.sign_in(&json!({"user": name, "password": password}));
        assert_eq!(answer.status, 401, "{answer:?}");
    }
    port.home.done(&["halt", "lunch"]);
    port.home
        .run(&["arm-api", "1m", "--key", "nobodys"])
        .refused(2, &["no key 'nobodys'"]);
    let all = until("what was done is in the log", || {
        let all: Value = serde_json::from_str(&port.home.done(&["audit", "list", "--json"])).unwrap();
        let all: Vec<Value> = all
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["record"].clone())
            .collect();
        all.iter().any(|record| record["what"] == "halt").then_some(all)
    });
    let of = |what: &str| -> Vec<&Value> { all.iter().filter(|record| record["what"] == what).collect() };
    let here = |record: &Value| record["who"].as_str().is_some_and(|who| who.contains("uid "));
    let halt = of("halt")[0];
    assert!(
        here(halt) && halt["outcome"] == "done" && halt["from"] == "local",
        "{halt}"
    );
    assert!(halt["detail"].as_str().unwrap().contains("lunch"), "{halt}");
    assert!(here(of("user.add")[0]), "{all:?}");
    let failed = of("sign-in");
    assert_eq!(failed[0]["who"], "anna");
    assert_eq!(failed[0]["detail"], "wrong password or code");
    assert_eq!(failed[1]["who"], "");
    assert!(
        failed[1]["detail"].as_str().unwrap().contains("mark"),
        "{failed:?}"
    );
    assert!(!format!("{all:?}").contains("hunter2"));
}

#[test]
fn a_refresh_token_that_comes_twice_ends_its_session_and_a_session_that_was_ended_opens_nothing() {
    let port = Port::open(QUIET);
    port.user("anna", "trade");
    let (access, refresh) = port.signed_in("anna");
    let (other, _) = port.signed_in("anna");
    let again = |token: &str| {
        let body = json!({"refresh_token": token}).to_string();
        port.ask("POST", "/api/v1/auth/refresh", &[], &body)
    };
    let second = again(&refresh);
    let (newer, next) = (second.text_of("access_token"), second.text_of("refresh_token"));
    assert_eq!(port.get("/api/v1/auth/me", &newer).status, 200);
    // The first comes again: somebody has stolen it, or it was stolen from them. Nobody holds the session any more.
    assert_eq!(again(&refresh).status, 401);
    for token in [&access, &newer] {
        assert_eq!(port.get("/api/v1/auth/me", token).status, 401);
    }
    assert_eq!(again(&next).status, 401);
    for bad in ["", "tr_", "tr_aaaaaaaaaaaaaaaa.0.aaaa", &access] {
        assert_eq!(again(bad).status, 401, "{bad}");
    }
    // Another session of the same user goes on, sees its like, and ends it.
    let (third, _) = port.signed_in("anna");
    let list = port.get("/api/v1/auth/sessions", &other);
    let items = list.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{list:?}");
    let theirs = items.iter().find(|one| one["current"] == false).unwrap();
    let path = format!("/api/v1/auth/sessions/{}", theirs["id"].as_str().unwrap());
    let bearer = format!("Bearer {other}");
    let ended = port.ask("DELETE", &path, &[("Authorization", &bearer)], "");
    assert_eq!(ended.status, 200, "{ended:?}");
    assert_eq!(port.get("/api/v1/auth/me", &third).status, 401);
    // A new password by a person on the machine ends them all; the engine sees it with the next call.
    said(&port.home, &["user", "reset", "anna"], "a different long one");
    assert_eq!(port.get("/api/v1/auth/me", &other).status, 401);
    let old = port.sign_in(&json!({"user": "anna", "password": PASSWORD}));
    assert_eq!(old.code(), "WRONG");
}

#[test]
fn a_page_holds_its_session_by_a_cookie_and_changes_nothing_without_what_it_sends_along() {
    let port = Port::open(QUIET);
    port.user("anna", "trade");
    let answer = port.sign_in(&json!({"user": "anna", "password": PASSWORD, "page": true}));
    assert!(answer.body["access_token"].is_null(), "{answer:?}");
    let cookie = answer.header("set-cookie").unwrap();
    for word in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let csrf = answer.text_of("csrf_token");
    let own = format!("http://{}", port.at);
    let me = port.ask("GET", "/api/v1/auth/me", &[("Cookie", &cookie)], "");
    assert_eq!((me.status, me.text_of("csrf_token")), (200, csrf.clone()));
    let out = |headers: &[(&str, &str)]| port.ask("POST", "/api/v1/auth/sign-out", headers, "");
    assert_eq!(out(&[("Cookie", &cookie)]).code(), "CSRF");
    let near = csrf.replace(&csrf[..1], if csrf.starts_with('a') { "b" } else { "a" });
    assert_eq!(
        out(&[("Cookie", &cookie), ("X-CSRF-Token", &near)]).code(),
        "CSRF"
    );
    let foreign = [
        ("Cookie", cookie.as_str()),
        ("X-CSRF-Token", csrf.as_str()),
        ("Origin", "https://elsewhere.example"),
    ];
    assert_eq!(out(&foreign).code(), "FORBIDDEN");
    // A socket of a page: of ours, yes; of another, no.
    let socket = |origin: &str| {
        port.ask(
            "GET",
            "/ws",
            &[
                ("Cookie", &cookie),
                ("Origin", origin),
                ("Upgrade", "websocket"),
                ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ],
            "",
        )
        .status
    };
    assert_eq!(socket("https://elsewhere.example"), 403);
    assert_eq!(socket("null"), 403);
    // A cookie is no bearer token, nor the other way round.
    let value = cookie.split_once('=').unwrap().1;
    assert_eq!(port.get("/api/v1/auth/me", value).status, 401);
    let (access, _) = port.signed_in("anna");
    let swapped = format!("tradewind={access}");
    assert_eq!(
        port.ask("GET", "/api/v1/auth/me", &[("Cookie", &swapped)], "")
            .status,
        401
    );
    let done = out(&[("Cookie", &cookie), ("X-CSRF-Token", &csrf), ("Origin", &own)]);
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(
        port.ask("GET", "/api/v1/auth/me", &[("Cookie", &cookie)], "")
            .status,
        401
    );
    // What every answer says to a browser.
    for name in [
        "content-security-policy",
        "x-content-type-options",
        "x-request-id",
        "x-frame-options",
    ] {
        assert!(done.header(name).is_some(), "{name}");
    }
    assert_eq!(done.header("cache-control"), Some("no-store"));
    let health = port.ask("GET", "/health", &[("Origin", "https://elsewhere.example")], "");
    assert_eq!(health.header("access-control-allow-origin"), None);
}

/// Base 64 for addresses.
fn base64(bytes: &[u8]) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let byte = |at: usize| u32::from(part.get(at).copied().unwrap_or(0));
        let held = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for at in 0..=part.len() {
            let six = usize::try_from((held >> (18 - 6 * at)) & 63).unwrap();
            text.push(char::from(letters[six]));
        }
    }
    text
}

fn token(key: &hmac::Key, header: &str, body: &str) -> String {
    let words = format!("{}.{}", base64(header.as_bytes()), base64(body.as_bytes()));
    format!("{words}.{}", base64(hmac::sign(key, words.as_bytes()).as_ref()))
}

#[test]
fn forty_tokens_that_nobody_gave_out_open_nothing() {
    let port = Port::open(QUIET);
    port.user("anna", "admin");
    let answer = port.sign_in(&json!({"user": "anna", "password": PASSWORD}));
    let good = answer.text_of("access_token");
    let (session, refresh) = (answer.text_of("session"), answer.text_of("refresh_token"));
    let secret = Secret::open(&port.home.file("doors.secret")).unwrap();
    // Somebody who stole the key itself: only to see that each claim is looked at on its own.
    let ours = secret.key("access tokens");
    let theirs = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
    let now = wall().seconds();
    let header = r#"{"typ":"JWT","alg":"HS256"}"#;
    let profile = answer_profile(&port);
    let claims = |change: &dyn Fn(&mut Value)| {
        let mut claims = json!({"iss": "tradewind", "aud": format!("tradewind/{profile}"), "sub": "anna",
                                "sid": session, "iat": now, "nbf": now, "exp": now + 600});
        change(&mut claims);
        claims.to_string()
    };
    let right = claims(&|_| {});
    assert_eq!(
        port.get("/api/v1/auth/me", &token(&ours, header, &right)).status,
        200,
        "the yardstick of the others"
    );
    let with = |name: &'static str, value: Value| {
        let value = &value;
        claims(&move |claims| claims[name] = value.clone())
    };
    let without = |name: &'static str| {
        claims(&move |claims| {
            claims.as_object_mut().unwrap().remove(name);
        })
    };
    let (words, tag) = good.rsplit_once('.').unwrap();
    let (head, body) = words.split_once('.').unwrap();
    let unsigned = |header: &str| format!("{}.{}.", base64(header.as_bytes()), base64(right.as_bytes()));
    let bad: Vec<(&str, String)> = vec![
        ("alg none", unsigned(r#"{"typ":"JWT","alg":"none"}"#)),
        ("alg None", unsigned(r#"{"typ":"JWT","alg":"None"}"#)),
        (
            "alg NONE, signed",
            token(&ours, r#"{"typ":"JWT","alg":"NONE"}"#, &right),
        ),
        (
            "alg none with our tag",
            format!("{}.{body}.{tag}", base64(br#"{"typ":"JWT","alg":"none"}"#)),
        ),
        ("no alg", token(&ours, r#"{"typ":"JWT"}"#, &right)),
        (
            "alg HS384",
            token(&ours, r#"{"typ":"JWT","alg":"HS384"}"#, &right),
        ),
        (
            "alg HS512",
            token(&ours, r#"{"typ":"JWT","alg":"HS512"}"#, &right),
        ),
        (
            "alg RS256",
            token(&ours, r#"{"typ":"JWT","alg":"RS256"}"#, &right),
        ),
        (
            "alg ES256",
            token(&ours, r#"{"typ":"JWT","alg":"ES256"}"#, &right),
        ),
        (
            "alg EdDSA",
            token(&ours, r#"{"typ":"JWT","alg":"EdDSA"}"#, &right),
        ),
        (
            "alg hs256",
            token(&ours, r#"{"typ":"JWT","alg":"hs256"}"#, &right),
        ),
        (
            "alg twice",
            token(&ours, r#"{"typ":"JWT","alg":"HS256","alg":"none"}"#, &right),
        ),
        (
            "a key of its own",
            token(
                &ours,
                r#"{"typ":"JWT","alg":"HS256","kid":"../../dev/null"}"#,
                &right,
            ),
        ),
        (
            "jku",
            token(
                &ours,
                r#"{"typ":"JWT","alg":"HS256","jku":"http://elsewhere/"}"#,
                &right,
            ),
        ),
        ("another key", token(&theirs, header, &right)),
        (
            "an empty key",
            token(&hmac::Key::new(hmac::HMAC_SHA256, b""), header, &right),
        ),
        ("over", token(&ours, header, &with("exp", json!(now - 1)))),
        ("over just now", token(&ours, header, &with("exp", json!(now)))),
        ("not yet", token(&ours, header, &with("nbf", json!(now + 3_600)))),
        ("no end", token(&ours, header, &without("exp"))),
        ("no beginning", token(&ours, header, &without("nbf"))),
        (
            "an end in words",
            token(&ours, header, &with("exp", json!("9999999999"))),
        ),
        (
            "an end in parts",
            token(&ours, header, &with("exp", json!(9_999_999_999.5))),
        ),
        (
            "another audience",
            token(&ours, header, &with("aud", json!("tradewind/live"))),
        ),
        (
            "several audiences",
            token(
                &ours,
                header,
                &with("aud", json!([format!("tradewind/{profile}")])),
            ),
        ),
        ("no audience", token(&ours, header, &without("aud"))),
        (
            "another issuer",
            token(&ours, header, &with("iss", json!("elsewhere"))),
        ),
        ("no issuer", token(&ours, header, &without("iss"))),
        ("another user", token(&ours, header, &with("sub", json!("bert")))),
        ("no user", token(&ours, header, &with("sub", json!("")))),
        (
            "another session",
            token(&ours, header, &with("sid", json!("aaaaaaaaaaaaaaaa"))),
        ),
        (
            "a role of its own",
            token(&ours, header, &with("role", json!("admin"))),
        ),
        ("no claims", token(&ours, header, "{}")),
        ("no object", token(&ours, header, "[]")),
        ("no JSON", token(&ours, header, "\u{0}\u{1}")),
        ("no tag", format!("{words}.")),
        ("no tag at all", words.to_owned()),
        ("half a tag", format!("{words}.{}", &tag[..20])),
        ("a bit of the tag", format!("{words}.{}", flipped(tag, 5))),
        ("a bit of the body", format!("{head}.{}.{tag}", flipped(body, 9))),
        (
            "a bit of the header",
            format!("{}.{body}.{tag}", flipped(head, 3)),
        ),
        (
            "a last letter",
            format!("{words}.{}", flipped(tag, tag.len() - 1)),
        ),
        ("padding", format!("{good}=")),
        ("four parts", format!("{good}.{tag}")),
        ("one part", good.replace('.', "")),
        ("spaces", format!("{words}. {tag}")),
        (
            "huge",
            token(&ours, header, &with("sub", json!("a".repeat(20_000)))),
        ),
        ("dots", ".".repeat(200)),
        ("the refresh token", refresh),
        ("nothing", String::new()),
        ("a word", "admin".to_owned()),
    ];
    assert!(bad.len() >= 40);
    for (what, token) in &bad {
        let answer = port.get("/api/v1/auth/me", token);
        assert_eq!(
            (answer.status, answer.code()),
            (401, "UNAUTHENTICATED"),
            "{what}: {answer:?}"
        );
    }
    println!("{} bad tokens refused", bad.len());
    assert_eq!(port.get("/api/v1/auth/me", &good).status, 200);
}

/// The profile that tokens of this port name.
fn answer_profile(port: &Port) -> String {
    port.home.json(&["status"])["profile"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// With one letter changed.
fn flipped(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn what_was_changed_in_the_audit_log_is_found_and_named() {
    let port = Port::open(QUIET);
    port.user("anna", "trade");
    for _ in 0..5 {
        port.signed_in("anna");
    }
    let before = until("records", || {
        let list = port.home.json(&["audit", "list"]);
        let list = list.as_array().unwrap().clone();
        (list
            .iter()
            .filter(|row| row["record"]["what"] == "sign-in")
            .count()
            == 5)
            .then_some(list)
    });
    assert_eq!(before[0]["record"]["what"], "user.add");
    let whole = port.home.json(&["audit", "verify"]);
    assert_eq!(whole["faults"], json!([]), "{whole}");
    // The end of the chain is signed in order when the engine stops.
    port.home.done(&["stop"]);
    let whole = until("a signed end", || {
        let report = port.home.json(&["audit", "verify"]);
        (report["covered"] == report["records"]).then_some(report)
    });
    assert_eq!(whole["faults"], json!([]));
    let file = rusqlite::Connection::open(port.home.file("audit.db")).unwrap();
    assert!(
        file.execute_batch("DELETE FROM audit WHERE sequence = 3")
            .is_err()
    );
    file.execute_batch(
        "DROP TRIGGER audit_no_change;
         UPDATE audit SET record = replace(record, 'anna', 'bert') WHERE sequence = 2;",
    )
    .unwrap();
    let found = port.home.run(&["audit", "verify"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.out.contains("record 2 was changed"), "{found:?}");
    assert!(found.out.contains("audit_no_change"), "{found:?}");
}

#[test]
fn no_secret_is_in_a_log_an_answer_or_an_error() {
    let port = Port::open(&format!("{QUIET}[log]\nfilter = \"debug\"\n"));
    port.user("anna", "admin");
    let (mut factor, recovery) = port.factor("anna");
    let wrong = "a wrong but long password";
    let mut answers = vec![
        port.sign_in(&json!({"user": "anna", "password": wrong})),
        // Bodies that can't be understood are told by their place alone.
        port.sign_in(&json!({"user": "anna", "password": PASSWORD, PASSWORD: wrong})),
        port.sign_in(&json!({"user": "anna", "password": {wrong: PASSWORD}})),
        port.sign_in(&json!({"user": PASSWORD, "password": wrong, "code": recovery[1]})),
    ];
    let code = factor.code();
    let answer = port.sign_in(&json!({"user": "anna", "password": PASSWORD, "code": code}));
    let (access, refresh) = (answer.text_of("access_token"), answer.text_of("refresh_token"));
    answers.push(port.post("/api/v1/auth/step-up", &access, &json!({"code": recovery[0]})));
    let key = port.post("/api/v1/keys", &access, &json!({"name": "bot", "role": "view"}));
    let token = key.text_of("token");
    answers.push(port.get("/api/v1/keys", &access));
    answers.push(port.get("/api/v1/users", &access));
    answers.push(port.get("/api/v1/auth/sessions", &access));
    answers.push(port.get("/api/v1/audit?limit=1000", &access));
    answers.push(port.get("/api/v1/orders", &format!("{token}x")));
    answers.push(port.get(&format!("/api/v1/orders/{token}"), &token));
    let page =
        port.sign_in(&json!({"user": "anna", "password": PASSWORD, "code": recovery[2], "page": true}));
    let cookie = page.header("set-cookie").unwrap();
    let cookie = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    pause(Duration::from_millis(300));
    port.home.done(&["stop"]);
    let secret = std::fs::read_to_string(port.home.file("doors.secret")).unwrap();
    let stored = totp::base32(&factor.secret);
    let hidden = [
        PASSWORD,
        wrong,
        &access,
        &refresh,
        &token,
        &cookie,
        secret.trim(),
        &stored,
        &recovery[0],
        &recovery[1],
        &recovery[2],
    ];
    let mut files = Vec::new();
    below(port.home.data(), &mut files);
    files.push(port.home.folder().join("serve.out"));
    let mut looked = 0;
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if name == "doors.secret" {
            continue;
        }
        let bytes = std::fs::read(file).unwrap_or_default();
        looked += 1;
        for secret in hidden {
            let bytes_of = secret.as_bytes();
            assert!(
                !bytes.windows(bytes_of.len()).any(|part| part == bytes_of),
                "'{secret}' is in {name}"
            );
        }
    }
    assert!(looked > 5, "{files:?}");
    for answer in &answers {
        for secret in hidden {
            let own = answer.text.contains("there is no order") || secret == PASSWORD;
            assert!(
                own || !answer.text.contains(secret),
                "'{secret}' is in {answer:?}"
            );
        }
    }
}

fn below(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            below(&entry.path(), files);
        } else if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            files.push(entry.path());
        }
    }
}
