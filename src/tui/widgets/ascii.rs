//! A drawing in the characters that every terminal and font has: each sign that panes draw with has a plain one in its
//! place. Letters, digits and what is plain already stay.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What stands for a sign; itself where it is plain.
pub fn plain(sign: char) -> char {
    match sign {
        ' '..='~' => sign,
        '┃' | '█' | '▌' | '▐' => '#',
        '│' | '╿' | '╽' | '╹' | '╻' | '╵' | '╷' => '|',
        '┼' => '+',
        '┤' => '-',
        '├' => '=',
        '─' | '┈' | '╌' | '┄' => '-',
        '┊' | '╎' => ':',
        '▁' | '▂' => '.',
        '▃' | '▄' | '▀' => '=',
        '▅' | '▆' | '▇' => '#',
        '▲' | '↑' | '△' => '^',
        '▼' | '↓' | '▽' => 'v',
        '◂' | '←' | '◀' => '<',
        '▸' | '→' | '▶' => '>',
        '●' | '•' => '*',
        '○' => 'o',
        '◆' => '@',
        '◇' => 'O',
        '░' | '▒' => '%',
        '…' => '~',
        '·' => '.',
        // Braille by where its dots are: upper half, lower half, both.
        '\u{2801}'..='\u{28ff}' => {
            let dots = u32::from(sign) - 0x2800;
            match (dots & 0b0001_1011 != 0, dots & 0b1110_0100 != 0) {
                (true, false) => '\'',
                (false, _) => '.',
                (true, true) => ':',
            }
        }
        '\u{2800}' => ' ',
        other if other.is_alphanumeric() => other,
        _ => '?',
    }
}

/// Rewrites an area in plain characters.
pub fn rewrite(buf: &mut Buffer, area: Rect) {
    for position in area.intersection(buf.area).positions() {
        let cell = &mut buf[position];
        if let Some(sign) = cell.symbol().chars().next()
            && plain(sign) != sign
        {
            cell.set_char(plain(sign));
        }
    }
}
