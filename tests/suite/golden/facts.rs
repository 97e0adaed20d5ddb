//! One fact of every kind, as full as it can be: what the golden files hold, and what the tests of the journal store.

use std::collections::BTreeMap;
use tradewind::domain::*;
use tradewind::engine::difference::{Ignored, Subject};
use tradewind::engine::halt::HaltFile;
use tradewind::engine::pause::Pause;
use tradewind::engine::scale_out::Way;
use tradewind::engine::state::FlattenStep;
use tradewind::engine::{Actor, Denial, DenialCode, Event, Fact, SessionKind};
use tradewind::market::{Quality, Quote};

/// The moment of everything.
pub const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);

pub fn key() -> AccountKey {
    AccountKey {
        broker: BrokerId::new("sim").unwrap(),
        account: AccountId::new("SIM100001").unwrap(),
    }
}
pub fn id() -> ClientOrderId {
    ClientOrderId::new("TW01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap()
}
pub fn aapl() -> InstrumentId {
    InstrumentId::new("AAPL").unwrap()
}
pub fn price(text: &str) -> Price {
    text.parse().unwrap()
}
pub fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}
pub fn money(text: &str) -> Money {
    text.parse().unwrap()
}
pub fn text(text: &str) -> SafeText {
    SafeText::new(text)
}

pub fn spec(kind: OrderKind, tif: TimeInForce) -> OrderSpec {
    OrderSpec {
        account: key(),
        instrument: aapl(),
        side: Side::Buy,
        quantity: quantity("100"),
        kind,
        tif,
        display: None,
        allow_short: false,
        role: Role::Entry,
        parent: None,
        outside_hours: false,
    }
}

pub fn limit() -> OrderSpec {
    let kind = OrderKind::Limit {
        price: price("189.5"),
    };
    spec(kind, TimeInForce::Day)
}

pub fn quote() -> Quote {
    Quote {
        instrument: aapl(),
        bid: Some((price("189.49"), quantity("300"))),
        ask: None,
        at: NOW,
        quality: Quality::Live,
    }
}

pub fn execution(revision: u32, size: &str) -> Execution {
    Execution {
        id: ExecutionId {
            base: ExecutionBase::new("SIM-17").unwrap(),
            revision,
        },
        account: key(),
        order: Some(id()),
        broker_order: Some(BrokerOrderId::new("9001").unwrap()),
        instrument: aapl(),
        side: Side::Buy,
        quantity: quantity(size),
        price: price("189.4999"),
        at: NOW,
        fee: Some(fee()),
        maker: Some(false),
    }
}

pub fn fee() -> Fee {
    Fee {
        amount: money("-0.35"),
        currency: Currency::USD,
    }
}

pub fn instrument() -> Instrument {
    let broker_id = Text::new("ESZ6.CME").unwrap();
    Instrument {
        id: InstrumentId::new("ESZ6").unwrap(),
        name: text("E-mini S&P 500 Dec 2026"),
        kind: InstrumentKind::Future,
        currency: Currency::USD,
        multiplier: Multiplier::whole(50).unwrap(),
        ticks: TickTable::banded(vec![(Price::ZERO, price("0.05")), (price("3"), price("0.25"))]).unwrap(),
        lot: Quantity::ONE,
        calendar: CalendarId::CmeGlobex,
        root: Some(Text::new("ES").unwrap()),
        expires: Some(NOW),
        broker_ids: BTreeMap::from([(key().broker, broker_id)]),
        option: None,
        sector: None,
        listed_on: None,
    }
}

pub fn order() -> Order {
    let spec = spec(
        OrderKind::StopLimit {
            trigger: price("200"),
            price: price("200.25"),
        },
        TimeInForce::Gtd { until: NOW },
    );
    let change = OrderChange {
        quantity: Some(quantity("50")),
        price: None,
        trigger: Some(price("199")),
        distance: None,
    };
    Order {
        id: id(),
        asked: spec.clone(),
        spec,
        phase: Phase::Held,
        filled: quantity("0.5"),
        filled_value: money("94.75"),
        broker_id: Some(BrokerOrderId::new("9001").unwrap()),
        pending: Some(Pending::Modify { change }),
        pending_since: Some(NOW),
        oco: Some(id()),
        reason: Some(text("made at the broker's own screen")),
        external: true,
        foreign: false,
        number: None,
        arrival: None,
        created_at: NOW,
        sent_at: Some(NOW),
        acked_at: None,
        ended_at: None,
        missing: Some((1, NOW)),
        after: None,
    }
}

pub fn account_facts() -> Vec<Fact> {
    let (account, session) = (key(), SessionId(3));
    let cash = BTreeMap::from([(Currency::EUR, money("-12.5")), (Currency::USD, money("1000000"))]);
    let reported = Account {
        key: account,
        class: AccountClass::Sim,
        base: Currency::USD,
        cash: Some(cash.clone()),
    };
    let reason = text("end of day");
    vec![
        Fact::EngineStarted {
            build: text("0.1.0 (abc)"),
        },
        Fact::LimitsSet {
            limits: Limits::default(),
        },
        Fact::SessionOpened {
            session,
            kind: SessionKind::Terminal,
        },
        Fact::SessionClosed { session },
        Fact::TokenMoved { to: Some(session) },
        Fact::Armed { session, account },
        Fact::Disarmed {
            session,
            account,
            reason: reason.clone(),
        },
        Fact::TradingChanged {
            account,
            state: TradingState::Reducing,
            reason: reason.clone(),
        },
        Fact::InstrumentListed {
            instrument: instrument(),
        },
        Fact::AccountReported { account: reported },
        Fact::BalanceReported { account, cash },
        Fact::LinkChanged {
            broker: account.broker,
            state: LinkState::Syncing,
            reason: Some(reason),
        },
        Fact::GapAccepted { account },
        Fact::NumbersRaised {
            broker: account.broker,
            to: 4_711,
        },
        Fact::LinkImpaired {
            broker: account.broker,
            reason: Some(text("servers are away (1100)")),
        },
        Fact::GapFound {
            account,
            from: NOW,
            until: Timestamp(NOW.0 + 1),
        },
        Fact::PositionAdjusted {
            account,
            instrument: aapl(),
            change: quantity("-100"),
            price: Some(price("180.25")),
            cause: text("taken over by hand"),
        },
        Fact::BrokerTold {
            broker: account.broker,
            text: text("restored 41/41 market data lines"),
        },
        Fact::ReconcileStarted { account, pass: 7 },
        Fact::ReconcileEnded {
            account,
            pass: 7,
            failure: None,
            mismatches: vec![(aapl(), quantity("100"), quantity("-1"))],
            averages: Vec::new(),
        },
        Fact::OpeningRead {
            account,
            positions: vec![
                (aapl(), quantity("100"), Some(price("180.25"))),
                (aapl(), quantity("-2"), None),
            ],
            executions: vec![ExecutionBase::new("SIM-1").unwrap()],
        },
    ]
}

pub fn order_facts() -> Vec<Fact> {
    let (account, id, reason) = (key(), id(), text("because"));
    let broker_id = BrokerOrderId::new("9001").unwrap();
    let (instrument, exit) = (aapl(), id);
    let change = OrderChange {
        quantity: None,
        price: Some(price("189.25")),
        trigger: None,
        distance: None,
    };
    let stop = OrderKind::Stop {
        trigger: price("188"),
    };
    let denial = Denial::new(DenialCode::MaxValue, "at most 1000000");
    let mut child = spec(OrderKind::Market, TimeInForce::Ioc);
    (child.role, child.parent, child.display) = (Role::StopLoss, Some(id), Some(quantity("10")));
    vec![
        Fact::Submitted {
            id,
            spec: limit(),
            oco: None,
            quote: Some(quote()),
        },
        Fact::Denied {
            id,
            spec: child,
            denial,
        },
        Fact::ChildReleased {
            id,
            quantity: quantity("50"),
        },
        Fact::NotSent {
            id,
            reason: reason.clone(),
        },
        Fact::Accepted {
            id,
            broker_id,
            phase: Phase::Working,
        },
        Fact::Doubted {
            id,
            reason: reason.clone(),
        },
        Fact::Triggered { id },
        Fact::ModifyRequested { id, change },
        Fact::Modified {
            id,
            quantity: quantity("80"),
            kind: stop,
        },
        Fact::ModifyRefused {
            id,
            reason: reason.clone(),
        },
        Fact::CancelRequested { id },
        Fact::CancelRefused {
            id,
            reason: reason.clone(),
        },
        Fact::Cancelled {
            id,
            reason: reason.clone(),
        },
        Fact::Expired { id },
        Fact::Rejected {
            id,
            reason: reason.clone(),
        },
        Fact::Missed { id },
        Fact::Absent { id },
        Fact::Lost { id },
        Fact::Adopted {
            order: Box::new(order()),
        },
        Fact::DoubleFound { id, broker_id },
        Fact::PauseChanged {
            broker: account.broker,
            pause: Some(Pause {
                what: reason.clone(),
                at: NOW,
                until: NOW,
            }),
        },
        Fact::OrderNumbered {
            id,
            number: 17,
            foreign: true,
        },
        Fact::Executed {
            execution: execution(1, "100"),
        },
        Fact::Corrected {
            execution: execution(2, "0"),
        },
        Fact::FeeReported {
            account,
            execution: execution(1, "1").id.base,
            fee: fee(),
        },
        Fact::Overfilled {
            id,
            excess: quantity("1"),
        },
        Fact::FlattenStarted {
            account,
            instrument,
            exit,
        },
        Fact::FlattenEnded {
            account,
            instrument,
            failure: Some(reason.clone()),
        },
        Fact::FlattenStepped {
            account,
            instrument,
            step: FlattenStep::Exiting,
            exit: Some(exit),
        },
        Fact::FlatConfirmed {
            account,
            instrument,
            fills: 3,
            realized: money("-84.5"),
            currency: Currency::USD,
        },
        Fact::AccountFlattenStarted {
            account,
            instruments: vec![instrument],
        },
        Fact::AccountFlattenEnded {
            account,
            flat: 1,
            failed: vec![instrument],
            fills: 3,
            realized: BTreeMap::from([(Currency::USD, money("-84.5"))]),
        },
        Fact::Surprised { text: reason },
        Fact::Trimmed {
            orders_before: NOW,
            executions_before: NOW,
        },
    ]
}

fn alert_facts() -> Vec<Fact> {
    use tradewind::engine::alerts::*;
    use tradewind::market::Timeframe;
    let market = |left, op, right| {
        Condition::Is(Test::Market {
            instrument: aapl(),
            left,
            op,
            right,
        })
    };
    let study = Value::Study {
        study: text("rsi 14"),
        timeframe: Timeframe::M5,
    };
    let limit = || Value::Number(price("200.5"));
    let profit = Test::Profit {
        account: key(),
        instrument: Some(aapl()),
        currency: Currency::USD,
        of: Profit::Day,
        op: Op::Below,
        amount: money("-500"),
    };
    let position = Test::Position {
        account: key(),
        instrument: aapl(),
        op: Op::Equal,
        quantity: quantity("0"),
    };
    let order = Test::Order {
        instrument: Some(aapl()),
        became: OrderWord::Working(300),
    };
    let link = Test::Link {
        broker: Some(key().broker),
        is: LinkWord::Down,
        for_s: 120,
    };
    let all = Condition::All(vec![
        market(Value::Price(Field::Bid), Op::CrossesAbove, limit()),
        market(Value::DayPercent, Op::AtMost, limit()),
        market(study, Op::AtLeast, limit()),
        Condition::Is(profit),
    ]);
    let tests = [position, order, link, Test::System(SystemWord::Halted)];
    let any = tests.into_iter().map(Condition::Is).chain([all]).collect();
    let id = AlertId(3);
    let seen = vec![Seen {
        what: text("AAPL bid"),
        value: text("200.51"),
    }];
    vec![
        Fact::AlertSet {
            id,
            spec: Box::new(AlertSpec {
                condition: Condition::Any(any),
                repeat_s: Some(300),
                expires: Some(NOW),
                channels: [
                    Channel::Terminal,
                    Channel::Command,
                    Channel::Webhook,
                    Channel::Mail,
                ]
                .into(),
                stage: Some(text("buy 100 AAPL @bid")),
            }),
        },
        Fact::AlertRemoved { id },
        Fact::AlertPaused { id, paused: true },
        Fact::AlertFired {
            id,
            text: text("alert 3: AAPL bid > 200.5 (AAPL bid 200.51)"),
            seen,
            quote: Some(quote()),
        },
        Fact::AlertRearmed { id },
        Fact::AlertExpired { id },
        Fact::AlertDelivered {
            firing: 17,
            channel: Channel::Webhook,
            attempt: 2,
            failure: Some(text("it answered 500")),
            is_final: false,
        },
        Fact::BrokerAway {
            broker: key().broker,
            since: NOW,
        },
    ]
}

/// What programs at the network's door lead to.
fn program_facts() -> Vec<Fact> {
    let account = key();
    vec![
        Fact::ProgramOpened {
            session: SessionId(4),
            name: text("bot"),
            key: Some(text("abcdefgh")),
            address: text("127.0.0.1"),
        },
        Fact::KeyArmed {
            account,
            key: text("bot"),
            until: NOW,
        },
        Fact::KeyDisarmed {
            account,
            key: text("bot"),
            reason: text("disarmed by hand"),
        },
        Fact::ProgramsArmed { account, until: NOW },
        Fact::ProgramsDisarmed {
            account,
            reason: text("their time is over"),
        },
    ]
}

fn stop_facts() -> Vec<Fact> {
    let moves = StopMoves {
        breakeven: Some(Breakeven {
            after: price("0.4"),
            offset: price("0.01"),
        }),
        trailing: Some(Trailing {
            distance: price("0.5"),
            after: price("1"),
        }),
    };
    vec![
        Fact::StopPlanned { id: id(), moves },
        Fact::BracketResized {
            group: id(),
            set_aside: quantity("4"),
        },
        Fact::StopAdvanced {
            id: id(),
            to: price("189.5"),
            by: Mover::Breakeven,
        },
    ]
}

fn watch_facts() -> Vec<Fact> {
    let account = key();
    vec![
        Fact::HaltBegan {
            account,
            orders: vec![id(), id().child(2).unwrap()],
            stops_too: true,
        },
        Fact::HaltConfirmed {
            account,
            cancelled: 3,
            filled: 1,
        },
        Fact::CancelsUnconfirmed {
            account,
            orders: vec![id()],
        },
        Fact::DifferenceIgnored {
            ignored: Ignored {
                account,
                subject: Subject::Position(aapl()),
                seen: 3_405_691_582,
                by: text("a terminal, session 7"),
                until: Some(NOW),
            },
        },
        Fact::NakedFound {
            account,
            instrument: aapl(),
            quantity: quantity("100"),
            lost: true,
        },
        Fact::HaltFileChanged {
            file: Some(HaltFile {
                place: text("/home/me/run/halt"),
                reason: text("CPI at 8:30"),
            }),
        },
    ]
}

pub fn facts() -> Vec<Fact> {
    let orders = account_facts().into_iter().chain(order_facts());
    let orders = orders.chain(alert_facts()).chain(program_facts());
    orders
        .chain(stop_facts())
        .chain(watch_facts())
        .chain(risk_facts())
        .chain(parking_facts())
        .chain(scope_facts())
        .collect()
}

fn parking_facts() -> Vec<Fact> {
    use tradewind::engine::Origin;
    use tradewind::engine::breaker::{BreakerCause, BreakerState};
    use tradewind::engine::changes::{ChangeCause, ExDate, PositionChange};
    use tradewind::engine::parking::ParkTerms;
    let by = Origin {
        session: SessionId(7),
        kind: SessionKind::Terminal,
    };
    vec![
        Fact::OrderParked {
            id: id(),
            spec: limit(),
            terms: ParkTerms {
                until: NOW,
                session_ends: Timestamp::MAX,
                reference: price("189.495"),
                held: quantity("-3"),
                closes: true,
            },
            by,
        },
        Fact::OrderChained {
            id: id(),
            spec: limit(),
            after: ClientOrderId::new("TW01KB2QW5ZC3V6M8N0P4R7T9XYA").unwrap(),
        },
        Fact::ChainReleased {
            id: id(),
            quote: None,
        },
        Fact::ScaleOutStarted {
            exit: id(),
            spec: limit(),
            ways: vec![
                Way::Stop {
                    id: id(),
                    gives: quantity("50"),
                    leaves: quantity("50"),
                },
                Way::Bracket {
                    group: id(),
                    gives: quantity("25"),
                    set_aside: quantity("25"),
                },
            ],
        },
        Fact::ScaleOutEnded {
            account: key(),
            instrument: aapl(),
            failure: Some(text("30 of 50 AAPL closed")),
        },
        Fact::ParkAsked { id: id() },
        Fact::ParkConfirmed { id: id(), by },
        Fact::ParkReleased {
            id: id(),
            quantity: quantity("60"),
        },
        Fact::BreakerMoved {
            broker: key().broker,
            to: BreakerState::Open,
            cause: BreakerCause::SlowJournal,
            text: text("commits of the journal take 300 ms"),
            lasts: true,
        },
        Fact::PositionChanged {
            account: key(),
            instrument: aapl(),
            cause: ChangeCause::Split,
            change: PositionChange::Scale { new: 4, old: 1 },
            note: text("split AAPL 4:1"),
        },
        Fact::ExDateSet {
            instrument: aapl(),
            ex: Some(ExDate {
                date: text("2026-12-04"),
                what: text("split 4:1"),
            }),
        },
        Fact::LeaseRenewed {
            holder: text("key k7Qx2v"),
            seconds: 60,
        },
        Fact::LeaseEnded {
            holder: text("key k7Qx2v"),
            ran_out: true,
        },
        Fact::BreakerAcknowledged {
            broker: key().broker,
            by: text("a person at a terminal"),
        },
    ]
}

fn risk_facts() -> Vec<Fact> {
    use tradewind::engine::risk::usage::Amount;
    use tradewind::engine::risk::{HoldCause, LossStage};
    let (account, reason) = (key(), text("its time is over"));
    vec![
        Fact::RiskDayBegan {
            account,
            from: NOW,
            until: Timestamp(NOW.0 + 86_400_000_000_000),
            opening: money("1000000.25"),
            marks: BTreeMap::from([(aapl(), price("189.5"))]),
        },
        Fact::LossStaged {
            account,
            stage: LossStage::Reached,
            loss: money("20000.5"),
            threshold: money("20000"),
            currency: Currency::USD,
            does: Breach::Lock,
            until: NOW,
        },
        Fact::RiskHeld {
            account,
            cause: HoldCause::LossStreak,
            until: Some(NOW),
            text: text("4 losing exits within an hour"),
        },
        Fact::RiskReleased {
            account,
            cause: HoldCause::RepeatedExecutions,
            reason: reason.clone(),
        },
        Fact::LimitChanged {
            account: Some(account),
            name: LimitName::MaxOrderValue,
            value: LimitValue::Money(money("5000")),
            before: LimitValue::Money(money("1000000")),
            until: Some(NOW),
            by: text("a terminal, session 3"),
        },
        Fact::LimitReverted {
            account: None,
            name: LimitName::AllowShort,
            value: LimitValue::Flag(true),
            reason,
        },
        Fact::FundsReported {
            account,
            currency: Currency::USD,
            excess: money("912345.67"),
            lends: None,
        },
        Fact::SectorsSet {
            sectors: BTreeMap::from([(aapl(), text("Technology"))]),
        },
        Fact::LimitBreached {
            account,
            name: LimitName::MaxNameBps,
            of: Some(aapl()),
            used: Amount::Money(money("205000.5")),
            most: Amount::Money(money("200000")),
            currency: Currency::USD,
            does: Breach::CancelEntries,
        },
        Fact::BreachEnded {
            account,
            name: LimitName::MaxTotalOrders,
            of: None,
            reason: text("190 of 200"),
        },
    ]
}

/// What limits of scopes, senders and rule packs are told by.
fn scope_facts() -> Vec<Fact> {
    use tradewind::engine::risk::Sender;
    let scope = Scope::Key(text("bot"));
    let value = LimitValue::Money(money("5000"));
    let sender = Sender::Key {
        name: text("bot"),
        key: text("tw_8f3a"),
    };
    let pack = RulePack {
        title: text("A firm 50K"),
        dated: text("2026-11-27"),
        source: text("its own page"),
        currency: Currency::USD,
        start: money("50000"),
        profit_target: Some(money("3000")),
        daily_loss: Some(money("1000")),
        max_drawdown: Some(money("2000")),
        drawdown: Drawdown::Intraday,
        drawdown_stops_at: Some(money("50100")),
        contracts: Some(5),
        micros: vec![InstrumentId::new("MES").unwrap()],
        consistency_percent: Some(50),
        flat: Some(text("Mon-Fri 15:10-17:00 America/Chicago")),
        flat_minutes: 5,
        ours_percent: 95,
    };
    vec![
        Fact::ScopesSet {
            scopes: BTreeMap::from([
                (scope.clone(), BTreeMap::from([(LimitName::MaxOrderValue, value)])),
                (
                    Scope::Instrument(aapl()),
                    BTreeMap::from([(LimitName::AllowShort, LimitValue::Flag(false))]),
                ),
            ]),
        },
        Fact::SenderNamed {
            session: SessionId(3),
            name: text("bot"),
            key: Some(text("tw_8f3a")),
            address: text("10.0.0.7"),
        },
        Fact::ScopedLimitChanged {
            scope: scope.clone(),
            name: LimitName::MaxOrderValue,
            value,
            before: None,
            until: Some(NOW),
            by: text("a terminal, session 3"),
        },
        Fact::ScopedLimitReverted {
            scope,
            name: LimitName::MaxOrderValue,
            value: None,
            reason: text("its time is over"),
        },
        Fact::SenderStopped {
            sender: sender.clone(),
        },
        Fact::SenderResumed { sender },
        Fact::RulesSet {
            packs: BTreeMap::from([(key().account, pack)]),
        },
        Fact::PeakRaised {
            account: key(),
            high: money("51500.25"),
        },
    ]
}

/// Facts with what came to their kinds later, each beside the first golden file of its kind: what is absent from that one
/// and present here.
pub fn additions() -> Vec<(&'static str, Fact)> {
    let submitted = |kind, tif, outside_hours| {
        let spec = OrderSpec {
            outside_hours,
            ..spec(kind, tif)
        };
        let (oco, quote) = (None, None);
        Fact::Submitted {
            id: id(),
            spec,
            oco,
            quote,
        }
    };
    let amount = Distance::Amount { amount: price("0.5") };
    let trail = OrderKind::Trail {
        trigger: None,
        distance: Distance::Percent { hundredths: 250 },
    };
    let trail_limit = OrderKind::TrailLimit {
        trigger: Some(price("188")),
        distance: amount,
        offset: price("0.1"),
    };
    let on_close = OrderKind::LimitOnClose {
        price: price("189.5"),
    };
    let capped = OrderKind::Midprice {
        cap: Some(price("189.6")),
    };
    let free = OrderKind::Midprice { cap: None };
    let wider = OrderChange {
        distance: Some(amount),
        ..OrderChange::default()
    };
    let mut option = instrument();
    option.kind = InstrumentKind::Option;
    option.option = Some(OptionTerms {
        underlying: aapl(),
        strike: price("190"),
        right: OptionRight::Put,
        american: Some(true),
    });
    let share = Instrument {
        sector: Some(text("Technology")),
        ..instrument()
    };
    let unlisted = Instrument {
        listed_on: Text::new("PINK").ok(),
        ..instrument()
    };
    let unlent = Fact::FundsReported {
        account: key(),
        currency: Currency::USD,
        excess: money("912345.67"),
        lends: Some(false),
    };
    let limits = Limits {
        max_quantity_option: quantity("5"),
        ..Limits::default()
    };
    let day = TimeInForce::Day;
    vec![
        ("trail", submitted(trail, TimeInForce::Gtc, true)),
        ("trail_limit", submitted(trail_limit, day, false)),
        ("market_on_close", submitted(OrderKind::MarketOnClose, day, false)),
        ("limit_on_close", submitted(on_close, day, false)),
        ("midprice", submitted(free, day, false)),
        ("midprice_capped", submitted(capped, day, false)),
        ("opening", submitted(OrderKind::Market, TimeInForce::Opg, false)),
        (
            "distance",
            Fact::ModifyRequested {
                id: id(),
                change: wider,
            },
        ),
        ("option", Fact::InstrumentListed { instrument: option }),
        ("sector", Fact::InstrumentListed { instrument: share }),
        ("listed_on", Fact::InstrumentListed { instrument: unlisted }),
        ("lends", unlent),
        (
            "averages",
            Fact::ReconcileEnded {
                account: key(),
                pass: 7,
                failure: None,
                mismatches: vec![(aapl(), quantity("100"), quantity("400"))],
                averages: vec![(aapl(), price("47.375"))],
            },
        ),
        ("option_limit", Fact::LimitsSet { limits }),
        (
            "nearest",
            Fact::Denied {
                id: id(),
                spec: limit(),
                denial: Denial::new(DenialCode::BadPrice, "between ticks").near(price("189.5")),
            },
        ),
    ]
}

/// As many events as wanted, in batches of up to three.
pub fn events(from: u64, count: u64) -> Vec<Event> {
    let facts = facts();
    let actors = [
        Actor::Engine,
        Actor::Timer,
        Actor::Session(SessionId(3)),
        Actor::Broker(key().broker),
    ];
    (from..from + count)
        .map(|sequence| Event {
            sequence,
            at: Timestamp(NOW.0 + i64::try_from(sequence).unwrap()),
            batch: sequence - (sequence - 1) % 3,
            actor: actors[usize::try_from(sequence % 4).unwrap()],
            cause: (sequence % 5 == 0).then(|| sequence - 1),
            fact: facts[usize::try_from(sequence).unwrap() % facts.len()].clone(),
        })
        .collect()
}
