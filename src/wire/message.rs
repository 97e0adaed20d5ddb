//! What crosses a socket between our own programs, one enum each way. A terminal greets, gets a snapshot, and from then
//! on the events by number, so that it folds the same state; market data comes conflated beside it. A shell command asks
//! a query or sends a command, and reads one answer.

use crate::domain::{
    AccountKey, ClientOrderId, Currency, InstrumentId, Money, OrderSpec, SafeText, SessionId, Timestamp,
};
use crate::engine::history::{ExecutionsPage, OrdersPage};
use crate::engine::pnl::CurvePoint;
use crate::engine::port::{Health, Margin};
use crate::engine::{Command, Event, Outcome, SessionKind, State};
use crate::market::{Bar, Depth, Print, Quote, Terms, Timeframe};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Raised when an older program could misread a message.
pub const PROTOCOL_VERSION: u32 = 10;

/// From a terminal or a shell command to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ClientMessage {
    /// The first message. Anything else first closes the connection.
    Hello(Hello),
    /// Send the state and, from then on, its events.
    Subscribe,
    /// The same for one that was here before and has the state up to this event: where the engine still has all that came
    /// after it, it answers with `Resumed` and these events, otherwise with the whole state.
    Resume {
        /// The last event that it has.
        after: Mark,
    },
    /// Do something. `token` comes back with the answer.
    Command {
        /// Chosen by the asker.
        token: u64,
        /// What.
        command: Box<Command>,
    },
    /// Send quotes, prints and today's bars of these instruments, in place of those asked for before.
    Watch {
        /// All that are wanted now.
        instruments: Vec<InstrumentId>,
        /// The instruments whose depth is wanted.
        depth: Vec<InstrumentId>,
    },
    /// Answer one question.
    Query {
        /// Chosen by the asker.
        token: u64,
        /// What.
        query: Query,
    },
    /// A link group of terminals shows this from now on: tell the other terminals. Never recorded.
    Link {
        /// The group's letter, `A` to `D`.
        group: char,
        /// What it shows.
        instrument: InstrumentId,
    },
    /// Are you there? For the round-trip time.
    Ping {
        /// Comes back.
        token: u64,
    },
}

/// Who calls, and what it speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`] of the caller.
    pub protocol: u32,
    /// `engine::FOLD_VERSION` of the caller.
    pub fold: u32,
    /// Version and build, for people.
    pub build: SafeText,
    /// What it wants to be.
    pub kind: SessionKind,
}

/// An event by its number, and by what it says: two histories that share a number share no mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its number.
    pub sequence: u64,
    /// The first eight bytes of the SHA-256 of the event as it crosses the socket, big-endian.
    pub hash: u64,
}

impl Mark {
    /// Of an event.
    pub fn of(event: &Event) -> Self {
        let bytes = super::codec::content(event).unwrap_or_default();
        let digest = Sha256::digest(bytes);
        let first = digest.first_chunk().copied().unwrap_or_default();
        Self {
            sequence: event.sequence,
            hash: u64::from_be_bytes(first),
        }
    }
}

/// From the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ServerMessage {
    /// The answer to a greeting that fits.
    Welcome(Welcome),
    /// The answer to a greeting that does not, or the word before the connection is closed.
    Goodbye {
        /// Why, and what can be done.
        reason: SafeText,
    },
    /// The state as it is, and market data to begin with.
    Snapshot(Box<SnapshotMessage>),
    /// What was asked to be resumed is: the events after the one that was named follow.
    Resumed,
    /// Events in order, each batch whole.
    Events(Vec<Event>),
    /// Conflated market data since the last such message.
    Market(MarketBatch),
    /// A link group of terminals shows this from now on.
    Linked {
        /// The group's letter, `A` to `D`.
        group: char,
        /// What it shows.
        instrument: InstrumentId,
    },
    /// The answer to a command.
    Outcome {
        /// The asker's.
        token: u64,
        /// The answer.
        outcome: Outcome,
    },
    /// The answer to a query.
    Reply {
        /// The asker's.
        token: u64,
        /// The answer.
        reply: Reply,
    },
    /// The answer to a ping.
    Pong {
        /// The asker's.
        token: u64,
    },
}

/// The engine's side of the greeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// [`PROTOCOL_VERSION`] of the engine.
    pub protocol: u32,
    /// `engine::FOLD_VERSION` of the engine.
    pub fold: u32,
    /// Version and build, for people.
    pub build: SafeText,
    /// The number of this session.
    pub session: SessionId,
    /// What it is: one that asked for more than its key allows only looks.
    pub kind: SessionKind,
    /// The two characters that begin client order ids made for this engine.
    pub prefix: SafeText,
    /// The venue's clock minus the engine's, in nanoseconds: not zero on a tape.
    pub venue_offset_ns: i64,
    /// How fast the venue's clock runs, in thousandths: 1000 but on a tape.
    pub venue_speed_milli: u32,
}

/// A whole state, and what is known of the market.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SnapshotMessage {
    /// The state after `state.sequence` events.
    pub state: State,
    /// The engine's time.
    pub now: Timestamp,
}

/// Market data since the last batch: newest quotes and depths, all prints but for stated gaps, changed bars.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MarketBatch {
    /// Newest quote of each instrument that changed.
    pub quotes: Vec<Quote>,
    /// Newest depth of each instrument that changed.
    pub depths: Vec<Depth>,
    /// Prints in order.
    pub prints: Vec<Print>,
    /// Instruments of whose prints some were dropped before these, because this reader was slow.
    pub gaps: Vec<InstrumentId>,
    /// Changed bars, newest revision.
    pub bars: Vec<(InstrumentId, Timeframe, Bar)>,
    /// How a connection is, where that changed.
    pub health: Option<Box<Health>>,
    /// What a broker says of instruments beside their prices, where that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<Terms>,
}

impl MarketBatch {
    /// True where it tells nothing.
    pub fn is_empty(&self) -> bool {
        self.quotes.is_empty()
            && self.depths.is_empty()
            && self.prints.is_empty()
            && self.gaps.is_empty()
            && self.bars.is_empty()
            && self.health.is_none()
            && self.terms.is_empty()
    }
}

/// A question to the engine's process. Never changes the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// Bars, the newest `count`, the unfinished one included.
    Bars {
        /// Of what.
        instrument: InstrumentId,
        /// How long each.
        timeframe: Timeframe,
        /// How many at most.
        count: u32,
    },
    /// What the engine's process says of itself.
    Status,
    /// The state, for a one-shot command.
    State,
    /// The quotes of these instruments, for a one-shot command.
    Quotes {
        /// Of what; all when empty.
        instruments: Vec<InstrumentId>,
    },
    /// The journal's events from this sequence on.
    Log {
        /// The first wanted.
        from: u64,
        /// How many at most.
        count: u32,
    },
    /// Instruments by what a person typed, from the broker; those that fit exactly get listed.
    Find {
        /// As typed.
        text: SafeText,
    },
    /// What an order would bind, by the broker's word.
    Margin {
        /// The order.
        spec: Box<OrderSpec>,
    },
    /// Orders of all days, a page: from the journal, newest first.
    Orders {
        /// Of one account; of all without.
        account: Option<AccountKey>,
        /// In one instrument; in all without.
        instrument: Option<InstrumentId>,
        /// What the page before this one told as `next`; the newest without.
        before: Option<u64>,
        /// How many at most.
        count: u32,
    },
    /// Executions of all days, a page: from the journal, newest first.
    Executions {
        /// Of one account; of all without.
        account: Option<AccountKey>,
        /// In one instrument; in all without.
        instrument: Option<InstrumentId>,
        /// What the page before this one told as `next`; the newest without.
        before: Option<u64>,
        /// How many at most.
        count: u32,
    },
    /// Everything that became of one order, from the journal: answered as a log.
    History {
        /// Which.
        order: ClientOrderId,
    },
    /// What an account won day by day, beyond the life of one engine.
    PnlDays {
        /// Whose.
        account: AccountKey,
        /// Only sessions that began before this moment of the venue's clock.
        before: Timestamp,
        /// How many rows at most: one for each session and currency.
        count: u32,
    },
    /// Worth and profit of an account since the engine began, after this moment of the venue's clock.
    Curve {
        /// Whose.
        account: AccountKey,
        /// Only later points.
        after: Timestamp,
    },
    /// The books as they stood at the end of a trading day, from the whole journal: answered as a state that has
    /// instruments, accounts and ledgers only.
    Books {
        /// The day, as `2026-11-25`.
        day: SafeText,
    },
    /// Make the connection to the broker, or cut it and leave it cut. Orders stay where they are.
    Connection {
        /// True to make it.
        up: bool,
    },
    /// Stop the engine in order. Working orders stay at the broker.
    Stop,
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// Oldest first.
    Bars(Vec<Bar>),
    /// What the engine's process says of itself.
    Status(Box<StatusReply>),
    /// The state.
    State(Box<SnapshotMessage>),
    /// Quotes, and the last prints of instruments that have one.
    Quotes(Vec<Quote>, Vec<Print>),
    /// Events in order.
    Log(Vec<Event>),
    /// What was found: the id of those that are listed by now, and a line for people.
    Found(Vec<(Option<InstrumentId>, SafeText)>),
    /// What the order would bind.
    Margin(Box<Margin>),
    /// A page of orders.
    Orders(OrdersPage),
    /// A page of executions.
    Executions(ExecutionsPage),
    /// Points of each currency, oldest first.
    Curve(Vec<(Currency, Vec<CurvePoint>)>),
    /// Days of an account, the newest first.
    PnlDays(Vec<PnlDay>),
    /// It is being done; in words.
    Told {
        /// In words.
        text: SafeText,
    },
    /// The engine is stopping.
    Stopping,
    /// It could not be answered.
    Failed {
        /// Why.
        reason: SafeText,
    },
}

/// How an account stood at the last known moment of a session, in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PnlDay {
    /// Which currency.
    pub currency: Currency,
    /// When the session began, by the venue's clock.
    pub from: Timestamp,
    /// When it ended, or will.
    pub until: Timestamp,
    /// The last moment that is known of it.
    pub at: Timestamp,
    /// Worth.
    pub net: Option<Money>,
    /// Realised and open, fees taken off, since the last moment of the day before that is kept; nothing on the first.
    pub profit: Option<Money>,
}

/// What the engine's process says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReply {
    /// Process id.
    pub pid: u32,
    /// Profile name.
    pub profile: SafeText,
    /// Version and build.
    pub build: SafeText,
    /// The last event.
    pub sequence: u64,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// Sessions attached, this one not counted.
    pub clients: u32,
    /// Settings that were given, and where each came from: name, value, source.
    pub settings: Vec<(SafeText, SafeText, SafeText)>,
    /// The account that commands without one mean.
    pub default_account: Option<AccountKey>,
    /// How the connection to each broker is, where it tells.
    pub health: Vec<Health>,
}
