//! Figures as text, as Prometheus reads them (exposition format 0.0.4).

use super::{Figure, Kind, Value};
use std::fmt::Write;

/// The content type of what [`write`] makes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All figures. One without samples is left out.
pub fn write(figures: &[Figure]) -> String {
    let mut text = String::with_capacity(32 * 1024);
    for figure in figures.iter().filter(|figure| !figure.samples.is_empty()) {
        let kind = match figure.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = writeln!(text, "# HELP {} {}", figure.name, figure.help);
        let _ = writeln!(text, "# TYPE {} {kind}", figure.name);
        for (labels, value) in &figure.samples {
            match value {
                Value::Number(number) => sample(&mut text, figure.name, "", labels, None, *number),
                Value::Times(shape) => {
                    for (bound, count) in shape.cumulative() {
                        let bound = number(bound);
                        let _ = line(&mut text, figure.name, "_bucket", labels, Some(&bound), count);
                    }
                    let count = shape.count();
                    let _ = line(&mut text, figure.name, "_bucket", labels, Some("+Inf"), count);
                    sample(&mut text, figure.name, "_sum", labels, None, shape.sum());
                    let _ = line(&mut text, figure.name, "_count", labels, None, count);
                }
            }
        }
    }
    text
}

fn sample(
    text: &mut String,
    name: &str,
    suffix: &str,
    labels: &[(&'static str, String)],
    bound: Option<&str>,
    value: f64,
) {
    let _ = line(text, name, suffix, labels, bound, number(value));
}

fn line(
    text: &mut String,
    name: &str,
    suffix: &str,
    labels: &[(&'static str, String)],
    bound: Option<&str>,
    value: impl std::fmt::Display,
) -> std::fmt::Result {
    write!(text, "{name}{suffix}")?;
    let bound = bound.map(|bound| ("le", bound));
    let all = labels
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain(bound);
    let mut open = '{';
    for (name, value) in all {
        write!(text, "{open}{name}=\"{}\"", escaped(value))?;
        open = ',';
    }
    writeln!(text, "{} {value}", if open == ',' { "}" } else { "" })
}

/// As Prometheus writes numbers: whole ones without a point.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        format!("{value}")
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Histogram;
    use std::time::Duration;

    #[test]
    fn labels_are_escaped_and_a_histogram_ends_with_all_of_them() {
        let times = Histogram::new();
        times.observe(Duration::from_secs(3));
        times.observe(Duration::from_secs(300));
        let text = write(&[
            Figure {
                name: "a_total",
                help: "All.",
                kind: Kind::Counter,
                samples: vec![(vec![("what", "a \"b\" \\ c".to_owned())], Value::Number(2.0))],
            },
            Figure {
                name: "t_seconds",
                help: "Times.",
                kind: Kind::Histogram,
                samples: vec![(Vec::new(), Value::Times(times.shape()))],
            },
        ]);
        assert!(text.starts_with(
            "# HELP a_total All.\n# TYPE a_total counter\na_total{what=\"a \\\"b\\\" \\\\ c\"} 2\n"
        ));
        assert!(
            text.ends_with("t_seconds_bucket{le=\"+Inf\"} 2\nt_seconds_sum 303\nt_seconds_count 2\n"),
            "{text}"
        );
    }
}
