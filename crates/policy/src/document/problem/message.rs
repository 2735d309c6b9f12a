//! The English message of each kind of problem.

use std::fmt;

use super::kind::ProblemKind;
use crate::evidence::input::InputKind;

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileTooLong { limit } => write!(f, "the file has more than {limit} bytes"),
            Self::InvalidToml { reason } => write!(f, "invalid TOML: {reason}"),
            Self::UnsupportedFormat { found: Some(found), supported } => {
                write!(f, "unsupported format {found}: this program reads format {supported}")
            }
            Self::UnsupportedFormat { found: None, supported } => {
                write!(f, "unsupported format: this program reads format {supported}")
            }
            Self::Missing(what) => write!(f, "{what} is missing"),
            Self::MissingTable(table) => write!(f, "the table {table} is missing"),
            Self::UnknownKey { key, part } => write!(f, "unknown key {}in {part}", quoted(key)),
            Self::Lacks { part, key } => write!(f, "{part} lacks `{key}`"),
            Self::NotATable(part) => write!(f, "{part} must be a table"),
            Self::NotAList(list) => write!(f, "{list} must be a list"),
            Self::TooManyEntries { list, limit } => write!(f, "{list} has more than {limit} entries"),
            Self::NotAString(name) => write!(f, "`{name}` must be a non-empty string"),
            Self::ControlCharacters(name) => write!(f, "`{name}` contains control characters"),
            Self::NotADecision => f.write_str("the value is not a decision"),
            Self::DuplicateId(id) => write!(f, "duplicate id `{id}`"),
            Self::EffectiveWithoutZone => f.write_str("`effective` must be a date and time with a zone"),
            Self::ThresholdNotATable(name) => write!(f, "threshold `{name}` must be a table"),
            Self::ThresholdNotANumber(name) => write!(f, "the value of threshold `{name}` is not a number"),
            Self::ThresholdWithoutValue(name) => write!(f, "threshold `{name}` lacks `value`"),
            Self::UnusedThreshold(name) => write!(f, "the threshold `{name}` is not used"),
            Self::UnknownThreshold => f.write_str("unknown threshold"),
            Self::WrongOrder { before, before_value, name, value } => {
                write!(f, "`{before}` ({before_value}) must be below `{name}` ({value})")
            }
            Self::MixedOrder => f.write_str("`order` mixes names and lists"),
            Self::NoRateOfInput { threshold, input } => {
                write!(f, "`{threshold}` is compared with `{input}`, for which the vendor publishes no rate")
            }
            Self::NotARate => f.write_str("`far` is not a rate"),
            Self::NoRateOfScore(score) => write!(f, "the vendor's table has no rate for {score}"),
            Self::WrongRate { score, claim } => write!(f, "{score} is not {claim} in the vendor's table"),
            Self::UnknownInput(name) => f.write_str(format!("unknown input {}", quoted(name)).trim_end()),
            Self::UndeclaredInput(Some(name)) => write!(f, "`{name}` is not among the [inputs]"),
            Self::UndeclaredInput(None) => f.write_str("an input is not among the [inputs]"),
            Self::WrongInputType(input) => write!(f, "`{input}` has the wrong type"),
            Self::NoValues(input) => write!(f, "`{input}` has no values"),
            Self::NoRange(input) => write!(f, "`{input}` needs a range of two numbers"),
            Self::DeclaredTwice(input) => write!(f, "`{input}` declares a value twice"),
            Self::DeclaredControlCharacters => f.write_str("a declared value contains control characters"),
            Self::Reserved(word) => write!(f, "`{word}` is reserved"),
            Self::NotACode => f.write_str("a declared value is not a code"),
            Self::NotALabel => f.write_str("a declared value is not a label"),
            Self::MalformedLabel(text) => write!(f, "`{text}` stands for a malformed label"),
            Self::UnknownCode { layer, code } => write!(f, "{layer} `{code}` is not in the vendor's table"),
            Self::SubCodeNotListed(code) => write!(f, "SubCode {code} is not among the values"),
            Self::NoCondition => f.write_str("`when` has no condition"),
            Self::NotInQuotes(input) => write!(f, "the condition on `{input}` is not in quotes"),
            Self::ListOfScore(input) => write!(f, "`{input}` is a score and does not take a list"),
            Self::EmptyList(input) => write!(f, "the list of `{input}` is empty"),
            Self::NotAValue(input) => write!(f, "the condition names no value of `{input}`"),
            Self::ListedTwice(input) => write!(f, "the condition on `{input}` lists a value twice"),
            Self::NotAComparison => f.write_str("the condition is not a comparison"),
            Self::ComparisonMissing => f.write_str("the condition lacks a comparison"),
            Self::NotANumber => f.write_str("the comparison is not with a number"),
            Self::OutOfRange(input) => write!(f, "the number is outside the range of `{input}`"),
            Self::NeverHolds => f.write_str("the condition never holds"),
            Self::NotAllowed(word) => write!(f, "`{word}` is not allowed in a condition"),
            Self::NoRule => f.write_str("the policy has no [[rule]]"),
            Self::RuleWithoutThen(id) => write!(f, "rule `{id}` lacks `then`"),
            Self::UnknownRule => f.write_str("unknown rule"),
            Self::NeverDecides(id) => write!(f, "rule `{id}` never decides"),
            Self::NotCovered { case } => write!(f, "no rule covers the case that {case}"),
            Self::DecidedByOtherwise { cells, case } => {
                write!(f, "`otherwise` decides {cells} of the cells where {case}")
            }
            Self::TooManyCells { cells, limit } => {
                write!(f, "the inputs and thresholds make {cells} cells; the limit is {limit}")
            }
            Self::TooManyRules { rules, limit } => {
                write!(f, "the policy has {rules} rules; the limit is {limit}")
            }
            Self::OtherwiseApproves => f.write_str("`otherwise` must not approve"),
            Self::PassedNotChecked => f.write_str("the policy approves without checking `passed`"),
            Self::ReasonWithoutApproval => f.write_str("`against_vendor` is in a rule that does not approve"),
            Self::NoReason => f.write_str("`against_vendor` has no reason"),
            Self::NeedlessReason { rule, input } => write!(
                f,
                "rule `{rule}` needs no reason for `{input}`: it does not approve against that signal"
            ),
            Self::ApprovesNotUnderstood { rule, case, cells: count } => {
                write!(f, "rule `{rule}` approves where {case} ({})", cells(*count))
            }
            Self::ApprovesAgainstVendor { rule, case, cells: count } => write!(
                f,
                "rule `{rule}` approves where {case}, against the vendor's signal ({})",
                cells(*count)
            ),
            Self::ApprovesWorseScore { rule, case, cells: count, better } => write!(
                f,
                "rule `{rule}` approves where {case}, although rule `{}` gives {} for the better score {} ({})",
                better.rule,
                better.verdict,
                better.case,
                cells(*count)
            ),
            Self::IncompleteAssertion(id) => write!(f, "assertion `{id}` is incomplete"),
            Self::NotADeclaredScore => f.write_str("`monotone` does not name a score of the [inputs]"),
            Self::IncompleteOrder => f.write_str("`order` does not name each decision once"),
            Self::AssertionWithoutEffect(id) => {
                write!(f, "assertion `{id}` has no effect: no input meets its conditions")
            }
            Self::AssertionFails { id, cells: count } => {
                write!(f, "assertion `{id}` fails in {}", cells(*count))
            }
            Self::DuplicateExample(name) => write!(f, "two examples have the name `{name}`"),
            Self::IncompleteExample(name) => write!(f, "example `{name}` lacks `input` or `expect`"),
            Self::ExampleWithoutDecision(name) => write!(f, "example `{name}` expects no `decision`"),
            Self::WrongExampleValue { input, kind } => {
                let wanted = match kind {
                    InputKind::Score => "a number",
                    InputKind::Flag | InputKind::Code => "a string",
                    InputKind::Labels => "a list of strings",
                };
                write!(f, "`{input}` must be {wanted}")
            }
            Self::ExampleFails { name, expected, expected_rule, found, rule } => {
                write!(f, "example `{name}`: expected {expected}")?;
                if let Some(rule) = expected_rule {
                    write!(f, " (rule `{rule}`)")?;
                }
                write!(f, ", got {found} (rule `{rule}`)")
            }
        }
    }
}

/// Returns a word in quotes and a space, or nothing for a word that may be personal data.
fn quoted(word: &Option<String>) -> String {
    word.as_ref().map(|word| format!("`{word}` ")).unwrap_or_default()
}

/// Returns a number of cells with its unit.
pub(super) fn cells(count: usize) -> String {
    if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") }
}
