//! The text codec of versions 157 to 178.

use super::message::{BadFrame, Incoming, Outgoing};

/// Reads a text frame's body.
///
/// # Errors
/// The fields can't be read.
pub fn decode(_version: i32, body: &[u8]) -> Result<Incoming, BadFrame> {
    Err(BadFrame::Short(body.len()))
}

/// Appends the text frame of a message.
pub fn encode(_message: &Outgoing, _version: i32, _out: &mut Vec<u8>) {}
