//! The Unix socket: accepts this user's processes and nobody else's. How many at once is bounded; what one of them says
//! harms no other.

use super::handle::Wanted;
use super::session::{self, Door};
use crate::engine::planted::point;
use rustix::net::sockopt::socket_peercred;
use std::os::fd::AsFd;
use std::sync::Arc;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, watch};

/// Sessions at once. Terminals and shell commands of one user: far more than any desk has.
const SESSIONS: usize = 256;

/// Accepts until `stop` changes.
pub async fn serve_local(
    listener: UnixListener,
    engine: mpsc::Sender<Wanted>,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(SESSIONS));
    loop {
        let accepted = tokio::select! {
            _ = stop.changed() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely: wait for sessions to end rather than spin.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        if !is_ours(&stream) {
            tracing::warn!("a process of another user was turned away");
            continue;
        }
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!("{SESSIONS} sessions are open; one more was turned away");
            continue;
        };
        point("door");
        let (engine, stop) = (engine.clone(), stop.clone());
        tokio::spawn(async move {
            session::run(stream.into_split(), Door::Local, None, engine, stop).await;
            drop(place);
        });
    }
}

fn is_ours(stream: &UnixStream) -> bool {
    socket_peercred(stream.as_fd()).is_ok_and(|peer| peer.uid == rustix::process::geteuid())
}
