//! Instruments by the broker's contract numbers: what is known of which, how a contract becomes an instrument, and what a
//! person may type to name one. The broker's number and routing stand in the instrument itself, so that they survive a
//! restart with it.

use super::translate::{self, zone_of};
use crate::domain::{
    BrokerId, CalendarId, Currency, Instrument, InstrumentId, InstrumentKind, Multiplier, OptionRight,
    OptionTerms, Price, Quantity, SafeText, Text, TickTable, Timestamp,
};
use ibapi::contracts::{
    Contract, ContractDetails, Currency as TheirCurrency, Exchange, MarketRule, OptionRight as TheirRight,
    SecurityType, Symbol,
};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// What is known of the broker's contracts.
#[derive(Debug)]
pub struct Contracts {
    broker: BrokerId,
    by_number: BTreeMap<i32, InstrumentId>,
    known: BTreeMap<InstrumentId, Instrument>,
}

impl Contracts {
    /// With the instruments that were known before.
    pub fn new(broker: BrokerId, known: impl IntoIterator<Item = Instrument>) -> Self {
        let mut contracts = Self {
            broker,
            by_number: BTreeMap::new(),
            known: BTreeMap::new(),
        };
        for instrument in known {
            contracts.keep(instrument);
        }
        contracts
    }

    fn keep(&mut self, instrument: Instrument) {
        if let Some((number, _)) = self.route(&instrument) {
            self.by_number.insert(number, instrument.id);
        }
        self.known.insert(instrument.id, instrument);
    }

    /// The broker's number of an instrument, and the exchange that orders go to.
    fn route<'a>(&self, instrument: &'a Instrument) -> Option<(i32, &'a str)> {
        let name = instrument.broker_ids.get(&self.broker)?.as_str();
        let (number, exchange) = name.split_once('@')?;
        Some((number.parse().ok()?, exchange))
    }

    /// The instrument of a contract, where it is known.
    pub fn instrument_of(&self, contract: &Contract) -> Option<InstrumentId> {
        self.by_number.get(&contract.contract_id).copied()
    }

    /// A known instrument.
    pub fn get(&self, id: InstrumentId) -> Option<&Instrument> {
        self.known.get(&id)
    }

    /// How the broker is told which instrument is meant.
    pub fn contract(&self, id: InstrumentId) -> Option<Contract> {
        let instrument = self.known.get(&id)?;
        let (number, exchange) = self.route(instrument)?;
        Some(Contract {
            contract_id: number,
            security_type: security_type(instrument.kind),
            exchange: Exchange(exchange.to_owned()),
            currency: TheirCurrency(instrument.currency.as_str().to_owned()),
            ..Contract::default()
        })
    }

    /// Makes an instrument of a contract's details and keeps it. One that is known keeps its id.
    ///
    /// # Errors
    /// Something of it does not fit our numbers: in words.
    pub fn learn(
        &mut self,
        details: &ContractDetails,
        rule: Option<&MarketRule>,
    ) -> Result<Instrument, String> {
        let id = match self.by_number.get(&details.contract.contract_id) {
            Some(id) => *id,
            None => self.free_id(&details.contract)?,
        };
        let instrument = instrument(self.broker, id, details, rule)?;
        self.keep(instrument.clone());
        Ok(instrument)
    }

    /// A name that no other instrument has: the plain one first, then with its currency, then with its exchange.
    fn free_id(&self, contract: &Contract) -> Result<InstrumentId, String> {
        let plain = plain_name(contract);
        let currency = &contract.currency.0;
        let exchange = &contract.primary_exchange.0;
        let in_dollars = currency == "USD" || contract.security_type != SecurityType::Stock;
        let names = [
            in_dollars.then(|| plain.clone()),
            Some(format!("{plain}.{currency}")),
            Some(format!("{plain}.{currency}.{exchange}")),
            Some(format!("{plain}#{}", contract.contract_id)),
        ];
        names
            .into_iter()
            .flatten()
            .filter_map(|name| InstrumentId::new(&name).ok())
            .find(|id| !self.known.contains_key(id))
            .ok_or_else(|| format!("contract {} has no name that fits", contract.contract_id))
    }
}

/// What people call a contract.
fn plain_name(contract: &Contract) -> String {
    let symbol = contract.symbol.0.replace(' ', ".");
    match contract.security_type {
        SecurityType::ForexPair | SecurityType::Crypto => format!("{symbol}.{}", contract.currency.0),
        SecurityType::Future | SecurityType::FuturesOption | SecurityType::Option
            if !contract.local_symbol.is_empty() =>
        {
            contract.local_symbol.split_ascii_whitespace().collect()
        }
        _ => symbol,
    }
}

fn security_type(kind: InstrumentKind) -> SecurityType {
    match kind {
        InstrumentKind::Equity => SecurityType::Stock,
        InstrumentKind::Future => SecurityType::Future,
        InstrumentKind::Forex => SecurityType::ForexPair,
        InstrumentKind::Crypto => SecurityType::Crypto,
        InstrumentKind::Index => SecurityType::Index,
        InstrumentKind::Option => SecurityType::Option,
    }
}

fn kind(contract: &Contract) -> Result<InstrumentKind, String> {
    Ok(match &contract.security_type {
        SecurityType::Stock | SecurityType::MutualFund => InstrumentKind::Equity,
        SecurityType::Future | SecurityType::ContinuousFuture => InstrumentKind::Future,
        SecurityType::ForexPair => InstrumentKind::Forex,
        SecurityType::Crypto => InstrumentKind::Crypto,
        SecurityType::Index => InstrumentKind::Index,
        SecurityType::Option | SecurityType::FuturesOption => InstrumentKind::Option,
        other => {
            return Err(format!(
                "{other:?} is a kind of instrument that this version does not know"
            ));
        }
    })
}

fn instrument(
    broker: BrokerId,
    id: InstrumentId,
    details: &ContractDetails,
    rule: Option<&MarketRule>,
) -> Result<Instrument, String> {
    let contract = &details.contract;
    let kind = kind(contract)?;
    let currency: Currency = contract
        .currency
        .0
        .parse()
        .map_err(|_| format!("{id} is in {}, which is no currency", contract.currency.0))?;
    let route = format!("{}@{}", contract.contract_id, route(contract));
    let route = Text::new(&route).map_err(|error| error.to_string())?;
    Ok(Instrument {
        id,
        name: SafeText::new(if details.long_name.is_empty() {
            id.as_str()
        } else {
            &details.long_name
        }),
        kind,
        currency,
        multiplier: multiplier(contract)?,
        ticks: ticks(details, rule).ok_or_else(|| format!("the ticks of {id} can't be read"))?,
        lot: lot(kind, details),
        calendar: calendar(kind, details),
        root: (kind == InstrumentKind::Future)
            .then(|| Text::new(&contract.symbol.0).ok())
            .flatten(),
        expires: expires(details),
        option: option_terms(kind, details),
        sector: sector(details),
        listed_on: Text::new(&contract.primary_exchange.0)
            .ok()
            .filter(|name: &Text<16>| !name.as_str().is_empty()),
        broker_ids: BTreeMap::from([(broker, route)]),
    })
}

/// The broker's word for the industry; what it has none for is told as nothing.
fn sector(details: &ContractDetails) -> Option<SafeText> {
    let industry = details.industry.trim();
    (!industry.is_empty()).then(|| SafeText::new(industry))
}

/// What an option is about.
fn option_terms(kind: InstrumentKind, details: &ContractDetails) -> Option<OptionTerms> {
    if kind != InstrumentKind::Option {
        return None;
    }
    let contract = &details.contract;
    let underlying = if details.under_symbol.is_empty() {
        &contract.symbol.0
    } else {
        &details.under_symbol
    };
    Some(OptionTerms {
        underlying: underlying.parse().ok()?,
        strike: translate::price(contract.strike)?,
        right: match contract.right? {
            TheirRight::Call => OptionRight::Call,
            TheirRight::Put => OptionRight::Put,
        },
        american: None,
    })
}

/// Where orders go: the broker's own choice of exchange for shares, the one exchange for all else.
fn route(contract: &Contract) -> &str {
    match contract.security_type {
        SecurityType::Stock | SecurityType::Option => "SMART",
        _ => &contract.exchange.0,
    }
}

fn multiplier(contract: &Contract) -> Result<Multiplier, String> {
    match contract.multiplier.trim() {
        "" | "0" => Ok(Multiplier::ONE),
        text => text
            .parse()
            .map_err(|_| format!("a multiplier of {text} does not fit")),
    }
}

/// Ticks by price band, where the broker told the rule of the exchange that orders go to; else one tick for all prices.
fn ticks(details: &ContractDetails, rule: Option<&MarketRule>) -> Option<TickTable> {
    let band = |low: f64, tick: f64| Some((translate::price(low)?, translate::price(tick)?));
    let banded = rule.and_then(|rule| {
        let mut bands: Vec<(Price, Price)> = rule
            .price_increments
            .iter()
            .filter_map(|step| band(step.low_edge, step.increment))
            .collect();
        bands.sort_unstable();
        TickTable::banded(bands)
    });
    banded.or_else(|| TickTable::uniform(translate::price(details.min_tick)?))
}

/// The number of the market rule that holds at the exchange where orders go.
pub fn rule_number(details: &ContractDetails) -> Option<i32> {
    let wanted = route(&details.contract);
    let at = details
        .valid_exchanges
        .iter()
        .position(|exchange| exchange == wanted)
        .unwrap_or(0);
    details.market_rule_ids.get(at)?.trim().parse().ok()
}

/// Shares and contracts are whole; what else there is has its own step.
fn lot(kind: InstrumentKind, details: &ContractDetails) -> Quantity {
    let step = details
        .size_increment
        .or(details.min_size)
        .and_then(translate::quantity)
        .filter(|step| step.is_positive());
    match kind {
        InstrumentKind::Equity | InstrumentKind::Future | InstrumentKind::Option => Quantity::ONE,
        _ => step.unwrap_or(Quantity::ONE),
    }
}

/// The calendar nearest to the hours that the broker tells. Exchanges that we have no calendar of count as always open:
/// then only the broker says when they are not.
fn calendar(kind: InstrumentKind, details: &ContractDetails) -> CalendarId {
    let zone = details.time_zone_id.as_str();
    let american =
        zone.starts_with("US/") || zone.starts_with("America/") || matches!(zone, "EST5EDT" | "CST6CDT");
    let euro = details.contract.currency.0 == "EUR";
    match kind {
        InstrumentKind::Forex => CalendarId::Forex,
        InstrumentKind::Equity | InstrumentKind::Index | InstrumentKind::Option if american => {
            CalendarId::UsEquity
        }
        InstrumentKind::Equity | InstrumentKind::Index if euro => CalendarId::Xetra,
        InstrumentKind::Future if american => CalendarId::CmeGlobex,
        _ => CalendarId::Always,
    }
}

/// The end of a dated contract's last day, in its exchange's time, or its last moment where that is told.
fn expires(details: &ContractDetails) -> Option<Timestamp> {
    let date = if details.real_expiration_date.is_empty() {
        &details.contract.last_trade_date_or_contract_month
    } else {
        &details.real_expiration_date
    };
    let date = date.get(..8)?;
    let zone = zone_of(&details.time_zone_id).unwrap_or(TimeZone::UTC);
    let clock = match details.last_trade_time.as_str() {
        "" => "23:59:59",
        told => told,
    };
    translate::moment(&format!("{date} {clock}"), &zone)
        .or_else(|| translate::moment(&format!("{date} 23:59:59"), &zone))
}

fn type_of_word(word: &str) -> SecurityType {
    match word {
        "STK" => SecurityType::Stock,
        "FUT" => SecurityType::Future,
        "OPT" => SecurityType::Option,
        "CASH" => SecurityType::ForexPair,
        "CRYPTO" => SecurityType::Crypto,
        "IND" => SecurityType::Index,
        other => SecurityType::Other(other.to_owned()),
    }
}

/// The contracts that what a person typed may mean, the likeliest first: `AAPL`, `EUR.USD`, `BTC.USD`, `ESZ6`, `ES`, or with
/// the kind said: `ES FUT CME`, `SPX IND`, `SAP STK IBIS EUR`.
pub fn meanings(text: &str) -> Vec<Contract> {
    let upper = text.trim().to_ascii_uppercase();
    let mut words = upper.split_ascii_whitespace();
    let Some(name) = words.next() else {
        return Vec::new();
    };
    if let Some(kind) = words.next() {
        let exchange = words.next().unwrap_or_default();
        return vec![Contract {
            symbol: Symbol(name.to_owned()),
            security_type: type_of_word(kind),
            exchange: Exchange(match (kind, exchange) {
                ("STK" | "OPT", "") => "SMART".to_owned(),
                (_, exchange) => exchange.to_owned(),
            }),
            currency: TheirCurrency(words.next().unwrap_or("USD").to_owned()),
            ..Contract::default()
        }];
    }
    let of = |symbol: &str, security_type: SecurityType, exchange: &str, currency: &str| Contract {
        symbol: Symbol(symbol.to_owned()),
        security_type,
        exchange: Exchange(exchange.to_owned()),
        currency: TheirCurrency(currency.to_owned()),
        ..Contract::default()
    };
    if let Some((base, quote)) = name.split_once('.').filter(|(_, quote)| quote.len() == 3) {
        return vec![
            of(base, SecurityType::ForexPair, "IDEALPRO", quote),
            of(base, SecurityType::Crypto, "PAXOS", quote),
            of(base, SecurityType::Stock, "SMART", quote),
        ];
    }
    let by_local_symbol = Contract {
        local_symbol: name.to_owned(),
        ..of("", SecurityType::Future, "", "USD")
    };
    vec![
        of(name, SecurityType::Stock, "SMART", "USD"),
        by_local_symbol,
        of(name, SecurityType::Future, "", "USD"),
        of(name, SecurityType::Index, "", "USD"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibapi::contracts::PriceIncrement;

    fn details(symbol: &str, kind: SecurityType, number: i32, currency: &str) -> ContractDetails {
        ContractDetails {
            contract: Contract {
                contract_id: number,
                symbol: Symbol(symbol.into()),
                security_type: kind,
                exchange: Exchange("CME".into()),
                currency: TheirCurrency(currency.into()),
                ..Contract::default()
            },
            min_tick: 0.01,
            valid_exchanges: vec!["SMART".into(), "CME".into()],
            market_rule_ids: vec!["26".into(), "67".into()],
            time_zone_id: "US/Eastern".into(),
            ..ContractDetails::default()
        }
    }

    #[test]
    fn one_name_means_one_contract_and_bands_come_from_the_rule_of_the_route() {
        let mut contracts = Contracts::new(BrokerId::new("ibkr").unwrap(), []);
        let us = details("SAP", SecurityType::Stock, 1, "USD");
        let german = details("SAP", SecurityType::Stock, 2, "EUR");
        assert_eq!(contracts.learn(&german, None).unwrap().id.as_str(), "SAP.EUR");
        assert_eq!(contracts.learn(&us, None).unwrap().id.as_str(), "SAP");
        assert_eq!(
            contracts.learn(&german, None).unwrap().id.as_str(),
            "SAP.EUR",
            "known by number"
        );
        let other = details("SAP", SecurityType::Stock, 3, "USD");
        assert_eq!(contracts.learn(&other, None).unwrap().id.as_str(), "SAP.USD");
        assert_eq!(
            contracts
                .contract("SAP.EUR".parse().unwrap())
                .unwrap()
                .contract_id,
            2
        );

        let mut future = details("ES", SecurityType::Future, 9, "USD");
        future.contract.local_symbol = "ESZ6".into();
        future.contract.multiplier = "50".into();
        future.real_expiration_date = "20261218".into();
        assert_eq!(rule_number(&future), Some(67));
        let step = |low_edge, increment| PriceIncrement { low_edge, increment };
        let rule = MarketRule {
            market_rule_id: 67,
            price_increments: vec![step(0.0, 0.05), step(5.0, 0.25)],
        };
        let es = contracts.learn(&future, Some(&rule)).unwrap();
        assert_eq!((es.id.as_str(), es.root.unwrap().as_str()), ("ESZ6", "ES"));
        assert_eq!(es.ticks.tick_at("6000".parse().unwrap()), "0.25".parse().unwrap());
        assert_eq!(es.expires.unwrap().to_string(), "2026-12-19T04:59:59Z");
        let mut broken = future.clone();
        broken.contract.contract_id = 10;
        broken.min_tick = f64::NAN;
        assert!(contracts.learn(&broken, None).is_err());
    }
}
