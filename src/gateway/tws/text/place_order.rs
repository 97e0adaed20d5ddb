//! The longest request: an order. Its fields come and go with the version, the contract and the order's type, so a single
//! condition read wrongly would shift prices into other places. What is left over at the end is therefore refused.

use super::super::message::BadFrame;
use super::super::proto::{ComboLeg, Contract, Order, OrderCondition, PlaceOrderRequest, SoftDollarTier};
use super::fields::Reader;
use super::requests::{MANUAL_ORDER_TIME, contract, delta_neutral};

type Read<T> = Result<T, BadFrame>;

/// Versions at which fields of an order come, or go.
pub(super) mod since {
    pub(in super::super) const DURATION: i32 = 158;
    pub(in super::super) const POST_TO_ATS: i32 = 160;
    pub(in super::super) const AUTO_CANCEL_PARENT: i32 = 162;
    pub(in super::super) const ADVANCED_REJECT: i32 = 166;
    pub(in super::super) const PEG_OFFSETS: i32 = 170;
    /// From here on there is no profile of a financial adviser any more.
    pub(in super::super) const NO_FA_PROFILE: i32 = 177;
}

/// Reads message 3.
pub(super) fn read(fields: &mut Reader) -> Read<PlaceOrderRequest> {
    let order_id = fields.int("orderId")?;
    let mut contract = contract(fields)?;
    contract.sec_id_type = fields.text("secIdType")?;
    contract.sec_id = fields.text("secId")?;
    let mut order = main_fields(fields)?;
    combination(fields, &mut contract, &mut order)?;
    extended_fields(fields, &mut order)?;
    volatility(fields, &mut order)?;
    scale(fields, &mut order)?;
    hedge_and_clearing(fields, &mut order)?;
    contract.delta_neutral_contract = delta_neutral(fields)?;
    algorithm(fields, &mut order)?;
    pegged_to_benchmark(fields, &mut order)?;
    conditions(fields, &mut order)?;
    adjusted(fields, &mut order)?;
    later_versions(fields, &contract, &mut order)?;
    fields.end()?;
    Ok(PlaceOrderRequest {
        order_id,
        contract: Some(contract),
        order: Some(order),
        attached_orders: None,
    })
}

fn main_fields(fields: &mut Reader) -> Read<Order> {
    Ok(Order {
        action: fields.text("action")?,
        total_quantity: fields.quantity("totalQuantity")?,
        order_type: fields.text("orderType")?,
        lmt_price: fields.number("lmtPrice")?,
        aux_price: fields.number("auxPrice")?,
        tif: fields.text("tif")?,
        oca_group: fields.text("ocaGroup")?,
        account: fields.text("account")?,
        open_close: fields.text("openClose")?,
        origin: fields.int("origin")?,
        order_ref: fields.text("orderRef")?,
        transmit: fields.flag("transmit")?,
        parent_id: fields.int("parentId")?,
        block_order: fields.flag("blockOrder")?,
        sweep_to_fill: fields.flag("sweepToFill")?,
        display_size: fields.int("displaySize")?,
        trigger_method: fields.int("triggerMethod")?,
        outside_rth: fields.flag("outsideRth")?,
        hidden: fields.flag("hidden")?,
        ..Default::default()
    })
}

fn combination(fields: &mut Reader, contract: &mut Contract, order: &mut Order) -> Read<()> {
    if contract.sec_type.as_deref() != Some("BAG") {
        return Ok(());
    }
    for _ in 0..fields.count("comboLegs")? {
        contract.combo_legs.push(ComboLeg {
            con_id: fields.int("comboLegs.conId")?,
            ratio: fields.int("comboLegs.ratio")?,
            action: fields.text("comboLegs.action")?,
            exchange: fields.text("comboLegs.exchange")?,
            open_close: fields.int("comboLegs.openClose")?,
            short_sales_slot: fields.int("comboLegs.shortSaleSlot")?,
            designated_location: fields.text("comboLegs.designatedLocation")?,
            exempt_code: fields.int("comboLegs.exemptCode")?,
            per_leg_price: None,
        });
    }
    for index in 0..fields.count("orderComboLegs")? {
        let price = fields.number("orderComboLegs.price")?;
        if let Some(leg) = contract.combo_legs.get_mut(index) {
            leg.per_leg_price = price;
        }
    }
    order.smart_combo_routing_params = fields.tags("smartComboRoutingParams")?;
    Ok(())
}

fn extended_fields(fields: &mut Reader, order: &mut Order) -> Read<()> {
    fields.skip("sharesAllocation")?;
    order.discretionary_amt = fields.number("discretionaryAmt")?;
    order.good_after_time = fields.text("goodAfterTime")?;
    order.good_till_date = fields.text("goodTillDate")?;
    order.fa_group = fields.text("faGroup")?;
    order.fa_method = fields.text("faMethod")?;
    order.fa_percentage = fields.text("faPercentage")?;
    if fields.version() < since::NO_FA_PROFILE {
        fields.skip("faProfile")?;
    }
    order.model_code = fields.text("modelCode")?;
    order.short_sale_slot = fields.int("shortSaleSlot")?;
    order.designated_location = fields.text("designatedLocation")?;
    order.exempt_code = fields.int("exemptCode")?;
    order.oca_type = fields.int("ocaType")?;
    order.rule80_a = fields.text("rule80A")?;
    order.settling_firm = fields.text("settlingFirm")?;
    order.all_or_none = fields.flag("allOrNone")?;
    order.min_qty = fields.int("minQty")?;
    order.percent_offset = fields.number("percentOffset")?;
    for gone in ["eTradeOnly", "firmQuoteOnly", "nbboPriceCap", "auctionStrategy"] {
        fields.skip(gone)?;
    }
    order.starting_price = fields.number("startingPrice")?;
    order.stock_ref_price = fields.number("stockRefPrice")?;
    order.delta = fields.number("delta")?;
    order.stock_range_lower = fields.number("stockRangeLower")?;
    order.stock_range_upper = fields.number("stockRangeUpper")?;
    order.override_percentage_constraints = fields.flag("overridePercentageConstraints")?;
    Ok(())
}

fn volatility(fields: &mut Reader, order: &mut Order) -> Read<()> {
    order.volatility = fields.number("volatility")?;
    order.volatility_type = fields.int("volatilityType")?;
    order.delta_neutral_order_type = fields.text("deltaNeutralOrderType")?;
    order.delta_neutral_aux_price = fields.number("deltaNeutralAuxPrice")?;
    if order.delta_neutral_order_type.is_some() {
        order.delta_neutral_con_id = fields.int("deltaNeutralConId")?;
        order.delta_neutral_settling_firm = fields.text("deltaNeutralSettlingFirm")?;
        order.delta_neutral_clearing_account = fields.text("deltaNeutralClearingAccount")?;
        order.delta_neutral_clearing_intent = fields.text("deltaNeutralClearingIntent")?;
        order.delta_neutral_open_close = fields.text("deltaNeutralOpenClose")?;
        order.delta_neutral_short_sale = fields.flag("deltaNeutralShortSale")?;
        order.delta_neutral_short_sale_slot = fields.int("deltaNeutralShortSaleSlot")?;
        order.delta_neutral_designated_location = fields.text("deltaNeutralDesignatedLocation")?;
    }
    order.continuous_update = fields.flag("continuousUpdate")?;
    order.reference_price_type = fields.int("referencePriceType")?;
    order.trail_stop_price = fields.number("trailStopPrice")?;
    order.trailing_percent = fields.number("trailingPercent")?;
    Ok(())
}

fn scale(fields: &mut Reader, order: &mut Order) -> Read<()> {
    order.scale_init_level_size = fields.int("scaleInitLevelSize")?;
    order.scale_subs_level_size = fields.int("scaleSubsLevelSize")?;
    order.scale_price_increment = fields.number("scalePriceIncrement")?;
    if order.scale_price_increment.is_some_and(|step| step > 0.0) {
        order.scale_price_adjust_value = fields.number("scalePriceAdjustValue")?;
        order.scale_price_adjust_interval = fields.int("scalePriceAdjustInterval")?;
        order.scale_profit_offset = fields.number("scaleProfitOffset")?;
        order.scale_auto_reset = fields.flag("scaleAutoReset")?;
        order.scale_init_position = fields.int("scaleInitPosition")?;
        order.scale_init_fill_qty = fields.int("scaleInitFillQty")?;
        order.scale_random_percent = fields.flag("scaleRandomPercent")?;
    }
    order.scale_table = fields.text("scaleTable")?;
    order.active_start_time = fields.text("activeStartTime")?;
    order.active_stop_time = fields.text("activeStopTime")?;
    Ok(())
}

fn hedge_and_clearing(fields: &mut Reader, order: &mut Order) -> Read<()> {
    order.hedge_type = fields.text("hedgeType")?;
    if order.hedge_type.is_some() {
        order.hedge_param = fields.text("hedgeParam")?;
    }
    order.opt_out_smart_routing = fields.flag("optOutSmartRouting")?;
    order.clearing_account = fields.text("clearingAccount")?;
    order.clearing_intent = fields.text("clearingIntent")?;
    order.not_held = fields.flag("notHeld")?;
    Ok(())
}

fn algorithm(fields: &mut Reader, order: &mut Order) -> Read<()> {
    order.algo_strategy = fields.text("algoStrategy")?;
    if order.algo_strategy.is_some() {
        order.algo_params = fields.tags("algoParams")?;
    }
    order.algo_id = fields.text("algoId")?;
    order.what_if = fields.flag("whatIf")?;
    order.order_misc_options = fields.options("orderMiscOptions")?;
    order.solicited = fields.flag("solicited")?;
    order.randomize_size = fields.flag("randomizeSize")?;
    order.randomize_price = fields.flag("randomizePrice")?;
    Ok(())
}

/// True where the order's type is this one, written with or without a space.
pub(super) fn is_pegged(order: &Order, to: &str) -> bool {
    let kind = order
        .order_type
        .as_deref()
        .and_then(|kind| kind.strip_prefix("PEG"));
    kind.is_some_and(|kind| kind.strip_prefix(' ').unwrap_or(kind) == to)
}

fn pegged_to_benchmark(fields: &mut Reader, order: &mut Order) -> Read<()> {
    if is_pegged(order, "BENCH") {
        order.reference_contract_id = fields.int("referenceContractId")?;
        order.is_pegged_change_amount_decrease = fields.flag("isPeggedChangeAmountDecrease")?;
        order.pegged_change_amount = fields.number("peggedChangeAmount")?;
        order.reference_change_amount = fields.number("referenceChangeAmount")?;
        order.reference_exchange_id = fields.text("referenceExchangeId")?;
    }
    Ok(())
}

fn conditions(fields: &mut Reader, order: &mut Order) -> Read<()> {
    for _ in 0..fields.count("conditions")? {
        let condition = condition(fields)?;
        order.conditions.push(condition);
    }
    if !order.conditions.is_empty() {
        order.conditions_ignore_rth = fields.flag("conditionsIgnoreRth")?;
        order.conditions_cancel_order = fields.flag("conditionsCancelOrder")?;
    }
    Ok(())
}

fn condition(fields: &mut Reader) -> Read<OrderCondition> {
    let kind = fields.int("condition.type")?;
    let mut condition = OrderCondition {
        r#type: kind,
        is_conjunction_connection: Some(fields.next("condition.conjunction")? != "o"),
        ..Default::default()
    };
    match kind {
        Some(5) => {
            condition.sec_type = fields.text("condition.secType")?;
            condition.exchange = fields.text("condition.exchange")?;
            condition.symbol = fields.text("condition.symbol")?;
        }
        Some(1 | 3 | 4 | 6 | 7) => {
            condition.is_more = fields.flag("condition.isMore")?;
            match kind {
                Some(1) => condition.price = fields.number("condition.price")?,
                Some(3) => condition.time = fields.text("condition.time")?,
                Some(4) => condition.percent = fields.int("condition.percent")?,
                Some(6) => condition.volume = fields.int("condition.volume")?,
                _ => condition.change_percent = fields.number("condition.changePercent")?,
            }
            if matches!(kind, Some(1 | 6 | 7)) {
                condition.con_id = fields.int("condition.conId")?;
                condition.exchange = fields.text("condition.exchange")?;
            }
            if kind == Some(1) {
                condition.trigger_method = fields.int("condition.triggerMethod")?;
            }
        }
        _ => return Err(fields.unreadable("condition.type is none of 1, 3, 4, 5, 6, 7")),
    }
    Ok(condition)
}

fn adjusted(fields: &mut Reader, order: &mut Order) -> Read<()> {
    order.adjusted_order_type = fields.text("adjustedOrderType")?;
    order.trigger_price = fields.number("triggerPrice")?;
    order.lmt_price_offset = fields.number("lmtPriceOffset")?;
    order.adjusted_stop_price = fields.number("adjustedStopPrice")?;
    order.adjusted_stop_limit_price = fields.number("adjustedStopLimitPrice")?;
    order.adjusted_trailing_amount = fields.number("adjustedTrailingAmount")?;
    order.adjustable_trailing_unit = fields.int("adjustableTrailingUnit")?;
    order.ext_operator = fields.text("extOperator")?;
    order.soft_dollar_tier = Some(SoftDollarTier {
        name: fields.text("softDollarTier.name")?,
        value: fields.text("softDollarTier.value")?,
        display_name: None,
    });
    order.cash_qty = fields.number("cashQty")?;
    order.mifid2_decision_maker = fields.text("mifid2DecisionMaker")?;
    order.mifid2_decision_algo = fields.text("mifid2DecisionAlgo")?;
    order.mifid2_execution_trader = fields.text("mifid2ExecutionTrader")?;
    order.mifid2_execution_algo = fields.text("mifid2ExecutionAlgo")?;
    order.dont_use_auto_price_for_hedge = fields.flag("dontUseAutoPriceForHedge")?;
    order.is_oms_container = fields.flag("isOmsContainer")?;
    order.discretionary_up_to_limit_price = fields.flag("discretionaryUpToLimitPrice")?;
    order.use_price_mgmt_algo = fields.int("usePriceMgmtAlgo")?;
    Ok(())
}

fn later_versions(fields: &mut Reader, contract: &Contract, order: &mut Order) -> Read<()> {
    let version = fields.version();
    if version >= since::DURATION {
        order.duration = fields.int("duration")?;
    }
    if version >= since::POST_TO_ATS {
        order.post_to_ats = fields.int("postToAts")?;
    }
    if version >= since::AUTO_CANCEL_PARENT {
        order.auto_cancel_parent = fields.flag("autoCancelParent")?;
    }
    if version >= since::ADVANCED_REJECT {
        order.advanced_error_override = fields.text("advancedErrorOverride")?;
    }
    if version >= MANUAL_ORDER_TIME {
        order.manual_order_time = fields.text("manualOrderTime")?;
    }
    if version < since::PEG_OFFSETS {
        return Ok(());
    }
    if contract.exchange.as_deref() == Some("IBKRATS") {
        order.min_trade_qty = fields.int("minTradeQty")?;
    }
    let mut offsets = is_pegged(order, "MID");
    if is_pegged(order, "BEST") {
        order.min_compete_size = fields.int("minCompeteSize")?;
        order.compete_against_best_offset = fields.number("competeAgainstBestOffset")?;
        offsets = order.compete_against_best_offset == Some(f64::INFINITY);
    }
    if offsets {
        order.mid_offset_at_whole = fields.number("midOffsetAtWhole")?;
        order.mid_offset_at_half = fields.number("midOffsetAtHalf")?;
    }
    Ok(())
}
