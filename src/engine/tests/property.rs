//! Anything may come in any order: no panic, and live, replayed and late-joined states are the same state.

use super::*;
use proptest::prelude::*;

/// Encodes with names and text, as journal and wire do.
fn travel<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    let mut bytes = Vec::new();
    let mut encoder = rmp_serde::Serializer::new(&mut bytes)
        .with_struct_map()
        .with_human_readable();
    value.serialize(&mut encoder).unwrap();
    let mut decoder = rmp_serde::Deserializer::new(&bytes[..]).with_human_readable();
    T::deserialize(&mut decoder).unwrap()
}

const NAMES: [&str; 5] = ["A", "B", "C", "A.1", "A.2"];

/// One thing that happens: a kind and four numbers that choose among what it could be.
type Happening = (u8, u8, i64, i64, u8);

fn name(n: u8) -> ClientOrderId {
    id(NAMES[usize::from(n) % NAMES.len()])
}

fn kind_of(n: u8, price: i64) -> OrderKind {
    let price = Price::from_raw(price * 10_000_000);
    match n % 4 {
        0 => OrderKind::Market,
        1 => OrderKind::Limit { price },
        2 => OrderKind::Stop { trigger: price },
        _ => OrderKind::StopLimit {
            trigger: price,
            price,
        },
    }
}

fn command(desk: &Desk, (what, n, size, price, more): Happening) -> Command {
    let side = if more % 2 == 0 { Side::Buy } else { Side::Sell };
    let order = OrderSpec {
        allow_short: more % 3 == 0,
        ..spec(side, size, kind_of(n, price))
    };
    let change = OrderChange {
        quantity: (more % 3 > 0).then(|| q(size)),
        price: (more % 3 < 2).then(|| Price::from_raw(price * 10_000_000)),
        trigger: None,
        distance: None,
    };
    let fresh = id(&format!("N{}", desk.events.len()));
    match what % 9 {
        0 | 1 => {
            let stop = (more % 5 > 1).then(|| p("90"));
            let target = (more % 5 > 2).then(|| p("110"));
            Command::Submit {
                id: if more % 4 > 0 { name(n % 3) } else { fresh },
                spec: order,
                legs: Legs {
                    stop,
                    target,
                    ..Legs::default()
                },
                seen: None,
            }
        }
        2 if more % 2 == 0 => Command::SubmitThen {
            first: name(n),
            first_spec: order.clone(),
            second: fresh,
            second_spec: OrderSpec {
                side: side.opposite(),
                ..order
            },
            seen: Vec::new(),
        },
        2 => Command::SubmitPair {
            first: fresh,
            first_spec: order.clone(),
            second: name(n),
            second_spec: order,
            seen: Vec::new(),
        },
        3 => Command::Modify { id: name(n), change },
        4 => Command::Cancel { id: name(n) },
        5 => Command::CancelAll {
            account: account(),
            instrument: None,
            stops_too: more % 2 == 0,
        },
        6 => Command::Close {
            id: fresh,
            account: account(),
            instrument: aapl(),
        },
        7 if more == 0 => Command::FlattenAccount {
            account: account(),
            exits: vec![(aapl(), fresh)],
        },
        7 => Command::Flatten {
            id: fresh,
            account: account(),
            instrument: aapl(),
        },
        _ => Command::SetTrading {
            account: account(),
            state: [
                TradingState::Active,
                TradingState::Active,
                TradingState::Reducing,
                TradingState::Halted,
            ][usize::from(more % 4)],
            reason: "so".into(),
        },
    }
}

fn report(desk: &Desk, (what, n, size, price, more): Happening) -> Report {
    let (id, reason): (_, SafeText) = (name(n), "so".into());
    let live = desk.engine.state().orders.get(&id);
    let side = live.map_or(Side::Buy, |order| order.spec.side);
    match what % 10 {
        0 | 1 => Report::Accepted {
            id,
            broker_id: BrokerOrderId::new(&format!("B{}", if more == 0 { 9 } else { n % 5 })).unwrap(),
            phase: if more % 2 == 0 {
                Phase::Working
            } else {
                Phase::Held
            },
        },
        2 => Report::Rejected { id, reason },
        3..=5 => Report::Executed(Execution {
            id: ExecutionId {
                base: ExecutionBase::new(&format!("E{}", price % 9)).unwrap(),
                revision: 1 + u32::from(more % 3),
            },
            account: account(),
            order: (more % 5 > 0).then_some(id),
            broker_order: None,
            instrument: aapl(),
            side,
            quantity: q(size.max(0)),
            price: Price::from_raw(price.max(1) * 10_000_000),
            at: desk.now,
            fee: (more % 2 == 0).then_some(Fee {
                amount: Money::whole(1),
                currency: Currency::USD,
            }),
            maker: None,
        }),
        6 => Report::Modified {
            id,
            quantity: q(size),
            kind: kind_of(n, price),
        },
        7 => Report::ModifyRejected { id, reason },
        8 if more % 2 == 0 => Report::Cancelled { id, reason },
        8 => Report::CancelRejected { id, reason },
        _ if more % 2 == 0 => Report::Expired { id },
        _ => Report::Triggered { id },
    }
}

fn read(desk: &Desk, n: u8, size: i64) -> BrokerEvent {
    let state = desk.engine.state();
    let pass = state
        .accounts
        .get(&account())
        .and_then(|a| a.reading)
        .map_or(1, |reading| reading.0);
    if n.is_multiple_of(4) {
        return BrokerEvent::SnapshotFailed {
            account: account(),
            pass,
            reason: "cut".into(),
        };
    }
    let phases = [
        Phase::Working,
        Phase::Held,
        Phase::Cancelled,
        Phase::Filled,
        Phase::Expired,
        Phase::Rejected,
    ];
    let known = state
        .orders
        .values()
        .enumerate()
        .filter(|(i, _)| n >> (i % 8) & 1 == 0);
    let orders = known.map(|(i, order)| BrokerOrder {
        id: order.id,
        broker_id: BrokerOrderId::new(&format!("B{}", i % 7)).unwrap(),
        spec: order.spec.clone(),
        phase: phases[(i + usize::from(n)) % phases.len()],
        filled: order.filled,
        number: None,
        foreign: false,
    });
    let (orders, positions) = (orders.collect(), vec![(aapl(), q(size), None)]);
    BrokerEvent::Snapshot(Box::new(Snapshot {
        positions,
        orders,
        ..snapshot(pass)
    }))
}

fn happen(desk: &mut Desk, happening: Happening) {
    let (what, n, size, _, more) = happening;
    match what {
        0..=89 => drop(desk.command(command(desk, happening))),
        90..=199 => desk.report(report(desk, happening)),
        200..=214 => desk.broker(read(desk, n, size)),
        215..=224 => match more % 4 {
            0 => desk.broker(BrokerEvent::Down { reason: "cut".into() }),
            1 => desk.broker(BrokerEvent::Connecting),
            2 => desk.broker(BrokerEvent::NotSent {
                id: name(n),
                reason: "full".into(),
            }),
            _ => desk.up(AccountClass::Sim),
        },
        225..=229 => desk.start(),
        230..=234 => drop(desk.command(Command::OpenSession)),
        _ => desk.wait(u64::from(n) % 40),
    }
}

/// Nothing filled more than it asked for without a word about it.
fn overfills_are_told(desk: &Desk) {
    for order in desk
        .engine
        .state()
        .orders
        .values()
        .filter(|order| !order.external)
    {
        let told = desk.events.iter().any(|event| match &event.fact {
            Fact::Overfilled { id, .. } => *id == order.id,
            // A smaller size, or a name that was used up before: what was filled by then stays.
            Fact::Modified { id, .. } | Fact::ChildReleased { id, .. } => *id == order.id,
            _ => false,
        });
        assert!(order.filled <= order.spec.quantity || told, "{order:?}");
    }
}

proptest! {
    #[test]
    fn whatever_happens_live_replayed_and_joined_states_agree(
        happenings in prop::collection::vec((any::<u8>(), any::<u8>(), 0i64..150, 9_000i64..11_000, any::<u8>()), 1..120),
        joined_at in any::<prop::sample::Index>(),
    ) {
        let mut desk = Desk::ready();
        let mut joiner = None;
        let join = joined_at.index(happenings.len());
        for (step, happening) in happenings.into_iter().enumerate() {
            happen(&mut desk, happening);
            if step == join {
                joiner = Some(travel(desk.engine.state()));
            }
        }
        overfills_are_told(&desk);
        let live = desk.engine.state();
        let mut replayed = State::default();
        let mut joiner = joiner.unwrap();
        for event in desk.events.iter().map(travel) {
            replayed.apply(&event);
            joiner.apply(&event);
        }
        prop_assert_eq!(&replayed, live);
        prop_assert_eq!(&joiner, live);
        prop_assert_eq!(joiner.digest(), live.digest());
    }
}
