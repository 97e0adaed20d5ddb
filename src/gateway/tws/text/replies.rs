//! What clients are told, but for orders ([`orders`](super::orders)) and prices ([`market`](super::market)): the fields of
//! each message by their places. Clients take messages apart by exact counts of fields, so that one too many is as bad as
//! one too few.

use super::super::message::Outgoing;
use super::super::proto;
use super::fields::Writer;
use super::place_order::since;
use super::{market, orders};
use proto::Contract;

/// From this version on rules of size are told, and details have no version of their own.
const SIZE_RULES: i32 = 164;
/// The one version at which one rule of size is told.
const ONE_SIZE_RULE: i32 = 163;
/// From this version on symbols are told with description and issuer.
const ISSUER: i32 = 176;
/// From this version on an execution says whether its price may be revised.
const PENDING_PRICE_REVISION: i32 = 178;

/// Writes the message's number and fields.
pub(super) fn write(message: &Outgoing, fields: &mut Writer) {
    match message {
        Outgoing::History { .. } => fields.int(Some(17)),
        message => fields.int(message.number()),
    };
    let _ = session(message, fields)
        || trading(message, fields)
        || accounts(message, fields)
        || contracts(message, fields)
        || market::ticks(message, fields)
        || market::bars(message, fields);
}

fn session(message: &Outgoing, fields: &mut Writer) -> bool {
    match message {
        Outgoing::Error(error) => {
            fields.put("2").int(Some(error.id.unwrap_or(-1)));
            fields.int(error.error_code).text(&error.error_msg);
            if fields.version() >= since::ADVANCED_REJECT {
                fields.text(&error.advanced_order_reject_json);
            }
        }
        Outgoing::NextValidId(next) => _ = fields.put("1").int(next.order_id),
        Outgoing::ManagedAccounts(accounts) => _ = fields.put("1").text(&accounts.accounts_list),
        Outgoing::CurrentTime(time) => _ = fields.put("1").long(time.current_time),
        Outgoing::UserInfo(user) => _ = fields.int(user.req_id).text(&user.white_branding_id),
        Outgoing::FamilyCodes(codes) => {
            fields.count(codes.family_codes.len());
            for code in &codes.family_codes {
                fields.text(&code.account_id).text(&code.family_code);
            }
        }
        Outgoing::NewsProviders(providers) => {
            fields.count(providers.news_providers.len());
            for provider in &providers.news_providers {
                fields.text(&provider.provider_code).text(&provider.provider_name);
            }
        }
        Outgoing::SoftDollarTiers(tiers) => {
            fields.int(tiers.req_id).count(tiers.soft_dollar_tiers.len());
            for tier in &tiers.soft_dollar_tiers {
                fields.text(&tier.name).text(&tier.value).text(&tier.display_name);
            }
        }
        _ => return false,
    }
    true
}

fn trading(message: &Outgoing, fields: &mut Writer) -> bool {
    match message {
        Outgoing::OpenOrder(open) => orders::open(open, fields),
        Outgoing::CompletedOrder(completed) => orders::completed(completed, fields),
        Outgoing::OpenOrdersEnd(_) => _ = fields.put("1"),
        Outgoing::CompletedOrdersEnd(_) => {}
        Outgoing::OrderBound(bound) => {
            fields
                .long(bound.perm_id)
                .int(bound.client_id)
                .int(bound.order_id);
        }
        Outgoing::OrderStatus(status) => {
            fields.int(status.order_id).text(&status.status);
            fields.quantity(&status.filled).quantity(&status.remaining);
            fields
                .number(status.avg_fill_price)
                .long(status.perm_id)
                .int(status.parent_id);
            fields.number(status.last_fill_price).int(status.client_id);
            fields.text(&status.why_held).number(status.mkt_cap_price);
        }
        Outgoing::ExecutionDetails(details) => execution(details, fields),
        Outgoing::ExecutionDetailsEnd(end) => _ = fields.put("1").int(end.req_id),
        Outgoing::CommissionAndFees(report) => {
            fields.put("1").text(&report.exec_id);
            fields.number(report.commission_and_fees).text(&report.currency);
            fields.number_or_unset(report.realized_pnl);
            fields.number_or_unset(report.bond_yield);
            fields.text(&report.yield_redemption_date);
        }
        _ => return false,
    }
    true
}

fn execution(details: &proto::ExecutionDetails, fields: &mut Writer) {
    let execution = details.execution.clone().unwrap_or_default();
    fields
        .int(Some(details.req_id.unwrap_or(-1)))
        .int(execution.order_id);
    contract_of(&details.contract, fields);
    fields.text(&execution.exec_id).text(&execution.time);
    fields
        .text(&execution.acct_number)
        .text(&execution.exchange)
        .text(&execution.side);
    fields.quantity(&execution.shares).number(execution.price);
    fields.long(execution.perm_id).int(execution.client_id);
    fields.flag(execution.is_liquidation);
    fields.quantity(&execution.cum_qty).number(execution.avg_price);
    fields.text(&execution.order_ref).text(&execution.ev_rule);
    fields.number_or_empty(execution.ev_multiplier);
    fields.text(&execution.model_code).int(execution.last_liquidity);
    if fields.version() >= PENDING_PRICE_REVISION {
        fields.flag(execution.is_price_revision_pending);
    }
}

fn accounts(message: &Outgoing, fields: &mut Writer) -> bool {
    match message {
        Outgoing::AccountValue(value) => {
            fields.put("2").text(&value.key).text(&value.value);
            fields.text(&value.currency).text(&value.account_name);
        }
        Outgoing::PortfolioValue(value) => portfolio(value, fields),
        Outgoing::AccountUpdateTime(time) => _ = fields.put("1").text(&time.time_stamp),
        Outgoing::AccountDataEnd(end) => _ = fields.put("1").text(&end.account_name),
        Outgoing::AccountSummary(row) => {
            fields.put("1").int(row.req_id).text(&row.account);
            fields.text(&row.tag).text(&row.value).text(&row.currency);
        }
        Outgoing::AccountSummaryEnd(end) => _ = fields.put("1").int(end.req_id),
        Outgoing::AccountUpdateMulti(row) => {
            fields
                .put("1")
                .int(row.req_id)
                .text(&row.account)
                .text(&row.model_code);
            fields.text(&row.key).text(&row.value).text(&row.currency);
        }
        Outgoing::AccountUpdateMultiEnd(end) => _ = fields.put("1").int(end.req_id),
        Outgoing::Position(position) => {
            fields.put("3").text(&position.account);
            contract_of(&position.contract, fields);
            fields.quantity(&position.position).number(position.avg_cost);
        }
        Outgoing::PositionEnd(_) => _ = fields.put("1"),
        Outgoing::PositionMulti(position) => {
            fields.put("1").int(position.req_id).text(&position.account);
            contract_of(&position.contract, fields);
            fields.quantity(&position.position).number(position.avg_cost);
            fields.text(&position.model_code);
        }
        Outgoing::PositionMultiEnd(end) => _ = fields.put("1").int(end.req_id),
        Outgoing::PnL(pnl) => {
            fields.int(pnl.req_id).number_or_unset(pnl.daily_pn_l);
            fields
                .number_or_unset(pnl.unrealized_pn_l)
                .number_or_unset(pnl.realized_pn_l);
        }
        Outgoing::PnLSingle(pnl) => {
            fields
                .int(pnl.req_id)
                .quantity(&pnl.position)
                .number_or_unset(pnl.daily_pn_l);
            fields
                .number_or_unset(pnl.unrealized_pn_l)
                .number_or_unset(pnl.realized_pn_l);
            fields.number_or_unset(pnl.value);
        }
        _ => return false,
    }
    true
}

/// The one message in which the primary exchange stands where all others have the exchange.
fn portfolio(value: &proto::PortfolioValue, fields: &mut Writer) {
    let mut contract = value.contract.clone().unwrap_or_default();
    contract.exchange = contract.primary_exch.take();
    fields.put("8");
    contract_fields(&contract, fields);
    fields.quantity(&value.position);
    fields
        .number(value.market_price)
        .number(value.market_value)
        .number(value.average_cost);
    fields.number(value.unrealized_pnl).number(value.realized_pnl);
    fields.text(&value.account_name);
}

/// The eleven fields of a contract in replies.
pub(super) fn contract_fields(contract: &Contract, fields: &mut Writer) {
    fields
        .int(contract.con_id)
        .text(&contract.symbol)
        .text(&contract.sec_type);
    fields.text(&contract.last_trade_date_or_contract_month);
    fields.number(contract.strike).text(&contract.right);
    fields.number_or_empty(contract.multiplier);
    fields.text(&contract.exchange).text(&contract.currency);
    fields.text(&contract.local_symbol).text(&contract.trading_class);
}

fn contract_of(contract: &Option<Contract>, fields: &mut Writer) {
    match contract {
        Some(contract) => contract_fields(contract, fields),
        None => contract_fields(&Contract::default(), fields),
    }
}

fn contracts(message: &Outgoing, fields: &mut Writer) -> bool {
    match message {
        Outgoing::ContractData(data) => contract_details(data, fields),
        Outgoing::ContractDataEnd(end) => _ = fields.put("1").int(end.req_id),
        Outgoing::SymbolSamples(samples) => symbol_samples(samples, fields),
        Outgoing::SecDefOptParameter(options) => {
            fields
                .int(options.req_id)
                .text(&options.exchange)
                .int(options.underlying_con_id);
            fields.text(&options.trading_class).text(&options.multiplier);
            fields.count(options.expirations.len());
            for expiration in &options.expirations {
                fields.put(expiration);
            }
            fields.count(options.strikes.len());
            for strike in &options.strikes {
                fields.number(Some(*strike));
            }
        }
        Outgoing::SecDefOptParameterEnd(end) => _ = fields.int(end.req_id),
        Outgoing::MarketRule(rule) => {
            fields.int(rule.market_rule_id).count(rule.price_increments.len());
            for step in &rule.price_increments {
                fields.number(step.low_edge).number(step.increment);
            }
        }
        Outgoing::MarketDepthExchanges(exchanges) => {
            let exchanges = &exchanges.depth_market_data_descriptions;
            fields.count(exchanges.len());
            for exchange in exchanges {
                fields.text(&exchange.exchange).text(&exchange.sec_type);
                fields
                    .text(&exchange.listing_exch)
                    .text(&exchange.service_data_type);
                fields.int_or_unset(exchange.agg_group);
            }
        }
        Outgoing::SmartComponents(components) => {
            fields
                .int(components.req_id)
                .count(components.smart_components.len());
            for component in &components.smart_components {
                fields.int(component.bit_number);
                fields.text(&component.exchange).text(&component.exchange_letter);
            }
        }
        _ => return false,
    }
    true
}

fn contract_details(data: &proto::ContractData, fields: &mut Writer) {
    let contract = data.contract.clone().unwrap_or_default();
    let details = data.contract_details.clone().unwrap_or_default();
    let version = fields.version();
    if version < SIZE_RULES {
        fields.put("8");
    }
    fields
        .int(data.req_id)
        .text(&contract.symbol)
        .text(&contract.sec_type);
    fields.text(&contract.last_trade_date_or_contract_month);
    fields.number(contract.strike).text(&contract.right);
    fields
        .text(&contract.exchange)
        .text(&contract.currency)
        .text(&contract.local_symbol);
    fields
        .text(&details.market_name)
        .text(&contract.trading_class)
        .int(contract.con_id);
    fields.quantity(&details.min_tick);
    if version < SIZE_RULES {
        fields.put("1"); // the multiplier of sizes
    }
    fields.number_or_empty(contract.multiplier);
    fields.text(&details.order_types).text(&details.valid_exchanges);
    fields.int(details.price_magnifier).int(details.under_con_id);
    fields.escaped(&details.long_name).text(&contract.primary_exch);
    fields.text(&details.contract_month);
    fields
        .text(&details.industry)
        .text(&details.category)
        .text(&details.subcategory);
    fields.text(&details.time_zone_id);
    fields.text(&details.trading_hours).text(&details.liquid_hours);
    fields
        .text(&details.ev_rule)
        .number_or_empty(details.ev_multiplier);
    fields.tags(&details.sec_id_list);
    fields.int(details.agg_group);
    fields.text(&details.under_symbol).text(&details.under_sec_type);
    fields
        .text(&details.market_rule_ids)
        .text(&details.real_expiration_date);
    fields.text(&details.stock_type);
    if version == ONE_SIZE_RULE {
        fields.quantity(&details.suggested_size_increment);
    }
    if version >= SIZE_RULES {
        fields
            .quantity(&details.min_size)
            .quantity(&details.size_increment);
        fields.quantity(&details.suggested_size_increment);
    }
}

fn symbol_samples(samples: &proto::SymbolSamples, fields: &mut Writer) {
    fields
        .int(samples.req_id)
        .count(samples.contract_descriptions.len());
    for sample in &samples.contract_descriptions {
        let contract = sample.contract.clone().unwrap_or_default();
        fields
            .int(contract.con_id)
            .text(&contract.symbol)
            .text(&contract.sec_type);
        fields.text(&contract.primary_exch).text(&contract.currency);
        fields.count(sample.derivative_sec_types.len());
        for kind in &sample.derivative_sec_types {
            fields.put(kind);
        }
        if fields.version() >= ISSUER {
            fields.text(&contract.description).text(&contract.issuer_id);
        }
    }
}
