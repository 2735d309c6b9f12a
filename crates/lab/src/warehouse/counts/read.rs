//! The lines of a warehouse's counts, as CSV or JSON Lines.

use std::fmt;
use std::io::{BufReader, Read};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{CountsProblem, LabError, LabProblem};
use crate::input::bounded::{Bounded, Quoting, read_line, read_record};
use crate::input::header;
use crate::input::source::{Format, Source};

/// The columns, in any order. Some engines write the names in capitals.
const COLUMNS: [&str; 12] = [
    "part",
    "policy",
    "candidate",
    "rule",
    "candidate_rule",
    "verdict",
    "candidate_verdict",
    "label",
    "name",
    "value",
    "hundredth",
    "row_count",
];

/// One count, and its keys.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) part: String,
    pub(super) policy: String,
    pub(super) candidate: String,
    pub(super) rule: i64,
    pub(super) candidate_rule: i64,
    pub(super) verdict: String,
    pub(super) candidate_verdict: String,
    pub(super) label: String,
    pub(super) name: String,
    pub(super) value: String,
    /// -1 if absent.
    pub(super) hundredth: i64,
    pub(super) rows: u64,
}

/// What is wrong with a line. The reasons of [`CountsProblem::NotOfQuery`] convert into it.
#[derive(Debug)]
pub(super) struct LineProblem(CountsProblem);

impl From<CountsProblem> for LineProblem {
    fn from(problem: CountsProblem) -> Self {
        Self(problem)
    }
}

impl From<String> for LineProblem {
    fn from(reason: String) -> Self {
        Self(CountsProblem::NotOfQuery(reason))
    }
}

impl From<&str> for LineProblem {
    fn from(reason: &str) -> Self {
        reason.to_owned().into()
    }
}

impl Line {
    fn of(fields: [String; 12]) -> Result<Self, LineProblem> {
        let [
            part,
            policy,
            candidate,
            rule,
            candidate_rule,
            verdict,
            candidate_verdict,
            label,
            name,
            value,
            hundredth,
            rows,
        ] = fields;
        let number =
            |text: &str, what: &str| whole(text).ok_or_else(|| format!("has no integer in `{what}`"));
        Ok(Self {
            part,
            policy,
            candidate,
            rule: number(&rule, "rule")?,
            candidate_rule: number(&candidate_rule, "candidate_rule")?,
            verdict,
            candidate_verdict,
            label,
            name,
            value,
            hundredth: number(&hundredth, "hundredth")?,
            rows: whole(&rows)
                .and_then(|rows| u64::try_from(rows).ok())
                .ok_or("has no count in `row_count`")?,
        })
    }

    /// Adds the line to a checksum that does not depend on the order of lines.
    pub(super) fn add_to(&self, sum: &mut [u64; 4]) {
        let digest: [u8; 32] = Sha256::digest(format!("{self:?}")).into();
        let words = digest.chunks_exact(8).filter_map(|word| word.first_chunk());
        for (sum, word) in sum.iter_mut().zip(words) {
            *sum = sum.wrapping_add(u64::from_be_bytes(*word));
        }
    }
}

/// The largest integer below which a double holds every integer.
pub(super) const MOST_EXACT: u64 = 1 << 53;

/// Parses an integer, also `5.0`: some tools keep integers as doubles.
fn whole(text: &str) -> Option<i64> {
    let Some((integer, zeros)) = text.split_once('.') else { return text.parse().ok() };
    let is_exact = |number: &i64| number.unsigned_abs() <= MOST_EXACT;
    let is_integral = !zeros.is_empty() && zeros.bytes().all(|digit| digit == b'0');
    is_integral.then(|| integer.parse().ok().filter(is_exact)).flatten()
}

/// Visits every line of a file in order. A file that changes while it is read is an error, because its counts would not add up.
pub(super) fn lines(
    source: &Source,
    each: &mut dyn FnMut(&Line) -> Result<(), LineProblem>,
) -> Result<(), LabError> {
    read(source, each)?;
    if source.has_changed() {
        return Err(LabProblem::Changed(source.path().to_owned()).into_error());
    }
    Ok(())
}

fn read(source: &Source, each: &mut dyn FnMut(&Line) -> Result<(), LineProblem>) -> Result<(), LabError> {
    let path = source.path();
    let ignore = |_| {};
    let mut reader = source.open(&ignore).map_err(|error| LabError::file(path, error))?;
    let wrong = |line: u64, LineProblem(problem): LineProblem| {
        LabProblem::CountsLine(path.to_owned(), line, problem).into_error()
    };
    match source.format {
        Format::Json => {
            let (mut reader, mut line) = (BufReader::new(reader), Vec::new());
            for number in 1.. {
                if !read_line(&mut reader, number, &mut line).map_err(|error| LabError::file(path, error))? {
                    break;
                }
                if !line.trim_ascii().is_empty() {
                    let line = of_json(&line).and_then(Line::of).map_err(|what| wrong(number, what))?;
                    each(&line).map_err(|what| wrong(number, what))?;
                }
            }
            Ok(())
        }
        Format::Csv(delimiter) => {
            let head = header::read(&mut reader).map_err(|error| LabError::file(path, error))?;
            let delimiter = header::delimiter(&head, delimiter, &COLUMNS);
            let mut csv = csv::ReaderBuilder::new()
                .delimiter(delimiter)
                .from_reader(Bounded::new(std::io::Cursor::new(head).chain(reader), delimiter));
            let no_csv = |error: csv::Error| {
                let line = error.position().map_or(1, csv::Position::line);
                match error.into_kind() {
                    csv::ErrorKind::Io(error) => LabError::file(path, error),
                    _ => wrong(line, "is not CSV with a header and as many fields in each line".into()),
                }
            };
            let header = csv.headers().map_err(no_csv)?.clone();
            let mut columns = [0; COLUMNS.len()];
            for (name, column) in COLUMNS.iter().zip(&mut columns) {
                // Some tools write a byte order mark before the first name.
                let is_it = |other: &str| other.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name);
                let mut found = header.iter().enumerate().filter(|(_, other)| is_it(other));
                *column = match (found.next(), found.next()) {
                    (Some((at, _)), None) => at,
                    (None, _) => return Err(wrong(1, format!("there is no column `{name}`").into())),
                    (Some(_), Some(_)) => {
                        return Err(wrong(1, format!("there are two columns `{name}`").into()));
                    }
                };
            }
            let mut record = csv::ByteRecord::new();
            while let Some(quoting) = read_record(&mut csv, &mut record).map_err(no_csv)? {
                let number = record.position().map_or(0, csv::Position::line);
                // The first record also answers for the header.
                if quoting == Quoting::Malformed {
                    return Err(wrong(number, "has text after a closing quote".into()));
                }
                let field = |column| record.get(column).unwrap_or_default();
                let fields = columns.map(|column| String::from_utf8_lossy(field(column)).into_owned());
                let line = Line::of(fields).map_err(|what| wrong(number, what))?;
                each(&line).map_err(|what| wrong(number, what))?;
            }
            Ok(())
        }
        Format::Parquet => Err(LabProblem::NotCounts(path.to_owned()).into_error()),
    }
}

fn of_json(line: &[u8]) -> Result<[String; 12], LineProblem> {
    let Ok(Members(members)) = serde_json::from_slice(line) else {
        return Err("is not a JSON object".into());
    };
    let mut fields: [String; 12] = Default::default();
    for (name, field) in COLUMNS.iter().zip(&mut fields) {
        let mut found = members.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        *field = match found.next().map(|(_, value)| value) {
            Some(_) if found.next().is_some() => return Err(format!("has `{name}` twice").into()),
            Some(Value::String(text)) => text.clone(),
            // Some tools write large numbers as strings.
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(format!("has neither a string nor a number in `{name}`").into()),
            None => return Err(format!("has no `{name}`").into()),
        };
    }
    Ok(fields)
}

/// The members of a JSON object, duplicates included.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Collector;
        impl<'de> Visitor<'de> for Collector {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Collector)
    }
}
