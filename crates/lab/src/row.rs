//! A row of the data: what is known of one verification, and what somebody found out about it later.

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
mod tests;

use cloudauth_policy::{Evidence, Flag, Input};
use cloudauth_protocol::FaceVerifyResult;

use crate::mapping::{Mapping, Of, Shape};
use crate::notes::{Notes, Point, What};
use crate::time::day;

/// Where what stands in a row: the inputs come first.
pub(crate) mod slot {
    pub(crate) const LABEL: usize = cloudauth_policy::Input::ALL.len();
    pub(crate) const ATTACK: usize = LABEL + 1;
    pub(crate) const TIME: usize = LABEL + 2;
    pub(crate) const SUBJECT: usize = LABEL + 3;
    pub(crate) const ID: usize = LABEL + 4;
    /// The answer's `ResultObject`.
    pub(crate) const RESULT: usize = LABEL + 5;
    pub(crate) const SEGMENTS: usize = LABEL + 6;
}

/// What stands in a slot, in whatever format.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Missing,
    Text(&'a str),
    /// As it is written.
    Number(&'a str, f64),
    Truth(bool),
    Object,
    Other,
    /// A day since 1970, of a column of dates or times.
    #[cfg(feature = "parquet")]
    Day(i32),
}

impl<'a> Cell<'a> {
    /// A text, or the text of a whole number or a truth value; what says nothing is missing.
    pub(crate) fn filled(self) -> Option<&'a str> {
        let text = match self {
            Self::Text(text) => text,
            Self::Number(text, _) if is_whole(text) => text,
            Self::Truth(true) => "true",
            Self::Truth(false) => "false",
            _ => return None,
        };
        Some(text).filter(|text| !matches!(*text, "" | "null"))
    }

    /// Nothing at all, by the service's way to say so.
    fn is_missing(self) -> bool {
        matches!(self, Self::Missing | Self::Text("" | "null"))
    }
}

/// Whether a number is what JSON readers keep whole.
fn is_whole(number: &str) -> bool {
    number != "-0" && (number.parse::<u64>().is_ok() || number.parse::<i64>().is_ok())
}

/// Who it was, where somebody found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Label {
    /// Who they said they were.
    Genuine,
    /// Somebody else, or an attack.
    Impostor,
    /// Nobody has found out.
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

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) evidence: Evidence<'a>,
    pub(crate) label: Label,
    /// The kind of the attack, where it was one.
    pub(crate) attack: Option<&'a str>,
    /// Days since 1970.
    pub(crate) day: Option<i32>,
    pub(crate) subject: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
}

/// Makes rows of slots, as the mapping says.
#[derive(Debug)]
pub(crate) struct Rows<'m> {
    mapping: &'m Mapping,
    /// What was wrong with the last one, and with those before.
    pub(crate) notes: Notes,
    risks: Vec<Box<str>>,
    /// Which inputs a policy speaks of: what else is missing is missed by nobody.
    asked: [bool; Input::ALL.len()],
    /// What the mapping says of an input beside where it stands.
    says: [Option<&'m Of>; Input::ALL.len()],
    /// Whether anybody wants to know whose a row is, and what it is called.
    names: bool,
}

impl<'m> Rows<'m> {
    pub(crate) fn new(mapping: &'m Mapping, asked: impl Fn(Input) -> bool) -> Self {
        let asked = Input::ALL.map(asked);
        let says = Input::ALL.map(|input| mapping.inputs.get(&input));
        Self { mapping, notes: Notes::default(), risks: Vec::new(), asked, says, names: true }
    }

    /// Leaves ids and subjects alone.
    pub(crate) const fn without_names(mut self) -> Self {
        self.names = false;
        self
    }

    /// A row; `None` if it is one on which there is nothing to decide.
    pub(crate) fn row<'a>(&'a mut self, at: Point, cell: impl Fn(usize) -> Cell<'a>) -> Option<Row<'a>> {
        let Self { mapping, notes, risks, asked, says, names } = self;
        let name = |slot| if *names { cell(slot).filled() } else { None };
        let is_reply = mapping.shape == Shape::Reply;
        if is_reply {
            let what = match cell(Input::Code as usize).filled() {
                Some("200") if cell(slot::RESULT) == Cell::Object => None,
                Some("200") => Some(What::NoResult),
                Some("403" | "424") => Some(What::Pending),
                Some(_) => Some(What::Refused),
                None => Some(What::NoCode),
            };
            if let Some(what) = what {
                notes.add(what, at);
                return None;
            }
        }
        let (label, attack) = label(mapping, notes, at, &cell);
        let day = Self::day(cell(slot::TIME)).unwrap_or_else(|| note(notes, What::Time, at));
        let mut reader = Reader { says, notes, at, is_reply, asked };
        let mut evidence = Evidence::default();
        evidence.code = reader.code(Input::Code, cell(Input::Code as usize));
        evidence.sub_code = reader.code(Input::SubCode, cell(Input::SubCode as usize));
        let passed = cell(Input::Passed as usize);
        if let (None, false, Cell::Text(text)) = (evidence.sub_code, is_reply, as_text(passed))
            && three_digits(text).is_some()
        {
            // As the callback has it: `passed` carries the SubCode, and whether anybody passed is not said.
            reader.notes.add(What::Callback, at);
            evidence.sub_code = Some(text);
        } else {
            evidence.passed = reader.flag(Input::Passed, passed);
        }
        evidence.face_attack = reader.flag(Input::FaceAttack, cell(Input::FaceAttack as usize));
        evidence.face_occlusion = reader.flag(Input::FaceOcclusion, cell(Input::FaceOcclusion as usize));
        evidence.verify_score = reader.score(Input::VerifyScore, cell(Input::VerifyScore as usize));
        evidence.quality_score = reader.score(Input::QualityScore, cell(Input::QualityScore as usize));
        evidence.face_attack_score =
            reader.score(Input::FaceAttackScore, cell(Input::FaceAttackScore as usize));
        risks.clear();
        reader.risks(cell(Input::DeviceRisk as usize), risks);
        evidence.device_risk = risks;
        Some(Row { evidence, label, attack, day, subject: name(slot::SUBJECT), id: name(slot::ID) })
    }
}

/// What is known of a text in a column, whatever else stands in its row.
#[cfg(feature = "parquet")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// What a policy sees: the code, or `T`, or `F`.
    pub(crate) text: Option<&'a str>,
    pub(crate) is_missing: bool,
    /// Whether there is something to tell of it, or more to be looked at.
    pub(crate) is_odd: bool,
}

impl Rows<'_> {
    /// The day of a time, if there is one; `None` if it is no time.
    #[inline]
    pub(crate) fn day(time: Cell<'_>) -> Option<Option<i32>> {
        match time {
            time if time.is_missing() => Some(None),
            Cell::Text(text) => day(text).map(Some),
            Cell::Number(_, seconds) => crate::time::day_of_number(seconds).map(Some),
            #[cfg(feature = "parquet")]
            Cell::Day(day) => Some(Some(day)),
            _ => None,
        }
    }

    /// A code or a flag, by itself.
    #[cfg(feature = "parquet")]
    pub(crate) fn entry<'a>(&'a self, input: Input, cell: Cell<'a>) -> Entry<'a> {
        let (mut notes, at) = (Notes::default(), Point { source: 0, line: 0 });
        let Self { says, asked, .. } = self;
        let mut reader = Reader { says, notes: &mut notes, at, is_reply: false, asked };
        let text = if input.kind() == cloudauth_policy::InputKind::Code {
            match reader.says(input) {
                Some(Of::Value(constant)) => Some(&*constant.value),
                _ => {
                    reader.code(input, cell);
                    cell.filled()
                }
            }
        } else {
            match reader.flag(input, cell) {
                Flag::True => Some("T"),
                Flag::False => Some("F"),
                Flag::Invalid => None,
            }
        };
        let is_callback = input == Input::Passed
            && matches!(as_text(cell), Cell::Text(text) if three_digits(text).is_some());
        Entry { text, is_missing: notes.misses(), is_odd: notes.tells() || is_callback }
    }

    /// A label by itself; `None` if the mapping does not name it.
    #[cfg(feature = "parquet")]
    pub(crate) fn label(&self, cell: Cell<'_>) -> Option<Label> {
        let (mut notes, at) = (Notes::default(), Point { source: 0, line: 0 });
        let of = |number| if number == slot::LABEL { cell } else { Cell::Missing };
        let (label, _) = label(self.mapping, &mut notes, at, &of);
        (!notes.tells()).then_some(label)
    }
}

fn note<T>(notes: &mut Notes, what: What, at: Point) -> Option<T> {
    notes.add(what, at);
    None
}

const fn as_text(cell: Cell<'_>) -> Cell<'_> {
    match cell {
        Cell::Number(text, _) => Cell::Text(text),
        cell => cell,
    }
}

/// The number of what looks like one of the service's codes: three digits.
pub(crate) fn three_digits(text: &str) -> Option<u16> {
    let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] = text.as_bytes() else { return None };
    Some(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'))
}

fn label<'a>(
    mapping: &Mapping,
    notes: &mut Notes,
    at: Point,
    cell: &impl Fn(usize) -> Cell<'a>,
) -> (Label, Option<&'a str>) {
    let attack = cell(slot::ATTACK).filled();
    let label = match cell(slot::LABEL) {
        label if label.is_missing() => Label::Unlabelled,
        label => match label.filled() {
            Some(word) if mapping.label.genuine.iter().any(|other| other == word) => Label::Genuine,
            Some(word) if mapping.label.impostor.iter().any(|other| other == word) => Label::Impostor,
            _ => {
                notes.add(What::Label, at);
                Label::Unlabelled
            }
        },
    };
    match (label, attack) {
        // Whoever attacks is not who they say they are.
        (Label::Unlabelled, Some(_)) => (Label::Impostor, attack),
        (Label::Genuine, Some(_)) => {
            notes.add(What::GenuineAttack, at);
            (Label::Unlabelled, None)
        }
        other => other,
    }
}

struct Reader<'r, 'm> {
    says: &'r [Option<&'m Of>; Input::ALL.len()],
    notes: &'r mut Notes,
    at: Point,
    is_reply: bool,
    asked: &'r [bool; Input::ALL.len()],
}

impl<'m> Reader<'_, 'm> {
    fn says(&self, input: Input) -> Option<&'m Of> {
        self.says.get(input as usize).copied().flatten()
    }

    fn code<'a>(&mut self, input: Input, cell: Cell<'a>) -> Option<&'a str>
    where
        'm: 'a,
    {
        if let Some(Of::Value(constant)) = self.says(input) {
            return Some(&constant.value);
        }
        let text = cell.filled();
        if text.is_none() {
            self.missing(input, cell);
        }
        text
    }

    fn flag(&mut self, input: Input, cell: Cell<'_>) -> Flag {
        let flag = match (self.says(input), cell.filled()) {
            (Some(Of::Words(words)), Some(text)) => {
                if words.yes.iter().any(|word| word == text) {
                    Flag::True
                } else if words.no.iter().any(|word| word == text) {
                    Flag::False
                } else {
                    Flag::Invalid
                }
            }
            // The flags of MaterialInfo come as truth values too.
            (_, Some("true")) if self.is_reply && input != Input::Passed => Flag::True,
            (_, Some("false")) if self.is_reply && input != Input::Passed => Flag::False,
            (_, Some(text)) => Flag::from_wire(text),
            (_, None) => Flag::Invalid,
        };
        if flag == Flag::Invalid {
            self.missing(input, cell);
        }
        flag
    }

    fn score(&mut self, input: Input, cell: Cell<'_>) -> Option<f64> {
        let score = match cell {
            Cell::Number(_, number) => Some(number),
            Cell::Text(text) => text.parse::<f64>().ok().filter(|number| number.is_finite()),
            _ => None,
        };
        if score.is_none() {
            self.missing(input, cell);
        }
        score
    }

    /// What is there and is no list of labels is a label itself that nobody knows: it must not be taken for "none".
    fn risks(&mut self, cell: Cell<'_>, risks: &mut Vec<Box<str>>) {
        match cell {
            Cell::Missing => {}
            Cell::Text(_) | Cell::Truth(_) => {
                let labels = cell.filled().into_iter().flat_map(|list| list.split(','));
                risks.extend(labels.map(str::trim).filter(|label| !label.is_empty()).map(Into::into));
            }
            Cell::Number(text, _) if is_whole(text) => risks.push(text.into()),
            _ => {
                self.notes.add(What::NotUnderstood(Input::DeviceRisk), self.at);
                risks.push(FaceVerifyResult::MALFORMED_RISK.into());
            }
        }
    }

    fn missing(&mut self, input: Input, cell: Cell<'_>) {
        if !self.asked.get(input as usize).copied().unwrap_or_default() {
            return;
        }
        if cell.is_missing() {
            self.notes.add_missing(input, 1);
        } else {
            self.notes.add(What::NotUnderstood(input), self.at);
        }
    }
}
