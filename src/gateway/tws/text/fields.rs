//! Fields one by one: reads them by kind and names the one that can't be read, writes them by kind. Knows no message.

use super::super::message::BadFrame;
use std::collections::BTreeMap;
use std::io::Write as _;

/// How an unset number is written where an empty field would not do.
const UNSET_NUMBER: &str = "1.7976931348623157E308";
/// How an unset whole number is written where an empty field would not do.
const UNSET_INT: &str = "2147483647";
/// From this version on sizes and volumes may have decimals.
const FRACTIONAL_SIZES: i32 = 163;

/// The fields of one message, from the front.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    number: i32,
    version: i32,
    fields: std::str::Split<'a, char>,
}

impl<'a> Reader<'a> {
    /// A frame's message number, and the fields after it.
    pub(super) fn open(version: i32, body: &'a [u8]) -> Result<(i32, Self), BadFrame> {
        let Some(body) = body.strip_suffix(b"\0").filter(|body| !body.is_empty()) else {
            return Err(BadFrame::Short(body.len()));
        };
        let bad = |number, why: &str| BadFrame::Fields {
            number,
            why: why.to_owned(),
        };
        let first = body.split(|byte| *byte == 0).next().unwrap_or_default();
        let number = std::str::from_utf8(first)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| bad(0, "does not begin with a message number"))?;
        let text = std::str::from_utf8(body).map_err(|_| bad(number, "a field is not UTF-8"))?;
        let mut fields = text.split('\0');
        fields.next();
        let reader = Self {
            number,
            version,
            fields,
        };
        Ok((number, reader))
    }

    /// The negotiated version.
    pub(super) fn version(&self) -> i32 {
        self.version
    }

    fn bad(&self, why: String) -> BadFrame {
        BadFrame::Fields {
            number: self.number,
            why,
        }
    }

    /// The message can't be read, and this is why.
    pub(super) fn unreadable(&self, why: &str) -> BadFrame {
        self.bad(why.to_owned())
    }

    /// The next field as it is.
    pub(super) fn next(&mut self, name: &str) -> Result<&'a str, BadFrame> {
        let next = self.fields.next();
        next.ok_or_else(|| self.bad(format!("ends before {name}")))
    }

    /// Passes over a field.
    pub(super) fn skip(&mut self, name: &str) -> Result<(), BadFrame> {
        self.next(name).map(|_| ())
    }

    /// Nothing for an empty field.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, BadFrame> {
        let text = self.next(name)?;
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &str, kind: &str) -> Result<Option<T>, BadFrame> {
        let text = self.next(name)?;
        if text.is_empty() {
            return Ok(None);
        }
        let parsed = text.parse().map(Some);
        parsed.map_err(|_| self.bad(format!("{name} is '{}', which is no {kind}", shortened(text))))
    }

    /// Nothing for an empty field and for the largest one, which stands for "unset".
    pub(super) fn int(&mut self, name: &str) -> Result<Option<i32>, BadFrame> {
        let int = self.parsed(name, "whole number")?;
        Ok(int.filter(|int| *int != i32::MAX))
    }

    /// Nothing for an empty field, and where the field says "unset". Infinity is a number here.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<f64>, BadFrame> {
        let mut ahead = self.clone();
        if ahead.next(name)? == "Infinite" {
            *self = ahead;
            return Ok(Some(f64::INFINITY));
        }
        let number: Option<f64> = self.parsed(name, "number")?;
        if number.is_some_and(|number| !number.is_finite()) {
            return Err(self.bad(format!("{name} is no finite number")));
        }
        Ok(number.filter(|number| *number < f64::MAX))
    }

    /// A quantity as plain decimal text, without an exponent and without idle zeros.
    pub(super) fn quantity(&mut self, name: &str) -> Result<Option<String>, BadFrame> {
        let mut ahead = self.clone();
        let Some(number) = ahead.number(name)? else {
            *self = ahead;
            return Ok(None);
        };
        let text = self.next(name)?;
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
        Ok(Some(match text.split_once('.') {
            _ if !plain => number.to_string(),
            Some(_) => {
                let trimmed = text.trim_end_matches('0').trim_end_matches('.');
                if trimmed.is_empty() { "0" } else { trimmed }.to_owned()
            }
            None => text.to_owned(),
        }))
    }

    /// Nothing for an empty field.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, BadFrame> {
        match self.next(name)? {
            "" => Ok(None),
            "0" | "false" => Ok(Some(false)),
            "1" | "true" => Ok(Some(true)),
            other => Err(self.bad(format!("{name} is '{}', and not 0 or 1", shortened(other)))),
        }
    }

    /// How many groups of fields follow; never more than there are fields.
    pub(super) fn count(&mut self, name: &str) -> Result<usize, BadFrame> {
        let count: usize = self.parsed(name, "count")?.unwrap_or_default();
        let left = self.fields.clone().count();
        if count > left {
            return Err(self.bad(format!("{name} is {count}, but only {left} fields follow")));
        }
        Ok(count)
    }

    /// Options in one field: `tag=value;tag=value;`.
    pub(super) fn options(&mut self, name: &str) -> Result<BTreeMap<String, String>, BadFrame> {
        let pairs = self.next(name)?.split(';').filter(|pair| !pair.is_empty());
        Ok(pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(tag, value)| (tag.to_owned(), value.to_owned()))
            .collect())
    }

    /// So many tags and values, two fields each.
    pub(super) fn tags(&mut self, name: &str) -> Result<BTreeMap<String, String>, BadFrame> {
        let mut tags = BTreeMap::new();
        for _ in 0..self.count(name)? {
            tags.insert(self.next(name)?.to_owned(), self.next(name)?.to_owned());
        }
        Ok(tags)
    }

    /// Refuses what is left over.
    pub(super) fn end(&self) -> Result<(), BadFrame> {
        match self.fields.clone().count() {
            0 => Ok(()),
            left => Err(self.bad(format!("{left} fields more than version {} has", self.version))),
        }
    }
}

/// Enough of a text to recognise it.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Writes the fields of one message.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    version: i32,
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(version: i32, out: &'a mut Vec<u8>) -> Self {
        Self { version, out }
    }

    /// The negotiated version.
    pub(super) fn version(&self) -> i32 {
        self.version
    }

    /// A field as it is; a NUL in it would shift all that follow, and is left out.
    pub(super) fn put(&mut self, text: &str) -> &mut Self {
        self.out.extend(text.bytes().filter(|byte| *byte != 0));
        self.out.push(0);
        self
    }

    pub(super) fn text(&mut self, text: &Option<String>) -> &mut Self {
        self.put(text.as_deref().unwrap_or_default())
    }

    /// A field that clients read as Python's unicode escapes.
    pub(super) fn escaped(&mut self, text: &Option<String>) -> &mut Self {
        let mut escaped = String::new();
        for char in text.iter().flat_map(|text| text.chars()) {
            match u32::from(char) {
                0x5c => escaped.push_str(r"\\"),
                0x20..0x7f => escaped.push(char),
                code => escaped.push_str(&format!("\\u{:04x}", code.min(0xffff))),
            }
        }
        self.put(&escaped)
    }

    fn shown(&mut self, value: impl std::fmt::Display) -> &mut Self {
        // Writing to a growing buffer can't fail.
        let _ = write!(self.out, "{value}");
        self.out.push(0);
        self
    }

    pub(super) fn count(&mut self, count: usize) -> &mut Self {
        self.shown(count)
    }

    /// Zero where there is none.
    pub(super) fn int(&mut self, int: Option<i32>) -> &mut Self {
        self.shown(int.unwrap_or_default())
    }

    /// Empty where there is none.
    pub(super) fn int_or_empty(&mut self, int: Option<i32>) -> &mut Self {
        match int {
            Some(int) => self.shown(int),
            None => self.put(""),
        }
    }

    /// The largest one where there is none.
    pub(super) fn int_or_unset(&mut self, int: Option<i32>) -> &mut Self {
        match int {
            Some(int) => self.shown(int),
            None => self.put(UNSET_INT),
        }
    }

    /// Zero where there is none.
    pub(super) fn long(&mut self, long: Option<i64>) -> &mut Self {
        self.shown(long.unwrap_or_default())
    }

    pub(super) fn flag(&mut self, flag: Option<bool>) -> &mut Self {
        self.put(if flag == Some(true) { "1" } else { "0" })
    }

    fn number_or(&mut self, number: Option<f64>, unset: &str) -> &mut Self {
        match number.filter(|number| number.is_infinite() || number.abs() < f64::MAX) {
            Some(number) if number.is_infinite() => self.put("Infinite"),
            Some(number) => self.shown(number),
            None => self.put(unset),
        }
    }

    /// Zero where there is none.
    pub(super) fn number(&mut self, number: Option<f64>) -> &mut Self {
        self.number_or(number, "0")
    }

    /// Empty where there is none.
    pub(super) fn number_or_empty(&mut self, number: Option<f64>) -> &mut Self {
        self.number_or(number, "")
    }

    /// The largest one where there is none.
    pub(super) fn number_or_unset(&mut self, number: Option<f64>) -> &mut Self {
        self.number_or(number, UNSET_NUMBER)
    }

    /// An amount that may have decimals at any version; zero where there is none.
    pub(super) fn quantity(&mut self, quantity: &Option<String>) -> &mut Self {
        self.put(quantity.as_deref().filter(|text| !text.is_empty()).unwrap_or("0"))
    }

    /// A size or volume: whole before decimals were known; zero where there is none.
    pub(super) fn size(&mut self, size: &Option<String>) -> &mut Self {
        let size = size.as_deref().unwrap_or_default();
        let whole = size.split('.').next().unwrap_or_default();
        let told = if self.version < FRACTIONAL_SIZES {
            whole
        } else {
            size
        };
        self.put(if told.is_empty() { "0" } else { told })
    }

    /// The count of tags, then each with its value.
    pub(super) fn tags(&mut self, tags: &BTreeMap<String, String>) -> &mut Self {
        self.count(tags.len());
        for (tag, value) in tags {
            self.put(tag).put(value);
        }
        self
    }
}
