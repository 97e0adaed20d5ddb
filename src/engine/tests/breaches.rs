//! Limits that the market breaches with no order of ours: each does what its setting says, once, does not flap at the edge, is a
//! fact that a new process keeps, and never holds up the way out.

use super::limits::limits;
use super::losses::{invested, see};
use super::*;
use crate::engine::risk::breach::BreachKey;

/// 1,000 shares of 100 in an account of 200,000, which may hold half of itself in all: the market rises, and it is too much.
fn grown(does: Breach) -> Desk {
    let mut desk = invested(|limits| {
        limits.max_gross_bps = 5_100;
        (
            limits.daily_loss_warn_bps,
            limits.daily_loss_reduce_bps,
            limits.daily_loss_lock_bps,
        ) = (0, 0, 0);
        limits.on_breach.max_gross_bps = does;
    });
    desk.working("E", spec(Side::Buy, 1, limit("90")));
    desk.working("P", spec(Side::Sell, 1_000, OrderKind::Stop { trigger: p("80") }));
    desk.sent();
    // 51 % of 205,000 are 104,550, of 210,000 are 107,100: at 110 that is 110,000.
    see(&mut desk, "110");
    assert!(desk.engine.state().breaches.is_empty(), "it has to last");
    desk.wait(1);
    desk
}

/// The market goes there in steps: a jump would be taken for a wrong price.
fn walk(desk: &mut Desk, prices: &[&str]) {
    for price in prices {
        see(desk, price);
    }
}

fn gross() -> BreachKey {
    BreachKey {
        account: account(),
        name: LimitName::MaxGrossBps,
        of: None,
    }
}

fn is_breached(desk: &Desk) -> bool {
    desk.engine.state().breaches.contains_key(&gross())
}

fn buy(desk: &mut Desk, name: &str) -> Outcome {
    // What reduces the exposure by its side does not: it is no exit.
    let other = InstrumentId::new("MSFT").unwrap();
    desk.submit(
        name,
        OrderSpec {
            instrument: other,
            ..spec(Side::Buy, 1, limit("1"))
        },
    )
}

fn with_msft(desk: &mut Desk) {
    let msft = instrument("MSFT", InstrumentKind::Equity, 1);
    desk.market.list(msft.clone());
    desk.broker(BrokerEvent::Instrument(Box::new(msft)));
}

fn out(desk: &mut Desk, name: &str) {
    let outcome = desk.submit(name, spec(Side::Sell, 1, limit("109")));
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
}

#[test]
fn each_does_what_is_chosen_and_the_way_out_is_open() {
    for does in [
        Breach::Refuse,
        Breach::ReduceOnly,
        Breach::CancelEntries,
        Breach::Lock,
        Breach::Liquidate,
    ] {
        let mut desk = grown(does);
        assert!(is_breached(&desk), "{does:?}");
        let sent = desk.sent();
        let cancelled = sent.contains(&"cancel E".to_owned());
        assert_eq!(cancelled, does >= Breach::CancelEntries, "{does:?}: {sent:?}");
        let protected = does < Breach::Liquidate;
        assert!(
            !protected || !sent.contains(&"cancel P".to_owned()),
            "{does:?}: {sent:?}"
        );
        let state = desk.engine.state();
        assert_eq!(
            state.flattening_accounts.is_empty(),
            does < Breach::Liquidate,
            "{does:?}"
        );
        with_msft(&mut desk);
        let (code, words) = refusal(buy(&mut desk, "B"));
        if does < Breach::Liquidate {
            assert_eq!(code, DenialCode::MaxGross, "{does:?}: {words}");
            // The stop covers all that is held: it makes room for what closes.
            desk.cancelled("P");
            out(&mut desk, "X");
        }
    }
}

#[test]
fn it_ends_well_within_the_limit_and_after_a_while_alone() {
    let mut desk = grown(Breach::ReduceOnly);
    // At 103 it is 103,000 of 103,527: within, and not well within.
    see(&mut desk, "103");
    desk.wait(60);
    assert!(is_breached(&desk));
    // 95 % of 51 % of 189,995 are 92,052.
    walk(&mut desk, &["97", "90"]);
    desk.wait(5);
    walk(&mut desk, &["97", "103"]);
    desk.wait(9);
    assert!(is_breached(&desk), "it was back for 6 s");
    walk(&mut desk, &["97", "90"]);
    desk.wait(10);
    assert!(!is_breached(&desk));
    let told = |event: &Event| matches!(event.fact, Fact::LimitBreached { .. } | Fact::BreachEnded { .. });
    let told = desk.events.iter().filter(|event| told(event)).count();
    assert_eq!(told, 2, "one breach and one end");
}

#[test]
fn a_lock_lasts_until_the_next_session_and_a_new_process_keeps_it() {
    let mut desk = grown(Breach::Lock);
    for name in ["E", "P"] {
        desk.cancelled(name);
    }
    walk(&mut desk, &["103", "97", "90"]);
    desk.wait(60);
    assert!(is_breached(&desk), "a lock ends with the session");
    limits(&mut desk, |_| {});
    with_msft(&mut desk);
    let (code, words) = refusal(buy(&mut desk, "B"));
    assert_eq!(code, DenialCode::MaxGross, "{words}");
    assert!(words.contains("until 2026-11-20T22:00:00"), "{words}");
    let resume = Command::SetTrading {
        account: account(),
        state: TradingState::Active,
        reason: "please".into(),
    };
    desk.command(resume);
    assert!(is_breached(&desk));
    desk.now = Timestamp::parse("2026-11-20T22:00:00Z").unwrap();
    see(&mut desk, "90");
    assert!(!is_breached(&desk));
}

/// One name's breach is that name's alone.
#[test]
fn a_name_that_grew_holds_back_itself_and_nothing_else() {
    let mut desk = invested(|_| {});
    limits(&mut desk, |limits| {
        limits.max_name_bps = 5_100;
        limits.on_breach.max_name_bps = Breach::CancelEntries;
    });
    with_msft(&mut desk);
    desk.working("E", spec(Side::Buy, 1, limit("90")));
    let other = InstrumentId::new("MSFT").unwrap();
    let msft = |name: &str, desk: &mut Desk| {
        let spec = OrderSpec {
            instrument: other,
            ..spec(Side::Buy, 1, limit("1"))
        };
        desk.submit(name, spec)
    };
    assert!(matches!(msft("M", &mut desk), Outcome::Done { .. }));
    desk.sent();
    walk(&mut desk, &["108", "115"]);
    desk.wait(1);
    let sent = desk.sent();
    assert_eq!(
        sent.iter().filter(|word| word.starts_with("cancel")).count(),
        1,
        "{sent:?}"
    );
    assert!(sent.contains(&"cancel E".to_owned()), "{sent:?}");
    assert!(matches!(msft("N", &mut desk), Outcome::Done { .. }));
    let (code, words) = refusal(desk.submit("B", spec(Side::Buy, 1, limit("89"))));
    assert_eq!(code, DenialCode::MaxName, "{words}");
}

/// What is not known neither breaches nor mends anything.
#[test]
fn an_unknown_price_starts_and_ends_no_breach() {
    let mut desk = grown(Breach::ReduceOnly);
    desk.market = Market::new();
    desk.market.list(instrument("AAPL", InstrumentKind::Equity, 1));
    desk.wait(120);
    assert!(is_breached(&desk));
    limits(&mut desk, |limits| limits.max_gross_bps = 0);
    see(&mut desk, "110");
    desk.wait(11);
    assert!(!is_breached(&desk), "a limit that is off holds nothing back");
}

#[test]
fn excess_liquidity_that_goes_cancels_entries_and_comes_back() {
    let mut desk = invested(|_| {});
    let funds = |desk: &mut Desk, excess: i64| {
        desk.report(Report::Funds {
            currency: Currency::USD,
            excess: Money::whole(excess),
            lends: None,
        });
    };
    funds(&mut desk, 50_000);
    desk.working("E", spec(Side::Buy, 1, limit("90")));
    desk.sent();
    // A tenth of 200,000 has to stay.
    funds(&mut desk, 19_000);
    desk.wait(1);
    assert!(desk.sent().contains(&"cancel E".to_owned()));
    let (code, words) = refusal(desk.submit("B", spec(Side::Buy, 1, limit("90"))));
    assert_eq!(code, DenialCode::BuyingPower, "{words}");
    funds(&mut desk, 40_000);
    desk.wait(10);
    desk.cancelled("E");
    let outcome = desk.submit("C", spec(Side::Buy, 1, limit("90")));
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
}
