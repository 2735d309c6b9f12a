//! Reads evidence from the values of a document or a table. Every reader of recorded results uses it, so a value means the same
//! in JSON, CSV, Parquet and a reply. `docs/policy.md` has the grammar as a table.

use std::fmt;

use cloudauth_protocol::grammar;

use crate::evidence::input::Input;
use crate::evidence::{Evidence, Flag};

/// A value of a document or a column. Exhaustive: callers build it.
#[derive(Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Absent, `null`, NULL, or an empty cell.
    Missing,
    /// A string, with its escapes resolved.
    Text(&'a str),
    /// A number: its text, and the nearest double, which is infinite if the number exceeds every double.
    Number(&'a str, f64),
    /// `true` or `false`.
    Truth(bool),
    /// The text of a JSON list.
    List(&'a str),
    /// An object, or another value that no input accepts.
    Other,
}

/// Prints the kind only: the value may be personal data.
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

/// The result of reading a value.
///
/// Exhaustive on purpose: every reader must handle each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueState {
    /// The value is absent, an empty string, or the string `null`.
    Missing,
    /// The value follows the grammar.
    Understood,
    /// The value does not follow the grammar. Every policy treats it as invalid or unknown.
    Malformed,
}

/// The source of evidence. Exhaustive: callers build it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An object or a row with a member or a column for each input.
    Flat,
    /// A reply of `DescribeFaceVerify`.
    Reply,
}

/// A data issue that a reader reports.
///
/// Exhaustive on purpose: every reader must report each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EvidenceIssue {
    /// An input is missing.
    Missing(Input),
    /// An input is malformed and counts as invalid or unknown.
    Malformed(Input),
    /// `passed` holds a SubCode, as in a callback. The value counts as the SubCode, and `passed` counts as invalid.
    SubCodeInPassed,
}

/// `true` and `false` as strings.
const WORDS: [&str; 2] = ["false", "true"];

impl<'a> Value<'a> {
    /// Returns whether the value is missing.
    #[must_use]
    #[inline]
    pub fn is_missing(self) -> bool {
        match self {
            Self::Missing => true,
            Self::Text(text) => grammar::is_missing(text),
            _ => false,
        }
    }

    /// A code: a whole number, see [`grammar::code`]. A malformed code is unknown to every policy.
    #[must_use]
    #[inline]
    pub fn code(self) -> (Option<&'a str>, ValueState) {
        if let Self::Text(written) | Self::Number(written, _) = self
            && let Some(code) = grammar::code(written)
        {
            return (Some(code), ValueState::Understood);
        }
        let malformed = match self {
            _ if self.is_missing() => return (None, ValueState::Missing),
            Self::Text(text) => text,
            Self::Number(written, _) if grammar::is_whole(written) => written,
            Self::Truth(truth) => word(truth),
            _ => grammar::MALFORMED,
        };
        (Some(malformed), ValueState::Malformed)
    }

    /// A flag: `T` or `F`. In the `MaterialInfo` of a reply `true` and `false` too, as strings and as booleans.
    #[must_use]
    #[inline]
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

    /// A score: a finite number, or a string that is one, see [`grammar::score`].
    #[must_use]
    #[inline]
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

    /// Adds the labels of a list, see [`grammar::labels_of_text`]. A malformed list is a label that is unknown to every policy.
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

    /// The SubCode in `passed` of a callback: three digits, also with a fraction of zeros.
    #[must_use]
    pub fn sub_code_in_passed(self) -> Option<&'a str> {
        match self {
            Self::Text(written) | Self::Number(written, _) => {
                let code = grammar::code(written).unwrap_or(written);
                Some(code).filter(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()))
            }
            _ => None,
        }
    }
}

const fn word(truth: bool) -> &'static str {
    if truth { WORDS[1] } else { WORDS[0] }
}

impl<'a> Evidence<'a> {
    /// Reads the evidence of one verification. It clears `labels` and stores the labels of `device_risk` there, and calls
    /// `report` for each input that is missing or malformed.
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
        let may_be_callback = form == Form::Flat && sub_code.is_none();
        let in_passed = if may_be_callback { passed.sub_code_in_passed() } else { None };
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
                // A missing list is an empty list.
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
