//! The error of a mapping file.

use std::fmt;

use cloudauth_policy::Input;
use cloudauth_protocol::{ParseReason, plain_parse_error};

/// The error of an invalid mapping file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingError(Box<MappingProblem>);

/// What is wrong with a mapping file. Exhaustive on purpose: a program that explains it in another language must handle every
/// problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappingProblem {
    /// The file has more than this number of bytes.
    TooLong(usize),
    /// The file is invalid TOML, or has an unknown key or a value of a wrong type: the line, the column and the reason.
    Invalid(usize, usize, ParseReason),
    /// The format is unknown: the one found, and the supported one.
    UnknownFormat(u32, u32),
    /// The inputs of a raw response have fixed places.
    InputsOfReply,
    /// `reply` is for raw responses only.
    ReplyOfFlat,
    /// There are too many segments: the number, and the limit.
    TooManySegments(usize, usize),
    /// The input is not a flag, so it has no words for true and false.
    NotAFlag(Input),
    /// A word stands for both true and false of an input.
    WordOfBoth(Input),
    /// The input cannot be the same in every row.
    NotAConstant(Input),
    /// The constant of an input is not a code.
    NotACode(Input),
    /// The time zone is unknown: the reason in English.
    TimeZone(String),
    /// A word stands for both genuine and impostor.
    LabelOfBoth,
    /// The key names no column.
    NoName(String),
    /// `second_score` names the column of this key, or of the input `verify_score`.
    SecondScoreOf(String),
}

impl MappingError {
    pub(crate) fn new(problem: MappingProblem) -> Self {
        Self(Box::new(problem))
    }

    pub(super) fn of_parser(text: &str, error: &toml::de::Error) -> Self {
        let (line, column) = place(text, error.span().map_or(0, |span| span.start));
        Self::new(MappingProblem::Invalid(line, column, plain_parse_error(error.message())))
    }

    /// Returns what is wrong.
    #[must_use]
    pub fn problem(&self) -> &MappingProblem {
        &self.0
    }
}

/// Returns the line and the column of a byte, each from 1.
pub(crate) fn place(text: &str, begin: usize) -> (usize, usize) {
    let before = text.get(..begin).unwrap_or_default();
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (before.matches('\n').count() + 1, column)
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use MappingProblem as Problem;
        match self.problem() {
            Problem::TooLong(limit) => write!(f, "the file has more than {limit} bytes"),
            Problem::Invalid(line, column, reason) => write!(f, "line {line}, column {column}: {reason}"),
            Problem::UnknownFormat(found, supported) => {
                write!(f, "unknown format {found}; the supported format is {supported}")
            }
            Problem::InputsOfReply => f.write_str(
                "the inputs of a raw response have fixed places: remove [inputs], or use shape = \"flat\"",
            ),
            Problem::ReplyOfFlat => f.write_str("`reply` is the path of the response, for shape = \"reply\""),
            Problem::TooManySegments(count, most) => {
                write!(f, "there are {count} segments, more than {most}")
            }
            Problem::NotAFlag(input) => {
                write!(f, "`{input}` is not a flag, so it has no words for true and false")
            }
            Problem::WordOfBoth(input) => {
                write!(f, "the same word cannot mean true and false of `{input}`")
            }
            Problem::NotAConstant(input) => {
                write!(f, "`{input}` cannot be the same in every row; `code` and `sub_code` can")
            }
            Problem::NotACode(input) => {
                write!(f, "`{input}` has a value that is not a code: 1 to 15 digits")
            }
            Problem::TimeZone(reason) => write!(f, "`timezone`: {reason}"),
            Problem::LabelOfBoth => f.write_str("the same word cannot mean genuine and impostor"),
            Problem::NoName(key) => write!(f, "`{key}` names no column"),
            Problem::SecondScoreOf(key) => {
                write!(
                    f,
                    "`second_score` names the column of `{key}`: name the column of another matcher's score"
                )
            }
        }
    }
}

impl std::error::Error for MappingError {}
