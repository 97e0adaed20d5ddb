//! The engine's doors: the private Unix socket, on which terminals and shell commands speak the protocol of `wire`, and the
//! HTTP port for programs and browsers. Knows the engine only as an inbox (`handle`).

pub mod doors;
pub mod handle;
pub mod http;
mod local;
mod session;
pub mod tls;
pub mod views;

pub use local::serve_local;
