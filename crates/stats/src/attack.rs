//! Presentation attacks (ISO/IEC 30107-3), and attempts without a score.

use crate::rate::Rate;

/// The errors of presentation attack detection at a threshold. An attempt is flagged if its attack score is at least the
/// threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct AttackReport<'a> {
    /// For each species of attack instrument, the share of attacks that were not flagged (APCER). A mean over species would
    /// hide the species that gets through.
    pub apcer: Vec<(&'a str, Rate)>,
    /// The share of bona fide attempts that were flagged (BPCER).
    pub bpcer: Rate,
}

impl<'a> AttackReport<'a> {
    /// Counts attack scores, in the detector's unit: those of each species, and those of bona fide attempts. A NaN score is not
    /// flagged, so an attack without a score counts as missed.
    #[must_use]
    pub fn at(threshold: f64, attacks: &[(&'a str, &[f64])], bona_fide: &[f64]) -> Self {
        let flagged = |scores: &[f64]| scores.iter().filter(|score| **score >= threshold).count() as u64;
        let missed = |scores: &[f64]| {
            let all = scores.len() as u64;
            Rate::counted(all - flagged(scores), all)
        };
        Self {
            apcer: attacks.iter().map(|(species, scores)| (*species, missed(scores))).collect(),
            bpcer: Rate::counted(flagged(bona_fide), bona_fide.len() as u64),
        }
    }

    /// Returns the species with the highest APCER, which is the one to report, and its rate; the first one on a tie. `None`
    /// without attacks.
    #[must_use]
    pub fn worst(&self) -> Option<(&'a str, Rate)> {
        let mut attacked = self.apcer.iter().copied().filter(|(_, rate)| rate.of() > 0);
        let first = attacked.next()?;
        Some(attacked.fold(first, |worst, next| if next.1.compare(worst.1).is_gt() { next } else { worst }))
    }
}

/// Attempts of one kind, genuine or impostor: those with a score and the errors among them, and those without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transactions {
    /// The error rate of the attempts with a score: FMR for impostors, FNMR for genuine attempts.
    pub errors: Rate,
    /// Attempts without a usable score: missing, NaN, out of range.
    pub failed: u64,
}

impl Transactions {
    /// Returns the failure-to-acquire rate (FTA).
    #[must_use]
    pub fn fta(self) -> Rate {
        Rate::counted(self.failed, self.all())
    }

    /// Returns the false accept rate of impostors, FAR = FMR · (1 - FTA). An attempt without a score is not accepted.
    #[must_use]
    pub fn far(self) -> Rate {
        Rate::counted(self.errors.count(), self.all())
    }

    /// Returns the false reject rate of genuine attempts, FRR = FTA + FNMR · (1 - FTA).
    #[must_use]
    pub fn frr(self) -> Rate {
        Rate::counted(self.failed + self.errors.count(), self.all())
    }

    fn all(self) -> u64 {
        self.failed + self.errors.of()
    }
}
