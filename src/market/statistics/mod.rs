//! Statistics of returns, for risk figures that people and programs look at: in binary, which never becomes a price or a
//! size again. Conventions: simple returns; variance and covariance with n - 1; quantiles interpolated between order
//! statistics (type 7 of Hyndman and Fan); a loss is positive. What can't be counted is nothing, never zero. Which returns
//! they are, and of how many days, is the asker's business.

mod tail;

pub use tail::{Tail, historical, normal_quantile, parametric, quantile};

/// Days of trading in a year.
pub const YEAR: f64 = 252.0;
/// How much of yesterday's variance the exponentially weighted one keeps.
pub const DECAY: f64 = 0.94;

/// A count as a number to divide by. Exact below 2^53, which no series comes near.
#[expect(clippy::cast_precision_loss, reason = "series are far shorter than 2^53")]
fn count(of: usize) -> f64 {
    of as f64
}

/// Simple returns of closes that follow each other: one fewer than closes. Nothing where a close is not above zero.
pub fn returns(closes: &[f64]) -> Option<Vec<f64>> {
    let step = |pair: &[f64]| match pair {
        [before, after] if *before > 0.0 && after.is_finite() => Some(after / before - 1.0),
        _ => None,
    };
    closes.windows(2).map(step).collect()
}

/// The mean; nothing of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / count(values.len()))
}

/// The covariance of two series of the same length, over n - 1; nothing of fewer than two pairs.
pub fn covariance(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.len() < 2 {
        return None;
    }
    let (mean_a, mean_b) = (mean(a)?, mean(b)?);
    let products = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b));
    Some(products.sum::<f64>() / count(a.len() - 1))
}

/// The standard deviation, over n - 1.
pub fn deviation(values: &[f64]) -> Option<f64> {
    covariance(values, values).map(f64::sqrt)
}

/// Pearson's correlation; nothing where one of both does not move.
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let both = deviation(a)? * deviation(b)?;
    (both > 0.0).then(|| covariance(a, b).map(|together| (together / both).clamp(-1.0, 1.0)))?
}

/// Spearman's: that of the ranks, equal values sharing the mean of theirs.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    pearson(&ranks(a), &ranks(b))
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let same = |at: &&usize| values[**at].total_cmp(&values[order[from]]).is_eq();
        let until = from + order[from..].iter().take_while(same).count();
        for at in &order[from..until] {
            // Ranks from + 1 to until; their mean.
            ranks[*at] = count(from + until + 1) / 2.0;
        }
        from = until;
    }
    ranks
}

/// How much a series moves with another: covariance over the other's variance; nothing where that one does not move.
pub fn beta(of: &[f64], with: &[f64]) -> Option<f64> {
    let variance = covariance(with, with).filter(|variance| *variance > 0.0)?;
    Some(covariance(of, with)? / variance)
}

/// The exponentially weighted variance after the last return, oldest first, the first squared return to begin with.
pub fn ewma_variance(returns: &[f64], decay: f64) -> Option<f64> {
    let (first, rest) = returns.split_first()?;
    let next = |variance: f64, value: &f64| decay * variance + (1.0 - decay) * value * value;
    Some(rest.iter().fold(first * first, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_counted_is_nothing() {
        assert_eq!(
            returns(&[1.0, 0.0, 1.0]),
            None,
            "a close of zero has no return after it"
        );
        assert_eq!(returns(&[2.0]), Some(Vec::new()));
        assert_eq!(mean(&[]), None);
        assert_eq!(deviation(&[0.1]), None);
        assert_eq!(
            pearson(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]),
            None,
            "it does not move"
        );
        assert_eq!(beta(&[1.0, 2.0], &[3.0, 3.0]), None);
        assert_eq!(covariance(&[1.0, 2.0], &[1.0]), None);
    }

    #[test]
    fn equal_values_share_their_rank() {
        assert_eq!(ranks(&[0.3, 0.1, 0.3, 0.2]), [3.5, 1.0, 3.5, 2.0]);
        let straight = spearman(&[1.0, 2.0, 3.0, 9.0], &[1.0, 8.0, 27.0, 729.0]);
        assert!(straight.is_some_and(|rho| (rho - 1.0).abs() < 1e-12));
    }
}
