//! Every setting with its built-in default. `config.toml` in the project's root is the same list with words for people;
//! a test holds the two equal. A setting that may be left open is an empty text, so that every key has a default to show.

use super::alerts::AlertSettings;
use super::server::ServerSettings;
use crate::domain::{
    BreakerRules, Currency, ExitTemplate, InstrumentId, Limits, Money, Quantity, Recurring, SafeText, Scopes,
};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::collections::BTreeMap;

/// All settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Which profile: each has an engine, a journal and a socket of its own.
    pub profile: String,
    /// Where profiles keep their data; empty for the platform's place.
    pub data_dir: String,
    /// Which broker, and how each is reached.
    pub broker: BrokerSettings,
    /// The account that commands without one mean; empty for the first that the broker reports.
    pub account: String,
    /// The engine and its journal.
    pub engine: EngineSettings,
    /// What an order is held against.
    pub limits: Limits,
    /// When the circuit breaker of a broker opens.
    pub breakers: BreakerRules,
    /// Tighter limits of one account, instrument, user or key.
    pub limits_of: Scopes,
    /// Rule packs of firms, by account: a built-in one's name, or a file.
    pub rules: BTreeMap<String, String>,
    /// The exchange in the box.
    pub sim: SimSettings,
    /// Recorded market data in place of the seeded market.
    pub tape: TapeSettings,
    /// The full-screen terminal.
    pub terminal: TerminalSettings,
    /// The port for programs, browsers and remote terminals.
    pub server: ServerSettings,
    /// Keys with another meaning than the table gives them: keys, and an action's name or a line.
    pub keys: BTreeMap<String, KeySetting>,
    /// What the watchlist shows.
    pub watchlist: WatchlistSettings,
    /// Lists of symbols by their names.
    pub watchlists: BTreeMap<String, Vec<String>>,
    /// Sectors of instruments, where they are others than the broker says.
    pub sectors: BTreeMap<String, String>,
    /// Named exits, for `tpl NAME` in a sentence and for tickets.
    pub templates: BTreeMap<String, ExitTemplate>,
    /// Log files.
    pub log: LogSettings,
    /// How people are told of alerts.
    pub alerts: AlertSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: "default".into(),
            data_dir: String::new(),
            broker: BrokerSettings::default(),
            account: String::new(),
            engine: EngineSettings::default(),
            limits: Limits::default(),
            breakers: BreakerRules::default(),
            limits_of: Scopes::default(),
            rules: BTreeMap::new(),
            sim: SimSettings::default(),
            tape: TapeSettings::default(),
            terminal: TerminalSettings::default(),
            server: ServerSettings::default(),
            keys: BTreeMap::new(),
            watchlist: WatchlistSettings::default(),
            watchlists: BTreeMap::new(),
            sectors: BTreeMap::new(),
            templates: BTreeMap::new(),
            log: LogSettings::default(),
            alerts: AlertSettings::default(),
        }
    }
}

impl Settings {
    /// Sectors by instrument.
    pub fn sectors(&self) -> BTreeMap<InstrumentId, SafeText> {
        let named = |(id, sector): (&String, &String)| Some((sector_of(id)?, SafeText::new(sector.trim())));
        self.sectors.iter().filter_map(named).collect()
    }
}

/// The instrument that a sector is said of, written in any case.
pub(super) fn sector_of(id: &str) -> Option<InstrumentId> {
    InstrumentId::new(&id.to_ascii_uppercase()).ok()
}

/// Which broker, and how each is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BrokerSettings {
    /// The broker: `sim` or `ibkr`.
    #[serde(rename = "use")]
    pub chosen: String,
    /// Interactive Brokers.
    pub ibkr: IbkrSettings,
}
impl Default for BrokerSettings {
    fn default() -> Self {
        Self {
            chosen: "sim".into(),
            ibkr: IbkrSettings::default(),
        }
    }
}

/// How TWS or IB Gateway is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IbkrSettings {
    /// Where it runs.
    pub host: String,
    /// Its port: by name, as a number, or empty to look for a paper one.
    pub port: String,
    /// The number of our session there. Only the session that made an order may touch it.
    pub client_id: u32,
    /// The one account to work with; empty for all of the login.
    pub account: String,
    /// When TWS restarts itself every day; empty where it does not or nobody knows.
    pub restart: String,
    /// Hours in which the broker resets itself.
    pub resets: Vec<String>,
    /// After which moment of the week TWS wants a login; empty for none.
    pub login: String,
    /// Looks only: no order leaves.
    pub read_only: bool,
    /// Instruments to begin with.
    pub symbols: Vec<String>,
    /// Messages a second that we allow ourselves; the broker allows 50.
    pub messages_per_second: u32,
    /// Market data lines that the login may have.
    pub market_data_lines: u32,
    /// Books that may be open at once.
    pub depth_lines: u32,
}
impl Default for IbkrSettings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: String::new(),
            client_id: 17,
            account: String::new(),
            restart: String::new(),
            resets: [
                "Sun-Fri 00:15-01:45 America/New_York",
                "Fri 23:00-03:00 America/New_York",
            ]
            .map(String::from)
            .to_vec(),
            login: "Sun 01:00 America/New_York".into(),
            read_only: false,
            symbols: ["AAPL", "MSFT", "SPY", "QQQ"].map(String::from).to_vec(),
            messages_per_second: 40,
            market_data_lines: 100,
            depth_lines: 3,
        }
    }
}
impl IbkrSettings {
    /// Ports by their names, as TWS and IB Gateway are installed.
    pub const PORTS: [(&str, u16); 4] = [
        ("tws-live", 7496),
        ("tws-paper", 7497),
        ("gateway-live", 4001),
        ("gateway-paper", 4002),
    ];
    /// A time that comes again, as written; nothing where none is.
    ///
    /// # Errors
    /// It is no time: in words.
    pub fn recurring(text: &str) -> Result<Option<Recurring>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some)
    }
    /// The port that was written; nothing where none was.
    ///
    /// # Errors
    /// It is neither a name nor a number of a port.
    pub fn port(&self) -> Result<Option<u16>, String> {
        if self.port.is_empty() {
            return Ok(None);
        }
        let named = Self::PORTS.iter().find(|(name, _)| *name == self.port);
        match named.map(|(_, port)| *port).or_else(|| self.port.parse().ok()) {
            Some(port) if port > 0 => Ok(Some(port)),
            _ => Err(format!(
                "'{}' is no port: tws-live, tws-paper, gateway-live, gateway-paper, or a number in quotes",
                self.port.escape_default()
            )),
        }
    }
}

/// The engine and its journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineSettings {
    /// A snapshot of the state is kept every so many events, so that a start replays no more than these.
    pub snapshot_every: u64,
    /// Largest size of the journal, in MiB.
    pub journal_max_mb: u32,
    /// Space kept beyond that so that cancels and halts can still be recorded, in MiB.
    pub journal_reserve_mb: u32,
}
impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            snapshot_every: 10_000,
            journal_max_mb: 4096,
            journal_reserve_mb: 16,
        }
    }
}

/// The exchange in the box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SimSettings {
    /// What the participants' market is made from: same seed, same market.
    pub seed: u64,
    /// Whether participants make a market at all.
    pub participants: bool,
    /// How long a message to or from the exchange takes, in milliseconds.
    pub latency_ms: u32,
    /// Customers' accounts, made when the exchange is first opened.
    pub accounts: Vec<SimAccount>,
}
impl Default for SimSettings {
    fn default() -> Self {
        let yen = "JPY".parse().unwrap_or(Currency::USD);
        let account = |id: &str, cash: &[(Currency, i64)]| SimAccount {
            id: id.into(),
            cash: cash
                .iter()
                .map(|(currency, amount)| (*currency, Money::whole(*amount)))
                .collect(),
        };
        Self {
            seed: 1,
            participants: true,
            latency_ms: 0,
            accounts: vec![
                // Enough of each currency that everything listed can be traded: the exchange converts none.
                account(
                    "SIM100001",
                    &[
                        (Currency::USD, 1_000_000),
                        (Currency::EUR, 100_000),
                        (yen, 15_000_000),
                    ],
                ),
                account("SIM100002", &[(Currency::EUR, 250_000), (Currency::USD, 250_000)]),
            ],
        }
    }
}

/// One customer's account at the exchange in the box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimAccount {
    /// Its name: 1 to 20 visible ASCII characters.
    pub id: String,
    /// Cash to begin with, by currency.
    #[serde(deserialize_with = "cash_as_text")]
    pub cash: BTreeMap<Currency, Money>,
}

/// Amounts are texts: a bare number would be taken for the raw integer of an amount.
fn cash_as_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Currency, Money>, D::Error> {
    BTreeMap::<Currency, String>::deserialize(deserializer)?
        .into_iter()
        .map(|(currency, amount)| Ok((currency, amount.parse().map_err(de::Error::custom)?)))
        .collect()
}

/// Recorded market data in place of the seeded market.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TapeSettings {
    /// Files of prints and quotes; empty for the seeded market.
    pub files: Vec<String>,
    /// Tape seconds in a second; 0 for as fast as the machine can.
    pub speed: f64,
    /// Where to begin, in RFC 3339; empty for the first record.
    pub start: String,
}
impl Default for TapeSettings {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            speed: 1.0,
            start: String::new(),
        }
    }
}

/// What a key is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "must be an action's name, \"none\", a line that begins with ':', or { line = \"...\", send = true }"
)]
pub enum KeySetting {
    /// An action's name, or a line that begins with a colon.
    Text(String),
    /// A line, and whether it is sent at once where the terminal is armed.
    Line(HotkeySetting),
}

/// A line behind a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HotkeySetting {
    /// The line, with its colon or without.
    pub line: String,
    /// Sent at once where the terminal is armed; otherwise it is shown with its preview.
    #[serde(default)]
    pub send: bool,
}

/// What is known of the line to the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineSetting {
    /// Nothing: it is watched.
    #[default]
    Auto,
    /// Fast.
    Fast,
    /// Slow: bytes are counted.
    Slow,
}

/// How many colours the terminal is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColourSetting {
    /// What the terminal says it can.
    #[default]
    Auto,
    /// What the terminal says it can, whatever NO_COLOR says.
    Always,
    /// 16 million.
    Truecolor,
    /// 256.
    #[serde(rename = "256")]
    Indexed,
    /// The terminal's own sixteen.
    #[serde(rename = "16")]
    Ansi,
    /// None: signs and brightness only.
    #[serde(alias = "never")]
    None,
}

/// The full-screen terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TerminalSettings {
    /// The theme's name.
    pub theme: String,
    /// Frames a second at most.
    pub fps: u32,
    /// What is known of the line to the terminal.
    pub line: LineSetting,
    /// Whether the mouse is listened to.
    pub mouse: bool,
    /// How many colours.
    pub colour: ColourSetting,
    /// Minutes without a key after which arming of a real account ends; 0 for never.
    pub arm_idle_minutes: u32,
    /// What a new ticket for shares begins with.
    pub quantity_equity: Quantity,
    /// What a new ticket for futures begins with, in contracts.
    pub quantity_future: Quantity,
    /// What a new ticket for currencies begins with, in base currency.
    pub quantity_forex: Quantity,
    /// What a new ticket for coins begins with.
    pub quantity_crypto: Quantity,
    /// What a new ticket for options begins with, in contracts.
    pub quantity_option: Quantity,
}
impl Default for TerminalSettings {
    fn default() -> Self {
        let whole = |count| Quantity::whole(count).unwrap_or(Quantity::ONE);
        Self {
            theme: "default".into(),
            fps: 30,
            line: LineSetting::Auto,
            mouse: true,
            colour: ColourSetting::Auto,
            arm_idle_minutes: 30,
            quantity_equity: whole(100),
            quantity_future: whole(1),
            quantity_forex: whole(10_000),
            quantity_crypto: Quantity::from_raw(Quantity::ONE.raw() / 10),
            quantity_option: whole(1),
        }
    }
}

/// What the watchlist shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchlistSettings {
    /// Its columns by their names; empty for the usual ones.
    pub columns: Vec<String>,
    /// From what size on a print is marked as large; empty to tell by the usual sizes.
    pub large_print: String,
}

/// Log files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// What is written, as `level` or `target=level`, comma-separated.
    pub filter: String,
    /// Where lines go.
    pub to: LogTo,
    /// Where files are; empty for the profile's run folder.
    pub directory: String,
    /// Files of how many days are kept.
    pub keep_days: u32,
    /// Megabytes of one file; a full one is followed by the next of its day.
    pub file_mb: u32,
    /// Megabytes of all files of one program together; the oldest are taken away.
    pub max_mb: u32,
    /// How a line is written.
    pub format: LogFormat,
    /// From how many milliseconds on an operation is named as slow; 0 for never.
    pub slow_ms: u32,
}

/// Where lines of the log go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogTo {
    /// Into files, one a day.
    #[default]
    Files,
    /// To standard output, for whoever runs the engine and keeps what it says.
    Stdout,
    /// To both.
    Both,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
impl Default for LogSettings {
    fn default() -> Self {
        Self {
            filter: "info".into(),
            to: LogTo::Files,
            directory: String::new(),
            keep_days: 7,
            file_mb: 32,
            max_mb: 512,
            format: LogFormat::Text,
            slow_ms: 100,
        }
    }
}
