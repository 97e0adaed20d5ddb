//! The real program in a pseudo-terminal: keys in, and its screen as a person would see it.

use crate::engine::{Folder, SYMBOL, environment};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Nothing that is waited for takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    /// Kept so that the terminal stays open.
    _master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    parser: vt100::Parser,
    bytes: usize,
    last_at: Instant,
}

/// A length that is not zero.
fn cell(length: u16) -> NonZero<u16> {
    NonZero::new(length).expect("a terminal has a size")
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[allow(dead_code, reason = "two benches share it, and neither uses all of it")]
impl Terminal {
    pub fn open(folder: &Folder, words: &[&str], size: (u16, u16)) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tradewind"));
        command.args(words);
        command.args(folder.flags());
        Self::run(command, size)
    }
    /// Any other program.
    pub fn of(words: &[&str], variables: &[(&str, &str)], size: (u16, u16)) -> Self {
        let mut command = CommandBuilder::new(words[0]);
        command.args(&words[1..]);
        for (name, value) in variables {
            command.env(name, value);
        }
        Self::run(command, size)
    }
    fn run(mut command: CommandBuilder, (columns, rows): (u16, u16)) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).unwrap();
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        for (name, value) in environment() {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let (mut reader, keys) = (
            pair.master.try_clone_reader().unwrap(),
            pair.master.take_writer().unwrap(),
        );
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send((Instant::now(), buffer[..count].to_vec())).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            _master: pair.master,
            keys,
            output,
            parser: vt100::Parser::new(cell(rows), cell(columns), 0),
            bytes: 0,
            last_at: Instant::now(),
        }
    }
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }
    /// How many bytes it wrote so far.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
    /// When the newest output came that was looked at.
    pub fn last_at(&self) -> Instant {
        self.last_at
    }
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }
    /// Reads on until the screen shows what is wanted; when the output came that did it.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) -> Instant {
        let until = Instant::now() + PATIENCE;
        while !wanted(self.parser.screen()) {
            let left = until.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok((at, bytes)) => self.take(at, &bytes),
                Err(_) => panic!("no {what} on the screen:\n{}", self.parser.screen().contents()),
            }
        }
        self.last_at
    }
    /// Goes on reading for so long.
    pub fn settle(&mut self, span: Duration) {
        let until = Instant::now() + span;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok((at, bytes)) => self.take(at, &bytes),
                Err(_) => return,
            }
        }
    }
    /// Goes on reading for so long, and looks at the screen after each output.
    pub fn watch(&mut self, span: Duration, mut look: impl FnMut(Instant, &vt100::Screen)) {
        let until = Instant::now() + span;
        while let Ok((at, bytes)) = self
            .output
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.take(at, &bytes);
            look(at, self.parser.screen());
        }
    }
    fn take(&mut self, at: Instant, bytes: &[u8]) {
        self.parser.process(bytes);
        self.bytes += bytes.len();
        self.last_at = at;
    }
}

/// The symbol with a price in its row.
pub fn shows_a_market(screen: &vt100::Screen) -> bool {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get()).any(|row| {
        let mut words = row.split_whitespace().skip_while(|word| *word != SYMBOL).skip(1);
        words
            .next()
            .is_some_and(|word| word.contains('.') && word.parse::<f64>().is_ok())
    })
}

/// A row of the orders' pane: the symbol and this quantity, with a phase.
pub fn shows_order(screen: &vt100::Screen, quantity: &str) -> bool {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get()).any(|row| {
        let plain = row.replace(',', "");
        plain.contains(SYMBOL) && plain.contains(quantity) && plain.to_lowercase().contains("work")
    })
}
