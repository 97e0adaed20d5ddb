//! What each broker can take, as one table: known before an order is sent, so that what would be refused is not sent.

use crate::domain::BrokerId;

/// What a broker can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// It keeps a bracket's children waiting for their entry, and lets a fill of one take from the others, by itself.
    pub holds_brackets: bool,
}

impl Abilities {
    /// Of this broker; of one that is not known here, what every broker can.
    pub fn of(broker: BrokerId) -> Self {
        Self {
            holds_brackets: broker.as_str() == "ibkr",
        }
    }
}
