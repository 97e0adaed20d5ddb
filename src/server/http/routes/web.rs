//! The web monitor: a page with its scripts and styles, all from this binary and nothing from elsewhere, and the place where
//! its errors are told. A file is asked for anew each time and answered with "unchanged" by its ETag, so that a new build is
//! seen at once and an old one costs nothing. What the page may do is the doors' affair, not this file's.

use super::super::body::Body;
use super::super::{ApiError, Context};
use crate::domain::{SafeText, Timestamp};
use crate::server::doors::Caller;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file of `assets/web/`, under its path there.
macro_rules! asset {
    ($path:literal, $kind:expr) => {
        (
            $path,
            $kind,
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/web/", $path)).as_slice(),
        )
    };
}

/// Path, kind and bytes of each file.
const FILES: &[(&str, &str, &[u8])] = &[
    asset!("index.html", HTML),
    asset!("style.css", STYLE),
    asset!("panes.css", STYLE),
    asset!("icon.svg", SVG),
    asset!("theme.js", SCRIPT),
    asset!("main.js", SCRIPT),
    asset!("api.js", SCRIPT),
    asset!("dom.js", SCRIPT),
    asset!("format.js", SCRIPT),
    asset!("header.js", SCRIPT),
    asset!("hold.js", SCRIPT),
    asset!("link.js", SCRIPT),
    asset!("msgpack.js", SCRIPT),
    asset!("profile.js", SCRIPT),
    asset!("report.js", SCRIPT),
    asset!("step.js", SCRIPT),
    asset!("store.js", SCRIPT),
    asset!("panes/book.js", SCRIPT),
    asset!("panes/chart.js", SCRIPT),
    asset!("panes/positions.js", SCRIPT),
    asset!("panes/risk.js", SCRIPT),
    asset!("panes/watch.js", SCRIPT),
    asset!("vendor/lightweight-charts.js", SCRIPT),
    asset!("vendor/LICENSE", TEXT),
    asset!("vendor/NOTICE", TEXT),
];

/// Errors of pages that are taken in a minute, of all pages together: a broken page must not fill the disk.
const ERRORS_A_MINUTE: u32 = 30;

/// For everybody: the page holds nothing that is secret.
pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route(
            "/",
            get(|headers: HeaderMap| async move { file("index.html", &headers) }),
        )
        .route("/web/{*path}", get(named))
}

/// Under `/api/v1`.
pub(super) fn api() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(client_error))
}

async fn named(Path(path): Path<String>, headers: HeaderMap) -> Response {
    file(&path, &headers)
}

/// A file as it is sent.
struct Packed {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    packed: Vec<u8>,
    tag: String,
}

/// All files, packed once.
fn files() -> &'static [Packed] {
    static ALL: OnceLock<Vec<Packed>> = OnceLock::new();
    ALL.get_or_init(|| FILES.iter().map(pack).collect())
}

fn pack((path, kind, bytes): &(&'static str, &'static str, &'static [u8])) -> Packed {
    let digest = Sha256::digest(bytes);
    let tag = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    // Into memory nothing fails; if it did, the file would be sent as it is.
    let packed = gzip
        .write_all(bytes)
        .and_then(|()| gzip.finish())
        .unwrap_or_default();
    Packed {
        path,
        kind,
        bytes,
        packed,
        tag,
    }
}

/// Whether a list in a header names this, or everything.
fn names(headers: &HeaderMap, name: header::HeaderName, wanted: impl Fn(&str) -> bool) -> bool {
    let all = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    all.flat_map(|text| text.split(',')).any(|one| wanted(one.trim()))
}

fn file(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = files().iter().find(|file| file.path == path) else {
        return ApiError::not_found("such file of the page").into_response();
    };
    let takes_gzip = |coding: &str| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        name.trim().eq_ignore_ascii_case("gzip") && weight.chars().any(|c| ('1'..='9').contains(&c))
    };
    let gzip = !file.packed.is_empty() && names(headers, header::ACCEPT_ENCODING, takes_gzip);
    let tag = format!("\"{}{}\"", file.tag, if gzip { "-gz" } else { "" });
    let same = names(headers, header::IF_NONE_MATCH, |one| {
        one == "*" || one.trim_start_matches("W/") == tag
    });
    let mut answer = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let bytes = if gzip {
            Bytes::from_static(file.packed.as_slice())
        } else {
            Bytes::from_static(file.bytes)
        };
        let mut answer = bytes.into_response();
        let kind = HeaderValue::from_static(file.kind);
        answer.headers_mut().insert(header::CONTENT_TYPE, kind);
        if gzip {
            let coding = HeaderValue::from_static("gzip");
            answer.headers_mut().insert(header::CONTENT_ENCODING, coding);
        }
        answer
    };
    let put = answer.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        put.insert(header::ETAG, tag);
    }
    put.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    put.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    answer
}

/// What went wrong in a page.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClientError {
    /// In words.
    message: String,
    /// In which file of the page.
    #[serde(default)]
    source: String,
    /// Where there.
    #[serde(default)]
    line: u32,
    #[serde(default)]
    column: u32,
    /// The way there.
    #[serde(default)]
    stack: String,
}

/// The minute that is counted, and how many came in it.
static TAKEN: Mutex<(Timestamp, u32)> = Mutex::new((Timestamp::MIN, 0));

/// Takes one of this minute's places.
///
/// # Errors
/// There is none left.
fn place(now: Timestamp) -> Result<(), ApiError> {
    let minute = Duration::from_secs(60);
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    if now.since(taken.0) >= minute {
        *taken = (now, 0);
    }
    if taken.1 >= ERRORS_A_MINUTE {
        let words = format!("{ERRORS_A_MINUTE} errors of pages are taken a minute");
        return Err(ApiError::too_many(words, 60));
    }
    taken.1 += 1;
    Ok(())
}

/// Tells an error of a page, for the engine's log. Thirty a minute are taken, of all pages together.
#[utoipa::path(post, path = "/client-errors", tag = "system", request_body = ClientError,
               responses((status = 204, description = "It is in the log.")))]
async fn client_error(
    State(context): State<Context>,
    caller: Caller,
    Body(error): Body<ClientError>,
) -> Result<StatusCode, ApiError> {
    place((context.about.clock)())?;
    let (message, source) = (SafeText::new(&error.message), SafeText::new(&error.source));
    let stack = SafeText::new(&error.stack.replace('\n', " | "));
    tracing::warn!(user = caller.name, %source, line = error.line, column = error.column, %message, %stack, "an error of the web monitor");
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_page_names_is_carried() {
        let text = |path: &str| {
            let file = files().iter().find(|file| file.path == path).unwrap();
            String::from_utf8_lossy(file.bytes).into_owned()
        };
        let page = text("index.html");
        let named: Vec<&str> = page
            .split("\"/web/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert!(named.len() >= 5, "{named:?}");
        for path in named {
            assert!(
                files().iter().any(|file| file.path == path),
                "{path} is named and not carried"
            );
        }
        // The page's rules allow no script or style within it, and no address but its own.
        assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick="));
        for (path, kind, bytes) in FILES {
            let own = *kind == SCRIPT && !path.starts_with("vendor/");
            let text = String::from_utf8_lossy(bytes);
            assert!(
                !own || !text.contains("innerHTML") && !text.contains("eval("),
                "{path}"
            );
            for module in text
                .split("from \"")
                .skip(1)
                .filter(|_| own)
                .filter_map(|rest| rest.split('"').next())
            {
                let name = module.rsplit('/').next().unwrap_or(module);
                assert!(
                    FILES
                        .iter()
                        .any(|(path, ..)| path.rsplit('/').next() == Some(name)),
                    "{path} takes {module}"
                );
            }
        }
    }

    #[test]
    fn a_file_that_is_there_already_is_not_sent_again() {
        let mut headers = HeaderMap::new();
        let plain = file("main.js", &headers);
        let tag = plain.headers()["etag"].clone();
        headers.insert("accept-encoding", HeaderValue::from_static("br, gzip;q=0.8"));
        let packed = file("main.js", &headers);
        assert_eq!(packed.headers()["content-encoding"], "gzip");
        assert_ne!(packed.headers()["etag"], tag);
        headers.insert("if-none-match", packed.headers()["etag"].clone());
        assert_eq!(file("main.js", &headers).status(), StatusCode::NOT_MODIFIED);
        headers.insert("if-none-match", tag);
        assert_eq!(file("main.js", &headers).status(), StatusCode::OK);
        for absent in ["", "../Cargo.toml", "main.js/", "vendor"] {
            assert_eq!(file(absent, &headers).status(), StatusCode::NOT_FOUND);
        }
    }
}
