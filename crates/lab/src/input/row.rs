//! A row of the data: the evidence of one verification, and its label.

#[cfg(test)]
mod tests;

use cloudauth_policy::{Evidence, EvidenceIssue, Form, Input, Value, ValueState};
use cloudauth_protocol::grammar;

use crate::input::mapping::{Mapping, Of, Shape};
use crate::input::time::KnownDays;
use crate::tally::issues::{IssueKind, Issues, RowLocation};

/// The slots of a row. The inputs come first: codes and flags, then scores, then labels of a device.
pub(crate) mod slot {
    /// The number of inputs that are codes or flags, too.
    pub(crate) const FIRST_SCORE: usize = cloudauth_policy::Input::VerifyScore as usize;
    pub(crate) const LABEL: usize = cloudauth_policy::Input::ALL.len();
    pub(crate) const ATTACK: usize = LABEL + 1;
    pub(crate) const TIME: usize = LABEL + 2;
    pub(crate) const SUBJECT: usize = LABEL + 3;
    pub(crate) const ID: usize = LABEL + 4;
    /// The response's `ResultObject`.
    pub(crate) const RESULT: usize = LABEL + 5;
    /// The score of a second matcher.
    pub(crate) const SECOND_SCORE: usize = LABEL + 6;
    pub(crate) const SEGMENTS: usize = LABEL + 7;
}

/// The value of a slot, in any format.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Missing,
    Text(&'a str),
    /// The number as written, and the nearest double; infinite if out of range.
    Number(&'a str, f64),
    Truth(bool),
    /// A JSON list, as written.
    List(&'a str),
    Object,
    Other,
    /// A day since 1970, from a column of dates or timestamps.
    #[cfg(feature = "parquet")]
    Day(i32),
}

/// The maximum length of a key, in bytes. Counts keep each key once, and a cell can be as long as a line.
pub(crate) const LONGEST_KEY: usize = 1024;

/// A cell that cannot be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotKey;

impl<'a> Cell<'a> {
    /// Returns a string, or the text of an integer or boolean. An empty string and `null` are missing.
    pub(crate) fn filled(self) -> Option<&'a str> {
        let text = match self {
            Self::Text(text) => text,
            Self::Number(written, _) => integer(written)?,
            Self::Truth(true) => "true",
            Self::Truth(false) => "false",
            _ => return None,
        };
        Some(text).filter(|text| !grammar::is_missing(text))
    }

    /// Returns the cell as a key: a kind of attack, a subject, an id, or a segment's value.
    ///
    /// # Errors
    /// If the value has no text, or is longer than [`LONGEST_KEY`].
    pub(crate) fn key(self) -> Result<Option<&'a str>, NotKey> {
        match self.filled() {
            Some(text) if text.len() <= LONGEST_KEY => Ok(Some(text)),
            None if self.is_missing() => Ok(None),
            _ => Err(NotKey),
        }
    }

    /// Returns the cell as a score; `None` if it is missing or malformed.
    #[inline]
    pub(crate) fn score(self) -> Option<f64> {
        self.value().score().0
    }

    /// Returns whether it is missing, also in the service's notation.
    fn is_missing(self) -> bool {
        self.value().is_missing()
    }

    /// Converts the cell for the reader of evidence.
    const fn value(self) -> Value<'a> {
        match self {
            Self::Missing => Value::Missing,
            Self::Text(text) => Value::Text(text),
            Self::Number(text, number) => Value::Number(text, number),
            Self::Truth(truth) => Value::Truth(truth),
            Self::List(list) => Value::List(list),
            Self::Object | Self::Other => Value::Other,
            #[cfg(feature = "parquet")]
            Self::Day(_) => Value::Other,
        }
    }
}

/// Returns the text of a number that is an integer. A double is shown with zeros after its point, and is exact up to 15 digits.
fn integer(written: &str) -> Option<&str> {
    let digits = written.strip_prefix('-').unwrap_or(written);
    let integer = if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        written
    } else {
        let length = grammar::code(digits)?.len() + written.len() - digits.len();
        written.get(..length)?
    };
    Some(integer).filter(|integer| *integer != "-0")
}

/// The label of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Label {
    /// The person is who they claim to be.
    Genuine,
    /// Another person, or an attack.
    Impostor,
    /// No label.
    Unlabelled,
}

impl Label {
    pub(crate) const ALL: [Self; 3] = [Self::Genuine, Self::Impostor, Self::Unlabelled];

    pub(crate) const fn number(self) -> usize {
        match self {
            Self::Genuine => 0,
            Self::Impostor => 1,
            Self::Unlabelled => 2,
        }
    }
}

/// A row.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) evidence: Evidence<'a>,
    pub(crate) label: Label,
    /// The kind of attack, if the row is labelled as one.
    pub(crate) attack: Option<&'a str>,
    /// Days since 1970.
    pub(crate) day: Option<i32>,
    pub(crate) subject: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    /// The score of a second matcher, if the run compares both.
    pub(crate) second_score: Option<f64>,
}

/// Reads rows from slots, as the mapping says.
#[derive(Debug)]
pub(crate) struct RowReader<'m> {
    mapping: &'m Mapping,
    /// The data issues of all rows so far.
    pub(crate) issues: Issues,
    risks: Vec<Box<str>>,
    /// The inputs that a policy reads. A missing input that no policy reads is not an issue.
    asked: [bool; Input::ALL.len()],
    /// The words and constants of the mapping for each input.
    says: [Option<&'m Of>; Input::ALL.len()],
    /// Whether subjects and ids are needed.
    names: [bool; 2],
    /// Whether the score of a second matcher is needed.
    reads_second_score: bool,
    /// The days of times.
    pub(crate) days: KnownDays,
}

impl<'m> RowReader<'m> {
    pub(crate) fn new(mapping: &'m Mapping, asked: impl Fn(Input) -> bool) -> Self {
        let asked = Input::ALL.map(asked);
        let says = Input::ALL.map(|input| mapping.inputs.get(&input));
        let days = KnownDays::new(mapping.timezone.minutes());
        let (issues, risks, names) = (Issues::default(), Vec::new(), [true; 2]);
        Self { mapping, issues, risks, asked, says, names, reads_second_score: false, days }
    }

    /// Returns whether a policy reads an input.
    pub(crate) fn asks(&self, input: Input) -> bool {
        asks(&self.asked, input)
    }

    /// Reads subjects and ids only if they are needed.
    pub(crate) const fn naming(mut self, subjects: bool, ids: bool) -> Self {
        self.names = [subjects, ids];
        self
    }

    /// Reads the score of a second matcher.
    pub(crate) const fn reading_second_score(mut self, is_wanted: bool) -> Self {
        self.reads_second_score = is_wanted;
        self
    }

    const fn form(&self) -> Form {
        match self.mapping.shape {
            Shape::Flat => Form::Flat,
            Shape::Reply => Form::Reply,
        }
    }

    /// Reads a row; `None` if there is nothing to decide.
    pub(crate) fn row<'a, 'c: 'a>(
        &'a mut self,
        at: RowLocation,
        cell: impl Fn(usize) -> Cell<'c>,
    ) -> Option<Row<'a>> {
        let form = self.form();
        let Self { mapping, issues, risks, asked, says, names, reads_second_score, days } = self;
        let is_reply = mapping.shape == Shape::Reply;
        if is_reply {
            let kind = match cell(Input::Code as usize).value().code().0 {
                Some("200") if cell(slot::RESULT) == Cell::Object => None,
                Some("200") => Some(IssueKind::NoResult),
                Some("403" | "424") => Some(IssueKind::Pending),
                Some(_) => Some(IssueKind::Refused),
                None => Some(IssueKind::NoCode),
            };
            if let Some(kind) = kind {
                issues.add(kind, at);
                return None;
            }
        }
        let (label, attack) = label(mapping, issues, at, &cell);
        for number in 0..mapping.segments.len() {
            if cell(slot::SEGMENTS + number).key().is_err() {
                issues.add(IssueKind::Segment(number), at);
            }
        }
        let mut name = |is_wanted: bool, slot, kind| {
            let key = if is_wanted { cell(slot).key() } else { Ok(None) };
            key.unwrap_or_else(|NotKey| add_issue(issues, kind, at))
        };
        let [subjects, ids] = *names;
        let subject = name(subjects, slot::SUBJECT, IssueKind::Subject);
        let id = name(ids, slot::ID, IssueKind::Id);
        let day = days.of(cell(slot::TIME)).unwrap_or_else(|| add_issue(issues, IssueKind::Time, at));
        let second_score = reads_second_score.then(|| cell(slot::SECOND_SCORE).value().score());
        let second_score = match second_score {
            Some((_, ValueState::Malformed)) => add_issue(issues, IssueKind::SecondScore, at),
            second_score => second_score.and_then(|(score, _)| score),
        };
        let value = |input: Input| {
            let says = says.get(input as usize).copied().flatten();
            mapped(says, cell(input as usize))
        };
        let is_asked = |input: Input| asks(asked, input);
        let evidence = Evidence::read(form, value, risks, |issue| match issue {
            EvidenceIssue::Missing(input) if is_asked(input) => issues.add_missing(input, 1),
            EvidenceIssue::Malformed(input) if is_asked(input) || input == Input::DeviceRisk => {
                issues.add(IssueKind::NotUnderstood(input), at);
            }
            EvidenceIssue::SubCodeInPassed => issues.add(IssueKind::Callback, at),
            EvidenceIssue::Missing(_) | EvidenceIssue::Malformed(_) => {}
        });
        Some(Row { evidence, label, attack, day, subject, id, second_score })
    }
}

fn asks(asked: &[bool; Input::ALL.len()], input: Input) -> bool {
    asked.get(input as usize).copied().unwrap_or_default()
}

impl KnownDays {
    /// Returns the day of a cell, if it has a time; `None` if the time is invalid.
    #[inline]
    pub(crate) fn of(&mut self, time: Cell<'_>) -> Option<Option<i32>> {
        match time {
            time if time.is_missing() => Some(None),
            Cell::Text(text) => self.day(text).map(Some),
            Cell::Number(written, number) => self.day_of_number(written, number).map(Some),
            #[cfg(feature = "parquet")]
            Cell::Day(day) => Some(Some(day)),
            _ => None,
        }
    }
}

/// Returns the value of an input, translated by the words of the mapping.
fn mapped<'a>(says: Option<&'a Of>, cell: Cell<'a>) -> Value<'a> {
    match says {
        Some(Of::Value(constant)) => Value::Text(&constant.value),
        Some(Of::Words(words)) => match (cell.filled(), cell) {
            (Some(text), _) if words.yes.iter().any(|word| word == text) => Value::Text("T"),
            (Some(text), _) if words.no.iter().any(|word| word == text) => Value::Text("F"),
            // These strings are flags only if the mapping says so.
            (Some("T" | "F"), _) => Value::Other,
            (Some(text), Cell::Number(_, number)) => Value::Number(text, number),
            _ => cell.value(),
        },
        _ => cell.value(),
    }
}

/// The meaning of a string in a column, independent of the rest of its row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// What a policy reads: the code, or `T`, or `F`.
    pub(crate) text: Option<&'a str>,
    pub(crate) is_missing: bool,
    /// Whether it is a data issue, or needs the whole row.
    pub(crate) is_odd: bool,
}

impl RowReader<'_> {
    /// Reads a code or a flag on its own.
    pub(crate) fn entry<'a>(&'a self, input: Input, cell: Cell<'a>) -> Entry<'a> {
        let value = mapped(self.says.get(input as usize).copied().flatten(), cell);
        let is_asked = self.asks(input);
        let (text, state) = if input.kind() == cloudauth_policy::InputKind::Code {
            value.code()
        } else {
            let (flag, state) = value.flag(input, self.form());
            (flag.as_wire(), state)
        };
        Entry {
            text,
            is_missing: is_asked && state == ValueState::Missing,
            is_odd: is_asked && state == ValueState::Malformed
                || input == Input::Passed && value.sub_code_in_passed().is_some(),
        }
    }

    /// Reads a label on its own; `None` if the mapping does not name it.
    pub(crate) fn label(&self, cell: Cell<'_>) -> Option<Label> {
        let (mut issues, at) = (Issues::default(), RowLocation { source: 0, line: 0 });
        let of = |number| if number == slot::LABEL { cell } else { Cell::Missing };
        let (label, _) = label(self.mapping, &mut issues, at, &of);
        (!issues.tells()).then_some(label)
    }
}

fn add_issue<T>(issues: &mut Issues, kind: IssueKind, at: RowLocation) -> Option<T> {
    issues.add(kind, at);
    None
}

/// Returns the number of a string that looks like a code of the service: three digits.
pub(crate) fn three_digits(text: &str) -> Option<u16> {
    let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] = text.as_bytes() else { return None };
    Some(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'))
}

fn label<'a>(
    mapping: &Mapping,
    issues: &mut Issues,
    at: RowLocation,
    cell: &impl Fn(usize) -> Cell<'a>,
) -> (Label, Option<&'a str>) {
    let label = match cell(slot::LABEL) {
        label if label.is_missing() => Label::Unlabelled,
        label => match label.filled() {
            Some(word) if mapping.label.genuine.iter().any(|other| other == word) => Label::Genuine,
            Some(word) if mapping.label.impostor.iter().any(|other| other == word) => Label::Impostor,
            _ => {
                issues.add(IssueKind::Label, at);
                Label::Unlabelled
            }
        },
    };
    let Ok(attack) = cell(slot::ATTACK).key() else {
        issues.add(IssueKind::Attack, at);
        return (Label::Unlabelled, None);
    };
    match (label, attack) {
        // An attacker is never genuine.
        (Label::Unlabelled, Some(_)) => (Label::Impostor, attack),
        (Label::Genuine, Some(_)) => {
            issues.add(IssueKind::GenuineAttack, at);
            (Label::Unlabelled, None)
        }
        other => other,
    }
}
