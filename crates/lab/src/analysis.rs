//! The results of a run: replay, comparison, calibration, drift and presentation attacks.

pub(crate) mod attacks;
pub(crate) mod by_verdict;
pub(crate) mod calibrate;
pub(crate) mod compare;
pub(crate) mod data_issue;
pub(crate) mod drift;
pub(crate) mod figures;
pub(crate) mod issue_kind;
pub(crate) mod plan;
pub(crate) mod proportion;
pub(crate) mod replay;
pub(crate) mod rests_on;
pub(crate) mod segment_rates;
pub(crate) mod sweep;
