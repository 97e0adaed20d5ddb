//! Questions that only the broker can answer, each beside the loop.

use super::{Inner, Session, lock};
use crate::broker::ibkr::contracts::{Contracts, meanings};
use crate::broker::ibkr::{Env, history, read, translate};
use crate::broker::{Answer, Question};
use crate::domain::{ClientOrderId, OrderSpec, SafeText};
use crate::engine::port::Margin;
use ibapi::Client;
use ibapi::prelude::StreamExt;
use ibapi::subscriptions::SubscriptionItem;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;

impl Session {
    pub(super) fn question(&self, question: Question, answer: oneshot::Sender<Answer>) {
        let (env, client) = (self.env.clone(), Arc::clone(&self.client));
        let (contracts, allowed) = (Arc::clone(&self.contracts), Arc::clone(&self.history));
        let inner = self.inner.clone();
        tokio::spawn(async move {
            let found = match question {
                Question::Find(text) => {
                    let found = find(&env, &client, &contracts, text.as_str()).await;
                    let _ = inner.send(Inner::Learned);
                    found
                }
                Question::Bars {
                    instrument,
                    timeframe,
                    count,
                } => {
                    let asked = (instrument, timeframe, count);
                    match history::bars(&env, &client, &contracts, &allowed, asked).await {
                        Ok(bars) => Answer::Bars(bars),
                        Err(why) => Answer::Failed(SafeText::new(&why)),
                    }
                }
                Question::Margin { spec, number } => margin(&env, &client, &contracts, &spec, number).await,
            };
            let _ = answer.send(found);
        });
    }
}

/// What a person typed: the first meaning that the broker knows is listed, the nearest date of a future; where it knows
/// none, what it finds similar.
pub(super) async fn find(
    env: &Env,
    client: &Client,
    contracts: &Arc<Mutex<Contracts>>,
    text: &str,
) -> Answer {
    for meaning in meanings(text) {
        let mut found = match read::details(env, client, &meaning).await {
            Ok(found) => found,
            Err(why) => return Answer::Failed(SafeText::new(&why)),
        };
        found.sort_by(|a, b| {
            let date =
                |d: &ibapi::contracts::ContractDetails| d.contract.last_trade_date_or_contract_month.clone();
            date(a).cmp(&date(b))
        });
        if let Some(details) = found.first() {
            return match read::learn(env, client, contracts, details).await {
                Ok(instrument) => {
                    let line = format!("{}  {}", instrument.id, instrument.name);
                    Answer::Found(vec![(Some(instrument.id), SafeText::new(&line))])
                }
                Err(why) => Answer::Failed(SafeText::new(&why)),
            };
        }
    }
    env.pass().await;
    match client.matching_symbols(text).await {
        Ok(found) if !found.is_empty() => Answer::Found(
            found
                .iter()
                .map(|one| {
                    let contract = &one.contract;
                    let line = format!(
                        "{} {} {} {}  {}",
                        contract.symbol.0,
                        contract.security_type,
                        contract.primary_exchange.0,
                        contract.currency.0,
                        contract.description
                    );
                    (None, SafeText::new(&line))
                })
                .collect(),
        ),
        Ok(_) => Answer::Failed(SafeText::new(&format!("the broker knows no '{text}'"))),
        Err(error) => Answer::Failed(SafeText::new(&error.to_string())),
    }
}

/// Asks what an order would bind. It is sent as a question: nothing of it can execute.
pub(super) async fn margin(
    env: &Env,
    client: &Client,
    contracts: &Arc<Mutex<Contracts>>,
    spec: &OrderSpec,
    number: i32,
) -> Answer {
    let failed = |why: &str| Answer::Failed(SafeText::new(why));
    let Some(contract) = lock(contracts).contract(spec.instrument) else {
        return failed("the broker's contract of it is not known");
    };
    let Ok(id) = ClientOrderId::new(&format!("WHATIF{number}")) else {
        return failed("no number is left");
    };
    let mut order = translate::order(id, spec, number, None);
    order.what_if = true;
    order.order_ref = String::new();
    env.pass().await;
    let mut answers = match client.place_order(number, &contract, &order).await {
        Ok(answers) => answers,
        Err(error) => return failed(&error.to_string()),
    };
    let first = async {
        while let Some(item) = answers.next().await {
            match item {
                Ok(SubscriptionItem::Data(ibapi::orders::PlaceOrder::OpenOrder(data))) => {
                    return Ok(data.order_state);
                }
                Ok(_) => {}
                Err(ibapi::Error::Notice(notice)) => {
                    return Err(Answer::Refused(SafeText::new(&notice.message)));
                }
                Err(error) => return Err(failed(&error.to_string())),
            }
        }
        Err(failed("no answer"))
    };
    let state = match tokio::time::timeout(Duration::from_secs(8), first).await {
        Ok(Ok(state)) => state,
        Ok(Err(why)) => return why,
        Err(_) => return failed("no answer in time"),
    };
    let money = |value: Option<f64>| value.and_then(translate::money);
    let least = money(state.minimum_commission).or(money(state.commission));
    let most = money(state.maximum_commission).or(money(state.commission));
    Answer::Margin(Box::new(Margin {
        currency: SafeText::new(&state.margin_currency),
        initial_change: money(state.initial_margin_change),
        initial_after: money(state.initial_margin_after),
        maintenance_change: money(state.maintenance_margin_change),
        maintenance_after: money(state.maintenance_margin_after),
        equity_after: money(state.equity_with_loan_after),
        fee: least.zip(most),
        warning: SafeText::new(&state.warning_text),
    }))
}
