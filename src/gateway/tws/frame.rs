//! Bytes to frames: a big-endian length, then so many bytes. Knows no message.

/// The longest frame that is taken. Clients send at most a few hundred bytes; the wire itself allows 16 MiB.
pub const LONGEST: usize = 64 * 1024;

/// A length that can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {0} bytes: at most {LONGEST} are taken")]
pub struct TooLong(pub usize);

/// Collects bytes as they come and gives whole frames.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    read: usize,
}

impl Frames {
    /// Adds what was received.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.read > 0 {
            self.bytes.drain(..self.read);
            self.read = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame's body; nothing while it is not all here. An impossible length ends the connection: where the
    /// next frame would begin is not known any more.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let rest = self.bytes.get(self.read..).unwrap_or_default();
        let Some((head, _)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(TooLong(length));
        }
        let from = self.read + 4;
        let Some(body) = self.bytes.get(from..from + length) else {
            return Ok(None);
        };
        self.read = from + length;
        Ok(Some(body))
    }

    /// Takes these bytes off the front where they are there: what comes before the first frame.
    pub fn take_prefix(&mut self, prefix: &[u8]) -> Option<bool> {
        let rest = self.bytes.get(self.read..).unwrap_or_default();
        let there = rest.len().min(prefix.len());
        if rest[..there] != prefix[..there] {
            return Some(false);
        }
        if there < prefix.len() {
            return None;
        }
        self.read += prefix.len();
        Some(true)
    }
}

/// Appends one frame, its body written by `body`.
pub fn write(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    let length = u32::try_from(out.len() - at - 4).unwrap_or(u32::MAX);
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_whole_wherever_the_bytes_are_cut() {
        let mut stream = b"API\0".to_vec();
        for body in [&b"one"[..], b"", b"a longer one"] {
            write(&mut stream, |out| out.extend_from_slice(body));
        }
        for cut in 0..=stream.len() {
            let (mut frames, mut got) = (Frames::default(), Vec::new());
            let mut greeted = false;
            for part in [&stream[..cut], &stream[cut..]] {
                frames.push(part);
                greeted = greeted || frames.take_prefix(b"API\0") == Some(true);
                while greeted && let Some(frame) = frames.next_frame().unwrap() {
                    got.push(frame.to_vec());
                }
            }
            assert_eq!(
                got,
                [b"one".to_vec(), b"".to_vec(), b"a longer one".to_vec()],
                "{cut}"
            );
        }
    }

    #[test]
    fn an_impossible_length_is_refused_before_anything_is_kept_for_it() {
        let mut frames = Frames::default();
        frames.push(&[0xf0, 0, 0, 0, 1]);
        assert_eq!(frames.next_frame(), Err(TooLong(0xf000_0000)));
        let mut frames = Frames::default();
        frames.push(b"GET /");
        assert_eq!(frames.take_prefix(b"API\0"), Some(false));
    }
}
