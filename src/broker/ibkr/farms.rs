//! The parts of the broker that serve data, each with its state: a farm that goes away takes the prices of what it serves,
//! and of nothing else. Which farm serves an instrument the broker does not say. Its name does, as far as names go: what
//! no name explains is taken to be served by the farms whose names explain nothing. Pure.

use crate::domain::{Instrument, InstrumentKind, SafeText, Timestamp};
use crate::engine::port::{Farm, FarmKind, FarmState};
use std::collections::BTreeMap;

/// What a number says of a farm; nothing for a number that is about none.
pub fn farm_word(code: i32) -> Option<(FarmKind, FarmState)> {
    Some(match code {
        2103 => (FarmKind::Prices, FarmState::Down),
        2104 => (FarmKind::Prices, FarmState::Up),
        2108 => (FarmKind::Prices, FarmState::Idle),
        2119 => (FarmKind::Prices, FarmState::Connecting),
        2105 => (FarmKind::History, FarmState::Down),
        2106 => (FarmKind::History, FarmState::Up),
        2107 => (FarmKind::History, FarmState::Idle),
        2157 => (FarmKind::Contracts, FarmState::Down),
        2158 => (FarmKind::Contracts, FarmState::Up),
        _ => return None,
    })
}

/// The farm that a message is about: what stands after its last colon, or its last full stop where it has none.
pub fn farm_name(message: &str) -> String {
    let message = message.trim();
    let name = message
        .rsplit_once(':')
        .or_else(|| message.rsplit_once("demand."))
        .map_or("", |(_, name)| name.trim());
    if name.is_empty() {
        "a farm without a name"
    } else {
        name
    }
    .to_owned()
}

/// What a farm of this name serves, as far as its name says so.
fn serves(name: &str, instrument: &Instrument) -> Option<bool> {
    use InstrumentKind::{Crypto, Equity, Forex, Future, Index, Option as Options};
    let dollars = instrument.currency.as_str() == "USD";
    let currencies: &[&str] = match name {
        name if name.starts_with("usfuture") => return Some(dollars && instrument.kind == Future),
        name if name.starts_with("usopt") => return Some(dollars && instrument.kind == Options),
        // Indexes in dollars are served with the shares.
        name if name.starts_with("usfarm") => {
            return Some(dollars && matches!(instrument.kind, Equity | Index));
        }
        name if name.starts_with("cashfarm") => return Some(instrument.kind == Forex),
        name if name.starts_with("crypto") => return Some(instrument.kind == Crypto),
        name if name.starts_with("eufarm") => {
            &["EUR", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "HUF", "CZK"]
        }
        name if name.starts_with("hfarm") => &["HKD", "CNH", "CNY"],
        name if name.starts_with("jfarm") => &["JPY"],
        _ => return None,
    };
    let listed = !matches!(instrument.kind, Forex | Crypto);
    Some(listed && currencies.contains(&instrument.currency.as_str()))
}

/// All farms that the broker has named on this connection.
#[derive(Clone, Debug, Default)]
pub struct Farms {
    all: BTreeMap<(FarmKind, String), (FarmState, Timestamp)>,
}

impl Farms {
    /// What the broker says of a farm.
    pub fn told(&mut self, kind: FarmKind, name: String, state: FarmState, now: Timestamp) {
        let entry = self.all.entry((kind, name)).or_insert((state, now));
        // What was down and is connecting is away since it went.
        let stays = entry.0 == state || (away(entry.0) && away(state));
        *entry = (state, if stays { entry.1 } else { now });
    }

    /// Whether prices of an instrument have to be taken for old: the farms that serve it are away, or all are.
    pub fn is_stale(&self, instrument: &Instrument) -> bool {
        let prices = || {
            let all = self.all.iter().filter(|((kind, _), _)| *kind == FarmKind::Prices);
            all.map(|((_, name), (state, _))| (name.as_str(), away(*state)))
        };
        if prices().all(|(_, away)| away) {
            // Of no farm at all nothing is known to be away.
            return prices().next().is_some();
        }
        let by_name = || prices().filter(|(name, _)| serves(name, instrument) == Some(true));
        if by_name().next().is_some() {
            // A second farm of the same kind may be the one that serves it: while any of them is away, it may be this.
            return by_name().any(|(_, away)| away);
        }
        prices().any(|(name, away)| away && serves(name, instrument).is_none())
    }

    /// For people: those that are away first.
    pub fn shown(&self) -> Vec<Farm> {
        let farm = |((kind, name), (state, since)): (&(FarmKind, String), &(FarmState, Timestamp))| Farm {
            name: SafeText::new(name),
            kind: *kind,
            state: *state,
            since: *since,
        };
        let mut farms: Vec<Farm> = self.all.iter().map(farm).collect();
        farms.sort_by_key(|farm| !away(farm.state));
        farms
    }
}

fn away(state: FarmState) -> bool {
    state.is_away()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CalendarId, Currency, InstrumentId, Multiplier, Quantity, TickTable};

    fn instrument(name: &str, kind: InstrumentKind, currency: &str) -> Instrument {
        Instrument {
            id: InstrumentId::new(name).unwrap(),
            name: SafeText::new(name),
            kind,
            currency: currency.parse::<Currency>().unwrap(),
            multiplier: Multiplier::whole(1).unwrap(),
            ticks: TickTable::uniform("0.01".parse().unwrap()).unwrap(),
            lot: Quantity::ONE,
            calendar: CalendarId::Always,
            root: None,
            expires: None,
            broker_ids: BTreeMap::new(),
            option: None,
            sector: None,
            listed_on: None,
        }
    }
    fn all() -> [Instrument; 6] {
        [
            instrument("AAPL", InstrumentKind::Equity, "USD"),
            instrument("ESZ6", InstrumentKind::Future, "USD"),
            instrument("EUR.USD", InstrumentKind::Forex, "USD"),
            instrument("SAP", InstrumentKind::Equity, "EUR"),
            instrument("7203", InstrumentKind::Equity, "JPY"),
            instrument("RY", InstrumentKind::Equity, "CAD"),
        ]
    }
    fn say(farms: &mut Farms, code: i32, message: &str, at: i64) {
        let (kind, state) = farm_word(code).unwrap();
        farms.told(kind, farm_name(message), state, Timestamp::from_seconds(at));
    }
    fn stale(farms: &Farms) -> Vec<String> {
        let stale = all().into_iter().filter(|instrument| farms.is_stale(instrument));
        stale.map(|instrument| instrument.id.to_string()).collect()
    }

    #[test]
    fn f7_a_farm_takes_what_it_serves_and_all_of_them_take_everything() {
        let mut farms = Farms::default();
        assert!(stale(&farms).is_empty(), "nothing was said of any");
        for name in ["usfarm", "usfuture", "cashfarm", "eufarm", "southfarm"] {
            say(
                &mut farms,
                2104,
                &format!("Market data farm connection is OK:{name}"),
                0,
            );
        }
        assert!(stale(&farms).is_empty());
        say(
            &mut farms,
            2103,
            "Market data farm connection is broken:usfarm",
            1,
        );
        assert_eq!(stale(&farms), ["AAPL"]);
        say(
            &mut farms,
            2103,
            "Market data farm connection is broken:usfuture",
            2,
        );
        say(&mut farms, 2104, "Market data farm connection is OK:usfarm", 2);
        assert_eq!(stale(&farms), ["ESZ6"]);
        // Connecting is not there yet; idle is as good as there.
        say(&mut farms, 2119, "Market data farm is connecting:usfuture", 3);
        assert_eq!(stale(&farms), ["ESZ6"]);
        let idle = "Market data farm connection is inactive but should be available upon demand.usfuture";
        say(&mut farms, 2108, idle, 4);
        assert!(stale(&farms).is_empty());
        // Nobody's name says who serves Tokyo and Toronto: it may be the farm whose name says nothing.
        say(
            &mut farms,
            2103,
            "Market data farm connection is broken:southfarm",
            5,
        );
        assert_eq!(stale(&farms), ["7203", "RY"]);
        // Neither history nor contracts are prices.
        say(&mut farms, 2105, "HMDS data farm connection is broken:ushmds", 6);
        say(
            &mut farms,
            2157,
            "Sec-def data farm connection is broken:secdefil",
            6,
        );
        say(&mut farms, 2104, "Market data farm connection is OK:southfarm", 7);
        assert!(stale(&farms).is_empty());
        for name in ["usfarm", "usfuture", "cashfarm", "eufarm", "southfarm"] {
            say(
                &mut farms,
                2103,
                &format!("Market data farm connection is broken:{name}"),
                8,
            );
        }
        assert_eq!(stale(&farms).len(), all().len());
    }

    #[test]
    fn a_farm_that_flaps_is_away_since_it_went() {
        let mut farms = Farms::default();
        say(&mut farms, 2104, "Market data farm connection is OK:usfarm", 0);
        say(
            &mut farms,
            2103,
            "Market data farm connection is broken:usfarm",
            10,
        );
        say(&mut farms, 2119, "Market data farm is connecting:usfarm", 15);
        say(
            &mut farms,
            2103,
            "Market data farm connection is broken:usfarm",
            20,
        );
        let shown = farms.shown();
        assert_eq!(
            (shown[0].since, shown[0].state),
            (Timestamp::from_seconds(10), FarmState::Down)
        );
        say(&mut farms, 2104, "Market data farm connection is OK:usfarm", 30);
        assert_eq!(farms.shown()[0].since, Timestamp::from_seconds(30));
        assert_eq!(farm_name("nothing of a name"), "a farm without a name");
    }
}
