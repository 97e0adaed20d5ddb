//! The engine's process: takes the lock, brings the state back, opens the exchange in the box, and runs until it is
//! stopped. The same whether in the foreground (`serve`) or behind a terminal.

use super::clock::Clock;
use super::engine_task::{Ending, EngineParts, EngineTask, FactsOfLife, VenueClock};
use super::logging;
use super::paths::Paths;
use super::queries::Questions;
use super::run_lock::{self, RunLock};
use crate::broker::sim::SimBroker;
use crate::config::{Loaded, Settings};
use crate::domain::{AccountId, BrokerId, Timestamp};
use crate::engine::State;
use crate::market::{Market, Timeframe};
use crate::server;
use crate::store::{BarStore, Journal, JournalSettings, Writer, recover};
use crate::venue::{AccountSetup, Population, Speed, SqliteBooks, Tape, Venue, VenueSettings};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// What the venue says on its way to the engine. When it is full the venue waits: its market stands still.
const FROM_VENUE: usize = 4_096;
/// What sessions want on its way to the engine.
const WANTED: usize = 1_024;
/// Bars of the past that a chart begins with.
const HISTORY: u32 = 600;

/// Version and build of this program, for people.
pub fn build() -> String {
    let kind = if cfg!(debug_assertions) { " debug" } else { "" };
    format!("{}{kind}", env!("CARGO_PKG_VERSION"))
}

/// Runs the engine in this process until it is stopped.
///
/// # Errors
/// Another engine runs here, or something it needs can't be opened: in words, with the remedy.
pub fn serve(loaded: &Loaded, paths: &Paths, watch_pid: Option<i32>) -> Result<()> {
    let Some(lock) = RunLock::take(paths)? else {
        let holder = run_lock::holder(paths).map_or(String::new(), |pid| format!(" (process {pid})"));
        bail!(
            "an engine runs in this profile already{holder}: 'tradewind' attaches to it, 'tradewind stop' stops it"
        );
    };
    let settings = &loaded.settings;
    let logs = if settings.log.directory.is_empty() {
        paths.run()
    } else {
        PathBuf::from(&settings.log.directory)
    };
    let guard = logging::start(&logs, "engine", &settings.log.filter, settings.log.keep_days)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let ending = runtime.block_on(run(loaded, paths, watch_pid));
    runtime.shutdown_timeout(Duration::from_secs(2));
    let _ = std::fs::remove_file(paths.socket());
    if let Err(error) = &ending {
        tracing::error!("{error:#}");
    }
    drop(guard);
    drop(lock);
    match ending? {
        Ending::Stopped => Ok(()),
        Ending::StorageLost => bail!(
            "the journal could not be written even with its reserve: free some space under {} and start again; orders at the broker are unchanged and will be read",
            paths.profile.display()
        ),
    }
}

async fn run(loaded: &Loaded, paths: &Paths, watch_pid: Option<i32>) -> Result<Ending> {
    let settings = &loaded.settings;
    let clock = Clock::start();
    let journal_settings = JournalSettings {
        max_bytes: u64::from(settings.engine.journal_max_mb) << 20,
        reserve_bytes: u64::from(settings.engine.journal_reserve_mb) << 20,
    };
    let (journal, opened) = Journal::open(&paths.journal(), journal_settings, super::clock::wall())?;
    let recovered = recover(&journal)?;
    if let Some(note) = &recovered.note {
        tracing::warn!("{note}");
    }
    tracing::info!(
        events = opened.events,
        replayed = recovered.replayed,
        build = build(),
        "the engine starts"
    );
    let venue = open_venue(settings, paths, clock.now())?;
    for report in venue.tape_reports().iter().filter(|report| !report.is_clean()) {
        tracing::warn!(
            file = report.path,
            good = report.good,
            bad = report.bad,
            broken = report.broken,
            "a tape with bad lines"
        );
        for line in &report.told {
            tracing::warn!("{}:{}: {}", report.path, line.line, line.why);
        }
    }
    // A tape brings its own past with it: bars kept from an earlier play would be its future.
    let bars = if settings.tape.files.is_empty() {
        Some(BarStore::open(&paths.bars())?)
    } else {
        None
    };
    let market = market(&recovered.state, &venue, bars.as_ref());
    let life = life(loaded, &clock, &venue, opened.prefix)?;
    let (tell, venue_says) = mpsc::channel(FROM_VENUE);
    let ticking = clock.clone();
    let broker = BrokerId::new(&settings.broker)?;
    let sim = SimBroker::start(
        broker,
        venue,
        move || (ticking.now(), ticking.uptime()),
        move |said| tell.blocking_send(said).is_ok(),
    )?;
    let questions = Questions::start(&paths.journal(), bars, clock.clone())?;
    let parts = EngineParts {
        state: recovered.state,
        market,
        writer: Writer::start(journal)?,
        questions,
        clock,
        facts_of_life: life,
        broker: (broker, sim),
    };
    let (task, commits) = EngineTask::new(parts);
    let (stop, stopping) = watch::channel(false);
    let (wants, wanted) = mpsc::channel(WANTED);
    let listener = listen(paths)?;
    let door = tokio::spawn(server::serve_local(listener, wants, stopping.clone()));
    tokio::spawn(signals(stop.clone(), watch_pid));
    let ending = tokio::spawn(task.run(commits, venue_says, wanted, stopping)).await;
    // Sessions are told, and get a moment to pass it on.
    let _ = stop.send(true);
    let _ = door.await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    ending.context("the engine's task ended in a panic; the next start recovers from the journal")
}

fn listen(paths: &Paths) -> Result<UnixListener> {
    let socket = paths.socket();
    let listener =
        UnixListener::bind(&socket).with_context(|| format!("can't listen on {}", socket.display()))?;
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Ends the engine in order on SIGTERM and SIGINT; a hang-up is not for an engine. `watch_pid` is a process that the
/// engine must not outlive.
pub(super) async fn signals(stop: watch::Sender<bool>, watch_pid: Option<i32>) {
    let (Ok(mut term), Ok(mut int), Ok(mut hup)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::hangup()),
    ) else {
        tracing::error!("signals can't be listened to");
        return;
    };
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = term.recv() => break,
            _ = int.recv() => break,
            _ = hup.recv() => {}
            _ = tick.tick() => {
                let pid = watch_pid.and_then(rustix::process::Pid::from_raw);
                if pid.is_some_and(|pid| rustix::process::test_kill_process(pid).is_err()) {
                    break;
                }
            }
        }
    }
    tracing::info!("asked to stop by a signal");
    let _ = stop.send(true);
}

fn open_venue(settings: &Settings, paths: &Paths, now: Timestamp) -> Result<Venue> {
    if settings.broker != "sim" {
        bail!(
            "no broker '{}' in this version: use --broker sim",
            settings.broker.escape_default()
        );
    }
    let sim = &settings.sim;
    let mut venue = VenueSettings::new(&settings.broker, sim.seed).context("'sim' is a broker's name")?;
    venue.latency = Duration::from_millis(u64::from(sim.latency_ms));
    venue.accounts = sim.accounts.iter().map(account).collect::<Result<_>>()?;
    venue.population = population(settings)?;
    let books = SqliteBooks::open(&paths.venue())?;
    Ok(Venue::open(venue, Box::new(books), now)?)
}

fn account(account: &crate::config::SimAccount) -> Result<AccountSetup> {
    let id = AccountId::new(&account.id)?;
    let base = account
        .cash
        .iter()
        .max_by_key(|(_, amount)| **amount)
        .map_or(crate::domain::Currency::USD, |(currency, _)| *currency);
    let base = if account.cash.contains_key(&crate::domain::Currency::USD) {
        crate::domain::Currency::USD
    } else {
        base
    };
    Ok(AccountSetup {
        account: id,
        base,
        cash: account.cash.clone(),
    })
}

pub(super) fn population(settings: &Settings) -> Result<Population> {
    let tape = &settings.tape;
    if tape.files.is_empty() {
        return Ok(if settings.sim.participants {
            Population::Crowd
        } else {
            Population::Nobody
        });
    }
    let files: Vec<PathBuf> = tape.files.iter().map(PathBuf::from).collect();
    let start = match tape.start.as_str() {
        "" => None,
        text => Some(
            Timestamp::parse(text)
                .with_context(|| format!("tape.start '{text}' is no time such as 2013-10-07T13:30:00Z"))?,
        ),
    };
    Ok(Population::Tape(
        Box::new(Tape::open(&files, start)?),
        speed(tape.speed),
    ))
}

/// Thousandths of the recorded speed; zero is as fast as the machine can.
fn speed(speed: f64) -> Speed {
    let thousandths = (speed * 1_000.0).round().clamp(0.0, 1e9);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range just now"
    )]
    match thousandths as u64 {
        0 => Speed::Max,
        thousandths => Speed::Thousandths(thousandths),
    }
}

/// A market with a past: the exchange's own history, and over it the bars that were really built.
fn market(state: &State, venue: &Venue, bars: Option<&BarStore>) -> Market {
    let mut market = Market::new();
    for instrument in state.instruments.values().chain(venue.instruments()) {
        market.list(instrument.clone());
    }
    for instrument in venue.instruments() {
        for timeframe in Timeframe::BASE.into_iter().chain([Timeframe::Day]) {
            market.set_bars(
                instrument.id,
                timeframe,
                venue.history(instrument.id, timeframe, HISTORY as usize, venue.now()),
            );
            match bars.map(|bars| bars.newest(instrument.id, timeframe, HISTORY)) {
                Some(Ok(stored)) => market.set_bars(instrument.id, timeframe, stored),
                Some(Err(error)) => tracing::warn!(%error, "stored bars can't be read"),
                None => {}
            }
        }
    }
    market
}

/// Tapes of which not everything could be used, in a line each; the log has more of their lines.
fn bad_tapes(venue: &Venue) -> Vec<String> {
    let mut notices = Vec::new();
    for report in venue.tape_reports().iter().filter(|report| !report.is_clean()) {
        let file = report.path.rsplit('/').next().unwrap_or_default();
        let first = report
            .told
            .first()
            .map_or(String::new(), |bad| format!("; line {}: {}", bad.line, bad.why));
        let broken = report
            .broken
            .as_ref()
            .map_or(String::new(), |why| format!("; {why}"));
        notices.push(format!(
            "tape {file}: {} lines used, {} not{first}{broken}",
            report.good, report.bad
        ));
    }
    notices
}

fn life(loaded: &Loaded, clock: &Clock, venue: &Venue, prefix: String) -> Result<FactsOfLife> {
    let settings = &loaded.settings;
    let tape = &settings.tape;
    let speed_milli = match speed(tape.speed) {
        Speed::Thousandths(speed) if !tape.files.is_empty() => u32::try_from(speed).unwrap_or(u32::MAX),
        _ => 1_000,
    };
    Ok(FactsOfLife {
        build: build(),
        profile: settings.profile.clone(),
        prefix,
        settings: loaded.given(),
        limits: settings.limits.clone(),
        account: (!settings.account.is_empty()).then(|| settings.account.clone()),
        venue_clock: VenueClock {
            engine: clock.now(),
            venue: venue.now(),
            speed_milli,
        },
        snapshot_every: settings.engine.snapshot_every,
        notices: bad_tapes(venue),
    })
}
