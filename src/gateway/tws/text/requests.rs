//! What clients ask, but for an order ([`place_order`](super::place_order)): the fields of each message by their places.

use super::super::message::{BadFrame, Incoming};
use super::super::proto;
use super::fields::Reader;
use super::place_order;
use proto::{Contract, DeltaNeutralContract};

type Read<T> = Result<T, BadFrame>;

/// From this version on a cancel carries the time at which a person wrote it.
pub(super) const MANUAL_ORDER_TIME: i32 = 169;
/// From this version on a contract is asked for by its issuer too.
const ISSUER: i32 = 176;

/// Reads the message of this number.
pub(super) fn read(number: i32, fields: &mut Reader) -> Read<Incoming> {
    if let Some(message) = orders(number, fields)? {
        return Ok(message);
    }
    if let Some(message) = accounts(number, fields)? {
        return Ok(message);
    }
    if let Some(message) = contracts(number, fields)? {
        return Ok(message);
    }
    if let Some(message) = market_data(number, fields)? {
        return Ok(message);
    }
    if let Some(message) = history(number, fields)? {
        return Ok(message);
    }
    Ok(Incoming::Unknown {
        number,
        request: unknown_request(number, fields),
    })
}

/// The request id of a message that is not answered here, by where the API's reference has it.
fn unknown_request(number: i32, fields: &mut Reader) -> Option<i32> {
    match number {
        21 | 23 | 52..=57 | 67..=70 => fields.skip("version").ok()?,
        22 | 84 | 86 | 88 | 89 | 100..=103 => {}
        _ => return None,
    }
    fields.int("reqId").ok()?
}

fn orders(number: i32, fields: &mut Reader) -> Read<Option<Incoming>> {
    Ok(Some(match number {
        3 => place_order::read(fields)?.into(),
        4 => {
            fields.skip("version")?;
            let order_id = fields.int("orderId")?;
            let dated = fields.version() >= MANUAL_ORDER_TIME;
            proto::CancelOrderRequest {
                order_id,
                order_cancel: Some(proto::OrderCancel {
                    manual_order_cancel_time: if dated {
                        fields.text("manualOrderCancelTime")?
                    } else {
                        None
                    },
                    ..Default::default()
                }),
            }
            .into()
        }
        58 => proto::GlobalCancelRequest { order_cancel: None }.into(),
        5 => proto::OpenOrdersRequest {}.into(),
        16 => proto::AllOpenOrdersRequest {}.into(),
        15 => {
            fields.skip("version")?;
            let auto_bind = fields.flag("autoBind")?;
            proto::AutoOpenOrdersRequest { auto_bind }.into()
        }
        99 => {
            let api_only = fields.flag("apiOnly")?;
            proto::CompletedOrdersRequest { api_only }.into()
        }
        7 => {
            fields.skip("version")?;
            proto::ExecutionRequest {
                req_id: fields.int("reqId")?,
                execution_filter: Some(proto::ExecutionFilter {
                    client_id: fields.int("clientId")?,
                    acct_code: fields.text("acctCode")?,
                    time: fields.text("time")?,
                    symbol: fields.text("symbol")?,
                    sec_type: fields.text("secType")?,
                    exchange: fields.text("exchange")?,
                    side: fields.text("side")?,
                    ..Default::default()
                }),
            }
            .into()
        }
        _ => return Ok(None),
    }))
}

fn accounts(number: i32, fields: &mut Reader) -> Read<Option<Incoming>> {
    if matches!(number, 71 | 8 | 14 | 6 | 74..=77 | 62 | 63) {
        fields.skip("version")?;
    }
    Ok(Some(match number {
        71 => proto::StartApiRequest {
            client_id: fields.int("clientId")?,
            optional_capabilities: fields.text("optionalCapabilities")?,
        }
        .into(),
        8 => {
            let num_ids = fields.int("numIds")?;
            proto::IdsRequest { num_ids }.into()
        }
        14 => {
            let log_level = fields.int("logLevel")?;
            proto::SetServerLogLevelRequest { log_level }.into()
        }
        17 => proto::ManagedAccountsRequest {}.into(),
        49 => proto::CurrentTimeRequest {}.into(),
        61 => proto::PositionsRequest {}.into(),
        64 => proto::CancelPositions {}.into(),
        80 => proto::FamilyCodesRequest {}.into(),
        104 => {
            let req_id = fields.int("reqId")?;
            proto::UserInfoRequest { req_id }.into()
        }
        6 => proto::AccountDataRequest {
            subscribe: fields.flag("subscribe")?,
            acct_code: fields.text("acctCode")?,
        }
        .into(),
        74 => proto::PositionsMultiRequest {
            req_id: fields.int("reqId")?,
            account: fields.text("account")?,
            model_code: fields.text("modelCode")?,
        }
        .into(),
        75 => {
            let req_id = fields.int("reqId")?;
            proto::CancelPositionsMulti { req_id }.into()
        }
        76 => proto::AccountUpdatesMultiRequest {
            req_id: fields.int("reqId")?,
            account: fields.text("account")?,
            model_code: fields.text("modelCode")?,
            ledger_and_nlv: fields.flag("ledgerAndNLV")?,
        }
        .into(),
        77 => {
            let req_id = fields.int("reqId")?;
            proto::CancelAccountUpdatesMulti { req_id }.into()
        }
        62 => proto::AccountSummaryRequest {
            req_id: fields.int("reqId")?,
            group: fields.text("group")?,
            tags: fields.text("tags")?,
        }
        .into(),
        63 => {
            let req_id = fields.int("reqId")?;
            proto::CancelAccountSummary { req_id }.into()
        }
        92 => proto::PnLRequest {
            req_id: fields.int("reqId")?,
            account: fields.text("account")?,
            model_code: fields.text("modelCode")?,
        }
        .into(),
        93 => {
            let req_id = fields.int("reqId")?;
            proto::CancelPnL { req_id }.into()
        }
        94 => proto::PnLSingleRequest {
            req_id: fields.int("reqId")?,
            account: fields.text("account")?,
            model_code: fields.text("modelCode")?,
            con_id: fields.int("conId")?,
        }
        .into(),
        95 => {
            let req_id = fields.int("reqId")?;
            proto::CancelPnLSingle { req_id }.into()
        }
        _ => return Ok(None),
    }))
}

fn contracts(number: i32, fields: &mut Reader) -> Read<Option<Incoming>> {
    Ok(Some(match number {
        9 => {
            fields.skip("version")?;
            let req_id = fields.int("reqId")?;
            let mut contract = contract_with_expired(fields)?;
            contract.sec_id_type = fields.text("secIdType")?;
            contract.sec_id = fields.text("secId")?;
            if fields.version() >= ISSUER {
                contract.issuer_id = fields.text("issuerId")?;
            }
            let contract = Some(contract);
            proto::ContractDataRequest { req_id, contract }.into()
        }
        78 => proto::SecDefOptParamsRequest {
            req_id: fields.int("reqId")?,
            underlying_symbol: fields.text("underlyingSymbol")?,
            fut_fop_exchange: fields.text("futFopExchange")?,
            underlying_sec_type: fields.text("underlyingSecType")?,
            underlying_con_id: fields.int("underlyingConId")?,
        }
        .into(),
        79 => {
            let req_id = fields.int("reqId")?;
            proto::SoftDollarTiersRequest { req_id }.into()
        }
        81 => proto::MatchingSymbolsRequest {
            req_id: fields.int("reqId")?,
            pattern: fields.text("pattern")?,
        }
        .into(),
        82 => proto::MarketDepthExchangesRequest {}.into(),
        83 => proto::SmartComponentsRequest {
            req_id: fields.int("reqId")?,
            bbo_exchange: fields.text("bboExchange")?,
        }
        .into(),
        85 => proto::NewsProvidersRequest {}.into(),
        91 => {
            let market_rule_id = fields.int("marketRuleId")?;
            proto::MarketRuleRequest { market_rule_id }.into()
        }
        _ => return Ok(None),
    }))
}

fn market_data(number: i32, fields: &mut Reader) -> Read<Option<Incoming>> {
    if matches!(number, 1 | 2 | 59 | 10 | 11 | 50 | 51) {
        fields.skip("version")?;
    }
    Ok(Some(match number {
        1 => {
            let req_id = fields.int("reqId")?;
            let mut contract = contract(fields)?;
            legs(fields, &mut contract)?;
            contract.delta_neutral_contract = delta_neutral(fields)?;
            proto::MarketDataRequest {
                req_id,
                contract: Some(contract),
                generic_tick_list: fields.text("genericTickList")?,
                snapshot: fields.flag("snapshot")?,
                regulatory_snapshot: fields.flag("regulatorySnapshot")?,
                market_data_options: fields.options("mktDataOptions")?,
            }
            .into()
        }
        2 => {
            let req_id = fields.int("reqId")?;
            proto::CancelMarketData { req_id }.into()
        }
        59 => {
            let market_data_type = fields.int("marketDataType")?;
            proto::MarketDataTypeRequest { market_data_type }.into()
        }
        10 => proto::MarketDepthRequest {
            req_id: fields.int("reqId")?,
            contract: Some(contract(fields)?),
            num_rows: fields.int("numRows")?,
            is_smart_depth: fields.flag("isSmartDepth")?,
            market_depth_options: fields.options("mktDepthOptions")?,
        }
        .into(),
        11 => proto::CancelMarketDepth {
            req_id: fields.int("reqId")?,
            is_smart_depth: fields.flag("isSmartDepth")?,
        }
        .into(),
        50 => proto::RealTimeBarsRequest {
            req_id: fields.int("reqId")?,
            contract: Some(contract(fields)?),
            bar_size: fields.int("barSize")?,
            what_to_show: fields.text("whatToShow")?,
            use_rth: fields.flag("useRTH")?,
            real_time_bars_options: fields.options("realTimeBarsOptions")?,
        }
        .into(),
        51 => {
            let req_id = fields.int("reqId")?;
            proto::CancelRealTimeBars { req_id }.into()
        }
        97 => proto::TickByTickRequest {
            req_id: fields.int("reqId")?,
            contract: Some(contract(fields)?),
            tick_type: fields.text("tickType")?,
            number_of_ticks: fields.int("numberOfTicks")?,
            ignore_size: fields.flag("ignoreSize")?,
        }
        .into(),
        98 => {
            let req_id = fields.int("reqId")?;
            proto::CancelTickByTick { req_id }.into()
        }
        _ => return Ok(None),
    }))
}

fn history(number: i32, fields: &mut Reader) -> Read<Option<Incoming>> {
    Ok(Some(match number {
        20 => historical_data(fields)?.into(),
        25 => {
            fields.skip("version")?;
            let req_id = fields.int("reqId")?;
            proto::CancelHistoricalData { req_id }.into()
        }
        87 => proto::HeadTimestampRequest {
            req_id: fields.int("reqId")?,
            contract: Some(contract_with_expired(fields)?),
            use_rth: fields.flag("useRTH")?,
            what_to_show: fields.text("whatToShow")?,
            format_date: fields.int("formatDate")?,
        }
        .into(),
        90 => {
            let req_id = fields.int("reqId")?;
            proto::CancelHeadTimestamp { req_id }.into()
        }
        96 => proto::HistoricalTicksRequest {
            req_id: fields.int("reqId")?,
            contract: Some(contract_with_expired(fields)?),
            start_date_time: fields.text("startDateTime")?,
            end_date_time: fields.text("endDateTime")?,
            number_of_ticks: fields.int("numberOfTicks")?,
            what_to_show: fields.text("whatToShow")?,
            use_rth: fields.flag("useRth")?,
            ignore_size: fields.flag("ignoreSize")?,
            misc_options: fields.options("miscOptions")?,
        }
        .into(),
        _ => return Ok(None),
    }))
}

/// The legs of a combination stand between its fields, so the message is read before it is put together.
fn historical_data(fields: &mut Reader) -> Read<proto::HistoricalDataRequest> {
    let req_id = fields.int("reqId")?;
    let contract = contract_with_expired(fields)?;
    let mut request = proto::HistoricalDataRequest {
        req_id,
        end_date_time: fields.text("endDateTime")?,
        bar_size_setting: fields.text("barSizeSetting")?,
        duration: fields.text("durationStr")?,
        use_rth: fields.flag("useRTH")?,
        what_to_show: fields.text("whatToShow")?,
        format_date: fields.int("formatDate")?,
        ..Default::default()
    };
    let contract = request.contract.insert(contract);
    legs(fields, contract)?;
    request.keep_up_to_date = fields.flag("keepUpToDate")?;
    request.chart_options = fields.options("chartOptions")?;
    Ok(request)
}

/// The twelve fields of a contract.
pub(super) fn contract(fields: &mut Reader) -> Read<Contract> {
    Ok(Contract {
        con_id: fields.int("conId")?,
        symbol: fields.text("symbol")?,
        sec_type: fields.text("secType")?,
        last_trade_date_or_contract_month: fields.text("lastTradeDateOrContractMonth")?,
        strike: fields.number("strike")?,
        right: fields.text("right")?,
        multiplier: fields.number("multiplier")?,
        exchange: fields.text("exchange")?,
        primary_exch: fields.text("primaryExchange")?,
        currency: fields.text("currency")?,
        local_symbol: fields.text("localSymbol")?,
        trading_class: fields.text("tradingClass")?,
        ..Default::default()
    })
}

fn contract_with_expired(fields: &mut Reader) -> Read<Contract> {
    let mut contract = contract(fields)?;
    contract.include_expired = fields.flag("includeExpired")?;
    Ok(contract)
}

/// The legs that a request for data on a combination carries: four fields each.
fn legs(fields: &mut Reader, contract: &mut Contract) -> Read<()> {
    if contract.sec_type.as_deref() != Some("BAG") {
        return Ok(());
    }
    for _ in 0..fields.count("comboLegs")? {
        contract.combo_legs.push(proto::ComboLeg {
            con_id: fields.int("comboLegs.conId")?,
            ratio: fields.int("comboLegs.ratio")?,
            action: fields.text("comboLegs.action")?,
            exchange: fields.text("comboLegs.exchange")?,
            ..Default::default()
        });
    }
    Ok(())
}

/// Whether there is a delta neutral contract, and it.
pub(super) fn delta_neutral(fields: &mut Reader) -> Read<Option<DeltaNeutralContract>> {
    if fields.flag("deltaNeutralContract")? != Some(true) {
        return Ok(None);
    }
    Ok(Some(DeltaNeutralContract {
        con_id: fields.int("deltaNeutralContract.conId")?,
        delta: fields.number("deltaNeutralContract.delta")?,
        price: fields.number("deltaNeutralContract.price")?,
    }))
}
