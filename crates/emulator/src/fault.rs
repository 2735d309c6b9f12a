//! Fault injection: the faults between a client and the service, and the calls that they affect.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::time::span;

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
    /// As [`CloseAfterActing`](Self::CloseAfterActing), with a TCP reset.
    Reset,
    /// Closes the connection after this many bytes of the answer, including its head.
    TruncatedAt(usize),
    /// Sends the answer one byte at a time, with this pause before each.
    Dribble(#[serde(with = "span")] Duration),
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
    Throttle(#[serde(with = "span")] Duration),
}

/// The distribution of an added delay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Latency {
    /// A constant delay.
    Fixed(#[serde(with = "span")] Duration),
    /// Uniform between the first and the second.
    Uniform(#[serde(with = "span")] Duration, #[serde(with = "span")] Duration),
    /// Log-normal: half of the delays are below the median, a few are far above it.
    LogNormal {
        /// The median.
        #[serde(with = "span")]
        median: Duration,
        /// The standard deviation of the logarithm; 0.5 is usual on networks.
        sigma: f64,
    },
}

impl Latency {
    fn draw(self, one: f64, other: f64) -> Duration {
        match self {
            Self::Fixed(time) => time,
            Self::Uniform(least, most) => least + most.saturating_sub(least).mul_f64(one),
            Self::LogNormal { median, sigma } => {
                // Box and Muller's way to a normal deviate.
                let radius = (-2.0 * (1.0 - one).ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * other).cos();
                let seconds = median.as_secs_f64() * (sigma * normal).exp();
                Duration::try_from_secs_f64(seconds).unwrap_or(median)
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
    kind: FaultKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certify_id: Option<String>,
    #[serde(default = "always")]
    probability: f64,
    #[serde(rename = "times", default, skip_serializing_if = "Option::is_none")]
    left: Option<u32>,
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

    /// Applies the fault with this probability. The draws follow from the emulator's seed.
    pub const fn probability(mut self, part: f64) -> Self {
        self.probability = part;
        self
    }

    /// Applies the fault at most this many times.
    pub const fn times(mut self, times: u32) -> Self {
        self.left = Some(times);
        self
    }

    fn meets(&self, call: &Call<'_>) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        // What is closed unread is met by its head, where nothing is known, and by nothing else.
        (self.kind == FaultKind::CloseUnread) == call.unread
            && is(&self.action, call.action)
            && is(&self.order, call.order)
            && is(&self.certify_id, call.certify_id)
    }
}

/// What is known of a call.
#[derive(Debug, Default)]
pub(crate) struct Call<'a> {
    pub(crate) unread: bool,
    pub(crate) action: Option<&'a str>,
    pub(crate) order: Option<&'a str>,
    pub(crate) certify_id: Option<&'a str>,
}

/// What is to go wrong with one call: a delay, and at most one thing more.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) delay: Duration,
    pub(crate) fault: Option<FaultKind>,
}

/// The most faults that are kept.
pub(crate) const KEPT: usize = 1000;

/// The faults in force, in the order in which they were given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Faults {
    list: Vec<Fault>,
    seed: u64,
    drawn: u64,
}

impl Faults {
    pub(crate) const fn new(seed: u64, list: Vec<Fault>) -> Self {
        Self { list, seed, drawn: 0 }
    }

    /// Adds a fault. It replaces the oldest if there are already [`KEPT`].
    pub(crate) fn add(&mut self, fault: Fault) {
        if self.list.len() >= KEPT {
            drop(self.list.remove(0));
        }
        self.list.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    pub(crate) fn list(&self) -> &[Fault] {
        &self.list
    }

    /// What a call meets: every delay, and of the rest the first.
    pub(crate) fn plan(&mut self, call: &Call<'_>) -> Plan {
        let mut plan = Plan::default();
        for at in 0..self.list.len() {
            let Some(fault) = self.list.get(at).filter(|fault| fault.meets(call)) else { continue };
            let (kind, probability) = (fault.kind, fault.probability);
            let is_delay = matches!(kind, FaultKind::Latency(_));
            if (!is_delay && plan.fault.is_some()) || self.draw() >= probability {
                continue;
            }
            match kind {
                FaultKind::Latency(latency) => plan.delay += latency.draw(self.draw(), self.draw()),
                other => plan.fault = Some(other),
            }
            if let Some(left) = self.list.get_mut(at).and_then(|fault| fault.left.as_mut()) {
                *left = left.saturating_sub(1);
            }
        }
        self.list.retain(|fault| fault.left != Some(0));
        plan
    }

    /// From zero to below one, by the seed and by how many were drawn before.
    fn draw(&mut self) -> f64 {
        self.drawn += 1;
        let digest = Sha256::digest(format!("{} fault {}", self.seed, self.drawn));
        let number = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        (number >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(id: &str) -> Call<'_> {
        Call { action: Some("DescribeFaceVerify"), certify_id: Some(id), ..Call::default() }
    }

    #[test]
    fn a_fault_meets_what_it_is_narrowed_to_and_as_often_as_it_may() {
        let fault = Fault::new(FaultKind::Empty).action("DescribeFaceVerify").certify_id("a").times(2);
        let mut faults = Faults::new(0, vec![fault]);
        let init = Call { action: Some("InitFaceVerify"), ..Call::default() };
        let met: Vec<bool> = [describe("b"), init, describe("a"), describe("a"), describe("a")]
            .iter()
            .map(|call| faults.plan(call).fault.is_some())
            .collect();
        assert_eq!(met, [false, false, true, true, false]);
    }

    #[test]
    fn keeps_a_bounded_number_of_faults() {
        let mut faults = Faults::new(0, Vec::new());
        (0..KEPT + 5).for_each(|at| faults.add(Fault::new(FaultKind::TruncatedAt(at))));
        assert_eq!(faults.list().len(), KEPT);
        assert_eq!(faults.list()[0], Fault::new(FaultKind::TruncatedAt(5)), "the oldest go first");
    }

    #[test]
    fn what_is_closed_unread_is_met_before_anything_is_known() {
        let mut faults = Faults::new(0, vec![Fault::new(FaultKind::CloseUnread)]);
        assert_eq!(faults.plan(&describe("a")).fault, None);
        let unread = Call { unread: true, ..Call::default() };
        assert_eq!(faults.plan(&unread).fault, Some(FaultKind::CloseUnread));
    }

    #[test]
    fn a_fault_is_read_as_it_is_written() {
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
        assert!(serde_json::from_str::<Fault>(r#"{"fault":"reset","tims":2}"#).is_err(), "a slip is told");
    }

    #[test]
    fn delays_add_up_and_the_first_of_the_rest_counts() {
        let millis = |millis| FaultKind::Latency(Latency::Fixed(Duration::from_millis(millis)));
        let kinds = [millis(20), FaultKind::Empty, FaultKind::Reset, millis(30)];
        let mut faults = Faults::new(0, kinds.map(Fault::new).to_vec());
        let expected = Plan { delay: Duration::from_millis(50), fault: Some(FaultKind::Empty) };
        assert_eq!(faults.plan(&describe("a")), expected);
    }

    #[test]
    fn the_same_seed_draws_the_same_and_about_as_often_as_asked() {
        let run = |seed| {
            let mut faults = Faults::new(seed, vec![Fault::new(FaultKind::Empty).probability(0.3)]);
            (0..1000).map(|_| faults.plan(&describe("a")).fault.is_some()).collect::<Vec<_>>()
        };
        let met = run(7).iter().filter(|met| **met).count();
        assert!(run(7) == run(7) && run(7) != run(8) && (250..350).contains(&met), "{met}");
    }

    #[test]
    fn delays_are_spread_as_they_say() {
        let millis = Duration::from_millis;
        let mut faults = Faults::new(1, Vec::new());
        let mut draws = |latency: Latency| {
            let mut all: Vec<_> = (0..2001).map(|_| latency.draw(faults.draw(), faults.draw())).collect();
            all.sort();
            (all[0], all[1000], all[1681], all[2000])
        };
        let (least, median, _, most) = draws(Latency::Uniform(millis(10), millis(20)));
        assert!(least >= millis(10) && most <= millis(20) && median > millis(14) && median < millis(16));
        // A standard deviation above the median lies 84 percent.
        let (_, median, above, _) = draws(Latency::LogNormal { median: millis(100), sigma: 0.5 });
        assert!((millis(93)..millis(107)).contains(&median), "{median:?}");
        assert!((millis(150)..millis(180)).contains(&above), "{above:?}");
    }
}
