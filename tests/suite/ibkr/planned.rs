//! Rows in which the calendar or a person has a say: a restart that is planned, and which of two orders goes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what only they use"
)]

use super::pair::{CLIENT, Pair, text};
use super::rows::is_refused;
use crate::gateway::{Hand, limit};
use crate::harness::{until, until_right};
use tradewind::app::clock::Clock;
use tradewind::domain::{AccountId, AccountKey, BrokerId};
use tradewind::engine::{Command, Outcome};
use tradewind::gateway::tws::proto;

/// The restart that is set for the next full minute: two minutes ahead of it nothing that adds risk leaves.
#[test]
fn f8_a_planned_restart_holds_risk_back_and_is_no_alarm() {
    let soon = Clock::start().now().after(std::time::Duration::from_secs(100));
    let minute = soon.to_string()[11..16].to_owned();
    let mut pair = Pair::new();
    pair.order("buy 20 AAPL mkt");
    let resting = pair.order("sell 10 AAPL @9999 gtc");
    // From now on the restart is known: as after a change of the setting.
    pair.kill_engine();
    pair.settings(&format!("restart = \"{minute} UTC\""));
    pair.start_engine();
    until_right(|| {
        let ran = pair.run(&["order", "buy 1 AAPL mkt", "--yes", "--arm", "0001"]);
        let said = &ran.err;
        if said.contains(&format!("planned restart of TWS at {minute} UTC")) {
            Ok(())
        } else {
            Err(format!("a denial that names the restart: {said}"))
        }
    });
    let before = pair.warnings().len();
    pair.fault("restart 3s");
    until("a link that is down", || (pair.link() == "down").then_some(()));
    pair.ready();
    pair.order("sell 5 AAPL mkt");
    let loud: Vec<String> = pair.warnings().split_off(before);
    assert!(loud.iter().all(|text| !text.contains("down")), "{loud:?}");
    assert_eq!(
        text(&pair.row(text(&resting, "client_order_id")), "phase"),
        "working"
    );
    is_refused(&pair, "buy 1 AAPL mkt", "VENUE_NOT_READY");
    pair.agrees();
}

/// Two orders of ours under one reference, as a change that crosses a lost connection leaves them.
#[test]
fn f30_the_newer_of_two_is_cancelled_at_a_persons_word_and_the_older_stays() {
    let mut pair = Pair::new();
    let ours = pair.order("buy 10 AAPL @51 gtc");
    let id = text(&ours, "client_order_id").to_owned();
    pair.kill_engine();
    let (mut hand, next) = Hand::connect(pair.at(), CLIENT);
    let twin = proto::Order {
        account: Some("DU100001".into()),
        order_ref: Some(id.clone()),
        tif: Some("GTC".into()),
        ..limit("BUY", "10", 52.0)
    };
    hand.place(next, twin);
    hand.status(next, "Submitted");
    drop(hand);
    pair.start_engine();
    until_right(|| match pair.notices() {
        told if told.contains("TWO ORDERS") => Ok(()),
        told => Err(format!("both named in {told}")),
    });
    assert_eq!(pair.live().len(), 2, "both count");
    let account = AccountKey {
        broker: BrokerId::new("ibkr").unwrap(),
        account: AccountId::new("DU100001").unwrap(),
    };
    let outcome = pair.command(Command::AcceptDouble { account });
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    until("the older alone", || (pair.live().len() == 1).then_some(()));
    let left = pair.live();
    assert_eq!(
        (text(&left[0], "client_order_id"), text(&left[0], "price")),
        (id.as_str(), "51")
    );
    pair.agrees();
}
