//! From TOML to a document: unknown words, double names and wrong types are found here, each with its place.

mod declared;
mod spoken;

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::condition::decimal_comma;
use crate::decision::Verdict;
use crate::document::{DeclaredInput, Document, Outcome, Span, Threshold};
use crate::input::{Input, InputKind};
use crate::problem::{Problems, did_you_mean};

/// The version of the format that is read.
pub const FORMAT: i64 = 1;

/// The longest file that is read, in bytes, and the most values of an input, promises and examples.
const LONGEST: usize = 1 << 20;
const MOST: usize = 1000;

type Value<'a> = Spanned<DeValue<'a>>;

/// Reads a document; what is wrong with it goes into `problems`. `None` if there is no going on.
pub(crate) fn document(text: &str, problems: &mut Problems<'_>) -> Option<Document> {
    if text.len() > LONGEST {
        problems.add("V11", &(0..0), format!("the file is longer than {LONGEST} bytes"), None);
        return None;
    }
    let root = match DeTable::parse(text) {
        Ok(root) => root,
        Err(error) => {
            let at = error.span().unwrap_or(0..0);
            let before = text.get(..at.start).unwrap_or_default();
            let line = text.get(before.rfind('\n').map_or(0, |end| end + 1)..).unwrap_or_default();
            let help = decimal_comma(line.lines().next().unwrap_or_default())
                .map(|number| format!("if this is a number with a decimal comma, write {number}"));
            problems.add("V1", &at, format!("invalid TOML: {}", error.message()), help);
            return None;
        }
    };
    let mut reader = Reader { problems };
    let mut table = reader.table("the file", &root);
    match table.take("format").map(|value| (integer(value), value.span())) {
        Some((Some(FORMAT), _)) => {}
        Some((found, at)) => {
            let found = found.map_or_else(|| "something else".to_owned(), |number| number.to_string());
            let message = format!("the format is {found}, and this program reads {FORMAT}");
            reader.problems.add("V1", &at, message, None);
            return None;
        }
        None => {
            reader.problems.add(
                "V1",
                &(0..0),
                "`format` is missing",
                Some(format!("begin with `format = {FORMAT}`")),
            );
        }
    }
    let policy = table.take("policy");
    let (mut thresholds, threshold_order) = reader.thresholds(table.take("thresholds"));
    let inputs = reader.inputs(table.take("inputs"));
    let mut used = vec![None; thresholds.len()];
    let mut scope = Scope { inputs: &inputs, thresholds: &thresholds, used: &mut used };
    let rules = reader.rules(table.take("rule"), &mut scope);
    let asserts = reader.asserts(table.take("assert"), &mut scope);
    let examples = reader.examples(table.take("example"), &rules, &inputs);
    for (threshold, _) in thresholds.iter().zip(&used).filter(|(_, used)| used.is_none()) {
        let message = format!("the threshold `{}` is not used", threshold.name);
        reader.problems.add(
            "V1",
            &threshold.span,
            message,
            Some("use it as $name, or take it out".to_owned()),
        );
    }
    reader.order(&thresholds, threshold_order);
    for (threshold, used) in thresholds.iter_mut().zip(used) {
        threshold.of = used;
        reader.claim(threshold);
    }
    table.finish(&mut reader);
    let Some(policy) = policy else {
        reader.problems.add("V1", &(0..0), "the table [policy] is missing", None);
        return None;
    };
    let mut table = reader.inner("[policy]", policy)?;
    let (otherwise, otherwise_span) = match table.take("otherwise") {
        Some(value) => (reader.outcome("[policy.otherwise]", value, "decision"), value.span()),
        None => {
            let help = "it needs `decision` and `reason`, for inputs that no rule covers";
            reader.problems.add("V1", &policy.span(), "[policy.otherwise] is missing", Some(help.to_owned()));
            (None, policy.span())
        }
    };
    let document = Document {
        id: reader.required(&mut table, "id"),
        version: reader.required(&mut table, "version"),
        owner: reader.optional(&mut table, "owner"),
        description: reader.optional(&mut table, "description"),
        effective: match table.take("effective").map(|value| (value.get_ref(), value.span())) {
            Some((DeValue::Datetime(time), _)) if time.date.is_some() && time.offset.is_some() => {
                Some(time.to_string())
            }
            Some((_, at)) => {
                let help = "write 2026-01-01T00:00:00+08:00, without quotes".to_owned();
                reader.problems.add("V1", &at, "`effective` must be a date and time with a zone", Some(help));
                None
            }
            None => None,
        },
        supersedes: reader.optional(&mut table, "supersedes"),
        change_note: reader.optional(&mut table, "change_note"),
        otherwise: otherwise?,
        otherwise_span,
        thresholds,
        inputs,
        rules,
        asserts,
        examples,
    };
    table.finish(&mut reader);
    Some(document)
}

/// What conditions may speak of.
struct Scope<'a> {
    inputs: &'a [DeclaredInput],
    thresholds: &'a [Threshold],
    used: &'a mut [Option<Input>],
}

/// A table whose entries are taken out one by one; what is left over is unknown.
struct Entries<'a> {
    what: &'static str,
    at: Span,
    left: Vec<(&'a Spanned<Cow<'a, str>>, &'a Value<'a>)>,
    asked: Vec<&'static str>,
}

impl<'a> Entries<'a> {
    fn take(&mut self, name: &'static str) -> Option<&'a Value<'a>> {
        self.asked.push(name);
        let at = self.left.iter().position(|(key, _)| key.get_ref() == name)?;
        Some(self.left.remove(at).1)
    }

    fn finish(self, reader: &mut Reader<'_, '_>) {
        for (key, _) in self.left {
            let message = format!("{} has no `{}`", self.what, key.get_ref());
            reader.problems.add(
                "V1",
                &key.span(),
                message,
                Some(did_you_mean(key.get_ref(), self.asked.clone())),
            );
        }
    }
}

struct Reader<'p, 't> {
    problems: &'p mut Problems<'t>,
}

impl Reader<'_, '_> {
    fn wrong(&mut self, at: &Range<usize>, message: impl Into<String>, help: &str) {
        self.problems.add("V1", at, message, Some(help.to_owned()));
    }

    fn table<'a>(&mut self, what: &'static str, table: &'a Spanned<DeTable<'a>>) -> Entries<'a> {
        entries(what, table.span(), table.get_ref())
    }

    fn inner<'a>(&mut self, what: &'static str, value: &'a Value<'a>) -> Option<Entries<'a>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(entries(what, value.span(), table)),
            _ => {
                let help = "write it as `{ name = value }` or with a heading";
                self.wrong(&value.span(), format!("{what} must be a table"), help);
                None
            }
        }
    }

    fn list<'a>(&mut self, what: &'static str, value: Option<&'a Value<'a>>) -> Vec<&'a Value<'a>> {
        match value.map(|value| (value.get_ref(), value.span())) {
            Some((DeValue::Array(list), at)) => {
                if list.len() > MOST {
                    self.problems.add("V11", &at, format!("{what} has more than {MOST} entries"), None);
                }
                list.iter().take(MOST).collect()
            }
            Some((_, at)) => {
                self.wrong(
                    &at,
                    format!("{what} must be a list"),
                    "write each with two brackets, such as [[rule]]",
                );
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn string(&mut self, name: &str, value: &Value<'_>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned).filter(|text| !text.trim().is_empty());
        match &text {
            None => {
                let help = spelling(InputKind::Code, value);
                let help =
                    help.map_or_else(|| "write it in quotes".to_owned(), |text| format!("write {text}"));
                self.wrong(&value.span(), format!("`{name}` must be a text that is not empty"), &help);
            }
            // They would reach terminals and logs; lines of a description are no harm.
            Some(text) if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) => {
                self.wrong(&value.span(), format!("`{name}` holds control characters"), "take them out");
            }
            Some(_) => {}
        }
        text
    }

    fn required(&mut self, table: &mut Entries<'_>, name: &'static str) -> String {
        match table.take(name) {
            Some(value) => self.string(name, value).unwrap_or_default(),
            None => {
                let at = table.at.clone();
                self.problems.add("V1", &at, format!("{} lacks `{name}`", table.what), None);
                String::new()
            }
        }
    }

    fn optional(&mut self, table: &mut Entries<'_>, name: &'static str) -> Option<String> {
        table.take(name).and_then(|value| self.string(name, value))
    }

    fn verdict(&mut self, value: &Value<'_>) -> Option<Verdict> {
        let text = value.get_ref().as_str().unwrap_or_default();
        let verdict = Verdict::find(text);
        if verdict.is_none() {
            let help = did_you_mean(text, Verdict::ALL.map(Verdict::as_str));
            self.problems.add("V1", &value.span(), format!("`{text}` is not a decision"), Some(help));
        }
        verdict
    }

    fn outcome(&mut self, what: &'static str, value: &Value<'_>, decision: &'static str) -> Option<Outcome> {
        let mut table = self.inner(what, value)?;
        let verdict = match table.take(decision) {
            Some(value) => self.verdict(value),
            None => {
                let at = table.at.clone();
                self.problems.add("V1", &at, format!("{what} lacks `{decision}`"), None);
                None
            }
        };
        let reason = self.required(&mut table, "reason");
        let hint = self.optional(&mut table, "hint");
        let queue = self.optional(&mut table, "queue");
        table.finish(self);
        Some(Outcome { verdict: verdict?, reason, hint, queue })
    }

    fn id(&mut self, table: &mut Entries<'_>, taken: impl Fn(&str) -> bool) -> String {
        let at = table.at.clone();
        let id = self.required(table, "id");
        if id == "otherwise" || taken(&id) {
            self.wrong(
                &at,
                format!("the id `{id}` is taken"),
                "every id is different, and `otherwise` is reserved",
            );
        }
        id
    }
}

/// The entries in the order of the file.
fn entries<'a>(what: &'static str, at: Span, table: &'a DeTable<'a>) -> Entries<'a> {
    let mut left: Vec<_> = table.iter().collect();
    left.sort_by_key(|(key, _)| key.span().start);
    Entries { what, at, left, asked: Vec::new() }
}

fn integer(value: &Value<'_>) -> Option<i64> {
    match value.get_ref() {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    }
}

/// How a value that has the wrong type is written for an input: `200` as `"200"`, `true` as `"T"`.
fn spelling(kind: InputKind, value: &Value<'_>) -> Option<String> {
    let number = match value.get_ref() {
        DeValue::Integer(number) => Some(number.as_str()),
        DeValue::Float(number) => Some(number.as_str()),
        _ => None,
    };
    match (kind, value.get_ref()) {
        (InputKind::Code | InputKind::Labels, DeValue::Integer(_)) => {
            number.map(|text| format!("\"{text}\""))
        }
        // The service writes codes without a point.
        (InputKind::Code, DeValue::Float(_)) => {
            let whole = float(value).filter(|number| number.fract() == 0.0 && number.abs() < 1e6)?;
            Some(format!("\"{whole}\""))
        }
        (InputKind::Flag, DeValue::Boolean(true)) => Some("\"T\"".to_owned()),
        (InputKind::Flag, DeValue::Boolean(false)) => Some("\"F\"".to_owned()),
        (InputKind::Score, DeValue::String(text)) => text
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(|_| text.trim().to_owned()),
        _ => None,
    }
}

/// An integer counts as a number, too: people write 75 for 75.0.
fn float(value: &Value<'_>) -> Option<f64> {
    match value.get_ref() {
        DeValue::Float(number) => number.as_str().parse().ok(),
        DeValue::Integer(_) => integer(value).map(|number| number as f64),
        _ => None,
    }
}
