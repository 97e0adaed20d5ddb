//! The words in which faults are asked for, at run time and in a scenario's file alike, and that file: a seed and steps.
//! A scenario repeats: the same file over the same clients does the same.
//!
//! ```toml
//! seed = 7                       # chance of the faults that have a probability
//! [[step]]
//! at = "2s"                      # after the start
//! do = "say 1100"
//! [[step]]
//! at = "5s"
//! do = "say 1102"
//! ```

use serde::Deserialize;
use std::time::Duration;

/// The words, as `help` lists them.
pub(super) const HELP: &str = "\
say CODE [client N] [order N] [TEXT]; mute D; half-open D; cut [client N]; refuse D; accept-only D; slow MS; garbage [client N]; \
wrong-length [client N]; bad-order [client N]; hold-id N D; lower-next-id N; reject next|child|always|off [CODE] [TEXT]; \
duplicate P; reorder N; lose executions|statuses|all P; late MS; commission late MS|never|on-time; fill-after-cancel next; \
correct next; cut-reply positions|orders|executions|completed N; pace N|off; pending-submit on|off; delayed on|off; competing on|off; data-lost; restart [D]; clear; help. \
D is a time such as 500ms, 5s or 2m; P a probability from 0 to 1";

/// The longest that a fault lasts by itself.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// Which answers are cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reply {
    Positions,
    Orders,
    Executions,
    Completed,
}

/// Which orders are refused without the exchange being asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Rejecting {
    #[default]
    Off,
    Next,
    /// The next that has a parent.
    Child,
    Always,
}

/// When commissions are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Commission {
    #[default]
    OnTime,
    Late(Duration),
    Never,
}

/// One thing that an operator wants.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    Say {
        code: i32,
        client: Option<i32>,
        /// The order or request it belongs to; -1 for none.
        id: i32,
        text: String,
    },
    Mute(Duration),
    HalfOpen(Duration),
    Cut(Option<i32>),
    Refuse(Duration),
    AcceptOnly(Duration),
    Slow(Duration),
    Garbage(Option<i32>),
    WrongLength(Option<i32>),
    BadOrder(Option<i32>),
    HoldId(i32, Duration),
    LowerNextId(i32),
    Reject(Rejecting, i32, String),
    Duplicate(f64),
    Reorder(usize),
    /// Probabilities for executions with their commissions, and for orders with their statuses.
    Lose(Option<f64>, Option<f64>),
    Late(Duration),
    Commission(Commission),
    FillAfterCancel,
    Correct,
    CutReply(Reply, u32),
    /// Messages a second that a client may say.
    Pace(Option<u32>),
    PendingSubmit(bool),
    Delayed(bool),
    Competing(bool),
    DataLost,
    Restart(Duration),
    Clear,
    Help,
}

/// Reads words.
pub(super) fn parse(words: &str) -> Result<Word, String> {
    let mut rest: Vec<&str> = words.split_whitespace().collect();
    rest.reverse();
    let verb = rest.pop().unwrap_or_default();
    let word = verb_of(verb, &mut rest).ok_or_else(|| {
        format!(
            "'{}' means nothing here; what does: {HELP}",
            words.escape_default()
        )
    })?;
    match rest.pop() {
        Some(more) => Err(format!(
            "'{}' is too much after '{verb}'; see help",
            more.escape_default()
        )),
        None => Ok(word),
    }
}

/// `rest` holds the words that follow, the next one last.
fn verb_of(verb: &str, rest: &mut Vec<&str>) -> Option<Word> {
    Some(match verb {
        "say" => {
            let code = rest.pop()?.parse().ok()?;
            let client = client(rest)?;
            let id = number_after("order", rest)?.unwrap_or(-1);
            Word::Say {
                code,
                client,
                id,
                text: all(rest),
            }
        }
        "mute" => Word::Mute(time(rest.pop()?, 1_000)?),
        "half-open" => Word::HalfOpen(time(rest.pop()?, 1_000)?),
        "cut" => Word::Cut(client(rest)?),
        "refuse" => Word::Refuse(time(rest.pop()?, 1_000)?),
        "accept-only" => Word::AcceptOnly(time(rest.pop()?, 1_000)?),
        "slow" => Word::Slow(time(rest.pop()?, 1)?),
        "garbage" => Word::Garbage(client(rest)?),
        "wrong-length" => Word::WrongLength(client(rest)?),
        "bad-order" => Word::BadOrder(client(rest)?),
        "hold-id" => Word::HoldId(rest.pop()?.parse().ok()?, time(rest.pop()?, 1_000)?),
        "lower-next-id" => Word::LowerNextId(rest.pop()?.parse().ok()?),
        "reject" => reject(rest)?,
        "duplicate" => Word::Duplicate(chance(rest.pop()?)?),
        "reorder" => Word::Reorder(rest.pop()?.parse().ok().filter(|n| *n <= 1_000)?),
        "lose" => lose(rest)?,
        "late" => Word::Late(time(rest.pop()?, 1)?),
        "commission" => Word::Commission(match rest.pop()? {
            "late" => Commission::Late(time(rest.pop()?, 1)?),
            "never" => Commission::Never,
            "on-time" => Commission::OnTime,
            _ => return None,
        }),
        "fill-after-cancel" => only("next", rest, Word::FillAfterCancel)?,
        "correct" => only("next", rest, Word::Correct)?,
        "cut-reply" => cut_reply(rest)?,
        "pace" => Word::Pace(match rest.pop()? {
            "off" => None,
            most => Some(most.parse().ok()?),
        }),
        "delayed" => Word::Delayed(on_or_off(rest)?),
        "competing" => Word::Competing(on_or_off(rest)?),
        "pending-submit" => Word::PendingSubmit(on_or_off(rest)?),
        "data-lost" => Word::DataLost,
        "restart" => Word::Restart(match rest.pop() {
            Some(span) => time(span, 1_000)?,
            None => Duration::from_secs(5),
        }),
        "clear" => Word::Clear,
        "help" => Word::Help,
        _ => return None,
    })
}

fn on_or_off(rest: &mut Vec<&str>) -> Option<bool> {
    match rest.pop()? {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn only(wanted: &str, rest: &mut Vec<&str>, word: Word) -> Option<Word> {
    (rest.pop()? == wanted).then_some(word)
}

fn all(rest: &mut Vec<&str>) -> String {
    let mut words = std::mem::take(rest);
    words.reverse();
    words.join(" ")
}

/// `client N`, where it is said.
#[allow(clippy::option_option, reason = "said and wrong is not the same as not said")]
fn client(rest: &mut Vec<&str>) -> Option<Option<i32>> {
    number_after("client", rest)
}

/// A number after a word that may be left out.
#[allow(clippy::option_option, reason = "said and wrong is not the same as not said")]
fn number_after(word: &str, rest: &mut Vec<&str>) -> Option<Option<i32>> {
    if rest.last() != Some(&word) {
        return Some(None);
    }
    rest.pop();
    Some(Some(rest.pop()?.parse().ok()?))
}

fn reject(rest: &mut Vec<&str>) -> Option<Word> {
    let which = match rest.pop()? {
        "next" => Rejecting::Next,
        "child" => Rejecting::Child,
        "always" => Rejecting::Always,
        "off" => Rejecting::Off,
        _ => return None,
    };
    let code = rest.last().and_then(|code| code.parse().ok());
    if code.is_some() {
        rest.pop();
    }
    let text = all(rest);
    let text = if text.is_empty() {
        "refused on demand".to_owned()
    } else {
        text
    };
    Some(Word::Reject(which, code.unwrap_or(201), text))
}

fn lose(rest: &mut Vec<&str>) -> Option<Word> {
    let (what, chance) = (rest.pop()?, chance(rest.pop()?)?);
    match what {
        "executions" => Some(Word::Lose(Some(chance), None)),
        "statuses" => Some(Word::Lose(None, Some(chance))),
        "all" => Some(Word::Lose(Some(chance), Some(chance))),
        _ => None,
    }
}

fn cut_reply(rest: &mut Vec<&str>) -> Option<Word> {
    let reply = match rest.pop()? {
        "positions" => Reply::Positions,
        "orders" => Reply::Orders,
        "executions" => Reply::Executions,
        "completed" => Reply::Completed,
        _ => return None,
    };
    Some(Word::CutReply(reply, rest.pop()?.parse().ok()?))
}

fn chance(text: &str) -> Option<f64> {
    text.parse().ok().filter(|chance| (0.0..=1.0).contains(chance))
}

/// `500ms`, `5s`, `2m`, or a number of so many milliseconds each.
fn time(text: &str, unit: u64) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..)? {
        "" => unit,
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let span = digits
        .parse::<u64>()
        .ok()?
        .checked_mul(unit)
        .map(Duration::from_millis)?;
    (span <= LONGEST).then_some(span)
}

/// A scenario's file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    seed: Option<u64>,
    #[serde(default)]
    step: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: String,
    #[serde(rename = "do")]
    words: String,
}

/// A scenario, checked: its seed, and words by the time after the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Scenario {
    pub seed: Option<u64>,
    pub steps: Vec<(Duration, String)>,
}

impl Scenario {
    pub fn read(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut steps = Vec::new();
        for step in file.step {
            let at = time(&step.at, 1_000)
                .ok_or_else(|| format!("'{}' is no time such as 500ms or 5s", step.at))?;
            parse(&step.words)?;
            steps.push((at, step.words));
        }
        steps.sort_by_key(|step| step.0);
        Ok(Self {
            seed: file.seed,
            steps,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_and_nothing_else() {
        let good = [
            "say 1100",
            "say 1101 client 3 all is lost",
            "say 399 client 3 order 4 held",
            "say 2109 order 4",
            "pace 50",
            "pace off",
            "reject child",
            "mute 5s",
            "half-open 1m",
            "cut",
            "cut client 4",
            "refuse 10",
            "accept-only 500ms",
            "slow 20",
            "garbage",
            "wrong-length client 1",
            "bad-order",
            "hold-id 7 10s",
            "lower-next-id 5",
            "reject next",
            "reject always 201 no more",
            "reject off",
            "duplicate 0.3",
            "reorder 4",
            "lose executions 0.1",
            "lose all 1",
            "late 300",
            "commission never",
            "commission late 200ms",
            "commission on-time",
            "fill-after-cancel next",
            "correct next",
            "cut-reply positions 2",
            "pending-submit on",
            "delayed on",
            "competing off",
            "data-lost",
            "restart",
            "restart 3s",
            "clear",
            "help",
        ];
        for words in good {
            assert!(parse(words).is_ok(), "{words}: {:?}", parse(words));
        }
        let bad = [
            "",
            "say",
            "say x",
            "mute",
            "mute forever",
            "mute 100000h",
            "cut client",
            "duplicate 2",
            "duplicate NaN",
            "lose some 1",
            "clear all",
            "reorder 9999999999",
            "cut-reply quotes 1",
            "hold-id x 1s",
            "commission late",
            "say 399 order",
            "pace fast",
            "nonsense",
        ];
        for words in bad {
            assert!(parse(words).is_err(), "{words}");
        }
        assert_eq!(parse("mute 5"), Ok(Word::Mute(Duration::from_secs(5))));
        assert_eq!(parse("late 5"), Ok(Word::Late(Duration::from_millis(5))));
    }

    #[test]
    fn a_scenario_is_checked_before_anything_begins() {
        let read = Scenario::read(
            "seed = 3\n[[step]]\nat = '5s'\ndo = 'cut'\n[[step]]\nat = '1s'\ndo = 'mute 2s'\n",
        )
        .unwrap();
        assert_eq!(read.seed, Some(3));
        assert_eq!(read.steps[0], (Duration::from_secs(1), "mute 2s".to_owned()));
        for bad in [
            "seed = 'x'",
            "[[step]]\nat = '1s'\ndo = 'dance'",
            "[[step]]\nat = 'soon'\ndo = 'cut'",
            "sead = 1",
            "[",
        ] {
            assert!(Scenario::read(bad).is_err(), "{bad}");
        }
    }
}
