//! Tighter limits of a part of the trading: one account, one instrument, one user or one key of the network's doors. They stand
//! beside the limits of every account in config.toml; of all that apply to an order the strictest holds. Strategies are a
//! scope of their own once there are any.

use super::id::{AccountId, InstrumentId};
use super::limits::{LimitName, LimitValue};
use super::text::SafeText;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeMap;
use std::fmt;

/// What a tighter limit is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// One account, at whichever broker.
    Account(AccountId),
    /// One instrument; a root or an underlying stands for all that goes by it.
    Instrument(InstrumentId),
    /// Who signed in by this name.
    User(SafeText),
    /// Who came by the key of this name, or with these characters.
    Key(SafeText),
}
impl Scope {
    /// Reads `key:bot`, `user:ann`, `account:SIM100001` or `instrument:TSLA`.
    ///
    /// # Errors
    /// In words, with an example.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            let text = SafeText::new(text);
            format!("'{text}' is no scope such as key:bot, user:ann, account:SIM100001 or instrument:TSLA")
        };
        let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
        if name.is_empty() {
            return Err(wrong());
        }
        match kind {
            "account" => AccountId::new(name).map(Self::Account).map_err(|_| wrong()),
            "instrument" => InstrumentId::new(&name.to_ascii_uppercase())
                .map(Self::Instrument)
                .map_err(|_| wrong()),
            "user" => Ok(Self::User(SafeText::new(name))),
            "key" => Ok(Self::Key(SafeText::new(name))),
            _ => Err(wrong()),
        }
    }
    /// True where it is of who sends, not of what is sent: such limits hold what the sender does by itself.
    pub fn is_of_sender(&self) -> bool {
        matches!(self, Self::User(_) | Self::Key(_))
    }
}
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "account:{id}"),
            Self::Instrument(id) => write!(f, "instrument:{id}"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Key(name) => write!(f, "key:{name}"),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Limits of one scope: only those that it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tighter(pub BTreeMap<LimitName, LimitValue>);

/// A value as a settings file has it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Plain {
    Flag(bool),
    Count(u64),
    Text(String),
}

impl Serialize for Tighter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| {
            let plain = match value {
                LimitValue::Flag(flag) => Plain::Flag(*flag),
                LimitValue::Count(count) => Plain::Count(u64::from(*count)),
                LimitValue::Millis(millis) => Plain::Count(*millis),
                LimitValue::Quantity(_) | LimitValue::Money(_) => Plain::Text(value.to_string()),
            };
            (name.as_str(), plain)
        }))
    }
}

impl<'de> Deserialize<'de> for Tighter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = BTreeMap::<String, Plain>::deserialize(deserializer)?;
        let mut limits = BTreeMap::new();
        for (name, value) in given {
            let name = LimitName::parse(&name)
                .ok_or_else(|| de::Error::custom(format!("'{}' is no limit", name.escape_default())))?;
            let text = match value {
                Plain::Flag(flag) => flag.to_string(),
                Plain::Count(count) => count.to_string(),
                Plain::Text(text) => text,
            };
            limits.insert(name, name.read(&text).map_err(de::Error::custom)?);
        }
        Ok(Self(limits))
    }
}

/// Tighter limits as config.toml has them: `[limits_of.key.bot]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scopes {
    /// By account.
    pub account: BTreeMap<String, Tighter>,
    /// By instrument, root or underlying.
    pub instrument: BTreeMap<String, Tighter>,
    /// By user.
    pub user: BTreeMap<String, Tighter>,
    /// By key.
    pub key: BTreeMap<String, Tighter>,
}

impl Scopes {
    /// All of them, by what they are of.
    ///
    /// # Errors
    /// A name that none can have: in words, with its key.
    pub fn all(&self) -> Result<BTreeMap<Scope, BTreeMap<LimitName, LimitValue>>, String> {
        let kinds = [
            ("account", &self.account),
            ("instrument", &self.instrument),
            ("user", &self.user),
            ("key", &self.key),
        ];
        let mut all = BTreeMap::new();
        for (kind, given) in kinds {
            for (name, limits) in given {
                let scope = Scope::parse(&format!("{kind}:{name}"))
                    .map_err(|what| format!("limits_of.{kind}.{name}: {what}"))?;
                all.insert(scope, limits.0.clone());
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_shown_and_their_limits_keep_their_kinds() {
        for text in ["key:bot", "user:ann", "account:SIM100001", "instrument:TSLA"] {
            assert_eq!(Scope::parse(text).unwrap().to_string(), text);
        }
        for text in ["bot", "key:", "robot:x", ""] {
            assert!(Scope::parse(text).unwrap_err().contains("key:bot"), "{text}");
        }
        let read = |text: &str| toml::from_str::<Scopes>(text);
        let scopes =
            read("[key.bot]\nmax_order_value = \"5000\"\nrate_burst = 2\nallow_short = false").unwrap();
        let all = scopes.all().unwrap();
        let bot = &all[&Scope::Key("bot".into())];
        assert_eq!(bot[&LimitName::MaxOrderValue].to_string(), "5000");
        assert_eq!(bot[&LimitName::AllowShort], LimitValue::Flag(false));
        assert_eq!(read(&toml::to_string(&scopes).unwrap()).unwrap(), scopes);
        for (text, says) in [
            ("[key.bot]\nmax_order = \"5000\"", "is no limit"),
            ("[key.bot]\nmax_order_value = \"NaN\"", "an amount such as"),
            ("[robot.x]\nrate_burst = 1", "unknown field"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
