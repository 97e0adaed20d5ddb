//! What follows from a fact, decided on the folded state: sessions get the token, links get read, children get released,
//! siblings shrink, flattens move on. Each rule here looks at the state as it is and asks for what is missing, so that a
//! rule that runs twice asks once.

use super::brackets;
use super::chain;
use super::command::{DenialCode, SessionKind};
use super::difference;
use super::event::{Event, Fact};
use super::flatten;
use super::halt;
use super::lease;
use super::planted;
use super::programs;
use super::risk::{self, LossStage};
use super::state::{Mismatch, State};
use crate::domain::{
    AccountClass, AccountKey, Breach, BrokerId, ClientOrderId, InstrumentId, LinkState, Order, Pending,
    Phase, SafeText, SessionId, Timestamp, TradingState,
};

/// Facts that follow from `event`, which is already folded into `state`.
pub(super) fn follow(state: &State, event: &Event, now: Timestamp) -> Vec<Fact> {
    match &event.fact {
        Fact::EngineStarted { .. } => doubt_unanswered(state),
        Fact::SessionOpened { .. } => hand_token(state, true),
        Fact::SessionClosed { .. } => hand_token(state, false),
        Fact::TokenMoved { to: Some(session) } => arm_practice(state, *session),
        Fact::AccountReported { account } => {
            let mut facts = halt::on_account(state, account.key);
            facts.extend(
                state
                    .token
                    .map(|session| arm_practice(state, session))
                    .unwrap_or_default(),
            );
            facts
        }
        Fact::GapFound { account, .. } => disarm(state, *account),
        Fact::LinkChanged {
            broker,
            state: LinkState::Syncing,
            ..
        } => resume(state, *broker),
        Fact::LinkChanged {
            broker,
            state: LinkState::Ready | LinkState::Degraded,
            ..
        } => settle_groups(state, *broker),
        Fact::ReconcileEnded {
            account,
            pass,
            failure,
            ..
        } => {
            let mut facts = judge_link(state, account.broker, now);
            facts.extend(flatten::after_read(state, *account, *pass, failure.is_none()));
            facts
        }
        Fact::TradingChanged {
            account,
            state: TradingState::Halted,
            ..
        } => halt::follows(state, *account, event.sequence)
            .into_iter()
            .collect(),
        Fact::Denied { denial, .. } if denial.code == DenialCode::Rate => {
            risk::scope::after_refusal(state, event.actor)
                .into_iter()
                .collect()
        }
        Fact::DifferenceIgnored { ignored } => judge_link(state, ignored.account.broker, now),
        Fact::BracketResized { group, .. } => brackets::settle(state, *group),
        Fact::HaltBegan { orders, .. } => halt::cancels(state, orders),
        Fact::LeaseEnded {
            holder,
            ran_out: true,
        } => lease::ran_out(state, holder),
        Fact::LossStaged {
            account,
            stage: LossStage::Reached,
            does,
            ..
        } if *does >= Breach::CancelEntries => {
            risk::breach::after_loss(state, event.sequence, *account, *does)
        }
        Fact::LimitBreached {
            account,
            name,
            of,
            does,
            ..
        } => risk::breach::follows(state, event.sequence, (*account, *name, *of), *does),
        Fact::FlattenStarted {
            account, instrument, ..
        }
        | Fact::FlattenStepped {
            account, instrument, ..
        } => flatten::entered(state, *account, *instrument),
        Fact::FlatConfirmed { account, .. } | Fact::FlattenEnded { account, .. } => {
            flatten::account_result(state, *account).into_iter().collect()
        }
        Fact::Executed { execution } | Fact::Corrected { execution } if execution.order.is_none() => {
            // Somebody else's trade moved the position: what protects it follows.
            let mut facts = brackets::settle_instrument(state, execution.account, execution.instrument, None);
            facts.extend(risk::after_execution(state, execution, now));
            facts
        }
        Fact::Executed { execution } => {
            let mut facts = fact_of_order(state, &event.fact);
            facts.extend(risk::after_execution(state, execution, now));
            facts
        }
        fact => fact_of_order(state, fact),
    }
}

/// What follows from a fact about one order.
fn fact_of_order(state: &State, fact: &Fact) -> Vec<Fact> {
    fact.order()
        .map(|id| follow_order(state, fact, id))
        .unwrap_or_default()
}

/// Orders that the process before had sent and not heard of: there or not, only the broker can tell.
fn doubt_unanswered(state: &State) -> Vec<Fact> {
    let reason = SafeText::new("the engine ended before an answer");
    let unanswered = state.all_live().filter(|order| order.phase == Phase::InFlight);
    unanswered
        .map(|order| Fact::Doubted {
            id: order.id,
            reason: reason.clone(),
        })
        .collect()
}

/// The first terminal gets the token. When its holder leaves, another terminal gets it only where no live account could
/// be traded with it.
fn hand_token(state: &State, opened: bool) -> Vec<Fact> {
    if state.token.is_some() {
        return Vec::new();
    }
    let mut terminals = state
        .sessions
        .iter()
        .filter(|(_, kind)| **kind == SessionKind::Terminal)
        .map(|(id, _)| *id);
    let practice = state
        .accounts
        .values()
        .all(|account| account.account.class == AccountClass::Sim);
    match (terminals.next(), terminals.next()) {
        (Some(only), None) if opened || practice => vec![Fact::TokenMoved { to: Some(only) }],
        (Some(first), Some(_)) if practice => vec![Fact::TokenMoved { to: Some(first) }],
        _ => Vec::new(),
    }
}

/// On the simulated broker the desk starts armed.
fn arm_practice(state: &State, session: SessionId) -> Vec<Fact> {
    let practice = state
        .accounts
        .values()
        .filter(|account| account.account.class == AccountClass::Sim);
    practice
        .map(|account| account.account.key)
        .filter(|account| !state.armed.contains(&(session, *account)))
        .map(|account| Fact::Armed { session, account })
        .collect()
}

/// What is held may not be what we think: nobody adds to it before a person has looked.
fn disarm(state: &State, account: AccountKey) -> Vec<Fact> {
    let reason = SafeText::new("executions of some time are not known");
    let armed = state.armed.iter().filter(|(_, of)| *of == account);
    armed
        .map(|(session, _)| Fact::Disarmed {
            session: *session,
            account,
            reason: reason.clone(),
        })
        .chain(programs::disarmed(state, account, &reason))
        .collect()
}

/// The link is back: cancels that could not leave go first, then everything is read.
fn resume(state: &State, broker: BrokerId) -> Vec<Fact> {
    let asked =
        |order: &&Order| order.pending == Some(Pending::Cancel) && order.spec.account.broker == broker;
    let mut facts: Vec<Fact> = state
        .all_live()
        .filter(asked)
        .map(|order| Fact::CancelRequested { id: order.id })
        .collect();
    for (key, account) in state.accounts.iter().filter(|(key, _)| key.broker == broker) {
        facts.push(Fact::ReconcileStarted {
            account: *key,
            pass: account.passes.saturating_add(1),
        });
    }
    if planted::wavers() {
        facts.reverse();
    }
    facts
}

/// Ready once every account was read since the link came up and no difference is confirmed; degraded while one is.
fn judge_link(state: &State, broker: BrokerId, now: Timestamp) -> Vec<Fact> {
    let Some(link) = state.links.get(&broker) else {
        return Vec::new();
    };
    if !matches!(
        link.state,
        LinkState::Syncing | LinkState::Ready | LinkState::Degraded
    ) {
        return Vec::new();
    }
    let mut accounts = state
        .accounts
        .iter()
        .filter(|(key, _)| key.broker == broker)
        .map(|(_, account)| account);
    let differs = accounts.clone().find_map(|account| {
        let left = |instrument: InstrumentId, mismatch: &Mismatch| {
            difference::is_left(state, account.account.key, instrument, mismatch, now)
        };
        let found = account
            .mismatches
            .iter()
            .find(|(id, mismatch)| mismatch.is_confirmed(now) && !left(**id, mismatch))?;
        Some(format!(
            "{}: we have {}, the broker has {}",
            found.0, found.1.ours, found.1.theirs
        ))
    });
    let since_up = |at: Timestamp| link.state != LinkState::Syncing || at >= link.since;
    let (to, reason) = match differs {
        _ if link.impaired.is_some() => (LinkState::Degraded, link.impaired.clone()),
        Some(text) => (LinkState::Degraded, Some(SafeText::new(&text))),
        None if accounts.all(|account| account.read_at.is_some_and(since_up)) => (LinkState::Ready, None),
        None => return Vec::new(),
    };
    if to == link.state {
        Vec::new()
    } else {
        vec![Fact::LinkChanged {
            broker,
            state: to,
            reason,
        }]
    }
}

/// Children that waited for the link are released, and sizes that could not be changed without it are.
fn settle_groups(state: &State, broker: BrokerId) -> Vec<Fact> {
    let live = state.all_live().filter(|o| o.spec.account.broker == broker);
    let groups: std::collections::BTreeSet<ClientOrderId> = live.filter_map(|order| order.oco).collect();
    groups
        .into_iter()
        .flat_map(|group| brackets::settle(state, group))
        .collect()
}

fn follow_order(state: &State, fact: &Fact, id: ClientOrderId) -> Vec<Fact> {
    let Some(order) = state.orders.get(&id) else {
        return Vec::new();
    };
    let (account, instrument) = (order.spec.account, order.spec.instrument);
    let mut facts = match fact {
        Fact::Executed { .. } | Fact::Corrected { .. } => {
            let mut facts = brackets::settle_instrument(state, account, instrument, Some(id));
            facts.extend(brackets::unprotected_entry(state, order));
            facts
        }
        Fact::Rejected { .. } | Fact::NotSent { .. } | Fact::Absent { .. } | Fact::Lost { .. } => {
            let mut facts = brackets::settle_order(state, id);
            facts.extend(brackets::lost_protection(state, order));
            facts.extend(brackets::close_unprotected(state, order));
            facts.extend(brackets::incomplete_family(state, order));
            facts
        }
        Fact::ModifyRefused { .. } => brackets::after_refusal(state, order),
        Fact::CancelRequested { .. }
        | Fact::CancelRefused { .. }
        | Fact::ModifyRequested { .. }
        | Fact::StopPlanned { .. }
        | Fact::StopAdvanced { .. }
        | Fact::Missed { .. } => Vec::new(),
        _ => brackets::settle_order(state, id),
    };
    facts.extend(chain::ended(state, order));
    facts.extend(flatten::advance(state, account, instrument));
    facts.extend(halt::confirmed(state, account));
    facts
}
