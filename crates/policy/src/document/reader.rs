//! Reads tables and values of a TOML file, and reports each problem with its location.

use std::borrow::Cow;
use std::ops::Range;

use cloudauth_protocol::{mask_digits, plain_name};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::document::problem::{FilePart, Hint, ProblemKind, Problems};
use crate::document::verdict::Verdict;
use crate::document::{DeclaredInput, Outcome, Span, Threshold};
use crate::evidence::input::{Input, InputKind};
use crate::suggest::did_you_mean;

/// The most values, promises or examples in a list.
const MOST: usize = 1000;

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// The names that conditions may use.
pub(super) struct Scope<'a> {
    pub(super) inputs: &'a [DeclaredInput],
    pub(super) thresholds: &'a [Threshold],
    pub(super) used: &'a mut [Option<Input>],
}

/// The entries of a table. `take` removes one by name; `finish` reports those that are left.
pub(super) struct Entries<'a> {
    pub(super) what: FilePart,
    pub(super) at: Span,
    pub(super) left: Vec<(&'a Spanned<Cow<'a, str>>, &'a Value<'a>)>,
    pub(super) asked: Vec<&'static str>,
}

impl<'a> Entries<'a> {
    pub(super) fn take(&mut self, name: &'static str) -> Option<&'a Value<'a>> {
        self.asked.push(name);
        let at = self.left.iter().position(|(key, _)| key.get_ref() == name)?;
        Some(self.left.remove(at).1)
    }

    pub(super) fn finish(self, reader: &mut Reader<'_, '_>) {
        for (key, _) in self.left {
            let hint = Hint::Suggestion(did_you_mean(key.get_ref(), self.asked.clone()));
            let kind = ProblemKind::UnknownKey { key: shown(key.get_ref()), part: self.what };
            reader.problems.add("V1", &key.span(), kind, hint);
        }
    }
}

pub(super) struct Reader<'p, 't> {
    pub(super) problems: &'p mut Problems<'t>,
}

impl Reader<'_, '_> {
    pub(super) fn wrong(&mut self, at: &Range<usize>, kind: ProblemKind, hint: impl Into<Option<Hint>>) {
        self.problems.add("V1", at, kind, hint);
    }

    pub(super) fn table<'a>(&mut self, what: FilePart, table: &'a Spanned<DeTable<'a>>) -> Entries<'a> {
        entries(what, table.span(), table.get_ref())
    }

    pub(super) fn inner<'a>(
        &mut self,
        what: impl Into<FilePart>,
        value: &'a Value<'a>,
    ) -> Option<Entries<'a>> {
        let what = what.into();
        match value.get_ref() {
            DeValue::Table(table) => Some(entries(what, value.span(), table)),
            _ => {
                self.wrong(&value.span(), ProblemKind::NotATable(what), Hint::AsTable);
                None
            }
        }
    }

    pub(super) fn list<'a>(
        &mut self,
        what: &'static str,
        value: Option<&'a Value<'a>>,
    ) -> Vec<&'a Value<'a>> {
        match value.map(|value| (value.get_ref(), value.span())) {
            Some((DeValue::Array(list), at)) => {
                if list.len() > MOST {
                    let kind = ProblemKind::TooManyEntries { list: what, limit: MOST };
                    self.problems.add("V11", &at, kind, None);
                }
                list.iter().take(MOST).collect()
            }
            Some((_, at)) => {
                self.wrong(&at, ProblemKind::NotAList(what), Hint::TwoBrackets);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    pub(super) fn string(&mut self, name: &str, value: &Value<'_>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned).filter(|text| !text.trim().is_empty());
        match &text {
            None => {
                let hint = spelling(InputKind::Code, value).map_or(Hint::InQuotes, Hint::Write);
                self.wrong(&value.span(), ProblemKind::NotAString(name.to_owned()), hint);
            }
            // Control characters could reach terminals and logs. Line breaks in a description are harmless.
            Some(text) if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) => {
                let kind = ProblemKind::ControlCharacters(name.to_owned());
                self.wrong(&value.span(), kind, Hint::RemoveThem);
            }
            Some(_) => {}
        }
        text
    }

    pub(super) fn required(&mut self, table: &mut Entries<'_>, name: &'static str) -> String {
        match table.take(name) {
            Some(value) => self.string(name, value).unwrap_or_default(),
            None => {
                let at = table.at.clone();
                self.problems.add("V1", &at, ProblemKind::Lacks { part: table.what, key: name }, None);
                String::new()
            }
        }
    }

    pub(super) fn optional(&mut self, table: &mut Entries<'_>, name: &'static str) -> Option<String> {
        table.take(name).and_then(|value| self.string(name, value))
    }

    pub(super) fn verdict(&mut self, value: &Value<'_>) -> Option<Verdict> {
        let text = value.get_ref().as_str().unwrap_or_default();
        let verdict = Verdict::find(text);
        if verdict.is_none() {
            let hint = Hint::Suggestion(did_you_mean(text, Verdict::ALL.map(Verdict::as_str)));
            self.wrong(&value.span(), ProblemKind::NotADecision, hint);
        }
        verdict
    }

    pub(super) fn outcome(
        &mut self,
        what: &'static str,
        value: &Value<'_>,
        decision: &'static str,
    ) -> Option<Outcome> {
        let mut table = self.inner(what, value)?;
        let verdict = match table.take(decision) {
            Some(value) => self.verdict(value),
            None => {
                let at = table.at.clone();
                self.wrong(&at, ProblemKind::Lacks { part: table.what, key: decision }, None);
                None
            }
        };
        let reason = self.required(&mut table, "reason");
        let hint = self.optional(&mut table, "hint");
        let queue = self.optional(&mut table, "queue");
        table.finish(self);
        Some(Outcome { verdict: verdict?, reason, hint, queue })
    }

    pub(super) fn id(&mut self, table: &mut Entries<'_>, taken: impl Fn(&str) -> bool) -> String {
        let at = table.at.clone();
        let id = self.required(table, "id");
        if id == "otherwise" || taken(&id) {
            self.wrong(&at, ProblemKind::DuplicateId(id.clone()), Hint::OtherId);
        }
        id
    }
}

/// Returns a key or word for a message, if it is an identifier. Any other text is `None`: the file may be the wrong one, with
/// personal data.
pub(super) fn shown(word: &str) -> Option<String> {
    plain_name(word).map(str::to_owned)
}

/// Returns the entries in the order of the file.
pub(super) fn entries<'a>(what: impl Into<FilePart>, at: Span, table: &'a DeTable<'a>) -> Entries<'a> {
    let mut left: Vec<_> = table.iter().collect();
    left.sort_by_key(|(key, _)| key.span().start);
    Entries { what: what.into(), at, left, asked: Vec::new() }
}

pub(super) fn integer(value: &Value<'_>) -> Option<i64> {
    match value.get_ref() {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    }
}

/// Returns the correct spelling of a value that has the wrong type: `"200"` for `200`, `"T"` for `true`.
pub(super) fn spelling(kind: InputKind, value: &Value<'_>) -> Option<String> {
    let number = match value.get_ref() {
        DeValue::Integer(number) => Some(number.as_str()),
        DeValue::Float(number) => Some(number.as_str()),
        _ => None,
    };
    match (kind, value.get_ref()) {
        (InputKind::Code | InputKind::Labels, DeValue::Integer(_)) => {
            number.map(|text| format!("\"{text}\""))
        }
        // The service writes codes without a decimal point.
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
    // A longer number may be a phone or ID number in the wrong file.
    .filter(|text| mask_digits(text) == *text)
}

/// Returns the number of a float or an integer: `75` means `75.0`.
pub(super) fn float(value: &Value<'_>) -> Option<f64> {
    match value.get_ref() {
        DeValue::Float(number) => number.as_str().parse().ok(),
        DeValue::Integer(_) => integer(value).map(|number| number as f64),
        _ => None,
    }
}
