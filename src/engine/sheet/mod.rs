//! The two lists of the day: what a trader looks at before the open, and before the close. One line each, good or why not;
//! what nobody has told is said to be unknown, and never good. Pure: state, market, and what the broker says of itself.
//! How a line looks is for the screen and the shell.

mod close;
mod preopen;

pub use close::close;
pub use preopen::preopen;

use super::port::Health;
use super::risk;
use super::state::State;
use crate::domain::calendar::TradingDay;
use crate::domain::{
    AccountKey, CalendarId, Instrument, InstrumentId, LinkState, Order, Phase, Quantity, TimeInForce,
    Timestamp, TradingState,
};
use crate::market::Market;
use std::collections::BTreeSet;
use std::time::Duration;

/// How a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Good,
    /// Needs a look.
    Look,
    /// Nobody has told: not good, not bad.
    Unknown,
    /// For the record.
    Note,
}

impl Mark {
    /// As programs see it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Look => "look",
            Self::Unknown => "unknown",
            Self::Note => "note",
        }
    }
    /// One sign, told apart without colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Look => "!",
            Self::Unknown => "?",
            Self::Note => "·",
        }
    }
}

/// One line of a sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How it stands.
    pub mark: Mark,
    /// What it is about, in one word or two.
    pub topic: &'static str,
    /// In words.
    pub text: String,
}

impl Line {
    fn new(mark: Mark, topic: &'static str, text: impl Into<String>) -> Self {
        Self {
            mark,
            topic,
            text: text.into(),
        }
    }
}

/// What a sheet is made from.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The state.
    pub state: &'a State,
    /// The market.
    pub market: &'a Market,
    /// Whose day.
    pub account: AccountKey,
    /// The engine's time.
    pub now: Timestamp,
    /// The venue's time.
    pub venue_now: Timestamp,
    /// What the broker says of its connection, where it tells.
    pub health: Option<&'a Health>,
}

impl<'a> Ground<'a> {
    fn orders(&self) -> impl Iterator<Item = &'a Order> + use<'a> {
        let state = self.state;
        state.live_of(self.account)
    }
    fn held(&self) -> impl Iterator<Item = (InstrumentId, Quantity)> + use<'a> {
        let state = self.state;
        state.held(self.account)
    }
    /// What is held or has live orders.
    fn concerned(&self) -> BTreeSet<InstrumentId> {
        self.state.concerned(self.account)
    }
    fn instrument(&self, id: InstrumentId) -> Option<&'a Instrument> {
        self.state.instruments.get(&id)
    }
    /// The calendars of what is concerned; of all that is listed where nothing is.
    fn calendars(&self) -> BTreeSet<CalendarId> {
        let of = |ids: &mut dyn Iterator<Item = InstrumentId>| -> BTreeSet<CalendarId> {
            ids.filter_map(|id| Some(self.instrument(id)?.calendar)).collect()
        };
        let mine = of(&mut self.concerned().into_iter());
        if mine.is_empty() {
            of(&mut self.state.instruments.keys().copied())
        } else {
            mine
        }
    }
}

/// The link and what is away of the broker.
fn link(ground: &Ground<'_>) -> Line {
    let broker = ground.account.broker;
    let Some(link) = ground.state.links.get(&broker) else {
        return Line::new(Mark::Look, "link", format!("{broker} was never reached"));
    };
    let since = span(ground.now.since(link.since));
    let why = link.impaired.as_ref().or(link.reason.as_ref());
    match (link.state, why) {
        (LinkState::Ready, None) => Line::new(Mark::Good, "link", format!("{broker} ready for {since}")),
        (LinkState::Ready, Some(why)) if link.impaired.is_none() => {
            Line::new(Mark::Good, "link", format!("{broker} ready for {since}: {why}"))
        }
        (state, why) => {
            let why = why.map_or(String::new(), |why| format!(": {why}"));
            Line::new(
                Mark::Look,
                "link",
                format!("{broker} {} for {since}{why}", state.word()),
            )
        }
    }
}

/// Whether our positions are the broker's.
fn reconciled(ground: &Ground<'_>) -> Vec<Line> {
    let topic = "reconciled";
    let Some(entry) = ground.state.accounts.get(&ground.account) else {
        return vec![Line::new(
            Mark::Look,
            topic,
            format!("{} is not known", ground.account),
        )];
    };
    let mut lines = Vec::new();
    for (id, other) in &entry.mismatches {
        lines.push(Line::new(
            Mark::Look,
            topic,
            format!(
                "{id} ours {}, the broker's {}: :accept {id} takes theirs",
                other.ours, other.theirs
            ),
        ));
    }
    for id in &entry.overfilled {
        lines.push(Line::new(
            Mark::Look,
            topic,
            format!("more of {id} was executed than ordered: :accept {id} once it is explained"),
        ));
    }
    if entry.gap.is_some() {
        let text =
            "executions of a stretch of time are not known: compare with a statement, then :accept gap";
        lines.push(Line::new(Mark::Look, topic, text));
    }
    for order in ground.orders().filter(|order| order.phase == Phase::Uncertain) {
        let text = format!("{} is uncertain: the broker is being asked", order.spec);
        lines.push(Line::new(Mark::Look, topic, text));
    }
    if !lines.is_empty() {
        return lines;
    }
    vec![match entry.read_at {
        Some(at) if entry.opened => {
            let age = ground.now.since(at);
            let text = format!("{} equal to the broker's, read {} ago", ground.account, span(age));
            // It is read every half minute while the link stands.
            let fresh = age < Duration::from_secs(120);
            Line::new(if fresh { Mark::Good } else { Mark::Look }, topic, text)
        }
        _ => Line::new(
            Mark::Look,
            topic,
            format!("{} has not been read completely yet", ground.account),
        ),
    }]
}

/// Whether orders may add risk.
fn trading(ground: &Ground<'_>) -> Line {
    let entry = ground.state.accounts.get(&ground.account);
    let Some(entry) = entry else {
        return Line::new(Mark::Unknown, "trading", "the account is not known");
    };
    let held = risk::held_back(ground.state, ground.account, None);
    match (entry.trading, &entry.trading_reason) {
        (TradingState::Active, _) => match held {
            Some(why) => Line::new(Mark::Look, "trading", format!("HELD BACK: {}", why.text)),
            None => Line::new(Mark::Good, "trading", "ACTIVE"),
        },
        (state, why) => {
            let why = why.as_ref().map_or(String::new(), |why| format!(": {why}"));
            Line::new(
                Mark::Look,
                "trading",
                format!("{}{why}; :resume allows risk again", state.word()),
            )
        }
    }
}

/// What stops that outlive the day cover of a position.
fn lasting(ground: &Ground<'_>, id: InstrumentId, held: Quantity) -> Quantity {
    let stays = |tif| matches!(tif, TimeInForce::Gtc | TimeInForce::Gtd { .. });
    let covered = ground
        .orders()
        .filter(|order| order.spec.instrument == id && order.spec.kind.is_stop() && stays(order.spec.tif))
        .filter(|order| matches!(order.phase, Phase::Held | Phase::Working) && !ground.state.waits(order))
        .filter(|order| order.spec.side.signed(Quantity::ONE).is_positive() != held.is_positive())
        .fold(Quantity::ZERO, |sum, order| sum.saturating_add(order.leaves()));
    covered.min(held.abs())
}

/// Each position with what protects it: by all stops, or by those alone that outlive the day.
fn positions(ground: &Ground<'_>, topic: &'static str, over_night: bool) -> Vec<Line> {
    let kind = if over_night {
        "stop that outlives the day"
    } else {
        "stop"
    };
    let mut lines: Vec<Line> = ground
        .held()
        .map(|(id, quantity)| {
            let protected = if over_night {
                lasting(ground, id, quantity)
            } else {
                ground.state.protected(ground.account, id)
            };
            let bare = quantity.abs().saturating_sub(protected);
            let size = signed(quantity);
            if bare.is_zero() {
                Line::new(
                    Mark::Good,
                    topic,
                    format!("{id} {size}, a {kind} covers all of it"),
                )
            } else if protected.is_zero() {
                Line::new(Mark::Look, topic, format!("{id} {size} NAKED: no {kind}"))
            } else {
                Line::new(
                    Mark::Look,
                    topic,
                    format!("{id} {size} NAKED {bare}: a {kind} covers {protected}"),
                )
            }
        })
        .collect();
    if lines.is_empty() {
        lines.push(if ground.state.positions_known(ground.account) {
            Line::new(Mark::Good, topic, "flat")
        } else {
            Line::new(Mark::Unknown, topic, "positions are not known yet")
        });
    }
    lines
}

fn signed(quantity: Quantity) -> String {
    if quantity.is_positive() {
        format!("+{quantity}")
    } else {
        quantity.to_string()
    }
}

/// A stretch of time for people: `0:12`, `1:02:07`, `3d 4h`.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{:02}", seconds % 60),
        (0, _) => format!("{hours}:{minutes:02}:{:02}", seconds % 60),
        _ => format!("{days}d {hours}h"),
    }
}

/// A market's name and its time zone, with the word for that.
fn place(calendar: CalendarId) -> (&'static str, &'static str, &'static str) {
    match calendar {
        CalendarId::UsEquity => ("US equities", "America/New_York", "NY"),
        CalendarId::CmeGlobex => ("CME Globex", "America/Chicago", "Chicago"),
        CalendarId::Xetra => ("Xetra", "Europe/Berlin", "Frankfurt"),
        CalendarId::Forex => ("currencies", "America/New_York", "NY"),
        CalendarId::Always => ("round the clock", "UTC", "UTC"),
    }
}

/// A moment as the market's own clock shows it: `16:00 NY`.
fn clock(calendar: CalendarId, at: Timestamp) -> String {
    let (_, zone, word) = place(calendar);
    let zone = jiff::tz::TimeZone::get(zone).ok();
    let shown = at
        .to_jiff()
        .zip(zone)
        .map(|(at, zone)| at.to_zoned(zone).strftime("%H:%M").to_string());
    format!("{} {word}", shown.unwrap_or_else(|| "--".to_owned()))
}

/// True where the regular hours of a day are shorter than those of the days around it.
fn is_half(calendar: CalendarId, day: &TradingDay) -> bool {
    let long = |day: &TradingDay| day.close.since(day.open);
    let after = calendar.calendar().next_day(day.start);
    let before = calendar.calendar().previous_day(day.start);
    let usual = before.iter().chain(&after).map(long).max();
    // Days over which clocks change differ by an hour where a market never sleeps: those have no half days.
    calendar != CalendarId::Always
        && usual.is_some_and(|usual| long(day) + Duration::from_secs(3_600) < usual)
}

#[cfg(test)]
mod tests;
