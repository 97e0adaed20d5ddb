//! Client order ids: two characters of the install's prefix and a ULID, made at the moment a person says "send".

use super::clock::Clock;
use crate::domain::ClientOrderId;

/// Makes ids that ascend with time and never repeat within an install.
#[derive(Debug)]
pub struct IdMaker {
    prefix: String,
    clock: Clock,
    generator: ulid::Generator,
}

impl IdMaker {
    /// With the prefix that the engine's journal was given.
    pub fn new(prefix: &str, clock: Clock) -> Self {
        Self {
            prefix: prefix
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(2)
                .collect(),
            clock,
            generator: ulid::Generator::new(),
        }
    }
    /// The next id.
    pub fn next_id(&mut self) -> ClientOrderId {
        let millis = u64::try_from(self.clock.now().0 / 1_000_000).unwrap_or(0);
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(millis);
        let ulid = self
            .generator
            .generate_from_datetime(at)
            .unwrap_or_else(|_| ulid::Ulid::from_datetime(at));
        // Two letters and 26 characters of Crockford's alphabet always fit.
        ClientOrderId::new(&format!("{}{ulid}", self.prefix)).unwrap_or(ClientOrderId::LOWEST)
    }
}
