//! How to fix a problem of a policy file. `Display` is the English text.

use std::fmt;

use super::kind::{Decided, cells};
use crate::evidence::input::InputKind;
use crate::suggest::Suggestion;

/// The likely fix of a problem, or the allowed values. Exhaustive on purpose, as [`ProblemKind`](super::ProblemKind) is.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "`Display` explains each hint with the values of its fields")]
pub enum Hint {
    Suggestion(Suggestion),
    /// The text to write.
    Write(String),
    // The file.
    BeginWith(String),
    DecimalComma(String),
    DecimalPoint(String),
    AsTable,
    TwoBrackets,
    InQuotes,
    WithoutQuotes(&'static str),
    Remove,
    RemoveThem,
    RemoveOne,
    OtherId,
    OtherwiseNeeds,
    // Thresholds and inputs.
    UseThreshold,
    ChangeOrder,
    OneOrder,
    RemoveRate,
    AsFraction,
    NoRateBeyond,
    VendorRate {
        score: f64,
        rate: String,
        is_exact: bool,
        claim: String,
        at: f64,
    },
    DeclareInputs,
    TypeIs(InputKind),
    ReservedWord,
    CodeGrammar,
    LabelGrammar,
    MalformedLabel,
    CheckSpelling,
    DeclareSubCode,
    OnVendorPage,
    // Conditions and rules.
    UseOtherwise,
    ConditionInQuotes,
    ComparisonInQuotes,
    RemoveCondition,
    Comparisons,
    Range {
        least: f64,
        most: f64,
    },
    LowerAboveUpper,
    JoinWithAnd,
    BothSidesOfAnd,
    NumberOrThreshold,
    AddRule,
    NameIt,
    NameOrRemove,
    ForExample(String),
    NoInput,
    HiddenBy(Vec<(String, usize)>),
    RemoveInputs,
    // Approvals.
    NeverApproved,
    DeclarePassed,
    ReasonOfEachInput,
    OnlyApprovals,
    RemoveReason,
    ExcludeOrReason {
        input: &'static str,
        example: String,
    },
    // Assertions and examples.
    NeverOrMonotone,
    WorstToBest,
    Counterexample(Decided),
    Falling {
        low: Decided,
        high: Decided,
    },
    OwnName,
    BothInBraces,
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
            Self::Counterexample(Decided { rule, verdict, case }) => {
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
