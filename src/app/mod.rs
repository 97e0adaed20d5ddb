//! The only place that knows everybody: which tasks a mode starts, who holds which channel's end, and how they stop. The
//! engine's task and process, finding and starting it, the shell's one-shot commands, and the desk's two channels. The one
//! file that reads the clock is `clock`.

mod alerts;
mod broker_side;
mod brokers;
pub mod clock;
pub mod desk;
mod engine_task;
pub mod gateway;
pub mod identity;
pub mod launch;
pub mod logging;
mod market_out;
pub mod paths;
mod queries;
mod run_lock;
pub mod serve;
pub mod shell;
mod views;
