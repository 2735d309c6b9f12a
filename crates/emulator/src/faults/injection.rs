//! The faults in force, and what a call meets of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::fault::{Fault, FaultKind};

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
            let Some(fault) = self.list.get(at).filter(|fault| meets(fault, call)) else { continue };
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

fn meets(fault: &Fault, call: &Call<'_>) -> bool {
    let is = |wanted: &Option<String>, found: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
    };
    // What is closed unread is met by its head, where nothing is known, and by nothing else.
    (fault.kind == FaultKind::CloseUnread) == call.unread
        && is(&fault.action, call.action)
        && is(&fault.order, call.order)
        && is(&fault.certify_id, call.certify_id)
}

#[cfg(test)]
mod tests {
    use super::super::fault::Latency;
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
