//! Statistics of recorded results: pure functions on counts and scores.
//!
//! Terms are those of ISO/IEC 19795-1 and 30107-3. A score is a similarity, and `accept` means `score >= threshold`. A false
//! match (FM) is an impostor accepted, a false non-match (FNM) a genuine attempt refused. Counts stay integers and divide
//! last; rates are fractions from 0 to 1, never per cent.

mod attack;
mod beta;
mod bootstrap;
mod curve;
mod drift;
mod gamma;
mod grid;
mod interval;
mod ks;
mod normal;
mod paired;
mod rate;
mod root;
mod saddle;
mod target;

pub use attack::{AttackReport, Transactions};
pub use bootstrap::{
    Draws, Resampler, percentile, percentile_interval, replicate_rate, replicate_rate_of_subjects,
};
pub use curve::{Curve, EqualErrorRate, Estimate, NotFinite, OperatingPoint, estimates};
pub use drift::{Binned, Bins, Smoothing, jensen_shannon, psi, psi_critical, wasserstein};
pub use grid::{EDGES, Grid, LabelledGrid, edge, edge_index};
pub use interval::{
    attempts_needed, clopper_pearson, clopper_pearson_lower, clopper_pearson_upper, jeffreys, poisson,
    rule_of_3, wilson,
};
pub use ks::{KolmogorovSmirnov, kolmogorov_smirnov};
pub use normal::probit;
pub use paired::{McNemar, mcnemar, newcombe};
pub use rate::{Confidence, Interval, Rate};
pub use target::{
    Chosen, Step, ThresholdInterval, TooFew, most_at, most_at_with, threshold, threshold_interval,
    threshold_with,
};
