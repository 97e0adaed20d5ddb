//! Pages of what happened on other days, as a screen asks for them: orders and executions from the journal, newest first,
//! each page with the place where the next begins. Who reads the journal is the store; here are the nouns, and how the
//! price of an execution compares with what was hoped for.

use crate::domain::{Execution, Order, Price, Side};
use serde::{Deserialize, Serialize};

/// Orders of a page at most.
pub const PAGE: u32 = 100;

/// A page of orders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrdersPage {
    /// Newest first, as they ended. Their numbers at the broker are not told.
    pub orders: Vec<Order>,
    /// Where the next page begins: give it as `before`. Nothing at the journal's beginning.
    pub next: Option<u64>,
}

/// A page of executions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionsPage {
    /// Newest first, the newest revision of each.
    pub executions: Vec<Traded>,
    /// Where the next page begins: give it as `before`. Nothing at the journal's beginning.
    pub next: Option<u64>,
}

/// An execution and what its order was measured by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traded {
    /// The report.
    pub execution: Execution,
    /// What its price is held against.
    pub hoped: Option<Hoped>,
}

/// What the price of an execution is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "against", content = "price", rename_all = "snake_case")]
pub enum Hoped {
    /// The middle of the quote when the order was sent.
    Mid(Price),
    /// The order's own limit or trigger: there was no quote.
    Limit(Price),
}

impl Hoped {
    /// What an order hoped for: the middle at its sending, else its own price.
    pub fn of(order: &Order) -> Option<Self> {
        let own = || {
            order
                .spec
                .kind
                .limit()
                .or(order.spec.kind.trigger())
                .map(Self::Limit)
        };
        order.arrival.map(Self::Mid).or_else(own)
    }
    /// The price.
    pub fn price(self) -> Price {
        match self {
            Self::Mid(price) | Self::Limit(price) => price,
        }
    }
    /// How much worse an execution was, for one unit: positive costs, negative was better.
    pub fn slippage(self, side: Side, price: Price) -> Option<Price> {
        match side {
            Side::Buy => price.checked_sub(self.price()),
            Side::Sell => self.price().checked_sub(price),
        }
    }
}

impl Traded {
    /// How much worse it was than hoped for, for one unit.
    pub fn slippage(&self) -> Option<Price> {
        self.hoped?.slippage(self.execution.side, self.execution.price)
    }
    /// The same in basis points of the price hoped for.
    pub fn slippage_bps(&self) -> Option<f64> {
        let hoped = self.hoped?.price();
        let of = hoped.to_f64();
        (of > 0.0).then(|| self.slippage().map(|worse| 10_000.0 * worse.to_f64() / of))?
    }
}
