//! The engine's process: takes the lock, brings the state back, opens the exchange in the box, and runs until it is
//! stopped. The same whether in the foreground (`serve`) or behind a terminal.

use super::account_lock::AccountLocks;
use super::alerts::Ways;
use super::availability::Minutes;
use super::brokers;
use super::clock::Clock;
use super::crash::{self, Crashed};
use super::doors;
use super::engine_task::{Ending, EngineParts, EngineTask, FactsOfLife, VenueClock};
use super::figures::Figures;
use super::http;
use super::journal_check;
use super::logging;
use super::noted::Notes;
use super::paths::Paths;
use super::pnl_days::PnlDays;
use super::queries::Questions;
use super::run_lock::{self, RunLock};
use super::surroundings::Surroundings;
use crate::config::{Loaded, Settings};
use crate::domain::{AccountId, RulePack};
use crate::engine::clock_begins;
use crate::metrics::metrics;
use crate::server;
use crate::server::doors::audit::Audit;
use crate::store::{BarStore, Journal, Writer, recover};
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// What a broker says on its way to the engine. When it is full the broker waits: the market in the box stands still.
const FROM_BROKER: usize = 4_096;
/// What sessions want on its way to the engine.
const WANTED: usize = 1_024;

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
    crash::log_panics();
    crash::mind_places(paths);
    let settings = &loaded.settings;
    let guard = logging::start(paths, "engine", &settings.log)?;
    metrics().set_about(&build(), &settings.profile);
    metrics().set_slow_after(Duration::from_millis(settings.log.slow_ms.into()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let ending = runtime.block_on(run(loaded, paths, watch_pid));
    runtime.shutdown_timeout(Duration::from_secs(2));
    let _ = std::fs::remove_file(paths.socket());
    let _ = std::fs::remove_file(paths.http_address());
    if let Err(error) = &ending {
        tracing::error!("{error:#}");
    }
    drop(guard);
    drop(lock);
    match ending? {
        Ending::Stopped => Ok(()),
        Ending::Crashed(part) => Err(Crashed(part).into()),
        Ending::Taken(words) => bail!("{words}"),
        Ending::StorageLost(why) => bail!(
            "the engine stopped because the journal can't be written: {why}; orders at the broker are unchanged, the next start reads them"
        ),
    }
}

async fn run(loaded: &Loaded, paths: &Paths, watch_pid: Option<i32>) -> Result<Ending> {
    let settings = &loaded.settings;
    let journal_settings = super::archive::journal_settings(settings);
    let (journal, opened_journal) = Journal::open(&paths.journal(), journal_settings, super::clock::wall())?;
    let recovered = recover(&journal)?;
    if let Some(note) = &recovered.note {
        tracing::warn!("{note}");
    }
    let wall = super::clock::wall();
    let clock = Clock::start_at(clock_begins(&recovered.state, wall));
    let behind = recovered.state.at.since(wall).as_secs();
    tracing::info!(
        events = opened_journal.events,
        replayed = recovered.replayed,
        build = build(),
        "the engine starts"
    );
    // A tape brings its own past with it: bars kept from an earlier play would be its future.
    let bars = if settings.tape.files.is_empty() {
        Some(BarStore::open(&paths.bars())?)
    } else {
        None
    };
    let (tell, broker_says) = mpsc::channel(FROM_BROKER);
    let opened = brokers::open(settings, paths, &clock, &recovered.state, bars.as_ref(), tell)?;
    let (alerts, faults) = Ways::open(&settings.alerts, &settings.profile);
    let notices = opened
        .notices
        .into_iter()
        .chain(faults)
        .chain(clock_is_behind(behind))
        .collect();
    let minutes = Minutes::begin(paths.availability(), clock.now())?;
    let surroundings = Surroundings::new(settings, paths, journal_settings.max_bytes);
    let figures = Figures::new(surroundings, minutes);
    let life = life(loaded, paths, opened.venue_clock, notices, opened_journal.prefix);
    let audit = audit(settings, paths)?;
    let (_check, checked) = journal_check::begin(&paths.journal(), recovered.snapshot)?;
    let questions = Questions::start(&paths.journal(), bars, clock.clone())?;
    let parts = EngineParts {
        state: recovered.state,
        market: opened.market,
        writer: Writer::start(journal)?,
        questions,
        clock: clock.clone(),
        facts_of_life: life,
        broker: (opened.broker, opened.adapter),
        alerts,
        figures,
        breakers: settings.breakers,
        notes: Notes::new(audit.clone(), clock.clone()),
        days: PnlDays::new(settings.tape.files.is_empty().then(|| paths.pnl_days())),
        checked,
        accounts: AccountLocks::new(
            paths.accounts(),
            super::paths::user_accounts(),
            &settings.profile,
            settings.broker.ibkr.read_only,
        ),
    };
    let (task, commits) = EngineTask::new(parts);
    let (stop, stopping) = watch::channel(false);
    let (wants, wanted) = mpsc::channel(WANTED);
    let listener = listen(paths)?;
    let port = http::open(settings, paths, audit).await?;
    let (tell_crash, mut crashes) = mpsc::channel(4);
    let watched = |part, work| tokio::spawn(crash::watch_over(part, work, tell_crash.clone()));
    let door = server::serve_local(listener, wants.clone(), stopping.clone());
    let door = watched("the door for this machine", tokio::spawn(door));
    let port = port.map(|port| {
        let _ = writeln!(std::io::stderr().lock(), "{}", port.announcement());
        let (loaded, stopping) = (loaded.clone(), stopping.clone());
        let serving = async move { port.serve(&loaded, clock, wants, stopping).await };
        watched("the HTTP port", tokio::spawn(serving))
    });
    drop(watched(
        "what listens to signals",
        tokio::spawn(signals(stop.clone(), watch_pid)),
    ));
    let mut engine = tokio::spawn(task.run(commits, broker_says, wanted, stopping));
    let ending = tokio::select! {
        ending = &mut engine => ending.map_err(|_| Crashed("the engine's task")),
        Some(crashed) = crashes.recv() => Err(crashed),
    }?;
    // Sessions are told, and get a moment to pass it on.
    let _ = stop.send(true);
    let _ = door.await;
    if let Some(port) = port {
        let _ = tokio::time::timeout(Duration::from_secs(1), port).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(ending)
}

/// The audit log. With no port it is what people of this machine do that is noted, and an engine runs without it too.
fn audit(settings: &Settings, paths: &Paths) -> Result<Option<Audit>> {
    match doors::audit(paths) {
        Ok(audit) => Ok(Some(audit)),
        Err(error) if settings.server.listen.is_empty() => {
            tracing::warn!("the audit log can't be opened, what is done is not noted: {error:#}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
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
                crate::engine::planted::point("signals");
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

/// The rule packs of accounts.
fn packs(settings: &Settings) -> std::collections::BTreeMap<AccountId, RulePack> {
    let all = settings.rules.iter();
    all.filter_map(|(account, pack)| {
        let account = AccountId::new(account).ok()?;
        Some((account, crate::config::rules::load(pack).ok()?))
    })
    .collect()
}

fn life(
    loaded: &Loaded,
    paths: &Paths,
    venue_clock: VenueClock,
    notices: Vec<String>,
    prefix: String,
) -> FactsOfLife {
    let settings = &loaded.settings;
    FactsOfLife {
        build: build(),
        profile: settings.profile.clone(),
        prefix,
        settings: loaded.given(),
        limits: settings.limits.clone(),
        sectors: settings.sectors(),
        // Both were read with the settings.
        scopes: settings.limits_of.all().unwrap_or_default(),
        packs: packs(settings),
        account: (!settings.account.is_empty()).then(|| settings.account.clone()),
        venue_clock,
        halt_file: paths.halt(),
        snapshot_every: settings.engine.snapshot_every,
        notices,
    }
}

/// What a person is told where the machine's clock is behind what was recorded: times go on from the record.
fn clock_is_behind(seconds: u64) -> Option<String> {
    (seconds > 1).then(|| {
        format!(
            "the machine's clock is {seconds} s behind what the journal recorded last: times go on from there; set the clock right"
        )
    })
}
