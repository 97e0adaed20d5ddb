//! The venue as its customers see it: what was told is in the books, whatever crashes; what was asked twice happens once;
//! money neither appears nor vanishes.

use super::*;
use crate::domain::{
    ClientOrderId, OrderChange, OrderKind, OrderSpec, Phase, Price, Quantity, Role, Side, TimeInForce,
};
use rand_core::Rng;

const START: &str = "2026-11-21T12:00:00Z";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn p(text: &str) -> Price {
    text.parse().unwrap()
}

fn account(name: &str) -> AccountKey {
    AccountKey {
        broker: BrokerId::new("sim").unwrap(),
        account: AccountId::new(name).unwrap(),
    }
}

fn id(name: &str) -> ClientOrderId {
    ClientOrderId::new(name).unwrap()
}

fn settings(population: Population, names: &[&str]) -> VenueSettings {
    let mut settings = VenueSettings::new("sim", 5).unwrap();
    let first = settings.accounts.remove(0);
    settings.population = population;
    settings.accounts = names
        .iter()
        .map(|name| AccountSetup {
            account: AccountId::new(name).unwrap(),
            ..first.clone()
        })
        .collect();
    settings
}

fn spec(owner: &str, side: Side, quantity: i64, kind: OrderKind) -> OrderSpec {
    OrderSpec {
        account: account(owner),
        instrument: InstrumentId::new("AAPL").unwrap(),
        side,
        quantity: Quantity::whole(quantity).unwrap(),
        kind,
        tif: TimeInForce::Gtc,
        display: None,
        allow_short: true,
        role: Role::Entry,
        parent: None,
        outside_hours: false,
    }
}

fn limit(price: &str) -> OrderKind {
    OrderKind::Limit { price: p(price) }
}

/// A venue with what it said, and books that outlive it.
struct Desk {
    venue: Venue,
    out: Vec<VenueEvent>,
    now: Timestamp,
}

impl Desk {
    fn open(settings: VenueSettings, books: Box<dyn Books>, now: Timestamp) -> Self {
        Self {
            venue: Venue::open(settings, books, now).unwrap(),
            out: Vec::new(),
            now,
        }
    }
    fn ask(&mut self, request: VenueRequest) -> Vec<Report> {
        self.out.clear();
        let asker = match &request {
            VenueRequest::Place { spec, .. } | VenueRequest::Replace { spec, .. } => spec.account,
            VenueRequest::Modify { account, .. }
            | VenueRequest::Cancel { account, .. }
            | VenueRequest::Snapshot { account, .. } => *account,
        };
        self.venue.handle(request, self.now, &mut self.out).unwrap();
        let own = |event: &&VenueEvent| matches!(event, VenueEvent::Report(account, _) if *account == asker);
        reports(self.out.iter().filter(own))
    }
    fn place(&mut self, name: &str, spec: OrderSpec) -> Vec<Report> {
        self.ask(VenueRequest::Place { id: id(name), spec })
    }
    fn advance(&mut self, to: Timestamp) -> Vec<Report> {
        self.out.clear();
        self.now = to;
        self.venue.advance(to, &mut self.out).unwrap();
        reports(self.out.iter())
    }
    fn snapshot(&mut self, owner: &str) -> VenueSnapshot {
        self.out.clear();
        let request = VenueRequest::Snapshot {
            pass: 1,
            account: account(owner),
        };
        self.venue.handle(request, self.now, &mut self.out).unwrap();
        let snapshot = self.out.iter().find_map(|event| match event {
            VenueEvent::Snapshot(snapshot) => Some(snapshot.clone()),
            _ => None,
        });
        snapshot.unwrap()
    }
}

/// The reports about orders.
fn reports<'a>(events: impl Iterator<Item = &'a VenueEvent>) -> Vec<Report> {
    let report = |event: &VenueEvent| match event {
        VenueEvent::Report(_, Report::Balance { .. }) => None,
        VenueEvent::Report(_, report) => Some(report.clone()),
        _ => None,
    };
    events.filter_map(report).collect()
}

#[test]
fn a_crash_loses_nothing_that_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("venue.db");
    let names = ["A", "B", "C"];
    let open = |now| {
        let books = Box::new(SqliteBooks::open(&path).unwrap());
        Desk::open(settings(Population::Nobody, &names), books, now)
    };
    let mut desk = open(at(START));
    // B is ahead of C at the same price; A takes a part of B.
    desk.place("b1", spec("B", Side::Sell, 100, limit("190.00")));
    desk.place("c1", spec("C", Side::Sell, 100, limit("190.00")));
    let first = desk.place("a1", spec("A", Side::Buy, 40, OrderKind::Market));
    assert!(
        matches!(first[1], Report::Executed(ref e) if e.price == p("190.00") && e.id.base.as_str() == "SIM-2")
    );
    let stop = OrderKind::StopLimit {
        trigger: p("180.00"),
        price: p("179.00"),
    };
    desk.place("a2", spec("A", Side::Sell, 40, stop));
    let mut iceberg = spec("B", Side::Buy, 500, limit("188.00"));
    iceberg.display = Quantity::whole(50);
    desk.place("b2", iceberg);
    desk.place("c2", spec("C", Side::Sell, 70, limit("188.00")));
    let change = OrderChange {
        price: Some(p("191.00")),
        ..OrderChange::default()
    };
    desk.ask(VenueRequest::Modify {
        account: account("B"),
        id: id("b1"),
        change,
    });
    desk.ask(VenueRequest::Modify {
        account: account("B"),
        id: id("b1"),
        change: OrderChange {
            price: Some(p("190.00")),
            ..OrderChange::default()
        },
    });
    let before: Vec<VenueSnapshot> = names.iter().map(|name| desk.snapshot(name)).collect();
    let total = desk.venue.exchange.total(Currency::USD);
    drop(desk);

    let mut desk = open(at("2026-11-21T12:00:10Z"));
    let after: Vec<VenueSnapshot> = names.iter().map(|name| desk.snapshot(name)).collect();
    assert_eq!(before, after);
    // What is missing from the total are the fees, which went to the house, and the house does not survive.
    let fees: i128 = after
        .iter()
        .flat_map(|s| &s.executions)
        .map(|e| e.fee.unwrap().amount.raw())
        .sum();
    assert_eq!(desk.venue.exchange.total(Currency::USD).raw() + fees, total.raw());
    // B lost its place by the change of price: C trades first, and ids go on.
    let told = desk.place("a3", spec("A", Side::Buy, 120, limit("190.00")));
    let makers: Vec<(String, i64)> = desk
        .out
        .iter()
        .filter_map(|event| match event {
            VenueEvent::Report(owner, Report::Executed(e)) if e.maker == Some(true) => {
                Some((owner.account.to_string(), e.quantity.raw() / Quantity::ONE.raw()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(makers, [("C".to_owned(), 100), ("B".to_owned(), 20)]);
    let numbers: Vec<&str> = told
        .iter()
        .filter_map(|report| match report {
            Report::Executed(e) => Some(e.id.base.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(numbers[0], "SIM-8", "{numbers:?}");
    assert!(
        !told
            .iter()
            .any(|report| matches!(report, Report::Rejected { .. }))
    );
    // The stop survived: C sells through its trigger.
    desk.place("b3", spec("B", Side::Buy, 200, limit("179.50")));
    desk.ask(VenueRequest::Cancel {
        account: account("B"),
        id: id("b2"),
    });
    desk.place("c3", spec("C", Side::Sell, 10, limit("179.50")));
    let all = reports(desk.out.iter());
    assert!(all.contains(&Report::Triggered { id: id("a2") }), "{all:?}");
}

#[test]
fn the_same_order_twice_is_one_order_and_other_content_is_refused() {
    let books = MemoryBooks::default();
    let mut desk = Desk::open(
        settings(Population::Nobody, &["A", "B"]),
        Box::new(books.clone()),
        at(START),
    );
    desk.place("b1", spec("B", Side::Sell, 30, limit("190.00")));
    let order = spec("A", Side::Buy, 50, limit("190.00"));
    let first = desk.place("a1", order.clone());
    let snapshot = desk.snapshot("A");
    assert_eq!(
        desk.place("a1", order.clone()),
        first,
        "acknowledgement and executions again"
    );
    let other = desk.place("a1", spec("A", Side::Buy, 51, limit("190.00")));
    assert!(matches!(&other[..], [Report::Rejected { reason, .. }] if reason.as_str().contains("duplicate")));
    assert_eq!(desk.snapshot("A"), snapshot);
    // After a crash, and long after the order has left memory, it is still known.
    drop(desk);
    let mut desk = Desk::open(
        settings(Population::Nobody, &["A", "B"]),
        Box::new(books),
        at(START),
    );
    assert_eq!(desk.place("a1", order.clone()), first);
    desk.ask(VenueRequest::Cancel {
        account: account("A"),
        id: id("a1"),
    });
    desk.advance(at("2026-11-24T12:00:00Z"));
    assert!(desk.snapshot("A").orders.is_empty());
    let again = desk.place("a1", order);
    assert!(
        matches!(
            again[..],
            [
                Report::Accepted { .. },
                Report::Executed(_),
                Report::Cancelled { .. }
            ]
        ),
        "{again:?}"
    );
    assert_eq!(desk.snapshot("A").positions[0].1, Quantity::whole(30).unwrap());
}

#[test]
fn what_an_account_cannot_carry_is_refused_and_stays_refused() {
    let books = MemoryBooks::default();
    let mut desk = Desk::open(
        settings(Population::Nobody, &["A"]),
        Box::new(books.clone()),
        at(START),
    );
    let order = spec("A", Side::Buy, 1_000_000, limit("189.00"));
    let first = desk.place("a1", order.clone());
    assert!(
        matches!(&first[..], [Report::Rejected { reason, .. }] if reason.as_str().contains("insufficient funds"))
    );
    let odd = desk.place("a2", spec("A", Side::Buy, 1, limit("189.005")));
    assert!(
        matches!(&odd[..], [Report::Rejected { reason, .. }] if reason.as_str().contains("189")),
        "{odd:?}"
    );
    let mut unknown = spec("A", Side::Buy, 1, limit("189.00"));
    unknown.instrument = InstrumentId::new("NOPE").unwrap();
    assert!(matches!(desk.place("a3", unknown)[..], [Report::Rejected { .. }]));
    assert!(matches!(
        desk.place("a4", spec("Z", Side::Buy, 1, limit("189.00")))[..],
        [Report::Rejected { .. }]
    ));
    let cash = desk.snapshot("A").cash;
    drop(desk);
    let mut desk = Desk::open(settings(Population::Nobody, &["A"]), Box::new(books), at(START));
    assert_eq!(desk.place("a1", order), first);
    assert_eq!(
        (desk.snapshot("A").cash, desk.snapshot("A").positions.len()),
        (cash, 0)
    );
}

#[test]
fn a_failed_commit_tells_nothing_and_is_made_up_for() {
    let books = MemoryBooks::default();
    let mut desk = Desk::open(
        settings(Population::Nobody, &["A", "B"]),
        Box::new(books.clone()),
        at(START),
    );
    desk.place("b1", spec("B", Side::Sell, 30, limit("190.00")));
    books.set_failing(true);
    desk.out.clear();
    let request = VenueRequest::Place {
        id: id("a1"),
        spec: spec("A", Side::Buy, 30, limit("190.00")),
    };
    assert!(
        desk.venue
            .handle(request.clone(), desk.now, &mut desk.out)
            .is_err()
    );
    assert!(desk.venue.handle(request, desk.now, &mut desk.out).is_err());
    assert!(desk.venue.advance(desk.now, &mut desk.out).is_err());
    assert!(desk.out.is_empty());
    assert!(desk.venue.next_wake() > desk.now, "no hot loop");
    // A crash now has not seen the order; a recovery of the disk brings it, once.
    let mut crashed = Desk::open(
        settings(Population::Nobody, &["A", "B"]),
        Box::new(books.clone()),
        at(START),
    );
    assert!(crashed.snapshot("A").orders.is_empty());
    books.set_failing(false);
    let reports = desk.advance(desk.now);
    let executed = reports
        .iter()
        .filter(|report| matches!(report, Report::Executed(_)))
        .count();
    assert_eq!(executed, 2, "{reports:?}");
    assert_eq!(desk.snapshot("A").executions.len(), 1);
}

#[test]
fn a_day_order_ends_with_its_day_even_while_the_venue_is_down() {
    let books = MemoryBooks::default();
    let open = |now: &str| {
        Desk::open(
            settings(Population::Nobody, &["A"]),
            Box::new(books.clone()),
            at(now),
        )
    };
    let mut desk = open(START);
    let day = OrderSpec {
        tif: TimeInForce::Day,
        ..spec("A", Side::Buy, 1, limit("100.00"))
    };
    desk.place("a1", day.clone());
    // 17:00 in New York is 22:00 UTC in winter.
    assert_eq!(desk.venue.next_wake(), at("2026-11-21T22:00:00Z"));
    assert!(desk.advance(at("2026-11-21T21:59:59.999Z")).is_empty());
    assert_eq!(
        desk.advance(at("2026-11-21T22:00:00Z")),
        [Report::Expired { id: id("a1") }]
    );
    desk.place("a2", day);
    drop(desk);
    let mut desk = open("2026-11-25T12:00:00Z");
    assert_eq!(
        desk.advance(at("2026-11-25T12:00:00Z")),
        [Report::Expired { id: id("a2") }]
    );
    let mut crowded = Desk::open(
        settings(Population::Crowd, &["A"]),
        Box::new(MemoryBooks::default()),
        at(START),
    );
    let contract = OrderSpec {
        instrument: InstrumentId::new("ESZ6").unwrap(),
        ..spec("A", Side::Buy, 1, limit("1000.00"))
    };
    crowded.place("a1", contract.clone());
    assert_eq!(
        crowded.advance(at("2026-12-18T14:30:00Z")),
        [Report::Expired { id: id("a1") }]
    );
    let late = crowded.place("a2", contract);
    assert!(matches!(&late[..], [Report::Rejected { reason, .. }] if reason.as_str().contains("expired")));
}

#[test]
fn the_market_lives_at_once_and_the_same_seed_tells_the_same() {
    let run = |seed| {
        let mut settings = settings(Population::Crowd, &["A"]);
        settings.seed = seed;
        let mut desk = Desk::open(settings, Box::new(MemoryBooks::default()), at(START));
        desk.advance(at(START));
        let quoted =
            |event: &&VenueEvent| matches!(event, VenueEvent::Quote(q) if q.bid.is_some() && q.ask.is_some());
        let deep = |event: &&VenueEvent| matches!(event, VenueEvent::Depth(d) if d.bids.len() == 10 && d.asks.len() == 10);
        let listed = desk.venue.instruments().len();
        assert!(desk.out.iter().filter(quoted).count() >= listed);
        assert_eq!(desk.out.iter().filter(deep).count(), listed);
        let mut all = std::mem::take(&mut desk.out);
        let (mut wakes, end) = (0, at("2026-11-21T12:02:00Z"));
        while desk.venue.next_wake() < end {
            desk.advance(desk.venue.next_wake());
            all.append(&mut desk.out);
            wakes += 1;
        }
        let mut prints: BTreeMap<InstrumentId, u64> = BTreeMap::new();
        for event in &all {
            match event {
                VenueEvent::Print(print) => {
                    let last = prints.entry(print.instrument).or_default();
                    *last += 1;
                    assert_eq!(print.number, *last, "numbers have no gap");
                }
                VenueEvent::Quote(quote) => {
                    let (bid, ask) = (quote.bid.unwrap(), quote.ask.unwrap());
                    assert!(
                        bid.0 < ask.0 && bid.1.is_positive() && ask.1.is_positive(),
                        "{quote:?}"
                    );
                }
                _ => {}
            }
        }
        assert!(
            prints.values().all(|count| *count >= 10) && prints.len() == listed,
            "{prints:?}"
        );
        assert!((5_000..40_000).contains(&wakes), "{wakes}");
        all
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_long_sleep_is_not_replayed() {
    let mut desk = Desk::open(
        settings(Population::Crowd, &["A"]),
        Box::new(MemoryBooks::default()),
        at(START),
    );
    desk.advance(at(START));
    desk.advance(at("2026-11-22T12:00:00Z"));
    assert!(desk.out.len() < 2_000, "{}", desk.out.len());
    assert!(desk.venue.next_wake() > at("2026-11-22T12:00:00Z"));
}

#[test]
fn latency_delays_requests_and_nothing_else() {
    let mut slow = settings(Population::Nobody, &["A"]);
    slow.latency = Duration::from_millis(80);
    let mut desk = Desk::open(slow, Box::new(MemoryBooks::default()), at(START));
    assert!(
        desk.place("a1", spec("A", Side::Buy, 1, limit("100.00")))
            .is_empty()
    );
    let due = desk.now.after(Duration::from_millis(80));
    assert_eq!(desk.venue.next_wake(), due);
    assert!(matches!(desk.advance(due)[..], [Report::Accepted { .. }]));
}

/// One random customer's request.
/// What this exchange does not have is refused in words, and nothing of it is on the book afterwards.
#[test]
fn what_the_exchange_lacks_is_refused_in_words() {
    use crate::domain::Distance;
    let books = Box::new(MemoryBooks::default());
    let mut desk = Desk::open(settings(Population::Nobody, &["A"]), books, at(START));
    let (distance, price) = (Distance::Percent { hundredths: 200 }, p("189"));
    let plain = spec("A", Side::Buy, 10, limit("150"));
    let kind = |kind| OrderSpec {
        kind,
        ..plain.clone()
    };
    let trigger = Some(p("190"));
    let asked = [
        (kind(OrderKind::Trail { trigger, distance }), "no trail orders"),
        (
            kind(OrderKind::TrailLimit {
                trigger,
                distance,
                offset: p("0.1"),
            }),
            "no trail lmt orders",
        ),
        (kind(OrderKind::MarketOnClose), "no moc orders"),
        (kind(OrderKind::LimitOnClose { price }), "no loc orders"),
        (kind(OrderKind::Midprice { cap: Some(price) }), "no mid orders"),
        (
            OrderSpec {
                tif: TimeInForce::Opg,
                ..plain.clone()
            },
            "no opg orders",
        ),
        (
            OrderSpec {
                outside_hours: true,
                ..plain.clone()
            },
            "outside the regular session",
        ),
    ];
    for (number, (spec, words)) in asked.into_iter().enumerate() {
        let said = desk.place(&format!("n{number}"), spec);
        assert!(
            matches!(&said[..], [Report::Rejected { reason, .. }] if reason.as_str().contains(words)),
            "{words}: {said:?}"
        );
    }
    assert!(desk.venue.exchange.next_numbers().0 > 1);
    assert!(matches!(
        desk.place("n9", plain)[..],
        [Report::Accepted { .. }, ..]
    ));
}

fn random_request(random: &mut rand_pcg::Pcg64, made: &mut Vec<(AccountKey, ClientOrderId)>) -> VenueRequest {
    let mut pick = |n: u32| random.next_u32() % n;
    let owner = ["A", "B"][pick(2) as usize];
    if pick(4) == 0 && !made.is_empty() {
        let (account, id) = made[pick(u32::try_from(made.len()).unwrap()) as usize];
        if pick(2) == 0 {
            return VenueRequest::Cancel { account, id };
        }
        let change = OrderChange {
            quantity: (pick(2) == 0).then(|| Quantity::whole(i64::from(pick(300)) + 1).unwrap()),
            price: (pick(2) == 0).then(|| Price::from_raw((i64::from(pick(2000)) + 17_000) * 10_000_000)),
            trigger: None,
            distance: None,
        };
        return VenueRequest::Modify { account, id, change };
    }
    let price = Price::from_raw((i64::from(pick(3000)) + 16_000) * 10_000_000);
    let kind = match pick(6) {
        0 => OrderKind::Market,
        1 => OrderKind::Stop { trigger: price },
        2 => OrderKind::StopLimit {
            trigger: price,
            price,
        },
        _ => OrderKind::Limit { price },
    };
    let mut order = spec(
        owner,
        if pick(2) == 0 { Side::Buy } else { Side::Sell },
        i64::from(pick(400)) + 1,
        kind,
    );
    order.tif = [
        TimeInForce::Gtc,
        TimeInForce::Day,
        TimeInForce::Ioc,
        TimeInForce::Fok,
    ][pick(4) as usize];
    if let (OrderKind::Limit { .. }, TimeInForce::Gtc, true) = (kind, order.tif, pick(3) == 0) {
        order.display = Quantity::whole(10);
    }
    let id = id(&format!("o{}", made.len()));
    made.push((order.account, id));
    VenueRequest::Place { id, spec: order }
}

#[test]
fn money_is_conserved_and_any_crash_comes_back_to_what_was_told() {
    for seed in 0..12u64 {
        let mut random = rand_pcg::Pcg64::new(u128::from(seed), 9);
        let books = MemoryBooks::default();
        let open = |now| {
            Desk::open(
                settings(Population::Crowd, &["A", "B"]),
                Box::new(books.clone()),
                now,
            )
        };
        let (mut desk, mut made) = (open(at(START)), Vec::new());
        let mut total = desk.venue.exchange.total(Currency::USD);
        let mut executed = std::collections::BTreeSet::new();
        for _ in 0..300 {
            let request = random_request(&mut random, &mut made);
            desk.ask(request);
            let next = desk
                .now
                .after(Duration::from_millis(u64::from(random.next_u32() % 400)));
            let told = std::mem::take(&mut desk.out);
            desk.advance(next);
            for event in told.iter().chain(&desk.out) {
                if let VenueEvent::Report(_, Report::Executed(execution)) = event {
                    assert!(executed.insert(execution.id), "{} told twice", execution.id);
                }
            }
            assert_eq!(
                desk.venue.exchange.total(Currency::USD),
                total,
                "seed {seed}: money appeared or vanished"
            );
            if random.next_u32().is_multiple_of(12) {
                let before = [desk.snapshot("A"), desk.snapshot("B")];
                let now = desk.now;
                drop(desk);
                desk = open(now);
                assert_eq!(before, [desk.snapshot("A"), desk.snapshot("B")], "seed {seed}");
                // The house starts anew with every opening.
                total = desk.venue.exchange.total(Currency::USD);
            }
        }
        let (a, b) = (desk.snapshot("A"), desk.snapshot("B"));
        assert!(
            executed.len() > 30 && executed.len() == a.executions.len() + b.executions.len(),
            "seed {seed}"
        );
        for snapshot in [a, b] {
            check_cash(&snapshot);
        }
    }
}

/// The cash of an account is what was paid in, less what its executions cost.
fn check_cash(snapshot: &VenueSnapshot) {
    let mut cash = Money::whole(1_000_000);
    let mut held = 0;
    for execution in &snapshot.executions {
        let quantity = execution.side.signed(execution.quantity);
        held += quantity.raw();
        let paid = execution
            .price
            .notional(quantity, crate::domain::Multiplier::ONE)
            .unwrap();
        cash = cash
            .saturating_sub(paid)
            .saturating_sub(execution.fee.unwrap().amount);
    }
    assert_eq!(snapshot.cash[&Currency::USD], cash);
    assert_eq!(
        snapshot.positions.first().map_or(0, |position| position.1.raw()),
        held
    );
    for order in &snapshot.orders {
        let of = snapshot
            .executions
            .iter()
            .filter(|execution| execution.order == Some(order.id));
        assert_eq!(
            of.map(|execution| execution.quantity.raw()).sum::<i64>(),
            order.filled.raw()
        );
        assert!(order.phase != Phase::InFlight);
    }
}
