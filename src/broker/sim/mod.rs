//! The built-in exchange as a broker: the venue on a thread of its own in this process, behind the same port as any other
//! broker. What the venue says is passed on in its order; a read of the account is therefore consistent with everything
//! told before it. The venue commits its own books before it acknowledges, as a real exchange would.

use super::{Adapter, Answer, FromBroker, MarketData, NotSent, Question, Want};
use crate::domain::{BrokerId, SafeText, Timestamp};
use crate::engine::planted::point;
use crate::engine::{BrokerEvent, BrokerOrder, Report, Request, Snapshot};
use crate::venue::{self, OrderReport, Venue, VenueEvent, VenueRequest, VenueSnapshot};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// Requests on their way to the venue. When it is full, orders are provably not sent, and cancels are asked again.
const REQUESTS: usize = 4_096;

/// The longest the thread sleeps, so that a stop is seen soon.
const NAP: Duration = Duration::from_millis(200);

/// The sending end to the venue's thread. The thread ends when this is dropped.
#[derive(Debug)]
pub struct SimBroker {
    requests: SyncSender<Request>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl SimBroker {
    /// Starts the venue's thread. `clock` tells the engine's steady time and how long its process runs; `tell` passes on
    /// what the venue says and answers false when nobody listens any more.
    ///
    /// # Errors
    /// The thread can't be started.
    pub fn start(
        broker: BrokerId,
        venue: Venue,
        clock: impl Fn() -> (Timestamp, Duration) + Send + 'static,
        tell: impl FnMut(FromBroker) -> bool + Send + 'static,
    ) -> std::io::Result<Self> {
        let (requests, inbox) = sync_channel(REQUESTS);
        let mut runner = Runner {
            broker,
            venue,
            clock: Box::new(clock),
            tell: Box::new(tell),
            up: true,
        };
        let thread = std::thread::Builder::new()
            .name("venue".into())
            .spawn(move || runner.run(&inbox))?;
        Ok(Self {
            requests,
            thread: Some(thread),
        })
    }
}

impl Adapter for SimBroker {
    fn send(&self, request: Request) -> Result<(), NotSent> {
        self.requests.try_send(request).map_err(|error| {
            let (request, reason) = match error {
                TrySendError::Full(request) => (request, "the queue to the exchange is full"),
                TrySendError::Disconnected(request) => (request, "the exchange has stopped"),
            };
            let order = match request {
                Request::Place { id, .. } => Some(id),
                _ => None,
            };
            NotSent { order, reason }
        })
    }

    /// The exchange in the box tells all of its market to everybody.
    fn want(&self, _: Want) {}

    fn ask(&self, question: Question, answer: tokio::sync::oneshot::Sender<Answer>) {
        let why = match question {
            Question::Find(_) => "the exchange in the box lists all it has",
            Question::Bars { .. } => "the exchange in the box has told its history",
            Question::Margin { .. } => "the exchange in the box tells no margin before an order",
        };
        let _ = answer.send(Answer::Failed(SafeText::new(why)));
    }

    fn has_history(&self) -> bool {
        false
    }

    fn connection(&self, _: bool) -> Result<(), &'static str> {
        Err("the exchange in the box is part of the engine: there is no connection to make or cut")
    }

    fn has_died(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(std::thread::JoinHandle::is_finished)
    }

    /// The exchange's books are closed when this returns.
    fn stop(mut self: Box<Self>) {
        let (closed, _) = sync_channel(0);
        drop(std::mem::replace(&mut self.requests, closed));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the exchange's thread ended in a panic");
        }
    }
}

struct Runner {
    broker: BrokerId,
    venue: Venue,
    clock: Box<dyn Fn() -> (Timestamp, Duration) + Send>,
    tell: Box<dyn FnMut(FromBroker) -> bool + Send>,
    /// False while the exchange can't write its books: it is down, as a real one would be.
    up: bool,
}

impl Runner {
    fn run(&mut self, inbox: &Receiver<Request>) {
        if !self.introduce() {
            return;
        }
        loop {
            let now = self.now();
            let nap = if self.up {
                self.venue.wait(now).min(NAP)
            } else {
                NAP
            };
            let listened = match inbox.recv_timeout(nap) {
                Ok(request) => self.handle(request),
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if !listened || !self.advance() {
                return;
            }
        }
    }

    /// The venue's own time: a tape's, or the world's.
    fn now(&mut self) -> Timestamp {
        let (now, elapsed) = (self.clock)();
        self.venue.clock(elapsed).unwrap_or(now)
    }

    /// Instruments first, then the accounts: an order can't be checked against what is not known.
    fn introduce(&mut self) -> bool {
        let instruments: Vec<_> = self.venue.instruments().to_vec();
        instruments
            .into_iter()
            .all(|i| self.say(BrokerEvent::Instrument(Box::new(i))))
            && self.say_up()
    }

    fn say(&mut self, event: BrokerEvent) -> bool {
        (self.tell)(FromBroker::Broker(Box::new(event)))
    }

    fn say_up(&mut self) -> bool {
        let accounts = self.venue.accounts();
        self.say(BrokerEvent::Up {
            accounts,
            next_number: None,
        })
    }

    fn handle(&mut self, request: Request) -> bool {
        let read = match &request {
            Request::Snapshot { account, pass } => Some((*account, *pass)),
            _ => None,
        };
        let (now, mut out) = (self.now(), Vec::new());
        let result = self.venue.handle(translate(request), now, &mut out);
        if !self.pass_on(out) {
            return false;
        }
        let Err(error) = result else { return true };
        match read {
            Some((account, pass)) => {
                let reason = SafeText::new(&error.to_string());
                self.say(BrokerEvent::SnapshotFailed {
                    account,
                    pass,
                    reason,
                })
            }
            // Nothing was acknowledged; what became of the request only a later read can tell.
            None => self.fail(&error),
        }
    }

    fn advance(&mut self) -> bool {
        point("venue");
        let (now, mut out) = (self.now(), Vec::new());
        let result = self.venue.advance(now, &mut out);
        if !self.pass_on(out) || !(self.tell)(FromBroker::Clock(now)) {
            return false;
        }
        match result {
            Ok(()) if self.up => true,
            Ok(()) => {
                self.up = true;
                self.say_up()
            }
            Err(error) => self.fail(&error),
        }
    }

    /// Nothing more is told until the books can be written again.
    fn fail(&mut self, error: &venue::VenueError) -> bool {
        if !std::mem::replace(&mut self.up, false) {
            return true;
        }
        tracing::error!(%error, "the exchange can't write its books");
        let reason = SafeText::new(&format!("{} can't write its books: {error}", self.broker));
        self.say(BrokerEvent::Down { reason })
    }

    fn pass_on(&mut self, events: Vec<VenueEvent>) -> bool {
        let mut market = Vec::new();
        for event in events {
            let broker = match event {
                VenueEvent::Quote(quote) => {
                    market.push(MarketData::Quote(quote));
                    continue;
                }
                VenueEvent::Print(print) => {
                    market.push(MarketData::Print(print));
                    continue;
                }
                VenueEvent::Depth(depth) => {
                    market.push(MarketData::Depth(depth));
                    continue;
                }
                VenueEvent::Report(account, report) => BrokerEvent::Report {
                    account,
                    report: translate_report(report),
                },
                VenueEvent::Snapshot(snapshot) => {
                    BrokerEvent::Snapshot(Box::new(translate_snapshot(snapshot)))
                }
            };
            if !(self.tell)(FromBroker::Broker(Box::new(broker))) {
                return false;
            }
        }
        market.is_empty() || (self.tell)(FromBroker::Market(market))
    }
}

/// The engine's request in the venue's words. Public for the simulation, which puts a faulty link between the two.
pub fn translate(request: Request) -> VenueRequest {
    match request {
        Request::Place {
            id, spec, instead, ..
        } if !instead.is_empty() => VenueRequest::Replace { id, spec, instead },
        Request::Place { id, spec, .. } => VenueRequest::Place { id, spec },
        Request::Modify {
            account, id, change, ..
        } => VenueRequest::Modify { account, id, change },
        Request::Cancel { account, id, .. } => VenueRequest::Cancel { account, id },
        Request::Snapshot { account, pass } => VenueRequest::Snapshot { account, pass },
    }
}

/// The venue's report in the port's words.
pub fn translate_report(report: venue::Report) -> Report {
    use venue::Report as V;
    match report {
        V::Accepted { id, order, phase } => Report::Accepted {
            id,
            broker_id: order,
            phase,
        },
        V::Rejected { id, reason } => Report::Rejected { id, reason },
        V::Executed(execution) => Report::Executed(execution),
        V::Triggered { id } => Report::Triggered { id },
        V::Modified { id, quantity, kind } => Report::Modified { id, quantity, kind },
        V::ModifyRejected { id, reason } => Report::ModifyRejected { id, reason },
        V::Cancelled { id, reason } => Report::Cancelled { id, reason },
        V::CancelRejected { id, reason } => Report::CancelRejected { id, reason },
        V::Expired { id } => Report::Expired { id },
        V::Balance { cash } => Report::Balance { cash },
    }
}

/// The venue's snapshot in the port's words.
pub fn translate_snapshot(snapshot: VenueSnapshot) -> Snapshot {
    let order = |o: OrderReport| BrokerOrder {
        id: o.id,
        broker_id: o.order,
        spec: o.spec,
        phase: o.phase,
        filled: o.filled,
        number: None,
        foreign: false,
    };
    Snapshot {
        pass: snapshot.pass,
        account: snapshot.account,
        positions: snapshot.positions,
        cash: snapshot.cash,
        orders: snapshot.orders.into_iter().map(order).collect(),
        executions: snapshot.executions,
        // It keeps a week, and nobody else trades these accounts.
        complete_since: Timestamp::MIN,
    }
}
