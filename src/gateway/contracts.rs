//! What is listed, as TWS names it: contract ids, security types, exchanges, and the rules of their prices. A contract id
//! is made from the instrument's name, so that it is the same after every start.

use super::convert;
use super::tws::proto;
use crate::domain::{CalendarId, Instrument, InstrumentId, InstrumentKind, Price, TickTable, Timestamp};
use std::collections::BTreeMap;

/// The first market rule's number.
const FIRST_RULE: i32 = 26;
/// What can be ordered here.
const ORDER_TYPES: &str = "ACTIVETIM,DAY,FOK,GTC,GTD,ICE,IOC,LMT,MKT,OCA,STP,STPLMT,WHATIF";

/// One instrument and its names.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub instrument: Instrument,
    /// As TWS writes it in answers.
    pub contract: proto::Contract,
    rule: i32,
}

/// Everything listed.
#[derive(Clone, Debug, Default)]
pub(super) struct Contracts {
    by_id: BTreeMap<InstrumentId, Listed>,
    by_con: BTreeMap<i32, InstrumentId>,
    rules: Vec<TickTable>,
}

impl Contracts {
    pub fn new(instruments: &[Instrument]) -> Self {
        let mut all = Self::default();
        for instrument in instruments {
            all.list(instrument);
        }
        all
    }

    fn list(&mut self, instrument: &Instrument) {
        let mut con_id = con_id(instrument.id);
        while self.by_con.contains_key(&con_id) {
            con_id += 1;
        }
        let known = self.rules.iter().position(|rule| *rule == instrument.ticks);
        let at = known.unwrap_or_else(|| {
            self.rules.push(instrument.ticks.clone());
            self.rules.len() - 1
        });
        self.by_con.insert(con_id, instrument.id);
        let listed = Listed {
            instrument: instrument.clone(),
            contract: contract(instrument, con_id),
            rule: FIRST_RULE + i32::try_from(at).unwrap_or(0),
        };
        self.by_id.insert(instrument.id, listed);
    }

    pub fn get(&self, instrument: InstrumentId) -> Option<&Listed> {
        self.by_id.get(&instrument)
    }

    pub fn by_con(&self, con_id: i32) -> Option<&Listed> {
        self.get(*self.by_con.get(&con_id)?)
    }

    pub fn all(&self) -> impl Iterator<Item = &Listed> {
        self.by_id.values()
    }

    /// Everything that fits a client's description, which may leave out much.
    pub fn matching(&self, asked: &proto::Contract) -> Vec<&Listed> {
        if let Some(con_id) = asked.con_id.filter(|id| *id != 0) {
            return self.by_con(con_id).into_iter().collect();
        }
        let mut found: Vec<&Listed> = self
            .all()
            .filter(|listed| fits(&listed.contract, asked))
            .collect();
        found.sort_by_key(|listed| listed.instrument.expires.unwrap_or(Timestamp::MIN));
        found
    }

    /// The one contract that a request means; the code and words for none or several.
    pub fn resolve(&self, asked: Option<&proto::Contract>) -> Result<&Listed, (i32, &'static str)> {
        const NONE: (i32, &str) = (200, "No security definition has been found for the request");
        match *self.matching(asked.ok_or(NONE)?) {
            [one] => Ok(one),
            [] => Err(NONE),
            _ => Err((
                200,
                "The contract description specified is ambiguous; name the expiry or the contract id",
            )),
        }
    }

    /// Those whose symbol or name begins with or holds the pattern, best first.
    pub fn search(&self, pattern: &str) -> Vec<&Listed> {
        let pattern = pattern.trim().to_uppercase();
        let rank = |listed: &Listed| {
            let symbol = listed.contract.symbol.as_deref().unwrap_or_default();
            if symbol == pattern {
                Some(0)
            } else if symbol.starts_with(&pattern) {
                Some(1)
            } else {
                let name = listed.instrument.name.as_str().to_uppercase();
                name.contains(&pattern).then_some(2)
            }
        };
        let mut found: Vec<_> = self
            .all()
            .filter_map(|listed| Some((rank(listed)?, listed)))
            .collect();
        found.sort_by_key(|(rank, listed)| (*rank, listed.instrument.id));
        found.into_iter().map(|(_, listed)| listed).take(16).collect()
    }

    /// The bands of a market rule.
    pub fn rule(&self, number: i32) -> Option<Vec<proto::PriceIncrement>> {
        let at = usize::try_from(number.checked_sub(FIRST_RULE)?).ok()?;
        let bands: Vec<(Price, Price)> = self.rules.get(at)?.clone().into();
        let increment = |(from, tick): (Price, Price)| proto::PriceIncrement {
            low_edge: Some(from.to_f64()),
            increment: Some(tick.to_f64()),
        };
        Some(bands.into_iter().map(increment).collect())
    }
}

impl Listed {
    /// What `reqContractDetails` answers.
    pub fn details(&self, now: Timestamp) -> proto::ContractDetails {
        let instrument = &self.instrument;
        let exchange = self.contract.exchange.clone().unwrap_or_default();
        let future = instrument.kind == InstrumentKind::Future;
        let root = instrument.root.as_ref().map(|root| root.as_str().to_owned());
        let lot = instrument.lot.to_string();
        proto::ContractDetails {
            market_name: root.clone().or_else(|| self.contract.trading_class.clone()),
            min_tick: Some(instrument.ticks.finest().to_string()),
            order_types: Some(ORDER_TYPES.to_owned()),
            valid_exchanges: Some(match &self.contract.primary_exch {
                Some(primary) if *primary != exchange => format!("{exchange},{primary}"),
                _ => exchange,
            }),
            price_magnifier: Some(1),
            under_con_id: Some(0),
            long_name: Some(instrument.name.as_str().to_owned()),
            industry: instrument
                .sector
                .as_ref()
                .map(|sector| sector.as_str().to_owned()),
            contract_month: instrument
                .expires
                .map(|at| convert::date(at).chars().take(6).collect()),
            time_zone_id: Some(zone(instrument).to_owned()),
            trading_hours: Some(hours(instrument.calendar, now, zone(instrument), false)),
            liquid_hours: Some(hours(instrument.calendar, now, zone(instrument), true)),
            agg_group: Some(1),
            under_symbol: root.filter(|_| future),
            under_sec_type: future.then(|| "IND".to_owned()),
            market_rule_ids: Some(self.rule.to_string()),
            real_expiration_date: instrument.expires.map(convert::date),
            stock_type: (instrument.kind == InstrumentKind::Equity)
                .then(|| stock_type(instrument).to_owned()),
            min_size: Some(lot.clone()),
            size_increment: Some(lot.clone()),
            suggested_size_increment: Some(lot),
            ..Default::default()
        }
    }
}

/// FNV-1a of the name, in the range of contract ids.
fn con_id(id: InstrumentId) -> i32 {
    let hash = id.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    100_000_000 + i32::try_from(hash % 900_000_000).unwrap_or(0)
}

/// Security type, exchange and primary exchange.
fn place(instrument: &Instrument) -> (&'static str, &'static str, Option<&'static str>) {
    let id = instrument.id.as_str();
    match instrument.kind {
        InstrumentKind::Equity => {
            let primary = match id {
                "SAP" => "IBIS",
                "JPM" => "NYSE",
                "SPY" | "GLD" => "ARCA",
                _ => "NASDAQ",
            };
            ("STK", "SMART", Some(primary))
        }
        InstrumentKind::Index => ("IND", "CBOE", None),
        InstrumentKind::Option => ("OPT", "SMART", None),
        InstrumentKind::Forex => ("CASH", "IDEALPRO", None),
        InstrumentKind::Crypto => ("CRYPTO", "PAXOS", None),
        InstrumentKind::Future => {
            let oil = instrument.root.as_ref().is_some_and(|root| root.as_str() == "CL");
            ("FUT", if oil { "NYMEX" } else { "CME" }, None)
        }
    }
}

fn stock_type(instrument: &Instrument) -> &'static str {
    match instrument.id.as_str() {
        "SPY" | "QQQ" | "GLD" | "TLT" => "ETF",
        _ => "COMMON",
    }
}

fn contract(instrument: &Instrument, con_id: i32) -> proto::Contract {
    let id = instrument.id.as_str();
    let root = instrument.root.as_ref().map(|root| root.as_str());
    let pair = matches!(instrument.kind, InstrumentKind::Forex | InstrumentKind::Crypto);
    let symbol = match id.split_once('.') {
        Some((base, _)) if pair => base,
        _ => root.unwrap_or(id),
    };
    let (sec_type, exchange, primary) = place(instrument);
    let future = instrument.kind == InstrumentKind::Future;
    proto::Contract {
        con_id: Some(con_id),
        symbol: Some(symbol.to_owned()),
        sec_type: Some(sec_type.to_owned()),
        last_trade_date_or_contract_month: instrument.expires.map(convert::date),
        multiplier: future.then(|| multiplier(instrument)),
        exchange: Some(exchange.to_owned()),
        primary_exch: primary.map(str::to_owned),
        currency: Some(instrument.currency.to_string()),
        local_symbol: Some(id.to_owned()),
        trading_class: Some(root.unwrap_or(id).to_owned()),
        ..Default::default()
    }
}

/// Units a contract, as the wire's double.
pub(super) fn multiplier(instrument: &Instrument) -> f64 {
    // A multiplier is kept in millionths; those in use are far below what a double holds exactly.
    #[allow(clippy::cast_precision_loss, reason = "exact for every multiplier in use")]
    let millionths = instrument.multiplier.raw() as f64;
    millionths / 1e6
}

/// Does a listed contract fit what was asked? What was left out fits everything.
fn fits(listed: &proto::Contract, asked: &proto::Contract) -> bool {
    let text = |asked: &Option<String>| {
        asked
            .as_deref()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let same = |asked: &Option<String>, listed: &Option<String>| {
        text(asked).is_none_or(|asked| listed.as_deref().is_some_and(|l| l.eq_ignore_ascii_case(&asked)))
    };
    if text(&asked.symbol).is_none() && text(&asked.local_symbol).is_none() {
        return false;
    }
    let expiry = text(&asked.last_trade_date_or_contract_month).is_none_or(|asked| {
        let asked: String = asked.chars().filter(char::is_ascii_digit).take(8).collect();
        let listed = listed.last_trade_date_or_contract_month.as_deref();
        asked.len() >= 6 && listed.is_some_and(|listed| listed.starts_with(&asked))
    });
    let exchange = text(&asked.exchange).is_none_or(|asked| {
        asked == "SMART"
            || listed.exchange.as_deref() == Some(asked.as_str())
            || listed.primary_exch.as_deref() == Some(asked.as_str())
    });
    let kind = same(&asked.sec_type, &listed.sec_type)
        || asked.sec_type.as_deref() == Some("CONTFUT") && listed.sec_type.as_deref() == Some("FUT");
    kind && expiry
        && exchange
        && same(&asked.symbol, &listed.symbol)
        && same(&asked.currency, &listed.currency)
        && same(&asked.local_symbol, &listed.local_symbol)
        && same(&asked.trading_class, &listed.trading_class)
}

fn zone(instrument: &Instrument) -> &'static str {
    match (instrument.kind, instrument.currency.as_str()) {
        (InstrumentKind::Future, _) => "US/Central",
        (InstrumentKind::Equity, "EUR") => "MET",
        _ => "US/Eastern",
    }
}

/// The next trading days, `20261127:0930-20261127:1600;…`.
fn hours(calendar: CalendarId, now: Timestamp, zone: &str, liquid: bool) -> String {
    let Ok(zone) = jiff::tz::TimeZone::get(zone) else {
        return String::new();
    };
    let show = |at: Timestamp| {
        at.to_jiff()
            .map(|at| at.to_zoned(zone.clone()).strftime("%Y%m%d:%H%M").to_string())
    };
    let calendar = calendar.calendar();
    let mut days = Vec::new();
    let mut day = calendar.trading_day(now).or_else(|| calendar.next_day(now));
    while let Some(this) = day.filter(|_| days.len() < 5) {
        let (from, until) = if liquid {
            (this.open, this.close)
        } else {
            (this.start, this.end)
        };
        if let (Some(from), Some(until)) = (show(from), show(until)) {
            days.push(format!("{from}-{until}"));
        }
        day = calendar.next_day(this.start);
    }
    days.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::{MemoryBooks, Population, Venue, VenueSettings};

    fn contracts() -> Contracts {
        let mut settings = VenueSettings::new("sim", 1).unwrap();
        settings.population = Population::Nobody;
        let now = Timestamp::parse("2026-11-26T15:00:00Z").unwrap();
        let venue = Venue::open(settings, Box::new(MemoryBooks::default()), now).unwrap();
        Contracts::new(venue.instruments())
    }

    #[test]
    fn every_description_in_use_finds_its_contract_and_an_ambiguous_one_none() {
        let all = contracts();
        let ask = |symbol: &str, kind: &str, currency: &str, expiry: &str| {
            let asked = proto::Contract {
                symbol: Some(symbol.to_owned()),
                sec_type: Some(kind.to_owned()),
                currency: Some(currency.to_owned()),
                exchange: Some("SMART".to_owned()),
                last_trade_date_or_contract_month: Some(expiry.to_owned()),
                ..Default::default()
            };
            all.resolve(Some(&asked))
                .map(|listed| listed.instrument.id.to_string())
        };
        assert_eq!(ask("AAPL", "STK", "USD", ""), Ok("AAPL".into()));
        assert_eq!(ask("EUR", "CASH", "USD", ""), Ok("EUR.USD".into()));
        assert_eq!(ask("BTC", "CRYPTO", "USD", ""), Ok("BTC.USD".into()));
        assert_eq!(ask("ES", "FUT", "USD", "202612"), Ok("ESZ6".into()));
        assert_eq!(ask("ES", "FUT", "USD", "20261218"), Ok("ESZ6".into()));
        assert_eq!(ask("ES", "FUT", "USD", "").map_err(|e| e.0), Err(200));
        assert_eq!(ask("NOPE", "STK", "USD", "").map_err(|e| e.0), Err(200));
        assert!(all.resolve(None).is_err());
        assert!(all.resolve(Some(&proto::Contract::default())).is_err());
        for listed in all.all() {
            assert!(all.rule(listed.rule).is_some());
            assert_eq!(
                all.by_con(listed.contract.con_id.unwrap()).unwrap().instrument.id,
                listed.instrument.id
            );
        }
    }
}
