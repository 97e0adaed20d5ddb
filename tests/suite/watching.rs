//! Watching the real program: figures that a strict reader takes and that move with an order, one id through all of its
//! steps in the log, what the doctor finds, and what a support bundle must not contain.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what only they use"
)]

use crate::harness::{Home, until};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// No busy market: an engine is ready at once on a slow machine too.
const QUIET: &str = "[limits]\nduplicate_window_ms = 0\n[sim]\nparticipants = false\n";

/// Another account offers what the test buys.
fn offered(home: &Home) {
    let words = [
        "order",
        "sell 100 AAPL @200 short",
        "--yes",
        "--account",
        "SIM100002",
    ];
    assert_eq!(home.json(&words)[0]["phase"], "working");
}

/// Asks once: status, head, body.
fn get(at: SocketAddr, path: &str, headers: &str) -> (u16, String, String) {
    say(
        at,
        &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Connection: close\r\n\r\n"),
    )
}

/// Says these bytes and reads to the end.
fn say(at: SocketAddr, words: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(at).expect("the port is open");
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(words.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

/// Samples by name and labels, as a strict reader of format 0.0.4 takes them: every sample below the TYPE of its family,
/// no family twice, no sample twice, names and labels of the allowed characters, numbers that are numbers, buckets that
/// never fall and end with all.
fn parse(text: &str) -> Result<BTreeMap<String, f64>, String> {
    let mut samples = BTreeMap::new();
    let mut families: BTreeMap<String, String> = BTreeMap::new();
    let mut family = String::new();
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    };
    if !text.ends_with('\n') {
        return Err("the last line does not end".into());
    }
    for line in text.lines() {
        let wrong = |what: &str| Err(format!("{what}: {line}"));
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or("no kind")?;
            if !["counter", "gauge", "histogram", "summary"].contains(&kind) {
                return wrong("an unknown kind");
            }
            if families.insert(name.to_owned(), kind.to_owned()).is_some() {
                return wrong("a family twice");
            }
            name.clone_into(&mut family);
            continue;
        }
        if line.starts_with('#') {
            if !line.starts_with("# HELP ") {
                return wrong("a comment of no use");
            }
            continue;
        }
        let (series, number) = line.rsplit_once(' ').ok_or("no number")?;
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let kind = families.get(&family).map_or("", String::as_str);
        let base = if kind == "histogram" {
            ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or("")
        } else {
            name
        };
        if base != family || !is_name(name) {
            return wrong("a sample outside of its family");
        }
        if kind == "counter" && !(name.ends_with("_total")) {
            return wrong("a counter's name ends with _total");
        }
        let labels = labels.strip_suffix('}').ok_or(format!("open labels: {line}"))?;
        for label in labels.split("\",").filter(|label| !label.is_empty()) {
            let (name, value) = label
                .split_once("=\"")
                .ok_or(format!("a label without a value: {line}"))?;
            if !is_name(name) || value.trim_end_matches('"').contains('"') {
                return wrong("a label");
            }
        }
        let number: f64 = number.parse().map_err(|_| format!("no number: {line}"))?;
        if kind == "counter" && number < 0.0 {
            return wrong("a counter below zero");
        }
        if samples.insert(series.to_owned(), number).is_some() {
            return wrong("a sample twice");
        }
    }
    Ok(samples)
}

fn figures(at: SocketAddr) -> BTreeMap<String, f64> {
    let (status, head, body) = get(at, "/metrics", "");
    assert_eq!(status, 200, "{body}");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    let samples = parse(&body).unwrap_or_else(|wrong| panic!("{wrong}"));
    // Buckets of one series never fall, and the last is the count.
    let mut last: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for line in body.lines().filter(|line| line.contains("_bucket{")) {
        let (series, count) = line.rsplit_once(' ').unwrap();
        let (before, bound) = series.split_once("le=\"").unwrap();
        let bound = bound.trim_end_matches("\"}").replace("+Inf", "inf");
        let (bound, count): (f64, f64) = (bound.parse().unwrap(), count.parse().unwrap());
        let before = last.insert(before.to_owned(), (bound, count));
        assert!(before.is_none_or(|(b, c)| b < bound && c <= count), "{line}");
    }
    assert!(last.values().all(|(bound, _)| bound.is_infinite()), "{last:?}");
    samples
}

#[test]
fn figures_move_with_an_order_and_a_strict_reader_takes_them() {
    let home = Home::with(&format!("{QUIET}[log]\nslow_ms = 1\n"));
    let _engine = home.serve(&["--listen", "127.0.0.1:0"]);
    let at = home.port();
    let before = figures(at);
    let sum = |figures: &BTreeMap<String, f64>, name: &str| figures.get(name).copied().unwrap_or(0.0);
    assert!(sum(&before, "tradewind_orders_total{status=\"submitted\"}") < 0.5);
    offered(&home);
    home.order("buy 10 AAPL @200");
    home.run(&["order", "buy 999999 AAPL @200", "--yes"]);
    let after = until("a fill among the figures", || {
        let after = figures(at);
        (sum(&after, "tradewind_orders_total{status=\"filled\"}") >= 1.0).then_some(after)
    });
    for (name, least) in [
        ("tradewind_orders_total{status=\"submitted\"}", 1.0),
        ("tradewind_orders_total{status=\"denied\"}", 1.0),
        ("tradewind_executions_total", 1.0),
        ("tradewind_traded_quantity_total{kind=\"equity\"}", 10.0),
        ("tradewind_traded_value_total{currency=\"USD\"}", 10.0),
        ("tradewind_quotes_total", 1.0),
        ("tradewind_events_total", 5.0),
        ("tradewind_journal_commit_seconds_count", 1.0),
        ("tradewind_order_step_seconds_count{step=\"decide\"}", 1.0),
        ("tradewind_order_step_seconds_count{step=\"commit\"}", 1.0),
        ("tradewind_order_step_seconds_count{step=\"release\"}", 1.0),
        ("tradewind_order_step_seconds_count{step=\"to_broker\"}", 1.0),
        ("tradewind_order_step_seconds_count{step=\"answer\"}", 1.0),
        ("tradewind_link_up{broker=\"sim\"}", 1.0),
        ("tradewind_http_requests_total{status=\"2xx\"}", 1.0),
        ("tradewind_disk_size_bytes{folder=\"profile\"}", 1.0),
        ("tradewind_disk_free_bytes{folder=\"log\"}", 1.0),
        ("process_cpu_seconds_total", 0.001),
        ("process_resident_memory_bytes", 1e6),
        ("process_open_fds", 5.0),
    ] {
        assert!(sum(&after, name) >= least, "{name}: {}", sum(&after, name));
    }
    until("readiness among the figures", || {
        (sum(&figures(at), "tradewind_ready") >= 1.0).then_some(())
    });
    // A caller through a proxy, or one that a page's own name led here, is none of this machine.
    assert_eq!(get(at, "/metrics", "X-Forwarded-For: 10.0.0.1\r\n").0, 401);
    let key = home
        .done(&["api-key", "add", "prometheus", "--role", "view"])
        .trim()
        .to_owned();
    let key = format!("Authorization: Bearer {key}\r\n");
    let through = get(at, "/metrics", &format!("X-Forwarded-For: 10.0.0.1\r\n{key}"));
    assert_eq!(through.0, 200);
    // The same as JSON, with quantiles.
    assert_eq!(get(at, "/api/v1/system/metrics", "").0, 401);
    let (status, _, body) = get(at, "/api/v1/system/metrics", &key);
    assert_eq!(status, 200);
    let json: Value = serde_json::from_str(&body).unwrap();
    // Who was turned away above, and what was read from the port's own copy and what was not.
    assert_eq!(get(at, "/api/v1/orders", &key).0, 200);
    assert_eq!(get(at, "/api/v1/pnl/history", &key).0, 200);
    let told = figures(at);
    for (name, least) in [
        ("tradewind_http_refused_total{status=\"401\"}", 2.0),
        ("tradewind_reads_total{from=\"memory\"}", 2.0),
        ("tradewind_reads_total{from=\"engine\"}", 1.0),
    ] {
        assert!(sum(&told, name) >= least, "{name}: {}", sum(&told, name));
    }
    let steps = json["tradewind_order_step_seconds"]["samples"]
        .as_array()
        .unwrap();
    let commit = steps
        .iter()
        .find(|sample| sample["labels"]["step"] == "commit")
        .unwrap();
    assert!(commit["p50"].as_f64().unwrap() <= commit["p99"].as_f64().unwrap());
    // Slow operations are named with how long they took.
    until("a slow operation in the log", || {
        home.log()
            .lines()
            .find_map(|line| (line.contains("a slow operation") && line.contains("ms=")).then_some(()))
    });
    home.done(&["stop"]);
}

#[test]
fn nobody_reads_figures_that_are_off_and_strangers_none_that_want_a_key() {
    let home = Home::with("[server]\nmetrics = \"off\"\n[sim]\nparticipants = false\n");
    let engine = home.serve(&["--listen", "127.0.0.1:0"]);
    assert_eq!(get(home.port(), "/metrics", "").0, 404);
    home.done(&["stop"]);
    drop(engine);
    home.write_config("[server]\nmetrics = \"key\"\n[sim]\nparticipants = false\n");
    let _engine = home.serve(&["--listen", "127.0.0.1:0"]);
    assert_eq!(get(home.port(), "/metrics", "").0, 401);
    home.done(&["stop"]);
}

#[test]
fn one_id_is_found_in_every_step_of_an_order_in_a_log_of_json_lines() {
    let home = Home::with(&format!("{QUIET}[log]\nformat = \"json\"\n"));
    let _engine = home.serve(&["--listen", "127.0.0.1:0"]);
    offered(&home);
    let sent = home.order("buy 10 AAPL @200");
    let id = sent["client_order_id"].as_str().unwrap().to_owned();
    let wanted = ["submitted", "stored", "sent", "accepted", "executed"];
    let steps = until("all steps in the log", || {
        let log = home.log();
        let lines: Vec<Value> = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect();
        let steps: Vec<String> = lines
            .iter()
            .filter(|line| line["client_order_id"] == id.as_str())
            .map(|line| line["step"].as_str().unwrap_or_default().to_owned())
            .collect();
        wanted
            .iter()
            .all(|step| steps.iter().any(|had| had == step))
            .then_some(steps)
    });
    // In the order in which they happened: durable before it was sent, sent before it was answered.
    let at = |step: &str| steps.iter().position(|had| had == step).unwrap();
    assert!(
        at("submitted") < at("stored") && at("stored") < at("sent") && at("sent") < at("accepted"),
        "{steps:?}"
    );
    // A request over HTTP: its id and the order's meet in one line, and the order goes on under its own.
    let port = home.port();
    let key = home
        .done(&["api-key", "add", "program", "--role", "trade"])
        .trim()
        .to_owned();
    let body = r#"{"sentence": "buy 10 AAPL @200"}"#;
    let answer = say(
        port,
        &format!(
            "POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nX-Request-Id: from-a-program-7\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ),
    );
    let placed: Value = serde_json::from_str(&answer.2).unwrap();
    let wanted = ["asked", "submitted", "stored", "sent", "accepted", "executed"];
    until("a request's order in the log", || {
        let log = home.log();
        let lines: Vec<Value> = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let asked = lines
            .iter()
            .find(|line| line["span"]["request_id"] == "from-a-program-7" && line["step"] == "asked")?;
        let id = &asked["client_order_id"];
        assert!(placed.to_string().contains(id.as_str().unwrap()), "{placed}");
        let had = |step: &&str| {
            lines
                .iter()
                .any(|line| line["client_order_id"] == *id && line["step"] == **step)
        };
        wanted.iter().all(had).then_some(())
    });
    // An id of a request is told back; one that could forge a line is replaced.
    let (_, head, _) = get(port, "/health", "X-Request-Id: abc-123\r\n");
    assert!(head.contains("x-request-id: abc-123"), "{head}");
    let (_, head, _) = get(port, "/health", "X-Request-Id: a\"b c\r\n");
    assert!(
        head.contains("x-request-id: ") && !head.contains("a\"b"),
        "{head}"
    );
    home.done(&["stop"]);
}

/// The doctor's findings of one check.
fn found(report: &Value, check: &str) -> Vec<(String, String)> {
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    findings
        .filter(|finding| finding["check"] == check)
        .map(|finding| (text(finding, "level"), text(finding, "found")))
        .collect()
}

fn doctor(home: &Home, code: i32) -> Value {
    let ran = home.run(&["doctor", "--json"]);
    assert_eq!(ran.code, Some(code), "{ran:#?}");
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn the_doctor_finds_what_is_wrong_and_says_where_settings_came_from() {
    // A value that can't be: the file, the line and the key are named.
    let home = Home::with("[limits]\nmax_live_orders = 0\n");
    let report = doctor(&home, 1);
    let config = found(&report, "config");
    assert_eq!(config[0].0, "bad");
    assert!(
        config[0].1.contains("config.toml") && config[0].1.contains("max_live_orders"),
        "{config:?}"
    );
    // A port that another program has.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    home.write_config(&format!("[server]\nlisten = \"{at}\"\n[terminal]\nfps = 20\n"));
    let report = doctor(&home, 1);
    let port = found(&report, "port");
    assert!(port[0].0 == "bad" && port[0].1.contains("taken"), "{port:?}");
    let settings = report["settings"].as_array().unwrap();
    let fps = settings.iter().find(|row| row["key"] == "terminal.fps").unwrap();
    assert!(
        fps["value"] == "20" && fps["source"].as_str().unwrap().ends_with("config.toml:4"),
        "{fps}"
    );
    // A folder that can't be: a file is in its place.
    drop(taken);
    let file = home.folder().join("file");
    std::fs::write(&file, "").unwrap();
    let other = Home::new().at(&file);
    let disk = found(&doctor(&other, 1), "disk");
    assert!(disk[0].0 == "bad" && disk[0].1.contains("no folder"), "{disk:?}");
    // One that nobody may write, whoever asks.
    if Path::new("/proc/sys").is_dir() {
        let other = Home::new().at("/proc/sys/nowhere");
        let disk = found(&doctor(&other, 1), "disk");
        assert!(
            disk[0].0 == "bad" && disk[0].1.contains("can't be written"),
            "{disk:?}"
        );
    }
    // A broker that is not there.
    home.write_config("[broker.ibkr]\nport = \"1\"\n");
    let broker = found(&doctor(&home, 1), "broker");
    assert!(
        broker[0].0 == "bad" && broker[0].1.contains("none of 1"),
        "{broker:?}"
    );
    // A database that is damaged.
    let home = Home::new();
    std::fs::create_dir_all(home.file("")).unwrap();
    std::fs::write(
        home.file("journal.db"),
        "this is no database, and long enough to be looked at",
    )
    .unwrap();
    let database = found(&doctor(&home, 1), "database");
    assert!(
        database
            .iter()
            .any(|(level, text)| level == "bad" && text.contains("journal.db")),
        "{database:?}"
    );
}

#[test]
fn a_bundle_has_what_helps_and_no_secret() {
    let secrets = [
        "hooks.example.org/T00/B00/s3cr3t",
        "s3cr3t",
        "trader@example.org",
        "SIM100001",
        "SIM100002",
        "/opt/page-me",
    ];
    let home = Home::with(&format!(
        "{QUIET}[log]\nfilter = \"debug\"\n[alerts]\nwebhook = \"https://{}\"\ncommand = [\"/opt/page-me\", \"--token=s3cr3t\"]\nmail_to = [\"trader@example.org\"]\n",
        secrets[0]
    ));
    let _engine = home.serve(&["--listen", "127.0.0.1:0"]);
    let key = home.done(&["api-key", "add", "one"]).trim().to_owned();
    let header = format!("Authorization: Bearer {key}\r\n");
    let _ = get(home.port(), "/api/v1/orders", &header);
    let id = home.order("buy 10 AAPL @200")["client_order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let file = home.folder().join("bundle.zip");
    home.done(&["bundle", file.to_str().unwrap()]);
    let mut zip = zip::ZipArchive::new(std::fs::File::open(&file).unwrap()).unwrap();
    let mut all = BTreeMap::new();
    for at in 0..zip.len() {
        let mut part = zip.by_index(at).unwrap();
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        all.insert(part.name().unwrap().into_owned(), text);
    }
    for part in [
        "versions.json",
        "doctor.json",
        "settings.json",
        "availability.json",
    ] {
        assert!(serde_json::from_str::<Value>(&all[part]).is_ok(), "{part}");
    }
    let log: String = all
        .iter()
        .filter(|(name, _)| name.starts_with("log/engine."))
        .map(|(_, text)| text.as_str())
        .collect();
    assert!(
        log.contains(&id),
        "an order's way can't be followed without its id"
    );
    for (name, text) in &all {
        for secret in secrets.iter().copied().chain([key.as_str(), &key[3..]]) {
            assert!(!text.contains(secret), "{secret} is in {name}");
        }
    }
    // Nobody else's to read, and nothing is written over.
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0);
    home.run(&["bundle", file.to_str().unwrap()])
        .refused(1, &["already"]);
    home.done(&["stop"]);
}

#[test]
fn completions_and_manual_know_every_command() {
    let home = Home::new();
    let help = home.done(&["--help"]);
    let manual = home.done(&["man"]);
    assert!(manual.contains(".TH tradewind 1"), "{manual}");
    for shell in ["bash", "zsh", "fish"] {
        let text = home.done(&["completions", shell]);
        for word in ["doctor", "availability", "api-key"] {
            assert!(help.contains(word) && text.contains(word), "{shell}: no {word}");
        }
    }
    // bash takes it.
    let script = home.folder().join("completions");
    std::fs::write(&script, home.done(&["completions", "bash"])).unwrap();
    let checked = std::process::Command::new("bash").arg("-n").arg(&script).status();
    assert!(checked.is_ok_and(|status| status.success()));
    assert!(home.done(&["man", "doctor"]).contains("tradewind\\-doctor"));
    home.run(&["man", "nothing"]).refused(2, &["no command"]);
    home.run(&["health"]).refused(3, &["no engine"]);
}

/// A certificate that held from one year to another, and its key.
fn certificate(from: i32, until: i32) -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    wanted.not_before = rcgen::date_time_ymd(from, 1, 1);
    wanted.not_after = rcgen::date_time_ymd(until, 1, 1);
    (wanted.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn the_doctor_reads_the_certificate_and_tries_its_key() {
    let home = Home::new();
    let (cert, key) = (home.folder().join("cert.pem"), home.folder().join("key.pem"));
    home.write_config(&format!(
        "[server]\ntls_cert = \"{}\"\ntls_key = \"{}\"\n",
        cert.display(),
        key.display()
    ));
    let look = |pair: (&str, &str)| {
        std::fs::write(&cert, pair.0).unwrap();
        std::fs::write(&key, pair.1).unwrap();
        let ran = home.run(&["doctor", "--json"]);
        found(&serde_json::from_str(&ran.out).unwrap(), "certificate")
    };
    let has = |findings: &[(String, String)], level: &str, words: &str| {
        assert!(
            findings
                .iter()
                .any(|(l, text)| l == level && text.contains(words)),
            "{words}: {findings:?}"
        );
    };
    let (good, old) = (certificate(2020, 2049), certificate(2020, 2021));
    let findings = look((&good.0, &good.1));
    has(&findings, "ok", "holds until 2049-01-01");
    has(&findings, "ok", "the key belongs to it");
    has(&findings, "warn", "every user");
    has(&look((&old.0, &old.1)), "bad", "ended on 2021-01-01");
    has(&look((&good.0, &old.1)), "bad", "does not belong");
    let later = certificate(2048, 2051);
    has(&look((&later.0, &later.1)), "bad", "holds only from 2048-01-01");
    has(&look(("nonsense", &good.1)), "bad", "no certificate");
    assert_eq!(home.run(&["doctor"]).code, Some(1));
}
