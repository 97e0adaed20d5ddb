//! Who keeps an engine running: a service manager or a container's runtime starts it, and starts it again. Such an engine is restarted by
//! its keeper and by nobody else: one that is stopped and started in the background beside it would take the profile away from the
//! service, with other rights and another environment. Read from the kernel's own files; where there are none (outside of Linux),
//! nobody is known to be one.

use std::path::Path;

/// Programs whose children are services.
const MANAGERS: [&str; 4] = ["runsv", "s6-supervise", "supervisord", "supervise-daemon"];
/// Programs that are the first process of a container.
const FIRST: [&str; 5] = ["tini", "docker-init", "dumb-init", "catatonit", "conmon"];

/// How whoever keeps this process is told to restart it, in words; nothing where nobody does.
pub fn remedy(pid: i32) -> Option<String> {
    let (parent, _) = of(pid)?;
    let name = if parent == 0 { String::new() } else { of(parent)?.1 };
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    told(parent, &name, &groups)
}

/// The parent of a process, and its own name.
fn of(pid: i32) -> Option<(i32, String)> {
    let folder = Path::new("/proc").join(pid.to_string());
    let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
    // The name is in parentheses and may hold anything; the state and the parent follow it.
    let (head, rest) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    Some((rest.split_whitespace().nth(1)?.parse().ok()?, name))
}

fn told(parent: i32, name: &str, groups: &str) -> Option<String> {
    if parent == 0 || FIRST.contains(&name) {
        let restart = "'docker compose restart', 'kubectl delete pod' or the like";
        return Some(format!(
            "it is what its container runs: restart the container ({restart})"
        ));
    }
    if MANAGERS.contains(&name) {
        return Some(format!("{name} keeps it running: restart it there"));
    }
    // An engine whose small parent died is systemd's child as well, but not in a service's group.
    let unit = groups
        .lines()
        .filter(|line| line.starts_with("0::") || line.contains("name=systemd:"))
        .filter_map(|line| line.rsplit('/').next())
        .find(|unit| unit.ends_with(".service"))?;
    let user = if groups.contains("/user@") { " --user" } else { "" };
    (name == "systemd").then(|| format!("it is the service {unit}: 'systemctl{user} restart {unit}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_told_from_an_engine_that_somebody_started() {
        let system = told(1, "systemd", "0::/system.slice/tradewind.service\n");
        assert!(system.unwrap().contains("'systemctl restart tradewind.service'"));
        let own = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/tradewind.service\n";
        let own = told(900, "systemd", own).unwrap();
        assert!(
            own.contains("'systemctl --user restart tradewind.service'"),
            "{own}"
        );
        assert!(told(0, "", "0::/\n").unwrap().contains("container"));
        assert!(told(1, "tini", "0::/\n").unwrap().contains("container"));
        assert!(told(7, "runsv", "").unwrap().contains("runsv"));
        // In a terminal, in the background, and left behind by a small parent that was killed.
        let session = "0::/user.slice/user-1000.slice/session-3.scope\n";
        for (parent, name) in [(4711, "bash"), (4712, "tradewind"), (1, "systemd")] {
            assert_eq!(told(parent, name, session), None, "{name}");
        }
        assert_eq!(remedy(i32::try_from(std::process::id()).unwrap()), None);
    }
}
