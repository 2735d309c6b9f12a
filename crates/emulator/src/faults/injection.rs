//! The active faults, and the selection of those that affect a call.

use std::time::Duration;

use cloudauth_protocol::Bilingual;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::fault::{Fault, FaultKind};
use crate::http::both;

/// The properties of a call that faults match.
#[derive(Debug, Default)]
pub(crate) struct CallFacts<'a> {
    pub(crate) unread: bool,
    pub(crate) action: Option<&'a str>,
    pub(crate) order: Option<&'a str>,
    pub(crate) certify_id: Option<&'a str>,
}

/// The faults of one call: a delay, and at most one other fault.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct FaultPlan {
    pub(crate) delay: Duration,
    pub(crate) fault: Option<FaultKind>,
}

/// The maximum number of active faults.
pub(crate) const MAX_FAULTS: usize = 1000;

/// The active faults, in the order in which they were added.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FaultInjector {
    list: Vec<Fault>,
    seed: u64,
    drawn: u64,
}

impl FaultInjector {
    pub(crate) const fn new(seed: u64, list: Vec<Fault>) -> Self {
        Self { list, seed, drawn: 0 }
    }

    /// Adds a fault. It replaces the oldest if there are already [`MAX_FAULTS`].
    pub(crate) fn add(&mut self, fault: Fault) {
        if self.list.len() >= MAX_FAULTS {
            drop(self.list.remove(0));
        }
        self.list.push(fault);
    }

    /// Checks saved faults, which may have been edited.
    pub(crate) fn check(&self) -> Result<(), Bilingual> {
        if self.list.len() > MAX_FAULTS {
            return Err(both("there are more than 1,000 faults", "故障超过 1,000 个"));
        }
        self.list.iter().try_for_each(Fault::check).map_err(|error| error.problem())
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    pub(crate) fn list(&self) -> &[Fault] {
        &self.list
    }

    /// Selects the faults of a call: all delays, and the first of the other faults.
    pub(crate) fn plan(&mut self, call: &CallFacts<'_>) -> FaultPlan {
        let mut plan = FaultPlan::default();
        for at in 0..self.list.len() {
            let Some(fault) = self.list.get(at).filter(|fault| affects(fault, call)) else { continue };
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

    /// Returns the next pseudorandom number in `0.0..1.0`. The seed and the number of previous draws
    /// determine it.
    fn draw(&mut self) -> f64 {
        self.drawn = self.drawn.wrapping_add(1);
        let digest = Sha256::digest(format!("{} fault {}", self.seed, self.drawn));
        let number = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        (number >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn affects(fault: &Fault, call: &CallFacts<'_>) -> bool {
    let is = |wanted: &Option<String>, found: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
    };
    // `CloseUnread` is the only fault that applies before the request is read.
    (fault.kind == FaultKind::CloseUnread) == call.unread
        && is(&fault.action, call.action)
        && is(&fault.order, call.order)
        && is(&fault.certify_id, call.certify_id)
}

#[cfg(test)]
mod tests {
    use super::super::fault::Latency;
    use super::*;

    fn describe(id: &str) -> CallFacts<'_> {
        CallFacts { action: Some("DescribeFaceVerify"), certify_id: Some(id), ..CallFacts::default() }
    }

    #[test]
    fn a_fault_affects_only_matching_calls_and_at_most_its_number_of_times() {
        let fault = Fault::new(FaultKind::Empty).action("DescribeFaceVerify").certify_id("a").times(2);
        let mut faults = FaultInjector::new(0, vec![fault]);
        let init = CallFacts { action: Some("InitFaceVerify"), ..CallFacts::default() };
        let met: Vec<bool> = [describe("b"), init, describe("a"), describe("a"), describe("a")]
            .iter()
            .map(|call| faults.plan(call).fault.is_some())
            .collect();
        assert_eq!(met, [false, false, true, true, false]);
    }

    #[test]
    fn keeps_a_bounded_number_of_faults() {
        let mut faults = FaultInjector::new(0, Vec::new());
        (0..MAX_FAULTS + 5).for_each(|at| faults.add(Fault::new(FaultKind::TruncatedAt(at))));
        assert_eq!(faults.list().len(), MAX_FAULTS);
        assert_eq!(faults.list()[0], Fault::new(FaultKind::TruncatedAt(5)), "the oldest are dropped first");
    }

    #[test]
    fn close_unread_applies_before_the_request_is_read() {
        let mut faults = FaultInjector::new(0, vec![Fault::new(FaultKind::CloseUnread)]);
        assert_eq!(faults.plan(&describe("a")).fault, None);
        let unread = CallFacts { unread: true, ..CallFacts::default() };
        assert_eq!(faults.plan(&unread).fault, Some(FaultKind::CloseUnread));
    }

    #[test]
    fn adds_all_delays_and_applies_the_first_other_fault() {
        let millis = |millis| FaultKind::Latency(Latency::Fixed(Duration::from_millis(millis)));
        let kinds = [millis(20), FaultKind::Empty, FaultKind::Reset, millis(30)];
        let mut faults = FaultInjector::new(0, kinds.map(Fault::new).to_vec());
        let expected = FaultPlan { delay: Duration::from_millis(50), fault: Some(FaultKind::Empty) };
        assert_eq!(faults.plan(&describe("a")), expected);
    }

    #[test]
    fn draws_follow_from_the_seed_and_match_the_probability() {
        let run = |seed| {
            let mut faults = FaultInjector::new(seed, vec![Fault::new(FaultKind::Empty).probability(0.3)]);
            (0..1000).map(|_| faults.plan(&describe("a")).fault.is_some()).collect::<Vec<_>>()
        };
        let met = run(7).iter().filter(|met| **met).count();
        assert!(run(7) == run(7) && run(7) != run(8) && (250..350).contains(&met), "{met}");
    }

    #[test]
    fn delays_follow_their_distribution() {
        let millis = Duration::from_millis;
        let mut faults = FaultInjector::new(1, Vec::new());
        let mut draws = |latency: Latency| {
            let mut all: Vec<_> = (0..2001).map(|_| latency.draw(faults.draw(), faults.draw())).collect();
            all.sort();
            (all[0], all[1000], all[1681], all[2000])
        };
        let (least, median, _, most) = draws(Latency::Uniform(millis(10), millis(20)));
        assert!(least >= millis(10) && most <= millis(20) && median > millis(14) && median < millis(16));
        // The 84th percentile is one standard deviation above the median.
        let (_, median, above, _) = draws(Latency::LogNormal { median: millis(100), sigma: 0.5 });
        assert!((millis(93)..millis(107)).contains(&median), "{median:?}");
        assert!((millis(150)..millis(180)).contains(&above), "{above:?}");
    }
}
