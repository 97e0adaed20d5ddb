//! A line of numbers in one row of cells: the shape of a session at a glance.

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
}
