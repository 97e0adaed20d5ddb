//! The terminal: a full-screen desk on a replica of the engine's state. It folds the events that the engine tells, sends
//! commands, and draws at its own pace; it can't tell a local engine from a remote one, because all it has are two
//! channels ([`FromEngine`], [`ToEngine`]) that somebody else fills and empties. It reads no file and no clock.
//!
//! From the outside in: [`run`](run()) is the loop; `terminal`, `reader`, `input`, `screen` and `writer` are the terminal and
//! its two directions; `desk` and `update` are what is known and what a person does with it, `world` is the replica; `keymap` is
//! the one table of keys; `view`, `status`, `foot`, `overlay` and `layout` draw; `panes` and `widgets` are what they draw
//! with. A new pane is one file in `panes/` and one line in `desk`.

pub mod action;
mod again;
pub mod alerts;
mod arming;
pub mod chord;
pub mod clipboard;
pub mod colour;
mod command;
mod complete;
pub mod desk;
pub mod differences;
mod foot;
pub mod forecast;
mod frozen;
mod hotkey;
pub mod input;
pub mod key_table;
pub mod keymap;
pub mod layout;
pub mod line;
mod link;
pub mod memory;
#[cfg(debug_assertions)]
mod mishap;
mod mouse;
mod moves;
mod overlay;
pub mod pace;
pub mod palette;
pub mod pane;
pub mod panes;
pub mod pin;
pub mod plain;
mod plan;
pub mod planned;
pub mod probe;
mod profit;
pub mod reader;
pub mod rebind;
mod run;
#[cfg(test)]
mod sample;
pub mod screen;
pub mod search;
mod sheets;
mod status;
pub mod terminal;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_line;
pub mod theme;
pub mod ticket;
pub mod times;
mod to_line;
mod toast;
mod update;
pub mod view;
mod watched;
mod what_if;
pub mod widgets;
mod words;
pub mod world;
pub mod writer;

pub use colour::ColourDepth;
pub use desk::IdMaker;
pub use link::{Answer, Ask, FromEngine, Page, ToEngine};
pub use memory::{DeskMemory, Keep};
pub use pace::LineSpeed;
pub use plan::Group;
pub use run::{Clock, Exit, Opening, TuiError, TuiSettings, run};

/// A desk for [`plain`], with the settings of a terminal.
pub fn plain_desk(settings: &TuiSettings, new_id: IdMaker, now: crate::domain::Timestamp) -> desk::Desk {
    desk::Desk::new(settings, new_id, now)
}
