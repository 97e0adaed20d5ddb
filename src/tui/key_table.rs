//! The key table as a paper: plain, Markdown and JSON, for `tradewind keys` and `docs/KEYS.md`. Says nothing that the table
//! does not.

use super::keymap::{Context, Keymap};
use std::fmt::Write;

/// The contexts in the order of the paper.
pub const CONTEXTS: [Context; 7] = [
    Context::Anywhere,
    Context::Desk,
    Context::Ticket,
    Context::Line,
    Context::Search,
    Context::Help,
    Context::Leaving,
];

/// One action with all its keys.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Row {
    /// The action's name.
    pub action: String,
    /// Its keys.
    pub keys: Vec<String>,
    /// Where.
    pub context: &'static str,
    /// In words.
    pub help: String,
    /// What it can cost; empty for nothing.
    pub danger: &'static str,
}

/// The rows of a context, each action once.
pub fn rows(keymap: &Keymap, context: Context) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for entry in keymap.entries().iter().filter(|entry| entry.context == context) {
        let action = entry.action.name();
        match rows.iter_mut().find(|row| row.action == action) {
            Some(row) => row.keys.push(entry.shown()),
            None => rows.push(Row {
                action,
                keys: vec![entry.shown()],
                context: context.word(),
                help: entry.help.to_string(),
                danger: entry.danger.word(),
            }),
        }
    }
    rows
}

/// For people at a shell.
pub fn plain(keymap: &Keymap) -> String {
    let mut text = String::new();
    for context in CONTEXTS {
        let _ = writeln!(text, "{}", context.word());
        for row in rows(keymap, context) {
            let keys = row.keys.join("  ");
            let danger = if row.danger.is_empty() {
                String::new()
            } else {
                format!(" [{}]", row.danger)
            };
            let _ = writeln!(text, "  {keys:<22} {:<20} {}{danger}", row.action, row.help);
        }
        text.push('\n');
    }
    text
}

/// As JSON, a list of rows.
pub fn json(keymap: &Keymap) -> String {
    let all: Vec<Row> = CONTEXTS
        .iter()
        .flat_map(|context| rows(keymap, *context))
        .collect();
    serde_json::to_string_pretty(&all).unwrap_or_default()
}

/// As `docs/KEYS.md`.
pub fn markdown(keymap: &Keymap) -> String {
    let mut text = String::from(
        "# The keys\n\nMade from the key table by `tradewind keys --markdown`. Every key but the panic keys, Enter and Esc can be \
         given another\nmeaning in the section `[keys]` of config.toml; the first column is the name to use there, and on the \
         `:` line.\n`^x` is Ctrl-x. *asks* opens a preview or a question that Enter confirms; *at once* sends at once and takes \
         risk away.\n",
    );
    for context in CONTEXTS {
        let word = context.word();
        let head: String = word
            .chars()
            .take(1)
            .chain(word.chars().skip(1).flat_map(char::to_lowercase))
            .collect();
        let _ = write!(
            text,
            "\n## {head}\n\n| action | keys | what it does | |\n|---|---|---|---|\n"
        );
        for row in rows(keymap, context) {
            let keys: Vec<String> = row
                .keys
                .iter()
                .map(|keys| format!("`{}`", keys.replace('|', "\\|")))
                .collect();
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} |",
                row.action,
                keys.join(", "),
                row.help,
                row.danger
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_is_the_table() {
        let paper = include_str!("../../docs/KEYS.md");
        let table = markdown(&Keymap::default());
        assert!(
            paper == table,
            "docs/KEYS.md is not what `tradewind keys --markdown` says: write it anew"
        );
    }
}
