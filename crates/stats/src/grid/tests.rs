//! A scale counts exactly at its cuts, in all its forms.

use super::scale::*;
use super::slots::*;
use super::{Grid, LabelledGrid, Quick};

/// Cuts on the grid and off it, two in one slot, a double above and below an edge, and outside 0 to 100.
fn cuts() -> Vec<f64> {
    let mut cuts = vec![0.004, 60.0, 74.5, 75.0, 76.531, 76.534, 76.534_000_1, 80.01, 99.999, 100.0];
    cuts.extend([75.0_f64.next_up(), 75.0_f64.next_down(), 100.0_f64.next_up(), 0.07, 0.5, 0.070_05]);
    cuts.extend([-3.5, -0.001, 100.5, 150.0, 999.0]);
    cuts
}

/// Each cut and each edge near it, with the doubles around them, and values that are not scores.
fn scores() -> Vec<f64> {
    let near = |cut: f64| [cut, (cut * 100.0).floor() / 100.0, (cut * 100.0).ceil() / 100.0];
    let around = |at: f64| [at.next_down(), at, at.next_up()];
    let mut scores: Vec<f64> = cuts().into_iter().flat_map(near).flat_map(around).collect();
    scores.extend([0.0, -0.0, 1.0, 50.0, -50.0, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1000.5]);
    scores
}

fn counted(scale: &Scale, scores: &[f64]) -> Grid {
    let mut grid = Grid::default();
    assert!(scores.iter().all(|score| grid.add_slot(scale, scale.slot(*score), 1)));
    grid
}

#[test]
fn counts_exactly_at_every_cut() {
    for per_unit in [HUNDREDTHS, TEN_THOUSANDTHS] {
        for range in [(0.0, 100.0), (0.0, 1.0), (0.0, 1000.0), (-5.0, 101.0), (70.0, 80.0)] {
            let (scale, scores) = (Scale::new(per_unit, range, &cuts()), scores());
            let valid: Vec<f64> =
                scores.iter().copied().filter(|score| (range.0..=range.1).contains(score)).collect();
            let brute = |at: f64| valid.iter().filter(|score| **score >= at).count() as u64;
            let mut poured = Grid::default();
            let mut quick = Quick::default();
            scores.iter().for_each(|score| quick.bump(scale.slot(*score)));
            assert!(quick.pour(&scale, &mut poured));
            let mut merged = Grid::default();
            assert!(scores.chunks(7).all(|part| merged.merge(&counted(&scale, part))));
            let saved = serde_json::to_string(&merged).unwrap();
            let saved: Grid = serde_json::from_str(&saved).unwrap();
            for grid in [&poured, &merged, &saved] {
                assert_eq!(grid, &counted(&scale, &scores));
                assert_eq!(grid.valid(), valid.len() as u64);
                assert_eq!(grid.invalid(), (scores.len() - valid.len()) as u64);
                for cut in cuts() {
                    assert_eq!(grid.at_least(cut), Some(brute(cut)), "{per_unit} {range:?} {cut}");
                }
            }
            for score in &valid {
                let slot = scale.slot(*score);
                let takes = |(_, from, to): &&(u16, f64, f64)| score >= from && score < to;
                let beside = scale.beside_grid();
                let beside = beside.iter().find(takes).map(|(slot, ..)| *slot);
                assert_eq!(beside.unwrap_or(place_at(*score, per_unit)), slot, "{score}");
                assert!(scale.has(slot), "{score}");
            }
            assert!(!scale.has(NO_SCORE) && !scale.has(CUTS + 40));
            {
                let mut slots = Vec::new();
                scale.slots(&scores, &mut slots);
                assert_eq!(slots, scores.iter().map(|score| scale.slot(*score)).collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn the_curve_is_exact_at_every_cut() {
    let scale = Scale::new(HUNDREDTHS, (-5.0, 1000.0), &cuts());
    let (genuine, impostor) = (scores(), scores().split_off(20));
    let grid = LabelledGrid { genuine: counted(&scale, &genuine), impostor: counted(&scale, &impostor) };
    let (curve, valid) = (grid.curve(), |score: &&f64| (-5.0..=1000.0).contains(*score));
    for cut in cuts() {
        let at = grid.at(cut).unwrap();
        let reach =
            |scores: &[f64]| scores.iter().filter(valid).filter(|score| **score >= cut).count() as u64;
        assert_eq!(at.fmr.count(), reach(&impostor), "{cut}");
        assert_eq!(at.fnmr.of() - at.fnmr.count(), reach(&genuine), "{cut}");
        assert_eq!((curve.at(cut).fmr, curve.at(cut).fnmr), (at.fmr, at.fnmr), "{cut}");
    }
    assert_eq!(grid.at(76.535), None);
    let points: Vec<f64> = grid.operating_points().map(|point| point.threshold).collect();
    assert!(points.is_sorted_by(|a, b| a < b) && points.contains(&76.534));
}

#[test]
fn each_slot_is_within_its_point() {
    let scale = Scale::new(HUNDREDTHS, (-1.0, 200.0), &cuts());
    for (score, expected) in [
        (0.0, Some(0)),
        (0.999, Some(0)),
        (1.0, Some(1)),
        (76.5345, Some(76)),
        (99.9999, Some(99)),
        (100.0, Some(100)),
        (100.01, None),
        (150.0, None),
        (-0.5, None),
        (f64::NAN, None),
    ] {
        assert_eq!(scale.point(scale.slot(score)), expected, "{score}");
    }
}

#[test]
fn a_grid_without_a_cut_does_not_guess_its_count() {
    let scale = Scale::new(HUNDREDTHS, (0.0, 100.0), &[76.534]);
    let mut mixed = counted(&scale, &[76.533, 76.535]);
    assert!(mixed.merge(&Grid::of(&[76.538])));
    assert_eq!((mixed.at_least(76.534), mixed.at_least(76.53)), (None, Some(3)));
    let mut known = counted(&scale, &[76.535]);
    assert!(known.merge(&Grid::of(&[f64::NAN])));
    assert_eq!((known.at_least(76.534), known.invalid()), (Some(1), 1));
}

#[test]
fn refuses_scores_of_other_edges_or_cuts() {
    let scale = |per_unit, cuts: &[f64]| Scale::new(per_unit, (0.0, 1.0), cuts);
    let of_attacks = scale(TEN_THOUSANDTHS, &[0.07005]);
    let grid = counted(&of_attacks, &[0.0700, 0.0701]);
    // As many cuts as the grid has, and other values or other edges.
    for other in [
        scale(TEN_THOUSANDTHS, &[0.08005]),
        scale(HUNDREDTHS, &[0.07005]),
        scale(TEN_THOUSANDTHS, &[]),
        scale(HUNDREDTHS, &[]),
    ] {
        let mut same = grid.clone();
        assert!(!same.is_of(&other) && !same.add_slot(&other, other.slot(0.5), 1));
        assert_eq!(same, grid);
        assert!(!counted(&other, &[0.5]).add_slot(&of_attacks, of_attacks.slot(0.07006), 1));
    }
    let mut same = grid.clone();
    assert!(!same.merge(&Grid::of(&[50.0])));
    assert_eq!(same, grid);
    assert!(same.merge(&Grid::of(&[f64::NAN])) && same.is_of(&of_attacks));
    let saved: Grid = serde_json::from_str(&serde_json::to_string(&grid).unwrap()).unwrap();
    assert!(saved.is_of(&of_attacks));
}

#[test]
fn more_scores_are_counted_at_the_edges_and_cuts_of_the_grid() {
    let scale = Scale::new(TEN_THOUSANDTHS, (0.0, 1.0), &[0.07005]);
    let more = [0.0700, 0.070_06, 0.5, 0.99999, 1.0, 1.5, f64::NAN];
    let mut grid = counted(&scale, &[0.5]);
    grid.add(&more);
    let mut expected = counted(&scale, &more);
    assert!(expected.merge(&counted(&scale, &[0.5])));
    assert_eq!(grid, expected);
    let plain = Scale::new(TEN_THOUSANDTHS, (0.0, 1.0), &[]);
    let many = more.repeat(2_000);
    let mut grid = counted(&plain, &[0.5]);
    grid.add(&many);
    assert_eq!(grid.valid(), 5 * 2_000 + 1);
    assert_eq!(grid.at_least(0.07), Some(5 * 2_000 + 1));
    let mut labelled = LabelledGrid { genuine: counted(&plain, &[0.5]), ..LabelledGrid::default() };
    labelled.add(&[0.25, 0.25, 75.0], &[true, false, false]);
    assert_eq!((labelled.genuine.at_least(0.25), labelled.genuine.at_least(0.2501)), (Some(2), Some(1)));
    assert_eq!(labelled.impostor.at_least(75.0), Some(1));
}

#[test]
fn grids_with_other_edges_are_not_compared() {
    let scale = Scale::new(TEN_THOUSANDTHS, (0.0, 1.0), &[]);
    let (attacks, points) = (counted(&scale, &[0.25, 0.5]), Grid::of(&[25.0, 50.0]));
    let mut both = LabelledGrid { genuine: attacks.clone(), impostor: points.clone() };
    assert_eq!((both.kolmogorov_smirnov(), both.operating_points().count()), (None, 0));
    assert_eq!(both.curve().auc(), None);
    assert_eq!(crate::wasserstein_of_grids(&attacks, &points), None);
    let before = both.clone();
    assert!(!both.merge(&LabelledGrid { genuine: Grid::default(), impostor: attacks }));
    assert!(!both.merge(&LabelledGrid { genuine: points, impostor: Grid::default() }));
    assert_eq!(both, before);
}
