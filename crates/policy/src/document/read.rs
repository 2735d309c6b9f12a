//! Reads a policy file into a [`Document`], and reports unknown keys, duplicate names and wrong types.

use toml::de::{DeTable, DeValue};

use crate::document::condition::decimal_comma;
use crate::document::problem::{FilePart, Hint, ProblemKind, Problems};
use crate::document::reader::{Reader, Scope, integer};
use crate::document::{Document, FORMAT};

/// The longest file that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// Reads a document and adds its problems to `problems`. Returns `None` if the file cannot be read further.
pub(crate) fn document(text: &str, problems: &mut Problems<'_>) -> Option<Document> {
    if text.len() > LONGEST {
        problems.add("V11", &(0..0), ProblemKind::FileTooLong { limit: LONGEST }, None);
        return None;
    }
    let root = match DeTable::parse(text) {
        Ok(root) => root,
        Err(error) => {
            let at = error.span().unwrap_or(0..0);
            let before = text.get(..at.start).unwrap_or_default();
            let line = text.get(before.rfind('\n').map_or(0, |end| end + 1)..).unwrap_or_default();
            let hint = decimal_comma(line.lines().next().unwrap_or_default()).map(Hint::DecimalComma);
            let kind = ProblemKind::InvalidToml { reason: error.message().to_owned() };
            problems.add("V1", &at, kind, hint);
            return None;
        }
    };
    let mut reader = Reader { problems };
    let mut table = reader.table(FilePart::File, &root);
    match table.take("format").map(|value| (integer(value), value.span())) {
        Some((Some(FORMAT), _)) => {}
        Some((found, at)) => {
            let found = found.filter(|found| (0..1000).contains(found));
            let kind = ProblemKind::UnsupportedFormat { found, supported: FORMAT };
            reader.problems.add("V1", &at, kind, None);
            return None;
        }
        None => {
            let hint = Hint::BeginWith(format!("format = {FORMAT}"));
            reader.problems.add("V1", &(0..0), ProblemKind::Missing("`format`"), hint);
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
        let kind = ProblemKind::UnusedThreshold(threshold.name.clone());
        reader.problems.add("V1", &threshold.span, kind, Hint::UseThreshold);
    }
    reader.order(&thresholds, threshold_order);
    for (threshold, used) in thresholds.iter_mut().zip(used) {
        threshold.of = used;
        reader.claim(threshold);
    }
    table.finish(&mut reader);
    let Some(policy) = policy else {
        reader.problems.add("V1", &(0..0), ProblemKind::MissingTable("[policy]"), None);
        return None;
    };
    let mut table = reader.inner("[policy]", policy)?;
    let (otherwise, otherwise_span) = match table.take("otherwise") {
        Some(value) => (reader.outcome("[policy.otherwise]", value, "decision"), value.span()),
        None => {
            let kind = ProblemKind::Missing("[policy.otherwise]");
            reader.problems.add("V1", &policy.span(), kind, Hint::OtherwiseNeeds);
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
                let hint = Hint::WithoutQuotes("2026-01-01T00:00:00+08:00");
                reader.problems.add("V1", &at, ProblemKind::EffectiveWithoutZone, hint);
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
