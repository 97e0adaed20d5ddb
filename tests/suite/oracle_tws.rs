//! The TWS text codec against messages that other software's decoder has read. Each row holds the fields as a gateway sent
//! them and the values that the decoder found, by name. The values alone are put into our structs, encoded by us, and must
//! come out as the row's fields, place by place. Since names come from one side and places from the other, a field in a
//! wrong place, too many or too few shows. Likewise the other way round: orders as another client writes them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests, and what only they use"
)]

use super::oracle_files::{files_in, report, required, shared, text};
use super::tws_names::{Args, Named, bar, contract, order, strings};
use serde_json::Value;
use std::collections::BTreeMap;
use tradewind::gateway::tws::message::{BadFrame, Incoming, Outgoing};
use tradewind::gateway::tws::{OLDEST, TEXT_UNTIL, proto};

/// Rows that a decoder read though they are no whole message: shortened, or not for a client. Nothing is proved by them.
const NO_WHOLE_MESSAGE: &str = "of another length";

/// Rows that somebody made up with a flag of 100 or a mask of 10, which no gateway sends.
const IMPOSSIBLE: &[i64] = &[540, 541, 586];

/// Kinds of which the oracle has nothing but requests of the same number, and rows that somebody made up too long.
const UNPROVED: &[&str] = &["completedOrdersEnd", "historicalDataUpdate", "positionEnd"];

#[test]
fn replies_are_written_in_the_places_where_another_decoder_finds_them() {
    let Some(root) = shared() else { return };
    let (mut compared, mut skipped) = (BTreeMap::new(), BTreeMap::new());
    let mut differences = Vec::new();
    for row in rows(&root) {
        if row["n"].as_i64().is_some_and(|n| IMPOSSIBLE.contains(&n)) {
            continue;
        }
        let Some(message) = Row(&row).message() else {
            continue;
        };
        let kind = row["decoded"][0][0].as_str().unwrap().to_owned();
        let cases = Row(&row).compare(&message).unwrap_or_else(|difference| {
            differences.push(difference);
            0
        });
        if cases == 0 && Row(&row).is_real() {
            differences.push(format!("{NO_WHOLE_MESSAGE}, but real: {row}"));
        }
        *compared.entry(kind.clone()).or_insert(0) += cases;
        *skipped.entry(kind).or_insert(0) += usize::from(cases == 0);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let unproved: Vec<&String> = compared
        .iter()
        .filter(|(_, cases)| **cases == 0)
        .map(|(kind, _)| kind)
        .collect();
    assert!(
        unproved.iter().all(|kind| UNPROVED.contains(&kind.as_str())),
        "{unproved:?}: every row is {NO_WHOLE_MESSAGE}"
    );
    println!("compared by kind: {compared:?}; {NO_WHOLE_MESSAGE}: {skipped:?}");
    report("tws replies", compared.values().sum());
    assert!(!required() || compared.len() > 40, "{} kinds", compared.len());
}

#[test]
fn no_message_of_the_wild_upsets_the_reader() {
    let Some(root) = shared() else { return };
    let mut cases = 0;
    for row in rows(&root) {
        let fields = strings(&row["fields"]);
        for cut in 0..=fields.len() {
            let body: String = fields[..cut].iter().map(|field| format!("{field}\0")).collect();
            for version in OLDEST..=TEXT_UNTIL {
                // Replies and requests share numbers: most are no requests, and are refused.
                let _ = Incoming::decode(version, body.as_bytes());
                cases += 1;
            }
        }
    }
    report("tws messages cut short", cases);
}

/// Orders as another client's encoder writes them (`tests/interop/orders.py`), each with its values by name.
#[test]
fn orders_are_read_from_the_places_where_another_encoder_puts_them() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/golden");
    let lines = text(&folder.join("tws_orders.jsonl.gz"));
    for line in lines.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let version = i32::try_from(row["version"].as_i64().unwrap()).unwrap();
        let fields = strings(&row["fields"]);
        let what = format!("{} at version {version}", row["what"]);
        let Ok(Incoming::PlaceOrder(read)) = decode(version, &fields) else {
            panic!("{what}: {:?}", decode(version, &fields));
        };
        let mut named = contract(&row["contract"]).unwrap();
        for (leg, price) in named
            .combo_legs
            .iter_mut()
            .zip(row["order"]["orderComboLegs"].as_array().into_iter().flatten())
        {
            leg.per_leg_price = price["price"].as_f64();
        }
        let order = order(&row["order"]).unwrap();
        let (read_contract, read_order) = (read.contract.unwrap(), read.order.unwrap());
        assert_agree(&what, &format!("{read_contract:?}"), &format!("{named:?}"));
        assert_agree(&what, &format!("{read_order:?}"), &format!("{order:?}"));
        let read = format!("{read_contract:?} {read_order:?}");
        for value in &fields {
            let known_again = value.bytes().filter(u8::is_ascii_digit).count() > 3;
            let found = read.contains(value.trim_end_matches(".0"));
            assert!(found || !known_again, "{what}: {value} was sent, but not read");
        }
        // A field more or less, and it is refused: better no order than another one.
        let short = &fields[..fields.len() - 1];
        assert!(decode(version, short).is_err(), "{what}, one field short");
        let long: Vec<String> = fields.iter().cloned().chain(["1".to_owned()]).collect();
        assert!(decode(version, &long).is_err(), "{what}, one field more");
    }
    report("tws orders", lines.lines().count());
    assert!(lines.lines().count() >= 40);
}

fn decode(version: i32, fields: &[String]) -> Result<Incoming, BadFrame> {
    let body: String = fields.iter().map(|field| format!("{field}\0")).collect();
    Incoming::decode(version, body.as_bytes())
}

/// Compares two structs field by field, printed one field a line: what the one read must be what the other names. What the
/// other names in addition was not sent.
fn assert_agree(what: &str, read: &str, named: &str) {
    let fields = |text: &str| -> Vec<(String, String)> {
        let pairs = text.split(", ").filter_map(|field| field.rsplit_once(": "));
        pairs
            .map(|(name, value)| {
                (
                    name.to_owned(),
                    value.trim_end_matches([' ', '}', ']']).to_owned(),
                )
            })
            .collect()
    };
    let says = |value: &str| match value.trim_end_matches(')') {
        "Some(false" | "Some(0" | "Some(0.0" | "Some(-1" => "None".to_owned(),
        other => other.to_owned(),
    };
    let (read_fields, named_fields) = (fields(read), fields(named));
    assert_eq!(read_fields.len(), named_fields.len(), "{what}");
    for ((name, read), (_, named)) in read_fields.iter().zip(&named_fields) {
        let left_out = read == "None";
        assert!(
            left_out || says(read) == says(named),
            "{what}: {name} is read as {read}, and is {named}"
        );
    }
}

fn rows(root: &std::path::Path) -> Vec<Value> {
    let files = files_in(&root.join("oracle/tws"));
    files
        .iter()
        .flat_map(|file| {
            let lines = text(file);
            lines
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What a field says, whatever it is written like: zero, empty and the largest numbers all say "nothing".
fn said(field: &str) -> String {
    match field.parse::<f64>() {
        Ok(number) if number == 0.0 || number >= 9.2e18 || field == "2147483647" => String::new(),
        Ok(number) => number.to_string(),
        Err(_) => field.to_owned(),
    }
}

/// A row of the oracle.
struct Row<'a>(&'a Value);

impl Row<'_> {
    /// Encodes the message at every version at which the row was decoded so, and compares where it has as many fields as the
    /// row. The number of comparisons, or the first difference.
    fn compare(&self, message: &Outgoing) -> Result<usize, String> {
        let row = self.0;
        let fields = strings(&row["fields"]);
        let versions = row["server_versions"].as_array().unwrap().iter();
        let versions = versions.filter_map(|version| i32::try_from(version.as_i64()?).ok());
        let mut cases = 0;
        for version in versions.filter(|version| (OLDEST..=TEXT_UNTIL).contains(version)) {
            let mut bytes = Vec::new();
            message.encode(version, &mut bytes);
            let body = std::str::from_utf8(bytes.get(4..).unwrap()).unwrap();
            let ours: Vec<&str> = body.strip_suffix('\0').unwrap().split('\0').collect();
            // Many rows were written down with the empty piece after the last NUL.
            let idle = fields.len() == ours.len() + 1 && fields.last().is_some_and(String::is_empty);
            if ours.len() != fields.len() && !idle {
                continue;
            }
            for (place, (ours, theirs)) in ours.iter().zip(&fields).enumerate() {
                if said(ours) != said(theirs) && !self.lost(place) {
                    return Err(format!(
                        "field {place} at version {version} is '{ours}', not '{theirs}': {row}"
                    ));
                }
            }
            cases += 1;
        }
        Ok(cases)
    }

    /// True for what the decoder does not keep, so that we can't know it: the allocation of shares that open orders once had,
    /// the attributes of a price, and in rows that were made up a wrong version of a message.
    fn lost(&self, place: usize) -> bool {
        let kind = self.0["fields"][0].as_str().unwrap();
        let versioned = !["3", "5", "11", "17", "75", "79", "101"].contains(&kind) && kind.len() < 3;
        match (kind, place) {
            ("5", 30) | ("1", 6) => true,
            (_, 1) => versioned && !self.is_real(),
            _ => false,
        }
    }

    fn is_real(&self) -> bool {
        self.0["klass"].as_str().unwrap().starts_with("captured")
    }

    /// The message with the decoded values; nothing for a message that we have not, and for one that is not all there.
    fn message(&self) -> Option<Outgoing> {
        let decoded = self.0["decoded"].as_array()?;
        let first = decoded.first()?;
        let args = Args(first[1].as_array()?);
        match first[0].as_str()? {
            "historicalDataEnd" | "historicalData" => history(decoded),
            kind => args.trading(kind).or_else(|| args.accounts(kind)).or_else(|| {
                let contracts = args.contracts(kind, &strings(&self.0["fields"]));
                contracts.or_else(|| args.market(kind))
            }),
        }
        .map(|message| self.with_time(message))
    }

    /// An execution's time is told by the decoder in UTC: the row's text of the same moment takes its place.
    fn with_time(&self, mut message: Outgoing) -> Outgoing {
        if let Outgoing::ExecutionDetails(details) = &mut message {
            let execution = details.execution.as_mut().unwrap();
            let told = execution.time.clone().unwrap().replace(' ', "T");
            let told: jiff::Timestamp = told.parse().unwrap();
            let fields = strings(&self.0["fields"]);
            execution.time = fields.into_iter().find(|field| moment(field) == Some(told));
        }
        message
    }
}

fn moment(field: &str) -> Option<jiff::Timestamp> {
    let (time, zone) = field.rsplit_once(' ')?;
    let time = jiff::civil::DateTime::strptime("%Y%m%d %H:%M:%S", time).ok()?;
    Some(time.in_tz(zone).ok()?.timestamp())
}

fn history(calls: &[Value]) -> Option<Outgoing> {
    let (end, bars) = calls.split_last()?;
    if end[0] != "historicalDataEnd" {
        return None;
    }
    let end = Args(end[1].as_array()?);
    Some(Outgoing::History {
        bars: proto::HistoricalData {
            req_id: end.int(0),
            historical_data_bars: bars.iter().map(|call| bar(Named(&call[1][1]))).collect(),
        },
        end: proto::HistoricalDataEnd {
            req_id: end.int(0),
            start_date_str: end.text(1),
            end_date_str: end.text(2),
        },
    })
}
