//! The commands that look after an installation: doctor, health, availability, backup, archive, bundle, completions and the manual.

use super::given::settings;
use super::{Ended, block_on, fail, words};
use crate::app::{archive, availability, backup, bundle, clock, doctor, health, paths::Paths, run_lock};
use crate::config::Loaded;
use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Their words.
pub(super) fn commands(json: &dyn Fn() -> Arg) -> Vec<Command> {
    let file =
        |name: &'static str, help: &'static str| Arg::new(name).required(true).value_name(name).help(help);
    vec![
        Command::new("doctor")
            .about("Look at settings, port, clock, disk, databases, certificate and broker, and say what to do")
            .after_help("Exit codes: 0 nothing worse than a note, 4 something is worth a warning, 1 something is bad.")
            .arg(
                Arg::new("deep")
                    .long("deep")
                    .action(ArgAction::SetTrue)
                    .help("Read every database to its end, and the journal's chain"),
            )
            .arg(json()),
        Command::new("health")
            .about("Ask the engine's port whether it is alive")
            .arg(
                Arg::new("ready")
                    .long("ready")
                    .action(ArgAction::SetTrue)
                    .help("Whether orders could leave now, and if not why"),
            ),
        Command::new("availability")
            .about("The share of time, by day and month, with the broker up and the engine ready")
            .arg(json()),
        Command::new("backup")
            .about("Copy the profile into a new folder while the engine runs, and check the copy")
            .arg(file("FOLDER", "A folder that is not there yet, or is empty"))
            .arg(
                Arg::new("without-archive")
                    .long("without-archive")
                    .action(ArgAction::SetTrue)
                    .help("Leave out archived days, which never change: where an earlier copy has them"),
            ),
        Command::new("archive")
            .about("Close the journal's file into the archive and begin the next, with the engine stopped; nothing is deleted")
            .after_help("The file is checked, kept as it is under archive/ in the profile, and read for older days as before.")
            .arg(json()),
        Command::new("bundle")
            .about("Pack what helps others to help, without secrets: a zip file")
            .arg(file("FILE", "The file to make, such as tradewind-bundle.zip")),
        Command::new("completions")
            .about("Completions for a shell, to standard output")
            .arg(
                Arg::new("shell")
                    .required(true)
                    .value_name("SHELL")
                    .value_parser(["bash", "zsh", "fish"])
                    .help("bash, zsh or fish"),
            ),
        Command::new("man")
            .about("The manual page of the program, or of one of its commands, to standard output; or all pages into a folder")
            .arg(Arg::new("command").value_name("COMMAND").help("Which command's page"))
            .arg(
                Arg::new("to")
                    .long("to")
                    .value_name("FOLDER")
                    .conflicts_with("command")
                    .help("Write every page into this folder, such as /usr/local/share/man/man1"),
            ),
    ]
}

/// Runs one of them; nothing where the words are another's.
pub(super) fn run(matches: &ArgMatches) -> Option<Ended> {
    let (name, sub) = matches.subcommand()?;
    Some(match name {
        "doctor" => run_doctor(matches, sub),
        "bundle" => run_bundle(matches, sub),
        "completions" => completions(sub),
        "man" => manual(sub),
        "health" => with(matches, |_, paths| ask(paths, sub.get_flag("ready"))),
        "availability" => with(matches, |_, paths| {
            let running = run_lock::holder(paths).is_some();
            availability::tell(
                &paths.availability(),
                running,
                clock::wall(),
                sub.get_flag("json"),
            )
            .map_err(|error| fail(&error))
        }),
        "backup" => with(matches, |_, paths| {
            copy(paths, &path(sub, "FOLDER"), !sub.get_flag("without-archive"))
        }),
        "archive" => with(matches, |loaded, paths| {
            close(loaded, paths, sub.get_flag("json"))
        }),
        _ => return None,
    })
}

fn with(matches: &ArgMatches, run: impl FnOnce(&Loaded, &Paths) -> Ended) -> Ended {
    let loaded = settings(matches)?;
    let paths =
        Paths::new(&loaded.settings.data_dir, &loaded.settings.profile).map_err(|error| fail(&error))?;
    run(&loaded, &paths)
}

fn path(sub: &ArgMatches, name: &str) -> PathBuf {
    sub.get_one::<String>(name).map(PathBuf::from).unwrap_or_default()
}

/// The answer on standard output; whoever has read enough of it is no fault.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
}

/// Settings and places, or the report that says why there are none.
fn place(matches: &ArgMatches) -> Result<(Loaded, Paths), doctor::Report> {
    let loaded = settings(matches).map_err(|(_, text)| doctor::Report::unreadable(&text))?;
    let paths = Paths::new(&loaded.settings.data_dir, &loaded.settings.profile)
        .map_err(|error| doctor::Report::unreadable(&format!("{error:#}")))?;
    Ok((loaded, paths))
}

fn run_doctor(matches: &ArgMatches, sub: &ArgMatches) -> Ended {
    let report = match place(matches) {
        Ok((loaded, paths)) => block_on(doctor::examine(&loaded, &paths, sub.get_flag("deep"))),
        Err(report) => report,
    };
    say(&if sub.get_flag("json") {
        format!("{:#}", report.json())
    } else {
        report.text()
    });
    match report.exit_code() {
        0 => Ok(()),
        code => Err((
            code,
            format!("the worst that was found is {}", report.worst().word()),
        )),
    }
}

fn run_bundle(matches: &ArgMatches, sub: &ArgMatches) -> Ended {
    let file = path(sub, "FILE");
    let written = match place(matches) {
        Ok((loaded, paths)) => {
            let (report, accounts) = block_on(async {
                (
                    bundle::report(&loaded, &paths).await,
                    bundle::accounts(&paths).await,
                )
            });
            bundle::write(&file, Some(&loaded), Some(&paths), &report, accounts)
        }
        Err(report) => bundle::write(&file, None, None, &report, Vec::new()),
    };
    let parts = written.map_err(|error| fail(&error))?;
    say(&format!("{}: {}", file.display(), parts.join(", ")));
    let _ = writeln!(std::io::stderr(), "look into it before you send it");
    Ok(())
}

fn ask(paths: &Paths, ready: bool) -> Ended {
    let asked = block_on(health::ask(paths, if ready { "/ready" } else { "/health" }));
    match asked {
        Ok(body) => {
            say(&body);
            Ok(())
        }
        Err(error) if run_lock::holder(paths).is_none() => Err((3, error)),
        Err(error) => Err((1, error)),
    }
}

fn copy(paths: &Paths, to: &Path, archived: bool) -> Ended {
    let copied = backup::backup(paths, to, archived).map_err(|error| fail(&error))?;
    say(&format!("{}: {}", to.display(), copied.files.join(", ")));
    if !copied.left_out.is_empty() {
        let _ = writeln!(
            std::io::stderr(),
            "not in it, as asked: {}; keep the copy that has them",
            copied.left_out.join(", ")
        );
    }
    Ok(())
}

fn close(loaded: &Loaded, paths: &Paths, json: bool) -> Ended {
    let archived = archive::archive(&loaded.settings, paths).map_err(|error| fail(&error))?;
    say(&match json {
        true => format!("{:#}", archive::told(&archived)),
        false => archive::text(&archived),
    });
    Ok(())
}

fn completions(sub: &ArgMatches) -> Ended {
    use clap_complete::Shell;
    let shell = match sub.get_one::<String>("shell").map(String::as_str) {
        Some("zsh") => Shell::Zsh,
        Some("fish") => Shell::Fish,
        _ => Shell::Bash,
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut words::command(), "tradewind", &mut text);
    say(&String::from_utf8_lossy(&text));
    Ok(())
}

fn manual(sub: &ArgMatches) -> Ended {
    if let Some(folder) = sub.get_one::<String>("to") {
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(words::command(), folder))
            .with_context(|| format!("can't write the manual into {folder}"));
        return written.map_err(|error| fail(&error));
    }
    let mut command = words::command();
    command.build();
    if let Some(name) = sub.get_one::<String>("command") {
        let Some(found) = command.find_subcommand(name).cloned() else {
            return Err((
                2,
                format!("there is no command '{name}'; 'tradewind --help' lists them"),
            ));
        };
        command = found;
    }
    let mut text = Vec::new();
    let drawn = clap_mangen::Man::new(command).render(&mut text);
    drawn.map_err(|error| (1, error.to_string()))?;
    say(&String::from_utf8_lossy(&text));
    Ok(())
}
