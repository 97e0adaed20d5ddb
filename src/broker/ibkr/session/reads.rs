//! Complete reads: one at a time, for everybody who has asked by then, and what follows from them.

use super::{Inner, Session, lock};
use crate::broker::ibkr::read::{Reader, Whole};
use crate::broker::ibkr::{read, translate};
use crate::domain::{AccountKey, SafeText};
use crate::engine::{BrokerEvent, Report};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Session {
    /// One read at a time answers everybody who has asked by then.
    pub(super) fn read(&mut self) {
        if self.reading || self.reads.is_empty() {
            return;
        }
        self.reading = true;
        let accounts: BTreeSet<AccountKey> = self.reads.iter().map(|(account, _)| *account).collect();
        let accounts: Vec<AccountKey> = accounts.into_iter().collect();
        let (env, client) = (self.env.clone(), Arc::clone(&self.client));
        let (contracts, inner) = (Arc::clone(&self.contracts), self.inner.clone());
        tokio::spawn(async move {
            let read = read::read(&env, &client, &contracts, &accounts).await;
            let _ = inner.send(Inner::Read(read.map(Box::new)));
        });
    }

    pub(super) async fn read_ended(&mut self, read: Result<Box<Whole>, String>) {
        self.reading = false;
        let asked = std::mem::take(&mut self.reads);
        let whole = match read {
            // What was read while the broker's servers were away is what TWS remembers, not what is.
            Ok(whole) if self.impaired.is_none() => whole,
            Ok(_) | Err(_) => {
                let why = match (read, &self.impaired) {
                    (Err(why), _) => why,
                    (_, Some(why)) => why.clone(),
                    _ => String::new(),
                };
                for (account, pass) in asked {
                    let reason = SafeText::new(&why);
                    let failed = BrokerEvent::SnapshotFailed {
                        account,
                        pass,
                        reason,
                    };
                    self.env.event(failed).await;
                }
                return;
            }
        };
        self.take_read(&whole);
        for (id, account, reason) in self.orders.refused() {
            let listed = whole
                .open
                .iter()
                .map(|(data, _)| data)
                .chain(&whole.completed)
                .any(|data| translate::client_order_id(&data.order.order_ref) == Some(id));
            if !listed {
                self.orders.ended(id);
                self.tell(account, Report::Rejected { id, reason }).await;
            }
        }
        self.orders.looked_up();
        for (account, pass) in asked {
            if !whole.values.contains_key(account.account.as_str()) {
                // It was asked for after this read began.
                self.reads.push((account, pass));
                continue;
            }
            let snapshot = {
                let contracts = lock(&self.contracts);
                let reader = Reader {
                    contracts: &contracts,
                    client_id: self.env.settings.client_id,
                    zone: &self.zone,
                    now: self.env.now(),
                    orders: &self.orders,
                };
                reader.snapshot(&whole, account, pass)
            };
            self.env.event(BrokerEvent::Snapshot(Box::new(snapshot))).await;
        }
        self.lines.adjust();
        self.read();
    }

    /// Names and fees that a read told.
    pub(super) fn take_read(&mut self, whole: &Whole) {
        let mut all: Vec<_> = whole
            .open
            .iter()
            .map(|(data, _)| data)
            .chain(&whole.completed)
            .collect();
        // Of two orders under one reference the one that was named first is the first.
        all.sort_by_key(|data| data.order.perm_id);
        for data in all {
            if let Some(id) = translate::client_order_id(&data.order.order_ref) {
                let ours = data.order.client_id == self.env.settings.client_id && data.order_id > 0;
                self.orders
                    .bind(id, data.order.perm_id, ours.then_some(data.order_id));
            }
        }
        for report in &whole.fees {
            self.orders.on_commission(report);
        }
    }
}
