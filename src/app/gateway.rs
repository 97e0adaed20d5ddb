//! The gateway's process: takes the profile's lock, opens the exchange and the ledger, listens for TWS clients and for an
//! operator's words, and runs until it is stopped.

use super::brokers::population;
use super::clock::Clock;
use super::logging;
use super::mistake::Mistake;
use super::paths::Paths;
use super::run_lock::{self, RunLock};
use super::serve::{build, signals};
use crate::config::Loaded;
use crate::domain::AccountId;
use crate::gateway::server::{self, Order};
use crate::gateway::{Gateway, Ledger};
use crate::venue::{AccountSetup, SqliteBooks, Venue, VenueSettings};
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot, watch};

/// Operator's words on their way to the core.
const ORDERS: usize = 64;
/// The longest words that are taken.
const LONGEST_WORDS: u64 = 4_096;

/// How a gateway is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on.
    pub listen: IpAddr,
    /// The port; 0 picks a free one.
    pub port: u16,
    /// The accounts to open.
    pub accounts: Vec<String>,
    /// Faults to begin with.
    pub scenario: Option<PathBuf>,
}

/// Runs a gateway in this process until it is stopped.
///
/// # Errors
/// Something runs in this profile, or what it needs can't be opened: in words, with the remedy.
pub fn run(loaded: &Loaded, paths: &Paths, options: &Options, watch_pid: Option<i32>) -> Result<()> {
    let Some(lock) = RunLock::take(paths)? else {
        let holder = run_lock::holder(paths).map_or(String::new(), |pid| format!(" (process {pid})"));
        bail!(
            "a gateway or an engine runs in this profile already{holder}: stop it, or give another --profile"
        );
    };
    let settings = &loaded.settings;
    let guard = logging::start(paths, "gateway", &settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let ended = runtime.block_on(listen(loaded, paths, options, watch_pid));
    runtime.shutdown_timeout(Duration::from_secs(2));
    let _ = std::fs::remove_file(paths.gateway_socket());
    if let Err(error) = &ended {
        tracing::error!("{error:#}");
    }
    drop(guard);
    drop(lock);
    ended
}

async fn listen(loaded: &Loaded, paths: &Paths, options: &Options, watch_pid: Option<i32>) -> Result<()> {
    let clock = Clock::start();
    let venue = open_venue(loaded, paths, &options.accounts, &clock)?;
    let ledger = Ledger::open(&paths.gateway())?;
    let broker = crate::domain::BrokerId::new("sim")?;
    let mut gateway = Gateway::open(venue, broker, ledger, loaded.settings.sim.seed)?;
    if let Some(path) = &options.scenario {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("the scenario {} can't be read", path.display()))?;
        gateway
            .load_scenario(&text)
            .with_context(|| format!("in the scenario {}", path.display()))?;
    }
    let listener = TcpListener::bind((options.listen, options.port))
        .await
        .with_context(|| {
            format!(
                "can't listen on {}:{}: is something there already?",
                options.listen, options.port
            )
        })?;
    let (send, orders) = mpsc::channel(ORDERS);
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(signals(stop, watch_pid));
    let words = bind(paths)?;
    tokio::spawn(take_words(words, send));
    let address = listener.local_addr()?;
    tracing::info!(%address, build = build(), "the gateway listens");
    let mut out = std::io::stdout();
    // Whoever started this may not be there to read it any more.
    let _ = writeln!(out, "listening on {address}").and_then(|()| out.flush());
    let ticking = clock.clone();
    let time: server::Clock = Arc::new(move || (ticking.now(), ticking.uptime()));
    server::serve(listener, gateway, time, orders, stopping).await?;
    Ok(())
}

fn open_venue(loaded: &Loaded, paths: &Paths, accounts: &[String], clock: &Clock) -> Result<Venue> {
    let sim = &loaded.settings.sim;
    let mut settings = VenueSettings::new("sim", sim.seed).context("'sim' is a broker's name")?;
    let usual = settings
        .accounts
        .first()
        .cloned()
        .context("the exchange opens an account by default")?;
    settings.latency = Duration::from_millis(u64::from(sim.latency_ms));
    settings.population = population(&loaded.settings).map_err(Mistake::new)?;
    settings.accounts = accounts
        .iter()
        .map(|name| {
            Ok(AccountSetup {
                account: AccountId::new(name)?,
                ..usual.clone()
            })
        })
        .collect::<Result<_>>()?;
    let books = SqliteBooks::open(&paths.venue())?;
    Ok(Venue::open(settings, Box::new(books), clock.now())?)
}

fn bind(paths: &Paths) -> Result<UnixListener> {
    let socket = paths.gateway_socket();
    // The lock is ours: a socket that is there is a dead one's.
    let _ = std::fs::remove_file(&socket);
    let listener =
        UnixListener::bind(&socket).with_context(|| format!("can't listen on {}", socket.display()))?;
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Takes an operator's words from the private socket: one line each, answered by one.
async fn take_words(listener: UnixListener, orders: mpsc::Sender<Order>) {
    while let Ok((stream, _)) = listener.accept().await {
        let orders = orders.clone();
        tokio::spawn(async move {
            let (reader, mut writer) = stream.into_split();
            let mut lines = BufReader::new(reader.take(LONGEST_WORDS)).lines();
            let Ok(Some(words)) = lines.next_line().await else {
                return;
            };
            let (answer, answered) = oneshot::channel();
            if orders.send(Order { words, answer }).await.is_err() {
                return;
            }
            let text = match answered.await {
                Ok(Ok(done)) => format!("done {done}\n"),
                Ok(Err(why)) => format!("refused {why}\n"),
                Err(_) => "refused the gateway stops\n".to_owned(),
            };
            let _ = writer.write_all(text.as_bytes()).await;
        });
    }
}

/// Says an operator's words to the gateway of this profile and answers what it did.
///
/// # Errors
/// No gateway runs here, or the words mean nothing to it.
pub async fn fault(paths: &Paths, words: &str) -> Result<String> {
    let socket = paths.gateway_socket();
    let mut stream = UnixStream::connect(&socket).await.with_context(|| {
        format!(
            "no gateway runs in this profile (nothing listens on {}): 'tradewind gateway' starts one",
            socket.display()
        )
    })?;
    let line = words.replace(['\n', '\r'], " ");
    stream.write_all(format!("{line}\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    match answer.trim_end().split_once(' ') {
        Some(("done", done)) => Ok(done.to_owned()),
        Some((_, why)) => bail!("{why}"),
        None => bail!("the gateway ended without an answer"),
    }
}
