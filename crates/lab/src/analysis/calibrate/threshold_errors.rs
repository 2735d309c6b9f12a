//! The error rates at one threshold.

use cloudauth_policy::nominal_far;
use cloudauth_stats::OperatingPoint;
use serde::Serialize;

use crate::analysis::proportion::Proportion;

/// The error rates at a threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ThresholdErrors {
    /// The policy's name for the threshold, if it has one.
    pub name: Option<String>,
    /// The threshold. A score that reaches it is accepted.
    pub threshold: f64,
    /// Whether only a score above the threshold is accepted: the policy compares by `>` or `<=`.
    pub exclusive: bool,
    /// The false acceptance rate that the vendor's table gives or implies, from 70 to 80.
    pub vendor_far: Option<f64>,
    /// The impostors accepted: the false match rate.
    pub fmr: Proportion,
    /// The genuine people refused: the false non-match rate.
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
