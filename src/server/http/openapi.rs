//! The document of the port, made of the routes themselves: what an address takes and gives is told beside its code, and what
//! any of them can answer because of what they have in common is added here, by what each one takes.

use super::Context;
use super::error::{ApiError, Body};
use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use std::fmt::Write;
use std::sync::Arc;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

/// The name of the scheme in the document.
const SCHEME: &str = "key";

/// What stands before the addresses.
pub(super) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("tradewind")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Decimal numbers are text, times are RFC 3339 in UTC with nanoseconds, unknown is null. What a key may not see is as if it were not there.",
        ))
        .build();
    let mut document = OpenApiBuilder::new().info(info).build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(
        SCHEME,
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
    );
    let mut inner = Vec::new();
    <Body<'_> as ToSchema>::schemas(&mut inner);
    inner.push((Body::name().into_owned(), Body::schema()));
    components.schemas.extend(inner);
    document
}

/// Every operation of an address with its method.
fn operations(item: &mut PathItem) -> Vec<(&'static str, &mut Operation)> {
    let all = [
        ("GET", item.get.as_mut()),
        ("POST", item.post.as_mut()),
        ("PATCH", item.patch.as_mut()),
        ("PUT", item.put.as_mut()),
        ("DELETE", item.delete.as_mut()),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation?)))
        .collect()
}

/// A name for an operation that no other has: `get_orders_id` of `GET /api/v1/orders/{id}`.
fn operation_id(method: &str, path: &str) -> String {
    let path = path.trim_start_matches("/api/v1");
    let words = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut id = method.to_ascii_lowercase();
    for word in words {
        id.push('_');
        id.push_str(word);
    }
    id
}

/// Adds what all can answer: each by what it takes.
pub(super) fn finished(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        let open = !path.starts_with("/api/");
        for (method, operation) in operations(item) {
            operation.operation_id = Some(operation_id(method, path));
            let mut add = |status: &str, words: &str| {
                if operation.responses.responses.contains_key(status) {
                    return;
                }
                let content = ContentBuilder::new()
                    .schema(Some(Ref::from_schema_name(Body::name())))
                    .build();
                let response = ResponseBuilder::new()
                    .description(words)
                    .content("application/json", content)
                    .build();
                operation
                    .responses
                    .responses
                    .insert(status.to_owned(), response.into());
            };
            add(
                "503",
                "It can't be answered now, or no answer came in time: a command may have been done.",
            );
            add("429", "Too many calls; Retry-After says when to call again.");
            if open {
                continue;
            }
            add("401", "No key, or one that opens nothing.");
            add(
                "403",
                "The key may not do this, or the second factor is wanted again, or programs are not armed.",
            );
            add("400", "What was asked can't be understood; the words say what.");
            let writes = method != "GET";
            let mut named = operation.parameters.iter().flatten();
            if path.contains('{')
                || writes
                || named.any(|parameter| matches!(parameter, RefOr::T(one) if one.name == "account"))
                || path.contains("/market/")
                || path.contains("/pnl")
                || path.contains("/history/")
            {
                add("404", "There is no such thing that this key may see.");
            }
            if writes {
                add(
                    "409",
                    "It contradicts what is: the id is used, the order has ended, nothing is held.",
                );
                add(
                    "422",
                    "The controls refuse it; the code says which, and nearest what would pass.",
                );
                add("413", "The body is too large.");
                add("415", "The body is no JSON.");
            }
            // Signing in wants no key.
            if operation.security.is_none() {
                operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(SCHEME, [])]);
            }
        }
    }
    document
}

/// The document and a page that lists it.
pub(super) fn routes(document: OpenApi) -> Router<Context> {
    let document = finished(document);
    let page = Arc::new(page(&document));
    let json = Arc::new(document.to_json().unwrap_or_default());
    Router::new()
        .route(
            "/docs/openapi.json",
            get(move || async move {
                if json.is_empty() {
                    return ApiError::unavailable("the document can't be made").into_response();
                }
                ([(CONTENT_TYPE, "application/json")], json.to_string()).into_response()
            }),
        )
        .route(
            "/docs",
            get(move || async move {
                let head = [
                    (CONTENT_TYPE, "text/html; charset=utf-8"),
                    (
                        CONTENT_SECURITY_POLICY,
                        "default-src 'none'; style-src 'unsafe-inline'",
                    ),
                ];
                (head, page.to_string())
            }),
        )
}

/// What an operation takes: the names in its query, the type of its body.
fn takes(operation: &Operation) -> String {
    let asked = operation.parameters.iter().flatten();
    let asked: Vec<&str> = asked
        .filter_map(|parameter| match parameter {
            RefOr::T(one) if matches!(one.parameter_in, ParameterIn::Query) => Some(one.name.as_str()),
            _ => None,
        })
        .collect();
    let mut text = String::new();
    if !asked.is_empty() {
        let _ = write!(text, "?{}", asked.join(", "));
    }
    let Some(RefOr::T(body)) = &operation.request_body else {
        return text;
    };
    for content in body.content.values() {
        if let RefOr::T(content) = content
            && let Some(RefOr::Ref(one)) = &content.schema
        {
            let name = one.ref_location.rsplit('/').next().unwrap_or_default();
            let _ = write!(text, "{}{name}", if text.is_empty() { "" } else { " " });
        }
    }
    text
}

/// Every operation in a line, by subject. Nothing is fetched by it.
fn page(document: &OpenApi) -> String {
    let mut rows: Vec<(String, String, &'static str, String, String)> = Vec::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in operations(&mut item.clone()) {
            let tag = operation
                .tags
                .iter()
                .flatten()
                .next()
                .cloned()
                .unwrap_or_default();
            let words = operation
                .summary
                .clone()
                .or_else(|| operation.description.clone())
                .unwrap_or_default();
            rows.push((tag, path.clone(), method, takes(operation), words));
        }
    }
    rows.sort();
    let mut html = String::from(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>tradewind API</title>\
         <style>body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}\
         td{padding:.15rem .8rem .15rem 0;vertical-align:top}code{white-space:nowrap}h2{margin:1.5rem 0 .3rem}</style>\
         <h1>tradewind API</h1><p>The whole document: <a href=/docs/openapi.json>/docs/openapi.json</a> (OpenAPI 3.1).</p>",
    );
    let mut tag = None;
    for (of, path, method, takes, words) in &rows {
        if tag != Some(of) {
            let end = if tag.is_some() { "</table>" } else { "" };
            let _ = write!(html, "{end}<h2>{}</h2><table>", escaped(of));
            tag = Some(of);
        }
        let (path, takes, words) = (escaped(path), escaped(takes), escaped(words));
        let _ = write!(
            html,
            "<tr><td><code>{method}</code><td><code>{path}</code><td>{words}<br><small>{takes}</small></tr>"
        );
    }
    html + "</table></html>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_operation_has_a_name_of_its_own_and_says_who_may_not() {
        let document = finished(super::super::routes::documented().into_openapi());
        let mut names = BTreeSet::new();
        for (path, item) in &document.paths.paths {
            for (method, operation) in operations(&mut item.clone()) {
                let name = operation.operation_id.clone().unwrap_or_default();
                assert!(names.insert(name), "{method} {path}");
                assert!(
                    operation.summary.is_some(),
                    "{method} {path} says nothing of itself"
                );
                let open = !path.starts_with("/api/");
                assert_eq!(
                    operation.responses.responses.contains_key("401"),
                    !open,
                    "{method} {path}"
                );
            }
        }
        assert!(names.len() > 40);
    }

    #[test]
    fn the_guide_for_programs_names_every_address_and_no_other() {
        let document = finished(super::super::routes::documented().into_openapi());
        let mut there = BTreeSet::new();
        for (path, item) in &document.paths.paths {
            let Some(path) = path.strip_prefix("/api/v1") else {
                continue;
            };
            for (method, _) in operations(&mut item.clone()) {
                there.insert(format!("{method} {path}"));
            }
        }
        let guide = include_str!("../../../docs/API.md");
        let list = guide.split("## Every address").nth(1).unwrap();
        let list = list.split("\nBeside them").next().unwrap();
        let told: BTreeSet<String> = list
            .split('`')
            .filter(|word| word.contains(" /"))
            .map(str::to_owned)
            .collect();
        assert_eq!(told, there);
    }
}
