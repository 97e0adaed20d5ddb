//! The port to brokers: what the engine may ask of one ([`Request`]) and what one may say ([`BrokerEvent`]). What a
//! broker says is never refused: it may repeat, lag and come out of order, and is compared before it becomes a fact.
//! Stands beside `event.rs` on purpose; `decide::broker` is the only bridge.

use super::pause::Pause;
use crate::domain::{
    Account, AccountKey, BrokerId, BrokerOrderId, ClientOrderId, Currency, Execution, Instrument,
    InstrumentId, Money, OrderChange, OrderKind, OrderSpec, Phase, Price, Quantity, SafeText, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What must be sent to the broker because of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Place an order.
    Place {
        /// Our id, which the broker keeps with the order.
        id: ClientOrderId,
        /// The order.
        spec: OrderSpec,
        /// Its number at brokers that count orders: higher than any before, never given twice.
        number: i32,
        /// What it belongs to at a broker that holds brackets and pairs itself.
        family: Option<Family>,
        /// When it was recorded, to measure how long it took to leave.
        created: Timestamp,
        /// Orders that end as this one begins, each with what it has left: in one step, or nothing happens. Empty at
        /// brokers that can't.
        instead: Vec<(ClientOrderId, Quantity)>,
    },
    /// Change a live order.
    Modify {
        /// Whose.
        account: AccountKey,
        /// Which.
        id: ClientOrderId,
        /// Its durable name at the broker, where bound.
        broker_id: Option<BrokerOrderId>,
        /// The number it was placed under, where it was ours.
        number: Option<i32>,
        /// What changes.
        change: OrderChange,
        /// The order as it will be.
        spec: OrderSpec,
        /// What it belongs to, as when it was placed.
        family: Option<Family>,
    },
    /// Cancel a live order.
    Cancel {
        /// Whose.
        account: AccountKey,
        /// Which.
        id: ClientOrderId,
        /// Its durable name at the broker, where bound.
        broker_id: Option<BrokerOrderId>,
        /// The number it was placed under, where it was ours.
        number: Option<i32>,
    },
    /// Read positions, cash, orders and executions, and answer with one [`Snapshot`] when every part had its end mark.
    Snapshot {
        /// Whose.
        account: AccountKey,
        /// Which pass asks.
        pass: u64,
    },
}
impl Request {
    /// The account it concerns.
    pub fn account(&self) -> AccountKey {
        match self {
            Self::Place { spec, .. } => spec.account,
            Self::Modify { account, .. } | Self::Cancel { account, .. } | Self::Snapshot { account, .. } => {
                *account
            }
        }
    }
}

/// How an order stands to others at a broker that holds brackets and pairs itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// The number of the entry that it waits for.
    pub parent: Option<i32>,
    /// The group in which a fill of one takes from the others.
    pub group: Option<ClientOrderId>,
    /// True for the last of a family: the broker begins to work when it has all of it.
    pub complete: bool,
}

/// What a broker says.
#[allow(
    clippy::large_enum_variant,
    reason = "reports are nearly all of it; a box would cost each of them an allocation"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BrokerEvent {
    /// A connection is being made.
    Connecting,
    /// Connected; these are the accounts.
    Up {
        /// All accounts that can be traded.
        accounts: Vec<Account>,
        /// The lowest order number that the broker still takes, where it counts.
        next_number: Option<i32>,
    },
    /// Connected, but a part of the broker is away (a reason), or all of it is back (nothing): then everything is read again.
    Impaired {
        /// What is away, in the broker's words.
        reason: Option<SafeText>,
    },
    /// A planned pause is on by the calendar, or none is any more.
    Paused {
        /// Which.
        pause: Option<Pause>,
    },
    /// Something of orders or executions was missed, or is unclear: everything has to be read.
    Stale {
        /// Why.
        reason: SafeText,
    },
    /// How far the broker's clock and ours are apart: told while they are, and once when they no longer are.
    ClockApart {
        /// In seconds; zero once they agree.
        seconds: u64,
    },
    /// Something that a person should see.
    Told {
        /// In words.
        text: SafeText,
    },
    /// The connection is lost.
    Down {
        /// Why, in the broker's or the system's words.
        reason: SafeText,
    },
    /// An instrument's details.
    Instrument(Box<Instrument>),
    /// Something about an account's order or money.
    Report {
        /// Whose.
        account: AccountKey,
        /// What.
        report: Report,
    },
    /// The answer to [`Request::Snapshot`], complete.
    Snapshot(Box<Snapshot>),
    /// A snapshot that could not be completed: not "empty", but unknown.
    SnapshotFailed {
        /// Whose.
        account: AccountKey,
        /// Which pass.
        pass: u64,
        /// Why.
        reason: SafeText,
    },
    /// A request that provably never left this process.
    NotSent {
        /// Which order.
        id: ClientOrderId,
        /// Why.
        reason: SafeText,
    },
}

/// How a connection is: nothing that decides, all that a person wants to see of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Which broker.
    pub broker: BrokerId,
    /// Where it is, and what it says of itself.
    pub peer: SafeText,
    /// The last round trip of a heartbeat, in microseconds.
    pub round_trip_us: Option<u64>,
    /// How often the connection was made again since the start.
    pub reconnects: u32,
    /// What is used of what is allowed.
    pub budgets: Vec<Budget>,
    /// How long orders took from their record to their bytes on the broker's socket.
    #[serde(default)]
    pub sent: Option<Sent>,
    /// Parts of the broker that serve data, those that are away first.
    #[serde(default)]
    pub farms: Vec<Farm>,
    /// What is planned there: the next pause, and a login that is near.
    #[serde(default)]
    pub planned: Vec<Pause>,
    /// What the broker says of each account beyond its cash: name, currency, amount.
    pub figures: BTreeMap<AccountKey, Vec<(SafeText, SafeText, Money)>>,
}

/// How long the last orders took to leave, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// What half of them don't exceed.
    pub p50_us: u64,
    /// What 99 in a hundred don't exceed.
    pub p99_us: u64,
    /// How many they are.
    pub of: u32,
}

/// A part of a broker that serves data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Farm {
    /// Its name there.
    pub name: SafeText,
    /// What it serves.
    pub kind: FarmKind,
    /// How it is.
    pub state: FarmState,
    /// Since when it is there, or away.
    pub since: Timestamp,
}

/// What a farm serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FarmKind {
    /// Quotes and trades.
    Prices,
    /// Bars of the past.
    History,
    /// Details of instruments.
    Contracts,
}

/// How a farm is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FarmState {
    /// There.
    Up,
    /// There when it is asked for something.
    Idle,
    /// Being reached.
    Connecting,
    /// Away.
    Down,
}
impl FarmState {
    /// True where what it serves does not come.
    pub fn is_away(self) -> bool {
        matches!(self, Self::Connecting | Self::Down)
    }
    /// As it is shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Down => "down",
        }
    }
}

/// A part of a budget that a broker sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Of what: `messages/s`, `lines`, `depth`, `history/10min`.
    pub name: SafeText,
    /// Used now.
    pub used: u32,
    /// What we allow ourselves.
    pub of: u32,
    /// What is wanted in all: more than is used where the rest waits.
    pub wanted: u32,
}

/// What an order would bind, by the broker's word. Unknown is not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Margin {
    /// In what currency.
    pub currency: SafeText,
    /// Change of the initial margin.
    pub initial_change: Option<Money>,
    /// Initial margin after it.
    pub initial_after: Option<Money>,
    /// Change of the maintenance margin.
    pub maintenance_change: Option<Money>,
    /// Equity with loan after it.
    pub equity_after: Option<Money>,
    /// The fee, or the range it will be in.
    pub fee: Option<(Money, Money)>,
    /// What the broker warns of.
    pub warning: SafeText,
}

/// A report about one order, or about money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// The broker has the order: on its book, or held off it.
    Accepted {
        /// Which.
        id: ClientOrderId,
        /// Its durable name.
        broker_id: BrokerOrderId,
        /// [`Phase::Working`] or [`Phase::Held`].
        phase: Phase,
    },
    /// The broker refused the order.
    Rejected {
        /// Which.
        id: ClientOrderId,
        /// Why.
        reason: SafeText,
    },
    /// A trade of ours, or its correction.
    Executed(Execution),
    /// A held order reached the book.
    Triggered {
        /// Which.
        id: ClientOrderId,
    },
    /// A change took effect: the order as it is now.
    Modified {
        /// Which.
        id: ClientOrderId,
        /// Total quantity now.
        quantity: Quantity,
        /// Kind and prices now.
        kind: OrderKind,
    },
    /// A change was refused; the order is as it was.
    ModifyRejected {
        /// Which.
        id: ClientOrderId,
        /// Why.
        reason: SafeText,
    },
    /// The order ended by a cancel, ours or somebody else's.
    Cancelled {
        /// Which.
        id: ClientOrderId,
        /// Why.
        reason: SafeText,
    },
    /// A cancel was refused; what the order is, only its status says.
    CancelRejected {
        /// Which.
        id: ClientOrderId,
        /// Why.
        reason: SafeText,
    },
    /// The order ended by time.
    Expired {
        /// Which.
        id: ClientOrderId,
    },
    /// Cash as it is now.
    Balance {
        /// By currency.
        cash: BTreeMap<Currency, Money>,
    },
    /// What the account has beyond what its margin takes.
    Funds {
        /// In what currency.
        currency: Currency,
        /// Excess liquidity.
        excess: Money,
        /// Whether the broker lends to the account; nothing where it does not tell.
        lends: Option<bool>,
    },
}

/// Everything a broker knows of one account at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Which pass asked.
    pub pass: u64,
    /// Whose.
    pub account: AccountKey,
    /// What is held, with the broker's average price where it tells one.
    pub positions: Vec<(InstrumentId, Quantity, Option<Price>)>,
    /// Settled cash.
    pub cash: BTreeMap<Currency, Money>,
    /// Live orders, and those that ended within a day.
    pub orders: Vec<BrokerOrder>,
    /// Executions as far back as the broker gives them.
    pub executions: Vec<Execution>,
    /// From when on the executions are all there are.
    pub complete_since: Timestamp,
}

/// One order as the broker knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerOrder {
    /// Our id, or one made from the broker's for an order made elsewhere.
    pub id: ClientOrderId,
    /// The broker's durable name.
    pub broker_id: BrokerOrderId,
    /// The order as it is now.
    pub spec: OrderSpec,
    /// How far it has come there.
    pub phase: Phase,
    /// Executed so far, by the broker's word.
    pub filled: Quantity,
    /// Its number, where a session of ours gave it.
    pub number: Option<i32>,
    /// True where only another session of the broker may touch it.
    pub foreign: bool,
}
