//! Shares as arguments of `lab plan`.

use cloudauth_lab::TargetRate;

use crate::words::lab::plan as said;
use crate::words::usage::InvalidValue;

/// Reads a share between 0 and 1, such as `0.95`, `95%` or `1/20`.
pub(super) fn share(text: &str) -> Result<f64, InvalidValue> {
    let share = text.parse::<TargetRate>();
    share.map(|share| share.rate()).map_err(|_| InvalidValue(said::NOT_A_SHARE.into()))
}

/// Reads a share from 0 to below 1.
pub(super) fn share_or_zero(text: &str) -> Result<f64, InvalidValue> {
    if matches!(text.trim(), "0" | "0%") { Ok(0.0) } else { share(text) }
}
