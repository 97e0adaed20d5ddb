//! Bars of longer lengths in a replica, rolled up from the base bars that are here and kept up with them: a changed base
//! bar changes the one longer bar around it, a history that comes in rolls all of them up anew. So a longer bar is never
//! anything else than what its base bars say, and joins history and the present as they do.

use super::bars::{roll_up, roll_up_at};
use super::data::{Bar, Timeframe};
use super::series::Series;
use crate::domain::{CalendarId, Timestamp};

/// The lengths that somebody wants of one instrument.
#[derive(Clone, Debug, Default)]
pub(super) struct Derived {
    kept: Vec<(Timeframe, Series)>,
}

impl Derived {
    /// Begins to keep bars of `timeframe`, out of the base bars `bars`; kept already, nothing happens.
    pub(super) fn want(&mut self, timeframe: Timeframe, calendar: CalendarId, bars: &[Bar]) {
        if self.kept.iter().any(|(kept, _)| *kept == timeframe) {
            return;
        }
        let mut series = Series::default();
        series.join(whole(bars, timeframe, calendar));
        self.kept.push((timeframe, series));
    }
    /// The base bars are others than before.
    pub(super) fn rebuild(&mut self, base: Timeframe, calendar: CalendarId, bars: &[Bar]) {
        for (timeframe, series) in self.of(base) {
            *series = Series::default();
            series.join(whole(bars, timeframe, calendar));
        }
    }
    /// The base bar that starts at `at` has changed.
    pub(super) fn change(&mut self, base: Timeframe, calendar: CalendarId, bars: &[Bar], at: Timestamp) {
        for (timeframe, series) in self.of(base) {
            if let Some(bar) = roll_up_at(bars, timeframe, calendar, at) {
                series.update(bar);
            }
        }
    }
    /// Bars of `timeframe`, where they are kept.
    pub(super) fn bars(&self, timeframe: Timeframe) -> Option<&[Bar]> {
        let (_, series) = self.kept.iter().find(|(kept, _)| *kept == timeframe)?;
        Some(series.bars())
    }

    fn of(&mut self, base: Timeframe) -> impl Iterator<Item = (Timeframe, &mut Series)> {
        self.kept
            .iter_mut()
            .filter(move |(timeframe, _)| timeframe.base() == Some(base))
            .map(|(timeframe, series)| (*timeframe, series))
    }
}

/// Rolled up, without a first bar whose beginning is not among the base bars: it would show a part for the whole. One
/// that stands alone stays: it is all there is.
fn whole(bars: &[Bar], timeframe: Timeframe, calendar: CalendarId) -> Vec<Bar> {
    let mut rolled = roll_up(bars, timeframe, calendar);
    let cut = match (bars.first(), rolled.first()) {
        (Some(base), Some(first)) => rolled.len() > 1 && base.start > first.start,
        _ => false,
    };
    if cut {
        rolled.remove(0);
    }
    rolled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Currency, Instrument, InstrumentId, InstrumentKind, Multiplier, Price, Quantity, TickTable,
    };
    use crate::market::{BarUpdate, Market, Print};
    use proptest::prelude::*;

    fn instrument() -> Instrument {
        Instrument {
            id: InstrumentId::new("X").unwrap(),
            name: "X".into(),
            kind: InstrumentKind::Equity,
            currency: Currency::USD,
            multiplier: Multiplier::ONE,
            ticks: TickTable::uniform(Price::from_raw(10_000_000)).unwrap(),
            lot: Quantity::ONE,
            calendar: CalendarId::UsEquity,
            root: None,
            expires: None,
            broker_ids: std::collections::BTreeMap::new(),
            option: None,
            sector: None,
            listed_on: None,
        }
    }
    fn print(number: u64, second: i64, price: i64) -> Print {
        Print {
            instrument: InstrumentId::new("X").unwrap(),
            number,
            at: Timestamp::from_seconds(1_381_152_600 + second),
            price: Price::from_raw(price * 10_000_000),
            size: Quantity::ONE,
            aggressor: None,
        }
    }

    proptest! {
        /// A terminal that attaches at any moment, is told the bars from then on, and gets its history at any later
        /// moment shows what the engine has: no bar twice, none missing, none with a part of its volume, at any length.
        #[test]
        fn history_joins_live_bars_at_every_length(
            steps in prop::collection::vec((1i64..9_000, 9_900i64..10_100), 4..120),
            attached in 0usize..100, later in 0usize..60, asked in 3usize..2_000,
        ) {
            let id = InstrumentId::new("X").unwrap();
            let (mut engine, mut replica) = (Market::new(), Market::replica());
            for market in [&mut engine, &mut replica] {
                market.list(instrument());
            }
            for timeframe in Timeframe::CHARTED {
                replica.want_bars(id, timeframe);
            }
            let attached = attached % steps.len();
            let told = (attached + later).min(steps.len() - 1);
            let (mut second, mut changed) = (0, Vec::<BarUpdate>::new());
            for (at, (gap, price)) in steps.iter().enumerate() {
                second += gap;
                engine.on_print(print(at as u64 + 1, second, *price), &mut changed);
                for update in changed.drain(..).filter(|_| at >= attached) {
                    replica.apply_bar(&update);
                }
                if at == told {
                    for base in Timeframe::BASE {
                        let bars = engine.bars(id, base);
                        let newest = bars[bars.len().saturating_sub(asked)..].to_vec();
                        replica.set_bars(id, base, newest);
                    }
                }
            }
            for timeframe in Timeframe::CHARTED {
                let base = timeframe.base().unwrap();
                let shown = replica.bars(id, timeframe);
                let all = roll_up(engine.bars(id, base), timeframe, CalendarId::UsEquity);
                // Where fewer bars were asked for than there are, the picture begins later, and with a whole bar.
                prop_assert!(shown.len() <= all.len() && all.ends_with(&shown[1.min(shown.len())..]));
                if asked > steps.len() && shown.len() != all.len() {
                    prop_assert_eq!(shown.len() + 1, all.len());
                }
                prop_assert!(shown.windows(2).all(|pair| pair[0].start < pair[1].start));
            }
        }
    }

    #[test]
    fn weeks_and_months_are_those_of_the_calendar() {
        let calendar = CalendarId::UsEquity.calendar();
        let day = |text: &str| {
            let start = calendar.day(text.parse().unwrap()).unwrap().start;
            Bar {
                start,
                open: Price::from_raw(5),
                high: Price::from_raw(9),
                low: Price::from_raw(1),
                close: Price::from_raw(6),
                volume: 10,
                value: 50,
                count: 1,
                revision: 1,
            }
        };
        // The 1st of July 2024 is a Monday, the 4th a holiday; the week of the 29th reaches into August.
        let dates = [
            "06-28", "07-01", "07-02", "07-03", "07-05", "07-08", "07-29", "07-31", "08-01", "08-02",
        ];
        let bars: Vec<Bar> = dates.iter().map(|date| day(&format!("2024-{date}"))).collect();
        let volumes = |timeframe| -> Vec<i128> {
            whole(&bars, timeframe, CalendarId::UsEquity)
                .iter()
                .map(|bar| bar.volume)
                .collect()
        };
        // The week of the 24th of June is known by its Friday alone and left out; so is June.
        assert_eq!(volumes(Timeframe::Week), [40, 10, 40]);
        assert_eq!(volumes(Timeframe::Month), [70, 20]);
    }
}
