//! Parquet files of other writers: instants, compressions, structs, decimals.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::*;
use arrow_buffer::{NullBuffer, i256};
use arrow_schema::{DataType, Field, Fields};
use cloudauth_lab::{Compare, DataIssue, Lab, Mapping, Replay, RunControl, Source};
use cloudauth_policy::{Policy, Verdict, builtin};
use cloudauth_tests::full_text;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int96, Int96Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

fn write(folder: &Path, columns: Vec<(&str, ArrayRef)>, packing: Compression) -> PathBuf {
    let path = folder.join("a.parquet");
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let how = WriterProperties::builder().set_compression(packing).build();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), Some(how)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

fn texts(text: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![text]))
}

/// The columns of one row that onboarding approves.
fn approved() -> Vec<(&'static str, ArrayRef)> {
    let score = |score: f64| Arc::new(Float64Array::from(vec![score])) as ArrayRef;
    vec![
        ("sub_code", texts("200")),
        ("passed", texts("T")),
        ("face_attack", texts("F")),
        ("face_occlusion", texts("F")),
        ("verify_score", score(88.0)),
        ("quality_score", score(90.0)),
        ("face_attack_score", score(0.1)),
    ]
}

fn replay(mapping: &str, path: &Path) -> Replay {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let mapping = Mapping::parse(&format!("format = 1\n{mapping}")).unwrap();
    let sources = Source::find(&[path.to_owned()]).unwrap();
    Replay::of(&Lab::new(&policy).mapping(mapping).run(&sources, &RunControl::default()).unwrap().tally)
}

/// The files end before such a footer, so that the one at the bound takes no memory.
#[test]
fn a_footer_over_256_mib_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let bound: u32 = 256 << 20;
    for (length, is_read) in [(bound, true), (bound + 1, false)] {
        let mut file = File::create(&path).unwrap();
        file.write_all(&length.to_le_bytes()).unwrap();
        file.write_all(b"PAR1").unwrap();
        let sources = Source::find(std::slice::from_ref(&path)).unwrap();
        let error = full_text(&Lab::new(&policy).run(&sources, &RunControl::default()).unwrap_err());
        assert!(error.contains("cannot read "), "{error}");
        assert_eq!(error.ends_with("the footer is larger than 256 MiB"), !is_read, "{length}: {error}");
    }
}

#[test]
fn an_instant_of_any_timestamp_type_is_on_the_day_of_the_time_zone() {
    let folder = tempfile::tempdir().unwrap();
    let seconds = 1_772_395_200;
    // 2026-03-01T20:00:00Z, as an instant and as a local time.
    let instants: [ArrayRef; 4] = [
        Arc::new(TimestampMillisecondArray::from(vec![seconds * 1000]).with_timezone("UTC")),
        Arc::new(TimestampMicrosecondArray::from(vec![seconds * 1_000_000]).with_timezone("UTC")),
        Arc::new(TimestampNanosecondArray::from(vec![seconds * 1_000_000_000]).with_timezone("UTC")),
        Arc::new(Int64Array::from(vec![seconds])),
    ];
    let locals: [ArrayRef; 2] = [
        Arc::new(TimestampMicrosecondArray::from(vec![seconds * 1_000_000])),
        Arc::new(TimestampNanosecondArray::from(vec![seconds * 1_000_000_000])),
    ];
    let day = |time: ArrayRef, zone: &str| {
        let mut columns = approved();
        columns.push(("time", time));
        let path = write(folder.path(), columns, Compression::UNCOMPRESSED);
        replay(&format!("time = \"time\"\n{zone}"), &path).days.into_keys().next().unwrap()
    };
    for time in instants {
        assert_eq!(day(time.clone(), ""), "2026-03-02", "{:?}", time.data_type());
        assert_eq!(day(time.clone(), "timezone = \"UTC\""), "2026-03-01", "{:?}", time.data_type());
    }
    for time in locals {
        assert_eq!(day(time.clone(), ""), "2026-03-01", "{:?}", time.data_type());
    }
}

#[test]
fn a_timestamp_of_96_bits_is_an_instant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let schema = "message m { required int96 time; required binary sub_code (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(File::create(&path).unwrap(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    // Nanoseconds of the day 20:00, and the Julian day of 2026-03-01.
    let nanoseconds: u64 = 20 * 3600 * 1_000_000_000;
    let mut time = Int96::new();
    time.set_data(nanoseconds as u32, (nanoseconds >> 32) as u32, 2_440_588 + 20_513);
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int96Type>().write_batch(&[time], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&[ByteArray::from("200")], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let day =
        |zone: &str| replay(&format!("time = \"time\"\n{zone}"), &path).days.into_keys().next().unwrap();
    assert_eq!([day(""), day("timezone = \"UTC\"")], ["2026-03-02", "2026-03-01"]);
}

#[test]
fn reads_every_compression() {
    let folder = tempfile::tempdir().unwrap();
    for packing in [
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(Default::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::BROTLI(Default::default()),
    ] {
        let path = write(folder.path(), approved(), packing);
        assert_eq!(replay("", &path).verdicts.approve.all, 1, "{packing:?}");
    }
}

#[test]
fn a_column_inside_a_struct_is_found_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = "[inputs]\nsub_code = \"sub_code\"\npassed = \"passed\"\nface_attack = \"m.attack\"\nface_occlusion = \"face_occlusion\"\nverify_score = \"m.front.verifyScore\"\nquality_score = \"quality_score\"\nface_attack_score = \"face_attack_score\"";
    let structs = |fields: Vec<(&str, ArrayRef)>, nulls: Option<NullBuffer>| {
        let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = fields
            .into_iter()
            .map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array))
            .unzip();
        Arc::new(StructArray::new(Fields::from(fields), arrays, nulls)) as ArrayRef
    };
    for (is_there, verdict) in [(true, Verdict::Approve), (false, Verdict::Review)] {
        let score = Arc::new(Float64Array::from(vec![88.0])) as ArrayRef;
        let front = structs(vec![("other", texts("x")), ("verifyScore", score)], None);
        let nulls = (!is_there).then(|| NullBuffer::new_null(1));
        let list = ListArray::from_iter_primitive::<types::Int32Type, _, _>([Some([Some(1)])]);
        let material = structs(vec![("front", front), ("attack", texts("F"))], nulls);
        // A list and a struct precede them: their columns count too.
        let mut columns: Vec<(&str, ArrayRef)> = vec![("list", Arc::new(list)), ("m", material)];
        columns.extend(
            approved().into_iter().filter(|(name, _)| !matches!(*name, "face_attack" | "verify_score")),
        );
        let path = write(folder.path(), columns, Compression::UNCOMPRESSED);
        let replay = replay(mapping, &path);
        assert_eq!(replay.verdicts[verdict].all, 1, "{replay:?}");
    }
    let whole = mapping.replace("m.front.verifyScore", "m.front");
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let lab = Lab::new(&policy).mapping(Mapping::parse(&format!("format = 1\n{whole}")).unwrap());
    let sources = Source::find(&[folder.path().join("a.parquet")]).unwrap();
    let error = lab.run(&sources, &RunControl::default()).unwrap_err().to_string();
    assert!(error.contains("the column `m.front` is of the type"), "{error}");
}

#[test]
fn decimals_of_any_width_are_read_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let narrow = |value: i128, scale| {
        Arc::new(Decimal128Array::from(vec![value]).with_precision_and_scale(38, scale).unwrap()) as ArrayRef
    };
    let wide = |value: &str, scale| {
        let value = i256::from_string(value).unwrap();
        Arc::new(Decimal256Array::from(vec![value]).with_precision_and_scale(76, scale).unwrap()) as ArrayRef
    };
    let zeros = "0".repeat(40);
    for (name, column, verdict) in [
        ("sub_code", narrow(20_000, 2), Verdict::Approve),
        ("sub_code", wide("200", 0), Verdict::Approve),
        ("sub_code", wide(&format!("200{zeros}"), 40), Verdict::Approve),
        ("sub_code", narrow(20_050, 2), Verdict::Review),
        ("verify_score", wide(&format!("75{zeros}"), 40), Verdict::Approve),
        ("verify_score", narrow(7499, 2), Verdict::Review),
        ("verify_score", wide(&format!("7499{zeros}"), 42), Verdict::Review),
    ] {
        let mut columns = approved();
        let kind: DataType = column.data_type().clone();
        columns.iter_mut().filter(|(other, _)| *other == name).for_each(|(_, old)| *old = column.clone());
        let path = write(folder.path(), columns, Compression::UNCOMPRESSED);
        let replay = replay("", &path);
        assert_eq!(replay.verdicts[verdict].all, 1, "{name} {kind}: {replay:?}");
    }
}

/// The score of a second matcher as doubles, integers and texts, of which the last are read row by row.
#[test]
fn a_second_score_reads_as_in_csv() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = "format = 1\nsecond_score = \"other\"\n[label]\ncolumn = \"label\"\n";
    let of = |path: &Path| {
        let [policy, candidate] =
            [builtin::ONBOARDING, builtin::VENDOR].map(|policy| Policy::parse(policy).unwrap());
        let lab = Lab::new(&policy).against(&candidate).mapping(Mapping::parse(mapping).unwrap());
        let tally =
            lab.run(&Source::find(&[path.to_owned()]).unwrap(), &RunControl::default()).unwrap().tally;
        let compare = Compare::of(&tally).unwrap();
        (compare.matchers.unwrap(), compare.issues)
    };
    let rows = 300;
    let labels = || (0..rows).map(|row| if row % 3 == 0 { "impostor" } else { "genuine" });
    let first = |row: i64| 40.0 + (row * 37 % 200) as f64 / 4.0;
    // Missing in some rows, and not a number in others.
    let doubles: Vec<Option<f64>> = (0..rows)
        .map(|row| {
            (row % 11 > 0).then_some(if row % 13 == 0 { f64::NAN } else { (row * 53 % 97) as f64 - 1e3 })
        })
        .collect();
    let integers: Vec<Option<i64>> = (0..rows).map(|row| (row % 11 > 0).then_some(row * 53 % 97)).collect();
    let shown = |score: Option<String>| score.unwrap_or_default();
    let of_doubles: Vec<String> =
        doubles.iter().map(|score| shown(score.map(|score| score.to_string()))).collect();
    let of_integers: Vec<String> =
        integers.iter().map(|score| shown(score.map(|score| score.to_string()))).collect();
    let columns: [(ArrayRef, &Vec<String>); 3] = [
        (Arc::new(Float64Array::from(doubles.clone())), &of_doubles),
        (Arc::new(Int64Array::from(integers)), &of_integers),
        (Arc::new(StringArray::from_iter_values(&of_doubles)), &of_doubles),
    ];
    for (column, shown) in columns {
        let text = |text| Arc::new(StringArray::from(vec![text; rows as usize])) as ArrayRef;
        let columns = vec![
            ("sub_code", text("200")),
            ("passed", text("T")),
            ("face_attack", text("F")),
            ("face_occlusion", text("F")),
            ("verify_score", Arc::new(Float64Array::from_iter_values((0..rows).map(first)))),
            ("face_attack_score", Arc::new(Float64Array::from_iter_values((0..rows).map(|_| 0.01)))),
            ("label", Arc::new(StringArray::from_iter_values(labels()))),
            ("other", column),
        ];
        let (found, issues) = of(&write(folder.path(), columns, Compression::UNCOMPRESSED));
        let mut csv =
            "sub_code,passed,face_attack,face_occlusion,verify_score,face_attack_score,label,other\n"
                .to_owned();
        for ((row, label), other) in (0..rows).zip(labels()).zip(shown) {
            writeln!(csv, "200,T,F,F,{},0.01,{label},{other}", first(row)).unwrap();
        }
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, csv).unwrap();
        let (expected, of_csv) = of(&path);
        assert!(expected.aucs.is_some() && expected.left_out.genuine > 10 && found == expected, "{found:?}");
        let rows = |issues: &[DataIssue]| {
            issues.iter().map(|issue| (issue.message.clone(), issue.rows)).collect::<Vec<_>>()
        };
        assert_eq!(rows(&issues), rows(&of_csv));
    }
}

/// The library panics at a negative position, for example.
#[test]
fn a_damaged_file_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let columns = vec![("sub_code", texts("200")), ("passed", texts("T"))];
    let path = write(folder.path(), columns, Compression::UNCOMPRESSED);
    let (whole, policy) = (std::fs::read(&path).unwrap(), Policy::parse(builtin::VENDOR).unwrap());
    let mut refused = 0;
    for at in 0..whole.len() {
        for flip in [0x40, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            std::fs::write(&path, damaged).unwrap();
            let sources = Source::find(std::slice::from_ref(&path)).unwrap();
            let result = Lab::new(&policy).threads(1).run(&sources, &RunControl::default());
            refused += usize::from(result.is_err());
        }
    }
    assert!(refused > whole.len() / 2, "{refused} of {}", 2 * whole.len());
}
