//! The engine's doors. Today one: the private Unix socket, on which terminals and shell commands speak the protocol of
//! `wire`. Knows the engine only as an inbox (`handle`).

pub mod handle;
mod local;
mod session;

pub use local::serve_local;
