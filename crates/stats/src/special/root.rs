//! Finds the point at which a distribution's tail has a given probability: Halley's method on the logarithms, kept between
//! bounds.

/// A tail at a point `x`.
pub(crate) struct Tail {
    /// The logarithm of the tail's probability.
    pub(crate) ln: f64,
    /// `x · density / tail`.
    pub(crate) hazard: f64,
    /// `d ln(x · density) / d ln x`.
    pub(crate) bend: f64,
}

/// Returns the `x` in (0, `most`) whose tail has the probability `p`: the upper tail, or the lower.
pub(crate) fn solve(p: f64, upper: bool, start: f64, most: f64, tail: impl Fn(f64) -> Tail) -> f64 {
    let sign = if upper { -1.0 } else { 1.0 };
    let (target, mut low, mut high) = (p.ln(), 0.0_f64, most);
    let mut x = start;
    for _ in 0..200 {
        let at = tail(x);
        let over = at.ln - target;
        if over == 0.0 {
            return x;
        }
        if (over > 0.0) == upper {
            low = x;
        } else {
            high = x;
        }
        let slope = sign * at.hazard;
        let step = -over / (slope - over * (at.bend - slope) / 2.0);
        let next = x * step.exp();
        // The error of Halley's step is of the third order in its length, measured in standard deviations.
        let length = (slope * step).abs();
        let close = length * length * length < 1e-13 * slope.abs().min(1.0);
        if step.abs() < 1e-15 || (close && next >= low && next <= high) {
            return next;
        }
        if next > low && next < high {
            x = next;
        } else if high / low < 1.0 + 4.0 * f64::EPSILON {
            return x;
        } else {
            x = if high.is_infinite() { 2.0 * x } else { (low.max(high * 1e-12) * high).sqrt() };
        }
    }
    x
}
