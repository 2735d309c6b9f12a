//! Magic identities: ID numbers that determine the course of a verification.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id_number::AREA;
use super::outcome::Outcome;
use crate::faults::{FaultKind, Latency};

/// What an ID number asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Magic {
    /// Nothing: the person passes.
    None,
    /// This SubCode.
    SubCode(u16),
    /// This Code of `InitFaceVerify`.
    InitCode(u16),
    /// This Code of `DescribeFaceVerify`.
    DescribeCode(u16),
    /// This `verifyScore`, in tenths.
    ScoreTenths(u16),
    /// So many questions are answered 424 first.
    PendingFirst(u16),
    /// How the callback goes wrong; see `CALLBACK_NEVER` and its neighbours.
    Callback(u16),
    /// What the person does instead: 1 gives up, 2 lets the link die.
    Person(u16),
    /// What goes wrong with the next question; see [`FAULTS`].
    Fault(u16),
}

/// What the last digit of a callback's identity means.
pub(crate) const CALLBACK_NEVER: u16 = 1;
pub(crate) const CALLBACK_TWICE: u16 = 2;
pub(crate) const CALLBACK_LATE: u16 = 3;
pub(crate) const CALLBACK_WRONG_TOKEN: u16 = 4;
pub(crate) const CALLBACK_TOO_SOON: u16 = 5;
pub(crate) const CALLBACK_OTHER_SHAPE: u16 = 6;

/// What goes wrong with the next `DescribeFaceVerify` of an identity born on 2004-01-01, by its digits.
pub(crate) const FAULTS: [FaultKind; 10] = [
    FaultKind::Latency(Latency::Fixed(Duration::from_secs(12))),
    FaultKind::Reset,
    FaultKind::TruncatedAt(200),
    FaultKind::MalformedJson,
    FaultKind::HtmlBadGateway,
    FaultKind::Empty,
    FaultKind::Status(500),
    FaultKind::Status(503),
    FaultKind::Throttle(Duration::from_millis(500)),
    FaultKind::Dribble(Duration::from_millis(100)),
];

impl Magic {
    pub(crate) fn of(id_number: &str) -> Self {
        let (Some(AREA), Some(born), Some(digits)) = (
            id_number.get(..6),
            id_number.get(6..14),
            id_number.get(14..17).and_then(|digits| digits.parse().ok()),
        ) else {
            return Self::None;
        };
        match born {
            "19900101" => Self::SubCode(digits),
            "19910101" => Self::InitCode(digits),
            "19920101" => Self::DescribeCode(digits),
            "20000101" => Self::ScoreTenths(digits),
            "20010101" => Self::PendingFirst(digits),
            "20020101" => Self::Callback(digits),
            "20030101" => Self::Person(digits),
            "20040101" => Self::Fault(digits),
            _ => Self::None,
        }
    }

    /// How a submission ends that nobody chose the end of; `None` if the identity does not say.
    pub(crate) fn outcome(self) -> Option<Outcome> {
        match self {
            Self::SubCode(code) => Some(Outcome::with_sub_code(&code.to_string())),
            Self::ScoreTenths(tenths) => Some(Outcome::with_score(f64::from(tenths) / 10.0)),
            _ => None,
        }
    }

    /// What is asked for, in words.
    pub(crate) fn words(self) -> String {
        match self {
            Self::None => String::new(),
            Self::SubCode(code) => format!("SubCode {code}"),
            Self::InitCode(code) => format!("InitFaceVerify {code}"),
            Self::DescribeCode(code) => format!("DescribeFaceVerify {code}"),
            Self::ScoreTenths(tenths) => format!("verifyScore {}", f64::from(tenths) / 10.0),
            Self::PendingFirst(questions) => format!("424 x {questions}"),
            Self::Callback(how) => match how {
                CALLBACK_NEVER => "no callback",
                CALLBACK_TWICE => "two callbacks",
                CALLBACK_LATE => "a late callback",
                CALLBACK_WRONG_TOKEN => "a callback with another token",
                CALLBACK_TOO_SOON => "a callback before the result is told",
                CALLBACK_OTHER_SHAPE => "a callback with passed=Y&subCode=",
                _ => "a callback",
            }
            .to_owned(),
            Self::Person(1) => "the person gives up".to_owned(),
            Self::Person(2) => "the link dies".to_owned(),
            Self::Person(_) => "the person passes".to_owned(),
            Self::Fault(fault) => FAULTS.get(usize::from(fault)).map_or_else(String::new, |fault| {
                format!("the next question: {}", serde_json::to_string(fault).unwrap_or_default())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::id_number::{id_number, is_id_number, is_synthetic};
    use super::*;

    #[test]
    fn the_published_examples_are_what_the_rule_gives() {
        for (born, digits, number, magic) in [
            ("19900101", 200, "999999199001012003", Magic::SubCode(200)),
            ("19900101", 201, "999999199001012011", Magic::SubCode(201)),
            ("19900101", 204, "999999199001012046", Magic::SubCode(204)),
            ("19900101", 205, "999999199001012054", Magic::SubCode(205)),
            ("19900101", 210, "99999919900101210X", Magic::SubCode(210)),
            ("19910101", 401, "999999199101014014", Magic::InitCode(401)),
            ("19910101", 417, "99999919910101417X", Magic::InitCode(417)),
            ("19920101", 403, "999999199201014038", Magic::DescribeCode(403)),
            ("19920101", 424, "999999199201014249", Magic::DescribeCode(424)),
            ("20000101", 699, "999999200001016990", Magic::ScoreTenths(699)),
            ("20000101", 700, "999999200001017002", Magic::ScoreTenths(700)),
            ("20000101", 800, "999999200001018005", Magic::ScoreTenths(800)),
            ("20010101", 3, "999999200101010035", Magic::PendingFirst(3)),
        ] {
            assert_eq!(id_number(born, digits).as_deref(), Some(number));
            assert_eq!(Magic::of(number), magic);
            assert!(is_id_number(number) && is_synthetic(number));
        }
        assert!(!is_id_number("999999199001012004") && !is_id_number("99999919900101200"));
        assert_eq!(id_number("1990", 1), None);
    }
}
