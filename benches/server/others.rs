//! Servers that do nothing but send: bytes framed before, axum, and FastAPI, from the shared folder's workload. Each has its own
//! client there, which tells what it heard.

use crate::figures::Process;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PORT: u16 = 18_081;

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program() -> Option<String> {
    std::env::var("TRADEWIND_WSREST").ok()
}

/// The Python with the shared folder's script.
fn python() -> Option<(String, String)> {
    let script = std::env::var("TRADEWIND_SHARED").ok()? + "/bench/wsrest/seed_server.py";
    Some((std::env::var("TRADEWIND_PYTHON").ok()?, script))
}

pub fn all(span: Duration, clients: usize) {
    let Some(program) = program() else {
        return println!("{:<52}skipped: TRADEWIND_WSREST is not set", "other servers");
    };
    for rate in [1_000, 10_000] {
        for batch in [0, 50] {
            let words = ["server", "raw", "PORT", "RATE", "BATCH"];
            let name = format!("framed before, {rate} a second, {batch} ms");
            one(
                &name,
                &program,
                start(&program, &words, rate, batch),
                span,
                clients,
            );
        }
    }
    let Some((python, script)) = python() else {
        return println!("{:<52}skipped: TRADEWIND_PYTHON is not set", "FastAPI");
    };
    for batch in [0, 50] {
        let server = Command::new(&python)
            .args([script.clone(), PORT.to_string()])
            .env("RATE", "1000")
            .env("BATCH", batch.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let name = format!("FastAPI, 1000 a second, {batch} ms");
        one(&name, &program, Server(server), span, clients);
    }
}

fn start(program: &str, words: &[&str], rate: u64, batch: u64) -> Server {
    let words = words.iter().map(|word| match *word {
        "PORT" => PORT.to_string(),
        "RATE" => rate.to_string(),
        "BATCH" => batch.to_string(),
        word => word.to_owned(),
    });
    let server = Command::new(program)
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Server(server)
}

fn one(name: &str, program: &str, server: Server, span: Duration, clients: usize) {
    std::thread::sleep(Duration::from_secs(2));
    let (before, begun) = (Process::of(server.0.id()), Instant::now());
    let words = [
        "client".to_owned(),
        PORT.to_string(),
        clients.to_string(),
        span.as_secs().to_string(),
    ];
    let told = Command::new(program).args(words).output().unwrap();
    let (spent, after) = (begun.elapsed().as_secs_f64(), Process::of(server.0.id()));
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap_or_default();
    let number = |key: &str| told[key].as_f64().unwrap_or(f64::NAN);
    println!(
        "{:<52}{:>11.0}{:>10.2}{:>8.1}%{:>9.1}{:>9.3}{:>9.3}{:>7}{:>7}",
        name,
        number("msgs_per_s"),
        number("MB_per_s"),
        (after.cpu_s - before.cpu_s) / spent * 100.0,
        after.resident_mib,
        number("lat_us_p50") / 1e3,
        number("p99") / 1e3,
        "-",
        "-",
    );
}

/// Whether something listens there, by now or soon.
fn answers(at: SocketAddr) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if TcpStream::connect(at).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}

/// Reads of one small resource from the same framework with nothing behind it, and from FastAPI.
pub fn reads(span: Duration) {
    let path = "/api/market-data/AAPL";
    let mut servers = Vec::new();
    if let Some(program) = program() {
        let mut server = Command::new(program);
        server.args(["rest".to_owned(), PORT.to_string()]);
        servers.push(("axum alone", server));
    }
    if let Some((python, script)) = python() {
        let mut server = Command::new(python);
        server.args([script, PORT.to_string()]);
        servers.push(("FastAPI", server));
    }
    for (name, mut server) in servers {
        let server = Server(server.spawn().unwrap());
        let at: SocketAddr = ([127, 0, 0, 1], PORT).into();
        if !answers(at) {
            println!("{name}: skipped, it does not answer");
            continue;
        }
        let before = Process::of(server.0.id());
        let call = crate::clients::Call::Get(path);
        let heard = crate::clients::calls(at, "none", call, 32, Duration::ZERO, span);
        let after = Process::of(server.0.id());
        println!(
            "{name}, GET {path}, 32 callers: {:.0} a second, p50 {:.3} ms, p99 {:.3} ms, {:.1}% of a core",
            heard.rows as f64 / span.as_secs_f64(),
            heard.delay(50) * 1e3,
            heard.delay(99) * 1e3,
            (after.cpu_s - before.cpu_s) / span.as_secs_f64() * 100.0,
        );
        drop(server);
    }
}
