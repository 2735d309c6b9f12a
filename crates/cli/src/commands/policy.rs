//! `cloudauth policy`: what risk teams do with their files.

mod check;
mod diff;
mod sql;

use std::collections::BTreeMap;
use std::path::Path;

use cloudauth::policy::{
    self, Evidence, EvidenceIssue, FlatEvidence, Form, Input, Policy, PolicyError, Problem, Trace, Verdict,
    builtin,
};
use cloudauth::{Body, DescribeFaceVerify, FaceVerifyStatus, parse};
use cloudauth_files::Access;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::args::{Decide, Policy as Command};
use crate::failure::{Failure, NOT_PASSED, PENDING, REVIEW};
use crate::output::Output;
use crate::text;

pub(crate) fn run(command: &Command, output: &Output) -> Result<u8, Failure> {
    match command {
        Command::Check { file } => check::run(file, output),
        Command::Decide(args) => decide(args, output, false),
        Command::Explain(args) => decide(args, output, true),
        Command::Diff { before, after, allow_failing_examples } => {
            diff::run(before, after, *allow_failing_examples, output)
        }
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
        Failure::usage(format!("unknown built-in policy `{name}`; the command has {names}"))
    })
}

fn text_of(file: &str) -> Result<String, Failure> {
    if let Some(name) = file.strip_prefix("builtin:") {
        return find_builtin(name).map(|(_, text)| text.to_owned());
    }
    text::read(Path::new(file))
}

/// Reads a policy and proves it.
pub(crate) fn load(file: &str) -> Result<Policy, Failure> {
    Policy::parse(&text_of(file)?).map_err(|error| Failure::other(all_of(file, &error)))
}

/// Reads a policy to explore: its examples may fail if that is allowed.
pub(crate) fn load_to_explore(file: &str, allow_failing_examples: bool) -> Result<Policy, Failure> {
    if !allow_failing_examples {
        return load(file);
    }
    let policy = Policy::parse_allowing_failing_examples(&text_of(file)?);
    policy.map_err(|error| Failure::other(all_of(file, &error)))
}

/// Returns the failing examples of policies, as lines and as JSON.
pub(crate) fn failing_examples(policies: &[(&str, &Policy)]) -> (String, Value) {
    let mut lines = String::new();
    let mut all = Vec::new();
    for (file, policy) in policies {
        for example in policy.failing_examples() {
            lines += &format!("failing example, allowed: {}\n", line_of(file, example));
            all.push(json!({ "policy": file, "line": example.line, "message": example.message }));
        }
    }
    (lines, Value::Array(all))
}

/// A problem as compilers write it: `policy.toml:3:1: message [V1]`, and the help below.
fn line_of(file: &str, problem: &Problem) -> String {
    let help = problem.help.as_ref().map(|help| format!("\n    {help}")).unwrap_or_default();
    format!("{file}:{}:{}: {} [{}]{help}", problem.line, problem.column, problem.message, problem.rule)
}

/// A line for each problem.
fn all_of(file: &str, error: &PolicyError) -> String {
    let lines = error.problems().iter().map(|problem| line_of(file, problem));
    format!("policy check failed\n{}", lines.collect::<Vec<_>>().join("\n"))
}

fn decide(args: &Decide, output: &Output, explain: bool) -> Result<u8, Failure> {
    let policy = load(&args.file)?;
    let text = text::read(&args.evidence)?;
    let refused = |why: String| Failure::usage(format!("{}: {why}", args.evidence.display()));
    let Ok(members) = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(&text) else {
        return Err(refused("not a JSON object".to_owned()));
    };
    if members.contains_key("Code") || members.contains_key("ResultObject") {
        let reply = parse::<DescribeFaceVerify>(&http::Response::new(Body::from(text)));
        let reply = reply.map_err(|error| Failure::usage(format!("cannot decide on the reply: {error}")))?;
        if matches!(reply.output, FaceVerifyStatus::Pending(_)) {
            output.print(
                "pending: the verification has not ended",
                &json!({ "decision": null, "pending": true }),
            );
            return Ok(PENDING);
        }
        return Ok(tell(&policy, &Evidence::from(&reply.output), &[], output, explain));
    }
    if members.keys().any(|name| name.parse::<Input>().is_err()) {
        // The key is not quoted: it may be somebody's name in the wrong place.
        let names = Input::ALL.map(Input::name).join(", ");
        return Err(refused(format!("unknown input: use {names}, or a whole reply of DescribeFaceVerify")));
    }
    let flat = FlatEvidence::parse(&text).map_err(|error| refused(error.to_string()))?;
    let (mut labels, mut issues) = (Vec::new(), Vec::new());
    let evidence = Evidence::read(
        Form::Flat,
        |input| flat.value(input),
        &mut labels,
        |issue| match issue {
            EvidenceIssue::Missing(_) => {}
            EvidenceIssue::Malformed(input) => issues.push(format!("`{input}` is malformed")),
            EvidenceIssue::SubCodeInPassed => {
                issues.push("`passed` holds a SubCode, as in a callback: it counts as `sub_code`, and `passed` is invalid".to_owned());
            }
        },
    );
    Ok(tell(&policy, &evidence, &issues, output, explain))
}

fn tell(policy: &Policy, evidence: &Evidence<'_>, issues: &[String], output: &Output, explain: bool) -> u8 {
    let trace = policy.explain(evidence);
    let mut document = trace.to_json();
    if let Value::Object(fields) = &mut document {
        fields.insert("data_issues".to_owned(), json!(issues));
    }
    let mut human = in_words(&trace);
    for issue in issues {
        human += &format!("data issue: {issue}\n");
    }
    if explain {
        human += &reasons(&trace);
    } else if let Value::Object(fields) = &mut document {
        fields.retain(|name, _| {
            !matches!(
                name.as_str(),
                "checked" | "nearest" | "if_not_understood" | "inputs" | "nominal_far_at_score"
            )
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
    for one in &trace.overrides {
        text += &format!("against the vendor's {}: {}\n", one.input, one.reason);
    }
    let short = policy.content_hash.get(..19).unwrap_or_default();
    text + &format!("policy: {} {} ({short})\n", policy.id, policy.version)
}

fn reasons(trace: &Trace<'_>) -> String {
    let mut text = String::new();
    if !trace.not_understood.is_empty() {
        text += &format!("\nmissing, malformed or unknown: {}\n", trace.not_understood.join(", "));
    }
    text += "\nearlier rules and why they do not apply\n";
    for rule in &trace.checked {
        text += &format!("  {:<24} {}\n", rule.rule, rule.failed);
    }
    for (heading, changes) in [
        ("changes of one input that change the verdict", &trace.nearest),
        ("with an input missing or invalid", &trace.if_not_understood),
    ] {
        if !changes.is_empty() {
            text += &format!("\n{heading}\n");
        }
        for near in changes {
            let distance =
                near.distance.map(|distance| format!(" ({} away)", (distance * 1e6).round() / 1e6));
            text += &format!("  {:<8} if {}{}\n", near.would, near.change, distance.unwrap_or_default());
        }
    }
    text
}

/// Prints the decision of a policy on a reply, after `human`; returns the exit code.
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

fn fmt(file: &Path, check: bool, output: &Output) -> Result<u8, Failure> {
    if file == Path::new("-") {
        return Err(Failure::usage("policy fmt changes a file in place: give its path, not `-`"));
    }
    let text = text::read(file)?;
    let formatted = policy::format(&text)
        .ok_or_else(|| Failure::usage(format!("{} was not changed: invalid TOML", file.display())))?;
    let changes = formatted != text;
    if changes && !check {
        cloudauth_files::write(file, &formatted, Access::Shared)
            .map_err(|error| Failure::other(format!("cannot write {}: {error}", file.display())))?;
    }
    let word = match (changes, check) {
        (false, _) => "was already formatted",
        (true, true) => "is not formatted: run `cloudauth policy fmt`",
        (true, false) => "formatted",
    };
    output.print(&format!("{} {word}", file.display()), &json!({ "changed": changes }));
    Ok(u8::from(changes && check))
}
