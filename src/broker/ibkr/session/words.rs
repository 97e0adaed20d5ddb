//! What the broker says unasked: of orders, and of the connection and its parts.

use super::{Inner, Session, lock};
use crate::broker::ibkr::codes::{LinkWord, link_word};
use crate::broker::ibkr::farms::farm_name;
use crate::broker::ibkr::orders::Said;
use crate::broker::ibkr::translate;
use crate::domain::{ClientOrderId, SafeText};
use crate::engine::BrokerEvent;
use ibapi::orders::OrderUpdate;
use ibapi::subscriptions::SubscriptionItem;
use std::time::Duration;

/// Risk waits without prices, and what helps is in the trader's hands.
const COMPETING: &str =
    "another session of this login has the market data: it is asked for again until that one ends (10197)";
/// What is unclear gets this long to become clear by itself before everything is read.
const LOOK_UP_AFTER: Duration = Duration::from_millis(500);

impl Session {
    /// What the order stream tells; a reason where the connection has to end.
    pub(super) async fn update(&mut self, item: SubscriptionItem<OrderUpdate>) -> Option<String> {
        let said = match item {
            SubscriptionItem::Notice(notice) => match notice.request_id {
                Some(number) => self.orders.on_error(number, notice.code, &notice.message),
                None => return self.notice(notice.code, &notice.message).await,
            },
            SubscriptionItem::Data(OrderUpdate::OpenOrder(data)) => self.orders.on_open_order(&data),
            SubscriptionItem::Data(OrderUpdate::OrderStatus(status)) => self.orders.on_status(&status),
            SubscriptionItem::Data(OrderUpdate::CommissionReport(report)) => {
                self.orders.on_commission(&report).into_iter().collect()
            }
            SubscriptionItem::Data(OrderUpdate::ExecutionData(data)) => {
                let known = lock(&self.contracts).instrument_of(&data.contract);
                let execution = known.and_then(|id| {
                    let broker = self.env.settings.broker;
                    translate::execution(&data.execution, broker, id, &self.zone, self.env.now())
                });
                match execution {
                    Some(execution) => {
                        vec![self.orders.on_execution(&data.execution.execution_id, execution)]
                    }
                    None => {
                        self.stale("an execution in an instrument that is not known yet")
                            .await;
                        return None;
                    }
                }
            }
            SubscriptionItem::Data(OrderUpdate::OrderBound(_)) => Vec::new(),
        };
        self.said(said).await;
        None
    }

    pub(super) async fn said(&mut self, said: Vec<Said>) {
        for one in said {
            match one {
                Said::Report(account, report) if self.accounts.contains(&account) => {
                    self.tell(account, report).await;
                }
                Said::Report(..) => {}
                Said::Told(text) => {
                    self.env.event(BrokerEvent::Told { text }).await;
                }
                Said::LookUp(id) => self.look_up(id),
            }
        }
    }

    pub(super) fn look_up(&mut self, id: ClientOrderId) {
        if self.looking.insert(id) {
            let inner = self.inner.clone();
            tokio::spawn(async move {
                tokio::time::sleep(LOOK_UP_AFTER).await;
                let _ = inner.send(Inner::LookUp(id));
            });
        }
    }

    /// A word that names no order; a reason where the connection has to end.
    pub(super) async fn notice(&mut self, code: i32, message: &str) -> Option<String> {
        let text = format!("{message} ({code})");
        tracing::info!(code, message, "the broker says");
        match link_word(code) {
            LinkWord::ServersAway => self.impair(Some(text)).await,
            LinkWord::ServersBack { data_lost } => {
                if data_lost {
                    self.lines.restore();
                    self.restoring = Some(self.env.now());
                }
                self.impair(None).await;
            }
            LinkWord::Farm(kind, state) => self.lines.farm(kind, farm_name(message), state).await,
            LinkWord::Competing => {
                self.lines.compete();
                self.judge_competition().await;
            }
            LinkWord::TooFast => {
                let text = SafeText::new(&text);
                self.env.event(BrokerEvent::Told { text }).await;
            }
            LinkWord::Lagging => self.stale(&text).await,
            LinkWord::Leave => return Some(text),
            LinkWord::Info => {
                let text = SafeText::new(&text);
                self.env.event(BrokerEvent::Told { text }).await;
            }
        }
        None
    }

    pub(super) async fn impair(&mut self, reason: Option<String>) {
        self.impaired = reason;
        self.tell_impaired().await;
    }

    async fn tell_impaired(&self) {
        let competing = || self.competing.then(|| COMPETING.to_owned());
        let reason = self.impaired.clone().or_else(competing);
        let reason = reason.map(|reason| SafeText::new(&reason));
        self.env.event(BrokerEvent::Impaired { reason }).await;
    }

    /// Whether another session has the data is told when it changes.
    pub(super) async fn judge_competition(&mut self) {
        let competing = self.lines.competing();
        if std::mem::replace(&mut self.competing, competing) != competing {
            self.tell_impaired().await;
        }
    }

    /// Something was missed or is unclear: the engine is asked to read everything.
    pub(super) async fn stale(&self, why: &str) {
        tracing::info!(why, "everything is read again");
        let reason = SafeText::new(why);
        self.env.event(BrokerEvent::Stale { reason }).await;
    }
}
