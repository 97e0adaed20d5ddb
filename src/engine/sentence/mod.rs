//! The order sentence, the same on the desk's command line and in the shell. It is parsed into words first
//! (`grammar`), then resolved against the state and the market into commands (`resolve`). Errors point at the word.
//! The grammar with examples stands in `docs/SENTENCE.md`, every example of which a test reads.
//!
//! ```text
//! sentence := order ["oco" [order] | "then" order] | "x" (SYMBOL | "all") ["all"] | "close" SYMBOL | "reverse" SYMBOL
//!           | "breakeven" SYMBOL | "protect" SYMBOL ["at"] PLACE | "flat" (SYMBOL | "all" [LAST FOUR])
//!           | "confirm" SYMBOL
//! order    := ("buy"|"b"|"sell"|"s") (amount what | what amount) { word }
//! what     := SYMBOL | "{" SYMBOL { "," SYMBOL } "}"
//! amount   := QUANTITY | MONEY | "risk" (PERCENT | MONEY) | "all" | "half"
//! word     := "@" PRICE | ("@bid" | "@ask" | "@mid" | "@last") ["peg"] | "mkt" | "lmt" PRICE | "stp" PRICE ["lmt" PRICE]
//!           | "trail" DISTANCE ["lmt" OFFSET] | "moc" | "loc" PRICE | "mid" [PRICE]
//!           | "day" | "gtc" | "ioc" | "fok" | "opg" | "gtd" MOMENT | "outside" | "short"
//!           | "stop" EXIT | "target" EXIT | "tpl" NAME | "show" QUANTITY | "park" [TIME]
//! ```
//!
//! Without a price the order goes to the market. `@bid`, `@ask`, `@mid` and `@last` are snapshots, taken when the
//! sentence is resolved and moved to a valid tick that is no worse; with `peg` the order follows the market where the
//! broker has such orders. Sizes are rounded toward less exposure only, and what was rounded or converted is said.

mod amount;
mod clauses;
mod closing;
pub mod complete;
mod grammar;
mod order;
mod protect;
mod resolve;
mod sizing;
#[cfg(test)]
mod tests;
mod words;

pub use grammar::{parse, parse_outside};
pub use resolve::{Resolved, Scene, names_account, resolve};
pub use words::{SentenceError, Word};

use crate::domain::{Currency, Distance, ExitPrice, ExitTemplate, Money, Price, Quantity, Side, TimeInForce};
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::ops::Range;

/// Named exits by their names, from config.toml.
pub type Templates = BTreeMap<String, ExitTemplate>;

/// A sentence, understood as words; names and prices are not looked up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sentence {
    /// Place an order.
    Order(Box<OrderWords>),
    /// Place two orders of which one shrinks as the other fills.
    Pair(Box<(OrderWords, OrderWords)>),
    /// Place an order, and another that leaves once all of the first has filled.
    Then(Box<(OrderWords, OrderWords)>),
    /// Place one order in each of several instruments: all of them or none.
    Basket(Vec<OrderWords>),
    /// Cancel orders of one symbol, or of the account.
    Cancel {
        /// Nothing means the whole account.
        symbol: Option<Word>,
        /// Protective stops too.
        stops_too: bool,
    },
    /// Close a position at the market.
    Close {
        /// Which.
        symbol: Word,
    },
    /// Close a position at the market and open the same on the other side.
    Reverse {
        /// Which.
        symbol: Word,
    },
    /// Move the protective stops of a position to its average price.
    Breakeven {
        /// Which.
        symbol: Word,
    },
    /// Say the second word for what is parked.
    Confirm {
        /// Of which symbol.
        symbol: Word,
    },
    /// Put a stop under a position, or move the one that is there.
    Protect {
        /// Which.
        symbol: Word,
        /// Where: a price, or a distance from the market.
        place: Exit,
    },
    /// Cancel everything and close, on one symbol or in the whole account.
    Flat {
        /// Nothing means the whole account.
        symbol: Option<Word>,
        /// Of the whole account: the last four characters of its name, which a real one wants.
        last_four: Option<Word>,
    },
}

/// The words of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderWords {
    /// Which way.
    pub side: Side,
    /// How much.
    pub amount: Amount,
    /// Where that stands.
    pub amount_at: Range<usize>,
    /// Of what.
    pub symbol: Word,
    /// At what price.
    pub price: PriceWords,
    /// Where `peg` stands, where a snapshot is to follow the market.
    pub peg: Option<Range<usize>>,
    /// How long.
    pub tif: TifWords,
    /// Outside the regular session too.
    pub outside: bool,
    /// Protective stop.
    pub stop: Option<Exit>,
    /// Profit target.
    pub target: Option<Exit>,
    /// Named exits, for what is not said.
    pub template: Option<Word>,
    /// The part shown.
    pub display: Option<Quantity>,
    /// Selling more than is held is meant.
    pub short: bool,
    /// It is parked where the broker is away.
    pub park: Option<ParkWords>,
}

/// That an order is parked where the broker is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkWords {
    /// For how many seconds, where that is said.
    pub seconds: Option<u32>,
    /// Where the word stands.
    pub at: Range<usize>,
}

/// How much, as said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many.
    Quantity(Quantity),
    /// What so much money buys.
    Value(Money, Currency),
    /// As many as lose so much money at the stop.
    Risk(Money, Currency),
    /// As many as lose this part of the account's net liquidation value at the stop, in hundredths of one per cent.
    RiskShare(u32),
    /// All that is held and that no working order closes already.
    All,
    /// Half of what is held.
    Half,
}

impl Amount {
    /// True for the words that only close.
    pub fn closes(self) -> bool {
        matches!(self, Self::All | Self::Half)
    }
}

/// Where a stop or target lies, and where that stands in the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The place.
    pub place: ExitPrice,
    /// The word.
    pub at: Range<usize>,
}

/// A price as said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriceWords {
    /// At the market.
    Market,
    /// A number.
    Limit(Price),
    /// A snapshot of the market, and where the word stands.
    Snapshot(Peg, Range<usize>),
    /// A stop order, with a limit or without.
    Stop(Price, Option<Price>),
    /// A trailing stop, and how far beyond its trigger its limit lies, where it has one.
    Trail(Distance, Option<Price>),
    /// In the closing auction, with a limit or without.
    OnClose(Option<Price>),
    /// Following the middle of the market, no further than the cap where there is one.
    Midprice(Option<Price>),
}

/// A time in force as said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TifWords {
    /// In full.
    Said(TimeInForce),
    /// Until the end of a trading day, which the instrument's calendar knows, and where the date stands.
    EndOf(Date, Range<usize>),
}

/// What a price snapshot is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peg {
    /// The best bid.
    Bid,
    /// The best ask.
    Ask,
    /// Halfway.
    Mid,
    /// The last trade.
    Last,
}
