//! Synthetic history in the form of warehouse tables, for the tests of warehouse counts: scores around every cut and every
//! hundredth, and words that are almost right.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each user takes what it needs")]

#[path = "../../../policy/tests/random/mod.rs"]
mod random;

use std::path::{Path, PathBuf};

use cloudauth_lab::{Calibration, Compare, Drift, Lab, Mapping, Replay, RunControl, Source, TARGETS, Tally};
use cloudauth_policy::{Policy, builtin};
pub use random::Dice;
use random::rows::{INPUTS, Rows};
use serde_json::{Value, json};

/// The type of a column in the table. In JSON, every value except a score is a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Double,
    Float,
    Date,
    /// Without a zone.
    Timestamp,
    /// With a zone.
    Instant,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Double => "double",
            Self::Float => "float",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Instant => "instant",
        }
    }
}

/// Policies, a mapping, and the columns that the mapping names.
pub struct Case {
    pub name: &'static str,
    pub policy: Policy,
    pub candidate: Option<Policy>,
    pub mapping: Mapping,
    pub columns: Vec<(&'static str, Kind)>,
    rows: Rows,
    is_worded: bool,
}

const ALL: &str = r#"format = 1
id = "id"
time = "The \"time\""
segments = ["channel", "The shop"]
[inputs]
sub_code = "The \"code\""
passed = "passed"
face_attack = "face_attack"
face_occlusion = "face_occlusion"
verify_score = "The \"score\""
quality_score = "quality_score"
face_attack_score = "face_attack_score"
[label]
column = "label"
genuine = ["good", "Ok", "null"]
impostor = ["bad"]
attack = "attack"
"#;

const WORDED: &str = r#"format = 1
time = "day"
segments = ["channel"]
[inputs]
sub_code = { value = "200" }
passed = { column = "passed", true = ["good", "T", "null"], false = ["bad"] }
face_attack = { column = "face_attack", true = ["bad"], false = ["good", ""] }
verify_score = "verify_score"
face_attack_score = "face_attack_score"
[label]
column = "label"
"#;

/// Only the required columns.
const BARE: &str = "format = 1\n[inputs]\nsub_code = \"sub_code\"\npassed = \"passed\"\nface_attack = \"face_attack\"\nverify_score = \"verify_score\"\n";

pub fn cases() -> Vec<Case> {
    let mut dice = Dice(20_251_123);
    let builtin = |text: &str| Policy::parse(text).unwrap();
    let mut random = || random::random_policy(&mut dice).1;
    let all = |time| {
        let scores = ["The \"score\"", "quality_score", "face_attack_score"].map(|name| (name, Kind::Double));
        let texts = [
            "id",
            "channel",
            "The shop",
            "The \"code\"",
            "passed",
            "face_attack",
            "face_occlusion",
            "label",
            "attack",
        ];
        let texts = texts.map(|name| (name, Kind::Text));
        [("The \"time\"", time)].into_iter().chain(texts).chain(scores).collect::<Vec<_>>()
    };
    let numbered = |time| {
        let is_number = |name| matches!(name, "The shop" | "attack");
        all(time)
            .into_iter()
            .map(|(name, kind)| (name, if is_number(name) { Kind::Double } else { kind }))
            .collect()
    };
    let worded = vec![
        ("day", Kind::Date),
        ("channel", Kind::Text),
        ("passed", Kind::Text),
        ("face_attack", Kind::Text),
        ("verify_score", Kind::Float),
        ("face_attack_score", Kind::Float),
        ("label", Kind::Text),
    ];
    let bare = vec![
        ("sub_code", Kind::Text),
        ("passed", Kind::Text),
        ("face_attack", Kind::Text),
        ("verify_score", Kind::Double),
    ];
    [
        ("all", builtin(builtin::ONBOARDING), Some(builtin(builtin::VENDOR)), ALL, all(Kind::Text)),
        ("times", random(), Some(builtin(builtin::THRESHOLD)), ALL, all(Kind::Timestamp)),
        ("instants", builtin(builtin::ONBOARDING), None, ALL, numbered(Kind::Instant)),
        ("worded", builtin(builtin::ONBOARDING), Some(random()), WORDED, worded),
        // No flag column, and times as numbers.
        ("epochs", builtin(random::CODES_ALONE), None, ALL, all(Kind::Double)),
        ("bare", builtin(builtin::THRESHOLD), None, BARE, bare),
    ]
    .into_iter()
    .map(|(name, policy, candidate, mapping, columns)| Case {
        rows: Rows::of(&policy),
        name,
        policy,
        candidate,
        is_worded: mapping == WORDED,
        mapping: Mapping::parse(mapping).unwrap(),
        columns,
    })
    .collect()
}

const LABELS: [&str; 12] =
    ["good", "bad", "Ok", "ok", "GOOD", "Bad", "good ", "", "null", "maybe", "genuine", "impostor"];
const KINDS: [&str; 6] = ["mask", "Mask", "", "null", "3d,print", "\u{5370}"];
const VALUES: [&str; 11] =
    ["app", "App", "APP", " app", "", "null", "(none)", "a,b", "q\"x'", "two\nlines", "\u{6e20}\u{9053}"];
/// Integers and other numbers, in a column of doubles.
const NUMBERS: [f64; 11] =
    [1001.0, 2.0, 0.0, -5.0, 12_345_678.0, 999_999_999_999_999.0, 1e15, 1e300, 2.5, 0.1, -1e-7];
const TIMES: [&str; 58] = [
    "2024-02-29",
    "2000-02-29T00:00:00Z",
    "2026-02-29",
    "1900-02-29",
    "2026-02-30",
    "2026-04-31",
    "2026-13-01",
    "2026-00-10",
    "2026-01-00",
    "2026-01-31 23:59:59.5+08",
    "2026-01-31x",
    "2026-01-31\n",
    " 2026-01-31",
    "2026-1-31",
    "\u{ff12}026-01-31",
    "2026/01/31",
    "yesterday",
    "",
    "null",
    // An instant that falls on the next day in Shanghai.
    "2026-03-02T04:00:00+08:00",
    "2026-03-01T20:00:00Z",
    "2026-03-01 20:00:00.123456 UTC",
    "2026-03-01 14:30:00 -0530",
    "2026-02-28T20:01z-23:59",
    "2026-02-28t20:01-23:59",
    "1772395200",
    "1772395200000",
    // The smallest and largest numbers that are valid times.
    "946684800",
    "946684799",
    "4102444799999",
    "4102444800",
    "177239520012",
    // Numbers with a fraction, and numbers in the form that Java writes.
    "1772395200.5",
    "1772395200123.75",
    "1772380799.99999999999999",
    "4102444799.99999999999999",
    "1.7723952005E9",
    "1.77238079999999999999999E9",
    "1.772395200123e12",
    "9.46684800E8",
    "9.46684799E8",
    // Almost numbers.
    "1772395200.",
    "1772395200.5.5",
    "+1772395200",
    "1.7723952E+9",
    "17.723952E8",
    "1E9",
    "1.7723952E10",
    "1772395200.5e0",
    // Almost times.
    "2026-03-01T20",
    "2026-03-01T24:00Z",
    "2026-03-01T20:60Z",
    "2026-03-01T20:00:61Z",
    "2026-03-01T20:00:00.Z",
    "2026-03-01T20:00+24:00",
    "2026-03-01T20:00  Z",
    "1900-12-31T23:00Z",
    "2298-12-31T23:00Z",
];

impl Case {
    pub fn lab(&self) -> Lab<'_> {
        let lab = Lab::new(&self.policy).mapping(self.mapping.clone());
        match &self.candidate {
            Some(candidate) => lab.against(candidate),
            None => lab,
        }
    }

    /// A value for each column. A number that JSON cannot represent becomes a string, which is not a score either.
    pub fn row(&self, dice: &mut Dice, number: usize) -> Vec<Value> {
        let made = self.rows.row(dice);
        let input = |name: &str| INPUTS.iter().position(|input| *input == name).unwrap();
        let text = |found: Option<&str>| found.map_or(Value::Null, |text| json!(text));
        let columns = self.columns.iter().map(|(name, kind)| {
            let seldom = dice.roll().is_multiple_of(8);
            match *name {
                "id" => json!(format!("id{number}")),
                "label" => text(
                    (!dice.roll().is_multiple_of(3))
                        .then(|| dice.of(if seldom { &LABELS } else { &LABELS[..2] })),
                ),
                "The shop" | "attack" if *kind == Kind::Double => {
                    if seldom || *name == "The shop" {
                        json!(dice.of(&NUMBERS))
                    } else {
                        Value::Null
                    }
                }
                "attack" => text(seldom.then(|| dice.of(&KINDS))),
                "channel" | "The shop" => text((!seldom).then(|| dice.of(&VALUES))),
                "The \"time\"" | "day" => time(dice, *kind, seldom),
                "The \"code\"" => text(made.texts[input("sub_code")]),
                // The SubCode, as in callbacks.
                "passed" if seldom => text(Some(dice.of(&["200", "201", "299", "2000", "20\n", "206.0"]))),
                "passed" | "face_attack" if self.is_worded => text(Some(dice.of(&LABELS))),
                "The \"score\"" | "verify_score" => score(dice, made.scores[0], 100.0, *kind),
                "face_attack_score" => score(dice, made.scores[2], 1.0, *kind),
                "quality_score" => score(dice, made.scores[1], 100.0, *kind),
                name => text(made.texts[input(name)]),
            }
        });
        columns.collect()
    }

    pub fn line(&self, row: &[Value]) -> String {
        let members =
            self.columns.iter().zip(row).map(|((name, _), value)| ((*name).to_owned(), value.clone()));
        format!("{}\n", Value::Object(members.collect()))
    }

    /// The results of a run over a file of rows.
    pub fn ran(&self, rows: &Path, has_notes: bool) -> Value {
        let sources = Source::find(&[rows.to_owned()]).unwrap();
        told(&self.lab().run(&sources, &RunControl::default()).unwrap().tally, has_notes)
    }

    /// The results from a file of counts.
    pub fn finished(&self, counts: PathBuf, has_notes: bool) -> Value {
        told(&self.lab().finish(&Source::find(&[counts]).unwrap()).unwrap(), has_notes)
    }
}

/// A score. Half of the scores are at or beside an edge of the grid of hundredths.
fn score(dice: &mut Dice, made: Option<f64>, most: f64, kind: Kind) -> Value {
    let edge = (dice.roll() % 10_001) as f64 / 100.0 / (100.0 / most);
    let score = match dice.roll() % 6 {
        0 => Some(edge),
        1 => Some(edge.next_up()),
        2 => Some(edge.next_down()),
        _ => made,
    };
    let score = score.map(|score| if kind == Kind::Float { f64::from(score as f32) } else { score });
    match score {
        None => Value::Null,
        Some(score) if score.is_finite() => json!(score),
        Some(score) => json!(score.to_string()),
    }
}

fn time(dice: &mut Dice, kind: Kind, seldom: bool) -> Value {
    if seldom && kind == Kind::Text {
        if dice.roll().is_multiple_of(2) {
            return json!(dice.of(&TIMES));
        }
        // Valid and invalid days.
        let year = dice.of(&[1900, 2000, 2023, 2024, 2100]);
        return json!(format!("{year}-{:02}-{:02}", dice.roll() % 14, dice.roll() % 33));
    }
    let (month, day) = (1 + dice.roll() % 12, 1 + dice.roll() % 28);
    let date = format!("{}-{month:02}-{day:02}", 2024 + dice.roll() % 3);
    match kind {
        _ if seldom => Value::Null,
        Kind::Timestamp => json!(format!("{date} {:02}:30:00", dice.roll() % 24)),
        Kind::Instant => json!(format!("{date} {:02}:30:00+00:00", dice.roll() % 24)),
        Kind::Date => json!(date),
        Kind::Double => {
            // Around midnight in Shanghai, in seconds or milliseconds.
            let midnight = (1_704_067_200 + (dice.roll() % 1000) * 86_400 - 28_800) as f64;
            let second = midnight + dice.of(&[-1.0, -0.5, -0.015_625, 0.0, 0.25, 43_200.125]);
            json!(if dice.roll().is_multiple_of(2) { second } else { second * 1000.0 })
        }
        _ => {
            let offset = dice.of(&["+08:00", "Z", "", "-05", "+1345"]);
            json!(format!("{date}T{:02}:{:02}:00{offset}", dice.roll() % 24, dice.roll() % 60))
        }
    }
}

/// All results, without row locations and examples: only a run over the rows knows them.
pub fn told(tally: &Tally, has_notes: bool) -> Value {
    let drift = Drift::of(tally, None, None);
    let mut told = json!({
        "replay": Replay::of(tally),
        "compare": Compare::of(tally),
        "calibration": Calibration::of(tally, &TARGETS, 1),
        "rough": Calibration::of(tally, &[0.1, 0.3], 50),
        "drift": drift.as_ref().ok(),
        "no_drift": drift.as_ref().err().map(ToString::to_string),
    });
    without(&mut told, has_notes);
    told
}

pub fn without(value: &mut Value, has_notes: bool) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| {
                !matches!(name.as_str(), "locations" | "examples") && (has_notes || name != "issues")
            });
            members.values_mut().for_each(|value| without(value, has_notes));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| without(value, has_notes)),
        _ => {}
    }
}

/// The first difference, to keep the message of a failure short.
pub fn difference(a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(name, value)| Some(format!("{name} {}", difference(value, &b[name])?)))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            (0..).zip(a.iter().zip(b)).find_map(|(at, (a, b))| Some(format!("{at} {}", difference(a, b)?)))
        }
        _ => (a != b).then(|| format!("{a} is not {b}")),
    }
}
