//! Two matchers on the same labelled attempts: the areas under their ROC curves.

use cloudauth_stats::{Auc, AucDifference, Confidence, Interval, PairedScores};
use serde::Serialize;

use crate::analysis::figures::RISK;
use crate::analysis::rests_on::{LabelledPeople, RestsOn};
use crate::language::Language;
use crate::tally::{MatcherRow, MatcherRows};

/// The fewest attempts of each label, or people, that show one. The method needs large samples.
const FEWEST: u64 = 30;
/// The fewest attempts or people that a difference may rest on ([`AucDifference::effective`]): the fewest whose sign test can have a
/// p-value of 0.05.
const FEWEST_DIFFERENT: f64 = 6.0;

/// The comparison of two matchers that scored the same labelled attempts. The scores are the policy's `verify_score`, and the
/// `second_score` of the mapping, which may have any range: only the order of the scores counts, and it is exact.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Matchers {
    /// The genuine attempts with both scores.
    pub genuine: u64,
    /// The impostors with both scores.
    pub impostor: u64,
    /// The labelled attempts that are left out.
    pub left_out: WithoutScores,
    /// The areas. `None` with fewer than two attempts of a label (over people, two people), or with more rows than are kept.
    pub aucs: Option<MatcherAucs>,
    /// What the areas show.
    pub finding: MatcherFinding,
    /// What the intervals and the p-value count as independent. Only a run of [`Lab::keep_people`](crate::Lab::keep_people) knows people.
    pub rests_on: RestsOn,
    /// The people that they count; `None` if they count attempts only.
    pub people: Option<LabelledPeople>,
}

/// The labelled attempts without one of two scores. A malformed score counts as missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WithoutScores {
    /// The genuine attempts.
    pub genuine: u64,
    /// The impostors.
    pub impostor: u64,
    /// Those of both labels without a valid `verify_score`.
    pub without_first: u64,
    /// Those of both labels without the second score.
    pub without_second: u64,
}

/// The areas under the ROC curves of two matchers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MatcherAucs {
    /// The area of `verify_score`.
    pub first: MatcherAuc,
    /// The area of the second score.
    pub second: MatcherAuc,
    /// The second area minus the first.
    pub difference: f64,
    /// The 95 % interval of the difference (DeLong; over people [`AucDifference::of_subjects`]). `None` if it has no variance: the
    /// scores order the attempts alike, or both separate the labels completely.
    pub difference_interval: Option<(f64, f64)>,
    /// The two-sided p-value of the hypothesis that the areas are the same. `None` as for the interval.
    pub p: Option<f64>,
    /// The number of attempts, or of people, that the difference rests on ([`AucDifference::effective`]).
    pub effective: f64,
}

/// The area under the ROC curve of a matcher: the probability that a genuine score is higher than an impostor's, with ties counted
/// as half.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MatcherAuc {
    /// The area.
    pub auc: f64,
    /// Its 95 % interval ([`Auc::logit_interval`]). `None` if it has no variance.
    pub interval: Option<(f64, f64)>,
}

/// Whether the data can tell two matchers apart by their areas. Exhaustive on purpose: a program that explains it in another language
/// must handle every finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MatcherFinding {
    /// The area of `verify_score` is higher.
    FirstHigher,
    /// The area of the second score is higher.
    SecondHigher,
    /// The data cannot tell the areas apart.
    NotDistinguished,
    /// There are too few attempts or people to have an area, or to rely on the p-value: fewer than 30 of a label, or the difference
    /// rests on fewer than 6.
    TooFew,
    /// Genuine people do not score above impostors with one of the matchers: the labels may be swapped, or the score a distance.
    Doubtful,
    /// There are more rows than are kept, and nothing is compared.
    TooMany,
}

impl MatcherFinding {
    /// Returns the finding in a language.
    #[must_use]
    pub const fn text(self, language: Language) -> &'static str {
        let (en, zh) = match self {
            Self::FirstHigher => ("verify_score has the higher AUC", "verify_score 的 AUC 更高"),
            Self::SecondHigher => ("second_score has the higher AUC", "second_score 的 AUC 更高"),
            Self::NotDistinguished => (
                "the data cannot tell the AUCs of the matchers apart",
                "这批数据无法区分两个比对算法的 AUC 高低",
            ),
            Self::TooFew => (
                "too few to tell the AUCs apart: it takes 30 attempts of each label, or 30 people where they are known, and 6 on which the difference rests",
                "数量过少，无法区分两者的 AUC 高低：每种标注须有 30 次尝试（已知人员时为 30 人），且差值须取决于其中至少 6 个",
            ),
            Self::Doubtful => (
                "not compared: an AUC of 0.5 or less says that genuine people do not score above impostors; are the labels swapped, or is the score a distance?",
                "不作对比：AUC 不高于 0.5，说明本人的分数不高于冒充者；标注是否颠倒，或该分数是否为距离？",
            ),
            Self::TooMany => (
                "not compared: more than 8,000,000 labelled rows have both scores; give all impostors, and a random part of the genuine attempts",
                "不作对比：含有两个分数的标注行超过 8,000,000；请给出全部冒充尝试，以及随机抽取的部分本人尝试",
            ),
        };
        match language {
            Language::Zh => zh,
            Language::En => en,
        }
    }
}

impl Matchers {
    pub(super) fn of(found: &MatcherRows) -> Self {
        let MatcherRows { rows, has_too_many, both: [genuine, impostor], left_out, without } = found;
        let [without_first, without_second] = *without;
        let left_out = {
            let [genuine, impostor] = *left_out;
            WithoutScores { genuine, impostor, without_first, without_second }
        };
        let rests_on = rests_on(rows);
        let people = rests_on.knows_people().then(|| people(rows));
        let paired = |row: &MatcherRow| {
            let ([first, second], genuine) = (row.scores(), u64::from(row.is_genuine));
            PairedScores { first, second, genuine, impostor: 1 - genuine }
        };
        let found = match rests_on.knows_people() {
            true => AucDifference::of_subjects(rows.iter().map(|row| (row.subject, paired(row)))),
            false => AucDifference::of(rows.iter().map(paired)),
        };
        let (genuine, impostor) = (*genuine, *impostor);
        let aucs = found.as_ref().map(MatcherAucs::of);
        let fewest = people.map_or(genuine.min(impostor), |people| people.genuine.min(people.impostor));
        let finding = match &aucs {
            _ if *has_too_many => MatcherFinding::TooMany,
            None => MatcherFinding::TooFew,
            Some(aucs) => aucs.finding(fewest),
        };
        Self { genuine, impostor, left_out, aucs, finding, rests_on, people }
    }
}

impl MatcherAucs {
    fn of(found: &AucDifference) -> Self {
        let area = |auc: Auc| {
            let interval = (auc.variance > 0.0).then(|| auc.logit_interval(Confidence::P95));
            MatcherAuc { auc: auc.area, interval: interval.map(|Interval { low, high }| (low, high)) }
        };
        let has_variance = found.variance > 0.0;
        let Interval { low, high } = found.interval(Confidence::P95);
        Self {
            first: area(found.first),
            second: area(found.second),
            // Without a difference, it is 0 and not -0.
            difference: 0.0 - found.difference(),
            difference_interval: has_variance.then_some((0.0 - high, 0.0 - low)),
            p: has_variance.then(|| found.p()),
            effective: found.effective,
        }
    }

    /// `fewest` is the number of attempts, or of people, of the label that has fewer.
    fn finding(&self, fewest: u64) -> MatcherFinding {
        let is_different = self.p.is_some_and(|p| p <= RISK);
        if self.first.auc.min(self.second.auc) <= 0.5 {
            MatcherFinding::Doubtful
        } else if !is_different {
            MatcherFinding::NotDistinguished
        } else if fewest < FEWEST || self.effective < FEWEST_DIFFERENT {
            MatcherFinding::TooFew
        } else if self.difference > 0.0 {
            MatcherFinding::SecondHigher
        } else {
            MatcherFinding::FirstHigher
        }
    }
}

/// Returns the unit of the intervals, from the rows with a subject. If there were too many rows, there are no intervals.
fn rests_on(rows: &[MatcherRow]) -> RestsOn {
    let of = |is_genuine: bool| {
        let own = || rows.iter().filter(move |row| row.is_genuine == is_genuine);
        (own().filter(|row| row.subject.is_some()).count() as u64, own().count() as u64)
    };
    RestsOn::of(false, &[of(true), of(false)])
}

/// Counts people by label. Rows are sorted by subject, and a row without one is one more person.
fn people(rows: &[MatcherRow]) -> LabelledPeople {
    let is_same = |a: &MatcherRow, b: &MatcherRow| a.subject.is_some() && a.subject == b.subject;
    let count = |is_genuine: bool| {
        let of = |person: &&[MatcherRow]| person.iter().any(|row| row.is_genuine == is_genuine);
        rows.chunk_by(is_same).filter(of).count() as u64
    };
    LabelledPeople { genuine: count(true), impostor: count(false) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::row::Label;
    use crate::tally::{MOST_KEPT, Room};

    #[test]
    fn more_rows_than_are_kept_are_counted_and_not_compared() {
        let (mut found, mut room) = (MatcherRows::default(), Room::default());
        let scores = [Some(50.0), Some(60.0)];
        found.keep(Label::Genuine, scores, Some(7), &mut room);
        assert!(!room.take(2 * MOST_KEPT));
        found.keep(Label::Genuine, scores, Some(8), &mut room);
        found.keep(Label::Impostor, scores, None, &mut room);
        found.keep(Label::Impostor, [None, Some(60.0)], None, &mut room);
        let mut all = MatcherRows::default();
        all.merge(found);
        all.settle();

        let matchers = Matchers::of(&all);
        assert_eq!(matchers.finding, MatcherFinding::TooMany);
        assert_eq!((matchers.genuine, matchers.impostor, matchers.aucs), (2, 1, None));
        assert_eq!((matchers.left_out.impostor, matchers.left_out.without_first), (1, 1));
        assert_eq!((matchers.rests_on, matchers.people), (RestsOn::Attempts, None));
    }
}
