//! What crosses a socket between our own programs: the messages, and how they become bytes. Only this folder knows the
//! encoding; `docs/PROTOCOL.md` describes it for programs in other languages.

pub mod codec;
pub mod message;
mod pin;
pub mod socket;

pub use codec::{FrameReader, FrameWriter, Message, WireError, decode, encode, frame_limit};
pub use message::{
    ClientMessage, Hello, Mark, MarketBatch, PROTOCOL_VERSION, PnlDay, Query, Reply, ServerMessage,
    SnapshotMessage, StatusReply, Welcome,
};
pub use pin::{fingerprint, parse_fingerprint};
