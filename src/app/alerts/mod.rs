//! Telling people of alerts: what fired goes out by command, webhook and mail, each way with a task and a bounded queue of
//! its own, so that a dead server costs only its own messages. Every try is told back and becomes a fact. Attached terminals
//! tell by themselves, from the same facts; what fires when is the engine's business.

mod command;
mod mail;
mod message;
#[cfg(test)]
mod tests;
mod webhook;

pub(super) use message::Message;

use crate::config::AlertSettings;
use crate::domain::{InstrumentId, SafeText, Timestamp};
use crate::engine::alerts::{Channel, Firing, Rules};
use crate::engine::{Command, Denial, DenialCode, Event, Fact, State};
use crate::market::Timeframe;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Messages that wait for one way out.
const QUEUE: usize = 64;
/// The pause after the first failed try; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// What fired longer ago than this is no longer told after a start.
const NEWS: Duration = Duration::from_secs(3_600);

/// How a try ended.
#[derive(Debug)]
enum Tried {
    /// It was taken.
    Done,
    /// It may go better later.
    Failed(String),
    /// It will never go.
    Hopeless(String),
}

/// One way out.
#[derive(Debug)]
enum Way {
    Command(command::Command),
    Webhook(webhook::Webhook),
    Mail(Box<mail::Mail>),
}
impl Way {
    async fn try_once(&self, message: &Message) -> Tried {
        match self {
            Self::Command(way) => way.run(message).await,
            Self::Webhook(way) => way.post(message).await,
            Self::Mail(way) => way.send(message).await,
        }
    }
}

/// How often and how patiently a message is tried.
#[derive(Clone, Copy, Debug)]
struct Pace {
    attempts: u32,
    timeout: Duration,
    first_pause: Duration,
}

/// The ways out of the engine's process.
#[derive(Debug)]
pub(super) struct Ways {
    queues: BTreeMap<Channel, mpsc::Sender<Arc<Message>>>,
    reports: Option<mpsc::Receiver<Fact>>,
    rules: Rules,
    profile: String,
    /// History that alerts rest on and that was asked for.
    pub(super) asked: BTreeSet<(InstrumentId, Timeframe)>,
}

impl Ways {
    /// Opens every way that is set up. What can't be is named, for people, and left out.
    pub(super) fn open(settings: &AlertSettings, profile: &str) -> (Self, Vec<String>) {
        Self::paced(settings, profile, FIRST_PAUSE)
    }

    fn paced(settings: &AlertSettings, profile: &str, first_pause: Duration) -> (Self, Vec<String>) {
        let (told, reports) = mpsc::channel(QUEUE);
        let pace = Pace {
            attempts: settings.attempts,
            timeout: Duration::from_secs(settings.timeout_s.into()),
            first_pause,
        };
        let (mut queues, mut faults) = (BTreeMap::new(), Vec::new());
        for (channel, way) in configured(settings, pace.timeout) {
            match way {
                Ok(way) => {
                    let (queue, messages) = mpsc::channel(QUEUE);
                    tokio::spawn(carry(channel, way, pace, messages, told.clone()));
                    queues.insert(channel, queue);
                }
                Err(error) => faults.push(format!("alerts can't be told by {}: {error}", channel.word())),
            }
        }
        let ways = Self {
            queues,
            reports: Some(reports),
            rules: Rules {
                away_after: Duration::from_secs(u64::from(settings.away_minutes) * 60),
            },
            profile: profile.to_owned(),
            asked: BTreeSet::new(),
        };
        (ways, faults)
    }

    /// What the settings say about firing.
    pub(super) fn rules(&self) -> Rules {
        self.rules
    }
    /// Why an alert can't be made here: it names a way that is not set up, which would come out only when it fires.
    pub(super) fn lacks(&self, command: &Command) -> Option<Denial> {
        let Command::SetAlert { spec } = command else {
            return None;
        };
        let outside = spec.channels.iter().filter(|way| **way != Channel::Terminal);
        let missing = outside.copied().find(|way| !self.queues.contains_key(way))?;
        Some(Denial::new(DenialCode::BadAlert, not_set_up(missing)))
    }
    /// The end on which tries are told back. There is one.
    pub(super) fn listen(&mut self) -> mpsc::Receiver<Fact> {
        self.reports.take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// Tells what events say that people should be told. They are stored already. Answers what could not even wait.
    pub(super) fn tell(&self, events: &[Event], state: &State) -> Vec<Fact> {
        let told = |event: &&Event| matches!(event.fact, Fact::AlertFired { .. } | Fact::BrokerAway { .. });
        let firing = |event: &Event| {
            let mut firings = state.alerts.firings.iter().rev();
            firings.find(|firing| firing.sequence == event.sequence)
        };
        let firings = events.iter().filter(told).filter_map(firing);
        firings.flat_map(|firing| self.send(firing)).collect()
    }

    /// Tells again what the process before this one fired and did not tell to the end.
    pub(super) fn resume(&self, state: &State, now: Timestamp) -> Vec<Fact> {
        let new = |firing: &&Firing| now.since(firing.at) <= NEWS;
        state
            .alerts
            .firings
            .iter()
            .filter(new)
            .flat_map(|firing| self.send(firing))
            .collect()
    }

    fn send(&self, firing: &Firing) -> Vec<Fact> {
        let chosen: BTreeSet<Channel> = if firing.channels.is_empty() {
            self.queues.keys().copied().collect()
        } else {
            let outside = |channel: &Channel| *channel != Channel::Terminal;
            firing.channels.iter().copied().filter(outside).collect()
        };
        let is_over = |channel: &Channel| {
            let mut tries = firing.deliveries.iter();
            tries.any(|delivery| {
                delivery.channel == *channel && (delivery.is_final || delivery.failure.is_none())
            })
        };
        let message = Arc::new(Message::of(firing, &self.profile));
        let mut failed = Vec::new();
        for channel in chosen.into_iter().filter(|channel| !is_over(channel)) {
            let sent = match self.queues.get(&channel) {
                Some(queue) => queue
                    .try_send(Arc::clone(&message))
                    .map_err(|_| "too many wait for it already".to_owned()),
                None => Err(not_set_up(channel)),
            };
            if let Err(why) = sent {
                failed.push(report(firing.sequence, channel, 0, Some(&why), true));
            }
        }
        failed
    }
}

fn not_set_up(channel: Channel) -> String {
    format!("no {} is set up in [alerts] of config.toml", channel.word())
}

/// Every way that the settings name, or why it can't be opened.
fn configured(settings: &AlertSettings, timeout: Duration) -> Vec<(Channel, Result<Way, String>)> {
    let mut ways = Vec::new();
    if let Some((program, arguments)) = settings.command.split_first() {
        ways.push((
            Channel::Command,
            Ok(Way::Command(command::Command::new(program, arguments))),
        ));
    }
    if !settings.webhook.is_empty() {
        let way = webhook::Webhook::new(&settings.webhook, timeout);
        ways.push((Channel::Webhook, way.map(Way::Webhook)));
    }
    if !settings.smtp_host.is_empty() {
        let way = mail::Mail::new(settings, timeout);
        ways.push((Channel::Mail, way.map(|way| Way::Mail(Box::new(way)))));
    }
    ways
}

fn report(firing: u64, channel: Channel, attempt: u32, failure: Option<&str>, is_final: bool) -> Fact {
    Fact::AlertDelivered {
        firing,
        channel,
        attempt,
        failure: failure.map(SafeText::new),
        is_final,
    }
}

/// Carries the messages of one way, one after the other, until the engine ends.
async fn carry(
    channel: Channel,
    way: Way,
    pace: Pace,
    mut messages: mpsc::Receiver<Arc<Message>>,
    told: mpsc::Sender<Fact>,
) {
    while let Some(message) = messages.recv().await {
        for attempt in 1..=pace.attempts {
            let tried = match tokio::time::timeout(pace.timeout, way.try_once(&message)).await {
                Ok(tried) => tried,
                Err(_) => Tried::Failed(format!("no answer within {} s", pace.timeout.as_secs())),
            };
            let (failure, is_final) = match tried {
                Tried::Done => (None, true),
                Tried::Failed(why) => (Some(why), attempt == pace.attempts),
                Tried::Hopeless(why) => (Some(why), true),
            };
            if let Some(why) = &failure {
                tracing::warn!(channel = channel.word(), attempt, %why, "an alert was not told");
            }
            let fact = report(message.firing, channel, attempt, failure.as_deref(), is_final);
            if told.send(fact).await.is_err() {
                return;
            }
            if is_final {
                break;
            }
            let longer = 2u32.saturating_pow(attempt.saturating_sub(1));
            tokio::time::sleep(pace.first_pause.saturating_mul(longer).min(LONGEST_PAUSE)).await;
        }
    }
}
