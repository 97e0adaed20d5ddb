//! What stands between the port and its routes, for every call alike: which addresses may call and how often, which origins
//! a page may be of, how large a body may be, who calls, whether that may call this part, and what of it goes into the audit
//! log. What stops things (halts, cancels) has a rate of its own and is kept out by nothing but who calls.

mod body;
mod headers;
mod rate;
mod who;

pub(super) use who::{COOKIE, COOKIE_SECURE};

use super::Context;
use super::error::ApiError;
use super::proxy::Proxies as Networks;
use crate::domain::Timestamp;
use crate::server::doors::Caller;
use crate::server::doors::audit::Entry;
use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use rate::Buckets;
use std::collections::BTreeSet;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Refused calls of strangers that go into the audit log, a second: more would let anybody fill the disk.
const STRANGERS_NOTED: u32 = 5;

/// What the guard goes by.
#[derive(Clone, Debug)]
pub struct GuardSettings {
    /// Who may call at all; empty for everybody.
    pub allow: Networks,
    /// Calls a second from one address; 0 for no limit. Twice as many at once.
    pub per_address: u32,
    /// Calls a second by one key or session.
    pub per_key: u32,
    /// Halts and cancels a second from one address, beside all others.
    pub brakes: u32,
    /// Origins whose pages may read and call, such as `https://desk.example`.
    pub cors: BTreeSet<String>,
    /// Origins whose pages may open a WebSocket, beside our own.
    pub origins: BTreeSet<String>,
    /// Levels that a body may be nested.
    pub depth: usize,
    /// Whether callers reach us encrypted, by us or by a proxy.
    pub encrypted: bool,
    /// Bytes of a body.
    pub body_max: usize,
    /// How long a body may take to come.
    pub body_within: Duration,
}

/// The guard of one port.
#[derive(Debug)]
pub struct Guard {
    pub(super) settings: GuardSettings,
    addresses: Mutex<Buckets<IpAddr>>,
    brakes: Mutex<Buckets<IpAddr>>,
    keys: Mutex<Buckets<String>>,
    strangers: Mutex<Buckets<()>>,
}

impl Guard {
    /// By these settings.
    pub fn new(settings: GuardSettings) -> Self {
        Self {
            addresses: Mutex::new(Buckets::new(settings.per_address)),
            brakes: Mutex::new(Buckets::new(settings.brakes)),
            keys: Mutex::new(Buckets::new(settings.per_key)),
            strangers: Mutex::new(Buckets::new(STRANGERS_NOTED)),
            settings,
        }
    }
}

fn take<K: Ord + Clone>(buckets: &Mutex<Buckets<K>>, name: &K, now: Timestamp) -> Result<(), ApiError> {
    let taken = buckets
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take(name, now);
    taken.map_err(|wait| {
        let seconds = wait.as_secs() + 1;
        ApiError::too_many(
            format!("too many calls; the next is taken in {seconds} s"),
            seconds,
        )
    })
}

/// Text of a header.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Who calls, or why nobody: what the guard found, for the routes that ask.
#[derive(Clone)]
struct Found(Result<Caller, ApiError>);

impl FromRequestParts<Context> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Context) -> Result<Self, ApiError> {
        match parts.extensions.get::<Found>() {
            Some(Found(found)) => found.clone(),
            None => Err(ApiError::unknown_caller("nobody is known to call")),
        }
    }
}

/// A caller that is known already: a WebSocket's, whose calls come through the guard one by one. Nothing that crosses the
/// network can put this into a request.
#[derive(Clone, Debug)]
pub(super) struct Already(pub(super) Caller);

/// From where a call comes, and its number, whoever calls.
#[derive(Clone, Debug)]
pub struct Origin {
    /// From where.
    pub address: IpAddr,
    /// The call's number.
    pub request: String,
    /// Method and address.
    pub route: String,
}

impl FromRequestParts<Context> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Context) -> Result<Self, ApiError> {
        let origin = parts.extensions.get::<Self>().cloned();
        origin.ok_or_else(|| ApiError::bad("it is not known from where this call comes"))
    }
}

/// An address as it is counted: a whole network of 2^64 belongs to one.
fn counted(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        four => four,
    }
}

/// Whether a call only stops things: it has to get through whatever else is asked.
pub(super) fn is_brake(method: &Method, path: &str) -> bool {
    let Some(path) = path.strip_prefix("/api/v1/") else {
        return false;
    };
    let last = path.rsplit('/').next().unwrap_or("");
    let stops = ["halt", "cancel", "cancel-all", "flatten"].contains(&last);
    (method == Method::POST && stops)
        || (method == Method::DELETE && (path == "orders" || path.starts_with("orders/")))
}

/// The number of a call, which every call has been given before it comes here.
fn number(headers: &HeaderMap) -> String {
    text(headers, "x-request-id").unwrap_or_default().to_owned()
}

/// Lets a call through to its `route`, or says why not.
pub(super) async fn guard<R: Future<Output = Response>>(
    context: &Context,
    request: Request,
    route: impl FnOnce(Request) -> R,
) -> Response {
    let headers = request.headers();
    let id = number(headers);
    let origin = text(headers, "origin").map(str::to_owned);
    let api = request.uri().path().starts_with("/api/");
    let admitted = admit(context, request, route, &id).await;
    let mut answer = admitted.unwrap_or_else(IntoResponse::into_response);
    headers::finish(&mut answer, &context.guard.settings, origin.as_deref(), &id, api);
    answer
}

async fn admit<R: Future<Output = Response>>(
    context: &Context,
    mut request: Request,
    through: impl FnOnce(Request) -> R,
    id: &str,
) -> Result<Response, ApiError> {
    let now = (context.about.clock)();
    let (guard, settings) = (&context.guard, &context.guard.settings);
    let address = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| {
            peer.ip().to_canonical()
        });
    if !settings.allow.is_empty() && !settings.allow.trusts(address) {
        return Err(ApiError::forbidden(format!(
            "{address} may not call here (server.doors.allow)"
        )));
    }
    let brake = is_brake(request.method(), request.uri().path());
    let rate = if brake { &guard.brakes } else { &guard.addresses };
    take(rate, &counted(address), now)?;
    if let Some(answer) = headers::preflight(request.method(), request.headers(), settings) {
        return Ok(answer);
    }
    let safe = who::is_safe(request.method());
    if let Some(origin) = text(request.headers(), "origin")
        && (!safe || request.headers().contains_key("upgrade"))
        && !headers::is_ours(request.headers(), origin, settings)
    {
        return Err(ApiError::forbidden(
            "a page of another origin may not call here (server.doors.cors, server.doors.origins)",
        ));
    }
    let route = format!(
        "{} {}",
        request.method(),
        request.uri().path().chars().take(200).collect::<String>()
    );
    let (mut parts, body) = request.into_parts();
    let bytes = body::read(body, settings.body_max, settings.body_within, settings.depth).await?;
    let mut found = match parts.extensions.remove::<Already>() {
        // Whoever sits between could add to what one signature opened; that it stops things is no harm.
        Some(Already(caller)) if caller.signs && !safe && !brake => Err(ApiError::new(
            axum::http::StatusCode::FORBIDDEN,
            "SIGNATURE",
            "this key signs each call, and a call over the WebSocket is not signed: send what changes something as a signed request",
        )),
        Some(Already(caller)) if context.doors.is_still_good(&caller, now) => Ok(caller),
        Some(_) => Err(ApiError::unknown_caller(
            "this key or session is over; come in again",
        )),
        None => who::who(&context.doors, &parts, &bytes, address, settings.encrypted, now),
    };
    if let Ok(caller) = &mut found {
        caller.request = id.to_owned();
        caller.route = route.clone();
        let name = caller.key.as_ref().or(caller.session.as_ref());
        if let Some(name) = name.filter(|_| !brake) {
            take(&guard.keys, name, now)?;
        }
    }
    let noted = found.as_ref().ok().cloned();
    if let Some(Err(error)) = noted.as_ref().map(|caller| in_scope(caller, parts.uri.path())) {
        found = Err(error);
    }
    if !safe && !brake && noted.is_some() && !context.audit.is_whole() {
        return Err(ApiError::unavailable(
            "the audit log can't be written: only halts and cancels are taken",
        ));
    }
    parts.extensions.insert(Found(found));
    parts.extensions.insert(Origin {
        address,
        request: id.to_owned(),
        route: route.clone(),
    });
    request = Request::from_parts(parts, Body::from(bytes));
    let answer = through(request).await;
    if !safe {
        note(context, noted.as_ref(), address, id, route, &answer);
    }
    Ok(answer)
}

/// Whether a key may call this part of the API.
fn in_scope(caller: &Caller, path: &str) -> Result<(), ApiError> {
    let Some(scopes) = &caller.scopes else {
        return Ok(());
    };
    let part = path
        .strip_prefix("/api/v1/")
        .unwrap_or_else(|| path.trim_start_matches('/'));
    let part = part.split('/').next().unwrap_or("");
    if scopes.contains(part) || path == "/api/v1/auth/me" {
        return Ok(());
    }
    Err(ApiError::forbidden(format!(
        "this key is for {}, not for {part}",
        scopes.iter().cloned().collect::<Vec<_>>().join(", ")
    )))
}

/// Notes a call that could change something, and how it ended.
fn note(
    context: &Context,
    caller: Option<&Caller>,
    address: IpAddr,
    id: &str,
    route: String,
    answer: &Response,
) {
    let now = (context.about.clock)();
    let mut entry = caller.map_or_else(
        || Entry {
            at: now.to_string(),
            from: address.to_string(),
            route,
            request: id.to_owned(),
            ..Entry::default()
        },
        |caller| context.entry(caller),
    );
    if caller.is_none() && take(&context.guard.strangers, &(), now).is_err() {
        return;
    }
    entry.what = "call".to_owned();
    entry.outcome = match answer.extensions().get::<super::error::Code>() {
        Some(code) => format!("{} {}", answer.status().as_u16(), code.0),
        None if answer.status().is_success() => "done".to_owned(),
        None => answer.status().as_u16().to_string(),
    };
    context.audit.record(entry);
}

impl Context {
    /// Notes in the audit log what a caller did: `what` as a stable word such as `order.submit`, `detail` in words, and how it
    /// ended (`done`, or the code of a refusal). Who, from where, by which key and in which call is taken from the caller. The
    /// call as a whole is noted anyway; this says what it meant. Never waits.
    pub fn audit(
        &self,
        caller: &Caller,
        what: &str,
        detail: impl std::fmt::Display,
        outcome: impl std::fmt::Display,
    ) {
        self.audit.record(Entry {
            what: what.to_owned(),
            detail: detail.to_string(),
            outcome: outcome.to_string(),
            ..self.entry(caller)
        });
    }
    fn entry(&self, caller: &Caller) -> Entry {
        Entry {
            at: (self.about.clock)().to_string(),
            who: caller.name.clone(),
            role: caller.role.word().to_owned(),
            from: caller.address.to_string(),
            key: caller.key.clone().unwrap_or_default(),
            session: caller.session.clone().unwrap_or_default(),
            route: caller.route.clone(),
            request: caller.request.clone(),
            ..Entry::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_things_is_told_from_all_else() {
        let brake = |method: Method, path: &str| is_brake(&method, path);
        assert!(brake(Method::POST, "/api/v1/risk/halt"));
        assert!(brake(Method::POST, "/api/v1/orders/cancel-all"));
        assert!(brake(Method::DELETE, "/api/v1/orders"));
        assert!(brake(Method::DELETE, "/api/v1/orders/ABC"));
        assert!(!brake(Method::POST, "/api/v1/orders"));
        assert!(!brake(Method::GET, "/api/v1/risk/halt"));
        assert!(!brake(Method::POST, "/halt"));
        assert!(!brake(Method::DELETE, "/api/v1/users/anna"));
    }
}
