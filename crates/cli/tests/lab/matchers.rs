//! `lab compare` with the scores of two matchers.

use serde_json::Value;

use crate::support::text as said;
use crate::{history, lab};

/// The second score is the first one with an error of up to ten points, and is missing in some rows.
#[test]
fn compare_says_which_matcher_is_better() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let rows = std::fs::read_to_string(folder.path().join("history.jsonl")).unwrap();
    let with_second = |(number, line): (usize, &str)| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        let score = row["verify_score"].as_f64().unwrap() - 500.0;
        if !number.is_multiple_of(50) {
            row["shadow"] = (score + (number * 7 % 11) as f64).into();
        }
        row["same"] = score.into();
        format!("{row}\n")
    };
    let rows: String = rows.lines().enumerate().map(with_second).collect();
    std::fs::write(folder.path().join("shadow.jsonl"), rows).unwrap();
    let mapping = std::fs::read_to_string(folder.path().join("map.toml")).unwrap();
    let compare = |mapping: &str, options: &[&str]| {
        std::fs::write(folder.path().join("two.toml"), mapping).unwrap();
        let files =
            ["compare", "builtin:onboarding", "builtin:onboarding", "shadow.jsonl", "--mapping", "two.toml"];
        said(&lab(&[&files[..], options].concat(), folder.path()))
    };
    let mapping = mapping.replace("format = 1", "format = 1\nsecond_score = \"shadow\"");
    let shown = compare(&mapping, &[]);
    for part in [
        "AUC (95 %)",
        "second_score minus verify_score: -0.",
        "verify_score has the higher AUC",
        "2,960 genuine attempts and 960 impostors have both scores",
        "40 genuine attempts and 40 impostors are left out: 0 have no verify_score, 80 no second_score",
        "intervals and p-values count people",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let alone = compare(&mapping.replace("subject = \"subject\"\n", ""), &[]);
    assert!(alone.contains("several attempts of one person make them too certain"), "{alone}");
    let chinese = compare(&mapping, &["--lang", "zh"]);
    assert!(chinese.contains("verify_score 的 AUC 更高") && !chinese.contains("AUCs"), "{chinese}");
    let same = compare(&mapping.replace("\"shadow\"", "\"same\""), &[]);
    assert!(same.contains("0.000000, without an interval, because nothing varies"), "{same}");
    assert!(same.contains("the data cannot tell the AUCs of the matchers apart"), "{same}");
    let twice = compare(&mapping.replace("\"shadow\"", "\"verify_score\""), &["--lang", "zh"]);
    assert!(twice.contains("`second_score` 与 `verify_score` 是同一列"), "{twice}");
}
