//! Interactive Brokers through TWS or IB Gateway, on the `ibapi` crate. Bytes and frames are the crate's; [`link`] keeps a
//! connection or makes it again, [`session`] lives as long as one connection, and the files beside it know one thing each:
//! [`orders`] what is said of orders, [`read`] the complete reads, [`market`] lines and books, [`history`] bars,
//! [`contracts`] instruments, [`codes`] the broker's numbers, [`pace`] and [`budget`] what may be sent, [`reset`] what is
//! planned, [`translate`] both vocabularies.
//!
//! The crate's own reconnecting is not used: it can wait for ever on a peer that accepts and stays silent, and its order
//! stream does not say that it missed something. Every connection here is a new client, and after every one everything
//! is read.

pub mod budget;
pub mod codes;
pub mod contracts;
pub mod farms;
mod history;
mod hours;
mod link;
mod market;
pub mod orders;
mod pace;
mod read;
pub mod reset;
mod session;
pub mod translate;

use super::{Adapter, Answer, FromBroker, NotSent, Question, Want};
use crate::domain::{AccountId, BrokerId, Instrument, Timestamp};
use crate::engine::Request;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Requests on their way to the connection. When it is full, orders are provably not sent, and cancels are asked again.
const REQUESTS: usize = 4_096;
/// How long an ordered end may take.
const END_WITHIN: Duration = Duration::from_secs(3);

/// How the broker is reached, as configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name in account keys.
    pub broker: BrokerId,
    /// Where TWS or IB Gateway runs.
    pub host: String,
    /// Its port; nothing to look for a paper one.
    pub port: Option<u16>,
    /// The usual ports by name, for looking: paper ones may be used unasked.
    pub usual: Vec<(String, u16)>,
    /// The number of our session.
    pub client_id: i32,
    /// The one account to work with; nothing for all.
    pub account: Option<AccountId>,
    /// No order leaves.
    pub read_only: bool,
    /// Instruments to begin with.
    pub symbols: Vec<String>,
    /// What is planned: restarts, resets, logins.
    pub plan: reset::Plan,
    /// Messages a second.
    pub messages_per_second: u32,
    /// Market data lines.
    pub lines: usize,
    /// Books.
    pub depth: usize,
}

/// What every part of the adapter needs: settings, the time, and the way to the engine.
#[derive(Clone)]
struct Env {
    settings: Arc<Settings>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pace: Arc<pace::Pace>,
    tell: mpsc::Sender<FromBroker>,
}

impl Env {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }
    /// Waits until one more message may leave.
    async fn pass(&self) {
        self.pace.pass(|| self.now()).await;
    }
    /// The same, ahead of everything that is not urgent.
    async fn pass_first(&self) {
        self.pace.pass_first(|| self.now()).await;
    }
    /// Tells the engine; false where nobody listens any more.
    async fn say(&self, said: FromBroker) -> bool {
        self.tell.send(said).await.is_ok()
    }
    async fn event(&self, event: crate::engine::BrokerEvent) -> bool {
        self.say(FromBroker::Broker(Box::new(event))).await
    }
}

/// What comes from the engine's task.
struct Inbox {
    requests: mpsc::Receiver<Request>,
    want: watch::Receiver<Want>,
    questions: mpsc::Receiver<(Question, oneshot::Sender<Answer>)>,
    stop: watch::Receiver<bool>,
    /// False while a person wants no connection.
    connected: watch::Receiver<bool>,
}

/// The engine's end.
#[derive(Debug)]
pub struct Ibkr {
    requests: mpsc::Sender<Request>,
    want: watch::Sender<Want>,
    questions: mpsc::Sender<(Question, oneshot::Sender<Answer>)>,
    stop: watch::Sender<bool>,
    connected: watch::Sender<bool>,
    up: Arc<AtomicBool>,
    read_only: bool,
    task: tokio::task::JoinHandle<()>,
    calendar: tokio::task::JoinHandle<()>,
}

impl Ibkr {
    /// Starts the connection's task in the present runtime. `known` are the instruments of the state; `tell` is the
    /// engine's queue.
    pub fn start(
        settings: Settings,
        known: Vec<Instrument>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        tell: mpsc::Sender<FromBroker>,
    ) -> Self {
        let (requests, requests_in) = mpsc::channel(REQUESTS);
        let (want, want_in) = watch::channel(Want::default());
        let (questions, questions_in) = mpsc::channel(256);
        let (stop, stop_in) = watch::channel(false);
        let (connected, connected_in) = watch::channel(true);
        let up = Arc::new(AtomicBool::new(false));
        let read_only = settings.read_only;
        let env = Env {
            pace: Arc::new(pace::Pace::new(
                usize::try_from(settings.messages_per_second).unwrap_or(40).max(1),
            )),
            settings: Arc::new(settings),
            clock: Arc::new(clock),
            tell,
        };
        let inbox = Inbox {
            requests: requests_in,
            want: want_in,
            questions: questions_in,
            stop: stop_in,
            connected: connected_in,
        };
        let calendar = tokio::spawn(reset::keep(env.clone()));
        let task = tokio::spawn(link::keep(env, known, inbox, Arc::clone(&up)));
        Self {
            requests,
            want,
            questions,
            stop,
            connected,
            up,
            read_only,
            task,
            calendar,
        }
    }
}

impl Adapter for Ibkr {
    fn send(&self, request: Request) -> Result<(), NotSent> {
        let order = match &request {
            Request::Place { id, .. } => Some(*id),
            _ => None,
        };
        let not_sent = |reason| Err(NotSent { order, reason });
        if self.read_only && order.is_some() {
            return not_sent("broker.ibkr.read_only is set: no order leaves");
        }
        if !self.up.load(Ordering::Acquire) {
            return not_sent("there is no connection to TWS or IB Gateway");
        }
        self.requests
            .try_send(request)
            .or_else(|_| not_sent("the queue to TWS or IB Gateway is full"))
    }

    fn want(&self, want: Want) {
        let _ = self.want.send(want);
    }

    fn ask(&self, question: Question, answer: oneshot::Sender<Answer>) {
        if let Err(error) = self.questions.try_send((question, answer)) {
            let (_, answer) = error.into_inner();
            let _ = answer.send(Answer::Failed("too many questions at once".into()));
        }
    }

    fn has_history(&self) -> bool {
        true
    }

    fn connection(&self, up: bool) -> Result<(), &'static str> {
        // Cutting what is cut already is no news to the task.
        self.connected
            .send_if_modified(|connected| std::mem::replace(connected, up) != up);
        Ok(())
    }

    fn has_died(&self) -> bool {
        self.task.is_finished()
    }

    fn stop(self: Box<Self>) {
        let _ = self.stop.send(true);
        self.calendar.abort();
        let task = self.task;
        // The engine's task ends here: its thread may wait, others go on.
        tokio::task::block_in_place(|| {
            let ended = async { tokio::time::timeout(END_WITHIN, task).await };
            if tokio::runtime::Handle::current().block_on(ended).is_err() {
                tracing::warn!("the connection to TWS did not end in time");
            }
        });
    }
}
