//! Making the exits of a bracket smaller, so that a part of what they cover can be closed otherwise, and larger again. Both
//! change together: the size is the group's. Leaves to others: the changes themselves (`engine/brackets.rs`), and whether what
//! is sold then fits (`risk`).

use super::Decision;
use super::commands::Desk;
use crate::domain::{ClientOrderId, Order, OrderChange, Quantity};
use crate::engine::brackets;
use crate::engine::command::{Denial, DenialCode};
use crate::engine::event::Fact;
use crate::engine::fold::changed;
use crate::engine::risk::{self, Effect};
use crate::engine::state::Group;

impl Desk<'_> {
    /// The decision where the change is one of a bracket's size; nothing where it is not.
    pub(super) fn resize(&self, order: &Order, change: OrderChange) -> Option<Result<Decision, Denial>> {
        let (quantity, name) = (change.quantity?, order.oco?);
        let group = self.state.groups.get(&name)?;
        let entry = self.state.orders.get(&group.parent?)?;
        Some(self.resized((order, change), quantity, (name, group, entry)))
    }

    fn resized(
        &self,
        (order, change): (&Order, OrderChange),
        quantity: Quantity,
        (name, group, entry): (ClientOrderId, &Group, &Order),
    ) -> Result<Decision, Denial> {
        let bad = |code, text: String| Err(Denial::new(code, text));
        let alone = OrderChange {
            quantity: Some(quantity),
            ..OrderChange::default()
        };
        if change != alone {
            let text =
                "the size of a bracket is changed for both of its exits: change it alone, the price after it";
            return bad(DenialCode::BadOrder, text.to_owned());
        }
        if entry.phase.is_live() {
            let text = format!(
                "stop and target follow the fills of {}, which still works: cancel that first",
                entry.spec
            );
            return bad(DenialCode::BadOrder, text);
        }
        let to = changed(&order.spec, change);
        if to == order.spec {
            return bad(
                DenialCode::BadOrder,
                format!("nothing would change in {}", order.spec),
            );
        }
        if quantity <= order.filled {
            let text = format!("{} are filled already; cancel the rest instead", order.filled);
            return bad(DenialCode::BadQuantity, text);
        }
        let others = brackets::closed_by(self.state, group).saturating_sub(order.filled);
        let most = entry.filled.saturating_sub(others);
        if quantity > most || risk::change_effect(self.state, order, &to) == Effect::Adds {
            let text = format!(
                "{quantity} would close more than its entry opened ({most} are left of it), or more than is held beside what works already"
            );
            return bad(DenialCode::BadQuantity, text);
        }
        self.check().change(order, &to)?;
        let facts = vec![Fact::BracketResized {
            group: name,
            set_aside: most.saturating_sub(quantity),
        }];
        Ok(Decision::noted(
            facts,
            "both exits of the bracket change together",
        ))
    }
}
