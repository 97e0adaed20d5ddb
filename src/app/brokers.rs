//! Opens the broker of a profile: the exchange in the box on a thread of its own, with the market it has made or a tape's;
//! or the connection to Interactive Brokers. Settings reach the brokers from here and nowhere else.

use super::clock::Clock;
use super::engine_task::VenueClock;
use super::mistake::Mistake;
use super::paths::Paths;
use crate::broker::ibkr::{self, Ibkr};
use crate::broker::sim::SimBroker;
use crate::broker::{Adapter, FromBroker};
use crate::config::Settings;
use crate::domain::{AccountId, BrokerId, Timestamp};
use crate::engine::State;
use crate::market::{Market, Timeframe};
use crate::store::BarStore;
use crate::venue::{AccountSetup, Population, Speed, SqliteBooks, Tape, Venue, VenueSettings};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

/// Bars of the past that a chart begins with.
const HISTORY: u32 = 600;
/// The exchange in the box.
const SIM: &str = "sim";
/// Interactive Brokers.
const IBKR: &str = "ibkr";

/// A broker, and what the engine begins with because of it.
pub(super) struct Opened {
    /// Its name.
    pub(super) broker: BrokerId,
    /// The engine's end of it.
    pub(super) adapter: Box<dyn Adapter>,
    /// A market with a past.
    pub(super) market: Market,
    /// How its time runs.
    pub(super) venue_clock: VenueClock,
    /// What a person should see at the start.
    pub(super) notices: Vec<String>,
}

/// Opens the broker that the settings name.
///
/// # Errors
/// There is no such broker in this version, or it can't be opened: in words.
pub(super) fn open(
    settings: &Settings,
    paths: &Paths,
    clock: &Clock,
    state: &State,
    bars: Option<&BarStore>,
    tell: mpsc::Sender<FromBroker>,
) -> Result<Opened> {
    match settings.broker.chosen.as_str() {
        SIM => open_sim(settings, paths, clock, state, bars, tell),
        IBKR => open_ibkr(settings, clock, state, bars, tell),
        other => Err(Mistake::new(anyhow::anyhow!(
            "no broker '{}' in this version: {SIM} and {IBKR} are there",
            other.escape_default()
        ))
        .into()),
    }
}

fn open_sim(
    settings: &Settings,
    paths: &Paths,
    clock: &Clock,
    state: &State,
    bars: Option<&BarStore>,
    tell: mpsc::Sender<FromBroker>,
) -> Result<Opened> {
    let venue = open_venue(settings, paths, clock.now())?;
    log_tapes(&venue);
    let market = sim_market(state, &venue, bars);
    let notices = bad_tapes(&venue);
    let tape = &settings.tape;
    let speed_milli = match speed(tape.speed) {
        Speed::Thousandths(speed) if !tape.files.is_empty() => u32::try_from(speed).unwrap_or(u32::MAX),
        _ => 1_000,
    };
    let venue_clock = VenueClock {
        engine: clock.now(),
        venue: venue.now(),
        speed_milli,
    };
    let broker = BrokerId::new(SIM)?;
    let ticking = clock.clone();
    let sim = SimBroker::start(
        broker,
        venue,
        move || (ticking.now(), ticking.uptime()),
        move |said| tell.blocking_send(said).is_ok(),
    )?;
    Ok(Opened {
        broker,
        adapter: Box::new(sim),
        market,
        venue_clock,
        notices,
    })
}

fn open_ibkr(
    settings: &Settings,
    clock: &Clock,
    state: &State,
    bars: Option<&BarStore>,
    tell: mpsc::Sender<FromBroker>,
) -> Result<Opened> {
    let wanted = &settings.broker.ibkr;
    let broker = BrokerId::new(IBKR)?;
    let account = match wanted.account.as_str() {
        "" => None,
        name => Some(AccountId::new(name)?),
    };
    let connection = ibkr::Settings {
        broker,
        host: wanted.host.clone(),
        port: wanted.port().map_err(anyhow::Error::msg)?,
        usual: crate::config::IbkrSettings::PORTS
            .iter()
            .map(|(name, port)| ((*name).to_owned(), *port))
            .collect(),
        client_id: i32::try_from(wanted.client_id).context("broker.ibkr.client_id")?,
        account,
        plan: plan(wanted)?,
        read_only: wanted.read_only,
        symbols: wanted.symbols.clone(),
        messages_per_second: wanted.messages_per_second,
        lines: usize::try_from(wanted.market_data_lines).unwrap_or(usize::MAX),
        depth: usize::try_from(wanted.depth_lines).unwrap_or(usize::MAX),
    };
    let mut market = Market::new();
    for instrument in state.instruments.values() {
        market.list(instrument.clone());
        for timeframe in Timeframe::BASE {
            stored(&mut market, bars, instrument.id, timeframe, clock.now());
        }
    }
    let known = state.instruments.values().cloned().collect();
    let ticking = clock.clone();
    let adapter = Ibkr::start(connection, known, move || ticking.now(), tell);
    let now = clock.now();
    Ok(Opened {
        broker,
        adapter: Box::new(adapter),
        market,
        venue_clock: VenueClock {
            engine: now,
            venue: now,
            speed_milli: 1_000,
        },
        notices: Vec::new(),
    })
}

/// What is planned at the broker, as configured.
fn plan(wanted: &crate::config::IbkrSettings) -> Result<ibkr::reset::Plan> {
    let recurring = |text: &str| crate::config::IbkrSettings::recurring(text).map_err(anyhow::Error::msg);
    let resets: Result<Vec<_>> = wanted.resets.iter().map(|text| recurring(text)).collect();
    Ok(ibkr::reset::Plan {
        restart: recurring(&wanted.restart).context("broker.ibkr.restart")?,
        resets: resets
            .context("broker.ibkr.resets")?
            .into_iter()
            .flatten()
            .collect(),
        login: recurring(&wanted.login).context("broker.ibkr.login")?,
    })
}

/// Joins the bars that were kept with those that are here.
fn stored(
    market: &mut Market,
    bars: Option<&BarStore>,
    id: crate::domain::InstrumentId,
    timeframe: Timeframe,
    until: Timestamp,
) {
    match bars.map(|bars| bars.newest(id, timeframe, HISTORY)) {
        Some(Ok(mut stored)) => {
            // A tape that begins anew has not reached what it once left here.
            stored.retain(|bar| bar.start <= until);
            market.set_bars(id, timeframe, stored);
        }
        Some(Err(error)) => tracing::warn!(%error, "stored bars can't be read"),
        None => {}
    }
}

fn log_tapes(venue: &Venue) {
    for report in venue.tape_reports().iter().filter(|report| !report.is_clean()) {
        tracing::warn!(
            file = report.path,
            good = report.good,
            bad = report.bad,
            broken = report.broken,
            "a tape with bad lines"
        );
        for line in &report.told {
            tracing::warn!("{}:{}: {}", report.path, line.line, line.why);
        }
    }
}

fn open_venue(settings: &Settings, paths: &Paths, now: Timestamp) -> Result<Venue> {
    let sim = &settings.sim;
    let mut venue = VenueSettings::new(SIM, sim.seed).context("'sim' is a broker's name")?;
    venue.latency = Duration::from_millis(u64::from(sim.latency_ms));
    venue.accounts = sim.accounts.iter().map(account).collect::<Result<_>>()?;
    venue.population = population(settings).map_err(Mistake::new)?;
    let books = SqliteBooks::open(&paths.venue())?;
    Ok(Venue::open(venue, Box::new(books), now)?)
}

fn account(account: &crate::config::SimAccount) -> Result<AccountSetup> {
    let id = AccountId::new(&account.id)?;
    let base = account
        .cash
        .iter()
        .max_by_key(|(_, amount)| **amount)
        .map_or(crate::domain::Currency::USD, |(currency, _)| *currency);
    let base = if account.cash.contains_key(&crate::domain::Currency::USD) {
        crate::domain::Currency::USD
    } else {
        base
    };
    Ok(AccountSetup {
        account: id,
        base,
        cash: account.cash.clone(),
    })
}

pub(super) fn population(settings: &Settings) -> Result<Population> {
    let tape = &settings.tape;
    if tape.files.is_empty() {
        return Ok(if settings.sim.participants {
            Population::Crowd
        } else {
            Population::Nobody
        });
    }
    let files: Vec<PathBuf> = tape.files.iter().map(PathBuf::from).collect();
    let start = match tape.start.as_str() {
        "" => None,
        text => Some(
            Timestamp::parse(text)
                .with_context(|| format!("tape.start '{text}' is no time such as 2013-10-07T13:30:00Z"))?,
        ),
    };
    Ok(Population::Tape(
        Box::new(Tape::open(&files, start)?),
        speed(tape.speed),
    ))
}

/// Thousandths of the recorded speed; zero is as fast as the machine can.
fn speed(speed: f64) -> Speed {
    let thousandths = (speed * 1_000.0).round().clamp(0.0, 1e9);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range just now"
    )]
    match thousandths as u64 {
        0 => Speed::Max,
        thousandths => Speed::Thousandths(thousandths),
    }
}

/// A market with a past: the exchange's own history, and over it the bars that were really built.
fn sim_market(state: &State, venue: &Venue, bars: Option<&BarStore>) -> Market {
    let mut market = Market::new();
    for instrument in state.instruments.values().chain(venue.instruments()) {
        market.list(instrument.clone());
    }
    for instrument in venue.instruments() {
        for timeframe in Timeframe::BASE.into_iter().chain([Timeframe::Day]) {
            // What was kept comes first, so that history decides whether it reaches back to it without a hole.
            stored(&mut market, bars, instrument.id, timeframe, venue.now());
            market.set_bars(
                instrument.id,
                timeframe,
                venue.history(instrument.id, timeframe, HISTORY as usize, venue.now()),
            );
        }
    }
    market
}

/// Tapes of which not everything could be used, in a line each; the log has more of their lines.
fn bad_tapes(venue: &Venue) -> Vec<String> {
    let mut notices = Vec::new();
    for report in venue.tape_reports().iter().filter(|report| !report.is_clean()) {
        let file = report.path.rsplit('/').next().unwrap_or_default();
        let first = report
            .told
            .first()
            .map_or(String::new(), |bad| format!("; line {}: {}", bad.line, bad.why));
        let broken = report
            .broken
            .as_ref()
            .map_or(String::new(), |why| format!("; {why}"));
        notices.push(format!(
            "tape {file}: {} lines used, {} not{first}{broken}",
            report.good, report.bad
        ));
    }
    notices
}
