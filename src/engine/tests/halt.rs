//! A halt: what leaves first, what stays, and that a cancel is asked for until the broker has confirmed it.

use super::*;
use crate::engine::event::Fact;
use crate::engine::halt::HaltFile;

fn halt(stops_too: bool) -> Command {
    Command::Halt {
        account: None,
        reason: "enough".into(),
        stops_too,
    }
}

fn note(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done { note: Some(note), .. } => note.to_string(),
        other => panic!("{other:?}"),
    }
}

fn resume(desk: &mut Desk) -> Outcome {
    desk.command(Command::SetTrading {
        account: account(),
        state: TradingState::Active,
        reason: "again".into(),
    })
}

fn waiting(desk: &Desk) -> Vec<String> {
    let halt = &desk.engine.state().halts[&account()];
    halt.waiting.keys().map(ToString::to_string).collect()
}

/// Requests in the order in which the engine's process lets them leave: cancels before their commit, all else after it.
struct Process {
    desk: Desk,
    uncommitted: Vec<Vec<Event>>,
}

impl Process {
    fn take(&mut self, input: &Input) {
        let events = self
            .desk
            .engine
            .step(&self.desk.market, input, self.desk.now)
            .events;
        let early = events.iter().filter(|event| event.fact.leaves_before_commit());
        for event in early {
            self.release(event);
        }
        self.uncommitted.push(events);
    }
    fn command(&mut self, command: Command) {
        let command = self.desk.looked_at(command);
        let origin = self.desk.origin;
        self.take(&Input::Command { origin, command });
    }
    fn commit(&mut self) {
        for events in std::mem::take(&mut self.uncommitted) {
            for event in events.iter().filter(|event| !event.fact.leaves_before_commit()) {
                self.release(event);
            }
        }
    }
    fn release(&mut self, event: &Event) {
        match self.desk.engine.release(event) {
            Release::Nothing => {}
            Release::Send(request) => self.desk.outbox.push(request),
            Release::Withhold(fact) => {
                let batch = self.desk.engine.record(fact, self.desk.now);
                self.uncommitted.push(batch.events);
            }
        }
    }
}

/// What is measured: no message leaves between the halt and its first cancel, and none that adds risk at all, whatever
/// was asked for and is on its way to the disk.
#[test]
fn nothing_leaves_between_the_halt_and_its_first_cancel() {
    let mut desk = Desk::ready();
    for number in 0..10 {
        desk.working(&format!("W{number}"), spec(Side::Buy, 1 + number, limit("99")));
    }
    desk.sent();
    let mut process = Process {
        desk,
        uncommitted: Vec::new(),
    };
    for number in 0..5 {
        process.desk.now = process.desk.now.after(SECOND);
        process.command(Command::Submit {
            id: id(&format!("N{number}")),
            spec: spec(Side::Buy, 50 + number, limit("99")),
            legs: Legs::default(),
            seen: None,
        });
    }
    let larger = OrderChange {
        quantity: Some(q(500)),
        ..OrderChange::default()
    };
    process.command(Command::Modify {
        id: id("W3"),
        change: larger,
    });
    process.command(halt(false));
    process.commit();
    process.commit();
    let sent = process.desk.sent();
    let first_cancel = sent.iter().position(|request| request.starts_with("cancel"));
    assert_eq!(first_cancel, Some(0), "{sent:?}");
    assert_eq!(sent.len(), 15, "15 cancels and nothing else: {sent:?}");
    assert!(
        sent.iter().all(|request| request.starts_with("cancel")),
        "{sent:?}"
    );
    for number in 0..5 {
        assert_eq!(process.desk.phase(&format!("N{number}")), Phase::NotSent);
    }
}

#[test]
fn what_adds_risk_goes_first_and_stops_stay_unless_told() {
    let mut desk = Desk::holding(100);
    desk.working("S", spec(Side::Sell, 60, OrderKind::Stop { trigger: p("95") }));
    desk.working("T", spec(Side::Sell, 40, limit("110")));
    desk.working("B", spec(Side::Buy, 10, limit("99")));
    desk.sent();
    // Stop and limit together close no more than is held: taking them off would leave more risk.
    assert_eq!(note(desk.command(halt(false))), "1 cancel, kept: 1 stop, 1 exit");
    assert_eq!(desk.sent(), ["cancel B"]);
    assert_eq!(note(desk.command(halt(true))), "3 cancels");
    assert_eq!(desk.sent(), ["cancel B", "cancel T", "cancel S"]);
}

#[test]
fn a_cancel_is_repeated_with_growing_pauses_named_and_confirmed_at_last() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 10, limit("99")));
    desk.working("B", spec(Side::Buy, 20, limit("99")));
    desk.sent();
    desk.command(halt(false));
    assert_eq!(desk.sent(), ["cancel A", "cancel B"]);
    desk.fill("A", 10, "99");
    assert_eq!(waiting(&desk), ["B"], "filled first: nothing is left to cancel");
    let cancels = |desk: &mut Desk| {
        let sent = desk.sent();
        sent.iter().filter(|request| *request == "cancel B").count()
    };
    // After 1, 3 and 7 seconds. A refusal is no end.
    desk.wait(1);
    assert_eq!(cancels(&mut desk), 1);
    desk.report(Report::CancelRejected {
        id: id("B"),
        reason: "try later".into(),
    });
    desk.wait(1);
    assert_eq!(cancels(&mut desk), 0);
    desk.wait(1);
    assert_eq!(cancels(&mut desk), 1);
    desk.wait(4);
    assert_eq!(cancels(&mut desk), 1);
    let told = |desk: &Desk| {
        let named = desk.events.iter();
        named
            .filter(|event| matches!(&event.fact, Fact::CancelsUnconfirmed { orders, .. } if *orders == [id("B")]))
            .count()
    };
    assert_eq!(told(&desk), 0);
    desk.wait(60);
    assert_eq!(told(&desk), 1, "named once");
    let named = desk.engine.state().notices.iter();
    let named = named
        .filter(|notice| notice.text.as_str().contains("NOT CONFIRMED"))
        .count();
    assert_eq!(named, 1);
    assert!(cancels(&mut desk) >= 3, "and asked for on");
    desk.cancelled("B");
    assert!(
        desk.last_word()
            .contains("every cancel is confirmed, 2 orders ended, 1 was filled first"),
        "{}",
        desk.last_word()
    );
    let until = desk.now;
    desk.wait(120);
    assert_eq!(cancels(&mut desk), 0);
    assert!(desk.now > until && waiting(&desk).is_empty());
    assert!(matches!(resume(&mut desk), Outcome::Done { .. }));
    assert!(desk.engine.state().halts.is_empty());
}

#[test]
fn without_a_link_a_cancel_waits_and_goes_first_when_it_is_back() {
    let mut desk = Desk::ready();
    desk.working("A", spec(Side::Buy, 10, limit("99")));
    desk.broker(BrokerEvent::Down {
        reason: "1100".into(),
    });
    desk.sent();
    desk.command(halt(false));
    let before = desk.events.len();
    desk.wait(120);
    assert_eq!(desk.sent(), Vec::<String>::new());
    assert!(
        desk.events.len() - before < 10,
        "nothing is asked for again without a link"
    );
    let notices = &desk.engine.state().notices;
    assert!(
        notices
            .iter()
            .any(|notice| notice.text.as_str().contains("NOT CONFIRMED"))
    );
    desk.up(AccountClass::Sim);
    assert_eq!(desk.sent()[0], "cancel A");
    // A new process goes on with it.
    desk.engine = Engine::new(desk.engine.state().clone());
    desk.start();
    desk.up(AccountClass::Sim);
    assert_eq!(desk.sent()[0], "cancel A");
    desk.cancelled("A");
    assert!(waiting(&desk).is_empty());
}

#[test]
fn the_exit_of_a_flatten_is_no_entry() {
    let mut desk = Desk::holding(100);
    desk.command(Command::Flatten {
        id: id("X"),
        account: account(),
        instrument: aapl(),
    });
    desk.read(&[], &[]);
    assert_eq!(desk.sent().last().unwrap(), "place X SELL 100 AAPL mkt day");
    desk.command(halt(false));
    assert_eq!(desk.sent(), Vec::<String>::new());
}

#[test]
fn a_file_halts_everything_that_is_known_and_that_comes_and_only_its_removal_lets_anybody_resume() {
    let file = |reason: &str| Input::HaltFile {
        file: Some(HaltFile {
            place: "/run/halt".into(),
            reason: reason.into(),
        }),
    };
    let mut desk = Desk::holding(100);
    desk.working("S", spec(Side::Sell, 100, OrderKind::Stop { trigger: p("95") }));
    desk.working("B", spec(Side::Buy, 10, limit("99")));
    desk.sent();
    desk.step(&file("CPI"));
    assert_eq!(desk.sent(), ["cancel B"]);
    desk.cancelled("B");
    let entry = &desk.engine.state().accounts[&account()];
    assert_eq!(entry.trading, TradingState::Halted);
    assert_eq!(entry.trading_reason.as_ref().unwrap().as_str(), "halt file: CPI");
    let (code, words) = refusal(resume(&mut desk));
    assert_eq!(code, DenialCode::Trading);
    assert!(words.contains("remove /run/halt"), "{words}");
    // The next process finds it, and an account that it did not know.
    let mut state = desk.engine.state().clone();
    state.accounts.clear();
    desk.engine = Engine::new(state);
    desk.start();
    let before = desk.events.len();
    desk.step(&file("CPI"));
    assert_eq!(desk.events.len(), before, "nothing new");
    desk.up(AccountClass::Sim);
    let entry = &desk.engine.state().accounts[&account()];
    assert_eq!(entry.trading, TradingState::Halted);
    // Gone: still halted, and a person may resume.
    desk.step(&Input::HaltFile { file: None });
    let entry = &desk.engine.state().accounts[&account()];
    assert_eq!(entry.trading, TradingState::Halted);
    desk.command(Command::OpenSession);
    assert!(matches!(resume(&mut desk), Outcome::Done { .. }));
    assert_eq!(
        desk.engine.state().accounts[&account()].trading,
        TradingState::Active
    );
}
