//! A statement against the books: three makers' files, what is known and what is not, and hostile text.

use super::*;
use crate::engine::explain::{explain, read, read_actions};

const OURS: &str = "record,at,account,symbol,side,quantity,price,bought,sold,held,mark,fee,fees_unknown,realised,day_pnl,currency,execution_id,order_id
fill,2026-11-20T15:00:00Z,sim/SIM100001,AAPL,BUY,100,100,,,,,1.00,,,,USD,E-1.01,A
fill,2026-11-20T15:00:10Z,sim/SIM100001,AAPL,SELL,40,101.5,,,,,1.00,,,,USD,E-77.01,B
symbol,2026-11-20T16:00:00Z,sim/SIM100001,AAPL,,,,100,40,60,101,,,,,USD,,
";
const FLEX: &str = "\u{feff}\"ClientAccountID\",\"Symbol\",\"DateTime\",\"Quantity\",\"TradePrice\",\"Buy/Sell\",\"IBExecID\"\r
\"SIM100001\",\"AAPL\",\"20261120;100000\",\"100\",\"100\",\"BUY\",\"\"\r
\"U7654321\",\"AAPL\",\"20261120;100000\",\"5\",\"100\",\"BUY\",\"\"\r
\"SIM100001\",\"XYZ\",\"20261120;100000\",\"5\",\"7\",\"BUY\",\"\"\r
";
const ACTIVITY: &str = "Statement,Header,Field Name,Field Value
Statement,Data,Title,\"Activity, Statement\"
Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price
Trades,Data,Order,Stocks,USD,AAPL,\"2026-11-20, 10:00:00\",\"1,50\",100
Trades,Data,ClosedLot,Stocks,USD,AAPL,\"2026-11-20, 10:00:00\",7,100
Trades,SubTotal,,Stocks,USD,AAPL,,150,
";

/// A hundred bought at 15:00:00, as `E-1`.
fn desk() -> Desk {
    let mut desk = Desk::ready();
    desk.now = Timestamp::parse("2026-11-20T14:59:59Z").unwrap();
    desk.working("A", spec(Side::Buy, 100, limit("100")));
    desk.fill("A", 100, "100");
    desk
}

#[test]
fn files_of_three_makers_say_what_is_not_here() {
    let desk = desk();
    let state = desk.engine.state();
    let ours = explain(state, account(), &read(OURS).unwrap(), &[]);
    assert_eq!((ours.known, ours.unknown.len()), (1, 1), "{ours:?}");
    assert_eq!((ours.unknown[0].quantity, ours.unknown[0].line), (q(-40), 3));

    let flex = explain(state, account(), &read(FLEX).unwrap(), &[]);
    assert_eq!(
        (flex.known, flex.unknown.len(), flex.elsewhere, flex.strange.len()),
        (1, 0, 1, 1),
        "{flex:?}"
    );

    let activity = read(ACTIVITY).unwrap();
    assert_eq!(activity.len(), 1, "lots and sums repeat it: {activity:?}");
    assert_eq!(activity[0].quantity, q(150));
    assert_eq!(activity[0].at, Timestamp::parse("2026-11-20T15:00:00Z"));
}

#[test]
fn what_a_difference_comes_from_is_said_or_that_it_does_not() {
    let mut desk = desk();
    for _ in 0..2 {
        desk.command(Command::Reconcile { account: account() });
        let read = Snapshot {
            positions: vec![(aapl(), q(60), None)],
            ..snapshot(desk.pass())
        };
        desk.broker(BrokerEvent::Snapshot(Box::new(read)));
    }
    let text = |file: &str| explain(desk.engine.state(), account(), &read(file).unwrap(), &[]).text();
    assert!(
        text(OURS).contains("AAPL: the broker holds -40 more, and these trades are exactly that: explained"),
        "{}",
        text(OURS)
    );
    assert!(text(FLEX).contains("NOT explained"), "{}", text(FLEX));
}

#[test]
fn what_is_no_statement_is_refused_in_words() {
    for (bad, words) in [
        ("", "has a head"),
        ("hello", "has a head"),
        ("symbol,quantity,price\nAAPL,ten,5", "line 2: the quantity 'ten'"),
        ("symbol,quantity,price\nAAPL,1,\"5", "never closed"),
        ("symbol,quantity,price\nAAPL,1,1e99", "the price"),
    ] {
        let said = read(bad).unwrap_err();
        assert!(said.contains(words), "{bad}: {said}");
    }
    let hostile = "symbol,quantity,price\n\u{1b}[2J,1,5\n";
    let desk = desk();
    let said = explain(desk.engine.state(), account(), &read(hostile).unwrap(), &[]).text();
    assert!(!said.contains('\u{1b}'), "{said}");
}

const CORPORATE: &str = "Statement,Header,Field Name,Field Value
Corporate Actions,Header,Asset Category,Currency,Report Date,Date/Time,Description,Quantity,Proceeds,Value,Realized P/L,Code
Corporate Actions,Data,Stocks,USD,2026-11-20,\"2026-11-19, 20:25:00\",\"AAPL(US0378331005) Split 4 for 1 (AAPL, APPLE INC, US0378331005)\",300,0,0,0,
Corporate Actions,Data,Stocks,USD,2026-11-20,\"2026-11-19, 20:25:00\",\"XYZ(US1) Merged(Acquisition) US2 1 for 2\",-10,0,0,0,
Corporate Actions,Data,Total,,,,,,0,0,0,
Transfers,Header,Asset Category,Currency,Symbol,Date,Type,Direction,Xfer Company,Xfer Account,Qty,Xfer Price,Market Value
Transfers,Data,Stocks,USD,AAPL,2026-11-20,ACATS,Out,Other,1,20,0,0
";
const FLEX_ACTIONS: &str = "\"ClientAccountID\",\"Symbol\",\"DateTime\",\"Quantity\",\"TradePrice\",\"Buy/Sell\",\"IBExecID\"
\"SIM100001\",\"AAPL\",\"20261120;100000\",\"100\",\"100\",\"BUY\",\"\"
\"ClientAccountID\",\"Symbol\",\"Date/Time\",\"ActionDescription\",\"Type\",\"Quantity\"
\"SIM100001\",\"AAPL\",\"20261119;202500\",\"AAPL(US0378331005) STOCK DIVIDEND US0378331005 1 FOR 20\",\"SD\",\"5\"
\"U7654321\",\"AAPL\",\"20261119;202500\",\"AAPL(US0378331005) SPLIT 4 FOR 1\",\"FS\",\"30\"
\"ClientAccountID\",\"Symbol\",\"Date\",\"TransactionType\",\"Quantity\",\"TradePrice\"
\"SIM100001\",\"AAPL\",\"20261120\",\"Assignment\",\"-100\",\"105\"
";

/// What is no trade is proposed in the words that record it; said, it is a fact with its cause, and known from then on.
#[test]
fn what_a_statement_tells_beside_trades_becomes_the_words_that_record_it() {
    let mut desk = desk();
    for _ in 0..2 {
        desk.command(Command::Reconcile { account: account() });
        let read = Snapshot {
            positions: vec![(aapl(), q(380), None)],
            ..snapshot(desk.pass())
        };
        desk.broker(BrokerEvent::Snapshot(Box::new(read)));
    }
    assert_eq!(
        read(CORPORATE),
        Ok(Vec::new()),
        "it has no trades, and is a statement"
    );
    let actions = read_actions(CORPORATE).unwrap();
    let told = explain(desk.engine.state(), account(), &[], &actions);
    let words: Vec<Option<&str>> = told.changes.iter().map(|(_, words)| words.as_deref()).collect();
    assert_eq!(
        words,
        [Some("split AAPL 4:1"), None, Some("transfer AAPL -20")],
        "{told:?}"
    );
    assert!(told.text().contains(":record split AAPL 4:1"), "{}", told.text());
    assert!(
        told.text()
            .contains("AAPL: the broker holds 280 more, and what is no trade"),
        "{}",
        told.text()
    );
    for words in words.into_iter().flatten() {
        let command = crate::engine::changes::read(words, desk.engine.state(), account(), desk.now).unwrap();
        assert!(matches!(desk.command(command), Outcome::Done { .. }), "{words}");
    }
    assert_eq!(desk.engine.state().position(account(), aapl()).quantity, q(380));
    let again = explain(desk.engine.state(), account(), &[], &actions);
    assert_eq!((again.known, again.changes.len()), (2, 1), "{again:?}");

    // Several tables in one file, each with a head of its own.
    assert_eq!(read(FLEX_ACTIONS).unwrap().len(), 1);
    let flex = explain(
        desk.engine.state(),
        account(),
        &[],
        &read_actions(FLEX_ACTIONS).unwrap(),
    );
    let words: Vec<Option<&str>> = flex.changes.iter().map(|(_, words)| words.as_deref()).collect();
    assert_eq!(words, [Some("dividend AAPL 5"), Some("assign AAPL -100 @105")]);
    assert_eq!(flex.elsewhere, 1);
    let bad = FLEX_ACTIONS.replace("\"-100\"", "\"many\"");
    assert!(
        read_actions(&bad)
            .unwrap_err()
            .contains("line 7: the quantity 'many'")
    );
}
