//! The stream of frames through a WebSocket: what one end writes comes out at the other, in binary messages whose borders
//! mean nothing. Keeps the link alive by pings, notices when nobody is there any more, and gives up on a reader that takes
//! nothing. What the bytes mean, and whose WebSocket it is, is for others.

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Bytes of one message at most.
pub const PIECE: usize = 32 * 1024;
/// Bytes that are made ready for each read, zeros first: the buffer's usual 128 KiB cost more than what is read.
pub const READ_BUFFER: usize = 8 * 1024;
/// Bytes that wait between the stream and the socket, each way.
pub const WAITING: usize = 256 * 1024;
/// How long the last words may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// One message of a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of the stream.
    Bytes(Vec<u8>),
    /// Are you there?
    Ping,
    /// Anything that only shows that somebody is there.
    Alive,
    /// What does not belong here.
    Strange,
    /// The end, with a reason or an empty text.
    Close(String),
}

/// How patient an end is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often the other end is asked whether it is there.
    pub ping_every: Duration,
    /// Nothing heard for so long is the end.
    pub silent_for: Duration,
    /// A message that can't be written for so long is the end.
    pub write_within: Duration,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The stream on this side was closed.
    Ours,
    /// The other side closed, with its reason where it gave one.
    Theirs(String),
    /// The link is no more: broken, silent, or its reader takes nothing. In words.
    Dead(String),
    /// This side ended it, in words.
    Refused(String),
}

/// Carries until either end is closed or dead. `may_stay` is asked with every ping, and its error is told to the other
/// side and ends it.
pub async fn carry<S, E>(
    socket: S,
    near: DuplexStream,
    pace: Pace,
    mut may_stay: impl FnMut() -> Result<(), String>,
) -> End
where
    S: Stream<Item = Result<Piece, E>> + Sink<Piece, Error = E> + Unpin,
    E: std::fmt::Display,
{
    let (mut out, mut coming) = socket.split();
    let (mut near_read, mut near_write) = tokio::io::split(near);
    let hearing = async {
        loop {
            let piece = match timeout(pace.silent_for, coming.next()).await {
                Err(_) => {
                    let words = format!("nothing was heard for {} s", pace.silent_for.as_secs());
                    return End::Dead(words);
                }
                Ok(None) => return End::Dead("the connection ended".to_owned()),
                Ok(Some(Err(error))) => return End::Dead(format!("the connection failed: {error}")),
                Ok(Some(Ok(piece))) => piece,
            };
            match piece {
                Piece::Bytes(bytes) => {
                    if near_write.write_all(&bytes).await.is_err() {
                        // Whoever closed it has its last words on their way.
                        return std::future::pending().await;
                    }
                }
                Piece::Ping | Piece::Alive => {}
                Piece::Strange => return End::Refused("only binary messages are spoken here".to_owned()),
                Piece::Close(reason) => return End::Theirs(reason),
            }
        }
    };
    let telling = async {
        let mut buffer = vec![0; PIECE];
        let mut ping = interval(pace.ping_every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let piece = tokio::select! {
                read = near_read.read(&mut buffer) => match read {
                    Ok(0) | Err(_) => return End::Ours,
                    Ok(count) => Piece::Bytes(buffer[..count].to_vec()),
                },
                _ = ping.tick() => match may_stay() {
                    Ok(()) => Piece::Ping,
                    Err(reason) => return End::Refused(reason),
                },
            };
            match timeout(pace.write_within, out.send(piece)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return End::Dead(format!("the connection failed: {error}")),
                Err(_) => {
                    let words = format!("too slow: nothing was read for {} s", pace.write_within.as_secs());
                    return End::Dead(words);
                }
            }
        }
    };
    let end = tokio::select! {
        end = hearing => end,
        end = telling => end,
    };
    let last = match &end {
        End::Ours => Some(String::new()),
        End::Refused(reason) | End::Dead(reason) => Some(reason.clone()),
        End::Theirs(_) => None,
    };
    let closing = async {
        if let Some(reason) = last {
            let _ = out.send(Piece::Close(reason)).await;
            // What the other side has on its way is read to its end: a connection that is closed over unread bytes is
            // reset, and the last words with it.
            while let Some(Ok(piece)) = coming.next().await {
                if matches!(piece, Piece::Close(_)) {
                    break;
                }
            }
        }
        let _ = out.close().await;
    };
    let _ = timeout(LAST_WORDS, closing).await;
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use tokio::sync::mpsc;

    const PACE: Pace = Pace {
        ping_every: Duration::from_millis(100),
        silent_for: Duration::from_secs(2),
        write_within: Duration::from_secs(3),
    };

    /// A socket of two channels. One that is full stays full: its reader takes nothing.
    struct Far {
        out: mpsc::Sender<Piece>,
        coming: mpsc::Receiver<Piece>,
    }

    impl Stream for Far {
        type Item = Result<Piece, String>;
        fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.coming.poll_recv(context).map(|piece| piece.map(Ok))
        }
    }

    impl Sink<Piece> for Far {
        type Error = String;
        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), String>> {
            if self.out.capacity() > 0 {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            }
        }
        fn start_send(self: Pin<&mut Self>, piece: Piece) -> Result<(), String> {
            self.out.try_send(piece).map_err(|error| error.to_string())
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), String>> {
            Poll::Ready(Ok(()))
        }
        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), String>> {
            Poll::Ready(Ok(()))
        }
    }

    fn far(room: usize) -> (Far, mpsc::Receiver<Piece>, mpsc::Sender<Piece>) {
        let (out, sent) = mpsc::channel(room);
        let (say, coming) = mpsc::channel(8);
        (Far { out, coming }, sent, say)
    }

    fn timed<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
            .block_on(future)
    }

    #[test]
    fn bytes_pass_both_ways_and_a_silent_end_is_given_up() {
        timed(async {
            let (socket, mut sent, say) = far(64);
            let (near, mut stream) = tokio::io::duplex(WAITING);
            let carrying = tokio::spawn(carry(socket, near, PACE, || Ok(())));
            assert_eq!(sent.recv().await, Some(Piece::Ping));
            stream.write_all(b"out").await.unwrap();
            assert_eq!(sent.recv().await, Some(Piece::Bytes(b"out".to_vec())));
            say.send(Piece::Bytes(b"in".to_vec())).await.unwrap();
            let mut got = [0; 2];
            stream.read_exact(&mut got).await.unwrap();
            assert_eq!(&got, b"in");
            let end = carrying.await.unwrap();
            assert_eq!(end, End::Dead("nothing was heard for 2 s".to_owned()));
            assert_eq!(stream.read(&mut got).await.unwrap(), 0, "the stream ends with it");
        });
    }

    #[test]
    fn one_who_reads_nothing_or_may_stay_no_longer_is_let_go_with_a_reason() {
        timed(async {
            let (socket, _sent, say) = far(1);
            let (near, mut stream) = tokio::io::duplex(WAITING);
            let carrying = tokio::spawn(carry(socket, near, PACE, || Ok(())));
            stream.write_all(&[7; 3 * PIECE]).await.unwrap();
            let alive = async {
                while say.send(Piece::Alive).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            };
            let (end, ()) = tokio::join!(carrying, alive);
            assert_eq!(
                end.unwrap(),
                End::Dead("too slow: nothing was read for 3 s".to_owned())
            );

            let (socket, mut sent, _say) = far(64);
            let (near, _stream) = tokio::io::duplex(WAITING);
            let mut asked = 0;
            let end = carry(socket, near, PACE, || {
                asked += 1;
                if asked < 3 {
                    Ok(())
                } else {
                    Err("removed".to_owned())
                }
            });
            assert_eq!(end.await, End::Refused("removed".to_owned()));
            let mut last = None;
            while let Ok(piece) = sent.try_recv() {
                last = Some(piece);
            }
            assert_eq!(last, Some(Piece::Close("removed".to_owned())));
        });
    }
}
