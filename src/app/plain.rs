//! `--plain`: the desk as lines on standard output, and lines typed on standard input as what it is told. Needs no terminal.
//! Ends with `quit` or the end of its input; the engine goes on.

use super::clock::Clock;
use crate::tui::plain::{Answer, Plain};
use crate::tui::{Exit, FromEngine, ToEngine, TuiSettings, plain_desk};
use std::io::{BufRead, Write};
use std::time::Duration;
use tokio::sync::mpsc;

/// Lines that may wait to be read.
const LINES: usize = 64;

/// Carries lines and messages until one end is gone.
///
/// # Errors
/// Standard output is closed, or the thread that reads can't be started.
pub(super) async fn run(
    settings: &TuiSettings,
    mut from: mpsc::Receiver<FromEngine>,
    to: &mpsc::Sender<ToEngine>,
    new_id: crate::tui::IdMaker,
    clock: &Clock,
) -> std::io::Result<Exit> {
    let mut plain = Plain::new(plain_desk(settings, new_id, clock.now()));
    let mut typed = read_lines()?;
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        let answer = tokio::select! {
            message = from.recv() => match message {
                Some(message) => plain.on_engine(message, clock.now()),
                None => return Ok(Exit::Detached),
            },
            // What is typed before waits, the end of the input with it.
            line = typed.recv(), if plain.is_ready() => match line {
                Some(line) => plain.on_line(&line, clock.now()),
                None => return Ok(leave(to).await),
            },
            _ = second.tick() => {
                plain.tick(clock.now());
                continue;
            }
        };
        if let Some(exit) = carry_out(answer, to).await? {
            leave(to).await;
            return Ok(exit);
        }
    }
}

async fn leave(to: &mpsc::Sender<ToEngine>) -> Exit {
    let _ = to.send(ToEngine::Detach).await;
    Exit::Detached
}

/// Says what is said and does what is to be done; the way out, where that is asked for.
async fn carry_out((said, effects): Answer, to: &mpsc::Sender<ToEngine>) -> std::io::Result<Option<Exit>> {
    let mut out = std::io::stdout().lock();
    for line in said {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    drop(out);
    for effect in effects {
        match effect {
            crate::tui::desk::Effect::Tell(message) => {
                let _ = to.send(message).await;
            }
            crate::tui::desk::Effect::Leave(exit) => return Ok(Some(exit)),
            // The rest is about a screen.
            _ => {}
        }
    }
    Ok(None)
}

/// Reads on a thread of its own: it ends with the input or with the program.
fn read_lines() -> std::io::Result<mpsc::Receiver<String>> {
    let (tell, lines) = mpsc::channel(LINES);
    std::thread::Builder::new()
        .name("lines".to_owned())
        .spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                if tell.blocking_send(line).is_err() {
                    return;
                }
            }
        })?;
    Ok(lines)
}
