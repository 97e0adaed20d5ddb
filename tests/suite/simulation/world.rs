//! One world: an engine with its journal, an exchange with its books, the lanes between them, and a clock. It does next
//! whatever is due first; equal times are done in a fixed order. The engine's side is in `process.rs`, the line in
//! `line.rs`, the broker's side in `house.rs`, what people do in `deeds.rs`.

use super::chance::Chance;
use super::check::{self, Checker, Wire, Wrong};
use super::deeds;
use super::disk::Disk;
use super::faults::Fault;
use super::habits::Habits;
use super::house::House;
use super::lanes::{Lane, Manners};
use super::line::Line;
use super::plan::Plan;
use super::tally::{Tally, Trace};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tradewind::domain::*;
use tradewind::engine::{BrokerEvent, Command, Engine, Event, Origin, Request, SessionKind, State};
use tradewind::market::Market;

/// Virtual time after the faults stop, until which everything has to agree.
const SETTLED: Duration = Duration::from_secs(60);
/// And until which flattens have to have ended.
const QUIET: Duration = Duration::from_secs(75);

/// The world.
#[derive(Debug)]
pub struct World {
    pub plan: Plan,
    pub chance: Chance,
    pub now: Timestamp,
    // The engine's process.
    pub engine: Engine,
    pub market: Market,
    pub disk: Disk,
    /// Batches folded and not yet stored, with the moment their commit is done.
    pub commits: VecDeque<(Timestamp, Vec<Event>)>,
    /// The longest commit, in milliseconds.
    pub commit_longest: u64,
    /// The state folded from the journal alone, as a terminal has it.
    pub replica: State,
    /// The engine's clock less the world's, in nanoseconds.
    pub skew: i64,
    /// The machine's wall clock less the world's.
    pub wall_error: i64,
    /// The machine sleeps, or the process is dead, until then.
    pub asleep_until: Timestamp,
    pub dead_until: Option<Timestamp>,
    /// The engine's process dies next.
    pub kill: bool,
    /// How many processes there were before this one.
    pub life: u64,
    // The line.
    pub to_venue: Lane<Request>,
    pub to_engine: Lane<BrokerEvent>,
    pub line: Line,
    pub deaf_until: Timestamp,
    pub mute_until: Timestamp,
    /// When the heartbeats find that one direction is dead.
    pub half_open_ends: Option<Timestamp>,
    // The broker's side.
    pub house: House,
    // People.
    pub origin: Origin,
    pub accounts: Vec<AccountKey>,
    pub instruments: Vec<InstrumentId>,
    pub broker: BrokerId,
    pub counterpart: AccountKey,
    pub last_commands: VecDeque<Command>,
    pub next_id: u64,
    // What is checked.
    /// When the last quote of each instrument came.
    pub quoted: BTreeMap<InstrumentId, Timestamp>,
    pub wire: Wire,
    pub terms: BTreeMap<ClientOrderId, check::Terms>,
    /// Until everything is to come to rest.
    pub faulty: bool,
    pub found: Option<Wrong>,
    pub tally: Tally,
    pub trace: Trace,
    loud: bool,
}

/// What may be due, in the order in which equal times are done.
#[derive(Clone, Copy, Debug)]
pub enum Due {
    Rise,
    Commit,
    OpenVenue,
    MendBooks,
    TellDown,
    HalfOpenEnds,
    Connect,
    Fees,
    ToVenue,
    ToEngine,
    Venue,
    Timer,
}

impl World {
    pub fn new(plan: Plan, loud: bool) -> Self {
        let faults = plan.faults;
        let mut chance = Chance::stream(plan.seed, u64::MAX - 2);
        // Some worlds live through the end of a trading day.
        let start = if faults.has(Fault::Dusk) {
            "2026-11-20T21:58:40Z"
        } else {
            "2026-11-20T15:00:00Z"
        };
        let tws = faults.has(Fault::Tws);
        let broker = BrokerId::new(if tws { "ibkr" } else { "sim" }).unwrap();
        let key = |name: &str| AccountKey {
            broker,
            account: AccountId::new(name).unwrap(),
        };
        let (to_venue, to_engine) = (
            Manners::of(&mut chance, faults, true),
            Manners::of(&mut chance, faults, false),
        );
        let slow = *chance.pick(&[3, 300, 6_000]);
        let commit_longest = if faults.has(Fault::SlowDisk) { slow } else { 0 };
        let now = Timestamp::parse(start).unwrap();
        let mut world = Self {
            chance,
            now,
            engine: Engine::default(),
            market: Market::new(),
            disk: Disk::new(&plan),
            commits: VecDeque::new(),
            commit_longest,
            replica: State::default(),
            skew: 0,
            wall_error: 0,
            asleep_until: Timestamp::MIN,
            dead_until: None,
            kill: false,
            life: 0,
            to_venue: Lane::new(to_venue),
            to_engine: Lane::new(to_engine),
            line: Line::Down {
                back: now,
                told: None,
            },
            deaf_until: Timestamp::MIN,
            mute_until: Timestamp::MIN,
            half_open_ends: None,
            house: House {
                back: now,
                rests: now,
                habits: tws.then(Habits::default),
                ..House::default()
            },
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
            quoted: BTreeMap::new(),
            wire: Wire::default(),
            terms: BTreeMap::new(),
            faulty: true,
            found: None,
            tally: Tally::default(),
            trace: Trace::default(),
            loud,
            plan,
        };
        world.open_venue();
        let listed = world.house.venue.as_ref().unwrap().instruments();
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

    /// Does the plan's deeds, then lets everything come to rest, and compares.
    pub fn run(mut self) -> Result<Tally, Wrong> {
        for deed in 0..self.plan.length() {
            // Each deed has dice of its own: leaving one out does not change the next.
            self.chance = Chance::stream(self.plan.seed, deed);
            let pause = self.chance.millis(800);
            let until = self.now.after(pause);
            self.advance(until);
            if self.plan.deeds.contains(&deed) {
                deeds::any(&mut self);
            }
            if deed % 16 == 0 {
                self.compare_replica();
            }
            if let Some(wrong) = self.found.take() {
                return Err(wrong);
            }
        }
        if self.asleep_until > self.now {
            self.advance(self.asleep_until);
        }
        self.calm();
        let calm = self.now;
        self.advance(calm.after(SETTLED));
        self.look(check::settled);
        self.advance(calm.after(QUIET));
        self.look(check::quiet);
        if let Some(wrong) = self.found.take() {
            return Err(wrong);
        }
        self.tally.dropped = self.to_venue.dropped + self.to_engine.dropped;
        self.tally.repeated = self.to_venue.repeated + self.to_engine.repeated;
        let digest = self.engine.state().digest();
        self.trace.bytes(&digest);
        self.tally.trace = self.trace.value();
        Ok(self.tally)
    }

    fn look(&mut self, check: fn(&mut Self) -> Result<(), Wrong>) {
        if self.found.is_none()
            && let Err(wrong) = check(self)
        {
            self.found = Some(wrong);
        }
    }

    /// No more faults: everything is put right that a person would put right.
    fn calm(&mut self) {
        self.say(format_args!("--- calm"));
        self.faulty = false;
        self.chance = Chance::stream(self.plan.seed, u64::MAX - 3);
        self.to_venue.manners = Manners::default();
        self.to_engine.manners = Manners::default();
        self.commit_longest = 0;
        self.deaf_until = self.deaf_until.min(self.now);
        self.mute_until = self.mute_until.min(self.now);
        self.half_open_ends = self.half_open_ends.map(|_| self.now);
        self.to_venue.hurry(self.now);
        self.to_engine.hurry(self.now);
        self.house.back = self.house.back.min(self.now);
        self.house.books_fail_until = self.house.books_fail_until.map(|_| self.now);
        if let Line::Down { back, told } = &mut self.line {
            *back = (*back).min(self.now);
            *told = told.map(|at| at.min(self.now));
        }
        self.disk.mend();
        self.put_right();
    }

    pub fn say(&self, words: std::fmt::Arguments) {
        if self.loud {
            println!("{} {words}", self.now);
        }
    }

    /// Something is not as it has to be. The first that is found counts.
    pub fn wrong(&mut self, checker: Checker, words: impl Into<String>) {
        let words = words.into();
        self.say(format_args!("!!! {checker}: {words}"));
        self.found.get_or_insert(Wrong { checker, words });
    }

    pub fn state(&self) -> &State {
        self.engine.state()
    }

    /// The engine's clock.
    pub fn engine_now(&self) -> Timestamp {
        Timestamp(self.now.0.saturating_add(self.skew))
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
                self.crash_engine(Duration::ZERO);
            }
            if moments > 3_000 {
                self.wrong(Checker::I5, format!("time stands still with {what:?}"));
            }
            if self.found.is_some() {
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
        let alive = self.dead_until.is_none();
        // What the engine's machine would do waits while it sleeps.
        let awake = |at: Timestamp| Some(at.max(self.asleep_until)).filter(|_| alive);
        offer(self.dead_until.map(|at| at.max(self.asleep_until)), Due::Rise);
        offer(
            self.commits.front().and_then(|commit| awake(commit.0)),
            Due::Commit,
        );
        let house = &self.house;
        if house.venue.is_none() {
            offer(Some(house.back), Due::OpenVenue);
        }
        offer(house.books_fail_until, Due::MendBooks);
        if let Line::Down { back, told } = self.line {
            offer(told.and_then(awake), Due::TellDown);
            offer(house.venue.as_ref().and_then(|_| awake(back)), Due::Connect);
        }
        offer(self.half_open_ends, Due::HalfOpenEnds);
        offer(house.fees.first().map(|fee| fee.0), Due::Fees);
        offer(self.to_venue.due(), Due::ToVenue);
        offer(self.to_engine.due().and_then(awake), Due::ToEngine);
        if let Some(venue) = &house.venue {
            offer(Some(venue.next_wake().max(house.rests)), Due::Venue);
        }
        let timer = self.engine.next_deadline().filter(|at| *at < Timestamp::MAX);
        let timer = timer.map(|at| Timestamp(at.0.saturating_sub(self.skew)));
        offer(timer.and_then(awake), Due::Timer);
        first
    }

    fn do_next(&mut self, due: Due) {
        match due {
            Due::Rise => {
                self.dead_until = None;
                self.boot();
            }
            Due::Commit => self.commit(),
            Due::OpenVenue => self.open_venue(),
            Due::MendBooks => self.mend_books(),
            Due::TellDown => self.tell_down(),
            Due::HalfOpenEnds => {
                self.half_open_ends = None;
                self.cut_line();
            }
            Due::Connect => self.connect(),
            Due::Fees => self.tell_fee(),
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
                if let Some(venue) = &mut self.house.venue {
                    let done = venue.advance(self.now, &mut out);
                    self.hear(done.is_ok(), out);
                }
            }
            Due::Timer => self.timer(),
        }
    }
}
