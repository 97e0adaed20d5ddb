//! Numbers as pictures in one row of cells: the shape of a session at a glance, where a price stands in the day's range,
//! how long a bar is.

/// Eighths of a cell, from the bottom.
pub const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The shape of `values` in at most `columns` characters, the lowest value at the bottom and the highest at the top.
/// Fewer values give fewer characters; more are thinned, the newest always shown. A flat line lies low.
pub fn shape(values: &[i64], columns: usize) -> String {
    let shown = values.len().min(columns);
    if shown == 0 {
        return String::new();
    }
    // Each character stands for the last value of its stretch.
    let thinned = (1..=shown).filter_map(|n| values.get((n * values.len() / shown).saturating_sub(1)));
    let thinned: Vec<i64> = thinned.copied().collect();
    let (low, high) = thinned
        .iter()
        .fold((i64::MAX, i64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let range = (i128::from(high) - i128::from(low)).max(1);
    thinned
        .iter()
        .map(|value| {
            let level = (i128::from(*value) - i128::from(low)) * 7 / range;
            EIGHTHS[usize::try_from(level).unwrap_or(0).min(7)]
        })
        .collect()
}

/// Parts of a cell, from the left.
const PARTS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// A bar as long as `value` is of `most`, in at most `columns` cells, to an eighth of a cell. Something is never nothing:
/// what is above zero shows at least an eighth.
pub fn bar(value: i128, most: i128, columns: u16) -> String {
    if value <= 0 || most <= 0 || columns == 0 {
        return String::new();
    }
    let all = i128::from(columns) * 8;
    // Volumes may be as large as the type: the share is taken of what is left after halving both.
    let shift = (128 - most.leading_zeros()).saturating_sub(96);
    let share = (value >> shift).saturating_mul(all) / (most >> shift).max(1);
    let eighths = usize::try_from(share.clamp(1, all)).unwrap_or(1);
    let mut text = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        text.push(PARTS[eighths % 8 - 1]);
    }
    text
}

/// Where `at` stands between `low` and `high`, in `columns` cells: `├───●──┤`. Held at the ends; nothing in fewer than
/// three cells.
pub fn between(low: i64, high: i64, at: i64, columns: usize) -> String {
    if columns < 3 {
        return String::new();
    }
    let range = (i128::from(high) - i128::from(low)).max(1);
    let last = i128::try_from(columns - 1).unwrap_or(0);
    let above = (i128::from(at) - i128::from(low)).clamp(0, range);
    let mark = usize::try_from((above * last * 2 + range) / (range * 2)).unwrap_or(0);
    (0..columns)
        .map(|cell| match cell {
            cell if cell == mark => '●',
            0 => '├',
            cell if cell == columns - 1 => '┤',
            _ => '─',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_is_always_shown() {
        assert_eq!(shape(&[1, 2, 3, 4, 5, 6, 7, 8], 8), "▁▂▃▄▅▆▇█");
        assert_eq!(shape(&[8, 8, 8, 8, 8, 8, 8, 1], 4), "███▁");
        assert_eq!(shape(&[5, 5], 8), "▁▁");
        assert_eq!(shape(&[i64::MIN, i64::MAX], 2), "▁█");
        assert_eq!((shape(&[], 4), shape(&[1], 0)), (String::new(), String::new()));
    }

    #[test]
    fn bars_are_as_long_as_their_part_and_marks_stay_inside() {
        assert_eq!(bar(1, 2, 4), "██");
        assert_eq!(bar(1, 1_000_000, 4), "▏");
        assert_eq!((bar(0, 5, 4), bar(5, 0, 4), bar(5, 5, 0)), Default::default());
        assert_eq!(bar(i128::MAX, i128::MAX, 3), "███");
        assert_eq!(bar(9, 5, 2), "██");
        assert_eq!(between(10, 20, 10, 5), "●───┤");
        assert_eq!(between(10, 20, 15, 5), "├─●─┤");
        assert_eq!(between(10, 20, 99, 5), "├───●");
        assert_eq!(between(5, 5, 5, 5), "●───┤");
        assert_eq!(between(i64::MIN, i64::MAX, 0, 3), "├●┤");
        assert_eq!(between(1, 2, 1, 2), "");
    }
}
