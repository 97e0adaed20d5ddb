//! Row F8 in virtual time: two weeks over each change of daylight, and what is said when.

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}
fn plan() -> Plan {
    let parse = |text: &str| text.parse().unwrap();
    Plan {
        restart: Some(parse("23:45 America/New_York")),
        resets: vec![
            parse("Sun-Fri 00:15-01:45 America/New_York"),
            parse("Fri 23:00-03:00 America/New_York"),
        ],
        login: Some(parse("Sun 01:00 America/New_York")),
    }
}

/// One thing said: when, and what. Steps as the adapter does, by its own naps.
fn two_weeks(plan: Plan, from: &str) -> Vec<(String, String)> {
    let mut now = at(from);
    let end = now.after(Duration::from_secs(14 * 86_400));
    let mut watch = Watch::new(plan);
    let mut said = Vec::new();
    while now < end {
        for event in watch.step(now) {
            let words = match event {
                BrokerEvent::Paused { pause: Some(pause) } => pause.what.to_string(),
                BrokerEvent::Paused { pause: None } => "over".to_owned(),
                BrokerEvent::Told { text } => text.to_string(),
                other => panic!("{other:?}"),
            };
            said.push((now.to_string(), words));
        }
        now = now.after(watch.nap(now));
    }
    said
}

fn times(said: &[(String, String)], of: &str) -> Vec<String> {
    let chosen = said.iter().filter(|(_, words)| words.contains(of));
    chosen.map(|(at, _)| at.clone()).collect()
}

/// A day of a month and a time, as what is said has them.
fn utc(days: &[(u32, u32)], time: &str) -> Vec<String> {
    days.iter()
        .map(|(month, day)| at(&format!("2026-{month:02}-{day:02}T{time}Z")).to_string())
        .collect()
}

fn days(month: u32, range: std::ops::RangeInclusive<u32>) -> Vec<(u32, u32)> {
    range.map(|day| (month, day)).collect()
}

#[test]
fn f8_every_restart_comes_once_a_day_at_its_moment_over_both_changes_of_daylight() {
    let restarts = Plan {
        resets: Vec::new(),
        login: None,
        ..plan()
    };
    // Spring: 23:45 New York is 04:45 UTC until 7 March, 03:45 UTC from the 8th on.
    let spring = two_weeks(restarts.clone(), "2026-03-01T12:00:00Z");
    let quiet = [
        utc(&days(3, 2..=8), "04:43:00"),
        utc(&days(3, 9..=15), "03:43:00"),
    ]
    .concat();
    assert_eq!(times(&spring, "restart of TWS at 23:45 New York"), quiet);
    let over = [
        utc(&days(3, 2..=8), "04:50:00"),
        utc(&days(3, 9..=15), "03:50:00"),
    ]
    .concat();
    assert_eq!(times(&spring, "over")[1..], over);
    assert_eq!(spring.len(), 29, "nothing else is said");
    // Autumn: the clocks go back on 1 November.
    let autumn = two_weeks(restarts, "2026-10-25T12:00:00Z");
    let before = [days(10, 26..=31), days(11, 1..=1)].concat();
    let quiet = [utc(&before, "03:43:00"), utc(&days(11, 2..=8), "04:43:00")].concat();
    assert_eq!(times(&autumn, "restart"), quiet);
    assert_eq!(autumn.len(), 29);
}

#[test]
fn f8_the_broker_s_own_resets_are_met_and_what_overlaps_is_one_pause() {
    let said = two_weeks(plan(), "2026-10-25T12:00:00Z");
    // Sunday to Friday, 00:15 New York: 04:15 UTC before the change, on its day too, and 05:15 after it.
    let before = [days(10, 26..=30), days(11, 1..=1)].concat();
    let after = [days(11, 2..=6), days(11, 8..=8)].concat();
    let quiet = [utc(&before, "04:13:00"), utc(&after, "05:13:00")].concat();
    assert_eq!(times(&said, "00:15 to 01:45"), quiet);
    // Of Friday night's reset the restart at 23:45 is a part.
    let fridays = [utc(&[(10, 31)], "02:58:00"), utc(&[(11, 7)], "03:58:00")].concat();
    assert_eq!(times(&said, "Fri 23:00 to 03:00"), fridays);
    assert_eq!(times(&said, "restart of TWS at").len(), 12);
    let pauses = 12 + 12 + 2;
    assert_eq!(times(&said, "over").len(), 1 + pauses);
    // The night of the change: 01:45 comes twice, and the first one ends it.
    assert!(times(&said, "over").contains(&at("2026-11-01T05:45:00Z").to_string()));
    // The login: announced twelve hours before, once a week.
    let logins = [utc(&[(10, 31)], "17:00:00"), utc(&[(11, 7)], "18:00:00")].concat();
    assert_eq!(
        times(&said, "log in after Sun 01:00 New York, in 12:00:00"),
        logins
    );
}

#[test]
fn what_is_next_is_shown_with_a_login_that_is_near() {
    let words = |now: &str| {
        let now = at(now);
        let shown = plan().shown(now);
        shown.iter().map(|pause| pause.words(now)).collect::<Vec<_>>()
    };
    // 25 November 2026 is a Wednesday.
    assert_eq!(
        words("2026-11-25T17:00:00Z"),
        ["restart of TWS at 23:45 New York, in 11:45:00"]
    );
    assert_eq!(
        words("2026-11-28T06:00:00Z"),
        [
            "reset of Interactive Brokers, Fri 23:00 to 03:00 New York, over in 2:00:00",
            "TWS wants a login after Sun 01:00 New York, in 1d 0h"
        ]
    );
    assert!(Plan::default().shown(at("2026-11-25T17:00:00Z")).is_empty());
}

#[test]
fn an_engine_that_starts_inside_a_pause_says_so_first() {
    let mut watch = Watch::new(plan());
    let now = at("2026-11-25T04:46:00Z");
    let first = watch.step(now);
    assert!(
        matches!(&first[..], [BrokerEvent::Paused { pause: Some(pause) }] if pause.until == at("2026-11-25T04:50:00Z")),
        "{first:?}"
    );
    assert!(watch.step(now).is_empty(), "once");
    assert!(watch.nap(now) <= Duration::from_secs(20));
}
