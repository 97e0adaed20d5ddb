//! The complete read: positions, open and completed orders, executions and cash, each to its end mark. A part that does not
//! come to its end proves nothing: the whole read has failed. Contracts that nobody has seen yet are asked for on the way.

use super::contracts::{Contracts, rule_number};
use super::hours::hours;
use super::orders::Orders as KnownOrders;
use super::translate;
use super::{Env, session::lock};
use crate::broker::{FromBroker, MarketData};
use crate::domain::{
    AccountKey, ClientOrderId, Currency, Execution, Instrument, InstrumentId, Money, OrderKind, OrderSpec,
    Phase, Quantity, Role, SafeText, Timestamp,
};
use crate::engine::{BrokerEvent, BrokerOrder, Snapshot};
use crate::market::Terms;
use ibapi::Client;
use ibapi::accounts::{AccountMultiValue, AccountUpdateMulti, Position, PositionUpdate, types::AccountId};
use ibapi::contracts::{Contract, ContractDetails};
use ibapi::orders::{
    CommissionReport, ExecutionData, ExecutionFilter, Executions, OrderData, OrderStatus, OrderStatusKind,
    Orders,
};
use ibapi::prelude::StreamExt;
use ibapi::subscriptions::SubscriptionItemStreamExt;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Each part of a read has this long.
const PART_WITHIN: Duration = Duration::from_secs(8);
/// How many days of executions are asked for: as many as TWS can be set to keep.
const DAYS: i32 = 7;
/// From when on the answer is taken to be complete: the first of those days may have been asked for in its middle.
const COMPLETE: Duration = Duration::from_secs(6 * 24 * 3_600);

/// Everything, as it came.
#[derive(Debug, Default)]
pub struct Whole {
    /// Positions of all accounts.
    pub positions: Vec<Position>,
    /// Open orders of all sessions, each with its status.
    pub open: Vec<(OrderData, Option<OrderStatus>)>,
    /// Orders that ended today.
    pub completed: Vec<OrderData>,
    /// Executions of the last days.
    pub executions: Vec<ExecutionData>,
    /// Their fees.
    pub fees: Vec<CommissionReport>,
    /// Account values by account.
    pub values: BTreeMap<String, Vec<AccountMultiValue>>,
}

/// Reads everything of these accounts.
pub(super) async fn read(
    env: &Env,
    client: &Client,
    contracts: &Arc<Mutex<Contracts>>,
    accounts: &[AccountKey],
) -> Result<Whole, String> {
    let mut whole = Whole {
        positions: positions(env, client).await?,
        ..Whole::default()
    };
    env.pass().await;
    for item in orders(client.all_open_orders().await, "open orders").await? {
        match item {
            Orders::OrderData(data) => whole.open.push((data, None)),
            Orders::OrderStatus(status) => {
                let of =
                    |(data, _): &&mut (OrderData, Option<OrderStatus>)| data.order.perm_id == status.perm_id;
                if let Some((_, slot)) = whole.open.iter_mut().rev().find(of) {
                    *slot = Some(status);
                }
            }
        }
    }
    env.pass().await;
    for item in orders(client.completed_orders(false).await, "completed orders").await? {
        if let Orders::OrderData(data) = item {
            whole.completed.push(data);
        }
    }
    let filter = ExecutionFilter {
        last_n_days: DAYS,
        ..ExecutionFilter::default()
    };
    env.pass().await;
    let mut executions = client
        .executions(filter)
        .await
        .map_err(|error| said("executions", &error))?;
    let items = executions.collect_to_end_within(PART_WITHIN).await;
    for item in items.map_err(|error| said("executions", &error))? {
        match item {
            Executions::ExecutionData(data) => whole.executions.push(data),
            Executions::CommissionReport(report) => whole.fees.push(report),
        }
    }
    for account in accounts {
        let values = account_values(env, client, account.account.as_str()).await?;
        whole.values.insert(account.account.as_str().to_owned(), values);
    }
    learn_all(env, client, contracts, &whole).await?;
    Ok(whole)
}

fn said(what: &str, error: &ibapi::Error) -> String {
    format!("{what} could not be read to their end: {error}")
}

async fn positions(env: &Env, client: &Client) -> Result<Vec<Position>, String> {
    let fail = |error: &ibapi::Error| said("positions", error);
    env.pass().await;
    let stream = client.positions().await.map_err(|error| fail(&error))?;
    let mut stream = stream.filter_data();
    let mut found = Vec::new();
    let reading = async {
        while let Some(update) = stream.next().await {
            match update.map_err(|error| fail(&error))? {
                PositionUpdate::Position(position) => found.push(position),
                PositionUpdate::PositionEnd => return Ok(()),
            }
        }
        Err("positions ended without their end mark".to_owned())
    };
    let done = tokio::time::timeout(PART_WITHIN, reading).await;
    // Letting the stream go sends its cancel.
    env.pass().await;
    match done {
        Ok(done) => done.map(|()| found),
        Err(_) => Err("positions did not come to their end mark in time".to_owned()),
    }
}

async fn orders(
    stream: Result<ibapi::subscriptions::Subscription<Orders>, ibapi::Error>,
    what: &str,
) -> Result<Vec<Orders>, String> {
    let mut stream = stream.map_err(|error| said(what, &error))?;
    let items = stream.collect_to_end_within(PART_WITHIN).await;
    items.map_err(|error| said(what, &error))
}

/// All values of an account, to their end.
pub(super) async fn account_values(
    env: &Env,
    client: &Client,
    account: &str,
) -> Result<Vec<AccountMultiValue>, String> {
    let id = AccountId(account.to_owned());
    let fail = |error: &ibapi::Error| said("account values", error);
    env.pass().await;
    let stream = client.account_updates_multi(Some(&id), None).await;
    let mut stream = stream.map_err(|error| fail(&error))?.filter_data();
    let mut found = Vec::new();
    let reading = async {
        while let Some(update) = stream.next().await {
            match update.map_err(|error| fail(&error))? {
                AccountUpdateMulti::AccountMultiValue(value) => found.push(value),
                AccountUpdateMulti::End => return Ok(()),
            }
        }
        Err("account values ended without their end mark".to_owned())
    };
    let done = tokio::time::timeout(PART_WITHIN, reading).await;
    // Letting the stream go sends its cancel.
    env.pass().await;
    match done {
        Ok(done) => done.map(|()| found),
        Err(_) => Err("account values did not come to their end mark in time".to_owned()),
    }
}

/// Instruments come before what is said of them.
async fn learn_all(
    env: &Env,
    client: &Client,
    contracts: &Arc<Mutex<Contracts>>,
    whole: &Whole,
) -> Result<(), String> {
    let mut unknown: BTreeMap<i32, Contract> = BTreeMap::new();
    let all = whole
        .positions
        .iter()
        .map(|position| &position.contract)
        .chain(whole.open.iter().map(|(data, _)| &data.contract))
        .chain(whole.executions.iter().map(|data| &data.contract));
    for contract in all {
        if lock(contracts).instrument_of(contract).is_none() {
            unknown.insert(contract.contract_id, contract.clone());
        }
    }
    for contract in unknown.into_values() {
        let by_number = Contract {
            contract_id: contract.contract_id,
            exchange: ibapi::contracts::Exchange(String::new()),
            ..Contract::default()
        };
        match details(env, client, &by_number).await?.first() {
            Some(details) => {
                if let Err(why) = learn(env, client, contracts, details).await {
                    tell_unknown(env, &contract, &why).await;
                }
            }
            None => tell_unknown(env, &contract, "the broker gives no details of it").await,
        }
    }
    Ok(())
}

/// What can't be shown is said, loudly: it is held all the same.
async fn tell_unknown(env: &Env, contract: &Contract, why: &str) {
    let text = format!(
        "{} {} (contract {}) is held or traded in the account and can't be shown: {why}",
        contract.symbol.0, contract.local_symbol, contract.contract_id
    );
    env.event(BrokerEvent::Told {
        text: SafeText::new(&text),
    })
    .await;
}

/// The details of what a contract may mean; none where the broker knows nothing of the kind.
pub(super) async fn details(
    env: &Env,
    client: &Client,
    contract: &Contract,
) -> Result<Vec<ContractDetails>, String> {
    env.pass().await;
    match client.contract_details(contract).await {
        Ok(details) => Ok(details),
        Err(ibapi::Error::Notice(notice)) if notice.code == 200 => Ok(Vec::new()),
        Err(error) => Err(said("contract details", &error)),
    }
}

/// Tells when an instrument trades and how it ends, where the broker says so. It tells no first notice day.
pub(super) async fn tell_hours(env: &Env, instrument: InstrumentId, details: &ContractDetails) {
    let terms = Terms {
        hours: hours(details),
        delivers: match details.settlement_method.as_str() {
            "Physical" => Some(true),
            "Cash" => Some(false),
            _ => None,
        },
        ..Terms::of(instrument)
    };
    if terms != Terms::of(instrument) {
        env.say(FromBroker::Market(vec![MarketData::Terms(terms)])).await;
    }
}

/// Keeps an instrument and tells it.
pub(super) async fn learn(
    env: &Env,
    client: &Client,
    contracts: &Arc<Mutex<Contracts>>,
    details: &ContractDetails,
) -> Result<Instrument, String> {
    let rule = match rule_number(details) {
        Some(number) => {
            env.pass().await;
            client.market_rule(number).await.ok()
        }
        None => None,
    };
    let instrument = lock(contracts).learn(details, rule.as_ref())?;
    env.event(BrokerEvent::Instrument(Box::new(instrument.clone())))
        .await;
    tell_hours(env, instrument.id, details).await;
    Ok(instrument)
}

/// What a read needs to be understood.
pub(super) struct Reader<'a> {
    pub(super) contracts: &'a Contracts,
    pub(super) client_id: i32,
    pub(super) zone: &'a TimeZone,
    pub(super) now: Timestamp,
    /// Knows fees.
    pub(super) orders: &'a KnownOrders,
}

impl Reader<'_> {
    /// One account's part of a read.
    pub(super) fn snapshot(&self, whole: &Whole, account: AccountKey, pass: u64) -> Snapshot {
        let name = account.account.as_str();
        let mut orders: Vec<BrokerOrder> = whole
            .open
            .iter()
            .filter(|(data, _)| data.order.account == name)
            .filter_map(|(data, status)| self.open_order(data, status.as_ref(), account))
            .collect();
        for data in whole.completed.iter().filter(|data| data.order.account == name) {
            if let Some(order) = self.completed_order(data, account)
                && orders.iter().all(|open| open.broker_id != order.broker_id)
            {
                orders.push(order);
            }
        }
        Snapshot {
            pass,
            account,
            positions: self.positions(whole, name),
            cash: cash(whole.values.get(name).map_or(&[], Vec::as_slice)),
            orders,
            executions: whole
                .executions
                .iter()
                .filter(|data| data.execution.account_number == name)
                .filter_map(|data| {
                    let instrument = self.contracts.instrument_of(&data.contract)?;
                    let theirs = &data.execution;
                    let execution =
                        translate::execution(theirs, account.broker, instrument, self.zone, self.now)?;
                    Some(Execution {
                        fee: self.orders.fee(&theirs.execution_id),
                        ..execution
                    })
                })
                .collect(),
            complete_since: self.now.before(COMPLETE),
        }
    }

    fn positions(
        &self,
        whole: &Whole,
        account: &str,
    ) -> Vec<(InstrumentId, Quantity, Option<crate::domain::Price>)> {
        let own = whole
            .positions
            .iter()
            .filter(|position| position.account == account);
        own.filter_map(|position| {
            let id = self.contracts.instrument_of(&position.contract)?;
            let quantity = translate::quantity(position.position).filter(|quantity| !quantity.is_zero())?;
            // The broker's average cost of contracts holds their multiplier.
            let multiplier = self.contracts.get(id).map(|instrument| instrument.multiplier);
            let average = translate::money(position.average_cost * quantity.to_f64())
                .and_then(|cost| cost.per_unit(quantity, multiplier?));
            Some((id, quantity, average))
        })
        .collect()
    }

    fn spec(&self, data: &OrderData, account: AccountKey, quantity: Quantity) -> Option<OrderSpec> {
        let order = &data.order;
        let limit = || order.limit_price.and_then(translate::price);
        // A type that we have no word for still counts: as what it can cost at most.
        let kind = translate::kind(order)
            .or_else(|| limit().map(|price| OrderKind::Limit { price }))
            .unwrap_or(OrderKind::Market);
        Some(OrderSpec {
            account,
            instrument: self.contracts.instrument_of(&data.contract)?,
            side: translate::side(order.action),
            quantity,
            kind,
            tif: translate::time_in_force(order, self.zone),
            display: order
                .display_size
                .filter(|shown| *shown > 0)
                .and_then(|shown| Quantity::whole(shown.into())),
            allow_short: true,
            role: Role::Entry,
            parent: None,
            outside_hours: order.outside_rth,
        })
    }

    fn open_order(
        &self,
        data: &OrderData,
        status: Option<&OrderStatus>,
        account: AccountKey,
    ) -> Option<BrokerOrder> {
        let order = &data.order;
        let filled = status
            .and_then(|status| translate::quantity(status.filled))
            .unwrap_or(Quantity::ZERO);
        let quantity = translate::quantity(order.total_quantity)?;
        let status = status.map_or(&data.order_state.status, |status| &status.status);
        let ours = order.client_id == self.client_id;
        Some(BrokerOrder {
            id: name(data)?,
            broker_id: translate::broker_order_id(order.perm_id)?,
            spec: self.spec(data, account, quantity)?,
            phase: match status {
                OrderStatusKind::Submitted | OrderStatusKind::PendingCancel => Phase::Working,
                OrderStatusKind::Filled => Phase::Filled,
                OrderStatusKind::Cancelled | OrderStatusKind::ApiCancelled => Phase::Cancelled,
                _ => Phase::Held,
            },
            filled,
            number: ours.then_some(data.order_id),
            foreign: !ours,
        })
    }

    /// What is told of an order that ended has what was left as its quantity.
    fn completed_order(&self, data: &OrderData, account: AccountKey) -> Option<BrokerOrder> {
        let order = &data.order;
        let filled = translate::quantity(order.filled_quantity).unwrap_or(Quantity::ZERO);
        let left = translate::quantity(order.total_quantity)?;
        Some(BrokerOrder {
            id: name(data)?,
            broker_id: translate::broker_order_id(order.perm_id)?,
            spec: self.spec(data, account, left.saturating_add(filled))?,
            phase: match data.order_state.status {
                OrderStatusKind::Filled => Phase::Filled,
                OrderStatusKind::Inactive => Phase::Rejected,
                _ => Phase::Cancelled,
            },
            filled,
            number: None,
            foreign: false,
        })
    }
}

fn name(data: &OrderData) -> Option<ClientOrderId> {
    translate::client_order_id(&data.order.order_ref).or_else(|| translate::foreign_id(data.order.perm_id))
}

/// Cash by currency.
pub(super) fn cash(values: &[AccountMultiValue]) -> BTreeMap<Currency, Money> {
    let amount = |value: &AccountMultiValue| {
        let currency: Currency = value.currency.parse().ok().filter(|_| value.currency != "BASE")?;
        let amount: f64 = value.value.parse().ok()?;
        Some((currency, translate::money(amount)?))
    };
    values
        .iter()
        .filter(|value| matches!(value.key.as_str(), "CashBalance" | "TotalCashBalance"))
        .filter_map(amount)
        .collect()
}

/// The currency that an account's totals are in.
pub(super) fn base(values: &[AccountMultiValue]) -> Option<Currency> {
    let total = values.iter().find(|value| value.key == "NetLiquidation")?;
    total.currency.parse().ok()
}
