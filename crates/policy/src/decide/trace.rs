//! The explanation of a decision.

use std::borrow::Cow;

use cloudauth_protocol::mask_digits;
use serde_json::{Value, json};

use crate::decide::decision::Decision;
use crate::document::problem::InputValues;
use crate::document::vendor_table;
use crate::document::verdict::Verdict;
use crate::document::{Condition, DeclaredInput, Document, Kind, Test};
use crate::evidence::input::Input;
use crate::evidence::{self, Evidence, Flag};
use crate::proof::compiled::CompiledPolicy;
use crate::proof::grid::{Axis, Scale};
use crate::proof::report::Override;

/// The explanation of a decision. It holds no personal data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Trace<'p> {
    /// The decision.
    pub decision: Decision<'p>,
    /// The value of each input.
    pub inputs: Vec<(&'static str, Value)>,
    /// The inputs whose values are missing, malformed or unknown.
    pub not_understood: Vec<&'static str>,
    /// The rules before the one that decided, each with its first failed condition.
    pub checked: Vec<Checked<'p>>,
    /// The changes of one input to another value that change the verdict: for a score the nearest change for each verdict,
    /// for every other input all changes. The nearest score comes first.
    pub nearest: Vec<Counterfactual>,
    /// The changes of one input to a missing, malformed or unknown value that change the verdict.
    pub if_not_understood: Vec<Counterfactual>,
    /// The reasons of the rule, if it approves against the vendor's signals.
    pub overrides: Vec<Override<'p>>,
    /// The vendor's false-accept rate at this `verifyScore`, if the vendor's table covers it.
    pub nominal_far: Option<f64>,
}

/// A rule that did not apply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked<'p> {
    /// The id of the rule.
    pub rule: &'p str,
    /// The failed condition: `verify_score is 74.2, needs >= $match_auto`.
    pub failed: String,
    /// The input of the condition.
    pub input: &'static str,
    /// Its value, or `None` if it is missing or invalid.
    pub found: Option<String>,
    /// Whether the value is a score out of range.
    pub is_out_of_range: bool,
    /// The condition, with the values of its thresholds: `>= $match_auto (75)`.
    pub needs: String,
}

/// A counterfactual: a change of one input that changes the verdict.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Counterfactual {
    /// The input that changes.
    pub input: &'static str,
    /// Its new value: `verify_score >= 75`.
    pub change: String,
    /// The new value as data.
    pub values: InputValues,
    /// The verdict with that value.
    pub would: Verdict,
    /// How far the score is from that value; `None` if the input is not a score, or the score is invalid.
    pub distance: Option<f64>,
}

impl<'p> Trace<'p> {
    pub(crate) fn of(policy: &'p CompiledPolicy, evidence: &Evidence<'_>) -> Self {
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
            let found = shown(&read(input, evidence));
            let is_out_of_range = matches!(input.kind, Kind::Score { .. })
                && found.is_some()
                && axes_of(failed.input).next().is_some_and(|axis| axis.class_of(evidence) == 0);
            let needs = with_values(document, &failed.text);
            let read = found.as_deref().unwrap_or("missing or invalid");
            let range = if is_out_of_range { " (out of range)" } else { "" };
            Some(Checked {
                rule: &rule.id,
                failed: format!("{} is {read}{range}, needs {needs}", input.name()),
                input: input.name(),
                found,
                is_out_of_range,
                needs,
            })
        });
        let not_understood = grid.axes.iter().filter(|axis| !axis.is_understood(axis.class_of(evidence)));
        let mut not_understood: Vec<_> = not_understood.map(|axis| axis.name()).collect();
        not_understood.dedup();
        let score = evidence.verify_score.filter(|score| (0.0..=100.0).contains(score));
        let (nearest, if_not_understood) = counterfactuals(policy, evidence, cell);
        Self {
            decision: Decision::new(policy, rule),
            inputs: document.inputs.iter().map(|input| (input.name(), read(input, evidence))).collect(),
            not_understood,
            checked: checked.collect(),
            nearest,
            if_not_understood,
            overrides: policy.overrides(rule).collect(),
            nominal_far: score.and_then(vendor_table::nominal_far),
        }
    }

    /// Returns the trace as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let decision = &self.decision;
        let policy = decision.policy();
        let changes = |changes: &[Counterfactual]| -> Vec<Value> {
            let one = |near: &Counterfactual| {
                json!({
                    "input": near.input,
                    "change": near.change,
                    "would": near.would.as_str(),
                    "distance": near.distance,
                })
            };
            changes.iter().map(one).collect()
        };
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
            "nearest": changes(&self.nearest),
            "if_not_understood": changes(&self.if_not_understood),
            "against_vendor": self.overrides.iter().map(|one| json!({ "input": one.input, "reason": one.reason })).collect::<Vec<_>>(),
            "nominal_far_at_score": self.nominal_far,
        })
    }
}

/// Returns a condition with the values of its thresholds: `>= $match_auto (75)`. A declared code or label is masked as in a
/// [`Case`](crate::Case).
fn with_values(document: &Document, text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let named = word.strip_prefix('$').or_else(|| word.split_once('$').map(|(_, name)| name));
        let found =
            named.and_then(|name| document.thresholds.iter().find(|threshold| threshold.name == name));
        found.map_or_else(|| mask_digits(word), |threshold| format!("{word} ({})", threshold.value).into())
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Returns the value of an input. NaN and infinities are strings, because JSON cannot write them.
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
                    mask_digits(label).into_owned()
                } else {
                    "(unknown)".to_owned()
                }
            };
            json!(evidence.device_risk.iter().map(|label| shown(label)).collect::<Vec<_>>())
        }
    }
}

/// Returns the code if the policy lists it or it looks like one of the vendor's, masked as in a [`Case`](crate::Case).
fn known<'a>(code: &'a str, listed: &[String]) -> Cow<'a, str> {
    let is_listed = listed.iter().any(|other| other == code);
    if is_listed { mask_digits(code) } else { evidence::shown(code).into() }
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Returns the changes of one input that change the verdict: first those to another value, the nearest first, then those to a
/// value that is not understood.
fn counterfactuals(
    policy: &CompiledPolicy,
    evidence: &Evidence<'_>,
    cell: usize,
) -> (Vec<Counterfactual>, Vec<Counterfactual>) {
    let grid = &policy.table.grid;
    let verdict = |cell| policy.document.outcome(policy.table.rule(cell)).verdict;
    let (mut to_value, mut not_understood) = (Vec::new(), Vec::new());
    for axis in &grid.axes {
        let class = grid.class(cell, axis);
        let would = |other: usize| verdict(cell - class * axis.stride + other * axis.stride);
        let changing: Vec<usize> = (0..axis.size).filter(|other| would(*other) != verdict(cell)).collect();
        let (values, others): (Vec<usize>, Vec<usize>) =
            changing.into_iter().partition(|other| axis.is_understood(*other));
        let change = |classes: &[usize], would: Verdict, distance: Option<f64>| Counterfactual {
            input: axis.name(),
            change: axis.values(classes).to_string(),
            values: axis.values(classes),
            would,
            distance,
        };
        not_understood.extend(others.iter().map(|other| change(&[*other], would(*other), None)));
        let Scale::Score { least, most, .. } = axis.scale else {
            to_value.extend(values.iter().map(|other| (None, change(&[*other], would(*other), None))));
            continue;
        };
        for verdict in Verdict::ALL {
            let bins: Vec<usize> = values.iter().copied().filter(|other| would(*other) == verdict).collect();
            let distances = bins.iter().filter_map(|bin| Some((distance(axis, evidence, *bin)?, *bin)));
            match distances.min_by(|(one, _), (other, _)| one.total_cmp(other)) {
                // Distances are compared relative to the range of the score.
                Some((distance, bin)) => {
                    to_value.push((Some(distance / (most - least)), change(&[bin], verdict, Some(distance))))
                }
                // An invalid score is equally far from all bins.
                None if !bins.is_empty() => to_value.push((None, change(&bins, verdict, None))),
                None => {}
            }
        }
    }
    to_value.sort_by(|(one, _), (other, _)| match (one, other) {
        (Some(one), Some(other)) => one.total_cmp(other),
        (one, other) => other.is_some().cmp(&one.is_some()),
    });
    (to_value.into_iter().map(|(_, change)| change).collect(), not_understood)
}

/// Returns the distance of a score from a bin; `None` if the score is invalid.
fn distance(axis: &Axis, evidence: &Evidence<'_>, class: usize) -> Option<f64> {
    let Scale::Score { least, most, .. } = axis.scale else { return None };
    let score = axis.score_of(evidence).filter(|score| (least..=most).contains(score))?;
    let (from, below) = axis.bounds(class);
    let (from, below) = (from.unwrap_or(least), below.unwrap_or(most));
    Some(if score < from { from - score } else { score - below })
}
