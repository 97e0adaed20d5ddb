//! The way out is always open: whatever keeps new risk back, and whatever protects the position, at every kind of broker a
//! flatten ends flat and never crosses zero.

use super::*;
use crate::engine::breaker::{BreakerCause, BreakerState};
use crate::engine::risk::usage::Amount;
use crate::engine::risk::{HoldCause, LossStage};

/// What keeps new risk back.
#[derive(Clone, Copy, Debug)]
enum Kept {
    Nothing,
    Reducing,
    Halted,
    Loss,
    Held,
    Breaker,
    Breach,
    Lock,
    Pause,
}
const KEPT: [Kept; 9] = [
    Kept::Nothing,
    Kept::Reducing,
    Kept::Halted,
    Kept::Loss,
    Kept::Held,
    Kept::Breaker,
    Kept::Breach,
    Kept::Lock,
    Kept::Pause,
];

/// What works to close the position.
#[derive(Clone, Copy, Debug)]
enum Protected {
    No,
    Stop,
    Bracket,
}

/// How it is asked for.
#[derive(Clone, Copy, Debug)]
enum Asked {
    One,
    All,
    Liquidate,
}

/// 100 are held, protected so.
fn holding(protected: Protected) -> Desk {
    let mut desk = match protected {
        Protected::Bracket => {
            let mut desk = Desk::ready();
            desk.bracket("A", spec(Side::Buy, 100, limit("100")), "95", "105");
            desk.accept("A");
            desk.fill("A", 100, "100");
            desk.accept("A.1");
            desk.accept("A.2");
            desk
        }
        Protected::No | Protected::Stop => Desk::holding(100),
    };
    if matches!(protected, Protected::Stop) {
        desk.working("S", spec(Side::Sell, 100, OrderKind::Stop { trigger: p("95") }));
    }
    desk.sent();
    desk
}

fn breach(does: Breach) -> Fact {
    Fact::LimitBreached {
        account: account(),
        name: LimitName::MaxContracts,
        of: None,
        used: Amount::Count(2),
        most: Amount::Count(1),
        currency: Currency::USD,
        does,
    }
}

impl Desk {
    fn note(&mut self, fact: Fact) {
        let batch = self.engine.record(fact, self.now);
        self.settle(batch.events);
    }

    fn keep(&mut self, kept: Kept) {
        let until = self.now.after(SECOND * 3_600);
        match kept {
            Kept::Nothing => {}
            Kept::Reducing => drop(self.command(Command::SetTrading {
                account: account(),
                state: TradingState::Reducing,
                reason: "test".into(),
            })),
            Kept::Halted => drop(self.command(Command::Halt {
                account: Some(account()),
                reason: "test".into(),
                stops_too: false,
            })),
            Kept::Loss => {
                self.note(Fact::RiskDayBegan {
                    account: account(),
                    from: self.now,
                    until,
                    opening: Money::whole(1_000),
                    marks: BTreeMap::new(),
                });
                self.note(Fact::LossStaged {
                    account: account(),
                    stage: LossStage::Reached,
                    loss: Money::whole(2),
                    threshold: Money::whole(1),
                    currency: Currency::USD,
                    does: Breach::Lock,
                    until,
                });
            }
            Kept::Held => self.note(Fact::RiskHeld {
                account: account(),
                cause: HoldCause::LossStreak,
                until: None,
                text: "test".into(),
            }),
            Kept::Breaker => self.note(Fact::BreakerMoved {
                broker: broker(),
                to: BreakerState::Open,
                cause: BreakerCause::Rejects,
                text: "test".into(),
                lasts: true,
            }),
            Kept::Breach => self.note(breach(Breach::ReduceOnly)),
            Kept::Lock => self.note(breach(Breach::Lock)),
            Kept::Pause => self.broker(BrokerEvent::Paused {
                pause: Some(pause::Pause {
                    what: "restart".into(),
                    at: self.now,
                    until,
                }),
            }),
        }
    }

    fn ask(&mut self, asked: Asked) {
        match asked {
            Asked::One => drop(self.command(Command::Flatten {
                id: id("X"),
                account: account(),
                instrument: aapl(),
            })),
            Asked::All => drop(self.command(Command::FlattenAccount {
                account: account(),
                exits: vec![(aapl(), id("X"))],
            })),
            Asked::Liquidate => self.note(breach(Breach::Liquidate)),
        }
    }

    /// What could execute at the broker against the position: of a group only its largest.
    fn could_close(&self) -> i64 {
        let mut groups: BTreeMap<Option<ClientOrderId>, i64> = BTreeMap::new();
        let mut alone = 0;
        let live = self.engine.state().all_live();
        for order in live.filter(|order| order.spec.side == Side::Sell && order.phase.is_at_broker()) {
            let leaves = order.leaves().raw() / Quantity::ONE.raw();
            match order.oco {
                None => alone += leaves,
                group => {
                    let most = groups.entry(group).or_default();
                    *most = (*most).max(leaves);
                }
            }
        }
        alone + groups.values().sum::<i64>()
    }

    /// A broker that answers everything at once, in the order in which it was asked.
    fn play(&mut self) {
        for _ in 0..40 {
            let state = self.engine.state();
            if state.flattening.is_empty() && state.flattening_accounts.is_empty() {
                return;
            }
            if self.outbox.is_empty() {
                self.wait(1);
                continue;
            }
            match self.outbox.remove(0) {
                Request::Place {
                    id, spec, instead, ..
                } => {
                    for (old, left) in instead {
                        assert_eq!(self.order(old.as_str()).leaves(), left);
                        self.cancelled(old.as_str());
                    }
                    self.report(Report::Accepted {
                        id,
                        broker_id: BrokerOrderId::new("B-exit").unwrap(),
                        phase: Phase::Working,
                    });
                    assert!(q(self.could_close()) <= self.held(), "it could cross zero");
                    self.fill(id.as_str(), spec.quantity.raw() / Quantity::ONE.raw(), "100");
                    assert!(!self.held().is_negative(), "it crossed zero");
                }
                Request::Cancel { id, .. } if self.order(id.as_str()).phase.is_at_broker() => {
                    self.cancelled(id.as_str());
                }
                Request::Modify { id, spec, .. } => {
                    self.modified(id.as_str(), spec.quantity.raw() / Quantity::ONE.raw());
                }
                Request::Cancel { .. } => {}
                Request::Snapshot { .. } => {
                    let live = self.engine.state().all_live();
                    let there: Vec<BrokerOrder> = live
                        .filter(|order| order.phase.is_at_broker())
                        .map(|order| self.at_broker(order.id.as_str(), order.phase))
                        .collect();
                    self.read(&there, &[]);
                }
            }
        }
        panic!("it does not end");
    }
}

#[test]
fn a_flatten_ends_flat_whatever_keeps_new_risk_back_and_whatever_protects() {
    for name in ["sim", "ibkr", "other"] {
        use_broker(name);
        for kept in KEPT {
            for protected in [Protected::No, Protected::Stop, Protected::Bracket] {
                for asked in [Asked::One, Asked::All, Asked::Liquidate] {
                    let mut desk = holding(protected);
                    desk.keep(kept);
                    desk.ask(asked);
                    desk.play();
                    let what = format!("{name} {kept:?} {protected:?} {asked:?}");
                    let told = |found: fn(&Fact) -> bool| desk.events.iter().any(|event| found(&event.fact));
                    assert!(
                        told(|fact| matches!(fact, Fact::FlatConfirmed { .. })),
                        "{what}: {}",
                        desk.last_word()
                    );
                    assert!(!told(|fact| matches!(fact, Fact::NotSent { .. })), "{what}");
                    assert_eq!(
                        (desk.held(), desk.engine.state().all_live().count()),
                        (q(0), 0),
                        "{what}"
                    );
                }
            }
        }
    }
}
