//! The parts of Loader's saddle-point form of the binomial and Poisson probabilities ("Fast and accurate computation of
//! binomial probabilities", 2000). It takes no logarithm of a large factorial, so nothing cancels, at any size.

/// `ln Γ(n + 1) - (n + 1/2) ln n + n - ln √2π`, for n > 0: the remainder of Stirling's formula.
pub(crate) fn stirling_error(n: f64) -> f64 {
    let (mut at, mut steps) = (n, 0.0);
    while at < 16.0 {
        steps += (at + 0.5) * (1.0 / at).ln_1p() - 1.0;
        at += 1.0;
    }
    let square = (at * at).recip();
    let series = 1.0 / 1680.0 - square / 1188.0;
    let series = 1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * series));
    steps + series / at
}

/// `at · ln(at / mean) + mean - at`, without cancellation if they are close. `gap` is `at - mean`; the caller may know it more
/// precisely than the subtraction.
pub(crate) fn deviance(at: f64, mean: f64, gap: f64) -> f64 {
    if at == 0.0 {
        return mean;
    }
    if gap.abs() >= 0.1 * (at + mean) {
        return at * (at / mean).ln() - gap;
    }
    let ratio = gap / (at + mean);
    let square = ratio * ratio;
    let (mut sum, mut term) = (gap * ratio, 2.0 * at * ratio);
    for odd in (3..200).step_by(2) {
        term *= square;
        let next = sum + term / f64::from(odd);
        if next.to_bits() == sum.to_bits() {
            break;
        }
        sum = next;
    }
    sum
}

/// Returns the probability of `k` in `n` draws with probability `p`; `k` from 0 to `n`.
pub(crate) fn binomial(k: f64, n: f64, p: f64) -> f64 {
    if k == 0.0 {
        return (n * (-p).ln_1p()).exp();
    }
    if k == n {
        return (n * p.ln()).exp();
    }
    let (gap, rest) = (k - n * p, n - k);
    let error = stirling_error(n) - stirling_error(k) - stirling_error(rest);
    let deviances = deviance(k, n * p, gap) + deviance(rest, n * (1.0 - p), -gap);
    (error - deviances).exp() * (n / (std::f64::consts::TAU * k * rest)).sqrt()
}
