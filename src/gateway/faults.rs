//! Faults on demand: what stands between the core and its clients and spoils what they are told. The truth stays in the
//! venue's books. What is to be spoiled is said in words, see `scenario`.

use super::core::{Gateway, Output};
use super::session::ConnectionId;
use super::tws::message::Outgoing;
use crate::domain::{Execution, Timestamp};

/// The faults in force.
#[derive(Debug)]
pub(super) struct Faults {}

impl Faults {
    pub fn new(_seed: u64) -> Self {
        Self {}
    }
    pub fn doors(&self, _now: Timestamp) -> super::server::Doors {
        super::server::Doors::default()
    }
    pub fn next_wake(&self) -> Timestamp {
        Timestamp::MAX
    }
    pub fn forget(&mut self, _connection: ConnectionId) {}
    pub fn pass(
        &mut self,
        connection: ConnectionId,
        message: Outgoing,
        _now: Timestamp,
        out: &mut Vec<Output>,
    ) {
        out.push(Output::Tell(connection, Box::new(message)));
    }
    pub fn holds_id(&self, _client: i32, _now: Timestamp) -> bool {
        false
    }
    pub fn lowered(&self, next: i32) -> i32 {
        next
    }
    pub fn rejects(&mut self) -> Option<(i32, String)> {
        None
    }
    pub fn plays_dead(&mut self) -> bool {
        false
    }
    pub fn execution_id(&self, execution: &Execution) -> String {
        execution.id.to_string()
    }
}

impl Gateway {
    /// Takes faults to begin with from a scenario's text.
    ///
    /// # Errors
    /// A text that can't be read: in words.
    pub fn load_scenario(&mut self, _text: &str) -> Result<(), super::GatewayError> {
        Ok(())
    }
    pub(super) fn serve_faults(&mut self) {}
    pub(super) fn play(&mut self, words: &str) -> Result<String, String> {
        Err(format!("'{}' means nothing here", words.escape_default()))
    }
}
