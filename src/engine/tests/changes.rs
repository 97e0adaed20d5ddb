//! Changes of a position that are no trade: exact, in their place among the executions, and agreed with the broker.

use super::*;
use crate::engine::changes::{ChangeCause, PositionChange, read};
use crate::engine::trips::trips;

impl Desk {
    /// A word of the desk that records a change.
    fn says(&mut self, word: &str, rest: &str) -> Outcome {
        let command = read(
            &format!("{word} {rest}"),
            self.engine.state(),
            account(),
            self.now,
        )
        .unwrap();
        self.blind(command)
    }
    fn position(&self) -> Position {
        self.engine.state().position(account(), aapl())
    }
    /// The broker holds so many, by two reads.
    fn theirs(&mut self, count: i64) {
        for _ in 0..2 {
            self.now = self.now.after(SECOND * 6);
            if self.engine.state().accounts[&account()].reading.is_none() {
                self.command(Command::Reconcile { account: account() });
            }
            let pass = self.pass();
            self.broker(BrokerEvent::Snapshot(Box::new(Snapshot {
                positions: vec![(aapl(), q(count), None)],
                ..snapshot(pass)
            })));
        }
    }
}

fn differs(desk: &Desk) -> bool {
    !desk.engine.state().accounts[&account()].mismatches.is_empty()
}

#[test]
fn a_split_keeps_the_cost_to_the_last_digit_and_the_broker_agrees_behind_it() {
    let mut desk = Desk::ready();
    desk.working("B", spec(Side::Buy, 3, limit("100.00")));
    desk.fill("B", 3, "99.99");
    let before = desk.position();
    desk.theirs(12);
    assert!(differs(&desk));
    assert!(matches!(desk.says("split", "AAPL 4:1"), Outcome::Done { .. }));
    let after = desk.position();
    assert_eq!(
        (after.quantity, after.cost, after.realized),
        (q(12), before.cost, before.realized)
    );
    assert_eq!(after.average_price(Multiplier::ONE), Some(p("24.9975")));
    desk.theirs(12);
    assert!(!differs(&desk), "and nothing is left of the difference");
    assert!(desk.last_word().contains("READY") || desk.engine.state().link(broker()) == LinkState::Ready);
    // What was executed stays as it was.
    let ledger = &desk.engine.state().ledgers[&(account(), aapl())];
    assert_eq!(
        (ledger.executions[0].quantity, ledger.executions[0].price),
        (q(3), p("99.99"))
    );
    // All of it is sold at the new price: the trip's profit is what came in less what was paid.
    desk.working("S", spec(Side::Sell, 12, OrderKind::Market));
    desk.fill("S", 12, "25.00");
    assert_eq!(desk.held(), Quantity::ZERO);
    let ledger = &desk.engine.state().ledgers[&(account(), aapl())];
    let all = trips(account(), aapl(), ledger);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].profit, "0.03".parse().ok());
    assert_eq!(ledger.position.realized, "0.03".parse().unwrap());
}

#[test]
fn a_correction_of_what_was_traded_before_a_split_is_scaled_with_it() {
    let mut desk = Desk::ready();
    desk.working("B", spec(Side::Buy, 10, limit("100.00")));
    let first = desk.fill("B", 10, "100.00");
    desk.says("split", "AAPL 2:1");
    desk.working("C", spec(Side::Buy, 5, limit("50.00")));
    desk.fill("C", 5, "50.00");
    assert_eq!(desk.held(), q(25));
    let mut corrected = first;
    corrected.id.revision = 2;
    corrected.quantity = q(8);
    desk.report(Report::Executed(corrected));
    assert_eq!(desk.held(), q(21), "8 became 16, and 5 were bought since");
    assert_eq!(desk.position().cost, "1050".parse().unwrap());
}

#[test]
fn what_is_no_exact_quantity_is_refused_and_so_is_a_split_of_nothing() {
    let mut desk = Desk::holding(10);
    assert_eq!(refusal(desk.says("split", "AAPL 1:3")).0, DenialCode::BadQuantity);
    assert_eq!(refusal(desk.says("split", "AAPL 1:1")).0, DenialCode::BadQuantity);
    let mut flat = Desk::ready();
    assert_eq!(
        refusal(flat.says("split", "AAPL 4:1")).0,
        DenialCode::NothingToClose
    );
    let state = desk.engine.state();
    for wrong in ["AAPL 4", "AAPL four:one", "NOPE 4:1", ""] {
        assert!(
            read(&format!("split {wrong}"), state, account(), desk.now).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn dividends_expiries_and_transfers_come_and_go_at_their_cost() {
    let mut desk = Desk::holding(100);
    let cost = desk.position().cost;
    desk.says("dividend", "AAPL 3");
    assert_eq!((desk.held(), desk.position().cost), (q(103), cost));
    desk.says("transfer", "AAPL +7 @110");
    assert_eq!(
        (desk.held(), desk.position().cost),
        (q(110), "10770".parse().unwrap())
    );
    desk.says("transfer", "AAPL -55");
    assert_eq!(
        (desk.held(), desk.position().cost),
        (q(55), "5385".parse().unwrap())
    );
    assert_eq!(
        desk.position().realized,
        Money::ZERO,
        "what goes takes its cost with it"
    );
    desk.says("expire", "AAPL");
    assert_eq!(desk.held(), Quantity::ZERO);
    assert_eq!(desk.position().realized, "-5385".parse().unwrap());
    assert_eq!(
        refusal(desk.says("transfer", "AAPL -1")).0,
        DenialCode::NothingToClose
    );
}

#[test]
fn a_program_records_nothing() {
    let mut desk = Desk::holding(10);
    desk.origin = Origin {
        session: SessionId(9),
        kind: SessionKind::Program,
    };
    let outcome = desk.blind(Command::ChangePosition {
        account: account(),
        instrument: aapl(),
        cause: ChangeCause::Split,
        change: PositionChange::Scale { new: 2, old: 1 },
        note: "split AAPL 2:1".into(),
    });
    assert_eq!(refusal(outcome).0, DenialCode::ReadOnly);
}

#[test]
fn executions_that_grow_old_take_the_changes_before_them_into_the_opening() {
    let mut desk = Desk::ready();
    desk.working("B", spec(Side::Buy, 10, limit("100.00")));
    desk.fill("B", 10, "100.00");
    desk.says("split", "AAPL 2:1");
    let week = Duration::from_secs(8 * 24 * 3_600);
    desk.now = desk.now.after(week);
    desk.step(&Input::Timer);
    let ledger = &desk.engine.state().ledgers[&(account(), aapl())];
    assert_eq!((ledger.executions.len(), ledger.changes.len()), (0, 0));
    assert_eq!(
        (ledger.opening.quantity, ledger.position.quantity),
        (q(20), q(20))
    );
    assert_eq!(ledger.opening.cost, "1000".parse().unwrap());
}

#[test]
fn an_order_that_lives_over_an_ex_date_is_flagged_until_the_date_is_there() {
    use crate::engine::changes::over;
    let mut desk = Desk::holding(10);
    let gtc = OrderSpec {
        tif: TimeInForce::Gtc,
        ..spec(Side::Buy, 1, limit("99.00"))
    };
    desk.working("G", gtc);
    desk.working("D", spec(Side::Buy, 1, limit("98.00")));
    let command = read(
        "exdate AAPL 2026-11-24 split 4:1",
        desk.engine.state(),
        account(),
        desk.now,
    )
    .unwrap();
    desk.blind(command);
    let flagged = |desk: &Desk, name: &str| over(desk.engine.state(), desk.order(name), desk.now).is_some();
    assert!(flagged(&desk, "G") && !flagged(&desk, "D"));
    desk.now = desk.now.after(Duration::from_secs(5 * 24 * 3_600));
    assert!(!flagged(&desk, "G"), "it is over");
    assert!(read("exdate AAPL tomorrow", desk.engine.state(), account(), desk.now).is_err());
}
