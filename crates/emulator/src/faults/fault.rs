//! A fault: what goes wrong between client and service, and which calls it affects.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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

/// The longest delay, the longest pause and the longest time to wait.
pub(super) const LONGEST_TIME: Duration = Duration::from_secs(3600);

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
                Duration::try_from_secs_f64(seconds).map_or(LONGEST_TIME, |time| time.min(LONGEST_TIME))
            }
        }
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
