//! One reader of evidence: the same generated verifications as flat JSON, CSV, Parquet, replies and SQL rows are decided by
//! the same rule, with as many data issues of each kind. 10,000 verifications, or as many as `CLOUDAUTH_PROPERTY_CASES` says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cloudauth_lab::{Lab, Mapping, Replay, RunControl, Source};
use cloudauth_policy::{Evidence, EvidenceIssue, FlatEvidence, Form, Input, InputKind, Policy, builtin};
use cloudauth_protocol::{Body, DescribeFaceVerify, FaceVerifyStatus, parse};
use cloudauth_tests::Dice;

mod odd;
mod sql;

/// JSON values for the inputs of a kind, by class: valid values, near misses, and values of another type.
const CODES: [(&str, &[&str]); 4] = [
    ("good", &[r#""200""#, "200", r#""201""#, "204", r#""205""#]),
    ("with zeros", &["200.0", r#""200.0""#, "200.00", r#""204.0""#]),
    (
        "near miss",
        &[
            r#""200 ""#,
            r#"" 200""#,
            "2e2",
            r#""2e2""#,
            r#""0200""#,
            r#""200.""#,
            r#""+200""#,
            "-200",
            "200.5",
            "1E400",
            "1000000000000000",
            r#""200,0""#,
            r#""T""#,
            r#""２００""#,
        ],
    ),
    ("nothing", &["null", r#""null""#, r#""""#]),
];
const FLAGS: [(&str, &[&str]); 4] = [
    ("good", &[r#""T""#, r#""F""#]),
    ("near miss", &[r#""t""#, r#""T ""#, r#"" F""#, r#""true""#, "1", "0.0", r#""False""#, r#""Ｔ""#]),
    ("a SubCode", &[r#""200""#, "206", r#""299""#, r#""2000""#, "206.0", r#""206.0""#]),
    ("nothing", &["null", r#""null""#, r#""""#]),
];
const SCORES: [(&str, &[&str]); 5] = [
    (
        "number",
        &["88.25", "75", "74.99999999999999", "69.5", "0.25", "0.75", "75.0", "-0.0", "7.5e1", "0", "1e-400"],
    ),
    ("text", &[r#""88.25""#, r#""75""#, r#""0.25""#, r#""7.5e1""#, r#""750e-1""#, r#""\u0037\u0035""#]),
    (
        "near miss",
        &[
            r#""+88.25""#,
            r#""088.25""#,
            r#""88.""#,
            r#"".5e2""#,
            r#""88.25 ""#,
            r#"" 88""#,
            r#""88,25""#,
            r#""7_5""#,
            r#""0x4B""#,
            r#""75d""#,
            r#""1e0001""#,
        ],
    ),
    ("beyond", &["1E400", "-1e999", r#""1E400""#, r#""NaN""#, r#""inf""#, "101", "-1"]),
    ("nothing", &["null", r#""null""#, r#""""#]),
];
const LABELS: [(&str, &[&str]); 4] = [
    ("text", &[r#""ROOT""#, r#""ROOT, VPN""#, r#""VPN,,""#, r#""Unknown""#]),
    ("list", &["[]", r#"["ROOT"]"#, r#"["ROOT","VPN"]"#, r#""[]""#, r#"["Unknown"]"#, r#"[" ROOT "]"#]),
    ("malformed", &["[5]", "5", "88.5", r#""['ROOT']""#, r#""[""#, "1E400"]),
    ("nothing", &["null", r#""null""#, r#""""#, r#"" , ""#]),
];
const OTHER_TYPES: [&str; 5] = ["true", "false", "{}", "[]", r#"{"a":1}"#];

const WITH_LABELS: &str = r#"
[[rule]]
id = "risky"
when = { device_risk = ["ROOT", "VPN", "unknown"] }
then = { decision = "review", reason = "device_risk" }
"#;

/// The worked policy, and the same policy with a first rule on labels.
fn policies() -> [Policy; 2] {
    let (head, rules) = builtin::ONBOARDING.split_once("\n[[rule]]").unwrap();
    let declared = head.replace(
        "\n[inputs]\n",
        "\n[inputs]\ndevice_risk = { type = \"labels\", values = [\"ROOT\", \"VPN\"] }\n",
    );
    let with_labels = format!("{declared}{WITH_LABELS}\n[[rule]]{rules}");
    [builtin::ONBOARDING, &with_labels].map(|text| Policy::parse(text).unwrap())
}

/// A verification: the JSON value of each input, if it has one; an input that appears twice; and what is odd about its reply.
struct Case {
    values: [Option<&'static str>; 9],
    twice: Option<Input>,
    odd: &'static str,
}

type Seen = BTreeMap<(Input, &'static str), u64>;

fn case(dice: &mut Dice, seen: &mut Seen) -> Case {
    // In half of the cases few inputs differ from an approved case: otherwise few rows would reach the last rules.
    let mut values = Case::approved().values;
    let is_near = dice.roll(2) == 0;
    for input in Input::ALL {
        if is_near && dice.roll(6) > 0 {
            continue;
        }
        let classes: &[(&str, &[&str])] = match input.kind() {
            InputKind::Code => &CODES,
            InputKind::Flag => &FLAGS,
            InputKind::Score => &SCORES,
            InputKind::Labels => &LABELS,
        };
        let (class, value) = match dice.roll(16) {
            0 => ("absent", None),
            1 => ("another type", Some(dice.of(&OTHER_TYPES))),
            2..=6 => {
                let (class, values) = dice.of(classes);
                (class, Some(dice.of(values)))
            }
            _ => (classes[0].0, Some(dice.of(classes[0].1))),
        };
        *seen.entry((input, class)).or_default() += 1;
        values[input as usize] = value;
    }
    let twice = (dice.roll(40) == 0).then(|| dice.of(&Input::ALL));
    if let Some(input) = twice {
        *seen.entry((input, "twice")).or_default() += 1;
    }
    let (odd, _) = if dice.roll(4) == 0 { dice.of(&odd::ODD) } else { ("", true) };
    if !odd.is_empty() {
        *seen.entry((Input::Code, odd)).or_default() += 1;
    }
    Case { values, twice, odd }
}

impl Case {
    fn approved() -> Self {
        let values = [r#""200""#, r#""200""#, r#""T""#, r#""F""#, r#""F""#, "88.25", "90", "0.25", "[]"];
        Self { values: values.map(Some), twice: None, odd: "" }
    }

    fn members(&self, inputs: &[Input], name: impl Fn(Input) -> String) -> String {
        let mut text = String::new();
        for input in inputs {
            let times = if self.twice == Some(*input) { 2 } else { 1 };
            let value = self.values[*input as usize].or((times == 2).then_some("null"));
            for _ in 0..value.map_or(0, |_| times) {
                let comma = if text.is_empty() { "" } else { "," };
                write!(text, "{comma}\"{}\":{}", name(*input), value.unwrap_or_default()).unwrap();
            }
        }
        format!("{{{text}}}")
    }

    fn flat(&self) -> String {
        self.members(&Input::ALL, |input| input.name().to_owned())
    }

    /// A reply of the service: the scores are in a document inside a string.
    fn reply(&self) -> String {
        self.reply_with(str::to_owned)
    }

    fn reply_with(&self, with_material: impl Fn(&str) -> String) -> String {
        let last = |input: Input| input.reply_path().rsplit('.').next().unwrap_or_default().to_owned();
        let scores = self.members(&Input::SCORES, last);
        let material = self.members(&[Input::FaceAttack, Input::FaceOcclusion], last);
        let scores = odd::picture(self.odd, scores);
        let material = with_material(&joined(&material, &format!("\"facialPictureFront\":{scores}")));
        let result = self.members(&[Input::SubCode, Input::Passed, Input::DeviceRisk], last);
        let result = joined(&result, &format!("\"MaterialInfo\":{}", odd::material(self.odd, material)));
        let result = odd::result(self.odd, result);
        let reply = joined(&self.members(&[Input::Code], last), &format!("\"ResultObject\":{result}"));
        odd::envelope(self.odd, reply)
    }

    /// The cell of a table: the content of a string, or the JSON text of any other value.
    fn column(&self, input: Input) -> String {
        let written = self.values[input as usize].unwrap_or_default();
        match written {
            "null" => String::new(),
            text if text.starts_with('"') => serde_json::from_str(text).unwrap(),
            other => other.to_owned(),
        }
    }
}

fn joined(object: &str, member: &str) -> String {
    let comma = if object == "{}" { "" } else { "," };
    format!("{}{comma}{member}}}", object.strip_suffix('}').unwrap())
}

/// The rule that decides for `policy decide`; `None` if it refuses the document.
fn by_decide(policy: &Policy, line: &str, issues: &mut Issues) -> Option<String> {
    let flat = FlatEvidence::parse(line).ok()?;
    let mut labels = Vec::new();
    let evidence = Evidence::read(
        Form::Flat,
        |input| flat.value(input),
        &mut labels,
        |issue| {
            if let Some(what) = words(policy, issue) {
                *issues.entry(what).or_default() += 1;
            }
        },
    );
    Some(policy.decide(&evidence).rule().to_owned())
}

fn by_client(policy: &Policy, reply: &str) -> Option<String> {
    let response = http::Response::new(Body::from(reply.to_owned()));
    let status = parse::<DescribeFaceVerify>(&response).ok()?.output;
    let is_finished = matches!(status, FaceVerifyStatus::Finished(_));
    is_finished.then(|| policy.decide(&Evidence::from(&status)).rule().to_owned())
}

fn mapping(shape: &str) -> Mapping {
    Mapping::parse(&format!("format = 1\nshape = \"{shape}\"")).unwrap()
}

/// The rules that decide in `lab replay`, by line, and the number of rows with each issue.
fn by_lab(policy: &Policy, mapping: Mapping, data: &Path) -> (BTreeMap<u64, String>, Issues) {
    let decisions = data.with_extension("decisions.csv");
    let lab = Lab::new(policy).mapping(mapping);
    let sources = Source::find(&[data.to_owned()]).unwrap();
    let ran = lab.clone().decisions(decisions.clone()).run(&sources, &RunControl::default()).unwrap();
    let mut reader = csv::Reader::from_path(&decisions).unwrap();
    let rows = reader.records().map(|record| {
        let record = record.unwrap();
        (record[1].parse().unwrap(), record[4].to_owned())
    });
    let rules = rows.collect();
    let replay = Replay::of(&ran.tally);
    // A run that writes no decisions decides Parquet in columns.
    let counted = Replay::of(&lab.run(&sources, &RunControl::default()).unwrap().tally);
    assert_eq!(serde_json::to_value(&replay).unwrap(), serde_json::to_value(counted).unwrap());
    (rules, replay.issues.into_iter().map(|note| (note.message, note.rows)).collect())
}

/// The number of rows with each issue, by its text.
type Issues = BTreeMap<String, u64>;

/// Without issues of label lists: a text column has no lists.
fn without_labels(issues: &Issues) -> Issues {
    let is_other = |(what, _): &(&String, &u64)| !what.contains("`device_risk`");
    issues.iter().filter(is_other).map(|(what, rows)| (what.clone(), *rows)).collect()
}

/// The lab's text of an issue; `None` for inputs that the policy does not read.
fn words(policy: &Policy, issue: EvidenceIssue) -> Option<String> {
    let is_asked = |input| policy.inputs().any(|other| other == input);
    Some(match issue {
        EvidenceIssue::Missing(input) if is_asked(input) => format!("has no `{input}`"),
        EvidenceIssue::Malformed(input) if is_asked(input) || input == Input::DeviceRisk => {
            format!("has a malformed `{input}`; taken as invalid or unknown")
        }
        EvidenceIssue::SubCodeInPassed => {
            "has the SubCode in `passed`, as callbacks do; taken as the SubCode, and `passed` as invalid"
                .to_owned()
        }
        _ => return None,
    })
}

#[cfg(feature = "parquet")]
mod columns {
    use std::fs::File;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
    use cloudauth_policy::Input;
    use parquet::arrow::ArrowWriter;

    use super::{Case, number};

    /// A text column for each input, or a column of doubles for one of them.
    pub(super) fn written(folder: &Path, cases: &[&Case], doubles: Option<Input>) -> PathBuf {
        let column = |input: Input| {
            let array: ArrayRef = if doubles == Some(input) {
                let value = |case: &&Case| case.values[input as usize].and_then(number);
                Arc::new(cases.iter().map(value).collect::<Float64Array>())
            } else {
                let text = |case: &&Case| Some(case.column(input)).filter(|text| !text.is_empty());
                Arc::new(cases.iter().map(text).collect::<StringArray>())
            };
            (input.name(), array, true)
        };
        let batch = RecordBatch::try_from_iter_with_nullable(Input::ALL.map(column)).unwrap();
        let file = folder.join("a.parquet");
        let mut writer = ArrowWriter::try_new(File::create(&file).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        file
    }
}

/// A JSON number that a double represents exactly and that a column of doubles prints in the same way.
#[cfg(feature = "parquet")]
fn number(written: &str) -> Option<f64> {
    written.parse().ok().filter(|number: &f64| number.is_finite() && !written.contains(['e', 'E']))
}

fn cases() -> usize {
    std::env::var("CLOUDAUTH_PROPERTY_CASES").map_or(10_000, |cases| cases.parse().unwrap())
}

fn made() -> (Vec<Case>, Seen) {
    let (mut dice, mut seen) = (Dice(12), Seen::new());
    let all = (0..cases()).map(|_| case(&mut dice, &mut seen)).collect();
    (all, seen)
}

#[test]
fn every_reader_decides_by_the_same_rule() {
    let folder = tempfile::tempdir().unwrap();
    let (all, _) = made();
    // A line with a repeated member is refused; a column cannot be repeated.
    let once: Vec<&Case> = all.iter().filter(|case| case.twice.is_none()).collect();
    let mut csv = csv::Writer::from_path(folder.path().join("a.csv")).unwrap();
    csv.write_record(Input::ALL.map(Input::name)).unwrap();
    for case in &once {
        csv.write_record(Input::ALL.map(|input| case.column(input))).unwrap();
    }
    csv.flush().unwrap();
    let (mut flat, mut replies) = (String::new(), String::new());
    for case in &all {
        flat += &(case.flat() + "\n");
        replies += &(case.reply() + "\n");
    }
    let written = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let (flat_file, reply_file) = (written("a.jsonl", &flat), written("b.jsonl", &replies));
    for policy in policies() {
        let mut expected = Issues::new();
        let (by_json, mut issues) = by_lab(&policy, mapping("flat"), &flat_file);
        let (by_csv, issues_of_csv) = by_lab(&policy, mapping("flat"), &folder.path().join("a.csv"));
        let (by_reply, _) = by_lab(&policy, mapping("reply"), &reply_file);
        let (mut approved, mut finished, mut column) = (0, 0, 1);
        for (number, (case, (line, reply))) in all.iter().zip(flat.lines().zip(replies.lines())).enumerate() {
            let at = number as u64 + 1;
            let decided = by_decide(&policy, line, &mut expected);
            assert_eq!(decided.as_ref(), by_json.get(&at), "lab, JSON: {line}");
            if case.twice.is_none() {
                column += 1;
                assert_eq!(decided.as_ref(), by_csv.get(&column), "lab, CSV: {line}");
            }
            let client = by_client(&policy, reply);
            assert_eq!(client.as_ref(), by_reply.get(&at), "client and lab, reply: {reply}");
            finished += usize::from(client.is_some());
            approved += usize::from(decided.as_deref() == Some("approve"));
        }
        assert!(approved > all.len() / 200 && finished > all.len() / 4, "{approved} {finished}");
        // Missing and malformed values are counted for each input, never ignored.
        let refused = issues.remove("has a repeated member");
        assert_eq!(refused, Some((all.len() - once.len()) as u64));
        assert_eq!(issues, expected);
        assert_eq!(without_labels(&issues_of_csv), without_labels(&issues));
        for input in policy.inputs().filter(|input| input.kind() != InputKind::Labels) {
            for what in [EvidenceIssue::Missing(input), EvidenceIssue::Malformed(input)] {
                assert!(issues.contains_key(&words(&policy, what).unwrap()), "{what:?}");
            }
        }
        #[cfg(feature = "parquet")]
        {
            let parquet = columns::written(folder.path(), &once, None);
            let (by_parquet, issues_of_parquet) = by_lab(&policy, mapping("flat"), &parquet);
            // Without a header.
            let by_csv: BTreeMap<u64, String> =
                by_csv.into_iter().map(|(line, rule)| (line - 1, rule)).collect();
            assert!(by_parquet == by_csv, "lab, Parquet of texts");
            if policy.inputs().any(|input| input == Input::DeviceRisk) {
                assert_eq!(issues_of_parquet, issues_of_csv);
            } else {
                // A column of labels that no policy uses is not read.
                assert_eq!(without_labels(&issues_of_parquet), without_labels(&issues_of_csv));
            }
        }
    }
}

/// A column of doubles, for one input after the other, gives the same decisions as the numbers in JSON.
#[cfg(feature = "parquet")]
#[test]
fn columns_of_doubles_decide_by_the_same_rule() {
    let folder = tempfile::tempdir().unwrap();
    let (all, _) = made();
    for input in Input::ALL {
        let is_number = |case: &&Case| {
            let value = case.values[input as usize].unwrap_or("null");
            case.twice.is_none() && (value == "null" || number(value).is_some())
        };
        let numbers: Vec<&Case> = all.iter().filter(is_number).collect();
        assert!(numbers.len() > all.len() / 200, "{input}: {}", numbers.len());
        let parquet = columns::written(folder.path(), &numbers, Some(input));
        for policy in policies() {
            let (by_parquet, issues) = by_lab(&policy, mapping("flat"), &parquet);
            let mut expected = Issues::new();
            for (number, case) in numbers.iter().enumerate() {
                let line = case.flat();
                let rule = by_decide(&policy, &line, &mut expected);
                assert_eq!(by_parquet.get(&(number as u64 + 1)), rule.as_ref(), "{input}: {line}");
            }
            assert_eq!(without_labels(&issues), without_labels(&expected), "{input}");
        }
    }
}

/// The test above covers each class of each input.
#[test]
fn the_generator_reaches_every_class() {
    let (_, seen) = made();
    for input in Input::ALL {
        let classes: &[(&str, &[&str])] = match input.kind() {
            InputKind::Code => &CODES,
            InputKind::Flag => &FLAGS,
            InputKind::Score => &SCORES,
            InputKind::Labels => &LABELS,
        };
        for class in classes.iter().map(|(class, _)| *class).chain(["absent", "another type", "twice"]) {
            let count = seen.get(&(input, class)).copied().unwrap_or_default();
            assert!(count > 10, "{input}: {class} came up {count} times");
        }
    }
    for (odd, _) in odd::ODD {
        let count = seen.get(&(Input::Code, odd)).copied().unwrap_or_default();
        assert!(count > 10, "{odd} came up {count} times");
    }
}
