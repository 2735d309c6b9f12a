//! Reads policies, and prints their problems.

use std::path::Path;

use cloudauth::policy::{Policy, Problem, builtin};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::Output;
use crate::text;
use crate::words::policy as words;

pub(super) fn find_builtin(name: &str) -> Result<(&'static str, &'static str), Failure> {
    let found = builtin::ALL.into_iter().find(|(found, _)| *found == name);
    found.ok_or_else(|| {
        let names = builtin::ALL.map(|(name, _)| name).join(", ");
        Failure::usage(words::unknown_builtin(&names))
    })
}

pub(crate) fn text_of(file: impl AsRef<Path>) -> Result<String, Failure> {
    let file = file.as_ref();
    if let Some(name) = file.to_str().and_then(|file| file.strip_prefix("builtin:")) {
        return find_builtin(name).map(|(_, text)| text.to_owned());
    }
    text::read(file)
}

/// Reads a policy and checks it.
pub(crate) fn load(file: &str) -> Result<Policy, Failure> {
    Policy::parse(&text_of(file)?).map_err(|error| Failure::other(words::check_failed(file, &error)))
}

/// Reads a policy, whose examples may fail if that is allowed.
pub(crate) fn load_to_explore(file: &str, allow_failing_examples: bool) -> Result<Policy, Failure> {
    if !allow_failing_examples {
        return load(file);
    }
    let policy = Policy::parse_allowing_failing_examples(&text_of(file)?);
    policy.map_err(|error| Failure::other(words::check_failed(file, &error)))
}

/// Returns a failing example of a policy for a document.
pub(crate) fn failing_example_json(file: &str, example: &Problem) -> Value {
    json!({ "policy": file, "line": example.line, "message": example.message })
}

/// Returns the failing examples of policies, as lines and as JSON.
pub(crate) fn failing_examples(policies: &[(&str, &Policy)], output: &Output) -> (String, Value) {
    let mut lines = String::new();
    let mut all = Vec::new();
    for (file, policy) in policies {
        for example in policy.failing_examples() {
            lines += &output.pick(words::failing_example(&words::problem(file, example)));
            all.push(failing_example_json(file, example));
        }
    }
    (lines, Value::Array(all))
}
