//! Commands about alerts: what may be made, removed and paused. They touch no order, so any session that is no mere onlooker
//! may give them.

use super::{AlertId, AlertSpec, MOST, SHORTEST_REPEAT, TESTS, Test, Value};
use crate::domain::Timestamp;
use crate::engine::command::{Denial, DenialCode};
use crate::engine::event::Fact;
use crate::engine::sentence;
use crate::engine::state::State;
use crate::market::studies::StudySpec;

/// How deep conditions may lie.
const DEEPEST: usize = 20;

/// The facts of a new alert.
pub(in crate::engine) fn make(
    state: &State,
    spec: &AlertSpec,
    now: Timestamp,
) -> Result<(AlertId, Vec<Fact>), Denial> {
    let refuse = |text: String| Err(Denial::new(DenialCode::BadAlert, text));
    let active = state
        .alerts
        .all
        .values()
        .filter(|alert| alert.ended.is_none())
        .count();
    if active >= MOST {
        return refuse(format!(
            "there are {MOST} alerts already: remove some, such as alert remove 1"
        ));
    }
    let (tests, deep) = spec.condition.size();
    if tests == 0 || tests > TESTS || deep > DEEPEST {
        return refuse(format!("an alert has 1 to {TESTS} tests, not {tests}"));
    }
    if let Some(seconds) = spec.repeat_s.filter(|seconds| *seconds < SHORTEST_REPEAT) {
        return refuse(format!(
            "it repeats after {SHORTEST_REPEAT} s at the soonest, not {seconds}"
        ));
    }
    if spec.expires.is_some_and(|at| at <= now) {
        return refuse("its time is over already".to_owned());
    }
    if let Some(order) = &spec.stage
        && let Err(error) = sentence::parse(order.as_str())
    {
        return refuse(format!("the staged order can't be read: {error}"));
    }
    let mut fault = None;
    spec.condition
        .each(&mut |test| fault = fault.take().or_else(|| fault_of(state, test)));
    if let Some(fault) = fault {
        return Err(fault);
    }
    let id = AlertId(state.alerts.made.saturating_add(1));
    let set = Fact::AlertSet {
        id,
        spec: Box::new(spec.clone()),
    };
    Ok((id, vec![set]))
}

/// What a test names that is not there.
fn fault_of(state: &State, test: &Test) -> Option<Denial> {
    if let Some(instrument) = test.instrument()
        && !state.instruments.contains_key(&instrument)
    {
        return Some(Denial::new(
            DenialCode::UnknownInstrument,
            format!("no instrument {instrument}"),
        ));
    }
    if let Test::Market { left, right, .. } = test {
        for value in [left, right] {
            if let Value::Study { study, timeframe } = value
                && (study.as_str().parse::<StudySpec>().is_err() || timeframe.base().is_none())
            {
                return Some(Denial::new(
                    DenialCode::BadAlert,
                    format!("there is no study {study} on {timeframe}"),
                ));
            }
        }
    }
    None
}

/// The facts that remove an alert, or all of them.
pub(in crate::engine) fn remove(state: &State, id: Option<AlertId>) -> Result<Vec<Fact>, Denial> {
    match id {
        Some(id) => {
            known(state, id)?;
            Ok(vec![Fact::AlertRemoved { id }])
        }
        None => Ok(state
            .alerts
            .all
            .keys()
            .map(|id| Fact::AlertRemoved { id: *id })
            .collect()),
    }
}

/// The fact that stops or goes on evaluating an alert.
pub(in crate::engine) fn pause(state: &State, id: AlertId, paused: bool) -> Result<Vec<Fact>, Denial> {
    known(state, id)?;
    Ok(vec![Fact::AlertPaused { id, paused }])
}

fn known(state: &State, id: AlertId) -> Result<(), Denial> {
    if state.alerts.all.contains_key(&id) {
        return Ok(());
    }
    Err(Denial::new(
        DenialCode::UnknownAlert,
        format!("there is no alert {id}; alert list shows them"),
    ))
}
