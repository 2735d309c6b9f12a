//! The hashes of the content and of the behaviour of a policy.

use std::fmt::Write;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::document::FORMAT;
use crate::document::{Condition, Document, Kind, Outcome, Rule, Test};
use crate::proof::grid::{Axis, Scale};
use crate::proof::table::Table;

/// Returns the content hash: over the format, the inputs, the rules with the values of their thresholds, and `otherwise`. It
/// leaves out comments, notes, names of thresholds, assertions, examples and the owner.
pub(crate) fn content(document: &Document) -> String {
    let inputs: Vec<Value> = document
        .inputs
        .iter()
        .map(|input| {
            let kind = match &input.kind {
                Kind::Code(values) | Kind::Labels(values) => json!(values),
                Kind::Flag => Value::Null,
                Kind::Score { least, most } => json!([number(*least), number(*most)]),
            };
            json!({ "is": kind, "name": input.name() })
        })
        .collect();
    let rules: Vec<Value> = document
        .rules
        .iter()
        .map(|rule| {
            let mut when: Vec<Value> =
                rule.when.iter().map(|condition| self::condition(document, condition)).collect();
            when.sort_by_key(ToString::to_string);
            // A rule without a reason keeps the hash from before reasons existed.
            if rule.against_vendor.is_empty() {
                json!({ "id": rule.id, "then": outcome(&rule.then), "when": when })
            } else {
                let reasons = reasons(document, rule);
                json!({ "against_vendor": reasons, "id": rule.id, "then": outcome(&rule.then), "when": when })
            }
        })
        .collect();
    hash(&json!({
        "format": FORMAT,
        "inputs": inputs,
        "otherwise": outcome(&document.otherwise),
        "rules": rules,
    }))
}

fn reasons(document: &Document, rule: &Rule) -> Value {
    let name = |input: usize| document.inputs.get(input).map_or("", |input| input.name());
    let mut reasons: Vec<_> =
        rule.against_vendor.iter().map(|reason| (name(reason.input), &reason.reason)).collect();
    reasons.sort_unstable();
    json!(reasons)
}

fn condition(document: &Document, condition: &Condition) -> Value {
    let name = document.inputs.get(condition.input).map_or("", |input| input.name());
    let bound = |bound: Option<f64>| bound.map(number);
    let test = match &condition.test {
        Test::Classes(classes) => json!({ "classes": classes }),
        Test::Labels(labels) => json!({ "labels": labels }),
        Test::Invalid => json!("invalid"),
        Test::Between { from, below } => json!({ "below": bound(*below), "from": bound(*from) }),
    };
    json!([name, test])
}

fn outcome(outcome: &Outcome) -> Value {
    json!([outcome.verdict.as_str(), outcome.reason, outcome.hint, outcome.queue])
}

/// Returns the behaviour hash: over the outcome in each cell. It first removes cuts, values and inputs that make no difference,
/// so that equivalent policies have the same hash.
pub(crate) fn behaviour(document: &Document, table: &Table) -> String {
    // The outcomes, sorted by their text.
    let mut outcomes: Vec<String> =
        (0..=document.rules.len()).map(|rule| self::outcome(document.outcome(rule)).to_string()).collect();
    let of_rule: Vec<String> = outcomes.clone();
    outcomes.sort();
    outcomes.dedup();
    let number_of =
        |rule: usize| of_rule.get(rule).and_then(|text| outcomes.binary_search(text).ok()).unwrap_or(0);
    let mut cells: Vec<usize> = (0..table.grid.cells).map(|cell| number_of(table.rule(cell))).collect();
    let mut shape: Vec<(&Axis, Vec<usize>)> =
        table.grid.axes.iter().map(|axis| (axis, (0..axis.size).collect())).collect();
    for at in 0..shape.len() {
        cells = merged(&mut shape, at, cells);
    }
    // The order of the inputs does not matter.
    let mut order: Vec<usize> =
        (0..shape.len()).filter(|at| shape.get(*at).is_some_and(|axis| axis.1.len() > 1)).collect();
    order.sort_by_key(|at| shape.get(*at).map(|(axis, _)| label(axis)));
    let cells = transposed(&shape, &order, &cells);
    let axes: Vec<Value> = order
        .iter()
        .filter_map(|at| shape.get(*at))
        .map(|(axis, kept)| json!([label(axis), kept_names(axis, kept)]))
        .collect();
    let mut used: Vec<usize> = cells.clone();
    used.sort_unstable();
    used.dedup();
    let names: Vec<&String> = used.iter().filter_map(|number| outcomes.get(*number)).collect();
    let cells: Vec<usize> = cells.iter().filter_map(|number| used.binary_search(number).ok()).collect();
    hash(&json!({ "axes": axes, "cells": cells, "outcomes": names }))
}

fn label(axis: &Axis) -> String {
    match &axis.scale {
        Scale::Label { label, .. } => {
            format!("{}:{}", axis.name(), label.as_deref().unwrap_or_default())
        }
        _ => axis.name().to_owned(),
    }
}

/// Returns what is left of an axis: for a score, the cuts that make a difference.
fn kept_names(axis: &Axis, kept: &[usize]) -> Value {
    match &axis.scale {
        Scale::Score { least, most, .. } => {
            let cuts: Vec<Value> =
                kept.iter().filter_map(|class| axis.bounds(*class).0).map(number).collect();
            json!({ "classes": kept.len(), "cuts": cuts, "range": [number(*least), number(*most)] })
        }
        // A listed label is not unknown, even if it makes no difference itself.
        Scale::Label { label: None, listed } => {
            let mut listed = listed.clone();
            listed.sort();
            json!(listed)
        }
        _ => json!(kept.iter().map(|class| axis.exact_values(&[*class]).to_string()).collect::<Vec<_>>()),
    }
}

/// Removes the classes of an axis that have the same outcomes as the class before (of a score) or as unknown (of a code). An
/// axis with one class left makes no difference.
fn merged(shape: &mut [(&Axis, Vec<usize>)], at: usize, cells: Vec<usize>) -> Vec<usize> {
    let inner: usize = shape.iter().skip(at + 1).map(|(_, kept)| kept.len()).product();
    let Some((axis, kept)) = shape.get_mut(at) else { return cells };
    let size = kept.len();
    let same = |one: usize, other: usize| {
        cells.chunks(size * inner).all(|block| {
            block.get(one * inner..(one + 1) * inner) == block.get(other * inner..(other + 1) * inner)
        })
    };
    let all_same = (1..size).all(|class| same(0, class));
    let stays = |class: usize| match &axis.scale {
        _ if all_same => class == 0,
        Scale::Score { .. } => class < 2 || !same(class - 1, class),
        Scale::Code(values, _) => class >= values.len() || !same(values.len(), class),
        _ => true,
    };
    let mut positions: Vec<usize> = (0..size).filter(|class| stays(*class)).collect();
    // The order of the values of a code does not matter; unknown and missing stay last.
    if let Scale::Code(values, _) = &axis.scale {
        positions.sort_by_key(|class| (*class >= values.len(), values.get(*class), *class));
    }
    let blocks = cells.chunks(size * inner);
    let left = blocks.flat_map(|block| {
        positions.iter().flat_map(move |class| {
            block.get(class * inner..(class + 1) * inner).unwrap_or_default().iter().copied()
        })
    });
    let left: Vec<usize> = left.collect();
    *kept = positions.iter().filter_map(|position| kept.get(*position).copied()).collect();
    left
}

/// Returns the cells with the axes in another order.
fn transposed(shape: &[(&Axis, Vec<usize>)], order: &[usize], cells: &[usize]) -> Vec<usize> {
    let sizes: Vec<usize> = shape.iter().map(|(_, kept)| kept.len()).collect();
    let strides: Vec<usize> = (0..sizes.len()).map(|at| sizes.iter().skip(at + 1).product()).collect();
    let total: usize = order.iter().filter_map(|at| sizes.get(*at)).product();
    (0..total)
        .filter_map(|mut number| {
            let mut cell = 0;
            for at in order.iter().rev() {
                let (size, stride) = (sizes.get(*at)?, strides.get(*at)?);
                cell += number % size * stride;
                number /= size;
            }
            cells.get(cell).copied()
        })
        .collect()
}

/// Returns the SHA-256 of canonical JSON (RFC 8785): sorted names, no white space. The code above writes the names in order,
/// and numbers as strings.
fn hash(value: &Value) -> String {
    let digest = Sha256::digest(value.to_string());
    digest.iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns a number as the shortest string that parses back to it, so that no JSON writer can change it.
fn number(value: f64) -> Value {
    Value::String(value.to_string())
}
