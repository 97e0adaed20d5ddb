//! The WebSocket at `/ws`: topics with parameters, each begun with a snapshot and followed by numbered updates. A client
//! speaks msgpack, or JSON where it asks for that subprotocol. Clients that want the same share one stream: its frames are
//! encoded once and wait in one window, so that what a client does not read costs others nothing, and who falls behind
//! its end begins again where only the newest counts, and is cut off with a reason where each counts.

mod calls;
mod client;
mod frame;
mod hub;
mod stream;
mod summary;
mod topic;

use super::Context;
use super::error::ApiError;
use crate::server::doors::Caller;
use axum::Router;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use axum::routing::get;
use frame::Encoding;

pub(crate) use calls::CallSender;
pub(super) use calls::call_channel;
pub(super) use hub::Hub;
pub(super) use topic::Params;

/// The subprotocol of msgpack messages, which also holds where none is asked for.
const MSGPACK: &str = "tradewind.v1.msgpack";
/// The subprotocol of JSON messages.
const JSON: &str = "tradewind.v1.json";
/// Bytes that are made ready for each read of a socket, zeros first: clients say little, and the buffer's usual 128 KiB cost
/// more than all that is sent.
const READ_BUFFER: usize = 4 * 1024;
/// Bytes of a client's message.
const MESSAGE_MAX: usize = 64 * 1024;

pub(super) fn routes() -> Router<Context> {
    Router::new().route("/ws", get(upgrade))
}

async fn upgrade(
    State(context): State<Context>,
    caller: Caller,
    request: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let request = request
        .protocols([MSGPACK, JSON])
        .read_buffer_size(READ_BUFFER)
        .max_message_size(MESSAGE_MAX)
        .max_frame_size(MESSAGE_MAX);
    let encoding = match request.selected_protocol().and_then(|name| name.to_str().ok()) {
        Some(JSON) => Encoding::Json,
        _ => Encoding::Msgpack,
    };
    Ok(request.on_upgrade(move |socket| client::run(socket, context, caller, encoding)))
}
