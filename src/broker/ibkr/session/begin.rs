//! How a connection begins: the order stream, the accounts, the way out for orders, the heartbeat, and what is asked for
//! from the first moment on.

use super::questions::find;
use super::{Inner, Out, Session, lock};
use crate::broker::Answer;
use crate::broker::ibkr::read;
use crate::domain::{Account, AccountClass, AccountId, AccountKey, Currency, SafeText, Timestamp};
use crate::engine::BrokerEvent;
use ibapi::accounts::AccountUpdateMulti;
use ibapi::accounts::types::AccountId as TheirAccount;
use ibapi::market_data::MarketDataType;
use ibapi::orders::OrderUpdate;
use ibapi::prelude::StreamExt;
use ibapi::subscriptions::{Subscription, SubscriptionItemStreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A heartbeat is sent this often …
const BEAT_EVERY: Duration = Duration::from_secs(4);
/// … and has to come back within this; the second that does not ends the connection, within twelve seconds of the last
/// that did.
const BEAT_WITHIN: Duration = Duration::from_millis(3_500);
/// Figures of an account that are shown.
const FIGURES: &[&str] = &[
    "NetLiquidation",
    "AvailableFunds",
    "BuyingPower",
    "ExcessLiquidity",
    "InitMarginReq",
    "MaintMarginReq",
    "LookAheadAvailableFunds",
    "LookAheadExcessLiquidity",
    "LookAheadInitMarginReq",
    "LookAheadMaintMarginReq",
    "UnrealizedPnL",
    "RealizedPnL",
    "ExchangeRate",
    "DayTradesRemaining",
    "LookAheadNextChange",
];

impl Session {
    /// The order stream is opened before anything is asked, so that nothing is missed; then accounts, instruments, and up.
    pub(super) async fn begin(&mut self) -> Result<String, String> {
        let updates = self
            .client
            .order_update_stream()
            .await
            .map_err(|error| format!("the order stream can't be opened: {error}"))?;
        self.drain(updates);
        self.accounts = self.choose_accounts()?;
        let mut accounts = Vec::new();
        for key in &self.accounts {
            let values = read::account_values(&self.env, &self.client, key.account.as_str())
                .await
                .unwrap_or_default();
            accounts.push(Account {
                key: *key,
                class: class(key.account),
                base: read::base(&values).unwrap_or(Currency::USD),
                cash: None,
            });
        }
        // Frozen prices where a market is closed, delayed ones where no others are paid for: the quality says which.
        let _ = self
            .client
            .switch_market_data_type(MarketDataType::DelayedFrozen)
            .await;
        self.out = Some(self.sender());
        self.beat();
        self.learn_symbols();
        for key in self.accounts.clone() {
            self.follow_figures(key);
        }
        if self.reconnects > 0 {
            self.restoring = Some(self.env.now());
        }
        let next = self.client.next_order_id();
        self.env
            .event(BrokerEvent::Up {
                accounts,
                next_number: Some(next),
            })
            .await;
        tracing::info!(
            address = self.address,
            version = self.client.server_version(),
            next,
            "connected"
        );
        Ok(String::new())
    }

    /// The accounts of the login, or the one that is configured.
    pub(super) fn choose_accounts(&self) -> Result<Vec<AccountKey>, String> {
        let broker = self.env.settings.broker;
        let theirs = self.client.handshake_managed_accounts();
        let all: Vec<AccountId> = theirs.iter().filter_map(|name| name.parse().ok()).collect();
        let list = theirs.join(", ");
        let chosen = match self.env.settings.account {
            Some(wanted) if !all.contains(&wanted) => {
                return Err(format!(
                    "account {wanted} is not under this login at {}; it has {list}: set broker.ibkr.account",
                    self.address
                ));
            }
            Some(wanted) => vec![wanted],
            None => all,
        };
        if chosen.is_empty() {
            return Err(format!("the login at {} has no account", self.address));
        }
        let live: Vec<&str> = chosen
            .iter()
            .filter(|account| class(**account) == AccountClass::Live)
            .map(AccountId::as_str)
            .collect();
        if !live.is_empty() && self.env.settings.port.is_none() {
            return Err(format!(
                "{} at {} is a live account: live is used only where its port is written, broker.ibkr.port",
                live.join(", "),
                self.address
            ));
        }
        Ok(chosen
            .into_iter()
            .map(|account| AccountKey { broker, account })
            .collect())
    }

    /// Nothing but taking from the stream: it must never fill up behind work.
    pub(super) fn drain(&self, mut updates: Subscription<OrderUpdate>) {
        let inner = self.inner.clone();
        tokio::spawn(async move {
            while let Some(item) = updates.next().await {
                let told = match item {
                    Ok(item) => inner.send(Inner::Update(Box::new(item))),
                    Err(error) => {
                        let _ = inner.send(Inner::StreamEnded(error.to_string()));
                        return;
                    }
                };
                if told.is_err() {
                    return;
                }
            }
            let _ = inner.send(Inner::StreamEnded("it ended".to_owned()));
        });
    }

    /// Orders and changes leave in their order, as fast as the budget lets them; cancels do not wait here.
    pub(super) fn sender(&self) -> mpsc::UnboundedSender<Out> {
        let (out, mut waiting) = mpsc::unbounded_channel::<Out>();
        let (client, contracts) = (Arc::clone(&self.client), Arc::clone(&self.contracts));
        let (inner, env) = (self.inner.clone(), self.env.clone());
        let (queue, sent) = (Arc::clone(&self.queue), Arc::clone(&self.sent));
        tokio::spawn(async move {
            while let Some(Out {
                id,
                account,
                number,
                created,
                instrument,
                order,
            }) = waiting.recv().await
            {
                let contract = lock(&contracts).contract(instrument);
                env.pass().await;
                let taken_back = lock(&queue).leaves(number);
                let failure = match contract {
                    _ if taken_back => Some("cancelled before it left".to_owned()),
                    // An error of the send means that the frame is not whole on the wire: TWS can't have acted on it.
                    Some(contract) => client
                        .submit_order(number, &contract, &order)
                        .await
                        .err()
                        .map(|error| error.to_string()),
                    None => Some(format!("the broker's contract of {instrument} is not known")),
                };
                if let Some(why) = failure {
                    let why = SafeText::new(&why);
                    let _ = inner.send(if created.is_none() {
                        Inner::ChangeNotSent(account, id, why)
                    } else {
                        Inner::NotSent(id, why)
                    });
                } else if let Some(created) = created {
                    lock(&sent).add(env.now().since(created));
                }
            }
        });
        out
    }

    pub(super) fn beat(&self) {
        let (client, inner, env) = (Arc::clone(&self.client), self.inner.clone(), self.env.clone());
        let missed = self.missed;
        tokio::spawn(async move {
            if missed == 0 {
                tokio::time::sleep(BEAT_EVERY).await;
            }
            env.pass_first().await;
            let begun = env.now();
            let answer = tokio::time::timeout(BEAT_WITHIN, client.server_time()).await;
            let beat = match answer {
                Ok(Ok(time)) => {
                    let at = i64::try_from(time.unix_timestamp_nanos()).unwrap_or(0);
                    Some((env.now().since(begun), Timestamp(at)))
                }
                _ => None,
            };
            let _ = inner.send(Inner::Beat(beat));
        });
    }

    /// Instruments to begin with, each by its likeliest meaning.
    pub(super) fn learn_symbols(&self) {
        let (env, client) = (self.env.clone(), Arc::clone(&self.client));
        let (contracts, inner) = (Arc::clone(&self.contracts), self.inner.clone());
        tokio::spawn(async move {
            for symbol in env.settings.symbols.clone() {
                if symbol.parse().is_ok_and(|id| lock(&contracts).get(id).is_some()) {
                    continue;
                }
                if let Answer::Failed(why) = find(&env, &client, &contracts, &symbol).await {
                    let text = format!("{symbol} is not known at the broker: {why}");
                    env.event(BrokerEvent::Told {
                        text: SafeText::new(&text),
                    })
                    .await;
                }
                let _ = inner.send(Inner::Learned);
            }
            let _ = inner.send(Inner::Learned);
        });
    }

    /// What the broker says of an account beyond its cash, as it changes.
    pub(super) fn follow_figures(&self, key: AccountKey) {
        let (client, inner, env) = (Arc::clone(&self.client), self.inner.clone(), self.env.clone());
        tokio::spawn(async move {
            let account = TheirAccount(key.account.as_str().to_owned());
            env.pass().await;
            let Ok(updates) = client.account_updates_multi(Some(&account), None).await else {
                return;
            };
            let mut updates = updates.filter_data();
            while let Some(Ok(update)) = updates.next().await {
                if let AccountUpdateMulti::AccountMultiValue(value) = update
                    && FIGURES.contains(&value.key.as_str())
                    && inner.send(Inner::Figure(key, value)).is_err()
                {
                    return;
                }
            }
        });
    }
}

/// An account is for practice where its name begins with D: the port says nothing.
pub(super) fn class(account: AccountId) -> AccountClass {
    if account.as_str().starts_with('D') {
        AccountClass::Paper
    } else {
        AccountClass::Live
    }
}
