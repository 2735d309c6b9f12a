//! The files that a run reads, and their dialects.

use std::io::Write;
use std::path::{Path, PathBuf};

use cloudauth_lab::{
    Lab, Language, Mapping, Replay, Report, RunControl, RunOutcome, SkipReason, Source, TARGETS,
};
use cloudauth_policy::{Policy, Verdict, builtin};
use cloudauth_tests::full_text;

use crate::support::{policy, write};

const HEADER: &str =
    "sub_code,passed,face_attack,face_occlusion,verify_score,quality_score,face_attack_score\n";
const ROW: &str = "200,T,F,F,88,90,0.1\n";

fn rows(paths: &[PathBuf]) -> u64 {
    let policy = policy();
    let sources = Source::find(paths).unwrap();
    Lab::new(&policy).run(&sources, &RunControl::default()).unwrap().tally.rows()
}

/// The skipped paths in a folder, with the reasons.
fn skipped(folder: &Path) -> Vec<(String, SkipReason)> {
    let name = |path: &Path| path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
    let found = Source::search(&[folder.to_owned()]).unwrap();
    found.skipped.into_iter().map(|skipped| (name(&skipped.path), skipped.reason)).collect()
}

#[test]
fn hidden_and_uncommitted_files_are_skipped_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let data = format!("{HEADER}{ROW}");
    write(folder, "x.csv", &data);
    let hidden = [
        ".ipynb_checkpoints/x-checkpoint.csv",
        "_delta_log/1.checkpoint.csv",
        "_temporary/0/part.csv",
        "._x.csv",
        "_part.csv",
    ];
    for name in hidden {
        write(folder, name, &data);
    }
    write(folder, "_year=2026/month=1/y.csv", &data);
    write(folder, "old.csv.bz2", "");
    assert_eq!(rows(&[folder.to_owned()]), 2);
    let expected = [
        ("._x.csv", SkipReason::Hidden),
        (".ipynb_checkpoints", SkipReason::Hidden),
        ("_delta_log", SkipReason::Hidden),
        ("_part.csv", SkipReason::Hidden),
        ("_temporary", SkipReason::Hidden),
        ("old.csv.bz2", SkipReason::UnknownFormat),
    ];
    assert_eq!(skipped(folder), expected.map(|(name, reason)| (name.to_owned(), reason)));

    // A hidden file is read if its path is given.
    assert_eq!(rows(&[folder.join("_part.csv")]), 1);
    assert_eq!(rows(&[folder.to_owned(), folder.join("_part.csv")]), 3);
    let only = write(folder, "empty/_a.csv", &data);
    let refused = Source::find(&[only.parent().unwrap().to_owned()]).unwrap_err().to_string();
    assert!(
        refused.contains("1 skipped, such as") && refused.contains("_a.csv: the name begins"),
        "{refused}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_is_read_once_however_many_links_lead_to_it() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let first = write(folder, "a.csv", format!("{HEADER}{ROW}"));
    std::fs::hard_link(&first, folder.join("b.csv")).unwrap();
    symlink(&first, folder.join("c.csv")).unwrap();
    symlink(folder.join("nowhere.csv"), folder.join("d.csv")).unwrap();
    symlink(folder.join("e.csv"), folder.join("e.csv")).unwrap();
    symlink(folder, folder.join("f")).unwrap();
    assert_eq!(rows(&[folder.to_owned()]), 1);
    let expected = [
        ("b.csv", SkipReason::SameAs(first.clone())),
        ("c.csv", SkipReason::SameAs(first.clone())),
        ("d.csv", SkipReason::BrokenLink),
        ("e.csv", SkipReason::BrokenLink),
        ("f", SkipReason::SameAs(folder.to_owned())),
    ];
    assert_eq!(skipped(folder), expected.map(|(name, reason)| (name.to_owned(), reason)));
    let refused = Source::find(&[first, folder.join("b.csv")]).unwrap_err().to_string();
    assert!(refused.contains("b.csv would be read twice: it is the same as "), "{refused}");
}

#[test]
fn an_output_among_the_data_is_recognized() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "data/deep/x.csv", format!("{HEADER}{ROW}"));
    write(folder, "data/.hidden/x.csv", "");
    write(folder, "other/y.csv", format!("{HEADER}{ROW}"));
    let found = Source::search(&[folder.join("data"), folder.join("other/y.csv")]).unwrap();
    for (name, expected) in [
        ("data/state.json", true),
        ("data/deep/d.csv", true),
        ("data/deep/../D.CSV.gz", true),
        // Names that a search skips, and folders that it does not read.
        ("data/state", false),
        ("data/report.html", false),
        ("data/.state.json", false),
        ("data/_state.json", false),
        ("data/.hidden/state.json", false),
        ("other/state.json", false),
        ("state.json", false),
    ] {
        assert_eq!(found.includes_output(&folder.join(name)), expected, "{name}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.join("data/deep"), folder.join("link")).unwrap();
        assert!(found.includes_output(&folder.join("link/d.csv")));
    }
}

#[test]
fn a_line_that_begins_a_response_in_either_spelling_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let result = r#"{"Passed":"T","SubCode":"200","MaterialInfo":"{\"faceAttack\":\"F\",\"faceOcclusion\":\"F\",\"facialPictureFront\":{\"verifyScore\":88.25,\"qualityScore\":90,\"faceAttackScore\":0.01}}"}"#;
    let policy = policy();
    for line in [
        format!(r#"{{"Code":"200","RequestId":"r","ResultObject":{result}}}"#),
        format!(r#"{{"code":"200","requestId":"r","resultObject":{result}}}"#),
        format!(r#"{{"code":"200","resultObject":{result}}}"#),
        format!(r#"{{"code":"200","message":"success","requestId":"r","ResultObject":{result}}}"#),
    ] {
        let path = write(folder.path(), "replies.jsonl", &line);
        let ran = Lab::new(&policy).run(&Source::find(&[path]).unwrap(), &RunControl::default()).unwrap();
        assert_eq!(Replay::of(&ran.tally).verdicts[Verdict::Approve].all, 1, "{line}");
    }
}

#[test]
fn the_first_object_of_the_data_shows_its_shape() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let reply = r#"{"Code":"200","RequestId":"r","ResultObject":{"Passed":"T","SubCode":"200"}}"#;
    let policy = Policy::parse(builtin::VENDOR).unwrap();
    write(folder, "a.jsonl", "");
    write(folder, "b.jsonl", "\n \n");
    write(folder, "c.jsonl", format!("\n[1]\nno json\n{reply}\n"));
    let sources = Source::find(&[folder.to_owned()]).unwrap();
    let ran = Lab::new(&policy).run(&sources, &RunControl::default()).unwrap();
    assert_eq!(Replay::of(&ran.tally).verdicts[Verdict::Approve].all, 1);
}

#[test]
fn a_report_lists_skipped_files() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "x.csv", format!("{HEADER}{ROW}"));
    write(folder.path(), "_x.csv", format!("{HEADER}{ROW}"));
    let found = Source::search(&[folder.path().to_owned()]).unwrap();
    let policy = policy();
    let lab = Lab::new(&policy).skipped(found.skipped);
    let RunOutcome { tally, .. } = lab.run(&found.sources, &RunControl::default()).unwrap();
    for language in [Language::En, Language::Zh] {
        assert!(Report::of(&tally, &TARGETS).html(language).unwrap().contains("_x.csv"));
    }
}

/// The verdicts, or the error of the run.
fn verdicts(lab: &Lab<'_>, path: &Path) -> Result<[u64; 4], String> {
    let sources = Source::find(&[path.to_owned()]).unwrap();
    let ran = lab.run(&sources, &RunControl::default()).map_err(|error| full_text(&error))?;
    let verdicts = Replay::of(&ran.tally).verdicts;
    Ok(Verdict::ALL.map(|verdict| verdicts[verdict].all))
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(to_bytes).collect()
}

#[test]
fn delimiter_encoding_and_capitals_are_detected() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, policy) = (folder.path(), policy());
    let data = format!("{HEADER}{}", ROW.repeat(3));
    let with = |delimiter: &str| data.replace(',', delimiter);
    let capitals = format!("{}{}", HEADER.to_ascii_uppercase(), ROW.repeat(3));
    let notes = format!("\"a,b,c,d,e\";{}\"x\"\"\n;,\";{}", HEADER.replace(',', ";"), ROW.replace(',', ";"));
    let json = "{\"sub_code\":\"200\",\"passed\":\"T\",\"face_attack\":\"F\",\"face_occlusion\":\"F\",\"verify_score\":88,\"quality_score\":90,\"face_attack_score\":0.1}\r\n";
    for (name, bytes, rows) in [
        ("comma.csv", data.clone().into_bytes(), 3),
        ("semicolon.csv", with(";").into_bytes(), 3),
        ("tab.csv", with("\t").into_bytes(), 3),
        ("pipe.csv", with("|").into_bytes(), 3),
        ("comma.tsv", data.clone().into_bytes(), 3),
        ("quoted.csv", notes.into_bytes(), 1),
        ("mac.csv", data.replace('\n', "\r").into_bytes(), 3),
        ("blank.csv", format!("\n\r\n{data}").into_bytes(), 3),
        ("capitals.csv", capitals.into_bytes(), 3),
        ("mark.csv", format!("\u{feff}{data}").into_bytes(), 3),
        ("little.csv", utf16(&with(";"), u16::to_le_bytes), 3),
        ("big.csv", utf16(&data, u16::to_be_bytes), 3),
        ("little.jsonl", utf16(&json.repeat(3), u16::to_le_bytes), 3),
        ("mark.jsonl", format!("\u{feff}{}", json.repeat(3)).into_bytes(), 3),
    ] {
        let path = write(folder, name, bytes);
        assert_eq!(verdicts(&Lab::new(&policy), &path), Ok([rows, 0, 0, 0]), "{name}");
    }
    // Two columns whose names differ only in case: the named one is used, or neither.
    let both = write(folder, "both.csv", format!("PASSED,{}F,{ROW}", HEADER));
    assert_eq!(verdicts(&Lab::new(&policy), &both), Ok([1, 0, 0, 0]));
    let neither = write(folder, "neither.csv", "SUB_CODE,Sub_Code,passed\n200,201,T\n");
    let refused = verdicts(&Lab::new(&policy), &neither).unwrap_err();
    assert!(refused.contains("the column `sub_code` twice"), "{refused}");
}

#[test]
fn a_file_without_any_input_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, policy) = (folder.path(), policy());
    let wide: String = (0..100).map(|number| format!("column_{number}_{},", "x".repeat(90))).collect();
    for (name, text, shown) in [
        ("names.csv", "code_of_result,ok\n200,T\n".to_owned(), "there are 2 columns with other names;"),
        (
            "near.csv",
            "Sub_kode,verify_scroe,SCORE,ok\n200,1,1,T\n".to_owned(),
            "4 columns, such as Sub_kode, verify_scroe, SCORE;",
        ),
        ("family.csv", "ZHANG SAN,Beijing\nLi Si,Tim\n".to_owned(), "there are 2 columns with other names;"),
        ("given.csv", "ZHANGSAN,Tim,Abel\na,b,c\n".to_owned(), "there are 3 columns with other names;"),
        ("headless.csv", ROW.repeat(2), "the first line looks like data, not like a header;"),
        ("people.csv", "Li Si,13800138000\nT,F\n".to_owned(), "the first line looks like data"),
        ("wide.csv", format!("{wide}\n{}\n", ",".repeat(100)), "there are 101 columns with other names;"),
        ("a.jsonl", "{\"code_of_result\":\"200\",\"ok\":\"T\"}\n".repeat(2), "in the first 2 lines;"),
    ] {
        let path = write(folder, name, &text);
        let refused = verdicts(&Lab::new(&policy), &path).unwrap_err();
        let expected = format!("{name}: none of the policy's inputs found");
        assert!(refused.contains(&expected) && refused.contains(shown), "{refused}");
        assert!(refused.contains("give --mapping or --allow-missing-inputs"), "{refused}");
        assert!(refused.len() < 2000, "{refused}");
        for personal in ["Li Si", "138", "ZHANG", "Beijing", "Tim", "Abel"] {
            assert!(!refused.contains(personal), "{refused}");
        }
        let all: u64 = verdicts(&Lab::new(&policy).allow_missing_inputs(), &path).unwrap().iter().sum();
        assert!(all > 0, "{name}");
    }
    // A line without inputs, among lines with inputs, counts as a row.
    let lines = "{\"id\":\"1\"}\n{\"passed\":\"T\"}\n";
    let all: u64 = verdicts(&Lab::new(&policy), &write(folder, "b.jsonl", lines)).unwrap().iter().sum();
    assert_eq!(all, 2);
}

#[test]
fn reads_a_header_and_a_mapping_of_at_most_1_mib() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let bound = 1 << 20;
    let names = HEADER.trim_end();
    let of = |length: usize, rows: &str| {
        let header = format!("{names},{}", "a".repeat(length - names.len() - 1));
        assert_eq!(header.len(), length);
        verdicts(&Lab::new(&policy), &write(folder.path(), "a.csv", header + rows))
    };
    for rows in ["\n200,T,F,F,88,90,0.1,x\n", "\r\n200,T,F,F,88,90,0.1,x\r\n"] {
        assert_eq!(of(bound, rows).unwrap().iter().sum::<u64>(), 1);
        let error = of(bound + 1, rows).unwrap_err();
        assert!(error.contains("the header is longer than 1 MiB"), "{error}");
    }
    assert!(!of(bound, "").unwrap_or_default().iter().any(|rows| *rows > 0));
    assert!(
        of(bound + 1, "").unwrap_err().contains("the header is longer than 1 MiB"),
        "without a line break"
    );

    let mapping = |length: usize| format!("format = 1\n{}", "#".repeat(length - "format = 1\n".len()));
    Mapping::parse(&mapping(bound)).unwrap();
    let error = Mapping::parse(&mapping(bound + 1)).unwrap_err().to_string();
    assert_eq!(error, "the file has more than 1048576 bytes");
}

#[test]
fn zeros_after_gzip_data_are_padding() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, policy) = (folder.path(), policy());
    let member = |text: &str| {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(text.as_bytes()).unwrap();
        gz.finish().unwrap()
    };
    let both = [member(HEADER), member(ROW)].concat();
    for padding in [0, 1, 512, 200_000] {
        let path = write(folder, "a.csv.gz", [both.clone(), vec![0; padding]].concat());
        assert_eq!(verdicts(&Lab::new(&policy), &path), Ok([1, 0, 0, 0]), "{padding}");
    }
    for garbage in [[vec![0; 512], member(ROW)].concat(), b"x".to_vec()] {
        let path = write(folder, "b.csv.gz", [both.clone(), garbage].concat());
        assert!(verdicts(&Lab::new(&policy), &path).unwrap_err().contains("b.csv.gz"));
    }
}

/// The days of a run's rows.
fn days(mapping: &str, path: &Path) -> Vec<String> {
    let policy = policy();
    let lab = Lab::new(&policy).mapping(Mapping::parse(mapping).unwrap());
    let ran = lab.run(&Source::find(&[path.to_owned()]).unwrap(), &RunControl::default()).unwrap();
    Replay::of(&ran.tally).days.into_keys().collect()
}

#[test]
fn the_day_of_an_instant_is_that_of_the_mappings_time_zone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let instants = [
        "\"2026-03-02T04:00:00+08:00\"",
        "\"2026-03-01T20:00:00Z\"",
        "1772395200",
        "1772395200000",
        "\"1772395200\"",
    ];
    let lines: String =
        instants.iter().map(|time| format!("{{\"sub_code\":\"200\",\"time\":{time}}}\n")).collect();
    let json = write(folder, "a.jsonl", lines);
    let lines: String = instants.iter().map(|time| format!("200,{time}\n")).collect();
    let csv = write(folder, "a.csv", format!("sub_code,time\n{lines}"));
    for path in [json, csv] {
        for (zone, day) in [
            ("", "2026-03-02"),
            ("timezone = \"Asia/Shanghai\"", "2026-03-02"),
            ("timezone = \"+08:00\"", "2026-03-02"),
            ("timezone = \"UTC\"", "2026-03-01"),
            ("timezone = \"-03:30\"", "2026-03-01"),
        ] {
            let mapping = format!("format = 1\ntime = \"time\"\n{zone}\n");
            assert_eq!(days(&mapping, &path), [day], "{zone} {}", path.display());
        }
    }
    let wrong = Mapping::parse("format = 1\ntimezone = \"Europe/Berlin\"").unwrap_err().to_string();
    assert!(wrong.contains("`timezone`: unknown time zone: take an offset such as `+08:00`"), "{wrong}");
}

#[test]
fn reports_a_mapped_column_that_no_row_has() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, policy) = (folder.path(), policy());
    let lines = "{\"sub_code\":\"200\",\"channel\":\"app\"}\n{\"sub_code\":\"200\"}\n";
    let path = write(folder, "a.jsonl", lines);
    let mapping =
        "format = 1\ntime = \"at\"\nsegments = [\"chanel\", \"channel\"]\n[label]\ncolumn = \"truth\"";
    let lab = Lab::new(&policy).mapping(Mapping::parse(mapping).unwrap());
    let ran = lab.run(&Source::find(&[path]).unwrap(), &RunControl::default()).unwrap();
    let told = Replay::of(&ran.tally).issues;
    let absent: Vec<&str> =
        told.iter().filter(|note| note.message.contains("misspelt")).map(|note| &*note.message).collect();
    let expected = ["truth", "at", "chanel"]
        .map(|path| format!("has no `{path}`, which the mapping names: is it misspelt?"));
    assert_eq!(absent, expected);
    assert!(Report::of(&ran.tally, &TARGETS).html(Language::En).unwrap().contains("misspelt"));
}

/// The file may be the wrong one, with personal data.
#[test]
fn a_wrong_mapping_or_checkpoint_is_not_quoted() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let secrets = ["ZHANG", "13900000000", "999999199001012003", "Beijing"];
    let hides = |text: &str, error: String| {
        assert!(secrets.iter().all(|secret| !error.contains(secret)), "{text}: {error}");
        error
    };
    for text in [
        "{\"CertName\":\"ZHANG SAN\",\"CertNo\":\"999999199001012003\",\"Mobile\":\"13900000000\"}",
        "CertName = \"ZHANG SAN\"\nCertNo = \"999999199001012003\"",
        "\"ZHANG SAN\" = 1",
        "format = 1\nshape = \"ZHANG SAN\"",
        "format = \"ZHANG SAN, expected Beijing\"",
        "format = 13900000000",
        "format = 1\n[inputs]\n\"ZHANG SAN\" = \"x\"",
        "format = 1\n[inputs]\npassed = [\"ZHANG SAN\"]",
        "format = 1\n[label]\ngenuine = [\"ZHANG SAN\"]\nimpostor = [\"ZHANG SAN\"]",
        "format = 1\n[inputs]\npassed = { column = \"p\", true = [\"13900000000\"], false = [\"13900000000\"] }",
        "name,mobile\nZHANG SAN,13900000000\n",
    ] {
        hides(text, Mapping::parse(text).unwrap_err().to_string());
    }
    for (text, told) in [
        (
            "[inputs]\nverify_scroe = \"x\"",
            "line 3, column 1: unknown value `verify_scroe`, expected one of ",
        ),
        ("[inputs]\npassed = 5", "line 3, column 10: must be a column's name, or { column = "),
        ("segments = \"x\"", "line 2, column 12: must be a list [..], not text"),
        ("label = 5", "line 2, column 9: must be named values {..}, not a number"),
    ] {
        let error = Mapping::parse(&format!("format = 1\n{text}")).unwrap_err().to_string();
        assert!(error.starts_with(told), "{error}");
    }
    let error = Mapping::parse("format = -1").unwrap_err().to_string();
    assert_eq!(error, "line 1, column 10: must be a whole number from 0 to 4294967295");

    let data = write(folder.path(), "a.csv", format!("{HEADER}{ROW}"));
    for text in ["{\"of\":[\"ZHANG SAN\"]}", "[\"ZHANG SAN\"]", "{\"ZHANG SAN\":1}", "ZHANG"] {
        let lab = Lab::new(&policy).resume(write(folder.path(), "person.json", text));
        let error =
            lab.run(&Source::find(std::slice::from_ref(&data)).unwrap(), &RunControl::default()).unwrap_err();
        let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let error = hides(text, chain.map(|error| format!("{error} {error:?} ")).collect());
        assert!(error.contains("person.json is not a checkpoint: line 1, column "), "{error}");
    }
}

/// As in `"8"8`, which a CSV reader takes as 88.
#[test]
fn a_record_with_text_after_a_closing_quote_is_not_decided() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let rows = [
        ROW,
        "200,T,F,F,\"8\"8,90,0.1\n",
        "\"200\",\"T\",F,F,\"88\",90,\"0.1\"\n",
        "\"2\"00,T,F,F,88,90,0.1\n",
    ];
    let path = write(folder.path(), "a.csv", format!("{HEADER}{}{}", rows.concat(), ROW.repeat(5000)));
    let sources = Source::find(&[path]).unwrap();
    let ran = Lab::new(&policy).threads(2).run(&sources, &RunControl::default()).unwrap();
    let replay = Replay::of(&ran.tally);
    assert_eq!((replay.rows, replay.verdicts[Verdict::Approve].all), (5002, 5002));
    let issue = replay.issues.iter().find(|issue| issue.message == "has text after a closing quote").unwrap();
    let lines: Vec<u64> = issue.locations.iter().map(|at| at.line).collect();
    assert_eq!((issue.rows, lines), (2, vec![3, 5]));
    let header = HEADER.replace("passed", "\"pas\"sed");
    let refused = verdicts(&Lab::new(&policy), &write(folder.path(), "b.csv", header + ROW)).unwrap_err();
    assert!(refused.contains("the header has text after a closing quote"), "{refused}");
}
