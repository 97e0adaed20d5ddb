//! Terminals from elsewhere, at `/terminal`: the session of the Unix socket, over a WebSocket. Says who may have one and how
//! long it may stay; what a session may ask and is told stands in `server/session`, once for both doors.

use super::Context;
use super::accept::Held;
use super::error::ApiError;
use crate::domain::{AccountClass, AccountKey};
use crate::engine::State;
use crate::server::doors::{Caller, Role};
use crate::server::session::{self, Door};
use crate::wire::socket::{End, PIECE, Pace, Piece, READ_BUFFER, WAITING, carry};
use axum::extract::State as Shared;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::{SinkExt, StreamExt};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Terminals from elsewhere at once.
const TERMINALS: usize = 64;
/// Of these, by one key.
const TERMINALS_PER_KEY: usize = 16;
/// The header by which a terminal says which one it is, so that it takes its own place when it comes back.
pub const TERMINAL: &str = "x-tradewind-terminal";
/// The longest name of a terminal.
const NAME_MAX: usize = 64;
/// How long the session that a terminal had before may take to end.
const END_WITHIN: Duration = Duration::from_secs(5);
/// How patient this end is. What a session may do that adds risk ends with it: well within a minute without a link.
const PACE: Pace = Pace {
    ping_every: Duration::from_secs(5),
    silent_for: Duration::from_secs(15),
    write_within: Duration::from_secs(15),
};

pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route("/terminal", get(upgrade))
        .layer(Extension(Arc::new(Terminals::default())))
}

/// Whether a terminal elsewhere may be opened on these accounts, and stay. The prop firm behind TopStepX wants its accounts
/// traded from a person's own device, so a live one needs word that its rules are known.
///
/// # Errors
/// Why not, and what can be done.
pub fn may_be_elsewhere(
    mut accounts: impl Iterator<Item = (AccountKey, AccountClass)>,
    topstepx_terminals: bool,
) -> Result<(), String> {
    let live =
        accounts.find(|(key, class)| *class == AccountClass::Live && key.broker.as_str() == "topstepx");
    match live {
        Some((key, _)) if !topstepx_terminals => Err(format!(
            "{key} is a live TopStepX account, whose rules limit from where it is traded: read them, then set server.topstepx_terminals = true on the engine's machine"
        )),
        _ => Ok(()),
    }
}

/// Asks it about the accounts of a state.
fn fits(state: &State, context: &Context) -> Result<(), String> {
    let accounts = state.accounts.iter();
    may_be_elsewhere(
        accounts.map(|(key, account)| (*key, account.account.class)),
        context.about.topstepx_terminals,
    )
}

/// The terminals that are in: who, and which of theirs.
#[derive(Debug, Default)]
struct Terminals(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    serial: u64,
    /// Told to end by a change; every one that is told says that it has by dropping its end.
    inside: BTreeMap<(String, String), (u64, watch::Sender<bool>)>,
}

/// A terminal's place, given back with its end.
struct Place {
    terminals: Arc<Terminals>,
    who: (String, String),
    serial: u64,
    end: watch::Receiver<bool>,
}

impl Terminals {
    /// A place for a terminal, and the end of the session that the same terminal still has, if it has one.
    fn take(
        self: &Arc<Self>,
        who: (String, String),
    ) -> Result<(Place, Option<watch::Sender<bool>>), ApiError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.inside.remove(&who).map(|(_, end)| end);
        let of_key = known.inside.keys().filter(|(key, _)| *key == who.0).count();
        if known.inside.len() >= TERMINALS || of_key >= TERMINALS_PER_KEY {
            let text =
                format!("{TERMINALS} terminals, or {TERMINALS_PER_KEY} by one key, are in: close one first");
            return Err(ApiError::unavailable(text));
        }
        known.serial += 1;
        let serial = known.serial;
        let who = if who.1.is_empty() {
            (who.0, format!("#{serial}"))
        } else {
            who
        };
        let (end, ended) = watch::channel(false);
        known.inside.insert(who.clone(), (serial, end));
        let place = Place {
            terminals: Arc::clone(self),
            who,
            serial,
            end: ended,
        };
        Ok((place, before))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut known = self.terminals.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known
            .inside
            .get(&self.who)
            .is_some_and(|(serial, _)| *serial == self.serial)
        {
            known.inside.remove(&self.who);
        }
    }
}

async fn upgrade(
    Shared(context): Shared<Context>,
    Extension(terminals): Extension<Arc<Terminals>>,
    caller: Caller,
    headers: HeaderMap,
    held: Option<Extension<Held>>,
    request: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    // Browsers say from which page they ask; terminals are not pages.
    if headers.contains_key("origin") {
        return Err(ApiError::forbidden(
            "this address is for terminals, not for pages",
        ));
    }
    if caller.signs {
        return Err(ApiError::forbidden(format!(
            "{} signs each call, and what a terminal does is not signed: use a key made without --signed",
            caller.name
        )));
    }
    if caller.accounts.is_some() {
        return Err(ApiError::forbidden(format!(
            "{} sees some accounts only, and a terminal shows all: use a key made without --account",
            caller.name
        )));
    }
    let known = context
        .replica
        .read(|known| known.synced.then(|| fits(&known.state, &context)));
    known
        .ok_or_else(|| ApiError::unavailable("the engine is starting"))?
        .map_err(ApiError::forbidden)?;
    let name = headers
        .get(TERMINAL)
        .and_then(|name| name.to_str().ok())
        .unwrap_or_default();
    if name.len() > NAME_MAX {
        return Err(ApiError::bad(format!(
            "{TERMINAL} has at most {NAME_MAX} characters"
        )));
    }
    let key = caller.key.clone().unwrap_or_else(|| caller.name.clone());
    let (place, before) = terminals.take((key, name.to_owned()))?;
    let request = request
        .read_buffer_size(READ_BUFFER)
        .max_message_size(8 * PIECE)
        .max_frame_size(8 * PIECE);
    Ok(request.on_upgrade(async move |socket| {
        serve(socket, context, caller, place, before).await;
        drop(held);
    }))
}

async fn serve(
    socket: WebSocket,
    context: Context,
    caller: Caller,
    mut place: Place,
    before: Option<watch::Sender<bool>>,
) {
    if let Some(before) = before {
        // The link that this terminal lost may look alive from here: its session ends before the new one begins, or it
        // would go on holding the trading token.
        let _ = before.send(true);
        let _ = timeout(END_WITHIN, before.closed()).await;
    }
    let door = Door::Remote {
        trades: caller.may(Role::Trade),
    };
    let (name, from) = (caller.name.clone(), caller.address);
    tracing::info!(name, %from, ?door, "a terminal from elsewhere is in");
    let (near, far) = tokio::io::duplex(WAITING);
    let who = caller.program();
    let stay = {
        let (context, caller) = (context.clone(), caller);
        move || may_stay(&context, &caller)
    };
    let carrying = async {
        tokio::select! {
            end = carry(adapted(socket), near, PACE, stay) => end,
            _ = place.end.changed() => End::Refused("this terminal came back by another connection".to_owned()),
        }
    };
    // The session ends by itself once its stream does, and says so to the engine.
    let talking = session::run(
        tokio::io::split(far),
        door,
        Some(who),
        context.engine.clone(),
        context.stop.clone(),
    );
    let (end, ()) = tokio::join!(carrying, talking);
    tracing::info!(name, %from, ?end, "a terminal from elsewhere has left");
    drop(place);
}

/// Whether a terminal may stay: its key is still good, and no account forbids it.
fn may_stay(context: &Context, caller: &Caller) -> Result<(), String> {
    if !context.doors.is_still_good(caller, (context.about.clock)()) {
        return Err("the key of this terminal is no longer good".to_owned());
    }
    context.replica.read(|known| fits(&known.state, context))
}

/// The socket in the words of the stream that goes through it.
fn adapted(
    socket: WebSocket,
) -> impl futures_util::Stream<Item = Result<Piece, axum::Error>>
+ futures_util::Sink<Piece, Error = axum::Error>
+ Unpin {
    let heard = |message: Result<Message, axum::Error>| {
        message.map(|message| match message {
            Message::Binary(bytes) => Piece::Bytes(bytes.into()),
            Message::Ping(_) => Piece::Ping,
            Message::Pong(_) => Piece::Alive,
            Message::Text(_) => Piece::Strange,
            Message::Close(frame) => {
                Piece::Close(frame.map(|frame| frame.reason.to_string()).unwrap_or_default())
            }
        })
    };
    let said = |piece| {
        std::future::ready(Ok(match piece {
            Piece::Bytes(bytes) => Message::Binary(bytes.into()),
            Piece::Ping => Message::Ping(Vec::new().into()),
            Piece::Alive | Piece::Strange => Message::Pong(Vec::new().into()),
            Piece::Close(reason) => Message::Close(Some(closing(&reason))),
        }))
    };
    socket.map(heard).with(said)
}

/// A reason as it fits into a close frame.
fn closing(reason: &str) -> CloseFrame {
    let code = if reason.is_empty() {
        close_code::NORMAL
    } else {
        close_code::POLICY
    };
    let mut end = reason.len().min(120);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    CloseFrame {
        code,
        reason: reason[..end].into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, BrokerId};

    #[test]
    fn a_live_account_of_topstepx_keeps_terminals_out_until_its_rules_are_acknowledged() {
        let account = |broker: &str, class| {
            let broker = BrokerId::new(broker).unwrap();
            let account = AccountId::new("A1").unwrap();
            (AccountKey { broker, account }, class)
        };
        let asked = |accounts: &[(AccountKey, AccountClass)], acknowledged| {
            may_be_elsewhere(accounts.iter().copied(), acknowledged)
        };
        let harmless = [
            account("sim", AccountClass::Sim),
            account("ibkr", AccountClass::Live),
            account("topstepx", AccountClass::Paper),
        ];
        assert_eq!(asked(&harmless, false), Ok(()));
        let mut all = harmless.to_vec();
        all.push(account("topstepx", AccountClass::Live));
        let said = asked(&all, false).unwrap_err();
        assert!(said.contains("server.topstepx_terminals"), "{said}");
        assert_eq!(asked(&all, true), Ok(()));
    }

    #[test]
    fn a_terminal_that_comes_back_takes_its_own_place_and_no_other() {
        let terminals = Arc::new(Terminals::default());
        let who = |key: &str, name: &str| (key.to_owned(), name.to_owned());
        let (first, before) = terminals.take(who("a", "1")).unwrap();
        assert!(before.is_none());
        assert!(terminals.take(who("b", "1")).unwrap().1.is_none());
        let (second, before) = terminals.take(who("a", "1")).unwrap();
        before.unwrap().send(true).unwrap();
        assert!(*first.end.borrow());
        // What is dropped late takes nothing from the one that came after.
        drop(first);
        assert!(terminals.take(who("a", "1")).unwrap().1.is_some());
        drop(second);
        let many: Vec<_> = (0..TERMINALS_PER_KEY)
            .map(|n| terminals.take(who("c", &n.to_string())))
            .collect();
        assert!(many.iter().all(Result::is_ok));
        assert!(terminals.take(who("c", "more")).is_err());
    }
}
