//! Alerts: what a person wants to be told of, evaluated where the state is, so that they fire with no terminal attached.
//! An alert and each of its firings are facts; market data are not, so a firing carries what was seen. Here are the nouns
//! and what the state keeps of them; `grammar` reads the sentence, `measure` tells what is true, `watch` evaluates on
//! market data and facts. Bells, commands, webhooks and mail belong to the process around the engine.

mod condition;
pub(super) mod decide;
pub mod grammar;
pub mod measure;
mod profit;
mod studies;
mod watch;
mod words;

#[cfg(test)]
mod tests;

pub use condition::{Condition, Field, LinkWord, Op, OrderWord, Profit, SystemWord, Test, Value};
pub use watch::{Rules, STUDY_BARS, Watch, bars_wanted};

use super::state::State;
use crate::domain::{AccountKey, BrokerId, InstrumentId, Price, SafeText, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

/// Most alerts that the state keeps, ended ones included: of those the oldest make room.
pub const MOST: usize = 200;
/// Most tests in one alert.
pub const TESTS: usize = 16;
/// How many firings the state keeps with their deliveries; all of them are in the journal.
pub const FIRINGS_KEPT: usize = 100;
/// The shortest time between two firings of a repeating alert, and the one where none is said.
pub const SHORTEST_REPEAT: u32 = 5;
/// The usual time between two firings of a repeating alert, in seconds.
pub const USUAL_REPEAT: u32 = 60;

/// An alert's number: counted from 1, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub u32);
impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A way out of the engine's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Attached terminals: bell, notification, message line.
    Terminal,
    /// A command of this machine.
    Command,
    /// An HTTP POST.
    Webhook,
    /// E-mail.
    Mail,
}
impl Channel {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Terminal, Self::Command, Self::Webhook, Self::Mail];
    /// As the sentence says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Command => "command",
            Self::Webhook => "webhook",
            Self::Mail => "mail",
        }
    }
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertSpec {
    /// What has to be true.
    pub condition: Condition,
    /// Seconds between two firings at least; nothing for an alert that fires once.
    pub repeat_s: Option<u32>,
    /// From when on it no longer holds.
    pub expires: Option<Timestamp>,
    /// Where it is told; empty for every way that is set up.
    pub channels: BTreeSet<Channel>,
    /// An order sentence that is put before a person when it fires. It is never sent by itself.
    pub stage: Option<SafeText>,
}

/// How an alert ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It was to fire once, and did.
    Fired,
    /// Its time was over.
    Expired,
}

/// One value that a test looked at: what, and how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Such as `AAPL last`.
    pub what: SafeText,
    /// Such as `200.05`.
    pub value: SafeText,
}

/// An alert as the state keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// What was asked for.
    pub spec: AlertSpec,
    /// When it was made.
    pub made_at: Timestamp,
    /// It is not evaluated.
    pub paused: bool,
    /// It may fire: it has not, or its condition was false since.
    pub armed: bool,
    /// How it ended, where it did.
    pub ended: Option<Ended>,
    /// How often it fired.
    pub fired: u32,
    /// When it last fired.
    pub fired_at: Option<Timestamp>,
    /// What was seen then.
    pub seen: Vec<Seen>,
}
impl Alert {
    /// True while it is evaluated.
    pub fn is_active(&self) -> bool {
        self.ended.is_none() && !self.paused
    }
    /// From when on it may fire; nothing where that is at once.
    pub fn rests_until(&self) -> Option<Timestamp> {
        let apart = Duration::from_secs(u64::from(self.spec.repeat_s?));
        Some(self.fired_at?.after(apart))
    }
    /// In a word.
    pub fn word(&self) -> &'static str {
        match (self.ended, self.paused, self.armed) {
            (Some(Ended::Fired), ..) => "fired",
            (Some(Ended::Expired), ..) => "expired",
            (None, true, _) => "paused",
            (None, false, true) => "armed",
            (None, false, false) => "waits",
        }
    }
}

/// Something that was told to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firing {
    /// The event that says so; it names the firing.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Which alert; nothing where the engine tells by itself that a broker is away.
    pub alert: Option<AlertId>,
    /// In words.
    pub text: SafeText,
    /// Where it is told; empty for every way that is set up.
    pub channels: BTreeSet<Channel>,
    /// The order sentence that waits for a person.
    pub stage: Option<SafeText>,
    /// How telling it went, newest last.
    pub deliveries: Vec<Delivery>,
}

/// How telling went by one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Which way.
    pub channel: Channel,
    /// How many tries so far.
    pub attempts: u32,
    /// When the last one ended.
    pub at: Timestamp,
    /// Why it failed, where it did.
    pub failure: Option<SafeText>,
    /// Nothing more is tried.
    pub is_final: bool,
}
impl Delivery {
    /// `command ok`, `webhook failed (3)`, `mail retries`.
    pub fn word(&self) -> String {
        match (&self.failure, self.is_final) {
            (None, _) => format!("{} ok", self.channel.word()),
            (Some(_), true) => format!("{} FAILED", self.channel.word()),
            (Some(_), false) => format!("{} retry {}", self.channel.word(), self.attempts),
        }
    }
}

/// Since when a broker is away, and whether people were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// Since when there is no connection, whatever was tried.
    pub since: Timestamp,
    /// People were told of this one.
    pub told: bool,
}

/// Alerts in the state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Alerts {
    /// The highest number given.
    pub made: u32,
    /// All that are kept, by number.
    pub all: BTreeMap<AlertId, Alert>,
    /// The newest firings, newest last.
    pub firings: VecDeque<Firing>,
    /// Brokers that are away.
    pub outages: BTreeMap<BrokerId, Outage>,
}
impl Alerts {
    /// True where nothing is to be evaluated.
    pub fn is_idle(&self) -> bool {
        !self.all.values().any(Alert::is_active)
    }
    /// Every instrument that an active alert names, by alert.
    pub fn instruments(&self) -> Vec<InstrumentId> {
        let mut named = Vec::new();
        for alert in self.all.values().filter(|alert| alert.is_active()) {
            alert
                .spec
                .condition
                .each(&mut |test| named.extend(test.instrument()));
        }
        named
    }
    /// The newest firing of an alert.
    pub fn last_firing(&self, id: AlertId) -> Option<&Firing> {
        self.firings.iter().rev().find(|firing| firing.alert == Some(id))
    }
}

/// The prices at which active alerts wait for an instrument, for lines on a chart. Only tests of a price against a number
/// have one.
pub fn levels(state: &State, instrument: InstrumentId) -> Vec<(AlertId, Price)> {
    let mut found = Vec::new();
    for (id, alert) in state.alerts.all.iter().filter(|(_, alert)| alert.is_active()) {
        alert.spec.condition.each(&mut |test| {
            if let Test::Market {
                instrument: of,
                left: Value::Price(_),
                right: Value::Number(price),
                ..
            } = test
                && *of == instrument
            {
                found.push((*id, *price));
            }
        });
    }
    found
}

/// The words of a firing: the alert, and what was seen.
pub fn words(id: AlertId, spec: &AlertSpec, seen: &[Seen]) -> String {
    let seen: Vec<String> = seen
        .iter()
        .map(|seen| match seen.value.as_str() {
            "yes" => seen.what.to_string(),
            value => format!("{} {value}", seen.what),
        })
        .collect();
    format!("alert {id}: {} ({})", spec.condition, seen.join(", "))
}

/// The instruments whose prices move a profit: the one that is named, or all that are held or were traded.
fn profit_instruments(state: &State, account: AccountKey, only: Option<InstrumentId>) -> Vec<InstrumentId> {
    match only {
        Some(only) => vec![only],
        None => state
            .ledgers
            .keys()
            .filter(|(owner, _)| *owner == account)
            .map(|(_, instrument)| *instrument)
            .collect(),
    }
}

/// The words for a broker that is away.
pub fn away(broker: BrokerId, since: Timestamp) -> String {
    format!(
        "{broker} is AWAY since {since}: orders there go on without us; nothing can be cancelled from here"
    )
}
