//! Writes policies as SQL, rows for them, and the rule that decides each row, for `cargo xtask warehouses`.
//!
//! `warehouses FOLDER ROWS`: each case is a folder of columns, named in `cases.json`. Text columns are dictionary indices (255
//! is NULL). Scores are doubles with a validity byte each, or strings in a JSON list.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's other half may panic"
)]

#[path = "../tests/random/mod.rs"]
mod random;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cloudauth_policy::{Columns, Dialect, Input, Policy, builtin};
use random::rows::{CODES, FLAGS, INPUTS, NUMBERS, Rows};
use random::{CODES_ALONE, Dice, EDGES, random_policy, without_quotes};
use serde_json::{Value, json};

/// The form of the scores in the table.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stored {
    Double,
    Float,
    Text,
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (folder, rows) = (args.next().unwrap(), args.next().unwrap().parse::<usize>().unwrap());
    let few = (rows / 10).max(1000);
    let mut dice = Dice(20_251_123);
    let worked = || Policy::parse(builtin::ONBOARDING).unwrap();
    let mut cases = vec![
        ("worked".to_owned(), worked(), Stored::Double, rows),
        ("worked-float".to_owned(), worked(), Stored::Float, few),
        ("worked-text".to_owned(), worked(), Stored::Text, few),
    ];
    for (name, text) in
        [("threshold", builtin::THRESHOLD), ("vendor", builtin::VENDOR), ("codes", CODES_ALONE)]
    {
        cases.push((name.to_owned(), Policy::parse(text).unwrap(), Stored::Double, few));
    }
    for (name, text) in [("edges", without_quotes()), ("quotes", EDGES.to_owned())] {
        cases.push((name.to_owned(), Policy::parse(&text).unwrap(), Stored::Double, few));
        cases.push((format!("{name}-text"), Policy::parse(&text).unwrap(), Stored::Text, few));
    }
    for number in 0..5 {
        for (name, stored) in [("", Stored::Double), ("-float", Stored::Float), ("-text", Stored::Text)] {
            let policy = random_policy(&mut dice).1;
            cases.push((format!("random-{number}{name}"), policy, stored, few));
        }
    }
    let folder = Path::new(&folder);
    let written = cases
        .iter()
        .map(|(name, policy, stored, rows)| case(&folder.join(name), policy, *stored, *rows, &mut dice));
    let written: Vec<Value> = written.collect();
    fs::write(folder.join("cases.json"), Value::from(written).to_string()).unwrap();
}

fn case(folder: &Path, policy: &Policy, stored: Stored, count: usize, dice: &mut Dice) -> Value {
    fs::create_dir_all(folder).unwrap();
    let numbers: BTreeMap<String, u8> =
        (0..).zip(policy.report().rules).map(|(n, rule)| (rule.rule.into(), n)).collect();
    let made = Rows::of(policy);
    let mut texts: [Vec<u8>; 5] = Default::default();
    let mut scores: [Vec<(String, Option<f64>)>; 3] = Default::default();
    let mut expected = Vec::with_capacity(count);
    for _ in 0..count {
        let mut row = made.row(dice);
        for (at, (text, column)) in row.texts.iter().zip(&mut texts).enumerate() {
            let all: &[&str] = if at < 2 { &CODES } else { &FLAGS };
            let found = text.map(|text| all.iter().position(|other| *other == text).unwrap());
            column.push(found.map_or(u8::MAX, |number| u8::try_from(number).unwrap()));
        }
        for (score, column) in row.scores.iter_mut().zip(&mut scores) {
            let mut text = String::new();
            match stored {
                Stored::Double => {}
                Stored::Float => *score = score.map(|score| f64::from(score as f32)),
                Stored::Text => (text, *score) = as_text(*score, dice),
            }
            column.push((text, *score));
        }
        expected.push(numbers[policy.decide(&row.evidence()).rule()]);
    }

    // Each query reads `passed`, for the SubCode of callbacks.
    let inputs: Vec<&str> = Input::ALL
        .into_iter()
        .filter(|input| *input == Input::Passed || policy.inputs().any(|other| other == *input))
        .map(Input::name)
        .collect();
    for (at, name) in INPUTS.iter().enumerate().filter(|(_, name)| inputs.contains(name)) {
        if at < 5 {
            fs::write(folder.join(name), &texts[at]).unwrap();
            continue;
        }
        let column = &scores[at - 5];
        if stored == Stored::Text {
            // NULL has no text.
            let texts = column.iter().map(|(text, _)| if text == "NULL" { Value::Null } else { json!(text) });
            fs::write(folder.join(name), Value::from(texts.collect::<Vec<_>>()).to_string()).unwrap();
        } else {
            let numbers = column.iter().flat_map(|(_, score)| score.unwrap_or(0.0).to_le_bytes());
            fs::write(folder.join(name), numbers.collect::<Vec<u8>>()).unwrap();
            let there: Vec<u8> = column.iter().map(|(_, score)| u8::from(score.is_some())).collect();
            fs::write(folder.join(format!("{name}.there")), there).unwrap();
        }
    }
    fs::write(folder.join("expected"), &expected).unwrap();
    describe(folder, policy, stored, count, &inputs)
}

/// Column names that need quotes.
fn describe(folder: &Path, policy: &Policy, stored: Stored, count: usize, inputs: &[&str]) -> Value {
    let column = |name: &str| format!("The \"{name}\"");
    let mut columns = Columns::of("face_rows").keep("number").keep("expected");
    for name in inputs {
        columns = columns.column(*name, column(name));
        if stored == Stored::Text && name.ends_with("score") {
            columns = columns.text(*name);
        }
    }
    // Some dialects reject names or texts that need quotes, or scores as text. Such a case has no query to run.
    let sql: BTreeMap<&str, String> = Dialect::ALL
        .into_iter()
        .filter_map(|dialect| Some((dialect.as_str(), policy.sql(dialect, &columns).ok()?)))
        .collect();
    let described = inputs.iter().map(|name| {
        let dictionary = match name.ends_with("score") {
            true => Value::Null,
            false if name.ends_with("code") => json!(CODES.as_slice()),
            false => json!(FLAGS),
        };
        json!({ "name": name, "column": column(name), "dictionary": dictionary })
    });
    let rules = policy.report().rules.into_iter().map(|rule| json!([rule.rule, rule.verdict.as_str()]));
    json!({
        "folder": folder.file_name().unwrap().to_str().unwrap(),
        "stored": format!("{stored:?}").to_lowercase(),
        "rows": count,
        "inputs": described.collect::<Vec<_>>(),
        "rules": rules.collect::<Vec<_>>(),
        "content": policy.reference().content_hash,
        "sql": sql,
    })
}

/// A text and its number in JSON, if it is one.
fn as_text(score: Option<f64>, dice: &mut Dice) -> (String, Option<f64>) {
    let text = match score {
        None if dice.roll().is_multiple_of(3) => "NULL".to_owned(),
        None => dice.of(&NUMBERS).to_owned(),
        Some(score) if dice.roll().is_multiple_of(4) => format!("{score:e}"),
        Some(score) => format!("{score:?}"),
    };
    let digits =
        text.split(['e', 'E']).nth(1).map_or(0, |exponent| exponent.trim_start_matches(['+', '-']).len());
    let plain = !text.contains(char::is_whitespace) && digits < 4;
    let number = serde_json::from_str::<f64>(&text).ok().filter(|number| plain && number.is_finite());
    (text, number)
}
