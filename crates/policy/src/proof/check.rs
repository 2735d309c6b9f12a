//! The checker: proves its statements by a check of every cell.

use std::collections::BTreeMap;

use cloudauth_protocol::{Code, SubCode};

use crate::document::problem::Problems;
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

/// V2: warns of a declared code that is not in the vendor's table. It may be newer than this program, or a spelling mistake.
fn codes_are_known(document: &Document, problems: &mut Problems<'_>) {
    for input in &document.inputs {
        let Kind::Code(values) = &input.kind else { continue };
        let (what, is_known): (_, fn(&str) -> bool) = match input.name {
            Input::Code => ("Code", |value| Code::from_wire(value).manual().is_some()),
            _ => ("SubCode", |value| SubCode::from_wire(value).manual().is_some()),
        };
        for value in values.iter().filter(|value| !is_known(value)) {
            let message = format!("{what} `{value}` is not in the vendor's table");
            let help = "check the spelling; an approval on it needs a reason".to_owned();
            problems.warn("V2", &input.span, message, Some(help));
        }
    }
}

/// V2 and V3: a rule names every code, and `otherwise` decides none of them.
fn codes_are_handled(document: &Document, table: &Table, problems: &mut Problems<'_>) {
    let Some(axis) = table.grid.axes.iter().find(|axis| axis.name == Input::SubCode) else {
        let help = "declare it: sub_code = { type = \"code\", values = [\"200\", ..] }".to_owned();
        problems.add("V2", &(0..0), "`sub_code` is not among the [inputs]", Some(help));
        return;
    };
    let input = document.inputs.get(axis.input).map_or(0..0, |input| input.span.clone());
    let Scale::Code(values, _) = &axis.scale else { return };
    for code in SUB_CODES.iter().filter(|code| !values.iter().any(|value| value == *code)) {
        let help = "it is on the vendor's page; add it to the values and to a rule".to_owned();
        problems.add("V2", &input, format!("SubCode {code} is not among the values"), Some(help));
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
        let word = axis.in_words(&[class]);
        let rule = if axis.is_understood(class) { "V2" } else { "V3" };
        if !named {
            let help = "add a rule that names it".to_owned();
            problems.add(rule, &input, format!("no rule covers the case that {word}"), Some(help));
        } else if let Some((cells, first)) = left.get(&class) {
            let message = format!("`otherwise` decides {cells} of the cells where {word}");
            let help = format!("for example: {}", table.grid.in_words(*first));
            problems.add(rule, &document.otherwise_span, message, Some(help));
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
                let message = format!("no rule covers the case that {}", axis.in_words(&[1]));
                let help =
                    "add a rule that names it, or remove it from the list: then it is unknown".to_owned();
                problems.add("V2", &input.span, message, Some(help));
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
        let names: Vec<_> = hiders
            .iter()
            .map(|(hider, cells)| format!("`{}` ({cells} cells)", document.rule_id(*hider)))
            .collect();
        let message = format!("rule `{}` never decides", rule.id);
        let help = if names.is_empty() {
            "no input meets all of its conditions".to_owned()
        } else {
            format!("earlier rules cover its cells: {}; move it up, or remove it", names.join(", "))
        };
        problems.add("V4", &rule.span, message, Some(help));
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
                let message =
                    format!("assertion `{}` has no effect: no input meets its conditions", assert.id);
                problems.add("V6", &assert.span, message, None);
            }
            if let Some(first) = broken.first() {
                let message = format!("assertion `{}` fails in {} cells", assert.id, broken.len());
                let rule = document.rule_id(table.rule(*first));
                let help =
                    format!("for example: rule `{rule}` gives {never} where {}", table.grid.in_words(*first));
                problems.add("V6", &assert.span, message, Some(help));
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
                let message = format!("assertion `{}` fails in {} cells", assert.id, broken.len());
                let help = format!(
                    "for example: rule `{}` gives {} where {}, and rule `{}` gives {} where {}",
                    document.rule_id(table.rule(low)),
                    verdict(document, table, low),
                    table.grid.in_words(low),
                    document.rule_id(table.rule(high)),
                    verdict(document, table, high),
                    axis.in_words(&[table.grid.class(high, axis)]),
                );
                problems.add("V7", &assert.span, message, Some(help));
            }
        }
    }
}

/// V9: an example has the expected decision.
fn example_holds(document: &Document, table: &Table, example: &Example, problems: &mut Problems<'_>) {
    let mut labels = Vec::new();
    let evidence = evidence_of(&example.input, &mut labels);
    let rule = table.rule(table.grid.cell(&evidence));
    let (found, id) = (document.outcome(rule).verdict, document.rule_id(rule));
    let as_expected =
        found == example.verdict && example.rule.as_deref().is_none_or(|expected| expected == id);
    if !as_expected {
        let expected = example.rule.as_deref().map(|rule| format!(" (rule `{rule}`)")).unwrap_or_default();
        let message = format!(
            "example `{}`: expected {}{expected}, got {found} (rule `{id}`)",
            example.name, example.verdict
        );
        problems.failing_example(&example.span, message);
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
