//! Lists in pages: `limit` items from the place that `cursor` names. The cursor is the id of the last item of the page
//! before, so that what comes in between neither repeats nor skips an item.

use super::super::error::ApiError;
use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Items of a page where nothing is said.
const USUAL: usize = 100;
/// Items of a page at most.
const MOST: usize = 1_000;

/// What a list may be asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Items of the page: 1 to 1000, 100 where nothing is said.
    limit: Option<usize>,
    /// What the page before this one told as `next`; the beginning without.
    cursor: Option<String>,
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Answer<T> {
    /// The items, in order.
    pub(super) items: Vec<T>,
    /// The cursor of the next page; null on the last.
    pub(super) next: Option<String>,
    /// The event up to which this is true.
    pub(super) sequence: u64,
}

impl Page {
    /// The page of `all`, which is in order; `id` names an item and `show` turns it into what is told.
    pub(super) fn of<T, R>(
        &self,
        all: &[T],
        sequence: u64,
        id: impl Fn(&T) -> String,
        show: impl Fn(&T) -> R,
    ) -> Result<Json<Answer<R>>, ApiError> {
        let limit = self.limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(ApiError::bad(format!(
                "limit {limit} is out of range; 1 to {MOST}"
            )));
        }
        let from = match &self.cursor {
            None => 0,
            Some(cursor) => {
                let at = all.iter().position(|item| id(item) == *cursor);
                at.ok_or_else(|| {
                    let cursor = crate::domain::SafeText::new(cursor);
                    ApiError::bad(format!(
                        "cursor '{cursor}' names nothing here any more; begin again without one"
                    ))
                })? + 1
            }
        };
        let page = &all[from..(from.saturating_add(limit)).min(all.len())];
        let more = from + page.len() < all.len();
        Ok(Json(Answer {
            items: page.iter().map(show).collect(),
            next: page.last().filter(|_| more).map(id),
            sequence,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn pages_join_without_a_gap_though_the_list_grows_at_its_head() {
        let mut all: Vec<u32> = (0..250).rev().collect();
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = Page {
                limit: Some(100),
                cursor: cursor.clone(),
            };
            let Json(answer) = page.of(&all, 1, u32::to_string, |n| json!(n)).unwrap();
            seen.extend(answer.items.iter().filter_map(Value::as_u64));
            cursor = answer.next;
            if cursor.is_none() {
                break;
            }
            all.insert(0, 1_000 + u32::try_from(seen.len()).unwrap());
        }
        assert_eq!(seen, (0..250).rev().collect::<Vec<u64>>());
        for limit in [0, 1_001] {
            let page = Page {
                limit: Some(limit),
                cursor: None,
            };
            assert!(page.of(&all, 1, u32::to_string, |n| json!(n)).is_err());
        }
    }
}
