//! What people, other members of the exchange and misfortune do.

use super::world::World;
use std::time::Duration;
use tradewind::domain::*;
use tradewind::engine::{Command, Legs};
use tradewind::venue::VenueRequest;

/// One deed by chance.
pub fn any(world: &mut World) {
    match world.chance.below(1_000) {
        0..240 => submit(world),
        240..280 => pair(world),
        280..360 => modify(world),
        360..430 => cancel(world),
        430..445 => cancel_all(world),
        445..490 => close(world),
        490..520 => flatten(world),
        520..560 => trading(world),
        560..590 => again(world),
        590..950 => others(world),
        950..962 => by_phone(world),
        962..974 => world.cut_line(),
        974..986 => world.crash_engine(),
        986..993 => world.crash_venue(),
        993..997 => world.fail_books(),
        _ => {}
    }
}

fn new_id(world: &mut World) -> ClientOrderId {
    world.next_id += 1;
    ClientOrderId::new(&format!("TW{:026}", world.next_id)).unwrap()
}

fn account(world: &mut World) -> AccountKey {
    let accounts = world.accounts.clone();
    *world.chance.pick(&accounts)
}

fn instrument(world: &mut World) -> InstrumentId {
    let instruments = world.instruments.clone();
    *world.chance.pick(&instruments)
}

/// A price so many ticks from a fixed middle, on the tick.
fn price(world: &World, id: InstrumentId, ticks: i64) -> Price {
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

fn near(world: &mut World, id: InstrumentId) -> Price {
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

fn remembered(world: &mut World, command: Command) {
    world.last_commands.push_back(command.clone());
    if world.last_commands.len() > 8 {
        world.last_commands.pop_front();
    }
    world.command(command);
}

fn submit(world: &mut World) {
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
    remembered(
        world,
        Command::Submit {
            id,
            spec,
            legs,
            seen: None,
        },
    );
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

/// A live order of ours; now and then one that has ended.
fn some_order(world: &mut World) -> Option<Order> {
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

fn close(world: &mut World) {
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

fn flatten(world: &mut World) {
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
