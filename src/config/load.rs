//! From text to settings: the file is read with the place of each key, unknown keys are refused, and then values from the
//! environment and the command line are laid over it, each remembered with where it came from.

use super::check::check;
use super::error::ConfigError;
use super::nearest::nearest;
use super::settings::Settings;
use crate::domain::{LimitName, Limits};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// A section whose keys a person names.
const LISTS: &str = "watchlists";
/// And the one whose keys are symbols.
const SECTORS: &str = "sectors";

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Built in.
    Default,
    /// A line of a file, counted from 1.
    File {
        /// Which file.
        file: PathBuf,
        /// Which line.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(String),
}
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A value laid over the file's, as text: a list is comma-separated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The whole key, such as `terminal.fps`.
    pub key: String,
    /// The value as it was typed.
    pub value: String,
    /// Where it came from.
    pub source: Source,
}

/// Where each given value came from, by its whole key. Keys that are not in it have their default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<String, Source>);
impl Sources {
    /// Where `key` (such as `terminal.fps`) came from.
    pub fn of(&self, key: &str) -> &Source {
        self.0.get(key).unwrap_or(&Source::Default)
    }
    /// All that were given, by key.
    pub fn given(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.0.iter().map(|(key, source)| (key.as_str(), source))
    }
}

/// Settings, and where they came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The values.
    pub settings: Settings,
    /// Where each came from.
    pub sources: Sources,
}
impl Loaded {
    /// What was given, for people: key, value as in the file, source.
    pub fn given(&self) -> Vec<(String, String, String)> {
        let table = Table::try_from(&self.settings).unwrap_or_default();
        self.sources
            .given()
            .map(|(key, source)| (key.to_owned(), shown(&table, key), source.to_string()))
            .collect()
    }
    /// What holds, given or built in: every key with its value as in the file, and its source.
    pub fn effective(&self) -> Vec<(String, String, String)> {
        let table = Table::try_from(&self.settings).unwrap_or_default();
        let keys = Settings::keys().into_iter();
        let given = self.sources.given().map(|(key, _)| key.to_owned());
        let all: std::collections::BTreeSet<String> = keys.chain(given).collect();
        all.into_iter()
            .map(|key| {
                let (value, source) = (shown(&table, &key), self.sources.of(&key).to_string());
                (key, value, source)
            })
            .collect()
    }
}

impl Settings {
    /// Reads `path` (nothing: the defaults), then lays `overrides` over it in their order: the environment's first, then
    /// the flags'.
    pub fn load(path: Option<&Path>, overrides: &[Override]) -> Result<Loaded, ConfigError> {
        match path {
            None => Self::from_text("", Path::new("config.toml"), overrides),
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| ConfigError::Unreadable {
                    file: file.to_owned(),
                    what: error.to_string(),
                })?;
                Self::from_text(&text, file, overrides)
            }
        }
    }

    /// As [`Settings::load`], from the text of a file.
    pub fn from_text(text: &str, file: &Path, overrides: &[Override]) -> Result<Loaded, ConfigError> {
        let defaults = Table::try_from(Self::default()).unwrap_or_default();
        let place = Place { text, file };
        let root = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
            source: place.source(error.span().map_or(0, |span| span.start)),
            what: error.message().to_owned(),
        })?;
        let mut sources = BTreeMap::new();
        place.walk(root.get_ref(), &defaults, "", &mut sources)?;
        let settings: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            ConfigError::BadValue {
                source: place.source(at),
                key: place.key_at(&sources, at),
                what: error.message().to_owned(),
            }
        })?;
        let mut loaded = Loaded {
            settings,
            sources: Sources(sources),
        };
        loaded.check()?;
        overrides
            .iter()
            .try_for_each(|given| loaded.overlay(given, &defaults))?;
        loaded.be_strict();
        Ok(loaded)
    }

    /// Every key there is, such as `terminal.fps`, in order.
    pub fn keys() -> Vec<String> {
        fn collect(table: &Table, prefix: &str, keys: &mut Vec<String>) {
            for (key, value) in table {
                let path = join(prefix, key);
                match value {
                    Value::Table(inner) => collect(inner, &path, keys),
                    _ => keys.push(path),
                }
            }
        }
        let mut keys = Vec::new();
        collect(
            &Table::try_from(Self::default()).unwrap_or_default(),
            "",
            &mut keys,
        );
        keys
    }
}

impl Loaded {
    /// Limits that nobody set are strict at any broker but the one in the box, which trades play money.
    fn be_strict(&mut self) {
        if self.settings.broker.chosen == "sim" {
            return;
        }
        let sources = &self.sources;
        let is_set = |name: LimitName| *sources.of(name.key()) != Source::Default;
        self.settings.limits.be_strict(is_set);
    }

    fn check(&self) -> Result<(), ConfigError> {
        check(&self.settings).map_err(|(key, what)| ConfigError::BadValue {
            source: self.sources.of(key).clone(),
            key: key.to_owned(),
            what,
        })
    }

    fn overlay(&mut self, given: &Override, defaults: &Table) -> Result<(), ConfigError> {
        let bad = |what: String| ConfigError::BadValue {
            source: given.source.clone(),
            key: given.key.clone(),
            what,
        };
        let Some(kind) = value_at(defaults, &given.key) else {
            let known = Settings::keys();
            return Err(ConfigError::UnknownKey {
                source: given.source.clone(),
                nearest: nearest(&given.key, known.iter().map(String::as_str)).map(str::to_owned),
                key: given.key.clone(),
                known,
            });
        };
        let value = typed(&given.value, kind).map_err(bad)?;
        let mut table = Table::try_from(&self.settings).map_err(|error| bad(error.to_string()))?;
        set(&mut table, &given.key, value);
        self.settings = Settings::deserialize(table).map_err(|error| bad(error.message().to_owned()))?;
        self.sources.0.insert(given.key.clone(), given.source.clone());
        self.check()
    }
}

/// A file's text, to find lines in.
struct Place<'a> {
    text: &'a str,
    file: &'a Path,
}
impl Place<'_> {
    fn source(&self, offset: usize) -> Source {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        Source::File {
            file: self.file.to_owned(),
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
        }
    }

    /// The key whose line is the last not after the offset: whose value an error is about.
    fn key_at(&self, sources: &BTreeMap<String, Source>, offset: usize) -> String {
        let line_of = |source: &Source| match source {
            Source::File { line, .. } => *line,
            _ => 0,
        };
        let at = line_of(&self.source(offset));
        sources
            .iter()
            .filter(|(_, source)| line_of(source) <= at)
            .max_by_key(|(_, source)| line_of(source))
            .map_or_else(|| "?".into(), |(key, _)| key.clone())
    }

    /// Refuses keys that the defaults do not have, and notes the line of those they have.
    fn walk(
        &self,
        table: &DeTable<'_>,
        known: &Table,
        prefix: &str,
        sources: &mut BTreeMap<String, Source>,
    ) -> Result<(), ConfigError> {
        for (key, value) in table {
            let path = join(prefix, key.get_ref());
            let source = self.source(key.span().start);
            // Templates are named by people: what stands under a name is known, the names are not.
            if let ("templates", DeValue::Table(given)) = (prefix, value.get_ref()) {
                self.walk(given, &template_keys(), &path, sources)?;
                continue;
            }
            // So are the parts of the trading that have tighter limits.
            if let (true, DeValue::Table(given)) = (prefix.starts_with("limits_of."), value.get_ref()) {
                self.walk(given, &limit_keys(), &path, sources)?;
                continue;
            }
            match (known.get(key.get_ref().as_ref()), value.get_ref()) {
                // Keys of the keyboard are no keys of ours; what they mean is the desk's to say.
                // Nor are accounts with a rule pack.
                (Some(Value::Table(_)), DeValue::Table(given)) if path == "keys" || path == "rules" => {
                    for key in given.keys() {
                        sources.insert(join(&path, key.get_ref()), self.source(key.span().start));
                    }
                }
                (None, DeValue::Array(_)) if prefix == LISTS => drop(sources.insert(path, source)),
                (None, DeValue::String(_)) if prefix == SECTORS => drop(sources.insert(path, source)),
                (None, other) if prefix == SECTORS => {
                    let what = format!(
                        "must be the name of a sector in quotes, not a {}",
                        other.type_str()
                    );
                    return Err(ConfigError::BadValue {
                        source,
                        key: path,
                        what,
                    });
                }
                (None, other) if prefix == LISTS => {
                    return Err(ConfigError::BadValue {
                        source,
                        key: path,
                        what: format!(
                            "must be a list of symbols in square brackets, not a {}",
                            other.type_str()
                        ),
                    });
                }
                (None, _) => {
                    return Err(ConfigError::UnknownKey {
                        source,
                        nearest: nearest(key.get_ref(), known.keys().map(String::as_str))
                            .map(|near| join(prefix, near)),
                        key: path,
                        known: known.keys().map(|key| join(prefix, key)).collect(),
                    });
                }
                (Some(Value::Table(inner)), DeValue::Table(given)) => {
                    self.walk(given, inner, &path, sources)?;
                }
                (Some(Value::Table(_)), other) => {
                    let what = format!("is a section; write [{path}], not a {}", other.type_str());
                    return Err(ConfigError::BadValue {
                        source,
                        key: path,
                        what,
                    });
                }
                (Some(expected), given) => {
                    if let Some(what) = wrong_kind(expected, given) {
                        return Err(ConfigError::BadValue {
                            source,
                            key: path,
                            what,
                        });
                    }
                    sources.insert(path, source);
                }
            }
        }
        Ok(())
    }
}

/// The limits that a part of the trading may have of its own.
fn limit_keys() -> Table {
    let all = Table::try_from(Limits::default()).unwrap_or_default();
    let is_limit = |name: &str| LimitName::parse(name).is_some();
    all.into_iter().filter(|(name, _)| is_limit(name)).collect()
}

/// What a template may have.
fn template_keys() -> Table {
    [
        "stop",
        "target",
        "breakeven",
        "breakeven_offset",
        "trail",
        "trail_after",
    ]
    .map(|key| (key.to_owned(), Value::String(String::new())))
    .into_iter()
    .collect()
}

/// What is wrong with a value of another kind than the default. A number where a text belongs must never get further: it
/// would be taken for the raw integer of a quantity or an amount.
fn wrong_kind(expected: &Value, given: &DeValue<'_>) -> Option<String> {
    let (wanted, fits) = match expected {
        Value::String(_) => ("a text in quotes", given.is_str()),
        Value::Integer(_) => ("a whole number", given.is_integer()),
        Value::Float(_) => ("a number", given.is_float() || given.is_integer()),
        Value::Boolean(_) => ("true or false", given.is_bool()),
        Value::Array(_) => ("a list in square brackets", given.is_array()),
        Value::Datetime(_) | Value::Table(_) => return None,
    };
    (!fits).then(|| format!("must be {wanted}, not a {}", given.type_str()))
}

fn join(prefix: &str, key: &str) -> String {
    match prefix {
        "" => key.to_owned(),
        _ => format!("{prefix}.{key}"),
    }
}

/// A value as people may read it.
fn shown(table: &Table, key: &str) -> String {
    let value = value_at(table, key).map(Value::to_string).unwrap_or_default();
    // An address that anybody who has it may post to is nobody's to read.
    if key == "alerts.webhook" && value != "\"\"" {
        return "\"(set)\"".to_owned();
    }
    value
}

fn value_at<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => table.get(path).filter(|value| !value.is_table()),
        Some((section, key)) => value_at(table.get(section)?.as_table()?, key),
    }
}

fn set(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(table.insert(path.to_owned(), value)),
        Some((section, key)) => {
            if let Some(inner) = table.get_mut(section).and_then(Value::as_table_mut) {
                set(inner, key, value);
            }
        }
    }
}

/// A typed text as a value of the same kind as the default.
fn typed(text: &str, kind: &Value) -> Result<Value, String> {
    let list = |text: &str| {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| Value::String(part.to_owned())).collect()
    };
    match kind {
        Value::Integer(_) => text
            .parse()
            .map(Value::Integer)
            .map_err(|_| format!("'{text}' is no whole number")),
        Value::Float(_) => text
            .parse()
            .map(Value::Float)
            .map_err(|_| format!("'{text}' is no number")),
        Value::Boolean(_) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(Value::Boolean(true)),
            "false" | "0" | "no" | "off" => Ok(Value::Boolean(false)),
            _ => Err(format!("'{text}' is neither true nor false")),
        },
        Value::Array(items) if items.iter().any(Value::is_table) => {
            Err("can only be set in config.toml".into())
        }
        Value::Array(_) => Ok(Value::Array(list(text))),
        _ => Ok(Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::template;

    fn load(text: &str) -> Result<Loaded, ConfigError> {
        Settings::from_text(text, Path::new("config.toml"), &[])
    }

    #[test]
    fn limits_that_nobody_set_are_strict_at_a_broker_outside_the_box() {
        let most = |text: &str| {
            let limits = load(text).unwrap().settings.limits;
            [
                limits.max_quantity_equity,
                limits.max_quantity_future,
                limits.max_quantity_forex,
            ]
            .map(|most| most.to_string())
        };
        assert_eq!(most(""), ["10000", "20", "1000000"]);
        assert_eq!(most("[broker]\nuse = \"ibkr\""), ["1000", "5", "100000"]);
        let set = "[broker]\nuse = \"ibkr\"\n[limits]\nmax_quantity_future = \"10\"";
        assert_eq!(most(set), ["1000", "10", "100000"]);
    }

    #[test]
    fn the_file_in_the_root_is_the_defaults_and_names_every_key() {
        let loaded = load(template::CONFIG).unwrap();
        assert_eq!(loaded.settings, Settings::default());
        for key in Settings::keys() {
            assert!(
                matches!(loaded.sources.of(&key), Source::File { .. }),
                "{key} is not in config.toml"
            );
        }
        assert_eq!(load("").unwrap().settings, Settings::default());
        let named = load("[templates.scalp]\nstop = \"-8t\"\ntarget = \"2R\"").unwrap();
        let scalp = named.settings.templates["scalp"];
        assert_eq!(scalp.stop.map(|exit| exit.to_string()).as_deref(), Some("-8t"));
        assert_eq!(scalp.target.map(|exit| exit.to_string()).as_deref(), Some("2R"));
        assert_eq!(template::THEMES[0].0, Settings::default().terminal.theme);
    }

    #[test]
    fn errors_name_file_line_key_and_what_would_be_right() {
        for (text, wanted) in [
            (
                "[terminal]\n\nfsp = 3",
                "config.toml:3: unknown key 'terminal.fsp'; there are: ",
            ),
            (
                "[terminal]\nthem = 3",
                "config.toml:2: unknown key 'terminal.them'; did you mean 'terminal.theme'?",
            ),
            (
                "[terminall]\nfps = 3",
                "config.toml:1: unknown key 'terminall'; did you mean 'terminal'?",
            ),
            (
                "\n[terminal]\nfps = \"fast\"",
                "config.toml:3: terminal.fps: must be a whole number, not a string",
            ),
            (
                "[terminal]\nfps = 0",
                "config.toml:2: terminal.fps: 0 is out of range; 1 to 120",
            ),
            (
                "[limits]\nmax_order_value = \"NaN\"",
                "config.toml:2: limits.max_order_value: 'NaN' is not a plain decimal",
            ),
            (
                "[limits]\nmax_order_value = 1000",
                "config.toml:2: limits.max_order_value: must be a text in quotes",
            ),
            (
                "[limits]\n\nmax_quantity_future = \"-1\"",
                "config.toml:3: limits.max_quantity_future: must be above zero",
            ),
            (
                "[tape]\nspeed = nan",
                "config.toml:2: tape.speed: NaN is out of range",
            ),
            (
                "[tape]\nstart = \"noon\"",
                "config.toml:2: tape.start: 'noon' is no time",
            ),
            ("profile = \"../x\"", "config.toml:1: profile: must be"),
            ("terminal = 5", "config.toml:1: terminal: is a section"),
            (
                "[watchlists]\ntech = \"AAPL\"",
                "config.toml:2: watchlists.tech: must be a list of symbols in square brackets",
            ),
            ("[watchlists]\ntech = [1]", "config.toml:2: watchlists.tech: "),
            (
                "[sim]\nseed = 3\n[[sim.accounts]]\nid = \"A\"\ncash = {}\nlimit = 3",
                "unknown field `limit`",
            ),
            (
                "[[sim.accounts]]\nid = \"A\"\ncash = { USD = 1000 }",
                "config.toml:3: ",
            ),
            ("[terminal]\nfps == 3", "config.toml:2: not valid TOML"),
            (
                "[templates.scalp]\nstopp = \"-8t\"",
                "config.toml:2: unknown key 'templates.scalp.stopp'; did you mean 'templates.scalp.stop'?",
            ),
            (
                "[templates.scalp]\nstop = \"-8t\"\ntarget = \"two R\"",
                "config.toml:3: templates.scalp.target: ",
            ),
            (
                "[templates.scalp]\nstop = 8",
                "config.toml:2: templates.scalp.stop: must be a text in quotes",
            ),
            (
                "[engine]\nsnapshot_every = 99999999999999999999",
                "config.toml:2: ",
            ),
        ] {
            let said = load(text).unwrap_err().to_string();
            assert!(said.contains(wanted), "{text:?} said {said:?}");
        }
    }

    #[test]
    fn the_last_given_wins_and_says_so() {
        let over = |key: &str, value: &str, source| Override {
            key: key.into(),
            value: value.into(),
            source,
        };
        let variable = Source::Environment("TRADEWIND_TERMINAL_FPS".into());
        let flag = Source::Flag("--tape".into());
        let given = [
            over("terminal.fps", "60", variable),
            over("tape.files", "a.zip, b.csv", flag.clone()),
        ];
        let text = "profile = \"paper\"\n[terminal]\nfps = 20";
        let loaded = Settings::from_text(text, Path::new("c.toml"), &given).unwrap();
        assert_eq!(loaded.settings.terminal.fps, 60);
        assert_eq!(loaded.settings.tape.files, ["a.zip", "b.csv"]);
        assert_eq!(loaded.sources.of("profile").to_string(), "c.toml:1");
        assert_eq!(loaded.sources.of("log.filter"), &Source::Default);
        let shown = loaded.given();
        assert!(shown.contains(&(
            "terminal.fps".into(),
            "60".into(),
            "environment TRADEWIND_TERMINAL_FPS".into()
        )));
        for (key, value) in [
            ("terminal.fps", "many"),
            ("terminal.fps", "0"),
            ("terminal.fpss", "1"),
            ("terminal", "1"),
        ] {
            let said = Settings::from_text("", Path::new("c.toml"), &[over(key, value, flag.clone())])
                .unwrap_err()
                .to_string();
            assert!(said.starts_with("flag --tape: "), "{said}");
        }
    }
}
