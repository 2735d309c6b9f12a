//! The same rows as Parquet and as a table in memory, in each of Arrow's layouts, give the same tally and the same decisions.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, UInt32Type};
use arrow_array::*;
use arrow_buffer::Buffer;
use arrow_schema::DataType;
use cloudauth_lab::{DataIssue, DataIssueKind, IssueKind, Lab, Replay, RunControl, Source, Tally};
use cloudauth_policy::{Evidence, Form, Input, Policy, Value, Verdict, builtin};
use proptest::prelude::*;

use super::parquet::{Rows, SCORES, TEXTS, as_parquet, mapping, rows, shown, told};

static ONBOARDING: LazyLock<Policy> = LazyLock::new(|| Policy::parse(builtin::ONBOARDING).unwrap());
static VENDOR: LazyLock<Policy> = LazyLock::new(|| Policy::parse(builtin::VENDOR).unwrap());

type Layout = fn(Vec<Option<&str>>) -> ArrayRef;

/// The layouts of a column of strings that libraries write.
const LAYOUTS: [Layout; 5] = [
    |texts| Arc::new(StringArray::from(texts)),
    |texts| Arc::new(LargeStringArray::from(texts)),
    |texts| Arc::new(StringViewArray::from(texts)),
    |texts| Arc::new(texts.into_iter().collect::<DictionaryArray<Int8Type>>()),
    |texts| {
        let coded: DictionaryArray<UInt32Type> = texts.into_iter().collect();
        let words: LargeStringArray =
            coded.values().as_any().downcast_ref::<StringArray>().unwrap().iter().collect();
        Arc::new(DictionaryArray::new(coded.keys().clone(), Arc::new(words)))
    },
];

fn batch(rows: &Rows, layout: usize) -> RecordBatch {
    let texts = TEXTS.iter().enumerate().map(|(number, name)| {
        (*name, LAYOUTS[layout](rows.iter().map(|(texts, _)| texts[number]).collect()), true)
    });
    let scores = SCORES.iter().enumerate().map(|(number, name)| {
        let scores: Float64Array = rows.iter().map(|(_, scores)| scores[number]).collect();
        (*name, Arc::new(scores) as ArrayRef, true)
    });
    RecordBatch::try_from_iter_with_nullable(texts.chain(scores)).unwrap()
}

/// The rules in the file of decisions, by number.
fn rules(policy: &Policy, decisions: &str) -> Vec<u8> {
    let names: Vec<&str> = policy.report().rules.iter().map(|rule| rule.rule).collect();
    let mut file = csv::Reader::from_reader(decisions.as_bytes());
    let rule = |row: csv::StringRecord| names.iter().position(|name| *name == &row[4]).unwrap();
    file.records().map(|row| u8::try_from(rule(row.unwrap())).unwrap()).collect()
}

/// The data issues of a run that a decision has too.
fn of_inputs(tally: &Tally) -> Vec<DataIssue> {
    use IssueKind::{Callback, Missing, NotUnderstood};
    let is_of_inputs = |issue: &DataIssue| {
        matches!(issue.kind, DataIssueKind::Row(Callback | Missing(_) | NotUnderstood(_)))
    };
    Replay::of(tally).issues.into_iter().filter(is_of_inputs).collect()
}

/// A table in two batches.
fn table_of(all: &RecordBatch, cut: usize) -> [RecordBatch; 2] {
    [all.slice(0, cut), all.slice(cut, all.num_rows() - cut)]
}

fn stream(batches: &[RecordBatch]) -> Source {
    let schema = batches[0].schema();
    Source::stream("rows", schema, Vec::from(batches).into_iter().map(Ok))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_table_in_memory_reads_as_its_file(rows in rows(), layout in 0..LAYOUTS.len(), cut in 0_usize..120) {
        let folder = tempfile::tempdir().unwrap();
        let file = as_parquet(&folder.path().join("a.parquet"), &rows, true, 130);
        let all = batch(&rows, layout);
        // Slices have offsets into the buffers.
        let cut = cut.min(all.num_rows());
        let table = Source::table("rows", &table_of(&all, cut)).unwrap();
        let (policy, vendor) = (&*ONBOARDING, &*VENDOR);
        let written = folder.path().join("decisions.csv");
        let labs = [
            (policy, Lab::new(policy)),
            (vendor, Lab::new(vendor).against(policy).mapping(mapping())),
            (policy, Lab::new(policy).mapping(mapping()).keep_people()),
        ];
        for (by, lab) in labs {
            let of_file = told(&lab.clone().threads(1).decisions(written.clone()), &file);
            let control = RunControl::default();
            let ran = lab.clone().threads(1).run(std::slice::from_ref(&table), &control).unwrap();
            let (of_table, lab_of_stream) = (shown(&ran.tally), lab.clone());
            prop_assert_eq!(&of_table, &of_file);
            let decided = lab.threads(3).decide(&table, &control).unwrap();
            prop_assert_eq!(&decided.rules, &rules(by, &fs::read_to_string(&written).unwrap()));
            prop_assert!(decided.complete && !decided.changed);
            // The issues of the policy's inputs, and of no other column.
            let alone = Lab::new(by).threads(1).run(std::slice::from_ref(&table), &control).unwrap();
            prop_assert_eq!(&decided.issues, &of_inputs(&alone.tally));
            let decided_of_stream = Lab::new(by).threads(2).decide(&stream(&table_of(&all, cut)), &control).unwrap();
            prop_assert_eq!(&decided_of_stream.rules, &decided.rules);
            let of_stream = lab_of_stream.threads(3).run(&[stream(&table_of(&all, cut))], &control).unwrap();
            prop_assert_eq!(shown(&of_stream.tally), of_table);
            let of_file = Lab::new(by).decide(&Source::find(std::slice::from_ref(&file)).unwrap().remove(0), &control).unwrap();
            prop_assert_eq!((of_file.rules, of_file.issues), (decided.rules, decided.issues));
        }
    }
}

/// Parts are decided by several threads.
#[test]
fn decisions_have_the_order_of_the_rows() {
    let rows: Rows = (0..140_000)
        .map(|row: u32| {
            let code = if row.is_multiple_of(1000) { "201" } else { "205" };
            (
                [Some(code), Some("T"), Some("F"), Some("F"), None, None, None, None, None],
                [Some(80.0), None, None],
            )
        })
        .collect();
    let table = Source::table("rows", &[batch(&rows, 2)]).unwrap();
    let decided = Lab::new(&ONBOARDING).threads(4).decide(&table, &RunControl::default()).unwrap().rules;
    assert_eq!(decided.len(), 140_000);
    let (first, other) = (decided[0], decided[1]);
    assert_ne!(first, other);
    let expected = |row: usize| if row.is_multiple_of(1000) { first } else { other };
    assert!(decided.iter().enumerate().all(|(row, rule)| *rule == expected(row)));
}

/// The batches of a stream, and the most of them that were in memory when one was asked for.
fn counted(rows: usize, batches: usize) -> (Source, Arc<AtomicUsize>) {
    let most = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&most);
    let mut buffers = Vec::new();
    let batch = move || {
        let codes: ArrayRef = Arc::new(StringArray::from(vec!["205"; rows]));
        RecordBatch::try_from_iter([("sub_code", codes)]).unwrap()
    };
    let schema = batch().schema();
    let all = (0..batches).map(move |_| {
        // Besides this list.
        let in_use = buffers.iter().filter(|buffer: &&Buffer| buffer.strong_count() > 1);
        counted.fetch_max(in_use.count(), Ordering::Relaxed);
        let next = batch();
        buffers.push(next.column(0).to_data().buffers()[1].clone());
        Ok(next)
    });
    (Source::stream("rows", schema, all), most)
}

#[test]
fn a_stream_is_dropped_as_it_is_decided() {
    let control = RunControl::default();
    let (source, most) = counted(1000, 50);
    assert_eq!(Lab::new(&VENDOR).threads(3).decide(&source, &control).unwrap().rules.len(), 50_000);
    assert!(most.load(Ordering::Relaxed) <= 6, "{most:?}");
    let (source, most) = counted(1000, 50);
    let ran = Lab::new(&VENDOR).threads(3).run(&[source], &control).unwrap();
    assert_eq!(Replay::of(&ran.tally).rows, 50_000);
    assert!(most.load(Ordering::Relaxed) <= 4, "{most:?}");
}

#[test]
fn a_stream_is_read_once() {
    let control = RunControl::default();
    let (lab, read) = (Lab::new(&VENDOR), counted(10, 2).0);
    assert_eq!(lab.decide(&read, &control).unwrap().rules.len(), 20);
    let of_run = lab.run(std::slice::from_ref(&read), &control).unwrap_err();
    let of_rows = lab.decide(&read, &control).unwrap_err();
    let (twice, _) = counted(10, 2);
    let of_copies = lab.run(&[twice.clone(), twice], &control).unwrap_err();
    for error in [of_run, of_rows, of_copies] {
        assert_eq!(error.path(), Some(Path::new("rows")));
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the stream was already read");
    }
}

/// Returns the batches of an iterator with the number of times it was asked for one.
fn asked(
    mut next: impl FnMut(usize) -> Option<std::io::Result<RecordBatch>> + Send + 'static,
) -> (Source, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let all = std::iter::from_fn(move || next(count.fetch_add(1, Ordering::Relaxed) + 1));
    (Source::stream("rows", codes(1).schema(), all), asked)
}

fn codes(rows: usize) -> RecordBatch {
    let codes: ArrayRef = Arc::new(StringArray::from(vec!["205"; rows]));
    RecordBatch::try_from_iter([("sub_code", codes)]).unwrap()
}

#[test]
fn a_stopped_stream_is_not_asked_for_another_batch() {
    for threads in [1, 2, 4] {
        let control = Arc::new(RunControl::default());
        let stopped = Arc::clone(&control);
        let (source, asked) = asked(move |number| {
            if number == 2 {
                stopped.stop();
            }
            Some(Ok(codes(10)))
        });
        let decided = Lab::new(&VENDOR).threads(threads).decide(&source, &control).unwrap();
        assert_eq!((asked.load(Ordering::Relaxed), decided.complete), (2, false), "{threads}");
    }
}

#[test]
fn a_stream_is_not_asked_after_its_end_or_an_error() {
    // The iterator starts over after its end, as one may.
    for threads in [1, 4] {
        let control = RunControl::default();
        let lab = Lab::new(&VENDOR).threads(threads);
        let ends = || asked(|number| (number != 6).then(|| Ok(codes(10))));
        let (source, count) = ends();
        let decided = lab.decide(&source, &control).unwrap();
        assert_eq!((decided.rules.len(), decided.complete), (50, true));
        assert_eq!(count.load(Ordering::Relaxed), 6);
        let (source, count) = ends();
        assert_eq!(Replay::of(&lab.run(&[source], &control).unwrap().tally).rows, 50);
        assert_eq!(count.load(Ordering::Relaxed), 6);
        let fails = || {
            asked(|number| {
                Some(if number == 3 { Err(std::io::Error::other("failed")) } else { Ok(codes(10)) })
            })
        };
        let ((one, of_run), (other, of_rows)) = (fails(), fails());
        let errors = [lab.run(&[one], &control).unwrap_err(), lab.decide(&other, &control).unwrap_err()];
        for error in errors {
            assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "failed");
        }
        assert_eq!((of_run.load(Ordering::Relaxed), of_rows.load(Ordering::Relaxed)), (3, 3));
    }
}

#[test]
fn a_stream_without_a_needed_column_is_dropped_too() {
    let control = RunControl::default();
    let codes: ArrayRef = Arc::new(StringArray::from(vec!["x"; 10]));
    let batch = RecordBatch::try_from_iter([("other", codes)]).unwrap();
    let lab = Lab::new(&VENDOR).allow_missing_inputs();
    assert_eq!(lab.decide(&stream(&[batch.clone(), batch.clone()]), &control).unwrap().rules.len(), 20);
    let ran = lab.run(&[stream(&[batch.clone(), batch])], &control).unwrap();
    assert_eq!(Replay::of(&ran.tally).rows, 20);
}

#[test]
fn a_stream_that_fails_fails_the_run() {
    let codes: ArrayRef = Arc::new(StringArray::from(vec!["205"; 1000]));
    let batch = RecordBatch::try_from_iter([("sub_code", codes)]).unwrap();
    for good in [0, 1, 7] {
        let source = || {
            let all = vec![batch.clone(); good].into_iter().map(Ok);
            let all = all.chain([Err(std::io::Error::other("the library failed"))]);
            Source::stream("rows", batch.schema(), all.chain([Ok(batch.clone())]))
        };
        let control = RunControl::default();
        let of_run = Lab::new(&VENDOR).threads(2).run(&[source()], &control).unwrap_err();
        let of_rows = Lab::new(&VENDOR).threads(2).decide(&source(), &control).unwrap_err();
        for error in [of_run, of_rows] {
            assert_eq!(error.to_string(), "cannot read rows");
            assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the library failed");
        }
    }
}

#[test]
fn a_key_outside_of_its_dictionary_is_missing() {
    let words = StringArray::from(vec![Some("200"), None]);
    let keys = Int8Array::from(vec![Some(0), Some(1), None]);
    let codes = DictionaryArray::<Int8Type>::new(keys, Arc::new(words));
    let batch = RecordBatch::try_from_iter([("sub_code", Arc::new(codes) as ArrayRef)]).unwrap();
    let table = Source::table("rows", &[batch]).unwrap();
    let ran = Lab::new(&VENDOR).run(&[table], &RunControl::default()).unwrap();
    let codes = Replay::of(&ran.tally).sub_codes;
    let rows = |code: &str| Verdict::ALL.map(|verdict| codes[code][verdict]).iter().sum::<u64>();
    assert_eq!((rows("200"), rows("(missing)")), (1, 2));
}

#[test]
fn a_table_refuses_what_it_cannot_do() {
    let column = |name| {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["999999199001012003"]));
        RecordBatch::try_from_iter([(name, texts)]).unwrap()
    };
    let error = Source::table("rows", &[column("passed"), column("sub_code")]).unwrap_err();
    assert_eq!(error.to_string(), "cannot read rows");
    let table = Source::table("rows", &[column("sub_code")]).unwrap();
    assert!(!format!("{table:?}").contains("999999"));
    let folder = tempfile::tempdir().unwrap();
    let resumed = Lab::new(&ONBOARDING).resume(folder.path().join("state.json"));
    assert!(resumed.run(std::slice::from_ref(&table), &RunControl::default()).is_err());
    let lines = folder.path().join("a.jsonl");
    fs::write(&lines, "{\"sub_code\": \"200\"}\n").unwrap();
    let lines = Source::find(&[lines]).unwrap().remove(0);
    assert!(Lab::new(&ONBOARDING).decide(&lines, &RunControl::default()).is_err());
    let keys = DataType::Dictionary(DataType::Int8.into(), DataType::Binary.into());
    let codes = new_empty_array(&keys);
    let batch = RecordBatch::try_from_iter([("sub_code", codes)]).unwrap();
    // An empty batch has no part, so its types do not matter.
    let empty = Source::table("rows", &[batch]).unwrap();
    assert!(Lab::new(&ONBOARDING).decide(&empty, &RunControl::default()).unwrap().rules.is_empty());
}

#[test]
fn the_other_threads_stop_after_an_error() {
    let (folder, row) =
        (tempfile::tempdir().unwrap(), ([Some("200"); TEXTS.len()], [Some(80.0), None, None]));
    let file = as_parquet(&folder.path().join("a.parquet"), &vec![row; 60_000], true, 100);
    let read = |is_right: bool| {
        let (source, control) =
            (Source::find(std::slice::from_ref(&file)).unwrap().remove(0), RunControl::default());
        assert_eq!(Lab::new(&ONBOARDING).threads(2).decide(&source, &control).is_ok(), is_right);
        control.read()
    };
    let all = read(true);
    let mut bytes = fs::read(&file).unwrap();
    bytes[4..400].fill(0xff);
    fs::write(&file, &bytes).unwrap();
    // The system may let the thread with the damaged rows wait during one run.
    let reads: Vec<_> = (0..5).map(|_| read(false)).collect();
    assert!(reads.iter().any(|read| (1..all / 2).contains(read)), "{reads:?} of {all}");
}

#[test]
fn a_stopped_run_decides_the_first_rows() {
    let row = ([Some("200"); TEXTS.len()], [Some(80.0), None, None]);
    let table = Source::table("rows", &[batch(&vec![row; 200_000], 0)]).unwrap();
    let control = RunControl::default();
    control.stop_after(1);
    let decided = Lab::new(&ONBOARDING).threads(1).decide(&table, &control).unwrap();
    assert_eq!((decided.complete, decided.rules.len()), (false, 1 << 16));
}

/// Strings of one length, of several, under NULL, more than are kept, and of which some share a place of the look-up.
#[test]
fn texts_of_any_length_decide_as_row_by_row() {
    let texts: Vec<String> = (0..1200).map(|code| code.to_string()).collect();
    let odd = ["", "null", "T", "F", "TT", "200 ", "\0", "20\0", "200.0", "2000000000000", "中", "true"];
    let pick = |row: usize, all: u32| -> Option<&str> {
        match row / 64 % 8 {
            0 | 1 => Some(["200", "204", "205"][row * 7 % 3]),
            2 => (!row.is_multiple_of(9)).then(|| ["T", "F"][row % 2]),
            3 => Some(odd[row * 5 % odd.len()]),
            4 => Some(&texts[row * 13 % texts.len()]),
            5 => None,
            6 => Some(["10", "20"][row % 2]),
            _ => Some(if all == 0 { "200" } else { "F" }),
        }
    };
    let rows: Vec<[Option<&str>; 4]> =
        (0..20_000).map(|row| [0, 1, 2, 3].map(|all| pick(row + all as usize * 64, all))).collect();
    let names = ["sub_code", "passed", "face_attack", "face_occlusion"];
    let expected: Vec<u8> = rows
        .iter()
        .map(|row| {
            let value = |input: Input| {
                let place = names.iter().position(|name| *name == input.name());
                place.and_then(|place| row[place]).map_or(Value::Missing, Value::Text)
            };
            let mut labels = Vec::new();
            let evidence = Evidence::read(Form::Flat, value, &mut labels, |_| {});
            u8::try_from(ONBOARDING.decide(&evidence).rule_number()).unwrap()
        })
        .collect();
    for layout in LAYOUTS.iter().take(3) {
        let columns = names.iter().enumerate().map(|(column, name)| {
            let array = layout(rows.iter().map(|row| row[column]).collect());
            // Under each NULL is a text that would decide.
            (*name, over_nulls(&array), true)
        });
        let all = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        // The second part begins within a byte of the bits for NULL.
        let parts = [all.slice(0, 8203), all.slice(8203, rows.len() - 8203)];
        let table = Source::table("rows", &parts).unwrap();
        let decided = Lab::new(&ONBOARDING).decide(&table, &RunControl::default()).unwrap();
        assert_eq!(decided.rules, expected);
        let ran = Lab::new(&ONBOARDING).run(&[table], &RunControl::default()).unwrap();
        assert_eq!(decided.issues, of_inputs(&ran.tally));
    }
}

/// The same strings, with `200` in the buffers of each NULL.
fn over_nulls(array: &ArrayRef) -> ArrayRef {
    fn filled<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> impl Iterator<Item = Option<&'a str>> {
        texts.map(|text| Some(text.unwrap_or("200")))
    }
    let nulls = array.nulls().cloned();
    match array.data_type() {
        DataType::Utf8 => {
            let filled: StringArray = filled(array.as_string::<i32>().iter()).collect();
            let (offsets, bytes, _) = filled.into_parts();
            Arc::new(StringArray::new(offsets, bytes, nulls))
        }
        DataType::LargeUtf8 => {
            let filled: LargeStringArray = filled(array.as_string::<i64>().iter()).collect();
            let (offsets, bytes, _) = filled.into_parts();
            Arc::new(LargeStringArray::new(offsets, bytes, nulls))
        }
        _ => {
            let filled: StringViewArray = filled(array.as_string_view().iter()).collect();
            let (views, buffers, _) = filled.into_parts();
            Arc::new(StringViewArray::new(views, buffers, nulls))
        }
    }
}
