//! The terms of one order in the order in which the broker gave it them, and how far the engine has heard (I8).

use tradewind::domain::{OrderChange, OrderKind, OrderSpec, Quantity};

/// Terms, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    given: Vec<(Quantity, OrderKind)>,
    asked: Option<(Quantity, OrderKind)>,
    heard: usize,
}

impl Terms {
    pub fn given(&mut self, quantity: Quantity, kind: OrderKind) {
        self.given.push((quantity, kind));
    }
    pub fn placed(&mut self, spec: &OrderSpec) {
        if self.given.is_empty() {
            self.given(spec.quantity, spec.kind);
        }
    }
    pub fn asked(&mut self, spec: &OrderSpec, change: OrderChange) {
        let quantity = change.quantity.unwrap_or(spec.quantity);
        self.asked = Some((quantity, change.applied_to(spec.kind)));
    }
    /// A process that died forgot what it had heard and not stored.
    pub fn forget(&mut self) {
        self.heard = 0;
    }
    /// What the engine takes for the terms never goes back to older ones.
    pub fn heard(&mut self, quantity: Quantity, kind: OrderKind) -> Result<(), String> {
        let terms = (quantity, kind);
        match self.given.iter().rposition(|given| *given == terms) {
            Some(at) if at >= self.heard => self.heard = at,
            // An old answer that says just what is being asked can't be told from the new one.
            _ if self.given.is_empty() || self.asked == Some(terms) => {}
            _ => return Err(format!("{quantity} {kind} is not what the broker has: {self:?}")),
        }
        Ok(())
    }
}
