//! Flatten as a machine of steps: cancel entries and targets, ask the broker what is held, send the exit, take the stop
//! off, ask again. The step stands in the state, so a new process goes on where the one before ended. Every rule here
//! looks at the state as it is; nothing is concluded from a report alone, because a fill may lag behind the end of its
//! order: what is held is what a complete read says that began after the last order had ended.
//!
//! The exit never crosses zero. It is no larger than what the broker says is held, less what orders made elsewhere could
//! still close; and it never works beside a stop of ours that could execute the same shares. How the stop gives way is up
//! to what the broker can do: it ends in the step that begins the exit (the exchange in the box), or a fill of one takes
//! from the other (a broker that holds groups), or it is cancelled first, at the last moment, and its end is proven.
//!
//! Leaves to others: the right to ask (`decide`), the last gate (`release`), the words of notices (`fold`).

use super::abilities::Abilities;
use super::decide::{cancel, exit};
use super::event::Fact;
use super::planted::{Bug, planted};
use super::state::{FlattenStep, Flattening, State};
use super::timing::{CLEAR_WITHIN, EXIT_WITHIN, FLAT_WITHIN, PROVE_WITHIN, SETTLES_WITHIN};
use super::working::{Lane, Row, could_execute};
use crate::domain::{
    AccountKey, ClientOrderId, Currency, InstrumentId, Order, Pending, Phase, Quantity, Role, SafeText,
    Timestamp,
};

/// Exits after the first: what a market had no room for, and what lagged behind, is closed by another.
const MORE_EXITS: std::ops::RangeInclusive<u8> = 1..=3;

/// True for a stop that guards the position while it is being flattened: it goes last.
pub(super) fn guards(state: &State, order: &Order) -> bool {
    let (account, instrument) = (order.spec.account, order.spec.instrument);
    let held = state.position(account, instrument).side();
    let entry = order.spec.parent.and_then(|id| state.orders.get(&id));
    let entry_lives = entry.is_some_and(|entry| entry.phase.is_live());
    // What the entry may still open while its cancel is under way is guarded by its stop, too.
    let of_live_entry = order.spec.role == Role::StopLoss && entry_lives;
    let closes =
        held == Some(order.spec.side.opposite()) && !matches!(order.phase, Phase::Created | Phase::Parked);
    order.spec.kind.is_stop() && !order.foreign && (of_live_entry || closes)
}

fn ours(state: &State, account: AccountKey, instrument: InstrumentId) -> impl Iterator<Item = &Order> {
    state
        .live_orders(account, instrument)
        .filter(|order| !order.foreign)
}

/// Orders that go before anything else does.
fn going(state: &State, account: AccountKey, instrument: InstrumentId) -> impl Iterator<Item = &Order> {
    ours(state, account, instrument).filter(|order| !guards(state, order))
}

fn cancels<'a>(orders: impl Iterator<Item = &'a Order>) -> Vec<Fact> {
    let asked = |order: &&Order| order.pending != Some(Pending::Cancel);
    orders
        .filter(asked)
        .map(|order| cancel(order, "the position is being closed"))
        .collect()
}

fn under_way(state: &State, account: AccountKey, instrument: InstrumentId) -> Option<Flattening> {
    state.flattening.get(&(account, instrument)).copied()
}

/// What a new step asks for, the first one included.
pub(super) fn entered(state: &State, account: AccountKey, instrument: InstrumentId) -> Vec<Fact> {
    let Some(flattening) = under_way(state, account, instrument) else {
        return Vec::new();
    };
    let mut facts = match flattening.step {
        FlattenStep::Clearing => cancels(going(state, account, instrument)),
        FlattenStep::Uncovering | FlattenStep::Releasing => cancels(ours(state, account, instrument)),
        FlattenStep::Reading | FlattenStep::Proving => read(state, account).into_iter().collect(),
        FlattenStep::Exiting => Vec::new(),
    };
    if facts.is_empty() {
        facts.extend(advance(state, account, instrument));
    }
    facts
}

/// A read of the account, where none is under way.
fn read(state: &State, account: AccountKey) -> Option<Fact> {
    let entry = state.accounts.get(&account)?;
    let pass = entry.passes.saturating_add(1);
    entry
        .reading
        .is_none()
        .then_some(Fact::ReconcileStarted { account, pass })
}

/// Goes on where the orders of a step have ended. Asked after every fact of an order on the instrument.
pub(super) fn advance(state: &State, account: AccountKey, instrument: InstrumentId) -> Option<Fact> {
    let flattening = under_way(state, account, instrument)?;
    let done = match flattening.step {
        FlattenStep::Clearing => going(state, account, instrument).next().is_none(),
        FlattenStep::Uncovering | FlattenStep::Releasing => ours(state, account, instrument).next().is_none(),
        FlattenStep::Exiting => {
            let exit = flattening.sent.and_then(|id| state.orders.get(&id));
            exit.is_none_or(|exit| !exit.phase.is_live())
        }
        // Only the broker's word ends these.
        FlattenStep::Reading | FlattenStep::Proving => false,
    };
    let left = || ours(state, account, instrument).next().is_some();
    let flat = || state.position(account, instrument).side().is_none();
    let next = match flattening.step {
        FlattenStep::Clearing | FlattenStep::Uncovering => FlattenStep::Reading,
        FlattenStep::Exiting if flat() && left() => FlattenStep::Releasing,
        _ => FlattenStep::Proving,
    };
    done.then(|| step(account, instrument, next))
}

fn step(account: AccountKey, instrument: InstrumentId, step: FlattenStep) -> Fact {
    Fact::FlattenStepped {
        account,
        instrument,
        step,
        exit: None,
    }
}

/// A pass of the account ended: flattens that waited for the broker's word go on by it.
pub(super) fn after_read(state: &State, account: AccountKey, pass: u64, complete: bool) -> Vec<Fact> {
    let waiting = state.flattening.iter().filter(|((owner, _), flattening)| {
        *owner == account && matches!(flattening.step, FlattenStep::Reading | FlattenStep::Proving)
    });
    let (mut facts, mut too_old) = (Vec::new(), false);
    for ((_, instrument), flattening) in waiting {
        if pass < flattening.asked {
            too_old = true;
        } else if complete {
            facts.extend(by_the_brokers_word(state, account, *instrument, *flattening));
        }
    }
    if too_old {
        facts.extend(read(state, account));
    }
    facts
}

/// What is held is known now: done, another exit, or what stands in the way.
fn by_the_brokers_word(
    state: &State,
    account: AccountKey,
    instrument: InstrumentId,
    flattening: Flattening,
) -> Vec<Fact> {
    let differs = state
        .accounts
        .get(&account)
        .is_some_and(|entry| entry.mismatches.contains_key(&instrument));
    if differs {
        // A fill on its way explains it, or the deadline ends this. The next read comes by itself.
        return Vec::new();
    }
    let position = state.position(account, instrument);
    let Some(side) = position.side() else {
        if ours(state, account, instrument).next().is_some() {
            return vec![step(account, instrument, FlattenStep::Releasing)];
        }
        return vec![end(state, account, instrument, flattening)];
    };
    if going(state, account, instrument).next().is_some() {
        return vec![step(account, instrument, FlattenStep::Clearing)];
    }
    let lane = state.working.lane(account, instrument);
    let rows = lane.into_iter().flat_map(Lane::rows).map(|(_, row)| row);
    let elsewhere = could_execute(rows.filter(|row| row.foreign && row.side != side));
    let more = if planted(Bug::ExitTooLarge) {
        position.quantity.abs()
    } else {
        Quantity::ZERO
    };
    let quantity = position
        .quantity
        .abs()
        .saturating_sub(elsewhere)
        .saturating_add(more);
    if !quantity.is_positive() {
        let text = format!(
            "{} would close it: {}",
            foreign(state, account, instrument),
            REMEDY
        );
        return vec![failed(account, instrument, &text)];
    }
    let id = match next_exit(state, flattening) {
        Ok(id) => id,
        Err(why) => {
            let text = format!("{why}, {} are still held", position.quantity);
            return vec![failed(
                account,
                instrument,
                &guarded(state, account, instrument, &text),
            )];
        }
    };
    let stops: Vec<&Order> = ours(state, account, instrument).collect();
    let settled =
        |order: &&&Order| matches!(order.phase, Phase::Held | Phase::Working) && order.pending.is_none();
    if stops.iter().filter(settled).count() < stops.len() {
        // A change on its way is answered within a moment, and the broker is read again; else the stop goes first.
        let waited = state.at.since(flattening.step_since) >= SETTLES_WITHIN;
        let uncover = step(account, instrument, FlattenStep::Uncovering);
        return waited.then_some(uncover).into_iter().collect();
    }
    let Some(oco) = beside(state, account, &stops, quantity) else {
        return vec![step(account, instrument, FlattenStep::Uncovering)];
    };
    vec![
        Fact::FlattenStepped {
            account,
            instrument,
            step: FlattenStep::Exiting,
            exit: Some(id),
        },
        Fact::Submitted {
            id,
            spec: exit(account, instrument, side.opposite(), quantity),
            oco,
            quote: None,
        },
    ]
}

/// How the exit can leave while the stops are still there: the group that it joins, if any; nothing where both it and a
/// stop could execute.
fn beside(
    state: &State,
    account: AccountKey,
    stops: &[&Order],
    quantity: Quantity,
) -> Option<Option<ClientOrderId>> {
    if stops.is_empty() {
        return Some(None);
    }
    let abilities = Abilities::of(account.broker);
    if abilities.replaces {
        return Some(None);
    }
    // All of them in one group, which has as much left to close as the exit: the broker takes from one what the other fills.
    let group = stops.first().and_then(|stop| stop.oco)?;
    let set_aside = state.groups.get(&group)?.set_aside;
    let parent = state
        .groups
        .get(&group)
        .and_then(|group| state.orders.get(&group.parent?))?;
    let members = state
        .groups
        .get(&group)
        .into_iter()
        .flat_map(|group| &group.members);
    let closed = members
        .filter_map(|id| state.orders.get(id))
        .fold(Quantity::ZERO, |sum, order| sum.saturating_add(order.filled));
    let left = parent.filled.saturating_sub(closed).saturating_sub(set_aside);
    let fits = abilities.holds_brackets
        && stops.iter().all(|stop| stop.oco == Some(group))
        && quantity == left
        && !parent.phase.is_live();
    fits.then_some(Some(group))
}

/// The id of the next exit. One that was never heard of again, or whose end is not known, is never followed by another.
fn next_exit(state: &State, flattening: Flattening) -> Result<ClientOrderId, String> {
    let Some(last) = flattening.sent.and_then(|id| state.orders.get(&id)) else {
        return Ok(flattening.exit);
    };
    let reason = last
        .reason
        .as_ref()
        .map_or(String::new(), |why| format!(" ({why})"));
    let ended = format!("the exit is {}{reason}", last.phase.word());
    if last.phase.is_live() || matches!(last.phase, Phase::Absent | Phase::Lost) {
        return Err(ended);
    }
    let free = |id: &ClientOrderId| !state.orders.contains_key(id);
    MORE_EXITS
        .filter_map(|n| flattening.exit.child(n))
        .find(free)
        .ok_or(ended)
}

/// What the exit ends as it begins: every stop that is still there, with what it has left.
pub(super) fn instead(state: &State, exit: &Order) -> Vec<(ClientOrderId, Quantity)> {
    if !is_exit(state, exit.id) || !Abilities::of(exit.spec.account.broker).replaces {
        return Vec::new();
    }
    ours(state, exit.spec.account, exit.spec.instrument)
        .filter(|order| order.id != exit.id)
        .map(|order| (order.id, order.leaves()))
        .collect()
}

/// True for an exit that only takes off what is held: what it ends as it begins executes nothing beside it, and of a group
/// that it joined only the largest member can. Whatever keeps new risk back lets such an exit pass.
pub(super) fn exit_closes(state: &State, exit: &Order) -> bool {
    if !is_exit(state, exit.id) || planted(Bug::HaltHoldsExit) {
        return false;
    }
    let (account, instrument) = (exit.spec.account, exit.spec.instrument);
    let ends = instead(state, exit);
    let beside = state.live_orders(account, instrument).filter(|order| {
        let goes = ends.iter().any(|(id, _)| *id == order.id);
        order.spec.side == exit.spec.side && !goes && !state.waits(order)
    });
    let held = state.position(account, instrument);
    held.side() == Some(exit.spec.side.opposite())
        && could_execute(beside.map(Row::of)) <= held.quantity.abs()
}

/// True for the exit that a flatten has sent last.
pub(super) fn is_exit(state: &State, id: ClientOrderId) -> bool {
    state
        .flattening
        .values()
        .any(|flattening| flattening.sent == Some(id))
}

const REMEDY: &str = "NOT_OURS, cancel it where it was made, then flatten again";

/// Orders of other sessions of the broker, counted, the first of them named.
fn foreign(state: &State, account: AccountKey, instrument: InstrumentId) -> String {
    let mut orders = state
        .live_orders(account, instrument)
        .filter(|order| order.foreign);
    let first = orders
        .next()
        .map_or(String::new(), |order| order.spec.to_string());
    match orders.count() {
        0 => format!("{first} made elsewhere"),
        more => format!("{first} and {more} more made elsewhere"),
    }
}

/// Flat by the broker's word, and nothing of ours left.
fn end(state: &State, account: AccountKey, instrument: InstrumentId, flattening: Flattening) -> Fact {
    if state.live_orders(account, instrument).next().is_some() {
        let text = format!(
            "nothing is held, but {} can still fill: {REMEDY}",
            foreign(state, account, instrument)
        );
        return failed(account, instrument, &text);
    }
    let listed = state.instruments.get(&instrument);
    Fact::FlatConfirmed {
        account,
        instrument,
        fills: flattening.fills,
        realized: state
            .realized_in(account, instrument)
            .saturating_sub(flattening.realized_before),
        currency: listed.map_or(Currency::USD, |instrument| instrument.currency),
    }
}

fn failed(account: AccountKey, instrument: InstrumentId, why: &str) -> Fact {
    Fact::FlattenEnded {
        account,
        instrument,
        failure: Some(SafeText::new(why)),
    }
}

/// Says with a failure whether something still protects what is held.
fn guarded(state: &State, account: AccountKey, instrument: InstrumentId, text: &str) -> String {
    let held = state.position(account, instrument).quantity.abs();
    if held.is_zero() {
        return text.to_owned();
    }
    match state.protected(account, instrument) {
        covered if covered >= held => format!("{text}; the stop is still there"),
        covered if covered.is_positive() => format!("{text}; a stop covers {covered} of them"),
        _ => format!("{text}; NOTHING PROTECTS IT"),
    }
}

/// When the step that a flatten is at has to be over.
pub(super) fn deadline(flattening: &Flattening) -> Timestamp {
    let within = match flattening.step {
        FlattenStep::Clearing | FlattenStep::Uncovering | FlattenStep::Releasing => CLEAR_WITHIN,
        FlattenStep::Exiting => EXIT_WITHIN,
        FlattenStep::Reading | FlattenStep::Proving => PROVE_WITHIN,
    };
    let began = flattening.step_since.max(flattening.since);
    began.after(within).min(flattening.since.after(FLAT_WITHIN))
}

/// The step took too long: what is known, and what to do.
pub(super) fn overdue(state: &State, account: AccountKey, instrument: InstrumentId) -> Option<Fact> {
    let flattening = under_way(state, account, instrument)?;
    let held = state.position(account, instrument).quantity;
    let working = state.live_orders(account, instrument).count();
    let mismatch = state
        .accounts
        .get(&account)
        .and_then(|entry| entry.mismatches.get(&instrument));
    let why = match (flattening.step, mismatch) {
        (FlattenStep::Reading | FlattenStep::Proving, Some(mismatch)) => format!(
            "we have {}, the broker has {}: look there, then :accept {instrument}",
            mismatch.ours, mismatch.theirs
        ),
        (FlattenStep::Reading | FlattenStep::Proving, None) => {
            format!("the broker did not say what is held; we have {held}: c closes what we know of")
        }
        (FlattenStep::Exiting, _) => {
            let exit = flattening.sent.and_then(|id| state.orders.get(&id));
            let phase = exit.map_or("unknown", |exit| exit.phase.word());
            format!("the exit is {phase} and not done, {held} held: wait, or cancel it and flatten again")
        }
        _ => format!(
            "{working} orders have not ended, {held} held: cancel them at the broker, phone it if need be"
        ),
    };
    let link = state.link(account.broker);
    let why = match link {
        crate::domain::LinkState::Ready => why,
        _ => format!("the link to {} is {}; {why}", account.broker, link.word()),
    };
    Some(failed(
        account,
        instrument,
        &guarded(state, account, instrument, &why),
    ))
}

/// One result for an account, once the last of its instruments has ended.
pub(super) fn account_result(state: &State, account: AccountKey) -> Option<Fact> {
    let all = state
        .flattening_accounts
        .get(&account)
        .filter(|all| all.waiting.is_empty())?;
    Some(Fact::AccountFlattenEnded {
        account,
        flat: all.flat,
        failed: all.failed.clone(),
        fills: all.fills,
        realized: all.realized.clone(),
    })
}
