//! A statement against the books: three makers' files, what is known and what is not, and hostile text.

use super::*;
use crate::engine::explain::{explain, read};

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
    let ours = explain(state, account(), &read(OURS).unwrap());
    assert_eq!((ours.known, ours.unknown.len()), (1, 1), "{ours:?}");
    assert_eq!((ours.unknown[0].quantity, ours.unknown[0].line), (q(-40), 3));

    let flex = explain(state, account(), &read(FLEX).unwrap());
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
    let text = |file: &str| explain(desk.engine.state(), account(), &read(file).unwrap()).text();
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
    let said = explain(desk.engine.state(), account(), &read(hostile).unwrap()).text();
    assert!(!said.contains('\u{1b}'), "{said}");
}
