//! The loop: one place where everything that can wake the screen is named, in a fixed order of choice. Data changes the
//! desk and marks it; the desk's own pace (`pace`) draws, if marked and if the writer is free. A key is drawn at once
//! where the last frame is old enough. A terminal that goes away ends the loop before its input can spin.

use super::clipboard;
use super::colour::ColourDepth;
use super::desk::{Desk, Effect, IdMaker, Tone};
use super::input::{Decoder, Input};
use super::keymap::Keymap;
use super::link::{FromEngine, ToEngine};
use super::memory::{DeskMemory, Keep};
use super::pace::{LineSpeed, Pace};
use super::panes::watchlist::WatchSettings;
use super::plan::Group;
use super::reader::Reader;
use super::screen::Screen;
use super::terminal::Terminal;
use super::ticket::FirstQuantities;
use super::times::Stopwatch;
use super::view::{self, Drawn};
use super::writer::Writer;
use crate::domain::{AccountKey, Quantity, Timestamp};
use crate::engine::sentence::Templates;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::stdio::{stdin, stdout};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

/// A key is drawn at once where the last frame is older than this; else it waits for the tick.
const KEY_FRAME: Duration = Duration::from_millis(8);
/// How long a desk that leaves waits for an answer of its terminal.
const HEAR_OUT: Duration = Duration::from_millis(300);
/// How many messages of the engine are taken in a row before the loop looks at everything again.
const BATCH: usize = 256;

/// How the desk is to look and behave. Texts of themes are handed in: the desk reads no files.
#[derive(Clone, Debug)]
pub struct TuiSettings {
    /// Every theme there is: name and TOML text.
    pub themes: Vec<(String, String)>,
    /// The chosen one.
    pub theme: String,
    /// The profile's name, for the status bar and the title.
    pub profile: String,
    /// Whether the mouse is used.
    pub mouse: bool,
    /// Frames a second at most, 1 to 120.
    pub fps: u16,
    /// What is known of the line to the terminal.
    pub line: LineSpeed,
    /// How many colours to send; nothing asks the environment.
    pub colour: Option<ColourDepth>,
    /// The account to begin with.
    pub default_account: Option<AccountKey>,
    /// What a first order in each kind of instrument starts with.
    pub first_quantities: FirstQuantities,
    /// How the terminal tells of alerts.
    pub alarm: super::alerts::AlarmSettings,
    /// After so long without a key, arming of a real account ends; zero for never.
    pub arm_idle: Duration,
    /// Lists and columns of the watchlist.
    pub watch: WatchSettings,
    /// From what size on a print is large; nothing to tell by the usual sizes.
    pub large_print: Option<Quantity>,
    /// Named exits, from the settings.
    pub templates: Templates,
    /// The last lines of this program's log, for the log pane.
    pub log: Arc<Mutex<VecDeque<String>>>,
    /// What it begins with beyond these.
    pub opening: Opening,
}

/// What a desk begins with: what was remembered, and what this start was told.
#[derive(Clone, Debug)]
pub struct Opening {
    /// What was remembered.
    pub memory: DeskMemory,
    /// What is wrong with what was remembered, or with the settings of keys: said when the desk opens.
    pub faults: Vec<String>,
    /// Takes what is to be remembered.
    pub keep: Keep,
    /// The theme was named for this start alone, which what is remembered does not change.
    pub theme_is_told: bool,
    /// The zone of this machine.
    pub local_zone: jiff::tz::TimeZone,
    /// The workspace to begin with.
    pub workspace: Option<u8>,
    /// The group that every pane of it follows.
    pub link: Option<Group>,
    /// The keys.
    pub keymap: Keymap,
}
impl Default for Opening {
    fn default() -> Self {
        Self {
            memory: DeskMemory::default(),
            faults: Vec::new(),
            keep: Keep::default(),
            theme_is_told: false,
            local_zone: jiff::tz::TimeZone::UTC,
            workspace: None,
            link: None,
            keymap: Keymap::default(),
        }
    }
}

/// How the desk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The person left; the engine goes on.
    Detached,
    /// The person asked for the engine to stop too.
    StopEngine,
    /// The terminal went away, or the program was told to end.
    HungUp,
}

/// Why the desk could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// Input or output is no terminal.
    #[error(
        "the desk needs a terminal on standard input and output; one-shot commands such as `tradewind status` do not"
    )]
    NoTerminal,
    /// The terminal refused a setting.
    #[error("the terminal could not be set up: {0}")]
    Terminal(#[from] std::io::Error),
    /// Something beside the loop panicked: its terminal is given back, and what it did nobody does now.
    #[error(
        "a part of the desk ended in a panic, told above and in the log; the engine goes on, and 'tradewind attach' comes back to it"
    )]
    Panicked,
}

/// Whose clock says what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Shows the desk until the person leaves or the terminal goes away.
///
/// # Errors
/// Where there is no terminal, or it can't be set up.
pub async fn run(
    settings: TuiSettings,
    mut from: Receiver<FromEngine>,
    to: Sender<ToEngine>,
    new_id: IdMaker,
    clock: Clock,
) -> Result<Exit, TuiError> {
    if !Terminal::is_present() {
        return Err(TuiError::NoTerminal);
    }
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // Keys can't send these in raw mode; somebody's `kill` can.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut resumed = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
    let mut stage = Stage::new(&settings, new_id, Arc::clone(&clock))?;
    let mut reader = Some(Reader::start(stdin(), Arc::clone(&clock))?);
    let mut second = every(Duration::from_secs(1));
    let mut open = true;
    let exit = loop {
        let waking = stage.waking();
        let torn = stage.decoder.deadline();
        // A deadline stays where it is, whatever else wakes the loop before.
        let torn_for = torn.map_or(Duration::ZERO, |at| at.since(stage.now()));
        let typed = async {
            match reader.as_mut() {
                Some(reader) => reader.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = hangup.recv() => break Exit::HungUp,
            _ = terminate.recv() => break Exit::HungUp,
            _ = interrupt.recv() => break Exit::HungUp,
            _ = quit.recv() => break Exit::HungUp,
            _ = resumed.recv() => stage.come_back()?,
            typed = typed => match typed {
                Some(typed) => stage.take_input(&typed.bytes, typed.at),
                None => break Exit::HungUp,
            },
            _ = resized.recv() => stage.resize(),
            () = sleep_until(Instant::now() + torn_for), if torn.is_some() => stage.take_input(&[], stage.now()),
            _ = second.tick() => {
                if Terminal::is_gone() {
                    break Exit::HungUp;
                }
                stage.second();
            }
            () = sleep_until(waking.unwrap_or_else(Instant::now)), if waking.is_some() => stage.wake(),
            () = sleep_until(stage.pace.due(Instant::now())), if stage.wants_frame() => stage.draw(),
            () = stage.writer.idle(), if stage.writer.is_busy() => {}
            message = from.recv(), if open => match message {
                Some(message) => {
                    stage.take(message);
                    for _ in 1..BATCH {
                        let Ok(message) = from.try_recv() else { break };
                        stage.take(message);
                    }
                }
                None => {
                    open = false;
                    stage.take(FromEngine::Lost { reason: "the connection ended".to_owned() });
                }
            },
        }
        if stage.writer.has_failed() || !Terminal::is_taken() {
            break Exit::HungUp;
        }
        match stage.settle(&to) {
            Next::Go => {}
            Next::Leave(exit) => break exit,
            Next::Suspend => {
                stage.hear_out(reader.as_mut()).await;
                // Nobody may read the terminal while the shell has it.
                drop(reader.take());
                stage.suspend()?;
                reader = Some(Reader::start(stdin(), Arc::clone(&clock))?);
            }
        }
    };
    let panicked = !Terminal::is_taken();
    // A terminal that is gone ends the reader, and is waited for no longer.
    stage.hear_out(reader.as_mut()).await;
    drop(reader);
    stage.leave(exit, &to);
    if panicked {
        return Err(TuiError::Panicked);
    }
    Ok(exit)
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    interval
}

/// What the loop does next.
enum Next {
    Go,
    Leave(Exit),
    Suspend,
}

/// The desk with its terminal.
struct Stage {
    desk: Desk,
    decoder: Decoder,
    screen: Screen,
    writer: Writer,
    terminal: Terminal,
    clock: Clock,
    buffer: Buffer,
    drawn: Drawn,
    pace: Pace,
    dirty: bool,
    /// A key came: draw without waiting for the tick.
    hurry: bool,
    drawn_at: Option<Instant>,
    effects: Vec<Effect>,
    watch: Stopwatch,
    /// What the engine could not be told yet, because its channel was full.
    untold: VecDeque<ToEngine>,
    title: String,
    keep: Keep,
    /// The moment at which the screen changes by itself has come since the last key.
    woken: bool,
    /// What goes to the clipboard with the next frame.
    clipboard: Vec<u8>,
    /// What makes the terminal ring, to go out with the next frame.
    ring: Vec<u8>,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("desk", &self.desk)
            .finish_non_exhaustive()
    }
}

impl Stage {
    fn new(settings: &TuiSettings, new_id: IdMaker, clock: Clock) -> Result<Self, TuiError> {
        let depth = settings
            .colour
            .unwrap_or_else(|| ColourDepth::detect(|name| std::env::var(name).ok()));
        let mut desk = Desk::new(settings, new_id, clock());
        if depth == ColourDepth::None {
            desk.without_colour();
        }
        let terminal = Terminal::take(settings.mouse)?;
        desk.probe.start();
        let mut stage = Self {
            desk,
            decoder: Decoder::default(),
            screen: Screen::new(depth),
            writer: Writer::start(stdout())?,
            terminal,
            clock,
            buffer: Buffer::empty(Rect::ZERO),
            drawn: Drawn::default(),
            pace: Pace::new(settings.fps, settings.line),
            dirty: true,
            hurry: true,
            drawn_at: None,
            effects: Vec::new(),
            watch: Stopwatch::default(),
            untold: VecDeque::new(),
            title: String::new(),
            keep: settings.opening.keep.clone(),
            woken: false,
            clipboard: Vec::new(),
            ring: Vec::new(),
        };
        stage.draw();
        Ok(stage)
    }
    fn now(&self) -> Timestamp {
        (self.clock)()
    }
    fn take(&mut self, message: FromEngine) {
        if self.watch.takes(&message, &mut self.desk.world.times) {
            return;
        }
        let now = self.now();
        self.effects.extend(self.desk.on_engine(message, now));
        self.effects.extend(self.desk.ring(now));
        self.dirty = true;
    }
    fn take_input(&mut self, bytes: &[u8], at: Timestamp) {
        #[cfg(debug_assertions)]
        super::mishap::at(bytes);
        let now = self.now();
        self.watch.typed(now);
        self.woken = false;
        for input in self.decoder.feed(bytes, at) {
            if matches!(input, Input::Answer(_)) {
                self.desk.on_input(&input, &self.drawn, now);
                if let Some(round_trip) = self.desk.probe.round_trip() {
                    self.decoder.set_round_trip(round_trip);
                }
                continue;
            }
            self.effects.extend(self.desk.on_input(&input, &self.drawn, now));
        }
        self.dirty = true;
        self.hurry = true;
    }
    fn resize(&mut self) {
        let now = self.now();
        self.effects
            .extend(self.desk.on_input(&Input::Resize, &self.drawn, now));
        self.dirty = true;
        self.hurry = true;
    }
    /// Once a second clocks and ages change.
    fn second(&mut self) {
        let now = self.now();
        self.desk.tick(now);
        self.desk.watch_terminal(now);
        self.effects.extend(self.desk.disarm_idle(now));
        self.effects.extend(self.desk.ask_what_if(now));
        self.remember();
        self.effects.extend(self.desk.ask_for_panes(now));
        self.effects.extend(self.desk.ring(now));
        self.dirty = true;
    }
    /// When the screen changes by itself, where it was not drawn since.
    fn waking(&self) -> Option<Instant> {
        let at = self.desk.wakes_at().filter(|_| !self.woken)?;
        Some(Instant::now() + at.since(self.now()))
    }
    /// The moment has come.
    fn wake(&mut self) {
        self.woken = true;
        self.dirty = true;
        self.hurry = true;
    }
    /// Copies the row under the focused pane's cursor to the clipboard: whole where the pane knows it, else as the last
    /// frame shows it.
    fn copy_row(&mut self) {
        let now = self.now();
        let selected = self.desk.world.theme.selection;
        let area = self
            .drawn
            .panes
            .iter()
            .find(|(pane, ..)| *pane == self.desk.focus);
        let shown = |(_, area, _): &(_, Rect, _)| clipboard::row_under_cursor(&self.buffer, *area, selected);
        let text = self.desk.whole_row(now).or_else(|| area.and_then(shown));
        match text {
            Some(text) => {
                let in_tmux = std::env::var_os("TMUX").is_some();
                self.clipboard.extend(clipboard::copies(&text, in_tmux));
                self.desk.say(Tone::Plain, format!("copied: {text}"), now);
            }
            None => self
                .desk
                .say(Tone::Plain, "no row is selected here: j and k select one", now),
        }
        self.dirty = true;
    }
    /// Hands on what is new to remember.
    fn remember(&mut self) {
        if let Some(text) = self.desk.to_keep() {
            (self.keep.0)(text);
        }
    }
    fn wants_frame(&self) -> bool {
        self.dirty && !self.writer.is_busy()
    }
    /// Draws one frame and hands it to the writer, where it is free. Nothing is written where nothing differs.
    fn draw(&mut self) {
        if self.writer.is_busy() || !Terminal::is_taken() {
            return;
        }
        let now = self.now();
        let (width, height) = Terminal::size().unwrap_or(view::SMALLEST);
        let area = Rect::new(0, 0, width, height);
        if self.buffer.area != area {
            self.buffer = Buffer::empty(area);
        }
        self.desk.body = view::body_of(area);
        self.desk.too_small = view::is_too_small(width, height);
        self.drawn = view::draw(&self.desk, now, &mut self.buffer);
        let theme = &self.desk.world.theme;
        self.screen.set_plain_grounds(vec![theme.background, theme.panel]);
        let mut bytes = self.writer.buffer();
        let title = self.desk.title();
        if title != self.title {
            bytes.extend(Terminal::title(&title));
            self.title = title;
        }
        bytes.append(&mut self.clipboard);
        self.screen.frame(&self.buffer, self.drawn.cursor, &mut bytes);
        bytes.append(&mut self.ring);
        let asks = self.desk.wants_probe();
        if asks {
            bytes.extend_from_slice(self.desk.probe.question().bytes());
        }
        if let Some(took) = self.writer.took() {
            self.pace.written(took);
        }
        self.pace.drawn(bytes.len(), Instant::now());
        if !bytes.is_empty() {
            if !self.writer.send(bytes) {
                self.screen.forget();
            } else if asks {
                self.desk.probe_sent(now);
            }
        }
        self.dirty = false;
        self.hurry = false;
        self.drawn_at = Some(Instant::now());
        let now = self.now();
        self.watch.drew(now, &mut self.desk.world.times);
    }
    /// Carries out what the desk asked for, and draws at once after a key.
    fn settle(&mut self, to: &Sender<ToEngine>) -> Next {
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Tell(message) => {
                    self.watch.tells(&message);
                    self.untold.push_back(message);
                }
                Effect::Redraw => self.screen.forget(),
                Effect::Leave(exit) => return Next::Leave(exit),
                Effect::Suspend => return Next::Suspend,
                Effect::CopyRow => self.copy_row(),
                Effect::Ring(bytes) => self.ring.extend(bytes),
            }
        }
        self.watch.settled();
        self.tell(to);
        let old_enough = self.drawn_at.is_none_or(|at| at.elapsed() > KEY_FRAME);
        if self.hurry && old_enough && self.wants_frame() && self.pace.may_hurry(Instant::now()) {
            self.draw();
        }
        Next::Go
    }
    /// Tells the engine what waits. The loop never waits for the channel: what does not fit goes next time.
    fn tell(&mut self, to: &Sender<ToEngine>) {
        while let Some(message) = self.untold.pop_front() {
            if let Err(error) = to.try_send(message) {
                if let tokio::sync::mpsc::error::TrySendError::Full(message) = error {
                    self.untold.push_front(message);
                }
                break;
            }
        }
    }
    /// Takes the answers that the terminal still owes, so that the shell does not read them as typed. What else comes is
    /// let go: it was typed at a desk that was leaving.
    async fn hear_out(&mut self, reader: Option<&mut Reader>) {
        let Some(reader) = reader else { return };
        let until = Instant::now() + HEAR_OUT;
        while self.desk.probe.is_waiting() {
            let Ok(Some(typed)) = tokio::time::timeout_at(until, reader.next()).await else {
                break;
            };
            let now = self.now();
            for input in self.decoder.feed(&typed.bytes, typed.at) {
                if matches!(input, Input::Answer(_)) {
                    self.desk.on_input(&input, &self.drawn, now);
                }
            }
        }
        self.desk.probe.forget();
    }
    fn suspend(&mut self) -> Result<(), TuiError> {
        self.writer.drain(Duration::from_millis(200));
        self.terminal.suspend()?;
        self.screen.forget();
        self.dirty = true;
        self.hurry = true;
        Ok(())
    }
    /// The shell let us go on after a stop that we did not ask for: it may have changed everything.
    fn come_back(&mut self) -> Result<(), TuiError> {
        self.terminal.enter()?;
        self.screen.forget();
        self.dirty = true;
        self.hurry = true;
        Ok(())
    }
    fn leave(mut self, exit: Exit, to: &Sender<ToEngine>) {
        self.remember();
        let last = if exit == Exit::StopEngine {
            ToEngine::StopEngine
        } else {
            ToEngine::Detach
        };
        self.untold.push_back(last);
        self.tell(to);
        // A frame that is written after the terminal was given back would stand on the shell's screen.
        self.writer.drain(Duration::from_millis(200));
    }
}
