//! The terminal: a full-screen desk on a replica of the engine's state. It folds the events that the engine tells, sends
//! commands, and draws at its own pace; it can't tell a local engine from a remote one, because all it has are two
//! channels ([`FromEngine`], [`ToEngine`]) that somebody else fills and empties. It reads no file and no clock.
//!
//! From the outside in: [`run`](run()) is the loop; `terminal`, `reader`, `input`, `screen` and `writer` are the terminal and
//! its two directions; `desk` and `update` are what is known and what a person does with it, `world` is the replica; `keymap` is
//! the one table of keys; `view`, `status`, `foot`, `overlay` and `layout` draw; `panes` and `widgets` are what they draw
//! with. A new pane is one file in `panes/` and one line in `desk`.

pub mod action;
pub mod chord;
pub mod colour;
mod command;
pub mod desk;
mod foot;
pub mod forecast;
pub mod input;
pub mod keymap;
pub mod layout;
pub mod line;
mod link;
mod mouse;
mod overlay;
pub mod pace;
pub mod pane;
pub mod panes;
pub mod pin;
mod profit;
pub mod reader;
mod run;
#[cfg(test)]
mod sample;
pub mod screen;
pub mod search;
mod status;
pub mod terminal;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_line;
pub mod theme;
pub mod ticket;
mod update;
pub mod view;
mod what_if;
pub mod widgets;
pub mod world;
pub mod writer;

pub use colour::ColourDepth;
pub use desk::IdMaker;
pub use link::{FromEngine, ToEngine};
pub use pace::LineSpeed;
pub use run::{Clock, Exit, TuiError, TuiSettings, run};
