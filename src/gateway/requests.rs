//! Which request goes to whom, and the answers that need no more than a line.

use super::convert;
use super::core::Gateway;
use super::scenario::Reply;
use super::session::ConnectionId;
use super::tws::message::Incoming;
use super::tws::proto;

impl Gateway {
    pub(super) fn dispatch(&mut self, at: ConnectionId, client: i32, message: Incoming) {
        match message {
            Incoming::PlaceOrder(request) => self.place_order(at, client, request),
            Incoming::CancelOrder(request) => self.cancel_order(at, client, request.order_id.unwrap_or(0)),
            Incoming::GlobalCancel(_) => self.global_cancel(),
            Incoming::OpenOrders(_) => {
                self.answer(Reply::Orders, |own| own.tell_open_orders(at, Some(client)));
            }
            Incoming::AllOpenOrders(_) => self.answer(Reply::Orders, |own| own.tell_open_orders(at, None)),
            Incoming::CompletedOrders(_) => {
                self.answer(Reply::Completed, |own| own.tell_completed_orders(at));
            }
            Incoming::Executions(request) => {
                self.answer(Reply::Executions, |own| own.tell_executions(at, &request));
            }
            // There are no orders from elsewhere that could be bound; client 0 is told of none.
            Incoming::AutoOpenOrders(_) => {}
            message => self.dispatch_account(at, client, message),
        }
    }

    fn dispatch_account(&mut self, at: ConnectionId, client: i32, message: Incoming) {
        match message {
            Incoming::Ids(_) => self.tell_next_id(at, client),
            Incoming::ManagedAccounts(_) => self.tell_accounts(at),
            Incoming::Positions(_) => self.answer(Reply::Positions, |own| own.subscribe_positions(at)),
            Incoming::CancelPositions(_) => self.with(at, |session| session.positions = false),
            Incoming::PositionsMulti(request) => self.subscribe_positions_multi(at, &request),
            Incoming::CancelPositionsMulti(request) => self.with(at, |session| {
                session.positions_multi.remove(&request.req_id.unwrap_or(0));
            }),
            Incoming::AccountData(request) => self.subscribe_account(at, &request),
            Incoming::AccountUpdatesMulti(request) => self.subscribe_account_multi(at, &request),
            Incoming::CancelAccountUpdatesMulti(request) => self.with(at, |session| {
                session.account_multi.remove(&request.req_id.unwrap_or(0));
            }),
            Incoming::AccountSummary(request) => self.subscribe_summary(at, &request),
            Incoming::CancelAccountSummary(request) => self.with(at, |session| {
                session.summaries.remove(&request.req_id.unwrap_or(0));
            }),
            Incoming::PnL(request) => self.subscribe_pnl(at, &request),
            Incoming::CancelPnL(request) => self.with(at, |session| {
                session.pnl.remove(&request.req_id.unwrap_or(0));
            }),
            Incoming::PnLSingle(request) => self.subscribe_pnl_single(at, &request),
            Incoming::CancelPnLSingle(request) => self.with(at, |session| {
                session.pnl_single.remove(&request.req_id.unwrap_or(0));
            }),
            message => self.dispatch_market(at, message),
        }
    }

    fn dispatch_market(&mut self, at: ConnectionId, message: Incoming) {
        match message {
            Incoming::MarketData(request) => self.subscribe_line(at, &request),
            Incoming::CancelMarketData(request) => self.with(at, |session| {
                session.lines.remove(&request.req_id.unwrap_or(0));
            }),
            Incoming::MarketDataType(request) => {
                let wanted = request.market_data_type.unwrap_or(1).clamp(1, 4);
                self.with(at, |session| session.data_type = wanted);
            }
            Incoming::MarketDepth(request) => self.subscribe_depth(at, &request),
            Incoming::CancelMarketDepth(request) => self.with(at, |session| {
                session.depth.remove(&request.req_id.unwrap_or(0));
            }),
            Incoming::TickByTick(request) => self.subscribe_ticks(at, &request),
            Incoming::CancelTickByTick(request) => self.with(at, |session| {
                session.ticks.remove(&request.req_id.unwrap_or(0));
            }),
            Incoming::RealTimeBars(request) => self.subscribe_bars(at, &request),
            Incoming::CancelRealTimeBars(request) => self.with(at, |session| {
                session.bars.remove(&request.req_id.unwrap_or(0));
            }),
            Incoming::HistoricalData(request) => self.tell_history(at, &request),
            Incoming::CancelHistoricalData(request) => self.with(at, |session| {
                session.growing.remove(&request.req_id.unwrap_or(0));
            }),
            Incoming::HeadTimestamp(request) => self.tell_head_timestamp(at, &request),
            Incoming::HistoricalTicks(request) => self.tell_historical_ticks(at, &request),
            message => self.dispatch_contract(at, message),
        }
    }

    fn dispatch_contract(&mut self, at: ConnectionId, message: Incoming) {
        match message {
            Incoming::ContractData(request) => self.tell_contracts(at, &request),
            Incoming::MatchingSymbols(request) => {
                let pattern = request.pattern.unwrap_or_default();
                let description = |listed: &super::contracts::Listed| proto::ContractDescription {
                    contract: Some(proto::Contract {
                        description: Some(listed.instrument.name.as_str().to_owned()),
                        ..listed.contract.clone()
                    }),
                    derivative_sec_types: Vec::new(),
                };
                let found = self.contracts.search(&pattern);
                let answer = proto::SymbolSamples {
                    req_id: request.req_id,
                    contract_descriptions: found.into_iter().map(description).collect(),
                };
                self.tell(at, answer);
            }
            Incoming::MarketRule(request) => {
                let number = request.market_rule_id.unwrap_or(0);
                match self.contracts.rule(number) {
                    Some(price_increments) => self.tell(
                        at,
                        proto::MarketRule {
                            market_rule_id: Some(number),
                            price_increments,
                        },
                    ),
                    None => self.error(
                        at,
                        -1,
                        321,
                        &format!("Error validating request: no market rule {number}"),
                    ),
                }
            }
            Incoming::SecDefOptParams(request) => {
                let con_id = request.underlying_con_id.unwrap_or(0);
                let symbol = request.underlying_symbol.as_deref();
                let known = self
                    .contracts
                    .by_con(con_id)
                    .is_some_and(|l| l.contract.symbol.as_deref() == symbol);
                let req_id = request.req_id;
                if known {
                    // Nothing here has options.
                    self.tell(at, proto::SecDefOptParameterEnd { req_id });
                } else {
                    let words = "No security definition has been found for the request";
                    self.error(at, req_id.unwrap_or(-1), 200, words);
                }
            }
            Incoming::MarketDepthExchanges(_) => {
                let row = |(exchange, sec_type): (&str, &str)| proto::DepthMarketDataDescription {
                    exchange: Some(exchange.to_owned()),
                    sec_type: Some(sec_type.to_owned()),
                    listing_exch: Some(String::new()),
                    service_data_type: Some("Deep".to_owned()),
                    agg_group: Some(1),
                };
                let all = [
                    ("SMART", "STK"),
                    ("IBIS", "STK"),
                    ("CME", "FUT"),
                    ("NYMEX", "FUT"),
                    ("IDEALPRO", "CASH"),
                    ("PAXOS", "CRYPTO"),
                ];
                let depth_market_data_descriptions = all.into_iter().map(row).collect();
                self.tell(
                    at,
                    proto::MarketDepthExchanges {
                        depth_market_data_descriptions,
                    },
                );
            }
            Incoming::SmartComponents(request) => {
                let only = proto::SmartComponent {
                    bit_number: Some(0),
                    exchange: Some("SIM".to_owned()),
                    exchange_letter: Some("S".to_owned()),
                };
                let answer = proto::SmartComponents {
                    req_id: request.req_id,
                    smart_components: vec![only],
                };
                self.tell(at, answer);
            }
            message => self.dispatch_rest(at, message),
        }
    }

    fn dispatch_rest(&mut self, at: ConnectionId, message: Incoming) {
        match message {
            Incoming::CurrentTime(_) => {
                let current_time = Some(self.now.seconds());
                self.tell(at, proto::CurrentTime { current_time });
            }
            Incoming::CurrentTimeInMillis(_) => {
                let current_time_in_millis = Some(convert::millis(self.now));
                self.tell(
                    at,
                    proto::CurrentTimeInMillis {
                        current_time_in_millis,
                    },
                );
            }
            Incoming::UserInfo(request) => {
                let white_branding_id = Some(String::new());
                let req_id = request.req_id;
                self.tell(
                    at,
                    proto::UserInfo {
                        req_id,
                        white_branding_id,
                    },
                );
            }
            Incoming::FamilyCodes(_) => self.tell(at, proto::FamilyCodes::default()),
            Incoming::NewsProviders(_) => self.tell(at, proto::NewsProviders::default()),
            Incoming::SoftDollarTiers(request) => {
                let answer = proto::SoftDollarTiers {
                    req_id: request.req_id,
                    soft_dollar_tiers: Vec::new(),
                };
                self.tell(at, answer);
            }
            Incoming::Unknown { number, request } => {
                let words =
                    format!("Error validating request: message {number} is not served by this gateway");
                self.error(at, request.unwrap_or(-1), 321, &words);
            }
            // Cancels of what has ended, and the log level, want no answer.
            _ => {}
        }
    }

    fn tell_contracts(&mut self, at: ConnectionId, request: &proto::ContractDataRequest) {
        let (req_id, now) = (request.req_id, self.now);
        let found = request
            .contract
            .as_ref()
            .map_or_else(Vec::new, |asked| self.contracts.matching(asked));
        let answers: Vec<proto::ContractData> = found
            .into_iter()
            .map(|listed| proto::ContractData {
                req_id,
                contract: Some(listed.contract.clone()),
                contract_details: Some(listed.details(now)),
            })
            .collect();
        if answers.is_empty() {
            let words = "No security definition has been found for the request";
            return self.error(at, req_id.unwrap_or(-1), 200, words);
        }
        for answer in answers {
            self.tell(at, answer);
        }
        self.tell(at, proto::ContractDataEnd { req_id });
    }

    /// Gives an answer that proves itself complete by an end mark.
    fn answer(&mut self, reply: Reply, give: impl FnOnce(&mut Self)) {
        self.faults.begin_answer(reply);
        give(self);
        self.faults.end_answer();
    }

    /// Changes a session that is there.
    pub(super) fn with(&mut self, at: ConnectionId, change: impl FnOnce(&mut super::session::Session)) {
        if let Some(session) = self.sessions.get_mut(&at) {
            change(session);
        }
    }
}
