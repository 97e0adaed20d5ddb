//! The desk's two channels, filled and emptied over a socket of this machine or over the network: a terminal that can't tell
//! what is at the other end. When the link is lost this tries again for ever, and the desk says so; the engine's own end
//! closes that of its sessions.

use super::clock::Clock;
use super::identity::IdMaker;
use super::launch;
use super::memory::{self, Keeper};
use super::paths::Paths;
use super::remote::{self, Engine};
use super::serve::build;
use crate::attach::{AttachError, Attached};
use crate::config::{
    AlertSettings, ColourSetting, KeySetting, LineSetting, Loaded, LogTo, NotifySetting, Settings, Source,
    template,
};
use crate::domain::{AccountId, AccountKey, BrokerId};
use crate::engine::SessionKind;
use crate::tui::alerts::AlarmSettings;
use crate::tui::keymap::{Hotkey, Keymap};
use crate::tui::panes::watchlist::{OwnList, WatchSettings};
use crate::tui::rebind::Meant;
use crate::tui::ticket::FirstQuantities;
use crate::tui::{
    self, Answer, Ask, ColourDepth, Exit, FromEngine, Group, LineSpeed, Opening, ToEngine, TuiSettings,
};
use crate::wire::{ClientMessage, Mark, MarketBatch, Query, Reply, ServerMessage, Welcome};
use anyhow::{Result, bail};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;

/// Messages on their way to and from the desk.
const QUEUE: usize = 4_096;
/// How often the engine is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(2);

/// What a terminal is told when it is opened, beyond the settings.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// The workspace to begin with, by its number.
    pub workspace: Option<u8>,
    /// The link group that every pane of it follows.
    pub link: Option<Group>,
    /// A stream of sentences in place of a screen.
    pub plain: bool,
    /// It only looks, whatever else it might.
    pub read_only: bool,
    /// The engine is elsewhere.
    pub remote: Option<remote::Wish>,
}

/// Opens the desk. With `start` (the flags to pass on) an engine is started where none runs.
///
/// # Errors
/// The engine can't be reached or refuses this build, or the terminal can't be used.
pub async fn run(loaded: &Loaded, paths: &Paths, start: Option<&[String]>, opened: &Opened) -> Result<()> {
    // Before an engine is started for a desk that nobody could see.
    if start.is_some()
        && !opened.plain
        && !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal())
    {
        bail!("the desk needs a terminal; 'tradewind serve' runs the engine without one");
    }
    let kind = if opened.read_only {
        SessionKind::Monitor
    } else {
        SessionKind::Terminal
    };
    let (engine, attached) = match (&opened.remote, start) {
        (Some(wish), _) => {
            paths.create()?;
            remote::attach(wish, kind).await?
        }
        (None, Some(flags)) => (Engine::Here(paths.clone()), attach(loaded, paths, flags).await?),
        (None, None) => {
            let here = Engine::Here(paths.clone());
            let attached = here.attach(kind).await?;
            (here, attached)
        }
    };
    let clock = Clock::start();
    let log: super::log_tail::Lines = Arc::default();
    let logs = super::logging::folder(&loaded.settings.log, paths);
    if loaded.settings.log.to == LogTo::Stdout {
        lock(&log).push_back(super::log_tail::ELSEWHERE.to_owned());
    }
    let tail = tokio::spawn(super::log_tail::follow(logs, Arc::clone(&log)));
    let (to_desk, from_engine) = mpsc::channel(QUEUE);
    let (to_engine, from_desk) = mpsc::channel(QUEUE);
    let prefix = attached.welcome.prefix.as_str().to_owned();
    let ids = Mutex::new(IdMaker::new(&prefix, clock.clone()));
    let new_id = Box::new(move || {
        ids.lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .next_id()
    });
    let (keymap, wrong_keys) = keymap(loaded);
    let (memory, fault) = memory::load(&paths.terminal());
    let keeper = Keeper::start(paths.terminal(), &memory);
    let mut settings = settings(&loaded.settings, log);
    if let Some(wish) = &opened.remote {
        settings.profile = wish.place.name();
    }
    settings.opening = Opening {
        keep: keeper.keep(),
        faults: fault.into_iter().chain(wrong_keys).collect(),
        keymap,
        theme_is_told: matches!(
            loaded.sources.of("terminal.theme"),
            Source::Flag(_) | Source::Environment(_)
        ),
        local_zone: jiff::tz::TimeZone::system(),
        workspace: opened.workspace,
        link: opened.link,
        memory,
    };
    let now = clock.clone();
    let link = tokio::spawn(link(attached, (engine, kind), to_desk, from_desk, clock));
    let exit = if opened.plain {
        super::plain::run(&settings, from_engine, &to_engine, new_id, &now)
            .await
            .map_err(tui::TuiError::from)
    } else {
        tui::run(
            settings,
            from_engine,
            to_engine.clone(),
            new_id,
            Arc::new(move || now.now()),
        )
        .await
    };
    drop(to_engine);
    tail.abort();
    // The link ends by itself once the desk's ends are gone; what was asked last still has to leave.
    let _ = tokio::time::timeout(Duration::from_secs(2), link).await;
    drop(keeper);
    match exit? {
        Exit::StopEngine if opened.remote.is_some() => {
            writeln!(
                std::io::stderr().lock(),
                "tradewind: the engine goes on: it is stopped on its own machine, with 'tradewind stop'"
            )?;
            Ok(())
        }
        Exit::StopEngine => Ok(super::shell::stop(paths).await.or_else(|error| match error {
            super::shell::ShellError::NoEngine(_) => Ok(()),
            other => Err(other),
        })?),
        Exit::Detached | Exit::HungUp => Ok(()),
    }
}

/// Attaches, starting an engine where none runs. An engine of another version is named; on the exchange in the box, where
/// nothing but practice depends on it, a restart is offered.
async fn attach(loaded: &Loaded, paths: &Paths, flags: &[String]) -> Result<Attached> {
    let refused = match launch::attach_or_start(paths, flags, SessionKind::Terminal).await {
        Err(error) if error.downcast_ref().is_some_and(AttachError::wants_restart) => error,
        other => return other,
    };
    if loaded.settings.broker.chosen != "sim" || launch::may_restart(paths).is_err() {
        return Err(refused);
    }
    let mut err = std::io::stderr().lock();
    write!(
        err,
        "tradewind: {refused}\nrestart the engine now? working orders stay on the exchange's books [y/N] "
    )?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        return Err(refused);
    }
    super::shell::stop(paths).await?;
    launch::attach_or_start(paths, flags, SessionKind::Terminal).await
}

fn settings(settings: &Settings, log: Arc<Mutex<VecDeque<String>>>) -> TuiSettings {
    let terminal = &settings.terminal;
    let account = AccountId::new(&settings.account)
        .ok()
        .zip(BrokerId::new(&settings.broker.chosen).ok());
    TuiSettings {
        themes: themes(),
        theme: terminal.theme.clone(),
        profile: settings.profile.clone(),
        mouse: terminal.mouse,
        fps: u16::try_from(terminal.fps).unwrap_or(30),
        line: line_speed(terminal.line),
        colour: Some(colour(terminal.colour)),
        first_quantities: FirstQuantities {
            equity: terminal.quantity_equity,
            future: terminal.quantity_future,
            forex: terminal.quantity_forex,
            crypto: terminal.quantity_crypto,
            option: terminal.quantity_option,
        },
        arm_idle: Duration::from_secs(u64::from(terminal.arm_idle_minutes) * 60),
        watch: WatchSettings {
            lists: settings
                .watchlists
                .iter()
                .map(|(name, symbols)| OwnList {
                    name: name.clone(),
                    symbols: symbols.clone(),
                })
                .collect(),
            columns: settings.watchlist.columns.clone(),
        },
        large_print: settings.watchlist.large_print.parse().ok(),
        templates: settings.templates.clone(),
        default_account: account.map(|(account, broker)| AccountKey { broker, account }),
        alarm: alarm(&settings.alerts),
        log,
        opening: Opening::default(),
    }
}

/// The built-in themes and the person's own, which may replace one: files in `themes` beside config.toml.
fn themes() -> Vec<(String, String)> {
    const LARGEST: u64 = 64 * 1024;
    let built_in = template::THEMES.iter();
    let mut all: Vec<(String, String)> = built_in
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let folder = super::paths::platform_config_file().and_then(|file| Some(file.parent()?.join("themes")));
    let mut files: Vec<std::path::PathBuf> = folder
        .and_then(|folder| std::fs::read_dir(folder).ok())
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    for file in files.into_iter().take(100) {
        let small = file
            .metadata()
            .is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST);
        let name = file.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
        if let (true, Some(name), Ok(text)) = (small, name, std::fs::read_to_string(&file)) {
            all.retain(|(known, _)| *known != name);
            all.push((name, text));
        }
    }
    all
}

/// The keys as the settings have them, and what is wrong with those, each with its line.
pub fn keymap(loaded: &Loaded) -> (Keymap, Vec<String>) {
    let line = |line: &str, send| {
        Meant::Hotkey(Hotkey {
            line: line.to_owned(),
            send,
        })
    };
    let meant = |setting: &KeySetting| match setting {
        KeySetting::Text(text) if text.starts_with(':') => line(text, false),
        KeySetting::Text(name) => Meant::Action(name.clone()),
        KeySetting::Line(hotkey) => line(&hotkey.line, hotkey.send),
    };
    let keys = loaded.settings.keys.iter();
    let wanted: Vec<(String, Meant)> = keys
        .map(|(keys, setting)| (keys.clone(), meant(setting)))
        .collect();
    let (keymap, faults) = Keymap::rebound(&wanted);
    let told = |(keys, what): (String, String)| {
        let source = loaded.sources.of(&format!("keys.{keys}"));
        format!("{source}: keys.\"{keys}\": {what}")
    };
    (keymap, faults.into_iter().map(told).collect())
}

fn alarm(settings: &AlertSettings) -> AlarmSettings {
    use NotifySetting::{Both, Osc9, Osc777};
    AlarmSettings {
        bell: settings.bell,
        osc9: matches!(settings.notify, Osc9 | Both),
        osc777: matches!(settings.notify, Osc777 | Both),
        in_tmux: std::env::var_os("TMUX").is_some(),
    }
}

fn line_speed(setting: LineSetting) -> LineSpeed {
    match setting {
        LineSetting::Auto => LineSpeed::Auto,
        LineSetting::Fast => LineSpeed::Fast,
        LineSetting::Slow => LineSpeed::Slow,
    }
}

/// As configured; otherwise as the terminal says of itself in its environment.
fn colour(setting: ColourSetting) -> ColourDepth {
    match setting {
        ColourSetting::Truecolor => ColourDepth::True,
        ColourSetting::Indexed => ColourDepth::Indexed,
        ColourSetting::Ansi => ColourDepth::Sixteen,
        ColourSetting::None => ColourDepth::None,
        ColourSetting::Auto => ColourDepth::detect(|name| std::env::var(name).ok()),
        ColourSetting::Always => ColourDepth::detect_always(|name| std::env::var(name).ok()),
    }
}

/// Carries messages both ways until the desk leaves; comes back after every loss.
async fn link(
    first: Attached,
    (engine, kind): (Engine, SessionKind),
    to_desk: mpsc::Sender<FromEngine>,
    mut from_desk: mpsc::Receiver<ToEngine>,
    clock: Clock,
) {
    let mut attached = Some(first);
    let mut wanted = Wanted::default();
    let mut tries = 0;
    loop {
        let mut refused = false;
        let reason = match attached.take() {
            Some(attached) => {
                tries = 0;
                match carry(attached, &to_desk, &mut from_desk, &mut wanted, &clock).await {
                    Some(reason) => reason,
                    None => return,
                }
            }
            None => match trying(&engine, kind, &mut from_desk, &mut wanted).await {
                None => return,
                Some(Ok(again)) => {
                    attached = Some(again);
                    continue;
                }
                Some(Err(AttachError::NoEngine(_))) => "no engine runs; waiting for one".to_owned(),
                Some(Err(error)) => {
                    refused = matches!(error, AttachError::NotAdmitted(_) | AttachError::Trust(_));
                    error.to_string()
                }
            },
        };
        if to_desk.send(FromEngine::Lost { reason }).await.is_err()
            || !pause(&mut from_desk, &mut wanted, engine.again_after(tries, refused)).await
        {
            return;
        }
        tries = tries.saturating_add(1);
    }
}

/// Tries once to attach again; nothing where the desk leaves meanwhile.
async fn trying(
    engine: &Engine,
    kind: SessionKind,
    from_desk: &mut mpsc::Receiver<ToEngine>,
    wanted: &mut Wanted,
) -> Option<Result<Attached, AttachError>> {
    tokio::select! {
        attached = engine.attach(kind) => Some(attached),
        () = let_go(from_desk, wanted) => None,
    }
}

/// What the desk last asked to watch, asked again after a loss; and the last event that it was told, to go on from there.
#[derive(Debug, Default)]
struct Wanted {
    watch: Option<ClientMessage>,
    last: Option<crate::engine::Event>,
}

impl Wanted {
    /// How a connection begins.
    fn begin(&self) -> ClientMessage {
        match &self.last {
            Some(event) => ClientMessage::Resume {
                after: Mark::of(event),
            },
            None => ClientMessage::Subscribe,
        }
    }
    /// Notes up to where the desk has been told.
    fn note(&mut self, message: &ServerMessage) {
        match message {
            ServerMessage::Snapshot(_) => self.last = None,
            ServerMessage::Events(events) => {
                if let Some(last) = events.last() {
                    self.last = Some(last.clone());
                }
            }
            _ => {}
        }
    }
}

/// Waits a moment while the link is down. False where the desk has left.
async fn pause(from_desk: &mut mpsc::Receiver<ToEngine>, wanted: &mut Wanted, span: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(span) => true,
        () = let_go(from_desk, wanted) => false,
    }
}

/// What the desk sends while the link is down is let go, but for what it watches: an order must never leave later than the
/// moment it was meant for. Ends where the desk leaves.
async fn let_go(from_desk: &mut mpsc::Receiver<ToEngine>, wanted: &mut Wanted) {
    loop {
        match from_desk.recv().await {
            None | Some(ToEngine::Detach | ToEngine::StopEngine) => return,
            Some(ToEngine::Watch { instruments, depth }) => {
                wanted.watch = Some(ClientMessage::Watch { instruments, depth });
            }
            Some(
                ToEngine::Command { .. }
                | ToEngine::Link { .. }
                | ToEngine::Bars { .. }
                | ToEngine::Find(_)
                | ToEngine::Margin { .. }
                | ToEngine::Ask(_),
            ) => {}
        }
    }
}

/// Carries messages over one connection. Nothing where the desk has left; otherwise why the link was lost.
async fn carry(
    engine: Attached,
    to_desk: &mpsc::Sender<FromEngine>,
    from_desk: &mut mpsc::Receiver<ToEngine>,
    wanted: &mut Wanted,
    clock: &Clock,
) -> Option<String> {
    let Attached {
        welcome,
        mut reader,
        mut writer,
        why,
        ..
    } = engine;
    let looks = (welcome.kind == SessionKind::Monitor).then_some(FromEngine::OnlyLooks);
    for told in std::iter::once(greeting(&welcome)).chain(looks) {
        if to_desk.send(told).await.is_err() {
            return None;
        }
    }
    let begin = [Some(wanted.begin()), wanted.watch.clone()];
    for message in begin.into_iter().flatten() {
        if let Err(error) = writer.write(&message).await {
            return Some(error.to_string());
        }
    }
    // Both halves note what a next connection has to know.
    let wanted = Mutex::new(wanted);
    let asked: Mutex<BTreeMap<u64, Asked>> = Mutex::default();
    let pinged: Mutex<Option<(u64, crate::domain::Timestamp)>> = Mutex::default();
    let reading = async {
        loop {
            let message = match reader.read().await {
                Ok(Some(ServerMessage::Goodbye { reason })) => return Some(reason.to_string()),
                Ok(Some(message)) => message,
                Ok(None) => {
                    let why = why.told();
                    return Some(why.unwrap_or_else(|| "the engine closed the connection".to_owned()));
                }
                Err(error) => return Some(why.told().unwrap_or_else(|| error.to_string())),
            };
            lock(&wanted).note(&message);
            let timed = matches!(message, ServerMessage::Market(_) | ServerMessage::Events(_));
            if timed && to_desk.send(FromEngine::ReadAt(clock.now())).await.is_err() {
                return None;
            }
            for told in translate(message, &asked, &pinged, clock) {
                if to_desk.send(told).await.is_err() {
                    return None;
                }
            }
        }
    };
    let writing = async {
        let mut ping = tokio::time::interval(PING_EVERY);
        let mut token = 0;
        loop {
            token += 1;
            let message = tokio::select! {
                asked_for = from_desk.recv() => match asked_for {
                    None | Some(ToEngine::Detach | ToEngine::StopEngine) => return None,
                    Some(ToEngine::Command { token, command }) => ClientMessage::Command { token, command: Box::new(command) },
                    Some(ToEngine::Watch { instruments, depth }) => {
                        let watch = ClientMessage::Watch { instruments, depth };
                        lock(&wanted).watch = Some(watch.clone());
                        watch
                    }
                    Some(ToEngine::Link { group, instrument }) => ClientMessage::Link { group, instrument },
                    Some(ToEngine::Ask(ask)) => {
                        lock(&asked).insert(token, Asked::Pane(ask));
                        ClientMessage::Query { token, query: query_of(ask) }
                    }
                    Some(ToEngine::Find(text)) => ClientMessage::Query { token, query: Query::Find { text } },
                    Some(ToEngine::Margin { token: theirs, spec }) => {
                        lock(&asked).insert(token, Asked::Margin(theirs));
                        ClientMessage::Query { token, query: Query::Margin { spec } }
                    }
                    Some(ToEngine::Bars { instrument, timeframe, count }) => {
                        lock(&asked).insert(token, Asked::Bars(instrument, timeframe));
                        ClientMessage::Query { token, query: Query::Bars { instrument, timeframe, count } }
                    }
                },
                _ = ping.tick() => {
                    *lock(&pinged) = Some((token, clock.now()));
                    ClientMessage::Ping { token }
                }
            };
            if let Err(error) = writer.write(&message).await {
                return Some(why.told().unwrap_or_else(|| error.to_string()));
            }
            if let ClientMessage::Command { token, .. } = message {
                // A desk that has no room for it does without.
                let at = clock.now();
                let _ = to_desk.try_send(FromEngine::Written { token, at });
            }
        }
    };
    tokio::select! {
        ended = reading => ended,
        ended = writing => ended,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn greeting(welcome: &Welcome) -> FromEngine {
    let ours = build();
    let theirs = welcome.build.as_str();
    FromEngine::Attached {
        session: welcome.session,
        build: theirs.to_owned(),
        engine_older: (theirs != ours).then(|| {
            format!("the engine is {theirs}, this terminal {ours}: 'tradewind restart' starts this build")
        }),
        id_prefix: welcome.prefix.as_str().to_owned(),
        venue_offset_ns: welcome.venue_offset_ns,
        venue_speed_milli: welcome.venue_speed_milli,
    }
}

fn translate(
    message: ServerMessage,
    asked: &Mutex<BTreeMap<u64, Asked>>,
    pinged: &Mutex<Option<(u64, crate::domain::Timestamp)>>,
    clock: &Clock,
) -> Vec<FromEngine> {
    match message {
        ServerMessage::Snapshot(snapshot) => {
            vec![FromEngine::Snapshot(Box::new(snapshot.state), snapshot.now)]
        }
        ServerMessage::Resumed => vec![FromEngine::Resumed],
        ServerMessage::Events(events) => vec![FromEngine::Events(events)],
        ServerMessage::Market(batch) => market(batch),
        ServerMessage::Linked { group, instrument } => vec![FromEngine::Linked { group, instrument }],
        ServerMessage::Outcome { token, outcome } => vec![FromEngine::Outcome { token, outcome }],
        ServerMessage::Reply { token, reply } => answer(lock(asked).remove(&token), reply),
        ServerMessage::Pong { token } => {
            let sent = lock(pinged).take_if(|(waiting, _)| *waiting == token);
            sent.map(|(_, at)| FromEngine::RoundTrip(clock.now().since(at)))
                .into_iter()
                .collect()
        }
        ServerMessage::Welcome(_) | ServerMessage::Goodbye { .. } => Vec::new(),
    }
}

/// A question that waits for its answer.
#[derive(Clone, Copy, Debug)]
enum Asked {
    /// Bars, of what.
    Bars(crate::domain::InstrumentId, crate::market::Timeframe),
    /// What an order would bind, by the desk's own token.
    Margin(u64),
    /// A pane's question.
    Pane(Ask),
}

/// A pane's question as it crosses the socket.
fn query_of(ask: Ask) -> Query {
    let count = crate::engine::history::PAGE;
    match ask {
        Ask::Orders(page) => Query::Orders {
            account: Some(page.account),
            instrument: page.instrument,
            before: page.before,
            count,
        },
        Ask::Executions(page) => Query::Executions {
            account: Some(page.account),
            instrument: page.instrument,
            before: page.before,
            count,
        },
        Ask::Curve(account, after) => Query::Curve { account, after },
        Ask::Books(day) => Query::Books {
            day: crate::domain::SafeText::new(&day.to_string()),
        },
        Ask::Connection(up) => Query::Connection { up },
    }
}

/// The answer to a pane's question.
fn answer_of(reply: Reply) -> Answer {
    match reply {
        Reply::Orders(page) => Answer::Orders(page),
        Reply::Executions(page) => Answer::Executions(page),
        Reply::Curve(curves) => Answer::Curve(curves),
        Reply::State(books) => Answer::Books(Box::new(books.state)),
        Reply::Told { text } => Answer::Words(text),
        Reply::Failed { reason } => Answer::Failed(reason),
        _ => Answer::Failed("the engine gave another answer than was asked for".into()),
    }
}

/// An answer in the desk's words. A question about margin that failed is no message to a person: its place stays empty.
fn answer(asked: Option<Asked>, reply: Reply) -> Vec<FromEngine> {
    match (asked, reply) {
        (Some(Asked::Bars(id, timeframe)), Reply::Bars(bars)) => vec![FromEngine::Bars(id, timeframe, bars)],
        (Some(Asked::Margin(token)), reply) => {
            let margin = match reply {
                Reply::Margin(margin) => Some(*margin),
                _ => None,
            };
            vec![FromEngine::Margin { token, margin }]
        }
        (Some(Asked::Pane(ask)), reply) => vec![FromEngine::Answered(ask, answer_of(reply))],
        (_, Reply::Found(found)) => vec![FromEngine::Found(found)],
        (_, Reply::Failed { reason }) => vec![FromEngine::Failed(reason)],
        _ => Vec::new(),
    }
}

fn market(batch: MarketBatch) -> Vec<FromEngine> {
    let MarketBatch {
        quotes,
        depths,
        prints,
        bars,
        gaps: _,
        health,
        terms,
    } = batch;
    let mut told = Vec::with_capacity(4);
    told.extend(health.map(FromEngine::Health));
    if !terms.is_empty() {
        told.push(FromEngine::Terms(terms));
    }
    if !quotes.is_empty() {
        told.push(FromEngine::Quotes(quotes));
    }
    if !prints.is_empty() {
        told.push(FromEngine::Prints(prints));
    }
    if !bars.is_empty() {
        told.push(FromEngine::BarUpdates(bars));
    }
    if !depths.is_empty() {
        told.push(FromEngine::Depths(depths));
    }
    told
}
