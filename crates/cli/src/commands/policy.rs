//! `cloudauth policy`: checks, explains, compares and formats policy files.

pub(crate) mod check;
mod diff;
mod load;
mod sql;

use std::collections::BTreeMap;
use std::path::Path;

use cloudauth::policy::{self, Evidence, EvidenceIssue, FlatEvidence, Form, Input, Policy, Trace, Verdict};
use cloudauth::{Body, DescribeFaceVerify, FaceVerifyStatus, parse};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::args::{Decide, Policy as Command};
use crate::failure::{Failure, NOT_PASSED, PENDING, REVIEW};
use crate::output::Output;
use crate::text;
use crate::words::policy::{self as words, case};
use crate::words::{Said, calls, errors, padded};
use load::find_builtin;
pub(crate) use load::{failing_example_json, load, text_of};
#[cfg(feature = "lab")]
pub(crate) use load::{failing_examples, load_to_explore};

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
            output.print_file(policy::SCHEMA, &schema);
            Ok(0)
        }
        Command::Show { name } => {
            let (_, text) = find_builtin(name)?;
            output.print_file(text, &json!({ "name": name, "policy": text }));
            Ok(0)
        }
    }
}

fn decide(args: &Decide, output: &Output, explain: bool) -> Result<u8, Failure> {
    let policy = load(&args.file)?;
    let text = text::read(&args.evidence)?;
    let file = args.evidence.display();
    let Ok(members) = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(&text) else {
        return Err(Failure::usage(calls::not_an_object(file)));
    };
    // As the protocol spells them. `code` is also the name of an input.
    if ["Code", "ResultObject", "resultObject", "RequestId", "requestId"]
        .iter()
        .any(|name| members.contains_key(*name))
    {
        let reply = parse::<DescribeFaceVerify>(&http::Response::new(Body::from(text)));
        let reply = reply.map_err(|error| Failure::usage(words::cannot_decide(&error)))?;
        if matches!(reply.output, FaceVerifyStatus::Pending(_)) {
            output.print(output.say(words::PENDING), &json!({ "decision": null, "pending": true }));
            return Ok(PENDING);
        }
        return Ok(print(&policy.explain(&Evidence::from(&reply.output)), &[], output, explain));
    }
    if members.keys().any(|name| name.parse::<Input>().is_err() && !FlatEvidence::IGNORED.contains(&&**name))
    {
        // The key is not quoted: it may be a name in the wrong place.
        let names = Input::ALL.map(Input::name).join(", ");
        return Err(Failure::usage(words::unknown_input(file, &names)));
    }
    let flat = FlatEvidence::parse(&text).map_err(|error| Failure::usage(errors::flat(&file, &error)))?;
    let (trace, issues) = explain_flat(&policy, &flat);
    Ok(print(&trace, &issues, output, explain))
}

/// Explains the decision on a flat object. Also returns what is wrong with its values.
fn explain_flat<'p>(policy: &'p Policy, flat: &FlatEvidence<'_>) -> (Trace<'p>, Vec<Said>) {
    let (mut labels, mut issues) = (Vec::new(), Vec::new());
    let evidence = Evidence::read(
        Form::Flat,
        |input| flat.value(input),
        &mut labels,
        |issue| match issue {
            EvidenceIssue::Missing(_) => {}
            EvidenceIssue::Malformed(input) => issues.push(words::malformed(input)),
            EvidenceIssue::SubCodeInPassed => issues.push(words::SUB_CODE_IN_PASSED.into()),
        },
    );
    (policy.explain(&evidence), issues)
}

/// The document of `policy explain` for a flat object.
pub(crate) fn explanation(policy: &Policy, flat: &FlatEvidence<'_>) -> Value {
    let (trace, issues) = explain_flat(policy, flat);
    document(&trace, &issues)
}

fn document(trace: &Trace<'_>, issues: &[Said]) -> Value {
    let mut document = trace.to_json();
    if let Value::Object(fields) = &mut document {
        fields.insert("data_issues".to_owned(), issues.iter().map(|issue| json!(issue.en)).collect());
    }
    document
}

fn print(trace: &Trace<'_>, issues: &[Said], output: &Output, explain: bool) -> u8 {
    let mut document = document(trace, issues);
    let mut human = in_words(trace, output);
    for issue in issues {
        human += &output.pick(words::data_issue(issue));
    }
    if explain {
        human += &reasons(trace, output);
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

fn in_words(trace: &Trace<'_>, output: &Output) -> String {
    let (decision, policy) = (&trace.decision, trace.decision.policy());
    let verdict = words::verdict(decision.verdict());
    let mut text = output.pick(words::decided(verdict, decision.rule(), decision.reason()));
    if let Some(hint) = decision.hint() {
        text += &output.pick(words::hint_for_person(hint));
    }
    if let Some(queue) = decision.queue() {
        text += &output.pick(words::queue(queue));
    }
    for one in &trace.overrides {
        text += &output.pick(words::against_vendor(one.input, one.reason));
    }
    let short = policy.content_hash.get(..19).unwrap_or_default();
    text + &output.pick(words::policy(&policy.id, &policy.version, short))
}

fn reasons(trace: &Trace<'_>, output: &Output) -> String {
    let mut text = String::new();
    if !trace.not_understood.is_empty() {
        text += &output.pick(words::not_understood(&trace.not_understood.join(", ")));
    }
    text += output.say(words::EARLIER_RULES);
    for rule in &trace.checked {
        text += &format!("  {:<24} {}\n", rule.rule, output.pick(case::failed(rule)));
    }
    for (heading, changes) in
        [(words::NEAREST, &trace.nearest), (words::IF_NOT_UNDERSTOOD, &trace.if_not_understood)]
    {
        if !changes.is_empty() {
            text += output.say(heading);
        }
        for near in changes {
            let distance = near.distance.map(|distance| (distance * 1e6).round() / 1e6);
            let verdict = padded(output.say(words::verdict(near.would)), 8);
            text += &format!("  {}\n", output.pick(words::change(&verdict, near, distance)));
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
    let decided = in_words(&trace, output);
    let decided = decided.trim_end().replace('\n', "\n           ");
    let heading = output.say(calls::DECISION);
    output.print(&format!("{}\n{heading}{decided}", human.trim_end()), &document);
    exit_of(trace.decision.verdict())
}

fn fmt(file: &Path, check: bool, output: &Output) -> Result<u8, Failure> {
    if file == Path::new("-") {
        return Err(Failure::usage(words::FMT_NEEDS_A_FILE));
    }
    let text = text::read(file)?;
    if text.trim().is_empty() {
        return Err(Failure::usage(words::fmt_empty(file.display())));
    }
    let formatted =
        policy::format(&text).ok_or_else(|| Failure::usage(words::fmt_invalid(file.display())))?;
    let changes = formatted != text;
    if changes && !check {
        text::write(file, &formatted)?;
    }
    let word = match (changes, check) {
        (false, _) => words::WAS_FORMATTED,
        (true, true) => words::IS_NOT_FORMATTED,
        (true, false) => words::FORMATTED,
    };
    output.print(&format!("{} {}", file.display(), output.say(word)), &json!({ "changed": changes }));
    Ok(u8::from(changes && check))
}
