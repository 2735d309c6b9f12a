//! The expected cost of each value of a sweep, with intervals over people, the cheapest value, and the values that the data cannot
//! tell from it.
//!
//! The labels give the share of each verdict among impostors and among genuine people. They do not give the share of impostors,
//! because people who are rejected rarely get a label: the caller knows it from other sources.
//!
//! The intervals are a Bayesian bootstrap over people, with one more person of the worst or the best case in each label, as in
//! `cloudauth_stats::Clusters`. So an error that was never seen still has a cost, and an interval is never too short.

use cloudauth_policy::Verdict;
use cloudauth_stats::{Draws, percentile};
use serde::Serialize;

use crate::analysis::rests_on::LabelledPeople;
use crate::analysis::sweep::Sweep;
use crate::analysis::sweep::cost_file::Costs;
use crate::analysis::sweep::people::PeopleByCases;
use crate::error::{LabError, LabProblem};
use crate::input::row::Label;
use crate::tally::{SweepCase, SweepRows, Tally};

/// The most draws of the bootstrap.
const DRAWS: u64 = 2000;
/// The fewest draws, however many people there are.
const FEWEST_DRAWS: u64 = 200;
/// The work of all draws, in rows.
const MOST_WORK: u64 = 400_000_000;
/// The share of the draws below, and above, a 95 % interval.
const TAIL: f64 = 0.025;
/// The seed of the draws.
const SEED: u64 = 16;

/// The costs of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SweepCosts {
    /// The costs of decisions.
    pub costs: Costs,
    /// The share of impostors among all attempts, as a fraction.
    pub prior: f64,
    /// The impostors and the genuine people, as units of the bootstrap. A row without a subject is one more person.
    pub people: LabelledPeople,
    /// Whether the intervals count attempts as independent, because no row has a subject or too many have one.
    pub rests_on_attempts: bool,
    /// The value with the lowest cost; the highest one of several.
    pub cheapest: f64,
    /// The range of values around the cheapest whose cost the data cannot tell from its cost.
    pub flat: (f64, f64),
    /// The number of draws of the bootstrap.
    pub draws: u64,
    /// The seed of the draws: the same rows give the same figures.
    pub seed: u64,
}

/// The expected cost of 1,000 attempts with one value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ValueCost {
    /// The cost.
    pub per_1000: f64,
    /// The lower end of its 95 % interval over people.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The cost minus that of the cheapest value.
    pub extra: f64,
    /// The 95 % interval of the difference. Both values have the same people.
    pub extra_interval: (f64, f64),
}

impl Costs {
    /// Checks that a run has rows of both labels, as costs need: for a program that reads the data again for the sweep.
    ///
    /// # Errors
    /// If one of the two labels has no row.
    pub fn check_labels(tally: &Tally) -> Result<(), LabError> {
        let share = tally.share();
        let has = |label: Label| share.sum(|_, _, of| of == label) > 0;
        let has_both = has(Label::Genuine) && has(Label::Impostor);
        if has_both { Ok(()) } else { Err(LabProblem::NoCosts.into_error()) }
    }

    /// Returns the cost of each verdict, in the order of [`Verdict::ALL`].
    fn of(&self, is_genuine: bool) -> [f64; 4] {
        Verdict::ALL.map(|verdict| match verdict {
            Verdict::Approve if is_genuine => 0.0,
            Verdict::Approve => self.impostor_approved,
            Verdict::Review => self.review,
            Verdict::Retry => self.retry,
            Verdict::Reject if is_genuine => self.genuine_rejected,
            Verdict::Reject => 0.0,
        })
    }
}

impl Sweep {
    /// Adds the expected costs, from a run of [`Lab::sweep`](crate::Lab::sweep) that kept people
    /// ([`Lab::keep_people`](crate::Lab::keep_people)). `prior` is the share of impostors among all attempts, above 0 and below 1.
    ///
    /// # Errors
    /// If the prior is out of range, or one of the two labels has no row.
    pub fn with_costs(mut self, tally: &Tally, costs: Costs, prior: f64) -> Result<Self, LabError> {
        if !(prior > 0.0 && prior < 1.0) {
            return Err(LabProblem::NotAPrior.into_error());
        }
        let valid = self.values.iter().filter(|value| value.outcome.is_some()).count();
        let [impostor, genuine] = [false, true].map(|is_genuine| Group::of(&tally.sweep, is_genuine, costs));
        if impostor.attempts == 0.0 || genuine.attempts == 0.0 {
            return Err(LabProblem::NoCosts.into_error());
        }
        let per_1000 = [(impostor, 1000.0 * prior), (genuine, 1000.0 * (1.0 - prior))];
        let found = Found::of(&per_1000, valid);
        let mut values = Vec::new();
        for (value, cost) in self
            .values
            .iter_mut()
            .filter_map(|value| Some((value.value, value.outcome.as_mut()?)))
            .zip(&found.values)
        {
            let (value, outcome) = value;
            outcome.cost = Some(*cost);
            values.push(value);
        }
        let at = |index: usize| values.get(index).copied().unwrap_or(self.current);
        let [(impostor, _), (genuine, _)] = &per_1000;
        self.cost = Some(SweepCosts {
            costs,
            prior,
            people: LabelledPeople { genuine: genuine.people.count(), impostor: impostor.people.count() },
            rests_on_attempts: tally.sweep.people.is_empty(),
            cheapest: at(found.cheapest),
            flat: (at(found.flat.0), at(found.flat.1)),
            draws: found.draws,
            seed: SEED,
        });
        Ok(self)
    }
}

/// The rows of one label, by person.
struct Group {
    people: PeopleByCases,
    attempts: f64,
    /// The attempts of the person of a random attempt.
    size: f64,
    costs: [f64; 4],
}

impl Group {
    fn of(rows: &SweepRows, is_genuine: bool, costs: Costs) -> Self {
        let people = PeopleByCases::of(rows, is_genuine);
        let sizes = || {
            let size = |rows: &[(SweepCase, u64)]| rows.iter().map(|(_, rows)| rows).sum::<u64>() as f64;
            people.alike.iter().map(move |(rows, times)| (size(rows), *times as f64))
        };
        let attempts = sizes().map(|(size, times)| size * times).sum();
        let squares: f64 = sizes().map(|(size, times)| size * size * times).sum();
        Self { people, attempts, size: squares / attempts, costs: costs.of(is_genuine) }
    }

    /// Returns the weighted sum of the costs with each value, and the weighted number of attempts. `weight` is that of all people
    /// with the same cases.
    fn sum(&self, values: usize, mut weight: impl FnMut(u64) -> f64) -> (Vec<f64>, f64) {
        let cost = |verdict: u8| self.costs.get(usize::from(verdict)).copied().unwrap_or_default();
        // The change of the sum from one value to the next.
        let mut sums = vec![0.0; values + 1];
        let mut add = |value: usize, cost: f64| {
            if let Some(sum) = sums.get_mut(value) {
                *sum += cost;
            }
        };
        let mut attempts = 0.0;
        for (rows, times) in &self.people.alike {
            let weight = weight(*times);
            for (case, rows) in rows {
                let (weight, reached) = (weight * *rows as f64, usize::from(case.reached));
                let (low, high) = (cost(case.low), cost(case.high));
                attempts += weight;
                add(0, weight * low);
                add(reached, weight * (high - low));
                if let (Some(again), Some(value)) = (case.again, reached.checked_sub(1)) {
                    add(value, weight * (cost(again) - low));
                    add(reached, -weight * (cost(again) - low));
                }
            }
        }
        sums.truncate(values);
        let mut sum = 0.0;
        for change in &mut sums {
            sum += *change;
            // A cost is never negative; a sum of changes may be, by rounding.
            *change = sum.max(0.0);
        }
        (sums, attempts)
    }

    /// Returns the lowest and the highest cost of an attempt.
    fn range(&self) -> (f64, f64) {
        let costs = self.costs.into_iter();
        (costs.clone().fold(f64::INFINITY, f64::min), costs.fold(0.0, f64::max))
    }
}

struct Found {
    values: Vec<ValueCost>,
    /// The index of the cheapest value.
    cheapest: usize,
    flat: (usize, usize),
    draws: u64,
}

impl Found {
    /// `groups` are the labels with the number of their attempts in 1,000.
    fn of(groups: &[(Group, f64); 2], values: usize) -> Self {
        let mut costs = vec![0.0; values];
        for (group, per_1000) in groups {
            let (sums, attempts) = group.sum(values, |times| times as f64);
            costs.iter_mut().zip(sums).for_each(|(cost, sum)| *cost += per_1000 * sum / attempts);
        }
        let cheapest =
            (0..values).rev().min_by(|a, b| at(&costs, *a).total_cmp(&at(&costs, *b))).unwrap_or_default();
        let rows: usize =
            groups.iter().flat_map(|(group, _)| &group.people.alike).map(|(rows, _)| rows.len() + 2).sum();
        let draws = (MOST_WORK / (rows as u64).max(1)).clamp(FEWEST_DRAWS, DRAWS);
        // For each value: the lower and the upper cost, and the lower and the upper difference, of each draw.
        let mut drawn = vec![[const { Vec::new() }; 4]; values];
        let mut random = Draws::new(SEED);
        for _ in 0..draws {
            let mut ends = vec![[0.0; 4]; values];
            for (group, per_1000) in groups {
                let (sums, attempts) = group.sum(values, |times| random.weight(times));
                let more = random.weight(1) * group.size;
                let share = per_1000 / (attempts + more);
                let (least, most) = group.range();
                let base = at(&sums, cheapest);
                for (ends, sum) in ends.iter_mut().zip(sums) {
                    let extra = sum - base;
                    let all = [
                        sum + more * least,
                        sum + more * most,
                        extra - more * (most - least),
                        extra + more * (most - least),
                    ];
                    ends.iter_mut().zip(all).for_each(|(end, sum)| *end += share * sum);
                }
            }
            for (drawn, ends) in drawn.iter_mut().zip(ends) {
                drawn.iter_mut().zip(ends).for_each(|(drawn, end)| drawn.push(end));
            }
        }
        let from = |drawn: &[f64]| percentile(drawn, TAIL).unwrap_or_default();
        let to = |drawn: &[f64]| percentile(drawn, 1.0 - TAIL).unwrap_or_default();
        let lowest = at(&costs, cheapest);
        let value = |(index, (cost, [low, high, less, more])): (usize, (&f64, &[Vec<f64>; 4]))| ValueCost {
            per_1000: *cost,
            low: from(low),
            high: to(high),
            extra: cost - lowest,
            // A value never differs from itself.
            extra_interval: match index == cheapest {
                true => (0.0, 0.0),
                false => (from(less), to(more)),
            },
        };
        let values: Vec<ValueCost> = costs.iter().zip(&drawn).enumerate().map(value).collect();
        let is_flat = |index: &usize| values.get(*index).is_some_and(|value| value.extra_interval.0 <= 0.0);
        let first = (0..cheapest).rev().take_while(is_flat).last().unwrap_or(cheapest);
        let last = (cheapest + 1..values.len()).take_while(is_flat).last().unwrap_or(cheapest);
        Self { values, cheapest, flat: (first, last), draws }
    }
}

fn at(costs: &[f64], index: usize) -> f64 {
    costs.get(index).copied().unwrap_or_default()
}
