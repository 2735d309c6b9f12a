//! Magic identities: ID numbers that determine the course of a verification.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id_number::SYNTHETIC_AREA;
use super::outcome::SessionOutcome;
use crate::faults::{FaultKind, Latency};
use crate::http::{Message, both};

/// The largest number of three digits.
pub(crate) const MAX_DIGITS: u16 = 999;

/// The behaviour that an ID number selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Magic {
    /// Nothing: the end user passes.
    None,
    /// The SubCode of the result.
    SubCode(u16),
    /// The Code of `InitFaceVerify`.
    InitCode(u16),
    /// The Code of `DescribeFaceVerify`.
    DescribeCode(u16),
    /// The `verifyScore`, in tenths.
    ScoreTenths(u16),
    /// The number of `DescribeFaceVerify` calls that are answered 424 before the result.
    PendingFirst(u16),
    /// The number of a [`CallbackScenario`].
    Callback(u16),
    /// The number of an [`EndUserScenario`].
    #[serde(rename = "Person")]
    EndUser(u16),
    /// The index in [`FAULTS`] of the fault of the next `DescribeFaceVerify`.
    Fault(u16),
}

/// How the callback of an identity born on 2002-01-01 differs from a normal one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallbackScenario {
    Normal,
    Never,
    Twice,
    Late,
    WrongToken,
    BeforeResult,
    OtherShape,
}

/// The action of the end user of an identity born on 2003-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndUserScenario {
    Submits,
    Cancels,
    LetsExpire,
}

/// The fault of the next `DescribeFaceVerify` of an identity born on 2004-01-01, by its digits.
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
    /// Returns what an ID number selects.
    pub(crate) fn of(id_number: &str) -> Self {
        let (Some(SYNTHETIC_AREA), Some(born), Some(digits)) = (
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
            "20030101" => Self::EndUser(digits),
            "20040101" => Self::Fault(digits),
            _ => Self::None,
        }
    }

    /// Returns whether an ID number can select this: it has three digits for it.
    pub(crate) const fn is_possible(self) -> bool {
        match self {
            Self::None => true,
            Self::SubCode(digits)
            | Self::InitCode(digits)
            | Self::DescribeCode(digits)
            | Self::ScoreTenths(digits)
            | Self::PendingFirst(digits)
            | Self::Callback(digits)
            | Self::EndUser(digits)
            | Self::Fault(digits) => digits <= MAX_DIGITS,
        }
    }

    /// Returns the outcome that the identity selects, if it selects one.
    pub(crate) fn outcome(self) -> Option<SessionOutcome> {
        match self {
            Self::SubCode(code) => Some(SessionOutcome::with_sub_code(&code.to_string())),
            Self::ScoreTenths(tenths) => Some(SessionOutcome::with_score(f64::from(tenths) / 10.0)),
            _ => None,
        }
    }

    pub(crate) const fn callback(self) -> CallbackScenario {
        match self {
            Self::Callback(1) => CallbackScenario::Never,
            Self::Callback(2) => CallbackScenario::Twice,
            Self::Callback(3) => CallbackScenario::Late,
            Self::Callback(4) => CallbackScenario::WrongToken,
            Self::Callback(5) => CallbackScenario::BeforeResult,
            Self::Callback(6) => CallbackScenario::OtherShape,
            _ => CallbackScenario::Normal,
        }
    }

    pub(crate) const fn end_user(self) -> EndUserScenario {
        match self {
            Self::EndUser(1) => EndUserScenario::Cancels,
            Self::EndUser(2) => EndUserScenario::LetsExpire,
            _ => EndUserScenario::Submits,
        }
    }

    /// Returns a description of what the identity selects, in both languages.
    pub(crate) fn description(self) -> Message {
        let same = |text: String| Message::new(text.clone(), text);
        match self {
            Self::None => same(String::new()),
            Self::SubCode(code) => same(format!("SubCode {code}")),
            Self::InitCode(code) => same(format!("InitFaceVerify {code}")),
            Self::DescribeCode(code) => same(format!("DescribeFaceVerify {code}")),
            Self::ScoreTenths(tenths) => same(format!("verifyScore {}", f64::from(tenths) / 10.0)),
            Self::PendingFirst(questions) => same(format!("424 x {questions}")),
            Self::Callback(_) => match self.callback() {
                CallbackScenario::Normal => both("a callback", "正常回调"),
                CallbackScenario::Never => both("no callback", "不回调"),
                CallbackScenario::Twice => both("two callbacks", "回调两次"),
                CallbackScenario::Late => both("a late callback", "延迟回调"),
                CallbackScenario::WrongToken => {
                    both("a callback with another token", "回调的 callbackToken 有误")
                }
                CallbackScenario::BeforeResult => {
                    both("a callback before the result is available", "结果可查询之前回调")
                }
                CallbackScenario::OtherShape => {
                    both("a callback with passed=Y&subCode=", "回调参数为 passed=Y&subCode=")
                }
            }
            .into(),
            Self::EndUser(_) => match self.end_user() {
                EndUserScenario::Submits => both("the end user passes", "用户通过认证"),
                EndUserScenario::Cancels => both("the end user cancels", "用户放弃认证"),
                EndUserScenario::LetsExpire => both("the link expires", "链接过期"),
            }
            .into(),
            Self::Fault(fault) => FAULTS.get(usize::from(fault)).map_or_else(
                || same(String::new()),
                |fault| {
                    let fault = serde_json::to_string(fault).unwrap_or_default();
                    Message::new(
                        format!("the next DescribeFaceVerify: {fault}"),
                        format!("下一次 DescribeFaceVerify：{fault}"),
                    )
                },
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::id_number::{id_number, is_id_number, is_synthetic};
    use super::*;

    #[test]
    fn published_examples_follow_the_rule() {
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
