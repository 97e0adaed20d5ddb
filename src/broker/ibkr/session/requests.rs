//! The engine's requests on their way to the broker. Orders and changes wait their turn; cancels go ahead.

use super::{Out, Session, lock};
use crate::broker::ibkr::translate;
use crate::domain::{AccountKey, ClientOrderId, OrderSpec, SafeText, Timestamp};
use crate::engine::{BrokerEvent, Family, Report, Request};
use std::sync::Arc;

impl Session {
    pub(super) async fn request(&mut self, request: Request) {
        match request {
            Request::Place {
                id,
                spec,
                number,
                family,
                created,
                // The table of abilities says that this broker can't, so none is ever named.
                instead: _,
            } => self.place(id, &spec, number, family, created),
            Request::Modify {
                account,
                id,
                number,
                spec,
                family,
                ..
            } => match number {
                Some(number) => {
                    self.orders.changing(id, number, &spec);
                    self.send(Out {
                        id,
                        account,
                        number,
                        created: None,
                        instrument: spec.instrument,
                        order: translate::order(id, &spec, number, family),
                    });
                }
                None => {
                    let reason = "only the session that made the order can change it".into();
                    self.tell(account, Report::ModifyRejected { id, reason }).await;
                }
            },
            Request::Cancel {
                account, id, number, ..
            } => match number {
                Some(number) => self.cancel(account, id, number),
                None => {
                    let reason = "only the session that made the order can cancel it".into();
                    self.tell(account, Report::CancelRejected { id, reason }).await;
                }
            },
            Request::Snapshot { account, pass } => {
                if let Some(why) = &self.impaired {
                    let reason = SafeText::new(why);
                    self.env
                        .event(BrokerEvent::SnapshotFailed {
                            account,
                            pass,
                            reason,
                        })
                        .await;
                    return;
                }
                self.reads.push((account, pass));
                self.read();
            }
        }
    }

    pub(super) fn place(
        &mut self,
        id: ClientOrderId,
        spec: &OrderSpec,
        number: i32,
        family: Option<Family>,
        created: Timestamp,
    ) {
        self.orders.sending(id, number, spec);
        self.send(Out {
            id,
            account: spec.account,
            number,
            created: Some(created),
            instrument: spec.instrument,
            order: translate::order(id, spec, number, family),
        });
    }

    pub(super) fn send(&self, out: Out) {
        if let Some(sender) = &self.out {
            lock(&self.queue).waits(out.number, out.created.is_none());
            let _ = sender.send(out);
        }
    }

    /// Cancels go ahead of everything that waits for the budget.
    pub(super) fn cancel(&mut self, account: AccountKey, id: ClientOrderId, number: i32) {
        if lock(&self.queue).take_back(number) {
            return;
        }
        self.orders.touching(id, number, account);
        let (env, client) = (self.env.clone(), Arc::clone(&self.client));
        tokio::spawn(async move {
            env.pass_first().await;
            // A cancel that did not leave is asked again by whoever asked: nothing is concluded from it here.
            if let Err(error) = client.cancel_order(number, "").await {
                tracing::warn!(number, %error, "a cancel did not leave");
            }
        });
    }
}
