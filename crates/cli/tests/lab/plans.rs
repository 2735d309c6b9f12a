//! `lab sweep` and `lab plan`.

use serde_json::Value;

use crate::support::text as said;
use crate::{history, lab};

#[test]
fn sweeps_a_threshold_in_one_pass() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let sweep = [
        "sweep",
        "builtin:onboarding",
        "history.jsonl",
        "--mapping",
        "map.toml",
        "--threshold",
        "match_auto",
        "--from",
        "69",
        "--to",
        "77",
        "--step",
        "0.5",
    ];
    let output = lab(&[&sweep[..], &["--csv", "sweep.csv"]].concat(), folder.path());
    let text = said(&output);
    assert!(output.status.success() && text.contains("17 values of match_auto, on 4,000 rows"), "{text}");
    let current = text.lines().find(|line| line.starts_with("75 ")).unwrap();
    assert!(current.ends_with("current") && !current.contains("fail"), "{current}");
    assert!(text.contains("[V8]") && text.contains("1 example fails"), "{text}");
    // Four verdicts, two rates and the reviews are not counted; there is no column for a cost.
    let broken = text.lines().find(|line| line.starts_with("69 ")).unwrap();
    assert_eq!(broken.split_whitespace().filter(|cell| *cell == "-").count(), 7, "{broken}");
    let csv = std::fs::read_to_string(folder.path().join("sweep.csv")).unwrap();
    let columns: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(columns, [19; 18], "{csv}");

    let json = lab(&[&sweep[..], &["--output", "json"]].concat(), folder.path());
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    let replay =
        ["replay", "builtin:onboarding", "history.jsonl", "--mapping", "map.toml", "--output", "json"];
    let replay: Value = serde_json::from_slice(&lab(&replay, folder.path()).stdout).unwrap();
    let of =
        |value: f64| document["values"].as_array().unwrap().iter().find(|row| row["value"] == value).unwrap();
    assert_eq!(of(75.0)["outcome"]["verdicts"], replay["verdicts"]);
    assert_eq!((&of(69.0)["outcome"], &of(69.0)["problem"]["rule"]), (&Value::Null, &Value::from("V8")));
    let impostors = |value: f64| of(value)["outcome"]["fraud_approved"]["count"].as_u64().unwrap();
    assert!(impostors(71.0) > impostors(75.0) && impostors(77.0) == 0);
    let chinese = lab(&[&sweep[..], &["--lang", "zh"]].concat(), folder.path());
    let text = said(&chinese);
    assert!(text.contains("每日复核") && text.contains("当前值") && text.contains("未统计"), "{text}");

    let wrong = [&sweep[..9], &["--to", "60", "--step", "1"]].concat();
    let refused = lab(&wrong, folder.path());
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("invalid sweep"), "{}", said(&refused));
}

#[test]
fn costs_of_a_sweep_need_the_share_of_impostors() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    let file =
        "format = 1\n[cost]\nimpostor_approved = 5000\ngenuine_rejected = 30\nreview = 2\nretry = 0.5\n";
    std::fs::write(folder.path().join("cost.toml"), file).unwrap();
    let sweep = "sweep builtin:onboarding history.jsonl --mapping map.toml --threshold match_auto --from 72 --to 78 --step 2";
    let sweep: Vec<&str> = sweep.split(' ').collect();
    let run = |more: &[&str]| lab(&[&sweep[..], more].concat(), folder.path());
    let output = run(&["--cost", "cost.toml", "--prior", "0.1%", "--csv", "sweep.csv"]);
    let text = said(&output);
    assert!(output.status.success() && text.contains("cheapest: match_auto = "), "{text}");
    assert!(text.contains("costs take 0.10 % of the attempts as impostors"), "{text}");
    let csv = std::fs::read_to_string(folder.path().join("sweep.csv")).unwrap();
    assert!(csv.lines().all(|line| line.split(',').count() == 25), "{csv}");
    let json = run(&["--cost", "cost.toml", "--prior", "0.001", "--output", "json"]);
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    let costs: Vec<f64> = document["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value["outcome"]["cost"]["per_1000"].as_f64().unwrap())
        .collect();
    let cheapest = document["cost"]["cheapest"].as_f64().unwrap();
    let lowest = costs.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(costs[((cheapest - 72.0) / 2.0) as usize], lowest, "{costs:?} {cheapest}");
    let text = said(&run(&["--cost", "cost.toml", "--prior", "0.001", "--lang", "zh"]));
    assert!(text.contains("每千次成本") && text.contains("成本最低：match_auto"), "{text}");
    let report = "report builtin:onboarding history.jsonl --mapping map.toml --sweep match_auto --from 72 --up-to 78 --step 2";
    let report: Vec<&str> = report.split(' ').chain(["--cost", "cost.toml", "--prior", "0.1%"]).collect();
    let output = lab(&report, folder.path());
    assert!(output.status.success(), "{}", said(&output));
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("Expected cost of 1,000 attempts") && page.contains("is the cheapest"));
    std::fs::write(folder.path().join("wrong.toml"), file.replace("retry", "retries")).unwrap();
    std::fs::write(folder.path().join("negative.toml"), file.replace("= 2", "= -2")).unwrap();
    for (args, says) in [
        (&["--cost", "cost.toml"][..], "--cost needs --prior"),
        (&["--prior", "0.1"], "give a cost file"),
        (
            &["--cost", "wrong.toml", "--prior", "0.1"],
            "wrong.toml: line 6, column 1: unknown field `retries`",
        ),
        (
            &["--cost", "negative.toml", "--prior", "0.1"],
            "negative.toml: line 5: `review`: must be a number from 0",
        ),
        (
            &["--cost", "negative.toml", "--prior", "0.1", "--lang", "zh"],
            "negative.toml：第 5 行：`review` 须为 0 至",
        ),
        (&["--cost", "cost.toml", "--prior", "1"], "between 0 and 1"),
        (&["--cost", "cost.toml", "--prior", "0.1", "--csv", "cost.toml"], "is not written over"),
    ] {
        let output = run(args);
        assert!(
            output.status.code() == Some(2) && said(&output).contains(says),
            "{args:?}: {}",
            said(&output)
        );
    }
}

#[test]
fn a_threshold_is_tested_on_other_days() {
    let folder = tempfile::tempdir().unwrap();
    history(folder.path());
    // Each month gets impostors, and neighbours of a person are in the next one.
    let file = folder.path().join("history.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    let line = |(number, line): (usize, &str)| {
        let old = format!("2026-{:02}-03", 1 + number % 4);
        line.replace(&old, &format!("2026-{:02}-03", 1 + number / 8 % 4)) + "\n"
    };
    std::fs::write(&file, text.lines().enumerate().map(line).collect::<String>()).unwrap();
    let calibrate =
        ["calibrate", "builtin:onboarding", "history.jsonl", "--mapping", "map.toml", "--target", "1/20"];
    let run = |more: &[&str]| lab(&[&calibrate[..], more].concat(), folder.path());
    let days = ["--train", "..2026-02-28", "--test", "2026-03-01.."];
    let output = run(&days);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("chosen on 2026-01-03..2026-02-03") && text.contains("test minus train"), "{text}");
    let json = run(&[&days[..], &["--output", "json"]].concat());
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    // Three rows in a row are of one person.
    let (rows, dropped) =
        (document["test"]["rows"].as_u64().unwrap(), document["dropped_rows"].as_u64().unwrap());
    assert!(rows + dropped == 2000 && dropped > 100, "{rows} {dropped}");
    let target = &document["targets"][0];
    assert!(target["threshold"].is_number() && target["fmr"]["interval"].is_array(), "{target}");
    let text = said(&run(&[&days[..], &["--lang", "zh"]].concat()));
    assert!(text.contains("测试期减训练期") && text.contains("行被排除"), "{text}");
    assert_eq!(document["rests_on"], "people");
    // There is no p-value.
    let basis =
        format!("\nintervals count people, not attempts: {} impostors and ", document["people"]["impostor"]);
    assert!(said(&output).contains(&basis), "{basis}: {}", said(&output));
    assert_eq!(target["rests_on"], "people");
    assert!(!said(&output).contains("what is proved on the training days"), "{}", said(&output));
    // Genuine people without a subject: the intervals count other units than the proof.
    let known = std::fs::read_to_string(&file).unwrap();
    let without = |line: &str| match line.split_once(",\"subject\"") {
        Some((before, _)) if line.contains("genuine") => format!("{before}}}\n"),
        _ => format!("{line}\n"),
    };
    std::fs::write(&file, known.lines().map(without).collect::<String>()).unwrap();
    let text = said(&run(&days));
    assert!(text.contains("what is proved on the training days counts people, not attempts"), "{text}");
    let text = said(&run(&[&days[..], &["--lang", "zh"]].concat()));
    assert!(text.contains("训练期的“可证明”按人而非按次数得出"), "{text}");
    std::fs::write(&file, known).unwrap();
    assert!(document["people"]["genuine"].as_u64() > Some(300), "{document}");
    for (args, says) in [
        (&["--train", "..2026-03-01", "--test", "2026-03-01.."][..], "days in common"),
        (&["--train", "2026-03-01..", "--test", "..2026-02-28"], "come before those of --train"),
        (&["--train", "2026-03"], "expected days such as"),
        (&["--train", "..2026-02-28"], "--test"),
        (
            &["--train", "..2026-02-28", "--test", "2027-01-01.."],
            "the days of --test have no labelled impostors",
        ),
    ] {
        let output = run(args);
        assert!(
            output.status.code() == Some(2) && said(&output).contains(says),
            "{args:?}: {}",
            said(&output)
        );
    }
    // Labels that are swapped: the score of an impostor is higher.
    let swapped = "format = 1\ntime = \"time\"\nsubject = \"subject\"\n[label]\ncolumn = \"label\"\ngenuine = [\"impostor\"]\nimpostor = [\"genuine\"]\n";
    std::fs::write(folder.path().join("map.toml"), swapped).unwrap();
    let text = said(&run(&days));
    for line in [
        "warning, training days: AUC is 0.",
        "warning, test days: AUC is 0.",
        "1/20 is not proved: withheld: AUC",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let text = said(&run(&[&days[..], &["--lang", "zh"]].concat()));
    assert!(text.contains("警告（测试期）：AUC") && text.contains("1/20 不可证明：暂不建议"), "{text}");
    let piped = ["calibrate", "builtin:onboarding", "-", "--train", "..2026-02-28", "--test", "2026-03-01.."];
    assert!(said(&lab(&piped, folder.path())).contains("read twice"));
}

#[test]
fn plans_labels_attempts_and_reviewers() {
    let folder = tempfile::tempdir().unwrap();
    let plan = [
        "plan",
        "--target",
        "1/10000",
        "--only-policy",
        "1%",
        "--only-candidate",
        "0.02",
        "--reviews-per-hour",
        "120",
        "--handling-time",
        "3m",
        "--target-wait",
        "5m",
    ];
    let output = lab(&plan, folder.path());
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    for line in [
        "29,956 labelled impostors, none of them approved",
        "7 reviewers at the same time",
        "labelled attempts show",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let json = lab(&[&plan[..], &["--output", "json"]].concat(), folder.path());
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["labels"][0]["impostors"], 29_956);
    assert_eq!(
        (&document["reviewers"]["reviewers"], &document["compare"]["power"]),
        (&Value::from(7), &Value::from(0.8))
    );
    let chinese = lab(&[&plan[..], &["--lang", "zh"]].concat(), folder.path());
    assert!(said(&chinese).contains("同时需要 7 名复核人员"), "{}", said(&chinese));
    for wrong in [
        &["plan"][..],
        &["plan", "--target", "2"],
        &["plan", "--target", "1/10", "--confidence", "1"],
        &["plan", "--only-policy", "1%"],
        &["plan", "--only-policy", "1%", "--only-candidate", "1%"],
        &["plan", "--reviews-per-hour", "0", "--handling-time", "3m", "--target-wait", "5m"],
        &["plan", "--reviews-per-hour", "9", "--handling-time", "3m"],
        // Options of a question that is not asked.
        &["plan", "--target", "1/10", "--power", "90%"],
        &["plan", "--target", "1/10", "--service-level", "90%"],
        &["plan", "--only-policy", "1%", "--only-candidate", "2%", "--observed-errors", "1"],
        &[
            "plan",
            "--reviews-per-hour",
            "9",
            "--handling-time",
            "3m",
            "--target-wait",
            "5m",
            "--confidence",
            "90%",
        ],
    ] {
        let output = lab(wrong, folder.path());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", said(&output));
    }
    let power = "plan --only-policy 1% --only-candidate 2% --confidence 90% --power 90%";
    let output = lab(&power.split(' ').collect::<Vec<_>>(), folder.path());
    assert!(output.status.success(), "{}", said(&output));
    let chinese = lab(&["plan", "--target", "1/10", "--power", "90%", "--lang", "zh"], folder.path());
    assert!(said(&chinese).contains("--only-policy"), "{}", said(&chinese));
}

#[test]
fn segments_that_differ_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let row = |number: u32| {
        // One genuine person in 20 scores below the threshold; on the web one in 5.
        let channel = ["app", "web"][number as usize % 2];
        let low = (number / 2).is_multiple_of(if channel == "web" { 5 } else { 20 });
        let (score, channel) = (if low { 72 } else { 90 }, if number % 400 == 3 { "kiosk" } else { channel });
        format!("200,T,F,F,{score},0.01,genuine,{channel}\n")
    };
    let rows: String = (0..4000).map(row).collect();
    let header = "sub_code,passed,face_attack,face_occlusion,verify_score,face_attack_score,label,channel\n";
    std::fs::write(folder.path().join("rows.csv"), header.to_owned() + &rows).unwrap();
    std::fs::write(
        folder.path().join("map.toml"),
        "format = 1\nsegments = [\"channel\"]\n[label]\ncolumn = \"label\"\n",
    )
    .unwrap();
    let segments = ["segments", "builtin:onboarding", "rows.csv", "--mapping", "map.toml"];
    let output = lab(&segments, folder.path());
    let text = said(&output);
    assert!(output.status.success() && text.contains("largest gap: web against app"), "{text}");
    let json = lab(&[&segments[..], &["--output", "json"]].concat(), folder.path());
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    let rates = &document["segments"]["channel"]["customers_not_approved"];
    let finding = |value: &str| rates["values"][value]["finding"].as_str().unwrap();
    assert_eq!(
        [finding("app"), finding("web"), finding("kiosk")],
        ["differs", "differs", "too_few"],
        "{rates}"
    );
    assert_eq!(document["segments"]["channel"]["fraud_approved"]["values"], serde_json::json!({}));
    let at = document["segments"]["channel"]["thresholds"].as_array().unwrap();
    let auto = at.iter().find(|at| at["name"] == "match_auto").unwrap();
    // No row is refused for another reason than its score, so both counts are the same.
    assert_eq!(auto["fnmr"]["values"], rates["values"], "{auto}");
    assert!(text.contains("FNMR at match_auto 75"), "{text}");
    for (by, says) in [("channel", "channel"), ("channel,label", "channel × label")] {
        let mapping = "format = 1\nsegments = [\"channel\", \"label\"]\n[label]\ncolumn = \"label\"\n";
        std::fs::write(folder.path().join("two.toml"), mapping).unwrap();
        let by = [
            "segments",
            "builtin:onboarding",
            "rows.csv",
            "--mapping",
            "two.toml",
            "--by",
            by,
            "--output",
            "json",
        ];
        let document: Value = serde_json::from_slice(&lab(&by, folder.path()).stdout).unwrap();
        let names: Vec<&String> = document["segments"].as_object().unwrap().keys().collect();
        assert_eq!(names, [says]);
    }
    for (by, says) in [
        ("shop", "no segment `shop`"),
        ("a,b,c", "--by takes one segment"),
        ("channel,channel", "with itself"),
    ] {
        let output = lab(&[&segments[..], &["--by", by]].concat(), folder.path());
        assert!(output.status.code() == Some(2) && said(&output).contains(says), "{by}: {}", said(&output));
    }
    let chinese = lab(&[&segments[..], &["--lang", "zh"]].concat(), folder.path());
    assert!(said(&chinese).contains("数量过少，无法判断"), "{}", said(&chinese));
    assert!(text.contains("p (Holm)"), "{text}");
    // Two values are one test, whose p-value is shown once and is not corrected. One value has no test.
    let of_values = |rows: String| {
        std::fs::write(folder.path().join("rows.csv"), header.to_owned() + &rows).unwrap();
        said(&lab(&segments, folder.path()))
    };
    let two = of_values(rows.replace("kiosk", "web"));
    let table = two.split("genuine people not approved").nth(1).unwrap();
    let lines: Vec<&str> = table.lines().take(3).collect();
    assert!(!two.contains("Holm") && lines[0].trim() == "p", "{two}");
    assert!(lines[1].contains("< 0.0001") && lines[1].contains("differs"), "{two}");
    assert!(!lines[2].contains("0.0001") && lines[2].contains("differs"), "{two}");
    let one = of_values(rows.replace("kiosk", "app").replace("web", "app"));
    assert!(!one.contains("1.0000") && one.contains(" -"), "{one}");
    std::fs::write(folder.path().join("none.toml"), "format = 1\n[label]\ncolumn = \"label\"\n").unwrap();
    let none = lab(&["segments", "builtin:onboarding", "rows.csv", "--mapping", "none.toml"], folder.path());
    assert_eq!(none.status.code(), Some(2), "{}", said(&none));
}
