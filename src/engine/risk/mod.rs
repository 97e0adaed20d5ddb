//! The controls before every order, in one place, right before the intent is recorded. Working, uncertain and waiting
//! orders count in full. Every denial has a stable code, plain words, and the nearest value that would pass. What reduces
//! a position is never held up by a limit that is there to keep it small. Which controls there are stands in `table`; here
//! is the order in which they are asked.

mod advice;
pub mod breach;
pub mod change;
pub mod cost;
pub mod day;
pub mod drawdown;
mod entry;
mod exits;
mod form;
mod funds;
mod gate;
mod geared;
mod holds;
mod measure;
mod pace;
mod price;
pub mod scope;
mod size;
mod slippage;
mod status;
pub mod table;
pub mod usage;
mod watch;
mod what_if;
pub mod worth;

use super::command::{Denial, DenialCode};
use super::planted::{Bug, planted};
use super::state::{AccountState, State};
use crate::domain::{
    AccountKey, ClientOrderId, Instrument, Limits, Order, OrderSpec, Price, Quantity, Timestamp,
};
use crate::market::Market;
use std::borrow::Cow;
use std::cell::OnceCell;

pub use change::LimitChange;
pub use day::{LossStage, RiskDay, Standing};
pub use form::shape;
use holds::losing_exits;
pub use holds::{Hold, HoldCause, Pause, ended_by_hand, held_back, paused};
pub(super) use holds::{after_execution, loss_words};
pub use scope::Sender;
pub use watch::Watch;
pub(super) use what_if::can_be_asked_about;

/// What an order does to the risk of an account if all of it executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only takes off what is held, working exits counted.
    Reduces,
    /// Anything else.
    Adds,
}

/// Whether `spec` only reduces: opposite to the position, and with all working exits no larger than it.
pub fn effect(state: &State, spec: &OrderSpec) -> Effect {
    let position = state.position(spec.account, spec.instrument);
    let opposite = position.side() == Some(spec.side.opposite());
    let exits = || state.working_exits(spec.account, spec.instrument);
    if opposite && spec.quantity.saturating_add(exits()) <= position.quantity.abs() {
        Effect::Reduces
    } else {
        Effect::Adds
    }
}

/// Whether a live order only takes off what is held, itself counted among the working exits.
pub fn reduces_now(state: &State, order: &Order) -> bool {
    let spec = &order.spec;
    let position = state.position(spec.account, spec.instrument);
    let opposite = position.side() == Some(spec.side.opposite());
    opposite && state.working_exits(spec.account, spec.instrument) <= position.quantity.abs()
}

/// What a change adds to an order, as an order of its own; nothing where it adds nothing.
pub(super) fn grown(order: &Order, to: &OrderSpec) -> Option<OrderSpec> {
    let quantity = to.quantity.saturating_sub(order.spec.quantity);
    quantity.is_positive().then(|| OrderSpec {
        quantity,
        ..to.clone()
    })
}

/// What a change does to the risk of an account: it reduces where the order, as it would be, only takes off what is held,
/// and also where nothing but its quantity shrinks.
pub fn change_effect(state: &State, order: &Order, to: &OrderSpec) -> Effect {
    if to.kind == order.spec.kind && to.quantity <= order.spec.quantity {
        return Effect::Reduces;
    }
    let position = state.position(to.account, to.instrument);
    let more = to.quantity.saturating_sub(order.spec.quantity);
    let exits = state
        .working_exits(to.account, to.instrument)
        .saturating_add(more);
    if position.side() == Some(to.side.opposite()) && exits <= position.quantity.abs() {
        Effect::Reduces
    } else {
        Effect::Adds
    }
}

/// The controls of one new order, in the order a person would ask them.
#[derive(Debug)]
pub struct Check<'a> {
    /// The state before the order.
    pub state: &'a State,
    /// Prices to compare with.
    pub market: &'a Market,
    /// The moment.
    pub now: Timestamp,
    /// Who sends it, where that is known.
    pub sender: Option<Sender>,
}

/// Where an order's account stands in its session: looked up once, where a control asks for it first.
struct Stands<'a> {
    check: &'a Check<'a>,
    account: AccountKey,
    at: Timestamp,
    known: OnceCell<Result<Standing, String>>,
}

impl Stands<'_> {
    /// It, or what of it is not known.
    fn get(&self) -> Result<&Standing, String> {
        let (state, market) = (self.check.state, self.check.market);
        let known = self
            .known
            .get_or_init(|| day::standing(state, market, self.account, self.at));
        known.as_ref().map_err(String::clone)
    }
}

impl Check<'_> {
    /// Every control of an order that is sent; the first that refuses wins, and says whose limit it was where it is not every
    /// account's. The last is that the broker has said what a large one binds.
    pub fn order(&self, spec: &OrderSpec) -> Result<(), Denial> {
        self.order_after(spec, &[])
    }

    /// The same for one of several orders of a command, behind those of it that only close.
    pub(super) fn order_after(&self, spec: &OrderSpec, closes: &[OrderSpec]) -> Result<(), Denial> {
        self.foreseen(spec, closes)?;
        self.answered(spec)
    }

    /// Every control but that last one, for those who can't wait for the broker's word; without it the estimate of what the order
    /// binds holds. They are three: a preview (the broker is asked when the order is sent), an order that is parked (while its broker
    /// is away: it is asked with the second word), and a chained order that leaves (in the moment its first has filled; `engine/chain.rs`).
    pub(super) fn foreseen(&self, spec: &OrderSpec, closes: &[OrderSpec]) -> Result<(), Denial> {
        self.controls(spec, closes)
            .map_err(|denial| self.named(spec, denial))
    }

    fn controls(&self, spec: &OrderSpec, closes: &[OrderSpec]) -> Result<(), Denial> {
        let account = self.account(spec)?;
        let instrument = self.instrument(spec)?;
        self.well_formed(spec, instrument)?;
        let effect = effect(self.state, spec);
        self.may_leave(spec, account, effect)?;
        let limits = self.limits(spec);
        if effect == Effect::Adds {
            self.restricted(instrument, &limits)?;
            self.in_hours(spec, instrument, &limits)?;
            self.before_halt(instrument, &limits)?;
            self.not_halted(spec, instrument)?;
            self.flat_hours(spec)?;
        }
        self.short(spec, account)?;
        self.above_the_bid(spec, instrument, Quantity::ZERO)?;
        self.size(spec, instrument)?;
        let price = self.reference(spec, instrument, effect)?;
        self.collar(spec, instrument, effect)?;
        if effect == Effect::Adds {
            self.expiring(spec, instrument)?;
            self.fresh(spec, instrument, &limits)?;
            self.of_a_day(spec, instrument, &limits)?;
            self.value(spec, instrument, price)?;
            let stands = self.stands(spec);
            self.cost(spec, instrument, price, &limits, &stands)?;
            self.resulting_position(spec, instrument, price)?;
            self.contracts(spec, instrument, &limits)?;
            self.contracts_each(spec, instrument, &limits)?;
            self.as_an_entry(spec, instrument, price, &limits, &stands)?;
            self.self_cross(spec, instrument, &limits)?;
            self.sender(spec, &stands)?;
        }
        self.room(spec, 1, 0)?;
        self.duplicate(spec, account, closes)?;
        match effect {
            Effect::Adds => self.rate(account),
            Effect::Reduces => Ok(()),
        }
    }

    /// The controls of a change, seen as the order it would make; the broker's word is asked of what it adds. What only shrinks or
    /// closes passes.
    pub fn change(&self, order: &Order, spec: &OrderSpec) -> Result<(), Denial> {
        self.controls_of_change(order, spec)
            .map_err(|denial| self.named(spec, denial))?;
        grown(order, spec).map_or(Ok(()), |more| self.answered(&more))
    }

    fn controls_of_change(&self, order: &Order, spec: &OrderSpec) -> Result<(), Denial> {
        let instrument = self.instrument(spec)?;
        self.well_formed(spec, instrument)?;
        let effect = change_effect(self.state, order, spec);
        if effect == Effect::Adds {
            let account = self.account(spec)?;
            self.may_leave(spec, account, effect)?;
            let more = OrderSpec {
                quantity: Quantity::from_raw(spec.quantity.saturating_sub(order.spec.quantity).raw().max(0)),
                ..spec.clone()
            };
            let limits = self.limits(spec);
            if more.quantity.is_positive() {
                self.short(&more, account)?;
                self.size(spec, instrument)?;
                self.of_a_day(spec, instrument, &limits)?;
            }
            self.above_the_bid(spec, instrument, order.leaves())?;
            let price = self.reference(spec, instrument, effect)?;
            self.value(spec, instrument, price)?;
            self.resulting_position(&more, instrument, price)?;
            self.contracts(&more, instrument, &limits)?;
            self.contracts_each(&more, instrument, &limits)?;
            // A child of a bracket closes what its entry may yet open: where it moves is no entry's price.
            let is_child = spec.parent.is_some() && !more.quantity.is_positive();
            if !is_child {
                let stands = self.stands(spec);
                self.cost(spec, instrument, price, &limits, &stands)?;
                self.restricted(instrument, &limits)?;
                self.as_an_entry(&more, instrument, price, &limits, &stands)?;
                self.self_cross(spec, instrument, &limits)?;
            }
        }
        if spec.kind == order.spec.kind {
            return Ok(());
        }
        self.collar(spec, instrument, effect)
    }

    /// What is asked of an entry's price and of the account as a whole.
    fn as_an_entry(
        &self,
        spec: &OrderSpec,
        instrument: &Instrument,
        price: Price,
        limits: &Limits,
        stands: &Stands<'_>,
    ) -> Result<(), Denial> {
        self.spread(spec, instrument, limits)?;
        self.band(spec, instrument, price, limits)?;
        self.account_as_a_whole(spec, instrument, price, limits, stands)?;
        self.buying_power(spec, instrument, price, limits, stands)
    }

    fn stands(&self, spec: &OrderSpec) -> Stands<'_> {
        Stands {
            check: self,
            account: spec.account,
            at: self.market.venue_time(spec.instrument).unwrap_or(self.now),
            known: OnceCell::new(),
        }
    }

    /// The limits in force for the order: its account's, its instrument's, its sender's.
    pub(super) fn limits(&self, spec: &OrderSpec) -> Cow<'_, Limits> {
        let instrument = self.state.instruments.get(&spec.instrument);
        self.state
            .limits_for(spec.account, instrument, self.sender.as_ref())
    }

    fn account(&self, spec: &OrderSpec) -> Result<&AccountState, Denial> {
        self.state.accounts.get(&spec.account).ok_or_else(|| {
            let known: Vec<String> = self.state.accounts.keys().map(ToString::to_string).collect();
            let known = if known.is_empty() {
                "none is known yet".into()
            } else {
                known.join(", ")
            };
            Denial::new(
                DenialCode::UnknownAccount,
                format!("no account {}; known: {known}", spec.account),
            )
        })
    }

    fn instrument(&self, spec: &OrderSpec) -> Result<&Instrument, Denial> {
        self.state.instruments.get(&spec.instrument).ok_or_else(|| {
            Denial::new(
                DenialCode::UnknownInstrument,
                format!("no instrument {}", spec.instrument),
            )
        })
    }
}

/// The answer to the same submission again: known if it is the same order, refused if another has its id.
pub fn repeated(state: &State, id: ClientOrderId, spec: &OrderSpec) -> Option<Result<ClientOrderId, Denial>> {
    let known = state.orders.get(&id).filter(|_| !planted(Bug::KnownIdIgnored))?;
    Some(if known.asked == *spec {
        Ok(id)
    } else {
        Err(Denial::new(
            DenialCode::IdReused,
            format!("{id} is already {}; make a new id", known.asked),
        ))
    })
}
