//! The way out to one client. Two send on it, in turns: whoever makes a frame that the client reads, at once where nothing waits
//! and the socket takes it, and the client's writer, which can wait for its socket. So what is new costs a client one write,
//! and a task is woken only for one that is behind. What comes first and what follows is decided by the streams and the
//! writer.

use super::frame::Framed;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;

/// Bytes of answers to a client's pings that may wait for its socket. More are left out: who takes none of them has them all.
const ANSWERS_MAX: usize = 4 * 1024;

/// One client's way out.
#[derive(Debug)]
pub(super) struct Lane {
    /// The socket; none where what is sent is encrypted on its way, which is the writer's alone to do.
    socket: Option<OwnedWriteHalf>,
    wake: Notify,
    turn: Mutex<Turn>,
}

/// Whose turn it is.
#[derive(Debug)]
struct Turn {
    /// Nobody is sending, and nothing waits that would have to be sent before anything else.
    free: bool,
    /// The rest of a frame that the socket took a part of, then whole frames.
    waits: Vec<u8>,
    /// Bytes of it that are answers.
    answers: usize,
}

impl Lane {
    /// Over a socket, where bytes go out as they are. It is the writer's turn first: a client is greeted before it is told anything.
    pub(super) fn new(socket: Option<OwnedWriteHalf>) -> Self {
        Self {
            socket,
            wake: Notify::new(),
            turn: Mutex::new(Turn {
                free: false,
                waits: Vec::new(),
                answers: 0,
            }),
        }
    }
    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a frame of a stream if it is the next of its reader, who is `at` the one before, and nothing is in its way; wakes
    /// the writer otherwise.
    pub(super) fn offer(&self, frame: &Framed, number: u64, at: &AtomicU64) {
        if !self.send_now(frame, number, at) {
            self.wake();
        }
    }
    fn send_now(&self, frame: &Framed, number: u64, at: &AtomicU64) -> bool {
        let Some(socket) = &self.socket else {
            return false;
        };
        let Ok(mut turn) = self.turn.try_lock() else {
            return false;
        };
        if !turn.free || at.load(Ordering::Relaxed).checked_add(1) != Some(number) {
            return false;
        }
        // What fails here fails again for the writer, who ends the connection.
        let Ok(sent) = socket.try_write(frame.bytes()) else {
            return false;
        };
        at.store(number, Ordering::Relaxed);
        let rest = frame.bytes().get(sent..).unwrap_or_default();
        turn.waits.extend_from_slice(rest);
        turn.free = rest.is_empty();
        turn.free
    }

    /// Sends an answer to a ping, whole frames, when it is their turn.
    pub(super) fn answer(&self, frames: &[u8]) {
        let mut turn = self.turn();
        let answers = turn.answers.saturating_add(frames.len());
        if answers <= ANSWERS_MAX {
            turn.waits.extend_from_slice(frames);
            turn.answers = answers;
            turn.free = false;
        }
        drop(turn);
        self.wake();
    }

    /// Wakes the writer.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }
    /// Until something has come that waits for the writer.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }
    /// The writer's turn begins: nobody else sends until it ends, and what waits comes first of all.
    pub(super) fn begin(&self, out: &mut Vec<u8>) {
        let mut turn = self.turn();
        turn.free = false;
        turn.answers = 0;
        out.append(&mut turn.waits);
    }
    /// It ends. What came meanwhile has woken the writer again.
    pub(super) fn end(&self) {
        let mut turn = self.turn();
        turn.free = turn.waits.is_empty();
    }

    /// Sends a part of these, as soon as the socket takes some. Nothing is sent where this is given up.
    ///
    /// # Errors
    /// The connection is over.
    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let socket = self.socket.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        loop {
            match socket.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.writable().await?,
                done => return done,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::{Encoding, Said};
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    fn frame(token: u64) -> Framed {
        Encoding::Msgpack.message(&Said::Pong { token })
    }

    async fn pair() -> (Lane, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (there, here) = tokio::join!(
            TcpStream::connect(listener.local_addr().unwrap()),
            listener.accept()
        );
        let (_, out) = here.unwrap().0.into_split();
        (Lane::new(Some(out)), there.unwrap())
    }

    /// What the writer does in a turn.
    async fn turn(lane: &Lane, more: &[Framed]) -> usize {
        let mut out = Vec::new();
        lane.begin(&mut out);
        more.iter().for_each(|frame| out.extend_from_slice(frame.bytes()));
        let mut sent = 0;
        while sent < out.len() {
            sent += lane.write(&out[sent..]).await.unwrap();
        }
        lane.end();
        sent
    }

    #[tokio::test]
    async fn a_frame_goes_at_once_only_where_it_is_the_next_and_nothing_is_in_its_way() {
        let (lane, mut there) = pair().await;
        let at = AtomicU64::new(0);
        lane.offer(&frame(1), 1, &at);
        assert_eq!(at.load(Ordering::Relaxed), 0, "the writer has not greeted");
        turn(&lane, &[frame(0)]).await;
        lane.offer(&frame(1), 1, &at);
        lane.offer(&frame(3), 3, &at);
        assert_eq!(at.load(Ordering::Relaxed), 1, "one was left out before it");
        lane.answer(frame(9).bytes());
        lane.offer(&frame(2), 2, &at);
        assert_eq!(at.load(Ordering::Relaxed), 1, "an answer waits");
        assert_eq!(turn(&lane, &[frame(2)]).await, 2 * frame(9).bytes().len());
        at.store(2, Ordering::Relaxed);
        lane.offer(&frame(3), 3, &at);
        assert_eq!(at.load(Ordering::Relaxed), 3);
        let mut heard = vec![0; 5 * frame(0).bytes().len()];
        there.read_exact(&mut heard).await.unwrap();
        let told: Vec<u8> = [0, 1, 9, 2, 3]
            .map(|token| frame(token).bytes().to_vec())
            .concat();
        assert_eq!(heard, told);
    }

    #[tokio::test]
    async fn a_frame_that_is_taken_in_part_is_finished_before_anything_follows() {
        let (lane, mut there) = pair().await;
        turn(&lane, &[]).await;
        let long = "x".repeat(60_000);
        let large = Encoding::Json.message(&Said::Goodbye { reason: &long });
        let at = AtomicU64::new(0);
        let mut number = 0;
        // Until the socket takes no more.
        while at.load(Ordering::Relaxed) == number {
            number += 1;
            lane.offer(&large, number, &at);
        }
        let sent = number - 1;
        assert!(sent > 0);
        lane.answer(frame(5).bytes());
        let wanted = usize::try_from(sent).unwrap() * large.bytes().len() + frame(5).bytes().len();
        let reading = async {
            let mut heard = vec![0; wanted];
            there.read_exact(&mut heard).await.unwrap();
            heard
        };
        let (_, heard) = tokio::join!(turn(&lane, &[]), reading);
        let (frames, last) = heard.split_at(wanted - frame(5).bytes().len());
        assert!(frames.chunks(large.bytes().len()).all(|one| one == large.bytes()));
        assert_eq!(last, frame(5).bytes());
        assert!(lane.turn().free);
    }

    #[test]
    fn answers_that_nobody_takes_are_bounded() {
        let lane = Lane::new(None);
        for token in 0..10_000 {
            lane.answer(frame(token).bytes());
        }
        assert!(lane.turn().waits.len() <= ANSWERS_MAX);
    }
}
