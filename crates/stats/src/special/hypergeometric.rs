//! The lower tail of the hypergeometric distribution.

use super::saddle::binomial;

/// Returns the probability of at most `k` marked items in a random sample of `part` items from `all` items, `marked` of them
/// marked. `k` must be below the mean: the terms then decrease quickly, and the sum is short for counts of any size.
pub fn hypergeometric_at_most(k: u64, part: u64, marked: u64, all: u64) -> f64 {
    let (k, n, m, all) = (k as f64, part as f64, marked as f64, all as f64);
    if m <= 0.0 || n <= 0.0 || m >= all || n >= all || k >= m.min(n) {
        return 1.0;
    }
    let least = (n + m - all).max(0.0);
    if k < least {
        return 0.0;
    }
    // Loader: a product of binomial probabilities, without cancellation.
    let p = n / all;
    let mut term = binomial(k, m, p) * binomial(n - k, all - m, p) / binomial(n, all, p);
    let (mut sum, mut at) = (0.0, k);
    while term > sum * 1e-17 {
        sum += term;
        if at <= least {
            break;
        }
        term *= at * (all - m - n + at) / ((m - at + 1.0) * (n - at + 1.0));
        at -= 1.0;
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same probability, by counting subsets.
    fn by_hand(k: u64, part: u64, marked: u64, all: u64) -> f64 {
        let choose = |n: u64, k: u64| -> f64 {
            if k > n { 0.0 } else { (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product() }
        };
        (0..=k).map(|i| choose(marked, i) * choose(all - marked, part - i) / choose(all, part)).sum()
    }

    #[test]
    fn probabilities_match_counted_subsets() {
        let mut compared = 0;
        for all in [7_u64, 20, 41] {
            for part in 1..all {
                for marked in 1..all {
                    for k in (0..=part.min(marked)).take_while(|k| k * all < part * marked) {
                        let (ours, exact) =
                            (hypergeometric_at_most(k, part, marked, all), by_hand(k, part, marked, all));
                        assert!((ours - exact).abs() < 1e-12, "{k} {part} {marked} {all}: {ours} {exact}");
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared > 5000, "{compared}");
        // SciPy: hypergeom.cdf(150, 1000000, 20000, 10000). Exact fractions (SciPy is 5e-9 off here).
        for (ours, golden) in [
            (hypergeometric_at_most(150, 10_000, 20_000, 1_000_000), 0.000_107_370_284_887_228_05),
            (hypergeometric_at_most(4, 9_000_000, 1000, 300_000_000), 2.560_987_733_493_672_5e-9),
        ] {
            assert!((ours / golden - 1.0).abs() < 1e-9, "{ours} {golden}");
        }
    }
}
