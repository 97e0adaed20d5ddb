//! Arguments of `tradewind user` and `tradewind audit`.

use crate::app::paths::Paths;
use crate::app::{audit, users};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::path::PathBuf;

fn json() -> Arg {
    Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Answer as JSON")
}

fn name() -> Arg {
    Arg::new("name")
        .required(true)
        .value_name("NAME")
        .help("The user's name")
}

fn password_file() -> Arg {
    Arg::new("password-file")
        .long("password-file")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help(
            "The file with the password alone in it; otherwise it is asked for, or read from standard input",
        )
}

/// `tradewind user`.
pub(super) fn user_command() -> Command {
    let totp = Command::new("totp")
        .about("The second factor of a user")
        .subcommand_required(true)
        .subcommand(
            Command::new("enrol")
                .about("Show a secret for an authenticator; it counts once a code of it was confirmed")
                .arg(name())
                .arg(json()),
        )
        .subcommand(
            Command::new("confirm")
                .about("Read a code from standard input, and show recovery codes")
                .arg(name())
                .arg(json()),
        )
        .subcommand(Command::new("remove").about("Take it away").arg(name()));
    Command::new("user")
        .about("The people who may sign in at the HTTP port")
        .subcommand_required(true)
        .subcommand(
            Command::new("add")
                .about("Make a user")
                .arg(name())
                .arg(
                    Arg::new("role")
                        .long("role")
                        .value_name("ROLE")
                        .default_value("view")
                        .help("view, trade or admin"),
                )
                .arg(
                    Arg::new("account")
                        .long("account")
                        .num_args(1..)
                        .value_delimiter(',')
                        .value_name("NAMES")
                        .help("The accounts it may see; all where none is named"),
                )
                .arg(password_file()),
        )
        .subcommand(Command::new("list").about("The users").arg(json()))
        .subcommand(
            Command::new("reset")
                .about("Give a new password, and sign the user out everywhere")
                .arg(name())
                .arg(password_file()),
        )
        .subcommand(
            Command::new("remove")
                .about("Take a user away; they are signed out at once")
                .arg(name()),
        )
        .subcommand(totp)
}

/// `tradewind audit`.
pub(super) fn audit_command() -> Command {
    Command::new("audit")
        .about("The log of what callers did")
        .subcommand_required(true)
        .subcommand(
            Command::new("list")
                .about("The newest records, the newest last")
                .arg(
                    Arg::new("count")
                        .long("count")
                        .value_name("N")
                        .value_parser(clap::value_parser!(u32).range(1..=1_000_000))
                        .default_value("50")
                        .help("How many at most"),
                )
                .arg(json()),
        )
        .subcommand(
            Command::new("verify")
                .about("Find a record that was changed, is missing or was cut")
                .arg(json()),
        )
}

/// Runs a word of `tradewind user`.
pub(super) fn run_user(sub: &ArgMatches, paths: &Paths, profile: &str) -> anyhow::Result<()> {
    let text = |sub: &ArgMatches, name: &str| sub.get_one::<String>(name).cloned().unwrap_or_default();
    let file = |sub: &ArgMatches| sub.get_one::<PathBuf>("password-file").cloned();
    match sub.subcommand() {
        Some(("add", sub)) => {
            let accounts = sub.get_many::<String>("account").into_iter().flatten();
            let wish = users::Wish {
                name: text(sub, "name"),
                role: text(sub, "role"),
                accounts: accounts.cloned().collect(),
            };
            users::add(paths, &wish, file(sub).as_deref())
        }
        Some(("reset", sub)) => users::reset(paths, &text(sub, "name"), file(sub).as_deref()),
        Some(("remove", sub)) => users::remove(paths, &text(sub, "name")),
        Some(("totp", sub)) => match sub.subcommand() {
            Some(("enrol", sub)) => users::enrol(paths, &text(sub, "name"), profile, sub.get_flag("json")),
            Some(("confirm", sub)) => users::confirm(paths, &text(sub, "name"), sub.get_flag("json")),
            Some((_, sub)) => users::drop_second(paths, &text(sub, "name")),
            None => Ok(()),
        },
        Some((_, sub)) => users::list(paths, sub.get_flag("json")),
        None => users::list(paths, false),
    }
}

/// Runs a word of `tradewind audit`.
pub(super) fn run_audit(sub: &ArgMatches, paths: &Paths) -> anyhow::Result<()> {
    match sub.subcommand() {
        Some(("verify", sub)) => audit::check(paths, sub.get_flag("json")),
        Some((_, sub)) => {
            let count = sub.get_one::<u32>("count").copied().unwrap_or(50);
            audit::list(paths, count, sub.get_flag("json"))
        }
        None => Ok(()),
    }
}
