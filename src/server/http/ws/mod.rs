//! The WebSocket at `/ws`: topics with parameters, each begun with a snapshot and followed by numbered updates. A client
//! speaks msgpack, or JSON where it asks for that subprotocol. Clients that want the same share one stream: its frames are
//! encoded once and wait in one window, so that what a client does not read costs others nothing, and who falls behind
//! its end begins again where only the newest counts, and is cut off with a reason where each counts.

mod calls;
mod client;
mod frame;
mod hub;
mod lane;
mod stream;
mod summary;
mod topic;
mod upgrade;

use super::Context;
use super::accept::Held;
use super::error::ApiError;
use crate::server::doors::Caller;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use frame::Encoding;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

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
    Router::new().route("/ws", get(begin))
}

async fn begin(
    State(context): State<Context>,
    caller: Caller,
    mut request: Request,
) -> Result<Response, ApiError> {
    let protocol = upgrade::chosen(request.headers(), &[MSGPACK, JSON]);
    let answer = upgrade::answer(&request, protocol)?;
    let encoding = match protocol {
        Some(JSON) => Encoding::Json,
        _ => Encoding::Msgpack,
    };
    // The connection keeps its place among those that may be open at once.
    let held = request.extensions().get::<Held>().cloned();
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgrading.await {
            Ok(connection) => {
                let config = WebSocketConfig::default()
                    .read_buffer_size(READ_BUFFER)
                    .max_message_size(Some(MESSAGE_MAX))
                    .max_frame_size(Some(MESSAGE_MAX));
                let socket = upgrade::open(connection, config).await;
                client::run(socket, context, caller, encoding).await;
            }
            Err(error) => tracing::debug!(%error, "a WebSocket did not come about"),
        }
        drop(held);
    });
    Ok(answer)
}
