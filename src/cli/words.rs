//! The words of the command line: every command with its arguments, as `--help` shows them.

use super::given::{LISTEN, SETTINGS, SWITCHES};
use super::watching;
use clap::{Arg, ArgAction, Command};

/// All of them.
pub(super) fn command() -> Command {
    let mut command = Command::new("tradewind")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A trading workstation that lives in a terminal")
        .after_help("Without a command the desk opens; an engine is started in the background where none runs.\nExit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no engine to reach, 78 the settings can't be used.")
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
                .args(of_serve.into_iter().map(setting))
                .args(SWITCHES.iter().map(|(name, _, help)| {
                    Arg::new(*name).long(*name).action(ArgAction::SetTrue).help(*help)
                })),
        )
        .subcommand(
            Command::new("tls")
                .about("The certificate that the engine's port shows")
                .subcommand_required(true)
                .subcommand(
                    Command::new("show")
                        .about("Its fingerprint, which 'tradewind attach' compares")
                        .arg(json()),
                ),
        )
        .subcommand(key_command(json()))
        .subcommand(super::doors::user_command())
        .subcommand(super::doors::audit_command())
        .subcommand(
            Command::new("attach")
                .about("Open the desk on a running engine, of this machine or of another; starts none")
                .arg(
                    Arg::new("address")
                        .value_name("ADDRESS")
                        .help("An engine elsewhere, such as wss://desk.example.com:7600; its key comes from TRADEWIND_KEY or --key-file"),
                )
                .arg(
                    Arg::new("key-file")
                        .long("key-file")
                        .value_name("FILE")
                        .requires("address")
                        .help("The file with the key that opens an engine elsewhere; nobody else may read it"),
                )
                .arg(
                    Arg::new("pin")
                        .long("pin")
                        .value_name("FINGERPRINT")
                        .requires("address")
                        .help("The certificate of the engine elsewhere, as 'tradewind tls show' prints it there: sha256:..."),
                )
                .arg(
                    Arg::new("read-only")
                        .long("read-only")
                        .action(ArgAction::SetTrue)
                        .help("Only look: this terminal can't trade"),
                )
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
                .about("What was traded today, or on another day, what it cost, and what each instrument made")
                .arg(
                    Arg::new("day")
                        .long("day")
                        .value_name("YYYY-MM-DD")
                        .help("Another trading day, as far back as the journal and its archive reach"),
                )
                .arg(
                    Arg::new("html")
                        .long("html")
                        .action(ArgAction::SetTrue)
                        .conflicts_with_all(["json", "csv"])
                        .help("Answer as one page of HTML that fetches nothing, for the screen or for paper"),
                )
                .arg(
                    Arg::new("csv")
                        .long("csv")
                        .action(ArgAction::SetTrue)
                        .conflicts_with("json")
                        .help("Answer as comma-separated values"),
                )
                .arg(json())
                .subcommand(
                    Command::new("explain")
                        .about("Hold a broker's statement (CSV) against what is booked here: what is missing, and whether that explains a difference")
                        .arg(
                            Arg::new("file")
                                .required(true)
                                .value_name("FILE")
                                .value_parser(clap::value_parser!(std::path::PathBuf))
                                .help("A Flex query's trades, an activity statement, or 'statement --csv' of this program"),
                        )
                        .arg(json()),
                ),
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
            Command::new("risk")
                .about("An account's exposure by symbol, sector and currency, margin, value at risk, stress and what moves together")
                .arg(json()),
        )
        .subcommand(
            Command::new("limits")
                .about("The limits of an account with how much of each is used; or change one: NAME VALUE, or NAME config for config.toml's again")
                .arg(Arg::new("name").value_name("NAME").requires("value").help("Which to change"))
                .arg(Arg::new("value").value_name("VALUE").help("To what"))
                .arg(
                    Arg::new("for")
                        .long("for")
                        .value_name("TIME")
                        .requires("name")
                        .help("For how long, such as 30m or 2h, at most 24h; then it reverts by itself"),
                )
                .arg(
                    Arg::new("last4")
                        .long("confirm")
                        .value_name("LAST4")
                        .help("The last four characters of the account: to go above config.toml's"),
                )
                .arg(
                    Arg::new("all")
                        .long("all-accounts")
                        .action(ArgAction::SetTrue)
                        .requires("name")
                        .help("Of all accounts"),
                )
                .arg(
                    Arg::new("of")
                        .long("of")
                        .value_name("SCOPE")
                        .requires("name")
                        .conflicts_with("all")
                        .help("Of one instrument, user or key instead: instrument:TSLA, user:ann, key:bot"),
                )
                .arg(json()),
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
                .arg(
                    Arg::new("key")
                        .long("key")
                        .value_name("NAME")
                        .help("Only the key of this name; without, all that come in by the network"),
                )
                .arg(json()),
        )
        .subcommand(
            Command::new("disarm-api")
                .about("Stop letting programs add risk in an account")
                .arg(
                    Arg::new("key")
                        .long("key")
                        .value_name("NAME")
                        .help("What the key of this name was allowed; without, everything"),
                )
                .arg(json()),
        )
        .subcommand(
            Command::new("halt")
                .about("Halt every account: nothing that adds risk leaves, entries are cancelled, stops, targets and what only closes stay")
                .arg(Arg::new("reason").num_args(0..).value_name("REASON").help("Why, for everybody to read"))
                .arg(
                    Arg::new("stops-too")
                        .long("stops-too")
                        .action(ArgAction::SetTrue)
                        .help("Cancel protective stops too: what is held is then unprotected"),
                )
                .arg(json()),
        )
        .subcommand(
            Command::new("resume")
                .about("Allow risk again after a halt: in every account that holds it back, or with --account in one; a live account has to be armed (arm-api)")
                .arg(json()),
        )
        .subcommand(differences_command(json()))
        .subcommand(
            Command::new("acknowledge")
                .about("You have looked at what opened the broker's circuit breaker")
                .arg(json()),
        )
        .subcommand(
            Command::new("record")
                .about("Record a change of a position that is no trade: 'split AAPL 4:1', 'transfer AAPL -50', 'exdate AAPL 2026-12-04 split 4:1'")
                .arg(
                    Arg::new("what")
                        .value_name("WHAT")
                        .required(true)
                        .num_args(1..)
                        .help("In one pair of quotes: split, dividend, expire, assign, transfer or exdate, the symbol, and how much"),
                )
                .arg(json()),
        )
        .subcommand(
            Command::new("reconcile")
                .about("Read and compare what the broker knows, now")
                .arg(json()),
        )
        .subcommands(watching::commands(&json))
        .subcommand(gateway_command())
        .subcommand(Command::new("supervise").hide(true))
}

/// `tradewind differences`, and what is done about a line of it.
fn differences_command(json: Arg) -> Command {
    Command::new("differences")
        .about("Where ours, the broker's and what was meant do not agree; or do something about a line of it")
        .arg(
            Arg::new("action")
                .value_name("ACTION")
                .value_parser(["adopt", "split", "ignore", "cancel", "flatten"])
                .requires("line")
                .help("Take the broker's word, record the split it looks like, leave it for a time, cancel the order, or flatten"),
        )
        .arg(
            Arg::new("line")
                .value_name("ID")
                .requires("seen")
                .help("The line by its id, as listed"),
        )
        .arg(
            Arg::new("seen")
                .long("seen")
                .value_name("N")
                .value_parser(clap::value_parser!(u32))
                .help(
                    "The number listed with it: where the line says something else by now, nothing is done",
                ),
        )
        .arg(
            Arg::new("minutes")
                .long("minutes")
                .value_name("N")
                .value_parser(clap::value_parser!(u32))
                .default_value("1440")
                .help("For how long it is ignored"),
        )
        .arg(json)
}

/// `tradewind gateway`, and its words.
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
                .arg(many(
                    "scope",
                    "The parts of the API it may call, such as orders; all where none is named",
                ))
                .arg(
                    Arg::new("signed")
                        .long("signed")
                        .action(ArgAction::SetTrue)
                        .help("Each call has to be signed; the key itself is never sent"),
                )
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
