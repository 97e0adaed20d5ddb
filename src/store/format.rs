//! The frozen formats of stored facts. A fact is stored as the number of its kind, the version of that kind's format, and
//! its fields: msgpack with field names, decimal numbers as text, moments as nanoseconds since 1970. A format once
//! released is never changed: a new one gets the next version and an upcaster here, and golden files of every version are
//! decoded by the tests.

use super::error::StoreError;
use crate::domain::Limits;
use crate::engine::Fact;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// The version in which facts are written. Kinds whose format moves on get an entry in [`version_of`].
const FIRST_VERSION: u16 = 1;
/// The kind of `Fact::LimitsSet`. Version 2 has the limit of option contracts; version 3 those of the account as a whole, of
/// its session, and of what an entry keeps beside its size; version 4 those of a sector, and what a breach does that comes with no
/// order; version 5 that of round trips; version 6 what one order may cost,
/// contracts of one future, collars by kind, and short sales; version 7 a day's volume, funds, shares that no exchange lists, the
/// minutes before a halt, and the age of prices.
const LIMITS_SET: u16 = 2;
/// The limits that there were in its versions 1 and 2.
const FIRST_LIMITS: &[&str] = &[
    "max_quantity_equity",
    "max_quantity_future",
    "max_quantity_forex",
    "max_quantity_crypto",
    "max_quantity_option",
    "max_order_value",
    "max_position_value",
    "max_live_orders",
    "collar_bps",
    "duplicate_window_ms",
    "rate_burst",
    "rate_per_second",
    "allow_short",
    "close_unprotected",
];
/// Deepest nesting of maps and lists in a stored fact.
const DEPTH_MAX: usize = 64;

/// A fact as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The number of its kind, as in `Fact::KINDS`.
    pub kind: u16,
    /// The version of its format.
    pub version: u16,
    /// Its fields.
    pub body: Vec<u8>,
}

/// The version in which a kind is written now.
pub fn version_of(kind: u16) -> u16 {
    match kind {
        LIMITS_SET => 7,
        _ => FIRST_VERSION,
    }
}

/// The highest number of any kind this program knows.
pub fn highest_kind() -> u16 {
    Fact::KINDS.iter().map(|(number, _)| *number).max().unwrap_or(0)
}

/// A fact in its stored format.
pub fn encode(fact: &Fact) -> Result<Encoded, StoreError> {
    let (kind, version) = (fact.kind(), version_of(fact.kind()));
    let failed = |what: String| StoreError::Format { kind, version, what };
    let mut body = to_msgpack(fact).map_err(failed)?;
    let prefix = prefix_of(fact.word()).map_err(failed)?;
    if !body.starts_with(&prefix) {
        return Err(failed("the kind's name is not the name of its variant".into()));
    }
    body.drain(..prefix.len());
    Ok(Encoded { kind, version, body })
}

/// The fact behind a stored format, of this or any earlier version.
pub fn decode(kind: u16, version: u16, body: &[u8]) -> Result<Fact, StoreError> {
    let failed = |what: String| StoreError::Format { kind, version, what };
    let word = Fact::KINDS
        .iter()
        .find_map(|(number, word)| (*number == kind).then_some(*word))
        .ok_or_else(|| failed("this program knows no such kind; a newer one wrote it".into()))?;
    let mut whole = prefix_of(word).map_err(failed)?;
    whole.extend_from_slice(&upcast(kind, version, body).map_err(failed)?);
    from_msgpack(&whole).map_err(failed)
}

/// Brings a body of an earlier version to the present one, one version at a time.
fn upcast(kind: u16, version: u16, body: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    match version {
        0 => Err("there is no version 0".into()),
        _ if version == version_of(kind) => Ok(Cow::Borrowed(body)),
        // The field that is absent has its meaning from `Limits`: 20 contracts.
        1..=6 if kind == LIMITS_SET => first_limits(body).map(Cow::Owned),
        _ => Err(format!(
            "this program knows versions up to {}; a newer one wrote it",
            version_of(kind)
        )),
    }
}

/// A fact from before the later limits meant none of them.
fn first_limits(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut fields: serde_json::Value = from_msgpack(body)?;
    let off =
        serde_json::to_value(Limits::default().without_later_ones()).map_err(|error| error.to_string())?;
    let limits = fields
        .get_mut("limits")
        .and_then(serde_json::Value::as_object_mut);
    let (Some(limits), Some(off)) = (limits, off.as_object()) else {
        return Err("it has no limits".into());
    };
    // Options had the collar of all.
    let collar = limits.get("collar_bps").cloned();
    for (name, value) in off {
        // The first ones say themselves what an absent one means.
        if !FIRST_LIMITS.contains(&name.as_str()) && !limits.contains_key(name) {
            let own = collar.as_ref().filter(|_| name == "collar_option_bps");
            limits.insert(name.clone(), own.unwrap_or(value).clone());
        }
    }
    to_msgpack(&fields)
}

/// What a variant's content stands behind in msgpack: a map of one entry, and the variant's name as its key.
fn prefix_of(word: &str) -> Result<Vec<u8>, String> {
    match u8::try_from(word.len()) {
        Ok(length @ 1..=31) => Ok([&[0x81, 0xA0 | length], word.as_bytes()].concat()),
        _ => Err(format!("'{word}' is no name of a kind: 1 to 31 characters")),
    }
}

/// Any value as msgpack with field names and decimal numbers as text.
pub(super) fn to_msgpack<T: Serialize>(value: &T) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(512);
    let mut encoder = rmp_serde::Serializer::new(&mut out)
        .with_struct_map()
        .with_human_readable();
    value.serialize(&mut encoder).map_err(|error| error.to_string())?;
    Ok(out)
}

/// The value in `bytes`, which must hold nothing beyond it.
pub(super) fn from_msgpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut decoder = rmp_serde::Deserializer::new(bytes).with_human_readable();
    decoder.set_max_depth(DEPTH_MAX);
    let value = T::deserialize(&mut decoder).map_err(|error| error.to_string())?;
    match decoder.get_ref().len() {
        0 => Ok(value),
        rest => Err(format!("{rest} bytes follow it")),
    }
}
