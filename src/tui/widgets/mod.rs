//! What panes are drawn with: a clipped pen, numbers as text, columns that drop when it gets narrow, a cursor that holds
//! a thing and not a row, sparklines and candles. Knows colours and cells, nothing of orders or markets.

pub mod ascii;
pub mod axis;
pub mod candles;
pub mod columns;
pub mod list;
pub mod number;
pub mod sparkline;
pub mod text;

/// The rows of a buffer as text, trailing spaces cut: what a test compares.
#[cfg(test)]
pub fn screen_of(buf: &ratatui::buffer::Buffer) -> Vec<String> {
    use unicode_width::UnicodeWidthStr;
    (buf.area.top()..buf.area.bottom())
        .map(|y| {
            let (mut line, mut skip) = (String::new(), 0);
            for x in buf.area.left()..buf.area.right() {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                let symbol = buf[(x, y)].symbol();
                skip = symbol.width().saturating_sub(1);
                line.push_str(symbol);
            }
            line.trim_end().to_owned()
        })
        .collect()
}
