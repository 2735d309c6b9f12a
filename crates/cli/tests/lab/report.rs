//! `lab report`: its document and its page have the figures of the other commands.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::lab;
use crate::support::{json as document, text};

/// Four months of labelled results of two channels in three regions; one region is markup, and one row in 20 has none.
fn history(folder: &Path) {
    let header = "id,time,subject,channel,region,sub_code,passed,face_attack,face_occlusion,verify_score,face_attack_score,label\n";
    let row = |number: u32| {
        let is_impostor = number.is_multiple_of(4);
        // Of the genuine people, only two score from 75 to 76.5.
        let score = match (is_impostor, 71 + number * 7 % 28) {
            (true, _) => (36 + number % 41).to_string(),
            (false, _) if number == 1 || number == 13 => "75.5".to_owned(),
            (false, 75 | 76) => "80".to_owned(),
            (false, score) => score.to_string(),
        };
        let label = if is_impostor { "impostor" } else { "genuine" };
        let region = match number % 20 {
            0 => "",
            3 | 9 | 15 => "<i>&'",
            _ => ["north", "south"][(number / 20) as usize % 2],
        };
        format!(
            "r{number},2026-{:02}-{:02},s{},{},{region},200,T,F,F,{score},0.01,{label}\n",
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
                   face_occlusion = \"face_occlusion\"\nverify_score = \"verify_score\"\nface_attack_score = \"face_attack_score\"\n[label]\ncolumn = \"label\"\n";
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
        ("zh", "%", ["因为其用户在训练期内已有标注", "测试期减训练期", "需要 <b>29,956</b> 次无误识"]),
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
        let [with_proof, without] =
            [days, "--train ..2026-02-28 --test 2026-03-01.. --target 1/10000"].map(|days| {
                let (page, _) = report(days, language, folder);
                let says =
                    if language == "en" { "not proved: FMR <b>" } else { "不可证明（目标 FMR <b>" };
                section(&page, "summary").contains(says)
            });
        assert_eq!((with_proof, without), (false, true));
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
                "训练期：AUC 为 <b>0.",
                "测试期：AUC 为 <b>0.",
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

#[test]
fn plans_are_those_of_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    history(folder);
    let candidate = cloudauth::policy::builtin::ONBOARDING
        .replace("value = 75.0, far = \"1/10000\"", "value = 76.5, far = \"5/100000\"");
    fs::write(folder.join("candidate.toml"), candidate).unwrap();
    let args = "--candidate candidate.toml --allow-failing-examples --target 1/50 --target 1/10000 --handling-time 3m --target-wait 5m";
    let plan = |args: &str| run(&format!("plan {args}"), folder);
    for (language, sign) in [("en", "\u{a0}%"), ("zh", "%")] {
        let data = format!("report builtin:onboarding {DATA} {args} --lang {language}");
        let found = run(&data, folder);
        let page = fs::read_to_string(folder.join("report.html")).unwrap();

        // The labels that each target needs.
        for (target, needed) in
            found["calibration"]["targets"].as_array().unwrap().iter().zip(["149", "29,956"])
        {
            let alone = plan(&format!("--target {}", target["target"].as_str().unwrap()));
            assert_eq!(target["needed"], alone["labels"][0]["impostors"]);
            assert!(section(&page, "targets").contains(&format!("<td>{needed}</td>")), "{needed}");
        }

        // Two of 4,500 genuine attempts are not enough to show that the candidate is stricter.
        let needed = &found["attempts_needed"]["customers_not_approved"];
        let of = found["compare"]["customers_not_approved"]["policy"]["of"].as_u64().unwrap();
        assert_eq!(
            (of, needed["only_policy"].as_f64(), needed["only_candidate"].as_f64()),
            (4500, Some(2.0 / 4500.0), Some(0.0))
        );
        let alone = plan("--only-policy 2/4500 --only-candidate 0");
        assert_eq!(needed, &alone["compare"]);
        let attempts = needed["attempts"].as_u64().unwrap();
        assert!(attempts > of && found["attempts_needed"]["fraud_approved"].is_null());
        let told = format!("<b>{},{:03}</b>", attempts / 1000, attempts % 1000);
        assert!(section(&page, "compare").contains(&told), "{told}");

        // The reviewers for the reviews of both policies: 6,000 rows on 108 days.
        let reviewers = &found["reviewers"];
        let days = found["replay"]["days"].as_object().unwrap().len() as f64;
        assert_eq!(
            (reviewers["rows_per_hour"].as_f64(), &reviewers["is_mean"]),
            (Some(6000.0 / days / 24.0), &true.into())
        );
        let data = format!("{data} --rows-per-hour 2400");
        let (found, page) = (run(&data, folder), fs::read_to_string(folder.join("report.html")).unwrap());
        let part = section(&page, "reviewers");
        let reviews =
            found["compare"]["flips"].as_array().unwrap().iter().filter(|flip| flip["to"] == "review");
        let reviews = reviews.map(|flip| flip["all"].as_u64().unwrap()).sum::<u64>();
        let of_policy = found["replay"]["verdicts"]["review"]["all"].as_u64().unwrap();
        assert!(reviews > of_policy);
        for (name, reviews) in [("policy", of_policy), ("candidate", reviews)] {
            let (team, share) = (&found["reviewers"][name], reviews as f64 / 6000.0);
            assert_eq!(found["reviewers"][format!("{name}_share")], share);
            let per_hour = 2400.0 * share;
            let alone = plan(&format!("--reviews-per-hour {per_hour} --handling-time 3m --target-wait 5m"));
            assert_eq!(team, &alone["reviewers"]);
            let figures = [
                format!("<strong>{}</strong>", team["reviewers"]),
                cloudauth_lab::percent(share) + sign,
                cloudauth_lab::amount(per_hour),
                cloudauth_lab::percent(team["within"].as_f64().unwrap()) + sign,
            ];
            assert!(part.contains(&figures.join("</td><td>")), "{figures:?}: {part}");
        }
        let page = report("", language, folder).0;
        assert!(!page.contains("id=\"reviewers\""));
    }
}
