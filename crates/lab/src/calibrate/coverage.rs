//! Who got a label: mostly those whom the policy of that time let in, so that the rest is seldom known.

use serde::Serialize;

use crate::row::Label;
use crate::tally::Tally;

/// A point of `verify_score`, from `from` to below the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Band {
    /// Where it begins.
    pub from: u32,
    /// Rows in it.
    pub attempts: u64,
    /// Of these, labelled.
    pub labelled: u64,
    /// Of these, approved by the policy.
    pub approved: u64,
}

impl Band {
    fn share(&self) -> f64 {
        self.labelled as f64 / self.attempts.max(1) as f64
    }
}

/// All points from 0 to 100.
pub(super) fn bands(tally: &Tally) -> Vec<Band> {
    let in_band = |label: Label, band: usize| -> u64 {
        let counts = tally.scores.get(label.number()).map(crate::stats::Grid::counts).unwrap_or_default();
        counts.iter().skip(band * 100).take(100).sum()
    };
    let approved = tally.approved.iter().copied();
    (0_u32..)
        .zip(approved)
        .enumerate()
        .map(|(band, (from, approved))| {
            let [genuine, impostor, unlabelled] = Label::ALL.map(|label| in_band(label, band));
            Band { from, attempts: genuine + impostor + unlabelled, labelled: genuine + impostor, approved }
        })
        .collect()
}

/// Fewer rows say nothing of a share.
const FEW: u64 = 30;

/// The upper end of the highest band in which less than half as many are labelled as in all above together.
pub(super) fn labels_stop_below(bands: &[Band]) -> Option<f64> {
    let mut above = Band { from: 0, attempts: 0, labelled: 0, approved: 0 };
    for band in bands.iter().rev() {
        if above.labelled >= FEW && band.attempts >= FEW && band.share() < above.share() / 2.0 {
            return Some(f64::from(band.from + 1));
        }
        above.attempts += band.attempts;
        above.labelled += band.labelled;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(from: u32, attempts: u64, labelled: u64) -> Band {
        Band { from, attempts, labelled, approved: 0 }
    }

    #[test]
    fn labels_stop_where_half_as_many_are_left() {
        let full =
            [band(68, 100, 2), band(69, 100, 4), band(70, 100, 40), band(71, 20, 0), band(72, 100, 50)];
        assert_eq!(labels_stop_below(&full), Some(70.0));
        assert_eq!(labels_stop_below(&full[2..]), None);
        assert_eq!(labels_stop_below(&[]), None);
    }
}
