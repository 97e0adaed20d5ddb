//! The audit log: what callers did, who, from where and how it ended. Records are chained by hash in a file of the profile
//! that refuses changes; the end of the chain is signed now and then into another file, so that a log that was made anew or
//! cut is found too (`verify`). One thread writes; who records waits for nothing.

mod book;
mod verify;

pub use book::{AuditBook, AuditError, Row};
pub use verify::{Report, verify};

use super::secret::Secret;
use crate::domain::{SafeText, Timestamp};
use crate::engine::Command;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Records that may wait for the disk. One more is counted and told in the log itself, and changes are refused meanwhile.
const WAITING_MAX: usize = 8_192;
/// Records of one commit.
const GROUP_MAX: usize = 512;
/// The end of the chain is signed after so many records,
const SIGN_AFTER: u64 = 100;
/// or so long after the first that is not covered.
const SIGN_WITHIN: Duration = Duration::from_secs(5);
/// Characters of one text of a record.
const TEXT_MAX: usize = 500;

/// One thing that a caller did or tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, UTC.
    pub at: String,
    /// Who: a user's or a key's name; empty for a stranger.
    pub who: String,
    /// With which role.
    pub role: String,
    /// From where: an address, or `local` for a command on this machine.
    pub from: String,
    /// By which key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// In which session.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// The address of the call, or the command.
    pub route: String,
    /// What was done, as a stable word such as `order.submit`; `call` for the call as a whole.
    pub what: String,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How it ended: `done`, a status, or the code of a refusal.
    pub outcome: String,
    /// The call's number, as in its answer's `x-request-id` and in the logs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request: String,
}

impl Entry {
    /// Something that a person did on this machine, outside the engine: who by their name there.
    pub fn local(at: Timestamp, who: String, what: &str, detail: &str) -> Self {
        Self {
            at: at.to_string(),
            who,
            from: "local".to_owned(),
            route: "tradewind".to_owned(),
            what: what.to_owned(),
            detail: detail.to_owned(),
            outcome: "done".to_owned(),
            ..Self::default()
        }
    }
    /// As it is kept: harmless to a terminal, and of bounded length.
    fn text(mut self) -> String {
        for field in [
            &mut self.at,
            &mut self.who,
            &mut self.role,
            &mut self.from,
            &mut self.key,
            &mut self.session,
            &mut self.route,
            &mut self.what,
            &mut self.detail,
            &mut self.outcome,
            &mut self.request,
        ] {
            if field.len() > TEXT_MAX || !field.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
                let short: String = field.chars().take(TEXT_MAX).collect();
                *field = SafeText::new(&short).as_str().to_owned();
            }
        }
        serde_json::to_string(&self).unwrap_or_default()
    }
}

/// A command in a record: its name, and all that it says.
pub fn in_words(command: &Command) -> (String, String) {
    let mut told = serde_json::to_value(command).unwrap_or_default();
    let name = told.as_object_mut().and_then(|told| told.remove("command"));
    let name = name.as_ref().and_then(serde_json::Value::as_str);
    (name.unwrap_or("command").to_owned(), told.to_string())
}

/// Where the log lies.
#[derive(Clone, Debug)]
pub struct AuditFiles {
    /// The records.
    pub book: PathBuf,
    /// The signed ends of the chain.
    pub heads: PathBuf,
}

impl AuditFiles {
    /// In a profile's folder.
    pub fn of(profile: &Path) -> Self {
        Self {
            book: profile.join("audit.db"),
            heads: profile.join("audit.heads"),
        }
    }
}

enum Told {
    Entry(Box<Entry>),
    /// Answered once all before it is stored.
    Flush(SyncSender<()>),
}

#[derive(Debug)]
struct Inner {
    queue: Mutex<Option<SyncSender<Told>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    whole: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
    files: AuditFiles,
}

/// The log of a running engine. Cheap to clone; clones are one. The last one stores what waits and signs the end.
#[derive(Clone, Debug)]
pub struct Audit(Arc<Inner>);

impl Audit {
    /// Opens the log and starts its thread.
    ///
    /// # Errors
    /// The file can't be opened, or is of a later program.
    pub fn start(files: AuditFiles, secret: &Secret) -> Result<Self, AuditError> {
        let book = AuditBook::open(&files, secret)?;
        let (queue, told) = sync_channel(WAITING_MAX);
        let (whole, lost) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
        let mut writer = Writer {
            book,
            whole: Arc::clone(&whole),
            lost: Arc::clone(&lost),
            unsigned: None,
            count: 0,
        };
        let thread = std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || writer.run(&told))
            .map_err(AuditError::Thread)?;
        Ok(Self(Arc::new(Inner {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
            whole,
            lost,
            files,
        })))
    }
    /// Records. Never waits.
    pub fn record(&self, entry: Entry) {
        let queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = queue
            .as_ref()
            .map(|queue| queue.try_send(Told::Entry(Box::new(entry))));
        if !matches!(sent, Some(Ok(()))) {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
            self.0.whole.store(false, Ordering::Relaxed);
        }
    }
    /// Whether all that was recorded is stored or will be. Where it is not, nothing may be changed but to halt and cancel.
    pub fn is_whole(&self) -> bool {
        self.0.whole.load(Ordering::Relaxed)
    }
    /// Waits until what was recorded before is stored. Blocks: not for a task.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        let queue = {
            let queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.clone()
        };
        if let Some(Ok(())) = queue.map(|queue| queue.try_send(Told::Flush(done)).map_err(drop_told)) {
            let _ = wait.recv_timeout(Duration::from_secs(5));
        }
    }
    /// A page of records, the newest first, those before the one of this number. Blocks: not for a task.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn page(&self, before: Option<u64>, limit: usize) -> Result<Vec<Row>, AuditError> {
        self.flush();
        book::page(&self.0.files.book, before, limit)
    }
}

fn drop_told(error: TrySendError<Told>) {
    drop(error);
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

struct Writer {
    book: AuditBook,
    whole: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
    /// Since when records are stored that no signed end covers.
    unsigned: Option<Instant>,
    count: u64,
}

impl Writer {
    fn run(&mut self, told: &Receiver<Told>) {
        let mut waiting: Vec<Entry> = Vec::new();
        loop {
            let pause = self.unsigned.map_or(Duration::from_secs(3_600), |since| {
                SIGN_WITHIN.saturating_sub(since.elapsed())
            });
            // What could not be stored is tried again soon.
            let pause = if waiting.is_empty() {
                pause
            } else {
                Duration::from_millis(500)
            };
            let mut flushed = Vec::new();
            let mut ended = false;
            match told.recv_timeout(pause) {
                Ok(first) => {
                    let more = std::iter::from_fn(|| told.try_recv().ok()).take(GROUP_MAX);
                    for one in std::iter::once(first).chain(more) {
                        match one {
                            Told::Entry(entry) if waiting.len() < WAITING_MAX => waiting.push(*entry),
                            Told::Entry(_) => {
                                self.lost.fetch_add(1, Ordering::Relaxed);
                            }
                            Told::Flush(done) => flushed.push(done),
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => ended = true,
            }
            self.store(&mut waiting);
            if ended || self.is_due() {
                self.sign();
            }
            for done in flushed {
                let _ = done.try_send(());
            }
            if ended {
                return;
            }
        }
    }
    fn store(&mut self, waiting: &mut Vec<Entry>) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let told = Entry {
                at: waiting.last().map_or_else(String::new, |entry| entry.at.clone()),
                what: "audit.lost".to_owned(),
                detail: format!("{lost} records could not be kept"),
                outcome: "lost".to_owned(),
                ..Entry::default()
            };
            waiting.push(told);
        }
        if waiting.is_empty() {
            return;
        }
        let texts: Vec<String> = waiting.iter().map(|entry| entry.clone().text()).collect();
        match self.book.append(&texts) {
            Ok(()) => {
                self.count += u64::try_from(texts.len()).unwrap_or(0);
                self.unsigned.get_or_insert_with(Instant::now);
                self.whole.store(true, Ordering::Relaxed);
                waiting.clear();
            }
            Err(error) => {
                if self.whole.swap(false, Ordering::Relaxed) {
                    tracing::error!(%error, "the audit log can't be written: only halts and cancels are taken");
                }
            }
        }
    }
    fn is_due(&self) -> bool {
        self.count >= SIGN_AFTER || self.unsigned.is_some_and(|since| since.elapsed() >= SIGN_WITHIN)
    }
    fn sign(&mut self) {
        match self.book.sign() {
            Ok(()) => {
                self.count = 0;
                self.unsigned = None;
            }
            Err(error) => {
                tracing::error!(%error, "the end of the audit log can't be signed");
                self.unsigned = Some(Instant::now());
            }
        }
    }
}

/// Stores one record at once and signs the end: for a command that runs beside the engine or without one.
///
/// # Errors
/// The file can't be written.
pub fn record_now(files: &AuditFiles, secret: &Secret, entry: Entry) -> Result<(), AuditError> {
    let mut book = AuditBook::open(files, secret)?;
    book.append(&[entry.text()])?;
    book.sign()
}
