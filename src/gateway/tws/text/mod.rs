//! The text codec of versions 157 to 178: every field ends in a NUL, and what it means is told by its place alone. Read into
//! and written from the same structs as protobuf. [`fields`] knows fields, [`requests`] and [`place_order`] what clients
//! ask, [`replies`], [`orders`] and [`market`] what they are told.
//!
//! Unlike in protobuf, a request says `transmit` in any case; an unset number is an empty field or the largest of its type.

mod fields;
mod market;
mod orders;
mod place_order;
mod replies;
mod requests;
#[cfg(test)]
mod tests;

use super::frame;
use super::message::{BadFrame, Incoming, Outgoing};
use fields::{Reader, Writer};

/// Reads a text frame's body.
///
/// # Errors
/// The fields can't be read; said with the field's name.
pub fn decode(version: i32, body: &[u8]) -> Result<Incoming, BadFrame> {
    let (number, mut fields) = Reader::open(version, body)?;
    requests::read(number, &mut fields)
}

/// Appends the text frame of a message. Nothing for a message that is newer than any text version: no client of one can
/// have asked for it.
pub fn encode(message: &Outgoing, version: i32, out: &mut Vec<u8>) {
    if matches!(message, Outgoing::CurrentTimeInMillis(_)) {
        return;
    }
    frame::write(out, |out| replies::write(message, &mut Writer::new(version, out)));
}
