//! How a caller changes something: its role, the accounts that it may see, one command to the engine under its own name, and
//! the engine's answer as a status and words. Nothing else in this folder sends a command. An order that is asked for again
//! under its id is the same order; a caller is told nothing of what it may not see, also not by way of a refusal.

use super::replica::Known;
use super::{ApiError, Context};
use crate::domain::{AccountKey, ClientOrderId, Order, Phase, SafeText, SessionId};
use crate::engine::programs::Program;
use crate::engine::{Command, Denial, DenialCode, Outcome, SessionKind};
use crate::server::doors::audit::in_words;
use crate::server::doors::{Caller, Role};
use crate::server::handle::Wanted;
use crate::wire::{Query, Reply};
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// How long the engine's answer to a command is waited for: less than a request may take, so that a caller is told that
/// the outcome is not known rather than cut off.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);
/// How long an order that the engine has may take to be told here.
const TOLD_WITHIN: Duration = Duration::from_secs(2);
/// How long an answer from the store or the broker is waited for.
const REPLY_WITHIN: Duration = Duration::from_secs(8);
/// Programs that have a session at once: the one that has rested longest makes room.
const PROGRAMS: usize = 256;
/// How many requests are remembered by their ids.
const REMEMBERED: usize = 10_000;
/// The longest id: its children's are longer by two.
const ID_MAX: usize = 28;

/// What the port keeps for commands.
#[derive(Debug, Default)]
pub struct Hand {
    sessions: Mutex<Sessions>,
    requests: Mutex<Requests>,
    ids: Mutex<ulid::Generator>,
}

#[derive(Debug, Default)]
struct Sessions {
    by_program: BTreeMap<Program, (SessionId, u64)>,
    uses: u64,
}

/// What was asked for under which id, by whom: the content of a sentence can't be told from the order that it became.
#[derive(Debug, Default)]
struct Requests {
    /// With the event up to which it was recorded.
    digests: BTreeMap<(String, ClientOrderId), ([u8; 32], u64)>,
    oldest: VecDeque<(String, ClientOrderId)>,
}

/// What a command came to.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// What the engine has to say.
    pub(super) note: Option<SafeText>,
    /// It had been asked for before: nothing new was done.
    pub(super) again: bool,
    /// The event up to which it was recorded; zero where that was before.
    pub(super) sequence: u64,
}

/// The orders that a command names.
fn orders_of(command: &Command) -> impl Iterator<Item = ClientOrderId> {
    let named = match command {
        Command::ConfirmParked { id }
        | Command::Modify { id, .. }
        | Command::Cancel { id }
        | Command::Close { id, .. }
        | Command::Flatten { id, .. } => Some(*id),
        _ => None,
    };
    named.into_iter().chain(command.places().map(|order| order.id))
}

/// Whose name the caller's requests are remembered under.
fn owner(caller: &Caller) -> String {
    format!("{} {}", caller.key.as_deref().unwrap_or(""), caller.name)
}

impl Context {
    /// Has the engine do something in the caller's name.
    ///
    /// # Errors
    /// The caller may not, the engine refuses, or no answer came: then it may have been done.
    pub(super) async fn act(&self, caller: &Caller, command: Command) -> Result<Done, ApiError> {
        let (what, detail) = in_words(&command);
        let done = self.do_it(caller, command).await;
        let outcome = match &done {
            Ok(done) if done.again => "done before",
            Ok(_) => "done",
            Err(error) => error.code.as_str(),
        };
        self.audit(caller, &what, detail, outcome);
        done
    }
    async fn do_it(&self, caller: &Caller, command: Command) -> Result<Done, ApiError> {
        caller.require(Role::Trade)?;
        self.replica.read(|known| may_touch(known, caller, &command))?;
        let session = self.session(caller).await?;
        // Here the request's id and the order's meet: from this line on the order is followed by its own.
        for id in orders_of(&command) {
            tracing::info!(target: "tradewind::order", client_order_id = %id, step = "asked", session = session.0, name = caller.name, "over HTTP");
        }
        let (answer, answered) = oneshot::channel();
        let wanted = Wanted::Command {
            session,
            kind: SessionKind::Program,
            command: Box::new(command),
            answer,
        };
        self.engine.send(wanted).await.map_err(|_| stopping())?;
        match timeout(ANSWER_WITHIN, answered).await {
            Ok(Ok(Outcome::Done { sequence, note })) => {
                self.replica.reach(sequence).await;
                Ok(Done {
                    note,
                    again: false,
                    sequence,
                })
            }
            Ok(Ok(Outcome::Known { .. })) => Ok(Done {
                note: None,
                again: true,
                sequence: 0,
            }),
            Ok(Ok(Outcome::Denied(denial) | Outcome::Refused(denial))) => Err(refusal(denial, caller)),
            Ok(Err(_)) | Err(_) => Err(unanswered()),
        }
    }
    /// Asks the engine's process something.
    ///
    /// # Errors
    /// It could not be answered.
    pub(super) async fn ask(&self, query: Query) -> Result<Reply, ApiError> {
        super::noted::asks_the_engine();
        let (answer, answered) = oneshot::channel();
        let kind = SessionKind::Monitor;
        let wanted = Wanted::Query { kind, query, answer };
        self.engine.send(wanted).await.map_err(|_| stopping())?;
        match timeout(REPLY_WITHIN, answered).await {
            Ok(Ok(Reply::Failed { reason })) => Err(ApiError::unavailable(reason.to_string())),
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) => Err(stopping()),
            Err(_) => Err(ApiError::unavailable("no answer in time; try again")),
        }
    }
    /// The session of a caller; a new one where it has none.
    async fn session(&self, caller: &Caller) -> Result<SessionId, ApiError> {
        let who = caller.program();
        if let Some(session) = self.hand.session_of(&who) {
            return Ok(session);
        }
        let (answer, opened) = oneshot::channel();
        let wanted = Wanted::OpenProgram {
            who: who.clone(),
            answer,
        };
        self.engine.send(wanted).await.map_err(|_| stopping())?;
        let session = opened.await.map_err(|_| stopping())?;
        if let Some(session) = self.hand.keep_session(who, session) {
            let _ = self.engine.send(Wanted::Close { session }).await;
        }
        Ok(session)
    }
    /// An id for an order whose asker named none.
    pub(super) fn new_id(&self) -> ClientOrderId {
        self.replica.read(|known| self.new_id_from(known))
    }
    /// The same for who reads the replica just now.
    pub(super) fn new_id_from(&self, known: &Known) -> ClientOrderId {
        let welcome = known.welcome.as_ref();
        let prefix = welcome.map_or_else(|| "TW".to_owned(), |welcome| welcome.prefix.to_string());
        let millis = u64::try_from((self.about.clock)().0 / 1_000_000).unwrap_or(0);
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let mut ids = self.hand.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let ulid = ids
            .generate_from_datetime(at)
            .unwrap_or_else(|_| ulid::Ulid::from_datetime(at));
        let letters: String = prefix
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(2)
            .collect();
        // Two letters and 26 characters of Crockford's alphabet always fit.
        ClientOrderId::new(&format!("{letters}{ulid}")).unwrap_or(ClientOrderId::LOWEST)
    }
    /// The order that a caller asked for before under this id and with this content, where it did.
    ///
    /// # Errors
    /// The id is another request's, or of an order that is none of the caller's affairs.
    pub(super) async fn asked_before(
        &self,
        caller: &Caller,
        id: ClientOrderId,
        content: &[u8; 32],
    ) -> Result<Option<Order>, ApiError> {
        let taken = |text: String| ApiError::new(StatusCode::CONFLICT, DenialCode::IdReused.as_str(), text);
        let before = {
            let requests = self.hand.requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.digests.get(&(owner(caller), id)).copied()
        };
        // What was just done by another call may not be told here yet.
        if let Some((_, sequence)) = before {
            self.replica.reach(sequence).await;
        }
        let (order, told) = self.replica.read(|known| {
            let order = known.state.orders.get(&id).cloned();
            (order, known.state.sequence)
        });
        if order
            .as_ref()
            .is_some_and(|order| !caller.sees(order.spec.account))
        {
            return Err(id_taken());
        }
        match before {
            None => Ok(None),
            Some((other, _)) if other != *content => Err(taken(format!(
                "{id} was asked for with other content; make a new id"
            ))),
            Some((_, sequence)) if order.is_none() && told < sequence => Err(unanswered()),
            Some(_) if order.is_none() => Err(taken(format!(
                "{id} was asked for before, and its order ended more than a day ago; make a new id"
            ))),
            Some(_) => Ok(order),
        }
    }
    /// Remembers what was asked for under an id.
    pub(super) fn remember(&self, caller: &Caller, id: ClientOrderId, content: [u8; 32], done: &Done) {
        // Who asked again was not told when the order was recorded. While it is not seen here either, the call that placed it is
        // about to tell: without that its absence would be taken for an order that ended long ago.
        let seen = || {
            let of = |known: &Known| {
                known
                    .state
                    .orders
                    .contains_key(&id)
                    .then_some(known.state.sequence)
            };
            self.replica.read(of)
        };
        let sequence = if done.again { seen() } else { Some(done.sequence) };
        let Some(sequence) = sequence else { return };
        let mut requests = self.hand.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (owner(caller), id);
        // The first stays: it says when the order was recorded.
        if !requests.digests.contains_key(&key) {
            requests.digests.insert(key.clone(), (content, sequence));
            requests.oldest.push_back(key);
        }
        while requests.oldest.len() > REMEMBERED {
            if let Some(key) = requests.oldest.pop_front() {
                requests.digests.remove(&key);
            }
        }
    }
    /// An order as it is once the broker has answered, or after `wait` at the latest: a market order is worth waiting until
    /// it has ended.
    pub(super) async fn settled(&self, id: ClientOrderId, wait: Duration) -> Option<Order> {
        let (until, told) = (Instant::now() + wait, Instant::now() + wait.max(TOLD_WITHIN));
        loop {
            let order = self.replica.read(|known| known.state.orders.get(&id).cloned());
            // One that the engine has and that is not told here yet is on its way.
            let until = if order.is_none() { told } else { until };
            let settled = order.as_ref().is_some_and(|order| {
                let answered = order.acked_at.is_some() || !order.phase.is_live();
                let market = order.spec.kind == crate::domain::OrderKind::Market;
                answered && !(market && order.phase.is_live())
            });
            if settled || Instant::now() >= until {
                return order;
            }
            self.replica.changed(until).await;
        }
    }
}

impl Hand {
    fn session_of(&self, who: &Program) -> Option<SessionId> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.uses += 1;
        let uses = sessions.uses;
        let (session, used) = sessions.by_program.get_mut(who)?;
        *used = uses;
        Some(*session)
    }
    /// Keeps a session; the one that has to be closed for it.
    fn keep_session(&self, who: Program, session: SessionId) -> Option<SessionId> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let uses = sessions.uses;
        let before = sessions.by_program.insert(who, (session, uses));
        if let Some((before, _)) = before {
            return Some(before);
        }
        if sessions.by_program.len() <= PROGRAMS {
            return None;
        }
        let rested = sessions.by_program.iter().min_by_key(|(_, (_, used))| *used);
        let who = rested.map(|(who, _)| who.clone())?;
        sessions.by_program.remove(&who).map(|(session, _)| session)
    }
}

/// The id that the asker named, in the body or as `Idempotency-Key`.
pub(super) fn id_named(
    headers: &HeaderMap,
    body: Option<&String>,
) -> Result<Option<ClientOrderId>, ApiError> {
    let header = match headers.get("idempotency-key").map(|value| value.to_str()) {
        None => None,
        Some(Ok(text)) => Some(text.trim().trim_matches('"')),
        Some(Err(_)) => return Err(ApiError::bad("the Idempotency-Key is not plain text")),
    };
    let text = match (header, body.map(String::as_str)) {
        (Some(header), Some(body)) if header != body => {
            return Err(ApiError::bad(
                "client_order_id and Idempotency-Key name two ids; they are the same thing, name one",
            ));
        }
        (header, body) => header.or(body),
    };
    text.map(|text| {
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if text.is_empty() || text.len() > ID_MAX || !plain {
            return Err(ApiError::bad(format!(
                "a client order id has 1 to {ID_MAX} letters, digits, - and _"
            )));
        }
        ClientOrderId::new(text).map_err(|error| ApiError::bad(error.to_string()))
    })
    .transpose()
}

/// What a request is, to know it again.
pub(super) fn content(what: &str, request: &impl Serialize) -> [u8; 32] {
    let body = serde_json::to_vec(request).unwrap_or_default();
    Sha256::new()
        .chain_update(what.as_bytes())
        .chain_update([0])
        .chain_update(body)
        .finalize()
        .into()
}

/// An order that was denied when it was first asked for is denied again, with the same words.
pub(super) fn denied_before(order: &Order) -> Option<ApiError> {
    if order.phase != Phase::Denied {
        return None;
    }
    let reason = order.reason.as_ref().map_or("", SafeText::as_str);
    let (code, words) = reason.split_once(": ").unwrap_or(("DENIED", reason));
    Some(ApiError::new(status_of(code), code, words))
}

/// Refuses what concerns an account or an order that the caller may not see, as if it were not there.
fn may_touch(known: &Known, caller: &Caller, command: &Command) -> Result<(), ApiError> {
    if caller.accounts.is_none() {
        return Ok(());
    }
    let account = |key: &AccountKey| {
        if caller.sees(*key) {
            Ok(())
        } else {
            Err(no_account(key.account.as_str()))
        }
    };
    let order = |id: &ClientOrderId| {
        let found = known.state.orders.get(id);
        match found.filter(|order| caller.sees(order.spec.account)) {
            Some(_) => Ok(()),
            None => Err(no_order(id.as_str())),
        }
    };
    let free = |id: &ClientOrderId| match known.state.orders.get(id) {
        Some(order) if !caller.sees(order.spec.account) => Err(id_taken()),
        _ => Ok(()),
    };
    match command {
        Command::Submit { .. }
        | Command::SubmitAll { .. }
        | Command::SubmitPair { .. }
        | Command::SubmitThen { .. } => command
            .places()
            .try_for_each(|order| account(&order.spec.account).and_then(|()| free(&order.id))),
        Command::Modify { id, .. } | Command::Cancel { id } => order(id),
        Command::Close { id, account: of, .. } | Command::Flatten { id, account: of, .. } => {
            account(of).and_then(|()| free(id))
        }
        Command::FlattenAccount { account: of, exits } => {
            account(of)?;
            exits.iter().try_for_each(|(_, id)| free(id))
        }
        Command::CancelAll { account: of, .. }
        | Command::SetTrading { account: of, .. }
        | Command::Halt {
            account: Some(of), ..
        }
        | Command::Resolve { account: of, .. }
        | Command::Reconcile { account: of }
        | Command::SetLimit {
            account: Some(of), ..
        } => account(of),
        // What a caller may do of these is told where they are offered.
        Command::Lease { .. } => Ok(()),
        Command::SetAlert { .. } | Command::RemoveAlert { .. } | Command::PauseAlert { .. } => Ok(()),
        _ => Err(ApiError::forbidden("this is not offered over the network")),
    }
}

/// An account that is not there, or not there for this caller: the same words for both.
pub(super) fn no_account(name: &str) -> ApiError {
    ApiError::not_found(format!("account '{}' that this key may see", SafeText::new(name)))
}

/// The same of an order.
pub(super) fn no_order(id: &str) -> ApiError {
    ApiError::not_found(format!(
        "order '{}' that ended within a day or lives",
        SafeText::new(id)
    ))
}

fn id_taken() -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        DenialCode::IdReused.as_str(),
        "this id is another order's; make a new one",
    )
}

fn stopping() -> ApiError {
    ApiError::unavailable("the engine is stopping")
}

/// No answer came: an order may be on its way.
pub(super) fn unanswered() -> ApiError {
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "UNANSWERED",
        "no answer in time: it may have been done; look before you ask again, and ask with the same client order id",
    )
}

/// A denial as the caller may read it: one who sees some accounts only is not told whose an id is.
fn refusal(denial: Denial, caller: &Caller) -> ApiError {
    if denial.code == DenialCode::IdReused && caller.accounts.is_some() {
        return id_taken();
    }
    denial.into()
}

/// The status of a code of the engine.
pub(super) fn status_of(code: &str) -> StatusCode {
    match code {
        "UNKNOWN_INSTRUMENT" | "UNKNOWN_ACCOUNT" | "UNKNOWN_ORDER" | "UNKNOWN_ALERT" => StatusCode::NOT_FOUND,
        "ID_REUSED" | "NOT_LIVE" | "BUSY" | "NOTHING_TO_CLOSE" | "STALE_PREVIEW" | "NOTHING_TO_ACCEPT"
        | "DUPLICATE" => StatusCode::CONFLICT,
        "NOT_ARMED" | "NO_TOKEN" | "READ_ONLY" | "NOT_OURS" | "CONFIRMATION" | "LEASE_OVER" => {
            StatusCode::FORBIDDEN
        }
        "ORDER_RATE" => StatusCode::TOO_MANY_REQUESTS,
        "VENUE_NOT_READY" | "STORAGE" | "POSITION_UNKNOWN" | "WORTH_UNKNOWN" => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn an_id_is_named_once_and_leaves_room_for_its_children() {
        let mut headers = HeaderMap::new();
        let named = |headers: &HeaderMap, body: Option<&str>| {
            let body = body.map(str::to_owned);
            id_named(headers, body.as_ref()).map(|id| id.map(|id| id.to_string()))
        };
        assert_eq!(named(&headers, None).unwrap(), None);
        assert_eq!(named(&headers, Some("a-1")).unwrap().as_deref(), Some("a-1"));
        headers.insert("idempotency-key", HeaderValue::from_static("a-1"));
        assert_eq!(named(&headers, Some("a-1")).unwrap().as_deref(), Some("a-1"));
        assert!(named(&headers, Some("a-2")).is_err());
        headers.clear();
        for bad in ["", "a.1", "a b", "é", &"x".repeat(29)] {
            assert!(named(&headers, Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_code_of_the_engine_has_a_status_that_is_no_success() {
        for (code, _) in DenialCode::ALL {
            let status = status_of(code.as_str());
            assert!(status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE);
        }
    }
}
