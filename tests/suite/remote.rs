//! Terminals elsewhere, with the real program over real sockets: who comes in, what a key allows, and that after every loss
//! a terminal comes back and knows what the engine knows, by hash.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what only they use"
)]

use crate::harness::{Desk, Engine, Home, UNHURRIED, alone, block_on, pause, signal, until, until_right};
use rustix::process::Signal;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tradewind::attach::{AttachError, Attached, Place, Remote, Trust};
use tradewind::domain::{AccountKey, SafeText};
use tradewind::engine::{Command, Outcome, SessionKind};
use tradewind::wire::{Query, Reply};

/// A market in which nobody trades: an engine that is there at once.
const QUIET: &str = "[sim]\nparticipants = false\n";

/// A network that can be cut: nothing passes while it is, and what was on its way arrives afterwards.
struct Network {
    address: SocketAddr,
    cut: watch::Sender<bool>,
}

impl Network {
    fn to(engine: SocketAddr) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, is_cut) = watch::channel(false);
        std::thread::spawn(move || {
            block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while let Ok((near, _)) = listener.accept().await {
                    let is_cut = is_cut.clone();
                    tokio::spawn(async move {
                        whole(&mut is_cut.clone()).await;
                        let Ok(far) = tokio::net::TcpStream::connect(engine).await else {
                            return;
                        };
                        let (near_read, near_write) = near.into_split();
                        let (far_read, far_write) = far.into_split();
                        tokio::join!(
                            pass(near_read, far_write, is_cut.clone()),
                            pass(far_read, near_write, is_cut)
                        );
                    });
                }
            });
        });
        Self { address, cut }
    }
    fn is_cut(&self, cut: bool) {
        self.cut.send(cut).unwrap();
    }
}

async fn whole(is_cut: &mut watch::Receiver<bool>) {
    let _ = is_cut.wait_for(|cut| !cut).await;
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut is_cut: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        whole(&mut is_cut).await;
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
    whole(&mut is_cut).await;
}

/// A terminal elsewhere, of the kind that speaks in sentences.
struct Far {
    child: Child,
    words: ChildStdin,
    said: Arc<Mutex<Vec<String>>>,
}

impl Far {
    fn attach(home: &Home, arguments: &[&str]) -> Self {
        let mut all = vec!["--plain", "attach"];
        all.extend(arguments);
        let mut command = home.command(&all);
        let mut child = command
            .stdin(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (words, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                noted.lock().unwrap().push(line);
            }
        });
        Self { child, words, said }
    }
    fn says(&mut self, line: &str) {
        writeln!(self.words, "{line}").unwrap();
    }
    fn lines(&self) -> usize {
        self.said.lock().unwrap().len()
    }
    /// Waits for a line with these words, after so many that were there before.
    #[track_caller]
    fn hears(&self, after: usize, words: &str) -> String {
        until_right(|| {
            let said = self.said.lock().unwrap();
            let found = said.iter().skip(after).find(|line| line.contains(words));
            found
                .cloned()
                .ok_or_else(|| format!("'{words}' among {:#?}", &said[after.min(said.len())..]))
        })
    }
    /// The last event that it knows and the digest of its state.
    fn state(&mut self) -> (u64, String) {
        let before = self.lines();
        self.says("state");
        let line = self.hears(before, "state: event ");
        let mut words = line.trim_start_matches("state: event ").split(", ");
        (
            words.next().unwrap().parse().unwrap(),
            words.next().unwrap().to_owned(),
        )
    }
    /// Waits until what it knows is what the engine knows, by hash.
    #[track_caller]
    fn knows_what_the_engine_knows(&mut self, home: &Home) {
        until_right(|| {
            let ours = self.state();
            let status = home.json(&["status"]);
            let engine = (
                status["sequence"].as_u64().unwrap(),
                status["state_digest"].as_str().unwrap().to_owned(),
            );
            if ours == engine {
                Ok(())
            } else {
                Err(format!("{ours:?} to be {engine:?}"))
            }
        });
    }
    /// Previews a line and sends it.
    fn orders(&mut self, line: &str) {
        self.says(line);
        self.says("yes");
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ready(home: &Home, arguments: &[&str]) -> (Engine, SocketAddr) {
    let engine = home.serve(arguments);
    let at = home.port();
    // The replica behind the port is in step a moment after the engine.
    until("terminals to be let in", || {
        let nobody = get(at, "/ready");
        (nobody.contains(" 200 ") || nobody.contains("\"TLS\"")).then_some(())
    });
    (engine, at)
}

/// Asks once, in the clear, and reads to the end.
fn get(at: SocketAddr, path: &str) -> String {
    let mut text = String::new();
    if let Ok(mut stream) = TcpStream::connect(at) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
        let _ = write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
        );
        let _ = stream.read_to_string(&mut text);
    }
    text
}

fn quiet() -> Home {
    Home::with(&format!("{UNHURRIED}{QUIET}"))
}

/// A key in a file of its own.
fn key(home: &Home, name: &str, more: &[&str]) -> (String, String) {
    let mut words = vec!["api-key", "add", name];
    words.extend(more);
    let key = home.done(&words).lines().next().unwrap_or_default().to_owned();
    let file = home.folder().join(format!("{name}.key"));
    std::fs::write(&file, &key).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    (key, file.to_string_lossy().into_owned())
}

/// Stops an engine in order and waits for its end.
fn ends(home: &Home, mut engine: Engine) {
    home.done(&["stop"]);
    until("the engine's end", || engine.ended());
}

fn pin(home: &Home) -> String {
    home.json(&["tls", "show"])["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn clients(home: &Home) -> u64 {
    home.json(&["status"])["clients"].as_u64().unwrap()
}

#[test]
fn a_terminal_elsewhere_comes_back_after_every_loss_and_knows_what_the_engine_knows() {
    let home = quiet();
    let (mut engine, at) = ready(&home, &["--listen", "127.0.0.1:0", "--tls"]);
    let (_, key_file) = key(&home, "far", &["--role", "trade"]);
    let network = Network::to(at);
    let place = format!("wss://{}", network.address);
    let pin = pin(&home);
    let arguments = [place.as_str(), "--key-file", &key_file, "--pin", &pin];
    let mut far = Far::attach(&home, &arguments);
    far.hears(0, "attached to the engine");
    far.hears(0, "armed, broker ready");
    far.knows_what_the_engine_knows(&home);
    home.order("buy 10 AAPL @1");
    // A preview made before that is known would be refused as outdated.
    until("the order from here", || {
        let orders = home.list("orders");
        orders
            .iter()
            .any(|order| order["quantity"] == "10" && order["phase"] == "working")
            .then_some(())
    });
    far.knows_what_the_engine_knows(&home);
    far.orders("buy 3 AAPL @1");
    until("the order from elsewhere", || {
        home.list("orders")
            .iter()
            .any(|order| order["quantity"] == "3" && order["phase"] == "working")
            .then_some(())
    });
    far.knows_what_the_engine_knows(&home);

    // The network is cut for ten seconds. What is typed meanwhile is never sent, not afterwards either; what happened
    // meanwhile is known afterwards, and the terminal has its token back.
    let (before, begun) = (far.lines(), Instant::now());
    network.is_cut(true);
    home.order("buy 5 AAPL @1");
    far.hears(before, "LINK LOST");
    far.orders("buy 7 AAPL @1");
    pause(Duration::from_secs(10).saturating_sub(begun.elapsed()));
    let before = far.lines();
    network.is_cut(false);
    far.hears(before, "attached to the engine");
    far.knows_what_the_engine_knows(&home);
    let before = far.lines();
    far.says("account");
    far.hears(before, "armed");
    let before = far.lines();
    far.orders("buy 2 AAPL @1");
    far.hears(before, "BUY 2 AAPL lmt 1.00 day: working");
    let quantity = |order: &serde_json::Value| order["quantity"].as_str().map(str::to_owned);
    assert!(
        !home.list("orders").iter().filter_map(quantity).any(|q| q == "7"),
        "an order left late"
    );

    // Away for longer, the engine ends the session by itself, and with it what it was armed for.
    let before = far.lines();
    network.is_cut(true);
    let cut = Instant::now();
    until("the engine to give the session up", || {
        (clients(&home) == 0).then_some(())
    });
    assert!(cut.elapsed() < Duration::from_secs(60));
    network.is_cut(false);
    far.hears(before, "LINK LOST");
    far.hears(before, "attached to the engine");
    far.knows_what_the_engine_knows(&home);

    // The engine dies and another is started on its journal.
    let before = far.lines();
    engine.kill();
    far.hears(before, "LINK LOST");
    let listen = at.to_string();
    let _engine = home.serve(&["--listen", &listen, "--tls"]);
    far.hears(before, "attached to the engine");
    home.order("buy 1 AAPL @1");
    far.knows_what_the_engine_knows(&home);

    // The terminal dies; orders and positions stay, and the next one knows them.
    let standing = home.standing();
    signal(i32::try_from(far.child.id()).unwrap(), Signal::KILL);
    until("the session to end", || (clients(&home) == 0).then_some(()));
    assert_eq!(home.standing(), standing);
    let mut next = Far::attach(&home, &arguments);
    next.hears(0, "attached to the engine");
    next.knows_what_the_engine_knows(&home);
    home.agrees_with_the_exchange();
}

#[test]
fn only_the_right_key_and_the_right_certificate_open_the_door() {
    let home = quiet();
    let (_engine, at) = ready(&home, &["--listen", "127.0.0.1:0", "--tls"]);
    let (_, good) = key(&home, "good", &["--role", "trade"]);
    let (_, part) = key(&home, "part", &["--role", "trade", "--account", "SIM100002"]);
    let (right, wrong) = (pin(&home), format!("sha256:{}", "0".repeat(64)));
    assert_eq!(
        std::fs::metadata(home.file("tls.pem"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    let said = std::fs::read_to_string(home.folder().join("serve.out")).unwrap();
    assert!(said.contains(&right) && said.contains("https://"), "{said}");
    let place = format!("wss://{at}");
    let attach = |arguments: &[&str]| {
        let mut all = vec!["--plain", "attach"];
        all.extend(arguments);
        home.run(&all)
    };
    // Another certificate than the pinned: loud, with both, and the key stays here.
    attach(&[&place, "--key-file", &good, "--pin", &wrong])
        .refused(1, &["HAS CHANGED", &right, &wrong, "was not shown"]);
    // None is known, and nobody is there to be asked.
    attach(&[&place, "--key-file", &good]).refused(1, &["not known here", &right, "--pin"]);
    attach(&[&place, "--pin", &right]).refused(1, &["TRADEWIND_KEY", "--key-file"]);
    let bad = home.folder().join("bad.key");
    std::fs::write(&bad, "tw_nonsense").unwrap();
    std::fs::set_permissions(&bad, std::fs::Permissions::from_mode(0o600)).unwrap();
    let bad = bad.to_string_lossy().into_owned();
    attach(&[&place, "--key-file", &bad, "--pin", &right]).refused(1, &["key is not known"]);
    attach(&[&place, "--key-file", &part, "--pin", &right]).refused(1, &["some accounts only"]);
    attach(&["wss://tw_key@here", "--key-file", &good]).refused(2, &["never goes into an address"]);
    attach(&["ws://192.0.2.1:7600", "--key-file", &good]).refused(2, &["not encrypted", "wss://"]);
    attach(&[&format!("ws://{at}"), "--key-file", &good]).refused(1, &["this port is encrypted"]);
    attach(&["wss://127.0.0.1:1", "--key-file", &good]).refused(3, &["can't be reached"]);
    assert!(get(at, "/health").contains("use https://"));
    // A key that is taken away ends what it opened.
    let far = Far::attach(&home, &[&place, "--key-file", &good, "--pin", &right]);
    far.hears(0, "attached to the engine");
    home.done(&["api-key", "remove", "good"]);
    far.hears(0, "no longer good");
    assert_eq!(clients(&home), 0);
    assert!(!home.log().contains("tw_"), "a key is in the log");
}

#[test]
fn a_key_that_looks_can_never_trade_and_one_terminal_of_many_holds_the_token() {
    let home = quiet();
    let (_engine, at) = ready(&home, &["--listen", "127.0.0.1:0"]);
    let (look, look_file) = key(&home, "look", &["--role", "view"]);
    let (trade, trade_file) = key(&home, "trade", &["--role", "trade"]);
    let place = format!("ws://{at}");
    let mut first = Far::attach(&home, &[&place, "--key-file", &trade_file]);
    first.hears(0, "armed");
    let mut second = Far::attach(&home, &[&place, "--key-file", &trade_file]);
    second.hears(0, "trading token is elsewhere");
    let onlookers = [
        Far::attach(&home, &[&place, "--key-file", &look_file]),
        Far::attach(&home, &[&place, "--key-file", &trade_file, "--read-only"]),
        Far::attach(&home, &["--read-only"]),
    ];
    for mut onlooker in onlookers {
        onlooker.hears(0, "only looks");
        onlooker.orders("buy 1 AAPL @1");
        onlooker.says("token");
        onlooker.knows_what_the_engine_knows(&home);
    }
    // The token is taken by those who say so, and the one that had it knows.
    second.says("token");
    until("the second to be armed", || {
        let before = second.lines();
        second.says("account");
        second
            .hears(before, "account ")
            .contains(", armed,")
            .then_some(())
    });
    until("the first to know", || {
        let before = first.lines();
        first.says("account");
        first
            .hears(before, "account ")
            .contains("elsewhere")
            .then_some(())
    });
    // What a program of somebody else might send with the same key, past every check of a terminal.
    block_on(async {
        let remote = |key: &str| Remote {
            place: Place::parse(&place).unwrap(),
            key: key.to_owned(),
            trust: Trust::System,
            terminal: String::new(),
        };
        let shell = Attached::connect_remote(&remote(&trade), SessionKind::Shell, "a test").await;
        match shell {
            Err(AttachError::Refused(why)) => assert!(why.as_str().contains("only terminals"), "{why}"),
            other => panic!("{other:?}"),
        }
        let mut eye = Attached::connect_remote(&remote(&look), SessionKind::Terminal, "a test")
            .await
            .unwrap();
        assert_eq!(eye.welcome.kind, SessionKind::Monitor);
        let account: AccountKey = match eye.query(Query::Status).await.unwrap() {
            Reply::Status(status) => status.default_account.unwrap(),
            other => panic!("{other:?}"),
        };
        let halt = Command::CancelAll {
            account,
            instrument: None,
            stops_too: true,
        };
        let arm = Command::Arm {
            account,
            confirmation: SafeText::new("0001"),
        };
        for command in [Command::TakeToken, arm, halt] {
            let outcome = eye.command(command.clone()).await.unwrap();
            assert!(
                matches!(outcome, Outcome::Refused(_) | Outcome::Denied(_)),
                "{command:?}: {outcome:?}"
            );
        }
        for query in [Query::Stop, Query::Connection { up: false }] {
            let reply = eye.query(query.clone()).await.unwrap();
            assert!(matches!(reply, Reply::Failed { .. }), "{query:?}: {reply:?}");
        }
        let mut hand = Attached::connect_remote(&remote(&trade), SessionKind::Terminal, "a test")
            .await
            .unwrap();
        let stop = hand.query(Query::Stop).await.unwrap();
        assert!(matches!(stop, Reply::Failed { reason } if reason.as_str().contains("its own machine")));
    });
    assert!(home.is_ready(), "the engine goes on");
    assert_eq!(home.list("orders"), Vec::<serde_json::Value>::new());
}

#[test]
fn garbage_and_slow_handshakes_harm_nobody() {
    let home = quiet();
    let (_engine, at) = ready(&home, &["--listen", "127.0.0.1:0", "--tls"]);
    let (_, file) = key(&home, "far", &["--role", "trade"]);
    let pin = pin(&home);
    let mut held = Vec::new();
    for n in 0..300_u32 {
        let mut stream = TcpStream::connect(at).unwrap();
        // The first byte of a handshake and no more; a record that is none; nothing at all.
        let words: &[u8] = match n % 3 {
            0 => &[22],
            1 => &[22, 3, 1, 255, 255, 0, 1, 2, 3],
            _ => &[],
        };
        let _ = stream.write_all(words);
        held.push(stream);
    }
    for n in 0..100_u8 {
        let mut stream = TcpStream::connect(at).unwrap();
        let garbage: Vec<u8> = (0..=255_u8)
            .cycle()
            .take(2_000)
            .map(|i| i.wrapping_mul(n).wrapping_add(22))
            .collect();
        let _ = stream.write_all(&garbage);
    }
    let mut far = Far::attach(
        &home,
        &[&format!("wss://{at}"), "--key-file", &file, "--pin", &pin],
    );
    far.hears(0, "attached to the engine");
    far.knows_what_the_engine_knows(&home);
    far.orders("buy 4 AAPL @1");
    until("the order to be recorded", || home.list("orders").pop());
    // Whoever is slow is let go: nothing is left of it.
    for mut stream in held {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        let timed_out = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
        assert!(
            !ended.is_err_and(|error| timed_out(&error)),
            "a slow handshake is still held"
        );
    }
    far.knows_what_the_engine_knows(&home);
}

#[test]
fn a_certificate_is_changed_by_a_signal_and_what_others_reach_is_encrypted_unasked() {
    let (home, other) = (quiet(), quiet());
    // Two certificates, made by two engines that others could reach.
    let (engine, at) = ready(&other, &["--listen", "0.0.0.0:0"]);
    assert!(get(SocketAddr::from(([127, 0, 0, 1], at.port())), "/health").contains("use https://"));
    let made = |home: &Home| std::fs::read(home.file("tls.pem")).unwrap();
    let (first_pin, first) = (pin(&other), made(&other));
    ends(&other, engine);
    std::fs::remove_file(other.file("tls.pem")).unwrap();
    let _other = ready(&other, &["--listen", "0.0.0.0:0"]);
    let (second_pin, second) = (pin(&other), made(&other));
    assert_ne!(first_pin, second_pin);

    let file: PathBuf = home.folder().join("cert.pem");
    let write = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    write(&first);
    let named = file.to_string_lossy().into_owned();
    home.write_config(&format!(
        "{UNHURRIED}{QUIET}[server]\ntls_cert = \"{named}\"\ntls_key = \"{named}\"\n"
    ));
    let (engine, at) = ready(&home, &["--listen", "127.0.0.1:0"]);
    let (_, key_file) = key(&home, "far", &["--role", "trade"]);
    assert_eq!(pin(&home), first_pin);
    let place = format!("wss://{at}");
    let mut inside = Far::attach(&home, &[&place, "--key-file", &key_file, "--pin", &first_pin]);
    inside.hears(0, "attached to the engine");
    // What can't be used changes nothing; what can is shown to those who come from then on.
    write(b"spoiled");
    signal(engine.pid(), Signal::HUP);
    until("the log to say so", || {
        home.log().contains("could not be read again").then_some(())
    });
    write(&second);
    signal(engine.pid(), Signal::HUP);
    until("the log to say so", || {
        home.log().contains("was read again").then_some(())
    });
    let attach = [
        "--plain",
        "attach",
        &place,
        "--key-file",
        &key_file,
        "--pin",
        &first_pin,
    ];
    home.run(&attach).refused(1, &["HAS CHANGED", &second_pin]);
    let newer = Far::attach(&home, &[&place, "--key-file", &key_file, "--pin", &second_pin]);
    newer.hears(0, "attached to the engine");
    inside.knows_what_the_engine_knows(&home);
    assert!(
        !inside
            .said
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.contains("LINK LOST"))
    );
    // Settings that can't be are told by file and remedy before anything is opened.
    ends(&home, engine);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    home.run(&["serve", "--listen", "127.0.0.1:0"])
        .refused(78, &["cert.pem", "chmod 600"]);
}

#[test]
fn a_person_is_asked_about_a_certificate_once_and_a_changed_one_is_refused() {
    let _alone = alone();
    let home = quiet();
    let (engine, at) = ready(&home, &["--listen", "127.0.0.1:0", "--tls"]);
    let (_, file) = key(&home, "far", &["--role", "trade"]);
    let place = format!("wss://{at}");
    let arguments = ["attach", place.as_str(), "--key-file", &file];
    let known = home.folder().join("config/tradewind/known_engines");
    let mut no = Desk::open(&home, &arguments, (120, 40));
    no.shows("shall it be remembered");
    no.types("y\r");
    no.shows("not attached");
    no.ends();
    assert!(!known.exists());
    let mut desk = Desk::open(&home, &arguments, (120, 40));
    desk.shows("shall it be remembered");
    desk.types("yes\r");
    desk.shows("ready");
    desk.shows("ARMED");
    desk.shows(&at.to_string());
    let text = std::fs::read_to_string(&known).unwrap();
    assert_eq!(text, format!("{at} {}\n", pin(&home)));
    drop(desk);
    let again = Desk::open(&home, &arguments, (120, 40));
    again.shows("ready");
    drop(again);
    ends(&home, engine);
    std::fs::remove_file(home.file("tls.pem")).unwrap();
    let listen = at.to_string();
    let (_engine, _) = ready(&home, &["--listen", &listen, "--tls"]);
    home.run(&arguments)
        .refused(1, &["HAS CHANGED", "known_engines", &pin(&home)]);
}
