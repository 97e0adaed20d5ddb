//! Copying to the person's clipboard through the terminal (OSC 52), which also works over SSH. It is only ever written:
//! what is there is never asked for. What is copied is what is shown, so that hidden numbers stay hidden.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

/// What is sent at most, in bytes before encoding: some terminals drop longer sequences whole.
const LONGEST: usize = 48 * 1024;
/// What stands before the row that a pane's cursor holds.
const MARK: &str = "▸";

/// The bytes that put a text on the clipboard; within tmux they are handed through it.
pub fn copies(text: &str, in_tmux: bool) -> Vec<u8> {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let sequence = format!("\x1b]52;c;{}\x07", base64(&text.as_bytes()[..end]));
    through(sequence, in_tmux).into_bytes()
}

/// A sequence for the terminal that a person sits at: within tmux it is handed through (`allow-passthrough` there), each
/// escape in it doubled.
pub fn through(sequence: String, in_tmux: bool) -> String {
    if in_tmux {
        let inner = sequence.replace('\x1b', "\x1b\x1b");
        return format!("\x1bPtmux;{inner}\x1b\\");
    }
    sequence
}

/// The row that a pane's cursor holds (it has a mark, or the ground of what is selected), as it is shown: its words with
/// two spaces between columns.
pub fn row_under_cursor(buffer: &Buffer, area: Rect, selected: Color) -> Option<String> {
    let area = area.intersection(buffer.area);
    let text_of = |row: Rect| -> String { row.positions().map(|at| buffer[at].symbol()).collect() };
    let is_held = |row: &Rect| {
        let cells = row.positions().map(|at| &buffer[at]);
        let (grounds, marks) = cells.fold((0u16, false), |(grounds, marks), cell| {
            (
                grounds + u16::from(cell.bg == selected),
                marks || cell.symbol() == MARK,
            )
        });
        marks || (row.width > 0 && grounds >= row.width - row.width / 5)
    };
    let row = text_of(area.rows().skip(1).find(is_held)?);
    let columns: Vec<String> = row
        .replace(MARK, " ")
        .split("  ")
        .map(|part| {
            part.trim()
                .chars()
                .filter(|c| !c.is_control())
                .collect::<String>()
        })
        .filter(|part| !part.is_empty())
        .collect();
    (!columns.is_empty()).then(|| columns.join("  "))
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let at = |i: usize| u32::from(part.get(i).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4u32 {
            let letter = LETTERS[(group >> (18 - 6 * i) & 63) as usize];
            let is_there = usize::try_from(i).is_ok_and(|i| i <= part.len());
            text.push(if is_there { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;

    #[test]
    fn it_is_encoded_as_the_standard_says_and_wrapped_for_tmux() {
        for (text, wanted) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(text.as_bytes()), wanted);
        }
        assert_eq!(copies("foo", false), b"\x1b]52;c;Zm9v\x07");
        assert_eq!(copies("foo", true), b"\x1bPtmux;\x1b\x1b]52;c;Zm9v\x07\x1b\\");
        assert!(copies(&"é".repeat(60_000), false).len() < 75_000);
    }

    #[test]
    fn the_row_under_the_cursor_is_copied_as_it_is_shown() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 4));
        buffer.set_string(5, 0, "ORDERS", Style::new());
        buffer.set_string(5, 1, "  BUY  100", Style::new());
        buffer.set_string(5, 2, "▸ SELL ···  AAPL   189.50", Style::new());
        let area = Rect::new(5, 0, 30, 4);
        let ground = Color::Indexed(7);
        assert_eq!(
            row_under_cursor(&buffer, area, ground).as_deref(),
            Some("SELL ···  AAPL  189.50")
        );
        assert_eq!(row_under_cursor(&buffer, Rect::new(0, 0, 4, 2), ground), None);
        buffer.set_string(5, 2, "  SELL", Style::new());
        buffer.set_style(Rect::new(5, 1, 30, 1), Style::new().bg(ground));
        assert_eq!(
            row_under_cursor(&buffer, area, ground).as_deref(),
            Some("BUY  100")
        );
    }
}
