//! The checker: proves its statements by a check of every cell.

use std::collections::BTreeMap;

use cloudauth_protocol::{Code, SubCode, mask_digits};

use crate::document::problem::{DecidedCase, Hint, ProblemKind, Problems};
use crate::document::verdict::Verdict;
use crate::document::{Assert, Document, Example, ExampleValue, Kind, Promise, Test};
use crate::evidence::Evidence;
use crate::evidence::input::Input;
use crate::evidence::value::{Form, Value};
use crate::proof::approvals;
use crate::proof::grid::Scale;
use crate::proof::table::Table;

/// The SubCodes of the vendor's page on the web flow. A policy must handle each of them.
const SUB_CODES: [&str; 8] = ["200", "201", "202", "203", "204", "205", "206", "210"];

/// Runs all checks, and adds the problems that they find.
pub(crate) fn check(document: &Document, table: &Table, problems: &mut Problems<'_>) {
    codes_are_known(document, problems);
    codes_are_handled(document, table, problems);
    labels_are_handled(document, table, problems);
    every_rule_can_fire(document, table, problems);
    approvals::check(document, table, problems);
    for assert in &document.asserts {
        promise_holds(document, table, assert, problems);
    }
    for example in &document.examples {
        example_holds(document, table, example, problems);
    }
}

fn verdict(document: &Document, table: &Table, cell: usize) -> Verdict {
    document.outcome(table.rule(cell)).verdict
}

fn decided(document: &Document, table: &Table, cell: usize) -> DecidedCase {
    DecidedCase {
        rule: document.rule_id(table.rule(cell)).to_owned(),
        verdict: verdict(document, table, cell),
        case: table.grid.case(cell),
    }
}

/// V2: warns of a declared code that is not in the vendor's table. It may be newer than this program, or a spelling mistake.
fn codes_are_known(document: &Document, problems: &mut Problems<'_>) {
    for input in &document.inputs {
        let Kind::Code(values) = &input.kind else { continue };
        let (layer, is_known): (_, fn(&str) -> bool) = match input.name {
            Input::Code => ("Code", |value| Code::from_wire(value).manual().is_some()),
            _ => ("SubCode", |value| SubCode::from_wire(value).manual().is_some()),
        };
        for value in values.iter().filter(|value| !is_known(value)) {
            let kind = ProblemKind::UnknownCode { layer, code: mask_digits(value).into_owned() };
            problems.warn("V2", &input.span, kind, Hint::CheckSpelling);
        }
    }
}

/// V2 and V3: a rule names every code, and `otherwise` decides none of them.
fn codes_are_handled(document: &Document, table: &Table, problems: &mut Problems<'_>) {
    let Some(axis) = table.grid.axes.iter().find(|axis| axis.name == Input::SubCode) else {
        let kind = ProblemKind::UndeclaredInput(Some(Input::SubCode.name().to_owned()));
        problems.add("V2", &(0..0), kind, Hint::DeclareSubCode);
        return;
    };
    let input = document.inputs.get(axis.input).map_or(0..0, |input| input.span.clone());
    let Scale::Code(values, _) = &axis.scale else { return };
    for code in SUB_CODES.iter().filter(|code| !values.iter().any(|value| value == *code)) {
        problems.add("V2", &input, ProblemKind::SubCodeNotListed(code), Hint::OnVendorPage);
    }
    let mut is_named = vec![false; axis.size];
    let named =
        document.rules.iter().flat_map(|rule| &rule.when).filter(|condition| condition.input == axis.input);
    for condition in named {
        if let Test::Classes(classes) = &condition.test {
            for class in classes {
                if let Some(named) = is_named.get_mut(*class) {
                    *named = true;
                }
            }
        }
    }
    // For each class: the number of cells that `otherwise` decides, and the first of them.
    let mut left: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for cell in (0..table.grid.cells).filter(|cell| table.rule(*cell) == document.rules.len()) {
        left.entry(table.grid.class(cell, axis)).or_insert((0, cell)).0 += 1;
    }
    for (class, named) in is_named.into_iter().enumerate() {
        let case = axis.values(&[class]).into();
        let rule = if axis.is_understood(class) { "V2" } else { "V3" };
        if !named {
            problems.add(rule, &input, ProblemKind::NotCovered { case }, Hint::NameIt);
        } else if let Some((cells, first)) = left.get(&class) {
            let kind = ProblemKind::DecidedByOtherwise { cells: *cells, case };
            let hint = Hint::ForExample(table.grid.case(*first));
            problems.add(rule, &document.otherwise_span, kind, hint);
        }
    }
}

/// V2 for labels: a listed label is no longer unknown, so a rule must name it.
fn labels_are_handled(document: &Document, table: &Table, problems: &mut Problems<'_>) {
    for (number, input) in document.inputs.iter().enumerate() {
        let axes = table.grid.axes.iter().filter(|axis| axis.input == number).enumerate();
        for (label, axis) in axes.filter(|(_, axis)| matches!(axis.scale, Scale::Label { .. })) {
            let is_named = document.rules.iter().flat_map(|rule| &rule.when).any(|condition| {
                condition.input == number
                    && matches!(&condition.test, Test::Labels(named) if named.contains(&label))
            });
            if !is_named {
                let kind = ProblemKind::NotCovered { case: axis.values(&[1]).into() };
                problems.add("V2", &input.span, kind, Hint::NameOrRemove);
            }
        }
    }
}

/// V4: every rule decides at least one cell.
fn every_rule_can_fire(document: &Document, table: &Table, problems: &mut Problems<'_>) {
    for (number, rule) in document.rules.iter().enumerate() {
        if table.counts.get(number).is_none_or(|count| *count > 0) {
            continue;
        }
        let mut hiders: BTreeMap<usize, usize> = BTreeMap::new();
        table.grid.for_each(&table.grid.area(&rule.when), |cell| {
            *hiders.entry(table.rule(cell)).or_default() += 1;
        });
        let mut hiders: Vec<_> = hiders.into_iter().collect();
        hiders.sort_by_key(|(_, cells)| std::cmp::Reverse(*cells));
        let hiders: Vec<(String, usize)> =
            hiders.into_iter().map(|(hider, cells)| (document.rule_id(hider).to_owned(), cells)).collect();
        let hint = if hiders.is_empty() { Hint::NoInput } else { Hint::HiddenBy(hiders) };
        problems.add("V4", &rule.span, ProblemKind::NeverDecides(rule.id.clone()), hint);
    }
}

/// V6 and V7: an assertion holds in every cell. The problem has a counterexample.
fn promise_holds(document: &Document, table: &Table, assert: &Assert, problems: &mut Problems<'_>) {
    match &assert.promise {
        Promise::Never { verdict: never, when } => {
            let (mut broken, mut cells) = (Vec::new(), 0);
            table.grid.for_each(&table.grid.area(when), |cell| {
                cells += 1;
                if verdict(document, table, cell) == *never {
                    broken.push(cell);
                }
            });
            if cells == 0 {
                let kind = ProblemKind::AssertionWithoutEffect(assert.id.clone());
                problems.add("V6", &assert.span, kind, None);
            }
            if let Some(first) = broken.first() {
                let kind = ProblemKind::AssertionFails { id: assert.id.clone(), cells: broken.len() };
                let hint = Hint::Counterexample(decided(document, table, *first));
                problems.add("V6", &assert.span, kind, hint);
            }
        }
        Promise::Monotone { input, order } => {
            let Some(axis) = table.grid.axes.iter().find(|axis| axis.input == *input) else { return };
            let rank =
                |cell| order.iter().position(|verdict| *verdict == self::verdict(document, table, cell));
            let broken: Vec<usize> = (0..table.grid.cells)
                .filter(|cell| (1..axis.size - 1).contains(&table.grid.class(*cell, axis)))
                .filter(|cell| rank(*cell) > rank(*cell + axis.stride))
                .collect();
            if let Some(first) = broken.first() {
                let (low, high) = (*first, *first + axis.stride);
                let kind = ProblemKind::AssertionFails { id: assert.id.clone(), cells: broken.len() };
                let case = axis.values(&[table.grid.class(high, axis)]).into();
                let high = DecidedCase { case, ..decided(document, table, high) };
                let hint = Hint::Falling { low: decided(document, table, low), high };
                problems.add("V7", &assert.span, kind, hint);
            }
        }
    }
}

/// V9: an example has the expected decision.
fn example_holds(document: &Document, table: &Table, example: &Example, problems: &mut Problems<'_>) {
    let mut labels = Vec::new();
    let evidence = evidence_of(&example.input, &mut labels);
    let rule = table.rule(table.grid.cell(&evidence));
    let found = document.outcome(rule).verdict;
    let id = |rule: usize| document.rule_id(rule).to_owned();
    if found != example.verdict || example.rule.is_some_and(|expected| expected != rule) {
        let kind = ProblemKind::ExampleFails {
            name: example.name.clone(),
            expected: example.verdict,
            expected_rule: example.rule.map(id),
            found,
            rule: id(rule),
        };
        problems.failing_example(&example.span, kind);
    }
}

/// Reads the input of an example in the same way as recorded results.
pub(crate) fn evidence_of<'a>(
    input: &'a [(Input, ExampleValue)],
    labels: &'a mut Vec<Box<str>>,
) -> Evidence<'a> {
    let value = |name| match input.iter().find(|(found, _)| *found == name).map(|(_, given)| given) {
        Some(ExampleValue::Text(text)) => Value::Text(text),
        Some(ExampleValue::Number(number)) => Value::Number("", *number),
        Some(ExampleValue::List(json)) => Value::List(json),
        None => Value::Missing,
    };
    Evidence::read(Form::Flat, value, labels, |_| {})
}
