//! The sequences: where the cursor goes, and which attributes are in force.

use super::look::Packed;
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};
use std::io::Write;

pub(super) fn push_char(c: char, out: &mut Vec<u8>) {
    let mut bytes = [0; 4];
    out.extend_from_slice(c.encode_utf8(&mut bytes).as_bytes());
}

/// Writes to the buffer; a `Vec` takes everything.
macro_rules! push {
    ($out:expr, $($arg:tt)*) => {
        if write!($out, $($arg)*).is_err() { return; }
    };
}

pub(super) fn absolute(to: Position, out: &mut Vec<u8>) {
    match (to.x, to.y) {
        (0, 0) => out.extend_from_slice(b"\x1b[H"),
        (0, y) => push!(out, "\x1b[{}H", y + 1),
        (x, y) => push!(out, "\x1b[{};{}H", y + 1, x + 1),
    }
}

/// Line feeds and moves along the row; nothing where that is no way. A line feed never scrolls here, because the target
/// row exists.
pub(super) fn relative(at: Position, to: Position, out: &mut Vec<u8>) {
    if to.y < at.y || to.y - at.y > 3 {
        return;
    }
    if to.x == 0 && at.x > 0 {
        out.push(b'\r');
    }
    out.extend(std::iter::repeat_n(b'\n', usize::from(to.y - at.y)));
    match (at.x, to.x) {
        (_, 0) => {}
        (from, x) if x > from + 1 => push!(out, "\x1b[{}C", x - from),
        (from, x) if x == from + 1 => out.extend_from_slice(b"\x1b[C"),
        (from, x) if x + 4 > from && x < from => out.extend(std::iter::repeat_n(8, usize::from(from - x))),
        (from, x) if x < from => push!(out, "\x1b[{}D", from - x),
        _ => {}
    }
}

/// Changes the attributes in force to `wanted` with one sequence.
pub(super) fn set_look(now: &mut Packed, wanted: Packed, out: &mut Vec<u8>) {
    if *now == wanted {
        return;
    }
    let (was, packed) = (now.look(), wanted);
    *now = wanted;
    if packed == Packed::PLAIN {
        out.extend_from_slice(b"\x1b[m");
        return;
    }
    let wanted = packed.look();
    let mut codes: Vec<u8> = Vec::with_capacity(40);
    let gone = was.modifier - wanted.modifier;
    let mut held = was.modifier - gone;
    if gone.intersects(Modifier::BOLD | Modifier::DIM) {
        push!(codes, "22;");
        held -= Modifier::BOLD | Modifier::DIM;
    }
    for (modifier, code) in [
        (Modifier::ITALIC, 23),
        (Modifier::UNDERLINED, 24),
        (Modifier::REVERSED, 27),
    ] {
        if gone.contains(modifier) {
            push!(codes, "{code};");
        }
    }
    let new = wanted.modifier - held;
    for (modifier, code) in [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
    ] {
        if new.contains(modifier) {
            push!(codes, "{code};");
        }
    }
    if was.fg != wanted.fg {
        colour(wanted.fg, 30, &mut codes);
    }
    if was.bg != wanted.bg {
        colour(wanted.bg, 40, &mut codes);
    }
    codes.pop();
    out.extend_from_slice(b"\x1b[");
    out.extend_from_slice(&codes);
    out.push(b'm');
}

/// The code of a colour, on the ground or (base 30) before it.
fn colour(colour: Color, base: u8, codes: &mut Vec<u8>) {
    let index = match colour {
        Color::Reset => return push!(codes, "{};", base + 9),
        Color::Rgb(r, g, b) => return push!(codes, "{};2;{r};{g};{b};", base + 8),
        Color::Indexed(index) => return push!(codes, "{};5;{index};", base + 8),
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
    };
    push!(codes, "{};", base + index);
}
