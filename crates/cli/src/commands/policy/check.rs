//! `cloudauth policy check`: checks a policy and prints what each rule decides.

use cloudauth::policy::{Override, Policy, Problem};
use serde_json::{Value, json};

use super::load::text_of;
use crate::failure::Failure;
use crate::output::Output;
use crate::words::{padded, policy as words};

pub(super) fn run(file: &str, output: &Output) -> Result<u8, Failure> {
    let policy = match Policy::parse(&text_of(file)?) {
        Ok(policy) => policy,
        Err(error) if output.is_for_programs() => {
            let problems: Vec<Value> = error.problems().iter().map(problem_json).collect();
            output.print("", &json!({ "holds": false, "problems": problems }));
            return Ok(1);
        }
        Err(error) => return Err(Failure::other(words::check_failed(file, &error))),
    };
    output.print(&human(file, &policy, output), &document(&policy));
    Ok(0)
}

fn human(file: &str, policy: &Policy, output: &Output) -> String {
    let (report, reference) = (policy.report(), policy.reference());
    let mut human = output.pick(words::holds(&reference.id, &reference.version, report.cells));
    if !report.warnings.is_empty() {
        human += output.say(words::WARNINGS);
    }
    for warning in report.warnings {
        human += &format!("{}\n", output.pick(words::problem(file, warning)));
    }
    if !report.thresholds.is_empty() {
        human += output.say(words::THRESHOLDS);
    }
    for threshold in &report.thresholds {
        let rate = threshold.nominal_far.map(|rate| output.pick(words::vendor_rate(1.0 / rate)));
        let (rate, note) = (rate.unwrap_or_default(), threshold.note.unwrap_or_default());
        let rate = padded(&rate, 22);
        let line = format!("  {:<24} {:>6}  {rate}  {note}", threshold.name, threshold.value);
        human += &format!("{}\n", line.trim_end());
    }
    human += output.say(words::RULES);
    for rule in &report.rules {
        let verdict = padded(output.say(words::verdict(rule.verdict)), 8);
        let cells = output.pick(words::cells(rule.cells));
        human += &format!("  {:<24} {verdict} {cells}\n", rule.rule);
    }
    if !report.overrides.is_empty() {
        human += output.say(words::OVERRIDES);
    }
    for one in &report.overrides {
        human += &format!("  {:<24} {:<18} {}\n", one.rule, one.input, one.reason);
    }
    human + &output.pick(words::hashes(&reference.content_hash, &reference.behaviour_hash))
}

pub(crate) fn document(policy: &Policy) -> Value {
    let (report, reference) = (policy.report(), policy.reference());
    let rules = report
        .rules
        .iter()
        .map(|rule| json!({ "rule": rule.rule, "decision": rule.verdict.as_str(), "cells": rule.cells }));
    let thresholds = report.thresholds.iter().map(|threshold| {
        json!({ "name": threshold.name, "value": threshold.value, "nominal_far": threshold.nominal_far, "note": threshold.note })
    });
    json!({
        "holds": true,
        "problems": [],
        "warnings": report.warnings.iter().map(problem_json).collect::<Vec<_>>(),
        "id": reference.id,
        "version": reference.version,
        "content": reference.content_hash,
        "behaviour": reference.behaviour_hash,
        "cells": report.cells,
        "rules": rules.collect::<Vec<_>>(),
        "against_vendor": report.overrides.iter().map(override_json).collect::<Vec<_>>(),
        "thresholds": thresholds.collect::<Vec<_>>(),
    })
}

pub(crate) fn problem_json(problem: &Problem) -> Value {
    json!({
        "rule": problem.rule, "line": problem.line, "column": problem.column,
        "message": problem.message, "help": problem.help,
    })
}

/// The reason of a rule to approve against a signal of the vendor.
pub(super) fn override_json(one: &Override<'_>) -> Value {
    json!({ "rule": one.rule, "input": one.input, "reason": one.reason })
}
