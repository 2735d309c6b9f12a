//! What is wrong with a policy file, and where.

use std::fmt;
use std::ops::Range;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Which rule of the format or of the checker it breaks, `V1` to `V11`.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
    /// What may have been meant, or what is allowed.
    pub help: Option<String>,
    /// Where, counted from one.
    pub line: usize,
    /// Where in the line, in characters counted from one.
    pub column: usize,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} [{}]", self.line, self.column, self.message, self.rule)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

/// A policy file that is refused, with all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError(Vec<Problem>);

impl PolicyError {
    pub(crate) const fn new(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// What is wrong, in the order of the file.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("the policy is refused"),
            [one] => write!(f, "the policy is refused: {one}"),
            [first, rest @ ..] => write!(f, "the policy is refused: {first} (and {} more)", rest.len()),
        }
    }
}

impl std::error::Error for PolicyError {}

/// Nobody reads more.
const MOST_PROBLEMS: usize = 100;

/// Collects what is wrong with one text.
#[derive(Debug)]
pub(crate) struct Problems<'a> {
    text: &'a str,
    found: Vec<(usize, Problem)>,
    warnings: Vec<(usize, Problem)>,
    /// Whether an example that fails is a warning.
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
        message: impl Into<String>,
        help: Option<String>,
    ) {
        if self.found.len() < MOST_PROBLEMS {
            let problem = self.problem(rule, at, message.into(), help);
            self.found.push((at.start, problem));
        }
    }

    /// Adds a warning, which does not make the policy fail.
    pub(crate) fn warn(
        &mut self,
        rule: &'static str,
        at: &Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        if self.warnings.len() < MOST_PROBLEMS {
            let problem = self.problem(rule, at, message.into(), help);
            self.warnings.push((at.start, problem));
        }
    }

    pub(crate) const fn allow_failing_examples(mut self) -> Self {
        self.allow_failing_examples = true;
        self
    }

    pub(crate) fn failing_example(&mut self, at: &Range<usize>, message: String) {
        if self.allow_failing_examples {
            self.warn("V9", at, message, None);
        } else {
            self.add("V9", at, message, None);
        }
    }

    fn problem(
        &self,
        rule: &'static str,
        at: &Range<usize>,
        message: String,
        help: Option<String>,
    ) -> Problem {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        Problem { rule, message, help, line, column }
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

/// In the order of the file.
fn in_order(mut found: Vec<(usize, Problem)>) -> Vec<Problem> {
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, problem)| problem).collect()
}

/// The nearest of the allowed words, if one is near, and all of them.
pub(crate) fn did_you_mean<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> String {
    let allowed: Vec<&str> = allowed.into_iter().collect();
    let near = allowed.iter().map(|other| (steps(word, other), *other)).min();
    let near =
        near.filter(|(steps, other)| *steps <= 2.max(word.len() / 3) && *steps < word.len().max(other.len()));
    let list = if allowed.is_empty() {
        "there is none".to_owned()
    } else {
        let more = if allowed.len() > 20 { ", .." } else { "" };
        let first: Vec<&str> = allowed.iter().take(20).copied().collect();
        format!("allowed: {}{more}", first.join(", "))
    };
    near.map_or_else(|| list.clone(), |(_, other)| format!("did you mean `{other}`? {list}"))
}

/// None where only the case differs.
fn steps(one: &str, other: &str) -> usize {
    if one.eq_ignore_ascii_case(other) { 0 } else { distance(one, other) }
}

/// How many characters must be changed, put in or taken out (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, left) in one.chars().enumerate() {
        let mut diagonal = at;
        let mut last = at + 1;
        for (right, cell) in other.iter().zip(row.iter_mut().skip(1)) {
            let best = (diagonal + usize::from(left != *right)).min(*cell + 1).min(last + 1);
            diagonal = *cell;
            *cell = best;
            last = best;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_the_usual_ones() {
        for (one, other, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
            ("verify_score", "verify_scroe", 2),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn a_near_word_is_proposed_and_a_far_one_not() {
        assert_eq!(
            did_you_mean("aprove", ["approve", "reject"]),
            "did you mean `approve`? allowed: approve, reject"
        );
        assert_eq!(did_you_mean("xyz", ["approve", "reject"]), "allowed: approve, reject");
    }

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let mut problems = Problems::new("ab\n张三x\n");
        problems.add("V1", &(9..10), "x", None);
        let problem = problems.into_problems().remove(0);
        assert_eq!((problem.line, problem.column), (2, 3));
    }
}
