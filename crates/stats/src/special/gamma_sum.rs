//! The upper tail of a weighted sum of gamma variables at 0.
//!
//! The tail is an inversion integral of the sum's moment generating function (Davies 1973, Biometrika 60:415). The path of integration
//! is a hyperbola through the saddle point, along which the integrand of most sums hardly oscillates (Rice 1980, SIAM Journal on
//! Scientific and Statistical Computing 1:438). The trapezoidal rule then needs 10 to 30 points, however many variables there are. The
//! path on the imaginary axis, where Davies sums, needs thousands of points for many variables.
//!
//! A path is accepted if the integrand never increases along it, its phase changes little from point to point, and half of the points
//! give nearly the same sum. That does not prove the error; [`ERROR`] is several times the largest one of the tests.
//! With the paths that are refused, a sum has about 60 points on average.

use std::f64::consts::{PI, TAU};

/// Gamma variables with the same weight, which changes with a parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// The weight. Not 0.
    pub(crate) weight: f64,
    /// Its derivative by the parameter.
    pub(crate) slope: f64,
    /// The sum of the shapes: the number of variables if they are exponential.
    pub(crate) shape: f64,
}

/// The probability that a sum is positive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Positive {
    /// Its logarithm.
    pub(crate) ln: f64,
    /// The derivative of the logarithm by the parameter.
    pub(crate) slope: f64,
}

/// The relative error of a probability that its users allow for.
pub(crate) const ERROR: f64 = 1e-7;

/// The distance of the points on a hyperbola, as a multiple of its natural unit.
const STEP: f64 = 0.17;
/// The most points of a hyperbola with this step.
const MOST_STEPS: f64 = 200.0;
/// The most times that the step is halved.
const HALVINGS: i32 = 5;
/// The largest change of the integrand's phase from one point to the next. With more than half a turn, the sum over half of the points
/// can be as wrong as the whole.
const TURN: f64 = 2.5;
/// The phase does not matter for points whose part of the sum is smaller than this.
const FAINT: f64 = 1e-8;
/// The largest relative difference to the sum over half of the points.
const HALF_DIFFERENCE: f64 = 1e-4;
/// The most points of a straight path, more than any practical sum needs.
const MOST_POINTS: u32 = 300_000;
/// The terms of the sum that are left out are smaller than this part of it.
const SMALL: f64 = 1e-11;

/// Returns the probability that the sum is positive. NaN if no path is accepted.
pub(crate) fn positive(parts: &[Part]) -> Positive {
    let most = parts.iter().map(|part| part.weight).fold(0.0, f64::max);
    if most <= 0.0 {
        return Positive { ln: f64::NEG_INFINITY, slope: 0.0 };
    }
    if parts.iter().all(|part| part.weight > 0.0) {
        return Positive { ln: 0.0, slope: 0.0 };
    }
    let saddle = Saddle::of(parts, most);
    let hyperbola = |bend: f64, step: f64| saddle.along(parts, Path::Hyperbola { bend, step });
    let bend = saddle.bend();
    let found = hyperbola(bend, STEP)
        // Most variables may be on one side of the point, and the closest ones on the other.
        .or_else(|| hyperbola(0.0, STEP))
        .or_else(|| hyperbola(-0.5, STEP))
        .or_else(|| hyperbola(0.5, STEP))
        .or_else(|| {
            let shorter = (1..=HALVINGS).map(|times| STEP / 2.0_f64.powi(times));
            let mut paths = shorter.flat_map(|step| [(bend, step), (0.0, step)]);
            paths.find_map(|(bend, step)| hyperbola(bend, step))
        })
        .or_else(|| saddle.along(parts, Path::Straight { step: saddle.safe_step(parts, most) }));
    found.unwrap_or(Positive { ln: f64::NAN, slope: f64::NAN })
}

/// The saddle point of the integrand on the real axis, where the path begins. An approximate one is enough.
struct Saddle {
    at: f64,
    /// The second and the third derivative of the integrand's logarithm.
    second: f64,
    third: f64,
}

impl Saddle {
    /// The integrand's logarithm is convex between 0 and the first pole, the inverse of the largest weight.
    fn of(parts: &[Part], most: f64) -> Self {
        let (mean, variance) = parts.iter().fold((0.0, 0.0), |(mean, variance), part| {
            let term = part.weight * part.shape;
            (mean + term, variance + part.weight * term)
        });
        // That of the normal distribution.
        let normal = 2.0 / (mean + (mean * mean + 4.0 * variance).sqrt());
        let (mut low, mut high) = (0.0, most.recip());
        let mut at = if normal < high { normal } else { 0.9 * high };
        for _ in 0..100 {
            let (mut first, mut second) = (-at.recip(), at.powi(-2));
            for part in parts {
                let q = part.weight / (1.0 - part.weight * at);
                first += part.shape * q;
                second += part.shape * q * q;
            }
            if first > 0.0 {
                high = at;
            } else {
                low = at;
            }
            let newton = at - first / second;
            let next = if newton > low && newton < high { newton } else { (low + high) / 2.0 };
            let is_close = (next - at).abs() < 0.01 * at.min(most.recip() - at);
            at = next;
            if is_close {
                break;
            }
        }
        let (mut second, mut third) = (at.powi(-2), -2.0 * at.powi(-3));
        for part in parts {
            let q = part.weight / (1.0 - part.weight * at);
            second += part.shape * q * q;
            third += 2.0 * part.shape * q * q * q;
        }
        Self { at, second, third }
    }

    /// The width of the integrand at the saddle point.
    fn width(&self) -> f64 {
        self.second.sqrt().recip()
    }

    /// The sine of the angle by which the hyperbola's branches lean from the vertical, so that its curvature is that of the path of
    /// steepest descent.
    fn bend(&self) -> f64 {
        let skew = 2.0 / 3.0 * self.third * self.width().powi(3);
        (2.0 * skew / (1.0 + (4.0 * skew * skew + 1.0).sqrt())).clamp(-0.5, 0.5)
    }

    /// A step for the trapezoidal rule on a straight path: its error is the probability of sums beyond multiples of `TAU` over the
    /// step, which are many deviations away, those of the sum and of the integrand.
    fn safe_step(&self, parts: &[Part], most: f64) -> f64 {
        let sum = |of: fn(&Part) -> f64| parts.iter().map(|part| of(part) * part.shape).sum::<f64>();
        let deviation = sum(|part| part.weight * part.weight).max(self.second).sqrt();
        let room = self.at.min(most.recip() - self.at);
        TAU / (sum(|part| part.weight).abs() + 9.0 * deviation + 30.0 / room)
    }

    /// Sums the integrand along a path. `None` if the path is not accepted.
    fn along(&self, parts: &[Part], path: Path) -> Option<Positive> {
        let (mut sum, mut slopes, mut odd) = (0.0, 0.0, 0.0);
        let (mut begin, mut last, mut phase) = (0.0, f64::INFINITY, 0.0_f64);
        for number in 0..path.most_points() {
            let ((x, y), (dx, dy)) = path.point(self, number);
            let square = x * x + y * y;
            let (mut ln, mut angle, mut re, mut im) = (0.0, 0.0, 0.0, 0.0);
            for Part { weight, slope, shape } in parts {
                let (across, up) = (1.0 - weight * x, -weight * y);
                ln -= shape / 2.0 * (weight * (weight * square - 2.0 * x)).ln_1p();
                angle -= shape * up.atan2(across);
                let q = shape * slope / (across * across + up * up);
                re += q * across;
                im -= q * up;
            }
            if number == 0 {
                begin = ln;
            }
            let size = (ln - begin).exp();
            let (cos, sin) = (size * angle.cos(), size * angle.sin());
            let (across, up) = (cos * dx - sin * dy, cos * dy + sin * dx);
            let weight = if number == 0 { 0.5 } else { 1.0 };
            let term = weight * (up * x - across * y) / square;
            sum += term;
            odd += if number % 2 == 1 { term } else { 0.0 };
            slopes += weight * (across * im + up * re);
            let now = size * ((dx * dx + dy * dy) / square).sqrt();
            let has_turned = (angle - phase).abs() > TURN && now > FAINT * sum.abs();
            if now.is_nan() || now > 1.01 * last || has_turned {
                return None;
            }
            (last, phase) = (now, angle);
            if now < SMALL * sum.abs() {
                // With steps of twice the length, the sum must be nearly the same.
                let is_fine = sum > 0.0 && (2.0 * (sum - odd) / sum - 1.0).abs() < HALF_DIFFERENCE;
                let ln = begin + (sum * path.step() / PI).ln();
                return is_fine.then_some(Positive { ln, slope: slopes / sum });
            }
        }
        None
    }
}

/// A path of integration through the saddle point.
#[derive(Clone, Copy, Debug)]
enum Path {
    /// The sine of the angle by which its branches lean to the right.
    Hyperbola {
        bend: f64,
        step: f64,
    },
    Straight {
        step: f64,
    },
}

impl Path {
    const fn step(self) -> f64 {
        match self {
            Self::Hyperbola { step, .. } | Self::Straight { step } => step,
        }
    }

    fn most_points(self) -> u32 {
        match self {
            Self::Hyperbola { step, .. } => (MOST_STEPS * STEP / step) as u32,
            Self::Straight { .. } => MOST_POINTS,
        }
    }

    /// Returns the point with this number, and its derivative.
    fn point(self, saddle: &Saddle, number: u32) -> ((f64, f64), (f64, f64)) {
        let at = f64::from(number) * self.step();
        match self {
            Self::Hyperbola { bend, .. } => {
                let (unit, upright) = (2.0 * saddle.width(), (1.0 - bend * bend).sqrt());
                let grown = at.exp();
                let (cosh, sinh) = ((grown + grown.recip()) / 2.0, (grown - grown.recip()) / 2.0);
                let point = (saddle.at + unit * bend * (cosh - 1.0), unit * upright * sinh);
                (point, (unit * bend * sinh, unit * upright * cosh))
            }
            Self::Straight { .. } => ((saddle.at, at), (0.0, 1.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Davies's sum on the imaginary axis.
    fn by_davies(parts: &[Part]) -> f64 {
        let sum = |of: fn(f64) -> f64| parts.iter().map(|part| of(part.weight) * part.shape).sum::<f64>();
        let most = parts.iter().map(|part| part.weight.abs()).fold(0.0, f64::max);
        let step =
            TAU / (sum(|weight| weight).abs() + 8.0 * sum(|weight| weight * weight).sqrt() + 25.0 * most);
        let mut total = 0.0;
        for term in 0..3_000_000 {
            let at = f64::from(term) + 0.5;
            let (mut ln, mut angle) = (0.0, 0.0);
            for part in parts {
                let x = part.weight * at * step;
                ln -= part.shape / 2.0 * (x * x).ln_1p();
                angle += part.shape * x.atan();
            }
            total += ln.exp() * angle.sin() / at;
            if ln < -20.0 {
                break;
            }
        }
        0.5 + total / PI
    }

    fn parts(weights: &[(f64, f64)]) -> Vec<Part> {
        weights.iter().map(|(weight, shape)| Part { weight: *weight, slope: -1.0, shape: *shape }).collect()
    }

    #[test]
    fn every_path_gives_the_same_probability() {
        let sums: [&[(f64, f64)]; 6] = [
            // Two of the same size: a half.
            &[(1.0, 1.0), (-1.0, 1.0)],
            // The first of these is the path of nearly all sums.
            &[(0.99, 3.0), (-0.01, 700.0), (1.98, 1.0)],
            &[(2.5, 1.0), (-1.0, 4.0), (-0.001, 20_000.0)],
            // Many small variables on one side, a few large ones close to the point on the other.
            &[(0.001, 20_000.0), (3.3, 1.0), (-1.0, 50.0), (-2990.0, 1.0)],
            &[(0.7, 4.0), (-0.3, 2.0), (-5.0, 3.0), (11.0, 1.0)],
            &[(1.0, 1.0), (-0.0005, 9000.0)],
        ];
        for weights in sums {
            let parts = parts(weights);
            let expected = by_davies(&parts);
            let found = positive(&parts).ln.exp();
            assert!((found - expected).abs() < 1e-8, "{weights:?}: {found} {expected}");
            let most = weights.iter().map(|(weight, _)| *weight).fold(0.0, f64::max);
            let saddle = Saddle::of(&parts, most);
            let step = saddle.safe_step(&parts, most);
            let straight = saddle.along(&parts, Path::Straight { step }).unwrap();
            assert!((straight.ln.exp() - expected).abs() < 1e-8, "{weights:?}: {straight:?} {expected}");
        }
    }

    #[test]
    fn sums_whose_path_oscillates_are_summed_along_another_one() {
        // By a sum of 30 digits on the vertical line through the saddle point, with over a thousand points.
        for (weights, exact) in [
            (
                &[(0.313_787_656_681_887_13, 7.0), (-0.000_219_651_359_677_320_98, 10_000.0)][..],
                -0.799_034_087_167_002,
            ),
            (
                &[
                    (0.000_249_928_434_484_284_7, 1e6),
                    (-1_965.238_906_967_174_4, 1.0),
                    (175.886_747_118_475, 1.0),
                    (-0.025_798_085_071_432_348, 1.0),
                    (-0.005_740_259_381_361_89, 10_000.0),
                    (-0.000_104_805_880_558_980_72, 1.0),
                ],
                -1.785_043_088_323_901_5,
            ),
        ] {
            let found = positive(&parts(weights)).ln;
            assert!((found - exact).abs() < 3e-8, "{weights:?}: {found}");
        }
    }

    #[test]
    fn a_sum_of_two_has_its_exact_probability_and_slope() {
        // P(a X > b Y) = a / (a + b) for exponential X and Y.
        for (a, b) in [(1.0, 1.0), (1.0, 1e-3), (1e-3, 1.0), (1e-9, 1.0), (3.0, 1e5)] {
            let found = positive(&parts(&[(a, 1.0), (-b, 1.0)]));
            assert!((found.ln.exp() / (a / (a + b)) - 1.0).abs() < 1e-9, "{a} {b}: {found:?}");
            // Both weights decrease by one.
            let slope = -1.0 / a;
            assert!((found.slope / slope - 1.0).abs() < 1e-6, "{a} {b}: {found:?} {slope}");
        }
        assert_eq!(positive(&parts(&[(1.0, 5.0)])).ln, 0.0);
        assert_eq!(positive(&parts(&[(-1.0, 5.0)])).ln, f64::NEG_INFINITY);
        assert_eq!(positive(&[]).ln, f64::NEG_INFINITY);
    }
}
