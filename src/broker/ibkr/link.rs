//! Keeps a connection, or makes it again for ever: looks for the port where none is written, gives each try a bounded time,
//! says in words why one failed and what helps, and waits longer after each, but not past the moment the port comes up.

use super::contracts::Contracts;
use super::session::{End, Session};
use super::{Env, Inbox};
use crate::broker::Answer;
use crate::domain::{Instrument, SafeText};
use crate::engine::{BrokerEvent, Report, Request};
use ibapi::subscriptions::NoticeStream;
use ibapi::{Client, Error};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpStream;

/// A handshake that takes longer has failed: a peer may accept and stay silent.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A port that takes longer to answer is closed.
const PROBE_WITHIN: Duration = Duration::from_secs(1);
/// How often a port is looked at while nothing listens there.
const PROBE_EVERY: Duration = Duration::from_secs(2);
/// The longest wait between two tries to sign in.
const LONGEST_WAIT: u64 = 30;
/// A connection that held this long begins the waiting anew.
const HELD: Duration = Duration::from_secs(60);
/// How long one question to the broker may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// The oldest server version that the protocol allows.
const OLDEST: i32 = 213;

/// What is said of a connection that a person cut.
pub(super) const CUT: &str = "disconnected by hand: :connect makes the connection again";

/// Why there is no connection.
struct Failure {
    /// In words, with the remedy.
    reason: String,
    /// Nothing listened: it is worth looking again soon.
    closed: bool,
}

/// Runs until stopped.
pub(super) async fn keep(env: Env, known: Vec<Instrument>, mut inbox: Inbox, up: Arc<AtomicBool>) {
    let contracts = Arc::new(Mutex::new(Contracts::new(env.settings.broker, known)));
    let (mut waits, mut reconnects) = (0u32, 0u32);
    let mut said = String::new();
    loop {
        if !*inbox.connected.borrow_and_update() {
            if said != CUT {
                said = CUT.to_owned();
                let reason = SafeText::new(CUT);
                env.event(BrokerEvent::Down { reason }).await;
            }
            let mut wanted = inbox.connected.clone();
            let stopped = tokio::select! {
                ended = wanted.wait_for(|connected| *connected) => ended.is_err(),
                () = refuse(&env, &mut inbox) => true,
            };
            if stopped {
                return;
            }
            said.clear();
            waits = 0;
            continue;
        }
        // Tries that fail alike are one fact, not a line every few seconds of a night.
        if said.is_empty() {
            env.event(BrokerEvent::Connecting).await;
        }
        let tried = tokio::select! {
            tried = connect(&env) => tried,
            () = refuse(&env, &mut inbox) => return,
        };
        let reason = match tried {
            Ok((client, notices, address)) => {
                let begun = env.now();
                let session = Session::new(env.clone(), client, Arc::clone(&contracts), address, reconnects);
                let End { reason, stopped } = session.run(notices, &mut inbox, &up).await;
                up.store(false, Ordering::Release);
                said.clear();
                reconnects = reconnects.saturating_add(1);
                if stopped {
                    return;
                }
                if env.now().since(begun) >= HELD {
                    waits = 0;
                }
                Failure {
                    reason,
                    closed: false,
                }
            }
            Err(failure) => failure,
        };
        if reason.reason == CUT {
            continue;
        }
        if reason.reason != said {
            tracing::warn!(reason = reason.reason, "no connection to TWS or IB Gateway");
            said.clone_from(&reason.reason);
            let told = SafeText::new(&reason.reason);
            if !env.event(BrokerEvent::Down { reason: told }).await {
                return;
            }
        }
        waits = waits.saturating_add(1);
        let pause = pause_after(waits, env.now().0);
        tokio::select! {
            () = wait(&env, pause, reason.closed) => {}
            () = refuse(&env, &mut inbox) => return,
        }
    }
}

/// 1, 2, 4 … 30 s, less up to a quarter of it, so that many programs do not come back at one moment.
fn pause_after(waits: u32, now_ns: i64) -> Duration {
    let whole = 1u64.checked_shl(waits.saturating_sub(1).min(5)).unwrap_or(32);
    let millis = whole.min(LONGEST_WAIT) * 1_000;
    let jitter = now_ns.unsigned_abs() / 1_000 % (millis / 4).max(1);
    Duration::from_millis(millis - jitter)
}

/// Waits before the next sign-in; where nothing listened, only until something does.
async fn wait(env: &Env, pause: Duration, closed: bool) {
    let Some(port) = env.settings.port.filter(|_| closed) else {
        return tokio::time::sleep(pause).await;
    };
    loop {
        tokio::time::sleep(PROBE_EVERY).await;
        if answers(&env.settings.host, port).await {
            return;
        }
    }
}

/// Without a connection nothing leaves, and whoever asks is told so. Ends when the engine stops.
async fn refuse(env: &Env, inbox: &mut Inbox) {
    loop {
        let reason = || SafeText::new("there is no connection to TWS or IB Gateway");
        tokio::select! {
            request = inbox.requests.recv() => {
                let event = match request {
                    None => return,
                    Some(Request::Place { id, .. }) => BrokerEvent::NotSent { id, reason: reason() },
                    Some(Request::Modify { account, id, .. }) => BrokerEvent::Report {
                        account,
                        report: Report::ModifyRejected { id, reason: reason() },
                    },
                    Some(Request::Snapshot { account, pass }) => {
                        BrokerEvent::SnapshotFailed { account, pass, reason: reason() }
                    }
                    // The wish stays with the order and is sent again first thing.
                    Some(Request::Cancel { .. }) => continue,
                };
                env.event(event).await;
            }
            question = inbox.questions.recv() => {
                let Some((_, answer)) = question else { return };
                let _ = answer.send(Answer::Failed(reason()));
            }
            _ = inbox.stop.changed() => return,
        }
    }
}

async fn answers(host: &str, port: u16) -> bool {
    tokio::time::timeout(PROBE_WITHIN, TcpStream::connect((host, port)))
        .await
        .is_ok_and(|connected| connected.is_ok())
}

/// The port that is written, else the first paper one that answers. Live has to be written.
async fn port(env: &Env) -> Result<u16, Failure> {
    let settings = &env.settings;
    if let Some(port) = settings.port {
        return Ok(port);
    }
    let mut found = Vec::new();
    for (name, port) in &settings.usual {
        if answers(&settings.host, *port).await {
            found.push((name, *port));
        }
    }
    let list: Vec<String> = found
        .iter()
        .map(|(name, port)| format!("{name} ({port})"))
        .collect();
    if let Some((_, port)) = found.iter().find(|(name, _)| name.ends_with("paper")) {
        tracing::info!(
            answering = list.join(", "),
            "no port is written; a paper one is used"
        );
        return Ok(*port);
    }
    let host = &settings.host;
    let reason = if found.is_empty() {
        let usual: Vec<String> = settings.usual.iter().map(|(_, port)| port.to_string()).collect();
        format!(
            "nothing answers on {host} at {}: start TWS or IB Gateway, tick 'Enable ActiveX and Socket Clients' in its API settings, or write broker.ibkr.port",
            usual.join(", ")
        )
    } else {
        format!(
            "only {} answers on {host}: a live port is used when it is written, broker.ibkr.port = \"{}\"",
            list.join(" and "),
            found.first().map_or("", |(name, _)| name)
        )
    };
    Err(Failure {
        reason,
        closed: found.is_empty(),
    })
}

async fn connect(env: &Env) -> Result<(Client, NoticeStream, String), Failure> {
    let settings = &env.settings;
    let address = format!("{}:{}", settings.host, port(env).await?);
    let connecting = Client::builder()
        .address(&address)
        .client_id(settings.client_id)
        .max_reconnect_attempts(0)
        .channel_capacity(8_192)
        .one_shot_timeout(ANSWER_WITHIN)
        .connect_with_notice_stream();
    let failed = |reason: String, closed| Failure { reason, closed };
    let error = match tokio::time::timeout(CONNECT_WITHIN, connecting).await {
        Ok(Ok((client, notices))) => return Ok((client, notices, address)),
        Ok(Err(error)) => error,
        Err(_) => {
            return Err(failed(
                format!(
                    "{address} takes the connection and says nothing: in TWS, look for a question on its screen, and for its API settings (trusted addresses, socket clients); is it really TWS that listens there?"
                ),
                false,
            ));
        }
    };
    Err(match error {
        Error::ServerVersion(_, theirs, _) => failed(
            format!(
                "TWS or IB Gateway at {address} is too old: it speaks version {theirs}, {OLDEST} or newer is needed; update it (10.40 or later)"
            ),
            false,
        ),
        Error::ClientIdInUse { client_id } => failed(
            format!(
                "client id {client_id} is in use at {address}: another program has it, or TWS still holds a dead session of ours; it is tried again, another can be set with broker.ibkr.client_id (it would not own the orders of this one)"
            ),
            false,
        ),
        Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => failed(
            format!(
                "nothing listens on {address}: start TWS or IB Gateway, check its API settings (socket port) and broker.ibkr.port"
            ),
            true,
        ),
        Error::Io(error) => failed(format!("{address}: {error}; check broker.ibkr.host"), true),
        Error::ConnectionRejected(why) => failed(
            format!(
                "{address} closed the connection: {why}; in TWS, 'Trusted IPs' and 'Allow connections from localhost only' decide who may come"
            ),
            false,
        ),
        other => failed(format!("{address} can't be used: {other}"), false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_to_half_a_minute_and_never_beyond() {
        for (waits, least, most) in [
            (1, 750, 1_000),
            (2, 1_500, 2_000),
            (5, 12_000, 16_000),
            (6, 22_500, 30_000),
            (99, 22_500, 30_000),
        ] {
            for now in 0..200 {
                let pause = pause_after(waits, now * 7_777_777);
                assert!((least..=most).contains(&pause.as_millis()), "{waits}: {pause:?}");
            }
        }
    }
}
