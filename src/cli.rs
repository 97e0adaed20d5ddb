//! Arguments to mode. Every flag has its environment variable and its key in config.toml; which one won is remembered and
//! shown by `tradewind status`.

use crate::app::{api_keys, day, desk, gateway, launch, paths::Paths, serve, shell};
use crate::config::{Loaded, Override, Settings, Source};
use crate::domain::ClientOrderId;
use crate::tui::layout::{WORKSPACES, workspace_named};
use crate::tui::{Group, key_table};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Flags that lay a value over config.toml: name, key, environment variable, what it is.
const SETTINGS: &[(&str, &str, &str, &str)] = &[
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
];

/// The one setting whose flag is the engine's alone: a gateway listens elsewhere under the same word.
const LISTEN: &str = "listen";

fn command() -> Command {
    let mut command = Command::new("tradewind")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A trading workstation that lives in a terminal")
        .after_help("Without a command the desk opens; an engine is started in the background where none runs.\nExit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no engine to reach.")
        .arg(Arg::new("config").long("config").env("TRADEWIND_CONFIG").global(true).value_name("FILE").help("Settings; otherwise config.toml in the user's configuration folder, if it is there"))
        .arg(Arg::new("no-mouse").long("no-mouse").global(true).action(ArgAction::SetTrue).help("Leave the mouse to the terminal"))
        .arg(Arg::new("plain").long("plain").global(true).action(ArgAction::SetTrue).help("The desk as a stream of sentences, for screen readers"))
        .arg(Arg::new("tape").long("tape").env("TRADEWIND_TAPE").global(true).num_args(1..).value_delimiter(',').value_name("FILE").help("Recorded trades and quotes become the market, in a profile of their own"));
    let setting = |(name, _, variable, help): &(&'static str, _, &'static str, &'static str)| {
        let arg = Arg::new(*name).long(*name).env(*variable);
        arg.global(*name != LISTEN).value_name("VALUE").help(*help)
    };
    let (everywhere, of_serve): (Vec<_>, Vec<_>) = SETTINGS.iter().partition(|(name, ..)| *name != LISTEN);
    command = command.args(everywhere.into_iter().map(setting));
    let json = || {
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .help("Answer as JSON")
    };
    command
        .subcommand(
            Command::new("serve")
                .about("Run the engine in the foreground")
                .args(of_serve.into_iter().map(setting)),
        )
        .subcommand(key_command(json()))
        .subcommand(
            Command::new("attach")
                .about("Open the desk on a running engine; starts none")
                .arg(
                    Arg::new("workspace")
                        .long("workspace")
                        .value_name("NAME")
                        .help("The workspace to begin with: trade, chart, ..."),
                )
                .arg(
                    Arg::new("link")
                        .long("link")
                        .value_name("GROUP")
                        .help("Its panes follow this link group, A to D, across terminals"),
                ),
        )
        .subcommand(
            Command::new("status")
                .about("What the engine says of itself")
                .arg(json()),
        )
        .subcommand(
            Command::new("stop")
                .about("Stop the engine in order; working orders stay at the broker")
                .arg(json()),
        )
        .subcommand(
            Command::new("restart")
                .about("Stop the engine and start this build's in the background")
                .arg(json()),
        )
        .subcommand(
            Command::new("order")
                .about("Place, cancel or close by sentence, such as 'buy 100 AAPL @189.50'")
                .arg(
                    Arg::new("sentence")
                        .required(true)
                        .num_args(1..)
                        .help("The sentence in single quotes, or - to read standard input, one a line"),
                )
                .arg(
                    Arg::new("yes")
                        .long("yes")
                        .short('y')
                        .action(ArgAction::SetTrue)
                        .help("Send without asking"),
                )
                .arg(
                    Arg::new("client-order-id")
                        .long("client-order-id")
                        .value_name("ID")
                        .help("The same id again is the same order"),
                )
                .arg(
                    Arg::new("arm")
                        .long("arm")
                        .value_name("LAST4")
                        .help("The last four characters of a live account"),
                )
                .arg(json()),
        )
        .subcommand(
            Command::new("orders")
                .about("Live orders, and those that ended within a day")
                .arg(json()),
        )
        .subcommand(
            Command::new("preopen")
                .about("What to look at before the open, one line each, good or why not")
                .arg(json()),
        )
        .subcommand(
            Command::new("close")
                .about("What to look at before the close: cut-offs, day orders, what stays over night")
                .arg(json()),
        )
        .subcommand(
            Command::new("statement")
                .about("What was traded today, what it cost, and what each instrument made")
                .arg(
                    Arg::new("csv")
                        .long("csv")
                        .action(ArgAction::SetTrue)
                        .conflicts_with("json")
                        .help("Answer as comma-separated values"),
                )
                .arg(json()),
        )
        .subcommand(Command::new("positions").about("What is held").arg(json()))
        .subcommand(
            Command::new("executions")
                .about("Trades of the last week")
                .arg(json()),
        )
        .subcommand(
            Command::new("alert")
                .about("Make an alert by sentence, such as 'AAPL > 200 and ES < 5000 expires 5d'; or list, remove N, pause N, resume N")
                .arg(
                    Arg::new("sentence")
                        .required(true)
                        .num_args(1..)
                        .allow_negative_numbers(true)
                        .help("The sentence in single quotes"),
                )
                .arg(json()),
        )
        .subcommand(Command::new("alerts").about("Alerts, and how telling them went").arg(json()))
        .subcommand(
            Command::new("log")
                .about("The journal of events")
                .arg(
                    Arg::new("from")
                        .long("from")
                        .value_name("SEQUENCE")
                        .value_parser(clap::value_parser!(u64))
                        .help("The first event wanted"),
                )
                .arg(
                    Arg::new("count")
                        .long("count")
                        .value_name("N")
                        .value_parser(clap::value_parser!(u32))
                        .default_value("50")
                        .help("How many at most"),
                )
                .arg(json()),
        )
        .subcommand(
            Command::new("keys")
                .about("The keys of the desk, as the settings have them")
                .arg(json())
                .arg(
                    Arg::new("markdown")
                        .long("markdown")
                        .action(ArgAction::SetTrue)
                        .conflicts_with("json")
                        .help("As a page"),
                ),
        )
        .subcommand(
            Command::new("arm-api")
                .about("Let programs at the HTTP port add risk in an account for a time; on the simulator they may anyway")
                .arg(
                    Arg::new("time")
                        .value_name("TIME")
                        .default_value("15m")
                        .help("For how long, such as 15m or 2h; at most 8h"),
                )
                .arg(
                    Arg::new("last4")
                        .long("confirm")
                        .value_name("LAST4")
                        .help("The last four characters of a live account"),
                )
                .arg(json()),
        )
        .subcommand(
            Command::new("disarm-api")
                .about("Stop letting programs add risk in an account")
                .arg(json()),
        )
        .subcommand(gateway_command())
        .subcommand(Command::new("supervise").hide(true))
}

fn gateway_command() -> Command {
    Command::new("gateway")
        .about("Run the exchange in the box as a server for TWS API programs")
        .arg(
            Arg::new("port")
                .long("port")
                .value_name("PORT")
                .value_parser(clap::value_parser!(u16))
                .default_value("7497")
                .help("Where to listen; 0 picks a free port"),
        )
        .arg(
            Arg::new("listen")
                .long("listen")
                .value_name("ADDRESS")
                .value_parser(clap::value_parser!(std::net::IpAddr))
                .default_value("127.0.0.1")
                .help("Whom to listen to: only this machine by default. Clients are not asked who they are"),
        )
        .arg(
            Arg::new("accounts")
                .long("accounts")
                .value_name("ACCOUNTS")
                .value_delimiter(',')
                .default_value("DU100001")
                .help("Accounts to open, each with simulated cash"),
        )
        .arg(
            Arg::new("scenario")
                .long("scenario")
                .value_name("FILE")
                .help("Faults to begin with, and at which time"),
        )
        .subcommand(
            Command::new("fault")
                .about("Tell the running gateway to fail: 'help' lists the words")
                .arg(Arg::new("words").required(true).num_args(1..).value_name("WORDS")),
        )
}

/// `tradewind api-key`, and its words.
fn key_command(json: Arg) -> Command {
    let many = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .num_args(1..)
            .value_delimiter(',')
            .value_name("NAMES")
            .help(help)
    };
    Command::new("api-key")
        .about("Keys by which programs use the HTTP port")
        .subcommand_required(true)
        .subcommand(
            Command::new("add")
                .about("Make a key; it is shown this once")
                .arg(
                    Arg::new("name")
                        .required(true)
                        .value_name("NAME")
                        .help("What it is for"),
                )
                .arg(
                    Arg::new("role")
                        .long("role")
                        .value_name("ROLE")
                        .default_value("view")
                        .help("view, trade or admin"),
                )
                .arg(many(
                    "account",
                    "The accounts it may see; all where none is named",
                ))
                .arg(many(
                    "address",
                    "The addresses from which it may be used; any where none is named",
                ))
                .arg(
                    Arg::new("days")
                        .long("days")
                        .value_name("DAYS")
                        .value_parser(clap::value_parser!(u32).range(1..=3650))
                        .help("Days until it ends"),
                )
                .arg(json.clone()),
        )
        .subcommand(
            Command::new("list")
                .about("The keys, without what proves them")
                .arg(json),
        )
        .subcommand(
            Command::new("remove")
                .about("Take a key away; it opens nothing from the next call on")
                .arg(
                    Arg::new("name")
                        .required(true)
                        .value_name("NAME")
                        .help("Its name, or the characters that name it"),
                ),
        )
}

/// Parses the arguments, runs the mode, and answers with the exit code.
pub fn main() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match run(&matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, text)) => {
            let _ = writeln!(std::io::stderr(), "tradewind: {text}");
            ExitCode::from(code)
        }
    }
}

type Ended = Result<(), (u8, String)>;

fn fail(error: &anyhow::Error) -> (u8, String) {
    (1, format!("{error:#}"))
}

fn run(matches: &ArgMatches) -> Ended {
    let loaded = settings(matches)?;
    let paths =
        Paths::new(&loaded.settings.data_dir, &loaded.settings.profile).map_err(|error| fail(&error))?;
    let flags = passed_on(&loaded, matches);
    match matches.subcommand() {
        Some(("serve", _)) => serve::serve(&loaded, &paths, outlived()).map_err(|error| fail(&error)),
        Some(("gateway", sub)) => run_gateway(sub, &loaded, &paths),
        Some(("supervise", _)) => launch::supervise(&flags).map_err(|error| fail(&error)),
        None => {
            let opened = desk::Opened {
                plain: matches.get_flag("plain"),
                ..desk::Opened::default()
            };
            block_on(desk::run(&loaded, &paths, Some(&flags), &opened)).map_err(|error| fail(&error))
        }
        Some(("attach", sub)) => match block_on(desk::run(&loaded, &paths, None, &opened(sub)?)) {
            Err(error)
                if error
                    .downcast_ref::<crate::attach::AttachError>()
                    .is_some_and(|error| matches!(error, crate::attach::AttachError::NoEngine(_))) =>
            {
                Err((3, format!("{error:#}")))
            }
            other => other.map_err(|error| fail(&error)),
        },
        Some(("api-key", sub)) => run_key(sub, &paths).map_err(|error| fail(&error)),
        Some(("keys", sub)) => keys(&loaded, sub),
        Some(("restart", sub)) => restart(&paths, &flags, sub.get_flag("json")),
        Some((name, sub)) => one_shot(name, sub, &loaded, &paths),
    }
}

/// The key table, and on standard error what is wrong with the settings of keys.
fn keys(loaded: &Loaded, sub: &ArgMatches) -> Ended {
    let (keymap, faults) = desk::keymap(loaded);
    for fault in &faults {
        let _ = writeln!(std::io::stderr(), "tradewind: {fault}");
    }
    let text = if sub.get_flag("json") {
        key_table::json(&keymap) + "\n"
    } else if sub.get_flag("markdown") {
        key_table::markdown(&keymap)
    } else {
        key_table::plain(&keymap)
    };
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

/// What `attach` was told.
fn opened(sub: &ArgMatches) -> Result<desk::Opened, (u8, String)> {
    let workspace = match sub.get_one::<String>("workspace") {
        None => None,
        Some(name) => Some(workspace_named(name).ok_or_else(|| {
            let names: Vec<String> = WORKSPACES
                .iter()
                .map(|(name, _)| name.to_ascii_lowercase())
                .collect();
            (2, format!("there is no workspace '{name}': {}", names.join(", ")))
        })?),
    };
    let link = match sub.get_one::<String>("link") {
        None => None,
        Some(letter) => {
            Some(Group::of(letter).ok_or_else(|| (2, format!("'{letter}' is no link group: A, B, C or D")))?)
        }
    };
    Ok(desk::Opened {
        workspace,
        link,
        plain: sub.get_flag("plain"),
    })
}

/// With `json` the answer is the new engine's status.
fn restart(paths: &Paths, flags: &[String], json: bool) -> Ended {
    block_on(async {
        match shell::stop(paths).await {
            Ok(()) | Err(shell::ShellError::NoEngine(_)) => {}
            Err(error) => return Err((1, error.to_string())),
        }
        let started = launch::attach_or_start(paths, flags, crate::engine::SessionKind::Shell).await;
        started.map(drop).map_err(|error| fail(&error))?;
        if json {
            shell::status(paths, json)
                .await
                .map_err(|error| (1, error.to_string()))?;
        }
        Ok(())
    })
}

fn one_shot(name: &str, sub: &ArgMatches, loaded: &Loaded, paths: &Paths) -> Ended {
    let json = sub
        .try_get_one::<bool>("json")
        .ok()
        .flatten()
        .copied()
        .unwrap_or(false);
    let account = Some(loaded.settings.account.as_str()).filter(|account| !account.is_empty());
    let result = block_on(async {
        match name {
            "status" => shell::status(paths, json).await,
            "stop" => {
                shell::stop(paths).await?;
                if json { shell::say_stopped() } else { Ok(()) }
            }
            "orders" => shell::orders(paths, json).await,
            "positions" => shell::positions(paths, json).await,
            "executions" => shell::executions(paths, json).await,
            "preopen" => day::sheet(paths, day::Which::Preopen, account, json).await,
            "close" => day::sheet(paths, day::Which::Close, account, json).await,
            "statement" => {
                let form = match (sub.get_flag("csv"), json) {
                    (true, _) => day::Form::Csv,
                    (_, true) => day::Form::Json,
                    _ => day::Form::Text,
                };
                day::statement(paths, form, account).await
            }
            "alerts" => shell::alerts(paths, json).await,
            "alert" => {
                let words = sub.get_many::<String>("sentence").into_iter().flatten();
                let sentence = words.map(String::as_str).collect::<Vec<_>>().join(" ");
                let account = Some(loaded.settings.account.as_str()).filter(|account| !account.is_empty());
                shell::alert(paths, &sentence, account, json).await
            }
            "arm-api" => {
                let word = |name: &str| sub.get_one::<String>(name).map_or("", String::as_str);
                shell::arm_programs(paths, word("time"), word("last4"), account, json).await
            }
            "disarm-api" => shell::disarm_programs(paths, account, json).await,
            "log" => {
                let count = sub.get_one::<u32>("count").copied().unwrap_or(50);
                shell::log(paths, json, sub.get_one::<u64>("from").copied(), count).await
            }
            _ => shell::order(paths, &order_options(sub, loaded, json)?).await,
        }
    });
    result.map_err(|error| match error {
        shell::ShellError::NoEngine(_) => (3, error.to_string()),
        shell::ShellError::Usage(_) => (2, error.to_string()),
        shell::ShellError::Failed(_) => (1, error.to_string()),
    })
}

fn run_key(sub: &ArgMatches, paths: &Paths) -> anyhow::Result<()> {
    let words = |sub: &ArgMatches, name: &str| -> Vec<String> {
        sub.get_many::<String>(name)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    };
    match sub.subcommand() {
        Some(("add", sub)) => {
            let wish = api_keys::Wish {
                name: words(sub, "name").concat(),
                role: words(sub, "role").concat(),
                accounts: words(sub, "account"),
                days: sub.get_one::<u32>("days").copied(),
                addresses: words(sub, "address"),
            };
            api_keys::add(paths, &wish, sub.get_flag("json"))
        }
        Some(("remove", sub)) => api_keys::remove(paths, &words(sub, "name").concat()),
        Some((_, sub)) => api_keys::list(paths, sub.get_flag("json")),
        None => api_keys::list(paths, false),
    }
}

fn run_gateway(sub: &ArgMatches, loaded: &Loaded, paths: &Paths) -> Ended {
    if let Some(("fault", sub)) = sub.subcommand() {
        let words: Vec<&str> = sub
            .get_many::<String>("words")
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        let done = block_on(gateway::fault(paths, &words.join(" "))).map_err(|error| fail(&error))?;
        let _ = writeln!(std::io::stdout(), "{done}");
        return Ok(());
    }
    let options = gateway::Options {
        listen: sub
            .get_one("listen")
            .copied()
            .unwrap_or(std::net::IpAddr::from([127, 0, 0, 1])),
        port: sub.get_one("port").copied().unwrap_or(7497),
        accounts: sub
            .get_many::<String>("accounts")
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
        scenario: sub.get_one::<String>("scenario").map(PathBuf::from),
    };
    gateway::run(loaded, paths, &options, outlived()).map_err(|error| fail(&error))
}

fn order_options(
    sub: &ArgMatches,
    loaded: &Loaded,
    json: bool,
) -> Result<shell::OrderOptions, shell::ShellError> {
    let words: Vec<String> = sub
        .get_many::<String>("sentence")
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let id = sub
        .get_one::<String>("client-order-id")
        .map(|text| ClientOrderId::new(text))
        .transpose();
    Ok(shell::OrderOptions {
        sentence: words.join(" "),
        yes: sub.get_flag("yes"),
        client_order_id: id.map_err(|error| shell::ShellError::Usage(error.to_string()))?,
        arm: sub.get_one::<String>("arm").cloned(),
        account: (!loaded.settings.account.is_empty()).then(|| loaded.settings.account.clone()),
        templates: loaded.settings.templates.clone(),
        json,
    })
}

/// Settings from file, environment and flags, in that order of strength.
fn settings(matches: &ArgMatches) -> Result<Loaded, (u8, String)> {
    let named = matches.get_one::<String>("config").map(PathBuf::from);
    let usual = || crate::app::paths::platform_config_file().filter(|path| path.is_file());
    let overrides = overrides(matches);
    let mut loaded = Settings::load(named.or_else(usual).as_deref(), &overrides)
        .map_err(|error| (1, error.to_string()))?;
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
fn passed_on(loaded: &Loaded, matches: &ArgMatches) -> Vec<String> {
    let mut flags = Vec::new();
    if let Some(config) = matches.get_one::<String>("config") {
        flags.extend(["--config".to_owned(), absolute(config)]);
    }
    for given in overrides(matches) {
        // The mouse is the terminal's business.
        if let Source::Flag(name) = given.source
            && name != "--no-mouse"
        {
            flags.extend([name, given.value]);
        }
    }
    if !flags.iter().any(|flag| flag == "--profile") {
        flags.extend(["--profile".to_owned(), loaded.settings.profile.clone()]);
    }
    flags
}

/// A process that the engine must not outlive, for those who start one for a while only.
fn outlived() -> Option<i32> {
    std::env::var("TRADEWIND_ENDS_WITH").ok()?.parse().ok()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    // One thread is enough for a terminal or a question; the engine has a runtime of its own.
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => {
            let _ = writeln!(
                std::io::stderr(),
                "tradewind: the runtime can't be started: {error}"
            );
            #[allow(clippy::exit, reason = "nothing can run without a runtime")]
            std::process::exit(1)
        }
    }
}
