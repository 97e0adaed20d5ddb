//! What a chart wants remembered between runs, each chart for itself: what a bar is long, how near it is, how it is drawn, its
//! studies. Only what differs from the beginning, so that a later program may begin otherwise.

use super::settings::{self, Glyphs, Look, Style};
use super::{Chart, FIRST_STUDIES, STUDIES};
use crate::market::studies::StudySpec;
use toml::{Table, Value};

/// How far in and out a chart goes.
const ZOOM: std::ops::RangeInclusive<i64> = -4..=2;

impl Chart {
    pub(super) fn to_remember(&self) -> Table {
        let mut table = Table::new();
        let mut keep = |key: &str, differs: bool, value: Value| {
            if differs {
                table.insert(key.to_owned(), value);
            }
        };
        let text = |text: &dyn ToString| Value::String(text.to_string());
        keep("bars", self.timeframe != self.usual, text(&self.timeframe));
        keep("zoom", self.zoom != 0, Value::Integer(i64::from(self.zoom)));
        keep("style", self.style != Style::default(), text(&self.style.word()));
        keep(
            "glyphs",
            self.glyphs != Glyphs::default(),
            text(&self.glyphs.word()),
        );
        keep("volume", !self.volume, Value::Boolean(self.volume));
        let studies = self.studies.iter().map(|study| text(study)).collect();
        keep("studies", self.studies != FIRST_STUDIES, Value::Array(studies));
        table
    }

    /// What is absent is as at the beginning: the same taken back is the same chart.
    pub(super) fn take_remembered(&mut self, table: &Table) {
        let word = |key: &str| table.get(key).and_then(Value::as_str);
        let bars = word("bars").and_then(|word| settings::timeframe(word).ok());
        self.timeframe = bars.unwrap_or(self.usual);
        let zoom = table.get("zoom").and_then(Value::as_integer);
        let zoom = zoom.filter(|zoom| ZOOM.contains(zoom));
        self.zoom = zoom.and_then(|zoom| i8::try_from(zoom).ok()).unwrap_or(0);
        (self.style, self.glyphs) = (Style::default(), Glyphs::default());
        for look in ["style", "glyphs"].into_iter().filter_map(word) {
            match settings::look(look) {
                Ok(Look::Style(style)) => self.style = style,
                Ok(Look::Glyphs(glyphs)) => self.glyphs = glyphs,
                Err(_) => {}
            }
        }
        self.volume = table.get("volume").and_then(Value::as_bool).unwrap_or(true);
        self.studies = match table.get("studies").and_then(Value::as_array) {
            None => FIRST_STUDIES.to_vec(),
            Some(kept) => {
                let read = kept.iter().filter_map(Value::as_str);
                let known = read.filter_map(|text| text.parse::<StudySpec>().ok());
                known.take(STUDIES).collect()
            }
        };
        (self.held, self.cross, self.chooser) = (None, None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Timeframe;

    #[test]
    fn a_chart_comes_back_as_it_was_and_one_that_nobody_changed_keeps_nothing() {
        let mut chart = Chart::of("chart2", Timeframe::M5);
        assert!(chart.to_remember().is_empty());
        chart.timeframe = Timeframe::H1;
        chart.zoom = -3;
        chart.style = Style::HeikinAshi;
        chart.glyphs = Glyphs::Ascii;
        chart.volume = false;
        chart.studies = ["rsi 14", "bb 20 2"]
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect();
        assert!(!chart.studies.is_empty());
        let kept = chart.to_remember().to_string();
        let mut again = Chart::of("chart2", Timeframe::M5);
        again.take_remembered(&kept.parse().unwrap());
        assert_eq!(again.to_remember(), chart.to_remember());
        assert_eq!(
            (again.timeframe, again.zoom, again.volume),
            (Timeframe::H1, -3, false)
        );
        assert_eq!(again.studies, chart.studies);
        // What makes no sense costs that part; what is absent is as at the beginning.
        again.take_remembered(&"bars = \"9y\"\nzoom = 99\nstudies = [\"x\", 3]".parse().unwrap());
        assert_eq!(
            (again.timeframe, again.zoom, again.studies.len()),
            (Timeframe::M5, 0, 0)
        );
        again.take_remembered(&Table::new());
        assert_eq!(again.studies, FIRST_STUDIES);
    }
}
