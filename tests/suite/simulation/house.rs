//! The other side of the line: the exchange with its durable books, the broker's habits before it, and what the broker
//! tells of executions: fees that come later, corrections and busts. [`World::view`] is what all of them together have in
//! their books at this moment, and what the engine is held against.

use super::chance::Chance;
use super::check::Checker;
use super::faults::Fault;
use super::habits::{Habits, Step};
use super::world::World;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use tradewind::broker::sim::{translate, translate_report, translate_snapshot};
use tradewind::domain::*;
use tradewind::engine::{BrokerEvent, Report, Request, Snapshot};
use tradewind::venue::{
    AccountSetup, MemoryBooks, Population, Venue, VenueEvent, VenueRequest, VenueSettings,
};

/// An execution as the broker tells it by now.
#[derive(Clone, Debug)]
pub struct Told {
    /// With its fee, told or not.
    pub execution: Execution,
    /// From when on its fee is told; nothing for never.
    fee_from: Option<Timestamp>,
}

/// The broker's side.
#[derive(Debug, Default)]
pub struct House {
    pub venue: Option<Venue>,
    pub books: MemoryBooks,
    /// When an exchange that is away comes back.
    pub back: Timestamp,
    pub books_fail_until: Option<Timestamp>,
    /// An exchange whose books failed is not woken before.
    pub rests: Timestamp,
    pub habits: Option<Habits>,
    pub told: BTreeMap<(AccountKey, ExecutionBase), Told>,
    /// Fees that are still to be told.
    pub fees: BTreeSet<(Timestamp, AccountKey, ExecutionBase)>,
    /// What corrections moved positions by.
    pub moved: BTreeMap<(AccountKey, InstrumentId), Quantity>,
    /// When an instrument was last corrected.
    pub corrected_at: BTreeMap<(AccountKey, InstrumentId), Timestamp>,
    /// Reports of the past, for those who tell them again.
    pub past: VecDeque<BrokerEvent>,
    /// When each order came to the broker.
    pub arrived: BTreeMap<ClientOrderId, Timestamp>,
}

impl World {
    pub fn open_venue(&mut self) {
        let mut settings = VenueSettings::new(self.broker.as_str(), self.plan.seed).unwrap();
        let first = settings.accounts.remove(0);
        settings.population = if self.plan.faults.has(Fault::Crowd) {
            Population::Crowd
        } else {
            Population::Nobody
        };
        let rich = first
            .cash
            .keys()
            .map(|currency| (*currency, Money::whole(1_000_000_000)))
            .collect();
        let setup = |key: &AccountKey| AccountSetup {
            account: key.account,
            ..first.clone()
        };
        settings.accounts = self.accounts.iter().map(setup).collect();
        settings.accounts.push(AccountSetup {
            account: self.counterpart.account,
            base: first.base,
            cash: rich,
        });
        let books = Box::new(self.house.books.clone());
        self.house.venue = Some(Venue::open(settings, books, self.now).unwrap());
        if self.house.habits.is_some() {
            for account in self.accounts.clone() {
                let Some(read) = self.read_venue(account) else {
                    continue;
                };
                let mut steps = Vec::new();
                if let Some(habits) = &mut self.house.habits {
                    habits.resync(&read, &mut steps);
                }
                self.take(steps);
            }
        }
    }

    pub fn crash_venue(&mut self) {
        self.say(format_args!("--- exchange crashes"));
        self.tally.venue_crashes += 1;
        self.house.venue = None;
        self.house.back = self.now.after(self.chance.millis(9_000));
        self.cut_line();
    }

    /// The exchange can't write its books for a while.
    pub fn fail_books(&mut self) {
        self.say(format_args!("--- the exchange's disk fails"));
        self.tally.books_failed += 1;
        self.house.books.set_failing(true);
        self.house.books_fail_until = Some(self.now.after(self.chance.millis(6_000)));
    }

    pub fn mend_books(&mut self) {
        self.house.books.set_failing(false);
        self.house.books_fail_until = None;
    }

    /// A request arrives.
    pub fn serve(&mut self, request: Request) {
        if let Request::Snapshot { account, pass } = request {
            return self.answer_read(account, pass);
        }
        if let Request::Place { id, spec, .. } = &request {
            self.house.arrived.entry(*id).or_insert(self.now);
            self.terms.entry(*id).or_default().placed(spec);
        }
        let exit = match &request {
            // In a group the exit's own trades may set off the stop before this model of a broker takes from it. A broker
            // that sends one of a group at a time has no such moment.
            Request::Place { family, .. } if family.is_some_and(|family| family.group.is_some()) => None,
            Request::Place { id, spec, .. } => self.wire.exits.get(id).map(|asked| (spec.clone(), *asked)),
            _ => None,
        };
        let before = exit
            .as_ref()
            .and_then(|(spec, asked)| self.held_there(spec.account, spec.instrument, *asked));
        let mut steps = Vec::new();
        match &mut self.house.habits {
            Some(habits) => habits.serve(request.clone(), &mut steps),
            None => steps.push(Step::Ask(translate(request.clone()))),
        }
        self.take(steps);
        if let Some((spec, asked)) = exit
            && let Some(before) = before.filter(|before| !before.unheard)
            && let Some(after) = self.held_there(spec.account, spec.instrument, asked)
            && !after.unheard
            && (before.held.is_positive() && after.held.is_negative()
                || before.held.is_negative() && after.held.is_positive())
        {
            let (before, after) = (before.held, after.held);
            self.wrong(Checker::I7, format!("the exit {spec} made {after} of {before}"));
        }
        if let (Some(habits), Request::Place { id, .. } | Request::Modify { id, .. }) =
            (&self.house.habits, &request)
            && habits.live_under(*id) > 1
        {
            self.wrong(
                Checker::I2,
                format!("two live orders are called {id} at the broker"),
            );
        }
    }

    /// The answer to a read: whole, cut short, or behind with its executions.
    fn answer_read(&mut self, account: AccountKey, pass: u64) {
        let short = self.faulty && self.plan.faults.has(Fault::ShortReads) && self.chance.permille(150);
        let behind = self.chance.millis(3_000);
        let read = self.view(account);
        if read.is_none() {
            self.hear(false, Vec::new());
        }
        let Some(mut read) = read.filter(|_| !short) else {
            self.tally.short_reads += 1;
            let reason = "cut short".into();
            return self.tell(BrokerEvent::SnapshotFailed {
                account,
                pass,
                reason,
            });
        };
        // At the very first read nobody can tell what is in the position already: that one is not behind.
        let opened = self.state().positions_known(account);
        if opened && self.faulty && self.plan.faults.has(Fault::SlowBooks) {
            let until = self.now.before(behind);
            read.executions.retain(|execution| execution.at <= until);
        }
        self.tell(BrokerEvent::Snapshot(Box::new(Snapshot { pass, ..read })));
    }

    /// What anybody asks of the exchange.
    pub fn ask_venue(&mut self, request: VenueRequest) {
        if let VenueRequest::Place { id, spec } | VenueRequest::Replace { id, spec, .. } = &request {
            self.terms.entry(*id).or_default().placed(spec);
        }
        let mut out = Vec::new();
        let Some(venue) = &mut self.house.venue else {
            return;
        };
        let done = venue.handle(request, self.now, &mut out);
        self.hear(done.is_ok(), out);
    }

    /// Does what follows, and what follows from that.
    fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Ask(request) => self.ask_venue(request),
                Step::Tell(account, report) => self.tell_report(account, report),
                Step::Unclear => self.tell(BrokerEvent::Stale {
                    reason: "a number says that an order is not found".into(),
                }),
            }
        }
    }

    pub fn hear(&mut self, done: bool, out: Vec<VenueEvent>) {
        if !done {
            // An exchange that can't write is down, as a real one would be.
            self.house.rests = self.now.after(Duration::from_millis(200));
            if self.is_up() {
                self.cut_line();
            }
        }
        self.market.received_at(self.now);
        for event in out {
            match event {
                VenueEvent::Quote(quote) => {
                    self.market.on_quote(quote);
                    self.look_at_market(quote.instrument);
                }
                VenueEvent::Print(print) => {
                    self.market.on_print(print, &mut Vec::new());
                }
                VenueEvent::Depth(_) | VenueEvent::Snapshot(_) => {}
                VenueEvent::Report(account, _) if account == self.counterpart => {}
                VenueEvent::Report(account, report) => {
                    let report = translate_report(report);
                    let mut steps = Vec::new();
                    match &mut self.house.habits {
                        Some(habits) => habits.hear(account, report, &mut steps),
                        None => steps.push(Step::Tell(account, report)),
                    }
                    self.take(steps);
                }
            }
        }
    }

    /// A report leaves for the engine.
    fn tell_report(&mut self, account: AccountKey, mut report: Report) {
        match &mut report {
            Report::Modified { id, quantity, kind } => {
                self.terms.entry(*id).or_default().given(*quantity, *kind);
            }
            Report::Executed(execution) => *execution = self.as_told(execution.clone()),
            _ => {}
        }
        self.tell(BrokerEvent::Report { account, report });
    }

    /// An execution as the broker tells it now: its newest revision, its fee where that is known.
    pub fn as_told(&mut self, execution: Execution) -> Execution {
        let key = (execution.account, execution.id.base);
        let (now, late) = (self.now, self.plan.faults.has(Fault::LateFees));
        let house = &mut self.house;
        let told = house.told.entry(key).or_insert_with(|| {
            let name = key
                .1
                .as_str()
                .bytes()
                .fold(7, |sum: u64, byte| sum * 31 + u64::from(byte));
            let mut chance = Chance::stream(self.plan.seed, name);
            let fee_from = match chance.below(5) {
                0..2 if late => Some(now.after(chance.millis(60_000))),
                2 if late => None,
                _ => Some(Timestamp::MIN),
            };
            if let Some(at) = fee_from.filter(|at| *at > now) {
                house.fees.insert((at, key.0, key.1));
            }
            Told { execution, fee_from }
        });
        told.now(now)
    }

    /// A fee that was late is told.
    pub fn tell_fee(&mut self) {
        let Some((_, account, base)) = self.house.fees.pop_first() else {
            return;
        };
        let Some(told) = self.house.told.get(&(account, base)) else {
            return;
        };
        self.tally.late_fees += 1;
        let report = Report::Executed(told.now(self.now));
        self.tell(BrokerEvent::Report { account, report });
    }

    /// The exchange's read of an account, as it is there.
    fn read_venue(&mut self, account: AccountKey) -> Option<Snapshot> {
        let mut out = Vec::new();
        let venue = self.house.venue.as_mut()?;
        let request = VenueRequest::Snapshot { pass: 0, account };
        let done = venue.handle(request, self.now, &mut out).is_ok();
        let read = out
            .iter()
            .position(|event| matches!(event, VenueEvent::Snapshot(_)));
        let read = read.map(|at| out.remove(at));
        // Looking is no fault: what can't be written now is told later.
        self.hear(true, out);
        match read.filter(|_| done)? {
            VenueEvent::Snapshot(read) => Some(translate_snapshot(read)),
            _ => None,
        }
    }

    /// Everything the broker's side has in its books of one account: what the engine is held against.
    pub fn view(&mut self, account: AccountKey) -> Option<Snapshot> {
        let read = self.read_venue(account)?;
        let mut read = match &self.house.habits {
            Some(habits) => habits.view(read),
            None => read,
        };
        let executions = std::mem::take(&mut read.executions);
        read.executions = executions.into_iter().map(|e| self.as_told(e)).collect();
        let mut filled: BTreeMap<ClientOrderId, Quantity> = BTreeMap::new();
        for execution in &read.executions {
            if let Some(order) = execution.order {
                let sum = filled.entry(order).or_default();
                *sum = sum.saturating_add(execution.quantity);
            }
        }
        for order in &mut read.orders {
            order.filled = filled.get(&order.id).copied().unwrap_or_default();
        }
        let moved = self
            .house
            .moved
            .iter()
            .filter(|((owner, _), _)| *owner == account);
        for ((_, instrument), moved) in moved {
            match read.positions.iter_mut().find(|(id, ..)| id == instrument) {
                Some((_, quantity, _)) => *quantity = quantity.saturating_add(*moved),
                None => read.positions.push((*instrument, *moved, None)),
            }
        }
        read.positions.retain(|(_, quantity, _)| !quantity.is_zero());
        Some(read)
    }

    /// What the books hold of an instrument, how many orders but those made elsewhere live there, and whether something
    /// happened unheard, or since a minute before `since`, with which nobody can reckon: a trade from elsewhere, or a
    /// correction. What was decided then may rest on a read from before.
    pub fn held_there(
        &mut self,
        account: AccountKey,
        instrument: InstrumentId,
        since: Timestamp,
    ) -> Option<Held> {
        let read = self.view(account)?;
        let since = since.before(Duration::from_secs(60));
        let state = self.engine.state();
        let elsewhere = |id: Option<ClientOrderId>| id.is_some_and(|id| id.as_str().starts_with("PHONE"));
        let unheard = read.executions.iter().any(|execution| {
            let booked = state.executions.get(&(account, execution.id.base));
            let heard = booked.is_some_and(|booked| booked.revision >= execution.id.revision);
            let late = !heard || execution.at >= since;
            let strange = elsewhere(execution.order) || execution.id.revision > 1;
            execution.instrument == instrument && late && strange
        });
        let corrected = self.house.corrected_at.get(&(account, instrument));
        let held = read.positions.iter().find(|(id, ..)| *id == instrument);
        let live = read.orders.iter().filter(|order| {
            order.spec.instrument == instrument && order.phase.is_live() && !elsewhere(Some(order.id))
        });
        Some(Held {
            held: held.map_or(Quantity::ZERO, |(_, quantity, _)| *quantity),
            live: live.count(),
            unheard: unheard || corrected.is_some_and(|at| *at >= since),
        })
    }
}

/// What is held at the broker.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub held: Quantity,
    pub live: usize,
    pub unheard: bool,
}

impl Told {
    pub fn tell_fee_at(&mut self, at: Timestamp) {
        self.fee_from = Some(at);
    }
    pub fn now(&self, now: Timestamp) -> Execution {
        let mut execution = self.execution.clone();
        execution.fee = execution
            .fee
            .filter(|_| self.fee_from.is_some_and(|from| from <= now));
        execution
    }
}
