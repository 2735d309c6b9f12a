//! Statistics of biometric comparison scores: pure functions on counts and scores.
//!
//! Terms are those of ISO/IEC 19795-1 and 30107-3. A score is a similarity, and `accept` means `score >= threshold`. A false
//! match (FM) is an impostor accepted, a false non-match (FNM) a genuine attempt refused. Counts stay integers and divide
//! last; rates are fractions from 0 to 1, never per cent.
//!
//! ```
//! use cloudauth_stats::{Confidence, LabelledGrid, ThresholdStep, clopper_pearson, threshold, threshold_with};
//!
//! let mut results = LabelledGrid::default();
//! results.genuine.add(&[88.1, 74.2, 93.0, 69.9]);
//! results.impostor.add(&[12.5, 71.3, 40.0, 55.8, f64::NAN]); // the last gave no score
//!
//! let curve = results.curve();
//! let at = curve.at(70.0);
//! assert_eq!((at.fmr.to_string(), at.fnmr.to_string()), ("1/4".into(), "1/4".into()));
//! let interval = clopper_pearson(at.fmr, Confidence::P95);
//! assert!(interval.low < 0.01 && interval.high > 0.80); // four attempts say little
//!
//! let shown = threshold(&curve, 0.001, ThresholdStep::Hundredths(1)).ok_or("no impostors")?;
//! assert_eq!(shown.point.threshold, 71.31);
//! let proven = threshold_with(&curve, 0.001, Confidence::P95, ThresholdStep::Hundredths(1));
//! assert_eq!(proven.unwrap_err().need, Some(2995));
//! # Ok::<(), &str>(())
//! ```

mod attack;
mod bootstrap;
mod cluster;
mod curve;
mod delong;
mod drift;
pub mod grid;
mod groups;
mod interval;
mod ks;
mod paired;
mod queue;
mod rate;
mod special;
mod target;

pub use attack::{AttackReport, Transactions};
pub use bootstrap::{
    Draws, Resampler, percentile, percentile_interval, replicate_rate, replicate_rate_of_subjects,
};
pub use cluster::{Clusters, PairedClusters};
pub use curve::{Curve, EqualErrorRate, Estimate, NotFinite, OperatingPoint, estimates};
pub use delong::{Auc, AucDifference, PairedScores};
pub use drift::{
    Binned, Bins, Smoothing, jensen_shannon, mean_shift_of_grids, psi, psi_critical, wasserstein,
    wasserstein_of_grids,
};
pub use grid::{Grid, LabelledGrid};
pub use groups::{difference_of, fisher, holm, koopman, newcombe, p_of_difference, ratio_of};
pub use interval::{
    attempts_needed, clopper_pearson, clopper_pearson_lower, clopper_pearson_upper, jeffreys, poisson,
    rule_of_3, wilson,
};
pub use ks::{KolmogorovSmirnov, kolmogorov_smirnov};
pub use paired::{McNemar, McNemarPlan, mcnemar, newcombe_paired};
pub use queue::Queue;
pub use rate::{Confidence, Interval, Rate};
pub use special::{hypergeometric_at_most, probit};
pub use target::{
    Chosen, ThresholdInterval, ThresholdStep, TooFew, most_at, most_at_with, threshold, threshold_interval,
    threshold_with,
};

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
