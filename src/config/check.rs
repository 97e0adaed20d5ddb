//! Ranges: what a value must keep beyond being of the right kind.

use super::settings::{IbkrSettings, Settings};
use crate::domain::{
    AccountId, BrokerId, ExitError, LimitName, Money, Price, Quantity, TickTable, Timestamp,
};
use std::collections::BTreeSet;

/// The first value out of range: its key, and what would be right.
pub fn check(settings: &Settings) -> Result<(), (&'static str, String)> {
    names(settings)?;
    ranges(settings)?;
    limits(settings)?;
    let scopes = settings.limits_of.all();
    scopes.map_err(|what| ("limits_of", what))?;
    for (account, pack) in &settings.rules {
        AccountId::new(account).map_err(|error| ("rules", error.to_string()))?;
        super::rules::load(pack).map_err(|what| ("rules", what))?;
    }
    settings.alerts.check()?;
    settings.server.check()?;
    sectors(settings)?;
    templates(settings)?;
    accounts(settings)
}

/// The longest name of a sector.
const SECTOR: usize = 32;

fn sectors(settings: &Settings) -> Result<(), (&'static str, String)> {
    for (id, sector) in &settings.sectors {
        let what = match (super::settings::sector_of(id), sector.trim().chars().count()) {
            (None, _) => format!("'{}' is no symbol such as \"AAPL\"", id.escape_default()),
            (_, 1..=SECTOR) => continue,
            _ => format!("{id}: a sector's name has 1 to {SECTOR} characters"),
        };
        return Err(("sectors", what));
    }
    Ok(())
}

/// That a template's stop can move as it says, tried on a price of 100 with a stop at 99: distances are checked where an
/// order is made, what contradicts itself is said here.
fn templates(settings: &Settings) -> Result<(), (&'static str, String)> {
    let Some(tick) = TickTable::uniform("0.01".parse().unwrap_or(Price::ZERO)) else {
        return Ok(());
    };
    for (name, template) in &settings.templates {
        let whole = |number: i64| Price::from_raw(number * 1_000_000_000);
        let stop = template.stop.map(|_| whole(99));
        match template.moves(whole(100), stop, &tick) {
            // A stop may come with the order.
            Ok(_) | Err(ExitError::NoStopToMove | ExitError::OffsetTooFar) => {}
            Err(error) => return Err(("templates", format!("{name}: {error}"))),
        }
    }
    Ok(())
}

fn names(settings: &Settings) -> Result<(), (&'static str, String)> {
    let profile = settings.profile.as_bytes();
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if !(1..=32).contains(&profile.len()) || !profile.iter().all(plain) {
        let what = "must be 1 to 32 letters, digits, '-' or '_', because it names a folder";
        return Err(("profile", what.into()));
    }
    BrokerId::new(&settings.broker.chosen).map_err(|error| ("broker.use", error.to_string()))?;
    ibkr(&settings.broker.ibkr)?;
    if !settings.account.is_empty() {
        AccountId::new(&settings.account).map_err(|error| ("account", error.to_string()))?;
    }
    if !settings.tape.start.is_empty() && Timestamp::parse(&settings.tape.start).is_none() {
        let what = format!(
            "'{}' is no time such as 2013-10-07T13:30:00Z",
            settings.tape.start
        );
        return Err(("tape.start", what));
    }
    let large = &settings.watchlist.large_print;
    if !large.is_empty() && !large.parse::<Quantity>().is_ok_and(Quantity::is_positive) {
        let what = format!("'{}' is no size such as \"10000\"", large.escape_default());
        return Err(("watchlist.large_print", what));
    }
    if settings.terminal.theme.is_empty() {
        return Err(("terminal.theme", "must name a theme, such as \"default\"".into()));
    }
    Ok(())
}

fn ibkr(ibkr: &IbkrSettings) -> Result<(), (&'static str, String)> {
    ibkr.port().map_err(|what| ("broker.ibkr.port", what))?;
    if !ibkr.account.is_empty() {
        AccountId::new(&ibkr.account).map_err(|error| ("broker.ibkr.account", error.to_string()))?;
    }
    let written = [
        ("broker.ibkr.restart", &ibkr.restart),
        ("broker.ibkr.login", &ibkr.login),
    ];
    let resets = ibkr.resets.iter().map(|text| ("broker.ibkr.resets", text));
    for (key, text) in written.into_iter().chain(resets) {
        IbkrSettings::recurring(text).map_err(|what| (key, what))?;
    }
    if ibkr.host.is_empty() {
        return Err((
            "broker.ibkr.host",
            "must name a host, such as \"127.0.0.1\"".into(),
        ));
    }
    Ok(())
}

fn ranges(settings: &Settings) -> Result<(), (&'static str, String)> {
    let (engine, terminal) = (&settings.engine, &settings.terminal);
    let ibkr = &settings.broker.ibkr;
    let whole = [
        ("broker.ibkr.client_id", ibkr.client_id.into(), 0, 999_999),
        (
            "broker.ibkr.messages_per_second",
            ibkr.messages_per_second.into(),
            5,
            50,
        ),
        (
            "broker.ibkr.market_data_lines",
            ibkr.market_data_lines.into(),
            1,
            2_000,
        ),
        ("broker.ibkr.depth_lines", ibkr.depth_lines.into(), 0, 60),
        ("engine.snapshot_every", engine.snapshot_every, 100, 10_000_000),
        (
            "engine.journal_max_mb",
            engine.journal_max_mb.into(),
            8,
            1_048_576,
        ),
        (
            "engine.journal_reserve_mb",
            engine.journal_reserve_mb.into(),
            1,
            1024,
        ),
        ("sim.latency_ms", settings.sim.latency_ms.into(), 0, 60_000),
        ("terminal.fps", terminal.fps.into(), 1, 120),
        (
            "terminal.arm_idle_minutes",
            terminal.arm_idle_minutes.into(),
            0,
            1_440,
        ),
        ("log.keep_days", settings.log.keep_days.into(), 1, 365),
        ("log.file_mb", settings.log.file_mb.into(), 1, 1_024),
        // At least two files: a full one, and the one that follows it.
        (
            "log.max_mb",
            settings.log.max_mb.into(),
            2 * u64::from(settings.log.file_mb),
            1_048_576,
        ),
        ("log.slow_ms", settings.log.slow_ms.into(), 0, 60_000),
    ];
    for (key, value, least, most) in whole {
        if !(least..=most).contains(&value) {
            return Err((key, format!("{value} is out of range; {least} to {most}")));
        }
    }
    if !(0.0..=1_000_000.0).contains(&settings.tape.speed) {
        let what = format!("{} is out of range; 0 to 1000000", settings.tape.speed);
        return Err(("tape.speed", what));
    }
    let quantities = [
        ("terminal.quantity_equity", terminal.quantity_equity),
        ("terminal.quantity_future", terminal.quantity_future),
        ("terminal.quantity_forex", terminal.quantity_forex),
        ("terminal.quantity_crypto", terminal.quantity_crypto),
        ("terminal.quantity_option", terminal.quantity_option),
    ];
    match quantities.iter().find(|(_, quantity)| !quantity.is_positive()) {
        Some((key, _)) => Err((key, "must be above zero".into())),
        None => Ok(()),
    }
}

/// Each limit in its range.
fn limits(settings: &Settings) -> Result<(), (&'static str, String)> {
    LimitName::ALL.iter().try_for_each(|name| {
        let value = settings.limits.get(*name);
        name.check(value).map_err(|what| (name.key(), what))
    })
}

fn accounts(settings: &Settings) -> Result<(), (&'static str, String)> {
    let key = "sim.accounts";
    if settings.sim.accounts.is_empty() {
        return Err((key, "must have at least one account".into()));
    }
    let mut seen = BTreeSet::new();
    for account in &settings.sim.accounts {
        AccountId::new(&account.id).map_err(|error| (key, error.to_string()))?;
        if !seen.insert(&account.id) {
            return Err((key, format!("'{}' stands there twice", account.id)));
        }
        if account.cash.values().any(|amount| *amount < Money::ZERO) {
            return Err((key, format!("'{}' begins with negative cash", account.id)));
        }
    }
    Ok(())
}
