//! Two orders at the broker under one client order id, as a change that crosses a lost connection can leave them. The second
//! is flagged and counts from then on under the broker's own name for it. It is cancelled when a person says so, and only
//! it: never the older one, and not where the broker could take the cancel for the older one's.

use super::abilities::Abilities;
use super::command::{Denial, DenialCode};
use super::event::Fact;
use super::port::BrokerOrder;
use super::state::State;
use crate::domain::{
    AccountKey, BrokerOrderId, ClientOrderId, Money, Order, OrderSpec, Pending, Phase, Quantity,
};

/// What a person decides about second orders: the facts, and a line for the asker.
type Decided = Result<(Vec<Fact>, String), Denial>;

/// A second order was found. `reported` is what a read says of it, where it was a read that found it; where it was a word
/// on the way, its number is still to be read. Where all executions are told (`told`), they alone say what it has filled, as
/// of any order that is taken over: counted by its status too they would count twice.
pub(super) fn found(
    state: &State,
    first: &Order,
    broker_id: BrokerOrderId,
    phase: Phase,
    reported: Option<&BrokerOrder>,
    told: bool,
) -> Vec<Fact> {
    let mut facts = vec![Fact::DoubleFound {
        id: first.id,
        broker_id,
    }];
    let Ok(name) = ClientOrderId::new(broker_id.as_str()) else {
        return facts;
    };
    let spec = OrderSpec {
        parent: None,
        ..reported.map_or(&first.spec, |reported| &reported.spec).clone()
    };
    facts.push(Fact::Adopted {
        order: Box::new(Order {
            id: name,
            asked: first.asked.clone(),
            spec,
            phase,
            filled: reported
                .filter(|_| !told)
                .map_or(Quantity::ZERO, |reported| reported.filled),
            filled_value: Money::ZERO,
            broker_id: Some(broker_id),
            pending: None,
            pending_since: None,
            oco: None,
            reason: None,
            external: true,
            foreign: reported.map_or(first.foreign, |reported| reported.foreign),
            arrival: first.arrival,
            number: reported.and_then(|reported| reported.number),
            created_at: first.created_at,
            sent_at: None,
            acked_at: None,
            ended_at: None,
            missing: None,
            after: None,
        }),
    });
    let account = first.spec.account;
    if reported.is_none()
        && let Some(entry) = state
            .accounts
            .get(&account)
            .filter(|entry| entry.reading.is_none())
    {
        let pass = entry.passes.saturating_add(1);
        facts.push(Fact::ReconcileStarted { account, pass });
    }
    facts
}

/// A read tells the number of a second order that had none.
pub(super) fn numbered(state: &State, ours: &Order, reported: &BrokerOrder) -> Option<Fact> {
    let number = reported.number?;
    let news = ours.number != Some(number) || ours.foreign != reported.foreign;
    (state.doubles.contains_key(&ours.id) && news).then_some(Fact::OrderNumbered {
        id: ours.id,
        number,
        foreign: reported.foreign,
    })
}

/// Whether a cancel of this order reaches it and nothing else: a broker that counts cancels by the number, and two orders
/// may have one.
///
/// # Errors
/// It could take the older order off the market.
pub(super) fn may_cancel(state: &State, order: &Order) -> Result<(), Denial> {
    let Some(first) = state.doubles.get(&order.id).and_then(|id| state.orders.get(id)) else {
        return Ok(());
    };
    let counts = Abilities::of(order.spec.account.broker).by_number;
    let refuse = |why: &str| {
        let text = format!("{} ({}): {why}", order.spec, order.id);
        Err(Denial::new(DenialCode::NotOurs, text))
    };
    match order.number {
        None if counts => refuse("under which number the broker has it is being read; try again in a moment"),
        Some(_) if order.number == first.number => refuse(
            "the broker has it under the number of the older order, which a cancel would take too; cancel it at the broker itself",
        ),
        _ => Ok(()),
    }
}

/// A person has seen that there are two: the newer ones are cancelled.
pub(super) fn drop_newer(state: &State, account: AccountKey) -> Decided {
    let mut facts = Vec::new();
    let mut said = Vec::new();
    let mut refused = None;
    let live = state.all_live().filter(|order| order.spec.account == account);
    for order in live.filter(|order| order.pending != Some(Pending::Cancel)) {
        let Some(first) = state.doubles.get(&order.id) else {
            continue;
        };
        match droppable(state, order, *first) {
            Ok(()) => {
                facts.push(Fact::CancelRequested { id: order.id });
                said.push(format!(
                    "cancel asked: {} ({}); {first} stays",
                    order.spec, order.id
                ));
            }
            Err(denial) => {
                said.push(denial.text.to_string());
                refused = Some(denial);
            }
        }
    }
    match refused {
        Some(denial) if facts.is_empty() => Err(denial),
        None if facts.is_empty() => Err(Denial::new(
            DenialCode::NothingToAccept,
            format!("{account} has no second order under one reference that is live"),
        )),
        _ => Ok((facts, said.join("; "))),
    }
}

fn droppable(state: &State, order: &Order, first: ClientOrderId) -> Result<(), Denial> {
    let not_ours = |text: String| Err(Denial::new(DenialCode::NotOurs, text));
    if order.foreign {
        return not_ours(format!(
            "{} ({}) was made by another session of the broker: cancel it where it was made",
            order.spec, order.id
        ));
    }
    // A broker's names ascend where they are numbers.
    let age = |order: &Order| order.broker_id.and_then(|id| id.as_str().parse::<u64>().ok());
    let older = state.orders.get(&first).and_then(age);
    if age(order)
        .zip(older)
        .is_some_and(|(second, first)| second <= first)
    {
        return not_ours(format!(
            "{} ({}) was found second and looks older than {first}: which of them is wanted only you can tell; cancel one by hand",
            order.spec, order.id
        ));
    }
    may_cancel(state, order)
}
