//! The report on any tally: no row, one row, equal rows, labels that the scores separate or not.

use cloudauth_lab::{Lab, Language, Mapping, RunControl, Shape, Source, report};
use cloudauth_policy::{Policy, builtin};

/// The report in both languages, with and without a candidate.
fn reports(rows: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    std::fs::write(&path, rows).unwrap();
    let (policy, candidate) =
        (Policy::parse(builtin::ONBOARDING).unwrap(), Policy::parse(builtin::VENDOR).unwrap());
    let labs = [Lab::new(&policy), Lab::new(&policy).against(&candidate)];
    let run = |lab: Lab<'_>| {
        let lab = lab.keep_people().mapping(Mapping::of(Shape::Flat));
        let tally = lab
            .run(&Source::find(std::slice::from_ref(&path)).unwrap(), &RunControl::default())
            .unwrap()
            .tally;
        [Language::En, Language::Zh].map(|language| report(&tally, language).unwrap())
    };
    labs.into_iter().flat_map(run).collect()
}

fn row(score: &str, label: &str, day: &str) -> String {
    format!(
        "{{\"sub_code\":\"200\",\"passed\":\"T\",\"face_attack\":\"F\",\"face_occlusion\":\"F\",\"verify_score\":{score},\"face_attack_score\":0.1,\"label\":\"{label}\",\"time\":\"{day}\",\"subject\":\"s\"}}\n"
    )
}

#[test]
fn a_report_adapts_to_the_available_data() {
    let one = |score: &str, label| row(score, label, "2026-01-01");
    let alike: String = ["01", "02", "03"]
        .map(|month| row("70", "genuine", &format!("2026-{month}-01")) + &row("70", "impostor", ""))
        .concat();
    let far = row("1", "", "1970-01-01") + &row("99", "", "9999-12-31");
    let sets = [
        (String::new(), false),
        ("no json\n".to_owned(), false),
        (one("70", ""), false),
        (one("70", "genuine"), false),
        (one("\"NaN\"", "genuine") + &one("null", "impostor"), false),
        (one("70", "genuine") + &one("70", "impostor"), true),
        (one("100", "impostor") + &one("0", "genuine") + &one("100", "genuine"), true),
        (one("-5", "genuine") + &one("1e300", "impostor") + &one("0.004", "impostor"), false),
        (alike, true),
        (far, false),
    ];
    for (rows, is_labelled) in sets {
        for page in reports(&rows) {
            let (_, body) = page.split_once("<body>").unwrap();
            for bad in ["NaN", "inf%", "inf ", "'inf", ">inf", "undefined", "{{", "<b></b>", ">none<"] {
                assert!(!body.contains(bad), "{bad} of {rows}");
            }
            for part in ["id=\"errors\"", "id=\"targets\"", "id=\"coverage\""] {
                assert_eq!(body.contains(part), is_labelled, "{part} of {rows}");
            }
            assert!(body.contains("<svg") && body.trim_end().ends_with("</html>"), "{rows}");
        }
    }
}

#[test]
fn a_report_says_whether_scores_separate_the_labels() {
    let rows = |scores: [&str; 4]| -> String {
        let labels = ["impostor", "genuine", "impostor", "genuine"];
        scores.into_iter().zip(labels).map(|(score, label)| row(score, label, "")).collect()
    };
    let [parted, mixed] =
        [rows(["10", "80", "20", "90"]), rows(["10", "80", "85", "90"])].map(|rows| reports(&rows));
    assert!(parted[0].contains("No threshold has both errors") && parted[1].contains("可完全分开"));
    assert!(!mixed[0].contains("No threshold has both errors") && mixed[0].contains("equal errors"));
}
