//! Asking for a flatten: of one instrument, or of a whole account with one result. What follows is `engine/flatten.rs`.

use super::commands::{Desk, known_as, known_instrument};
use super::{Decision, sessions};
use crate::domain::{AccountKey, ClientOrderId, InstrumentId, OrderSpec, counted};
use crate::engine::command::{Denial, DenialCode};
use crate::engine::event::Fact;
use crate::engine::flatten::guards;
use crate::engine::known::quiet_words;
use crate::engine::risk::{self, Effect};
use crate::engine::state::State;

/// While an instrument is flattened nobody else trades it, and while an account is, nothing adds risk there.
pub(in crate::engine) fn not_flattening(state: &State, spec: &OrderSpec) -> Result<(), Denial> {
    let busy = |text: String| Err(Denial::new(DenialCode::Busy, text));
    if state.flattening.contains_key(&(spec.account, spec.instrument)) {
        return busy(format!(
            "{} is being flattened; wait until it is flat",
            spec.instrument
        ));
    }
    let whole = state.flattening_accounts.contains_key(&spec.account);
    if whole && risk::effect(state, spec) == Effect::Adds {
        return busy(format!(
            "{} is being flattened; wait until it is flat",
            spec.account
        ));
    }
    Ok(())
}

impl Desk<'_> {
    pub(super) fn not_flattening(&self, spec: &OrderSpec) -> Result<(), Denial> {
        not_flattening(self.state, spec)
    }

    pub(super) fn flatten(
        &self,
        exit: ClientOrderId,
        account: AccountKey,
        instrument: InstrumentId,
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        if let Some(known) = self.repeated_exit(exit, account, instrument) {
            return known.map(known_as);
        }
        known_instrument(self.state, instrument)?;
        self.positions_are_known(account)?;
        if let Some(under_way) = self.state.flattening.get(&(account, instrument)) {
            if under_way.exit == exit {
                return Ok(known_as(exit));
            }
            return Err(Denial::new(
                DenialCode::Busy,
                format!("{instrument} is being flattened already"),
            ));
        }
        if self.is_quiet(account, instrument) {
            return Err(Denial::new(
                DenialCode::NothingToClose,
                self.quiet(account, &instrument.to_string()),
            ));
        }
        let facts = vec![Fact::FlattenStarted {
            account,
            instrument,
            exit,
        }];
        Ok(match self.what_goes(account, &[instrument]) {
            Some(note) => Decision::noted(facts, &note),
            None => Decision::done(facts),
        })
    }

    /// Each instrument named, with one result. One that is quiet is left out, one that is being flattened is waited for.
    pub(super) fn flatten_account(
        &self,
        account: AccountKey,
        exits: &[(InstrumentId, ClientOrderId)],
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        let known = |(instrument, exit): &&(InstrumentId, ClientOrderId)| {
            let under_way = self.state.flattening.get(&(account, *instrument));
            self.state.orders.contains_key(exit)
                || under_way.is_some_and(|flattening| flattening.exit == *exit)
        };
        if let Some((_, exit)) = exits.iter().find(known) {
            return Ok(known_as(*exit));
        }
        self.positions_are_known(account)?;
        if self.state.flattening_accounts.contains_key(&account) {
            let text = format!("{account} is being flattened already");
            return Err(Denial::new(DenialCode::Busy, text));
        }
        let mut facts = Vec::new();
        let mut instruments: Vec<InstrumentId> = Vec::new();
        for (instrument, exit) in exits {
            known_instrument(self.state, *instrument)?;
            if self.is_quiet(account, *instrument) || instruments.contains(instrument) {
                continue;
            }
            instruments.push(*instrument);
            if !self.state.flattening.contains_key(&(account, *instrument)) {
                facts.push(Fact::FlattenStarted {
                    account,
                    instrument: *instrument,
                    exit: *exit,
                });
            }
        }
        if instruments.is_empty() {
            return Err(Denial::new(
                DenialCode::NothingToClose,
                self.quiet(account, &account.to_string()),
            ));
        }
        let note = self.what_goes(account, &instruments);
        facts.insert(0, Fact::AccountFlattenStarted { account, instruments });
        Ok(match note {
            Some(note) => Decision::noted(facts, &note),
            None => Decision::done(facts),
        })
    }

    /// That there is nothing to flatten, as far as that is known.
    fn quiet(&self, account: AccountKey, what: &str) -> String {
        let flat = format!("{what} is flat and nothing is working");
        quiet_words(self.state, account, &flat)
    }

    fn positions_are_known(&self, account: AccountKey) -> Result<(), Denial> {
        if self.state.positions_known(account) {
            return Ok(());
        }
        Err(Denial::new(
            DenialCode::PositionUnknown,
            format!("what {account} holds has not been read yet"),
        ))
    }

    fn is_quiet(&self, account: AccountKey, instrument: InstrumentId) -> bool {
        let flat = self.state.position(account, instrument).quantity.is_zero();
        flat && self.state.live_orders(account, instrument).next().is_none()
    }

    /// What a person is told at once: how many orders go, how many stops stay for now, and what is not ours to cancel.
    fn what_goes(&self, account: AccountKey, instruments: &[InstrumentId]) -> Option<String> {
        let (mut going, mut stops, mut foreign) = (0, 0, 0);
        for order in instruments
            .iter()
            .flat_map(|instrument| self.state.live_orders(account, *instrument))
        {
            match order {
                order if order.foreign => foreign += 1,
                order if guards(self.state, order) => stops += 1,
                _ => going += 1,
            }
        }
        let mut parts = Vec::new();
        if going > 0 {
            parts.push(counted(going, "cancel"));
        }
        if stops > 0 {
            parts.push(format!("{} until the exit is in", counted(stops, "stop")));
        }
        if foreign > 0 {
            parts.push(format!("NOT_OURS: {foreign} made elsewhere"));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}
