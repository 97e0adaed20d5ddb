//! What a broker said an order would bind, were it sent. It comes when it is asked for, holds for half a minute, is never recorded, and
//! is gone with the process: a replay decides nothing, so it needs none. What is made of it says `engine/risk/what_if.rs`; who asks,
//! and who waits for the answer, `app/what_ifs.rs`.

use crate::domain::{
    AccountKey, Currency, InstrumentId, Money, OrderKind, OrderSpec, Quantity, SafeText, Side, Timestamp,
};
use std::time::Duration;

/// An answer is no older than this when an order rests on it.
pub const HOLDS: Duration = Duration::from_secs(30);
/// How long it is kept, so that what other orders bind is known beside it.
const KEPT: Duration = Duration::from_secs(120);
/// How many are kept at most.
const MOST: usize = 256;

/// Exactly the order that was asked about. How long it lives changes nothing of what it binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedFor {
    /// Whose.
    pub account: AccountKey,
    /// Of what.
    pub instrument: InstrumentId,
    /// Which way.
    pub side: Side,
    /// How much.
    pub quantity: Quantity,
    /// How it executes, with its prices.
    pub kind: OrderKind,
}

impl From<&OrderSpec> for AskedFor {
    fn from(spec: &OrderSpec) -> Self {
        Self {
            account: spec.account,
            instrument: spec.instrument,
            side: spec.side,
            quantity: spec.quantity,
            kind: spec.kind,
        }
    }
}

/// What the broker said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// What it would bind.
    Binds(Binds),
    /// It would not take the order, in its words.
    Refused(SafeText),
    /// Nothing that can be held against anything: why.
    Nothing(SafeText),
}

/// What an order would bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binds {
    /// In what currency; nothing where the broker named none, and means the account's own.
    pub currency: Option<Currency>,
    /// How much more initial margin; below zero where it would free some.
    pub initial: Money,
    /// The excess liquidity that would be left.
    pub excess_after: Option<Money>,
    /// How much of the initial margin would not be there.
    pub lacks: Option<Money>,
    /// What the broker warns of.
    pub warning: SafeText,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatIf {
    /// About what.
    pub order: AskedFor,
    /// When it was asked: what happened since it can't know.
    pub at: Timestamp,
    /// What it says.
    pub told: Told,
}

/// The answers that are here.
#[derive(Clone, Debug, Default)]
pub struct WhatIfs {
    /// One for each order that was asked about, the newest last.
    answers: Vec<WhatIf>,
}

impl WhatIfs {
    /// Takes an answer in place of an older one about the same order.
    pub fn take(&mut self, answer: WhatIf) {
        let newest = answer.at;
        self.answers
            .retain(|known| known.order != answer.order && newest.since(known.at) <= KEPT);
        if self.answers.len() >= MOST {
            self.answers.remove(0);
        }
        self.answers.push(answer);
    }

    /// What was said about exactly this order, however old.
    pub fn about(&self, order: &AskedFor) -> Option<&WhatIf> {
        self.answers.iter().rev().find(|answer| answer.order == *order)
    }

    /// What was said about it, where it still holds.
    pub fn fresh(&self, order: &AskedFor, now: Timestamp) -> Option<&WhatIf> {
        self.about(order).filter(|answer| now.since(answer.at) <= HOLDS)
    }
}
