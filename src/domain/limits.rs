//! The limits an order is held against. They come from config.toml, which is the ceiling at start, and live in the
//! journal as a fact; who compares an order with them is `engine::risk`.

use super::instrument::InstrumentKind;
use super::number::{Money, Quantity};
use serde::{Deserialize, Serialize};

/// The default, and what a fact that does not say means.
fn first_option_limit() -> Quantity {
    Quantity::from_raw(20 * Quantity::ONE.raw())
}

/// The limits of every account, from config.toml. Amounts are in the instrument's currency; conversion comes with the
/// base-currency controls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest quantity in one order of shares.
    pub max_quantity_equity: Quantity,
    /// Largest number of contracts in one order.
    pub max_quantity_future: Quantity,
    /// Largest quantity of base currency in one order.
    pub max_quantity_forex: Quantity,
    /// Largest quantity of coins in one order.
    pub max_quantity_crypto: Quantity,
    /// Largest number of option contracts in one order. Absent from a stored fact it is 20, for ever: facts from before
    /// options were known lack it.
    #[serde(default = "first_option_limit")]
    pub max_quantity_option: Quantity,
    /// Largest value of one order.
    pub max_order_value: Money,
    /// Largest value of the position that could result, working orders counted in full.
    pub max_position_value: Money,
    /// Live orders per instrument and side.
    pub max_live_orders: u32,
    /// How far beyond the other side of the market a limit price may reach, in basis points (1 is 0.01 %).
    pub collar_bps: u32,
    /// Equal orders closer together than this are duplicates, in milliseconds.
    pub duplicate_window_ms: u64,
    /// Orders that may come at once.
    pub rate_burst: u32,
    /// Orders a second, sustained.
    pub rate_per_second: u32,
    /// Whether a position may be sold short at all.
    pub allow_short: bool,
    /// Whether a position is closed at the market where the stop of its bracket was refused or lost; otherwise it is only
    /// shown, loudly.
    pub close_unprotected: bool,
}

impl Default for Limits {
    fn default() -> Self {
        let whole = |count| Quantity::whole(count).unwrap_or(Quantity::ZERO);
        Self {
            max_quantity_equity: whole(10_000),
            max_quantity_future: whole(20),
            max_quantity_forex: whole(1_000_000),
            max_quantity_crypto: whole(10),
            max_quantity_option: first_option_limit(),
            max_order_value: Money::whole(1_000_000),
            max_position_value: Money::whole(2_500_000),
            max_live_orders: 20,
            collar_bps: 300,
            duplicate_window_ms: 500,
            rate_burst: 10,
            rate_per_second: 5,
            allow_short: true,
            close_unprotected: false,
        }
    }
}

impl Limits {
    /// The largest quantity of one order in this kind of instrument.
    pub fn max_quantity(&self, kind: InstrumentKind) -> Quantity {
        match kind {
            InstrumentKind::Equity => self.max_quantity_equity,
            InstrumentKind::Future => self.max_quantity_future,
            InstrumentKind::Forex => self.max_quantity_forex,
            InstrumentKind::Crypto => self.max_quantity_crypto,
            InstrumentKind::Option => self.max_quantity_option,
            InstrumentKind::Index => Quantity::ZERO,
        }
    }
}
