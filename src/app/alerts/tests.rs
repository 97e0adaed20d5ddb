//! Ways out against listeners on this machine: what arrives, what is tried again, and what is given up.

use super::*;
use crate::config::MailTls;
use crate::engine::alerts::AlertId;
use crate::engine::state::State;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A text that a shell would act on.
const TEXT: &str = "alert 3: AAPL > 200 ($(touch evil) `touch evil`; AAPL last 200.05)";

fn firing() -> Firing {
    Firing {
        sequence: 41,
        at: Timestamp::parse("2026-11-20T15:00:00Z").unwrap(),
        alert: Some(AlertId(3)),
        text: SafeText::new(TEXT),
        channels: BTreeSet::new(),
        stage: Some(SafeText::new("buy 100 AAPL @bid")),
        deliveries: Vec::new(),
    }
}

/// Tells one firing, and answers with every report up to the final one.
async fn told(settings: &AlertSettings) -> Vec<(u32, Option<String>, bool)> {
    let (mut ways, faults) = Ways::paced(settings, "test", Duration::from_millis(5));
    assert_eq!(faults, Vec::<String>::new());
    let mut state = State::default();
    state.alerts.firings.push_back(firing());
    let mut reports = ways.listen();
    assert!(ways.resume(&state, firing().at).is_empty());
    let mut seen = Vec::new();
    while let Some(Fact::AlertDelivered {
        firing: 41,
        attempt,
        failure,
        is_final,
        ..
    }) = reports.recv().await
    {
        seen.push((attempt, failure.map(|why| why.to_string()), is_final));
        if is_final {
            break;
        }
    }
    seen
}

#[tokio::test]
async fn a_command_gets_the_text_in_its_environment_and_never_on_its_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told");
    let script = r#"cd "$(dirname "$0")"; { echo "$TRADEWIND_ALERT_TEXT|$TRADEWIND_ALERT_ID|$TRADEWIND_ALERT_STAGE|$CARGO"; cat; } > "$0""#;
    let settings = AlertSettings {
        command: ["/bin/sh", "-c", script, file.to_str().unwrap()]
            .map(String::from)
            .to_vec(),
        ..AlertSettings::default()
    };
    assert_eq!(told(&settings).await, [(1, None, true)]);
    let written = std::fs::read_to_string(&file).unwrap();
    let (line, json) = written.split_once('\n').unwrap();
    assert_eq!(
        line,
        format!("{TEXT}|3|buy 100 AAPL @bid|"),
        "our own environment stays here"
    );
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!((&json["text"], &json["firing"]), (&TEXT.into(), &41.into()));
    assert!(!folder.path().join("evil").exists());
}

#[tokio::test]
async fn a_command_that_fails_or_hangs_is_tried_again_given_up_and_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let settings = |script: &str, attempts| AlertSettings {
        command: ["/bin/sh", "-c", script, pids.to_str().unwrap()]
            .map(String::from)
            .to_vec(),
        attempts,
        timeout_s: 1,
        ..AlertSettings::default()
    };
    let reports = told(&settings("exit 3", 3)).await;
    assert_eq!(
        reports
            .iter()
            .map(|report| (report.0, report.2))
            .collect::<Vec<_>>(),
        [(1, false), (2, false), (3, true)]
    );
    assert!(
        reports[2].1.as_ref().unwrap().contains("exit status: 3"),
        "{reports:?}"
    );
    let reports = told(&settings(
        "echo $$ > \"$0\"; sleep 600 & echo $! >> \"$0\"; wait",
        1,
    ))
    .await;
    assert_eq!(reports, [(1, Some("no answer within 1 s".to_owned()), true)]);
    for pid in std::fs::read_to_string(&pids).unwrap().lines() {
        let stat = std::path::PathBuf::from(format!("/proc/{pid}/stat"));
        // Gone, or ended and not yet waited for by whoever inherited it.
        let is_over = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        for _ in 0..500 {
            if is_over() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(is_over(), "process {pid} goes on");
    }
}

/// Reads one request and answers it.
async fn answer(stream: &mut TcpStream, status: &str) -> String {
    let mut request = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let count = stream.read(&mut piece).await.unwrap();
        request.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&request);
        let body = text
            .split_once("\r\n\r\n")
            .map(|(head, body)| (head.to_lowercase(), body.len()));
        let length = |head: &str| {
            let line = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            line.and_then(|length| length.trim().parse::<usize>().ok())
        };
        if count == 0 || body.is_some_and(|(head, got)| length(&head).is_some_and(|wanted| got >= wanted)) {
            break;
        }
    }
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8(request).unwrap()
}

#[tokio::test]
async fn a_webhook_is_tried_again_after_a_fault_of_the_server_and_not_after_ours() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = AlertSettings {
        webhook: format!("http://{}/hook?token=secret", listener.local_addr().unwrap()),
        ..AlertSettings::default()
    };
    let server = tokio::spawn(async move {
        let mut requests = Vec::new();
        for status in [
            "500 Oops",
            "200 OK",
            "404 Not Found",
            "302 Found\r\nlocation: http://127.0.0.1:1/",
        ] {
            let (mut stream, _) = listener.accept().await.unwrap();
            requests.push(answer(&mut stream, status).await);
        }
        requests
    });
    let reports = told(&settings).await;
    assert_eq!(reports.len(), 2);
    assert_eq!((reports[0].0, reports[0].2), (1, false));
    assert!(reports[0].1.as_ref().unwrap().contains("500"));
    assert_eq!(reports[1], (2, None, true));
    for wanted in ["404", "302"] {
        let reports = told(&settings).await;
        assert!(
            reports.len() == 1 && reports[0].2 && reports[0].1.as_ref().unwrap().contains(wanted),
            "{reports:?}"
        );
    }
    let requests = server.await.unwrap();
    assert!(requests[1].starts_with("POST /hook?token=secret HTTP/1.1\r\n"));
    assert!(
        requests[1]
            .to_lowercase()
            .contains("idempotency-key: test-41\r\n")
    );
    let body = requests[1].split_once("\r\n\r\n").unwrap().1;
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(json["text"], TEXT);
    assert_eq!(json["stage"], "buy 100 AAPL @bid");
    // Nobody listens any more: what is said of it does not tell the address.
    let reports = told(&AlertSettings {
        attempts: 1,
        ..settings
    })
    .await;
    assert!(reports[0].1.as_ref().unwrap().contains("refused"), "{reports:?}");
    assert!(!reports[0].1.as_ref().unwrap().contains("secret"), "{reports:?}");
}

/// One conversation of a mail server that takes everything, or is busy at first. Answers with what was said to it.
async fn converse(stream: TcpStream, busy: bool) -> Vec<String> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test ready\r\n").await.unwrap();
    let (mut said, mut in_letter) = (Vec::new(), false);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return said;
        }
        let line = line.trim_end().to_owned();
        let answer = match line.get(..4).unwrap_or(&line) {
            _ if in_letter && line == "." => {
                in_letter = false;
                "250 taken"
            }
            _ if in_letter => "",
            "EHLO" => "250 test",
            "MAIL" if busy => "451 busy, later",
            "DATA" => {
                in_letter = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 well",
        };
        said.push(line);
        if !answer.is_empty() {
            stream
                .write_all(format!("{answer}\r\n").as_bytes())
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn a_mail_reaches_its_server_after_it_was_busy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = AlertSettings {
        smtp_host: "127.0.0.1".into(),
        smtp_port: listener.local_addr().unwrap().port(),
        smtp_tls: MailTls::None,
        mail_from: "Desk <desk@example.org>".into(),
        mail_to: vec!["me@example.org".into(), "you@example.org".into()],
        ..AlertSettings::default()
    };
    let server = tokio::spawn(async move {
        let (first, _) = listener.accept().await.unwrap();
        converse(first, true).await;
        let (second, _) = listener.accept().await.unwrap();
        converse(second, false).await
    });
    let reports = told(&settings).await;
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert!(reports[0].1.as_ref().unwrap().contains("busy"), "{reports:?}");
    assert_eq!(reports[1], (2, None, true));
    let said = server.await.unwrap().join("\n");
    for wanted in [
        "MAIL FROM:<desk@example.org>",
        "RCPT TO:<me@example.org>",
        "RCPT TO:<you@example.org>",
        "Subject: [tradewind] alert 3: AAPL > 200",
        "staged, not sent: buy 100 AAPL @bid",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}

#[tokio::test]
async fn what_is_not_set_up_or_told_already_is_said_and_not_repeated() {
    let settings = AlertSettings {
        command: vec!["/bin/true".into()],
        ..AlertSettings::default()
    };
    let (mut ways, _) = Ways::paced(&settings, "test", Duration::from_millis(5));
    let mut reports = ways.listen();
    let mut state = State::default();
    let mut asked = firing();
    asked.channels = [Channel::Mail, Channel::Terminal, Channel::Command].into();
    state.alerts.firings.push_back(asked);
    let failed = ways.resume(&state, firing().at);
    assert!(
        matches!(&failed[..], [Fact::AlertDelivered { channel: Channel::Mail, is_final: true, failure: Some(why), .. }]
            if why.as_str().contains("no mail is set up")),
        "{failed:?}"
    );
    assert!(matches!(
        reports.recv().await,
        Some(Fact::AlertDelivered {
            channel: Channel::Command,
            failure: None,
            ..
        })
    ));
    let over = |channel| crate::engine::alerts::Delivery {
        channel,
        attempts: 1,
        at: firing().at,
        failure: None,
        is_final: true,
    };
    state.alerts.firings[0].deliveries = vec![over(Channel::Command), over(Channel::Mail)];
    assert!(ways.resume(&state, firing().at).is_empty());
    // News of yesterday is none.
    state.alerts.firings[0].deliveries.clear();
    assert!(
        ways.resume(&state, firing().at.after(NEWS + Duration::from_secs(1)))
            .is_empty()
    );
    drop(ways);
    assert!(reports.recv().await.is_none(), "nothing was told twice");
}

#[tokio::test]
async fn an_alert_that_could_not_be_told_as_it_asks_is_not_made() {
    let (ways, _) = Ways::open(&AlertSettings::default(), "test");
    let by = |way: Channel| Command::SetAlert {
        spec: Box::new(crate::engine::alerts::AlertSpec {
            condition: crate::engine::alerts::Condition::All(Vec::new()),
            repeat_s: None,
            expires: None,
            channels: [way].into(),
            stage: None,
        }),
    };
    let why = ways.lacks(&by(Channel::Mail)).unwrap();
    assert!(why.to_string().contains("no mail is set up"), "{why}");
    assert!(ways.lacks(&by(Channel::Terminal)).is_none());
}
