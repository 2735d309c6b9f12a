//! Writes a chosen threshold into the text of a policy file, and changes nothing else.

use std::ops::Range;

use cloudauth_policy::{Input, Policy, nominal_far};
use toml::de::{DeTable, DeValue};

use crate::error::{LabError, LabProblem};

/// Returns the policy file with another value of a threshold. The vendor's rate next to it is updated, or removed if the
/// vendor's table has no rate for the value; the note names the origin of the value.
///
/// ```
/// let policy = cloudauth_policy::builtin::ONBOARDING;
/// // Its examples say what happens at 75: update them when the threshold moves.
/// assert!(cloudauth_lab::set_threshold(policy, "match_auto", 76.2, "").is_err());
///
/// let policy = policy.split("[[example]]").next().unwrap_or_default();
/// let changed = cloudauth_lab::set_threshold(policy, "match_auto", 76.2, "FMR <= 1/10000 proved on 40,000 impostors")?;
/// assert!(changed.contains("value = 76.2") && changed.contains("proved on 40,000 impostors"));
/// # Ok::<(), cloudauth_lab::LabError>(())
/// ```
///
/// # Errors
/// If `verify_score` has no such threshold, or the changed policy is invalid.
pub fn set_threshold(policy: &str, name: &str, value: f64, note: &str) -> Result<String, LabError> {
    let holds = Policy::parse(policy).map_err(|error| LabProblem::PolicyFails(None, error).into_error())?;
    check_threshold(&holds, name)?;
    let changed =
        with_threshold(policy, name, value, Some(note)).ok_or_else(|| unknown_threshold(&holds, name))?;
    match Policy::parse(&changed) {
        Ok(_) => Ok(changed),
        Err(error) => Err(LabProblem::PolicyFails(Some((name.to_owned(), value)), error).into_error()),
    }
}

/// Returns the policy file with another value of a threshold, without checking it. `None` if there is no such threshold.
pub(crate) fn with_threshold(policy: &str, name: &str, value: f64, note: Option<&str>) -> Option<String> {
    let part = |key| place_of(policy, name, key);
    let mut changes = vec![(part("value")?, format!("{value:?}"))];
    if let Some(far) = part("far") {
        changes.push(match nominal_far(value) {
            Some(rate) => (far, format!("\"1/{:.0}\"", 1.0 / rate)),
            None => (whole_pair(policy, "far", far), String::new()),
        });
    }
    if let Some((old, note)) = part("note").zip(note) {
        changes.push((old, quoted(note)));
    }
    // From the end, so that earlier positions stay valid.
    changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut changed = policy.to_owned();
    for (span, text) in changes {
        changed.replace_range(span, &text);
    }
    Some(changed)
}

/// Returns the position of a threshold's value in the file.
fn place_of(policy: &str, name: &str, key: &str) -> Option<Range<usize>> {
    let root = DeTable::parse(policy).ok()?;
    let DeValue::Table(thresholds) = root.get_ref().get("thresholds")?.get_ref() else { return None };
    let DeValue::Table(threshold) = thresholds.get(name)?.get_ref() else { return None };
    threshold.get(key).map(toml::Spanned::span)
}

/// Checks that [`set_threshold`] can change this threshold: rules compare it with `verify_score`.
///
/// # Errors
/// If the policy has no such threshold, or it is a threshold of another score.
pub fn check_threshold(policy: &Policy, name: &str) -> Result<(), LabError> {
    let thresholds = policy.report().thresholds;
    match thresholds.iter().find(|threshold| threshold.name == name).map(|threshold| threshold.input) {
        Some(of) if of == Some(Input::VerifyScore.name()) => Ok(()),
        Some(of) => Err(LabProblem::ThresholdOfOther(name.to_owned(), of).into_error()),
        None => Err(unknown_threshold(policy, name)),
    }
}

pub(crate) fn unknown_threshold(policy: &Policy, name: &str) -> LabError {
    let names: Vec<&str> = policy.report().thresholds.iter().map(|threshold| threshold.name).collect();
    LabProblem::NoThreshold(name.to_owned(), names.join(", ")).into_error()
}

/// A key, its value, and the comma that belongs to them.
fn whole_pair(text: &str, key: &str, value: Range<usize>) -> Range<usize> {
    let before = text.get(..value.start).unwrap_or_default();
    let start = before.rfind(key).unwrap_or(value.start);
    let after = text.get(value.end..).unwrap_or_default();
    let comma = after.trim_start().starts_with(',');
    let end = if comma { after.find(',').map_or(0, |at| at + 1) } else { 0 };
    let blank = after.get(end..).map_or(0, |rest| rest.len() - rest.trim_start_matches(' ').len());
    if comma {
        return start..value.end + end + blank;
    }
    // The last member: the comma before it is removed.
    let start = before.get(..start).map_or(start, |before| before.trim_end().trim_end_matches(',').len());
    start..value.end
}

fn quoted(text: &str) -> String {
    // TOML escapes everything that JSON escapes.
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use cloudauth_policy::builtin;

    use super::*;

    /// Without the examples, one of which is exactly at the threshold.
    fn onboarding() -> &'static str {
        builtin::ONBOARDING.split("[[example]]").next().unwrap()
    }

    #[test]
    fn changes_only_the_threshold() {
        let changed = set_threshold(onboarding(), "match_auto", 76.5, "chosen").unwrap();
        let differing: Vec<_> =
            onboarding().lines().zip(changed.lines()).filter(|(old, new)| old != new).collect();
        assert_eq!(differing.len(), 1, "{differing:?}");
        assert!(
            differing[0].1.contains("value = 76.5") && differing[0].1.contains("1/19953"),
            "{differing:?}"
        );
    }

    #[test]
    fn writes_no_rate_without_one_of_the_vendor() {
        let changed = set_threshold(onboarding(), "match_auto", 85.25, "\"so\"").unwrap();
        let line = changed.lines().find(|line| line.starts_with("match_auto")).unwrap();
        assert!(line.contains("value = 85.25") && !line.contains("far") && line.contains("so"), "{line}");
        assert!(Policy::parse(&changed).is_ok());
    }

    #[test]
    fn refuses_a_value_that_fails_the_policy_check() {
        // The last threshold belongs to another score, and is in its range.
        let wrong =
            [("match_auto", f64::NAN), ("match_auto", 200.0), ("nobody", 75.0), ("quality_good", 81.0)];
        for (name, value) in wrong {
            assert!(set_threshold(onboarding(), name, value, "").is_err(), "{name} {value}");
        }
        assert!(set_threshold(builtin::ONBOARDING, "match_auto", 76.5, "").is_err());
        let against_order = set_threshold(onboarding(), "match_auto", 65.0, "").unwrap_err();
        let why = std::error::Error::source(&against_order).unwrap().to_string();
        assert!(why.contains("`match_floor` (70) must be below `match_auto` (65)"), "{why}");
    }
}
