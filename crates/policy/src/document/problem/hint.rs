//! The hints: how to fix a problem of a policy file.

use std::fmt;

use super::case::Case;
use super::kind::DecidedCase;
use super::message::cells;
use crate::evidence::input::InputKind;
use crate::suggest::Suggestion;

/// The likely fix of a problem, or the allowed values, as data. `Display` writes the English text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Hint {
    /// Use one of the allowed words, most likely the close one.
    Suggestion(Suggestion),
    /// Write this text of the policy language.
    Write(String),
    // The file.
    /// Begin the file with this line.
    BeginWith(String),
    /// The line may hold a number with a decimal comma: write it like this.
    DecimalComma(String),
    /// Write the number with a decimal point, like this.
    DecimalPoint(String),
    /// Write the part as a table.
    AsTable,
    /// Write each entry as `[[name]]`.
    TwoBrackets,
    /// Write the value in quotes.
    InQuotes,
    /// Write the value like this, without quotes.
    WithoutQuotes(&'static str),
    /// Remove the part.
    Remove,
    /// Remove the control characters.
    RemoveThem,
    /// Remove one of the two equal values.
    RemoveOne,
    /// Choose another id.
    OtherId,
    /// Write `decision` and `reason` in `[policy.otherwise]`.
    OtherwiseNeeds,
    // Thresholds and inputs.
    /// Use the threshold in a condition, or remove it.
    UseThreshold,
    /// Change the value of a threshold, or `order`.
    ChangeOrder,
    /// Write `order` as one list of names, or as a list of lists.
    OneOrder,
    /// Remove `far`: the vendor publishes no rate for this score.
    RemoveRate,
    /// Write `far` as a fraction.
    AsFraction,
    /// Remove `far`: the score is outside of the vendor's table.
    NoRateBeyond,
    /// The vendor's false-accept rate of the score, and the score of the stated rate.
    VendorRate {
        /// The score, from 0 to 100.
        score: f64,
        /// The vendor's rate at this score, a fraction.
        rate: String,
        /// Whether the vendor publishes the rate. If not, it is interpolated.
        is_exact: bool,
        /// The stated rate, a fraction.
        claim: String,
        /// The score that has the stated rate, rounded to one decimal.
        at: f64,
    },
    /// Declare the inputs that the rules use.
    DeclareInputs,
    /// Declare the input with this type.
    TypeIs(InputKind),
    /// Remove the reserved word from the declaration.
    ReservedWord,
    /// The grammar of codes.
    CodeGrammar,
    /// The grammar of labels.
    LabelGrammar,
    /// Remove the label: it is always unknown.
    MalformedLabel,
    /// Check the spelling of the code.
    CheckSpelling,
    /// Declare `sub_code` with its values.
    DeclareSubCode,
    /// Add the vendor's code to the values, and to a rule.
    OnVendorPage,
    // Conditions and rules.
    /// Use `[policy.otherwise]` for the other inputs.
    UseOtherwise,
    /// Write the condition in quotes.
    ConditionInQuotes,
    /// Write a comparison in quotes.
    ComparisonInQuotes,
    /// Remove the condition to allow every value.
    RemoveCondition,
    /// The comparisons that a condition may use.
    Comparisons,
    /// The range of the score.
    Range {
        /// The lowest score.
        least: f64,
        /// The highest score.
        most: f64,
    },
    /// The lower bound of the condition is above its upper bound.
    LowerAboveUpper,
    /// Join comparisons with `and`, or write two rules.
    JoinWithAnd,
    /// Write a comparison on both sides of `and`.
    BothSidesOfAnd,
    /// Write a number, or a threshold as `$name`.
    NumberOrThreshold,
    /// Add a rule.
    AddRule,
    /// Add a rule that names the value.
    NameIt,
    /// Add a rule that names the label, or remove the label.
    NameOrRemove,
    /// A case with the problem.
    ForExample(Case),
    /// No input meets the conditions of the rule.
    NoInput,
    /// Earlier rules decide the cells of the rule: the id of each, and its number of cells.
    HiddenBy(Vec<(String, usize)>),
    /// Remove inputs or thresholds.
    RemoveInputs,
    // Approvals.
    /// `otherwise` cannot approve.
    NeverApproved,
    /// Declare `passed`, and require it in each rule that approves.
    DeclarePassed,
    /// Write a reason for each input of `against_vendor`.
    ReasonOfEachInput,
    /// Remove `against_vendor`: the rule does not approve.
    OnlyApprovals,
    /// Remove the reason.
    RemoveReason,
    /// Exclude the case from the rule, or give a reason.
    ExcludeOrReason {
        /// The input that needs the reason.
        input: &'static str,
        /// A case that the rule approves.
        example: Case,
    },
    // Assertions and examples.
    /// Write `never` with `when`, or `monotone` with `order`.
    NeverOrMonotone,
    /// List the verdicts from the worst to the best.
    WorstToBest,
    /// A case in which the assertion fails.
    Counterexample(DecidedCase),
    /// Two cases in which the verdict gets worse as the score gets higher.
    Falling {
        /// The case with the lower score.
        low: DecidedCase,
        /// The case with the higher score.
        high: DecidedCase,
    },
    /// Give the example another name.
    OwnName,
    /// Write `input` and `expect`, each in braces.
    BothInBraces,
    /// Write a value of this kind.
    ExampleValue(InputKind),
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Suggestion(suggestion) => return suggestion.fmt(f),
            Self::Write(text) => return write!(f, "write {text}"),
            Self::BeginWith(text) => return write!(f, "begin with `{text}`"),
            Self::DecimalComma(number) => {
                return write!(f, "if this is a number with a decimal comma, write {number}");
            }
            Self::DecimalPoint(number) => return write!(f, "write the decimal point as a point: {number}"),
            Self::AsTable => "write it as `{ name = value }` or with a heading",
            Self::TwoBrackets => "write each with two brackets, such as [[rule]]",
            Self::InQuotes => "write it in quotes",
            Self::WithoutQuotes(text) => return write!(f, "write {text}, without quotes"),
            Self::Remove => "remove it",
            Self::RemoveThem => "remove them",
            Self::RemoveOne => "remove one of the two",
            Self::OtherId => "use a different id; `otherwise` is reserved",
            Self::OtherwiseNeeds => "it needs `decision` and `reason`, for inputs that no rule covers",
            Self::UseThreshold => "use it as $name, or remove it",
            Self::ChangeOrder => "change a value, or `order` in [thresholds]",
            Self::OneOrder => "write one list of names, or a list of lists",
            Self::RemoveRate => "remove `far`",
            Self::AsFraction => "write it as a fraction, such as 1/10000",
            Self::NoRateBeyond => "the table covers 70 to 80; remove `far`",
            Self::VendorRate { score, rate, is_exact, claim, at } => {
                let about = if *is_exact { "" } else { "about " };
                return write!(f, "{score} is {about}{rate}; {claim} is at {at}");
            }
            Self::DeclareInputs => "declare each input that the rules use",
            Self::TypeIs(kind) => return write!(f, "its type is \"{kind}\""),
            Self::ReservedWord => {
                "remove it: conditions use the word without a declaration, and `null` is missing"
            }
            Self::CodeGrammar => {
                "a code is 1 to 15 digits without a leading zero; every other value is `unknown`"
            }
            Self::LabelGrammar => {
                "a label has no comma, no blank at its beginning or end, and no `[` at its beginning"
            }
            Self::MalformedLabel => "remove it: a malformed label is `unknown`",
            Self::CheckSpelling => "check the spelling; an approval on it needs a reason",
            Self::DeclareSubCode => "declare it: sub_code = { type = \"code\", values = [\"200\", ..] }",
            Self::OnVendorPage => "it is on the vendor's page; add it to the values and to a rule",
            Self::UseOtherwise => "use [policy.otherwise] for every other input",
            Self::ConditionInQuotes => "write it in quotes, such as \"T\" or \">= 75\"",
            Self::ComparisonInQuotes => "write a comparison in quotes, such as \">= 75\"",
            Self::RemoveCondition => "remove the condition to allow every value",
            Self::Comparisons => {
                "allowed: a comparison (>=, >, <=, <) with a number or a $threshold, several joined by `and`, or `valid`, or `invalid`"
            }
            Self::Range { least, most } => return write!(f, "the range is {least} to {most}"),
            Self::LowerAboveUpper => "the lower bound is above the upper one",
            Self::JoinWithAnd => "join comparisons with `and`; for `or` write two rules",
            Self::BothSidesOfAnd => "write a comparison such as `>= 75` on both sides of `and`",
            Self::NumberOrThreshold => "write a number, or a threshold such as $match_auto",
            Self::AddRule => "add at least one",
            Self::NameIt => "add a rule that names it",
            Self::NameOrRemove => {
                "add a rule that names it, or remove it from the list: then it is unknown"
            }
            Self::ForExample(case) => return write!(f, "for example: {case}"),
            Self::NoInput => "no input meets all of its conditions",
            Self::HiddenBy(rules) => {
                let rules = rules.iter().map(|(rule, count)| format!("`{rule}` ({})", cells(*count)));
                let rules = rules.collect::<Vec<_>>().join(", ");
                return write!(f, "earlier rules cover its cells: {rules}; move it up, or remove it");
            }
            Self::RemoveInputs => "remove inputs or thresholds that no rule needs",
            Self::NeverApproved => "an input that no rule covers is never approved",
            Self::DeclarePassed => {
                "declare passed = { type = \"flag\" }, and require \"T\" in each rule that approves"
            }
            Self::ReasonOfEachInput => {
                "write a reason for each input: against_vendor = { face_occlusion = \"why\" }"
            }
            Self::OnlyApprovals => "remove it: only a rule that approves needs a reason",
            Self::RemoveReason => "remove the reason",
            Self::ExcludeOrReason { input, example } => {
                return write!(
                    f,
                    "exclude this case, or add a reason to the rule: against_vendor = {{ {input} = \"..\" }}; for example: {example}"
                );
            }
            Self::NeverOrMonotone => "write either `never` and `when`, or `monotone` and `order`",
            Self::WorstToBest => "from the worst to the best: [\"reject\", \"retry\", \"review\", \"approve\"]",
            Self::Counterexample(DecidedCase { rule, verdict, case }) => {
                return write!(f, "for example: rule `{rule}` gives {verdict} where {case}");
            }
            Self::Falling { low, high } => {
                return write!(
                    f,
                    "for example: rule `{}` gives {} where {}, and rule `{}` gives {} where {}",
                    low.rule, low.verdict, low.case, high.rule, high.verdict, high.case
                );
            }
            Self::OwnName => "give each example its own name",
            Self::BothInBraces => "write both, each in braces",
            Self::ExampleValue(InputKind::Score) => "write a number; `nan` is an invalid score",
            Self::ExampleValue(InputKind::Flag) => "write \"T\" or \"F\"; another string is an invalid flag",
            Self::ExampleValue(InputKind::Code) => "write the code in quotes",
            Self::ExampleValue(InputKind::Labels) => "write each label in quotes",
        })
    }
}
