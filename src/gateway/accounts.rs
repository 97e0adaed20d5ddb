//! Positions, values and profits of accounts, read from the exchange's own figures, and who is told of them. Totals over
//! several currencies are converted at the exchange's own prices of currency pairs, for show only.

use super::convert::{self, amount};
use super::core::Gateway;
use super::reports::Fill;
use super::session::ConnectionId;
use super::tws::proto;
use crate::domain::{AccountId, Currency, InstrumentId, InstrumentKind, Money, Position, Price, Quantity};
use std::collections::{BTreeMap, BTreeSet};

/// What is said of an account that the exchange does not have.
pub(super) const NO_SUCH_ACCOUNT: &str = "Error validating request: cause - invalid account code";

/// The tags of a summary that asks for all.
const LEDGER: &str = "$LEDGER";

/// One value of an account: key, value, currency.
type Value = (&'static str, String, String);

/// A position with what it is worth.
#[derive(Clone, Copy, Debug)]
struct Held {
    instrument: InstrumentId,
    position: Position,
    mark: Price,
    value: Money,
    unrealized: Money,
}

/// Sums in the base currency.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    cash: f64,
    equity: f64,
    required: f64,
    gross: f64,
    unrealized: f64,
    realized: f64,
}

impl Gateway {
    /// What is held, flat positions that realised something included.
    fn held(&self, account: AccountId) -> Vec<Held> {
        let exchange = self.venue.exchange();
        let Some(member) = exchange.find_member(account) else {
            return Vec::new();
        };
        let held = |state: (Quantity, Money, Money, InstrumentId, Option<Price>)| {
            let (quantity, cost, realized, instrument, last) = state;
            let listed = self.contracts.get(instrument)?;
            let mark = self.market.mark(instrument).map(|mark| mark.price).or(last)?;
            let position = Position {
                quantity,
                cost,
                realized,
                fees: Money::ZERO,
            };
            let multiplier = listed.instrument.multiplier;
            Some(Held {
                instrument,
                position,
                mark,
                value: mark.notional(quantity, multiplier)?,
                unrealized: position.unrealized(mark, multiplier)?,
            })
        };
        let states = exchange.positions(member).into_iter().filter_map(|state| {
            let instrument = exchange.instrument(state.listing)?.id;
            Some((
                state.quantity,
                state.cost,
                state.realized,
                instrument,
                exchange.last(state.listing),
            ))
        });
        states.filter_map(held).collect()
    }

    /// Units of the base currency that one unit of `currency` is worth; nothing where no pair says so.
    fn rate(&self, currency: Currency, base: Currency) -> Option<f64> {
        if currency == base {
            return Some(1.0);
        }
        let price = |id: String| {
            let id = InstrumentId::new(&id).ok()?;
            let exchange = self.venue.exchange();
            exchange
                .find_listing(id)
                .and_then(|listing| exchange.last(listing))
                .map(Price::to_f64)
        };
        price(format!("{currency}.{base}"))
            .or_else(|| price(format!("{base}.{currency}")).map(|rate| 1.0 / rate))
    }

    fn base(&self, account: AccountId) -> Currency {
        let accounts = self.venue.accounts();
        let found = accounts.iter().find(|known| known.key.account == account);
        found.map_or(Currency::USD, |account| account.base)
    }

    /// The currencies that an account has had, with its standing in each.
    fn standing(&self, account: AccountId) -> Vec<(Currency, Money, Money, Money)> {
        let exchange = self.venue.exchange();
        let Some(member) = exchange.find_member(account) else {
            return Vec::new();
        };
        let currencies = exchange.cash(member).into_iter().map(|(currency, _)| currency);
        let funds = currencies.filter_map(|currency| Some((currency, exchange.funds(member, currency)?)));
        funds
            .map(|(currency, funds)| (currency, funds.cash, funds.equity, funds.required))
            .collect()
    }

    fn sums(&self, account: AccountId) -> Sums {
        let base = self.base(account);
        let mut sums = Sums::default();
        for (currency, cash, equity, required) in self.standing(account) {
            let rate = self.rate(currency, base).unwrap_or(0.0);
            sums.cash += cash.to_f64() * rate;
            sums.equity += equity.to_f64() * rate;
            sums.required += required.to_f64() * rate;
        }
        for held in self.held(account) {
            let currency = self
                .contracts
                .get(held.instrument)
                .map(|listed| listed.instrument.currency);
            let rate = currency
                .and_then(|currency| self.rate(currency, base))
                .unwrap_or(0.0);
            sums.gross += held.value.abs().to_f64() * rate;
            sums.unrealized += held.unrealized.to_f64() * rate;
            sums.realized += held.position.realized.to_f64() * rate;
        }
        sums
    }

    /// What an account is worth in its base currency.
    pub(super) fn net_liquidation(&self, account: AccountId) -> f64 {
        self.sums(account).equity
    }

    fn values(&self, account: AccountId) -> Vec<Value> {
        let (sums, base) = (self.sums(account), self.base(account).to_string());
        let free = sums.equity - sums.required;
        let text = |value: f64| format!("{value:.2}");
        let mut values: Vec<Value> = vec![
            ("AccountType", "INDIVIDUAL".to_owned(), String::new()),
            ("AccountReady", "true".to_owned(), String::new()),
            ("Currency", base.clone(), base.clone()),
        ];
        let cushion = if sums.equity > 0.0 {
            free / sums.equity
        } else {
            0.0
        };
        let leverage = if sums.equity > 0.0 {
            sums.gross / sums.equity
        } else {
            0.0
        };
        values.push(("Cushion", format!("{cushion:.4}"), String::new()));
        values.push(("Leverage-S", text(leverage), String::new()));
        for (key, value) in [
            ("NetLiquidation", sums.equity),
            ("TotalCashValue", sums.cash),
            ("SettledCash", sums.cash),
            ("EquityWithLoanValue", sums.equity),
            ("GrossPositionValue", sums.gross),
            ("InitMarginReq", sums.required),
            ("MaintMarginReq", sums.required),
            ("FullInitMarginReq", sums.required),
            ("FullMaintMarginReq", sums.required),
            ("AvailableFunds", free),
            ("FullAvailableFunds", free),
            ("ExcessLiquidity", free),
            ("FullExcessLiquidity", free),
            ("BuyingPower", (free * 2.0).max(0.0)),
            ("AccruedCash", 0.0),
            ("UnrealizedPnL", sums.unrealized),
            ("RealizedPnL", sums.realized),
        ] {
            values.push((key, text(value), base.clone()));
        }
        values.extend(self.ledger_values(account));
        values
    }

    /// What is told for each currency.
    fn ledger_values(&self, account: AccountId) -> Vec<Value> {
        let base = self.base(account);
        let (held, mut values) = (self.held(account), Vec::new());
        for (currency, cash, equity, _) in self.standing(account) {
            let own = |held: &&Held| {
                self.contracts
                    .get(held.instrument)
                    .is_some_and(|listed| listed.instrument.currency == currency)
            };
            let sum = |of: fn(&Held) -> Money| {
                held.iter()
                    .filter(own)
                    .map(of)
                    .fold(Money::ZERO, Money::saturating_add)
            };
            let shares = held.iter().filter(own).filter(|held| {
                self.contracts
                    .get(held.instrument)
                    .is_some_and(|listed| listed.instrument.kind == InstrumentKind::Equity)
            });
            let shares = shares
                .map(|held| held.value)
                .fold(Money::ZERO, Money::saturating_add);
            let rate = self.rate(currency, base).unwrap_or(0.0);
            for (key, value) in [
                ("CashBalance", amount(cash)),
                ("TotalCashBalance", amount(cash)),
                ("StockMarketValue", amount(shares)),
                ("NetLiquidationByCurrency", amount(equity)),
                ("UnrealizedPnL", amount(sum(|held| held.unrealized))),
                ("RealizedPnL", amount(sum(|held| held.position.realized))),
                ("ExchangeRate", format!("{rate:.6}")),
            ] {
                values.push((key, value, currency.to_string()));
            }
        }
        values
    }

    /// Profit that an execution realised, its fee taken off; nothing where it opened or added.
    pub(super) fn realize(&mut self, fill: &Fill) -> Option<Money> {
        let execution = &fill.execution;
        let multiplier = self.contracts.get(execution.instrument)?.instrument.multiplier;
        let position = self
            .positions
            .entry((execution.account.account, execution.instrument))
            .or_default();
        let before = *position;
        position.execute(execution.side, execution.quantity, execution.price, multiplier);
        let closes = before.side().is_some_and(|side| side != execution.side);
        let fee = execution.fee.map_or(Money::ZERO, |fee| fee.amount);
        closes.then(|| {
            position
                .realized
                .saturating_sub(before.realized)
                .saturating_sub(fee)
        })
    }

    /// The positions that profits are counted from, as the exchange has them at the start.
    pub(super) fn begin_positions(&mut self) {
        let mut all = BTreeMap::new();
        for account in &self.accounts {
            for held in self.held(*account) {
                all.insert((*account, held.instrument), held.position);
            }
        }
        self.positions = all;
        self.begin_day();
    }

    /// From here on the day's profit is counted: from midnight, or from the start of this process where that is later.
    pub(super) fn begin_day(&mut self) {
        let worth = self
            .accounts
            .iter()
            .map(|account| (*account, self.net_liquidation(*account)));
        self.day_began = worth.collect();
    }

    pub(super) fn note_balance(&mut self, account: AccountId) {
        self.paid.insert(account);
    }

    /// The accounts that a request means: one by name, or all for an empty name and `All`.
    fn meant(&self, name: Option<&str>) -> Option<Option<AccountId>> {
        match name.unwrap_or_default() {
            "" | "All" => Some(None),
            name => self.account_named(Some(name)).map(Some),
        }
    }

    fn no_such_account(&mut self, at: ConnectionId, req_id: i32) {
        self.error(at, req_id, 321, NO_SUCH_ACCOUNT);
    }

    pub(super) fn subscribe_positions(&mut self, at: ConnectionId) {
        self.with(at, |session| session.positions = true);
        for account in self.accounts.clone() {
            for held in self.held(account) {
                if !held.position.quantity.is_zero() {
                    self.tell_position(at, account, &held);
                }
            }
        }
        self.tell(at, proto::PositionEnd {});
    }

    fn tell_position(&mut self, at: ConnectionId, account: AccountId, held: &Held) {
        let contract = self
            .contracts
            .get(held.instrument)
            .map(|listed| listed.contract.clone());
        let message = proto::Position {
            account: Some(account.to_string()),
            contract,
            position: Some(held.position.quantity.to_string()),
            avg_cost: Some(average_cost(&held.position)),
        };
        self.tell(at, message);
    }

    pub(super) fn subscribe_positions_multi(
        &mut self,
        at: ConnectionId,
        request: &proto::PositionsMultiRequest,
    ) {
        let req_id = request.req_id.unwrap_or(0);
        let Some(meant) = self.meant(request.account.as_deref()) else {
            return self.no_such_account(at, req_id);
        };
        self.with(at, |session| {
            session.positions_multi.insert(req_id, meant);
        });
        for account in self.those(meant) {
            for held in self.held(account) {
                self.tell_position_multi(at, req_id, account, &held);
            }
        }
        self.tell(at, proto::PositionMultiEnd { req_id: Some(req_id) });
    }

    fn tell_position_multi(&mut self, at: ConnectionId, req_id: i32, account: AccountId, held: &Held) {
        let contract = self
            .contracts
            .get(held.instrument)
            .map(|listed| listed.contract.clone());
        let message = proto::PositionMulti {
            req_id: Some(req_id),
            account: Some(account.to_string()),
            contract,
            position: Some(held.position.quantity.to_string()),
            avg_cost: Some(average_cost(&held.position)),
            model_code: Some(String::new()),
        };
        self.tell(at, message);
    }

    fn those(&self, meant: Option<AccountId>) -> Vec<AccountId> {
        meant.map_or_else(|| self.accounts.clone(), |account| vec![account])
    }

    pub(super) fn subscribe_account(&mut self, at: ConnectionId, request: &proto::AccountDataRequest) {
        if request.subscribe != Some(true) {
            return self.with(at, |session| session.account = None);
        }
        let account = match request.acct_code.as_deref().unwrap_or_default() {
            "" => self.accounts.first().copied(),
            name => self.account_named(Some(name)),
        };
        let Some(account) = account else {
            return self.no_such_account(at, -1);
        };
        self.with(at, |session| session.account = Some(account));
        self.tell_account(at, account);
        let account_name = Some(account.to_string());
        self.tell(at, proto::AccountDataEnd { account_name });
    }

    fn tell_account(&mut self, at: ConnectionId, account: AccountId) {
        for (key, value, currency) in self.values(account) {
            let message = proto::AccountValue {
                key: Some(key.to_owned()),
                value: Some(value),
                currency: Some(currency),
                account_name: Some(account.to_string()),
            };
            self.tell(at, message);
        }
        for held in self.held(account) {
            self.tell_portfolio(at, account, &held);
        }
        let time_stamp = Some(convert::minute(self.now));
        self.tell(at, proto::AccountUpdateTime { time_stamp });
    }

    fn tell_portfolio(&mut self, at: ConnectionId, account: AccountId, held: &Held) {
        let contract = self
            .contracts
            .get(held.instrument)
            .map(|listed| listed.contract.clone());
        let message = proto::PortfolioValue {
            contract,
            position: Some(held.position.quantity.to_string()),
            market_price: Some(held.mark.to_f64()),
            market_value: Some(held.value.to_f64()),
            average_cost: Some(average_cost(&held.position)),
            unrealized_pnl: Some(held.unrealized.to_f64()),
            realized_pnl: Some(held.position.realized.to_f64()),
            account_name: Some(account.to_string()),
        };
        self.tell(at, message);
    }

    pub(super) fn subscribe_account_multi(
        &mut self,
        at: ConnectionId,
        request: &proto::AccountUpdatesMultiRequest,
    ) {
        let req_id = request.req_id.unwrap_or(0);
        let Some(meant) = self.meant(request.account.as_deref()) else {
            return self.no_such_account(at, req_id);
        };
        self.with(at, |session| {
            session.account_multi.insert(req_id, meant);
        });
        for account in self.those(meant) {
            self.tell_account_multi(at, req_id, account);
        }
        self.tell(at, proto::AccountUpdateMultiEnd { req_id: Some(req_id) });
    }

    fn tell_account_multi(&mut self, at: ConnectionId, req_id: i32, account: AccountId) {
        for (key, value, currency) in self.values(account) {
            let message = proto::AccountUpdateMulti {
                req_id: Some(req_id),
                account: Some(account.to_string()),
                model_code: Some(String::new()),
                key: Some(key.to_owned()),
                value: Some(value),
                currency: Some(currency),
            };
            self.tell(at, message);
        }
    }

    pub(super) fn subscribe_summary(&mut self, at: ConnectionId, request: &proto::AccountSummaryRequest) {
        let req_id = request.req_id.unwrap_or(0);
        let tags = request.tags.clone().unwrap_or_default();
        let tags: BTreeSet<String> = tags.split(',').map(|tag| tag.trim().to_owned()).collect();
        self.with(at, |session| {
            session.summaries.insert(req_id, tags.clone());
        });
        self.tell_summary(at, req_id, &tags);
        self.tell(at, proto::AccountSummaryEnd { req_id: Some(req_id) });
    }

    fn tell_summary(&mut self, at: ConnectionId, req_id: i32, tags: &BTreeSet<String>) {
        let ledger = tags.iter().any(|tag| tag.starts_with(LEDGER));
        for account in self.accounts.clone() {
            let mut values = self.values(account);
            let by_currency = self.ledger_values(account);
            values.truncate(values.len().saturating_sub(by_currency.len()));
            values.retain(|(key, ..)| tags.contains(*key));
            if ledger {
                values.extend(by_currency);
            }
            for (tag, value, currency) in values {
                let message = proto::AccountSummary {
                    req_id: Some(req_id),
                    account: Some(account.to_string()),
                    tag: Some(tag.to_owned()),
                    value: Some(value),
                    currency: Some(currency),
                };
                self.tell(at, message);
            }
        }
    }

    pub(super) fn subscribe_pnl(&mut self, at: ConnectionId, request: &proto::PnLRequest) {
        let req_id = request.req_id.unwrap_or(0);
        let Some(account) = self.account_named(request.account.as_deref()) else {
            return self.no_such_account(at, req_id);
        };
        self.with(at, |session| {
            session.pnl.insert(req_id, account);
        });
        self.tell_pnl_of(at, req_id, account);
    }

    fn tell_pnl_of(&mut self, at: ConnectionId, req_id: i32, account: AccountId) {
        let sums = self.sums(account);
        let began = self.day_began.get(&account).copied().unwrap_or(sums.equity);
        let message = proto::PnL {
            req_id: Some(req_id),
            daily_pn_l: Some(sums.equity - began),
            unrealized_pn_l: Some(sums.unrealized),
            realized_pn_l: Some(sums.realized),
        };
        self.tell(at, message);
    }

    pub(super) fn subscribe_pnl_single(&mut self, at: ConnectionId, request: &proto::PnLSingleRequest) {
        let (req_id, con_id) = (request.req_id.unwrap_or(0), request.con_id.unwrap_or(0));
        let account = self.account_named(request.account.as_deref());
        let (Some(account), true) = (account, self.contracts.by_con(con_id).is_some()) else {
            return self.error(
                at,
                req_id,
                321,
                "Error validating request: no such account or contract",
            );
        };
        self.with(at, |session| {
            session.pnl_single.insert(req_id, (account, con_id));
        });
        self.tell_pnl_single(at, req_id, account, con_id);
    }

    fn tell_pnl_single(&mut self, at: ConnectionId, req_id: i32, account: AccountId, con_id: i32) {
        let instrument = self.contracts.by_con(con_id).map(|listed| listed.instrument.id);
        let held = self
            .held(account)
            .into_iter()
            .find(|held| Some(held.instrument) == instrument);
        let figure = |of: fn(&Held) -> f64| Some(held.as_ref().map_or(0.0, of));
        let message = proto::PnLSingle {
            req_id: Some(req_id),
            position: Some(
                held.map_or(Quantity::ZERO, |held| held.position.quantity)
                    .to_string(),
            ),
            daily_pn_l: figure(|held| held.unrealized.saturating_add(held.position.realized).to_f64()),
            unrealized_pn_l: figure(|held| held.unrealized.to_f64()),
            realized_pn_l: figure(|held| held.position.realized.to_f64()),
            value: figure(|held| held.value.to_f64()),
        };
        self.tell(at, message);
    }

    /// Tells whoever wants to know of the positions and accounts that this step moved.
    pub(super) fn tell_moved(&mut self) {
        let (moved, paid) = (std::mem::take(&mut self.moved), std::mem::take(&mut self.paid));
        for (account, instrument) in moved {
            let Some(held) = self
                .held(account)
                .into_iter()
                .find(|held| held.instrument == instrument)
            else {
                continue;
            };
            for (at, single, multi, portfolio) in self.watchers(account) {
                if single {
                    self.tell_position(at, account, &held);
                }
                for req_id in multi {
                    self.tell_position_multi(at, req_id, account, &held);
                }
                if portfolio {
                    self.tell_portfolio(at, account, &held);
                }
            }
        }
        if !paid.is_empty() {
            self.tell_values_of(&paid);
        }
    }

    /// Who watches an account's positions: by the one request, by several, by the account's own.
    fn watchers(&self, account: AccountId) -> Vec<(ConnectionId, bool, Vec<i32>, bool)> {
        let watcher = |(at, session): (&ConnectionId, &super::session::Session)| {
            let multi = session.positions_multi.iter();
            let multi = multi.filter(|(_, wanted)| wanted.is_none_or(|wanted| wanted == account));
            let multi = multi.map(|(req_id, _)| *req_id).collect();
            (*at, session.positions, multi, session.account == Some(account))
        };
        self.sessions.iter().map(watcher).collect()
    }

    /// The regular round: everybody who wants values is told them.
    pub(super) fn tell_values(&mut self) {
        let all = self.accounts.iter().copied().collect();
        self.tell_values_of(&all);
    }

    fn tell_values_of(&mut self, accounts: &BTreeSet<AccountId>) {
        for at in self.started() {
            let Some(session) = self.sessions.get(&at) else {
                continue;
            };
            let (own, multi, summaries) = (
                session.account,
                session.account_multi.clone(),
                session.summaries.clone(),
            );
            if let Some(account) = own.filter(|account| accounts.contains(account)) {
                self.tell_account(at, account);
            }
            for (req_id, wanted) in multi {
                for account in self.those(wanted) {
                    if accounts.contains(&account) {
                        self.tell_account_multi(at, req_id, account);
                    }
                }
            }
            for (req_id, tags) in summaries {
                self.tell_summary(at, req_id, &tags);
            }
        }
    }

    /// The regular round of profits.
    pub(super) fn tell_pnl(&mut self) {
        for at in self.started() {
            let Some(session) = self.sessions.get(&at) else {
                continue;
            };
            let (all, single) = (session.pnl.clone(), session.pnl_single.clone());
            for (req_id, account) in all {
                self.tell_pnl_of(at, req_id, account);
            }
            for (req_id, (account, con_id)) in single {
                self.tell_pnl_single(at, req_id, account, con_id);
            }
        }
    }
}

/// Cost of one unit or contract, multiplier included; zero when flat.
fn average_cost(position: &Position) -> f64 {
    if position.quantity.is_zero() {
        return 0.0;
    }
    position.cost.to_f64() / position.quantity.to_f64()
}
