//! What the query of each address may ask, as the document of the port tells it. What it means is its route's.

use super::super::error::ApiError;
use crate::domain::SafeText;
use axum::http::{Method, Uri};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

/// The names that queries may have, by method and address.
#[derive(Debug, Default)]
pub(super) struct Asks(BTreeMap<(&'static str, String), BTreeSet<String>>);

impl Asks {
    /// By a document.
    pub(super) fn of(document: &OpenApi) -> Self {
        let mut asks = Self::default();
        for (path, item) in &document.paths.paths {
            let all = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PATCH", &item.patch),
                ("PUT", &item.put),
                ("DELETE", &item.delete),
            ];
            for (method, operation) in all {
                if let Some(operation) = operation.as_ref().filter(|_| path.starts_with("/api/")) {
                    asks.0.insert((method, path.clone()), names(operation));
                }
            }
        }
        asks
    }
    /// The refusal of a query that asks what its address does not know.
    pub(super) fn strange(&self, method: &Method, route: &str, query: &str) -> Option<ApiError> {
        let method = match *method {
            Method::GET | Method::HEAD => "GET",
            Method::POST => "POST",
            Method::PATCH => "PATCH",
            Method::PUT => "PUT",
            Method::DELETE => "DELETE",
            _ => return None,
        };
        let known = self.0.get(&(method, route.to_owned()))?;
        let given = pairs(query)?;
        let strange = given.iter().find(|(name, _)| !known.contains(name))?;
        let name = SafeText::new(&strange.0);
        let known = known.iter().cloned().collect::<Vec<_>>().join(", ");
        Some(ApiError::bad(match known.as_str() {
            "" => format!("this address takes no '{name}', nor anything else in its query"),
            _ => format!("this address takes no '{name}'; it takes {known}"),
        }))
    }
}

fn names(operation: &Operation) -> BTreeSet<String> {
    let all = operation.parameters.iter().flatten();
    all.filter_map(|parameter| match parameter {
        RefOr::T(one) if matches!(one.parameter_in, ParameterIn::Query) => Some(one.name.clone()),
        _ => None,
    })
    .collect()
}

/// Names and values; nothing where it is no query, which its route says.
fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    let uri = Uri::builder().path_and_query(format!("/?{query}")).build().ok()?;
    let pairs = axum::extract::Query::try_from_uri(&uri).ok()?;
    Some(pairs.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_may_ask_what_the_document_says_and_nothing_else() {
        let (_, document) = super::super::documented().split_for_parts();
        let asks = Asks::of(&document);
        let strange = |method: Method, route: &str, query: &str| {
            let refused = asks.strange(&method, route, query);
            refused.map(|error| error.message)
        };
        let orders = "/api/v1/orders";
        assert_eq!(
            strange(Method::GET, orders, "account=A&state=open&limit=5&cursor=x"),
            None
        );
        let words = strange(Method::GET, orders, "acount=A").unwrap();
        assert!(words.contains("'acount'") && words.contains("account"), "{words}");
        assert!(strange(Method::HEAD, orders, "ac%63ount=A").is_none());
        assert!(strange(Method::DELETE, "/api/v1/orders/{id}", "wait_ms=1").is_none());
        assert!(strange(Method::POST, "/api/v1/risk/halt", "account=A").is_some());
        // What is none of the API's is none of this.
        assert!(strange(Method::GET, "/health", "a=1").is_none());
    }
}
