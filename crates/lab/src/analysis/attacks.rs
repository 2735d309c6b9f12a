//! Presentation attacks and the score that detects them.

use std::collections::BTreeMap;

use cloudauth_policy::Input;
use serde::Serialize;

use crate::analysis::proportion::Proportion;
use crate::tally::{ScoreCut, Tally};
use cloudauth_stats::Grid;

/// Presentation attack detection at several thresholds. A row is flagged if its attack score reaches the threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attacks {
    /// Rows by kind of attack.
    pub kinds: BTreeMap<String, u64>,
    /// The error rates at each threshold.
    pub at: Vec<AttacksAt>,
}

/// The effect of one threshold of the attack score.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AttacksAt {
    /// The policy's name for the threshold, if it has one.
    pub name: Option<String>,
    /// Whether the policy compares the attack score with this value.
    pub of_policy: bool,
    /// The threshold, from 0 to 1.
    pub threshold: f64,
    /// Whether a score equal to the threshold is not flagged: the policy compares by `>` or `<=`.
    pub exclusive: bool,
    /// The share of attacks of each kind that are not flagged (APCER). An attack without a score counts as not flagged. A mean
    /// would hide the kind that gets through.
    pub apcer: BTreeMap<String, Proportion>,
    /// The kind with the highest APCER.
    pub worst: String,
    /// The share of genuine people who are flagged (BPCER).
    pub bpcer: Proportion,
}

/// The thresholds that are shown in addition to the policy's own.
const THRESHOLDS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// Returns `None` if no attack is labelled, or there are too many kinds.
pub(crate) fn attacks(tally: &Tally) -> Option<Attacks> {
    let kinds = tally.attacks.get().filter(|kinds| !kinds.is_empty())?;
    let all = |grid: &Grid| grid.valid() + grid.invalid();
    let at = |cut: ScoreCut, of_policy: bool| {
        let flagged = |grid: &Grid| grid.reaching(cut.boundary);
        let missed = |grid: &Grid| Some(Proportion::new(all(grid) - flagged(grid)?, all(grid)));
        let apcer: Option<BTreeMap<String, Proportion>> =
            kinds.iter().map(|(kind, grid)| Some((kind.to_string(), missed(grid)?))).collect();
        let apcer = apcer?;
        let worst = apcer
            .iter()
            .max_by(|(_, a), (_, b)| a.rate.unwrap_or_default().total_cmp(&b.rate.unwrap_or_default()));
        Some(AttacksAt {
            name: cut.name,
            of_policy,
            threshold: cut.value,
            exclusive: cut.exclusive,
            worst: worst.map(|(kind, _)| kind.clone()).unwrap_or_default(),
            bpcer: Proportion::new(flagged(&tally.bona_fide)?, all(&tally.bona_fide)),
            apcer,
        })
    };
    let of_policy: Vec<ScoreCut> = tally.decider.cuts_of(Input::FaceAttackScore).cloned().collect();
    let others = THRESHOLDS.into_iter().filter(|at| of_policy.iter().all(|cut| cut.boundary != *at));
    let others = others.map(ScoreCut::alone).map(|cut| (cut, false)).collect::<Vec<_>>();
    let mut cuts: Vec<_> = of_policy.into_iter().map(|cut| (cut, true)).chain(others).collect();
    cuts.sort_by(|(a, _), (b, _)| a.boundary.total_cmp(&b.boundary));
    Some(Attacks {
        kinds: kinds.iter().map(|(kind, grid)| (kind.to_string(), all(grid))).collect(),
        at: cuts.into_iter().filter_map(|(cut, of_policy)| at(cut, of_policy)).collect(),
    })
}
