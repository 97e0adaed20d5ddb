//! The line between engine and broker: up, cut (told at once or after a silence), or dead in one direction.

use super::faults::Fault;
use super::world::World;
use std::time::Duration;
use tradewind::domain::*;
use tradewind::engine::pause::Pause;
use tradewind::engine::{BrokerEvent, Report, Request};

/// How the line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Up,
    /// Until then; when the engine is told.
    Down {
        back: Timestamp,
        told: Option<Timestamp>,
    },
}

impl World {
    pub fn is_up(&self) -> bool {
        self.line == Line::Up
    }

    /// A request leaves the engine's process.
    pub fn goes_to_broker(&mut self, request: Request) {
        if self.is_up() && self.mute_until <= self.now {
            let none = Duration::ZERO;
            self.to_venue.send(request, self.now, none, &mut self.chance);
        } else {
            self.to_venue.lose();
        }
    }

    /// The broker says something.
    pub fn tell(&mut self, event: BrokerEvent) {
        if matches!(event, BrokerEvent::Report { .. }) {
            self.house.past.push_back(event.clone());
            if self.house.past.len() > 200 {
                self.house.past.pop_front();
            }
        }
        let executed = matches!(
            &event,
            BrokerEvent::Report {
                report: Report::Executed(_),
                ..
            }
        );
        let faults = self.plan.faults;
        let late = self.faulty && executed && faults.has(Fault::LateFills) && !faults.has(Fault::InOrder);
        let lag = if late && self.chance.permille(600) {
            self.chance.millis(5_000)
        } else {
            Duration::ZERO
        };
        if self.is_up() && self.deaf_until <= self.now {
            self.to_engine.send(event, self.now, lag, &mut self.chance);
        } else {
            self.to_engine.lose();
        }
    }

    /// Cut: what is under way may be lost, and it may take a while until the engine notices.
    pub fn cut_line(&mut self) {
        let silence = if self.chance.permille(500) {
            Duration::ZERO
        } else {
            self.chance.millis(8_000)
        };
        let back = self.now.after(silence).after(self.chance.millis(9_000));
        self.say(format_args!("--- cut"));
        if self.is_up() {
            self.tally.cuts += 1;
            self.line = Line::Down {
                back,
                told: Some(self.now.after(silence)),
            };
        }
        self.to_venue.cut(500, &mut self.chance);
        self.to_engine.cut(0, &mut self.chance);
    }

    /// One direction dies and the other does not; found by heartbeats within twelve seconds, and then all of it is down.
    pub fn half_open(&mut self) {
        let until = self.now.after(self.chance.millis(12_000));
        let deaf = self.chance.permille(600);
        if !self.is_up() {
            return;
        }
        self.say(format_args!(
            "--- half open: {}",
            if deaf { "deaf" } else { "mute" }
        ));
        self.tally.half_open += 1;
        self.half_open_ends = Some(until);
        if deaf {
            self.deaf_until = until;
        } else {
            self.mute_until = until;
        }
    }

    /// A part of the broker goes away, or a planned pause begins; or it is over.
    pub fn part_away(&mut self) {
        self.tally.away += 1;
        let event = match self.chance.below(4) {
            0 => BrokerEvent::Impaired {
                reason: Some("connectivity is lost (1100)".into()),
            },
            1 => BrokerEvent::Paused {
                pause: Some(Pause {
                    what: "restart".into(),
                    at: self.engine_now(),
                    until: self.engine_now().after(Duration::from_secs(20)),
                }),
            },
            2 => BrokerEvent::Impaired { reason: None },
            _ => BrokerEvent::Paused { pause: None },
        };
        self.input(event);
    }

    pub fn tell_down(&mut self) {
        if let Line::Down { told, .. } = &mut self.line {
            *told = None;
        }
        self.input(BrokerEvent::Down { reason: "cut".into() });
    }

    pub fn connect(&mut self) {
        let Some(venue) = &self.house.venue else { return };
        let own = self.accounts.clone();
        let accounts = venue
            .accounts()
            .into_iter()
            .filter(|account| own.contains(&account.key))
            .collect();
        let listed: Vec<Instrument> = venue
            .instruments()
            .iter()
            .filter(|i| self.instruments.contains(&i.id))
            .cloned()
            .collect();
        self.line = Line::Up;
        self.wire.read_since_up.clear();
        self.input(BrokerEvent::Connecting);
        for instrument in listed {
            self.market.list(instrument.clone());
            self.input(BrokerEvent::Instrument(Box::new(instrument)));
        }
        // A broker that starts anew may begin to count lower than before.
        let lower = self.faulty && self.chance.permille(300);
        let next_number = self
            .house
            .habits
            .as_ref()
            .map(|habits| if lower { 1 } else { habits.next_number() });
        self.input(BrokerEvent::Up {
            accounts,
            next_number,
        });
    }
}
