//! The golden files, and comparisons that count themselves.

#![allow(dead_code, reason = "a test need not use all")]

pub(crate) mod simulation;

use serde_json::Value;

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A number of a golden file: a JSON number, or a string for NaN and infinities.
pub(crate) fn number(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().unwrap(),
        Value::String(text) => text.parse().unwrap(),
        other => panic!("{other} is not a number"),
    }
}

/// Compares numbers, and counts the comparisons.
#[derive(Default)]
pub(crate) struct Compared {
    pub(crate) values: u32,
    pub(crate) worst: f64,
}

impl Compared {
    /// Checks that the numbers are equal to the last bit.
    pub(crate) fn exact(&mut self, ours: f64, golden: &Value, what: &str) {
        let golden = number(golden);
        assert!(ours == golden, "{what}: {ours} is not {golden}");
        self.values += 1;
    }

    pub(crate) fn count(&mut self, ours: u64, golden: &Value, what: &str) {
        assert_eq!(Some(ours), golden.as_u64(), "{what}");
        self.values += 1;
    }

    /// Checks the relative error; below 1e-16 a number equals 0.
    pub(crate) fn relative(&mut self, ours: f64, golden: &Value, tolerance: f64, what: &str) {
        let golden = number(golden);
        let same = ours == golden || (ours == 0.0 && golden.abs() < 1e-16);
        let error = if same { 0.0 } else { ((ours - golden) / golden).abs() };
        assert!(error <= tolerance, "{what}: {ours} is not {golden}, by {error:e}");
        self.worst = self.worst.max(error);
        self.values += 1;
    }

    /// Checks the absolute error.
    pub(crate) fn absolute(&mut self, ours: f64, golden: &Value, tolerance: f64, what: &str) {
        let golden = number(golden);
        let error = if ours == golden { 0.0 } else { (ours - golden).abs() };
        assert!(error <= tolerance, "{what}: {ours} is not {golden}, by {error:e}");
        self.worst = self.worst.max(error);
        self.values += 1;
    }
}

/// The sets of labelled scores, by name.
pub(crate) const SETS: [(&str, &str); 7] = [
    ("continuous", include_str!("../golden/scores_continuous.csv")),
    ("ties", include_str!("../golden/scores_ties.csv")),
    ("tiny", include_str!("../golden/scores_tiny.csv")),
    ("separable", include_str!("../golden/scores_separable.csv")),
    ("inverted", include_str!("../golden/scores_inverted.csv")),
    ("constant", include_str!("../golden/scores_constant.csv")),
    ("impostor_max_top", include_str!("../golden/scores_impostor_max_top.csv")),
];

/// The scores with a label, each with its subject.
pub(crate) fn labelled(csv: &str, label: &str) -> Vec<(u64, f64)> {
    let rows = csv.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    rows.filter(|row| row[0] == label).map(|row| (row[2].parse().unwrap(), row[1].parse().unwrap())).collect()
}

/// Genuine and impostor scores.
pub(crate) fn scores(csv: &str) -> (Vec<f64>, Vec<f64>) {
    let only = |label: &str| labelled(csv, label).into_iter().map(|(_, score)| score).collect();
    (only("genuine"), only("impostor"))
}

/// The numbers of a file with one column.
pub(crate) fn column(csv: &str) -> Vec<f64> {
    csv.lines().skip(1).map(|line| line.parse().unwrap()).collect()
}
