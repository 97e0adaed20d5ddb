//! The settings that flags and the environment lay over config.toml, which profile is meant where none is named, and what
//! of it an engine in the background is told.

use crate::app::mistake;
use crate::config::{Loaded, Override, Settings, Source};
use clap::ArgMatches;
use clap::parser::ValueSource;
use std::path::PathBuf;

/// Flags that lay a value over config.toml: name, key, environment variable, what it is.
pub(super) const SETTINGS: &[(&str, &str, &str, &str)] = &[
    (
        "profile",
        "profile",
        "TRADEWIND_PROFILE",
        "Which profile: each has an engine and a journal of its own",
    ),
    (
        "data-dir",
        "data_dir",
        "TRADEWIND_DATA_DIR",
        "Where profiles keep their data",
    ),
    (
        "broker",
        "broker.use",
        "TRADEWIND_BROKER",
        "The broker: sim is the exchange in the box, ibkr Interactive Brokers",
    ),
    (
        "ibkr-host",
        "broker.ibkr.host",
        "TRADEWIND_IBKR_HOST",
        "Where TWS or IB Gateway runs",
    ),
    (
        "ibkr-port",
        "broker.ibkr.port",
        "TRADEWIND_IBKR_PORT",
        "tws-live, tws-paper, gateway-live, gateway-paper, or a number",
    ),
    (
        "ibkr-client-id",
        "broker.ibkr.client_id",
        "TRADEWIND_IBKR_CLIENT_ID",
        "The number of our session at TWS",
    ),
    (
        "account",
        "account",
        "TRADEWIND_ACCOUNT",
        "The account that commands without one mean",
    ),
    (
        "seed",
        "sim.seed",
        "TRADEWIND_SEED",
        "What the built-in market is made from",
    ),
    (
        "tape-speed",
        "tape.speed",
        "TRADEWIND_TAPE_SPEED",
        "Tape seconds in a second; 0 for as fast as possible",
    ),
    (
        "tape-start",
        "tape.start",
        "TRADEWIND_TAPE_START",
        "Where the tape begins, such as 2013-10-07T13:30:00Z",
    ),
    (
        LISTEN,
        "server.listen",
        "TRADEWIND_LISTEN",
        "Where the engine listens for programs and browsers, such as 127.0.0.1:7600",
    ),
    (
        "theme",
        "terminal.theme",
        "TRADEWIND_THEME",
        "The terminal's theme",
    ),
    (
        "color",
        "terminal.colour",
        "TRADEWIND_COLOR",
        "Colours: always, auto, never, truecolor, 256, 16",
    ),
    (
        "log",
        "log.filter",
        "TRADEWIND_LOG",
        "What is logged: info, debug, target=level",
    ),
    (
        "log-to",
        "log.to",
        "TRADEWIND_LOG_TO",
        "Where log lines go: files, stdout or both",
    ),
];

/// Flags of `serve` that turn something on: name, key, what it is.
pub(super) const SWITCHES: &[(&str, &str, &str)] = &[
    (
        "tls",
        "server.tls",
        "Encrypt the port on this machine's own addresses too",
    ),
    (
        "behind-proxy",
        "server.behind_proxy",
        "A proxy in front encrypts: listen in the clear, whatever the address",
    ),
];

/// The one setting whose flag is the engine's alone: a gateway listens elsewhere under the same word.
pub(super) const LISTEN: &str = "listen";

/// Settings from file, environment and flags, in that order of strength.
pub(super) fn settings(matches: &ArgMatches) -> Result<Loaded, (u8, String)> {
    let named = matches.get_one::<String>("config").map(PathBuf::from);
    let usual = || crate::app::paths::platform_config_file().filter(|path| path.is_file());
    let overrides = overrides(matches);
    let mut loaded = Settings::load(named.or_else(usual).as_deref(), &overrides)
        .map_err(|error| (mistake::EXIT_CODE, error.to_string()))?;
    if *loaded.sources.of("broker.use") == Source::Default
        && loaded
            .sources
            .given()
            .any(|(key, _)| key.starts_with("broker.ibkr."))
    {
        loaded.settings.broker.chosen = "ibkr".into();
    }
    if *loaded.sources.of("profile") == Source::Default {
        // A tape never mixes with another market, simulated money never with a broker's, nor a build under development
        // with the one that trades.
        let tape = !loaded.settings.tape.files.is_empty();
        if matches.subcommand_name() == Some("gateway") {
            loaded.settings.profile = if tape { "gateway-tape" } else { "gateway" }.into();
            return Ok(loaded);
        }
        let market = if tape {
            Some("tape")
        } else if loaded.settings.broker.chosen == "ibkr" {
            Some("ibkr")
        } else {
            None
        };
        loaded.settings.profile = match (market, cfg!(debug_assertions)) {
            (Some(market), false) => market.into(),
            (Some(market), true) => format!("dev-{market}"),
            (None, true) => "dev".into(),
            (None, false) => loaded.settings.profile,
        };
    }
    Ok(loaded)
}

fn overrides(matches: &ArgMatches) -> Vec<Override> {
    let mut overrides = Vec::new();
    let mut add = |from: &ArgMatches, name: &str, key: &str, variable: &str, value: String| {
        let source = match from.value_source(name) {
            Some(ValueSource::EnvVariable) => Source::Environment(variable.to_owned()),
            _ => Source::Flag(format!("--{name}")),
        };
        // An empty variable is one that was not set.
        if !value.is_empty() {
            overrides.push(Override {
                key: key.to_owned(),
                value,
                source,
            });
        }
    };
    for (name, key, variable, _) in SETTINGS {
        let from = if *name == LISTEN {
            matches.subcommand_matches("serve")
        } else {
            Some(matches)
        };
        if let Some(from) = from
            && let Some(value) = from.get_one::<String>(name)
        {
            add(from, name, key, variable, value.clone());
        }
    }
    if let Some(serve) = matches.subcommand_matches("serve") {
        for (name, key, _) in SWITCHES.iter().filter(|(name, ..)| serve.get_flag(name)) {
            add(serve, name, key, "", "true".to_owned());
        }
    }
    if matches.get_flag("no-mouse") {
        add(matches, "no-mouse", "terminal.mouse", "", "false".to_owned());
    }
    let tape: Vec<String> = matches
        .get_many::<String>("tape")
        .into_iter()
        .flatten()
        .map(absolute)
        .collect();
    if !tape.is_empty() {
        add(matches, "tape", "tape.files", "TRADEWIND_TAPE", tape.join(","));
    }
    overrides
}

/// Tape files keep their place whatever the engine's working folder is.
fn absolute(path: &String) -> String {
    std::path::absolute(path).map_or_else(|_| path.clone(), |path| path.to_string_lossy().into_owned())
}

/// What the engine in the background is told: the flags of this call. The environment it inherits.
pub(super) fn passed_on(loaded: &Loaded, matches: &ArgMatches) -> Vec<String> {
    let mut flags = Vec::new();
    if let Some(config) = matches.get_one::<String>("config") {
        flags.extend(["--config".to_owned(), absolute(config)]);
    }
    for given in overrides(matches) {
        // The mouse is the terminal's business, and the log of an engine in the background its small parent's.
        if let Source::Flag(name) = given.source
            && !["--no-mouse", "--log-to"].contains(&name.as_str())
        {
            flags.extend([name, given.value]);
        }
    }
    if !flags.iter().any(|flag| flag == "--profile") {
        flags.extend(["--profile".to_owned(), loaded.settings.profile.clone()]);
    }
    flags
}
