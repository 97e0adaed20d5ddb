//! What goes over the wire, against what was durable, asked and allowed (I1 to I3, I6, I7, I9), and how orders move (I8).

use super::breaches::{Breaches, breached};
use super::parked::Parked;
use super::{Checker, Shadow};
use crate::simulation::world::World;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use tradewind::domain::*;
use tradewind::engine::risk::LossStage;
use tradewind::engine::{Event, Fact, Request, State};

/// What is remembered to check by.
#[derive(Debug, Default)]
pub struct Wire {
    intents: BTreeSet<ClientOrderId>,
    places: BTreeMap<ClientOrderId, u32>,
    numbers: BTreeMap<i32, ClientOrderId>,
    /// Closing orders of flattens, and when each was decided.
    pub exits: BTreeMap<ClientOrderId, Timestamp>,
    /// Closing orders of parts that stops give way to.
    parts: BTreeSet<ClientOrderId>,
    /// Accounts that may not add risk, since when, and what still works there that would.
    pub halted: BTreeMap<AccountKey, Halt>,
    /// Accounts that were read completely since the line is up.
    pub read_since_up: BTreeSet<AccountKey>,
    phases: BTreeMap<ClientOrderId, Phase>,
    submissions: VecDeque<Submission>,
    /// What waits here while the broker is away.
    pub parked: Parked,
    pub shadow: Shadow,
    durable_shadow: Shadow,
    /// Limits that are breached.
    pub breaches: Breaches,
    durable_breaches: Breaches,
}

/// A halt as it was recorded.
#[derive(Clone, Debug)]
pub struct Halt {
    pub since: Timestamp,
    /// Only reducing is told; a halt takes the entries off, too.
    pub takes_off: bool,
    pub entries: BTreeSet<ClientOrderId>,
}

#[derive(Debug)]
struct Submission {
    at: Timestamp,
    id: ClientOrderId,
    spec: OrderSpec,
}

fn named_price(spec: &OrderSpec) -> Option<Price> {
    spec.kind.limit().or(spec.kind.trigger())
}

/// True where all of it would only take off what is held.
pub(super) fn closes(state: &State, spec: &OrderSpec, quantity: Quantity) -> bool {
    let held = state.position(spec.account, spec.instrument);
    held.side() == Some(spec.side.opposite()) && quantity <= held.quantity.abs()
}

impl Wire {
    /// A fact is durable.
    pub fn durable(&mut self, event: &Event) {
        match &event.fact {
            Fact::Submitted { id, spec, .. } if spec.parent.is_none() => {
                self.intents.insert(*id);
            }
            Fact::ChildReleased { id, .. }
            | Fact::ParkReleased { id, .. }
            | Fact::ChainReleased { id, .. } => {
                self.intents.insert(*id);
            }
            _ => {}
        }
        self.parked.durable(event);
        self.durable_breaches.count(event);
        // What is wrong with it was found when it was folded.
        let _ = self.durable_shadow.count(event);
    }

    /// From now on the journal is on its reserve: that is a halt, whoever hears of it.
    pub fn storage_failed(&mut self, accounts: &[AccountKey], now: Timestamp) {
        for account in accounts {
            let halt = Halt {
                since: now,
                takes_off: false,
                entries: BTreeSet::new(),
            };
            self.halted.entry(*account).or_insert(halt);
        }
    }

    /// A new process knows what was durable.
    pub fn begin(&mut self, state: &State, now: Timestamp) {
        self.phases = state
            .orders
            .values()
            .map(|order| (order.id, order.phase))
            .collect();
        self.submissions
            .retain(|submission| state.orders.contains_key(&submission.id));
        self.shadow = self.durable_shadow.clone();
        self.breaches.begin(&self.durable_breaches, state);
        self.parked
            .begin(|id| self.phases.get(&id) == Some(&Phase::Parked));
        self.read_since_up.clear();
        self.halted.clear();
        for (key, account) in &state.accounts {
            if account.trading != TradingState::Active {
                let halt = Halt {
                    since: now,
                    takes_off: false,
                    entries: BTreeSet::new(),
                };
                self.halted.insert(*key, halt);
            }
        }
    }
}

/// Facts of one input, already folded.
pub fn batch(world: &mut World, events: &[Event]) {
    for event in events {
        world.wire.breaches.count(event);
        match &event.fact {
            Fact::TradingChanged { account, state, .. } => trading(world, *account, *state),
            Fact::LossStaged {
                account,
                stage: LossStage::Reached,
                does,
                ..
            } => breached(world, *account, None, *does),
            Fact::LimitBreached {
                account, of, does, ..
            } => breached(world, *account, *of, *does),
            Fact::FlattenStepped { exit: Some(exit), .. } => {
                world.wire.exits.entry(*exit).or_insert(world.now);
            }
            Fact::ScaleOutStarted { exit, .. } => {
                world.wire.parts.insert(*exit);
            }
            _ => {}
        }
    }
    let mut first = true;
    for event in events {
        if let Fact::Submitted { id, spec, .. } = &event.fact
            && spec.parent.is_none()
        {
            controls(world, event.at, *id, spec, std::mem::take(&mut first));
        }
        if let Fact::ParkReleased { id, .. } | Fact::ChainReleased { id, .. } = &event.fact
            && let Some(spec) = world
                .engine
                .state()
                .orders
                .get(id)
                .map(|order| order.spec.clone())
        {
            controls(world, event.at, *id, &spec, std::mem::take(&mut first));
        }
    }
    for event in events {
        if let Some(id) = event.fact.order() {
            moves(world, id, events);
        }
    }
}

fn trading(world: &mut World, account: AccountKey, to: TradingState) {
    if to == TradingState::Active {
        world.wire.halted.remove(&account);
        return;
    }
    let mut entries = BTreeSet::new();
    if to == TradingState::Halted {
        let own = world.engine.state().orders.values().filter(|order| {
            let held = world
                .engine
                .state()
                .position(account, order.spec.instrument)
                .side();
            let guards = order.spec.kind.is_stop() && held == Some(order.spec.side.opposite());
            let opens = !guards && !closes(world.engine.state(), &order.spec, order.leaves());
            order.spec.account == account && order.spec.parent.is_none() && !order.foreign && opens
        });
        entries.extend(own.filter(|order| order.phase.is_live()).map(|order| order.id));
    }
    let halt = Halt {
        since: world.now,
        takes_off: to == TradingState::Halted,
        entries,
    };
    world.wire.halted.insert(account, halt);
}

/// I8: an order that has ended stays so but for late fills, and for what a change that nobody heard of had made of it.
fn moves(world: &mut World, id: ClientOrderId, events: &[Event]) {
    let Some(now) = world.engine.state().orders.get(&id).map(|order| order.phase) else {
        return;
    };
    let Some(before) = world.wire.phases.insert(id, now) else {
        return;
    };
    let given_up = matches!(before, Phase::Absent | Phase::Lost);
    if before == now || before.is_live() || given_up {
        return;
    }
    let of = |fact: &Fact| fact.order() == Some(id);
    let fill = |fact: &Fact| {
        fact.execution().is_some() || matches!(fact, Fact::Modified { .. } | Fact::ModifyRefused { .. })
    };
    let change = |fact: &Fact| matches!(fact, Fact::Modified { .. });
    let facts = || events.iter().map(|event| &event.fact).filter(|fact| of(fact));
    let legal = now == Phase::Filled && facts().any(fill) || before == Phase::Filled && facts().any(change);
    if !legal {
        world.wrong(Checker::I8, format!("{id} went from {before:?} to {now:?}"));
    }
}

/// I7: the controls, counted anew on the state with the order in it, everything live at its full size.
fn controls(world: &mut World, at: Timestamp, id: ClientOrderId, spec: &OrderSpec, first: bool) {
    let is_exit = world.wire.exits.contains_key(&id);
    let found = if is_exit {
        None
    } else {
        limits(world.engine.state(), spec).or_else(|| {
            let before = &world.wire.submissions;
            timing(world.engine.state(), before, at, spec, first)
        })
    };
    if let Some(words) = found {
        world.wrong(Checker::I7, format!("{id} {spec} passed: {words}"));
    }
    let submission = Submission {
        at,
        id,
        spec: spec.clone(),
    };
    world.wire.submissions.push_back(submission);
    if world.wire.submissions.len() > 400 {
        world.wire.submissions.pop_front();
    }
}

/// What of one side could still execute: of a group only its largest.
fn could_execute<'a>(orders: impl Iterator<Item = &'a Order>) -> Quantity {
    let mut groups: BTreeMap<Option<ClientOrderId>, Quantity> = BTreeMap::new();
    let mut sum = Quantity::ZERO;
    for order in orders {
        match order.oco {
            None => sum = sum.saturating_add(order.leaves()),
            group => {
                let most = groups.entry(group).or_default();
                *most = (*most).max(order.leaves());
            }
        }
    }
    groups.into_values().fold(sum, Quantity::saturating_add)
}

fn limits(state: &State, spec: &OrderSpec) -> Option<String> {
    let limits = state.limits_of(spec.account);
    let instrument = state.instruments.get(&spec.instrument)?;
    let held = state.position(spec.account, spec.instrument);
    let paid_for = matches!(
        instrument.kind,
        InstrumentKind::Equity | InstrumentKind::Option | InstrumentKind::Crypto
    );
    let live = || {
        state.orders.values().filter(|order| {
            let same = (order.spec.account, order.spec.instrument) == (spec.account, spec.instrument);
            // What is parked passes all of this when it leaves.
            let counts = order.phase.is_live() && order.phase != Phase::Parked;
            same && order.spec.side == spec.side && counts
        })
    };
    // What waits for another order closes nothing of what is held now, and sells nothing yet.
    let at_once = |order: &&Order| order.spec.parent.is_none() && order.phase != Phase::Created;
    let working = could_execute(live());
    let sells_own = spec.side == Side::Sell && spec.parent.is_none() && paid_for;
    if sells_own && !limits.allow_short_sale {
        let own = could_execute(live().filter(at_once));
        if held.quantity < own {
            return Some(format!("{own} are sold of {} (R12)", held.quantity));
        }
    }
    if held.side() == Some(spec.side.opposite()) && working <= held.quantity.abs() {
        return None;
    }
    // Children that wait close nothing of what is held now: without them the order may be one that only reduces.
    let at_once = could_execute(live().filter(at_once));
    if held.side() == Some(spec.side.opposite()) && at_once <= held.quantity.abs() {
        return None;
    }
    if spec.quantity > limits.max_quantity(instrument.kind) {
        return Some(format!("{} is more than one order may be (R4)", spec.quantity));
    }
    let count = live().count();
    if count > limits.max_live_orders as usize {
        return Some(format!("{count} live orders on one side (R16)"));
    }
    let price = named_price(spec)?;
    let worth = |quantity| price.notional(quantity, instrument.multiplier).map(Money::abs);
    if worth(spec.quantity)? > limits.max_order_value {
        return Some("worth more than one order may be (R3)".into());
    }
    let base = state.accounts.get(&spec.account)?.account.base;
    let most = limits.max_order_cost;
    let is_asked = paid_for && most > Money::ZERO && instrument.currency == base;
    if is_asked && worth(spec.quantity)? > most {
        return Some(format!("it costs more than {most} (R3)"));
    }
    if limits.max_contracts_each > 0 && instrument.kind == InstrumentKind::Future {
        let toward = spec.side.signed(held.quantity).saturating_add(working);
        if toward > Quantity::whole(limits.max_contracts_each.into())? {
            return Some(format!(
                "with what works it could become {toward} of one future (R9)"
            ));
        }
    }
    let worst = held.quantity.saturating_add(spec.side.signed(working)).abs();
    if worth(worst)? > limits.max_position_value {
        return Some(format!("with what works it could become {worst} (R9)"));
    }
    None
}

fn timing(
    state: &State,
    before: &VecDeque<Submission>,
    at: Timestamp,
    spec: &OrderSpec,
    first: bool,
) -> Option<String> {
    let limits = state.limits_of(spec.account);
    let within = |window: Duration| {
        let of_account = before
            .iter()
            .filter(move |past| past.spec.account == spec.account);
        of_account.filter(move |past| at.since(past.at) < window)
    };
    let same = |past: &&Submission| {
        let (a, b) = (&past.spec, spec);
        (a.instrument, a.side, a.quantity) == (b.instrument, b.side, b.quantity)
            && named_price(a) == named_price(b)
    };
    let window = Duration::from_millis(limits.duplicate_window_ms);
    if within(window).any(|past| same(&past)) {
        return Some("an equal order was just sent (R7)".into());
    }
    let span = Duration::from_secs(limits.rate_burst.max(1).into()) / limits.rate_per_second.max(1);
    let recent = within(span).count();
    let reduces = closes(state, spec, spec.quantity);
    if first && !reduces && recent >= limits.rate_burst as usize {
        return Some(format!("{recent} orders within {span:?} (R8)"));
    }
    None
}

/// A request leaves.
pub fn leaves(world: &mut World, request: &Request) {
    match request {
        Request::Place {
            id,
            spec,
            number,
            instead,
            ..
        } => place(world, *id, spec, *number, instead),
        Request::Modify { id, spec, .. } => change(world, *id, spec),
        Request::Cancel { id, .. } => foreign(world, *id),
        Request::Snapshot { .. } => {}
    }
}

fn foreign(world: &mut World, id: ClientOrderId) {
    if world.state().orders.get(&id).is_some_and(|order| order.foreign) {
        world.wrong(
            Checker::I7,
            format!("{id} was made by another session and is touched"),
        );
    }
}

fn place(
    world: &mut World,
    id: ClientOrderId,
    spec: &OrderSpec,
    number: i32,
    instead: &[(ClientOrderId, Quantity)],
) {
    if !world.wire.intents.contains(&id) {
        world.wrong(
            Checker::I1,
            format!("{id} {spec} left, and its intent is not durable"),
        );
    }
    let times = world.wire.places.entry(id).or_default();
    *times += 1;
    let times = *times;
    if times > 1 {
        world.wrong(Checker::I3, format!("{id} left {times} times"));
    }
    if let Some(other) = world.wire.numbers.insert(number, id).filter(|other| *other != id) {
        world.wrong(
            Checker::I2,
            format!("{id} left under the number {number} of {other}"),
        );
    }
    if world.wire.exits.contains_key(&id) {
        exit(world, id, spec, instead);
    }
    if world.wire.parts.contains(&id) {
        part(world, id, spec);
    }
    if !closes(world.state(), spec, spec.quantity) {
        adds(world, id, spec);
    } else if !connected(world, spec.account.broker) {
        let link = world.state().link(spec.account.broker);
        world.wrong(Checker::I6, format!("{id} {spec} left with the link {link:?}"));
    }
}

fn connected(world: &World, broker: BrokerId) -> bool {
    let link = world.state().link(broker);
    matches!(link, LinkState::Syncing | LinkState::Ready | LinkState::Degraded)
}

/// I6 and I9: what adds risk.
fn adds(world: &mut World, id: ClientOrderId, spec: &OrderSpec) {
    let state = world.state();
    let link = state.link(spec.account.broker);
    let paused = state.pauses.contains_key(&spec.account.broker);
    let read = state
        .accounts
        .keys()
        .all(|account| world.wire.read_since_up.contains(account));
    let held = state.position(spec.account, spec.instrument).quantity;
    if let Some(halt) = world.wire.halted.get(&spec.account) {
        let words = format!("{id} {spec} left, holding {held}, halted since {}", halt.since);
        world.wrong(Checker::I9, words);
    }
    if let Some((name, does)) = world.wire.breaches.holds(spec.account, spec.instrument) {
        let words = format!(
            "{id} {spec} left, holding {held}: {name} is breached ({})",
            does.word()
        );
        world.wrong(Checker::I9, words);
    }
    if link != LinkState::Ready || paused || !read {
        let words =
            format!("{id} {spec} left with the link {link:?}, read {read}, paused {paused}, holding {held}");
        world.wrong(Checker::I6, words);
    }
}

/// A change that leaves while nothing may be added only shrinks, or closes.
fn change(world: &mut World, id: ClientOrderId, to: &OrderSpec) {
    foreign(world, id);
    let Some(order) = world.state().orders.get(&id) else {
        return;
    };
    // A bracket's child closes what its entry opens, and nothing else: where its price is, is no risk that is added.
    let child = order.spec.parent.is_some();
    let shrinks = (child || to.kind == order.spec.kind) && to.quantity <= order.spec.quantity;
    let left = to.quantity.saturating_sub(order.filled);
    if !shrinks && !closes(world.state(), to, left) {
        adds(world, id, to);
    }
}

/// I7: the exit of a part and all that could execute beside it close no more than is held.
fn part(world: &mut World, id: ClientOrderId, spec: &OrderSpec) {
    world.tally.parts += 1;
    let state = world.state();
    let held = state.position(spec.account, spec.instrument).quantity;
    let beside = state.orders.values().filter(|order| {
        let same = (order.spec.account, order.spec.instrument) == (spec.account, spec.instrument);
        let waits = order.phase == Phase::Created || order.phase == Phase::Parked || state.waits(order);
        same && order.spec.side == spec.side && order.phase.is_live() && !waits
    });
    let all = could_execute(beside);
    if held.raw().signum() == spec.side.signed(spec.quantity).raw().signum() || all > held.abs() {
        let words = format!("the exit {id} {spec} of a part left, and {all} could close {held}");
        world.wrong(Checker::I7, words);
    }
}

/// I7: what could execute beside an exit ends in the step that begins it, and it closes only.
fn exit(world: &mut World, id: ClientOrderId, spec: &OrderSpec, instead: &[(ClientOrderId, Quantity)]) {
    let state = world.state();
    let current = state
        .flattening
        .values()
        .any(|flattening| flattening.sent == Some(id));
    let group = state.orders.get(&id).and_then(|exit| exit.oco);
    let ends = |order: &Order| {
        instead
            .iter()
            .any(|(other, left)| *other == order.id && *left == order.leaves())
    };
    // A broker that holds groups takes from one what the other fills.
    let joined = |order: &Order| group.is_some() && order.oco == group;
    let alone = state
        .orders
        .values()
        .filter(|order| (order.spec.account, order.spec.instrument) == (spec.account, spec.instrument))
        .filter(|order| order.phase.is_live() && order.id != id && !order.external)
        .all(|order| ends(order) || joined(order));
    if current && !(alone && closes(state, spec, spec.quantity)) {
        let held = state.position(spec.account, spec.instrument).quantity;
        world.wrong(
            Checker::I7,
            format!("the exit {id} {spec} left while others work, holding {held}"),
        );
    }
}
