//! What would cost money or a connection: prices in the wrong place, a reply that shifts, a frame that brings the reader down.
//! Whole messages are compared with other software's by the oracle (`tests/suite/oracle_tws.rs`).

use super::super::message::{BadFrame, Incoming, Outgoing};
use super::super::{OLDEST, TEXT_UNTIL, frame, proto};
use proptest::prelude::*;

fn body(fields: &[&str]) -> Vec<u8> {
    fields
        .iter()
        .flat_map(|field| [field.as_bytes(), b"\0"].concat())
        .collect()
}

fn told(message: impl Into<Outgoing>, version: i32) -> String {
    let mut out = Vec::new();
    message.into().encode(version, &mut out);
    let mut frames = frame::Frames::default();
    frames.push(&out);
    let body = frames.next_frame().unwrap().unwrap();
    String::from_utf8(body.to_vec()).unwrap().replace('\0', "|")
}

/// Requests as clients send them, one of every length and shape.
const REQUESTS: &[&[&str]] = &[
    &["71", "2", "7", ""],
    &["4", "1", "42", ""],
    &["6", "2", "1", "DU1"],
    &[
        "7",
        "3",
        "9001",
        "0",
        "DU1",
        "20260102-00:00:00",
        "ACME",
        "STK",
        "",
        "BUY",
    ],
    &[
        "9", "8", "9002", "0", "ACME", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "", "0", "", "", "",
    ],
    &[
        "20", "3", "0", "A", "BAG", "", "0", "", "", "SMART", "", "USD", "", "", "0", "", "1 day", "1 W",
        "1", "TRADES", "1", "1", "5", "1", "BUY", "SMART", "1", "",
    ],
    &[
        "1", "11", "4", "0", "A", "STK", "", "0", "", "100", "SMART", "", "USD", "", "", "0", "233", "0",
        "0", "a=b;",
    ],
];

#[test]
fn requests_say_what_they_say() {
    let read = |index: usize| Incoming::decode(178, &body(REQUESTS[index])).unwrap();
    let Incoming::Executions(asked) = read(3) else {
        panic!()
    };
    let filter = asked.execution_filter.unwrap();
    assert_eq!((asked.req_id, filter.side.as_deref()), (Some(9001), Some("BUY")));
    assert_eq!(filter.exchange, None);
    let Incoming::HistoricalData(asked) = read(5) else {
        panic!()
    };
    assert_eq!((asked.keep_up_to_date, asked.use_rth), (Some(true), Some(true)));
    assert_eq!(asked.bar_size_setting.as_deref(), Some("1 day"));
    assert_eq!(asked.contract.unwrap().combo_legs[0].ratio, Some(1));
    let Incoming::MarketData(asked) = read(6) else {
        panic!()
    };
    assert_eq!(asked.generic_tick_list.as_deref(), Some("233"));
    assert_eq!(asked.contract.unwrap().multiplier, Some(100.0));
    // The issuer is asked for from 176 on only.
    let short = body(&REQUESTS[4][..REQUESTS[4].len() - 1]);
    assert!(Incoming::decode(175, &short).is_ok());
    let refused = Incoming::decode(176, &short).unwrap_err();
    assert_eq!(refused.to_string(), "message 9: ends before issuerId");
}

#[test]
fn unset_numbers_are_nothing_and_wrong_ones_are_named() {
    let with_strike = |strike| {
        let mut fields = REQUESTS[6].to_vec();
        fields[7] = strike;
        match Incoming::decode(160, &body(&fields)) {
            Ok(Incoming::MarketData(asked)) => Ok(asked.contract.unwrap().strike),
            Ok(other) => panic!("{other:?}"),
            Err(bad) => Err(bad.to_string()),
        }
    };
    assert_eq!(with_strike(""), Ok(None));
    assert_eq!(with_strike("1.7976931348623157E308"), Ok(None));
    assert_eq!(with_strike("1.7976931348623157e+308"), Ok(None));
    assert_eq!(with_strike("1e2"), Ok(Some(100.0)));
    for bad in ["nan", "inf", "-inf", "1e999", "ten"] {
        assert!(with_strike(bad).unwrap_err().contains("strike"), "{bad}");
    }
    assert_eq!(Incoming::decode(160, b""), Err(BadFrame::Short(0)));
    assert!(Incoming::decode(160, b"\0\0\0\xcb\x08\x01\0").is_err());
}

#[test]
fn what_is_not_answered_is_known_by_its_request() {
    let unknown = |fields: &[&str]| Incoming::decode(178, &body(fields)).unwrap();
    let request = |number, request| Incoming::Unknown { number, request };
    assert_eq!(unknown(&["22", "77", "50", "STK"]), request(22, Some(77)));
    assert_eq!(unknown(&["54", "3", "78", "0"]), request(54, Some(78)));
    assert_eq!(unknown(&["12", "1", "1"]), request(12, None));
    assert_eq!(unknown(&["4711"]), request(4711, None));
}

#[test]
fn replies_keep_their_places() {
    let price = proto::TickPrice {
        req_id: Some(4),
        tick_type: Some(1),
        price: Some(101.25),
        size: Some("0.5".to_owned()),
        attr_mask: None,
    };
    assert_eq!(told(price.clone(), 178), "1|6|4|1|101.25|0.5|0|");
    assert_eq!(told(price, 157), "1|6|4|1|101.25|0|0|", "sizes were whole then");
    let error = proto::ErrorMessage {
        id: None,
        error_code: Some(321),
        error_msg: Some("a\0b".to_owned()),
        ..Default::default()
    };
    assert_eq!(told(error.clone(), 165), "4|2|-1|321|ab|");
    assert_eq!(told(error, 166), "4|2|-1|321|ab||");
    let pnl = proto::PnL {
        req_id: Some(1),
        daily_pn_l: Some(0.1),
        ..Default::default()
    };
    let unset = "1.7976931348623157E308";
    assert_eq!(told(pnl, 178), format!("94|1|0.1|{unset}|{unset}|"));
    let portfolio = proto::PortfolioValue {
        contract: Some(proto::Contract {
            exchange: Some("SMART".to_owned()),
            primary_exch: Some("TWSIM".to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(told(portfolio, 178), "7|8|0||||0|||TWSIM||||0|0|0|0|0|0||");
}

#[test]
fn bars_are_one_message_and_their_updates_are_ordered_differently() {
    let bar = proto::HistoricalDataBar {
        date: Some("20260105".to_owned()),
        open: Some(1.0),
        high: Some(4.0),
        low: Some(0.5),
        close: Some(2.0),
        volume: Some("10.5".to_owned()),
        wap: Some("1.5".to_owned()),
        bar_count: Some(3),
    };
    let history = Outgoing::History {
        bars: proto::HistoricalData {
            req_id: Some(9),
            historical_data_bars: vec![bar.clone()],
        },
        end: proto::HistoricalDataEnd {
            req_id: Some(9),
            start_date_str: Some("from".to_owned()),
            end_date_str: Some("until".to_owned()),
        },
    };
    let mut out = Vec::new();
    history.encode(178, &mut out);
    let text = String::from_utf8_lossy(&out[4..]).replace('\0', "|");
    assert_eq!(text, "17|9|from|until|1|20260105|1|4|0.5|2|10.5|1.5|3|");
    let update = proto::HistoricalDataUpdate {
        req_id: Some(9),
        historical_data_bar: Some(bar),
    };
    assert_eq!(told(update, 178), "90|9|3|20260105|1|2|4|0.5|1.5|10.5|");
}

/// A frame that was right once: fields lost, doubled or changed, bytes changed.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let hurt = (any::<prop::sample::Index>(), 0..4, any::<u8>(), "[-0-9.eE]{0,12}");
    (0..REQUESTS.len(), prop::collection::vec(hurt, 0..6)).prop_map(|(which, hurts)| {
        let mut fields: Vec<Vec<u8>> = REQUESTS[which]
            .iter()
            .map(|field| field.as_bytes().to_vec())
            .collect();
        for (place, how, byte, text) in hurts {
            let place = place.index(fields.len().max(1));
            match (how, fields.get(place).cloned()) {
                (0, Some(_)) => _ = fields.remove(place),
                (1, Some(field)) => fields.insert(place, field),
                (2, Some(_)) => fields[place] = text.into_bytes(),
                _ => fields.insert(place.min(fields.len()), vec![byte]),
            }
        }
        fields
            .iter()
            .flat_map(|field| [field.as_slice(), b"\0"].concat())
            .collect()
    })
}

proptest! {
    #[test]
    fn no_bytes_bring_the_reader_down(bytes in prop::collection::vec(any::<u8>(), 0..200), hurt in damaged()) {
        for version in (OLDEST..=TEXT_UNTIL).chain([213, 225]) {
            let _ = Incoming::decode(version, &bytes);
            let _ = Incoming::decode(version, &hurt);
        }
    }

    /// An order's own message, with anything in its fields.
    #[test]
    fn no_order_brings_the_reader_down(fields in prop::collection::vec("|0|1|2|BAG|PEG BENCH|PEG BEST|[0-9.]{1,6}", 0..160)) {
        let mut all = vec!["3"];
        all.extend(fields.iter().map(String::as_str));
        for version in OLDEST..=TEXT_UNTIL {
            let _ = Incoming::decode(version, &body(&all));
        }
    }

    /// A protobuf message that was right once, with bytes changed.
    #[test]
    fn no_protobuf_brings_the_reader_down(place in any::<prop::sample::Index>(), byte in any::<u8>(), tail in prop::collection::vec(any::<u8>(), 0..20)) {
        let order = proto::PlaceOrderRequest {
            order_id: Some(1),
            contract: Some(proto::Contract { symbol: Some("ACME".to_owned()), ..Default::default() }),
            order: Some(proto::Order { lmt_price: Some(1.5), ..Default::default() }),
            attached_orders: None,
        };
        let mut body = Incoming::from(order).to_frame().split_off(4);
        let place = place.index(body.len());
        body[place] = byte;
        body.extend(tail);
        for version in [213, 225] {
            let _ = Incoming::decode(version, &body);
        }
    }
}
