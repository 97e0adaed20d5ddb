//! A panic in the engine's process. One in what serves a single caller (a session, a call, a page of history) ends that
//! caller's connection and nothing else. One in a part that all rest on (the engine's task, the journal's writer, the broker's
//! side, the watch for the halt file, the doors, the signals) ends the process: it is better gone than half dead. The small
//! parent starts the next one, which recovers from the journal and reads the broker. What is beside the orders' way (bars,
//! alerts, the audit log) fails by itself and says so.

use super::paths::Paths;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A part of the engine's process ended in a panic: the process ends with the code of one.
#[derive(Debug, thiserror::Error)]
#[error("{0} ended in a panic, and the engine's process with it; the next start recovers from the journal")]
pub struct Crashed(pub &'static str);

/// The exit code of a process that panicked: the small parent starts another one.
pub const EXIT_CODE: u8 = 101;

/// From now on panics are in the log too, not only on standard error.
pub(super) fn log_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!("{panic}");
        before(panic);
    }));
}

/// Waits for the end of a part, and tells where it was a panic.
pub(super) async fn watch_over(part: &'static str, work: JoinHandle<()>, tell: mpsc::Sender<Crashed>) {
    if work.await.is_err_and(|error| error.is_panic()) {
        let _ = tell.send(Crashed(part)).await;
    }
}

/// In a debug build, and nowhere else: with `TRADEWIND_MISHAP=engine` a panic at the place (`engine/planted.rs`) whose name
/// stands in the file `mishap` of the run folder. The file is taken away first, so that the next process goes on.
#[cfg(debug_assertions)]
pub(super) fn mind_places(paths: &Paths) {
    use std::path::PathBuf;
    use std::sync::OnceLock;
    static FILE: OnceLock<PathBuf> = OnceLock::new();

    #[expect(clippy::panic, reason = "it is what the file asks for")]
    fn at(name: &str) {
        let Some(file) = FILE.get() else { return };
        let wanted = std::fs::read_to_string(file).unwrap_or_default();
        if wanted.trim() == name && std::fs::remove_file(file).is_ok() {
            panic!("a mishap at '{name}', as TRADEWIND_MISHAP asks");
        }
    }
    if std::env::var("TRADEWIND_MISHAP").is_ok_and(|asked| asked == "engine") {
        let _ = FILE.set(paths.run().join("mishap"));
        crate::engine::planted::at_points(at);
    }
}

/// A release build has no such places.
#[cfg(not(debug_assertions))]
pub(super) fn mind_places(_: &Paths) {}
