//! One connection's life: takes the engine's requests to the broker and what the broker says to the engine, in one loop
//! that waits for nothing but its inputs; what takes time runs beside it and reports back. It ends with the first sign that
//! the connection is not what it was: a heartbeat that stays away twice, the end of the order stream, the broker's word.

mod begin;
mod health;
mod questions;
mod queue;
mod reads;
mod requests;
mod words;

use crate::broker::Want;
use crate::broker::ibkr::budget::Window;
use crate::broker::ibkr::contracts::Contracts;
use crate::broker::ibkr::market::Lines;
use crate::broker::ibkr::orders::Orders;
use crate::broker::ibkr::read::Whole;
use crate::broker::ibkr::{Env, Inbox, history};
use crate::domain::{AccountKey, ClientOrderId, Currency, InstrumentId, Money, SafeText, Spans, Timestamp};
use crate::engine::{BrokerEvent, Report};
use ibapi::Client;
use ibapi::accounts::AccountMultiValue;
use ibapi::orders::OrderUpdate;
use ibapi::subscriptions::{NoticeStream, SubscriptionItem};
use jiff::tz::TimeZone;
use queue::Queue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// Account values are passed on at most this often.
const TICK: Duration = Duration::from_secs(1);

/// Locks what is held for a moment only; one who panicked with it left it whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a connection ended.
pub(super) struct End {
    /// Why, in words.
    pub(super) reason: String,
    /// The engine stops.
    pub(super) stopped: bool,
}

/// What runs beside the loop reports.
enum Inner {
    /// The order stream told something.
    Update(Box<SubscriptionItem<OrderUpdate>>),
    /// The order stream ended.
    StreamEnded(String),
    /// A heartbeat came back after this long, or did not; and the broker's time.
    Beat(Option<(Duration, Timestamp)>),
    /// A read ended.
    Read(Result<Box<Whole>, String>),
    /// An order provably did not leave.
    NotSent(ClientOrderId, SafeText),
    /// A change provably did not leave.
    ChangeNotSent(AccountKey, ClientOrderId, SafeText),
    /// What was unclear has had its time.
    LookUp(ClientOrderId),
    /// An instrument became known.
    Learned,
    /// A figure of an account.
    Figure(AccountKey, AccountMultiValue),
}

/// An order or a change on its way.
struct Out {
    id: ClientOrderId,
    account: AccountKey,
    number: i32,
    /// When a new order was recorded; nothing for a change of one.
    created: Option<Timestamp>,
    instrument: InstrumentId,
    order: ibapi::orders::Order,
}

/// One connection.
pub(super) struct Session {
    env: Env,
    client: Arc<Client>,
    contracts: Arc<Mutex<Contracts>>,
    address: String,
    reconnects: u32,
    accounts: Vec<AccountKey>,
    orders: Orders,
    lines: Lines,
    inner: mpsc::UnboundedSender<Inner>,
    reports: Option<mpsc::UnboundedReceiver<Inner>>,
    out: Option<mpsc::UnboundedSender<Out>>,
    queue: Arc<Mutex<Queue>>,
    history: Arc<Mutex<Window>>,
    /// Reads that were asked for and not answered.
    reads: Vec<(AccountKey, u64)>,
    reading: bool,
    /// Orders that are being looked up.
    looking: BTreeSet<ClientOrderId>,
    /// Why the broker's servers can't be reached by its own program.
    impaired: Option<String>,
    /// Another session of the same user has the data.
    competing: bool,
    missed: u32,
    round_trip: Option<Duration>,
    /// How long orders took from their record to their bytes on the socket.
    sent: Arc<Mutex<Spans>>,
    /// Since when lines are being asked for again, and nobody was told how many came back.
    restoring: Option<Timestamp>,
    figures: BTreeMap<AccountKey, BTreeMap<(String, String), Money>>,
    /// What was last told of excess liquidity.
    funds: BTreeMap<AccountKey, (Currency, Money, Option<bool>)>,
    told_clock: bool,
    /// The broker's clock and ours are apart.
    clocks_apart: bool,
    zone: TimeZone,
}

impl Session {
    pub(super) fn new(
        env: Env,
        client: Client,
        contracts: Arc<Mutex<Contracts>>,
        address: String,
        reconnects: u32,
    ) -> Self {
        let client = Arc::new(client);
        let (inner, reports) = mpsc::unbounded_channel();
        Self {
            orders: Orders::new(env.settings.broker, env.settings.client_id),
            lines: Lines::new(env.clone(), Arc::clone(&client), Arc::clone(&contracts)),
            client,
            contracts,
            address,
            reconnects,
            accounts: Vec::new(),
            inner,
            reports: Some(reports),
            out: None,
            queue: Arc::default(),
            history: Arc::new(Mutex::new(history::window())),
            reads: Vec::new(),
            reading: false,
            looking: BTreeSet::new(),
            impaired: None,
            competing: false,
            missed: 0,
            round_trip: None,
            sent: Arc::default(),
            restoring: None,
            figures: BTreeMap::new(),
            funds: BTreeMap::new(),
            told_clock: false,
            clocks_apart: false,
            // Times that name no zone are in that of the machine where TWS runs, which is nearly always this one.
            zone: TimeZone::system(),
            env,
        }
    }

    /// Runs until the connection is not what it was, or the engine stops.
    pub(super) async fn run(mut self, notices: NoticeStream, inbox: &mut Inbox, up: &AtomicBool) -> End {
        let ended = |reason: String| End {
            reason,
            stopped: false,
        };
        let begun = match self.begin().await {
            Ok(begun) => begun,
            Err(reason) => {
                self.client.disconnect().await;
                return ended(reason);
            }
        };
        up.store(true, Ordering::Release);
        let Some(reports) = self.reports.take() else {
            return ended(begun);
        };
        let end = self.turn(notices, reports, inbox).await;
        up.store(false, Ordering::Release);
        self.client.disconnect().await;
        end
    }

    async fn turn(
        &mut self,
        mut notices: NoticeStream,
        mut reports: mpsc::UnboundedReceiver<Inner>,
        inbox: &mut Inbox,
    ) -> End {
        let mut tick = tokio::time::interval(TICK);
        inbox.want.mark_changed();
        let end = |reason: &str| End {
            reason: reason.to_owned(),
            stopped: false,
        };
        loop {
            let ended = tokio::select! {
                biased;
                _ = inbox.stop.changed() => return End { reason: String::new(), stopped: true },
                _ = inbox.connected.changed() => {
                    if !*inbox.connected.borrow_and_update() {
                        return end(super::link::CUT);
                    }
                    None
                }
                request = inbox.requests.recv() => match request {
                    Some(request) => { self.request(request).await; None }
                    None => return End { reason: String::new(), stopped: true },
                },
                Some(report) = reports.recv() => self.report(report).await,
                notice = notices.next() => match notice {
                    Some(notice) => self.notice(notice.code, &notice.message).await,
                    None => Some("the connection was closed".to_owned()),
                },
                _ = inbox.want.changed() => {
                    let want: Want = inbox.want.borrow_and_update().clone();
                    self.lines.want(want);
                    None
                }
                question = inbox.questions.recv() => {
                    if let Some((question, answer)) = question {
                        self.question(question, answer);
                    }
                    None
                }
                _ = tick.tick() => { self.tick().await; None }
            };
            if let Some(reason) = ended {
                return end(&format!("{}: {reason}", self.address));
            }
            if !self.client.is_connected() {
                return end(&format!("{}: the connection was lost", self.address));
            }
        }
    }

    async fn tell(&self, account: AccountKey, report: Report) {
        self.env.event(BrokerEvent::Report { account, report }).await;
    }

    /// What runs beside reports; a reason where the connection has to end.
    async fn report(&mut self, report: Inner) -> Option<String> {
        match report {
            Inner::Update(item) => return self.update(*item).await,
            Inner::StreamEnded(why) => return Some(format!("the order stream ended: {why}")),
            Inner::Beat(Some((round_trip, time))) => {
                self.missed = 0;
                self.round_trip = Some(round_trip);
                self.compare_clocks(time).await;
                self.beat();
            }
            Inner::Beat(None) => {
                self.missed += 1;
                if self.missed >= 2 {
                    return Some("TWS does not answer any more".to_owned());
                }
                self.beat();
            }
            Inner::Read(read) => self.read_ended(read).await,
            Inner::NotSent(id, reason) => {
                self.orders.ended(id);
                self.env.event(BrokerEvent::NotSent { id, reason }).await;
            }
            Inner::ChangeNotSent(account, id, reason) => {
                self.tell(account, Report::ModifyRejected { id, reason }).await;
            }
            Inner::LookUp(id) => {
                self.looking.remove(&id);
                if self.orders.is_unclear(id) {
                    self.stale("what became of an order is not clear").await;
                }
            }
            Inner::Learned => self.lines.adjust(),
            Inner::Figure(key, value) => self.figure(key, &value),
        }
        None
    }
}
