//! What stands between engine and gateway: it passes every byte on at once, and notes when an order or a cancel had come
//! from the engine, and when word of an order was handed to it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tradewind::gateway::tws::message::{Incoming, Outgoing};

/// The server's version, which both speak by now.
const VERSION: i32 = 225;
/// Nothing that is waited for takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a frame was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Place,
    Cancel,
    /// Anything else from the engine.
    Other,
    /// To the engine: the order is at the exchange, in its book (true) or off it.
    Alive(bool),
}

/// A frame that passed.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    pub at: Instant,
    pub kind: Kind,
    /// The order's number; zero where there is none.
    pub number: i32,
}

pub struct Proxy {
    pub port: u16,
    notes: Receiver<Note>,
}

impl Proxy {
    pub fn before(gateway: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, notes) = channel();
        std::thread::spawn(move || {
            for engine in listener.incoming().flatten() {
                let server = TcpStream::connect(gateway).unwrap();
                for stream in [&engine, &server] {
                    stream.set_nodelay(true).unwrap();
                }
                let (to_engine, to_server) = (engine.try_clone().unwrap(), server.try_clone().unwrap());
                let (asked, told) = (sender.clone(), sender.clone());
                std::thread::spawn(move || from_engine(engine, to_server, &asked));
                std::thread::spawn(move || to_the_engine(server, to_engine, &told));
            }
        });
        Self { port, notes }
    }
    /// The next frame of this kind; of this order, where one is named.
    pub fn next(&self, wanted: impl Fn(&Note) -> bool) -> Note {
        loop {
            let note = self.notes.recv_timeout(PATIENCE).expect("a frame passes");
            if wanted(&note) {
                return note;
            }
        }
    }
    /// Everything that passed since the last look.
    pub fn all(&self) -> Vec<Note> {
        self.notes.try_iter().collect()
    }
}

fn from_engine(mut engine: TcpStream, mut server: TcpStream, notes: &Sender<Note>) {
    // Before the first frame comes a word of four bytes.
    let mut word = [0; 4];
    if engine.read_exact(&mut word).is_err() || server.write_all(&word).is_err() {
        return;
    }
    let (mut bytes, mut cutter) = (vec![0; 1 << 16], Cutter::default());
    while let Ok(count @ 1..) = engine.read(&mut bytes) {
        let at = Instant::now();
        if server.write_all(&bytes[..count]).is_err() {
            break;
        }
        cutter.cut(&bytes[..count], |frame| {
            let (kind, number) = match Incoming::decode(VERSION, frame) {
                Ok(Incoming::PlaceOrder(order)) => (Kind::Place, order.order_id),
                Ok(Incoming::CancelOrder(order)) => (Kind::Cancel, order.order_id),
                _ => (Kind::Other, None),
            };
            note(notes, at, kind, number);
        });
    }
    let _ = server.shutdown(Shutdown::Both);
}

fn to_the_engine(mut server: TcpStream, mut engine: TcpStream, notes: &Sender<Note>) {
    let (mut bytes, mut cutter) = (vec![0; 1 << 16], Cutter::default());
    while let Ok(count @ 1..) = server.read(&mut bytes) {
        let at = Instant::now();
        if engine.write_all(&bytes[..count]).is_err() {
            break;
        }
        cutter.cut(&bytes[..count], |frame| {
            let (status, number) = match Outgoing::decode(frame) {
                Some(Outgoing::OrderStatus(status)) => (status.status, status.order_id),
                Some(Outgoing::OpenOrder(order)) => {
                    (order.order_state.and_then(|state| state.status), order.order_id)
                }
                _ => return,
            };
            match status.as_deref() {
                Some("Submitted") => note(notes, at, Kind::Alive(true), number),
                Some("PreSubmitted") => note(notes, at, Kind::Alive(false), number),
                _ => {}
            }
        });
    }
    let _ = engine.shutdown(Shutdown::Both);
}

fn note(notes: &Sender<Note>, at: Instant, kind: Kind, number: Option<i32>) {
    // Nobody may listen any more at the end.
    let _ = notes.send(Note {
        at,
        kind,
        number: number.unwrap_or(0),
    });
}

/// Bytes to frames of any length.
#[derive(Default)]
struct Cutter {
    bytes: Vec<u8>,
}

impl Cutter {
    fn cut(&mut self, more: &[u8], mut each: impl FnMut(&[u8])) {
        self.bytes.extend_from_slice(more);
        let mut from = 0;
        while let Some((head, rest)) = self.bytes[from..].split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*head) as usize;
            let Some(frame) = rest.get(..length) else {
                break;
            };
            each(frame);
            from += 4 + length;
        }
        self.bytes.drain(..from);
    }
}
