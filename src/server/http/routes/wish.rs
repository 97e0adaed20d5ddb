//! What an order is to be, as a program says it: by its fields, or by a sentence. Either becomes commands of the engine;
//! nothing is guessed, and what is not known is refused.

use super::super::replica::Known;
use super::super::{ApiError, Context};
use super::names;
use crate::domain::{
    AccountKey, ClientOrderId, Distance, NumberError, OrderKind, OrderSpec, Price, Quantity, Role, SafeText,
    Side, TimeInForce, Timestamp,
};
use crate::engine::known::quiet_words;
use crate::engine::sentence::{Scene, SentenceError, parse_outside, resolve};
use crate::engine::{Command, Legs, Seen};
use crate::server::doors::Caller;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use utoipa::ToSchema;

/// An order: a sentence, or its fields. Decimals are text.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wish {
    /// In the words of the desk; then no other field but `account` and `client_order_id`.
    #[schema(example = "buy 1 AAPL mkt")]
    pub(super) sentence: Option<String>,
    /// For which account; the usual one without.
    pub(super) account: Option<String>,
    /// Made by the asker: the same id again is the same order. 1 to 28 letters, digits, `-` and `_`.
    pub(super) client_order_id: Option<String>,
    /// The instrument.
    #[schema(example = "AAPL")]
    symbol: Option<String>,
    /// `buy` or `sell`.
    side: Option<String>,
    /// How much.
    #[schema(example = "1")]
    quantity: Option<String>,
    /// `market`, `limit`, `stop`, `stop_limit`, `trail`, `trail_limit`, `market_on_close`, `limit_on_close`, `midprice`.
    r#type: Option<String>,
    /// The limit.
    price: Option<String>,
    /// The price that wakes a stop.
    trigger: Option<String>,
    /// How far a trailing stop trails: `0.5` or `2.5%`.
    distance: Option<String>,
    /// How far beyond its trigger the limit of a trailing stop lies.
    offset: Option<String>,
    /// `day` (where nothing is said), `gtc`, `ioc`, `fok`, `gtd`, `opg`.
    tif: Option<String>,
    /// When it expires, for `gtd`.
    until: Option<String>,
    /// The part shown.
    display: Option<String>,
    /// Selling more than is held is meant.
    allow_short: bool,
    /// It may also trade outside the regular session.
    outside_hours: bool,
    /// The trigger of a protective stop that is placed once it fills.
    stop: Option<String>,
    /// The price of a profit-taking limit that is placed once it fills.
    target: Option<String>,
    /// What the preview told: the order is refused where that no longer holds.
    seen: Option<SeenWish>,
}

/// What a preview told of an order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SeenWish {
    /// Of the order as it was previewed.
    pub(super) digest: String,
    /// The best bid then.
    #[serde(default)]
    pub(super) bid: Option<String>,
    /// The best offer then.
    #[serde(default)]
    pub(super) ask: Option<String>,
    /// How long ago that was, in milliseconds.
    #[serde(default)]
    pub(super) age_ms: u64,
}

/// What a wish comes to.
pub(super) struct Meant {
    /// In the order they are sent.
    pub(super) commands: Vec<Command>,
    /// What was rounded, converted or chosen.
    pub(super) notes: Vec<String>,
}

/// Reads a number given as text.
pub(super) fn number<T: FromStr<Err = NumberError>>(
    what: &str,
    text: Option<&String>,
) -> Result<Option<T>, ApiError> {
    let read = |text: &String| {
        text.parse::<T>()
            .map_err(|error| ApiError::bad(format!("{what}: {error}")))
    };
    text.map(read).transpose()
}

/// Reads a distance given as text.
pub(super) fn distance(text: Option<&String>) -> Result<Option<Distance>, ApiError> {
    let read = |text: &String| {
        text.parse::<Distance>()
            .map_err(|error| ApiError::bad(format!("distance: {error}")))
    };
    text.map(read).transpose()
}

impl Wish {
    /// The commands of it, under these ids.
    pub(super) fn meant(
        &self,
        known: &Known,
        context: &Context,
        caller: &Caller,
        id: Option<ClientOrderId>,
        now: Timestamp,
    ) -> Result<Meant, ApiError> {
        let account = names::meant(known, context, caller, self.account.as_ref())?;
        match &self.sentence {
            Some(sentence) => self.by_sentence(sentence, known, context, account, id, now),
            None => {
                let (spec, legs) = self.by_fields(known, account, now)?;
                let id = id.unwrap_or_else(|| context.new_id_from(known));
                let seen = self.seen.as_ref().map(SeenWish::read).transpose()?;
                Ok(Meant {
                    commands: vec![Command::Submit { id, spec, legs, seen }],
                    notes: Vec::new(),
                })
            }
        }
    }
    fn by_sentence(
        &self,
        text: &str,
        known: &Known,
        context: &Context,
        account: AccountKey,
        id: Option<ClientOrderId>,
        now: Timestamp,
    ) -> Result<Meant, ApiError> {
        let alone = Self {
            sentence: self.sentence.clone(),
            account: self.account.clone(),
            client_order_id: self.client_order_id.clone(),
            ..Self::default()
        };
        if serde_json::to_value(self).ok() != serde_json::to_value(&alone).ok() {
            return Err(ApiError::bad(
                "a sentence says everything: beside it there may be account and client_order_id, and no other field",
            ));
        }
        let sentence = parse_outside(text).map_err(|error| misread(text, &error))?;
        let scene = Scene {
            state: &known.state,
            market: &known.market,
            account,
            now: known.venue_now(now),
            net_liquidation: None,
            templates: &context.given.templates,
        };
        let mut given = id;
        let mut new_id = || given.take().unwrap_or_else(|| context.new_id_from(known));
        let resolved = resolve(&sentence, &scene, &mut new_id).map_err(|error| misread(text, &error))?;
        if resolved.commands.is_empty() {
            let flat = "nothing is held and nothing is working";
            let text = quiet_words(&known.state, account, flat);
            return Err(ApiError::new(StatusCode::CONFLICT, "NOTHING_TO_CLOSE", text));
        }
        let single = matches!(
            resolved.commands.as_slice(),
            [Command::Submit { .. } | Command::Close { .. } | Command::Flatten { .. }]
        );
        if id.is_some() && !single {
            return Err(ApiError::bad(
                "a client order id names one order; this sentence is another thing, or several orders",
            ));
        }
        Ok(Meant {
            commands: resolved.commands,
            notes: resolved.notes,
        })
    }
    fn by_fields(
        &self,
        known: &Known,
        account: AccountKey,
        now: Timestamp,
    ) -> Result<(OrderSpec, Legs), ApiError> {
        let missing = |what: &str| ApiError::bad(format!("{what} is missing"));
        let symbol = self.symbol.as_ref().ok_or_else(|| missing("symbol"))?;
        let side = match self.side.as_deref() {
            Some("buy") => Side::Buy,
            Some("sell") => Side::Sell,
            Some(_) => return Err(ApiError::bad("side is buy or sell")),
            None => return Err(missing("side")),
        };
        let quantity: Option<Quantity> = number("quantity", self.quantity.as_ref())?;
        let spec = OrderSpec {
            account,
            instrument: names::instrument(known, symbol, now)?,
            side,
            quantity: quantity.ok_or_else(|| missing("quantity"))?,
            kind: self.kind()?,
            tif: self.tif()?,
            display: number("display", self.display.as_ref())?,
            allow_short: self.allow_short,
            role: Role::Entry,
            parent: None,
            outside_hours: self.outside_hours,
        };
        let legs = Legs {
            stop: number("stop", self.stop.as_ref())?,
            target: number("target", self.target.as_ref())?,
            moves: None,
        };
        Ok((spec, legs))
    }
    /// The kind, with exactly the prices that it has.
    fn kind(&self) -> Result<OrderKind, ApiError> {
        let word = self.r#type.as_deref();
        let word = word.ok_or_else(|| ApiError::bad("type is missing: market, limit, stop, ..."))?;
        let wanted: &[&str] = match word {
            "market" | "market_on_close" => &[],
            "limit" | "limit_on_close" | "midprice" => &["price"],
            "stop" => &["trigger"],
            "stop_limit" => &["trigger", "price"],
            "trail" => &["distance"],
            "trail_limit" => &["distance", "offset"],
            _ => {
                return Err(ApiError::bad(format!(
                    "type '{}' is none of market, limit, stop, stop_limit, trail, trail_limit, market_on_close, limit_on_close, midprice",
                    SafeText::new(word)
                )));
            }
        };
        let given = [
            ("price", self.price.is_some()),
            ("trigger", self.trigger.is_some()),
            ("distance", self.distance.is_some()),
            ("offset", self.offset.is_some()),
        ];
        for (name, given) in given {
            if given && !wanted.contains(&name) {
                return Err(ApiError::bad(format!("a {word} order has no {name}")));
            }
        }
        let need = |what: &str, text: Option<&String>| -> Result<Price, ApiError> {
            number(what, text)?.ok_or_else(|| ApiError::bad(format!("a {word} order wants {what}")))
        };
        let (price, trigger) = (self.price.as_ref(), self.trigger.as_ref());
        let trailing = || {
            distance(self.distance.as_ref())?
                .ok_or_else(|| ApiError::bad(format!("a {word} order wants distance")))
        };
        Ok(match word {
            "market" => OrderKind::Market,
            "market_on_close" => OrderKind::MarketOnClose,
            "limit" => OrderKind::Limit {
                price: need("price", price)?,
            },
            "limit_on_close" => OrderKind::LimitOnClose {
                price: need("price", price)?,
            },
            "midprice" => OrderKind::Midprice {
                cap: number("price", price)?,
            },
            "stop" => OrderKind::Stop {
                trigger: need("trigger", trigger)?,
            },
            "stop_limit" => OrderKind::StopLimit {
                trigger: need("trigger", trigger)?,
                price: need("price", price)?,
            },
            "trail" => OrderKind::Trail {
                trigger: None,
                distance: trailing()?,
            },
            _ => OrderKind::TrailLimit {
                trigger: None,
                distance: trailing()?,
                offset: need("offset", self.offset.as_ref())?,
            },
        })
    }
    fn tif(&self) -> Result<TimeInForce, ApiError> {
        let until = names::moment(self.until.as_ref(), "until")?;
        let tif = match (self.tif.as_deref().unwrap_or("day"), until) {
            ("gtd", Some(until)) => return Ok(TimeInForce::Gtd { until }),
            ("gtd", None) => return Err(ApiError::bad("gtd wants until")),
            (_, Some(_)) => return Err(ApiError::bad("until belongs to gtd")),
            ("day", None) => TimeInForce::Day,
            ("gtc", None) => TimeInForce::Gtc,
            ("ioc", None) => TimeInForce::Ioc,
            ("fok", None) => TimeInForce::Fok,
            ("opg", None) => TimeInForce::Opg,
            _ => return Err(ApiError::bad("tif is one of day, gtc, ioc, fok, gtd, opg")),
        };
        Ok(tif)
    }
}

impl SeenWish {
    fn read(&self) -> Result<Seen, ApiError> {
        Ok(Seen {
            digest: SafeText::new(&self.digest),
            bid: number("seen.bid", self.bid.as_ref())?,
            ask: number("seen.ask", self.ask.as_ref())?,
            age_ms: self.age_ms,
            reduces: false,
        })
    }
}

/// What is wrong with a sentence, and where.
pub(super) fn misread(text: &str, error: &SentenceError) -> ApiError {
    let before = text
        .get(..error.at.start)
        .map_or(0, |before| before.chars().count());
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "BAD_SENTENCE",
        format!("{} (at character {})", SafeText::new(&error.text), before + 1),
    )
}
