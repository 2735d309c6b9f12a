//! The Kolmogorov-Smirnov test: the distance of two samples' distributions.

mod permutation;

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use crate::curve::{NotFinite, distinct, sorted};
use crate::special::saddle::binomial;

/// The largest difference between the shares of two samples below a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KolmogorovSmirnov {
    /// The distance, from 0 to 1.
    pub distance: f64,
    /// The score up to which the shares are taken, in points.
    pub at: f64,
    /// Whether the current sample has more scores at or below that score: its scores have fallen.
    pub fell: bool,
    /// The p-value: the probability of at least this distance between samples of one source. If the product of the sample sizes
    /// is at most a million, it is the exact permutation test, ties included (Hodges 1958). Larger samples use the distribution
    /// of one sample of n m / (n + m) values. With very many scores it is 0 for a difference too small to matter.
    pub p: f64,
}

/// Compares a current sample with its reference. The order of the scores does not matter. Tied scores are compared after the
/// last of them. `None` if a sample is empty.
///
/// # Errors
///
/// If a score is NaN or infinite.
pub fn kolmogorov_smirnov(
    reference: &[f64],
    current: &[f64],
) -> Result<Option<KolmogorovSmirnov>, NotFinite> {
    let (reference, current) = (sorted(reference)?, sorted(current)?);
    Ok(compare(distinct(&reference, &current), reference.len() as u64, current.len() as u64))
}

/// Compares counts at ascending scores, such as two grids.
pub(crate) fn compare(
    counts: impl Iterator<Item = (f64, u64, u64)>,
    n: u64,
    m: u64,
) -> Option<KolmogorovSmirnov> {
    if n == 0 || m == 0 {
        return None;
    }
    let mut by_value = Vec::new();
    let mut below = (0, 0);
    let (mut least, mut most) = ((0.0, f64::NAN), (0.0, f64::NAN));
    for (score, from, to) in counts {
        if from + to > 0 {
            by_value.push((from, to));
        }
        below = (below.0 + from, below.1 + to);
        let apart = below.0 as f64 / n as f64 - below.1 as f64 / m as f64;
        if apart < least.0 || least.1.is_nan() {
            least = (apart.min(0.0), score);
        }
        if apart > most.0 || most.1.is_nan() {
            most = (apart.max(0.0), score);
        }
    }
    let fell = -least.0 > most.0;
    let (distance, at) = if fell { (-least.0, least.1) } else { most };
    let p = permutation::at_least(&by_value, n, m).unwrap_or_else(|| {
        let (n, m) = (n as f64, m as f64);
        // Rounds half to even, as SciPy does.
        at_least((n / (1.0 + n / m)).round_ties_even(), distance)
    });
    Some(KolmogorovSmirnov { distance, at, fell, p })
}

/// Returns the probability of a distance of at least `d` between `n` values and the distribution that they come from.
fn at_least(n: f64, d: f64) -> f64 {
    let scaled = n * d;
    let square = scaled * d;
    if d <= 0.0 || scaled <= 0.5 {
        return 1.0;
    }
    if scaled <= 1.0 {
        return 1.0 - ruben_gambino(n, scaled).product::<f64>();
    }
    if n <= 140.0 && d < 0.5 {
        return 1.0 - durbin(n, d);
    }
    // If the two one-sided distances cannot both occur, the probability is twice the one-sided one.
    if d >= 0.5 || square >= 2.2 { (2.0 * one_sided(n, d)).min(1.0) } else { 1.0 - pelz_good(n, d) }
}

/// The factors of Ruben and Gambino's n! ((2nd - 1) / n)^n. With more values the first thousand are below 1e-400.
fn ruben_gambino(n: f64, scaled: f64) -> impl ExactSizeIterator<Item = f64> {
    (1..=n.min(1000.0) as u16).map(move |i| f64::from(i) / n * (2.0 * scaled - 1.0))
}

/// Durbin's matrix, exact, for few values (Marsaglia, Tsang and Wang 2003): the middle of the middle row of its n-th power.
fn durbin(n: f64, d: f64) -> f64 {
    let middle = (n * d).floor() as u32;
    let (size, short) = (2 * middle + 1, f64::from(middle) + 1.0 - n * d);
    let corner = (2.0 * short - 1.0).max(0.0).powf(f64::from(size));
    let entry = |row: u32, column: u32| {
        if row + 1 < column {
            return 0.0;
        }
        let mut entry = 1.0;
        if column == 0 {
            entry -= short.powf(f64::from(row) + 1.0);
        }
        if row + 1 == size {
            entry -= short.powf(f64::from(size - column));
        }
        if column == 0 && row + 1 == size {
            entry += corner;
        }
        entry / (1..=row + 1 - column).map(f64::from).product::<f64>()
    };
    let matrix: Vec<Vec<f64>> =
        (0..size).map(|row| (0..size).map(|column| entry(row, column)).collect()).collect();
    let mut row: Vec<f64> = (0..size).map(|at| if at == middle { 1.0 } else { 0.0 }).collect();
    for step in 1..=n as u32 {
        let mut next = vec![0.0; row.len()];
        for (value, entries) in row.iter().zip(&matrix) {
            let value = value * f64::from(step) / n;
            next.iter_mut().zip(entries).for_each(|(next, entry)| *next += value * entry);
        }
        row = next;
    }
    row.get(middle as usize).map_or(f64::NAN, |chance| chance.clamp(0.0, 1.0))
}

/// Birnbaum and Tingey's sum of positive terms for the one-sided distance. Beyond 20,000 terms it uses evenly spaced ones: they
/// are so smooth that the sum does not change.
fn one_sided(n: f64, d: f64) -> f64 {
    if d >= 1.0 {
        return 0.0;
    }
    let stride = (n / 20_000.0).ceil().max(1.0);
    let term = |j: f64| {
        let reach = d + j / n;
        if reach >= 1.0 { 0.0 } else { d / reach * binomial(j, n, reach) }
    };
    let terms = (n * (1.0 - d) / stride).floor() as u32;
    stride * (0..=terms).map(|at| term(f64::from(at) * stride)).sum::<f64>()
}

/// Pelz and Good's expansion of the two-sided distance's distribution, in powers of 1/sqrt(n) (Simard and L'Ecuyer 2011).
fn pelz_good(n: f64, d: f64) -> f64 {
    let root = n.sqrt();
    let z = root * d;
    let square = z * z;
    let pi2 = PI * PI;
    let (z4, z6) = (square * square, square * square * square);
    let z8 = z4 * z4;
    // The sum of each term over all integers, folded onto the positive ones.
    let (mut k0, mut k1, mut k2, mut k3) = (0.0, 0.0, 0.0, 0.0);
    for k in 0..40 {
        let half = (f64::from(k) + 0.5).powi(2) * pi2;
        let weight = 2.0 * (-half / (2.0 * square)).exp();
        k0 += weight / 2.0;
        k1 += weight * (half - square);
        k2 += weight
            * (6.0 * z6 + 2.0 * z4 + half * (2.0 * z4 - 5.0 * square) + half * half * (1.0 - 2.0 * square));
        k3 += weight
            * (half * half * half * (5.0 - 30.0 * square)
                + half * half * (-60.0 * square + 212.0 * z4)
                + half * (135.0 * z4 - 96.0 * z6)
                - 30.0 * z6
                - 90.0 * z8);
    }
    let (mut k2_whole, mut k3_whole) = (0.0, 0.0);
    for k in 1..40 {
        let whole = f64::from(k).powi(2) * pi2;
        let weight = 2.0 * (-whole / (2.0 * square)).exp();
        k2_whole += weight * whole;
        k3_whole += weight * (-whole * whole + 3.0 * whole * square);
    }
    let root_half_pi = FRAC_PI_2.sqrt();
    let k0 = k0 * TAU.sqrt() / z;
    let k1 = k1 * root_half_pi / (6.0 * z4);
    let k2 = root_half_pi * (k2 / (72.0 * z6 * z) - k2_whole / (36.0 * square * z));
    let k3 = root_half_pi * (k3 / (6480.0 * z8 * square) + k3_whole / (108.0 * z6));
    (k0 + k1 / root + k2 / n + k3 / (n * root)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SciPy 1.17.1: `kstwo.sf(d, n)`, for each of the methods.
    #[test]
    fn p_values_match_scipy() {
        let golden = [
            (5.0, 0.3, 0.664),
            (50.0, 0.1, 0.662_311_270_465_818_6),
            (140.0, 0.06, 0.671_909_224_886_263_8),
            (141.0, 0.06, 0.667_716_079_134_891_5),
            (1000.0, 0.02, 0.810_897_165_689_557_7),
            (1000.0, 0.06, 0.001_428_597_887_952_891),
            (20_000.0, 0.02, 2.218_127_007_004_974_4e-7),
            (1e6, 0.002, 0.000_670_027_710_367_071_8),
            (25e6, 0.0004, 0.000_670_746_364_765_928),
            (25e6, 0.0001, 0.963_923_923_612_984_2),
        ];
        for (n, d, p) in golden {
            let ours = at_least(n, d);
            assert!((ours / p - 1.0).abs() < 1e-6, "{n} {d}: {ours} is not {p}");
        }
    }

    #[test]
    fn the_smallest_distance_of_many_values_takes_a_thousand_factors() {
        assert_eq!(ruben_gambino(1e15, 1.0).len(), 1000);
        assert_eq!(at_least(1e15, 1e-15), 1.0);
    }
}
