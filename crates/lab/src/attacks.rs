//! Presentation attacks and the score that should find them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::proportion::Proportion;
use crate::stats::Grid;
use crate::tally::Tally;

/// Attack scores at thresholds: flagged is who reaches it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attacks {
    /// Rows by kind of attack.
    pub kinds: BTreeMap<String, u64>,
    /// At each threshold.
    pub at: Vec<AttacksAt>,
}

/// What a threshold of the attack score does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AttacksAt {
    /// The threshold, from 0 to 1.
    pub threshold: f64,
    /// By kind, attacks that are not flagged (APCER); one without a score is not. Their mean would hide the kind that gets
    /// through.
    pub apcer: BTreeMap<String, Proportion>,
    /// The kind with the highest.
    pub worst: String,
    /// Genuine people who are flagged (BPCER).
    pub bpcer: Proportion,
}

const THRESHOLDS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// `None` where no attack is labelled.
pub(crate) fn attacks(tally: &Tally) -> Option<Attacks> {
    if tally.attacks.is_empty() {
        return None;
    }
    let all = |grid: &Grid| grid.valid() + grid.invalid();
    // The grid holds them times 100.
    let flagged =
        |grid: &Grid, threshold: f64| grid.at_least((threshold * 100.0).round()).unwrap_or_default();
    let at = |threshold: f64| {
        let missed = |grid: &Grid| Proportion::new(all(grid) - flagged(grid, threshold), all(grid));
        let apcer: BTreeMap<String, Proportion> =
            tally.attacks.iter().map(|(kind, grid)| (kind.to_string(), missed(grid))).collect();
        let worst = apcer
            .iter()
            .max_by(|(_, a), (_, b)| a.rate.unwrap_or_default().total_cmp(&b.rate.unwrap_or_default()));
        AttacksAt {
            threshold,
            worst: worst.map(|(kind, _)| kind.clone()).unwrap_or_default(),
            bpcer: Proportion::new(flagged(&tally.bona_fide, threshold), all(&tally.bona_fide)),
            apcer,
        }
    };
    Some(Attacks {
        kinds: tally.attacks.iter().map(|(kind, grid)| (kind.to_string(), all(grid))).collect(),
        at: THRESHOLDS.map(at).into(),
    })
}
