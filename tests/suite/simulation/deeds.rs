//! What people, other members of the exchange and misfortune do.

use super::faults::Fault;
use super::people;
use super::world::World;
use std::time::Duration;
use tradewind::domain::*;
use tradewind::engine::{BrokerEvent, Command, Legs, Report, Seen, digest};
use tradewind::venue::VenueRequest;

/// One deed by chance.
pub fn any(world: &mut World) {
    world.tally.deeds += 1;
    if world.asleep_until > world.now {
        return others(world);
    }
    // Dice that only such a world throws: plans from before it are what they were.
    if world.plan.faults.has(Fault::Breached) && world.chance.permille(30) {
        return people::tighten(world);
    }
    if world.plan.faults.has(Fault::Chained) && world.chance.permille(60) {
        return chained(world);
    }
    if world.plan.faults.has(Fault::Parts) && world.chance.permille(80) {
        return part(world);
    }
    match world.chance.below(1_000) {
        0..220 => submit(world),
        220..255 => pair(world),
        255..330 => modify(world),
        330..395 => cancel(world),
        395..408 => cancel_all(world),
        408..450 => close(world),
        450..480 => flatten(world),
        480..510 => trading(world),
        510..535 => again(world),
        535..850 => others(world),
        _ => misfortune(world),
    }
}

/// What this seed has switched on; elsewhere the market goes on instead.
fn misfortune(world: &mut World) {
    let (fault, deed): (Fault, fn(&mut World)) = match world.chance.below(150) {
        0..16 => (Fault::Elsewhere, by_phone),
        16..29 => (Fault::Cut, World::cut_line),
        29..37 => (Fault::HalfOpen, World::half_open),
        37..49 => (Fault::Away, World::part_away),
        49..61 => (Fault::Crash, |world| world.crash_engine(Duration::ZERO)),
        61..68 => (Fault::VenueCrash, World::crash_venue),
        68..73 => (Fault::BooksFail, World::fail_books),
        73..77 => (Fault::DiskFull, disk_full),
        77..80 => (Fault::DiskFails, disk_fails),
        80..92 => (Fault::StaleRepeats, stale_repeat),
        92..104 => (Fault::Corrections, correct),
        104..109 => (Fault::ClockSteps, World::step_clock),
        109..113 => (Fault::Suspend, World::suspend),
        113..120 => (Fault::Mad, people::mad),
        _ => (Fault::Tired, people::tired),
    };
    if world.plan.faults.has(fault) {
        deed(world);
    } else {
        others(world);
    }
}

fn disk_full(world: &mut World) {
    world.say(format_args!("--- the disk is full"));
    let until = world.now.after(world.chance.millis(20_000));
    world.disk.fill(until);
}

fn disk_fails(world: &mut World) {
    world.say(format_args!("--- the disk fails"));
    let until = world.now.after(world.chance.millis(8_000));
    world.disk.fail(until);
}

/// Something that was said long ago is said once more.
fn stale_repeat(world: &mut World) {
    let past: Vec<_> = world.house.past.iter().cloned().collect();
    if past.is_empty() {
        return;
    }
    let report = world.chance.pick(&past).clone();
    world.tally.stale_repeats += 1;
    world.tell(report);
}

/// The broker corrects an execution that the engine may have heard of: another price, or less of it, or none.
fn correct(world: &mut World) {
    let state = world.state();
    let known = |key: &(AccountKey, ExecutionBase)| {
        let booked = state.executions.get(key);
        let opened = state.accounts.get(&key.0).is_some_and(|account| account.opened);
        opened && booked.is_none_or(|booked| booked.instrument.is_some())
    };
    let keys: Vec<_> = world
        .house
        .told
        .keys()
        .filter(|key| known(key))
        .copied()
        .collect();
    if keys.is_empty() {
        return;
    }
    let key = *world.chance.pick(&keys);
    let (less, ticks) = (world.chance.below(4), 1 + world.chance.below(3).cast_signed());
    let Some(told) = world.house.told.get(&key) else {
        return;
    };
    let old = told.execution.clone();
    let price = price_from(world, old.instrument, old.price, ticks);
    let read = world.view(key.0);
    let order = read.and_then(|read| read.orders.into_iter().find(|order| Some(order.id) == old.order));
    // What still works is not made larger by a trade that did not happen.
    let ended = order.is_some_and(|order| !order.phase.is_live());
    let quantity = match less {
        0 if ended => Quantity::ZERO,
        1 if ended => Quantity::from_raw(old.quantity.raw() / 2 / Quantity::ONE.raw() * Quantity::ONE.raw()),
        _ => old.quantity,
    };
    let change = quantity.saturating_sub(old.quantity);
    let place = (key.0, old.instrument);
    let moved = world.house.moved.entry(place).or_default();
    *moved = moved.saturating_add(old.side.signed(change));
    world.house.corrected_at.insert(place, world.now);
    world.tally.corrections += 1;
    world.tally.busts += u64::from(quantity.is_zero());
    let now = world.now;
    if let Some(told) = world.house.told.get_mut(&key) {
        told.execution.id.revision += 1;
        told.execution.price = price;
        told.execution.quantity = quantity;
        let report = Report::Executed(told.now(now));
        let account = key.0;
        world.tell(BrokerEvent::Report { account, report });
    }
}

pub fn new_id(world: &mut World) -> ClientOrderId {
    world.next_id += 1;
    ClientOrderId::new(&format!("TW{:026}", world.next_id)).unwrap()
}

pub fn account(world: &mut World) -> AccountKey {
    let accounts = world.accounts.clone();
    *world.chance.pick(&accounts)
}

pub fn instrument(world: &mut World) -> InstrumentId {
    let instruments = world.instruments.clone();
    *world.chance.pick(&instruments)
}

/// A price so many ticks from a fixed middle, on the tick.
pub fn price(world: &World, id: InstrumentId, ticks: i64) -> Price {
    let middle = match id.as_str() {
        "AAPL" => "189.50",
        "SAP" => "187.64",
        _ => "5900",
    };
    let middle: Price = middle.parse().unwrap();
    let Some(instrument) = world.state().instruments.get(&id) else {
        return middle;
    };
    instrument
        .ticks
        .step(instrument.ticks.toward_less_risk(middle, Side::Buy), ticks)
}

/// A price so many ticks from another.
fn price_from(world: &World, id: InstrumentId, from: Price, ticks: i64) -> Price {
    let listed = world.state().instruments.get(&id);
    listed.map_or(from, |instrument| instrument.ticks.step(from, ticks))
}

pub fn near(world: &mut World, id: InstrumentId) -> Price {
    let ticks = world.chance.below(21).cast_signed() - 10;
    price(world, id, ticks)
}

fn spec(world: &mut World) -> OrderSpec {
    let (account, instrument) = (account(world), instrument(world));
    let side = *world.chance.pick(&[Side::Buy, Side::Sell]);
    let kind = match world.chance.below(10) {
        0..5 => OrderKind::Limit {
            price: near(world, instrument),
        },
        5..7 => OrderKind::Market,
        7..9 => OrderKind::Stop {
            trigger: near(world, instrument),
        },
        _ => OrderKind::StopLimit {
            trigger: near(world, instrument),
            price: near(world, instrument),
        },
    };
    let until = world.now.after(Duration::from_secs(5 + world.chance.below(60)));
    let tifs = [
        TimeInForce::Day,
        TimeInForce::Gtc,
        TimeInForce::Ioc,
        TimeInForce::Fok,
        TimeInForce::Gtd { until },
    ];
    let most = if instrument.as_str() == "AAPL" || instrument.as_str() == "SAP" {
        200
    } else {
        5
    };
    let quantity = 1 + world.chance.below(most).cast_signed();
    OrderSpec {
        account,
        instrument,
        side,
        quantity: Quantity::whole(quantity).unwrap(),
        kind,
        tif: *world.chance.pick(&tifs),
        display: None,
        allow_short: world.chance.permille(700),
        role: Role::Entry,
        parent: None,
        outside_hours: false,
    }
}

pub fn remembered(world: &mut World, command: Command) {
    world.last_commands.push_back(command.clone());
    if world.last_commands.len() > 8 {
        world.last_commands.pop_front();
    }
    world.command(command);
}

pub fn submit(world: &mut World) {
    let (id, spec) = (new_id(world), spec(world));
    let mut legs = Legs::default();
    if world.chance.permille(400) {
        let sign = if spec.side == Side::Buy { 1 } else { -1 };
        let (stop, target) = (12 + world.chance.below(8), 12 + world.chance.below(8));
        legs.stop = Some(price(world, spec.instrument, -sign * stop.cast_signed()));
        legs.target = world
            .chance
            .permille(700)
            .then(|| price(world, spec.instrument, sign * target.cast_signed()));
    }
    let seen = None;
    let parks = world.plan.faults.has(Fault::Park) && legs.is_empty() && spec.kind.limit().is_some();
    if parks {
        confirm(world);
        let seconds = None;
        return remembered(
            world,
            Command::Park {
                id,
                spec,
                seconds,
                seen,
            },
        );
    }
    remembered(world, Command::Submit { id, spec, legs, seen });
}

/// The second word for whatever waits for it.
fn confirm(world: &mut World) {
    let parked = &world.state().parking.orders;
    let asked: Vec<ClientOrderId> = parked
        .iter()
        .filter(|(_, parked)| parked.asked)
        .map(|(id, _)| *id)
        .collect();
    for id in asked {
        world.command(Command::ConfirmParked { id });
    }
}

fn pair(world: &mut World) {
    let (first, second, spec) = (new_id(world), new_id(world), spec(world));
    let sign = if spec.side == Side::Buy { 1 } else { -1 };
    let limit = OrderKind::Limit {
        price: price(world, spec.instrument, -sign * 3),
    };
    let stop = OrderKind::Stop {
        trigger: price(world, spec.instrument, sign * 3),
    };
    let first_spec = OrderSpec {
        kind: limit,
        tif: TimeInForce::Gtc,
        ..spec
    };
    let second_spec = OrderSpec {
        kind: stop,
        tif: TimeInForce::Gtc,
        ..spec
    };
    remembered(
        world,
        Command::SubmitPair {
            first,
            first_spec,
            second,
            second_spec,
            seen: Vec::new(),
        },
    );
}

/// An order near the market, and one that waits for it: mostly what closes it, by a limit or by a stop.
fn chained(world: &mut World) {
    let (first, second, spec) = (new_id(world), new_id(world), spec(world));
    let sign = if spec.side == Side::Buy { 1 } else { -1 };
    let first_spec = OrderSpec {
        kind: OrderKind::Limit {
            price: price(world, spec.instrument, sign),
        },
        ..spec
    };
    let away = price(world, spec.instrument, sign * 4);
    let second_spec = match world.chance.below(10) {
        0..5 => OrderSpec {
            side: spec.side.opposite(),
            kind: OrderKind::Limit { price: away },
            tif: TimeInForce::Gtc,
            ..spec
        },
        5..8 => OrderSpec {
            side: spec.side.opposite(),
            kind: OrderKind::Stop {
                trigger: price(world, spec.instrument, -sign * 4),
            },
            tif: TimeInForce::Gtc,
            ..spec
        },
        _ => spec,
    };
    let command = Command::SubmitThen {
        first,
        first_spec,
        second,
        second_spec,
        seen: Vec::new(),
    };
    remembered(world, command);
}

/// Half of what a stop covers, at the market, said to close only.
fn part(world: &mut World) {
    let stops = world.state().orders.values().filter(|order| {
        let covered = world.state().protected(order.spec.account, order.spec.instrument);
        order.phase.is_live() && order.spec.kind.is_stop() && covered.is_positive()
    });
    let stops: Vec<OrderSpec> = stops.map(|order| order.spec.clone()).collect();
    if stops.is_empty() {
        return submit(world);
    }
    let stop = world.chance.pick(&stops).clone();
    let held = world.state().position(stop.account, stop.instrument);
    let Some(side) = held.side() else { return };
    let half = Quantity::from_raw(held.quantity.abs().raw() / 2);
    let whole = Quantity::ONE.raw();
    let spec = OrderSpec {
        side: side.opposite(),
        quantity: Quantity::from_raw(half.raw() / whole * whole),
        kind: OrderKind::Market,
        tif: TimeInForce::Day,
        display: None,
        allow_short: false,
        role: Role::Entry,
        parent: None,
        ..stop
    };
    let (id, legs) = (new_id(world), Legs::default());
    let seen = Seen {
        reduces: true,
        ..digest::seen_now(&world.market, &spec, legs)
    };
    let seen = Some(seen);
    remembered(world, Command::Submit { id, spec, legs, seen });
}

/// A live order of ours; now and then one that has ended.
pub fn some_order(world: &mut World) -> Option<Order> {
    let any = world.chance.permille(100);
    let orders: Vec<Order> = world
        .state()
        .orders
        .values()
        .filter(|o| any || o.phase.is_live())
        .cloned()
        .collect();
    (!orders.is_empty()).then(|| world.chance.pick(&orders).clone())
}

fn modify(world: &mut World) {
    let Some(order) = some_order(world) else { return };
    let mut change = OrderChange::default();
    if world.chance.permille(600) {
        change.quantity = Quantity::whole(1 + world.chance.below(200).cast_signed());
    }
    if change.quantity.is_none() || world.chance.permille(300) {
        change.price = order
            .spec
            .kind
            .limit()
            .map(|_| near(world, order.spec.instrument));
        change.trigger = order
            .spec
            .kind
            .trigger()
            .map(|_| near(world, order.spec.instrument));
    }
    world.command(Command::Modify { id: order.id, change });
}

fn cancel(world: &mut World) {
    if let Some(order) = some_order(world) {
        world.command(Command::Cancel { id: order.id });
    }
}

fn cancel_all(world: &mut World) {
    let (account, instrument) = (account(world), Some(instrument(world)));
    let (one, stops_too) = (world.chance.permille(500), world.chance.permille(500));
    world.command(Command::CancelAll {
        account,
        instrument: instrument.filter(|_| one),
        stops_too,
    });
}

pub fn close(world: &mut World) {
    let (id, account, instrument) = (new_id(world), account(world), instrument(world));
    remembered(
        world,
        Command::Close {
            id,
            account,
            instrument,
        },
    );
}

pub fn flatten(world: &mut World) {
    if world.chance.permille(150) {
        return flatten_account(world);
    }
    let (id, mut account, mut instrument) = (new_id(world), account(world), instrument(world));
    // Often where a stop protects something: there both it and the exit could execute.
    let state = world.state();
    let held = |order: &Order| {
        state
            .protected(order.spec.account, order.spec.instrument)
            .is_positive()
    };
    let guarded = state
        .all_live()
        .find(|order| order.spec.kind.is_stop() && held(order));
    let guarded = guarded.map(|order| (order.spec.account, order.spec.instrument));
    if world.chance.permille(600) {
        (account, instrument) = guarded.unwrap_or((account, instrument));
    }
    remembered(
        world,
        Command::Flatten {
            id,
            account,
            instrument,
        },
    );
}

fn flatten_account(world: &mut World) {
    let account = account(world);
    let instruments = world.instruments.clone();
    let exits = instruments.into_iter().map(|id| (id, new_id(world))).collect();
    remembered(world, Command::FlattenAccount { account, exits });
}

fn trading(world: &mut World) {
    let account = account(world);
    let states = [
        TradingState::Active,
        TradingState::Active,
        TradingState::Active,
        TradingState::Reducing,
        TradingState::Halted,
    ];
    let state = *world.chance.pick(&states);
    world.command(Command::SetTrading {
        account,
        state,
        reason: "by chance".into(),
    });
}

/// Somebody's finger, or a client that did not hear the answer: the same command again.
fn again(world: &mut World) {
    let commands: Vec<Command> = world.last_commands.iter().cloned().collect();
    if !commands.is_empty() {
        let command = world.chance.pick(&commands).clone();
        world.command(command);
    }
}

/// The other members of the exchange.
fn others(world: &mut World) {
    let (id, mut spec) = (new_id(world), spec(world));
    spec.account = world.counterpart;
    spec.allow_short = true;
    spec.kind = match world.chance.below(4) {
        0 => OrderKind::Market,
        _ => OrderKind::Limit {
            price: near(world, spec.instrument),
        },
    };
    spec.tif = *world
        .chance
        .pick(&[TimeInForce::Gtc, TimeInForce::Gtc, TimeInForce::Ioc]);
    world.ask_venue(VenueRequest::Place { id, spec });
}

/// The owner of an account uses the exchange's own screens: an order that the engine did not make.
fn by_phone(world: &mut World) {
    let (number, spec) = (new_id(world), spec(world));
    let id = ClientOrderId::new(&format!("PHONE{}", &number.as_str()[20..])).unwrap();
    world.ask_venue(VenueRequest::Place { id, spec });
}
