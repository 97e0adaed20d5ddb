//! Runs the real program for the tests of the whole: a home of its own for each test, engines that end with it, a
//! pseudo-terminal with a screen to read, and waiting for a condition in place of waiting for a time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what only they use"
)]

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tradewind::attach::Attached;
use tradewind::domain::{Execution, Quantity, Timestamp};
use tradewind::engine::SessionKind;
use tradewind::venue::{Books, SqliteBooks};

/// Given up after this long. No test rests on how long something takes, only on that it comes to pass.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a command may take that ends by itself.
const ENDS_WITHIN: Duration = Duration::from_secs(300);
/// The profile of all tests, whatever the build would choose.
const PROFILE: &str = "t";
/// Lets a test send what it likes as fast as it likes, and have refused what it likes, on a machine as busy as it likes.
pub const UNHURRIED: &str = "[breakers]\nrejects = 0\nin_doubt = 0\nmismatches = 0\nack_p99_ms = 0\ncommit_ms = 0\n[limits]\nrate_burst = 10000\nrate_per_second = 10000\nduplicate_window_ms = 0\nmax_live_orders = 1000\nmax_total_orders = 0\nmax_entries_5m = 0\nmax_round_trips_1m = 0\nloss_streak = 0\nkeep_hours = false\nclose_band_bps = 0\nmax_order_cost = \"0\"\nmax_order_bps = 0\nmax_contracts_each = 0\nallow_short_sale = true\ncollar_future_bps = 10000\ncollar_forex_bps = 10000\ncollar_fund_bps = 10000\npause_before_halt_minutes = 0\nmax_price_age_seconds = 0\nmax_volume_bps = 0\n";

/// Lets a moment pass.
#[allow(
    clippy::disallowed_methods,
    reason = "other processes are waited for, which have no channel to here"
)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Waits until `ready` gives something.
pub fn until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    until_right(|| ready().ok_or_else(|| what.to_owned()))
}

/// Waits until `right` has nothing to complain of.
pub fn until_right<T>(mut right: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match right() {
            Ok(value) => return value,
            Err(wrong) if begun.elapsed() > PATIENCE => panic!("in vain waited for: {wrong}"),
            Err(_) => pause(Duration::from_millis(10)),
        }
    }
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// A refusal in words: this exit code, nothing on standard output, all of `words` on standard error, no panic.
    #[track_caller]
    pub fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert_eq!(self.out, "", "{self:#?}");
        assert!(!self.err.contains("panicked"), "{self:#?}");
        for word in words {
            assert!(self.err.contains(word), "no '{word}' in {self:#?}");
        }
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A home of a test's own: settings, data, and every engine that was started in it. All of it ends with the test.
pub struct Home {
    folder: tempfile::TempDir,
    data: PathBuf,
    environment: Vec<(String, String)>,
}

/// Files of a profile of which nobody decided whether a copy of it needs them.
pub fn undecided(profile: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(profile).unwrap().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    files
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| !tradewind::app::profile_files::is_known(name))
        .collect()
}

impl Home {
    /// Where its engine's HTTP port is.
    #[track_caller]
    pub fn port(&self) -> SocketAddr {
        until("the address of the port", || {
            let text = std::fs::read_to_string(self.file("run/http.address")).ok()?;
            text.trim().parse().ok()
        })
    }
    pub fn new() -> Self {
        Self::with(UNHURRIED)
    }
    /// With these settings where the program looks for them by itself.
    pub fn with(config: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("tw").tempdir().unwrap();
        let settings = folder.path().join("config/tradewind");
        std::fs::create_dir_all(&settings).unwrap();
        std::fs::write(settings.join("config.toml"), config).unwrap();
        let data = folder.path().join("d");
        Self {
            folder,
            data,
            environment: Vec::new(),
        }
    }
    /// With its data elsewhere.
    pub fn at(mut self, data: impl AsRef<Path>) -> Self {
        self.data = self.folder.path().join(data);
        self
    }
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
    pub fn data(&self) -> &Path {
        &self.data
    }
    /// A file of the profile.
    pub fn file(&self, name: &str) -> PathBuf {
        self.data.join(PROFILE).join(name)
    }
    pub fn socket(&self) -> PathBuf {
        self.file("run/engine.sock")
    }
    pub fn write_config(&self, config: &str) {
        std::fs::write(self.folder.path().join("config/tradewind/config.toml"), config).unwrap();
    }

    fn environment(&self) -> Vec<(String, String)> {
        let place = |name: &str| self.folder.path().join(name).to_string_lossy().into_owned();
        let pid = std::process::id().to_string();
        let mut all = vec![
            ("PATH".into(), std::env::var("PATH").unwrap_or_default()),
            ("HOME".into(), place("home")),
            ("XDG_CONFIG_HOME".into(), place("config")),
            ("XDG_RUNTIME_DIR".into(), place("r")),
            ("LANG".into(), "C.UTF-8".into()),
            ("TERM".into(), "xterm-256color".into()),
            ("COLORTERM".into(), "truecolor".into()),
            ("RUST_BACKTRACE".into(), "1".into()),
            ("TRADEWIND_PROFILE".into(), PROFILE.into()),
            (
                "TRADEWIND_DATA_DIR".into(),
                self.data.to_string_lossy().into_owned(),
            ),
            ("TRADEWIND_ENDS_WITH".into(), pid),
        ];
        all.extend(self.environment.iter().cloned());
        all
    }
    /// The program with these arguments, in this home.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tradewind"));
        command.args(arguments).env_clear().envs(self.environment());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
    /// What it says until it ends; one that does not end is ended, and fails its test in place of all that wait.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let child = self.command(arguments).spawn().unwrap();
        let (ended, ends) = mpsc::channel::<()>();
        let process = Pid::from_child(&child);
        let watch = std::thread::spawn(move || {
            if ends.recv_timeout(ENDS_WITHIN) == Err(RecvTimeoutError::Timeout) {
                let _ = kill_process(process, Signal::KILL);
            }
        });
        let ran = child.wait_with_output().unwrap();
        drop(ended);
        watch.join().unwrap();
        ran.into()
    }
    /// The same, and it has to go well.
    #[track_caller]
    pub fn done(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:#?}");
        ran.out
    }
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let out = self.done(&all);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
    }
    /// The answer as a list.
    #[track_caller]
    pub fn list(&self, command: &str) -> Vec<Value> {
        self.json(&[command]).as_array().unwrap().clone()
    }
    /// Sends an order and reads what became of it.
    #[track_caller]
    pub fn order(&self, sentence: &str) -> Value {
        self.json(&["order", sentence, "--yes"])[0].clone()
    }

    /// An engine in the foreground, ready to trade.
    pub fn serve(&self, arguments: &[&str]) -> Engine {
        let mut engine = self.begin(arguments);
        self.ready(&mut engine);
        engine
    }
    /// An engine in the foreground, on its way.
    pub fn begin(&self, arguments: &[&str]) -> Engine {
        let mut all = vec!["serve"];
        all.extend(arguments);
        let said = self.folder.path().join("serve.out");
        let said = std::fs::File::create(said).unwrap();
        let child = self.command(&all).stdout(Stdio::null()).stderr(said).spawn();
        Engine(child.unwrap())
    }
    fn ready(&self, engine: &mut Engine) {
        until("an engine that is ready", || {
            if let Some(status) = engine.0.try_wait().unwrap() {
                let said = std::fs::read_to_string(self.folder.path().join("serve.out")).unwrap();
                panic!("the engine ended by itself: {status}: {said}");
            }
            self.is_ready().then_some(())
        });
    }
    /// True where an engine answers and its links are ready.
    pub fn is_ready(&self) -> bool {
        let status = self.run(&["status", "--json"]);
        let Ok(status) = serde_json::from_str::<Value>(&status.out) else {
            return false;
        };
        let links = status["links"].as_array().unwrap();
        let trading = status["trading"].as_array().unwrap();
        !links.is_empty() && links.iter().all(|link| link["state"] == "ready") && trading.len() > 1
    }
    /// The engine's process, by what it says of itself.
    #[track_caller]
    pub fn engine_pid(&self) -> i32 {
        i32::try_from(self.json(&["status"])["pid"].as_i64().unwrap()).unwrap()
    }

    /// A connection as a terminal or a shell has one.
    pub async fn attach(&self, kind: SessionKind) -> Attached {
        Attached::connect(&self.socket(), kind, "a test").await.unwrap()
    }

    /// The exchange's own books, read from its own file.
    pub fn books(&self) -> Ledger {
        let mut books = SqliteBooks::open(&self.file("venue.db")).unwrap();
        let saved = books.load(Timestamp::MIN, Timestamp::MIN).unwrap();
        let word = |phase| {
            serde_json::to_value(phase)
                .unwrap()
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        Ledger {
            orders: saved
                .orders
                .iter()
                .map(|o| (o.id.to_string(), word(o.phase), o.filled.to_string()))
                .collect(),
            executions: saved.executions.iter().map(|(_, e)| e.clone()).collect(),
            positions: saved
                .positions
                .iter()
                .map(|p| (p.account.to_string(), p.instrument.to_string(), p.quantity))
                .collect(),
        }
    }
    /// Waits until what the engine says and what is in the exchange's books is the same, order by order and trade by
    /// trade, and positions are the sum of executions.
    #[track_caller]
    pub fn agrees_with_the_exchange(&self) {
        until_right(|| compare(self));
    }
    /// All text of the engine's log files.
    pub fn log(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.file("run")).unwrap().flatten() {
            if entry.path().extension().is_some_and(|end| end == "log") {
                text += &std::fs::read_to_string(entry.path()).unwrap();
            }
        }
        text
    }
    /// Orders and positions: what a terminal's end must not change.
    pub fn standing(&self) -> (Vec<Value>, Vec<(String, String)>) {
        let cell = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let positions = self.list("positions");
        let held = |row: &Value| (cell(row, "symbol"), cell(row, "quantity"));
        (self.list("orders"), positions.iter().map(held).collect())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // The holder's parent first, or it starts another engine.
        let holder = std::fs::read_to_string(self.file("run/engine.lock")).unwrap_or_default();
        let Ok(pid) = holder.trim().parse::<i32>() else {
            return;
        };
        if let Some(parent) = supervisor_of(pid) {
            signal(parent, Signal::KILL);
        }
        if is_program(pid) {
            signal(pid, Signal::KILL);
        }
    }
}

/// The exchange's own books, as far as the tests compare them.
pub struct Ledger {
    /// Client order id, phase, filled.
    pub orders: Vec<(String, String, String)>,
    pub executions: Vec<Execution>,
    /// Account, symbol, quantity.
    pub positions: Vec<(String, String, Quantity)>,
}

/// One order, one execution, one position by another: what differs.
fn compare(home: &Home) -> Result<(), String> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or("null").to_owned();
    let books = home.books();
    let (orders, executions) = (home.list("orders"), home.list("executions"));
    // These the engine says never arrived; that they are not there, the comparison shows.
    let never = ["denied", "not_sent", "absent"];
    let sent = |row: &&Value| !never.contains(&row["phase"].as_str().unwrap_or_default());
    let ours: BTreeMap<String, (String, String)> = orders
        .iter()
        .filter(sent)
        .map(|row| {
            (
                text(row, "client_order_id"),
                (text(row, "phase"), text(row, "filled")),
            )
        })
        .collect();
    let theirs: BTreeMap<String, (String, String)> = books
        .orders
        .iter()
        .map(|(id, phase, filled)| (id.clone(), (phase.clone(), filled.clone())))
        .collect();
    if ours != theirs || theirs.len() != books.orders.len() {
        return Err(format!("equal orders: {ours:?} and at the exchange {theirs:?}"));
    }
    let mut sums: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut ours: Vec<[String; 6]> = Vec::new();
    for row in &executions {
        let quantity: Quantity = text(row, "quantity").parse().unwrap();
        let sign = if row["side"] == "buy" { 1 } else { -1 };
        *sums
            .entry((text(row, "account"), text(row, "symbol")))
            .or_default() += sign * quantity.raw();
        ours.push(
            [
                "execution_id",
                "client_order_id",
                "quantity",
                "price",
                "fee",
                "symbol",
            ]
            .map(|name| text(row, name)),
        );
    }
    let mut theirs: Vec<[String; 6]> = books.executions.iter().map(row_of).collect();
    ours.sort();
    theirs.sort();
    if ours != theirs {
        return Err(format!(
            "equal executions: {ours:?} and at the exchange {theirs:?}"
        ));
    }
    let by_place = |rows: Vec<(String, String, i64)>| -> BTreeMap<(String, String), i64> {
        rows.into_iter()
            .map(|(account, symbol, raw)| ((account, symbol), raw))
            .filter(|(_, raw)| *raw != 0)
            .collect()
    };
    let quantity = |row: &Value| text(row, "quantity").parse::<Quantity>().unwrap().raw();
    let ours = by_place(
        home.list("positions")
            .iter()
            .map(|row| (text(row, "account"), text(row, "symbol"), quantity(row)))
            .collect(),
    );
    let theirs = by_place(
        books
            .positions
            .iter()
            .map(|(account, symbol, quantity)| (account.clone(), symbol.clone(), quantity.raw()))
            .collect(),
    );
    sums.retain(|_, raw| *raw != 0);
    if ours != theirs || ours != sums {
        return Err(format!(
            "equal positions: {ours:?}, at the exchange {theirs:?}, by executions {sums:?}"
        ));
    }
    Ok(())
}

fn row_of(execution: &Execution) -> [String; 6] {
    [
        execution.id.base.to_string(),
        execution.order.map_or("null".into(), |id| id.to_string()),
        execution.quantity.to_string(),
        execution.price.to_string(),
        execution.fee.map_or("null".into(), |fee| fee.amount.to_string()),
        execution.instrument.to_string(),
    ]
}

/// An engine that a test started itself. Killed when dropped.
pub struct Engine(pub Child);

impl Engine {
    pub fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }
    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
    /// Waits for its end.
    pub fn ended(&mut self) -> Option<i32> {
        until("the engine's end", || self.0.try_wait().unwrap()).code()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// True while the process is there, as anything but a corpse.
pub fn is_alive(pid: i32) -> bool {
    let there = Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok());
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    there && !stat.contains(") Z ")
}

fn arguments_of(pid: i32) -> String {
    let raw = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&raw).replace('\0', " ")
}

fn is_program(pid: i32) -> bool {
    arguments_of(pid).starts_with(env!("CARGO_BIN_EXE_tradewind"))
}

/// The small parent that would start the engine again.
pub fn supervisor_of(engine: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{engine}/stat")).ok()?;
    let parent: i32 = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
    (is_program(parent) && arguments_of(parent).contains(" supervise ")).then_some(parent)
}

/// A runtime for a test that speaks the protocol itself.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// One desk test at a time: a desk that waits for the processor of another would be slow to draw.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub const ENTER: &str = "\r";
const ESC: &str = "\x1b";
/// What a terminal is asked, and what it answers: how it is, and what it is.
const QUESTIONS: [(&[u8], &[u8]); 2] = [(b"\x1b[5n", b"\x1b[0n"), (b"\x1b[c", b"\x1b[?1;2c")];
/// How far apart hands press keys. Six keys within ten milliseconds are a paste.
const BETWEEN_KEYS: Duration = Duration::from_millis(12);
/// How long a program that is busy may take to read a key.
const READS_WITHIN: Duration = Duration::from_secs(2);
pub const TAB: &str = "\t";
pub const PANIC: &str = "\x18";

/// A desk in a pseudo-terminal, with its screen.
pub struct Desk {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// How often something was read of what the program writes.
    heard: Arc<AtomicU64>,
    unread: Arc<Gate>,
}

/// True while nobody reads what the program writes, as behind a line that hangs or Ctrl-S.
type Gate = (Mutex<bool>, Condvar);

/// Answers the questions in what was read. A question may come in two pieces: the beginning of one is left for the next time.
fn answers_to(read: &mut Vec<u8>) -> Vec<u8> {
    let (mut said, mut at) = (Vec::new(), 0);
    while let Some(rest) = read.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some((question, answer)) = QUESTIONS.iter().find(|(question, _)| rest.starts_with(question)) {
            said.extend_from_slice(answer);
            at += question.len();
        } else if QUESTIONS.iter().any(|(question, _)| question.starts_with(rest)) {
            break;
        } else {
            at += 1;
        }
    }
    read.drain(..at);
    said
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

impl Desk {
    /// Starts the program with these arguments in a terminal of this size.
    pub fn open(home: &Home, arguments: &[&str], size: (u16, u16)) -> Self {
        Self::open_in(home, arguments, size, true)
    }
    /// In a terminal that answers when it is asked how it is, or in one that never does.
    pub fn open_in(home: &Home, arguments: &[&str], size: (u16, u16), answers: bool) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tradewind"));
        command.args(arguments);
        Self::spawn(home, command, size, answers)
    }
    /// Under a shell with job control, which runs this script; `$TRADEWIND` is the program.
    pub fn open_in_shell(home: &Home, script: &str, size: (u16, u16)) -> Self {
        let mut command = CommandBuilder::new("/bin/sh");
        command.args(["-m", "-c", script]);
        Self::spawn(home, command, size, true)
    }
    fn spawn(home: &Home, mut command: CommandBuilder, (columns, rows): (u16, u16), answers: bool) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).unwrap();
        command.env_clear();
        for (name, value) in home.environment() {
            command.env(name, value);
        }
        command.env("TRADEWIND", env!("CARGO_BIN_EXE_tradewind"));
        command.cwd(home.folder());
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let answer = Arc::clone(&writer);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let shown = Arc::clone(&screen);
        let heard = Arc::<AtomicU64>::default();
        let hears = Arc::clone(&heard);
        let unread = Arc::new(Gate::default());
        let gate = Arc::clone(&unread);
        std::thread::spawn(move || {
            let mut bytes = [0; 65_536];
            let mut seen: Vec<u8> = Vec::new();
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                let closed = gate.0.lock().unwrap_or_else(PoisonError::into_inner);
                drop(gate.1.wait_while(closed, |closed| *closed));
                lock(&shown).process(&bytes[..count]);
                hears.fetch_add(1, Ordering::Relaxed);
                seen.extend_from_slice(&bytes[..count]);
                let said = answers_to(&mut seen);
                if answers && !said.is_empty() {
                    let mut writer = answer.lock().unwrap_or_else(PoisonError::into_inner);
                    let _ = writer.write_all(&said).and_then(|()| writer.flush());
                }
            }
        });
        Self {
            child,
            master: pair.master,
            writer,
            screen,
            heard,
            unread,
        }
    }
    /// From now on nobody reads what the program writes, or somebody does again.
    pub fn is_read_by_nobody(&self, nobody: bool) {
        *self.unread.0.lock().unwrap_or_else(PoisonError::into_inner) = nobody;
        self.unread.1.notify_all();
    }
    /// A desk that starts its engine, or finds it, and shows a market.
    #[track_caller]
    pub fn ready(home: &Home, size: (u16, u16)) -> Self {
        let desk = Self::open(home, &[], size);
        desk.shows("● ready");
        desk.shows("AAPL");
        desk
    }
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.process_id().unwrap()).unwrap()
    }
    pub fn text(&self) -> String {
        lock(&self.screen).screen().contents()
    }
    /// Types as hands do: key after key, each once the one before was read, and farther apart than the keys of a paste.
    /// What begins with an escape is one key.
    pub fn types(&mut self, text: &str) {
        let keys: Vec<String> = match text.starts_with(ESC) {
            true => vec![text.to_owned()],
            false => text.chars().map(String::from).collect(),
        };
        for key in keys {
            pause(BETWEEN_KEYS);
            self.sends(&key);
            self.is_read();
        }
    }
    /// Waits until the program has read what was typed; not for one that has ended or does not read.
    fn is_read(&mut self) {
        let Some(name) = self.master.tty_name() else {
            return;
        };
        let Ok(terminal) = open(
            name,
            OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK,
            Mode::empty(),
        ) else {
            return;
        };
        let begun = Instant::now();
        while begun.elapsed() < READS_WITHIN
            && ioctl_fionread(&terminal).is_ok_and(|unread| unread > 0)
            && matches!(self.child.try_wait(), Ok(None))
        {
            pause(Duration::from_millis(1));
        }
    }
    /// Sends bytes to the program all at once, as a paste or another program does.
    pub fn sends(&mut self, text: &str) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(text.as_bytes()).unwrap();
        writer.flush().unwrap();
    }
    /// Waits until the screen shows this.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        self.comes_to(text, |screen| screen.contains(text));
    }
    #[track_caller]
    pub fn shows_no_more(&self, text: &str) {
        self.comes_to(&format!("no '{text}'"), |screen| !screen.contains(text));
    }
    /// Waits until the screen is as wanted.
    #[track_caller]
    pub fn comes_to(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !wanted(&self.text()) {
            assert!(
                begun.elapsed() < PATIENCE,
                "in vain waited for '{what}' on:\n{}",
                self.text()
            );
            pause(Duration::from_millis(10));
        }
    }
    /// Presses Enter as a person who looks first and presses again where it did not count: until what was meant has
    /// come to pass.
    #[track_caller]
    pub fn confirms(&mut self, done: impl Fn() -> bool) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            // Longer than the pause between two Enters that both count, and than a preview has to stand.
            pause(Duration::from_millis(750));
            self.types(ENTER);
            for _ in 0..20 {
                if done() {
                    return;
                }
                pause(Duration::from_millis(50));
            }
        }
        panic!("Enter did not do it:\n{}", self.text());
    }
    /// The same, until the screen shows what was meant. Waits long enough for it that no second Enter goes to what the
    /// first one brought.
    #[track_caller]
    pub fn enters_until(&mut self, text: &str) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            pause(Duration::from_millis(750));
            self.types(ENTER);
            for _ in 0..100 {
                if self.text().contains(text) {
                    return;
                }
                pause(Duration::from_millis(50));
            }
        }
        panic!("Enter did not bring '{text}':\n{}", self.text());
    }
    /// Types a line behind `:` and sends it.
    #[track_caller]
    pub fn says(&mut self, line: &str, done: impl Fn() -> bool) {
        self.types(":");
        self.types(line);
        self.shows(line);
        self.confirms(done);
    }
    /// Types a word of the desk itself behind `:` and sends it.
    #[track_caller]
    pub fn word(&mut self, line: &str) {
        self.types(":");
        self.types(line);
        let shown = format!(":{line}");
        self.shows(&shown);
        self.types(ENTER);
        self.shows_no_more(&shown);
    }
    /// Presses Esc, and waits as a person does: an escape and what follows at once is another key. Then until the program has
    /// drawn again, where it draws: on a busy machine it may not have looked at the clock since.
    pub fn escapes(&mut self) {
        self.types(ESC);
        pause(Duration::from_millis(200));
        let (drawn, begun) = (self.heard.load(Ordering::Relaxed) + 2, Instant::now());
        while self.heard.load(Ordering::Relaxed) < drawn && begun.elapsed() < READS_WITHIN {
            pause(Duration::from_millis(5));
        }
    }
    /// Clicks on the first cell of a text that is on the screen, or so many cells before it.
    #[track_caller]
    pub fn clicks(&mut self, text: &str, before_it: usize) {
        let (column, row) = self.place_of(text);
        let column = column - before_it;
        self.types(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
    }
    /// Turns the wheel down by a notch over the first cell of a text that is on the screen.
    #[track_caller]
    pub fn wheels(&mut self, text: &str) {
        let (column, row) = self.place_of(text);
        self.types(&format!("\x1b[<65;{column};{row}M"));
    }
    /// Column and row of a text's first cell, from one on.
    #[track_caller]
    fn place_of(&self, text: &str) -> (usize, usize) {
        self.shows(text);
        let screen = self.text();
        let (row, before) = screen
            .lines()
            .enumerate()
            .find_map(|(row, line)| Some((row, line.split_once(text)?.0)))
            .unwrap();
        (before.chars().count() + 1, row + 1)
    }
    pub fn resize(&self, columns: u16, rows: u16) {
        lock(&self.screen)
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        let size = PtySize {
            rows,
            cols: columns,
            ..PtySize::default()
        };
        self.master.resize(size).unwrap();
    }
    /// Waits for the program's end: its exit code.
    #[track_caller]
    pub fn ends(&mut self) -> u32 {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end:\n{}", self.text());
            pause(Duration::from_millis(10));
        }
    }
    /// Colours that are on the screen.
    pub fn colours(&self) -> usize {
        let parser = lock(&self.screen);
        let (rows, columns) = parser.screen().size();
        let mut seen = std::collections::BTreeSet::new();
        for row in 0..rows.get() {
            for column in 0..columns.get() {
                if let Some(cell) = parser.screen().cell(row, column) {
                    seen.insert(format!("{:?} {:?}", cell.fgcolor(), cell.bgcolor()));
                }
            }
        }
        seen.len()
    }
    /// What is switched on in the terminal that a shell has off.
    fn modes(&self) -> Vec<&'static str> {
        let parser = lock(&self.screen);
        let screen = parser.screen();
        let local = self.master.get_termios().unwrap().local_flags.bits();
        let cooked = rustix::termios::LocalModes::ICANON | rustix::termios::LocalModes::ECHO;
        let mouse = screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None;
        let modes = [
            (screen.alternate_screen(), "alternate screen"),
            (screen.hide_cursor(), "hidden cursor"),
            (screen.bracketed_paste(), "bracketed paste"),
            (mouse, "mouse"),
            (local & cooked.bits() != cooked.bits(), "raw mode"),
        ];
        modes
            .into_iter()
            .filter(|(on, _)| *on)
            .map(|(_, name)| name)
            .collect()
    }
    /// True where the terminal is as it was: no mode is left on, and the line discipline echoes and edits again.
    #[track_caller]
    pub fn is_given_back(&self) {
        until_right(|| match self.modes() {
            kept if kept.is_empty() => Ok(()),
            kept => Err(format!("the terminal back without {}", kept.join(", "))),
        });
    }
    /// True where the desk has the terminal; the cursor may be seen, where something is typed.
    #[track_caller]
    pub fn is_taken(&self) {
        let wanted = ["alternate screen", "bracketed paste", "mouse", "raw mode"];
        until_right(|| match self.modes() {
            taken if wanted.iter().all(|mode| taken.contains(mode)) => Ok(()),
            taken => Err(format!("the terminal taken, not only {}", taken.join(", "))),
        });
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lock(screen: &Mutex<vt100::Parser>) -> MutexGuard<'_, vt100::Parser> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}
