//! The terminal itself: taken (raw mode, alternate screen, bracketed paste, mouse, title) and given back after anything,
//! be it the end, an error, a panic, a stop by the shell or a hang-up. Giving back is best effort, step by step: one
//! that fails does not keep the next from being tried, and none may block on a terminal that is gone.

use super::writer::wait_for_room;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, kill_current_process_group};
use rustix::stdio::{stdin, stdout};
use std::io::Write;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, Once, PoisonError};
use std::time::Duration;

/// True while the terminal is ours: what a panic has to undo.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// True while a frame is written: one that went out behind the giving back would stand on the shell's screen.
static WRITING: Mutex<bool> = Mutex::new(false);
/// Told when it is out.
static WRITTEN: Condvar = Condvar::new();
/// The panic hook is installed once a process.
static HOOK: Once = Once::new();

/// Alternate screen, bracketed paste, cursor hidden.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?25l";
/// The title onto the terminal's stack.
const KEEP_TITLE: &[u8] = b"\x1b[22;0t";
/// Button presses and the wheel, with coordinates beyond column 223.
const MOUSE: &[u8] = b"\x1b[?1000h\x1b[?1006h";
/// Undoes everything that was ever switched on; harmless where it was not. Ends an unfinished synchronized frame first.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[m\x1b[?25h\x1b[23;0t\x1b[?1049l";

/// The terminal while it is ours. Dropping it gives it back.
#[derive(Debug)]
pub struct Terminal {
    mouse: bool,
}

impl Terminal {
    /// Takes the terminal.
    pub fn take(mouse: bool) -> std::io::Result<Self> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                tracing::error!("{panic}");
                before(panic);
                // Last, because what is told before may be longer than the screen.
                let said = panic.payload_as_str().unwrap_or("without a word");
                let words = format!("tradewind: a panic of the desk, not of the engine: {said}\n");
                let _ = std::io::stderr().lock().write_all(words.as_bytes());
            }));
        });
        let terminal = Self { mouse };
        terminal.enter()?;
        Ok(terminal)
    }
    /// Enters raw mode and the alternate screen; also after the shell let the program go on.
    pub fn enter(&self) -> std::io::Result<()> {
        enable_raw_mode()?;
        let mut bytes = Vec::new();
        // Once for each time that it is taken off there.
        if !TAKEN.swap(true, Ordering::AcqRel) {
            bytes.extend_from_slice(KEEP_TITLE);
        }
        bytes.extend_from_slice(ENTER);
        if self.mouse {
            bytes.extend_from_slice(MOUSE);
        }
        send(&bytes, Duration::from_secs(2))
    }
    /// Gives the terminal back and stops this job, as Ctrl-Z does elsewhere; returns when it is let go on, with the
    /// terminal taken again. Where there is no shell to stop for, nothing stops.
    pub fn suspend(&self) -> std::io::Result<()> {
        give_back();
        kill_current_process_group(Signal::TSTP)?;
        self.enter()
    }
    /// True while it is taken: not once a panic, wherever it was, has given it back.
    pub fn is_taken() -> bool {
        TAKEN.load(Ordering::Acquire)
    }
    /// Writes a frame, where the terminal is still ours; the giving back waits a little for it.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn write(write: impl FnOnce() -> std::io::Result<()>) -> std::io::Result<()> {
        let mut writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        if !Self::is_taken() {
            return Ok(());
        }
        *writing = true;
        drop(writing);
        let written = write();
        *WRITING.lock().unwrap_or_else(PoisonError::into_inner) = false;
        WRITTEN.notify_all();
        written
    }
    /// The size in columns and rows; nothing where it can't be told, as on a serial line, which says zero.
    pub fn size() -> Option<(u16, u16)> {
        let size = rustix::termios::tcgetwinsize(stdout()).ok()?;
        (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
    }
    /// True once the other end of the terminal is closed. Asked every second, because a hang-up may come without its
    /// signal: in a child of a program that ignores it.
    pub fn is_gone() -> bool {
        let mut polled = [PollFd::new(input(), PollFlags::empty())];
        let at_once = Timespec::default();
        poll(&mut polled, Some(&at_once)).is_ok_and(|_| {
            polled[0]
                .revents()
                .intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
        })
    }
    /// True where input and output are a terminal.
    pub fn is_present() -> bool {
        rustix::termios::isatty(stdin()) && rustix::termios::isatty(stdout())
    }
    /// The bytes that set the window's title. Whatever could end the sequence early is left out.
    pub fn title(text: &str) -> Vec<u8> {
        let safe: String = text.chars().filter(|c| !c.is_control()).take(120).collect();
        format!("\x1b]2;{safe}\x1b\\").into_bytes()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn input() -> &'static BorrowedFd<'static> {
    static INPUT: std::sync::OnceLock<BorrowedFd<'static>> = std::sync::OnceLock::new();
    INPUT.get_or_init(stdin)
}

/// How long a terminal that takes nothing is waited for before it is given back as it is.
const PATIENCE: Duration = Duration::from_millis(200);

/// Waits until no frame is being written, at most `patience`: a terminal that takes nothing keeps its writer for ever.
fn frame_under_way(patience: Duration) {
    let writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    drop(WRITTEN.wait_timeout_while(writing, patience, |writing| *writing));
}

/// Gives the terminal back, once. Every step is tried; errors have nobody to go to.
fn give_back() {
    if !TAKEN.swap(false, Ordering::AcqRel) {
        return;
    }
    frame_under_way(PATIENCE);
    let sent = send(LEAVE, PATIENCE);
    let restored = disable_raw_mode();
    if let (Err(error), _) | (_, Err(error)) = (sent, restored) {
        tracing::debug!(%error, "the terminal could not be given back whole");
    }
}

/// Writes to the terminal, waiting at most `patience` for it to take the bytes.
fn send(mut bytes: &[u8], patience: Duration) -> std::io::Result<()> {
    while !bytes.is_empty() {
        wait_for_room(stdout(), Some(patience))?;
        match rustix::io::write(stdout(), bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
