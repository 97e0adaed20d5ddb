//! Every file that a profile's folder may hold, and whether a copy of the profile needs it: one list, which a copy is made by. What
//! no row names is copied: rather one file too many than one too few. A test holds what the program writes to the list.
//!
//! Leaves to others: where each file is (`paths`), and how it is copied (`backup`).

/// The files by their names: `*` is any text, `?` a digit of a hash. The first that fits counts. Beside each, why a copy does
/// without it; nothing where it is copied.
const FILES: &[(&str, Option<&str>)] = &[
    // What SQLite keeps beside a database.
    ("*.db-wal", Some("it is in the copy of its database already")),
    ("*.db-shm", Some("it is in the copy of its database already")),
    ("*.db-journal", Some("it is in the copy of its database already")),
    ("journal.db", None),
    (
        "journal.db-next*",
        Some("an archive under way: the next start settles it"),
    ),
    (
        "*.db.reserve",
        Some("room that is kept: the next start keeps its own"),
    ),
    ("journal.snapshot", Some("it is made anew from the journal")),
    ("journal.snapshot-new", Some("it is made anew from the journal")),
    (
        "journal.head",
        Some("how far the original was written is known of the original alone"),
    ),
    ("venue.db", None),
    ("gateway.db", None),
    ("bars.db", None),
    ("availability.db", None),
    ("pnl.db", None),
    ("audit.db", None),
    ("audit.heads", None),
    ("doors.db", None),
    (
        "doors.db.layout-?",
        Some("of a program before: the one that is in use is copied"),
    ),
    ("doors.secret", None),
    ("doors.????????", Some("half of a new secret")),
    ("tls.pem", None),
    ("tls.new", Some("half of a new certificate")),
    (
        "SHA256SUMS",
        Some("they are the sums of the copy that a profile was restored from"),
    ),
    ("terminal.toml", None),
    ("terminal.toml.broken-*", None),
    ("terminal.toml.*", Some("half of what a terminal remembers")),
];

/// The row of a file; nothing where none names it.
fn row(name: &str) -> Option<Option<&'static str>> {
    let found = FILES
        .iter()
        .find(|(pattern, _)| fits(pattern.as_bytes(), name.as_bytes()));
    found.map(|(_, why)| *why)
}

/// True for a file of which somebody decided whether a copy needs it.
pub fn is_known(name: &str) -> bool {
    row(name).is_some()
}

/// Why a copy of a profile does without a file; nothing where the copy has it.
pub fn left_out(name: &str) -> Option<&'static str> {
    row(name).flatten()
}

fn fits(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=name.len()).any(|from| fits(rest, &name[from..])),
        (Some((b'?', rest)), Some((digit, name))) => digit.is_ascii_hexdigit() && fits(rest, name),
        (Some((wanted, rest)), Some((found, name))) => wanted == found && fits(rest, name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::paths::Paths;
    use crate::server::doors::audit::AuditFiles;

    #[test]
    fn what_a_profile_cannot_do_without_is_copied() {
        let paths = Paths::new("/data", "p").unwrap();
        let audit = AuditFiles::of(&paths.profile);
        let files = [
            paths.journal(),
            paths.venue(),
            paths.doors(),
            paths.doors_secret(),
            paths.tls(),
            paths.availability(),
            paths.pnl_days(),
            paths.bars(),
            paths.terminal(),
            paths.gateway(),
            audit.book,
            audit.heads,
        ];
        for file in files {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap();
            assert!(is_known(name) && left_out(name).is_none(), "{name}");
        }
        for name in ["notes.txt", "doors.keys", "journal.tmp.db", "venue.head"] {
            assert!(
                !is_known(name) && left_out(name).is_none(),
                "{name}: copied all the same"
            );
        }
        for name in [
            "journal.db-wal",
            "journal.db.reserve",
            "doors.0a1b2c3d",
            "terminal.toml.4711",
            "journal.snapshot",
            "SHA256SUMS",
        ] {
            assert!(left_out(name).is_some(), "{name}");
        }
        assert_eq!(left_out("terminal.toml.broken-1"), None);
    }
}
