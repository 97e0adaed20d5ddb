//! The past: bars of every usual size from the exchange's own history and from what was printed since, kept up to date
//! where a client wants that; how far back it goes; and the last ticks.

use super::contracts::Listed;
use super::convert;
use super::core::Gateway;
use super::quotes::average;
use super::session::{ConnectionId, MOST_LINES};
use super::tws::message::Outgoing;
use super::tws::proto;
use crate::domain::{CalendarId, InstrumentId, Price, Timestamp};
use crate::market::bars::{regular_hours, roll_up, roll_up_at};
use crate::market::{Bar, Timeframe};
use std::time::Duration;

/// Most bars in one answer.
const MOST_BARS: usize = 10_000;
/// Days that the exchange can tell of.
const DAYS_BACK: usize = 2_000;

/// A history that is kept up to date.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growing {
    pub instrument: InstrumentId,
    show: Show,
}

/// How bars are wanted.
#[derive(Clone, Copy, Debug)]
struct Show {
    timeframe: Timeframe,
    /// Trades have a volume, other bars do not.
    trades: bool,
    /// 1 is text with a zone, 2 is seconds since 1970.
    format: i32,
}

impl Show {
    fn bar(self, bar: &Bar) -> proto::HistoricalDataBar {
        let none = || Some("-1".to_owned());
        let daily = !matches!(self.timeframe, Timeframe::Seconds(_));
        let volume = crate::domain::Quantity::from_raw(i64::try_from(bar.volume).unwrap_or(i64::MAX));
        proto::HistoricalDataBar {
            date: Some(match (daily, self.format) {
                // The day that a session is named after is the one it ends on.
                (true, _) => convert::date(bar.start.after(Duration::from_secs(12 * 3600))),
                (false, 2) => bar.start.seconds().to_string(),
                (false, _) => convert::stamp(bar.start),
            }),
            open: Some(bar.open.to_f64()),
            high: Some(bar.high.to_f64()),
            low: Some(bar.low.to_f64()),
            close: Some(bar.close.to_f64()),
            volume: if self.trades {
                Some(volume.to_string())
            } else {
                none()
            },
            wap: if self.trades {
                Some(average(bar).to_string())
            } else {
                none()
            },
            bar_count: Some(if self.trades {
                i32::try_from(bar.count).unwrap_or(i32::MAX)
            } else {
                -1
            }),
        }
    }
}

/// `5 mins` and its kin.
fn bar_size(text: &str) -> Option<Timeframe> {
    let (count, unit) = text.trim().split_once(' ')?;
    let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
    let timeframe = match unit.trim().trim_end_matches('s') {
        "sec" => Timeframe::Seconds(count),
        "min" => Timeframe::Seconds(count.checked_mul(60)?),
        "hour" => Timeframe::Seconds(count.checked_mul(3_600)?),
        "day" if count == 1 => Timeframe::Day,
        "week" if count == 1 => Timeframe::Week,
        "month" if count == 1 => Timeframe::Month,
        _ => return None,
    };
    timeframe.base().map(|_| timeframe)
}

/// `2 D`, `3600 S`.
fn duration(text: &str) -> Option<Duration> {
    let (count, unit) = text.trim().split_once(' ')?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    let seconds = match unit.trim() {
        "S" => 1,
        "D" => 86_400,
        "W" => 7 * 86_400,
        "M" => 31 * 86_400,
        "Y" => 366 * 86_400,
        _ => return None,
    };
    count.checked_mul(seconds).map(Duration::from_secs)
}

fn length(timeframe: Timeframe) -> u64 {
    match timeframe {
        Timeframe::Seconds(seconds) => u64::from(seconds.max(1)),
        Timeframe::Day => 86_400,
        Timeframe::Week => 7 * 86_400,
        Timeframe::Month => 28 * 86_400,
    }
}

impl Gateway {
    pub(super) fn tell_history(&mut self, at: ConnectionId, request: &proto::HistoricalDataRequest) {
        let req_id = request.req_id.unwrap_or(0);
        let Some(listed) = self.wanted_contract(at, req_id, request.contract.as_ref()) else {
            return;
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let invalid = |what: &str| format!("Error validating request: invalid {what}");
        let Some(timeframe) = bar_size(&text(&request.bar_size_setting)) else {
            return self.error(at, req_id, 321, &invalid("bar size"));
        };
        let Some(span) = duration(&text(&request.duration)) else {
            return self.error(at, req_id, 321, &invalid("duration"));
        };
        let keep = request.keep_up_to_date == Some(true);
        let end = text(&request.end_date_time);
        let until = match (end.as_str(), convert::time(&end)) {
            ("", _) => self.now,
            (_, Some(until)) if !keep => until.min(self.now),
            (_, Some(_)) => {
                return self.error(
                    at,
                    req_id,
                    321,
                    &invalid("end: a history that is kept up to date has none"),
                );
            }
            (_, None) => {
                return self.error(
                    at,
                    req_id,
                    10314,
                    "End Date/Time: The date, time, or time-zone entered is invalid.",
                );
            }
        };
        let show = Show {
            timeframe,
            trades: matches!(
                request.what_to_show.as_deref(),
                Some("TRADES" | "ADJUSTED_LAST") | None
            ),
            format: request.format_date.unwrap_or(1),
        };
        let bars = self.bars_between(
            &listed,
            timeframe,
            until.before(span),
            until,
            request.use_rth == Some(true),
        );
        if bars.is_empty() && !keep {
            let words = "Historical Market Data Service error message:HMDS query returned no data";
            return self.error(at, req_id, 162, words);
        }
        let (req, stamp) = (Some(req_id), convert::stamp);
        let answer = Outgoing::History {
            bars: proto::HistoricalData {
                req_id: req,
                historical_data_bars: bars.iter().map(|bar| show.bar(bar)).collect(),
            },
            end: proto::HistoricalDataEnd {
                req_id: req,
                start_date_str: Some(stamp(until.before(span))),
                end_date_str: Some(stamp(until)),
            },
        };
        self.tell(at, answer);
        let instrument = listed.instrument.id;
        if keep
            && self
                .sessions
                .get(&at)
                .is_some_and(|session| session.growing.len() < MOST_LINES)
        {
            self.with(at, |session| {
                session.growing.insert(req_id, Growing { instrument, show });
            });
        }
    }

    /// Bars that start in a span, oldest first: what was printed, and before that what the exchange tells.
    fn bars_between(
        &self,
        listed: &Listed,
        timeframe: Timeframe,
        from: Timestamp,
        until: Timestamp,
        regular: bool,
    ) -> Vec<Bar> {
        let (instrument, calendar) = (listed.instrument.id, listed.instrument.calendar);
        let base = timeframe.base().unwrap_or(timeframe);
        let kept = self.market.bars(instrument, base);
        let mut bars = if base == timeframe {
            kept.to_vec()
        } else {
            roll_up(kept, timeframe, calendar)
        };
        if bars.first().is_none_or(|first| first.start > from) {
            // The first rolled-up bar may have lost its beginning.
            let mut own = bars.split_off(bars.len().min(1));
            let since = own.first().map_or(Timestamp::MAX, |bar| bar.start);
            let count = self.now.since(from).as_secs() / length(timeframe);
            let count = usize::try_from(count)
                .unwrap_or(MOST_BARS)
                .saturating_add(2)
                .min(MOST_BARS);
            bars = self.venue.history(instrument, timeframe, count, self.now);
            bars.retain(|bar| bar.start < since);
            bars.append(&mut own);
        }
        if regular && matches!(timeframe, Timeframe::Seconds(_)) {
            bars = regular_hours(&bars, calendar);
        }
        bars.retain(|bar| interval_end(timeframe, calendar, bar) > from && bar.start < until);
        let spare = bars.len().saturating_sub(MOST_BARS);
        bars.drain(..spare);
        bars
    }

    /// After a print: the running bar of every history that is kept up to date.
    pub(super) fn tell_growing(&mut self, instrument: InstrumentId) {
        let Some(calendar) = self
            .contracts
            .get(instrument)
            .map(|listed| listed.instrument.calendar)
        else {
            return;
        };
        let mut told = Vec::new();
        for (at, session) in &self.sessions {
            for (req_id, growing) in session
                .growing
                .iter()
                .filter(|(_, growing)| growing.instrument == instrument)
            {
                let timeframe = growing.show.timeframe;
                let base = self
                    .market
                    .bars(instrument, timeframe.base().unwrap_or(timeframe));
                let newest = base
                    .last()
                    .and_then(|last| roll_up_at(base, timeframe, calendar, last.start));
                told.extend(newest.map(|bar| (*at, *req_id, growing.show.bar(&bar))));
            }
        }
        for (at, req_id, bar) in told {
            let (req_id, historical_data_bar) = (Some(req_id), Some(bar));
            self.tell(
                at,
                proto::HistoricalDataUpdate {
                    req_id,
                    historical_data_bar,
                },
            );
        }
    }

    pub(super) fn tell_head_timestamp(&mut self, at: ConnectionId, request: &proto::HeadTimestampRequest) {
        let req_id = request.req_id.unwrap_or(0);
        let Some(listed) = self.wanted_contract(at, req_id, request.contract.as_ref()) else {
            return;
        };
        let days = self
            .venue
            .history(listed.instrument.id, Timeframe::Day, DAYS_BACK, self.now);
        let first = days.first().map_or(self.now, |bar| bar.start);
        let head = if request.format_date == Some(2) {
            first.seconds().to_string()
        } else {
            convert::stamp(first).trim_end_matches(" UTC").replace(' ', "-")
        };
        let (req_id, head_timestamp) = (Some(req_id), Some(head));
        self.tell(
            at,
            proto::HeadTimestamp {
                req_id,
                head_timestamp,
            },
        );
    }

    /// The latest trades that are remembered; other ticks are not kept, and the answer is empty and complete.
    pub(super) fn tell_historical_ticks(
        &mut self,
        at: ConnectionId,
        request: &proto::HistoricalTicksRequest,
    ) {
        let req_id = request.req_id.unwrap_or(0);
        let Some(listed) = self.wanted_contract(at, req_id, request.contract.as_ref()) else {
            return;
        };
        let (req_id, is_done) = (Some(req_id), Some(true));
        let most = request
            .number_of_ticks
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(1_000)
            .min(1_000);
        match request.what_to_show.as_deref() {
            Some("BID_ASK") => {
                let historical_ticks_bid_ask = Vec::new();
                self.tell(
                    at,
                    proto::HistoricalTicksBidAsk {
                        req_id,
                        historical_ticks_bid_ask,
                        is_done,
                    },
                );
            }
            Some("MIDPOINT") => {
                let historical_ticks = Vec::new();
                self.tell(
                    at,
                    proto::HistoricalTicks {
                        req_id,
                        historical_ticks,
                        is_done,
                    },
                );
            }
            _ => {
                let mut prints: Vec<_> = self.market.tape(listed.instrument.id).copied().collect();
                prints.sort_by_key(|print| (print.at, print.number));
                let spare = prints.len().saturating_sub(most);
                let tick = |print: &crate::market::Print| proto::HistoricalTickLast {
                    time: Some(print.at.seconds()),
                    tick_attrib_last: Some(proto::TickAttribLast::default()),
                    price: Some(Price::to_f64(print.price)),
                    size: Some(print.size.to_string()),
                    exchange: Some("SIM".to_owned()),
                    special_conditions: Some(String::new()),
                };
                let historical_ticks_last = prints.iter().skip(spare).map(tick).collect();
                self.tell(
                    at,
                    proto::HistoricalTicksLast {
                        req_id,
                        historical_ticks_last,
                        is_done,
                    },
                );
            }
        }
    }
}

fn interval_end(timeframe: Timeframe, calendar: CalendarId, bar: &Bar) -> Timestamp {
    timeframe
        .interval(calendar, bar.start)
        .map_or(bar.start, |span| span.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_sizes_and_durations_as_clients_write_them() {
        assert_eq!(bar_size("5 secs"), Some(Timeframe::S5));
        assert_eq!(bar_size("1 min"), Some(Timeframe::M1));
        assert_eq!(bar_size("20 mins"), Some(Timeframe::Seconds(1_200)));
        assert_eq!(bar_size("8 hours"), Some(Timeframe::Seconds(28_800)));
        assert_eq!(bar_size("1 day"), Some(Timeframe::Day));
        assert_eq!(bar_size("1 month"), Some(Timeframe::Month));
        for bad in ["", "5", "1 sec", "0 mins", "7 days", "99999999 hours", "-1 min"] {
            assert_eq!(bar_size(bad), None, "{bad}");
        }
        assert_eq!(duration("2 D"), Some(Duration::from_secs(2 * 86_400)));
        assert_eq!(duration("18446744073709551615 Y"), None);
        assert_eq!(duration("D"), None);
    }
}
