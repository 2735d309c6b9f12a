//! Arguments that the policy, the mapping or each other refuse. Data without a row is refused after it was read, so an error about
//! the argument shows that no data was read.

use std::fs;

use crate::lab;
use crate::support::text as said;

const COST: &str =
    "format = 1\n[cost]\nimpostor_approved = 5000\ngenuine_rejected = 30\nreview = 2\nretry = 0.5\n";
const SWEEP: &str =
    "sweep builtin:onboarding rows.csv --threshold match_auto --from 72 --to 78 --step 2 --mapping";

#[test]
fn arguments_are_checked_before_the_data_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("rows.csv", ""),
        ("cost.toml", COST),
        ("bare.toml", "format = 1\n"),
        ("map.toml", "format = 1\ntime = \"time\"\nsegments = [\"channel\"]\n[label]\ncolumn = \"label\"\n"),
        ("times.toml", "format = 1\ntime = \"time\"\n"),
        ("labels.toml", "format = 1\n[label]\ncolumn = \"label\"\n"),
        ("attacks.toml", "format = 1\ntime = \"time\"\n[label]\nattack = \"attack\"\n"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    fs::write(folder.path().join("policy.toml"), cloudauth::policy::builtin::ONBOARDING).unwrap();
    let run = |args: &str| lab(&args.split(' ').collect::<Vec<_>>(), folder.path());
    let segments = "segments builtin:onboarding rows.csv";
    let sweep = |mapping: &str| format!("{SWEEP} {mapping} --cost cost.toml --prior 0.1%");
    let report = |more: &str| {
        format!(
            "report builtin:onboarding rows.csv --sweep match_auto --from 72 --up-to 78 --step 2 --mapping {more}"
        )
    };
    let days = "calibrate builtin:onboarding rows.csv --train ..2026-01-31 --test 2026-02-01.. --mapping";
    let write = "calibrate policy.toml rows.csv --target 1/100 --write match_auto --mapping";
    let finish = "finish rows.csv --policy builtin:onboarding --view";
    for (args, says) in [
        (format!("{segments} --mapping map.toml --by chanel"), "no segment `chanel`"),
        (format!("{segments} --mapping map.toml --by channel,chanel"), "no segment `chanel`"),
        (format!("{segments} --mapping map.toml --by channel,channel"), "with itself"),
        (format!("{segments} --mapping bare.toml"), "no segments to compare"),
        (segments.to_owned(), "no segments to compare"),
        (sweep("bare.toml"), "the mapping has no labels"),
        (sweep("attacks.toml"), "the mapping has no labels"),
        (format!("{SWEEP} map.toml --cost cost.toml"), "--cost needs --prior"),
        (format!("{SWEEP} map.toml --prior 0.1%"), "give a cost file"),
        (report("bare.toml --cost cost.toml --prior 0.1%"), "the mapping has no labels"),
        (report("map.toml --cost cost.toml"), "--cost needs --prior"),
        (report("map.toml --prior 0.1%"), "give a cost file"),
        (report("map.toml --cost cost.toml --prior 0.1% --to cost.toml"), "is not written over"),
        ("report builtin:onboarding rows.csv --cost cost.toml --prior 0.1%".to_owned(), "--sweep"),
        (report("map.toml --cross channel,region"), "no segment `region`"),
        (report("map.toml --cross channel"), "--cross takes two segments"),
        (report("bare.toml --cross channel,region"), "no segments to compare"),
        ("report builtin:onboarding rows.csv --cross channel,region".to_owned(), "no segments to compare"),
        (format!("{days} times.toml"), "the mapping has no labels"),
        (format!("{days} labels.toml"), "no row has a time"),
        (report("labels.toml --train ..2026-01-31 --test 2026-02-01.."), "no row has a time"),
        (report("times.toml --train ..2026-01-31 --test 2026-02-01.."), "the mapping has no labels"),
        (report("map.toml --train ..2026-01-31 --test 2026-01-31.."), "have days in common"),
        (report("map.toml --train ..2026-01-31"), "--test"),
        (report("map.toml --handling-time 3m"), "--target-wait"),
        (report("map.toml --rows-per-hour 9"), "--handling-time"),
        (report("map.toml --handling-time 0s --target-wait 5m"), "must be positive"),
        (report("map.toml --handling-time 3m --target-wait 5m --rows-per-hour 0"), "--rows-per-hour"),
        (report("labels.toml --handling-time 3m --target-wait 5m"), "with --rows-per-hour"),
        (format!("{write} bare.toml"), "the mapping has no labels"),
        (
            format!("{} --mapping map.toml", write.replace("match_auto --mapping", "match_high")),
            "`match_high`",
        ),
        ("drift builtin:onboarding rows.csv --mapping labels.toml".to_owned(), "no row has a time"),
        (
            "drift builtin:onboarding rows.csv --reference 2026-01..2026-02 --current 2026-02".to_owned(),
            "a month cannot be compared with itself",
        ),
        (
            format!("{finish} drift --reference 2026-01 --current 2026-01"),
            "a month cannot be compared with itself",
        ),
        (format!("{finish} compare"), "--candidate"),
    ] {
        let output = run(&args);
        let text = said(&output);
        assert!(output.status.code() == Some(2) && text.contains(says), "{args}: {text}");
    }
    // With arguments that can be used, the data is what is wrong.
    for args in [
        format!("{segments} --mapping map.toml --by channel"),
        sweep("map.toml"),
        format!("{days} map.toml"),
        format!("{write} map.toml"),
        "drift builtin:onboarding rows.csv --mapping map.toml".to_owned(),
    ] {
        let output = run(&args);
        let text = said(&output);
        assert!(output.status.code() != Some(0) && !text.contains("mapping has"), "{args}: {text}");
    }
}
