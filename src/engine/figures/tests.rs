//! What must never be told wrong: the currencies make up the worth to the last digit, one unknown price makes a sum
//! unknown and says whose it is, and no figure is made of days that are not there.

use super::days::together;
use super::*;
use crate::domain::*;
use crate::engine::state::{AccountState, Ledger};
use crate::engine::tests::{account, instrument, p, q};
use crate::market::{Bar, Quality, Quote};
use std::collections::BTreeMap;
use std::time::Duration;

fn id(text: &str) -> InstrumentId {
    InstrumentId::new(text).unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-20T15:00:00Z").unwrap()
}

/// Symbol, kind, multiplier, currency, sector, price, how many are held and at what average.
type Row = (
    &'static str,
    InstrumentKind,
    i64,
    &'static str,
    Option<&'static str>,
    &'static str,
    i64,
    &'static str,
);

const ROWS: [Row; 5] = [
    (
        "AAPL",
        InstrumentKind::Equity,
        1,
        "USD",
        Some("Technology"),
        "200",
        100,
        "190",
    ),
    (
        "SAP",
        InstrumentKind::Equity,
        1,
        "EUR",
        Some("Technology"),
        "100",
        -50,
        "110",
    ),
    ("ESZ6", InstrumentKind::Future, 50, "USD", None, "5000", 1, "4990"),
    (
        "EUR.USD",
        InstrumentKind::Forex,
        1,
        "USD",
        None,
        "1.25",
        10_000,
        "1.20",
    ),
    (
        "SPY",
        InstrumentKind::Equity,
        1,
        "USD",
        Some("Funds"),
        "500",
        0,
        "0",
    ),
];

fn held() -> (State, Market) {
    let (mut state, mut market) = (State::default(), Market::new());
    for (symbol, kind, multiplier, currency, sector, price, quantity, average) in ROWS {
        let mut one = instrument(symbol, kind, multiplier);
        one.currency = currency.parse().unwrap();
        one.sector = sector.map(SafeText::new);
        market.list(one.clone());
        market.on_quote(Quote {
            instrument: one.id,
            bid: Some((p(price), q(1))),
            ask: Some((p(price), q(1))),
            at: now(),
            quality: Quality::Live,
        });
        let mut position = Position::default();
        let side = if quantity < 0 { Side::Sell } else { Side::Buy };
        position.execute(side, q(quantity.abs()), p(average), one.multiplier);
        let ledger = Ledger {
            multiplier: one.multiplier,
            opening: Position::default(),
            executions: Vec::new(),
            position,
            opened_at: None,
            merged_until: None,
            changes: Vec::new(),
        };
        state.ledgers.insert((account(), one.id), ledger);
        state.instruments.insert(one.id, one);
    }
    let cash = BTreeMap::from([
        (Currency::USD, Money::whole(50_000)),
        (Currency::EUR, Money::whole(8_000)),
    ]);
    let entry = AccountState {
        account: Account {
            key: account(),
            class: AccountClass::Sim,
            base: Currency::USD,
            cash: Some(cash),
        },
        trading: TradingState::Active,
        trading_reason: None,
        opened: true,
        reading: None,
        read_at: None,
        passes: 1,
        mismatches: BTreeMap::new(),
        gap: None,
        overfilled: BTreeSet::new(),
        recent: [].into(),
    };
    state.accounts.insert(account(), entry);
    (state, market)
}

/// Daily bars that end the day before [`now`], with these returns in hundredths.
fn bars(returns: &[i64]) -> Vec<Bar> {
    let mut close = 100_000_000_000i64;
    let mut all = vec![close];
    for hundredths in returns {
        close += close / 10_000 * hundredths;
        all.push(close);
    }
    let days = u32::try_from(all.len()).unwrap();
    let today = Timestamp::parse("2026-11-19T22:00:00Z").unwrap();
    all.into_iter()
        .zip((1..=days).rev())
        .map(|(close, ago)| {
            let price = Price::from_raw(close);
            Bar {
                start: today.before(Duration::from_secs(86_400) * ago),
                open: price,
                high: price,
                low: price,
                close: price,
                volume: 1,
                value: 1,
                count: 1,
                revision: 0,
            }
        })
        .collect()
}

/// Returns that look like chance and are always the same.
fn chance(seed: i64, days: i64) -> Vec<i64> {
    (0..days)
        .map(|day| (day * day * 31 + day * seed * 17 + seed) % 301 - 150)
        .collect()
}

fn past(of: &[(&str, Vec<Bar>)]) -> Histories {
    let (state, _) = held();
    let of = of.iter();
    of.map(|(symbol, bars)| (id(symbol), Days::of(&state.instruments[&id(symbol)], bars, now())))
        .collect()
}

#[test]
fn currencies_make_up_the_worth_and_symbols_the_market_risk() {
    let (state, market) = held();
    let exposure = exposure::exposure(&state, &market, account()).unwrap();
    // 50,000 and 8,000 EUR at 1.25; AAPL 20,000; SAP -5,000 EUR; ES 500 and the pair 500 open.
    let worth = exposure.worth.clone().unwrap();
    assert_eq!(worth, Money::whole(50_000 + 10_000 + 20_000 - 6_250 + 500 + 500));
    let nets = exposure.currencies.iter().map(|(_, sum)| sum.net().unwrap());
    assert_eq!(nets.fold(Money::ZERO, Money::saturating_add), worth);
    let of = |name: &str| {
        let found = exposure
            .currencies
            .iter()
            .find(|(currency, _)| currency.as_str() == name);
        found.unwrap().1.net().unwrap()
    };
    // The pair is 10,000 EUR that 12,000 USD are owed for.
    assert_eq!(of("EUR"), Money::whole(10_000 - 6_250 + 12_500));
    // By symbol a contract counts in full.
    assert_eq!(exposure.held[0].instrument, id("ESZ6"));
    assert_eq!(
        exposure.all.gross(),
        Some(Money::whole(250_000 + 20_000 + 6_250 + 12_500))
    );
    assert_eq!(
        exposure.all.net(),
        Some(Money::whole(250_000 + 20_000 - 6_250 + 12_500))
    );
    let technology = &exposure
        .sectors
        .iter()
        .find(|(sector, _)| sector.word() == "Technology")
        .unwrap()
        .1;
    assert_eq!(
        (technology.long, technology.short),
        (Money::whole(20_000), Money::whole(6_250))
    );
    assert_eq!(
        exposure.share_bps(Some(Money::whole(20_000))),
        Some(20_000 * 10_000 / 74_750)
    );
    let words: Vec<&str> = exposure.sectors.iter().map(|(sector, _)| sector.word()).collect();
    assert_eq!(words, ["futures", "Technology", "currencies"]);
}

#[test]
fn the_settings_say_a_sector_before_the_broker_does() {
    let (mut state, _) = held();
    state.sectors.insert(id("AAPL"), SafeText::new("Fruit"));
    assert_eq!(
        sectors::sector(&state, &state.instruments[&id("AAPL")]).word(),
        "Fruit"
    );
    let mut nobody = state.instruments[&id("AAPL")].clone();
    (nobody.id, nobody.sector) = (id("ZZZ"), None);
    assert_eq!(sectors::sector(&state, &nobody), Sector::Unknown);
    assert!(
        !sectors::sector(&state, &state.instruments[&id("SPY")]).counts(),
        "a fund is no sector"
    );
}

#[test]
fn one_unknown_price_makes_a_sum_unknown_and_says_whose() {
    let (mut state, market) = held();
    let mut one = instrument("MSFT", InstrumentKind::Equity, 1);
    one.sector = Some(SafeText::new("Technology"));
    let mut ledger = state.ledgers[&(account(), id("AAPL"))].clone();
    ledger.position.quantity = q(1);
    state.ledgers.insert((account(), one.id), ledger);
    state.instruments.insert(one.id, one);
    let look = look(&state, &market, None, &Histories::new(), account()).unwrap();
    assert_eq!((look.exposure.all.gross(), look.exposure.all.net()), (None, None));
    assert!(look.exposure.all.unknown.as_ref().unwrap().contains("MSFT"));
    assert!(look.exposure.worth.is_err() && look.exposure.share_bps(Some(Money::ZERO)).is_none());
    assert!(look.stress.all.unwrap_err().contains("MSFT"));
    assert!(look.at_risk.unwrap_err().contains("MSFT"));
    // What it does not touch is still told.
    let futures = look
        .exposure
        .sectors
        .iter()
        .find(|(sector, _)| sector.word() == "futures")
        .unwrap();
    assert_eq!(futures.1.gross(), Some(Money::whole(250_000)));
    assert!(exposure::exposure(&State::default(), &market, account()).is_err());
}

#[test]
fn what_a_coin_did_at_the_weekend_counts_on_monday() {
    let state = held().0;
    let share = &state.instruments[&id("AAPL")];
    let every = bars(&[100, 100, 100, 100]);
    let mut fewer = every.clone();
    fewer.drain(2..4);
    let histories = Histories::from([
        (id("AAPL"), Days::of(share, &fewer, now())),
        (id("SPY"), Days::of(share, &every, now())),
    ]);
    let both = together(&histories, &[id("AAPL"), id("SPY")], 250).unwrap();
    assert_eq!(both.days.len(), 2);
    let last = both.returns[1][1];
    assert!((last - (1.01f64.powi(3) - 1.0)).abs() < 1e-6, "{last}");
    assert!(
        together(&histories, &[id("AAPL"), id("ESZ6")], 250)
            .unwrap_err()
            .contains("ESZ6")
    );
    assert_eq!(together(&histories, &[id("SPY")], 2).unwrap().days.len(), 2);
    // The day that is not over has no close yet.
    let evening = every.last().unwrap().start.after(Duration::from_secs(3_600));
    assert_eq!(Days::of(share, &every, evening).len(), every.len() - 1);
}

#[test]
fn value_at_risk_needs_days_enough_and_every_position_in_it() {
    let (mut state, market) = held();
    state.ledgers.retain(|(_, id), _| id.as_str() == "AAPL");
    let at_risk = |histories: &Histories| look(&state, &market, None, histories, account()).unwrap();
    let few = at_risk(&past(&[("AAPL", bars(&chance(3, 19)))]));
    let few = few.at_risk.unwrap();
    assert!(few.days == 19 && few.levels.iter().all(|level| level.historical.is_none()));
    let some = at_risk(&past(&[("AAPL", bars(&chance(3, 60)))])).at_risk.unwrap();
    assert!(some.levels[0].historical.is_some() && some.levels[1].historical.is_none());
    assert_eq!(some.span.1, "2026-11-19");
    // A hundred shares at 200 that move by a share of it: the same as the statistics of the share alone, times 20,000.
    let history = past(&[("AAPL", bars(&chance(3, 200)))]);
    let many = at_risk(&history).at_risk.unwrap();
    let alone = together(&history, &[id("AAPL")], 250).unwrap();
    let tail = crate::market::statistics::historical(&alone.returns[0], 0.99).unwrap();
    let ours = many.levels[1].historical.unwrap();
    assert!((ours.at_risk - 20_000.0 * tail.at_risk).abs() < 1e-6);
    assert!(ours.beyond >= ours.at_risk && many.worst.unwrap().0 >= ours.at_risk);
    assert!(at_risk(&Histories::new()).at_risk.unwrap_err().contains("AAPL"));
}

#[test]
fn a_move_of_the_market_goes_by_beta_and_one_of_everything_does_not() {
    let (mut state, market) = held();
    state.ledgers.retain(|(_, id), _| id.as_str() == "AAPL");
    let index = chance(5, 120);
    let twice: Vec<i64> = index.iter().map(|hundredths| hundredths * 2).collect();
    let histories = past(&[("AAPL", bars(&twice)), ("SPY", bars(&index))]);
    let stress = look(&state, &market, None, &histories, account()).unwrap().stress;
    assert_eq!(stress.all.unwrap()[1], (-3, Money::whole(-600)));
    let (percent, result) = stress.market.unwrap()[1];
    assert!(percent == -3 && (result + 1_200.0).abs() < 1.0, "{result}");
    let beta = stress.betas[0].1.clone().unwrap();
    assert!((beta - 2.0).abs() < 1e-3, "{beta}");
    let without = look(&state, &market, None, &past(&[("AAPL", bars(&twice))]), account())
        .unwrap()
        .stress;
    assert!(without.market.unwrap_err().contains("SPY"));
}

#[test]
fn two_names_that_move_as_one_are_told_and_a_hedge_is_not() {
    let (mut state, market) = held();
    state
        .ledgers
        .retain(|(_, id), _| matches!(id.as_str(), "AAPL" | "SAP"));
    let histories = past(&[("AAPL", bars(&chance(5, 90))), ("SAP", bars(&chance(5, 90)))]);
    let one_name = |state: &State| {
        let look = look(state, &market, None, &histories, account()).unwrap();
        assert!(look.correlation.pairs[0][1].pearson.unwrap() > 0.99);
        look.correlation.one_name
    };
    assert_eq!(one_name(&state), [], "long one and short the other is a hedge");
    state
        .ledgers
        .get_mut(&(account(), id("SAP")))
        .unwrap()
        .position
        .quantity = q(50);
    let found = one_name(&state);
    assert_eq!(found[0].together, Some(Money::whole(20_000 + 6_250)));
}

#[test]
fn margin_is_the_brokers_word_or_an_estimate_that_says_so() {
    use crate::engine::port::Health;
    let (state, market) = held();
    let ours = margin::margin(&state, &market, None, account());
    assert_eq!(ours.source, margin::Source::Terms);
    // Half of the shares, a thirtieth of the pair, 5,000 for a contract of no known root.
    let shares = 10_000 + 3_125 + 5_000;
    let initial = ours.now.initial.unwrap();
    assert!(
        initial > Money::whole(shares + 416) && initial < Money::whole(shares + 417),
        "{initial}"
    );
    let figure = |name: &str, amount| (SafeText::new(name), SafeText::new("USD"), Money::whole(amount));
    let health = Health {
        broker: account().broker,
        peer: SafeText::new("here"),
        round_trip_us: None,
        reconnects: 0,
        budgets: Vec::new(),
        sent: None,
        farms: Vec::new(),
        planned: Vec::new(),
        figures: BTreeMap::from([(
            account(),
            vec![
                figure("InitMarginReq", 40_000),
                figure("LookAheadInitMarginReq", 60_000),
                figure("LookAheadNextChange", 16),
            ],
        )]),
    };
    let told = margin::margin(&state, &market, Some(&health), account());
    assert_eq!((told.source, told.hour), (margin::Source::Broker, Some(16)));
    assert_eq!(
        (told.now.initial, told.ahead.initial),
        (Some(Money::whole(40_000)), Some(Money::whole(60_000)))
    );
    assert_eq!(told.now.excess, None, "what is not told is not zero");
}
