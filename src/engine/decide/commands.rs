//! What is asked of the engine: orders, changes, cancels, closing words and trading states. Every refusal has a code; what
//! the controls refuse is recorded, what makes no sense is only answered.

use super::{Decision, cancel, is_protective, live, sessions};
use crate::domain::{
    AccountKey, BrokerId, ClientOrderId, Instrument, InstrumentId, Order, OrderChange, OrderKind, OrderSpec,
    Phase, Quantity, Role, SafeText, Side, TimeInForce, Timestamp, TradingState, counted,
};
use crate::engine::alerts;
use crate::engine::breaker::{self, BreakerState};
use crate::engine::command::{Command, Denial, DenialCode, Legs, Origin, Outcome, Seen};
use crate::engine::event::Fact;
use crate::engine::fold::changed;
use crate::engine::halt;
use crate::engine::in_the_way;
use crate::engine::lease;
use crate::engine::programs;
use crate::engine::risk::{self, Check, Effect, Sender};
use crate::engine::state::State;
use crate::engine::{digest, doubles};
use crate::market::Market;

/// Decides one command.
pub(super) fn decide(
    state: &State,
    market: &Market,
    origin: Origin,
    command: &Command,
    now: Timestamp,
) -> Decision {
    let desk = Desk {
        state,
        market,
        origin,
        now,
    };
    let decided = match command {
        Command::Submit { id, spec, legs, seen } => desk.submit(*id, spec, *legs, seen.as_ref()),
        Command::Park {
            id,
            spec,
            seconds,
            seen,
        } => desk.park((*id, spec), *seconds, seen.as_ref()),
        Command::ConfirmParked { id } => desk.confirm_parked(*id),
        Command::SubmitAll { orders } => desk.submit_all(orders),
        Command::SubmitPair {
            first,
            first_spec,
            second,
            second_spec,
            seen,
        } => desk.submit_pair(
            (*first, first_spec, seen.first()),
            (*second, second_spec, seen.get(1)),
        ),
        Command::Modify { id, change } => desk.modify(*id, *change),
        Command::Cancel { id } => desk.cancel(*id),
        Command::CancelAll {
            account,
            instrument,
            stops_too,
        } => desk.cancel_all(*account, *instrument, *stops_too),
        Command::Close {
            id,
            account,
            instrument,
        } => desk.close(*id, *account, *instrument),
        Command::Flatten {
            id,
            account,
            instrument,
        } => desk.flatten(*id, *account, *instrument),
        Command::FlattenAccount { account, exits } => desk.flatten_account(*account, exits),
        Command::SetTrading {
            account,
            state,
            reason,
        } => desk.set_trading(*account, *state, reason),
        Command::Halt {
            account,
            reason,
            stops_too,
        } => desk.halt(*account, reason, *stops_too),
        Command::SetLimit {
            account,
            scope,
            name,
            value,
            minutes,
            confirmation,
            by,
        } => {
            let wish = risk::change::Wish {
                account: *account,
                scope: scope.as_ref(),
                name: *name,
                value: *value,
                minutes: *minutes,
                confirmation,
                by,
            };
            risk::change::decide(state, origin, &wish, now)
        }
        Command::AcceptDifference { account, instrument } => desk.accept_difference(*account, *instrument),
        Command::Resolve {
            account,
            subject,
            remedy,
            seen,
        } => desk.resolve(*account, *subject, (*remedy, *seen)),
        Command::AcceptGap { account } => desk.accept_gap(*account),
        Command::AcceptDouble { account } => desk.accept_double(*account),
        Command::AcknowledgeBreaker { broker, by } => desk.acknowledge(*broker, by),
        Command::Lease { seconds } => lease::decide(state, origin, *seconds, now),
        Command::ChangePosition {
            account,
            instrument,
            cause,
            change,
            note,
        } => desk.change_position(*account, *instrument, (*cause, *change, note)),
        Command::SetExDate { instrument, ex } => desk.set_ex_date(*instrument, ex.clone()),
        Command::Reconcile { account } => desk.reconcile(*account),
        Command::SetAlert { .. } | Command::RemoveAlert { .. } | Command::PauseAlert { .. } => {
            desk.alert(command)
        }
        Command::OpenSession
        | Command::CloseSession
        | Command::TakeToken
        | Command::Arm { .. }
        | Command::Disarm { .. } => sessions::decide(state, origin, command, now),
        Command::OpenProgram { .. }
        | Command::NameSession { .. }
        | Command::ArmPrograms { .. }
        | Command::DisarmPrograms { .. } => programs::decide(state, origin, command, now),
    };
    decided.unwrap_or_else(Decision::refused)
}

/// What a command is decided on.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) state: &'a State,
    pub(super) market: &'a Market,
    pub(super) origin: Origin,
    pub(super) now: Timestamp,
}

impl Desk<'_> {
    pub(super) fn check(&self) -> Check<'_> {
        Check {
            state: self.state,
            market: self.market,
            now: self.now,
            sender: Some(self.sender()),
        }
    }

    pub(super) fn sender(&self) -> Sender {
        self.state.sender(self.origin.session, self.origin.kind)
    }

    /// Whether this session may add risk in an account: its right to, and that it was not stopped for how it sends.
    pub(super) fn may_add(&self, account: AccountKey) -> Result<(), Denial> {
        sessions::may_add_risk(self.state, self.origin, account, self.now)?;
        risk::scope::stopped(self.state, &self.sender()).map_or(Ok(()), Err)
    }

    /// The controls of one new order, the right to place it included.
    pub(super) fn allowed(&self, spec: &OrderSpec) -> Result<(), Denial> {
        self.not_flattening(spec)?;
        if risk::effect(self.state, spec) == Effect::Adds {
            self.may_add(spec.account)?;
        }
        self.check().order(spec)
    }

    /// Alerts touch no order: any session that is no onlooker may make them.
    fn alert(&self, command: &Command) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        let facts = match command {
            Command::SetAlert { spec } => {
                let (id, facts) = alerts::decide::make(self.state, spec, self.now)?;
                return Ok(Decision::noted(facts, &format!("alert {id} is set")));
            }
            Command::RemoveAlert { id } => alerts::decide::remove(self.state, *id)?,
            Command::PauseAlert { id, paused } => alerts::decide::pause(self.state, *id, *paused)?,
            _ => Vec::new(),
        };
        Ok(Decision::done(facts))
    }

    fn submit(
        &self,
        id: ClientOrderId,
        spec: &OrderSpec,
        legs: Legs,
        seen: Option<&Seen>,
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        stands_alone(spec)?;
        if let Some(known) = risk::repeated(self.state, id, spec) {
            return known.and_then(|id| self.same_legs(id, legs)).map(known_as);
        }
        self.was_seen(seen, spec, legs)?;
        match self.allowed(spec).and_then(|()| self.submitted(id, spec, legs)) {
            Ok(facts) => Ok(Decision::done(facts)),
            Err(denial) => Ok(denied(id, spec, denial)),
        }
    }

    /// Whether the asker had before their eyes what this session must have seen of an order.
    pub(super) fn was_seen(&self, seen: Option<&Seen>, spec: &OrderSpec, legs: Legs) -> Result<(), Denial> {
        digest::require(self.origin.kind, seen, self.state, self.market, spec, legs)
    }

    /// The facts of one new order and its children.
    pub(super) fn submitted(
        &self,
        id: ClientOrderId,
        spec: &OrderSpec,
        legs: Legs,
    ) -> Result<Vec<Fact>, Denial> {
        let children = self.children(id, spec, legs)?;
        self.check().room(spec, 1, children.len())?;
        let quote = self.market.quote(spec.instrument).copied();
        let mut facts = vec![Fact::Submitted {
            id,
            spec: spec.clone(),
            oco: None,
            quote,
        }];
        facts.extend(children.into_iter().map(|(child, spec)| Fact::Submitted {
            id: child,
            spec,
            oco: Some(id),
            quote: None,
        }));
        facts.extend(planned(id, legs)?);
        Ok(facts)
    }

    /// A repeated submission is the same one only with the same children. What was denied has none.
    pub(super) fn same_legs(&self, id: ClientOrderId, legs: Legs) -> Result<ClientOrderId, Denial> {
        let order = |id: ClientOrderId| self.state.orders.get(&id);
        let price = |number| {
            let child = id.child(number).and_then(order)?;
            child.asked.kind.limit().or(child.asked.kind.trigger())
        };
        let denied = order(id).is_some_and(|order| order.phase == Phase::Denied);
        let moves = || {
            let plan = self.state.stop_plans.get(&id.child(1)?)?;
            Some(plan.moves)
        };
        // A plan that a hand ended says nothing of what was asked.
        let as_planned = moves().is_none_or(|moves| legs.moves == Some(moves));
        if denied || (as_planned && (legs.stop, legs.target) == (price(1), price(2))) {
            return Ok(id);
        }
        let text = format!("{id} is already an order with another stop or target; make a new id");
        Err(Denial::new(DenialCode::IdReused, text))
    }

    /// The waiting children of a bracket: they close what the entry opens, live until cancelled, and take from each other.
    fn children(
        &self,
        id: ClientOrderId,
        spec: &OrderSpec,
        legs: Legs,
    ) -> Result<Vec<(ClientOrderId, OrderSpec)>, Denial> {
        let mut children = Vec::new();
        let reference = self.check().entry_price(spec);
        let instrument = self.state.instruments.get(&spec.instrument);
        let kinds = [
            (legs.stop, Role::StopLoss, "stop", -1),
            (legs.target, Role::Target, "target", 1),
        ];
        for (number, (price, role, word, toward)) in (1u8..).zip(kinds) {
            let Some(price) = price else { continue };
            let kind = match role {
                Role::StopLoss => OrderKind::Stop { trigger: price },
                _ => OrderKind::Limit { price },
            };
            let sign = if spec.side == Side::Buy { toward } else { -toward };
            if let Some(reference) = reference
                && price.raw().cmp(&reference.raw()) as i32 != sign
            {
                let side = if sign > 0 { "above" } else { "below" };
                let text = format!(
                    "the {word} of a {} goes {side} the entry at {reference}",
                    spec.side.word().to_lowercase()
                );
                return Err(Denial::new(DenialCode::BadPrice, text));
            }
            let child = OrderSpec {
                side: spec.side.opposite(),
                kind,
                tif: TimeInForce::Gtc,
                display: None,
                allow_short: true,
                role,
                parent: Some(id),
                ..spec.clone()
            };
            if let Some(instrument) = instrument {
                self.check().well_formed(&child, instrument)?;
            }
            let name = id.child(number).ok_or_else(|| {
                Denial::new(
                    DenialCode::BadOrder,
                    format!("{id} can't have children: its id is too long or itself a child's"),
                )
            })?;
            children.push((name, child));
        }
        Ok(children)
    }

    fn submit_pair(
        &self,
        first: (ClientOrderId, &OrderSpec, Option<&Seen>),
        second: (ClientOrderId, &OrderSpec, Option<&Seen>),
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        stands_alone(first.1)?;
        stands_alone(second.1)?;
        if let Some(known) = risk::repeated(self.state, first.0, first.1) {
            let both = match risk::repeated(self.state, second.0, second.1) {
                Some(second) => second.and(known),
                None => Err(Denial::new(
                    DenialCode::IdReused,
                    format!(
                        "{} is already an order that is no part of this pair; make a new id",
                        first.0
                    ),
                )),
            };
            return both.map(known_as);
        }
        if first.0 == second.0 || self.state.orders.contains_key(&second.0) {
            return Err(Denial::new(
                DenialCode::IdReused,
                format!("{} is already an order; make a new id", second.0),
            ));
        }
        if first.1.account != second.1.account
            || first.1.instrument != second.1.instrument
            || first.1.quantity != second.1.quantity
        {
            return Err(Denial::new(
                DenialCode::BadOrder,
                "both orders of a pair have one account, instrument and quantity",
            ));
        }
        for (_, spec, seen) in [first, second] {
            self.was_seen(seen, spec, Legs::default())?;
        }
        let allowed = self.allowed(first.1).and_then(|()| self.allowed(second.1));
        if let Err(denial) = allowed.and_then(|()| self.room_for_both(first.1, second.1)) {
            let mut decision = denied(first.0, first.1, denial.clone());
            decision
                .facts
                .append(&mut denied(second.0, second.1, denial).facts);
            return Ok(decision);
        }
        let quote = self.market.quote(first.1.instrument).copied();
        let submitted = |(id, spec, _): (ClientOrderId, &OrderSpec, Option<&Seen>)| Fact::Submitted {
            id,
            spec: spec.clone(),
            oco: Some(first.0),
            quote,
        };
        Ok(Decision::done(vec![submitted(first), submitted(second)]))
    }

    /// Both orders of a pair count, whichever of them adds risk.
    fn room_for_both(&self, first: &OrderSpec, second: &OrderSpec) -> Result<(), Denial> {
        let (same, other) = if first.side == second.side { (2, 0) } else { (1, 1) };
        self.check().room(first, same, other)?;
        self.check().room(second, same, other)
    }

    fn modify(&self, id: ClientOrderId, change: OrderChange) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
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
            self.may_add(spec.account)?;
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

    fn cancel_all(
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
    fn sorted(
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

    fn close(
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

    fn set_trading(
        &self,
        account: AccountKey,
        to: TradingState,
        reason: &SafeText,
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        let Some(entry) = self.state.accounts.get(&account) else {
            return Err(Denial::new(
                DenialCode::UnknownAccount,
                format!("no account {account}"),
            ));
        };
        if to == TradingState::Halted {
            return self.halt(Some(account), reason, false);
        }
        let ended = match to {
            TradingState::Active => {
                let mut ended = risk::ended_by_hand(self.state, account);
                ended.extend(risk::scope::resumed(self.state));
                ended
            }
            TradingState::Reducing | TradingState::Halted => Vec::new(),
        };
        if to < entry.trading || !ended.is_empty() {
            sessions::may_add_risk(self.state, self.origin, account, self.now)?;
            self.no_halt_file()?;
        }
        let mut facts = vec![Fact::TradingChanged {
            account,
            state: to,
            reason: reason.clone(),
        }];
        facts.extend(ended);
        Ok(Decision::done(facts))
    }

    /// One account, or all of them. Entries go by what follows from the facts; what stays is said at once.
    fn halt(
        &self,
        account: Option<AccountKey>,
        reason: &SafeText,
        stops_too: bool,
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        let known = self.state.accounts.keys().copied();
        let meant: Vec<AccountKey> = known
            .filter(|key| account.is_none_or(|one| one == *key))
            .collect();
        if meant.is_empty() {
            let text = account.map_or_else(
                || "no account is known yet".to_owned(),
                |account| format!("no account {account}"),
            );
            return Err(Denial::new(DenialCode::UnknownAccount, text));
        }
        let (mut facts, mut all, mut exits) = (Vec::new(), (0, 0, 0), 0);
        for account in meant {
            let (going, kept, foreign) = self.sorted(account, None, stops_too);
            let stay = |order: &&&Order| !stops_too && halt::stays(self.state, order);
            let closing = going.iter().filter(stay).count();
            exits += closing;
            all = (all.0 + going.len() - closing, all.1 + kept, all.2 + foreign);
            facts.extend(halt::halted(self.state, account, reason, stops_too));
        }
        Ok(Decision::noted(facts, &told(all.0, all.1, exits, all.2)))
    }

    /// Whoever put the file there has not taken it away: a word at a desk does not undo that.
    fn no_halt_file(&self) -> Result<(), Denial> {
        match &self.state.halt_file {
            None => Ok(()),
            Some(file) => {
                let text = format!(
                    "the halt file is still there ({}): remove {}, then resume",
                    file.reason, file.place
                );
                Err(Denial::new(DenialCode::Trading, text))
            }
        }
    }

    /// Only what two reads have shown is taken over: a difference may be a fill that is on its way.
    pub(super) fn accept_difference(
        &self,
        account: AccountKey,
        instrument: InstrumentId,
    ) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        programs::by_a_person(self.origin)?;
        let entry = self.state.accounts.get(&account);
        let mismatch = entry
            .and_then(|entry| entry.mismatches.get(&instrument))
            .filter(|mismatch| mismatch.is_confirmed(self.now));
        let Some(mismatch) = mismatch else {
            if entry.is_some_and(|entry| entry.overfilled.contains(&instrument)) {
                return Ok(Decision::done(vec![Fact::PositionAdjusted {
                    account,
                    instrument,
                    change: Quantity::ZERO,
                    price: None,
                    cause: "what was executed beyond its order was accepted".into(),
                }]));
            }
            let text = format!("{account} has no difference in {instrument} that two reads confirmed");
            return Err(Denial::new(DenialCode::NothingToAccept, text));
        };
        let cause = format!(
            "the broker's {} taken over by hand, ours was {}",
            mismatch.theirs, mismatch.ours
        );
        let pass = entry.map_or(0, |entry| entry.passes).saturating_add(1);
        Ok(Decision::done(vec![
            Fact::PositionAdjusted {
                account,
                instrument,
                change: mismatch.theirs.saturating_sub(mismatch.ours),
                price: self.market.last(instrument).map(|print| print.price),
                cause: SafeText::new(&cause),
            },
            Fact::ReconcileStarted { account, pass },
        ]))
    }

    pub(super) fn accept_gap(&self, account: AccountKey) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        programs::by_a_person(self.origin)?;
        let gap = self.state.accounts.get(&account).and_then(|entry| entry.gap);
        match gap {
            Some(_) => Ok(Decision::done(vec![Fact::GapAccepted { account }])),
            None => Err(Denial::new(
                DenialCode::NothingToAccept,
                format!("the executions of {account} are known without a gap"),
            )),
        }
    }

    fn accept_double(&self, account: AccountKey) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        programs::by_a_person(self.origin)?;
        doubles::drop_newer(self.state, account).map(|(facts, note)| Decision::noted(facts, &note))
    }

    fn acknowledge(&self, broker: BrokerId, by: &SafeText) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        programs::by_a_person(self.origin)?;
        let breaker = self.state.breakers.get(&broker);
        let waits = breaker.filter(|breaker| {
            breaker.state == BreakerState::Open && breaker.needs_a_person(self.state, broker)
        });
        if waits.is_none() {
            let text = match breaker {
                Some(_) => breaker::words(self.state, broker),
                None => None,
            };
            let text = text.unwrap_or_else(|| format!("the breaker of {broker} is closed"));
            return Err(Denial::new(DenialCode::NothingToAccept, text));
        }
        let by = by.clone();
        Ok(Decision::done(vec![Fact::BreakerAcknowledged { broker, by }]))
    }

    fn reconcile(&self, account: AccountKey) -> Result<Decision, Denial> {
        sessions::may_act(self.origin)?;
        let Some(entry) = self.state.accounts.get(&account) else {
            return Err(Denial::new(
                DenialCode::UnknownAccount,
                format!("no account {account}"),
            ));
        };
        if entry.reading.is_some() {
            return Ok(Decision::noted(Vec::new(), "a read is under way"));
        }
        Ok(Decision::done(vec![Fact::ReconcileStarted {
            account,
            pass: entry.passes.saturating_add(1),
        }]))
    }
}

/// How the stop of a new order moves by itself, where it does.
fn planned(id: ClientOrderId, legs: Legs) -> Result<Option<Fact>, Denial> {
    let Some(moves) = legs.moves else {
        return Ok(None);
    };
    let stop = id.child(1).filter(|_| legs.stop.is_some() && moves.is_sound());
    let fact = stop.map(|id| Fact::StopPlanned { id, moves });
    fact.map(Some).ok_or_else(|| {
        let text =
            "a stop that moves by itself needs a stop, a gain above zero, and an offset nearer than that";
        Denial::new(DenialCode::BadOrder, text)
    })
}

/// What a cancel at large did and left.
fn told(going: usize, stops: usize, exits: usize, foreign: usize) -> String {
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

/// The same command again: nothing new is done.
pub(super) fn known_as(id: ClientOrderId) -> Decision {
    Decision {
        facts: Vec::new(),
        outcome: Some(Outcome::Known { id }),
    }
}

/// Only the engine makes children: an order that names a parent would wait for ever and pass controls unasked.
pub(super) fn stands_alone(spec: &OrderSpec) -> Result<(), Denial> {
    match spec.parent {
        None => Ok(()),
        Some(parent) => Err(Denial::new(
            DenialCode::BadOrder,
            format!("an order can't be put under {parent}; submit the entry with its stop and target"),
        )),
    }
}

pub(super) fn denied(id: ClientOrderId, spec: &OrderSpec, denial: Denial) -> Decision {
    Decision {
        facts: vec![Fact::Denied {
            id,
            spec: spec.clone(),
            denial: denial.clone(),
        }],
        outcome: Some(Outcome::Denied(denial)),
    }
}

pub(super) fn known_instrument(state: &State, id: InstrumentId) -> Result<&Instrument, Denial> {
    state
        .instruments
        .get(&id)
        .ok_or_else(|| Denial::new(DenialCode::UnknownInstrument, format!("no instrument {id}")))
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
