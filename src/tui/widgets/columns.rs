//! A table written straight into cells: columns with priorities that drop when it gets narrow, right-aligned numbers, and
//! rows made only for what is visible. Which rows there are and what they say is the pane's business.

use super::list::window;
use super::text::{Pen, width};
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use std::ops::Range;

/// One column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The word above it.
    pub head: &'static str,
    /// Its usual width; wider content widens it.
    pub width: u16,
    /// True for numbers.
    pub right: bool,
    /// When it gets narrow the highest goes first. 0 never goes.
    pub priority: u8,
    /// Left out while no row in sight has anything to say in it.
    pub only_if_said: bool,
    /// What longer content widens it to at most, and only where nothing else has to go for it; 0 for no such bound.
    pub most: u16,
}

impl Column {
    /// A column of text.
    pub const fn text(head: &'static str, width: u16, priority: u8) -> Self {
        Self {
            head,
            width,
            right: false,
            priority,
            only_if_said: false,
            most: 0,
        }
    }
    /// A column of numbers.
    pub const fn number(head: &'static str, width: u16, priority: u8) -> Self {
        Self {
            head,
            width,
            right: true,
            priority,
            only_if_said: false,
            most: 0,
        }
    }
    /// The same column, wider than its usual width only where there is room, and never beyond `most`.
    pub const fn at_most(self, most: u16) -> Self {
        Self { most, ..self }
    }
    /// The same column, left out while no row in sight has anything to say in it.
    pub const fn if_said(self) -> Self {
        Self {
            only_if_said: true,
            ..self
        }
    }
}

/// What stands in one place of a table.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// Its look.
    pub style: Style,
}

impl Cell {
    /// Text with its look.
    pub fn new(text: impl Into<String>, style: impl Into<Style>) -> Self {
        Self {
            text: text.into(),
            style: style.into(),
        }
    }
}

/// A row as words, whole, whatever a screen shows of it: what is copied.
pub fn words(cells: impl IntoIterator<Item = Cell>) -> String {
    let texts = cells.into_iter().map(|cell| cell.text);
    let words: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    words.join("  ")
}

/// What a table needs to know of colours.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The heads of columns.
    pub head: Color,
    /// The ground of the selected row.
    pub selection: Color,
}

/// Where a column lies: its first cell, and the one after its last.
type Place = Option<(u16, u16)>;

/// Finds places for the columns in `width` cells, one of them left free at each end. A column whose priority is not 0
/// is left out where there is no room for it, and one that is not `wanted` always.
fn place(columns: &[Column], wanted: &[bool], width: u16) -> Vec<Place> {
    let room = width.saturating_sub(2);
    let mut kept = wanted.to_vec();
    kept.resize(columns.len(), true);
    let needs = |kept: &[bool]| {
        let shown = || columns.iter().zip(kept).filter(|(_, kept)| **kept);
        let gaps = u16::try_from(shown().count().saturating_sub(1)).unwrap_or(u16::MAX);
        let cells = shown().fold(0u16, |sum, (column, _)| sum.saturating_add(column.width));
        (cells.saturating_add(gaps), gaps)
    };
    while needs(&kept).0 > room {
        let last = (0..columns.len())
            .filter(|at| kept[*at] && columns[*at].priority > 0)
            .max_by_key(|at| columns[*at].priority);
        let Some(last) = last else { break };
        kept[last] = false;
    }
    let (needed, gaps) = needs(&kept);
    let (widths, needed) = grown(columns, &kept, room, needed);
    let gap = 1 + (room.saturating_sub(needed) / gaps.max(1)).min(3);
    let mut spare = room
        .saturating_sub(needed)
        .saturating_sub((gap - 1).saturating_mul(gaps));
    let (mut places, mut x) = (vec![None; columns.len()], 1u16);
    let mut after_number = false;
    for (at, wide) in widths.into_iter().enumerate().filter(|(at, _)| kept[*at]) {
        // A number ends where a text begins: one cell between them reads as one word.
        if after_number && !columns[at].right && gap == 1 && spare > 0 {
            x = x.saturating_add(1);
            spare -= 1;
        }
        after_number = columns[at].right;
        let end = x.saturating_add(wide).min(width.saturating_sub(1));
        places[at] = (x < end).then_some((x, end));
        x = x.saturating_add(wide).saturating_add(gap);
    }
    places
}

/// Which columns may come to be seen, whatever stands in them: content only ever widens columns, and the first to go for it are
/// those that have no room as it is.
fn may_show(columns: &[Column], width: u16) -> Vec<bool> {
    let usual: Vec<bool> = columns.iter().map(|column| !column.only_if_said).collect();
    let mut narrow = columns.to_vec();
    cut(&mut narrow, width);
    let places = place(&narrow, &usual, width);
    let said = usual.iter().map(|usual| !usual);
    places
        .iter()
        .zip(said)
        .map(|(place, said)| place.is_some() || said)
        .collect()
}

/// One overlong text must not push out all the others: it is cut at half of the pane.
fn cut(columns: &mut [Column], width: u16) {
    let most = (width.saturating_sub(2) / 2).max(8);
    for column in columns.iter_mut().filter(|column| !column.right) {
        column.width = column.width.min(most);
    }
}

/// The widths of the columns once those that are bounded have taken of the room that is left, and what all then need.
fn grown(columns: &[Column], kept: &[bool], room: u16, mut needed: u16) -> (Vec<u16>, u16) {
    let mut widths: Vec<u16> = columns.iter().map(|column| column.width).collect();
    for (at, column) in columns.iter().enumerate().filter(|(at, _)| kept[*at]) {
        let more = column
            .most
            .saturating_sub(column.width)
            .min(room.saturating_sub(needed));
        widths[at] += more;
        needed += more;
    }
    (widths, needed)
}

/// Where a table landed.
#[derive(Debug, Default)]
pub struct Landed {
    /// The area of each row with its index.
    pub rows: Vec<(Rect, usize)>,
    /// The area of each head with the number of its column.
    pub heads: Vec<(Rect, usize)>,
}

/// Draws the heads and the rows around `cursor`; `row` makes those that are seen. Answers where each landed.
pub fn table<const N: usize>(
    pen: &mut Pen<'_>,
    columns: [Column; N],
    look: Look,
    total: usize,
    cursor: Option<usize>,
    mut row: impl FnMut(usize) -> [Cell; N],
) -> Vec<(Rect, usize)> {
    let seen = |height| window(total, height, cursor);
    grid(pen, columns.to_vec(), look, seen, cursor, |at, _| row(at).into()).rows
}

/// As [`table`], for columns that are chosen while the program runs; `row` makes a cell for each, and `seen` says which rows are
/// seen in so many lines. `row` is also told which columns may come to be seen: what it says in others is not looked at.
pub fn grid(
    pen: &mut Pen<'_>,
    mut columns: Vec<Column>,
    look: Look,
    seen: impl FnOnce(u16) -> Range<usize>,
    cursor: Option<usize>,
    mut row: impl FnMut(usize, &[bool]) -> Vec<Cell>,
) -> Landed {
    // A pane of one row shows a row rather than heads.
    let head = u16::from(pen.height() > 1);
    let seen = seen(pen.height() - head.min(pen.height()));
    let may_show = may_show(&columns, pen.width());
    let rows: Vec<Vec<Cell>> = seen.clone().map(|at| row(at, &may_show)).collect();
    let mut wanted: Vec<bool> = columns.iter().map(|column| !column.only_if_said).collect();
    let mut longest = vec![0u16; columns.len()];
    for cells in &rows {
        let columns = columns.iter_mut().zip(&mut longest);
        for (((column, longest), cell), wanted) in columns.zip(cells).zip(&mut wanted) {
            let needs = u16::try_from(width(&cell.text)).unwrap_or(u16::MAX);
            if column.most == 0 {
                column.width = column.width.max(needs);
            } else {
                *longest = (*longest).max(needs);
            }
            *wanted |= !cell.text.is_empty();
        }
    }
    for (column, longest) in columns.iter_mut().zip(longest) {
        column.most = column.most.min(longest);
    }
    cut(&mut columns, pen.width());
    let mut places = place(&columns, &wanted, pen.width());
    if let Some(last) = places.iter().rposition(Option::is_some)
        && !columns[last].right
        && let Some((_, end)) = &mut places[last]
    {
        // The last column, where it is text, has what is left.
        *end = pen.width().saturating_sub(1).max(*end);
    }
    let mut landed = Landed::default();
    if head == 1 {
        landed.heads = draw_heads(pen, &columns, &places, look);
    }
    for ((y, index), cells) in (head..).zip(seen).zip(&rows) {
        if cursor == Some(index) {
            pen.ground(0, y, pen.width(), 1, look.selection);
        }
        for ((column, cell), (start, end)) in columns
            .iter()
            .zip(cells)
            .zip(&places)
            .filter_map(|(c, p)| Some((c, (*p)?)))
        {
            if column.right {
                pen.right_within(start, end, y, &cell.text, cell.style);
            } else {
                pen.put_within(start, end, y, &cell.text, cell.style);
            }
        }
        landed.rows.push((pen.row(y), index));
    }
    landed
}

fn draw_heads(pen: &mut Pen<'_>, columns: &[Column], places: &[Place], look: Look) -> Vec<(Rect, usize)> {
    let mut heads = Vec::new();
    for (at, (column, place)) in columns.iter().zip(places).enumerate() {
        let Some((start, end)) = *place else { continue };
        if column.right {
            pen.right_within(start, end, 0, column.head, look.head);
        } else {
            pen.put_within(start, end, 0, column.head, look.head);
        }
        let row = pen.row(0);
        let area = Rect {
            x: row.x.saturating_add(start),
            width: end - start,
            ..row
        };
        heads.push((area.intersection(row), at));
    }
    heads
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column::text("symbol", 8, 0),
        Column::number("last", 8, 1),
        Column::number("volume", 6, 3),
        Column::number("%", 6, 2),
    ];

    #[test]
    fn a_bounded_column_takes_only_what_is_left() {
        let columns = [
            Column::text("order", 10, 0),
            Column::text("reason", 6, 1).at_most(20),
        ];
        let wide = |width: u16| place(&columns, &[], width)[1].map(|(start, end)| end - start);
        assert_eq!(
            [wide(16), wide(19), wide(25), wide(60)],
            [None, Some(6), Some(12), Some(20)]
        );
    }

    #[test]
    fn the_least_important_columns_go_first_and_nothing_lies_outside() {
        let kept =
            |width: u16| -> Vec<bool> { place(&COLUMNS, &[], width).iter().map(Option::is_some).collect() };
        assert_eq!(kept(60), [true; 4]);
        assert_eq!(kept(32), [true, true, false, true]);
        assert_eq!(kept(20), [true, true, false, false]);
        assert_eq!(kept(10), [true, false, false, false]);
        for width in 0..70 {
            let mut end_before = 0;
            for (start, end) in place(&COLUMNS, &[], width).into_iter().flatten() {
                assert!(start >= end_before && end <= width, "{width}");
                end_before = end;
            }
        }
    }
}
