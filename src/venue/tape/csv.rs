//! Plain CSV with a header line: `time`, then `price` and `size`, or `bid` and `ask` with or without `bid_size` and
//! `ask_size`, or both, and `symbol` where a file holds several. Times are RFC 3339 or numbers since 1970, whose size
//! tells seconds, milliseconds, microseconds and nanoseconds apart.

use super::record::{Broken, Quotes, Record, price, quantity, quantity_or_zero};
use crate::domain::{InstrumentId, Price, Quantity, Timestamp};

/// Which column holds what.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Columns {
    time: usize,
    price: Option<usize>,
    size: Option<usize>,
    bid: Option<usize>,
    bid_size: Option<usize>,
    ask: Option<usize>,
    ask_size: Option<usize>,
    symbol: Option<usize>,
}

/// Most columns that a file may have.
const MAX_COLUMNS: usize = 64;

impl Columns {
    /// Reads the header. The error says what is missing.
    pub(super) fn read(header: &str) -> Result<Self, String> {
        let mut columns = Self::default();
        let mut time = None;
        for (at, name) in header
            .trim_start_matches('\u{feff}')
            .split(',')
            .enumerate()
            .take(MAX_COLUMNS)
        {
            let slot = match bare(name).to_ascii_lowercase().as_str() {
                "time" | "timestamp" | "datetime" => &mut time,
                "price" | "last" => &mut columns.price,
                "size" | "quantity" | "qty" | "volume" => &mut columns.size,
                "bid" => &mut columns.bid,
                "bid_size" => &mut columns.bid_size,
                "ask" => &mut columns.ask,
                "ask_size" => &mut columns.ask_size,
                "symbol" | "instrument" => &mut columns.symbol,
                _ => continue,
            };
            if slot.replace(at).is_some() {
                return Err(format!("its header names '{}' twice", bare(name)));
            }
        }
        let trades = columns.price.is_some() && columns.size.is_some();
        let quotes = columns.bid.is_some() && columns.ask.is_some();
        match time {
            Some(at) if trades || quotes => {
                columns.time = at;
                Ok(columns)
            }
            Some(_) => Err("its header has no price and size, and no bid and ask".to_owned()),
            None => Err("its first line is no header with a column 'time'".to_owned()),
        }
    }

    /// True where each line names its symbol.
    pub(super) fn has_symbol(&self) -> bool {
        self.symbol.is_some()
    }

    /// Reads one line; the symbol is that of the line, where the file has such a column.
    pub(super) fn line(&self, line: &str) -> Result<(Timestamp, Option<InstrumentId>, Record), Broken> {
        let mut fields = [""; MAX_COLUMNS];
        for (slot, field) in fields.iter_mut().zip(line.split(',')) {
            *slot = bare(field);
        }
        let field = |column: Option<usize>| column.and_then(|at| fields.get(at)).copied().unwrap_or("");
        let at = time(fields[self.time])?;
        let symbol = match self.symbol {
            Some(_) => Some(symbol(field(self.symbol))?),
            None => None,
        };
        let trade = if field(self.price).is_empty() && field(self.size).is_empty() {
            None
        } else {
            Some((price(field(self.price), 1)?, quantity(field(self.size))?))
        };
        let quotes = Quotes {
            bid: side(field(self.bid), field(self.bid_size))?,
            ask: side(field(self.ask), field(self.ask_size))?,
        };
        let quoted = quotes != Quotes::default();
        let record = match trade {
            Some((price, size)) if quoted => Record::Both(quotes, price, size),
            Some((price, size)) => Record::Trade {
                price,
                size,
                aggressor: None,
            },
            None if quoted => Record::Quote(quotes),
            None => return Err(Broken("the line has neither a trade nor a quote".to_owned())),
        };
        Ok((at, symbol, record))
    }
}

/// A field without blanks and quotation marks around it.
fn bare(field: &str) -> &str {
    field.trim().trim_matches('"')
}

/// A symbol as people write it.
pub(super) fn symbol(text: &str) -> Result<InstrumentId, Broken> {
    InstrumentId::new(&text.to_ascii_uppercase())
        .ok()
        .filter(|id| {
            id.as_str()
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-/".contains(&byte))
        })
        .ok_or_else(|| Broken::field("symbol", text, "1 to 24 letters, digits, dots or dashes"))
}

fn side(text: &str, size: &str) -> Result<Option<(Price, Quantity)>, Broken> {
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some((price(text, 1)?, quantity_or_zero(size)?)))
}

/// A moment from 1970 to 2200.
fn time(text: &str) -> Result<Timestamp, Broken> {
    let broken = || {
        Broken::field(
            "time",
            text,
            "RFC 3339 (2013-10-07T13:30:00Z) or a number since 1970, before 2200",
        )
    };
    let at = match text.parse::<Quantity>() {
        // Eight decimals of a number of seconds are ten nanoseconds each, which is finer than any feed's clock.
        Ok(number) => {
            let raw = i128::from(number.raw());
            let nanos = match raw / i128::from(Quantity::ONE.raw()) {
                0..100_000_000_000 => raw * 10,
                _ => return Err(broken()),
            };
            i64::try_from(nanos).map_err(|_| broken())?
        }
        Err(_) => match text.parse::<i64>() {
            Ok(number) => number
                .checked_mul(match number {
                    100_000_000_000..100_000_000_000_000 => 1_000_000,
                    100_000_000_000_000..100_000_000_000_000_000 => 1_000,
                    100_000_000_000_000_000.. => 1,
                    _ => return Err(broken()),
                })
                .ok_or_else(broken)?,
            Err(_) => Timestamp::parse(text).ok_or_else(broken)?.0,
        },
    };
    // 2200-01-01
    if (0..7_258_118_400_000_000_000).contains(&at) {
        Ok(Timestamp(at))
    } else {
        Err(broken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_apart_by_their_size() {
        for text in [
            "1381152600.25",
            "1381152600250",
            "1381152600250000",
            "1381152600250000000",
            "2013-10-07T13:30:00.25Z",
            "2013-10-07T09:30:00.25-04:00",
        ] {
            assert_eq!(
                time(text).unwrap().to_string(),
                "2013-10-07T13:30:00.25Z",
                "{text}"
            );
        }
        for bad in [
            "",
            "-1",
            "NaN",
            "1e9",
            "9999999999999999999999",
            "yesterday",
            "9000-01-01T00:00:00Z",
        ] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_header_says_what_is_where() {
        let columns = Columns::read("\u{feff}Time, \"Symbol\",bid,ask,price,size").unwrap();
        let (_, symbol, record) = columns.line("1381152600,spy,167.40,167.41,167.41,100").unwrap();
        assert_eq!(symbol.unwrap().as_str(), "SPY");
        assert!(matches!(record, Record::Both(..)));
        assert!(
            Columns::read("1381152600,167.41,100")
                .unwrap_err()
                .contains("no header")
        );
        assert!(
            Columns::read("time,price")
                .unwrap_err()
                .contains("no price and size")
        );
        assert!(
            Columns::read("time,time,price,size")
                .unwrap_err()
                .contains("twice")
        );
        assert!(
            columns
                .line("1381152600,spy,,,,")
                .unwrap_err()
                .0
                .contains("neither")
        );
    }
}
