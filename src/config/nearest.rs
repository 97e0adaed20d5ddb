//! The nearest word: what a person may have meant by a key or a name that does not exist.

/// The candidate that takes the fewest changed, added or dropped letters to reach, where that is at most a third of the
/// word (and at least one); case does not count. The first of equals.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(64).flat_map(char::to_lowercase).collect();
    candidates
        .into_iter()
        .map(|candidate| {
            let letters: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
            let most = (word.len().max(letters.len()) / 3).max(1);
            (distance(&word, &letters), most, candidate)
        })
        .filter(|(distance, most, _)| distance <= most)
        .min_by_key(|(distance, ..)| *distance)
        .map(|(.., candidate)| candidate)
}

/// Levenshtein's distance, one row at a time.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_the_slip_and_not_the_stranger() {
        let keys = ["journal_max_mb", "journal_reserve_mb", "snapshot_every", "fps"];
        assert_eq!(nearest("journal_max", keys), Some("journal_max_mb"));
        assert_eq!(nearest("snapshotEvery", keys), Some("snapshot_every"));
        assert_eq!(nearest("fsp", keys), None);
        assert_eq!(nearest("fp", keys), Some("fps"));
        assert_eq!(nearest("volume", keys), None);
    }
}
