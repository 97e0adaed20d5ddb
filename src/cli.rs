//! Arguments to mode. Every flag has its environment variable and its key in config.toml; which one won is remembered and
//! shown by `tradewind status`. The commands and their arguments are in `cli/words.rs`, what is laid over config.toml in
//! `cli/given.rs`; here each is led to who does it.

mod doors;
mod given;
mod watching;
mod words;

use crate::app::{
    api_keys, crash, day, desk, gateway, launch, mistake, paths::Paths, remote, serve, shell, tls,
};
use crate::config::Loaded;
use crate::domain::ClientOrderId;
use crate::tui::layout::{WORKSPACES, workspace_named};
use crate::tui::{Group, key_table};
use clap::ArgMatches;
use given::{passed_on, settings};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Parses the arguments, runs the mode, and answers with the exit code.
pub fn main() -> ExitCode {
    let matches = match words::command().try_get_matches() {
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
    let code = if error.is::<crash::Crashed>() {
        crash::EXIT_CODE
    } else if error.is::<mistake::Mistake>() {
        mistake::EXIT_CODE
    } else {
        1
    };
    (code, format!("{error:#}"))
}

fn run(matches: &ArgMatches) -> Ended {
    if let Some(ended) = watching::run(matches) {
        return ended;
    }
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
        Some(("attach", sub)) => attach(&loaded, paths, sub),
        Some(("tls", sub)) => {
            let json = sub
                .subcommand_matches("show")
                .is_some_and(|sub| sub.get_flag("json"));
            tls::show(&loaded.settings, &paths, json).map_err(|error| fail(&error))
        }
        Some(("api-key", sub)) => run_key(sub, &paths).map_err(|error| fail(&error)),
        Some(("user", sub)) => {
            doors::run_user(sub, &paths, &loaded.settings.profile).map_err(|error| fail(&error))
        }
        Some(("audit", sub)) => doors::run_audit(sub, &paths).map_err(|error| fail(&error)),
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

/// The desk on an engine that runs, here or elsewhere. What a terminal remembers of one elsewhere lies in a profile of its own.
fn attach(loaded: &Loaded, mut paths: Paths, sub: &ArgMatches) -> Ended {
    use crate::attach::AttachError;
    let opened = opened(sub)?;
    if let Some(wish) = &opened.remote {
        paths = Paths::new(&loaded.settings.data_dir, &wish.profile()).map_err(|error| fail(&error))?;
    }
    block_on(desk::run(loaded, &paths, None, &opened)).map_err(|error| {
        let nobody = matches!(
            error.downcast_ref::<AttachError>(),
            Some(AttachError::NoEngine(_) | AttachError::Unreachable { .. })
        );
        (if nobody { 3 } else { 1 }, format!("{error:#}"))
    })
}

/// The engine elsewhere that `attach` was told of.
fn elsewhere(sub: &ArgMatches) -> Result<Option<remote::Wish>, (u8, String)> {
    let Some(address) = sub.get_one::<String>("address") else {
        return Ok(None);
    };
    Ok(Some(remote::Wish {
        place: crate::attach::Place::parse(address).map_err(|what| (2, what))?,
        key_file: sub.get_one::<String>("key-file").map(PathBuf::from),
        pin: sub.get_one::<String>("pin").cloned(),
    }))
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
        read_only: sub.get_flag("read-only"),
        remote: elsewhere(sub)?,
    })
}

/// With `json` the answer is the new engine's status.
fn restart(paths: &Paths, flags: &[String], json: bool) -> Ended {
    block_on(async {
        launch::may_restart(paths).map_err(|error| fail(&error))?;
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
            "statement" if sub.subcommand_matches("explain").is_some() => {
                let explain = sub.subcommand_matches("explain");
                let file = explain.and_then(|sub| sub.get_one::<PathBuf>("file"));
                let json = explain.is_some_and(|sub| sub.get_flag("json"));
                let file = file.cloned().unwrap_or_default();
                day::explain(paths, &file, account, json).await
            }
            "statement" => {
                let form = match (sub.get_flag("csv"), sub.get_flag("html"), json) {
                    (true, ..) => day::Form::Csv,
                    (_, true, _) => day::Form::Html,
                    (.., true) => day::Form::Json,
                    _ => day::Form::Text,
                };
                let of_day = sub.get_one::<String>("day").map(String::as_str);
                day::statement(paths, form, account, of_day).await
            }
            "alerts" => shell::alerts(paths, json).await,
            "alert" => {
                let words = sub.get_many::<String>("sentence").into_iter().flatten();
                let sentence = words.map(String::as_str).collect::<Vec<_>>().join(" ");
                let account = Some(loaded.settings.account.as_str()).filter(|account| !account.is_empty());
                shell::alert(paths, &sentence, account, json).await
            }
            "limits" => {
                let word = |name: &str| sub.get_one::<String>(name).cloned();
                let options = shell::LimitOptions {
                    set: word("name").zip(word("value")),
                    time: word("for"),
                    confirmation: word("last4").unwrap_or_default(),
                    all: sub.get_flag("all"),
                    scope: word("of"),
                };
                shell::limits(paths, &options, account, json).await
            }
            "risk" => shell::risk(paths, account, json).await,
            "arm-api" => {
                let word = |name: &str| sub.get_one::<String>(name).map_or("", String::as_str);
                let wish = shell::Arming {
                    time: word("time"),
                    confirmation: word("last4"),
                    key: sub.get_one::<String>("key").map(String::as_str),
                };
                shell::arm_programs(paths, &wish, account, json).await
            }
            "halt" => {
                let words = sub.get_many::<String>("reason").into_iter().flatten();
                let reason = words.map(String::as_str).collect::<Vec<_>>().join(" ");
                shell::halt(paths, &reason, sub.get_flag("stops-too"), json).await
            }
            "resume" => shell::resume(paths, account, json).await,
            "differences" => match sub.get_one::<String>("action") {
                None => shell::list_differences(paths, account, json).await,
                Some(action) => {
                    let wish = shell::Wish {
                        action,
                        line: sub.get_one::<String>("line").map_or("", String::as_str),
                        seen: sub.get_one::<u32>("seen").copied().unwrap_or(0),
                        minutes: sub.get_one::<u32>("minutes").copied().unwrap_or(24 * 60),
                    };
                    shell::resolve(paths, &wish, account, json).await
                }
            },
            "reconcile" => shell::reconcile(paths, account, json).await,
            "acknowledge" => shell::acknowledge(paths, account, json).await,
            "record" => {
                let words = sub.get_many::<String>("what").into_iter().flatten();
                let what = words.map(String::as_str).collect::<Vec<_>>().join(" ");
                shell::record(paths, &what, account, json).await
            }
            "disarm-api" => {
                let key = sub.get_one::<String>("key").map(String::as_str);
                shell::disarm_programs(paths, key, account, json).await
            }
            "log" => {
                let count = sub.get_one::<u32>("count").copied().unwrap_or(50);
                shell::log(paths, json, sub.get_one::<u64>("from").copied(), count).await
            }
            _ => shell::order(paths, &order_options(sub, loaded, json)?).await,
        }
    });
    result.map_err(|error| {
        // An order's answer is a list, with the refusal in it.
        if json && name != "order" {
            error.tell();
        }
        (error.exit_code(), error.to_string())
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
                scopes: words(sub, "scope"),
                signed: sub.get_flag("signed"),
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
