//! Areas under the ROC curve and their differences: against pROC, by their definition, and over people.

#![cfg(test)]

mod support;

use cloudauth_stats::{Auc, AucDifference, Confidence, Curve, PairedScores};
use support::{Compared, SETS, json, scores};

/// The second score of an attempt is its score without decimals, plus 0 to 10 by its place in the file.
fn with_second_scores(csv: &str) -> Vec<PairedScores> {
    let rows = csv.lines().skip(1).enumerate();
    rows.map(|(place, line)| {
        let mut fields = line.split(',');
        let genuine = u64::from(fields.next() == Some("genuine"));
        let first: f64 = fields.next().unwrap().parse().unwrap();
        let second = first.floor() + (place * 7 % 11) as f64;
        PairedScores { first, second, genuine, impostor: 1 - genuine }
    })
    .collect()
}

#[test]
fn delong_matches_proc() {
    let golden = json(include_str!("golden/planning.json"));
    let mut compared = Compared::default();
    for row in golden["delong"].as_array().unwrap() {
        let set = row["set"].as_str().unwrap();
        let csv = SETS.iter().find(|(name, _)| *name == set).unwrap().1;
        let (genuine, impostor) = scores(csv);
        let auc = Auc::of(&Curve::of(&genuine, &impostor).unwrap()).unwrap();
        compared.relative(auc.area, &row["auc"], 1e-12, set);
        compared.relative(auc.variance, &row["variance"], 1e-9, set);
        let interval = auc.interval(Confidence::P95);
        compared.relative(interval.low, &row["low"], 1e-9, set);
        compared.relative(interval.high, &row["high"], 1e-9, set);

        let paired = AucDifference::of(with_second_scores(csv)).unwrap();
        assert_eq!(paired.first.area, auc.area);
        compared.relative(paired.first.variance, &row["variance"], 1e-9, set);
        compared.relative(paired.second.area, &row["second"], 1e-12, set);
        compared.relative(paired.second.variance, &row["second_variance"], 1e-9, set);
        let covariance = (paired.first.variance + paired.second.variance - paired.variance) / 2.0;
        compared.absolute(covariance, &row["covariance"], 1e-15, set);
        compared.relative(paired.p(), &row["p"], 1e-9, set);
        let interval = paired.interval(Confidence::P95);
        compared.relative(interval.low, &row["diff_low"], 1e-9, set);
        compared.relative(interval.high, &row["diff_high"], 1e-9, set);
    }
    assert_eq!(compared.values, 7 * 11);
}

/// Rows of genuine scores and impostor scores. `subject` numbers their places.
fn rows_of<'a>(
    scores: [&'a [f64]; 2],
    subject: impl Fn(usize, bool) -> usize + Copy + 'a,
) -> impl Iterator<Item = (usize, f64, bool)> + 'a {
    let [genuine, impostor] = scores;
    let rows = |scores: &'a [f64], is_genuine| {
        scores.iter().enumerate().map(move |(place, score)| (subject(place, is_genuine), *score, is_genuine))
    };
    rows(genuine, true).chain(rows(impostor, false))
}

#[test]
fn subjects_with_one_attempt_each_have_the_variance_of_delong() {
    for (name, csv) in SETS {
        let (genuine, impostor) = scores(csv);
        let curve = Curve::of(&genuine, &impostor).unwrap();
        let auc = Auc::of(&curve).unwrap();
        let alone = |place: usize, is_genuine: bool| 2 * place + usize::from(is_genuine);
        let rows = || rows_of([&genuine, &impostor], alone);
        for known in [0, 3, usize::MAX] {
            // The attempts without a row are subjects, too.
            let found = Auc::of_subjects(&curve, rows().take(known)).unwrap();
            assert_eq!(found.area, auc.area);
            assert!((found.variance - auc.variance).abs() <= 1e-12 * auc.variance, "{name} {known}");
        }
    }
}

#[test]
fn attempts_of_one_subject_that_agree_are_one_attempt_of_an_area() {
    let (genuine, impostor) = scores(SETS[0].1);
    let auc = Auc::of(&Curve::of(&genuine, &impostor).unwrap()).unwrap();
    let four = |scores: &[f64]| -> Vec<f64> { scores.iter().flat_map(|score| [*score; 4]).collect() };
    let (genuine, impostor) = (four(&genuine), four(&impostor));
    let curve = Curve::of(&genuine, &impostor).unwrap();
    let of_four = |place: usize, is_genuine: bool| place / 4 * 2 + usize::from(is_genuine);
    let found = Auc::of_subjects(&curve, rows_of([&genuine, &impostor], of_four)).unwrap();
    assert_eq!(found.area, auc.area);
    assert!((found.variance / auc.variance - 1.0).abs() < 1e-12, "{} {}", found.variance, auc.variance);
    // Attempts that count as independent give a fourth of it.
    assert!(Auc::of(&curve).unwrap().variance < auc.variance / 3.9);
}

#[test]
fn subjects_with_attempts_of_both_kinds_have_a_covariance() {
    // By the definition, over all pairs.
    let (genuine, impostor) = ([9.0, 7.0, 4.0, 5.0], [6.0, 3.0, 8.0, 5.0]);
    let curve = Curve::of(&genuine, &impostor).unwrap();
    let placement = |score: f64, others: &[f64]| {
        let wins = others.iter().map(|other| f64::from(score > *other) + f64::from(score == *other) / 2.0);
        wins.sum::<f64>() / others.len() as f64
    };
    let area = genuine.iter().map(|score| placement(*score, &impostor)).sum::<f64>() / 4.0;
    let (mut squares, mut others, mut products) = (0.0, 0.0, 0.0);
    for (genuine_score, impostor_score) in genuine.iter().zip(&impostor) {
        let (u, w) =
            (placement(*genuine_score, &impostor) - area, 1.0 - placement(*impostor_score, &genuine) - area);
        (squares, others, products) = (squares + u * u, others + w * w, products + u * w);
    }
    let expected = (squares + others + 2.0 * products) * 4.0 / 3.0 / 16.0;
    let rows = (0..4).flat_map(|place| [(place, genuine[place], true), (place, impostor[place], false)]);
    let found = Auc::of_subjects(&curve, rows).unwrap();
    assert!((found.area - area).abs() < 1e-15 && (found.variance - expected).abs() < 1e-15, "{found:?}");
    assert!(products != 0.0);
    // One subject made all attempts.
    assert_eq!(Auc::of_subjects(&curve, rows_of([&genuine, &impostor], |_, _| 0)), None);
}

/// Attempts of people, who may have attempts of both kinds. The second score is near the first.
fn attempts_of_people() -> Vec<(usize, PairedScores)> {
    let attempt = |number: usize| {
        let (subject, genuine) = (number / 3, u64::from(number % 7 < 4));
        let first = (number * 37 % 50) as f64 + 20.0 * genuine as f64;
        let second = first + (subject * 13 % 11) as f64 + (number * 5 % 4) as f64;
        (subject, PairedScores { first, second, genuine, impostor: 1 - genuine })
    };
    (0..90).map(attempt).collect()
}

/// By the definition: the placements of both scores over all pairs, the sums of each person, and their covariances.
#[test]
fn a_difference_over_people_is_that_of_the_sums_of_their_placements() {
    let attempts = attempts_of_people();
    let of = |is_genuine: bool| attempts.iter().filter(move |(_, of)| (of.genuine > 0) == is_genuine);
    let wins = |a: f64, b: f64| f64::from(a > b) + f64::from(a == b) / 2.0;
    let counts = [of(true).count() as f64, of(false).count() as f64];
    let scores: [fn(&PairedScores) -> f64; 2] = [|of| of.first, |of| of.second];
    let placement = |of_attempt: &PairedScores, score: fn(&PairedScores) -> f64| {
        let is_genuine = of_attempt.genuine > 0;
        let own = score(of_attempt);
        let wins = of(!is_genuine).map(|(_, other)| match is_genuine {
            true => wins(own, score(other)),
            false => wins(score(other), own),
        });
        wins.sum::<f64>() / counts[usize::from(is_genuine)]
    };
    let areas = scores.map(|score| of(true).map(|(_, of)| placement(of, score)).sum::<f64>() / counts[0]);
    let covariance = |a: usize, b: usize| {
        // For each person the sum of the placements minus the area, as genuine and as impostor, under both scores.
        let sums = |which: usize| -> Vec<[Option<f64>; 2]> {
            let person = |person: usize| {
                [true, false].map(|is_genuine| {
                    let own: Vec<f64> = of(is_genuine)
                        .filter(|(subject, _)| *subject == person)
                        .map(|(_, of)| placement(of, scores[which]) - areas[which])
                        .collect();
                    (!own.is_empty()).then(|| own.iter().sum())
                })
            };
            (0..30).map(person).collect()
        };
        let (one, other) = (sums(a), sums(b));
        let product = |i: usize, j: usize| {
            let both = one.iter().zip(&other).filter_map(|(one, other)| Some(one[i]? * other[j]?));
            both.sum::<f64>() / counts[i] / counts[j]
        };
        let people = |i: usize| one.iter().filter(|sums| sums[i].is_some()).count() as f64;
        let unbiased = |of: f64| of / (of - 1.0);
        unbiased(people(0)) * product(0, 0)
            + unbiased(people(1)) * product(1, 1)
            + unbiased(30.0) * (product(0, 1) + product(1, 0))
    };
    let expected = covariance(0, 0) + covariance(1, 1) - 2.0 * covariance(0, 1);
    let found =
        AucDifference::of_subjects(attempts.iter().map(|(subject, of)| (Some(*subject), *of))).unwrap();
    assert!((found.first.variance / covariance(0, 0) - 1.0).abs() < 1e-12, "{found:?}");
    assert!((found.second.variance / covariance(1, 1) - 1.0).abs() < 1e-12, "{found:?}");
    assert!((found.variance / expected - 1.0).abs() < 1e-11, "{found:?} {expected}");
    assert!((found.first.area - areas[0]).abs() < 1e-15 && (found.second.area - areas[1]).abs() < 1e-15);
    let alone = AucDifference::of(attempts.iter().map(|(_, of)| *of)).unwrap();
    assert_eq!(alone.difference(), found.difference());
    assert!(found.variance > 1.2 * alone.variance, "{found:?} {alone:?}");
}

#[test]
fn subjects_with_one_attempt_each_have_the_difference_of_delong() {
    for (name, csv) in SETS {
        let attempts = with_second_scores(csv);
        let delong = AucDifference::of(attempts.iter().copied()).unwrap();
        let every_third = attempts.iter().enumerate().map(|(at, of)| ((at % 3 == 0).then_some(at), *of));
        let found = AucDifference::of_subjects(every_third).unwrap();
        assert_eq!(found.difference(), delong.difference(), "{name}");
        assert!((found.variance - delong.variance).abs() <= 1e-12 * delong.variance, "{name}");
        assert!((found.effective - delong.effective).abs() <= 1e-9 * delong.effective, "{name}");
    }
    let one = with_second_scores(SETS[0].1);
    assert_eq!(AucDifference::of_subjects(one.into_iter().map(|of| (Some(0), of))), None, "one person");
}

/// Impostors whom only one score puts above all genuine attempts. The others tie.
#[test]
fn a_difference_has_the_number_of_attempts_that_it_rests_on() {
    let attempt =
        |first: f64, second: f64, genuine, impostor| PairedScores { first, second, genuine, impostor };
    for disagree in [1, 4, 20] {
        let rows =
            [attempt(2.0, 2.0, 1000, 0), attempt(1.0, 1.0, 0, 100_000), attempt(3.0, 1.0, 0, disagree)];
        let found = AucDifference::of(rows).unwrap();
        assert!((found.effective / disagree as f64 - 1.0).abs() < 0.01, "{found:?}");
    }
    let same = AucDifference::of([attempt(2.0, 20.0, 5, 1), attempt(1.0, 10.0, 1, 5)]).unwrap();
    assert_eq!((same.variance, same.effective), (0.0, 0.0));
}

#[test]
fn counted_attempts_give_the_same_areas_as_single_ones() {
    let single = with_second_scores(SETS[1].1);
    let mut counted: Vec<PairedScores> = Vec::new();
    for attempt in &single {
        match counted.iter_mut().find(|row| (row.first, row.second) == (attempt.first, attempt.second)) {
            Some(row) => {
                row.genuine += attempt.genuine;
                row.impostor += attempt.impostor;
            }
            None => counted.push(*attempt),
        }
    }
    assert!(counted.len() < single.len());
    let (counted, single) = (AucDifference::of(counted).unwrap(), AucDifference::of(single).unwrap());
    assert_eq!(counted.difference(), single.difference());
    assert!((counted.variance / single.variance - 1.0).abs() < 1e-12);
}

#[test]
fn areas_need_two_attempts_of_each_kind_and_no_nan() {
    let attempt = |first, genuine, impostor| PairedScores { first, second: 1.0, genuine, impostor };
    assert_eq!(AucDifference::of([attempt(1.0, 2, 1)]), None);
    assert_eq!(AucDifference::of([attempt(1.0, 1, 2)]), None);
    assert_eq!(AucDifference::of([attempt(1.0, 2, 2), attempt(f64::NAN, 1, 1)]), None);
    // Each score orders all attempts, and they disagree: the placements do not vary.
    let attempt_of = |first, second, genuine, impostor| PairedScores { first, second, genuine, impostor };
    let opposed = AucDifference::of([attempt_of(1.0, 0.0, 2, 0), attempt_of(0.0, 1.0, 0, 2)]).unwrap();
    assert_eq!((opposed.difference(), opposed.variance, opposed.p()), (1.0, 0.0, 0.0));
    let same = AucDifference::of([attempt(1.0, 2, 2)]).unwrap();
    assert_eq!((same.difference(), same.variance, same.p()), (0.0, 0.0, 1.0));
    assert_eq!(Auc::of(&Curve::of(&[1.0], &[2.0, 3.0]).unwrap()), None);
}

/// One impostor causes every wrong pair: the variance is about the square of what is missing to 1. The upper limit of a Poisson
/// count of one is 5.57.
#[test]
fn an_interval_of_log_odds_is_wide_enough_near_1() {
    let auc = Auc { area: 1.0 - 1e-5, variance: 1e-10 };
    let interval = auc.logit_interval(Confidence::P95);
    assert!((1.0 - interval.low) / 1e-5 > 5.57 && interval.high < 1.0, "{interval:?}");
    assert!((1.0 - auc.interval(Confidence::P95).low) / 1e-5 < 3.0);
    let odds = |area: f64| (area / (1.0 - area)).ln();
    let wide = Auc { area: 0.7, variance: 0.01 }.logit_interval(Confidence::P95);
    assert!((odds(wide.low) + odds(wide.high) - 2.0 * odds(0.7)).abs() < 1e-12, "{wide:?}");
    let certain = Auc { area: 1.0, variance: 0.0 }.logit_interval(Confidence::P95);
    assert_eq!((certain.low, certain.high), (1.0, 1.0));
}
