//! tradewind: a trading workstation that lives in a terminal. The map, one line a folder, with what each may import; a
//! test reads the imports and holds the law.

pub mod app; //      everything: tasks, channels, the engine's process, the clock
pub mod attach; //   wire: the other end of a socket
pub mod broker; //   domain, market, engine (sim also venue): one folder an adapter
pub mod cli; //      everything: arguments to mode
pub mod config; //   domain: settings, typed, with their sources
pub mod domain; //   nothing: nouns
pub mod engine; //   domain, market: decide, fold, release
pub mod exchange; // domain: books, matching, settlement, in ticks and lots
pub mod gateway; //  domain, market, venue: the exchange as a server that speaks TWS
pub mod market; //   domain: quotes, prints, depth, bars, studies
pub mod metrics; //  nothing: what is counted, and how it is told
pub mod server; //   wire, metrics: the engine's doors
pub mod store; //    domain, market, engine: journal, snapshots, bars
pub mod tui; //      domain, market, engine, config: the desk, over a replica
pub mod venue; //    domain, market, exchange: the exchange as a running service
pub mod wire; //     domain, market, engine: what crosses a socket
