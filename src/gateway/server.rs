//! The gateway's sockets: accepts clients, greets them, turns bytes into messages and back. The core runs on a thread of
//! its own; each connection has a task. A client that sends what can't be read, or does not read what it is sent, is cut
//! off alone: nothing that one client does or leaves undone holds up another.

use super::convert;
use super::core::{Gateway, Output};
use super::session::ConnectionId;
use super::tws::frame::{self, Frames};
use super::tws::message::{BadFrame, Incoming};
use super::tws::{self, NEWEST};
use crate::domain::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};

/// Most connections at a time; further ones are closed at once.
const MOST_CONNECTIONS: usize = 256;
/// What clients say on its way to the core. When it is full, they wait.
const SAID: usize = 1_024;
/// Most bytes that wait for one client: whoever lets more pile up is cut off.
const MOST_WAITING: usize = 4 << 20;
/// A client has this long for its greeting.
const GREETING: Duration = Duration::from_secs(30);
/// What is left for a client that is being closed has this long to leave.
const FAREWELL: Duration = Duration::from_secs(5);
/// The longest the core sleeps.
const NAP: Duration = Duration::from_millis(200);
/// Messages worked on between two looks at the time.
const BATCH: usize = 64;

/// Time for the gateway: the steady time, and how long the process runs.
pub type Clock = Arc<dyn Fn() -> (Timestamp, Duration) + Send + Sync>;

/// How the doors stand: faults on demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doors {
    /// New connections are closed at once.
    pub refuse: bool,
    /// New connections are taken and never greeted.
    pub silent: bool,
    /// Nothing is read and nothing written.
    pub paused: bool,
}

/// An operator's words, and where the answer goes.
#[derive(Debug)]
pub struct Order {
    /// The words.
    pub words: String,
    /// What was done, or why not.
    pub answer: oneshot::Sender<Result<String, String>>,
}

/// What reaches the core's thread.
enum ToCore {
    Connected(ConnectionId, i32, Queue),
    Said(ConnectionId, Box<Result<Incoming, BadFrame>>),
    Gone(ConnectionId),
}

/// The way to one client.
struct Queue {
    version: i32,
    bytes: mpsc::UnboundedSender<Vec<u8>>,
    /// Bytes that were queued and not yet written.
    waiting: Arc<AtomicUsize>,
    cut: Arc<Notify>,
}

/// What all connections share.
#[derive(Clone)]
struct Hall {
    inbox: mpsc::Sender<ToCore>,
    doors: watch::Receiver<Doors>,
    clock: Clock,
}

/// Serves clients until told to stop. The venue's books are closed when this returns.
///
/// # Errors
/// The core's thread can't be started.
pub async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    clock: Clock,
    orders: mpsc::Receiver<Order>,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let (inbox, said) = mpsc::channel(SAID);
    let (tell_doors, doors) = watch::channel(gateway.doors());
    let core = Core {
        gateway,
        queues: BTreeMap::new(),
        clock: Arc::clone(&clock),
        doors: tell_doors,
        runtime: tokio::runtime::Handle::current(),
    };
    let (stop_core, stopping) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("gateway".into())
        .spawn(move || core.run(said, orders, stopping))?;
    let hall = Hall { inbox, doors, clock };
    let seats = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut number = 0;
    loop {
        let stream = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of files, most likely: others may let go of theirs.
                    tracing::warn!(%error, "a connection can't be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let doors = *hall.doors.borrow();
        let Some(seat) = Arc::clone(&seats)
            .try_acquire_owned()
            .ok()
            .filter(|_| !doors.refuse)
        else {
            continue;
        };
        number += 1;
        let (hall, id) = (hall.clone(), ConnectionId(number));
        tokio::spawn(async move {
            let _seat = seat;
            if doors.silent {
                swallow(stream).await;
            } else {
                converse(stream, id, &hall).await;
            }
        });
    }
    let _ = stop_core.send(());
    // The thread ends by itself soon: waiting for it here would hold up the tasks that it waits for.
    while !thread.is_finished() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    if thread.join().is_err() {
        tracing::error!("the gateway's thread ended in a panic; its books are as they were last written");
    }
    Ok(())
}

/// Reads and says nothing.
async fn swallow(mut stream: TcpStream) {
    let mut bytes = [0; 1_024];
    while matches!(stream.read(&mut bytes).await, Ok(read) if read > 0) {}
}

/// One connection from its greeting to its end.
async fn converse(stream: TcpStream, id: ConnectionId, hall: &Hall) {
    let _ = stream.set_nodelay(true);
    let (mut reader, mut writer) = stream.into_split();
    let mut frames = Frames::default();
    let greeted = tokio::time::timeout(GREETING, greet(&mut reader, &mut writer, &mut frames, hall)).await;
    let Ok(Some(version)) = greeted else {
        return;
    };
    let (bytes, queued) = mpsc::unbounded_channel();
    let queue = Queue {
        version,
        bytes,
        waiting: Arc::default(),
        cut: Arc::default(),
    };
    let (waiting, cut) = (Arc::clone(&queue.waiting), Arc::clone(&queue.cut));
    if hall
        .inbox
        .send(ToCore::Connected(id, version, queue))
        .await
        .is_err()
    {
        return;
    }
    tokio::select! {
        () = listen(&mut reader, &mut frames, id, version, hall) => {}
        () = speak(&mut writer, queued, &waiting, hall.doors.clone()) => {}
        () = cut.notified() => {}
    }
    let _ = hall.inbox.send(ToCore::Gone(id)).await;
}

/// The greeting: `API` and the versions that the client speaks, then ours. Nothing where it is no greeting.
async fn greet(
    reader: &mut OwnedReadHalf,
    writer: &mut OwnedWriteHalf,
    frames: &mut Frames,
    hall: &Hall,
) -> Option<i32> {
    let mut bytes = vec![0; 4_096];
    let mut prefixed = false;
    let range = loop {
        if !prefixed {
            match frames.take_prefix(b"API\0") {
                Some(true) => prefixed = true,
                Some(false) => return None,
                None => {}
            }
        }
        if prefixed && let Some(body) = frames.next_frame().ok()? {
            break String::from_utf8_lossy(body).into_owned();
        }
        match reader.read(&mut bytes).await {
            Ok(read) if read > 0 => frames.push(bytes.get(..read)?),
            _ => return None,
        }
    };
    let (oldest, newest) = versions(&range)?;
    let version = tws::negotiate(oldest, newest);
    let mut reply = Vec::new();
    let (now, _) = (hall.clock)();
    let stamp = convert::stamp(now);
    frame::write(&mut reply, |out| {
        out.extend_from_slice(format!("{}\0{stamp}\0", version.unwrap_or(NEWEST)).as_bytes());
    });
    writer.write_all(&reply).await.ok()?;
    version
}

/// `v157..178`, perhaps with options behind it, or one version alone.
fn versions(text: &str) -> Option<(i32, i32)> {
    let range = text.strip_prefix('v')?.split([' ', '\0']).next()?;
    match range.split_once("..") {
        Some((oldest, newest)) => Some((oldest.parse().ok()?, newest.parse().ok()?)),
        None => range.parse().ok().map(|only| (only, only)),
    }
}

/// Reads until the client is gone or what it sends has no frames any more.
async fn listen(
    reader: &mut OwnedReadHalf,
    frames: &mut Frames,
    id: ConnectionId,
    version: i32,
    hall: &Hall,
) {
    let (mut bytes, mut doors) = (vec![0; 16 * 1_024], hall.doors.clone());
    loop {
        loop {
            let said = match frames.next_frame() {
                Ok(Some(body)) => Incoming::decode(version, body),
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(connection = id.0, %error, "a client is cut off");
                    return;
                }
            };
            if hall.inbox.send(ToCore::Said(id, Box::new(said))).await.is_err() {
                return;
            }
        }
        let Ok(read @ 1..) = reader.read(&mut bytes).await else {
            return;
        };
        // What came in just as the doors were closed waits before them.
        if doors.wait_for(|doors| !doors.paused).await.is_err() {
            return;
        }
        frames.push(bytes.get(..read).unwrap_or_default());
    }
}

/// Writes until the core lets go of the client and everything is written.
async fn speak(
    writer: &mut OwnedWriteHalf,
    mut queued: mpsc::UnboundedReceiver<Vec<u8>>,
    waiting: &AtomicUsize,
    mut doors: watch::Receiver<Doors>,
) {
    while let Some(bytes) = queued.recv().await {
        if doors.wait_for(|doors| !doors.paused).await.is_err() || writer.write_all(&bytes).await.is_err() {
            return;
        }
        waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
    }
    let _ = writer.shutdown().await;
}

/// The core with the ways to its clients.
struct Core {
    gateway: Gateway,
    queues: BTreeMap<ConnectionId, Queue>,
    clock: Clock,
    doors: watch::Sender<Doors>,
    runtime: tokio::runtime::Handle,
}

impl Core {
    fn run(
        mut self,
        mut said: mpsc::Receiver<ToCore>,
        mut orders: mpsc::Receiver<Order>,
        mut stopping: oneshot::Receiver<()>,
    ) {
        let runtime = self.runtime.clone();
        loop {
            let now = self.now();
            let nap = self.gateway.wait(now).min(NAP);
            let (mut heard, mut order) = (None, None);
            let stopped = runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = &mut stopping => return true,
                    Some(next) = orders.recv() => order = Some(next),
                    next = said.recv() => heard = next,
                    () = tokio::time::sleep(nap) => {}
                }
                false
            });
            if stopped {
                return;
            }
            let now = self.now();
            if let Some(order) = order {
                let done = self.gateway.order(&order.words, now);
                let _ = order.answer.send(done);
            }
            let more = std::iter::from_fn(|| said.try_recv().ok()).take(BATCH);
            for message in heard.into_iter().chain(more) {
                self.hear(message, now);
                // Told at once: a client that asks for more than it reads is found out before the next answer is made.
                self.deliver();
            }
            self.gateway.advance(now);
            self.deliver();
            let doors = self.gateway.doors();
            self.doors
                .send_if_modified(|old| std::mem::replace(old, doors) != doors);
        }
    }

    /// The venue's own time: a tape's, or the world's.
    fn now(&mut self) -> Timestamp {
        let (now, elapsed) = (self.clock)();
        self.gateway.clock(elapsed).unwrap_or(now)
    }

    fn hear(&mut self, message: ToCore, now: Timestamp) {
        match message {
            ToCore::Connected(id, version, queue) => {
                self.queues.insert(id, queue);
                self.gateway.connected(id, version);
            }
            ToCore::Said(id, said) => self.gateway.said(id, *said, now),
            ToCore::Gone(id) => {
                self.queues.remove(&id);
                self.gateway.gone(id);
            }
        }
    }

    /// Hands on what the core wants done, in its order.
    fn deliver(&mut self) {
        let mut bytes: BTreeMap<ConnectionId, Vec<u8>> = BTreeMap::new();
        for output in self.gateway.take_outputs() {
            match output {
                Output::Tell(id, message) => {
                    if let Some(queue) = self.queues.get(&id) {
                        message.encode(queue.version, bytes.entry(id).or_default());
                    }
                }
                Output::Raw(id, raw) => bytes.entry(id).or_default().extend(raw),
                Output::Close(id) => {
                    self.queue(id, bytes.remove(&id).unwrap_or_default());
                    self.close(id);
                }
                Output::Cut(id) => {
                    bytes.remove(&id);
                    self.cut(id);
                }
            }
        }
        for (id, bytes) in bytes {
            self.queue(id, bytes);
        }
    }

    fn queue(&mut self, id: ConnectionId, bytes: Vec<u8>) {
        let Some(queue) = self.queues.get(&id) else {
            return;
        };
        if bytes.is_empty() {
            return;
        }
        let waiting = queue
            .waiting
            .fetch_add(bytes.len(), Ordering::Relaxed)
            .saturating_add(bytes.len());
        // A task that has ended says so by itself.
        let _ = queue.bytes.send(bytes);
        if waiting > MOST_WAITING {
            tracing::warn!(
                connection = id.0,
                waiting,
                "a client that does not read is cut off"
            );
            self.cut(id);
        }
    }

    /// Lets what is queued leave, then ends the connection.
    fn close(&mut self, id: ConnectionId) {
        self.gateway.gone(id);
        if let Some(queue) = self.queues.remove(&id) {
            self.runtime.spawn(async move {
                let cut = Arc::clone(&queue.cut);
                drop(queue);
                tokio::time::sleep(FAREWELL).await;
                cut.notify_one();
            });
        }
    }

    fn cut(&mut self, id: ConnectionId) {
        self.gateway.gone(id);
        if let Some(queue) = self.queues.remove(&id) {
            queue.cut.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::versions;

    #[test]
    fn the_versions_of_a_greeting() {
        assert_eq!(versions("v213..226"), Some((213, 226)));
        assert_eq!(versions("v100..225 +PACEAPI"), Some((100, 225)));
        assert_eq!(versions("v157"), Some((157, 157)));
        for bad in ["", "157..178", "v..", "v1..x", "v99999999999..1"] {
            assert_eq!(versions(bad), None, "{bad}");
        }
    }
}
