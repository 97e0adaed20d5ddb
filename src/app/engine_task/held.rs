//! Commands with a large order wait here until the broker has said what it would bind, or a few seconds have passed: then they are
//! decided like any other. Whoever else asks what an order would bind, as a ticket does, fills the same answers.

use super::super::what_ifs::{Held, withdrawn};
use super::EngineTask;
use crate::domain::OrderSpec;
use crate::engine::{Command, Fact, Input, Origin, Outcome, SessionKind};
use crate::market::{AskedFor, WhatIf};
use crate::wire::Reply;
use tokio::sync::oneshot;

impl EngineTask {
    /// A command: decided at once, unless it has to wait.
    pub(super) fn command(&mut self, origin: Origin, command: Command, answer: oneshot::Sender<Outcome>) {
        if origin.kind != SessionKind::Monitor {
            let taken = self.what_ifs.taken_back(origin, &command);
            self.withdraw(taken, "taken back");
        }
        if self.what_ifs.is_behind(&command) && self.what_ifs.has_room() {
            let now = self.clock.now();
            return self.what_ifs.hold((origin, command), Vec::new(), answer, now);
        }
        self.ask_or_decide(origin, command, answer);
    }

    fn ask_or_decide(&mut self, origin: Origin, command: Command, answer: oneshot::Sender<Outcome>) {
        let now = self.clock.now();
        let specs = self.engine.to_ask(&self.market, (origin, &command), now);
        if specs.is_empty() || !self.what_ifs.has_room() || self.stopping {
            return self.step(Input::Command { origin, command }, Some(answer));
        }
        let waits: Vec<AskedFor> = specs.iter().map(AskedFor::from).collect();
        self.what_ifs.hold((origin, command), waits, answer, now);
        for spec in specs {
            if self.what_ifs.asks(AskedFor::from(&spec)) {
                self.margin(Box::new(spec), None);
            }
        }
    }

    /// A what-if takes an order number of its own, so that no order ever gets the same.
    pub(super) fn margin(&mut self, spec: Box<OrderSpec>, answer: Option<oneshot::Sender<Reply>>) {
        let broker = self.broker.id;
        let numbers = &self.engine.state().numbers;
        let to = numbers
            .get(&broker)
            .copied()
            .unwrap_or_default()
            .saturating_add(1);
        self.record(Fact::NumbersRaised { broker, to });
        self.broker.margin(spec, to, self.clock.now(), answer);
    }

    /// What the broker said: whoever waited for it goes on.
    pub(super) fn take_what_if(&mut self, told: WhatIf) {
        self.what_ifs.answered(&told.order);
        self.market.on_what_if(told);
        self.go_on();
    }

    /// Lets go on what has its answers, or has waited long enough.
    pub(super) fn go_on(&mut self) {
        while let Some(held) = self.what_ifs.next(self.clock.now()) {
            let (origin, command) = (held.origin, held.command);
            if held.was_asked {
                self.step(Input::Command { origin, command }, Some(held.answer));
            } else {
                self.ask_or_decide(origin, command, held.answer);
            }
        }
    }

    /// What waits is let go: it never was an order.
    pub(super) fn withdraw(&mut self, taken: Vec<Held>, why: &str) {
        for held in taken {
            let (facts, outcome) = withdrawn(&held.command, why);
            for fact in facts {
                // Another under this id may have been recorded meanwhile.
                if matches!(&fact, Fact::Denied { id, .. } if !self.engine.state().orders.contains_key(id)) {
                    self.record(fact);
                }
            }
            self.store(Vec::new(), Some((held.answer, outcome)));
        }
    }
}
