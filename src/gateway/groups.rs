//! Families and groups. A family is a parent with its children, sent when the last of them is transmitted; children wait
//! until their parent has ended, and are then as large as what it filled. A group cancels or reduces its other members
//! when one of them trades: one by name ("one cancels all", of types 1 to 3), and the active children of one parent, which
//! reduce each other.

use super::core::Gateway;
use super::orders::{Order, Refusal, Stage, venue_id};
use crate::domain::{OrderChange, Quantity, SafeText};
use crate::venue::VenueRequest;

impl Gateway {
    /// Finds a draft's parent.
    pub(super) fn with_parent(&self, mut draft: Order) -> Result<Order, Refusal> {
        let Some(parent) = draft.order.parent_id.filter(|id| *id != 0) else {
            return Ok(draft);
        };
        let Some(parent) = self.orders.find(draft.client, parent) else {
            return Err((
                135,
                format!("Can't find order with id = {parent}: it is no parent of this client"),
            ));
        };
        let dead = !parent.stage.is_live() && parent.filled.is_zero();
        if dead || parent.instrument != draft.instrument || parent.account != draft.account {
            return Err((
                201,
                "Order rejected - reason: the parent has ended or is for another contract or account"
                    .to_owned(),
            ));
        }
        draft.parent = Some(parent.perm);
        draft.order.parent_perm_id = Some(parent.perm);
        Ok(draft)
    }

    fn children(&self, parent: i64) -> Vec<i64> {
        let children = self.orders.all().filter(|order| order.parent == Some(parent));
        children.map(|order| order.perm).collect()
    }

    /// An order that is to be transmitted: alone, or as the last of its family.
    pub(super) fn transmit(&mut self, perm: i64) {
        let Some(parent) = self.orders.get(perm).and_then(|order| order.parent) else {
            return self.send(perm);
        };
        let mut family = self.children(parent);
        family.retain(|child| {
            self.orders
                .get(*child)
                .is_some_and(|order| order.stage == Stage::Untransmitted)
        });
        for child in &family {
            if let Some(order) = self.orders.change(*child) {
                order.stage = Stage::Waiting;
            }
        }
        if !self.write_ledger() {
            return self.refuse(
                perm,
                201,
                &SafeText::from("the gateway's ledger can't be written"),
            );
        }
        match self.orders.get(parent).map(|order| order.stage) {
            Some(Stage::Untransmitted) => self.send(parent),
            Some(stage) if stage.is_live() => {}
            _ => return self.parent_ended(parent),
        }
        self.work();
        for child in family {
            if self
                .orders
                .get(child)
                .is_some_and(|order| order.stage == Stage::Waiting)
            {
                self.tell_owner(child);
            }
        }
    }

    /// What becomes of the children when their parent has ended.
    pub(super) fn parent_ended(&mut self, parent: i64) {
        let Some((filled, total)) = self.orders.get(parent).map(|order| (order.filled, order.total())) else {
            return;
        };
        for child in self.children(parent) {
            let Some(order) = self.orders.get(child).filter(|order| order.stage.is_ours()) else {
                continue;
            };
            if filled.is_zero() {
                self.end(
                    child,
                    Stage::Cancelled,
                    &SafeText::from("the parent order ended without a fill"),
                );
                continue;
            }
            if order.stage != Stage::Waiting {
                continue;
            }
            let size = order.total();
            let fair = if filled < total {
                share(size, filled, total)
            } else {
                size
            };
            let fair = self.whole(child, fair);
            if let Some(order) = self.orders.change(child) {
                order.order.total_quantity = Some(fair.to_string());
            }
            self.send(child);
        }
    }

    /// A quantity in whole lots of an order's instrument, at least one.
    fn whole(&self, perm: i64, quantity: Quantity) -> Quantity {
        let listed = self
            .orders
            .get(perm)
            .and_then(|order| self.contracts.get(order.instrument));
        listed.map_or(quantity, |listed| {
            listed
                .instrument
                .quantity_down(quantity)
                .max(listed.instrument.lot)
        })
    }

    /// An order of a group traded `quantity`: the others go or shrink.
    pub(super) fn group_traded(&mut self, perm: i64, quantity: Quantity) {
        let Some(order) = self.orders.get(perm) else {
            return;
        };
        let named = order.order.oca_group.clone().filter(|group| !group.is_empty());
        let (account, parent, before) = (
            order.account,
            order.parent,
            order.remaining().saturating_add(quantity),
        );
        let ended_at = order.ended_at;
        let (all, ended) = (
            order.order.oca_type == Some(1) && named.is_some(),
            order.stage == Stage::Filled,
        );
        let fellow = |other: &&Order| {
            let by_name = named.is_some() && other.account == account && other.order.oca_group == named;
            let by_parent = parent.is_some() && other.parent == parent;
            // A group's name may be used again once its orders have ended.
            let with_it = ended_at.is_none_or(|at| other.created_at <= at);
            other.perm != perm && other.stage.is_live() && with_it && (by_name || by_parent)
        };
        let fellows: Vec<i64> = self.orders.all().filter(fellow).map(|other| other.perm).collect();
        for other in fellows {
            if all || ended {
                self.cancel(other, false);
            } else {
                self.reduce(other, quantity, before);
            }
        }
    }

    /// Takes off what is left of an order the share that a fellow has traded of what was left of it `before`.
    fn reduce(&mut self, perm: i64, traded: Quantity, before: Quantity) {
        let Some(order) = self.orders.get(perm) else {
            return;
        };
        let (stage, account, filled) = (order.stage, order.account, order.filled);
        let less = share(order.remaining(), traded, before);
        let left = order.total().saturating_sub(less);
        if left <= filled {
            return self.cancel(perm, false);
        }
        let left = self.whole(perm, left);
        if stage.is_ours() {
            if let Some(order) = self.orders.change(perm) {
                order.order.total_quantity = Some(left.to_string());
            }
            return self.tell_owner(perm);
        }
        let change = OrderChange {
            quantity: Some(left),
            ..Default::default()
        };
        if let Some(id) = venue_id(perm) {
            let account = self.key(account);
            self.ask(VenueRequest::Modify { account, id, change });
        }
    }
}

/// `size` times `part` over `whole`.
fn share(size: Quantity, part: Quantity, whole: Quantity) -> Quantity {
    if whole.is_zero() {
        return size;
    }
    let product = i128::from(size.raw()) * i128::from(part.raw()) / i128::from(whole.raw());
    Quantity::from_raw(i64::try_from(product).unwrap_or(i64::MAX))
}
