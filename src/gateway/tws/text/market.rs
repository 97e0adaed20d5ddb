//! Prices, depth, bars and past ticks as clients are told of them.

use super::super::message::Outgoing;
use super::super::proto;
use super::fields::Writer;
use proto::{HistoricalDataBar, MarketDepthData, Tick};

/// Writes the fields of a message about current prices; false for any other.
pub(super) fn ticks(message: &Outgoing, fields: &mut Writer) -> bool {
    match message {
        Outgoing::TickPrice(tick) => {
            fields.put("6").int(tick.req_id).int(tick.tick_type);
            fields.number(tick.price).size(&tick.size).int(tick.attr_mask);
        }
        Outgoing::TickSize(tick) => {
            fields
                .put("6")
                .int(tick.req_id)
                .int(tick.tick_type)
                .size(&tick.size);
        }
        Outgoing::TickGeneric(tick) => {
            fields
                .put("6")
                .int(tick.req_id)
                .int(tick.tick_type)
                .number(tick.value);
        }
        Outgoing::TickString(tick) => {
            fields
                .put("6")
                .int(tick.req_id)
                .int(tick.tick_type)
                .text(&tick.value);
        }
        Outgoing::TickOptionComputation(tick) => {
            fields.int(tick.req_id).int(tick.tick_type).int(tick.tick_attrib);
            // What was not computed is a number that can't be: below -1 where -1 would be one.
            let or = |value: Option<f64>, unset: f64| Some(value.unwrap_or(unset));
            fields
                .number(or(tick.implied_vol, -1.0))
                .number(or(tick.delta, -2.0));
            fields
                .number(or(tick.opt_price, -1.0))
                .number(or(tick.pv_dividend, -1.0));
            fields.number(or(tick.gamma, -2.0)).number(or(tick.vega, -2.0));
            fields
                .number(or(tick.theta, -2.0))
                .number(or(tick.und_price, -1.0));
        }
        Outgoing::TickReqParams(params) => {
            fields.int(params.req_id).quantity(&params.min_tick);
            fields.text(&params.bbo_exchange).int(params.snapshot_permissions);
        }
        Outgoing::TickSnapshotEnd(end) => _ = fields.put("1").int(end.req_id),
        Outgoing::MarketDataType(kind) => {
            fields.put("1").int(kind.req_id).int(kind.market_data_type);
        }
        Outgoing::MarketDepth(depth) => {
            let row = depth.market_depth_data.clone().unwrap_or_default();
            fields.put("1").int(depth.req_id).int(row.position);
            depth_row(&row, fields);
        }
        Outgoing::MarketDepthL2(depth) => {
            let row = depth.market_depth_data.clone().unwrap_or_default();
            fields
                .put("1")
                .int(depth.req_id)
                .int(row.position)
                .text(&row.market_maker);
            depth_row(&row, fields);
            fields.flag(row.is_smart_depth);
        }
        Outgoing::TickByTick(tick) => tick_by_tick(tick, fields),
        _ => return false,
    }
    true
}

fn depth_row(row: &MarketDepthData, fields: &mut Writer) {
    fields
        .int(row.operation)
        .int(row.side)
        .number(row.price)
        .size(&row.size);
}

/// Two flags as bits: the first is the lowest.
fn mask(first: Option<bool>, second: Option<bool>) -> Option<i32> {
    Some(i32::from(first == Some(true)) | i32::from(second == Some(true)) << 1)
}

fn last_mask(attributes: &Option<proto::TickAttribLast>) -> Option<i32> {
    let attributes = attributes.as_ref();
    mask(
        attributes.and_then(|told| told.past_limit),
        attributes.and_then(|told| told.unreported),
    )
}

fn tick_by_tick(data: &proto::TickByTickData, fields: &mut Writer) {
    fields.int(data.req_id).int(data.tick_type);
    match &data.tick {
        Some(Tick::Last(tick)) => {
            fields.long(tick.time).number(tick.price).size(&tick.size);
            fields.int(last_mask(&tick.tick_attrib_last));
            fields.text(&tick.exchange).text(&tick.special_conditions);
        }
        Some(Tick::BidAsk(tick)) => {
            let attributes = tick.tick_attrib_bid_ask.clone().unwrap_or_default();
            fields
                .long(tick.time)
                .number(tick.price_bid)
                .number(tick.price_ask);
            fields.size(&tick.size_bid).size(&tick.size_ask);
            fields.int(mask(attributes.bid_past_low, attributes.ask_past_high));
        }
        Some(Tick::Midpoint(tick)) => _ = fields.long(tick.time).number(tick.price),
        None => {}
    }
}

/// Writes the fields of a message about bars and past ticks; false for any other.
pub(super) fn bars(message: &Outgoing, fields: &mut Writer) -> bool {
    match message {
        Outgoing::RealTimeBar(bar) => {
            fields.put("3").int(bar.req_id).long(bar.time);
            fields
                .number(bar.open)
                .number(bar.high)
                .number(bar.low)
                .number(bar.close);
            fields.size(&bar.volume).quantity(&bar.wap).int(bar.count);
        }
        Outgoing::History { bars, end } => {
            fields.int(bars.req_id);
            fields.text(&end.start_date_str).text(&end.end_date_str);
            fields.count(bars.historical_data_bars.len());
            for bar in &bars.historical_data_bars {
                fields.text(&bar.date).number(bar.open).number(bar.high);
                fields.number(bar.low).number(bar.close);
                fields.size(&bar.volume).quantity(&bar.wap).int(bar.bar_count);
            }
        }
        Outgoing::HistoricalDataUpdate(update) => {
            let bar = update.historical_data_bar.clone().unwrap_or_default();
            fields.int(update.req_id);
            bar_update(&bar, fields);
        }
        Outgoing::HeadTimestamp(head) => _ = fields.int(head.req_id).text(&head.head_timestamp),
        message => return historical_ticks(message, fields),
    }
    true
}

/// Not in the order of the bars before it: the count comes first, and close before high.
fn bar_update(bar: &HistoricalDataBar, fields: &mut Writer) {
    fields
        .int(bar.bar_count)
        .text(&bar.date)
        .number(bar.open)
        .number(bar.close);
    fields
        .number(bar.high)
        .number(bar.low)
        .quantity(&bar.wap)
        .size(&bar.volume);
}

fn historical_ticks(message: &Outgoing, fields: &mut Writer) -> bool {
    match message {
        Outgoing::HistoricalTicks(ticks) => {
            fields.int(ticks.req_id).count(ticks.historical_ticks.len());
            for tick in &ticks.historical_ticks {
                fields
                    .long(tick.time)
                    .put("0")
                    .number(tick.price)
                    .size(&tick.size);
            }
            fields.flag(ticks.is_done);
        }
        Outgoing::HistoricalTicksBidAsk(ticks) => {
            fields
                .int(ticks.req_id)
                .count(ticks.historical_ticks_bid_ask.len());
            for tick in &ticks.historical_ticks_bid_ask {
                // The other way round than tick by tick.
                let attributes = tick.tick_attrib_bid_ask.clone().unwrap_or_default();
                fields.long(tick.time);
                fields.int(mask(attributes.ask_past_high, attributes.bid_past_low));
                fields.number(tick.price_bid).number(tick.price_ask);
                fields.size(&tick.size_bid).size(&tick.size_ask);
            }
            fields.flag(ticks.is_done);
        }
        Outgoing::HistoricalTicksLast(ticks) => {
            fields.int(ticks.req_id).count(ticks.historical_ticks_last.len());
            for tick in &ticks.historical_ticks_last {
                fields.long(tick.time).int(last_mask(&tick.tick_attrib_last));
                fields.number(tick.price).size(&tick.size);
                fields.text(&tick.exchange).text(&tick.special_conditions);
            }
            fields.flag(ticks.is_done);
        }
        _ => return false,
    }
    true
}
