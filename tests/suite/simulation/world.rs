//! One world: an engine with its journal, an exchange with its books, the lanes between them, and a clock. It does next
//! whatever is due first; equal times are done in a fixed order.

use super::check;
use super::deeds;
use super::link::{Chance, Lane, Manners};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use tradewind::domain::*;
use tradewind::engine::{
    Batch, BrokerEvent, BrokerOrder, Command, Engine, Event, Fact, Input, Origin, Outcome, Release, Report,
    Request, SessionKind, Snapshot, State, digest,
};
use tradewind::market::Market;
use tradewind::venue::{
    self, AccountSetup, MemoryBooks, Population, Venue, VenueEvent, VenueRequest, VenueSettings,
};

/// Deeds of one world.
pub const STEPS: u64 = 500;
/// Virtual time after the faults stop.
const QUIET: Duration = Duration::from_secs(120);

/// What happened, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub events: u64,
    pub executions: u64,
    pub placed: u64,
    pub uncertain: u64,
    pub absent: u64,
    pub lost: u64,
    pub engine_crashes: u64,
    pub venue_crashes: u64,
    pub cuts: u64,
    pub dropped: u64,
    pub repeated: u64,
    pub children: u64,
    pub flattened: u64,
    /// Flattens that ended NOT FLAT.
    pub not_flat: u64,
    pub accounts_flattened: u64,
    /// Exits that left, and those of them in whose step a stop ended.
    pub exits: u64,
    pub swaps: u64,
    /// Processes that died as a flatten came to each of its steps.
    pub killed_in: [u64; 6],
    pub withheld: u64,
    /// A hash of every event and request in order.
    pub trace: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.executions += other.executions;
        self.placed += other.placed;
        self.uncertain += other.uncertain;
        self.absent += other.absent;
        self.lost += other.lost;
        self.engine_crashes += other.engine_crashes;
        self.venue_crashes += other.venue_crashes;
        self.cuts += other.cuts;
        self.dropped += other.dropped;
        self.repeated += other.repeated;
        self.children += other.children;
        self.flattened += other.flattened;
        self.not_flat += other.not_flat;
        self.accounts_flattened += other.accounts_flattened;
        self.exits += other.exits;
        self.swaps += other.swaps;
        for (sum, more) in self.killed_in.iter_mut().zip(other.killed_in) {
            *sum += more;
        }
        self.withheld += other.withheld;
    }
}

/// How the line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Up,
    /// Until then; when the engine is told.
    Down {
        back: Timestamp,
        told: Option<Timestamp>,
    },
}

/// The world.
#[derive(Debug)]
pub struct World {
    pub chance: Chance,
    pub now: Timestamp,
    pub engine: Engine,
    pub market: Market,
    /// What survives a crash of the engine.
    pub journal: Vec<Event>,
    /// Batches folded and not yet stored, with the moment their commit is done.
    commits: VecDeque<(Timestamp, Vec<Event>)>,
    /// The longest commit, in milliseconds.
    commit_longest: u64,
    to_venue: Lane<Request>,
    to_engine: Lane<BrokerEvent>,
    line: Line,
    venue: Option<Venue>,
    books: MemoryBooks,
    /// Until when the venue is away.
    venue_back: Timestamp,
    books_fail_until: Option<Timestamp>,
    /// An exchange whose books failed is not woken before.
    venue_rests: Timestamp,
    pub origin: Origin,
    pub accounts: Vec<AccountKey>,
    pub instruments: Vec<InstrumentId>,
    pub broker: BrokerId,
    pub counterpart: AccountKey,
    pub last_commands: VecDeque<Command>,
    pub next_id: u64,
    /// How often each order left.
    pub places: BTreeMap<ClientOrderId, u32>,
    terms: BTreeMap<ClientOrderId, check::Terms>,
    /// Closing orders of flattens.
    exits: BTreeSet<ClientOrderId>,
    /// The engine's process dies next.
    kill: bool,
    /// Until everything is to come to rest.
    faulty: bool,
    pub wrong: Option<String>,
    pub tally: Tally,
    crowded: bool,
    loud: bool,
    seed: u64,
}

impl World {
    pub fn new(seed: u64, loud: bool) -> Self {
        let mut chance = Chance::new(seed);
        // Some worlds live through the end of a trading day.
        let start = if chance.permille(200) {
            "2026-11-20T21:58:40Z"
        } else {
            "2026-11-20T15:00:00Z"
        };
        let broker = BrokerId::new("sim").unwrap();
        let key = |name: &str| AccountKey {
            broker,
            account: AccountId::new(name).unwrap(),
        };
        let (to_venue, to_engine) = (Manners::of(&mut chance), Manners::of(&mut chance));
        let commit_longest = *chance.pick(&[0, 0, 3, 300, 6_000]);
        let now = Timestamp::parse(start).unwrap();
        let mut world = Self {
            now,
            engine: Engine::default(),
            market: Market::new(),
            journal: Vec::new(),
            commits: VecDeque::new(),
            commit_longest,
            to_venue: Lane::new(to_venue),
            to_engine: Lane::new(to_engine),
            line: Line::Down {
                back: now,
                told: None,
            },
            venue: None,
            books: MemoryBooks::default(),
            venue_back: now,
            books_fail_until: None,
            venue_rests: now,
            origin: Origin {
                session: SessionId(1),
                kind: SessionKind::Terminal,
            },
            accounts: vec![key("SIM100001"), key("SIM100002")],
            instruments: Vec::new(),
            broker,
            counterpart: key("OTHERS"),
            last_commands: VecDeque::new(),
            next_id: 0,
            places: BTreeMap::new(),
            terms: BTreeMap::new(),
            exits: BTreeSet::new(),
            kill: false,
            faulty: true,
            wrong: None,
            tally: Tally::default(),
            crowded: chance.permille(60),
            loud,
            seed,
            chance,
        };
        world.open_venue();
        let listed = world.venue.as_ref().unwrap().instruments();
        let future = listed
            .iter()
            .find(|i| i.root.is_some_and(|root| root.as_str() == "ES"))
            .unwrap()
            .id;
        world.instruments = vec![
            InstrumentId::new("AAPL").unwrap(),
            InstrumentId::new("SAP").unwrap(),
            future,
        ];
        world.boot();
        world
    }

    /// Runs so many deeds, then lets everything come to rest, and compares.
    pub fn run(mut self, steps: Option<u64>) -> Result<Tally, String> {
        for _ in 0..steps.unwrap_or(STEPS) {
            let pause = self.chance.millis(800);
            let until = self.now.after(pause);
            self.advance(until);
            deeds::any(&mut self);
            if let Some(wrong) = self.wrong.take() {
                return Err(wrong);
            }
        }
        self.calm();
        let until = self.now.after(QUIET);
        self.advance(until);
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let mut venue = self.venue.take().ok_or("the exchange is away")?;
        check::books(&self, &mut venue)?;
        self.tally.dropped = self.to_venue.dropped + self.to_engine.dropped;
        self.tally.repeated = self.to_venue.repeated + self.to_engine.repeated;
        let digest = self.engine.state().digest();
        self.note(u64::from_le_bytes(digest[..8].try_into().unwrap_or_default()));
        Ok(self.tally)
    }

    /// No more faults: everything is put right that a person would put right.
    fn calm(&mut self) {
        self.faulty = false;
        self.to_venue.manners = Manners::default();
        self.to_engine.manners = Manners::default();
        self.commit_longest = 0;
        self.venue_back = self.venue_back.min(self.now);
        self.books_fail_until = self.books_fail_until.map(|_| self.now);
        if let Line::Down { back, .. } = &mut self.line {
            *back = (*back).min(self.now);
        }
        self.say(format_args!("--- calm"));
    }

    pub fn say(&self, words: std::fmt::Arguments) {
        if self.loud {
            println!("{} {words}", self.now);
        }
    }

    fn note(&mut self, value: u64) {
        self.tally.trace = (self.tally.trace ^ value)
            .wrapping_mul(0x0100_0000_01B3)
            .rotate_left(17);
    }

    // Time.

    /// Does everything that is due up to `until`.
    pub fn advance(&mut self, until: Timestamp) {
        let mut moments = 0u32;
        loop {
            let Some((at, what)) = self.next_due().filter(|(at, _)| *at <= until) else {
                self.now = until;
                return;
            };
            moments = if at > self.now { 0 } else { moments + 1 };
            self.now = self.now.max(at);
            self.do_next(what);
            if std::mem::take(&mut self.kill) {
                self.crash_engine();
            }
            if moments > 1_000 {
                self.wrong = Some(format!("time stands still at {} with {what:?}", self.now));
            }
            if self.wrong.is_some() {
                return;
            }
        }
    }

    fn next_due(&self) -> Option<(Timestamp, Due)> {
        let mut first: Option<(Timestamp, Due)> = None;
        let mut offer = |at: Option<Timestamp>, due| {
            if let Some(at) = at
                && first.is_none_or(|(earliest, _)| at < earliest)
            {
                first = Some((at, due));
            }
        };
        offer(self.commits.front().map(|commit| commit.0), Due::Commit);
        if self.venue.is_none() {
            offer(Some(self.venue_back), Due::OpenVenue);
        }
        offer(self.books_fail_until, Due::MendBooks);
        if let Line::Down { back, told } = self.line {
            offer(told, Due::TellDown);
            offer(self.venue.as_ref().and(Some(back)), Due::Connect);
        }
        offer(self.to_venue.due(), Due::ToVenue);
        offer(self.to_engine.due(), Due::ToEngine);
        if let Some(venue) = &self.venue {
            offer(Some(venue.next_wake().max(self.venue_rests)), Due::Venue);
        }
        offer(self.engine.next_deadline(), Due::Timer);
        first
    }

    fn do_next(&mut self, due: Due) {
        match due {
            Due::Commit => self.commit(),
            Due::OpenVenue => self.open_venue(),
            Due::MendBooks => {
                self.books.set_failing(false);
                self.books_fail_until = None;
            }
            Due::TellDown => {
                if let Line::Down { told, .. } = &mut self.line {
                    *told = None;
                }
                self.input(BrokerEvent::Down { reason: "cut".into() });
            }
            Due::Connect => self.connect(),
            Due::ToVenue => {
                if let Some(request) = self.to_venue.take(self.now) {
                    self.serve(request);
                }
            }
            Due::ToEngine => {
                if let Some(event) = self.to_engine.take(self.now) {
                    self.input(event);
                }
            }
            Due::Venue => {
                let mut out = Vec::new();
                if let Some(venue) = &mut self.venue {
                    let done = venue.advance(self.now, &mut out);
                    self.hear(done.is_ok(), out);
                }
            }
            Due::Timer => {
                self.step(&Input::Timer);
            }
        }
    }

    // The engine's process.

    fn boot(&mut self) {
        let mut limits = Limits {
            rate_burst: 60,
            rate_per_second: 30,
            max_live_orders: 60,
            ..Limits::default()
        };
        limits.duplicate_window_ms = 5;
        self.step(&Input::Start {
            build: "simulated".into(),
            limits: Box::new(limits),
        });
        self.command(Command::OpenSession);
    }

    pub fn state(&self) -> &State {
        self.engine.state()
    }

    pub fn command(&mut self, command: Command) -> Option<Outcome> {
        let command = digest::looked_at(&self.market, command);
        self.say(format_args!("  {command:?}"));
        let outcome = self.step(&Input::Command {
            origin: self.origin,
            command,
        });
        self.say(format_args!("  -> {outcome:?}"));
        outcome
    }

    fn input(&mut self, event: BrokerEvent) {
        self.say(format_args!("  < {event:?}"));
        self.step(&Input::Broker {
            broker: self.broker,
            event,
        });
    }

    fn step(&mut self, input: &Input) -> Option<Outcome> {
        let Batch { events, outcome } = self.engine.step(&self.market, input, self.now);
        self.store(events);
        outcome
    }

    /// Hands a batch to the journal; cancels leave at once.
    fn store(&mut self, events: Vec<Event>) {
        for event in &events {
            self.count(event);
            if event.fact.leaves_before_commit() {
                self.release(event);
            }
        }
        if events.is_empty() {
            return;
        }
        let done = self.now.after(self.chance.millis(self.commit_longest + 1));
        let done = self.commits.back().map_or(done, |last| last.0.max(done));
        self.commits.push_back((done, events));
        if self.commit_longest == 0 {
            self.commit();
        }
    }

    /// The oldest batch is durable: its requests may leave.
    fn commit(&mut self) {
        let Some((_, events)) = self.commits.pop_front() else {
            return;
        };
        self.journal.extend(events.iter().cloned());
        for event in events.iter().filter(|event| !event.fact.leaves_before_commit()) {
            self.release(event);
        }
    }

    fn release(&mut self, event: &Event) {
        match self.engine.release(event) {
            Release::Nothing => {}
            Release::Send(request) => self.send(request),
            Release::Withhold(fact) => {
                self.tally.withheld += 1;
                let batch = self.engine.record(fact, self.now);
                self.store(batch.events);
            }
        }
    }

    fn send(&mut self, request: Request) {
        self.say(format_args!("  > {request:?}"));
        if let Request::Place {
            id, spec, instead, ..
        } = &request
        {
            self.tally.placed += 1;
            if self.state().flattening.values().any(|f| f.sent == Some(*id)) {
                self.exits.insert(*id);
                self.tally.exits += 1;
                self.tally.swaps += u64::from(!instead.is_empty());
            }
            let times = self.places.entry(*id).or_default();
            *times += 1;
            if *times > 1 {
                self.wrong = Some(format!("{id} left {times} times"));
            }
            if let Err(wrong) = check::may_leave(self.state(), *id, spec, instead) {
                self.wrong = Some(wrong);
            }
        }
        self.note(request.account().account.as_str().len() as u64 ^ self.now.0.cast_unsigned());
        if self.line == Line::Up {
            self.to_venue.send(request, self.now, &mut self.chance);
        }
    }

    fn count(&mut self, event: &Event) {
        self.say(format_args!("    #{} {:?}", event.sequence, event.fact));
        self.note(event.sequence ^ (u64::from(event.fact.kind()) << 40) ^ event.at.0.cast_unsigned());
        match &event.fact {
            Fact::ModifyRequested { id, change } => {
                if let Some(order) = self.engine.state().orders.get(id) {
                    self.terms.entry(*id).or_default().asked(&order.spec, *change);
                }
            }
            Fact::Modified { id, quantity, kind } => {
                if let Err(why) = self.terms.entry(*id).or_default().heard(*quantity, *kind) {
                    self.wrong = Some(format!("terms of {id} went back: {why}"));
                }
            }
            _ => {}
        }
        self.watch_flatten(&event.fact);
        let tally = &mut self.tally;
        tally.events += 1;
        match event.fact {
            Fact::Executed { .. } => tally.executions += 1,
            Fact::Doubted { .. } => tally.uncertain += 1,
            Fact::Absent { .. } => tally.absent += 1,
            Fact::Lost { .. } => tally.lost += 1,
            Fact::ChildReleased { .. } => tally.children += 1,
            Fact::FlatConfirmed { .. } => tally.flattened += 1,
            Fact::FlattenEnded { .. } => tally.not_flat += 1,
            Fact::AccountFlattenEnded { .. } => tally.accounts_flattened += 1,
            _ => {}
        }
    }

    /// A confirmed flat is held against the exchange's own books, and a process may die in any step of a flatten.
    fn watch_flatten(&mut self, fact: &Fact) {
        match fact {
            Fact::FlatConfirmed {
                account, instrument, ..
            } => {
                let Some(venue) = &mut self.venue else { return };
                let there = check::held_there(
                    self.engine.state(),
                    venue,
                    (*account, *instrument),
                    self.now,
                    self.now,
                );
                if let Some((held, live, false)) = there
                    && (!held.is_zero() || live > 0)
                {
                    self.wrong = Some(format!(
                        "FLAT confirmed of {account} {instrument}, and the exchange has {held} and {live} orders"
                    ));
                }
            }
            Fact::FlattenStarted { .. } if self.faulty && self.chance.permille(60) => {
                self.kill = true;
                self.tally.killed_in[0] += 1;
            }
            Fact::FlattenStepped { step, .. } if self.faulty && self.chance.permille(80) => {
                self.kill = true;
                self.tally.killed_in[*step as usize] += 1;
            }
            _ => {}
        }
    }

    /// An exit that arrives at the exchange never executes more than is held there.
    fn exit_arrives(&mut self, request: VenueRequest) -> Option<VenueRequest> {
        let (VenueRequest::Place { id, spec } | VenueRequest::Replace { id, spec, .. }) = &request else {
            return Some(request);
        };
        if !self.exits.contains(id) {
            return Some(request);
        }
        let (id, spec) = (*id, spec.clone());
        let key = (spec.account, spec.instrument);
        let sent = self.engine.state().orders.get(&id);
        let since = sent.map_or(self.now, |order| order.created_at);
        let venue = self.venue.as_mut()?;
        let before = check::held_there(self.engine.state(), venue, key, since, self.now);
        self.ask_venue(request);
        let venue = self.venue.as_mut()?;
        let after = check::held_there(self.engine.state(), venue, key, since, self.now);
        // Nor does anybody reckon with an order by phone that our own exit sets off.
        if let (Some((before, _, false)), Some((after, _, false))) = (before, after)
            && (before.is_positive() && after.is_negative() || before.is_negative() && after.is_positive())
        {
            self.wrong = Some(format!("the exit {id} {spec} made {after} of {before}"));
        }
        None
    }

    /// The engine's process dies: what was not stored is gone, what was stored is folded again.
    pub fn crash_engine(&mut self) {
        self.say(format_args!("--- engine crashes"));
        self.tally.engine_crashes += 1;
        // The commit under way may have made it to the disk, and then its requests did not leave.
        if self.chance.permille(500)
            && let Some((_, events)) = self.commits.pop_front()
        {
            self.journal.extend(events);
        }
        self.commits.clear();
        self.cut_line();
        self.to_engine.cut(0, &mut self.chance);
        if let Line::Down { told, .. } = &mut self.line {
            *told = None;
        }
        let mut state = State::default();
        for event in &self.journal {
            state.apply(event);
        }
        self.engine = Engine::new(state);
        self.boot();
    }

    // The line.

    /// Cut: what is under way may be lost, and it may take a while until the engine notices.
    pub fn cut_line(&mut self) {
        let silence = if self.chance.permille(500) {
            Duration::ZERO
        } else {
            self.chance.millis(8_000)
        };
        let back = self.now.after(silence).after(self.chance.millis(9_000));
        self.say(format_args!("--- cut"));
        if self.line == Line::Up {
            self.tally.cuts += 1;
            self.line = Line::Down {
                back,
                told: Some(self.now.after(silence)),
            };
        }
        self.to_venue.cut(500, &mut self.chance);
        self.to_engine.cut(0, &mut self.chance);
    }

    fn connect(&mut self) {
        let Some(venue) = &self.venue else { return };
        let own = self.accounts.clone();
        let accounts = venue
            .accounts()
            .into_iter()
            .filter(|account| own.contains(&account.key))
            .collect();
        let listed: Vec<Instrument> = venue
            .instruments()
            .iter()
            .filter(|i| self.instruments.contains(&i.id))
            .cloned()
            .collect();
        self.line = Line::Up;
        self.input(BrokerEvent::Connecting);
        for instrument in listed {
            self.market.list(instrument.clone());
            self.input(BrokerEvent::Instrument(Box::new(instrument)));
        }
        self.input(BrokerEvent::Up {
            accounts,
            next_number: None,
        });
    }

    // The exchange.

    fn open_venue(&mut self) {
        let mut settings = VenueSettings::new("sim", self.seed).unwrap();
        let first = settings.accounts.remove(0);
        settings.population = if self.crowded {
            Population::Crowd
        } else {
            Population::Nobody
        };
        let rich = first
            .cash
            .keys()
            .map(|currency| (*currency, Money::whole(1_000_000_000)))
            .collect();
        settings.accounts = self
            .accounts
            .iter()
            .map(|key| AccountSetup {
                account: key.account,
                ..first.clone()
            })
            .collect();
        settings.accounts.push(AccountSetup {
            account: self.counterpart.account,
            base: first.base,
            cash: rich,
        });
        self.venue = Some(Venue::open(settings, Box::new(self.books.clone()), self.now).unwrap());
    }

    pub fn crash_venue(&mut self) {
        self.say(format_args!("--- exchange crashes"));
        self.tally.venue_crashes += 1;
        self.venue = None;
        self.venue_back = self.now.after(self.chance.millis(9_000));
        self.cut_line();
    }

    /// The exchange can't write its books for a while.
    pub fn fail_books(&mut self) {
        self.say(format_args!("--- the exchange's disk fails"));
        self.books.set_failing(true);
        self.books_fail_until = Some(self.now.after(self.chance.millis(6_000)));
    }

    fn serve(&mut self, request: Request) {
        let request = match request {
            Request::Place {
                id, spec, instead, ..
            } if !instead.is_empty() => VenueRequest::Replace { id, spec, instead },
            Request::Place { id, spec, .. } => VenueRequest::Place { id, spec },
            Request::Modify {
                account, id, change, ..
            } => VenueRequest::Modify { account, id, change },
            Request::Cancel { account, id, .. } => VenueRequest::Cancel { account, id },
            Request::Snapshot { account, pass } => VenueRequest::Snapshot { pass, account },
        };
        if let Some(request) = self.exit_arrives(request) {
            self.ask_venue(request);
        }
    }

    /// What anybody asks of the exchange.
    pub fn ask_venue(&mut self, request: VenueRequest) {
        if let VenueRequest::Place { id, spec } | VenueRequest::Replace { id, spec, .. } = &request {
            self.terms.entry(*id).or_default().placed(spec);
        }
        let mut out = Vec::new();
        let Some(venue) = &mut self.venue else { return };
        let done = venue.handle(request, self.now, &mut out);
        self.hear(done.is_ok(), out);
    }

    fn hear(&mut self, done: bool, out: Vec<VenueEvent>) {
        if !done {
            // An exchange that can't write is down, as a real one would be.
            self.venue_rests = self.now.after(Duration::from_millis(200));
            if self.line == Line::Up {
                self.cut_line();
            }
        }
        for event in out {
            if let VenueEvent::Report(_, venue::Report::Modified { id, quantity, kind }) = &event {
                self.terms.entry(*id).or_default().given(*quantity, *kind);
            }
            let event = match event {
                VenueEvent::Quote(quote) => {
                    self.market.on_quote(quote);
                    continue;
                }
                VenueEvent::Print(print) => {
                    self.market.on_print(print, &mut Vec::new());
                    continue;
                }
                VenueEvent::Depth(_) => continue,
                VenueEvent::Report(account, _) if account == self.counterpart => continue,
                VenueEvent::Report(account, report) => BrokerEvent::Report {
                    account,
                    report: translated(report),
                },
                VenueEvent::Snapshot(read) if self.chance.permille(50) => BrokerEvent::SnapshotFailed {
                    account: read.account,
                    pass: read.pass,
                    reason: "cut short".into(),
                },
                VenueEvent::Snapshot(read) => BrokerEvent::Snapshot(Box::new(whole(read))),
            };
            if self.line == Line::Up {
                self.to_engine.send(event, self.now, &mut self.chance);
            }
        }
    }
}

/// What may be due, in the order in which equal times are done.
#[derive(Clone, Copy, Debug)]
enum Due {
    Commit,
    OpenVenue,
    MendBooks,
    TellDown,
    Connect,
    ToVenue,
    ToEngine,
    Venue,
    Timer,
}

fn translated(report: venue::Report) -> Report {
    match report {
        venue::Report::Accepted { id, order, phase } => Report::Accepted {
            id,
            broker_id: order,
            phase,
        },
        venue::Report::Rejected { id, reason } => Report::Rejected { id, reason },
        venue::Report::Executed(execution) => Report::Executed(execution),
        venue::Report::Triggered { id } => Report::Triggered { id },
        venue::Report::Modified { id, quantity, kind } => Report::Modified { id, quantity, kind },
        venue::Report::ModifyRejected { id, reason } => Report::ModifyRejected { id, reason },
        venue::Report::Cancelled { id, reason } => Report::Cancelled { id, reason },
        venue::Report::CancelRejected { id, reason } => Report::CancelRejected { id, reason },
        venue::Report::Expired { id } => Report::Expired { id },
        venue::Report::Balance { cash } => Report::Balance { cash },
    }
}

fn whole(read: venue::VenueSnapshot) -> Snapshot {
    let orders = read.orders.into_iter().map(|order| BrokerOrder {
        id: order.id,
        broker_id: order.order,
        spec: order.spec,
        phase: order.phase,
        filled: order.filled,
        number: None,
        foreign: false,
    });
    Snapshot {
        pass: read.pass,
        account: read.account,
        positions: read.positions,
        cash: read.cash,
        orders: orders.collect(),
        executions: read.executions,
        complete_since: Timestamp::MIN,
    }
}
