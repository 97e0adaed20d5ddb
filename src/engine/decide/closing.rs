//! The closing word, and the order that closes. Proof that all of it is closed is `flatten`'s.

use super::commands::{Desk, denied, known_as, known_instrument};
use super::{Decision, sessions};
use crate::domain::{
    AccountKey, ClientOrderId, InstrumentId, OrderKind, OrderSpec, Quantity, Role, Side, TimeInForce,
};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::event::Fact;
use crate::engine::in_the_way;
use crate::engine::state::State;

impl Desk<'_> {
    pub(super) fn close(
        &self,
        id: ClientOrderId,
        account: AccountKey,
        instrument: InstrumentId,
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        if let Some(known) = self.repeated_exit(id, account, instrument) {
            return known.map(known_as);
        }
        if in_the_way::only_protection(self.state, account, instrument) {
            return self.flatten(id, account, instrument);
        }
        let spec = closing(self.state, account, instrument)?;
        if let Err(denial) = self.allowed(&spec) {
            return Ok(denied(id, &spec, denial));
        }
        let quote = self.market.quote(instrument).copied();
        Ok(Decision::done(vec![Fact::Submitted {
            id,
            spec,
            oco: None,
            quote,
        }]))
    }

    /// The answer to the same closing word again, whatever is held by now.
    pub(super) fn repeated_exit(
        &self,
        id: ClientOrderId,
        account: AccountKey,
        instrument: InstrumentId,
    ) -> Option<Result<ClientOrderId, Denial>> {
        let known = self.state.orders.get(&id)?;
        let asked = &known.asked;
        let same = *asked == exit(account, instrument, asked.side, asked.quantity);
        Some(if same {
            Ok(id)
        } else {
            let text = format!("{id} is already {asked}; make a new id");
            Err(Denial::new(DenialCode::IdReused, text))
        })
    }
}

/// The market order that closes a position, less what working exits already close: a closing word never oversells.
pub(in crate::engine) fn closing(
    state: &State,
    account: AccountKey,
    instrument: InstrumentId,
) -> Result<OrderSpec, Denial> {
    known_instrument(state, instrument)?;
    if !state.positions_known(account) {
        return Err(Denial::new(
            DenialCode::PositionUnknown,
            format!("what {account} holds has not been read yet"),
        ));
    }
    let position = state.position(account, instrument);
    let Some(side) = position.side() else {
        return Err(Denial::new(
            DenialCode::NothingToClose,
            format!("{account} holds no {instrument}"),
        ));
    };
    let exits = state.working_exits(account, instrument);
    let quantity = position.quantity.abs().saturating_sub(exits);
    if !quantity.is_positive() {
        let held = position.quantity.abs();
        let text = in_the_way::words(state, account, instrument).unwrap_or_else(|| {
            format!("working orders already close all {held} {instrument}; cancel them first")
        });
        return Err(Denial::new(DenialCode::NothingToClose, text));
    }
    Ok(exit(account, instrument, side.opposite(), quantity))
}

/// A market order that only closes.
pub(in crate::engine) fn exit(
    account: AccountKey,
    instrument: InstrumentId,
    side: Side,
    quantity: Quantity,
) -> OrderSpec {
    OrderSpec {
        account,
        instrument,
        side,
        quantity,
        kind: OrderKind::Market,
        tif: TimeInForce::Day,
        display: None,
        allow_short: false,
        role: Role::Entry,
        parent: None,
        outside_hours: false,
    }
}
