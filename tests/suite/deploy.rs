//! What is given out for servers: that units, settings, containers and documents name only what there is (settings, commands,
//! flags, figures, ports, paths), and that the steps of docs/DEPLOY.md work, done by hand in a folder in place of the
//! machine's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what only they use"
)]

use crate::harness::{Home, Ran, signal, undecided, until};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tradewind::config::Settings;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(project().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All files of a folder of the project, by their names from its root.
fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![project().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(project()).unwrap().to_owned();
                found.push(name.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn settings_that_are_given_out_are_settings() {
    let mut seen = 0;
    for name in files("deploy")
        .iter()
        .filter(|name| name.ends_with("config.toml"))
    {
        let loaded =
            Settings::load(Some(&project().join(name)), &[]).unwrap_or_else(|error| panic!("{error}"));
        let port = loaded
            .settings
            .server
            .listen
            .rsplit_once(':')
            .unwrap()
            .1
            .to_owned();
        assert_eq!(port, "7600", "{name}");
        seen += 1;
    }
    assert_eq!(seen, 3);
}

/// The program's commands, each with the words that its help knows.
fn commands() -> BTreeMap<String, String> {
    let home = Home::new();
    let help = home.done(&["--help"]);
    let (_, list) = help.split_once("Commands:").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let names = list
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help");
    names
        .map(|name| (name.to_owned(), home.done(&[name, "--help"])))
        .collect()
}

/// The calls of the program in a line: the words after its name.
fn calls(line: &str) -> Vec<Vec<String>> {
    let plain = line.replace(['[', ']', '"', '\'', ',', '`', '(', ')'], " ");
    let words: Vec<&str> = plain.split_whitespace().collect();
    let is_program =
        |word: &str| matches!(word, "tradewind" | "tw" | "$program") || word.ends_with("/bin/tradewind");
    // `kubectl -n tradewind create`: a namespace's name.
    // `compose exec -T tradewind`: a container's.
    let named =
        |at: usize| at > 0 && ["-n", "namespace", "generic", "exec", "-T", "sh"].contains(&words[at - 1]);
    let mut found = Vec::new();
    for (at, _) in words
        .iter()
        .enumerate()
        .filter(|(at, word)| is_program(word) && !named(*at))
    {
        let ends = |word: &&&str| !matches!(**word, "|" | ">" | "&&" | ";" | "<");
        found.push(
            words[at + 1..]
                .iter()
                .take_while(ends)
                .map(|word| (*word).to_owned())
                .collect(),
        );
    }
    found
}

/// Lines of a file in which a call of the program is one.
fn lines_with_calls(name: &str, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut code = false;
    for line in text.lines() {
        if name.ends_with(".md") {
            if line.starts_with("```") {
                code = !code;
            } else if code {
                lines.push(line.to_owned());
            } else {
                lines.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
            }
            continue;
        }
        let line = line.trim();
        let calls = ["ExecStart=", "HEALTHCHECK", "test:", "\"$program\" "];
        if calls.iter().any(|call| line.starts_with(call)) {
            lines.push(line.to_owned());
        }
    }
    lines
}

#[test]
fn commands_and_flags_that_are_written_down_are_known_to_the_program() {
    let commands = commands();
    let home = Home::new();
    let mut seen = 0;
    let mut all = files("deploy");
    all.extend(["docs/DEPLOY.md", "docs/TUNING.md"].map(str::to_owned));
    for name in all {
        let Ok(text) = std::fs::read_to_string(project().join(&name)) else {
            continue;
        };
        for line in lines_with_calls(&name, &text) {
            for call in calls(&line) {
                let Some(first) = call
                    .first()
                    .filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
                else {
                    continue;
                };
                // `exec tradewind tradewind`: a container's name, and a unit's.
                if first.starts_with("--") || first == "tradewind" {
                    continue;
                }
                let Some(help) = commands.get(first) else {
                    // `systemctl restart tradewind` and the like end with the name.
                    panic!("{name}: there is no command '{first}': {line}");
                };
                // `api-key add` has words of its own.
                let second = call
                    .get(1)
                    .filter(|word| help.contains("\nCommands:") && !word.starts_with("--"));
                let help = match second {
                    Some(second) => {
                        let told = home.run(&[first, second, "--help"]);
                        assert_eq!(
                            told.code,
                            Some(0),
                            "{name}: there is no '{first} {second}': {line}"
                        );
                        told.out
                    }
                    None => help.clone(),
                };
                for flag in call.iter().filter(|word| word.starts_with("--")) {
                    let flag = flag.split('=').next().unwrap();
                    assert!(
                        help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}\n")),
                        "{name}: '{first}' has no flag {flag}: {line}"
                    );
                }
                seen += 1;
            }
        }
    }
    assert!(seen >= 15, "only {seen} calls found");
}

#[test]
fn figures_that_rules_and_dashboards_name_are_told() {
    let all = tradewind::metrics::metrics();
    all.available.set(1_000_000);
    let known: BTreeSet<&str> = all.figures().iter().map(|figure| figure.name).collect();
    let mut seen = 0;
    for name in [
        "deploy/prometheus/alerts.yml",
        "deploy/grafana/dashboards/tradewind.json",
        "docs/TUNING.md",
    ] {
        for word in read(name).split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
            if !word.starts_with("tradewind_") && !word.starts_with("process_") {
                continue;
            }
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| word.strip_suffix(end))
                .unwrap_or(word);
            assert!(known.contains(base), "{name}: nobody tells {word}");
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} names found");
    let guide = read("docs/DEPLOY.md");
    for name in known.iter().filter(|name| name.starts_with("tradewind_")) {
        assert!(
            guide.contains(&format!("`{name}")),
            "docs/DEPLOY.md does not tell of {name}"
        );
    }
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/dashboards/tradewind.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<i64> = panels.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    // No two panels lie over each other.
    let place = |panel: &Value, name: &str| panel["gridPos"][name].as_i64().unwrap();
    for (at, one) in panels.iter().enumerate() {
        for other in &panels[at + 1..] {
            let apart = |from: &str, size: &str| {
                place(one, from) + place(one, size) <= place(other, from)
                    || place(other, from) + place(other, size) <= place(one, from)
            };
            assert!(apart("x", "w") || apart("y", "h"), "{one} and {other}");
        }
    }
}

/// A unit's lines by section and name; a name may come more than once.
fn unit(name: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut sections: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut section = String::new();
    for line in read(name).lines().map(str::trim) {
        if let Some(head) = line.strip_prefix('[') {
            head.trim_end_matches(']').clone_into(&mut section);
        } else if !line.is_empty() && !line.starts_with('#') {
            let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{name}: {line}"));
            let entry = (key.to_owned(), value.to_owned());
            sections.entry(section.clone()).or_default().push(entry);
        }
    }
    sections
}

fn of<'a>(unit: &'a BTreeMap<String, Vec<(String, String)>>, section: &str, key: &str) -> Vec<&'a str> {
    let lines = unit.get(section).into_iter().flatten();
    lines
        .filter(|(name, _)| name == key)
        .map(|(_, value)| value.as_str())
        .collect()
}

#[test]
fn what_is_given_out_fits_together() {
    for name in [
        "deploy/systemd/tradewind.service",
        "deploy/systemd/tradewind-user.service",
    ] {
        let unit = unit(name);
        let names: BTreeSet<&str> = unit.keys().map(String::as_str).collect();
        assert_eq!(names, BTreeSet::from(["Install", "Service", "Unit"]), "{name}");
        assert!(
            of(&unit, "Service", "ExecStart")[0].ends_with("/bin/tradewind serve"),
            "{name}"
        );
        assert_eq!(of(&unit, "Service", "KillSignal"), ["SIGTERM"], "{name}");
        assert_eq!(of(&unit, "Service", "NoNewPrivileges"), ["yes"], "{name}");
        let code = tradewind::app::mistake::EXIT_CODE;
        let never_again = of(&unit, "Service", "RestartPreventExitStatus");
        assert_eq!(never_again, [format!("2 {code}")], "{name}");
    }
    // One user, one port, one place for data, in everything that has to agree on them.
    let docker = read("deploy/container/Dockerfile");
    for wanted in [
        "USER 10001:10001",
        "EXPOSE 7600",
        "VOLUME [\"/var/lib/tradewind\"]",
        "--profile dist",
        "STOPSIGNAL SIGTERM",
    ] {
        assert!(docker.contains(wanted), "{wanted}");
    }
    let compose = read("deploy/compose.yaml");
    for port in compose
        .lines()
        .filter(|line| line.trim().starts_with("- \"") && line.contains(":7600"))
    {
        assert!(port.contains("127.0.0.1:7600:7600"), "{port}");
    }
    for wanted in [
        "condition: service_healthy",
        "restart: unless-stopped",
        "profile:/var/lib/tradewind",
        "read_only: true",
    ] {
        assert!(compose.contains(wanted), "{wanted}");
    }
    let set = read("deploy/kubernetes/statefulset.yaml");
    for wanted in [
        "replicas: 1",
        "containerPort: 7600",
        "runAsUser: 10001",
        "runAsNonRoot: true",
        "path: /health",
        "scheme: HTTPS",
    ] {
        assert!(set.contains(wanted), "{wanted}");
    }
    let nginx = read("deploy/nginx/tradewind.conf");
    assert_eq!(nginx.matches('{').count(), nginx.matches('}').count());
    for wanted in [
        "server 127.0.0.1:7600;",
        "proxy_set_header Upgrade $http_upgrade;",
        "(ws|terminal)",
        "location = /metrics",
    ] {
        assert!(nginx.contains(wanted), "{wanted}");
    }
    // Files that are named are there.
    let mut all = vec![
        "docs/DEPLOY.md".to_owned(),
        "docs/TUNING.md".to_owned(),
        ".github/workflows/release.yml".to_owned(),
    ];
    all.extend(files("deploy"));
    for name in all {
        let text = read(&name);
        for word in text.split(|c: char| c.is_whitespace() || matches!(c, '`' | '"' | '(' | ')' | ',' | ':'))
        {
            let file = word.trim_end_matches(['.', ';']);
            let ours = ["deploy/", "docs/"].iter().any(|start| file.starts_with(start));
            let made = file.contains("secrets") || file.contains(".env");
            if ours && !made && !file.contains('#') {
                assert!(project().join(file).exists(), "{name}: there is no {file}");
            }
        }
    }
    assert!(read(".github/workflows/ci.yml").contains("run: .ci/run"));
}

/// Whether a file of the project is left out of what the build in a container sees: patterns by path from the root, `*` within
/// one name, a folder with all that is in it.
fn left_out(patterns: &[&str], file: &str) -> bool {
    let one = |pattern: &str, name: &str| match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => {
            name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
        }
    };
    let names: Vec<&str> = file.split('/').collect();
    patterns.iter().any(|pattern| {
        let parts: Vec<&str> = pattern.split('/').collect();
        parts.len() <= names.len() && parts.iter().zip(&names).all(|(part, name)| one(part, name))
    })
}

#[test]
fn the_build_in_a_container_sees_all_that_it_needs_and_no_secret() {
    let ignored = read("deploy/container/Dockerfile.dockerignore");
    let patterns: Vec<&str> = ignored
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    for secret in ["deploy/secrets/tws_password", "deploy/.env", ".git/config"] {
        assert!(left_out(&patterns, secret), "{secret} gets into a layer");
    }
    // What the program carries in itself, by the words that embed it.
    let mut needed = vec!["Cargo.toml".to_owned(), "Cargo.lock".to_owned()];
    for source in files("src").iter().filter(|name| name.ends_with(".rs")) {
        let text = read(source);
        for macro_call in ["include_str!(", "include_bytes!("] {
            for (at, _) in text.match_indices(macro_call) {
                let Some(path) = text[at..].split('"').nth(1).filter(|path| path.contains('.')) else {
                    continue;
                };
                let mut name = Path::new(source).parent().unwrap().to_path_buf();
                for part in path.split('/') {
                    match part {
                        ".." => assert!(name.pop(), "{source}: {path}"),
                        part => name.push(part),
                    }
                }
                needed.push(name.to_string_lossy().into_owned());
            }
        }
    }
    let web = read("src/server/http/routes/web.rs");
    let pages = web.split("asset!(\"").skip(1);
    needed.extend(pages.map(|rest| format!("assets/web/{}", rest.split('"').next().unwrap())));
    needed.extend(files("src"));
    assert!(
        needed
            .iter()
            .filter(|name| name.starts_with("assets/web/"))
            .count()
            > 20
    );
    assert!(needed.iter().any(|name| name.starts_with("themes/")));
    for name in needed {
        assert!(project().join(&name).is_file(), "there is no {name}");
        assert!(!left_out(&patterns, &name), "the build needs {name}");
    }
    // The manifest names targets: a missing one is refused before anything is compiled.
    for target in read("Cargo.toml")
        .lines()
        .filter_map(|line| line.strip_prefix("path = "))
    {
        assert!(!left_out(&patterns, target.trim_matches('"')), "{target}");
    }
}

/// A machine in a folder: the paths of the unit and the settings, below it.
struct Machine {
    root: tempfile::TempDir,
    environment: Vec<(String, String)>,
    start: Vec<String>,
}

impl Machine {
    /// Steps 1 and 2 of docs/DEPLOY.md.
    fn installed() -> Self {
        let root = tempfile::Builder::new().prefix("twm").tempdir().unwrap();
        let below = |text: &str| {
            let mut text = text.to_owned();
            for place in [
                "/usr/local/bin",
                "/etc/tradewind",
                "/var/lib/tradewind",
                "/var/log/tradewind",
            ] {
                text = text.replace(place, &format!("{}{place}", root.path().display()));
            }
            text
        };
        let path = |text: &str| PathBuf::from(below(text));
        for folder in [
            "/usr/local/bin",
            "/etc/tradewind",
            "/var/lib/tradewind",
            "/var/log/tradewind",
        ] {
            std::fs::create_dir_all(path(folder)).unwrap();
        }
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tradewind"), path("/usr/local/bin/tradewind"))
            .unwrap();
        // A port of the system's choice: others may use the usual one on this machine.
        let settings = below(&read("deploy/systemd/config.toml")).replace("127.0.0.1:7600", "127.0.0.1:0");
        // No busy market: an engine is ready at once on a slow machine too.
        let settings = settings + "\n[sim]\nparticipants = false\n";
        std::fs::write(path("/etc/tradewind/config.toml"), settings).unwrap();
        let unit = unit("deploy/systemd/tradewind.service");
        let mut environment: Vec<(String, String)> = of(&unit, "Service", "Environment")
            .iter()
            .flat_map(|line| line.split_whitespace())
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), below(value)))
            .collect();
        let pid = std::process::id().to_string();
        environment.extend([
            ("HOME".to_owned(), below("/var/lib/tradewind")),
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
            ("TRADEWIND_ENDS_WITH".to_owned(), pid),
        ]);
        let start = below(of(&unit, "Service", "ExecStart")[0]);
        let start = start.split_whitespace().map(str::to_owned).collect();
        Self {
            root,
            environment,
            start,
        }
    }
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.start[0]);
        command
            .args(words)
            .env_clear()
            .envs(self.environment.iter().cloned());
        command.stdin(Stdio::null());
        command
    }
    fn run(&self, words: &[&str]) -> Ran {
        self.command(words).output().unwrap().into()
    }
    fn profile(&self) -> PathBuf {
        self.root.path().join("var/lib/tradewind/default")
    }
    /// Starts what the unit starts, and waits as the unit's user would: `health --ready`.
    fn serve(&self) -> std::process::Child {
        let words: Vec<&str> = self.start[1..].iter().map(String::as_str).collect();
        let mut child = self
            .command(&words)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("an engine that is ready", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the engine ended by itself: {status}");
            }
            (self.run(&["health", "--ready"]).code == Some(0)).then_some(())
        });
        child
    }
    /// As systemd ends it.
    #[track_caller]
    fn end(mut child: std::process::Child) {
        signal(i32::try_from(child.id()).unwrap(), Signal::TERM);
        assert!(child.wait().unwrap().success());
    }
}

/// Makes a backup, and holds it to what is promised: its sums hold and cover every file, and nobody else can read one.
#[track_caller]
fn backed_up(machine: &Machine, copy: &Path) {
    let backed = machine.run(&["backup", copy.to_str().unwrap()]);
    assert_eq!(backed.code, Some(0), "{backed:?}");
    let sums = Command::new("sha256sum")
        .args(["--check", "--quiet", "SHA256SUMS"])
        .current_dir(copy)
        .status();
    assert!(sums.unwrap().success());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(copy), 0o700);
    let sums = std::fs::read_to_string(copy.join("SHA256SUMS")).unwrap();
    for entry in std::fs::read_dir(copy).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{name}");
        assert!(
            name == "SHA256SUMS" || sums.contains(&format!("  {name}\n")),
            "{name}"
        );
    }
}

#[test]
fn the_steps_of_the_document_work_from_installation_to_restore() {
    let machine = Machine::installed();
    assert_eq!(machine.run(&["health"]).code, Some(3), "nobody is there yet");
    let engine = machine.serve();
    assert_eq!(machine.run(&["health"]).code, Some(0));
    let status = machine.run(&["status"]);
    assert!(status.out.contains("default"), "{status:?}");
    let doctor = machine.run(&["doctor", "--json"]);
    let report: Value = serde_json::from_str(&doctor.out).unwrap();
    let bad: Vec<&Value> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["level"] == "bad")
        .collect();
    assert!(bad.is_empty(), "{bad:?}");
    let offer = [
        "order",
        "sell 100 AAPL @200 short",
        "--yes",
        "--account",
        "SIM100002",
    ];
    assert_eq!(machine.run(&offer).code, Some(0));
    let order = machine.run(&["order", "buy 10 AAPL @200", "--yes", "--json"]);
    assert_eq!(order.code, Some(0), "{order:?}");
    let key = machine.run(&["api-key", "add", "reports", "--role", "view"]);
    assert!(key.out.starts_with("tw_"), "{key:?}");
    // The log lies where the settings put it, in lines of JSON.
    let logs = std::fs::read_dir(machine.root.path().join("var/log/tradewind")).unwrap();
    let log = logs
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with("engine."));
    let log = std::fs::read_to_string(log.unwrap().path()).unwrap();
    assert!(
        log.lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "{log}"
    );
    assert!(!log.contains(key.out.trim()));
    // Backup while it runs, and its sums.
    let held = |machine: &Machine| {
        let told: Value = serde_json::from_str(&machine.run(&["positions", "--json"]).out).unwrap();
        told.as_array()
            .unwrap()
            .iter()
            .map(|row| (row["symbol"].clone(), row["quantity"].clone()))
            .collect::<Vec<_>>()
    };
    let before = until("a position", || {
        Some(held(&machine)).filter(|held| held.len() == 2)
    });
    assert_eq!(undecided(&machine.profile()), Vec::<String>::new());
    let copy = machine.root.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::set_permissions(&copy, Permissions::from_mode(0o755)).unwrap();
    backed_up(&machine, &copy);
    assert_eq!(
        machine.run(&["backup", copy.to_str().unwrap()]).code,
        Some(1),
        "a full folder was taken"
    );
    Machine::end(engine);
    // The profile is lost; the copy takes its place.
    std::fs::remove_dir_all(machine.profile()).unwrap();
    std::fs::rename(&copy, machine.profile()).unwrap();
    let engine = machine.serve();
    assert_eq!(held(&machine), before);
    // What was restored is backed up in its turn, and the sums are those of the new copy.
    backed_up(&machine, &machine.root.path().join("next"));
    let deep = machine.run(&["doctor", "--deep", "--json"]);
    let report: Value = serde_json::from_str(&deep.out).unwrap();
    assert!(report["findings"].to_string().contains("chain holds"), "{deep:?}");
    assert_ne!(report["worst"], "bad", "{deep:?}");
    Machine::end(engine);
    let told: Value = serde_json::from_str(&machine.run(&["availability", "--json"]).out).unwrap();
    assert!(told["days"][0]["up_s"].as_i64().unwrap() >= 0, "{told}");
}

#[test]
fn a_release_archive_has_the_program_its_manual_and_a_sum_that_holds() {
    let out = tempfile::tempdir().unwrap();
    let packed = Command::new(project().join("deploy/package.sh"))
        .arg(env!("CARGO_BIN_EXE_tradewind"))
        .args(["test-machine", out.path().to_str().unwrap()])
        .env("GZIP", "-1")
        .output()
        .unwrap();
    let packed: Ran = packed.into();
    assert_eq!(packed.code, Some(0), "{packed:?}");
    let name = format!("tradewind-{}-test-machine", env!("CARGO_PKG_VERSION"));
    let sums = Command::new("sha256sum")
        .args(["--check", "--quiet", &format!("{name}.tar.gz.sha256")])
        .current_dir(out.path())
        .status();
    assert!(sums.unwrap().success());
    let list = Command::new("tar")
        .args(["-tzf", &format!("{name}.tar.gz")])
        .current_dir(out.path())
        .output()
        .unwrap();
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    for file in [
        "bin/tradewind",
        "share/man/man1/tradewind.1",
        "share/man/man1/tradewind-order.1",
        "share/completions/tradewind.bash",
        "deploy/systemd/tradewind.service",
        "share/doc/LICENSE-MIT",
    ] {
        assert!(list.contains(&format!("{name}/{file}\n")), "no {file} in {list}");
    }
    assert!(!list.contains("secrets/"));
}
