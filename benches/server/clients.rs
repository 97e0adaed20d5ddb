//! Clients that cost little: they read bytes, walk the frames and look for two keys, so that what is measured is the
//! server. All of them live on one thread.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What each client asks for.
#[derive(Clone, Copy)]
pub enum Wanted {
    Quotes { batch: u64 },
    Nothing,
}

/// What was heard, by one or by all.
#[derive(Default)]
pub struct Heard {
    pub rows: u64,
    pub bytes: u64,
    /// Updates whose numbers never came, or calls that failed.
    pub lost: u64,
    /// Connections that were ended by the other side.
    pub ended: u64,
    /// Nanoseconds from when a message was made to when it was read.
    delays: Vec<u64>,
}

impl Heard {
    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.lost += other.lost;
        self.ended += other.ended;
        self.delays.extend(other.delays);
        self.delays.sort_unstable();
    }
    /// Seconds; of all of one that have been added.
    pub fn delay(&self, percent: usize) -> f64 {
        let at = (self.delays.len() * percent / 100).min(self.delays.len().saturating_sub(1));
        self.delays.get(at).map_or(f64::NAN, |nanos| *nanos as f64 / 1e9)
    }
}

pub struct Crowd {
    counts: Arc<AtomicBool>,
    stops: Arc<AtomicBool>,
    thread: JoinHandle<Heard>,
}

impl Crowd {
    /// Connects all of them; returns when each has been greeted.
    pub fn gather(at: SocketAddr, key: &str, count: usize, stalled: usize, wanted: Wanted) -> Self {
        let (counts, stops) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (theirs, over, key) = (Arc::clone(&counts), Arc::clone(&stops), key.to_owned());
        let (ready, begun) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            crate::engine::runtime().block_on(async move {
                let mut tasks = Vec::new();
                for _ in 0..count {
                    let stream = connect(at, &key, wanted).await;
                    tasks.push(tokio::spawn(listen(
                        stream,
                        Arc::clone(&theirs),
                        Arc::clone(&over),
                    )));
                }
                let mut silent = Vec::new();
                for _ in 0..stalled {
                    silent.push(connect(at, &key, wanted).await);
                }
                ready.send(()).unwrap();
                let mut all = Heard::default();
                for task in tasks {
                    all.add(task.await.unwrap());
                }
                drop(silent);
                all
            })
        });
        begun.recv().unwrap();
        Self {
            counts,
            stops,
            thread,
        }
    }
    /// Everything from now on counts.
    pub fn count(&self) {
        self.counts.store(true, Ordering::Relaxed);
    }
    /// Ends, and tells what was heard.
    pub fn stop(self) -> Heard {
        self.stops.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

async fn connect(at: SocketAddr, key: &str, wanted: Wanted) -> TcpStream {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let head = format!(
        "GET /ws HTTP/1.1\r\nHost: {at}\r\nAuthorization: Bearer {key}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|four| four == b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("an answer"));
    }
    assert!(
        answer.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    if let Wanted::Quotes { batch } = wanted {
        let asked = serde_json::json!({"op": "subscribe", "id": 1, "topic": "quotes", "batch_ms": batch});
        let body = rmp_serde::to_vec_named(&asked).unwrap();
        // A client's frame is masked; a mask of nothing changes nothing.
        let mut frame = vec![0x82, 0x80 | u8::try_from(body.len()).unwrap(), 0, 0, 0, 0];
        frame.extend_from_slice(&body);
        stream.write_all(&frame).await.unwrap();
    }
    stream
}

/// The first byte of a ping, and a whole answer with a mask of nothing.
const PING: u8 = 0x89;
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

async fn listen(mut stream: TcpStream, counts: Arc<AtomicBool>, stops: Arc<AtomicBool>) -> Heard {
    let mut heard = Heard::default();
    let mut bytes = Vec::with_capacity(1 << 16);
    let mut number = None;
    while !stops.load(Ordering::Relaxed) {
        let reading = stream.read_buf(&mut bytes);
        let read = match tokio::time::timeout(Duration::from_millis(200), reading).await {
            Ok(Ok(0) | Err(_)) => {
                heard.ended += 1;
                break;
            }
            Ok(Ok(read)) => read,
            Err(_) => continue,
        };
        let (counting, now) = (counts.load(Ordering::Relaxed), since_midnight());
        if counting {
            heard.bytes += read as u64;
        }
        let mut begin = 0;
        while let Some((head, length)) = frame(&bytes[begin..]) {
            let body = &bytes[begin + head..begin + head + length];
            if bytes[begin] == PING {
                // Whoever is asked whether it is there, and says nothing, is let go. No body is asked back.
                let _ = stream.write_all(&PONG).await;
            }
            if let Some(next) = number_of(body) {
                if counting {
                    heard.lost += number.map_or(0, |before: u64| next - before - 1);
                    heard.rows += count(body, b"\xa6symbol");
                    if let Some(made) = time_of(body) {
                        heard.delays.push(now.saturating_sub(made));
                    }
                }
                number = Some(next);
            }
            begin += head + length;
        }
        bytes.drain(..begin);
    }
    heard
}

/// Length of the head and of the body of the frame that begins here, when all of it is here.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let short = usize::from(*bytes.get(1)? & 0x7f);
    let (head, length) = match short {
        126 => (
            4,
            usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
        ),
        127 => (
            10,
            u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize,
        ),
        short => (2, short),
    };
    (bytes.len() >= head + length).then_some((head, length))
}

fn find(body: &[u8], key: &[u8]) -> Option<usize> {
    let at = body.windows(key.len()).position(|window| window == key)?;
    Some(at + key.len())
}

fn count(body: &[u8], key: &[u8]) -> u64 {
    body.windows(key.len()).filter(|window| *window == key).count() as u64
}

/// The number of an update; nothing where it is something else.
fn number_of(body: &[u8]) -> Option<u64> {
    let head = &body[..body.len().min(96)];
    find(head, b"\xa4type\xa6update")?;
    let value = &head[find(head, b"\xa6number")?..];
    match *value.first()? {
        small @ 0..=0x7f => Some(u64::from(small)),
        0xcc => value.get(1).map(|byte| u64::from(*byte)),
        0xcd => Some(u64::from(u16::from_be_bytes(value.get(1..3)?.try_into().ok()?))),
        0xce => Some(u64::from(u32::from_be_bytes(value.get(1..5)?.try_into().ok()?))),
        _ => None,
    }
}

/// Nanoseconds after midnight at which an update was made.
fn time_of(body: &[u8]) -> Option<u64> {
    let head = &body[..body.len().min(160)];
    let text = &head[find(head, b"\xa4time")?..];
    let text = &text[find(&text[..text.len().min(16)], b"T")?..];
    let digits = |from: usize, to: usize| {
        text.get(from..to)?.iter().try_fold(0_u64, |sum, digit| {
            Some(sum * 10 + u64::from(digit.checked_sub(b'0')?))
        })
    };
    let whole = digits(0, 2)? * 3_600 + digits(3, 5)? * 60 + digits(6, 8)?;
    let rest = text.get(9..)?;
    let end = rest
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(rest.len())
        .min(9);
    let part = digits(9, 9 + end)? * 10_u64.pow(9 - end as u32);
    Some(whole * 1_000_000_000 + part)
}

fn since_midnight() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (now.as_secs() % 86_400) * 1_000_000_000 + u64::from(now.subsec_nanos())
}

/// What callers send.
#[derive(Clone, Copy)]
pub enum Call<'a> {
    /// A read of this.
    Get(&'a str),
    /// An order that rests far below the market, each of its own price and quantity: what is equal counts as sent twice.
    Order(&'a str),
}

impl Call<'_> {
    fn request(self, at: SocketAddr, key: &str, caller: usize, number: usize) -> String {
        let head = format!("Host: {at}\r\nAuthorization: Bearer {key}\r\n");
        match self {
            Self::Get(path) => format!("GET {path} HTTP/1.1\r\n{head}\r\n"),
            Self::Order(symbol) => {
                let (cents, quantity) = (5_000 + number % 4_000, 1 + caller);
                // Ends at once: what is measured is an order, not an account with thousands that rest.
                let sentence = format!("buy {quantity} {symbol} @{}.{:02} ioc", cents / 100, cents % 100);
                let body = serde_json::json!({ "sentence": sentence }).to_string();
                let length = body.len();
                format!(
                    "POST /api/v1/orders HTTP/1.1\r\n{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
                )
            }
        }
    }
}

/// So many callers that call again and again, each after a pause.
pub fn calls(
    at: SocketAddr,
    key: &str,
    call: Call<'_>,
    callers: usize,
    pause: Duration,
    span: Duration,
) -> Heard {
    crate::engine::runtime().block_on(async {
        let until = Instant::now() + span;
        let all = (0..callers).map(|caller| {
            call_on(at, until, pause, move |number| {
                call.request(at, key, caller, number)
            })
        });
        let mut heard = Heard::default();
        for one in futures_util::future::join_all(all).await {
            heard.add(one);
        }
        heard
    })
}

async fn call_on(
    at: SocketAddr,
    until: Instant,
    pause: Duration,
    request: impl Fn(usize) -> String,
) -> Heard {
    let mut heard = Heard::default();
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut bytes = Vec::new();
    for number in 0.. {
        if Instant::now() >= until {
            break;
        }
        let request = request(number);
        let begun = Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        bytes.clear();
        let good = loop {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                heard.ended += 1;
                return heard;
            }
            let Some(body) = find(&bytes, b"\r\n\r\n") else {
                continue;
            };
            let head = String::from_utf8_lossy(&bytes[..body]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())
                .expect("a length");
            if bytes.len() >= body + length {
                break bytes.starts_with(b"HTTP/1.1 20");
            }
        };
        if heard.lost == 0 && !good {
            println!("the first that failed: {}", String::from_utf8_lossy(&bytes));
        }
        heard.rows += 1;
        heard.lost += u64::from(!good);
        heard
            .delays
            .push(u64::try_from(begun.elapsed().as_nanos()).unwrap());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
    heard
}
