//! The mapping file: where the data has each input, the label, the time, the subject and the segments. It is separate from the
//! policy, which knows inputs but no columns.

use std::collections::BTreeMap;

use cloudauth_policy::{Input, InputKind};
use cloudauth_protocol::grammar;
use serde::Deserialize;

use crate::error::{LabError, LabProblem};
use crate::input::format::other_format;
use crate::input::mapping_error::{MappingError, MappingProblem as Problem};
use crate::input::timezone::TimeZone;

/// The shape of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Shape {
    /// A column or a member for each input.
    #[default]
    Flat,
    /// The raw response of `DescribeFaceVerify`, with `MaterialInfo` as a string: one JSON object per line.
    Reply,
}

/// Where the data has each value. A path is a column's name; in JSON, names separated by dots, also through a string that holds
/// a document: `result.MaterialInfo.faceAttack`.
///
/// ```
/// let mapping = cloudauth_lab::Mapping::parse(r#"
///     format = 1
///     segments = ["channel"]
///     [inputs]
///     sub_code = "code"
///     passed = { column = "ok", true = ["1"], false = ["0"] }
///     verify_score = "score"
///     [label]
///     column = "truth"
///     genuine = ["good"]
///     impostor = ["fraud"]
/// "#)?;
/// assert!(cloudauth_lab::Mapping::parse("format = 1\n[inputs]\nscore = \"s\"").is_err());
/// # Ok::<(), cloudauth_lab::MappingError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    pub(crate) shape: Shape,
    /// In [`Shape::Reply`], the path of the response in the line; the line itself if empty.
    pub(crate) reply: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) inputs: BTreeMap<Input, Of>,
    /// Whether the mapping file names the inputs, so that they are required.
    is_named: bool,
    pub(crate) label: Label,
    pub(crate) time: Option<String>,
    pub(crate) timezone: TimeZone,
    pub(crate) subject: Option<String>,
    /// The score that a second matcher gave the same attempt.
    pub(crate) second_score: Option<String>,
    pub(crate) segments: Vec<String>,
}

/// The source of an input.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    untagged,
    expecting = "must be a column's name, or { column = .., true = [..], false = [..] }, or { value = .. }"
)]
pub(crate) enum Of {
    Column(String),
    Words(Words),
    Value(Constant),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) column: String,
    #[serde(rename = "true")]
    pub(crate) yes: Vec<String>,
    #[serde(rename = "false")]
    pub(crate) no: Vec<String>,
}

/// A constant for all rows.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Constant {
    pub(crate) value: String,
}

/// The columns of the labels.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Label {
    pub(crate) column: Option<String>,
    pub(crate) genuine: Vec<String>,
    pub(crate) impostor: Vec<String>,
    /// The column with the kind of attack. It is empty for rows without an attack.
    pub(crate) attack: Option<String>,
}

impl Default for Label {
    fn default() -> Self {
        Self {
            column: None,
            genuine: vec!["genuine".to_owned()],
            impostor: vec!["impostor".to_owned()],
            attack: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "format")]
    _format: u32,
    #[serde(default)]
    shape: Shape,
    reply: Option<String>,
    id: Option<String>,
    inputs: Option<BTreeMap<Input, Of>>,
    label: Option<Label>,
    time: Option<String>,
    timezone: Option<String>,
    subject: Option<String>,
    second_score: Option<String>,
    #[serde(default)]
    segments: Vec<String>,
}

/// The version of the mapping file's format.
const FORMAT: u32 = 1;
/// The longest file that is read, in bytes.
const LONGEST: usize = 1 << 20;
/// The maximum number of segments.
pub(crate) const MOST_SEGMENTS: usize = 16;

impl Mapping {
    /// Returns the default mapping: each input under its own name, or the raw response; and `label`, `attack`, `time`,
    /// `subject` and `id` where they exist.
    #[must_use]
    pub fn of(shape: Shape) -> Self {
        let own = |input: &Input| (*input, Of::Column(input.name().to_owned()));
        Self {
            shape,
            reply: None,
            id: Some("id".to_owned()),
            inputs: if shape == Shape::Flat { Input::ALL.iter().map(own).collect() } else { BTreeMap::new() },
            is_named: false,
            label: Label {
                column: Some("label".to_owned()),
                attack: Some("attack".to_owned()),
                ..Label::default()
            },
            time: Some("time".to_owned()),
            timezone: TimeZone::default(),
            subject: Some("subject".to_owned()),
            second_score: None,
            segments: Vec::new(),
        }
    }

    /// Parses a mapping file. A column that it does not name is not read; without `[inputs]`, the inputs have their own names.
    ///
    /// # Errors
    /// If the file is invalid, or has more than 1 MiB. The error names the line, and quotes at most an identifier: the file may
    /// be the wrong one, with personal data.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        if text.len() > LONGEST {
            return Err(MappingError::new(Problem::TooLong(LONGEST)));
        }
        let wrong = |problem: Problem| Err(MappingError::new(problem));
        if let Some(format) = other_format(text, FORMAT) {
            return wrong(Problem::UnknownFormat(format, FORMAT));
        }
        let file: File = toml::from_str(text).map_err(|error| MappingError::of_parser(text, &error))?;
        if file.shape == Shape::Reply && file.inputs.is_some() {
            return wrong(Problem::InputsOfReply);
        }
        if file.shape == Shape::Flat && file.reply.is_some() {
            return wrong(Problem::ReplyOfFlat);
        }
        if file.segments.len() > MOST_SEGMENTS {
            return wrong(Problem::TooManySegments(file.segments.len(), MOST_SEGMENTS));
        }
        for (input, of) in file.inputs.iter().flatten() {
            match of {
                Of::Words(_) if input.kind() != InputKind::Flag => {
                    return wrong(Problem::NotAFlag(*input));
                }
                Of::Words(Words { yes, no, .. }) if yes.iter().any(|word| no.contains(word)) => {
                    return wrong(Problem::WordOfBoth(*input));
                }
                Of::Value(_) if input.kind() != InputKind::Code => {
                    return wrong(Problem::NotAConstant(*input));
                }
                Of::Value(Constant { value }) if grammar::code(value) != Some(value) => {
                    return wrong(Problem::NotACode(*input));
                }
                _ => {}
            }
        }
        let timezone = file.timezone.as_deref().map(str::parse).transpose();
        let timezone =
            timezone.map_err(|error: LabError| MappingError::new(Problem::TimeZone(error.to_string())))?;
        let label = file.label.unwrap_or_default();
        if label.genuine.iter().any(|word| label.impostor.contains(word)) {
            return wrong(Problem::LabelOfBoth);
        }
        let of_inputs = file.inputs.iter().flatten().filter_map(|(input, of)| match of {
            Of::Column(column) | Of::Words(Words { column, .. }) => Some((input.name(), column)),
            Of::Value(_) => None,
        });
        let others = [
            ("id", &file.id),
            ("time", &file.time),
            ("subject", &file.subject),
            ("second_score", &file.second_score),
            ("column", &label.column),
            ("attack", &label.attack),
        ];
        let others = others.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?)));
        let segments = file.segments.iter().map(|path| ("segments", path));
        if let Some((name, _)) = of_inputs.chain(others).chain(segments).find(|(_, path)| path.is_empty()) {
            return wrong(Problem::NoName(name.to_owned()));
        }
        let mapping = Self {
            shape: file.shape,
            reply: file.reply,
            id: file.id,
            is_named: file.inputs.is_some(),
            inputs: file.inputs.unwrap_or_else(|| Self::of(file.shape).inputs),
            label,
            time: file.time,
            timezone: timezone.unwrap_or_default(),
            subject: file.subject,
            second_score: file.second_score,
            segments: file.segments,
        };
        match mapping.role_of_second_score() {
            Some(key) => wrong(Problem::SecondScoreOf(key.to_owned())),
            None => Ok(mapping),
        }
    }

    /// Returns what else the column of the second score is, if it has another role. A subject would be kept as a score.
    fn role_of_second_score(&self) -> Option<&'static str> {
        let second = self.second_score.as_ref()?;
        let first = (Input::VerifyScore.name(), self.path(Input::VerifyScore));
        let others = self.others().map(|(name, path)| (name, path.clone().unwrap_or_default()));
        others.into_iter().chain([first]).find(|(_, path)| path == second).map(|(name, _)| name)
    }

    /// The columns that are not inputs, in the order of their slots.
    const fn others(&self) -> [(&'static str, &Option<String>); 5] {
        let label = &self.label;
        [
            ("label", &label.column),
            ("attack", &label.attack),
            ("time", &self.time),
            ("subject", &self.subject),
            ("id", &self.id),
        ]
    }

    /// Returns the time zone in which days are counted.
    #[must_use]
    pub const fn timezone(&self) -> TimeZone {
        self.timezone
    }

    /// Returns the columns of the segments.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Checks, before data is read, that the mapping has these segments; or two that can be crossed.
    ///
    /// # Errors
    /// If it lacks one of them, or two are the same.
    pub fn check_segments(&self, names: &[String]) -> Result<(), LabError> {
        match names {
            [first, second, ..] => self.crossed(first, second).map(drop),
            names => names.iter().try_for_each(|name| self.segment(name).map(drop)),
        }
    }

    /// Checks, before data is read, that the mapping has a time.
    ///
    /// # Errors
    /// If it has none.
    pub fn check_time(&self) -> Result<(), LabError> {
        self.time.as_ref().map(drop).ok_or_else(|| LabProblem::NoTimes.into_error())
    }

    /// Checks, before data is read, that the mapping has a column of labels. Kinds of attack alone label no genuine person.
    ///
    /// # Errors
    /// If it has none.
    pub fn check_label(&self) -> Result<(), LabError> {
        self.label.column.as_ref().map(drop).ok_or_else(|| LabProblem::NoLabelColumn.into_error())
    }

    /// Returns the numbers of two segments.
    pub(crate) fn crossed(&self, first: &str, second: &str) -> Result<(usize, usize), LabError> {
        let numbers = (self.segment(first)?, self.segment(second)?);
        if numbers.0 == numbers.1 {
            return Err(LabProblem::CrossedWithItself(first.to_owned()).into_error());
        }
        Ok(numbers)
    }

    fn segment(&self, name: &str) -> Result<usize, LabError> {
        let found = self.segments.iter().position(|segment| segment == name);
        found.ok_or_else(|| LabProblem::NotASegment(name.to_owned()).into_error())
    }

    /// Returns the path of each slot of a row, in the order of [`crate::row`]; empty for a slot without a path, and for the score of a
    /// second matcher unless it is needed.
    pub(crate) fn slots(&self, needs_second_score: bool) -> Vec<String> {
        let mut slots: Vec<String> = Input::ALL.iter().map(|input| self.path(*input)).collect();
        slots.extend(self.others().map(|(_, path)| path.clone().unwrap_or_default()));
        slots.push(if self.shape == Shape::Reply { self.in_reply("ResultObject") } else { String::new() });
        slots.push(self.second_score.clone().filter(|_| needs_second_score).unwrap_or_default());
        slots.extend(self.segments.iter().cloned());
        slots
    }

    /// Returns whether a slot is required, as far as the mapping can tell before any row is read.
    pub(crate) fn must_have(&self, slot: usize) -> bool {
        self.is_named || slot >= Input::ALL.len()
    }

    fn in_reply(&self, path: &str) -> String {
        self.reply.as_ref().map_or_else(|| path.to_owned(), |reply| format!("{reply}.{path}"))
    }

    fn path(&self, input: Input) -> String {
        match (self.shape, self.inputs.get(&input)) {
            (Shape::Reply, _) => self.in_reply(input.reply_path()),
            (Shape::Flat, Some(Of::Column(column) | Of::Words(Words { column, .. }))) => column.clone(),
            (Shape::Flat, _) => String::new(),
        }
    }
}
