//! The scales of a policy's scores: the grid, and exact counts at every value that the policy compares them with.

use cloudauth_policy::{Input, Policy};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{LabError, LabProblem};
use cloudauth_stats::grid::{HUNDREDTHS, Scale, TEN_THOUSANDTHS};

/// A value that the policy compares with a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScoreCut {
    pub(crate) input: Input,
    /// The threshold's name; `None` for a number in a condition.
    pub(crate) name: Option<String>,
    /// The value in the policy file.
    pub(crate) value: f64,
    /// Whether a score equal to the value is below the cut.
    pub(crate) exclusive: bool,
    /// The smallest score at or above the cut.
    pub(crate) boundary: f64,
}

impl ScoreCut {
    /// A threshold of the attack score that is not one of the policy's.
    pub(crate) const fn alone(value: f64) -> Self {
        Self { input: Input::FaceAttackScore, name: None, value, exclusive: false, boundary: value }
    }

    /// Returns all cuts of a policy, ascending within each input.
    pub(crate) fn of(policy: &Policy) -> Vec<Self> {
        let cut = |cut: &cloudauth_policy::Cut<'_>| Self {
            input: cut.input,
            name: cut.name.map(str::to_owned),
            value: cut.value,
            exclusive: cut.exclusive,
            boundary: cut.boundary(),
        };
        policy.cuts().iter().map(cut).collect()
    }
}

/// The scales of the scores, in the order of [`Input::SCORES`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scales {
    scales: [Scale; 3],
    /// The score that a sweep divides, and the boundaries of its values, ascending.
    swept: Option<(Input, Vec<f64>)>,
}

impl Scales {
    /// Returns the scales of a policy. A score is valid in the policy's range, or on the whole grid if the policy has none.
    ///
    /// # Errors
    /// If a policy compares a score with more values than can be counted.
    pub(crate) fn of(policy: &Policy) -> Result<Self, LabError> {
        Self::with(policy, None)
    }

    /// Returns the scales of a policy, one of which also has the boundaries of a sweep.
    ///
    /// # Errors
    /// If scores are compared with more values than can be counted.
    pub(crate) fn with(policy: &Policy, swept: Option<(Input, Vec<f64>)>) -> Result<Self, LabError> {
        let cuts = policy.cuts();
        let count = cuts.len() + swept.as_ref().map_or(0, |(_, boundaries)| boundaries.len());
        if count > Scale::MOST_CUTS {
            return Err(LabProblem::TooManyScoreValues(count, Scale::MOST_CUTS).into_error());
        }
        let scales = Input::SCORES.map(|input| {
            let of_input = cuts.iter().filter(|cut| cut.input == input);
            let of_sweep = swept.iter().filter(|(of, _)| *of == input).flat_map(|(_, boundaries)| boundaries);
            let all: Vec<f64> =
                of_input.map(cloudauth_policy::Cut::boundary).chain(of_sweep.copied()).collect();
            Scale::new(per_unit(input), range(policy, input), &all)
        });
        Ok(Self { scales, swept })
    }

    /// Returns the score that a sweep divides, and the boundaries of its values.
    pub(crate) const fn swept(&self) -> Option<&(Input, Vec<f64>)> {
        self.swept.as_ref()
    }

    /// Returns, for each slot of a score, how many of the boundaries its scores reach. The boundaries are ascending, and among those
    /// of the scale.
    pub(crate) fn reached(&self, input: Input, boundaries: &[f64]) -> Vec<u16> {
        let scale = self.scale(input);
        let of = |score: f64| {
            u16::try_from(boundaries.partition_point(|boundary| *boundary <= score)).unwrap_or(u16::MAX)
        };
        let edges = (0..=(scale.top() * f64::from(scale.per_unit())).round() as usize)
            .map(|edge| (edge, edge as f64 / f64::from(scale.per_unit())));
        let beside = scale.beside_grid().into_iter().map(|(slot, from, _)| (usize::from(slot), from));
        let mut reached = Vec::new();
        for (slot, from) in edges.chain(beside) {
            if reached.len() <= slot {
                reached.resize(slot + 1, 0);
            }
            if let Some(reached) = reached.get_mut(slot) {
                *reached = of(from);
            }
        }
        reached
    }

    /// Returns a hash of the ranges and cuts, those of a sweep included, which define the slots. The policy's content hash is not
    /// enough: it leaves out the promises, which have cuts too.
    pub(crate) fn hash(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{:?}", self.scales));
        if let Some(swept) = &self.swept {
            hash.update(format!("{swept:?}"));
        }
        let digest = hash.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) const fn all(&self) -> &[Scale; 3] {
        &self.scales
    }

    /// Returns the scale of a score; the scale of `verify_score` for any other input.
    pub(crate) fn scale(&self, input: Input) -> &Scale {
        let [verify, quality, attack] = &self.scales;
        match input {
            Input::QualityScore => quality,
            Input::FaceAttackScore => attack,
            _ => verify,
        }
    }
}

/// Returns the range of valid scores.
pub(crate) fn range(policy: &Policy, input: Input) -> (f64, f64) {
    let grid = if per_unit(input) == TEN_THOUSANDTHS { 1.0 } else { 100.0 };
    policy.range(input).unwrap_or((0.0, grid))
}

/// The attack score ranges from 0 to 1, the others from 0 to 100.
fn per_unit(input: Input) -> u32 {
    if input == Input::FaceAttackScore { TEN_THOUSANDTHS } else { HUNDREDTHS }
}
