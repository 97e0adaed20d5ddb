//! Our words and the broker's, one into the other: numbers, orders, executions, times. Pure. Its numbers are binary
//! fractions; ours are decimal: each is read at the scale of ours, where the decimal that was meant is the nearest one.

use crate::domain::{
    AccountKey, BrokerId, BrokerOrderId, ClientOrderId, Distance, Execution, ExecutionBase, ExecutionId,
    InstrumentId, Money, OrderKind, OrderSpec, Price, Quantity, Side, TimeInForce, Timestamp,
};
use crate::engine::Family;
use ibapi::orders::{Action, ExecutionSide, Liquidity, OcaType, Order, TimeInForce as TheirTif};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::str::FromStr;

/// Above this a number is one of the broker's signs for "not set".
const UNSET_FROM: f64 = 1e15;

fn decimal<T: FromStr>(value: f64, decimals: usize) -> Option<T> {
    if !value.is_finite() || value.abs() >= UNSET_FROM {
        return None;
    }
    format!("{value:.decimals$}").parse().ok()
}

/// A price; nothing for what is not set or out of range.
pub fn price(value: f64) -> Option<Price> {
    decimal(value, 9)
}

/// A quantity; nothing for what is not set or out of range.
pub fn quantity(value: f64) -> Option<Quantity> {
    decimal(value, 8)
}

/// An amount of money; nothing for what is not set.
pub fn money(value: f64) -> Option<Money> {
    decimal(value, 8)
}

/// A durable name of an order.
pub fn broker_order_id(perm_id: i64) -> Option<BrokerOrderId> {
    (perm_id > 0)
        .then(|| BrokerOrderId::new(&perm_id.to_string()).ok())
        .flatten()
}

/// Our id in an order's reference: only what looks like one of ours (two letters or digits, a ULID, perhaps a child's
/// suffix), so that the references of other programs are never taken for ids.
pub fn client_order_id(reference: &str) -> Option<ClientOrderId> {
    let (base, child) = reference.split_once('.').unwrap_or((reference, "1"));
    let plain = base.len() == 28 && base.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let small = child.len() == 1 && child.bytes().all(|b| b.is_ascii_digit());
    (plain && small)
        .then(|| ClientOrderId::new(reference).ok())
        .flatten()
}

/// The name under which an order made elsewhere is shown.
pub fn foreign_id(perm_id: i64) -> Option<ClientOrderId> {
    ClientOrderId::new(&format!("IB{perm_id}")).ok()
}

/// An order in the broker's words. The contract goes beside it.
pub fn order(id: ClientOrderId, spec: &OrderSpec, number: i32, family: Option<Family>) -> Order {
    let family = family.unwrap_or(Family {
        parent: None,
        group: None,
        complete: true,
    });
    let mut order = Order {
        order_id: number,
        action: match spec.side {
            Side::Buy => Action::Buy,
            Side::Sell => Action::Sell,
        },
        total_quantity: spec.quantity.to_f64(),
        account: spec.account.account.as_str().to_owned(),
        order_ref: id.as_str().to_owned(),
        tif: tif(spec.tif),
        outside_rth: spec.outside_hours,
        transmit: family.complete,
        parent_id: family.parent.unwrap_or_default(),
        ..Order::default()
    };
    if let TimeInForce::Gtd { until } = spec.tif {
        order.good_till_date = utc(until);
    }
    if let Some(shown) = spec.display {
        // Shares and contracts: what is shown is a whole number there.
        order.display_size = (shown.raw() / Quantity::ONE.raw()).try_into().ok();
    }
    if let (Some(group), None) = (family.group, family.parent) {
        order.oca_group = group.as_str().to_owned();
        order.oca_type = OcaType::ReduceWithBlock;
    }
    set_kind(&mut order, spec.kind);
    order
}

fn set_kind(order: &mut Order, kind: OrderKind) {
    let price = |price: Price| Some(price.to_f64());
    match kind {
        OrderKind::Market => order.order_type = "MKT".into(),
        OrderKind::Limit { price: limit } => {
            order.order_type = "LMT".into();
            order.limit_price = price(limit);
        }
        OrderKind::Stop { trigger } => {
            order.order_type = "STP".into();
            order.aux_price = price(trigger);
        }
        OrderKind::StopLimit {
            trigger,
            price: limit,
        } => {
            order.order_type = "STP LMT".into();
            order.aux_price = price(trigger);
            order.limit_price = price(limit);
        }
        OrderKind::Trail { trigger, distance } => {
            order.order_type = "TRAIL".into();
            order.trail_stop_price = trigger.map(Price::to_f64);
            set_distance(order, distance);
        }
        OrderKind::TrailLimit {
            trigger,
            distance,
            offset,
        } => {
            order.order_type = "TRAIL LIMIT".into();
            order.trail_stop_price = trigger.map(Price::to_f64);
            order.limit_price_offset = price(offset);
            set_distance(order, distance);
        }
        OrderKind::MarketOnClose => order.order_type = "MOC".into(),
        OrderKind::LimitOnClose { price: limit } => {
            order.order_type = "LOC".into();
            order.limit_price = price(limit);
        }
        OrderKind::Midprice { cap } => {
            order.order_type = "MIDPRICE".into();
            order.limit_price = cap.map(Price::to_f64);
        }
    }
}

fn set_distance(order: &mut Order, distance: Distance) {
    match distance {
        Distance::Amount { amount } => order.aux_price = Some(amount.to_f64()),
        Distance::Percent { hundredths } => order.trailing_percent = Some(f64::from(hundredths) / 100.0),
    }
}

fn tif(tif: TimeInForce) -> TheirTif {
    match tif {
        TimeInForce::Day => TheirTif::Day,
        TimeInForce::Gtc => TheirTif::GoodTillCanceled,
        TimeInForce::Ioc => TheirTif::ImmediateOrCancel,
        TimeInForce::Fok => TheirTif::FillOrKill,
        TimeInForce::Gtd { .. } => TheirTif::GoodTillDate,
        TimeInForce::Opg => TheirTif::OnOpen,
    }
}

/// A moment as requests carry it: in UTC, said so by its form.
pub fn utc(at: Timestamp) -> String {
    at.to_jiff().map_or_else(String::new, |at| {
        at.to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H:%M:%S").to_string()
    })
}

/// How an order of the broker executes; nothing for types that we have no word for.
pub fn kind(order: &Order) -> Option<OrderKind> {
    let limit = || order.limit_price.and_then(price);
    let trigger = || order.aux_price.and_then(price);
    Some(match order.order_type.as_str() {
        "MKT" => OrderKind::Market,
        "LMT" => OrderKind::Limit { price: limit()? },
        "STP" => OrderKind::Stop { trigger: trigger()? },
        "STP LMT" | "STPLMT" => OrderKind::StopLimit {
            trigger: trigger()?,
            price: limit()?,
        },
        "TRAIL" => OrderKind::Trail {
            trigger: order.trail_stop_price.and_then(price),
            distance: distance(order)?,
        },
        "TRAIL LIMIT" | "TRAILLMT" => OrderKind::TrailLimit {
            trigger: order.trail_stop_price.and_then(price),
            distance: distance(order)?,
            offset: order.limit_price_offset.and_then(price).unwrap_or(Price::ZERO),
        },
        "MOC" => OrderKind::MarketOnClose,
        "LOC" => OrderKind::LimitOnClose { price: limit()? },
        "MIDPRICE" => OrderKind::Midprice { cap: limit() },
        _ => return None,
    })
}

/// How far a trailing stop trails: by a share of the price where one is set, else by an amount.
fn distance(order: &Order) -> Option<Distance> {
    if let Some(percent) = order.trailing_percent.filter(|percent| *percent > 0.0) {
        let hundredths = Price::from_str(&format!("{:.2}", percent * 100.0)).ok()?.raw() / 1_000_000_000;
        return Some(Distance::Percent {
            hundredths: u32::try_from(hundredths).ok()?,
        });
    }
    let amount = order
        .aux_price
        .and_then(price)
        .filter(|amount| *amount > Price::ZERO)?;
    Some(Distance::Amount { amount })
}

/// How long an order of the broker lives. What we have no word for lives until it is cancelled, as far as we can tell.
pub fn time_in_force(order: &Order, zone: &TimeZone) -> TimeInForce {
    match order.tif {
        TheirTif::Day => TimeInForce::Day,
        TheirTif::ImmediateOrCancel => TimeInForce::Ioc,
        TheirTif::FillOrKill => TimeInForce::Fok,
        TheirTif::OnOpen => TimeInForce::Opg,
        TheirTif::GoodTillDate => {
            moment(&order.good_till_date, zone).map_or(TimeInForce::Gtc, |until| TimeInForce::Gtd { until })
        }
        _ => TimeInForce::Gtc,
    }
}

/// The side of an order.
pub fn side(action: Action) -> Side {
    match action {
        Action::Buy => Side::Buy,
        Action::Sell | Action::SellShort | Action::SellLong => Side::Sell,
    }
}

/// An execution's id: what follows the last dot is the revision.
pub fn execution_id(text: &str) -> Option<ExecutionId> {
    let (base, revision) = text.rsplit_once('.')?;
    Some(ExecutionId {
        base: ExecutionBase::new(base).ok()?,
        revision: revision.parse().ok()?,
    })
}

/// An execution, its fee still unknown. Nothing where a part can't be read, which the caller has to make known.
pub fn execution(
    theirs: &ibapi::orders::Execution,
    broker: BrokerId,
    instrument: InstrumentId,
    zone: &TimeZone,
    now: Timestamp,
) -> Option<Execution> {
    Some(Execution {
        id: execution_id(&theirs.execution_id)?,
        account: AccountKey {
            broker,
            account: theirs.account_number.parse().ok()?,
        },
        order: client_order_id(&theirs.order_reference).or_else(|| foreign_id(theirs.perm_id)),
        broker_order: broker_order_id(theirs.perm_id),
        instrument,
        side: match theirs.side {
            ExecutionSide::Bought => Side::Buy,
            ExecutionSide::Sold => Side::Sell,
        },
        quantity: quantity(theirs.shares)?,
        price: price(theirs.price)?,
        // A trade is booked whatever its time reads like: money is truth.
        at: moment(&theirs.time, zone).unwrap_or(now),
        fee: None,
        maker: match theirs.last_liquidity {
            Liquidity::AddedLiquidity => Some(true),
            Liquidity::RemovedLiquidity | Liquidity::LiquidityRoutedOut => Some(false),
            _ => None,
        },
    })
}

/// A moment as the broker writes one: `20261126 22:00:00 US/Eastern`, `20261126-22:00:00` (UTC), `20261126` or without a
/// zone (then in `zone`). Seconds may have a fraction.
pub fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    let digits = text.get(..8)?;
    let (clock, named) = match text.get(8..).unwrap_or_default() {
        "" => ("00:00:00", None),
        rest if rest.starts_with('-') => (&rest[1..], Some("UTC")),
        rest => {
            let mut words = rest.split_ascii_whitespace();
            (words.next()?, words.next())
        }
    };
    let date = format!("{}-{}-{}", digits.get(..4)?, digits.get(4..6)?, digits.get(6..8)?);
    let civil: DateTime = format!("{date}T{clock}").parse().ok()?;
    let zone = match named {
        Some(name) => zone_of(name).unwrap_or_else(|| zone.clone()),
        None => zone.clone(),
    };
    let at = zone.to_zoned(civil).ok()?.timestamp();
    Some(Timestamp(i64::try_from(at.as_nanosecond()).ok()?))
}

/// A time zone by the names that the broker uses.
pub fn zone_of(name: &str) -> Option<TimeZone> {
    let name = match name {
        "EST" | "EDT" | "EST5EDT" => "America/New_York",
        "CST" | "CDT" | "CST6CDT" => "America/Chicago",
        "MET" | "CET" | "CEST" => "Europe/Berlin",
        "GMT" | "Z" => "UTC",
        "BRT" => "America/Sao_Paulo",
        "JST" => "Asia/Tokyo",
        "HKT" => "Asia/Hong_Kong",
        other => other,
    };
    TimeZone::get(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decimal_that_was_meant_is_read_and_what_is_not_set_is_nothing() {
        assert_eq!(price(0.001_050_000_000_000_000_2).unwrap().to_string(), "0.00105");
        assert_eq!(price(6_789.25).unwrap().to_string(), "6789.25");
        assert_eq!(quantity(0.1).unwrap().to_string(), "0.1");
        for unset in [f64::MAX, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!((price(unset), quantity(unset), money(unset)), (None, None, None));
        }
    }

    #[test]
    fn times_are_read_in_the_zone_they_name() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let at = |text: &str| moment(text, &zone).map(|at| at.to_string());
        let noon = Some("2026-11-26T17:00:00Z".to_owned());
        for text in [
            "20261126 12:00:00 US/Eastern",
            "20261126 12:00:00",
            "20261126-17:00:00",
            "20261126 17:00:00 UTC",
            "20261126  18:00:00 MET",
            "20261126 12:00:00 EST",
        ] {
            assert_eq!(at(text), noon, "{text}");
        }
        for text in ["", "2026", "20261399 12:00:00", "gestern", "20261126 25:00:00"] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn a_reference_is_an_id_only_where_it_looks_like_one_of_ours() {
        assert!(client_order_id("AT01M7Y0Q37YES7VFBZYTDVPNA92").is_some());
        assert!(client_order_id("AT01M7Y0Q37YES7VFBZYTDVPNA92.2").is_some());
        for other in ["", "foo", "my order", "at01m7y0q37yes7vfbzytdvpna92", "12345"] {
            assert_eq!(client_order_id(other), None, "{other}");
        }
        let id = execution_id("0000e0d5.6553e8a1.01.02").unwrap();
        assert_eq!((id.base.as_str(), id.revision), ("0000e0d5.6553e8a1.01", 2));
        assert_eq!(execution_id("nodots"), None);
    }
}
