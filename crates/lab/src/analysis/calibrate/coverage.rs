//! Label coverage. Mostly people whom the policy approved at the time get a label, so lower scores have few labels.

use cloudauth_policy::Input;
use serde::Serialize;

use crate::input::row::Label;
use crate::tally::Tally;
use cloudauth_stats::hypergeometric_at_most;

/// One point of `verify_score`: from `from` to below the next point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Band {
    /// The lower end.
    pub from: u32,
    /// The rows in it.
    pub attempts: u64,
    /// The labelled rows among them.
    pub labelled: u64,
    /// The rows among them that the policy approves.
    pub approved: u64,
}

impl Band {
    const fn from(from: u32) -> Self {
        Self { from, attempts: 0, labelled: 0, approved: 0 }
    }

    fn plus(self, other: &Self) -> Self {
        Self { attempts: self.attempts + other.attempts, labelled: self.labelled + other.labelled, ..self }
    }

    fn share(&self) -> f64 {
        self.labelled as f64 / self.attempts.max(1) as f64
    }
}

/// Returns all points from 0 to 100. Empty with a score outside them, because label coverage there is unknown.
pub(super) fn bands(tally: &Tally) -> Vec<Band> {
    if tally.outside_grid(Input::VerifyScore) > 0 {
        return Vec::new();
    }
    let in_band = |label: Label, band: usize| -> u64 {
        let counts = tally.scores.get(label.number()).map(cloudauth_stats::Grid::counts).unwrap_or_default();
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

/// A part of the scale with fewer rows says little about a share.
const FEW: u64 = 30;
/// The probability of a warning if labels are missing at random, over the whole scale.
const FALSE_ALARMS: f64 = 0.01;

/// Returns the upper end of the highest part of the scale in which labels are missing: the share of labelled rows is less than
/// half of the share in all points above, and chance does not explain it.
///
/// A part is a single point of the score, or as many neighbours as a test needs. For each part, the probability of so few
/// labels is computed given the labels in it and above (hypergeometric, one-sided), and compared with 1 % divided by the number
/// of points (Bonferroni). If labels are missing completely at random, at most 1 of 100 logs gets a warning. This is exact,
/// because a part is formed from below before its own labels are read.
pub(super) fn labels_stop_below(bands: &[Band]) -> Option<f64> {
    let risk = FALSE_ALARMS / bands.len().max(1) as f64;
    let mut above = bands.iter().fold(Band::from(0), Band::plus);
    let (mut part, mut stop) = (Band::from(0), None);
    for band in bands {
        part = part.plus(band);
        // Returns whether a part without any label would be significant.
        let all = above.attempts;
        let tells = part.attempts >= FEW
            && part.attempts < all
            && hypergeometric_at_most(0, part.attempts, above.labelled, all) <= risk;
        if !tells {
            continue;
        }
        let rest =
            Band { attempts: all - part.attempts, labelled: above.labelled - part.labelled, ..Band::from(0) };
        if part.share() < rest.share() / 2.0
            && hypergeometric_at_most(part.labelled, part.attempts, above.labelled, all) <= risk
        {
            stop = Some(f64::from(band.from + 1));
        }
        (above, part) = (rest, Band::from(0));
    }
    stop
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloudauth_stats::Draws;

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

    /// A log of 20,000 attempts, most with high scores. `share` of the attempts at a point have a label.
    fn log(draws: &mut Draws, share: impl Fn(u32) -> f64) -> Vec<Band> {
        let mut bands: Vec<Band> = (0..=100).map(|from| band(from, 0, 0)).collect();
        for _ in 0..20_000 {
            let highest = draws.below(100).max(draws.below(100)).max(draws.below(100));
            if let Some(band) = bands.get_mut(highest) {
                band.attempts += 1;
                band.labelled += u64::from((draws.below(1_000_000) as f64) < share(band.from) * 1e6);
            }
        }
        bands
    }

    fn draws() -> u32 {
        std::env::var("CLOUDAUTH_DRAWS").ok().and_then(|draws| draws.parse().ok()).unwrap_or(2000)
    }

    /// The test is conditional on the attempts, so they are drawn once. Labels are drawn by the gaps between them.
    fn false_alarms(share: f64) {
        let (mut random, mut alarms) = (Draws::new(7), 0);
        let mut bands = log(&mut random, |_| 0.0);
        let mut unit = || (random.below(1 << 30) as f64 + 0.5) / f64::from(1 << 30);
        let (rare, is_label) = (share.min(1.0 - share), share < 0.5);
        for _ in 0..draws() {
            for band in &mut bands {
                let (mut at, mut count) = (0.0, 0);
                loop {
                    at += (unit().ln() / (-rare).ln_1p()).floor() + 1.0;
                    if at > band.attempts as f64 {
                        break;
                    }
                    count += 1;
                }
                band.labelled = if is_label { count } else { band.attempts - count };
            }
            alarms += u32::from(labels_stop_below(&bands).is_some());
        }
        let (alarms, all) = (f64::from(alarms), f64::from(draws()));
        let error = (FALSE_ALARMS * (1.0 - FALSE_ALARMS) / all).sqrt();
        assert!(alarms / all <= FALSE_ALARMS + 3.5 * error, "{share}: {alarms} of {all}");
    }

    #[test]
    fn few_labels_missing_at_random_raise_no_alarm() {
        false_alarms(0.02);
    }

    #[test]
    fn some_labels_missing_at_random_raise_no_alarm() {
        false_alarms(0.2);
    }

    #[test]
    fn most_labels_present_at_random_raise_no_alarm() {
        false_alarms(0.9);
    }

    #[test]
    fn detects_labels_of_approved_attempts_only() {
        let mut random = Draws::new(8);
        // All labels are above 75, and 2 % of the attempts below have one; or only a few labels, and none below.
        for (above, below) in [(0.9, 0.018), (0.3, 0.01), (0.02, 0.0)] {
            let mut found: Vec<f64> = (0..20)
                .filter_map(|_| {
                    labels_stop_below(&log(&mut random, |from| if from < 75 { below } else { above }))
                })
                .collect();
            found.sort_by(f64::total_cmp);
            assert_eq!(found.len(), 20, "{above}");
            // With few labels, it takes several points to detect the gap.
            let nearest = if above < 0.1 { 70.0 } else { 75.0 };
            assert!(found.iter().all(|stop| (nearest..=76.0).contains(stop)), "{above}: {found:?}");
        }
    }
}
