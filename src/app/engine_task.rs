//! The engine's task: the one owner of the engine and the market. The order never varies: fold, store, tell everyone, and
//! then ask release whether a request may leave. Cancels alone leave before their commit. While one batch is being
//! committed the next inputs are folded and wait; they are told and released in their order when their commit is done.
//! What the broker tells is taken in `broker_told`, what sessions ask is answered in `sessions`.

mod broker_told;
mod held;
mod sessions;

use super::account_lock::AccountLocks;
use super::alerts::Ways;
use super::broker_side::BrokerSide;
use super::clock::Clock;
use super::clock_watch::{ClockWatch, Moved};
use super::curve::Curves;
use super::figures::Figures;
use super::halt_file;
use super::market_out::MarketOut;
use super::noted::Notes;
use super::pnl_days::PnlDays;
use super::queries::Questions;
use super::recent::Recent;
use super::what_ifs::WhatIfs;
use crate::broker::{Adapter, FromBroker};
use crate::domain::{BreakerRules, BrokerId, InstrumentId, SafeText, SessionId, Timestamp};
use crate::engine::breaker::Commits;
use crate::engine::halt::HaltFile;
use crate::engine::planted::point;
use crate::engine::{BrokerEvent, Engine, Event, Fact, Input, Outcome, Release, SessionKind, State};
use crate::market::{BarUpdate, Market, Timeframe};
use crate::metrics::metrics;
use crate::server::handle::{Told, Wanted};
use crate::store::{Committed, SnapshotFile, Stamp, StoreError, Writer};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Market data is sent to sessions this often: once a frame of a desk at thirty frames a second.
const FLUSH_EVERY: Duration = Duration::from_millis(33);

/// Bars that a new watch begins with: yesterday's close for the change, and a day's shape for the list.
const BEGIN_WITH: [(Timeframe, usize); 2] = [(Timeframe::Day, 3), (Timeframe::M5, 48)];

/// What the task is made from.
pub(super) struct EngineParts {
    /// The recovered state.
    pub(super) state: State,
    /// The market, with its history.
    pub(super) market: Market,
    /// The journal's writer.
    pub(super) writer: Writer,
    /// Answers questions that need the store.
    pub(super) questions: Questions,
    /// The one clock.
    pub(super) clock: Clock,
    /// What a session has to know.
    pub(super) facts_of_life: FactsOfLife,
    /// The broker.
    pub(super) broker: (BrokerId, Box<dyn Adapter>),
    /// How people are told of alerts.
    pub(super) alerts: Ways,
    /// What is counted.
    pub(super) figures: Figures,
    /// When the circuit breaker of the broker opens.
    pub(super) breakers: BreakerRules,
    /// Where what people do is noted.
    pub(super) notes: Notes,
    /// What accounts won day by day.
    pub(super) days: PnlDays,
    /// What the check of the journal's older part finds, in words.
    pub(super) checked: mpsc::Receiver<String>,
    /// The accounts that no other engine may trade.
    pub(super) accounts: AccountLocks,
}

/// What does not change while an engine runs.
#[derive(Clone, Debug)]
pub(super) struct FactsOfLife {
    /// Version and build.
    pub(super) build: String,
    /// Profile name.
    pub(super) profile: String,
    /// The install's prefix.
    pub(super) prefix: String,
    /// Settings that were given: name, value, source.
    pub(super) settings: Vec<(String, String, String)>,
    /// Limits of config.toml.
    pub(super) limits: crate::domain::Limits,
    /// Sectors of config.toml.
    pub(super) sectors: BTreeMap<InstrumentId, SafeText>,
    /// Tighter limits of config.toml, by what they are of.
    pub(super) scopes:
        BTreeMap<crate::domain::Scope, BTreeMap<crate::domain::LimitName, crate::domain::LimitValue>>,
    /// Rule packs of firms, by account.
    pub(super) packs: BTreeMap<crate::domain::AccountId, crate::domain::RulePack>,
    /// The account that commands without one mean, as configured.
    pub(super) account: Option<String>,
    /// The venue's clock as seen from the engine's, at this moment.
    pub(super) venue_clock: VenueClock,
    /// Where the file that halts is looked for.
    pub(super) halt_file: PathBuf,
    /// A state snapshot is kept every so many events.
    pub(super) snapshot_every: u64,
    /// What a person should see at the start, such as a tape with bad lines.
    pub(super) notices: Vec<String>,
}

/// How the venue's time follows the engine's: the same, or a tape's.
#[derive(Clone, Copy, Debug)]
pub(super) struct VenueClock {
    /// The engine's time at which the venue's was `venue`.
    pub(super) engine: Timestamp,
    /// The venue's time then.
    pub(super) venue: Timestamp,
    /// Thousandths of a venue second per second.
    pub(super) speed_milli: u32,
}

impl VenueClock {
    /// The venue's time minus the engine's, at `now`.
    fn offset_ns(&self, now: Timestamp) -> i64 {
        let elapsed = i128::from(now.0) - i128::from(self.engine.0);
        let venue = i128::from(self.venue.0) + elapsed * i128::from(self.speed_milli) / 1_000;
        i64::try_from(venue - i128::from(now.0)).unwrap_or(0)
    }
}

/// The writer's answer to one batch: what is durable now, and the events of the batch.
pub(super) type Commit = (Result<Committed, StoreError>, Vec<Event>);

/// An answer that waits until everything it rests on is durable.
struct Waiting {
    after: u64,
    answer: oneshot::Sender<Outcome>,
    outcome: Outcome,
}

/// A session as the engine's task knows it.
struct Listener {
    queue: mpsc::Sender<Told>,
    /// The event up to which its snapshot goes: it is told what follows.
    from: u64,
}

/// How the task ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// In order, as asked.
    Stopped,
    /// The journal can't be written, in words why: brokers know what was sent, the next start reads it.
    StorageLost(String),
    /// A part that all rest on ended in a panic.
    Crashed(&'static str),
    /// Another engine trades an account of this one, in words.
    Taken(String),
}

/// The task.
pub(super) struct EngineTask {
    engine: Engine,
    market: Market,
    writer: Writer,
    questions: Questions,
    clock: Clock,
    life: FactsOfLife,
    broker: BrokerSide,
    curves: Curves,
    days: PnlDays,
    alerts: Ways,
    figures: Figures,
    commits: mpsc::UnboundedSender<Commit>,
    /// How long they take.
    commit_times: Commits,
    /// Batches given to the writer and not yet answered.
    uncommitted: usize,
    waiting: VecDeque<Waiting>,
    listeners: BTreeMap<SessionId, Listener>,
    recent: Recent,
    /// What each link group of terminals shows. For screens alone: never recorded, gone with the process.
    links: BTreeMap<char, InstrumentId>,
    watches: BTreeMap<SessionId, MarketOut>,
    kinds: BTreeMap<SessionId, SessionKind>,
    notes: Notes,
    /// What waits for the broker's word of what it would bind.
    what_ifs: WhatIfs,
    next_session: u64,
    bars: Vec<BarUpdate>,
    /// What the check of the journal's older part found.
    checked: mpsc::Receiver<String>,
    /// The journal runs on its reserve.
    on_reserve: bool,
    /// Another process keeps the journal locked.
    storage_held: bool,
    clock_watch: ClockWatch,
    accounts: AccountLocks,
    /// Why this engine has to end: another one trades an account of it.
    taken: Option<String>,
    snapshot_at: u64,
    stopping: bool,
}

impl EngineTask {
    /// The task, and the end on which the writer's answers come to it.
    pub(super) fn new(parts: EngineParts) -> (Self, mpsc::UnboundedReceiver<Commit>) {
        let sequence = parts.state.sequence;
        // Bounded by what may wait for the writer.
        let (commits, committed) = mpsc::unbounded_channel();
        let clock_watch = ClockWatch::new(parts.clock.slept(), parts.clock.apart_ns());
        let task = Self {
            commits,
            uncommitted: 0,
            engine: Engine::new(parts.state)
                .with_alerts(parts.alerts.rules())
                .with_breakers(parts.breakers),
            commit_times: Commits::new(parts.breakers),
            alerts: parts.alerts,
            figures: parts.figures,
            market: parts.market,
            writer: parts.writer,
            questions: parts.questions,
            clock: parts.clock,
            life: parts.facts_of_life,
            broker: BrokerSide::new(parts.broker.0, parts.broker.1),
            curves: Curves::default(),
            days: parts.days,
            waiting: VecDeque::new(),
            listeners: BTreeMap::new(),
            recent: Recent::default(),
            links: BTreeMap::new(),
            watches: BTreeMap::new(),
            kinds: BTreeMap::new(),
            notes: parts.notes,
            what_ifs: WhatIfs::default(),
            next_session: 1,
            bars: Vec::new(),
            checked: parts.checked,
            on_reserve: false,
            storage_held: false,
            clock_watch,
            accounts: parts.accounts,
            taken: None,
            snapshot_at: sequence,
            stopping: false,
        };
        (task, committed)
    }

    /// Runs until stopped. The order of choice is fixed: a halt by file first; commits, because answers wait for them; then the broker;
    /// then people; market data and timers last.
    pub(super) async fn run(
        mut self,
        mut commits: mpsc::UnboundedReceiver<Commit>,
        mut broker: mpsc::Receiver<FromBroker>,
        mut wanted: mpsc::Receiver<Wanted>,
        mut stop: watch::Receiver<bool>,
    ) -> Ending {
        let start = Input::Start {
            build: SafeText::new(&self.life.build),
            limits: Box::new(self.life.limits.clone()),
        };
        self.step(start, None);
        let sectors = self.life.sectors.clone();
        self.step(Input::Sectors { sectors }, None);
        let scopes = std::mem::take(&mut self.life.scopes);
        let packs = std::mem::take(&mut self.life.packs);
        self.step(Input::Rules { scopes, packs }, None);
        // Before anybody is heard: what lies there since the last run holds from the first input on.
        let file = halt_file::look(&self.life.halt_file);
        let mut halt_file = halt_file::watch(self.life.halt_file.clone(), file.clone());
        self.step(Input::HaltFile { file }, None);
        for text in std::mem::take(&mut self.life.notices) {
            self.record(Fact::Surprised {
                text: SafeText::new(&text),
            });
        }
        let untold = self.alerts.resume(self.engine.state(), self.clock.now());
        self.record_all(untold);
        let mut checked = std::mem::replace(&mut self.checked, mpsc::channel(1).1);
        let mut delivered = self.alerts.listen();
        let mut bars_told = self.broker.listen();
        let mut what_ifs_told = self.broker.hear_what_ifs();
        let mut flush = tokio::time::interval(FLUSH_EVERY);
        flush.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let ending = loop {
            let deadline = self.engine.next_deadline();
            let nap = deadline.map_or(Duration::from_secs(3600), |at| at.since(self.clock.now()));
            tokio::select! {
                biased;
                Some(file) = halt_file.recv() => self.halt_file(file),
                Some(commit) = commits.recv() => {
                    if let Err(ending) = self.committed(commit) {
                        break ending;
                    }
                }
                _ = stop.changed() => self.stop_soon(),
                Some(fault) = checked.recv() => self.storage_failed(&fault),
                Some(said) = broker.recv() => self.hear(said),
                Some(told) = what_ifs_told.recv() => self.take_what_if(told),
                Some(wanted) = wanted.recv() => self.serve(wanted),
                Some(told) = bars_told.recv() => self.take_history(told),
                Some(fact) = delivered.recv() => self.record(fact),
                _ = flush.tick() => {
                    metrics().queues.of("broker").set_count(broker.len());
                    metrics().queues.of("wanted").set_count(wanted.len());
                    self.mind_the_lock();
                    self.mind_the_clock();
                    self.go_on();
                    self.flush();
                    if let Some(part) = self.dead_part(&halt_file) {
                        break Ending::Crashed(part);
                    }
                    if let Some(words) = self.taken.take() {
                        break Ending::Taken(words);
                    }
                }
                () = tokio::time::sleep(nap), if deadline.is_some() => { self.step(Input::Timer, None); }
            }
            if self.stopping && self.uncommitted == 0 {
                break Ending::Stopped;
            }
        };
        // The broker may be waiting to be heard: nobody listens any more.
        drop(broker);
        self.end(ending)
    }

    /// Working orders stay where they are; what the broker does from now on, the next start reads.
    fn end(mut self, ending: Ending) -> Ending {
        self.listeners.clear();
        self.figures.end(self.clock.now());
        let venue = self.venue_now();
        self.days.end(self.engine.state(), &self.market, venue);
        self.broker.adapter.stop();
        match self.writer.stop() {
            Ok(journal) if ending == Ending::Stopped => {
                let file = SnapshotFile::beside(journal.reader().file());
                if let Err(error) = file.write(journal.reader(), self.engine.state()) {
                    tracing::warn!(%error, "no snapshot at the end; the next start replays the journal");
                }
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the journal's writer did not end in order"),
        }
        ending
    }

    /// The venue's time.
    fn venue_now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp(now.0.saturating_add(self.life.venue_clock.offset_ns(now)))
    }

    /// Decides and folds one input, lets cancels leave, and hands the batch to the writer.
    fn step(&mut self, input: Input, answer: Option<oneshot::Sender<Outcome>>) {
        point("engine");
        let now = self.clock.now();
        self.figures.taken(self.clock.monotonic_ns());
        let batch = self.engine.step(&self.market, &input, now);
        self.store(batch.events, answer.zip(batch.outcome));
    }

    fn store(&mut self, events: Vec<Event>, answer: Option<(oneshot::Sender<Outcome>, Outcome)>) {
        self.figures
            .folded(&events, self.engine.state(), self.clock.monotonic_ns());
        for event in &events {
            if matches!(event.fact, Fact::Executed { .. } | Fact::Corrected { .. }) {
                self.curves.hurry();
            }
            if let Fact::InstrumentListed { instrument } = &event.fact {
                self.market.list(instrument.clone());
            }
        }
        let early: Vec<Event> = events
            .iter()
            .filter(|event| event.fact.leaves_before_commit())
            .cloned()
            .collect();
        for event in &early {
            self.release(event);
        }
        if let Some((answer, outcome)) = answer {
            self.waiting.push_back(Waiting {
                after: self.engine.state().sequence,
                answer,
                outcome,
            });
        }
        if events.is_empty() {
            // Nothing new: an answer waits for what is on its way to the disk, if anything is.
            if self.uncommitted == 0 {
                self.answer_up_to(self.engine.state().sequence);
            }
            return;
        }
        let stamp = Stamp {
            mono_ns: self.clock.monotonic_ns(),
            wall_ns: super::clock::wall().0,
        };
        let commits = self.commits.clone();
        let submitted = self.writer.submit(events, stamp, move |result, events| {
            let _ = commits.send((result, events));
        });
        match submitted {
            Ok(()) => self.uncommitted += 1,
            Err(error) => {
                let _ = self.commits.send((Err(error), Vec::new()));
                self.uncommitted += 1;
            }
        }
    }

    fn answer_up_to(&mut self, sequence: u64) {
        while self
            .waiting
            .front()
            .is_some_and(|waiting| waiting.after <= sequence)
        {
            if let Some(waiting) = self.waiting.pop_front() {
                let _ = waiting.answer.send(waiting.outcome);
            }
        }
    }

    /// What waits for the disk is still stored, but no lock of another process is waited for.
    fn stop_soon(&mut self) {
        self.writer.hurry();
        self.stopping = true;
        let waiting = self.what_ifs.take_all();
        self.withdraw(waiting, "the engine stopped");
    }

    /// The file that halts came, changed or went. What waits to be decided does not outlast it, however soon it goes again.
    fn halt_file(&mut self, file: Option<HaltFile>) {
        if file.is_some() {
            let waiting = self.what_ifs.take_all();
            self.withdraw(waiting, "trading was halted");
        }
        self.step(Input::HaltFile { file }, None);
    }

    /// A part of the process without which an engine is only half one, and that has ended by itself.
    fn dead_part(&self, halt_file: &mpsc::Receiver<Option<HaltFile>>) -> Option<&'static str> {
        let parts = [
            (self.writer.has_died(), "the journal's writer"),
            (self.broker.adapter.has_died(), "the broker's side"),
            (halt_file.is_closed(), "the watch for the halt file"),
        ];
        parts.into_iter().find_map(|(died, part)| died.then_some(part))
    }

    /// Something is wrong with the journal: nothing that adds risk leaves any more, once for each reason.
    fn storage_failed(&mut self, why: &str) {
        tracing::error!("the journal {why}: trading is halted, cancels go on");
        let reason = SafeText::new(why);
        self.step(Input::StorageFailed { reason }, None);
    }

    /// While another process keeps the journal locked nothing becomes durable: no order leaves, and cancels do.
    fn mind_the_lock(&mut self) {
        let held = self.writer.is_held();
        if held && !self.storage_held {
            self.storage_failed("can't be written (another process keeps it locked)");
        }
        self.storage_held = held;
    }

    /// Where the machine slept, what is known of the broker is as old as that: it is read again before anything that adds
    /// risk leaves. Where its clock was set, people are told; nothing here follows it.
    fn mind_the_clock(&mut self) {
        let Some(moved) = self.clock_watch.look(self.clock.slept(), self.clock.apart_ns()) else {
            return;
        };
        let text = SafeText::new(&moved.words());
        tracing::warn!("{text}");
        self.record(Fact::Surprised { text: text.clone() });
        let link = self.engine.state().links.get(&self.broker.id);
        if matches!(moved, Moved::Slept(_)) && link.is_some_and(|link| link.impaired.is_none()) {
            for reason in [Some(text), None] {
                self.hear(FromBroker::Broker(Box::new(BrokerEvent::Impaired { reason })));
            }
        }
    }

    /// A commit is done: everyone is told, askers are answered, requests may leave. In words where the process has to end:
    /// the journal can't be written even with its reserve.
    fn committed(&mut self, (result, events): Commit) -> Result<(), Ending> {
        self.uncommitted = self.uncommitted.saturating_sub(1);
        let committed = match result {
            Ok(committed) => committed,
            Err(error) => {
                tracing::error!(%error, "the journal can't be written; the engine stops, brokers keep what they have");
                return Err(match error {
                    StoreError::Stopped => Ending::Crashed("the journal's writer"),
                    other => Ending::StorageLost(other.to_string()),
                });
            }
        };
        if committed.on_reserve && !self.on_reserve {
            self.on_reserve = true;
            self.storage_failed("can't be written (no space is left)");
        }
        self.figures
            .stored(&events, &committed, self.clock.monotonic_ns());
        let now = self.clock.now();
        if let Some(slow) = committed.took.and_then(|took| self.commit_times.took(took, now)) {
            self.step(slow, None);
        }
        let events = Arc::new(events);
        self.tell(&events);
        let failed = self.alerts.tell(&events, self.engine.state());
        self.record_all(failed);
        self.answer_up_to(committed.last);
        for event in events.iter().filter(|event| !event.fact.leaves_before_commit()) {
            self.release(event);
        }
        self.keep_snapshot();
        Ok(())
    }

    /// Now and then the state is kept, so that the next start replays little. Written elsewhere: it takes a disk's time.
    fn keep_snapshot(&mut self) {
        let sequence = self.engine.state().sequence;
        if self.uncommitted > 0 || sequence < self.snapshot_at.saturating_add(self.life.snapshot_every) {
            return;
        }
        self.snapshot_at = sequence;
        self.questions.keep_snapshot(self.engine.state().clone());
    }

    /// Every subscriber gets every fact; one whose queue is full is cut off and comes back by snapshot.
    fn tell(&mut self, events: &Arc<Vec<Event>>) {
        let Some(last) = events.last().map(|event| event.sequence) else {
            return;
        };
        self.recent.keep(events);
        self.listeners.retain(|session, listener| {
            if last <= listener.from {
                return true;
            }
            let kept = listener.queue.try_send(Told::Events(Arc::clone(events))).is_ok();
            if !kept {
                tracing::warn!(?session, "a session could not keep up and was cut off");
                metrics().disconnections.of("too_slow").inc();
            }
            kept
        });
    }

    fn release(&mut self, event: &Event) {
        match self.engine.release(event) {
            Release::Nothing => {}
            Release::Send(request) => self.send(request),
            Release::Withhold(fact) => self.record(fact),
        }
    }

    fn record(&mut self, fact: Fact) {
        let batch = self.engine.record(fact, self.clock.now());
        self.store(batch.events, None);
    }

    fn record_all(&mut self, facts: Vec<Fact>) {
        for fact in facts {
            self.record(fact);
        }
    }
}
