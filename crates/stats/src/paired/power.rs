//! The power of McNemar's exact test, and the number of attempts that a comparison needs.

use super::McNemar;
use crate::interval::{MOST_ATTEMPTS, smallest};
use crate::rate::Confidence;
use crate::special::beta::{binomial_at_most, binomial_quantile};
use crate::special::saddle::binomial;

/// The maximum number of attempts that are expected to change, which bounds the work.
const MOST_CHANGED: f64 = 1e6;
/// Numbers of changes that are less likely than this are left out.
const NEGLIGIBLE: f64 = 1e-14;

/// A planned comparison of two policies on the same labelled attempts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McNemarPlan {
    changed: f64,
    first: f64,
}

impl McNemarPlan {
    /// Creates a plan from the expected shares of all attempts: `only_first` are right under the first policy only,
    /// `only_second` under the second only. `None` unless both are from 0 to 1, and their sum is above 0 and at most 1.
    #[must_use]
    pub fn new(only_first: f64, only_second: f64) -> Option<Self> {
        let changed = only_first + only_second;
        let is_valid = only_first >= 0.0 && only_second >= 0.0 && changed > 0.0 && changed <= 1.0;
        is_valid.then(|| Self { changed, first: only_first / changed })
    }

    /// Returns the power: the probability that [`mcnemar`](super::mcnemar) gives a two-sided p-value of at most 1 -
    /// `confidence` on this many attempts. It is exact: the sum over the number of changes and their split, not the usual
    /// normal approximation (Duffy 1984, Biometrics 40:1005). `None` if more than a million attempts are expected to change.
    #[must_use]
    pub fn power(&self, attempts: u64, confidence: Confidence) -> Option<f64> {
        if attempts as f64 * self.changed > MOST_CHANGED {
            return None;
        }
        if attempts == 0 {
            return Some(0.0);
        }
        let (low, high) = match self.changed {
            1.0 => (attempts, attempts),
            changed => (
                binomial_quantile(NEGLIGIBLE, attempts, changed),
                binomial_quantile(1.0 - NEGLIGIBLE, attempts, changed),
            ),
        };
        let (mut power, mut cut) = (0.0, Cut::at(low, confidence));
        for changes in low..=high {
            cut.move_to(changes, confidence);
            let share = binomial(changes as f64, attempts as f64, self.changed);
            power += share * cut.beyond(changes, self.first);
        }
        Some(power.min(1.0))
    }

    /// Returns the number of attempts that gives at least this power, while one attempt less does not. `None` if the policies
    /// are equally good, if `power` is not strictly between 0 and 1, or if more than a million attempts would change,
    /// or 2^53 attempts are too few.
    #[must_use]
    pub fn attempts(&self, power: f64, confidence: Confidence) -> Option<u64> {
        if !(power > 0.0 && power < 1.0) || self.first == 0.5 {
            return None;
        }
        smallest(1, self.most_attempts(), |attempts| Some(self.power(attempts, confidence)? >= power))
    }

    /// Returns the largest number of attempts that has a power.
    fn most_attempts(&self) -> u64 {
        let most = (MOST_CHANGED / self.changed).min(MOST_ATTEMPTS as f64).floor() as u64;
        // The quotient may be rounded up.
        if most as f64 * self.changed > MOST_CHANGED { most.saturating_sub(1) } else { most }
    }
}

/// The smallest split that is not yet significant: fewer than `cut` changes of one kind are.
struct Cut(u64);

impl Cut {
    fn at(changes: u64, confidence: Confidence) -> Self {
        let mut cut = Self(binomial_quantile(confidence.risk() / 2.0, changes, 0.5));
        cut.0 = cut.0.saturating_sub(1);
        cut.move_to(changes, confidence);
        cut
    }

    /// With one change more, the cut stays or grows by one.
    fn move_to(&mut self, changes: u64, confidence: Confidence) {
        while self.0 <= changes && McNemar::p_of(self.0, changes) <= confidence.risk() {
            self.0 += 1;
        }
    }

    /// Returns the probability of a split below the cut, on either side.
    fn beyond(&self, changes: u64, first: f64) -> f64 {
        let Some(most) = self.0.checked_sub(1) else { return 0.0 };
        let at_most = |p: f64| match p {
            0.0 => 1.0,
            1.0 => 0.0,
            p => binomial_at_most(most, changes, p),
        };
        at_most(first) + at_most(1.0 - first)
    }
}
