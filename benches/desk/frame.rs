//! One frame of the desk: drawing everything, finding what differs and encoding it. Fed with what a real engine tells, in
//! this process, so that nothing but the frame is measured. The yardstick is a plain comparison of the same two buffers.

use crate::engine::{Engine, runtime, state};
use crate::figures::{self, Figures};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::time::{Duration, Instant};
use tradewind::app::clock::Clock;
use tradewind::attach::Attached;
use tradewind::config::template;
use tradewind::domain::ClientOrderId;
use tradewind::engine::SessionKind;
use tradewind::tui::desk::{Desk, Effect};
use tradewind::tui::screen::Screen;
use tradewind::tui::{ColourDepth, FromEngine, ToEngine, TuiSettings, view};
use tradewind::wire::{ClientMessage, MarketBatch, Query, Reply, ServerMessage};

pub fn measure(engine: &Engine, (width, height): (u16, u16), listen: Duration) {
    let clock = Clock::start();
    let mut desk = Desk::new(&settings(), Box::new(|| ClientOrderId::LOWEST), clock.now());
    let area = Rect::new(0, 0, width, height);
    desk.body = view::body_of(area);
    let batches = runtime().block_on(fill(engine, &mut desk, &clock, listen));
    assert!(!batches.is_empty(), "the market moves");
    let mut screen = Screen::new(ColourDepth::True);
    let theme = &desk.world.theme;
    screen.set_plain_grounds(vec![theme.background, theme.panel]);
    let (mut drawn, mut whole, mut anew, mut plain) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut buffer, mut before) = (Buffer::empty(area), Buffer::empty(area));
    let (mut out, mut bytes) = (Vec::new(), 0);
    let frames = batches.len();
    // The first frame is everything, and counted with those of a screen drawn anew.
    for (number, batch) in batches.into_iter().enumerate() {
        feed(&mut desk, batch, &clock);
        std::mem::swap(&mut buffer, &mut before);
        out.clear();
        let begun = Instant::now();
        buffer.reset();
        let landed = view::draw(&desk, clock.now(), &mut buffer);
        let drawn_in = begun.elapsed();
        screen.frame(&buffer, landed.cursor, &mut out);
        let whole_in = begun.elapsed();
        let begun = Instant::now();
        std::hint::black_box(before.diff(&buffer));
        let plain_in = begun.elapsed();
        let begun = Instant::now();
        if number % 10 == 0 {
            screen.forget();
            screen.frame(&buffer, landed.cursor, &mut Vec::new());
            anew.push(drawn_in + begun.elapsed());
        }
        if number > 0 {
            drawn.push(drawn_in);
            whole.push(whole_in);
            plain.push(plain_in);
            bytes += out.len();
        }
    }
    println!(
        "\na frame of {width}x{height}, {frames} of a moving market; yardstick: comparing its buffer with the one before"
    );
    figures::head("ms");
    let yardstick = Figures::of_durations(&plain);
    figures::row("comparing alone", &yardstick, &yardstick, 1e3);
    figures::row("draw", &Figures::of_durations(&drawn), &yardstick, 1e3);
    figures::row(
        "draw, compare and encode",
        &Figures::of_durations(&whole),
        &yardstick,
        1e3,
    );
    figures::row(
        "the same, every cell anew",
        &Figures::of_durations(&anew),
        &yardstick,
        1e3,
    );
    println!("{} bytes a frame; aim: a frame within 1 ms", bytes / frames);
}

fn settings() -> TuiSettings {
    TuiSettings {
        themes: template::THEMES
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
        theme: "default".into(),
        profile: "default".into(),
        mouse: false,
        fps: 30,
        colour: Some(ColourDepth::True),
        default_account: None,
        log: std::sync::Arc::default(),
    }
}

/// Gives the desk the engine's state, what it asks for, and answers with the market of the next seconds.
async fn fill(engine: &Engine, desk: &mut Desk, clock: &Clock, listen: Duration) -> Vec<MarketBatch> {
    let mut attached = engine.connect(SessionKind::Monitor).await;
    let snapshot = state(&mut attached).await;
    let welcome = &attached.welcome;
    let greeting = FromEngine::Attached {
        session: welcome.session,
        build: welcome.build.as_str().to_owned(),
        engine_older: None,
        id_prefix: welcome.prefix.as_str().to_owned(),
        venue_offset_ns: welcome.venue_offset_ns,
        venue_speed_milli: welcome.venue_speed_milli,
    };
    let mut effects = desk.on_engine(greeting, clock.now());
    effects.extend(desk.on_engine(
        FromEngine::Snapshot(Box::new(snapshot.state), snapshot.now),
        clock.now(),
    ));
    // Nothing is told of the market before a subscription.
    attached.writer.write(&ClientMessage::Subscribe).await.unwrap();
    while !effects.is_empty() {
        effects = answer(&mut attached, desk, effects, clock).await;
    }
    let mut batches = Vec::new();
    let until = tokio::time::Instant::now() + listen;
    while let Ok(message) = tokio::time::timeout_at(until, attached.reader.read()).await {
        if let Some(ServerMessage::Market(batch)) = message.unwrap() {
            batches.push(batch);
        }
    }
    batches
}

/// Does what the desk asked for; answers with what it asks for next.
async fn answer(
    attached: &mut Attached,
    desk: &mut Desk,
    effects: Vec<Effect>,
    clock: &Clock,
) -> Vec<Effect> {
    let mut next = Vec::new();
    for effect in effects {
        match effect {
            Effect::Tell(ToEngine::Watch { instruments, depth }) => {
                attached
                    .writer
                    .write(&ClientMessage::Watch { instruments, depth })
                    .await
                    .unwrap();
            }
            Effect::Tell(ToEngine::Bars {
                instrument,
                timeframe,
                count,
            }) => {
                let query = Query::Bars {
                    instrument,
                    timeframe,
                    count,
                };
                if let Reply::Bars(bars) = attached.query(query).await.unwrap() {
                    next.extend(desk.on_engine(FromEngine::Bars(instrument, timeframe, bars), clock.now()));
                }
            }
            _ => {}
        }
    }
    next
}

fn feed(desk: &mut Desk, batch: MarketBatch, clock: &Clock) {
    let now = clock.now();
    for message in [
        FromEngine::Quotes(batch.quotes),
        FromEngine::Prints(batch.prints),
        FromEngine::BarUpdates(batch.bars),
        FromEngine::Depths(batch.depths),
    ] {
        desk.on_engine(message, now);
    }
}
