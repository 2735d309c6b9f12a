//! The cuts of a policy: the values that it compares with scores.

use std::cmp::Ordering;

use crate::document::condition::{comparison, number, parts_of};
use crate::document::{Condition, Kind, Promise};
use crate::evidence::input::Input;
use crate::proof::compiled::CompiledPolicy;

/// A value that a rule or an assertion compares with a score.
///
/// ```
/// use cloudauth_policy::{Input, Policy, builtin};
///
/// let policy = Policy::parse(builtin::ONBOARDING)?;
/// let cuts = policy.cuts();
/// let of_match = cuts.iter().filter(|cut| cut.input == Input::VerifyScore);
/// let of_match: Vec<_> = of_match.map(|cut| (cut.name, cut.value)).collect();
/// assert_eq!(of_match, [(Some("retry_floor"), 60.0), (Some("match_floor"), 70.0), (Some("match_auto"), 75.0)]);
/// # Ok::<(), cloudauth_policy::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Cut<'p> {
    /// The score.
    pub input: Input,
    /// The threshold's name; `None` for a number in a condition.
    pub name: Option<&'p str>,
    /// The value in the file.
    pub value: f64,
    /// Whether a score equal to the value is below the cut: the comparison is `>` or `<=`.
    pub exclusive: bool,
}

impl Cut<'_> {
    /// Returns the smallest score at or above the cut.
    #[must_use]
    pub const fn boundary(&self) -> f64 {
        if self.exclusive { self.value.next_up() } else { self.value }
    }
}

impl CompiledPolicy {
    /// Returns the cuts; see [`Policy::cuts`](crate::Policy::cuts).
    pub(crate) fn cuts(&self) -> Vec<Cut<'_>> {
        let promised = self.document.asserts.iter().filter_map(|assert| match &assert.promise {
            Promise::Never { when, .. } => Some(when),
            Promise::Monotone { .. } => None,
        });
        let conditions = self.document.rules.iter().map(|rule| &rule.when).chain(promised).flatten();
        let mut cuts: Vec<Cut<'_>> = conditions.flat_map(|condition| self.cuts_of(condition)).collect();
        cuts.sort_by(|a, b| {
            let by_boundary = a.input.cmp(&b.input).then(a.boundary().total_cmp(&b.boundary()));
            // A named threshold comes before an equal number without a name.
            by_boundary.then(a.name.is_none().cmp(&b.name.is_none())).then(a.name.cmp(&b.name))
        });
        cuts.dedup_by(|later, first| {
            let is_same = later.input == first.input
                && later.boundary().total_cmp(&first.boundary()) == Ordering::Equal;
            is_same && (later.name.is_none() || later.name == first.name)
        });
        cuts
    }

    /// Returns the valid range of a score; see [`Policy::range`](crate::Policy::range).
    pub(crate) fn range(&self, input: Input) -> Option<(f64, f64)> {
        let declared = self.document.inputs.iter().find(|declared| declared.name == input)?;
        match declared.kind {
            Kind::Score { least, most } => Some((least, most)),
            _ => None,
        }
    }

    fn cuts_of<'p>(&'p self, condition: &'p Condition) -> impl Iterator<Item = Cut<'p>> {
        let input = self.document.inputs.get(condition.input).map(|declared| declared.name);
        let scored = input.and_then(|input| Some((input, self.range(input)?)));
        let parts = parts_of(&condition.text).unwrap_or_default();
        let compared = parts.iter().filter_map(|part| {
            let (input, (least, most)) = scored?;
            let (operator, operand) = comparison(part)?;
            let named = operand.strip_prefix('$');
            let threshold =
                named.map(|name| self.document.thresholds.iter().find(|threshold| threshold.name == name));
            let (name, value) = match threshold {
                Some(threshold) => threshold.map(|threshold| (Some(&*threshold.name), threshold.value))?,
                None => (None, number(operand)?),
            };
            let cut = Cut { input, name, value: value + 0.0, exclusive: matches!(operator, ">" | "<=") };
            (cut.boundary() > least && cut.boundary() <= most).then_some(cut)
        });
        compared.collect::<Vec<_>>().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    #[test]
    fn cuts_match_the_grid_with_names_and_operators() {
        let text = r#"
            format = 1
            policy = { id = "cuts", version = "1", otherwise = { decision = "review", reason = "r" } }
            thresholds = { floor = { value = 60.0 }, auto = { value = 75.0 } }
            [inputs]
            verify_score = { type = "score", range = [0.0, 100.0] }
            quality_score = { type = "score", range = [0.0, 1000.0] }
            face_attack_score = { type = "score", range = [0.0, 1.0] }
            passed = { type = "flag" }
            face_attack = { type = "flag" }
            sub_code = { type = "code", values = ["200", "201", "202", "203", "204", "205", "206", "210"] }
            [[rule]]
            id = "high"
            when = { sub_code = "200", passed = "T", face_attack = "F", verify_score = ">= $auto", quality_score = "> 8e2", face_attack_score = "< 0.5" }
            then = { decision = "approve", reason = "r" }
            [[rule]]
            id = "middle"
            when = { sub_code = "204", verify_score = ">= $floor and <= 6_6.25" }
            then = { decision = "retry", reason = "r" }
            [[rule]]
            id = "low"
            when = { sub_code = "204", verify_score = "< 75" }
            then = { decision = "reject", reason = "r" }
            [[rule]]
            id = "any"
            when = { sub_code = "205", verify_score = ">= 0 and <= 100" }
            then = { decision = "review", reason = "r" }
            [[rule]]
            id = "codes"
            when = { sub_code = ["200", "201", "202", "203", "204", "205", "206", "210", "unknown", "missing"] }
            then = { decision = "review", reason = "r" }
            [[assert]]
            id = "never"
            never = "approve"
            when = { face_attack_score = ">= 0.9", verify_score = "< $auto" }
        "#;
        let policy = Policy::parse(text).unwrap();
        let cuts = policy.cuts();
        let told: Vec<_> =
            cuts.iter().map(|cut| (cut.input.name(), cut.name, cut.value, cut.exclusive)).collect();
        assert_eq!(
            told,
            [
                ("verify_score", Some("floor"), 60.0, false),
                ("verify_score", None, 66.25, true),
                ("verify_score", Some("auto"), 75.0, false),
                ("quality_score", None, 800.0, true),
                ("face_attack_score", None, 0.5, false),
                ("face_attack_score", None, 0.9, false),
            ]
        );
        for (input, proved) in policy.report().cuts {
            let of_input = cuts.iter().filter(|cut| cut.input.name() == input);
            assert_eq!(of_input.map(Cut::boundary).collect::<Vec<_>>(), proved, "{input}");
        }
        assert_eq!(policy.range(Input::FaceAttackScore), Some((0.0, 1.0)));
        assert_eq!((policy.range(Input::Passed), policy.range(Input::DeviceRisk)), (None, None));
    }
}
