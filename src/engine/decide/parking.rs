//! The words for orders in an outage: park one, and the second word for one that the broker is back for. What has to hold
//! when it leaves stands in `engine/parking.rs`.

use super::commands::{Desk, denied, known_as, stands_alone};
use super::{Decision, live, sessions};
use crate::domain::{ClientOrderId, LinkState, OrderSpec, Phase};
use crate::engine::command::{Denial, DenialCode, Legs, Seen};
use crate::engine::event::Fact;
use crate::engine::parking;
use crate::engine::programs;
use crate::engine::risk;

impl Desk<'_> {
    /// With the broker there it is an order like any other.
    pub(super) fn park(
        &self,
        (id, spec): (ClientOrderId, &OrderSpec),
        seconds: Option<u32>,
        seen: Option<&Seen>,
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        programs::by_a_person(self.origin)?;
        stands_alone(spec)?;
        if let Some(known) = risk::repeated(self.state, id, spec) {
            return known.map(known_as);
        }
        self.was_seen(seen, spec, Legs::default())?;
        let denial = match self.allowed(spec) {
            Ok(()) => return self.submitted(id, spec, Legs::default()).map(Decision::done),
            Err(denial) => denial,
        };
        let parked = match denial.code {
            DenialCode::NotReady => {
                let sender = Some(self.sender());
                parking::terms(self.state, self.market, spec, seconds, sender, self.now)
            }
            _ => Err(denial),
        };
        let terms = match parked {
            Ok(terms) => terms,
            Err(denial) => return Ok(denied(id, spec, denial)),
        };
        let fact = Fact::OrderParked {
            id,
            spec: spec.clone(),
            terms,
            by: self.origin,
        };
        let note = format!("PARKED until {}: {spec}", terms.until);
        Ok(Decision::noted(vec![fact], &note))
    }

    /// Said while the broker is there: a word given before that says nothing of the market it comes back to.
    pub(super) fn confirm_parked(&self, id: ClientOrderId) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        programs::by_a_person(self.origin)?;
        let order = live(self.state, id)?;
        let parked = self.state.parking.orders.get(&id);
        let Some(parked) = parked.filter(|_| order.phase == Phase::Parked) else {
            let text = format!("{} is {}, not parked", order.spec, order.phase.word());
            return Err(Denial::new(DenialCode::NotLive, text));
        };
        let link = self.state.link(parked.account.broker);
        if link != LinkState::Ready {
            let text = format!(
                "the link to {} is {}: confirm it when it is READY",
                parked.account.broker,
                link.word()
            );
            return Err(Denial::new(DenialCode::NotReady, text));
        }
        if !parked.terms.closes {
            sessions::may_add_risk(self.state, self.origin, parked.account, self.now)?;
            self.check().answered(&order.spec)?;
        }
        let by = self.origin;
        Ok(Decision::done(vec![Fact::ParkConfirmed { id, by }]))
    }
}
