//! What a policy's thresholds do to real people: statistics of recorded face verification results.
//!
//! [`stats`] has pure functions on counts: error rates and their intervals, ROC and EER, thresholds for a target rate,
//! bootstrap, drift, paired comparison, presentation attacks. No I/O, no clock; the bootstrap's randomness is a seed.

pub mod stats;
