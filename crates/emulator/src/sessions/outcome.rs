//! The outcome of a verification.

use cloudauth_protocol::{Bilingual, SubCode};
use serde::{Deserialize, Serialize};

use crate::http::both;

/// The lowest passing score: the lowest score in the vendor's table (one false accept in a thousand). The service's own
/// threshold is not documented.
const PASSING_SCORE: f64 = 70.0;

/// The outcome of a verification: its SubCode and its score.
///
/// ```
/// use cloudauth_emulator::SessionOutcome;
///
/// assert!(!SessionOutcome::with_sub_code("204").passed());
/// assert!(SessionOutcome::with_score(70.0).passed() && !SessionOutcome::with_score(69.9).passed());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionOutcome {
    pub(crate) sub_code: String,
    pub(crate) verify_score: f64,
}

impl SessionOutcome {
    /// Creates a pass, with SubCode 200.
    #[must_use]
    pub fn pass() -> Self {
        Self::with_sub_code("200")
    }

    /// Creates an outcome with this SubCode and a plausible score.
    #[must_use]
    pub fn with_sub_code(code: &str) -> Self {
        let passes = SubCode::from_wire(code).means_pass() != Some(false);
        Self { sub_code: code.to_owned(), verify_score: if passes { 88.25 } else { 42.5 } }
    }

    /// Creates an outcome with this score. Its SubCode is 200 from a score of 70, and 204 below.
    #[must_use]
    pub fn with_score(verify_score: f64) -> Self {
        let sub_code = if verify_score >= PASSING_SCORE { "200" } else { "204" };
        Self { sub_code: sub_code.to_owned(), verify_score }
    }

    /// Returns whether `Passed` is `T`.
    #[must_use]
    pub fn passed(&self) -> bool {
        SubCode::from_wire(&self.sub_code).means_pass() == Some(true)
    }

    /// Returns whether the faces were compared. After 201, 202 and 203 they were not, and `InitFaceVerify` answers 417 to
    /// the same identity.
    pub(crate) fn compares_faces(&self) -> bool {
        !matches!(self.sub_code.as_str(), "201" | "202" | "203")
    }

    /// Checks the outcome: a SubCode of at most eight digits, and a score from 0 to 100.
    pub(crate) fn check(&self) -> Result<(), Bilingual> {
        Self::requested(Some(&self.sub_code), Some(self.verify_score)).map(drop)
    }

    /// Creates the outcome that a form, an admin request or a rule asks for, by SubCode, score or both. `None` if it
    /// contains neither.
    ///
    /// # Errors
    /// If the SubCode or the score is out of range.
    pub(crate) fn requested(
        sub_code: Option<&str>,
        verify_score: Option<f64>,
    ) -> Result<Option<Self>, Bilingual> {
        if sub_code.is_some_and(|code| code.len() > 8 || !code.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(both("`sub_code` must be at most eight digits", "`sub_code` 最多 8 位数字"));
        }
        if verify_score.is_some_and(|score| !(0.0..=100.0).contains(&score)) {
            return Err(both("`verify_score` must be from 0 to 100", "`verify_score` 须在 0 至 100 之间"));
        }
        Ok(match (sub_code.filter(|code| !code.is_empty()), verify_score) {
            (None, None) => None,
            (None, Some(score)) => Some(Self::with_score(score)),
            (Some(code), None) => Some(Self::with_sub_code(code)),
            (Some(code), Some(verify_score)) => Some(Self { sub_code: code.to_owned(), verify_score }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_seventy_and_above_pass() {
        assert!(!SessionOutcome::with_score(69.9).passed() && SessionOutcome::with_score(70.0).passed());
        assert!(
            SessionOutcome::with_sub_code("210").passed() && !SessionOutcome::with_sub_code("205").passed()
        );
        assert!(!SessionOutcome::with_sub_code("299").passed(), "an unknown SubCode is not a pass");
    }

    #[test]
    fn accepts_valid_requests_and_rejects_others() {
        let requested = |code, score| SessionOutcome::requested(code, score);
        assert_eq!(requested(None, None), Ok(None));
        assert_eq!(requested(Some(""), Some(69.0)), Ok(Some(SessionOutcome::with_score(69.0))));
        assert_eq!(requested(Some("205"), None), Ok(Some(SessionOutcome::with_sub_code("205"))));
        let both = SessionOutcome { sub_code: "200".into(), verify_score: 12.0 };
        assert_eq!(requested(Some("200"), Some(12.0)), Ok(Some(both)));
        assert!(requested(Some("<b>"), None).is_err() && requested(None, Some(100.1)).is_err());
        assert!(requested(None, Some(f64::NAN)).is_err());
    }
}
