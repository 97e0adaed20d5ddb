//! The loss of a session: counted from facts, at its worst where something is unknown; warned, reduced and locked as facts that
//! a restart keeps and the next session ends. And what holds an account back beside it.

use super::limits::limits;
use super::*;
use crate::engine::risk::{HoldCause, LossStage};

/// 200,000 dollars, of which 100,000 are in 1,000 shares bought at 100 in this session.
pub(super) fn invested(change: impl FnOnce(&mut Limits)) -> Desk {
    let mut desk = Desk::cold(AccountClass::Sim);
    desk.quote("100.00", "100.00");
    let pass = desk.pass();
    desk.broker(BrokerEvent::Snapshot(Box::new(Snapshot {
        cash: cash(200_000),
        ..snapshot(pass)
    })));
    limits(&mut desk, |limits| {
        (limits.max_name_bps, limits.max_issuer_bps) = (0, 0);
        change(limits);
    });
    see(&mut desk, "100.00");
    assert_eq!(
        desk.engine.state().days[&account()].opening,
        Money::whole(200_000)
    );
    desk.working("A", spec(Side::Buy, 1_000, limit("100")));
    let mut execution = desk.execution("A", 1_000, "100");
    execution.fee = Some(Fee {
        amount: Money::whole(5),
        currency: Currency::USD,
    });
    desk.report(Report::Executed(execution));
    desk.sent();
    desk
}

/// The market is there, and the engine sees it.
pub(super) fn see(desk: &mut Desk, price: &str) {
    desk.now = desk.now.after(SECOND);
    desk.quote(price, price);
    let batch = desk.engine.on_market(&desk.market, aapl(), desk.now);
    desk.settle(batch.events);
}

fn stage(desk: &Desk) -> LossStage {
    desk.engine.state().days[&account()].stage
}

fn buy(desk: &mut Desk, name: &str) -> Outcome {
    desk.submit(name, spec(Side::Buy, 1, limit("90")))
}

fn passed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done { .. })
}

#[test]
fn a_loss_warns_then_reduces_then_locks_until_the_next_session() {
    let mut desk = invested(|_| {});
    desk.working("E", spec(Side::Buy, 10, limit("90")));
    desk.working("P", spec(Side::Sell, 1_000, OrderKind::Stop { trigger: p("80") }));
    // 1 % of 200,000 are 2,000: the fee is part of it.
    see(&mut desk, "98.01");
    assert_eq!(stage(&desk), LossStage::None);
    see(&mut desk, "98.00");
    assert_eq!(stage(&desk), LossStage::Warned);
    assert!(passed(&buy(&mut desk, "B")));
    desk.accept("B");
    // An order is refused in the very moment; the stage has to last.
    see(&mut desk, "97.00");
    assert_eq!(stage(&desk), LossStage::Warned);
    let (code, words) = refusal(buy(&mut desk, "C"));
    assert_eq!(code, DenialCode::DailyLoss, "{words}");
    assert!(
        words.contains("lost 3005.00 USD, the limit is 3000.00 USD"),
        "{words}"
    );
    desk.wait(1);
    assert_eq!(stage(&desk), LossStage::Reducing);
    // A price that was there for a moment locks nobody.
    see(&mut desk, "95.00");
    see(&mut desk, "97.50");
    desk.wait(5);
    assert_eq!(stage(&desk), LossStage::Reducing, "it does not go back either");
    desk.sent();
    see(&mut desk, "95.00");
    desk.wait(1);
    assert_eq!(stage(&desk), LossStage::Reached);
    // Entries go, what protects stays, and out is always open.
    let sent = desk.sent();
    assert!(
        sent.contains(&"cancel E".to_owned()) && sent.contains(&"cancel B".to_owned()),
        "{sent:?}"
    );
    assert!(!sent.contains(&"cancel P".to_owned()), "{sent:?}");
    // Nobody lifts it, no better price, no new process.
    see(&mut desk, "100.00");
    let resume = Command::SetTrading {
        account: account(),
        state: TradingState::Active,
        reason: "please".into(),
    };
    desk.command(resume);
    assert_eq!(refusal(buy(&mut desk, "D")).0, DenialCode::DailyLoss);
    desk.cancelled("E");
    desk.cancelled("B");
    desk.report(Report::Cancelled {
        id: id("P"),
        reason: "by hand".into(),
    });
    limits(&mut desk, |_| {});
    see(&mut desk, "100.00");
    assert_eq!(stage(&desk), LossStage::Reached);
    assert_eq!(refusal(buy(&mut desk, "F")).0, DenialCode::DailyLoss);
    assert!(passed(&desk.submit("G", spec(Side::Sell, 400, limit("99")))));
    // 17:00 in New York.
    desk.now = Timestamp::parse("2026-11-20T22:00:00Z").unwrap();
    see(&mut desk, "95.00");
    assert_eq!(stage(&desk), LossStage::None);
    let day = &desk.engine.state().days[&account()];
    // The cash of this test never moved: 200,000 and the shares at their price now.
    assert_eq!(
        (day.opening, day.marks[&aapl()]),
        (Money::whole(295_000), p("95"))
    );
    assert!(passed(&buy(&mut desk, "H")));
}

#[test]
fn an_unknown_fee_counts_at_its_worst_and_an_unknown_price_blocks() {
    let mut desk = invested(|limits| limits.max_daily_loss = Money::whole(8));
    // The fee of 5 is below 6; another one that nobody told is not taken for nothing.
    assert!(passed(&buy(&mut desk, "B")));
    desk.accept("B");
    desk.fill("B", 1, "100");
    assert!(desk.engine.state().days[&account()].stage < LossStage::Reducing);
    let (code, words) = refusal(buy(&mut desk, "C"));
    assert_eq!(code, DenialCode::DailyLoss, "{words}");
    assert!(passed(&desk.submit("out", spec(Side::Sell, 1_001, limit("100")))));
    // What is held without a price makes the result unknown, and unknown is not zero.
    let mut desk = invested(|_| {});
    desk.market = Market::new();
    desk.market.list(instrument("AAPL", InstrumentKind::Equity, 1));
    let (code, words) = refusal(buy(&mut desk, "B"));
    assert_eq!(code, DenialCode::WorthUnknown, "{words}");
    assert!(passed(&desk.submit("out", spec(Side::Sell, 1_000, limit("100")))));
}

#[test]
fn what_a_loss_does_is_chosen() {
    for (does, sent) in [
        (Breach::Refuse, false),
        (Breach::ReduceOnly, false),
        (Breach::CancelEntries, true),
        (Breach::Liquidate, true),
    ] {
        let mut desk = invested(|limits| limits.daily_loss_does = does);
        desk.working("E", spec(Side::Buy, 10, limit("90")));
        desk.sent();
        see(&mut desk, "95.00");
        desk.wait(1);
        let cancelled = desk.sent().contains(&"cancel E".to_owned());
        assert_eq!(cancelled, sent, "{does:?}");
        assert_eq!(
            refusal(buy(&mut desk, "B")).0,
            if does == Breach::Liquidate {
                DenialCode::Busy
            } else {
                DenialCode::DailyLoss
            }
        );
        let flattening = !desk.engine.state().flattening_accounts.is_empty();
        assert_eq!(flattening, does == Breach::Liquidate);
        // A better price ends what is only refused, a person what is no lock.
        see(&mut desk, "100.00");
        desk.command(Command::SetTrading {
            account: account(),
            state: TradingState::Active,
            reason: "go on".into(),
        });
        assert_eq!(passed(&buy(&mut desk, "C")), does < Breach::Lock, "{does:?}");
    }
}

#[test]
fn entries_that_fill_again_and_again_stop_until_a_person_resumes() {
    let mut desk = invested(|limits| limits.max_entries_5m = 3);
    for name in ["B", "C", "D"] {
        desk.working(name, spec(Side::Buy, 2, limit("100")));
        desk.fill(name, 1, "100");
        desk.fill(name, 1, "100");
    }
    let (code, words) = refusal(buy(&mut desk, "E"));
    assert_eq!(code, DenialCode::HeldBack, "{words}");
    assert!(
        words.contains("4 entries filled in AAPL within 5 minutes"),
        "{words}"
    );
    assert!(passed(&desk.submit("out", spec(Side::Sell, 10, limit("100")))));
    desk.accept("out");
    desk.fill("out", 10, "100");
    // Neither time nor a new process ends it.
    desk.wait(400);
    limits(&mut desk, |_| {});
    assert_eq!(refusal(buy(&mut desk, "F")).0, DenialCode::HeldBack);
    desk.command(Command::SetTrading {
        account: account(),
        state: TradingState::Active,
        reason: "looked at it".into(),
    });
    assert!(desk.engine.state().holds.is_empty());
    assert!(passed(&buy(&mut desk, "G")));
}

#[test]
fn round_trips_in_a_row_stop_until_a_person_resumes_and_only_those_of_the_last_minute_count() {
    let mut desk = invested(|limits| {
        limits.max_round_trips_1m = 3;
        (limits.max_entries_5m, limits.loss_streak) = (0, 0);
    });
    // What is held from the beginning ends the first one.
    let trip = |desk: &mut Desk, n: usize| {
        let held = desk.engine.state().position(account(), aapl()).quantity;
        if held.is_zero() {
            let name = format!("in{n}");
            if !passed(&desk.submit(&name, spec(Side::Buy, 2, limit("100")))) {
                return false;
            }
            desk.accept(&name);
            desk.fill(&name, 2, "100");
        }
        let held = desk.engine.state().position(account(), aapl()).quantity;
        let held = held.raw() / Quantity::ONE.raw();
        let name = format!("out{n}");
        assert!(passed(&desk.submit(&name, spec(Side::Sell, held, limit("100")))));
        desk.accept(&name);
        desk.fill(&name, held, "100");
        true
    };
    for n in 0..3 {
        assert!(trip(&mut desk, n));
    }
    // A minute later they don't count any more.
    desk.wait(61);
    see(&mut desk, "100.00");
    for n in 3..6 {
        assert!(trip(&mut desk, n), "{n}");
    }
    assert!(trip(&mut desk, 6), "the fourth of a minute is still let out");
    let (code, words) = refusal(buy(&mut desk, "more"));
    assert_eq!(code, DenialCode::HeldBack, "{words}");
    assert!(
        words.contains("4 round trips ended in AAPL within a minute, 3 may"),
        "{words}"
    );
    // Neither time nor a new process ends it.
    desk.wait(400);
    limits(&mut desk, |_| {});
    assert_eq!(refusal(buy(&mut desk, "again")).0, DenialCode::HeldBack);
    desk.command(Command::SetTrading {
        account: account(),
        state: TradingState::Active,
        reason: "looked at it".into(),
    });
    see(&mut desk, "100.00");
    assert!(trip(&mut desk, 7));
}

/// Each order passes its own collar; what all of them cost is held over the session.
#[test]
fn what_executions_cost_against_the_market_is_held_over_the_session() {
    let mut desk = invested(|limits| {
        limits.max_slippage_bps = 10;
        (limits.max_entries_5m, limits.loss_streak) = (0, 0);
    });
    // A tenth of a per cent of 200,000 are 200: a dollar for each of 100 shares, twice, and no more.
    for name in ["B", "C"] {
        desk.working(name, spec(Side::Buy, 100, limit("101")));
        desk.fill(name, 100, "101");
    }
    assert!(passed(&buy(&mut desk, "D")));
    desk.working("E", spec(Side::Buy, 1, limit("101")));
    desk.fill("E", 1, "100.01");
    let (code, words) = refusal(buy(&mut desk, "F"));
    assert_eq!(code, DenialCode::Slippage, "{words}");
    desk.wait(1);
    let name = LimitName::MaxSlippageBps;
    assert!(desk.engine.state().breaches.keys().any(|key| key.name == name));
    // What was better makes up for nothing, and the way out is open.
    assert!(passed(&desk.submit("G", spec(Side::Sell, 100, limit("100.50")))));
    desk.accept("G");
    desk.fill("G", 100, "110");
    assert_eq!(refusal(buy(&mut desk, "H")).0, DenialCode::Slippage);
    desk.now = Timestamp::parse("2026-11-20T22:00:00Z").unwrap();
    see(&mut desk, "100.00");
    see(&mut desk, "100.00");
    desk.wait(11);
    see(&mut desk, "100.00");
    assert!(passed(&buy(&mut desk, "I")));
}

#[test]
fn a_row_of_losing_exits_pauses_for_its_time() {
    let mut desk = invested(|limits| (limits.loss_streak, limits.loss_streak_pause_minutes) = (2, 30));
    for name in ["B", "C"] {
        assert!(desk.engine.state().holds.is_empty());
        desk.working(name, spec(Side::Sell, 2, limit("99.99")));
        // One exit in two parts is one exit.
        desk.fill(name, 1, "99.99");
        desk.fill(name, 1, "99.99");
    }
    let (code, why) = refusal(buy(&mut desk, "D"));
    assert_eq!(code, DenialCode::HeldBack);
    let to_the_second = why.split_once(" UTC").map_or("", |(until, _)| until);
    assert!(
        why.ends_with("(:resume)") && !to_the_second.is_empty() && !to_the_second.contains('.'),
        "{why}"
    );
    assert!(passed(&desk.submit("E", spec(Side::Sell, 2, limit("99.98")))));
    desk.accept("E");
    limits(&mut desk, |_| {});
    assert!(
        desk.engine
            .state()
            .holds
            .contains_key(&(account(), HoldCause::LossStreak))
    );
    desk.wait(29 * 60);
    assert_eq!(refusal(buy(&mut desk, "F")).0, DenialCode::HeldBack);
    desk.wait(2 * 60);
    assert!(passed(&buy(&mut desk, "G")));
    // What was counted once is not counted again.
    desk.fill("E", 2, "99.98");
    assert!(desk.engine.state().holds.is_empty());
}
