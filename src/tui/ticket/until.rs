//! The date of an order that lives until one: the ends of trading days, stepped through or typed as eight digits. A date that
//! is not complete, is no trading day or is over is no date: the order waits for it.

use super::{Purpose, Ticket};
use crate::domain::calendar::TradingDay;
use crate::domain::{TimeInForce, Timestamp};
use jiff::civil::Date;
use std::time::Duration;

/// The shortest there is.
const MOMENT: Duration = Duration::from_nanos(1);

impl Ticket {
    /// The market's clock at `now`.
    fn market_time(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add(self.market_ahead_ns))
    }

    /// What a date begins with: the end of the trading day after the one that is.
    pub(super) fn first_until(&self, now: Timestamp) -> Option<TimeInForce> {
        let calendar = self.instrument.calendar.calendar();
        let until = calendar.next_day(self.market_time(now))?.end;
        Some(TimeInForce::Gtd { until })
    }

    /// True where the draft has a date to be set.
    pub(super) fn has_date(&self) -> bool {
        self.purpose == Purpose::New && matches!(self.tif, TimeInForce::Gtd { .. })
    }

    /// The day at whose end the order ends.
    pub(super) fn last_day(&self) -> Option<TradingDay> {
        let TimeInForce::Gtd { until } = self.tif else {
            return None;
        };
        self.instrument.calendar.trading_day(until.before(MOMENT))
    }

    /// The date by so many trading days; never one that is over.
    pub(super) fn step_until(&mut self, days: i64, now: Timestamp) {
        let calendar = self.instrument.calendar.calendar();
        for _ in 0..days.unsigned_abs() {
            let Some(day) = self.last_day() else { return };
            let other = if days > 0 {
                calendar.next_day(day.start)
            } else {
                calendar.previous_day(day.start)
            };
            let Some(other) = other.filter(|other| other.end > self.market_time(now)) else {
                return;
            };
            self.tif = TimeInForce::Gtd { until: other.end };
        }
    }

    /// Takes what is typed into the date, where it is one already.
    pub(super) fn type_until(&mut self, text: &str, now: Timestamp) {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
        let date = || {
            let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
            Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
        };
        let day = Some(digits.len())
            .filter(|long| *long == 8)
            .and_then(|_| self.instrument.calendar.calendar().day(date()?))
            .filter(|day| day.end > self.market_time(now));
        self.date_missing = day.is_none();
        if let Some(day) = day {
            self.tif = TimeInForce::Gtd { until: day.end };
        }
    }

    /// The date as it stands in its field.
    pub fn date(&self) -> Option<String> {
        let day = self.last_day().filter(|_| self.has_date())?;
        Some(day.date.strftime("%a %Y-%m-%d").to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;
    use crate::domain::{ClientOrderId, Quantity, Side};
    use crate::engine::Command;

    fn until(ticket: &Ticket) -> Result<String, &'static str> {
        match ticket.command(ClientOrderId::new("TW1").unwrap())? {
            Command::Submit { spec, .. } => match spec.tif {
                TimeInForce::Gtd { until } => Ok(until.to_string()),
                other => Ok(other.word().to_owned()),
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_date_is_stepped_by_trading_days_or_typed_and_half_of_one_is_none() {
        let quote = sample::quote("AAPL", "189.51", "189.53");
        let (of, now) = (sample::instrument("AAPL"), sample::now());
        let quantity = Quantity::whole(100).unwrap();
        let mut ticket = Ticket::new(
            (sample::account(), &of),
            Side::Buy,
            quantity,
            false,
            Some(&quote),
            now,
        );
        while !ticket.has_date() {
            ticket.next_tif(now);
        }
        // It is Friday: Monday follows, then Tuesday; nothing is before today.
        assert_eq!(ticket.date().as_deref(), Some("Mon 2026-11-23"));
        ticket.step_price(1, Some(&quote), now);
        assert_eq!(until(&ticket).as_deref(), Ok("2026-11-25T01:00:00Z"));
        ticket.step_price(-5, Some(&quote), now);
        assert_eq!(ticket.date().as_deref(), Some("Fri 2026-11-20"));
        for (n, c) in "20261224".chars().enumerate() {
            assert_eq!(until(&ticket).is_err(), n > 0, "{n}");
            assert!(ticket.type_char(c, now));
        }
        assert_eq!(until(&ticket).as_deref(), Ok("2026-12-24T22:00:00Z"));
        assert!(ticket.type_char('\u{8}', now));
        assert!(until(&ticket).is_err());
        // A holiday, and what is left as no date: the last one that was whole stays.
        assert!(ticket.type_char('5', now));
        assert!(until(&ticket).is_err());
        ticket.next_field(true, now);
        assert_eq!(ticket.date().as_deref(), Some("Thu 2026-12-24"));
        assert!(until(&ticket).is_ok());
    }
}
