//! Why a policy decided as it did.

use serde_json::{Value, json};

use crate::decision::{Decision, Verdict};
use crate::document::{Condition, DeclaredInput, Document, Kind, Test};
use crate::evidence::{self, Evidence, Flag};
use crate::far;
use crate::grid::{Axis, Scale};
use crate::input::Input;
use crate::policy::{Override, Policy};

/// A decision and its reasons. It holds no personal data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Trace<'p> {
    /// What was decided.
    pub decision: Decision<'p>,
    /// Each input and what was read, as it came.
    pub inputs: Vec<(&'static str, Value)>,
    /// The inputs that were missing, malformed or unknown.
    pub not_understood: Vec<&'static str>,
    /// The rules before the one that decided, each with the first condition that failed.
    pub checked: Vec<Checked<'p>>,
    /// The smallest change of each input that would decide otherwise, those of scores by their distance first.
    pub nearest: Vec<Nearest>,
    /// The reasons that the rule gives, if it approves against signals of the vendor.
    pub overrides: Vec<Override<'p>>,
    /// The vendor's false-accept rate at the `verifyScore` that was read, if that is in the vendor's table.
    pub nominal_far: Option<f64>,
}

/// A rule that did not decide.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked<'p> {
    /// Its id.
    pub rule: &'p str,
    /// What failed: `verify_score is 74.2, needs >= $match_auto`.
    pub failed: String,
}

/// A change that would decide otherwise.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Nearest {
    /// What would have to be: `verify_score >= 75`.
    pub change: String,
    /// What would be decided then.
    pub would: Verdict,
    /// How far the score is from it; `None` for what is no score.
    pub distance: Option<f64>,
}

impl<'p> Trace<'p> {
    pub(crate) fn of(policy: &'p Policy, evidence: &Evidence<'_>) -> Self {
        let (document, grid) = (&policy.document, &policy.table.grid);
        let cell = grid.cell(evidence);
        let rule = policy.table.rule(cell);
        let axes_of = |input: usize| grid.axes.iter().filter(move |axis| axis.input == input);
        let holds = |condition: &Condition| match &condition.test {
            Test::Labels(labels) if !labels.is_empty() => axes_of(condition.input)
                .enumerate()
                .any(|(label, axis)| labels.contains(&label) && axis.class_of(evidence) == 1),
            test => axes_of(condition.input).all(|axis| axis.holds(test, axis.class_of(evidence))),
        };
        let checked = document.rules.iter().take(rule).filter_map(|rule| {
            let failed = rule.when.iter().find(|condition| !holds(condition))?;
            let input = document.inputs.get(failed.input)?;
            let mut read = shown(&read(input, evidence));
            if let (Kind::Score { .. }, Some(axis)) = (&input.kind, axes_of(failed.input).next())
                && axis.class_of(evidence) == 0
                && read != NOTHING
            {
                read += " (out of range)";
            }
            let needs = with_values(document, &failed.text);
            Some(Checked { rule: &rule.id, failed: format!("{} is {read}, needs {needs}", input.name()) })
        });
        let not_understood = grid.axes.iter().filter(|axis| !axis.is_understood(axis.class_of(evidence)));
        let mut not_understood: Vec<_> = not_understood.map(|axis| axis.name()).collect();
        not_understood.dedup();
        let score = evidence.verify_score.filter(|score| (0.0..=100.0).contains(score));
        Self {
            decision: policy.decision(rule),
            inputs: document.inputs.iter().map(|input| (input.name(), read(input, evidence))).collect(),
            not_understood,
            checked: checked.collect(),
            nearest: nearest(policy, evidence, cell),
            overrides: policy.overrides(rule).collect(),
            nominal_far: score.and_then(far::nominal_far),
        }
    }

    /// As a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let decision = &self.decision;
        let policy = decision.policy();
        let nearest = self.nearest.iter().map(
            |near| json!({ "change": near.change, "would": near.would.as_str(), "distance": near.distance }),
        );
        json!({
            "decision": decision.verdict().as_str(),
            "rule": decision.rule(),
            "reason": decision.reason(),
            "hint": decision.hint(),
            "queue": decision.queue(),
            "policy": {
                "id": policy.id,
                "version": policy.version,
                "content": policy.content_hash,
                "behaviour": policy.behaviour_hash,
            },
            "inputs": self.inputs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<serde_json::Map<_, _>>(),
            "invalid_inputs": self.not_understood,
            "checked": self.checked.iter().map(|rule| json!({ "rule": rule.rule, "failed": rule.failed })).collect::<Vec<_>>(),
            "nearest": nearest.collect::<Vec<_>>(),
            "against_vendor": self.overrides.iter().map(|one| json!({ "input": one.input, "reason": one.reason })).collect::<Vec<_>>(),
            "nominal_far_at_score": self.nominal_far,
        })
    }
}

const NOTHING: &str = "missing or invalid";

/// A condition with the values of its thresholds: `>= $match_auto (75)`.
fn with_values(document: &Document, text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let named = word.strip_prefix('$').or_else(|| word.split_once('$').map(|(_, name)| name));
        let found =
            named.and_then(|name| document.thresholds.iter().find(|threshold| threshold.name == name));
        found.map_or_else(|| word.to_owned(), |threshold| format!("{word} ({})", threshold.value))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What was read of an input. A number that JSON has no word for is a text.
fn read(input: &DeclaredInput, evidence: &Evidence<'_>) -> Value {
    let listed: &[String] = match &input.kind {
        Kind::Code(values) | Kind::Labels(values) => values,
        _ => &[],
    };
    let flag = |flag| match flag {
        Flag::True => json!("T"),
        Flag::False => json!("F"),
        Flag::Invalid => Value::Null,
    };
    let score = |score: Option<f64>| match score {
        Some(score) if score.is_finite() => json!(score),
        Some(score) => json!(score.to_string()),
        None => Value::Null,
    };
    match input.name {
        Input::Code => json!(evidence.code.map(|code| known(code, listed))),
        Input::SubCode => json!(evidence.sub_code.map(|code| known(code, listed))),
        Input::Passed => flag(evidence.passed),
        Input::FaceAttack => flag(evidence.face_attack),
        Input::FaceOcclusion => flag(evidence.face_occlusion),
        Input::VerifyScore => score(evidence.verify_score),
        Input::QualityScore => score(evidence.quality_score),
        Input::FaceAttackScore => score(evidence.face_attack_score),
        Input::DeviceRisk => {
            let shown = |label: &str| {
                if listed.iter().any(|other| other == label) {
                    label.to_owned()
                } else {
                    "(unknown)".to_owned()
                }
            };
            json!(evidence.device_risk.iter().map(|label| shown(label)).collect::<Vec<_>>())
        }
    }
}

/// A code that the policy lists, or that looks like the vendor's.
fn known<'a>(code: &'a str, listed: &[String]) -> &'a str {
    if listed.iter().any(|other| other == code) { code } else { evidence::shown(code) }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn nearest(policy: &Policy, evidence: &Evidence<'_>, cell: usize) -> Vec<Nearest> {
    let grid = &policy.table.grid;
    let verdict = |cell| policy.document.outcome(policy.table.rule(cell)).verdict;
    let here = verdict(cell);
    let mut all = Vec::new();
    for axis in &grid.axes {
        let class = grid.class(cell, axis);
        let candidates = (0..axis.size).filter(|other| *other != class);
        let changes = candidates.filter_map(|other| {
            let would = verdict(cell - class * axis.stride + other * axis.stride);
            (would != here).then(|| Nearest {
                change: axis.in_words(&[other]),
                would,
                distance: distance(axis, evidence, other),
            })
        });
        // Of a score the nearest bin of each verdict; of everything else every class.
        let mut changes: Vec<Nearest> = changes.collect();
        if matches!(axis.scale, Scale::Score { .. }) {
            changes.sort_by(|one, other| {
                one.distance.partial_cmp(&other.distance).unwrap_or(std::cmp::Ordering::Equal)
            });
            let mut seen = Vec::new();
            changes.retain(|change| {
                let is_new = !seen.contains(&change.would);
                seen.push(change.would);
                is_new
            });
        }
        // Scores of different ranges are compared by the part of it that they would have to move.
        let span = match axis.scale {
            Scale::Score { least, most, .. } => most - least,
            _ => 1.0,
        };
        all.extend(
            changes.into_iter().map(|change| (change.distance.map(|distance| distance / span), change)),
        );
    }
    all.sort_by(|(one, _), (other, _)| match (one, other) {
        (Some(one), Some(other)) => one.total_cmp(other),
        (one, other) => other.is_some().cmp(&one.is_some()),
    });
    all.into_iter().map(|(_, change)| change).collect()
}

/// How far a score is from a bin; `None` if it is no score, or the bin is that of what is none.
fn distance(axis: &Axis, evidence: &Evidence<'_>, class: usize) -> Option<f64> {
    let Scale::Score { least, most, .. } = axis.scale else { return None };
    let score = axis.score_of(evidence).filter(|score| (least..=most).contains(score))?;
    if class == 0 {
        return None;
    }
    let (from, below) = axis.bounds(class);
    let (from, below) = (from.unwrap_or(least), below.unwrap_or(most));
    Some(if score < from { from - score } else { score - below })
}
