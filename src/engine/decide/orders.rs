//! Orders that live: changed, cancelled one by one, and cancelled at large.

use super::commands::Desk;
use super::{Decision, cancel, is_protective, live, sessions};
use crate::domain::{
    AccountKey, ClientOrderId, InstrumentId, Order, OrderChange, Phase, SessionId, Timestamp, counted,
};
use crate::engine::command::{Denial, DenialCode, Origin, SessionKind};
use crate::engine::doubles;
use crate::engine::event::Fact;
use crate::engine::fold::changed;
use crate::engine::risk::{self, Effect};
use crate::engine::state::State;
use crate::market::Market;

impl Desk<'_> {
    pub(super) fn modify(&self, id: ClientOrderId, change: OrderChange) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        self.changing(id, change, |account| self.may_add(account))
    }

    /// A change, whoever asks for it: `may_add` says whether they may add risk.
    fn changing(
        &self,
        id: ClientOrderId,
        change: OrderChange,
        may_add: impl FnOnce(AccountKey) -> Result<(), Denial>,
    ) -> Result<Decision, Denial> {
        let order = live(self.state, id)?;
        ours(order)?;
        self.not_flattening(&order.spec)?;
        if order.phase == Phase::Parked {
            let text = format!(
                "{} is parked as it was confirmed; cancel it and place another",
                order.spec
            );
            return Err(Denial::new(DenialCode::Busy, text));
        }
        if matches!(order.phase, Phase::InFlight | Phase::Uncertain) || order.pending.is_some() {
            let text = format!(
                "{} is {}; wait for the broker's answer",
                order.spec,
                order.phase.word()
            );
            return Err(Denial::new(DenialCode::Busy, text));
        }
        if let Some(resized) = self.resize(order, change) {
            return resized;
        }
        if change.quantity.is_some() && order.oco.is_some() {
            return Err(Denial::new(
                DenialCode::BadOrder,
                "the size of an order in a pair follows the fills of the others",
            ));
        }
        let spec = changed(&order.spec, change);
        if spec == order.spec {
            return Err(Denial::new(
                DenialCode::BadOrder,
                format!("nothing would change in {}", order.spec),
            ));
        }
        if spec.quantity <= order.filled {
            let text = format!("{} are filled already; cancel the rest instead", order.filled);
            return Err(Denial::new(DenialCode::BadQuantity, text));
        }
        if risk::change_effect(self.state, order, &spec) == Effect::Adds {
            may_add(spec.account)?;
        }
        self.check().change(order, &spec)?;
        Ok(Decision::done(vec![match order.phase {
            Phase::Created => Fact::Modified {
                id,
                quantity: spec.quantity,
                kind: spec.kind,
            },
            _ => Fact::ModifyRequested { id, change },
        }]))
    }

    pub(super) fn cancel(&self, id: ClientOrderId) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        let order = live(self.state, id)?;
        ours(order)?;
        doubles::may_cancel(self.state, order)?;
        Ok(Decision::done(vec![cancel(
            order,
            "cancelled before it was released",
        )]))
    }

    pub(super) fn cancel_all(
        &self,
        account: AccountKey,
        instrument: Option<InstrumentId>,
        stops_too: bool,
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        let (going, kept, foreign) = self.sorted(account, instrument, stops_too);
        let note = told(going.len(), kept, 0, foreign);
        let facts = going
            .into_iter()
            .map(|order| cancel(order, "cancelled with all others"))
            .collect();
        Ok(Decision::noted(facts, &note))
    }

    /// Orders that a cancel at large takes, how many protective stops it leaves, and how many are not ours.
    pub(super) fn sorted(
        &self,
        account: AccountKey,
        instrument: Option<InstrumentId>,
        stops_too: bool,
    ) -> (Vec<&Order>, usize, usize) {
        let (mut going, mut kept, mut foreign) = (Vec::new(), 0, 0);
        let chosen = |id: InstrumentId| instrument.is_none_or(|wanted| wanted == id);
        for order in self
            .state
            .all_live()
            .filter(|o| o.spec.account == account && chosen(o.spec.instrument))
        {
            if order.foreign {
                foreign += 1;
            } else if !stops_too && is_protective(self.state, order) {
                // One that waits for its entry goes with it, unless that fills.
                kept += usize::from(!self.state.waits(order));
            } else {
                going.push(order);
            }
        }
        (going, kept, foreign)
    }
}

/// Why a change would be refused, whoever asks for it; nothing where it would pass, or where nothing would change.
pub fn change_refused(
    state: &State,
    market: &Market,
    (id, change): (ClientOrderId, OrderChange),
    now: Timestamp,
) -> Option<Denial> {
    let order = state.orders.get(&id)?;
    if changed(&order.spec, change) == order.spec {
        return None;
    }
    let desk = Desk {
        state,
        market,
        origin: Origin {
            session: SessionId(0),
            kind: SessionKind::Monitor,
        },
        now,
    };
    let refused = desk.changing(id, change, |_| Ok(())).err();
    // The broker is asked when it is sent.
    refused.filter(|denial| denial.code != DenialCode::WhatIf)
}

/// What a cancel at large did and left.
pub(super) fn told(going: usize, stops: usize, exits: usize, foreign: usize) -> String {
    let mut note = counted(going, "cancel");
    let kept = [(stops, "stop"), (exits, "exit")].into_iter();
    let kept: Vec<String> = kept
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| counted(count, what))
        .collect();
    if !kept.is_empty() {
        note += &format!(", kept: {}", kept.join(", "));
    }
    if foreign > 0 {
        note += &format!(", {foreign} made elsewhere that only their own session can cancel");
    }
    note
}

/// What another session of the broker made, only that one may touch.
fn ours(order: &Order) -> Result<(), Denial> {
    if order.foreign {
        let text = format!(
            "{} was made by another session of {}: cancel or change it where it was made",
            order.spec, order.spec.account.broker
        );
        return Err(Denial::new(DenialCode::NotOurs, text));
    }
    Ok(())
}
