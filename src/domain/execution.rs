//! Executions: the facts that move positions and money. A broker repeats them, corrects them (a higher revision) and
//! voids them (quantity zero); who applies that is the engine's fold.

use super::id::{AccountKey, BrokerOrderId, ClientOrderId, ExecutionId, InstrumentId};
use super::number::{Currency, Money, Price, Quantity};
use super::order::Side;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One trade of ours as the broker reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Base and revision.
    pub id: ExecutionId,
    /// Whose.
    pub account: AccountKey,
    /// Our order, where the report names it.
    pub order: Option<ClientOrderId>,
    /// The broker's durable name of the order, where it has one.
    pub broker_order: Option<BrokerOrderId>,
    /// Of what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much, positive; zero in a revision that voids the execution.
    pub quantity: Quantity,
    /// At what price.
    pub price: Price,
    /// When it happened, by the venue's clock.
    pub at: Timestamp,
    /// The fee, positive, once known; a rebate is negative. Unknown is not zero.
    pub fee: Option<Fee>,
    /// True where our order rested and the other side came to it.
    pub maker: Option<bool>,
}

/// What an execution cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// How much, rounded to the currency's minor unit.
    pub amount: Money,
    /// In what.
    pub currency: Currency,
}
