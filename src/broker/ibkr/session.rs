//! One connection's life: takes the engine's requests to the broker and what the broker says to the engine, in one loop
//! that waits for nothing but its inputs; what takes time runs beside it and reports back. It ends with the first sign that
//! the connection is not what it was: a heartbeat that stays away twice, the end of the order stream, the broker's word.

use super::budget::Window;
use super::codes::{LinkWord, link_word};
use super::contracts::{Contracts, meanings};
use super::market::Lines;
use super::orders::{Orders, Said};
use super::read::{self, Reader, Whole};
use super::{Env, Inbox, history, translate};
use crate::broker::{Answer, FromBroker, Question, Want};
use crate::domain::{
    Account, AccountClass, AccountId, AccountKey, ClientOrderId, Currency, InstrumentId, Money, OrderSpec,
    SafeText, Timestamp,
};
use crate::engine::port::{Budget, Health, Margin};
use crate::engine::{BrokerEvent, Family, Report, Request};
use ibapi::Client;
use ibapi::accounts::{AccountMultiValue, AccountUpdateMulti, types::AccountId as TheirAccount};
use ibapi::market_data::MarketDataType;
use ibapi::orders::OrderUpdate;
use ibapi::prelude::StreamExt;
use ibapi::subscriptions::{NoticeStream, Subscription, SubscriptionItem, SubscriptionItemStreamExt};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A heartbeat is sent this often …
const BEAT_EVERY: Duration = Duration::from_secs(4);
/// … and has to come back within this; the second that does not ends the connection, within twelve seconds of the last
/// that did.
const BEAT_WITHIN: Duration = Duration::from_millis(3_500);
/// What is unclear gets this long to become clear by itself before everything is read.
const LOOK_UP_AFTER: Duration = Duration::from_millis(500);
/// How long lines may take to answer before it is told how many did.
const RESTORE_WITHIN: Duration = Duration::from_secs(10);
/// Account values are passed on at most this often.
const TICK: Duration = Duration::from_secs(1);
/// A difference of clocks that is told.
const CLOCKS_APART: Duration = Duration::from_secs(2);
/// Figures of an account that are shown.
const FIGURES: &[&str] = &[
    "NetLiquidation",
    "AvailableFunds",
    "BuyingPower",
    "ExcessLiquidity",
    "InitMarginReq",
    "MaintMarginReq",
    "LookAheadAvailableFunds",
    "LookAheadExcessLiquidity",
    "LookAheadInitMarginReq",
    "LookAheadMaintMarginReq",
    "UnrealizedPnL",
    "RealizedPnL",
    "ExchangeRate",
];

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
    change: bool,
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
    history: Arc<Mutex<Window>>,
    /// Reads that were asked for and not answered.
    reads: Vec<(AccountKey, u64)>,
    reading: bool,
    /// Orders that are being looked up.
    looking: BTreeSet<ClientOrderId>,
    impaired: Option<String>,
    away: BTreeSet<String>,
    missed: u32,
    round_trip: Option<Duration>,
    /// Since when lines are being asked for again, and nobody was told how many came back.
    restoring: Option<Timestamp>,
    figures: BTreeMap<AccountKey, BTreeMap<(String, String), Money>>,
    told_clock: bool,
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
            history: Arc::new(Mutex::new(history::window())),
            reads: Vec::new(),
            reading: false,
            looking: BTreeSet::new(),
            impaired: None,
            away: BTreeSet::new(),
            missed: 0,
            round_trip: None,
            restoring: None,
            figures: BTreeMap::new(),
            told_clock: false,
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

    /// The order stream is opened before anything is asked, so that nothing is missed; then accounts, instruments, and up.
    async fn begin(&mut self) -> Result<String, String> {
        let updates = self
            .client
            .order_update_stream()
            .await
            .map_err(|error| format!("the order stream can't be opened: {error}"))?;
        self.drain(updates);
        self.accounts = self.choose_accounts()?;
        let mut accounts = Vec::new();
        for key in &self.accounts {
            let values = read::account_values(&self.env, &self.client, key.account.as_str())
                .await
                .unwrap_or_default();
            accounts.push(Account {
                key: *key,
                class: class(key.account),
                base: read::base(&values).unwrap_or(Currency::USD),
                cash: None,
            });
        }
        // Frozen prices where a market is closed, delayed ones where no others are paid for: the quality says which.
        let _ = self
            .client
            .switch_market_data_type(MarketDataType::DelayedFrozen)
            .await;
        self.out = Some(self.sender());
        self.beat();
        self.learn_symbols();
        for key in self.accounts.clone() {
            self.follow_figures(key);
        }
        if self.reconnects > 0 {
            self.restoring = Some(self.env.now());
        }
        let next = self.client.next_order_id();
        self.env
            .event(BrokerEvent::Up {
                accounts,
                next_number: Some(next),
            })
            .await;
        tracing::info!(
            address = self.address,
            version = self.client.server_version(),
            next,
            "connected"
        );
        Ok(String::new())
    }

    /// The accounts of the login, or the one that is configured.
    fn choose_accounts(&self) -> Result<Vec<AccountKey>, String> {
        let broker = self.env.settings.broker;
        let theirs = self.client.handshake_managed_accounts();
        let all: Vec<AccountId> = theirs.iter().filter_map(|name| name.parse().ok()).collect();
        let list = theirs.join(", ");
        let chosen = match self.env.settings.account {
            Some(wanted) if !all.contains(&wanted) => {
                return Err(format!(
                    "account {wanted} is not under this login at {}; it has {list}: set broker.ibkr.account",
                    self.address
                ));
            }
            Some(wanted) => vec![wanted],
            None => all,
        };
        if chosen.is_empty() {
            return Err(format!("the login at {} has no account", self.address));
        }
        let live: Vec<&str> = chosen
            .iter()
            .filter(|account| class(**account) == AccountClass::Live)
            .map(AccountId::as_str)
            .collect();
        if !live.is_empty() && self.env.settings.port.is_none() {
            return Err(format!(
                "{} at {} is a live account: live is used only where its port is written, broker.ibkr.port",
                live.join(", "),
                self.address
            ));
        }
        Ok(chosen
            .into_iter()
            .map(|account| AccountKey { broker, account })
            .collect())
    }

    /// Nothing but taking from the stream: it must never fill up behind work.
    fn drain(&self, mut updates: Subscription<OrderUpdate>) {
        let inner = self.inner.clone();
        tokio::spawn(async move {
            while let Some(item) = updates.next().await {
                let told = match item {
                    Ok(item) => inner.send(Inner::Update(Box::new(item))),
                    Err(error) => {
                        let _ = inner.send(Inner::StreamEnded(error.to_string()));
                        return;
                    }
                };
                if told.is_err() {
                    return;
                }
            }
            let _ = inner.send(Inner::StreamEnded("it ended".to_owned()));
        });
    }

    /// Orders and changes leave in their order, as fast as the budget lets them; cancels do not wait here.
    fn sender(&self) -> mpsc::UnboundedSender<Out> {
        let (out, mut waiting) = mpsc::unbounded_channel::<Out>();
        let (client, contracts) = (Arc::clone(&self.client), Arc::clone(&self.contracts));
        let (inner, env) = (self.inner.clone(), self.env.clone());
        tokio::spawn(async move {
            while let Some(Out {
                id,
                account,
                number,
                change,
                instrument,
                order,
            }) = waiting.recv().await
            {
                let contract = lock(&contracts).contract(instrument);
                env.pass().await;
                let failure = match contract {
                    // An error of the send means that the frame is not whole on the wire: TWS can't have acted on it.
                    Some(contract) => client
                        .submit_order(number, &contract, &order)
                        .await
                        .err()
                        .map(|error| error.to_string()),
                    None => Some(format!("the broker's contract of {instrument} is not known")),
                };
                if let Some(why) = failure {
                    let why = SafeText::new(&why);
                    let _ = inner.send(if change {
                        Inner::ChangeNotSent(account, id, why)
                    } else {
                        Inner::NotSent(id, why)
                    });
                }
            }
        });
        out
    }

    fn beat(&self) {
        let (client, inner, env) = (Arc::clone(&self.client), self.inner.clone(), self.env.clone());
        let missed = self.missed;
        tokio::spawn(async move {
            if missed == 0 {
                tokio::time::sleep(BEAT_EVERY).await;
            }
            env.pass_first().await;
            let begun = env.now();
            let answer = tokio::time::timeout(BEAT_WITHIN, client.server_time()).await;
            let beat = match answer {
                Ok(Ok(time)) => {
                    let at = i64::try_from(time.unix_timestamp_nanos()).unwrap_or(0);
                    Some((env.now().since(begun), Timestamp(at)))
                }
                _ => None,
            };
            let _ = inner.send(Inner::Beat(beat));
        });
    }

    /// Instruments to begin with, each by its likeliest meaning.
    fn learn_symbols(&self) {
        let (env, client) = (self.env.clone(), Arc::clone(&self.client));
        let (contracts, inner) = (Arc::clone(&self.contracts), self.inner.clone());
        tokio::spawn(async move {
            for symbol in env.settings.symbols.clone() {
                if symbol.parse().is_ok_and(|id| lock(&contracts).get(id).is_some()) {
                    continue;
                }
                if let Answer::Failed(why) = find(&env, &client, &contracts, &symbol).await {
                    let text = format!("{symbol} is not known at the broker: {why}");
                    env.event(BrokerEvent::Told {
                        text: SafeText::new(&text),
                    })
                    .await;
                }
                let _ = inner.send(Inner::Learned);
            }
            let _ = inner.send(Inner::Learned);
        });
    }

    /// What the broker says of an account beyond its cash, as it changes.
    fn follow_figures(&self, key: AccountKey) {
        let (client, inner, env) = (Arc::clone(&self.client), self.inner.clone(), self.env.clone());
        tokio::spawn(async move {
            let account = TheirAccount(key.account.as_str().to_owned());
            env.pass().await;
            let Ok(updates) = client.account_updates_multi(Some(&account), None).await else {
                return;
            };
            let mut updates = updates.filter_data();
            while let Some(Ok(update)) = updates.next().await {
                if let AccountUpdateMulti::AccountMultiValue(value) = update
                    && FIGURES.contains(&value.key.as_str())
                    && inner.send(Inner::Figure(key, value)).is_err()
                {
                    return;
                }
            }
        });
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

    async fn request(&mut self, request: Request) {
        match request {
            Request::Place {
                id,
                spec,
                number,
                family,
            } => self.place(id, &spec, number, family),
            Request::Modify {
                account,
                id,
                number,
                spec,
                family,
                ..
            } => match number {
                Some(number) => {
                    self.orders.changing(id, number, &spec);
                    self.send(Out {
                        id,
                        account,
                        number,
                        change: true,
                        instrument: spec.instrument,
                        order: translate::order(id, &spec, number, family),
                    });
                }
                None => {
                    let reason = "only the session that made the order can change it".into();
                    self.tell(account, Report::ModifyRejected { id, reason }).await;
                }
            },
            Request::Cancel {
                account, id, number, ..
            } => match number {
                Some(number) => self.cancel(account, id, number),
                None => {
                    let reason = "only the session that made the order can cancel it".into();
                    self.tell(account, Report::CancelRejected { id, reason }).await;
                }
            },
            Request::Snapshot { account, pass } => {
                if let Some(why) = &self.impaired {
                    let reason = SafeText::new(why);
                    self.env
                        .event(BrokerEvent::SnapshotFailed {
                            account,
                            pass,
                            reason,
                        })
                        .await;
                    return;
                }
                self.reads.push((account, pass));
                self.read();
            }
        }
    }

    fn place(&mut self, id: ClientOrderId, spec: &OrderSpec, number: i32, family: Option<Family>) {
        self.orders.sending(id, number, spec);
        self.send(Out {
            id,
            account: spec.account,
            number,
            change: false,
            instrument: spec.instrument,
            order: translate::order(id, spec, number, family),
        });
    }

    fn send(&self, out: Out) {
        if let Some(sender) = &self.out {
            let _ = sender.send(out);
        }
    }

    /// Cancels go ahead of everything that waits for the budget.
    fn cancel(&mut self, account: AccountKey, id: ClientOrderId, number: i32) {
        self.orders.touching(id, number, account);
        let (env, client) = (self.env.clone(), Arc::clone(&self.client));
        tokio::spawn(async move {
            env.pass_first().await;
            // A cancel that did not leave is asked again by whoever asked: nothing is concluded from it here.
            if let Err(error) = client.cancel_order(number, "").await {
                tracing::warn!(number, %error, "a cancel did not leave");
            }
        });
    }

    /// One read at a time answers everybody who has asked by then.
    fn read(&mut self) {
        if self.reading || self.reads.is_empty() {
            return;
        }
        self.reading = true;
        let accounts: BTreeSet<AccountKey> = self.reads.iter().map(|(account, _)| *account).collect();
        let accounts: Vec<AccountKey> = accounts.into_iter().collect();
        let (env, client) = (self.env.clone(), Arc::clone(&self.client));
        let (contracts, inner) = (Arc::clone(&self.contracts), self.inner.clone());
        tokio::spawn(async move {
            let read = read::read(&env, &client, &contracts, &accounts).await;
            let _ = inner.send(Inner::Read(read.map(Box::new)));
        });
    }

    async fn tell(&self, account: AccountKey, report: Report) {
        self.env.event(BrokerEvent::Report { account, report }).await;
    }

    /// What runs beside reports; a reason where the connection has to end.
    async fn report(&mut self, report: Inner) -> Option<String> {
        match report {
            Inner::Update(item) => self.update(*item).await,
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

    /// The broker's time is seconds behind or ahead: what depends on the time of day is then off.
    async fn compare_clocks(&mut self, theirs: Timestamp) {
        let now = self.env.now();
        let apart = now.since(theirs).max(theirs.since(now));
        if apart > CLOCKS_APART && !std::mem::replace(&mut self.told_clock, true) {
            let text = format!("the clock here and the broker's are {} s apart", apart.as_secs());
            self.env
                .event(BrokerEvent::Told {
                    text: SafeText::new(&text),
                })
                .await;
        }
    }

    /// Something was missed or is unclear: the engine is asked to read everything.
    async fn stale(&self, why: &str) {
        tracing::info!(why, "everything is read again");
        let reason = SafeText::new(why);
        self.env.event(BrokerEvent::Stale { reason }).await;
    }

    async fn update(&mut self, item: SubscriptionItem<OrderUpdate>) {
        let said = match item {
            SubscriptionItem::Notice(notice) => match notice.request_id {
                Some(number) => self.orders.on_error(number, notice.code, &notice.message),
                None => {
                    self.notice(notice.code, &notice.message).await;
                    return;
                }
            },
            SubscriptionItem::Data(OrderUpdate::OpenOrder(data)) => self.orders.on_open_order(&data),
            SubscriptionItem::Data(OrderUpdate::OrderStatus(status)) => self.orders.on_status(&status),
            SubscriptionItem::Data(OrderUpdate::CommissionReport(report)) => {
                self.orders.on_commission(&report).into_iter().collect()
            }
            SubscriptionItem::Data(OrderUpdate::ExecutionData(data)) => {
                let known = lock(&self.contracts).instrument_of(&data.contract);
                let execution = known.and_then(|id| {
                    let broker = self.env.settings.broker;
                    translate::execution(&data.execution, broker, id, &self.zone, self.env.now())
                });
                match execution {
                    Some(execution) => {
                        vec![self.orders.on_execution(&data.execution.execution_id, execution)]
                    }
                    None => {
                        return self
                            .stale("an execution in an instrument that is not known yet")
                            .await;
                    }
                }
            }
            SubscriptionItem::Data(OrderUpdate::OrderBound(_)) => Vec::new(),
        };
        self.said(said).await;
    }

    async fn said(&mut self, said: Vec<Said>) {
        for one in said {
            match one {
                Said::Report(account, report) if self.accounts.contains(&account) => {
                    self.tell(account, report).await;
                }
                Said::Report(..) => {}
                Said::Told(text) => {
                    self.env.event(BrokerEvent::Told { text }).await;
                }
                Said::LookUp(id) => self.look_up(id),
            }
        }
    }

    fn look_up(&mut self, id: ClientOrderId) {
        if self.looking.insert(id) {
            let inner = self.inner.clone();
            tokio::spawn(async move {
                tokio::time::sleep(LOOK_UP_AFTER).await;
                let _ = inner.send(Inner::LookUp(id));
            });
        }
    }

    /// A word that names no order; a reason where the connection has to end.
    async fn notice(&mut self, code: i32, message: &str) -> Option<String> {
        let text = format!("{message} ({code})");
        tracing::info!(code, message, "the broker says");
        match link_word(code) {
            LinkWord::ServersAway => self.impair(Some(text)).await,
            LinkWord::ServersBack { data_lost } => {
                if data_lost {
                    self.lines.restore();
                    self.restoring = Some(self.env.now());
                }
                self.impair(None).await;
            }
            LinkWord::FarmAway => {
                self.away.insert(farm(message));
                self.lines.farms(true).await;
            }
            LinkWord::FarmBack => {
                self.away.remove(&farm(message));
                self.lines.farms(!self.away.is_empty()).await;
            }
            LinkWord::Competing => self.impair(Some(text)).await,
            LinkWord::TooFast => {
                let text = SafeText::new(&text);
                self.env.event(BrokerEvent::Told { text }).await;
            }
            LinkWord::Lagging => self.stale(&text).await,
            LinkWord::Leave => return Some(text),
            LinkWord::Info => {
                let text = SafeText::new(&text);
                self.env.event(BrokerEvent::Told { text }).await;
            }
        }
        None
    }

    async fn impair(&mut self, reason: Option<String>) {
        self.impaired.clone_from(&reason);
        let reason = reason.map(|reason| SafeText::new(&reason));
        self.env.event(BrokerEvent::Impaired { reason }).await;
    }

    async fn read_ended(&mut self, read: Result<Box<Whole>, String>) {
        self.reading = false;
        let asked = std::mem::take(&mut self.reads);
        let whole = match read {
            // What was read while the broker's servers were away is what TWS remembers, not what is.
            Ok(whole) if self.impaired.is_none() => whole,
            Ok(_) | Err(_) => {
                let why = match (read, &self.impaired) {
                    (Err(why), _) => why,
                    (_, Some(why)) => why.clone(),
                    _ => String::new(),
                };
                for (account, pass) in asked {
                    let reason = SafeText::new(&why);
                    let failed = BrokerEvent::SnapshotFailed {
                        account,
                        pass,
                        reason,
                    };
                    self.env.event(failed).await;
                }
                return;
            }
        };
        self.take_read(&whole);
        for (id, account, reason) in self.orders.refused() {
            let listed = whole
                .open
                .iter()
                .map(|(data, _)| data)
                .chain(&whole.completed)
                .any(|data| translate::client_order_id(&data.order.order_ref) == Some(id));
            if !listed {
                self.orders.ended(id);
                self.tell(account, Report::Rejected { id, reason }).await;
            }
        }
        self.orders.looked_up();
        for (account, pass) in asked {
            if !whole.values.contains_key(account.account.as_str()) {
                // It was asked for after this read began.
                self.reads.push((account, pass));
                continue;
            }
            let snapshot = {
                let contracts = lock(&self.contracts);
                let reader = Reader {
                    contracts: &contracts,
                    client_id: self.env.settings.client_id,
                    zone: &self.zone,
                    now: self.env.now(),
                    orders: &self.orders,
                };
                reader.snapshot(&whole, account, pass)
            };
            self.env.event(BrokerEvent::Snapshot(Box::new(snapshot))).await;
        }
        self.lines.adjust();
        self.read();
    }

    /// Names and fees that a read told.
    fn take_read(&mut self, whole: &Whole) {
        for data in whole.open.iter().map(|(data, _)| data).chain(&whole.completed) {
            if let Some(id) = translate::client_order_id(&data.order.order_ref) {
                let ours = data.order.client_id == self.env.settings.client_id && data.order_id > 0;
                self.orders
                    .bind(id, data.order.perm_id, ours.then_some(data.order_id));
            }
        }
        for report in &whole.fees {
            self.orders.on_commission(report);
        }
    }

    fn figure(&mut self, key: AccountKey, value: &AccountMultiValue) {
        let amount = value.value.parse().ok().and_then(translate::money);
        if let Some(amount) = amount {
            let name = (value.key.clone(), value.currency.clone());
            self.figures.entry(key).or_default().insert(name, amount);
        }
    }

    async fn tick(&mut self) {
        let used = self.lines.used();
        if let Some(since) = self.restoring {
            let all = used.lines.0;
            let over = self.env.now().since(since) >= RESTORE_WITHIN;
            if all > 0 && (used.answering >= all || over) {
                self.restoring = None;
                let text = format!("restored {}/{all} market data lines", used.answering.min(all));
                self.env
                    .event(BrokerEvent::Told {
                        text: SafeText::new(&text),
                    })
                    .await;
            }
        }
        let health = self.health(&used);
        self.env.say(FromBroker::Health(Box::new(health))).await;
    }

    fn health(&self, used: &super::market::Used) -> Health {
        let now = self.env.now();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let settings = &self.env.settings;
        let (sent, allowed, waiting) = self.env.pace.used(now);
        let mut history = lock(&self.history);
        let (asked, askable) = (history.used(now), history.most());
        drop(history);
        let budget = |name: &str, used: usize, of: usize, wanted: usize| Budget {
            name: SafeText::new(name),
            used: count(used),
            of: count(of),
            wanted: count(wanted),
        };
        Health {
            broker: settings.broker,
            peer: SafeText::new(&format!(
                "{} client {} version {}",
                self.address,
                settings.client_id,
                self.client.server_version()
            )),
            round_trip_us: self
                .round_trip
                .map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
            reconnects: self.reconnects,
            budgets: vec![
                budget("messages/s", sent, allowed, sent + waiting),
                budget("lines", used.lines.0, settings.lines, used.lines.1),
                budget("books", used.books.0, settings.depth, used.books.1),
                budget("history/10min", asked, askable, asked),
            ],
            away: self.away.iter().map(|name| SafeText::new(name)).collect(),
            figures: self
                .figures
                .iter()
                .map(|(key, figures)| {
                    let rows = figures.iter().map(|((name, currency), amount)| {
                        (SafeText::new(name), SafeText::new(currency), *amount)
                    });
                    (*key, rows.collect())
                })
                .collect(),
        }
    }

    fn question(&self, question: Question, answer: oneshot::Sender<Answer>) {
        let (env, client) = (self.env.clone(), Arc::clone(&self.client));
        let (contracts, allowed) = (Arc::clone(&self.contracts), Arc::clone(&self.history));
        let inner = self.inner.clone();
        tokio::spawn(async move {
            let found = match question {
                Question::Find(text) => {
                    let found = find(&env, &client, &contracts, text.as_str()).await;
                    let _ = inner.send(Inner::Learned);
                    found
                }
                Question::Bars {
                    instrument,
                    timeframe,
                    count,
                } => {
                    let asked = (instrument, timeframe, count);
                    match history::bars(&env, &client, &contracts, &allowed, asked).await {
                        Ok(bars) => Answer::Bars(bars),
                        Err(why) => Answer::Failed(SafeText::new(&why)),
                    }
                }
                Question::Margin { spec, number } => margin(&env, &client, &contracts, &spec, number).await,
            };
            let _ = answer.send(found);
        });
    }
}

/// The farm that a message is about: what stands after its last colon.
fn farm(message: &str) -> String {
    message.rsplit(':').next().unwrap_or(message).trim().to_owned()
}

/// An account is for practice where its name begins with D: the port says nothing.
fn class(account: AccountId) -> AccountClass {
    if account.as_str().starts_with('D') {
        AccountClass::Paper
    } else {
        AccountClass::Live
    }
}

/// What a person typed: the first meaning that the broker knows is listed, the nearest date of a future; where it knows
/// none, what it finds similar.
async fn find(env: &Env, client: &Client, contracts: &Arc<Mutex<Contracts>>, text: &str) -> Answer {
    for meaning in meanings(text) {
        let mut found = match read::details(env, client, &meaning).await {
            Ok(found) => found,
            Err(why) => return Answer::Failed(SafeText::new(&why)),
        };
        found.sort_by(|a, b| {
            let date =
                |d: &ibapi::contracts::ContractDetails| d.contract.last_trade_date_or_contract_month.clone();
            date(a).cmp(&date(b))
        });
        if let Some(details) = found.first() {
            return match read::learn(env, client, contracts, details).await {
                Ok(instrument) => {
                    let line = format!("{}  {}", instrument.id, instrument.name);
                    Answer::Found(vec![(Some(instrument.id), SafeText::new(&line))])
                }
                Err(why) => Answer::Failed(SafeText::new(&why)),
            };
        }
    }
    env.pass().await;
    match client.matching_symbols(text).await {
        Ok(found) if !found.is_empty() => Answer::Found(
            found
                .iter()
                .map(|one| {
                    let contract = &one.contract;
                    let line = format!(
                        "{} {} {} {}  {}",
                        contract.symbol.0,
                        contract.security_type,
                        contract.primary_exchange.0,
                        contract.currency.0,
                        contract.description
                    );
                    (None, SafeText::new(&line))
                })
                .collect(),
        ),
        Ok(_) => Answer::Failed(SafeText::new(&format!("the broker knows no '{text}'"))),
        Err(error) => Answer::Failed(SafeText::new(&error.to_string())),
    }
}

/// Asks what an order would bind. It is sent as a question: nothing of it can execute.
async fn margin(
    env: &Env,
    client: &Client,
    contracts: &Arc<Mutex<Contracts>>,
    spec: &OrderSpec,
    number: i32,
) -> Answer {
    let failed = |why: &str| Answer::Failed(SafeText::new(why));
    let Some(contract) = lock(contracts).contract(spec.instrument) else {
        return failed("the broker's contract of it is not known");
    };
    let Ok(id) = ClientOrderId::new(&format!("WHATIF{number}")) else {
        return failed("no number is left");
    };
    let mut order = translate::order(id, spec, number, None);
    order.what_if = true;
    order.order_ref = String::new();
    env.pass().await;
    let mut answers = match client.place_order(number, &contract, &order).await {
        Ok(answers) => answers,
        Err(error) => return failed(&error.to_string()),
    };
    let first = async {
        while let Some(item) = answers.next().await {
            match item {
                Ok(SubscriptionItem::Data(ibapi::orders::PlaceOrder::OpenOrder(data))) => {
                    return Ok(data.order_state);
                }
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Err("no answer".to_owned())
    };
    let state = match tokio::time::timeout(Duration::from_secs(8), first).await {
        Ok(Ok(state)) => state,
        Ok(Err(why)) => return failed(&why),
        Err(_) => return failed("no answer in time"),
    };
    let money = |value: Option<f64>| value.and_then(translate::money);
    let least = money(state.minimum_commission).or(money(state.commission));
    let most = money(state.maximum_commission).or(money(state.commission));
    Answer::Margin(Margin {
        currency: SafeText::new(&state.margin_currency),
        initial_change: money(state.initial_margin_change),
        initial_after: money(state.initial_margin_after),
        maintenance_change: money(state.maintenance_margin_change),
        equity_after: money(state.equity_with_loan_after),
        fee: least.zip(most),
        warning: SafeText::new(&state.warning_text),
    })
}
