//! The exchange in the box as a server of its own that speaks the TWS API, so that any program made for Interactive
//! Brokers can trade against it, and our own adapter has a peer with the habits of the real one.
//!
//! [`tws`] is the wire: frames, messages, both codecs. [`core`] is what messages mean, synchronous and clockless: it owns the
//! venue, the clients' sessions and the [`ledger`] of their orders (`orders`, `groups`, `reports`), and answers about
//! `contracts`, `accounts`, `quotes` and `history`. `faults` spoils on demand what clients are told, in the words of `scenario`. [`server`] carries it
//! all over sockets.

mod accounts;
mod contracts;
mod convert;
pub mod core;
mod faults;
mod groups;
mod history;
pub mod ledger;
mod orders;
mod quotes;
mod reports;
mod requests;
mod scenario;
pub mod server;
mod session;
#[cfg(test)]
mod tests;
pub mod tws;

pub use self::core::{Gateway, GatewayError, Output};
pub use ledger::Ledger;
pub use session::ConnectionId;
