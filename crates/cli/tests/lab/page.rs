//! Runs the commands of docs/lab.md, unchanged.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::text;

/// The shell commands of a page, in its order: the blocks that begin with a command of the lab or prepare a file for one.
fn blocks(page: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let page = std::fs::read_to_string(path).unwrap();
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    // The first block installs the command and makes the history.
    blocks.skip(1).map(str::to_owned).collect()
}

/// A short history with enough impostors to prove 1/500 at 75.35, as the page's does.
fn write_history(folder: &Path) {
    let mut lines = String::new();
    for number in 0..2000 {
        let (label, score) = match number % 5 {
            0 => ("genuine", 72.0 + f64::from(number % 27)),
            _ => ("impostor", 40.0 + f64::from(number % 35)),
        };
        let score = if number == 1 { 75.34 } else { score };
        writeln!(
            lines,
            "{{\"time\":\"2026-{:02}-03\",\"sub_code\":\"200\",\"passed\":\"T\",\"face_attack\":\"F\",\"face_occlusion\":\"F\",\
             \"verify_score\":{score},\"quality_score\":90,\"face_attack_score\":0.01,\"label\":\"{label}\",\"subject\":\"s{number}\",\
             \"channel\":\"app\"}}",
            1 + number % 4,
        )
        .unwrap();
    }
    std::fs::write(folder.join("history.jsonl"), lines).unwrap();
}

fn run(block: &str, folder: &Path) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_cloudauth")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = std::env::join_paths([program.to_owned()].into_iter().chain(std::env::split_paths(&path)));
    let script = format!("set -e\n{block}");
    Command::new("sh").args(["-c", &script]).env("PATH", path.unwrap()).current_dir(folder).output().unwrap()
}

#[test]
fn commands_of_the_page_do_what_it_says() {
    let all = blocks("lab.md");
    assert_eq!(all, blocks("zh/lab.md"));
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_history(folder);
    let policy = cloudauth::policy::builtin::ONBOARDING;
    std::fs::write(folder.join("onboarding.toml"), policy).unwrap();
    let candidate = policy.replace("value = 75.0, far = \"1/10000\"", "value = 76.5, far = \"5/100000\"");
    assert_ne!(candidate, policy);
    std::fs::write(folder.join("candidate.toml"), candidate).unwrap();
    for block in &all {
        let output = run(block, folder);
        assert!(output.status.success(), "{block}{}", text(&output));
        if block.contains("--write") {
            let written = "wrote match_auto = 75.35 to next.toml, was 75";
            assert!(text(&output).contains(written), "{}", text(&output));
        }
    }
    assert!(all.iter().any(|block| block.contains("--write")), "the page writes no threshold");
}
