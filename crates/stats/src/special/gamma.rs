//! The quantile of the gamma distribution. The quantiles of chi-squared (critical value of the PSI) and the interval of a
//! Poisson mean follow from it. The code is our own for the reasons in `beta.rs`, and shares its parts.

use std::f64::consts::TAU;

use super::normal::probit;
use super::root::{Tail, solve};
use super::saddle::{deviance, stirling_error};

/// Returns the `x` with `P(Gamma(shape, 1) > x) = p` if `upper`, `P(Gamma(shape, 1) < x) = p` otherwise; NaN for invalid input.
pub(crate) fn quantile(shape: f64, p: f64, upper: bool) -> f64 {
    if !(shape > 0.0 && p > 0.0 && p < 1.0) {
        return f64::NAN;
    }
    if p > 0.5 {
        return quantile(shape, 1.0 - p, !upper);
    }
    // The first guess, by Wilson and Hilferty.
    let z = if upper { -probit(p) } else { probit(p) };
    let cube = 1.0 - 1.0 / (9.0 * shape) + z / (3.0 * shape.sqrt());
    let start = if cube > 0.1 { shape * cube * cube * cube } else { shape * 0.001 };
    let top = top(shape);
    solve(p, upper, start, f64::INFINITY, |x| tail(shape, top, x, upper))
}

/// Returns `P(Gamma(shape, 1) > x)`, for a positive `x`, which may be infinite.
pub(crate) fn above(shape: f64, x: f64) -> f64 {
    if x == f64::INFINITY {
        return 0.0;
    }
    tail(shape, top(shape), x, true).ln.exp()
}

/// Returns the logarithm of `x^shape e^-x / Γ(shape)` at its maximum.
fn top(shape: f64) -> f64 {
    -stirling_error(shape) + (shape / TAU).ln() / 2.0
}

fn tail(shape: f64, top: f64, x: f64, upper: bool) -> Tail {
    let kernel = top - deviance(shape, x, shape - x);
    let left = x < shape + 1.0;
    let near = kernel + if left { (series(shape, x) / shape).ln() } else { fraction(shape, x).ln() };
    let ln = if left == upper { (-near.exp()).ln_1p() } else { near };
    Tail { ln, hazard: (kernel - ln).exp(), bend: shape - x }
}

fn series(shape: f64, x: f64) -> f64 {
    let (mut sum, mut term, mut at) = (1.0, 1.0, shape);
    while term > sum * 1e-17 {
        at += 1.0;
        term *= x / at;
        sum += term;
    }
    sum
}

fn fraction(shape: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - shape;
    let mut c = 1e300;
    let mut d = b.recip();
    let mut value = d;
    for m in 1..100_000 {
        let m = f64::from(m);
        let a = -m * (m - shape);
        b += 2.0;
        d = (a * d + b).recip();
        c = b + a / c;
        let change = d * c;
        value *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}
