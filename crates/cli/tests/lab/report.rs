//! `lab report`: its document and its page have the figures of the other commands.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::lab;
use crate::support::{json as document, text};

/// Four months of labelled results of two channels in three regions; one region is markup, and one row in 20 has none.
fn history(folder: &Path) {
    let header =
        "id,time,subject,channel,region,sub_code,passed,face_attack,face_occlusion,verify_score,label\n";
    let row = |number: u32| {
        let is_impostor = number.is_multiple_of(4);
        let score = if is_impostor { 36 + number % 41 } else { 71 + number * 7 % 28 };
        let label = if is_impostor { "impostor" } else { "genuine" };
        let region = match number % 20 {
            0 => "",
            3 | 9 | 15 => "<i>&'",
            _ => ["north", "south"][(number / 20) as usize % 2],
        };
        format!(
            "r{number},2026-{:02}-{:02},s{},{},{region},200,T,F,F,{score},{label}\n",
            1 + number / 10 % 4,
            1 + number % 27,
            number / 3,
            ["app", "web"][(number / 4) as usize % 2],
        )
    };
    let rows: String = (0..6000).map(row).collect();
    fs::write(folder.join("rows.csv"), header.to_owned() + &rows).unwrap();
    let mapping = "format = 1\nid = \"id\"\ntime = \"time\"\nsubject = \"subject\"\nsegments = [\"channel\", \"region\"]\n\
                   [inputs]\nsub_code = \"sub_code\"\npassed = \"passed\"\nface_attack = \"face_attack\"\n\
                   face_occlusion = \"face_occlusion\"\nverify_score = \"verify_score\"\n[label]\ncolumn = \"label\"\n";
    fs::write(folder.join("map.toml"), mapping).unwrap();
}

const DATA: &str = "rows.csv --mapping map.toml";

fn run(args: &str, folder: &Path) -> Value {
    let args = format!("{args} --output json");
    let output = lab(&args.split_whitespace().collect::<Vec<_>>(), folder);
    assert!(output.status.success(), "{args}: {}", text(&output));
    document(&output)
}

/// Asserts that a part of the report's document is the document of a command, which has more members about the run.
fn assert_same(part: &Value, command: &Value) {
    for (name, value) in part.as_object().unwrap() {
        assert_eq!(value, &command[name], "{name}");
    }
}

/// Returns the page in a language, and its document.
fn report(args: &str, language: &str, folder: &Path) -> (String, Value) {
    let args =
        format!("report builtin:onboarding {DATA} --candidate builtin:vendor {args} --lang {language}");
    let found = run(&args, folder);
    assert_eq!(found["report"], "report.html");
    (fs::read_to_string(folder.join("report.html")).unwrap(), found)
}

fn section<'p>(page: &'p str, id: &str) -> &'p str {
    let part = page.split(&format!("<section id=\"{id}\">")).nth(1).unwrap_or_else(|| panic!("no {id}"));
    part.split("</section>").next().unwrap()
}

#[test]
fn the_document_has_the_figures_of_the_other_commands() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    history(folder);
    let sweep = "--from 72 --step 2";
    let (_, found) = report(&format!("--sweep match_auto --up-to 78 {sweep}"), "en", folder);
    let policy = format!("builtin:onboarding {DATA}");
    assert_same(&found["replay"], &run(&format!("replay {policy}"), folder));
    let compare = format!("compare builtin:onboarding builtin:vendor {DATA}");
    assert_same(&found["compare"], &run(&compare, folder));
    assert_same(&found["segments"], &run(&format!("segments {policy}"), folder));
    assert_same(&found["calibration"], &run(&format!("calibrate {policy}"), folder));
    assert_same(&found["drift"], &run(&format!("drift {policy}"), folder));
    let sweep = format!("sweep {policy} --threshold match_auto --to 78 {sweep}");
    assert_same(&found["sweep"], &run(&sweep, folder));
    assert_eq!((&found["sources"][0], &found["complete"]), (&"rows.csv".into(), &true.into()));
}

#[test]
fn two_segments_are_crossed_as_by_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    history(folder);
    let by = run(&format!("segments builtin:onboarding {DATA} --by channel,region"), folder);
    let by = &by["segments"]["channel × region"];
    assert_eq!(by["approved"]["values"].as_object().unwrap().len(), 8);
    for (language, none) in [("en", "(none)"), ("zh", "（无）")] {
        let (page, found) = report("--cross channel,region", language, folder);
        assert_eq!(&found["segments"]["segments"]["channel × region"], by);
        let part = section(&page, "segments");
        // Four rates, and two for each value that the policy compares the score with.
        assert_eq!(part.matches("aria-label='channel × region: ").count(), 4 + 2 * 3);
        let chart = part.split("aria-label='channel × region: ").nth(2).unwrap();
        let chart = chart.split("</svg>").next().unwrap();
        for (value, rate) in by["customers_not_approved"]["values"].as_object().unwrap() {
            let name = value.replace("<i>&'", "&lt;i&gt;&amp;&#39;");
            let name = if name.ends_with(" × ") { name + none } else { name };
            let rate = cloudauth_lab::percent(rate["rate"].as_f64().unwrap());
            let sign = if language == "en" { " %" } else { "%" };
            assert!(chart.contains(&format!("{name}: {rate}{sign} (")), "{name}: {rate}");
        }
        assert!(!page.contains("<i>") && section(&page, "decisions").contains("channel × region"));
        let (page, _) = report("", language, folder);
        assert!(!page.contains("channel × region"));
    }
}

#[test]
fn a_threshold_is_tested_on_later_days_as_by_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    history(folder);
    let days = "--train ..2026-02-28 --test 2026-03-01.. --target 10% --target 0.5% --target 1/10000";
    let calibrated = run(&format!("calibrate builtin:onboarding {DATA} {days}"), folder);
    for (language, sign, words) in [
        (
            "en",
            "\u{a0}%",
            ["are left out, because their people", "test minus train", "Too few: <b>29,956</b> labelled"],
        ),
        ("zh", "%", ["因为其人员在选定日期内已有标注", "检验减选定", "需要 <b>29,956</b> 次无误识"]),
    ] {
        let (page, found) = report(days, language, folder);
        assert_same(&found["holdout"], &calibrated);
        let part = section(&page, "holdout");
        let percent = |share: &Value| cloudauth_lab::percent(share.as_f64().unwrap()) + sign;
        for target in found["holdout"]["targets"].as_array().unwrap() {
            for rate in [&target["fmr"], &target["fnmr"]] {
                for side in ["train", "test"] {
                    let [low, high] = ["low", "high"].map(|end| percent(&rate[side][end]));
                    let low = low.trim_end_matches(sign);
                    let told =
                        format!("<td>{} <span class=\"soft\">({low}–{high})", percent(&rate[side]["rate"]));
                    assert!(part.contains(&told), "{told}");
                }
                let ends = [&rate["interval"][0], &rate["interval"][1]].map(percent).join(" … ");
                let told = format!("{} <span class=\"soft\">({ends})", percent(&rate["optimism"]));
                assert!(part.contains(&told) && part.contains(&format!("<b>{ends}</b>")), "{told}");
            }
        }
        for word in words {
            assert!(part.contains(word), "{word}: {part}");
        }
        // A pair of charts for each threshold: the last two targets choose the same, and only one of them is proved.
        assert_eq!((part.matches("<svg").count(), part.matches("<circle").count()), (4, 8));
        assert!(part.contains("<b>0.5%</b>") && part.contains("<b>1/10,000</b>"), "{part}");
        assert!(page.contains(if language == "en" { "Later days" } else { "之后的日期" }));
        let (page, found) = report("", language, folder);
        assert!(found["holdout"].is_null() && !page.contains("id=\"holdout\""));
    }
}

#[test]
fn doubts_about_the_days_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    history(folder);
    let mapping = fs::read_to_string(folder.join("map.toml")).unwrap().replace("subject = \"subject\"\n", "");
    let swapped = "column = \"label\"\ngenuine = [\"impostor\"]\nimpostor = [\"genuine\"]\n";
    fs::write(folder.join("map.toml"), mapping.replace("column = \"label\"\n", swapped)).unwrap();
    let days = "--train ..2026-02-28 --test 2026-03-01.. --target 1/50";
    for (language, told) in [
        (
            "en",
            [
                "training days: AUC is <b>0.",
                "test days: AUC is <b>0.",
                "No labelled row has a subject",
                "support no recommendation",
            ],
        ),
        (
            "zh",
            [
                "选定日期：AUC 为 <b>0.",
                "检验日期：AUC 为 <b>0.",
                "有标注的行均没有用户标识",
                "不依据这批数据建议",
            ],
        ),
    ] {
        let (page, _) = report(days, language, folder);
        for told in told {
            assert!(section(&page, "holdout").contains(told), "{told}: {}", section(&page, "holdout"));
        }
    }
}
