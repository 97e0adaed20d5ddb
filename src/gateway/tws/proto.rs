//! The messages of the TWS API as protobuf fields, by their tags on the wire (server versions 213 and later). They are the
//! gateway's one vocabulary: the text codec of older clients reads into and writes from the same structs. Names are the
//! wire's own. Every field is optional there: absent and zero are two things. Quantities travel as decimal text.

#![allow(
    missing_docs,
    reason = "fields are named as on the wire, and mean what the API's reference says"
)]

use prost::{Message, Oneof};
use std::collections::BTreeMap;

#[derive(Clone, PartialEq, Message)]
pub struct IneligibilityReason {
    #[prost(string, optional, tag = "1")]
    pub id: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub description: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AccountDataEnd {
    #[prost(string, optional, tag = "1")]
    pub account_name: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AccountDataRequest {
    #[prost(bool, optional, tag = "1")]
    pub subscribe: Option<bool>,
    #[prost(string, optional, tag = "2")]
    pub acct_code: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AccountSummary {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub account: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub tag: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub value: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub currency: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AccountSummaryEnd {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AccountSummaryRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub group: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub tags: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AccountUpdateMulti {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub account: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub model_code: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub key: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub value: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub currency: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AccountUpdateMultiEnd {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AccountUpdateTime {
    #[prost(string, optional, tag = "1")]
    pub time_stamp: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AccountUpdatesMultiRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub account: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub model_code: Option<String>,
    #[prost(bool, optional, tag = "4")]
    pub ledger_and_nlv: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AccountValue {
    #[prost(string, optional, tag = "1")]
    pub key: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub currency: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub account_name: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AllOpenOrdersRequest {}

#[derive(Clone, PartialEq, Message)]
pub struct AutoOpenOrdersRequest {
    #[prost(bool, optional, tag = "1")]
    pub auto_bind: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelAccountSummary {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelAccountUpdatesMulti {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelContractData {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelHeadTimestamp {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelHistoricalData {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelHistoricalTicks {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelMarketData {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelMarketDepth {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(bool, optional, tag = "2")]
    pub is_smart_depth: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelOrderRequest {
    #[prost(int32, optional, tag = "1")]
    pub order_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub order_cancel: Option<OrderCancel>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelPnL {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelPnLSingle {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelPositions {}

#[derive(Clone, PartialEq, Message)]
pub struct CancelPositionsMulti {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelRealTimeBars {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelTickByTick {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ComboLeg {
    #[prost(int32, optional, tag = "1")]
    pub con_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub ratio: Option<i32>,
    #[prost(string, optional, tag = "3")]
    pub action: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub exchange: Option<String>,
    #[prost(int32, optional, tag = "5")]
    pub open_close: Option<i32>,
    #[prost(int32, optional, tag = "6")]
    pub short_sales_slot: Option<i32>,
    #[prost(string, optional, tag = "7")]
    pub designated_location: Option<String>,
    #[prost(int32, optional, tag = "8")]
    pub exempt_code: Option<i32>,
    #[prost(double, optional, tag = "9")]
    pub per_leg_price: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CommissionAndFeesReport {
    #[prost(string, optional, tag = "1")]
    pub exec_id: Option<String>,
    #[prost(double, optional, tag = "2")]
    pub commission_and_fees: Option<f64>,
    #[prost(string, optional, tag = "3")]
    pub currency: Option<String>,
    #[prost(double, optional, tag = "4")]
    pub realized_pnl: Option<f64>,
    #[prost(double, optional, tag = "5")]
    pub bond_yield: Option<f64>,
    #[prost(string, optional, tag = "6")]
    pub yield_redemption_date: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CompletedOrder {
    #[prost(message, optional, tag = "1")]
    pub contract: Option<Contract>,
    #[prost(message, optional, tag = "2")]
    pub order: Option<Order>,
    #[prost(message, optional, tag = "3")]
    pub order_state: Option<OrderState>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CompletedOrdersEnd {}

#[derive(Clone, PartialEq, Message)]
pub struct CompletedOrdersRequest {
    #[prost(bool, optional, tag = "1")]
    pub api_only: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Contract {
    #[prost(int32, optional, tag = "1")]
    pub con_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub symbol: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub sec_type: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub last_trade_date_or_contract_month: Option<String>,
    #[prost(double, optional, tag = "5")]
    pub strike: Option<f64>,
    #[prost(string, optional, tag = "6")]
    pub right: Option<String>,
    #[prost(double, optional, tag = "7")]
    pub multiplier: Option<f64>,
    #[prost(string, optional, tag = "8")]
    pub exchange: Option<String>,
    #[prost(string, optional, tag = "9")]
    pub primary_exch: Option<String>,
    #[prost(string, optional, tag = "10")]
    pub currency: Option<String>,
    #[prost(string, optional, tag = "11")]
    pub local_symbol: Option<String>,
    #[prost(string, optional, tag = "12")]
    pub trading_class: Option<String>,
    #[prost(string, optional, tag = "13")]
    pub sec_id_type: Option<String>,
    #[prost(string, optional, tag = "14")]
    pub sec_id: Option<String>,
    #[prost(string, optional, tag = "15")]
    pub description: Option<String>,
    #[prost(string, optional, tag = "16")]
    pub issuer_id: Option<String>,
    #[prost(message, optional, tag = "17")]
    pub delta_neutral_contract: Option<DeltaNeutralContract>,
    #[prost(bool, optional, tag = "18")]
    pub include_expired: Option<bool>,
    #[prost(string, optional, tag = "19")]
    pub combo_legs_descrip: Option<String>,
    #[prost(message, repeated, tag = "20")]
    pub combo_legs: Vec<ComboLeg>,
    #[prost(string, optional, tag = "21")]
    pub last_trade_date: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ContractData {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    pub contract_details: Option<ContractDetails>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ContractDataEnd {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ContractDataRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ContractDescription {
    #[prost(message, optional, tag = "1")]
    pub contract: Option<Contract>,
    #[prost(string, repeated, tag = "2")]
    pub derivative_sec_types: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ContractDetails {
    #[prost(string, optional, tag = "1")]
    pub market_name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub min_tick: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub order_types: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub valid_exchanges: Option<String>,
    #[prost(int32, optional, tag = "5")]
    pub price_magnifier: Option<i32>,
    #[prost(int32, optional, tag = "6")]
    pub under_con_id: Option<i32>,
    #[prost(string, optional, tag = "7")]
    pub long_name: Option<String>,
    #[prost(string, optional, tag = "8")]
    pub contract_month: Option<String>,
    #[prost(string, optional, tag = "9")]
    pub industry: Option<String>,
    #[prost(string, optional, tag = "10")]
    pub category: Option<String>,
    #[prost(string, optional, tag = "11")]
    pub subcategory: Option<String>,
    #[prost(string, optional, tag = "12")]
    pub time_zone_id: Option<String>,
    #[prost(string, optional, tag = "13")]
    pub trading_hours: Option<String>,
    #[prost(string, optional, tag = "14")]
    pub liquid_hours: Option<String>,
    #[prost(string, optional, tag = "15")]
    pub ev_rule: Option<String>,
    #[prost(double, optional, tag = "16")]
    pub ev_multiplier: Option<f64>,
    #[prost(btree_map = "string, string", tag = "17")]
    pub sec_id_list: BTreeMap<String, String>,
    #[prost(int32, optional, tag = "18")]
    pub agg_group: Option<i32>,
    #[prost(string, optional, tag = "19")]
    pub under_symbol: Option<String>,
    #[prost(string, optional, tag = "20")]
    pub under_sec_type: Option<String>,
    #[prost(string, optional, tag = "21")]
    pub market_rule_ids: Option<String>,
    #[prost(string, optional, tag = "22")]
    pub real_expiration_date: Option<String>,
    #[prost(string, optional, tag = "23")]
    pub stock_type: Option<String>,
    #[prost(string, optional, tag = "24")]
    pub min_size: Option<String>,
    #[prost(string, optional, tag = "25")]
    pub size_increment: Option<String>,
    #[prost(string, optional, tag = "26")]
    pub suggested_size_increment: Option<String>,
    #[prost(string, optional, tag = "27")]
    pub fund_name: Option<String>,
    #[prost(string, optional, tag = "28")]
    pub fund_family: Option<String>,
    #[prost(string, optional, tag = "29")]
    pub fund_type: Option<String>,
    #[prost(string, optional, tag = "30")]
    pub fund_front_load: Option<String>,
    #[prost(string, optional, tag = "31")]
    pub fund_back_load: Option<String>,
    #[prost(string, optional, tag = "32")]
    pub fund_back_load_time_interval: Option<String>,
    #[prost(string, optional, tag = "33")]
    pub fund_management_fee: Option<String>,
    #[prost(bool, optional, tag = "34")]
    pub fund_closed: Option<bool>,
    #[prost(bool, optional, tag = "35")]
    pub fund_closed_for_new_investors: Option<bool>,
    #[prost(bool, optional, tag = "36")]
    pub fund_closed_for_new_money: Option<bool>,
    #[prost(string, optional, tag = "37")]
    pub fund_notify_amount: Option<String>,
    #[prost(string, optional, tag = "38")]
    pub fund_minimum_initial_purchase: Option<String>,
    #[prost(string, optional, tag = "39")]
    pub fund_minimum_subsequent_purchase: Option<String>,
    #[prost(string, optional, tag = "40")]
    pub fund_blue_sky_states: Option<String>,
    #[prost(string, optional, tag = "41")]
    pub fund_blue_sky_territories: Option<String>,
    #[prost(string, optional, tag = "42")]
    pub fund_distribution_policy_indicator: Option<String>,
    #[prost(string, optional, tag = "43")]
    pub fund_asset_type: Option<String>,
    #[prost(string, optional, tag = "44")]
    pub cusip: Option<String>,
    #[prost(string, optional, tag = "45")]
    pub issue_date: Option<String>,
    #[prost(string, optional, tag = "46")]
    pub ratings: Option<String>,
    #[prost(string, optional, tag = "47")]
    pub bond_type: Option<String>,
    #[prost(double, optional, tag = "48")]
    pub coupon: Option<f64>,
    #[prost(string, optional, tag = "49")]
    pub coupon_type: Option<String>,
    #[prost(bool, optional, tag = "50")]
    pub convertible: Option<bool>,
    #[prost(bool, optional, tag = "51")]
    pub callable: Option<bool>,
    #[prost(bool, optional, tag = "52")]
    pub puttable: Option<bool>,
    #[prost(string, optional, tag = "53")]
    pub desc_append: Option<String>,
    #[prost(string, optional, tag = "54")]
    pub next_option_date: Option<String>,
    #[prost(string, optional, tag = "55")]
    pub next_option_type: Option<String>,
    #[prost(bool, optional, tag = "56")]
    pub next_option_partial: Option<bool>,
    #[prost(string, optional, tag = "57")]
    pub bond_notes: Option<String>,
    #[prost(message, repeated, tag = "58")]
    pub ineligibility_reason_list: Vec<IneligibilityReason>,
    #[prost(string, optional, tag = "59")]
    pub event_contract1: Option<String>,
    #[prost(string, optional, tag = "60")]
    pub event_contract_description1: Option<String>,
    #[prost(string, optional, tag = "61")]
    pub event_contract_description2: Option<String>,
    #[prost(string, optional, tag = "62")]
    pub min_algo_size: Option<String>,
    #[prost(string, optional, tag = "63")]
    pub last_price_precision: Option<String>,
    #[prost(string, optional, tag = "64")]
    pub last_size_precision: Option<String>,
    #[prost(string, optional, tag = "65")]
    pub settlement_method: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CurrentTime {
    #[prost(int64, optional, tag = "1")]
    pub current_time: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CurrentTimeInMillis {
    #[prost(int64, optional, tag = "1")]
    pub current_time_in_millis: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CurrentTimeInMillisRequest {}

#[derive(Clone, PartialEq, Message)]
pub struct CurrentTimeRequest {}

#[derive(Clone, PartialEq, Message)]
pub struct DeltaNeutralContract {
    #[prost(int32, optional, tag = "1")]
    pub con_id: Option<i32>,
    #[prost(double, optional, tag = "2")]
    pub delta: Option<f64>,
    #[prost(double, optional, tag = "3")]
    pub price: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct DepthMarketDataDescription {
    #[prost(string, optional, tag = "1")]
    pub exchange: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub sec_type: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub listing_exch: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub service_data_type: Option<String>,
    #[prost(int32, optional, tag = "5")]
    pub agg_group: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ErrorMessage {
    #[prost(int32, optional, tag = "1")]
    pub id: Option<i32>,
    #[prost(int64, optional, tag = "2")]
    pub error_time: Option<i64>,
    #[prost(int32, optional, tag = "3")]
    pub error_code: Option<i32>,
    #[prost(string, optional, tag = "4")]
    pub error_msg: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub advanced_order_reject_json: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Execution {
    #[prost(int32, optional, tag = "1")]
    pub order_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub exec_id: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub time: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub acct_number: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub exchange: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub side: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub shares: Option<String>,
    #[prost(double, optional, tag = "8")]
    pub price: Option<f64>,
    #[prost(int64, optional, tag = "9")]
    pub perm_id: Option<i64>,
    #[prost(int32, optional, tag = "10")]
    pub client_id: Option<i32>,
    #[prost(bool, optional, tag = "11")]
    pub is_liquidation: Option<bool>,
    #[prost(string, optional, tag = "12")]
    pub cum_qty: Option<String>,
    #[prost(double, optional, tag = "13")]
    pub avg_price: Option<f64>,
    #[prost(string, optional, tag = "14")]
    pub order_ref: Option<String>,
    #[prost(string, optional, tag = "15")]
    pub ev_rule: Option<String>,
    #[prost(double, optional, tag = "16")]
    pub ev_multiplier: Option<f64>,
    #[prost(string, optional, tag = "17")]
    pub model_code: Option<String>,
    #[prost(int32, optional, tag = "18")]
    pub last_liquidity: Option<i32>,
    #[prost(bool, optional, tag = "19")]
    pub is_price_revision_pending: Option<bool>,
    #[prost(string, optional, tag = "20")]
    pub submitter: Option<String>,
    #[prost(int32, optional, tag = "21")]
    pub opt_exercise_or_lapse_type: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ExecutionDetails {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    pub execution: Option<Execution>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ExecutionDetailsEnd {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ExecutionFilter {
    #[prost(int32, optional, tag = "1")]
    pub client_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub acct_code: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub time: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub symbol: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub sec_type: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub exchange: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub side: Option<String>,
    #[prost(int32, optional, tag = "8")]
    pub last_n_days: Option<i32>,
    #[prost(int32, repeated, tag = "9")]
    pub specific_dates: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ExecutionRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub execution_filter: Option<ExecutionFilter>,
}

#[derive(Clone, PartialEq, Message)]
pub struct FamilyCode {
    #[prost(string, optional, tag = "1")]
    pub account_id: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub family_code: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct FamilyCodes {
    #[prost(message, repeated, tag = "1")]
    pub family_codes: Vec<FamilyCode>,
}

#[derive(Clone, PartialEq, Message)]
pub struct FamilyCodesRequest {}

#[derive(Clone, PartialEq, Message)]
pub struct GlobalCancelRequest {
    #[prost(message, optional, tag = "1")]
    pub order_cancel: Option<OrderCancel>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HeadTimestamp {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub head_timestamp: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HeadTimestampRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(bool, optional, tag = "3")]
    pub use_rth: Option<bool>,
    #[prost(string, optional, tag = "4")]
    pub what_to_show: Option<String>,
    #[prost(int32, optional, tag = "5")]
    pub format_date: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistoricalData {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    pub historical_data_bars: Vec<HistoricalDataBar>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistoricalDataBar {
    #[prost(string, optional, tag = "1")]
    pub date: Option<String>,
    #[prost(double, optional, tag = "2")]
    pub open: Option<f64>,
    #[prost(double, optional, tag = "3")]
    pub high: Option<f64>,
    #[prost(double, optional, tag = "4")]
    pub low: Option<f64>,
    #[prost(double, optional, tag = "5")]
    pub close: Option<f64>,
    #[prost(string, optional, tag = "6")]
    pub volume: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub wap: Option<String>,
    #[prost(int32, optional, tag = "8")]
    pub bar_count: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistoricalDataEnd {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub start_date_str: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub end_date_str: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistoricalDataRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(string, optional, tag = "3")]
    pub end_date_time: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub bar_size_setting: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub duration: Option<String>,
    #[prost(bool, optional, tag = "6")]
    pub use_rth: Option<bool>,
    #[prost(string, optional, tag = "7")]
    pub what_to_show: Option<String>,
    #[prost(int32, optional, tag = "8")]
    pub format_date: Option<i32>,
    #[prost(bool, optional, tag = "9")]
    pub keep_up_to_date: Option<bool>,
    #[prost(btree_map = "string, string", tag = "10")]
    pub chart_options: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistoricalDataUpdate {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub historical_data_bar: Option<HistoricalDataBar>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistoricalTick {
    #[prost(int64, optional, tag = "1")]
    pub time: Option<i64>,
    #[prost(double, optional, tag = "2")]
    pub price: Option<f64>,
    #[prost(string, optional, tag = "3")]
    pub size: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistoricalTickBidAsk {
    #[prost(int64, optional, tag = "1")]
    pub time: Option<i64>,
    #[prost(message, optional, tag = "2")]
    pub tick_attrib_bid_ask: Option<TickAttribBidAsk>,
    #[prost(double, optional, tag = "3")]
    pub price_bid: Option<f64>,
    #[prost(double, optional, tag = "4")]
    pub price_ask: Option<f64>,
    #[prost(string, optional, tag = "5")]
    pub size_bid: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub size_ask: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistoricalTickLast {
    #[prost(int64, optional, tag = "1")]
    pub time: Option<i64>,
    #[prost(message, optional, tag = "2")]
    pub tick_attrib_last: Option<TickAttribLast>,
    #[prost(double, optional, tag = "3")]
    pub price: Option<f64>,
    #[prost(string, optional, tag = "4")]
    pub size: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub exchange: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub special_conditions: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistoricalTicks {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    pub historical_ticks: Vec<HistoricalTick>,
    #[prost(bool, optional, tag = "3")]
    pub is_done: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistoricalTicksBidAsk {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    pub historical_ticks_bid_ask: Vec<HistoricalTickBidAsk>,
    #[prost(bool, optional, tag = "3")]
    pub is_done: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistoricalTicksLast {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    pub historical_ticks_last: Vec<HistoricalTickLast>,
    #[prost(bool, optional, tag = "3")]
    pub is_done: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct HistoricalTicksRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(string, optional, tag = "3")]
    pub start_date_time: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub end_date_time: Option<String>,
    #[prost(int32, optional, tag = "5")]
    pub number_of_ticks: Option<i32>,
    #[prost(string, optional, tag = "6")]
    pub what_to_show: Option<String>,
    #[prost(bool, optional, tag = "7")]
    pub use_rth: Option<bool>,
    #[prost(bool, optional, tag = "8")]
    pub ignore_size: Option<bool>,
    #[prost(btree_map = "string, string", tag = "9")]
    pub misc_options: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct IdsRequest {
    #[prost(int32, optional, tag = "1")]
    pub num_ids: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ManagedAccounts {
    #[prost(string, optional, tag = "1")]
    pub accounts_list: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ManagedAccountsRequest {}

#[derive(Clone, PartialEq, Message)]
pub struct MarketDataRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(string, optional, tag = "3")]
    pub generic_tick_list: Option<String>,
    #[prost(bool, optional, tag = "4")]
    pub snapshot: Option<bool>,
    #[prost(bool, optional, tag = "5")]
    pub regulatory_snapshot: Option<bool>,
    #[prost(btree_map = "string, string", tag = "6")]
    pub market_data_options: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct MarketDataType {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub market_data_type: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct MarketDataTypeRequest {
    #[prost(int32, optional, tag = "1")]
    pub market_data_type: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct MarketDepth {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub market_depth_data: Option<MarketDepthData>,
}

#[derive(Clone, PartialEq, Message)]
pub struct MarketDepthData {
    #[prost(int32, optional, tag = "1")]
    pub position: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub operation: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub side: Option<i32>,
    #[prost(double, optional, tag = "4")]
    pub price: Option<f64>,
    #[prost(string, optional, tag = "5")]
    pub size: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub market_maker: Option<String>,
    #[prost(bool, optional, tag = "7")]
    pub is_smart_depth: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct MarketDepthExchanges {
    #[prost(message, repeated, tag = "1")]
    pub depth_market_data_descriptions: Vec<DepthMarketDataDescription>,
}

#[derive(Clone, PartialEq, Message)]
pub struct MarketDepthExchangesRequest {}

#[derive(Clone, PartialEq, Message)]
pub struct MarketDepthL2 {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub market_depth_data: Option<MarketDepthData>,
}

#[derive(Clone, PartialEq, Message)]
pub struct MarketDepthRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(int32, optional, tag = "3")]
    pub num_rows: Option<i32>,
    #[prost(bool, optional, tag = "4")]
    pub is_smart_depth: Option<bool>,
    #[prost(btree_map = "string, string", tag = "5")]
    pub market_depth_options: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct MarketRule {
    #[prost(int32, optional, tag = "1")]
    pub market_rule_id: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    pub price_increments: Vec<PriceIncrement>,
}

#[derive(Clone, PartialEq, Message)]
pub struct MarketRuleRequest {
    #[prost(int32, optional, tag = "1")]
    pub market_rule_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct MatchingSymbolsRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub pattern: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct NextValidId {
    #[prost(int32, optional, tag = "1")]
    pub order_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct OpenOrder {
    #[prost(int32, optional, tag = "1")]
    pub order_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    pub order: Option<Order>,
    #[prost(message, optional, tag = "4")]
    pub order_state: Option<OrderState>,
}

#[derive(Clone, PartialEq, Message)]
pub struct OpenOrdersEnd {}

#[derive(Clone, PartialEq, Message)]
pub struct OpenOrdersRequest {}

#[derive(Clone, PartialEq, Message)]
pub struct Order {
    #[prost(int32, optional, tag = "1")]
    pub client_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub order_id: Option<i32>,
    #[prost(int64, optional, tag = "3")]
    pub perm_id: Option<i64>,
    #[prost(int32, optional, tag = "4")]
    pub parent_id: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub action: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub total_quantity: Option<String>,
    #[prost(int32, optional, tag = "7")]
    pub display_size: Option<i32>,
    #[prost(string, optional, tag = "8")]
    pub order_type: Option<String>,
    #[prost(double, optional, tag = "9")]
    pub lmt_price: Option<f64>,
    #[prost(double, optional, tag = "10")]
    pub aux_price: Option<f64>,
    #[prost(string, optional, tag = "11")]
    pub tif: Option<String>,
    #[prost(string, optional, tag = "12")]
    pub account: Option<String>,
    #[prost(string, optional, tag = "13")]
    pub settling_firm: Option<String>,
    #[prost(string, optional, tag = "14")]
    pub clearing_account: Option<String>,
    #[prost(string, optional, tag = "15")]
    pub clearing_intent: Option<String>,
    #[prost(bool, optional, tag = "16")]
    pub all_or_none: Option<bool>,
    #[prost(bool, optional, tag = "17")]
    pub block_order: Option<bool>,
    #[prost(bool, optional, tag = "18")]
    pub hidden: Option<bool>,
    #[prost(bool, optional, tag = "19")]
    pub outside_rth: Option<bool>,
    #[prost(bool, optional, tag = "20")]
    pub sweep_to_fill: Option<bool>,
    #[prost(double, optional, tag = "21")]
    pub percent_offset: Option<f64>,
    #[prost(double, optional, tag = "22")]
    pub trailing_percent: Option<f64>,
    #[prost(double, optional, tag = "23")]
    pub trail_stop_price: Option<f64>,
    #[prost(int32, optional, tag = "24")]
    pub min_qty: Option<i32>,
    #[prost(string, optional, tag = "25")]
    pub good_after_time: Option<String>,
    #[prost(string, optional, tag = "26")]
    pub good_till_date: Option<String>,
    #[prost(string, optional, tag = "27")]
    pub oca_group: Option<String>,
    #[prost(string, optional, tag = "28")]
    pub order_ref: Option<String>,
    #[prost(string, optional, tag = "29")]
    pub rule80_a: Option<String>,
    #[prost(int32, optional, tag = "30")]
    pub oca_type: Option<i32>,
    #[prost(int32, optional, tag = "31")]
    pub trigger_method: Option<i32>,
    #[prost(string, optional, tag = "32")]
    pub active_start_time: Option<String>,
    #[prost(string, optional, tag = "33")]
    pub active_stop_time: Option<String>,
    #[prost(string, optional, tag = "34")]
    pub fa_group: Option<String>,
    #[prost(string, optional, tag = "35")]
    pub fa_method: Option<String>,
    #[prost(string, optional, tag = "36")]
    pub fa_percentage: Option<String>,
    #[prost(double, optional, tag = "37")]
    pub volatility: Option<f64>,
    #[prost(int32, optional, tag = "38")]
    pub volatility_type: Option<i32>,
    #[prost(bool, optional, tag = "39")]
    pub continuous_update: Option<bool>,
    #[prost(int32, optional, tag = "40")]
    pub reference_price_type: Option<i32>,
    #[prost(string, optional, tag = "41")]
    pub delta_neutral_order_type: Option<String>,
    #[prost(double, optional, tag = "42")]
    pub delta_neutral_aux_price: Option<f64>,
    #[prost(int32, optional, tag = "43")]
    pub delta_neutral_con_id: Option<i32>,
    #[prost(string, optional, tag = "44")]
    pub delta_neutral_open_close: Option<String>,
    #[prost(bool, optional, tag = "45")]
    pub delta_neutral_short_sale: Option<bool>,
    #[prost(int32, optional, tag = "46")]
    pub delta_neutral_short_sale_slot: Option<i32>,
    #[prost(string, optional, tag = "47")]
    pub delta_neutral_designated_location: Option<String>,
    #[prost(int32, optional, tag = "48")]
    pub scale_init_level_size: Option<i32>,
    #[prost(int32, optional, tag = "49")]
    pub scale_subs_level_size: Option<i32>,
    #[prost(double, optional, tag = "50")]
    pub scale_price_increment: Option<f64>,
    #[prost(double, optional, tag = "51")]
    pub scale_price_adjust_value: Option<f64>,
    #[prost(int32, optional, tag = "52")]
    pub scale_price_adjust_interval: Option<i32>,
    #[prost(double, optional, tag = "53")]
    pub scale_profit_offset: Option<f64>,
    #[prost(bool, optional, tag = "54")]
    pub scale_auto_reset: Option<bool>,
    #[prost(int32, optional, tag = "55")]
    pub scale_init_position: Option<i32>,
    #[prost(int32, optional, tag = "56")]
    pub scale_init_fill_qty: Option<i32>,
    #[prost(bool, optional, tag = "57")]
    pub scale_random_percent: Option<bool>,
    #[prost(string, optional, tag = "58")]
    pub scale_table: Option<String>,
    #[prost(string, optional, tag = "59")]
    pub hedge_type: Option<String>,
    #[prost(string, optional, tag = "60")]
    pub hedge_param: Option<String>,
    #[prost(string, optional, tag = "61")]
    pub algo_strategy: Option<String>,
    #[prost(btree_map = "string, string", tag = "62")]
    pub algo_params: BTreeMap<String, String>,
    #[prost(string, optional, tag = "63")]
    pub algo_id: Option<String>,
    #[prost(btree_map = "string, string", tag = "64")]
    pub smart_combo_routing_params: BTreeMap<String, String>,
    #[prost(bool, optional, tag = "65")]
    pub what_if: Option<bool>,
    #[prost(bool, optional, tag = "66")]
    pub transmit: Option<bool>,
    #[prost(bool, optional, tag = "67")]
    pub override_percentage_constraints: Option<bool>,
    #[prost(string, optional, tag = "68")]
    pub open_close: Option<String>,
    #[prost(int32, optional, tag = "69")]
    pub origin: Option<i32>,
    #[prost(int32, optional, tag = "70")]
    pub short_sale_slot: Option<i32>,
    #[prost(string, optional, tag = "71")]
    pub designated_location: Option<String>,
    #[prost(int32, optional, tag = "72")]
    pub exempt_code: Option<i32>,
    #[prost(string, optional, tag = "73")]
    pub delta_neutral_settling_firm: Option<String>,
    #[prost(string, optional, tag = "74")]
    pub delta_neutral_clearing_account: Option<String>,
    #[prost(string, optional, tag = "75")]
    pub delta_neutral_clearing_intent: Option<String>,
    #[prost(double, optional, tag = "76")]
    pub discretionary_amt: Option<f64>,
    #[prost(bool, optional, tag = "77")]
    pub opt_out_smart_routing: Option<bool>,
    #[prost(double, optional, tag = "78")]
    pub starting_price: Option<f64>,
    #[prost(double, optional, tag = "79")]
    pub stock_ref_price: Option<f64>,
    #[prost(double, optional, tag = "80")]
    pub delta: Option<f64>,
    #[prost(double, optional, tag = "81")]
    pub stock_range_lower: Option<f64>,
    #[prost(double, optional, tag = "82")]
    pub stock_range_upper: Option<f64>,
    #[prost(bool, optional, tag = "83")]
    pub not_held: Option<bool>,
    #[prost(btree_map = "string, string", tag = "84")]
    pub order_misc_options: BTreeMap<String, String>,
    #[prost(bool, optional, tag = "85")]
    pub solicited: Option<bool>,
    #[prost(bool, optional, tag = "86")]
    pub randomize_size: Option<bool>,
    #[prost(bool, optional, tag = "87")]
    pub randomize_price: Option<bool>,
    #[prost(int32, optional, tag = "88")]
    pub reference_contract_id: Option<i32>,
    #[prost(double, optional, tag = "89")]
    pub pegged_change_amount: Option<f64>,
    #[prost(bool, optional, tag = "90")]
    pub is_pegged_change_amount_decrease: Option<bool>,
    #[prost(double, optional, tag = "91")]
    pub reference_change_amount: Option<f64>,
    #[prost(string, optional, tag = "92")]
    pub reference_exchange_id: Option<String>,
    #[prost(string, optional, tag = "93")]
    pub adjusted_order_type: Option<String>,
    #[prost(double, optional, tag = "94")]
    pub trigger_price: Option<f64>,
    #[prost(double, optional, tag = "95")]
    pub adjusted_stop_price: Option<f64>,
    #[prost(double, optional, tag = "96")]
    pub adjusted_stop_limit_price: Option<f64>,
    #[prost(double, optional, tag = "97")]
    pub adjusted_trailing_amount: Option<f64>,
    #[prost(int32, optional, tag = "98")]
    pub adjustable_trailing_unit: Option<i32>,
    #[prost(double, optional, tag = "99")]
    pub lmt_price_offset: Option<f64>,
    #[prost(message, repeated, tag = "100")]
    pub conditions: Vec<OrderCondition>,
    #[prost(bool, optional, tag = "101")]
    pub conditions_cancel_order: Option<bool>,
    #[prost(bool, optional, tag = "102")]
    pub conditions_ignore_rth: Option<bool>,
    #[prost(string, optional, tag = "103")]
    pub model_code: Option<String>,
    #[prost(string, optional, tag = "104")]
    pub ext_operator: Option<String>,
    #[prost(message, optional, tag = "105")]
    pub soft_dollar_tier: Option<SoftDollarTier>,
    #[prost(double, optional, tag = "106")]
    pub cash_qty: Option<f64>,
    #[prost(string, optional, tag = "107")]
    pub mifid2_decision_maker: Option<String>,
    #[prost(string, optional, tag = "108")]
    pub mifid2_decision_algo: Option<String>,
    #[prost(string, optional, tag = "109")]
    pub mifid2_execution_trader: Option<String>,
    #[prost(string, optional, tag = "110")]
    pub mifid2_execution_algo: Option<String>,
    #[prost(bool, optional, tag = "111")]
    pub dont_use_auto_price_for_hedge: Option<bool>,
    #[prost(bool, optional, tag = "112")]
    pub is_oms_container: Option<bool>,
    #[prost(bool, optional, tag = "113")]
    pub discretionary_up_to_limit_price: Option<bool>,
    #[prost(string, optional, tag = "114")]
    pub auto_cancel_date: Option<String>,
    #[prost(string, optional, tag = "115")]
    pub filled_quantity: Option<String>,
    #[prost(int32, optional, tag = "116")]
    pub ref_futures_con_id: Option<i32>,
    #[prost(bool, optional, tag = "117")]
    pub auto_cancel_parent: Option<bool>,
    #[prost(string, optional, tag = "118")]
    pub shareholder: Option<String>,
    #[prost(bool, optional, tag = "119")]
    pub imbalance_only: Option<bool>,
    #[prost(int32, optional, tag = "120")]
    pub route_marketable_to_bbo: Option<i32>,
    #[prost(int64, optional, tag = "121")]
    pub parent_perm_id: Option<i64>,
    #[prost(int32, optional, tag = "122")]
    pub use_price_mgmt_algo: Option<i32>,
    #[prost(int32, optional, tag = "123")]
    pub duration: Option<i32>,
    #[prost(int32, optional, tag = "124")]
    pub post_to_ats: Option<i32>,
    #[prost(string, optional, tag = "125")]
    pub advanced_error_override: Option<String>,
    #[prost(string, optional, tag = "126")]
    pub manual_order_time: Option<String>,
    #[prost(int32, optional, tag = "127")]
    pub min_trade_qty: Option<i32>,
    #[prost(int32, optional, tag = "128")]
    pub min_compete_size: Option<i32>,
    #[prost(double, optional, tag = "129")]
    pub compete_against_best_offset: Option<f64>,
    #[prost(double, optional, tag = "130")]
    pub mid_offset_at_whole: Option<f64>,
    #[prost(double, optional, tag = "131")]
    pub mid_offset_at_half: Option<f64>,
    #[prost(string, optional, tag = "132")]
    pub customer_account: Option<String>,
    #[prost(bool, optional, tag = "133")]
    pub professional_customer: Option<bool>,
    #[prost(string, optional, tag = "134")]
    pub bond_accrued_interest: Option<String>,
    #[prost(bool, optional, tag = "135")]
    pub include_overnight: Option<bool>,
    #[prost(int32, optional, tag = "136")]
    pub manual_order_indicator: Option<i32>,
    #[prost(string, optional, tag = "137")]
    pub submitter: Option<String>,
    #[prost(bool, optional, tag = "138")]
    pub deactivate: Option<bool>,
    #[prost(bool, optional, tag = "139")]
    pub post_only: Option<bool>,
    #[prost(bool, optional, tag = "140")]
    pub allow_pre_open: Option<bool>,
    #[prost(bool, optional, tag = "141")]
    pub ignore_open_auction: Option<bool>,
    #[prost(int32, optional, tag = "142")]
    pub seek_price_improvement: Option<i32>,
    #[prost(int32, optional, tag = "143")]
    pub what_if_type: Option<i32>,
    #[prost(int32, optional, tag = "144")]
    pub hedge_max_size: Option<i32>,
    #[prost(bool, optional, tag = "145")]
    pub conditions_include_overnight: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct OrderAllocation {
    #[prost(string, optional, tag = "1")]
    pub account: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub position: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub position_desired: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub position_after: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub desired_alloc_qty: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub allowed_alloc_qty: Option<String>,
    #[prost(bool, optional, tag = "7")]
    pub is_monetary: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct OrderBound {
    #[prost(int64, optional, tag = "1")]
    pub perm_id: Option<i64>,
    #[prost(int32, optional, tag = "2")]
    pub client_id: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub order_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct OrderCancel {
    #[prost(string, optional, tag = "1")]
    pub manual_order_cancel_time: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub ext_operator: Option<String>,
    #[prost(int32, optional, tag = "3")]
    pub manual_order_indicator: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct OrderCondition {
    #[prost(int32, optional, tag = "1")]
    pub r#type: Option<i32>,
    #[prost(bool, optional, tag = "2")]
    pub is_conjunction_connection: Option<bool>,
    #[prost(bool, optional, tag = "3")]
    pub is_more: Option<bool>,
    #[prost(int32, optional, tag = "4")]
    pub con_id: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub exchange: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub symbol: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub sec_type: Option<String>,
    #[prost(int32, optional, tag = "8")]
    pub percent: Option<i32>,
    #[prost(double, optional, tag = "9")]
    pub change_percent: Option<f64>,
    #[prost(double, optional, tag = "10")]
    pub price: Option<f64>,
    #[prost(int32, optional, tag = "11")]
    pub trigger_method: Option<i32>,
    #[prost(string, optional, tag = "12")]
    pub time: Option<String>,
    #[prost(int32, optional, tag = "13")]
    pub volume: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct OrderState {
    #[prost(string, optional, tag = "1")]
    pub status: Option<String>,
    #[prost(double, optional, tag = "2")]
    pub init_margin_before: Option<f64>,
    #[prost(double, optional, tag = "3")]
    pub maint_margin_before: Option<f64>,
    #[prost(double, optional, tag = "4")]
    pub equity_with_loan_before: Option<f64>,
    #[prost(double, optional, tag = "5")]
    pub init_margin_change: Option<f64>,
    #[prost(double, optional, tag = "6")]
    pub maint_margin_change: Option<f64>,
    #[prost(double, optional, tag = "7")]
    pub equity_with_loan_change: Option<f64>,
    #[prost(double, optional, tag = "8")]
    pub init_margin_after: Option<f64>,
    #[prost(double, optional, tag = "9")]
    pub maint_margin_after: Option<f64>,
    #[prost(double, optional, tag = "10")]
    pub equity_with_loan_after: Option<f64>,
    #[prost(double, optional, tag = "11")]
    pub commission_and_fees: Option<f64>,
    #[prost(double, optional, tag = "12")]
    pub min_commission_and_fees: Option<f64>,
    #[prost(double, optional, tag = "13")]
    pub max_commission_and_fees: Option<f64>,
    #[prost(string, optional, tag = "14")]
    pub commission_and_fees_currency: Option<String>,
    #[prost(string, optional, tag = "15")]
    pub margin_currency: Option<String>,
    #[prost(double, optional, tag = "16")]
    pub init_margin_before_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "17")]
    pub maint_margin_before_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "18")]
    pub equity_with_loan_before_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "19")]
    pub init_margin_change_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "20")]
    pub maint_margin_change_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "21")]
    pub equity_with_loan_change_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "22")]
    pub init_margin_after_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "23")]
    pub maint_margin_after_outside_rth: Option<f64>,
    #[prost(double, optional, tag = "24")]
    pub equity_with_loan_after_outside_rth: Option<f64>,
    #[prost(string, optional, tag = "25")]
    pub suggested_size: Option<String>,
    #[prost(string, optional, tag = "26")]
    pub reject_reason: Option<String>,
    #[prost(message, repeated, tag = "27")]
    pub order_allocations: Vec<OrderAllocation>,
    #[prost(string, optional, tag = "28")]
    pub warning_text: Option<String>,
    #[prost(string, optional, tag = "29")]
    pub completed_time: Option<String>,
    #[prost(string, optional, tag = "30")]
    pub completed_status: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct OrderStatus {
    #[prost(int32, optional, tag = "1")]
    pub order_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub status: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub filled: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub remaining: Option<String>,
    #[prost(double, optional, tag = "5")]
    pub avg_fill_price: Option<f64>,
    #[prost(int64, optional, tag = "6")]
    pub perm_id: Option<i64>,
    #[prost(int32, optional, tag = "7")]
    pub parent_id: Option<i32>,
    #[prost(double, optional, tag = "8")]
    pub last_fill_price: Option<f64>,
    #[prost(int32, optional, tag = "9")]
    pub client_id: Option<i32>,
    #[prost(string, optional, tag = "10")]
    pub why_held: Option<String>,
    #[prost(double, optional, tag = "11")]
    pub mkt_cap_price: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PlaceOrderRequest {
    #[prost(int32, optional, tag = "1")]
    pub order_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(message, optional, tag = "3")]
    pub order: Option<Order>,
    #[prost(message, optional, tag = "4")]
    pub attached_orders: Option<AttachedOrders>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AttachedOrders {
    #[prost(int32, optional, tag = "1")]
    pub sl_order_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub sl_order_type: Option<String>,
    #[prost(int32, optional, tag = "3")]
    pub pt_order_id: Option<i32>,
    #[prost(string, optional, tag = "4")]
    pub pt_order_type: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PnL {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(double, optional, tag = "2")]
    pub daily_pn_l: Option<f64>,
    #[prost(double, optional, tag = "3")]
    pub unrealized_pn_l: Option<f64>,
    #[prost(double, optional, tag = "4")]
    pub realized_pn_l: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PnLRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub account: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub model_code: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PnLSingle {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub position: Option<String>,
    #[prost(double, optional, tag = "3")]
    pub daily_pn_l: Option<f64>,
    #[prost(double, optional, tag = "4")]
    pub unrealized_pn_l: Option<f64>,
    #[prost(double, optional, tag = "5")]
    pub realized_pn_l: Option<f64>,
    #[prost(double, optional, tag = "6")]
    pub value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PnLSingleRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub account: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub model_code: Option<String>,
    #[prost(int32, optional, tag = "4")]
    pub con_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PortfolioValue {
    #[prost(message, optional, tag = "1")]
    pub contract: Option<Contract>,
    #[prost(string, optional, tag = "2")]
    pub position: Option<String>,
    #[prost(double, optional, tag = "3")]
    pub market_price: Option<f64>,
    #[prost(double, optional, tag = "4")]
    pub market_value: Option<f64>,
    #[prost(double, optional, tag = "5")]
    pub average_cost: Option<f64>,
    #[prost(double, optional, tag = "6")]
    pub unrealized_pnl: Option<f64>,
    #[prost(double, optional, tag = "7")]
    pub realized_pnl: Option<f64>,
    #[prost(string, optional, tag = "8")]
    pub account_name: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Position {
    #[prost(string, optional, tag = "1")]
    pub account: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(string, optional, tag = "3")]
    pub position: Option<String>,
    #[prost(double, optional, tag = "4")]
    pub avg_cost: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PositionEnd {}

#[derive(Clone, PartialEq, Message)]
pub struct PositionMulti {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub account: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub contract: Option<Contract>,
    #[prost(string, optional, tag = "4")]
    pub position: Option<String>,
    #[prost(double, optional, tag = "5")]
    pub avg_cost: Option<f64>,
    #[prost(string, optional, tag = "6")]
    pub model_code: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PositionMultiEnd {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PositionsMultiRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub account: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub model_code: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PositionsRequest {}

#[derive(Clone, PartialEq, Message)]
pub struct PriceIncrement {
    #[prost(double, optional, tag = "1")]
    pub low_edge: Option<f64>,
    #[prost(double, optional, tag = "2")]
    pub increment: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct RealTimeBarTick {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(int64, optional, tag = "2")]
    pub time: Option<i64>,
    #[prost(double, optional, tag = "3")]
    pub open: Option<f64>,
    #[prost(double, optional, tag = "4")]
    pub high: Option<f64>,
    #[prost(double, optional, tag = "5")]
    pub low: Option<f64>,
    #[prost(double, optional, tag = "6")]
    pub close: Option<f64>,
    #[prost(string, optional, tag = "7")]
    pub volume: Option<String>,
    #[prost(string, optional, tag = "8")]
    pub wap: Option<String>,
    #[prost(int32, optional, tag = "9")]
    pub count: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct RealTimeBarsRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(int32, optional, tag = "3")]
    pub bar_size: Option<i32>,
    #[prost(string, optional, tag = "4")]
    pub what_to_show: Option<String>,
    #[prost(bool, optional, tag = "5")]
    pub use_rth: Option<bool>,
    #[prost(btree_map = "string, string", tag = "6")]
    pub real_time_bars_options: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SecDefOptParameter {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub exchange: Option<String>,
    #[prost(int32, optional, tag = "3")]
    pub underlying_con_id: Option<i32>,
    #[prost(string, optional, tag = "4")]
    pub trading_class: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub multiplier: Option<String>,
    #[prost(string, repeated, tag = "6")]
    pub expirations: Vec<String>,
    #[prost(double, repeated, tag = "7")]
    pub strikes: Vec<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SecDefOptParameterEnd {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SecDefOptParamsRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub underlying_symbol: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub fut_fop_exchange: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub underlying_sec_type: Option<String>,
    #[prost(int32, optional, tag = "5")]
    pub underlying_con_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SetServerLogLevelRequest {
    #[prost(int32, optional, tag = "1")]
    pub log_level: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SmartComponent {
    #[prost(int32, optional, tag = "1")]
    pub bit_number: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub exchange: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub exchange_letter: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SmartComponents {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    pub smart_components: Vec<SmartComponent>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SmartComponentsRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub bbo_exchange: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SoftDollarTier {
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub display_name: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SoftDollarTiers {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    pub soft_dollar_tiers: Vec<SoftDollarTier>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SoftDollarTiersRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct StartApiRequest {
    #[prost(int32, optional, tag = "1")]
    pub client_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub optional_capabilities: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SymbolSamples {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    pub contract_descriptions: Vec<ContractDescription>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TickAttribBidAsk {
    #[prost(bool, optional, tag = "1")]
    pub bid_past_low: Option<bool>,
    #[prost(bool, optional, tag = "2")]
    pub ask_past_high: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TickAttribLast {
    #[prost(bool, optional, tag = "1")]
    pub past_limit: Option<bool>,
    #[prost(bool, optional, tag = "2")]
    pub unreported: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TickByTickData {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub tick_type: Option<i32>,
    #[prost(oneof = "Tick", tags = "3, 4, 5")]
    pub tick: Option<Tick>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TickByTickRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub contract: Option<Contract>,
    #[prost(string, optional, tag = "3")]
    pub tick_type: Option<String>,
    #[prost(int32, optional, tag = "4")]
    pub number_of_ticks: Option<i32>,
    #[prost(bool, optional, tag = "5")]
    pub ignore_size: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TickGeneric {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub tick_type: Option<i32>,
    #[prost(double, optional, tag = "3")]
    pub value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TickOptionComputation {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub tick_type: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub tick_attrib: Option<i32>,
    #[prost(double, optional, tag = "4")]
    pub implied_vol: Option<f64>,
    #[prost(double, optional, tag = "5")]
    pub delta: Option<f64>,
    #[prost(double, optional, tag = "6")]
    pub opt_price: Option<f64>,
    #[prost(double, optional, tag = "7")]
    pub pv_dividend: Option<f64>,
    #[prost(double, optional, tag = "8")]
    pub gamma: Option<f64>,
    #[prost(double, optional, tag = "9")]
    pub vega: Option<f64>,
    #[prost(double, optional, tag = "10")]
    pub theta: Option<f64>,
    #[prost(double, optional, tag = "11")]
    pub und_price: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TickPrice {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub tick_type: Option<i32>,
    #[prost(double, optional, tag = "3")]
    pub price: Option<f64>,
    #[prost(string, optional, tag = "4")]
    pub size: Option<String>,
    #[prost(int32, optional, tag = "5")]
    pub attr_mask: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TickReqParams {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub min_tick: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub bbo_exchange: Option<String>,
    #[prost(int32, optional, tag = "4")]
    pub snapshot_permissions: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub last_price_precision: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub last_size_precision: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TickSize {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub tick_type: Option<i32>,
    #[prost(string, optional, tag = "3")]
    pub size: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TickSnapshotEnd {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TickString {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub tick_type: Option<i32>,
    #[prost(string, optional, tag = "3")]
    pub value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct UserInfo {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    pub white_branding_id: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct UserInfoRequest {
    #[prost(int32, optional, tag = "1")]
    pub req_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct NewsProvidersRequest {}

#[derive(Clone, PartialEq, Message)]
pub struct NewsProviders {
    #[prost(message, repeated, tag = "1")]
    pub news_providers: Vec<NewsProvider>,
}

#[derive(Clone, PartialEq, Message)]
pub struct NewsProvider {
    #[prost(string, optional, tag = "1")]
    pub provider_code: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub provider_name: Option<String>,
}

/// What a [`TickByTickData`] tells.
#[derive(Clone, PartialEq, Oneof)]
pub enum Tick {
    #[prost(message, tag = "3")]
    Last(HistoricalTickLast),
    #[prost(message, tag = "4")]
    BidAsk(HistoricalTickBidAsk),
    #[prost(message, tag = "5")]
    Midpoint(HistoricalTick),
}
