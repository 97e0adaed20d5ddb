//! Of the machine: the port, the broker's port, descriptors, the clock.

use super::super::clock::{Clock, wall};
use super::super::health;
use super::super::paths::Paths;
use super::{Finding, Level};
use crate::config::{IbkrSettings, Settings};
use crate::domain::Timestamp;
use rustix::process::{Resource, getrlimit};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// A broker's port that does not answer within this time is not there.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// Descriptors for all connections of the port, all terminals and files.
const DESCRIPTORS: u64 = 4_096;
/// Clocks that differ by more have stepped.
const STEP: i64 = 500_000_000;

/// Whether the port is free, or ours.
pub(super) async fn port(settings: &Settings, paths: &Paths, holder: Option<i32>) -> Vec<Finding> {
    let ours = std::fs::read_to_string(paths.http_address()).ok();
    let ours = ours
        .and_then(|text| text.trim().parse::<SocketAddr>().ok())
        .filter(|_| holder.is_some());
    let wanted = settings.server.listen.as_str();
    if wanted.is_empty() {
        // The engine may have been started with other settings than these.
        return vec![match ours {
            None => Finding::note("port", "server.listen is empty: no port is opened"),
            Some(ours) => Finding::note(
                "port",
                format!(
                    "the engine listens on {ours}; server.listen is empty here: it was started with other settings or flags"
                ),
            ),
        }];
    }
    let Ok(address) = wanted.parse::<SocketAddr>() else {
        let found = format!("server.listen: '{wanted}' is no address and port");
        return vec![Finding::new(
            "port",
            Level::Bad,
            found,
            "write it as 127.0.0.1:7600",
        )];
    };
    if let Some(ours) = ours {
        let same = ours.port() == address.port() || address.port() == 0;
        return vec![match health::ask(paths, "/health").await {
            Ok(_) if same => Finding::ok("port", format!("{ours} is the engine's, and alive")),
            Ok(_) => Finding::new(
                "port",
                Level::Warn,
                format!("the engine listens on {ours}, the settings say {address}"),
                "restart the engine to take the settings",
            ),
            Err(error) => Finding::new(
                "port",
                Level::Bad,
                format!("{ours} should be the engine's: {error}"),
                "see the engine's log",
            ),
        }];
    }
    vec![match TcpListener::bind(address).await {
        Ok(_) => Finding::ok("port", format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::new(
            "port",
            Level::Bad,
            format!("{address} is taken by another program"),
            format!(
                "end it ('ss -ltnp sport = :{}' names it), or choose another server.listen",
                address.port()
            ),
        ),
        Err(error) => Finding::new(
            "port",
            Level::Bad,
            format!("{address} can't be listened on: {error}"),
            "choose an address of this machine and a port from 1024 on",
        ),
    }]
}

/// Whether the broker's port answers.
pub(super) async fn broker(settings: &Settings) -> Vec<Finding> {
    if settings.broker.chosen != "ibkr" {
        let found = format!("{} runs in the engine's process", settings.broker.chosen);
        return vec![Finding::ok("broker", found)];
    }
    let ibkr = &settings.broker.ibkr;
    let ports: Vec<u16> = match ibkr.port() {
        Ok(Some(port)) => vec![port],
        _ => IbkrSettings::PORTS.iter().map(|(_, port)| *port).collect(),
    };
    let mut answered = Vec::new();
    for port in &ports {
        let connecting = TcpStream::connect((ibkr.host.as_str(), *port));
        if matches!(tokio::time::timeout(ANSWERS_WITHIN, connecting).await, Ok(Ok(_))) {
            answered.push(port.to_string());
        }
    }
    let list: Vec<String> = ports.iter().map(ToString::to_string).collect();
    vec![if answered.is_empty() {
        Finding::new(
            "broker",
            Level::Bad,
            format!("{} answers on none of {}", ibkr.host, list.join(", ")),
            "start TWS or IB Gateway and log in; switch on 'Enable ActiveX and Socket Clients' in its API settings",
        )
    } else {
        Finding::ok(
            "broker",
            format!("{} answers on {}", ibkr.host, answered.join(", ")),
        )
    }]
}

/// Whether there are descriptors for the clients that the port takes.
pub(super) fn descriptors(settings: &Settings) -> Finding {
    let most = getrlimit(Resource::Nofile).current;
    let said = most.map_or("no limit".to_owned(), |most| most.to_string());
    let found = format!("{said} file descriptors");
    if settings.server.listen.is_empty() || most.is_none_or(|most| most >= DESCRIPTORS) {
        return Finding::ok("limits", found);
    }
    Finding::new(
        "limits",
        Level::Note,
        format!("{found}: too few for the clients that the port takes"),
        "LimitNOFILE=65536 in the unit, or 'ulimit -n 65536' before it is started (docs/TUNING.md)",
    )
}

/// Steps of the clock, and whether it is in step with the world.
pub(super) fn clock(
    steady: &Clock,
    began: Timestamp,
    newest: Option<Timestamp>,
    engine: Option<(Timestamp, Timestamp)>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let remedy = "let chrony or systemd-timesyncd set the clock, then restart the engine";
    let drift = wall()
        .0
        .saturating_sub(began.0)
        .saturating_sub(steady.now().0.saturating_sub(began.0));
    if drift.abs() > STEP {
        let found = format!("the clock stepped by {} while it was looked at", span(drift));
        findings.push(Finding::new("clock", Level::Warn, found, remedy));
    }
    if let Some((told, here)) = engine {
        let step = here.0.saturating_sub(told.0);
        findings.push(if step.abs() > STEP {
            let found = format!(
                "the machine's clock stepped by {} since the engine began",
                span(step)
            );
            Finding::new("clock", Level::Warn, found, remedy)
        } else {
            Finding::ok("clock", format!("{} off the engine's steady clock", span(step)))
        });
    }
    match newest {
        Some(newest) if newest.0.saturating_sub(wall().0) > STEP => {
            let ahead = span(newest.0.saturating_sub(wall().0));
            let found = format!("the journal's newest entry is {ahead} in the future: the clock went back");
            findings.push(Finding::new("clock", Level::Bad, found, remedy));
        }
        Some(_) if findings.is_empty() => {
            findings.push(Finding::ok(
                "clock",
                "after the journal's newest entry, and steady",
            ));
        }
        _ => {}
    }
    if findings.is_empty() {
        findings.push(Finding::ok("clock", "steady while it was looked at"));
    }
    if std::path::Path::new("/run/systemd/timesync/synchronized").exists() {
        findings.push(Finding::ok("clock", "systemd-timesyncd has set it"));
    } else {
        let found = "not known here whether anybody sets it (no mark of systemd-timesyncd); brokers' offset is not told";
        findings.push(Finding::note("clock", found));
    }
    findings
}

fn span(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ms = ns.unsigned_abs() / 1_000_000;
    format!("{sign}{}.{:03} s", ms / 1_000, ms % 1_000)
}
