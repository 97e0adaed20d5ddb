//! The exchange in the box as a server of its own that speaks the TWS API, so that any program made for Interactive
//! Brokers can trade against it, and our own adapter has a peer with the habits of the real one.
//!
//! [`tws`] is the wire: frames, messages, both codecs. What a message means is decided elsewhere.

pub mod tws;
