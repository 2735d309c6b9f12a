//! The kinds of problems of a policy file.

use std::fmt;

use super::case::Case;
use crate::document::mask_name;
use crate::document::verdict::Verdict;
use crate::evidence::input::InputKind;

/// What is wrong in a policy file, as data. `Display` writes the English message. It shows keys, and the names of thresholds,
/// rules and examples; it shows no other value, because the file may be the wrong one, with personal data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ProblemKind {
    // The file.
    /// The file is longer than this program reads.
    FileTooLong {
        /// The longest file that is read, in bytes.
        limit: usize,
    },
    /// The file is not valid TOML.
    InvalidToml {
        /// The message of the TOML parser, in English.
        reason: String,
    },
    /// The `format` of the file is not the one that this program reads.
    UnsupportedFormat {
        /// The `format` of the file; `None` if it is not an integer.
        found: Option<i64>,
        /// The format that this program reads.
        supported: i64,
    },
    /// A key or table is missing. The string names it.
    Missing(&'static str),
    /// A top-level table is missing. The string names it.
    MissingTable(&'static str),
    /// A table has a key that its part of the file does not allow.
    UnknownKey {
        /// The key; `None` if it may be personal data.
        key: Option<String>,
        /// The part of the file with the key.
        part: FilePart,
    },
    /// A part of the file lacks a required key.
    Lacks {
        /// The part of the file without the key.
        part: FilePart,
        /// The required key.
        key: &'static str,
    },
    /// A part of the file has another type than a table.
    NotATable(FilePart),
    /// A value has another type than a list. The string names it.
    NotAList(&'static str),
    /// A list is too long.
    TooManyEntries {
        /// The name of the list.
        list: &'static str,
        /// The most entries that are allowed.
        limit: usize,
    },
    /// The value of this key is empty or has another type than a string.
    NotAString(String),
    /// The value of this key contains control characters other than line breaks and tabs.
    ControlCharacters(String),
    /// A word is not a verdict.
    NotADecision,
    /// Two rules or two assertions have this id, or one has the reserved id `otherwise`.
    DuplicateId(String),
    /// `effective` is not a date and time with a time zone.
    EffectiveWithoutZone,
    // Thresholds.
    /// The threshold of this name has another type than a table.
    ThresholdNotATable(String),
    /// The value of the threshold of this name is not a finite number.
    ThresholdNotANumber(String),
    /// The threshold of this name has no `value`.
    ThresholdWithoutValue(String),
    /// No condition uses the threshold of this name.
    UnusedThreshold(String),
    /// A condition or `order` names a threshold that the file does not have.
    UnknownThreshold,
    /// Two thresholds are not in the order that the file states.
    WrongOrder {
        /// The threshold that comes first in `order`.
        before: String,
        /// Its value.
        before_value: f64,
        /// The threshold that follows it.
        name: String,
        /// Its value, which is not above `before_value`.
        value: f64,
    },
    /// `order` has both names and lists.
    MixedOrder,
    /// A threshold states a false-accept rate for a score without a published rate.
    NoRateOfInput {
        /// The name of the threshold.
        threshold: String,
        /// The score that rules compare with it.
        input: &'static str,
    },
    /// The text of `far` is not a fraction such as `1/10000`.
    NotARate,
    /// The vendor publishes no false-accept rate for this score.
    NoRateOfScore(f64),
    /// The stated false-accept rate of a score is not the vendor's.
    WrongRate {
        /// The score, from 0 to 100.
        score: f64,
        /// The stated rate, a fraction.
        claim: String,
    },
    // Inputs.
    /// `[inputs]` declares an input that does not exist; `None` if the name may be personal data.
    UnknownInput(Option<String>),
    /// A condition, reason or example names an input that `[inputs]` does not declare, or a required input is not declared;
    /// `None` if the name may be personal data.
    UndeclaredInput(Option<String>),
    /// This input is declared with a type that it does not have.
    WrongInputType(&'static str),
    /// The declaration of this input lists no values.
    NoValues(&'static str),
    /// The declaration of this score has no range of two ascending finite numbers.
    NoRange(&'static str),
    /// The declaration of this input lists a value twice.
    DeclaredTwice(&'static str),
    /// A declared value contains control characters.
    DeclaredControlCharacters,
    /// This declared value is a word that conditions use with a meaning of its own.
    Reserved(String),
    /// A declared value is not a code.
    NotACode,
    /// A declared value is not a label.
    NotALabel,
    /// This declared value is the name that evidence gives to malformed labels.
    MalformedLabel(String),
    /// A declared code is not in the vendor's table. This is a warning.
    UnknownCode {
        /// `Code` or `SubCode`, as the vendor spells it.
        layer: &'static str,
        /// The code.
        code: String,
    },
    /// The declaration of `sub_code` lacks this code of the vendor's page.
    SubCodeNotListed(&'static str),
    // Conditions.
    /// A `when` is empty.
    NoCondition,
    /// The condition on this input is not a string.
    NotInQuotes(&'static str),
    /// The condition on this score is a list.
    ListOfScore(&'static str),
    /// The condition on this input is an empty list.
    EmptyList(&'static str),
    /// A condition names a value that this input does not have.
    NotAValue(&'static str),
    /// A condition on this input lists a value twice.
    ListedTwice(&'static str),
    /// A part of a condition on a score is not a comparison.
    NotAComparison,
    /// A condition has `and` without a comparison on each side.
    ComparisonMissing,
    /// A score is compared with a text that is not a number.
    NotANumber,
    /// This score is compared with a number outside of its range.
    OutOfRange(&'static str),
    /// No score meets the condition.
    NeverHolds,
    /// A condition uses this word, such as `or`.
    NotAllowed(String),
    // Rules.
    /// The file has no rule.
    NoRule,
    /// The rule with this id has no `then`.
    RuleWithoutThen(String),
    /// An example expects a rule that the file does not have.
    UnknownRule,
    /// The rule with this id decides no input.
    NeverDecides(String),
    /// No rule names a value that a rule must name.
    NotCovered {
        /// The value.
        case: Case,
    },
    /// A rule names a value, but `otherwise` decides some of its cells.
    DecidedByOtherwise {
        /// The number of cells that `otherwise` decides.
        cells: usize,
        /// The value.
        case: Case,
    },
    /// The policy has too many cells to check.
    TooManyCells {
        /// The number of cells.
        cells: usize,
        /// The most cells that are checked.
        limit: usize,
    },
    /// The policy has too many rules.
    TooManyRules {
        /// The number of rules.
        rules: usize,
        /// The most rules that are allowed.
        limit: usize,
    },
    // Approvals.
    /// `otherwise` approves.
    OtherwiseApproves,
    /// The policy approves and does not declare `passed`.
    PassedNotChecked,
    /// A rule that does not approve has `against_vendor`.
    ReasonWithoutApproval,
    /// An `against_vendor` is empty.
    NoReason,
    /// A rule gives a reason that no approval needs.
    NeedlessReason {
        /// The id of the rule.
        rule: String,
        /// The input of the reason.
        input: &'static str,
    },
    /// A rule approves a missing, malformed, out-of-range or unknown value.
    ApprovesNotUnderstood {
        /// The id of the rule.
        rule: String,
        /// The value.
        case: Case,
        /// The number of cells with this value that the rule approves.
        cells: usize,
    },
    /// A rule approves a value that the vendor reports as a failure or a risk, without a reason.
    ApprovesAgainstVendor {
        /// The id of the rule.
        rule: String,
        /// The value.
        case: Case,
        /// The number of cells with this value that the rule approves.
        cells: usize,
    },
    /// A rule approves a score, and a better score is not approved.
    ApprovesWorseScore {
        /// The id of the rule.
        rule: String,
        /// The range of the approved score.
        case: Case,
        /// The number of such cells.
        cells: usize,
        /// The next better range of the score.
        better: DecidedCase,
    },
    // Assertions and examples.
    /// The assertion with this id is neither a `never` nor a `monotone`, or is both.
    IncompleteAssertion(String),
    /// `monotone` names a word that is not a declared score.
    NotADeclaredScore,
    /// `order` of an assertion does not name each verdict once.
    IncompleteOrder,
    /// No input meets the conditions of the assertion with this id.
    AssertionWithoutEffect(String),
    /// An assertion does not hold.
    AssertionFails {
        /// The id of the assertion.
        id: String,
        /// The number of cells in which it fails.
        cells: usize,
    },
    /// Two examples have this name.
    DuplicateExample(String),
    /// The example of this name lacks `input` or `expect`.
    IncompleteExample(String),
    /// The example of this name has no `decision` in `expect`.
    ExampleWithoutDecision(String),
    /// An example gives a value of the wrong type.
    WrongExampleValue {
        /// The input.
        input: &'static str,
        /// The kind of the input, which sets the type of its values.
        kind: InputKind,
    },
    /// The policy decides an example differently.
    ExampleFails {
        /// The name of the example.
        name: String,
        /// The verdict that the example expects.
        expected: Verdict,
        /// The rule that the example expects, if it names one.
        expected_rule: Option<String>,
        /// The verdict of the policy.
        found: Verdict,
        /// The rule that decides it.
        rule: String,
    },
}

impl ProblemKind {
    /// Masks names of the file that may be phone or ID numbers.
    pub(super) fn mask_names(&mut self) {
        match self {
            Self::NotAString(name)
            | Self::ControlCharacters(name)
            | Self::DuplicateId(name)
            | Self::ThresholdNotATable(name)
            | Self::ThresholdNotANumber(name)
            | Self::ThresholdWithoutValue(name)
            | Self::UnusedThreshold(name)
            | Self::NoRateOfInput { threshold: name, .. }
            | Self::RuleWithoutThen(name)
            | Self::IncompleteAssertion(name)
            | Self::DuplicateExample(name)
            | Self::IncompleteExample(name)
            | Self::ExampleWithoutDecision(name) => mask_name(name),
            Self::WrongOrder { before, name, .. } => [before, name].into_iter().for_each(mask_name),
            // Found in a document whose names are masked.
            Self::NeverDecides(_)
            | Self::NotCovered { .. }
            | Self::DecidedByOtherwise { .. }
            | Self::NeedlessReason { .. }
            | Self::ApprovesNotUnderstood { .. }
            | Self::ApprovesAgainstVendor { .. }
            | Self::ApprovesWorseScore { .. }
            | Self::AssertionWithoutEffect(_)
            | Self::AssertionFails { .. }
            | Self::ExampleFails { .. } => {}
            // A name without a long run of digits, one of the program's words, or a value that `[inputs]` may have.
            Self::UnknownKey { .. }
            | Self::UnknownInput(_)
            | Self::UndeclaredInput(_)
            | Self::Reserved(_)
            | Self::MalformedLabel(_)
            | Self::UnknownCode { .. }
            | Self::NotAllowed(_)
            | Self::WrongRate { .. } => {}
            // No text of the file.
            Self::FileTooLong { .. }
            | Self::InvalidToml { .. }
            | Self::UnsupportedFormat { .. }
            | Self::Missing(_)
            | Self::MissingTable(_)
            | Self::Lacks { .. }
            | Self::NotATable(_)
            | Self::NotAList(_)
            | Self::TooManyEntries { .. }
            | Self::NotADecision
            | Self::EffectiveWithoutZone
            | Self::UnknownThreshold
            | Self::MixedOrder
            | Self::NotARate
            | Self::NoRateOfScore(_)
            | Self::WrongInputType(_)
            | Self::NoValues(_)
            | Self::NoRange(_)
            | Self::DeclaredTwice(_)
            | Self::DeclaredControlCharacters
            | Self::NotACode
            | Self::NotALabel
            | Self::SubCodeNotListed(_)
            | Self::NoCondition
            | Self::NotInQuotes(_)
            | Self::ListOfScore(_)
            | Self::EmptyList(_)
            | Self::NotAValue(_)
            | Self::ListedTwice(_)
            | Self::NotAComparison
            | Self::ComparisonMissing
            | Self::NotANumber
            | Self::OutOfRange(_)
            | Self::NeverHolds
            | Self::NoRule
            | Self::UnknownRule
            | Self::TooManyCells { .. }
            | Self::TooManyRules { .. }
            | Self::OtherwiseApproves
            | Self::PassedNotChecked
            | Self::ReasonWithoutApproval
            | Self::NoReason
            | Self::NotADeclaredScore
            | Self::IncompleteOrder
            | Self::WrongExampleValue { .. } => {}
        }
    }
}

/// A part of a policy file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilePart {
    /// The whole file.
    File,
    /// An entry of `[thresholds]`.
    Threshold,
    /// An entry of `[inputs]`.
    Input,
    /// A table or key, as the file writes it.
    Named(&'static str),
}

/// A rule, its verdict, and a case that it decides.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DecidedCase {
    /// The id of the rule.
    pub rule: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// The case.
    pub case: Case,
}

impl From<&'static str> for FilePart {
    fn from(name: &'static str) -> Self {
        Self::Named(name)
    }
}

impl fmt::Display for FilePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "the file",
            Self::Threshold => "a threshold",
            Self::Input => "an input",
            Self::Named(name) => name,
        })
    }
}
