//! The engine's process, as `app/engine_task.rs` runs it: fold, store, and only then release; cancels alone leave before
//! their commit. It dies with what was not stored, and begins again with what was.

use super::chance::Chance;
use super::check::{self, Checker};
use super::disk::Stored;
use super::faults::Fault;
use super::line::Line;
use super::world::World;
use std::time::Duration;
use tradewind::domain::*;
use tradewind::engine::{
    Batch, BrokerEvent, Command, Engine, Event, Fact, Input, Outcome, Release, Report, Request, State,
    clock_begins, digest,
};

impl World {
    /// A process begins, with the wall clock as it is, and never before what was recorded last.
    pub fn boot(&mut self) {
        let wall = Timestamp(self.now.0.saturating_add(self.wall_error));
        self.skew = clock_begins(self.engine.state(), wall)
            .0
            .saturating_sub(self.now.0);
        let limits = self.limits();
        self.step(&Input::Start {
            build: "simulated".into(),
            limits: Box::new(limits),
        });
        self.command(Command::OpenSession);
    }

    /// Wide, so that much happens; or so that they bind; or with every control of the account in force.
    fn limits(&self) -> Limits {
        let mut limits = Limits {
            rate_burst: 60,
            rate_per_second: 30,
            max_live_orders: 60,
            duplicate_window_ms: 5,
            ..Limits::default()
        };
        if self.plan.faults.has(Fault::Tight) {
            limits.max_position_value = Money::whole(60_000);
            limits.max_order_value = Money::whole(35_000);
            limits.max_order_cost = Money::whole(25_000);
            limits.max_contracts_each = 3;
            limits.max_quantity_equity = Quantity::whole(150).unwrap();
            limits.max_live_orders = 5;
            limits.rate_burst = 6;
            limits.rate_per_second = 3;
            limits.duplicate_window_ms = 500;
        }
        if self.plan.faults.has(Fault::Breached) {
            self.breachable(&mut limits);
        }
        if self.plan.faults.has(Fault::Strict) {
            // So small that it is reached.
            limits.max_daily_loss = Money::whole(40);
            let mut chance = Chance::stream(self.plan.seed, u64::MAX - 5);
            if chance.permille(500) {
                let paced = [
                    LimitName::MaxLiveOrders,
                    LimitName::DuplicateWindowMs,
                    LimitName::MaxEntries5m,
                ];
                limits.be_strict(|name| paced.contains(&name));
            }
            return limits;
        }
        Limits {
            daily_loss_warn_bps: 0,
            daily_loss_reduce_bps: 0,
            daily_loss_lock_bps: 0,
            max_gross_bps: 0,
            max_name_bps: 0,
            max_issuer_bps: 0,
            min_excess_bps: 0,
            max_total_orders: if self.plan.faults.has(Fault::Breached) {
                limits.max_total_orders
            } else {
                0
            },
            deny_self_cross: false,
            keep_hours: false,
            max_spread_bps: 0,
            close_band_bps: 0,
            max_slippage_bps: 0,
            max_entries_5m: 0,
            max_round_trips_1m: 0,
            loss_streak: 0,
            ..limits
        }
    }

    /// So near that what is no order of ours breaches them, with what that does. The same for each process of a world.
    fn breachable(&self, limits: &mut Limits) {
        let mut chance = Chance::stream(self.plan.seed, u64::MAX - 4);
        let does = *chance.pick(&[
            Breach::ReduceOnly,
            Breach::CancelEntries,
            Breach::CancelEntries,
            Breach::Lock,
            Breach::Liquidate,
        ]);
        limits.max_position_value = Money::whole(*chance.pick(&[20_000, 60_000, 900_000]));
        limits.max_total_orders = *chance.pick(&[6, 12, 24]);
        limits.max_contracts = *chance.pick(&[0, 2, 4]);
        limits.on_breach.max_position_value = does;
        limits.on_breach.max_total_orders = does;
        limits.on_breach.max_contracts = does;
    }

    pub fn command(&mut self, command: Command) -> Option<Outcome> {
        if self.dead_until.is_some() || self.asleep_until > self.now {
            return None;
        }
        let command = digest::looked_at(&self.market, command);
        self.say(format_args!("  {command:?}"));
        let input = Input::Command {
            origin: self.origin,
            command,
        };
        let outcome = self.step(&input);
        self.say(format_args!("  -> {outcome:?}"));
        self.tally.denied += u64::from(matches!(outcome, Some(Outcome::Denied(_))));
        self.trace.add(&outcome);
        outcome
    }

    /// The engine hears something of the broker.
    pub fn input(&mut self, event: BrokerEvent) {
        if self.dead_until.is_some() {
            return;
        }
        self.say(format_args!("  < {event:?}"));
        self.trace.add(&event);
        let (executed, read) = match &event {
            BrokerEvent::Report {
                report: Report::Executed(execution),
                ..
            } => (vec![(execution.account, execution.id)], None),
            BrokerEvent::Snapshot(read) => {
                let all = read
                    .executions
                    .iter()
                    .map(|execution| (read.account, execution.id));
                (all.collect(), Some((read.account, read.pass)))
            }
            _ => (Vec::new(), None),
        };
        let life = self.life;
        let waited_for = read.filter(|(account, pass)| {
            let entry = self.state().accounts.get(account);
            entry
                .and_then(|entry| entry.reading)
                .is_some_and(|reading| reading.0 == *pass)
        });
        if let Some((account, _)) = waited_for {
            self.wire.read_since_up.insert(account);
        }
        let broker = self.broker;
        self.step(&Input::Broker { broker, event });
        if self.life != life {
            return;
        }
        if read.is_none() || waited_for.is_some() {
            check::booked(self, &executed);
        }
    }

    pub fn timer(&mut self) {
        self.step(&Input::Timer);
    }

    fn step(&mut self, input: &Input) -> Option<Outcome> {
        let now = self.engine_now();
        let Batch { events, outcome } = self.engine.step(&self.market, input, now);
        self.store(events);
        outcome
    }

    /// Market data came: where people park, the engine looks at what waits for a quote.
    pub fn look_at_market(&mut self, instrument: InstrumentId) {
        self.quoted.insert(instrument, self.now);
        let is_awake = self.dead_until.is_none() && self.asleep_until <= self.now;
        if is_awake && self.plan.faults.has(Fault::Park) {
            let now = self.engine_now();
            let batch = self.engine.on_market(&self.market, instrument, now);
            self.store(batch.events);
        }
    }

    /// Hands a batch to the journal; cancels leave at once.
    fn store(&mut self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        for event in &events {
            self.say(format_args!("    #{} {:?}", event.sequence, event.fact));
            self.trace.add(event);
        }
        check::batch(self, &events);
        let life = self.life;
        for event in events.iter().filter(|event| event.fact.leaves_before_commit()) {
            self.release(event);
            if self.life != life {
                return;
            }
        }
        let done = self.now.after(self.chance.millis(self.commit_longest + 1));
        let done = self.commits.back().map_or(done, |last| last.0.max(done));
        self.commits.push_back((done, events));
        if self.commit_longest == 0 && self.commits.len() == 1 {
            self.commit();
        }
    }

    /// The oldest batch is durable, if the disk can: then its requests may leave.
    pub fn commit(&mut self) {
        let Some((_, events)) = self.commits.front().cloned() else {
            return;
        };
        let was_on_reserve = self.disk.on_reserve;
        let stored = self.disk.store(&events, self.now);
        if stored == Stored::Lost {
            self.say(format_args!("--- the journal can't be written"));
            self.tally.disk_failed += 1;
            let well = self.disk.well_at(self.now).since(self.now);
            return self.crash_engine(well.max(Duration::from_millis(1)));
        }
        let life = self.life;
        self.commits.pop_front();
        self.made_durable(&events);
        if stored == Stored::OnReserve && !was_on_reserve {
            self.say(format_args!("--- the journal is on its reserve"));
            self.tally.disk_full += 1;
            self.wire.storage_failed(&self.accounts, self.now);
            self.step(&Input::StorageFailed {
                reason: "no space is left".into(),
            });
        }
        for event in events.iter().filter(|event| !event.fact.leaves_before_commit()) {
            if self.life == life {
                self.release(event);
            }
        }
        if self.commits.is_empty() && self.life == life {
            let state = self.engine.state();
            self.disk.keep_snapshot(state);
        }
    }

    fn made_durable(&mut self, events: &[Event]) {
        for event in events {
            self.replica.apply(event);
            self.wire.durable(event);
        }
    }

    fn release(&mut self, event: &Event) {
        match self.engine.release(event) {
            Release::Nothing => {}
            Release::Send(request) => self.send(request),
            Release::Withhold(fact) => {
                self.tally.withheld += 1;
                check::withheld(self, &fact);
                let batch = self.engine.record(fact, self.engine_now());
                self.store(batch.events);
            }
        }
    }

    fn send(&mut self, request: Request) {
        self.say(format_args!("  > {request:?}"));
        self.trace.add(&request);
        check::leaves(self, &request);
        if let Request::Place {
            id, instead, family, ..
        } = &request
        {
            self.tally.placed += 1;
            self.tally.families += u64::from(family.is_some());
            if self.wire.exits.contains_key(id) {
                self.tally.exits += 1;
                self.tally.swaps += u64::from(!instead.is_empty());
            }
        }
        self.goes_to_broker(request);
    }

    /// A process may die in any step of a flatten.
    pub fn perhaps_die(&mut self, fact: &Fact) {
        if !self.faulty || !self.plan.faults.has(Fault::CrashInFlatten) {
            return;
        }
        match fact {
            Fact::FlattenStarted { .. } if self.chance.permille(120) => {
                self.kill = true;
                self.tally.killed_in[0] += 1;
            }
            Fact::FlattenStepped { step, .. } if self.chance.permille(160) => {
                self.kill = true;
                self.tally.killed_in[*step as usize] += 1;
            }
            _ => {}
        }
    }

    /// The engine's process dies: what was not stored is gone but for a beginning, what was stored is folded again.
    pub fn crash_engine(&mut self, down_for: Duration) {
        if self.dead_until.is_some() {
            return;
        }
        self.say(format_args!("--- engine crashes"));
        self.tally.engine_crashes += 1;
        self.life += 1;
        let whole = self.commits.is_empty();
        // Commits under way may have made it to the disk, and then their requests did not leave.
        let kept = self.chance.below(self.commits.len() as u64 + 1);
        let kept = if self.disk.well_at(self.now) > self.now {
            0
        } else {
            kept
        };
        for _ in 0..kept {
            if let Some((_, events)) = self.commits.pop_front() {
                self.disk.keep(&events);
                self.made_durable(&events);
            }
        }
        self.tally.unsynced_lost += self.commits.len() as u64;
        self.commits.clear();
        self.cut_line();
        if let Line::Down { told, .. } = &mut self.line {
            *told = None;
        }
        match self.disk.recover() {
            Ok(state) if state == self.replica => {
                if whole && state != *self.engine.state() {
                    self.wrong(Checker::I13, "what is in memory is not what the journal says");
                }
                self.engine = Engine::new(state);
            }
            Ok(_) => self.wrong(
                Checker::I13,
                "the snapshot and the events after it are not the journal",
            ),
            Err(why) => self.wrong(Checker::I13, format!("the journal can't be recovered: {why}")),
        }
        self.tally.journals_recovered += u64::from(self.disk.is_real());
        self.wire.begin(self.engine.state(), self.now);
        for terms in self.terms.values_mut() {
            terms.forget();
        }
        if down_for.is_zero() {
            self.boot();
        } else {
            self.dead_until = Some(self.now.after(down_for));
        }
    }

    /// Memory is what the journal says, where nothing is on its way to the disk.
    pub fn compare_replica(&mut self) {
        if self.commits.is_empty() && self.dead_until.is_none() {
            self.tally.replicas_compared += 1;
            if self.replica != *self.engine.state() {
                self.wrong(Checker::I13, "what is in memory is not what the journal says");
            }
        }
    }

    /// The whole journal from nothing.
    pub fn replayed(&self) -> State {
        let mut state = State::default();
        for event in &self.disk.journal {
            state.apply(event);
        }
        state
    }

    /// The machine sleeps: nothing of the engine moves, and its steady clock may stand still meanwhile.
    pub fn suspend(&mut self) {
        let span = self.chance.millis(90_000);
        self.say(format_args!("--- the machine sleeps for {span:?}"));
        self.tally.sleeps += 1;
        self.asleep_until = self.now.after(span);
        if self.chance.permille(500) {
            self.skew = self.skew.saturating_sub(i64::try_from(span.as_nanos()).unwrap());
        }
        if self.chance.permille(500) {
            self.cut_line();
        }
    }

    /// Somebody, or NTP, sets the wall clock.
    pub fn step_clock(&mut self) {
        let seconds = *self.chance.pick(&[-7_200, -3_600, -90, -2, 2, 90, 3_600, 7_200]);
        self.say(format_args!("--- the wall clock steps by {seconds} s"));
        self.tally.clock_steps += 1;
        self.wall_error = self.wall_error.saturating_add(seconds * 1_000_000_000);
    }
}
