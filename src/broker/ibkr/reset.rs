//! What is planned at Interactive Brokers, as a calendar: the restart of TWS or IB Gateway every day, the hours in which the
//! broker resets itself, and the moment in the week after which TWS wants its user to log in again. Pure but for [`keep`]:
//! the moment is an argument. When it is quiet and what that means is the engine's; here stands only when.
//!
//! The hours are settings, because they differ by region and change: nothing of them stands in the code.

use super::Env;
use crate::domain::{Recurring, SafeText, Timestamp};
use crate::engine::BrokerEvent;
use crate::engine::pause::{Pause, countdown};
use std::time::Duration;

/// Quiet begins so long before anything planned: what was sent by then has its answer.
pub const AHEAD: Duration = Duration::from_secs(120);
/// A restart of TWS takes at most so long: what is still away then is away for another reason.
pub const RESTART_TAKES: Duration = Duration::from_secs(300);
/// A login is announced so long before it is needed …
const LOGIN_AHEAD: Duration = Duration::from_secs(12 * 3_600);
/// … and shown so long before.
const LOGIN_SHOWN: Duration = Duration::from_secs(48 * 3_600);
/// The longest sleep between two looks at the calendar: a machine that slept is late by no more.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// The shortest.
const LOOK_AT_MOST: Duration = Duration::from_millis(20);

/// What is planned.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// When TWS or IB Gateway restarts itself, as set there.
    pub restart: Option<Recurring>,
    /// Hours in which the broker resets itself.
    pub resets: Vec<Recurring>,
    /// After which moment of the week TWS wants a login.
    pub login: Option<Recurring>,
}

impl Plan {
    /// Pauses that are not over at `now`, the next one of each kind, the first first. Not told how long before they are
    /// quiet: that is [`AHEAD`].
    pub fn coming(&self, now: Timestamp) -> Vec<Pause> {
        let restart = self
            .restart
            .iter()
            .map(|daily| (daily, "restart of TWS at", RESTART_TAKES));
        let resets = self
            .resets
            .iter()
            .map(|hours| (hours, "reset of Interactive Brokers,", Duration::ZERO));
        let mut coming: Vec<Pause> = restart
            .chain(resets)
            .filter_map(|(recurring, what, takes)| {
                let occurrence = recurring.next(now, takes)?;
                Some(Pause {
                    what: SafeText::new(&format!("{what} {recurring}")),
                    at: occurrence.at,
                    until: occurrence.until,
                })
            })
            .collect();
        coming.sort_by_key(|pause| (pause.at, pause.until));
        coming
    }

    /// The pause that `now` lies in, quiet time ahead of it included; of several the one that lasts longest.
    pub fn at(&self, now: Timestamp) -> Option<Pause> {
        self.coming(now)
            .into_iter()
            .filter(|pause| pause.at.before(AHEAD) <= now)
            .max_by_key(|pause| pause.until)
    }

    /// The next moment at which [`Plan::at`] or the announcement of a login may be another.
    fn changes(&self, now: Timestamp) -> Option<Timestamp> {
        let pauses = self.coming(now);
        let edges = pauses
            .iter()
            .flat_map(|pause| [pause.at.before(AHEAD), pause.until]);
        let login = self.login_at(now).map(|at| at.before(LOGIN_AHEAD));
        edges.chain(login).filter(|at| *at > now).min()
    }

    fn login_at(&self, now: Timestamp) -> Option<Timestamp> {
        // A moment is over when it comes.
        Some(self.login.as_ref()?.next(now, Duration::ZERO)?.at)
    }

    /// What is next, for people: the pause that comes first or is on, and a login that is not far away.
    pub fn shown(&self, now: Timestamp) -> Vec<Pause> {
        let login = self.login.as_ref().zip(self.login_at(now));
        let login = login
            .filter(|(_, at)| at.since(now) <= LOGIN_SHOWN)
            .map(|(weekly, at)| Pause {
                what: SafeText::new(&format!("TWS wants a login after {weekly}")),
                at,
                until: at,
            });
        let next = self.at(now).or_else(|| self.coming(now).into_iter().next());
        next.into_iter().chain(login).collect()
    }
}

/// Goes along the calendar and says each thing once.
#[derive(Debug)]
pub struct Watch {
    plan: Plan,
    /// What was last said of pauses; nothing before the first word.
    said: Option<Option<Pause>>,
    /// The login that was last announced.
    announced: Option<Timestamp>,
}

impl Watch {
    /// Nothing has been said.
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            said: None,
            announced: None,
        }
    }

    /// What is to be said at `now`.
    pub fn step(&mut self, now: Timestamp) -> Vec<BrokerEvent> {
        let mut events = Vec::new();
        let pause = self.plan.at(now);
        if self.said.as_ref() != Some(&pause) {
            self.said = Some(pause.clone());
            events.push(BrokerEvent::Paused { pause });
        }
        let login = self.plan.login_at(now).filter(|at| at.since(now) <= LOGIN_AHEAD);
        if let (Some(at), Some(weekly)) = (login, &self.plan.login)
            && self.announced != Some(at)
        {
            self.announced = Some(at);
            let text = format!(
                "TWS or IB Gateway wants its user to log in after {weekly}, in {}: without that nothing connects after its next restart",
                countdown(at.since(now))
            );
            events.push(BrokerEvent::Told {
                text: SafeText::new(&text),
            });
        }
        events
    }

    /// How long until there may be something to say.
    pub fn nap(&self, now: Timestamp) -> Duration {
        let next = self.plan.changes(now).map_or(LOOK_EVERY, |at| at.since(now));
        next.clamp(LOOK_AT_MOST, LOOK_EVERY)
    }
}

/// Tells the engine what is planned, whatever the connection does. Ends when nobody listens.
pub(super) async fn keep(env: Env) {
    let mut watch = Watch::new(env.settings.plan.clone());
    loop {
        let now = env.now();
        for event in watch.step(now) {
            if !env.event(event).await {
                return;
            }
        }
        tokio::time::sleep(watch.nap(now)).await;
    }
}

#[cfg(test)]
#[path = "reset_tests.rs"]
mod tests;
