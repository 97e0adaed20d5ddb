//! A session as a shell command has one: it sends orders and hears everything, and says when.

use crate::engine::{Engine, SYMBOL, state};
use std::time::{Duration, Instant};
use tradewind::app::clock::Clock;
use tradewind::app::identity::IdMaker;
use tradewind::attach::Attached;
use tradewind::domain::{
    AccountKey, ClientOrderId, InstrumentId, OrderKind, OrderSpec, Quantity, Role, Side, TimeInForce,
};
use tradewind::engine::{Command, Fact, Legs, Outcome, SessionKind};
use tradewind::wire::{ClientMessage, ServerMessage};

/// Nothing that is waited for takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn spec(account: AccountKey, kind: OrderKind, side: Side) -> OrderSpec {
    OrderSpec {
        account,
        instrument: InstrumentId::new(SYMBOL).unwrap(),
        side,
        quantity: Quantity::ONE,
        kind,
        tif: TimeInForce::Day,
        display: None,
        allow_short: true,
        role: Role::Entry,
        parent: None,
        outside_hours: false,
    }
}

/// A session that sends and hears everything.
pub struct Caller {
    attached: Attached,
    ids: IdMaker,
    pub account: AccountKey,
    token: u64,
}

/// When what was heard of one order.
pub struct Heard {
    pub begun: Instant,
    pub outcome: Option<Instant>,
    pub accepted: Option<Instant>,
    pub filled: Option<Instant>,
    pub cancelled: Option<Instant>,
}

impl Heard {
    /// Seconds from the moment the command was sent.
    pub fn after(&self, at: Option<Instant>) -> Option<f64> {
        at.map(|at| (at - self.begun).as_secs_f64())
    }
}

impl Caller {
    pub async fn new(engine: &Engine) -> Self {
        let mut attached = engine.connect(SessionKind::Shell).await;
        let account = loop {
            let now = state(&mut attached).await.state;
            match now.accounts.iter().find(|(_, account)| account.read_at.is_some()) {
                Some((key, _)) => break *key,
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        let ids = IdMaker::new(attached.welcome.prefix.as_str(), Clock::start());
        attached.writer.write(&ClientMessage::Subscribe).await.unwrap();
        Self {
            attached,
            ids,
            account,
            token: 1_000,
        }
    }
    /// Sends a command and waits for nothing: the token of its answer.
    pub async fn send(&mut self, command: Command) -> u64 {
        self.token += 1;
        let message = ClientMessage::Command {
            token: self.token,
            command: Box::new(command),
        };
        self.attached.writer.write(&message).await.unwrap();
        self.token
    }
    /// What the engine says next, and when it was heard.
    pub async fn hear(&mut self) -> (Instant, ServerMessage) {
        let message = tokio::time::timeout(PATIENCE, self.attached.reader.read()).await;
        let message = message
            .expect("something is said")
            .unwrap()
            .expect("the engine talks");
        (Instant::now(), message)
    }
    /// Sends a command about `id` and listens until `enough`.
    pub async fn ask(&mut self, command: Command, id: ClientOrderId, enough: fn(&Heard) -> bool) -> Heard {
        let begun = Instant::now();
        let asked = self.send(command).await;
        let mut heard = Heard {
            begun,
            outcome: None,
            accepted: None,
            filled: None,
            cancelled: None,
        };
        while !enough(&heard) {
            let (at, message) = self.hear().await;
            match message {
                ServerMessage::Outcome { token, outcome } if token == asked => {
                    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
                    heard.outcome = Some(at);
                }
                ServerMessage::Events(events) => {
                    for event in events.iter().filter(|event| event.fact.order() == Some(id)) {
                        let slot = match event.fact {
                            Fact::Accepted { .. } => &mut heard.accepted,
                            Fact::Executed { .. } => &mut heard.filled,
                            Fact::Cancelled { .. } => &mut heard.cancelled,
                            _ => continue,
                        };
                        slot.get_or_insert(at);
                    }
                }
                _ => {}
            }
        }
        heard
    }
    /// An order for one share.
    pub fn submit(&mut self, kind: OrderKind, side: Side) -> (ClientOrderId, Command) {
        let id = self.ids.next_id();
        let command = Command::Submit {
            id,
            spec: spec(self.account, kind, side),
            legs: Legs::default(),
            seen: None,
        };
        (id, command)
    }
    /// Takes what waits, until nothing came for a moment.
    pub async fn drain(&mut self) {
        let quiet = Duration::from_millis(5);
        while let Ok(message) = tokio::time::timeout(quiet, self.attached.reader.read()).await {
            message.unwrap().expect("the engine talks");
        }
    }
    /// When the next acknowledgement is heard.
    pub async fn accepted(&mut self) -> Instant {
        self.next(|fact| matches!(fact, Fact::Accepted { .. })).await
    }
    /// When the next such fact is heard.
    pub async fn next(&mut self, wanted: impl Fn(&Fact) -> bool) -> Instant {
        loop {
            let (at, message) = self.hear().await;
            if let ServerMessage::Events(events) = message
                && events.iter().any(|event| wanted(&event.fact))
            {
                return at;
            }
        }
    }
    pub async fn cancel_all(&mut self) {
        let command = Command::CancelAll {
            account: self.account,
            instrument: None,
            stops_too: true,
        };
        self.attached.command(command).await.unwrap();
    }
}
