//! ib_async's placeOrder in a Python of its own, one order whenever it is asked for one.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct IbAsync {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Which version, on which Python.
    pub name: String,
}

impl Drop for IbAsync {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl IbAsync {
    /// Starts it with `TRADEWIND_PYTHON`, or else `python3`; nothing where that has no `ib_async`. What the tests with other
    /// clients have fetched is found as well.
    pub fn start() -> Option<Self> {
        let python = std::env::var("TRADEWIND_PYTHON").unwrap_or_else(|_| "python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/ibkr/ib_async_place.py");
        let fetched = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop/ib_async-2.1.0");
        let mut command = Command::new(&python);
        command.arg("-B").arg(script);
        if fetched.exists() {
            command.env("PYTHONPATH", fetched);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let started = command.spawn().ok().and_then(|mut child| {
            let (orders, answers) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
            let name = String::new();
            Some(Self {
                child,
                orders,
                answers,
                name,
            })
        });
        let greeted = started.and_then(|mut own| {
            own.answers.read_line(&mut own.name).ok()?;
            own.name.truncate(own.name.trim_end().len());
            own.name.starts_with("ib_async").then_some(own)
        });
        if greeted.is_none() {
            println!(
                "the yardstick ib_async is missing: {python} can't import it; name a Python that can with TRADEWIND_PYTHON"
            );
        }
        greeted
    }
    /// One order: seconds from the call to its return, and to the bytes in another process.
    pub fn place(&mut self) -> (f64, f64) {
        self.orders.write_all(b"\n").unwrap();
        self.orders.flush().unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let mut numbers = line
            .split_whitespace()
            .filter_map(|word| word.parse::<f64>().ok())
            .map(|nanoseconds| nanoseconds / 1e9);
        let mut next = || {
            numbers
                .next()
                .unwrap_or_else(|| panic!("two numbers, not '{line}'"))
        };
        (next(), next())
    }
}
