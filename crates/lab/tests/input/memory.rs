//! The same rows as Parquet and as a table in memory, in each of Arrow's layouts, give the same tally and the same decisions.

use std::fs;
use std::sync::{Arc, LazyLock};

use arrow_array::types::{Int8Type, UInt32Type};
use arrow_array::*;
use arrow_schema::DataType;
use cloudauth_lab::{Lab, Replay, RunControl, Source};
use cloudauth_policy::{Policy, Verdict, builtin};
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_table_in_memory_reads_as_its_file(rows in rows(), layout in 0..LAYOUTS.len(), cut in 0_usize..120) {
        let folder = tempfile::tempdir().unwrap();
        let file = as_parquet(&folder.path().join("a.parquet"), &rows, true, 130);
        let all = batch(&rows, layout);
        // Slices have offsets into the buffers.
        let cut = cut.min(all.num_rows());
        let table = Source::table("rows", &[all.slice(0, cut), all.slice(cut, all.num_rows() - cut)]).unwrap();
        let (policy, vendor) = (&*ONBOARDING, &*VENDOR);
        let written = folder.path().join("decisions.csv");
        let labs = [
            Lab::new(policy),
            Lab::new(vendor).against(policy).mapping(mapping()),
            Lab::new(policy).mapping(mapping()).keep_people(),
        ];
        for lab in labs {
            let of_file = told(&lab.clone().threads(1).decisions(written.clone()), &file);
            let control = RunControl::default();
            let ran = lab.clone().threads(1).run(std::slice::from_ref(&table), &control).unwrap();
            prop_assert_eq!(shown(&ran.tally), of_file);
            let (decided, ran) = lab.threads(3).decide(&table, &control).unwrap();
            let by = if Replay::of(&ran.tally).policy.id == policy.reference().id { policy } else { vendor };
            prop_assert_eq!(decided, rules(by, &fs::read_to_string(&written).unwrap()));
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
    let (decided, ran) = Lab::new(&ONBOARDING).threads(4).decide(&table, &RunControl::default()).unwrap();
    assert_eq!((decided.len(), ran.tally.rows()), (140_000, 140_000));
    let (first, other) = (decided[0], decided[1]);
    assert_ne!(first, other);
    let expected = |row: usize| if row.is_multiple_of(1000) { first } else { other };
    assert!(decided.iter().enumerate().all(|(row, rule)| *rule == expected(row)));
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
    assert!(Lab::new(&ONBOARDING).decide(&empty, &RunControl::default()).unwrap().0.is_empty());
}
