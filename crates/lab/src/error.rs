//! Errors before or while data is read.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use cloudauth_policy::{PolicyError, SqlError};

use crate::input::skipped::Skipped;

/// The error of a lab run. It names files, never their content.
#[derive(Debug)]
pub struct LabError(Box<LabProblem>);

/// What failed. Exhaustive on purpose: a program that explains it in another language must handle every problem.
#[derive(Debug)]
pub enum LabProblem {
    /// A file cannot be read.
    CannotRead(PathBuf, io::Error),
    /// A file cannot be written.
    CannotWrite(PathBuf, io::Error),
    /// A folder has no file that can be read. The entries are those that were skipped.
    NothingToRead(PathBuf, Vec<Skipped>),
    /// The same file is named twice, by these paths.
    ReadTwice(PathBuf, PathBuf),
    /// Standard input is named twice.
    StandardInputTwice,
    /// Standard input cannot be resumed.
    StandardInputResumed,
    /// Counts are read twice, and standard input only once.
    StandardInputCounts,
    /// The format of a file is unknown.
    UnknownFormat(PathBuf),
    /// The build has no reader for Parquet.
    NeedsParquet(PathBuf),
    /// A file changed while it was read.
    Changed(PathBuf),
    /// Raw responses are read from JSON only.
    ReplyNotJson,
    /// A file has none of the policy's inputs. The columns are described in `FileColumns`.
    NoInputs(String, FileColumns),
    /// The first lines of a file have none of the policy's inputs: the file, and the number of lines.
    NoInputsInLines(String, u64),
    /// A file lacks a column that the mapping names.
    NoColumn(String, String, FileColumns),
    /// A file has a column twice.
    ColumnTwice(String, String),
    /// A column of a Parquet file has a wrong type.
    ColumnType {
        /// The file.
        file: PathBuf,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// The types it may have, in English.
        wanted: &'static str,
    },
    /// The time zone is unknown.
    UnknownTimeZone(String),
    /// The times are in more months than this.
    TooManyMonths(usize),
    /// A policy compares scores with more values than can be counted: the number, and the limit.
    TooManyScoreValues(usize, usize),
    /// A checkpoint must be a regular file.
    CheckpointNotAFile(PathBuf),
    /// A file is not a checkpoint: the line and the column of the first error.
    NotACheckpoint(PathBuf, usize, usize),
    /// A checkpoint is larger than the limit, which is in bytes.
    CheckpointTooLarge(PathBuf, u64),
    /// A checkpoint is not as a run wrote it: its last line is missing, or is not the SHA-256 of the rest.
    CheckpointDamaged(PathBuf),
    /// The checkpoint has another version of the format: its version, and the one that this program reads.
    CheckpointOfOtherFormat(PathBuf, u32, u32),
    /// A checkpoint is of another run.
    CheckpointOfOtherRun(PathBuf),
    /// A checkpoint counts scores at other values.
    CheckpointOfOtherScores(PathBuf),
    /// The file of decisions of a checkpoint, which has this name, cannot be reopened.
    DecisionsLost(String, io::Error),
    /// The file of decisions has another length than the checkpoint says: its name, its length, and that length.
    DecisionsLength(String, u64, u64),
    /// Decisions that go to a stream cannot be resumed.
    DecisionsNotAFile(PathBuf),
    /// A text is not a month or a range of months.
    NotMonths,
    /// No row has a time.
    NoTimes,
    /// No row is of a month before this one.
    NoEarlierMonth(String),
    /// The months to compare overlap.
    MonthsOverlap,
    /// No row is of these months.
    NoRowsIn(String, String),
    /// A text is not a target rate.
    NotARate,
    /// The policy check failed, after a threshold was set to a value if one is given.
    PolicyFails(Option<(String, f64)>, PolicyError),
    /// The policy has no such threshold: its name, and the names of its thresholds.
    NoThreshold(String, String),
    /// A threshold is not one of `verify_score`: its name, and its input if it has one.
    ThresholdOfOther(String, Option<&'static str>),
    /// A sweep must have from 1 to this many values.
    NotASweep(usize),
    /// The share of impostors is not above 0 and below 1.
    NotAPrior,
    /// Costs need labelled impostors and labelled genuine people.
    NoCosts,
    /// The mapping has no column of labels.
    NoLabelColumn,
    /// The mapping has no segment of this name.
    NotASegment(String),
    /// A segment cannot be crossed with itself.
    CrossedWithItself(String),
    /// A range of days is malformed.
    NotDays,
    /// There are more labelled rows of people than can be kept apart.
    TooManyPeople,
    /// The days of this option have no labelled impostors or no labelled genuine people with a score.
    NoLabelsInDays(&'static str),
    /// The report cannot be rendered, which is a bug.
    Rendering(Box<dyn std::error::Error + Send + Sync>),
    /// A query needs a mapping.
    SqlNeedsMapping,
    /// Raw responses have no exact form in SQL.
    SqlOfReplies,
    /// A path into a document has no exact form in SQL.
    SqlOfPath(String),
    /// The policy, a name or a text has no exact form in SQL.
    Sql(SqlError),
    /// A file has a format in which counts are not read.
    NotCounts(PathBuf),
    /// Two files hold the same counts.
    SameCounts(PathBuf, PathBuf),
    /// A file holds no counts, or not all of them.
    IncompleteCounts(PathBuf),
    /// A line of the counts is invalid.
    CountsLine(PathBuf, u64, CountsProblem),
    /// Lines of the counts are missing or repeated.
    CountsLines,
    /// Parts of the counts differ: the part, its rows, and the rows of another part.
    CountsDiffer(&'static str, u64, u64),
}

/// The columns of a file, as far as an error may show them. Exhaustive on purpose, as [`LabProblem`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileColumns {
    /// The first line looks like data, not like a header.
    LooksLikeData,
    /// The number of columns, and those with a known or a common name.
    Named(usize, Vec<String>),
}

/// What is wrong with a line of counts. Exhaustive on purpose, as [`LabProblem`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CountsProblem {
    /// The line is not one that the query returns. The reason is in English.
    NotOfQuery(String),
    /// The line is of another policy.
    OtherPolicy {
        /// Whether it is the candidate.
        is_candidate: bool,
        /// The hash in the line.
        found: String,
        /// The hash of the policy of this run.
        wanted: String,
    },
    /// The query was generated in another format.
    OtherFormat(u32),
    /// The counts are at other scores than those of the policy.
    OtherScores,
    /// The line is of another mapping than a line before it.
    OtherMapping,
    /// The times are in more months than this.
    TooManyMonths(usize),
}

impl LabError {
    /// Returns what failed.
    #[must_use]
    pub fn problem(&self) -> &LabProblem {
        &self.0
    }

    /// Returns the file or folder of the data that it is about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        use LabProblem as Problem;
        match self.problem() {
            Problem::CannotRead(path, _)
            | Problem::NothingToRead(path, _)
            | Problem::ReadTwice(path, _)
            | Problem::UnknownFormat(path)
            | Problem::NeedsParquet(path)
            | Problem::Changed(path)
            | Problem::ColumnType { file: path, .. } => Some(path),
            Problem::NoInputs(path, _)
            | Problem::NoInputsInLines(path, _)
            | Problem::NoColumn(path, _, _)
            | Problem::ColumnTwice(path, _) => Some(Path::new(path)),
            _ => None,
        }
    }

    pub(crate) fn file(path: &Path, error: io::Error) -> Self {
        LabProblem::CannotRead(path.to_owned(), error).into_error()
    }

    pub(crate) fn unwritten(path: &Path, error: io::Error) -> Self {
        LabProblem::CannotWrite(path.to_owned(), error).into_error()
    }
}

impl LabProblem {
    pub(crate) fn into_error(self) -> LabError {
        LabError(Box::new(self))
    }
}

const FORMATS: &str = "use .jsonl, .ndjson, .csv, .tsv (also followed by .gz or .zst) or .parquet";

impl fmt::Display for LabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use LabProblem as Problem;
        match self.problem() {
            Problem::CannotRead(file, _) => write!(f, "cannot read {}", file.display()),
            Problem::CannotWrite(file, _) => write!(f, "cannot write {}", file.display()),
            Problem::NothingToRead(folder, skipped) => {
                write!(f, "{} has no file that can be read: {FORMATS}", folder.display())?;
                let first = skipped.first();
                first.map_or(Ok(()), |first| write!(f, "; {} skipped, such as {first}", skipped.len()))
            }
            Problem::ReadTwice(path, first) => {
                let (path, first) = (path.display(), first.display());
                write!(f, "{path} would be read twice: it is the same as {first}")
            }
            Problem::StandardInputTwice => f.write_str("standard input would be read twice"),
            Problem::StandardInputResumed => {
                f.write_str("standard input cannot be read again: --resume takes files")
            }
            Problem::StandardInputCounts => {
                f.write_str("counts are read twice, and standard input only once: use a file")
            }
            Problem::UnknownFormat(file) => {
                write!(f, "{} has an unknown format: {FORMATS}", file.display())
            }
            Problem::NeedsParquet(file) => {
                write!(f, "{} is Parquet, which needs a build with the feature `parquet`", file.display())
            }
            Problem::Changed(file) => write!(f, "{} changed while it was read", file.display()),
            Problem::ReplyNotJson => {
                f.write_str("a raw response is a line of JSON; other files need shape = \"flat\"")
            }
            Problem::NoInputs(file, columns) => write!(
                f,
                "{file}: none of the policy's inputs found; {columns}; give --mapping or --allow-missing-inputs"
            ),
            Problem::NoInputsInLines(file, lines) => write!(
                f,
                "{file}: none of the policy's inputs found in the first {lines} lines; give --mapping or --allow-missing-inputs"
            ),
            Problem::NoColumn(file, column, columns) => {
                write!(f, "{file} has no column `{column}`, which the mapping names; {columns}")
            }
            Problem::ColumnTwice(file, column) => {
                write!(f, "{file} has the column `{column}` twice, so the mapping is ambiguous")
            }
            Problem::ColumnType { file, column, found, wanted } => write!(
                f,
                "{}: the column `{column}` is of the type {found}, and must hold {wanted}: cast it",
                file.display()
            ),
            Problem::UnknownTimeZone(names) => write!(
                f,
                "unknown time zone: take an offset such as `+08:00`, or one of {names}; zones that change their clocks are refused"
            ),
            Problem::TooManyMonths(most) => {
                write!(f, "the times are in more than {most} months: are they times?")
            }
            Problem::TooManyScoreValues(count, most) => {
                write!(f, "the policy compares scores with {count} values: the limit is {most}")
            }
            Problem::CheckpointNotAFile(file) => write!(
                f,
                "{} is not a regular file: --resume needs one, because a run reads and replaces its checkpoint",
                file.display()
            ),
            Problem::NotACheckpoint(file, line, column) => {
                write!(f, "{} is not a checkpoint: line {line}, column {column}", file.display())
            }
            Problem::CheckpointTooLarge(file, most) => {
                write!(f, "{} is not a checkpoint: it is larger than {} GiB", file.display(), most >> 30)
            }
            Problem::CheckpointDamaged(file) => write!(
                f,
                "{} is damaged or was edited: its last line is not the SHA-256 of the rest; delete it to start again",
                file.display()
            ),
            Problem::CheckpointOfOtherFormat(file, found, read) => write!(
                f,
                "{} has checkpoint format {found}, and this version of the program reads format {read}: resume with the version that wrote it, or delete it",
                file.display()
            ),
            Problem::CheckpointOfOtherRun(file) => write!(
                f,
                "{} is of another command, policy, mapping or data; take another file, or delete it",
                file.display()
            ),
            Problem::CheckpointOfOtherScores(file) => write!(
                f,
                "{} counts scores at other values: a rule or a promise of the policy compares scores with other values now; take another file, or delete it",
                file.display()
            ),
            Problem::DecisionsLost(name, _) => write!(
                f,
                "cannot resume: the decisions file {name} cannot be opened; delete the checkpoint to start again"
            ),
            Problem::DecisionsLength(name, found, saved) => write!(
                f,
                "cannot resume: the decisions file {name}: it is {found} bytes, the checkpoint says {saved}; delete the checkpoint to start again"
            ),
            Problem::DecisionsNotAFile(target) => {
                write!(f, "decisions that go to {} cannot be resumed: name a file", target.display())
            }
            Problem::NotMonths => {
                f.write_str("not a month or a range of months: write 2026-01 or 2026-01..2026-03")
            }
            Problem::NoTimes => f.write_str("no row has a time: the mapping names its column in `time`"),
            Problem::NoEarlierMonth(first) => {
                write!(f, "no row is of a month before {first}: there is no month to compare it with")
            }
            Problem::MonthsOverlap => f.write_str(
                "a month cannot be compared with itself: the reference and the current months overlap",
            ),
            Problem::NoRowsIn(first, last) => write!(f, "no row is of {first}..{last}"),
            Problem::NotARate => f.write_str(
                "invalid target rate: write a rate between 0 and 1, such as 1/10000, 0.0001 or 0.01%",
            ),
            Problem::PolicyFails(None, _) => f.write_str("the policy cannot be used"),
            Problem::PolicyFails(Some((name, value)), _) => {
                write!(f, "the policy cannot be used with {name} = {value}")
            }
            Problem::NoThreshold(name, names) => {
                write!(f, "the policy has no threshold `{name}`; it has {names}")
            }
            Problem::ThresholdOfOther(name, of) => {
                let of = of.unwrap_or("nothing");
                write!(f, "`{name}` is a threshold of {of}, and not of verify_score")
            }
            Problem::NotASweep(most) => write!(
                f,
                "invalid sweep: the lowest value, the highest value and the step must give 1 to {most} values, each with at most 6 decimals"
            ),
            Problem::NotAPrior => {
                f.write_str("the share of impostors must be above 0 and below 1, such as 0.001 or 0.1%")
            }
            Problem::NoCosts => f.write_str(
                "no cost can be calculated: the data must have labelled impostors and labelled genuine people",
            ),
            Problem::NoLabelColumn => {
                f.write_str("the mapping has no labels: name their column in `column` of [label]")
            }
            Problem::NotASegment(name) => {
                write!(f, "the mapping has no segment `{name}`: name its column in `segments`")
            }
            Problem::CrossedWithItself(name) => {
                write!(f, "segment `{name}` cannot be crossed with itself: name two segments")
            }
            Problem::NotDays => f.write_str(
                "expected days such as 2026-01-01..2026-06-30, ..2026-06-30 or 2026-07-01..; both ends are included",
            ),
            Problem::TooManyPeople => f.write_str(
                "the people of the two parts cannot be kept apart: there are more than 8,000,000 labelled rows of people; take fewer days",
            ),
            Problem::NoLabelsInDays(option) => write!(
                f,
                "the days of {option} have no labelled impostors, or no labelled genuine people, with a score (--test leaves out the people of --train): choose other days"
            ),
            Problem::Rendering(_) => f.write_str("cannot render the report"),
            Problem::SqlNeedsMapping => {
                f.write_str("a query needs a mapping: the lab cannot inspect a warehouse's columns")
            }
            Problem::SqlOfReplies => f.write_str(
                "raw responses have no exact form in SQL; give each input a column, in a view, and use shape = \"flat\"",
            ),
            Problem::SqlOfPath(name) => write!(
                f,
                "`{name}` is a path into a document, which has no exact form in SQL; make it a column, in a view"
            ),
            Problem::Sql(error) => error.fmt(f),
            Problem::NotCounts(file) => {
                write!(f, "{}: counts are read from CSV or JSON Lines", file.display())
            }
            Problem::SameCounts(file, same) => write!(
                f,
                "{} holds the same counts as {}: give each table's counts once; if two tables have equal counts, count them in one query, over a view of both",
                file.display(),
                same.display()
            ),
            Problem::IncompleteCounts(file) => write!(
                f,
                "{} holds no counts, or not all of them: the line that says what they are is missing",
                file.display()
            ),
            Problem::CountsLine(file, line, problem) => write!(f, "{}:{line}: {problem}", file.display()),
            Problem::CountsLines => f.write_str(
                "the counts do not add up: lines of `about` or `notes` are missing, or appear twice",
            ),
            Problem::CountsDiffer(part, here, there) => write!(
                f,
                "the counts do not add up: `{part}` has {here} rows where another part has {there}; lines are missing, or appear twice, or the table has changed between them"
            ),
        }
    }
}

impl fmt::Display for FileColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, known) = match self {
            Self::LooksLikeData => return f.write_str("the first line looks like data, not like a header"),
            Self::Named(count, known) => (count, known),
        };
        match count {
            1 => f.write_str("there is 1 column")?,
            number => write!(f, "there are {number} columns")?,
        }
        match &**known {
            [] => f.write_str(" with other names"),
            known => write!(f, ", such as {}", known.join(", ")),
        }
    }
}

impl fmt::Display for CountsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOfQuery(reason) => f.write_str(reason),
            Self::OtherPolicy { is_candidate, found, wanted } => {
                let what = if *is_candidate { "candidate" } else { "policy" };
                write!(f, "is of another {what}: of {found}, but the run uses {wanted}")
            }
            Self::OtherFormat(format) => {
                write!(f, "has a format other than {format}: generate the query again")
            }
            Self::OtherScores => f.write_str(
                "counts scores at other values: a rule or a promise of the policy compares scores with other values now; generate the query again",
            ),
            Self::OtherMapping => f.write_str("is of another mapping than a line before it"),
            Self::TooManyMonths(most) => {
                write!(f, "the times are in more than {most} months: are they times?")
            }
        }
    }
}

impl std::error::Error for LabError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.problem() {
            LabProblem::CannotRead(_, error)
            | LabProblem::CannotWrite(_, error)
            | LabProblem::DecisionsLost(_, error) => Some(error),
            LabProblem::PolicyFails(_, error) => Some(error),
            LabProblem::Rendering(error) => Some(&**error),
            _ => None,
        }
    }
}
