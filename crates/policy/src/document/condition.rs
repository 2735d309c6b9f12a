//! Parses the conditions of a `when`. The language is small, so that the checker can prove every policy.
//!
//! ```text
//! codes    a value, a list of values, `unknown`, `missing`
//! flags    `T`, `F`, `invalid`, or a list of them
//! labels   a label, a list (any of them), `unknown`, or `none`
//! scores   `valid`, `invalid`, or comparisons joined by `and`: `>= 60 and < $match_auto`
//! ```

use cloudauth_protocol::grammar;

use crate::document::problem::{Hint, ProblemKind};
use crate::document::{DeclaredInput, Kind, Test, Threshold};
use crate::evidence::input::Input;
use crate::suggest::did_you_mean;

/// The error of a condition.
#[derive(Debug)]
pub(crate) struct ConditionError {
    /// The check that failed.
    pub(crate) rule: &'static str,
    pub(crate) kind: Box<ProblemKind>,
    /// How to fix it.
    pub(crate) hint: Box<Hint>,
}

impl From<(ProblemKind, Hint)> for ConditionError {
    fn from((kind, hint): (ProblemKind, Hint)) -> Self {
        Self { rule: "V1", kind: Box::new(kind), hint: Box::new(hint) }
    }
}

/// Parses a condition on a code, a flag or labels.
pub(crate) fn words(input: &DeclaredInput, words: &[&str]) -> Result<Test, ConditionError> {
    let name = input.name();
    let (known, rest): (Vec<&str>, &[&str]) = match &input.kind {
        Kind::Code(values) => (values.iter().map(String::as_str).collect(), &["unknown", "missing"]),
        Kind::Flag => (vec!["T", "F"], &["invalid"]),
        Kind::Labels(labels) => (labels.iter().map(String::as_str).collect(), &["unknown"]),
        Kind::Score { .. } => {
            return Err((ProblemKind::ListOfScore(name), Hint::ComparisonInQuotes).into());
        }
    };
    if words.is_empty() {
        return Err((ProblemKind::EmptyList(name), Hint::RemoveCondition).into());
    }
    if matches!(input.kind, Kind::Labels(_)) && words == ["none"] {
        return Ok(Test::Labels(Vec::new()));
    }
    let all: Vec<&str> = known.iter().chain(rest).copied().collect();
    let mut classes = Vec::with_capacity(words.len());
    for word in words {
        let class = all.iter().position(|other| other == word).ok_or_else(|| {
            let kind = ProblemKind::NotAValue(name);
            (kind, Hint::Suggestion(did_you_mean(word, all.iter().copied())))
        })?;
        if classes.contains(&class) {
            return Err((ProblemKind::ListedTwice(name), Hint::RemoveOne).into());
        }
        classes.push(class);
    }
    classes.sort_unstable();
    Ok(match input.kind {
        Kind::Labels(_) => Test::Labels(classes),
        _ => Test::Classes(classes),
    })
}

/// Parses a condition on a score, and records in `used` the thresholds that it names.
pub(crate) fn comparisons(
    input: &DeclaredInput,
    text: &str,
    thresholds: &[Threshold],
    used: &mut [Option<Input>],
) -> Result<Test, ConditionError> {
    let Kind::Score { least, most } = input.kind else { return words(input, &[text]) };
    match text.trim() {
        "valid" => return Ok(Test::Between { from: None, below: None }),
        "invalid" => return Ok(Test::Invalid),
        _ => {}
    }
    let (mut from, mut below) = (None, None);
    for part in parts_of(text)? {
        let (operator, operand) =
            comparison(&part).ok_or((ProblemKind::NotAComparison, Hint::Comparisons))?;
        // Adding zero turns negative zero into zero.
        let number = operand_of(operand, input.name, thresholds, used)? + 0.0;
        // The problem of this threshold is reported already.
        if number.is_nan() {
            continue;
        }
        if !(least..=most).contains(&number) {
            return Err(ConditionError {
                rule: "V8",
                kind: ProblemKind::OutOfRange(input.name()).into(),
                hint: Hint::Range { least, most }.into(),
            });
        }
        // Every comparison becomes a half-open bound.
        match operator {
            ">=" => from = later(from, number),
            ">" => from = later(from, number.next_up()),
            "<" => below = sooner(below, number),
            _ => below = sooner(below, number.next_up()),
        }
    }
    if let (Some(from), Some(below)) = (from, below)
        && from >= below
    {
        return Err((ProblemKind::NeverHolds, Hint::LowerAboveUpper).into());
    }
    Ok(Test::Between { from, below })
}

/// Splits a condition into the comparisons joined by `and`.
pub(crate) fn parts_of(text: &str) -> Result<Vec<String>, ConditionError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if let Some(word) = words.iter().find(|word| matches!(**word, "or" | "||" | "&&" | "AND" | "OR" | "not"))
    {
        return Err((ProblemKind::NotAllowed((*word).to_owned()), Hint::JoinWithAnd).into());
    }
    let parts: Vec<String> = words.split(|word| *word == "and").map(|part| part.join(" ")).collect();
    if parts.iter().any(String::is_empty) {
        return Err((ProblemKind::ComparisonMissing, Hint::BothSidesOfAnd).into());
    }
    Ok(parts)
}

/// Splits a comparison into operator and operand.
pub(crate) fn comparison(part: &str) -> Option<(&'static str, &str)> {
    let part = part.trim();
    let split = |operator: &'static str| Some((operator, part.strip_prefix(operator)?.trim()));
    [">=", "<=", ">", "<"].into_iter().find_map(split)
}

fn operand_of(
    text: &str,
    of: Input,
    thresholds: &[Threshold],
    used: &mut [Option<Input>],
) -> Result<f64, ConditionError> {
    if let Some(name) = text.strip_prefix('$') {
        let found = thresholds.iter().zip(used).find(|(threshold, _)| threshold.name == name);
        let (threshold, used) = found.ok_or_else(|| {
            if name.contains(CONTINUES) {
                return (ProblemKind::NotAComparison, Hint::JoinWithAnd);
            }
            let names = thresholds.iter().map(|threshold| threshold.name.as_str());
            let hint = Hint::Suggestion(did_you_mean(name, names));
            (ProblemKind::UnknownThreshold, hint)
        })?;
        // A threshold of two scores counts as one of verify_score, because its rate is checked.
        if *used != Some(Input::VerifyScore) {
            *used = Some(of);
        }
        return Ok(threshold.value);
    }
    Ok(number(text).ok_or_else(|| {
        if text.split(CONTINUES).next().is_some_and(|first| number(first).is_some()) {
            return (ProblemKind::NotAComparison, Hint::JoinWithAnd);
        }
        let hint = decimal_comma(text).map_or(Hint::NumberOrThreshold, Hint::DecimalPoint);
        (ProblemKind::NotANumber, hint)
    })?)
}

/// What ends an operand whose `and` is missing, as in `75 < 80`.
const CONTINUES: [char; 4] = [' ', '<', '>', '='];

/// Parses a finite number as JSON or TOML writes it: `75`, `0.5`, `1e+01`, `+75`, `1_000`. Not `inf`, `.5`, `75.` or `007`.
pub(crate) fn number(text: &str) -> Option<f64> {
    let digit = |at: Option<&u8>| at.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    let is_between_digits =
        |at: usize| digit(at.checked_sub(1).and_then(|at| bytes.get(at))) && digit(bytes.get(at + 1));
    if text.match_indices('_').any(|(at, _)| !is_between_digits(at)) {
        return None;
    }
    let plain = text.strip_prefix('+').filter(|rest| !rest.starts_with('-')).unwrap_or(text);
    grammar::score(&plain.replace('_', ""))
}

/// Returns the first number with a decimal comma, such as `76,5`, rewritten with a point.
pub(crate) fn decimal_comma(text: &str) -> Option<String> {
    text.match_indices(',').find_map(|(at, _)| {
        let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
        let whole = before.get(before.trim_end_matches(|c: char| c.is_ascii_digit()).len()..)?;
        let part = after.get(..after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len())?;
        // Longer ones may be phone or ID numbers in the wrong file.
        let is_short = |digits: &str| matches!(digits.len(), 1..=5);
        (is_short(whole) && is_short(part)).then(|| format!("{whole}.{part}"))
    })
}

fn later(one: Option<f64>, other: f64) -> Option<f64> {
    Some(one.map_or(other, |one| one.max(other)))
}

fn sooner(one: Option<f64>, other: f64) -> Option<f64> {
    Some(one.map_or(other, |one| one.min(other)))
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_number_is_one_of_json_or_toml() {
        for (text, expected) in
            [("75", 75.0), ("+0.5", 0.5), ("-1", -1.0), ("1e+01", 10.0), ("1_000", 1000.0)]
        {
            assert_eq!(number(text), Some(expected), "{text}");
        }
        for text in ["", ".5", "75.", "007", "+-1", "++1", "_1", "1_", "1__0", "1_.5", "inf", "nan", "1e999"]
        {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
