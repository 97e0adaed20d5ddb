//! What the doors of a profile are made of: its secret, its books, the settings. And where commands on this machine note
//! what they did.

use super::clock::wall;
use super::noted::here;
use super::paths::Paths;
use crate::config::Settings;
use crate::server::doors::audit::{Audit, AuditFiles, Entry, record_now};
use crate::server::doors::secret::Secret;
use crate::server::doors::{Doors, Terms};
use crate::server::http::guard::GuardSettings;
use crate::server::http::proxy::Proxies;
use crate::server::http::{Gate, HttpLimits};
use anyhow::{Context, Result, anyhow};
use std::time::Duration;

/// The profile's secret.
pub(super) fn secret(paths: &Paths) -> Result<Secret> {
    Ok(Secret::open(&paths.doors_secret())?)
}

/// The log of what people and programs did, for an engine that runs.
///
/// # Errors
/// The file can't be opened, or is of a later program.
pub(super) fn audit(paths: &Paths) -> Result<Audit> {
    Ok(Audit::start(AuditFiles::of(&paths.profile), &secret(paths)?)?)
}

/// The doors, with their log, and their rules.
///
/// # Errors
/// A file can't be opened, or a setting can't be understood.
pub(super) fn open(settings: &Settings, paths: &Paths, encrypted: bool, audit: Audit) -> Result<Gate> {
    let rules = &settings.server.doors;
    let minutes = |count: u32| Duration::from_secs(60 * u64::from(count));
    let terms = Terms {
        access: minutes(rules.access_minutes),
        idle: minutes(rules.idle_minutes),
        session: minutes(60 * rules.session_hours),
        step_up: minutes(rules.step_up_minutes),
    };
    let secret = secret(paths)?;
    let doors = Doors::open(&paths.doors(), secret, &settings.profile, terms)
        .with_context(|| format!("{} can't be opened", paths.doors().display()))?;
    let allow = Proxies::parse(&rules.allow).map_err(|what| anyhow!("server.doors.allow: {what}"))?;
    let limits = limits(settings);
    let guard = GuardSettings {
        allow,
        per_address: rules.calls_per_address,
        per_key: rules.calls_per_key,
        brakes: rules.brakes_per_address,
        cors: rules.cors.iter().cloned().collect(),
        origins: rules.origins.iter().cloned().collect(),
        depth: usize::try_from(rules.json_depth).unwrap_or(usize::MAX),
        encrypted,
        body_max: limits.body_max,
        body_within: limits.request_within,
    };
    Ok(Gate { doors, audit, guard })
}

/// What callers may take of this machine.
pub(super) fn limits(settings: &Settings) -> HttpLimits {
    let rules = &settings.server.doors;
    let count = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
    HttpLimits {
        connections: count(rules.connections),
        connections_per_address: count(rules.connections_per_address),
        head_within: Duration::from_secs(rules.head_s.into()),
        request_within: Duration::from_secs(rules.call_s.into()),
        body_max: count(rules.body_kb) << 10,
        ..HttpLimits::default()
    }
}

/// Notes what a person did on this machine.
///
/// # Errors
/// The audit log can't be written.
pub(super) fn note(paths: &Paths, what: &str, detail: &str) -> Result<()> {
    let entry = Entry::local(wall(), here(), what, detail);
    record_now(&AuditFiles::of(&paths.profile), &secret(paths)?, entry)
        .context("it is done, and could not be noted in the audit log")
}
