//! What sentences come to: sizes, exits, contracts and closings, on a state and a market of a table.

use crate::domain::{
    Currency, ExitTemplate, InstrumentId, InstrumentKind, Money, OrderKind, Quantity, Side, Timestamp,
};
use crate::engine::command::{DenialCode, Entry};
use crate::engine::port::BrokerEvent;
use crate::engine::preview::previews;
use crate::engine::sentence::complete::complete;
use crate::engine::sentence::{Resolved, Scene, SentenceError, Templates, parse, resolve};
use crate::engine::tests::{Desk, aapl, account, id, instrument, limit, p, q, spec, use_broker};
use crate::engine::{Command, Legs, Outcome, digest};
use crate::market::{Quality, Quote};
use std::cell::Cell;

/// A table with more on it: two contracts of ES, a share in euros, the rate, and a template.
struct Table {
    desk: Desk,
    templates: Templates,
    worth: Option<(Money, Currency)>,
    now: Timestamp,
    /// Ids given out.
    given: Cell<u32>,
}

impl Table {
    fn new(desk: Desk) -> Self {
        let scalp = ExitTemplate {
            stop: "-8t".parse().ok(),
            target: "2R".parse().ok(),
            ..ExitTemplate::default()
        };
        let mut table = Self {
            now: Timestamp::parse("2026-11-20T15:00:00Z").unwrap(),
            desk,
            templates: Templates::from([("scalp".to_owned(), scalp)]),
            worth: Some((Money::whole(100_000), Currency::USD)),
            given: Cell::new(0),
        };
        for (name, expires) in [("ESZ6", "2026-12-18T14:30:00Z"), ("ESH7", "2027-03-19T13:30:00Z")] {
            table.list(name, InstrumentKind::Future, |future| {
                future.root = crate::domain::Text::new("ES").ok();
                future.expires = Timestamp::parse(expires);
                future.multiplier = crate::domain::Multiplier::whole(50).unwrap();
                future.ticks = crate::domain::TickTable::uniform(p("0.25")).unwrap();
                future.calendar = crate::domain::CalendarId::CmeGlobex;
            });
            table.quote(name, "5000", "5000.25");
        }
        table.list("SAP", InstrumentKind::Equity, |share| {
            share.currency = Currency::EUR;
        });
        table.quote("SAP", "200", "200.02");
        table.list("EUR.USD", InstrumentKind::Forex, |_| {});
        table.list("MSFT", InstrumentKind::Equity, |_| {});
        table.quote("MSFT", "400.00", "400.04");
        table
    }
    fn list(
        &mut self,
        name: &str,
        kind: InstrumentKind,
        change: impl FnOnce(&mut crate::domain::Instrument),
    ) {
        let mut listed = instrument(name, kind, 1);
        change(&mut listed);
        self.desk.market.list(listed.clone());
        self.desk.broker(BrokerEvent::Instrument(Box::new(listed)));
    }
    fn quote(&mut self, name: &str, bid: &str, ask: &str) {
        self.desk.market.on_quote(Quote {
            instrument: InstrumentId::new(name).unwrap(),
            bid: Some((p(bid), q(100))),
            ask: Some((p(ask), q(100))),
            at: self.now,
            quality: Quality::Live,
        });
    }
    fn means(&self, text: &str) -> Result<Resolved, SentenceError> {
        let scene = Scene {
            state: self.desk.engine.state(),
            market: &self.desk.market,
            account: account(),
            now: self.now,
            net_liquidation: self.worth,
            templates: &self.templates,
        };
        let mut new_id = || {
            self.given.set(self.given.get() + 1);
            id(&format!("TW{}", self.given.get()))
        };
        resolve(&parse(text).unwrap(), &scene, &mut new_id)
    }
    /// The orders as a trader says them, each with its legs.
    fn orders(&self, text: &str) -> Vec<String> {
        let resolved = self.means(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let legs = |legs: Legs| {
            let leg = |word: &str, price: Option<crate::domain::Price>| {
                price.map_or(String::new(), |price| format!(" {word} {price}"))
            };
            leg("stop", legs.stop) + &leg("target", legs.target)
        };
        let one = |command: &Command| match command {
            Command::Submit { spec, legs: with, .. } => vec![format!("{spec}{}", legs(*with))],
            Command::SubmitAll { orders } => orders
                .iter()
                .map(|entry| format!("{}{}", entry.spec, legs(entry.legs)))
                .collect(),
            other => vec![format!("{other:?}")],
        };
        resolved.commands.iter().flat_map(one).collect()
    }
    /// The word that an error points at, and what it says.
    fn wrong(&self, text: &str) -> (String, String) {
        let error = self.means(text).expect_err(text);
        (text[error.at.clone()].to_owned(), error.to_string())
    }
}

fn flat() -> Table {
    Table::new(Desk::ready())
}

#[test]
fn money_and_risk_become_whole_lots_rounded_down() {
    let table = flat();
    for (text, order) in [
        // 10,000 at 100.02 is 99.98 shares.
        ("b 10000usd AAPL mkt", "BUY 99 AAPL mkt day"),
        ("b $10000 AAPL @mid", "BUY 99 AAPL lmt 100.01 day"),
        // 1 % of 100,000 over 0.52 is 1923.07 shares.
        (
            "b risk 1% AAPL @ask stop 99.50",
            "BUY 1923 AAPL lmt 100.02 day stop 99.5",
        ),
        // 500 over 8 ticks of 0.25 at 50 a point: 100 a contract.
        (
            "b risk 500usd ES @bid stop -8t target 2R",
            "BUY 5 ESZ6 lmt 5000.00 day stop 4998 target 5004",
        ),
        (
            "s risk 500usd ES @ask stop +8t target 2R short",
            "SELL 5 ESZ6 lmt 5000.25 day stop 5002.25 target 4996.25",
        ),
        (
            "b 2 ES @bid stop -8t target 2R oco",
            "BUY 2 ESZ6 lmt 5000.00 day stop 4998 target 5004",
        ),
        (
            "b 2 ES @bid tpl scalp",
            "BUY 2 ESZ6 lmt 5000.00 day stop 4998 target 5004",
        ),
        (
            "b risk 500usd ES @bid tpl scalp stop -4t",
            "BUY 10 ESZ6 lmt 5000.00 day stop 4999 target 5002",
        ),
    ] {
        assert_eq!(table.orders(text), [order], "{text}");
    }
    for (text, word, wanted) in [
        ("b 90usd AAPL mkt", "90usd", "is not enough for one lot"),
        (
            "b risk 50usd ES @bid stop -8t",
            "risk 50usd",
            "is not enough for one lot",
        ),
        (
            "b risk 1% AAPL @100 stop 100",
            "100",
            "the stop of a buy goes below the entry at 100",
        ),
        // As the engine would refuse it, and before a size is counted by it.
        (
            "b risk 1% AAPL @ask stop 241.20",
            "241.20",
            "the stop of a buy goes below the entry at 100.02",
        ),
        (
            "b 10 AAPL mkt stop 99 target 98",
            "98",
            "the target of a buy goes above the entry at 100.02",
        ),
        (
            "s 10 AAPL @bid short stop 99",
            "99",
            "the stop of a sell goes above the entry at 100",
        ),
        ("b 2 ES @bid stop +8t", "+8t", "lies below the entry: -8t"),
        ("b 2 ES @bid tpl nosuch", "nosuch", "there are scalp"),
        ("b 999999999usd SAP mkt", "999999999usd", "nor EUR.USD is quoted"),
    ] {
        let (at, said) = table.wrong(text);
        assert!(at == word && said.contains(wanted), "{text}: {at}: {said}");
    }
}

#[test]
fn a_foreign_amount_is_converted_at_a_stated_rate_or_refused() {
    let mut table = flat();
    let (_, said) = table.wrong("b 10000usd SAP mkt");
    assert!(
        said.contains("no rate from USD to EUR") && said.contains("give the amount in EUR"),
        "{said}"
    );
    assert_eq!(table.orders("b 10000eur SAP mkt"), ["BUY 49 SAP mkt day"]);
    table.quote("EUR.USD", "1.2499", "1.2501");
    // 10,000 USD are 8,000 EUR, and 39.99 shares of 200.02.
    let resolved = table.means("b 10000usd SAP mkt").unwrap();
    assert_eq!(resolved.notes, ["1 EUR = 1.25 USD"]);
    assert_eq!(table.orders("b 10000usd SAP mkt"), ["BUY 39 SAP mkt day"]);
    // 1 % of 100,000 USD are 800 EUR, over 2 EUR a share.
    assert_eq!(
        table.orders("b risk 1% SAP @200 stop 198"),
        ["BUY 400 SAP lmt 200.00 day stop 198"]
    );
    table.worth = None;
    table.desk.report(crate::engine::Report::Balance {
        cash: std::collections::BTreeMap::new(),
    });
    let (_, said) = table.wrong("b risk 1% SAP @200 stop 198");
    assert!(
        said.contains("the account is worth 0.00 USD: no part of it"),
        "{said}"
    );
}

#[test]
fn closing_words_never_close_more_than_is_held_and_free() {
    let table = flat();
    for text in ["sell all AAPL mkt", "s half AAPL", "reverse AAPL"] {
        let (at, said) = table.wrong(text);
        assert!(
            at == "AAPL" && said.contains("there is nothing to close"),
            "{text}: {said}"
        );
    }
    let mut table = Table::new(Desk::holding(5));
    assert_eq!(table.orders("sell all AAPL mkt"), ["SELL 5 AAPL mkt day"]);
    assert_eq!(table.orders("s half AAPL @bid"), ["SELL 3 AAPL lmt 100.00 day"]);
    let notes = table.means("s half AAPL").unwrap().notes;
    assert_eq!(notes, ["half of 5 is 2.5: 3, toward less exposure"]);
    assert_eq!(
        table.orders("reverse AAPL"),
        ["SELL 5 AAPL mkt day", "SELL 5 AAPL mkt day"]
    );
    let (at, said) = table.wrong("buy all AAPL mkt");
    assert!(at == "all" && said.contains("sell closes it"), "{said}");
    table.desk.working("T1", spec(Side::Sell, 3, limit("105")));
    assert_eq!(table.orders("sell all AAPL mkt"), ["SELL 2 AAPL mkt day"]);
    assert_eq!(table.orders("s half AAPL mkt"), ["SELL 2 AAPL mkt day"]);
    let (_, said) = table.wrong("reverse AAPL");
    assert!(said.contains("cancel them first"), "{said}");
    table.desk.working("T2", spec(Side::Sell, 2, limit("106")));
    let (_, said) = table.wrong("sell all AAPL mkt");
    assert!(said.contains("already close all 5"), "{said}");
    let short = Table::new(Desk::holding(-4));
    assert_eq!(short.orders("buy half AAPL mkt"), ["BUY 2 AAPL mkt day"]);
}

/// Both halves are equal by nature, and within the limits as they are by default one command ends on the other side.
#[test]
fn a_reversal_ends_as_much_on_the_other_side() {
    let mut table = Table::new(Desk::holding(-150));
    let mut meaning = table.means("reverse AAPL").unwrap();
    let command = digest::looked_at(&table.desk.market, meaning.commands.remove(0));
    let previews = previews(
        table.desk.engine.state(),
        &table.desk.market,
        &command,
        table.desk.now,
    )
    .unwrap();
    assert_eq!(previews.denial, None);
    let positions: Vec<_> = previews.rows.iter().map(|row| row.position).collect();
    assert_eq!(positions, [(q(-150), q(0)), (q(0), q(150))]);
    let outcome = table.desk.blind(command.clone());
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    let Command::SubmitAll { orders } = command else {
        panic!("{command:?}")
    };
    let names: Vec<String> = orders.iter().map(|entry| entry.id.to_string()).collect();
    for name in &names {
        table.desk.accept(name);
        table.desk.fill(name, 150, "100.02");
    }
    assert_eq!(table.desk.held(), q(150));
    // Twice the same as orders of their own is still a slip of the hand.
    let again = |name: &str| Entry {
        id: id(name),
        spec: spec(Side::Buy, 1, limit("99")),
        legs: Legs::default(),
        seen: None,
    };
    let twice = Command::SubmitAll {
        orders: vec![again("D1"), again("D2")],
    };
    let Outcome::Denied(denial) = table.desk.command(twice) else {
        panic!("it was taken")
    };
    assert_eq!(denial.code, DenialCode::Duplicate);
}

#[test]
fn a_closing_order_whose_position_went_meanwhile_opens_nothing() {
    let mut table = Table::new(Desk::holding(-100));
    let closing = table.means("buy all AAPL mkt").unwrap().commands.remove(0);
    let cover = spec(Side::Buy, 100, limit("100.02"));
    table.desk.working("C1", cover);
    table.desk.fill("C1", 100, "100.02");
    assert!(table.desk.held().is_zero());
    let Outcome::Refused(denial) = table.desk.command(closing) else {
        panic!("it was taken")
    };
    assert_eq!(denial.code.as_str(), "STALE_PREVIEW");
}

#[test]
fn a_root_is_the_contract_that_may_be_opened_or_the_one_that_is_held() {
    let mut table = flat();
    let resolved = table.means("b 1 ES mkt").unwrap();
    assert_eq!(resolved.notes, ["ES is ESZ6, trades until 2026-12-18"]);
    // The day before the last: new orders go to the next contract.
    table.now = Timestamp::parse("2026-12-17T15:00:00Z").unwrap();
    assert_eq!(table.orders("b 1 ES mkt"), ["BUY 1 ESH7 mkt day"]);
    table.quote("ESZ6", "5000", "5000.25");
    let order = table.means("b 1 ESZ6 mkt").unwrap().commands.remove(0);
    let Outcome::Denied(denial) = table.desk.command(order) else {
        panic!("it was taken")
    };
    assert_eq!(denial.code.as_str(), "EXPIRING");
    assert!(denial.text.as_str().contains("ESH7 would pass"), "{denial}");
}

#[test]
fn following_orders_are_taken_where_the_broker_has_them() {
    let (at, said) = flat().wrong("b 100 AAPL @mid peg");
    assert!(
        at == "peg" && said.contains("sim has no orders that follow the mid"),
        "{said}"
    );
    use_broker("ibkr");
    let table = flat();
    let followed = table.means("b 100 AAPL @mid peg").unwrap();
    assert!(matches!(
        &followed.commands[..],
        [Command::Submit { spec, .. }] if spec.kind == OrderKind::Midprice { cap: None }
    ));
    assert_eq!(table.wrong("b 100 AAPL @bid peg").0, "peg");
}

#[test]
fn breakeven_moves_the_stop_to_the_average_price_and_never_away_from_it() {
    let mut table = Table::new(Desk::holding(100));
    let (_, said) = table.wrong("breakeven AAPL");
    assert!(
        said.contains("is not past breakeven"),
        "the bid is at the average: {said}"
    );
    table.quote("AAPL", "101.00", "101.02");
    let (_, said) = table.wrong("breakeven AAPL");
    assert!(said.contains("no stop protects AAPL"), "{said}");
    let stop = OrderKind::Stop { trigger: p("99") };
    table.desk.working("S1", spec(Side::Sell, 100, stop));
    let changes = table.means("be AAPL").unwrap().commands;
    assert!(matches!(
        changes[..],
        [Command::Modify { change, .. }] if change.trigger == Some(p("100")) && change.quantity.is_none()
    ));
}

#[test]
fn protect_puts_a_stop_under_what_nothing_covers_and_moves_the_one_that_is_there() {
    let mut table = Table::new(Desk::holding(100));
    table.quote("AAPL", "100.00", "100.02");
    for (text, wanted) in [
        ("protect AAPL at 95", "SELL 100 AAPL stp 95.00 gtc"),
        ("protect AAPL 95", "SELL 100 AAPL stp 95.00 gtc"),
        ("protect aapl at -20t", "SELL 100 AAPL stp 99.80 gtc"),
        ("protect AAPL at -0.50", "SELL 100 AAPL stp 99.50 gtc"),
    ] {
        assert_eq!(table.orders(text), [wanted], "{text}");
    }
    let notes = table.means("protect AAPL at -20t").unwrap().notes;
    assert_eq!(notes, ["-20t from the market at 100.00: 99.80"]);
    for (text, wanted) in [
        ("protect AAPL at 100.00", "would close AAPL at once"),
        ("protect AAPL at 101", "it goes below"),
        ("protect AAPL at +20t", "lies below the entry"),
        ("protect MSFT at 390", "there is nothing to protect"),
    ] {
        let (_, said) = table.wrong(text);
        assert!(said.contains(wanted), "{text}: {said}");
    }
    assert!(
        parse("protect AAPL at 2R")
            .unwrap_err()
            .text
            .contains("a stop is a price or a distance")
    );
    // What it sends only closes: where nothing is held any more it opens nothing.
    let Command::Submit { seen: Some(seen), .. } =
        table.means("protect AAPL at 95").unwrap().commands.remove(0)
    else {
        panic!("an order")
    };
    assert!(seen.reduces);
    // A part is covered: the new one is for the rest. All of it: the one stop moves.
    let stop = |quantity, trigger: &str| spec(Side::Sell, quantity, OrderKind::Stop { trigger: p(trigger) });
    table.desk.working("S1", stop(60, "95"));
    assert_eq!(table.orders("protect AAPL at 96"), ["SELL 40 AAPL stp 96.00 gtc"]);
    table.desk.working("S2", stop(40, "96"));
    let (_, said) = table.wrong("protect AAPL at 97");
    assert!(said.contains("2 stops cover AAPL"), "{said}");
    table.desk.cancelled("S2");
    table.desk.cancelled("S1");
    table.desk.working("S3", stop(100, "95"));
    let changes = table.means("protect AAPL at 97").unwrap().commands;
    assert!(matches!(
        changes[..],
        [Command::Modify { change, .. }] if change.trigger == Some(p("97")) && change.quantity.is_none()
    ));
    let (_, said) = table.wrong("protect AAPL at 95");
    assert!(said.contains("there already"), "{said}");
    // A target that closes all of it leaves nothing for a stop of its own.
    table.desk.cancelled("S3");
    table.desk.working("T", spec(Side::Sell, 100, limit("110")));
    let (_, said) = table.wrong("protect AAPL at 95");
    assert!(said.contains("cancel them first"), "{said}");
}

#[test]
fn one_order_of_a_basket_that_is_denied_denies_all() {
    let mut table = flat();
    let basket = |table: &Table, text: &str| table.means(text).unwrap().commands.remove(0);
    let all = basket(&table, "b {AAPL,MSFT} 5000usd mkt");
    assert_eq!(
        table.orders("b {AAPL,MSFT} 5000usd mkt"),
        ["BUY 49 AAPL mkt day", "BUY 12 MSFT mkt day"]
    );
    // The second has no market: nothing of it leaves.
    table.list("DARK", InstrumentKind::Equity, |_| {});
    let dark = basket(&table, "b {AAPL,DARK} 5 mkt");
    let outcome = table.desk.command(dark);
    let Outcome::Denied(denial) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(denial.code.as_str(), "NO_PRICE");
    assert!(table.desk.sent().is_empty());
    // Each is within the limit of one order, both together are not.
    let worth = basket(&table, "b {AAPL,MSFT} 600000usd mkt");
    let outcome = table.desk.command(worth);
    let Outcome::Denied(denial) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(denial.code.as_str(), "MAX_VALUE");
    assert!(table.desk.sent().is_empty());
    assert!(matches!(table.desk.command(all.clone()), Outcome::Done { .. }));
    assert_eq!(table.desk.sent().len(), 2);
    assert!(matches!(table.desk.command(all), Outcome::Known { .. }), "once");
    assert!(table.desk.sent().is_empty());
}

#[test]
fn what_may_come_next_is_offered_and_nothing_else() {
    let table = flat();
    let next = |text: &str| complete(text, table.desk.engine.state(), &table.templates).join(" ");
    assert_eq!(next("re"), "reverse");
    assert_eq!(next("b "), "all half risk");
    assert_eq!(next("b 2 e"), "ES ESH7 ESZ6 EUR.USD");
    assert_eq!(next("b {AAPL,m"), "{AAPL,MSFT");
    assert!(next("b 2 ES ").starts_with("@bid @ask"));
    assert!(next("b 2 ES @bid ").starts_with("stop target tpl") && next("b 2 ES @bid ").contains("peg"));
    assert_eq!(next("b 2 ES @bid stop "), "", "a number");
    assert_eq!(next("b 2 ES tpl s"), "scalp");
    assert_eq!(next("x AAPL "), "all");
    assert_eq!(next("flat a"), "all AAPL");
    assert_eq!(next("close AAPL "), "");
    for text in ["", "{", "b {", "b {,", "é", "b 1 é", "   ", "oco oco "] {
        next(text);
    }
}

#[test]
fn an_unknown_symbol_names_those_that_are_near() {
    let (at, said) = flat().wrong("b 1 MSTF mkt");
    assert!(at == "MSTF" && said.contains("did you mean MSFT?"), "{said}");
    assert_eq!(
        flat().desk.engine.state().position(account(), aapl()).quantity,
        Quantity::ZERO
    );
}

/// A ticket or a program names exits without a sentence: what is shown of them is what the engine says.
#[test]
fn a_preview_refuses_an_exit_that_the_engine_refuses_and_counts_no_risk_by_it() {
    let table = flat();
    let shown = |stop: &str, target: &str| {
        let command = Command::Submit {
            id: id("W1"),
            spec: spec(Side::Buy, 10, limit("100")),
            legs: Legs {
                stop: Some(p(stop)),
                target: Some(p(target)),
                moves: None,
            },
            seen: None,
        };
        let all = previews(
            table.desk.engine.state(),
            &table.desk.market,
            &command,
            table.desk.now,
        )
        .unwrap();
        let denied = all.denial.map(|denial| (denial.code, denial.text.to_string()));
        (denied, all.rows[0].risk.is_some(), all.rows[0].reward)
    };
    assert_eq!(shown("99", "102"), (None, true, Some(200)));
    for (stop, target, said) in [
        ("101", "102", "the stop of a buy goes below the entry at 100"),
        ("99", "100", "the target of a buy goes above the entry at 100"),
    ] {
        let (denied, risk, reward) = shown(stop, target);
        assert_eq!(denied, Some((DenialCode::BadPrice, said.to_owned())));
        assert!(!risk && reward.is_none());
    }
    // Off the tick is no price either.
    assert_eq!(
        shown("99.005", "102").0.map(|denied| denied.0),
        Some(DenialCode::BadPrice)
    );
}
