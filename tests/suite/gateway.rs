//! The gateway as a server: the real program, real sockets, clients of two kinds. One is the `ibapi` crate, which others
//! wrote; the other speaks the wire by hand, and can misbehave. Judge of what traded are the exchange's own books.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use crate::harness::{Home, until, until_right};
use futures_util::StreamExt;
use ibapi::orders::{ExecutionFilter, Executions, OrderUpdate, Orders};
use ibapi::prelude::{Client, Contract, SubscriptionItem};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::time::Duration;
use tradewind::gateway::tws::frame::Frames;
use tradewind::gateway::tws::message::{Incoming, Outgoing};
use tradewind::gateway::tws::proto;

/// A gateway process that ends with its test.
pub struct Gateway {
    child: Child,
    pub address: SocketAddr,
}

impl Gateway {
    pub fn start(home: &Home) -> Self {
        Self::with(home, &[])
    }
    pub fn with(home: &Home, more: &[&str]) -> Self {
        Self::at(home, "0", more)
    }
    pub fn at(home: &Home, port: &str, more: &[&str]) -> Self {
        let mut arguments = vec!["gateway", "--port", port, "--seed", "7"];
        arguments.extend(more);
        let mut command: Command = home.command(&arguments);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap_or_else(|| {
            let mut words = String::new();
            let _ = child.stderr.take().unwrap().read_to_string(&mut words);
            panic!("no address in '{line}': {words}")
        });
        let address = address.parse().unwrap();
        Self { child, address }
    }
    /// Asks it to stop in order; answers its exit code.
    pub fn stop(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that speaks the wire by hand.
pub struct Hand {
    pub stream: TcpStream,
    frames: Frames,
}

impl Hand {
    pub fn greet(at: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(b"API\0\0\0\0\x09v213..226").unwrap();
        let mut hand = Self {
            stream,
            frames: Frames::default(),
        };
        let reply = String::from_utf8(hand.frame().unwrap()).unwrap();
        assert!(reply.starts_with("225\0"), "{reply:?}");
        hand
    }
    pub fn connect(at: SocketAddr, client: i32) -> (Self, i32) {
        let mut hand = Self::greet(at);
        hand.say(proto::StartApiRequest {
            client_id: Some(client),
            ..Default::default()
        });
        let next = hand.wait(|message| match message {
            Outgoing::NextValidId(next) => next.order_id,
            Outgoing::Error(error) if error.error_code == Some(326) => panic!("client id in use"),
            _ => None,
        });
        (hand, next)
    }
    pub fn say(&mut self, message: impl Into<Incoming>) {
        self.stream.write_all(&message.into().to_frame()).unwrap();
    }
    /// The next frame; nothing when the other side has hung up.
    pub fn frame(&mut self) -> Option<Vec<u8>> {
        let mut bytes = [0; 65_536];
        loop {
            if let Some(body) = self.frames.next_frame().unwrap() {
                return Some(body.to_vec());
            }
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(read) => self.frames.push(&bytes[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }
    pub fn next(&mut self) -> Option<Outgoing> {
        loop {
            let frame = self.frame()?;
            if let Some(message) = Outgoing::decode(&frame) {
                return Some(message);
            }
        }
    }
    pub fn wait<T>(&mut self, mut wanted: impl FnMut(Outgoing) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.next().expect("the gateway hung up")) {
                return found;
            }
        }
    }
    pub fn status(&mut self, order: i32, wanted: &str) -> proto::OrderStatus {
        self.wait(|message| match message {
            Outgoing::OrderStatus(status)
                if status.order_id == Some(order) && status.status.as_deref() == Some(wanted) =>
            {
                Some(status)
            }
            _ => None,
        })
    }
    pub fn error(&mut self, id: i32) -> proto::ErrorMessage {
        self.wait(|message| match message {
            Outgoing::Error(error) if error.id == Some(id) => Some(error),
            _ => None,
        })
    }
    pub fn place(&mut self, order_id: i32, order: proto::Order) {
        self.say(proto::PlaceOrderRequest {
            order_id: Some(order_id),
            contract: Some(stock("AAPL")),
            order: Some(order),
            ..Default::default()
        });
    }
    /// All open orders of all clients, as order id and status and reference.
    pub fn open_orders(&mut self) -> Vec<proto::OpenOrder> {
        self.say(proto::AllOpenOrdersRequest {});
        let mut all = Vec::new();
        self.wait(|message| {
            match message {
                Outgoing::OpenOrder(order) => all.push(order),
                Outgoing::OpenOrdersEnd(_) => return Some(()),
                _ => {}
            }
            None
        });
        all
    }
    /// A question that every client may ask at any time, answered: whoever answers it is alive.
    pub fn is_answered(&mut self) {
        self.say(proto::CurrentTimeRequest {});
        self.wait(|message| matches!(message, Outgoing::CurrentTime(_)).then_some(()));
    }
}

pub fn stock(symbol: &str) -> proto::Contract {
    proto::Contract {
        symbol: Some(symbol.into()),
        sec_type: Some("STK".into()),
        exchange: Some("SMART".into()),
        currency: Some("USD".into()),
        ..Default::default()
    }
}

pub fn limit(action: &str, quantity: &str, price: f64) -> proto::Order {
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

/// A limit that does not trade and is not far enough to be refused.
const DEEP: f64 = 50.0;

fn run<T>(what: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(what)
}

#[test]
fn a_client_that_others_wrote_trades_and_the_books_say_the_same() {
    let home = Home::new();
    let gateway = Gateway::start(&home);
    let address = gateway.address.to_string();
    let (filled, executed) = run(async move {
        let client = Client::connect(&address, 100).await.unwrap();
        let details = client
            .contract_details(&Contract::stock("AAPL").build())
            .await
            .unwrap();
        assert_eq!(details.len(), 1);
        let contract = details[0].contract.clone();
        let mut updates = client.order_update_stream().await.unwrap();
        let (buy, rest) = (client.next_order_id(), client.next_order_id());
        let mut order = ibapi::orders::order_builder::market_order(ibapi::orders::Action::Buy, 10.0);
        order.order_ref = "ours-1".into();
        client.submit_order(buy, &contract, &order).await.unwrap();
        let mut seen = Vec::new();
        let mut commission = 0;
        while let Some(update) = updates.next().await {
            match update.unwrap() {
                SubscriptionItem::Data(OrderUpdate::OrderStatus(status)) if status.order_id == buy => {
                    seen.push(format!("{:?}", status.status));
                }
                SubscriptionItem::Data(OrderUpdate::CommissionReport(_)) => commission += 1,
                _ => {}
            }
            if seen.last().is_some_and(|status| status == "Filled") && commission > 0 {
                break;
            }
        }
        let mut order = ibapi::orders::order_builder::limit_order(ibapi::orders::Action::Buy, 5.0, DEEP);
        order.order_ref = "ours-2".into();
        client.submit_order(rest, &contract, &order).await.unwrap();
        client.wait_for(&mut updates, rest, "Submitted").await;
        order.limit_price = Some(DEEP + 1.0);
        client.submit_order(rest, &contract, &order).await.unwrap();
        let open = client
            .all_open_orders()
            .await
            .unwrap()
            .collect_to_end_within(Duration::from_secs(20))
            .await
            .unwrap();
        let prices: Vec<_> = open
            .iter()
            .filter_map(|order| match order {
                Orders::OrderData(data) => Some((
                    data.order_id,
                    data.order.limit_price,
                    data.order.order_ref.clone(),
                )),
                Orders::OrderStatus(_) => None,
            })
            .collect();
        let mut prices = prices;
        // The crate hands the answer to the change on to whoever asks for open orders as well.
        prices.dedup();
        assert_eq!(prices, [(rest, Some(DEEP + 1.0), "ours-2".to_owned())]);
        drop(client.cancel_order(rest, "").await.unwrap());
        client.wait_for(&mut updates, rest, "Cancelled").await;
        let mut fills = client.executions(ExecutionFilter::default()).await.unwrap();
        let fills = fills
            .collect_to_end_within(Duration::from_secs(20))
            .await
            .unwrap();
        let fills: f64 = fills
            .iter()
            .filter_map(|fill| match fill {
                Executions::ExecutionData(data) => Some(data.execution.shares),
                Executions::CommissionReport(_) => None,
            })
            .sum();
        let what_if = client.order(&contract).buy(100).market().analyze().await.unwrap();
        assert!(what_if.initial_margin_change.unwrap() > 1_000.0, "{what_if:?}");
        assert!(what_if.commission.unwrap() >= 1.0);
        (seen, fills)
    });
    assert_eq!(filled.last().map(String::as_str), Some("Filled"));
    assert!((executed - 10.0).abs() < 1e-9);
    let books = home.books();
    let sum: i64 = books.executions.iter().map(|e| e.quantity.raw()).sum();
    assert_eq!(sum, 10 * 100_000_000);
    assert_eq!(books.orders.len(), 2, "{:?}", books.orders);
    assert_eq!(books.positions.len(), 1);
}

/// Waits on an update stream for an order's status.
trait WaitFor {
    async fn wait_for(
        &self,
        updates: &mut ibapi::prelude::Subscription<OrderUpdate>,
        order: i32,
        wanted: &str,
    );
}
impl WaitFor for Client {
    async fn wait_for(
        &self,
        updates: &mut ibapi::prelude::Subscription<OrderUpdate>,
        order: i32,
        wanted: &str,
    ) {
        while let Some(update) = updates.next().await {
            if let SubscriptionItem::Data(OrderUpdate::OrderStatus(status)) = update.unwrap()
                && status.order_id == order
                && format!("{:?}", status.status) == wanted
            {
                return;
            }
        }
        panic!("the stream of updates ended");
    }
}

#[test]
fn after_a_kill_every_order_is_there_again_under_all_its_names() {
    let home = Home::new();
    let gateway = Gateway::start(&home);
    let (mut hand, next) = Hand::connect(gateway.address, 5);
    assert_eq!(next, 1);
    let named = |name: &str, order: proto::Order| proto::Order {
        order_ref: Some(name.into()),
        ..order
    };
    hand.place(1, named("alone", limit("BUY", "5", DEEP)));
    hand.status(1, "Submitted");
    let held = |name: &str, parent: i32, transmit: bool, price: f64| proto::Order {
        transmit: Some(transmit),
        parent_id: Some(parent),
        ..named(name, limit("SELL", "7", price))
    };
    hand.place(
        2,
        proto::Order {
            transmit: Some(false),
            ..named("parent", limit("BUY", "7", DEEP))
        },
    );
    hand.place(3, held("target", 2, false, 300.0));
    hand.place(4, held("stop", 2, true, 310.0));
    hand.status(4, "PreSubmitted");
    hand.place(
        5,
        proto::Order {
            transmit: Some(false),
            ..named("never sent", limit("BUY", "1", DEEP))
        },
    );
    hand.status(5, "PendingSubmit");
    let faces = |orders: Vec<proto::OpenOrder>| -> Vec<_> {
        let face = |open: proto::OpenOrder| {
            let order = open.order.unwrap();
            (
                order.perm_id,
                order.client_id,
                open.order_id,
                order.order_ref,
                order.parent_id,
                open.order_state.unwrap().status,
            )
        };
        let mut faces: Vec<_> = orders.into_iter().map(face).collect();
        faces.sort();
        faces
    };
    let before = faces(hand.open_orders());
    assert_eq!(before.len(), 5);
    gateway.kill();
    assert_eq!(
        home.books().orders.len(),
        2,
        "the exchange has the two that were sent"
    );
    let gateway = Gateway::start(&home);
    let (mut hand, next) = Hand::connect(gateway.address, 5);
    assert_eq!(next, 6);
    assert_eq!(faces(hand.open_orders()), before);
    hand.place(
        1,
        proto::Order {
            action: Some("SELL".into()),
            ..limit("SELL", "5", DEEP)
        },
    );
    assert_eq!(hand.error(1).error_code, Some(105));
    hand.say(proto::CancelOrderRequest {
        order_id: Some(2),
        ..Default::default()
    });
    // The parent's end without a fill takes its children along.
    for order in [2, 3, 4] {
        hand.status(order, "Cancelled");
    }
    hand.place(2, limit("BUY", "1", DEEP));
    assert_eq!(hand.error(2).error_code, Some(103));
    let (_, next) = Hand::connect(gateway.address, 6);
    assert_eq!(next, 1, "ids are each client's own");
    let second = home.run(&["gateway", "--port", "0"]);
    second.refused(1, &["runs in this profile already"]);
    assert_eq!(gateway.stop(), Some(0));
}

#[test]
fn a_filled_parent_brings_its_children_to_life_and_they_exclude_each_other() {
    let home = Home::new();
    let gateway = Gateway::start(&home);
    let (mut hand, _) = Hand::connect(gateway.address, 1);
    let held = |order: proto::Order, transmit: bool| proto::Order {
        transmit: Some(transmit),
        ..order
    };
    // Above the market, and resting where the book is still thin: a market order's remainder would be cancelled.
    hand.place(1, held(limit("BUY", "20", 250.0), false));
    let child = |order: proto::Order| proto::Order {
        parent_id: Some(1),
        ..order
    };
    hand.place(2, child(held(limit("SELL", "20", 300.0), false)));
    let stop = proto::Order {
        order_type: Some("STP".into()),
        lmt_price: None,
        aux_price: Some(DEEP),
        ..limit("SELL", "20", 0.0)
    };
    hand.place(3, child(held(stop, true)));
    hand.status(1, "Filled");
    hand.status(2, "Submitted");
    // Into the market: the target fills, the stop goes.
    hand.place(2, child(limit("SELL", "20", 60.0)));
    hand.status(2, "Filled");
    hand.status(3, "Cancelled");
    let books = home.books();
    let net: i64 = books
        .executions
        .iter()
        .map(|e| e.side.signed(e.quantity).raw())
        .sum();
    assert_eq!(net, 0, "bought and sold once each");
}

#[test]
fn what_one_client_does_harms_no_other() {
    let home = Home::new();
    let gateway = Gateway::start(&home);
    let (mut good, _) = Hand::connect(gateway.address, 1);
    let mut sixty: Vec<Hand> = (2..66)
        .map(|client| Hand::connect(gateway.address, client).0)
        .collect();
    for hand in &mut sixty {
        hand.is_answered();
    }
    // No greeting, half a greeting, an impossible length, noise in place of a message, the same client id twice.
    let raw = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(gateway.address).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    };
    let noise: Vec<u8> = (0..4_000u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1])
        .collect();
    let mut open = vec![
        raw(&noise),
        raw(b"API\0\0\0\0\x09v213"),
        raw(b"API\0\xff\xff\xff\xff"),
    ];
    let mut rude = Hand::greet(gateway.address);
    rude.stream.write_all(&[0xf0, 0, 0, 0, 1, 2, 3]).unwrap();
    assert_eq!(rude.frame(), None, "cut off");
    let (mut odd, _) = Hand::connect(gateway.address, 90);
    odd.stream
        .write_all(&[0, 0, 0, 6, 0, 0, 0, 203, 0xff, 0xff])
        .unwrap();
    let refusal = |message| match message {
        Outgoing::Error(error) if !matches!(error.error_code, Some(2104 | 2106 | 2158)) => error.error_code,
        _ => None,
    };
    assert_eq!(odd.wait(refusal), 320);
    odd.is_answered();
    // A message that nobody knows is answered as well.
    odd.stream.write_all(&[0, 0, 0, 4, 0, 0, 3, 231]).unwrap();
    assert_eq!(odd.wait(refusal), 321);
    odd.is_answered();
    let mut twin = Hand::greet(gateway.address);
    twin.say(proto::StartApiRequest {
        client_id: Some(1),
        ..Default::default()
    });
    assert_eq!(twin.wait(refusal), 326);
    assert_eq!(twin.frame(), None);
    good.place(1, limit("BUY", "5", DEEP));
    good.status(1, "Submitted");
    open.clear();
    good.is_answered();
}

#[test]
fn a_client_that_does_not_read_is_cut_off_while_another_goes_on() {
    let home = Home::new();
    let gateway = Gateway::start(&home);
    let (mut good, _) = Hand::connect(gateway.address, 1);
    let (mut slow, _) = Hand::connect(gateway.address, 2);
    // Long histories are asked for and never read, until the gateway has had enough.
    let ask = Incoming::from(proto::HistoricalDataRequest {
        req_id: Some(9),
        contract: Some(stock("AAPL")),
        bar_size_setting: Some("1 min".into()),
        duration: Some("20 D".into()),
        what_to_show: Some("TRADES".into()),
        format_date: Some(2),
        ..Default::default()
    })
    .to_frame();
    slow.stream
        .set_write_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let mut asked = 0;
    until("the slow client is cut off", || {
        asked += 1;
        slow.stream.write_all(&ask).err().filter(|error| {
            matches!(
                error.kind(),
                std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset
            )
        })
    });
    good.place(1, limit("BUY", "5", DEEP));
    good.status(1, "Submitted");
    // Its id is free again.
    until_right(|| {
        let mut hand = Hand::greet(gateway.address);
        hand.say(proto::StartApiRequest {
            client_id: Some(2),
            ..Default::default()
        });
        hand.wait(|message| match message {
            Outgoing::NextValidId(_) => Some(Ok(())),
            Outgoing::Error(error) if error.error_code == Some(326) => Some(Err("still there".to_owned())),
            _ => None,
        })
    });
    assert!(asked > 1);
}
