//! A row that is known is read and decided as any other row: random rows, in any order, against the careful path.

use std::collections::BTreeMap;

use cloudauth_policy::{InputKind, builtin};
use cloudauth_tests::Dice;

use super::*;
use crate::input::json::Wanted;
use crate::input::mapping::Mapping;
use crate::tally::Scales;
use crate::tally::issues::{IssueKind, RowLocation};

/// Cells for each kind of slot: those of rows that may be known, then others.
const CODES: [&[Cell<'_>]; 2] = [
    &[
        Cell::Text("200"),
        Cell::Number("200", 200.0),
        Cell::Text("204.0"),
        Cell::Text("299"),
        Cell::Missing,
        Cell::Text(""),
        Cell::Text("null"),
    ],
    &[
        Cell::Text("200 "),
        Cell::Text("0200"),
        Cell::Number("2e2", 200.0),
        Cell::Truth(true),
        Cell::Other,
        Cell::Object,
    ],
];
const FLAGS: [&[Cell<'_>]; 2] = [
    &[Cell::Text("T"), Cell::Text("F"), Cell::Missing, Cell::Text("")],
    &[
        Cell::Text("t"),
        Cell::Text("true"),
        Cell::Text("206"),
        Cell::Number("206", 206.0),
        Cell::Truth(false),
        Cell::List("[]"),
        Cell::Text("T\0"),
    ],
];
const SCORES: [&[Cell<'_>]; 2] = [
    &[
        Cell::Number("75", 75.0),
        Cell::Text("74.99"),
        Cell::Number("0.25", 0.25),
        Cell::Missing,
        Cell::Number("101", 101.0),
    ],
    &[
        Cell::Text("75."),
        Cell::Text("NaN"),
        Cell::Number("1e999", f64::INFINITY),
        Cell::Truth(true),
        Cell::Text(""),
    ],
];
const LABELS: [&[Cell<'_>]; 2] = [
    &[Cell::Missing, Cell::Text(" , "), Cell::Text("ROOT")],
    &[Cell::List("[\"ROOT\"]"), Cell::Text("['x']"), Cell::Number("5", 5.0), Cell::Other],
];
const LABEL: [&[Cell<'_>]; 2] = [
    &[Cell::Text("genuine"), Cell::Text("impostor"), Cell::Missing, Cell::Text("null")],
    &[Cell::Text("fraud"), Cell::Truth(true)],
];
const ATTACK: [&[Cell<'_>]; 2] = [&[Cell::Missing], &[Cell::Text("mask"), Cell::Text(""), Cell::Other]];
const TIME: [&[Cell<'_>]; 2] = [
    &[
        Cell::Missing,
        Cell::Text("2026-01-31T23:59:59+08:00"),
        Cell::Text("2026-02-28 16:00:00Z"),
        Cell::Text("2026-03-01"),
    ],
    &[
        Cell::Text("2026-02-29T00:00:00Z"),
        Cell::Text(""),
        Cell::Number("1772395200", 1_772_395_200.0),
        Cell::Truth(true),
    ],
];
const KEY: [&[Cell<'_>]; 2] = [
    &[Cell::Missing, Cell::Text("a"), Cell::Text(""), Cell::Number("7", 7.0)],
    &[Cell::Number("7.5", 7.5), Cell::Other],
];
const RESULT: [&[Cell<'_>]; 2] = [&[Cell::Object], &[Cell::Missing, Cell::Other]];

const WORDS: &str = r#"
format = 1
segments = ["channel"]
[inputs]
code = { value = "200" }
sub_code = "sub_code"
passed = { column = "ok", true = ["T", "206"], false = ["F"] }
verify_score = "score"
"#;

fn cells(slot: usize) -> [&'static [Cell<'static>]; 2] {
    match (Input::ALL.get(slot).map(|input| input.kind()), slot) {
        (Some(InputKind::Code), _) => CODES,
        (Some(InputKind::Flag), _) => FLAGS,
        (Some(InputKind::Score), _) => SCORES,
        (Some(InputKind::Labels), _) => LABELS,
        (_, slot::LABEL) => LABEL,
        (_, slot::ATTACK) => ATTACK,
        (_, slot::TIME) => TIME,
        (_, slot::RESULT) => RESULT,
        (_, slot::SECOND_SCORE) => SCORES,
        _ => KEY,
    }
}

#[test]
fn a_known_row_is_the_row_that_the_careful_path_reads_and_decides() {
    let policy = Policy::parse(builtin::ONBOARDING).unwrap();
    let candidate = Policy::parse(builtin::THRESHOLD).unwrap();
    let mut dice = Dice(3);
    for mut mapping in [Mapping::of(Shape::Flat), Mapping::of(Shape::Reply), Mapping::parse(WORDS).unwrap()] {
        mapping.second_score = Some("second".to_owned());
        let task = Task {
            policy: &policy,
            candidate: Some(&candidate),
            sweep: None,
            sources: &[],
            wanted: Wanted::new([]),
            scales: Scales::of(&policy).unwrap(),
            slots: mapping.slots(true),
            days: None,
            known_people: &[],
            crossed: None,
            is_mapped: false,
            keep_people: true,
            keep_segment_people: false,
            compares_matchers: true,
            room: Default::default(),
            writer: None,
            only_decides: false,
            allow_missing_inputs: true,
            mapping: &mapping,
        };
        let mut texts = KnownTexts::new(&task);
        // For each cell, whether it was in a known row and in another one.
        let mut seen: BTreeMap<(usize, usize, String), [u32; 2]> = BTreeMap::new();
        for _ in 0..5_000 {
            // At most two odd cells in a row, or almost none would be known.
            let odd = [dice.roll(30), dice.roll(30)];
            let row: Vec<(usize, Cell<'_>)> = (0..task.slots.len())
                .map(|slot| {
                    let class = usize::from(odd.contains(&slot));
                    let of_class = cells(slot)[class];
                    let is_likely = dice.roll(3) == 0;
                    (class, of_class[if is_likely { 0 } else { dice.roll(of_class.len()) }])
                })
                .collect();
            // A slot without a path has no cell.
            let path = |slot: usize| task.slots.get(slot).is_some_and(|path| !path.is_empty());
            let cell =
                |slot: usize| row.get(slot).filter(|_| path(slot)).map_or(Cell::Missing, |(_, cell)| *cell);
            let at = RowLocation { source: 0, line: 1 };
            let reader = || RowReader::new(&mapping, |input| task.asks(input)).reading_second_score(true);
            let (mut by, mut careful) = (reader(), reader());
            let known = texts.row(&mut by, &cell).map(|known| {
                let missing: Vec<Input> = known.missing().collect();
                (known.row, known.rules, missing)
            });
            for (slot, (class, cell)) in row.iter().enumerate().filter(|(slot, _)| path(*slot)) {
                let seen = seen.entry((slot, *class, format!("{cell:?}"))).or_default();
                seen[usize::from(known.is_some())] += 1;
            }
            let Some((known, rules, missing)) = known else {
                texts.learn(&by, &cell);
                continue;
            };
            let expected = careful.row(at, cell).expect("a row to decide");
            let device_risk = expected.evidence.device_risk;
            assert!(device_risk.is_empty() || !task.asks(Input::DeviceRisk));
            let mut evidence = known.evidence.clone();
            evidence.device_risk = device_risk;
            assert_eq!(evidence, expected.evidence);
            let rest = |row: &Row<'_>| {
                (row.label, row.attack.is_none(), row.day, row.subject.map(str::len), row.id.map(str::len))
            };
            assert_eq!(rest(&known), rest(&expected));
            assert_eq!(known.second_score, expected.second_score);
            let rule = |policy: &Policy| policy.decide(&expected.evidence).rule_number();
            assert_eq!(rules, (rule(&policy), rule(&candidate)));
            let issues: Vec<IssueKind> = careful.issues.all().into_iter().map(|(kind, _)| kind).collect();
            assert_eq!(issues, missing.into_iter().map(IssueKind::Missing).collect::<Vec<_>>());
        }
        for ((slot, class, cell), [_, known]) in &seen {
            // A reply without a result is not decided.
            let is_refused =
                task.mapping.shape == Shape::Reply && *slot == Input::Code as usize && !cell.contains("200");
            assert!(*known > 0 || *class == 1 || is_refused, "slot {slot}: {cell} is never known");
        }
        assert!(seen.len() > 30, "{seen:?}");
    }
}
