//! Error rates by segment, and two segments crossed.

use std::fs;
use std::path::{Path, PathBuf};

use cloudauth_lab::{Calibration, Lab, Mapping, RunControl, SegmentRates, Source, TARGETS, Tally};
use cloudauth_policy::{Policy, builtin};

use crate::history::Dice;

/// A row: its channel, its region, and the text without them.
type Line = [String; 3];

/// Rows with scores at, just beside and between the thresholds, without a score and without a label.
fn lines() -> Vec<Line> {
    let scores =
        ["60", "59.999", "69.5", "70", "72.25", "74.99999999999999", "75", "75.004", "80", "92", "", "101"];
    let mut dice = Dice(7);
    (0..3000)
        .map(|_| {
            let channel = dice.of(&["app", "web", "", "a × b"]);
            let region = dice.of(&["north", "", "b × north"]);
            let label = dice.of(&["genuine", "impostor", "genuine", ""]);
            let (score, code) = (dice.of(&scores), dice.of(&["200", "204", "210"]));
            [channel.to_owned(), region.to_owned(), format!("{code},T,F,F,{score},90,0.01,{label}")]
        })
        .collect()
}

const COLUMNS: &str = "sub_code,passed,face_attack,face_occlusion,verify_score,quality_score,face_attack_score,label,channel,region";

fn write(folder: &Path, name: &str, lines: &[Line]) -> PathBuf {
    let rows = lines.iter().map(|[channel, region, row]| format!("{row},{channel},{region}\n"));
    let file = folder.join(name);
    fs::write(&file, format!("{COLUMNS}\n{}", rows.collect::<String>())).unwrap();
    file
}

fn policy() -> Policy {
    Policy::parse(builtin::ONBOARDING).unwrap()
}

fn run(lab: Lab<'_>, segments: &str, file: PathBuf) -> Tally {
    let mapping = format!("format = 1\nsegments = {segments}\n[label]\ncolumn = \"label\"\n");
    let sources = Source::find(&[file]).unwrap();
    lab.mapping(Mapping::parse(&mapping).unwrap()).run(&sources, &RunControl::default()).unwrap().tally
}

#[test]
fn thresholds_have_the_errors_of_each_value_calibrated_alone() {
    let (folder, policy, lines) = (tempfile::tempdir().unwrap(), policy(), lines());
    let tally = run(Lab::new(&policy), "[\"channel\"]", write(folder.path(), "all.csv", &lines));
    let found = &SegmentRates::of(&tally).segments["channel"];
    let all = Calibration::of(&tally, &TARGETS, 1).thresholds;
    assert!(all.len() >= 3 && found.thresholds.len() == all.len());
    for value in ["app", "web", "", "a × b"] {
        let alone: Vec<Line> = lines.iter().filter(|[channel, ..]| channel == value).cloned().collect();
        let alone = run(Lab::new(&policy), "[]", write(folder.path(), "alone.csv", &alone));
        for (found, alone) in found.thresholds.iter().zip(Calibration::of(&alone, &TARGETS, 1).thresholds) {
            assert_eq!((&found.name, found.threshold), (&alone.name, alone.threshold));
            let rates = (found.fmr.values[value].rate, found.fnmr.values[value].rate);
            assert_eq!(rates, (alone.fmr, alone.fnmr), "{value} {}", alone.threshold);
            assert!(rates.0.count > 0 && rates.1.count > 0, "{rates:?}");
        }
    }
}

#[test]
fn crossed_segments_are_the_pairs_of_their_values() {
    let (folder, policy, lines) = (tempfile::tempdir().unwrap(), policy(), lines());
    let both = "[\"channel\", \"region\"]";
    let lab = || Lab::new(&policy).cross("channel", "region");
    let tally = run(lab().threads(4), both, write(folder.path(), "all.csv", &lines));
    let names = ["channel".to_owned(), "region".to_owned()];
    let crossed = SegmentRates::by(&tally, &names).unwrap();
    assert_eq!(crossed.segments.keys().collect::<Vec<_>>(), ["channel × region"]);
    let found = &crossed.segments["channel × region"];
    assert_eq!(found.approved.values.len(), 12);
    let mut rows = 0;
    for (channel, region, name) in [
        ("app", "north", "app × north"),
        ("a × b", "north", "a ×× b × north"),
        ("", "b × north", " × b ×× north"),
        ("", "", " × "),
    ] {
        let is_of = |line: &&Line| line[0] == channel && line[1] == region;
        let of: Vec<Line> = lines.iter().filter(is_of).cloned().collect();
        let alone = run(Lab::new(&policy), "[\"channel\"]", write(folder.path(), "alone.csv", &of));
        let alone = &SegmentRates::of(&alone).segments["channel"];
        rows += of.len();
        assert_eq!(found.approved.values[name].rate, alone.approved.values[channel].rate, "{name}");
        assert_eq!(
            found.fraud_approved.values[name].rate, alone.fraud_approved.values[channel].rate,
            "{name}"
        );
        let fmr = |segment: &cloudauth_lab::Segment, name: &str| segment.thresholds[1].fmr.values[name].rate;
        assert_eq!(fmr(found, name), fmr(alone, channel), "{name}");
    }
    assert!(rows > 500);
    // Each segment alone is the same as without the crossing.
    let plain = run(Lab::new(&policy), both, folder.path().join("all.csv"));
    let only = SegmentRates::by(&tally, &names[1..]).unwrap();
    assert_eq!(only.segments["region"], SegmentRates::of(&plain).segments["region"]);
    assert!(SegmentRates::by(&plain, &names).is_err());
}

#[test]
fn refuses_segments_that_the_mapping_does_not_name() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let file = write(folder.path(), "all.csv", &lines()[..10]);
    let mapping = Mapping::parse("format = 1\nsegments = [\"channel\", \"region\"]").unwrap();
    let run = |first: &str, second: &str| {
        let lab = Lab::new(&policy).mapping(mapping.clone()).cross(first, second);
        lab.run(&Source::find(std::slice::from_ref(&file)).unwrap(), &RunControl::default())
    };
    assert!(run("channel", "shop").unwrap_err().to_string().contains("no segment `shop`"));
    assert!(run("region", "region").unwrap_err().to_string().contains("with itself"));
    let tally = run("channel", "region").unwrap().tally;
    let error = SegmentRates::by(&tally, &["shop".to_owned()]).unwrap_err();
    assert!(error.to_string().contains("no segment `shop`"), "{error}");
}

#[test]
fn a_crossing_with_too_many_groups_is_dropped_with_a_data_issue() {
    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let row = |number: usize| {
        [format!("c{}", number % 40), format!("r{}", number / 40), "200,T,F,F,90,90,0.01,".to_owned()]
    };
    let lines: Vec<Line> = (0..1001).map(row).collect();
    for (rows, is_kept) in [(1000, true), (1001, false)] {
        let file = write(folder.path(), "all.csv", &lines[..rows]);
        let lab = Lab::new(&policy).cross("channel", "region");
        let rates = SegmentRates::of(&run(lab, "[\"channel\", \"region\"]", file));
        assert_eq!(rates.segments.contains_key("channel × region"), is_kept, "{rows}");
        let says = rates
            .issues
            .iter()
            .any(|issue| issue.message.contains("`channel × region`, which has more than 1000"));
        assert_eq!(says, !is_kept, "{:?}", rates.issues);
    }
}

/// The same rows in columns, which batches decide.
#[cfg(feature = "parquet")]
#[test]
fn columns_give_the_groups_of_rows() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};

    let (folder, policy) = (tempfile::tempdir().unwrap(), policy());
    let csv = write(folder.path(), "all.csv", &lines());
    let text = fs::read_to_string(&csv).unwrap();
    let cells: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let column = |(number, name): (usize, &str)| {
        let cells = cells.iter().map(|row| Some(row[number]).filter(|cell| !cell.is_empty()));
        let array: ArrayRef = if name.ends_with("score") {
            Arc::new(Float64Array::from_iter(cells.map(|cell| cell?.parse().ok())))
        } else {
            Arc::new(StringArray::from_iter(cells))
        };
        (name.to_owned(), array, true)
    };
    let columns = COLUMNS.split(',').enumerate().map(column);
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let file = csv.with_extension("parquet");
    let to = fs::File::create(&file).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(to, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let rates = |file| {
        let lab = Lab::new(&policy).cross("region", "channel");
        SegmentRates::of(&run(lab, "[\"channel\", \"region\"]", file)).segments
    };
    assert_eq!(rates(file), rates(csv));
}
