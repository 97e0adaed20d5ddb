//! LEAN's file layout: what a path such as `equity/usa/tick/spy/20131007_trade.zip` says about the lines inside, and how
//! those lines are read. Times are milliseconds since midnight of the file's clock; equity prices are times 10,000.

use super::record::{Bar, Broken, Quotes, Record, price, quantity, quantity_or_zero};
use crate::domain::{InstrumentId, InstrumentKind, Timestamp};
use std::path::Path;

/// Trades or quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Trade,
    Quote,
}

/// What one line stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    Tick,
    Second,
    Minute,
}

/// Everything a path says about its lines.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub symbol: InstrumentId,
    pub kind: InstrumentKind,
    /// Root of a dated contract.
    pub root: Option<String>,
    content: Content,
    resolution: Resolution,
    /// What prices in the file are multiplied by.
    scale: i128,
    /// Midnight of the file's day.
    midnight: jiff::civil::DateTime,
    zone: jiff::tz::TimeZone,
}

/// The layout that `path` (and the archive's `member`, for contracts) tells; nothing where it is no LEAN path.
pub(super) fn layout(path: &Path, member: Option<&str>) -> Option<Result<Layout, String>> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let names: Vec<&str> = path
        .iter()
        .rev()
        .take(5)
        .filter_map(|name| name.to_str())
        .collect();
    let [file, symbol, resolution, market, security] = names.as_slice() else {
        return None;
    };
    if !matches!(
        *security,
        "equity"
            | "crypto"
            | "cryptofuture"
            | "forex"
            | "future"
            | "index"
            | "option"
            | "cfd"
            | "futureoption"
    ) {
        // `equity/usa/daily/spy.zip` is one level flatter.
        let daily = matches!(*symbol, "daily" | "hour")
            && matches!(*market, "equity" | "crypto" | "forex" | "future");
        return daily.then(|| {
            Err(format!(
                "{symbol} bars are no tape; use tick, second or minute files"
            ))
        });
    }
    Some(read(file, symbol, resolution, market, security, member))
}

fn read(
    file: &str,
    symbol: &str,
    resolution: &str,
    market: &str,
    security: &str,
    member: Option<&str>,
) -> Result<Layout, String> {
    let resolution = match resolution {
        "tick" => Resolution::Tick,
        "second" => Resolution::Second,
        "minute" => Resolution::Minute,
        other => {
            return Err(format!(
                "'{other}' is no resolution of a tape; use tick, second or minute files"
            ));
        }
    };
    let stem = file.split('.').next().unwrap_or(file);
    let mut words = stem.split('_');
    let date = words.next().and_then(date).ok_or_else(|| {
        format!("'{file}' does not begin with a date; LEAN names its files YYYYMMDD_trade.zip or YYYYMMDD_quote.zip")
    })?;
    let content = match words.next() {
        Some("trade") => Content::Trade,
        Some("quote") => Content::Quote,
        other => {
            return Err(format!(
                "'{}' files are no tape; use trade or quote files",
                other.unwrap_or("")
            ));
        }
    };
    let (kind, scale, zone) = match security {
        "equity" => (InstrumentKind::Equity, 10_000, "America/New_York"),
        "index" => (InstrumentKind::Index, 1, "America/Chicago"),
        "forex" => (
            InstrumentKind::Forex,
            1,
            if market == "fxcm" { "-05" } else { "UTC" },
        ),
        "crypto" => (InstrumentKind::Crypto, 1, "UTC"),
        "future" => (InstrumentKind::Future, 1, "UTC"),
        other => return Err(format!("'{other}' files are not read as a tape")),
    };
    let (name, root) = match kind {
        InstrumentKind::Future => contract(symbol, member)?,
        InstrumentKind::Forex | InstrumentKind::Crypto => (pair(symbol), None),
        _ => (symbol.to_ascii_uppercase(), None),
    };
    let zone = match zone {
        "-05" => jiff::tz::TimeZone::fixed(jiff::tz::offset(-5)),
        name => jiff::tz::TimeZone::get(name).map_err(|error| error.to_string())?,
    };
    Ok(Layout {
        symbol: InstrumentId::new(&name).map_err(|error| error.to_string())?,
        kind,
        root,
        content,
        resolution,
        scale,
        midnight: date.at(0, 0, 0, 0),
        zone,
    })
}

fn date(text: &str) -> Option<jiff::civil::Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    jiff::civil::Date::new(
        text[..4].parse().ok()?,
        text[4..6].parse().ok()?,
        text[6..].parse().ok()?,
    )
    .ok()
    .filter(|date| (1900..=2200).contains(&date.year()))
}

/// `ESZ3` of `20131007_es_minute_trade_201312.csv`.
fn contract(symbol: &str, member: Option<&str>) -> Result<(String, Option<String>), String> {
    let wanted = "a future's archive holds one file a contract, such as 20131007_es_minute_trade_201312.csv";
    let month = member
        .and_then(|name| name.strip_suffix(".csv"))
        .and_then(|name| name.rsplit('_').next())
        .filter(|month| month.len() == 6 && month.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(|| wanted.to_owned())?;
    let number: usize = month[4..].parse().map_err(|_| wanted.to_owned())?;
    let code = number
        .checked_sub(1)
        .and_then(|at| b"FGHJKMNQUVXZ".get(at))
        .ok_or_else(|| wanted.to_owned())?;
    let root = symbol.to_ascii_uppercase();
    Ok((format!("{root}{}{}", char::from(*code), &month[3..4]), Some(root)))
}

/// `EUR.USD` of `eurusd`, `BTC.USDT` of `btcusdt`.
fn pair(symbol: &str) -> String {
    let symbol = symbol.to_ascii_uppercase();
    let quote = ["USDT", "USDC"]
        .iter()
        .find(|quote| symbol.len() > 4 && symbol.ends_with(**quote))
        .map_or(3, |quote| quote.len());
    match symbol
        .len()
        .checked_sub(quote)
        .filter(|at| *at > 0 && symbol.is_char_boundary(*at))
    {
        Some(at) => format!("{}.{}", &symbol[..at], &symbol[at..]),
        None => symbol,
    }
}

impl Layout {
    /// True for files of quotes alone.
    pub(super) fn is_quotes(&self) -> bool {
        self.content == Content::Quote
    }

    /// Reads one line.
    pub(super) fn line(&self, line: &str) -> Result<(Timestamp, Record), Broken> {
        let mut fields = [""; 12];
        let mut count = 0;
        for field in line.split(',') {
            if count < fields.len() {
                fields[count] = field.trim();
            }
            count += 1;
        }
        let at = self.time(fields[0])?;
        let record = match (self.content, self.resolution) {
            (Content::Trade, Resolution::Tick) => {
                expect(count >= 3, "a trade tick has a time, a price and a size")?;
                Record::Trade {
                    price: self.price(fields[1])?,
                    size: quantity(fields[2])?,
                    aggressor: None,
                }
            }
            (Content::Trade, _) => {
                expect(count >= 6, "a bar has a time, open, high, low, close and volume")?;
                Record::Bar(self.bar(&fields[1..5])?, quantity(fields[5])?, self.span())
            }
            (Content::Quote, Resolution::Tick) if count <= 4 => {
                expect(count >= 3, "a quote tick has a time, a bid and an ask")?;
                Record::Quote(Quotes {
                    bid: self.side(fields[1], "")?,
                    ask: self.side(fields[2], "")?,
                })
            }
            (Content::Quote, Resolution::Tick) => {
                expect(
                    count >= 5,
                    "a quote tick has a time, bid, bid size, ask and ask size",
                )?;
                let quotes = Quotes {
                    bid: self.side(fields[1], fields[2])?,
                    ask: self.side(fields[3], fields[4])?,
                };
                match fields[5].bytes().next() {
                    Some(exchange) => Record::ExchangeQuote(exchange, quotes),
                    None => Record::Quote(quotes),
                }
            }
            (Content::Quote, _) => {
                expect(
                    count >= 11,
                    "a quote bar has a time, and open, high, low, close and size of bid and ask",
                )?;
                Record::QuoteBar {
                    bid: self.quote_bar(&fields[1..6])?,
                    ask: self.quote_bar(&fields[6..11])?,
                    span: self.span(),
                }
            }
        };
        Ok((at, record))
    }

    fn span(&self) -> std::time::Duration {
        std::time::Duration::from_secs(if self.resolution == Resolution::Minute {
            60
        } else {
            1
        })
    }

    fn time(&self, text: &str) -> Result<Timestamp, Broken> {
        let millis: i64 = text
            .parse()
            .ok()
            .filter(|millis| (0..86_400_000).contains(millis))
            .ok_or_else(|| Broken::field("time", text, "milliseconds since midnight, below 86400000"))?;
        let wall = self
            .midnight
            .checked_add(jiff::SignedDuration::from_millis(millis))
            .map_err(|_| Broken::field("time", text, "a time within the day"))?;
        let at = self
            .zone
            .to_ambiguous_timestamp(wall)
            .compatible()
            .map_err(|_| Broken::field("time", text, "a time within the day"))?;
        Ok(Timestamp::from_jiff(at))
    }

    fn price(&self, text: &str) -> Result<crate::domain::Price, Broken> {
        price(text, self.scale)
    }

    fn bar(&self, fields: &[&str]) -> Result<Bar, Broken> {
        Bar::checked(
            self.price(fields[0])?,
            self.price(fields[1])?,
            self.price(fields[2])?,
            self.price(fields[3])?,
        )
    }

    /// One side of a quote; a price of zero or none at all is a side that says nothing.
    fn side(
        &self,
        text: &str,
        size: &str,
    ) -> Result<Option<(crate::domain::Price, crate::domain::Quantity)>, Broken> {
        if text.is_empty() || text.parse() == Ok(crate::domain::Price::ZERO) {
            return Ok(None);
        }
        Ok(Some((self.price(text)?, quantity_or_zero(size)?)))
    }

    fn quote_bar(&self, fields: &[&str]) -> Result<Option<(Bar, crate::domain::Quantity)>, Broken> {
        if fields[..4].iter().all(|field| field.is_empty()) {
            return Ok(None);
        }
        Ok(Some((self.bar(fields)?, quantity_or_zero(fields[4])?)))
    }
}

fn expect(holds: bool, wanted: &'static str) -> Result<(), Broken> {
    if holds {
        Ok(())
    } else {
        Err(Broken(wanted.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_symbol_clock_and_scale() {
        let spy = layout(Path::new("/d/equity/usa/tick/spy/20131007_trade.zip"), None)
            .unwrap()
            .unwrap();
        let (at, record) = spy.line("34200000,1674100,100,P,20002000,0").unwrap();
        assert_eq!(at.to_string(), "2013-10-07T13:30:00Z");
        assert_eq!(
            (spy.symbol.as_str(), record.shown()),
            ("SPY", "trade 167.41 x 100".to_owned())
        );
        let eur = layout(Path::new("/d/forex/fxcm/tick/eurusd/20140701_quote.zip"), None)
            .unwrap()
            .unwrap();
        // New York has daylight time in July; the file's clock has not.
        let (at, _) = eur.line("0,1.38727,1.38729").unwrap();
        assert_eq!(
            (at.to_string().as_str(), eur.symbol.as_str()),
            ("2014-07-01T05:00:00Z", "EUR.USD")
        );
        let es = layout(
            Path::new("/d/future/cme/minute/es/20131007_trade.zip"),
            Some("20131007_es_minute_trade_201312.csv"),
        )
        .unwrap()
        .unwrap();
        assert_eq!(es.symbol.as_str(), "ESZ3");
        assert!(layout(Path::new("/d/notes/trades.csv"), None).is_none());
        assert!(
            layout(
                Path::new("/d/option/usa/minute/spy/20230803_trade_american.zip"),
                None
            )
            .unwrap()
            .is_err()
        );
        assert!(
            layout(Path::new("/d/equity/usa/daily/spy.zip"), None)
                .unwrap()
                .is_err()
        );
    }
}
