//! A tired person, a program that has gone mad, and whoever puts things right at the end.

use super::deeds::{self, account, instrument, near, new_id, price, remembered, some_order};
use super::world::World;
use std::time::Duration;
use tradewind::domain::*;
use tradewind::engine::{BrokerEvent, Command, Legs};

/// Everything twice, the wrong way, and too late.
pub fn tired(world: &mut World) {
    match world.chance.below(9) {
        0 | 1 => double_enter(world),
        2 => halt(world),
        3 => {
            halt(world);
            deeds::submit(world);
        }
        4 => cancel_what_ended(world),
        5 | 6 => wrong_way(world),
        7 => {
            deeds::close(world);
            deeds::flatten(world);
            deeds::close(world);
        }
        _ => accept(world),
    }
}

/// Enter twice: once as the same command, once as a new order like it.
fn double_enter(world: &mut World) {
    deeds::submit(world);
    let Some(Command::Submit { id, spec, legs, .. }) = world.last_commands.back().cloned() else {
        return;
    };
    for id in [id, new_id(world)] {
        let (spec, seen) = (spec.clone(), None);
        world.command(Command::Submit { id, spec, legs, seen });
    }
}

fn halt(world: &mut World) {
    let account = account(world);
    let state = TradingState::Halted;
    let reason = "enough".into();
    world.command(Command::SetTrading {
        account,
        state,
        reason,
    });
}

/// Somebody makes a limit stricter than what is there already, for a while: that is a breach with no order.
pub fn tighten(world: &mut World) {
    let account = account(world);
    let (name, value) = match world.chance.below(3) {
        0 => (
            LimitName::MaxPositionValue,
            LimitValue::Money(Money::whole(4_000)),
        ),
        1 => (LimitName::MaxTotalOrders, LimitValue::Count(1)),
        _ => (LimitName::MaxContracts, LimitValue::Count(1)),
    };
    let minutes = u32::try_from(1 + world.chance.below(3)).ok();
    world.command(Command::SetLimit {
        account: Some(account),
        scope: None,
        name,
        value: Some(value),
        minutes,
        confirmation: SafeText::default(),
        by: "a person".into(),
    });
}

fn cancel_what_ended(world: &mut World) {
    let mut ended = world
        .state()
        .orders
        .values()
        .filter(|order| !order.phase.is_live());
    if let Some(id) = ended.next_back().map(|order| order.id) {
        world.command(Command::Cancel { id });
        world.command(Command::Cancel { id });
    }
}

/// A stop further away, an entry larger, and the same key again at once.
fn wrong_way(world: &mut World) {
    let Some(order) = some_order(world) else { return };
    let id = order.id;
    let away = if order.spec.side == Side::Sell { -40 } else { 40 };
    let change = match order.spec.kind.trigger() {
        Some(_) => OrderChange {
            trigger: Some(price(world, order.spec.instrument, away)),
            ..OrderChange::default()
        },
        None => OrderChange {
            quantity: Some(order.spec.quantity.saturating_add(order.spec.quantity)),
            ..OrderChange::default()
        },
    };
    world.command(Command::Modify { id, change });
    world.command(Command::Modify { id, change });
    world.command(Command::Cancel { id });
}

/// Accepts whatever there may be to accept.
fn accept(world: &mut World) {
    let (account, instrument) = (account(world), instrument(world));
    world.command(Command::AcceptDouble { account });
    world.command(Command::AcceptGap { account });
    let overfilled = world
        .state()
        .accounts
        .get(&account)
        .is_some_and(|a| a.overfilled.contains(&instrument));
    if overfilled {
        world.command(Command::AcceptDifference { account, instrument });
    }
    world.command(Command::Reconcile { account });
}

/// A thousand orders a second, for a moment.
pub fn mad(world: &mut World) {
    let (account, instrument) = (account(world), instrument(world));
    let count = 30 + world.chance.below(70);
    for _ in 0..count {
        let id = new_id(world);
        let side = *world.chance.pick(&[Side::Buy, Side::Sell]);
        let spec = OrderSpec {
            account,
            instrument,
            side,
            quantity: Quantity::whole(1 + world.chance.below(3).cast_signed()).unwrap(),
            kind: OrderKind::Limit {
                price: near(world, instrument),
            },
            tif: TimeInForce::Day,
            display: None,
            allow_short: true,
            role: Role::Entry,
            parent: None,
            outside_hours: false,
        };
        let (legs, seen) = (Legs::default(), None);
        world.tally.mad_orders += 1;
        let submit = Command::Submit { id, spec, legs, seen };
        if world.chance.permille(20) {
            remembered(world, submit);
        } else {
            world.command(submit);
        }
        let next = world.now.after(Duration::from_millis(1));
        world.advance(next);
        if world.found.is_some() {
            return;
        }
    }
}

impl World {
    /// The end of all faults: the disk has room, the process runs, all of the broker is there, fees are told.
    pub fn put_right(&mut self) {
        let fees = std::mem::take(&mut self.house.fees);
        for (_, account, base) in fees {
            if let Some(told) = self.house.told.get_mut(&(account, base)) {
                told.tell_fee_at(self.now);
            }
            self.house.fees.insert((self.now, account, base));
        }
        if self.dead_until.is_some() {
            self.dead_until = Some(self.now);
        } else if self.disk.on_reserve {
            self.crash_engine(Duration::ZERO);
        } else {
            self.input(BrokerEvent::Impaired { reason: None });
            self.input(BrokerEvent::Paused { pause: None });
        }
    }
}
