//! An engine in a process and a folder of its own, and connections to it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tradewind::app::paths::Paths;
use tradewind::attach::Attached;
use tradewind::domain::InstrumentId;
use tradewind::engine::SessionKind;
use tradewind::wire::{ClientMessage, Query, ServerMessage};

const BINARY: &str = env!("CARGO_BIN_EXE_tradewind");

/// The instrument that everything is measured on.
pub const SYMBOL: &str = "AAPL";

/// A data folder with settings that let a bench send as fast as it can.
#[derive(Clone)]
pub struct Folder {
    folder: Rc<tempfile::TempDir>,
}

impl Folder {
    pub fn new(participants: bool) -> Self {
        Self::with(&format!("[sim]\nparticipants = {participants}\n"))
    }
    /// With these settings beside the limits.
    pub fn with(settings: &str) -> Self {
        // What holds back whoever trades without end is not what is measured.
        let limits = "[limits]\nduplicate_window_ms = 0\nrate_burst = 10000\nrate_per_second = 10000\nmax_live_orders = 1000\nmax_total_orders = 0\nmax_entries_5m = 0\nmax_round_trips_1m = 0\nloss_streak = 0\n";
        Self::of(&format!("{limits}{settings}"))
    }
    /// With these settings alone.
    pub fn of(settings: &str) -> Self {
        let folder = Rc::new(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
        std::fs::write(folder.path().join("config.toml"), settings).unwrap();
        Self { folder }
    }
    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
    pub fn paths(&self) -> Paths {
        Paths::new(&self.folder.path().to_string_lossy(), "default").unwrap()
    }
    /// What every call of the program is given.
    pub fn flags(&self) -> Vec<String> {
        let folder = self.folder.path();
        let config = folder.join("config.toml");
        [
            "--data-dir",
            &folder.to_string_lossy(),
            "--config",
            &config.to_string_lossy(),
            "--profile",
            "default",
        ]
        .map(str::to_owned)
        .to_vec()
    }
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(words).args(self.flags());
        for (name, value) in environment() {
            command.env(name, value);
        }
        command
    }
    pub fn stop_engine(&self) {
        let _ = self
            .command(&["stop"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// An engine must not outlive the bench, whatever happens to it.
pub fn environment() -> Vec<(&'static str, String)> {
    vec![("TRADEWIND_ENDS_WITH", std::process::id().to_string())]
}

/// How long a process takes that only prints its version: what a start costs on this machine at the least.
pub fn nothing_at_all() -> Duration {
    let begun = Instant::now();
    let status = Command::new(BINARY)
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    begun.elapsed()
}

/// An engine that runs.
pub struct Engine {
    process: Child,
    pub folder: Folder,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.folder.stop_engine();
        let _ = self.process.wait();
    }
}

impl Engine {
    /// Starts one, with participants who make a market or without.
    pub fn start(participants: bool) -> Self {
        Self::of(Folder::new(participants))
    }
    /// Starts one in this folder.
    pub fn of(folder: Folder) -> Self {
        let process = folder.command(&["serve"]).stdin(Stdio::null()).spawn().unwrap();
        let engine = Self { process, folder };
        runtime().block_on(engine.connect(SessionKind::Shell));
        engine
    }
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
    /// A greeted connection; waits while the engine starts.
    pub async fn connect(&self, kind: SessionKind) -> Attached {
        let socket = self.folder.paths().socket();
        for _ in 0..10_000 {
            if let Ok(attached) = Attached::connect(&socket, kind, env!("CARGO_PKG_VERSION")).await {
                return attached;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("no engine answers at {}", socket.display());
    }
    /// Attaches as a terminal does; when the state came, and when the first quote did.
    pub fn first_quote(&self) -> (Instant, Instant) {
        runtime().block_on(async {
            let mut attached = self.connect(SessionKind::Monitor).await;
            let symbol = InstrumentId::new(SYMBOL).unwrap();
            let mut state_at = None;
            attached.writer.write(&ClientMessage::Subscribe).await.unwrap();
            loop {
                match attached.reader.read().await.unwrap().expect("the engine talks") {
                    ServerMessage::Snapshot(_) => {
                        state_at = Some(Instant::now());
                        let watch = ClientMessage::Watch {
                            instruments: vec![symbol],
                            depth: Vec::new(),
                        };
                        attached.writer.write(&watch).await.unwrap();
                    }
                    ServerMessage::Market(batch) if !batch.quotes.is_empty() => {
                        return (state_at.expect("the state comes first"), Instant::now());
                    }
                    _ => {}
                }
            }
        })
    }
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// The state as it is now.
pub async fn state(attached: &mut Attached) -> tradewind::wire::SnapshotMessage {
    match attached.query(Query::State).await.unwrap() {
        tradewind::wire::Reply::State(state) => *state,
        other => panic!("not a state: {other:?}"),
    }
}
