//! The lab's readers: JSON Lines, CSV, checkpoints, mappings, counts of warehouses, Parquet.

use std::fs;
#[cfg(feature = "parquet")]
use std::panic;
use std::path::PathBuf;
use std::sync::LazyLock;
#[cfg(feature = "parquet")]
use std::sync::Once;
use std::time::Duration;

use cloudauth_lab::{Drift, Lab, Mapping, Replay, RunControl, SegmentRates, Shape, Source};
use cloudauth_policy::{Evidence, FlatEvidence, Form, Policy, Verdict, builtin};
use serde_json::{Map, Value};
use tempfile::TempDir;

use super::replies::{is_out_of_range, may_have_surrogates};
use crate::reach::reached;
use crate::secrets::{is_telling, words};

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::parse(builtin::ONBOARDING).unwrap());
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fn file(name: &str, data: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    fs::write(&path, data).unwrap();
    path
}

/// `mapping` is that of JSON: a file of columns must have each column that a mapping names, and needs none.
fn replay(name: &str, mapping: Option<Mapping>, data: &[u8]) -> Option<Replay> {
    let sources = Source::search(&[file(name, data)]).ok()?.sources;
    let lab = Lab::new(&POLICY).threads(1).allow_missing_inputs();
    let lab = match mapping {
        Some(mapping) => lab.mapping(mapping),
        None => lab,
    };
    let outcome = lab.run(&sources, &RunControl::default()).ok()?;
    Some(Replay::of(&outcome.tally))
}

const ORDER: [Verdict; 4] = [Verdict::Approve, Verdict::Review, Verdict::Retry, Verdict::Reject];

fn by_verdict(replay: &Replay) -> [u64; 4] {
    let verdicts = &replay.verdicts;
    [verdicts.approve.all, verdicts.review.all, verdicts.retry.all, verdicts.reject.all]
}

fn left_out(replay: &Replay) -> u64 {
    replay.issues.iter().filter(|issue| issue.left_out).map(|issue| issue.rows).sum()
}

/// Each line is decided as `policy decide` decides it, or left out if serde_json refuses it.
pub(super) fn json(data: &[u8]) {
    let Some(replay) = replay("rows.jsonl", Some(Mapping::of(Shape::Flat)), data) else { return };
    let found = by_verdict(&replay);
    assert_eq!(found.iter().sum::<u64>(), replay.rows);
    let mut expected = [0; 4];
    let mut broken = 0;
    for line in data.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        let Ok(text) = std::str::from_utf8(line) else { return };
        // The reader accepts an unpaired surrogate and a number that no double holds in a part that it skips.
        if may_have_surrogates(line) || text.starts_with('\u{feff}') || is_out_of_range(line) {
            return;
        }
        if serde_json::from_str::<Map<String, Value>>(text).is_err() {
            broken += 1;
            continue;
        }
        // Other members and repeated ones are a matter of the lab.
        let Ok(flat) = FlatEvidence::parse(text) else { return };
        let mut labels = Vec::new();
        let evidence = Evidence::read(Form::Flat, |input| flat.value(input), &mut labels, |_| {});
        let verdict = POLICY.decide(&evidence).verdict();
        expected[ORDER.iter().position(|other| *other == verdict).unwrap()] += 1;
    }
    assert_eq!(found, expected);
    assert_eq!(left_out(&replay), broken);
    if broken > 0 {
        reached("a broken line");
    }
    if found.iter().filter(|rows| **rows > 0).count() > 1 {
        reached("lines with two verdicts");
    }
}

/// The records are those that the crate `csv` finds: decided, or left out.
pub(super) fn csv(data: &[u8]) {
    let Some(replay) = replay("rows.csv", None, data) else { return };
    let found = replay.rows + left_out(&replay);
    assert!(found <= 1 + data.len() as u64);
    let is_plain = data.is_ascii() && !data.iter().any(|byte| b"\";\t|\r\0".contains(byte));
    if is_plain {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(data);
        let records = reader.byte_records().filter(Result::is_ok).count();
        assert_eq!(found, records as u64);
        if records > 0 {
            reached("records");
        }
    } else if replay.rows > 0 {
        reached("records with quotes or tabs");
    }
}

static SEGMENTS: LazyLock<Mapping> = LazyLock::new(|| {
    let mapping = "format = 1\nsegments = [\"segment\"]\ntime = \"time\"\nsubject = \"subject\"\n[label]\ncolumn = \"label\"\n\
        genuine = [\"genuine\"]\nimpostor = [\"impostor\"]\n";
    Mapping::parse(mapping).unwrap()
});

/// A run that resumes from the checkpoint of the whole run has its counts.
pub(super) fn checkpoint(data: &[u8]) {
    let checkpoint = FOLDER.path().join("checkpoint.json");
    let _ = fs::remove_file(&checkpoint);
    let Ok(found) = Source::search(&[file("segments.csv", data)]) else { return };
    let lab = Lab::new(&POLICY).threads(1).allow_missing_inputs().mapping(SEGMENTS.clone());
    // Not while it runs, which would depend on time.
    let lab = lab.resume(checkpoint.clone()).checkpoint_every(Duration::from_secs(86_400));
    let Ok(first) = lab.run(&found.sources, &RunControl::default()) else { return };
    let saved = fs::read(&checkpoint).unwrap();
    let second = lab.run(&found.sources, &RunControl::default()).expect("its own checkpoint is read");
    assert_eq!(Replay::of(&second.tally), Replay::of(&first.tally));
    assert_eq!(SegmentRates::of(&second.tally), SegmentRates::of(&first.tally));
    assert!(fs::read(&checkpoint).unwrap() == saved, "a checkpoint that is read and saved is the same");
    if first.tally.rows() > 0 {
        reached("rows of a checkpoint");
    }
}

/// A mapping, or an error that quotes nothing personal.
pub(super) fn mapping(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Mapping::parse(text) {
        Ok(mapping) => {
            reached("a mapping");
            assert!(format!("{mapping:?}").len() <= 4096 + 8 * text.len());
        }
        Err(error) => {
            let shown = format!("{error} {error:?}");
            assert!(shown.len() < 4096, "{} bytes are shown", shown.len());
            let mut telling = words(text).filter(|word| is_telling(word)).peekable();
            if telling.peek().is_some() {
                reached("an error of a mapping with a person");
            }
            let telling = telling.find(|word| shown.contains(word));
            assert_eq!(telling.map(str::len), None, "a word of this length is shown");
        }
    }
}

/// The counts of a warehouse add up, or are refused.
pub(super) fn counts(data: &[u8]) {
    let is_json = data.trim_ascii_start().starts_with(b"{");
    let name = if is_json { "counts.jsonl" } else { "counts.csv" };
    let Ok(found) = Source::search(&[file(name, data)]) else { return };
    match Lab::new(&POLICY).finish(&found.sources) {
        Ok(tally) => {
            let replay = Replay::of(&tally);
            assert_eq!(by_verdict(&replay).iter().sum::<u64>(), replay.rows);
            assert_eq!(replay.rules.iter().map(|rule| rule.rows.all).sum::<u64>(), replay.rows);
            if Drift::of(&tally, None, None).is_ok() {
                reached("counts with months");
            }
            if replay.rows > 0 {
                reached(if is_json { "JSON that adds up" } else { "CSV that adds up" });
            }
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() < 4096);
            if text.contains("do not add up") {
                reached("counts that do not add up");
            }
        }
    }
}

/// A file of Parquet is counted, or refused.
#[cfg(feature = "parquet")]
pub(super) fn parquet(data: &[u8]) {
    static CATCH: Once = Once::new();
    CATCH.call_once(let_panics_of_the_reader_unwind);
    if let Some(replay) = replay("rows.parquet", None, data) {
        assert_eq!(by_verdict(&replay).iter().sum::<u64>(), replay.rows);
        if replay.rows > 0 {
            reached("rows");
        }
    }
}

/// libFuzzer ends the program at every panic, also at those that the lab catches.
#[cfg(feature = "parquet")]
fn let_panics_of_the_reader_unwind() {
    let end = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let file = panic.location().map_or("", |location| location.file());
        if !["/parquet-", "/arrow-"].iter().any(|library| file.contains(library)) {
            end(panic);
        }
    }));
}
