//! The exact permutation distribution of the distance of two small samples.

/// The largest product of sample sizes for the exact test.
const MOST_PAIRS: u64 = 1_000_000;

/// Returns the share of all divisions of the values into samples of `n` and `m` whose distance is at least that of this one.
/// `counts` has, for each distinct value in ascending order, its number in each sample: ties stay ties. `None` if the samples
/// are too large.
pub(crate) fn at_least(counts: &[(u64, u64)], n: u64, m: u64) -> Option<f64> {
    if n.checked_mul(m).is_none_or(|pairs| pairs > MOST_PAIRS) {
        return None;
    }
    let apart = |from: u64, to: u64| (from * m).abs_diff(to * n);
    let (mut below, mut distance) = ((0, 0), 0);
    // The distance is compared only after the last of tied values.
    let mut looks = vec![false; usize::try_from(n + m).ok()? + 1];
    for (from, to) in counts {
        below = (below.0 + from, below.1 + to);
        distance = distance.max(apart(below.0, below.1));
        if let Some(look) = looks.get_mut(usize::try_from(below.0 + below.1).ok()?) {
            *look = true;
        }
    }
    // For each number of values, the share of the divisions that stay nearer (as in R's `psmirnov`): a walk over the lattice,
    // row by row.
    let stays = |from: u64, to: u64| {
        let at = usize::try_from(from + to).unwrap_or(usize::MAX);
        apart(from, to) < distance || !looks.get(at).copied().unwrap_or(true)
    };
    let mut row: Vec<f64> = Vec::new();
    for to in 0..=m {
        let before = row.last().copied().unwrap_or(1.0);
        row.push(if stays(0, to) { before } else { 0.0 });
    }
    for from in 1..=n {
        let mut before = 0.0;
        for (to, share) in (0..=m).zip(&mut row) {
            // The shares of the ways from either side.
            let reached = (from as f64 * *share + to as f64 * before) / (from + to) as f64;
            before = if stays(from, to) { reached } else { 0.0 };
            *share = before;
        }
    }
    Some((1.0 - row.last().copied().unwrap_or(0.0)).clamp(0.0, 1.0))
}
