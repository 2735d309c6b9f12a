//! The problems of a policy file, with their locations.

mod case;
mod hint;
mod kind;
mod message;

use std::fmt;
use std::ops::Range;

pub use case::{Case, InputValues};
pub use hint::Hint;
pub use kind::{DecidedCase, FilePart, ProblemKind};

/// A problem in a policy file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Problem {
    /// The check that failed, `V1` to `V11`; see `docs/policy.md`.
    pub rule: &'static str,
    /// The problem.
    pub kind: ProblemKind,
    /// The likely fix, or the allowed values.
    pub hint: Option<Hint>,
    /// The problem in English.
    pub message: String,
    /// The hint in English.
    pub help: Option<String>,
    /// The line, counted from one.
    pub line: usize,
    /// The column in characters, counted from one.
    pub column: usize,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} [{}]", self.line, self.column, self.message, self.rule)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

/// The error of a policy file that fails its check, with all of its problems.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyError(Vec<Problem>);

impl PolicyError {
    pub(crate) const fn new(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// Returns the problems in the order of the file.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("policy check failed"),
            [one] => write!(f, "policy check failed: {one}"),
            [first, rest @ ..] => write!(f, "policy check failed: {first} (and {} more)", rest.len()),
        }
    }
}

impl std::error::Error for PolicyError {}

/// The most problems, and the most warnings, that are kept.
const MOST_PROBLEMS: usize = 100;

/// Collects the problems of one file.
#[derive(Debug)]
pub(crate) struct Problems<'a> {
    text: &'a str,
    found: Vec<(usize, Problem)>,
    warnings: Vec<(usize, Problem)>,
    /// Whether a failing example is a warning.
    allow_failing_examples: bool,
}

impl<'a> Problems<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, found: Vec::new(), warnings: Vec::new(), allow_failing_examples: false }
    }

    pub(crate) fn add(
        &mut self,
        rule: &'static str,
        at: &Range<usize>,
        kind: ProblemKind,
        hint: impl Into<Option<Hint>>,
    ) {
        if self.found.len() < MOST_PROBLEMS {
            let problem = self.problem(rule, at, kind, hint.into());
            self.found.push((at.start, problem));
        }
    }

    /// Adds a warning, which does not fail the check.
    pub(crate) fn warn(
        &mut self,
        rule: &'static str,
        at: &Range<usize>,
        kind: ProblemKind,
        hint: impl Into<Option<Hint>>,
    ) {
        if self.warnings.len() < MOST_PROBLEMS {
            let problem = self.problem(rule, at, kind, hint.into());
            self.warnings.push((at.start, problem));
        }
    }

    pub(crate) const fn allow_failing_examples(mut self) -> Self {
        self.allow_failing_examples = true;
        self
    }

    pub(crate) fn failing_example(&mut self, at: &Range<usize>, kind: ProblemKind) {
        if self.allow_failing_examples {
            self.warn("V9", at, kind, None);
        } else {
            self.add("V9", at, kind, None);
        }
    }

    fn problem(
        &self,
        rule: &'static str,
        at: &Range<usize>,
        mut kind: ProblemKind,
        hint: Option<Hint>,
    ) -> Problem {
        kind.mask_names();
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        let (message, help) = (kind.to_string(), hint.as_ref().map(ToString::to_string));
        Problem { rule, kind, hint, message, help, line, column }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        in_order(self.found)
    }

    pub(crate) fn take_warnings(&mut self) -> Vec<Problem> {
        in_order(std::mem::take(&mut self.warnings))
    }
}

/// Sorts problems by their location in the file.
fn in_order(mut found: Vec<(usize, Problem)>) -> Vec<Problem> {
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, problem)| problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_count_lines_and_characters() {
        let mut problems = Problems::new("ab\n张三x\n");
        problems.add("V1", &(9..10), ProblemKind::NoRule, None);
        let problem = problems.into_problems().remove(0);
        assert_eq!((problem.line, problem.column), (2, 3));
    }
}
