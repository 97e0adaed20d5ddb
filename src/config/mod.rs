//! Settings: config.toml, typed, with the environment and the command line laid over it. Knows where each value came
//! from, and says of each error the file, the line, the key and what would be right. Which flags there are, and where
//! the file lies, is told by the command line and the app.

mod alerts;
mod check;
mod doors;
mod error;
mod load;
mod nearest;
pub mod rules;
mod server;
mod settings;
pub mod template;

pub use alerts::{AlertSettings, MailTls, NotifySetting};
pub use doors::DoorSettings;
pub use error::ConfigError;
pub use load::{Loaded, Override, Source, Sources};
pub use nearest::nearest;
pub use server::{Encryption, MetricsSetting, ServerSettings};
pub use settings::{
    BrokerSettings, ColourSetting, EngineSettings, HotkeySetting, IbkrSettings, KeySetting, LineSetting,
    LogFormat, LogSettings, LogTo, Settings, SimAccount, SimSettings, TapeSettings, TerminalSettings,
};
