//! The error rates at one threshold.

use cloudauth_policy::nominal_far;
use cloudauth_stats::OperatingPoint;
use serde::Serialize;

use crate::analysis::proportion::Proportion;

/// The errors at a threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ThresholdErrors {
    /// What the policy calls it.
    pub name: Option<String>,
    /// A score that reaches it is accepted.
    pub threshold: f64,
    /// Whether only a score above the threshold is accepted: the policy compares by `>` or `<=`.
    pub exclusive: bool,
    /// What the vendor's table says or implies of it, from 70 to 80.
    pub vendor_far: Option<f64>,
    /// Impostors accepted.
    pub fmr: Proportion,
    /// Genuine people refused.
    pub fnmr: Proportion,
}

impl ThresholdErrors {
    pub(super) fn new(name: Option<&str>, threshold: f64, (fmr, fnmr): (Proportion, Proportion)) -> Self {
        let (name, vendor_far) = (name.map(str::to_owned), nominal_far(threshold));
        Self { name, threshold, exclusive: false, vendor_far, fmr, fnmr }
    }

    pub(super) fn of(name: Option<&str>, point: OperatingPoint) -> Self {
        Self::new(name, point.threshold, (Proportion::of(point.fmr), Proportion::of(point.fnmr)))
    }
}
