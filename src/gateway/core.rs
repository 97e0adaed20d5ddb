//! The gateway itself, synchronous and clockless: it owns the venue, the sessions of its clients and its own ledger. What
//! a client says goes in, what clients are to be told comes out; time is an argument. Sockets are the server's.
//!
//! What the venue says is worked through in its order before anything else is asked of it; what clients are told is
//! durable by then, in the venue's books and in the ledger.

use super::contracts::Contracts;
use super::convert;
use super::faults::Faults;
use super::ledger::{Ledger, LedgerError};
use super::orders::Orders;
use super::reports::Fill;
use super::server::Doors;
use super::session::{ConnectionId, Session};
use super::tws::message::{BadFrame, Incoming, Outgoing};
use super::tws::proto;
use crate::domain::{AccountId, AccountKey, BrokerId, InstrumentId, Position, Timestamp};
use crate::market::{Market, Timeframe};
use crate::venue::{ENDED_KEPT, Venue, VenueError, VenueEvent, VenueRequest};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Bars of the past that a history begins with.
const HISTORY: usize = 600;
/// How often subscribers of accounts and profits are told what moved with the market.
const VALUES_EVERY: Duration = Duration::from_secs(3);
/// How often profits are.
const PNL_EVERY: Duration = Duration::from_secs(1);

const FIVE_SECONDS: Duration = Duration::from_secs(5);
/// How often ended orders are let go.
const TIDY_EVERY: Duration = Duration::from_secs(600);

/// What the server is to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Tell a client.
    Tell(ConnectionId, Box<Outgoing>),
    /// Send these bytes as they are: a fault on demand.
    Raw(ConnectionId, Vec<u8>),
    /// End a connection once it has been told everything so far.
    Close(ConnectionId),
    /// End a connection at once.
    Cut(ConnectionId),
}

/// Why the gateway can't start or go on.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The exchange's books.
    #[error(transparent)]
    Venue(#[from] VenueError),
    /// The gateway's own.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A scenario that can't be read.
    #[error("{0}")]
    Scenario(String),
}

/// The gateway. See the module's text.
#[derive(Debug)]
pub struct Gateway {
    pub(super) venue: Venue,
    pub(super) broker: BrokerId,
    pub(super) accounts: Vec<AccountId>,
    pub(super) ledger: Ledger,
    pub(super) contracts: Contracts,
    pub(super) market: Market,
    pub(super) sessions: BTreeMap<ConnectionId, Session>,
    pub(super) orders: Orders,
    /// Executions of the last seven days, oldest first.
    pub(super) fills: VecDeque<Fill>,
    /// Positions that moved in this step.
    pub(super) moved: BTreeSet<(AccountId, InstrumentId)>,
    /// What an account was worth when its day's profit began to count, in its base currency.
    pub(super) day_began: BTreeMap<AccountId, f64>,
    /// Accounts whose cash moved in this step.
    pub(super) paid: BTreeSet<AccountId>,
    /// Positions by average cost, for the profit of each execution.
    pub(super) positions: BTreeMap<(AccountId, InstrumentId), Position>,
    /// What the venue has said and nobody has worked on yet.
    pub(super) events: VecDeque<VenueEvent>,
    pub(super) faults: Faults,
    out: Vec<Output>,
    pub(super) now: Timestamp,
    values_at: Timestamp,
    pnl_at: Timestamp,
    /// When the five seconds that run now are over.
    bars_at: Timestamp,
    /// The day that profits are counted in.
    day: Timestamp,
    /// When orders that nobody asks for any more are next let go.
    tidy_at: Timestamp,
    /// False while books can't be written.
    up: bool,
}

impl Gateway {
    /// Opens the gateway over a venue and its ledger: every order is there again, and what the venue knows of it.
    ///
    /// # Errors
    /// The ledger can't be read or written, or the venue's books.
    pub fn open(venue: Venue, broker: BrokerId, ledger: Ledger, seed: u64) -> Result<Self, GatewayError> {
        let now = venue.now();
        let mut gateway = Self {
            contracts: Contracts::new(venue.instruments()),
            accounts: venue
                .accounts()
                .iter()
                .map(|account| account.key.account)
                .collect(),
            market: market(&venue),
            orders: Orders::open(&ledger, now)?,
            venue,
            broker,
            ledger,
            sessions: BTreeMap::new(),
            fills: VecDeque::new(),
            moved: BTreeSet::new(),
            day_began: BTreeMap::new(),
            paid: BTreeSet::new(),
            positions: BTreeMap::new(),
            events: VecDeque::new(),
            faults: Faults::new(seed),
            out: Vec::new(),
            now,
            values_at: now,
            pnl_at: now,
            bars_at: five_seconds(now),
            day: convert::midnight(now),
            tidy_at: now,
            up: true,
        };
        gateway.begin_positions();
        gateway.recover(now)?;
        gateway.out.clear();
        Ok(gateway)
    }

    /// The venue's own time where that is not the world's; see [`Venue::clock`].
    pub fn clock(&mut self, monotonic: Duration) -> Option<Timestamp> {
        self.venue.clock(monotonic)
    }

    /// How long from `now` until [`Gateway::advance`] wants to be called.
    pub fn wait(&self, now: Timestamp) -> Duration {
        let own = self
            .values_at
            .min(self.pnl_at)
            .min(self.bars_at)
            .min(self.faults.next_wake());
        self.venue.wait(now).min(own.since(now))
    }

    /// What is to be done since the last call, in order.
    pub fn take_outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.out)
    }

    /// A connection has passed its handshake at this version. Nothing is told to it before it starts the API.
    pub fn connected(&mut self, connection: ConnectionId, version: i32) {
        self.sessions.insert(connection, Session::new(version));
    }

    /// A connection is gone. Its orders stay.
    pub fn gone(&mut self, connection: ConnectionId) {
        self.sessions.remove(&connection);
        self.faults.forget(connection);
    }

    /// How the server's doors stand.
    pub fn doors(&self) -> Doors {
        self.faults.doors(self.now)
    }

    /// Takes an operator's words: a fault on demand. Answers what was done.
    ///
    /// # Errors
    /// Words that mean nothing here, with those that would.
    pub fn order(&mut self, words: &str, now: Timestamp) -> Result<String, String> {
        self.turn(now);
        let done = self.play(words);
        self.settle();
        done
    }

    /// Takes what a client said.
    pub fn said(&mut self, connection: ConnectionId, said: Result<Incoming, BadFrame>, now: Timestamp) {
        self.turn(now);
        if !self.sessions.contains_key(&connection) {
            return;
        }
        match said {
            Ok(Incoming::StartApi(request)) => self.start(connection, request.client_id.unwrap_or(0)),
            Ok(_) if self.faults.is_too_fast(connection, self.now) => {
                let words = "Max rate of messages per second has been exceeded: the message is not served";
                self.error(connection, -1, 100, words);
            }
            Ok(message) => match self.sessions.get(&connection).and_then(|session| session.client) {
                Some(client) => self.dispatch(connection, client, message),
                None => self.error(connection, -1, 504, "Not connected: start the API first"),
            },
            Err(BadFrame::Fields { number, why }) => {
                let words = format!("Error reading request. Message {number}: {why}");
                self.error(connection, -1, 320, &words);
            }
            Err(bad) => {
                self.error(connection, -1, 320, &format!("Error reading request. {bad}"));
                self.push(Output::Close(connection));
            }
        }
        self.settle();
    }

    /// Lets the venue act up to `now` and tells what is due.
    pub fn advance(&mut self, now: Timestamp) {
        self.turn(now);
        let mut events = Vec::new();
        let result = self.venue.advance(now, &mut events);
        self.events.extend(events);
        self.note_books(result);
        self.settle();
        if self.values_at <= now {
            self.values_at = now.after(VALUES_EVERY);
            self.tell_values();
        }
        if self.pnl_at <= now {
            self.pnl_at = now.after(PNL_EVERY);
            self.tell_pnl();
        }
        if self.bars_at <= now {
            self.bars_at = five_seconds(now);
            self.tell_bars(self.bars_at.before(FIVE_SECONDS * 2));
        }
        if self.day < convert::midnight(now) {
            self.day = convert::midnight(now);
            self.begin_day();
        }
        if self.tidy_at <= now {
            self.tidy_at = now.after(TIDY_EVERY);
            self.orders.tidy(now.before(ENDED_KEPT));
        }
        self.tell_held();
    }

    /// Comes to `now`. What a scenario wants by then is done before anything that is said at that moment, so that a step
    /// at zero holds for the first message.
    fn turn(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.play_script();
    }

    /// Asks the venue. What it says is worked on by [`Gateway::settle`].
    pub(super) fn ask(&mut self, request: VenueRequest) {
        let mut events = Vec::new();
        let result = self.venue.handle(request, self.now, &mut events);
        self.events.extend(events);
        self.note_books(result);
    }

    /// While books can't be written the link between clients and exchange is down, as it would be at a real one.
    pub(super) fn note_books(&mut self, result: Result<(), VenueError>) {
        match result {
            Ok(()) if !self.up => {
                self.up = true;
                self.everybody(
                    1102,
                    "Connectivity between IBKR and Trader Workstation has been restored - data maintained.",
                );
            }
            Err(error) if self.up => {
                tracing::error!(%error, "the exchange can't write its books");
                self.up = false;
                self.everybody(
                    1100,
                    "Connectivity between IBKR and Trader Workstation has been lost.",
                );
            }
            _ => {}
        }
    }

    /// Works through what the venue said, and what follows from it, until there is nothing left; then writes the ledger
    /// and tells positions that moved.
    pub(super) fn settle(&mut self) {
        self.work();
        self.tell_moved();
        self.write_ledger();
    }

    /// Works through what the venue has said so far.
    pub(super) fn work(&mut self) {
        while let Some(event) = self.events.pop_front() {
            match event {
                VenueEvent::Report(account, report) => self.report(account, report),
                VenueEvent::Quote(quote) => self.on_quote(quote),
                VenueEvent::Print(print) => self.on_print(print),
                VenueEvent::Depth(depth) => self.on_depth(depth),
                // Asked for at the start only, and read there.
                VenueEvent::Snapshot(_) => {}
            }
        }
    }

    /// Writes orders that changed. What can't be written is tried again by the next call.
    pub(super) fn write_ledger(&mut self) -> bool {
        match self.orders.write(&mut self.ledger) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "the ledger can't be written");
                false
            }
        }
    }

    pub(super) fn push(&mut self, output: Output) {
        self.out.push(output);
    }

    pub(super) fn push_all(&mut self, outputs: Vec<Output>) {
        self.out.extend(outputs);
    }

    /// Tells a client, as far as the faults in force let it.
    pub(super) fn tell(&mut self, connection: ConnectionId, message: impl Into<Outgoing>) {
        let now = self.now;
        self.faults.pass(connection, message.into(), now, &mut self.out);
    }

    /// Tells an error or notice. `id` is -1 where it belongs to nothing.
    pub(super) fn error(&mut self, connection: ConnectionId, id: i32, code: i32, words: &str) {
        let message = proto::ErrorMessage {
            id: Some(id),
            error_time: Some(convert::millis(self.now)),
            error_code: Some(code),
            error_msg: Some(words.to_owned()),
            advanced_order_reject_json: Some(String::new()),
        };
        self.tell(connection, message);
    }

    /// A notice to everybody who has started the API.
    pub(super) fn everybody(&mut self, code: i32, words: &str) {
        for connection in self.started() {
            self.error(connection, -1, code, words);
        }
    }

    /// Connections that have started the API.
    pub(super) fn started(&self) -> Vec<ConnectionId> {
        let started = self
            .sessions
            .iter()
            .filter(|(_, session)| session.client.is_some());
        started.map(|(connection, _)| *connection).collect()
    }

    /// Where a client is connected, if it is.
    pub(super) fn connection_of(&self, client: i32) -> Option<ConnectionId> {
        let mut sessions = self.sessions.iter();
        sessions
            .find(|(_, session)| session.client == Some(client))
            .map(|(connection, _)| *connection)
    }

    pub(super) fn key(&self, account: AccountId) -> AccountKey {
        AccountKey {
            broker: self.broker,
            account,
        }
    }

    /// The account that a request names; nothing for a name that is none of ours.
    pub(super) fn account_named(&self, name: Option<&str>) -> Option<AccountId> {
        let name = name.unwrap_or_default();
        self.accounts
            .iter()
            .copied()
            .find(|account| account.as_str() == name)
    }

    fn start(&mut self, connection: ConnectionId, client: i32) {
        if self
            .sessions
            .get(&connection)
            .is_some_and(|session| session.client.is_some())
        {
            return;
        }
        let taken = self.connection_of(client).is_some() || self.faults.holds_id(client, self.now);
        if taken || client < 0 {
            let words =
                "Unable to connect as the client id is already in use. Retry with a unique client id.";
            self.error(connection, -1, 326, words);
            self.push(Output::Close(connection));
            return;
        }
        if let Some(session) = self.sessions.get_mut(&connection) {
            session.client = Some(client);
        }
        self.tell_accounts(connection);
        self.tell_next_id(connection, client);
        for (code, words) in [
            (2104, "Market data farm connection is OK:simfarm"),
            (2106, "HMDS data farm connection is OK:simhmds"),
            (2158, "Sec-def data farm connection is OK:simsecdef"),
        ] {
            self.error(connection, -1, code, words);
        }
    }

    pub(super) fn tell_accounts(&mut self, connection: ConnectionId) {
        let names: Vec<&str> = self.accounts.iter().map(AccountId::as_str).collect();
        let accounts_list = Some(names.join(","));
        self.tell(connection, proto::ManagedAccounts { accounts_list });
    }

    pub(super) fn tell_next_id(&mut self, connection: ConnectionId, client: i32) {
        let next = self.orders.next_order_id(client);
        let order_id = Some(self.faults.lowered(next));
        self.tell(connection, proto::NextValidId { order_id });
    }
}

/// The end of the five seconds that `now` is in.
fn five_seconds(now: Timestamp) -> Timestamp {
    Timestamp::from_seconds(now.seconds().div_euclid(5).saturating_add(1).saturating_mul(5))
}

/// A market with the venue's own past.
fn market(venue: &Venue) -> Market {
    let mut market = Market::new();
    for instrument in venue.instruments() {
        market.list(instrument.clone());
        for timeframe in Timeframe::BASE {
            let bars = venue.history(instrument.id, timeframe, HISTORY, venue.now());
            market.set_bars(instrument.id, timeframe, bars);
        }
    }
    market
}
