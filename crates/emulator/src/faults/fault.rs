//! A fault: what goes wrong between client and service, and which calls it affects.

use std::fmt;
use std::time::Duration;

use cloudauth_protocol::Bilingual;
use serde::{Deserialize, Serialize};

use crate::http::both;
use crate::time::millis;

/// A kind of fault. As JSON: `"reset"` or `{"truncated_at": 200}`. Times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// Delays the answer.
    Latency(Latency),
    /// Closes the connection before the request is read. The action is not known at that time.
    CloseUnread,
    /// Closes the connection after the request is read. The call is not carried out.
    CloseBeforeActing,
    /// Closes the connection after the call is carried out.
    CloseAfterActing,
    /// Like [`CloseAfterActing`](Self::CloseAfterActing), but with a TCP reset.
    Reset,
    /// Closes the connection after this many bytes of the answer, including its head.
    TruncatedAt(usize),
    /// Sends the answer one byte at a time, with this pause before each.
    Dribble(#[serde(with = "millis::duration")] Duration),
    /// Answers with this HTTP status and a gateway error (`InternalError` or `ServiceUnavailable` from 500 on). The call is
    /// not carried out.
    Status(u16),
    /// Answers with HTTP 502 and an HTML page, as proxies do. The call is not carried out.
    HtmlBadGateway,
    /// Answers with HTTP 200 and an empty body.
    Empty,
    /// Answers with JSON that ends too early.
    MalformedJson,
    /// Sends the right body with the content type of a picture.
    WrongContentType,
    /// Answers with bytes that are not UTF-8.
    InvalidUtf8,
    /// Answers with JSON that contains `Code` twice, the second time `200`.
    DuplicateKeys,
    /// Appends this many bytes of white space to the JSON.
    Padded(usize),
    /// Shifts the `Date` header by this many seconds.
    WrongDate(i64),
    /// Answers with `Throttling.User` and this time to wait. The call is not carried out.
    Throttle(#[serde(with = "millis::duration")] Duration),
}

/// The distribution of an added delay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Latency {
    /// A constant delay.
    Fixed(#[serde(with = "millis::duration")] Duration),
    /// Uniform between the first and the second.
    Uniform(#[serde(with = "millis::duration")] Duration, #[serde(with = "millis::duration")] Duration),
    /// Log-normal: half of the delays are below the median, a few are far above it.
    LogNormal {
        /// The median.
        #[serde(with = "millis::duration")]
        median: Duration,
        /// The standard deviation of the logarithm; 0.5 is usual on networks.
        sigma: f64,
    },
}

impl Latency {
    pub(super) fn draw(self, one: f64, other: f64) -> Duration {
        match self {
            Self::Fixed(time) => time,
            Self::Uniform(least, most) => least + most.saturating_sub(least).mul_f64(one),
            Self::LogNormal { median, sigma } => {
                // The Box-Muller transform gives a normal deviate.
                let radius = (-2.0 * (1.0 - one).ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * other).cos();
                let seconds = median.as_secs_f64() * (sigma * normal).exp();
                Duration::try_from_secs_f64(seconds).map_or(LONGEST, |time| time.min(LONGEST))
            }
        }
    }
}

/// The longest delay, the longest pause and the longest time to wait.
const LONGEST: Duration = Duration::from_secs(3600);
/// The most bytes of white space.
const MOST_PADDING: usize = 64 << 20;
/// The largest shift of the `Date` header, in seconds: a hundred years.
const LARGEST_SHIFT: u64 = 100 * 31_557_600;

impl FaultKind {
    fn check(self) -> Result<(), FaultError> {
        let time = match self {
            Self::Status(status) if !(200..600).contains(&status) => {
                return Err(FaultError(both(
                    "`status` must be from 200 to 599",
                    "`status` 须在 200 至 599 之间",
                )));
            }
            Self::Padded(bytes) if bytes > MOST_PADDING => {
                return Err(FaultError(both("`padded` must be at most 64 MiB", "`padded` 最多 64 MiB")));
            }
            Self::WrongDate(seconds) if seconds.unsigned_abs() > LARGEST_SHIFT => {
                return Err(FaultError(both(
                    "`wrong_date` must be at most 100 years",
                    "`wrong_date` 最多 100 年",
                )));
            }
            Self::Latency(Latency::LogNormal { sigma, .. }) if !(0.0..=10.0).contains(&sigma) => {
                return Err(FaultError(both("`sigma` must be from 0 to 10", "`sigma` 须在 0 至 10 之间")));
            }
            Self::Latency(Latency::Uniform(least, most)) if least > most => {
                return Err(FaultError(both(
                    "the first time of `uniform` must not be longer than the second",
                    "`uniform` 的第一个时间不能长于第二个",
                )));
            }
            Self::Latency(Latency::Fixed(time) | Latency::Uniform(_, time)) => time,
            Self::Latency(Latency::LogNormal { median, .. }) => median,
            Self::Dribble(time) | Self::Throttle(time) => time,
            _ => Duration::ZERO,
        };
        if time > LONGEST {
            return Err(FaultError(both("a time must be at most an hour", "时间最长一小时")));
        }
        Ok(())
    }
}

/// A fault and the calls that it affects. Default: every call.
///
/// ```
/// use cloudauth_emulator::{Fault, FaultKind};
///
/// // The answers to the next two `DescribeFaceVerify` calls are cut off.
/// let fault = Fault::new(FaultKind::TruncatedAt(200)).action("DescribeFaceVerify").times(2);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct Fault {
    #[serde(rename = "fault")]
    pub(super) kind: FaultKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) order: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) certify_id: Option<String>,
    #[serde(default = "always")]
    pub(super) probability: f64,
    #[serde(rename = "times", default, skip_serializing_if = "Option::is_none")]
    pub(super) left: Option<u32>,
}

const fn always() -> f64 {
    1.0
}

impl Fault {
    /// Creates a fault that affects every call.
    pub const fn new(kind: FaultKind) -> Self {
        Self { kind, action: None, order: None, certify_id: None, probability: 1.0, left: None }
    }

    /// Limits the fault to calls of this action.
    pub fn action(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }

    /// Limits the fault to calls with this `OuterOrderNo`.
    pub fn order(mut self, order: impl Into<String>) -> Self {
        self.order = Some(order.into());
        self
    }

    /// Limits the fault to calls with this `CertifyId`.
    pub fn certify_id(mut self, id: impl Into<String>) -> Self {
        self.certify_id = Some(id.into());
        self
    }

    /// Applies the fault with this probability. The emulator's seed determines the draws.
    pub const fn probability(mut self, part: f64) -> Self {
        self.probability = part;
        self
    }

    /// Applies the fault at most this many times.
    pub const fn times(mut self, times: u32) -> Self {
        self.left = Some(times);
        self
    }

    /// Checks that the fault can happen: its action is one of the emulator's, and its numbers are in range. The admin API,
    /// [`Builder::start`](crate::Builder::start) and [`Emulator::inject`](crate::Emulator::inject) do so too.
    ///
    /// # Errors
    /// If not. The error names the field and its range.
    pub fn check(&self) -> Result<(), FaultError> {
        if self.action.as_ref().is_some_and(|action| !ACTIONS.contains(&action.as_str())) {
            return Err(FaultError(both(
                "`action` must be InitFaceVerify, DescribeFaceVerify or DeleteFaceVerifyResult",
                "`action` 须为 InitFaceVerify、DescribeFaceVerify 或 DeleteFaceVerifyResult",
            )));
        }
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(FaultError(both(
                "`probability` must be from 0 to 1",
                "`probability` 须在 0 至 1 之间",
            )));
        }
        if self.left == Some(0) {
            return Err(FaultError(both("`times` must be at least 1", "`times` 至少为 1")));
        }
        self.kind.check()
    }
}

/// The actions that the emulator carries out.
const ACTIONS: [&str; 3] = ["InitFaceVerify", "DescribeFaceVerify", "DeleteFaceVerifyResult"];

/// The error of a fault that cannot happen, in English and Chinese. It quotes no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultError(Bilingual);

impl FaultError {
    /// Returns the problem in both languages.
    #[must_use]
    pub const fn problem(&self) -> Bilingual {
        self.0
    }
}

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid fault: {}", self.0.en)
    }
}

impl std::error::Error for FaultError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_named_with_its_range() {
        let millis = Duration::from_millis;
        let hours = Duration::from_secs(3601);
        let fault = || Fault::new(FaultKind::Reset);
        let latency = |latency| Fault::new(FaultKind::Latency(latency));
        let normal = |sigma| Latency::LogNormal { median: millis(1), sigma };
        for (fault, expected) in [
            (fault().action("DescribeFaceVerfy"), "`action` must be InitFaceVerify, "),
            (fault().probability(2.0), "`probability` must be from 0 to 1"),
            (fault().probability(-0.1), "`probability` must be from 0 to 1"),
            (fault().probability(f64::NAN), "`probability` must be from 0 to 1"),
            (fault().times(0), "`times` must be at least 1"),
            (Fault::new(FaultKind::Status(99)), "`status` must be from 200 to 599"),
            (Fault::new(FaultKind::Status(600)), "`status` must be from 200 to 599"),
            (Fault::new(FaultKind::Padded(usize::MAX)), "`padded` must be at most 64 MiB"),
            (Fault::new(FaultKind::WrongDate(i64::MIN)), "`wrong_date` must be at most 100 years"),
            (Fault::new(FaultKind::Dribble(hours)), "a time must be at most an hour"),
            (Fault::new(FaultKind::Throttle(hours)), "a time must be at most an hour"),
            (latency(Latency::Fixed(hours)), "a time must be at most an hour"),
            (latency(Latency::Uniform(millis(2), millis(1))), "the first time of `uniform`"),
            (latency(normal(-0.5)), "`sigma` must be from 0 to 10"),
            (latency(normal(f64::INFINITY)), "`sigma` must be from 0 to 10"),
        ] {
            let error = fault.check().unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
        for fault in [
            fault().action("InitFaceVerify").probability(0.0).times(1),
            Fault::new(FaultKind::Status(599)).probability(1.0),
            Fault::new(FaultKind::WrongDate(-3600)),
            latency(normal(0.5)),
        ] {
            assert_eq!(fault.check(), Ok(()));
        }
    }

    #[test]
    fn faults_round_trip_through_json() {
        for (json, kind) in [
            (r#"{"fault":"reset"}"#, FaultKind::Reset),
            (r#"{"fault":{"truncated_at":9}}"#, FaultKind::TruncatedAt(9)),
            (r#"{"fault":{"dribble":20}}"#, FaultKind::Dribble(Duration::from_millis(20))),
            (
                r#"{"fault":{"latency":{"uniform":[1,2]}}}"#,
                FaultKind::Latency(Latency::Uniform(Duration::from_millis(1), Duration::from_millis(2))),
            ),
        ] {
            let fault: Fault = serde_json::from_str(json).unwrap();
            assert_eq!(fault, Fault::new(kind), "{json}");
            let again = serde_json::to_string(&fault).unwrap();
            assert_eq!(serde_json::from_str::<Fault>(&again).unwrap(), fault, "{again}");
        }
        let narrowed = r#"{"fault":"empty","action":"DescribeFaceVerify","times":2,"probability":0.5}"#;
        let expected = Fault::new(FaultKind::Empty).action("DescribeFaceVerify").times(2).probability(0.5);
        assert_eq!(serde_json::from_str::<Fault>(narrowed).unwrap(), expected);
        assert!(
            serde_json::from_str::<Fault>(r#"{"fault":"reset","tims":2}"#).is_err(),
            "unknown fields are rejected"
        );
    }
}
