//! The thread that reads the terminal. Each read is handed on whole and with its moment, so that what came at once is known
//! to have come at once, and what hands typed apart stays apart however long the loop was busy. Ends when the terminal goes away, without spinning, and when it is dropped, without taking another byte: a shell
//! that gets the terminal back gets all that is typed from then on.

use super::run::Clock;
use crate::domain::Timestamp;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread::JoinHandle;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many reads may wait for the loop. When full the thread waits, and the terminal's own queue fills: nothing is lost.
const WAITING: usize = 64;

/// What one read gave, and when.
#[derive(Debug)]
pub struct Typed {
    /// The bytes, as they came.
    pub bytes: Vec<u8>,
    /// When they were read.
    pub at: Timestamp,
}

/// The loop's end of the reader.
#[derive(Debug)]
pub struct Reader {
    reads: Receiver<Typed>,
    stop: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Starts the thread, which reads a duplicate of `source`.
    pub fn start(source: BorrowedFd<'_>, clock: Clock) -> io::Result<Self> {
        let source = source.try_clone_to_owned()?;
        let (stopped, stop) = rustix::pipe::pipe()?;
        let (tell, reads) = channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || read_on(&source, &stopped, &tell, &clock))?;
        Ok(Self {
            reads,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
    /// What was read next; nothing once the terminal is gone.
    pub async fn next(&mut self) -> Option<Typed> {
        self.reads.recv().await
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.reads.close();
        // The thread sees the other end of its pipe close.
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that reads the terminal panicked");
        }
    }
}

fn read_on(source: &OwnedFd, stopped: &OwnedFd, tell: &Sender<Typed>, clock: &Clock) {
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    let mut bytes = vec![0; 4096];
    loop {
        let mut polled = [
            PollFd::from_borrowed_fd(source.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(stopped.as_fd(), PollFlags::IN),
        ];
        match poll(&mut polled, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return,
        }
        if !polled[1].revents().is_empty() {
            return;
        }
        let state = polled[0].revents();
        if state.contains(PollFlags::IN) {
            match rustix::io::read(source, &mut bytes) {
                Ok(0) => return,
                Ok(count) => {
                    let typed = Typed {
                        at: clock(),
                        bytes: bytes[..count].to_vec(),
                    };
                    if tell.blocking_send(typed).is_err() {
                        return;
                    }
                }
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => return,
            }
        } else if state.intersects(gone) {
            return;
        }
    }
}
