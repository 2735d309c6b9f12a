//! Invalid input is refused instead of being misread.

use std::fs;
use std::time::{Duration, SystemTime};

use cloudauth_lab::{Drift, Lab, Language, Mapping, Replay, Report, RunControl, Source, TARGETS};
use cloudauth_policy::Verdict;
use cloudauth_tests::full_text;

use crate::support::{policy, run, write};

#[test]
fn an_unclosed_quote_does_not_swallow_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (policy, header, row) = (policy(), "sub_code,passed,comment\n", "200,T,\n");
    let lab = Lab::new(&policy);
    let refused = |text: String| run(&lab, &write(folder.path(), "a.csv", &text)).unwrap_err();
    let open = refused(format!("{header}{}200,T,\"again\n{}", row.repeat(5000), row.repeat(3)));
    assert!(open.contains("a.csv") && open.contains("line 5002 opens is never closed"), "{open}");
    assert!(refused(format!("{header}200,T,\"")).contains("line 2 opens"));
    assert!(refused(format!("sub_code,\"passed\n{row}")).contains("line 1 opens"));

    // Closed quotes are valid: across lines, doubled, and at the end of the file with and without a line break.
    for last in ["200,T,\"a\nb \"\"c\"\"\"\n", "200,T,\"d\"", "200,T,d\"e\n", "200,T,\"\"", "200,T,\r\n"] {
        let text = format!("{header}{}{last}", row.repeat(4095));
        let ran = run(&lab, &write(folder.path(), "b.csv", &text)).unwrap();
        assert_eq!(ran.tally.rows(), 4096, "{last:?}");
        assert_eq!(Replay::of(&ran.tally).issues.iter().filter(|note| note.left_out).count(), 0, "{last:?}");
    }
    for empty in ["", header] {
        assert_eq!(run(&lab, &write(folder.path(), "c.csv", empty)).unwrap().tally.rows(), 0);
    }
}

#[test]
fn refuses_a_duplicate_column_or_file() {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy();
    fs::create_dir(folder.path().join("other")).unwrap();
    let twice = write(folder.path(), "a.csv", "sub_code,verify_score,verify_score\n200,10,90\n");
    let refused = run(&Lab::new(&policy), &twice).unwrap_err();
    assert!(refused.contains("the column `verify_score` twice"), "{refused}");
    let unread = write(folder.path(), "b.csv", "sub_code,comment,comment\n200,10,90\n");
    assert_eq!(run(&Lab::new(&policy), &unread).unwrap().tally.rows(), 1);

    // A mapping that leaves names empty does not match a column without a name: it is not an attack, a label or a time.
    let nameless = write(&folder.path().join("other"), "c.csv", ",sub_code,passed,\n7,200,T,8\n");
    let lab = Lab::new(&policy).mapping(Mapping::parse("format = 1").unwrap());
    let replay = Replay::of(&run(&lab, &nameless).unwrap().tally);
    assert!(
        replay.rows == 1 && Verdict::ALL.iter().all(|verdict| replay.verdicts[*verdict].impostor == 0),
        "{replay:?}"
    );
    assert!(replay.issues.iter().all(|note| note.message.starts_with("has no `")), "{replay:?}");

    for paths in [vec![unread.clone(), unread.clone()], vec![folder.path().to_owned(), unread]] {
        let refused = Source::find(&paths).unwrap_err().to_string();
        assert!(refused.contains("b.csv would be read twice"), "{refused}");
    }
    let mapping =
        "format = 1\n[inputs]\npassed = { column = \"ok\", true = [\"1\"], false = [\"0\", \"1\"] }";
    assert!(
        Mapping::parse(mapping).unwrap_err().to_string().contains("the same word cannot mean true and false")
    );
    for (mapping, name) in [
        ("segments = [\"a\", \"\"]", "segments"),
        ("[inputs]\nverify_score = \"\"", "verify_score"),
        ("[label]\ncolumn = \"\"", "column"),
    ] {
        let refused = Mapping::parse(&format!("format = 1\n{mapping}")).unwrap_err().to_string();
        assert_eq!(refused, format!("`{name}` names no column"));
    }
}

#[test]
fn refuses_to_resume_over_changed_data() {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy();
    let data = write(folder.path(), "a.jsonl", "{\"sub_code\":\"200\",\"passed\":\"T\"}\n");
    let lab = Lab::new(&policy).resume(folder.path().join("state.json"));
    assert_eq!(run(&lab, &data).unwrap().tally.rows(), 1);
    assert_eq!(run(&lab, &data).unwrap().tally.rows(), 1);
    fs::write(&data, "{\"sub_code\":\"200\",\"passed\":\"F\"}\n").unwrap();
    let later = SystemTime::now() + Duration::from_secs(2);
    fs::File::options().write(true).open(&data).unwrap().set_modified(later).unwrap();
    assert!(run(&lab, &data).unwrap_err().contains("is of another command, policy, mapping or data"));
}

#[test]
fn refuses_to_compare_a_month_with_itself() {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy();
    let rows: String = (1..=4)
        .map(|month| format!("{{\"time\":\"2026-{month:02}-03\",\"verify_score\":{}}}\n", 70 + month))
        .collect();
    let ran = run(&Lab::new(&policy), &write(folder.path(), "a.jsonl", &rows)).unwrap();
    let drift = |reference: Option<&str>, current: Option<&str>| {
        let months = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        Drift::of(&ran.tally, months(reference).as_ref(), months(current).as_ref())
            .map(|drift| (drift.reference.0 + ".." + &drift.reference.1, drift.current.0))
            .map_err(|error| full_text(&error))
    };
    let expected = |reference: &str, current: &str| Ok((reference.to_owned(), current.to_owned()));
    assert_eq!(drift(None, None), expected("2026-01..2026-03", "2026-04"));
    assert_eq!(drift(None, Some("2026-03..2026-04")), expected("2026-01..2026-02", "2026-03"));
    assert_eq!(drift(Some("2026-02"), Some("2026-01")), expected("2026-02..2026-02", "2026-01"));
    assert!(drift(Some("2026-01..2026-03"), Some("2026-03")).unwrap_err().contains("compared with itself"));
    assert!(drift(None, Some("2026-01")).unwrap_err().contains("before 2026-01"));
}

#[test]
fn a_report_of_an_incomplete_run_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let policy = policy();
    let line = "{\"sub_code\":\"200\",\"passed\":\"T\"}\n";
    let data = write(folder.path(), "a.jsonl", line.repeat(100_000));
    let watch = RunControl::default();
    watch.stop_after(1);
    let part = Lab::new(&policy).run(&Source::find(std::slice::from_ref(&data)).unwrap(), &watch).unwrap();
    assert!(!part.complete && part.tally.rows() > 0);
    for (language, says) in [(Language::En, "The run was stopped"), (Language::Zh, "运行被中止")] {
        assert!(Report::of(&part.tally, &TARGETS).html(language).unwrap().contains(says));
    }
    let whole = run(&Lab::new(&policy), &data).unwrap();
    assert!(!Report::of(&whole.tally, &TARGETS).html(Language::En).unwrap().contains("The run was stopped"));
}
