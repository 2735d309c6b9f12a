//! The conditions of a `when`: small enough that everything about them can be proved.
//!
//! ```text
//! codes    a value, a list of values, `unknown`, `missing`
//! flags    `T`, `F`, `invalid`, or a list of them
//! labels   a label, a list (any of them), `unknown`, or `none`
//! scores   `valid`, `invalid`, or comparisons joined by `and`: `>= 60 and < $match_auto`
//! ```

use crate::document::{DeclaredInput, Kind, Test, Threshold};
use crate::input::Input;
use crate::problem::did_you_mean;

/// Why a condition is none, and what would be.
pub(crate) type Refused = (String, String);

/// Reads the words of a condition on a code, a flag or labels.
pub(crate) fn words(input: &DeclaredInput, words: &[&str]) -> Result<Test, Refused> {
    let name = input.name();
    let (known, rest): (Vec<&str>, &[&str]) = match &input.kind {
        Kind::Code(values) => (values.iter().map(String::as_str).collect(), &["unknown", "missing"]),
        Kind::Flag => (vec!["T", "F"], &["invalid"]),
        Kind::Labels(labels) => (labels.iter().map(String::as_str).collect(), &["unknown"]),
        Kind::Score { .. } => {
            let help = "write a comparison in quotes, such as \">= 75\"".to_owned();
            return Err((format!("`{name}` is a score, and takes no list"), help));
        }
    };
    if words.is_empty() {
        return Err((
            format!("the list of `{name}` is empty"),
            "leave the condition out if anything may be".to_owned(),
        ));
    }
    if matches!(input.kind, Kind::Labels(_)) && words == ["none"] {
        return Ok(Test::Labels(Vec::new()));
    }
    let all: Vec<&str> = known.iter().chain(rest).copied().collect();
    let mut classes = Vec::with_capacity(words.len());
    for word in words {
        let class = all.iter().position(|other| other == word).ok_or_else(|| {
            (format!("`{name}` is never `{word}`"), did_you_mean(word, all.iter().copied()))
        })?;
        if classes.contains(&class) {
            return Err((format!("`{word}` stands twice"), "once is enough".to_owned()));
        }
        classes.push(class);
    }
    classes.sort_unstable();
    Ok(match input.kind {
        Kind::Labels(_) => Test::Labels(classes),
        _ => Test::Classes(classes),
    })
}

/// Reads a condition on a score. `used` is told which thresholds it names.
pub(crate) fn comparisons(
    input: &DeclaredInput,
    text: &str,
    thresholds: &[Threshold],
    used: &mut [Option<Input>],
) -> Result<Test, Refused> {
    let Kind::Score { least, most } = input.kind else { return words(input, &[text]) };
    match text.trim() {
        "valid" => return Ok(Test::Between { from: None, below: None }),
        "invalid" => return Ok(Test::Invalid),
        _ => {}
    }
    let (mut from, mut below) = (None, None);
    for part in text.split(" and ") {
        let part = part.trim();
        let (operator, operand) =
            [">=", "<=", ">", "<"].into_iter().find_map(|operator| Some((operator, part.strip_prefix(operator)?))).ok_or_else(
                || {
                    let allowed = "a comparison (>=, >, <=, <) with a number or a $threshold, several joined by `and`, or `valid`, or `invalid`";
                    (format!("`{part}` is no comparison"), format!("allowed: {allowed}"))
                },
            )?;
        // There is one zero.
        let number = operand_of(operand.trim(), input.name, thresholds, used)? + 0.0;
        if !(least..=most).contains(&number) {
            let message = format!("{number} is outside the range of `{}`", input.name());
            return Err((message, format!("it goes from {least} to {most}")));
        }
        // Every comparison is a boundary from which on it holds, or no longer holds.
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
        return Err((format!("`{text}` never holds"), "the lower bound lies above the upper one".to_owned()));
    }
    Ok(Test::Between { from, below })
}

fn operand_of(
    text: &str,
    of: Input,
    thresholds: &[Threshold],
    used: &mut [Option<Input>],
) -> Result<f64, Refused> {
    if let Some(name) = text.strip_prefix('$') {
        let found = thresholds.iter().zip(used).find(|(threshold, _)| threshold.name == name);
        let (threshold, used) = found.ok_or_else(|| {
            let names = thresholds.iter().map(|threshold| threshold.name.as_str());
            (format!("there is no threshold `{name}`"), did_you_mean(name, names))
        })?;
        // A threshold of two scores is told as one of verify_score, whose rate is what people ask for.
        if *used != Some(Input::VerifyScore) {
            *used = Some(of);
        }
        return Ok(threshold.value);
    }
    // Digits and a point, as people write them: no `inf`, no `NaN`, no `1_000`.
    let plain = !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'e' | b'E'));
    text.parse::<f64>().ok().filter(|number| plain && number.is_finite()).ok_or_else(|| {
        (format!("`{text}` is no number"), "write a number, or a threshold such as $match_auto".to_owned())
    })
}

fn later(one: Option<f64>, other: f64) -> Option<f64> {
    Some(one.map_or(other, |one| one.max(other)))
}

fn sooner(one: Option<f64>, other: f64) -> Option<f64> {
    Some(one.map_or(other, |one| one.min(other)))
}
