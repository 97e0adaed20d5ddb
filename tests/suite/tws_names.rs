//! The TWS wire's messages built from values by name, as another decoder or encoder names them (camel case). Knows no place
//! of any field.

#![allow(
    clippy::unwrap_used,
    clippy::needless_update,
    reason = "tests, and what only they use; some messages are named in full"
)]

use serde_json::Value;
use std::collections::BTreeMap;
use tradewind::gateway::tws::message::Outgoing;
use tradewind::gateway::tws::proto;

pub fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|field| field.as_str().unwrap().to_owned()).collect()
}

/// A decoded object: values by name, those left out are the decoder's defaults.
#[derive(Clone, Copy)]
pub struct Named<'a>(pub &'a Value);

impl Named<'_> {
    pub fn text(self, name: &str) -> Option<String> {
        self.0[name].as_str().map(str::to_owned)
    }
    pub fn int(self, name: &str) -> Option<i32> {
        let value = &self.0[name];
        let int = value.as_i64().or_else(|| value.as_bool().map(i64::from));
        int.and_then(|int| i32::try_from(int).ok())
    }
    pub fn long(self, name: &str) -> Option<i64> {
        self.0[name].as_i64()
    }
    pub fn number(self, name: &str) -> Option<f64> {
        let value = &self.0[name];
        if value == "Infinite" {
            return Some(f64::INFINITY);
        }
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    }
    pub fn quantity(self, name: &str) -> Option<String> {
        self.number(name).map(|number| number.to_string())
    }
    pub fn flag(self, name: &str) -> Option<bool> {
        self.0[name].as_bool()
    }
}

/// Builds a message from an object: field, its name there, how it is read.
macro_rules! named {
    ($from:expr => $message:ident { $($field:ident $name:literal $read:ident,)* }) => {
        proto::$message { $($field: $from.$read($name),)* ..Default::default() }
    };
}

pub fn contract(value: &Value) -> Option<proto::Contract> {
    let mut contract = named!(Named(value) => Contract {
        con_id "conId" int, symbol "symbol" text, sec_type "secType" text,
        last_trade_date_or_contract_month "lastTradeDateOrContractMonth" text, strike "strike" number,
        right "right" text, multiplier "multiplier" number, exchange "exchange" text,
        primary_exch "primaryExchange" text, currency "currency" text, local_symbol "localSymbol" text,
        trading_class "tradingClass" text, description "description" text, issuer_id "issuerId" text,
        sec_id_type "secIdType" text, sec_id "secId" text,
    });
    contract.combo_legs = objects(&value["comboLegs"], |leg| {
        named!(leg => ComboLeg {
            con_id "conId" int, ratio "ratio" int, action "action" text, exchange "exchange" text,
            open_close "openClose" int, short_sales_slot "shortSaleSlot" int,
            designated_location "designatedLocation" text, exempt_code "exemptCode" int,
        })
    });
    if value["deltaNeutralContract"].is_object() {
        let neutral = Named(&value["deltaNeutralContract"]);
        contract.delta_neutral_contract = Some(named!(neutral => DeltaNeutralContract {
            con_id "conId" int, delta "delta" number, price "price" number,
        }));
    }
    Some(contract)
}

fn objects<T>(list: &Value, read: impl Fn(Named) -> T) -> Vec<T> {
    let list = list.as_array().into_iter().flatten();
    list.map(|value| read(Named(value))).collect()
}

/// Tags and values.
fn pairs(list: &Value) -> BTreeMap<String, String> {
    let list = list.as_array().into_iter().flatten();
    list.map(|pair| {
        (
            pair[0].as_str().unwrap().to_owned(),
            pair[1].as_str().unwrap().to_owned(),
        )
    })
    .collect()
}

fn condition(value: Named) -> proto::OrderCondition {
    let mut condition = named!(value => OrderCondition {
        r#type "condType" int, is_more "isMore" flag, con_id "conId" int, exchange "exch" text, symbol "symbol" text,
        sec_type "secType" text, percent "percent" int, change_percent "changePercent" number, price "price" number,
        trigger_method "triggerMethod" int, time "time" text, volume "volume" int,
    });
    condition.is_conjunction_connection = value.text("conjunction").map(|word| word == "a");
    condition
}

pub fn order(value: &Value) -> Option<proto::Order> {
    let mut order = named!(Named(value) => Order {
        order_id "orderId" int, client_id "clientId" int, perm_id "permId" long, parent_id "parentId" int,
        action "action" text, total_quantity "totalQuantity" quantity, order_type "orderType" text,
        lmt_price "lmtPrice" number, aux_price "auxPrice" number, tif "tif" text, account "account" text,
        oca_group "ocaGroup" text, oca_type "ocaType" int, order_ref "orderRef" text, open_close "openClose" text,
        origin "origin" int, outside_rth "outsideRth" flag, hidden "hidden" flag, rule80_a "rule80A" text,
        discretionary_amt "discretionaryAmt" number, good_after_time "goodAfterTime" text,
        good_till_date "goodTillDate" text, model_code "modelCode" text, display_size "displaySize" int,
        block_order "blockOrder" flag, sweep_to_fill "sweepToFill" flag, all_or_none "allOrNone" flag,
        min_qty "minQty" int, trigger_method "triggerMethod" int, volatility "volatility" number,
        volatility_type "volatilityType" int, delta_neutral_order_type "deltaNeutralOrderType" text,
        delta_neutral_aux_price "deltaNeutralAuxPrice" number, delta_neutral_con_id "deltaNeutralConId" int,
        delta_neutral_open_close "deltaNeutralOpenClose" text, continuous_update "continuousUpdate" flag,
        reference_price_type "referencePriceType" int, trail_stop_price "trailStopPrice" number,
        trailing_percent "trailingPercent" number, clearing_account "clearingAccount" text,
        clearing_intent "clearingIntent" text, not_held "notHeld" flag, algo_strategy "algoStrategy" text,
        solicited "solicited" flag, what_if "whatIf" flag, randomize_size "randomizeSize" flag,
        randomize_price "randomizePrice" flag, adjusted_order_type "adjustedOrderType" text,
        trigger_price "triggerPrice" number, lmt_price_offset "lmtPriceOffset" number, cash_qty "cashQty" number,
        dont_use_auto_price_for_hedge "dontUseAutoPriceForHedge" flag, is_oms_container "isOmsContainer" flag,
        discretionary_up_to_limit_price "discretionaryUpToLimitPrice" flag, duration "duration" int,
        auto_cancel_date "autoCancelDate" text, filled_quantity "filledQuantity" quantity,
        ref_futures_con_id "refFuturesConId" int, auto_cancel_parent "autoCancelParent" flag,
        shareholder "shareholder" text, imbalance_only "imbalanceOnly" flag, parent_perm_id "parentPermId" long,
        min_trade_qty "minTradeQty" int, min_compete_size "minCompeteSize" int,
        compete_against_best_offset "competeAgainstBestOffset" number,
        mid_offset_at_whole "midOffsetAtWhole" number, mid_offset_at_half "midOffsetAtHalf" number,
        transmit "transmit" flag, settling_firm "settlingFirm" text, short_sale_slot "shortSaleSlot" int,
        designated_location "designatedLocation" text, exempt_code "exemptCode" int,
        percent_offset "percentOffset" number, starting_price "startingPrice" number,
        stock_ref_price "stockRefPrice" number, delta "delta" number, stock_range_lower "stockRangeLower" number,
        stock_range_upper "stockRangeUpper" number, fa_group "faGroup" text, fa_method "faMethod" text,
        fa_percentage "faPercentage" text, override_percentage_constraints "overridePercentageConstraints" flag,
        delta_neutral_settling_firm "deltaNeutralSettlingFirm" text,
        delta_neutral_clearing_account "deltaNeutralClearingAccount" text,
        delta_neutral_clearing_intent "deltaNeutralClearingIntent" text,
        delta_neutral_short_sale "deltaNeutralShortSale" flag,
        delta_neutral_short_sale_slot "deltaNeutralShortSaleSlot" int,
        delta_neutral_designated_location "deltaNeutralDesignatedLocation" text,
        scale_init_level_size "scaleInitLevelSize" int, scale_subs_level_size "scaleSubsLevelSize" int,
        scale_price_increment "scalePriceIncrement" number, scale_price_adjust_value "scalePriceAdjustValue" number,
        scale_price_adjust_interval "scalePriceAdjustInterval" int, scale_profit_offset "scaleProfitOffset" number,
        scale_auto_reset "scaleAutoReset" flag, scale_init_position "scaleInitPosition" int,
        scale_init_fill_qty "scaleInitFillQty" int, scale_random_percent "scaleRandomPercent" flag,
        scale_table "scaleTable" text, active_start_time "activeStartTime" text,
        active_stop_time "activeStopTime" text, hedge_type "hedgeType" text, hedge_param "hedgeParam" text,
        opt_out_smart_routing "optOutSmartRouting" flag, algo_id "algoId" text,
        reference_contract_id "referenceContractId" int, pegged_change_amount "peggedChangeAmount" number,
        is_pegged_change_amount_decrease "isPeggedChangeAmountDecrease" flag,
        reference_change_amount "referenceChangeAmount" number, reference_exchange_id "referenceExchangeId" text,
        adjusted_stop_price "adjustedStopPrice" number, adjusted_stop_limit_price "adjustedStopLimitPrice" number,
        adjusted_trailing_amount "adjustedTrailingAmount" number,
        adjustable_trailing_unit "adjustableTrailingUnit" int, ext_operator "extOperator" text,
        mifid2_decision_maker "mifid2DecisionMaker" text, mifid2_decision_algo "mifid2DecisionAlgo" text,
        mifid2_execution_trader "mifid2ExecutionTrader" text, mifid2_execution_algo "mifid2ExecutionAlgo" text,
        use_price_mgmt_algo "usePriceMgmtAlgo" int, post_to_ats "postToAts" int,
        advanced_error_override "advancedErrorOverride" text, manual_order_time "manualOrderTime" text,
        conditions_cancel_order "conditionsCancelOrder" flag, conditions_ignore_rth "conditionsIgnoreRth" flag,
    });
    let tier = Named(&value["softDollarTier"]);
    order.soft_dollar_tier = Some(named!(tier => SoftDollarTier { name "name" text, value "val" text, }));
    order.algo_params = pairs(&value["algoParams"]);
    order.smart_combo_routing_params = pairs(&value["smartComboRoutingParams"]);
    order.order_misc_options = pairs(&value["orderMiscOptions"]);
    order.conditions = objects(&value["conditions"], condition);
    Some(order)
}

pub fn order_state(value: &Value) -> Option<proto::OrderState> {
    Some(named!(Named(value) => OrderState {
        status "status" text, init_margin_before "initMarginBefore" number,
        maint_margin_before "maintMarginBefore" number, equity_with_loan_before "equityWithLoanBefore" number,
        init_margin_change "initMarginChange" number, maint_margin_change "maintMarginChange" number,
        equity_with_loan_change "equityWithLoanChange" number, init_margin_after "initMarginAfter" number,
        maint_margin_after "maintMarginAfter" number, equity_with_loan_after "equityWithLoanAfter" number,
        commission_and_fees "commission" number, min_commission_and_fees "minCommission" number,
        max_commission_and_fees "maxCommission" number, commission_and_fees_currency "commissionCurrency" text,
        warning_text "warningText" text, completed_time "completedTime" text,
        completed_status "completedStatus" text,
    }))
}

pub fn bar(value: Named) -> proto::HistoricalDataBar {
    named!(value => HistoricalDataBar {
        date "date" text, open "open" number, high "high" number, low "low" number, close "close" number,
        volume "volume" quantity, wap "average" quantity, bar_count "barCount" int,
    })
}

/// The arguments of one call of the decoder.
#[derive(Clone, Copy)]
pub struct Args<'a>(pub &'a [Value]);

impl Args<'_> {
    pub fn at(&self, place: usize) -> &Value {
        self.0.get(place).unwrap_or(&Value::Null)
    }
    pub fn text(&self, place: usize) -> Option<String> {
        self.at(place).as_str().map(str::to_owned)
    }
    pub fn int(&self, place: usize) -> Option<i32> {
        self.at(place).as_i64().and_then(|int| i32::try_from(int).ok())
    }
    pub fn long(&self, place: usize) -> Option<i64> {
        self.at(place).as_i64()
    }
    pub fn number(&self, place: usize) -> Option<f64> {
        self.at(place).as_f64()
    }
    pub fn quantity(&self, place: usize) -> Option<String> {
        self.number(place).map(|number| number.to_string())
    }

    pub fn trading(&self, kind: &str) -> Option<Outgoing> {
        Some(match (kind, self.0.len()) {
            ("error", 4) => Outgoing::Error(proto::ErrorMessage {
                id: self.int(0),
                error_code: self.int(1),
                error_msg: self.text(2),
                advanced_order_reject_json: self.text(3),
                error_time: None,
            }),
            ("nextValidId", 1) => Outgoing::NextValidId(proto::NextValidId {
                order_id: self.int(0),
            }),
            ("managedAccounts", 1) => Outgoing::ManagedAccounts(proto::ManagedAccounts {
                accounts_list: self.text(0),
            }),
            ("currentTime", 1) => Outgoing::CurrentTime(proto::CurrentTime {
                current_time: self.long(0),
            }),
            ("userInfo", 2) => Outgoing::UserInfo(proto::UserInfo {
                req_id: self.int(0),
                white_branding_id: self.text(1),
            }),
            ("openOrder", 4) => Outgoing::OpenOrder(proto::OpenOrder {
                order_id: self.int(0),
                contract: contract(self.at(1)),
                order: order(self.at(2)),
                order_state: order_state(self.at(3)),
            }),
            ("completedOrder", 3) => Outgoing::CompletedOrder(proto::CompletedOrder {
                contract: contract(self.at(0)),
                order: order(self.at(1)),
                order_state: order_state(self.at(2)),
            }),
            ("completedOrdersEnd", 0) => Outgoing::CompletedOrdersEnd(proto::CompletedOrdersEnd {}),
            ("orderStatus", 11) => Outgoing::OrderStatus(proto::OrderStatus {
                order_id: self.int(0),
                status: self.text(1),
                filled: self.quantity(2),
                remaining: self.quantity(3),
                avg_fill_price: self.number(4),
                perm_id: self.long(5),
                parent_id: self.int(6),
                last_fill_price: self.number(7),
                client_id: self.int(8),
                why_held: self.text(9),
                mkt_cap_price: self.number(10),
            }),
            ("execDetails", 3) => Outgoing::ExecutionDetails(proto::ExecutionDetails {
                req_id: self.int(0),
                contract: contract(self.at(1)),
                execution: Some(named!(Named(self.at(2)) => Execution {
                    order_id "orderId" int, exec_id "execId" text, time "time" text, acct_number "acctNumber" text,
                    exchange "exchange" text, side "side" text, shares "shares" quantity, price "price" number,
                    perm_id "permId" long, client_id "clientId" int, cum_qty "cumQty" quantity,
                    avg_price "avgPrice" number, order_ref "orderRef" text, ev_rule "evRule" text,
                    ev_multiplier "evMultiplier" number, model_code "modelCode" text,
                    last_liquidity "lastLiquidity" int,
                })),
            }),
            ("execDetailsEnd", 1) => {
                Outgoing::ExecutionDetailsEnd(proto::ExecutionDetailsEnd { req_id: self.int(0) })
            }
            ("commissionReport", 1) => {
                Outgoing::CommissionAndFees(named!(Named(self.at(0)) => CommissionAndFeesReport {
                    exec_id "execId" text, commission_and_fees "commission" number, currency "currency" text,
                    realized_pnl "realizedPNL" number, bond_yield "yield_" number,
                    yield_redemption_date "yieldRedemptionDate" text,
                }))
            }
            _ => return None,
        })
    }

    pub fn accounts(&self, kind: &str) -> Option<Outgoing> {
        Some(match (kind, self.0.len()) {
            ("updateAccountValue", 4) => Outgoing::AccountValue(proto::AccountValue {
                key: self.text(0),
                value: self.text(1),
                currency: self.text(2),
                account_name: self.text(3),
            }),
            ("updatePortfolio", 8) => Outgoing::PortfolioValue(proto::PortfolioValue {
                contract: contract(self.at(0)),
                position: self.quantity(1),
                market_price: self.number(2),
                market_value: self.number(3),
                average_cost: self.number(4),
                unrealized_pnl: self.number(5),
                realized_pnl: self.number(6),
                account_name: self.text(7),
            }),
            ("updateAccountTime", 1) => {
                Outgoing::AccountUpdateTime(proto::AccountUpdateTime { time_stamp: self.text(0) })
            }
            ("accountDownloadEnd", 1) => {
                Outgoing::AccountDataEnd(proto::AccountDataEnd { account_name: self.text(0) })
            }
            ("accountSummary", 5) => Outgoing::AccountSummary(proto::AccountSummary {
                req_id: self.int(0),
                account: self.text(1),
                tag: self.text(2),
                value: self.text(3),
                currency: self.text(4),
            }),
            ("accountSummaryEnd", 1) => {
                Outgoing::AccountSummaryEnd(proto::AccountSummaryEnd { req_id: self.int(0) })
            }
            ("accountUpdateMulti", 6) => Outgoing::AccountUpdateMulti(proto::AccountUpdateMulti {
                req_id: self.int(0),
                account: self.text(1),
                model_code: self.text(2),
                key: self.text(3),
                value: self.text(4),
                currency: self.text(5),
            }),
            ("accountUpdateMultiEnd", 1) => {
                Outgoing::AccountUpdateMultiEnd(proto::AccountUpdateMultiEnd { req_id: self.int(0) })
            }
            ("position", 4) => Outgoing::Position(proto::Position {
                account: self.text(0),
                contract: contract(self.at(1)),
                position: self.quantity(2),
                avg_cost: self.number(3),
            }),
            ("positionEnd", 0) => Outgoing::PositionEnd(proto::PositionEnd {}),
            ("positionMulti", 6) => Outgoing::PositionMulti(proto::PositionMulti {
                req_id: self.int(0),
                account: self.text(1),
                model_code: self.text(2),
                contract: contract(self.at(3)),
                position: self.quantity(4),
                avg_cost: self.number(5),
            }),
            ("positionMultiEnd", 1) => {
                Outgoing::PositionMultiEnd(proto::PositionMultiEnd { req_id: self.int(0) })
            }
            ("pnl", 4) => Outgoing::PnL(proto::PnL {
                req_id: self.int(0),
                daily_pn_l: self.number(1),
                unrealized_pn_l: self.number(2),
                realized_pn_l: self.number(3),
            }),
            ("pnlSingle", 6) => Outgoing::PnLSingle(proto::PnLSingle {
                req_id: self.int(0),
                position: self.quantity(1),
                daily_pn_l: self.number(2),
                unrealized_pn_l: self.number(3),
                realized_pn_l: self.number(4),
                value: self.number(5),
            }),
            ("familyCodes", 1) => Outgoing::FamilyCodes(proto::FamilyCodes {
                family_codes: self.list(0, |code| {
                    named!(code => FamilyCode { account_id "accountID" text, family_code "familyCodeStr" text, })
                }),
            }),
            _ => return None,
        })
    }

    pub fn list<T>(&self, place: usize, read: impl Fn(Named) -> T) -> Vec<T> {
        self.at(place)
            .as_array()
            .unwrap()
            .iter()
            .map(|value| read(Named(value)))
            .collect()
    }

    pub fn contracts(&self, kind: &str, fields: &[String]) -> Option<Outgoing> {
        Some(match (kind, self.0.len()) {
            ("contractDetails", 2) => Outgoing::ContractData(proto::ContractData {
                req_id: self.int(0),
                contract: contract(&self.at(1)["contract"]),
                contract_details: Some(details(self.at(1))),
            }),
            ("contractDetailsEnd", 1) => {
                Outgoing::ContractDataEnd(proto::ContractDataEnd { req_id: self.int(0) })
            }
            ("symbolSamples", 2) => Outgoing::SymbolSamples(proto::SymbolSamples {
                req_id: self.int(0),
                contract_descriptions: self.list(1, |sample| proto::ContractDescription {
                    contract: contract(&sample.0["contract"]),
                    derivative_sec_types: strings(&sample.0["derivativeSecTypes"]),
                }),
            }),
            ("securityDefinitionOptionParameter", 7) => {
                Outgoing::SecDefOptParameter(proto::SecDefOptParameter {
                    req_id: self.int(0),
                    exchange: self.text(1),
                    underlying_con_id: self.text(2).and_then(|id| id.parse().ok()),
                    trading_class: self.text(3),
                    multiplier: self.text(4),
                    expirations: strings(self.at(5)),
                    strikes: self.list(6, |strike| strike.0.as_f64().unwrap()),
                })
            }
            ("securityDefinitionOptionParameterEnd", 1) if fields.len() == 2 => {
                Outgoing::SecDefOptParameterEnd(proto::SecDefOptParameterEnd { req_id: self.int(0) })
            }
            ("marketRule", 2) => Outgoing::MarketRule(proto::MarketRule {
                market_rule_id: self.int(0),
                price_increments: self.list(1, |step| proto::PriceIncrement {
                    low_edge: step.0[0].as_f64(),
                    increment: step.0[1].as_f64(),
                }),
            }),
            _ => return None,
        })
    }

    pub fn market(&self, kind: &str) -> Option<Outgoing> {
        Some(match (kind, self.0.len()) {
            ("priceSizeTick", 4) => Outgoing::TickPrice(proto::TickPrice {
                req_id: self.int(0),
                tick_type: self.int(1),
                price: self.number(2),
                size: self.quantity(3),
                attr_mask: None,
            }),
            ("tickSize", 3) => Outgoing::TickSize(proto::TickSize {
                req_id: self.int(0),
                tick_type: self.int(1),
                size: self.quantity(2),
            }),
            ("tickGeneric", 3) => Outgoing::TickGeneric(proto::TickGeneric {
                req_id: self.int(0),
                tick_type: self.int(1),
                value: self.number(2),
            }),
            ("tickString", 3) => Outgoing::TickString(proto::TickString {
                req_id: self.int(0),
                tick_type: self.int(1),
                value: self.text(2),
            }),
            ("tickOptionComputation", 11) => Outgoing::TickOptionComputation(proto::TickOptionComputation {
                req_id: self.int(0),
                tick_type: self.int(1),
                tick_attrib: self.int(2),
                implied_vol: self.number(3),
                delta: self.number(4),
                opt_price: self.number(5),
                pv_dividend: self.number(6),
                gamma: self.number(7),
                vega: self.number(8),
                theta: self.number(9),
                und_price: self.number(10),
            }),
            ("tickSnapshotEnd", 1) => {
                Outgoing::TickSnapshotEnd(proto::TickSnapshotEnd { req_id: self.int(0) })
            }
            ("marketDataType", 2) => Outgoing::MarketDataType(proto::MarketDataType {
                req_id: self.int(0),
                market_data_type: self.int(1),
            }),
            ("updateMktDepth", 6) => Outgoing::MarketDepth(proto::MarketDepth {
                req_id: self.int(0),
                market_depth_data: Some(self.depth(2, None)),
            }),
            ("updateMktDepthL2", 8) => Outgoing::MarketDepthL2(proto::MarketDepthL2 {
                req_id: self.int(0),
                market_depth_data: Some(self.depth(3, self.text(2))),
            }),
            ("realtimeBar", 9) => Outgoing::RealTimeBar(proto::RealTimeBarTick {
                req_id: self.int(0),
                time: self.long(1),
                open: self.number(2),
                high: self.number(3),
                low: self.number(4),
                close: self.number(5),
                volume: self.quantity(6),
                wap: self.quantity(7),
                count: self.int(8),
            }),
            ("historicalDataUpdate", 2) => Outgoing::HistoricalDataUpdate(proto::HistoricalDataUpdate {
                req_id: self.int(0),
                historical_data_bar: Some(bar(Named(self.at(1)))),
            }),
            ("headTimestamp", 2) => Outgoing::HeadTimestamp(proto::HeadTimestamp {
                req_id: self.int(0),
                head_timestamp: self.text(1),
            }),
            _ => return self.tick_by_tick(kind).or_else(|| self.past_ticks(kind)),
        })
    }

    pub fn depth(&self, from: usize, market_maker: Option<String>) -> proto::MarketDepthData {
        proto::MarketDepthData {
            position: self.int(1),
            market_maker,
            operation: self.int(from),
            side: self.int(from + 1),
            price: self.number(from + 2),
            size: self.quantity(from + 3),
            is_smart_depth: self.at(from + 4).as_bool(),
        }
    }

    pub fn tick_by_tick(&self, kind: &str) -> Option<Outgoing> {
        let (tick_type, tick) = match (kind, self.0.len()) {
            ("tickByTickAllLast", 8) => {
                let last = past_last(&self.0[2..]);
                (self.int(1), proto::Tick::Last(last))
            }
            ("tickByTickBidAsk", 7) => {
                let prices = &self.0[1..];
                let quote = past_quote(&prices[0], &prices[5], &prices[1..5]);
                (Some(3), proto::Tick::BidAsk(quote))
            }
            ("tickByTickMidPoint", 3) => {
                let middle = proto::HistoricalTick {
                    time: self.long(1),
                    price: self.number(2),
                    size: None,
                };
                (Some(4), proto::Tick::Midpoint(middle))
            }
            _ => return None,
        };
        Some(Outgoing::TickByTick(proto::TickByTickData {
            req_id: self.int(0),
            tick_type,
            tick: Some(tick),
        }))
    }

    pub fn past_ticks(&self, kind: &str) -> Option<Outgoing> {
        let (req_id, is_done) = (self.int(0), self.at(2).as_bool());
        Some(match (kind, self.0.len()) {
            ("historicalTicks", 3) => Outgoing::HistoricalTicks(proto::HistoricalTicks {
                req_id,
                historical_ticks: self.list(1, |tick| proto::HistoricalTick {
                    time: seconds(&tick.0[0]),
                    price: tick.0[1].as_f64(),
                    size: tick.0[2].as_f64().map(|size| size.to_string()),
                }),
                is_done,
            }),
            ("historicalTicksBidAsk", 3) => Outgoing::HistoricalTicksBidAsk(proto::HistoricalTicksBidAsk {
                req_id,
                historical_ticks_bid_ask: self.list(1, |tick| {
                    let tick = tick.0.as_array().unwrap();
                    past_quote(&tick[0], &tick[1], &tick[2..])
                }),
                is_done,
            }),
            ("historicalTicksLast", 3) => Outgoing::HistoricalTicksLast(proto::HistoricalTicksLast {
                req_id,
                historical_ticks_last: self.list(1, |tick| {
                    let tick = tick.0.as_array().unwrap();
                    let reordered = [&tick[0], &tick[2], &tick[3], &tick[1], &tick[4], &tick[5]];
                    past_last(&reordered.map(Clone::clone))
                }),
                is_done,
            }),
            _ => return None,
        })
    }
}

/// Seconds, or a date in UTC.
pub fn seconds(time: &Value) -> Option<i64> {
    let told = |text: &str| text.replace(' ', "T").parse::<jiff::Timestamp>();
    time.as_i64()
        .or_else(|| Some(told(time.as_str()?).ok()?.as_second()))
}

/// Time, price, size, attributes, exchange, conditions.
pub fn past_last(tick: &[Value]) -> proto::HistoricalTickLast {
    let attributes = Named(&tick[3]);
    proto::HistoricalTickLast {
        time: seconds(&tick[0]),
        price: tick[1].as_f64(),
        size: tick[2].as_f64().map(|size| size.to_string()),
        tick_attrib_last: Some(proto::TickAttribLast {
            past_limit: attributes.flag("pastLimit"),
            unreported: attributes.flag("unreported"),
        }),
        exchange: tick[4].as_str().map(str::to_owned),
        special_conditions: tick[5].as_str().map(str::to_owned),
    }
}

/// Prices and sizes: bid, ask, bid, ask.
pub fn past_quote(time: &Value, attributes: &Value, prices: &[Value]) -> proto::HistoricalTickBidAsk {
    proto::HistoricalTickBidAsk {
        time: seconds(time),
        tick_attrib_bid_ask: Some(proto::TickAttribBidAsk {
            bid_past_low: Named(attributes).flag("bidPastLow"),
            ask_past_high: Named(attributes).flag("askPastHigh"),
        }),
        price_bid: prices[0].as_f64(),
        price_ask: prices[1].as_f64(),
        size_bid: prices[2].as_f64().map(|size| size.to_string()),
        size_ask: prices[3].as_f64().map(|size| size.to_string()),
    }
}

pub fn details(value: &Value) -> proto::ContractDetails {
    let mut details = named!(Named(value) => ContractDetails {
        market_name "marketName" text, min_tick "minTick" quantity, order_types "orderTypes" text,
        valid_exchanges "validExchanges" text, price_magnifier "priceMagnifier" int,
        under_con_id "underConId" int, long_name "longName" text, contract_month "contractMonth" text,
        industry "industry" text, category "category" text, subcategory "subcategory" text,
        time_zone_id "timeZoneId" text, trading_hours "tradingHours" text, liquid_hours "liquidHours" text,
        ev_rule "evRule" text, ev_multiplier "evMultiplier" number, agg_group "aggGroup" int,
        under_symbol "underSymbol" text, under_sec_type "underSecType" text,
        market_rule_ids "marketRuleIds" text, real_expiration_date "realExpirationDate" text,
        stock_type "stockType" text, min_size "minSize" quantity, size_increment "sizeIncrement" quantity,
        suggested_size_increment "suggestedSizeIncrement" quantity,
    });
    for pair in value["secIdList"].as_array().into_iter().flatten() {
        let (tag, value) = match pair.as_array() {
            Some(pair) => (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()),
            None => (pair["tag"].as_str().unwrap(), pair["value"].as_str().unwrap()),
        };
        details.sec_id_list.insert(tag.to_owned(), value.to_owned());
    }
    details
}
