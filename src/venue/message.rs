//! What passes between the venue and whoever connects it: requests of customers, reports to them, and market data for
//! everybody. Meaning only; who carries it is the broker's adapter.

use crate::domain::{
    AccountKey, BrokerOrderId, ClientOrderId, Currency, Execution, InstrumentId, Money, OrderChange,
    OrderKind, OrderSpec, Phase, Price, Quantity, SafeText,
};
use crate::market::{Depth, Print, Quote};
use std::collections::BTreeMap;

/// What a customer asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VenueRequest {
    /// Enter an order. The same id with the same content again is the same order: its acknowledgement and what became of
    /// it are told again. The same id with other content is refused, and the order untouched.
    Place {
        /// The customer's name for it.
        id: ClientOrderId,
        /// The order.
        spec: OrderSpec,
    },
    /// Enter an order in place of others of the same account, in one step: they end, then it begins. Where one of them has
    /// less left than named, it is refused and they stay.
    Replace {
        /// The customer's name for it.
        id: ClientOrderId,
        /// The order.
        spec: OrderSpec,
        /// The others, each with what it had left.
        instead: Vec<(ClientOrderId, Quantity)>,
    },
    /// Change a live order.
    Modify {
        /// Whose.
        account: AccountKey,
        /// Which.
        id: ClientOrderId,
        /// What changes.
        change: OrderChange,
    },
    /// Cancel a live order.
    Cancel {
        /// Whose.
        account: AccountKey,
        /// Which.
        id: ClientOrderId,
    },
    /// Tell everything about an account, in one piece.
    Snapshot {
        /// Comes back in the answer.
        pass: u64,
        /// Which account.
        account: AccountKey,
    },
}

/// What the venue says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VenueEvent {
    /// To a customer.
    Report(AccountKey, Report),
    /// The best bid or ask of an instrument changed.
    Quote(Quote),
    /// A trade in the market.
    Print(Print),
    /// The ten best levels of both sides, after something in the book changed.
    Depth(Depth),
    /// The answer to [`VenueRequest::Snapshot`].
    Snapshot(VenueSnapshot),
}

/// A report about an order or an account. What it tells is in the venue's books already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The order is alive.
    Accepted {
        /// The customer's name for it.
        id: ClientOrderId,
        /// The venue's durable name for it.
        order: BrokerOrderId,
        /// [`Phase::Working`], or [`Phase::Held`] for a stop that waits.
        phase: Phase,
    },
    /// The order was refused.
    Rejected {
        /// The customer's name for it.
        id: ClientOrderId,
        /// Why, and what would be right.
        reason: SafeText,
    },
    /// Some or all of it traded. Fee and maker flag are told.
    Executed(Execution),
    /// A stop was elected.
    Triggered {
        /// Which order.
        id: ClientOrderId,
    },
    /// The order was changed and is now so.
    Modified {
        /// Which order.
        id: ClientOrderId,
        /// Its total, what was filled included.
        quantity: Quantity,
        /// How it executes.
        kind: OrderKind,
    },
    /// A change was refused; the order is as it was.
    ModifyRejected {
        /// Which order.
        id: ClientOrderId,
        /// Why.
        reason: SafeText,
    },
    /// The order, or the rest of it, was cancelled.
    Cancelled {
        /// Which order.
        id: ClientOrderId,
        /// By whom or why.
        reason: SafeText,
    },
    /// A cancel was refused.
    CancelRejected {
        /// Which order.
        id: ClientOrderId,
        /// Why.
        reason: SafeText,
    },
    /// The order's time is over.
    Expired {
        /// Which order.
        id: ClientOrderId,
    },
    /// The account's cash after trades.
    Balance {
        /// Every currency the account has had.
        cash: BTreeMap<Currency, Money>,
    },
}

/// One order as the venue has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderReport {
    /// The customer's name for it.
    pub id: ClientOrderId,
    /// The venue's durable name for it.
    pub order: BrokerOrderId,
    /// As changed since.
    pub spec: OrderSpec,
    /// How far it has come.
    pub phase: Phase,
    /// Executed so far.
    pub filled: Quantity,
}

/// Everything about an account at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueSnapshot {
    /// From the request.
    pub pass: u64,
    /// Which account.
    pub account: AccountKey,
    /// What is held, with its average price.
    pub positions: Vec<(InstrumentId, Quantity, Option<Price>)>,
    /// Settled cash.
    pub cash: BTreeMap<Currency, Money>,
    /// Live orders, and those that ended in the last 24 hours.
    pub orders: Vec<OrderReport>,
    /// Executions of the last seven days, oldest first.
    pub executions: Vec<Execution>,
}
