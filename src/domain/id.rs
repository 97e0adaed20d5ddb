//! Who is who: the keys of the state. Each is its own type, small and copied, so that an account can't be passed where an
//! instrument is meant. How brokers name the same things stands beside them ([`BrokerOrderId`], [`ExecutionId`]).

use super::text::{Text, TextError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A newtype over [`Text`] with the traits of a key.
macro_rules! key {
    ($(#[$doc:meta])* $name:ident, $size:expr, $what:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Text<$size>);
        impl $name {
            /// Checks and keeps `text`.
            pub fn new(text: &str) -> Result<Self, TextError> {
                Text::new(text).map(Self).map_err(|error| TextError { what: $what, ..error })
            }
            /// As text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }
        impl FromStr for $name {
            type Err = TextError;
            fn from_str(text: &str) -> Result<Self, TextError> {
                Self::new(text)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

key!(
    /// One instrument across all brokers: `AAPL`, `ESZ6`, `EUR.USD`. A root such as `ES` is not an instrument; it
    /// resolves to a dated contract.
    InstrumentId, 24, "instrument"
);
key!(
    /// A broker as configured: `sim`, `ibkr`, `topstepx`.
    BrokerId, 12, "broker"
);
key!(
    /// An account as its broker names it: `SIM100001`.
    AccountId, 20, "account"
);
key!(
    /// A broker's durable name of an order (IB: permId). Never IB's per-session order id.
    BrokerOrderId, 24, "broker order id"
);
key!(
    /// What the asker calls an order: two characters of the install's prefix and a ULID, 28 characters; a child's is its
    /// parent's with a suffix of two. The same id with the same content is the same order, whoever repeats it.
    ClientOrderId, 30, "client order id"
);
key!(
    /// The unchanging part of a broker's execution id; corrections share it.
    ExecutionBase, 40, "execution id"
);

impl InstrumentId {
    /// Sorts before every id that can be made: where a range of ids begins. Is no instrument's id.
    pub const LOWEST: Self = Self(Text::EMPTY);
}
impl ClientOrderId {
    /// Sorts before every id that can be made: where a range of ids begins. Is no order's id.
    pub const LOWEST: Self = Self(Text::EMPTY);
    /// The id of child `n` (1 to 9) of this order; nothing for other numbers or where this id is itself a child's.
    pub fn child(&self, n: u8) -> Option<Self> {
        if !(1..=9).contains(&n) || self.as_str().contains('.') {
            return None;
        }
        Self::new(&format!("{}.{n}", self.as_str())).ok()
    }
}

/// One account at one broker: the key of positions, limits and trading states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountKey {
    /// Where the account is.
    pub broker: BrokerId,
    /// The account there.
    pub account: AccountId,
}
impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.broker, self.account)
    }
}

/// One execution report: the base, and its revision. A higher revision replaces a lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExecutionId {
    /// The part that corrections share.
    pub base: ExecutionBase,
    /// 1 for the first report, higher for corrections.
    pub revision: u32,
}
impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.base, self.revision)
    }
}

/// One attached terminal, program or shell, as numbered by the engine's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_id_fits_and_children_have_no_children() {
        let parent = ClientOrderId::new("TW01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let child = parent.child(2).unwrap();
        assert_eq!(child.as_str().len(), 30);
        assert_eq!(child.child(1), None);
        assert_eq!(parent.child(10), None);
    }
}
