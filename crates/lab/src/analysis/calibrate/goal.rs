//! Target rates, as users write them.

use std::fmt;
use std::str::FromStr;

use crate::error::{LabError, LabProblem};

/// The target rates of the vendor's table.
pub const TARGETS: [f64; 5] = [1e-3, 5e-4, 1e-4, 5e-5, 1e-5];

/// A target for the false match rate: above 0 and below 1. `Display` shows it as it was written.
///
/// ```
/// use cloudauth_lab::TargetRate;
///
/// let target: TargetRate = "0.1%".parse()?;
/// assert_eq!((target.rate(), target.to_string()), (0.001, "0.1%".to_owned()));
/// assert_eq!(TargetRate::from(1e-4).to_string(), "1/10000");
/// # Ok::<(), cloudauth_lab::LabError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TargetRate {
    rate: f64,
    text: String,
}

impl TargetRate {
    /// Returns these targets, or those of the vendor's table ([`TARGETS`](crate::TARGETS)) if the list is empty.
    #[must_use]
    pub fn or_vendor(targets: Vec<Self>) -> Vec<Self> {
        if targets.is_empty() { TARGETS.into_iter().map(Self::from).collect() } else { targets }
    }

    /// Returns the rate as a fraction.
    #[must_use]
    pub const fn rate(&self) -> f64 {
        self.rate
    }
}

/// Creates a target from a number. It is shown as `1/N` if that is exact, otherwise as a decimal.
impl From<f64> for TargetRate {
    fn from(rate: f64) -> Self {
        let of = (1.0 / rate).round();
        let text = if 1.0 / of == rate { format!("1/{of}") } else { rate.to_string() };
        Self { rate, text }
    }
}

impl FromStr for TargetRate {
    type Err = LabError;

    /// Parses `1/1000`, `0.001`, `1e-3` or `0.1%`.
    fn from_str(text: &str) -> Result<Self, LabError> {
        let number = |text: &str| text.trim().parse::<f64>().ok();
        let text = text.trim();
        let rate = match (text.split_once('/'), text.strip_suffix('%')) {
            (Some((above, below)), None) => {
                number(above).zip(number(below)).map(|(above, below)| above / below)
            }
            // A percentage changes the exponent, so no division rounds.
            (None, Some(percent)) => number(&format!("{}e-2", percent.trim())),
            (None, None) => number(text),
            (Some(_), Some(_)) => None,
        };
        let rate = rate
            .filter(|rate| *rate > 0.0 && *rate < 1.0)
            .ok_or_else(|| LabProblem::NotARate.into_error())?;
        Ok(Self { rate, text: text.to_owned() })
    }
}

impl fmt::Display for TargetRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_every_notation_of_a_target_and_shows_it_as_written() {
        for (text, rate) in [
            ("1/1000", 0.001),
            ("0.001", 0.001),
            ("1e-3", 0.001),
            ("0.1%", 0.001),
            ("0.1 %", 0.001),
            ("3/10", 0.3),
            ("0.6", 0.6),
        ] {
            let target: TargetRate = text.parse().unwrap();
            assert!((target.rate() - rate).abs() < 1e-15, "{text}");
            assert_eq!(target.to_string(), text);
        }
        for wrong in ["", "0", "1", "100%", "-1/10", "1/0", "NaN", "inf", "1/10%", "1/2/3", "%", "2"] {
            assert!(wrong.parse::<TargetRate>().is_err(), "{wrong}");
        }
        let shown = [0.001, 1e-5, 0.3, 0.6, 5e-5].map(|rate| TargetRate::from(rate).to_string());
        assert_eq!(shown, ["1/1000", "1/100000", "0.3", "0.6", "1/20000"]);
    }
}
