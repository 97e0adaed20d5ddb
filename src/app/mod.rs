//! The only place that knows everybody: which tasks a mode starts, who holds which channel's end, and how they stop. The
//! engine's task and process, finding and starting it, the shell's one-shot commands, and the desk's two channels. The one
//! file that reads the clock is `clock`.

mod account_lock;
mod alerts;
pub mod api_keys;
pub mod archive;
pub mod audit;
pub mod availability;
pub mod backup;
mod broker_side;
mod brokers;
pub mod bundle;
pub mod clock;
mod clock_watch;
pub mod crash;
mod curve;
pub mod day;
pub mod desk;
pub mod doctor;
mod doors;
mod engine_task;
mod figures;
pub mod gateway;
mod halt_file;
pub mod health;
mod http;
pub mod identity;
mod journal_check;
pub mod launch;
mod locked_file;
mod log_tail;
pub mod logging;
mod market_out;
mod memory;
pub mod paths;
mod plain;
pub mod profile_files;
mod queries;
mod recent;
pub mod remote;
pub mod run_lock;
pub mod serve;
pub mod shell;
pub mod tls;
pub mod users;
