//! Frames: a length of four bytes, big-endian, and one message in msgpack with named fields and decimal numbers as text,
//! so that a program in any language reads them without a table of field positions or of scales. Says which frame is too
//! large before it takes memory for it, and what is wrong with one that can't be read; what a message means is told
//! elsewhere. No input makes it panic, and none makes it take more memory than the bytes that really came.

use super::message::{ClientMessage, ServerMessage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::marker::PhantomData;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of the length before each message.
pub const HEADER: usize = 4;
/// Largest message from a terminal or a shell command, in bytes, its header not counted.
pub const CLIENT_FRAME_MAX: usize = 256 * 1024;
/// Largest message from the engine, in bytes, its header not counted: a snapshot is the largest.
pub const SERVER_FRAME_MAX: usize = 64 * 1024 * 1024;
/// Deepest nesting of maps and lists in a message. Real ones stay below half of it.
pub const DEPTH_MAX: usize = 64;
/// How much memory is taken ahead of bytes that have not come yet.
const READ_AHEAD: usize = 64 * 1024;

/// One direction of the protocol.
pub trait Message: Serialize + DeserializeOwned {
    /// The largest encoded message, in bytes.
    const FRAME_MAX: usize;
    /// Whose message it is, for errors.
    const FROM: &'static str;
}
impl Message for ClientMessage {
    const FRAME_MAX: usize = CLIENT_FRAME_MAX;
    const FROM: &'static str = "client";
}
impl Message for ServerMessage {
    const FRAME_MAX: usize = SERVER_FRAME_MAX;
    const FROM: &'static str = "engine";
}

/// Why a frame could not be read or written. After any of these the connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Longer than this direction allows.
    #[error(
        "a {from} message of {size} bytes is larger than the {most} allowed; the connection must be closed"
    )]
    TooLarge {
        /// Whose message.
        from: &'static str,
        /// Its length.
        size: usize,
        /// The longest allowed.
        most: usize,
    },
    /// A frame without content.
    #[error("an empty {from} message; the shortest real one has 2 bytes")]
    Empty {
        /// Whose message.
        from: &'static str,
    },
    /// The other side went in the middle of a frame.
    #[error("the connection ended in the middle of a {from} message: {got} of {size} bytes came")]
    CutOff {
        /// Whose message.
        from: &'static str,
        /// What came of it, header included.
        got: usize,
        /// What was announced, header included.
        size: usize,
    },
    /// The bytes are no message of this direction.
    #[error("a malformed {from} message of {size} bytes: {what}")]
    Malformed {
        /// Whose message.
        from: &'static str,
        /// Its length.
        size: usize,
        /// What the decoder met.
        what: String,
    },
    /// A message that could not be turned into bytes.
    #[error("a {from} message could not be encoded: {what}")]
    Encode {
        /// Whose message.
        from: &'static str,
        /// What the encoder met.
        what: String,
    },
    /// The socket failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

/// The whole frame of a message, header included.
pub fn encode<M: Message>(message: &M) -> Result<Vec<u8>, WireError> {
    let mut frame = Vec::with_capacity(256);
    encode_into(message, &mut frame)?;
    Ok(frame)
}

/// Appends the whole frame of a message to `out`; on an error `out` is as it was.
pub fn encode_into<M: Message>(message: &M, out: &mut Vec<u8>) -> Result<(), WireError> {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER]);
    let mut encoder = rmp_serde::Serializer::new(&mut *out)
        .with_struct_map()
        .with_human_readable();
    let result = message
        .serialize(&mut encoder)
        .map_err(|error| WireError::Encode {
            from: M::FROM,
            what: error.to_string(),
        })
        .and_then(|()| {
            let size = out.len() - start - HEADER;
            checked_size::<M>(size)?;
            u32::try_from(size).map_err(|_| WireError::TooLarge {
                from: M::FROM,
                size,
                most: M::FRAME_MAX,
            })
        });
    match result {
        Ok(size) => out[start..start + HEADER].copy_from_slice(&size.to_be_bytes()),
        Err(_) => out.truncate(start),
    }
    result.map(|_| ())
}

/// A part of a message as it is encoded inside one; nothing where it can't be.
pub(super) fn content<T: Serialize>(part: &T) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(256);
    let mut encoder = rmp_serde::Serializer::new(&mut bytes)
        .with_struct_map()
        .with_human_readable();
    part.serialize(&mut encoder).ok()?;
    Some(bytes)
}

/// Reads one message from the content of a frame. All of the content must belong to it.
pub fn decode<M: Message>(content: &[u8]) -> Result<M, WireError> {
    checked_size::<M>(content.len())?;
    let malformed = |what: String| WireError::Malformed {
        from: M::FROM,
        size: content.len(),
        what: what.chars().take(200).collect(),
    };
    let mut decoder = rmp_serde::Deserializer::new(content).with_human_readable();
    decoder.set_max_depth(DEPTH_MAX);
    let message = M::deserialize(&mut decoder).map_err(|error| malformed(error.to_string()))?;
    match decoder.get_ref().len() {
        0 => Ok(message),
        rest => Err(malformed(format!("{rest} bytes follow the message"))),
    }
}

/// The content length that a header announces, checked against what this direction allows.
pub fn frame_limit<M: Message>(header: [u8; HEADER]) -> Result<usize, WireError> {
    let size = usize::try_from(u32::from_be_bytes(header)).unwrap_or(usize::MAX);
    checked_size::<M>(size)?;
    Ok(size)
}

fn checked_size<M: Message>(size: usize) -> Result<(), WireError> {
    let (from, most) = (M::FROM, M::FRAME_MAX);
    match size {
        0 => Err(WireError::Empty { from }),
        _ if size > most => Err(WireError::TooLarge { from, size, most }),
        _ => Ok(()),
    }
}

/// Reads messages of one direction from a stream. What was read is kept across calls, so that a `read` that lost a
/// `select!` may be dropped and called again without losing a byte.
#[derive(Debug)]
pub struct FrameReader<R, M> {
    stream: R,
    buffer: Vec<u8>,
    /// Where the next frame begins in `buffer`.
    start: usize,
    message: PhantomData<fn() -> M>,
}

impl<R: AsyncRead + Unpin, M: Message> FrameReader<R, M> {
    /// Reads from `stream`.
    pub fn new(stream: R) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            start: 0,
            message: PhantomData,
        }
    }

    /// The next message; nothing once the other side closed between two frames.
    pub async fn read(&mut self) -> Result<Option<M>, WireError> {
        loop {
            let waiting = &self.buffer[self.start..];
            let mut wanted = HEADER;
            if let Some((header, rest)) = waiting.split_first_chunk::<HEADER>() {
                let size = frame_limit::<M>(*header)?;
                wanted = HEADER + size;
                if let Some(content) = rest.get(..size) {
                    let message = decode(content)?;
                    self.start += wanted;
                    return Ok(Some(message));
                }
            }
            let got = waiting.len();
            self.make_room(wanted - got);
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return match got {
                    0 => Ok(None),
                    _ => Err(WireError::CutOff {
                        from: M::FROM,
                        got,
                        size: wanted,
                    }),
                };
            }
        }
    }

    /// Drops what was consumed and takes memory for some of what is missing: a claim of many bytes alone takes none.
    fn make_room(&mut self, missing: usize) {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > 4 * READ_AHEAD {
            self.buffer = Vec::new(); // one snapshot must not hold its memory for as long as the terminal lives
        }
        self.buffer.reserve(missing.clamp(READ_AHEAD / 8, READ_AHEAD));
    }
}

/// Writes messages of one direction to a stream, each as one write.
#[derive(Debug)]
pub struct FrameWriter<W, M> {
    stream: W,
    buffer: Vec<u8>,
    message: PhantomData<fn() -> M>,
}

impl<W: AsyncWrite + Unpin, M: Message> FrameWriter<W, M> {
    /// Writes to `stream`.
    pub fn new(stream: W) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            message: PhantomData,
        }
    }

    /// Sends one message. A call that is dropped half-way leaves the stream of no use: give writing a task of its own.
    pub async fn write(&mut self, message: &M) -> Result<(), WireError> {
        self.buffer.clear();
        encode_into(message, &mut self.buffer)?;
        self.stream.write_all(&self.buffer).await?;
        self.stream.flush().await?;
        self.buffer.shrink_to(4 * READ_AHEAD);
        Ok(())
    }

    /// Sends frames that are already encoded, as [`encode`] makes them: one encoding serves many readers.
    pub async fn write_encoded(&mut self, frames: &[u8]) -> Result<(), WireError> {
        self.stream.write_all(frames).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// Ends this direction in order.
    pub async fn close(&mut self) -> Result<(), WireError> {
        self.stream.shutdown().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SafeText;
    use crate::engine::SessionKind;
    use crate::wire::{Hello, PROTOCOL_VERSION, Query};
    use proptest::prelude::*;

    fn hello() -> ClientMessage {
        ClientMessage::Hello(Hello {
            protocol: PROTOCOL_VERSION,
            fold: 1,
            build: SafeText::new("0.1.0"),
            kind: SessionKind::Terminal,
        })
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
    }

    #[test]
    fn frames_survive_any_cut_of_the_stream() {
        let ping = ClientMessage::Ping { token: 7 };
        let mut bytes = encode(&hello()).unwrap();
        encode_into(&ping, &mut bytes).unwrap();
        for piece in [1, 2, 3, 5, 64, bytes.len()] {
            let read = block_on(async {
                let (mut near, far) = tokio::io::duplex(piece);
                let sent = bytes.clone();
                let sender = async move { near.write_all(&sent).await };
                let receiver = async {
                    let mut reader = FrameReader::<_, ClientMessage>::new(far);
                    let mut all = Vec::new();
                    while let Some(message) = reader.read().await.unwrap() {
                        all.push(message);
                    }
                    all
                };
                tokio::join!(sender, receiver).1
            });
            assert_eq!(read, [hello(), ping.clone()], "pieces of {piece}");
        }
    }

    #[test]
    fn bad_frames_are_named_before_memory_is_taken() {
        let read = |bytes: &[u8]| block_on(FrameReader::<_, ClientMessage>::new(bytes).read());
        assert!(matches!(read(&[]), Ok(None)));
        assert!(matches!(read(&[0xFF; 12]), Err(WireError::TooLarge { .. })));
        assert!(matches!(read(&[0, 0, 0, 0]), Err(WireError::Empty { .. })));
        assert!(matches!(read(&[0, 0]), Err(WireError::CutOff { got: 2, .. })));
        let mut cut = encode(&hello()).unwrap();
        cut.pop();
        assert!(matches!(read(&cut), Err(WireError::CutOff { .. })));
        let mut longer = encode(&ClientMessage::Subscribe).unwrap();
        longer[3] += 1;
        longer.push(0xC0);
        let error = read(&longer).unwrap_err().to_string();
        assert!(error.contains("1 bytes follow"), "{error}");
        let deep = [vec![0x91; 200_000], vec![0xC0]].concat();
        assert!(matches!(
            decode::<ClientMessage>(&deep),
            Err(WireError::Malformed { .. })
        ));
        let huge_list = [
            0x81, 0xA5, b'W', b'a', b't', b'c', b'h', 0x92, 0xDD, 0xFF, 0xFF, 0xFF, 0xFF,
        ];
        assert!(matches!(
            decode::<ClientMessage>(&huge_list),
            Err(WireError::Malformed { .. })
        ));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = decode::<ClientMessage>(&bytes);
            let _ = decode::<ServerMessage>(&bytes);
            let _ = block_on(FrameReader::<_, ClientMessage>::new(&bytes[..]).read());
        }

        /// Near misses get further into the decoder than noise does.
        #[test]
        fn a_damaged_message_never_panics(at in 0usize..40, to: u8) {
            let mut bytes = encode(&ClientMessage::Query { token: 9, query: Query::Log { from: 1, count: 10 } }).unwrap();
            let at = at % bytes.len();
            bytes[at] = to;
            let _ = block_on(FrameReader::<_, ClientMessage>::new(&bytes[..]).read());
        }
    }
}
