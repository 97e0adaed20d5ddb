//! The bad end of a series of returns: value at risk (the loss that a day in so many does not exceed) and the mean of the
//! losses beyond it, from what happened and from a normal distribution of the same mean and deviation.

use super::{count, deviation, mean};

/// A value at risk and what lies beyond it, as shares: 0.02 is a loss of 2 %. Negative where even a bad day wins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// The loss that is not exceeded, with the confidence that was asked for.
    pub at_risk: f64,
    /// The mean of the losses that are at least as large (expected shortfall).
    pub beyond: f64,
}

/// The quantile `p` (0 to 1) of values in any order, linear between the two nearest (type 7); nothing of nothing.
pub fn quantile(values: &[f64], p: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let place = count(last) * p.clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between zero and the length"
    )]
    let below = (place.floor() as usize).min(last);
    let (low, high) = (*sorted.get(below)?, *sorted.get((below + 1).min(last))?);
    Some(low + (place - count(below)) * (high - low))
}

/// From what happened: the quantile of the returns, and the mean of those that are no better. `confidence` is 0.95 for the
/// worst day in twenty.
pub fn historical(returns: &[f64], confidence: f64) -> Option<Tail> {
    let cut = quantile(returns, 1.0 - confidence)?;
    let worse: Vec<f64> = returns.iter().copied().filter(|value| *value <= cut).collect();
    Some(Tail {
        at_risk: -cut,
        beyond: -mean(&worse)?,
    })
}

/// From a normal distribution with the mean and deviation of the returns.
pub fn parametric(returns: &[f64], confidence: f64) -> Option<Tail> {
    let (middle, spread) = (mean(returns)?, deviation(returns)?);
    let z = normal_quantile(confidence)?;
    Some(Tail {
        at_risk: spread * z - middle,
        beyond: spread * density(z) / (1.0 - confidence) - middle,
    })
}

/// The density of the standard normal distribution.
fn density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

/// How much of the standard normal distribution lies between zero and `x`: x + x^3/3 + x^5/15 + … times the density. Its
/// terms get smaller from about x^2 on; for what is asked here there are fewer than a hundred.
fn between_zero_and(x: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > sum.abs() * 1e-17 && odd < 1_000.0 {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    sum * density(x)
}

/// The point below which `p` of the standard normal distribution lies: 1.645 for 0.95. Nothing outside of 0.000001 to
/// 0.999999. By Newton's steps on the distribution, to the last digits.
pub fn normal_quantile(p: f64) -> Option<f64> {
    if !(1e-6..=1.0 - 1e-6).contains(&p) {
        return None;
    }
    let mut x = 0.0;
    for _ in 0..64 {
        // Near the ends the density is small and a full step would jump over the root.
        let step = ((between_zero_and(x) - (p - 0.5)) / density(x)).clamp(-1.0, 1.0);
        x -= step;
        if step.abs() < 1e-15 {
            break;
        }
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_the_normal_distribution_are_those_of_the_tables() {
        let tables = [
            (0.9, 1.281_551_565_544_600_4),
            (0.95, 1.644_853_626_951_472_2),
            (0.99, 2.326_347_874_040_840_8),
            (0.999, 3.090_232_306_167_813),
            (0.5, 0.0),
        ];
        for (p, x) in tables {
            for (p, x) in [(p, x), (1.0 - p, -x)] {
                let ours = normal_quantile(p).unwrap();
                assert!((ours - x).abs() < 1e-12, "{p}: {ours} is not {x}");
            }
        }
        assert_eq!(normal_quantile(1.0), None);
        assert_eq!(normal_quantile(f64::NAN), None);
    }

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        let close =
            |p: f64, wanted: f64| (quantile(&[4.0, 1.0, 3.0, 2.0], p).unwrap() - wanted).abs() < 1e-12;
        assert!(close(0.0, 1.0) && close(1.0, 4.0) && close(0.5, 2.5) && close(0.25, 1.75));
        assert_eq!(quantile(&[], 0.5), None);
        let tail = historical(&[0.01, -0.02, -0.04, 0.03, 0.02], 0.75).unwrap();
        assert!((tail.at_risk - 0.02).abs() < 1e-12 && (tail.beyond - 0.03).abs() < 1e-12);
    }
}
