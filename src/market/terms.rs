//! What a broker says of an instrument beside its prices: whether it can be sold short, and when it trades. Slow facts that
//! come with market data and go with it: nothing is decided by them, people see them, and where the broker says nothing
//! others have to know it (a calendar, the limits).

use crate::domain::{InstrumentId, Quantity, Timestamp};
use serde::{Deserialize, Serialize};

/// Whether shares can be borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Borrow {
    /// There are enough.
    Easy,
    /// Only after the broker has located some.
    Locate,
    /// None.
    No,
}

impl Borrow {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Easy => "yes",
            Self::Locate => "locate",
            Self::No => "none",
        }
    }
}

/// A stretch of trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// From then on
    pub from: Timestamp,
    /// until then.
    pub until: Timestamp,
    /// The regular session; else the hours before and after it too.
    pub is_regular: bool,
}

/// What a market does by the broker's hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByHours {
    /// Before the regular session.
    Pre,
    /// In it.
    Open,
    /// After it.
    Post,
    /// It does not trade.
    Closed,
}

/// What is known of one instrument. What is nothing was not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Of what.
    pub instrument: InstrumentId,
    /// Whether it can be sold short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub borrow: Option<Borrow>,
    /// How many shares can be borrowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<Quantity>,
    /// A dated contract ends in the thing itself, not in money: notice may come before its last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivers: Option<bool>,
    /// When it trades, ascending: today and the next days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<Hours>,
}

impl Terms {
    /// Nothing is known yet.
    pub fn of(instrument: InstrumentId) -> Self {
        Self {
            instrument,
            borrow: None,
            shares: None,
            delivers: None,
            hours: Vec::new(),
        }
    }

    /// Takes what is told anew; true where something changed.
    pub fn take(&mut self, news: Self) -> bool {
        let before = self.clone();
        self.borrow = news.borrow.or(self.borrow);
        self.shares = news.shares.or(self.shares);
        self.delivers = news.delivers.or(self.delivers);
        if !news.hours.is_empty() {
            self.hours = news.hours;
        }
        *self != before
    }

    /// What the market does at `at`, and until when; nothing where the hours that were told do not reach there.
    pub fn at(&self, at: Timestamp) -> Option<(ByHours, Timestamp)> {
        let within = |hours: &&Hours| hours.from <= at && at < hours.until;
        let regular = || self.hours.iter().filter(|hours| hours.is_regular);
        if let Some(open) = regular().find(within) {
            return Some((ByHours::Open, open.until));
        }
        if let Some(around) = self.hours.iter().find(within) {
            // The regular session of the same stretch: before it, or after it.
            let inside = |hours: &&Hours| hours.from >= around.from && hours.until <= around.until;
            return Some(match regular().filter(inside).find(|hours| hours.from > at) {
                Some(next) => (ByHours::Pre, next.from),
                None if regular().any(|hours| inside(&hours)) => (ByHours::Post, around.until),
                // It has no regular session that was told: it trades.
                None => (ByHours::Open, around.until),
            });
        }
        let next = self
            .hours
            .iter()
            .map(|hours| hours.from)
            .filter(|from| *from > at);
        next.min().map(|from| (ByHours::Closed, from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brokers_hours_say_what_a_market_does_and_nothing_beyond_their_end() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let hours = |from, until, is_regular| Hours {
            from: at(from),
            until: at(until),
            is_regular,
        };
        let mut terms = Terms::of(InstrumentId::new("AAPL").unwrap());
        assert_eq!(terms.at(at("2026-11-27T15:00:00Z")), None);
        // The day after Thanksgiving: three hours less.
        assert!(terms.take(Terms {
            hours: vec![
                hours("2026-11-27T09:00:00Z", "2026-11-27T22:00:00Z", false),
                hours("2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z", true),
                hours("2026-11-30T09:00:00Z", "2026-12-01T01:00:00Z", false),
            ],
            ..Terms::of(terms.instrument)
        }));
        let said = |text: &str| terms.at(at(text)).map(|(what, until)| (what, until.to_string()));
        let until = |text: &str| at(text).to_string();
        assert_eq!(
            said("2026-11-27T10:00:00Z"),
            Some((ByHours::Pre, until("2026-11-27T14:30:00Z")))
        );
        assert_eq!(
            said("2026-11-27T17:59:59Z"),
            Some((ByHours::Open, until("2026-11-27T18:00:00Z")))
        );
        assert_eq!(
            said("2026-11-27T18:00:00Z"),
            Some((ByHours::Post, until("2026-11-27T22:00:00Z")))
        );
        assert_eq!(
            said("2026-11-28T12:00:00Z"),
            Some((ByHours::Closed, until("2026-11-30T09:00:00Z")))
        );
        assert_eq!(
            said("2026-11-30T15:00:00Z"),
            Some((ByHours::Open, until("2026-12-01T01:00:00Z")))
        );
        assert_eq!(said("2026-12-01T15:00:00Z"), None, "nobody told of that day");
        // What is not told again stays.
        let mut terms = terms.clone();
        let news = Terms {
            borrow: Some(Borrow::Locate),
            ..Terms::of(terms.instrument)
        };
        assert!(terms.take(news.clone()) && !terms.take(news));
        assert_eq!(terms.hours.len(), 3);
    }
}
