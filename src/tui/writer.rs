//! The thread that writes frames to the terminal. It may lag without harm: while it is busy the loop skips frames, never
//! events, so a slow link lowers the frame rate and nothing else.

use super::terminal::Terminal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The loop's end of the writer.
#[derive(Debug)]
pub struct Writer {
    frames: SyncSender<Vec<u8>>,
    spent: Receiver<Vec<u8>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    busy: AtomicBool,
    failed: AtomicBool,
    /// How long the last frame took to be written, in microseconds plus one; 0 once it was asked for.
    took_us: AtomicU64,
    idle: Notify,
}

impl Writer {
    /// Starts the thread, which writes to a duplicate of `target`, while the terminal is ours.
    pub fn start(target: BorrowedFd<'_>) -> io::Result<Self> {
        let file = File::from(target.try_clone_to_owned()?);
        let shared = Arc::new(Shared::default());
        let (frames, received) = sync_channel(1);
        let (returned, spent) = channel();
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("terminal".to_owned())
            .spawn(move || write_frames(file, &received, &returned, &theirs))?;
        Ok(Self {
            frames,
            spent,
            shared,
        })
    }
    /// True while a frame is on its way: do not draw another.
    pub fn is_busy(&self) -> bool {
        self.shared.busy.load(Ordering::Acquire)
    }
    /// True once the terminal refused to be written to: it is gone.
    pub fn has_failed(&self) -> bool {
        self.shared.failed.load(Ordering::Acquire)
    }
    /// How long the terminal took over the frame written last, once for each.
    pub fn took(&self) -> Option<Duration> {
        let micros = self.shared.took_us.swap(0, Ordering::AcqRel);
        micros.checked_sub(1).map(Duration::from_micros)
    }
    /// Resolves when a frame has been written, or the terminal is gone.
    pub async fn idle(&self) {
        self.shared.idle.notified().await;
    }
    /// An empty buffer for the next frame, an old one where there is one.
    pub fn buffer(&self) -> Vec<u8> {
        let mut buffer = self.spent.try_recv().unwrap_or_default();
        buffer.clear();
        buffer
    }
    /// Hands over one frame. Only when not busy; a frame too many is dropped and answered with false.
    pub fn send(&self, frame: Vec<u8>) -> bool {
        if self.shared.busy.swap(true, Ordering::AcqRel) {
            return false;
        }
        match self.frames.try_send(frame) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => false,
            Err(TrySendError::Disconnected(_)) => {
                self.shared.failed.store(true, Ordering::Release);
                false
            }
        }
    }
    /// Waits until the frame under way is written, at most `patience`; false where it is not.
    pub fn drain(&self, patience: Duration) -> bool {
        !self.is_busy()
            || !matches!(self.spent.recv_timeout(patience), Err(RecvTimeoutError::Timeout)) && !self.is_busy()
    }
}

fn write_frames(mut file: File, frames: &Receiver<Vec<u8>>, spent: &Sender<Vec<u8>>, shared: &Shared) {
    while let Ok(frame) = frames.recv() {
        let begun = Instant::now();
        let written = Terminal::write(|| write_whole(&mut file, &frame));
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX - 1);
        shared.took_us.store(took + 1, Ordering::Release);
        shared.failed.fetch_or(written.is_err(), Ordering::AcqRel);
        shared.busy.store(false, Ordering::Release);
        shared.idle.notify_one();
        if written.is_err() || spent.send(frame).is_err() {
            return;
        }
    }
}

/// One write, and more only where the terminal takes less at once. A terminal whose other user made it non-blocking is
/// waited for.
fn write_whole(file: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for_room(file.as_fd(), None)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits until a descriptor takes bytes, at most `patience`.
pub(super) fn wait_for_room(target: BorrowedFd<'_>, patience: Option<Duration>) -> io::Result<()> {
    let mut polled = [PollFd::new(&target, PollFlags::OUT)];
    let patience = patience.and_then(|span| Timespec::try_from(span).ok());
    match poll(&mut polled, patience.as_ref()) {
        Ok(0) => Err(io::ErrorKind::TimedOut.into()),
        Ok(_)
            if polled[0]
                .revents()
                .intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) =>
        {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
