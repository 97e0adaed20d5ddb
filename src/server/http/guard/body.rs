//! A call's body, read before anybody looks at it: no larger than may be, within the time, and nested no deeper than what
//! means something. Signed calls need it whole.

use super::super::error::ApiError;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use std::time::Duration;

/// Reads it.
///
/// # Errors
/// It is too large, too slow, nested too deep, or cut.
pub(super) async fn read(body: Body, most: usize, within: Duration, depth: usize) -> Result<Bytes, ApiError> {
    let large = || {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "TOO_LARGE",
            format!("a body has at most {most} bytes"),
        )
    };
    // What is announced as too large is not waited for.
    if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(large());
    }
    let reading = axum::body::to_bytes(body, most);
    let bytes = tokio::time::timeout(within, reading).await.map_err(|_| {
        ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "TOO_SLOW",
            format!("the body did not come within {} s", within.as_secs()),
        )
    })?;
    let bytes = bytes.map_err(|error| {
        let told = error.to_string();
        if told.contains("length limit") {
            large()
        } else {
            ApiError::bad("the body ended before it was whole")
        }
    })?;
    if is_deeper(&bytes, depth) {
        return Err(ApiError::bad(format!(
            "the body is nested deeper than {depth} levels"
        )));
    }
    Ok(bytes)
}

/// Whether brackets outside of text are nested deeper than that.
fn is_deeper(bytes: &[u8], most: usize) -> bool {
    let (mut depth, mut text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        if text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => text = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > most {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_text_are_no_depth() {
        assert!(!is_deeper(br#"{"a":["[[[[\"[[[["]}"#, 2));
        assert!(is_deeper(br#"{"a":[[1]]}"#, 2));
        assert!(!is_deeper(br#"[[],[],[],[]]"#, 2));
    }
}
