//! Orders as clients are told of them: open ones (message 5) and completed ones (101). What is unset is written as a
//! gateway of the time writes it: empty, zero or the largest number, which differs from field to field.

use super::super::proto::{CompletedOrder, Contract, OpenOrder, Order, OrderCondition, OrderState};
use super::fields::Writer;
use super::place_order::{is_pegged, since};
use super::replies::contract_fields;

/// Message 5.
pub(super) fn open(message: &OpenOrder, fields: &mut Writer) {
    let nothing = (Contract::default(), Order::default(), OrderState::default());
    let contract = message.contract.as_ref().unwrap_or(&nothing.0);
    let order = message.order.as_ref().unwrap_or(&nothing.1);
    let state = message.order_state.as_ref().unwrap_or(&nothing.2);
    fields.int(message.order_id.or(order.order_id));
    contract_fields(contract, fields);
    main_fields(order, fields);
    fields.int(order.client_id).long(order.perm_id);
    conduct(order, fields);
    // Shares allocation: of no use any more.
    fields.put("");
    advisers(order, fields);
    fields.put("0"); // auction strategy
    stock_range(order, fields);
    fields.int_or_unset(order.display_size).flag(order.block_order);
    fields.flag(order.sweep_to_fill).flag(order.all_or_none);
    fields.int_or_empty(order.min_qty).int(order.oca_type);
    fields.put("0").put("0").put(""); // eTradeOnly, firmQuoteOnly, nbboPriceCap
    fields.int(order.parent_id).int(order.trigger_method);
    volatility(order, fields);
    if delta_neutral_type(order, fields) {
        fields.int(order.delta_neutral_con_id);
        fields.text(&order.delta_neutral_settling_firm);
        fields.text(&order.delta_neutral_clearing_account);
        fields.text(&order.delta_neutral_clearing_intent);
        fields.put(order.delta_neutral_open_close.as_deref().unwrap_or("?"));
        delta_neutral_sale(order, fields);
    }
    trailing(order, fields);
    fields.put("").put(""); // basis points and their type
    combination(contract, order, fields);
    scale(order, fields);
    hedge(order, fields);
    fields.flag(order.opt_out_smart_routing);
    clearing(contract, order, fields);
    algorithm(order, fields);
    fields.flag(order.solicited).flag(order.what_if);
    preview(state, fields);
    fields.flag(order.randomize_size).flag(order.randomize_price);
    pegged_and_conditions(order, fields);
    adjusted(order, fields);
    later_versions(order, fields);
}

/// Message 101.
pub(super) fn completed(message: &CompletedOrder, fields: &mut Writer) {
    let nothing = (Contract::default(), Order::default(), OrderState::default());
    let contract = message.contract.as_ref().unwrap_or(&nothing.0);
    let order = message.order.as_ref().unwrap_or(&nothing.1);
    let state = message.order_state.as_ref().unwrap_or(&nothing.2);
    contract_fields(contract, fields);
    main_fields(order, fields);
    fields.long(order.perm_id);
    conduct(order, fields);
    advisers(order, fields);
    stock_range(order, fields);
    fields.int_or_unset(order.display_size);
    fields.flag(order.sweep_to_fill).flag(order.all_or_none);
    fields.int_or_empty(order.min_qty).int(order.oca_type);
    fields.int(order.trigger_method);
    volatility(order, fields);
    if delta_neutral_type(order, fields) {
        fields.int(order.delta_neutral_con_id);
        delta_neutral_sale(order, fields);
    }
    trailing(order, fields);
    combination(contract, order, fields);
    scale(order, fields);
    hedge(order, fields);
    clearing(contract, order, fields);
    algorithm(order, fields);
    fields.flag(order.solicited).text(&state.status);
    fields.flag(order.randomize_size).flag(order.randomize_price);
    pegged_and_conditions(order, fields);
    fields.number_or_unset(order.trail_stop_price);
    fields.number_or_unset(order.lmt_price_offset);
    fields.number(order.cash_qty);
    fields.flag(order.dont_use_auto_price_for_hedge);
    fields.flag(order.is_oms_container);
    fields.text(&order.auto_cancel_date);
    fields.quantity(&order.filled_quantity);
    fields.int_or_unset(order.ref_futures_con_id);
    fields.flag(order.auto_cancel_parent);
    fields.text(&order.shareholder);
    fields.flag(order.imbalance_only);
    fields.int(order.route_marketable_to_bbo);
    fields.long(Some(order.parent_perm_id.unwrap_or(i64::MAX)));
    fields.text(&state.completed_time).text(&state.completed_status);
    peg_offsets(order, fields);
}

fn main_fields(order: &Order, fields: &mut Writer) {
    fields.text(&order.action).quantity(&order.total_quantity);
    fields.text(&order.order_type);
    fields.number_or_empty(order.lmt_price);
    fields.number_or_empty(order.aux_price);
    fields
        .text(&order.tif)
        .text(&order.oca_group)
        .text(&order.account);
    fields
        .text(&order.open_close)
        .int(order.origin)
        .text(&order.order_ref);
}

fn conduct(order: &Order, fields: &mut Writer) {
    fields.flag(order.outside_rth).flag(order.hidden);
    fields
        .number(order.discretionary_amt)
        .text(&order.good_after_time);
}

fn advisers(order: &Order, fields: &mut Writer) {
    fields
        .text(&order.fa_group)
        .text(&order.fa_method)
        .text(&order.fa_percentage);
    if fields.version() < since::NO_FA_PROFILE {
        fields.put("");
    }
    fields
        .text(&order.model_code)
        .text(&order.good_till_date)
        .text(&order.rule80_a);
    fields.number_or_empty(order.percent_offset);
    fields.text(&order.settling_firm);
    fields.int(order.short_sale_slot).text(&order.designated_location);
    fields.int(Some(order.exempt_code.unwrap_or(-1)));
}

fn stock_range(order: &Order, fields: &mut Writer) {
    fields.number_or_empty(order.starting_price);
    fields.number_or_empty(order.stock_ref_price);
    fields.number_or_empty(order.delta);
    fields.number_or_empty(order.stock_range_lower);
    fields.number_or_empty(order.stock_range_upper);
}

fn volatility(order: &Order, fields: &mut Writer) {
    fields
        .number_or_empty(order.volatility)
        .int(order.volatility_type);
}

/// The type and its price; true where the fields of a delta neutral order follow. A gateway says `None` in words, and then
/// they follow all the same.
fn delta_neutral_type(order: &Order, fields: &mut Writer) -> bool {
    let kind = order.delta_neutral_order_type.as_deref().unwrap_or("None");
    fields.put(kind).number_or_empty(order.delta_neutral_aux_price);
    !kind.is_empty()
}

fn delta_neutral_sale(order: &Order, fields: &mut Writer) {
    fields.flag(order.delta_neutral_short_sale);
    fields.int(order.delta_neutral_short_sale_slot);
    fields.text(&order.delta_neutral_designated_location);
}

fn trailing(order: &Order, fields: &mut Writer) {
    fields
        .flag(order.continuous_update)
        .int(order.reference_price_type);
    // Told here where the order trails; its second place, near the end, holds it for any order that has one.
    let kind = order.order_type.as_deref().unwrap_or_default();
    let trails = kind.starts_with("TRAIL");
    fields.number_or_empty(order.trail_stop_price.filter(|_| trails));
    fields.number_or_empty(order.trailing_percent);
}

fn combination(contract: &Contract, order: &Order, fields: &mut Writer) {
    let legs = &contract.combo_legs;
    fields.text(&contract.combo_legs_descrip).count(legs.len());
    for leg in legs {
        fields
            .int(leg.con_id)
            .int(leg.ratio)
            .text(&leg.action)
            .text(&leg.exchange);
        fields.int(leg.open_close).int(leg.short_sales_slot);
        fields.text(&leg.designated_location);
        fields.int(Some(leg.exempt_code.unwrap_or(-1)));
    }
    let priced = legs.iter().any(|leg| leg.per_leg_price.is_some());
    fields.count(if priced { legs.len() } else { 0 });
    for leg in legs.iter().filter(|_| priced) {
        fields.number_or_empty(leg.per_leg_price);
    }
    fields.tags(&order.smart_combo_routing_params);
}

fn scale(order: &Order, fields: &mut Writer) {
    fields.int_or_unset(order.scale_init_level_size);
    fields.int_or_unset(order.scale_subs_level_size);
    fields.number_or_empty(order.scale_price_increment);
    if order
        .scale_price_increment
        .is_some_and(|step| step > 0.0 && step < f64::MAX)
    {
        fields.number_or_empty(order.scale_price_adjust_value);
        fields.int_or_unset(order.scale_price_adjust_interval);
        fields.number_or_empty(order.scale_profit_offset);
        fields.flag(order.scale_auto_reset);
        fields.int_or_unset(order.scale_init_position);
        fields.int_or_unset(order.scale_init_fill_qty);
        fields.flag(order.scale_random_percent);
    }
}

fn hedge(order: &Order, fields: &mut Writer) {
    fields.text(&order.hedge_type);
    if order.hedge_type.as_deref().is_some_and(|kind| !kind.is_empty()) {
        fields.text(&order.hedge_param);
    }
}

fn clearing(contract: &Contract, order: &Order, fields: &mut Writer) {
    fields.text(&order.clearing_account);
    fields.text(&order.clearing_intent).flag(order.not_held);
    let neutral = contract.delta_neutral_contract.as_ref();
    fields.flag(Some(neutral.is_some()));
    if let Some(neutral) = neutral {
        fields
            .int(neutral.con_id)
            .number(neutral.delta)
            .number(neutral.price);
    }
}

fn algorithm(order: &Order, fields: &mut Writer) {
    fields.text(&order.algo_strategy);
    if order
        .algo_strategy
        .as_deref()
        .is_some_and(|name| !name.is_empty())
    {
        fields.tags(&order.algo_params);
    }
}

/// The order's status, and what its preview says of margin and costs.
fn preview(state: &OrderState, fields: &mut Writer) {
    fields.text(&state.status);
    for margin in [
        state.init_margin_before,
        state.maint_margin_before,
        state.equity_with_loan_before,
        state.init_margin_change,
        state.maint_margin_change,
        state.equity_with_loan_change,
        state.init_margin_after,
        state.maint_margin_after,
        state.equity_with_loan_after,
    ] {
        fields.number_or_unset(margin);
    }
    fields.number_or_empty(state.commission_and_fees);
    fields.number_or_empty(state.min_commission_and_fees);
    fields.number_or_empty(state.max_commission_and_fees);
    fields
        .text(&state.commission_and_fees_currency)
        .text(&state.warning_text);
}

fn pegged_and_conditions(order: &Order, fields: &mut Writer) {
    if is_pegged(order, "BENCH") {
        fields.int(order.reference_contract_id);
        fields.flag(order.is_pegged_change_amount_decrease);
        fields.number(order.pegged_change_amount);
        fields.number(order.reference_change_amount);
        fields.text(&order.reference_exchange_id);
    }
    let known = |condition: &&OrderCondition| matches!(condition.r#type, Some(1 | 3..=7));
    fields.count(order.conditions.iter().filter(known).count());
    for condition in order.conditions.iter().filter(known) {
        condition_fields(condition, fields);
    }
    if order.conditions.iter().any(|condition| known(&condition)) {
        fields
            .flag(order.conditions_ignore_rth)
            .flag(order.conditions_cancel_order);
    }
}

fn condition_fields(condition: &OrderCondition, fields: &mut Writer) {
    let also = condition.is_conjunction_connection != Some(false);
    fields.int(condition.r#type).put(if also { "a" } else { "o" });
    match condition.r#type {
        Some(5) => {
            fields
                .text(&condition.sec_type)
                .text(&condition.exchange)
                .text(&condition.symbol);
        }
        kind => {
            fields.flag(condition.is_more);
            match kind {
                Some(1) => fields.number(condition.price),
                Some(3) => fields.text(&condition.time),
                Some(4) => fields.int(condition.percent),
                Some(6) => fields.int(condition.volume),
                _ => fields.number(condition.change_percent),
            };
            if matches!(kind, Some(1 | 6 | 7)) {
                fields.int(condition.con_id).text(&condition.exchange);
            }
            if kind == Some(1) {
                fields.int(condition.trigger_method);
            }
        }
    }
}

fn adjusted(order: &Order, fields: &mut Writer) {
    fields.put(order.adjusted_order_type.as_deref().unwrap_or("None"));
    fields.number_or_unset(order.trigger_price);
    fields.number_or_unset(order.trail_stop_price);
    fields.number_or_unset(order.lmt_price_offset);
    fields.number_or_unset(order.adjusted_stop_price);
    fields.number_or_unset(order.adjusted_stop_limit_price);
    fields.number_or_unset(order.adjusted_trailing_amount);
    fields.int(order.adjustable_trailing_unit);
    let tier = order.soft_dollar_tier.clone().unwrap_or_default();
    fields.text(&tier.name).text(&tier.value).text(&tier.display_name);
    fields.number(order.cash_qty);
    fields.flag(order.dont_use_auto_price_for_hedge);
    fields.flag(order.is_oms_container);
    fields.flag(order.discretionary_up_to_limit_price);
    fields.int(order.use_price_mgmt_algo);
}

fn later_versions(order: &Order, fields: &mut Writer) {
    let version = fields.version();
    if version >= since::DURATION {
        fields.int_or_empty(order.duration);
    }
    if version >= since::POST_TO_ATS {
        fields.int_or_empty(order.post_to_ats);
    }
    if version >= since::AUTO_CANCEL_PARENT {
        fields.flag(order.auto_cancel_parent);
    }
    peg_offsets(order, fields);
}

fn peg_offsets(order: &Order, fields: &mut Writer) {
    if fields.version() >= since::PEG_OFFSETS {
        fields.int_or_empty(order.min_trade_qty);
        fields.int_or_empty(order.min_compete_size);
        fields.number_or_empty(order.compete_against_best_offset);
        fields.number_or_empty(order.mid_offset_at_whole);
        fields.number_or_empty(order.mid_offset_at_half);
    }
}
