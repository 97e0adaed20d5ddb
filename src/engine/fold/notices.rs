//! What a person should see of an event, in words. Kept in the state so that every screen shows the same.

use super::{Event, Fact, State};
use crate::domain::{
    AccountKey, BrokerId, ClientOrderId, Currency, InstrumentId, LinkState, Money, SafeText, Timestamp,
    counted,
};
use crate::engine::breaker::BreakerState;
use crate::engine::risk::{breach, loss_words};
use crate::engine::state::{NOTICES_KEPT, Notice, NoticeLevel};
use crate::engine::{halt, naked};
use std::collections::BTreeMap;

impl State {
    /// What a person should see of an event.
    pub(super) fn notice(&mut self, event: &Event) {
        let Some((level, text)) = self.words(&event.fact) else {
            return;
        };
        self.notices.push_back(Notice {
            sequence: event.sequence,
            at: event.at,
            level,
            text: SafeText::new(&text),
        });
        while self.notices.len() > NOTICES_KEPT {
            self.notices.pop_front();
        }
    }

    fn breaker_is_old(&self, broker: BrokerId) -> bool {
        let breaker = self.breakers.get(&broker);
        breaker.is_some_and(|breaker| breaker.since < self.at)
    }

    fn words(&self, fact: &Fact) -> Option<(NoticeLevel, String)> {
        use NoticeLevel::{Fill, Info, Told, Warning};
        let what = |id: &ClientOrderId| {
            self.orders
                .get(id)
                .map_or_else(|| id.to_string(), |order| order.spec.to_string())
        };
        Some(match fact {
            Fact::Executed { execution: e } => {
                let fee = e
                    .fee
                    .map_or(String::new(), |fee| format!("  fee {:.2}", fee.amount));
                (
                    Fill,
                    format!(
                        "filled {} {} {} @ {:.2}{fee}",
                        e.side.word(),
                        e.quantity,
                        e.instrument,
                        e.price
                    ),
                )
            }
            Fact::Corrected { execution: e } => (
                Warning,
                format!(
                    "execution {} corrected: {} {} @ {:.2}",
                    e.id, e.quantity, e.instrument, e.price
                ),
            ),
            Fact::Denied { spec, denial, .. } => (Warning, format!("denied {spec}: {denial}")),
            Fact::Rejected { id, reason } => (Warning, format!("rejected {}: {reason}", what(id))),
            Fact::NotSent { id, reason } => (Warning, format!("not sent {}: {reason}", what(id))),
            Fact::OrderParked { spec, terms, .. } => (Told, format!("PARKED until {}: {spec}", terms.until)),
            Fact::ParkAsked { id } => {
                let symbol = self.orders.get(id).map(|order| order.spec.instrument.to_string());
                let symbol = symbol.unwrap_or_default();
                (
                    Warning,
                    format!(
                        "READY again: {} is parked; 'confirm {symbol}' sends it, x {symbol} ends it",
                        what(id)
                    ),
                )
            }
            Fact::ChainReleased { id, .. } => (Told, format!("its first filled, sent: {}", what(id))),
            Fact::ParkReleased { id, .. } => (Told, format!("no longer parked, sent: {}", what(id))),
            Fact::BreakerMoved {
                broker,
                to,
                text,
                lasts,
                ..
            } => match to {
                // That what had opened it is over is shown where it is.
                BreakerState::Open if !lasts && self.breaker_is_old(*broker) => return None,
                BreakerState::Open => (
                    Warning,
                    format!("breaker of {broker} OPEN: {text}; cancels and reducing orders pass"),
                ),
                BreakerState::HalfOpen => (
                    Told,
                    format!("breaker of {broker} half open: one order at a time may add risk"),
                ),
                BreakerState::Closed => (Told, format!("breaker of {broker} closed: {text}")),
            },
            Fact::BreakerAcknowledged { broker, by } => {
                (Told, format!("breaker of {broker} acknowledged by {by}"))
            }
            Fact::LeaseEnded {
                holder,
                ran_out: true,
            } => (
                Warning,
                format!(
                    "the lease of {holder} ran out: its entries are cancelled, it only reduces until it renews it"
                ),
            ),
            Fact::LeaseEnded { holder, .. } => (Info, format!("{holder} gave its lease back")),
            Fact::Doubted { id, reason } => (Warning, format!("uncertain {}: {reason}", what(id))),
            Fact::Absent { id } => (
                Warning,
                format!("absent {}: it never reached the broker", what(id)),
            ),
            Fact::Lost { id } => (
                Warning,
                format!("lost {}: the broker no longer knows it", what(id)),
            ),
            Fact::Cancelled { id, .. } => (Info, format!("cancelled {}", what(id))),
            Fact::Expired { id } => (Info, format!("expired {}", what(id))),
            Fact::CancelRefused { id, reason } => (Warning, format!("cancel refused {}: {reason}", what(id))),
            Fact::StopAdvanced { id, to, by } => (Info, format!("{} moves {} to {to}", by.word(), what(id))),
            Fact::ModifyRefused { id, reason } => (Warning, format!("change refused {}: {reason}", what(id))),
            Fact::Overfilled { id, excess } => (
                Warning,
                format!(
                    "OVERFILLED by {excess}: {}; nothing is added there until you accept it",
                    what(id)
                ),
            ),
            Fact::DoubleFound { id, broker_id } => (
                Warning,
                format!(
                    "TWO ORDERS at the broker for {}: the second is {broker_id}; :accept double cancels the newer",
                    what(id)
                ),
            ),
            Fact::Adopted { order } => (Info, format!("adopted {}, made elsewhere", order.spec)),
            Fact::TradingChanged {
                account,
                state,
                reason,
            } => (Warning, format!("{account} {}: {reason}", state.word())),
            Fact::DifferenceIgnored { ignored } => {
                let until = ignored.until.map_or_else(
                    || "taken for known".to_owned(),
                    |until| format!("left as it is until {until}"),
                );
                (
                    Info,
                    format!(
                        "{} in {}: {until} by {}",
                        ignored.subject, ignored.account, ignored.by
                    ),
                )
            }
            Fact::NakedFound {
                account,
                instrument,
                quantity,
                lost,
            } => {
                let level = if *lost { Warning } else { Told };
                (level, naked::words(*account, *instrument, *quantity, *lost))
            }
            Fact::HaltConfirmed {
                account,
                cancelled,
                filled,
            } => (Told, halt::confirmed_words(*account, *cancelled, *filled)),
            Fact::CancelsUnconfirmed { account, orders } => {
                (Warning, halt::unconfirmed_words(self, *account, orders))
            }
            Fact::HaltFileChanged { file: Some(file) } => (
                Warning,
                format!(
                    "HALTED by {}: {}; nothing that adds risk leaves until it is removed and somebody resumes",
                    file.place, file.reason
                ),
            ),
            Fact::HaltFileChanged { file: None } => (
                Warning,
                "the halt file is gone; trading stays halted until somebody resumes it".to_owned(),
            ),
            Fact::LinkChanged {
                broker,
                state,
                reason,
            } => {
                let why = reason
                    .as_ref()
                    .map_or(String::new(), |reason| format!(": {reason}"));
                let away = matches!(state, LinkState::Down | LinkState::Degraded);
                // What was planned is no alarm; if it lasts longer, the end of the pause is one.
                let level = if away && !self.pauses.contains_key(broker) {
                    Warning
                } else {
                    Info
                };
                (level, format!("{broker} {}{why}", state.word()))
            }
            Fact::ScaleOutEnded {
                failure: Some(why), ..
            } => (Warning, why.to_string()),
            Fact::FlattenEnded {
                instrument,
                failure: None,
                ..
            } => (Fill, format!("FLAT {instrument} confirmed, nothing working")),
            Fact::FlattenEnded {
                instrument,
                failure: Some(why),
                ..
            } => (Warning, format!("NOT FLAT {instrument}: {why}")),
            Fact::ProgramsArmed { account, until } => {
                (Told, format!("programs may add risk in {account} until {until}"))
            }
            Fact::ProgramsDisarmed { account, reason } => (
                Told,
                format!("programs may no longer add risk in {account}: {reason}"),
            ),
            Fact::KeyArmed { account, key, until } => (
                Told,
                format!("the key {key} may add risk in {account} until {until}"),
            ),
            Fact::KeyDisarmed { account, key, reason } => (
                Told,
                format!("the key {key} may no longer add risk in {account}: {reason}"),
            ),
            Fact::Disarmed { account, reason, .. } => (Told, format!("{account} disarmed: {reason}")),
            Fact::FlattenStepped {
                instrument,
                step,
                exit,
                ..
            } => {
                let exit = exit
                    .as_ref()
                    .map_or(String::new(), |id| format!(": {}", what(id)));
                (Told, format!("flatten {instrument}: {}{exit}", step.word()))
            }
            Fact::FlatConfirmed {
                instrument,
                fills,
                realized,
                currency,
                ..
            } => {
                let (clock, fills) = (clock(self.at), counted(*fills, "fill"));
                (
                    Fill,
                    format!(
                        "FLAT confirmed {clock} {instrument}, {fills}, {realized:.2} {currency}, 0 working"
                    ),
                )
            }
            Fact::AccountFlattenEnded {
                account,
                flat,
                failed,
                fills,
                realized,
            } => account_flat(
                self.at,
                account.account.as_str(),
                (*flat, failed),
                *fills,
                realized,
            ),
            Fact::LinkImpaired {
                broker,
                reason: Some(reason),
            } => {
                let planned = self.pauses.contains_key(broker);
                let level = if planned { Info } else { Warning };
                (level, format!("{broker}: {reason}"))
            }
            Fact::PauseChanged {
                broker,
                pause: Some(pause),
            } => (
                Told,
                format!("{broker}: planned {}; nothing that adds risk leaves", pause.what),
            ),
            Fact::PauseChanged { broker, pause: None } => {
                (Info, format!("{broker}: the planned pause is over"))
            }
            Fact::LinkImpaired { broker, reason: None } => (Told, format!("{broker}: all of it is back")),
            Fact::GapFound { account, from, until } => (
                Warning,
                format!(
                    "{account}: executions between {from} and {until} are not known; compare with a statement, then :accept gap"
                ),
            ),
            Fact::GapAccepted { account } => (Info, format!("{account}: the gap was acknowledged")),
            Fact::PositionAdjusted {
                instrument,
                change,
                cause,
                ..
            } if !change.is_zero() => (Warning, format!("{instrument} adjusted by {change}: {cause}")),
            Fact::PositionAdjusted {
                instrument, cause, ..
            } => (Info, format!("{instrument}: {cause}")),
            Fact::PositionChanged {
                account,
                instrument,
                cause,
                note,
                ..
            } => {
                let held = self.position(*account, *instrument).quantity;
                (
                    Warning,
                    format!("{} of {instrument}: {held} held now ({note})", cause.word()),
                )
            }
            Fact::ExDateSet {
                instrument,
                ex: Some(ex),
            } => (Told, format!("{instrument} is ex {} from {}", ex.what, ex.date)),
            Fact::BrokerTold { broker, text } => (Told, format!("{broker}: {text}")),
            Fact::AlertFired { id, text, .. } => {
                let text = text.as_str();
                let about = text.strip_prefix("alert ").unwrap_or(text);
                let alert = self.alerts.all.get(id);
                let staged = alert.and_then(|alert| alert.spec.stage.as_ref());
                let staged = staged.map_or(String::new(), |order| format!("; A opens the staged {order}"));
                (Warning, format!("ALERT {about}{staged}"))
            }
            Fact::AlertExpired { id } => (Info, format!("alert {id} expired")),
            Fact::BrokerAway { broker, since } => (Warning, crate::engine::alerts::away(*broker, *since)),
            Fact::AlertDelivered {
                channel,
                failure: Some(why),
                is_final: true,
                ..
            } => (
                Warning,
                format!("an alert could not be told by {}: {why}", channel.word()),
            ),
            Fact::LossStaged {
                account,
                stage,
                loss,
                threshold,
                currency,
                does,
                until,
            } => (
                Warning,
                loss_words(*account, *stage, (*loss, *threshold), *currency, *does, *until),
            ),
            Fact::RiskHeld { text, .. } => (Warning, text.to_string()),
            Fact::LimitBreached {
                account, name, of, ..
            } => {
                let key = breach::BreachKey {
                    account: *account,
                    name: *name,
                    of: *of,
                };
                let breach = self.breaches.get(&key)?;
                (Warning, breach::words(key, *breach))
            }
            Fact::BreachEnded {
                account,
                name,
                of,
                reason,
            } => {
                let of = of.map_or(String::new(), |id| format!(" of {id}"));
                (
                    Told,
                    format!("{account}: {name}{of} is within its limit again: {reason}"),
                )
            }
            Fact::RiskReleased {
                account,
                cause,
                reason,
            } => (
                Told,
                format!("{account} is no longer held back by {}: {reason}", cause.word()),
            ),
            Fact::LimitChanged {
                account,
                name,
                value,
                before,
                until,
                by,
            } => {
                let until = until.map_or(String::new(), |until| format!(" until {until}"));
                (
                    Told,
                    format!(
                        "limit {name} of {} is {value}{until}, was {before}: {by}",
                        whose(*account)
                    ),
                )
            }
            Fact::LimitReverted {
                account,
                name,
                value,
                reason,
            } => (
                Told,
                format!("limit {name} of {} is {value} again: {reason}", whose(*account)),
            ),
            Fact::ScopedLimitChanged {
                scope,
                name,
                value,
                until,
                by,
                ..
            } => {
                let until = until.map_or(String::new(), |until| format!(" until {until}"));
                (Told, format!("limit {name} of {scope} is {value}{until}: {by}"))
            }
            Fact::ScopedLimitReverted {
                scope,
                name,
                value,
                reason,
            } => {
                let value = value.map_or_else(|| "off".to_owned(), |value| value.to_string());
                (
                    Told,
                    format!("limit {name} of {scope} is {value} again: {reason}"),
                )
            }
            Fact::SenderStopped { sender } => (
                Warning,
                format!(
                    "{sender} STOPPED: over the order rate again and again; it adds no risk until somebody resumes"
                ),
            ),
            Fact::SenderResumed { sender } => (Told, format!("{sender} may add risk again")),
            Fact::Surprised { text } => (Warning, text.to_string()),
            _ => return None,
        })
    }
}

/// An account, or all of them.
fn whose(account: Option<AccountKey>) -> String {
    account.map_or_else(|| "all accounts".to_owned(), |account| account.to_string())
}

/// The time of day, with its zone.
fn clock(at: Timestamp) -> String {
    at.to_jiff()
        .map_or_else(|| "--".to_owned(), |at| at.strftime("%H:%M:%S UTC").to_string())
}

/// The one result of an account's flatten.
fn account_flat(
    at: Timestamp,
    account: &str,
    (flat, failed): (u32, &[InstrumentId]),
    fills: u32,
    realized: &BTreeMap<Currency, Money>,
) -> (NoticeLevel, String) {
    if !failed.is_empty() {
        let names: Vec<&str> = failed.iter().map(InstrumentId::as_str).collect();
        let text = format!(
            "NOT FLAT {account}: {} of {} are not: {}; the log says why of each",
            failed.len(),
            failed
                .len()
                .saturating_add(usize::try_from(flat).unwrap_or(usize::MAX)),
            names.join(", ")
        );
        return (NoticeLevel::Warning, text);
    }
    let sums: Vec<String> = realized
        .iter()
        .map(|(currency, sum)| format!("{sum:.2} {currency}"))
        .collect();
    let sums = if sums.is_empty() {
        "0.00".to_owned()
    } else {
        sums.join(" and ")
    };
    let text = format!(
        "ACCOUNT FLAT confirmed {} {account}: {}, {}, {sums}, 0 working",
        clock(at),
        counted(flat, "instrument"),
        counted(fills, "fill")
    );
    (NoticeLevel::Fill, text)
}
