//! The one integration binary. Modules by what they prove: oracles first, then the store, the tape, and the whole program.

mod alerts;
mod doors;
mod doors_crowds;
mod gateway;
mod gateway_faults;
mod getting_about;
mod harness;
mod hostile;
mod http;
mod ibkr;
mod interop;
mod oracle_bars;
mod oracle_files;
mod oracle_matching;
mod oracle_studies;
mod oracle_tws;
mod program;
mod remote;
mod rules;
mod sentence;
mod simulation;
mod store;
mod tape;
mod terminal;
mod tws_names;
