//! The report on any tally: no row, one row, equal rows, labels that the scores separate or not.

use cloudauth_lab::{
    Lab, Language, Mapping, Report, ReviewPlans, RunControl, SegmentRates, Shape, Source, Sweep, SweepPlan,
    TARGETS,
};
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
        [Language::En, Language::Zh].map(|language| Report::of(&tally, &TARGETS).html(language).unwrap())
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

#[test]
fn segments_and_a_sweep_are_charts_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let bad = "<i>'&\\\"\\u0000\\u202e";
    let rows: String = (0..400)
        .map(|number| {
            let (label, channel) = (["genuine", "impostor"][number % 2], ["app", bad, ""][number % 3]);
            let score = if label == "genuine" { 68 + number % 30 } else { 40 + number % 37 };
            row(&score.to_string(), label, "2026-01-01")
                .replace("}\n", &format!(",\"channel\":\"{channel}\"}}\n"))
        })
        .collect();
    std::fs::write(&path, rows).unwrap();
    let sources = Source::find(&[path]).unwrap();
    let mapping =
        Mapping::parse("format = 1\nsegments = [\"channel\"]\n[label]\ncolumn = \"label\"").unwrap();
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let run =
        |lab: Lab<'_>| lab.mapping(mapping.clone()).run(&sources, &RunControl::default()).unwrap().tally;
    let tally = run(Lab::new(&policy));
    let values = SweepPlan::values(69.0, 78.0, 1.0).unwrap();
    let plan = SweepPlan::new(builtin::ONBOARDING, "match_auto", values).unwrap();
    let sweep = Sweep::of(&run(Lab::sweep(&plan)), &plan);
    for (language, words) in [
        (
            Language::En,
            ["What changes with another threshold", "dashed: all values together", "match_auto 75"],
        ),
        (Language::Zh, ["移动阈值会改变什么", "虚线：全部取值合计", "（无）"]),
    ] {
        let mut report = Report::of(&tally, &TARGETS);
        report.sweep = Some(sweep.clone());
        let page = report.html(language).unwrap();
        let (_, body) = page.split_once("<body>").unwrap();
        for word in words {
            assert!(body.contains(word), "{word}");
        }
        let part = |id: &str| {
            body.split(&format!("<section id=\"{id}\">")).nth(1).unwrap().split("</section>").next().unwrap()
        };
        // Two rates of labelled rows, two of all, and two for each value that the policy compares the score with.
        assert_eq!(part("segments").matches("<svg").count(), 4 + 2 * 3);
        assert_eq!(part("segments").matches("<circle").count(), 3 * 10);
        assert_eq!(part("sweep").matches("<svg").count(), 1);
        assert_eq!(part("sweep").matches("<tr>").count(), 11);
        // `match_auto` must be above 70.
        assert_eq!(part("sweep").matches("class='broken'").count(), 1);
        let gap = SegmentRates::of(&tally).segments["channel"].reviewed.largest.clone().unwrap();
        let ratio = format!("<b>{:.2} ({:.2}–", gap.ratio.unwrap(), gap.ratio_interval.0);
        assert!(part("segments").contains(&ratio), "{ratio}");
        assert_eq!(part("segments").matches("soft gap").count(), 4 + 2 * 3);
        assert!(part("segments").contains('\u{fffd}'));
        for wrong in ["NaN", "inf", "<i>", "{{", "\0", "\u{202e}"] {
            assert!(!part("segments").contains(wrong) && !part("sweep").contains(wrong), "{wrong}");
        }
        let without = Report::of(&tally, &TARGETS).html(language).unwrap();
        assert!(!without.contains("id=\"sweep\"") && without.contains("id=\"segments\""));
    }
}

#[test]
fn a_report_tells_once_whether_intervals_count_people() {
    let rows: String = ["10", "80", "20", "90"]
        .into_iter()
        .zip(["impostor", "genuine"].into_iter().cycle())
        .map(|(score, label)| row(score, label, ""))
        .collect();
    let without = rows.replace(",\"subject\":\"s\"", "");
    for (rows, counts_people) in [(rows, true), (without, false)] {
        let page = &reports(&rows)[0];
        assert_eq!(page.contains("Intervals count people"), counts_people, "{rows}");
        assert_eq!(page.contains("Intervals assume independent attempts"), !counts_people, "{rows}");
        assert!(
            page.contains("the vendor's thresholds. AUC")
                || page.contains("the vendor&#x27;s thresholds. AUC")
        );
    }
}

/// A segment of two values is one test: its p-value stands once, and is not one of Holm's.
#[test]
fn two_values_of_a_segment_have_one_p_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    for channels in 1..=3 {
        let line = |number: usize| {
            let score = if number % 7 < number % channels * 3 { "72" } else { "90" };
            let channel = format!(",\"channel\":\"c{}\"}}", number % channels);
            row(score, ["genuine", "impostor"][number % 5 / 4], "").replace('}', &channel)
        };
        std::fs::write(&path, (0..2000).map(line).collect::<String>()).unwrap();
        let mapping = "format = 1\nsegments = [\"channel\"]\n[label]\ncolumn = \"label\"\n";
        let lab = Lab::new(&policy).mapping(Mapping::parse(mapping).unwrap());
        let sources = Source::find(std::slice::from_ref(&path)).unwrap();
        let tally = lab.run(&sources, &RunControl::default()).unwrap().tally;
        let page = Report::of(&tally, &TARGETS).html(Language::En).unwrap();
        assert_eq!(page.contains("p of the two values: <b>"), channels == 2);
        assert_eq!(page.contains("p against all other values (Holm): "), channels == 3);
        let dots =
            page.split("<section id=\"segments\">").nth(1).unwrap().split("</section>").next().unwrap();
        for chart in dots.split("<svg").skip(1) {
            let told = ["), p ", "), p (Holm) "].map(|p| chart.matches(p).count());
            assert_eq!(told, [[0, 0], [1, 0], [3, 3]][channels - 1], "{chart}");
        }
        assert!(page.contains("Intervals and p-values count attempts, not people"));
    }
}

#[test]
fn reviews_that_no_team_handles_are_not_no_reviews() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    for (score, says_none) in [("72", false), ("99", true)] {
        std::fs::write(&path, row(score, "genuine", "")).unwrap();
        let lab = Lab::new(&policy).mapping(Mapping::of(Shape::Flat));
        let sources = Source::find(std::slice::from_ref(&path)).unwrap();
        let tally = lab.run(&sources, &RunControl::default()).unwrap().tally;
        let mut report = Report::of(&tally, &TARGETS);
        report.reviewers = ReviewPlans::of(&report.replay, None, Some(1e12), (60.0, 60.0, 0.8));
        for (language, none, too_many) in [
            (Language::En, "No row goes to review", "more than ten million reviewers"),
            (Language::Zh, "没有需要人工复核的行", "所需复核人员超过一千万"),
        ] {
            let page = report.html(language).unwrap();
            assert_eq!((page.contains(none), page.contains(too_many)), (says_none, !says_none));
        }
    }
}
