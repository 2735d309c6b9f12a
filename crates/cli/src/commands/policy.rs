//! `cloudauth policy`: what risk teams do with their files.

mod sql;

use std::path::Path;

use cloudauth::policy::{self, Evidence, Flag, Input, Policy, PolicyError, Trace, Verdict, builtin};
use cloudauth::{Body, DescribeFaceVerify, FaceVerifyResult, FaceVerifyStatus, parse};
use cloudauth_files::Access;
use serde_json::{Map, Value, json};

use crate::args::{Decide, Policy as Command};
use crate::failure::{Failure, NOT_PASSED, PENDING, REVIEW};
use crate::output::Output;
use crate::text;

pub(crate) fn run(command: &Command, output: &Output) -> Result<u8, Failure> {
    match command {
        Command::Check { file } => check(file, output),
        Command::Decide(args) => decide(args, output, false),
        Command::Explain(args) => decide(args, output, true),
        Command::Diff { before, after } => diff(before, after, output),
        Command::Fmt { file, check } => fmt(file, *check, output),
        Command::Sql(args) => sql::run(args, output),
        Command::Schema => {
            let schema = serde_json::from_str(policy::SCHEMA).unwrap_or_default();
            output.print(policy::SCHEMA, &schema);
            Ok(0)
        }
        Command::Show { name } => {
            let (_, text) = find_builtin(name)?;
            output.print(text, &json!({ "name": name, "policy": text }));
            Ok(0)
        }
    }
}

fn find_builtin(name: &str) -> Result<(&'static str, &'static str), Failure> {
    let found = builtin::ALL.into_iter().find(|(found, _)| *found == name);
    found.ok_or_else(|| {
        let names = builtin::ALL.map(|(name, _)| name).join(", ");
        Failure::usage(format!("no policy `{name}` comes with the command; there are {names}"))
    })
}

fn text_of(file: &str) -> Result<String, Failure> {
    if let Some(name) = file.strip_prefix("builtin:") {
        return find_builtin(name).map(|(_, text)| text.to_owned());
    }
    text::read(Path::new(file))
}

/// A policy that holds.
pub(crate) fn load(file: &str) -> Result<Policy, Failure> {
    Policy::parse(&text_of(file)?).map_err(|error| Failure::other(all_of(file, &error)))
}

/// A line for each problem, as compilers write them.
fn all_of(file: &str, error: &PolicyError) -> String {
    let lines = error.problems().iter().map(|problem| {
        let help = problem.help.as_ref().map(|help| format!("\n    {help}")).unwrap_or_default();
        format!("{file}:{}:{}: {} [{}]{help}", problem.line, problem.column, problem.message, problem.rule)
    });
    format!("the policy does not hold\n{}", lines.collect::<Vec<_>>().join("\n"))
}

fn check(file: &str, output: &Output) -> Result<u8, Failure> {
    let policy = match Policy::parse(&text_of(file)?) {
        Ok(policy) => policy,
        Err(error) if output.is_for_programs() => {
            let problems = error.problems().iter().map(|problem| {
                json!({
                    "rule": problem.rule, "line": problem.line, "column": problem.column,
                    "message": problem.message, "help": problem.help,
                })
            });
            output.print("", &json!({ "holds": false, "problems": problems.collect::<Vec<_>>() }));
            return Ok(1);
        }
        Err(error) => return Err(Failure::other(all_of(file, &error))),
    };
    let (report, reference) = (policy.report(), policy.reference());
    let mut human =
        format!("{} {} holds for all of its {} cells\n", reference.id, reference.version, report.cells);
    if !report.thresholds.is_empty() {
        human += "\nthresholds\n";
    }
    for threshold in &report.thresholds {
        let rate = threshold.nominal_far.map(|rate| format!("vendor's rate 1/{:.0}", 1.0 / rate));
        let (rate, note) = (rate.unwrap_or_default(), threshold.note.unwrap_or_default());
        let line = format!("  {:<24} {:>6}  {rate:<22}  {note}", threshold.name, threshold.value);
        human += &format!("{}\n", line.trim_end());
    }
    human += "\nrules\n";
    for rule in &report.rules {
        human += &format!("  {:<24} {:<8} {:>6} cells\n", rule.rule, rule.verdict, rule.cells);
    }
    human += &format!("\ncontent    {}\nbehaviour  {}\n", reference.content_hash, reference.behaviour_hash);
    let rules = report
        .rules
        .iter()
        .map(|rule| json!({ "rule": rule.rule, "decision": rule.verdict.as_str(), "cells": rule.cells }));
    let thresholds = report.thresholds.iter().map(|threshold| {
        json!({ "name": threshold.name, "value": threshold.value, "nominal_far": threshold.nominal_far, "note": threshold.note })
    });
    let document = json!({
        "holds": true,
        "problems": [],
        "id": reference.id,
        "version": reference.version,
        "content": reference.content_hash,
        "behaviour": reference.behaviour_hash,
        "cells": report.cells,
        "rules": rules.collect::<Vec<_>>(),
        "thresholds": thresholds.collect::<Vec<_>>(),
    });
    output.print(&human, &document);
    Ok(0)
}

fn decide(args: &Decide, output: &Output, explain: bool) -> Result<u8, Failure> {
    let policy = load(&args.file)?;
    let text = text::read(&args.evidence)?;
    let whole = serde_json::from_str::<Value>(&text);
    let Ok(Value::Object(fields)) = whole else {
        return Err(Failure::usage(format!("{} is not a JSON object", args.evidence.display())));
    };
    if fields.contains_key("Code") || fields.contains_key("ResultObject") {
        let reply = parse::<DescribeFaceVerify>(&http::Response::new(Body::from(text)));
        let reply = reply.map_err(|error| Failure::usage(format!("this answer is no result: {error}")))?;
        if matches!(reply.output, FaceVerifyStatus::Pending(_)) {
            output.print(
                "pending: there is nothing to decide on yet",
                &json!({ "decision": null, "pending": true }),
            );
            return Ok(PENDING);
        }
        return Ok(tell(&policy, &Evidence::from(&reply.output), output, explain));
    }
    let labels = labels_of(&fields);
    Ok(tell(&policy, &flat(&fields, &labels)?, output, explain))
}

/// What is there and is no list of labels is a label that nobody knows.
fn labels_of(fields: &Map<String, Value>) -> Vec<Box<str>> {
    let malformed = FaceVerifyResult::MALFORMED_RISK;
    match fields.get("device_risk") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => {
            list.iter().map(|label| label.as_str().unwrap_or(malformed).into()).collect()
        }
        Some(Value::String(text)) => {
            text.split(',').map(str::trim).filter(|label| !label.is_empty()).map(Box::from).collect()
        }
        Some(_) => vec![malformed.into()],
    }
}

/// Evidence by the names that policies have for it. What is of the wrong type is invalid, what has no such name an error.
fn flat<'a>(fields: &'a Map<String, Value>, labels: &'a [Box<str>]) -> Result<Evidence<'a>, Failure> {
    if fields.keys().any(|name| name.parse::<Input>().is_err()) {
        // The key is not quoted: it may be somebody's name in the wrong place.
        return Err(Failure::usage(format!(
            "the evidence may hold {}, or be an answer of DescribeFaceVerify",
            Input::ALL.map(Input::name).join(", ")
        )));
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let flag = |name: &str| text(name).map_or(Flag::Invalid, Flag::from_wire);
    let score = |name: &str| fields.get(name).and_then(Value::as_f64);
    let mut evidence = Evidence::default();
    (evidence.code, evidence.sub_code) = (text("code"), text("sub_code"));
    (evidence.passed, evidence.face_attack) = (flag("passed"), flag("face_attack"));
    evidence.face_occlusion = flag("face_occlusion");
    (evidence.verify_score, evidence.quality_score) = (score("verify_score"), score("quality_score"));
    (evidence.face_attack_score, evidence.device_risk) = (score("face_attack_score"), labels);
    Ok(evidence)
}

fn tell(policy: &Policy, evidence: &Evidence<'_>, output: &Output, explain: bool) -> u8 {
    let trace = policy.explain(evidence);
    let mut document = trace.to_json();
    let mut human = in_words(&trace);
    if explain {
        human += &reasons(&trace);
    } else if let Value::Object(fields) = &mut document {
        fields.retain(|name, _| {
            !matches!(name.as_str(), "checked" | "nearest" | "inputs" | "nominal_far_at_score")
        });
    }
    output.print(&human, &document);
    exit_of(trace.decision.verdict())
}

fn exit_of(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Approve => 0,
        Verdict::Review => REVIEW,
        Verdict::Retry | Verdict::Reject => NOT_PASSED,
    }
}

fn in_words(trace: &Trace<'_>) -> String {
    let (decision, policy) = (&trace.decision, trace.decision.policy());
    let mut text =
        format!("{} by the rule `{}`: {}\n", decision.verdict(), decision.rule(), decision.reason());
    if let Some(hint) = decision.hint() {
        text += &format!("tell the person: {hint}\n");
    }
    if let Some(queue) = decision.queue() {
        text += &format!("queue: {queue}\n");
    }
    let short = policy.content_hash.get(..19).unwrap_or_default();
    text + &format!("policy: {} {} ({short})\n", policy.id, policy.version)
}

fn reasons(trace: &Trace<'_>) -> String {
    let mut text = String::new();
    if !trace.not_understood.is_empty() {
        text += &format!("\nmissing, malformed or unknown: {}\n", trace.not_understood.join(", "));
    }
    text += "\nthe rules before\n";
    for rule in &trace.checked {
        text += &format!("  {:<24} {}\n", rule.rule, rule.failed);
    }
    text += "\nit would be\n";
    for near in &trace.nearest {
        let distance = near
            .distance
            .map(|distance| format!(" ({} away)", (distance * 1e6).round() / 1e6))
            .unwrap_or_default();
        text += &format!("  {:<8} if {}{distance}\n", near.would, near.change);
    }
    text
}

/// What a policy makes of an answer, behind what was said of it; gives the exit code.
pub(crate) fn decide_status(
    policy: &Policy,
    status: &FaceVerifyStatus,
    human: &str,
    mut document: Value,
    output: &Output,
) -> u8 {
    if matches!(status, FaceVerifyStatus::Pending(_)) {
        output.print(human, &document);
        return PENDING;
    }
    let trace = policy.explain(&Evidence::from(status));
    if let Value::Object(fields) = &mut document {
        fields.insert("decision".to_owned(), trace.to_json());
    }
    let words = in_words(&trace);
    let decided = words.trim_end().replace('\n', "\n           ");
    output.print(&format!("{}\ndecision   {decided}", human.trim_end()), &document);
    exit_of(trace.decision.verdict())
}

fn diff(before: &str, after: &str, output: &Output) -> Result<u8, Failure> {
    let (before, after) = (load(before)?, load(after)?);
    let difference = policy::diff(&before, &after).map_err(Failure::other)?;
    let (one, other) = (before.reference(), after.reference());
    let mut human = format!("{} {} to {} {}\n", one.id, one.version, other.id, other.version);
    human += &match difference.regions.len() {
        0 if one.behaviour_hash == other.behaviour_hash => "they decide alike, in every word\n".to_owned(),
        0 => format!(
            "they decide alike; {} of {} cells differ in reason, hint or queue\n",
            difference.other_words, difference.cells
        ),
        regions => format!(
            "{} of {} cells are decided otherwise, in {regions} regions\n\n",
            difference.changed(),
            difference.cells
        ),
    };
    for region in &difference.regions {
        human += &format!("{region} ({} cells)\n", region.cells);
    }
    let regions = difference.regions.iter().map(|region| {
        json!({ "before": region.before.as_str(), "after": region.after.as_str(), "when": region.when, "cells": region.cells })
    });
    let document = json!({
        "before": one.content_hash,
        "after": other.content_hash,
        "cells": difference.cells,
        "changed": difference.changed(),
        "other_words": difference.other_words,
        "regions": regions.collect::<Vec<_>>(),
    });
    output.print(&human, &document);
    Ok(0)
}

fn fmt(file: &Path, check: bool, output: &Output) -> Result<u8, Failure> {
    let text = text::read(file)?;
    let formatted = policy::format(&text)
        .ok_or_else(|| Failure::usage(format!("{} is no TOML, and is left as it is", file.display())))?;
    let changes = formatted != text;
    if changes && !check {
        cloudauth_files::write(file, &formatted, Access::Shared)
            .map_err(|error| Failure::other(format!("cannot write {}: {error}", file.display())))?;
    }
    let word = match (changes, check) {
        (false, _) => "is as it should be",
        (true, true) => "is not formatted; `cloudauth policy fmt` does it",
        (true, false) => "is formatted",
    };
    output.print(&format!("{} {word}", file.display()), &json!({ "changed": changes }));
    Ok(u8::from(changes && check))
}
