//! The core by itself: no sockets, no clock, nobody trading but the two customers of the test.

use super::core::{Gateway, Output};
use super::ledger::Ledger;
use super::session::ConnectionId;
use super::tws::message::{Incoming, Outgoing};
use super::tws::proto;
use crate::domain::{AccountId, BrokerId, Quantity, Timestamp};
use crate::venue::{AccountSetup, Books, MemoryBooks, Population, Venue, VenueSettings};
use std::time::Duration;

const ONE: ConnectionId = ConnectionId(1);
const TWO: ConnectionId = ConnectionId(2);

struct World {
    gateway: Gateway,
    books: MemoryBooks,
    folder: tempfile::TempDir,
    now: Timestamp,
}

fn open(books: &MemoryBooks, folder: &tempfile::TempDir, now: Timestamp) -> Gateway {
    let mut settings = VenueSettings::new("sim", 1).unwrap();
    settings.population = Population::Nobody;
    let usual = settings.accounts[0].clone();
    settings.accounts = ["DU1", "DU2"]
        .map(|name| AccountSetup {
            account: AccountId::new(name).unwrap(),
            ..usual.clone()
        })
        .into();
    let venue = Venue::open(settings, Box::new(books.clone()), now).unwrap();
    let ledger = Ledger::open(&folder.path().join("gateway.db")).unwrap();
    Gateway::open(venue, BrokerId::new("sim").unwrap(), ledger, 1).unwrap()
}

impl World {
    fn new() -> Self {
        let (books, folder) = (MemoryBooks::default(), tempfile::tempdir().unwrap());
        let now = Timestamp::parse("2026-11-26T15:00:00Z").unwrap();
        let mut world = Self {
            gateway: open(&books, &folder, now),
            books,
            folder,
            now,
        };
        world.sign_in();
        world
    }
    fn sign_in(&mut self) {
        for (at, client) in [(ONE, 1), (TWO, 2)] {
            self.gateway.connected(at, 225);
            self.say(
                at,
                proto::StartApiRequest {
                    client_id: Some(client),
                    ..Default::default()
                },
            );
        }
    }
    /// Ends as a killed process does, and comes back.
    fn crash(&mut self) {
        self.now = self.now.after(Duration::from_secs(1));
        self.gateway = open(&self.books, &self.folder, self.now);
        self.sign_in();
    }
    /// Says something and answers what the same client is told.
    fn say(&mut self, at: ConnectionId, message: impl Into<Incoming>) -> Vec<Outgoing> {
        self.now = self.now.after(Duration::from_millis(1));
        self.gateway.said(at, Ok(message.into()), self.now);
        self.told(at)
    }
    fn told(&mut self, at: ConnectionId) -> Vec<Outgoing> {
        let told = self.gateway.take_outputs().into_iter();
        told.filter_map(|output| match output {
            Output::Tell(to, message) if to == at => Some(*message),
            _ => None,
        })
        .collect()
    }
    fn place(&mut self, at: ConnectionId, id: i32, order: proto::Order) -> Vec<Outgoing> {
        let account = if at == ONE { "DU1" } else { "DU2" };
        let order = proto::Order {
            account: Some(account.into()),
            ..order
        };
        self.say(
            at,
            proto::PlaceOrderRequest {
                order_id: Some(id),
                contract: Some(proto::Contract {
                    symbol: Some("AAPL".into()),
                    sec_type: Some("STK".into()),
                    ..Default::default()
                }),
                order: Some(order),
                ..Default::default()
            },
        )
    }
    /// The other customer meets whatever stands at a price.
    fn meet(&mut self, id: i32, action: &str, quantity: &str, price: f64) {
        self.place(TWO, id, limit(action, quantity, price));
    }
    /// Open orders of the first client: id, size, status.
    fn open(&mut self) -> Vec<(i32, String, String)> {
        let told = self.say(ONE, proto::OpenOrdersRequest {});
        let face = |message: Outgoing| match message {
            Outgoing::OpenOrder(open) => Some((
                open.order_id?,
                open.order?.total_quantity?,
                open.order_state?.status?,
            )),
            _ => None,
        };
        told.into_iter().filter_map(face).collect()
    }
}

fn limit(action: &str, quantity: &str, price: f64) -> proto::Order {
    proto::Order {
        action: Some(action.into()),
        total_quantity: Some(quantity.into()),
        order_type: Some("LMT".into()),
        lmt_price: Some(price),
        tif: Some("GTC".into()),
        transmit: Some(true),
        ..Default::default()
    }
}

fn of_family(parent: i32, transmit: bool, order: proto::Order) -> proto::Order {
    proto::Order {
        parent_id: Some(parent).filter(|id| *id != 0),
        transmit: Some(transmit),
        ..order
    }
}

fn codes(told: &[Outgoing]) -> Vec<i32> {
    told.iter()
        .filter_map(|message| match message {
            Outgoing::Error(error) => error.error_code,
            _ => None,
        })
        .collect()
}

fn seen(open: &[(i32, String, String)]) -> Vec<(i32, &str, &str)> {
    open.iter()
        .map(|(id, size, status)| (*id, size.as_str(), status.as_str()))
        .collect()
}

#[test]
fn children_are_as_large_as_what_a_cancelled_parent_filled_also_after_a_crash() {
    let mut world = World::new();
    world.place(ONE, 1, of_family(0, false, limit("BUY", "10", 180.0)));
    world.place(ONE, 2, of_family(1, false, limit("SELL", "10", 200.0)));
    world.place(ONE, 3, of_family(1, true, limit("SELL", "10", 210.0)));
    world.meet(1, "SELL", "4", 180.0);
    world.crash();
    let open = world.open();
    assert_eq!(
        seen(&open),
        [
            (1, "10", "Submitted"),
            (2, "10", "PreSubmitted"),
            (3, "10", "PreSubmitted")
        ]
    );
    world.say(
        ONE,
        proto::CancelOrderRequest {
            order_id: Some(1),
            ..Default::default()
        },
    );
    let open = world.open();
    assert_eq!(seen(&open), [(2, "4", "Submitted"), (3, "4", "Submitted")]);
    // One child trades a part: the other shrinks by it; all of it: the other goes.
    world.meet(2, "BUY", "1", 200.0);
    assert_eq!(
        seen(&world.open()),
        [(2, "4", "Submitted"), (3, "3", "Submitted")]
    );
    world.meet(3, "BUY", "3", 200.0);
    assert_eq!(world.open(), []);
    let saved = world.books.load(Timestamp::MIN, Timestamp::MIN).unwrap();
    let own = saved.executions.iter().map(|(_, execution)| execution);
    let own = own.filter(|execution| execution.account.account.as_str() == "DU1");
    let net = own.fold(Quantity::ZERO, |sum, e| {
        sum.saturating_add(e.side.signed(e.quantity))
    });
    assert!(net.is_zero(), "bought 4, sold 4: {net}");
}

#[test]
fn a_group_cancels_or_shrinks_its_others_by_its_type() {
    for (kind, left) in [(1, None), (2, Some("5")), (3, Some("5"))] {
        let mut world = World::new();
        let member = |order: proto::Order| proto::Order {
            oca_group: Some("either".into()),
            oca_type: Some(kind),
            ..order
        };
        world.place(ONE, 1, member(limit("BUY", "20", 180.0)));
        world.place(ONE, 2, member(limit("BUY", "10", 170.0)));
        world.meet(1, "SELL", "10", 180.0);
        let open = world.open();
        let other = open
            .iter()
            .find(|order| order.0 == 2)
            .map(|order| order.1.as_str());
        assert_eq!(other, left, "type {kind}");
        world.meet(2, "SELL", "10", 180.0);
        assert_eq!(world.open(), [], "type {kind}");
    }
}

#[test]
fn a_refused_change_leaves_the_order_alive_and_as_it_was() {
    let mut world = World::new();
    world.place(ONE, 1, limit("BUY", "10", 180.0));
    let told = world.place(ONE, 1, limit("BUY", "900000", 180.0));
    assert_eq!(codes(&told), [321], "beyond its funds");
    let told = world.place(ONE, 1, limit("BUY", "10", 180.001));
    assert_eq!(codes(&told), [110]);
    let told = world.place(ONE, 1, limit("SELL", "10", 180.0));
    assert_eq!(codes(&told), [105]);
    assert_eq!(seen(&world.open()), [(1, "10", "Submitted")]);
    let trail = proto::Order {
        order_type: Some("TRAIL".into()),
        ..limit("BUY", "1", 180.0)
    };
    assert_eq!(codes(&world.place(ONE, 2, trail)), [201]);
    let whole = proto::Order {
        all_or_none: Some(true),
        ..limit("BUY", "1", 180.0)
    };
    assert_eq!(codes(&world.place(ONE, 2, whole)), [201], "refused, not left out");
    assert_eq!(codes(&world.place(ONE, 3, limit("BUY", "900000", 180.0))), [201]);
    assert_eq!(codes(&world.place(ONE, 3, limit("BUY", "1", 180.0))), [103]);
    let cancel = |order_id| proto::CancelOrderRequest {
        order_id: Some(order_id),
        ..Default::default()
    };
    assert_eq!(codes(&world.say(ONE, cancel(99))), [10_147]);
    assert_eq!(codes(&world.say(ONE, cancel(3))), [10_148]);
    assert_eq!(
        codes(&world.say(TWO, cancel(1))),
        [10_147],
        "not the other client's"
    );
}

#[test]
fn nothing_is_acknowledged_while_books_cannot_be_written() {
    let mut world = World::new();
    world.books.set_failing(true);
    let told = world.place(ONE, 1, limit("BUY", "10", 180.0));
    assert_eq!(codes(&told), [1100]);
    assert!(
        !told
            .iter()
            .any(|message| matches!(message, Outgoing::OrderStatus(_)))
    );
    world.books.set_failing(false);
    world.now = world.now.after(Duration::from_secs(1));
    world.gateway.advance(world.now);
    let told = world.told(ONE);
    assert_eq!(codes(&told), [1102]);
    assert!(told.iter().any(
        |message| matches!(message, Outgoing::OrderStatus(s) if s.status.as_deref() == Some("Submitted"))
    ));
}

#[test]
fn no_question_meets_silence() {
    let mut world = World::new();
    let (req_id, contract) = (Some(9), None::<proto::Contract>);
    let questions: Vec<Incoming> = vec![
        proto::MarketDataRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::MarketDepthRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::TickByTickRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::RealTimeBarsRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::HistoricalDataRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::HeadTimestampRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::HistoricalTicksRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::ContractDataRequest { req_id, contract }.into(),
        proto::MatchingSymbolsRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::MarketRuleRequest::default().into(),
        proto::SecDefOptParamsRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::MarketDepthExchangesRequest {}.into(),
        proto::SmartComponentsRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::PositionsRequest {}.into(),
        proto::PositionsMultiRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::AccountDataRequest {
            subscribe: Some(true),
            ..Default::default()
        }
        .into(),
        proto::AccountUpdatesMultiRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::AccountSummaryRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::PnLRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::PnLSingleRequest {
            req_id,
            ..Default::default()
        }
        .into(),
        proto::OpenOrdersRequest {}.into(),
        proto::AllOpenOrdersRequest {}.into(),
        proto::CompletedOrdersRequest::default().into(),
        proto::ExecutionRequest::default().into(),
        proto::PlaceOrderRequest::default().into(),
        proto::CancelOrderRequest::default().into(),
        proto::IdsRequest::default().into(),
        proto::ManagedAccountsRequest {}.into(),
        proto::CurrentTimeRequest {}.into(),
        proto::CurrentTimeInMillisRequest {}.into(),
        proto::UserInfoRequest { req_id }.into(),
        Incoming::Unknown {
            number: 86,
            request: Some(4),
        },
    ];
    for question in questions {
        let name = format!("{question:?}");
        assert!(!world.say(ONE, question).is_empty(), "{name}");
    }
}
