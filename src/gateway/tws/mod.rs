//! The TWS wire as a server sees it: [`frame`] knows lengths, [`message`] knows what a message is called and what it
//! holds ([`proto`]), [`text`] is the older encoding of the same. Nothing here knows what an order does.
//!
//! Written from the public field tables. A connection speaks one codec, chosen by its negotiated version.

pub mod frame;
pub mod message;
pub mod proto;
pub mod text;

/// The newest server version that is spoken.
pub const NEWEST: i32 = 225;
/// From this version on every message is protobuf.
pub const PROTOBUF_FROM: i32 = 213;
/// The newest version with the text codec as it is here. Between this and [`PROTOBUF_FROM`] both codecs would be mixed by
/// family of messages: nobody is told such a version.
pub const TEXT_UNTIL: i32 = 178;
/// The oldest version that is spoken.
pub const OLDEST: i32 = 157;

/// The version to announce to a client that accepts `oldest` to `newest`; nothing where there is no common one, and then
/// the client is told [`NEWEST`] and refuses by itself.
pub fn negotiate(oldest: i32, newest: i32) -> Option<i32> {
    let wanted = newest.min(NEWEST);
    let version = if wanted < PROTOBUF_FROM {
        wanted.min(TEXT_UNTIL)
    } else {
        wanted
    };
    (version >= oldest.max(OLDEST)).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::negotiate;

    #[test]
    fn no_version_is_announced_at_which_codecs_mix() {
        assert_eq!(negotiate(213, 226), Some(225), "ibapi for Rust");
        assert_eq!(negotiate(157, 178), Some(178), "ib_async");
        assert_eq!(negotiate(100, 157), Some(157), "the last official client on PyPI");
        assert_eq!(negotiate(100, 225), Some(225), "a recent official client");
        assert_eq!(negotiate(100, 190), Some(178));
        assert_eq!(negotiate(201, 212), None);
        assert_eq!(negotiate(100, 150), None);
    }
}
