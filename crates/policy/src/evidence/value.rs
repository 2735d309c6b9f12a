//! Reads evidence from the values of a document or a table. Every reader of recorded results goes through it, so that a value
//! means the same in JSON, CSV, Parquet and a reply. `docs/policy.md` has the grammar as a table.

use std::fmt;

use cloudauth_protocol::grammar;

use crate::evidence::input::Input;
use crate::evidence::{Evidence, Flag};

/// A value as a document or a column holds it.
#[derive(Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Absent, `null`, NULL, or an empty cell.
    Missing,
    /// A text, its escapes resolved.
    Text(&'a str),
    /// A number: as it is written, and the nearest double, which is infinite for a number beyond all of them.
    Number(&'a str, f64),
    /// `true` or `false`.
    Truth(bool),
    /// A JSON list, as it is written.
    List(&'a str),
    /// An object, or anything else that no input can be.
    Other,
}

/// The kind of the value only: the value may be anybody's data.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "Missing",
            Self::Text(_) => "Text",
            Self::Number(..) => "Number",
            Self::Truth(_) => "Truth",
            Self::List(_) => "List",
            Self::Other => "Other",
        })
    }
}

/// How a value was understood.
///
/// Exhaustive on purpose: a reader must say what it makes of each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueState {
    /// Nothing was there: the value is missing, an empty text, or the text `null`.
    Missing,
    /// The value is as the grammar has it.
    Understood,
    /// A value is there, but not one of the grammar. It is invalid or unknown to every policy.
    Malformed,
}

/// What evidence is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A member or a column for each input.
    Flat,
    /// A reply of `DescribeFaceVerify`.
    Reply,
}

/// What a reader has to report of the values it read.
///
/// Exhaustive on purpose: nothing may be passed over in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EvidenceIssue {
    /// An input is missing.
    Missing(Input),
    /// An input is malformed: it counts as invalid or unknown.
    Malformed(Input),
    /// `passed` holds a SubCode, as in a callback. It counts as the SubCode, and `passed` as invalid.
    SubCodeInPassed,
}

/// `true` and `false` as texts.
const WORDS: [&str; 2] = ["false", "true"];

impl<'a> Value<'a> {
    /// Whether nothing is there.
    #[must_use]
    pub fn is_missing(self) -> bool {
        match self {
            Self::Missing => true,
            Self::Text(text) => grammar::is_missing(text),
            _ => false,
        }
    }

    /// A code: a whole number, see [`grammar::code`]. A malformed one is a code that no policy knows.
    #[must_use]
    pub fn code(self) -> (Option<&'a str>, ValueState) {
        let malformed = match self {
            _ if self.is_missing() => return (None, ValueState::Missing),
            Self::Text(written) | Self::Number(written, _) if grammar::code(written).is_some() => {
                return (grammar::code(written), ValueState::Understood);
            }
            Self::Text(text) => text,
            Self::Number(written, _) if grammar::is_whole(written) => written,
            Self::Truth(truth) => word(truth),
            _ => grammar::MALFORMED,
        };
        (Some(malformed), ValueState::Malformed)
    }

    /// A flag: `T` or `F`. In the `MaterialInfo` of a reply `true` and `false` too, as texts and as truth values.
    #[must_use]
    pub fn flag(self, input: Input, form: Form) -> (Flag, ValueState) {
        let takes_words = form == Form::Reply && input != Input::Passed;
        let text = match self {
            _ if self.is_missing() => return (Flag::Invalid, ValueState::Missing),
            Self::Text(text) => text,
            Self::Truth(truth) => word(truth),
            _ => return (Flag::Invalid, ValueState::Malformed),
        };
        match text {
            "true" if takes_words => (Flag::True, ValueState::Understood),
            "false" if takes_words => (Flag::False, ValueState::Understood),
            text => match Flag::from_wire(text) {
                Flag::Invalid => (Flag::Invalid, ValueState::Malformed),
                flag => (flag, ValueState::Understood),
            },
        }
    }

    /// A score: a finite number, or a text that is one, see [`grammar::score`].
    #[must_use]
    pub fn score(self) -> (Option<f64>, ValueState) {
        let score = match self {
            Self::Number(_, number) => Some(number).filter(|number| number.is_finite()),
            Self::Text(text) => grammar::score(text),
            _ => None,
        };
        let state = match score {
            Some(_) => ValueState::Understood,
            None if self.is_missing() => ValueState::Missing,
            None => ValueState::Malformed,
        };
        (score, state)
    }

    /// Adds the labels of a list, see [`grammar::labels_of_text`]. A malformed list is a label that no policy knows.
    pub fn labels(self, labels: &mut Vec<Box<str>>) -> ValueState {
        let understood = match self {
            _ if self.is_missing() => return ValueState::Missing,
            Self::Text(text) => grammar::labels_of_text(text, labels),
            Self::List(list) => grammar::labels_of_list(list, labels),
            _ => {
                labels.push(self.code().0.unwrap_or(grammar::MALFORMED).into());
                false
            }
        };
        if understood { ValueState::Understood } else { ValueState::Malformed }
    }

    /// The SubCode that a callback has in `passed`: three digits.
    #[must_use]
    pub fn sub_code_in_passed(self) -> Option<&'a str> {
        match self {
            Self::Text(written) | Self::Number(written, _) => {
                Some(written).filter(|text| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit()))
            }
            _ => None,
        }
    }
}

const fn word(truth: bool) -> &'static str {
    if truth { WORDS[1] } else { WORDS[0] }
}

impl<'a> Evidence<'a> {
    /// Reads the evidence of one verification. `labels` is emptied and takes the labels of `device_risk`; `report` is
    /// called for each input that is missing or malformed.
    ///
    /// ```
    /// use cloudauth_policy::{Evidence, EvidenceIssue, Flag, Form, Input, Value};
    ///
    /// let value = |input| match input {
    ///     Input::SubCode => Value::Number("200", 200.0),
    ///     Input::Passed => Value::Text("T"),
    ///     Input::VerifyScore => Value::Text("88."),
    ///     _ => Value::Missing,
    /// };
    /// let (mut labels, mut malformed) = (Vec::new(), Vec::new());
    /// let evidence = Evidence::read(Form::Flat, value, &mut labels, |issue| {
    ///     malformed.extend(matches!(issue, EvidenceIssue::Malformed(_)).then_some(issue));
    /// });
    /// assert_eq!((evidence.sub_code, evidence.passed), (Some("200"), Flag::True));
    /// assert_eq!(malformed, [EvidenceIssue::Malformed(Input::VerifyScore)]);
    /// ```
    pub fn read(
        form: Form,
        value: impl Fn(Input) -> Value<'a>,
        labels: &'a mut Vec<Box<str>>,
        mut report: impl FnMut(EvidenceIssue),
    ) -> Self {
        let mut note = |input, state| match state {
            ValueState::Missing => report(EvidenceIssue::Missing(input)),
            ValueState::Malformed => report(EvidenceIssue::Malformed(input)),
            ValueState::Understood => {}
        };
        macro_rules! read {
            ($input:ident.$read:ident($($with:expr),*)) => {{
                let (read, state) = value(Input::$input).$read($($with),*);
                note(Input::$input, state);
                read
            }};
        }
        labels.clear();
        let passed = value(Input::Passed);
        let (sub_code, state) = value(Input::SubCode).code();
        note(Input::SubCode, state);
        let in_passed = passed.sub_code_in_passed().filter(|_| form == Form::Flat && sub_code.is_none());
        let evidence = Evidence {
            code: read!(Code.code()),
            sub_code: sub_code.or(in_passed),
            passed: if in_passed.is_none() { read!(Passed.flag(Input::Passed, form)) } else { Flag::Invalid },
            face_attack: read!(FaceAttack.flag(Input::FaceAttack, form)),
            face_occlusion: read!(FaceOcclusion.flag(Input::FaceOcclusion, form)),
            verify_score: read!(VerifyScore.score()),
            quality_score: read!(QualityScore.score()),
            face_attack_score: read!(FaceAttackScore.score()),
            device_risk: {
                // No list is an empty one.
                if value(Input::DeviceRisk).labels(labels) == ValueState::Malformed {
                    note(Input::DeviceRisk, ValueState::Malformed);
                }
                labels
            },
        };
        if in_passed.is_some() {
            report(EvidenceIssue::SubCodeInPassed);
        }
        evidence
    }
}
