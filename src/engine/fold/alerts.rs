//! The fold of alerts: which there are, what was told, and how telling went. Bounded: ended alerts and old firings make
//! room.

use super::State;
use crate::domain::{BrokerId, LinkState, SafeText, Timestamp};
use crate::engine::alerts::{
    Alert, AlertId, Channel, Delivery, Ended, FIRINGS_KEPT, Firing, MOST, Outage, away,
};
use crate::engine::event::{Event, Fact};
use std::collections::BTreeSet;

impl State {
    pub(super) fn fold_alert(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::AlertSet { id, spec } => {
                self.alerts.made = self.alerts.made.max(id.0);
                let alert = Alert {
                    spec: spec.as_ref().clone(),
                    made_at: at,
                    paused: false,
                    armed: true,
                    ended: None,
                    fired: 0,
                    fired_at: None,
                    seen: Vec::new(),
                };
                self.alerts.all.insert(*id, alert);
                self.make_room_for_alerts();
            }
            Fact::AlertRemoved { id } => {
                self.alerts.all.remove(id);
            }
            Fact::AlertPaused { id, paused } => self.edit_alert(*id, |alert| alert.paused = *paused),
            Fact::AlertRearmed { id } => self.edit_alert(*id, |alert| alert.armed = true),
            Fact::AlertExpired { id } => self.edit_alert(*id, |alert| alert.ended = Some(Ended::Expired)),
            Fact::AlertFired { id, text, seen, .. } => {
                let mut told = (BTreeSet::new(), None);
                self.edit_alert(*id, |alert| {
                    alert.fired = alert.fired.saturating_add(1);
                    alert.fired_at = Some(at);
                    alert.armed = false;
                    alert.seen.clone_from(seen);
                    if alert.spec.repeat_s.is_none() {
                        alert.ended = Some(Ended::Fired);
                    }
                    told = (alert.spec.channels.clone(), alert.spec.stage.clone());
                });
                self.keep_firing(Firing {
                    sequence: event.sequence,
                    at,
                    alert: Some(*id),
                    text: text.clone(),
                    channels: told.0,
                    stage: told.1,
                    deliveries: Vec::new(),
                });
            }
            Fact::BrokerAway { broker, since } => {
                if let Some(outage) = self.alerts.outages.get_mut(broker) {
                    outage.told = true;
                }
                self.keep_firing(Firing {
                    sequence: event.sequence,
                    at,
                    alert: None,
                    text: SafeText::new(&away(*broker, *since)),
                    channels: BTreeSet::new(),
                    stage: None,
                    deliveries: Vec::new(),
                });
            }
            Fact::AlertDelivered {
                firing,
                channel,
                attempt,
                failure,
                is_final,
            } => {
                let delivery = Delivery {
                    channel: *channel,
                    attempts: *attempt,
                    at,
                    failure: failure.clone(),
                    is_final: *is_final,
                };
                self.keep_delivery(*firing, *channel, delivery);
            }
            _ => {}
        }
    }

    fn edit_alert(&mut self, id: AlertId, change: impl FnOnce(&mut Alert)) {
        if let Some(alert) = self.alerts.all.get_mut(&id) {
            change(alert);
        }
    }

    /// Ended alerts make room for new ones, the oldest first.
    fn make_room_for_alerts(&mut self) {
        while self.alerts.all.len() > MOST {
            let ended = self.alerts.all.iter().find(|(_, alert)| alert.ended.is_some());
            let Some(oldest) = ended.map(|(id, _)| *id) else {
                break;
            };
            self.alerts.all.remove(&oldest);
        }
    }

    fn keep_firing(&mut self, firing: Firing) {
        self.alerts.firings.push_back(firing);
        while self.alerts.firings.len() > FIRINGS_KEPT {
            self.alerts.firings.pop_front();
        }
    }

    fn keep_delivery(&mut self, firing: u64, channel: Channel, delivery: Delivery) {
        let mut firings = self.alerts.firings.iter_mut().rev();
        let Some(firing) = firings.find(|found| found.sequence == firing) else {
            return;
        };
        match firing
            .deliveries
            .iter_mut()
            .find(|known| known.channel == channel)
        {
            Some(known) => *known = delivery,
            None => firing.deliveries.push(delivery),
        }
    }

    /// An outage goes on while a connection is only tried.
    pub(super) fn note_outage(&mut self, broker: BrokerId, link: LinkState, at: Timestamp) {
        if matches!(link, LinkState::Down | LinkState::Connecting) {
            let outage = Outage {
                since: at,
                told: false,
            };
            self.alerts.outages.entry(broker).or_insert(outage);
        } else {
            self.alerts.outages.remove(&broker);
        }
    }
}
