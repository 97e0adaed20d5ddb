//! The same figures as JSON: by name, each with its kind, its words and its samples; of times the count, the sum and the
//! quantiles that people ask for, in seconds.

use super::{Figure, Kind, Value};
use serde_json::{Map, Value as Json, json};

/// All figures, by name. One without samples has an empty list.
pub fn write(figures: &[Figure]) -> Json {
    let all: Map<String, Json> = figures
        .iter()
        .map(|figure| {
            let kind = match figure.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let samples: Vec<Json> = figure
                .samples
                .iter()
                .map(|(labels, value)| sample(labels, value))
                .collect();
            (
                figure.name.to_owned(),
                json!({"kind": kind, "help": figure.help, "samples": samples}),
            )
        })
        .collect();
    Json::Object(all)
}

fn sample(labels: &[(&'static str, String)], value: &Value) -> Json {
    let labels: Map<String, Json> = labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Json::from(value.as_str())))
        .collect();
    match value {
        Value::Number(number) => json!({"labels": labels, "value": number}),
        Value::Times(shape) => json!({
            "labels": labels, "count": shape.count(), "sum": shape.sum(),
            "p50": shape.quantile(0.50), "p95": shape.quantile(0.95), "p99": shape.quantile(0.99),
        }),
    }
}
